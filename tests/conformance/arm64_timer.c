/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtual timer, and the interrupt lines of a vCPU without GIC. */
#include "arm64_irq.h"
#include "suite_host.h"

static void create(struct guest *g, uint32_t version)
{
    irq_create(g, version);
    CALL(g, enable, INTID_VTIMER, 0x80, 0);
    SET_X(g, X_REPORTS, 0);
}

void case_timer_one_shot(void)
{
    EACH_GIC(version)
    {
        struct guest g;
        create(&g, version);
        uint64_t ticks = 0x100000, before = a64_sysreg(&g, CNTVCT_EL0);
        CALL(&g, timer, ticks, 0, 0);
        CALL(&g, wfi_loop, 1, 0, 0);
        CHECK_EQ(X(&g, X_COUNT), 1);
        CHECK(a64_sysreg(&g, CNTVCT_EL0) - before >= ticks);
        CHECK(a64_sysreg(&g, CNTV_CVAL_EL0) - before >= ticks);
        CALL(&g, open, 0, 0, 0);
        CHECK_EQ(X(&g, X_COUNT), 1);
        /* In a loop that does not wait. */
        CALL(&g, timer, ticks, 0, 0);
        CALL(&g, count_to, 2, 0, 0);
        CHECK_EQ(X(&g, X_COUNT), 2);
        guest_destroy(&g);
    }
}

/* Each tick moves the next: the last deadline tells of all. */
void case_timer_periodic(void)
{
    const uint64_t ticks = suite_quick() ? 2000 : 100000;
    suite_time_limit(600);
    EACH_GIC(version)
    {
        struct guest g;
        create(&g, version);
        uint64_t period = irq_frequency(&g) / 5000;
        SET_X(&g, X_PERIOD, period);
        CALL(&g, timer, period, 0, 0);
        uint64_t first = a64_sysreg(&g, CNTV_CVAL_EL0), start = host_now_ns();
        CALL(&g, wfi_loop, ticks, 0, 0);
        uint64_t took = host_now_ns() - start;
        /* Some that were late may come at once at the end. */
        uint64_t taken = X(&g, X_COUNT);
        CHECK(taken >= ticks && taken < ticks + 100000);
        CHECK_EQ(a64_sysreg(&g, CNTV_CVAL_EL0), first + taken * period);
        CHECK(a64_sysreg(&g, CNTVCT_EL0) >= first + (taken - 1) * period);
        suite_note("GICv%" PRIu32 ": %" PRIu64 " ticks of 200 us, 0 lost, %" PRIu64 " ms, %" PRIu64
                   " wakes",
                   version, taken, took / 1000000, X(&g, X_WAKES));
        guest_destroy(&g);
    }
}

void case_timer_masked(void)
{
    EACH_GIC(version)
    {
        struct guest g;
        create(&g, version);
        CALL(&g, timer_masked, 100, 0, 0);
        host_sleep_ns(5000000);
        CALL(&g, open, 0, 0, 0);
        CHECK_EQ(X(&g, X_COUNT), 0);
        CHECK_EQ(a64_sysreg(&g, CNTV_CTL_EL0) & 7, 7);
        a64_set_sysreg(&g, CNTV_CTL_EL0, 1);
        CALL(&g, open, 0, 0, 0);
        CHECK_EQ(X(&g, X_COUNT), 1);
        guest_destroy(&g);
    }
}

/* The count is set while the timer is armed: it fires by the new one. */
void case_timer_and_offset(void)
{
    EACH_GIC(version)
    {
        struct guest g;
        create(&g, version);
        uint64_t hz = irq_frequency(&g);
        a64_set_sysreg(&g, CNTVCT_EL0, 1000);
        CALL(&g, timer, hz * 1000, 0, 0); /* in 1000 s */
        CALL(&g, open, 0, 0, 0);
        CHECK_EQ(X(&g, X_COUNT), 0);
        a64_set_sysreg(&g, CNTVCT_EL0, hz * 1001);
        CALL(&g, wfi_loop, 1, 0, 0);
        CHECK_EQ(X(&g, X_COUNT), 1);
        guest_destroy(&g);
    }
}

