/* SPDX-License-Identifier: BSD-2-Clause */
/* Completion: after any exit the state is readable and writable, a written register wins, and each
 * device access is delivered exactly once. */
#include "arm64_guest.h"

#define FLOW     A64_MMIO_DEV
#define X0_START UINT64_C(0x1122334455667788)

static void start(struct guest *g, uint64_t pc)
{
    a64_create(g);
    SET_PC(g, pc);
    SET_X(g, 0, X0_START);
    SET_X(g, 1, FLOW);
}

void case_write_state_is_after(void)
{
    struct guest g;
    start(&g, EL1_AT(flow_write));
    RUN_TO_WRITE(&g, GUEST_MMIO, 4, 0x55667788);
    CHECK_EQ(PC(&g), EL1_AT(flow_write_next));
    CHECK_EQ(a64_regs(&g).pc, EL1_AT(flow_write_next));
    COMPLETE(&g);
    CHECK_EQ(PC(&g), EL1_AT(flow_write_next));
    COMPLETE(&g);
    RUN_TO_WRITE(&g, A64_MARKS + 0x11, 1, 0x88);
}

void case_read_state_is_before(void)
{
    struct guest g;
    start(&g, EL1_AT(flow_read));
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    CHECK_EQ(vmaccel_data_get(g.exit->u.mmio.data, 4), 0);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(PC(&g), EL1_AT(flow_read));
        CHECK_EQ(X(&g, 0), X0_START);
    }
    guest_answer(&g, 0xdeadbeef);
    COMPLETE(&g);
    CHECK_EQ(PC(&g), EL1_AT(flow_read_next));
    CHECK_EQ(X(&g, 0), 0xdeadbeef);
    COMPLETE(&g);
    RUN_TO_WRITE(&g, A64_MARKS + 0x14, 4, 0xdeadbeef);
}

/* The guest goes on at sym_other, and nothing between is seen. */
static void check_other(struct guest *g, uint8_t value)
{
    CHECK_EQ(PC(g), EL1_AT(other));
    RUN_TO_WRITE(g, A64_MARKS + 0x22, 1, value);
    CHECK_EQ(PC(g), EL1_AT(other_next));
}

void case_set_pc_after_write(void)
{
    struct guest g;
    start(&g, EL1_AT(flow_write));
    RUN_TO_WRITE(&g, GUEST_MMIO, 4, 0x55667788);
    SET_PC(&g, EL1_AT(other));
    check_other(&g, 0x88);
    /* With a completion on either side of the write. */
    SET_PC(&g, EL1_AT(flow_write));
    RUN_TO_WRITE(&g, GUEST_MMIO, 4, 0x55667788);
    COMPLETE(&g);
    SET_PC(&g, EL1_AT(other));
    COMPLETE(&g);
    check_other(&g, 0x88);
    /* With all registers at once. */
    SET_PC(&g, EL1_AT(flow_write));
    RUN_TO_WRITE(&g, GUEST_MMIO, 4, 0x55667788);
    vmaccel_arm64_regs regs = a64_regs(&g);
    regs.pc = EL1_AT(other);
    regs.x[0] = 0x99;
    a64_set_regs(&g, &regs);
    check_other(&g, 0x99);
}

void case_set_pc_at_read(void)
{
    struct guest g;
    start(&g, EL1_AT(flow_read));
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    guest_answer(&g, 0xc0ffee);
    SET_PC(&g, EL1_AT(other));
    check_other(&g, 0xee);
    CHECK_EQ(X(&g, 0), 0xc0ffee);
    SET_PC(&g, EL1_AT(flow_read));
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    SET_PC(&g, EL1_AT(other));
    guest_answer(&g, 0xc0ffef);
    COMPLETE(&g);
    CHECK_EQ(X(&g, 0), 0xc0ffef);
    check_other(&g, 0xef);
}

void case_set_register_at_read_wins(void)
{
    struct guest g;
    start(&g, EL1_AT(flow_read));
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    guest_answer(&g, 0x12345678);
    SET_X(&g, 0, 0x77);
    COMPLETE(&g);
    CHECK_EQ(PC(&g), EL1_AT(flow_read_next));
    CHECK_EQ(X(&g, 0), 0x77);
    RUN_TO_WRITE(&g, A64_MARKS + 0x14, 4, 0x77);
    /* Without completion; giving it the value it shows is no write. */
    SET_PC(&g, EL1_AT(flow_read));
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    SET_X(&g, 0, 0x78);
    guest_answer(&g, 1);
    RUN_TO_WRITE(&g, A64_MARKS + 0x14, 4, 0x78);
    SET_PC(&g, EL1_AT(flow_read));
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    vmaccel_arm64_regs regs = a64_regs(&g);
    a64_set_regs(&g, &regs);
    guest_answer(&g, 0x79);
    RUN_TO_WRITE(&g, A64_MARKS + 0x14, 4, 0x79);
}

