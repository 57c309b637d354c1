/* SPDX-License-Identifier: BSD-2-Clause */
/* Decimal adjustments, BOUND, INTO and SALC: 16- and 32-bit code only. */
#include "cpu/x86/int_ops.h"

/* SF, ZF and PF of AL, with CF and AF as given. */
static void set_decimal_flags(struct cpu *c, bool carry, bool adjust)
{
    uint8_t al = R8(c, REG_OFF(RAX));
    cpu_set_arith_flags(c, (carry ? X86_FLAGS_CF : 0) | (adjust ? X86_FLAGS_AF : 0) |
                               (al == 0 ? X86_FLAGS_ZF : 0) | (al & 0x80 ? X86_FLAGS_SF : 0) |
                               (__builtin_parity(al) ? 0 : X86_FLAGS_PF));
}

static void ascii_adjust(struct cpu *c, int sign)
{
    bool adjust = (R8(c, REG_OFF(RAX)) & 0xf) > 9 || (cpu_arith_flags(c) & X86_FLAGS_AF);
    if (adjust)
        R16(c, REG_OFF(RAX)) = (uint16_t)(R16(c, REG_OFF(RAX)) + sign * 0x106);
    R8(c, REG_OFF(RAX)) &= 0xf;
    set_decimal_flags(c, adjust, adjust);
}

static void decimal_adjust(struct cpu *c, int sign)
{
    uint8_t al = R8(c, REG_OFF(RAX));
    uint64_t flags = cpu_arith_flags(c);
    bool adjust = (al & 0xf) > 9 || (flags & X86_FLAGS_AF);
    bool high = al > 0x99 || (flags & X86_FLAGS_CF);
    bool borrow = sign < 0 && adjust && al < 6;
    int change = (adjust ? 6 : 0) + (high ? 0x60 : 0);
    R8(c, REG_OFF(RAX)) = (uint8_t)(al + sign * change);
    set_decimal_flags(c, high || borrow, adjust);
}

UOP aaa(struct cpu *c, const struct uop *u)
{
    ascii_adjust(c, 1);
    NEXT(c, u);
}
UOP aas(struct cpu *c, const struct uop *u)
{
    ascii_adjust(c, -1);
    NEXT(c, u);
}
UOP daa(struct cpu *c, const struct uop *u)
{
    decimal_adjust(c, 1);
    NEXT(c, u);
}
UOP das(struct cpu *c, const struct uop *u)
{
    decimal_adjust(c, -1);
    NEXT(c, u);
}

UOP aam(struct cpu *c, const struct uop *u)
{
    unsigned al = R8(c, REG_OFF(RAX)), base = (uint8_t)u->imm;
    if (base == 0)
        return cpu_raise(c, u, EXC_DE);
    R16(c, REG_OFF(RAX)) = (uint16_t)(al / base << 8 | al % base);
    set_decimal_flags(c, false, false);
    NEXT(c, u);
}

UOP aad(struct cpu *c, const struct uop *u)
{
    unsigned ax = R16(c, REG_OFF(RAX));
    R16(c, REG_OFF(RAX)) = (uint8_t)((ax >> 8) * (uint8_t)u->imm + ax);
    set_decimal_flags(c, false, false);
    NEXT(c, u);
}

UOP salc(struct cpu *c, const struct uop *u)
{
    R8(c, REG_OFF(RAX)) = cpu_condition(c, 2) ? 0xff : 0;
    NEXT(c, u);
}

/* Both bounds, signed, follow each other in memory; two accesses to AC. */
UOP bound16(struct cpu *c, const struct uop *u)
{
    if (!cpu_load(c, u, uop_ea(c, u), 2))
        return NULL;
    int16_t v = (int16_t)R16(c, u->dst), lower = (int16_t)c->ld.u16[0];
    if (!cpu_load(c, u, uop_ea(c, u) + 2, 2))
        return NULL;
    if (v < lower || v > (int16_t)c->ld.u16[0])
        return cpu_raise(c, u, EXC_BR);
    END_SLOW(c, u);
}
UOP bound32(struct cpu *c, const struct uop *u)
{
    if (!cpu_load(c, u, uop_ea(c, u), 4))
        return NULL;
    int32_t v = (int32_t)R32(c, u->dst), lower = (int32_t)c->ld.u32[0];
    if (!cpu_load(c, u, uop_ea(c, u) + 4, 4))
        return NULL;
    if (v < lower || v > (int32_t)c->ld.u32[0])
        return cpu_raise(c, u, EXC_BR);
    END_SLOW(c, u);
}

bool int_translate_bcd(struct translator *t)
{
    uop_fn fn;
    switch (t->insn.mnemonic) {
    case ZYDIS_MNEMONIC_AAA:
        fn = aaa;
        break;
    case ZYDIS_MNEMONIC_AAS:
        fn = aas;
        break;
    case ZYDIS_MNEMONIC_DAA:
        fn = daa;
        break;
    case ZYDIS_MNEMONIC_DAS:
        fn = das;
        break;
    case ZYDIS_MNEMONIC_SALC:
        fn = salc;
        break;
    case ZYDIS_MNEMONIC_AAM:
    case ZYDIS_MNEMONIC_AAD:
        emit(t, t->insn.mnemonic == ZYDIS_MNEMONIC_AAM ? aam : aad)->imm = t->ops[0].imm.value.s;
        return true;
    case ZYDIS_MNEMONIC_BOUND: {
        bool wide = t->ops[0].size == 32;
        struct address a;
        translate_address(t, &t->ops[1], wide ? 8 : 4, false, &a);
        struct uop *u = emit(t, wide ? bound32 : bound16);
        uop_set_address(u, &a);
        u->dst = translate_gpr(t->ops[0].reg.value);
        return true;
    }
    default:
        return false;
    }
    emit(t, fn);
    return true;
}
