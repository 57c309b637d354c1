/* SPDX-License-Identifier: BSD-2-Clause */
#include "cpu/fp/sse.h"
#include "cpu/fp/ieee.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* The first NaN operand is the result. */
ALWAYS_INLINE bool pick_nan(struct fp_ctx *c, const struct fp_format *f, struct fp_num a,
                            struct fp_num b, uint64_t *result)
{
    if (!fp_is_nan(a) && !fp_is_nan(b))
        return false;
    if (a.cls == FP_SNAN || b.cls == FP_SNAN)
        c->flags |= FP_IE;
    *result = fp_pack_nan(f, fp_is_nan(a) ? a : b);
    return true;
}

/* An invalid operation or a division by zero precedes a denormal operand. */
ALWAYS_INLINE uint64_t finish(struct fp_ctx *c, const struct fp_format *f, struct fp_num a,
                              struct fp_num b, struct fp_num result)
{
    if (result.cls != FP_QNAN)
        fp_raise_denormal(c, a, b);
    return fp_pack(c, f, result);
}

ALWAYS_INLINE uint64_t add(struct fp_ctx *c, const struct fp_format *f, uint64_t x, uint64_t y,
                           bool negate)
{
    struct fp_num a = fp_unpack(f, x, c->daz), b = fp_unpack(f, y, c->daz);
    uint64_t nan;

    if (pick_nan(c, f, a, b, &nan))
        return nan;
    b.sign ^= negate;
    return finish(c, f, a, b, fp_sum(c, a, b));
}

ALWAYS_INLINE uint64_t mul(struct fp_ctx *c, const struct fp_format *f, uint64_t x, uint64_t y)
{
    struct fp_num a = fp_unpack(f, x, c->daz), b = fp_unpack(f, y, c->daz);
    uint64_t nan;

    if (pick_nan(c, f, a, b, &nan))
        return nan;
    return finish(c, f, a, b, fp_product(c, a, b));
}

ALWAYS_INLINE uint64_t divide(struct fp_ctx *c, const struct fp_format *f, uint64_t x, uint64_t y)
{
    struct fp_num a = fp_unpack(f, x, c->daz), b = fp_unpack(f, y, c->daz), q;
    uint64_t nan;

    if (pick_nan(c, f, a, b, &nan))
        return nan;
    q = fp_quotient(c, a, b);
    if (fp_is_finite(a) && b.cls == FP_ZERO)
        return fp_pack(c, f, q);
    return finish(c, f, a, b, q);
}

ALWAYS_INLINE uint64_t root(struct fp_ctx *c, const struct fp_format *f, uint64_t x)
{
    struct fp_num a = fp_unpack(f, x, c->daz);
    uint64_t nan;

    if (pick_nan(c, f, a, a, &nan))
        return nan;
    return finish(c, f, a, a, fp_root(c, a));
}

ALWAYS_INLINE uint64_t muladd(struct fp_ctx *c, const struct fp_format *f, uint64_t x, uint64_t y,
                              uint64_t z, unsigned negate)
{
    struct fp_num a = fp_unpack(f, x, c->daz), b = fp_unpack(f, y, c->daz),
                  d = fp_unpack(f, z, c->daz), product;
    uint64_t nan;

    if (fp_is_nan(a) || fp_is_nan(b) || fp_is_nan(d)) {
        if (d.cls == FP_SNAN)
            c->flags |= FP_IE;
        return pick_nan(c, f, a, b, &nan) ? nan : fp_pack_nan(f, d);
    }
    product = fp_product(c, a, b);
    if (product.cls == FP_QNAN)
        return fp_default_nan(f);
    product.sign ^= (negate & FP_NEGATE_PRODUCT) != 0;
    d.sign ^= (negate & FP_NEGATE_ADDEND) != 0;
    product = fp_sum(c, product, d);
    if (product.cls != FP_QNAN)
        fp_raise_denormal(c, a, b);
    return finish(c, f, d, d, product);
}

ALWAYS_INLINE enum fp_relation compare(struct fp_ctx *c, const struct fp_format *f, uint64_t x,
                                       uint64_t y, bool signalling)
{
    struct fp_num a = fp_unpack(f, x, c->daz), b = fp_unpack(f, y, c->daz);

    if (fp_is_nan(a) || fp_is_nan(b)) {
        if (signalling || a.cls == FP_SNAN || b.cls == FP_SNAN)
            c->flags |= FP_IE;
        return FP_UNORDERED;
    }
    fp_raise_denormal(c, a, b);
    return fp_order(a, b);
}

ALWAYS_INLINE uint64_t flush(const struct fp_format *f, uint64_t x, bool daz)
{
    return daz && !(x & fp_infinity(f)) ? x & fp_sign_bit(f) : x;
}

ALWAYS_INLINE uint64_t extreme(struct fp_ctx *c, const struct fp_format *f, uint64_t x, uint64_t y,
                               enum fp_relation wanted)
{
    return flush(f, compare(c, f, x, y, true) == wanted ? x : y, c->daz);
}

