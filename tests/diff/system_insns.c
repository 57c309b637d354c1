/* SPDX-License-Identifier: BSD-2-Clause */
/* System instructions that stay where they are. */
#include "system.h"

#include <string.h>

void byte(struct gen *g, unsigned value)
{
    if (g->c->size < sizeof g->c->code)
        g->c->code[g->c->size++] = (uint8_t)value;
}

void bytes(struct gen *g, unsigned n, uint64_t value)
{
    for (unsigned i = 0; i < n; i++)
        byte(g, (unsigned)(value >> 8 * i) & 0xff);
}

void prefix_op(struct gen *g, unsigned percent)
{
    if (rng_percent(&g->rng, percent)) {
        byte(g, 0x66);
        g->op = g->op == 2 ? 4 : 2;
    }
}

void rex_w(struct gen *g, unsigned percent)
{
    if (code64(g) && rng_percent(&g->rng, percent)) {
        byte(g, 0x48);
        g->op = 8;
    }
}

static bool address16(const struct gen *g)
{
    return g->c->mode <= MODE_PROT16;
}

void set_reg(struct gen *g, unsigned n, uint64_t value)
{
    vmaccel_x86_regs *r = &g->c->regs;
    uint64_t *to[16] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp, &r->rsi, &r->rdi,
                        &r->r8,  &r->r9,  &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15};
    *to[n] = code64(g) ? value : (uint32_t)value;
}

void modrm_reg(struct gen *g, unsigned reg, unsigned rm)
{
    byte(g, 0xc0 | reg << 3 | rm);
}

void modrm_mem(struct gen *g, unsigned reg, uint64_t address)
{
    byte(g, reg << 3 | (address16(g) ? 7 : 3));
    set_reg(g, 3, address);
}

static uint64_t operand_address(struct gen *g)
{
    if (g->window && rng_percent(&g->rng, 25))
        return g->window;
    if (rng_percent(&g->rng, 2))
        return code64(g) ? random_value(g) : 0x60000 + rng_below(&g->rng, 0x2000);
    return random_data(g);
}

void modrm_any(struct gen *g, unsigned reg)
{
    if (rng_percent(&g->rng, 50))
        modrm_reg(g, reg, rng_below(&g->rng, 8));
    else
        modrm_mem(g, reg, operand_address(g));
}

static void place(struct gen *g, uint64_t at, uint64_t value, unsigned size)
{
    if (!g->window || at != g->window)
        put(g->c, at, value, size);
}

/* ---- Control registers ---- */

static const uint8_t cr_numbers[] = {0, 0, 2, 3, 3, 4, 4, 8};

static unsigned cr_opcode(struct gen *g, unsigned opcode)
{
    unsigned n =
        rng_percent(&g->rng, 96) ? cr_numbers[rng_below(&g->rng, 8)] : rng_below(&g->rng, 16);
    if (n >= 8) {
        if (!code64(g))
            n &= 7;
        else
            byte(g, 0x44);
    }
    byte(g, 0x0f);
    byte(g, opcode);
    return n;
}

static void gen_cr_read(struct gen *g)
{
    unsigned n = cr_opcode(g, 0x20);
    byte(g, (rng_percent(&g->rng, 90) ? 0xc0 : 0) | (n & 7) << 3 | rng_below(&g->rng, 8));
}

static void gen_cr_write(struct gen *g)
{
    static const uint8_t cr0_bits[] = {0, 0, 1, 2, 3, 4, 5, 16, 18, 29, 30, 31, 31, 31};
    unsigned n = cr_opcode(g, 0x22), rm = rng_below(&g->rng, 8);
    uint64_t value = random_value(g);

    byte(g, 0xc0 | (n & 7) << 3 | rm);
    switch (n) {
    case 0:
        value = g->c->sregs.cr0;
        for (unsigned i = rng_below(&g->rng, 3); i < 3; i++)
            value ^= UINT64_C(1) << cr0_bits[rng_below(&g->rng, sizeof cr0_bits)];
        if (rng_percent(&g->rng, 5))
            value ^= rng_next(&g->rng);
        break;
    case 3:
        value = rng_percent(&g->rng, 50) ? ROOT : OTHER_ROOT;
        if (rng_percent(&g->rng, 40))
            value |= rng_next(&g->rng) & 0xfff;
        if (rng_percent(&g->rng, 15))
            value |= UINT64_C(1) << rng_below(&g->rng, 64);
        break;
    case 4:
        value = g->c->sregs.cr4;
        for (unsigned i = rng_below(&g->rng, 3); i < 3; i++)
            value ^= UINT64_C(1) << rng_below(&g->rng, 24);
        if (rng_percent(&g->rng, 70))
            value &= g->offer->cr4;
        if (rng_percent(&g->rng, 5))
            value ^= UINT64_C(1) << rng_below(&g->rng, 64);
        break;
    case 8:
        value = rng_percent(&g->rng, 70) ? rng_below(&g->rng, 16) : random_value(g);
        break;
    default:
        break;
    }
    if (rm != 4)
        set_reg(g, rm, value);
}

