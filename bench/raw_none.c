/* SPDX-License-Identifier: BSD-2-Clause */
/* For hosts whose own interface has no counterpart here: bench_raw_available says so, and nothing
 * else is called. */
#include "raw.h"

bool bench_raw_available(const char *platform)
{
    (void)platform;
    return false;
}

double raw_round_trip(const struct bench_guest *guest, bool registers, bool set, unsigned n)
{
    (void)guest, (void)registers, (void)set, (void)n;
    return -1;
}

double raw_create(unsigned n, double *destroy)
{
    (void)n, (void)destroy;
    return -1;
}

double raw_kick(unsigned n)
{
    (void)n;
    return -1;
}

double raw_map(unsigned n)
{
    (void)n;
    return -1;
}

double raw_dirty(unsigned n)
{
    (void)n;
    return -1;
}

double raw_resident(unsigned n)
{
    (void)n;
    return -1;
}