static void set_lines(struct guest *g, bool irq, bool fiq)
{
    vmaccel_arm64_events events;
    CHECK_OK(vmaccel_arm64_get_events(g->vcpu, &events));
    events.irq_pending = irq;
    events.fiq_pending = fiq;
    CHECK_OK(vmaccel_arm64_set_events(g->vcpu, &events));
    CHECK_OK(vmaccel_arm64_get_events(g->vcpu, &events));
    CHECK_EQ(events.irq_pending, irq);
    CHECK_EQ(events.fiq_pending, fiq);
}

void case_irq_and_fiq_lines(void)
{
    struct guest g;
    a64_create(&g);
    set_lines(&g, true, false);
    GO_DONE(&g, nop); /* masked */
    a64_set(&g, VMACCEL_ARM64_PSTATE, PSTATE_EL1H & ~PSTATE_I);
    GO(&g, nop);
    struct a64_trap trap = RUN_TO_TRAP(&g, VECTOR_IRQ);
    CHECK_EQ(trap.elr, EL1_AT(nop));
    CHECK_EQ(a64_get(&g, VMACCEL_ARM64_PSTATE) & PSTATE_I, PSTATE_I);
    /* A level: again when it returns, until it falls. */
    RUN_TO_TRAP(&g, VECTOR_IRQ);
    set_lines(&g, false, false);
    RUN_TO_DONE(&g);
    set_lines(&g, false, true);
    GO_DONE(&g, nop);
    a64_set(&g, VMACCEL_ARM64_PSTATE, PSTATE_EL1H & ~PSTATE_F);
    GO(&g, nop);
    trap = RUN_TO_TRAP(&g, VECTOR_FIQ);
    CHECK_EQ(trap.elr, EL1_AT(nop));
    set_lines(&g, false, false);
    RUN_TO_DONE(&g);
}

/* Once for each change of the line, in both directions. */
void case_timer_exit(void)
{
    struct guest g;
    a64_create(&g);
    for (int i = 0; i < 3; i++) {
        a64_set_sysreg(&g, CNTV_CVAL_EL0, 0);
        SET_X(&g, 0, 1);
        GO(&g, msr_cntv_ctl);
        RUN(&g);
        /* The line may be seen before or after the guest's next exit. */
        bool early = g.exit->reason == VMACCEL_EXIT_TIMER;
        if (!early) {
            a64_expect_done(SITE, &g);
            GO(&g, nop);
            RUN_TO(&g, VMACCEL_EXIT_TIMER);
        }
        CHECK_EQ(g.exit->u.timer.virtual_timer, 1);
        CHECK_EQ(g.exit->u.timer.physical_timer, 0);
        RUN_TO_DONE(&g);
        GO_DONE(&g, nop);
        SET_X(&g, 0, 3); /* masked at the timer */
        GO(&g, msr_cntv_ctl);
        RUN(&g);
        early = g.exit->reason == VMACCEL_EXIT_TIMER;
        if (!early) {
            a64_expect_done(SITE, &g);
            GO(&g, nop);
            RUN_TO(&g, VMACCEL_EXIT_TIMER);
        }
        CHECK_EQ(g.exit->u.timer.virtual_timer, 0);
        RUN_TO_DONE(&g);
        GO_DONE(&g, nop);
    }
}

/* WFI without GIC: a pending line ends the wait. */
void case_wfi_without_gic(void)
{
    struct guest g;
    a64_create(&g);
    set_lines(&g, true, false);
    GO(&g, wfi);
    RUN(&g);
    if (g.exit->reason == VMACCEL_EXIT_HLT) {
        CHECK_EQ(PC(&g), EL1_AT(wfi) + 4);
        RUN(&g);
    }
    a64_expect_done(SITE, &g);
    set_lines(&g, false, false);
    GO(&g, wfi);
    CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
    RUN_TO(&g, VMACCEL_EXIT_KICKED);
}
