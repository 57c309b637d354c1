/* SPDX-License-Identifier: BSD-2-Clause */
/* What the integer groups share: register access by width, templates of uops with a memory operand,
 * flags without a call, and their translators' helpers. */
#ifndef VMACCEL_CPU_X86_INT_OPS_H
#define VMACCEL_CPU_X86_INT_OPS_H

#include "cpu/x86/block.h"
#include "cpu/x86/internal.h"

#define UOP  static const struct uop *
#define COLD __attribute__((noinline, cold))

/* Writes of 32 bits clear a register's upper half. */
#define SET8(c, o, v)  (R8(c, o) = (uint8_t)(v))
#define SET16(c, o, v) (R16(c, o) = (uint16_t)(v))
#define SET32(c, o, v) (R64(c, o) = (uint32_t)(v))
#define SET64(c, o, v) (R64(c, o) = (uint64_t)(v))

#define SIZE8  0u
#define SIZE16 1u
#define SIZE32 2u
#define SIZE64 3u

#define EACH_SIZE(X) X(8) X(16) X(32) X(64)

/* Address without an index. */
#define EA_BASE(c, u) (R64((c), (u)->base) + (uint64_t)(int64_t)(u)->disp)

/* A uop that reads n bits into `m` and ends its instruction with `...`. A miss of the translation
 * table runs the slow twin. `end` is END_SLOW, or NEXT_SLOW in the middle of an instruction. */
#define UOP_LOAD(name, n, ea, end, ...)                                                            \
    COLD UOP name##_slow(struct cpu *c, const struct uop *u)                                       \
    {                                                                                              \
        if (!cpu_load(c, u, ea(c, u), (n) / 8))                                                    \
            return NULL;                                                                           \
        uint##n##_t m = c->ld.u##n[0];                                                             \
        __VA_ARGS__;                                                                               \
        end(c, u);                                                                                 \
    }                                                                                              \
    UOP name(struct cpu *c, const struct uop *u)                                                   \
    {                                                                                              \
        const uint8_t *p = tlb_read(c, ea(c, u), (n) / 8);                                         \
        if (UNLIKELY(!p))                                                                          \
            return name##_slow(c, u);                                                              \
        uint##n##_t m = os_load##n(p);                                                             \
        __VA_ARGS__;                                                                               \
        NEXT(c, u);                                                                                \
    }

