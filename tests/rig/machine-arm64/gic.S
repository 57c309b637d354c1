/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the GIC at sizes that they do not have. */
.include "machine.inc"
    ldr x0, =GIC_DIST
    ldrb w1, [x0]
    ldrh w1, [x0, #6]
    ldr x1, [x0]
    mov x1, #-1
    strb w1, [x0, #1]
    strh w1, [x0, #10]
    str x1, [x0]
    str x1, [x0, #0xff8]
    exit 1
