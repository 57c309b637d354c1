/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the x87 group share. A handler looks for a pending exception first, moves its
 * memory operand, and only then changes state: nothing is to be undone when memory faults.
 *
 * uops hold: aux16 the last opcode for FOP; imm the kind of operation; src the other register's
 * number from ST(0), or the form of a memory operand; dst the destination's number; aux the pops
 * that end the instruction. */
#ifndef VMACCEL_CPU_X86_X87_H
#define VMACCEL_CPU_X86_X87_H

#include "cpu/fp/f80.h"
#include "cpu/x86/internal.h"

#define X87_CONDITION (X87_C0 | X87_C1 | X87_C2 | X87_C3)

typedef const struct uop *x87_handler(struct cpu *c, const struct uop *u);

x87_handler x87_arith, x87_arith_mem, x87_compare, x87_compare_mem, x87_compare_flags, x87_test,
    x87_unary, x87_binary, x87_sign, x87_examine, x87_remainder, x87_pair;
x87_handler x87_load_mem, x87_load_reg, x87_load_constant, x87_store_mem, x87_store_reg,
    x87_exchange, x87_cmov;
x87_handler x87_free, x87_step_top, x87_nop, x87_ignored, x87_wait, x87_clex, x87_finit, x87_ldcw,
    x87_stcw, x87_stsw, x87_stsw_ax, x87_stenv, x87_ldenv, x87_save, x87_restore, x87_emms;

/* Forms of a memory operand. */
enum x87_memory { X87_F32, X87_F64, X87_F80, X87_I16, X87_I32, X87_I64, X87_BCD };
static const uint8_t x87_memory_size[] = {4, 8, 10, 2, 4, 8, 10};

/* Layout of FNSTENV's and FNSAVE's state, in aux. */
#define X87_ENV_32   1u
#define X87_ENV_REAL 2u /* linear addresses, no selectors */

/* What imm is. Arithmetic has the reg field of its opcode. */
enum x87_unary_kind { X87_SQRT, X87_RINT, X87_2XM1 };
enum x87_binary_kind { X87_SCALE, X87_YL2X, X87_YL2XP1, X87_PATAN };
enum x87_pair_kind { X87_XTRACT, X87_TAN, X87_SINCOS, X87_SIN, X87_COS };

static inline struct f80 *x87_st(struct cpu_x87 *x, unsigned i)
{
    return &x->st[(x->top + i) & 7];
}

static inline bool x87_empty(const struct cpu_x87 *x, unsigned i)
{
    return !(x->tag >> ((x->top + i) & 7) & 1);
}

static inline void x87_set(struct cpu_x87 *x, unsigned i, struct f80 v)
{
    *x87_st(x, i) = v;
    x->tag |= (uint8_t)(1u << ((x->top + i) & 7));
}

static inline void x87_set_empty(struct cpu_x87 *x, unsigned i)
{
    x->tag &= (uint8_t) ~(1u << ((x->top + i) & 7));
}

static inline void x87_pop(struct cpu_x87 *x, unsigned count)
{
    while (count--) {
        x87_set_empty(x, 0);
        x->top = (x->top + 1) & 7;
    }
}

static inline void x87_push(struct cpu_x87 *x, struct f80 v)
{
    x->top = (x->top - 1) & 7;
    x87_set(x, 0, v);
}

static inline struct fp_ctx x87_context(const struct cpu_x87 *x)
{
    return (struct fp_ctx){
        .rounding = x->fcw >> 10 & 3, .precision = x->fcw >> 8 & 3, .masks = x->fcw & FP_ALL};
}

static inline void x87_raise(struct cpu_x87 *x, unsigned flags)
{
    x->fsw |= (uint16_t)flags;
    if (flags & ~x->fcw & FP_ALL)
        x->fsw |= X87_ES | X87_B;
}

/* Set the flags and C1 of an operation; false: an unmasked exception keeps its result away. */
static inline bool x87_settle(struct cpu_x87 *x, const struct fp_ctx *ctx)
{
    uint8_t raised = fp_settle(ctx->flags, ctx->masks);

    x->fsw &= (uint16_t)~X87_C1;
    if (!raised)
        return true;
    if (ctx->round_up && (raised & FP_PE))
        x->fsw |= X87_C1;
    x87_raise(x, raised);
    return !(raised & ~ctx->masks & (FP_IE | FP_DE | FP_ZE));
}

/* An empty source, or a push onto a full register; true: masked, and the result is a NaN. */
static inline bool x87_stack_fault(struct cpu_x87 *x, bool overflow)
{
    x->fsw = (uint16_t)((x->fsw & ~X87_C1) | (overflow ? X87_C1 : 0));
    x87_raise(x, X87_SF | FP_IE);
    return x->fcw & FP_IE;
}

/* With CR0.NE clear a pending exception is the interrupt controller's: a PC's FERR# line to IRQ 13,
 * which no machine here has. The instruction runs, as it does when IGNNE# is asserted. */
static inline bool x87_pending(const struct cpu *c)
{
    return UNLIKELY(c->x87.fsw & X87_ES) && (c->cr0 & X86_CR0_NE);
}

static inline void x87_note(struct cpu *c, const struct uop *u)
{
    c->x87.fip = c->r[RIP] + u->off;
    c->x87.fcs = c->seg[SEG_CS].selector;
    c->x87.fop = u->aux16;
}

static inline void x87_note_mem(struct cpu *c, const struct uop *u)
{
    bool flat = (c->mode & MODE_CODE64) && u->seg != SEG_FS && u->seg != SEG_GS;

    x87_note(c, u);
    c->x87.fdp = uop_ea(c, u) - (flat ? 0 : c->seg[u->seg].base);
    c->x87.fds = c->seg[u->seg].selector;
}

#endif
