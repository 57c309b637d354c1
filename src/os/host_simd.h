/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's own vector floating point, where its rules are those of the guest: x86-64. One inline
 * function per instruction, with its operands in the instruction's order: which of two NaNs wins
 * depends on it, and compilers swap operands of what they think commutes. MXCSR's rounding, DAZ and
 * FTZ apply, its flags accumulate.
 *
 * On every host there is a control and status word of the thread in MXCSR's layout. */
#ifndef VMACCEL_OS_HOST_SIMD_H
#define VMACCEL_OS_HOST_SIMD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "os/shared.h"

#define HOST_MXCSR_FLAGS 0x003fu
#define HOST_MXCSR_MASKS 0x1f80u

/* What the host's CPU has beyond SSE2. */
#define HOST_SIMD_SSE41 1u
#define HOST_SIMD_FMA   2u
#define HOST_SIMD_F16C  4u
#define HOST_SIMD_AES   8u
#define HOST_SIMD_CLMUL 16u

#if defined(__x86_64__)

#define HOST_SIMD 1

static inline uint32_t host_mxcsr_get(void)
{
    uint32_t value;
    __asm__ volatile("stmxcsr %0" : "=m"(value));
    return value;
}

static inline void host_mxcsr_set(uint32_t value)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(value));
}

/* Costs a trap in a virtual machine: ask once. */
static inline unsigned host_simd_features(void)
{
    uint32_t a = 1, b, c = 0, d, low, high;
    unsigned features = 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (c & 1u << 19)
        features |= HOST_SIMD_SSE41;
    features |= (c & 1u << 25 ? HOST_SIMD_AES : 0) | (c & 1u << 1 ? HOST_SIMD_CLMUL : 0);
    if (!(c & 1u << 27))
        return features;
    /* The operating system must keep the YMM registers. */
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6) != 6)
        return features;
    return features | (c & 1u << 12 ? HOST_SIMD_FMA : 0) | (c & 1u << 29 ? HOST_SIMD_F16C : 0);
}

typedef float host_v128 __attribute__((vector_size(16), may_alias));

