/* SPDX-License-Identifier: BSD-2-Clause */
/* Single-step, break- and watchpoints. */
#include "x86_guest.h"

#define PORT         0x555
#define LABEL(label) GUEST_LABEL(flow, label)

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

static void start(struct guest *g, uint64_t rip)
{
    guest_create(g, GUEST_LONG);
    GUEST_LOAD(g, flow);
    vmaccel_x86_regs regs = guest_regs(g);
    regs.rip = rip;
    regs.rax = UINT64_C(0x1122334455667788);
    regs.rdx = PORT;
    regs.rdi = GUEST_MMIO;
    regs.rsi = GUEST_DATA;
    guest_set_regs(g, &regs);
}

#define RUN_TO_STEP(g, pc)                                                                         \
    do {                                                                                           \
        RUN_TO_DEBUG(g, VMACCEL_DEBUG_STEP, pc);                                                   \
        CHECK_EQ(guest_regs(g).rip, pc);                                                           \
    } while (0)

void case_step_each_instruction(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    GUEST_START(&g, common, spin);
    GUEST_SET(&g, rax, 0);
    set_debug(&g, VMACCEL_DEBUG_STEP);
    for (uint64_t i = 0; i < 1000; i++) {
        /* Odd steps are the jump back. */
        uint64_t pc = GUEST_LABEL(common, spin) + (i % 2 == 0 ? 3 : 0);
        RUN_TO_STEP(&g, pc);
        CHECK_EQ(guest_regs(&g).rax, i / 2 + 1);
    }
}

void case_step_over_out(void)
{
    struct guest g;
    start(&g, LABEL(out));
    set_debug(&g, VMACCEL_DEBUG_STEP);
    RUN_TO_OUT(&g, PORT, 1, 0x88);
    RUN_TO_STEP(&g, LABEL(out_next));
    RUN_TO_OUT(&g, 0x11, 1, 0x88);
    RUN_TO_STEP(&g, LABEL(mark_next));
}

void case_step_over_in(void)
{
    struct guest g;
    start(&g, LABEL(in));
    set_debug(&g, VMACCEL_DEBUG_STEP);
    RUN_TO_IN(&g, PORT, 1);
    guest_answer(&g, 0xa5);
    RUN_TO_STEP(&g, LABEL(in_next));
    CHECK_EQ(guest_regs(&g).rax, 0x11223344556677a5);
    RUN_TO_OUT(&g, 0x11, 1, 0xa5);
}

void case_step_over_mmio(void)
{
    struct guest g;
    start(&g, LABEL(read));
    set_debug(&g, VMACCEL_DEBUG_STEP);
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    guest_answer(&g, 0x12345678);
    RUN_TO_STEP(&g, LABEL(read_next));
    CHECK_EQ(guest_regs(&g).rax, 0x12345678);

    start(&g, LABEL(write));
    set_debug(&g, VMACCEL_DEBUG_STEP);
    RUN_TO_WRITE(&g, GUEST_MMIO, 4, 0x55667788);
    RUN_TO_STEP(&g, LABEL(write_next));
    RUN_TO_OUT(&g, 0x11, 1, 0x88);

    /* Both halves come before the one DEBUG exit. */
    start(&g, LABEL(write));
    GUEST_SET(&g, rdi, GUEST_MMIO + 0xffe);
    set_debug(&g, VMACCEL_DEBUG_STEP);
    RUN_TO_WRITE(&g, GUEST_MMIO + 0xffe, 2, 0x7788);
    RUN_TO_WRITE(&g, GUEST_MMIO + 0x1000, 2, 0x5566);
    RUN_TO_STEP(&g, LABEL(write_next));
}

