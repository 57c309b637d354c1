# SPDX-License-Identifier: BSD-2-Clause
# The bootstrap processor sends INIT and SIPI through the xAPIC; the application processor starts in real mode on the page
# that sym_ap is copied to, adds to a counter and waits; both put a mark out. Shared words: 0x20000 counter of the
# application processor, 0x20004 go.
    .set icr_low, 0xfee00300
    .set icr_high, 0xfee00310
    .set spurious, 0xfee000f0
    .code64
    .globl sym_bsp, sym_ap, sym_ap_end
sym_bsp:
    mov $spurious, %edi
    movl $0x1ff, (%rdi)
    mov $icr_high, %edi
    movl $0x01000000, (%rdi)        # APIC ID 1
    mov $icr_low, %edi
    movl $0x00004500, (%rdi)        # INIT, assert
    movl $0x00004608, (%rdi)        # SIPI, page 8
    mov $0x20000, %esi
1:  cmpl $1000, (%rsi)
    jb 1b
    mov $0xb1, %al
    out %al, $0x10
    movl $1, 4(%rsi)
    mov (%rsi), %eax
    out %eax, $0x11
2:  out %al, $0x12
    jmp 2b

    .code16
sym_ap:
    mov $0x2000, %ax
    mov %ax, %ds
    xor %bx, %bx
1:  lock incl (%bx)
    cmpl $1000, (%bx)
    jb 1b
2:  cmpl $0, 4(%bx)
    je 2b
    mov $0xa1, %al
    out %al, $0x30
3:  out %al, $0x31
    jmp 3b
sym_ap_end:
