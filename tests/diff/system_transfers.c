/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions that go somewhere else or load segments, exceptions, and accesses through page
 * tables. */
#include "system.h"

static bool real(const struct gen *g)
{
    return g->c->mode <= MODE_VM86;
}

void push_values(struct gen *g, unsigned size, const uint64_t *values, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        put(g->c, g->c->regs.rsp + size * i, values[i], size);
}

static uint64_t random_target(struct gen *g)
{
    if (rng_percent(&g->rng, 4) && !real(g))
        return random_value(g);
    return (rng_percent(&g->rng, 50) ? CODE + (g->c->cpl ? PAGE : 0) + 0x100 : TARGETS) +
           rng_below(&g->rng, 0x60) * 8;
}

static uint16_t code_selector(struct gen *g)
{
    static const uint16_t usual[] = {SEL_CODE, SEL_CODE3, SEL_CODE32, SEL_CODE32_3};
    if (real(g))
        return (uint16_t)rng_below(&g->rng, 0x40);
    return rng_percent(&g->rng, 25) ? usual[rng_below(&g->rng, 4)] : random_selector(g);
}

/* ---- Segment registers ---- */

void gen_segment_load(struct gen *g)
{
    uint16_t selector = real(g) ? (uint16_t)rng_next(&g->rng) : random_selector(g);
    unsigned kind = rng_below(&g->rng, 10), rm = rng_below(&g->rng, 8);

    if (kind < 6) {
        static const uint8_t sregs[] = {0, 2, 2, 2, 3, 4, 5, 0, 3, 1};
        unsigned sreg = sregs[rng_below(&g->rng, rng_percent(&g->rng, 95) ? 9 : 10)];
        prefix_op(g, 20);
        byte(g, 0x8e);
        if (rng_percent(&g->rng, 75)) {
            modrm_reg(g, sreg, rm);
            if (rm != 4)
                set_reg(g, rm, (random_value(g) & ~UINT64_C(0xffff)) | selector);
        } else {
            uint64_t at = g->window && rng_percent(&g->rng, 50) ? g->window : random_data(g);
            modrm_mem(g, sreg, at);
            if (at != g->window)
                put(g->c, at, selector, 2);
        }
        return;
    }
    prefix_op(g, 30);
    if (kind < 8) {
        static const uint16_t pops[] = {0x07, 0x17, 0x1f, 0xa10f, 0xa90f};
        unsigned n = rng_below(&g->rng, 5);
        bytes(g, pops[n] > 0xff ? 2 : 1, pops[n]);
        put(g->c, g->c->regs.rsp, (random_value(g) & ~UINT64_C(0xffff)) | selector, 8);
        return;
    }
    static const uint16_t loads[] = {0xb20f, 0xb40f, 0xb50f, 0xc4, 0xc5};
    unsigned n = rng_below(&g->rng, code64(g) ? 3 : 5);
    uint64_t at = random_data(g);
    rex_w(g, 30);
    bytes(g, loads[n] > 0xff ? 2 : 1, loads[n]);
    modrm_mem(g, rm == 4 ? 0 : rm, at);
    put(g->c, at + g->op, selector, 2);
}

/* ---- Far transfers ---- */

void gen_far(struct gen *g)
{
    unsigned kind = rng_below(&g->rng, 6);
    uint16_t selector = code_selector(g);
    uint64_t target = random_target(g);

    if (real(g))
        target = (target - ((uint64_t)selector << 4)) & 0xffff;
    prefix_op(g, 25);
    if (kind < 2) {
        rex_w(g, 20);
        unsigned extra = rng_percent(&g->rng, 50) ? 0 : 4 * (1 + rng_below(&g->rng, 8));
        byte(g, extra ? 0xca : 0xcb);
        if (extra)
            bytes(g, 2, extra);
        if (rng_percent(&g->rng, 60))
            selector = (uint16_t)((selector & ~3) | (rng_percent(&g->rng, 50) ? 3 : 0));
        uint64_t v[2] = {target, selector};
        uint64_t outer[2] = {USER_STACK + 0x900, rng_percent(&g->rng, 60)
                                                     ? SEL_DATA | (selector & 3u) * 5
                                                     : random_selector(g)};
        if ((selector & 3) == 3 && rng_percent(&g->rng, 70))
            outer[1] = SEL_DATA3;
        push_values(g, g->op, v, 2);
        for (unsigned i = 0; i < 2; i++)
            put(g->c, g->c->regs.rsp + (uint64_t)g->op * (2 + i) + extra, outer[i], g->op);
        return;
    }
    bool call = rng_percent(&g->rng, 50);
    if (kind < 4 && !code64(g)) {
        byte(g, call ? 0x9a : 0xea);
        bytes(g, g->op, target);
        bytes(g, 2, selector);
        return;
    }
    uint64_t at = random_data(g);
    rex_w(g, 20);
    byte(g, 0xff);
    modrm_mem(g, call ? 3 : 5, at);
    put(g->c, at, target, g->op);
    put(g->c, at + g->op, selector, 2);
}

