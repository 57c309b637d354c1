/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/ioctl.h>

#include "raw_kvm.h"

const struct bench_arch *const raw_arch = &bench_x86;

unsigned long raw_vm_type(int sys)
{
    (void)sys;
    return 0;
}

static bool set_cpuid(struct raw *raw)
{
    uint8_t buffer[sizeof(struct kvm_cpuid2) + 256 * sizeof(struct kvm_cpuid_entry2)]
        __attribute__((aligned(8))) = {0};
    struct kvm_cpuid2 *cpuid = (struct kvm_cpuid2 *)(void *)buffer;
    cpuid->nent = 256;
    return ioctl(raw->sys, KVM_GET_SUPPORTED_CPUID, cpuid) == 0 &&
           ioctl(raw->vcpu, KVM_SET_CPUID2, cpuid) == 0;
}

/* Flat protected mode without paging, or real mode at segment 0. */
bool raw_start(struct raw *raw, enum bench_program program)
{
    struct kvm_sregs sregs;
    struct kvm_regs regs = {.rip = BENCH_ENTRY(program), .rflags = 2};
    if (!set_cpuid(raw) || ioctl(raw->vcpu, KVM_GET_SREGS, &sregs) < 0)
        return false;
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    if (program == BENCH_DIRTY) {
        sregs.cr0 |= 1;
        sregs.cs.limit = sregs.ds.limit = 0xffffffff;
        sregs.cs.db = sregs.cs.g = sregs.ds.db = sregs.ds.g = 1;
        sregs.cs.selector = 8;
        sregs.ds.selector = 16;
    }
    return ioctl(raw->vcpu, KVM_SET_SREGS, &sregs) == 0 &&
           ioctl(raw->vcpu, KVM_SET_REGS, &regs) == 0;
}

void raw_work_begin(struct raw *raw, enum bench_work work)
{
    if (work == BENCH_ALL)
        raw->run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
    if (work == BENCH_SET)
        raw->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
}

static volatile uint64_t sink;

bool raw_work(struct raw *raw, enum bench_work work, unsigned i)
{
    if (work == BENCH_SET) {
        raw->run->s.regs.regs.rbx = i;
        raw->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
    } else {
        struct kvm_regs regs = raw->run->s.regs.regs;
        struct kvm_sregs sregs = raw->run->s.regs.sregs;
        sink = regs.rip + sregs.cr3;
    }
    return true;
}