void case_step_over_rep_outs(void)
{
    enum { COUNT = 9 };
    struct guest g;
    uint64_t done = 0;
    start(&g, LABEL(outs));
    memcpy(g.ram + GUEST_DATA, "step by s", COUNT);
    GUEST_SET(&g, rcx, COUNT);
    set_debug(&g, VMACCEL_DEBUG_STEP);
    /* The CPU may take a step for each element or for each group, and one for the end. */
    for (;;) {
        RUN(&g);
        if (g.exit->reason == VMACCEL_EXIT_IO) {
            uint32_t count = g.exit->u.io.count;
            guest_expect_io(SITE, &g, true, PORT, 1, count);
            CHECK(done + count <= COUNT);
            CHECK_BYTES(g.exit->u.io.data, &"step by s"[done], count);
            done += count;
            RUN(&g);
        } else {
            CHECK_EQ(done, COUNT);
        }
        EXPECT_EXIT(&g, VMACCEL_EXIT_DEBUG);
        CHECK_EQ(guest_regs(&g).rcx, COUNT - done);
        if (guest_regs(&g).rip == LABEL(outs_next))
            break;
        CHECK_EQ(guest_regs(&g).rip, LABEL(outs));
    }
    CHECK_EQ(done, COUNT);
    RUN_TO_OUT(&g, 0x11, 1, 0x88);
}

void case_step_with_complete(void)
{
    struct guest g;
    start(&g, LABEL(in));
    set_debug(&g, VMACCEL_DEBUG_STEP);
    RUN_TO_IN(&g, PORT, 1);
    guest_answer(&g, 0xa5);
    COMPLETE(&g);
    CHECK_EQ(guest_regs(&g).rip, LABEL(in_next));
    RUN_TO_STEP(&g, LABEL(in_next));
    RUN_TO_OUT(&g, 0x11, 1, 0xa5);
}

void case_step_and_kick(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    GUEST_START(&g, common, spin);
    GUEST_SET(&g, rax, 0);
    set_debug(&g, VMACCEL_DEBUG_STEP);
    uint64_t steps = 0, kicks = 0;
    for (int i = 0; i < 200; i++) {
        if (i % 3 == 0)
            CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
        RUN(&g);
        if (g.exit->reason == VMACCEL_EXIT_KICKED) {
            kicks++;
        } else {
            EXPECT_EXIT(&g, VMACCEL_EXIT_DEBUG);
            steps++;
        }
        CHECK_EQ(guest_regs(&g).rax, (steps + 1) / 2);
    }
    CHECK(kicks >= 66 && kicks <= 67);
    CHECK_EQ(steps + kicks, 200);
}

void case_step_after_set_rip(void)
{
    struct guest g;
    start(&g, LABEL(out));
    set_debug(&g, VMACCEL_DEBUG_STEP);
    RUN_TO_OUT(&g, PORT, 1, 0x88);
    RUN_TO_STEP(&g, LABEL(out_next));
    GUEST_SET(&g, rip, LABEL(other));
    RUN_TO_OUT(&g, 0x22, 1, 0x88);
    RUN_TO_STEP(&g, LABEL(other_next));
}

void case_step_leaves_no_trap_flag(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    /* nop; nop; pushf; pop rax; nop; pushf; pop rbx; hlt */
    GUEST_BYTES(&g, 0x90, 0x90, 0x9c, 0x58, 0x90, 0x9c, 0x5b, 0xf4);
    set_debug(&g, VMACCEL_DEBUG_STEP);
    RUN_TO_STEP(&g, GUEST_CODE + 1);
    CHECK_EQ(guest_regs(&g).rflags & 0x100, 0);
    RUN_TO_STEP(&g, GUEST_CODE + 2);
    CHECK_OK(vmaccel_vcpu_set_debug(g.vcpu, NULL));
    CHECK_EQ(guest_regs(&g).rflags & 0x100, 0);
    RUN_TO_HLT(&g);
    CHECK_EQ(guest_regs(&g).rax & 0x100, 0);
    CHECK_EQ(guest_regs(&g).rbx & 0x100, 0);
    CHECK_EQ(guest_regs(&g).rflags & 0x100, 0);
}

