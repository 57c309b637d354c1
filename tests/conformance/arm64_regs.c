/* SPDX-License-Identifier: BSD-2-Clause */
/* General, SIMD and SVE registers, both ways. */
#include "arm64_guest.h"

#include <stdlib.h>

#define FPCR_FZ (1u << 24)
#define FPCR_DN (1u << 25)
#define FPSR_QC (1u << 27)

static uint64_t pattern(unsigned n)
{
    return UINT64_C(0x0123456789abcdef) * (2 * n + 1) ^ n;
}

void case_general_registers(void)
{
    struct guest g;
    vmaccel_arm64_regs regs, after;
    a64_create(&g);
    regs = a64_regs(&g);
    for (unsigned n = 0; n < 31; n++)
        regs.x[n] = pattern(n);
    regs.pc = EL1_AT(invert);
    regs.sp_el1 = GUEST_MMIO;
    regs.sp_el0 = pattern(40) & ~UINT64_C(15);
    regs.elr_el1 = pattern(41);
    regs.spsr_el1 = 0x600003c5;
    a64_set_regs(&g, &regs);
    after = a64_regs(&g);
    CHECK_BYTES(&after, &regs, sizeof(regs));
    RUN_TO_WRITE(&g, GUEST_MMIO, 4, 0);
    after = a64_regs(&g);
    for (unsigned n = 0; n < 31; n++)
        CHECK_EQ(after.x[n], ~pattern(n));
    CHECK_EQ(after.sp_el0, regs.sp_el0);
    CHECK_EQ(after.sp_el1, regs.sp_el1);
    CHECK_EQ(after.elr_el1, regs.elr_el1);
    CHECK_EQ(after.spsr_el1, regs.spsr_el1);
    CHECK_EQ(after.pstate, regs.pstate);
}

/* Each alone, and both views are of one state. */
void case_single_registers(void)
{
    struct guest g;
    uint64_t value;
    a64_create(&g);
    for (unsigned n = 0; n < VMACCEL_ARM64_REGS; n++) {
        vmaccel_arm64_reg reg = (vmaccel_arm64_reg)n;
        uint64_t words[VMACCEL_ARM64_REGS];
        uint64_t set = n == VMACCEL_ARM64_PSTATE     ? PSTATE_EL1H | UINT64_C(1) << 30
                       : n == VMACCEL_ARM64_SPSR_EL1 ? 0x200003c4
                                                     : pattern(n) & ~UINT64_C(15);
        vmaccel_arm64_regs before = a64_regs(&g), after;
        a64_set(&g, reg, set);
        CHECK_EQ(a64_get(&g, reg), set);
        after = a64_regs(&g);
        memcpy(words, &before, sizeof(words));
        words[n] = set;
        CHECK_BYTES(&after, words, sizeof(words));
    }
    CHECK_STATUS(vmaccel_arm64_get_reg(g.vcpu, (vmaccel_arm64_reg)VMACCEL_ARM64_REGS, &value),
                 VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_arm64_set_reg(g.vcpu, (vmaccel_arm64_reg)-1, 0),
                 VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_arm64_get_reg(g.vcpu, VMACCEL_ARM64_PC, NULL), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_arm64_get_regs(g.vcpu, NULL), VMACCEL_E_INVALID_ARGUMENT);
}

/* The reset state of the architecture: EL1 with SP_EL1, all masked. */
void case_reset_registers(void)
{
    struct guest g;
    guest_map_ram(&g, suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0));
    guest_make_vcpu(&g, 0);
    CHECK_EQ(a64_get(&g, VMACCEL_ARM64_PSTATE), PSTATE_EL1H);
    CHECK_EQ(a64_sysreg(&g, SCTLR_EL1) & 1, 0);
    CHECK_EQ(PC(&g), 0);
}

/* EL1 with either stack pointer, EL0; flags and masks are the guest's. */
void case_pstate_modes(void)
{
    static const uint64_t states[] = {PSTATE_EL1H, PSTATE_EL1T, PSTATE_EL1H & ~UINT64_C(0x3c0),
                                      PSTATE_EL1H | UINT64_C(0xf) << 28};
    struct guest g;
    a64_create(&g);
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        suite_about("PSTATE 0x%" PRIx64, states[i]);
        a64_set(&g, VMACCEL_ARM64_PSTATE, states[i]);
        CHECK_EQ(a64_get(&g, VMACCEL_ARM64_PSTATE), states[i]);
        GO_DONE(&g, mrs_daif);
        CHECK_EQ(X(&g, 0), states[i] & 0x3c0);
        CHECK_EQ(a64_get(&g, VMACCEL_ARM64_PSTATE), states[i]);
        GO_DONE(&g, mrs_currentel);
        CHECK_EQ(X(&g, 0), 1 << 2);
    }
}

