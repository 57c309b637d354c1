/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings of an AArch64 VM before it is committed, and the GIC. */
#include "core/core.h"

#include <string.h>

static const char module[] = "arm64";

/* Addresses and sizes of the machine `virt`. */
#define GIC_DIST    0x08000000u
#define GIC_V3_RD   0x080a0000u
#define GIC_V2_CPU  0x08010000u
#define GIC_SPIS    224u
#define SIZE_4K     0x1000u
#define SIZE_64K    0x10000u
#define GIC_V2_CPUS 8u
/* INTIDs are counted in 32s, and those from 1020 on are special. */
#define GIC_SPIS_MAX 960u

static vmaccel_status check_arch(const vmaccel_vm *vm, const void *argument)
{
    if (vm == NULL || argument == NULL)
        return core_invalid(vm, module, "vm and the state's pointer must not be NULL");
    return vm->arch == VMACCEL_ARCH_ARM64 ? VMACCEL_OK
                                          : core_wrong_arch(vm, module, VMACCEL_ARCH_ARM64);
}

static vmaccel_status check_open(const vmaccel_vm *vm, const void *argument)
{
    vmaccel_status status = check_arch(vm, argument);

    if (status == VMACCEL_OK && vm->committed)
        status = core_fail(VMACCEL_E_STATE, vm->platform->name, module, NULL, 0,
                           "the VM is committed; set this before its first vCPU");
    return status;
}

vmaccel_status vmaccel_arm64_set_features(vmaccel_vm *vm, uint32_t features)
{
    static const struct {
        uint32_t feature;
        vmaccel_cap cap;
    } caps[] = {
        {VMACCEL_ARM64_FEATURE_SVE, VMACCEL_CAP_REG_SVE},
        {VMACCEL_ARM64_FEATURE_PMU, VMACCEL_CAP_ARM64_PMU},
        {VMACCEL_ARM64_FEATURE_PAUTH, VMACCEL_CAP_ARM64_PAUTH},
    };
    uint32_t known = 0;

    vmaccel_status status = check_open(vm, vm);
    if (status != VMACCEL_OK)
        return status;
    uint32_t there = vm->platform->arm64->features(vm);
    for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
        known |= caps[i].feature;
        if ((features & caps[i].feature & ~there) != 0)
            return core_not_supported(vm->platform->name, module, caps[i].cap);
    }
    if ((features & ~known) != 0)
        return core_invalid(vm, module, "features: bits 0x%x are not known", features & ~known);
    vm->arm64.features = features;
    vm->arm64.features_set = true;
    return VMACCEL_OK;
}

struct area {
    const char *name;
    uint64_t at, size, alignment;
};

static vmaccel_status check_areas(const vmaccel_vm *vm, const struct area *areas, size_t count)
{
    uint64_t limit = vm->core->gpa_limit - 1; /* the last address */

    for (size_t i = 0; i < count; i++) {
        const struct area *a = &areas[i];
        if ((a->at & (a->alignment - 1)) != 0)
            return core_invalid(vm, module, "%s: 0x%llx is not aligned to %llu KiB", a->name,
                                (unsigned long long)a->at, (unsigned long long)a->alignment / 1024);
        if (a->at > limit || a->size - 1 > limit - a->at)
            return core_invalid(vm, module, "%s: 0x%llx is outside the guest-physical space",
                                a->name, (unsigned long long)a->at);
        for (size_t j = 0; j < i; j++) {
            if (a->at < areas[j].at + areas[j].size && areas[j].at < a->at + a->size)
                return core_invalid(vm, module, "%s and %s overlap", areas[j].name, a->name);
        }
    }
    return VMACCEL_OK;
}

static vmaccel_status check_places(const vmaccel_vm *vm, const vmaccel_arm64_gic *gic)
{
    struct area areas[3] = {{"dist", gic->dist, SIZE_64K, SIZE_64K}};
    size_t count = 1;

    if (gic->version == 3) {
        areas[count++] =
            (struct area){"redist", gic->redist, (uint64_t)2 * SIZE_64K * vm->max_vcpus, SIZE_64K};
        if (gic->its != 0)
            areas[count++] = (struct area){"its", gic->its, 2 * SIZE_64K, SIZE_64K};
    } else {
        areas[count++] = (struct area){"cpu", gic->cpu, 2 * SIZE_4K, SIZE_4K};
    }
    return check_areas(vm, areas, count);
}

