/* SPDX-License-Identifier: BSD-2-Clause */
/* Each figure is measured through the library and through the raw interface in turn, in pairs, so
 * that both see the same state of the host; the medians and the median of the pairs' ratios are
 * reported. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include "raw.h"

#define MAX_REPEAT   99
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct figure {
    const char *name, *what;
    /* A round trip; or, of something else, the functions below. */
    enum bench_program program;
    enum bench_work work;
    double (*lib)(unsigned n);
    double (*raw)(unsigned n);
    unsigned n; /* operations in one sample; 0: by the time one takes */
    const char *unit;
    double scale; /* to the unit */
};

#define ROUND_TRIP(name, what, program, work)                                                      \
    {                                                                                              \
        name, what, program, work, NULL, NULL, 0, "us", 1e-3                                       \
    }
#define OTHER(name, what, lib, raw, n, unit, scale)                                                \
    {                                                                                              \
        name, what, BENCH_EXIT, BENCH_NOTHING, lib, raw, n, unit, scale                            \
    }

static double destroy_lib_ns, destroy_raw_ns;

static double create_lib(unsigned n)
{
    return lib_create(n, &destroy_lib_ns);
}

static double create_raw(unsigned n)
{
    return raw_create(n, &destroy_raw_ns);
}

static double destroy_lib(unsigned n)
{
    return lib_create(n, &destroy_lib_ns) < 0 ? -1 : destroy_lib_ns;
}

static double destroy_raw(unsigned n)
{
    return raw_create(n, &destroy_raw_ns) < 0 ? -1 : destroy_raw_ns;
}

static const struct figure figures_x86[] = {
    ROUND_TRIP("port-out", "exit round trip, port out", BENCH_EXIT, BENCH_NOTHING),
    ROUND_TRIP("port-in", "exit round trip, port in", BENCH_IN, BENCH_NOTHING),
    ROUND_TRIP("mmio-write", "exit round trip, MMIO write", BENCH_MMIO_WRITE, BENCH_NOTHING),
    ROUND_TRIP("mmio-read", "exit round trip, MMIO read", BENCH_MMIO_READ, BENCH_NOTHING),
    ROUND_TRIP("port-out-regs", "port out, all registers read", BENCH_EXIT, BENCH_ALL),
    ROUND_TRIP("port-in-regs", "port in, all registers read", BENCH_IN, BENCH_ALL),
    ROUND_TRIP("mmio-write-regs", "MMIO write, all registers read", BENCH_MMIO_WRITE, BENCH_ALL),
    ROUND_TRIP("mmio-read-regs", "MMIO read, all registers read", BENCH_MMIO_READ, BENCH_ALL),
    ROUND_TRIP("set-register", "port out, one register set", BENCH_EXIT, BENCH_SET),
};

static const struct figure figures_arm64[] = {
    ROUND_TRIP("mmio-write", "exit round trip, MMIO write", BENCH_MMIO_WRITE, BENCH_NOTHING),
    ROUND_TRIP("mmio-read", "exit round trip, MMIO read", BENCH_MMIO_READ, BENCH_NOTHING),
    ROUND_TRIP("mmio-write-pc", "MMIO write, PC read", BENCH_MMIO_WRITE, BENCH_PC),
    ROUND_TRIP("mmio-read-pc", "MMIO read, PC read", BENCH_MMIO_READ, BENCH_PC),
    ROUND_TRIP("mmio-write-few", "MMIO write, X0-X3 and PC read", BENCH_MMIO_WRITE, BENCH_FEW),
    ROUND_TRIP("mmio-read-few", "MMIO read, X0-X3 and PC read", BENCH_MMIO_READ, BENCH_FEW),
    ROUND_TRIP("mmio-write-regs", "MMIO write, all registers read", BENCH_MMIO_WRITE, BENCH_ALL),
    ROUND_TRIP("mmio-read-regs", "MMIO read, all registers read", BENCH_MMIO_READ, BENCH_ALL),
    ROUND_TRIP("set-register", "MMIO write, one register set", BENCH_MMIO_WRITE, BENCH_SET),
};

static const struct figure figures_both[] = {
    OTHER("create", "VM, memory, vCPU to first exit", create_lib, create_raw, 20, "us", 1e-3),
    OTHER("destroy", "the same destroyed", destroy_lib, destroy_raw, 20, "us", 1e-3),
    OTHER("kick", "kick to return of run", lib_kick, raw_kick, 100, "us", 1e-3),
    OTHER("map-unmap", "map and unmap 2 MiB", lib_map, raw_map, 50, "us", 1e-3),
    OTHER("dirty-log", "dirty log of 64 MiB, 2048 pages dirty", lib_dirty, raw_dirty, 3, "us",
          1e-3),
    OTHER("resident", "resident memory of a VM with one vCPU", lib_resident, raw_resident, 20,
          "KiB", 1.0 / 1024),
};

