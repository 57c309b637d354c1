/* SPDX-License-Identifier: BSD-2-Clause */
/* System registers by their encodings. */
#include "arm64_guest.h"

#define UNKNOWN REG(3, 0, 15, 12, 7)
#define MOST    1024u

/* Those of el1.S's read_sysregs, with a value each and what of it is kept. */
static const struct {
    uint32_t id;
    uint64_t value;
} software[] = {
    {TPIDR_EL0, 0x1111222233334444},
    {TPIDRRO_EL0, 0x2222333344445555},
    {TPIDR_EL1, 0x3333444455556666},
    {CONTEXTIDR_EL1, 0x44445555},
    {FAR_EL1, 0xffff800012345678},
    {ESR_EL1, 0x96000047},
    {AFSR0_EL1, 0},
    {AFSR1_EL1, 0},
    {AMAIR_EL1, 0},
    {TTBR1_EL1, 0x0055000000043000},
    {VBAR_EL1, 0x2000},
    {CSSELR_EL1, 2},
    {MDSCR_EL1, 0x1000},
    {PAR_EL1, 0x801},
    {REG(3, 0, 4, 1, 0), 0x7770}, /* SP_EL0 */
    {REG(3, 0, 4, 0, 1), 0x8888}, /* ELR_EL1 */
    {REG(3, 0, 4, 0, 0), 0x3c5},  /* SPSR_EL1 */
};
#define SOFTWARE (sizeof(software) / sizeof(software[0]))

/* The last three are general registers in this API. */
static void set_software(struct guest *g, uint64_t turn)
{
    for (size_t i = 0; i < SOFTWARE - 3; i++)
        a64_set_sysreg(g, software[i].id, software[i].value ^ turn);
    a64_set(g, VMACCEL_ARM64_SP_EL0, software[SOFTWARE - 3].value);
    a64_set(g, VMACCEL_ARM64_ELR_EL1, software[SOFTWARE - 2].value);
    a64_set(g, VMACCEL_ARM64_SPSR_EL1, software[SOFTWARE - 1].value);
}

void case_sysregs_set_by_caller(void)
{
    struct guest g;
    a64_create(&g);
    set_software(&g, 0);
    SET_X(&g, 1, GUEST_DATA);
    GO_DONE(&g, read_sysregs);
    for (size_t i = 0; i < SOFTWARE; i++) {
        suite_about("register 0x%" PRIx32, software[i].id);
        uint64_t seen;
        memcpy(&seen, g.ram + GUEST_DATA + 8 * i, 8);
        CHECK_EQ(seen, software[i].value);
    }
}

void case_sysregs_set_by_guest(void)
{
    struct guest g;
    a64_create(&g);
    for (size_t i = 0; i < SOFTWARE; i++)
        memcpy(g.ram + GUEST_DATA + 8 * i, &software[i].value, 8);
    SET_X(&g, 1, GUEST_DATA);
    GO_DONE(&g, write_sysregs);
    for (size_t i = 0; i < SOFTWARE - 3; i++) {
        suite_about("register 0x%" PRIx32, software[i].id);
        CHECK_EQ(a64_sysreg(&g, software[i].id), software[i].value);
    }
    CHECK_EQ(a64_get(&g, VMACCEL_ARM64_SP_EL0), software[SOFTWARE - 3].value);
    CHECK_EQ(a64_get(&g, VMACCEL_ARM64_ELR_EL1), software[SOFTWARE - 2].value);
    CHECK_EQ(a64_get(&g, VMACCEL_ARM64_SPSR_EL1), software[SOFTWARE - 1].value);
}

