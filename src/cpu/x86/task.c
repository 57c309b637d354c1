/* SPDX-License-Identifier: BSD-2-Clause */
/* Task switches (Intel SDM vol. 3, "Task Management"; vol. 2 for the order of the checks). */
#include <string.h>

#include "cpu/x86/sys.h"

#define TSS32_SIZE 104u
#define TSS16_SIZE 44u

/* Where a TSS keeps things, and what it keeps them in. */
struct layout {
    uint32_t limit; /* the least */
    uint8_t size;   /* of a general register */
    uint8_t rip, flags, gpr, segments, segment_step, segment_count, ldt;
    uint8_t first, saved; /* the part that a switch away writes */
};

static const struct layout layouts[2] = {
    {.limit = 0x2b,
     .size = 2,
     .rip = 14,
     .flags = 16,
     .gpr = 18,
     .segments = 34,
     .segment_step = 2,
     .segment_count = 4,
     .ldt = 42,
     .first = 14,
     .saved = 28},
    {.limit = 0x67,
     .size = 4,
     .rip = 32,
     .flags = 36,
     .gpr = 40,
     .segments = 72,
     .segment_step = 4,
     .segment_count = 6,
     .ldt = 96,
     .first = 32,
     .saved = 64},
};

/* TSS order of the general registers, and of the segments. */
static const uint8_t gpr_order[8] = {RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI};
static const uint8_t seg_order[6] = {SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS};

static uint32_t get(const uint8_t *image, unsigned at, unsigned size)
{
    uint32_t value = 0;
    memcpy(&value, image + at, size);
    return value;
}

static void put(uint8_t *image, unsigned at, unsigned size, uint64_t value)
{
    memcpy(image + at, &value, size);
}

static bool read_image(struct cpu *c, const struct uop *u, uint64_t base, uint8_t *image,
                       unsigned size)
{
    for (unsigned at = 0; at < size;) {
        unsigned part = size - at < 64 ? size - at : 64;
        if (!cpu_load_system(c, u, base + at, part))
            return false;
        memcpy(image + at, c->ld.u8, part);
        at += part;
    }
    return true;
}

/* The old TSS was found writable before. */
static bool save(struct cpu *c, const struct uop *u, const struct layout *l, uint64_t rip,
                 uint64_t flags)
{
    uint8_t image[TSS32_SIZE] = {0};

    put(image, l->rip, l->size, rip);
    put(image, l->flags, l->size, flags);
    for (unsigned i = 0; i < 8; i++)
        put(image, l->gpr + l->size * i, l->size, c->r[gpr_order[i]]);
    for (unsigned i = 0; i < l->segment_count; i++)
        put(image, l->segments + l->segment_step * i, 2, c->seg[seg_order[i]].selector);
    for (unsigned at = l->first; at < l->first + l->saved; at += 4)
        if (!cpu_store_system(c, u, c->tr.base + at, 4, get(image, at, 4)))
            return false;
    return true;
}

/* Set or clear the busy bit of a TSS in the GDT. */
static bool set_busy(struct cpu *c, const struct uop *u, uint16_t selector, bool busy)
{
    uint64_t address = c->gdt.base + (selector & 0xfff8u) + 5;

    if (!cpu_load_system(c, u, address, 1))
        return false;
    return cpu_store_system(c, u, address, 1, (c->ld.u8[0] & ~2u) | (busy ? 2u : 0));
}

static bool load_ldt(struct cpu *c, uint16_t selector)
{
    struct descriptor d;

    c->ldt = (struct seg){.selector = selector};
    if (IS_NULL(selector))
        return true;
    if (selector & 4)
        return fault_selector(c, NULL, EXC_TS, selector);
    if (!descriptor_read(c, NULL, selector, EXC_TS, &d))
        return false;
    if (DESC_S(&d) || DESC_TYPE(&d) != SYS_LDT || !DESC_P(&d))
        return fault_selector(c, NULL, EXC_TS, selector);
    seg_install(&c->ldt, selector, &d);
    return true;
}

static bool load_code(struct cpu *c, uint16_t selector)
{
    struct descriptor d;
    unsigned rpl = selector & 3;

    if (IS_NULL(selector))
        return fault_selector(c, NULL, EXC_TS, selector);
    if (!descriptor_read(c, NULL, selector, EXC_TS, &d))
        return false;
    if (!DESC_CODE(&d) || (DESC_CONFORM(&d) ? DESC_DPL(&d) > rpl : DESC_DPL(&d) != rpl))
        return fault_selector(c, NULL, EXC_TS, selector);
    if (!DESC_P(&d))
        return fault_selector(c, NULL, EXC_NP, selector);
    if (!descriptor_mark(c, NULL, &d, 1))
        return false;
    seg_install(&c->seg[SEG_CS], selector, &d);
    return true;
}

static bool load_data(struct cpu *c, unsigned seg, uint16_t selector)
{
    struct descriptor d;

    if (seg == SEG_SS) {
        if (IS_NULL(selector))
            return fault_selector(c, NULL, EXC_TS, selector);
        if (!seg_check_stack(c, NULL, selector, c->cpl, EXC_TS, &d))
            return false;
    } else {
        if (IS_NULL(selector))
            return true;
        if (!descriptor_read(c, NULL, selector, EXC_TS, &d))
            return false;
        bool conforming = DESC_CODE(&d) && DESC_CONFORM(&d);
        if (!DESC_READ(&d) ||
            (!conforming && ((selector & 3u) > DESC_DPL(&d) || c->cpl > DESC_DPL(&d))))
            return fault_selector(c, NULL, EXC_TS, selector);
        if (!DESC_P(&d))
            return fault_selector(c, NULL, EXC_NP, selector);
    }
    if (!descriptor_mark(c, NULL, &d, 1))
        return false;
    seg_install(&c->seg[seg], selector, &d);
    return true;
}

