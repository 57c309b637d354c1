/* SPDX-License-Identifier: BSD-2-Clause */
/* PSCI SYSTEM_OFF. */
.include "machine.inc"
    ldr w0, =0x84000008
    hvc #0
    exit 99
