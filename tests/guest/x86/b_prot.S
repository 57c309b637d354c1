/* SPDX-License-Identifier: BSD-2-Clause */
/* 32-bit ring-0 guest: stubs for vectors 0 to 31 and snippets that the host starts by setting EIP.
 *
 * A taken vector is reported by OUT of its number to port 0xe0; then the stack is, from ESP: EAX, vector, error code,
 * EIP, CS, EFLAGS. A snippet that is through says so by OUT to port 0xe1. */

#define TRAP 0xe0
#define DONE 0xe1
#define SNIPPET(name, ...) .globl sym_##name; sym_##name: __VA_ARGS__; out %al, $DONE; hlt

.code32
.section .text.start, "ax"

.globl sym_stubs
sym_stubs:
.set vector, 0
.rept 32
    .balign 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
    push $0
    .endif
    push $vector
    jmp common
    .set vector, vector + 1
.endr

common:
    push %eax
    mov 4(%esp), %al
    out %al, $TRAP
    pop %eax
    add $8, %esp
    iret

SNIPPET(load_ds, mov (%ebx), %al)
SNIPPET(store_ds, mov %al, (%ebx))
SNIPPET(load_ds4, mov (%ebx), %eax)
SNIPPET(load_es, mov %es:(%ebx), %al)
SNIPPET(load_fs, mov %fs:(%ebx), %al)
SNIPPET(load_gs, mov %gs:(%ebx), %al)
SNIPPET(load_ss, mov %ss:(%ebx), %al)
SNIPPET(str, str %eax)

    /* Two loads with paging on, the second after CR3 was written again. */
    .globl sym_pae_loads
sym_pae_loads:
    mov (%ebx), %ecx
    out %al, $DONE
    mov %cr3, %eax
    mov %eax, %cr3
    mov (%ebx), %edx
    out %al, $DONE
    hlt

SNIPPET(load_fs_selector, mov %eax, %fs; mov %fs:(%ebx), %al)
