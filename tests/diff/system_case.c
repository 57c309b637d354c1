/* SPDX-License-Identifier: BSD-2-Clause */
/* The random machine that an instruction meets: modes, descriptors, tables. */
#include "system.h"

#include <string.h>

#define CODE_ATTR(dpl) (0x9bu | (dpl) << 5)
#define DATA_ATTR(dpl) (0x93u | (dpl) << 5)
#define ATTR_L         0x2000u
#define ATTR_DB        0x4000u
#define ATTR_G         0x8000u

const char *const mode_names[MODE_COUNT] = {"real",   "vm86", "prot16", "prot32",
                                            "page32", "pae",  "compat", "long"};

const uint32_t msr_ids[MSR_COUNT] = {0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102,
                                     0x174,      0x175,      0x176,      0x277,      0xc0000103};

void put(struct system_case *c, uint64_t at, uint64_t value, unsigned size)
{
    if (at <= RAM_SIZE - 8)
        memcpy(c->ram + at, &value, size);
}

uint64_t peek(const struct system_case *c, uint64_t at, unsigned size)
{
    uint64_t value = 0;
    if (at <= RAM_SIZE - 8)
        memcpy(&value, c->ram + at, size);
    return value;
}

bool code64(const struct gen *g)
{
    return g->c->mode == MODE_LONG;
}

bool paging(const struct system_case *c)
{
    return c->sregs.cr0 >> 31 & 1;
}

static bool in_long(const struct gen *g)
{
    return g->c->mode >= MODE_COMPAT;
}

uint64_t random_value(struct gen *g)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     0x7fff,
                                     0x8000,
                                     0xffff,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     UINT64_C(0x100000000),
                                     UINT64_C(0x7fffffffffff),
                                     UINT64_C(0x800000000000),
                                     UINT64_C(0xffff7fffffffffff),
                                     UINT64_C(0xffff800000000000),
                                     UINT64_MAX};
    switch (rng_below(&g->rng, 4)) {
    case 0:
        return edges[rng_below(&g->rng, sizeof edges / sizeof edges[0])];
    case 1:
        return rng_below(&g->rng, 256);
    case 2:
        return rng_next(&g->rng) & UINT32_MAX;
    default:
        return rng_next(&g->rng);
    }
}

uint64_t random_data(struct gen *g)
{
    uint64_t page = DATA;
    if (g->c->cpl == 3 ? !rng_percent(&g->rng, 5) : rng_percent(&g->rng, 30))
        page += PAGE;
    return page + (rng_percent(&g->rng, 90) ? rng_below(&g->rng, 0x1f0) * 8
                                            : 0xff0 + rng_below(&g->rng, 20));
}

uint16_t random_selector(struct gen *g)
{
    static const uint8_t fixed[] = {SEL_CODE, SEL_DATA, SEL_CODE3,  SEL_DATA3,   SEL_TSS,
                                    SEL_LDT,  SEL_TSS2, SEL_CODE32, SEL_CODE32_3};
    unsigned kind = rng_below(&g->rng, 100),
             rpl = rng_percent(&g->rng, 60) ? g->c->cpl : rng_below(&g->rng, 4);
    if (kind < 5)
        return (uint16_t)rng_below(&g->rng, 4);
    if (kind < 20)
        return (uint16_t)((fixed[rng_below(&g->rng, sizeof fixed)] & ~3u) | rpl);
    if (kind < 72)
        return (uint16_t)(SEL_RANDOM + rng_below(&g->rng, (GDT_SIZE - SEL_RANDOM) / 8) * 8 + rpl);
    if (kind < 95)
        return (uint16_t)(rng_below(&g->rng, LDT_SIZE / 8) * 8 + 4 + rpl);
    return (uint16_t)rng_next(&g->rng);
}

/* limit: in bytes. attributes: as in vmaccel_x86_segment. */
void put_descriptor(struct gen *g, uint32_t at, uint32_t base, uint32_t limit, unsigned attributes)
{
    uint32_t units = attributes & ATTR_G ? limit >> 12 : limit;
    put(g->c, at, (units & 0xffff) | base << 16, 4);
    put(g->c, at + 4,
        (base >> 16 & 0xff) | (base & 0xff000000) | (attributes & 0xf0ff) << 8 | (units & 0xf0000),
        4);
}

