// SPDX-License-Identifier: BSD-2-Clause
// A vector table that reports each exception by a store of 8 bytes at X27 plus 8 times the vector's
// number and then returns from it, and short pieces of code that end with a mark: a byte of X0 stored
// at X28 plus its number.
    .arch armv8.2-a+lse+sve

    .globl sym_vectors
sym_vectors:
    .set number, 0
    .rept 16
    .balign 128
    str xzr, [x27, #8 * number]
    eret
    .set number, number + 1
    .endr
    .balign 128

    .globl sym_done
sym_done:
    strb w0, [x28, #0xe1]
    b sym_done

// One instruction, then the end.
    .macro one name, instruction:vararg
    .globl sym_\name
sym_\name:
    \instruction
    b sym_done
    .endm

    one ldrb_w, ldrb w0, [x1]
    one ldrh_w, ldrh w0, [x1]
    one ldr_w, ldr w0, [x1]
    one ldr_x, ldr x0, [x1]
    one ldrsb_w, ldrsb w0, [x1]
    one ldrsb_x, ldrsb x0, [x1]
    one ldrsh_w, ldrsh w0, [x1]
    one ldrsh_x, ldrsh x0, [x1]
    one ldrsw_x, ldrsw x0, [x1]
    one ldr_wzr, ldr wzr, [x1]
    one ldr_xzr, ldr xzr, [x1]
    one ldr_w_x2, ldr w0, [x1, x2]
    one ldr_w_w2, ldr w0, [x1, w2, sxtw #2]
    one ldur_w, ldur w0, [x1, #-4]
    one ldar_w, ldar w0, [x1]
    one ldarb_w, ldarb w0, [x1]
    one ldar_x, ldar x0, [x1]
    one strb_w, strb w0, [x1]
    one strh_w, strh w0, [x1]
    one str_w, str w0, [x1]
    one str_x, str x0, [x1]
    one str_wzr, str wzr, [x1]
    one str_xzr, str xzr, [x1]
    one str_w_x2, str w0, [x1, x2]
    one stur_x, stur x0, [x1, #-8]
    one stlr_w, stlr w0, [x1]
    one stlrh_w, stlrh w0, [x1]

    one ldp_x, ldp x2, x3, [x1]
    one stp_x, stp x2, x3, [x1]
    one stp_w, stp w2, w3, [x1]
    one ldr_post, ldr x0, [x1], #8
    one ldr_pre, ldr x0, [x1, #8]!
    one str_post, str x0, [x1], #8
    one str_pre, strb w0, [x1, #1]!
    one ldr_q, ldr q0, [x1]
    one str_q, str q0, [x1]
    one str_d, str d0, [x1]
    one ld1, ld1 {v0.16b}, [x1]
    one st1, st1 {v0.16b}, [x1]

    one svc, svc #0x123
    one hvc, hvc #0
    one smc, smc #0
    one brk, brk #0x77
    one udf, udf #0x55
    one eret, eret
    one nop, nop
    one wfi, wfi
    one wfe, wfe
    one mrs_unknown, mrs x0, s3_0_c15_c12_7
    one msr_unknown, msr s3_0_c15_c12_7, x0
    one mrs_pmcr, mrs x0, pmcr_el0
    one mrs_midr, mrs x0, midr_el1
    one mrs_mpidr, mrs x0, mpidr_el1
    one mrs_pfr0, mrs x0, id_aa64pfr0_el1
    one mrs_isar0, mrs x0, id_aa64isar0_el1
    one mrs_mmfr0, mrs x0, id_aa64mmfr0_el1
    one mrs_ctr, mrs x0, ctr_el0
    one mrs_dczid, mrs x0, dczid_el0
    one mrs_daif, mrs x0, daif
    one mrs_currentel, mrs x0, currentel
    one mrs_cntvct, mrs x0, cntvct_el0
    one mrs_cntv_cval, mrs x0, cntv_cval_el0
    one mrs_cntfrq, mrs x0, cntfrq_el0
    one msr_cntv_cval, msr cntv_cval_el0, x0
    one msr_cntv_ctl, msr cntv_ctl_el0, x0
    one mrs_cntv_ctl, mrs x0, cntv_ctl_el0
    one daifclr, msr daifclr, #0xf
    one dc_cvau, dc cvau, x1
    one dc_civac, dc civac, x1
    one dc_cvac, dc cvac, x1
    one ic_ivau, ic ivau, x1
    one dc_zva, dc zva, x1
    one branch, br x1

// All of a general register's bits turned over, and the end at SP, which is none of them.
    .globl sym_invert
sym_invert:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    mvn x\n, x\n
    .endr
    str wzr, [sp]
    b .

// V registers turned over, FPCR and FPSR to X2 and X3, then from X4 and X5.
    .globl sym_invert_v
sym_invert_v:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    mvn v\n\().16b, v\n\().16b
    .endr
    mrs x2, fpcr
    mrs x3, fpsr
    msr fpcr, x4
    msr fpsr, x5
    b sym_done

// Z registers turned over under P0, which is all true then; X2 is the vector length.
    .globl sym_invert_z
sym_invert_z:
    rdvl x2, #1
    ptrue p0.b
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    not z\n\().b, p0/m, z\n\().b
    .endr
    b sym_done

// System registers that software owns, read to memory at X1 and written back turned over under masks.
    .globl sym_read_sysregs, sym_write_sysregs
    .macro read_one register
    mrs x0, \register
    str x0, [x1], #8
    .endm
    .macro write_one register
    ldr x0, [x1], #8
    msr \register, x0
    .endm
    .macro all_sysregs do
    \do tpidr_el0
    \do tpidrro_el0
    \do tpidr_el1
    \do contextidr_el1
    \do far_el1
    \do esr_el1
    \do afsr0_el1
    \do afsr1_el1
    \do amair_el1
    \do ttbr1_el1
    \do vbar_el1
    \do csselr_el1
    \do mdscr_el1
    \do par_el1
    \do sp_el0
    \do elr_el1
    \do spsr_el1
    .endm
sym_read_sysregs:
    all_sysregs read_one
    b sym_done
sym_write_sysregs:
    all_sysregs write_one
    b sym_done

    .globl sym_read_debug
sym_read_debug:
    read_one dbgbvr0_el1
    read_one dbgbcr0_el1
    read_one dbgwvr0_el1
    read_one dbgwcr0_el1
    b sym_done

// Code that is written over and run again: the instruction X0 goes to sym_patch.
    .globl sym_modify, sym_patch
sym_modify:
    adr x1, sym_patch
    str w0, [x1]
    dc cvau, x1
    dsb ish
    ic ivau, x1
    dsb ish
    isb
sym_patch:
    mov x2, #1
    b sym_done

// To EL0 at X0, and an SVC back.
    .globl sym_to_el0, sym_el0
sym_to_el0:
    msr elr_el1, x0
    msr spsr_el1, xzr
    eret
sym_el0:
    add x3, x3, #1
    svc #7

// For stepping: one instruction of each kind.
    .globl sym_steps, sym_steps_1, sym_steps_2, sym_steps_3, sym_steps_4
sym_steps:
    add x0, x0, #1
sym_steps_1:
    b sym_steps_2
    nop
sym_steps_2:
    add x0, x0, #1
sym_steps_3:
    svc #1
sym_steps_4:
    b sym_done

// Reads and writes with a place to go to instead, and what comes after them.
    .globl sym_flow_read, sym_flow_read_next, sym_flow_write, sym_flow_write_next
    .globl sym_flow_mark_next, sym_other, sym_other_next
sym_flow_read:
    ldr w0, [x1]
sym_flow_read_next:
    str w0, [x28, #0x14]
    b .
sym_flow_write:
    str w0, [x1]
sym_flow_write_next:
    strb w0, [x28, #0x11]
sym_flow_mark_next:
    b .
sym_other:
    strb w0, [x28, #0x22]
sym_other_next:
    b .

// Twice around with a place to break at.
    .globl sym_break, sym_break_at, sym_break_next
sym_break:
    nop
    add x0, x0, #1
sym_break_at:
    nop
sym_break_next:
    b sym_done

// An exclusive and an atomic add to [X1] by X0, X2 times each.
    .globl sym_exclusive_adds, sym_atomic_adds
sym_exclusive_adds:
    ldxr x3, [x1]
    add x3, x3, x0
    stxr w4, x3, [x1]
    cbnz w4, sym_exclusive_adds
    subs x2, x2, #1
    b.ne sym_exclusive_adds
    b sym_done
sym_atomic_adds:
    ldadd x0, x3, [x1]
    subs x2, x2, #1
    b.ne sym_atomic_adds
    b sym_done

// PSCI: a call with X0 to X3 as they are; then its answer is in X0.
    .globl sym_psci
sym_psci:
    hvc #0
    b sym_done

// Where PSCI starts a vCPU: X0 is the context; then PSCI calls as the caller sets them up.
    .globl sym_smp_entry
sym_smp_entry:
    mov x27, #0x51000000
    mov x28, #0x50000000
    strb w0, [x28, #0x30]
    hvc #0
    b sym_done
