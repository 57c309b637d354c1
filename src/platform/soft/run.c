/* SPDX-License-Identifier: BSD-2-Clause */
/* The run loop and the translation of the CPU's exits. */
#include <string.h>

#include "soft.h"

static inline void decode_io(vmaccel_vcpu *vcpu, struct soft_vcpu *s)
{
    vmaccel_exit *exit = &vcpu->exit;
    exit->reason = VMACCEL_EXIT_IO;
    exit->u.io.port = (uint16_t)s->exit.u.access.address;
    exit->u.io.size = s->exit.u.access.size;
    exit->u.io.is_write = s->exit.u.access.is_write;
    exit->u.io.count = 1;
    exit->u.io.data = s->data;
}

static inline void decode_mmio(vmaccel_vcpu *vcpu, struct soft_vcpu *s)
{
    vmaccel_exit *exit = &vcpu->exit;
    exit->reason = VMACCEL_EXIT_MMIO;
    exit->u.mmio.gpa = s->exit.u.access.address;
    exit->u.mmio.size = s->exit.u.access.size;
    exit->u.mmio.is_write = s->exit.u.access.is_write;
    exit->u.mmio.data = s->data;
}

static void decode_msr(vmaccel_vcpu *vcpu, const struct soft_vcpu *s)
{
    vmaccel_exit *exit = &vcpu->exit;
    exit->reason = VMACCEL_EXIT_MSR;
    exit->u.msr.id = s->exit.u.msr.id;
    exit->u.msr.is_write = s->exit.u.msr.is_write;
    exit->u.msr.error = 0;
    exit->u.msr.value = s->exit.u.msr.is_write ? s->exit.u.msr.value : 0;
}

static void decode_cpuid(vmaccel_vcpu *vcpu, const struct soft_vcpu *s)
{
    vmaccel_exit *exit = &vcpu->exit;
    exit->reason = VMACCEL_EXIT_CPUID;
    exit->u.cpuid.leaf = s->exit.u.cpuid.leaf;
    exit->u.cpuid.subleaf = s->exit.u.cpuid.subleaf;
    exit->u.cpuid.eax = s->exit.u.cpuid.eax;
    exit->u.cpuid.ebx = s->exit.u.cpuid.ebx;
    exit->u.cpuid.ecx = s->exit.u.cpuid.ecx;
    exit->u.cpuid.edx = s->exit.u.cpuid.edx;
}

static void decode_hypercall(vmaccel_vcpu *vcpu, const struct soft_vcpu *s)
{
    vmaccel_exit *exit = &vcpu->exit;
    exit->reason = VMACCEL_EXIT_HYPERCALL;
    exit->u.hypercall.number = s->exit.u.hypercall.number;
    memcpy(exit->u.hypercall.args, s->exit.u.hypercall.args, sizeof exit->u.hypercall.args);
    exit->u.hypercall.result = 0;
}

static void decode_exception(vmaccel_vcpu *vcpu, const struct soft_vcpu *s)
{
    vmaccel_exit *exit = &vcpu->exit;
    exit->reason = VMACCEL_EXIT_EXCEPTION;
    exit->u.exception.vector = s->exit.u.exception.vector;
    exit->u.exception.has_error_code = s->exit.u.exception.has_error_code;
    exit->u.exception.error_code = s->exit.u.exception.error_code;
    exit->u.exception.address = s->exit.u.exception.address;
}

static void decode_unsupported(vmaccel_vcpu *vcpu, const struct soft_vcpu *s)
{
    vmaccel_exit *exit = &vcpu->exit;
    uint64_t gpa;
    if (s->exit.u.instruction.length == 0 && soft_fetch_refused(vcpu, &gpa)) {
        exit->reason = VMACCEL_EXIT_MEMORY_FAULT;
        exit->u.memory_fault.gpa = gpa;
        exit->u.memory_fault.size = 1;
        return;
    }
    exit->reason = VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION;
    exit->u.instruction.length = s->exit.u.instruction.length;
    memcpy(exit->u.instruction.bytes, s->exit.u.instruction.bytes,
           sizeof exit->u.instruction.bytes);
}

/* The CPU was asked to stop, for a kick, an INIT or SIPI, or an EOI exit. */
static bool decode_stopped(vmaccel_vcpu *vcpu, struct soft_vcpu *s)
{
    if ((s->attention & SOFT_ATTENTION_EOI) != 0) {
        soft_eoi_exit(vcpu);
        return true;
    }
    if (!core_kick_take(vcpu))
        return false;
    vcpu->exit.reason = VMACCEL_EXIT_KICKED;
    return true;
}

