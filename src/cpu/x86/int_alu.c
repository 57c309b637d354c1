/* SPDX-License-Identifier: BSD-2-Clause */
/* Two-operand arithmetic and logic, and its unary relatives. */
#include "cpu/x86/int_alu.h"

#define ALU_WRITES(op, n)                                                                          \
    UOP op##n##_rr(struct cpu *c, const struct uop *u)                                             \
    {                                                                                              \
        SET##n(c, u->dst, alu_##op##n(c, R##n(c, u->dst), R##n(c, u->src)));                       \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP op##n##_ri(struct cpu *c, const struct uop *u)                                             \
    {                                                                                              \
        SET##n(c, u->dst, alu_##op##n(c, R##n(c, u->dst), (uint##n##_t)u->imm));                   \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP_LOAD(op##n##_rm, n, uop_ea, END_SLOW,                                                      \
             SET##n(c, u->dst, alu_##op##n(c, R##n(c, u->dst), m)))                                \
    UOP_RMW(op##n##_mr, n, alu_##op##n(c, m, R##n(c, u->src)))                                     \
    UOP_RMW(op##n##_mi, n, alu_##op##n(c, m, (uint##n##_t)u->imm))

#define ALU_COMPARES(op, n)                                                                        \
    UOP op##n##_rr(struct cpu *c, const struct uop *u)                                             \
    {                                                                                              \
        alu_##op##n(c, R##n(c, u->dst), R##n(c, u->src));                                          \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP op##n##_ri(struct cpu *c, const struct uop *u)                                             \
    {                                                                                              \
        alu_##op##n(c, R##n(c, u->dst), (uint##n##_t)u->imm);                                      \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP_LOAD(op##n##_rm, n, uop_ea, END_SLOW, alu_##op##n(c, R##n(c, u->dst), m))                  \
    UOP_LOAD(op##n##_mr, n, uop_ea, END_SLOW, alu_##op##n(c, m, R##n(c, u->src)))                  \
    UOP_LOAD(op##n##_mi, n, uop_ea, END_SLOW, alu_##op##n(c, m, (uint##n##_t)u->imm))

#define ALU_UNARY(op, n)                                                                           \
    UOP op##n##_r(struct cpu *c, const struct uop *u)                                              \
    {                                                                                              \
        SET##n(c, u->dst, alu_##op##n(c, R##n(c, u->dst)));                                        \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP_RMW(op##n##_m, n, alu_##op##n(c, m))

#define ALU_OF_SIZE(n)                                                                             \
    ALU_WRITES(add, n)                                                                             \
    ALU_WRITES(or, n)                                                                              \
    ALU_WRITES(adc, n)                                                                             \
    ALU_WRITES(sbb, n)                                                                             \
    ALU_WRITES(and, n)                                                                             \
    ALU_WRITES(sub, n)                                                                             \
    ALU_WRITES(xor, n)                                                                             \
    ALU_COMPARES(cmp, n)                                                                           \
    ALU_COMPARES(test, n)                                                                          \
    ALU_UNARY(inc, n)                                                                              \
    ALU_UNARY(dec, n)                                                                              \
    ALU_UNARY(not, n)                                                                              \
    ALU_UNARY(neg, n)

EACH_SIZE(ALU_OF_SIZE)

#define FORM(op, form)                                                                             \
    {                                                                                              \
        op##8_##form, op##16_##form, op##32_##form, op##64_##form                                  \
    }
#define BINARY(op)                                                                                 \
    {                                                                                              \
        FORM(op, rr), FORM(op, ri), FORM(op, rm), FORM(op, mr), FORM(op, mi)                       \
    }
#define UNARY(op)                                                                                  \
    {                                                                                              \
        [FORM_RI] = FORM(op, r), [FORM_MI] = FORM(op, m)                                           \
    }

const uop_fn int_alu_fn[ALU_OPS][FORMS][4] = {
    [ALU_ADD] = BINARY(add), [ALU_OR] = BINARY(or),   [ALU_ADC] = BINARY(adc),
    [ALU_SBB] = BINARY(sbb), [ALU_AND] = BINARY(and), [ALU_SUB] = BINARY(sub),
    [ALU_XOR] = BINARY(xor), [ALU_CMP] = BINARY(cmp), [ALU_TEST] = BINARY(test),
    [ALU_INC] = UNARY(inc),  [ALU_DEC] = UNARY(dec),  [ALU_NOT] = UNARY(not ),
    [ALU_NEG] = UNARY(neg),
};

/* ---- Where no flag is needed ---- */

#define QUIET(op, n, e)                                                                            \
    UOP op##n##_rr_quiet(struct cpu *c, const struct uop *u)                                       \
    {                                                                                              \
        uint##n##_t a = R##n(c, u->dst), b = R##n(c, u->src);                                      \
        SET##n(c, u->dst, e);                                                                      \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP op##n##_ri_quiet(struct cpu *c, const struct uop *u)                                       \
    {                                                                                              \
        uint##n##_t a = R##n(c, u->dst), b = (uint##n##_t)u->imm;                                  \
        SET##n(c, u->dst, e);                                                                      \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP_LOAD(op##n##_rm_quiet, n, uop_ea, END_SLOW, uint##n##_t a = R##n(c, u->dst);               \
             uint##n##_t b = m; SET##n(c, u->dst, e))

#define QUIET_OF_SIZE(n)                                                                           \
    QUIET(add, n, a + b)                                                                           \
    QUIET(or, n, a | b)                                                                            \
    QUIET(and, n, a &b)                                                                            \
    QUIET(sub, n, a - b)                                                                           \
    QUIET(xor, n, a ^ b)

QUIET_OF_SIZE(32)
QUIET_OF_SIZE(64)

#define QUIET_FORMS(op)                                                                            \
    {                                                                                              \
        {op##32_rr_quiet, op##64_rr_quiet}, {op##32_ri_quiet, op##64_ri_quiet},                    \
        {                                                                                          \
            op##32_rm_quiet, op##64_rm_quiet                                                       \
        }                                                                                          \
    }

static const uop_fn quiet_fn[ALU_OPS][FORM_RM + 1][2] = {
    [ALU_ADD] = QUIET_FORMS(add), [ALU_OR] = QUIET_FORMS(or),   [ALU_AND] = QUIET_FORMS(and),
    [ALU_SUB] = QUIET_FORMS(sub), [ALU_XOR] = QUIET_FORMS(xor),
};

/* XOR r,r and SUB r,r. */
#define ZERO(n)                                                                                    \
    UOP zero##n(struct cpu *c, const struct uop *u)                                                \
    {                                                                                              \
        SET##n(c, u->dst, 0);                                                                      \
        set_logic(c, SIZE##n, 0);                                                                  \
        NEXT(c, u);                                                                                \
    }
EACH_SIZE(ZERO)

UOP zero_quiet(struct cpu *c, const struct uop *u)
{
    R64(c, u->dst) = 0;
    NEXT(c, u);
}

static bool zeroes(struct translator *t, int alu, unsigned size)
{
    static const uop_fn fns[4] = {zero8, zero16, zero32, zero64};
    if ((alu != ALU_XOR && alu != ALU_SUB) || !is_reg(&t->ops[0]) || !is_reg(&t->ops[1]) ||
        t->ops[0].reg.value != t->ops[1].reg.value)
        return false;
    emit(t, flags_dead(t) && size >= SIZE32 ? zero_quiet : fns[size])->dst =
        translate_gpr(t->ops[0].reg.value);
    return true;
}

/* ---- Translation ---- */

static int alu_of(ZydisMnemonic mnemonic)
{
    switch (mnemonic) {
    case ZYDIS_MNEMONIC_ADD:
        return ALU_ADD;
    case ZYDIS_MNEMONIC_OR:
        return ALU_OR;
    case ZYDIS_MNEMONIC_ADC:
        return ALU_ADC;
    case ZYDIS_MNEMONIC_SBB:
        return ALU_SBB;
    case ZYDIS_MNEMONIC_AND:
        return ALU_AND;
    case ZYDIS_MNEMONIC_SUB:
        return ALU_SUB;
    case ZYDIS_MNEMONIC_XOR:
        return ALU_XOR;
    case ZYDIS_MNEMONIC_CMP:
        return ALU_CMP;
    case ZYDIS_MNEMONIC_TEST:
        return ALU_TEST;
    case ZYDIS_MNEMONIC_INC:
        return ALU_INC;
    case ZYDIS_MNEMONIC_DEC:
        return ALU_DEC;
    case ZYDIS_MNEMONIC_NOT:
        return ALU_NOT;
    case ZYDIS_MNEMONIC_NEG:
        return ALU_NEG;
    default:
        return -1;
    }
}

static void translate_unary(struct translator *t, int alu, unsigned size)
{
    const ZydisDecodedOperand *op = &t->ops[0];
    /* Where CF is not looked at INC and DEC are what needs no earlier flags. */
    bool simple = (alu == ALU_INC || alu == ALU_DEC) && !(t->live_flags & X86_FLAGS_CF);
    if (simple)
        alu = alu == ALU_INC ? ALU_ADD : ALU_SUB;
    if (is_mem(op)) {
        uop_fn fn = is_locked(t) ? int_locked_fn[alu][1][size] : int_alu_fn[alu][FORM_MI][size];
        int_emit_mem(t, fn, op, true)->imm = 1;
        return;
    }
    uop_fn fn = int_alu_fn[alu][FORM_RI][size];
    if (simple && flags_dead(t) && size >= SIZE32)
        fn = quiet_fn[alu][FORM_RI][size - SIZE32];
    struct uop *u = emit(t, fn);
    u->dst = translate_gpr(op->reg.value);
    u->imm = 1;
}

bool int_translate_alu(struct translator *t)
{
    int alu = alu_of(t->insn.mnemonic);
    if (alu < 0)
        return false;
    const ZydisDecodedOperand *to = &t->ops[0], *from = &t->ops[1];
    unsigned size = size_log2(to->size);
    if (alu >= ALU_INC) {
        translate_unary(t, alu, size);
        return true;
    }
    if (zeroes(t, alu, size))
        return true;
    enum int_form form = is_mem(to)     ? (is_imm(from) ? FORM_MI : FORM_MR)
                         : is_mem(from) ? FORM_RM
                         : is_imm(from) ? FORM_RI
                                        : FORM_RR;
    uop_fn fn = int_alu_fn[alu][form][size];
    if (is_mem(to) && is_locked(t))
        fn = int_locked_fn[alu][form - FORM_MR][size];
    else if (form <= FORM_RM && size >= SIZE32 && flags_dead(t) &&
             quiet_fn[alu][form][size - SIZE32])
        fn = quiet_fn[alu][form][size - SIZE32];
    struct uop *u;
    if (is_mem(to))
        u = int_emit_mem(t, fn, to, alu != ALU_CMP && alu != ALU_TEST);
    else if (is_mem(from))
        u = int_emit_mem(t, fn, from, false);
    else
        u = emit(t, fn);
    if (is_reg(to))
        u->dst = translate_gpr(to->reg.value);
    if (is_reg(from))
        u->src = translate_gpr(from->reg.value);
    if (is_imm(from))
        u->imm = from->imm.value.s;
    return true;
}