/* Guest memory of any alignment; the rest is zeros. */
#define HOST_LOAD(size, insn)                                                                      \
    static inline host_v128 host_load##size(const void *p)                                         \
    {                                                                                              \
        struct bytes {                                                                             \
            uint8_t byte[size];                                                                    \
        };                                                                                         \
        host_v128 r;                                                                               \
        __asm__ volatile(#insn " %1, %0" : "=x"(r) : "m"(*(const struct bytes *)p));               \
        return r;                                                                                  \
    }
HOST_LOAD(4, movss)
HOST_LOAD(8, movsd)
HOST_LOAD(16, movups)

/* 16 aligned bytes get 4 or 8 of guest memory, or a value, and zeros above it. In one store: a wide
 * load after two narrow stores would wait for them. */
static inline void host_fill4(void *lane, const void *p)
{
    *(host_v128 *)lane = host_load4(p);
}
static inline void host_fill8(void *lane, const void *p)
{
    *(host_v128 *)lane = host_load8(p);
}
static inline void host_fill(void *lane, uint64_t value)
{
    host_v128 r;
    __asm__("movq %1, %0" : "=x"(r) : "r"(value));
    *(host_v128 *)lane = r;
}

/* Bit n is the sign of byte n of 16 aligned ones. */
static inline uint32_t host_byte_signs(const void *p)
{
    uint32_t r;
    __asm__("pmovmskb %1, %0" : "=r"(r) : "x"(*(const host_v128 *)p));
    return r;
}

/* The result's unchanged part is x's. */
#define HOST_BINARY(insn)                                                                          \
    static inline host_v128 host_##insn(host_v128 x, host_v128 y)                                  \
    {                                                                                              \
        __asm__ volatile(#insn " %1, %0" : "+x"(x) : "x"(y));                                      \
        return x;                                                                                  \
    }
#define HOST_UNARY(insn)                                                                           \
    static inline host_v128 host_##insn(host_v128 y)                                               \
    {                                                                                              \
        host_v128 r;                                                                               \
        __asm__ volatile(#insn " %1, %0" : "=x"(r) : "x"(y));                                      \
        return r;                                                                                  \
    }
#define HOST_FLOATS(op)                                                                            \
    HOST_BINARY(op##ps) HOST_BINARY(op##pd) HOST_BINARY(op##ss) HOST_BINARY(op##sd)

HOST_FLOATS(add)
HOST_FLOATS(sub)
HOST_FLOATS(mul)
HOST_FLOATS(div)
HOST_FLOATS(min)
HOST_FLOATS(max)
HOST_UNARY(sqrtps)
HOST_UNARY(sqrtpd)
HOST_BINARY(sqrtss)
HOST_BINARY(sqrtsd)
HOST_UNARY(rcpps)
HOST_BINARY(rcpss)
HOST_UNARY(rsqrtps)
HOST_BINARY(rsqrtss)
HOST_BINARY(pshufb)
HOST_BINARY(aesenc)
HOST_BINARY(aesenclast)
HOST_BINARY(aesdec)
HOST_BINARY(aesdeclast)
HOST_UNARY(aesimc)
HOST_BINARY(haddps)
HOST_BINARY(haddpd)
HOST_BINARY(hsubps)
HOST_BINARY(hsubpd)
HOST_BINARY(addsubps)
HOST_BINARY(addsubpd)
HOST_BINARY(cvtss2sd)
HOST_BINARY(cvtsd2ss)
HOST_UNARY(cvtdq2ps)
HOST_UNARY(cvtps2dq)
HOST_UNARY(cvttps2dq)
HOST_UNARY(cvtps2pd)
HOST_UNARY(cvtpd2ps)
HOST_UNARY(cvtdq2pd)
HOST_UNARY(cvtpd2dq)
HOST_UNARY(cvttpd2dq)
HOST_UNARY(vcvtph2ps)

#define HOST_FROM_INT(insn, suffix, type)                                                          \
    static inline host_v128 host_##insn##suffix(host_v128 x, type y)                               \
    {                                                                                              \
        __asm__ volatile(#insn #suffix " %1, %0" : "+x"(x) : "r"(y));                              \
        return x;                                                                                  \
    }
HOST_FROM_INT(cvtsi2ss, l, uint32_t)
HOST_FROM_INT(cvtsi2ss, q, uint64_t)
HOST_FROM_INT(cvtsi2sd, l, uint32_t)
HOST_FROM_INT(cvtsi2sd, q, uint64_t)

#define HOST_TO_INT(insn, suffix, type)                                                            \
    static inline type host_##insn##suffix(host_v128 y)                                            \
    {                                                                                              \
        type r;                                                                                    \
        __asm__ volatile(#insn " %1, %0" : "=r"(r) : "x"(y));                                      \
        return r;                                                                                  \
    }
HOST_TO_INT(cvtss2si, l, uint32_t)
HOST_TO_INT(cvtss2si, q, uint64_t)
HOST_TO_INT(cvttss2si, l, uint32_t)
HOST_TO_INT(cvttss2si, q, uint64_t)
HOST_TO_INT(cvtsd2si, l, uint32_t)
HOST_TO_INT(cvtsd2si, q, uint64_t)
HOST_TO_INT(cvttsd2si, l, uint32_t)
HOST_TO_INT(cvttsd2si, q, uint64_t)

/* ZF, PF and CF in their positions in EFLAGS. */
#define HOST_COMPARE(insn)                                                                         \
    static inline uint32_t host_##insn(host_v128 x, host_v128 y)                                   \
    {                                                                                              \
        bool zf, pf, cf;                                                                           \
        __asm__ volatile(#insn " %4, %3"                                                           \
                         : "=@ccz"(zf), "=@ccp"(pf), "=@ccc"(cf)                                   \
                         : "x"(x), "x"(y)                                                          \
                         : "cc");                                                                  \
        return (uint32_t)zf << 6 | (uint32_t)pf << 2 | cf;                                         \
    }
HOST_COMPARE(comiss)
HOST_COMPARE(comisd)
HOST_COMPARE(ucomiss)
HOST_COMPARE(ucomisd)

/* The first eight predicates; the instruction holds the number. */
#define HOST_PREDICATE(insn, n)                                                                    \
    case n:                                                                                        \
        __asm__ volatile(#insn " $" #n ", %1, %0" : "+x"(x) : "x"(y));                             \
        break;
#define HOST_CMP(insn)                                                                             \
    static inline host_v128 host_##insn(host_v128 x, host_v128 y, unsigned predicate)              \
    {                                                                                              \
        switch (predicate) {                                                                       \
            HOST_PREDICATE(insn, 0)                                                                \
            HOST_PREDICATE(insn, 1)                                                                \
            HOST_PREDICATE(insn, 2)                                                                \
            HOST_PREDICATE(insn, 3)                                                                \
            HOST_PREDICATE(insn, 4)                                                                \
            HOST_PREDICATE(insn, 5)                                                                \
            HOST_PREDICATE(insn, 6)                                                                \
            HOST_PREDICATE(insn, 7)                                                                \
        }                                                                                          \
        return x;                                                                                  \
    }
HOST_CMP(cmpps)
HOST_CMP(cmppd)
HOST_CMP(cmpss)
HOST_CMP(cmpsd)

/* Bits of `mode`: 1-0 the rounding, or 2 MXCSR's; 3 no PE. */
#define HOST_MODE(insn, n)                                                                         \
    case n:                                                                                        \
        __asm__ volatile(#insn " $" #n ", %1, %0" : "+x"(x) : "x"(y));                             \
        break;
#define HOST_ROUND(insn)                                                                           \
    static inline host_v128 host_##insn(host_v128 x, host_v128 y, unsigned mode)                   \
    {                                                                                              \
        switch (mode & 4 ? mode & 12 : mode & 11) {                                                \
            HOST_MODE(insn, 0)                                                                     \
            HOST_MODE(insn, 1)                                                                     \
            HOST_MODE(insn, 2)                                                                     \
            HOST_MODE(insn, 3)                                                                     \
            HOST_MODE(insn, 4)                                                                     \
            HOST_MODE(insn, 8)                                                                     \
            HOST_MODE(insn, 9)                                                                     \
            HOST_MODE(insn, 10)                                                                    \
            HOST_MODE(insn, 11)                                                                    \
            HOST_MODE(insn, 12)                                                                    \
        }                                                                                          \
        return x;                                                                                  \
    }
HOST_ROUND(roundps)
HOST_ROUND(roundpd)
HOST_ROUND(roundss)
HOST_ROUND(roundsd)

/* `mode` as above, without bit 3. */
static inline host_v128 host_vcvtps2ph(host_v128 y, unsigned mode)
{
    host_v128 x = y;
    switch (mode & 4 ? 4 : mode & 3) {
        HOST_MODE(vcvtps2ph, 0)
        HOST_MODE(vcvtps2ph, 1)
        HOST_MODE(vcvtps2ph, 2)
        HOST_MODE(vcvtps2ph, 3)
        HOST_MODE(vcvtps2ph, 4)
    }
    return x;
}

/* Bits 0 and 4 choose the halves. */
static inline host_v128 host_pclmulqdq(host_v128 x, host_v128 y, unsigned halves)
{
    switch (halves & 0x11) {
        HOST_MODE(pclmulqdq, 0x00)
        HOST_MODE(pclmulqdq, 0x01)
        HOST_MODE(pclmulqdq, 0x10)
        HOST_MODE(pclmulqdq, 0x11)
    }
    return x;
}

/* All products, to all elements; the caller picks and places. */
#define HOST_DOT(insn, n)                                                                          \
    static inline host_v128 host_##insn(host_v128 x, host_v128 y)                                  \
    {                                                                                              \
        __asm__ volatile(#insn " $" #n ", %1, %0" : "+x"(x) : "x"(y));                             \
        return x;                                                                                  \
    }
HOST_DOT(dpps, 0xff)
HOST_DOT(dppd, 0x33)

#define HOST_FMA(insn)                                                                             \
    static inline host_v128 host_##insn(host_v128 x, host_v128 y, host_v128 z)                     \
    {                                                                                              \
        __asm__ volatile(#insn " %2, %1, %0" : "+x"(x) : "x"(y), "x"(z));                          \
        return x;                                                                                  \
    }
#define HOST_FMA_PACKED(op)                                                                        \
    HOST_FMA(op##132ps)                                                                            \
    HOST_FMA(op##213ps)                                                                            \
    HOST_FMA(op##231ps) HOST_FMA(op##132pd) HOST_FMA(op##213pd) HOST_FMA(op##231pd)
#define HOST_FMA_SCALAR(op)                                                                        \
    HOST_FMA(op##132ss)                                                                            \
    HOST_FMA(op##213ss)                                                                            \
    HOST_FMA(op##231ss) HOST_FMA(op##132sd) HOST_FMA(op##213sd) HOST_FMA(op##231sd)
HOST_FMA_PACKED(vfmadd)
HOST_FMA_PACKED(vfmsub)
HOST_FMA_PACKED(vfnmadd)
HOST_FMA_PACKED(vfnmsub)
HOST_FMA_PACKED(vfmaddsub)
HOST_FMA_PACKED(vfmsubadd)
HOST_FMA_SCALAR(vfmadd)
HOST_FMA_SCALAR(vfmsub)
HOST_FMA_SCALAR(vfnmadd)
HOST_FMA_SCALAR(vfnmsub)

#else

#define HOST_SIMD 0

extern _Thread_local uint32_t host_mxcsr_word;

static inline uint32_t host_mxcsr_get(void)
{
    return host_mxcsr_word;
}

static inline void host_mxcsr_set(uint32_t value)
{
    host_mxcsr_word = value;
}

static inline unsigned host_simd_features(void)
{
    return 0;
}

static inline void host_fill(void *lane, uint64_t value)
{
    memcpy(lane, &value, sizeof value);
    memset((uint8_t *)lane + sizeof value, 0, sizeof value);
}
static inline void host_fill4(void *lane, const void *p)
{
    host_fill(lane, os_load32(p));
}
static inline void host_fill8(void *lane, const void *p)
{
    host_fill(lane, os_load64(p));
}

static inline uint32_t host_byte_signs(const void *p)
{
    uint32_t r = 0;
    for (unsigned i = 0; i < 16; i++)
        r |= (uint32_t)(((const uint8_t *)p)[i] >> 7) << i;
    return r;
}

#endif
#endif
