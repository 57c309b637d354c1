/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest memory. vCPUs look pages up in an immutable table; a change makes a copy, puts it in the
 * table's place and has the CPUs forget what they looked up. So no vCPU sees half of a change. */
#include <stdlib.h>
#include <string.h>

#include "arch/x86/walk.h"
#include "soft.h"

struct region {
    uint64_t gpa, size;
    uint8_t *host;
    uint32_t flags;
    _Atomic uint64_t *dirty; /* a bit a page; NULL without dirty log */
};

struct soft_map {
    size_t count, room;
    struct region at[];
};

static size_t words_of(uint64_t size)
{
    return (size_t)((size / CPU_PAGE_SIZE + 63) / 64);
}

static struct soft_map *copy_map(const struct soft_map *from, size_t room)
{
    struct soft_map *map = malloc(sizeof *map + room * sizeof map->at[0]);
    if (map == NULL)
        return NULL;
    map->count = from != NULL ? from->count : 0;
    map->room = room;
    if (from != NULL)
        memcpy(map->at, from->at, from->count * sizeof map->at[0]);
    return map;
}

bool soft_map_init(struct soft_vm *soft)
{
    soft->map = copy_map(NULL, 0);
    return soft->map != NULL;
}

void soft_map_free(struct soft_vm *soft)
{
    for (size_t i = 0; soft->map != NULL && i < soft->map->count; i++)
        free(soft->map->at[i].dirty);
    free(soft->map);
}

