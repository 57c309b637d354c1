/* SPDX-License-Identifier: BSD-2-Clause */
/* Each figure is measured through the library and through the raw interface in turn, in pairs, so
 * that both see the same state of the host; the medians and the median of the pairs' ratios are
 * reported. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include "raw.h"

#define MAX_REPEAT 99

struct figure {
    const char *name, *what;
    const struct bench_guest *guest;
    bool registers, set;
    double (*lib)(unsigned n);
    double (*raw)(unsigned n);
    unsigned n; /* operations in one sample; 0: by the time one takes */
    const char *unit;
    double scale; /* to the unit */
};

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

static const struct figure figures[] = {
    {"port-out", "exit round trip, port out", &bench_guest_out, false, false, NULL, NULL, 0, "us",
     1e-3},
    {"port-in", "exit round trip, port in", &bench_guest_in, false, false, NULL, NULL, 0, "us",
     1e-3},
    {"mmio-write", "exit round trip, MMIO write", &bench_guest_mmio_write, false, false, NULL, NULL,
     0, "us", 1e-3},
    {"mmio-read", "exit round trip, MMIO read", &bench_guest_mmio_read, false, false, NULL, NULL, 0,
     "us", 1e-3},
    {"port-out-regs", "port out, all registers read", &bench_guest_out, true, false, NULL, NULL, 0,
     "us", 1e-3},
    {"port-in-regs", "port in, all registers read", &bench_guest_in, true, false, NULL, NULL, 0,
     "us", 1e-3},
    {"mmio-write-regs", "MMIO write, all registers read", &bench_guest_mmio_write, true, false,
     NULL, NULL, 0, "us", 1e-3},
    {"mmio-read-regs", "MMIO read, all registers read", &bench_guest_mmio_read, true, false, NULL,
     NULL, 0, "us", 1e-3},
    {"set-register", "port out, one register set", &bench_guest_out, false, true, NULL, NULL, 0,
     "us", 1e-3},
    {"create", "VM, memory, vCPU to first exit", NULL, false, false, create_lib, create_raw, 20,
     "us", 1e-3},
    {"destroy", "the same destroyed", NULL, false, false, destroy_lib, destroy_raw, 20, "us", 1e-3},
    {"kick", "kick to return of run", NULL, false, false, lib_kick, raw_kick, 100, "us", 1e-3},
    {"map-unmap", "map and unmap 2 MiB", NULL, false, false, lib_map, raw_map, 50, "us", 1e-3},
    {"dirty-log", "dirty log of 64 MiB, 2048 pages dirty", NULL, false, false, lib_dirty, raw_dirty,
     3, "us", 1e-3},
    {"resident", "resident memory of a VM with one vCPU", NULL, false, false, lib_resident,
     raw_resident, 20, "KiB", 1.0 / 1024},
};

static double sample(const struct figure *figure, bool lib, unsigned n)
{
    if (figure->guest == NULL)
        return lib ? figure->lib(n) : figure->raw(n);
    return lib ? lib_round_trip(figure->guest, figure->registers, figure->set, n)
               : raw_round_trip(figure->guest, figure->registers, figure->set, n);
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
        double once = sample(figure, true, 200);
        if (once < 0)
            return false;
        n = once > 0 && 20e6 / once > 200 ? (unsigned)(20e6 / once) : 200;
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

static const char *kind_name(const vmaccel_platform *platform)
{
    vmaccel_platform_info info;
    if (vmaccel_platform_probe(platform, &info) != VMACCEL_OK)
        return "unknown";
    return vmaccel_platform_kind_name(info.kind);
}

static void print(const struct bench_options *options, const struct figure *figure,
                  const struct result *result, bool first)
{
    if (options->json) {
        fprintf(options->out, "%s\n    {\"name\": \"%s\", \"unit\": \"%s\", \"vmaccel\": %.4f",
                first ? "" : ",", figure->name, figure->unit, result->lib);
        if (result->has_raw)
            fprintf(options->out, ", \"raw\": %.4f, \"ratio\": %.4f", result->raw, result->ratio);
        fprintf(options->out, "}");
    } else if (result->has_raw) {
        fprintf(options->out, "%-40s %10.3f %10.3f %-4s %8.3f\n", figure->what, result->lib,
                result->raw, figure->unit, result->ratio);
    } else {
        fprintf(options->out, "%-40s %10.3f %10s %-4s %8s\n", figure->what, result->lib, "-",
                figure->unit, "-");
    }
    fflush(options->out);
}

int bench_run(const struct bench_options *options)
{
    unsigned repeat = options->repeat < 5            ? 5
                      : options->repeat > MAX_REPEAT ? MAX_REPEAT
                                                     : options->repeat;
    const char *name = vmaccel_platform_name(options->platform),
               *kind = kind_name(options->platform);
    bool has_raw = bench_raw_available(name);
    int failed = 0;

    lib_use(options->platform);
    if (options->json)
        fprintf(options->out,
                "{\"platform\": \"%s\", \"kind\": \"%s\", \"repeat\": %u, \"figures\": [", name,
                kind, repeat);
    else
        fprintf(options->out, "%s (%s), medians of %u\n%-40s %10s %10s %-4s %8s\n", name, kind,
                repeat, "", "vmaccel", "raw", "", "ratio");
    bool first = true;
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        struct result result;
        if (measure(&figures[i], repeat, has_raw, &result)) {
            print(options, &figures[i], &result, first);
            first = false;
            continue;
        }
        const vmaccel_error *error = vmaccel_last_error();
        fprintf(stderr, "vmaccel bench: %s failed%s%s\n", figures[i].name,
                error->text[0] != '\0' ? ": " : "", error->text);
        failed = 1;
    }
    if (options->json)
        fprintf(options->out, "\n]}\n");
    return failed;
}
