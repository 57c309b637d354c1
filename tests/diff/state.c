/* SPDX-License-Identifier: BSD-2-Clause */
/* Random register state with values that matter, and memory at the pointers. */
#include "diff.h"

#include <string.h>

static const uint64_t edges[] = {0,
                                 1,
                                 2,
                                 UINT64_MAX,
                                 UINT64_MAX - 1,
                                 0x7f,
                                 0x80,
                                 0xff,
                                 0x100,
                                 0x7fff,
                                 0x8000,
                                 0xffff,
                                 UINT64_C(0x7fffffff),
                                 UINT64_C(0x80000000),
                                 UINT64_C(0xffffffff),
                                 UINT64_C(0x100000000),
                                 UINT64_C(0x7fffffffffffffff),
                                 UINT64_C(0x8000000000000000),
                                 UINT64_C(0xffffffff80000000),
                                 UINT64_C(0x5555555555555555),
                                 UINT64_C(0x8080808080808080)};
#define EDGES (sizeof edges / sizeof edges[0])

static uint64_t random_integer(struct rng *g)
{
    uint64_t v = rng_next(g);
    unsigned kind = (unsigned)(v & 15);
    if (kind < 5)
        return edges[rng_below(g, EDGES)];
    if (kind < 8)
        return (v >> 8 & 0xff) - 128;
    if (kind < 10)
        return v >> (v >> 8 & 63);
    return v;
}

static const uint32_t edges32[] = {
    0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000,
    0x7f800001, 0x7fa00000, 0x00000001, 0x807fffff, 0x00800000, 0x7f7fffff, 0x3f000000, 0x4f000000,
    0x4effffff, 0xcf000000, 0x5f000000, 0x3fc00000, 0x40200000, 0xbf000000, 0x4b000001, 0x7fffffff};
static const uint64_t edges64[] = {0,
                                   UINT64_C(0x8000000000000000),
                                   UINT64_C(0x3ff0000000000000),
                                   UINT64_C(0xbff0000000000000),
                                   UINT64_C(0x7ff0000000000000),
                                   UINT64_C(0xfff0000000000000),
                                   UINT64_C(0x7ff8000000000000),
                                   UINT64_C(0x7ff0000000000001),
                                   UINT64_C(0xfff4000000000000),
                                   1,
                                   UINT64_C(0x000fffffffffffff),
                                   UINT64_C(0x0010000000000000),
                                   UINT64_C(0x7fefffffffffffff),
                                   UINT64_C(0x3fe0000000000000),
                                   UINT64_C(0x41dfffffffc00000),
                                   UINT64_C(0x41e0000000000000),
                                   UINT64_C(0xc1e0000000000000),
                                   UINT64_C(0x43e0000000000000),
                                   UINT64_C(0xc3e0000000000000),
                                   UINT64_C(0x3ff8000000000000),
                                   UINT64_C(0x4004000000000000),
                                   UINT64_C(0x4330000000000001),
                                   UINT64_C(0x47efffffe0000000),
                                   UINT64_C(0x36a0000000000000)};

/* Eight bytes as two floats, a double or integers. */
static uint64_t random_lane(struct rng *g, unsigned style)
{
    uint64_t v = rng_next(g);
    switch (style) {
    case 0: /* float */
        for (unsigned i = 0; i < 2; i++) {
            uint32_t f = (uint32_t)(v >> 32 * i);
            if (f % 3 == 0)
                f = edges32[f / 3 % 24];
            else if (f % 3 == 1) /* near 1 */
                f = (f & 0x807fffff) | (0x3f800000 + (f >> 10 & 0x1f) * 0x800000 - 0x8000000);
            v = (v & ~(UINT64_C(0xffffffff) << 32 * i)) | (uint64_t)f << 32 * i;
        }
        return v;
    case 1: /* double */
        if (v % 3 == 0)
            return edges64[v / 3 % 24];
        if (v % 3 == 1)
            return (v & UINT64_C(0x800fffffffffffff)) | (UINT64_C(0x3f8) + (v >> 52 & 0x7f)) << 52;
        return v;
    case 2:
        return random_integer(g);
    case 3: /* bytes and words at their limits */
        return v & UINT64_C(0x8080808080808080) ? v | UINT64_C(0x7f00ff007f00ff00) : v;
    default:
        return v;
    }
}

