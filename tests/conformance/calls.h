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

extern const struct vcpu_call vcpu_calls[];
extern const size_t vcpu_call_count;
extern const struct vm_call vm_calls[];
extern const size_t vm_call_count;

#endif
