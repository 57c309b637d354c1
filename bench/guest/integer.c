/* SPDX-License-Identifier: BSD-2-Clause */
/* Arithmetic on integers of 8 to 64 bits: a sieve, a matrix product, Collatz chains, division. */
#include "work.h"

enum { SIEVE = 4096, SIDE = 20, CHAINS = 60, DIVISIONS = 400 };

static uint64_t sieve(void)
{
    static uint8_t composite[SIEVE];
    uint64_t sum = 0;

    for (unsigned i = 0; i < SIEVE; i++)
        composite[i] = 0;
    for (unsigned i = 2; i < SIEVE; i++) {
        if (composite[i])
            continue;
        sum += i;
        for (unsigned j = i * i; j < SIEVE; j += i)
            composite[j] = 1;
    }
    return sum;
}

static uint64_t matrix(uint64_t *state)
{
    static int32_t a[SIDE][SIDE], b[SIDE][SIDE];
    uint64_t sum = 0;

    for (unsigned i = 0; i < SIDE; i++) {
        for (unsigned j = 0; j < SIDE; j++) {
            a[i][j] = (int32_t)(work_random(state) & 0xffff) - 0x8000;
            b[i][j] = (int32_t)(work_random(state) & 0xffff) - 0x8000;
        }
    }
    for (unsigned i = 0; i < SIDE; i++) {
        for (unsigned j = 0; j < SIDE; j++) {
            int64_t cell = 0;

            for (unsigned k = 0; k < SIDE; k++)
                cell += (int64_t)a[i][k] * b[k][j];
            sum = work_mix(sum, (uint64_t)cell);
        }
    }
    return sum;
}

static uint64_t collatz(uint64_t seed)
{
    uint64_t steps = 0;

    for (uint64_t start = seed; start < seed + CHAINS; start++) {
        for (uint64_t x = start | 1; x != 1; steps++)
            x = (x & 1) ? 3 * x + 1 : x >> 1;
    }
    return steps;
}

static uint64_t divide(uint64_t *state)
{
    uint64_t sum = 0;
    uint32_t narrow = 0;

    for (unsigned i = 0; i < DIVISIONS; i++) {
        uint64_t x = work_random(state) << 31 | work_random(state), y = work_random(state) | 1;
        int16_t z = (int16_t)(x >> 3);

        sum += x / y ^ x % y;
        sum = sum << 13 | sum >> 51;
        narrow += (uint32_t)x / (((uint32_t)y & 0xfff) | 1) + (uint32_t)(z >> (y & 7));
        narrow ^= (uint32_t)(uint8_t)x * 0x01010101u;
    }
    return sum ^ narrow;
}

uint64_t work_integer(uint64_t n)
{
    uint64_t sum = 0, state = 1;

    for (uint64_t i = 0; i < n; i++) {
        sum = work_mix(sum, sieve());
        sum = work_mix(sum, matrix(&state));
        sum = work_mix(sum, collatz(27 + i % 4096));
        sum = work_mix(sum, divide(&state));
    }
    return sum;
}