void case_sysregs_of_translation(void)
{
    static const uint32_t ids[] = {TTBR0_EL1, TTBR1_EL1, TCR_EL1, SCTLR_EL1, MAIR_EL1, VBAR_EL1};
    struct guest g;
    a64_create(&g);
    vmaccel_arm64_sysreg regs[6], again[6];
    for (size_t i = 0; i < 6; i++)
        regs[i] = (vmaccel_arm64_sysreg){.id = ids[i]};
    CHECK_OK(vmaccel_arm64_get_sysregs(g.vcpu, regs, 6, NULL));
    CHECK_EQ(regs[0].value, A64_L1);
    CHECK_EQ(regs[3].value & 1, 1);
    CHECK_EQ(regs[4].value, 0xff00);
    CHECK_EQ(regs[5].value, EL1_AT(vectors));
    CHECK_OK(vmaccel_arm64_set_sysregs(g.vcpu, regs, 6, NULL));
    GO_DONE(&g, nop);
    memcpy(again, regs, sizeof(regs));
    for (size_t i = 0; i < 6; i++)
        again[i].value = ~UINT64_C(0);
    CHECK_OK(vmaccel_arm64_get_sysregs(g.vcpu, again, 6, NULL));
    CHECK_BYTES(again, regs, sizeof(regs));
}

void case_sysregs_batch_partial(void)
{
    struct guest g;
    size_t done = 99;
    vmaccel_arm64_sysreg regs[4] = {
        {TPIDR_EL0, 0, 0x11}, {TPIDR_EL1, 0, 0x22}, {UNKNOWN, 0, 0x33}, {TPIDRRO_EL0, 0, 0x44}};
    a64_create(&g);
    a64_set_sysreg(&g, TPIDRRO_EL0, 0x55);
    CHECK(vmaccel_arm64_set_sysregs(g.vcpu, regs, 4, &done) != VMACCEL_OK);
    CHECK_EQ(done, 2);
    CHECK_DETAIL("S3_0_C15_C12_7");
    CHECK_EQ(a64_sysreg(&g, TPIDR_EL0), 0x11);
    CHECK_EQ(a64_sysreg(&g, TPIDR_EL1), 0x22);
    CHECK_EQ(a64_sysreg(&g, TPIDRRO_EL0), 0x55);
    done = 99;
    CHECK(vmaccel_arm64_get_sysregs(g.vcpu, regs, 4, &done) != VMACCEL_OK);
    CHECK_EQ(done, 2);
    CHECK_EQ(regs[1].value, 0x22);
    done = 99;
    CHECK_OK(vmaccel_arm64_get_sysregs(g.vcpu, regs, 0, &done));
    CHECK_EQ(done, 0);
    regs[0].reserved = 1;
    CHECK_STATUS(vmaccel_arm64_get_sysregs(g.vcpu, regs, 1, NULL), VMACCEL_E_INVALID_ARGUMENT);
    regs[0] = (vmaccel_arm64_sysreg){.id = 0x12345678};
    CHECK_STATUS(vmaccel_arm64_get_sysregs(g.vcpu, regs, 1, NULL), VMACCEL_E_INVALID_ARGUMENT);
}

void case_sysreg_list(void)
{
    static uint32_t ids[MOST];
    static vmaccel_arm64_sysreg regs[MOST];
    static const uint32_t wanted[] = {
        SCTLR_EL1,    TTBR0_EL1,      TTBR1_EL1,  TCR_EL1,     MAIR_EL1,  VBAR_EL1,   TPIDR_EL0,
        TPIDR_EL1,    CONTEXTIDR_EL1, ESR_EL1,    FAR_EL1,     CPACR_EL1, AMAIR_EL1,  PAR_EL1,
        CNTV_CTL_EL0, CNTV_CVAL_EL0,  CNTVCT_EL0, CNTKCTL_EL1, MDSCR_EL1, DBGBVR0_EL1};
    struct guest g;
    size_t count = 0, room;
    a64_create(&g);
    CHECK_STATUS(vmaccel_arm64_sysreg_list(g.vcpu, ids, &count), VMACCEL_E_LIMIT);
    CHECK(count > sizeof(wanted) / sizeof(wanted[0]) && count <= MOST);
    room = count - 1;
    CHECK_STATUS(vmaccel_arm64_sysreg_list(g.vcpu, ids, &room), VMACCEL_E_LIMIT);
    CHECK_EQ(room, count);
    CHECK_OK(vmaccel_arm64_sysreg_list(g.vcpu, ids, &room));
    CHECK_EQ(room, count);
    for (size_t w = 0; w < sizeof(wanted) / sizeof(wanted[0]); w++) {
        size_t times = 0;
        suite_about("register 0x%" PRIx32, wanted[w]);
        for (size_t i = 0; i < count; i++)
            times += ids[i] == wanted[w];
        CHECK_EQ(times, 1);
    }
    suite_about("%s", "the whole list");
    for (size_t i = 0; i < count; i++)
        regs[i] = (vmaccel_arm64_sysreg){.id = ids[i]};
    CHECK_OK(vmaccel_arm64_get_sysregs(g.vcpu, regs, count, NULL));
    CHECK_OK(vmaccel_arm64_set_sysregs(g.vcpu, regs, count, NULL));
    GO_DONE(&g, nop);
    suite_note("%zu registers", count);
}