static void gen_dr(struct gen *g)
{
    bool write = rng_percent(&g->rng, 50);
    unsigned n = rng_below(&g->rng, 8), rm = rng_below(&g->rng, 4);
    byte(g, 0x0f);
    byte(g, write ? 0x23 : 0x21);
    byte(g, 0xc0 | n << 3 | rm);
    uint64_t value = random_value(g);
    if (n == 5 || n == 7) /* enabled breakpoints are another matter */
        value &= ~UINT64_C(0x20ff);
    set_reg(g, rm, value);
}

static void gen_msw(struct gen *g)
{
    unsigned kind = rng_below(&g->rng, 5);
    if (kind == 0) {
        bytes(g, 2, 0x060f); /* CLTS */
        return;
    }
    prefix_op(g, 30);
    rex_w(g, 30);
    bytes(g, 2, 0x010f);
    modrm_any(g, kind < 3 ? 4 : 6);
}

/* ---- Descriptor tables ---- */

static void gen_tables(struct gen *g)
{
    unsigned kind = rng_below(&g->rng, 8);
    if (kind < 4) {
        uint64_t at = operand_address(g);
        prefix_op(g, 30);
        bytes(g, 2, 0x010f);
        modrm_mem(g, kind, at);
        place(g, at, rng_percent(&g->rng, 50) ? GDT_SIZE - 1 : rng_next(&g->rng), 2);
        place(g, at + 2, rng_percent(&g->rng, 70) ? (kind == 2 ? GDT : IDT) : random_value(g), 8);
        return;
    }
    uint16_t selector = random_selector(g);
    static const uint8_t usual[] = {SEL_TSS2, SEL_LDT, SEL_TSS, SEL_LDT};
    if (rng_percent(&g->rng, 35))
        selector = usual[rng_below(&g->rng, 4)];
    prefix_op(g, 25);
    rex_w(g, 25);
    bytes(g, 2, 0x000f);
    kind -= 4;
    if (kind == 3 && rng_percent(&g->rng, 30))
        put_descriptor(g, GDT + SEL_TSS2, TSS2, 0x67, 0x89); /* to be found */
    if (rng_percent(&g->rng, 60)) {
        unsigned rm = rng_below(&g->rng, 8);
        modrm_reg(g, kind, rm);
        if (kind >= 2 && rm != 4)
            set_reg(g, rm, (random_value(g) & ~UINT64_C(0xffff)) | selector);
        return;
    }
    uint64_t at = operand_address(g);
    modrm_mem(g, kind, at);
    place(g, at, selector, 2);
}

/* ---- LAR, LSL, VERR, VERW, ARPL ---- */

static void gen_access_rights(struct gen *g)
{
    unsigned kind = rng_below(&g->rng, 5), rm = rng_below(&g->rng, 8);
    uint16_t selector = random_selector(g);
    if (kind == 4 && code64(g))
        kind = 0;
    prefix_op(g, kind == 4 ? 0 : 30);
    rex_w(g, kind == 4 ? 0 : 30);
    unsigned reg = rng_below(&g->rng, 8);
    if (kind == 4) {
        byte(g, 0x63);
    } else {
        byte(g, 0x0f);
        byte(g, kind < 2 ? 2 + kind : 0);
        if (kind >= 2)
            reg = kind + 2;
    }
    if (rng_percent(&g->rng, 70)) {
        modrm_reg(g, reg, rm);
        if (rm != 4)
            set_reg(g, rm, (random_value(g) & ~UINT64_C(0xffff)) | selector);
        return;
    }
    uint64_t at = operand_address(g);
    modrm_mem(g, reg, at);
    place(g, at, selector, 2);
}

/* ---- MSRs ---- */

