/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors, loads of segment registers, and stacks other than the current one (Intel SDM vol. 3,
 * "Protected-Mode Memory Management" and "Protection"). */
#include "cpu/x86/sys.h"

#define REAL_DATA 0x93u
#define REAL_CODE 0x9bu
#define VM86_DATA 0xf3u

bool fault_selector(struct cpu *c, const struct uop *u, uint8_t vector, uint16_t selector)
{
    cpu_raise_error(c, u, vector, (selector & 0xfffcu) | c->ext);
    return false;
}

bool descriptor_look(struct cpu *c, const struct uop *u, uint16_t selector, struct descriptor *d)
{
    uint64_t base = c->gdt.base;
    uint32_t limit = c->gdt.limit;
    bool usable = true;

    if (selector & 4) {
        base = c->ldt.base;
        limit = c->ldt.limit;
        usable = c->ldt.attributes & VMACCEL_X86_SEG_P;
    }
    if (!usable || (selector | 7u) > limit) {
        c->event.kind = EVENT_NONE;
        return false;
    }
    d->address = base + (selector & 0xfff8u);
    if (!cpu_load_system(c, u, d->address, 8))
        return false;
    d->lo = c->ld.u32[0];
    d->hi = c->ld.u32[1];
    d->base = d->lo >> 16 | (d->hi & 0xff) << 16 | (d->hi & 0xff000000);
    return true;
}

bool descriptor_read(struct cpu *c, const struct uop *u, uint16_t selector, uint8_t vector,
                     struct descriptor *d)
{
    c->event.kind = EVENT_NONE;
    if (descriptor_look(c, u, selector, d))
        return true;
    return c->event.kind != EVENT_NONE ? false : fault_selector(c, u, vector, selector);
}

bool descriptor_extend(struct cpu *c, const struct uop *u, uint16_t selector, struct descriptor *d)
{
    uint32_t limit = selector & 4 ? c->ldt.limit : c->gdt.limit;

    if ((selector & 0xfff8u) + 15 > limit)
        return fault_selector(c, u, EXC_GP, selector);
    if (!cpu_load_system(c, u, d->address + 8, 8))
        return false;
    d->base |= (uint64_t)c->ld.u32[0] << 32;
    if ((c->ld.u32[1] & 0x1f00) || !canonical_base(c, d->base))
        return fault_selector(c, u, EXC_GP, selector);
    return true;
}

bool descriptor_mark(struct cpu *c, const struct uop *u, struct descriptor *d, uint32_t type_bits)
{
    uint32_t hi = d->hi | type_bits << 8;

    if (hi == d->hi)
        return true;
    /* A byte: no other bit can get lost. */
    if (!cpu_store_system(c, u, d->address + 5, 1, hi >> 8 & 0xff))
        return false;
    d->hi = hi;
    return true;
}

uint32_t descriptor_limit(const struct descriptor *d)
{
    uint32_t limit = (d->lo & 0xffff) | (d->hi & 0xf0000);

    return d->hi & 1u << 23 ? limit << 12 | 0xfff : limit;
}

void seg_install(struct seg *s, uint16_t selector, const struct descriptor *d)
{
    s->base = d->base;
    s->limit = descriptor_limit(d);
    s->selector = selector;
    s->attributes = (uint16_t)(d->hi >> 8 & 0xf0ff);
}

void seg_install_real(struct cpu *c, unsigned seg, uint16_t selector)
{
    struct seg *s = &c->seg[seg];

    s->selector = selector;
    s->base = (uint64_t)selector << 4;
    if (c->mode & MODE_VM86) {
        s->limit = 0xffff;
        s->attributes = VM86_DATA;
        return;
    }
    /* Limit and size stay what they were, so that "unreal" mode works. */
    s->attributes = (uint16_t)((s->attributes & (VMACCEL_X86_SEG_DB | VMACCEL_X86_SEG_G)) |
                               (seg == SEG_CS ? REAL_CODE : REAL_DATA));
}

