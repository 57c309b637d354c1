/* SPDX-License-Identifier: BSD-2-Clause */
/* Vector functions against the host's instructions, and the host's floating point against the one
 * in software. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/x86/vec.h"
#include "os/host_simd.h"

static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1d;
}

/* Bits, small numbers, and the edges of integers and floats. */
static uint32_t any32(void)
{
    static const uint32_t edges[] = {
        0,          1,          0x7f,       0x80,       0xff,       0x7fff,     0x8000,
        0xffff,     0x7fffffff, 0x80000000, 0xffffffff, 0x3f800000, 0xbf800000, 0x7f800000,
        0xff800000, 0x7f800001, 0xffc00000, 0x7fc12345, 0x00000001, 0x807fffff, 0x00800000,
        0x7f7fffff, 0x4f000000, 0xcf000000, 0x3f000000, 0x40200000, 0x7ff00000, 0xfff00000,
        0x7ff80000, 0x000fffff, 0x3ff00000, 0x43e00000, 0xc1e00000, 0x00100000, 0x7ff00001};
    const uint64_t r = next();
    switch (r & 3) {
    case 0:
        return edges[(r >> 8) % (sizeof edges / sizeof edges[0])];
    case 1:
        return 0x3f800000 + (uint32_t)(int32_t)((int64_t)r >> 38) * 3;
    default:
        return (uint32_t)(r >> 16);
    }
}

static cpu_vec any(void)
{
    cpu_vec v;
    for (unsigned k = 0; k < 8; k++)
        v.u32[k] = any32();
    if (next() & 1)
        for (unsigned k = 0; k < 4; k++)
            v.u64[k] &= (next() & 1) ? UINT64_C(0xffffffff00000000) : UINT64_MAX;
    return v;
}

static void fail_on(const char *what, const cpu_vec *a, const cpu_vec *b, const cpu_vec *want,
                    const cpu_vec *got)
{
    print_message("%s\n", what);
    const cpu_vec *all[] = {a, b, want, got};
    static const char *const names[] = {"a", "b", "want", "got"};
    for (unsigned i = 0; i < 4; i++)
        print_message("%5s %016llx %016llx %016llx %016llx\n", names[i],
                      (unsigned long long)all[i]->u64[3], (unsigned long long)all[i]->u64[2],
                      (unsigned long long)all[i]->u64[1], (unsigned long long)all[i]->u64[0]);
    fail();
}

#if HOST_SIMD

#define ROUNDS 3000

#define ASM_SSE(insn, imm)                                                                         \
    __asm__ volatile("movdqa (%1), %%xmm1\n\tmovdqa (%2), %%xmm2\n\t" insn imm                     \
                     " %%xmm2, %%xmm1\n\tmovdqa %%xmm1, (%0)"                                      \
                     :                                                                             \
                     : "r"(&want), "r"(&a), "r"(&b)                                                \
                     : "xmm1", "xmm2", "memory")
#define ASM_AVX(insn, imm, operands)                                                               \
    __asm__ volatile("vmovdqa (%1), %%ymm1\n\tvmovdqa (%2), %%ymm2\n\t" insn imm operands          \
                     "\n\tvmovdqa %%ymm1, (%0)\n\tvzeroupper"                                      \
                     :                                                                             \
                     : "r"(&want), "r"(&a), "r"(&b)                                                \
                     : "xmm1", "xmm2", "memory")
#define BINARY_OPERANDS " %%ymm2, %%ymm1, %%ymm1"
#define UNARY_OPERANDS  " %%ymm2, %%ymm1"
#define HALF_OPERANDS   " %%xmm2, %%ymm1"

