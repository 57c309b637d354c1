/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables: RAM mapped to itself, and a window with an entry of its own at each level. */
#include "system.h"

#include <string.h>

#define P  UINT64_C(1)
#define W  UINT64_C(2)
#define U  UINT64_C(4)
#define A  UINT64_C(0x20)
#define D  UINT64_C(0x40)
#define PS UINT64_C(0x80)
#define NX (UINT64_C(1) << 63)

enum form { FORM_32, FORM_PAE, FORM_LONG };

static enum form form_of(const struct system_case *c)
{
    if (c->mode >= MODE_COMPAT || (!paging(c) && (c->sregs.efer & 0x100)))
        return FORM_LONG;
    return c->sregs.cr4 & 0x20 ? FORM_PAE : FORM_32;
}

static bool is_user_page(unsigned page)
{
    switch (page * PAGE) {
    case CODE + PAGE:
    case USER_STACK:
    case DATA + PAGE:
    case DATA + 2 * PAGE:
        return true;
    default:
        return false;
    }
}

static unsigned entry_size(enum form form)
{
    return form == FORM_32 ? 4 : 8;
}

/* Pages up to 1 MiB: RAM, then nothing, which is a device. */
static void identity(struct gen *g, enum form form, uint32_t root)
{
    unsigned size = entry_size(form);
    uint32_t pt = TABLES + 2 * PAGE;

    memset(g->c->ram + root, 0, PAGE);
    memset(g->c->ram + pt, 0, PAGE);
    if (form == FORM_32) {
        put(g->c, root, pt | P | W | U | A, 4);
    } else {
        memset(g->c->ram + TABLES, 0, 2 * PAGE);
        put(g->c, TABLES + PAGE, pt | P | W | U | A, 8);
        put(g->c, TABLES, (TABLES + PAGE) | P | W | U | A, 8);
        if (form == FORM_PAE)
            put(g->c, root, (TABLES + PAGE) | P, 8);
        else
            put(g->c, root, TABLES | P | W | U | A, 8);
    }
    bool vm86 = g->c->mode == MODE_VM86;
    for (unsigned i = 0; i < 256; i++) {
        uint64_t bits = P | W | A | (rng_percent(&g->rng, 50) ? D : 0);
        if (vm86 || is_user_page(i))
            bits |= U;
        put(g->c, pt + size * i, i * PAGE | bits, size);
    }
}

void case_tables(struct gen *g)
{
    enum form form = form_of(g->c);
    g->window = 0;
    identity(g, form, ROOT);
    memcpy(g->c->ram + OTHER_ROOT, g->c->ram + ROOT, PAGE);
    for (unsigned i = 0; i < WINDOW_PAGES - WINDOW_TABLE; i += PAGE)
        if (WINDOW_TABLE + i != OTHER_ROOT)
            memset(g->c->ram + WINDOW_TABLE + i, 0, PAGE);
    if (form == FORM_PAE && rng_percent(&g->rng, 30)) /* for MOV to CR3 */
        put(g->c, OTHER_ROOT + 8 * rng_below(&g->rng, 4), random_value(g) | P, 8);
}

static uint64_t random_flags(struct gen *g, bool leaf, bool large, enum form form)
{
    uint64_t bits = P | W | U | A | D;
    if (rng_percent(&g->rng, 5))
        bits &= ~P;
    if (rng_percent(&g->rng, 25))
        bits &= ~W;
    if (rng_percent(&g->rng, 30))
        bits &= ~U;
    if (rng_percent(&g->rng, 50))
        bits &= ~A;
    if (rng_percent(&g->rng, 50))
        bits &= ~D;
    if (!leaf)
        bits &= ~D;
    bits |= rng_next(&g->rng) & (rng_percent(&g->rng, 20) ? 0xe18 : 0xe00);
    if (leaf && rng_percent(&g->rng, 20))
        bits |= 0x100; /* G */
    if (large)
        bits |= PS;
    if (form == FORM_32)
        return bits;
    if (rng_percent(&g->rng, g->c->sregs.efer & 0x800 ? 20 : 4))
        bits |= NX;
    if (leaf && rng_percent(&g->rng, 50))
        bits |= (uint64_t)rng_below(&g->rng, 16) << 59;
    else if (form == FORM_LONG && rng_percent(&g->rng, 10))
        bits |= (rng_next(&g->rng) & 0x7ff) << 52;
    if (rng_percent(&g->rng, 3) && g->offer->phys_bits < 52)
        bits |= UINT64_C(1) << (g->offer->phys_bits + rng_below(&g->rng, 52 - g->offer->phys_bits));
    if (form == FORM_PAE && rng_percent(&g->rng, 97))
        bits &= ~(UINT64_C(0x7ff) << 52);
    if (form == FORM_PAE && (bits >> 52 & 0x7ff) && leaf && rng_percent(&g->rng, 90))
        bits &= ~(UINT64_C(0x7ff) << 52);
    return bits;
}

