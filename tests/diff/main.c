/* SPDX-License-Identifier: BSD-2-Clause */
/* Random instructions on the host's CPU and on the software CPU: diff-cpu [options], see usage().
 */
#include "diff.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "templates.h"

#define STATES_PER_PROGRAM 16u
#define KINDS_MAX          2048u
#define KINDS_SHOWN        40u

static struct options {
    uint64_t seed, cases;
    unsigned seconds, jobs;
    bool groups[GROUP_COUNT];
    bool narrow;
    const char *out;
} options = {.seed = 1, .jobs = 1, .out = "."};

/* Shared by the workers. */
static struct totals {
    struct worker {
        uint64_t cases, faults, failures, strays;
        uint64_t insns[GROUP_COUNT];
        uint32_t kinds_used;
        struct kind {
            uint16_t mnemonic;
            uint8_t group;
            bool missing;
            char what[16];
            char file[24];
            uint64_t count;
        } kinds[KINDS_MAX];
    } workers[64];
} * totals;

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- One case ---- */

static void run_both(const struct program *p, const struct state *before, struct outcome *host,
                     struct outcome *soft, bool step)
{
    memcpy(&host->state, before, offsetof(struct state, xsave) + XSAVE_USED);
    memcpy(&soft->state, before, offsetof(struct state, xsave) + XSAVE_USED);
    host_run(p, host);
    soft_run(p, soft, step);
}

/* The case as a replay has it, from its own memory. */
static const char *rerun(const struct replay *r, struct outcome *host, struct outcome *soft)
{
    memcpy(host_memory, r->memory, MEMORY_SIZE);
    memcpy(soft_memory, r->memory, MEMORY_SIZE);
    host_code(&r->program);
    soft_code(&r->program);
    run_both(&r->program, &r->state, host, soft, r->step);
    return compare(&r->program, host, soft);
}

/* ---- Smaller failing cases ---- */

static struct outcome host_outcome, soft_outcome;

static bool still_fails(const struct replay *r, const char *what)
{
    const char *now = rerun(r, &host_outcome, &soft_outcome);
    return now && strcmp(now, what) == 0;
}

static void try_zero(struct replay *r, void *field, size_t size, const char *what)
{
    uint8_t saved[64], *bytes = field;
    bool zero = true;
    for (size_t i = 0; i < size; i++)
        zero &= bytes[i] == 0;
    if (zero)
        return;
    memcpy(saved, field, size);
    memset(field, 0, size);
    if (!still_fails(r, what))
        memcpy(field, saved, size);
}

/* The program without one instruction; the last jump is relative. */
static bool try_without(struct replay *r, unsigned index, const char *what)
{
    static struct replay smaller;
    smaller = *r;
    struct program *p = &smaller.program;
    unsigned off = p->at[index].off, length = p->at[index].i.length;
    memmove(p->bytes + off, p->bytes + off + length, p->size - off - length);
    p->size = (uint16_t)(p->size - length);
    uint32_t end;
    memcpy(&end, p->bytes + p->size - 4, 4);
    end += length;
    memcpy(p->bytes + p->size - 4, &end, 4);
    if (!program_analyse(p) || !still_fails(&smaller, what))
        return false;
    *r = smaller;
    return true;
}

