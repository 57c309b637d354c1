/* SPDX-License-Identifier: BSD-2-Clause */
/* The benchmarks' entry, for `vmaccel bench`. */
#ifndef BENCH_H
#define BENCH_H

#include <stdio.h>

#include <vmaccel/vmaccel.h>

struct bench_options {
    const vmaccel_platform *platform; /* available on this host */
    bool json;
    unsigned repeat;    /* runs of each figure; the median is reported */
    const char *filter; /* only figures whose name contains it; NULL: all */
    FILE *out;
};

/* Measure and print. 0, or 1 when a measurement failed; the reason is then on stderr. */
int bench_run(const struct bench_options *options);

#endif