static void gen_msr(struct gen *g)
{
    static const uint32_t more[] = {0xc0000080, 0xc0000100, 0xc0000101, 0xc0000080,
                                    0xc0000101, 0xc0000103, 0xc0001fff};
    uint32_t id = rng_percent(&g->rng, 60) ? msr_ids[rng_below(&g->rng, MSR_COUNT)]
                                           : more[rng_below(&g->rng, 7)];
    uint64_t value = random_value(g);
    switch (id) {
    case 0xc0000080:
        value = g->c->sregs.efer;
        for (unsigned i = rng_below(&g->rng, 3); i < 3; i++)
            value ^= UINT64_C(1) << rng_below(&g->rng, 16);
        if (rng_percent(&g->rng, 60))
            value &= g->offer->efer | 0x500;
        break;
    case 0x277:
        if (rng_percent(&g->rng, 60))
            value &= UINT64_C(0x0707070707070707);
        break;
    case 0xc0000103:
    case 0x174:
        value &= rng_percent(&g->rng, 50) ? UINT32_MAX : UINT64_MAX;
        break;
    default:
        break;
    }
    set_reg(g, 0, (random_value(g) & ~UINT64_C(0xffffffff)) | (uint32_t)value);
    set_reg(g, 2, (random_value(g) & ~UINT64_C(0xffffffff)) | value >> 32);
    set_reg(g, 1, (random_value(g) & ~UINT64_C(0xffffffff)) | id);
    byte(g, 0x0f);
    byte(g, rng_percent(&g->rng, 60) ? 0x30 : 0x32);
}

/* ---- Translation and other caches ---- */

static void gen_invalidate(struct gen *g)
{
    unsigned kind = rng_below(&g->rng, 5);
    if (kind < 2) {
        byte(g, 0x0f);
        byte(g, 8 + kind);
    } else if (kind == 2 && g->offer->invpcid) {
        uint64_t at = operand_address(g), reg = rng_below(&g->rng, 3);
        bytes(g, 4, 0x82380f66);
        modrm_mem(g, (unsigned)reg, at);
        set_reg(g, (unsigned)reg,
                rng_percent(&g->rng, 80) ? rng_below(&g->rng, 5) : random_value(g));
        place(g, at, rng_percent(&g->rng, 70) ? 0 : rng_below(&g->rng, 0x2000), 8);
        place(g, at + 8, random_value(g), 8);
    } else {
        bytes(g, 2, 0x010f);
        modrm_mem(g, 7, rng_percent(&g->rng, 50) ? operand_address(g) : random_value(g));
    }
}

/* ---- Flags ---- */

static void gen_flags(struct gen *g)
{
    uint64_t image = 2 | (rng_next(&g->rng) & 0x247ed5);
    switch (rng_below(&g->rng, 4)) {
    case 0:
        byte(g, 0xfa);
        break;
    case 1:
        byte(g, 0xfb);
        break;
    case 2:
        prefix_op(g, 40);
        byte(g, 0x9c);
        break;
    default:
        prefix_op(g, 40);
        byte(g, 0x9d);
        if (rng_percent(&g->rng, 10))
            image |= rng_next(&g->rng) & 0x1b0000;
        put(g->c, g->c->regs.rsp, image, 8);
    }
    if (rng_percent(&g->rng, 15) && g->window)
        set_reg(g, 4, g->window);
}

static void gen_hlt(struct gen *g)
{
    static const uint32_t insns[] = {0xf4, 0x010f, 0x080f, 0x090f, 0x060f, 0x330f, 0x310f};
    unsigned n = rng_below(&g->rng, 5);
    bytes(g, insns[n] > 0xff ? 2 : 1, insns[n]);
    if (insns[n] == 0x010f)
        modrm_mem(g, 7, random_data(g));
}

/* ---- Ports ---- */

static void gen_io(struct gen *g)
{
    uint32_t port = rng_percent(&g->rng, 50) ? rng_below(&g->rng, 256) : rng_below(&g->rng, 65536);
    unsigned opcode = rng_below(&g->rng, 4), kind = rng_below(&g->rng, 3);
    set_reg(g, 2, (random_value(g) & ~UINT64_C(0xffff)) | port);
    prefix_op(g, 30);
    if (kind == 0) {
        byte(g, 0xe4 + opcode);
        byte(g, port & 0xff);
    } else if (kind == 1) {
        byte(g, 0xec + opcode);
    } else {
        set_reg(g, 6, operand_address(g));
        set_reg(g, 7, operand_address(g));
        if (rng_percent(&g->rng, 40)) {
            byte(g, 0xf3);
            set_reg(g, 1, rng_below(&g->rng, 6));
        }
        byte(g, 0x6c + opcode);
    }
}

/* ---- XCR0, PKRU, bases, AC ---- */

