/* SPDX-License-Identifier: BSD-2-Clause */
/* The run loop and the translation of KVM's exits. */
#include "kvm.h"

/* KVM_EXIT_MEMORY_FAULT is newer than the oldest headers this builds with. */
#define EXIT_MEMORY_FAULT 39
struct memory_fault {
    uint64_t flags, gpa, size;
};

static inline void decode_io(vmaccel_vcpu *vcpu, struct kvm_vcpu *k, struct kvm_run *run)
{
    vmaccel_exit *exit = &vcpu->exit;
    bool out = run->io.direction == KVM_EXIT_IO_OUT;
    uint8_t *data = (uint8_t *)run + run->io.data_offset;

    exit->reason = VMACCEL_EXIT_IO;
    exit->u.io.port = run->io.port;
    exit->u.io.size = run->io.size;
    exit->u.io.is_write = out;
    exit->u.io.count = run->io.count;
    exit->u.io.data = data;
    vcpu->awaiting_answer = !out;
    k->pending = true;
    if (out)
        return;
    if (KVM_LIKELY(run->io.count == 1))
        memset(data, 0, 4); /* the data has a page of its own; one store is less than a call */
    else
        memset(data, 0, (size_t)run->io.size * run->io.count);
}

static inline void decode_mmio(vmaccel_vcpu *vcpu, struct kvm_vcpu *k, struct kvm_run *run)
{
    vmaccel_exit *exit = &vcpu->exit;
    bool write = run->mmio.is_write != 0;

    exit->reason = VMACCEL_EXIT_MMIO;
    exit->u.mmio.gpa = run->mmio.phys_addr;
    exit->u.mmio.size = (uint8_t)run->mmio.len;
    exit->u.mmio.is_write = write;
    exit->u.mmio.data = run->mmio.data;
    vcpu->awaiting_answer = !write;
    k->pending = true;
    if (!write)
        memset(run->mmio.data, 0, sizeof run->mmio.data);
}

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

static void decode_internal(vmaccel_vcpu *vcpu)
{
    struct kvm_run *run = kvm_vcpu(vcpu)->run;
    vmaccel_exit *exit = &vcpu->exit;
    if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION) {
        exit->reason = VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION;
        exit->u.instruction.length = 0;
        drop_queued_ud(vcpu);
        if (run->emulation_failure.ndata >= 1 &&
            (run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) !=
                0) {
            uint8_t length = run->emulation_failure.insn_size;
            exit->u.instruction.length = length <= 15 ? length : 15;
            memcpy(exit->u.instruction.bytes, run->emulation_failure.insn_bytes, 15);
        }
        return;
    }
    exit->reason = VMACCEL_EXIT_INTERNAL_ERROR;
    exit->u.internal.code = run->internal.suberror;
    exit->u.internal.ndata = run->internal.ndata <= 8 ? run->internal.ndata : 8;
    memcpy(exit->u.internal.data, run->internal.data, exit->u.internal.ndata * sizeof(uint64_t));
}

static void decode_failed_entry(vmaccel_vcpu *vcpu)
{
    vmaccel_exit *exit = &vcpu->exit;
    exit->reason = VMACCEL_EXIT_FAILED_ENTRY;
    exit->u.failed_entry.hardware_reason =
        kvm_vcpu(vcpu)->run->fail_entry.hardware_entry_failure_reason;
    exit->u.failed_entry.field = "";
    if (core_x86_need(vcpu, CORE_GROUP_REGS | CORE_GROUP_SREGS) == VMACCEL_OK) {
        const char *field = core_x86_bad_state(&vcpu->cache.x86.regs, &vcpu->cache.x86.sregs);
        if (field != NULL)
            exit->u.failed_entry.field = field;
    }
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

static void decode_system_event(vmaccel_vcpu *vcpu)
{
    struct kvm_run *run = kvm_vcpu(vcpu)->run;
    vmaccel_exit *exit = &vcpu->exit;
    switch (run->system_event.type) {
    case KVM_SYSTEM_EVENT_SHUTDOWN:
        exit->reason = VMACCEL_EXIT_POWEROFF;
        break;
    case KVM_SYSTEM_EVENT_RESET:
        exit->reason = VMACCEL_EXIT_RESET;
        break;
    default:
        exit->reason = VMACCEL_EXIT_INTERNAL_ERROR;
        exit->u.internal.code = run->system_event.type;
        exit->u.internal.ndata = 0;
        break;
    }
}

/* The reasons that are not device accesses. */
static __attribute__((noinline)) bool decode_other(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    struct kvm_run *run = k->run;
    vmaccel_exit *exit = &vcpu->exit;

    k->pending = false;
    vcpu->awaiting_answer = false;
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
    case KVM_EXIT_DEBUG:
        kvm_x86_debug_exit(vcpu);
        return true;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
        decode_msr(vcpu);
        return true;
    case KVM_EXIT_IOAPIC_EOI:
        exit->reason = VMACCEL_EXIT_EOI;
        exit->u.eoi.vector = run->eoi.vector;
        return true;
    case KVM_EXIT_FAIL_ENTRY:
        decode_failed_entry(vcpu);
        return true;
    case KVM_EXIT_INTERNAL_ERROR:
        decode_internal(vcpu);
        return true;
    case KVM_EXIT_SYSTEM_EVENT:
        decode_system_event(vcpu);
        return true;
    case KVM_EXIT_SET_TPR: /* CR8 is read with the special registers */
    case KVM_EXIT_INTR:
        return false;
    default:
        exit->reason = VMACCEL_EXIT_INTERNAL_ERROR;
        exit->u.internal.code = run->exit_reason;
        exit->u.internal.ndata = 1;
        exit->u.internal.data[0] = run->hw.hardware_exit_reason;
        return true;
    }
}