/* A uop that stores `value`. */
#define UOP_STORE(name, n, ea, value)                                                              \
    COLD UOP name##_slow(struct cpu *c, const struct uop *u)                                       \
    {                                                                                              \
        if (!cpu_store(c, u, ea(c, u), (n) / 8, (uint##n##_t)(value)))                             \
            return NULL;                                                                           \
        END_SLOW(c, u);                                                                            \
    }                                                                                              \
    UOP name(struct cpu *c, const struct uop *u)                                                   \
    {                                                                                              \
        uint8_t *p = tlb_write(c, ea(c, u), (n) / 8);                                              \
        if (UNLIKELY(!p))                                                                          \
            return name##_slow(c, u);                                                              \
        os_store##n(p, (uint##n##_t)(value));                                                      \
        NEXT(c, u);                                                                                \
    }

/* A uop that replaces its n bits `m` by `value`, which may set flags: nothing fails after it. */
#define UOP_RMW(name, n, value)                                                                    \
    COLD UOP name##_slow(struct cpu *c, const struct uop *u)                                       \
    {                                                                                              \
        if (!cpu_load_rmw(c, u, uop_ea(c, u), (n) / 8))                                            \
            return NULL;                                                                           \
        uint##n##_t m = c->ld.u##n[0];                                                             \
        if (!cpu_store(c, u, uop_ea(c, u), (n) / 8, (uint##n##_t)(value)))                         \
            return NULL;                                                                           \
        END_SLOW(c, u);                                                                            \
    }                                                                                              \
    UOP name(struct cpu *c, const struct uop *u)                                                   \
    {                                                                                              \
        uint8_t *p = tlb_write(c, uop_ea(c, u), (n) / 8);                                          \
        if (UNLIKELY(!p))                                                                          \
            return name##_slow(c, u);                                                              \
        uint##n##_t m = os_load##n(p);                                                             \
        os_store##n(p, (uint##n##_t)(value));                                                      \
        NEXT(c, u);                                                                                \
    }

/* ---- Flags ---- */

ALWAYS_INLINE unsigned cc_shift(const struct cpu *c)
{
    return 64 - (8u << (c->cc_op & 3));
}

ALWAYS_INLINE void set_cc(struct cpu *c, uint32_t op, uint64_t dst, uint64_t src)
{
    c->cc_op = op;
    c->cc_dst = dst;
    c->cc_src = src;
}

ALWAYS_INLINE void set_logic(struct cpu *c, unsigned size, uint64_t result)
{
    c->cc_op = CC_LOGIC | size;
    c->cc_dst = result;
}

/* Flags of the rare kinds are put into CC_FLAGS form before a handler looks at them, by running it
 * again: a call would cost the others a stack frame. */
COLD const struct uop *int_settle(struct cpu *c, const struct uop *u);
#define SETTLE_CONDITION(c, u, cc)                                                                 \
    if (UNLIKELY(!condition_ready((c), (cc))))                                                     \
    return int_settle((c), (u))

ALWAYS_INLINE bool condition_ready(const struct cpu *c, unsigned cc)
{
    unsigned kind = c->cc_op & ~3u;
    switch (cc >> 1) {
    case 0:
    case 5:
        return kind == CC_FLAGS;
    case 1:
    case 2:
    case 4:
        return true;
    default:
        return kind == CC_SUB || kind == CC_LOGIC || kind == CC_FLAGS;
    }
}

ALWAYS_INLINE bool int_carry(const struct cpu *c)
{
    unsigned kind = c->cc_op & ~3u, shift = cc_shift(c);
    uint64_t d = c->cc_dst, s = c->cc_src;
    if (kind == CC_SUB)
        return (d + s) << shift < s << shift;
    if (kind == CC_LOGIC)
        return false;
    if (kind == CC_ADD)
        return d << shift < s << shift;
    if (kind == CC_FLAGS)
        return d & X86_FLAGS_CF;
    if (kind == CC_ADC)
        return d << shift <= s << shift;
    if (kind == CC_SBB)
        return (d + s + 1) << shift <= s << shift;
    if (kind == CC_SHL)
        return (int64_t)(s << shift) < 0;
    if (kind == CC_MUL)
        return s;
    return s & 1; /* INC, DEC, SHR */
}

ALWAYS_INLINE bool int_zero(const struct cpu *c)
{
    return c->cc_op <= CC_FLAGS + 3 ? c->cc_dst & X86_FLAGS_ZF : c->cc_dst << cc_shift(c) == 0;
}

ALWAYS_INLINE bool int_sign(const struct cpu *c)
{
    return c->cc_op <= CC_FLAGS + 3 ? c->cc_dst & X86_FLAGS_SF
                                    : (int64_t)(c->cc_dst << cc_shift(c)) < 0;
}

/* Jcc's condition `cc`, a constant; after SETTLE_CONDITION. */
ALWAYS_INLINE bool int_condition(const struct cpu *c, unsigned cc)
{
    bool negate = cc & 1;
    unsigned kind = c->cc_op & ~3u, shift = cc_shift(c);
    uint64_t f = c->cc_dst, b = c->cc_src << shift, d = c->cc_dst << shift;
    switch (cc >> 1) {
    case 0:
        return (bool)(f & X86_FLAGS_OF) != negate;
    case 1:
        return int_carry(c) != negate;
    case 2:
        return int_zero(c) != negate;
    case 4:
        return int_sign(c) != negate;
    case 5:
        return (bool)(f & X86_FLAGS_PF) != negate;
    case 3:
        if (LIKELY(kind == CC_SUB))
            return (d + b <= b) != negate;
        if (kind == CC_LOGIC)
            return (d == 0) != negate;
        return (bool)(f & (X86_FLAGS_CF | X86_FLAGS_ZF)) != negate;
    case 6:
        if (LIKELY(kind == CC_SUB))
            return ((int64_t)(d + b) < (int64_t)b) != negate;
        if (kind == CC_LOGIC)
            return ((int64_t)d < 0) != negate;
        return ((f >> 7 ^ f >> 11) & 1) != negate;
    default:
        if (LIKELY(kind == CC_SUB))
            return ((int64_t)(d + b) <= (int64_t)b) != negate;
        if (kind == CC_LOGIC)
            return ((int64_t)d <= 0) != negate;
        return (((f >> 7 ^ f >> 11) & 1) || (f & X86_FLAGS_ZF)) != negate;
    }
}

/* ---- Translators ---- */

/* The first of an instruction's forms that its operands allow. */
enum int_form { FORM_RR, FORM_RI, FORM_RM, FORM_MR, FORM_MI, FORMS };

enum int_alu {
    ALU_ADD,
    ALU_OR,
    ALU_ADC,
    ALU_SBB,
    ALU_AND,
    ALU_SUB,
    ALU_XOR,
    ALU_CMP,
    ALU_TEST,
    ALU_INC,
    ALU_DEC,
    ALU_NOT,
    ALU_NEG,
    ALU_OPS
};

/* By operation, form and size; unary operations have RI and MI only. NULL: no such form. */
extern const uop_fn int_alu_fn[ALU_OPS][FORMS][4];
/* With LOCK: MR and MI. */
extern const uop_fn int_locked_fn[ALU_OPS][2][4];
/* `plain` together with the Jcc that follows it, or NULL. */
uop_fn int_fuse(uop_fn plain, unsigned cc);

/* 0 to 15 for Jcc, SETcc and CMOVcc, else -1. */
int int_cc_of(ZydisMnemonic mnemonic);

static inline bool is_reg(const ZydisDecodedOperand *op)
{
    return op->type == ZYDIS_OPERAND_TYPE_REGISTER;
}
static inline bool is_mem(const ZydisDecodedOperand *op)
{
    return op->type == ZYDIS_OPERAND_TYPE_MEMORY;
}
static inline bool is_imm(const ZydisDecodedOperand *op)
{
    return op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
}
/* Not a segment, control or debug register. */
bool int_is_general(const ZydisDecodedOperand *op);
static inline bool is_locked(const struct translator *t)
{
    return t->insn.attributes & ZYDIS_ATTRIB_HAS_LOCK;
}
static inline bool flags_dead(const struct translator *t)
{
    return !(t->live_flags & CC_ARITH);
}
uint8_t int_segment(ZydisRegister segment);
/* A uop with the address fields of memory operand `op`. */
struct uop *int_emit_mem(struct translator *t, uop_fn fn, const ZydisDecodedOperand *op,
                         bool write);
/* The offset of a register operand; of REG_T0 after loading it for a memory operand, `write` with
 * the faults of the store to come. */
uint8_t int_source(struct translator *t, const ZydisDecodedOperand *op, bool write);
/* The end of an instruction that works in int_source()'s register: store it back. */
void int_sink(struct translator *t, const ZydisDecodedOperand *op);
/* The effective address without segment of `op`, truncated to the address size, and for 16 and 32
 * bits of operand size to that. */
void int_emit_lea(struct translator *t, const ZydisDecodedOperand *op, uint8_t dst, unsigned bits);

/* Parts of translate_integer, by file. */
translate_fn int_translate_mov, int_translate_alu, int_translate_locked, int_translate_shift,
    int_translate_muldiv, int_translate_bit, int_translate_bmi, int_translate_bcd,
    int_translate_stack, int_translate_misc, int_translate_cond;

#endif
