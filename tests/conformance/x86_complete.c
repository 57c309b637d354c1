/* SPDX-License-Identifier: BSD-2-Clause */
/* Completion: after any exit the state is readable and writable, a written register wins, and each
 * device access is delivered exactly once. */
#include "x86_guest.h"

#define PORT         0x555
#define LABEL(label) GUEST_LABEL(flow, label)

static void start(struct guest *g, uint64_t rip)
{
    guest_create(g, GUEST_LONG);
    GUEST_LOAD(g, flow);
    vmaccel_x86_regs regs = guest_regs(g);
    regs.rip = rip;
    regs.rax = UINT64_C(0x1122334455667788);
    regs.rdx = PORT;
    regs.rdi = GUEST_MMIO;
    regs.rsi = GUEST_MMIO + 0x100;
    guest_set_regs(g, &regs);
}

void case_out_state_is_after(void)
{
    struct guest g;
    start(&g, LABEL(out));
    RUN_TO_OUT(&g, PORT, 1, 0x88);
    CHECK_EQ(guest_regs(&g).rip, LABEL(out_next));
    CHECK_EQ(guest_regs(&g).rip, LABEL(out_next));
    COMPLETE(&g);
    CHECK_EQ(guest_regs(&g).rip, LABEL(out_next));
    COMPLETE(&g);
    RUN_TO_OUT(&g, 0x11, 1, 0x88);
    RUN_TO_HLT(&g);
}

void case_in_state_is_before(void)
{
    struct guest g;
    start(&g, LABEL(in));
    RUN_TO_IN(&g, PORT, 1);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(guest_regs(&g).rip, LABEL(in));
        CHECK_EQ(guest_regs(&g).rax, 0x1122334455667788);
    }
    guest_answer(&g, 0xa5);
    COMPLETE(&g);
    CHECK_EQ(guest_regs(&g).rip, LABEL(in_next));
    CHECK_EQ(guest_regs(&g).rax, 0x11223344556677a5);
    COMPLETE(&g);
    RUN_TO_OUT(&g, 0x11, 1, 0xa5);
    RUN_TO_HLT(&g);
}

void case_mmio_state(void)
{
    struct guest g;
    start(&g, LABEL(read));
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    CHECK_EQ(vmaccel_data_get(g.exit->u.mmio.data, 4), 0);
    CHECK_EQ(guest_regs(&g).rip, LABEL(read));
    CHECK_EQ(guest_regs(&g).rax, 0x1122334455667788);
    guest_answer(&g, 0xdeadbeef);
    COMPLETE(&g);
    CHECK_EQ(guest_regs(&g).rip, LABEL(read_next));
    CHECK_EQ(guest_regs(&g).rax, 0xdeadbeef);
    RUN_TO_OUT(&g, 0x11, 4, 0xdeadbeef);

    start(&g, LABEL(write));
    RUN_TO_WRITE(&g, GUEST_MMIO, 4, 0x55667788);
    CHECK_EQ(guest_regs(&g).rip, LABEL(write_next));
    COMPLETE(&g);
    CHECK_EQ(guest_regs(&g).rip, LABEL(write_next));
    RUN_TO_OUT(&g, 0x11, 1, 0x88);
    RUN_TO_HLT(&g);
}

/* The guest goes on at sym_other, and nothing between is seen. */
static void check_other(struct guest *g, uint8_t al)
{
    CHECK_EQ(guest_regs(g).rip, LABEL(other));
    RUN_TO_OUT(g, 0x22, 1, al);
    CHECK_EQ(guest_regs(g).rip, LABEL(other_next));
    RUN_TO_HLT(g);
}

void case_set_rip_after_out(void)
{
    struct guest g;
    start(&g, LABEL(out));
    RUN_TO_OUT(&g, PORT, 1, 0x88);
    GUEST_SET(&g, rip, LABEL(other));
    check_other(&g, 0x88);
    /* The same with a completion on either side of the write. */
    start(&g, LABEL(out));
    RUN_TO_OUT(&g, PORT, 1, 0x88);
    COMPLETE(&g);
    GUEST_SET(&g, rip, LABEL(other));
    COMPLETE(&g);
    check_other(&g, 0x88);
}

void case_set_rip_after_in(void)
{
    struct guest g;
    start(&g, LABEL(in));
    RUN_TO_IN(&g, PORT, 1);
    guest_answer(&g, 0xa5);
    GUEST_SET(&g, rip, LABEL(other));
    check_other(&g, 0xa5);
    CHECK_EQ(guest_regs(&g).rax, 0x11223344556677a5);
    start(&g, LABEL(in));
    RUN_TO_IN(&g, PORT, 1);
    GUEST_SET(&g, rip, LABEL(other));
    guest_answer(&g, 0xa5);
    COMPLETE(&g);
    CHECK_EQ(guest_regs(&g).rax, 0x11223344556677a5);
    check_other(&g, 0xa5);
}

