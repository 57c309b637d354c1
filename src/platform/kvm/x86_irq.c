/* SPDX-License-Identifier: BSD-2-Clause */
/* The injection slot, exceptions and NMIs. */
#include "kvm.h"

#define RFLAGS_IF (1u << 9)

/* From the state itself: before the first run, and when the caller changed what KVM's flag was made
 * from. */
static vmaccel_status ready_by_state(vmaccel_vcpu *vcpu, bool *ready)
{
    vmaccel_status status = core_x86_need(vcpu, CORE_GROUP_REGS | CORE_GROUP_EVENTS);
    if (status != VMACCEL_OK)
        return status;
    const vmaccel_x86_events *events = &vcpu->cache.x86.events;
    *ready = (vcpu->cache.x86.regs.rflags & RFLAGS_IF) != 0 && events->shadow == 0 &&
             !events->interrupt_pending && !events->exception_pending && !events->nmi_injected;
    return VMACCEL_OK;
}

vmaccel_status kvm_interrupt_ready(vmaccel_vcpu *vcpu, bool *ready)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    vmaccel_status status = VMACCEL_OK;

    *ready = false;
    if (k->arch.slot)
        return VMACCEL_OK;
    /* An OUT in an STI shadow ends the shadow, once it is complete. */
    if (k->pending && k->run->ready_for_interrupt_injection == 0)
        status = kvm_settle(vcpu);
    if (status != VMACCEL_OK)
        return status;
    if (vcpu->dirty != 0 || (k->attention & KVM_ATTENTION_FIRST) != 0)
        return ready_by_state(vcpu, ready);
    *ready = k->run->ready_for_interrupt_injection != 0;
    return VMACCEL_OK;
}

vmaccel_status kvm_inject_interrupt(vmaccel_vcpu *vcpu, uint8_t vector)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    struct kvm_interrupt interrupt = {.irq = vector};
    bool ready;

    vmaccel_status status = kvm_interrupt_ready(vcpu, &ready);
    if (status != VMACCEL_OK)
        return status;
    if (!ready) {
        bool occupied = k->arch.slot;
        if (!occupied && core_x86_need(vcpu, CORE_GROUP_EVENTS) == VMACCEL_OK)
            occupied = vcpu->cache.x86.events.interrupt_pending;
        if (occupied)
            return core_fail(VMACCEL_E_BUSY, "kvm", "irq", NULL, 0,
                             "the injection slot holds an interrupt");
        return core_fail(VMACCEL_E_NOT_READY, "kvm", "irq", NULL, 0,
                         "the guest can't take an interrupt now; request an interrupt window");
    }
    if ((vcpu->valid & CORE_GROUP_EVENTS) != 0) { /* goes along with the other events */
        vcpu->cache.x86.events.interrupt_pending = true;
        vcpu->cache.x86.events.interrupt_vector = vector;
        vcpu->cache.x86.events.interrupt_soft = false;
        vcpu->dirty |= CORE_GROUP_EVENTS;
    } else if (ioctl(k->fd, KVM_INTERRUPT, &interrupt) < 0) {
        return kvm_fail("irq", "KVM_INTERRUPT");
    }
    k->arch.synced &= ~CORE_GROUP_EVENTS;
    k->arch.slot = true;
    k->attention |= KVM_ATTENTION_PENDING; /* the next run frees the slot */
    return VMACCEL_OK;
}

vmaccel_status kvm_request_irq_window(vmaccel_vcpu *vcpu, bool on)
{
    kvm_vcpu(vcpu)->run->request_interrupt_window = on;
    return VMACCEL_OK;
}

vmaccel_status kvm_inject_exception(vmaccel_vcpu *vcpu, uint8_t vector, bool has_error_code,
                                    uint32_t error_code)
{
    vmaccel_status status = kvm_settle(vcpu);
    if (status == VMACCEL_OK)
        status = core_x86_need(vcpu, CORE_GROUP_EVENTS);
    if (status != VMACCEL_OK)
        return status;
    vmaccel_x86_events *events = &vcpu->cache.x86.events;
    if (events->exception_pending)
        return core_fail(VMACCEL_E_BUSY, "kvm", "irq", NULL, 0,
                         "exception %u is waiting for delivery", events->exception_vector);
    events->exception_pending = true;
    events->exception_vector = vector;
    events->exception_has_error_code = has_error_code;
    events->exception_error_code = has_error_code ? error_code : 0;
    events->exception_has_payload = false;
    events->exception_payload = 0;
    vcpu->dirty |= CORE_GROUP_EVENTS;
    return VMACCEL_OK;
}

vmaccel_status kvm_inject_nmi(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    /* Deferred events would overwrite the new NMI with what they last knew. */
    vmaccel_status status = kvm_x86_flush_now(vcpu, CORE_GROUP_EVENTS);
    if (status != VMACCEL_OK)
        return status;
    if (ioctl(k->fd, KVM_NMI, 0) < 0)
        return kvm_fail("irq", "KVM_NMI");
    vcpu->valid &= ~CORE_GROUP_EVENTS;
    k->arch.synced &= ~CORE_GROUP_EVENTS;
    return VMACCEL_OK;
}
