/* SPDX-License-Identifier: BSD-2-Clause */
/* The injection slot, exceptions and NMIs; software interrupts. */
#include "x86_snippet.h"

static vmaccel_x86_events events_of(struct guest *g)
{
    vmaccel_x86_events events;
    CHECK_OK(vmaccel_x86_get_events(g->vcpu, &events));
    return events;
}

static bool is_ready(struct guest *g)
{
    bool ready;
    CHECK_OK(vmaccel_vcpu_interrupt_ready(g->vcpu, &ready));
    return ready;
}

static void inject(struct guest *g, uint8_t vector)
{
    CHECK_EQ(is_ready(g), true);
    CHECK_OK(vmaccel_vcpu_inject_interrupt(g->vcpu, vector));
}

static void expect_not_ready(struct guest *g)
{
    CHECK_EQ(is_ready(g), false);
    CHECK_STATUS(vmaccel_vcpu_inject_interrupt(g->vcpu, 0x30), VMACCEL_E_NOT_READY);
}

void case_software_interrupt(void)
{
    struct guest g;
    snippet_create(&g);
    struct frame frame = GO_TRAP(&g, int40, 0x40);
    CHECK_EQ(frame.rip, LONG_AT(int40) + 2);
    CHECK_EQ(frame.cs, GUEST_CS64);
    CHECK_EQ(frame.rsp, GUEST_STACK);
    RUN_TO_DONE(&g);
}

void case_software_interrupt_real_mode(void)
{
    const uint32_t handler = GUEST_CODE + VMACCEL_GUEST_b_real_sym_handler;
    struct guest g;
    guest_create(&g, GUEST_REAL);
    GUEST_LOAD(&g, b_real);
    memcpy(g.ram + 4 * 0x40, &handler, 4);
    GUEST_SET(&g, rip, GUEST_CODE + VMACCEL_GUEST_b_real_sym_int40);
    RUN_TO_OUT(&g, PORT_TRAP, 1, 0);
    CHECK_EQ(guest_regs(&g).rsp, GUEST_STACK - 6);
    RUN_TO_OUT(&g, PORT_DONE, 1, 0);
    CHECK_EQ(guest_regs(&g).rsp, GUEST_STACK);
}

void case_minimal_interrupt_injection(void)
{
    struct guest g;
    snippet_create(&g);
    GUEST_SET(&g, rflags, FLAG_IF);
    GO(&g, nops);
    inject(&g, 0x30);
    vmaccel_x86_events events = events_of(&g);
    CHECK_EQ(events.interrupt_pending, true);
    CHECK_EQ(events.interrupt_vector, 0x30);
    struct frame frame = RUN_TO_TRAP(&g, 0x30);
    CHECK_EQ(frame.rip, LONG_AT(nops));
    CHECK_EQ(frame.rflags, FLAG_IF | FLAG_1);
    CHECK_EQ(guest_regs(&g).rflags & FLAG_IF, 0);
    CHECK_EQ(events_of(&g).interrupt_pending, false);
    RUN_TO_DONE(&g);
}

void case_interrupt_injection_real_mode(void)
{
    const uint32_t handler = GUEST_CODE + VMACCEL_GUEST_b_real_sym_handler;
    struct guest g;
    guest_create(&g, GUEST_REAL);
    /* nop; nop; hlt, and the handler where b_real has it */
    GUEST_LOAD(&g, b_real);
    memcpy(g.ram + 4 * 0x21, &handler, 4);
    GUEST_SET(&g, rflags, FLAG_IF);
    GUEST_SET(&g, rip, GUEST_CODE + VMACCEL_GUEST_b_real_sym_load_ds);
    GUEST_SET(&g, rax, 0x55);
    inject(&g, 0x21);
    RUN_TO_OUT(&g, PORT_TRAP, 1, 0x55);
    CHECK_EQ(guest_regs(&g).rflags & FLAG_IF, 0);
    RUN(&g);
    guest_expect_io(SITE, &g, true, PORT_DONE, 1, 1);
    CHECK_EQ(guest_regs(&g).rflags & FLAG_IF, FLAG_IF);
}

void case_multiple_interrupt_injection(void)
{
    struct guest g;
    snippet_create(&g);
    GUEST_SET(&g, rflags, FLAG_IF);
    GO(&g, nops);
    inject(&g, 0x30);
    RUN_TO_TRAP(&g, 0x30);
    for (uint8_t vector = 0x31; vector < 0x40; vector++) {
        /* In the handler interrupts are off. */
        expect_not_ready(&g);
        CHECK_OK(vmaccel_vcpu_request_irq_window(g.vcpu, true));
        RUN_TO(&g, VMACCEL_EXIT_IRQ_WINDOW);
        CHECK_EQ(guest_regs(&g).rip, LONG_AT(nops));
        inject(&g, vector);
        RUN_TO_TRAP(&g, vector);
    }
    RUN_TO_DONE(&g);
}

