/* SPDX-License-Identifier: BSD-2-Clause */
/* Software f16, f32 and f64 against the host's own SSE, FMA and F16C: results and flags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/fp/sse.h"
#include "fp_operands.h"

#if defined(__x86_64__)

#if defined(__linux__)
#include <signal.h>
#include <ucontext.h>
#endif

#define CASES 60000

struct op {
    const char *name;
    unsigned in; /* bytes of an operand */
    bool fma;
    uint64_t (*soft)(struct fp_ctx *c, uint64_t a, uint64_t b, uint64_t d);
    uint64_t (*host)(uint32_t *mxcsr, uint64_t a, uint64_t b, uint64_t d);
};

#define HOST(name, ...)                                                                            \
    static uint64_t host_##name(uint32_t *mxcsr, uint64_t a, uint64_t b, uint64_t d)               \
    {                                                                                              \
        uint32_t in = *mxcsr, saved = 0x1f80;                                                      \
        uint64_t out = 0;                                                                          \
                                                                                                   \
        __asm__ volatile("movq %[a], %%xmm0\n\tmovq %[b], %%xmm1\n\tmovq %[d], %%xmm2\n\t"         \
                         "ldmxcsr %[in]\n\t" __VA_ARGS__                                           \
                         "\n\tstmxcsr %[flags]\n\tldmxcsr %[saved]"                                \
                         : [out] "+r"(out), [flags] "=m"(*mxcsr)                                   \
                         : [a] "r"(a), [b] "r"(b), [d] "r"(d), [in] "m"(in), [saved] "m"(saved)    \
                         : "xmm0", "xmm1", "xmm2", "cc");                                          \
        return out;                                                                                \
    }

#define SOFT(name, expression)                                                                     \
    static uint64_t soft_##name(struct fp_ctx *c, uint64_t a, uint64_t b, uint64_t d)              \
    {                                                                                              \
        (void)a, (void)b, (void)d;                                                                 \
        return expression;                                                                         \
    }

