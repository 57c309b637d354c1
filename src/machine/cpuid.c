/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPUID table of a machine's vCPUs. */
#include "machine/machine.h"

#include <stdlib.h>

#define LEAF_FEATURES       1
#define FEATURES_HYPERVISOR (1u << 31) /* ECX */

/* Without the hypervisor bit a guest does not look for the platform's paravirtual clock and
 * interrupts, and calibrates its clocks against emulated timers. */
vmaccel_status machine_set_cpuid(vmaccel_machine *machine)
{
    vmaccel_x86_cpuid *entries;
    size_t count = 0;
    vmaccel_status status;

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
