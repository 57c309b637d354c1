/* SPDX-License-Identifier: BSD-2-Clause */
#include "cpu/fp/f80_internal.h"
#include "cpu/fp/ieee.h"

struct fp_num f80_unpack(struct f80 a)
{
    int32_t exp = a.se & F80_EXPONENT;
    bool sign = a.se >> 15;
    struct fp_num n;

    if (exp == F80_EXPONENT) {
        n = fp_special(!(a.mant & FP_TOP_BIT)     ? FP_UNSUPPORTED
                       : !(a.mant << 1)           ? FP_INFINITE
                       : a.mant & FP_TOP_BIT >> 1 ? FP_QNAN
                                                  : FP_SNAN,
                       sign);
        n.hi = a.mant;
        return n;
    }
    if (!a.mant && !exp)
        return fp_special(FP_ZERO, sign);
    if (exp && !(a.mant & FP_TOP_BIT))
        return fp_special(FP_UNSUPPORTED, sign);
    n = fp_normal(sign, (exp ? exp : 1) - F80_BIAS, (fp_u128)a.mant << 64);
    if (!exp)
        n.cls = FP_DENORMAL;
    return n;
}

/* An unmasked overflow that no adjustment helps (of FSCALE) is infinite, however it is rounded. */
static struct f80 overflow(struct fp_ctx *c, bool sign, unsigned p)
{
    bool away =
        !(c->masks & FP_OE) || c->rounding == FP_NEAREST || c->rounding == (sign ? FP_DOWN : FP_UP);
    uint16_t top = (uint16_t)(sign << 15 | F80_EXPONENT);

    c->flags |= FP_OE | FP_PE;
    c->round_up = away;
    if (away)
        return (struct f80){FP_TOP_BIT, top};
    return (struct f80){UINT64_MAX << (64 - p), top - 1};
}

static struct f80 round80(struct fp_ctx *c, struct fp_num n, unsigned p)
{
    fp_u128 v = (fp_u128)n.hi << 64 | n.lo;
    uint64_t part = n.hi >> (64 - p), last = UINT64_C(1) << (64 - p);
    uint64_t rest = (uint64_t)(v >> (64 - p)) | ((uint64_t)(v << p) != 0 && p != 64);
    bool up = fp_rounds_up(c->rounding, n.sign, part & 1, rest);
    bool carry = up && n.hi >= 0 - last;

    if (n.exp < F80_EMIN && (n.exp < F80_EMIN - 1 || !carry)) {
        if (!(c->masks & FP_UE)) {
            c->flags |= FP_UE;
            n.exp += F80_ADJUST;
            if (n.exp < F80_EMIN) {
                c->flags |= FP_PE;
                c->round_up = false;
                return (struct f80){0, (uint16_t)(n.sign << 15)};
            }
        } else {
            v = fp_shift_jam(v, (unsigned)(F80_EMIN - n.exp));
            part = (uint64_t)(v >> (128 - p));
            rest = (uint64_t)(v >> (64 - p)) | ((uint64_t)(v << p) != 0 && p != 64);
            up = fp_rounds_up(c->rounding, n.sign, part & 1, rest);
            n.hi = (part + up) << (64 - p);
            n.exp = n.hi & FP_TOP_BIT ? F80_EMIN : F80_EMIN - 1;
            if (rest)
                c->flags |= FP_UE;
            goto done;
        }
    }
    n.hi = carry ? FP_TOP_BIT : (part + up) << (64 - p);
    n.exp += carry;
    if (n.exp > F80_BIAS) {
        if (c->masks & FP_OE || n.exp - F80_ADJUST > F80_BIAS)
            return overflow(c, n.sign, p);
        c->flags |= FP_OE;
        n.exp -= F80_ADJUST;
    }
done:
    if (rest) {
        c->flags |= FP_PE;
        c->round_up = up;
    }
    return (struct f80){n.hi, (uint16_t)(n.sign << 15 | (n.exp + F80_BIAS))};
}

struct f80 f80_pack(struct fp_ctx *c, struct fp_num n, unsigned precision)
{
    switch (n.cls) {
    case FP_ZERO:
        return (struct f80){0, (uint16_t)(n.sign << 15)};
    case FP_INFINITE:
        return (struct f80){FP_TOP_BIT, (uint16_t)(n.sign << 15 | F80_EXPONENT)};
    case FP_DENORMAL:
    case FP_NORMAL:
        return round80(c, n, precision);
    default:
        return F80_DEFAULT_NAN;
    }
}

/* A QNaN beats an SNaN; of two alike the larger significand wins, then the positive one. */
bool f80_pick_nan(struct fp_ctx *c, struct fp_num a, struct fp_num b, struct f80 *result)
{
    if (!fp_is_nan(a) && !fp_is_nan(b))
        return false;
    if (a.cls == FP_UNSUPPORTED || b.cls == FP_UNSUPPORTED) {
        c->flags |= FP_IE;
        *result = F80_DEFAULT_NAN;
        return true;
    }
    if (a.cls == FP_SNAN || b.cls == FP_SNAN)
        c->flags |= FP_IE;
    if (!fp_is_nan(a))
        a = b;
    else if (fp_is_nan(b) && (a.cls != b.cls ? b.cls == FP_QNAN
                              : a.hi != b.hi ? b.hi > a.hi
                                             : a.sign))
        a = b;
    *result = f80_from_nan(a);
    return true;
}

static struct f80 finish(struct fp_ctx *c, struct fp_num a, struct fp_num b, struct fp_num result)
{
    static const uint8_t bits[4] = {24, 64, 53, 64};

