/* SPDX-License-Identifier: BSD-2-Clause */
/* Software x87 arithmetic against the host's own x87: results, flags and C0 to C3, with exceptions
 * masked and unmasked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/fp/f80_internal.h"
#include "fp_operands.h"

#if defined(__x86_64__)

#define CASES 50000
#define C0    0x100u
#define C1    0x200u
#define C2    0x400u
#define C3    0x4000u

struct image {
    uint32_t fcw, fsw, ftw, fip, fcs, fdp, fds;
    uint8_t st[8][10];
};
_Static_assert(sizeof(struct image) == 108, "the 32-bit form of FNSAVE");

union memory {
    uint8_t bytes[16];
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    struct f80 f80;
};

/* What an instruction does to ST(0), ST(1) and memory. */
struct outcome {
    struct f80 a, b;
    union memory m;
    unsigned c3210; /* the condition bits it defines */
    unsigned top;
};

struct op {
    const char *name;
    void (*soft)(struct fp_ctx *c, struct outcome *o);
    void (*host)(struct image *image, union memory *m);
    unsigned defined; /* C0 to C3 that the instruction defines */
    char memory;      /* what m holds before: 'i' any bits, 's' and 'd' numbers, 'b' BCD, 't':
                         transcendental */
};

#define OP(name, insn, ...)                                                                        \
    static void host_##name(struct image *image, union memory *m)                                  \
    {                                                                                              \
        __asm__ volatile("frstor %0\n\t" insn "\n\tfnsave %0" : "+m"(*image), "+m"(*m) : : "cc");  \
    }                                                                                              \
    static void soft_##name(struct fp_ctx *c, struct outcome *o)                                   \
    {                                                                                              \
        (void)c;                                                                                   \
        __VA_ARGS__;                                                                               \
    }
#define A o->a
#define B o->b

static unsigned condition(enum fp_relation r)
{
    return r == FP_UNORDERED ? C3 | C2 | C0 : r == FP_EQUAL ? C3 : r == FP_LESS ? C0 : 0;
}

static void rem(struct fp_ctx *c, struct outcome *o, bool nearest)
{
    unsigned q;
    bool partial;

    A = f80_rem(c, A, B, nearest, &q, &partial);
    o->c3210 = (partial ? C2 : 0) | (q & 1 ? C1 : 0) | (q & 2 ? C3 : 0) | (q & 4 ? C0 : 0);
}

static void store(struct fp_ctx *c, struct outcome *o, uint64_t v, unsigned size)
{
    if (!(c->flags & ~c->masks & (FP_IE | FP_OE | FP_UE)))
        memcpy(&o->m, &v, size);
}

OP(add, "fadd %%st(1), %%st", A = f80_add(c, A, B))
OP(sub, "fsub %%st(1), %%st", A = f80_sub(c, A, B))
OP(mul, "fmul %%st(1), %%st", A = f80_mul(c, A, B))
OP(div, "fdiv %%st(1), %%st", A = f80_div(c, A, B))
OP(sqrt, "fsqrt", A = f80_sqrt(c, A))
OP(prem, "fprem", rem(c, o, false))
OP(prem1, "fprem1", rem(c, o, true))
OP(rndint, "frndint", A = f80_rint(c, A))
OP(scale, "fscale", A = f80_scale(c, A, B))
OP(com, "fcom %%st(1)", o->c3210 = condition(f80_compare(c, A, B, true)))
OP(ucom, "fucom %%st(1)", o->c3210 = condition(f80_compare(c, A, B, false)))
OP(st32, "fsts %1", store(c, o, f80_to_f32(c, A), 4))
OP(st64, "fstl %1", store(c, o, f80_to_f64(c, A), 8))
OP(ist16, "fists %1", store(c, o, (uint64_t)f80_to_int(c, A, 16, c->rounding), 2))
OP(ist32, "fistl %1", store(c, o, (uint64_t)f80_to_int(c, A, 32, c->rounding), 4))
OP(ist64, "fistpll %1", store(c, o, (uint64_t)f80_to_int(c, A, 64, c->rounding), 8))
OP(istt64, "fisttpll %1", store(c, o, (uint64_t)f80_to_int(c, A, 64, FP_CHOP), 8))
OP(bstp, "fbstp %1", uint8_t d[10]; f80_to_bcd(c, A, d);
   if (!(c->flags & ~c->masks & FP_IE)) memcpy(&o->m, d, 10))
