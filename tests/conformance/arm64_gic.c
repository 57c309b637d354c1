/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts through the platform's GIC, of each version it has. */
#include "arm64_irq.h"
#include "suite_host.h"

static void line(struct guest *g, bool level)
{
    CHECK_OK(vmaccel_irq_line(g->vm, SPI, level));
}

static void pulse(struct guest *g, uint32_t number)
{
    CHECK_OK(vmaccel_irq_line(g->vm, number, true));
    CHECK_OK(vmaccel_irq_line(g->vm, number, false));
}

void case_gic_config(void)
{
    vmaccel_vm *vm = suite_vm(VMACCEL_IRQCHIP_FULL, 1, 0, 0);
    const vmaccel_arm64_gic good = {.size = sizeof(good)};
    vmaccel_arm64_gic gic = good;
    gic.version = 4;
    CHECK_STATUS(vmaccel_arm64_set_gic(vm, &gic), VMACCEL_E_INVALID_ARGUMENT);
    gic = good;
    gic.spis = 33;
    CHECK_STATUS(vmaccel_arm64_set_gic(vm, &gic), VMACCEL_E_INVALID_ARGUMENT);
    gic.spis = 1024;
    CHECK_STATUS(vmaccel_arm64_set_gic(vm, &gic), VMACCEL_E_INVALID_ARGUMENT);
    gic = good;
    gic.reserved = 1;
    CHECK_STATUS(vmaccel_arm64_set_gic(vm, &gic), VMACCEL_E_INVALID_ARGUMENT);
    gic = good;
    gic.dist = 0x08000100;
    gic.redist = 0x080a0000;
    CHECK_STATUS(vmaccel_arm64_set_gic(vm, &gic), VMACCEL_E_INVALID_ARGUMENT);
    gic = good;
    gic.size = 4;
    CHECK_STATUS(vmaccel_arm64_set_gic(vm, &gic), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_OK(vmaccel_arm64_set_gic(vm, &good));
    gic = good;
    CHECK_OK(vmaccel_arm64_get_gic(vm, &gic));
    CHECK(gic.version == 2 || gic.version == 3);
    CHECK_EQ(gic.spis, 224);
    CHECK_EQ(gic.dist, GIC_DIST);
    CHECK_EQ(gic.version == 3 ? gic.redist : gic.cpu, gic.version == 3 ? GIC_REDIST : GIC_CPU);
    CHECK_OK(vmaccel_vm_commit(vm));
    CHECK_STATUS(vmaccel_arm64_set_gic(vm, &good), VMACCEL_E_STATE);
    for (uint32_t version = 2; version <= 3; version++) {
        vmaccel_vm *other = suite_vm(VMACCEL_IRQCHIP_FULL, 1, 0, 0);
        gic = good;
        gic.version = version;
        CHECK_STATUS(vmaccel_arm64_set_gic(other, &gic),
                     irq_has(version) ? VMACCEL_OK : VMACCEL_E_NOT_SUPPORTED);
    }
}

/* Eight vCPUs are all that a GICv2 takes, or that the platform takes. */
void case_gic_v2_vcpus(void)
{
    vmaccel_vm_config config = {.size = sizeof(config),
                                .arch = suite_arch(),
                                .irqchip = VMACCEL_IRQCHIP_FULL,
                                .max_vcpus = 9};
    vmaccel_arm64_gic gic = {.size = sizeof(gic), .version = 2};
    vmaccel_vm *vm;
    vmaccel_status status = vmaccel_vm_create(suite_platform(), &config, &vm);
    if (status == VMACCEL_OK) {
        suite_own_vm(vm);
        status = vmaccel_arm64_set_gic(vm, &gic);
    }
    CHECK_STATUS(status, VMACCEL_E_LIMIT);
}

void case_gic_absent(void)
{
    vmaccel_vm *vm = suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0);
    vmaccel_arm64_gic gic = {.size = sizeof(gic)};
    CHECK_OK(vmaccel_arm64_get_gic(vm, &gic));
    CHECK_EQ(gic.version, 0);
    CHECK_EQ(vmaccel_vm_cap(vm, VMACCEL_CAP_IRQ_LINE), 0);
    CHECK_STATUS(vmaccel_irq_line(vm, SPI, true), VMACCEL_E_NOT_SUPPORTED);
}

