/* SPDX-License-Identifier: BSD-2-Clause */
/* XSAVE, XCR0, debug registers, local APIC, TSC frequency. */
#include "kvm.h"

vmaccel_status kvm_x86_get_xsave(vmaccel_vcpu *vcpu, void *area)
{
    bool two = kvm_vm(vcpu->vm)->arch.xsave2;
    if (ioctl(kvm_vcpu(vcpu)->fd, two ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, area) < 0)
        return kvm_fail("x86", two ? "KVM_GET_XSAVE2" : "KVM_GET_XSAVE");
    return VMACCEL_OK;
}

vmaccel_status kvm_x86_set_xsave(vmaccel_vcpu *vcpu, const void *area)
{
    return ioctl(kvm_vcpu(vcpu)->fd, KVM_SET_XSAVE, area) < 0 ? kvm_fail("x86", "KVM_SET_XSAVE")
                                                              : VMACCEL_OK;
}

vmaccel_status kvm_x86_get_xcr0(vmaccel_vcpu *vcpu, uint64_t *xcr0)
{
    struct kvm_xcrs xcrs;
    if (ioctl(kvm_vcpu(vcpu)->fd, KVM_GET_XCRS, &xcrs) < 0)
        return kvm_fail("x86", "KVM_GET_XCRS");
    *xcr0 = 1;
    for (uint32_t i = 0; i < xcrs.nr_xcrs && i < KVM_MAX_XCRS; i++)
        if (xcrs.xcrs[i].xcr == 0)
            *xcr0 = xcrs.xcrs[i].value;
    return VMACCEL_OK;
}

vmaccel_status kvm_x86_set_xcr0(vmaccel_vcpu *vcpu, uint64_t xcr0)
{
    struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs = {{.xcr = 0, .value = xcr0}}};
    if (ioctl(kvm_vcpu(vcpu)->fd, KVM_SET_XCRS, &xcrs) == 0)
        return VMACCEL_OK;
    if (errno == EINVAL)
        return core_fail(VMACCEL_E_INVALID_ARGUMENT, "kvm", "x86", NULL, EINVAL,
                         "xcr0: KVM_SET_XCRS refused 0x%llx", (unsigned long long)xcr0);
    return kvm_fail("x86", "KVM_SET_XCRS");
}

vmaccel_status kvm_x86_get_debug_regs(vmaccel_vcpu *vcpu, vmaccel_x86_debug_regs *regs)
{
    struct kvm_debugregs raw;
    if (ioctl(kvm_vcpu(vcpu)->fd, KVM_GET_DEBUGREGS, &raw) < 0)
        return kvm_fail("x86", "KVM_GET_DEBUGREGS");
    memcpy(regs->dr, raw.db, sizeof regs->dr);
    regs->dr6 = raw.dr6;
    regs->dr7 = raw.dr7;
    return VMACCEL_OK;
}

vmaccel_status kvm_x86_set_debug_regs(vmaccel_vcpu *vcpu, const vmaccel_x86_debug_regs *regs)
{
    struct kvm_debugregs raw = {.dr6 = regs->dr6, .dr7 = regs->dr7};
    memcpy(raw.db, regs->dr, sizeof raw.db);
    return ioctl(kvm_vcpu(vcpu)->fd, KVM_SET_DEBUGREGS, &raw) < 0
               ? kvm_fail("x86", "KVM_SET_DEBUGREGS")
               : VMACCEL_OK;
}

_Static_assert(sizeof(vmaccel_x86_lapic) == sizeof(struct kvm_lapic_state), "one page format");

vmaccel_status kvm_x86_get_lapic(vmaccel_vcpu *vcpu, vmaccel_x86_lapic *lapic)
{
    vmaccel_status status = kvm_x86_flush_now(vcpu, CORE_GROUP_SREGS);
    if (status != VMACCEL_OK)
        return status;
    return ioctl(kvm_vcpu(vcpu)->fd, KVM_GET_LAPIC, lapic) < 0 ? kvm_fail("x86", "KVM_GET_LAPIC")
                                                               : VMACCEL_OK;
}

/* Write the LAPIC state last set, and the deadline that needs its timer mode. */
vmaccel_status kvm_x86_apply_lapic(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    if (ioctl(k->fd, KVM_SET_LAPIC, &k->arch.lapic) < 0)
        return kvm_fail("x86", "KVM_SET_LAPIC");
    return k->arch.deadline_set ? kvm_x86_set_deadline(vcpu, k->arch.deadline) : VMACCEL_OK;
}

vmaccel_status kvm_x86_set_lapic(vmaccel_vcpu *vcpu, const vmaccel_x86_lapic *lapic)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    vmaccel_status status = kvm_x86_flush_now(vcpu, CORE_GROUP_SREGS);
    if (status != VMACCEL_OK)
        return status;
    k->arch.lapic = *lapic;
    k->arch.lapic_set = true;
    k->attention |= KVM_ATTENTION_PENDING;
    return kvm_x86_apply_lapic(vcpu);
}

vmaccel_status kvm_x86_get_tsc_khz(vmaccel_vcpu *vcpu, uint32_t *khz)
{
    int value = ioctl(kvm_vcpu(vcpu)->fd, KVM_GET_TSC_KHZ, 0);
    if (value <= 0)
        return value < 0 ? kvm_fail("x86", "KVM_GET_TSC_KHZ")
                         : core_not_supported("kvm", "x86", VMACCEL_CAP_TSC_KHZ);
    *khz = (uint32_t)value;
    return VMACCEL_OK;
}
