/* SPDX-License-Identifier: BSD-2-Clause */
/* Transcendental functions by power series on 128-bit significands. Their last bits are not those
 * of any one processor: processors differ as well. */
#include "cpu/fp/f80_internal.h"

#define CONSTANT(hi, lo, exp)                                                                      \
    {                                                                                              \
        UINT64_C(hi), UINT64_C(lo), exp, FP_NORMAL, false                                          \
    }
static const struct fp_num one = CONSTANT(0x8000000000000000, 0, 0);
static const struct fp_num two = CONSTANT(0x8000000000000000, 0, 1);
static const struct fp_num ln_2 = CONSTANT(0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af, -1);
static const struct fp_num two_log2_e = CONSTANT(0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89, 1);
static const struct fp_num pi = CONSTANT(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1, 1);

static struct fp_num half(struct fp_num a)
{
    a.exp--;
    return a;
}

static struct fp_num plus(struct fp_num a, struct fp_num b)
{
    struct fp_ctx c = {0};

    return fp_sum(&c, a, b);
}

static struct fp_num negative(struct fp_num a)
{
    a.sign = !a.sign;
    return a;
}

static struct fp_num minus(struct fp_num a, struct fp_num b)
{
    return plus(a, negative(b));
}

/* The upper 128 bits of the product. */
static struct fp_num times(struct fp_num a, struct fp_num b)
{
    fp_u128 middle1 = (fp_u128)a.hi * b.lo, middle2 = (fp_u128)a.lo * b.hi;
    fp_u128 low =
        (fp_u128)(uint64_t)middle1 + (uint64_t)middle2 + (uint64_t)((fp_u128)a.lo * b.lo >> 64);
    bool sign = a.sign != b.sign;

    if (a.cls == FP_ZERO || b.cls == FP_ZERO)
        return fp_special(FP_ZERO, sign);
    return fp_normal(sign, a.exp + b.exp + 1,
                     (fp_u128)a.hi * b.hi + (middle1 >> 64) + (middle2 >> 64) + (low >> 64));
}

/* By one step of Newton's from a quotient of 64 bits. */
static struct fp_num over(struct fp_num a, struct fp_num b)
{
    struct fp_ctx c = {0};
    struct fp_num r = fp_quotient(&c, one, b);

    r.lo = 0;
    return times(a, times(r, minus(two, times(b, r))));
}

/* x * (1 + x^k t(1) + x^2k t(1) t(2) ...) with the terms' ratio t(i) = ±1 / divisor(i). */
static struct fp_num factorials(struct fp_num power, unsigned first, unsigned step, bool alternate)
{
    struct fp_num s = one;

    for (unsigned i = 34; i >= first; i--) {
        struct fp_num ratio;

        if ((i - first) % step)
            continue;
        ratio = over(power, fp_from_int(step == 2 ? (int64_t)i * (i + 1) : (int64_t)i));
        s = alternate ? minus(one, times(ratio, s)) : plus(one, times(ratio, s));
    }
    return s;
}

/* x + x^3/3 + x^5/5 ..., or with alternate signs: atanh(x) or atan(x) for |x| < 0.42. */
static struct fp_num odd_powers(struct fp_num x, unsigned terms, bool alternate)
{
    struct fp_num square = times(x, x), s = fp_special(FP_ZERO, false);

    square.sign = alternate;
    for (unsigned i = terms; i-- > 0;)
        s = plus(over(one, fp_from_int(2 * (int64_t)i + 1)), times(square, s));
    return times(x, s);
}

/* A result that is certainly inexact. */
static struct f80 inexact(struct fp_ctx *c, struct fp_num n)
{
    n.lo |= 1;
    return f80_pack(c, n, 64);
}

static struct f80 exact(struct fp_ctx *c, enum fp_class cls, bool sign)
{
    return f80_pack(c, fp_special(cls, sign), 64);
}

struct f80 f80_soft_2xm1(struct fp_ctx *c, struct f80 x)
{
    struct fp_num a = f80_unpack(x), y;
    struct f80 nan;

    if (f80_pick_nan(c, a, a, &nan))
        return nan;
    if (a.cls == FP_INFINITE)
        return a.sign ? f80_pack(c, negative(one), 64) : x;
    fp_raise_denormal(c, a, a);
    if (a.cls == FP_ZERO || a.exp > 0) /* undefined beyond 1 */
        return x;
    if (a.exp == 0)
        return f80_pack(c, a.sign ? negative(half(one)) : one, 64);
    y = times(a, ln_2);
    return inexact(c, times(y, factorials(y, 2, 1, false)));
}

