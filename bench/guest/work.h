/* SPDX-License-Identifier: BSD-2-Clause */
/* The workloads of bench/compute. Each does `n` units of work and returns a checksum that depends
 * on `n` alone, whatever runs it and whichever compiler built it. */
#ifndef BENCH_GUEST_WORK_H
#define BENCH_GUEST_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORK_CODE_SIZE 65536u

/* WORK_CODE_SIZE bytes, writable and executable. */
extern uint8_t *work_code;

uint64_t work_integer(uint64_t n);
uint64_t work_hash(uint64_t n);
uint64_t work_interpreter(uint64_t n);
uint64_t work_memory(uint64_t n);
uint64_t work_float(uint64_t n);
uint64_t work_smc(uint64_t n);
uint64_t work_system(uint64_t n); /* in the guest only */

struct work {
    const char *name;
    uint64_t (*run)(uint64_t n);
};

/* The workload whose name is the word at `text`, which ends at a space or NUL. NULL when there is
 * none. */
const struct work *work_find(const char *text);

/* A 64-bit value as 16 hexadecimal digits and a NUL. */
void work_hex(uint64_t value, char text[17]);

static inline uint64_t work_mix(uint64_t sum, uint64_t value)
{
    sum = (sum ^ value) * 0x9E3779B97F4A7C15u;
    return sum ^ (sum >> 29);
}

static inline uint64_t work_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

#endif
