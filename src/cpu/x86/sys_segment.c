/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions that load and store segment registers. */
#include "cpu/x86/sys.h"

int sys_segment(const ZydisDecodedOperand *op)
{
    if (op->type != ZYDIS_OPERAND_TYPE_REGISTER)
        return -1;
    switch (op->reg.value) {
    case ZYDIS_REGISTER_ES:
        return SEG_ES;
    case ZYDIS_REGISTER_CS:
        return SEG_CS;
    case ZYDIS_REGISTER_SS:
        return SEG_SS;
    case ZYDIS_REGISTER_DS:
        return SEG_DS;
    case ZYDIS_REGISTER_FS:
        return SEG_FS;
    case ZYDIS_REGISTER_GS:
        return SEG_GS;
    default:
        return -1;
    }
}

/* After MOV SS and POP SS the stack pointer follows: nothing comes between. */
static const struct uop *loaded(struct cpu *c, const struct uop *u, unsigned seg)
{
    if (seg == SEG_SS)
        c->shadow = VMACCEL_X86_SHADOW_MOV_SS;
    cpu_update_mode(c);
    return cpu_leave(c, u);
}

/* imm: the segment. */
static const struct uop *op_mov_to_seg(struct cpu *c, const struct uop *u)
{
    uint16_t selector;
    unsigned seg = (unsigned)u->imm;

    if (!sys_load16(c, u, &selector) || !seg_load(c, u, seg, selector))
        return NULL;
    return loaded(c, u, seg);
}

static const struct uop *op_mov_from_seg(struct cpu *c, const struct uop *u)
{
    if (!sys_store16(c, u, c->seg[u->imm].selector))
        return NULL;
    END_SLOW(c, u);
}

/* aux: the segment, aux16: bytes. */
static const struct uop *op_push_seg(struct cpu *c, const struct uop *u)
{
    if (!cpu_push(c, u, u->aux16, c->seg[u->aux].selector))
        return NULL;
    END_SLOW(c, u);
}

static const struct uop *op_pop_seg(struct cpu *c, const struct uop *u)
{
    if (!cpu_peek(c, u, u->aux16, 0))
        return NULL;
    /* SS's own size may change: the pop is at the old one. */
    uint64_t mask = cpu_stack_mask(c), sp = c->r[RSP] + u->aux16;
    if (!seg_load(c, u, u->aux, c->ld.u16[0]))
        return NULL;
    c->r[RSP] = mask == 0xffff ? (c->r[RSP] & ~mask) | (sp & mask) : sp & mask;
    return loaded(c, u, u->aux);
}

/* aux: the segment, aux16: bytes of the offset, which goes to dst. */
static const struct uop *op_load_far(struct cpu *c, const struct uop *u)
{
    if (!cpu_load(c, u, uop_ea(c, u), u->aux16 + 2u))
        return NULL;
    uint64_t offset = u->aux16 == 8 ? c->ld.u64[0] : u->aux16 == 4 ? c->ld.u32[0] : c->ld.u16[0];
    uint16_t selector = c->ld.u16[u->aux16 / 2];
    if (!seg_load(c, u, u->aux, selector))
        return NULL;
    sys_write_gpr(c, u->dst, u->aux16 * 8u, offset);
    cpu_update_mode(c);
    return cpu_leave(c, u);
}

static bool translate_mov(struct translator *t)
{
    int to = sys_segment(&t->ops[0]), from = sys_segment(&t->ops[1]);

    if (to < 0 && from < 0)
        return false;
    if (to == SEG_CS) {
        translate_fault(t, EXC_UD);
        return true;
    }
    struct uop *u = to >= 0 ? sys_emit_rm(t, op_mov_to_seg, 1, 2, false)
                            : sys_emit_rm(t, op_mov_from_seg, 0, 2, true);
    u->imm = to >= 0 ? to : from;
    t->ends_block |= to >= 0;
    return true;
}

static bool translate_stack(struct translator *t, uop_fn fn)
{
    int seg = sys_segment(&t->ops[0]);

    if (seg < 0)
        return false;
    struct uop *u = emit(t, fn);
    u->seg = SEG_SS;
    u->aux = (uint8_t)seg;
    u->aux16 = t->insn.operand_width / 8;
    t->ends_block |= fn == op_pop_seg;
    return true;
}

static bool translate_far(struct translator *t, unsigned seg)
{
    struct address a;
    unsigned size = t->insn.operand_width / 8u;

    translate_address(t, &t->ops[1], size + 2, false, &a);
    struct uop *u = emit(t, op_load_far);
    uop_set_address(u, &a);
    u->aux = (uint8_t)seg;
    u->aux16 = (uint16_t)size;
    u->dst = translate_gpr(t->ops[0].reg.value);
    t->ends_block = true;
    return true;
}

bool sys_translate_segment(struct translator *t)
{
    switch (t->insn.mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
        return translate_mov(t);
    case ZYDIS_MNEMONIC_PUSH:
        return translate_stack(t, op_push_seg);
    case ZYDIS_MNEMONIC_POP:
        return translate_stack(t, op_pop_seg);
    case ZYDIS_MNEMONIC_LDS:
        return translate_far(t, SEG_DS);
    case ZYDIS_MNEMONIC_LES:
        return translate_far(t, SEG_ES);
    case ZYDIS_MNEMONIC_LFS:
        return translate_far(t, SEG_FS);
    case ZYDIS_MNEMONIC_LGS:
        return translate_far(t, SEG_GS);
    case ZYDIS_MNEMONIC_LSS:
        return translate_far(t, SEG_SS);
    default:
        return false;
    }
}
