/* SPDX-License-Identifier: BSD-2-Clause */
/* The XSAVE area's formats (Intel SDM vol. 1, "Managing State Using the XSAVE Feature Set"), for
 * instructions and for the outside. */
#include "cpu/x86/xsave.h"

#include <string.h>

#define AT_FCW   0
#define AT_FSW   2
#define AT_FTW   4
#define AT_FOP   6
#define AT_FIP   8
#define AT_FDP   16
#define AT_MXCSR 24
#define AT_ST    32
#define AT_XMM   160

static void put(uint8_t *area, unsigned at, unsigned size, uint64_t value)
{
    memcpy(area + at, &value, size);
}

static uint64_t get(const uint8_t *area, unsigned at, unsigned size)
{
    uint64_t value = 0;
    memcpy(&value, area + at, size);
    return value;
}

static void put_x87(const struct cpu *c, uint8_t *area, bool wide)
{
    const struct cpu_x87 *x = &c->x87;

    put(area, AT_FCW, 2, x->fcw);
    put(area, AT_FSW, 2, x87_get_fsw(x));
    put(area, AT_FTW, 2, x->tag);
    put(area, AT_FOP, 2, x->fop);
    put(area, AT_FIP, 8, wide ? x->fip : (uint32_t)x->fip | (uint64_t)x->fcs << 32);
    put(area, AT_FDP, 8, wide ? x->fdp : (uint32_t)x->fdp | (uint64_t)x->fds << 32);
    for (unsigned i = 0; i < 8; i++) {
        const struct f80 *st = &x->st[(x->top + i) & 7];
        put(area, AT_ST + 16 * i, 8, st->mant);
        put(area, AT_ST + 16 * i + 8, 8, st->se);
    }
}

static void get_x87(struct cpu *c, const uint8_t *area, bool wide)
{
    struct cpu_x87 *x = &c->x87;

    x87_set_control(x, (uint16_t)get(area, AT_FCW, 2), (uint16_t)get(area, AT_FSW, 2));
    x->tag = area[AT_FTW];
    x->fop = (uint16_t)(get(area, AT_FOP, 2) & 0x7ff);
    x->fip = get(area, AT_FIP, wide ? 8 : 4);
    x->fdp = get(area, AT_FDP, wide ? 8 : 4);
    x->fcs = wide ? 0 : (uint16_t)get(area, AT_FIP + 4, 2);
    x->fds = wide ? 0 : (uint16_t)get(area, AT_FDP + 4, 2);
    for (unsigned i = 0; i < 8; i++) {
        struct f80 *st = &x->st[(x->top + i) & 7];
        st->mant = get(area, AT_ST + 16 * i, 8);
        st->se = (uint16_t)get(area, AT_ST + 16 * i + 8, 2);
    }
}

void xsave_put(const struct cpu *c, struct xsave_image *image, uint64_t components,
               unsigned vectors, uint32_t mxcsr, bool wide)
{
    if (components & XSAVE_BIT_X87)
        put_x87(c, image->legacy, wide);
    put(image->legacy, AT_MXCSR, 4, mxcsr);
    put(image->legacy, AT_MXCSR + 4, 4, MXCSR_DEFINED);
    for (unsigned i = 0; i < vectors; i++) {
        memcpy(image->legacy + AT_XMM + 16 * i, c->v[i].u8, 16);
        memcpy(image->avx + 16 * i, c->v[i].u8 + 16, 16);
    }
    image->pkru = c->pkru;
}

static void init_x87(struct cpu *c)
{
    x87_init(&c->x87);
    memset(c->x87.st, 0, sizeof c->x87.st);
}

void xsave_get(struct cpu *c, const struct xsave_image *image, uint64_t components,
               uint64_t present, unsigned vectors, bool wide)
{
    if (components & XSAVE_BIT_X87) {
        if (present & XSAVE_BIT_X87)
            get_x87(c, image->legacy, wide);
        else
            init_x87(c);
    }
    for (unsigned i = 0; i < vectors; i++) {
        if ((components & XSAVE_BIT_SSE) && (present & XSAVE_BIT_SSE))
            memcpy(c->v[i].u8, image->legacy + AT_XMM + 16 * i, 16);
        else if (components & XSAVE_BIT_SSE)
            memset(c->v[i].u8, 0, 16);
        if ((components & XSAVE_BIT_AVX) && (present & XSAVE_BIT_AVX))
            memcpy(c->v[i].u8 + 16, image->avx + 16 * i, 16);
        else if (components & XSAVE_BIT_AVX)
            memset(c->v[i].u8 + 16, 0, 16);
    }
    if (components & XSAVE_BIT_PKRU) {
        uint32_t pkru = present & XSAVE_BIT_PKRU ? (uint32_t)image->pkru : 0;
        if (pkru != c->pkru) {
            c->pkru = pkru;
            cpu_flush_tlb(c, true);
        }
    }
}