void case_interrupt_slot_occupied(void)
{
    struct guest g;
    snippet_create(&g);
    GUEST_SET(&g, rflags, FLAG_IF);
    GO(&g, nops);
    inject(&g, 0x30);
    CHECK_EQ(is_ready(&g), false);
    CHECK_STATUS(vmaccel_vcpu_inject_interrupt(g.vcpu, 0x31), VMACCEL_E_BUSY);
    RUN_TO_TRAP(&g, 0x30);
    RUN_TO_DONE(&g);
}

void case_interrupt_injection_when_not_ready(void)
{
    struct guest g;
    snippet_create(&g);
    GO(&g, sti_nop);
    expect_not_ready(&g);
    /* Nothing came of the refused one. */
    RUN_TO_DONE(&g);
    inject(&g, 0x31);
    RUN_TO_TRAP(&g, 0x31);
}

void case_request_interrupt_window(void)
{
    struct guest g;
    snippet_create(&g);
    GO(&g, sti_nop);
    CHECK_OK(vmaccel_vcpu_request_irq_window(g.vcpu, true));
    RUN_TO(&g, VMACCEL_EXIT_IRQ_WINDOW);
    /* STI and the NOP that it shadows. */
    CHECK_EQ(guest_regs(&g).rip, LONG_AT(sti_nop) + 2);
    inject(&g, 0x30);
    CHECK_EQ(RUN_TO_TRAP(&g, 0x30).rip, LONG_AT(sti_nop) + 2);
    /* The exit was the request's end. */
    RUN_TO_DONE(&g);

    /* Open already. */
    GO(&g, nops);
    CHECK_OK(vmaccel_vcpu_request_irq_window(g.vcpu, true));
    RUN_TO(&g, VMACCEL_EXIT_IRQ_WINDOW);
    CHECK_EQ(guest_regs(&g).rip, LONG_AT(nops));

    /* Withdrawn. */
    CHECK_OK(vmaccel_vcpu_request_irq_window(g.vcpu, true));
    CHECK_OK(vmaccel_vcpu_request_irq_window(g.vcpu, false));
    RUN_TO_DONE(&g);
}

/* The window waits for the slot. */
void case_interrupt_window_after_slot(void)
{
    struct guest g;
    snippet_create(&g);
    GUEST_SET(&g, rflags, FLAG_IF);
    GO(&g, nops);
    inject(&g, 0x30);
    CHECK_OK(vmaccel_vcpu_request_irq_window(g.vcpu, true));
    RUN_TO_TRAP(&g, 0x30);
    RUN_TO(&g, VMACCEL_EXIT_IRQ_WINDOW);
    CHECK_EQ(guest_regs(&g).rip, LONG_AT(nops));
    RUN_TO_DONE(&g);
}

void case_interrupt_ready_when_interrupt_enable_flag_not_set(void)
{
    struct guest g;
    snippet_create(&g);
    GO_DONE(&g, done);
    expect_not_ready(&g);
    GUEST_SET(&g, rflags, FLAG_IF);
    CHECK_EQ(is_ready(&g), true);
    GUEST_SET(&g, rflags, 0);
    expect_not_ready(&g);
}

/* In the shadow of STI and MOV SS the slot is closed until the shadowed instruction is through. */
static void expect_shadow(struct guest *g, uint64_t address, uint64_t flags, uint64_t after)
{
    GUEST_SET(g, rflags, flags);
    snippet_at(g, address);
    RUN_TO_IN(g, PORT_IN, 1);
    CHECK(events_of(g).shadow != 0);
    expect_not_ready(g);
    COMPLETE(g);
    CHECK_EQ(events_of(g).shadow, 0);
    inject(g, 0x30);
    CHECK_EQ(RUN_TO_TRAP(g, 0x30).rip, after);
    RUN_TO_DONE(g);
}

void case_interrupt_ready_when_normally_not_interruptible(void)
{
    struct guest g;
    snippet_create(&g);
    expect_shadow(&g, LONG_AT(sti_in), 0, LONG_AT(sti_in) + 3);
    expect_shadow(&g, LONG_AT(mov_ss_in), FLAG_IF, LONG_AT(mov_ss_in) + 6);
}