void case_set_rip_after_mmio(void)
{
    struct guest g;
    start(&g, LABEL(read));
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    guest_answer(&g, 0xc0ffee);
    GUEST_SET(&g, rip, LABEL(other));
    check_other(&g, 0xee);
    CHECK_EQ(guest_regs(&g).rax, 0xc0ffee);

    start(&g, LABEL(write));
    RUN_TO_WRITE(&g, GUEST_MMIO, 4, 0x55667788);
    GUEST_SET(&g, rip, LABEL(other));
    check_other(&g, 0x88);
}

void case_set_rip_mid_cross_page(void)
{
    struct guest g;
    start(&g, LABEL(write));
    GUEST_SET(&g, rdi, GUEST_MMIO + 0xffd);
    RUN_TO_WRITE(&g, GUEST_MMIO + 0xffd, 3, 0x667788);
    GUEST_SET(&g, rip, LABEL(other));
    RUN_TO_WRITE(&g, GUEST_MMIO + 0x1000, 1, 0x55);
    check_other(&g, 0x88);

    start(&g, LABEL(read));
    GUEST_SET(&g, rdi, GUEST_MMIO + 0xffd);
    RUN_TO_READ(&g, GUEST_MMIO + 0xffd, 3);
    guest_answer(&g, 0x332211);
    GUEST_SET(&g, rip, LABEL(other));
    RUN_TO_READ(&g, GUEST_MMIO + 0x1000, 1);
    guest_answer(&g, 0x44);
    check_other(&g, 0x11);
    CHECK_EQ(guest_regs(&g).rax, 0x44332211);
}

void case_set_registers_at_in(void)
{
    struct guest g;
    start(&g, LABEL(in));
    RUN_TO_IN(&g, PORT, 1);
    vmaccel_x86_regs regs = guest_regs(&g);
    regs.rbx = 0xb0b;
    regs.r15 = 0xf15;
    guest_set_regs(&g, &regs);
    CHECK_EQ(guest_regs(&g).rbx, 0xb0b);
    guest_answer(&g, 0xa5);
    RUN_TO_OUT(&g, 0x11, 1, 0xa5);
    CHECK_EQ(guest_regs(&g).rax, 0x11223344556677a5);
    CHECK_EQ(guest_regs(&g).rbx, 0xb0b);
    CHECK_EQ(guest_regs(&g).r15, 0xf15);
}

void case_set_rax_at_in_wins(void)
{
    struct guest g;
    start(&g, LABEL(in));
    RUN_TO_IN(&g, PORT, 1);
    guest_answer(&g, 0xa5);
    GUEST_SET(&g, rax, 0x77);
    RUN_TO_OUT(&g, 0x11, 1, 0x77);
    CHECK_EQ(guest_regs(&g).rax, 0x77);

    start(&g, LABEL(read));
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    guest_answer(&g, 0x12345678);
    GUEST_SET(&g, rax, 0x77);
    COMPLETE(&g);
    CHECK_EQ(guest_regs(&g).rip, LABEL(read_next));
    RUN_TO_OUT(&g, 0x11, 4, 0x77);
}

void case_set_sregs_at_exits(void)
{
    struct guest g;
    start(&g, LABEL(in));
    RUN_TO_IN(&g, PORT, 1);
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    sregs.fs.base = 0x123000;
    guest_set_sregs(&g, &sregs);
    guest_answer(&g, 0xa5);
    RUN_TO_OUT(&g, 0x11, 1, 0xa5);
    CHECK_EQ(guest_sregs(&g).fs.base, 0x123000);
    sregs.fs.base = 0x456000;
    guest_set_sregs(&g, &sregs);
    RUN_TO_HLT(&g);
    CHECK_EQ(guest_sregs(&g).fs.base, 0x456000);
}

void case_repeat_out_by_rip(void)
{
    struct guest g;
    start(&g, LABEL(out));
    RUN_TO_OUT(&g, PORT, 1, 0x88);
    GUEST_SET(&g, rip, LABEL(out));
    CHECK_EQ(guest_regs(&g).rip, LABEL(out));
    RUN_TO_OUT(&g, PORT, 1, 0x88);
    RUN_TO_OUT(&g, 0x11, 1, 0x88);
    RUN_TO_HLT(&g);
}

/* While a read waits, the state shows RIP at it: only once it is complete does writing that RIP
 * change anything. */
