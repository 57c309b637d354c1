/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes vector operations out of what happens in one lane. In a body x and y are the sources, r is
 * the result, and the loops are of fixed length on locals, so that a compiler vectorises them. */
#ifndef VMACCEL_CPU_X86_VEC_LANES_H
#define VMACCEL_CPU_X86_VEC_LANES_H

#include "cpu/x86/vec.h"

#define EACH(T, expression)                                                                        \
    for (unsigned k = 0; k < sizeof(r) / sizeof(r.T[0]); k++)                                      \
    r.T[k] = (expression)

/* Elements do not cross 8 bytes: an MMX operation is the low half of an SSE one. */
#define VERTICAL(name, body)                                                                       \
    static inline cpu_lane name##_lane(cpu_lane x, cpu_lane y, unsigned imm)                       \
    {                                                                                              \
        cpu_lane r;                                                                                \
        (void)x;                                                                                   \
        (void)y;                                                                                   \
        (void)imm;                                                                                 \
        body;                                                                                      \
        return r;                                                                                  \
    }                                                                                              \
    void vec_##name(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned bytes)  \
    {                                                                                              \
        d->lane[0] = name##_lane(a->lane[0], b->lane[0], imm);                                     \
        if (bytes > 16)                                                                            \
            d->lane[1] = name##_lane(a->lane[1], b->lane[1], imm);                                 \
    }

/* The same for elements that move within n bytes: 8 for MMX, else 16. */
#define HORIZONTAL(name, ...)                                                                      \
    static inline cpu_lane name##_lane(cpu_lane x, cpu_lane y, unsigned imm, unsigned n)           \
    {                                                                                              \
        cpu_lane r = {{0}};                                                                        \
        (void)x;                                                                                   \
        (void)y;                                                                                   \
        (void)imm;                                                                                 \
        (void)n;                                                                                   \
        __VA_ARGS__;                                                                               \
        return r;                                                                                  \
    }                                                                                              \
    void vec_##name(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned bytes)  \
    {                                                                                              \
        if (bytes == 8) {                                                                          \
            d->lane[0] = name##_lane(a->lane[0], b->lane[0], imm, 8);                              \
            return;                                                                                \
        }                                                                                          \
        d->lane[0] = name##_lane(a->lane[0], b->lane[0], imm, 16);                                 \
        if (bytes > 16)                                                                            \
            d->lane[1] = name##_lane(a->lane[1], b->lane[1], imm, 16);                             \
    }

#endif