OP(xtract, "fxtract", struct f80 e; A = f80_xtract(c, A, &e); B = e; o->top = 7)
OP(ld32, "flds %1", B = A; A = f80_from_f32(c, o->m.u32); o->top = 7)
OP(ld64, "fldl %1", B = A; A = f80_from_f64(c, o->m.u64); o->top = 7)
OP(ild16, "filds %1", B = A; A = f80_from_i64((int16_t)o->m.u16); o->top = 7)
OP(ild64, "fildll %1", B = A; A = f80_from_i64((int64_t)o->m.u64); o->top = 7)
OP(bld, "fbld %1", B = A; A = f80_from_bcd(o->m.bytes); o->top = 7)
OP(xam, "fxam", unsigned k = f80_classify(A);
   o->c3210 = (k & 4 ? C3 : 0) | (k & 2 ? C2 : 0) | (k & 1 ? C0 : 0) | (A.se >> 15 ? C1 : 0))

OP(2xm1, "f2xm1", A = f80_2xm1(c, A))
OP(yl2x, "fyl2x", A = f80_yl2x(c, A, B); o->top = 1)
OP(yl2xp1, "fyl2xp1", A = f80_yl2xp1(c, A, B); o->top = 1)
OP(patan, "fpatan", A = f80_patan(c, A, B); o->top = 1)
OP(sin, "fsin", o->c3210 = f80_sincos(c, A, &A, NULL) ? 0 : C2)
OP(cos, "fcos", o->c3210 = f80_sincos(c, A, NULL, &A) ? 0 : C2)
OP(sincos, "fsincos", struct f80 s; if (f80_sincos(c, A, &s, &A)) B = s, o->top = 7;
   else o->c3210 = C2)
OP(tan, "fptan", struct f80 t; if (f80_tan(c, A, &t, &A)) B = t, o->top = 7; else o->c3210 = C2)

OP(soft_2xm1, "f2xm1", A = f80_soft_2xm1(c, A))
OP(soft_yl2x, "fyl2x", A = f80_soft_yl2x(c, A, B))
OP(soft_yl2xp1, "fyl2xp1", A = f80_soft_yl2xp1(c, A, B))
OP(soft_patan, "fpatan", A = f80_soft_patan(c, A, B))
OP(soft_sincos, "fsincos", f80_soft_sincos(c, A, &B, &A))
OP(soft_tan, "fptan", f80_soft_tan(c, A, &B, &A))

#define ROW(name, defined, memory)                                                                 \
    {                                                                                              \
#name, soft_##name, host_##name, defined, memory                                           \
    }
static const struct op ops[] = {
    ROW(add, C1, 0),
    ROW(sub, C1, 0),
    ROW(mul, C1, 0),
    ROW(div, C1, 0),
    ROW(sqrt, C1, 0),
    ROW(prem, C0 | C1 | C2 | C3, 0),
    ROW(prem1, C0 | C1 | C2 | C3, 0),
    ROW(rndint, C1, 0),
    ROW(scale, C1, 0),
    ROW(com, C0 | C1 | C2 | C3, 0),
    ROW(ucom, C0 | C1 | C2 | C3, 0),
    ROW(st32, C1, 'i'),
    ROW(st64, C1, 'i'),
    ROW(ist16, C1, 'i'),
    ROW(ist32, C1, 'i'),
    ROW(ist64, C1, 'i'),
    ROW(istt64, C1, 'i'),
    ROW(bstp, C1, 'i'),
    ROW(xtract, C1, 0),
    ROW(ld32, C1, 's'),
    ROW(ld64, C1, 'd'),
    ROW(ild16, C1, 'i'),
    ROW(ild64, C1, 'i'),
    ROW(bld, C1, 'b'),
    ROW(xam, C0 | C1 | C2 | C3, 0),
    ROW(2xm1, C1, 't'),
    ROW(yl2x, C1, 't'),
    ROW(yl2xp1, C1, 't'),
    ROW(patan, C1, 't'),
    ROW(sin, C1 | C2, 't'),
    ROW(cos, C1 | C2, 't'),
    ROW(sincos, C1 | C2, 't'),
    ROW(tan, C1 | C2, 't'),
};

