/* SPDX-License-Identifier: BSD-2-Clause */
/* Delivery of events through the IVT or IDT (Intel SDM vol. 3, "Interrupt and Exception Handling").
 * Registers change only after every access to memory has succeeded. */
#include "cpu/x86/sys.h"

#define CLEARED_BY_GATES (X86_FLAGS_TF | X86_FLAGS_NT | X86_FLAGS_RF | X86_FLAGS_VM)

/* A delivery under way. */
struct delivery {
    struct event *e;
    uint64_t rip;   /* to return to */
    uint64_t flags; /* image to push */
    bool soft;      /* INT n and the like: the gate's DPL counts */
};

static bool fault_gate(struct cpu *c, uint8_t vector, const struct delivery *d)
{
    cpu_raise_error(c, NULL, vector, d->e->vector * 8u + 2 + c->ext);
    return false;
}

static bool push_all(struct cpu *c, struct stack *s, unsigned size, const uint64_t *values,
                     unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!stack_push(c, NULL, s, size, values[i]))
            return false;
    return true;
}

static void enter(struct cpu *c, uint64_t rip, uint64_t flags)
{
    c->r[RIP] = rip;
    cpu_set_rflags(c, flags);
    cpu_update_mode(c);
}

static bool deliver_real(struct cpu *c, const struct delivery *d)
{
    struct stack s;
    uint64_t values[3] = {d->flags, c->seg[SEG_CS].selector, d->rip};

    if (d->e->vector * 4u + 3 > c->idt.limit)
        return fault_gate(c, EXC_GP, d);
    if (!cpu_load_system(c, NULL, c->idt.base + d->e->vector * 4u, 4))
        return false;
    uint16_t ip = c->ld.u16[0], cs = c->ld.u16[1];
    stack_current(c, &s);
    if (!push_all(c, &s, 2, values, 3))
        return false;
    stack_commit(c, &s);
    seg_install_real(c, SEG_CS, cs);
    enter(c, ip, cpu_rflags(c) & ~(X86_FLAGS_IF | X86_FLAGS_TF | X86_FLAGS_AC | X86_FLAGS_RF));
    return true;
}

struct gate {
    uint32_t words[4];
    unsigned type;
};

#define GATE_SELECTOR(g) ((uint16_t)((g)->words[0] >> 16))

static bool read_gate(struct cpu *c, const struct delivery *d, struct gate *g)
{
    bool wide = c->mode & MODE_LONG;
    unsigned size = wide ? 16 : 8;

    if ((d->e->vector + 1u) * size - 1 > c->idt.limit)
        return fault_gate(c, EXC_GP, d);
    if (!cpu_load_system(c, NULL, c->idt.base + d->e->vector * size, size))
        return false;
    for (unsigned i = 0; i < 4; i++)
        g->words[i] = i * 4 < size ? c->ld.u32[i] : 0;
    g->type = g->words[1] >> 8 & 0x1f;
    if (g->type != SYS_INT32 && g->type != SYS_TRAP32 &&
        (wide || (g->type != SYS_INT16 && g->type != SYS_TRAP16 && g->type != SYS_TASK_GATE)))
        return fault_gate(c, EXC_GP, d);
    if (d->soft && (g->words[1] >> 13 & 3) < c->cpl)
        return fault_gate(c, EXC_GP, d);
    if (!(g->words[1] & 1u << 15))
        return fault_gate(c, EXC_NP, d);
    return true;
}

/* The handler's code segment; *cpl is the privilege it runs at. */
static bool read_handler(struct cpu *c, uint16_t selector, struct descriptor *d, unsigned *cpl)
{
    if (IS_NULL(selector))
        return fault_selector(c, NULL, EXC_GP, 0);
    if (!descriptor_read(c, NULL, selector, EXC_GP, d))
        return false;
    if (!DESC_CODE(d) || DESC_DPL(d) > c->cpl ||
        ((c->mode & MODE_LONG) && (!DESC_L(d) || DESC_DB(d))))
        return fault_selector(c, NULL, EXC_GP, selector);
    if (!DESC_P(d))
        return fault_selector(c, NULL, EXC_NP, selector);
    *cpl = DESC_CONFORM(d) ? c->cpl : DESC_DPL(d);
    /* Out of virtual-8086 mode only to privilege 0. */
    if ((c->mode & MODE_VM86) && *cpl != 0)
        return fault_selector(c, NULL, EXC_GP, selector);
    return true;
}

static uint64_t handler_flags(const struct cpu *c, const struct gate *g)
{
    uint64_t flags = cpu_rflags(c) & ~CLEARED_BY_GATES;

    return g->type & 1 ? flags : flags & ~X86_FLAGS_IF;
}

