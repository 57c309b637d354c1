/* SPDX-License-Identifier: BSD-2-Clause */
/* Every call that takes a vCPU or a VM and may be missing on a platform, each with valid arguments.
 */
#ifndef SUITE_CALLS_H
#define SUITE_CALLS_H

#include "suite.h"

struct vcpu_call {
    const char *name;
    vmaccel_cap cap; /* 0: every platform has it */
    vmaccel_status (*call)(vmaccel_vcpu *vcpu);
};

struct vm_call {
    const char *name;
    vmaccel_cap cap;
    vmaccel_status (*call)(vmaccel_vm *vm);
};

struct calls {
    vmaccel_arch arch; /* NONE: of every architecture */
    const struct vcpu_call *vcpu;
    size_t vcpu_count;
    const struct vm_call *vm;
    size_t vm_count;
};

extern const struct calls calls_common, calls_x86, calls_arm64;
#define CALLS_LISTS 3
extern const struct calls *const calls_lists[CALLS_LISTS];

/* Another VM like this one, with a setting that the platform may lack: the status of creating it,
 * then of `then`, where it is not NULL. */
vmaccel_status calls_create_like(vmaccel_vm *vm, vmaccel_vm_config config,
                                 vmaccel_status (*then)(vmaccel_vm *vm));

#endif
