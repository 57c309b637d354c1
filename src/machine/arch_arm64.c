/* SPDX-License-Identifier: BSD-2-Clause */
/* What AArch64 machines have of their own. */
#include "machine/machine.h"

#include <inttypes.h>
#include <string.h>

#include "machine/boot/bytes.h"
#include "machine/boot/fdt.h"
#include "machine/memmap_arm64.h"

#define PSTATE_EL1H 0x5u
#define PSTATE_DAIF 0x3C0u

/* The device tree tells of the GIC, which is the host's newest: known once there is a VM. */
static vmaccel_status prepare(vmaccel_machine *machine, const vmaccel_machine_config *config)
{
    const struct boot_state *boot = &machine->boot;
    vmaccel_arm64_gic gic = {.size = sizeof(gic),
                             .spis = VIRT_SPIS,
                             .dist = VIRT_GIC_DIST,
                             .redist = VIRT_GIC_REDIST,
                             .cpu = VIRT_GIC_CPU};
    uint8_t seed[FDT_SEED_SIZE];
    struct fdt_input in = {.ram_size = machine->ram_size,
                           .cpus = machine->cpu_count,
                           .gic = &gic,
                           .append = config->append,
                           .initrd = boot->arm64.initrd,
                           .initrd_size = boot->arm64.initrd_size};
    vmaccel_status status = vmaccel_arm64_set_gic(machine->vm, &gic);

    if (status == VMACCEL_OK)
        status = vmaccel_arm64_get_gic(machine->vm, &gic);
    if (status != VMACCEL_OK)
        return status;
    if (os_random(seed, sizeof(seed)))
        in.seed = seed;
    return fdt_build(&in,
                     memmap_host(machine->map, machine->ram, machine->ram_size, boot->arm64.dtb,
                                 boot->arm64.dtb_room),
                     boot->arm64.dtb_room);
}

static vmaccel_status start(vmaccel_vcpu *vcpu, const struct boot_state *boot)
{
    vmaccel_arm64_regs regs = {.pc = boot->arm64.entry, .pstate = PSTATE_EL1H | PSTATE_DAIF};

    regs.x[0] = boot->arm64.dtb;
    return vmaccel_arm64_set_regs(vcpu, &regs);
}

static void add_position(vmaccel_vcpu *vcpu, char *text, size_t size)
{
    uint8_t bytes[4];
    uint64_t pc;

    if (vmaccel_arm64_get_reg(vcpu, VMACCEL_ARM64_PC, &pc) != VMACCEL_OK)
        return;
    machine_add(text, size, " at PC 0x%" PRIx64, pc);
    if (machine_code_bytes(vcpu, pc, bytes, sizeof(bytes)) == sizeof(bytes))
        machine_add(text, size, ", instruction 0x%08" PRIx32, get32(bytes));
}

const struct machine_arch machine_arm64 = {
    .arch = VMACCEL_ARCH_ARM64,
    .max_cpus = VIRT_MAX_CPUS,
    .prepare = prepare,
    .start = start,
    .add_position = add_position,
};
