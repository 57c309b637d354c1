/* SPDX-License-Identifier: BSD-2-Clause */
/* Moves: whole registers, parts of them, to and from memory, general and MMX registers. */
#include "cpu/x86/vec_uops.h"

/* aux: address bits that must be 0. */
#define MISALIGNED(u, linear) ((linear) & (u)->aux)

COLD VEC_UOP load_slow(struct cpu *c, const struct uop *u)
{
    if (!vec_load_slow(c, u, uop_ea(c, u)))
        return NULL;
    c->v[u->dst].lane[0] = c->ld.vec[0].lane[0];
    if (u->aux16 & VU_YMM)
        c->v[u->dst].lane[1] = c->ld.vec[0].lane[1];
    if (u->aux16 & VU_CLEAR)
        vec_clear_upper(&c->v[u->dst]);
    END_SLOW(c, u);
}

#define LOAD(name, size, take)                                                                     \
    VEC_UOP name(struct cpu *c, const struct uop *u)                                               \
    {                                                                                              \
        const uint64_t linear = uop_ea(c, u);                                                      \
        const uint8_t *p = tlb_read(c, linear, size);                                              \
        cpu_vec *d = &c->v[u->dst];                                                                \
        if (UNLIKELY(!p || MISALIGNED(u, linear)))                                                 \
            return load_slow(c, u);                                                                \
        take;                                                                                      \
        NEXT(c, u);                                                                                \
    }
LOAD(load4, 4, host_fill4(&d->lane[0], p))
LOAD(load8, 8, host_fill8(&d->lane[0], p))
LOAD(load16, 16, os_copy(&d->lane[0], p, 16))
LOAD(load4_clear, 4, host_fill4(&d->lane[0], p); vec_clear_upper(d))
LOAD(load8_clear, 8, host_fill8(&d->lane[0], p); vec_clear_upper(d))
LOAD(load16_clear, 16, os_copy(&d->lane[0], p, 16); vec_clear_upper(d))
LOAD(load32, 32, os_copy(d, p, 32))

#define STORE(name, size, from, put)                                                               \
    VEC_UOP name(struct cpu *c, const struct uop *u)                                               \
    {                                                                                              \
        const uint64_t linear = uop_ea(c, u);                                                      \
        uint8_t *p = tlb_write(c, linear, size);                                                   \
        if (UNLIKELY(!p || MISALIGNED(u, linear)))                                                 \
            return vec_store_slow(c, u, linear, size, &c->v[u->src].from);                         \
        put;                                                                                       \
        NEXT(c, u);                                                                                \
    }
STORE(store4, 4, u32[0], os_store32(p, c->v[u->src].u32[0]))
STORE(store8, 8, u64[0], os_store64(p, c->v[u->src].u64[0]))
STORE(store_high, 8, u64[1], os_store64(p, c->v[u->src].u64[1]))
STORE(store16, 16, u8[0], os_copy(p, &c->v[u->src], 16))
STORE(store32, 32, u8[0], os_copy(p, &c->v[u->src], 32))

VEC_UOP copy16(struct cpu *c, const struct uop *u)
{
    c->v[u->dst].lane[0] = c->v[u->src].lane[0];
    NEXT(c, u);
}

VEC_UOP copy16_clear(struct cpu *c, const struct uop *u)
{
    c->v[u->dst].lane[0] = c->v[u->src].lane[0];
    vec_clear_upper(&c->v[u->dst]);
    NEXT(c, u);
}

VEC_UOP copy32(struct cpu *c, const struct uop *u)
{
    c->v[u->dst] = c->v[u->src];
    NEXT(c, u);
}

VEC_UOP copy8(struct cpu *c, const struct uop *u)
{
    host_fill(&c->v[u->dst].lane[0], c->v[u->src].u64[0]);
    if (u->aux16 & VU_CLEAR)
        vec_clear_upper(&c->v[u->dst]);
    NEXT(c, u);
}

