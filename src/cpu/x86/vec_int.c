/* SPDX-License-Identifier: BSD-2-Clause */
/* Integer arithmetic, logic and comparison, element by element. */
#include "cpu/x86/vec_lanes.h"

#define VEC_SIMPLE(name, T, expression) VERTICAL(name, EACH(T, expression))
#include "cpu/x86/vec_simple.def"

#define COMPARE(name, T, type, op) VERTICAL(name, EACH(T, (type)(x.T[k] op y.T[k] ? -1 : 0)))
COMPARE(pcmpeqq, s64, int64_t, ==)
COMPARE(pcmpgtq, s64, int64_t, >)

#define SELECT(name, T, op) VERTICAL(name, EACH(T, x.T[k] op y.T[k] ? x.T[k] : y.T[k]))
SELECT(pminuw, u16, <)
SELECT(pminud, u32, <)
SELECT(pminsb, s8, <)
SELECT(pminsd, s32, <)
SELECT(pmaxuw, u16, >)
SELECT(pmaxud, u32, >)
SELECT(pmaxsb, s8, >)
SELECT(pmaxsd, s32, >)

/* Saturation by the sum's carry or sign, in the element's own width, vectorises best. */
static inline uint8_t addus8(uint8_t x, uint8_t y)
{
    uint8_t sum = (uint8_t)(x + y);
    return (uint8_t)(sum | (sum < x ? 0xff : 0));
}

static inline uint16_t addus16(uint16_t x, uint16_t y)
{
    uint16_t sum = (uint16_t)(x + y);
    return (uint16_t)(sum | (sum < x ? 0xffff : 0));
}

static inline uint8_t adds8(uint8_t x, uint8_t y)
{
    uint8_t sum = (uint8_t)(x + y), limit = x & 0x80 ? 0x80 : 0x7f;
    return (~(x ^ y) & (x ^ sum)) & 0x80 ? limit : sum;
}

static inline uint16_t adds16(uint16_t x, uint16_t y)
{
    uint16_t sum = (uint16_t)(x + y), limit = x & 0x8000 ? 0x8000 : 0x7fff;
    return (~(x ^ y) & (x ^ sum)) & 0x8000 ? limit : sum;
}

static inline uint8_t subs8(uint8_t x, uint8_t y)
{
    uint8_t difference = (uint8_t)(x - y), limit = x & 0x80 ? 0x80 : 0x7f;
    return ((x ^ y) & (x ^ difference)) & 0x80 ? limit : difference;
}

static inline uint16_t subs16(uint16_t x, uint16_t y)
{
    uint16_t difference = (uint16_t)(x - y), limit = x & 0x8000 ? 0x8000 : 0x7fff;
    return ((x ^ y) & (x ^ difference)) & 0x8000 ? limit : difference;
}

VERTICAL(paddusb, EACH(u8, addus8(x.u8[k], y.u8[k])))
VERTICAL(paddusw, EACH(u16, addus16(x.u16[k], y.u16[k])))
VERTICAL(paddsb, EACH(u8, adds8(x.u8[k], y.u8[k])))
VERTICAL(paddsw, EACH(u16, adds16(x.u16[k], y.u16[k])))
VERTICAL(psubusb, EACH(u8, (uint8_t)(x.u8[k] > y.u8[k] ? x.u8[k] - y.u8[k] : 0)))
VERTICAL(psubusw, EACH(u16, (uint16_t)(x.u16[k] > y.u16[k] ? x.u16[k] - y.u16[k] : 0)))
VERTICAL(psubsb, EACH(u8, subs8(x.u8[k], y.u8[k])))
VERTICAL(psubsw, EACH(u16, subs16(x.u16[k], y.u16[k])))

VERTICAL(pavgb, EACH(u8, (uint8_t)((x.u8[k] + y.u8[k] + 1) >> 1)))
VERTICAL(pavgw, EACH(u16, (uint16_t)((x.u16[k] + y.u16[k] + 1) >> 1)))

