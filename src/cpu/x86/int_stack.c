/* SPDX-License-Identifier: BSD-2-Clause */
/* The stack: PUSH and POP, frames, flags. */
#include "cpu/x86/int_ops.h"

/* ---- PUSH and POP of 8 bytes in 64-bit code, and of 4 where the stack is flat ---- */

#define PUSH_SP64(c, u) ((c)->r[RSP] - 8)
#define PUSH_SP32(c, u) ((uint64_t)(uint32_t)((c)->r[RSP] - 4))
#define POP_SP64(c, u)  ((c)->r[RSP])
#define POP_SP32(c, u)  ((uint64_t)(uint32_t)(c)->r[RSP])

#define PUSH_FLAT(n, form, value)                                                                  \
    COLD UOP push##n##_##form##_slow(struct cpu *c, const struct uop *u)                           \
    {                                                                                              \
        if (!cpu_push(c, u, (n) / 8, value))                                                       \
            return NULL;                                                                           \
        END_SLOW(c, u);                                                                            \
    }                                                                                              \
    UOP push##n##_##form(struct cpu *c, const struct uop *u)                                       \
    {                                                                                              \
        uint64_t sp = PUSH_SP##n(c, u);                                                            \
        uint8_t *p = tlb_write(c, sp, (n) / 8);                                                    \
        if (UNLIKELY(!p))                                                                          \
            return push##n##_##form##_slow(c, u);                                                  \
        os_store##n(p, value);                                                                     \
        c->r[RSP] = sp;                                                                            \
        NEXT(c, u);                                                                                \
    }
