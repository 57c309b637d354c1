/* SPDX-License-Identifier: BSD-2-Clause */
/* Arithmetic, comparisons and functions on the x87's stack. */
#include "cpu/x86/x87.h"

#define START(c, u)                                                                                \
    if (x87_pending(c))                                                                            \
        return cpu_raise((c), (u), EXC_MF);                                                        \
    x87_note((c), (u))

/* a is ST(0): the reg field of the opcode is the same for both destinations. */
static struct f80 compute(struct fp_ctx *ctx, int64_t reg, struct f80 a, struct f80 b)
{
    switch (reg) {
    case 0:
        return f80_add(ctx, a, b);
    case 1:
        return f80_mul(ctx, a, b);
    case 4:
        return f80_sub(ctx, a, b);
    case 5:
        return f80_sub(ctx, b, a);
    case 6:
        return f80_div(ctx, a, b);
    default:
        return f80_div(ctx, b, a);
    }
}

const struct uop *x87_arith(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;
    struct fp_ctx ctx = x87_context(x);
    struct f80 result = F80_DEFAULT_NAN;
    bool done;

    START(c, u);
    if (x87_empty(x, 0) || x87_empty(x, u->src)) {
        done = x87_stack_fault(x, false);
    } else {
        result = compute(&ctx, u->imm, *x87_st(x, 0), *x87_st(x, u->src));
        done = x87_settle(x, &ctx);
    }
    if (done) {
        x87_set(x, u->dst, result);
        x87_pop(x, u->aux);
    }
    NEXT_SLOW(c, u);
}

/* A memory operand as a number; *denormal, where its own format has it so. */
static bool fetch(struct cpu *c, const struct uop *u, struct f80 *v, bool *denormal)
{
    if (!cpu_load(c, u, uop_ea(c, u), x87_memory_size[u->src]))
        return false;
    *denormal = false;
    switch (u->src) {
    case X87_F32:
        *v = f80_widen_f32(c->ld.u32[0], denormal);
        break;
    case X87_F64:
        *v = f80_widen_f64(c->ld.u64[0], denormal);
        break;
    case X87_I16:
        *v = f80_from_i64((int16_t)c->ld.u16[0]);
        break;
    default:
        *v = f80_from_i64((int32_t)c->ld.u32[0]);
        break;
    }
    return true;
}

const struct uop *x87_arith_mem(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;
    struct fp_ctx ctx = x87_context(x);
    struct f80 b, result = F80_DEFAULT_NAN;
    bool denormal, done;

    if (x87_pending(c))
        return cpu_raise(c, u, EXC_MF);
    if (!fetch(c, u, &b, &denormal))
        return NULL;
    x87_note_mem(c, u);
    if (x87_empty(x, 0)) {
        done = x87_stack_fault(x, false);
    } else {
        result = compute(&ctx, u->imm, *x87_st(x, 0), b);
        if (denormal && !(ctx.flags & (FP_IE | FP_ZE)) && f80_classify(result) != F80_NAN)
            ctx.flags |= FP_DE;
        done = x87_settle(x, &ctx);
    }
    if (done)
        x87_set(x, 0, result);
    END_SLOW(c, u);
}

static unsigned condition(enum fp_relation r)
{
    return r == FP_UNORDERED ? X87_C3 | X87_C2 | X87_C0
           : r == FP_EQUAL   ? X87_C3
           : r == FP_LESS    ? X87_C0
                             : 0;
}

static void set_condition(struct cpu_x87 *x, unsigned bits)
{
    x->fsw = (uint16_t)((x->fsw & ~(X87_C0 | X87_C2 | X87_C3)) | bits);
}

/* The condition is set whatever is unmasked; the pops are not made. */
static void compare(struct cpu_x87 *x, struct fp_ctx *ctx, enum fp_relation r, unsigned pops)
{
    set_condition(x, condition(r));
    if (x87_settle(x, ctx))
        x87_pop(x, pops);
}