static void minimise(struct replay *r, const char *what)
{
    for (unsigned i = r->program.count; i-- > 0;)
        if (r->program.count > 1 && i < r->program.count)
            try_without(r, i, what);
    if (r->step) {
        r->step = false;
        r->step = !still_fails(r, what);
    }
    for (unsigned i = 0; i < 16; i++)
        try_zero(r, &r->state.r[i], 8, what);
    for (unsigned i = XSAVE_ST; i < XSAVE_HEADER; i += 16)
        try_zero(r, r->state.xsave + i, 16, what);
    for (unsigned i = XSAVE_YMM; i < XSAVE_USED; i += 16)
        try_zero(r, r->state.xsave + i, 16, what);
    for (unsigned i = 0; i < MEMORY_SIZE; i += 64)
        try_zero(r, r->memory + i, 64, what);
    static const uint16_t fcw = 0x37f;
    uint16_t saved;
    memcpy(&saved, r->state.xsave, 2);
    memcpy(r->state.xsave, &fcw, 2);
    if (!still_fails(r, what))
        memcpy(r->state.xsave, &saved, 2);
    try_zero(r, r->state.xsave + 2, 2, what);
    try_zero(r, r->state.xsave + 4, 1, what);
    for (unsigned bit = 0; bit < 22; bit++) {
        uint64_t before = r->state.rflags;
        r->state.rflags &= ~(UINT64_C(1) << bit) | 0x202;
        if (before != r->state.rflags && !still_fails(r, what))
            r->state.rflags = before;
    }
}

/* ---- Reports ---- */

static void write_replay(const struct replay *r, const char *what, const char *path)
{
    FILE *f = path ? fopen(path, "w") : stdout;
    if (!f)
        return;
    rerun(r, &host_outcome, &soft_outcome);
    fprintf(f, "# %s differs\n", what);
    print_program(f, &r->program);
    print_differences(f, &r->program, &host_outcome, &soft_outcome);
    replay_write(f, r);
    if (path)
        fclose(f);
}

static void report(struct worker *w, struct replay *r, const char *what, bool missing)
{
    minimise(r, what);
    /* The instruction at fault, or the last. */
    rerun(r, &host_outcome, &soft_outcome);
    unsigned index = program_index(&r->program, &host_outcome);
    const struct insn *culprit = &r->program.at[index < r->program.count ? index : index - 1];
    for (unsigned i = 0; i < w->kinds_used; i++) {
        struct kind *k = &w->kinds[i];
        if (k->mnemonic == culprit->i.mnemonic && strcmp(k->what, what) == 0) {
            k->count++;
            return;
        }
    }
    if (w->kinds_used == KINDS_MAX)
        return;
    struct kind *k = &w->kinds[w->kinds_used++];
    *k = (struct kind){.mnemonic = (uint16_t)culprit->i.mnemonic,
                       .group = culprit->group,
                       .missing = missing,
                       .count = 1};
    snprintf(k->what, sizeof k->what, "%s", what);
    snprintf(k->file, sizeof k->file, "%s-%u.txt", ZydisMnemonicGetString(culprit->i.mnemonic),
             (unsigned)(w - totals->workers) * 1000 + w->kinds_used);
    if (missing)
        return;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", options.out, k->file);
    write_replay(r, what, path);
}

/* ---- Workers ---- */

static void count_insns(struct worker *w, const struct program *p, unsigned ran)
{
    for (unsigned i = 0; i < ran; i++)
        w->insns[p->at[i].group]++;
}

/* FIP and its like may be lost when the host's kernel switches tasks; FNSAVE shows that. */
static bool stores_environment(const struct program *p)
{
    for (unsigned i = 0; i < p->count; i++)
        if (p->at[i].i.mnemonic == ZYDIS_MNEMONIC_FNSAVE ||
            p->at[i].i.mnemonic == ZYDIS_MNEMONIC_FNSTENV)
            return true;
    return false;
}