uint32_t xsave_mxcsr(const struct xsave_image *image)
{
    return (uint32_t)get(image->legacy, AT_MXCSR, 4);
}

static bool x87_in_use(const struct cpu_x87 *x)
{
    static const struct f80 zero[8];

    if (x->fcw != X87_FCW_INIT || x87_get_fsw(x) || x->tag || x->fop || x->fip || x->fdp ||
        x->fcs || x->fds)
        return true;
    for (unsigned i = 0; i < 8; i++)
        if (x->st[i].mant != zero[i].mant || x->st[i].se != zero[i].se)
            return true;
    return false;
}

uint64_t xsave_in_use(const struct cpu *c)
{
    uint64_t low = 0, high = 0;

    for (unsigned i = 0; i < 16; i++) {
        low |= c->v[i].u64[0] | c->v[i].u64[1];
        high |= c->v[i].u64[2] | c->v[i].u64[3];
    }
    return (x87_in_use(&c->x87) ? XSAVE_BIT_X87 : 0) | (low ? XSAVE_BIT_SSE : 0) |
           (high ? XSAVE_BIT_AVX : 0) | (c->pkru ? XSAVE_BIT_PKRU : 0);
}

uint32_t xsave_offset(uint64_t components, unsigned component)
{
    if (component == XSAVE_PKRU && (components & XSAVE_BIT_AVX))
        return XSAVE_AVX_OFFSET + XSAVE_AVX_SIZE;
    return XSAVE_AVX_OFFSET;
}

uint32_t xsave_size(uint64_t components, bool compact)
{
    if (components & XSAVE_BIT_PKRU)
        return (compact ? xsave_offset(components, XSAVE_PKRU) : XSAVE_PKRU_OFFSET) +
               XSAVE_PKRU_SIZE;
    return XSAVE_AVX_OFFSET + (components & XSAVE_BIT_AVX ? XSAVE_AVX_SIZE : 0);
}

bool xcr0_valid(const struct cpu *c, uint64_t value)
{
    return (value & XSAVE_BIT_X87) && !(value & ~cpuid_xcr0(c)) &&
           (!(value & XSAVE_BIT_AVX) || (value & XSAVE_BIT_SSE));
}

/* ---- From outside ---- */

void cpu_get_xsave(struct cpu *c, void *area)
{
    struct xsave_image image = {0};
    uint8_t *to = area;
    uint64_t in_use = xsave_in_use(c);

    xsave_put(c, &image, CPU_XCR0, 16, c->mxcsr, true);
    memset(to, 0, CPU_XSAVE_SIZE);
    memcpy(to, image.legacy, sizeof image.legacy);
    put(to, XSAVE_HEADER, 8, in_use);
    memcpy(to + XSAVE_AVX_OFFSET, image.avx, XSAVE_AVX_SIZE);
    put(to, XSAVE_PKRU_OFFSET, 8, image.pkru);
}

void cpu_set_xsave(struct cpu *c, const void *area)
{
    struct xsave_image image;
    const uint8_t *from = area;

    memcpy(image.legacy, from, sizeof image.legacy);
    memcpy(image.avx, from + XSAVE_AVX_OFFSET, XSAVE_AVX_SIZE);
    image.pkru = get(from, XSAVE_PKRU_OFFSET, 8);
    xsave_get(c, &image, CPU_XCR0, get(from, XSAVE_HEADER, 8), 16, true);
    c->mxcsr = xsave_mxcsr(&image) & MXCSR_DEFINED;
    cpu_update_mode(c);
}

uint64_t cpu_get_xcr0(struct cpu *c)
{
    return c->xcr0;
}

bool cpu_set_xcr0(struct cpu *c, uint64_t xcr0)
{
    if (!xcr0_valid(c, xcr0))
        return false;
    c->xcr0 = xcr0;
    cpu_update_mode(c);
    return true;
}
