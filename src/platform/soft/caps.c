/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "soft.h"

/* Sorted arrays are copied to change them; more regions than this are no use to anyone. */
#define MAX_REGIONS 32768u

/* All that are raised as exceptions: no NMI, and none of the reserved vectors. */
#define EXCEPTIONS 0x3f7dfbu

void soft_probe(vmaccel_platform_info *info)
{
    info->kind = VMACCEL_KIND_SOFTWARE;
    info->status = VMACCEL_OK;
    info->guest_x86_64 = true;
    snprintf(info->reason, sizeof info->reason, "software CPU: runs on every host");
}

static uint64_t gpa_bits(void)
{
    vmaccel_x86_cpuid table[128];
    size_t count = cpu_cpuid_supported(table, sizeof table / sizeof table[0]);
    for (size_t i = 0; i < count && i < sizeof table / sizeof table[0]; i++)
        if (table[i].leaf == 0x80000008)
            return table[i].eax & 0xff;
    return 36;
}

uint64_t soft_cap(vmaccel_arch arch, vmaccel_cap cap)
{
    if (arch != VMACCEL_ARCH_X86_64)
        return 0;
    switch (cap) {
    case VMACCEL_CAP_MAX_VCPUS:
        return X86_IRQCHIP_MAX_VCPUS - 1; /* APIC ID 255 means all */
    case VMACCEL_CAP_PAGE_SIZE:
        return CPU_PAGE_SIZE;
    case VMACCEL_CAP_GPA_BITS:
        return gpa_bits();
    case VMACCEL_CAP_MAX_REGIONS:
        return MAX_REGIONS;
    case VMACCEL_CAP_MAX_VMS:
        return UINT32_MAX;
    case VMACCEL_CAP_EXIT_EXCEPTION:
        return EXCEPTIONS;
    case VMACCEL_CAP_HW_BREAKPOINT:
    case VMACCEL_CAP_HW_WATCHPOINT:
        return 4;
    case VMACCEL_CAP_REG_XSAVE:
        return CPU_XSAVE_SIZE;
    case VMACCEL_CAP_NATIVE_KERNEL:
    case VMACCEL_CAP_MEM_READ_ONLY:
    case VMACCEL_CAP_MEM_DIRTY_LOG:
    case VMACCEL_CAP_MEM_ALIAS:
    case VMACCEL_CAP_MEM_NO_EXEC:
    case VMACCEL_CAP_MEM_SPLIT_RUNNING:
    case VMACCEL_CAP_DOORBELL:
    case VMACCEL_CAP_IRQCHIP_NONE:
    case VMACCEL_CAP_IRQCHIP_SPLIT:
    case VMACCEL_CAP_IRQCHIP_FULL:
    case VMACCEL_CAP_IRQ_LINE:
    case VMACCEL_CAP_IRQ_MSI:
    case VMACCEL_CAP_INJECT_INTERRUPT:
    case VMACCEL_CAP_INJECT_EXCEPTION:
    case VMACCEL_CAP_INJECT_NMI:
    case VMACCEL_CAP_EXIT_HLT:
    case VMACCEL_CAP_EXIT_CPUID:
    case VMACCEL_CAP_EXIT_MSR:
    case VMACCEL_CAP_EXIT_HYPERCALL:
    case VMACCEL_CAP_SINGLE_STEP:
    case VMACCEL_CAP_SW_BREAKPOINT:
    case VMACCEL_CAP_REG_FPU:
    case VMACCEL_CAP_REG_XCR:
    case VMACCEL_CAP_REG_MSR:
    case VMACCEL_CAP_REG_CPUID:
    case VMACCEL_CAP_REG_DEBUG:
    case VMACCEL_CAP_REG_EVENTS:
    case VMACCEL_CAP_REG_MP_STATE:
    case VMACCEL_CAP_REG_LAPIC:
    case VMACCEL_CAP_REG_IRQCHIP:
    case VMACCEL_CAP_TSC_KHZ:
    case VMACCEL_CAP_TRANSLATE:
        return 1;
    default:
        return 0;
    }
}

uint64_t soft_vm_cap(const vmaccel_vm *vm, vmaccel_cap cap)
{
    bool none = vm->irqchip == VMACCEL_IRQCHIP_NONE;
    switch (cap) {
    case VMACCEL_CAP_IRQ_LINE:
    case VMACCEL_CAP_REG_IRQCHIP:
        if (vm->irqchip != VMACCEL_IRQCHIP_FULL)
            return 0;
        break;
    case VMACCEL_CAP_IRQ_MSI:
    case VMACCEL_CAP_REG_LAPIC:
        if (none)
            return 0;
        break;
    case VMACCEL_CAP_INJECT_INTERRUPT:
    case VMACCEL_CAP_EXIT_HLT: /* a vCPU with a local APIC waits by itself */
        if (!none)
            return 0;
        break;
    default:
        break;
    }
    return soft_cap(vm->arch, cap);
}
