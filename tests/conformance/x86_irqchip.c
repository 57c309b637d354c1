/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt lines and MSIs through the platform's interrupt controllers. */
#include "suite_host.h"
#include "x86_snippet.h"

#define APIC_EOI_XAPIC 2u
#define APIC_SVR       0xf0u
#define APIC_LVT0      0x350u
#define APIC_MASKED    0x10000u
#define MSI_ADDRESS    0xfee00000u
#define MSI_LEVEL      (3u << 14)
#define IOAPIC_LEVEL   (1u << 15)

static void apic_write(struct guest *g, uint32_t offset, uint32_t value)
{
    GUEST_SET(g, rbx, offset);
    GUEST_SET(g, rax, value);
    GO_DONE(g, apic_write);
}

static void ioapic_route(struct guest *g, uint32_t pin, uint32_t low)
{
    GUEST_SET(g, rbx, pin);
    GUEST_SET(g, rax, low);
    GUEST_SET(g, rdx, 0);
    GO_DONE(g, ioapic_write);
}

/* The local APIC is on, the 8259 not connected, and stubs end interrupts at the local APIC. */
static void create(struct guest *g, vmaccel_irqchip irqchip)
{
    snippet_create_with(g, irqchip, 0);
    g->ram[LONG_AT(eoi)] = APIC_EOI_XAPIC;
    apic_write(g, APIC_SVR, 0x1ff);
    apic_write(g, APIC_LVT0, APIC_MASKED);
}

static void pulse(struct guest *g, uint32_t line)
{
    CHECK_OK(vmaccel_irq_line(g->vm, line, true));
    CHECK_OK(vmaccel_irq_line(g->vm, line, false));
}

void case_irq_line_pic(void)
{
    struct guest g;
    snippet_create_with(&g, VMACCEL_IRQCHIP_FULL, 0);
    apic_write(&g, APIC_SVR, 0x1ff);
    apic_write(&g, APIC_LVT0, 0x700); /* the 8259's output */
    GUEST_SET(&g, rax, 0x2820);
    GUEST_SET(&g, rcx, 0xffef);
    GO_DONE(&g, pic_setup);
    pulse(&g, 3); /* masked */
    pulse(&g, 4);
    GUEST_SET(&g, rflags, FLAG_IF);
    GO(&g, nops);
    RUN_TO_TRAP(&g, 0x24);
    RUN_TO_DONE(&g);
    /* Not ended at the 8259, so a second one waits. */
    pulse(&g, 4);
    GO_DONE(&g, nops);
    GO_TRAP(&g, pic_eoi, 0x24);
    RUN_TO_DONE(&g);
}

void case_irq_line_ioapic(void)
{
    struct guest g;
    create(&g, VMACCEL_IRQCHIP_FULL);
    ioapic_route(&g, 4, 0x34);
    ioapic_route(&g, 20, 0x35);
    ioapic_route(&g, 2, 0x36);
    pulse(&g, 4);
    GUEST_SET(&g, rflags, FLAG_IF);
    GO(&g, nops);
    RUN_TO_TRAP(&g, 0x34);
    RUN_TO_DONE(&g);
    pulse(&g, 20);
    GO(&g, nops);
    RUN_TO_TRAP(&g, 0x35);
    RUN_TO_DONE(&g);
    /* Line 0 is pin 2. */
    pulse(&g, 0);
    GO(&g, nops);
    RUN_TO_TRAP(&g, 0x36);
    RUN_TO_DONE(&g);
}

void case_irq_line_level(void)
{
    struct guest g;
    create(&g, VMACCEL_IRQCHIP_FULL);
    ioapic_route(&g, 20, 0x35 | IOAPIC_LEVEL);
    CHECK_OK(vmaccel_irq_line(g.vm, 20, true));
    GUEST_SET(&g, rflags, FLAG_IF);
    GO(&g, nops);
    /* Again and again while the line is high. */
    RUN_TO_TRAP(&g, 0x35);
    RUN_TO_TRAP(&g, 0x35);
    CHECK_OK(vmaccel_irq_line(g.vm, 20, false));
    RUN_TO_DONE(&g);
    GO_DONE(&g, nops);
}

struct later {
    struct guest *guest;
    uint32_t line;
};

static void raise_later(void *argument)
{
    struct later *later = argument;
    host_sleep_ns(30000000);
    pulse(later->guest, later->line);
}

void case_irq_line_wakes_halted(void)
{
    struct guest g;
    create(&g, VMACCEL_IRQCHIP_FULL);
    ioapic_route(&g, 5, 0x45);
    GUEST_SET(&g, rbx, 0);
    GO(&g, halt_loop);
    for (uint64_t wakes = 1; wakes < 4; wakes++) {
        struct later later = {&g, 5};
        struct suite_thread *thread = suite_spawn(raise_later, &later);
        RUN_TO_TRAP(&g, 0x45);
        RUN_TO_DONE(&g);
        CHECK_EQ(guest_regs(&g).rbx, wakes);
        suite_join(thread);
    }
}

