/* SPDX-License-Identifier: BSD-2-Clause */
/* Says '>', then sends back what it reads, up to a 'q'. */
.include "machine.inc"
    ldr x0, =UART
    mov w1, #'>'
1:  str w1, [x0]
2:  ldr w2, [x0, #0x18]
    tbnz w2, #4, 2b
    ldr w1, [x0]
    cmp w1, #'q'
    b.ne 1b
    str w1, [x0]
    exit 3
