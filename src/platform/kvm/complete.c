/* SPDX-License-Identifier: BSD-2-Clause */
/* KVM finishes an I/O or MMIO instruction on the next KVM_RUN. With immediate_exit that call does
 * nothing else. */
#include "kvm.h"

int kvm_run_immediate(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    int result;

    __atomic_store_n(&k->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    do
        result = ioctl(k->fd, KVM_RUN, 0);
    while (result < 0 && errno == EAGAIN);
    int error = errno;
    kvm_kick_rearm(vcpu);
    errno = error;
    return result;
}

/* One KVM_RUN that only completes. *more: the record holds a further access of the instruction. */
static vmaccel_status complete_once(vmaccel_vcpu *vcpu, bool *more)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);

    *more = false;
    if (!k->pending)
        return VMACCEL_OK;
    *more = kvm_arch_more(vcpu);
    if (*more)
        return VMACCEL_OK;
    vmaccel_status status = kvm_arch_answer(vcpu);
    if (status != VMACCEL_OK)
        return status;
    int result = kvm_run_immediate(vcpu);
    if (result < 0 && errno != EINTR) /* EFAULT too: no exit fits here; the next run meets it */
        return kvm_fail("vcpu", "KVM_RUN");

    k->pending = false;
    vcpu->awaiting_answer = false;
    kvm_arch_ran(&k->arch, k->run);
    vcpu->valid = vcpu->dirty;
    if (k->stepping)
        k->step_done = true;
    if (result < 0)
        return VMACCEL_OK;
    if (k->run->exit_reason == KVM_EXIT_IO || k->run->exit_reason == KVM_EXIT_MMIO) {
        k->step_done = false;
        *more = kvm_decode_exit(vcpu);
    } else if (k->run->exit_reason != KVM_EXIT_DEBUG) {
        kvm_decode_exit(vcpu);
        *more = true;
    }
    return VMACCEL_OK;
}

vmaccel_status kvm_vcpu_complete(vmaccel_vcpu *vcpu, bool *more)
{
    vmaccel_status status = complete_once(vcpu, more);
    if (status == VMACCEL_OK && !*more)
        status = kvm_arch_merge(vcpu);
    return status;
}

vmaccel_status kvm_settle(vmaccel_vcpu *vcpu)
{
    bool more;
    if (!kvm_vcpu(vcpu)->pending || vcpu->awaiting_answer)
        return VMACCEL_OK;
    return kvm_vcpu_complete(vcpu, &more);
}