void case_hw_breakpoint(void)
{
    struct guest g;
    for (unsigned slot = 0; slot < suite_cap(VMACCEL_CAP_HW_BREAKPOINT) && slot < 4; slot++) {
        guest_create(&g, GUEST_LONG);
        /* nop; inc rax; nop; hlt */
        GUEST_BYTES(&g, 0x90, 0x48, 0xff, 0xc0, 0x90, 0xf4);
        GUEST_SET(&g, rax, 7);
        set_point(&g, slot, VMACCEL_HW_EXEC, GUEST_CODE + 4, 1);
        RUN_TO_DEBUG(&g, VMACCEL_DEBUG_HW_BREAKPOINT, GUEST_CODE + 4);
        CHECK_EQ(g.exit->u.debug.slot, slot);
        CHECK_EQ(guest_regs(&g).rip, GUEST_CODE + 4);
        CHECK_EQ(guest_regs(&g).rax, 8);
        CHECK_OK(vmaccel_vcpu_set_debug(g.vcpu, NULL));
        RUN_TO_HLT(&g);
    }
}

void case_hw_breakpoint_on_out(void)
{
    struct guest g;
    start(&g, LABEL(out));
    set_point(&g, 0, VMACCEL_HW_EXEC, LABEL(out_next), 1);
    RUN_TO_OUT(&g, PORT, 1, 0x88);
    RUN_TO_DEBUG(&g, VMACCEL_DEBUG_HW_BREAKPOINT, LABEL(out_next));
    CHECK_OK(vmaccel_vcpu_set_debug(g.vcpu, NULL));
    RUN_TO_OUT(&g, 0x11, 1, 0x88);
    RUN_TO_HLT(&g);
}

static void check_watch(vmaccel_hw_point_kind kind, uint8_t length, bool write)
{
    struct guest g;
    uint64_t address = GUEST_DATA + 0x100;
    suite_about("kind %d of %u bytes, %s", kind, length, write ? "write" : "read");
    guest_create(&g, GUEST_LONG);
    /* mov [rdi], al; or mov al, [rdi]; nop; hlt */
    GUEST_BYTES(&g, write ? 0x88 : 0x8a, 0x07, 0x90, 0xf4);
    GUEST_SET(&g, rax, 0x5a);
    set_point(&g, 1, kind, address, length);
    /* The bytes on either side are not watched, the first and last of it are. */
    const uint64_t hits[] = {address, address + length - 1u};
    const uint64_t misses[] = {address - 1, address + length};
    for (int i = 0; i < 2; i++) {
        GUEST_SET(&g, rip, GUEST_CODE);
        GUEST_SET(&g, rdi, misses[i]);
        RUN_TO_HLT(&g);
        GUEST_SET(&g, rip, GUEST_CODE);
        GUEST_SET(&g, rdi, hits[i]);
        if (kind == VMACCEL_HW_READ_WRITE || write) {
            RUN_TO_DEBUG(&g, VMACCEL_DEBUG_HW_WATCHPOINT, GUEST_CODE + 2);
            CHECK_EQ(g.exit->u.debug.slot, 1);
            CHECK_EQ(g.exit->u.debug.address, address);
            CHECK(!write || g.ram[hits[i]] == 0x5a);
        }
        RUN_TO_HLT(&g);
    }
    guest_destroy(&g);
}

void case_hw_watchpoint(void)
{
    for (uint8_t length = 1; length <= 8; length *= 2) {
        check_watch(VMACCEL_HW_WRITE, length, true);
        check_watch(VMACCEL_HW_WRITE, length, false);
        check_watch(VMACCEL_HW_READ_WRITE, length, true);
        check_watch(VMACCEL_HW_READ_WRITE, length, false);
    }
}

