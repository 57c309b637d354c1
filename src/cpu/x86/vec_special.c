/* SPDX-License-Identifier: BSD-2-Clause */
/* Vector instructions whose operands follow no pattern: control, strings, CRC32. */
#include "cpu/x86/vec_uops.h"

VEC_UOP ldmxcsr(struct cpu *c, const struct uop *u)
{
    if (!cpu_load(c, u, uop_ea(c, u), 4))
        return NULL;
    if (c->ld.u32[0] >> 16)
        return cpu_raise_error(c, u, EXC_GP, 0);
    cpu_set_mxcsr(c, c->ld.u32[0]);
    return cpu_leave(c, u);
}

VEC_UOP stmxcsr(struct cpu *c, const struct uop *u)
{
    if (!cpu_store(c, u, uop_ea(c, u), 4, cpu_mxcsr(c)))
        return NULL;
    END_SLOW(c, u);
}

VEC_UOP emms(struct cpu *c, const struct uop *u)
{
    if (vec_mmx_pending(c))
        return cpu_raise(c, u, EXC_MF);
    c->x87.top = 0;
    c->x87.tag = 0;
    NEXT(c, u);
}

/* aux: registers there are outside 64-bit code. */
VEC_UOP vzeroupper(struct cpu *c, const struct uop *u)
{
    for (unsigned i = 0; i < u->aux; i++)
        vec_clear_upper(&c->v[i]);
    NEXT(c, u);
}

VEC_UOP vzeroall(struct cpu *c, const struct uop *u)
{
    memset(c->v, 0, u->aux * sizeof c->v[0]);
    NEXT(c, u);
}

VEC_UOP movnti(struct cpu *c, const struct uop *u)
{
    if (!cpu_store(c, u, uop_ea(c, u), u->aux16 & VU_SIZE, R64(c, u->src)))
        return NULL;
    END_SLOW(c, u);
}

/* aux: bytes of data. */
VEC_UOP crc32_reg(struct cpu *c, const struct uop *u)
{
    const uint64_t data = u->aux == 1 ? R8(c, u->src) : R64(c, u->src);
    R64(c, u->dst) = vec_crc32c(R32(c, u->dst), data, u->aux);
    NEXT(c, u);
}

VEC_UOP crc32_mem(struct cpu *c, const struct uop *u)
{
    if (!cpu_load(c, u, uop_ea(c, u), u->aux))
        return NULL;
    R64(c, u->dst) = vec_crc32c(R32(c, u->dst), c->ld.u64[0], u->aux);
    END_SLOW(c, u);
}

/* aux16 of PCMPxSTRx */
#define STR_EXPLICIT 0x0400u
#define STR_WIDE     0x0800u /* lengths are 64-bit registers */
#define STR_MASK     0x1000u /* to XMM0, else an index to ECX */

static int64_t length_of(struct cpu *c, const struct uop *u, unsigned reg)
{
    return u->aux16 & STR_WIDE ? (int64_t)c->r[reg] : (int32_t)c->r[reg];
}

static void compare_strings(struct cpu *c, const struct uop *u, const cpu_vec *b)
{
    const cpu_vec *a = &c->v[u->src];
    unsigned a_length, b_length;
    if (u->aux16 & STR_EXPLICIT) {
        a_length = vec_str_explicit(length_of(c, u, RAX), u->aux);
        b_length = vec_str_explicit(length_of(c, u, RDX), u->aux);
    } else {
        a_length = vec_str_implicit(a, u->aux);
        b_length = vec_str_implicit(b, u->aux);
    }
    const struct vec_str result = vec_pcmpstr(a, b, u->aux, a_length, b_length);
    cpu_set_arith_flags(c, result.flags);
    if (!(u->aux16 & STR_MASK)) {
        c->r[RCX] = vec_str_index(result.mask, u->aux);
        return;
    }
    vec_str_mask(&c->v[0], result.mask, u->aux);
    if (u->aux16 & VU_CLEAR)
        vec_clear_upper(&c->v[0]);
}

