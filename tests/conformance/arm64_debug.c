/* SPDX-License-Identifier: BSD-2-Clause */
/* Single-step, break- and watchpoints. */
#include "arm64_guest.h"
#include "common.h"

#define WATCHED            (GUEST_DATA + 0x100u)
#define MDSCR_KDE          (1u << 13)
#define MDSCR_MDE          (1u << 15)
#define EC_BREAKPOINT_SAME 0x31u

static void set_debug(struct guest *g, uint32_t flags)
{
    vmaccel_debug_config config = {.size = sizeof(config), .flags = flags};
    CHECK_OK(vmaccel_vcpu_set_debug(g->vcpu, &config));
}

static void set_point(struct guest *g, unsigned slot, vmaccel_hw_point_kind kind, uint64_t address,
                      uint8_t length)
{
    vmaccel_debug_config config = {.size = sizeof(config)};
    config.points[slot] = (vmaccel_hw_point){address, length, (uint8_t)kind};
    CHECK_OK(vmaccel_vcpu_set_debug(g->vcpu, &config));
}

static void start(struct guest *g, uint64_t pc)
{
    a64_create(g);
    SET_PC(g, pc);
    SET_X(g, 0, 0x55);
    SET_X(g, 1, A64_MMIO_DEV);
}

#define RUN_TO_STEP(g, pc)                                                                         \
    do {                                                                                           \
        RUN_TO_DEBUG(g, VMACCEL_DEBUG_STEP, pc);                                                   \
        CHECK_EQ(PC(g), pc);                                                                       \
    } while (0)

/* Through arithmetic, a branch, an exception's entry, a store to MMIO and the return. */
void case_step_kinds(void)
{
    struct guest g;
    const uint64_t vector = EL1_AT(vectors) + 128 * VECTOR_SYNC;
    start(&g, EL1_AT(steps));
    set_debug(&g, VMACCEL_DEBUG_STEP);
    RUN_TO_STEP(&g, EL1_AT(steps_1));
    CHECK_EQ(X(&g, 0), 0x56);
    RUN_TO_STEP(&g, EL1_AT(steps_2));
    RUN_TO_STEP(&g, EL1_AT(steps_3));
    CHECK_EQ(X(&g, 0), 0x57);
    RUN_TO_STEP(&g, vector);
    RUN_TO_WRITE(&g, A64_TRAPS + 8 * VECTOR_SYNC, 8, 0);
    RUN_TO_STEP(&g, vector + 4);
    RUN_TO_STEP(&g, EL1_AT(steps_4));
    RUN_TO_STEP(&g, EL1_AT(done));
    CHECK_OK(vmaccel_vcpu_set_debug(g.vcpu, NULL));
    RUN_TO_WRITE(&g, A64_MARKS + A64_DONE, 1, 0x57);
}

void case_step_thousand(void)
{
    struct guest g;
    common_create(&g, COMMON_spin);
    uint64_t pc = PC(&g);
    SET_X(&g, 0, 0);
    set_debug(&g, VMACCEL_DEBUG_STEP);
    for (uint64_t i = 0; i < 1000; i++) {
        /* Odd steps are the branch back. */
        RUN_TO_STEP(&g, i % 2 == 0 ? pc + 4 : pc);
        CHECK_EQ(X(&g, 0), i / 2 + 1);
    }
}

void case_step_over_access(void)
{
    struct guest g;
    start(&g, EL1_AT(flow_read));
    set_debug(&g, VMACCEL_DEBUG_STEP);
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    CHECK_EQ(PC(&g), EL1_AT(flow_read));
    guest_answer(&g, 0x12345678);
    RUN_TO_STEP(&g, EL1_AT(flow_read_next));
    CHECK_EQ(X(&g, 0), 0x12345678);
    RUN_TO_WRITE(&g, A64_MARKS + 0x14, 4, 0x12345678);
    start(&g, EL1_AT(flow_write));
    set_debug(&g, VMACCEL_DEBUG_STEP);
    RUN_TO_WRITE(&g, GUEST_MMIO, 4, 0x55);
    RUN_TO_STEP(&g, EL1_AT(flow_write_next));
    RUN_TO_WRITE(&g, A64_MARKS + 0x11, 1, 0x55);
    RUN_TO_STEP(&g, EL1_AT(flow_mark_next));
}

void case_step_completed_access(void)
{
    struct guest g;
    start(&g, EL1_AT(flow_read));
    set_debug(&g, VMACCEL_DEBUG_STEP);
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    guest_answer(&g, 0xa5);
    COMPLETE(&g);
    CHECK_EQ(PC(&g), EL1_AT(flow_read_next));
    RUN_TO_STEP(&g, EL1_AT(flow_read_next));
    RUN_TO_WRITE(&g, A64_MARKS + 0x14, 4, 0xa5);
}

