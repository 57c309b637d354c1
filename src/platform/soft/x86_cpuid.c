/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "soft.h"

#define MAX_ENTRIES      256u
#define ECX_X2APIC       (1u << 21)
#define ECX_TSC_DEADLINE (1u << 24)

static vmaccel_status copy_out(const vmaccel_x86_cpuid *table, size_t size,
                               vmaccel_x86_cpuid *entries, size_t *count)
{
    size_t capacity = *count;
    *count = size;
    if (entries == NULL)
        return VMACCEL_OK;
    if (capacity < size)
        return core_fail(VMACCEL_E_LIMIT, "soft", "x86", NULL, 0,
                         "the CPUID table has %zu entries, not %zu", size, capacity);
    memcpy(entries, table, size * sizeof *entries);
    return VMACCEL_OK;
}

/* All the CPU can do, and what its local APIC adds. NULL: no memory. */
static vmaccel_x86_cpuid *supported(const vmaccel_vm *vm, size_t *count)
{
    *count = cpu_cpuid_supported(NULL, 0);
    vmaccel_x86_cpuid *table = calloc(*count, sizeof *table);
    if (table == NULL)
        return NULL;
    *count = cpu_cpuid_supported(table, *count);
    for (size_t i = 0; i < *count; i++) {
        if (table[i].leaf != 1)
            continue;
        if (vm->irqchip == VMACCEL_IRQCHIP_NONE)
            table[i].ecx &= ~(ECX_X2APIC | ECX_TSC_DEADLINE);
        else
            table[i].ecx |= ECX_X2APIC | ECX_TSC_DEADLINE;
    }
    return table;
}

vmaccel_status soft_x86_cpuid_supported(const vmaccel_vm *vm, vmaccel_x86_cpuid *entries,
                                        size_t *count)
{
    size_t size;
    vmaccel_x86_cpuid *table = supported(vm, &size);
    if (table == NULL)
        return soft_no_memory("x86", "a CPUID table");
    vmaccel_status status = copy_out(table, size, entries, count);
    free(table);
    return status;
}

vmaccel_status soft_x86_set_cpuid(vmaccel_vm *vm, const vmaccel_x86_cpuid *entries, size_t count)
{
    struct soft_vm *soft = soft_vm(vm);
    if (count > MAX_ENTRIES)
        return core_fail(VMACCEL_E_LIMIT, "soft", "x86", NULL, 0,
                         "a CPUID table holds %u entries at most", MAX_ENTRIES);
    vmaccel_x86_cpuid *table = calloc(count, sizeof *table);
    if (table == NULL)
        return soft_no_memory("x86", "a CPUID table");
    memcpy(table, entries, count * sizeof *table);
    free(soft->cpuid);
    soft->cpuid = table;
    soft->cpuid_count = count;
    return VMACCEL_OK;
}

vmaccel_status soft_x86_default_cpuid(vmaccel_vm *vm)
{
    struct soft_vm *soft = soft_vm(vm);
    if (soft->cpuid == NULL)
        soft->cpuid = supported(vm, &soft->cpuid_count);
    return soft->cpuid != NULL ? VMACCEL_OK : soft_no_memory("x86", "a CPUID table");
}

vmaccel_status soft_x86_get_cpuid(vmaccel_vcpu *vcpu, vmaccel_x86_cpuid *entries, size_t *count)
{
    size_t size;
    const vmaccel_x86_cpuid *table = cpu_cpuid(soft_vcpu(vcpu)->cpu, &size);
    return copy_out(table, size, entries, count);
}
