/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the runner, the suite's functions and the report; cases do not include it. */
#ifndef SUITE_RUN_H
#define SUITE_RUN_H

#include <setjmp.h>
#include <stdatomic.h>

#include "conformance.h"
#include "suite.h"
#include "suite_thread.h"

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_SKIP };

struct suite_case {
    const char *name;
    void (*function)(void);
    const char *what;
    vmaccel_arch arch;
    vmaccel_cap needs[6]; /* ends with 0 */
};

#define SUITE_VMS     16
#define SUITE_VCPUS   64
#define SUITE_BLOCKS  32
#define SUITE_THREADS 16
#define SUITE_NOTES   8

struct suite_thread {
    struct suite *suite;
    void (*entry)(void *argument);
    void *argument;
    host_thread handle;
    atomic_bool done;
    bool started; /* and not joined */
};

/* One case's run. */
struct suite {
    const struct conformance_options *options;
    const struct suite_case *test;

    host_mutex lock; /* verdict, message, VM and vCPU tables */
    enum verdict verdict;
    char message[512];
    const char *skip; /* what was missing */
    char notes[SUITE_NOTES][160];
    size_t note_count;
    uint64_t started_ns, took_ns;

    atomic_bool ended;
    bool timed_out;
    _Atomic uint64_t deadline_ns;

    vmaccel_vm *vms[SUITE_VMS];
    struct {
        vmaccel_vcpu *vcpu;
        const void *thread;
    } vcpus[SUITE_VCPUS];
    struct {
        void *pages;
        size_t size;
    } blocks[SUITE_BLOCKS];
    struct suite_thread threads[SUITE_THREADS];
};

/* Run the case on the calling thread, and clean up after it. */
void suite_run_case(struct suite *suite);
/* Watchdog: fail the case if it is not over yet, and kick all its vCPUs. */
void suite_expire(struct suite *suite);

struct report {
    const struct conformance_options *options;
    vmaccel_platform_info info;
    unsigned number, total;
};

void report_list(struct report *report, const struct suite_case *test);
void report_start(struct report *report);
void report_unavailable(struct report *report);
void report_case(struct report *report, const struct suite *suite);
void report_hang(struct report *report, const struct suite *suite);
void report_end(struct report *report, const struct conformance_summary *summary);

#endif