static void compare_empty(struct cpu_x87 *x, unsigned pops)
{
    set_condition(x, condition(FP_UNORDERED));
    if (x87_stack_fault(x, false))
        x87_pop(x, pops);
}

/* imm: a quiet NaN is no invalid operand. */
const struct uop *x87_compare(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;
    struct fp_ctx ctx = x87_context(x);

    START(c, u);
    if (x87_empty(x, 0) || x87_empty(x, u->src))
        compare_empty(x, u->aux);
    else
        compare(x, &ctx, f80_compare(&ctx, *x87_st(x, 0), *x87_st(x, u->src), !u->imm), u->aux);
    NEXT_SLOW(c, u);
}

const struct uop *x87_compare_mem(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;
    struct fp_ctx ctx = x87_context(x);
    struct f80 b;
    bool denormal;

    if (x87_pending(c))
        return cpu_raise(c, u, EXC_MF);
    if (!fetch(c, u, &b, &denormal))
        return NULL;
    x87_note_mem(c, u);
    if (x87_empty(x, 0)) {
        compare_empty(x, u->aux);
    } else {
        enum fp_relation r = f80_compare(&ctx, *x87_st(x, 0), b, true);

        if (denormal && r != FP_UNORDERED)
            ctx.flags |= FP_DE;
        compare(x, &ctx, r, u->aux);
    }
    END_SLOW(c, u);
}

/* FCOMI and its like: ZF, PF and CF. C1 stays, but for a stack fault. */
const struct uop *x87_compare_flags(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;
    struct fp_ctx ctx = x87_context(x);
    enum fp_relation r = FP_UNORDERED;
    uint16_t c1 = x->fsw & X87_C1;
    bool done;

    START(c, u);
    if (x87_empty(x, 0) || x87_empty(x, u->src)) {
        done = x87_stack_fault(x, false);
    } else {
        r = f80_compare(&ctx, *x87_st(x, 0), *x87_st(x, u->src), !u->imm);
        done = x87_settle(x, &ctx);
        x->fsw |= c1;
    }
    cpu_set_arith_flags(c, r == FP_UNORDERED ? X86_FLAGS_ZF | X86_FLAGS_PF | X86_FLAGS_CF
                           : r == FP_EQUAL   ? X86_FLAGS_ZF
                           : r == FP_LESS    ? X86_FLAGS_CF
                                             : 0);
    if (done)
        x87_pop(x, u->aux);
    NEXT_SLOW(c, u);
}

const struct uop *x87_test(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;
    struct fp_ctx ctx = x87_context(x);

    START(c, u);
    if (x87_empty(x, 0))
        compare_empty(x, 0);
    else
        compare(x, &ctx, f80_compare(&ctx, *x87_st(x, 0), F80_ZERO, true), 0);
    NEXT_SLOW(c, u);
}

const struct uop *x87_examine(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;
    unsigned k;

    START(c, u);
    k = x87_empty(x, 0) ? 5 : f80_classify(*x87_st(x, 0)); /* 5: empty */
    set_condition(x, (k & 4 ? X87_C3 : 0) | (k & 2 ? X87_C2 : 0) | (k & 1 ? X87_C0 : 0));
    x->fsw = (uint16_t)((x->fsw & ~X87_C1) | (x87_st(x, 0)->se >> 15 ? X87_C1 : 0));
    NEXT_SLOW(c, u);
}

/* FCHS, and with imm FABS. */
const struct uop *x87_sign(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;

    START(c, u);
    if (!x87_empty(x, 0)) {
        x->fsw &= (uint16_t)~X87_C1;
        x87_st(x, 0)->se = u->imm ? x87_st(x, 0)->se & F80_EXPONENT : x87_st(x, 0)->se ^ F80_SIGN;
    } else if (x87_stack_fault(x, false)) {
        x87_set(x, 0, F80_DEFAULT_NAN);
    }
    NEXT_SLOW(c, u);
}