/* The reasons that are not device accesses. */
static __attribute__((noinline)) bool decode_other(vmaccel_vcpu *vcpu, struct soft_vcpu *s)
{
    switch (s->exit.reason) {
    case CPU_EXIT_STOPPED:
        return decode_stopped(vcpu, s);
    case CPU_EXIT_HLT:
        if (vcpu->vm->irqchip != VMACCEL_IRQCHIP_NONE) {
            s->mp = VMACCEL_MP_HALTED;
            return false;
        }
        vcpu->exit.reason = VMACCEL_EXIT_HLT;
        return true;
    case CPU_EXIT_SHUTDOWN:
        vcpu->exit.reason = VMACCEL_EXIT_SHUTDOWN;
        return true;
    case CPU_EXIT_DEBUG:
        soft_debug_exit(vcpu);
        return true;
    case CPU_EXIT_HYPERCALL:
        decode_hypercall(vcpu, s);
        return true;
    case CPU_EXIT_MSR:
        decode_msr(vcpu, s);
        return true;
    case CPU_EXIT_CPUID:
        decode_cpuid(vcpu, s);
        return true;
    case CPU_EXIT_IRQ_WINDOW:
        cpu_request_window(s->cpu, false);
        vcpu->exit.reason = VMACCEL_EXIT_IRQ_WINDOW;
        return true;
    case CPU_EXIT_EXCEPTION:
        decode_exception(vcpu, s);
        return true;
    case CPU_EXIT_UNSUPPORTED:
        decode_unsupported(vcpu, s);
        return true;
    default:
        vcpu->exit.reason = VMACCEL_EXIT_INTERNAL_ERROR;
        vcpu->exit.u.internal.code = s->exit.reason;
        vcpu->exit.u.internal.ndata = 0;
        return true;
    }
}

static inline bool decode(vmaccel_vcpu *vcpu, struct soft_vcpu *s)
{
    uint32_t reason = s->exit.reason;
    vcpu->exit.platform_reason = reason;
    vcpu->awaiting_answer = s->exit.awaits_answer;
    bool access = reason == CPU_EXIT_IO || reason == CPU_EXIT_MMIO;
    s->pending = access || s->exit.awaits_answer;
    if (SOFT_UNLIKELY(!access))
        return decode_other(vcpu, s);
    /* The answer is zero until the caller writes one. */
    uint64_t value = s->exit.u.access.is_write ? s->exit.u.access.value : 0;
    for (unsigned i = 0; i < sizeof s->data; i++)
        s->data[i] = (uint8_t)(value >> 8 * i);
    if (reason == CPU_EXIT_IO)
        decode_io(vcpu, s);
    else
        decode_mmio(vcpu, s);
    return true;
}

bool soft_decode(vmaccel_vcpu *vcpu)
{
    return decode(vcpu, soft_vcpu(vcpu));
}

#define ENTER (-1)

/* The status to return, or ENTER. */
static __attribute__((noinline)) int prepare(vmaccel_vcpu *vcpu)
{
    bool exit_ready = false;
    vmaccel_status status = soft_prepare(vcpu, &exit_ready);
    return status != VMACCEL_OK || exit_ready ? (int)status : ENTER;
}

vmaccel_status soft_run(vmaccel_vcpu *vcpu)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);

    if (SOFT_UNLIKELY((vcpu->dirty | s->attention | vcpu->overlay_mask) != 0)) {
        int done = prepare(vcpu);
        if (done != ENTER)
            return (vmaccel_status)done;
    }
    if (s->pending && vcpu->awaiting_answer)
        soft_answer(vcpu);
    atomic_store(&vcpu->running, 1);
    for (;;) {
        if (SOFT_UNLIKELY(s->mp != VMACCEL_MP_RUNNABLE || atomic_load(&s->startup) != 0) &&
            !soft_wait(vcpu)) {
            s->pending = vcpu->awaiting_answer = false;
            vcpu->exit.reason = VMACCEL_EXIT_KICKED;
            vcpu->exit.platform_reason = CPU_EXIT_STOPPED;
            break;
        }
        cpu_run(s->cpu, &s->exit);
        vcpu->valid = 0;
        if (SOFT_LIKELY(decode(vcpu, s)))
            break;
    }
    atomic_store_explicit(&vcpu->running, 0, memory_order_release);
    return VMACCEL_OK;
}