/* Descriptors of the new task; what faults here is the new task's. */
static bool load_segments(struct cpu *c, const uint8_t *image, const struct layout *l)
{
    static const uint8_t order[6] = {1, 2, 0, 3, 4, 5}; /* CS and SS first */
    uint16_t selectors[6] = {0};
    bool vm86 = c->rflags & X86_FLAGS_VM;

    for (unsigned i = 0; i < l->segment_count; i++)
        selectors[i] = (uint16_t)get(image, l->segments + l->segment_step * i, 2);
    for (unsigned i = 0; i < 6; i++)
        c->seg[seg_order[i]] = (struct seg){.selector = selectors[i]};
    c->cpl = vm86 ? 3 : selectors[1] & 3;
    cpu_update_mode(c);
    if (vm86)
        for (unsigned i = 0; i < 6; i++)
            seg_install_real(c, seg_order[i], selectors[i]);
    if (!load_ldt(c, (uint16_t)get(image, l->ldt, 2)))
        return false;
    for (unsigned i = 0; i < 6 && !vm86; i++) {
        unsigned n = order[i];
        if (n == 1 ? !load_code(c, selectors[n]) : !load_data(c, seg_order[n], selectors[n]))
            return false;
    }
    cpu_update_mode(c);
    if (c->r[RIP] > c->seg[SEG_CS].limit)
        return fault_selector(c, NULL, EXC_GP, 0);
    return true;
}

/* Write-protected tables must show before anything changes. */
static bool probe(struct cpu *c, const struct uop *u, uint16_t selector, const struct descriptor *d,
                  const struct layout *old, bool nested)
{
    return cpu_probe_store_system(c, u, c->tr.base + old->first, old->saved) &&
           (!nested || cpu_probe_store_system(c, u, d->base, 2)) &&
           cpu_probe_store_system(c, u, c->gdt.base + (selector & 0xfff8u), 8) &&
           cpu_probe_store_system(c, u, c->gdt.base + (c->tr.selector & 0xfff8u), 8);
}

static bool push_error(struct cpu *c, unsigned size, uint32_t error)
{
    struct stack s;

    stack_current(c, &s);
    if (!stack_push(c, NULL, &s, size, error))
        return false;
    stack_commit(c, &s);
    return true;
}

enum task_result task_switch(struct cpu *c, const struct uop *u, uint16_t selector,
                             struct descriptor *d, enum task_reason reason, uint64_t rip,
                             const uint32_t *error)
{
    const struct layout *l = &layouts[DESC_TYPE(d) >> 3];
    const struct layout *old = &layouts[c->tr.attributes >> 3 & 1];
    bool nested = reason == TASK_CALL || reason == TASK_EVENT;
    uint8_t image[TSS32_SIZE];
    uint64_t flags = cpu_rflags(c), cr3 = c->cr3;
    uint64_t pdpte[4];

    if (descriptor_limit(d) < l->limit) {
        fault_selector(c, u, EXC_TS, selector);
        return TASK_FAULT_OLD;
    }
    if (!(c->tr.attributes & VMACCEL_X86_SEG_P) || c->tr.limit < old->limit) {
        fault_selector(c, u, EXC_TS, c->tr.selector);
        return TASK_FAULT_OLD;
    }
    if (!read_image(c, u, d->base, image, l->limit + 1) || !probe(c, u, selector, d, old, nested))
        return TASK_FAULT_OLD;
    bool paging = l->size == 4 && (c->cr0 & X86_CR0_PG);
    if (paging)
        cr3 = get(image, 28, 4);
    if (paging && !pdptes_read(c, cr3, pdpte)) {
        fault_selector(c, u, EXC_TS, selector);
        return TASK_FAULT_OLD;
    }
    if (reason == TASK_RETURN)
        flags &= ~X86_FLAGS_NT;
    uint16_t from = c->tr.selector;
    /* Memory was probed: from here on only a device could refuse. */
    if (!save(c, u, old, rip, flags) ||
        ((reason == TASK_JUMP || reason == TASK_RETURN) && !set_busy(c, u, from, false)) ||
        (reason != TASK_RETURN && !set_busy(c, u, selector, true)) ||
        (nested && !cpu_store_system(c, u, d->base, 2, from)))
        return TASK_FAULT_OLD;

    d->hi |= 2u << 8;
    seg_install(&c->tr, selector, d);
    c->cr0 |= X86_CR0_TS;
    c->dr7 &= ~UINT64_C(0x55); /* breakpoints of one task */
    if (paging) {
        c->cr3 = cr3;
        memcpy(c->pdpte, pdpte, sizeof pdpte);
        cpu_flush_tlb(c, false);
    }
    uint64_t upper = l->size == 2 ? 0xffff0000 : 0;
    for (unsigned i = 0; i < 8; i++)
        c->r[gpr_order[i]] =
            (c->r[gpr_order[i]] & upper) | get(image, l->gpr + l->size * i, l->size);
    c->r[RIP] = get(image, l->rip, l->size);
    flags = get(image, l->flags, l->size) | X86_FLAGS_FIXED;
    if (nested)
        flags |= X86_FLAGS_NT;
    cpu_set_rflags(c, flags);
    if (!load_segments(c, image, l))
        return TASK_FAULT_NEW;
    if (error && !push_error(c, l->size, *error))
        return TASK_FAULT_NEW;
    if (l->size == 4 && (get(image, 100, 2) & 1))
        c->pending_db |= X86_BIT(15);
    return TASK_DONE;
}
