/* SPDX-License-Identifier: BSD-2-Clause */
/* What arm64 does ahead of KVM_RUN. */
#include "kvm.h"

/* The rest of an access whose first part crosses a page. Where memory is there, the access is made
 * here. */
bool kvm_arch_more(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    vmaccel_exit *exit = &vcpu->exit;

    if ((k->attention & KVM_ATTENTION_SPLIT) == 0)
        return false;
    k->attention &= ~(uint64_t)KVM_ATTENTION_SPLIT;
    uint8_t first = exit->u.mmio.size, rest = (uint8_t)(k->run->mmio.len - first);
    uint8_t *data = exit->u.mmio.data + first;
    vmaccel_gpa gpa = exit->u.mmio.gpa + first;
    const struct core_region *region = core_region_at(vcpu->vm, gpa);
    if (region != NULL && !exit->u.mmio.is_write)
        return vmaccel_memory_read(vcpu->vm, gpa, data, rest) != VMACCEL_OK;
    if (region != NULL && (region->flags & VMACCEL_MEM_WRITE) != 0)
        return vmaccel_memory_write(vcpu->vm, gpa, data, rest) != VMACCEL_OK;
    exit->u.mmio.gpa = gpa;
    exit->u.mmio.size = rest;
    exit->u.mmio.data = data;
    return true;
}

/* A read's answer is in the run page. */
vmaccel_status kvm_arch_answer(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);

    if ((k->attention & KVM_ATTENTION_CALL) == 0)
        return VMACCEL_OK;
    if (kvm_arm64_set_one(k->fd, kvm_arm64_core_id(VMACCEL_ARM64_X0),
                          &vcpu->exit.u.hypercall.result) < 0)
        return kvm_fail("arm64", "KVM_SET_ONE_REG");
    k->attention &= ~(uint64_t)KVM_ATTENTION_CALL;
    return VMACCEL_OK;
}

vmaccel_status kvm_arch_merge(vmaccel_vcpu *vcpu)
{
    return core_arm64_merge(vcpu);
}

bool kvm_arch_interrupted(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    vmaccel_exit *exit = &vcpu->exit;
    uint64_t level = k->run->s.regs.device_irq_level;

    if (level == k->arch.irq_level)
        return false;
    k->arch.irq_level = level;
    exit->reason = VMACCEL_EXIT_TIMER;
    exit->platform_reason = KVM_EXIT_INTR;
    memset(&exit->u.timer, 0, sizeof exit->u.timer);
    exit->u.timer.virtual_timer = (level & KVM_ARM_DEV_EL1_VTIMER) != 0;
    exit->u.timer.physical_timer = (level & KVM_ARM_DEV_EL1_PTIMER) != 0;
    exit->u.timer.pmu = (level & KVM_ARM_DEV_PMU) != 0;
    return true;
}

/* Whether the pending instruction has to be finished before the entry. KVM moves PC when it
 * finishes, whatever PC is by then; the other registers only for a read. */
static bool must_complete(const vmaccel_vcpu *vcpu)
{
    const uint64_t events =
        KVM_ATTENTION_TIMER | KVM_ATTENTION_RESUME | KVM_ATTENTION_SPLIT | KVM_ATTENTION_CALL;
    const struct kvm_vcpu *k = kvm_vcpu(vcpu);

    return k->pending && (k->stepping || k->arch.watch_due || vcpu->overlay_mask != 0 ||
                          (vcpu->dirty & (CORE_ARM64(PC) | CORE_ARM64(PSTATE))) != 0 ||
                          (k->attention & events) != 0);
}

vmaccel_status kvm_arch_prepare(vmaccel_vcpu *vcpu, bool *exit_ready)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    vmaccel_status status = VMACCEL_OK;

    if (must_complete(vcpu)) {
        status = kvm_vcpu_complete(vcpu, exit_ready);
        if (status != VMACCEL_OK || *exit_ready)
            return status;
    }
    if (k->arch.watch_due && k->arch.over_wanted != KVM_OVER_WATCHPOINT) {
        kvm_arm64_watch_exit(vcpu);
        *exit_ready = true;
        return VMACCEL_OK;
    }
    if (k->step_done) {
        kvm_arm64_step_exit(vcpu);
        *exit_ready = true;
        return VMACCEL_OK;
    }
    if ((k->attention & KVM_ATTENTION_TIMER) != 0 && kvm_arch_interrupted(vcpu)) {
        k->attention &= ~(uint64_t)KVM_ATTENTION_TIMER;
        *exit_ready = true;
        return VMACCEL_OK;
    }
    if ((k->attention & (KVM_ATTENTION_RESUME | KVM_ATTENTION_INJECT)) != 0)
        status = kvm_arm64_prepare_debug(vcpu);
    if (status == VMACCEL_OK && vcpu->dirty != 0)
        status = kvm_arm64_flush(vcpu);
    if (status == VMACCEL_OK)
        k->attention &= KVM_ATTENTION_STEP;
    return status;
}
