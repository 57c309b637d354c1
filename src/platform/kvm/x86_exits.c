/* SPDX-License-Identifier: BSD-2-Clause */
/* Exits of x86 guests that are not device accesses. */
#include "kvm.h"

/* KVM queues #UD before it reports that it can't emulate; whether the guest sees one is the
 * caller's choice. */
static void drop_queued_ud(vmaccel_vcpu *vcpu)
{
    vmaccel_x86_events *events = &vcpu->cache.x86.events;
    if (core_x86_need(vcpu, CORE_GROUP_EVENTS) == VMACCEL_OK && events->exception_pending &&
        events->exception_vector == 6) {
        events->exception_pending = false;
        events->exception_vector = 0;
        vcpu->dirty |= CORE_GROUP_EVENTS;
    }
}

/* True: it is an emulation failure. */
static bool decode_emulation(vmaccel_vcpu *vcpu)
{
    struct kvm_run *run = kvm_vcpu(vcpu)->run;
    vmaccel_exit *exit = &vcpu->exit;
    if (run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION)
        return false;
    exit->reason = VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION;
    memset(&exit->u.instruction, 0, sizeof exit->u.instruction);
    drop_queued_ud(vcpu);
    if (run->emulation_failure.ndata >= 1 &&
        (run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) != 0) {
        uint8_t length = run->emulation_failure.insn_size;
        exit->u.instruction.length = length <= 15 ? length : 15;
        memcpy(exit->u.instruction.bytes, run->emulation_failure.insn_bytes, 15);
    }
    return true;
}

static void decode_msr(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    vmaccel_exit *exit = &vcpu->exit;
    exit->reason = VMACCEL_EXIT_MSR;
    exit->u.msr.id = k->run->msr.index;
    exit->u.msr.is_write = k->run->exit_reason == KVM_EXIT_X86_WRMSR;
    exit->u.msr.error = 0;
    exit->u.msr.value = exit->u.msr.is_write ? k->run->msr.data : 0;
    vcpu->awaiting_answer = true;
    k->pending = true;
    k->attention |= KVM_ATTENTION_MSR;
}

const char *kvm_arch_bad_field(vmaccel_vcpu *vcpu)
{
    if (core_x86_need(vcpu, CORE_GROUP_REGS | CORE_GROUP_SREGS) != VMACCEL_OK)
        return "";
    const char *field = core_x86_bad_state(&vcpu->cache.x86.regs, &vcpu->cache.x86.sregs);
    return field != NULL ? field : "";
}

vmaccel_status kvm_arch_run_error(vmaccel_vcpu *vcpu)
{
    return kvm_vcpu(vcpu)->run->kvm_dirty_regs != 0 ? kvm_x86_flush_refused(vcpu)
                                                    : kvm_fail("vcpu", "KVM_RUN");
}

bool kvm_arch_decode(vmaccel_vcpu *vcpu, bool *deliver)
{
    struct kvm_run *run = kvm_vcpu(vcpu)->run;
    vmaccel_exit *exit = &vcpu->exit;

    *deliver = true;
    switch (run->exit_reason) {
    case KVM_EXIT_HLT:
        exit->reason = VMACCEL_EXIT_HLT;
        return true;
    case KVM_EXIT_IRQ_WINDOW_OPEN:
        run->request_interrupt_window = 0;
        exit->reason = VMACCEL_EXIT_IRQ_WINDOW;
        return true;
    case KVM_EXIT_SHUTDOWN:
        exit->reason = VMACCEL_EXIT_SHUTDOWN;
        return true;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
        decode_msr(vcpu);
        return true;
    case KVM_EXIT_IOAPIC_EOI:
        exit->reason = VMACCEL_EXIT_EOI;
        exit->u.eoi.vector = run->eoi.vector;
        return true;
    case KVM_EXIT_INTERNAL_ERROR:
        return decode_emulation(vcpu);
    case KVM_EXIT_SET_TPR: /* CR8 is read with the special registers */
        *deliver = false;
        return true;
    default:
        return false;
    }
}
