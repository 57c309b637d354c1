/* SPDX-License-Identifier: BSD-2-Clause */
/* Random floating-point operands, most of them near the edges of their formats. */
#ifndef VMACCEL_TESTS_FP_OPERANDS_H
#define VMACCEL_TESTS_FP_OPERANDS_H

#include <stdint.h>

#include "cpu/fp/fp.h"

static inline uint64_t random_bits(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1d;
}

/* A fraction with all bits, few bits, or long runs. */
static inline uint64_t random_fraction(void)
{
    uint64_t r = random_bits();

    switch (random_bits() >> 60) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX;
    case 2:
        return UINT64_C(1) << (r & 63);
    case 3:
        return UINT64_MAX << (r & 63);
    case 4:
        return UINT64_MAX >> (r & 63);
    case 5:
        return r & UINT64_MAX << (r & 63);
    case 6:
        return r & 7;
    case 7:
        return ~(r & 7);
    case 8:
        return r & 0xffffffff00000000;
    default:
        return r;
    }
}

/* An exponent field of `bits`: extreme, near the bias, small integers' or any. */
static inline uint64_t random_exponent(unsigned bits)
{
    uint64_t r = random_bits(), max = (UINT64_C(1) << bits) - 1, bias = max >> 1;

    switch (random_bits() >> 61) {
    case 0:
        return 0;
    case 1:
        return max;
    case 2:
        return r & 3;
    case 3:
        return max - (r & 3);
    case 4:
        return (bias + (r & 63)) & max;
    case 5:
        return (bias + (r & 7) - 4) & max;
    case 6:
        return (r & 1 ? bias / 2 : bias + bias / 2) + (r >> 1 & 15);
    default:
        return r & max;
    }
}

static inline uint64_t random_f64(void)
{
    return random_bits() << 63 | random_exponent(11) << 52 | random_fraction() >> 12;
}

static inline uint32_t random_f32(void)
{
    return (uint32_t)(random_bits() << 31 | random_exponent(8) << 23 | random_fraction() >> 41);
}

static inline struct f80 random_f80(void)
{
    struct f80 v = {.mant = random_fraction(),
                    .se = (uint16_t)(random_bits() << 15 | random_exponent(15))};

    /* One in 32 keeps its integer bit, and so may be an encoding that the x87 does not support. */
    if (random_bits() >> 59)
        v.mant = v.se & 0x7fff ? v.mant | UINT64_C(1) << 63 : v.mant & (UINT64_MAX >> 1);
    return v;
}

#endif
