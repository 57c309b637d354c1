/* SPDX-License-Identifier: BSD-2-Clause */
/* IEEE arithmetic on f16, f32 and f64 with the rules of SSE, AVX and FMA: NaNs, MXCSR's flags,
 * "integer indefinite" results. Each function raises all flags of its one element. */
#ifndef VMACCEL_CPU_FP_SSE_H
#define VMACCEL_CPU_FP_SSE_H

#include "cpu/fp/fp.h"

enum fp_relation { FP_LESS = -1, FP_EQUAL = 0, FP_GREATER = 1, FP_UNORDERED = 2 };

/* Signs that fp muladd changes. */
#define FP_NEGATE_PRODUCT 1u
#define FP_NEGATE_ADDEND  2u

/* The flags to set for one instruction, given those that all its elements raised: an unmasked IE,
 * DE or ZE is found before any element is computed. */
static inline uint8_t fp_settle(uint8_t raised, uint8_t masks)
{
    return raised & ~masks & (FP_IE | FP_DE | FP_ZE) ? raised & (FP_IE | FP_DE | FP_ZE) : raised;
}

#define FP_DECLARE(f, type)                                                                        \
    type f##_add(struct fp_ctx *c, type a, type b);                                                \
    type f##_sub(struct fp_ctx *c, type a, type b);                                                \
    type f##_mul(struct fp_ctx *c, type a, type b);                                                \
    type f##_div(struct fp_ctx *c, type a, type b);                                                \
    type f##_sqrt(struct fp_ctx *c, type a);                                                       \
    /* a * b + d; the NaN that wins is that of a, else b, else d. */                               \
    type f##_muladd(struct fp_ctx *c, type a, type b, type d, unsigned negate);                    \
    /* b where they are equal zeros or one is a NaN. */                                            \
    type f##_min(struct fp_ctx *c, type a, type b);                                                \
    type f##_max(struct fp_ctx *c, type a, type b);                                                \
    /* A signalling comparison raises IE for every NaN, a quiet one for SNaNs. */                  \
    enum fp_relation f##_compare(struct fp_ctx *c, type a, type b, bool signalling);               \
    /* To an integral number: ROUNDSS. */                                                          \
    type f##_rint(struct fp_ctx *c, type a, uint8_t rounding, bool suppress_inexact);              \
    int32_t f##_to_i32(struct fp_ctx *c, type a, uint8_t rounding);                                \
    int64_t f##_to_i64(struct fp_ctx *c, type a, uint8_t rounding);                                \
    type f##_from_i64(struct fp_ctx *c, int64_t v)

FP_DECLARE(f32, uint32_t);
FP_DECLARE(f64, uint64_t);

uint64_t f32_to_f64(struct fp_ctx *c, uint32_t a);
uint32_t f64_to_f32(struct fp_ctx *c, uint64_t a);
uint32_t f16_to_f32(struct fp_ctx *c, uint16_t a);
uint16_t f32_to_f16(struct fp_ctx *c, uint32_t a, uint8_t rounding);

#endif
