/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VMACCEL_CPU_FP_F80_INTERNAL_H
#define VMACCEL_CPU_FP_F80_INTERNAL_H

#include "cpu/fp/f80.h"
#include "cpu/fp/fp_internal.h"

#define F80_EMIN   (1 - F80_BIAS)
#define F80_ADJUST 24576 /* what unmasked overflow and underflow shift the exponent by */

struct fp_num f80_unpack(struct f80 a);

/* A result that is not an operand's NaN; `precision` is its significand's bits. */
struct f80 f80_pack(struct fp_ctx *c, struct fp_num n, unsigned precision);

/* Whether an operand is a NaN or unsupported, and the result that follows. */
bool f80_pick_nan(struct fp_ctx *c, struct fp_num a, struct fp_num b, struct f80 *result);

static inline struct f80 f80_from_nan(struct fp_num n)
{
    return (struct f80){n.hi | UINT64_C(3) << 62, (uint16_t)(n.sign << 15 | F80_EXPONENT)};
}

/* Whether the trigonometric instructions compute with an operand. */
static inline bool f80_in_range(struct f80 a)
{
    unsigned exp = a.se & F80_EXPONENT;

    return exp < F80_BIAS + 63 || exp == F80_EXPONENT || !(a.mant & FP_TOP_BIT);
}

/* As the functions of f80.h, without the host's help: within 1 ulp of the true value. */
struct f80 f80_soft_2xm1(struct fp_ctx *c, struct f80 a);
struct f80 f80_soft_yl2x(struct fp_ctx *c, struct f80 a, struct f80 b);
struct f80 f80_soft_yl2xp1(struct fp_ctx *c, struct f80 a, struct f80 b);
struct f80 f80_soft_patan(struct fp_ctx *c, struct f80 a, struct f80 b);
void f80_soft_sincos(struct fp_ctx *c, struct f80 a, struct f80 *sine, struct f80 *cosine);
void f80_soft_tan(struct fp_ctx *c, struct f80 a, struct f80 *tangent, struct f80 *one);

#endif
