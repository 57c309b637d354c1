/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that only x86 has. */
#include "calls.h"

#include <stdlib.h>

/* A call that fills or takes one object, zeroed. */
#define WITH(name, type)                                                                           \
    static vmaccel_status call_##name(vmaccel_vcpu *vcpu)                                          \
    {                                                                                              \
        type value;                                                                                \
        memset(&value, 0, sizeof(value));                                                          \
        return vmaccel_##name(vcpu, &value);                                                       \
    }

WITH(x86_get_regs, vmaccel_x86_regs)
WITH(x86_set_regs, vmaccel_x86_regs)
WITH(x86_get_sregs, vmaccel_x86_sregs)
WITH(x86_get_fpu, vmaccel_x86_fpu)
WITH(x86_set_fpu, vmaccel_x86_fpu)
WITH(x86_get_xcr0, uint64_t)
WITH(x86_get_debug_regs, vmaccel_x86_debug_regs)
WITH(x86_get_events, vmaccel_x86_events)
WITH(x86_set_events, vmaccel_x86_events)
WITH(x86_get_lapic, vmaccel_x86_lapic)
WITH(x86_get_tsc_khz, uint32_t)

static vmaccel_status call_set_sregs(vmaccel_vcpu *vcpu)
{
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    vmaccel_x86_reset_state(&regs, &sregs);
    return vmaccel_x86_set_sregs(vcpu, &sregs);
}

static vmaccel_status call_set_debug_regs(vmaccel_vcpu *vcpu)
{
    vmaccel_x86_debug_regs regs = {.dr6 = 0xffff0ff0, .dr7 = 0x400};
    return vmaccel_x86_set_debug_regs(vcpu, &regs);
}

static vmaccel_status call_set_xcr0(vmaccel_vcpu *vcpu)
{
    return vmaccel_x86_set_xcr0(vcpu, 1);
}

/* Large enough for any XSAVE area. */
static vmaccel_status with_area(vmaccel_vcpu *vcpu, bool set)
{
    size_t size = 64 * 1024;
    uint8_t *area = calloc(1, size);
    if (area == NULL)
        return VMACCEL_E_NO_MEMORY;
    area[24] = 0x80; /* MXCSR 0x1f80 */
    area[25] = 0x1f;
    vmaccel_status status =
        set ? vmaccel_x86_set_xsave(vcpu, area, size) : vmaccel_x86_get_xsave(vcpu, area, size);
    free(area);
    return status;
}

static vmaccel_status call_get_xsave(vmaccel_vcpu *vcpu)
{
    return with_area(vcpu, false);
}

static vmaccel_status call_set_xsave(vmaccel_vcpu *vcpu)
{
    return with_area(vcpu, true);
}

static vmaccel_status call_get_msrs(vmaccel_vcpu *vcpu)
{
    vmaccel_x86_msr msr = {.id = 0x174};
    return vmaccel_x86_get_msrs(vcpu, &msr, 1, NULL);
}

static vmaccel_status call_set_msrs(vmaccel_vcpu *vcpu)
{
    vmaccel_x86_msr msr = {.id = 0x174, .value = 8};
    return vmaccel_x86_set_msrs(vcpu, &msr, 1, NULL);
}

static vmaccel_status call_get_cpuid(vmaccel_vcpu *vcpu)
{
    vmaccel_x86_cpuid entries[256];
    size_t count = 256;
    return vmaccel_x86_get_cpuid(vcpu, entries, &count);
}

static vmaccel_status call_set_lapic(vmaccel_vcpu *vcpu)
{
    vmaccel_x86_lapic lapic;
    vmaccel_status status = vmaccel_x86_get_lapic(vcpu, &lapic);
    return status != VMACCEL_OK ? status : vmaccel_x86_set_lapic(vcpu, &lapic);
}

static vmaccel_status call_irq_msi(vmaccel_vm *vm)
{
    return vmaccel_irq_msi(vm, 0xfee00000, 0x40);
}

static vmaccel_status call_get_irqchip(vmaccel_vm *vm)
{
    vmaccel_x86_irqchip state;
    return vmaccel_x86_get_irqchip(vm, &state);
}

static vmaccel_status call_get_clock(vmaccel_vm *vm)
{
    uint64_t ns;
    return vmaccel_x86_get_clock(vm, &ns);
}

static vmaccel_status call_msr_list(vmaccel_vm *vm)
{
    uint32_t ids[1024];
    size_t count = 1024;
    return vmaccel_x86_msr_list(vm, ids, &count);
}

static vmaccel_status call_cpuid_supported(vmaccel_vm *vm)
{
    vmaccel_x86_cpuid entries[256];
    size_t count = 256;
    return vmaccel_x86_cpuid_supported(vm, entries, &count);
}

static const struct vcpu_call vcpu_calls[] = {
    {"get_regs", 0, call_x86_get_regs},
    {"set_regs", 0, call_x86_set_regs},
    {"get_sregs", 0, call_x86_get_sregs},
    {"set_sregs", 0, call_set_sregs},
    {"get_fpu", VMACCEL_CAP_REG_FPU, call_x86_get_fpu},
    {"set_fpu", VMACCEL_CAP_REG_FPU, call_x86_set_fpu},
    {"get_xsave", VMACCEL_CAP_REG_XSAVE, call_get_xsave},
    {"set_xsave", VMACCEL_CAP_REG_XSAVE, call_set_xsave},
    {"get_xcr0", VMACCEL_CAP_REG_XCR, call_x86_get_xcr0},
    {"set_xcr0", VMACCEL_CAP_REG_XCR, call_set_xcr0},
    {"get_msrs", VMACCEL_CAP_REG_MSR, call_get_msrs},
    {"set_msrs", VMACCEL_CAP_REG_MSR, call_set_msrs},
    {"get_cpuid", VMACCEL_CAP_REG_CPUID, call_get_cpuid},
    {"get_debug_regs", VMACCEL_CAP_REG_DEBUG, call_x86_get_debug_regs},
    {"set_debug_regs", VMACCEL_CAP_REG_DEBUG, call_set_debug_regs},
    {"get_events", VMACCEL_CAP_REG_EVENTS, call_x86_get_events},
    {"set_events", VMACCEL_CAP_REG_EVENTS, call_x86_set_events},
    {"get_lapic", VMACCEL_CAP_REG_LAPIC, call_x86_get_lapic},
    {"set_lapic", VMACCEL_CAP_REG_LAPIC, call_set_lapic},
    {"get_tsc_khz", VMACCEL_CAP_TSC_KHZ, call_x86_get_tsc_khz},
};

static const struct vm_call vm_calls[] = {
    {"irq_msi", VMACCEL_CAP_IRQ_MSI, call_irq_msi},
    {"get_irqchip", VMACCEL_CAP_REG_IRQCHIP, call_get_irqchip},
    {"get_clock", VMACCEL_CAP_REG_CLOCK, call_get_clock},
    {"msr_list", VMACCEL_CAP_REG_MSR, call_msr_list},
    {"cpuid_supported", VMACCEL_CAP_REG_CPUID, call_cpuid_supported},
};

const struct calls calls_x86 = {.arch = VMACCEL_ARCH_X86_64,
                                .vcpu = vcpu_calls,
                                .vcpu_count = sizeof(vcpu_calls) / sizeof(vcpu_calls[0]),
                                .vm = vm_calls,
                                .vm_count = sizeof(vm_calls) / sizeof(vm_calls[0])};