static void check_msi(vmaccel_irqchip irqchip)
{
    struct guest g;
    create(&g, irqchip);
    GUEST_SET(&g, rflags, FLAG_IF);
    GO(&g, nops);
    CHECK_OK(vmaccel_irq_msi(g.vm, MSI_ADDRESS, 0x41));
    CHECK_OK(vmaccel_irq_msi(g.vm, MSI_ADDRESS, 0x61));
    RUN_TO_TRAP(&g, 0x61);
    RUN_TO_TRAP(&g, 0x41);
    RUN_TO_DONE(&g);
    CHECK_STATUS(vmaccel_irq_msi(g.vm, 0x12345000, 0x41), VMACCEL_E_INVALID_ARGUMENT);
}

void case_msi_full(void)
{
    check_msi(VMACCEL_IRQCHIP_FULL);
}

void case_msi_split(void)
{
    check_msi(VMACCEL_IRQCHIP_SPLIT);
}

void case_msi_split_eoi(void)
{
    struct guest g;
    create(&g, VMACCEL_IRQCHIP_SPLIT);
    for (uint8_t vector = 0x42; vector < 0x45; vector++) {
        GUEST_SET(&g, rflags, FLAG_IF);
        GO(&g, nops);
        CHECK_OK(vmaccel_irq_msi(g.vm, MSI_ADDRESS, MSI_LEVEL | vector));
        RUN_TO_TRAP(&g, vector);
        RUN_TO(&g, VMACCEL_EXIT_EOI);
        CHECK_EQ(g.exit->u.eoi.vector, vector);
        RUN_TO_DONE(&g);
    }
    /* An edge ends silently. */
    GO(&g, nops);
    CHECK_OK(vmaccel_irq_msi(g.vm, MSI_ADDRESS, 0x46));
    RUN_TO_TRAP(&g, 0x46);
    RUN_TO_DONE(&g);
}

void case_irqchip_wrong_kind(void)
{
    struct guest none;
    snippet_create(&none);
    CHECK_STATUS(vmaccel_irq_line(none.vm, 4, true), VMACCEL_E_NOT_SUPPORTED);
    CHECK_EQ(vmaccel_vm_cap(none.vm, VMACCEL_CAP_IRQ_LINE), 0);
    CHECK_STATUS(vmaccel_irq_msi(none.vm, MSI_ADDRESS, 0x41), VMACCEL_E_NOT_SUPPORTED);
    CHECK_EQ(vmaccel_vm_cap(none.vm, VMACCEL_CAP_IRQ_MSI), 0);

    struct guest full;
    bool ready;
    snippet_create_with(&full, VMACCEL_IRQCHIP_FULL, 0);
    CHECK_STATUS(vmaccel_irq_line(full.vm, 24, true), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_EQ(vmaccel_vm_cap(full.vm, VMACCEL_CAP_INJECT_INTERRUPT), 0);
    CHECK_STATUS(vmaccel_vcpu_inject_interrupt(full.vcpu, 0x30), VMACCEL_E_NOT_SUPPORTED);
    CHECK_STATUS(vmaccel_vcpu_interrupt_ready(full.vcpu, &ready), VMACCEL_E_NOT_SUPPORTED);
    CHECK_STATUS(vmaccel_vcpu_request_irq_window(full.vcpu, true), VMACCEL_E_NOT_SUPPORTED);
}

void case_irqchip_state(void)
{
    vmaccel_x86_irqchip saved, again;
    struct guest g;
    create(&g, VMACCEL_IRQCHIP_FULL);
    suite_need(g.vm, VMACCEL_CAP_REG_IRQCHIP);
    ioapic_route(&g, 4, 0x34);
    pulse(&g, 3);
    CHECK_OK(vmaccel_x86_get_irqchip(g.vm, &saved));
    CHECK_EQ(saved.ioapic_redirection[4], 0x34);
    CHECK_OK(vmaccel_x86_set_irqchip(g.vm, &saved));
    CHECK_OK(vmaccel_x86_get_irqchip(g.vm, &again));
    /* When a count was loaded is the host's time. */
    for (unsigned i = 0; i < 3; i++)
        again.pit[i].count_load_time = saved.pit[i].count_load_time;
    CHECK_BYTES(&again, &saved, sizeof(saved));

    /* The table routes in another VM. */
    struct guest h;
    create(&h, VMACCEL_IRQCHIP_FULL);
    CHECK_OK(vmaccel_x86_set_irqchip(h.vm, &saved));
    pulse(&h, 4);
    GUEST_SET(&h, rflags, FLAG_IF);
    GO(&h, nops);
    RUN_TO_TRAP(&h, 0x34);
    RUN_TO_DONE(&h);
}
