/* SPDX-License-Identifier: BSD-2-Clause */
/* Shifts and rotates. Operands in memory are worked on in REG_T0. */
#include "cpu/x86/int_ops.h"

#define COUNT_MASK(n)  ((n) == 64 ? 63u : 31u)
#define BY_IMM(c, u)   ((unsigned)(u)->imm)
#define BY_CL(c, u, n) (R8((c), REG_OFF(RCX)) & COUNT_MASK(n))

/* ---- SHL, SHR, SAR ---- */

/* A count of 0 leaves flags alone, but clears a 32-bit destination's upper half. */
#define SHIFT(op, n, how, count, wide, kind, by)                                                   \
    UOP op##n##_##how(struct cpu *c, const struct uop *u)                                          \
    {                                                                                              \
        unsigned k = count;                                                                        \
        wide a = (wide)R##n(c, u->dst);                                                            \
        wide r = (wide)(a by k);                                                                   \
        if (LIKELY(k))                                                                             \
            set_cc(c, (kind) | SIZE##n, (uint64_t)r, (uint64_t)(a by(k - 1)));                     \
        SET##n(c, u->dst, r);                                                                      \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP op##n##_##how##_quiet(struct cpu *c, const struct uop *u)                                  \
    {                                                                                              \
        SET##n(c, u->dst, (wide)R##n(c, u->dst) by(count));                                        \
        NEXT(c, u);                                                                                \
    }
#define SHIFTS(n)                                                                                  \
    SHIFT(shl, n, imm, BY_IMM(c, u), uint64_t, CC_SHL, <<)                                         \
    SHIFT(shl, n, cl, BY_CL(c, u, n), uint64_t, CC_SHL, <<)                                        \
    SHIFT(shr, n, imm, BY_IMM(c, u), uint64_t, CC_SHR, >>)                                         \
    SHIFT(shr, n, cl, BY_CL(c, u, n), uint64_t, CC_SHR, >>)                                        \
    SAR(n, imm, BY_IMM(c, u))                                                                      \
    SAR(n, cl, BY_CL(c, u, n))
#define SAR(n, how, count)                                                                         \
    UOP sar##n##_##how(struct cpu *c, const struct uop *u)                                         \
    {                                                                                              \
        unsigned k = count;                                                                        \
        int64_t a = (int##n##_t)R##n(c, u->dst), r = a >> k;                                       \
        if (LIKELY(k))                                                                             \
            set_cc(c, CC_SHR | SIZE##n, (uint64_t)r, (uint64_t)(a >> (k - 1)));                    \
        SET##n(c, u->dst, r);                                                                      \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP sar##n##_##how##_quiet(struct cpu *c, const struct uop *u)                                 \
    {                                                                                              \
        SET##n(c, u->dst, (int64_t)(int##n##_t)R##n(c, u->dst) >> (count));                        \
        NEXT(c, u);                                                                                \
    }

EACH_SIZE(SHIFTS)

/* ---- Rotates ---- */

/* CF and OF only. */
static void set_cf_of(struct cpu *c, bool cf, bool of)
{
    uint64_t flags = cpu_arith_flags(c) & ~(X86_FLAGS_CF | X86_FLAGS_OF);
    cpu_set_arith_flags(c, flags | (cf ? X86_FLAGS_CF : 0) | (of ? X86_FLAGS_OF : 0));
}

#define TOP(n, v) ((v) >> ((n)-1) & 1)

#define ROTATES_BY(n, how, count)                                                                  \
    UOP rol##n##_##how##_quiet(struct cpu *c, const struct uop *u)                                 \
    {                                                                                              \
        SET##n(c, u->dst, rol##n(R##n(c, u->dst), count));                                         \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP ror##n##_##how##_quiet(struct cpu *c, const struct uop *u)                                 \
    {                                                                                              \
        SET##n(c, u->dst, rol##n(R##n(c, u->dst), 0u - (count)));                                  \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP rol##n##_##how(struct cpu *c, const struct uop *u)                                         \
    {                                                                                              \
        unsigned k = count;                                                                        \
        uint##n##_t r = rol##n(R##n(c, u->dst), k);                                                \
        if (k)                                                                                     \
            set_cf_of(c, r & 1, TOP(n, r) ^ (r & 1));                                              \
        SET##n(c, u->dst, r);                                                                      \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP ror##n##_##how(struct cpu *c, const struct uop *u)                                         \
    {                                                                                              \
        unsigned k = count;                                                                        \
        uint##n##_t r = rol##n(R##n(c, u->dst), 0u - k);                                           \
        if (k)                                                                                     \
            set_cf_of(c, TOP(n, r), (TOP(n, r) ^ r >> ((n)-2)) & 1);                               \
        SET##n(c, u->dst, r);                                                                      \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    /* The operand with CF above it, n + 1 bits. */                                                \
    UOP rcl##n##_##how(struct cpu *c, const struct uop *u)                                         \
    {                                                                                              \
        unsigned k = (count) % ((n) + 1);                                                          \
        unsigned __int128 x = R##n(c, u->dst);                                                     \
        if (k) {                                                                                   \
            x |= (unsigned __int128)cpu_condition(c, 2) << (n);                                    \
            x = x << k | x >> ((n) + 1 - k);                                                       \
            bool cf = x >> (n)&1;                                                                  \
            set_cf_of(c, cf, (bool)TOP(n, x) ^ cf);                                                \
        }                                                                                          \
        SET##n(c, u->dst, x);                                                                      \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP rcr##n##_##how(struct cpu *c, const struct uop *u)                                         \
    {                                                                                              \
        unsigned k = (count) % ((n) + 1);                                                          \
        unsigned __int128 x = R##n(c, u->dst);                                                     \
        if (k) {                                                                                   \
            x |= (unsigned __int128)cpu_condition(c, 2) << (n);                                    \
            x = x >> k | x << ((n) + 1 - k);                                                       \
            set_cf_of(c, x >> (n)&1, (bool)TOP(n, x) ^ (bool)TOP((n)-1, x));                       \
        }                                                                                          \
        SET##n(c, u->dst, x);                                                                      \
        NEXT(c, u);                                                                                \
    }

#define ROTATES(n)                                                                                 \
    ALWAYS_INLINE uint##n##_t rol##n(uint##n##_t v, unsigned k)                                    \
    {                                                                                              \
        return (uint##n##_t)(v << (k & ((n)-1)) | v >> (-k & ((n)-1)));                            \
    }                                                                                              \
    ROTATES_BY(n, imm, BY_IMM(c, u))                                                               \
    ROTATES_BY(n, cl, BY_CL(c, u, n))

EACH_SIZE(ROTATES)

/* ---- SHLD, SHRD ---- */

/* Counts over 16 shift the source in twice. */
ALWAYS_INLINE uint16_t shld16(uint16_t a, uint16_t b, unsigned k)
{
    return (uint16_t)(((uint64_t)a << 32 | (uint64_t)b << 16 | b) << k >> 32);
}
ALWAYS_INLINE uint16_t shrd16(uint16_t a, uint16_t b, unsigned k)
{
    return (uint16_t)(((uint64_t)b << 32 | (uint64_t)b << 16 | a) >> k);
}
ALWAYS_INLINE uint32_t shld32(uint32_t a, uint32_t b, unsigned k)
{
    return (uint32_t)(((uint64_t)a << 32 | b) << k >> 32);
}
ALWAYS_INLINE uint32_t shrd32(uint32_t a, uint32_t b, unsigned k)
{
    return (uint32_t)(((uint64_t)b << 32 | a) >> k);
}
ALWAYS_INLINE uint64_t shld64(uint64_t a, uint64_t b, unsigned k)
{
    return k ? a << k | b >> (64 - k) : a;
}
ALWAYS_INLINE uint64_t shrd64(uint64_t a, uint64_t b, unsigned k)
{
    return k ? a >> k | b << (64 - k) : a;
}

#define DOUBLE_BY(op, n, how, count, kind)                                                         \
    UOP op##n##_##how(struct cpu *c, const struct uop *u)                                          \
    {                                                                                              \
        unsigned k = count;                                                                        \
        uint##n##_t a = R##n(c, u->dst), b = R##n(c, u->src), r = op##n(a, b, k);                  \
        if (k)                                                                                     \
            set_cc(c, (kind) | SIZE##n, r, op##n(a, b, k - 1));                                    \
        SET##n(c, u->dst, r);                                                                      \
        NEXT(c, u);                                                                                \
    }
#define DOUBLES(n)                                                                                 \
    DOUBLE_BY(shld, n, imm, BY_IMM(c, u), CC_SHL)                                                  \
    DOUBLE_BY(shld, n, cl, BY_CL(c, u, n), CC_SHL)                                                 \
    DOUBLE_BY(shrd, n, imm, BY_IMM(c, u), CC_SHR)                                                  \
    DOUBLE_BY(shrd, n, cl, BY_CL(c, u, n), CC_SHR)
DOUBLES(16)
DOUBLES(32)
DOUBLES(64)

/* ---- Translation ---- */

enum { SHL, SHR, SAR, ROL, ROR, RCL, RCR };

#define FNS(op, how)                                                                               \
    {                                                                                              \
        op##8_##how, op##16_##how, op##32_##how, op##64_##how                                      \
    }
#define ROW(op, suffix)                                                                            \
    {                                                                                              \
        FNS(op, imm##suffix), FNS(op, cl##suffix)                                                  \
    }
static const uop_fn loud[7][2][4] = {ROW(shl, ), ROW(shr, ), ROW(sar, ), ROW(rol, ),
                                     ROW(ror, ), ROW(rcl, ), ROW(rcr, )};
static const uop_fn quiet[5][2][4] = {ROW(shl, _quiet), ROW(shr, _quiet), ROW(sar, _quiet),
                                      ROW(rol, _quiet), ROW(ror, _quiet)};

static void translate_count(struct uop *u, const ZydisDecodedOperand *count, unsigned bits)
{
    if (is_imm(count))
        u->imm = (int64_t)(count->imm.value.u & COUNT_MASK(bits));
}

static bool translate_shift(struct translator *t, unsigned op)
{
    const ZydisDecodedOperand *to = &t->ops[0], *count = &t->ops[1];
    bool by_cl = !is_imm(count);
    uint64_t writes = op >= ROL ? X86_FLAGS_CF | X86_FLAGS_OF : CC_ARITH;
    uint8_t dst = int_source(t, to, true);
    bool silent = op < RCL && !(t->live_flags & writes);
    struct uop *u = emit(t, (silent ? quiet : loud)[op][by_cl][size_log2(to->size)]);
    u->dst = dst;
    translate_count(u, count, to->size);
    int_sink(t, to);
    return true;
}

static bool translate_double(struct translator *t, bool right)
{
#define DOUBLE_FNS(op)                                                                             \
    {                                                                                              \
        {NULL, op##16_imm, op##32_imm, op##64_imm},                                                \
        {                                                                                          \
            NULL, op##16_cl, op##32_cl, op##64_cl                                                  \
        }                                                                                          \
    }
    static const uop_fn fns[2][2][4] = {DOUBLE_FNS(shld), DOUBLE_FNS(shrd)};
    const ZydisDecodedOperand *to = &t->ops[0], *count = &t->ops[2];
    uint8_t dst = int_source(t, to, true);
    struct uop *u = emit(t, fns[right][!is_imm(count)][size_log2(to->size)]);
    u->dst = dst;
    u->src = translate_gpr(t->ops[1].reg.value);
    translate_count(u, count, to->size);
    int_sink(t, to);
    return true;
}

bool int_translate_shift(struct translator *t)
{
    switch (t->insn.mnemonic) {
    case ZYDIS_MNEMONIC_SHL:
        return translate_shift(t, SHL);
    case ZYDIS_MNEMONIC_SHR:
        return translate_shift(t, SHR);
    case ZYDIS_MNEMONIC_SAR:
        return translate_shift(t, SAR);
    case ZYDIS_MNEMONIC_ROL:
        return translate_shift(t, ROL);
    case ZYDIS_MNEMONIC_ROR:
        return translate_shift(t, ROR);
    case ZYDIS_MNEMONIC_RCL:
        return translate_shift(t, RCL);
    case ZYDIS_MNEMONIC_RCR:
        return translate_shift(t, RCR);
    case ZYDIS_MNEMONIC_SHLD:
        return translate_double(t, false);
    case ZYDIS_MNEMONIC_SHRD:
        return translate_double(t, true);
    default:
        return false;
    }
}