VEC_UOP pcmpstr_reg(struct cpu *c, const struct uop *u)
{
    compare_strings(c, u, &c->v[u->base]);
    NEXT(c, u);
}

VEC_UOP pcmpstr_mem(struct cpu *c, const struct uop *u)
{
    enum vec_loaded loaded = vec_load(c, u, 16);
    if (loaded == VEC_FAULT)
        return NULL;
    compare_strings(c, u, &c->ld.vec[0]);
    END_SLOW(c, u);
}

static void emit_pcmpstr(struct translator *t, unsigned kind)
{
    const ZydisDecodedOperand *b = &t->ops[1];
    struct uop *u;
    if (vec_is_mem(b)) {
        u = vec_emit_mem(t, pcmpstr_mem, b, 16, false);
    } else {
        u = emit(t, pcmpstr_reg);
        u->base = vec_reg(b);
    }
    u->src = vec_reg(&t->ops[0]);
    u->aux = (uint8_t)t->ops[2].imm.value.u;
    u->aux16 |= (uint16_t)kind;
    if ((kind & STR_EXPLICIT) && t->ops[3].size == 64)
        u->aux16 |= STR_WIDE;
    if ((kind & STR_MASK) && vec_is_vex(t))
        u->aux16 |= VU_CLEAR;
}

static void emit_crc32(struct translator *t)
{
    const ZydisDecodedOperand *from = &t->ops[1];
    struct uop *u;
    if (vec_is_mem(from)) {
        u = vec_emit_mem(t, crc32_mem, from, from->size / 8, false);
    } else {
        u = emit(t, crc32_reg);
        u->src = translate_gpr(from->reg.value);
    }
    u->dst = translate_gpr(t->ops[0].reg.value);
    u->aux = (uint8_t)(from->size / 8);
}

#define BOTH(name)                                                                                 \
    case ZYDIS_MNEMONIC_##name:                                                                    \
    case ZYDIS_MNEMONIC_V##name

bool vec_translate_special(struct translator *t)
{
    const uint8_t registers = t->mode & MODE_CODE64 ? 16 : 8;
    switch (t->insn.mnemonic) {
        BOTH(LDMXCSR) : vec_emit_mem(t, ldmxcsr, &t->ops[0], 4, false);
        t->ends_block = true;
        return true;
        BOTH(STMXCSR) : vec_emit_mem(t, stmxcsr, &t->ops[0], 4, true);
        return true;
    case ZYDIS_MNEMONIC_EMMS:
        emit(t, emms);
        return true;
    case ZYDIS_MNEMONIC_VZEROUPPER:
        emit(t, vzeroupper)->aux = registers;
        return true;
    case ZYDIS_MNEMONIC_VZEROALL:
        emit(t, vzeroall)->aux = registers;
        return true;
    case ZYDIS_MNEMONIC_MOVNTI:
        vec_emit_mem(t, movnti, &t->ops[0], t->ops[0].size / 8, true)->src =
            translate_gpr(t->ops[1].reg.value);
        return true;
    case ZYDIS_MNEMONIC_CRC32:
        emit_crc32(t);
        return true;
        BOTH(PCMPESTRI) : emit_pcmpstr(t, STR_EXPLICIT);
        return true;
        BOTH(PCMPESTRM) : emit_pcmpstr(t, STR_EXPLICIT | STR_MASK);
        return true;
        BOTH(PCMPISTRI) : emit_pcmpstr(t, 0);
        return true;
        BOTH(PCMPISTRM) : emit_pcmpstr(t, STR_MASK);
        return true;
    /* Hints. */
    case ZYDIS_MNEMONIC_PREFETCH:
    case ZYDIS_MNEMONIC_PREFETCHNTA:
    case ZYDIS_MNEMONIC_PREFETCHT0:
    case ZYDIS_MNEMONIC_PREFETCHT1:
    case ZYDIS_MNEMONIC_PREFETCHT2:
    case ZYDIS_MNEMONIC_PREFETCHW:
    case ZYDIS_MNEMONIC_PREFETCHWT1:
        return true;
    default:
        return false;
    }
}
