/* SPDX-License-Identifier: BSD-2-Clause */
/* Far jumps and calls: code segments, call gates, tasks (Intel SDM vol. 2, "JMP" and "CALL"). */
#include "cpu/x86/sys.h"

bool code_offset_valid(const struct cpu *c, const struct descriptor *d, uint64_t offset)
{
    if ((c->mode & MODE_LONG) && DESC_L(d))
        return canonical(c, offset);
    return offset <= descriptor_limit(d);
}

static bool fault_zero(struct cpu *c, const struct uop *u)
{
    return fault_selector(c, u, EXC_GP, 0);
}

/* The last step of a transfer; the stack goes with it. */
static bool enter(struct cpu *c, uint16_t selector, const struct descriptor *d, unsigned cpl,
                  uint64_t offset, const struct stack *s)
{
    seg_install(&c->seg[SEG_CS], (uint16_t)((selector & 0xfffc) | cpl), d);
    c->cpl = (uint8_t)cpl;
    c->r[RIP] = offset;
    if (s)
        stack_commit(c, s);
    cpu_update_mode(c);
    return true;
}

static bool push_return(struct cpu *c, const struct uop *u, struct stack *s, unsigned size)
{
    return stack_push(c, u, s, size, c->seg[SEG_CS].selector) &&
           stack_push(c, u, s, size, cpu_next_rip(c, u));
}

static bool transfer_real(struct cpu *c, const struct uop *u, uint16_t selector, uint64_t offset,
                          unsigned size, bool call)
{
    struct stack s;

    if (offset > c->seg[SEG_CS].limit)
        return fault_zero(c, u);
    stack_current(c, &s);
    if (call && !push_return(c, u, &s, size))
        return false;
    stack_commit(c, &s);
    seg_install_real(c, SEG_CS, selector);
    c->r[RIP] = offset;
    cpu_update_mode(c);
    return true;
}

static bool transfer_code(struct cpu *c, const struct uop *u, uint16_t selector,
                          struct descriptor *d, uint64_t offset, unsigned size, bool call)
{
    struct stack s;

    if ((c->mode & MODE_LONG) && DESC_L(d) && DESC_DB(d))
        return fault_selector(c, u, EXC_GP, selector);
    if (DESC_CONFORM(d) ? DESC_DPL(d) > c->cpl : (selector & 3u) > c->cpl || DESC_DPL(d) != c->cpl)
        return fault_selector(c, u, EXC_GP, selector);
    if (!DESC_P(d))
        return fault_selector(c, u, EXC_NP, selector);
    if (!code_offset_valid(c, d, offset))
        return fault_zero(c, u);
    stack_current(c, &s);
    if ((call && !push_return(c, u, &s, size)) || !descriptor_mark(c, u, d, 1))
        return false;
    return enter(c, selector, d, c->cpl, offset, &s);
}

/* ---- Call gates ---- */

struct gate {
    uint16_t selector;
    uint64_t offset;
    unsigned size, count; /* bytes of an element, parameters */
};

static bool read_gate(struct cpu *c, const struct uop *u, uint16_t selector, struct descriptor *d,
                      struct gate *g)
{
    g->selector = (uint16_t)(d->lo >> 16);
    g->count = d->hi & 31;
    g->size = DESC_TYPE(d) == SYS_CALL16 ? 2 : 4;
    g->offset = d->lo & 0xffff;
    if (g->size == 4)
        g->offset |= d->hi & 0xffff0000;
    if (!(c->mode & MODE_LONG))
        return true;
    d->base = 0; /* the upper half of the offset */
    if (!descriptor_extend(c, u, selector, d))
        return false;
    g->offset |= d->base;
    g->size = 8;
    g->count = 0;
    return true;
}

static bool inner_stack64(struct cpu *c, const struct uop *u, unsigned cpl, struct stack *s)
{
    *s = (struct stack){.mask = UINT64_MAX, .flat64 = true};
    return stack_from_tss64(c, u, cpl, &s->sp);
}

/* A call to more privilege: the caller's stack pointer and parameters go along. */
static bool call_inner(struct cpu *c, const struct uop *u, const struct gate *g,
                       struct descriptor *code)
{
    struct descriptor ss = {0};
    struct stack s, old;
    uint64_t values[31];
    uint16_t selector = 0;
    unsigned cpl = DESC_DPL(code);
    bool wide = c->mode & MODE_LONG;

