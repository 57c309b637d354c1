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
    k->attention |= kvm_arch_cut(&exit->u.mmio.size, run);
    vcpu->awaiting_answer = !write;
    k->pending = true;
    if (!write)
        memset(run->mmio.data, 0, sizeof run->mmio.data);
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
    case KVM_SYSTEM_EVENT_CRASH:
        exit->reason = VMACCEL_EXIT_CRASH;
        break;
    default:
        exit->reason = VMACCEL_EXIT_INTERNAL_ERROR;
        exit->u.internal.code = run->system_event.type;
        exit->u.internal.ndata = 0;
        break;
    }
}

static void decode_failed_entry(vmaccel_vcpu *vcpu)
{
    vmaccel_exit *exit = &vcpu->exit;
    exit->reason = VMACCEL_EXIT_FAILED_ENTRY;
    exit->u.failed_entry.hardware_reason =
        kvm_vcpu(vcpu)->run->fail_entry.hardware_entry_failure_reason;
    exit->u.failed_entry.field = kvm_arch_bad_field(vcpu);
}

static void decode_internal(vmaccel_vcpu *vcpu)
{
    const struct kvm_run *run = kvm_vcpu(vcpu)->run;
    vmaccel_exit *exit = &vcpu->exit;
    exit->reason = VMACCEL_EXIT_INTERNAL_ERROR;
    exit->u.internal.code = run->internal.suberror;
    exit->u.internal.ndata = run->internal.ndata <= 8 ? run->internal.ndata : 8;
    memcpy(exit->u.internal.data, run->internal.data, exit->u.internal.ndata * sizeof(uint64_t));
}

/* The reasons that are not device accesses. */
static __attribute__((noinline)) bool decode_other(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    struct kvm_run *run = k->run;
    vmaccel_exit *exit = &vcpu->exit;
    bool deliver;

    k->pending = false;
    vcpu->awaiting_answer = false;
    if (kvm_arch_decode(vcpu, &deliver))
        return deliver;
    switch (run->exit_reason) {
    case KVM_EXIT_DEBUG:
        return kvm_arch_debug_exit(vcpu);
    case KVM_EXIT_FAIL_ENTRY:
        decode_failed_entry(vcpu);
        return true;
    case KVM_EXIT_INTERNAL_ERROR:
        decode_internal(vcpu);
        return true;
    case KVM_EXIT_SYSTEM_EVENT:
        decode_system_event(vcpu);
        return true;
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
static __attribute__((noinline)) vmaccel_status run_error(vmaccel_vcpu *vcpu, int error)
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
    return kvm_arch_run_error(vcpu);
}

/* EINTR: a kick, or a signal that is none of ours. True: leave with KICKED. */
static bool interrupted(vmaccel_vcpu *vcpu)
{
    struct kvm_run *run = kvm_vcpu(vcpu)->run;
    /* A kicker sets kick, then immediate_exit: if this hides its flag, the load below sees its
     * kick. */
    __atomic_store_n(&run->immediate_exit, 0, __ATOMIC_SEQ_CST);
    if (kvm_arch_interrupted(vcpu)) {
        kvm_kick_rearm(vcpu);
        return true;
    }
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
    vmaccel_status status = kvm_arch_prepare(vcpu, &exit_ready);
    return status != VMACCEL_OK || exit_ready ? (int)status : ENTER;
}

__attribute__((hot)) vmaccel_status kvm_run(vmaccel_vcpu *vcpu)
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
        kvm_arch_ran(&k->arch, run);
        if (KVM_LIKELY(result == 0)) {
            if (KVM_LIKELY(decode(vcpu, k, run)))
                break;
            if (k->attention != 0) {
                int done = prepare(vcpu);
                if (done != ENTER) {
                    atomic_store_explicit(&vcpu->running, 0, memory_order_release);
                    return (vmaccel_status)done;
                }
            }
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
            return run_error(vcpu, error);
        }
    }
    atomic_store_explicit(&vcpu->running, 0, memory_order_release);
    k->attention |= kvm_arch_leave(vcpu, &k->arch, run);
    return VMACCEL_OK;
}
