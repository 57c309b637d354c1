/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions on descriptor tables and descriptors. */
#include <string.h>

#include "cpu/x86/sys.h"

static const struct uop *fault(struct cpu *c, const struct uop *u)
{
    return cpu_raise_error(c, u, EXC_GP, 0);
}

static bool umip_fault(struct cpu *c, const struct uop *u)
{
    if (c->cpl == 0 || !(c->cr4 & X86_CR4_UMIP))
        return false;
    fault(c, u);
    return true;
}

/* ---- LGDT and its like. imm: IDT; aux16: bits of the operand size ---- */

static const struct uop *op_load_table(struct cpu *c, const struct uop *u)
{
    bool wide = c->mode & MODE_CODE64;
    uint64_t base;

    if (!cpu_load(c, u, uop_ea(c, u), wide ? 10 : 6))
        return NULL;
    memcpy(&base, c->ld.u8 + 2, 8);
    if (!wide)
        base &= u->aux16 == 16 ? 0xffffff : 0xffffffff;
    if (wide && !canonical_base(c, base))
        return fault(c, u);
    if (u->imm) {
        c->idt.base = base;
        c->idt.limit = c->ld.u16[0];
    } else {
        c->gdt.base = base;
        c->gdt.limit = c->ld.u16[0];
    }
    NEXT_SLOW(c, u);
}

static const struct uop *op_store_table(struct cpu *c, const struct uop *u)
{
    uint8_t image[10];

    if (umip_fault(c, u))
        return NULL;
    memcpy(image, u->imm ? &c->idt.limit : &c->gdt.limit, 2);
    memcpy(image + 2, u->imm ? &c->idt.base : &c->gdt.base, 8);
    if (!cpu_store_bytes(c, u, uop_ea(c, u), c->mode & MODE_CODE64 ? 10 : 6, image))
        return NULL;
    END_SLOW(c, u);
}

/* ---- LLDT, LTR, and reading them back ---- */

static bool system_descriptor(struct cpu *c, const struct uop *u, uint16_t selector, unsigned types,
                              struct descriptor *d)
{
    if (selector & 4)
        return fault_selector(c, u, EXC_GP, selector);
    if (!descriptor_read(c, u, selector, EXC_GP, d))
        return false;
    if (DESC_S(d) || !(types >> DESC_TYPE(d) & 1))
        return fault_selector(c, u, EXC_GP, selector);
    if (!DESC_P(d))
        return fault_selector(c, u, EXC_NP, selector);
    return !(c->mode & MODE_LONG) || descriptor_extend(c, u, selector, d);
}

static const struct uop *op_lldt(struct cpu *c, const struct uop *u)
{
    struct descriptor d;
    uint16_t selector;

    if (!sys_load16(c, u, &selector))
        return NULL;
    if (IS_NULL(selector)) {
        c->ldt = (struct seg){.selector = selector};
    } else {
        if (!system_descriptor(c, u, selector, 1u << SYS_LDT, &d))
            return NULL;
        seg_install(&c->ldt, selector, &d);
    }
    NEXT_SLOW(c, u);
}

static const struct uop *op_ltr(struct cpu *c, const struct uop *u)
{
    struct descriptor d;
    uint16_t selector;
    unsigned types = 1u << SYS_TSS32 | (c->mode & MODE_LONG ? 0 : 1u << SYS_TSS16);

    if (!sys_load16(c, u, &selector))
        return NULL;
    if (IS_NULL(selector))
        return fault(c, u);
    if (!system_descriptor(c, u, selector, types, &d) || !descriptor_mark(c, u, &d, 2))
        return NULL;
    seg_install(&c->tr, selector, &d);
    END_SLOW(c, u);
}

/* imm: which. */
enum { STORE_LDT, STORE_TR, STORE_MSW };

static const struct uop *op_store(struct cpu *c, const struct uop *u)
{
    uint64_t value = u->imm == STORE_LDT  ? c->ldt.selector
                     : u->imm == STORE_TR ? c->tr.selector
                                          : c->cr0;

    if (umip_fault(c, u) || !sys_store16(c, u, value))
        return NULL;
    END_SLOW(c, u);
}

/* ---- LAR, LSL, VERR, VERW: ZF tells whether the selector is good ---- */

static void set_zf(struct cpu *c, bool set)
{
    uint64_t flags = cpu_arith_flags(c);

    cpu_set_arith_flags(c, set ? flags | X86_FLAGS_ZF : flags & ~X86_FLAGS_ZF);
}

/* System types that LAR and LSL know, outside and in long mode. */
#define LAR_TYPES 0x1a3eu
#define LAR_LONG  0x1a04u
#define LSL_TYPES 0x0a0eu
#define LSL_LONG  0x0a04u
#define NO_TYPES  0u

/* 1: visible, 0: not, -1: fault. */
static int visible(struct cpu *c, const struct uop *u, uint16_t selector, unsigned types,
                   struct descriptor *d)
{
    if (IS_NULL(selector))
        return 0;
    if (!descriptor_look(c, u, selector, d))
        return c->event.kind == EVENT_NONE ? 0 : -1;
    if (!DESC_S(d) && !(types >> DESC_TYPE(d) & 1))
        return 0;
    if (DESC_CODE(d) && DESC_CONFORM(d))
        return 1;
    return DESC_DPL(d) >= c->cpl && DESC_DPL(d) >= (selector & 3u);
}

