/* SPDX-License-Identifier: BSD-2-Clause */
/* The conformance suite: every case against the public API only, run by `vmaccel check` and by the
 * tests. */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <stdio.h>

#include <vmaccel/vmaccel.h>

enum conformance_format { CONFORMANCE_TEXT, CONFORMANCE_TAP, CONFORMANCE_JSON };

struct conformance_options {
    const vmaccel_platform *platform;
    vmaccel_arch arch;
    const char *filter; /* run cases whose name contains it; NULL: all */
    bool quick;         /* fewer repetitions of the long cases; the report says so */
    bool list;          /* print the cases' names and what each shows, run none */
    enum conformance_format format;
    FILE *out;
};

struct conformance_summary {
    unsigned passed, failed, skipped;
};

/* Run the suite in this process. Returns the summary; a case that hangs is ended by its own time
 * limit. */
struct conformance_summary conformance_run(const struct conformance_options *options);

#endif