static void run_program(struct worker *w, struct rng *g)
{
    static struct program p;
    static struct state before;
    static uint8_t memory[MEMORY_SIZE];
    static struct replay failing;
    unsigned failures = 0;

    program_generate(&p, g, options.groups, options.narrow);
    host_code(&p);
    soft_code(&p);
    bool step = !p.pops_flags && rng_percent(g, 6);
    for (unsigned n = 0; n < STATES_PER_PROGRAM; n++) {
        state_random(&before, &p, g, host_memory);
        memcpy(memory, host_memory, MEMORY_SIZE);
        memcpy(soft_memory, host_memory, MEMORY_SIZE);
        run_both(&p, &before, &host_outcome, &soft_outcome, step);
        w->cases++;
        const char *what = compare(&p, &host_outcome, &soft_outcome);
        unsigned ran = program_index(&p, &host_outcome);
        if (host_outcome.vector != VECTOR_NONE) {
            w->faults++;
            ran += ran < p.count;
        }
        count_insns(w, &p, ran);
        if (!what)
            continue;
        bool missing = soft_outcome.vector == 6;
        failing.program = p;
        failing.state = before;
        failing.step = step;
        memcpy(failing.memory, memory, MEMORY_SIZE);
        /* A tick on a busy machine may end a run early, or a step's trap. */
        bool disturbed = host_outcome.vector == VECTOR_TIMEOUT || host_outcome.vector == 1 ||
                         soft_outcome.vector == VECTOR_TIMEOUT || stores_environment(&p);
        if (disturbed && !rerun(&failing, &host_outcome, &soft_outcome))
            continue;
        memcpy(soft_memory, memory, MEMORY_SIZE);
        if (soft_strays(&p, &before)) {
            w->strays++;
            continue;
        }
        w->failures++;
        if (failures++ >= 2)
            break;
        report(w, &failing, what, missing);
        host_code(&p);
        soft_code(&p);
        memset(host_memory, 0, MEMORY_SIZE);
    }
}

static void work(unsigned index)
{
    struct worker *w = &totals->workers[index];
    struct rng g;
    const char *why;
    if (!host_init(&why))
        _exit(77);
    soft_init();
    rng_seed(&g, options.seed + index * UINT64_C(1000003));
    double end = seconds_now() + options.seconds;
    for (uint64_t n = 0;; n++) {
        if (options.cases && w->cases >= options.cases / options.jobs)
            break;
        if (options.seconds && (n & 31) == 0 && seconds_now() >= end)
            break;
        run_program(w, &g);
    }
    _exit(0);
}

static void summary(double seconds)
{
    uint64_t cases = 0, faults = 0, failures = 0, strays = 0, insns[GROUP_COUNT] = {0},
             executed = 0;
    for (unsigned j = 0; j < options.jobs; j++) {
        const struct worker *w = &totals->workers[j];
        cases += w->cases;
        faults += w->faults;
        failures += w->failures;
        strays += w->strays;
        for (unsigned i = 0; i < GROUP_COUNT; i++)
            insns[i] += w->insns[i];
    }
    printf("# %-12s %10s %14s\n", "group", "mnemonics", "executed");
    for (unsigned i = 0; i < GROUP_COUNT; i++) {
        executed += insns[i];
        if (options.groups[i])
            printf("# %-12s %10u %14" PRIu64 "\n", group_names[i],
                   template_mnemonics(options.narrow, i), insns[i]);
    }
    unsigned shown = 0;
    for (unsigned j = 0; j < options.jobs; j++)
        for (unsigned i = 0; i < totals->workers[j].kinds_used; i++) {
            const struct kind *k = &totals->workers[j].kinds[i];
            if (shown++ == KINDS_SHOWN)
                printf("# and more\n");
            if (shown > KINDS_SHOWN)
                continue;
            printf("# %-10s %-16s %-14s %8" PRIu64 " %s\n", group_names[k->group],
                   ZydisMnemonicGetString(k->mnemonic), k->what, k->count,
                   k->missing ? "#UD in the software CPU" : k->file);
        }
    printf("# %" PRIu64 " cases (%" PRIu64 " with a fault), %" PRIu64
           " instructions, %.1f s, %.0f cases/s, %" PRIu64 " strayed, %" PRIu64 " differ\n",
           cases, faults, executed, seconds, (double)cases / seconds, strays, failures);
    printf("%s 1 - %u-bit code agrees\n", failures ? "not ok" : "ok", options.narrow ? 32 : 64);
}