static void seg_install_null(struct seg *s, uint16_t selector)
{
    *s = (struct seg){.selector = selector};
}

bool seg_check_stack(struct cpu *c, const struct uop *u, uint16_t selector, unsigned cpl,
                     uint8_t vector, struct descriptor *d)
{
    if (!descriptor_read(c, u, selector, vector, d))
        return false;
    if ((selector & 3u) != cpl || !DESC_DATA_W(d) || DESC_DPL(d) != cpl)
        return fault_selector(c, u, vector, selector);
    if (!DESC_P(d))
        return fault_selector(c, u, EXC_SS, selector);
    return true;
}

static bool load_null(struct cpu *c, const struct uop *u, unsigned seg, uint16_t selector)
{
    if (seg == SEG_SS && (!(c->mode & MODE_CODE64) || c->cpl == 3 || (selector & 3) != c->cpl))
        return fault_selector(c, u, EXC_GP, 0);
    seg_install_null(&c->seg[seg], selector);
    return true;
}

bool seg_load(struct cpu *c, const struct uop *u, unsigned seg, uint16_t selector)
{
    struct descriptor d;

    if (!protected_mode(c)) {
        seg_install_real(c, seg, selector);
        return true;
    }
    if (IS_NULL(selector))
        return load_null(c, u, seg, selector);
    if (seg == SEG_SS) {
        if (!seg_check_stack(c, u, selector, c->cpl, EXC_GP, &d))
            return false;
    } else {
        if (!descriptor_read(c, u, selector, EXC_GP, &d))
            return false;
        bool conforming = DESC_CODE(&d) && DESC_CONFORM(&d);
        if (!DESC_READ(&d) ||
            (!conforming && ((selector & 3u) > DESC_DPL(&d) || c->cpl > DESC_DPL(&d))))
            return fault_selector(c, u, EXC_GP, selector);
        if (!DESC_P(&d))
            return fault_selector(c, u, EXC_NP, selector);
    }
    if (!descriptor_mark(c, u, &d, 1))
        return false;
    seg_install(&c->seg[seg], selector, &d);
    return true;
}

void seg_flat_code(struct cpu *c, uint16_t selector, unsigned cpl, bool code64)
{
    c->seg[SEG_CS] = (struct seg){
        .limit = UINT32_MAX,
        .selector = (uint16_t)((selector & 0xfffc) | cpl),
        .attributes = (uint16_t)(REAL_CODE | cpl << VMACCEL_X86_SEG_DPL_SHIFT | VMACCEL_X86_SEG_G |
                                 (code64 ? VMACCEL_X86_SEG_L : VMACCEL_X86_SEG_DB))};
    c->cpl = (uint8_t)cpl;
}

void seg_flat_stack(struct cpu *c, uint16_t selector, unsigned cpl)
{
    c->seg[SEG_SS] =
        (struct seg){.limit = UINT32_MAX,
                     .selector = (uint16_t)((selector & 0xfffc) | cpl),
                     .attributes = (uint16_t)(REAL_DATA | cpl << VMACCEL_X86_SEG_DPL_SHIFT |
                                              VMACCEL_X86_SEG_G | VMACCEL_X86_SEG_DB)};
}

/* ---- Stacks ---- */

void stack_current(const struct cpu *c, struct stack *s)
{
    const struct seg *ss = &c->seg[SEG_SS];

    *s = (struct stack){.base = ss->base,
                        .sp = c->r[RSP],
                        .mask = cpu_stack_mask(c),
                        .limit = ss->limit,
                        .attributes = ss->attributes,
                        .flat64 = c->mode & MODE_CODE64,
                        .own = true};
}