void case_repeat_in_by_rip(void)
{
    struct guest g;
    start(&g, LABEL(in));
    RUN_TO_IN(&g, PORT, 1);
    guest_answer(&g, 1);
    COMPLETE(&g);
    GUEST_SET(&g, rip, LABEL(in));
    RUN_TO_IN(&g, PORT, 1);
    guest_answer(&g, 2);
    GUEST_SET(&g, rip, LABEL(in));
    RUN_TO_OUT(&g, 0x11, 1, 2);
    RUN_TO_HLT(&g);
}

void case_complete_more_cross_page(void)
{
    struct guest g;
    start(&g, LABEL(read));
    GUEST_SET(&g, rdi, GUEST_MMIO + 0xffe);
    RUN_TO_READ(&g, GUEST_MMIO + 0xffe, 2);
    guest_answer(&g, 0x2211);
    CHECK_EQ(guest_complete(&g), true);
    EXPECT_EXIT_READ(&g, GUEST_MMIO + 0x1000, 2);
    CHECK_EQ(guest_regs(&g).rip, LABEL(read));
    guest_answer(&g, 0x4433);
    COMPLETE(&g);
    CHECK_EQ(guest_regs(&g).rax, 0x44332211);
    CHECK_EQ(guest_regs(&g).rip, LABEL(read_next));
    RUN_TO_OUT(&g, 0x11, 4, 0x44332211);

    start(&g, LABEL(write));
    GUEST_SET(&g, rdi, GUEST_MMIO + 0xffe);
    RUN_TO_WRITE(&g, GUEST_MMIO + 0xffe, 2, 0x7788);
    CHECK_EQ(guest_complete(&g), true);
    EXPECT_EXIT_WRITE(&g, GUEST_MMIO + 0x1000, 2, 0x5566);
    COMPLETE(&g);
    CHECK_EQ(guest_regs(&g).rip, LABEL(write_next));
    RUN_TO_OUT(&g, 0x11, 1, 0x88);
}

void case_complete_more_copy(void)
{
    struct guest g;
    start(&g, LABEL(copy));
    RUN_TO_READ(&g, GUEST_MMIO + 0x100, 4);
    guest_answer(&g, 0xfeedface);
    CHECK_EQ(guest_complete(&g), true);
    EXPECT_EXIT_WRITE(&g, GUEST_MMIO, 4, 0xfeedface);
    COMPLETE(&g);
    vmaccel_x86_regs regs = guest_regs(&g);
    CHECK_EQ(regs.rip, LABEL(copy_next));
    CHECK_EQ(regs.rsi, GUEST_MMIO + 0x104);
    CHECK_EQ(regs.rdi, GUEST_MMIO + 4);
    RUN_TO_OUT(&g, 0x11, 1, 0x88);

    /* The same by runs. */
    start(&g, LABEL(copy));
    RUN_TO_READ(&g, GUEST_MMIO + 0x100, 4);
    guest_answer(&g, 0xfeedface);
    RUN_TO_WRITE(&g, GUEST_MMIO, 4, 0xfeedface);
    RUN_TO_OUT(&g, 0x11, 1, 0x88);
}

void case_complete_does_nothing_else(void)
{
    struct guest g;
    start(&g, LABEL(out));
    COMPLETE(&g);
    CHECK_EQ(guest_regs(&g).rip, LABEL(out));
    CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
    RUN_TO(&g, VMACCEL_EXIT_KICKED);
    COMPLETE(&g);
    CHECK_EQ(guest_regs(&g).rip, LABEL(out));
    RUN_TO_OUT(&g, PORT, 1, 0x88);
    RUN_TO_OUT(&g, 0x11, 1, 0x88);
    RUN_TO_HLT(&g);
    COMPLETE(&g);
    CHECK_EQ(guest_regs(&g).rip, LABEL(mark_next) + 1);
}

void case_complete_mid_string(void)
{
    struct guest g;
    uint8_t got[16] = {0};
    uint64_t done = 0;
    start(&g, LABEL(outs));
    memcpy(g.ram + GUEST_DATA, "exactly once, ok", 16);
    GUEST_SET(&g, rcx, 16);
    GUEST_SET(&g, rsi, GUEST_DATA);
    /* A completion after each exit may bring further elements, never the same ones again. */
    RUN(&g);
    while (done < 16) {
        CHECK_EQ(g.exit->reason, VMACCEL_EXIT_IO);
        CHECK_EQ(g.exit->u.io.port, PORT);
        CHECK(done + g.exit->u.io.count <= 16);
        memcpy(got + done, g.exit->u.io.data, g.exit->u.io.count);
        done += g.exit->u.io.count;
        CHECK_EQ(guest_regs(&g).rcx, 16 - done);
        if (!guest_complete(&g)) {
            CHECK_EQ(guest_regs(&g).rcx, 16 - done);
            RUN(&g);
        }
    }
    CHECK_BYTES(got, "exactly once, ok", 16);
    EXPECT_EXIT_OUT(&g, 0x11, 1, 0x88);
}
