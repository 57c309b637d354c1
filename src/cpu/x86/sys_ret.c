/* SPDX-License-Identifier: BSD-2-Clause */
/* Far returns and IRET (Intel SDM vol. 2, "RET" and "IRET"). */
#include "cpu/x86/sys.h"

#define FLAGS_USER                                                                                 \
    (CC_ARITH | X86_FLAGS_TF | X86_FLAGS_DF | X86_FLAGS_NT | X86_FLAGS_RF | X86_FLAGS_AC |         \
     X86_FLAGS_ID)

static bool fault_zero(struct cpu *c, const struct uop *u)
{
    return fault_selector(c, u, EXC_GP, 0);
}

/* RF takes one instruction past a breakpoint; without breakpoints that one is over at once. */
static void set_flags(struct cpu *c, uint64_t flags)
{
    if (!(cpu_dr7(c) & 0xff))
        flags &= ~X86_FLAGS_RF;
    cpu_set_rflags(c, flags);
}

/* New flags as far as the old privilege may set them, and the image has them. */
static uint64_t merge_flags(const struct cpu *c, uint64_t image, unsigned size)
{
    uint64_t mask = FLAGS_USER, old = cpu_rflags(c);
    unsigned iopl = (unsigned)(old >> 12 & 3);

    if (c->cpl <= iopl)
        mask |= X86_FLAGS_IF;
    if (c->cpl == 0)
        mask |= X86_FLAGS_IOPL | X86_FLAGS_VIF | X86_FLAGS_VIP;
    if (size == 2)
        mask &= 0xffff;
    return (old & ~mask) | (image & mask);
}

/* DS and its like hold nothing that the new privilege may not use. */
static void drop_segments(struct cpu *c, unsigned cpl)
{
    static const uint8_t data[4] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};

    for (unsigned i = 0; i < 4; i++) {
        struct seg *s = &c->seg[data[i]];
        unsigned dpl = s->attributes >> VMACCEL_X86_SEG_DPL_SHIFT & 3;
        if ((s->attributes & VMACCEL_X86_SEG_P) && dpl < cpl && (s->attributes & 0xc) != 0xc)
            *s = (struct seg){.base = s->base};
    }
}

/* What lies on the stack: RIP, CS, flags, RSP, SS, and more for virtual-8086 mode. */
enum { AT_RIP, AT_CS, AT_FLAGS };

static bool read_stack(struct cpu *c, const struct uop *u, const struct stack *s, unsigned size,
                       unsigned first, unsigned count, uint64_t extra, uint64_t *values)
{
    for (unsigned i = first; i < first + count; i++)
        if (!stack_read(c, u, s, size, extra + (uint64_t)size * i, &values[i]))
            return false;
    return true;
}

static bool check_code(struct cpu *c, const struct uop *u, uint16_t selector, uint64_t rip,
                       struct descriptor *d)
{
    unsigned rpl = selector & 3;

    if (IS_NULL(selector))
        return fault_zero(c, u);
    if (!descriptor_read(c, u, selector, EXC_GP, d))
        return false;
    if (!DESC_CODE(d) || rpl < c->cpl ||
        (DESC_CONFORM(d) ? DESC_DPL(d) > rpl : DESC_DPL(d) != rpl) ||
        ((c->mode & MODE_LONG) && DESC_L(d) && DESC_DB(d)))
        return fault_selector(c, u, EXC_GP, selector);
    if (!DESC_P(d))
        return fault_selector(c, u, EXC_NP, selector);
    return code_offset_valid(c, d, rip) ? true : fault_zero(c, u);
}

/* SS to return to; *null where 64-bit code may have none. */
static bool check_stack(struct cpu *c, const struct uop *u, uint16_t selector,
                        const struct descriptor *code, unsigned cpl, struct descriptor *ss,
                        bool *null)
{
    *null = IS_NULL(selector);
    if (!*null)
        return seg_check_stack(c, u, selector, cpl, EXC_GP, ss);
    if (!(c->mode & MODE_LONG) || !DESC_L(code) || cpl == 3 || (selector & 3u) != cpl)
        return fault_zero(c, u);
    return true;
}

/* A return whose RIP and CS are read. `extra`: parameters to drop. `with_stack`: SS:RSP follow at
 * `at` even at the same privilege. `flags`: NULL for RET. */