static double sample(const struct figure *figure, bool lib, unsigned n)
{
    if (figure->lib != NULL)
        return lib ? figure->lib(n) : figure->raw(n);
    return lib ? lib_round_trip(figure->program, figure->work, n)
               : raw_round_trip(figure->program, figure->work, n);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, unsigned n)
{
    qsort(values, n, sizeof *values, compare);
    return n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

struct result {
    double lib, raw, ratio;
    bool has_raw;
};

static bool measure(const struct figure *figure, unsigned repeat, bool has_raw,
                    struct result *result)
{
    double lib[MAX_REPEAT], raw[MAX_REPEAT], ratio[MAX_REPEAT];
    unsigned n = figure->n;
    if (n == 0) { /* 20 ms a sample */
        double once = sample(figure, true, 50);
        if (once < 0)
            return false;
        n = once > 0 && 20e6 / once > 50 ? (unsigned)(20e6 / once) : 50;
    }
    for (unsigned i = 0; i < repeat; i++) {
        bool lib_first = i % 2 == 0;
        if (lib_first)
            lib[i] = sample(figure, true, n);
        raw[i] = has_raw ? sample(figure, false, n) : 0;
        if (!lib_first)
            lib[i] = sample(figure, true, n);
        if (lib[i] < 0 || raw[i] < 0)
            return false;
        ratio[i] = raw[i] > 0 ? lib[i] / raw[i] : 1;
    }
    result->lib = median(lib, repeat) * figure->scale;
    result->raw = median(raw, repeat) * figure->scale;
    result->ratio = median(ratio, repeat);
    result->has_raw = has_raw;
    return true;
}

/* How many ioctls an exit takes: a count, and the same each time. */
static bool count(const struct figure *figure, struct result *result)
{
    result->has_raw = true;
    result->lib = raw_ioctls(lib_round_trip, figure->program, figure->work);
    result->raw = raw_ioctls(raw_round_trip, figure->program, figure->work);
    result->ratio = result->lib / result->raw;
    return result->lib > 0 && result->raw > 0;
}

struct run {
    const struct bench_options *options;
    unsigned repeat;
    bool has_raw, failed, printed;
};

static void print(struct run *run, const struct figure *figure, const struct result *result)
{
    FILE *out = run->options->out;
    if (run->options->json) {
        fprintf(out, "%s\n    {\"name\": \"%s\", \"unit\": \"%s\", \"vmaccel\": %.4f",
                run->printed ? "," : "", figure->name, figure->unit, result->lib);
        if (result->has_raw)
            fprintf(out, ", \"raw\": %.4f, \"ratio\": %.4f", result->raw, result->ratio);
        fprintf(out, "}");
    } else if (result->has_raw) {
        fprintf(out, "%-40s %10.3f %10.3f %-6s %8.3f\n", figure->what, result->lib, result->raw,
                figure->unit, result->ratio);
    } else {
        fprintf(out, "%-40s %10.3f %10s %-6s %8s\n", figure->what, result->lib, "-", figure->unit,
                "-");
    }
    run->printed = true;
    fflush(out);
}

static void report(struct run *run, const struct figure *figure, bool counts)
{
    struct result result;
    const char *filter = run->options->filter;
    if (filter != NULL && strstr(figure->name, filter) == NULL)
        return;
    if (counts ? count(figure, &result) : measure(figure, run->repeat, run->has_raw, &result)) {
        print(run, figure, &result);
        return;
    }
    const vmaccel_error *error = vmaccel_last_error();
    fprintf(stderr, "vmaccel bench: %s failed%s%s\n", figure->name,
            counts                   ? ": the system calls of a process can't be traced here"
            : error->text[0] != '\0' ? ": "
                                     : "",
            counts ? "" : error->text);
    run->failed = true;
}

static void report_count(struct run *run, const struct figure *figure)
{
    char name[40], what[60];
    struct figure counted = *figure;
    snprintf(name, sizeof name, "ioctls-%s", figure->name);
    snprintf(what, sizeof what, "ioctls: %s", figure->what);
    counted.name = name;
    counted.what = what;
    counted.unit = "ioctls";
    report(run, &counted, true);
}

int bench_run(const struct bench_options *options)
{
    struct run run = {.options = options,
                      .repeat = options->repeat < 5            ? 5
                                : options->repeat > MAX_REPEAT ? MAX_REPEAT
                                                               : options->repeat};
    const char *name = vmaccel_platform_name(options->platform), *kind = "unknown";
    vmaccel_platform_info info;
    bool x86 = true;
    if (vmaccel_platform_probe(options->platform, &info) == VMACCEL_OK) {
        kind = vmaccel_platform_kind_name(info.kind);
        x86 = info.guest_x86_64;
    }
    const struct figure *figures = x86 ? figures_x86 : figures_arm64;
    size_t n = x86 ? COUNT(figures_x86) : COUNT(figures_arm64);

    run.has_raw = bench_raw_available(name);
    lib_use(options->platform, x86 ? &bench_x86 : &bench_arm64);
    if (options->json)
        fprintf(options->out,
                "{\"platform\": \"%s\", \"kind\": \"%s\", \"guest\": \"%s\", \"repeat\": %u, "
                "\"figures\": [",
                name, kind, vmaccel_arch_name(x86 ? VMACCEL_ARCH_X86_64 : VMACCEL_ARCH_ARM64),
                run.repeat);
    else
        fprintf(options->out, "%s (%s), medians of %u\n%-40s %10s %10s %-6s %8s\n", name, kind,
                run.repeat, "", "vmaccel", "raw", "", "ratio");
    for (size_t i = 0; i < n; i++)
        report(&run, &figures[i], false);
    for (size_t i = 0; i < COUNT(figures_both); i++)
        report(&run, &figures_both[i], false);
    for (size_t i = 0; run.has_raw && i < n; i++)
        report_count(&run, &figures[i]);
    if (options->json)
        fprintf(options->out, "\n]}\n");
    if (!run.printed && !run.failed) {
        fprintf(stderr, "vmaccel bench: no figure's name contains '%s'\n", options->filter);
        run.failed = true;
    }
    return run.failed;
}
