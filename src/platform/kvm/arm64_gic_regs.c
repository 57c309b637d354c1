/* SPDX-License-Identifier: BSD-2-Clause */
/* GIC registers by device attributes. All of KVM's accesses want the vCPUs out of KVM_RUN. */
#include "arch/arm64/sysreg.h"
#include "kvm.h"

/* Runs of registers that hold state, in the order to restore them: those for each interrupt as bits
 * of one, in the distributor from 32 on under GICv3. Source: Arm IHI 0048 and IHI 0069, "register
 * map"; Linux Documentation/virt/kvm/devices/arm-vgic*.rst. */
struct run {
    uint16_t offset;
    uint8_t bits; /* for an interrupt */
};

enum {
    CTLR = 0x000,
    STATUSR = 0x010,
    WAKER = 0x014,
    PROPBASER = 0x070,
    PENDBASER = 0x078,
    IGROUPR = 0x080,
    ISENABLER = 0x100,
    ISPENDR = 0x200,
    ISACTIVER = 0x300,
    CLEAR = 0x80, /* from the register that sets bits to the one that clears them */
    IPRIORITYR = 0x400,
    ITARGETSR = 0x800,
    ICFGR = 0xc00,
    CPENDSGIR = 0xf10, /* GICv2 */
    SPENDSGIR = 0xf20,
    IROUTER = 0x6000, /* and 8 bytes for each INTID */
    SGI_FRAME = 0x10000
};

static const struct run per_interrupt[] = {
    {IGROUPR, 1}, {IPRIORITYR, 8}, {ICFGR, 2}, {ISENABLER, 1}, {ISPENDR, 1}, {ISACTIVER, 1},
};

struct list {
    vmaccel_arm64_gic_reg *regs;
    size_t room, used;
};

static void add(struct list *list, uint16_t space, uint32_t cpu, uint32_t offset)
{
    if (list->used++ < list->room)
        list->regs[list->used - 1] =
            (vmaccel_arm64_gic_reg){.space = space, .cpu = (uint16_t)cpu, .offset = offset};
}

/* The registers of one kind for INTIDs from first to end - 1. */
static void add_run(struct list *list, uint16_t space, uint32_t cpu, uint32_t base,
                    const struct run *run, uint32_t first, uint32_t end)
{
    for (uint32_t byte = first * run->bits / 8; byte < end * run->bits / 8; byte += 4)
        add(list, space, cpu, base + run->offset + byte);
}

static void add_runs(struct list *list, uint16_t space, uint32_t cpu, uint32_t base, uint32_t first,
                     uint32_t end)
{
    for (size_t i = 0; i < sizeof per_interrupt / sizeof per_interrupt[0]; i++)
        add_run(list, space, cpu, base, &per_interrupt[i], first, end);
}

/* The active priorities that the CPU interface has, by its priority bits. */
static void add_cpu_v3(struct list *list, uint32_t cpu, unsigned priority_bits)
{
    unsigned ap = priority_bits <= 5 ? 1 : priority_bits == 6 ? 2 : 4;

    add(list, VMACCEL_ARM64_GIC_CPU, cpu, ARM64_ICC_SRE_EL1);
    add(list, VMACCEL_ARM64_GIC_CPU, cpu, ARM64_ICC_CTLR_EL1);
    add(list, VMACCEL_ARM64_GIC_CPU, cpu, ARM64_ICC_IGRPEN0_EL1);
    add(list, VMACCEL_ARM64_GIC_CPU, cpu, ARM64_ICC_IGRPEN1_EL1);
    add(list, VMACCEL_ARM64_GIC_CPU, cpu, ARM64_ICC_PMR_EL1);
    add(list, VMACCEL_ARM64_GIC_CPU, cpu, ARM64_ICC_BPR0_EL1);
    add(list, VMACCEL_ARM64_GIC_CPU, cpu, ARM64_ICC_BPR1_EL1);
    for (unsigned i = 0; i < ap; i++) {
        add(list, VMACCEL_ARM64_GIC_CPU, cpu, ARM64_ICC_AP0R_EL1(i));
        add(list, VMACCEL_ARM64_GIC_CPU, cpu, ARM64_ICC_AP1R_EL1(i));
    }
}

