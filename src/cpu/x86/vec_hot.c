/* SPDX-License-Identifier: BSD-2-Clause */
/* Handlers of their own for the vector functions that programs use most. */
#include "cpu/x86/vec_lanes.h"
#include "cpu/x86/vec_uops.h"

/* Handlers for one vector function: the second source in a register or memory, XMM or YMM. */
struct hot {
    cpu_vec_fn *fn;
    uop_fn reg, mem, ymm_reg, ymm_mem;
    unsigned needs; /* HOST_SIMD_* */
};

ALWAYS_INLINE void finish(struct cpu *c, const struct uop *u)
{
    if (u->aux16 & VU_CLEAR)
        vec_clear_upper(&c->v[u->dst]);
}

/* The memory operand where the fast path has it; else its slow twin, on c->ld, ends the uop. */
#define HOT_MEM(name, size, fast, slow)                                                            \
    COLD VEC_UOP name##_slow(struct cpu *c, const struct uop *u)                                   \
    {                                                                                              \
        if (!vec_load_slow(c, u, uop_ea(c, u)))                                                    \
            return NULL;                                                                           \
        slow;                                                                                      \
        END_SLOW(c, u);                                                                            \
    }                                                                                              \
    VEC_UOP name(struct cpu *c, const struct uop *u)                                               \
    {                                                                                              \
        const uint64_t linear = uop_ea(c, u);                                                      \
        const uint8_t *p = tlb_read(c, linear, size);                                              \
        if (UNLIKELY(!p || ((u->aux16 & VU_ALIGNED) && (linear & ((size)-1)))))                    \
            return name##_slow(c, u);                                                              \
        fast;                                                                                      \
        NEXT(c, u);                                                                                \
    }

/* ---- Integers ---- */

ALWAYS_INLINE cpu_lane lane_at(const uint8_t *p)
{
    cpu_lane lane;
    os_copy(&lane, p, sizeof lane);
    return lane;
}

