/* SPDX-License-Identifier: BSD-2-Clause */
/* BMI1, BMI2 and ADX. dst, src and aux are register offsets: destination, first and second source;
 * a memory operand was loaded into REG_T0. */
#include "cpu/x86/int_ops.h"

typedef unsigned __int128 u128;

ALWAYS_INLINE void set_sign_zero_carry(struct cpu *c, bool sign, bool zero, bool carry)
{
    c->cc_op = CC_FLAGS;
    c->cc_dst = (sign ? X86_FLAGS_SF : 0) | (zero ? X86_FLAGS_ZF : 0) | carry;
}

static uint64_t deposit(uint64_t v, uint64_t mask)
{
    uint64_t r = 0;
    for (; mask; mask &= mask - 1, v >>= 1)
        if (v & 1)
            r |= mask & -mask;
    return r;
}

static uint64_t extract(uint64_t v, uint64_t mask)
{
    uint64_t r = 0;
    for (uint64_t bit = 1; mask; mask &= mask - 1, bit <<= 1)
        if (v & mask & -mask)
            r |= bit;
    return r;
}

ALWAYS_INLINE uint64_t bit_field(uint64_t v, unsigned start, unsigned length)
{
    v = start < 64 ? v >> start : 0;
    return length < 64 ? v & ((UINT64_C(1) << length) - 1) : v;
}

/* `r` from a and b; then flags. */
#define BMI(name, n, r_expression, flags)                                                          \
    UOP name##n(struct cpu *c, const struct uop *u)                                                \
    {                                                                                              \
        uint##n##_t a = R##n(c, u->src), b = R##n(c, u->aux);                                      \
        uint##n##_t r = (uint##n##_t)(r_expression);                                               \
        (void)b;                                                                                   \
        flags;                                                                                     \
        SET##n(c, u->dst, r);                                                                      \
        NEXT(c, u);                                                                                \
    }
#define NO_FLAGS (void)0
#define SIGN(n)  ((int##n##_t)r < 0)

