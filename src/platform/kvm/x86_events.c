/* SPDX-License-Identifier: BSD-2-Clause */
/* KVM_GET_VCPU_EVENTS and its canonical form. */
#include "kvm.h"

void kvm_x86_events_from(const struct kvm_vm_arch *kvm, const struct kvm_vcpu_events *raw,
                         vmaccel_x86_events *events)
{
    *events = (vmaccel_x86_events){
        .exception_pending =
            raw->exception.injected != 0 || (kvm->exception_payload && raw->exception.pending != 0),
        .exception_vector = raw->exception.nr,
        .exception_has_error_code = raw->exception.has_error_code != 0,
        .exception_error_code = raw->exception.error_code,
        .interrupt_pending = raw->interrupt.injected != 0,
        .interrupt_vector = raw->interrupt.nr,
        .interrupt_soft = raw->interrupt.soft != 0,
        .shadow = (uint8_t)(((raw->interrupt.shadow & KVM_X86_SHADOW_INT_STI) != 0
                                 ? VMACCEL_X86_SHADOW_STI
                                 : 0) |
                            ((raw->interrupt.shadow & KVM_X86_SHADOW_INT_MOV_SS) != 0
                                 ? VMACCEL_X86_SHADOW_MOV_SS
                                 : 0)),
        .nmi_pending = raw->nmi.pending != 0,
        .nmi_injected = raw->nmi.injected != 0,
        .nmi_masked = raw->nmi.masked != 0,
        .smm = raw->smi.smm != 0,
        .smi_pending = raw->smi.pending != 0,
        .triple_fault_pending = kvm->triple_fault_event && raw->triple_fault.pending != 0,
    };
    if (!events->exception_pending) {
        /* KVM leaves the last exception's fields in place. */
        events->exception_vector = 0;
        events->exception_has_error_code = false;
        events->exception_error_code = 0;
    } else if (kvm->exception_payload && raw->exception_has_payload != 0) {
        events->exception_has_payload = true;
        events->exception_payload = raw->exception_payload;
    }
    if (!events->interrupt_pending) {
        events->interrupt_vector = 0;
        events->interrupt_soft = false;
    }
}

/* raw holds the vCPU's own values for what the canonical form leaves out. */
void kvm_x86_events_to(const struct kvm_vm_arch *kvm, const vmaccel_x86_events *events,
                       struct kvm_vcpu_events *raw)
{
    /* A payload is applied on delivery, which KVM does only for an exception that is pending. */
    bool pending = events->exception_has_payload && kvm->exception_payload;
    raw->exception.injected = events->exception_pending && !pending;
    raw->exception.pending = events->exception_pending && pending;
    raw->exception.nr = events->exception_vector;
    raw->exception.has_error_code = events->exception_has_error_code;
    raw->exception.error_code = events->exception_error_code;
    raw->exception_has_payload = pending;
    raw->exception_payload = pending ? events->exception_payload : 0;
    raw->interrupt.injected = events->interrupt_pending;
    raw->interrupt.nr = events->interrupt_vector;
    raw->interrupt.soft = events->interrupt_soft;
    raw->interrupt.shadow =
        (uint8_t)(((events->shadow & VMACCEL_X86_SHADOW_STI) != 0 ? KVM_X86_SHADOW_INT_STI : 0) |
                  ((events->shadow & VMACCEL_X86_SHADOW_MOV_SS) != 0 ? KVM_X86_SHADOW_INT_MOV_SS
                                                                     : 0));
    raw->nmi.injected = events->nmi_injected;
    raw->nmi.pending = events->nmi_pending;
    raw->nmi.masked = events->nmi_masked;
    uint32_t keep = raw->flags & KVM_VCPUEVENT_VALID_SMM;
    if (keep != 0) {
        raw->smi.smm = events->smm;
        raw->smi.pending = events->smi_pending;
    }
    raw->flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW | keep;
    if (kvm->exception_payload)
        raw->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
    if (kvm->triple_fault_event) {
        raw->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
        raw->triple_fault.pending = events->triple_fault_pending;
    }
}
