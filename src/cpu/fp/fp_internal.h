/* SPDX-License-Identifier: BSD-2-Clause */
/* The arithmetic shared by all formats: operands are unpacked to a normalised 64-bit significand,
 * results are formed in 128 bits and rounded once. */
#ifndef VMACCEL_CPU_FP_FP_INTERNAL_H
#define VMACCEL_CPU_FP_FP_INTERNAL_H

#include "cpu/fp/sse.h"

#define FP_TOP_BIT (UINT64_C(1) << 63)

typedef unsigned __int128 fp_u128;

enum fp_class { FP_ZERO, FP_DENORMAL, FP_NORMAL, FP_INFINITE, FP_QNAN, FP_SNAN, FP_UNSUPPORTED };

/* (hi:lo / 2^127) * 2^exp for denormal and normal numbers, whose top bit is set. Of an operand lo
 * is 0; of a result its last bit stands for all below it. A result that is no number is FP_QNAN,
 * the default NaN. */
struct fp_num {
    uint64_t hi, lo;
    int32_t exp;
    uint8_t cls;
    bool sign;
};

static inline bool fp_is_nan(struct fp_num n)
{
    return n.cls >= FP_QNAN;
}

static inline bool fp_is_finite(struct fp_num n)
{
    return n.cls < FP_INFINITE;
}

static inline void fp_raise_denormal(struct fp_ctx *c, struct fp_num a, struct fp_num b)
{
    if (a.cls == FP_DENORMAL || b.cls == FP_DENORMAL)
        c->flags |= FP_DE;
}

static inline struct fp_num fp_invalid(struct fp_ctx *c)
{
    c->flags |= FP_IE;
    return (struct fp_num){.cls = FP_QNAN, .sign = true};
}

static inline struct fp_num fp_special(enum fp_class cls, bool sign)
{
    return (struct fp_num){.cls = (uint8_t)cls, .sign = sign};
}

/* Shift right; what falls off is kept as the last bit. */
static inline fp_u128 fp_shift_jam(fp_u128 v, unsigned n)
{
    if (!n)
        return v;
    if (n > 127)
        return v != 0;
    return v >> n | ((v << (128 - n)) != 0);
}

/* Whether a fraction `rest` of 2^64 rounds the magnitude up. */
static inline bool fp_rounds_up(uint8_t rounding, bool sign, bool odd, uint64_t rest)
{
    switch (rounding) {
    case FP_NEAREST:
        return rest > FP_TOP_BIT || (rest == FP_TOP_BIT && odd);
    case FP_DOWN:
        return sign && rest;
    case FP_UP:
        return !sign && rest;
    default:
        return false;
    }
}

/* A normalised number from any 128 bits. */
static inline struct fp_num fp_normal(bool sign, int32_t exp, fp_u128 v)
{
    unsigned shift = v >> 64 ? (unsigned)__builtin_clzll((uint64_t)(v >> 64))
                             : 64 + (unsigned)__builtin_clzll((uint64_t)v);

    v <<= shift;
    return (struct fp_num){.hi = (uint64_t)(v >> 64),
                           .lo = (uint64_t)v,
                           .exp = exp - (int32_t)shift,
                           .cls = FP_NORMAL,
                           .sign = sign};
}

/* What no format's operands leave to the caller: these take no NaN. */
static inline struct fp_num fp_sum(struct fp_ctx *c, struct fp_num a, struct fp_num b)
{
    fp_u128 x, y;

    if (a.cls == FP_INFINITE)
        return b.cls == FP_INFINITE && a.sign != b.sign ? fp_invalid(c) : a;
    if (b.cls == FP_INFINITE)
        return b;
    if (a.cls == FP_ZERO && b.cls == FP_ZERO)
        return fp_special(FP_ZERO, a.sign == b.sign ? a.sign : c->rounding == FP_DOWN);
    if (a.cls == FP_ZERO)
        return b;
    if (b.cls == FP_ZERO)
        return a;
    if (a.exp < b.exp) {
        struct fp_num t = a;

        a = b;
        b = t;
    }
    x = (fp_u128)a.hi << 64 | a.lo;
    y = fp_shift_jam((fp_u128)b.hi << 64 | b.lo, (unsigned)(a.exp - b.exp));
    if (a.sign == b.sign) {
        fp_u128 s = x + y;

        if (s < x)
            return fp_normal(a.sign, a.exp + 1, s >> 1 | (s & 1) | (fp_u128)1 << 127);
        return fp_normal(a.sign, a.exp, s);
    }
    if (x == y)
        return fp_special(FP_ZERO, c->rounding == FP_DOWN);
    return x > y ? fp_normal(a.sign, a.exp, x - y) : fp_normal(b.sign, a.exp, y - x);
}

