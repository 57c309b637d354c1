# SPDX-License-Identifier: BSD-2-Clause
# One access, then a mark on port 0x11; and a place to go to instead, which marks port 0x22.
    .code64
    .globl sym_out, sym_out_next, sym_in, sym_in_next, sym_read, sym_read_next
    .globl sym_write, sym_write_next, sym_copy, sym_copy_next, sym_outs, sym_outs_next
    .globl sym_other, sym_other_next, sym_mark_next
sym_out:
    out %al, %dx
sym_out_next:
    out %al, $0x11
sym_mark_next:
    hlt
sym_in:
    in (%dx), %al
sym_in_next:
    out %al, $0x11
    hlt
sym_read:
    mov (%rdi), %eax
sym_read_next:
    out %eax, $0x11
    hlt
sym_write:
    mov %eax, (%rdi)
sym_write_next:
    out %al, $0x11
    hlt
sym_copy:
    movsl
sym_copy_next:
    out %al, $0x11
    hlt
sym_outs:
    rep outsb
sym_outs_next:
    out %al, $0x11
    hlt
sym_other:
    out %al, $0x22
sym_other_next:
    hlt
