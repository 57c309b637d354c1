/* SPDX-License-Identifier: BSD-2-Clause */
/* What no device claims reads as ones and ignores writes; in a device, between registers, as 0. */
.include "machine.inc"
    ldr x0, =NOWHERE
    ldr x1, [x0]
    cmn x1, #1
    b.ne bad
    str x1, [x0]
    ldrb w1, [x0, #1]
    cmp w1, #255
    b.ne bad
    ldr x0, =UART
    ldrb w1, [x0, #1]
    cbnz w1, bad
    ldrh w1, [x0, #2]
    cbnz w1, bad
    exit 1
bad:
    exit 2