/* Compared within an ulp, where |ST(0)| has no greater exponent than this. */
static const struct {
    struct op op;
    uint16_t max;
    bool one_result; /* of two operands */
} approximate[] = {
    {ROW(soft_2xm1, 0, 0), F80_BIAS - 1, true},     {ROW(soft_yl2x, 0, 0), F80_EXPONENT, true},
    {ROW(soft_yl2xp1, 0, 0), F80_BIAS - 3, true},   {ROW(soft_patan, 0, 0), F80_EXPONENT, true},
    {ROW(soft_sincos, 0, 0), F80_BIAS + 62, false}, {ROW(soft_tan, 0, 0), F80_BIAS + 62, false},
};

static union memory random_memory(char kind)
{
    union memory m;

    for (int i = 0; i < 16; i++)
        m.bytes[i] = (uint8_t)random_bits();
    if (kind == 's')
        m.u32 = random_f32();
    if (kind == 'd')
        m.u64 = random_f64();
    for (int i = 0; kind == 'b' && i < 9; i++)
        m.bytes[i] = (uint8_t)(random_bits() % 10 << 4 | random_bits() % 10);
    return m;
}

static void show(const char *who, const struct outcome *o, unsigned flags)
{
    print_error("   %s %016llx:%04x %016llx:%04x m %016llx flags %02x c3210 %04x\n", who,
                (unsigned long long)A.mant, A.se, (unsigned long long)B.mant, B.se,
                (unsigned long long)o->m.u64, flags, o->c3210);
}

static bool same(const struct outcome *x, const struct outcome *y)
{
    return x->a.mant == y->a.mant && x->a.se == y->a.se && x->b.mant == y->b.mant &&
           x->b.se == y->b.se && !memcmp(&x->m, &y->m, 10) && x->c3210 == y->c3210;
}

static struct f80 get(const uint8_t st[10])
{
    struct f80 v;

    memcpy(&v.mant, st, 8);
    memcpy(&v.se, st + 8, 2);
    return v;
}

static void put(uint8_t st[10], struct f80 v)
{
    memcpy(st, &v.mant, 8);
    memcpy(st + 8, &v.se, 2);
}

static unsigned run(const struct op *op)
{
    unsigned wrong = 0;

    for (unsigned i = 0; i < CASES; i++) {
        struct outcome before = {random_f80(), random_f80(), random_memory(op->memory), 0, 0}, soft,
                       host;
        uint8_t masks = i & 8 ? (uint8_t)(random_bits() & FP_ALL) : FP_ALL;
        /* What unmasked ones make of a result is not for the host to say. */
        if (op->memory == 't')
            masks |= FP_OE | FP_UE;
        uint8_t precision = i & 4 ? FP_EXTENDED : (uint8_t)(random_bits() & 3);
        struct fp_ctx c = {.rounding = i & 3, .precision = precision, .masks = masks};
        struct image image = {.fcw = 0xffff0040 | masks | (uint32_t)precision << 8 | (i & 3) << 10,
                              .fsw = 0xffff0000,
                              .ftw = 0xfffffff0};
        uint8_t raised;

        if (i & 16) {
            before.b = before.a;
            before.b.mant ^= random_bits() & 3;
            before.b.se ^= random_bits() & 0x8000;
        } else if (i & 32) { /* within reach of one another */
            before.b.se = (uint16_t)((before.a.se + (random_bits() & 127) - 90) & 0x7fff);
        }
        put(image.st[0], before.a);
        put(image.st[1], before.b);
        host = soft = before;
        op->host(&image, &host.m);
        op->soft(&c, &soft);
        raised = fp_settle(c.flags, masks);
        if (raised != c.flags || raised & ~masks & (FP_IE | FP_DE | FP_ZE)) {
            /* The condition of a comparison is set all the same. */
            unsigned c3210 = strstr(op->name, "com") ? soft.c3210 : 0;

            soft = before;
            soft.c3210 = c3210;
            c.round_up = false;
        }
        if (op->memory == 't' || op->defined == C1)
            soft.c3210 |= c.round_up ? C1 : 0;
        if (op->memory && op->memory != 't' && soft.top == 0) {
            /* Stores: a pop is not this test's matter. */
            image.fsw &= ~0x3800u;
        } else {
            host.a = get(image.st[0]);
            host.b = soft.top == 1 ? soft.b : get(image.st[1]);
        }
        host.top = image.fsw >> 11 & 7;
        host.c3210 = image.fsw & op->defined;
        if (soft.top == host.top && same(&soft, &host) && raised == (image.fsw & FP_ALL))
            continue;
        if (wrong++ < 4) {
            print_error("%s rc %u pc %u masks %02x\n", op->name, c.rounding, precision, masks);
            show("in  ", &before, 0);
            show("soft", &soft, raised);
            show("host", &host, image.fsw & FP_ALL);
        }
    }
    return wrong;
}

