/* SPDX-License-Identifier: BSD-2-Clause */
/* What a conformance case is written with.
 *
 * A case is `void case_<name>(void)` and one line in cases.def. It asks for what it needs
 * (suite_vm(), guest_create(), …), and uses the macros below, which end the case from any depth of
 * calls and on any of its threads: the first failure is the case's verdict. Everything made through
 * suite_ and guest_ functions is destroyed when the case ends, and an error there fails it. A case
 * never names a platform: where platforms differ it asks for a capability. */
#ifndef SUITE_H
#define SUITE_H

#include <inttypes.h>
#include <string.h>

#include <vmaccel/vmaccel.h>

#include "cases.h"

/* End the case as failed. */
_Noreturn void suite_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void suite_check_status(const char *file, int line, const char *call, vmaccel_status got,
                        vmaccel_status expected);
void suite_check_equal(const char *file, int line, const char *what, uint64_t got,
                       uint64_t expected);
void suite_check_bytes(const char *file, int line, const char *what, const void *got,
                       const void *expected, size_t size);

#define FAIL(...) suite_fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            suite_fail(__FILE__, __LINE__, "%s is false", #condition);                             \
    } while (0)
/* Say what a failure from here on is about: the row of a table that a case goes through. */
void suite_about(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Integers of any size, compared as 64 bits. */
#define CHECK_EQ(got, expected)                                                                    \
    suite_check_equal(__FILE__, __LINE__, #got, (uint64_t)(got), (uint64_t)(expected))
#define CHECK_BYTES(got, expected, size)                                                           \
    suite_check_bytes(__FILE__, __LINE__, #got, got, expected, size)
#define CHECK_STATUS(call, expected)                                                               \
    suite_check_status(__FILE__, __LINE__, #call, (call), (expected))
#define CHECK_OK(call) CHECK_STATUS(call, VMACCEL_OK)

/* End the case as skipped, for lack of a capability of the platform, or of something on the host.
 */
_Noreturn void suite_skip(vmaccel_cap cap);
_Noreturn void suite_skip_host(const char *what);
/* Skip unless the VM has it; returns its value. */
uint64_t suite_need(const vmaccel_vm *vm, vmaccel_cap cap);

/* A line of the report: counts reached, rates measured. */
void suite_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

const vmaccel_platform *suite_platform(void);
vmaccel_arch suite_arch(void);
bool suite_quick(void);
uint64_t suite_cap(vmaccel_cap cap); /* of the platform */

/* Give the case another time limit from now on; the default is 60 s. */
void suite_time_limit(unsigned seconds);
/* The case is over (failed or timed out): loops on its threads end. */
bool suite_ended(void);

/* A VM of the case's architecture for `max_vcpus` vCPUs. Skips where the irqchip or an exit is not
 * to be had. */
vmaccel_vm *suite_vm(vmaccel_irqchip irqchip, uint32_t max_vcpus, uint32_t exits,
                     uint32_t exceptions);
/* Take note of a VM or vCPU made by hand, so that the case's end destroys it. A vCPU belongs to the
 * calling thread. */
void suite_own_vm(vmaccel_vm *vm);
void suite_own_vcpu(vmaccel_vcpu *vcpu);
vmaccel_vcpu *suite_vcpu(vmaccel_vm *vm, uint32_t index);
/* Destroy early; both must succeed. */
void suite_vm_destroy(vmaccel_vm *vm);
void suite_vcpu_destroy(vmaccel_vcpu *vcpu);

/* Zeroed, page-aligned host memory, freed after the VMs at the case's end. */
void *suite_pages(size_t size);
void suite_pages_free(void *pages); /* earlier: it is not mapped any more */

/* A thread of the case: macros work in it, vCPUs it made are destroyed on it when `entry` returns.
 * suite_join() ends the case if the thread failed it. Threads that were not joined are kicked and
 * joined at the case's end. */
struct suite_thread;
struct suite_thread *suite_spawn(void (*entry)(void *argument), void *argument);
void suite_join(struct suite_thread *thread);

#endif