#define CHECK(name, function, immediate, bytes, code)                                              \
    for (unsigned i = 0; i < ROUNDS; i++) {                                                        \
        cpu_vec a = any(), b = any(), got = a, want = a;                                           \
        code;                                                                                      \
        function(&got, &a, &b, immediate, bytes);                                                  \
        if (memcmp(&got, &want, sizeof got))                                                       \
            fail_on(name, &a, &b, &want, &got);                                                    \
        got = b;                                                                                   \
        function(&got, &a, &got, immediate, bytes);                                                \
        if (memcmp(&got, &want, bytes))                                                            \
            fail_on(name ", in place", &a, &b, &want, &got);                                       \
    }
#define SSE(name, function)          CHECK(#name, function, 0, 16, ASM_SSE(#name, ""))
#define SSE_IMM(name, function, imm) CHECK(#name, function, imm, 16, ASM_SSE(#name, " $" #imm ","))
#define AVX(name, function, operands)                                                              \
    CHECK("v" #name, function, 0, 32, ASM_AVX("v" #name, "", operands))
#define AVX_IMM(name, function, imm, operands)                                                     \
    CHECK("v" #name, function, imm, 32, ASM_AVX("v" #name, " $" #imm ",", operands))

#define BOTH(name)  SSE(name, vec_##name) AVX(name, vec_##name, BINARY_OPERANDS)
#define UNARY(name) SSE(name, vec_##name) AVX(name, vec_##name, UNARY_OPERANDS)
#define BOTH_IMM(name, imm)                                                                        \
    SSE_IMM(name, vec_##name, imm) AVX_IMM(name, vec_##name, imm, BINARY_OPERANDS)
#define UNARY_IMM(name, imm)                                                                       \
    SSE_IMM(name, vec_##name, imm) AVX_IMM(name, vec_##name, imm, UNARY_OPERANDS)
#define IMMS(OP, name) OP(name, 0) OP(name, 1) OP(name, 0x1b) OP(name, 0x6c) OP(name, 0xe5)

/* clang-format off */
static void arithmetic(void **context)
{
    (void)context;
    BOTH(paddb)
    BOTH(paddw)
    BOTH(paddd)
    BOTH(paddq)
    BOTH(psubb)
    BOTH(psubw)
    BOTH(psubd)
    BOTH(psubq) BOTH(pand) BOTH(pandn) BOTH(por) BOTH(pxor) BOTH(paddsb) BOTH(paddsw) BOTH(paddusb)
        BOTH(paddusw) BOTH(psubsb) BOTH(psubsw) BOTH(psubusb) BOTH(psubusw) BOTH(pavgb) BOTH(pavgw)
            BOTH(pcmpeqb) BOTH(pcmpeqw) BOTH(pcmpeqd) BOTH(pcmpeqq) BOTH(pcmpgtb) BOTH(pcmpgtw)
                BOTH(pcmpgtd) BOTH(pcmpgtq) BOTH(pminub) BOTH(pminuw) BOTH(pminud) BOTH(pminsb)
                    BOTH(pminsw) BOTH(pminsd) BOTH(pmaxub) BOTH(pmaxuw) BOTH(pmaxud) BOTH(pmaxsb)
                        BOTH(pmaxsw) BOTH(pmaxsd) BOTH(psignb) BOTH(psignw) BOTH(psignd)
                            BOTH(pmullw) BOTH(pmulhw) BOTH(pmulhuw) BOTH(pmulhrsw) BOTH(pmulld)
                                BOTH(pmuludq) BOTH(pmuldq) BOTH(pmaddwd) BOTH(pmaddubsw)
                                    BOTH(psadbw) BOTH(phaddw) BOTH(phaddd) BOTH(phaddsw)
                                        BOTH(phsubw) BOTH(phsubd) BOTH(phsubsw) UNARY(pabsb)
                                            UNARY(pabsw) UNARY(pabsd)
                                                SSE(phminposuw, vec_phminposuw)
                                                    IMMS(BOTH_IMM, mpsadbw)
}

static void shifts(void **context)
{
    (void)context;
#define BY_LOW(name)                                                                               \
    CHECK(#name, vec_##name, 0, 16, b.u64[0] = next() % 70;                                        \
          if (next() % 8 == 0) b.u64[0] = next(); ASM_SSE(#name, ""))
    BY_LOW(psllw)
    BY_LOW(pslld)
    BY_LOW(psllq)
    BY_LOW(psrlw)
    BY_LOW(psrld)
    BY_LOW(psrlq)
    BY_LOW(psraw)
    BY_LOW(psrad)
#define BY_EACH(name)                                                                              \
    CHECK("v" #name, vec_##name, 0, 32,                                                            \
          for (unsigned k = 0; k < 8; k++) b.u32[k] &= next() & 1 ? 0x3f : UINT32_MAX;             \
          for (unsigned k = 0; k < 4; k++) b.u64[k] &= next() & 1 ? 0x3f : UINT64_MAX;             \
          ASM_AVX("v" #name, "", BINARY_OPERANDS))
        BY_EACH(psllvd) BY_EACH(psllvq) BY_EACH(psrlvd) BY_EACH(psrlvq) BY_EACH(psravd)
#define BY_IMM(name, imm)                                                                          \
    CHECK("v" #name "i", vec_##name##_imm, imm, 32, b = a;                                         \
          ASM_AVX("v" #name, " $" #imm ",", " %%ymm1, %%ymm1"))
#define BY_IMMS(name)                                                                              \
    BY_IMM(name, 0)                                                                                \
    BY_IMM(name, 5) BY_IMM(name, 15) BY_IMM(name, 31) BY_IMM(name, 40) BY_IMM(name, 200)
            BY_IMMS(psllw) BY_IMMS(pslld) BY_IMMS(psllq) BY_IMMS(psrlw) BY_IMMS(psrld)
                BY_IMMS(psrlq) BY_IMMS(psraw) BY_IMMS(psrad) BY_IMMS(pslldq) BY_IMMS(psrldq)
}

static void shuffles(void **context)
{
    (void)context;
    BOTH(packsswb)
    BOTH(packssdw)
    BOTH(packuswb)
    BOTH(packusdw)
    BOTH(punpcklbw)
    BOTH(punpcklwd)
    BOTH(punpckldq)
    BOTH(punpcklqdq) BOTH(punpckhbw) BOTH(punpckhwd) BOTH(punpckhdq) BOTH(punpckhqdq) BOTH(
        pshufb) UNARY(movddup) UNARY(movsldup) UNARY(movshdup) IMMS(UNARY_IMM, pshufd)
        IMMS(UNARY_IMM, pshuflw) IMMS(UNARY_IMM, pshufhw) IMMS(BOTH_IMM, shufps) IMMS(
            BOTH_IMM, shufpd) IMMS(BOTH_IMM, palignr) BOTH_IMM(palignr, 16) BOTH_IMM(palignr, 23)
            IMMS(BOTH_IMM, pblendw) IMMS(BOTH_IMM, blendps) IMMS(BOTH_IMM, blendpd)
                SSE(movss, vec_movss) SSE(movsd, vec_movsd) SSE(movhlps, vec_movhlps)
                    SSE(movlhps, vec_movhps) SSE_IMM(insertps, vec_insertps, 0x00)
                        SSE_IMM(insertps, vec_insertps, 0x9b) SSE_IMM(insertps, vec_insertps, 0x64)
#define WIDEN(name) SSE(name, vec_##name) AVX(name, vec_##name, HALF_OPERANDS)
                            WIDEN(pmovsxbw) WIDEN(pmovsxbd) WIDEN(pmovsxbq) WIDEN(pmovsxwd) WIDEN(
                                pmovsxwq) WIDEN(pmovsxdq) WIDEN(pmovzxbw) WIDEN(pmovzxbd)
                                WIDEN(pmovzxbq) WIDEN(pmovzxwd) WIDEN(pmovzxwq) WIDEN(pmovzxdq) AVX(
                                    permilps, vec_permilps,
                                    BINARY_OPERANDS) AVX(permilpd, vec_permilpd, BINARY_OPERANDS)
                                    AVX(permd, vec_permd, BINARY_OPERANDS)
#define CROSS(imm)                                                                                 \
    AVX_IMM(permilps, vec_permilps_imm, imm, UNARY_OPERANDS)                                       \
    AVX_IMM(permilpd, vec_permilpd_imm, imm, UNARY_OPERANDS)                                       \
    AVX_IMM(permq, vec_permq, imm, UNARY_OPERANDS)                                                 \
    AVX_IMM(perm2f128, vec_perm2f128, imm, BINARY_OPERANDS)                                        \
    AVX_IMM(insertf128, vec_insertf128, imm, " %%xmm2, %%ymm1, %%ymm1")
                                        CROSS(0) CROSS(1) CROSS(0x31) CROSS(0x28) CROSS(0x83) CROSS(
                                            0x1b) AVX(pbroadcastb, vec_broadcastb, HALF_OPERANDS)
                                            AVX(pbroadcastw, vec_broadcastw, HALF_OPERANDS)
                                                AVX(broadcastss, vec_broadcastd, HALF_OPERANDS)
                                                    AVX(broadcastsd, vec_broadcastq, HALF_OPERANDS)
#define BLEND(name)                                                                                \
    for (unsigned i = 0; i < ROUNDS; i++) {                                                        \
        cpu_vec a = any(), b = any(), want = any(), got = want;                                    \
        __asm__ volatile(                                                                          \
            "vmovdqa (%1), %%ymm1\n\tvmovdqa (%2), %%ymm2\n\tvmovdqa (%0), %%ymm3\n\t"             \
            "v" #name " %%ymm3, %%ymm2, %%ymm1, %%ymm0\n\tvmovdqa %%ymm0, (%0)\n\t"                \
            "vzeroupper"                                                                           \
            :                                                                                      \
            : "r"(&want), "r"(&a), "r"(&b)                                                         \
            : "xmm0", "xmm1", "xmm2", "xmm3", "memory");                                           \
        vec_##name(&got, &a, &b, 0, 32);                                                           \
        if (memcmp(&got, &want, sizeof got))                                                       \
            fail_on(#name, &a, &b, &want, &got);                                                   \
    }
                                                        BLEND(pblendvb) BLEND(blendvps)
                                                            BLEND(blendvpd)
}

static void cryptography(void **context)
{
    (void)context;
    SSE(aesenc, vec_aesenc)
    SSE(aesenclast, vec_aesenclast)
    SSE(aesdec, vec_aesdec)
    SSE(aesdeclast, vec_aesdeclast)
    SSE(aesimc, vec_aesimc)
    SSE_IMM(aeskeygenassist, vec_aeskeygenassist, 0x1b)
    SSE_IMM(pclmulqdq, vec_pclmulqdq, 0x00)
    SSE_IMM(pclmulqdq, vec_pclmulqdq, 0x01) SSE_IMM(pclmulqdq, vec_pclmulqdq, 0x10)
        SSE_IMM(pclmulqdq, vec_pclmulqdq, 0x11) SSE(sha1nexte, vec_sha1nexte)
            SSE(sha1msg1, vec_sha1msg1) SSE(sha1msg2, vec_sha1msg2) SSE(sha256msg1, vec_sha256msg1)
                SSE(sha256msg2, vec_sha256msg2) SSE_IMM(sha1rnds4, vec_sha1rnds4, 0)
                    SSE_IMM(sha1rnds4, vec_sha1rnds4, 1) SSE_IMM(sha1rnds4, vec_sha1rnds4, 2)
                        SSE_IMM(sha1rnds4, vec_sha1rnds4, 3) for (unsigned i = 0; i < ROUNDS; i++)
    {
        cpu_vec a = any(), b = any(), words = any(), want = a, got = words;
        __asm__ volatile("movdqa (%1), %%xmm1\n\tmovdqa (%2), %%xmm2\n\tmovdqa (%3), %%xmm0\n\t"
                         "sha256rnds2 %%xmm0, %%xmm2, %%xmm1\n\tmovdqa %%xmm1, (%0)"
                         :
                         : "r"(&want), "r"(&a), "r"(&b), "r"(&words)
                         : "xmm0", "xmm1", "xmm2", "memory");
        vec_sha256rnds2(&got, &a, &b, 0, 16);
        assert_memory_equal(&got, &want, 16);

        const uint64_t data = next(), crc = (uint32_t)next();
        uint64_t r = crc;
        __asm__("crc32q %1, %0" : "+r"(r) : "r"(data));
        assert_int_equal(vec_crc32c((uint32_t)crc, data, 8), r);
        uint32_t r8 = (uint32_t)crc;
        __asm__("crc32b %1, %0" : "+r"(r8) : "r"((uint8_t)data));
        assert_int_equal(vec_crc32c((uint32_t)crc, data, 1), r8);
    }
}

#define FLAGS 0x8d5u

/* Few different elements, so that strings match now and then. */
static cpu_vec text(void)
{
    cpu_vec v;
    const uint64_t kinds = next() | 1;
    for (unsigned k = 0; k < 32; k++)
        v.u8[k] = (uint8_t)(next() & 7 ? next() & kinds & 3 : next());
    return v;
}

#define STRINGS(imm)                                                                               \
    for (unsigned i = 0; i < ROUNDS; i++) {                                                        \
        const cpu_vec a = text(), b = text();                                                      \
        uint64_t index, flags;                                                                     \
        cpu_vec mask, got = {{0}};                                                                 \
        const int32_t la = (int32_t)(next() % 45) - 22, lb = (int32_t)(next() % 45) - 22;          \
        __asm__ volatile("movdqa %2, %%xmm1\n\tmovdqa %3, %%xmm2\n\tpcmpistri $" #imm              \
                         ", %%xmm2, %%xmm1\n\tpushfq\n\tpop %1\n\tmov %%rcx, %0"                   \
                         : "=&r"(index), "=&r"(flags)                                              \
                         : "m"(a), "m"(b)                                                          \
                         : "rcx", "xmm1", "xmm2", "cc");                                           \
        struct vec_str r =                                                                         \
            vec_pcmpstr(&a, &b, imm, vec_str_implicit(&a, imm), vec_str_implicit(&b, imm));        \
        assert_int_equal(vec_str_index(r.mask, imm), index);                                       \
        assert_int_equal(r.flags, flags &FLAGS);                                                   \
        __asm__ volatile("movdqa %2, %%xmm1\n\tmovdqa %3, %%xmm2\n\tpcmpestrm $" #imm              \
                         ", %%xmm2, %%xmm1\n\tpushfq\n\tpop %1\n\tmovdqa %%xmm0, %0"               \
                         : "=m"(mask), "=&r"(flags)                                                \
                         : "m"(a), "m"(b), "a"(la), "d"(lb)                                        \
                         : "xmm0", "xmm1", "xmm2", "cc");                                          \
        r = vec_pcmpstr(&a, &b, imm, vec_str_explicit(la, imm), vec_str_explicit(lb, imm));        \
        vec_str_mask(&got, r.mask, imm);                                                           \
        assert_memory_equal(&got, &mask, 16);                                                      \
        assert_int_equal(r.flags, flags &FLAGS);                                                   \
    }

static void strings(void **context)
{
    (void)context;
    STRINGS(0x00)
    STRINGS(0x01)
    STRINGS(0x02)
    STRINGS(0x03)
    STRINGS(0x04)
    STRINGS(0x05)
    STRINGS(0x06)
    STRINGS(0x07) STRINGS(0x08) STRINGS(0x09) STRINGS(0x0c) STRINGS(0x0d) STRINGS(0x14)
        STRINGS(0x1a) STRINGS(0x38) STRINGS(0x30) STRINGS(0x4c) STRINGS(0x5d) STRINGS(0x7f)
            STRINGS(0x44) STRINGS(0x29)
}

/* clang-format on */

/* ---- Floating point ---- */

enum { VF_SSE41 = 1, VF_FMA = 2, VF_F16C = 4, VF_FLAGS = 8, VF_INT64 = 16, VF_ESTIMATE = 32 };

struct fp_case {
    const char *name;
    cpu_vec_fn *host, *soft;
    unsigned flags;
};

#define VEC_FP(name, function, flags)     {#function, vec_host_##function, vec_soft_##function, flags},
#define VEC_FP_LEG(name, function, flags) VEC_FP(name, function, flags)
#define VEC_FP_VEX(name, function, flags) VEC_FP(name, function, flags)
static const struct fp_case fp_cases[] = {
#include "cpu/x86/vec_fp.def"
};

static void compare_once(const struct fp_case *f)
{
    const cpu_vec a = any(), b = any(), before = any();
    const uint32_t word = HOST_MXCSR_MASKS | (next() & 0xe040);
    const unsigned bytes = strcmp(f->name, "dppd") && (next() & 1) ? 32 : 16;
    unsigned imm = (unsigned)next() & 0xff;
    if (f->flags & VF_INT64)
        imm &= 1;
    else if (!strncmp(f->name, "cmp", 3))
        imm &= 31;
    cpu_vec want = before, got = before;
    const uint32_t saved = host_mxcsr_get();
    host_mxcsr_set(word);
    f->host(&want, &a, &b, imm, bytes);
    const uint32_t want_word = host_mxcsr_get();
    host_mxcsr_set(word);
    f->soft(&got, &a, &b, imm, bytes);
    const uint32_t got_word = host_mxcsr_get();
    host_mxcsr_set(saved);
    const size_t size = f->flags & (VF_INT64 | VF_FLAGS) && strncmp(f->name, "cvtsi", 5) ? 8 : 16;
    if (memcmp(&got, &want, size) || got_word != want_word) {
        print_message("control %x imm %x bytes %u flags: want %x got %x; d %016llx %016llx\n", word,
                      imm, bytes, want_word & 0x3f, got_word & 0x3f,
                      (unsigned long long)before.u64[1], (unsigned long long)before.u64[0]);
        fail_on(f->name, &a, &b, &want, &got);
    }
}

static void floating_point(void **context)
{
    (void)context;
    const unsigned features = host_simd_features();
    for (unsigned i = 0; i < sizeof fp_cases / sizeof fp_cases[0]; i++) {
        if (fp_cases[i].flags & VF_ESTIMATE || fp_cases[i].flags & 7 & ~features)
            continue;
        for (unsigned k = 0; k < 4000; k++)
            compare_once(&fp_cases[i]);
    }
}

#endif

/* 1 and 2^-126 to 2^126: within 1.5 * 2^-12 of the truth. */
static void estimates(void **context)
{
    (void)context;
    for (unsigned k = 0; k < 100000; k++) {
        cpu_vec b = {.u32 = {(uint32_t)(next() % 0x7d000000 + 0x00800000)}}, r = {{0}};
        const double v = b.f32[0];
        vec_soft_rcpss(&r, &r, &b, 0, 16);
        const double error = r.f32[0] * v - 1;
        assert_true(error < 0x1.8p-12 && error > -0x1.8p-12);
        vec_soft_rsqrtss(&r, &r, &b, 0, 16);
        const double square = (double)r.f32[0] * r.f32[0] * v - 1;
        assert_true(square < 0x1.8p-11 && square > -0x1.8p-11);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#if HOST_SIMD
        cmocka_unit_test(arithmetic),
        cmocka_unit_test(shifts),
        cmocka_unit_test(shuffles),
        cmocka_unit_test(cryptography),
        cmocka_unit_test(strings),
        cmocka_unit_test(floating_point),
#endif
        cmocka_unit_test(estimates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
