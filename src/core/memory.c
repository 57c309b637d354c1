/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory map: regions sorted by address, and mapping new ones. Regions are objects of their
 * own, since platforms hold pointers to them on vCPU threads. */
#include "core/core.h"

#include <stdlib.h>
#include <string.h>

static const char module[] = "memory";

void core_map_lock(vmaccel_vm *vm)
{
    os_rwlock_write(&vm->core->map_lock);
    atomic_store_explicit(&vm->core->map_writer, core_thread_self(), memory_order_relaxed);
    atomic_fetch_add(&vm->core->map_version, 1);
}

void core_map_unlock(vmaccel_vm *vm)
{
    atomic_store_explicit(&vm->core->map_writer, NULL, memory_order_relaxed);
    os_rwlock_unlock_write(&vm->core->map_lock);
}

size_t core_region_index(const struct core_vm *core, vmaccel_gpa gpa)
{
    size_t low = 0, high = core->region_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct core_region *region = core->regions[middle];
        if (gpa >= region->gpa && gpa - region->gpa >= region->size)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The region that the calling thread found last. Platforms look up guest code and page tables after
 * exits, where a lock each time would show. */
static _Thread_local struct {
    const vmaccel_vm *vm;
    uint64_t version;
    const struct core_region *region;
} found;

static __attribute__((noinline)) const struct core_region *find(const vmaccel_vm *vm,
                                                                vmaccel_gpa gpa)
{
    struct core_vm *core = vm->core;
    bool writer =
        atomic_load_explicit(&core->map_writer, memory_order_relaxed) == core_thread_self();

    if (!writer)
        os_rwlock_read(&core->map_lock);
    size_t index = core_region_index(core, gpa);
    const struct core_region *region = index < core->region_count ? core->regions[index] : NULL;
    if (region != NULL && gpa < region->gpa)
        region = NULL;
    if (!writer) {
        found.vm = region != NULL ? vm : NULL;
        found.version = atomic_load_explicit(&core->map_version, memory_order_relaxed);
        found.region = region;
        os_rwlock_unlock_read(&core->map_lock);
    }
    return region;
}

const struct core_region *core_region_at(const vmaccel_vm *vm, vmaccel_gpa gpa)
{
    if (found.vm == vm &&
        found.version == atomic_load_explicit(&vm->core->map_version, memory_order_acquire) &&
        gpa - found.region->gpa < found.region->size)
        return found.region;
    return find(vm, gpa);
}

static vmaccel_status check_range(const vmaccel_vm *vm, vmaccel_gpa gpa, uint64_t size)
{
    uint64_t mask = vm->page_size - 1, limit = vm->core->gpa_limit;

    if (size == 0)
        return core_invalid(vm, module, "size: must not be 0");
    if (((gpa | size) & mask) != 0)
        return core_invalid(
            vm, module, "gpa 0x%llx and size 0x%llx must be multiples of the page size, %llu",
            (unsigned long long)gpa, (unsigned long long)size, (unsigned long long)vm->page_size);
    if (gpa + size < gpa || (limit != 0 && gpa + size > limit))
        return core_invalid(vm, module,
                            "0x%llx bytes at 0x%llx end above the guest-physical address space",
                            (unsigned long long)size, (unsigned long long)gpa);
    return VMACCEL_OK;
}

vmaccel_status core_region_range(const vmaccel_vm *vm, vmaccel_gpa gpa, uint64_t size,
                                 size_t *first, size_t *last)
{
    const struct core_vm *core = vm->core;
    vmaccel_status status = check_range(vm, gpa, size);

    if (status != VMACCEL_OK)
        return status;
    vmaccel_gpa at = gpa;
    *first = core_region_index(core, gpa);
    for (size_t i = *first; i < core->region_count && core->regions[i]->gpa <= at; i++) {
        at = core->regions[i]->gpa + core->regions[i]->size;
        *last = i;
        if (at - gpa >= size)
            return VMACCEL_OK;
    }
    return core_fail(VMACCEL_E_NOT_FOUND, vm->platform->name, module, NULL, 0,
                     "nothing is mapped at 0x%llx", (unsigned long long)at);
}

vmaccel_status core_flags_check(const vmaccel_vm *vm, uint32_t flags)
{
    const struct core_vm *core = vm->core;
    const uint32_t all = VMACCEL_MEM_RWX | VMACCEL_MEM_DIRTY_LOG;

    if ((flags & ~all) != 0)
        return core_invalid(vm, module, "flags: bits 0x%x are not known", flags & ~all);
    if ((flags & VMACCEL_MEM_WRITE) == 0 && !core->can_read_only)
        return core_not_supported(vm->platform->name, module, VMACCEL_CAP_MEM_READ_ONLY);
    if ((flags & VMACCEL_MEM_EXEC) == 0 && !core->can_no_exec)
        return core_not_supported(vm->platform->name, module, VMACCEL_CAP_MEM_NO_EXEC);
    if ((flags & VMACCEL_MEM_DIRTY_LOG) != 0 && !core->can_dirty)
        return core_not_supported(vm->platform->name, module, VMACCEL_CAP_MEM_DIRTY_LOG);
    return VMACCEL_OK;
}

/* Retired regions are linked through `host`, which nobody follows by then. */
struct core_region *core_region_new(vmaccel_vm *vm, vmaccel_gpa gpa, uint64_t size, uint8_t *host,
                                    uint32_t flags)
{
    struct core_vm *core = vm->core;
    struct core_region *region = core->retired;

    if (region != NULL)
        core->retired = (struct core_region *)(void *)region->host;
    else if ((region = malloc(sizeof(*region))) == NULL)
        return NULL;
    *region = (struct core_region){
        .gpa = gpa, .size = size, .host = host, .flags = flags, .id = UINT32_MAX};
    if ((flags & VMACCEL_MEM_DIRTY_LOG) != 0 &&
        (region->dirty = core_dirty_new(vm, size)) == NULL) {
        core_region_retire(core, region);
        return NULL;
    }
    return region;
}

void core_region_retire(struct core_vm *core, struct core_region *region)
{
    free(region->dirty);
    *region = (struct core_region){.host = (uint8_t *)core->retired};
    core->retired = region;
}

void core_memory_free(struct core_vm *core)
{
    for (size_t i = 0; i < core->region_count; i++)
        core_region_retire(core, core->regions[i]);
    while (core->retired != NULL) {
        struct core_region *region = core->retired;
        core->retired = (struct core_region *)(void *)region->host;
        free(region);
    }
    free(core->regions);
    free(core->ids);
}

/* Ids in use are bits of a bitmap with room for as many as the array of regions. */
uint32_t core_region_take_id(struct core_vm *core)
{
    for (size_t i = 0;; i++) {
        if (core->ids[i] != UINT64_MAX) {
            uint32_t bit = (uint32_t)__builtin_ctzll(~core->ids[i]);
            core->ids[i] |= (uint64_t)1 << bit;
            return (uint32_t)(i * 64) + bit;
        }
    }
}

void core_region_give_id(struct core_vm *core, struct core_region *region)
{
    core->ids[region->id / 64] &= ~((uint64_t)1 << region->id % 64);
    region->id = UINT32_MAX;
}

static vmaccel_status check_new(const vmaccel_vm *vm, vmaccel_gpa gpa, uint64_t size,
                                const uint8_t *host)
{
    const struct core_vm *core = vm->core;
    size_t index = core_region_index(core, gpa);

    if (index < core->region_count && core->regions[index]->gpa < gpa + size) {
        const struct core_region *there = core->regions[index];
        return core_fail(VMACCEL_E_EXISTS, vm->platform->name, module, NULL, 0,
                         "0x%llx bytes at 0x%llx overlap the region of 0x%llx bytes at 0x%llx",
                         (unsigned long long)size, (unsigned long long)gpa,
                         (unsigned long long)there->size, (unsigned long long)there->gpa);
    }
    for (size_t i = 0; !core->can_alias && i < core->region_count; i++) {
        const struct core_region *there = core->regions[i];
        if (host < there->host + there->size && there->host < host + size)
            return core_not_supported(vm->platform->name, module, VMACCEL_CAP_MEM_ALIAS);
    }
    if (core->region_count >= core->max_regions)
        return core_fail(VMACCEL_E_LIMIT, vm->platform->name, module,
                         vmaccel_cap_name(VMACCEL_CAP_MAX_REGIONS), 0,
                         "%zu regions are mapped, the most that %s takes", core->region_count,
                         vm->platform->name);
    return VMACCEL_OK;
}

bool core_region_room(struct core_vm *core, size_t count)
{
    if (count <= core->region_room)
        return true;
    size_t room = (count + core->region_room + 63) & ~(size_t)63;
    struct core_region **regions = realloc(core->regions, room * sizeof(*regions));
    if (regions == NULL)
        return false;
    core->regions = regions;
    uint64_t *ids = realloc(core->ids, room / 8);
    if (ids == NULL)
        return false;
    memset((uint8_t *)ids + core->region_room / 8, 0, (room - core->region_room) / 8);
    core->ids = ids;
    core->region_room = room;
    return true;
}

static vmaccel_status map_locked(vmaccel_vm *vm, vmaccel_gpa gpa, uint64_t size, uint8_t *host,
                                 uint32_t flags)
{
    struct core_vm *core = vm->core;
    vmaccel_status status = check_new(vm, gpa, size, host);

    if (status != VMACCEL_OK)
        return status;
    struct core_region *region = core_region_room(core, core->region_count + 1)
                                     ? core_region_new(vm, gpa, size, host, flags)
                                     : NULL;
    if (region == NULL)
        return core_fail(VMACCEL_E_NO_MEMORY, vm->platform->name, module, NULL, 0,
                         "no memory for a region");
    region->id = core_region_take_id(core);
    status = vm->platform->mem_map(vm, region);
    if (status != VMACCEL_OK) {
        core_region_give_id(core, region);
        core_region_retire(core, region);
        return status;
    }
    size_t index = core_region_index(core, gpa);
    memmove(&core->regions[index + 1], &core->regions[index],
            (core->region_count - index) * sizeof(core->regions[0]));
    core->regions[index] = region;
    core->region_count++;
    return VMACCEL_OK;
}

vmaccel_status vmaccel_memory_map(vmaccel_vm *vm, vmaccel_gpa gpa, uint64_t size, void *host,
                                  uint32_t flags)
{
    if (vm == NULL || host == NULL)
        return core_invalid(vm, module, "vm and host must not be NULL");
    if (vm->platform->mem_map == NULL)
        return core_fail(VMACCEL_E_NOT_SUPPORTED, vm->platform->name, module, "map", 0,
                         "%s runs whole machines and lays out their memory itself",
                         vm->platform->name);
    flags |= VMACCEL_MEM_READ;
    vmaccel_status status = check_range(vm, gpa, size);
    if (status == VMACCEL_OK)
        status = core_flags_check(vm, flags);
    if (status != VMACCEL_OK)
        return status;
    if (((uintptr_t)host & (vm->page_size - 1)) != 0 || (uintptr_t)host + size < (uintptr_t)host)
        return core_invalid(vm, module,
                            "host: %p is not a multiple of the page size, %llu, or wraps", host,
                            (unsigned long long)vm->page_size);
    core_map_lock(vm);
    status = map_locked(vm, gpa, size, host, flags);
    core_map_unlock(vm);
    return status;
}
