/* SPDX-License-Identifier: BSD-2-Clause */
/* Floating point in software: on hosts without the guest's instructions, and wherever an exception
 * is not masked. */
#include "cpu/fp/sse.h"
#include "cpu/x86/vec.h"
#include "os/host_simd.h"

#if !HOST_SIMD
_Thread_local uint32_t host_mxcsr_word = HOST_MXCSR_MASKS;
#endif

static inline struct fp_ctx enter(void)
{
    const uint32_t word = host_mxcsr_get();
    return (struct fp_ctx){
        .rounding = word >> 13 & 3,
        .masks = word >> 7 & FP_ALL,
        .daz = word >> 6 & 1,
        .ftz = word >> 15 & 1,
    };
}

static inline void leave(const struct fp_ctx *c)
{
    host_mxcsr_set(host_mxcsr_get() | fp_settle(c->flags, c->masks));
}

#define SOFT_FN(name, ...)                                                                         \
    void vec_soft_##name(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm,             \
                         unsigned bytes)                                                           \
    {                                                                                              \
        (void)imm;                                                                                 \
        (void)bytes;                                                                               \
        const cpu_vec x = *a, y = *b;                                                              \
        (void)x;                                                                                   \
        struct fp_ctx context = enter(), *c = &context;                                            \
        __VA_ARGS__                                                                                \
        leave(c);                                                                                  \
    }

#define PACKED(name, T, ...)                                                                       \
    SOFT_FN(name, for (unsigned k = 0; k < bytes / sizeof(d->T[0]); k++) d->T[k] = __VA_ARGS__;)
/* The result goes into a's low element. */
#define SCALAR(name, T, ...)                                                                       \
    SOFT_FN(name, {                                                                                \
        cpu_lane r = x.lane[0];                                                                    \
        r.T[0] = __VA_ARGS__;                                                                      \
        d->lane[0] = r;                                                                            \
    })