static void put_random_gate_at(struct gen *g, uint32_t at, unsigned type, bool wide)
{
    static const uint16_t code[] = {SEL_CODE, SEL_CODE, SEL_CODE, SEL_CODE3, SEL_CODE32, 0x40};
    uint32_t selector = rng_percent(&g->rng, 75) ? code[rng_below(&g->rng, 6)] : random_selector(g);
    if (type == 5)
        selector = rng_percent(&g->rng, 80) ? SEL_TSS2 : random_selector(g);
    uint32_t offset = TARGETS + rng_below(&g->rng, 0x100) * 8;
    if (rng_percent(&g->rng, 4))
        offset = (uint32_t)random_value(g);
    unsigned dpl = rng_percent(&g->rng, 60) ? 3 : rng_below(&g->rng, 4);
    unsigned p = rng_percent(&g->rng, 93),
             count = rng_percent(&g->rng, 70) ? rng_below(&g->rng, 4) : rng_below(&g->rng, 256);
    put(g->c, at, selector << 16 | (offset & 0xffff), 4);
    put(g->c, at + 4, (offset & 0xffff0000) | p << 15 | dpl << 13 | type << 8 | count, 4);
    if (wide) {
        put(g->c, at + 8, rng_percent(&g->rng, 95) ? 0 : rng_next(&g->rng), 4);
        put(g->c, at + 12, rng_percent(&g->rng, 92) ? 0 : rng_next(&g->rng), 4);
    }
}

void put_random_descriptor(struct gen *g, uint32_t at)
{
    static const uint8_t system[] = {1, 2, 3, 4, 5, 9, 11, 12, 12, 12, 14, 15};
    unsigned dpl = rng_percent(&g->rng, 50) ? g->c->cpl : rng_below(&g->rng, 4);
    unsigned attributes = rng_percent(&g->rng, 92) ? 0x80 : 0;
    uint32_t base = 0, limit = UINT32_MAX;
    if (rng_percent(&g->rng, 65)) {
        attributes |= 0x10 | rng_below(&g->rng, 16) | dpl << 5;
        attributes |= (unsigned)(rng_next(&g->rng) & (ATTR_DB | 0x1000));
        if (rng_percent(&g->rng, in_long(g) ? 50 : 10))
            attributes |= ATTR_L;
        if (attributes & ATTR_L && rng_percent(&g->rng, 85))
            attributes &= ~ATTR_DB;
        attributes |= ATTR_G;
        if (rng_percent(&g->rng, 25))
            base = rng_percent(&g->rng, 50) ? DATA : (uint32_t)random_value(g);
        if (rng_percent(&g->rng, 25)) {
            limit = (uint32_t)random_value(g) & 0xfffff;
            attributes &= ~ATTR_G;
        }
        put_descriptor(g, at, base, limit, attributes);
        return;
    }
    unsigned type = rng_percent(&g->rng, 85) ? system[rng_below(&g->rng, sizeof system)]
                                             : rng_below(&g->rng, 16);
    switch (type) {
    case 4:
    case 5:
    case 12:
        put_random_gate_at(g, at, type, in_long(g));
        break;
    default:
        base = type == 2 ? LDT : type == 1 || type == 3 ? TSS2 + 0x800 : TSS2;
        limit = type == 2 ? LDT_SIZE - 1 : 0x67 + rng_below(&g->rng, 16);
        if (rng_percent(&g->rng, 10))
            limit = rng_below(&g->rng, 0x80);
        put_descriptor(g, at, base, limit, attributes | type | dpl << 5);
        if (in_long(g)) {
            put(g->c, at + 8, rng_percent(&g->rng, 95) ? 0 : random_value(g), 4);
            put(g->c, at + 12, rng_percent(&g->rng, 92) ? 0 : rng_next(&g->rng), 4);
        }
    }
}

void put_random_gate(struct gen *g, unsigned vector)
{
    static const uint8_t types[] = {14, 14, 15, 15, 6, 7, 5, 12};
    unsigned type = rng_percent(&g->rng, 92) ? types[rng_below(&g->rng, in_long(g) ? 4 : 8)]
                                             : rng_below(&g->rng, 32);
    if (g->c->mode == MODE_REAL)
        put(g->c, 4 * vector, rng_next(&g->rng), 4);
    else
        put_random_gate_at(g, IDT + vector * (in_long(g) ? 16 : 8), type, in_long(g));
}

