/* SPDX-License-Identifier: BSD-2-Clause */
/* A jump to where no memory is aborts in the guest: the status tells ESR_EL1.EC. */
.include "machine.inc"
    adr x0, vectors
    msr vbar_el1, x0
    isb
    ldr x0, =NOWHERE
    br x0
    .balign 2048
vectors:
    .fill 512, 1, 0
    mrs x1, esr_el1
    ubfx x1, x1, #26, #6
    ldr x0, =DEBUG_EXIT
    str w1, [x0]
    b .
