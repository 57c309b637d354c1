/* SPDX-License-Identifier: BSD-2-Clause */
/* MSIs through a GICv3 ITS. Source of registers and commands: Arm IHI 0069. */
#include "arm64_irq.h"

#define ITS        UINT64_C(0x08080000)
#define TRANSLATER (ITS + 0x10040)
#define DEVICE     UINT64_C(5)
#define LPI        8192u
#define VALID      (UINT64_C(1) << 63)

/* Tables in the guest's memory. */
#define COMMANDS    0x80000u
#define DEVICES     0x90000u
#define COLLECTIONS 0xa0000u
#define EVENTS      0xb0000u
#define CONFIG      0xc0000u
#define PENDING     0xd0000u

enum { MAPD = 0x8, MAPC = 0x9, MAPTI = 0xa, INV = 0xc, SYNC = 0x5 };

struct queue {
    struct guest *guest;
    unsigned used;
};

static void command(struct queue *queue, uint64_t word0, uint64_t word1, uint64_t word2)
{
    const uint64_t words[4] = {word0, word1, word2, 0};
    memcpy(queue->guest->ram + COMMANDS + 32u * queue->used++, words, sizeof(words));
}

/* The guest's driver: tables, then the device's events n as LPIs from 8192 + n on. */
static void set_up(struct guest *g, unsigned events)
{
    struct queue queue = {.guest = g};
    memset(g->ram + CONFIG, 0xa1, events); /* priority 0xa0, on */
    CALL(g, poke, GIC_REDIST + 0x70, CONFIG | 13, 0);
    CALL(g, poke, GIC_REDIST + 0x78, PENDING, 0);
    CALL(g, poke_w, GIC_REDIST, 1, 0); /* GICR_CTLR.EnableLPIs */
    CALL(g, poke, ITS + 0x100, VALID | DEVICES, 0);
    CALL(g, poke, ITS + 0x108, VALID | COLLECTIONS, 0);
    CALL(g, poke, ITS + 0x80, VALID | COMMANDS, 0);
    CALL(g, poke_w, ITS, 1, 0); /* GITS_CTLR.Enabled */
    command(&queue, MAPD | DEVICE << 32, 4, VALID | EVENTS);
    command(&queue, MAPC, 0, VALID);
    for (unsigned n = 0; n < events; n++) {
        command(&queue, MAPTI | DEVICE << 32, n | (uint64_t)(LPI + n) << 32, 0);
        command(&queue, INV | DEVICE << 32, n, 0);
    }
    command(&queue, SYNC, 0, 0);
    CALL(g, poke, ITS + 0x88, 32u * queue.used, 0);
}

void case_msi_through_its(void)
{
    struct guest g;
    vmaccel_vm *vm = suite_vm(VMACCEL_IRQCHIP_FULL, 1, 0, 0);
    vmaccel_arm64_gic gic = {.size = sizeof(gic), .version = 3, .its = ITS};
    CHECK_OK(vmaccel_arm64_set_gic(vm, &gic));
    a64_map(&g, vm);
    GUEST_LOAD(&g, arm64_irq);
    irq_add_vcpu(&g, 0, 3);
    CHECK(vmaccel_vm_cap(vm, VMACCEL_CAP_IRQ_MSI) != 0);
    CALL(&g, setup, 0xff, 0, 0);
    set_up(&g, 4);
    for (uint32_t n = 0; n < 4; n++) {
        suite_about("event %" PRIu32, n);
        CHECK_OK(vmaccel_irq_msi(vm, TRANSLATER | DEVICE << 48, n));
        IRQ_GO(&g, open);
        RUN_TO_INTID(&g, LPI + n);
        RUN_TO_DONE(&g);
    }
    /* What is not mapped is dropped: an event, a device. */
    CHECK_OK(vmaccel_irq_msi(vm, TRANSLATER | DEVICE << 48, 9));
    CHECK_OK(vmaccel_irq_msi(vm, TRANSLATER | (DEVICE + 1) << 48, 0));
    CALL(&g, open, 0, 0, 0);
    CHECK_EQ(X(&g, X_COUNT), 4);
    /* Where no ITS is. */
    CHECK(vmaccel_irq_msi(vm, GUEST_MMIO | DEVICE << 48, 0) != VMACCEL_OK);
}

void case_msi_without_its(void)
{
    vmaccel_vm *vm = suite_vm(VMACCEL_IRQCHIP_FULL, 1, 0, 0);
    CHECK_EQ(vmaccel_vm_cap(vm, VMACCEL_CAP_IRQ_MSI), 0);
    CHECK_STATUS(vmaccel_irq_msi(vm, TRANSLATER | DEVICE << 48, 0), VMACCEL_E_NOT_SUPPORTED);
}