#define BINARY(op)                                                                                 \
    PACKED(op##ps, u32, f32_##op(c, x.u32[k], y.u32[k]))                                           \
    PACKED(op##pd, u64, f64_##op(c, x.u64[k], y.u64[k]))                                           \
    SCALAR(op##ss, u32, f32_##op(c, x.u32[0], y.u32[0]))                                           \
    SCALAR(op##sd, u64, f64_##op(c, x.u64[0], y.u64[0]))
BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(min)
BINARY(max)
PACKED(sqrtps, u32, f32_sqrt(c, y.u32[k]))
PACKED(sqrtpd, u64, f64_sqrt(c, y.u64[k]))
SCALAR(sqrtss, u32, f32_sqrt(c, y.u32[0]))
SCALAR(sqrtsd, u64, f64_sqrt(c, y.u64[0]))
PACKED(addsubps, u32, (k & 1 ? f32_add : f32_sub)(c, x.u32[k], y.u32[k]))
PACKED(addsubpd, u64, (k & 1 ? f64_add : f64_sub)(c, x.u64[k], y.u64[k]))

/* Pairs of x give the low half of a lane, pairs of y the high one. */
#define PAIR32(k)                                                                                  \
    ((k)&2 ? &y : &x)->u32[((k)&4) + 2 * ((k)&1)], ((k)&2 ? &y : &x)->u32[((k)&4) + 2 * ((k)&1) + 1]
#define PAIR64(k) ((k)&1 ? &y : &x)->u64[(k)&2], ((k)&1 ? &y : &x)->u64[((k)&2) + 1]
PACKED(haddps, u32, f32_add(c, PAIR32(k)))
PACKED(hsubps, u32, f32_sub(c, PAIR32(k)))
PACKED(haddpd, u64, f64_add(c, PAIR64(k)))
PACKED(hsubpd, u64, f64_sub(c, PAIR64(k)))

/* Bits 2 to 0 of ROUNDSS's and VCVTPS2PH's immediate. */
static inline uint8_t rounding_of(const struct fp_ctx *c, unsigned imm)
{
    return imm & 4 ? c->rounding : imm & 3;
}
#define ROUND(f, T, k) f##_rint(c, y.T[k], rounding_of(c, imm), imm & 8)
PACKED(roundps, u32, ROUND(f32, u32, k))
PACKED(roundpd, u64, ROUND(f64, u64, k))
SCALAR(roundss, u32, ROUND(f32, u32, 0))
SCALAR(roundsd, u64, ROUND(f64, u64, 0))

/* ZF, PF and CF in their positions in EFLAGS. */
static inline uint32_t relation_flags(enum fp_relation relation)
{
    switch (relation) {
    case FP_LESS:
        return 0x01;
    case FP_EQUAL:
        return 0x40;
    case FP_GREATER:
        return 0;
    default:
        return 0x45;
    }
}
#define PREDICATE(f, type, T, k)                                                                   \
    (type) vec_predicate(imm, relation_flags(f##_compare(c, x.T[k], y.T[k], vec_signals(imm))))
PACKED(cmpps, u32, PREDICATE(f32, uint32_t, u32, k))
PACKED(cmppd, u64, PREDICATE(f64, uint64_t, u64, k))
SCALAR(cmpss, u32, PREDICATE(f32, uint32_t, u32, 0))
SCALAR(cmpsd, u64, PREDICATE(f64, uint64_t, u64, 0))

#define COMPARE(name, f, T, signalling)                                                            \
    SOFT_FN(name, d->u64[0] = relation_flags(f##_compare(c, x.T[0], y.T[0], signalling));)
COMPARE(comiss, f32, u32, true)
COMPARE(comisd, f64, u64, true)
COMPARE(ucomiss, f32, u32, false)
COMPARE(ucomisd, f64, u64, false)

SCALAR(cvtss2sd, u64, f32_to_f64(c, y.u32[0]))
SCALAR(cvtsd2ss, u32, f64_to_f32(c, y.u64[0]))
SCALAR(cvtsi2ss, u32, f32_from_i64(c, imm ? y.s64[0] : y.s32[0]))
SCALAR(cvtsi2sd, u64, f64_from_i64(c, imm ? y.s64[0] : y.s32[0]))
#define TO_INT(name, f, T, rounding)                                                               \
    SOFT_FN(name, d->u64[0] = imm ? (uint64_t)f##_to_i64(c, y.T[0], rounding)                      \
                                  : (uint32_t)f##_to_i32(c, y.T[0], rounding);)
TO_INT(cvtss2si, f32, u32, c->rounding)
TO_INT(cvttss2si, f32, u32, FP_CHOP)
TO_INT(cvtsd2si, f64, u64, c->rounding)
TO_INT(cvttsd2si, f64, u64, FP_CHOP)

PACKED(cvtdq2ps, u32, f32_from_i64(c, y.s32[k]))
PACKED(cvtdq2pd, u64, f64_from_i64(c, y.s32[k]))
PACKED(cvtps2pd, u64, f32_to_f64(c, y.u32[k]))
PACKED(cvtps2dq, s32, f32_to_i32(c, y.u32[k], c->rounding))
PACKED(cvttps2dq, s32, f32_to_i32(c, y.u32[k], FP_CHOP))
PACKED(cvtph2ps, u32, f16_to_f32(c, y.u16[k]))
SOFT_FN(cvtpi2ps, {
    d->u64[1] = x.u64[1];
    for (unsigned k = 0; k < 2; k++)
        d->u32[k] = f32_from_i64(c, y.s32[k]);
})

/* Results of half the sources' size. MMX takes its two elements from 16 bytes. */
#define NARROW(name, T, size, ...)                                                                 \
    SOFT_FN(name, {                                                                                \
        cpu_lane r = {{0}};                                                                        \
        for (unsigned k = 0; k < (bytes > 16 ? 32 : 16) / (size); k++)                             \
            r.T[k] = __VA_ARGS__;                                                                  \
        d->lane[0] = r;                                                                            \
    })
NARROW(cvtpd2ps, u32, 8, f64_to_f32(c, y.u64[k]))
NARROW(cvtpd2dq, s32, 8, f64_to_i32(c, y.u64[k], c->rounding))
NARROW(cvttpd2dq, s32, 8, f64_to_i32(c, y.u64[k], FP_CHOP))
NARROW(cvtps2ph, u16, 4, f32_to_f16(c, y.u32[k], rounding_of(c, imm)))

/* Products that bits 7 to 4 leave out are zeros; bits 3 to 0 say where the sum goes. Each step is
 * one instruction's worth: an exception that is not masked ends it. */
static inline bool step_done(struct fp_ctx *c)
{
    if (c->flags & ~c->masks & FP_ALL)
        return false;
    leave(c);
    c->flags = 0;
    return true;
}

SOFT_FN(dpps, {
    uint32_t p[8];
    for (unsigned k = 0; k < bytes / 4; k++)
        p[k] = imm >> (4 + (k & 3)) & 1 ? f32_mul(c, x.u32[k], y.u32[k]) : 0;
    bool on = step_done(c);
    for (unsigned k = 0; on && k < bytes / 4; k += 2)
        p[k] = f32_add(c, p[k], p[k + 1]);
    on = on && step_done(c);
    for (unsigned k = 0; on && k < bytes / 4; k += 4)
        p[k] = f32_add(c, p[k], p[k + 2]);
    for (unsigned k = 0; k < bytes / 4; k++)
        d->u32[k] = imm >> (k & 3) & 1 ? p[k & 4] : 0;
})

SOFT_FN(dppd, {
    uint64_t p[2];
    for (unsigned k = 0; k < 2; k++)
        p[k] = imm >> (4 + k) & 1 ? f64_mul(c, x.u64[k], y.u64[k]) : 0;
    if (step_done(c))
        p[0] = f64_add(c, p[0], p[1]);
    for (unsigned k = 0; k < 2; k++)
        d->u64[k] = imm >> k & 1 ? p[0] : 0;
})

/* Any approximation within 1.5 * 2^-12 is right: the nearest one. No exceptions; denormal operands
 * and results are zeros whatever MXCSR says. */
static inline struct fp_ctx estimating(void)
{
    return (struct fp_ctx){.masks = FP_ALL, .daz = true, .ftz = true};
}

static uint32_t reciprocal(uint32_t v)
{
    struct fp_ctx c = estimating();
    return f32_div(&c, 0x3f800000, v);
}

static uint32_t reciprocal_root(uint32_t v)
{
    struct fp_ctx c = estimating();
    return f32_div(&c, 0x3f800000, f32_sqrt(&c, v));
}

PACKED(rcpps, u32, reciprocal(y.u32[k]))
SCALAR(rcpss, u32, reciprocal(y.u32[0]))
PACKED(rsqrtps, u32, reciprocal_root(y.u32[k]))
SCALAR(rsqrtss, u32, reciprocal_root(y.u32[0]))

/* The three orders of d, x (the second operand) and y. */
#define ORDER132(T, k) d->T[k], y.T[k], x.T[k]
#define ORDER213(T, k) x.T[k], d->T[k], y.T[k]
#define ORDER231(T, k) x.T[k], y.T[k], d->T[k]
#define FMA_FORM(op, order, negate_even, negate_odd)                                               \
    PACKED(v##op##order##ps, u32,                                                                  \
           f32_muladd(c, ORDER##order(u32, k), k & 1 ? (negate_odd) : (negate_even)))              \
    PACKED(v##op##order##pd, u64,                                                                  \
           f64_muladd(c, ORDER##order(u64, k), k & 1 ? (negate_odd) : (negate_even)))
#define FMA_FORM_SCALAR(op, order, negate)                                                         \
    SOFT_FN(v##op##order##ss, d->u32[0] = f32_muladd(c, ORDER##order(u32, 0), negate);)            \
    SOFT_FN(v##op##order##sd, d->u64[0] = f64_muladd(c, ORDER##order(u64, 0), negate);)
#define FMA_PACKED(op, negate_even, negate_odd)                                                    \
    FMA_FORM(op, 132, negate_even, negate_odd)                                                     \
    FMA_FORM(op, 213, negate_even, negate_odd)                                                     \
    FMA_FORM(op, 231, negate_even, negate_odd)
#define FMA_BOTH(op, negate)                                                                       \
    FMA_PACKED(op, negate, negate)                                                                 \
    FMA_FORM_SCALAR(op, 132, negate)                                                               \
    FMA_FORM_SCALAR(op, 213, negate)                                                               \
    FMA_FORM_SCALAR(op, 231, negate)
FMA_BOTH(fmadd, 0)
FMA_BOTH(fmsub, FP_NEGATE_ADDEND)
FMA_BOTH(fnmadd, FP_NEGATE_PRODUCT)
FMA_BOTH(fnmsub, FP_NEGATE_PRODUCT | FP_NEGATE_ADDEND)
FMA_PACKED(fmaddsub, FP_NEGATE_ADDEND, 0)
FMA_PACKED(fmsubadd, 0, FP_NEGATE_ADDEND)
