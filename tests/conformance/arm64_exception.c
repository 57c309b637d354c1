/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions to EL1: which, and what they report. */
#include "arm64_guest.h"
#include "suite_host.h"

#define PAGE_TEST     (GUEST_DATA + 0x5000u)
#define PTE_AF        (UINT64_C(1) << 10)
#define PTE_READ_ONLY (UINT64_C(1) << 7)
#define PTE_PXN       (UINT64_C(1) << 53)
#define ESR_WNR       (1u << 6)
#define ESR_IL        (1u << 25)
#define PSCI_VERSION  0x84000000u
#define PSCI_FEATURES 0x8400000au
#define NOT_SUPPORTED UINT64_MAX
#define SERROR_ISS    0x123456u

static void expect_fault(struct guest *g, uint32_t label, uint64_t address, uint32_t class_,
                         uint32_t status, bool write)
{
    SET_X(g, 1, address);
    SET_PC(g, label);
    struct a64_trap trap = RUN_TO_TRAP(g, VECTOR_SYNC);
    CHECK_EQ(ESR_EC(trap.esr), class_);
    CHECK_EQ(ESR_FSC(trap.esr), status);
    CHECK_EQ(trap.esr & ESR_WNR, write ? ESR_WNR : 0);
    CHECK_EQ(trap.far, address);
    CHECK_EQ(trap.elr, class_ == EC_IABT_SAME ? address : label);
    CHECK_EQ(trap.spsr & 0x3cf, PSTATE_EL1H);
}

/* Made while the translations are not cached: the pages have not been used. */
void case_stage_1_faults(void)
{
    struct guest g;
    a64_create(&g);
    uint64_t page = *a64_pte(&g, PAGE_TEST), next;
    /* Level 1, 2 and 3. */
    expect_fault(&g, EL1_AT(ldr_w), 0xc0000040, EC_DABT_SAME, FSC_TRANSLATION + 1, false);
    next = 0;
    memcpy(g.ram + A64_L2 + 8 * 100, &next, 8);
    expect_fault(&g, EL1_AT(str_w), 100 << 21, EC_DABT_SAME, FSC_TRANSLATION + 2, true);
    *a64_pte(&g, PAGE_TEST) = 0;
    expect_fault(&g, EL1_AT(ldr_w), PAGE_TEST + 8, EC_DABT_SAME, FSC_TRANSLATION + 3, false);
    expect_fault(&g, EL1_AT(str_w), PAGE_TEST + 8, EC_DABT_SAME, FSC_TRANSLATION + 3, true);
    expect_fault(&g, EL1_AT(branch), PAGE_TEST + 8, EC_IABT_SAME, FSC_TRANSLATION + 3, false);
    /* Out of the address space, level 0. */
    expect_fault(&g, EL1_AT(ldr_w), A64_UNMAPPED, EC_DABT_SAME, FSC_TRANSLATION, false);
    /* Access flag, permission. */
    *a64_pte(&g, PAGE_TEST + 0x1000) = (page + 0x1000) & ~PTE_AF;
    expect_fault(&g, EL1_AT(ldr_w), PAGE_TEST + 0x1008, EC_DABT_SAME, FSC_ACCESS_FLAG + 3, false);
    *a64_pte(&g, PAGE_TEST + 0x2000) = (page + 0x2000) | PTE_READ_ONLY;
    expect_fault(&g, EL1_AT(str_w), PAGE_TEST + 0x2008, EC_DABT_SAME, FSC_PERMISSION + 3, true);
    SET_X(&g, 1, PAGE_TEST + 0x2008);
    GO_DONE(&g, ldr_w);
    *a64_pte(&g, PAGE_TEST + 0x3000) = (page + 0x3000) | PTE_PXN;
    expect_fault(&g, EL1_AT(branch), PAGE_TEST + 0x3000, EC_IABT_SAME, FSC_PERMISSION + 3, false);
    /* Block descriptors. */
    next = UINT64_C(101) << 21 | PTE_AF | PTE_READ_ONLY | 1;
    memcpy(g.ram + A64_L2 + 8 * 101, &next, 8);
    expect_fault(&g, EL1_AT(str_w), 101 << 21, EC_DABT_SAME, FSC_PERMISSION + 2, true);
}

/* A walk that leaves RAM is the guest's own external abort on a walk, or a defined exit. */
void case_walk_outside_memory(void)
{
    struct guest g;
    uint64_t table = UINT64_C(0x60000000) | 3;
    a64_create(&g);
    memcpy(g.ram + A64_L2 + 8 * 100, &table, 8);
    SET_X(&g, 1, 100 << 21);
    GO(&g, ldr_w);
    RUN(&g);
    if (g.exit->reason == VMACCEL_EXIT_MMIO) {
        struct a64_trap trap = a64_expect_trap(SITE, &g, VECTOR_SYNC);
        CHECK_EQ(ESR_EC(trap.esr), EC_DABT_SAME);
    } else {
        CHECK(g.exit->reason == VMACCEL_EXIT_MEMORY_FAULT ||
              g.exit->reason == VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION);
    }
    GO_DONE(&g, nop);
}

