/* SPDX-License-Identifier: BSD-2-Clause */
/* Moving elements: pack, unpack, shuffle, blend, extend, permute, insert, extract, masks. */
#include <string.h>

#include "cpu/x86/vec_lanes.h"
#include "os/host_simd.h"

static inline uint8_t signed8(int32_t value)
{
    return (uint8_t)(value > 127 ? 127 : value < -128 ? -128 : value);
}
static inline uint8_t unsigned8(int32_t value)
{
    return (uint8_t)(value > 255 ? 255 : value < 0 ? 0 : value);
}
static inline uint16_t signed16(int32_t value)
{
    return (uint16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
}
static inline uint16_t unsigned16(int32_t value)
{
    return (uint16_t)(value > 65535 ? 65535 : value < 0 ? 0 : value);
}

#define PACK(name, from, to, size, saturate)                                                       \
    HORIZONTAL(name, {                                                                             \
        const unsigned half = n / (size) / 2;                                                      \
        for (unsigned k = 0; k < half; k++) {                                                      \
            r.to[k] = saturate(x.from[k]);                                                         \
            r.to[half + k] = saturate(y.from[k]);                                                  \
        }                                                                                          \
    })
PACK(packsswb, s16, u8, 1, signed8)
PACK(packuswb, s16, u8, 1, unsigned8)
PACK(packssdw, s32, u16, 2, signed16)
PACK(packusdw, s32, u16, 2, unsigned16)

#define UNPACK(low, high, T, size)                                                                 \
    HORIZONTAL(low, {                                                                              \
        for (unsigned k = 0; k < n / (size) / 2; k++) {                                            \
            r.T[2 * k] = x.T[k];                                                                   \
            r.T[2 * k + 1] = y.T[k];                                                               \
        }                                                                                          \
    })                                                                                             \
    HORIZONTAL(high, {                                                                             \
        const unsigned half = n / (size) / 2;                                                      \
        for (unsigned k = 0; k < half; k++) {                                                      \
            r.T[2 * k] = x.T[half + k];                                                            \
            r.T[2 * k + 1] = y.T[half + k];                                                        \
        }                                                                                          \
    })
UNPACK(punpcklbw, punpckhbw, u8, 1)
UNPACK(punpcklwd, punpckhwd, u16, 2)
UNPACK(punpckldq, punpckhdq, u32, 4)
UNPACK(punpcklqdq, punpckhqdq, u64, 8)

HORIZONTAL(pshufb, {
    for (unsigned k = 0; k < n; k++)
        r.u8[k] = y.u8[k] & 0x80 ? 0 : x.u8[y.u8[k] & (n - 1)];
})

HORIZONTAL(palignr, {
    uint8_t both[48] = {0};
    memcpy(both, &y, n);
    memcpy(both + n, &x, n);
    memcpy(&r, both + (imm < 2 * n ? imm : 2 * n), n);
})

#define CHOICE(k) (imm >> 2 * (k)&3)
VERTICAL(pshuflw, EACH(u16, k < 4 ? y.u16[CHOICE(k & 3)] : y.u16[k]))
VERTICAL(pshufhw, EACH(u16, k < 4 ? y.u16[k] : y.u16[4 + CHOICE(k & 3)]))
VERTICAL(pshufw, EACH(u16, y.u16[CHOICE(k & 3)]))
VERTICAL(permilps_imm, EACH(u32, y.u32[CHOICE(k)]))
VERTICAL(permilps, EACH(u32, x.u32[y.u32[k] & 3]))
VERTICAL(permilpd, EACH(u64, x.u64[y.u64[k] >> 1 & 1]))

static inline cpu_lane shuffle_pairs(uint64_t x0, uint64_t x1, uint64_t y0, uint64_t y1,
                                     unsigned imm)
{
    cpu_lane r;
    r.u64[0] = imm & 1 ? x1 : x0;
    r.u64[1] = imm & 2 ? y1 : y0;
    return r;
}

/* The high lane has two bits of its own. */
void vec_shufpd(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned bytes)
{
    d->lane[0] = shuffle_pairs(a->u64[0], a->u64[1], b->u64[0], b->u64[1], imm);
    if (bytes > 16)
        d->lane[1] = shuffle_pairs(a->u64[2], a->u64[3], b->u64[2], b->u64[3], imm >> 2);
}

void vec_permilpd_imm(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned bytes)
{
    (void)a;
    vec_shufpd(d, b, b, imm, bytes);
}

VERTICAL(pblendw, EACH(u16, imm >> k & 1 ? y.u16[k] : x.u16[k]))

void vec_blendps(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned bytes)
{
    for (unsigned k = 0; k < bytes / 4; k++)
        d->u32[k] = imm >> k & 1 ? b->u32[k] : a->u32[k];
}

void vec_blendpd(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned bytes)
{
    for (unsigned k = 0; k < bytes / 8; k++)
        d->u64[k] = imm >> k & 1 ? b->u64[k] : a->u64[k];
}

/* d holds the mask on entry. */
#define BLEND_BY_MASK(name, S, T, size)                                                            \
    void vec_##name(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned bytes)  \
    {                                                                                              \
        (void)imm;                                                                                 \
        for (unsigned k = 0; k < bytes / (size); k++)                                              \
            d->T[k] = d->S[k] < 0 ? b->T[k] : a->T[k];                                             \
    }
BLEND_BY_MASK(pblendvb, s8, u8, 1)
BLEND_BY_MASK(blendvps, s32, u32, 4)
BLEND_BY_MASK(blendvpd, s64, u64, 8)

/* The source's low elements, widened to the whole of d. */
#define EXTEND(name, to, to_size, from, from_size)                                                 \
    void vec_##name(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned bytes)  \
    {                                                                                              \
        (void)a;                                                                                   \
        (void)imm;                                                                                 \
        const cpu_lane x = b->lane[0];                                                             \
        for (unsigned k = 0; k < bytes / (to_size); k++)                                           \
            d->to[k] = x.from[k];                                                                  \
    }
EXTEND(pmovsxbw, s16, 2, s8, 1)
EXTEND(pmovsxbd, s32, 4, s8, 1)
EXTEND(pmovsxbq, s64, 8, s8, 1)
EXTEND(pmovsxwd, s32, 4, s16, 2)
EXTEND(pmovsxwq, s64, 8, s16, 2)
EXTEND(pmovsxdq, s64, 8, s32, 4)
EXTEND(pmovzxbw, u16, 2, u8, 1)
EXTEND(pmovzxbd, u32, 4, u8, 1)
EXTEND(pmovzxbq, u64, 8, u8, 1)
EXTEND(pmovzxwd, u32, 4, u16, 2)
EXTEND(pmovzxwq, u64, 8, u16, 2)
EXTEND(pmovzxdq, u64, 8, u32, 4)

VERTICAL(movsldup, EACH(u32, y.u32[k & 2]))
VERTICAL(movshdup, EACH(u32, y.u32[(k & 2) + 1]))
VERTICAL(high, EACH(u64, k == 0 ? y.u64[1] : 0))
VERTICAL(low64, EACH(u64, k == 0 ? y.u64[0] : 0))
VERTICAL(low32, EACH(u64, k == 0 ? y.u32[0] : 0))

#define INSERT(name, T, count) VERTICAL(name, EACH(T, k == (imm & ((count)-1)) ? y.T[0] : x.T[k]))
INSERT(pinsrb, u8, 16)
INSERT(pinsrd, u32, 4)
INSERT(pinsrq, u64, 2)
HORIZONTAL(pinsrw, EACH(u16, k == (imm & (n / 2 - 1)) ? y.u16[0] : x.u16[k]))
/* The upper bits of the immediate choose y's element; 0 for memory, which has only one. */
VERTICAL(insertps, EACH(u32, imm >> k & 1          ? 0
                             : k == (imm >> 4 & 3) ? y.u32[imm >> 6 & 3]
                                                   : x.u32[k]))

#define EXTRACT(name, T, count) VERTICAL(name, EACH(u64, k ? 0 : y.T[imm & ((count)-1)]))
EXTRACT(pextrb, u8, 16)
EXTRACT(pextrd, u32, 4)
EXTRACT(pextrq, u64, 2)
HORIZONTAL(pextrw, r.u64[0] = y.u16[imm & (n / 2 - 1)])

/* The elements' sign bits, gathered. */
#define SIGNS(name, S, size)                                                                       \
    void vec_##name(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned bytes)  \
    {                                                                                              \
        (void)a;                                                                                   \
        (void)imm;                                                                                 \
        uint64_t mask = 0;                                                                         \
        for (unsigned k = 0; k < bytes / (size); k++)                                              \
            mask |= (uint64_t)(b->S[k] < 0) << k;                                                  \
        d->u64[0] = mask;                                                                          \
    }
SIGNS(movmskps, s32, 4)
SIGNS(movmskpd, s64, 8)

void vec_pmovmskb(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned bytes)
{
    (void)a;
    (void)imm;
    const uint32_t low = host_byte_signs(&b->lane[0]);
    d->u64[0] = bytes == 8    ? low & 0xff
                : bytes == 16 ? low
                              : low | host_byte_signs(&b->lane[1]) << 16;
}

#define FLAG_CF 1u
#define FLAG_ZF 0x40u

static void test_bits(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, uint64_t which,
                      unsigned bytes)
{
    uint64_t both = 0, only_b = 0;
    for (unsigned k = 0; k < bytes / 8; k++) {
        both |= a->u64[k] & b->u64[k] & which;
        only_b |= ~a->u64[k] & b->u64[k] & which;
    }
    d->u64[0] = (both ? 0 : FLAG_ZF) | (only_b ? 0 : FLAG_CF);
}

#define TEST(name, which)                                                                          \
    void vec_##name(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned bytes)  \
    {                                                                                              \
        (void)imm;                                                                                 \
        test_bits(d, a, b, which, bytes);                                                          \
    }
TEST(ptest, UINT64_MAX)
TEST(testps, UINT64_C(0x8000000080000000))
TEST(testpd, UINT64_C(0x8000000000000000))

#define BROADCAST(name, T, size)                                                                   \
    void vec_##name(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned bytes)  \
    {                                                                                              \
        (void)a;                                                                                   \
        (void)imm;                                                                                 \
        const cpu_lane x = b->lane[0];                                                             \
        for (unsigned k = 0; k < bytes / (size); k++)                                              \
            d->T[k] = x.T[0];                                                                      \
    }
BROADCAST(broadcastb, u8, 1)
BROADCAST(broadcastw, u16, 2)
BROADCAST(broadcastd, u32, 4)
BROADCAST(broadcastq, u64, 8)

/* What crosses lanes, always of 32 bytes. */
#define CROSSING(name, body)                                                                       \
    void vec_##name(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned bytes)  \
    {                                                                                              \
        (void)imm;                                                                                 \
        (void)bytes;                                                                               \
        const cpu_vec x = *a, y = *b;                                                              \
        (void)x;                                                                                   \
        body;                                                                                      \
    }

static inline cpu_lane choose_lane(const cpu_vec *x, const cpu_vec *y, unsigned choice)
{
    if (choice & 8)
        return (cpu_lane){{0}};
    return (choice & 2 ? y : x)->lane[choice & 1];
}

CROSSING(broadcast128, d->lane[0] = d->lane[1] = y.lane[0])
CROSSING(perm2f128, {
    d->lane[0] = choose_lane(&x, &y, imm);
    d->lane[1] = choose_lane(&x, &y, imm >> 4);
})
CROSSING(insertf128, {
    d->lane[0] = imm & 1 ? x.lane[0] : y.lane[0];
    d->lane[1] = imm & 1 ? y.lane[0] : x.lane[1];
})
CROSSING(permq, {
    for (unsigned k = 0; k < 4; k++)
        d->u64[k] = y.u64[CHOICE(k)];
})
CROSSING(permd, {
    for (unsigned k = 0; k < 8; k++)
        d->u32[k] = y.u32[x.u32[k] & 7];
})

/* Writes 16 bytes of d, though the source has 32. */
void vec_extractf128(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned bytes)
{
    (void)a;
    (void)bytes;
    d->lane[0] = b->lane[imm & 1];
}
