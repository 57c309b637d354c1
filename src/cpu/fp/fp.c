/* SPDX-License-Identifier: BSD-2-Clause */
#include "cpu/fp/fp_internal.h"

/* Square roots with remainders, each from that of the upper half and one division (Zimmermann,
 * "Karatsuba Square Root"). The top two bits of an argument are not both 0. */
static uint32_t root32(uint32_t n, uint32_t *rest)
{
    uint32_t root = 0, r = n;

    for (uint32_t bit = UINT32_C(1) << 30; bit; bit >>= 2) {
        if (r >= root + bit) {
            r -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    *rest = r;
    return root;
}

static uint64_t root64(uint64_t n, uint64_t *rest)
{
    uint32_t r32;
    uint64_t s = root32((uint32_t)(n >> 32), &r32), t = (uint64_t)r32 << 16 | (n >> 16 & 0xffff);
    uint64_t q = t / (2 * s), root = (s << 16) + q;
    int64_t r = (int64_t)((t % (2 * s)) << 16 | (n & 0xffff)) - (int64_t)(q * q);

    if (r < 0) {
        r += (int64_t)(2 * root) - 1;
        root--;
    }
    *rest = (uint64_t)r;
    return root;
}

static uint64_t root128(fp_u128 n, fp_u128 *rest)
{
    uint64_t r64, lo = (uint64_t)n;
    uint64_t s = root64((uint64_t)(n >> 64), &r64);
    fp_u128 t = (fp_u128)r64 << 32 | lo >> 32, q = t / (2 * s), root = ((fp_u128)s << 32) + q;
    __int128 r = (__int128)((t % (2 * s)) << 32 | (lo & 0xffffffff)) - (__int128)(q * q);

    if (r < 0) {
        r += (__int128)(2 * root) - 1;
        root--;
    }
    *rest = (fp_u128)r;
    return (uint64_t)root;
}

struct fp_num fp_root(struct fp_ctx *c, struct fp_num a)
{
    fp_u128 rest;
    uint64_t root;

    if (a.cls == FP_ZERO)
        return a;
    if (a.sign)
        return fp_invalid(c);
    if (a.cls == FP_INFINITE)
        return a;
    root = root128((fp_u128)a.hi << (a.exp & 1 ? 64 : 63), &rest);
    return (struct fp_num){.hi = root,
                           .lo = (rest > root ? FP_TOP_BIT : 0) | (rest != 0),
                           .exp = (a.exp - (a.exp & 1)) / 2,
                           .cls = FP_NORMAL};
}

/* The integer part of |a| < 2^64, and the fraction below it. */
static uint64_t split(struct fp_num a, uint64_t *rest)
{
    fp_u128 v = a.exp < -1 ? 1 : fp_shift_jam((fp_u128)a.hi << 64 | a.lo, (unsigned)(63 - a.exp));

    *rest = (uint64_t)v;
    return (uint64_t)(v >> 64);
}

int64_t fp_to_int(struct fp_ctx *c, struct fp_num a, unsigned bits, uint8_t rounding)
{
    uint64_t limit = UINT64_C(1) << (bits - 1), value, rest;
    bool up;

    if (a.cls == FP_ZERO)
        return 0;
    if (!fp_is_finite(a) || a.exp > 63)
        goto invalid;
    value = split(a, &rest);
    up = fp_rounds_up(rounding, a.sign, value & 1, rest);
    if (up && value == UINT64_MAX)
        goto invalid;
    value += up;
    if (value > limit || (value == limit && !a.sign))
        goto invalid;
    if (rest) {
        c->flags |= FP_PE;
        c->round_up = up;
    }
    return (int64_t)(a.sign ? 0 - value : value);
invalid:
    c->flags |= FP_IE;
    return (int64_t)(0 - limit);
}

struct fp_num fp_integral(struct fp_num a, uint8_t rounding, bool *inexact, bool *up)
{
    uint64_t value, rest;

    *inexact = *up = false;
    if (a.cls == FP_ZERO || !fp_is_finite(a) || a.exp >= 63)
        return a;
    value = split(a, &rest);
    *inexact = rest != 0;
    *up = fp_rounds_up(rounding, a.sign, value & 1, rest);
    value += *up;
    return value ? fp_normal(a.sign, 127, value) : fp_special(FP_ZERO, a.sign);
}