void case_interrupt_shadow_set_by_caller(void)
{
    static const uint8_t shadows[] = {VMACCEL_X86_SHADOW_STI, VMACCEL_X86_SHADOW_MOV_SS};
    struct guest g;
    snippet_create(&g);
    for (unsigned i = 0; i < 2; i++) {
        GUEST_SET(&g, rflags, FLAG_IF);
        GO(&g, nops);
        vmaccel_x86_events events = events_of(&g);
        events.shadow = shadows[i];
        CHECK_OK(vmaccel_x86_set_events(g.vcpu, &events));
        expect_not_ready(&g);
        CHECK_OK(vmaccel_vcpu_request_irq_window(g.vcpu, true));
        RUN_TO(&g, VMACCEL_EXIT_IRQ_WINDOW);
        need_of_cpu(guest_regs(&g).rip != LONG_AT(nops), "a CPU that enters with a shadow");
        CHECK_EQ(guest_regs(&g).rip, LONG_AT(nops) + 1);
        RUN_TO_DONE(&g);
    }
}

void case_ready_for_interrupt_for_intercepted_instructions(void)
{
    struct guest g;
    snippet_create(&g);
    GUEST_SET(&g, rflags, FLAG_IF);
    GO_DONE(&g, done);
    CHECK_EQ(is_ready(&g), true);

    /* At an IN it may be delivered only after the instruction, whose answer is used. */
    snippet_at(&g, LONG_AT(sti_in) + 1);
    RUN_TO_IN(&g, PORT_IN, 1);
    guest_answer(&g, 0x77);
    COMPLETE(&g);
    inject(&g, 0x30);
    struct frame frame = RUN_TO_TRAP(&g, 0x30);
    CHECK_EQ(frame.rip, LONG_AT(sti_in) + 3);
    CHECK_EQ(frame.rax & 0xff, 0x77);
    RUN_TO_DONE(&g);

    snippet_at(&g, LONG_AT(sti_in) + 1);
    RUN_TO_IN(&g, PORT_IN, 1);
    guest_answer(&g, 0x78);
    if (is_ready(&g)) {
        inject(&g, 0x31);
        frame = RUN_TO_TRAP(&g, 0x31);
        CHECK_EQ(frame.rip, LONG_AT(sti_in) + 3);
        CHECK_EQ(frame.rax & 0xff, 0x78);
    }
    RUN_TO_DONE(&g);
}

void case_halt_and_interrupt_wake_once(void)
{
    struct guest g;
    snippet_create(&g);
    GUEST_SET(&g, rbx, 0);
    GO(&g, halt_loop);
    for (uint64_t wakes = 1; wakes < 4; wakes++) {
        RUN_TO_HLT(&g);
        CHECK_EQ(guest_regs(&g).rbx, wakes - 1);
        CHECK_EQ(guest_regs(&g).rip, LONG_AT(halt_loop) + 2);
        inject(&g, 0x30);
        CHECK_EQ(RUN_TO_TRAP(&g, 0x30).rip, LONG_AT(halt_loop) + 2);
        RUN_TO_DONE(&g);
        CHECK_EQ(guest_regs(&g).rbx, wakes);
    }
}

void case_minimal_exception_injection(void)
{
    struct guest g;
    snippet_create(&g);
    GO(&g, nops);
    CHECK_OK(vmaccel_vcpu_inject_exception(g.vcpu, VECTOR_UD, false, 0));
    CHECK_EQ(events_of(&g).exception_pending, true);
    CHECK_EQ(events_of(&g).exception_vector, VECTOR_UD);
    struct frame frame = RUN_TO_TRAP(&g, VECTOR_UD);
    CHECK_EQ(frame.rip, LONG_AT(nops));
    CHECK_EQ(frame.error, 0);
    CHECK_EQ(events_of(&g).exception_pending, false);
    RUN_TO_DONE(&g);

    GO(&g, nops);
    CHECK_OK(vmaccel_vcpu_inject_exception(g.vcpu, VECTOR_GP, true, 0x18));
    frame = RUN_TO_TRAP(&g, VECTOR_GP);
    CHECK_EQ(frame.rip, LONG_AT(nops));
    CHECK_EQ(frame.error, 0x18);
    RUN_TO_DONE(&g);

    GO(&g, nops);
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    sregs.cr2 = 0xdead000;
    guest_set_sregs(&g, &sregs);
    CHECK_OK(vmaccel_vcpu_inject_exception(g.vcpu, VECTOR_PF, true, 2));
    frame = RUN_TO_TRAP(&g, VECTOR_PF);
    CHECK_EQ(frame.error, 2);
    CHECK_EQ(guest_sregs(&g).cr2, 0xdead000);
    RUN_TO_DONE(&g);
}

