/* SPDX-License-Identifier: BSD-2-Clause */
/* Floating point by the host's own instructions, lane by lane. */
#include "os/host_simd.h"

#if HOST_SIMD
#include "cpu/x86/vec_host.h"

#define HOST_FN(name)                                                                              \
    void vec_host_##name(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm,             \
                         unsigned bytes)

/* `result` of x and y, for each lane. */
#define LANES(name, result)                                                                        \
    HOST_FN(name)                                                                                  \
    {                                                                                              \
        (void)imm;                                                                                 \
        for (unsigned l = 0; l == 0 || l * 16 < bytes; l++) {                                      \
            const host_v128 x = lane_get(a, l), y = lane_get(b, l);                                \
            (void)x;                                                                               \
            lane_set(d, l, result);                                                                \
        }                                                                                          \
    }
#define SCALAR(name, result)                                                                       \
    HOST_FN(name)                                                                                  \
    {                                                                                              \
        (void)imm;                                                                                 \
        (void)bytes;                                                                               \
        const host_v128 x = lane_get(a, 0), y = lane_get(b, 0);                                    \
        lane_set(d, 0, result);                                                                    \
    }

#define PACKED_BINARY(name) LANES(name, host_##name(x, y))
#define PACKED_UNARY(name)  LANES(name, host_##name(y))
#define SCALAR_BINARY(name) SCALAR(name, host_##name(x, y))
#define FOUR(op)                                                                                   \
    PACKED_BINARY(op##ps) PACKED_BINARY(op##pd) SCALAR_BINARY(op##ss) SCALAR_BINARY(op##sd)

FOUR(add)
FOUR(sub)
FOUR(mul)
FOUR(div)
FOUR(min)
FOUR(max)
PACKED_UNARY(sqrtps)
PACKED_UNARY(sqrtpd)
SCALAR_BINARY(sqrtss)
SCALAR_BINARY(sqrtsd)
PACKED_UNARY(rcpps)
SCALAR_BINARY(rcpss)
PACKED_UNARY(rsqrtps)
SCALAR_BINARY(rsqrtss)
PACKED_BINARY(haddps)
PACKED_BINARY(haddpd)
PACKED_BINARY(hsubps)
PACKED_BINARY(hsubpd)
PACKED_BINARY(addsubps)
PACKED_BINARY(addsubpd)
SCALAR_BINARY(cvtss2sd)
SCALAR_BINARY(cvtsd2ss)
PACKED_UNARY(cvtdq2ps)
LANES(roundps, host_roundps(x, y, imm))
LANES(roundpd, host_roundpd(x, y, imm))
SCALAR(roundss, host_roundss(x, y, imm))
SCALAR(roundsd, host_roundsd(x, y, imm))

/* MMX forms take two elements: the other two are zeros, which raise nothing. */
#define TO_INTS(name)                                                                              \
    HOST_FN(name)                                                                                  \
    {                                                                                              \
        (void)a;                                                                                   \
        (void)imm;                                                                                 \
        if (bytes == 8) {                                                                          \
            const cpu_vec low = {.u64 = {b->u64[0]}};                                              \
            lane_set(d, 0, host_##name(lane_get(&low, 0)));                                        \
            return;                                                                                \
        }                                                                                          \
        for (unsigned l = 0; l * 16 < bytes; l++)                                                  \
            lane_set(d, l, host_##name(lane_get(b, l)));                                           \
    }
TO_INTS(cvtps2dq)
TO_INTS(cvttps2dq)

HOST_FN(cvtpi2ps)
{
    (void)imm;
    (void)bytes;
    cpu_vec ints = {.u64 = {b->u64[0]}};
    lane_set(&ints, 0, host_cvtdq2ps(lane_get(&ints, 0)));
    d->u64[1] = a->u64[1];
    d->u64[0] = ints.u64[0];
}

/* A lane's worth of results from half a lane. */
#define WIDEN(name, convert)                                                                       \
    HOST_FN(name)                                                                                  \
    {                                                                                              \
        (void)a;                                                                                   \
        (void)imm;                                                                                 \
        const cpu_vec high = {.u64 = {b->u64[1]}};                                                 \
        const host_v128 low = convert(lane_get(b, 0));                                             \
        if (bytes > 16)                                                                            \
            lane_set(d, 1, convert(lane_get(&high, 0)));                                           \
        lane_set(d, 0, low);                                                                       \
    }
WIDEN(cvtps2pd, host_cvtps2pd)
WIDEN(cvtdq2pd, host_cvtdq2pd)
WIDEN(cvtph2ps, host_vcvtph2ps)

/* Two lanes into one; of one lane, into its low half, with zeros above. */
#define NARROW(name, convert)                                                                      \
    HOST_FN(name)                                                                                  \
    {                                                                                              \
        (void)a;                                                                                   \
        (void)imm;                                                                                 \
        cpu_vec low, high;                                                                         \
        lane_set(&low, 0, convert(lane_get(b, 0)));                                                \
        if (bytes > 16) {                                                                          \
            lane_set(&high, 0, convert(lane_get(b, 1)));                                           \
            low.u64[1] = high.u64[0];                                                              \
        }                                                                                          \
        d->lane[0] = low.lane[0];                                                                  \
    }
#define TO_HALVES(y) host_vcvtps2ph(y, imm)
NARROW(cvtpd2ps, host_cvtpd2ps)
NARROW(cvtpd2dq, host_cvtpd2dq)
NARROW(cvttpd2dq, host_cvttpd2dq)
NARROW(cvtps2ph, TO_HALVES)

/* imm is 1 for 64-bit integers. */
#define TO_INT(name)                                                                               \
    HOST_FN(name)                                                                                  \
    {                                                                                              \
        (void)a;                                                                                   \
        (void)bytes;                                                                               \
        const host_v128 y = lane_get(b, 0);                                                        \
        d->u64[0] = imm ? host_##name##q(y) : host_##name##l(y);                                   \
    }
HOST_FN(cvtsi2ss)
{
    (void)bytes;
    const host_v128 x = lane_get(a, 0);
    lane_set(d, 0, imm ? host_cvtsi2ssq(x, b->u64[0]) : host_cvtsi2ssl(x, b->u32[0]));
}
HOST_FN(cvtsi2sd)
{
    (void)bytes;
    const host_v128 x = lane_get(a, 0);
    lane_set(d, 0, imm ? host_cvtsi2sdq(x, b->u64[0]) : host_cvtsi2sdl(x, b->u32[0]));
}
TO_INT(cvtss2si)
TO_INT(cvttss2si)
TO_INT(cvtsd2si)
TO_INT(cvttsd2si)

#define TO_FLAGS(name)                                                                             \
    HOST_FN(name)                                                                                  \
    {                                                                                              \
        (void)imm;                                                                                 \
        (void)bytes;                                                                               \
        d->u64[0] = host_##name(lane_get(a, 0), lane_get(b, 0));                                   \
    }
TO_FLAGS(comiss)
TO_FLAGS(comisd)
TO_FLAGS(ucomiss)
TO_FLAGS(ucomisd)

/* The predicates that only VEX has, from an ordered comparison of one element. */
static uint64_t predicate_ss(const cpu_lane *x, const cpu_lane *y, unsigned k, unsigned predicate)
{
    const cpu_vec one = {.u32 = {x->u32[k]}}, other = {.u32 = {y->u32[k]}};
    const host_v128 p = lane_get(&one, 0), q = lane_get(&other, 0);
    return vec_predicate(predicate,
                         vec_signals(predicate) ? host_comiss(p, q) : host_ucomiss(p, q));
}

static uint64_t predicate_sd(const cpu_lane *x, const cpu_lane *y, unsigned k, unsigned predicate)
{
    const cpu_vec one = {.u64 = {x->u64[k]}}, other = {.u64 = {y->u64[k]}};
    const host_v128 p = lane_get(&one, 0), q = lane_get(&other, 0);
    return vec_predicate(predicate,
                         vec_signals(predicate) ? host_comisd(p, q) : host_ucomisd(p, q));
}

#define COMPARE(name, T, type, one, limit)                                                         \
    HOST_FN(name)                                                                                  \
    {                                                                                              \
        for (unsigned l = 0; l == 0 || ((limit) > 1 && l * 16 < bytes); l++) {                     \
            const cpu_lane x = a->lane[l], y = b->lane[l];                                         \
            cpu_lane r = x;                                                                        \
            if (imm < 8) {                                                                         \
                lane_set(d, l, host_##name(lane_get(a, l), lane_get(b, l), imm));                  \
                continue;                                                                          \
            }                                                                                      \
            for (unsigned k = 0; k < (limit); k++)                                                 \
                r.T[k] = (type)one(&x, &y, k, imm);                                                \
            d->lane[l] = r;                                                                        \
        }                                                                                          \
    }
COMPARE(cmpps, u32, uint32_t, predicate_ss, 4)
COMPARE(cmppd, u64, uint64_t, predicate_sd, 2)
COMPARE(cmpss, u32, uint32_t, predicate_ss, 1)
COMPARE(cmpsd, u64, uint64_t, predicate_sd, 1)

/* Products that bits 7 to 4 leave out are zeros; bits 3 to 0 say where the sum goes. */
#define DOT(name, T, count)                                                                        \
    HOST_FN(name)                                                                                  \
    {                                                                                              \
        for (unsigned l = 0; l == 0 || l * 16 < bytes; l++) {                                      \
            cpu_vec x = {.lane = {a->lane[l]}}, y = {.lane = {b->lane[l]}};                        \
            for (unsigned k = 0; k < (count); k++)                                                 \
                if (!(imm >> (4 + k) & 1))                                                         \
                    x.T[k] = y.T[k] = 0;                                                           \
            lane_set(&x, 0, host_##name(lane_get(&x, 0), lane_get(&y, 0)));                        \
            for (unsigned k = 0; k < (count); k++)                                                 \
                if (!(imm >> k & 1))                                                               \
                    x.T[k] = 0;                                                                    \
            d->lane[l] = x.lane[0];                                                                \
        }                                                                                          \
    }
DOT(dpps, u32, 4)
DOT(dppd, u64, 2)

#define FMA_LANES(name)           LANES(v##name, host_v##name(lane_get(d, l), x, y))
#define FMA_SCALAR(name)          SCALAR(v##name, host_v##name(lane_get(d, 0), x, y))
#define FMA_ORDERS(FMA, op, type) FMA(op##132##type) FMA(op##213##type) FMA(op##231##type)
#define FMA_PACKED(op)            FMA_ORDERS(FMA_LANES, op, ps) FMA_ORDERS(FMA_LANES, op, pd)
#define FMA_SCALARS(op)           FMA_ORDERS(FMA_SCALAR, op, ss) FMA_ORDERS(FMA_SCALAR, op, sd)
FMA_PACKED(fmadd)
FMA_PACKED(fmsub)
FMA_PACKED(fnmadd)
FMA_PACKED(fnmsub)
FMA_PACKED(fmaddsub)
FMA_PACKED(fmsubadd)
FMA_SCALARS(fmadd)
FMA_SCALARS(fmsub)
FMA_SCALARS(fnmadd)
FMA_SCALARS(fnmsub)

#endif