void case_step_among_kicks(void)
{
    struct guest g;
    start(&g, EL1_AT(steps_2));
    set_debug(&g, VMACCEL_DEBUG_STEP);
    unsigned steps = 0, kicks = 0;
    for (int i = 0; i < 200; i++) {
        if (i % 3 == 0)
            CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
        RUN(&g);
        if (g.exit->reason == VMACCEL_EXIT_KICKED) {
            kicks++;
            continue;
        }
        EXPECT_EXIT_DEBUG(&g, VMACCEL_DEBUG_STEP, EL1_AT(steps_3));
        steps++;
        CHECK_EQ(X(&g, 0), 0x55 + steps);
        SET_PC(&g, EL1_AT(steps_2));
    }
    CHECK(kicks >= 66 && kicks <= 67);
    CHECK_EQ(steps + kicks, 200);
}

void case_step_after_set_pc(void)
{
    struct guest g;
    start(&g, EL1_AT(flow_write));
    set_debug(&g, VMACCEL_DEBUG_STEP);
    RUN_TO_WRITE(&g, GUEST_MMIO, 4, 0x55);
    RUN_TO_STEP(&g, EL1_AT(flow_write_next));
    SET_PC(&g, EL1_AT(other));
    RUN_TO_WRITE(&g, A64_MARKS + 0x22, 1, 0x55);
    RUN_TO_STEP(&g, EL1_AT(other_next));
}

/* Neither PSTATE nor the guest's MDSCR_EL1 shows it, nor SPSR_EL1 in a handler. */
void case_step_leaves_no_trace(void)
{
    struct guest g;
    start(&g, EL1_AT(steps_2));
    set_debug(&g, VMACCEL_DEBUG_STEP);
    RUN_TO_STEP(&g, EL1_AT(steps_3));
    CHECK_EQ(a64_get(&g, VMACCEL_ARM64_PSTATE), PSTATE_EL1H);
    CHECK_EQ(a64_sysreg(&g, MDSCR_EL1) & 1, 0);
    RUN_TO_STEP(&g, EL1_AT(vectors) + 128 * VECTOR_SYNC);
    CHECK_EQ(a64_get(&g, VMACCEL_ARM64_SPSR_EL1) & PSTATE_SS, 0);
    CHECK_OK(vmaccel_vcpu_set_debug(g.vcpu, NULL));
    CHECK_EQ(a64_get(&g, VMACCEL_ARM64_PSTATE) & PSTATE_SS, 0);
    RUN_TO_TRAP(&g, VECTOR_SYNC);
    RUN_TO_DONE(&g);
    CHECK_EQ(a64_get(&g, VMACCEL_ARM64_PSTATE), PSTATE_EL1H);
}

void case_breakpoint_instruction(void)
{
    struct guest g;
    start(&g, EL1_AT(brk));
    set_debug(&g, VMACCEL_DEBUG_SW_BREAKPOINT);
    for (int i = 0; i < 2; i++) {
        RUN_TO_DEBUG(&g, VMACCEL_DEBUG_SW_BREAKPOINT, EL1_AT(brk));
        CHECK_EQ(PC(&g), EL1_AT(brk));
    }
    CHECK_OK(vmaccel_vcpu_set_debug(g.vcpu, NULL));
    struct a64_trap trap = RUN_TO_TRAP(&g, VECTOR_SYNC);
    CHECK_EQ(ESR_EC(trap.esr), EC_BRK);
}

void case_breakpoint_slots(void)
{
    struct guest g;
    for (unsigned slot = 0; slot < suite_cap(VMACCEL_CAP_HW_BREAKPOINT); slot++) {
        suite_about("slot %u", slot);
        start(&g, EL1_AT(break));
        set_point(&g, slot, VMACCEL_HW_EXEC, EL1_AT(break_at), 4);
        RUN_TO_DEBUG(&g, VMACCEL_DEBUG_HW_BREAKPOINT, EL1_AT(break_at));
        CHECK_EQ(g.exit->u.debug.slot, slot);
        CHECK_EQ(PC(&g), EL1_AT(break_at));
        CHECK_EQ(X(&g, 0), 0x56);
        CHECK_OK(vmaccel_vcpu_set_debug(g.vcpu, NULL));
        RUN_TO_DONE(&g);
        guest_destroy(&g);
    }
}

void case_breakpoint_behind_access(void)
{
    struct guest g;
    start(&g, EL1_AT(flow_write));
    set_point(&g, 0, VMACCEL_HW_EXEC, EL1_AT(flow_write_next), 4);
    RUN_TO_WRITE(&g, GUEST_MMIO, 4, 0x55);
    RUN_TO_DEBUG(&g, VMACCEL_DEBUG_HW_BREAKPOINT, EL1_AT(flow_write_next));
    CHECK_OK(vmaccel_vcpu_set_debug(g.vcpu, NULL));
    RUN_TO_WRITE(&g, A64_MARKS + 0x11, 1, 0x55);
}

