# SPDX-License-Identifier: BSD-2-Clause
# Counts in RAX for ever, interrupts off.
    .code64
    .globl sym_loop
sym_loop:
    inc %rax
    jmp sym_loop