/* Fill in what is 0, and check the whole. */
static vmaccel_status resolve(const vmaccel_vm *vm, vmaccel_arm64_gic *gic)
{
    if (gic->version == 0)
        gic->version = vmaccel_vm_cap(vm, VMACCEL_CAP_ARM64_GICV3) != 0 ? 3 : 2;
    vmaccel_status status = core_vm_need(
        vm, module, true, gic->version == 3 ? VMACCEL_CAP_ARM64_GICV3 : VMACCEL_CAP_ARM64_GICV2);
    if (status == VMACCEL_OK && gic->its != 0)
        status = core_vm_need(vm, module, gic->version == 3, VMACCEL_CAP_ARM64_ITS);
    if (status != VMACCEL_OK)
        return status;
    if (gic->spis == 0)
        gic->spis = GIC_SPIS;
    if (gic->dist == 0 && gic->redist == 0 && gic->cpu == 0) {
        gic->dist = GIC_DIST;
        if (gic->version == 3)
            gic->redist = GIC_V3_RD;
        else
            gic->cpu = GIC_V2_CPU;
    }
    if (gic->dist == 0 || (gic->version == 3 ? gic->redist : gic->cpu) == 0)
        return core_invalid(vm, module, "dist and %s: give both or neither",
                            gic->version == 3 ? "redist" : "cpu");
    if (gic->version == 2 && vm->max_vcpus > GIC_V2_CPUS)
        return core_fail(VMACCEL_E_LIMIT, vm->platform->name, module, NULL, 0,
                         "a GICv2 takes %u vCPUs, the VM has %u", GIC_V2_CPUS, vm->max_vcpus);
    return check_places(vm, gic);
}

vmaccel_status vmaccel_arm64_set_gic(vmaccel_vm *vm, const vmaccel_arm64_gic *gic)
{
    vmaccel_arm64_gic checked;
    vmaccel_status status = check_open(vm, gic);

    if (status == VMACCEL_OK)
        status = core_config(gic, sizeof(checked), &checked, "vmaccel_arm64_gic");
    if (status != VMACCEL_OK)
        return status;
    if (vm->irqchip != VMACCEL_IRQCHIP_FULL)
        return core_fail(VMACCEL_E_STATE, vm->platform->name, module, NULL, 0,
                         "the VM has no GIC; create it with VMACCEL_IRQCHIP_FULL");
    if (checked.version != 0 && checked.version != 2 && checked.version != 3)
        return core_invalid(vm, module, "version: there is no GICv%u here", checked.version);
    if (checked.spis % 32 != 0 || checked.spis > GIC_SPIS_MAX)
        return core_invalid(vm, module, "spis: %u is not a multiple of 32 up to %u", checked.spis,
                            GIC_SPIS_MAX);
    if (checked.reserved != 0)
        return core_invalid(vm, module, "reserved: must be 0");
    status = resolve(vm, &checked);
    if (status == VMACCEL_OK)
        vm->arm64.gic = checked;
    return status;
}

vmaccel_status vmaccel_arm64_get_gic(const vmaccel_vm *vm, vmaccel_arm64_gic *gic)
{
    vmaccel_status status = check_arch(vm, gic);

    if (status != VMACCEL_OK)
        return status;
    uint32_t room = gic->size;
    if (room < sizeof(uint32_t) || room > 4096)
        return core_invalid(vm, module, "size: %u; it must be sizeof(vmaccel_arm64_gic)", room);
    vmaccel_arm64_gic now = vm->arm64.gic;
    if (now.version == 0 && vm->irqchip == VMACCEL_IRQCHIP_FULL)
        status = resolve(vm, &now);
    if (status != VMACCEL_OK)
        return status;
    memset(gic, 0, room);
    now.size = room;
    memcpy(gic, &now, room < sizeof(now) ? room : sizeof(now));
    return VMACCEL_OK;
}

vmaccel_status core_arm64_commit(vmaccel_vm *vm)
{
    struct core_arm64_config *config = &vm->arm64;

    if (!config->features_set)
        config->features = vm->platform->arm64->features(vm) &
                           (VMACCEL_ARM64_FEATURE_SVE | VMACCEL_ARM64_FEATURE_PAUTH);
    if (config->gic.version != 0 || vm->irqchip != VMACCEL_IRQCHIP_FULL)
        return VMACCEL_OK;
    vmaccel_arm64_gic gic = {.size = sizeof(gic)};
    vmaccel_status status = resolve(vm, &gic);
    if (status == VMACCEL_OK)
        config->gic = gic;
    return status;
}

