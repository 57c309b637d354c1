/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers of the x87 and MMX, as a virtual CPU holds them. */
#ifndef VMACCEL_CPU_X86_X87_STATE_H
#define VMACCEL_CPU_X86_X87_STATE_H

#include "cpu/fp/fp.h"

/* Bits of the status word. */
#define X87_SF       0x0040u
#define X87_ES       0x0080u
#define X87_C0       0x0100u
#define X87_C1       0x0200u
#define X87_C2       0x0400u
#define X87_TOP      0x3800u
#define X87_C3       0x4000u
#define X87_B        0x8000u
#define X87_FCW_INIT 0x037fu

struct cpu_x87 {
    struct f80 st[8]; /* by physical register; MM0-MM7 are the significands */
    uint16_t fcw;
    uint16_t fsw;      /* TOP is not kept here */
    uint8_t top;       /* physical register of ST(0) */
    uint8_t tag;       /* bit n: physical register n is not empty */
    uint16_t fop;      /* last opcode, 11 bits */
    uint16_t fcs, fds; /* selectors of the last instruction and operand */
    uint64_t fip, fdp;
};

/* As FNINIT leaves it; the registers keep their values. */
static inline void x87_init(struct cpu_x87 *x)
{
    x->fcw = X87_FCW_INIT;
    x->fsw = x->fop = x->fcs = x->fds = 0;
    x->top = x->tag = 0;
    x->fip = x->fdp = 0;
}

/* FCW as it reads back: bit 6 is 1, bits 7 and 13 to 15 are 0. */
static inline uint16_t x87_fcw_fixed(uint16_t fcw)
{
    return (uint16_t)((fcw & 0x1f3f) | 0x40);
}

static inline uint16_t x87_get_fsw(const struct cpu_x87 *x)
{
    return (uint16_t)(x->fsw | x->top << 11);
}

/* ES and B follow from the exceptions that FCW leaves unmasked. */
static inline void x87_update_es(struct cpu_x87 *x)
{
    x->fsw &= (uint16_t) ~(X87_ES | X87_B);
    if (x->fsw & ~x->fcw & FP_ALL)
        x->fsw |= X87_ES | X87_B;
}

/* FCW and FSW together, as a load of the whole state sets them. */
static inline void x87_set_control(struct cpu_x87 *x, uint16_t fcw, uint16_t fsw)
{
    x->fcw = x87_fcw_fixed(fcw);
    x->fsw = (uint16_t)(fsw & ~X87_TOP);
    x->top = (fsw & X87_TOP) >> 11;
    x87_update_es(x);
}

/* Every MMX instruction but EMMS leaves the x87 stack full, with TOP 0; call it before the
 * instruction reads or writes a register. */
static inline void x87_enter_mmx(struct cpu_x87 *x)
{
    x->top = 0;
    x->tag = 0xff;
}

static inline void x87_write_mmx(struct cpu_x87 *x, unsigned n, uint64_t value)
{
    x->st[n].mant = value;
    x->st[n].se = 0xffff;
}

#endif