/* Index of the region that holds gpa, or of the first above it. */
static size_t index_of(const struct soft_map *map, uint64_t gpa)
{
    size_t low = 0, high = map->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (gpa >= map->at[middle].gpa && gpa - map->at[middle].gpa >= map->at[middle].size)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct region *find(struct soft_map *map, uint64_t gpa)
{
    size_t index = index_of(map, gpa);
    return index < map->count && map->at[index].gpa <= gpa ? &map->at[index] : NULL;
}

static void flush(struct soft_vm *soft)
{
    struct cpu_vm *cpus = atomic_load(&soft->cpus);
    if (cpus != NULL)
        cpu_vm_flush(cpus);
}

static void mark(const struct region *region, uint64_t gpa)
{
    uint64_t page = (gpa - region->gpa) / CPU_PAGE_SIZE;
    atomic_fetch_or(&region->dirty[page / 64], UINT64_C(1) << page % 64);
}

/* What was written to a region after core took its log goes to whoever has its pages now. */
static void inherit(struct soft_map *map, const struct region *old)
{
    for (size_t word = 0; word < words_of(old->size); word++) {
        uint64_t left = atomic_load(&old->dirty[word]);
        for (; left != 0; left &= left - 1) {
            uint64_t offset = (word * 64 + (unsigned)__builtin_ctzll(left)) * CPU_PAGE_SIZE;
            const struct region *now = find(map, old->gpa + offset);
            if (now != NULL && now->dirty != NULL && now->host - now->gpa == old->host - old->gpa)
                mark(now, old->gpa + offset);
        }
    }
}

static struct soft_map *begin(struct soft_vm *soft)
{
    if (soft->next == NULL)
        soft->next = copy_map(soft->map, soft->map->count + 8);
    return soft->next;
}

/* Make the next map the one that counts. When this returns no vCPU uses the old one. */
static void publish(struct soft_vm *soft)
{
    struct soft_map *old = soft->map, *map = soft->next;
    if (map == NULL)
        return;
    os_rwlock_write(&soft->map_lock);
    soft->map = map;
    soft->next = NULL;
    os_rwlock_unlock_write(&soft->map_lock);
    flush(soft);
    for (size_t i = 0; i < old->count; i++) {
        const struct region *region = &old->at[i], *now = find(map, region->gpa);
        if (region->dirty == NULL || (now != NULL && now->dirty == region->dirty))
            continue;
        inherit(map, region);
        free(region->dirty);
    }
    free(old);
}

void soft_mem_change(vmaccel_vm *vm, bool start)
{
    soft_vm(vm)->changing = start;
    if (!start)
        publish(soft_vm(vm));
}

static vmaccel_status done(struct soft_vm *soft)
{
    if (!soft->changing)
        publish(soft);
    return VMACCEL_OK;
}

vmaccel_status soft_mem_map(vmaccel_vm *vm, const struct core_region *region)
{
    struct soft_vm *soft = soft_vm(vm);
    struct region new = {region->gpa, region->size, region->host, region->flags, NULL};
    if ((region->flags & VMACCEL_MEM_DIRTY_LOG) != 0 &&
        (new.dirty = calloc(words_of(region->size), sizeof *new.dirty)) == NULL)
        return soft_no_memory("memory", "a dirty log");
    struct soft_map *map = begin(soft);
    if (map != NULL && map->count == map->room) {
        struct soft_map *larger = copy_map(map, 2 * map->room);
        free(larger != NULL ? map : NULL);
        map = larger;
        if (larger != NULL)
            soft->next = larger;
    }
    if (map == NULL) {
        free(new.dirty);
        return soft_no_memory("memory", "the memory map");
    }
    size_t index = index_of(map, region->gpa);
    memmove(&map->at[index + 1], &map->at[index], (map->count - index) * sizeof map->at[0]);
    map->at[index] = new;
    map->count++;
    return done(soft);
}

vmaccel_status soft_mem_unmap(vmaccel_vm *vm, const struct core_region *region)
{
    struct soft_vm *soft = soft_vm(vm);
    struct soft_map *map = begin(soft);
    if (map == NULL)
        return soft_no_memory("memory", "the memory map");
    size_t index = index_of(map, region->gpa);
    /* A log that no vCPU has seen has no reader to wait for. */
    const struct region *seen = find(soft->map, region->gpa);
    if (seen == NULL || seen->dirty != map->at[index].dirty)
        free(map->at[index].dirty);
    map->count--;
    memmove(&map->at[index], &map->at[index + 1], (map->count - index) * sizeof map->at[0]);
    return done(soft);
}

vmaccel_status soft_mem_protect(vmaccel_vm *vm, const struct core_region *region, uint32_t flags)
{
    struct soft_vm *soft = soft_vm(vm);
    bool logged = (region->flags & VMACCEL_MEM_DIRTY_LOG) != 0;
    bool log = (flags & VMACCEL_MEM_DIRTY_LOG) != 0;
    _Atomic uint64_t *dirty = NULL;
    if (log && !logged && (dirty = calloc(words_of(region->size), sizeof *dirty)) == NULL)
        return soft_no_memory("memory", "a dirty log");
    struct soft_map *map = begin(soft);
    if (map == NULL) {
        free(dirty);
        return soft_no_memory("memory", "the memory map");
    }
    struct region *changed = find(map, region->gpa);
    changed->flags = flags;
    if (log != logged)
        changed->dirty = dirty;
    return done(soft);
}

vmaccel_status soft_mem_dirty(vmaccel_vm *vm, const struct core_region *region, uint64_t *bitmap)
{
    struct soft_vm *soft = soft_vm(vm);
    const struct region *logged = find(soft->map, region->gpa);
    for (size_t i = 0; i < words_of(region->size); i++)
        bitmap[i] = atomic_exchange(&logged->dirty[i], 0);
    /* CPUs that may write without asking have to ask again. */
    flush(soft);
    return VMACCEL_OK;
}

/* Registers of the interrupt controllers hide memory at their addresses. */
static bool is_controller(const vmaccel_vm *vm, uint64_t gpa)
{
    return (vm->irqchip != VMACCEL_IRQCHIP_NONE && gpa == X86_APIC_BASE_DEFAULT) ||
           (vm->irqchip == VMACCEL_IRQCHIP_FULL && gpa == X86_IOAPIC_BASE);
}

bool soft_page(void *context, uint64_t gpa, bool write, struct cpu_page *page)
{
    const vmaccel_vm *vm = context;
    struct soft_vm *soft = soft_vm(vm);
    if (is_controller(vm, gpa))
        return false;
    os_rwlock_read(&soft->map_lock);
    const struct region *region = find(soft->map, gpa);
    if (region != NULL) {
        page->host = region->host + (gpa - region->gpa);
        page->writable = (region->flags & VMACCEL_MEM_WRITE) != 0;
        page->executable = (region->flags & VMACCEL_MEM_EXEC) != 0;
        if (write && page->writable && region->dirty != NULL)
            mark(region, gpa);
    }
    os_rwlock_unlock_read(&soft->map_lock);
    return region != NULL;
}

/* Page-table entries; these reads never cross a page. */
static bool read_physical(void *context, uint64_t gpa, void *buffer, size_t size)
{
    struct cpu_page page;
    if (!soft_page(context, gpa & ~(uint64_t)(CPU_PAGE_SIZE - 1), false, &page))
        return false;
    memcpy(buffer, page.host + gpa % CPU_PAGE_SIZE, size);
    return true;
}

vmaccel_status soft_translate(vmaccel_vcpu *vcpu, vmaccel_gva gva, vmaccel_gpa *gpa)
{
    vmaccel_status status = core_x86_need(vcpu, CORE_GROUP_SREGS);
    if (status != VMACCEL_OK)
        return status;
    if (!x86_walk(&vcpu->cache.x86.sregs, gva, read_physical, vcpu->vm, gpa))
        return core_fail(VMACCEL_E_GUEST_MEMORY, "soft", "vcpu", NULL, 0,
                         "0x%llx is not mapped by the guest", (unsigned long long)gva);
    return VMACCEL_OK;
}

bool soft_fetch_refused(vmaccel_vcpu *vcpu, uint64_t *gpa)
{
    struct cpu_page page;
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    cpu_get_regs(soft_vcpu(vcpu)->cpu, &regs);
    cpu_get_sregs(soft_vcpu(vcpu)->cpu, &sregs);
    return x86_walk(&sregs, soft_pc(&regs, &sregs), read_physical, vcpu->vm, gpa) &&
           soft_page(vcpu->vm, *gpa & ~(uint64_t)(CPU_PAGE_SIZE - 1), false, &page) &&
           !page.executable;
}
