/* SPDX-License-Identifier: BSD-2-Clause */
/* What is left of an instruction after its exit, and what goes before the next run. */
#include "soft.h"

void soft_answer(vmaccel_vcpu *vcpu)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);
    const vmaccel_exit *exit = &vcpu->exit;
    switch (s->exit.reason) {
    case CPU_EXIT_IO:
    case CPU_EXIT_MMIO:
        s->exit.u.access.value = vmaccel_data_get(s->data, s->exit.u.access.size);
        break;
    case CPU_EXIT_MSR:
        s->exit.u.msr.refuse = exit->u.msr.error != 0;
        s->exit.u.msr.value = exit->u.msr.value;
        break;
    case CPU_EXIT_CPUID:
        s->exit.u.cpuid.eax = exit->u.cpuid.eax;
        s->exit.u.cpuid.ebx = exit->u.cpuid.ebx;
        s->exit.u.cpuid.ecx = exit->u.cpuid.ecx;
        s->exit.u.cpuid.edx = exit->u.cpuid.edx;
        break;
    case CPU_EXIT_HYPERCALL:
        s->exit.u.hypercall.result = exit->u.hypercall.result;
        break;
    default:
        break;
    }
}

vmaccel_status soft_vcpu_complete(vmaccel_vcpu *vcpu, bool *more)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);
    *more = false;
    if (!s->pending)
        return VMACCEL_OK;
    if (vcpu->awaiting_answer)
        soft_answer(vcpu);
    cpu_complete(s->cpu, &s->exit);
    s->pending = vcpu->awaiting_answer = false;
    vcpu->valid = vcpu->dirty;
    if (s->exit.reason == CPU_EXIT_DEBUG)
        s->attention |= SOFT_ATTENTION_DEBUG;
    else if (s->exit.reason != CPU_EXIT_STEPPED)
        *more = soft_decode(vcpu);
    return *more ? VMACCEL_OK : core_x86_merge(vcpu);
}

void soft_eoi_exit(vmaccel_vcpu *vcpu)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);
    for (unsigned i = 0; i < 4; i++) {
        if (s->ended[i] == 0)
            continue;
        vcpu->exit.reason = VMACCEL_EXIT_EOI;
        vcpu->exit.platform_reason = CPU_EXIT_STOPPED;
        vcpu->exit.u.eoi.vector = (uint8_t)(64 * i + (unsigned)__builtin_ctzll(s->ended[i]));
        s->ended[i] &= s->ended[i] - 1;
        break;
    }
    if ((s->ended[0] | s->ended[1] | s->ended[2] | s->ended[3]) == 0)
        s->attention &= ~SOFT_ATTENTION_EOI;
}

vmaccel_status soft_prepare(vmaccel_vcpu *vcpu, bool *exit_ready)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);
    vmaccel_status status = VMACCEL_OK;

    /* What the caller wrote goes over what the instruction stores. */
    if (s->pending && vcpu->awaiting_answer) {
        status = soft_vcpu_complete(vcpu, exit_ready);
        if (status != VMACCEL_OK || *exit_ready)
            return status;
    }
    if ((s->attention & SOFT_ATTENTION_EOI) != 0) {
        soft_eoi_exit(vcpu);
        *exit_ready = true;
        return VMACCEL_OK;
    }
    if ((s->attention & SOFT_ATTENTION_DEBUG) != 0) {
        s->attention &= ~SOFT_ATTENTION_DEBUG;
        *exit_ready = soft_decode(vcpu);
        return VMACCEL_OK;
    }
    status = soft_x86_flush(vcpu);
    if (status == VMACCEL_OK) {
        s->attention = 0;
        s->lapic_set = s->deadline_set = false;
    }
    return status;
}
