// SPDX-License-Identifier: BSD-2-Clause
// The programs of tests/conformance/common.h. VALUE is X0, ADDRESS X1, ADDRESS2 X2, RESULT X3, COUNT
// X4, STEP X5; a mark is a byte stored at X28 plus its number.
    .globl sym_mark, sym_read, sym_write, sym_write_read, sym_alias, sym_two_reads, sym_read_only
    .globl sym_spin, sym_marks, sym_fill, sym_store1, sym_store2, sym_store4, sym_store8
    .globl sym_counter, sym_counter2

    .macro mark number
    strb w0, [x28, #\number]
    .endm

sym_mark:
    mark 0x77
    b .
sym_read:
    ldrb w0, [x1]
    mark 0x10
    b .
sym_write:
    strb w0, [x1]
    mark 0x10
    b sym_write
sym_write_read:
    strb w0, [x1]
    ldrb w3, [x1]
    mark 0x10
    b sym_write_read
sym_alias:
    strb w0, [x1]
    ldrb w3, [x2]
    mark 0x10
    b .
sym_two_reads:
    ldrb w0, [x1]
    mark 0x11
    ldrb w0, [x1]
    mark 0x12
    b .
sym_read_only:
    strb w0, [x1]
    ldrb w3, [x1]
    mark 0x10
    mark 0x11
    b .
// Never exits.
sym_spin:
    add x0, x0, #1
    b sym_spin
// Exits now and then, so that a kick lands before, in, at and after exits.
sym_marks:
    mov x4, #20
1:  add x0, x0, #1
    subs x4, x4, #1
    b.ne 1b
    mark 0x10
    b sym_marks
// COUNT times: a new VALUE at each STEP from RESULT, where ADDRESS starts too, to ADDRESS2.
sym_fill:
    add x0, x0, #1
    str x0, [x1]
    add x1, x1, x5
    cmp x1, x2
    b.lo sym_fill
    mov x1, x3
    subs x4, x4, #1
    b.ne sym_fill
    mark 0x10
    b .
sym_store1:
    strb w0, [x1]
    mark 0x10
    b .
sym_store2:
    strh w0, [x1]
    mark 0x10
    b .
sym_store4:
    str w0, [x1]
    mark 0x10
    b .
sym_store8:
    str x0, [x1]
    mark 0x10
    b .
sym_counter:
    add x0, x0, #1
    strb w0, [x1]
    mark 0x10
    b sym_counter
sym_counter2:
    add x0, x0, #1
    strb w0, [x1]
    mark 0x20
    b sym_counter2
