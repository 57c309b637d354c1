/* SPDX-License-Identifier: BSD-2-Clause */
/* Random system instructions and page tables on the software CPU and on KVM: diff-system [options],
 * see usage(). */
#include "system.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GROUPS_MAX     32u
#define EXCLUSIONS_MAX 64u

static struct options {
    uint64_t seed, cases, only;
    unsigned seconds, shown;
    bool one, user_only, verbose;
    bool groups[GROUPS_MAX];
    const char *reference;
} options = {.seed = 1, .shown = 10, .reference = "kvm"};

static struct totals {
    uint64_t cases, excluded, differ, refused;
} totals[GROUPS_MAX];
static uint64_t excluded_by[EXCLUSIONS_MAX];
static unsigned shown;

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Apply the exclusions that fit; true if nothing is left to differ. */
static bool excluded(const struct system_case *c, const struct outcome *soft, struct outcome *kvm)
{
    for (unsigned i = 0; i < exclusion_count; i++)
        if (exclusions[i].mend(c, soft, kvm)) {
            excluded_by[i]++;
            if (options.verbose)
                printf("#   excluded: %s\n", exclusions[i].name);
            if (!outcome_compare(c, soft, kvm))
                return true;
        }
    return false;
}

static void run_case(struct machine *soft, struct machine *kvm, const struct offer *offer,
                     uint64_t seed)
{
    static struct system_case c;
    static struct outcome a, b;

    case_generate(&c, offer, seed);
    if (options.user_only && c.cpl != 3)
        return;
    if (options.verbose) {
        case_print(stdout, &c);
        fflush(stdout);
    }
    machine_run(soft, &c, &a);
    machine_run(kvm, &c, &b);
    struct totals *t = &totals[c.group];
    t->cases++;
    const char *what = outcome_compare(&c, &a, &b);
    if (options.verbose)
        outcome_print(stdout, &c, &a, &b);
    if (!what)
        return;
    if (excluded(&c, &a, &b)) {
        t->excluded++;
        return;
    }
    t->differ++;
    if (shown++ >= options.shown || options.verbose)
        return;
    case_print(stdout, &c);
    what = outcome_compare(&c, &a, &b);
    printf("#   %s differs\n", what);
    outcome_print(stdout, &c, &a, &b);
    fflush(stdout);
}

static int summary(double seconds)
{
    struct totals all = {0};
    printf("# %-11s %9s %9s %9s\n", "group", "cases", "excluded", "differ");
    for (unsigned i = 0; i < system_group_count; i++) {
        printf("# %-11s %9" PRIu64 " %9" PRIu64 " %9" PRIu64 "\n", system_groups[i].name,
               totals[i].cases, totals[i].excluded, totals[i].differ);
        all.cases += totals[i].cases;
        all.excluded += totals[i].excluded;
        all.differ += totals[i].differ;
    }
    for (unsigned i = 0; i < exclusion_count; i++)
        if (excluded_by[i])
            printf("# excluded %" PRIu64 " by %s: %s\n", excluded_by[i], exclusions[i].name,
                   exclusions[i].reason);
    printf("# %" PRIu64 " cases, %.1f s, %.0f cases/s, %" PRIu64 " excluded, %" PRIu64 " differ\n",
           all.cases, seconds, (double)all.cases / seconds, all.excluded, all.differ);
    bool ok = all.differ == 0 && all.cases > 0;
    printf("%s 1 - system instructions and paging agree with %s in %" PRIu64 " cases\n",
           ok ? "ok" : "not ok", options.reference, all.cases);
    return !ok;
}

static void usage(int status)
{
    fprintf(status ? stderr : stdout,
            "usage: diff-system [options]\n"
            "Random system instructions and page tables on the software CPU and on KVM.\n"
            "  --seed N      the first case's number (1); cases are numbered upwards from it\n"
            "  --cases N     how many cases\n"
            "  --seconds N   for how long (10 without --cases)\n"
            "  --case N      one case only, printed whole: what a difference's report names.\n"
            "                The case also depends on what the two platforms offer\n"
            "  --group NAME  only this group, may be repeated\n"
            "  --user        only code at CPL 3\n"
            "  --verbose     print every case before it runs, and its outcomes\n"
            "  --show N      print the first N differences (10)\n"
            "  --reference P the platform to compare with (kvm)\n"
            "  --list        the groups, and what is excluded why\n"
            "Where KVM runs no guest kernel code on the CPU the exit status is 0 and the test is\n"
            "skipped, but for --user.\n");
    exit(status);
}