static uint64_t frame(struct gen *g, bool large)
{
    if (large) /* RAM itself */
        return rng_percent(&g->rng, 92) ? 0 : UINT64_C(0x40000000);
    if (rng_percent(&g->rng, 4))
        return 0x40000 + PAGE * rng_below(&g->rng, 4);
    return WINDOW_PAGES + PAGE * rng_below(&g->rng, (RAM_SIZE - WINDOW_PAGES) / PAGE);
}

static uint32_t table_in(struct gen *g, uint32_t table, unsigned index, unsigned size,
                         uint32_t next, uint64_t flags)
{
    uint64_t old = peek(g->c, table + size * index, size);
    if (old & P)
        return (uint32_t)old & 0x1f000;
    put(g->c, table + size * index, next | flags, size);
    return next;
}

void case_window(struct gen *g)
{
    static const uint64_t high[] = {UINT64_C(0x7f8012345000),     UINT64_C(0xffff800000400000),
                                    UINT64_C(0xffffffff80600000), UINT64_C(0x4000600000),
                                    UINT64_C(0x00400000),         UINT64_C(0x7fffffc00000)};
    enum form form = form_of(g->c);
    unsigned size = entry_size(form), levels = form == FORM_32 ? 2 : form == FORM_PAE ? 3 : 4;
    uint64_t va = 0x00400000 + rng_below(&g->rng, 0x3fe) * UINT64_C(0x400000);

    if (!paging(g->c))
        return;
    if (code64(g) && rng_percent(&g->rng, 70))
        va = high[rng_below(&g->rng, 6)];
    va &= ~UINT64_C(0x3fffff);
    va += PAGE * rng_below(&g->rng, 0x1fe);
    bool can_2m = form != FORM_32 || (g->c->sregs.cr4 & 0x10);
    bool large = rng_percent(&g->rng, 25) && (can_2m || rng_percent(&g->rng, 20));
    bool giant = form == FORM_LONG && rng_percent(&g->rng, 6);
    uint32_t table = ROOT, next = WINDOW_TABLE;

    for (unsigned level = levels; level > 0; level--, next += PAGE) {
        unsigned shift = form == FORM_32 ? (level == 2 ? 22 : 12) : 12 + 9 * (level - 1);
        unsigned index = (unsigned)(va >> shift) & (form == FORM_32 ? 1023 : 511);
        if (form == FORM_PAE && level == 3) {
            index &= 3;
            table = table_in(g, table, index, 8, next, P | (rng_next(&g->rng) & 0xe18));
            continue;
        }
        if (level == 1 || (level == 2 && large) || (level == 3 && giant)) {
            bool is_large = level > 1;
            for (unsigned i = 0; i < 2; i++) {
                uint64_t flags = random_flags(g, true, is_large, form), at = frame(g, is_large);
                if (is_large && rng_percent(&g->rng, 5))
                    at |= UINT64_C(1) << (form != FORM_32 ? 13 + rng_below(&g->rng, shift - 13)
                                          : rng_percent(&g->rng, 50) ? 21
                                                                     : 13 + rng_below(&g->rng, 4));
                if (is_large && form == FORM_32 && !can_2m)
                    at |= WINDOW_PAGES;
                if (is_large && rng_percent(&g->rng, 10))
                    at |= 0x1000; /* PAT */
                if (!(peek(g->c, table + size * index, 1) & P) || i == 0)
                    put(g->c, table + size * index, at | flags, size);
                index = (index + 1) & (form == FORM_32 ? 1023 : 511);
            }
            break;
        }
        uint64_t flags = random_flags(g, false, false, form);
        if (level == 4 && rng_percent(&g->rng, 3))
            flags |= PS;
        table = table_in(g, table, index, size, next, flags);
    }
    /* A large page's offset leads to data. */
    if (large)
        va = (va & (form == FORM_32 ? ~UINT64_C(0x3fffff) : ~UINT64_C(0x1fffff))) + WINDOW_PAGES;
    if (giant)
        va = (va & ~UINT64_C(0x3fffffff)) + WINDOW_PAGES;
    g->window = va + (rng_percent(&g->rng, 80) ? rng_below(&g->rng, 0x1f8) * 8
                                               : 0xff0 + rng_below(&g->rng, 20));
    if (code64(g) && rng_percent(&g->rng, 3))
        g->window ^= UINT64_C(1) << (47 + rng_below(&g->rng, 17));
}
