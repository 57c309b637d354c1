# SPDX-License-Identifier: BSD-2-Clause
# The programs of tests/conformance/common.h in 64-bit code. VALUE is RAX, ADDRESS RDI, ADDRESS2 RSI,
# RESULT RBX, COUNT RCX, STEP RDX; a mark is an OUT of AL.
    .code64
    .globl sym_mark, sym_read, sym_write, sym_write_read, sym_alias, sym_two_reads, sym_read_only
    .globl sym_spin, sym_marks, sym_fill, sym_store1, sym_store2, sym_store4, sym_store8
    .globl sym_counter, sym_counter2

sym_mark:
    out %al, $0x77
    hlt
sym_read:
    mov (%rdi), %al
    out %al, $0x10
    hlt
sym_write:
    mov %al, (%rdi)
    out %al, $0x10
    jmp sym_write
sym_write_read:
    mov %al, (%rdi)
    mov (%rdi), %bl
    out %al, $0x10
    jmp sym_write_read
sym_alias:
    mov %al, (%rdi)
    mov (%rsi), %bl
    out %al, $0x10
    hlt
sym_two_reads:
    mov (%rdi), %al
    out %al, $0x11
    mov (%rdi), %al
    out %al, $0x12
    hlt
sym_read_only:
    mov %al, (%rdi)
    mov (%rdi), %bl
    out %al, $0x10
    out %al, $0x11
    hlt
# Never exits.
sym_spin:
    inc %rax
    jmp sym_spin
# Exits now and then, so that a kick lands before, in, at and after exits.
sym_marks:
    mov $20, %ecx
1:  inc %rax
    dec %ecx
    jnz 1b
    out %al, $0x10
    jmp sym_marks
# COUNT times: a new VALUE at each STEP from RESULT, where ADDRESS starts too, to ADDRESS2.
sym_fill:
    inc %rax
    mov %rax, (%rdi)
    add %rdx, %rdi
    cmp %rsi, %rdi
    jb sym_fill
    mov %rbx, %rdi
    dec %rcx
    jnz sym_fill
    out %al, $0x10
    hlt
sym_store1:
    mov %al, (%rdi)
    out %al, $0x10
    hlt
sym_store2:
    mov %ax, (%rdi)
    out %al, $0x10
    hlt
sym_store4:
    mov %eax, (%rdi)
    out %al, $0x10
    hlt
sym_store8:
    mov %rax, (%rdi)
    out %al, $0x10
    hlt
sym_counter:
    inc %rax
    mov %al, (%rdi)
    out %al, $0x10
    jmp sym_counter
sym_counter2:
    inc %rax
    mov %al, (%rdi)
    out %al, $0x20
    jmp sym_counter2