/* Units in the last place between numbers; huge if they are not alike. */
static uint64_t distance(struct f80 x, struct f80 y)
{
    uint64_t d = x.mant > y.mant ? x.mant - y.mant : y.mant - x.mant;

    if (x.se == y.se)
        return d;
    /* On both sides of a power of 2. */
    if ((uint16_t)(x.se + 1) == y.se)
        return y.mant == UINT64_C(1) << 63 ? 0 - x.mant : UINT64_MAX;
    return (uint16_t)(y.se + 1) == x.se ? distance(y, x) : UINT64_MAX;
}

static void test_approximate(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t k = 0; k < sizeof(approximate) / sizeof(approximate[0]); k++) {
        const struct op *op = &approximate[k].op;
        unsigned shown = 0, off = 0;

        for (unsigned i = 0; i < CASES / 5; i++) {
            struct outcome before = {random_f80(), random_f80(), {{0}}, 0, 0}, soft, host;
            struct fp_ctx c = {.rounding = i & 3, .precision = FP_EXTENDED, .masks = FP_ALL};
            struct image image = {
                .fcw = 0xffff037f | (i & 3) << 10, .fsw = 0xffff0000, .ftw = 0xfffffff0};
            uint64_t d;

            if ((before.a.se & F80_EXPONENT) > approximate[k].max)
                before.a.se = (uint16_t)((before.a.se & F80_SIGN) |
                                         (approximate[k].max - (random_bits() & 15)));
            put(image.st[0], before.a);
            put(image.st[1], before.b);
            soft = host = before;
            op->host(&image, &host.m);
            op->soft(&c, &soft);
            host.a = get(image.st[0]);
            host.b = approximate[k].one_result ? soft.b : get(image.st[1]);
            d = distance(soft.a, host.a) | distance(soft.b, host.b);
            off += d != 0;
            if (d <= 1 && !((c.flags ^ image.fsw) & FP_ALL & ~(FP_UE | FP_PE)))
                continue;
            wrong++;
            if (shown++ < 4) {
                print_error("%s rc %u\n", op->name, c.rounding);
                show("in  ", &before, 0);
                show("soft", &soft, c.flags);
                show("host", &host, image.fsw & FP_ALL);
            }
        }
        print_message("# %s: %u of %u cases are not the host's bit for bit\n", op->name, off,
                      CASES / 5);
    }
    assert_int_equal(wrong, 0);
}

static void test_host(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        unsigned n = run(&ops[i]);

        if (n)
            print_error("%s: %u cases differ\n", ops[i].name, n);
        wrong += n;
    }
    print_message("# %zu cases\n", CASES * sizeof(ops) / sizeof(ops[0]));
    assert_int_equal(wrong, 0);
}

#else

static void test_host(void **state)
{
    (void)state;
    print_message("# the host has no x87\n");
    skip();
}
#define test_approximate test_host

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_host),
                                       cmocka_unit_test(test_approximate)};

    return cmocka_run_group_tests_name("fp_f80", tests, NULL, NULL);
}
