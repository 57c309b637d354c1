/* SPDX-License-Identifier: BSD-2-Clause */
/* PSCI SYSTEM_RESET. */
.include "machine.inc"
    ldr w0, =0x84000009
    hvc #0
    exit 99