    stack_current(c, &old);
    if (wide ? !inner_stack64(c, u, cpl, &s) : !stack_inner(c, u, cpl, &s, &selector, &ss))
        return false;
    if (!code_offset_valid(c, code, g->offset))
        return fault_zero(c, u);
    for (unsigned i = 0; i < g->count; i++)
        if (!stack_read(c, u, &old, g->size, (uint64_t)g->size * i, &values[i]))
            return false;
    if (!stack_push(c, u, &s, g->size, c->seg[SEG_SS].selector) ||
        !stack_push(c, u, &s, g->size, c->r[RSP]))
        return false;
    for (unsigned i = g->count; i-- > 0;)
        if (!stack_push(c, u, &s, g->size, values[i]))
            return false;
    if (!push_return(c, u, &s, g->size) || !descriptor_mark(c, u, code, 1) ||
        (!wide && !descriptor_mark(c, u, &ss, 1)))
        return false;
    if (wide)
        c->seg[SEG_SS] = (struct seg){.selector = (uint16_t)cpl};
    else
        seg_install(&c->seg[SEG_SS], selector, &ss);
    return enter(c, g->selector, code, cpl, g->offset, &s);
}

static bool transfer_gate(struct cpu *c, const struct uop *u, uint16_t selector,
                          struct descriptor *d, bool call)
{
    struct descriptor code;
    struct gate g;
    struct stack s;

    if (!read_gate(c, u, selector, d, &g))
        return false;
    if (IS_NULL(g.selector))
        return fault_zero(c, u);
    if (!descriptor_read(c, u, g.selector, EXC_GP, &code))
        return false;
    if (!DESC_CODE(&code) || DESC_DPL(&code) > c->cpl ||
        ((c->mode & MODE_LONG) && (!DESC_L(&code) || DESC_DB(&code))) ||
        (!call && !DESC_CONFORM(&code) && DESC_DPL(&code) != c->cpl))
        return fault_selector(c, u, EXC_GP, g.selector);
    if (!DESC_P(&code))
        return fault_selector(c, u, EXC_NP, g.selector);
    if (call && !DESC_CONFORM(&code) && DESC_DPL(&code) < c->cpl)
        return call_inner(c, u, &g, &code);
    if (!code_offset_valid(c, &code, g.offset))
        return fault_zero(c, u);
    stack_current(c, &s);
    if (c->mode & MODE_LONG) { /* the gate leads out of compatibility mode */
        s.flat64 = true;
        s.mask = UINT64_MAX;
    }
    if ((call && !push_return(c, u, &s, g.size)) || !descriptor_mark(c, u, &code, 1))
        return false;
    return enter(c, g.selector, &code, c->cpl, g.offset, &s);
}

/* ---- Tasks ---- */

static bool transfer_task(struct cpu *c, const struct uop *u, uint16_t selector,
                          struct descriptor *tss, bool call)
{
    return task_switch(c, u, selector, tss, call ? TASK_CALL : TASK_JUMP, cpu_next_rip(c, u),
                       NULL) == TASK_DONE;
}

static bool task_gate(struct cpu *c, const struct uop *u, const struct descriptor *d, bool call)
{
    uint16_t selector = (uint16_t)(d->lo >> 16);
    struct descriptor tss;

    if (selector & 4)
        return fault_selector(c, u, EXC_GP, selector);
    if (!descriptor_read(c, u, selector, EXC_GP, &tss))
        return false;
    if (DESC_S(&tss) || (DESC_TYPE(&tss) != SYS_TSS16 && DESC_TYPE(&tss) != SYS_TSS32))
        return fault_selector(c, u, EXC_GP, selector);
    if (!DESC_P(&tss))
        return fault_selector(c, u, EXC_NP, selector);
    return transfer_task(c, u, selector, &tss, call);
}

bool far_transfer(struct cpu *c, const struct uop *u, uint16_t selector, uint64_t offset,
                  unsigned size, bool call)
{
    struct descriptor d;

    if (!protected_mode(c))
        return transfer_real(c, u, selector, offset, size, call);
    if (IS_NULL(selector))
        return fault_zero(c, u);
    if (!descriptor_read(c, u, selector, EXC_GP, &d))
        return false;
    if (DESC_CODE(&d))
        return transfer_code(c, u, selector, &d, offset, size, call);
    unsigned type = DESC_S(&d) ? 0 : DESC_TYPE(&d);
    bool legacy = !(c->mode & MODE_LONG);
    bool gate = type == SYS_CALL32 || (legacy && (type == SYS_CALL16 || type == SYS_TASK_GATE));
    bool task = legacy && (type == SYS_TSS16 || type == SYS_TSS32);
    if ((!gate && !task) || DESC_DPL(&d) < c->cpl || (selector & 3u) > DESC_DPL(&d))
        return fault_selector(c, u, EXC_GP, selector);
    if (!DESC_P(&d))
        return fault_selector(c, u, EXC_NP, selector);
    if (task)
        return (selector & 4) ? fault_selector(c, u, EXC_GP, selector)
                              : transfer_task(c, u, selector, &d, call);
    return type == SYS_TASK_GATE ? task_gate(c, u, &d, call)
                                 : transfer_gate(c, u, selector, &d, call);
}
