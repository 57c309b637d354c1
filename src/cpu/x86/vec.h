/* SPDX-License-Identifier: BSD-2-Clause */
/* Vector registers, and the operations of MMX, SSE and AVX as pure functions on them. */
#ifndef VMACCEL_CPU_X86_VEC_H
#define VMACCEL_CPU_X86_VEC_H

#include <stdint.h>

/* What AVX calls a lane. Most instructions treat the lanes of a YMM register alike. */
typedef union cpu_lane {
    _Alignas(16) uint8_t u8[16];
    int8_t s8[16];
    uint16_t u16[8];
    int16_t s16[8];
    uint32_t u32[4];
    int32_t s32[4];
    uint64_t u64[2];
    int64_t s64[2];
    float f32[4];
    double f64[2];
} cpu_lane;

typedef union cpu_vec {
    _Alignas(32) uint8_t u8[32];
    int8_t s8[32];
    uint16_t u16[16];
    int16_t s16[16];
    uint32_t u32[8];
    int32_t s32[8];
    uint64_t u64[4];
    int64_t s64[4];
    float f32[8];
    double f64[4];
    cpu_lane lane[2];
} cpu_vec;

/* d = a op b, where `bytes` is 8 (MMX), 16 or 32. d may be a or b. A function writes at least the
 * low `bytes` of d and at most 16 for 8 and 16. An operation of one source takes b; where its
 * result is narrower than a register, the rest comes from a. A third source is d on entry. A
 * result for a general register or EFLAGS is in d->u64[0]. */
typedef void cpu_vec_fn(cpu_vec *d, const cpu_vec *a, const cpu_vec *b, unsigned imm,
                        unsigned bytes);

#define VEC_OP(mnemonic, function, flags)  cpu_vec_fn vec_##function;
#define VEC_LEG(mnemonic, function, flags) cpu_vec_fn vec_##function;
#define VEC_VEX(mnemonic, function, flags) cpu_vec_fn vec_##function;
#include "cpu/x86/vec.def"
#undef VEC_OP
#undef VEC_LEG
#undef VEC_VEX

/* What moves are made of: all of b; its high 64 bits, low 32 or low 64 bits alone; its low element
 * over a's. */
cpu_vec_fn vec_mov, vec_high, vec_low32, vec_low64, vec_movss, vec_movsd;

#define VEC_IMM(mnemonic, function)     cpu_vec_fn vec_##function##_imm;
#define VEC_IMM_VEX(mnemonic, function) cpu_vec_fn vec_##function##_imm;
#include "cpu/x86/vec_imm.def"
#undef VEC_IMM
#undef VEC_IMM_VEX

/* Floating point, with the controls and flags of host_simd.h's status word: by the host's own
 * instruction (x86-64 only), and in software, which also heeds exceptions that are not masked. */
#define VEC_FP(mnemonic, function, flags)     cpu_vec_fn vec_host_##function, vec_soft_##function;
#define VEC_FP_LEG(mnemonic, function, flags) cpu_vec_fn vec_host_##function, vec_soft_##function;
#define VEC_FP_VEX(mnemonic, function, flags) cpu_vec_fn vec_host_##function, vec_soft_##function;
#include "cpu/x86/vec_fp.def"
#undef VEC_FP
#undef VEC_FP_LEG
#undef VEC_FP_VEX

/* What predicate 0 to 31 of CMPPS makes of COMISS's flags: all ones or 0. */
static inline uint64_t vec_predicate(unsigned predicate, unsigned flags)
{
    /* Bits: less, greater, equal, unordered. */
    static const uint8_t holds[16] = {4, 1, 5, 8, 11, 14, 10, 7, 12, 9, 13, 0, 3, 6, 2, 15};
    const unsigned relation = flags & 4 ? 8 : flags & 0x40 ? 4 : flags & 1 ? 1 : 2;
    return holds[predicate & 15] & relation ? UINT64_MAX : 0;
}

/* Does the predicate raise IE for quiet NaNs? The upper 16 differ from the lower just in that. */
static inline unsigned vec_signals(unsigned predicate)
{
    return (0x6666u >> (predicate & 15) & 1) ^ (predicate >> 4 & 1);
}

/* CRC-32C of `bytes` bytes of data put after those that gave crc. */
uint32_t vec_crc32c(uint32_t crc, uint64_t data, unsigned bytes);

/* PCMPESTRx and PCMPISTRx: IntRes2 and, in EFLAGS positions, the flags. Lengths are in elements. */
struct vec_str {
    uint32_t mask;
    uint32_t flags;
};
struct vec_str vec_pcmpstr(const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned a_length,
                           unsigned b_length);
/* The element count of an implicit-length string, and of an explicit length register. */
unsigned vec_str_implicit(const cpu_vec *v, unsigned imm);
unsigned vec_str_explicit(int64_t length, unsigned imm);
unsigned vec_str_index(uint32_t mask, unsigned imm);
void vec_str_mask(cpu_vec *d, uint32_t mask, unsigned imm);

#endif