/* Stack pointers are those of the mode. */
void case_stack_pointers(void)
{
    struct guest g;
    a64_create(&g);
    a64_set(&g, VMACCEL_ARM64_SP_EL0, GUEST_MMIO + 0x100);
    a64_set(&g, VMACCEL_ARM64_SP_EL1, GUEST_MMIO + 0x200);
    GO(&g, invert);
    RUN_TO_WRITE(&g, GUEST_MMIO + 0x200, 4, 0);
    a64_set(&g, VMACCEL_ARM64_PSTATE, PSTATE_EL1T);
    GO(&g, invert);
    RUN_TO_WRITE(&g, GUEST_MMIO + 0x100, 4, 0);
    CHECK_EQ(a64_get(&g, VMACCEL_ARM64_SP_EL1), GUEST_MMIO + 0x200);
}

/* Modes a guest of EL1 can't be in are refused, or an illegal state at entry: never run. */
void case_pstate_bad_mode(void)
{
    static const uint64_t bad[] = {0x3c9, 0x3cd, 0x3c7, 0x1d3};
    struct guest g;
    a64_create(&g);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        suite_about("PSTATE 0x%" PRIx64, bad[i]);
        vmaccel_status status = vmaccel_arm64_set_reg(g.vcpu, VMACCEL_ARM64_PSTATE, bad[i]);
        if (status == VMACCEL_OK)
            status = vmaccel_vcpu_run(g.vcpu);
        if (status == VMACCEL_OK) {
            EXPECT_EXIT(&g, VMACCEL_EXIT_FAILED_ENTRY);
            CHECK(strcmp(g.exit->u.failed_entry.field, "pstate") == 0);
        } else {
            CHECK_STATUS(status, VMACCEL_E_INVALID_ARGUMENT);
            CHECK_DETAIL("pstate");
        }
        a64_set(&g, VMACCEL_ARM64_PSTATE, PSTATE_EL1H);
        GO_DONE(&g, nop);
    }
}

void case_fpu_registers(void)
{
    struct guest g;
    vmaccel_arm64_fpu fpu, after;
    a64_create(&g);
    memset(&fpu, 0, sizeof(fpu));
    for (unsigned n = 0; n < 32; n++) {
        for (unsigned i = 0; i < 16; i++)
            fpu.v[n][i] = (uint8_t)(n * 16 + i + 1);
    }
    fpu.fpcr = FPCR_FZ;
    fpu.fpsr = FPSR_QC | 1;
    CHECK_OK(vmaccel_arm64_set_fpu(g.vcpu, &fpu));
    CHECK_OK(vmaccel_arm64_get_fpu(g.vcpu, &after));
    CHECK_BYTES(&after, &fpu, sizeof(fpu));
    SET_X(&g, 4, FPCR_DN);
    SET_X(&g, 5, 2);
    GO_DONE(&g, invert_v);
    CHECK_EQ(X(&g, 2), FPCR_FZ);
    CHECK_EQ(X(&g, 3), FPSR_QC | 1);
    CHECK_OK(vmaccel_arm64_get_fpu(g.vcpu, &after));
    for (unsigned n = 0; n < 32; n++) {
        for (unsigned i = 0; i < 16; i++)
            CHECK_EQ(after.v[n][i], (uint8_t)~fpu.v[n][i]);
    }
    CHECK_EQ(after.fpcr, FPCR_DN);
    CHECK_EQ(after.fpsr, 2);
}

/* Without CPACR_EL1.FPEN the guest's FP instructions trap in the guest, and its values stay. */
void case_fpu_trapped_in_guest(void)
{
    struct guest g;
    vmaccel_arm64_fpu fpu, after;
    a64_create(&g);
    memset(&fpu, 0x5a, sizeof(fpu));
    fpu.fpcr = fpu.fpsr = 0;
    CHECK_OK(vmaccel_arm64_set_fpu(g.vcpu, &fpu));
    a64_set_sysreg(&g, CPACR_EL1, 0);
    GO(&g, invert_v);
    struct a64_trap trap = RUN_TO_TRAP(&g, VECTOR_SYNC);
    CHECK_EQ(ESR_EC(trap.esr), 0x07);
    CHECK_EQ(trap.elr, EL1_AT(invert_v));
    CHECK_OK(vmaccel_arm64_get_fpu(g.vcpu, &after));
    CHECK_BYTES(&after, &fpu, sizeof(fpu));
}