static bool deliver_long(struct cpu *c, const struct delivery *d, const struct gate *g)
{
    struct descriptor code;
    struct stack s = {.mask = UINT64_MAX, .flat64 = true, .sp = c->r[RSP], .own = true};
    uint64_t rip =
        (g->words[0] & 0xffff) | (g->words[1] & 0xffff0000) | (uint64_t)g->words[2] << 32;
    unsigned cpl, ist = g->words[1] & 7;

    if (!read_handler(c, GATE_SELECTOR(g), &code, &cpl))
        return false;
    bool inner = cpl < c->cpl;
    if (inner || ist) {
        if (!stack_from_tss64(c, NULL, ist ? 3 + ist : cpl, &s.sp))
            return false;
        s.own = !inner;
    }
    s.sp &= ~UINT64_C(15);
    if (!canonical(c, rip))
        return fault_selector(c, NULL, EXC_GP, 0);
    const uint64_t values[6] = {c->seg[SEG_SS].selector, c->r[RSP], d->flags,
                                c->seg[SEG_CS].selector, d->rip,    d->e->error};
    if (!push_all(c, &s, 8, values, d->e->has_error ? 6 : 5) || !descriptor_mark(c, NULL, &code, 1))
        return false;
    seg_install(&c->seg[SEG_CS], (uint16_t)((GATE_SELECTOR(g) & 0xfffc) | cpl), &code);
    if (inner)
        c->seg[SEG_SS] = (struct seg){.selector = (uint16_t)cpl};
    c->cpl = (uint8_t)cpl;
    c->r[RSP] = s.sp;
    enter(c, rip, handler_flags(c, g));
    return true;
}

static bool deliver_protected(struct cpu *c, const struct delivery *d, const struct gate *g)
{
    static const uint8_t vm86_order[4] = {SEG_GS, SEG_FS, SEG_DS, SEG_ES};
    struct descriptor code, ss;
    struct stack s;
    uint64_t values[10];
    uint32_t offset = g->words[0] & 0xffff;
    unsigned cpl, count = 0, size = g->type & 8 ? 4 : 2;
    uint16_t ss_selector = 0;
    bool vm86 = c->mode & MODE_VM86;

    if (size == 4)
        offset |= g->words[1] & 0xffff0000;
    if (!read_handler(c, GATE_SELECTOR(g), &code, &cpl))
        return false;
    bool inner = cpl < c->cpl;
    if (inner) {
        if (!stack_inner(c, NULL, cpl, &s, &ss_selector, &ss))
            return false;
        for (unsigned i = 0; vm86 && i < 4; i++)
            values[count++] = c->seg[vm86_order[i]].selector;
        values[count++] = c->seg[SEG_SS].selector;
        values[count++] = c->r[RSP];
    } else {
        stack_current(c, &s);
    }
    values[count++] = d->flags;
    values[count++] = c->seg[SEG_CS].selector;
    values[count++] = d->rip;
    if (d->e->has_error)
        values[count++] = d->e->error;
    if (offset > descriptor_limit(&code))
        return fault_selector(c, NULL, EXC_GP, 0);
    if (!push_all(c, &s, size, values, count) || !descriptor_mark(c, NULL, &code, 1) ||
        (inner && !descriptor_mark(c, NULL, &ss, 1)))
        return false;
    seg_install(&c->seg[SEG_CS], (uint16_t)((GATE_SELECTOR(g) & 0xfffc) | cpl), &code);
    if (inner)
        seg_install(&c->seg[SEG_SS], ss_selector, &ss);
    for (unsigned i = 0; vm86 && i < 4; i++)
        c->seg[vm86_order[i]] = (struct seg){0};
    c->cpl = (uint8_t)cpl;
    stack_commit(c, &s);
    enter(c, offset, handler_flags(c, g));
    return true;
}

static bool deliver_task(struct cpu *c, const struct delivery *d, const struct gate *g)
{
    struct descriptor tss;
    uint16_t selector = GATE_SELECTOR(g);

    if (selector & 4)
        return fault_selector(c, NULL, EXC_GP, selector);
    if (!descriptor_read(c, NULL, selector, EXC_GP, &tss))
        return false;
    unsigned type = DESC_S(&tss) ? 0 : DESC_TYPE(&tss);
    if (type != SYS_TSS16 && type != SYS_TSS32)
        return fault_selector(c, NULL, EXC_GP, selector);
    if (!DESC_P(&tss))
        return fault_selector(c, NULL, EXC_NP, selector);
    enum task_result result = task_switch(c, NULL, selector, &tss, TASK_EVENT, d->rip,
                                          d->e->has_error ? &d->e->error : NULL);
    if (result == TASK_FAULT_NEW)
        d->e->length = 0;
    return result == TASK_DONE;
}

static bool is_fault(const struct event *e)
{
    return e->kind == EVENT_EXCEPTION && e->vector != EXC_DB && e->vector != EXC_NMI &&
           e->vector != EXC_BP && e->vector != EXC_OF && e->vector != EXC_MC;
}