static void random_f80(struct rng *g, uint8_t *to)
{
    static const uint16_t exponents[] = {0,      1,      0x7fff, 0x7ffe, 0x3fff, 0x3ffe, 0x4000,
                                         0x401e, 0x403e, 0x43fe, 0x407f, 0x3c00, 0x3f80, 0x3fbf};
    uint64_t v = rng_next(g), mantissa = rng_next(g) | UINT64_C(1) << 63;
    uint16_t e = (uint16_t)(v & 0x7fff);
    if ((v >> 16 & 7) < 3)
        e = exponents[(v >> 24) % 14];
    else if ((v >> 16 & 7) < 7)
        e = (uint16_t)(0x3fff + (v >> 24) % 140 - 70);
    if ((v >> 48 & 3) == 0)
        mantissa = UINT64_C(1) << 63;
    else if ((v >> 48 & 15) == 1)
        mantissa = (v >> 52 & 1) ? UINT64_MAX : UINT64_C(0xc000000000000000);
    else if ((v >> 48 & 15) == 2)
        mantissa &= UINT64_MAX << (v >> 56 & 63);
    if ((v >> 52 & 31) == 3)
        mantissa &= ~(UINT64_C(1) << 63); /* denormal, pseudo-denormal or unnormal */
    if ((v >> 52 & 31) == 4)
        mantissa = 0;
    if (e == 0 && (v >> 57 & 1))
        mantissa &= ~(UINT64_C(1) << 63);
    if ((v >> 52 & 31) == 5) { /* MMX */
        e = 0x7fff;
        v |= 0x8000;
        mantissa = random_lane(g, (unsigned)(v >> 61));
    }
    e |= (uint16_t)(v & 0x8000);
    memcpy(to, &mantissa, 8);
    memcpy(to + 8, &e, 2);
    memset(to + 10, 0, 6);
}

static void random_fpu(struct state *s, const struct program *p, struct rng *g)
{
    uint64_t v = rng_next(g);
    uint16_t fcw = (uint16_t)(0x7f | (v & 0xf00)), fsw = (uint16_t)(v >> 16 & 0x7900);
    if ((fcw & 0x300) == 0x100)
        fcw |= 0x300; /* reserved */
    if ((v >> 32 & 7) == 0)
        fsw |= (uint16_t)(v >> 36 & 0x7f);
    if ((v >> 44 & 15) == 0)
        fcw &= (uint16_t) ~(v >> 48 & 0x3f);
    if (fsw & ~fcw & 0x3f)
        fsw |= 0x8080;
    uint8_t ftw = (uint8_t)((v >> 56 & 3) == 0 ? rng_next(g) : (v >> 56 & 3) == 1 ? 0xff : 0x7e);
    if ((v >> 58 & 7) == 1) {
        ftw = 0;
        fsw &= (uint16_t)~0x3800;
    }
    memset(s->xsave, 0, XSAVE_USED - 256);
    memcpy(s->xsave, &fcw, 2);
    memcpy(s->xsave + 2, &fsw, 2);
    s->xsave[4] = ftw;
    for (unsigned i = 0; i < 8; i++)
        random_f80(g, s->xsave + XSAVE_ST + 16 * i);

    uint32_t mxcsr = 0x1f80 | (uint32_t)(v >> 4 & 0x6000);
    v = rng_next(g);
    if ((v & 3) == 0)
        mxcsr |= (uint32_t)(v >> 8 & 0x8040); /* FTZ, DAZ */
    if ((v >> 4 & 7) == 0)
        mxcsr |= (uint32_t)(v >> 32 & 0x3f);
    if ((v >> 40 & 31) == 0)
        mxcsr &= ~(uint32_t)(v >> 48 & 0x1f80);
    memcpy(s->xsave + XSAVE_MXCSR, &mxcsr, 4);
    s->xsave[XSAVE_HEADER] = 7;
    for (unsigned i = 0; i < 32; i++) {
        unsigned style = (unsigned)(rng_next(g) >> 60) % 6;
        uint64_t lanes[2] = {random_lane(g, style), random_lane(g, style)};
        memcpy(s->xsave + (i < 16 ? XSAVE_XMM + 16 * i : XSAVE_YMM + 16 * (i - 16)), lanes, 16);
    }
    for (unsigned i = 0; i < 16; i++) {
        if (!(p->small_vectors >> i & 1))
            continue;
        /* Indices: of 32 bits, or of 64. */
        int32_t index[8];
        for (unsigned k = 0; k < 8; k++)
            index[k] = (int32_t)rng_below(g, 128) - 64;
        if (p->wide_indices)
            for (unsigned k = 0; k < 8; k += 2)
                index[k + 1] = index[k] < 0 ? -1 : 0;
        memcpy(s->xsave + XSAVE_XMM + 16 * i, index, 16);
        memcpy(s->xsave + XSAVE_YMM + 16 * i, index + 4, 16);
    }
}

/* An address to be used: mostly in the window, often where something ends. */
static uint64_t random_target(struct rng *g)
{
    unsigned kind = rng_below(g, 100);
    if (kind < 45)
        return DATA + (rng_below(g, DATA_SIZE - 256) & ~63u) + 128;
    if (kind < 65)
        return DATA + rng_below(g, DATA_SIZE - 256) + 128;
    if (kind < 80)
        return DATA + PAGE - rng_below(g, 72);
    if (kind < 90) /* towards what may only be read */
        return DATA + DATA_SIZE + 32 - rng_below(g, 96);
    if (kind < 94)
        return CONST_PAGE + rng_below(g, PAGE + 16);
    if (kind < 97)
        return DATA + 16 - rng_below(g, 48);
    if (kind < 98)
        return CODE + rng_below(g, 64) - 32;
    if (kind < 99)
        return random_integer(g);
    return (rng_next(g) & 0xffff) | UINT64_C(0x7fffffff0000);
}

