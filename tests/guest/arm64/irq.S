// SPDX-License-Identifier: BSD-2-Clause
// Interrupts through either GIC. X20 is its version, X21 the distributor, X22 vCPU 0's redistributor
// (GICv3) or the CPU interface (GICv2). An interrupt is acknowledged, counted in X25, its INTID
// reported by a word stored at X27 plus 0x100 where X24 is not 0, and ended; the timer's is set up
// again where X26, its period, is not 0.
    .globl sym_vectors
sym_vectors:
    .set number, 0
    .rept 16
    .balign 128
    .if number == 1 || number == 5 || number == 9
    b handle
    .else
    str xzr, [x27, #8 * number]
    eret
    .endif
    .set number, number + 1
    .endr
    .balign 128

// ICC_IAR1_EL1 and so on, by their encodings.
    .macro mrs_iar x
    mrs \x, s3_0_c12_c12_0
    .endm
    .macro msr_eoir x
    msr s3_0_c12_c12_1, \x
    .endm

handle:
    cmp x20, #3
    b.eq 1f
    ldr w10, [x22, #0xc]            // GICC_IAR
    and w11, w10, #0x3ff
    b 2f
1:  mrs_iar x10
    dsb sy
    and w11, w10, #0xffffff
2:  sub w12, w11, #1020
    cmp w12, #4
    b.lo 7f
    add x25, x25, #1
    cbz x24, 3f
    str w11, [x27, #0x100]
3:  cmp w11, #27                    // the virtual timer: next time, or off
    b.ne 5f
    cbz x26, 4f
    mrs x12, cntv_cval_el0
    add x12, x12, x26
    msr cntv_cval_el0, x12
    isb
    b 5f
4:  mov x12, #3
    msr cntv_ctl_el0, x12
    isb
5:  cbz x23, 51f                    // a level-triggered line is acknowledged at its device
    str w11, [x27, #0x200]
51: cmp x20, #3
    b.eq 6f
    str w10, [x22, #0x10]           // GICC_EOIR
    eret
6:  msr_eoir x10
    isb
    eret
7:  str w11, [x27, #0x300]          // spurious
    eret

// Distributor and CPU interface on, priority mask X0.
    .globl sym_setup, sym_done
sym_setup:
    cmp x20, #3
    b.eq 1f
    mov w1, #3
    str w1, [x21]                   // GICD_CTLR
    str w0, [x22, #4]               // GICC_PMR
    mov w1, #1
    str w1, [x22]                   // GICC_CTLR
    b sym_done
1:  mov w1, #0x12                   // ARE_NS, EnableGrp1
    str w1, [x21]
    ldr w1, [x22, #0x14]            // GICR_WAKER
    and w1, w1, #~2
    str w1, [x22, #0x14]
2:  ldr w1, [x22, #0x14]
    tbnz w1, #2, 2b
    mrs x1, s3_0_c12_c12_5          // ICC_SRE_EL1
    orr x1, x1, #1
    msr s3_0_c12_c12_5, x1
    isb
    msr s3_0_c4_c6_0, x0            // ICC_PMR_EL1
    mov x1, #1
    msr s3_0_c12_c12_7, x1          // ICC_IGRPEN1_EL1
    isb
    b sym_done
sym_done:
    strb w0, [x28, #0xe1]
    b sym_done

// INTID X0 on with priority X1; SPIs go to vCPU 0; X2 is 1 for an edge.
    .globl sym_enable, sym_disable
sym_enable:
    mov x3, x21
    cmp x0, #32
    b.hs 1f
    cmp x20, #3
    b.ne 1f
    add x3, x22, #0x10000           // the redistributor's SGI_base
1:  add x4, x3, #0x400              // priority
    strb w1, [x4, x0]
    cmp x0, #16                     // configuration: 2 bits an INTID
    b.lo 2f
    lsr x5, x0, #4
    add x4, x3, #0xc00
    ldr w6, [x4, x5, lsl #2]
    and w7, w0, #15
    lsl w7, w7, #1
    add w7, w7, #1
    mov w8, #1
    lsl w8, w8, w7
    bic w6, w6, w8
    lsl w9, w2, w7
    orr w6, w6, w9
    str w6, [x4, x5, lsl #2]
2:  lsr x5, x0, #5
    and w7, w0, #31
    mov w8, #1
    lsl w8, w8, w7
    cmp x20, #3
    b.ne 3f
    add x4, x3, #0x80               // group 1
    ldr w6, [x4, x5, lsl #2]
    orr w6, w6, w8
    str w6, [x4, x5, lsl #2]
    cmp x0, #32
    b.lo 4f
    add x4, x21, #0x6000            // GICD_IROUTER
    str xzr, [x4, x0, lsl #3]
    b 4f
3:  cmp x0, #32
    b.lo 4f
    add x4, x21, #0x800             // GICD_ITARGETSR
    mov w6, #1
    strb w6, [x4, x0]
4:  add x4, x3, #0x100              // GICD_ISENABLER
    str w8, [x4, x5, lsl #2]
    b sym_done
sym_disable:
    mov x3, x21
    cmp x0, #32
    b.hs 1f
    cmp x20, #3
    b.ne 1f
    add x3, x22, #0x10000
1:  lsr x5, x0, #5
    and w7, w0, #31
    mov w8, #1
    lsl w8, w8, w7
    add x4, x3, #0x180
    str w8, [x4, x5, lsl #2]
    b sym_done

// Interrupts on, a few instructions, off; with a mark between.
    .globl sym_open, sym_wfi_loop, sym_wfi_once, sym_wfi_masked, sym_count_to, sym_sgi, sym_timer
    .globl sym_timer_masked, sym_spin_open, sym_idle, sym_rpr
sym_open:
    msr daifclr, #3
    isb
    nop
    nop
    nop
    msr daifset, #3
    b sym_done
// Spins open until X25 reaches X0.
sym_count_to:
    msr daifclr, #3
1:  cmp x25, x0
    b.lo 1b
    msr daifset, #3
    b sym_done
// The same in WFI; X19 counts how often it woke.
sym_wfi_loop:
    msr daifset, #3
1:  cmp x25, x0
    b.hs 2f
    wfi
    add x19, x19, #1
    msr daifclr, #3
    isb
    msr daifset, #3
    b 1b
2:  b sym_done
// WFI with interrupts masked wakes on a pending one and does not take it.
sym_wfi_masked:
    msr daifset, #3
    wfi
    b sym_done
sym_wfi_once:
    msr daifclr, #3
    wfi
    add x19, x19, #1
    b sym_done
sym_idle:
    msr daifset, #3
1:  wfi
    add x19, x19, #1
    b 1b
sym_spin_open:
    msr daifclr, #3
1:  add x19, x19, #1
    b 1b
// SGI X0 to this vCPU.
sym_sgi:
    cmp x20, #3
    b.eq 1f
    mov w1, #0x02000000             // to the requester
    orr w1, w1, w0
    str w1, [x21, #0xf00]           // GICD_SGIR
    b sym_done
1:  lsl x1, x0, #24
    orr x1, x1, #1
    msr s3_0_c12_c11_5, x1          // ICC_SGI1R_EL1
    isb
    b sym_done
// SGI X0 to the second vCPU.
    .globl sym_sgi_second
sym_sgi_second:
    cmp x20, #3
    b.eq 1f
    mov w1, #1 << 17
    orr w1, w1, w0
    str w1, [x21, #0xf00]
    b sym_done
1:  lsl x1, x0, #24
    orr x1, x1, #2
    msr s3_0_c12_c11_5, x1
    isb
    b sym_done
// 8 or 4 bytes of X1 to X0.
    .globl sym_poke, sym_poke_w
sym_poke_w:
    str w1, [x0]
    dsb sy
    b sym_done
sym_poke:
    str x1, [x0]
    dsb sy
    b sym_done
// The virtual timer on, X0 ticks from now; X26 stays its period.
sym_timer:
    mrs x1, cntvct_el0
    add x1, x1, x0
    msr cntv_cval_el0, x1
    mov x1, #1
    msr cntv_ctl_el0, x1
    isb
    b sym_done
// The same, its output masked.
sym_timer_masked:
    mrs x1, cntvct_el0
    add x1, x1, x0
    msr cntv_cval_el0, x1
    mov x1, #3
    msr cntv_ctl_el0, x1
    isb
    b sym_done

// Accesses of odd sizes all over X0 to X1, every X2 bytes; what they read is lost.
    .globl sym_odd_sizes
sym_odd_sizes:
1:  ldrb w3, [x0]
    ldrh w3, [x0]
    ldr x3, [x0]
    ldrb w3, [x0, #3]
    strb wzr, [x0, #1]
    strh wzr, [x0, #2]
    str xzr, [x0]
    add x0, x0, x2
    cmp x0, x1
    b.lo 1b
    b sym_done

    .globl sym_frequency
sym_frequency:
    mrs x0, cntfrq_el0
    b sym_done
