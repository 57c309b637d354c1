/* SPDX-License-Identifier: BSD-2-Clause */
#include "arm64_irq.h"

bool irq_has(uint32_t version)
{
    bool has = suite_cap(version == 2 ? VMACCEL_CAP_ARM64_GICV2 : VMACCEL_CAP_ARM64_GICV3) != 0;
    if (has)
        suite_about("GICv%" PRIu32, version);
    return has;
}

vmaccel_vm *irq_vm(uint32_t version, uint32_t max_vcpus)
{
    vmaccel_vm *vm = suite_vm(VMACCEL_IRQCHIP_FULL, max_vcpus, 0, 0);
    vmaccel_arm64_gic gic = {.size = sizeof(gic), .version = version};
    CHECK_OK(vmaccel_arm64_set_gic(vm, &gic));
    return vm;
}

void irq_add_vcpu(struct guest *guest, uint32_t index, uint32_t version)
{
    vmaccel_arm64_gic gic = {.size = sizeof(gic)};
    a64_add_vcpu(guest, index);
    CHECK_OK(vmaccel_arm64_get_gic(guest->vm, &gic));
    CHECK_EQ(gic.version, version);
    SET_X(guest, 20, version);
    SET_X(guest, 21, gic.dist);
    SET_X(guest, 22, version == 3 ? gic.redist + 0x20000u * index : gic.cpu);
    SET_X(guest, X_REPORTS, 1);
}

void irq_create(struct guest *guest, uint32_t version)
{
    a64_map(guest, irq_vm(version, 1));
    GUEST_LOAD(guest, arm64_irq);
    irq_add_vcpu(guest, 0, version);
    CALL(guest, setup, 0xff, 0, 0);
}

void irq_call(struct site site, struct guest *guest, uint32_t label, uint64_t x0, uint64_t x1,
              uint64_t x2)
{
    SET_X(guest, 0, x0);
    SET_X(guest, 1, x1);
    SET_X(guest, 2, x2);
    SET_PC(guest, label);
    guest_run(site, guest);
    a64_expect_done(site, guest);
}

uint64_t irq_frequency(struct guest *guest)
{
    CALL(guest, frequency, 0, 0, 0);
    CHECK(X(guest, 0) >= 1000000);
    return X(guest, 0);
}
