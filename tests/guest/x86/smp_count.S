# SPDX-License-Identifier: BSD-2-Clause
# Adds RCX times to a counter at RDI that all vCPUs share, then puts BL out.
    .code64
    .globl sym_start
sym_start:
    lock incq (%rdi)
    lock xadd %rax, 8(%rdi)
    mov $1, %eax
    dec %rcx
    jnz sym_start
    mov %ebx, %eax
    out %al, $0x10
1:  out %al, $0x11
    jmp 1b