/* log2 of a positive number; *whole: it is an integer. */
static struct fp_num log2_of(struct fp_num a, bool *whole)
{
    int32_t k = a.exp;
    struct fp_num log = fp_from_int(k);

    a.exp = 0;
    *whole = a.hi == FP_TOP_BIT && !a.lo;
    if (*whole)
        return log;
    if (a.hi > UINT64_C(0xb504f333f9de6484)) { /* the square root of 2 */
        a.exp = -1;
        log = fp_from_int(k + 1);
    }
    a = odd_powers(over(minus(a, one), plus(a, one)), 22, false);
    return plus(log, times(a, two_log2_e));
}

struct f80 f80_soft_yl2x(struct fp_ctx *c, struct f80 x, struct f80 y)
{
    struct fp_num a = f80_unpack(x), b = f80_unpack(y), log;
    struct f80 nan;
    bool whole, below; /* a < 1 */

    if (f80_pick_nan(c, a, b, &nan))
        return nan;
    below = a.cls == FP_ZERO || (fp_is_finite(a) && a.exp < 0);
    whole = fp_is_finite(a) && a.exp == 0 && a.hi == FP_TOP_BIT; /* a is 1 */
    if ((a.sign && a.cls != FP_ZERO) || (b.cls == FP_ZERO && a.cls == FP_INFINITE) ||
        (b.cls == FP_ZERO && a.cls == FP_ZERO) || (b.cls == FP_INFINITE && whole))
        return f80_pack(c, fp_invalid(c), 64);
    if (a.cls == FP_ZERO) {
        if (b.cls != FP_INFINITE)
            c->flags |= FP_ZE;
        return exact(c, FP_INFINITE, !b.sign);
    }
    fp_raise_denormal(c, a, b);
    if (a.cls == FP_INFINITE || b.cls == FP_INFINITE)
        return exact(c, FP_INFINITE, b.sign != below);
    if (b.cls == FP_ZERO || whole)
        return exact(c, FP_ZERO, b.sign != below);
    log = log2_of(a, &whole);
    return whole ? f80_pack(c, fp_product(c, log, b), 64) : inexact(c, times(log, b));
}

struct f80 f80_soft_yl2xp1(struct fp_ctx *c, struct f80 x, struct f80 y)
{
    struct fp_num a = f80_unpack(x), b = f80_unpack(y), log;
    bool sign = a.sign != b.sign, whole;
    struct f80 nan;

    if (f80_pick_nan(c, a, b, &nan))
        return nan;
    if ((a.cls == FP_INFINITE && (a.sign || b.cls == FP_ZERO)) ||
        (a.cls == FP_ZERO && b.cls == FP_INFINITE))
        return f80_pack(c, fp_invalid(c), 64);
    fp_raise_denormal(c, a, b);
    if (a.cls == FP_INFINITE || b.cls == FP_INFINITE)
        return exact(c, FP_INFINITE, sign);
    if (a.cls == FP_ZERO || b.cls == FP_ZERO)
        return exact(c, FP_ZERO, sign);
    if (a.exp < -1) {
        log = times(odd_powers(over(a, plus(a, two)), 22, false), two_log2_e);
        return inexact(c, times(log, b));
    }
    a = plus(a, one);
    if (a.sign || a.cls == FP_ZERO)
        return f80_pack(c, fp_invalid(c), 64);
    log = log2_of(a, &whole);
    return whole ? f80_pack(c, fp_product(c, log, b), 64) : inexact(c, times(log, b));
}

/* atan2(|b|, |a|) of two numbers that are not 0 */
static struct fp_num angle(struct fp_num b, struct fp_num a)
{
    bool steep = b.exp > a.exp || (b.exp == a.exp && b.hi > a.hi);
    struct fp_num n = steep ? a : b, d = steep ? b : a, t = over(n, d);

    if (t.exp > -2) /* 0.25 and up: pi / 4 + atan((n - d) / (n + d)) */
        t = over(minus(n, d), plus(n, d)), n = one;
    else
        n.cls = FP_ZERO;
    if (t.cls != FP_ZERO)
        t = odd_powers(t, 50, true);
    if (n.cls != FP_ZERO)
        t = plus(half(half(pi)), t);
    return steep ? minus(half(pi), t) : t;
}