/* imm: LSL; aux16: bits of the result, which goes to dst. */
static const struct uop *op_lar_lsl(struct cpu *c, const struct uop *u)
{
    struct descriptor d;
    uint16_t selector;
    bool wide = c->mode & MODE_LONG;
    unsigned types = u->imm ? wide ? LSL_LONG : LSL_TYPES : wide ? LAR_LONG : LAR_TYPES;
    unsigned bits = u->aux16;

    if (!sys_load16(c, u, &selector))
        return NULL;
    int result = visible(c, u, selector, types, &d);
    if (result < 0)
        return NULL;
    set_zf(c, result);
    if (result)
        sys_write_gpr(c, u->dst, bits, u->imm ? descriptor_limit(&d) : d.hi & 0xf0ff00);
    NEXT_SLOW(c, u);
}

/* imm: VERW. */
static const struct uop *op_ver(struct cpu *c, const struct uop *u)
{
    struct descriptor d;
    uint16_t selector;

    if (!sys_load16(c, u, &selector))
        return NULL;
    int result = visible(c, u, selector, NO_TYPES, &d);
    if (result < 0)
        return NULL;
    set_zf(c, result && (u->imm ? DESC_DATA_W(&d) : DESC_READ(&d)));
    NEXT_SLOW(c, u);
}

static const struct uop *op_arpl(struct cpu *c, const struct uop *u)
{
    uint16_t to, from = R16(c, u->imm);

    if (u->aux) {
        if (!cpu_load_rmw(c, u, uop_ea(c, u), 2))
            return NULL;
        to = c->ld.u16[0];
    } else {
        to = R16(c, u->dst);
    }
    bool raise = (to & 3) < (from & 3);
    if (raise) {
        to = (uint16_t)((to & ~3u) | (from & 3u));
        if (u->aux && !cpu_store(c, u, uop_ea(c, u), 2, to))
            return NULL;
        if (!u->aux)
            R16(c, u->dst) = to;
    }
    set_zf(c, raise);
    END_SLOW(c, u);
}

/* ---- Translation ---- */

static bool undefined(struct translator *t)
{
    if ((t->mode & MODE_PROT) && !(t->mode & MODE_VM86))
        return false;
    translate_fault(t, EXC_UD);
    return true;
}

static bool translate_table(struct translator *t, bool idt, bool store)
{
    struct address a;

    if (!store && sys_privileged(t))
        return true;
    translate_address(t, &t->ops[0], t->mode & MODE_CODE64 ? 10 : 6, store, &a);
    struct uop *u = emit(t, store ? op_store_table : op_load_table);
    uop_set_address(u, &a);
    u->imm = idt;
    u->aux16 = t->insn.operand_width;
    return true;
}

static bool translate_load(struct translator *t, uop_fn fn)
{
    if (!undefined(t) && !sys_privileged(t))
        sys_emit_rm(t, fn, 0, 2, false);
    return true;
}

static bool translate_store(struct translator *t, unsigned what)
{
    if (what == STORE_MSW || !undefined(t))
        sys_emit_rm(t, op_store, 0, 2, true)->imm = what;
    return true;
}

static bool translate_lar(struct translator *t, bool lsl)
{
    if (undefined(t))
        return true;
    struct uop *u = sys_emit_rm(t, op_lar_lsl, 1, 2, false);
    u->imm = lsl;
    u->dst = translate_gpr(t->ops[0].reg.value);
    u->aux16 = t->insn.operand_width;
    return true;
}

static bool translate_ver(struct translator *t, bool write)
{
    if (!undefined(t))
        sys_emit_rm(t, op_ver, 0, 2, false)->imm = write;
    return true;
}

static bool translate_arpl(struct translator *t)
{
    if (!undefined(t))
        sys_emit_rm(t, op_arpl, 0, 2, true)->imm = translate_gpr(t->ops[1].reg.value);
    return true;
}

bool sys_translate_table(struct translator *t)
{
    switch (t->insn.mnemonic) {
    case ZYDIS_MNEMONIC_LGDT:
        return translate_table(t, false, false);
    case ZYDIS_MNEMONIC_LIDT:
        return translate_table(t, true, false);
    case ZYDIS_MNEMONIC_SGDT:
        return translate_table(t, false, true);
    case ZYDIS_MNEMONIC_SIDT:
        return translate_table(t, true, true);
    case ZYDIS_MNEMONIC_LLDT:
        return translate_load(t, op_lldt);
    case ZYDIS_MNEMONIC_LTR:
        return translate_load(t, op_ltr);
    case ZYDIS_MNEMONIC_SLDT:
        return translate_store(t, STORE_LDT);
    case ZYDIS_MNEMONIC_STR:
        return translate_store(t, STORE_TR);
    case ZYDIS_MNEMONIC_SMSW:
        return translate_store(t, STORE_MSW);
    case ZYDIS_MNEMONIC_LAR:
        return translate_lar(t, false);
    case ZYDIS_MNEMONIC_LSL:
        return translate_lar(t, true);
    case ZYDIS_MNEMONIC_VERR:
        return translate_ver(t, false);
    case ZYDIS_MNEMONIC_VERW:
        return translate_ver(t, true);
    case ZYDIS_MNEMONIC_ARPL:
        return translate_arpl(t);
    default:
        return false;
    }
}
