/* SPDX-License-Identifier: BSD-2-Clause */
/* Effective and linear addresses, and the stack. */
#include "cpu/x86/engine.h"

/* Segment limits and types (Intel SDM vol. 3, "Segment Protection"). */
bool cpu_linear(struct cpu *c, const struct uop *u, unsigned seg, uint64_t offset, unsigned size,
                bool write, uint64_t *linear)
{
    const struct seg *s = &c->seg[seg];
    if (c->mode & MODE_CODE64) {
        *linear = offset + (seg == SEG_FS || seg == SEG_GS ? s->base : 0);
        return true;
    }
    *linear = (s->base + offset) & 0xffffffff;
    uint64_t last = offset + size - 1;
    unsigned type = s->attributes & VMACCEL_X86_SEG_TYPE;
    bool code = type & 8, ok;
    if (!(s->attributes & VMACCEL_X86_SEG_P)) {
        ok = false;
    } else if ((c->mode & MODE_PROT) && !(c->mode & MODE_VM86) &&
               (write ? code || !(type & 2) : code && !(type & 2))) {
        ok = false;
    } else if (!code && (type & 4)) {
        uint64_t top = s->attributes & VMACCEL_X86_SEG_DB ? UINT32_MAX : 0xffff;
        ok = offset > s->limit && last <= top;
    } else {
        ok = last <= s->limit || s->limit == UINT32_MAX;
    }
    if (!ok)
        cpu_raise_error(c, u, seg == SEG_SS ? EXC_SS : EXC_GP, 0);
    return ok;
}

bool cpu_push(struct cpu *c, const struct uop *u, unsigned size, uint64_t value)
{
    uint64_t sp = (c->r[RSP] - size) & cpu_stack_mask(c), linear;
    if (!cpu_linear(c, u, SEG_SS, sp, size, true, &linear) || !cpu_store(c, u, linear, size, value))
        return false;
    cpu_set_sp(c, sp);
    return true;
}

bool cpu_peek(struct cpu *c, const struct uop *u, unsigned size, uint64_t offset)
{
    uint64_t sp = (c->r[RSP] + offset) & cpu_stack_mask(c), linear;
    return cpu_linear(c, u, SEG_SS, sp, size, false, &linear) && cpu_load(c, u, linear, size);
}

static uint64_t offset_of(const struct cpu *c, const struct uop *u)
{
    return R64(c, u->base) + (R64(c, u->index) << u->scale) + (uint64_t)(int64_t)u->disp;
}

/* 64-bit code: FS and GS, and 32-bit addresses. */
static const struct uop *op_ea_seg(struct cpu *c, const struct uop *u)
{
    c->r[REG_EA] = offset_of(c, u) + c->seg[u->seg].base;
    NEXT(c, u);
}

static const struct uop *op_ea_32(struct cpu *c, const struct uop *u)
{
    c->r[REG_EA] = (uint32_t)offset_of(c, u);
    NEXT(c, u);
}

static const struct uop *op_ea_seg_32(struct cpu *c, const struct uop *u)
{
    c->r[REG_EA] = (uint32_t)offset_of(c, u) + c->seg[u->seg].base;
    NEXT(c, u);
}

static const struct uop *op_ea_16(struct cpu *c, const struct uop *u)
{
    c->r[REG_EA] = (uint16_t)offset_of(c, u);
    NEXT(c, u);
}

/* RIP plus a displacement that leaves 32 bits. */
static const struct uop *op_ea_rip(struct cpu *c, const struct uop *u)
{
    c->r[REG_EA] = c->r[RIP] + (uint64_t)u->imm;
    NEXT(c, u);
}

static const struct uop *op_ea_absolute(struct cpu *c, const struct uop *u)
{
    c->r[REG_EA] = (uint64_t)u->imm;
    NEXT(c, u);
}

