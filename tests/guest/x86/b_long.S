/* SPDX-License-Identifier: BSD-2-Clause */
/* 64-bit ring-0 guest: a stub for each of the 256 vectors, and snippets that the host starts by setting RIP.
 *
 * A taken vector is reported by OUT of its number to port 0xe0; then the stack is, from RSP: RAX, vector, error code,
 * RIP, CS, RFLAGS, RSP, SS. Resumed, the stub ends the interrupt at the local APIC if sym_eoi says so (1: x2APIC,
 * 2: xAPIC) and returns. A snippet that is through says so by OUT to port 0xe1. */

#define TRAP 0xe0
#define DONE 0xe1

.code64
.section .text.start, "ax"

.globl sym_stubs
sym_stubs:
.set vector, 0
.rept 256
    .balign 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
    push $0
    .endif
    pushq $vector
    jmp common
    .set vector, vector + 1
.endr

common:
    push %rax
    mov 8(%rsp), %al
    out %al, $TRAP
    mov sym_eoi, %al
    cmp $1, %al
    jb 2f
    ja 1f
    push %rcx
    push %rdx
    mov $0x80b, %ecx
    xor %eax, %eax
    xor %edx, %edx
    wrmsr
    pop %rdx
    pop %rcx
    jmp 2f
1:  mov $0xfee000b0, %eax
    movl $0, (%rax)
2:  pop %rax
    add $16, %rsp
    iretq

.globl sym_eoi
sym_eoi:
    .byte 0
    .balign 8

/* An instruction or several, then done. */
#define SNIPPET(name, ...) .globl sym_##name; sym_##name: __VA_ARGS__; out %al, $DONE; hlt

SNIPPET(done, nop)

/* CPUID, MSRs, TSC */
SNIPPET(cpuid, cpuid)
SNIPPET(rdmsr, rdmsr)
SNIPPET(wrmsr, wrmsr)
SNIPPET(rdtsc, rdtsc)
SNIPPET(rdtscp, rdtscp)
SNIPPET(monitor, monitor)
SNIPPET(mwait, mwait)

    /* ECX readings; RBX counts those below their predecessor. */
    .globl sym_rdtsc_loop
sym_rdtsc_loop:
    xor %ebx, %ebx
    xor %esi, %esi
1:  rdtsc
    shl $32, %rdx
    or %rdx, %rax
    cmp %rsi, %rax
    jae 2f
    inc %rbx
2:  mov %rax, %rsi
    dec %ecx
    jnz 1b
    out %al, $DONE
    hlt

/* Control and flags registers */
SNIPPET(get_cr0, mov %cr0, %rax)
SNIPPET(get_cr2, mov %cr2, %rax)
SNIPPET(get_cr3, mov %cr3, %rax)
SNIPPET(get_cr4, mov %cr4, %rax)
SNIPPET(get_cr8, mov %cr8, %rax)
SNIPPET(set_cr0, mov %rax, %cr0)
SNIPPET(set_cr2, mov %rax, %cr2)
SNIPPET(set_cr3, mov %rax, %cr3)
SNIPPET(set_cr4, mov %rax, %cr4)
SNIPPET(set_cr8, mov %rax, %cr8)
SNIPPET(get_cr1, .byte 0x0f, 0x20, 0xc8)
SNIPPET(smsw, smsw %rax)
SNIPPET(lmsw, lmsw %ax)
SNIPPET(clts, clts)

    .globl sym_get_flags
sym_get_flags:
    pushfq
    pop %rax
    out %al, $DONE
    hlt

    .globl sym_set_flags
sym_set_flags:
    push %rax
    popfq
    out %al, $DONE
    hlt

SNIPPET(movabs, movabs $0xfeedfacecafebeef, %r8)

    .globl sym_invert
sym_invert:
    not %rax
    not %rbx
    not %rcx
    not %rdx
    not %rsi
    not %rdi
    not %rbp
    not %rsp
    not %r8
    not %r9
    not %r10
    not %r11
    not %r12
    not %r13
    not %r14
    not %r15
    out %al, $DONE
    .globl sym_invert_end
sym_invert_end:
    hlt

SNIPPET(rdfsbase, rdfsbase %rax)
SNIPPET(wrfsbase, wrfsbase %rax)
SNIPPET(rdgsbase, rdgsbase %rax)
SNIPPET(wrgsbase, wrgsbase %rax)
SNIPPET(load_fs, mov %fs:(%rbx), %rax)
SNIPPET(load_gs, mov %gs:(%rbx), %rax)
SNIPPET(load, mov (%rbx), %rax)
SNIPPET(store, mov %rax, (%rbx))
SNIPPET(mov_ds, mov %eax, %ds)
SNIPPET(mov_ss, mov %eax, %ss)
SNIPPET(str, str %rax)
SNIPPET(sldt, sldt %rax)