static int run_workers(void)
{
    int failed = 0;
    double start = seconds_now();
    pid_t pids[64];
    totals = mmap(NULL, sizeof *totals, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (totals == MAP_FAILED)
        return 1;
    printf("1..1\n");
    fflush(stdout);
    for (unsigned j = 0; j < options.jobs; j++) {
        pids[j] = fork();
        if (pids[j] == 0)
            work(j);
    }
    for (unsigned j = 0; j < options.jobs; j++) {
        int status = 0;
        waitpid(pids[j], &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
            printf("ok 1 # SKIP this host has no FSGSBASE, or not these addresses\n");
            return 0;
        }
        if (status != 0) {
            printf("# worker %u ended with status %x\n", j, (unsigned)status);
            failed = 1;
        }
        failed |= totals->workers[j].failures != 0;
    }
    summary(seconds_now() - start);
    return failed;
}

static int run_replay(const char *path)
{
    static struct replay r;
    const char *why;
    FILE *f = fopen(path, "r");
    if (!f || !replay_read(f, &r)) {
        fprintf(stderr, "diff-cpu: %s is not a replay\n", path);
        return 2;
    }
    fclose(f);
    if (!host_init(&why)) {
        fprintf(stderr, "diff-cpu: %s\n", why);
        return 77;
    }
    soft_init();
    const char *what = rerun(&r, &host_outcome, &soft_outcome);
    print_program(stdout, &r.program);
    memcpy(soft_memory, r.memory, MEMORY_SIZE);
    if (what && soft_strays(&r.program, &r.state)) {
        printf("strays from the program\n");
        return 0;
    }
    if (!what) {
        printf("agrees\n");
        return 0;
    }
    print_differences(stdout, &r.program, &host_outcome, &soft_outcome);
    printf("%s differs\n", what);
    return 1;
}

static void usage(void)
{
    fprintf(stderr,
            "diff-cpu [--seed N] [--seconds N] [--cases N] [--group NAME]... [--without NAME]...\n"
            "         [-j N] [--mode 32|64] [--out DIRECTORY] | --replay FILE | --list\n");
    exit(2);
}

static void choose_group(const char *name, bool on)
{
    for (unsigned i = 0; i < GROUP_COUNT; i++)
        if (strcmp(name, group_names[i]) == 0) {
            options.groups[i] = on;
            return;
        }
    usage();
}

int main(int argc, char **argv)
{
    bool some = false;
    generator_init();
    memset(options.groups, 1, sizeof options.groups);
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(name, "--list") == 0) {
            for (unsigned n = 0; n < GROUP_COUNT; n++)
                puts(group_names[n]);
            return 0;
        }
        if (!value)
            usage();
        i++;
        if (strcmp(name, "--replay") == 0)
            return run_replay(value);
        if (strcmp(name, "--group") == 0) {
            if (!some)
                memset(options.groups, 0, sizeof options.groups);
            some = true;
            choose_group(value, true);
        } else if (strcmp(name, "--without") == 0)
            choose_group(value, false);
        else if (strcmp(name, "--seed") == 0)
            options.seed = strtoull(value, NULL, 0);
        else if (strcmp(name, "--seconds") == 0)
            options.seconds = (unsigned)strtoul(value, NULL, 0);
        else if (strcmp(name, "--cases") == 0)
            options.cases = strtoull(value, NULL, 0);
        else if (strcmp(name, "-j") == 0)
            options.jobs = (unsigned)strtoul(value, NULL, 0);
        else if (strcmp(name, "--mode") == 0)
            options.narrow = strcmp(value, "32") == 0;
        else if (strcmp(name, "--out") == 0)
            options.out = value;
        else
            usage();
    }
    if (options.jobs == 0 || options.jobs > 64)
        usage();
    if (!options.seconds && !options.cases)
        options.seconds = 10;
    mkdir(options.out, 0777);
    return run_workers();
}