static vmaccel_x86_segment segment(unsigned selector, unsigned attributes)
{
    return (vmaccel_x86_segment){.selector = (uint16_t)selector,
                                 .limit = attributes & ATTR_G ? UINT32_MAX : 0xffff,
                                 .attributes = (uint16_t)attributes};
}

static unsigned code_kind(enum mode mode)
{
    return mode == MODE_LONG ? ATTR_L | ATTR_G : mode == MODE_PROT16 ? ATTR_G : ATTR_DB | ATTR_G;
}

static void base_gdt(struct gen *g)
{
    unsigned code = code_kind(g->c->mode), data = ATTR_G | (code & ATTR_DB ? ATTR_DB : 0);
    unsigned tss = in_long(g) || g->c->mode != MODE_PROT16 || rng_percent(&g->rng, 50) ? 11 : 3;
    unsigned tss_limit = (uint32_t)g->c->sregs.tr.limit;

    for (unsigned i = SEL_RANDOM; i < GDT_SIZE; i += 8)
        put_random_descriptor(g, GDT + i);
    for (unsigned i = 0; i < LDT_SIZE; i += 8)
        put_random_descriptor(g, LDT + i);
    put(g->c, GDT, 0, 8);
    put_descriptor(g, GDT + SEL_CODE, 0, UINT32_MAX, CODE_ATTR(0u) | code);
    put_descriptor(g, GDT + SEL_DATA, 0, UINT32_MAX, DATA_ATTR(0u) | data);
    put_descriptor(g, GDT + (SEL_CODE3 & ~3u), 0, UINT32_MAX, CODE_ATTR(3u) | code);
    put_descriptor(g, GDT + (SEL_DATA3 & ~3u), 0, UINT32_MAX, DATA_ATTR(3u) | data);
    put_descriptor(g, GDT + SEL_TSS, TSS, tss_limit, 0x80 | (tss & ~2u)); /* see case_prologue() */
    put(g->c, GDT + SEL_TSS + 8, 0, 8);
    put_descriptor(g, GDT + SEL_LDT, LDT, LDT_SIZE - 1, 0x82);
    put(g->c, GDT + SEL_LDT + 8, 0, 8);
    put_descriptor(g, GDT + SEL_TSS2, TSS2, 0x67, 0x89);
    put(g->c, GDT + SEL_TSS2 + 8, 0, 8);
    put_descriptor(g, GDT + SEL_CODE32, 0, UINT32_MAX,
                   CODE_ATTR(0u) | (g->c->mode == MODE_COMPAT ? ATTR_L : ATTR_DB) | ATTR_G);
    put_descriptor(g, GDT + (SEL_CODE32_3 & ~3u), 0, UINT32_MAX, CODE_ATTR(3u) | ATTR_DB | ATTR_G);
    for (unsigned i = SEL_SYSCALL; i < SEL_RANDOM; i += 8) /* nobody reads them */
        put_descriptor(g, GDT + i, 0, UINT32_MAX, (i & 8 ? CODE_ATTR(0u) : DATA_ATTR(3u)) | data);
    g->c->sregs.tr.attributes = (uint16_t)(0x80 | tss);
}

/* Handlers in long mode are 64-bit code. */
static unsigned handler_code(const struct gen *g)
{
    return g->c->mode == MODE_COMPAT ? SEL_CODE32 : SEL_CODE;
}

static void base_idt(struct gen *g)
{
    unsigned size = in_long(g) ? 16 : 8;
    for (unsigned v = 0; v < 256; v++) {
        unsigned handler = HANDLERS + 8 * v;
        unsigned type = rng_percent(&g->rng, 70) ? 14 : 15, dpl = rng_percent(&g->rng, 50) ? 3 : 0;
        if (g->c->mode == MODE_PROT16 && rng_percent(&g->rng, 50))
            type -= 8;
        put(g->c, IDT + v * size, handler_code(g) << 16 | handler, 4);
        put(g->c, IDT + v * size + 4, 0x8000 | type << 8 | dpl << 13, 4);
        if (size == 16) {
            put(g->c, IDT + v * size + 8, 0, 8);
            if (rng_percent(&g->rng, 10))
                g->c->ram[IDT + v * size + 4] = (uint8_t)rng_below(&g->rng, 8);
        }
    }
    if (g->c->mode == MODE_REAL)
        for (unsigned v = 0; v < 256; v++) {
            unsigned handler = HANDLERS + 8 * v, seg = rng_below(&g->rng, 0x700);
            put(g->c, 4 * v, seg << 16 | (handler - (seg << 4)), 4);
        }
}