/* V is the low part of Z: written, it leaves the rest of Z alone. */
void case_sve_registers(void)
{
    struct guest g;
    vmaccel_arm64_fpu fpu;
    a64_create(&g);
    size_t vl = (size_t)suite_need(g.vm, VMACCEL_CAP_REG_SVE);
    size_t size = VMACCEL_ARM64_SVE_SIZE(vl), rest = vl * 32;
    uint8_t *area = suite_pages(2 * size), *again = area + size;
    for (size_t i = 0; i < rest; i++)
        area[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t i = rest; i < size; i++)
        area[i] = (uint8_t)(i | 1);
    CHECK_OK(vmaccel_arm64_set_sve(g.vcpu, area, size));
    CHECK_OK(vmaccel_arm64_get_sve(g.vcpu, again, size));
    CHECK_BYTES(again, area, size);
    CHECK_OK(vmaccel_arm64_get_fpu(g.vcpu, &fpu));
    for (unsigned n = 0; n < 32; n++)
        CHECK_BYTES(fpu.v[n], area + n * vl, 16);
    memset(fpu.v[3], 0xc3, 16);
    CHECK_OK(vmaccel_arm64_set_fpu(g.vcpu, &fpu));
    memset(area + 3 * vl, 0xc3, 16);
    CHECK_OK(vmaccel_arm64_get_sve(g.vcpu, again, size));
    CHECK_BYTES(again, area, size);
    a64_set_sysreg(&g, CPACR_EL1, 3 << 20 | 3 << 16);
    a64_set_sysreg(&g, ZCR_EL1, 15); /* all that the platform allows */
    GO_DONE(&g, invert_z);
    CHECK_EQ(X(&g, 2), vl);
    CHECK_OK(vmaccel_arm64_get_sve(g.vcpu, again, size));
    for (size_t i = 0; i < rest; i++)
        CHECK_EQ(again[i], (uint8_t)~area[i]);
    CHECK_BYTES(again + rest + vl / 8, area + rest + vl / 8, size - rest - vl / 8);
    CHECK_STATUS(vmaccel_arm64_get_sve(g.vcpu, again, size - 1), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_arm64_set_sve(g.vcpu, NULL, size), VMACCEL_E_INVALID_ARGUMENT);
}

/* A VM that is told to have none. */
void case_features_off(void)
{
    struct guest g;
    vmaccel_vm *vm = suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0);
    CHECK_STATUS(vmaccel_arm64_set_features(vm, 1u << 31), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_OK(vmaccel_arm64_set_features(vm, 0));
    a64_map(&g, vm);
    a64_add_vcpu(&g, 0);
    CHECK_EQ(vmaccel_vm_cap(vm, VMACCEL_CAP_REG_SVE), 0);
    CHECK_EQ(vmaccel_vm_cap(vm, VMACCEL_CAP_ARM64_PAUTH), 0);
    CHECK_EQ(vmaccel_vm_cap(vm, VMACCEL_CAP_ARM64_PMU), 0);
    CHECK_STATUS(vmaccel_arm64_set_features(vm, 0), VMACCEL_E_STATE);
    GO_DONE(&g, mrs_pfr0);
    CHECK_EQ(X(&g, 0) >> 32 & 15, 0);
    GO(&g, invert_z);
    struct a64_trap trap = RUN_TO_TRAP(&g, VECTOR_SYNC);
    CHECK(ESR_EC(trap.esr) == EC_UNKNOWN || ESR_EC(trap.esr) == 0x19);
}

/* Performance monitors are there where they are asked for, and only there. */
void case_pmu_when_asked(void)
{
    for (unsigned asked = 0; asked < 2; asked++) {
        struct guest g;
        vmaccel_vm *vm = suite_vm(VMACCEL_IRQCHIP_FULL, 1, 0, 0);
        if (asked != 0)
            CHECK_OK(vmaccel_arm64_set_features(vm, VMACCEL_ARM64_FEATURE_PMU));
        a64_map(&g, vm);
        a64_add_vcpu(&g, 0);
        uint64_t version = a64_sysreg(&g, ID_AA64DFR0_EL1) >> 8 & 15;
        CHECK((version != 0 && version != 15) == (asked != 0));
        GO(&g, mrs_pmcr);
        RUN(&g);
        if (asked != 0) {
            a64_expect_done(SITE, &g);
        } else {
            struct a64_trap trap = a64_expect_trap(SITE, &g, VECTOR_SYNC);
            CHECK_EQ(ESR_EC(trap.esr), EC_UNKNOWN);
        }
        guest_destroy(&g);
    }
}