void case_exception_injection_errors(void)
{
    struct guest g;
    snippet_create(&g);
    GO(&g, nops);
    CHECK_STATUS(vmaccel_vcpu_inject_exception(g.vcpu, 32, false, 0), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_vcpu_inject_exception(g.vcpu, VECTOR_NMI, false, 0),
                 VMACCEL_E_INVALID_ARGUMENT);
    CHECK_OK(vmaccel_vcpu_inject_exception(g.vcpu, VECTOR_GP, true, 0));
    CHECK_STATUS(vmaccel_vcpu_inject_exception(g.vcpu, VECTOR_UD, false, 0), VMACCEL_E_BUSY);
    RUN_TO_TRAP(&g, VECTOR_GP);
    RUN_TO_DONE(&g);
}

void case_nmi(void)
{
    struct guest g;
    snippet_create(&g);
    GO(&g, nops);
    CHECK_EQ(events_of(&g).nmi_masked, false);
    CHECK_OK(vmaccel_vcpu_inject_nmi(g.vcpu));
    CHECK_EQ(RUN_TO_TRAP(&g, VECTOR_NMI).rip, LONG_AT(nops));
    CHECK_EQ(events_of(&g).nmi_masked, true);
    RUN_TO_DONE(&g);
    CHECK_EQ(events_of(&g).nmi_masked, false);
    CHECK_EQ(events_of(&g).nmi_pending, false);
}

void case_nmi_latched_while_masked(void)
{
    struct guest g;
    snippet_create(&g);
    GO(&g, nops);
    CHECK_OK(vmaccel_vcpu_inject_nmi(g.vcpu));
    RUN_TO_TRAP(&g, VECTOR_NMI);
    for (unsigned i = 0; i < 3; i++)
        CHECK_OK(vmaccel_vcpu_inject_nmi(g.vcpu));
    vmaccel_x86_events events = events_of(&g);
    CHECK_EQ(events.nmi_masked, true);
    CHECK_EQ(events.nmi_pending, true);
    /* One comes at the IRET, the others are gone. */
    struct frame frame = RUN_TO_TRAP(&g, VECTOR_NMI);
    CHECK(frame.rip >= LONG_AT(nops) && frame.rip < LONG_AT(nops) + 4);
    RUN_TO_DONE(&g);
    CHECK_EQ(events_of(&g).nmi_pending, false);
}

static void copy_state(struct guest *to, struct guest *from)
{
    vmaccel_x86_regs regs = guest_regs(from);
    vmaccel_x86_sregs sregs = guest_sregs(from);
    vmaccel_x86_events events = events_of(from);
    /* Events first: whichever order, they survive. */
    CHECK_OK(vmaccel_x86_set_events(to->vcpu, &events));
    guest_set_sregs(to, &sregs);
    guest_set_regs(to, &regs);
    vmaccel_x86_events copy = events_of(to);
    CHECK_BYTES(&copy, &events, sizeof(events));
}

void case_pending_event_survives(void)
{
    for (unsigned kind = 0; kind < 3; kind++) {
        struct guest a, b;
        snippet_create(&a);
        snippet_create(&b);
        GUEST_SET(&a, rflags, FLAG_IF);
        GO(&a, nops);
        uint8_t vector = 0x30;
        if (kind == 0) {
            inject(&a, vector);
        } else if (kind == 1) {
            vector = VECTOR_GP;
            CHECK_OK(vmaccel_vcpu_inject_exception(a.vcpu, vector, true, 0x20));
        } else {
            vector = VECTOR_NMI;
            CHECK_OK(vmaccel_vcpu_inject_nmi(a.vcpu));
        }
        copy_state(&b, &a);
        struct frame frame = RUN_TO_TRAP(&b, vector);
        CHECK_EQ(frame.rip, LONG_AT(nops));
        CHECK_EQ(frame.error, kind == 1 ? 0x20 : 0);
        RUN_TO_DONE(&b);
        /* The first VM still has its own. */
        RUN_TO_TRAP(&a, vector);
        suite_vcpu_destroy(a.vcpu);
        suite_vcpu_destroy(b.vcpu);
        suite_vm_destroy(a.vm);
        suite_vm_destroy(b.vm);
    }
}

void case_triple_fault(void)
{
    struct guest g;
    snippet_create(&g);
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    sregs.idt.limit = 0;
    guest_set_sregs(&g, &sregs);
    GO(&g, ud2);
    RUN_TO(&g, VMACCEL_EXIT_SHUTDOWN);
}