static bool stack_linear(struct cpu *c, const struct uop *u, const struct stack *s, uint64_t sp,
                         unsigned size, uint64_t *linear)
{
    bool ok;

    sp &= s->mask;
    if (s->flat64) {
        *linear = sp;
        ok = canonical(c, sp) && canonical(c, sp + size - 1);
    } else {
        uint64_t last = sp + size - 1;
        *linear = (s->base + sp) & 0xffffffff;
        if (!(s->attributes & VMACCEL_X86_SEG_P))
            ok = false;
        else if ((s->attributes & 0xc) == 4) /* expand-down */
            ok = sp > s->limit &&
                 last <= (s->attributes & VMACCEL_X86_SEG_DB ? UINT32_MAX : UINT32_C(0xffff));
        else
            ok = last <= s->limit || s->limit == UINT32_MAX;
    }
    return ok ? true : fault_selector(c, u, EXC_SS, s->fault);
}

bool stack_push(struct cpu *c, const struct uop *u, struct stack *s, unsigned size, uint64_t value)
{
    uint64_t linear, sp = (s->sp - size) & s->mask;

    if (!stack_linear(c, u, s, sp, size, &linear) ||
        !(s->own ? cpu_store : cpu_store_system)(c, u, linear, size, value))
        return false;
    s->sp = sp;
    return true;
}

bool stack_read(struct cpu *c, const struct uop *u, const struct stack *s, unsigned size,
                uint64_t at, uint64_t *value)
{
    uint64_t linear;

    if (!stack_linear(c, u, s, s->sp + at, size, &linear) ||
        !(s->own ? cpu_load : cpu_load_system)(c, u, linear, size))
        return false;
    *value = size == 8 ? c->ld.u64[0] : size == 4 ? c->ld.u32[0] : c->ld.u16[0];
    return true;
}

static bool stack_from_tss(struct cpu *c, const struct uop *u, unsigned cpl, uint16_t *ss,
                           uint64_t *sp)
{
    bool wide = c->tr.attributes & 8;
    uint32_t at = wide ? 4 + 8 * cpl : 2 + 4 * cpl;
    uint32_t size = wide ? 6 : 4;

    if (!(c->tr.attributes & VMACCEL_X86_SEG_P) || at + size - 1 > c->tr.limit)
        return fault_selector(c, u, EXC_TS, c->tr.selector);
    if (!cpu_load_system(c, u, c->tr.base + at, size))
        return false;
    *sp = wide ? c->ld.u32[0] : c->ld.u16[0];
    *ss = c->ld.u16[wide ? 2 : 1];
    if (IS_NULL(*ss))
        return fault_selector(c, u, EXC_TS, *ss);
    return true;
}

bool stack_inner(struct cpu *c, const struct uop *u, unsigned cpl, struct stack *s,
                 uint16_t *selector, struct descriptor *ss)
{
    struct seg seg;

    *s = (struct stack){0};
    if (!stack_from_tss(c, u, cpl, selector, &s->sp) ||
        !seg_check_stack(c, u, *selector, cpl, EXC_TS, ss))
        return false;
    seg_install(&seg, *selector, ss);
    s->base = seg.base;
    s->limit = seg.limit;
    s->attributes = seg.attributes;
    s->mask = seg.attributes & VMACCEL_X86_SEG_DB ? 0xffffffff : 0xffff;
    s->fault = *selector;
    return true;
}

bool stack_from_tss64(struct cpu *c, const struct uop *u, unsigned index, uint64_t *rsp)
{
    uint32_t at = 4 + 8 * index;

    if (!(c->tr.attributes & VMACCEL_X86_SEG_P) || at + 7 > c->tr.limit)
        return fault_selector(c, u, EXC_TS, c->tr.selector);
    if (!cpu_load_system(c, u, c->tr.base + at, 8))
        return false;
    *rsp = c->ld.u64[0];
    return canonical(c, *rsp) ? true : fault_selector(c, u, EXC_SS, 0);
}

/* After SS, CS and the mode are those that the stack belongs to. */
void stack_commit(struct cpu *c, const struct stack *s)
{
    if (s->mask == 0xffff)
        c->r[RSP] = (c->r[RSP] & ~s->mask) | (s->sp & s->mask);
    else
        c->r[RSP] = s->sp & s->mask;
}
