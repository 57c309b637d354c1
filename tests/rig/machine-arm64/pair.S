/* SPDX-License-Identifier: BSD-2-Clause */
/* A pair of words from the UART: the CPU does not describe such an access. */
.include "machine.inc"
    ldr x0, =UART
    ldp w2, w3, [x0, #16]
    exit 99