static void list_v3(const vmaccel_vm *vm, struct list *list, unsigned priority_bits)
{
    uint32_t intids = 32 + vm->arm64.gic.spis;

    add(list, VMACCEL_ARM64_GIC_DIST, 0, CTLR);
    add(list, VMACCEL_ARM64_GIC_DIST, 0, STATUSR);
    for (uint32_t n = 32; n < intids; n++) {
        add(list, VMACCEL_ARM64_GIC_DIST, 0, IROUTER + 8 * n);
        add(list, VMACCEL_ARM64_GIC_DIST, 0, IROUTER + 8 * n + 4);
    }
    add_runs(list, VMACCEL_ARM64_GIC_DIST, 0, 0, 32, intids);
    for (uint32_t n = 32; n < intids; n += 32)
        add(list, VMACCEL_ARM64_GIC_LINE_LEVEL, 0, n);
    for (uint32_t cpu = 0; cpu < vm->max_vcpus; cpu++) {
        static const uint16_t frame[] = {PROPBASER, PROPBASER + 4, PENDBASER, PENDBASER + 4,
                                         CTLR,      STATUSR,       WAKER};
        /* Tables of LPIs only where LPIs are. */
        for (size_t i = vm->arm64.gic.its != 0 ? 0 : 4; i < sizeof frame / sizeof frame[0]; i++)
            add(list, VMACCEL_ARM64_GIC_REDIST, cpu, frame[i]);
        add_runs(list, VMACCEL_ARM64_GIC_REDIST, cpu, SGI_FRAME, 0, 32);
        add(list, VMACCEL_ARM64_GIC_LINE_LEVEL, cpu, 0);
        add_cpu_v3(list, cpu, priority_bits);
    }
}

/* The distributor's registers for INTIDs below 32 are each CPU's own. */
static void list_v2(const vmaccel_vm *vm, struct list *list)
{
    static const uint16_t cpu_interface[] = {0x00, 0x04, 0x08, 0x1c, 0xd0};
    static const struct run targets = {ITARGETSR, 8};
    uint32_t intids = 32 + vm->arm64.gic.spis;

    add(list, VMACCEL_ARM64_GIC_DIST, 0, CTLR);
    add_run(list, VMACCEL_ARM64_GIC_DIST, 0, 0, &targets, 32, intids);
    add_runs(list, VMACCEL_ARM64_GIC_DIST, 0, 0, 32, intids);
    for (uint32_t cpu = 0; cpu < vm->max_vcpus; cpu++) {
        add_runs(list, VMACCEL_ARM64_GIC_DIST, cpu, 0, 0, 32);
        for (uint32_t byte = 0; byte < 16; byte += 4)
            add(list, VMACCEL_ARM64_GIC_DIST, cpu, SPENDSGIR + byte);
        for (size_t i = 0; i < sizeof cpu_interface / sizeof cpu_interface[0]; i++)
            add(list, VMACCEL_ARM64_GIC_CPU, cpu, cpu_interface[i]);
    }
}