/* The VM's GIC can be looked at through the operation. */
static vmaccel_status check_gic(const vmaccel_vm *vm, const void *argument, bool present)
{
    vmaccel_status status = check_arch(vm, argument);

    if (status == VMACCEL_OK)
        status = core_vm_need(vm, module, present, VMACCEL_CAP_REG_IRQCHIP);
    if (status == VMACCEL_OK && !vm->committed)
        status = core_fail(VMACCEL_E_STATE, vm->platform->name, module, NULL, 0,
                           "the VM has no vCPU yet");
    return status;
}

static bool has(const vmaccel_vm *vm)
{
    return vm != NULL && vm->arch == VMACCEL_ARCH_ARM64 && vm->platform->arm64->gic_list != NULL;
}

vmaccel_status vmaccel_arm64_gic_list(vmaccel_vm *vm, vmaccel_arm64_gic_reg *regs, size_t *count)
{
    vmaccel_status status = check_gic(vm, count, has(vm));

    if (status == VMACCEL_OK && regs == NULL && *count != 0)
        status = core_invalid(vm, module, "regs must not be NULL where *count is not 0");
    return status != VMACCEL_OK ? status : vm->platform->arm64->gic_list(vm, regs, count);
}

static bool gic_reg_valid(const vmaccel_vm *vm, const vmaccel_arm64_gic_reg *reg)
{
    bool v3 = vm->arm64.gic.version == 3;

    switch (reg->space) {
    case VMACCEL_ARM64_GIC_DIST: /* GICv2 banks the first registers by CPU */
        return reg->cpu < (v3 ? 1 : vm->max_vcpus) && reg->offset < SIZE_64K &&
               reg->offset % 4 == 0;
    case VMACCEL_ARM64_GIC_REDIST:
        return v3 && reg->cpu < vm->max_vcpus && reg->offset < 2 * SIZE_64K && reg->offset % 4 == 0;
    case VMACCEL_ARM64_GIC_CPU:
        return reg->cpu < vm->max_vcpus && reg->offset < SIZE_64K && (v3 || reg->offset % 4 == 0);
    case VMACCEL_ARM64_GIC_LINE_LEVEL:
        return v3 && reg->cpu < vm->max_vcpus && reg->offset < 32 + vm->arm64.gic.spis &&
               reg->offset % 32 == 0;
    default:
        return false;
    }
}

static vmaccel_status check_gic_regs(const vmaccel_vm *vm, const vmaccel_arm64_gic_reg *regs,
                                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!gic_reg_valid(vm, &regs[i]))
            return core_invalid(
                vm, module, "regs[%zu]: space %u, cpu %u, offset 0x%x is no register of the GICv%u",
                i, regs[i].space, regs[i].cpu, regs[i].offset, vm->arm64.gic.version);
        if (regs[i].space != VMACCEL_ARM64_GIC_CPU && regs[i].value >> 32 != 0)
            return core_invalid(vm, module, "regs[%zu].value: the register has 32 bits", i);
    }
    return VMACCEL_OK;
}

vmaccel_status vmaccel_arm64_get_gic_regs(vmaccel_vm *vm, vmaccel_arm64_gic_reg *regs, size_t count,
                                          size_t *done)
{
    size_t processed = 0;
    vmaccel_status status = check_gic(vm, regs, has(vm));

    for (size_t i = 0; status == VMACCEL_OK && i < count; i++)
        regs[i].value = 0;
    if (status == VMACCEL_OK)
        status = check_gic_regs(vm, regs, count);
    if (status == VMACCEL_OK && count != 0)
        status = vm->platform->arm64->get_gic_regs(vm, regs, count, &processed);
    if (done != NULL)
        *done = processed;
    return status;
}

vmaccel_status vmaccel_arm64_set_gic_regs(vmaccel_vm *vm, const vmaccel_arm64_gic_reg *regs,
                                          size_t count, size_t *done)
{
    size_t processed = 0;
    vmaccel_status status = check_gic(vm, regs, has(vm));

    if (status == VMACCEL_OK)
        status = check_gic_regs(vm, regs, count);
    if (status == VMACCEL_OK && count != 0)
        status = vm->platform->arm64->set_gic_regs(vm, regs, count, &processed);
    if (done != NULL)
        *done = processed;
    return status;
}
