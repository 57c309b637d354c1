/* SPDX-License-Identifier: BSD-2-Clause */
/* The 80-bit arithmetic of the x87. A function raises all flags of its operation and returns the
 * result that masked exceptions give (for unmasked overflow and underflow the one whose exponent is
 * adjusted by 24576); what an unmasked exception keeps from happening is the caller's to know. */
#ifndef VMACCEL_CPU_FP_F80_H
#define VMACCEL_CPU_FP_F80_H

#include "cpu/fp/sse.h"

#define F80_EXPONENT 0x7fffu
#define F80_SIGN     0x8000u
#define F80_BIAS     16383
#define F80_ZERO                                                                                   \
    (struct f80)                                                                                   \
    {                                                                                              \
        0, 0                                                                                       \
    }
#define F80_ONE                                                                                    \
    (struct f80)                                                                                   \
    {                                                                                              \
        UINT64_C(1) << 63, F80_BIAS                                                                \
    }
#define F80_DEFAULT_NAN                                                                            \
    (struct f80)                                                                                   \
    {                                                                                              \
        UINT64_C(3) << 62, F80_SIGN | F80_EXPONENT                                                 \
    }

/* Rounded to c->precision. */
struct f80 f80_add(struct fp_ctx *c, struct f80 a, struct f80 b);
struct f80 f80_sub(struct fp_ctx *c, struct f80 a, struct f80 b);
struct f80 f80_mul(struct fp_ctx *c, struct f80 a, struct f80 b);
struct f80 f80_div(struct fp_ctx *c, struct f80 a, struct f80 b);
struct f80 f80_sqrt(struct fp_ctx *c, struct f80 a);

/* FPREM, or with `nearest` FPREM1. *quotient has the last bits of the quotient; partial: the
 * exponents were too far apart, and this was one step (C2). */
struct f80 f80_rem(struct fp_ctx *c, struct f80 a, struct f80 b, bool nearest, unsigned *quotient,
                   bool *partial);
struct f80 f80_rint(struct fp_ctx *c, struct f80 a);
/* a * 2^trunc(b) */
struct f80 f80_scale(struct fp_ctx *c, struct f80 a, struct f80 b);
/* The significand; *exponent gets the exponent as a number. */
struct f80 f80_xtract(struct fp_ctx *c, struct f80 a, struct f80 *exponent);

enum fp_relation f80_compare(struct fp_ctx *c, struct f80 a, struct f80 b, bool signalling);

/* An operand of arithmetic: an SNaN stays one, and a denormal is only reported. */
struct f80 f80_widen_f32(uint32_t a, bool *denormal);
struct f80 f80_widen_f64(uint64_t a, bool *denormal);
struct f80 f80_from_f32(struct fp_ctx *c, uint32_t a);
struct f80 f80_from_f64(struct fp_ctx *c, uint64_t a);
struct f80 f80_from_i64(int64_t v);
struct f80 f80_from_bcd(const uint8_t bcd[10]);
uint32_t f80_to_f32(struct fp_ctx *c, struct f80 a);
uint64_t f80_to_f64(struct fp_ctx *c, struct f80 a);
/* Sign-extended; `bits` is 16, 32 or 64. */
int64_t f80_to_int(struct fp_ctx *c, struct f80 a, unsigned bits, uint8_t rounding);
void f80_to_bcd(struct fp_ctx *c, struct f80 a, uint8_t bcd[10]);

/* FXAM's classes, as bits 2, 1 and 0 of C3:C2:C0. */
enum f80_class {
    F80_UNSUPPORTED = 0,
    F80_NAN = 1,
    F80_NORMAL = 2,
    F80_INFINITY = 3,
    F80_IS_ZERO = 4,
    F80_DENORMAL = 6
};
enum f80_class f80_classify(struct f80 a);

/* The transcendental instructions. `a` is ST(0), `b` ST(1). */
struct f80 f80_2xm1(struct fp_ctx *c, struct f80 a);
struct f80 f80_yl2x(struct fp_ctx *c, struct f80 a, struct f80 b);
struct f80 f80_yl2xp1(struct fp_ctx *c, struct f80 a, struct f80 b);
struct f80 f80_patan(struct fp_ctx *c, struct f80 a, struct f80 b); /* of b / a */
/* False: |a| is 2^63 or more, nothing was done (C2). Either result may be NULL. */
bool f80_sincos(struct fp_ctx *c, struct f80 a, struct f80 *sine, struct f80 *cosine);
/* *one is what FPTAN pushes. */
bool f80_tan(struct fp_ctx *c, struct f80 a, struct f80 *tangent, struct f80 *one);

#endif