void case_spi_edge(void)
{
    EACH_GIC(version)
    {
        struct guest g;
        irq_create(&g, version);
        CALL(&g, enable, INTID(SPI), 0x80, 1);
        /* Pending while the guest has them masked; two edges are one interrupt. */
        pulse(&g, SPI);
        pulse(&g, SPI);
        CALL(&g, done, 0, 0, 0);
        IRQ_GO(&g, open);
        RUN_TO_INTID(&g, INTID(SPI));
        RUN_TO_DONE(&g);
        CALL(&g, open, 0, 0, 0);
        /* A held line is one edge. */
        line(&g, true);
        IRQ_GO(&g, open);
        RUN_TO_INTID(&g, INTID(SPI));
        RUN_TO_DONE(&g);
        line(&g, false);
        CALL(&g, open, 0, 0, 0);
        CHECK_EQ(X(&g, X_COUNT), 2);
        /* The last SPI, and one too many. */
        CALL(&g, enable, INTID(223), 0x80, 1);
        pulse(&g, 223);
        IRQ_GO(&g, open);
        RUN_TO_INTID(&g, INTID(223));
        RUN_TO_DONE(&g);
        CHECK_STATUS(vmaccel_irq_line(g.vm, 224, true), VMACCEL_E_INVALID_ARGUMENT);
        guest_destroy(&g);
    }
}

void case_spi_level(void)
{
    EACH_GIC(version)
    {
        struct guest g;
        irq_create(&g, version);
        CALL(&g, enable, INTID(SPI), 0x80, 0);
        SET_X(&g, X_LEVEL, 1);
        line(&g, true);
        IRQ_GO(&g, open);
        /* Until the line falls. */
        for (int i = 0; i < 3; i++) {
            RUN_TO_INTID(&g, INTID(SPI));
            RUN_TO_WRITE(&g, REPORT_ACK, 4, INTID(SPI));
        }
        line(&g, false);
        RUN_TO_DONE(&g);
        /* A level that falls before it is taken is none. */
        pulse(&g, SPI);
        CALL(&g, open, 0, 0, 0);
        guest_destroy(&g);
    }
}

void case_spi_masks(void)
{
    EACH_GIC(version)
    {
        struct guest g;
        irq_create(&g, version);
        CALL(&g, enable, INTID(SPI), 0xa0, 1);
        CALL(&g, setup, 0xa0, 0, 0); /* only priorities above */
        pulse(&g, SPI);
        CALL(&g, open, 0, 0, 0);
        CALL(&g, disable, INTID(SPI), 0, 0);
        CALL(&g, setup, 0xf0, 0, 0);
        CALL(&g, open, 0, 0, 0);
        CHECK_EQ(X(&g, X_COUNT), 0);
        /* Still pending. */
        CALL(&g, enable, INTID(SPI), 0xa0, 1);
        IRQ_GO(&g, open);
        RUN_TO_INTID(&g, INTID(SPI));
        RUN_TO_DONE(&g);
        guest_destroy(&g);
    }
}

void case_spi_priorities(void)
{
    EACH_GIC(version)
    {
        struct guest g;
        irq_create(&g, version);
        for (uint32_t i = 0; i < 4; i++) {
            CALL(&g, enable, INTID(SPI) + i, 0xc0 - 0x20 * i, 1);
            pulse(&g, SPI + i);
        }
        IRQ_GO(&g, open);
        for (uint32_t i = 4; i-- > 0;)
            RUN_TO_INTID(&g, INTID(SPI) + i);
        RUN_TO_DONE(&g);
        guest_destroy(&g);
    }
}

void case_sgi_to_self(void)
{
    EACH_GIC(version)
    {
        struct guest g;
        irq_create(&g, version);
        for (uint32_t i = 0; i < 16; i += 5) {
            CALL(&g, enable, i, 0x80, 1);
            CALL(&g, sgi, i, 0, 0);
            IRQ_GO(&g, open);
            RUN_TO_INTID(&g, i);
            RUN_TO_DONE(&g);
        }
        guest_destroy(&g);
    }
}

