/* SPDX-License-Identifier: BSD-2-Clause */
/* The dirty log. A platform hands out a region's log whole; what a caller did not ask for yet waits
 * in region->dirty, whose second half is room for the platform's answer. */
#include "core/core.h"

#include <stdlib.h>
#include <string.h>

static const char module[] = "memory";

uint64_t *core_dirty_new(const vmaccel_vm *vm, uint64_t size)
{
    return calloc(core_dirty_words(vm, size), 2 * sizeof(uint64_t));
}

vmaccel_status core_dirty_collect(vmaccel_vm *vm, struct core_region *region)
{
    size_t words = core_dirty_words(vm, region->size);
    uint64_t *room = region->dirty + words;

    vmaccel_status status = vm->platform->mem_dirty(vm, region, room);
    for (size_t i = 0; status == VMACCEL_OK && i < words; i++)
        region->dirty[i] |= room[i];
    return status;
}

void core_dirty_copy(const vmaccel_vm *vm, uint64_t *to, vmaccel_gpa to_gpa, const uint64_t *from,
                     vmaccel_gpa from_gpa, vmaccel_gpa gpa, uint64_t size)
{
    uint64_t from_bit = (gpa - from_gpa) / vm->page_size, to_bit = (gpa - to_gpa) / vm->page_size;
    uint64_t pages = size / vm->page_size;

    for (uint64_t i = 0; i < pages;) {
        uint64_t bit = from_bit + i;
        uint64_t left = from[bit / 64] >> bit % 64;
        if (left == 0) {
            i += 64 - bit % 64;
            continue;
        }
        i += (uint64_t)__builtin_ctzll(left);
        if (i < pages)
            to[(to_bit + i) / 64] |= (uint64_t)1 << (to_bit + i) % 64;
        i++;
    }
}

void core_dirty_clear(const vmaccel_vm *vm, struct core_region *region, vmaccel_gpa gpa,
                      uint64_t size)
{
    uint64_t first = (gpa - region->gpa) / vm->page_size, end = first + size / vm->page_size;

    for (uint64_t bit = first; bit < end;) {
        uint64_t next = (bit / 64 + 1) * 64 < end ? (bit / 64 + 1) * 64 : end;
        uint64_t mask =
            next - bit == 64 ? UINT64_MAX : (((uint64_t)1 << (next - bit)) - 1) << bit % 64;
        region->dirty[bit / 64] &= ~mask;
        bit = next;
    }
}

/* The query is one region: the platform's answer goes where the caller wants it. */
static vmaccel_status whole_region(vmaccel_vm *vm, struct core_region *region, uint64_t *bitmap)
{
    size_t words = core_dirty_words(vm, region->size);
    uint64_t spare = region->size / vm->page_size % 64;

    vmaccel_status status = vm->platform->mem_dirty(vm, region, bitmap);
    if (status != VMACCEL_OK)
        return status;
    for (size_t i = 0; i < words; i++) {
        bitmap[i] |= region->dirty[i];
        region->dirty[i] = 0;
    }
    if (spare != 0)
        bitmap[words - 1] &= ((uint64_t)1 << spare) - 1;
    return VMACCEL_OK;
}

static vmaccel_status log_locked(vmaccel_vm *vm, vmaccel_gpa gpa, uint64_t size, uint64_t *bitmap)
{
    struct core_vm *core = vm->core;
    size_t first, last;

    vmaccel_status status = core_region_range(vm, gpa, size, &first, &last);
    if (status != VMACCEL_OK)
        return status;
    for (size_t i = first; i <= last; i++) {
        if (core->regions[i]->dirty == NULL)
            return core_fail(VMACCEL_E_STATE, vm->platform->name, module, NULL, 0,
                             "the region at 0x%llx is mapped without VMACCEL_MEM_DIRTY_LOG",
                             (unsigned long long)core->regions[i]->gpa);
    }
    if (first == last && core->regions[first]->gpa == gpa && core->regions[first]->size == size)
        return whole_region(vm, core->regions[first], bitmap);

    /* Nothing is taken out of the log before all of it is there. */
    for (size_t i = first; i <= last; i++) {
        status = core_dirty_collect(vm, core->regions[i]);
        if (status != VMACCEL_OK)
            return status;
    }
    for (size_t i = first; i <= last; i++) {
        struct core_region *region = core->regions[i];
        vmaccel_gpa start = region->gpa > gpa ? region->gpa : gpa;
        vmaccel_gpa end = i == last ? gpa + size : region->gpa + region->size;
        core_dirty_copy(vm, bitmap, gpa, region->dirty, region->gpa, start, end - start);
        core_dirty_clear(vm, region, start, end - start);
    }
    return VMACCEL_OK;
}

vmaccel_status vmaccel_memory_dirty_log(vmaccel_vm *vm, vmaccel_gpa gpa, uint64_t size,
                                        uint64_t *bitmap, size_t words)
{
    if (vm == NULL || bitmap == NULL)
        return core_invalid(vm, module, "vm and bitmap must not be NULL");
    if (!vm->core->can_dirty)
        return core_not_supported(vm->platform->name, module, VMACCEL_CAP_MEM_DIRTY_LOG);
    uint64_t needed = size / vm->page_size / 64 + (size / vm->page_size % 64 != 0);
    if (words < needed)
        return core_invalid(vm, module, "words: %zu are too few for a bit a page, %llu are needed",
                            words, (unsigned long long)needed);
    memset(bitmap, 0, words * sizeof(*bitmap));
    core_map_lock(vm);
    vmaccel_status status = log_locked(vm, gpa, size, bitmap);
    core_map_unlock(vm);
    return status;
}
