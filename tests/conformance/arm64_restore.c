/* SPDX-License-Identifier: BSD-2-Clause */
/* Saving a vCPU and its GIC and going on in another VM: in any order of the setters. */
#include "arm64_irq.h"
#include "arm64_state.h"
#include "suite_host.h"

#define TWINS 3u

static struct a64_state saved, again;

/* A VM like the guest's with a copy of its memory; nothing is restored. */
static void make_twin(struct guest *twin, struct guest *of)
{
    vmaccel_arm64_gic gic = {.size = sizeof(gic)};
    CHECK_OK(vmaccel_arm64_get_gic(of->vm, &gic));
    vmaccel_vm *vm =
        gic.version != 0 ? irq_vm(gic.version, 1) : suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0);
    guest_map_ram(twin, vm);
    memcpy(twin->ram, of->ram, GUEST_RAM_SIZE);
    guest_make_vcpu(twin, 0);
}

/* Twins of the guest, each restored in another order, all the same when saved again. */
static void make_twins(struct site site, struct guest *g, struct guest twins[TWINS])
{
    a64_state_save(g, &saved);
    for (unsigned n = 0; n < TWINS; n++) {
        make_twin(&twins[n], g);
        a64_state_restore(&twins[n], &saved, n);
        a64_state_save(&twins[n], &again);
        a64_state_check_same(site, &again, &saved);
    }
}

static void end_twins(struct guest twins[TWINS])
{
    for (unsigned n = 0; n < TWINS; n++)
        guest_destroy(&twins[n]);
}

/* A value in each element that a new vCPU does not have. */
static void disturb(struct guest *g)
{
    vmaccel_arm64_fpu fpu;
    vmaccel_arm64_regs regs = a64_regs(g);
    for (unsigned n = 0; n < 27; n++)
        regs.x[n] = UINT64_C(0x0101010101010101) * (n + 1);
    regs.pstate |= UINT64_C(5) << 28;
    regs.sp_el0 = 0x7770;
    regs.elr_el1 = 0x1234;
    regs.spsr_el1 = 0x3c4;
    a64_set_regs(g, &regs);
    CHECK_OK(vmaccel_arm64_get_fpu(g->vcpu, &fpu));
    for (unsigned n = 0; n < 32; n++)
        memset(fpu.v[n], (int)(n + 1), 16);
    fpu.fpcr = 1u << 24;
    fpu.fpsr = 1u << 27;
    CHECK_OK(vmaccel_arm64_set_fpu(g->vcpu, &fpu));
    a64_set_sysreg(g, TPIDR_EL0, 0x1111);
    a64_set_sysreg(g, TPIDRRO_EL0, 0x2222);
    a64_set_sysreg(g, CONTEXTIDR_EL1, 0x33);
    a64_set_sysreg(g, FAR_EL1, 0x4444);
    a64_set_sysreg(g, DBGBVR0_EL1, 0x5554);
    a64_set_sysreg(g, CNTV_CVAL_EL0, UINT64_C(1) << 60);
    a64_set_sysreg(g, CNTVCT_EL0, UINT64_C(1) << 44);
}

void case_save_and_restore(void)
{
    struct guest g, twins[TWINS];
    a64_create(&g);
    disturb(&g);
    GO_DONE(&g, nop);
    make_twins(SITE, &g, twins);
    for (unsigned n = 0; n < TWINS; n++) {
        GO_DONE(&twins[n], mrs_cntvct);
        CHECK(X(&twins[n], 0) >= UINT64_C(1) << 44);
        GO(&twins[n], nop);
        SET_X(&twins[n], 0, saved.regs.x[0]);
        RUN_TO_DONE(&twins[n]);
        a64_state_save(&twins[n], &again);
        a64_state_check_same(SITE, &again, &saved);
    }
}

void case_save_and_restore_gic(void)
{
    EACH_GIC(version)
    {
        struct guest g, twins[TWINS];
        irq_create(&g, version);
        CALL(&g, enable, INTID(SPI), 0x80, 1);
        CALL(&g, enable, INTID_VTIMER, 0x60, 0);
        CALL(&g, enable, 5, 0x40, 1);
        make_twins(SITE, &g, twins);
        CHECK(saved.gic_count != 0);
        suite_note("GICv%" PRIu32 ": %zu registers", version, saved.gic_count);
        for (unsigned n = 0; n < TWINS; n++) {
            CALL(&twins[n], sgi, 5, 0, 0);
            IRQ_GO(&twins[n], open);
            RUN_TO_INTID(&twins[n], 5);
            RUN_TO_DONE(&twins[n]);
        }
        end_twins(twins);
        guest_destroy(&g);
    }
}

