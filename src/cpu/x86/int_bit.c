/* SPDX-License-Identifier: BSD-2-Clause */
/* Bit tests, with bit strings in memory, and bit scans. */
#include "cpu/x86/int_lock.h"

/* ZF stays; of the flags that are undefined none does. */
ALWAYS_INLINE void set_carry(struct cpu *c, bool carry)
{
    c->cc_dst = (int_zero(c) ? X86_FLAGS_ZF : 0) | carry;
    c->cc_op = CC_FLAGS;
}

#define BIT_REG(c, u, n) (R8((c), (u)->src) & ((n)-1))
#define BIT_IMM(c, u, n) ((unsigned)(u)->imm)
#define MASK(c, u, n, k) ((uint##n##_t)((uint##n##_t)1 << k(c, u, n)))

#define BIT_TEST(n, form, k)                                                                       \
    UOP bt##n##_r##form(struct cpu *c, const struct uop *u)                                        \
    {                                                                                              \
        set_carry(c, R##n(c, u->dst) >> k(c, u, n) & 1);                                           \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP_LOAD(bt##n##_m##form, n, uop_ea, END_SLOW, set_carry(c, m >> k(c, u, n) & 1))

/* `op` is what changes the bit by a mask; `host` the same for __atomic_fetch. */
#define BIT_CHANGE(name, n, form, k, op, host, host_mask)                                          \
    UOP name##n##_r##form(struct cpu *c, const struct uop *u)                                      \
    {                                                                                              \
        uint##n##_t m = R##n(c, u->dst), mask = MASK(c, u, n, k);                                  \
        SET##n(c, u->dst, m op mask);                                                              \
        set_carry(c, m &mask);                                                                     \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    ALWAYS_INLINE uint##n##_t name##n##form##_value(struct cpu *c, const struct uop *u,            \
                                                    uint##n##_t m)                                 \
    {                                                                                              \
        uint##n##_t mask = MASK(c, u, n, k);                                                       \
        set_carry(c, m &mask);                                                                     \
        return (uint##n##_t)(m op mask);                                                           \
    }                                                                                              \
    UOP_RMW(name##n##_m##form, n, name##n##form##_value(c, u, m))                                  \
    LOCKED(name##n##_l##form, n, FETCH(host, host_mask(MASK(c, u, n, k))), m op MASK(c, u, n, k),  \
           set_carry(c, m &MASK(c, u, n, k)))

#define AS_IS(mask)   (mask)
#define INVERSE(mask) ((__typeof__(mask))~(mask))

#define BITS_FORM(n, form, k)                                                                      \
    BIT_TEST(n, form, k)                                                                           \
    BIT_CHANGE(bts, n, form, k, |, or, AS_IS)                                                      \
    BIT_CHANGE(btr, n, form, k, &~, and, INVERSE)                                                  \
    BIT_CHANGE(btc, n, form, k, ^, xor, AS_IS)
#define BITS(n)                                                                                    \
    BITS_FORM(n, r, BIT_REG)                                                                       \
    BITS_FORM(n, i, BIT_IMM)

BITS(16)
BITS(32)
BITS(64)

enum { BT, BTS, BTR, BTC };
enum { PLACE_REGISTER, PLACE_MEMORY, PLACE_LOCKED, PLACES };

#define FORM(name, place, form)                                                                    \
    {                                                                                              \
        name##16_##place##form, name##32_##place##form, name##64_##place##form                     \
    }
#define PLACE(name, place)                                                                         \
    {                                                                                              \
        FORM(name, place, r), FORM(name, place, i)                                                 \
    }
static const uop_fn bit_fn[4][PLACES][2][3] = {
    [BT] = {PLACE(bt, r), PLACE(bt, m)},
    [BTS] = {PLACE(bts, r), PLACE(bts, m), PLACE(bts, l)},
    [BTR] = {PLACE(btr, r), PLACE(btr, m), PLACE(btr, l)},
    [BTC] = {PLACE(btc, r), PLACE(btc, m), PLACE(btc, l)},
};

/* ---- Bit strings: REG_T1 has the operand's offset, REG_EA gets the element's address ---- */

/* Distance in bytes of the element that holds the bit; aux is the size. */
ALWAYS_INLINE uint64_t bit_distance(struct cpu *c, const struct uop *u)
{
    int64_t bit = u->aux == SIZE64   ? (int64_t)R64(c, u->src)
                  : u->aux == SIZE32 ? (int32_t)R32(c, u->src)
                                     : (int16_t)R16(c, u->src);
    return (uint64_t)(bit >> (u->aux + 3)) << u->aux;
}

UOP bit_element(struct cpu *c, const struct uop *u)
{
    c->r[REG_EA] = c->r[REG_T1] + bit_distance(c, u);
    NEXT(c, u);
}

/* dst tells a write, disp is the size in bytes, aux16 the address size in bits. */
UOP bit_element_checked(struct cpu *c, const struct uop *u)
{
    uint64_t offset = c->r[REG_T1] + bit_distance(c, u), linear;
    offset = u->aux16 == 16 ? (uint16_t)offset : u->aux16 == 32 ? (uint32_t)offset : offset;
    if (!cpu_linear(c, u, u->seg, offset, (unsigned)u->disp, u->dst, &linear))
        return NULL;
    c->r[REG_EA] = linear;
    NEXT_SLOW(c, u);
}

static struct uop *emit_bit_string(struct translator *t, uop_fn fn, bool write)
{
    const ZydisDecodedOperand *op = &t->ops[0];
    uint8_t segment = int_segment(op->mem.segment);
    int_emit_lea(t, op, REG_OFF(REG_T1), t->insn.address_width);
    bool simple = (t->mode & MODE_CODE64) && t->insn.address_width == 64 && segment < SEG_FS;
    struct uop *u = emit(t, simple ? bit_element : bit_element_checked);
    u->src = translate_gpr(t->ops[1].reg.value);
    u->aux = (uint8_t)size_log2(op->size);
    u->aux16 = t->insn.address_width;
    u->disp = op->size / 8;
    u->dst = write;
    u->seg = segment;
    u = emit(t, fn);
    u->base = REG_OFF(REG_EA);
    u->seg = segment;
    return u;
}

static bool translate_bit(struct translator *t, unsigned kind)
{
    const ZydisDecodedOperand *to = &t->ops[0], *bit = &t->ops[1];
    unsigned place = is_reg(to) ? PLACE_REGISTER : is_locked(t) ? PLACE_LOCKED : PLACE_MEMORY;
    uop_fn fn = bit_fn[kind][place][is_imm(bit)][size_log2(to->size) - 1];
    struct uop *u;
    if (is_reg(to)) {
        u = emit(t, fn);
        u->dst = translate_gpr(to->reg.value);
    } else if (is_imm(bit)) {
        u = int_emit_mem(t, fn, to, kind != BT);
    } else {
        u = emit_bit_string(t, fn, kind != BT);
    }
    if (is_imm(bit))
        u->imm = (int64_t)(bit->imm.value.u & (to->size - 1u));
    else
        u->src = translate_gpr(bit->reg.value);
    return true;
}

/* ---- Scans and counts; the source is a register or REG_T0 ---- */

/* Leaves the destination alone for 0. */
#define SCAN(n)                                                                                    \
    UOP bsf##n(struct cpu *c, const struct uop *u)                                                 \
    {                                                                                              \
        uint64_t v = R##n(c, u->src);                                                              \
        set_logic(c, SIZE##n, v);                                                                  \
        if (v)                                                                                     \
            SET##n(c, u->dst, __builtin_ctzll(v));                                                 \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP bsr##n(struct cpu *c, const struct uop *u)                                                 \
    {                                                                                              \
        uint64_t v = R##n(c, u->src);                                                              \
        set_logic(c, SIZE##n, v);                                                                  \
        if (v)                                                                                     \
            SET##n(c, u->dst, 63 - __builtin_clzll(v));                                            \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP tzcnt##n(struct cpu *c, const struct uop *u)                                               \
    {                                                                                              \
        uint64_t v = R##n(c, u->src);                                                              \
        unsigned count = v ? (unsigned)__builtin_ctzll(v) : (n);                                   \
        c->cc_op = CC_FLAGS;                                                                       \
        c->cc_dst = (v ? 0 : X86_FLAGS_CF) | (count ? 0 : X86_FLAGS_ZF);                           \
        SET##n(c, u->dst, count);                                                                  \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP lzcnt##n(struct cpu *c, const struct uop *u)                                               \
    {                                                                                              \
        uint64_t v = R##n(c, u->src);                                                              \
        unsigned count = v ? (unsigned)__builtin_clzll(v) - (64 - (n)) : (n);                      \
        c->cc_op = CC_FLAGS;                                                                       \
        c->cc_dst = (v ? 0 : X86_FLAGS_CF) | (count ? 0 : X86_FLAGS_ZF);                           \
        SET##n(c, u->dst, count);                                                                  \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP popcnt##n(struct cpu *c, const struct uop *u)                                              \
    {                                                                                              \
        uint64_t v = R##n(c, u->src);                                                              \
        c->cc_op = CC_FLAGS;                                                                       \
        c->cc_dst = v ? 0 : X86_FLAGS_ZF;                                                          \
        SET##n(c, u->dst, __builtin_popcountll(v));                                                \
        NEXT(c, u);                                                                                \
    }
SCAN(16)
SCAN(32)
SCAN(64)

static bool translate_scan(struct translator *t, const uop_fn fns[3])
{
    uint8_t src = int_source(t, &t->ops[1], false);
    struct uop *u = emit(t, fns[size_log2(t->ops[0].size) - 1]);
    u->dst = translate_gpr(t->ops[0].reg.value);
    u->src = src;
    return true;
}

bool int_translate_bit(struct translator *t)
{
    static const uop_fn bsf[3] = {bsf16, bsf32, bsf64}, bsr[3] = {bsr16, bsr32, bsr64};
    static const uop_fn tzcnt[3] = {tzcnt16, tzcnt32, tzcnt64};
    static const uop_fn lzcnt[3] = {lzcnt16, lzcnt32, lzcnt64};
    static const uop_fn popcnt[3] = {popcnt16, popcnt32, popcnt64};
    switch (t->insn.mnemonic) {
    case ZYDIS_MNEMONIC_BT:
        return translate_bit(t, BT);
    case ZYDIS_MNEMONIC_BTS:
        return translate_bit(t, BTS);
    case ZYDIS_MNEMONIC_BTR:
        return translate_bit(t, BTR);
    case ZYDIS_MNEMONIC_BTC:
        return translate_bit(t, BTC);
    case ZYDIS_MNEMONIC_BSF:
        return translate_scan(t, bsf);
    case ZYDIS_MNEMONIC_BSR:
        return translate_scan(t, bsr);
    case ZYDIS_MNEMONIC_TZCNT:
        return translate_scan(t, tzcnt);
    case ZYDIS_MNEMONIC_LZCNT:
        return translate_scan(t, lzcnt);
    case ZYDIS_MNEMONIC_POPCNT:
        return translate_scan(t, popcnt);
    default:
        return false;
    }
}
