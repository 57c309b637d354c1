/* SPDX-License-Identifier: BSD-2-Clause */
/* Status 43. */
.include "machine.inc"
    exit 21