static void base_tss(struct gen *g)
{
    struct system_case *c = g->c;
    memset(c->ram + TSS, 0, 0x68);
    if (in_long(g)) {
        for (unsigned i = 0; i < 3; i++)
            put(c, TSS + 4 + 8 * i, STACK + 0x800 + (i ? 0x80 : 0), 8);
        for (unsigned i = 0; i < 7; i++)
            put(c, TSS + 0x24 + 8 * i, IST_STACKS + 0x200 + 0x100 * i, 8);
        if (rng_percent(&g->rng, 5))
            put(c, TSS + 4, random_value(g), 8);
    } else if (c->sregs.tr.attributes == 0x83) {
        for (unsigned i = 0; i < 3; i++)
            put(c, TSS + 2 + 4 * i, (SEL_DATA + i) << 16 | (STACK + 0x800), 4);
    } else {
        for (unsigned i = 0; i < 3; i++) {
            put(c, TSS + 4 + 8 * i, STACK + 0x800, 4);
            put(c, TSS + 8 + 8 * i,
                i && rng_percent(&g->rng, 50) ? random_selector(g) : SEL_DATA + i, 4);
        }
    }
    put(c, TSS, rng_percent(&g->rng, 80) ? SEL_TSS2 : random_selector(g), 2); /* back link */
    if (c->sregs.tr.attributes == 0x8b) {
        put(c, TSS + 0x66, rng_percent(&g->rng, 80) ? 0x68 : rng_below(&g->rng, 0x2100), 2);
        for (unsigned i = 0; i < 0x2000; i += 8)
            put(c, TSS + 0x68 + i, rng_percent(&g->rng, 50) ? 0 : rng_next(&g->rng), 8);
    }
    /* Tasks to switch to. */
    memset(c->ram + TSS2, 0, 0x68);
    put(c, TSS2 + 0x1c, c->sregs.cr3, 4);
    put(c, TSS2 + 0x20, TARGETS + 0x100, 4);
    put(c, TSS2 + 0x24, 2 | (rng_next(&g->rng) & 0x46ed5), 4);
    for (unsigned i = 0; i < 8; i++)
        put(c, TSS2 + 0x28 + 4 * i, i == 4 ? STACK + 0x900 : random_value(g), 4);
    static const uint8_t usual[6] = {SEL_DATA, SEL_CODE, SEL_DATA, SEL_DATA, 0, SEL_DATA3};
    for (unsigned i = 0; i < 6; i++)
        put(c, TSS2 + 0x48 + 4 * i, rng_percent(&g->rng, 95) ? usual[i] : random_selector(g), 4);
    put(c, TSS2 + 0x60, rng_percent(&g->rng, 90) ? SEL_LDT : random_selector(g), 4);
    put(c, TSS2 + 0x66, 0x68, 2);
}

static void base_control(struct gen *g)
{
    vmaccel_x86_sregs *s = &g->c->sregs;
    enum mode mode = g->c->mode;
    uint64_t random = rng_next(&g->rng), cr4 = rng_next(&g->rng) & g->offer->cr4;

    s->cr0 = 0x10 | (random & 0x10022); /* WP, NE, MP */
    if (g->c->cpl == 0 && rng_percent(&g->rng, 30))
        s->cr0 |= 0x40000; /* AM */
    if (rng_percent(&g->rng, 10))
        s->cr0 |= 0x8;
    s->efer = random >> 32 & g->offer->efer & ~UINT64_C(0x500);
    s->cr4 = cr4 & ~UINT64_C(0x1020); /* PAE and LA57 by mode */
    if (rng_percent(&g->rng, 60))
        s->cr4 &= ~UINT64_C(0x200000); /* SMAP */
    if (mode >= MODE_PAE)
        s->cr4 |= 0x20;
    else if (rng_percent(&g->rng, 30))
        s->cr4 |= mode == MODE_PAGE32 ? 0 : 0x20;
    if (mode != MODE_REAL)
        s->cr0 |= 1;
    if (mode >= MODE_PAGE32 || (mode == MODE_VM86 && rng_percent(&g->rng, 50)))
        s->cr0 |= UINT64_C(0x80000000);
    if (in_long(g))
        s->efer |= 0x500;
    if (mode == MODE_VM86 && paging(g->c))
        s->cr4 &= ~UINT64_C(0x20);
    /* PCIDE: only with a root of its own form. */
    s->cr4 &= ~UINT64_C(0x20000);
    s->cr3 = ROOT | (rng_percent(&g->rng, 50) ? 8 : 0);
    s->cr2 = random_value(g);
    s->cr8 = rng_below(&g->rng, 16);
}

