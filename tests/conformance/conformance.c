/* SPDX-License-Identifier: BSD-2-Clause */
/* The runner: the table of cases, selection, time limits. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "common.h"
#include "suite_host.h"
#include "suite_run.h"

#define TIME_LIMIT_NS UINT64_C(60000000000)
#define GRACE_NS      UINT64_C(20000000000)
#define TICK_NS       UINT64_C(50000000)

static const struct suite_case cases[] = {
#define CASE(name, guest, what, needed)                                                            \
    SUITE_IF_##guest({#name, case_##name, what, VMACCEL_ARCH_##guest, needed}, )
#include "cases.def"
#undef CASE
};

#define CASE_COUNT (sizeof(cases) / sizeof(cases[0]))

struct watchdog {
    host_mutex lock;
    struct suite *suite; /* NULL between cases */
    struct report *report;
    atomic_bool stop;
};

/* A case that is past its limit is kicked until it ends; one that does not end even so takes the
 * process with it. */
static void *watch(void *argument)
{
    struct watchdog *dog = argument;
    while (!atomic_load(&dog->stop)) {
        host_sleep_ns(TICK_NS);
        host_mutex_lock(&dog->lock);
        if (dog->suite != NULL) {
            uint64_t now = host_now_ns(), limit = atomic_load(&dog->suite->deadline_ns);
            if (now > limit)
                suite_expire(dog->suite);
            if (now > limit + GRACE_NS) {
                report_hang(dog->report, dog->suite);
                fflush(NULL);
                _Exit(1);
            }
        }
        host_mutex_unlock(&dog->lock);
    }
    return NULL;
}

static void watch_case(struct watchdog *dog, struct suite *suite)
{
    host_mutex_lock(&dog->lock);
    dog->suite = suite;
    host_mutex_unlock(&dog->lock);
}

static const char *missing(const struct conformance_options *options, const struct suite_case *test)
{
    size_t count = sizeof(test->needs) / sizeof(test->needs[0]);
    for (size_t i = 0; i < count && test->needs[i] != 0; i++) {
        if (vmaccel_platform_cap(options->platform, options->arch, test->needs[i]) == 0)
            return vmaccel_cap_name(test->needs[i]);
    }
    return NULL;
}

static bool selected(const struct conformance_options *options, const struct suite_case *test)
{
    return (test->arch == options->arch || test->arch == VMACCEL_ARCH_NONE) &&
           (options->filter == NULL || strstr(test->name, options->filter) != NULL);
}

static void run_case(const struct conformance_options *options, const struct suite_case *test,
                     struct watchdog *dog, struct suite *suite)
{
    memset(suite, 0, sizeof(*suite));
    suite->options = options;
    suite->test = test;
    host_mutex_init(&suite->lock);
    suite->skip = missing(options, test);
    if (suite->skip != NULL) {
        suite->verdict = VERDICT_SKIP;
    } else {
        atomic_store(&suite->deadline_ns, host_now_ns() + TIME_LIMIT_NS);
        watch_case(dog, suite);
        suite_run_case(suite);
        watch_case(dog, NULL);
    }
    host_mutex_end(&suite->lock);
}

static void run_all(const struct conformance_options *options, struct watchdog *dog,
                    struct conformance_summary *summary)
{
    struct suite *suite = malloc(sizeof(*suite));
    if (suite == NULL)
        return;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        if (!selected(options, &cases[i]))
            continue;
        run_case(options, &cases[i], dog, suite);
        if (suite->verdict == VERDICT_PASS)
            summary->passed++;
        else if (suite->verdict == VERDICT_FAIL)
            summary->failed++;
        else
            summary->skipped++;
        report_case(dog->report, suite);
    }
    free(suite);
}

struct conformance_summary conformance_run(const struct conformance_options *options)
{
    struct conformance_summary summary = {0, 0, 0};
    struct report report = {.options = options};
    struct watchdog dog = {.report = &report};
    host_thread thread;

    for (size_t i = 0; i < CASE_COUNT; i++) {
        if (!selected(options, &cases[i]))
            continue;
        report.total++;
        if (options->list)
            report_list(&report, &cases[i]);
    }
    if (options->list)
        return summary;

    if (common_arch_of(options->arch) == NULL) {
        snprintf(report.info.reason, sizeof(report.info.reason),
                 "this build has no guest programs for %s", vmaccel_arch_name(options->arch));
        report_unavailable(&report);
        summary.failed = 1;
        return summary;
    }
    if (vmaccel_platform_probe(options->platform, &report.info) != VMACCEL_OK ||
        report.info.status != VMACCEL_OK) {
        report_unavailable(&report);
        summary.failed = 1;
        return summary;
    }
    report_start(&report);
    host_mutex_init(&dog.lock);
    if (host_thread_start(&thread, watch, &dog)) {
        run_all(options, &dog, &summary);
        atomic_store(&dog.stop, true);
        host_thread_join(thread);
    }
    host_mutex_end(&dog.lock);
    if (summary.passed + summary.failed + summary.skipped != report.total)
        summary.failed++;
    report_end(&report, &summary);
    return summary;
}