static bool deliver(struct cpu *c, struct event *e)
{
    struct gate g = {0};
    struct delivery d = {.e = e,
                         .rip = c->r[RIP],
                         .flags = cpu_rflags(c) | X86_FLAGS_FIXED,
                         .soft = e->kind == EVENT_SOFT && !e->unchecked};

    if (is_fault(e))
        d.flags |= X86_FLAGS_RF;
    c->ext = !d.soft;
    if (!(c->mode & MODE_PROT))
        return deliver_real(c, &d);
    if (!read_gate(c, &d, &g))
        return false;
    if (c->mode & MODE_LONG)
        return deliver_long(c, &d, &g);
    if (g.type == SYS_TASK_GATE)
        return deliver_task(c, &d, &g);
    return deliver_protected(c, &d, &g);
}

/* ---- Faults during delivery ---- */

enum severity { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

static enum severity severity_of(const struct event *e)
{
    if (e->kind != EVENT_EXCEPTION)
        return BENIGN;
    switch (e->vector) {
    case EXC_DE:
    case EXC_TS:
    case EXC_NP:
    case EXC_SS:
    case EXC_GP:
        return CONTRIBUTORY;
    case EXC_PF:
        return PAGE_FAULT;
    case EXC_DF:
        return DOUBLE_FAULT;
    default:
        return BENIGN;
    }
}

static void shut_down(struct cpu *c)
{
    c->exit = (struct cpu_exit){.reason = CPU_EXIT_SHUTDOWN};
    c->event = (struct event){.kind = EVENT_EXIT};
}

/* What is due instead of `first`, whose delivery raised `second`; false: shutdown. */
static bool combine(struct event *first, const struct event *second)
{
    enum severity a = severity_of(first), b = severity_of(second);

    if (a == DOUBLE_FAULT && b != BENIGN)
        return false;
    if ((a == CONTRIBUTORY && b == CONTRIBUTORY) || (a == PAGE_FAULT && b != BENIGN))
        *first = (struct event){.kind = EVENT_EXCEPTION, .vector = EXC_DF, .has_error = true};
    else
        *first = *second;
    return true;
}

static bool exits(struct cpu *c, const struct event *e)
{
    if (!(c->vm->config.exceptions >> (e->vector & 31) & 1))
        return false;
    c->exit = (struct cpu_exit){.reason = CPU_EXIT_EXCEPTION};
    c->exit.u.exception.vector = e->vector;
    c->exit.u.exception.has_error_code = e->has_error;
    c->exit.u.exception.error_code = e->error;
    c->exit.u.exception.address = e->vector == EXC_PF ? e->address : 0;
    c->event = (struct event){.kind = EVENT_EXIT};
    return true;
}

/* Registers that the exception itself sets. */
static void note(struct cpu *c, const struct event *e)
{
    if (e->kind != EVENT_EXCEPTION || e->bare)
        return;
    if (e->vector == EXC_PF) {
        c->cr2 = e->address;
    } else if (e->vector == EXC_DB) {
        c->dr6 = (c->dr6 & ~UINT64_C(15)) | e->address;
        c->dr7 &= ~X86_BIT(13); /* GD */
    }
}

/* False: it is over, with an exit. */
static bool deliver_or_fault(struct cpu *c, struct event *e)
{
    if (e->triple) {
        shut_down(c);
        return false;
    }
    c->event.kind = EVENT_NONE;
    note(c, e);
    if (deliver(c, e)) {
        c->event.kind = EVENT_NONE;
        c->nmi_masked |= e->kind == EVENT_SOFT && e->unchecked && e->vector == EXC_NMI;
        return false;
    }
    if (c->event.kind == EVENT_EXIT) {
        /* A device holds a table or a stack: from the start again with its answer. */
        if (c->exit.awaits_answer)
            c->queued = *e;
        return false;
    }
    struct event second = c->event;
    if (second.vector == EXC_PF)
        c->cr2 = second.address;
    /* A fault in INT n is at the instruction. */
    c->r[RIP] -= e->kind == EVENT_SOFT ? e->length : 0;
    if (!combine(e, &second)) {
        shut_down(c);
        return false;
    }
    return !exits(c, e);
}

void cpu_deliver_event(struct cpu *c)
{
    struct event e = c->event;

    c->in_delivery = true;
    while (deliver_or_fault(c, &e))
        ;
    c->in_delivery = c->event.kind == EVENT_EXIT && c->exit.awaits_answer;
    c->ext = 0;
}

void cpu_deliver_interrupt(struct cpu *c, uint8_t vector)
{
    c->event = (struct event){.kind = EVENT_SOFT, .vector = vector, .unchecked = true};
    cpu_deliver_event(c);
}

void cpu_deliver_nmi(struct cpu *c)
{
    cpu_deliver_interrupt(c, EXC_NMI);
}