/* What the caller reads is what the guest reads; writing another value is refused. */
void case_id_registers(void)
{
    struct guest g;
    a64_create(&g);
    GO_DONE(&g, mrs_pfr0);
    uint64_t pfr0 = X(&g, 0);
    CHECK_EQ(a64_sysreg(&g, ID_AA64PFR0_EL1), pfr0);
    CHECK((pfr0 >> 4 & 15) == 1 || (pfr0 >> 4 & 15) == 2); /* EL1 */
    GO_DONE(&g, mrs_isar0);
    CHECK_EQ(a64_sysreg(&g, ID_AA64ISAR0_EL1), X(&g, 0));
    GO_DONE(&g, mrs_mmfr0);
    CHECK_EQ(a64_sysreg(&g, ID_AA64MMFR0_EL1), X(&g, 0));
    GO_DONE(&g, mrs_midr);
    uint64_t midr = X(&g, 0);
    CHECK_EQ(a64_sysreg(&g, MIDR_EL1), midr);
    GO_DONE(&g, mrs_mpidr);
    CHECK_EQ(a64_sysreg(&g, MPIDR_EL1), X(&g, 0));
    CHECK_EQ(X(&g, 0) & 0xff00ffffff, 0);
    vmaccel_arm64_sysreg reg = {MIDR_EL1, 0, ~midr & 0xffffffff};
    CHECK(vmaccel_arm64_set_sysregs(g.vcpu, &reg, 1, NULL) != VMACCEL_OK);
    CHECK_EQ(a64_sysreg(&g, MIDR_EL1), midr);
    reg.value = midr;
    CHECK_OK(vmaccel_arm64_set_sysregs(g.vcpu, &reg, 1, NULL));
}

/* The guest's access to an unknown register is undefined there. */
void case_unknown_sysreg_in_guest(void)
{
    struct guest g;
    a64_create(&g);
    GO(&g, mrs_unknown);
    struct a64_trap trap = RUN_TO_TRAP(&g, VECTOR_SYNC);
    CHECK_EQ(ESR_EC(trap.esr), EC_UNKNOWN);
    CHECK_EQ(trap.elr, EL1_AT(mrs_unknown));
    GO(&g, msr_unknown);
    trap = RUN_TO_TRAP(&g, VECTOR_SYNC);
    CHECK_EQ(ESR_EC(trap.esr), EC_UNKNOWN);
    CHECK_EQ(trap.elr, EL1_AT(msr_unknown));
}

void case_unknown_sysreg_exits(void)
{
    struct guest g;
    a64_create_with(&g, VMACCEL_IRQCHIP_NONE, VMACCEL_VM_EXIT_MSR);
    GO(&g, mrs_unknown);
    RUN_TO(&g, VMACCEL_EXIT_MSR);
    CHECK_EQ(g.exit->u.msr.id, UNKNOWN);
    CHECK_EQ(g.exit->u.msr.is_write, false);
    g.exit->u.msr.value = 0x1234;
    RUN_TO_DONE(&g);
    CHECK_EQ(X(&g, 0), 0x1234);
    GO(&g, msr_unknown);
    RUN_TO(&g, VMACCEL_EXIT_MSR);
    CHECK_EQ(g.exit->u.msr.value, 0x1234);
    g.exit->u.msr.error = 1;
    struct a64_trap trap = RUN_TO_TRAP(&g, VECTOR_SYNC);
    CHECK_EQ(ESR_EC(trap.esr), EC_UNKNOWN);
}