static void check_watch(vmaccel_hw_point_kind kind, uint8_t length, bool write)
{
    struct guest g;
    suite_about("kind %d of %u bytes, %s", kind, length, write ? "write" : "read");
    start(&g, 0);
    set_point(&g, 1, kind, WATCHED, length);
    /* The bytes on either side are not watched, the first and last of it are. */
    const uint64_t hits[] = {WATCHED, WATCHED + length - 1u};
    const uint64_t misses[] = {WATCHED - 1, WATCHED + length};
    const uint64_t pc = write ? EL1_AT(strb_w) : EL1_AT(ldrb_w);
    for (int i = 0; i < 2; i++) {
        SET_PC(&g, pc);
        SET_X(&g, 0, 0x5a);
        SET_X(&g, 1, misses[i]);
        RUN_TO_DONE(&g);
        SET_PC(&g, pc);
        SET_X(&g, 0, 0x5a);
        SET_X(&g, 1, hits[i]);
        if (kind == VMACCEL_HW_READ_WRITE || write) {
            RUN_TO(&g, VMACCEL_EXIT_DEBUG);
            CHECK_EQ(g.exit->u.debug.flags, VMACCEL_DEBUG_HW_WATCHPOINT);
            CHECK_EQ(g.exit->u.debug.slot, 1);
            CHECK_EQ(g.exit->u.debug.address, WATCHED);
            CHECK_EQ(PC(&g), pc + 4);
            CHECK(!write || g.ram[hits[i]] == 0x5a);
        }
        RUN_TO_DONE(&g);
    }
    guest_destroy(&g);
}

void case_watchpoint_kinds(void)
{
    if (suite_cap(VMACCEL_CAP_HW_WATCHPOINT) < 2)
        suite_skip(VMACCEL_CAP_HW_WATCHPOINT);
    for (uint8_t length = 1; length <= 8; length *= 2) {
        check_watch(VMACCEL_HW_WRITE, length, true);
        check_watch(VMACCEL_HW_WRITE, length, false);
        check_watch(VMACCEL_HW_READ_WRITE, length, true);
        check_watch(VMACCEL_HW_READ_WRITE, length, false);
    }
}

void case_debug_point_arguments(void)
{
    static const vmaccel_hw_point bad[] = {
        {WATCHED + 1, 4, VMACCEL_HW_WRITE},   {WATCHED, 3, VMACCEL_HW_WRITE},
        {WATCHED, 16, VMACCEL_HW_WRITE},      {WATCHED, 1, 9},
        {GUEST_CODE + 2, 4, VMACCEL_HW_EXEC}, {GUEST_CODE, 1, VMACCEL_HW_EXEC},
    };
    struct guest g;
    vmaccel_debug_config config = {.size = sizeof(config)};
    a64_create(&g);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        suite_about("point %zu", i);
        config.points[0] = bad[i];
        CHECK_STATUS(vmaccel_vcpu_set_debug(g.vcpu, &config), VMACCEL_E_INVALID_ARGUMENT);
    }
    for (unsigned i = 0; i < VMACCEL_HW_POINTS; i++)
        config.points[i] = (vmaccel_hw_point){GUEST_CODE + 4 * i, 4, VMACCEL_HW_EXEC};
    if (suite_cap(VMACCEL_CAP_HW_BREAKPOINT) < VMACCEL_HW_POINTS)
        CHECK_STATUS(vmaccel_vcpu_set_debug(g.vcpu, &config), VMACCEL_E_LIMIT);
    GO_DONE(&g, nop);
}

/* The guest's own breakpoint is its exception, with nothing of the host's in use. */
void case_guest_breakpoint(void)
{
    struct guest g;
    start(&g, EL1_AT(break));
    a64_set_sysreg(&g, DBGBVR0_EL1, EL1_AT(break_at));
    a64_set_sysreg(&g, DBGBCR0_EL1, 0x1e7);
    a64_set_sysreg(&g, MDSCR_EL1, MDSCR_KDE | MDSCR_MDE);
    a64_set(&g, VMACCEL_ARM64_PSTATE, PSTATE_EL1H & ~PSTATE_D);
    struct a64_trap trap = RUN_TO_TRAP(&g, VECTOR_SYNC);
    CHECK_EQ(ESR_EC(trap.esr), EC_BREAKPOINT_SAME);
    CHECK_EQ(trap.elr, EL1_AT(break_at));
    CHECK_EQ(X(&g, 0), 0x56);
}

/* The guest's own keep their values while the host's are in use, and after. */
void case_guest_points_while_debugged(void)
{
    struct guest g;
    start(&g, EL1_AT(break));
    a64_set_sysreg(&g, DBGBVR0_EL1, EL1_AT(break_next));
    a64_set_sysreg(&g, DBGBCR0_EL1, 0x1e4); /* off, but for its enable bit */
    set_point(&g, 0, VMACCEL_HW_EXEC, EL1_AT(break_at), 4);
    RUN_TO_DEBUG(&g, VMACCEL_DEBUG_HW_BREAKPOINT, EL1_AT(break_at));
    CHECK_EQ(a64_sysreg(&g, DBGBVR0_EL1), EL1_AT(break_next));
    CHECK_OK(vmaccel_vcpu_set_debug(g.vcpu, NULL));
    RUN_TO_DONE(&g);
    CHECK_EQ(a64_sysreg(&g, DBGBVR0_EL1), EL1_AT(break_next));
    CHECK_EQ(a64_sysreg(&g, DBGBCR0_EL1), 0x1e4);
}