static bool finish(struct cpu *c, const struct uop *u, const uint64_t *values, struct stack *s,
                   unsigned size, uint64_t popped, uint64_t extra, bool with_stack,
                   const uint64_t *flags)
{
    struct descriptor code, ss = {0};
    uint64_t outer[2];
    uint16_t selector = (uint16_t)values[AT_CS], ss_selector = 0;
    unsigned cpl = selector & 3;
    bool null = false;

    if (!check_code(c, u, selector, values[AT_RIP], &code))
        return false;
    bool leaves = cpl > c->cpl, stacked = leaves || with_stack;
    if (stacked) {
        if (!read_stack(c, u, s, size, 0, 2, popped + extra, outer))
            return false;
        ss_selector = (uint16_t)outer[1];
        if (!check_stack(c, u, ss_selector, &code, cpl, &ss, &null))
            return false;
    }
    if (!descriptor_mark(c, u, &code, 1) || (stacked && !null && !descriptor_mark(c, u, &ss, 1)))
        return false;
    uint64_t merged = flags ? merge_flags(c, *flags, size) : 0;
    seg_install(&c->seg[SEG_CS], selector, &code);
    if (stacked && null)
        c->seg[SEG_SS] = (struct seg){.selector = ss_selector};
    else if (stacked)
        seg_install(&c->seg[SEG_SS], ss_selector, &ss);
    if (leaves)
        drop_segments(c, cpl);
    c->cpl = (uint8_t)cpl;
    c->r[RIP] = values[AT_RIP];
    if (flags)
        set_flags(c, merged);
    cpu_update_mode(c);
    if (stacked) {
        uint64_t mask = cpu_stack_mask(c);
        uint64_t sp = outer[0] + (leaves ? extra : 0);
        c->r[RSP] = mask == 0xffff ? (c->r[RSP] & ~mask) | (sp & mask) : sp & mask;
    } else {
        s->sp += popped + extra;
        stack_commit(c, s);
    }
    return true;
}

/* ---- RET ---- */

const struct uop *sys_far_ret(struct cpu *c, const struct uop *u)
{
    struct stack s;
    uint64_t values[2];
    unsigned size = u->aux;
    uint64_t extra = (uint64_t)u->imm;

    stack_current(c, &s);
    if (!read_stack(c, u, &s, size, 0, 2, 0, values))
        return NULL;
    if (protected_mode(c)) {
        finish(c, u, values, &s, size, 2 * size, extra, false, NULL);
        return NULL;
    }
    if (values[AT_RIP] > c->seg[SEG_CS].limit)
        return cpu_raise_error(c, u, EXC_GP, 0);
    s.sp += 2 * size + extra;
    stack_commit(c, &s);
    seg_install_real(c, SEG_CS, (uint16_t)values[AT_CS]);
    cpu_update_mode(c);
    return cpu_jump(c, values[AT_RIP]);
}

/* ---- IRET ---- */

static bool iret_real(struct cpu *c, const struct uop *u, unsigned size)
{
    struct stack s;
    uint64_t values[3], old = cpu_rflags(c);
    uint64_t keep = X86_FLAGS_VM | X86_FLAGS_VIF | X86_FLAGS_VIP;
    bool vm86 = c->mode & MODE_VM86, virtual_if = false;

    if (vm86 && (old & X86_FLAGS_IOPL) != X86_FLAGS_IOPL) {
        if (!(c->cr4 & X86_CR4_VME) || size != 2)
            return fault_zero(c, u);
        virtual_if = true;
    }
    stack_current(c, &s);
    if (!read_stack(c, u, &s, size, 0, 3, 0, values))
        return false;
    if (values[AT_RIP] > c->seg[SEG_CS].limit)
        return fault_zero(c, u);
    uint64_t image = values[AT_FLAGS];
    if (virtual_if) {
        if ((image & X86_FLAGS_TF) || ((image & X86_FLAGS_IF) && (old & X86_FLAGS_VIP)))
            return fault_zero(c, u);
        keep |= X86_FLAGS_IF;
        old = (old & ~X86_FLAGS_VIF) | (image & X86_FLAGS_IF ? X86_FLAGS_VIF : 0);
    }
    if (vm86)
        keep |= X86_FLAGS_IOPL;
    if (size == 2)
        keep |= ~UINT64_C(0xffff);
    s.sp += 3 * size;
    stack_commit(c, &s);
    seg_install_real(c, SEG_CS, (uint16_t)values[AT_CS]);
    c->r[RIP] = values[AT_RIP];
    set_flags(c, (old & keep) | (image & ~keep));
    return true;
}

