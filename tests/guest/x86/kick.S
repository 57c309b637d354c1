# SPDX-License-Identifier: BSD-2-Clause
# A short loop that exits now and then, so that a kick lands before, in, at and after exits.
    .code64
    .globl sym_start
sym_start:
    mov $20, %ecx
1:  inc %rax
    dec %ecx
    jnz 1b
    out %al, $0x10
    jmp sym_start