/* The most negative value has no absolute one; it stays. */
#define ABSOLUTE(name, T, U, type)                                                                 \
    VERTICAL(name, EACH(U, y.T[k] < 0 ? (type)(0u - y.U[k]) : y.U[k]))
ABSOLUTE(pabsb, s8, u8, uint8_t)
ABSOLUTE(pabsw, s16, u16, uint16_t)
ABSOLUTE(pabsd, s32, u32, uint32_t)

#define SIGN(name, T, U, type)                                                                     \
    VERTICAL(name, EACH(U, y.T[k] < 0 ? (type)(0u - x.U[k]) : y.T[k] ? x.U[k] : 0))
SIGN(psignb, s8, u8, uint8_t)
SIGN(psignw, s16, u16, uint16_t)
SIGN(psignd, s32, u32, uint32_t)

VERTICAL(pmulhw, EACH(u16, (uint16_t)((x.s16[k] * y.s16[k]) >> 16)))
VERTICAL(pmulhuw, EACH(u16, (uint16_t)(((uint32_t)x.u16[k] * y.u16[k]) >> 16)))
VERTICAL(pmulhrsw, EACH(u16, (uint16_t)(((x.s16[k] * y.s16[k] >> 14) + 1) >> 1)))
VERTICAL(pmulld, EACH(u32, x.u32[k] * y.u32[k]))
VERTICAL(pmuldq, EACH(s64, (int64_t)x.s32[2 * k] * y.s32[2 * k]))
VERTICAL(pmaddwd, EACH(u32, (uint32_t)(x.s16[2 * k] * y.s16[2 * k]) +
                                (uint32_t)(x.s16[2 * k + 1] * y.s16[2 * k + 1])))

static inline int16_t saturate16(int32_t value)
{
    return (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
}

VERTICAL(pmaddubsw,
         EACH(s16, saturate16(x.u8[2 * k] * y.s8[2 * k] + x.u8[2 * k + 1] * y.s8[2 * k + 1])))

static inline unsigned distance(uint8_t x, uint8_t y)
{
    return x > y ? (unsigned)(x - y) : (unsigned)(y - x);
}

static inline cpu_lane sum_of_distances(cpu_lane x, cpu_lane y)
{
    cpu_lane r;
    for (unsigned half = 0; half < 2; half++) {
        unsigned sum = 0;
        for (unsigned k = 0; k < 8; k++)
            sum += distance(x.u8[half * 8 + k], y.u8[half * 8 + k]);
        r.u64[half] = sum;
    }
    return r;
}

VERTICAL(psadbw, r = sum_of_distances(x, y))

/* The low lane takes the low three bits of the immediate, the high lane the next three. */
static inline cpu_lane mpsadbw_lane(cpu_lane x, cpu_lane y, unsigned imm)
{
    cpu_lane r;
    const uint8_t *block = &y.u8[(imm & 3) * 4];
    const uint8_t *window = &x.u8[imm & 4];
    for (unsigned k = 0; k < 8; k++) {
        unsigned sum = 0;
        for (unsigned j = 0; j < 4; j++)
            sum += distance(window[k + j], block[j]);
        r.u16[k] = (uint16_t)sum;
    }
    return r;
}

void vec_mpsadbw(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned bytes)
{
    d->lane[0] = mpsadbw_lane(a->lane[0], b->lane[0], imm);
    if (bytes > 16)
        d->lane[1] = mpsadbw_lane(a->lane[1], b->lane[1], imm >> 3);
}

static inline cpu_lane least_word(cpu_lane y)
{
    cpu_lane r = {{0}};
    unsigned at = 0;
    for (unsigned k = 1; k < 8; k++)
        if (y.u16[k] < y.u16[at])
            at = k;
    r.u16[0] = y.u16[at];
    r.u16[1] = (uint16_t)at;
    return r;
}

VERTICAL(phminposuw, r = least_word(y))

/* Horizontal sums: pairs of x give the low half of the result, pairs of y the high one. */
#define PAIRS(name, T, type, expression)                                                           \
    HORIZONTAL(name, {                                                                             \
        const unsigned half = n / sizeof(type) / 2;                                                \
        for (unsigned k = 0; k < half; k++) {                                                      \
            type p = x.T[2 * k], q = x.T[2 * k + 1];                                               \
            r.T[k] = expression;                                                                   \
            p = y.T[2 * k], q = y.T[2 * k + 1];                                                    \
            r.T[half + k] = expression;                                                            \
        }                                                                                          \
    })
PAIRS(phaddw, u16, uint16_t, (uint16_t)(p + q))
PAIRS(phaddd, u32, uint32_t, p + q)
PAIRS(phaddsw, u16, uint16_t, adds16(p, q))
PAIRS(phsubw, u16, uint16_t, (uint16_t)(p - q))
PAIRS(phsubd, u32, uint32_t, p - q)
PAIRS(phsubsw, u16, uint16_t, subs16(p, q))

/* Shifts. A count of the element's width or more empties it, or fills it with the sign. */
#define SHIFT(name, T, width, shifted, emptied)                                                    \
    static inline void name##_by(cpu_vec *d, const cpu_vec *a, uint64_t count, unsigned bytes)     \
    {                                                                                              \
        const unsigned by = count < (width) ? (unsigned)count : (width);                           \
        for (unsigned lane = 0; lane == 0 || lane * 16 < bytes; lane++) {                          \
            cpu_lane x = a->lane[lane], r;                                                         \
            if (by == (width))                                                                     \
                EACH(T, emptied);                                                                  \
            else                                                                                   \
                EACH(T, shifted);                                                                  \
            d->lane[lane] = r;                                                                     \
        }                                                                                          \
    }                                                                                              \
    void vec_##name(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned bytes)  \
    {                                                                                              \
        (void)imm;                                                                                 \
        name##_by(d, a, b->u64[0], bytes);                                                         \
    }                                                                                              \
    void vec_##name##_imm(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm,            \
                          unsigned bytes)                                                          \
    {                                                                                              \
        (void)b;                                                                                   \
        name##_by(d, a, imm, bytes);                                                               \
    }
