/* SPDX-License-Identifier: BSD-2-Clause */
/* Unmap and protect: ranges that cover several regions, and parts of regions. A platform maps and
 * unmaps whole regions only, so a cut takes the old regions out and puts the pieces in; everything
 * that can be refused is checked before. */
#include "core/core.h"

#include <stdlib.h>
#include <string.h>

static const char module[] = "memory";

/* Old regions [first, last] of the map, and what takes their place. */
struct change {
    size_t first, last;
    struct core_region **pieces;
    size_t piece_count;
};

static size_t old_count(const struct change *change)
{
    return change->last - change->first + 1;
}

static bool running(const vmaccel_vm *vm, uint32_t *index)
{
    for (uint32_t i = 0; i < vm->max_vcpus; i++) {
        struct core_vcpu *vcpu = atomic_load(&vm->core->vcpus[i]);
        if (vcpu != NULL && atomic_load(&vcpu->vcpu.running) != 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static vmaccel_status may_cut(const vmaccel_vm *vm)
{
    uint32_t index;

    if (vm->core->can_split_running || !running(vm, &index))
        return VMACCEL_OK;
    return core_fail(
        VMACCEL_E_STATE, vm->platform->name, module,
        vmaccel_cap_name(VMACCEL_CAP_MEM_SPLIT_RUNNING), 0,
        "%s can't change part of a region while a vCPU runs, and vCPU %u does; kick it first",
        vm->platform->name, index);
}

/* Map a region that is not in the table, or is in it but unmapped. */
static vmaccel_status map_one(vmaccel_vm *vm, struct core_region *region)
{
    region->id = core_region_take_id(vm->core);
    vmaccel_status status = vm->platform->mem_map(vm, region);
    if (status != VMACCEL_OK)
        core_region_give_id(vm->core, region);
    return status;
}

static vmaccel_status unmap_one(vmaccel_vm *vm, struct core_region *region)
{
    vmaccel_status status = vm->platform->mem_unmap(vm, region);
    if (status == VMACCEL_OK)
        core_region_give_id(vm->core, region);
    return status;
}

/* A piece of an old region with the dirty bits known so far. */
static bool add_piece(vmaccel_vm *vm, struct change *change, const struct core_region *old,
                      vmaccel_gpa gpa, uint64_t size, uint32_t flags)
{
    struct core_region *piece = core_region_new(vm, gpa, size, old->host + (gpa - old->gpa), flags);

    if (piece == NULL)
        return false;
    change->pieces[change->piece_count++] = piece;
    return true;
}

static void carry_dirty(vmaccel_vm *vm, const struct change *change)
{
    for (size_t i = 0; i < change->piece_count; i++) {
        struct core_region *piece = change->pieces[i];
        const struct core_region *old = vm->core->regions[core_region_index(vm->core, piece->gpa)];
        if (piece->dirty != NULL && old->dirty != NULL)
            core_dirty_copy(vm, piece->dirty, piece->gpa, old->dirty, old->gpa, piece->gpa,
                            piece->size);
    }
}

static void drop_pieces(vmaccel_vm *vm, struct change *change)
{
    for (size_t i = 0; i < change->piece_count; i++)
        core_region_retire(vm->core, change->pieces[i]);
    free(change->pieces);
}

/* The error of the call that failed stays the caller's; a region that can't be put back is added to
 * it. */
static vmaccel_status roll_back(vmaccel_vm *vm, struct change *change, size_t unmapped,
                                size_t mapped, vmaccel_status failure)
{
    struct core_vm *core = vm->core;
    vmaccel_error first = *vmaccel_last_error();
    size_t kept = change->first;
    vmaccel_gpa lost = 0;
    bool any_lost = false;

    for (size_t i = 0; i < mapped; i++) {
        if (unmap_one(vm, change->pieces[i]) != VMACCEL_OK) { /* its id stays taken */
            any_lost = true;
            lost = change->pieces[i]->gpa;
        }
    }
    for (size_t i = change->first; i <= change->last; i++) {
        struct core_region *old = core->regions[i];
        if (i < change->first + unmapped && map_one(vm, old) != VMACCEL_OK) {
            any_lost = true;
            lost = old->gpa;
            core_region_retire(core, old);
        } else {
            core->regions[kept++] = old;
        }
    }
    memmove(&core->regions[kept], &core->regions[change->last + 1],
            (core->region_count - change->last - 1) * sizeof(core->regions[0]));
    core->region_count -= change->last + 1 - kept;
    drop_pieces(vm, change);
    if (any_lost)
        return core_fail(failure, first.platform, first.module, first.feature, first.os_error,
                         "%.160s; the region at 0x%llx could not be put back and is gone",
                         first.text, (unsigned long long)lost);
    return core_fail(failure, first.platform, first.module, first.feature, first.os_error, "%s",
                     first.text);
}

/* Take the old regions out and put the pieces in; unmapped and mapped count how far it came. */
static vmaccel_status exchange(vmaccel_vm *vm, const struct change *change, size_t *unmapped,
                               size_t *mapped)
{
    vmaccel_status status = VMACCEL_OK;

    for (; *unmapped < old_count(change) && status == VMACCEL_OK; *unmapped += status == VMACCEL_OK)
        status = unmap_one(vm, vm->core->regions[change->first + *unmapped]);
    for (; *mapped < change->piece_count && status == VMACCEL_OK; *mapped += status == VMACCEL_OK)
        status = map_one(vm, change->pieces[*mapped]);
    return status;
}

static void tell_change(vmaccel_vm *vm, bool begin)
{
    if (vm->platform->mem_change != NULL)
        vm->platform->mem_change(vm, begin);
}

static vmaccel_status apply(vmaccel_vm *vm, struct change *change)
{
    struct core_vm *core = vm->core;
    vmaccel_status status = VMACCEL_OK;
    size_t unmapped = 0, mapped = 0;

    for (size_t i = change->first; i <= change->last && change->piece_count != 0; i++) {
        if (core->regions[i]->dirty != NULL && status == VMACCEL_OK)
            status = core_dirty_collect(vm, core->regions[i]);
    }
    if (status != VMACCEL_OK) {
        drop_pieces(vm, change);
        return status;
    }
    carry_dirty(vm, change);
    tell_change(vm, true);
    status = exchange(vm, change, &unmapped, &mapped);
    if (status != VMACCEL_OK)
        status = roll_back(vm, change, unmapped, mapped, status);
    tell_change(vm, false);
    if (status != VMACCEL_OK)
        return status;

    for (size_t i = change->first; i <= change->last; i++)
        core_region_retire(core, core->regions[i]);
    memmove(&core->regions[change->first + change->piece_count], &core->regions[change->last + 1],
            (core->region_count - change->last - 1) * sizeof(core->regions[0]));
    if (change->piece_count != 0)
        memcpy(&core->regions[change->first], change->pieces,
               change->piece_count * sizeof(change->pieces[0]));
    core->region_count += change->piece_count;
    core->region_count -= old_count(change);
    free(change->pieces);
    return VMACCEL_OK;
}

/* Replace [gpa, gpa+size) by nothing, or by itself with other flags. */
static vmaccel_status replace(vmaccel_vm *vm, struct change *change, vmaccel_gpa gpa, uint64_t size,
                              bool keep, uint32_t flags)
{
    struct core_vm *core = vm->core;
    const struct core_region *first = core->regions[change->first],
                             *last = core->regions[change->last];
    uint64_t before = gpa - first->gpa;
    uint64_t after = last->gpa + last->size - (gpa + size);
    size_t total = core->region_count - old_count(change) + (before != 0) + (after != 0) +
                   (keep ? old_count(change) : 0);

    if (before != 0 || after != 0 || keep) {
        vmaccel_status status = may_cut(vm);
        if (status != VMACCEL_OK)
            return status;
    }
    if (total > core->max_regions)
        return core_fail(VMACCEL_E_LIMIT, vm->platform->name, module,
                         vmaccel_cap_name(VMACCEL_CAP_MAX_REGIONS), 0,
                         "the cut makes %zu regions; %s takes at most %llu", total,
                         vm->platform->name, (unsigned long long)core->max_regions);

    change->pieces = calloc(old_count(change) + 2, sizeof(change->pieces[0]));
    bool made = change->pieces != NULL && core_region_room(core, total);
    if (made && before != 0)
        made = add_piece(vm, change, first, first->gpa, before, first->flags);
    for (size_t i = change->first; made && keep && i <= change->last; i++) {
        const struct core_region *old = core->regions[i];
        vmaccel_gpa start = i == change->first ? gpa : old->gpa;
        vmaccel_gpa end = i == change->last ? gpa + size : old->gpa + old->size;
        made = add_piece(vm, change, old, start, end - start, flags);
    }
    if (made && after != 0)
        made = add_piece(vm, change, last, gpa + size, after, last->flags);
    if (!made) {
        drop_pieces(vm, change);
        return core_fail(VMACCEL_E_NO_MEMORY, vm->platform->name, module, NULL, 0,
                         "no memory for a region");
    }
    return apply(vm, change);
}

vmaccel_status vmaccel_memory_unmap(vmaccel_vm *vm, vmaccel_gpa gpa, uint64_t size)
{
    if (vm == NULL)
        return core_invalid(NULL, module, "vm must not be NULL");
    struct change change = {0};
    core_map_lock(vm);
    vmaccel_status status = core_region_range(vm, gpa, size, &change.first, &change.last);
    if (status == VMACCEL_OK)
        status = replace(vm, &change, gpa, size, false, 0);
    core_map_unlock(vm);
    return status;
}

/* The platform has changed the region's flags. */
static void settle(struct core_region *region, uint32_t flags, uint64_t **log)
{
    region->flags = flags;
    if ((flags & VMACCEL_MEM_DIRTY_LOG) == 0) {
        free(region->dirty);
        region->dirty = NULL;
    } else if (region->dirty == NULL) {
        region->dirty = *log;
        *log = NULL;
    }
}

static vmaccel_status change_flags(vmaccel_vm *vm, struct core_region **regions, size_t count,
                                   uint32_t flags, uint64_t **logs)
{
    vmaccel_status status = VMACCEL_OK;
    size_t done = 0;

    for (; status == VMACCEL_OK && done < count; done += status == VMACCEL_OK) {
        if (regions[done]->flags != flags)
            status = vm->platform->mem_protect(vm, regions[done], flags);
    }
    if (status == VMACCEL_OK) {
        for (size_t i = 0; i < count; i++)
            settle(regions[i], flags, &logs[i]);
        return VMACCEL_OK;
    }

    vmaccel_error first = *vmaccel_last_error();
    while (done-- > 0) {
        struct core_region changed = *regions[done];
        changed.flags = flags;
        if (regions[done]->flags != flags &&
            vm->platform->mem_protect(vm, &changed, regions[done]->flags) != VMACCEL_OK)
            settle(regions[done], flags, &logs[done]);
    }
    return core_fail(status, first.platform, first.module, first.feature, first.os_error, "%s",
                     first.text);
}

/* Whole regions on a platform that changes flags in place. */
static vmaccel_status protect_in_place(vmaccel_vm *vm, const struct change *change, uint32_t flags)
{
    struct core_region **regions = &vm->core->regions[change->first];
    size_t count = old_count(change);
    uint64_t **logs = calloc(count, sizeof(*logs));
    bool made = logs != NULL;
    vmaccel_status status;

    for (size_t i = 0; made && i < count; i++) {
        if ((flags & VMACCEL_MEM_DIRTY_LOG) != 0 && regions[i]->dirty == NULL)
            made = (logs[i] = core_dirty_new(vm, regions[i]->size)) != NULL;
    }
    if (made)
        status = change_flags(vm, regions, count, flags, logs);
    else
        status = core_fail(VMACCEL_E_NO_MEMORY, vm->platform->name, module, NULL, 0,
                           "no memory for a dirty log");
    for (size_t i = 0; logs != NULL && i < count; i++)
        free(logs[i]);
    free(logs);
    return status;
}

static vmaccel_status protect_locked(vmaccel_vm *vm, vmaccel_gpa gpa, uint64_t size, uint32_t flags)
{
    struct core_vm *core = vm->core;
    struct change change = {0};
    bool same = true;

    vmaccel_status status = core_region_range(vm, gpa, size, &change.first, &change.last);
    if (status != VMACCEL_OK)
        return status;
    for (size_t i = change.first; i <= change.last; i++)
        same = same && core->regions[i]->flags == flags;
    if (same)
        return VMACCEL_OK;
    const struct core_region *last = core->regions[change.last];
    bool whole = core->regions[change.first]->gpa == gpa && last->gpa + last->size == gpa + size;
    if (whole && vm->platform->mem_protect != NULL)
        return protect_in_place(vm, &change, flags);
    return replace(vm, &change, gpa, size, true, flags);
}

vmaccel_status vmaccel_memory_protect(vmaccel_vm *vm, vmaccel_gpa gpa, uint64_t size,
                                      uint32_t flags)
{
    if (vm == NULL)
        return core_invalid(NULL, module, "vm must not be NULL");
    flags |= VMACCEL_MEM_READ;
    vmaccel_status status = core_flags_check(vm, flags);
    if (status != VMACCEL_OK)
        return status;
    core_map_lock(vm);
    status = protect_locked(vm, gpa, size, flags);
    core_map_unlock(vm);
    return status;
}
