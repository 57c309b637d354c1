/* SPDX-License-Identifier: BSD-2-Clause */
/* Remainders, integers, decimals, and the parts of a number. */
#include "cpu/fp/f80_internal.h"

/* The quotient is exact where the exponents differ by less than this. */
#define REM_WHOLE 64

struct f80 f80_rem(struct fp_ctx *c, struct f80 x, struct f80 y, bool nearest, unsigned *quotient,
                   bool *partial)
{
    struct fp_num a = f80_unpack(x), b = f80_unpack(y);
    struct f80 nan;
    fp_u128 n, d, q, r;
    int32_t apart, step;

    *quotient = 0;
    *partial = false;
    if (f80_pick_nan(c, a, b, &nan))
        return nan;
    if (a.cls == FP_INFINITE || b.cls == FP_ZERO)
        return f80_pack(c, fp_invalid(c), 64);
    fp_raise_denormal(c, a, b);
    if (a.cls == FP_ZERO || b.cls == FP_INFINITE)
        return f80_pack(c, a, 64);
    apart = a.exp - b.exp;
    if (apart < -1 || (apart < 0 && !nearest))
        return f80_pack(c, a, 64);
    *partial = apart >= REM_WHOLE;
    step = *partial ? (apart & 31) | 32 : apart;
    /* Twice both, so that a number of half the size of b still is whole. */
    n = (fp_u128)a.hi << (step + 1);
    d = (fp_u128)b.hi << 1;
    q = n / d;
    r = n % d;
    if (nearest && !*partial && (r > b.hi || (r == b.hi && (q & 1)))) {
        r = d - r;
        a.sign = !a.sign;
        q++;
    }
    if (!*partial)
        *quotient = (unsigned)q & 7;
    if (!r)
        return (struct f80){0, x.se & F80_SIGN};
    return f80_pack(c, fp_normal(a.sign, b.exp + apart - step + 63, r), 64);
}

struct f80 f80_rint(struct fp_ctx *c, struct f80 x)
{
    struct fp_num a = f80_unpack(x);
    struct f80 nan;
    bool inexact, up;

    if (f80_pick_nan(c, a, a, &nan))
        return nan;
    fp_raise_denormal(c, a, a);
    a = fp_integral(a, c->rounding, &inexact, &up);
    if (inexact) {
        c->flags |= FP_PE;
        c->round_up = up;
    }
    return f80_pack(c, a, 64);
}

struct f80 f80_scale(struct fp_ctx *c, struct f80 x, struct f80 y)
{
    struct fp_num a = f80_unpack(x), b = f80_unpack(y);
    struct fp_ctx quiet = {0};
    struct f80 nan;

    if (f80_pick_nan(c, a, b, &nan))
        return nan;
    if (b.cls == FP_INFINITE) {
        if (b.sign ? a.cls == FP_INFINITE : a.cls == FP_ZERO)
            return f80_pack(c, fp_invalid(c), 64);
        fp_raise_denormal(c, a, b);
        return f80_pack(c, fp_special(b.sign ? FP_ZERO : FP_INFINITE, a.sign), 64);
    }
    fp_raise_denormal(c, a, b);
    /* Beyond 2^17 every result is out of range, by more than an exponent's adjustment. */
    if (fp_is_finite(a) && a.cls != FP_ZERO)
        a.exp += b.cls != FP_ZERO && b.exp > 16 ? (b.sign ? -(1 << 17) : 1 << 17)
                                                : (int32_t)fp_to_int(&quiet, b, 32, FP_CHOP);
    return f80_pack(c, a, 64);
}

struct f80 f80_xtract(struct fp_ctx *c, struct f80 x, struct f80 *exponent)
{
    struct fp_num a = f80_unpack(x);
    struct f80 nan;

    if (f80_pick_nan(c, a, a, &nan)) {
        *exponent = nan;
        return nan;
    }
    if (a.cls == FP_ZERO) {
        c->flags |= FP_ZE;
        *exponent = f80_pack(c, fp_special(FP_INFINITE, true), 64);
        return x;
    }
    if (a.cls == FP_INFINITE) {
        *exponent = f80_pack(c, fp_special(FP_INFINITE, false), 64);
        return x;
    }
    fp_raise_denormal(c, a, a);
    *exponent = f80_from_i64(a.exp);
    return (struct f80){a.hi, (uint16_t)(a.sign << 15 | F80_BIAS)};
}

struct f80 f80_from_i64(int64_t v)
{
    struct fp_ctx c = {0};

    return f80_pack(&c, fp_from_int(v), 64);
}

int64_t f80_to_int(struct fp_ctx *c, struct f80 a, unsigned bits, uint8_t rounding)
{
    return fp_to_int(c, f80_unpack(a), bits, rounding);
}

/* Nine bytes of two digits each, then the sign. */
struct f80 f80_from_bcd(const uint8_t bcd[10])
{
    int64_t v = 0;
    struct f80 result;

    for (int i = 8; i >= 0; i--)
        v = v * 100 + (bcd[i] >> 4) * 10 + (bcd[i] & 15);
    result = f80_from_i64(v);
    result.se |= (uint16_t)(bcd[9] & 0x80) << 8;
    return result;
}

void f80_to_bcd(struct fp_ctx *c, struct f80 a, uint8_t bcd[10])
{
    const int64_t limit = INT64_C(1000000000000000000);
    struct fp_ctx whole = *c;
    int64_t v = f80_to_int(&whole, a, 64, c->rounding);

    if (v <= -limit || v >= limit) {
        c->flags |= FP_IE;
        for (int i = 0; i < 7; i++)
            bcd[i] = 0;
        bcd[7] = 0xc0;
        bcd[8] = bcd[9] = 0xff;
        return;
    }
    *c = whole;
    bcd[9] = a.se >> 8 & 0x80;
    if (v < 0)
        v = -v;
    for (int i = 0; i < 9; i++, v /= 100)
        bcd[i] = (uint8_t)(v / 10 % 10 << 4 | v % 10);
}