/* Five keys of two halves each. */
void case_pauth_keys(void)
{
    static const struct {
        uint8_t crm, op2;
    } keys[] = {{1, 0}, {1, 2}, {2, 0}, {2, 2}, {3, 0}};
    struct guest g;
    a64_create(&g);
    suite_need(g.vm, VMACCEL_CAP_ARM64_PAUTH);
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned half = 0; half < 2; half++)
            a64_set_sysreg(&g, REG(3, 0, 2, keys[i].crm, keys[i].op2 + half),
                           0x1010101010101010 * (i + 1) + half);
    }
    GO_DONE(&g, nop);
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned half = 0; half < 2; half++)
            CHECK_EQ(a64_sysreg(&g, REG(3, 0, 2, keys[i].crm, keys[i].op2 + half)),
                     0x1010101010101010 * (i + 1) + half);
    }
}

void case_debug_registers(void)
{
    static const vmaccel_arm64_sysreg regs[] = {{DBGBVR0_EL1, 0, 0xffff00000001234c},
                                                {DBGBCR0_EL1, 0, 0x1e4},
                                                {DBGWVR0_EL1, 0, 0xffff000000056780},
                                                {DBGWCR0_EL1, 0, 0x1ff4}};
    struct guest g;
    uint64_t seen[4];
    a64_create(&g);
    CHECK_OK(vmaccel_arm64_set_sysregs(g.vcpu, regs, 4, NULL));
    SET_X(&g, 1, GUEST_DATA);
    GO_DONE(&g, read_debug);
    memcpy(seen, g.ram + GUEST_DATA, sizeof(seen));
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(seen[i], regs[i].value);
        CHECK_EQ(a64_sysreg(&g, regs[i].id), regs[i].value);
    }
}

/* The count is what the caller sets, up and down, and goes on from there. */
void case_virtual_count(void)
{
    static const uint64_t counts[] = {UINT64_C(1) << 50, UINT64_C(1) << 30, 1000};
    struct guest g;
    a64_create(&g);
    GO_DONE(&g, mrs_cntfrq);
    uint64_t frequency = X(&g, 0);
    CHECK(frequency != 0);
    for (unsigned i = 0; i < 3; i++) {
        a64_set_sysreg(&g, CNTVCT_EL0, counts[i]);
        GO_DONE(&g, mrs_cntvct);
        uint64_t first = X(&g, 0);
        GO_DONE(&g, mrs_cntvct);
        uint64_t second = X(&g, 0), read = a64_sysreg(&g, CNTVCT_EL0);
        CHECK(first >= counts[i] && first - counts[i] < 20 * frequency);
        CHECK(second >= first);
        CHECK(read >= second && read - counts[i] < 20 * frequency);
    }
}

/* KVM's numbers for the two are each other's: CVAL stays CVAL. */
void case_timer_registers(void)
{
    struct guest g;
    a64_create(&g);
    a64_set_sysreg(&g, CNTV_CVAL_EL0, 0x7fff000011112222);
    a64_set_sysreg(&g, CNTV_CTL_EL0, 0);
    CHECK_EQ(a64_sysreg(&g, CNTV_CVAL_EL0), 0x7fff000011112222);
    GO_DONE(&g, mrs_cntv_cval);
    CHECK_EQ(X(&g, 0), 0x7fff000011112222);
    GO_DONE(&g, mrs_cntvct);
    CHECK(X(&g, 0) < UINT64_C(0x7ff0000000000000));
    SET_X(&g, 0, 0x6fff000033334444);
    GO_DONE(&g, msr_cntv_cval);
    CHECK_EQ(a64_sysreg(&g, CNTV_CVAL_EL0), 0x6fff000033334444);
    a64_set_sysreg(&g, CNTV_CTL_EL0, 3);
    GO_DONE(&g, mrs_cntv_ctl);
    CHECK_EQ(X(&g, 0), 3);
}