ALWAYS_INLINE uint64_t rint_to(struct fp_ctx *c, const struct fp_format *f, uint64_t x,
                               uint8_t rounding, bool suppress)
{
    struct fp_num a = fp_unpack(f, x, c->daz);
    bool inexact, up;
    uint64_t nan;

    if (pick_nan(c, f, a, a, &nan))
        return nan;
    a = fp_integral(a, rounding, &inexact, &up);
    if (inexact && !suppress)
        c->flags |= FP_PE;
    return fp_pack(c, f, a);
}

ALWAYS_INLINE int64_t to_int(struct fp_ctx *c, const struct fp_format *f, uint64_t x, unsigned bits,
                             uint8_t rounding)
{
    return fp_to_int(c, fp_unpack(f, x, c->daz), bits, rounding);
}

#define DEFINE(f, type)                                                                            \
    type f##_add(struct fp_ctx *c, type a, type b)                                                 \
    {                                                                                              \
        return (type)add(c, &fp_##f, a, b, false);                                                 \
    }                                                                                              \
    type f##_sub(struct fp_ctx *c, type a, type b)                                                 \
    {                                                                                              \
        return (type)add(c, &fp_##f, a, b, true);                                                  \
    }                                                                                              \
    type f##_mul(struct fp_ctx *c, type a, type b)                                                 \
    {                                                                                              \
        return (type)mul(c, &fp_##f, a, b);                                                        \
    }                                                                                              \
    type f##_div(struct fp_ctx *c, type a, type b)                                                 \
    {                                                                                              \
        return (type)divide(c, &fp_##f, a, b);                                                     \
    }                                                                                              \
    type f##_sqrt(struct fp_ctx *c, type a)                                                        \
    {                                                                                              \
        return (type)root(c, &fp_##f, a);                                                          \
    }                                                                                              \
    type f##_muladd(struct fp_ctx *c, type a, type b, type d, unsigned negate)                     \
    {                                                                                              \
        return (type)muladd(c, &fp_##f, a, b, d, negate);                                          \
    }                                                                                              \
    type f##_min(struct fp_ctx *c, type a, type b)                                                 \
    {                                                                                              \
        return (type)extreme(c, &fp_##f, a, b, FP_LESS);                                           \
    }                                                                                              \
    type f##_max(struct fp_ctx *c, type a, type b)                                                 \
    {                                                                                              \
        return (type)extreme(c, &fp_##f, a, b, FP_GREATER);                                        \
    }                                                                                              \
    enum fp_relation f##_compare(struct fp_ctx *c, type a, type b, bool signalling)                \
    {                                                                                              \
        return compare(c, &fp_##f, a, b, signalling);                                              \
    }                                                                                              \
    type f##_rint(struct fp_ctx *c, type a, uint8_t rounding, bool suppress_inexact)               \
    {                                                                                              \
        return (type)rint_to(c, &fp_##f, a, rounding, suppress_inexact);                           \
    }                                                                                              \
    int32_t f##_to_i32(struct fp_ctx *c, type a, uint8_t rounding)                                 \
    {                                                                                              \
        return (int32_t)to_int(c, &fp_##f, a, 32, rounding);                                       \
    }                                                                                              \
    int64_t f##_to_i64(struct fp_ctx *c, type a, uint8_t rounding)                                 \
    {                                                                                              \
        return to_int(c, &fp_##f, a, 64, rounding);                                                \
    }                                                                                              \
    type f##_from_i64(struct fp_ctx *c, int64_t v)                                                 \
    {                                                                                              \
        return (type)fp_pack(c, &fp_##f, fp_from_int(v));                                          \
    }

DEFINE(f32, uint32_t)
DEFINE(f64, uint64_t)

ALWAYS_INLINE uint64_t convert(struct fp_ctx *c, const struct fp_format *from,
                               const struct fp_format *to, uint64_t x)
{
    struct fp_num a = fp_unpack(from, x, c->daz);
    uint64_t nan;

    if (pick_nan(c, to, a, a, &nan))
        return nan;
    return finish(c, to, a, a, a);
}

uint64_t f32_to_f64(struct fp_ctx *c, uint32_t a)
{
    return convert(c, &fp_f32, &fp_f64, a);
}

uint32_t f64_to_f32(struct fp_ctx *c, uint64_t a)
{
    return (uint32_t)convert(c, &fp_f64, &fp_f32, a);
}

/* A denormal f16 is an ordinary operand, whatever DAZ. */
uint32_t f16_to_f32(struct fp_ctx *c, uint16_t a)
{
    struct fp_num n = fp_unpack(&fp_f16, a, false);
    uint64_t nan;

    if (pick_nan(c, &fp_f32, n, n, &nan))
        return (uint32_t)nan;
    return (uint32_t)fp_pack(c, &fp_f32, n);
}

/* FTZ does not apply. */
uint16_t f32_to_f16(struct fp_ctx *c, uint32_t a, uint8_t rounding)
{
    struct fp_ctx half = *c;
    uint16_t result;

    half.rounding = rounding;
    half.ftz = false;
    result = (uint16_t)convert(&half, &fp_f32, &fp_f16, a);
    c->flags = half.flags;
    return result;
}