const struct uop *x87_unary(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;
    struct fp_ctx ctx = x87_context(x);
    struct f80 a = *x87_st(x, 0);
    bool done;

    START(c, u);
    if (x87_empty(x, 0)) {
        a = F80_DEFAULT_NAN;
        done = x87_stack_fault(x, false);
    } else {
        a = u->imm == X87_SQRT   ? f80_sqrt(&ctx, a)
            : u->imm == X87_RINT ? f80_rint(&ctx, a)
                                 : f80_2xm1(&ctx, a);
        done = x87_settle(x, &ctx);
    }
    if (done)
        x87_set(x, 0, a);
    NEXT_SLOW(c, u);
}

/* Of ST(0) and ST(1). */
const struct uop *x87_binary(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;
    struct fp_ctx ctx = x87_context(x);
    struct f80 a = *x87_st(x, 0), b = *x87_st(x, 1);
    bool done;

    START(c, u);
    if (x87_empty(x, 0) || x87_empty(x, 1)) {
        a = F80_DEFAULT_NAN;
        done = x87_stack_fault(x, false);
    } else {
        a = u->imm == X87_SCALE    ? f80_scale(&ctx, a, b)
            : u->imm == X87_YL2X   ? f80_yl2x(&ctx, a, b)
            : u->imm == X87_YL2XP1 ? f80_yl2xp1(&ctx, a, b)
                                   : f80_patan(&ctx, a, b);
        done = x87_settle(x, &ctx);
    }
    if (done) {
        x87_set(x, u->dst, a);
        x87_pop(x, u->aux);
    }
    NEXT_SLOW(c, u);
}

/* FPREM, and with imm FPREM1. Without a quotient C0 and C3 stay. */
const struct uop *x87_remainder(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;
    struct fp_ctx ctx = x87_context(x);
    struct f80 result = F80_DEFAULT_NAN;
    unsigned q = 0;
    bool partial = false, done;

    START(c, u);
    if (x87_empty(x, 0) || x87_empty(x, 1)) {
        done = x87_stack_fault(x, false);
    } else {
        result = f80_rem(&ctx, *x87_st(x, 0), *x87_st(x, 1), u->imm, &q, &partial);
        done = x87_settle(x, &ctx);
    }
    x->fsw &= (uint16_t)~X87_C2;
    if (done && f80_classify(result) != F80_NAN) {
        set_condition(x, (partial ? X87_C2 : 0) | (q & 2 ? X87_C3 : 0) | (q & 4 ? X87_C0 : 0));
        x->fsw |= q & 1 ? X87_C1 : 0;
    }
    if (done)
        x87_set(x, 0, result);
    NEXT_SLOW(c, u);
}

/* Functions that can give two results: the second is pushed. */
const struct uop *x87_pair(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;
    struct fp_ctx ctx = x87_context(x);
    struct f80 a = *x87_st(x, 0), first = F80_DEFAULT_NAN, second = F80_DEFAULT_NAN;
    bool pushes = u->imm <= X87_SINCOS, done, in_range = true;

    START(c, u);
    if (x87_empty(x, 0) || (pushes && !x87_empty(x, 7))) {
        done = x87_stack_fault(x, !x87_empty(x, 0));
    } else {
        switch (u->imm) {
        case X87_XTRACT:
            second = f80_xtract(&ctx, a, &first);
            break;
        case X87_TAN:
            in_range = f80_tan(&ctx, a, &first, &second);
            break;
        case X87_SINCOS:
            in_range = f80_sincos(&ctx, a, &first, &second);
            break;
        case X87_SIN:
            in_range = f80_sincos(&ctx, a, &first, NULL);
            break;
        default:
            in_range = f80_sincos(&ctx, a, NULL, &first);
            break;
        }
        done = x87_settle(x, &ctx);
    }
    if (u->imm != X87_XTRACT)
        x->fsw = (uint16_t)((x->fsw & ~X87_C2) | (in_range ? 0 : X87_C2));
    if (done && in_range) {
        x87_set(x, 0, first);
        if (pushes)
            x87_push(x, second);
    }
    NEXT_SLOW(c, u);
}
