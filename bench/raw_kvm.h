/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_RAW_KVM_H
#define BENCH_RAW_KVM_H

#include <linux/kvm.h>

#include "raw.h"

struct raw {
    int sys, vm, vcpu, run_size;
    struct kvm_run *run;
    uint8_t *ram;
    size_t ram_size;
};

/* The architecture's part. */
extern const struct bench_arch *const raw_arch;
unsigned long raw_vm_type(int sys);
/* With the vCPU created: what it needs, and the state to start the guest in. */
bool raw_start(struct raw *raw, enum bench_program program);
/* Before the first run; after each exit. */
void raw_work_begin(struct raw *raw, enum bench_work work);
bool raw_work(struct raw *raw, enum bench_work work, unsigned i);

#endif