static void base_segments(struct gen *g)
{
    vmaccel_x86_sregs *s = &g->c->sregs;
    vmaccel_x86_segment *data[] = {&s->ds, &s->es, &s->fs, &s->gs, &s->ss};
    unsigned cpl = g->c->cpl;

    if (g->c->mode == MODE_REAL) {
        s->cs = segment(0, 0x93);
        for (unsigned i = 0; i < 5; i++)
            *data[i] = segment(0, 0x93);
    } else {
        unsigned kind = code_kind(g->c->mode);
        unsigned d = ATTR_G | (kind & ATTR_DB ? ATTR_DB : 0);
        s->cs = segment(SEL_CODE, CODE_ATTR(0u) | kind);
        s->ss = segment(SEL_DATA, DATA_ATTR(0u) | d);
        for (unsigned i = 0; i < 4; i++)
            *data[i] = segment(cpl ? SEL_DATA3 : SEL_DATA, DATA_ATTR(cpl) | d);
        for (unsigned i = 0; i < 4; i++)
            if (i > 1 && rng_percent(&g->rng, 10))
                *data[i] = segment(0, 0);
        if (in_long(g)) {
            s->fs.base = rng_percent(&g->rng, 50) ? 0 : DATA;
            s->gs.base = rng_percent(&g->rng, 50) ? 0 : DATA;
        }
    }
    s->ldt = (vmaccel_x86_segment){
        .base = LDT, .limit = LDT_SIZE - 1, .selector = SEL_LDT, .attributes = 0x82};
    s->tr = (vmaccel_x86_segment){.base = TSS, .limit = 0x67, .selector = SEL_TSS};
    if (rng_percent(&g->rng, 70))
        s->tr.limit +=
            rng_percent(&g->rng, 50) ? rng_below(&g->rng, 64) : rng_below(&g->rng, 0x1f00);
    s->gdt.base = GDT;
    s->gdt.limit = rng_percent(&g->rng, 85) ? GDT_SIZE - 1
                                            : (uint16_t)(SEL_RANDOM + rng_below(&g->rng, 0x140));
    if (g->c->mode == MODE_REAL) {
        s->idt.limit = rng_percent(&g->rng, 90) ? 0x3ff : (uint16_t)rng_below(&g->rng, 0x400);
    } else {
        s->idt.base = IDT;
        s->idt.limit =
            rng_percent(&g->rng, 90) ? 0xfff : (uint16_t)(0x1ff + rng_below(&g->rng, 0x500));
    }
}

void case_base(struct gen *g)
{
    struct system_case *c = g->c;
    uint64_t *regs = &c->regs.rax;

    memset(c->ram, 0xf4, RAM_SIZE);
    for (unsigned i = 0; i < 2 * PAGE; i += 8)
        put(c, DATA + i, rng_percent(&g->rng, 50) ? rng_next(&g->rng) : random_value(g), 8);
    for (unsigned i = 0; i < 0x100; i += 8) {
        put(c, STACK + 0x800 + i, random_value(g), 8);
        put(c, USER_STACK + 0x800 + i, random_value(g), 8);
    }
    base_control(g);
    base_segments(g);
    base_gdt(g);
    base_idt(g);
    base_tss(g);
    case_tables(g);
    for (unsigned i = 0; i < 16; i++)
        regs[i] = code64(g) ? random_value(g) : (uint32_t)random_value(g);
    if (!code64(g))
        memset(&c->regs.r8, 0, 8 * sizeof(uint64_t));
    c->regs.rsp = (c->cpl ? USER_STACK : STACK) + 0x800;
    c->regs.rflags = 2 | (rng_next(&g->rng) & 0x200ed5); /* arithmetic, IF, DF, ID */
    if (rng_percent(&g->rng, 40))
        c->regs.rflags |= rng_below(&g->rng, 4) << 12;
    if (rng_percent(&g->rng, 20) && !(c->sregs.cr0 & 0x40000))
        c->regs.rflags |= FLAG_AC;
    if (c->mode == MODE_VM86)
        c->regs.rflags |= FLAG_VM;
    c->regs.rip = CODE + (c->cpl ? PAGE : 0);
    c->msrs[0] = (uint64_t)SEL_SYSRET << 48 | (uint64_t)SEL_SYSCALL << 32 | (TARGETS + 0x200);
    if (rng_percent(&g->rng, 30))
        c->msrs[0] ^= rng_next(&g->rng) & UINT64_C(0x0007000700000000);
    c->msrs[1] = TARGETS + 0x240;
    c->msrs[2] = TARGETS + 0x280;
    c->msrs[3] = rng_next(&g->rng) & 0x47fd5;
    c->msrs[4] = code64(g) ? DATA + 0x100 : 0;
    c->msrs[5] = rng_percent(&g->rng, 90) ? SEL_SYSENTER : 0;
    c->msrs[6] = STACK + 0x700;
    c->msrs[7] = TARGETS + 0x2c0;
    c->msrs[8] = UINT64_C(0x0007040600070406);
    c->msrs[9] = (uint32_t)random_value(g);
}