static void list(void)
{
    for (unsigned i = 0; i < system_group_count; i++)
        printf("group %s\n", system_groups[i].name);
    for (unsigned i = 0; i < exclusion_count; i++)
        printf("excluded %s: %s\n", exclusions[i].name, exclusions[i].reason);
}

static void choose_group(const char *name)
{
    static bool some;
    if (!some)
        memset(options.groups, 0, sizeof options.groups);
    some = true;
    for (unsigned i = 0; i < system_group_count; i++)
        if (strcmp(name, system_groups[i].name) == 0) {
            options.groups[i] = true;
            return;
        }
    usage(2);
}

static void parse(int argc, char **argv)
{
    memset(options.groups, 1, sizeof options.groups);
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(name, "--list") == 0) {
            list();
            exit(0);
        }
        if (strcmp(name, "--help") == 0)
            usage(0);
        if (strcmp(name, "--verbose") == 0) {
            options.verbose = true;
            continue;
        }
        if (strcmp(name, "--user") == 0) {
            options.user_only = true;
            continue;
        }
        if (!value)
            usage(2);
        i++;
        if (strcmp(name, "--group") == 0)
            choose_group(value);
        else if (strcmp(name, "--reference") == 0)
            options.reference = value;
        else if (strcmp(name, "--seed") == 0)
            options.seed = strtoull(value, NULL, 0);
        else if (strcmp(name, "--cases") == 0)
            options.cases = strtoull(value, NULL, 0);
        else if (strcmp(name, "--seconds") == 0)
            options.seconds = (unsigned)strtoul(value, NULL, 0);
        else if (strcmp(name, "--show") == 0)
            options.shown = (unsigned)strtoul(value, NULL, 0);
        else if (strcmp(name, "--case") == 0) {
            options.one = options.verbose = true;
            options.seed = strtoull(value, NULL, 0);
            options.cases = 1;
        } else
            usage(2);
    }
    if (!options.seconds && !options.cases)
        options.seconds = 10;
}

static int skip(const char *why)
{
    printf("ok 1 # SKIP %s\n", why);
    return 0;
}

int main(int argc, char **argv)
{
    static vmaccel_x86_cpuid cpuid[256];
    struct offer offer = {0};
    vmaccel_platform_info info;

    parse(argc, argv);
    printf("1..1\n");
    const vmaccel_platform *soft = vmaccel_platform_find("soft");
    const vmaccel_platform *kvm = vmaccel_platform_find(options.reference);
    if (!soft || !kvm)
        usage(2);
    if (vmaccel_platform_probe(kvm, &info) != VMACCEL_OK || info.status != VMACCEL_OK)
        return skip(info.reason);
    if (!options.user_only &&
        !vmaccel_platform_cap(kvm, VMACCEL_ARCH_X86_64, VMACCEL_CAP_NATIVE_KERNEL))
        return skip("capability native-kernel: this KVM emulates guest kernel code");
    size_t count = common_cpuid(soft, kvm, cpuid, 256, &offer);
    struct machine *a = count ? machine_create(soft, cpuid, count) : NULL;
    struct machine *b = a ? machine_create(kvm, cpuid, count) : NULL;
    if (!b)
        return 1;
    double start = seconds_now(), end = start + options.seconds;
    uint64_t done = 0;
    for (uint64_t seed = options.seed;; seed++) {
        if (options.cases && done >= options.cases)
            break;
        if (options.seconds && (seed & 15) == 0 && seconds_now() >= end)
            break;
        if (!options.one && !options.groups[case_group(seed)])
            continue;
        run_case(a, b, &offer, seed);
        done++;
    }
    machine_destroy(a);
    machine_destroy(b);
    return summary(seconds_now() - start);
}