static inline bool decode(vmaccel_vcpu *vcpu, struct kvm_vcpu *k, struct kvm_run *run)
{
    uint32_t reason = run->exit_reason;
    vcpu->exit.platform_reason = reason;
    if (KVM_LIKELY(reason == KVM_EXIT_IO))
        decode_io(vcpu, k, run);
    else if (KVM_LIKELY(reason == KVM_EXIT_MMIO))
        decode_mmio(vcpu, k, run);
    else
        return decode_other(vcpu);
    return true;
}

bool kvm_decode_exit(vmaccel_vcpu *vcpu)
{
    return decode(vcpu, kvm_vcpu(vcpu), kvm_vcpu(vcpu)->run);
}

/* KVM_RUN failed with an error that is not EINTR or EAGAIN. */
vmaccel_status kvm_run_error(vmaccel_vcpu *vcpu, int error)
{
    struct kvm_run *run = kvm_vcpu(vcpu)->run;
    vmaccel_exit *exit = &vcpu->exit;
    if (error == EFAULT || (error == EHWPOISON && run->exit_reason == EXIT_MEMORY_FAULT)) {
        struct memory_fault fault = {.gpa = UINT64_MAX};
        if (run->exit_reason == EXIT_MEMORY_FAULT)
            memcpy(&fault, &run->hw, sizeof fault);
        exit->reason = VMACCEL_EXIT_MEMORY_FAULT;
        exit->platform_reason = run->exit_reason;
        exit->u.memory_fault.gpa = fault.gpa;
        exit->u.memory_fault.size = fault.size;
        return VMACCEL_OK;
    }
    errno = error;
    return run->kvm_dirty_regs != 0 ? kvm_x86_flush_refused(vcpu) : kvm_fail("vcpu", "KVM_RUN");
}

/* EINTR: a kick, or a signal that is none of ours. True: leave with KICKED. */
static bool interrupted(vmaccel_vcpu *vcpu)
{
    struct kvm_run *run = kvm_vcpu(vcpu)->run;
    /* A kicker sets kick, then immediate_exit: if this hides its flag, the load below sees its
     * kick. */
    __atomic_store_n(&run->immediate_exit, 0, __ATOMIC_SEQ_CST);
    if (!core_kick_take(vcpu))
        return false;
    vcpu->exit.reason = VMACCEL_EXIT_KICKED;
    vcpu->exit.platform_reason = KVM_EXIT_INTR;
    return true;
}

#define ENTER (-1)

/* The status to return, or ENTER. */
static __attribute__((noinline)) int prepare(vmaccel_vcpu *vcpu)
{
    bool exit_ready = false;
    vmaccel_status status = kvm_prepare(vcpu, &exit_ready);
    return status != VMACCEL_OK || exit_ready ? (int)status : ENTER;
}

vmaccel_status kvm_run(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    struct kvm_run *run = k->run;

    if (KVM_UNLIKELY((vcpu->dirty | k->attention | vcpu->overlay_mask) != 0)) {
        int done = prepare(vcpu);
        if (done != ENTER)
            return (vmaccel_status)done;
    }
    atomic_store(&vcpu->running, 1);
    for (;;) {
        int result = ioctl(k->fd, KVM_RUN, 0);
        vcpu->valid = 0;
        k->synced = (uint32_t)run->kvm_valid_regs;
        if (KVM_LIKELY(result == 0)) {
            if (KVM_LIKELY(decode(vcpu, k, run)))
                break;
            continue;
        }
        k->pending = false;
        vcpu->awaiting_answer = false;
        if (errno == EINTR) {
            if (interrupted(vcpu))
                break;
        } else if (errno != EAGAIN) {
            int error = errno;
            atomic_store_explicit(&vcpu->running, 0, memory_order_release);
            return kvm_run_error(vcpu, error);
        }
    }
    atomic_store_explicit(&vcpu->running, 0, memory_order_release);

    /* Groups nobody reads stop being copied after a while. */
    if (k->synced != 0 && ++k->unread > 64)
        run->kvm_valid_regs = 0;
    return VMACCEL_OK;
}