static inline struct fp_num fp_product(struct fp_ctx *c, struct fp_num a, struct fp_num b)
{
    bool sign = a.sign != b.sign;

    if (a.cls == FP_INFINITE || b.cls == FP_INFINITE)
        return a.cls == FP_ZERO || b.cls == FP_ZERO ? fp_invalid(c) : fp_special(FP_INFINITE, sign);
    if (a.cls == FP_ZERO || b.cls == FP_ZERO)
        return fp_special(FP_ZERO, sign);
    return fp_normal(sign, a.exp + b.exp + 1, (fp_u128)a.hi * b.hi);
}

/* 64 bits of the quotient, then a half and a last bit for the remainder. */
static inline struct fp_num fp_quotient(struct fp_ctx *c, struct fp_num a, struct fp_num b)
{
    bool sign = a.sign != b.sign, less = a.hi < b.hi;
    fp_u128 n = (fp_u128)a.hi << (less ? 64 : 63);
    uint64_t q, r;

    if (a.cls == FP_INFINITE)
        return b.cls == FP_INFINITE ? fp_invalid(c) : fp_special(FP_INFINITE, sign);
    if (b.cls == FP_INFINITE)
        return fp_special(FP_ZERO, sign);
    if (b.cls == FP_ZERO) {
        if (a.cls == FP_ZERO)
            return fp_invalid(c);
        c->flags |= FP_ZE;
        return fp_special(FP_INFINITE, sign);
    }
    if (a.cls == FP_ZERO)
        return fp_special(FP_ZERO, sign);
    q = (uint64_t)(n / b.hi);
    r = (uint64_t)n - q * b.hi;
    return (struct fp_num){.hi = q,
                           .lo = (r >= b.hi - r ? FP_TOP_BIT : 0) | (r && r != b.hi - r),
                           .exp = a.exp - b.exp - less,
                           .cls = FP_NORMAL,
                           .sign = sign};
}

static inline enum fp_relation fp_order(struct fp_num a, struct fp_num b)
{
    bool swap = a.sign;

    if (a.cls == FP_ZERO && b.cls == FP_ZERO)
        return FP_EQUAL;
    if (a.cls == FP_ZERO)
        return b.sign ? FP_GREATER : FP_LESS;
    if (b.cls == FP_ZERO || a.sign != b.sign)
        return a.sign ? FP_LESS : FP_GREATER;
    if (a.cls == FP_INFINITE || b.cls == FP_INFINITE) {
        if (a.cls == b.cls)
            return FP_EQUAL;
        return (a.cls == FP_INFINITE) != swap ? FP_GREATER : FP_LESS;
    }
    if (a.exp != b.exp)
        return (a.exp > b.exp) != swap ? FP_GREATER : FP_LESS;
    if (a.hi != b.hi)
        return (a.hi > b.hi) != swap ? FP_GREATER : FP_LESS;
    return FP_EQUAL;
}

struct fp_num fp_root(struct fp_ctx *c, struct fp_num a);

/* The integer nearest to a number by `rounding`, where it fits in a signed integer of `bits`; if
 * not, the smallest one and IE. */
int64_t fp_to_int(struct fp_ctx *c, struct fp_num a, unsigned bits, uint8_t rounding);

static inline struct fp_num fp_from_int(int64_t v)
{
    return v ? fp_normal(v < 0, 127, v < 0 ? 0 - (fp_u128)(__int128)v : (fp_u128)v)
             : fp_special(FP_ZERO, false);
}

/* The number rounded to an integral one, without flags; *up tells how, if it was inexact. */
struct fp_num fp_integral(struct fp_num a, uint8_t rounding, bool *inexact, bool *up);

#endif
