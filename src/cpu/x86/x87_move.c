/* SPDX-License-Identifier: BSD-2-Clause */
/* Moves between the x87's stack and memory, and within the stack. */
#include <string.h>

#include "cpu/x86/x87.h"

#define START(c, u)                                                                                \
    if (x87_pending(c))                                                                            \
    return cpu_raise((c), (u), EXC_MF)

const struct uop *x87_load_mem(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;
    struct fp_ctx ctx = x87_context(x);
    struct f80 v;

    START(c, u);
    if (!cpu_load(c, u, uop_ea(c, u), x87_memory_size[u->src]))
        return NULL;
    x87_note_mem(c, u);
    if (!x87_empty(x, 7)) {
        if (x87_stack_fault(x, true))
            x87_push(x, F80_DEFAULT_NAN);
        END_SLOW(c, u);
    }
    switch (u->src) {
    case X87_F32:
        v = f80_from_f32(&ctx, c->ld.u32[0]);
        break;
    case X87_F64:
        v = f80_from_f64(&ctx, c->ld.u64[0]);
        break;
    case X87_F80:
        v = (struct f80){c->ld.u64[0], c->ld.u16[4]};
        break;
    case X87_I16:
        v = f80_from_i64((int16_t)c->ld.u16[0]);
        break;
    case X87_I32:
        v = f80_from_i64((int32_t)c->ld.u32[0]);
        break;
    case X87_I64:
        v = f80_from_i64((int64_t)c->ld.u64[0]);
        break;
    default:
        v = f80_from_bcd(c->ld.u8);
        break;
    }
    /* A denormal is loaded even where DE is not masked. */
    x87_settle(x, &ctx);
    if (!(ctx.flags & ~ctx.masks & FP_IE))
        x87_push(x, v);
    END_SLOW(c, u);
}

const struct uop *x87_load_reg(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;

    START(c, u);
    x87_note(c, u);
    if (!x87_empty(x, 7) || x87_empty(x, u->src)) {
        if (x87_stack_fault(x, !x87_empty(x, u->src)))
            x87_push(x, F80_DEFAULT_NAN);
    } else {
        x->fsw &= (uint16_t)~X87_C1;
        x87_push(x, *x87_st(x, u->src));
    }
    NEXT_SLOW(c, u);
}

/* FLD1, FLDL2T and so on: values cut to 64 bits, and by which rounding they are one greater. */
const struct uop *x87_load_constant(struct cpu *c, const struct uop *u)
{
    static const struct {
        struct f80 value;
        uint8_t greater; /* bit n: with rounding n */
    } constants[7] = {
        {{UINT64_C(0x8000000000000000), 0x3fff}, 0},
        {{UINT64_C(0xd49a784bcd1b8afe), 0x4000}, 1 << FP_UP},
        {{UINT64_C(0xb8aa3b295c17f0bb), 0x3fff}, 1 << FP_UP | 1 << FP_NEAREST},
        {{UINT64_C(0xc90fdaa22168c234), 0x4000}, 1 << FP_UP | 1 << FP_NEAREST},
        {{UINT64_C(0x9a209a84fbcff798), 0x3ffd}, 1 << FP_UP | 1 << FP_NEAREST},
        {{UINT64_C(0xb17217f7d1cf79ab), 0x3ffe}, 1 << FP_UP | 1 << FP_NEAREST},
        {{0, 0}, 0},
    };
    struct cpu_x87 *x = &c->x87;
    struct f80 v = constants[u->imm].value;

    START(c, u);
    x87_note(c, u);
    if (!x87_empty(x, 7)) {
        if (x87_stack_fault(x, true))
            x87_push(x, F80_DEFAULT_NAN);
    } else {
        x->fsw &= (uint16_t)~X87_C1;
        v.mant += constants[u->imm].greater >> (x->fcw >> 10 & 3) & 1;
        x87_push(x, v);
    }
    NEXT_SLOW(c, u);
}

/* A number in a form of memory; integers round by `rounding`. */
static void convert(struct fp_ctx *ctx, struct f80 v, unsigned form, uint8_t rounding,
                    uint8_t data[10])
{
    uint64_t bits;

    switch (form) {
    case X87_F32:
        bits = f80_to_f32(ctx, v);
        break;
    case X87_F64:
        bits = f80_to_f64(ctx, v);
        break;
    case X87_F80:
        memcpy(data, &v.mant, 8);
        memcpy(data + 8, &v.se, 2);
        return;
    case X87_BCD:
        f80_to_bcd(ctx, v, data);
        return;
    default:
        bits = (uint64_t)f80_to_int(ctx, v, x87_memory_size[form] * 8, rounding);
        break;
    }
    memcpy(data, &bits, 8);
}

/* imm: FISTTP, which chops. */
const struct uop *x87_store_mem(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;
    struct fp_ctx ctx = x87_context(x);
    bool empty = x87_empty(x, 0), done;
    uint8_t data[10];

    START(c, u);
    /* The default NaN becomes what each form has for it. */
    convert(&ctx, empty ? F80_DEFAULT_NAN : *x87_st(x, 0), u->src, u->imm ? FP_CHOP : ctx.rounding,
            data);
    done = empty ? ctx.masks & FP_IE : !(ctx.flags & ~ctx.masks & (FP_IE | FP_OE | FP_UE));
    /* Memory that can't be written comes before the operation's own exceptions. */
    if (done ? !cpu_store_bytes(c, u, uop_ea(c, u), x87_memory_size[u->src], data)
             : !cpu_probe_store(c, u, uop_ea(c, u), x87_memory_size[u->src]))
        return NULL;
    x87_note_mem(c, u);
    if (empty)
        x87_stack_fault(x, false);
    else
        x87_settle(x, &ctx);
    if (done)
        x87_pop(x, u->aux);
    END_SLOW(c, u);
}

/* imm: the undocumented form at D9 D8, to which an empty ST(0) is no fault. */
const struct uop *x87_store_reg(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;

    START(c, u);
    x87_note(c, u);
    if (u->imm || !x87_empty(x, 0)) {
        x->fsw &= (uint16_t)~X87_C1;
        if (!x87_empty(x, 0))
            x87_set(x, u->dst, *x87_st(x, 0));
        x87_pop(x, u->aux);
    } else if (x87_stack_fault(x, false)) {
        x87_set(x, u->dst, F80_DEFAULT_NAN);
        x87_pop(x, u->aux);
    }
    NEXT_SLOW(c, u);
}

const struct uop *x87_exchange(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;
    struct f80 a = *x87_st(x, 0), b = *x87_st(x, u->src);

    START(c, u);
    x87_note(c, u);
    if (x87_empty(x, 0) || x87_empty(x, u->src)) {
        if (!x87_stack_fault(x, false))
            NEXT_SLOW(c, u);
        if (x87_empty(x, 0))
            a = F80_DEFAULT_NAN;
        if (x87_empty(x, u->src))
            b = F80_DEFAULT_NAN;
    } else {
        x->fsw &= (uint16_t)~X87_C1;
    }
    x87_set(x, 0, b);
    x87_set(x, u->src, a);
    NEXT_SLOW(c, u);
}

/* imm is the condition as in Jcc. */
const struct uop *x87_cmov(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;

    START(c, u);
    x87_note(c, u);
    if (x87_empty(x, 0) || x87_empty(x, u->src)) {
        if (x87_stack_fault(x, false))
            x87_set(x, 0, F80_DEFAULT_NAN);
    } else if (cpu_condition(c, (unsigned)u->imm)) {
        x87_set(x, 0, *x87_st(x, u->src));
    }
    NEXT_SLOW(c, u);
}
