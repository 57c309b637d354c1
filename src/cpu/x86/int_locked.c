/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions with LOCK, and those that exchange: XCHG, XADD, CMPXCHG are always atomic here. */
#include "cpu/x86/int_alu.h"
#include "cpu/x86/int_lock.h"
#include "os/cas128.h"

/* `op` of the host with `how` it combines m and b; `flags` sets flags from both. */
#define LOCKED_BINARY(op, n, host, b_plus, how, flags)                                             \
    LOCKED(op##n##_mr, n, FETCH(host, (uint##n##_t)(R##n(c, u->src) + (b_plus))),                  \
           m how(R##n(c, u->src) + (b_plus)), flags(c, m, R##n(c, u->src)))                        \
    LOCKED(op##n##_mi, n, FETCH(host, (uint##n##_t)(u->imm + (b_plus))),                           \
           m how((uint##n##_t)u->imm + (b_plus)), flags(c, m, (uint##n##_t)u->imm))

#define LOCKED_UNARY(op, n, atomic, plain) LOCKED(op##n##_m, n, atomic, plain, alu_##op##n(c, m))

#define NEGATE(n)                                                                                  \
    ALWAYS_INLINE uint##n##_t fetch_neg##n(uint##n##_t *p)                                         \
    {                                                                                              \
        uint##n##_t m = os_load##n(p);                                                             \
        while (!os_cas##n(p, &m, (uint##n##_t) - m))                                               \
            ;                                                                                      \
        return m;                                                                                  \
    }

#define LOCKED_OF_SIZE(n)                                                                          \
    NEGATE(n)                                                                                      \
    LOCKED_BINARY(add, n, add, 0, +, alu_add##n)                                                   \
    LOCKED_BINARY(or, n, or, 0, |, alu_or##n)                                                      \
    LOCKED_BINARY(adc, n, add, int_carry(c), +, alu_adc##n)                                        \
    LOCKED_BINARY(sbb, n, sub, int_carry(c), -, alu_sbb##n)                                        \
    LOCKED_BINARY(and, n, and, 0, &, alu_and##n)                                                   \
    LOCKED_BINARY(sub, n, sub, 0, -, alu_sub##n)                                                   \
    LOCKED_BINARY(xor, n, xor, 0, ^, alu_xor##n)                                                   \
    LOCKED_UNARY(inc, n, FETCH(add, 1), m + 1)                                                     \
    LOCKED_UNARY(dec, n, FETCH(sub, 1), m - 1)                                                     \
    LOCKED_UNARY(not, n, FETCH(xor, (uint##n##_t) - 1), ~m)                                        \
    LOCKED_UNARY(neg, n, fetch_neg##n(p), -m)                                                      \
    LOCKED(xchg##n, n, __atomic_exchange_n(p, R##n(c, u->src), __ATOMIC_SEQ_CST), R##n(c, u->src), \
           SET##n(c, u->src, m))                                                                   \
    LOCKED(xadd##n, n, FETCH(add, R##n(c, u->src)), m + R##n(c, u->src),                           \
           uint##n##_t r = alu_add##n(c, m, R##n(c, u->src));                                      \
           (void)r; SET##n(c, u->src, m))                                                          \
    UOP xadd##n##_rr(struct cpu *c, const struct uop *u)                                           \
    {                                                                                              \
        uint##n##_t a = R##n(c, u->dst), b = R##n(c, u->src);                                      \
        SET##n(c, u->src, a);                                                                      \
        SET##n(c, u->dst, alu_add##n(c, a, b));                                                    \
        NEXT(c, u);                                                                                \
    }

EACH_SIZE(LOCKED_OF_SIZE)

#define FORM(op, form)                                                                             \
    {                                                                                              \
        op##8_##form, op##16_##form, op##32_##form, op##64_##form                                  \
    }
#define BINARY(op)                                                                                 \
    {                                                                                              \
        FORM(op, mr), FORM(op, mi)                                                                 \
    }
#define UNARY(op)                                                                                  \
    {                                                                                              \
        [1] = FORM(op, m)                                                                          \
    }

const uop_fn int_locked_fn[ALU_OPS][2][4] = {
    [ALU_ADD] = BINARY(add), [ALU_OR] = BINARY(or),   [ALU_ADC] = BINARY(adc),
    [ALU_SBB] = BINARY(sbb), [ALU_AND] = BINARY(and), [ALU_SUB] = BINARY(sub),
    [ALU_XOR] = BINARY(xor), [ALU_INC] = UNARY(inc),  [ALU_DEC] = UNARY(dec),
    [ALU_NOT] = UNARY(not ), [ALU_NEG] = UNARY(neg),
};

/* ---- CMPXCHG ---- */

/* `m` is what memory held; it is stored back where it differs from the accumulator. */
#define CMPXCHG(n)                                                                                 \
    ALWAYS_INLINE uint##n##_t swap_if##n(uint##n##_t *p, uint##n##_t expected, uint##n##_t v)      \
    {                                                                                              \
        os_cas##n(p, &expected, v);                                                                \
        return expected;                                                                           \
    }                                                                                              \
    ALWAYS_INLINE void compared##n(struct cpu *c, uint##n##_t m)                                   \
    {                                                                                              \
        uint##n##_t a = R##n(c, REG_OFF(RAX));                                                     \
        alu_cmp##n(c, a, m);                                                                       \
        if (a != m)                                                                                \
            SET##n(c, REG_OFF(RAX), m);                                                            \
    }                                                                                              \
    LOCKED(cmpxchg##n, n, swap_if##n(p, R##n(c, REG_OFF(RAX)), R##n(c, u->src)),                   \
           m == R##n(c, REG_OFF(RAX)) ? R##n(c, u->src) : m, compared##n(c, m))                    \
    UOP cmpxchg##n##_rr(struct cpu *c, const struct uop *u)                                        \
    {                                                                                              \
        uint##n##_t m = R##n(c, u->dst), a = R##n(c, REG_OFF(RAX));                                \
        if (m == a)                                                                                \
            SET##n(c, u->dst, R##n(c, u->src));                                                    \
        alu_cmp##n(c, a, m);                                                                       \
        if (m != a)                                                                                \
            SET##n(c, REG_OFF(RAX), m);                                                            \
        NEXT(c, u);                                                                                \
    }

EACH_SIZE(CMPXCHG)

static void set_zf(struct cpu *c, bool zf)
{
    uint64_t flags = cpu_arith_flags(c) & ~X86_FLAGS_ZF;
    cpu_set_arith_flags(c, flags | (zf ? X86_FLAGS_ZF : 0));
}

static uint64_t pair32(const struct cpu *c, unsigned high, unsigned low)
{
    return c->r[high] << 32 | (uint32_t)c->r[low];
}

UOP cmpxchg8b(struct cpu *c, const struct uop *u)
{
    uint64_t ea = uop_ea(c, u), expected = pair32(c, RDX, RAX), wanted = pair32(c, RCX, RBX);
    uint64_t old = expected;
    uint64_t *p = cpu_atomic(c, u, ea, 8);
    if (p) {
        os_cas64(p, &old, wanted);
        cpu_wrote(c, ea, 8);
    } else if (c->event.kind == EVENT_NONE) {
        cpu_split_lock(c);
        bool done = cpu_load_rmw(c, u, ea, 8);
        old = c->ld.u64[0];
        done = done && cpu_store(c, u, ea, 8, old == expected ? wanted : old);
        cpu_split_unlock(c);
        if (!done)
            return NULL;
    } else {
        return NULL;
    }
    set_zf(c, old == expected);
    if (old != expected) {
        c->r[RAX] = (uint32_t)old;
        c->r[RDX] = old >> 32;
    }
    END_SLOW(c, u);
}

UOP cmpxchg16b(struct cpu *c, const struct uop *u)
{
    uint64_t ea = uop_ea(c, u), expected[2] = {c->r[RAX], c->r[RDX]};
    uint64_t wanted[2] = {c->r[RBX], c->r[RCX]}, old[2] = {expected[0], expected[1]};
    if (ea & 15)
        return cpu_raise_error(c, u, EXC_GP, 0);
    void *p = cpu_atomic(c, u, ea, 16);
    bool equal;
    if (p) {
        equal = os_cas128(p, old, wanted);
        cpu_wrote(c, ea, 16);
    } else if (c->event.kind == EVENT_NONE) {
        cpu_split_lock(c);
        bool done = cpu_load_rmw(c, u, ea, 16);
        old[0] = c->ld.u64[0];
        old[1] = c->ld.u64[1];
        equal = old[0] == expected[0] && old[1] == expected[1];
        done = done && cpu_store_bytes(c, u, ea, 16, equal ? wanted : old);
        cpu_split_unlock(c);
        if (!done)
            return NULL;
    } else {
        return NULL;
    }
    set_zf(c, equal);
    if (!equal) {
        c->r[RAX] = old[0];
        c->r[RDX] = old[1];
    }
    END_SLOW(c, u);
}

/* ---- Translation ---- */

bool int_translate_locked(struct translator *t)
{
    static const uop_fn xchg[4] = {xchg8, xchg16, xchg32, xchg64};
    static const uop_fn fns[2][2][4] = {
        {{xadd8_rr, xadd16_rr, xadd32_rr, xadd64_rr}, {xadd8, xadd16, xadd32, xadd64}},
        {{cmpxchg8_rr, cmpxchg16_rr, cmpxchg32_rr, cmpxchg64_rr},
         {cmpxchg8, cmpxchg16, cmpxchg32, cmpxchg64}}};
    const ZydisDecodedOperand *to = &t->ops[0], *from = &t->ops[1];
    unsigned size = size_log2(to->size);
    bool compares = t->insn.mnemonic == ZYDIS_MNEMONIC_CMPXCHG;
    struct uop *u;
    switch (t->insn.mnemonic) {
    case ZYDIS_MNEMONIC_XCHG:
        /* The memory operand may be either. */
        u = int_emit_mem(t, xchg[size], is_mem(to) ? to : from, true);
        u->src = translate_gpr((is_mem(to) ? from : to)->reg.value);
        return true;
    case ZYDIS_MNEMONIC_XADD:
    case ZYDIS_MNEMONIC_CMPXCHG:
        if (is_mem(to)) {
            u = int_emit_mem(t, fns[compares][1][size], to, true);
        } else {
            u = emit(t, fns[compares][0][size]);
            u->dst = translate_gpr(to->reg.value);
        }
        u->src = translate_gpr(from->reg.value);
        return true;
    case ZYDIS_MNEMONIC_CMPXCHG8B:
        int_emit_mem(t, cmpxchg8b, to, true);
        return true;
    case ZYDIS_MNEMONIC_CMPXCHG16B:
        int_emit_mem(t, cmpxchg16b, to, true);
        return true;
    default:
        return false;
    }
}
