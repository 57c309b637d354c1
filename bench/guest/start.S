/* SPDX-License-Identifier: BSD-2-Clause */
/* From the PVH entry (32-bit protected mode, paging off, start info at EBX) to guest_main() in long
 * mode, with memory mapped one to one in pages of 2 MiB that ring 3 may use too. */

    .equ KERNEL_CODE, 0x08
    .equ USER_DATA, 0x23
    .equ USER_CODE, 0x2b
    .equ PAGE, 7                /* present, writable, user */

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 4, 18              /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long start

    .data
    .balign 4096
pml4:
    .quad pdpt + PAGE
    .fill 511, 8, 0
pdpt:
    .quad identity + PAGE
    .quad window_directory + PAGE
    .fill 510, 8, 0
identity:
    .set page, 0
    .rept 512
    .quad (page << 21) + 0x80 + PAGE
    .set page, page + 1
    .endr
window_directory:
    .quad window_table + PAGE
    .fill 511, 8, 0

    .balign 8
    .globl gdt
gdt:
    .quad 0
    .quad 0x00af9b000000ffff    /* ring 0 code, 64-bit */
    .quad 0x00cf93000000ffff    /* ring 0 data */
    .quad 0
    .quad 0x00cff3000000ffff    /* ring 3 data */
    .quad 0x00affb000000ffff    /* ring 3 code, 64-bit */
    .quad 0, 0                  /* TSS, by guest_main() */
gdt_end:
gdtr:
    .word gdt_end - gdt - 1
    .long gdt

    .bss
    .balign 4096
    .globl window_table
window_table:
    .skip 4096
    .skip 16384
main_stack:
    .skip 16384
    .globl entry_stack
entry_stack:
    .skip 16384
user_stack:
saved_main:
    .skip 8
saved_user:
    .skip 8

    .text
    .code32
    .globl start
start:
    cld
    mov $main_stack, %esp
    mov %ebx, %edi
    mov $pml4, %eax
    mov %eax, %cr3
    mov $0x620, %eax            /* PAE, OSFXSR, OSXMMEXCPT */
    mov %eax, %cr4
    mov $0xc0000080, %ecx       /* EFER */
    mov $0x101, %eax            /* LME, SCE */
    xor %edx, %edx
    wrmsr
    mov $0x80010033, %eax       /* PG, WP, NE, ET, MP, PE */
    mov %eax, %cr0
    lgdt gdtr
    ljmp $KERNEL_CODE, $1f
    .code64
1:  mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    call guest_main
2:  hlt
    jmp 2b

/* One entry of 16 bytes for each exception; each leaves a struct trap. */
    .balign 16
    .globl exception_entries
exception_entries:
    .set vector, 0
    .rept 32
    .balign 16
    .if !((0x60227d00 >> vector) & 1)   /* those without an error code */
    push $0
    .endif
    push $vector
    jmp exception_entry
    .set vector, vector + 1
    .endr

exception_entry:
    cld
    .irp register, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
    push %\register
    .endr
    mov %rsp, %rdi
    call guest_exception
    .irp register, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
    pop %\register
    .endr
    add $16, %rsp
    iretq

/* System calls by INT and SYSCALL: number in RDI, argument in RSI, result in RAX. They keep what a
 * function call keeps. */
    .globl int_entry
int_entry:
    sub $8, %rsp
    call guest_system_call
    add $8, %rsp
    iretq

    .globl syscall_entry
syscall_entry:
    mov %rsp, saved_user
    mov $entry_stack, %esp
    push %rcx
    push %r11
    call guest_system_call
    pop %r11
    pop %rcx
    mov saved_user, %rsp
    sysretq

/* uint64_t enter_user(function, argument): the function runs in ring 3 until leave_user(). */
    .globl enter_user
enter_user:
    .irp register, rbx, rbp, r12, r13, r14, r15
    push %\register
    .endr
    mov %rsp, saved_main
    push $USER_DATA
    push $user_stack - 8
    push $2
    push $USER_CODE
    push %rdi
    mov %rsi, %rdi
    iretq

/* leave_user(result): in ring 0, makes enter_user() return. */
    .globl leave_user
leave_user:
    mov %rdi, %rax
    mov saved_main, %rsp
    .irp register, r15, r14, r13, r12, rbp, rbx
    pop %\register
    .endr
    ret

    .section .note.GNU-stack, "", @progbits
