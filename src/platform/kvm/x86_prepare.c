/* SPDX-License-Identifier: BSD-2-Clause */
/* What x86 does ahead of KVM_RUN. */
#include "kvm.h"

/* Hand the caller's MSR answer to KVM. */
vmaccel_status kvm_arch_answer(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    if ((k->attention & KVM_ATTENTION_MSR) == 0)
        return VMACCEL_OK;
    k->run->msr.error = vcpu->exit.u.msr.error != 0;
    if (!vcpu->exit.u.msr.is_write)
        k->run->msr.data = vcpu->exit.u.msr.value;
    k->attention &= ~(uint64_t)KVM_ATTENTION_MSR;
    return VMACCEL_OK;
}

/* KVM tells an access in parts. */
bool kvm_arch_more(vmaccel_vcpu *vcpu)
{
    (void)vcpu;
    return false;
}

vmaccel_status kvm_arch_merge(vmaccel_vcpu *vcpu)
{
    return core_x86_merge(vcpu);
}

/* Whether register writes can go in together with the next KVM_RUN although it also completes a
 * write: nothing is left of the instruction but, for fast port I/O, the step past it, which KVM
 * leaves out when RIP is another. */
static bool can_overtake(const vmaccel_vcpu *vcpu)
{
    const struct kvm_vcpu *k = kvm_vcpu(vcpu);
    const vmaccel_exit *exit = &vcpu->exit;
    if (vcpu->awaiting_answer || (k->arch.synced & CORE_GROUP_REGS) == 0)
        return false;
    if (exit->reason == VMACCEL_EXIT_IO)
        return (vcpu->dirty & CORE_GROUP_REGS) != 0 &&
               vcpu->cache.x86.regs.rip != k->run->s.regs.regs.rip;
    return exit->reason == VMACCEL_EXIT_MMIO && exit->u.mmio.size < 8 &&
           ((exit->u.mmio.gpa + exit->u.mmio.size) & 0xfff) != 0;
}

static void step_exit(vmaccel_vcpu *vcpu)
{
    kvm_vcpu(vcpu)->step_done = false;
    vcpu->exit.reason = VMACCEL_EXIT_DEBUG;
    vcpu->exit.platform_reason = KVM_EXIT_DEBUG;
    memset(&vcpu->exit.u.debug, 0, sizeof vcpu->exit.u.debug);
    vcpu->exit.u.debug.flags = VMACCEL_DEBUG_STEP;
    vcpu->exit.u.debug.dr6 = 0xffff4ff0; /* BS */
    if (core_x86_need(vcpu, CORE_GROUP_REGS | CORE_GROUP_SREGS) == VMACCEL_OK)
        vcpu->exit.u.debug.pc = vcpu->cache.x86.regs.rip + vcpu->cache.x86.sregs.cs.base;
}

/* Go on past an execution breakpoint at RIP: with RF the CPU does not raise it again. */
static vmaccel_status resume_flag(vmaccel_vcpu *vcpu)
{
    vmaccel_status status = core_x86_need(vcpu, CORE_GROUP_REGS);
    if (status == VMACCEL_OK) {
        vcpu->cache.x86.regs.rflags |= 1u << 16;
        vcpu->dirty |= CORE_GROUP_REGS;
    }
    return status;
}

vmaccel_status kvm_arch_prepare(vmaccel_vcpu *vcpu, bool *exit_ready)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    vmaccel_status status = VMACCEL_OK;
    bool written = vcpu->dirty != 0 || vcpu->overlay_mask != 0;

    if (k->pending && (k->stepping || (written && !can_overtake(vcpu)))) {
        status = kvm_vcpu_complete(vcpu, exit_ready);
        if (status != VMACCEL_OK || *exit_ready)
            return status;
    }
    if (k->step_done) {
        step_exit(vcpu);
        *exit_ready = true;
        return VMACCEL_OK;
    }
    (void)kvm_arch_answer(vcpu);
    if ((k->attention & KVM_ATTENTION_RESUME) != 0)
        status = resume_flag(vcpu);
    if (status == VMACCEL_OK && vcpu->dirty != 0)
        status = kvm_x86_flush(vcpu);
    if (status == VMACCEL_OK)
        k->attention &= KVM_ATTENTION_STEP;
    k->arch.slot = false;
    k->arch.lapic_set = k->arch.deadline_set = k->arch.mp_set = false;
    return status;
}