struct f80 f80_soft_patan(struct fp_ctx *c, struct f80 x, struct f80 y)
{
    struct fp_num a = f80_unpack(x), b = f80_unpack(y), r;
    bool left = a.sign, down = b.sign;
    struct f80 nan;

    if (f80_pick_nan(c, a, b, &nan))
        return nan;
    fp_raise_denormal(c, a, b);
    a.sign = b.sign = false;
    if (b.cls == FP_ZERO || (a.cls == FP_INFINITE && b.cls != FP_INFINITE)) {
        if (!left)
            return exact(c, FP_ZERO, down);
        r = pi;
    } else if (a.cls == FP_INFINITE) {
        r = half(half(pi));
        r = left ? minus(pi, r) : r;
    } else if (b.cls == FP_INFINITE || a.cls == FP_ZERO) {
        r = half(pi);
    } else {
        r = angle(b, a);
        if (left) {
            r = minus(pi, r);
        } else if (b.exp - a.exp < -70) {
            /* The quotient itself, which may be exact, less next to nothing. */
            r = fp_quotient(c, b, a);
            if (!r.lo)
                r = minus(r,
                          (struct fp_num){.hi = FP_TOP_BIT, .exp = r.exp - 140, .cls = FP_NORMAL});
        }
    }
    r.sign = down;
    return inexact(c, r);
}

/* |a| < 2^63 less the nearest multiple of pi / 2, whose number is returned. This pi has the 66 bits
 * that the x87's has, so that results far from 0 agree with it. */
static unsigned reduce(struct fp_num *a)
{
    const fp_u128 half_pi = (fp_u128)3 << 64 | UINT64_C(0x243f6a8885a308d3); /* times 2^65 */
    fp_u128 r = a->hi;
    unsigned quadrant = 0;
    bool sign;

    if (a->exp < -1)
        return 0;
    for (int32_t i = -2; i < a->exp; i++) {
        bool above = (r <<= 1) >= half_pi;

        r -= above ? half_pi : 0;
        quadrant = quadrant << 1 | above;
    }
    sign = r > half_pi >> 1;
    *a = fp_normal(sign, 127 - 65, sign ? half_pi - r : r);
    return (quadrant + sign) & 3;
}

/* Both of a number that is neither 0 nor infinite nor a NaN. */
static void sine_cosine(struct fp_num a, struct fp_num *sine, struct fp_num *cosine)
{
    bool sign = a.sign;
    struct fp_num square, s, t;
    unsigned quadrant;

    a.sign = false;
    quadrant = reduce(&a);
    square = times(a, a);
    s = times(a, factorials(square, 2, 2, true));
    t = factorials(square, 1, 2, true);
    *sine = quadrant & 1 ? t : s;
    *cosine = quadrant & 1 ? s : t;
    sine->sign ^= sign != (quadrant >= 2);
    cosine->sign ^= quadrant == 1 || quadrant == 2;
}

void f80_soft_sincos(struct fp_ctx *c, struct f80 x, struct f80 *sine, struct f80 *cosine)
{
    struct fp_num a = f80_unpack(x), s, t;
    struct f80 nan;
    bool special = true;

    if (!f80_pick_nan(c, a, a, &nan)) {
        special = a.cls == FP_INFINITE;
        if (special)
            nan = f80_pack(c, fp_invalid(c), 64);
    }
    if (special || a.cls == FP_ZERO) {
        if (sine)
            *sine = special ? nan : x;
        if (cosine)
            *cosine = special ? nan : F80_ONE;
        return;
    }
    fp_raise_denormal(c, a, a);
    sine_cosine(a, &s, &t);
    if (sine)
        *sine = inexact(c, s);
    if (cosine)
        *cosine = inexact(c, t);
}

void f80_soft_tan(struct fp_ctx *c, struct f80 x, struct f80 *tangent, struct f80 *pushed)
{
    struct fp_num a = f80_unpack(x), s, t;

    if (!fp_is_finite(a) || a.cls == FP_ZERO) {
        f80_soft_sincos(c, x, tangent, pushed);
        return;
    }
    fp_raise_denormal(c, a, a);
    sine_cosine(a, &s, &t);
    *tangent = inexact(c, over(s, t));
    *pushed = F80_ONE;
}