void case_debug_bad_arguments(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    vmaccel_debug_config config = {.size = sizeof(config)};
    config.points[0] = (vmaccel_hw_point){GUEST_DATA + 1, 4, VMACCEL_HW_WRITE};
    CHECK_STATUS(vmaccel_vcpu_set_debug(g.vcpu, &config), VMACCEL_E_INVALID_ARGUMENT);
    config.points[0] = (vmaccel_hw_point){GUEST_DATA, 3, VMACCEL_HW_WRITE};
    CHECK_STATUS(vmaccel_vcpu_set_debug(g.vcpu, &config), VMACCEL_E_INVALID_ARGUMENT);
    config.points[0] = (vmaccel_hw_point){GUEST_DATA, 1, 9};
    CHECK_STATUS(vmaccel_vcpu_set_debug(g.vcpu, &config), VMACCEL_E_INVALID_ARGUMENT);
    config.points[0] = (vmaccel_hw_point){0, 0, 0};
    config.flags = 1u << 30;
    CHECK_STATUS(vmaccel_vcpu_set_debug(g.vcpu, &config), VMACCEL_E_INVALID_ARGUMENT);
    config.flags = 0;
    config.size = 4;
    CHECK_STATUS(vmaccel_vcpu_set_debug(g.vcpu, &config), VMACCEL_E_INVALID_ARGUMENT);
}

void case_debug_too_many_points(void)
{
    struct guest g;
    uint64_t limit = suite_cap(VMACCEL_CAP_HW_BREAKPOINT);
    vmaccel_debug_config config = {.size = sizeof(config)};
    guest_create(&g, GUEST_LONG);
    for (unsigned i = 0; i < VMACCEL_HW_POINTS; i++)
        config.points[i] = (vmaccel_hw_point){GUEST_CODE + i, 1, VMACCEL_HW_EXEC};
    CHECK(limit < VMACCEL_HW_POINTS);
    CHECK_STATUS(vmaccel_vcpu_set_debug(g.vcpu, &config), VMACCEL_E_LIMIT);
    for (uint64_t i = limit; i < VMACCEL_HW_POINTS; i++)
        config.points[i].kind = 0;
    CHECK_OK(vmaccel_vcpu_set_debug(g.vcpu, &config));
}

void case_sw_breakpoint(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    /* nop; int3; nop; hlt */
    GUEST_BYTES(&g, 0x90, 0xcc, 0x90, 0xf4);
    set_debug(&g, VMACCEL_DEBUG_SW_BREAKPOINT);
    RUN_TO_DEBUG(&g, VMACCEL_DEBUG_SW_BREAKPOINT, GUEST_CODE + 1);
    CHECK_EQ(guest_regs(&g).rip, GUEST_CODE + 1);
    /* As a debugger does: put the instruction back and go on. */
    CHECK_OK(vmaccel_memory_write(g.vm, GUEST_CODE + 1, "\x90", 1));
    RUN_TO_HLT(&g);
}

void case_guest_debug_registers_while_debugged(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    /* nop; nop; nop; hlt */
    GUEST_BYTES(&g, 0x90, 0x90, 0x90, 0xf4);
    vmaccel_x86_debug_regs before, after;
    CHECK_OK(vmaccel_x86_get_debug_regs(g.vcpu, &before));
    before.dr[0] = GUEST_CODE + 1;
    before.dr[3] = GUEST_DATA;
    before.dr7 = 0x402;
    CHECK_OK(vmaccel_x86_set_debug_regs(g.vcpu, &before));
    /* The guest's own breakpoint at the second instruction has no effect beside the host's at the
     * third. */
    set_point(&g, 0, VMACCEL_HW_EXEC, GUEST_CODE + 2, 1);
    RUN_TO_DEBUG(&g, VMACCEL_DEBUG_HW_BREAKPOINT, GUEST_CODE + 2);
    CHECK_OK(vmaccel_x86_get_debug_regs(g.vcpu, &after));
    CHECK_EQ(after.dr[0], before.dr[0]);
    CHECK_EQ(after.dr[3], before.dr[3]);
    CHECK_EQ(after.dr7, before.dr7);
    CHECK_OK(vmaccel_vcpu_set_debug(g.vcpu, NULL));
    RUN_TO_HLT(&g);
}