static void pulse_soon(void *argument)
{
    host_sleep_ns(30000000);
    pulse(argument, SPI);
}

static void kick_soon(void *argument)
{
    host_sleep_ns(30000000);
    CHECK_OK(vmaccel_vcpu_kick(argument));
}

void case_wfi_wakes_once(void)
{
    EACH_GIC(version)
    {
        struct guest g;
        irq_create(&g, version);
        CALL(&g, enable, INTID(SPI), 0x80, 1);
        SET_X(&g, X_REPORTS, 0);
        for (uint64_t i = 1; i <= 3; i++) {
            struct suite_thread *thread = suite_spawn(pulse_soon, &g);
            CALL(&g, wfi_loop, i, 0, 0);
            suite_join(thread);
            CHECK_EQ(X(&g, X_COUNT), i);
            CHECK_EQ(X(&g, X_WAKES), i);
        }
        /* A pending one that PSTATE masks ends the wait and is not taken. */
        pulse(&g, SPI);
        CALL(&g, wfi_masked, 0, 0, 0);
        CHECK_EQ(X(&g, X_COUNT), 3);
        CALL(&g, open, 0, 0, 0);
        CHECK_EQ(X(&g, X_COUNT), 4);
        guest_destroy(&g);
    }
}

void case_wfi_kicked(void)
{
    EACH_GIC(version)
    {
        struct guest g;
        irq_create(&g, version);
        IRQ_GO(&g, idle);
        CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
        RUN_TO(&g, VMACCEL_EXIT_KICKED);
        for (int i = 0; i < 3; i++) {
            struct suite_thread *thread = suite_spawn(kick_soon, g.vcpu);
            RUN_TO(&g, VMACCEL_EXIT_KICKED);
            suite_join(thread);
        }
        guest_destroy(&g);
    }
}

static void kick_late(void *argument)
{
    host_sleep_ns(300000000);
    CHECK_OK(vmaccel_vcpu_kick(argument));
}

/* Under 1 % of a host CPU; on one that others use or that is emulated, at the third try. */
void case_wfi_idles(void)
{
    EACH_GIC(version)
    {
        struct guest g;
        uint64_t cpu = UINT64_MAX, took = 0;
        irq_create(&g, version);
        IRQ_GO(&g, idle);
        CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
        RUN_TO(&g, VMACCEL_EXIT_KICKED);
        for (int i = 0; i < 3 && cpu > took / 100; i++) {
            struct suite_thread *thread = suite_spawn(kick_late, g.vcpu);
            uint64_t start = host_now_ns(), before = host_thread_cpu_ns();
            RUN_TO(&g, VMACCEL_EXIT_KICKED);
            cpu = host_thread_cpu_ns() - before;
            took = host_now_ns() - start;
            suite_join(thread);
        }
        suite_note("GICv%" PRIu32 ": %" PRIu64 " us of CPU in %" PRIu64 " ms", version, cpu / 1000,
                   took / 1000000);
        CHECK(cpu <= took / 100);
        guest_destroy(&g);
    }
}

/* Bytes, halfwords and doublewords all over the GIC: none exits, none hurts. */
void case_gic_odd_sizes(void)
{
    EACH_GIC(version)
    {
        struct guest g;
        irq_create(&g, version);
        CALL(&g, odd_sizes, GIC_DIST, GIC_DIST + (version == 3 ? 0x10000 : 0x1000) - 8, 0x48);
        if (version == 3)
            CALL(&g, odd_sizes, GIC_REDIST, GIC_REDIST + 0x20000 - 8, 0x48);
        else
            CALL(&g, odd_sizes, GIC_CPU + 0x20, GIC_CPU + 0x1000 - 8, 0x48);
        /* Set up again, it works. */
        CALL(&g, setup, 0xff, 0, 0);
        CALL(&g, enable, INTID(SPI), 0x80, 1);
        pulse(&g, SPI);
        SET_X(&g, X_REPORTS, 0);
        uint64_t before = X(&g, X_COUNT);
        CALL(&g, open, 0, 0, 0);
        CHECK(X(&g, X_COUNT) > before);
        guest_destroy(&g);
    }
}