#define HOT_SIMPLE(name, combine)                                                                  \
    VEC_UOP name##_rr(struct cpu *c, const struct uop *u)                                          \
    {                                                                                              \
        combine(c, u, 0, c->v[u->base].lane[0]);                                                   \
        finish(c, u);                                                                              \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    VEC_UOP name##_yy(struct cpu *c, const struct uop *u)                                          \
    {                                                                                              \
        combine(c, u, 0, c->v[u->base].lane[0]);                                                   \
        combine(c, u, 1, c->v[u->base].lane[1]);                                                   \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    HOT_MEM(name##_rm, 16, combine(c, u, 0, lane_at(p));                                           \
            finish(c, u), combine(c, u, 0, c->ld.vec[0].lane[0]); finish(c, u))                    \
    HOT_MEM(name##_ym, 32, combine(c, u, 0, lane_at(p));                                           \
            combine(c, u, 1, lane_at(p + 16)), combine(c, u, 0, c->ld.vec[0].lane[0]);             \
            combine(c, u, 1, c->ld.vec[0].lane[1]))

#define VEC_SIMPLE(name, T, expression)                                                            \
    ALWAYS_INLINE void name##_lane(struct cpu *c, const struct uop *u, unsigned l, cpu_lane y)     \
    {                                                                                              \
        const cpu_lane x = c->v[u->src].lane[l];                                                   \
        const unsigned imm = u->aux;                                                               \
        cpu_lane r;                                                                                \
        (void)x;                                                                                   \
        (void)imm;                                                                                 \
        EACH(T, expression);                                                                       \
        c->v[u->dst].lane[l] = r;                                                                  \
    }                                                                                              \
    HOT_SIMPLE(name, name##_lane)
#include "cpu/x86/vec_simple.def"
#undef VEC_SIMPLE

/* Mixes of halves; shuffles of whole vectors, that the result is stored at once. */
#define HOT_UNPACK(name, type, ...)                                                                \
    ALWAYS_INLINE void name##_lane(struct cpu *c, const struct uop *u, unsigned l, cpu_lane y)     \
    {                                                                                              \
        typedef type vector __attribute__((vector_size(16), may_alias));                           \
        const vector p = *(const vector *)&c->v[u->src].lane[l], q = *(const vector *)&y;          \
        *(vector *)&c->v[u->dst].lane[l] = __builtin_shufflevector(p, q, __VA_ARGS__);             \
    }                                                                                              \
    HOT_SIMPLE(name, name##_lane)
HOT_UNPACK(punpcklbw, uint8_t, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
HOT_UNPACK(punpckhbw, uint8_t, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
HOT_UNPACK(punpcklwd, uint16_t, 0, 8, 1, 9, 2, 10, 3, 11)
HOT_UNPACK(punpckhwd, uint16_t, 4, 12, 5, 13, 6, 14, 7, 15)
HOT_UNPACK(punpckldq, uint32_t, 0, 4, 1, 5)
HOT_UNPACK(punpckhdq, uint32_t, 2, 6, 3, 7)
HOT_UNPACK(punpcklqdq, uint64_t, 0, 2)
HOT_UNPACK(punpckhqdq, uint64_t, 1, 3)

VEC_UOP pmovmskb_rr(struct cpu *c, const struct uop *u)
{
    R64(c, u->dst) = host_byte_signs(&c->v[u->base]);
    NEXT(c, u);
}

VEC_UOP pmovmskb_yy(struct cpu *c, const struct uop *u)
{
    const uint32_t low = host_byte_signs(&c->v[u->base]);
    R64(c, u->dst) = low | host_byte_signs(&c->v[u->base].lane[1]) << 16;
    NEXT(c, u);
}

/* ---- Floating point by the host ---- */

#if HOST_SIMD
#include "cpu/x86/vec_host.h"

#define HOT_PACKED(name, result)                                                                   \
    ALWAYS_INLINE void name##_lane(struct cpu *c, const struct uop *u, unsigned l, host_v128 y)    \
    {                                                                                              \
        const host_v128 x = lane_get(&c->v[u->src], l);                                            \
        (void)x;                                                                                   \
        lane_set(&c->v[u->dst], l, result);                                                        \
    }                                                                                              \
    VEC_UOP name##_rr(struct cpu *c, const struct uop *u)                                          \
    {                                                                                              \
        name##_lane(c, u, 0, lane_get(&c->v[u->base], 0));                                         \
        finish(c, u);                                                                              \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    VEC_UOP name##_yy(struct cpu *c, const struct uop *u)                                          \
    {                                                                                              \
        name##_lane(c, u, 0, lane_get(&c->v[u->base], 0));                                         \
        name##_lane(c, u, 1, lane_get(&c->v[u->base], 1));                                         \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    HOT_MEM(name##_rm, 16, name##_lane(c, u, 0, host_load16(p));                                   \
            finish(c, u), name##_lane(c, u, 0, lane_get(&c->ld.vec[0], 0)); finish(c, u))          \
    HOT_MEM(name##_ym, 32, name##_lane(c, u, 0, host_load16(p));                                   \
            name##_lane(c, u, 1, host_load16(p + 16)),                                             \
            name##_lane(c, u, 0, lane_get(&c->ld.vec[0], 0));                                      \
            name##_lane(c, u, 1, lane_get(&c->ld.vec[0], 1)))

/* `take` does what the instruction does with y. */
#define HOT_SCALAR(name, size, take)                                                               \
    VEC_UOP name##_rr(struct cpu *c, const struct uop *u)                                          \
    {                                                                                              \
        const host_v128 y = lane_get(&c->v[u->base], 0);                                           \
        take;                                                                                      \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    HOT_MEM(name##_rm, size, const host_v128 y = host_load##size(p);                               \
            take, const host_v128 y = lane_get(&c->ld.vec[0], 0); take)

#define TAKE(result)                                                                               \
    lane_set(&c->v[u->dst], 0, result);                                                            \
    finish(c, u)
#define X lane_get(&c->v[u->src], 0)
#define D lane_get(&c->v[u->dst], 0)

HOT_PACKED(pshufb, host_pshufb(x, y))
HOT_PACKED(aesenc, host_aesenc(x, y))
HOT_PACKED(aesenclast, host_aesenclast(x, y))
HOT_PACKED(aesdec, host_aesdec(x, y))
HOT_PACKED(aesdeclast, host_aesdeclast(x, y))
HOT_PACKED(aesimc, host_aesimc(y))
HOT_PACKED(pclmulqdq, host_pclmulqdq(x, y, u->aux))

#define HOT_FOUR(op)                                                                               \
    HOT_PACKED(op##ps, host_##op##ps(x, y))                                                        \
    HOT_PACKED(op##pd, host_##op##pd(x, y))                                                        \
    HOT_SCALAR(op##ss, 4, TAKE(host_##op##ss(X, y)))                                               \
    HOT_SCALAR(op##sd, 8, TAKE(host_##op##sd(X, y)))
HOT_FOUR(add)
HOT_FOUR(sub)
HOT_FOUR(mul)
HOT_FOUR(div)
HOT_FOUR(min)
HOT_FOUR(max)
HOT_PACKED(sqrtps, host_sqrtps(y))
HOT_PACKED(sqrtpd, host_sqrtpd(y))
HOT_SCALAR(sqrtss, 4, TAKE(host_sqrtss(X, y)))
HOT_SCALAR(sqrtsd, 8, TAKE(host_sqrtsd(X, y)))
HOT_SCALAR(cvtss2sd, 4, TAKE(host_cvtss2sd(X, y)))
HOT_SCALAR(cvtsd2ss, 8, TAKE(host_cvtsd2ss(X, y)))

#define HOT_COMPARE(name, size) HOT_SCALAR(name, size, cpu_set_arith_flags(c, host_##name(X, y)))
HOT_COMPARE(ucomiss, 4)
HOT_COMPARE(ucomisd, 8)
HOT_COMPARE(comiss, 4)
HOT_COMPARE(comisd, 8)

#define HOT_TO_INT(name, size)                                                                     \
    HOT_SCALAR(name, size, R64(c, u->dst) = u->aux ? host_##name##q(y) : host_##name##l(y))
HOT_TO_INT(cvttss2si, 4)
HOT_TO_INT(cvttsd2si, 8)
HOT_TO_INT(cvtsd2si, 8)

#define HOT_FMA(op, order)                                                                         \
    HOT_PACKED(op##order##ps, host_##op##order##ps(lane_get(&c->v[u->dst], l), x, y))              \
    HOT_PACKED(op##order##pd, host_##op##order##pd(lane_get(&c->v[u->dst], l), x, y))              \
    HOT_SCALAR(op##order##ss, 4, TAKE(host_##op##order##ss(D, X, y)))                              \
    HOT_SCALAR(op##order##sd, 8, TAKE(host_##op##order##sd(D, X, y)))
#define HOT_FMA_ORDERS(op) HOT_FMA(op, 132) HOT_FMA(op, 213) HOT_FMA(op, 231)
HOT_FMA_ORDERS(vfmadd)
HOT_FMA_ORDERS(vfmsub)
HOT_FMA_ORDERS(vfnmadd)
#endif

/* ---- The table ---- */

#define HOST_ROW(name, needs)                                                                      \
    {                                                                                              \
        vec_##name, name##_rr, name##_rm, name##_yy, name##_ym, needs                              \
    }
#define INT_ROW(name) HOST_ROW(name, 0)
#define PACKED_ROW(name)                                                                           \
    {                                                                                              \
        vec_host_##name, name##_rr, name##_rm, name##_yy, name##_ym, 0                             \
    }
#define SCALAR_ROW(name)                                                                           \
    {                                                                                              \
        vec_host_##name, name##_rr, name##_rm, name##_rr, name##_rm, 0                             \
    }
#define FOUR_ROWS(op)                   PACKED_ROW(op##ps), PACKED_ROW(op##pd), SCALAR_ROW(op##ss), SCALAR_ROW(op##sd)
#define FMA_ROWS(op)                    FOUR_ROWS(op##132), FOUR_ROWS(op##213), FOUR_ROWS(op##231)
#define VEC_SIMPLE(name, T, expression) INT_ROW(name),

static const struct hot table[] = {
#include "cpu/x86/vec_simple.def"
    INT_ROW(punpcklbw),
    INT_ROW(punpckhbw),
    INT_ROW(punpcklwd),
    INT_ROW(punpckhwd),
    INT_ROW(punpckldq),
    INT_ROW(punpckhdq),
    INT_ROW(punpcklqdq),
    INT_ROW(punpckhqdq),
    {vec_pmovmskb, pmovmskb_rr, NULL, pmovmskb_yy, NULL, 0},
#if HOST_SIMD
    HOST_ROW(pshufb, HOST_SIMD_SSE41),
    HOST_ROW(aesenc, HOST_SIMD_AES),
    HOST_ROW(aesenclast, HOST_SIMD_AES),
    HOST_ROW(aesdec, HOST_SIMD_AES),
    HOST_ROW(aesdeclast, HOST_SIMD_AES),
    HOST_ROW(aesimc, HOST_SIMD_AES),
    HOST_ROW(pclmulqdq, HOST_SIMD_CLMUL),
    FOUR_ROWS(add),
    FOUR_ROWS(sub),
    FOUR_ROWS(mul),
    FOUR_ROWS(div),
    FOUR_ROWS(min),
    FOUR_ROWS(max),
    FOUR_ROWS(sqrt),
    SCALAR_ROW(cvtss2sd),
    SCALAR_ROW(cvtsd2ss),
    SCALAR_ROW(ucomiss),
    SCALAR_ROW(ucomisd),
    SCALAR_ROW(comiss),
    SCALAR_ROW(comisd),
    SCALAR_ROW(cvttss2si),
    SCALAR_ROW(cvttsd2si),
    SCALAR_ROW(cvtsd2si),
    FMA_ROWS(vfmadd),
    FMA_ROWS(vfmsub),
    FMA_ROWS(vfnmadd),
#endif
};

uop_fn vec_hot(cpu_vec_fn *fn, bool mem, bool ymm)
{
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct hot *h = &table[i];
        if (h->fn == fn && !(h->needs & ~vec_host_features()))
            return mem ? (ymm ? h->ymm_mem : h->mem) : (ymm ? h->ymm_reg : h->reg);
    }
    return NULL;
}
