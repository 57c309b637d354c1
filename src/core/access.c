/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's own access to guest-physical memory. */
#include "core/core.h"

#include <string.h>

static const char module[] = "memory";

static vmaccel_status not_mapped(const vmaccel_vm *vm, vmaccel_gpa gpa)
{
    return core_fail(VMACCEL_E_GUEST_MEMORY, vm->platform->name, module, NULL, 0,
                     "no memory is mapped at guest-physical address 0x%llx",
                     (unsigned long long)gpa);
}

/* The region that holds gpa, and the bytes it has from there on. */
static struct core_region *part_at(const struct core_vm *core, vmaccel_gpa gpa, uint64_t *left)
{
    size_t index = core_region_index(core, gpa);

    if (index == core->region_count || core->regions[index]->gpa > gpa)
        return NULL;
    *left = core->regions[index]->size - (gpa - core->regions[index]->gpa);
    return core->regions[index];
}

/* Readers of the map mark pages at the same time. */
static void mark_dirty(const vmaccel_vm *vm, struct core_region *region, vmaccel_gpa gpa,
                       uint64_t size)
{
    uint64_t first = (gpa - region->gpa) / vm->page_size;
    uint64_t last = (gpa - region->gpa + size - 1) / vm->page_size;

    for (uint64_t page = first; region->dirty != NULL && page <= last; page++)
        __atomic_fetch_or(&region->dirty[page / 64], (uint64_t)1 << page % 64, __ATOMIC_RELAXED);
}

static vmaccel_status check_locked(const vmaccel_vm *vm, vmaccel_gpa gpa, uint64_t size)
{
    while (size != 0) {
        uint64_t left;
        if (part_at(vm->core, gpa, &left) == NULL)
            return not_mapped(vm, gpa);
        if (left >= size)
            break;
        gpa += left;
        size -= left;
    }
    return VMACCEL_OK;
}

vmaccel_status vmaccel_memory_read(vmaccel_vm *vm, vmaccel_gpa gpa, void *buffer, size_t size)
{
    if (vm == NULL || (buffer == NULL && size != 0))
        return core_invalid(vm, module, "vm and buffer must not be NULL");
    os_rwlock_read(&vm->core->map_lock);
    vmaccel_status status = check_locked(vm, gpa, size);
    for (uint8_t *to = buffer; status == VMACCEL_OK && size != 0;) {
        uint64_t left = 0;
        const struct core_region *region = part_at(vm->core, gpa, &left);
        size_t part = left < size ? (size_t)left : size;
        memcpy(to, region->host + (gpa - region->gpa), part);
        to += part;
        gpa += part;
        size -= part;
    }
    os_rwlock_unlock_read(&vm->core->map_lock);
    return status;
}

vmaccel_status vmaccel_memory_write(vmaccel_vm *vm, vmaccel_gpa gpa, const void *buffer,
                                    size_t size)
{
    if (vm == NULL || (buffer == NULL && size != 0))
        return core_invalid(vm, module, "vm and buffer must not be NULL");
    os_rwlock_read(&vm->core->map_lock);
    vmaccel_status status = check_locked(vm, gpa, size);
    for (const uint8_t *from = buffer; status == VMACCEL_OK && size != 0;) {
        uint64_t left = 0;
        struct core_region *region = part_at(vm->core, gpa, &left);
        size_t part = left < size ? (size_t)left : size;
        memcpy(region->host + (gpa - region->gpa), from, part);
        mark_dirty(vm, region, gpa, part);
        from += part;
        gpa += part;
        size -= part;
    }
    os_rwlock_unlock_read(&vm->core->map_lock);
    return status;
}

vmaccel_status vmaccel_memory_host(vmaccel_vm *vm, vmaccel_gpa gpa, uint64_t size, void **host)
{
    uint64_t left = 0;

    if (vm == NULL || host == NULL)
        return core_invalid(vm, module, "vm and host must not be NULL");
    if (size == 0)
        return core_invalid(vm, module, "size: must not be 0");
    os_rwlock_read(&vm->core->map_lock);
    const struct core_region *region = part_at(vm->core, gpa, &left);
    if (region != NULL && left >= size)
        *host = region->host + (gpa - region->gpa);
    os_rwlock_unlock_read(&vm->core->map_lock);
    if (region == NULL || left < size)
        return not_mapped(vm, region == NULL ? gpa : gpa + left);
    return VMACCEL_OK;
}