/* Pending in the GIC, edge and level, not taken yet. */
void case_restore_pending_spi(void)
{
    EACH_GIC(version)
    {
        struct guest g, twins[TWINS];
        irq_create(&g, version);
        CALL(&g, enable, INTID(SPI), 0x80, 1);
        CALL(&g, enable, INTID(SPI) + 1, 0xa0, 0);
        CHECK_OK(vmaccel_irq_line(g.vm, SPI, true));
        CHECK_OK(vmaccel_irq_line(g.vm, SPI, false));
        CHECK_OK(vmaccel_irq_line(g.vm, SPI + 1, true));
        IRQ_GO(&g, open);
        SET_X(&g, X_LEVEL, 1);
        make_twins(SITE, &g, twins);
        for (unsigned n = 0; n <= TWINS; n++) {
            struct guest *each = n < TWINS ? &twins[n] : &g;
            RUN_TO_INTID(each, INTID(SPI));
            RUN_TO_WRITE(each, REPORT_ACK, 4, INTID(SPI));
            RUN_TO_INTID(each, INTID(SPI) + 1);
            RUN_TO_WRITE(each, REPORT_ACK, 4, INTID(SPI) + 1);
            CHECK_OK(vmaccel_irq_line(each->vm, SPI + 1, false));
            RUN_TO_DONE(each);
            CHECK_EQ(X(each, X_COUNT), 2);
        }
        end_twins(twins);
        guest_destroy(&g);
    }
}

static void kick_soon(void *argument)
{
    host_sleep_ns(30000000);
    CHECK_OK(vmaccel_vcpu_kick(argument));
}

/* Stopped in WFI: an interrupt wakes it there as it would have. */
void case_restore_in_wfi(void)
{
    EACH_GIC(version)
    {
        struct guest g, twins[TWINS];
        irq_create(&g, version);
        CALL(&g, enable, INTID(SPI), 0x80, 1);
        SET_X(&g, X_REPORTS, 0);
        SET_X(&g, 0, 1);
        IRQ_GO(&g, wfi_loop);
        struct suite_thread *thread = suite_spawn(kick_soon, g.vcpu);
        RUN_TO(&g, VMACCEL_EXIT_KICKED);
        suite_join(thread);
        make_twins(SITE, &g, twins);
        for (unsigned n = 0; n <= TWINS; n++) {
            struct guest *each = n < TWINS ? &twins[n] : &g;
            CHECK_OK(vmaccel_irq_line(each->vm, SPI, true));
            RUN_TO_DONE(each);
            CHECK_EQ(X(each, X_COUNT), 1);
            CHECK_EQ(X(each, X_WAKES), 1);
        }
        end_twins(twins);
        guest_destroy(&g);
    }
}

/* An armed timer fires once, and not before its time. */
void case_restore_armed_timer(void)
{
    EACH_GIC(version)
    {
        struct guest g, twins[TWINS];
        irq_create(&g, version);
        CALL(&g, enable, INTID_VTIMER, 0x80, 0);
        SET_X(&g, X_REPORTS, 0);
        uint64_t hz = irq_frequency(&g);
        CALL(&g, timer, hz, 0, 0);
        SET_X(&g, 0, 1);
        IRQ_GO(&g, wfi_loop);
        make_twins(SITE, &g, twins);
        for (unsigned n = 0; n <= TWINS; n++) {
            struct guest *each = n < TWINS ? &twins[n] : &g;
            uint64_t deadline = a64_sysreg(each, CNTV_CVAL_EL0);
            RUN_TO_DONE(each);
            CHECK_EQ(X(each, X_COUNT), 1);
            CHECK(a64_sysreg(each, CNTVCT_EL0) >= deadline);
        }
        end_twins(twins);
        guest_destroy(&g);
    }
}

/* Between a read's exit and its answer: completed, then saved. */
void case_restore_within_access(void)
{
    struct guest g, twins[TWINS];
    a64_create(&g);
    SET_X(&g, 1, A64_MMIO_DEV);
    GO(&g, flow_read);
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    guest_answer(&g, 0xfeed);
    COMPLETE(&g);
    make_twins(SITE, &g, twins);
    for (unsigned n = 0; n <= TWINS; n++)
        RUN_TO_WRITE(n < TWINS ? &twins[n] : &g, A64_MARKS + 0x14, 4, 0xfeed);
}

