/* SPDX-License-Identifier: BSD-2-Clause */
#include <vmaccel/vmaccel.h>

#define STRING(x)        #x
#define EXPAND(x)        STRING(x)
#define VERSION(a, b, c) EXPAND(a) "." EXPAND(b) "." EXPAND(c)

const char *vmaccel_version_string(void)
{
    return VERSION(VMACCEL_VERSION_MAJOR, VMACCEL_VERSION_MINOR, VMACCEL_VERSION_PATCH);
}

const char *vmaccel_arch_name(vmaccel_arch arch)
{
    switch (arch) {
    case VMACCEL_ARCH_X86_64:
        return "x86_64";
    case VMACCEL_ARCH_ARM64:
        return "aarch64";
    default:
        return "none";
    }
}

const char *vmaccel_platform_kind_name(vmaccel_platform_kind kind)
{
    switch (kind) {
    case VMACCEL_KIND_HARDWARE:
        return "hardware";
    case VMACCEL_KIND_PARAVIRTUAL:
        return "paravirtual";
    case VMACCEL_KIND_SOFTWARE:
        return "software";
    case VMACCEL_KIND_SIMULATED:
        return "simulated";
    case VMACCEL_KIND_NONE:
        break;
    }
    return "none";
}

const char *vmaccel_exit_name(uint32_t reason)
{
    static const char *const names[] = {
        [VMACCEL_EXIT_NONE] = "NONE",
        [VMACCEL_EXIT_IO] = "IO",
        [VMACCEL_EXIT_MMIO] = "MMIO",
        [VMACCEL_EXIT_HLT] = "HLT",
        [VMACCEL_EXIT_SHUTDOWN] = "SHUTDOWN",
        [VMACCEL_EXIT_RESET] = "RESET",
        [VMACCEL_EXIT_POWEROFF] = "POWEROFF",
        [VMACCEL_EXIT_DEBUG] = "DEBUG",
        [VMACCEL_EXIT_HYPERCALL] = "HYPERCALL",
        [VMACCEL_EXIT_MSR] = "MSR",
        [VMACCEL_EXIT_CPUID] = "CPUID",
        [VMACCEL_EXIT_IRQ_WINDOW] = "IRQ_WINDOW",
        [VMACCEL_EXIT_KICKED] = "KICKED",
        [VMACCEL_EXIT_EXCEPTION] = "EXCEPTION",
        [VMACCEL_EXIT_MEMORY_FAULT] = "MEMORY_FAULT",
        [VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION] = "UNSUPPORTED_INSTRUCTION",
        [VMACCEL_EXIT_FAILED_ENTRY] = "FAILED_ENTRY",
        [VMACCEL_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
        [VMACCEL_EXIT_EOI] = "EOI",
        [VMACCEL_EXIT_TIMER] = "TIMER",
        [VMACCEL_EXIT_CRASH] = "CRASH",
    };

    return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "UNKNOWN";
}
