/* SPDX-License-Identifier: BSD-2-Clause */
/* An AArch64 guest in EL1, and what it reports: the conventions of tests/guest/arm64/. */
#ifndef SUITE_ARM64_GUEST_H
#define SUITE_ARM64_GUEST_H

#include "guest.h"
#include "guests.h"

/* Tables of a 39-bit address space, 4 KiB granule: the first 2 MiB by pages, the rest of the first
 * GiB by 2 MiB blocks of Device memory, where the GIC is; the second GiB, where MMIO is, is Normal
 * memory, the third is the second again as Device memory; nothing above. */
#define A64_L1       0x10000u
#define A64_L2       0x11000u
#define A64_L3       0x12000u
#define A64_MMIO_DEV 0x80000000u /* GUEST_MMIO as Device memory */
#define A64_UNMAPPED 0x123456789000u

#define A64_TRAPS 0x51000000u /* X27: a vector's number times 8 */
#define A64_MARKS 0x50000000u /* X28 */
#define A64_DONE  0xe1u

#define PSTATE_EL0T 0x3c0u
#define PSTATE_EL1T 0x3c4u
#define PSTATE_EL1H 0x3c5u
#define PSTATE_D    (1u << 9)
#define PSTATE_A    (1u << 8)
#define PSTATE_I    (1u << 7)
#define PSTATE_F    (1u << 6)
#define PSTATE_SS   (1u << 21)
#define PSTATE_IL   (1u << 20)

/* Vectors: from EL1 with SP_EL1, and from EL0. */
#define VECTOR_SYNC     4u
#define VECTOR_IRQ      5u
#define VECTOR_FIQ      6u
#define VECTOR_SERROR   7u
#define VECTOR_SYNC_EL0 8u

#define REG(op0, op1, crn, crm, op2) VMACCEL_ARM64_SYSREG(op0, op1, crn, crm, op2)
#define MIDR_EL1                     REG(3, 0, 0, 0, 0)
#define MPIDR_EL1                    REG(3, 0, 0, 0, 5)
#define ID_AA64PFR0_EL1              REG(3, 0, 0, 4, 0)
#define ID_AA64DFR0_EL1              REG(3, 0, 0, 5, 0)
#define ID_AA64ISAR0_EL1             REG(3, 0, 0, 6, 0)
#define ID_AA64MMFR0_EL1             REG(3, 0, 0, 7, 0)
#define SCTLR_EL1                    REG(3, 0, 1, 0, 0)
#define CPACR_EL1                    REG(3, 0, 1, 0, 2)
#define ZCR_EL1                      REG(3, 0, 1, 2, 0)
#define TTBR0_EL1                    REG(3, 0, 2, 0, 0)
#define TTBR1_EL1                    REG(3, 0, 2, 0, 1)
#define TCR_EL1                      REG(3, 0, 2, 0, 2)
#define AFSR0_EL1                    REG(3, 0, 5, 1, 0)
#define AFSR1_EL1                    REG(3, 0, 5, 1, 1)
#define ESR_EL1                      REG(3, 0, 5, 2, 0)
#define FAR_EL1                      REG(3, 0, 6, 0, 0)
#define PAR_EL1                      REG(3, 0, 7, 4, 0)
#define MAIR_EL1                     REG(3, 0, 10, 2, 0)
#define AMAIR_EL1                    REG(3, 0, 10, 3, 0)
#define VBAR_EL1                     REG(3, 0, 12, 0, 0)
#define CONTEXTIDR_EL1               REG(3, 0, 13, 0, 1)
#define TPIDR_EL1                    REG(3, 0, 13, 0, 4)
#define CNTKCTL_EL1                  REG(3, 0, 14, 1, 0)
#define CSSELR_EL1                   REG(3, 2, 0, 0, 0)
#define TPIDR_EL0                    REG(3, 3, 13, 0, 2)
#define TPIDRRO_EL0                  REG(3, 3, 13, 0, 3)
#define CNTVCT_EL0                   REG(3, 3, 14, 0, 2)
#define CNTV_CTL_EL0                 REG(3, 3, 14, 3, 1)
#define CNTV_CVAL_EL0                REG(3, 3, 14, 3, 2)
#define APIAKEYLO_EL1                REG(3, 0, 2, 1, 0)
#define MDSCR_EL1                    REG(2, 0, 0, 2, 2)
#define DBGBVR0_EL1                  REG(2, 0, 0, 0, 4)
#define DBGBCR0_EL1                  REG(2, 0, 0, 0, 5)
#define DBGWVR0_EL1                  REG(2, 0, 0, 0, 6)
#define DBGWCR0_EL1                  REG(2, 0, 0, 0, 7)

