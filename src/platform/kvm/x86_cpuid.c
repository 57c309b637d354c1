/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "arch/x86/topology.h"
#include "kvm.h"

#define MAX_ENTRIES 256

static struct kvm_cpuid2 *alloc_table(uint32_t entries)
{
    struct kvm_cpuid2 *table = calloc(1, sizeof *table + entries * sizeof table->entries[0]);
    if (table != NULL)
        table->nent = entries;
    else
        core_fail(VMACCEL_E_NO_MEMORY, "kvm", "x86", NULL, 0, "no memory for a CPUID table");
    return table;
}

/* What depends on the VM: KVM reports the features of its local APIC whether or not there is one.
 */
static void adapt(const vmaccel_vm *vm, struct kvm_cpuid2 *table)
{
    bool deadline = vm->irqchip != VMACCEL_IRQCHIP_NONE &&
                    ioctl(kvm_vm(vm)->fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
    for (uint32_t i = 0; i < table->nent; i++) {
        struct kvm_cpuid_entry2 *entry = &table->entries[i];
        if (entry->function == 1) {
            entry->ecx &= ~(1u << 24);
            if (deadline)
                entry->ecx |= 1u << 24;
            if (vm->irqchip == VMACCEL_IRQCHIP_NONE)
                entry->ecx &= ~(1u << 21); /* x2APIC */
        }
    }
}

static vmaccel_status supported(const vmaccel_vm *vm, struct kvm_cpuid2 **out)
{
    struct kvm_cpuid2 *table = alloc_table(MAX_ENTRIES);
    if (table == NULL)
        return VMACCEL_E_NO_MEMORY;
    if (ioctl(kvm_vm(vm)->sys_fd, KVM_GET_SUPPORTED_CPUID, table) < 0) {
        vmaccel_status status = kvm_fail("x86", "KVM_GET_SUPPORTED_CPUID");
        free(table);
        return status;
    }
    adapt(vm, table);
    *out = table;
    return VMACCEL_OK;
}

static vmaccel_status copy_out(const struct kvm_cpuid2 *table, vmaccel_x86_cpuid *entries,
                               size_t *count)
{
    size_t capacity = *count;
    *count = table->nent;
    if (entries == NULL)
        return VMACCEL_OK;
    if (capacity < table->nent)
        return core_fail(VMACCEL_E_LIMIT, "kvm", "x86", NULL, 0,
                         "the CPUID table has %u entries, not %zu", table->nent, capacity);
    for (uint32_t i = 0; i < table->nent; i++) {
        const struct kvm_cpuid_entry2 *raw = &table->entries[i];
        entries[i] = (vmaccel_x86_cpuid){
            .leaf = raw->function,
            .subleaf = raw->index,
            .flags =
                (raw->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) != 0 ? VMACCEL_X86_CPUID_SUBLEAF : 0,
            .eax = raw->eax,
            .ebx = raw->ebx,
            .ecx = raw->ecx,
            .edx = raw->edx,
        };
    }
    return VMACCEL_OK;
}

vmaccel_status kvm_x86_cpuid_supported(const vmaccel_vm *vm, vmaccel_x86_cpuid *entries,
                                       size_t *count)
{
    struct kvm_cpuid2 *table;
    vmaccel_status status = supported(vm, &table);
    if (status == VMACCEL_OK) {
        status = copy_out(table, entries, count);
        free(table);
    }
    return status;
}

vmaccel_status kvm_x86_set_cpuid(vmaccel_vm *vm, const vmaccel_x86_cpuid *entries, size_t count)
{
    struct kvm_vm *kvm = kvm_vm(vm);
    if (count > MAX_ENTRIES)
        return core_fail(VMACCEL_E_LIMIT, "kvm", "x86", NULL, 0,
                         "a CPUID table holds %d entries at most", MAX_ENTRIES);
    struct kvm_cpuid2 *table = alloc_table((uint32_t)count);
    if (table == NULL)
        return VMACCEL_E_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        table->entries[i] = (struct kvm_cpuid_entry2){
            .function = entries[i].leaf,
            .index = entries[i].subleaf,
            .flags = (entries[i].flags & VMACCEL_X86_CPUID_SUBLEAF) != 0
                         ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX
                         : 0,
            .eax = entries[i].eax,
            .ebx = entries[i].ebx,
            .ecx = entries[i].ecx,
            .edx = entries[i].edx,
        };
    free(kvm->arch.cpuid);
    kvm->arch.cpuid = table;
    return VMACCEL_OK;
}

vmaccel_status kvm_x86_get_cpuid(vmaccel_vcpu *vcpu, vmaccel_x86_cpuid *entries, size_t *count)
{
    struct kvm_cpuid2 *table = alloc_table(MAX_ENTRIES);
    if (table == NULL)
        return VMACCEL_E_NO_MEMORY;
    vmaccel_status status;
    int result = ioctl(kvm_vcpu(vcpu)->fd, KVM_GET_CPUID2, table);
    /* Kernels before 6.2 leave nent at the capacity; no real entry is all zero. */
    static const struct kvm_cpuid_entry2 none;
    while (result == 0 && table->nent > 0 &&
           memcmp(&table->entries[table->nent - 1], &none, sizeof none) == 0)
        table->nent--;
    status = result < 0 ? kvm_fail("x86", "KVM_GET_CPUID2") : copy_out(table, entries, count);
    free(table);
    return status;
}

/* Give a new vCPU the VM's table with its own APIC ID in it. Runs under core's vCPU lock. */
vmaccel_status kvm_x86_apply_cpuid(vmaccel_vcpu *vcpu)
{
    struct kvm_vm *kvm = kvm_vm(vcpu->vm);
    if (kvm->arch.cpuid == NULL) {
        vmaccel_status status = supported(vcpu->vm, &kvm->arch.cpuid);
        if (status != VMACCEL_OK)
            return status;
    }
    for (uint32_t i = 0; i < kvm->arch.cpuid->nent; i++) {
        struct kvm_cpuid_entry2 *entry = &kvm->arch.cpuid->entries[i];
        x86_cpuid_topology(entry->function, entry->index, vcpu->index, vcpu->vm->max_vcpus,
                           &entry->eax, &entry->ebx, &entry->ecx, &entry->edx);
    }
    return ioctl(kvm_vcpu(vcpu)->fd, KVM_SET_CPUID2, kvm->arch.cpuid) < 0
               ? kvm_fail("x86", "KVM_SET_CPUID2")
               : VMACCEL_OK;
}
