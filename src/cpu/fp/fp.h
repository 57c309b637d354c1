/* SPDX-License-Identifier: BSD-2-Clause */
/* What the software floating point works on: bit patterns, and a context that holds the controls of
 * MXCSR or the x87 control word and collects their flags. */
#ifndef VMACCEL_CPU_FP_FP_H
#define VMACCEL_CPU_FP_FP_H

#include <stdbool.h>
#include <stdint.h>

/* Exceptions, in the order of MXCSR and of the x87 status and control words. */
#define FP_IE  0x01u
#define FP_DE  0x02u
#define FP_ZE  0x04u
#define FP_OE  0x08u
#define FP_UE  0x10u
#define FP_PE  0x20u
#define FP_ALL 0x3fu

enum fp_rounding { FP_NEAREST, FP_DOWN, FP_UP, FP_CHOP };
enum fp_precision { FP_SINGLE = 0, FP_DOUBLE = 2, FP_EXTENDED = 3 };

struct fp_ctx {
    uint8_t rounding;  /* enum fp_rounding */
    uint8_t precision; /* enum fp_precision: significands of f80 results */
    uint8_t flags;     /* raised so far; sticky */
    uint8_t masks;     /* set: masked. An unmasked underflow or overflow changes f80 results. */
    bool daz;          /* denormal operands are zeros (f32, f64) */
    bool ftz;          /* tiny results are zeros where underflow is masked (f32, f64) */
    bool round_up;     /* the last inexact result was rounded away from zero: C1 of the x87 */
};

/* A number of the x87: explicit integer bit in bit 63 of mant, sign and exponent in se. */
struct f80 {
    uint64_t mant;
    uint16_t se;
};

#endif
