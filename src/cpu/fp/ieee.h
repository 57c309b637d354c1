/* SPDX-License-Identifier: BSD-2-Clause */
/* Packing and unpacking of the interchange formats. Inline, so that each format's constants fold.
 */
#ifndef VMACCEL_CPU_FP_IEEE_H
#define VMACCEL_CPU_FP_IEEE_H

#include "cpu/fp/fp_internal.h"

struct fp_format {
    unsigned precision; /* bits of the significand, with the hidden one */
    int32_t emax;
    unsigned width;
};

static const struct fp_format fp_f16 = {11, 15, 16};
static const struct fp_format fp_f32 = {24, 127, 32};
static const struct fp_format fp_f64 = {53, 1023, 64};

static inline uint64_t fp_sign_bit(const struct fp_format *f)
{
    return UINT64_C(1) << (f->width - 1);
}

static inline uint64_t fp_fraction_mask(const struct fp_format *f)
{
    return (UINT64_C(1) << (f->precision - 1)) - 1;
}

static inline uint64_t fp_quiet_bit(const struct fp_format *f)
{
    return UINT64_C(1) << (f->precision - 2);
}

static inline uint64_t fp_infinity(const struct fp_format *f)
{
    return (uint64_t)(2 * f->emax + 1) << (f->precision - 1);
}

static inline uint64_t fp_default_nan(const struct fp_format *f)
{
    return fp_sign_bit(f) | fp_infinity(f) | fp_quiet_bit(f);
}

static inline struct fp_num fp_unpack(const struct fp_format *f, uint64_t bits, bool daz)
{
    uint64_t fraction = bits & fp_fraction_mask(f);
    int32_t exp = (int32_t)(bits >> (f->precision - 1)) & (2 * f->emax + 1);
    bool sign = bits & fp_sign_bit(f);
    struct fp_num n;

    if (exp && exp <= 2 * f->emax)
        return (struct fp_num){.hi = FP_TOP_BIT | fraction << (64 - f->precision),
                               .exp = exp - f->emax,
                               .cls = FP_NORMAL,
                               .sign = sign};
    if (exp) {
        /* A NaN's payload is kept at the top, where all formats have it. */
        n = fp_special(!fraction                    ? FP_INFINITE
                       : fraction & fp_quiet_bit(f) ? FP_QNAN
                                                    : FP_SNAN,
                       sign);
        n.hi = FP_TOP_BIT | fraction << (64 - f->precision);
        return n;
    }
    if (!fraction || daz)
        return fp_special(FP_ZERO, sign);
    n = fp_normal(sign, 1 - f->emax, (fp_u128)fraction << (128 - f->precision));
    n.cls = FP_DENORMAL;
    return n;
}

/* Where overflow or underflow is not masked there is no result, and it is inexact as with an
 * exponent of any size. */
static inline uint64_t fp_round(struct fp_ctx *c, const struct fp_format *f, struct fp_num n)
{
    unsigned p = f->precision;
    int32_t emin = 1 - f->emax;
    uint64_t sign = n.sign ? fp_sign_bit(f) : 0;
    uint64_t part = n.hi >> (64 - p), rest = n.hi << p | (n.lo != 0);
    bool up = fp_rounds_up(c->rounding, n.sign, part & 1, rest), tiny = false;

    if (n.exp < emin) {
        fp_u128 v = fp_shift_jam((fp_u128)n.hi << 64 | n.lo, (unsigned)(emin - n.exp));

        /* Tiny, unless it rounds to the least normal number with any exponent. */
        tiny = n.exp < emin - 1 || !up || part + 1 < UINT64_C(1) << p;
        if (tiny && !(c->masks & FP_UE)) {
            /* There is no result; PE tells of one with any exponent. */
            c->flags |= rest ? FP_UE | FP_PE : FP_UE;
            return sign;
        }
        part = (uint64_t)(v >> (128 - p));
        rest = (uint64_t)(v >> (64 - p)) | ((uint64_t)(v << p) != 0);
        up = fp_rounds_up(c->rounding, n.sign, part & 1, rest);
        if (tiny && c->ftz) {
            c->flags |= FP_UE | FP_PE;
            c->round_up = false;
            return sign;
        }
        n.exp = emin - 1;
        if (tiny && rest)
            c->flags |= FP_UE;
    } else {
        part -= UINT64_C(1) << (p - 1);
    }
    /* A carry out of the fraction moves on into the exponent. */
    part += ((uint64_t)(n.exp + f->emax) << (p - 1)) + up;
    if (n.exp > f->emax || part >= fp_infinity(f)) {
        bool away = c->rounding == FP_NEAREST || c->rounding == (n.sign ? FP_DOWN : FP_UP);

        c->flags |= rest || (c->masks & FP_OE) ? FP_OE | FP_PE : FP_OE;
        c->round_up = away;
        return sign | (fp_infinity(f) - !away);
    }
    if (rest) {
        c->flags |= FP_PE;
        c->round_up = up;
    }
    return sign | part;
}

/* Any number but a NaN operand. */
static inline uint64_t fp_pack(struct fp_ctx *c, const struct fp_format *f, struct fp_num n)
{
    uint64_t sign = n.sign ? fp_sign_bit(f) : 0;

    switch (n.cls) {
    case FP_ZERO:
        return sign;
    case FP_INFINITE:
        return sign | fp_infinity(f);
    case FP_DENORMAL:
    case FP_NORMAL:
        return fp_round(c, f, n);
    default:
        return fp_default_nan(f);
    }
}

/* A NaN operand as a result in a format: quiet, with what fits of its payload. */
static inline uint64_t fp_pack_nan(const struct fp_format *f, struct fp_num n)
{
    uint64_t fraction = n.hi >> (64 - f->precision) & fp_fraction_mask(f);

    return (n.sign ? fp_sign_bit(f) : 0) | fp_infinity(f) | fp_quiet_bit(f) | fraction;
}

#endif