    if (result.cls != FP_QNAN)
        fp_raise_denormal(c, a, b);
    return f80_pack(c, result, bits[c->precision & 3]);
}

static struct f80 add(struct fp_ctx *c, struct f80 x, struct f80 y, bool negate)
{
    struct fp_num a = f80_unpack(x), b = f80_unpack(y);
    struct f80 nan;

    if (f80_pick_nan(c, a, b, &nan))
        return nan;
    b.sign ^= negate;
    return finish(c, a, b, fp_sum(c, a, b));
}

struct f80 f80_add(struct fp_ctx *c, struct f80 a, struct f80 b)
{
    return add(c, a, b, false);
}

struct f80 f80_sub(struct fp_ctx *c, struct f80 a, struct f80 b)
{
    return add(c, a, b, true);
}

struct f80 f80_mul(struct fp_ctx *c, struct f80 x, struct f80 y)
{
    struct fp_num a = f80_unpack(x), b = f80_unpack(y);
    struct f80 nan;

    if (f80_pick_nan(c, a, b, &nan))
        return nan;
    return finish(c, a, b, fp_product(c, a, b));
}

struct f80 f80_div(struct fp_ctx *c, struct f80 x, struct f80 y)
{
    struct fp_num a = f80_unpack(x), b = f80_unpack(y), q;
    struct f80 nan;

    if (f80_pick_nan(c, a, b, &nan))
        return nan;
    q = fp_quotient(c, a, b);
    if (fp_is_finite(a) && b.cls == FP_ZERO)
        return f80_pack(c, q, 64);
    return finish(c, a, b, q);
}

struct f80 f80_sqrt(struct fp_ctx *c, struct f80 x)
{
    struct fp_num a = f80_unpack(x);
    struct f80 nan;

    if (f80_pick_nan(c, a, a, &nan))
        return nan;
    return finish(c, a, a, fp_root(c, a));
}

enum fp_relation f80_compare(struct fp_ctx *c, struct f80 x, struct f80 y, bool signalling)
{
    struct fp_num a = f80_unpack(x), b = f80_unpack(y);

    if (fp_is_nan(a) || fp_is_nan(b)) {
        if (signalling || a.cls >= FP_SNAN || b.cls >= FP_SNAN)
            c->flags |= FP_IE;
        return FP_UNORDERED;
    }
    fp_raise_denormal(c, a, b);
    return fp_order(a, b);
}

enum f80_class f80_classify(struct f80 x)
{
    static const uint8_t classes[] = {
        [FP_ZERO] = F80_IS_ZERO,           [FP_DENORMAL] = F80_DENORMAL, [FP_NORMAL] = F80_NORMAL,
        [FP_INFINITE] = F80_INFINITY,      [FP_QNAN] = F80_NAN,          [FP_SNAN] = F80_NAN,
        [FP_UNSUPPORTED] = F80_UNSUPPORTED};

    return classes[f80_unpack(x).cls];
}

static inline __attribute__((always_inline)) struct f80 widen(const struct fp_format *f, uint64_t x,
                                                              bool *denormal)
{
    struct fp_num a = fp_unpack(f, x, false);
    struct fp_ctx c = {0};

    *denormal = a.cls == FP_DENORMAL;
    if (fp_is_nan(a))
        return (struct f80){a.hi, (uint16_t)(a.sign << 15 | F80_EXPONENT)};
    return f80_pack(&c, a, 64);
}

struct f80 f80_widen_f32(uint32_t a, bool *denormal)
{
    return widen(&fp_f32, a, denormal);
}

struct f80 f80_widen_f64(uint64_t a, bool *denormal)
{
    return widen(&fp_f64, a, denormal);
}

static struct f80 load(struct fp_ctx *c, struct f80 v, bool denormal)
{
    struct fp_num a = f80_unpack(v);

    if (denormal)
        c->flags |= FP_DE;
    f80_pick_nan(c, a, a, &v);
    return v;
}

struct f80 f80_from_f32(struct fp_ctx *c, uint32_t a)
{
    bool denormal;
    struct f80 v = f80_widen_f32(a, &denormal);

    return load(c, v, denormal);
}

struct f80 f80_from_f64(struct fp_ctx *c, uint64_t a)
{
    bool denormal;
    struct f80 v = f80_widen_f64(a, &denormal);

    return load(c, v, denormal);
}

static inline __attribute__((always_inline)) uint64_t
to_ieee(struct fp_ctx *c, const struct fp_format *f, struct f80 x)
{
    struct fp_num a = f80_unpack(x);
    struct fp_ctx rounding = *c;
    struct f80 nan;
    uint64_t result;

    if (f80_pick_nan(c, a, a, &nan))
        return fp_pack_nan(f, f80_unpack(nan));
    rounding.flags = 0;
    result = fp_pack(&rounding, f, a);
    /* Nothing was rounded where nothing will be stored. */
    if (rounding.flags & ~c->masks & (FP_OE | FP_UE)) {
        rounding.flags &= (uint8_t)~FP_PE;
        rounding.round_up = false;
    }
    c->flags |= rounding.flags;
    c->round_up = rounding.round_up;
    return result;
}

uint32_t f80_to_f32(struct fp_ctx *c, struct f80 a)
{
    return (uint32_t)to_ieee(c, &fp_f32, a);
}

uint64_t f80_to_f64(struct fp_ctx *c, struct f80 a)
{
    return to_ieee(c, &fp_f64, a);
}