void case_svc_and_brk(void)
{
    struct guest g;
    a64_create(&g);
    GO(&g, svc);
    struct a64_trap trap = RUN_TO_TRAP(&g, VECTOR_SYNC);
    CHECK_EQ(ESR_EC(trap.esr), EC_SVC);
    CHECK_EQ(trap.esr & 0xffff, 0x123);
    CHECK_EQ(trap.esr & ESR_IL, ESR_IL);
    CHECK_EQ(trap.elr, EL1_AT(svc) + 4);
    RUN_TO_DONE(&g);
    GO(&g, brk);
    trap = RUN_TO_TRAP(&g, VECTOR_SYNC);
    CHECK_EQ(ESR_EC(trap.esr), EC_BRK);
    CHECK_EQ(trap.esr & 0xffff, 0x77);
    CHECK_EQ(trap.elr, EL1_AT(brk));
}

void case_undefined(void)
{
    struct guest g;
    a64_create(&g);
    GO(&g, udf);
    struct a64_trap trap = RUN_TO_TRAP(&g, VECTOR_SYNC);
    CHECK_EQ(ESR_EC(trap.esr), EC_UNKNOWN);
    CHECK_EQ(trap.elr, EL1_AT(udf));
    a64_set(&g, VMACCEL_ARM64_ELR_EL1, trap.elr + 4);
    RUN_TO_DONE(&g);
}

/* To EL0 and back by SVC, through the vector for lower levels; its page is EL0's. */
void case_el0(void)
{
    struct guest g;
    a64_create(&g);
    const uint64_t page = UINT64_C(0x30000), user = PTE_AF | 3 << 8 | 1 << 2 | 1 << 6 | 3;
    memcpy(g.ram + page, g.ram + EL1_AT(el0), 8);
    *a64_pte(&g, page) = page | user;
    SET_X(&g, 0, page);
    SET_X(&g, 3, 5);
    GO(&g, to_el0);
    struct a64_trap trap = RUN_TO_TRAP(&g, VECTOR_SYNC_EL0);
    CHECK_EQ(ESR_EC(trap.esr), EC_SVC);
    CHECK_EQ(trap.esr & 0xffff, 7);
    CHECK_EQ(trap.elr, page + 8);
    CHECK_EQ(trap.spsr & 0xf, 0);
    CHECK_EQ(X(&g, 3), 6);
    /* EL0 may not read EL1's page. */
    *a64_pte(&g, 0x31000) = UINT64_C(0x31000) | user;
    memcpy(g.ram + 0x31000, g.ram + EL1_AT(ldr_w), 4);
    SET_X(&g, 0, 0x31000);
    SET_X(&g, 1, GUEST_DATA);
    GO(&g, to_el0);
    trap = RUN_TO_TRAP(&g, VECTOR_SYNC_EL0);
    CHECK_EQ(ESR_EC(trap.esr), EC_DABT_LOWER);
    CHECK_EQ(ESR_FSC(trap.esr), FSC_PERMISSION + 3);
    CHECK_EQ(trap.far, GUEST_DATA);
}

static uint64_t call(struct guest *g, uint32_t label, uint64_t function, uint64_t argument)
{
    SET_X(g, 0, function);
    SET_X(g, 1, argument);
    SET_PC(g, label);
    RUN_TO_DONE(g);
    return X(g, 0);
}

/* PSCI by HVC; SMC answers the same or is not there, and is never lost. */
void case_hvc_and_smc(void)
{
    struct guest g;
    a64_create(&g);
    uint64_t version = call(&g, EL1_AT(hvc), PSCI_VERSION, 0);
    CHECK(version >> 16 == 1 || version == 2);
    CHECK_EQ((int64_t)(int32_t)call(&g, EL1_AT(hvc), PSCI_FEATURES, PSCI_VERSION), 0);
    CHECK_EQ(call(&g, EL1_AT(hvc), 0x12345678, 0), NOT_SUPPORTED);
    CHECK_EQ(call(&g, EL1_AT(hvc), 0xc600ffff, 0), NOT_SUPPORTED);
    SET_X(&g, 0, PSCI_VERSION);
    GO(&g, smc);
    RUN(&g);
    if (g.exit->reason == VMACCEL_EXIT_MMIO && g.exit->u.mmio.gpa == A64_MARKS + A64_DONE) {
        CHECK(X(&g, 0) == version || X(&g, 0) == NOT_SUPPORTED);
    } else {
        struct a64_trap trap = a64_expect_trap(SITE, &g, VECTOR_SYNC);
        CHECK_EQ(ESR_EC(trap.esr), EC_UNKNOWN);
        CHECK_EQ(trap.elr, EL1_AT(smc));
    }
}