void case_set_others_at_read(void)
{
    struct guest g;
    start(&g, EL1_AT(flow_read));
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    vmaccel_arm64_regs regs = a64_regs(&g);
    regs.x[5] = 0x505;
    regs.x[30] = 0x3030;
    regs.sp_el0 = 0x123450;
    regs.pstate |= UINT64_C(1) << 31;
    a64_set_regs(&g, &regs);
    a64_set_sysreg(&g, TPIDR_EL0, 0x7777);
    CHECK_EQ(X(&g, 5), 0x505);
    guest_answer(&g, 0xa5);
    RUN_TO_WRITE(&g, A64_MARKS + 0x14, 4, 0xa5);
    CHECK_EQ(X(&g, 0), 0xa5);
    CHECK_EQ(X(&g, 5), 0x505);
    CHECK_EQ(X(&g, 30), 0x3030);
    CHECK_EQ(a64_get(&g, VMACCEL_ARM64_SP_EL0), 0x123450);
    CHECK_EQ(a64_get(&g, VMACCEL_ARM64_PSTATE) >> 31 & 1, 1);
    CHECK_EQ(a64_sysreg(&g, TPIDR_EL0), 0x7777);
    a64_set_sysreg(&g, TPIDR_EL0, 0x8888);
    CHECK_EQ(a64_sysreg(&g, TPIDR_EL0), 0x8888);
}

void case_repeat_write_by_pc(void)
{
    struct guest g;
    start(&g, EL1_AT(flow_write));
    for (int i = 0; i < 3; i++) {
        RUN_TO_WRITE(&g, GUEST_MMIO, 4, 0x55667788);
        SET_PC(&g, EL1_AT(flow_write));
        CHECK_EQ(PC(&g), EL1_AT(flow_write));
    }
    RUN_TO_WRITE(&g, GUEST_MMIO, 4, 0x55667788);
    RUN_TO_WRITE(&g, A64_MARKS + 0x11, 1, 0x88);
}

/* While a read waits, the state shows PC at it: only once it is complete does writing that PC
 * change anything. */
void case_repeat_read_by_pc(void)
{
    struct guest g;
    start(&g, EL1_AT(flow_read));
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    guest_answer(&g, 1);
    COMPLETE(&g);
    SET_PC(&g, EL1_AT(flow_read));
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    guest_answer(&g, 2);
    SET_PC(&g, EL1_AT(flow_read));
    RUN_TO_WRITE(&g, A64_MARKS + 0x14, 4, 2);
}

void case_complete_after_others(void)
{
    struct guest g;
    start(&g, EL1_AT(nop));
    COMPLETE(&g);
    CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
    RUN_TO(&g, VMACCEL_EXIT_KICKED);
    COMPLETE(&g);
    CHECK_EQ(PC(&g), EL1_AT(nop));
    RUN_TO_DONE(&g);
}

/* Among kicks, steps and completions each access comes once and in order. */
void case_accesses_exactly_once(void)
{
    struct guest g;
    vmaccel_debug_config step = {.size = sizeof(step), .flags = VMACCEL_DEBUG_STEP};
    bool can_step = suite_cap(VMACCEL_CAP_SINGLE_STEP) != 0;
    uint32_t random = 1;
    start(&g, EL1_AT(flow_write));
    for (int i = 0; i < 600; i++) {
        bool read = i % 2 == 0;
        random = random * 1664525 + 1013904223;
        SET_PC(&g, read ? EL1_AT(flow_read) : EL1_AT(flow_write));
        SET_X(&g, 0, 0x500 + (uint64_t)i);
        bool stepping = can_step && (random >> 16 & 1) != 0;
        CHECK_OK(vmaccel_vcpu_set_debug(g.vcpu, stepping ? &step : NULL));
        bool kicked = (random >> 17 & 1) != 0;
        if (kicked) {
            CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
            RUN_TO(&g, VMACCEL_EXIT_KICKED);
        }
        if (read) {
            RUN_TO_READ(&g, GUEST_MMIO, 4);
            guest_answer(&g, 0x900 + (uint64_t)i);
        } else {
            RUN_TO_WRITE(&g, GUEST_MMIO, 4, 0x500 + (uint64_t)i);
        }
        if ((random >> 18 & 1) != 0)
            COMPLETE(&g);
        if (!stepping && (random >> 19 & 1) != 0) {
            CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
            RUN_TO(&g, VMACCEL_EXIT_KICKED);
        }
        if (stepping)
            RUN_TO_DEBUG(&g, VMACCEL_DEBUG_STEP,
                         read ? EL1_AT(flow_read_next) : EL1_AT(flow_write_next));
        RUN(&g);
        if (read)
            EXPECT_EXIT_WRITE(&g, A64_MARKS + 0x14, 4, 0x900 + (uint64_t)i);
        else
            EXPECT_EXIT_WRITE(&g, A64_MARKS + 0x11, 1, (uint8_t)i);
    }
}
