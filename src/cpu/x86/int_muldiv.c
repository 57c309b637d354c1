/* SPDX-License-Identifier: BSD-2-Clause */
/* Multiplication and division. */
#include "cpu/x86/int_ops.h"

typedef unsigned __int128 u128;
typedef __int128 i128;

#define AX(n) REG_OFF(RAX)
#define DX(n) REG_OFF(RDX)

/* The one operand of MUL, IMUL, DIV and IDIV is in u->src. 8 bits have the upper half in AH. */
UOP mul8(struct cpu *c, const struct uop *u)
{
    unsigned r = R8(c, AX(8)) * (unsigned)R8(c, u->src);
    R16(c, AX(8)) = (uint16_t)r;
    set_cc(c, CC_MUL | SIZE8, r, r >> 8);
    NEXT(c, u);
}
UOP imul8(struct cpu *c, const struct uop *u)
{
    int r = (int8_t)R8(c, AX(8)) * (int8_t)R8(c, u->src);
    R16(c, AX(8)) = (uint16_t)r;
    set_cc(c, CC_MUL | SIZE8, (uint64_t)(int64_t)r, r != (int8_t)r);
    NEXT(c, u);
}

#define MULTIPLY(n, unsigned_wide, signed_wide)                                                    \
    UOP mul##n(struct cpu *c, const struct uop *u)                                                 \
    {                                                                                              \
        unsigned_wide r = (unsigned_wide)R##n(c, AX(n)) * R##n(c, u->src);                         \
        SET##n(c, AX(n), r);                                                                       \
        SET##n(c, DX(n), r >> (n));                                                                \
        set_cc(c, CC_MUL | SIZE##n, (uint64_t)r, (uint64_t)(r >> (n)));                            \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP imul##n(struct cpu *c, const struct uop *u)                                                \
    {                                                                                              \
        signed_wide r = (signed_wide)(int##n##_t)R##n(c, AX(n)) * (int##n##_t)R##n(c, u->src);     \
        SET##n(c, AX(n), r);                                                                       \
        SET##n(c, DX(n), r >> (n));                                                                \
        set_cc(c, CC_MUL | SIZE##n, (uint64_t)r, r != (int##n##_t)r);                              \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP imul##n##_rr(struct cpu *c, const struct uop *u)                                           \
    {                                                                                              \
        signed_wide r = (signed_wide)(int##n##_t)R##n(c, u->dst) * (int##n##_t)R##n(c, u->src);    \
        SET##n(c, u->dst, r);                                                                      \
        set_cc(c, CC_MUL | SIZE##n, (uint64_t)r, r != (int##n##_t)r);                              \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP imul##n##_rri(struct cpu *c, const struct uop *u)                                          \
    {                                                                                              \
        signed_wide r = (signed_wide)(int##n##_t)R##n(c, u->src) * (int##n##_t)u->imm;             \
        SET##n(c, u->dst, r);                                                                      \
        set_cc(c, CC_MUL | SIZE##n, (uint64_t)r, r != (int##n##_t)r);                              \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP imul##n##_rr_quiet(struct cpu *c, const struct uop *u)                                     \
    {                                                                                              \
        SET##n(c, u->dst, (unsigned_wide)R##n(c, u->dst) * R##n(c, u->src));                       \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP imul##n##_rri_quiet(struct cpu *c, const struct uop *u)                                    \
    {                                                                                              \
        SET##n(c, u->dst, (unsigned_wide)R##n(c, u->src) * (uint##n##_t)u->imm);                   \
        NEXT(c, u);                                                                                \
    }

MULTIPLY(16, uint32_t, int32_t)
MULTIPLY(32, uint64_t, int64_t)
MULTIPLY(64, u128, i128)

/* Whether |quotient| fits: a negative one may be one larger. */
static inline bool fits(uint64_t quotient, unsigned bits, bool negative)
{
    return quotient <= (UINT64_C(1) << (bits - 1)) - !negative;
}

UOP div8(struct cpu *c, const struct uop *u)
{
    unsigned a = R16(c, AX(8)), b = R8(c, u->src);
    if (UNLIKELY(b == 0 || a / b > 0xff))
        return cpu_raise(c, u, EXC_DE);
    R16(c, AX(8)) = (uint16_t)((a % b) << 8 | a / b);
    NEXT(c, u);
}
UOP idiv8(struct cpu *c, const struct uop *u)
{
    int a = (int16_t)R16(c, AX(8)), b = (int8_t)R8(c, u->src);
    if (UNLIKELY(b == 0 || a / b != (int8_t)(a / b)))
        return cpu_raise(c, u, EXC_DE);
    R16(c, AX(8)) = (uint16_t)((unsigned)(a % b) << 8 | (uint8_t)(a / b));
    NEXT(c, u);
}

/* `wide` holds the dividend. Most of 64 bits have nothing in the upper half. */
#define DIVIDE(n, wide)                                                                            \
    UOP div##n(struct cpu *c, const struct uop *u)                                                 \
    {                                                                                              \
        uint##n##_t high = R##n(c, DX(n)), low = R##n(c, AX(n)), b = R##n(c, u->src);              \
        if (UNLIKELY(high >= b))                                                                   \
            return cpu_raise(c, u, EXC_DE);                                                        \
        if (high == 0) {                                                                           \
            SET##n(c, AX(n), low / b);                                                             \
            SET##n(c, DX(n), low % b);                                                             \
        } else {                                                                                   \
            wide a = (wide)high << (n) | low;                                                      \
            SET##n(c, AX(n), a / b);                                                               \
            SET##n(c, DX(n), a % b);                                                               \
        }                                                                                          \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP idiv##n(struct cpu *c, const struct uop *u)                                                \
    {                                                                                              \
        wide a = (wide)R##n(c, DX(n)) << (n) | R##n(c, AX(n));                                     \
        int##n##_t b = (int##n##_t)R##n(c, u->src);                                                \
        bool minus = (int##n##_t)R##n(c, DX(n)) < 0, negative = minus != (b < 0);                  \
        uint##n##_t d = (uint##n##_t)(b < 0 ? 0 - (uint##n##_t)b : (uint##n##_t)b);                \
        a = minus ? 0 - a : a;                                                                     \
        if (UNLIKELY((uint##n##_t)(a >> (n)) >= d))                                                \
            return cpu_raise(c, u, EXC_DE);                                                        \
        uint##n##_t q, r;                                                                          \
        if (a >> (n) == 0) {                                                                       \
            q = (uint##n##_t)a / d;                                                                \
            r = (uint##n##_t)a % d;                                                                \
        } else {                                                                                   \
            q = (uint##n##_t)(a / d);                                                              \
            r = (uint##n##_t)(a % d);                                                              \
        }                                                                                          \
        if (UNLIKELY(!fits(q, (n), negative)))                                                     \
            return cpu_raise(c, u, EXC_DE);                                                        \
        SET##n(c, AX(n), negative ? 0 - q : q);                                                    \
        SET##n(c, DX(n), minus ? 0 - r : r);                                                       \
        NEXT(c, u);                                                                                \
    }

DIVIDE(16, uint32_t)
DIVIDE(32, uint64_t)
DIVIDE(64, u128)

static void translate_one_operand(struct translator *t, const uop_fn fns[4])
{
    uint8_t src = int_source(t, &t->ops[0], false);
    emit(t, fns[size_log2(t->ops[0].size)])->src = src;
}

static void translate_imul(struct translator *t)
{
    static const uop_fn fns[4] = {imul8, imul16, imul32, imul64};
    static const uop_fn rr[2][4] = {{NULL, imul16_rr, imul32_rr, imul64_rr},
                                    {NULL, imul16_rr_quiet, imul32_rr_quiet, imul64_rr_quiet}};
    static const uop_fn rri[2][4] = {{NULL, imul16_rri, imul32_rri, imul64_rri},
                                     {NULL, imul16_rri_quiet, imul32_rri_quiet, imul64_rri_quiet}};
    if (t->insn.operand_count_visible == 1) {
        translate_one_operand(t, fns);
        return;
    }
    bool quiet = flags_dead(t), three = t->insn.operand_count_visible == 3;
    unsigned size = size_log2(t->ops[0].size);
    uint8_t src = int_source(t, &t->ops[1], false);
    struct uop *u = emit(t, (three ? rri : rr)[quiet][size]);
    u->dst = translate_gpr(t->ops[0].reg.value);
    u->src = src;
    if (three)
        u->imm = t->ops[2].imm.value.s;
}

bool int_translate_muldiv(struct translator *t)
{
    static const uop_fn mul[4] = {mul8, mul16, mul32, mul64};
    static const uop_fn div[4] = {div8, div16, div32, div64};
    static const uop_fn idiv[4] = {idiv8, idiv16, idiv32, idiv64};
    switch (t->insn.mnemonic) {
    case ZYDIS_MNEMONIC_MUL:
        translate_one_operand(t, mul);
        return true;
    case ZYDIS_MNEMONIC_IMUL:
        translate_imul(t);
        return true;
    case ZYDIS_MNEMONIC_DIV:
        translate_one_operand(t, div);
        return true;
    case ZYDIS_MNEMONIC_IDIV:
        translate_one_operand(t, idiv);
        return true;
    default:
        return false;
    }
}
