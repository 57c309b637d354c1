/* SPDX-License-Identifier: BSD-2-Clause */
/* PSCI with wild arguments answers with an error each time. */
.include "machine.inc"
    ldr w0, =0xc4000003 /* CPU_ON: no such CPU */
    mov x1, #-1
    mov x2, #-1
    mov x3, #-1
    hvc #0
    tbz w0, #31, bad
    ldr w0, =0xc4000003 /* CPU_ON: this one, which is on */
    mov x1, #0
    mov x2, #0
    mov x3, #0
    hvc #0
    cmn w0, #4
    b.ne bad
    ldr w0, =0x8400001f /* a function that there is not */
    hvc #0
    cmn w0, #1
    b.ne bad
    ldr w0, =0xc4000004 /* AFFINITY_INFO of no CPU at a level that there is not */
    mov x1, #-1
    mov x2, #-1
    hvc #0
    tbz w0, #31, bad
    exit 1
bad:
    exit 2
