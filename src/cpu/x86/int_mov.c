/* SPDX-License-Identifier: BSD-2-Clause */
/* Moves between registers and memory, with and without extension. */
#include "cpu/x86/int_ops.h"

#define MOV_OF_SIZE(n)                                                                             \
    UOP mov##n##_rr(struct cpu *c, const struct uop *u)                                            \
    {                                                                                              \
        SET##n(c, u->dst, R##n(c, u->src));                                                        \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP mov##n##_ri(struct cpu *c, const struct uop *u)                                            \
    {                                                                                              \
        SET##n(c, u->dst, u->imm);                                                                 \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP_LOAD(mov##n##_rm, n, uop_ea, END_SLOW, SET##n(c, u->dst, m))                               \
    UOP_LOAD(mov##n##_rb, n, EA_BASE, END_SLOW, SET##n(c, u->dst, m))                              \
    UOP_STORE(mov##n##_mr, n, uop_ea, R##n(c, u->src))                                             \
    UOP_STORE(mov##n##_br, n, EA_BASE, R##n(c, u->src))                                            \
    UOP_STORE(mov##n##_mi, n, uop_ea, u->imm)                                                      \
    UOP_STORE(mov##n##_bi, n, EA_BASE, u->imm)

EACH_SIZE(MOV_OF_SIZE)

#define SIZES(form)                                                                                \
    {                                                                                              \
        mov8_##form, mov16_##form, mov32_##form, mov64_##form                                      \
    }
/* The second of each pair is for addresses without an index. */
static const uop_fn mov_fn[FORMS][2][4] = {
    [FORM_RR] = {SIZES(rr), SIZES(rr)}, [FORM_RI] = {SIZES(ri), SIZES(ri)},
    [FORM_RM] = {SIZES(rm), SIZES(rb)}, [FORM_MR] = {SIZES(mr), SIZES(br)},
    [FORM_MI] = {SIZES(mi), SIZES(bi)},
};

/* Extension from n bits to a whole register (upper half of 32 bits clear), or to 16 bits. */
#define EXTENSION(name, n, type, set)                                                              \
    UOP name##_rr(struct cpu *c, const struct uop *u)                                              \
    {                                                                                              \
        set(c, u->dst, (type)R##n(c, u->src));                                                     \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP_LOAD(name##_rm, n, uop_ea, END_SLOW, set(c, u->dst, (type)m))                              \
    UOP_LOAD(name##_rb, n, EA_BASE, END_SLOW, set(c, u->dst, (type)m))

EXTENSION(zx8_16, 8, uint8_t, SET16)
EXTENSION(zx8_32, 8, uint8_t, SET64)
EXTENSION(zx16_32, 16, uint16_t, SET64)
EXTENSION(sx8_16, 8, int8_t, SET16)
EXTENSION(sx8_32, 8, int8_t, SET32)
EXTENSION(sx8_64, 8, int8_t, SET64)
EXTENSION(sx16_32, 16, int16_t, SET32)
EXTENSION(sx16_64, 16, int16_t, SET64)
EXTENSION(sx32_64, 32, int32_t, SET64)

struct extension {
    uop_fn rr, rm, rb;
};
#define FNS(name)                                                                                  \
    {                                                                                              \
        name##_rr, name##_rm, name##_rb                                                            \
    }
/* By the source's size and the destination's, 16 bits and up. */
static const struct extension zero_extend[3][3] = {
    {FNS(zx8_16), FNS(zx8_32), FNS(zx8_32)},
    {FNS(mov16), FNS(zx16_32), FNS(zx16_32)},
    {FNS(mov16), FNS(mov32), FNS(mov32)},
};
static const struct extension sign_extend[3][3] = {
    {FNS(sx8_16), FNS(sx8_32), FNS(sx8_64)},
    {FNS(mov16), FNS(sx16_32), FNS(sx16_64)},
    {FNS(mov16), FNS(mov32), FNS(sx32_64)},
};

/* Address fields of the uop to come, and whether they have no index. */
static bool plain_address(struct translator *t, const ZydisDecodedOperand *op, bool write,
                          struct address *a)
{
    translate_address(t, op, op->size / 8, write, a);
    return a->index == REG_OFF(REG_ZERO);
}

static void translate_extension(struct translator *t, const struct extension table[3][3])
{
    const ZydisDecodedOperand *to = &t->ops[0], *from = &t->ops[1];
    /* MOVSXD moves 32 bits into 16 as MOV does. */
    unsigned bits = from->size > to->size ? to->size : from->size;
    const struct extension *e = &table[size_log2(bits)][size_log2(to->size) - 1];
    struct address a;
    struct uop *u;
    if (is_mem(from)) {
        bool plain = plain_address(t, from, false, &a);
        u = emit(t, plain ? e->rb : e->rm);
        uop_set_address(u, &a);
    } else {
        u = emit(t, e->rr);
        u->src = translate_gpr(from->reg.value);
    }
    u->dst = translate_gpr(to->reg.value);
}

static bool translate_mov(struct translator *t)
{
    const ZydisDecodedOperand *to = &t->ops[0], *from = &t->ops[1];
    if (!int_is_general(to) || !int_is_general(from))
        return false;
    enum int_form form = is_mem(to)     ? (is_imm(from) ? FORM_MI : FORM_MR)
                         : is_mem(from) ? FORM_RM
                         : is_imm(from) ? FORM_RI
                                        : FORM_RR;
    struct address a;
    bool memory = is_mem(to) || is_mem(from);
    bool plain = memory && plain_address(t, is_mem(to) ? to : from, is_mem(to), &a);
    struct uop *u = emit(t, mov_fn[form][plain][size_log2(to->size)]);
    if (memory)
        uop_set_address(u, &a);
    if (is_reg(to))
        u->dst = translate_gpr(to->reg.value);
    if (is_reg(from))
        u->src = translate_gpr(from->reg.value);
    if (is_imm(from))
        u->imm = from->imm.value.s;
    return true;
}

/* ---- BSWAP, MOVBE, XCHG of registers ---- */

#define SWAP_OF_SIZE(n)                                                                            \
    UOP xchg##n(struct cpu *c, const struct uop *u)                                                \
    {                                                                                              \
        uint##n##_t v = R##n(c, u->dst);                                                           \
        SET##n(c, u->dst, R##n(c, u->src));                                                        \
        SET##n(c, u->src, v);                                                                      \
        NEXT(c, u);                                                                                \
    }
#define MOVBE_OF_SIZE(n)                                                                           \
    UOP_LOAD(movbe##n##_rm, n, uop_ea, END_SLOW, SET##n(c, u->dst, __builtin_bswap##n(m)))         \
    UOP_STORE(movbe##n##_mr, n, uop_ea, __builtin_bswap##n(R##n(c, u->src)))
#define BSWAP_OF_SIZE(n)                                                                           \
    UOP bswap##n(struct cpu *c, const struct uop *u)                                               \
    {                                                                                              \
        SET##n(c, u->dst, __builtin_bswap##n(R##n(c, u->dst)));                                    \
        NEXT(c, u);                                                                                \
    }

EACH_SIZE(SWAP_OF_SIZE)
MOVBE_OF_SIZE(16)
MOVBE_OF_SIZE(32)
MOVBE_OF_SIZE(64)
BSWAP_OF_SIZE(32)
BSWAP_OF_SIZE(64)

/* Undefined for 16 bits; CPUs clear the register. */
UOP bswap16(struct cpu *c, const struct uop *u)
{
    SET16(c, u->dst, 0);
    NEXT(c, u);
}

/* PAUSE is NOP, and so XCHG, with F3; under REX.B F3 means nothing. */
static bool translate_pause(struct translator *t)
{
    static const uop_fn fns[4] = {NULL, xchg16, xchg32, xchg64};
    if (!t->insn.raw.rex.B)
        return false;
    struct uop *u = emit(t, fns[size_log2(t->insn.operand_width)]);
    u->dst = REG_OFF(RAX);
    u->src = REG_OFF(R8);
    return true;
}

static bool translate_xchg(struct translator *t)
{
    static const uop_fn fns[4] = {xchg8, xchg16, xchg32, xchg64};
    if (!is_reg(&t->ops[0]) || !is_reg(&t->ops[1]))
        return false;
    struct uop *u = emit(t, fns[size_log2(t->ops[0].size)]);
    u->dst = translate_gpr(t->ops[0].reg.value);
    u->src = translate_gpr(t->ops[1].reg.value);
    return true;
}

static void translate_movbe(struct translator *t)
{
    static const uop_fn loads[3] = {movbe16_rm, movbe32_rm, movbe64_rm};
    static const uop_fn stores[3] = {movbe16_mr, movbe32_mr, movbe64_mr};
    unsigned size = size_log2(t->ops[0].size) - 1;
    if (is_mem(&t->ops[0]))
        int_emit_mem(t, stores[size], &t->ops[0], true)->src = translate_gpr(t->ops[1].reg.value);
    else
        int_emit_mem(t, loads[size], &t->ops[1], false)->dst = translate_gpr(t->ops[0].reg.value);
}

/* ---- CBW to CQO ---- */

#define WIDEN(name, from_n, type, to_set, to)                                                      \
    UOP name(struct cpu *c, const struct uop *u)                                                   \
    {                                                                                              \
        to_set(c, REG_OFF(to), (type)R##from_n(c, REG_OFF(RAX)));                                  \
        NEXT(c, u);                                                                                \
    }
#define SPREAD(name, n)                                                                            \
    UOP name(struct cpu *c, const struct uop *u)                                                   \
    {                                                                                              \
        SET##n(c, REG_OFF(RDX), (int##n##_t)R##n(c, REG_OFF(RAX)) < 0 ? UINT64_MAX : 0);           \
        NEXT(c, u);                                                                                \
    }

WIDEN(cbw, 8, int8_t, SET16, RAX)
WIDEN(cwde, 16, int16_t, SET32, RAX)
WIDEN(cdqe, 32, int32_t, SET64, RAX)
SPREAD(cwd, 16)
SPREAD(cdq, 32)
SPREAD(cqo, 64)

bool int_translate_mov(struct translator *t)
{
    switch (t->insn.mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVNTI:
        return translate_mov(t);
    case ZYDIS_MNEMONIC_LEA:
        int_emit_lea(t, &t->ops[1], translate_gpr(t->ops[0].reg.value), t->ops[0].size);
        return true;
    case ZYDIS_MNEMONIC_MOVZX:
        translate_extension(t, zero_extend);
        return true;
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
        translate_extension(t, sign_extend);
        return true;
    case ZYDIS_MNEMONIC_PAUSE:
        return translate_pause(t);
    case ZYDIS_MNEMONIC_XCHG:
        return translate_xchg(t);
    case ZYDIS_MNEMONIC_MOVBE:
        translate_movbe(t);
        return true;
    case ZYDIS_MNEMONIC_BSWAP: {
        static const uop_fn fns[4] = {NULL, bswap16, bswap32, bswap64};
        emit(t, fns[size_log2(t->ops[0].size)])->dst = translate_gpr(t->ops[0].reg.value);
        return true;
    }
    case ZYDIS_MNEMONIC_CBW:
        emit(t, cbw);
        return true;
    case ZYDIS_MNEMONIC_CWDE:
        emit(t, cwde);
        return true;
    case ZYDIS_MNEMONIC_CDQE:
        emit(t, cdqe);
        return true;
    case ZYDIS_MNEMONIC_CWD:
        emit(t, cwd);
        return true;
    case ZYDIS_MNEMONIC_CDQ:
        emit(t, cdq);
        return true;
    case ZYDIS_MNEMONIC_CQO:
        emit(t, cqo);
        return true;
    default:
        return false;
    }
}
