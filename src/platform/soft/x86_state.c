/* SPDX-License-Identifier: BSD-2-Clause */
/* XSAVE, XCR0, debug registers, local APIC, TSC frequency, interrupt controllers. */
#include "soft.h"

vmaccel_status soft_x86_get_xsave(vmaccel_vcpu *vcpu, void *area)
{
    cpu_get_xsave(soft_vcpu(vcpu)->cpu, area);
    return VMACCEL_OK;
}

vmaccel_status soft_x86_set_xsave(vmaccel_vcpu *vcpu, const void *area)
{
    cpu_set_xsave(soft_vcpu(vcpu)->cpu, area);
    return VMACCEL_OK;
}

vmaccel_status soft_x86_get_xcr0(vmaccel_vcpu *vcpu, uint64_t *xcr0)
{
    *xcr0 = cpu_get_xcr0(soft_vcpu(vcpu)->cpu);
    return VMACCEL_OK;
}

vmaccel_status soft_x86_set_xcr0(vmaccel_vcpu *vcpu, uint64_t xcr0)
{
    if (cpu_set_xcr0(soft_vcpu(vcpu)->cpu, xcr0))
        return VMACCEL_OK;
    return core_fail(VMACCEL_E_INVALID_ARGUMENT, "soft", "x86", NULL, 0,
                     "xcr0: the guest's CPU can't have 0x%llx", (unsigned long long)xcr0);
}

vmaccel_status soft_x86_get_debug_regs(vmaccel_vcpu *vcpu, vmaccel_x86_debug_regs *regs)
{
    cpu_get_debug_regs(soft_vcpu(vcpu)->cpu, regs);
    return VMACCEL_OK;
}

vmaccel_status soft_x86_set_debug_regs(vmaccel_vcpu *vcpu, const vmaccel_x86_debug_regs *regs)
{
    cpu_set_debug_regs(soft_vcpu(vcpu)->cpu, regs);
    return VMACCEL_OK;
}

vmaccel_status soft_x86_get_lapic(vmaccel_vcpu *vcpu, vmaccel_x86_lapic *lapic)
{
    vmaccel_status status = soft_x86_sync(vcpu);
    if (status == VMACCEL_OK)
        x86_lapic_get_state(soft_vm(vcpu->vm)->chip, vcpu->index, lapic);
    return status;
}

vmaccel_status soft_x86_apply_lapic(vmaccel_vcpu *vcpu)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);
    struct x86_irqchip *chip = soft_vm(vcpu->vm)->chip;
    if (!x86_lapic_set_state(chip, vcpu->index, &s->lapic))
        return core_fail(VMACCEL_E_INVALID_ARGUMENT, "soft", "x86", NULL, 0,
                         "lapic: the ID is not that of vCPU %u in x2APIC mode", vcpu->index);
    if (s->deadline_set)
        x86_lapic_set_deadline(chip, vcpu->index, s->deadline);
    return VMACCEL_OK;
}

vmaccel_status soft_x86_set_lapic(vmaccel_vcpu *vcpu, const vmaccel_x86_lapic *lapic)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);
    vmaccel_status status = soft_x86_sync(vcpu);
    if (status != VMACCEL_OK)
        return status;
    s->lapic = *lapic;
    s->lapic_set = true;
    s->attention |= SOFT_ATTENTION_LAPIC;
    return soft_x86_apply_lapic(vcpu);
}

vmaccel_status soft_x86_get_tsc_khz(vmaccel_vcpu *vcpu, uint32_t *khz)
{
    (void)vcpu;
    *khz = SOFT_TSC_KHZ;
    return VMACCEL_OK;
}

vmaccel_status soft_x86_get_irqchip(vmaccel_vm *vm, vmaccel_x86_irqchip *state)
{
    x86_irqchip_get_state(soft_vm(vm)->chip, state);
    return VMACCEL_OK;
}

vmaccel_status soft_x86_set_irqchip(vmaccel_vm *vm, const vmaccel_x86_irqchip *state)
{
    x86_irqchip_set_state(soft_vm(vm)->chip, state);
    return VMACCEL_OK;
}
