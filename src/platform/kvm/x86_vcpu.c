/* SPDX-License-Identifier: BSD-2-Clause */
#include <unistd.h>

#include "kvm.h"

vmaccel_status kvm_arch_vcpu_open(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    k->fd = ioctl(kvm_vm(vcpu->vm)->fd, KVM_CREATE_VCPU, (unsigned long)vcpu->index);
    if (k->fd < 0)
        return errno == EEXIST ? core_fail(VMACCEL_E_EXISTS, "kvm", "vcpu", NULL, EEXIST,
                                           "KVM_CREATE_VCPU: index %u is used", vcpu->index)
                               : kvm_fail("vcpu", "KVM_CREATE_VCPU");
    return VMACCEL_OK;
}

void kvm_arch_vcpu_close(vmaccel_vcpu *vcpu)
{
    close(kvm_vcpu(vcpu)->fd);
    kvm_vcpu(vcpu)->fd = -1;
}

vmaccel_status kvm_arch_vcpu_init(vmaccel_vcpu *vcpu)
{
    kvm_vcpu(vcpu)->attention = KVM_ATTENTION_FIRST;
    /* The first run writes the architecture's reset state, which older
     * KVMs differ from in the types of LDTR and TR. A processor that waits for SIPI keeps what KVM
     * gives it. */
    vmaccel_x86_reset_state(&vcpu->cache.x86.regs, &vcpu->cache.x86.sregs);
    if (vcpu->vm->irqchip == VMACCEL_IRQCHIP_NONE || vcpu->index == 0)
        vcpu->valid = vcpu->dirty = CORE_GROUP_REGS | CORE_GROUP_SREGS;
    return kvm_x86_apply_cpuid(vcpu);
}

static const uint32_t kvm_of_mp[] = {
    [VMACCEL_MP_RUNNABLE] = KVM_MP_STATE_RUNNABLE,
    [VMACCEL_MP_HALTED] = KVM_MP_STATE_HALTED,
    [VMACCEL_MP_WAIT_FOR_INIT] = KVM_MP_STATE_UNINITIALIZED,
    [VMACCEL_MP_INIT_RECEIVED] = KVM_MP_STATE_INIT_RECEIVED,
    [VMACCEL_MP_SIPI_RECEIVED] = KVM_MP_STATE_SIPI_RECEIVED,
};

vmaccel_status kvm_get_mp_state(vmaccel_vcpu *vcpu, vmaccel_mp_state *state)
{
    struct kvm_mp_state raw;
    if (ioctl(kvm_vcpu(vcpu)->fd, KVM_GET_MP_STATE, &raw) < 0)
        return kvm_fail("vcpu", "KVM_GET_MP_STATE");
    for (uint32_t i = 0; i < sizeof kvm_of_mp / sizeof kvm_of_mp[0]; i++) {
        if (kvm_of_mp[i] == raw.mp_state) {
            *state = (vmaccel_mp_state)i;
            return VMACCEL_OK;
        }
    }
    return core_fail(VMACCEL_E_PLATFORM, "kvm", "vcpu", NULL, 0,
                     "KVM_GET_MP_STATE: unknown state %u", raw.mp_state);
}

vmaccel_status kvm_apply_mp_state(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    struct kvm_mp_state raw = {.mp_state = kvm_of_mp[k->arch.mp_state]};
    return ioctl(k->fd, KVM_SET_MP_STATE, &raw) < 0 ? kvm_fail("vcpu", "KVM_SET_MP_STATE")
                                                    : VMACCEL_OK;
}

vmaccel_status kvm_set_mp_state(vmaccel_vcpu *vcpu, vmaccel_mp_state state)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    k->arch.mp_state = state;
    vmaccel_status status = kvm_apply_mp_state(vcpu);
    k->arch.mp_set = status == VMACCEL_OK;
    k->attention |= KVM_ATTENTION_PENDING;
    return status;
}

vmaccel_status kvm_translate(vmaccel_vcpu *vcpu, vmaccel_gva gva, vmaccel_gpa *gpa)
{
    struct kvm_translation translation = {.linear_address = gva};
    vmaccel_status status = kvm_x86_flush_now(vcpu, CORE_GROUP_SREGS);
    if (status != VMACCEL_OK)
        return status;
    if (ioctl(kvm_vcpu(vcpu)->fd, KVM_TRANSLATE, &translation) < 0)
        return kvm_fail("vcpu", "KVM_TRANSLATE");
    if (!translation.valid)
        return core_fail(VMACCEL_E_GUEST_MEMORY, "kvm", "vcpu", NULL, 0,
                         "0x%llx is not mapped by the guest", (unsigned long long)gva);
    *gpa = translation.physical_address;
    return VMACCEL_OK;
}