/* Data at an address, where there is any. */
static void plant(uint8_t *memory, uint64_t at, const void *data, unsigned size)
{
    if (at - DATA <= MEMORY_SIZE - size)
        memcpy(memory + (at - DATA), data, size);
}

static void plant_operands(const struct program *p, struct rng *g, uint64_t at, uint8_t *memory)
{
    uint64_t lanes[4];
    unsigned style = rng_below(g, 8);
    if (p->planted && rng_percent(g, 80)) {
        plant(memory, at, &p->planted, p->narrow ? 4 : 8);
        return;
    }
    if (style == 6) {
        uint8_t f[16];
        random_f80(g, f);
        plant(memory, at, f, 10);
        return;
    }
    for (unsigned i = 0; i < 4; i++)
        lanes[i] = random_lane(g, style);
    if (style == 7) /* runs of equal elements, for string instructions */
        memset(lanes, (int)(lanes[0] & 1 ? 0 : lanes[0] & 0xff), sizeof lanes);
    plant(memory, at, lanes, 32);
}

static uint64_t role_value(const struct program *p, const struct state *s, unsigned r,
                           struct rng *g, uint8_t *memory)
{
    switch (p->role[r]) {
    case ROLE_POINTER: {
        uint64_t to = random_target(g), value = to - p->bias[r];
        if (r == RSP)
            to = value = rng_percent(g, 90) ? to & ~UINT64_C(7) : to;
        if (p->index[r])
            value -= s->r[p->index[r]] * p->scale[r];
        plant_operands(p, g, to, memory);
        return value;
    }
    case ROLE_DOUBLED:
        return (random_target(g) - p->bias[r]) / (1u + p->scale[r]);
    case ROLE_INDEX:
        return (uint64_t)rng_below(g, 33) - 16;
    case ROLE_COUNT:
        return rng_percent(g, 97) ? rng_below(g, 40) : 0;
    case ROLE_BITS:
        return (uint64_t)rng_below(g, 4096) - 2048;
    case ROLE_LABEL:
        return rng_percent(g, 90) ? p->label[r] : random_integer(g);
    default:
        return random_integer(g);
    }
}

static bool saves_state(const struct program *p)
{
    return p->at[0].group == GROUP_FXSAVE || p->at[0].group == GROUP_XSAVE;
}

/* An area to restore from, and the components. */
static void plant_area(struct state *s, const struct program *p, struct rng *g, uint8_t *memory)
{
    static struct state image;
    random_fpu(&image, p, g);
    image.xsave[XSAVE_HEADER] = (uint8_t)rng_below(g, 8);
    for (unsigned r = 0; r < 16; r++)
        if (p->role[r] == ROLE_POINTER && r != RSP) {
            uint64_t to = s->r[r] + p->bias[r];
            if (p->index[r])
                to += s->r[p->index[r]] * p->scale[r];
            uint64_t aligned = rng_percent(g, 90) ? to & ~UINT64_C(63) : to;
            s->r[r] += aligned - to;
            plant(memory, aligned, image.xsave, XSAVE_USED);
        }
    s->r[RAX] = rng_below(g, 8);
    s->r[RDX] = 0;
}

void state_random(struct state *s, const struct program *p, struct rng *g, uint8_t *memory)
{
    random_fpu(s, p, g);
    for (unsigned pass = 0; pass < 2; pass++) /* indices before their bases */
        for (unsigned r = 0; r < 16; r++)
            if ((p->role[r] == ROLE_POINTER) == (pass == 1))
                s->r[r] = role_value(p, s, r, g, memory);
    if (p->divides && p->role[RDX] == ROLE_ANY && rng_percent(g, 60)) {
        uint64_t rax = s->r[RAX];
        s->r[RDX] = rng_percent(g, 50) ? 0 : rax >> 63 ? UINT64_MAX : rng_below(g, 8);
    }
    if (saves_state(p))
        plant_area(s, p, g, memory);
    if (p->narrow)
        for (unsigned r = 0; r < 16; r++)
            s->r[r] = r < 8 ? (uint32_t)s->r[r] : 0;
    s->rip = p->address;
    s->rflags = 2 | FLAG_IF | (rng_next(g) & ARITH);
    if (rng_percent(g, 15))
        s->rflags |= FLAG_DF;
    if (rng_percent(g, 2))
        s->rflags |= FLAG_AC;
    if (rng_percent(g, 5))
        s->rflags |= UINT64_C(1) << 21;
    s->fs_base = p->fs_base;
    s->gs_base = p->gs_base;
}