#define ESR_EC(esr)     ((uint32_t)((esr) >> 26 & 0x3f))
#define ESR_FSC(esr)    ((uint32_t)((esr)&0x3f))
#define EC_UNKNOWN      0x00u
#define EC_ILLEGAL      0x0eu
#define EC_SVC          0x15u
#define EC_IABT_SAME    0x21u
#define EC_DABT_LOWER   0x24u
#define EC_DABT_SAME    0x25u
#define EC_SERROR       0x2fu
#define EC_BRK          0x3cu
#define FSC_EXTERNAL    0x10u
#define FSC_ALIGNMENT   0x21u
#define FSC_TRANSLATION 0x04u /* plus the level */
#define FSC_ACCESS_FLAG 0x08u
#define FSC_PERMISSION  0x0cu

/* Address of a label of el1.S. */
#define EL1_AT(label) GUEST_LABEL(arm64_el1, label)

/* A VM without irqchip, and one vCPU in EL1 at GUEST_CODE with its MMU on, el1.S loaded, FP
 * accesses on, interrupts masked. */
void a64_create(struct guest *guest);
void a64_create_with(struct guest *guest, vmaccel_irqchip irqchip, uint32_t exits);
/* The same on a VM of the caller's. */
void a64_map(struct guest *guest, vmaccel_vm *vm);
void a64_add_vcpu(struct guest *guest, uint32_t index);
void a64_prepare(struct guest *guest); /* the tables alone */
void a64_enter(struct guest *guest);
void a64_mmu_off(struct guest *guest);

uint64_t a64_get(struct guest *guest, vmaccel_arm64_reg reg);
void a64_set(struct guest *guest, vmaccel_arm64_reg reg, uint64_t value);
vmaccel_arm64_regs a64_regs(struct guest *guest);
void a64_set_regs(struct guest *guest, const vmaccel_arm64_regs *regs);
uint64_t a64_sysreg(struct guest *guest, uint32_t id);
void a64_set_sysreg(struct guest *guest, uint32_t id, uint64_t value);
#define X(guest, n)            a64_get(guest, (vmaccel_arm64_reg)(n))
#define SET_X(guest, n, value) a64_set(guest, (vmaccel_arm64_reg)(n), value)
#define PC(guest)              a64_get(guest, VMACCEL_ARM64_PC)
#define SET_PC(guest, value)   a64_set(guest, VMACCEL_ARM64_PC, value)

/* The descriptor of a 4 KiB page below 2 MiB. */
uint64_t *a64_pte(struct guest *guest, uint64_t address);

struct a64_trap {
    uint64_t esr, far, elr, spsr;
};
void a64_expect_done(struct site site, struct guest *guest);
struct a64_trap a64_expect_trap(struct site site, struct guest *guest, uint8_t vector);
/* Run, and the piece is through, or a vector reports. */
#define RUN_TO_DONE(guest)         (RUN(guest), a64_expect_done(SITE, guest))
#define RUN_TO_TRAP(guest, vector) (RUN(guest), a64_expect_trap(SITE, guest, vector))
/* The same from a label's start. */
#define GO(guest, label)              SET_PC(guest, EL1_AT(label))
#define GO_DONE(guest, label)         (GO(guest, label), RUN_TO_DONE(guest))
#define GO_TRAP(guest, label, vector) (GO(guest, label), RUN_TO_TRAP(guest, vector))

#endif