/* Checked: aux16 is the size, dst tells a write, aux the address size in bytes. */
static const struct uop *op_ea_checked(struct cpu *c, const struct uop *u)
{
    uint64_t offset = offset_of(c, u);
    offset = u->aux == 2 ? (uint16_t)offset : (uint32_t)offset;
    uint64_t linear;
    if (!cpu_linear(c, u, u->seg, offset, u->aux16, u->dst, &linear))
        return NULL;
    c->r[REG_EA] = linear;
    NEXT_SLOW(c, u);
}

static unsigned segment_of(ZydisRegister reg)
{
    switch (reg) {
    case ZYDIS_REGISTER_ES:
        return SEG_ES;
    case ZYDIS_REGISTER_CS:
        return SEG_CS;
    case ZYDIS_REGISTER_SS:
        return SEG_SS;
    case ZYDIS_REGISTER_FS:
        return SEG_FS;
    case ZYDIS_REGISTER_GS:
        return SEG_GS;
    default:
        return SEG_DS;
    }
}

static void plain(const struct translator *t, const ZydisDecodedOperand *op, struct address *a,
                  bool *rip)
{
    *a = (struct address){REG_OFF(REG_ZERO), REG_OFF(REG_ZERO), 0, 0, 0};
    *rip = false;
    a->seg = (uint8_t)segment_of(op->mem.segment);
    int64_t disp = op->mem.disp.has_displacement ? op->mem.disp.value : 0;
    if (op->mem.base == ZYDIS_REGISTER_RIP || op->mem.base == ZYDIS_REGISTER_EIP) {
        a->base = REG_OFF(RIP);
        disp += t->off + t->insn.length;
        *rip = true;
    } else if (op->mem.base != ZYDIS_REGISTER_NONE) {
        a->base = translate_gpr(op->mem.base);
    }
    if (op->mem.index != ZYDIS_REGISTER_NONE) {
        a->index = translate_gpr(op->mem.index);
        a->scale = (uint8_t)(op->mem.scale == 8   ? 3
                             : op->mem.scale == 4 ? 2
                             : op->mem.scale == 2 ? 1
                                                  : 0);
    }
    a->disp = (int32_t)disp;
}

void translate_address(struct translator *t, const ZydisDecodedOperand *op, unsigned size,
                       bool write, struct address *address)
{
    bool rip;
    plain(t, op, address, &rip);
    int64_t disp = op->mem.disp.has_displacement ? op->mem.disp.value : 0;
    bool far_disp = disp != (int32_t)disp || (rip && disp + t->off + t->insn.length !=
                                                         (int32_t)(disp + t->off + t->insn.length));
    bool based = address->seg == SEG_FS || address->seg == SEG_GS;
    unsigned width = t->insn.address_width;
    uop_fn fn;
    if (t->mode & MODE_CODE64) {
        if (!based && width == 64 && !far_disp)
            return;
        fn = width == 32 ? based ? op_ea_seg_32 : op_ea_32 : based ? op_ea_seg : NULL;
    } else if ((t->mode & MODE_FLAT) && !based && address->seg != SEG_CS) {
        fn = width == 16 ? op_ea_16 : op_ea_32;
    } else {
        fn = op_ea_checked;
    }
    if (far_disp) {
        /* An absolute 64-bit address (MOV's moffs), or one just out of RIP's reach. */
        struct uop *u = emit(t, op_ea_rip);
        if (rip) {
            u->imm = disp + t->off + t->insn.length;
        } else {
            u->imm = disp;
            u->fn = op_ea_absolute;
        }
        address->base = REG_OFF(REG_EA);
        address->disp = 0;
    }
    if (fn) {
        struct uop *u = emit(t, fn);
        uop_set_address(u, address);
        u->aux = (uint8_t)(width / 8);
        u->aux16 = (uint16_t)size;
        u->dst = write;
    }
    *address = (struct address){REG_OFF(REG_EA), REG_OFF(REG_ZERO), 0, address->seg, 0};
}

/* LEA: the offset alone, not truncated. */
void translate_offset(struct translator *t, const ZydisDecodedOperand *op, struct address *address)
{
    bool rip;
    plain(t, op, address, &rip);
}