#define POP_FLAT(n)                                                                                \
    COLD UOP pop##n##_r_slow(struct cpu *c, const struct uop *u)                                   \
    {                                                                                              \
        if (!cpu_peek(c, u, (n) / 8, 0))                                                           \
            return NULL;                                                                           \
        cpu_set_sp(c, c->r[RSP] + (n) / 8);                                                        \
        SET##n(c, u->dst, c->ld.u##n[0]);                                                          \
        END_SLOW(c, u);                                                                            \
    }                                                                                              \
    UOP pop##n##_r(struct cpu *c, const struct uop *u)                                             \
    {                                                                                              \
        const uint8_t *p = tlb_read(c, POP_SP##n(c, u), (n) / 8);                                  \
        if (UNLIKELY(!p))                                                                          \
            return pop##n##_r_slow(c, u);                                                          \
        uint##n##_t v = os_load##n(p);                                                             \
        SET##n(c, REG_OFF(RSP), c->r[RSP] + (n) / 8);                                              \
        SET##n(c, u->dst, v);                                                                      \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    COLD UOP leave##n##_slow(struct cpu *c, const struct uop *u)                                   \
    {                                                                                              \
        if (!cpu_load(c, u, (uint##n##_t)c->r[RBP], (n) / 8))                                      \
            return NULL;                                                                           \
        SET##n(c, REG_OFF(RSP), c->r[RBP] + (n) / 8);                                              \
        SET##n(c, REG_OFF(RBP), c->ld.u##n[0]);                                                    \
        END_SLOW(c, u);                                                                            \
    }                                                                                              \
    UOP leave##n(struct cpu *c, const struct uop *u)                                               \
    {                                                                                              \
        const uint8_t *p = tlb_read(c, (uint##n##_t)c->r[RBP], (n) / 8);                           \
        if (UNLIKELY(!p))                                                                          \
            return leave##n##_slow(c, u);                                                          \
        uint##n##_t v = os_load##n(p);                                                             \
        SET##n(c, REG_OFF(RSP), c->r[RBP] + (n) / 8);                                              \
        SET##n(c, REG_OFF(RBP), v);                                                                \
        NEXT(c, u);                                                                                \
    }

PUSH_FLAT(64, r, R64(c, u->src))
PUSH_FLAT(64, i, (uint64_t)u->imm)
PUSH_FLAT(32, r, R32(c, u->src))
PUSH_FLAT(32, i, (uint32_t)u->imm)
POP_FLAT(64)
POP_FLAT(32)

/* 64, 32, or 0 where the stack has other sizes or segmentation. */
static unsigned flat_stack(const struct translator *t)
{
    unsigned bits = t->insn.operand_width;
    if (t->mode & MODE_CODE64)
        return bits == 64 ? 64 : 0;
    return bits == 32 && (t->mode & MODE_FLAT) && (t->mode & MODE_STACK32) ? 32 : 0;
}

/* ---- Any other; aux is the size in bytes ---- */

static uint64_t truncated(uint64_t value, unsigned size)
{
    return size == 8 ? value : size == 4 ? (uint32_t)value : (uint16_t)value;
}

static void set_register(struct cpu *c, uint8_t offset, unsigned size, uint64_t value)
{
    if (size == 2)
        R16(c, offset) = (uint16_t)value;
    else
        R64(c, offset) = truncated(value, size);
}

UOP push_r(struct cpu *c, const struct uop *u)
{
    if (!cpu_push(c, u, u->aux, truncated(R64(c, u->src), u->aux)))
        return NULL;
    END_SLOW(c, u);
}

UOP push_i(struct cpu *c, const struct uop *u)
{
    if (!cpu_push(c, u, u->aux, truncated((uint64_t)u->imm, u->aux)))
        return NULL;
    END_SLOW(c, u);
}

UOP pop_r(struct cpu *c, const struct uop *u)
{
    if (!cpu_peek(c, u, u->aux, 0))
        return NULL;
    uint64_t value = c->ld.u64[0];
    cpu_set_sp(c, c->r[RSP] + u->aux);
    set_register(c, u->dst, u->aux, value);
    END_SLOW(c, u);
}

UOP pop_peek(struct cpu *c, const struct uop *u)
{
    if (!cpu_peek(c, u, u->aux, 0))
        return NULL;
    c->r[REG_T0] = truncated(c->ld.u64[0], u->aux);
    NEXT_SLOW(c, u);
}

UOP pop_store(struct cpu *c, const struct uop *u)
{
    if (!cpu_store(c, u, uop_ea(c, u), u->aux, c->r[REG_T0]))
        return NULL;
    cpu_set_sp(c, c->r[RSP] + u->aux);
    END_SLOW(c, u);
}

UOP leave_any(struct cpu *c, const struct uop *u)
{
    uint64_t bp = c->r[RBP] & cpu_stack_mask(c), linear;
    if (!cpu_linear(c, u, SEG_SS, bp, u->aux, false, &linear) || !cpu_load(c, u, linear, u->aux))
        return NULL;
    cpu_set_sp(c, bp + u->aux);
    set_register(c, REG_OFF(RBP), u->aux, c->ld.u64[0]);
    END_SLOW(c, u);
}

/* ---- Several at once: nothing moves before everything is known to succeed ---- */

/* Items go below RSP, the first one highest. */
static bool push_all(struct cpu *c, const struct uop *u, unsigned size, const uint64_t *items,
                     unsigned count)
{
    uint64_t mask = cpu_stack_mask(c), linear;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < count; i++) {
            uint64_t sp = (c->r[RSP] - (uint64_t)(i + 1) * size) & mask;
            if (!cpu_linear(c, u, SEG_SS, sp, size, true, &linear))
                return false;
            if (pass == 0 ? !cpu_probe_store(c, u, linear, size)
                          : !cpu_store(c, u, linear, size, truncated(items[i], size)))
                return false;
        }
    }
    return true;
}

UOP pusha(struct cpu *c, const struct uop *u)
{
    uint64_t items[8];
    for (unsigned i = 0; i < 8; i++)
        items[i] = c->r[RAX + i];
    if (!push_all(c, u, u->aux, items, 8))
        return NULL;
    cpu_set_sp(c, c->r[RSP] - 8u * u->aux);
    END_SLOW(c, u);
}

UOP popa(struct cpu *c, const struct uop *u)
{
    uint64_t items[8];
    for (unsigned i = 0; i < 8; i++) {
        if (!cpu_peek(c, u, u->aux, (uint64_t)i * u->aux))
            return NULL;
        items[i] = c->ld.u64[0];
    }
    for (unsigned i = 0; i < 8; i++)
        if (RDI - i != RSP)
            set_register(c, REG_OFF(RDI - i), u->aux, items[i]);
    cpu_set_sp(c, c->r[RSP] + 8u * u->aux);
    END_SLOW(c, u);
}

/* imm: bytes of locals; aux16: nesting level; aux: size. */
/* A frame pointer read from where this instruction has pushed already. */
static uint64_t over_pushed(const struct cpu *c, uint64_t value, uint64_t at, unsigned size,
                            const uint64_t *items, unsigned count)
{
    uint64_t mask = cpu_stack_mask(c);
    for (unsigned i = 0; i < size; i++) {
        uint64_t below = (c->r[RSP] - 1 - at - i) & mask;
        if (below >= (uint64_t)count * size)
            continue;
        uint64_t byte = items[below / size] >> (size - 1 - below % size) * 8 & 0xff;
        value = (value & ~(UINT64_C(0xff) << i * 8)) | byte << i * 8;
    }
    return value;
}

UOP enter(struct cpu *c, const struct uop *u)
{
    uint64_t items[33], mask = cpu_stack_mask(c), linear;
    unsigned count = 0, size = u->aux, level = u->aux16;
    uint64_t frame = (c->r[RSP] - size) & mask;
    items[count++] = c->r[RBP];
    for (unsigned i = 1; i < level; i++) {
        uint64_t bp = (c->r[RBP] - (uint64_t)i * size) & mask;
        if (!cpu_linear(c, u, SEG_SS, bp, size, false, &linear) || !cpu_load(c, u, linear, size))
            return NULL;
        items[count] = over_pushed(c, c->ld.u64[0], bp, size, items, count);
        count++;
    }
    if (level)
        items[count++] = frame;
    uint64_t sp = c->r[RSP] - (uint64_t)count * size - (uint64_t)u->imm;
    /* The new top must be writable as well. */
    if (!cpu_linear(c, u, SEG_SS, sp & mask, size, true, &linear) ||
        !cpu_probe_store(c, u, linear, size) || !push_all(c, u, size, items, count))
        return NULL;
    set_register(c, REG_OFF(RBP), size, frame);
    cpu_set_sp(c, sp);
    END_SLOW(c, u);
}

/* ---- Flags ---- */

static bool vm86_restricted(const struct cpu *c)
{
    return (c->mode & MODE_VM86) && (c->rflags & X86_FLAGS_IOPL) != X86_FLAGS_IOPL;
}

UOP pushf(struct cpu *c, const struct uop *u)
{
    uint64_t flags = cpu_rflags(c) & ~(X86_FLAGS_VM | X86_FLAGS_RF);
    if (vm86_restricted(c)) {
        if (!(c->cr4 & X86_CR4_VME) || u->aux != 2)
            return cpu_raise_error(c, u, EXC_GP, 0);
        flags = (flags & ~X86_FLAGS_IF) | X86_FLAGS_IOPL;
        if (flags & X86_FLAGS_VIF)
            flags |= X86_FLAGS_IF;
    }
    if (!cpu_push(c, u, u->aux, truncated(flags | X86_FLAGS_FIXED, u->aux)))
        return NULL;
    END_SLOW(c, u);
}

UOP popf(struct cpu *c, const struct uop *u)
{
    uint64_t old = cpu_rflags(c);
    uint64_t mask = CC_ARITH | X86_FLAGS_TF | X86_FLAGS_DF | X86_FLAGS_NT;
    bool virtual = vm86_restricted(c);
    if (virtual && (!(c->cr4 & X86_CR4_VME) || u->aux != 2))
        return cpu_raise_error(c, u, EXC_GP, 0);
    if (!cpu_peek(c, u, u->aux, 0))
        return NULL;
    uint64_t flags = truncated(c->ld.u64[0], u->aux);
    if (virtual) {
        bool enable = flags & X86_FLAGS_IF;
        if ((flags & X86_FLAGS_TF) || (enable && (old & X86_FLAGS_VIP)))
            return cpu_raise_error(c, u, EXC_GP, 0);
        flags = (flags & ~X86_FLAGS_VIF) | (enable ? X86_FLAGS_VIF : 0);
        mask |= X86_FLAGS_VIF;
    } else if (c->cpl <= (old & X86_FLAGS_IOPL) >> 12 || (c->mode & MODE_VM86)) {
        mask |= X86_FLAGS_IF;
    }
    if (c->cpl == 0)
        mask |= X86_FLAGS_IOPL;
    if (u->aux > 2) {
        mask |= X86_FLAGS_AC | X86_FLAGS_ID;
        old &= ~X86_FLAGS_RF;
    }
    cpu_set_sp(c, c->r[RSP] + u->aux);
    cpu_set_rflags(c, (old & ~mask) | (flags & mask));
    return cpu_leave(c, u);
}

/* ---- Translation ---- */

static struct uop *emit_stack(struct translator *t, uop_fn fn)
{
    struct uop *u = emit(t, fn);
    u->seg = SEG_SS;
    u->aux = (uint8_t)(t->insn.operand_width / 8);
    return u;
}

static bool translate_push(struct translator *t)
{
    const ZydisDecodedOperand *op = &t->ops[0];
    if (!int_is_general(op))
        return false;
    unsigned flat = flat_stack(t);
    if (is_imm(op)) {
        emit_stack(t, flat == 64   ? push64_i
                      : flat == 32 ? push32_i
                                   : push_i)
            ->imm = op->imm.value.s;
        return true;
    }
    uint8_t src = int_source(t, op, false);
    emit_stack(t, flat == 64 ? push64_r : flat == 32 ? push32_r : push_r)->src = src;
    return true;
}

static bool translate_pop(struct translator *t)
{
    ZydisDecodedOperand *op = &t->ops[0];
    if (!int_is_general(op))
        return false;
    unsigned flat = flat_stack(t);
    if (is_reg(op)) {
        emit_stack(t, flat == 64   ? pop64_r
                      : flat == 32 ? pop32_r
                                   : pop_r)
            ->dst = translate_gpr(op->reg.value);
        return true;
    }
    emit_stack(t, pop_peek);
    /* The address is that after the pop. */
    if (op->mem.base == ZYDIS_REGISTER_RSP || op->mem.base == ZYDIS_REGISTER_ESP) {
        op->mem.disp.has_displacement = true;
        op->mem.disp.value += t->insn.operand_width / 8;
    }
    int_emit_mem(t, pop_store, op, true)->aux = (uint8_t)(t->insn.operand_width / 8);
    return true;
}

bool int_translate_stack(struct translator *t)
{
    unsigned flat = flat_stack(t);
    struct uop *u;
    switch (t->insn.mnemonic) {
    case ZYDIS_MNEMONIC_PUSH:
        return translate_push(t);
    case ZYDIS_MNEMONIC_POP:
        return translate_pop(t);
    case ZYDIS_MNEMONIC_PUSHA:
    case ZYDIS_MNEMONIC_PUSHAD:
        emit_stack(t, pusha);
        return true;
    case ZYDIS_MNEMONIC_POPA:
    case ZYDIS_MNEMONIC_POPAD:
        emit_stack(t, popa);
        return true;
    case ZYDIS_MNEMONIC_ENTER:
        u = emit_stack(t, enter);
        u->imm = (int64_t)(t->ops[0].imm.value.u & 0xffff);
        u->aux16 = (uint16_t)(t->ops[1].imm.value.u & 31);
        return true;
    case ZYDIS_MNEMONIC_LEAVE:
        emit_stack(t, flat == 64 ? leave64 : flat == 32 ? leave32 : leave_any);
        return true;
    case ZYDIS_MNEMONIC_PUSHF:
    case ZYDIS_MNEMONIC_PUSHFD:
    case ZYDIS_MNEMONIC_PUSHFQ:
        emit_stack(t, pushf);
        return true;
    case ZYDIS_MNEMONIC_POPF:
    case ZYDIS_MNEMONIC_POPFD:
    case ZYDIS_MNEMONIC_POPFQ:
        emit_stack(t, popf);
        t->ends_block = true;
        return true;
    default:
        return false;
    }
}