/* WRPKRU, then the registers that it takes. */
static uint32_t put_pkru(struct gen *g, uint32_t at, unsigned size)
{
    static const uint8_t wrpkru[] = {0x31, 0xc9, 0x31, 0xd2, 0xb8}; /* XOR, XOR, MOV EAX */
    struct system_case *c = g->c;
    const uint64_t values[3] = {c->regs.rax, c->regs.rcx, c->regs.rdx};
    bool narrow = c->mode == MODE_REAL || c->mode == MODE_PROT16;

    memcpy(c->ram + at, wrpkru, 5);
    at += 5;
    put(c, at, rng_percent(&g->rng, 40) ? 0 : rng_next(&g->rng), narrow ? 2 : 4);
    at += narrow ? 2 : 4;
    put(c, at, 0xef010f, 3);
    at += 3;
    for (unsigned i = 0; i < 3; i++) {
        if (narrow || size == 8)
            put(c, at++, narrow ? 0x66 : 0x48, 1);
        put(c, at++, 0xb8 + i, 1);
        put(c, at, values[i], size);
        at += size;
    }
    return at;
}

/* LTR, since the rig's CPU knows a TSS that KVM loads as no TSS; then IRET where CPL is 3. */
void case_prologue(struct gen *g)
{
    static const uint8_t ltr[3][4] = {{0x0f, 0, 0x1e}, {0x0f, 0, 0x1d}, {0x0f, 0, 0x1c, 0x25}};
    struct system_case *c = g->c;
    uint32_t at = PROLOGUE, from = TARGETS + 0x7f0;
    unsigned form = code64(g) ? 2 : c->mode == MODE_PROT16 ? 0 : 1, frame = code64(g) ? 8 : 4;

    c->start = c->regs;
    c->start.rip = at;
    if (c->sregs.cr4 & UINT64_C(0x400000))
        at = put_pkru(g, at, frame);
    if (c->mode == MODE_REAL) {
        put(c, at, 0xe9, 1);
        put(c, at + 1, CODE - (at + 3), 2);
        return;
    }
    put(c, from, SEL_TSS, 2);
    memcpy(c->ram + at, ltr[form], 4);
    at += form == 2 ? 4 : 3;
    put(c, at, from, form ? 4 : 2);
    at += form ? 4 : 2;
    if (c->cpl == 0) {
        put(c, at++, 0xe9, 1);
        put(c, at, CODE - (at + (form ? 4 : 2)), form ? 4 : 2);
        return;
    }
    uint64_t values[9] = {c->regs.rip, SEL_CODE3, c->regs.rflags, c->regs.rsp, SEL_DATA3};
    if (c->mode == MODE_VM86)
        values[1] = values[4] = 0;
    unsigned count = c->mode == MODE_VM86 ? 9 : 5;
    c->start.rsp = STACK + 0x700;
    c->start.rflags = 2;
    for (unsigned i = 0; i < count; i++)
        put(c, c->start.rsp + frame * i, values[i], frame);
    if (form != 1)
        put(c, at++, form ? 0x48 : 0x66, 1);
    put(c, at, 0xcf, 1);
}
