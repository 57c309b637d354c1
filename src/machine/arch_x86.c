/* SPDX-License-Identifier: BSD-2-Clause */
/* What x86 machines have of their own. */
#include "machine/machine.h"

#include <inttypes.h>
#include <stdlib.h>

#define MAX_CPUS            255 /* xAPIC IDs, without the broadcast one */
#define LEAF_FEATURES       1
#define FEATURES_HYPERVISOR (1u << 31) /* ECX */

/* Without the hypervisor bit a guest does not look for the platform's paravirtual clock and
 * interrupts, and calibrates its clocks against emulated timers. */
static vmaccel_status set_cpuid(vmaccel_machine *machine, const vmaccel_machine_config *config)
{
    vmaccel_x86_cpuid *entries;
    size_t count = 0;
    vmaccel_status status;

    (void)config;
    if (vmaccel_vm_cap(machine->vm, VMACCEL_CAP_REG_CPUID) == 0)
        return VMACCEL_OK;
    status = vmaccel_x86_cpuid_supported(machine->vm, NULL, &count);
    if (status != VMACCEL_OK)
        return status;
    entries = calloc(count > 0 ? count : 1, sizeof(*entries));
    if (entries == NULL)
        return vmaccel_error_report(VMACCEL_E_NO_MEMORY, "machine", "no memory for a CPUID table");
    status = vmaccel_x86_cpuid_supported(machine->vm, entries, &count);
    for (size_t i = 0; i < count && status == VMACCEL_OK; i++)
        if (entries[i].leaf == LEAF_FEATURES)
            entries[i].ecx |= FEATURES_HYPERVISOR;
    if (status == VMACCEL_OK)
        status = vmaccel_x86_set_cpuid(machine->vm, entries, count);
    free(entries);
    return status;
}

static vmaccel_status start(vmaccel_vcpu *vcpu, const struct boot_state *boot)
{
    vmaccel_status status = vmaccel_x86_set_sregs(vcpu, &boot->sregs);

    return status == VMACCEL_OK ? vmaccel_x86_set_regs(vcpu, &boot->regs) : status;
}

static void add_position(vmaccel_vcpu *vcpu, char *text, size_t size)
{
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    uint8_t bytes[15];
    size_t count;

    if (vmaccel_x86_get_regs(vcpu, &regs) != VMACCEL_OK ||
        vmaccel_x86_get_sregs(vcpu, &sregs) != VMACCEL_OK)
        return;
    machine_add(text, size, " at RIP 0x%" PRIx64, regs.rip);
    count = machine_code_bytes(vcpu, sregs.cs.base + regs.rip, bytes, sizeof(bytes));
    if (count > 0)
        machine_add(text, size, ", bytes");
    for (size_t i = 0; i < count; i++)
        machine_add(text, size, " %02x", bytes[i]);
}

const struct machine_arch machine_x86 = {
    .arch = VMACCEL_ARCH_X86_64,
    .max_cpus = MAX_CPUS,
    .prepare = set_cpuid,
    .start = start,
    .add_position = add_position,
};