/* Privileged and virtual-machine instructions */
SNIPPET(getsec, .byte 0x0f, 0x37)
SNIPPET(invd, invd)
SNIPPET(wbinvd, wbinvd)
SNIPPET(xsetbv, xsetbv)
SNIPPET(xgetbv, xgetbv)
SNIPPET(invept, .byte 0x66, 0x0f, 0x38, 0x80, 0x03)
SNIPPET(invvpid, .byte 0x66, 0x0f, 0x38, 0x81, 0x03)
SNIPPET(vmlaunch, vmlaunch)
SNIPPET(vmresume, vmresume)
SNIPPET(vmxoff, vmxoff)
SNIPPET(vmread, vmread %rax, %rcx)
SNIPPET(vmwrite, vmwrite %rax, %rcx)
SNIPPET(vmptrld, vmptrld (%rbx))
SNIPPET(vmptrst, vmptrst (%rbx))
SNIPPET(vmclear, vmclear (%rbx))
SNIPPET(vmxon, vmxon (%rbx))
SNIPPET(vmrun, vmrun)
SNIPPET(vmload, vmload)
SNIPPET(vmsave, vmsave)
SNIPPET(stgi, stgi)
SNIPPET(clgi, clgi)
SNIPPET(skinit, skinit)
SNIPPET(invlpga, invlpga)
SNIPPET(ud2, ud2)

/* Interrupts */
SNIPPET(int40, int $0x40)
SNIPPET(int3, int3)
SNIPPET(nops, nop; nop; nop; nop)
SNIPPET(sti_nop, sti; nop; nop)
SNIPPET(sti_in, sti; in $0xe2, %al; nop)
SNIPPET(mov_ss_in, mov %ss, %edx; mov %edx, %ss; in $0xe2, %al; nop)
SNIPPET(cli, cli)
SNIPPET(hlt_done, hlt)
SNIPPET(sti_hlt, sti; hlt)

    .globl sym_spin
sym_spin:
    inc %rbx
    pause
    jmp sym_spin

    /* Waits for interrupts for ever; RBX counts the wakes. */
    .globl sym_halt_loop
sym_halt_loop:
    sti
    hlt
    inc %rbx
    out %al, $DONE
    jmp sym_halt_loop

/* Debug registers */
    .globl sym_get_dr
sym_get_dr:
    mov %dr0, %rax
    mov %dr1, %rbx
    mov %dr2, %rcx
    mov %dr3, %rdx
    mov %dr6, %rsi
    mov %dr7, %rdi
    out %al, $DONE
    hlt

    .globl sym_set_dr
sym_set_dr:
    mov %rax, %dr0
    mov %rbx, %dr1
    mov %rcx, %dr2
    mov %rdx, %dr3
    mov %rsi, %dr6
    mov %rdi, %dr7
    out %al, $DONE
    hlt

    .globl sym_breakpoint, sym_breakpoint_at
sym_breakpoint:
    mov %rax, %dr0
    mov %rdi, %dr7
    nop
sym_breakpoint_at:
    inc %rbx
    out %al, $DONE
    hlt

/* End of interrupt at the first 8259, then a NOP. */
SNIPPET(pic_eoi, mov $0x20, %al; out %al, $0x20; nop; nop)

/* FPU. RBX points at memory, EDX:EAX is a component mask. */
SNIPPET(mmx_add, paddb %mm1, %mm0; movq %mm0, %mm7)
SNIPPET(sse_add, paddb %xmm1, %xmm0; movdqa %xmm0, %xmm15)
SNIPPET(avx_add, vaddpd %ymm1, %ymm0, %ymm2; vmovupd %ymm2, (%rbx))
SNIPPET(avx512_add, vaddpd %zmm1, %zmm0, %zmm31; vmovupd %zmm31, (%rbx); kmovw %k1, %eax; kmovw %eax, %k7)
SNIPPET(x87_add, faddp)
SNIPPET(fninit, fninit)
SNIPPET(fnstcw, fnstcw (%rbx); fnstsw 2(%rbx))
SNIPPET(stmxcsr, stmxcsr (%rbx))
SNIPPET(ldmxcsr, ldmxcsr (%rbx))
SNIPPET(xsave, xsave (%rbx))
SNIPPET(xrstor, xrstor (%rbx))
SNIPPET(xsaves, xsaves (%rbx))
SNIPPET(xrstors, xrstors (%rbx))
SNIPPET(fxsave, fxsave64 (%rbx))

/* Port strings of RCX elements at RSI or RDI */
SNIPPET(rep_outsb, rep outsb)
SNIPPET(rep_insb, rep insb)
SNIPPET(rep_movsb, rep movsb)

/* The local APIC at its xAPIC address: RBX the register's offset from it. */
    .globl sym_apic_write, sym_apic_read
sym_apic_write:
    mov $0xfee00000, %edx
    mov %eax, (%rdx, %rbx)
    out %al, $DONE
    hlt
sym_apic_read:
    mov $0xfee00000, %edx
    mov (%rdx, %rbx), %eax
    out %al, $DONE
    hlt

    /* Redirection entry EBX of the IOAPIC: EDX:EAX. */
    .globl sym_ioapic_write
sym_ioapic_write:
    mov $0xfec00000, %esi
    lea 0x11(%rbx, %rbx), %edi
    mov %edi, (%rsi)
    mov %edx, 0x10(%rsi)
    dec %edi
    mov %edi, (%rsi)
    mov %eax, 0x10(%rsi)
    out %al, $DONE
    hlt

    /* The 8259 pair: vectors from AL and AH, mask CL and CH. */
    .globl sym_pic_setup
sym_pic_setup:
    mov %eax, %ebx
    mov $0x11, %al
    out %al, $0x20
    out %al, $0xa0
    mov %bl, %al
    out %al, $0x21
    mov %bh, %al
    out %al, $0xa1
    mov $4, %al
    out %al, $0x21
    mov $2, %al
    out %al, $0xa1
    mov $1, %al
    out %al, $0x21
    out %al, $0xa1
    mov %cl, %al
    out %al, $0x21
    mov %ch, %al
    out %al, $0xa1
    out %al, $DONE
    hlt
