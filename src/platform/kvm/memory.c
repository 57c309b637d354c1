/* SPDX-License-Identifier: BSD-2-Clause */
#include "kvm.h"

static vmaccel_status set_slot(vmaccel_vm *vm, const struct core_region *region, uint64_t size,
                               uint32_t flags)
{
    struct kvm_userspace_memory_region slot = {
        .slot = region->id,
        .flags = ((flags & VMACCEL_MEM_DIRTY_LOG) != 0 ? KVM_MEM_LOG_DIRTY_PAGES : 0u) |
                 ((flags & VMACCEL_MEM_WRITE) == 0 ? KVM_MEM_READONLY : 0u),
        .guest_phys_addr = region->gpa,
        .memory_size = size,
        .userspace_addr = (uint64_t)(uintptr_t)region->host,
    };
    if (ioctl(kvm_vm(vm)->fd, KVM_SET_USER_MEMORY_REGION, &slot) == 0)
        return VMACCEL_OK;
    if (errno == EEXIST)
        return core_fail(VMACCEL_E_EXISTS, "kvm", "memory", NULL, EEXIST,
                         "KVM_SET_USER_MEMORY_REGION: 0x%llx is used by KVM itself",
                         (unsigned long long)region->gpa);
    return kvm_fail("memory", "KVM_SET_USER_MEMORY_REGION");
}

vmaccel_status kvm_mem_map(vmaccel_vm *vm, const struct core_region *region)
{
    return set_slot(vm, region, region->size, region->flags);
}

vmaccel_status kvm_mem_unmap(vmaccel_vm *vm, const struct core_region *region)
{
    return set_slot(vm, region, 0, region->flags);
}

static bool any_running(const vmaccel_vm *vm)
{
    for (uint32_t i = 0; i < vm->max_vcpus; i++) {
        vmaccel_vcpu *vcpu = atomic_load(&kvm_vm(vm)->slots[i].vcpu);
        if (vcpu != NULL && atomic_load(&vcpu->running) != 0)
            return true;
    }
    return false;
}

vmaccel_status kvm_mem_protect(vmaccel_vm *vm, const struct core_region *region, uint32_t flags)
{
    if (((region->flags ^ flags) & VMACCEL_MEM_WRITE) == 0)
        return set_slot(vm, region, region->size, flags);
    /* KVM can't change a slot's read-only flag: the slot goes and comes back, and a running guest
     * would miss it. */
    if (any_running(vm))
        return core_fail(VMACCEL_E_STATE, "kvm", "memory", NULL, 0,
                         "write permission of 0x%llx can only change while no vCPU runs",
                         (unsigned long long)region->gpa);
    vmaccel_status status = set_slot(vm, region, 0, region->flags);
    if (status == VMACCEL_OK) {
        status = set_slot(vm, region, region->size, flags);
        if (status != VMACCEL_OK && set_slot(vm, region, region->size, region->flags) != VMACCEL_OK)
            return core_fail(VMACCEL_E_PLATFORM, "kvm", "memory", NULL, 0,
                             "the region at 0x%llx is lost", (unsigned long long)region->gpa);
    }
    return status;
}

vmaccel_status kvm_mem_dirty(vmaccel_vm *vm, const struct core_region *region, uint64_t *bitmap)
{
    struct kvm_dirty_log log = {.slot = region->id, .dirty_bitmap = bitmap};
    return ioctl(kvm_vm(vm)->fd, KVM_GET_DIRTY_LOG, &log) < 0
               ? kvm_fail("memory", "KVM_GET_DIRTY_LOG")
               : VMACCEL_OK;
}
