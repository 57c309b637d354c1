/* SPDX-License-Identifier: BSD-2-Clause */
/* 16-bit guest, entered with CS base 0. Ends each stage by OUT of its number to port 0xe1. The host has put page tables
 * that map the lowest 2 MiB to themselves at 0x10000 (PML4) and 0x18000 (PAE). */

#define DONE 0xe1
#define PML4 0x10000
#define PDPT 0x18000

.section .text.start, "ax"

/* real, protected, PAE, long and back the way it came. */
.code16
.globl sym_round
sym_round:
    cli
    lgdtl gdtr
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    ljmpl $0x08, $protected

.code32
protected:
    mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $0x8000, %esp
    mov $1, %al
    out %al, $DONE

    mov %cr4, %eax
    or $0x20, %eax
    mov %eax, %cr4
    mov $PDPT, %eax
    mov %eax, %cr3
    mov %cr0, %eax
    or $0x80000000, %eax
    mov %eax, %cr0
    mov $2, %al
    out %al, $DONE

    mov %cr0, %eax
    and $0x7fffffff, %eax
    mov %eax, %cr0
    mov $PML4, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    rdmsr
    or $0x100, %eax
    wrmsr
    mov %cr0, %eax
    or $0x80000000, %eax
    mov %eax, %cr0
    ljmp $0x18, $long

.code64
long:
    movabs $0x0123456789abcdef, %r8
    mov $3, %al
    out %al, $DONE
    ljmp *to_compatibility

.code32
compatibility:
    mov %cr0, %eax
    and $0x7fffffff, %eax
    mov %eax, %cr0
    mov $0xc0000080, %ecx
    rdmsr
    and $~0x100, %eax
    wrmsr
    mov %cr4, %eax
    and $~0x20, %eax
    mov %eax, %cr4
    mov $4, %al
    out %al, $DONE
    ljmp $0x20, $protected16

.code16
protected16:
    mov $0x28, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov %cr0, %eax
    and $~1, %al
    mov %eax, %cr0
    ljmp $0, $real
real:
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $5, %al
    out %al, $DONE
    hlt

    .balign 8
to_compatibility:
    .long compatibility
    .word 0x08
    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9a000000ffff
    .quad 0x00cf92000000ffff
    .quad 0x00af9a000000ffff
    .quad 0x00009a000000ffff
    .quad 0x000092000000ffff
gdtr:
    .word . - gdt - 1
    .long gdt

#define SNIPPET(name, ...) .globl sym_##name; sym_##name: __VA_ARGS__; out %al, $DONE; hlt
.code16
SNIPPET(load_ds, mov %ds:(%bx), %al)
SNIPPET(load_es, mov %es:(%bx), %al)
SNIPPET(load_fs, mov %fs:(%bx), %al)
SNIPPET(load_gs, mov %gs:(%bx), %al)
SNIPPET(load_ss, mov %ss:(%bx), %al)
SNIPPET(int40, int $0x40)

    /* Handler of any vector: reports to port 0xe0 and returns. */
    .globl sym_handler
sym_handler:
    out %al, $0xe0
    iret
