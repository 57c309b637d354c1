/* SPDX-License-Identifier: BSD-2-Clause */
/* Helpers of the integer translators, and the group's list. */
#include "cpu/x86/int_ops.h"

const struct uop *int_settle(struct cpu *c, const struct uop *u)
{
    cpu_set_arith_flags(c, cpu_arith_flags(c));
    GOTO(c, u);
}

/* ---- Memory operands by way of REG_T0 ---- */

#define TEMPORARY(n)                                                                               \
    UOP_LOAD(fetch##n, n, uop_ea, NEXT_SLOW, R64(c, REG_OFF(REG_T0)) = m)                          \
    COLD UOP fetch_rmw##n##_slow(struct cpu *c, const struct uop *u)                               \
    {                                                                                              \
        if (!cpu_load_rmw(c, u, uop_ea(c, u), (n) / 8))                                            \
            return NULL;                                                                           \
        c->r[REG_T0] = c->ld.u##n[0];                                                              \
        NEXT_SLOW(c, u);                                                                           \
    }                                                                                              \
    UOP fetch_rmw##n(struct cpu *c, const struct uop *u)                                           \
    {                                                                                              \
        const uint8_t *p = tlb_write(c, uop_ea(c, u), (n) / 8);                                    \
        if (UNLIKELY(!p))                                                                          \
            return fetch_rmw##n##_slow(c, u);                                                      \
        c->r[REG_T0] = os_load##n(p);                                                              \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP_STORE(put##n, n, uop_ea, c->r[REG_T0])

EACH_SIZE(TEMPORARY)

bool int_is_general(const ZydisDecodedOperand *op)
{
    if (!is_reg(op))
        return true;
    switch (ZydisRegisterGetClass(op->reg.value)) {
    case ZYDIS_REGCLASS_GPR8:
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
        return true;
    default:
        return false;
    }
}

uint8_t int_segment(ZydisRegister segment)
{
    switch (segment) {
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

struct uop *int_emit_mem(struct translator *t, uop_fn fn, const ZydisDecodedOperand *op, bool write)
{
    struct address a;
    translate_address(t, op, op->size / 8, write, &a);
    struct uop *u = emit(t, fn);
    uop_set_address(u, &a);
    return u;
}

uint8_t int_source(struct translator *t, const ZydisDecodedOperand *op, bool write)
{
    static const uop_fn fns[2][4] = {{fetch8, fetch16, fetch32, fetch64},
                                     {fetch_rmw8, fetch_rmw16, fetch_rmw32, fetch_rmw64}};
    if (is_reg(op))
        return translate_gpr(op->reg.value);
    int_emit_mem(t, fns[write][size_log2(op->size)], op, write);
    return REG_OFF(REG_T0);
}

void int_sink(struct translator *t, const ZydisDecodedOperand *op)
{
    static const uop_fn fns[4] = {put8, put16, put32, put64};
    if (is_mem(op))
        int_emit_mem(t, fns[size_log2(op->size)], op, true);
}

/* ---- Effective addresses ---- */

#define LEA(name, value, set)                                                                      \
    UOP lea_##name(struct cpu *c, const struct uop *u)                                             \
    {                                                                                              \
        set(c, u->dst, value);                                                                     \
        NEXT(c, u);                                                                                \
    }
#define EA_INDEX(c, u) ((R64((c), (u)->index) << (u)->scale) + (uint64_t)(int64_t)(u)->disp)
#define EA_SUM(c, u)   (R64((c), (u)->base) + R64((c), (u)->index))
#define EA_RIP(c, u)   ((c)->r[RIP] + (uint64_t)(u)->imm)

LEA(16, uop_ea(c, u), SET16)
LEA(32, uop_ea(c, u), SET32)
LEA(64, uop_ea(c, u), SET64)
LEA(of16, (uint16_t)uop_ea(c, u), SET64)
LEA(base32, EA_BASE(c, u), SET32)
LEA(base64, EA_BASE(c, u), SET64)
LEA(index32, EA_INDEX(c, u), SET32)
LEA(index64, EA_INDEX(c, u), SET64)
LEA(sum32, EA_SUM(c, u), SET32)
LEA(sum64, EA_SUM(c, u), SET64)
LEA(rip16, EA_RIP(c, u), SET16)
LEA(rip32, EA_RIP(c, u), SET32)
LEA(rip64, EA_RIP(c, u), SET64)

void int_emit_lea(struct translator *t, const ZydisDecodedOperand *op, uint8_t dst, unsigned bits)
{
    const ZydisDecodedOperandMem *m = &op->mem;
    unsigned address = t->insn.address_width;
    bool low = address == 16 && bits > 16;
    unsigned width = bits < address ? bits : address;
    if (m->base == ZYDIS_REGISTER_RIP || m->base == ZYDIS_REGISTER_EIP) {
        struct uop *u = emit(t, width == 64 ? lea_rip64 : width == 32 ? lea_rip32 : lea_rip16);
        u->dst = dst;
        u->imm = m->disp.value + t->off + t->insn.length;
        return;
    }
    bool has_base = m->base != ZYDIS_REGISTER_NONE, has_index = m->index != ZYDIS_REGISTER_NONE;
    uop_fn fn;
    if (low)
        fn = lea_of16;
    else if (width == 16)
        fn = lea_16;
    else if (!has_index)
        fn = width == 32 ? lea_base32 : lea_base64;
    else if (!has_base)
        fn = width == 32 ? lea_index32 : lea_index64;
    else if (m->scale <= 1 && m->disp.value == 0)
        fn = width == 32 ? lea_sum32 : lea_sum64;
    else
        fn = width == 32 ? lea_32 : lea_64;
    struct uop *u = emit(t, fn);
    u->dst = dst;
    u->base = has_base ? translate_gpr(m->base) : REG_OFF(REG_ZERO);
    u->index = has_index ? translate_gpr(m->index) : REG_OFF(REG_ZERO);
    u->scale = m->scale > 1 ? (uint8_t)__builtin_ctz(m->scale) : 0;
    u->disp = (int32_t)m->disp.value;
}

/* ---- Conditions ---- */

#define CC_CASES(n, name)                                                                          \
    case ZYDIS_MNEMONIC_J##name:                                                                   \
    case ZYDIS_MNEMONIC_SET##name:                                                                 \
    case ZYDIS_MNEMONIC_CMOV##name:                                                                \
        return n;

int int_cc_of(ZydisMnemonic mnemonic)
{
    switch (mnemonic) {
        CC_CASES(0, O)
        CC_CASES(1, NO)
        CC_CASES(2, B)
        CC_CASES(3, NB)
        CC_CASES(4, Z)
        CC_CASES(5, NZ)
        CC_CASES(6, BE)
        CC_CASES(7, NBE)
        CC_CASES(8, S)
        CC_CASES(9, NS)
        CC_CASES(10, P)
        CC_CASES(11, NP)
        CC_CASES(12, L)
        CC_CASES(13, NL)
        CC_CASES(14, LE)
        CC_CASES(15, NLE)
    default:
        return -1;
    }
}

bool translate_integer(struct translator *t)
{
    static translate_fn *const parts[] = {
        int_translate_mov,   int_translate_alu,    int_translate_cond, int_translate_stack,
        int_translate_shift, int_translate_locked, int_translate_bit,  int_translate_muldiv,
        int_translate_bmi,   int_translate_misc,   int_translate_bcd,
    };
    for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        if (parts[i](t))
            return true;
    return false;
}
