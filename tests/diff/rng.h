/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VMACCEL_TESTS_DIFF_RNG_H
#define VMACCEL_TESTS_DIFF_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t s[2];
};
static inline uint64_t rng_next(struct rng *g)
{
    uint64_t a = g->s[0], b = g->s[1];
    g->s[0] = b;
    a ^= a << 23;
    g->s[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
    return g->s[1] + b;
}
static inline uint32_t rng_below(struct rng *g, uint32_t n)
{
    return (uint32_t)((rng_next(g) >> 32) * n >> 32);
}
static inline bool rng_percent(struct rng *g, unsigned percent)
{
    return rng_below(g, 100) < percent;
}
static inline void rng_seed(struct rng *g, uint64_t seed)
{
    for (unsigned i = 0; i < 2; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = seed;
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        g->s[i] = z ^ z >> 31;
    }
}

#endif