void gen_iret(struct gen *g)
{
    unsigned rpl = rng_percent(&g->rng, 40) ? g->c->cpl : rng_percent(&g->rng, 60) ? 3 : 0;
    uint16_t selector = code_selector(g);

    if (!real(g))
        selector = (uint16_t)((selector & ~3u) | rpl);
    uint64_t flags = 2 | (rng_next(&g->rng) & 0x247ed5);
    if (rng_percent(&g->rng, 8))
        flags |= rng_next(&g->rng) & 0x1b0000;
    if (!real(g) && rng_percent(&g->rng, 6))
        flags |= FLAG_VM;
    uint64_t v[9] = {random_target(g), selector, flags, USER_STACK + 0x900,
                     rpl == 3 ? SEL_DATA3 : SEL_DATA};
    if (real(g) || (flags & FLAG_VM))
        v[0] = (v[0] - ((uint64_t)selector << 4)) & 0xffff; /* the rig's CPU checks no limits */
    if (rng_percent(&g->rng, 25))
        v[4] = random_selector(g);
    if (rng_percent(&g->rng, 5))
        v[3] = random_value(g);
    for (unsigned i = 5; i < 9; i++)
        v[i] = rng_next(&g->rng) & 0xffff;
    if (rng_percent(&g->rng, 8))
        g->c->regs.rflags |= FLAG_NT;
    prefix_op(g, 25);
    rex_w(g, 70);
    byte(g, 0xcf);
    push_values(g, g->op, v, 9);
}

/* ---- Interrupts and exceptions ---- */

static void spoil_stack(struct gen *g)
{
    if (g->window && rng_percent(&g->rng, 8))
        set_reg(g, 4, g->window);
    else if (rng_percent(&g->rng, 3))
        set_reg(g, 4, random_value(g));
}

void gen_int(struct gen *g)
{
    unsigned vector =
        rng_percent(&g->rng, 85) ? 0x30 + rng_below(&g->rng, 0x30) : rng_below(&g->rng, 256);
    for (unsigned v = 0x30; v < 0x60; v++)
        put_random_gate(g, v);
    spoil_stack(g);
    switch (rng_below(&g->rng, 8)) {
    case 0:
        byte(g, 0xcc);
        if (rng_percent(&g->rng, 50))
            put_random_gate(g, 3);
        break;
    case 1:
        if (!code64(g)) {
            byte(g, 0xce);
            if (rng_percent(&g->rng, 50))
                put_random_gate(g, 4);
            break;
        }
        /* fall through */
    default:
        byte(g, 0xcd);
        byte(g, vector);
    }
}

/* Exceptions through what may be broken: double and triple faults. */
void gen_exception(struct gen *g)
{
    static const uint8_t vectors[] = {0, 6, 8, 10, 11, 12, 13, 13, 14, 14};
    for (unsigned i = rng_below(&g->rng, 3); i < 3; i++)
        put_random_gate(g, vectors[rng_below(&g->rng, sizeof vectors)]);
    spoil_stack(g);
    switch (rng_below(&g->rng, 5)) {
    case 0:
        bytes(g, 2, 0x0b0f); /* UD2 */
        break;
    case 1:
        bytes(g, 2, 0xf1f7); /* DIV ECX */
        set_reg(g, 1, 0);
        break;
    case 2:
        byte(g, 0x8e); /* MOV DS, [BX] */
        modrm_mem(g, 3, random_data(g));
        break;
    case 3:
        byte(g, 0x8b); /* MOV EAX, [BX] */
        modrm_mem(g, 0, g->window ? g->window : random_data(g));
        break;
    default:
        bytes(g, 3, 0xd1010f); /* XSETBV, with whatever is there */
        break;
    }
}

/* ---- System calls ---- */

void gen_syscall(struct gen *g)
{
    uint64_t target = CODE + PAGE + 0x200 + rng_below(&g->rng, 64) * 8;
    if (rng_percent(&g->rng, 10))
        target = random_value(g);
    unsigned kind = rng_below(&g->rng, 4);
    if (kind & 1) { /* towards CPL 3 */
        set_reg(g, 1, kind == 1 ? target : USER_STACK + 0x880);
        set_reg(g, 2, target);
        set_reg(g, 11, 2 | (rng_next(&g->rng) & 0x247ed5));
        rex_w(g, 60);
    }
    static const uint8_t opcodes[4] = {0x05, 0x07, 0x34, 0x35};
    byte(g, 0x0f);
    byte(g, opcodes[kind]);
}

/* ---- Accesses through page tables ---- */

void gen_paging(struct gen *g)
{
    uint64_t at = g->window ? g->window : random_data(g);
    unsigned kind = rng_below(&g->rng, 12);

    if (kind >= 9)
        prefix_op(g, 20);
    switch (kind) {
    case 0:
    case 1:
    case 2:
        rex_w(g, 30);
        byte(g, 0x8b);
        modrm_mem(g, 0, at);
        break;
    case 3:
    case 4:
    case 5:
        rex_w(g, 30);
        byte(g, 0x89);
        modrm_mem(g, 0, at);
        break;
    case 6:
        if (rng_percent(&g->rng, 30))
            byte(g, 0xf0);
        rex_w(g, 30);
        byte(g, 0x01);
        modrm_mem(g, 0, at);
        break;
    case 7:
        rex_w(g, 30);
        bytes(g, 2, 0xb10f); /* CMPXCHG */
        modrm_mem(g, 1, at);
        break;
    case 8: /* JMP BX */
        byte(g, 0xff);
        modrm_reg(g, 4, 3);
        set_reg(g, 3, at);
        break;
    case 9:
        byte(g, 0x50 + rng_below(&g->rng, 4));
        set_reg(g, 4, at);
        break;
    case 10:
        byte(g, 0x58 + rng_below(&g->rng, 4));
        set_reg(g, 4, at);
        break;
    default: /* MOVS */
        byte(g, 0xa5);
        set_reg(g, 6, rng_percent(&g->rng, 50) ? at : random_data(g));
        set_reg(g, 7, rng_percent(&g->rng, 50) ? at : random_data(g));
    }
}