SHIFT(psllw, u16, 16, (uint16_t)(x.u16[k] << by), (uint16_t)(x.u16[k] & 0))
SHIFT(pslld, u32, 32, x.u32[k] << by, x.u32[k] & 0)
SHIFT(psllq, u64, 64, x.u64[k] << by, x.u64[k] & 0)
SHIFT(psrlw, u16, 16, (uint16_t)(x.u16[k] >> by), (uint16_t)(x.u16[k] & 0))
SHIFT(psrld, u32, 32, x.u32[k] >> by, x.u32[k] & 0)
SHIFT(psrlq, u64, 64, x.u64[k] >> by, x.u64[k] & 0)
SHIFT(psraw, s16, 16, (int16_t)(x.s16[k] >> by), (int16_t)(x.s16[k] >> 15))
SHIFT(psrad, s32, 32, x.s32[k] >> by, x.s32[k] >> 31)

VERTICAL(psllvd, EACH(u32, y.u32[k] < 32 ? x.u32[k] << (y.u32[k] & 31) : 0))
VERTICAL(psllvq, EACH(u64, y.u64[k] < 64 ? x.u64[k] << (y.u64[k] & 63) : 0))
VERTICAL(psrlvd, EACH(u32, y.u32[k] < 32 ? x.u32[k] >> (y.u32[k] & 31) : 0))
VERTICAL(psrlvq, EACH(u64, y.u64[k] < 64 ? x.u64[k] >> (y.u64[k] & 63) : 0))
VERTICAL(psravd, EACH(s32, x.s32[k] >> (y.u32[k] < 32 ? y.u32[k] : 31)))

static inline cpu_lane byte_shift(cpu_lane x, int by)
{
    cpu_lane r = {{0}};
    for (int k = 0; k < 16; k++)
        if (k - by >= 0 && k - by < 16)
            r.u8[k] = x.u8[k - by];
    return r;
}

VERTICAL(pslldq_imm, r = byte_shift(x, imm > 15 ? 16 : (int)imm))
VERTICAL(psrldq_imm, r = byte_shift(x, imm > 15 ? -16 : -(int)imm))
