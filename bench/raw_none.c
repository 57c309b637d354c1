/* SPDX-License-Identifier: BSD-2-Clause */
/* For hosts whose own interface has no counterpart here: bench_raw_available says so, and nothing
 * else is called. */
#include "raw.h"

bool bench_raw_available(const char *platform)
{
    (void)platform;
    return false;
}

double raw_round_trip(enum bench_program program, enum bench_work work, unsigned n)
{
    (void)program, (void)work, (void)n;
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

double raw_ioctls(double (*round_trip)(enum bench_program, enum bench_work, unsigned),
                  enum bench_program program, enum bench_work work)
{
    (void)round_trip, (void)program, (void)work;
    return -1;
}
