/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's own debug registers. */
#include "x86_snippet.h"

#define DR6_FIXED UINT64_C(0xffff0ff0)
#define DR7_FIXED UINT64_C(0x400)

static vmaccel_x86_debug_regs debug_of(struct guest *g)
{
    vmaccel_x86_debug_regs regs;
    CHECK_OK(vmaccel_x86_get_debug_regs(g->vcpu, &regs));
    return regs;
}

static const vmaccel_x86_debug_regs sample = {
    .dr = {0x1111, 0xffff800022222222, 0x33333333, 0x7fff44444444},
    .dr6 = DR6_FIXED | 0x4002,
    .dr7 = DR7_FIXED, /* nothing enabled */
};

void case_debug_register_access(void)
{
    struct guest g;
    snippet_create(&g);
    CHECK_OK(vmaccel_x86_set_debug_regs(g.vcpu, &sample));
    vmaccel_x86_debug_regs back = debug_of(&g);
    CHECK_BYTES(&back, &sample, sizeof(sample));
    GO_DONE(&g, get_dr);
    vmaccel_x86_regs regs = guest_regs(&g);
    CHECK_EQ(regs.rax, sample.dr[0]);
    CHECK_EQ(regs.rbx, sample.dr[1]);
    CHECK_EQ(regs.rcx, sample.dr[2]);
    CHECK_EQ(regs.rdx, sample.dr[3]);
    CHECK_EQ(regs.rsi, sample.dr6);
    CHECK_EQ(regs.rdi, sample.dr7);
}

void case_debug_register_persistence(void)
{
    struct guest g;
    snippet_create(&g);
    vmaccel_x86_regs regs = guest_regs(&g);
    regs.rax = sample.dr[0];
    regs.rbx = sample.dr[1];
    regs.rcx = sample.dr[2];
    regs.rdx = sample.dr[3];
    regs.rsi = sample.dr6;
    regs.rdi = DR7_FIXED | 0x55 | UINT64_C(0xd) << 16; /* all on; DR0 a 4-byte write */
    guest_set_regs(&g, &regs);
    GO_DONE(&g, set_dr);
    for (unsigned i = 0; i < 3; i++) {
        vmaccel_x86_debug_regs back = debug_of(&g);
        for (unsigned j = 0; j < 4; j++)
            CHECK_EQ(back.dr[j], sample.dr[j]);
        CHECK_EQ(back.dr6, sample.dr6);
        CHECK_EQ(back.dr7, regs.rdi);
        GO_DONE(&g, done);
    }
}

void case_debug_register_reserved_bits(void)
{
    struct guest g;
    snippet_create(&g);
    vmaccel_x86_debug_regs bad = sample;
    bad.dr7 |= UINT64_C(1) << 32;
    CHECK_STATUS(vmaccel_x86_set_debug_regs(g.vcpu, &bad), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_DETAIL("dr7");
    bad = sample;
    bad.dr6 |= UINT64_C(1) << 40;
    CHECK_STATUS(vmaccel_x86_set_debug_regs(g.vcpu, &bad), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_DETAIL("dr6");
}

static void expect_breakpoint(struct guest *g)
{
    struct frame frame = snippet_expect_trap(SITE, g, VECTOR_DB);
    CHECK_EQ(frame.rip, LONG_AT(breakpoint_at));
    CHECK_EQ(debug_of(g).dr6 & 0xf, 1);
}

void case_hardware_breakpoint_with_isr(void)
{
    struct guest g;
    snippet_create(&g);
    GUEST_SET(&g, rax, LONG_AT(breakpoint_at));
    GUEST_SET(&g, rdi, DR7_FIXED | 2);
    GUEST_SET(&g, rbx, 0);
    GO(&g, breakpoint);
    RUN(&g);
    expect_breakpoint(&g);
    /* RF in the frame takes the handler's IRET past the instruction. */
    struct frame frame;
    uint64_t rsp = guest_regs(&g).rsp;
    CHECK_OK(vmaccel_memory_read(g.vm, rsp, &frame, sizeof(frame)));
    frame.rflags |= 1u << 16;
    CHECK_OK(vmaccel_memory_write(g.vm, rsp, &frame, sizeof(frame)));
    RUN_TO_DONE(&g);
    CHECK_EQ(guest_regs(&g).rbx, 1);
}

void case_hardware_breakpoint_set_by_caller(void)
{
    struct guest g;
    snippet_create(&g);
    vmaccel_x86_debug_regs regs = debug_of(&g);
    regs.dr[0] = LONG_AT(breakpoint_at);
    regs.dr7 = DR7_FIXED | 1;
    CHECK_OK(vmaccel_x86_set_debug_regs(g.vcpu, &regs));
    snippet_at(&g, LONG_AT(breakpoint_at) - 1);
    RUN(&g);
    need_of_cpu(g.exit->reason != VMACCEL_EXIT_IO || g.exit->u.io.port != PORT_DONE,
                "a CPU whose breakpoints take effect at entry");
    expect_breakpoint(&g);
}

void case_single_step_by_guest(void)
{
    struct guest g;
    snippet_create(&g);
    GUEST_SET(&g, rflags, FLAG_TF);
    GO(&g, nops);
    struct frame frame = RUN_TO_TRAP(&g, VECTOR_DB);
    CHECK_EQ(frame.rip, LONG_AT(nops) + 1);
    CHECK_EQ(debug_of(&g).dr6 & 0x4000, 0x4000);
}