#define FROM_GENERAL(name, bits, after)                                                            \
    VEC_UOP name(struct cpu *c, const struct uop *u)                                               \
    {                                                                                              \
        host_fill(&c->v[u->dst].lane[0], R##bits(c, u->src));                                      \
        after;                                                                                     \
        NEXT(c, u);                                                                                \
    }
FROM_GENERAL(from32, 32, (void)0)
FROM_GENERAL(from64, 64, (void)0)
FROM_GENERAL(from32_clear, 32, vec_clear_upper(&c->v[u->dst]))
FROM_GENERAL(from64_clear, 64, vec_clear_upper(&c->v[u->dst]))

VEC_UOP to32(struct cpu *c, const struct uop *u)
{
    R64(c, u->dst) = c->v[u->src].u32[0];
    NEXT(c, u);
}

VEC_UOP to64(struct cpu *c, const struct uop *u)
{
    R64(c, u->dst) = c->v[u->src].u64[0];
    NEXT(c, u);
}

static void emit_load(struct translator *t, const ZydisDecodedOperand *d,
                      const ZydisDecodedOperand *m, bool aligned)
{
    const unsigned size = m->size / 8;
    const bool vex = vec_is_vex(t);
    uop_fn fn = size == 32   ? load32
                : size == 16 ? (vex ? load16_clear : load16)
                : size == 8  ? (vex ? load8_clear : load8)
                             : (vex ? load4_clear : load4);
    struct uop *u = vec_emit_mem(t, fn, m, size, false);
    u->dst = vec_reg(d);
    u->aux = aligned ? (uint8_t)(size - 1) : 0;
    u->aux16 |= (uint16_t)((aligned ? VU_ALIGNED : 0) | (size == 32 ? VU_YMM : vex ? VU_CLEAR : 0));
}

static void emit_store(struct translator *t, const ZydisDecodedOperand *m,
                       const ZydisDecodedOperand *s, bool aligned, uop_fn fn)
{
    const unsigned size = m->size / 8;
    if (!fn)
        fn = size == 32 ? store32 : size == 16 ? store16 : size == 8 ? store8 : store4;
    struct uop *u = vec_emit_mem(t, fn, m, size, true);
    u->src = vec_reg(s);
    u->aux = aligned ? (uint8_t)(size - 1) : 0;
    u->aux16 |= aligned ? VU_ALIGNED : 0;
}

static void emit_registers(struct translator *t, uop_fn fn, uint8_t d, uint8_t s)
{
    struct uop *u = emit(t, fn);
    u->dst = d;
    u->src = s;
}

/* A move of the whole of its operands. */
static void move_whole(struct translator *t, bool aligned)
{
    const ZydisDecodedOperand *d = &t->ops[0], *s = &t->ops[1];
    if (vec_is_mem(d))
        emit_store(t, d, s, aligned, NULL);
    else if (vec_is_mem(s))
        emit_load(t, d, s, aligned);
    else
        emit_registers(t,
                       !vec_is_vex(t)                       ? copy16
                       : vec_class(d) == ZYDIS_REGCLASS_YMM ? copy32
                                                            : copy16_clear,
                       vec_reg(d), vec_reg(s));
}

static cpu_vec_fn *const fn_low32 = vec_low32, *const fn_low64 = vec_low64,
                         *const fn_movss = vec_movss, *const fn_movsd = vec_movsd,
                         *const fn_movhps = vec_movhps, *const fn_mov = vec_mov;

static void move_by(struct translator *t, cpu_vec_fn *const *fn, const ZydisDecodedOperand *a,
                    const ZydisDecodedOperand *b)
{
    vec_emit_work(t, &(struct vec_work){.fn = fn, .d = &t->ops[0], .a = a, .b = b});
}

/* MOVD and MOVQ between any two kinds of operand. */
static void move_narrow(struct translator *t, unsigned size)
{
    const ZydisDecodedOperand *d = &t->ops[0], *s = &t->ops[1];
    const bool vex = vec_is_vex(t), wide = size == 8;
    if (vec_is_mmx(d) || vec_is_mmx(s))
        move_by(t, wide ? &fn_low64 : &fn_low32, NULL, s);
    else if (vec_is_mem(d))
        emit_store(t, d, s, false, NULL);
    else if (vec_is_mem(s))
        emit_load(t, d, s, false);
    else if (vec_is_gpr(d))
        emit_registers(t, wide ? to64 : to32, translate_gpr(d->reg.value), vec_reg(s));
    else if (vec_is_gpr(s))
        emit_registers(t,
                       wide  ? (vex ? from64_clear : from64)
                       : vex ? from32_clear
                             : from32,
                       vec_reg(d), translate_gpr(s->reg.value));
    else {
        emit_registers(t, copy8, vec_reg(d), vec_reg(s));
        t->out[-1].aux16 = vex ? VU_CLEAR : 0;
    }
}

/* MOVSS and MOVSD: a load clears the rest, a register's element goes over the first source's. */
static void move_scalar(struct translator *t, cpu_vec_fn *const *fn)
{
    if (vec_is_mem(&t->ops[0]))
        emit_store(t, &t->ops[0], &t->ops[1], false, NULL);
    else if (vec_is_mem(&t->ops[1]))
        emit_load(t, &t->ops[0], &t->ops[1], false);
    else if (vec_is_vex(t))
        move_by(t, fn, &t->ops[1], &t->ops[2]);
    else
        move_by(t, fn, &t->ops[0], &t->ops[1]);
}

/* MOVLPS and MOVHPS: half a register, to and from memory. */
static void move_half(struct translator *t, cpu_vec_fn *const *fn, uop_fn store)
{
    if (vec_is_mem(&t->ops[0]))
        emit_store(t, &t->ops[0], &t->ops[1], false, store);
    else if (vec_is_vex(t))
        move_by(t, fn, &t->ops[1], &t->ops[2]);
    else
        move_by(t, fn, &t->ops[0], &t->ops[1]);
}

#define BOTH(name)                                                                                 \
    case ZYDIS_MNEMONIC_##name:                                                                    \
    case ZYDIS_MNEMONIC_V##name

bool vec_translate_move(struct translator *t)
{
    switch (t->insn.mnemonic) {
        BOTH(MOVAPS)
            : BOTH(MOVAPD)
            : BOTH(MOVDQA)
            : BOTH(MOVNTPS) : BOTH(MOVNTPD) : BOTH(MOVNTDQ) : BOTH(MOVNTDQA) : move_whole(t, true);
        return true;
        BOTH(MOVUPS) : BOTH(MOVUPD) : BOTH(MOVDQU) : BOTH(LDDQU) : move_whole(t, false);
        return true;
        BOTH(MOVD) : move_narrow(t, 4);
        return true;
        BOTH(MOVQ) : move_narrow(t, 8);
        return true;
        BOTH(MOVSS) : move_scalar(t, &fn_movss);
        return true;
        BOTH(MOVSD) : move_scalar(t, &fn_movsd);
        return true;
        BOTH(MOVLPS) : BOTH(MOVLPD) : move_half(t, &fn_movsd, store8);
        return true;
        BOTH(MOVHPS) : BOTH(MOVHPD) : move_half(t, &fn_movhps, store_high);
        return true;
    case ZYDIS_MNEMONIC_MOVNTQ:
        move_by(t, &fn_mov, NULL, &t->ops[1]);
        return true;
    case ZYDIS_MNEMONIC_MOVQ2DQ:
    case ZYDIS_MNEMONIC_MOVDQ2Q:
        move_by(t, &fn_low64, NULL, &t->ops[1]);
        return true;
    default:
        return false;
    }
}