#define F(x) ((uint32_t)(x))
#define BOTH(name, insn)                                                                           \
    HOST(f32_##name, insn "ss %%xmm1, %%xmm0\n\tmovd %%xmm0, %k[out]")                             \
    HOST(f64_##name, insn "sd %%xmm1, %%xmm0\n\tmovq %%xmm0, %[out]")                              \
    SOFT(f32_##name, f32_##name(c, F(a), F(b)))                                                    \
    SOFT(f64_##name, f64_##name(c, a, b))
BOTH(add, "add")
BOTH(sub, "sub")
BOTH(mul, "mul")
BOTH(div, "div")
BOTH(min, "min")
BOTH(max, "max")

#define FUSED(name, insn, negate)                                                                  \
    HOST(f32_##name, insn "231ss %%xmm1, %%xmm0, %%xmm2\n\tmovd %%xmm2, %k[out]")                  \
    HOST(f64_##name, insn "231sd %%xmm1, %%xmm0, %%xmm2\n\tmovq %%xmm2, %[out]")                   \
    SOFT(f32_##name, f32_muladd(c, F(a), F(b), F(d), negate))                                      \
    SOFT(f64_##name, f64_muladd(c, a, b, d, negate))
FUSED(madd, "vfmadd", 0)
FUSED(msub, "vfmsub", FP_NEGATE_ADDEND)
FUSED(nmadd, "vfnmadd", FP_NEGATE_PRODUCT)
FUSED(nmsub, "vfnmsub", FP_NEGATE_PRODUCT | FP_NEGATE_ADDEND)

#define ONE(name, insn32, insn64, soft32, soft64)                                                  \
    HOST(f32_##name, insn32)                                                                       \
    HOST(f64_##name, insn64)                                                                       \
    SOFT(f32_##name, soft32)                                                                       \
    SOFT(f64_##name, soft64)
ONE(sqrt, "sqrtss %%xmm0, %%xmm1\n\tmovd %%xmm1, %k[out]",
    "sqrtsd %%xmm0, %%xmm1\n\tmovq %%xmm1, %[out]", f32_sqrt(c, F(a)), f64_sqrt(c, a))
#define ROUND(name, imm, rc, quiet)                                                                \
    ONE(name, "roundss $" imm ", %%xmm0, %%xmm1\n\tmovd %%xmm1, %k[out]",                          \
        "roundsd $" imm ", %%xmm0, %%xmm1\n\tmovq %%xmm1, %[out]", f32_rint(c, F(a), rc, quiet),   \
        f64_rint(c, a, rc, quiet))
ROUND(rint, "4", c->rounding, false)
ROUND(floor, "9", FP_DOWN, true)
ROUND(trunc, "3", FP_CHOP, false)
ONE(to_i32, "cvtss2si %%xmm0, %k[out]", "cvtsd2si %%xmm0, %k[out]",
    F(f32_to_i32(c, F(a), c->rounding)), F(f64_to_i32(c, a, c->rounding)))
ONE(to_i64, "cvtss2si %%xmm0, %q[out]", "cvtsd2si %%xmm0, %q[out]",
    (uint64_t)f32_to_i64(c, F(a), c->rounding), (uint64_t)f64_to_i64(c, a, c->rounding))
ONE(chop_i32, "cvttss2si %%xmm0, %k[out]", "cvttsd2si %%xmm0, %k[out]",
    F(f32_to_i32(c, F(a), FP_CHOP)), F(f64_to_i32(c, a, FP_CHOP)))
ONE(chop_i64, "cvttss2si %%xmm0, %q[out]", "cvttsd2si %%xmm0, %q[out]",
    (uint64_t)f32_to_i64(c, F(a), FP_CHOP), (uint64_t)f64_to_i64(c, a, FP_CHOP))
ONE(from_i64, "cvtsi2ssq %q[a], %%xmm0\n\tmovd %%xmm0, %k[out]",
    "cvtsi2sdq %q[a], %%xmm0\n\tmovq %%xmm0, %[out]", f32_from_i64(c, (int64_t)a),
    f64_from_i64(c, (int64_t)a))
ONE(widen, "cvtss2sd %%xmm0, %%xmm0\n\tmovq %%xmm0, %[out]",
    "cvtsd2ss %%xmm0, %%xmm0\n\tmovd %%xmm0, %k[out]", f32_to_f64(c, F(a)), f64_to_f32(c, a))
ONE(half, "vcvtps2ph $4, %%xmm0, %%xmm0\n\tmovd %%xmm0, %k[out]",
    "vcvtph2ps %%xmm0, %%xmm0\n\tmovd %%xmm0, %k[out]", f32_to_f16(c, F(a), c->rounding),
    f16_to_f32(c, (uint16_t)a))

/* ZF, PF and CF as a mask of relations. */
#define FLAGS_OUT "\n\tlahf\n\tmovl %%eax, %k[out]\n\tshrl $8, %k[out]\n\tandl $0x45, %k[out]"
#undef HOST
#define HOST(name, insn)                                                                           \
    static uint64_t host_##name(uint32_t *mxcsr, uint64_t a, uint64_t b, uint64_t d)               \
    {                                                                                              \
        uint32_t in = *mxcsr, saved = 0x1f80;                                                      \
        uint64_t out;                                                                              \
                                                                                                   \
        (void)d;                                                                                   \
        __asm__ volatile("movq %[a], %%xmm0\n\tmovq %[b], %%xmm1\n\tldmxcsr %[in]\n\t" insn        \
                         " %%xmm1, %%xmm0" FLAGS_OUT "\n\tstmxcsr %[flags]\n\tldmxcsr %[saved]"    \
                         : [out] "=&r"(out), [flags] "=m"(*mxcsr)                                  \
                         : [a] "r"(a), [b] "r"(b), [in] "m"(in), [saved] "m"(saved)                \
                         : "rax", "xmm0", "xmm1", "cc");                                           \
        return out;                                                                                \
    }

static uint64_t eflags(enum fp_relation r)
{
    return r == FP_UNORDERED ? 0x45 : r == FP_EQUAL ? 0x40 : r == FP_LESS ? 0x01 : 0;
}
ONE(comi, "comiss", "comisd", eflags(f32_compare(c, F(a), F(b), true)),
    eflags(f64_compare(c, a, b, true)))
ONE(ucomi, "ucomiss", "ucomisd", eflags(f32_compare(c, F(a), F(b), false)),
    eflags(f64_compare(c, a, b, false)))

#define PAIR(name, fma)                                                                            \
    {"f32_" #name, 4, fma, soft_f32_##name, host_f32_##name},                                      \
    {                                                                                              \
        "f64_" #name, 8, fma, soft_f64_##name, host_f64_##name                                     \
    }
static const struct op ops[] = {
    PAIR(add, false),
    PAIR(sub, false),
    PAIR(mul, false),
    PAIR(div, false),
    PAIR(min, false),
    PAIR(max, false),
    PAIR(madd, true),
    PAIR(msub, true),
    PAIR(nmadd, true),
    PAIR(nmsub, true),
    PAIR(sqrt, false),
    PAIR(rint, false),
    PAIR(floor, false),
    PAIR(trunc, false),
    PAIR(to_i32, false),
    PAIR(to_i64, false),
    PAIR(chop_i32, false),
    PAIR(chop_i64, false),
    PAIR(from_i64, false),
    PAIR(widen, false),
    PAIR(comi, false),
    PAIR(ucomi, false),
    {"f32_to_f16", 4, true, soft_f32_half, host_f32_half},
    {"f16_to_f32", 2, true, soft_f64_half, host_f64_half},
};

static uint64_t operand(unsigned size)
{
    return size == 8 ? random_f64() : size == 4 ? random_f32() : random_bits() & 0xffff;
}

/* Number of cases of one operation that differ. */
static unsigned run(const struct op *op, bool unmasked)
{
    unsigned wrong = 0;

    for (unsigned i = 0; i < (unmasked ? CASES / 3 : CASES); i++) {
        uint64_t a = operand(op->in), b = operand(op->in), d = operand(op->in), soft, host;
        uint8_t masks = unmasked ? random_bits() & FP_ALL : FP_ALL;
        uint32_t mxcsr =
            (uint32_t)masks << 7 | (i & 3) << 13 | (i & 4 ? 0x8000 : 0) | (i & 8 ? 0x40 : 0);
        uint32_t before = mxcsr;
        struct fp_ctx c = {.rounding = i & 3, .ftz = i & 4, .daz = i & 8, .masks = masks};

        if (i & 16) /* operands that nearly cancel */
            b = a ^ (random_bits() & 3) ^ (uint64_t)(i >> 5 & 1) << (op->in * 8 - 1);
        host = op->host(&mxcsr, a, b, d);
        soft = op->soft(&c, a, b, d);
        c.flags = fp_settle(c.flags, masks);
        if (c.flags & ~masks)
            soft = host; /* there is no result */
        if (soft == host && c.flags == (mxcsr & FP_ALL))
            continue;
        if (wrong++ < 3)
            print_error("%s mxcsr=%04x %016llx %016llx %016llx: %016llx flags %02x, host %016llx "
                        "flags %02x\n",
                        op->name, before, (unsigned long long)a, (unsigned long long)b,
                        (unsigned long long)d, (unsigned long long)soft, c.flags,
                        (unsigned long long)host, mxcsr & FP_ALL);
    }
    return wrong;
}

static void test_host(void **state)
{
    unsigned wrong = 0, ran = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (ops[i].fma && !__builtin_cpu_supports("fma"))
            continue;
        wrong += run(&ops[i], false);
        ran += CASES;
    }
    print_message("# %u cases\n", ran);
    assert_int_equal(wrong, 0);
}

#if defined(__linux__)

/* Goes on after the instruction, which has 4 bytes, with all exceptions masked. */
static void skip_insn(int signal, siginfo_t *info, void *context)
{
    ucontext_t *u = context;

    (void)signal, (void)info;
    u->uc_mcontext.fpregs->mxcsr |= 0x1f80;
    u->uc_mcontext.gregs[REG_RIP] += 4;
}

static void test_unmasked(void **state)
{
    static const char *const names[] = {"_add", "_sub", "_mul",  "_div",
                                        "_min", "_max", "_sqrt", "_widen"};
    struct sigaction action = {.sa_sigaction = skip_insn, .sa_flags = SA_SIGINFO}, saved;
    unsigned wrong = 0, ran = 0;

    (void)state;
    assert_int_equal(sigaction(SIGFPE, &action, &saved), 0);
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
            if (strcmp(ops[i].name + 3, names[k]))
                continue;
            wrong += run(&ops[i], true);
            ran++;
        }
    }
    sigaction(SIGFPE, &saved, NULL);
    assert_int_equal(ran, 16);
    assert_int_equal(wrong, 0);
}

#endif

#else

static void test_host(void **state)
{
    (void)state;
    print_message("# the host has no SSE\n");
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host),
#if defined(__x86_64__) && defined(__linux__)
        cmocka_unit_test(test_unmasked),
#endif
    };

    return cmocka_run_group_tests_name("fp_sse", tests, NULL, NULL);
}
