/* SPDX-License-Identifier: BSD-2-Clause */
/* Single flags, no-operations, fences, random numbers, CRC32, XLAT. */
#include "cpu/x86/int_ops.h"

/* ---- Flags ---- */

#define FLAGS_UOP(name, expression)                                                                \
    UOP name(struct cpu *c, const struct uop *u)                                                   \
    {                                                                                              \
        uint64_t flags = cpu_arith_flags(c);                                                       \
        cpu_set_arith_flags(c, expression);                                                        \
        NEXT(c, u);                                                                                \
    }
FLAGS_UOP(clc, flags & ~X86_FLAGS_CF)
FLAGS_UOP(stc, flags | X86_FLAGS_CF)
FLAGS_UOP(cmc, flags ^ X86_FLAGS_CF)
FLAGS_UOP(sahf, (flags & X86_FLAGS_OF) | R8(c, REG_OFF(RAX) + 1))

UOP lahf(struct cpu *c, const struct uop *u)
{
    R8(c, REG_OFF(RAX) + 1) = (uint8_t)(cpu_arith_flags(c) | X86_FLAGS_FIXED);
    NEXT(c, u);
}
UOP cld(struct cpu *c, const struct uop *u)
{
    c->rflags &= ~X86_FLAGS_DF;
    NEXT(c, u);
}
UOP std(struct cpu *c, const struct uop *u)
{
    c->rflags |= X86_FLAGS_DF;
    NEXT(c, u);
}

/* ---- Fences and caches ---- */

UOP fence(struct cpu *c, const struct uop *u)
{
    atomic_thread_fence(memory_order_seq_cst);
    NEXT(c, u);
}

/* CLFLUSH and its like fault as a load of a byte. */
UOP_LOAD(touch, 8, uop_ea, END_SLOW, (void)m)

/* ---- RDRAND, RDSEED ---- */

#define RANDOM(n)                                                                                  \
    UOP random##n(struct cpu *c, const struct uop *u)                                              \
    {                                                                                              \
        uint##n##_t v = 0;                                                                         \
        bool done = os_random(&v, sizeof v);                                                       \
        SET##n(c, u->dst, v);                                                                      \
        cpu_set_arith_flags(c, done ? X86_FLAGS_CF : 0);                                           \
        NEXT_SLOW(c, u);                                                                           \
    }
RANDOM(16)
RANDOM(32)
RANDOM(64)

/* ---- CRC32 ---- */

#define CRC(n)                                                                                     \
    UOP crc32_##n(struct cpu *c, const struct uop *u)                                              \
    {                                                                                              \
        SET32(c, u->dst, vec_crc32c(R32(c, u->dst), R##n(c, u->src), (n) / 8));                    \
        NEXT(c, u);                                                                                \
    }
EACH_SIZE(CRC)

/* ---- XLAT: aux16 is the address size ---- */

UOP xlat(struct cpu *c, const struct uop *u)
{
    uint64_t offset = c->r[RBX] + R8(c, REG_OFF(RAX)), linear;
    offset = u->aux16 == 16 ? (uint16_t)offset : u->aux16 == 32 ? (uint32_t)offset : offset;
    if (!cpu_linear(c, u, u->seg, offset, 1, false, &linear) || !cpu_load(c, u, linear, 1))
        return NULL;
    R8(c, REG_OFF(RAX)) = c->ld.u8[0];
    END_SLOW(c, u);
}

static void emit_random(struct translator *t)
{
    static const uop_fn fns[4] = {NULL, random16, random32, random64};
    emit(t, fns[size_log2(t->ops[0].size)])->dst = translate_gpr(t->ops[0].reg.value);
}

static void emit_crc(struct translator *t)
{
    static const uop_fn fns[4] = {crc32_8, crc32_16, crc32_32, crc32_64};
    uint8_t src = int_source(t, &t->ops[1], false);
    struct uop *u = emit(t, fns[size_log2(t->ops[1].size)]);
    u->dst = translate_gpr(t->ops[0].reg.value);
    u->src = src;
}

bool int_translate_misc(struct translator *t)
{
    struct uop *u;
    switch (t->insn.mnemonic) {
    case ZYDIS_MNEMONIC_CLC:
        emit(t, clc);
        return true;
    case ZYDIS_MNEMONIC_STC:
        emit(t, stc);
        return true;
    case ZYDIS_MNEMONIC_CMC:
        emit(t, cmc);
        return true;
    case ZYDIS_MNEMONIC_LAHF:
        emit(t, lahf);
        return true;
    case ZYDIS_MNEMONIC_SAHF:
        emit(t, sahf);
        return true;
    case ZYDIS_MNEMONIC_CLD:
        emit(t, cld);
        return true;
    case ZYDIS_MNEMONIC_STD:
        emit(t, std);
        return true;
    case ZYDIS_MNEMONIC_NOP:
    case ZYDIS_MNEMONIC_PAUSE:
    case ZYDIS_MNEMONIC_ENDBR32:
    case ZYDIS_MNEMONIC_ENDBR64:
    case ZYDIS_MNEMONIC_PREFETCH:
    case ZYDIS_MNEMONIC_PREFETCHNTA:
    case ZYDIS_MNEMONIC_PREFETCHT0:
    case ZYDIS_MNEMONIC_PREFETCHT1:
    case ZYDIS_MNEMONIC_PREFETCHT2:
    case ZYDIS_MNEMONIC_PREFETCHW:
    case ZYDIS_MNEMONIC_PREFETCHWT1:
    case ZYDIS_MNEMONIC_CLDEMOTE:
    /* Encoded as hints, for CPUs without the features. */
    case ZYDIS_MNEMONIC_RDSSPD:
    case ZYDIS_MNEMONIC_RDSSPQ:
    case ZYDIS_MNEMONIC_BNDCL:
    case ZYDIS_MNEMONIC_BNDCN:
    case ZYDIS_MNEMONIC_BNDCU:
    case ZYDIS_MNEMONIC_BNDLDX:
    case ZYDIS_MNEMONIC_BNDMK:
    case ZYDIS_MNEMONIC_BNDMOV:
    case ZYDIS_MNEMONIC_BNDSTX:
        return true;
    case ZYDIS_MNEMONIC_UD0:
    case ZYDIS_MNEMONIC_UD1:
    case ZYDIS_MNEMONIC_UD2:
        translate_fault(t, EXC_UD);
        return true;
    case ZYDIS_MNEMONIC_SFENCE:
    case ZYDIS_MNEMONIC_LFENCE:
    case ZYDIS_MNEMONIC_MFENCE:
        emit(t, fence);
        return true;
    case ZYDIS_MNEMONIC_CLFLUSH:
    case ZYDIS_MNEMONIC_CLFLUSHOPT:
    case ZYDIS_MNEMONIC_CLWB: {
        struct address a;
        translate_address(t, &t->ops[0], 1, false, &a);
        uop_set_address(emit(t, touch), &a);
        return true;
    }
    case ZYDIS_MNEMONIC_RDRAND:
    case ZYDIS_MNEMONIC_RDSEED:
        emit_random(t);
        return true;
    case ZYDIS_MNEMONIC_CRC32:
        emit_crc(t);
        return true;
    case ZYDIS_MNEMONIC_XLAT:
        u = emit(t, xlat);
        u->aux16 = t->insn.address_width;
        u->seg = int_segment(t->ops[0].mem.segment);
        return true;
    default:
        return false;
    }
}