static bool iret_task(struct cpu *c, const struct uop *u)
{
    struct descriptor tss;

    if (c->mode & MODE_LONG)
        return fault_zero(c, u);
    if (!cpu_load_system(c, u, c->tr.base, 2))
        return false;
    uint16_t selector = c->ld.u16[0];
    if ((selector & 4) || IS_NULL(selector))
        return fault_selector(c, u, EXC_TS, selector);
    if (!descriptor_read(c, u, selector, EXC_TS, &tss))
        return false;
    if (DESC_S(&tss) || (DESC_TYPE(&tss) != SYS_TSS16_BUSY && DESC_TYPE(&tss) != SYS_TSS32_BUSY))
        return fault_selector(c, u, EXC_TS, selector);
    if (!DESC_P(&tss))
        return fault_selector(c, u, EXC_NP, selector);
    return task_switch(c, u, selector, &tss, TASK_RETURN, cpu_next_rip(c, u), NULL) == TASK_DONE;
}

static bool iret_to_vm86(struct cpu *c, const struct uop *u, struct stack *s, uint64_t *values)
{
    static const uint8_t order[4] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};

    if (!read_stack(c, u, s, 4, 3, 6, 0, values))
        return false;
    if (values[AT_RIP] > 0xffff)
        return fault_zero(c, u);
    c->r[RIP] = values[AT_RIP];
    set_flags(c, values[AT_FLAGS]);
    seg_install_real(c, SEG_CS, (uint16_t)values[AT_CS]);
    seg_install_real(c, SEG_SS, (uint16_t)values[4]);
    for (unsigned i = 0; i < 4; i++)
        seg_install_real(c, order[i], (uint16_t)values[5 + i]);
    c->r[RSP] = values[3];
    cpu_update_mode(c);
    return true;
}

static bool iret(struct cpu *c, const struct uop *u, unsigned size)
{
    struct stack s;
    uint64_t values[9];

    if (!protected_mode(c))
        return iret_real(c, u, size);
    if (c->rflags & X86_FLAGS_NT)
        return iret_task(c, u);
    stack_current(c, &s);
    if (!read_stack(c, u, &s, size, 0, 3, 0, values))
        return false;
    if ((values[AT_FLAGS] & X86_FLAGS_VM) && size == 4 && c->cpl == 0 && !(c->mode & MODE_LONG))
        return iret_to_vm86(c, u, &s, values);
    return finish(c, u, values, &s, size, 3 * size, 0, c->mode & MODE_CODE64, &values[AT_FLAGS]);
}

const struct uop *sys_iret(struct cpu *c, const struct uop *u)
{
    if (iret(c, u, u->aux))
        c->nmi_masked = false;
    return NULL;
}

/* ---- INT n in virtual-8086 mode ---- */

int vm86_redirect(struct cpu *c, const struct uop *u, uint8_t vector)
{
    uint64_t flags = cpu_rflags(c);
    bool full = (flags & X86_FLAGS_IOPL) == X86_FLAGS_IOPL;
    struct stack s;

    if (!(c->cr4 & X86_CR4_VME))
        return 0;
    if (c->tr.limit < 103) {
        fault_zero(c, u);
        return -1;
    }
    if (!cpu_load_system(c, u, c->tr.base + 102, 2))
        return -1;
    /* 32 bytes below the I/O bitmap. */
    uint32_t at = c->ld.u16[0] - 32u + vector / 8;
    if (c->ld.u16[0] < 32 || at > c->tr.limit) {
        fault_zero(c, u);
        return -1;
    }
    if (!cpu_load_system(c, u, c->tr.base + at, 1))
        return -1;
    if (c->ld.u8[0] >> (vector & 7) & 1)
        return 0;
    if (!cpu_load(c, u, vector * 4u, 4))
        return -1;
    uint16_t ip = c->ld.u16[0], cs = c->ld.u16[1];
    uint64_t image = flags, cleared = X86_FLAGS_TF | X86_FLAGS_NT | X86_FLAGS_RF;
    if (!full)
        image =
            (image & ~X86_FLAGS_IF) | X86_FLAGS_IOPL | (flags & X86_FLAGS_VIF ? X86_FLAGS_IF : 0);
    cleared |= full ? X86_FLAGS_IF : X86_FLAGS_VIF;
    stack_current(c, &s);
    if (!stack_push(c, u, &s, 2, image) || !stack_push(c, u, &s, 2, c->seg[SEG_CS].selector) ||
        !stack_push(c, u, &s, 2, cpu_next_rip(c, u)))
        return -1;
    stack_commit(c, &s);
    seg_install_real(c, SEG_CS, cs);
    c->r[RIP] = ip;
    cpu_set_rflags(c, flags & ~cleared);
    return 1;
}