#define BMI_OF_SIZE(n)                                                                             \
    BMI(andn, n, ~a &b, set_logic(c, SIZE##n, r))                                                  \
    BMI(bextr, n, bit_field(a, b & 0xff, b >> 8 & 0xff), set_logic(c, SIZE##n, r))                 \
    BMI(blsi, n, a & -a, set_sign_zero_carry(c, SIGN(n), r == 0, a != 0))                          \
    BMI(blsmsk, n, a ^ (a - 1), set_sign_zero_carry(c, SIGN(n), false, a == 0))                    \
    BMI(blsr, n, a &(a - 1), set_sign_zero_carry(c, SIGN(n), r == 0, a == 0))                      \
    BMI(bzhi, n, bit_field(a, 0, b & 0xff),                                                        \
        set_sign_zero_carry(c, SIGN(n), r == 0, (b & 0xff) >= (n)))                                \
    BMI(pdep, n, deposit(a, b), NO_FLAGS)                                                          \
    BMI(pext, n, extract(a, b), NO_FLAGS)                                                          \
    BMI(shlx, n, a << (b & ((n)-1)), NO_FLAGS)                                                     \
    BMI(shrx, n, a >> (b & ((n)-1)), NO_FLAGS)                                                     \
    BMI(sarx, n, (int##n##_t)a >> (b & ((n)-1)), NO_FLAGS)                                         \
    BMI(rorx, n, a >> (unsigned)u->imm | a << (-(unsigned)u->imm & ((n)-1)), NO_FLAGS)             \
    ADX(n)

/* Carry chains of their own in CF and OF. */
#define ADX_BY(name, n, flag)                                                                      \
    UOP name##n(struct cpu *c, const struct uop *u)                                                \
    {                                                                                              \
        uint64_t flags = cpu_arith_flags(c);                                                       \
        u128 r = (u128)R##n(c, u->dst) + R##n(c, u->src) + ((flags & (flag)) != 0);                \
        cpu_set_arith_flags(c, (flags & ~(flag)) | (r >> (n) ? (flag) : 0));                       \
        SET##n(c, u->dst, r);                                                                      \
        NEXT(c, u);                                                                                \
    }
#define ADX(n)                                                                                     \
    ADX_BY(adcx, n, X86_FLAGS_CF)                                                                  \
    ADX_BY(adox, n, X86_FLAGS_OF)

BMI_OF_SIZE(32)
BMI_OF_SIZE(64)

/* The upper half goes to dst, the lower to src; where both are one, the upper half stays. */
UOP mulx32(struct cpu *c, const struct uop *u)
{
    uint64_t r = (uint64_t)R32(c, REG_OFF(RDX)) * R32(c, u->aux);
    SET32(c, u->src, r);
    SET32(c, u->dst, r >> 32);
    NEXT(c, u);
}
UOP mulx64(struct cpu *c, const struct uop *u)
{
    u128 r = (u128)R64(c, REG_OFF(RDX)) * R64(c, u->aux);
    R64(c, u->src) = (uint64_t)r;
    R64(c, u->dst) = (uint64_t)(r >> 64);
    NEXT(c, u);
}

struct bmi {
    ZydisMnemonic mnemonic;
    uop_fn fns[2];
    uint8_t operands[3]; /* of dst, src, aux; NONE */
};
#define NONE 0xff

static const struct bmi table[] = {
    {ZYDIS_MNEMONIC_ANDN, {andn32, andn64}, {0, 1, 2}},
    {ZYDIS_MNEMONIC_BEXTR, {bextr32, bextr64}, {0, 1, 2}},
    {ZYDIS_MNEMONIC_BLSI, {blsi32, blsi64}, {0, 1, NONE}},
    {ZYDIS_MNEMONIC_BLSMSK, {blsmsk32, blsmsk64}, {0, 1, NONE}},
    {ZYDIS_MNEMONIC_BLSR, {blsr32, blsr64}, {0, 1, NONE}},
    {ZYDIS_MNEMONIC_BZHI, {bzhi32, bzhi64}, {0, 1, 2}},
    {ZYDIS_MNEMONIC_PDEP, {pdep32, pdep64}, {0, 1, 2}},
    {ZYDIS_MNEMONIC_PEXT, {pext32, pext64}, {0, 1, 2}},
    {ZYDIS_MNEMONIC_SHLX, {shlx32, shlx64}, {0, 1, 2}},
    {ZYDIS_MNEMONIC_SHRX, {shrx32, shrx64}, {0, 1, 2}},
    {ZYDIS_MNEMONIC_SARX, {sarx32, sarx64}, {0, 1, 2}},
    {ZYDIS_MNEMONIC_RORX, {rorx32, rorx64}, {0, 1, NONE}},
    {ZYDIS_MNEMONIC_MULX, {mulx32, mulx64}, {0, 1, 2}},
    {ZYDIS_MNEMONIC_ADCX, {adcx32, adcx64}, {0, 1, NONE}},
    {ZYDIS_MNEMONIC_ADOX, {adox32, adox64}, {0, 1, NONE}},
};

bool int_translate_bmi(struct translator *t)
{
    const struct bmi *b = NULL;
    for (unsigned i = 0; i < sizeof table / sizeof table[0] && !b; i++)
        if (table[i].mnemonic == t->insn.mnemonic)
            b = &table[i];
    if (!b)
        return false;
    uint8_t at[3] = {REG_OFF(REG_ZERO), REG_OFF(REG_ZERO), REG_OFF(REG_ZERO)};
    for (unsigned i = 0; i < 3; i++)
        if (b->operands[i] != NONE)
            at[i] = int_source(t, &t->ops[b->operands[i]], false);
    bool wide = t->ops[0].size == 64;
    struct uop *u = emit(t, b->fns[wide]);
    u->dst = at[0];
    u->src = at[1];
    u->aux = at[2];
    if (b->mnemonic == ZYDIS_MNEMONIC_RORX)
        u->imm = (int64_t)(t->ops[2].imm.value.u & (wide ? 63 : 31));
    return true;
}
