/* SPDX-License-Identifier: BSD-2-Clause */
/* A platform without a CPU: it keeps state, records what core asks of it, and fails when told to.
 */
#ifndef NULL_PLATFORM_H
#define NULL_PLATFORM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/platform.h"

#define NULL_SLOTS 8
#define NULL_PAGE  4096u
#define NULL_XSAVE 2688u /* x87 to Hi16_ZMM */
#define NULL_SVE   32u   /* bytes of a vector */

struct null_slot {
    bool used;
    uint64_t gpa, size;
    const uint8_t *host;
    uint32_t flags;
    uint64_t dirty[4]; /* pages written since the last look */
};

struct null_platform {
    struct vmaccel_platform platform;
    struct core_x86_ops x86;
    struct core_arm64_ops arm64;
    vmaccel_platform_info info; /* what probe answers */
    uint64_t caps[VMACCEL_CAP_MAX_VALUE + 1];

    /* The call of the operation `fail` after `fail_after` good ones returns PLATFORM; fail_times of
     * them. */
    const char *fail;
    unsigned fail_after, fail_times;

    unsigned vms, vcpus, commits, runs, completes, doorbells;
    _Atomic unsigned kicks;
    unsigned maps, unmaps, protects, fetches;
    struct null_slot slots[NULL_SLOTS];

    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    vmaccel_x86_events events;
    vmaccel_arm64_regs arm64_regs;
    vmaccel_arm64_events arm64_events;
    uint32_t features; /* of arm64 */
    uint64_t fetched;  /* arm64 registers, the last time */
    vmaccel_x86_debug_regs debug_regs;
    vmaccel_debug_config debug;
    vmaccel_x86_msr msr; /* the last one written */
    uint8_t xsave[NULL_XSAVE];
    vmaccel_x86_cpuid cpuid[16];
    size_t cpuid_count;
};

extern struct null_platform null_platform;

/* Everything back to the start: all capabilities, nothing fails. A cmocka setup function. */
int null_reset(void **state);

/* A VM, and one with vCPU 0. */
vmaccel_vm *null_vm(vmaccel_arch arch);
vmaccel_vcpu *null_vcpu(vmaccel_arch arch);
/* End both, and check that nothing is left. */
void null_end(vmaccel_vm *vm);

/* The guest writes to a page. */
void null_touch(uint64_t gpa);

/* The calling thread's last error has this status, and `part` in its text. */
void expect_error(vmaccel_status got, vmaccel_status wanted, const char *part);
#define expect_ok(call) assert_int_equal(call, VMACCEL_OK)

#endif