static vmaccel_status access(vmaccel_vm *vm, const vmaccel_arm64_gic_reg *reg, uint32_t offset,
                             unsigned long request, uint64_t *value)
{
    static const uint32_t groups[] = {
        [VMACCEL_ARM64_GIC_DIST] = KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
        [VMACCEL_ARM64_GIC_REDIST] = KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
        [VMACCEL_ARM64_GIC_CPU] = KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
        [VMACCEL_ARM64_GIC_LINE_LEVEL] = KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO,
    };
    bool v3 = vm->arm64.gic.version == 3;
    uint32_t group = groups[reg->space], cpu = reg->cpu;

    if (v3)
        cpu = (uint32_t)arm64_mpidr(cpu) & 0xffffff;
    else if (reg->space == VMACCEL_ARM64_GIC_CPU)
        group = KVM_DEV_ARM_VGIC_GRP_CPU_REGS;
    uint64_t attr = (uint64_t)cpu << 32 | offset;
    if (group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS)
        return kvm_arm64_attribute(kvm_vm(vm)->arch.gic, request, group, attr, value);
    uint32_t word = (uint32_t)*value;
    vmaccel_status status = kvm_arm64_attribute(kvm_vm(vm)->arch.gic, request, group, attr, &word);
    *value = word;
    return status;
}

vmaccel_status kvm_arm64_gic_list(vmaccel_vm *vm, vmaccel_arm64_gic_reg *regs, size_t *count)
{
    struct list list = {.regs = regs, .room = *count};

    if (vm->arm64.gic.version == 3) {
        const vmaccel_arm64_gic_reg control = {.space = VMACCEL_ARM64_GIC_CPU};
        uint64_t value = 0;
        vmaccel_status status =
            access(vm, &control, ARM64_ICC_CTLR_EL1, KVM_GET_DEVICE_ATTR, &value);
        if (status != VMACCEL_OK)
            return status;
        list_v3(vm, &list, (unsigned)(value >> 8 & 7) + 1);
    } else {
        list_v2(vm, &list);
    }
    *count = list.used;
    return list.used <= list.room
               ? VMACCEL_OK
               : core_fail(VMACCEL_E_LIMIT, "kvm", "irq", NULL, 0,
                           "there are %zu GIC registers, room for %zu", list.used, list.room);
}

vmaccel_status kvm_arm64_get_gic_regs(vmaccel_vm *vm, vmaccel_arm64_gic_reg *regs, size_t count,
                                      size_t *done)
{
    vmaccel_status status = VMACCEL_OK;

    for (*done = 0; *done < count; (*done)++) {
        vmaccel_arm64_gic_reg *reg = &regs[*done];
        status = access(vm, reg, reg->offset, KVM_GET_DEVICE_ATTR, &reg->value);
        if (status != VMACCEL_OK)
            break;
    }
    return status;
}

/* Where the bits that a write leaves alone are cleared; 0: the write sets all of them. */
static uint32_t clearing(const vmaccel_arm64_gic_reg *reg)
{
    uint32_t offset = reg->offset;

    if (reg->space == VMACCEL_ARM64_GIC_REDIST && offset >= SGI_FRAME)
        offset -= SGI_FRAME;
    else if (reg->space != VMACCEL_ARM64_GIC_DIST)
        return 0;
    if (offset >= SPENDSGIR && offset < SPENDSGIR + 16)
        return reg->offset - (SPENDSGIR - CPENDSGIR);
    if (offset >= ISENABLER && offset < IPRIORITYR && (offset & CLEAR) == 0)
        return reg->offset + CLEAR;
    return 0;
}

vmaccel_status kvm_arm64_set_gic_regs(vmaccel_vm *vm, const vmaccel_arm64_gic_reg *regs,
                                      size_t count, size_t *done)
{
    for (*done = 0; *done < count; (*done)++) {
        const vmaccel_arm64_gic_reg *reg = &regs[*done];
        uint64_t value = reg->value, others = ~(uint32_t)value;
        uint32_t clear = clearing(reg);
        vmaccel_status status = VMACCEL_OK;
        if (clear != 0)
            status = access(vm, reg, clear, KVM_SET_DEVICE_ATTR, &others);
        if (status == VMACCEL_OK)
            status = access(vm, reg, reg->offset, KVM_SET_DEVICE_ATTR, &value);
        if (status != VMACCEL_OK)
            return status;
    }
    return VMACCEL_OK;
}