void case_restore_pending_events(void)
{
    struct guest g, twins[TWINS];
    vmaccel_arm64_events events;
    a64_create(&g);
    CHECK_OK(vmaccel_arm64_get_events(g.vcpu, &events));
    events.serror_pending = true;
    events.irq_pending = true;
    CHECK_OK(vmaccel_arm64_set_events(g.vcpu, &events));
    a64_set(&g, VMACCEL_ARM64_PSTATE, PSTATE_EL1H & ~(PSTATE_I | PSTATE_A));
    GO(&g, nop);
    make_twins(SITE, &g, twins);
    for (unsigned n = 0; n <= TWINS; n++) {
        struct guest *each = n < TWINS ? &twins[n] : &g;
        /* In either order; the line is a level. */
        bool serror = false, irq = false;
        while (!serror || !irq) {
            RUN_TO(each, VMACCEL_EXIT_MMIO);
            uint64_t vector = (each->exit->u.mmio.gpa - A64_TRAPS) / 8;
            CHECK((vector == VECTOR_SERROR && !serror) || (vector == VECTOR_IRQ && !irq));
            if (vector == VECTOR_SERROR) {
                serror = true;
                continue;
            }
            irq = true;
            CHECK_OK(vmaccel_arm64_get_events(each->vcpu, &events));
            events.irq_pending = false;
            CHECK_OK(vmaccel_arm64_set_events(each->vcpu, &events));
        }
        RUN_TO_DONE(each);
    }
}

void case_gic_registers_refused(void)
{
    EACH_GIC(version)
    {
        struct guest g;
        size_t done = 99, count = 0;
        irq_create(&g, version);
        vmaccel_arm64_gic_reg regs[2] = {{.space = VMACCEL_ARM64_GIC_DIST, .offset = 0},
                                         {.space = 9}};
        CHECK_STATUS(vmaccel_arm64_get_gic_regs(g.vm, regs, 2, &done), VMACCEL_E_INVALID_ARGUMENT);
        CHECK(done <= 1);
        regs[1] = (vmaccel_arm64_gic_reg){.space = VMACCEL_ARM64_GIC_CPU, .cpu = 7};
        CHECK(vmaccel_arm64_get_gic_regs(g.vm, regs, 2, &done) != VMACCEL_OK);
        regs[1] = (vmaccel_arm64_gic_reg){.space = VMACCEL_ARM64_GIC_DIST, .offset = 0xffffff0};
        CHECK(vmaccel_arm64_set_gic_regs(g.vm, regs, 2, &done) != VMACCEL_OK);
        CHECK_STATUS(vmaccel_arm64_gic_list(g.vm, saved.gic, &count), VMACCEL_E_LIMIT);
        CHECK(count != 0);
        guest_destroy(&g);
    }
}

/* Each vCPU has registers of its own. */
void case_gic_registers_of_two(void)
{
    EACH_GIC(version)
    {
        struct guest g[2];
        for (unsigned n = 0; n < 2; n++) {
            guest_map_ram(&g[n], irq_vm(version, 2));
            guest_make_vcpu(&g[n], 1);
            guest_make_vcpu(&g[n], 0);
        }
        const bool v3 = version == 3;
        vmaccel_arm64_gic_reg priorities[2] = {
            {.space = v3 ? VMACCEL_ARM64_GIC_REDIST : VMACCEL_ARM64_GIC_DIST,
             .offset = v3 ? 0x10404 : 0x404,
             .value = 0x10203040},
            {.space = v3 ? VMACCEL_ARM64_GIC_REDIST : VMACCEL_ARM64_GIC_DIST,
             .cpu = 1,
             .offset = v3 ? 0x10404 : 0x404,
             .value = 0x50607080}};
        vmaccel_arm64_gic_reg read[2] = {priorities[0], priorities[1]};
        CHECK_OK(vmaccel_arm64_set_gic_regs(g[0].vm, priorities, 2, NULL));
        saved.gic_count = again.gic_count = A64_GIC_REGS;
        CHECK_OK(vmaccel_arm64_gic_list(g[0].vm, saved.gic, &saved.gic_count));
        CHECK_OK(vmaccel_arm64_get_gic_regs(g[0].vm, saved.gic, saved.gic_count, NULL));
        CHECK_OK(vmaccel_arm64_set_gic_regs(g[1].vm, saved.gic, saved.gic_count, NULL));
        CHECK_OK(vmaccel_arm64_gic_list(g[1].vm, again.gic, &again.gic_count));
        CHECK_OK(vmaccel_arm64_get_gic_regs(g[1].vm, again.gic, again.gic_count, NULL));
        CHECK_EQ(again.gic_count, saved.gic_count);
        CHECK_BYTES(again.gic, saved.gic, saved.gic_count * sizeof(saved.gic[0]));
        read[0].value = read[1].value = 0;
        CHECK_OK(vmaccel_arm64_get_gic_regs(g[1].vm, read, 2, NULL));
        CHECK_EQ(read[0].value, priorities[0].value);
        CHECK_EQ(read[1].value, priorities[1].value);
    }
}
