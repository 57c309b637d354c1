/* SPDX-License-Identifier: BSD-2-Clause */
/* Capability queries. Ask before use: an operation whose capability answers 0 returns
 * VMACCEL_E_NOT_SUPPORTED. */
#ifndef VMACCEL_CAPS_H
#define VMACCEL_CAPS_H

#include <vmaccel/types.h>

VMACCEL_BEGIN_DECLS

/* X(NAME, value, "printed-name", "what the number means"): the one list of capabilities. Values are
 * append-only. A capability is 0 where absent; 1 where present, or the number that its line
 * describes. */
#define VMACCEL_CAP_LIST(X)                                                                        \
    X(MAX_VCPUS, 1, "max-vcpus", "vCPUs in one VM")                                                \
    X(PAGE_SIZE, 2, "page-size", "granularity of memory mapping, bytes")                           \
    X(GPA_BITS, 3, "gpa-bits", "width of guest-physical addresses, bits")                          \
    X(MAX_REGIONS, 4, "max-regions", "memory regions mapped at once")                              \
    X(MAX_VMS, 5, "max-vms", "VMs in one process")                                                 \
    X(NATIVE_KERNEL, 6, "native-kernel",                                                           \
      "guest kernel code runs on the CPU or a complete CPU model")                                 \
    X(MEM_READ_ONLY, 10, "mem-read-only", "regions a guest write to which exits as MMIO")          \
    X(MEM_DIRTY_LOG, 11, "mem-dirty-log", "dirty log, get and clear")                              \
    X(MEM_ALIAS, 12, "mem-alias", "one host range at several guest addresses")                     \
    X(MEM_NO_EXEC, 13, "mem-no-exec", "regions without execute permission")                        \
    X(MEM_SPLIT_RUNNING, 14, "mem-split-running",                                                  \
      "part of a region can be unmapped while vCPUs run")                                          \
    X(DOORBELL, 15, "doorbell", "guest writes that signal the host without an exit to the caller") \
    X(DOORBELL_KERNEL, 16, "doorbell-kernel", "doorbells cost no return to user space")            \
    X(IRQCHIP_NONE, 20, "irqchip-none", "VMs without an interrupt controller")                     \
    X(IRQCHIP_SPLIT, 21, "irqchip-split", "VMs with the platform's local APICs only")              \
    X(IRQCHIP_FULL, 22, "irqchip-full", "VMs with local and system interrupt controllers")         \
    X(IRQ_LINE, 23, "irq-line", "interrupt lines")                                                 \
    X(IRQ_MSI, 24, "irq-msi", "message-signalled interrupts")                                      \
    X(INJECT_INTERRUPT, 25, "inject-interrupt", "the external-interrupt slot and its window exit") \
    X(INJECT_EXCEPTION, 26, "inject-exception", "exception injection")                             \
    X(INJECT_NMI, 27, "inject-nmi", "NMI injection")                                               \
    X(EXIT_HLT, 30, "exit-hlt", "HLT/WFI exits to the caller")                                     \
    X(EXIT_CPUID, 31, "exit-cpuid", "CPUID exits to the caller")                                   \
    X(EXIT_MSR, 32, "exit-msr", "MSR or system-register accesses exit to the caller")              \
    X(EXIT_HYPERCALL, 33, "exit-hypercall", "hypercalls exit to the caller")                       \
    X(EXIT_EXCEPTION, 34, "exit-exception", "bit n: exception vector n can exit to the caller")    \
    X(SINGLE_STEP, 40, "single-step", "single-step")                                               \
    X(SW_BREAKPOINT, 41, "sw-breakpoint", "guest INT3/BRK exits as DEBUG")                         \
    X(HW_BREAKPOINT, 42, "hw-breakpoint", "hardware execution breakpoints, count")                 \
    X(HW_WATCHPOINT, 43, "hw-watchpoint", "hardware data watchpoints, count")                      \
    X(REG_FPU, 50, "reg-fpu", "x87/SSE/AVX or V registers as a canonical struct")                  \
    X(REG_XSAVE, 51, "reg-xsave", "XSAVE area, size in bytes of the standard form")                \
    X(REG_XCR, 52, "reg-xcr", "XCR0")                                                              \
    X(REG_MSR, 53, "reg-msr", "MSRs or system registers by id")                                    \
    X(REG_CPUID, 54, "reg-cpuid", "CPUID table")                                                   \
    X(REG_DEBUG, 55, "reg-debug", "guest debug registers")                                         \
    X(REG_EVENTS, 56, "reg-events", "pending events, interrupt shadow and NMI state")              \
    X(REG_MP_STATE, 57, "reg-mp-state", "MP state")                                                \
    X(REG_LAPIC, 58, "reg-lapic", "local APIC register page")                                      \
    X(REG_IRQCHIP, 59, "reg-irqchip", "state of the platform's 8259, IOAPIC and 8254")             \
    X(REG_CLOCK, 60, "reg-clock", "paravirtual clock value")                                       \
    X(TSC_KHZ, 61, "tsc-khz", "guest TSC frequency can be read, kHz")                              \
    X(TRANSLATE, 62, "translate", "guest-virtual to guest-physical translation")                   \
    X(MACHINE, 63, "machine", "runs whole machines only; no single vCPU")                          \
    X(REG_SVE, 64, "reg-sve", "SVE registers, vector length in bytes")                             \
    X(ARM64_GICV2, 65, "arm64-gicv2", "GICv2 as the FULL irqchip")                                 \
    X(ARM64_GICV3, 66, "arm64-gicv3", "GICv3 as the FULL irqchip")                                 \
    X(ARM64_ITS, 67, "arm64-its", "GICv3 ITS: MSIs")                                               \
    X(ARM64_PMU, 68, "arm64-pmu", "performance monitors")                                          \
    X(ARM64_PAUTH, 69, "arm64-pauth", "pointer authentication")

typedef enum vmaccel_cap {
#define VMACCEL_CAP_ENUM(name, value, text, doc) VMACCEL_CAP_##name = value,
    VMACCEL_CAP_LIST(VMACCEL_CAP_ENUM)
#undef VMACCEL_CAP_ENUM
        VMACCEL_CAP_MAX_VALUE = 69
} vmaccel_cap;

/* Printed name ("mem-dirty-log"), or "unknown". Never NULL. Thread: any. */
VMACCEL_API const char *vmaccel_cap_name(vmaccel_cap cap);

/* What the platform offers for guests of `arch` on this host, before any VM exists. 0 where the
 * platform is not available. Thread: any. */
VMACCEL_API uint64_t vmaccel_platform_cap(const vmaccel_platform *platform, vmaccel_arch arch,
                                          vmaccel_cap cap);

/* The same for one VM, its irqchip and other settings considered. Thread: any. */
VMACCEL_API uint64_t vmaccel_vm_cap(const vmaccel_vm *vm, vmaccel_cap cap);

VMACCEL_END_DECLS

#endif