static void set_serror(struct guest *g, bool has_esr)
{
    vmaccel_arm64_events events;
    CHECK_OK(vmaccel_arm64_get_events(g->vcpu, &events));
    CHECK_EQ(events.serror_pending, false);
    events.serror_pending = true;
    events.serror_has_esr = has_esr;
    events.serror_esr = has_esr ? SERROR_ISS : 0;
    CHECK_OK(vmaccel_arm64_set_events(g->vcpu, &events));
    CHECK_OK(vmaccel_arm64_get_events(g->vcpu, &events));
    CHECK_EQ(events.serror_pending, true);
}

void case_serror(void)
{
    struct guest g;
    vmaccel_arm64_events events;
    a64_create(&g);
    set_serror(&g, false);
    /* Masked it waits; taken it is gone. */
    GO_DONE(&g, nop);
    CHECK_OK(vmaccel_arm64_get_events(g.vcpu, &events));
    CHECK_EQ(events.serror_pending, true);
    a64_set(&g, VMACCEL_ARM64_PSTATE, PSTATE_EL1H & ~PSTATE_A);
    GO(&g, nop);
    struct a64_trap trap = RUN_TO_TRAP(&g, VECTOR_SERROR);
    CHECK_EQ(ESR_EC(trap.esr), EC_SERROR);
    CHECK_EQ(trap.elr, EL1_AT(nop));
    CHECK_OK(vmaccel_arm64_get_events(g.vcpu, &events));
    CHECK_EQ(events.serror_pending, false);
    RUN_TO_DONE(&g);
}

/* Where the CPU has RAS; elsewhere a syndrome is refused. */
void case_serror_syndrome(void)
{
    struct guest g;
    vmaccel_arm64_events events;
    a64_create(&g);
    memset(&events, 0, sizeof(events));
    events.serror_pending = events.serror_has_esr = true;
    events.serror_esr = SERROR_ISS;
    vmaccel_status status = vmaccel_arm64_set_events(g.vcpu, &events);
    if ((a64_sysreg(&g, ID_AA64PFR0_EL1) >> 28 & 15) == 0) {
        CHECK(status == VMACCEL_E_INVALID_ARGUMENT || status == VMACCEL_E_NOT_SUPPORTED);
        suite_skip_host("the guest CPU's RAS extension");
    }
    CHECK_OK(status);
    a64_set(&g, VMACCEL_ARM64_PSTATE, PSTATE_EL1H & ~PSTATE_A);
    GO(&g, nop);
    struct a64_trap trap = RUN_TO_TRAP(&g, VECTOR_SERROR);
    CHECK_EQ(ESR_EC(trap.esr), EC_SERROR);
    CHECK_EQ(trap.esr & 0x1ffffff, SERROR_ISS);
}

/* An ERET to a state that is not there: PSTATE.IL, and the next instruction is the exception. */
void case_illegal_state(void)
{
    struct guest g;
    a64_create(&g);
    a64_set(&g, VMACCEL_ARM64_ELR_EL1, EL1_AT(nop));
    a64_set(&g, VMACCEL_ARM64_SPSR_EL1, 0x3cd); /* EL3 */
    GO(&g, eret);
    struct a64_trap trap = RUN_TO_TRAP(&g, VECTOR_SYNC);
    CHECK_EQ(ESR_EC(trap.esr), EC_ILLEGAL);
    CHECK_EQ(trap.elr, EL1_AT(nop));
    CHECK_EQ(trap.spsr & PSTATE_IL, PSTATE_IL);
    /* Set by the caller. */
    a64_set(&g, VMACCEL_ARM64_PSTATE, PSTATE_EL1H | PSTATE_IL);
    GO(&g, nop);
    trap = RUN_TO_TRAP(&g, VECTOR_SYNC);
    CHECK_EQ(ESR_EC(trap.esr), EC_ILLEGAL);
    a64_set(&g, VMACCEL_ARM64_PSTATE, PSTATE_EL1H);
    GO_DONE(&g, nop);
}

static void kick_soon(void *argument)
{
    host_sleep_ns(30000000);
    CHECK_OK(vmaccel_vcpu_kick(argument));
}

/* Vectors that are not mapped: exceptions without end, which a kick gets out of. */
void case_exception_loop_is_kicked(void)
{
    struct guest g;
    a64_create(&g);
    a64_set_sysreg(&g, VBAR_EL1, A64_UNMAPPED);
    GO(&g, svc);
    for (int i = 0; i < 3; i++) {
        struct suite_thread *thread = suite_spawn(kick_soon, g.vcpu);
        RUN_TO(&g, VMACCEL_EXIT_KICKED);
        suite_join(thread);
    }
    CHECK_EQ(PC(&g), A64_UNMAPPED + 128 * VECTOR_SYNC);
    a64_enter(&g);
    GO_DONE(&g, nop);
}