static void gen_xcr(struct gen *g)
{
    static const uint8_t plausible[] = {1, 3, 7, 5, 2, 0, 6, 0x47};
    set_reg(g, 1, rng_percent(&g->rng, 80) ? 0 : rng_percent(&g->rng, 50) ? 1 : random_value(g));
    set_reg(g, 0, rng_percent(&g->rng, 80) ? plausible[rng_below(&g->rng, 8)] : random_value(g));
    set_reg(g, 2, rng_percent(&g->rng, 90) ? 0 : random_value(g));
    bytes(g, 3, rng_percent(&g->rng, 60) ? 0xd1010f : 0xd0010f);
}

static void gen_pkru(struct gen *g)
{
    set_reg(g, 1, rng_percent(&g->rng, 85) ? 0 : random_value(g));
    set_reg(g, 2, rng_percent(&g->rng, 85) ? 0 : random_value(g));
    bytes(g, 3, rng_percent(&g->rng, 50) ? 0xee010f : 0xef010f);
}

static void gen_bases(struct gen *g)
{
    unsigned kind = rng_below(&g->rng, 6), rm = rng_below(&g->rng, 8);
    if (kind == 0) {
        bytes(g, 3, 0xf8010f);
    } else if (kind == 1) {
        bytes(g, 3, rng_percent(&g->rng, 50) ? 0xca010f : 0xcb010f);
    } else {
        byte(g, 0xf3);
        rex_w(g, 60);
        bytes(g, 2, 0xae0f);
        modrm_reg(g, kind - 2, rm);
    }
}

const struct system_group system_groups[] = {
    {"cr-read", gen_cr_read, 3, ALL_MODES, 10},
    {"cr-write", gen_cr_write, 10, ALL_MODES, 4},
    {"dr", gen_dr, 4, ALL_MODES, 5},
    {"msw", gen_msw, 4, ALL_MODES, 30},
    {"tables", gen_tables, 8, ALL_MODES, 15},
    {"segment", gen_segment_load, 14, ALL_MODES, 30},
    {"far", gen_far, 14, ALL_MODES, 40},
    {"iret", gen_iret, 10, ALL_MODES, 30},
    {"int", gen_int, 10, ALL_MODES, 50},
    {"exception", gen_exception, 8, ALL_MODES, 50},
    {"syscall", gen_syscall, 6, PROTECTED | LONG_MODES | MODES(MODE_REAL), 35},
    {"rights", gen_access_rights, 8, ALL_MODES, 40},
    {"msr", gen_msr, 8, ALL_MODES, 5},
    {"invalidate", gen_invalidate, 4, ALL_MODES, 10},
    {"flags", gen_flags, 6, ALL_MODES, 55},
    {"hlt", gen_hlt, 2, ALL_MODES, 100},
    {"io", gen_io, 6, ALL_MODES, 70},
    {"xcr", gen_xcr, 3, ALL_MODES, 20},
    {"pkru", gen_pkru, 2, ALL_MODES, 30},
    {"bases", gen_bases, 4, ALL_MODES, 40},
    {"paging", gen_paging, 36, MODES(MODE_PAGE32) | MODES(MODE_PAE) | LONG_MODES, 50},
};
const unsigned system_group_count = sizeof system_groups / sizeof system_groups[0];

unsigned case_group(uint64_t seed)
{
    struct rng rng;
    unsigned total = 0;
    rng_seed(&rng, seed);
    for (unsigned i = 0; i < system_group_count; i++)
        total += system_groups[i].weight;
    unsigned at = rng_below(&rng, total);
    for (unsigned i = 0;; at -= system_groups[i++].weight)
        if (at < system_groups[i].weight)
            return i;
}

void case_generate(struct system_case *c, const struct offer *offer, uint64_t seed)
{
    static const uint8_t weights[MODE_COUNT] = {8, 8, 10, 8, 18, 16, 12, 30};
    struct gen gen = {.offer = offer, .c = c}, *g = &gen;
    const struct system_group *group = &system_groups[case_group(seed)];

    rng_seed(&g->rng, ~seed);
    memset(c, 0, offsetof(struct system_case, ram));
    c->seed = seed;
    c->group = case_group(seed);
    do {
        unsigned at = rng_below(&g->rng, 110), mode = 0;
        while (at >= weights[mode])
            at -= weights[mode++];
        c->mode = (enum mode)mode;
    } while (!(group->modes >> c->mode & 1));
    if (c->mode == MODE_VM86)
        c->cpl = 3;
    else if (c->mode != MODE_REAL)
        c->cpl = rng_percent(&g->rng, group->user_percent) ? 3 : 0;
    case_base(g);
    case_window(g);
    g->op = c->mode <= MODE_PROT16 ? 2 : 4;
    group->generate(g);
    memcpy(c->ram + c->regs.rip, c->code, c->size);
    case_prologue(g);
}
