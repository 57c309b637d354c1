/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of core share. */
#ifndef VMACCEL_CORE_CORE_H
#define VMACCEL_CORE_CORE_H

#include "arch/x86/xsave.h"
#include "core/platform.h"
#include "os/os.h"

struct core_vm {
    /* The vCPU table, commit, and the first look at the XSAVE layout. Taken before map_lock, never
     * after it. */
    os_mutex lock;
    _Atomic(struct core_vcpu *) *vcpus; /* max_vcpus entries, filled once each; ended vCPUs stay */
    size_t xsave_size;                  /* 0 without */

    os_rwlock map_lock;
    _Atomic(const void *) map_writer; /* the thread that holds map_lock for writing */
    _Atomic uint64_t
        map_version; /* changes with the map; no two VMs of a process have one in common */
    struct core_region **regions; /* sorted by gpa */
    size_t region_count, region_room;
    uint64_t *ids; /* region_room bits */
    struct core_region
        *retired;       /* unmapped: memory stays, since a vCPU thread may still look at it */
    uint64_t gpa_limit; /* first address past the guest-physical space; 0: 2^64 */
    uint64_t max_regions;
    bool can_read_only, can_no_exec, can_dirty, can_alias, can_split_running;

    os_mutex doorbell_lock;
    struct vmaccel_doorbell *doorbells;
};

/* The object behind a vCPU handle. */
struct core_vcpu {
    vmaccel_vcpu vcpu; /* first */
    _Atomic bool ended;
    bool has_layout;
    struct x86_xsave_layout layout;
    void *xsave; /* scratch of core_vm.xsave_size bytes, 64-byte aligned */
};

static inline struct core_vcpu *core_vcpu_of(vmaccel_vcpu *vcpu)
{
    return (struct core_vcpu *)(void *)vcpu;
}

static inline bool core_owns(vmaccel_vcpu *vcpu)
{
    /* Read by threads that have no business here, while the owner may be ending the vCPU. */
    return __atomic_load_n(&vcpu->owner, __ATOMIC_RELAXED) == core_thread_self();
}

/* error.c: INVALID_ARGUMENT. */
vmaccel_status core_invalid(const vmaccel_vm *vm, const char *module, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));

/* caps.c: OK when `present` and the VM has the capability. */
vmaccel_status core_vm_need(const vmaccel_vm *vm, const char *module, bool present,
                            vmaccel_cap cap);

/* vcpu.c: whether the calling thread may use the vCPU now; E_THREAD, E_STATE or INVALID_ARGUMENT
 * (NULL) otherwise. */
vmaccel_status core_vcpu_check(vmaccel_vcpu *vcpu, const char *module);
/* The same, and the guest architecture. */
vmaccel_status core_vcpu_check_arch(vmaccel_vcpu *vcpu, const char *module, vmaccel_arch arch);
/* NOT_SUPPORTED: a function of another architecture. */
vmaccel_status core_wrong_arch(const vmaccel_vm *vm, const char *module, vmaccel_arch arch)
    __attribute__((cold));

/* config.c: copy a caller's config struct of `known` bytes into `copy`. `what` names it in errors.
 */
vmaccel_status core_config(const void *config, size_t known, void *copy, const char *what);
bool core_all_zero(const void *data, size_t size);

/* vm.c: commit with core_vm.lock held. */
vmaccel_status core_vm_commit(vmaccel_vm *vm);
/* arm64_gic.c: fill in the settings' defaults. */
vmaccel_status core_arm64_commit(vmaccel_vm *vm);

/* memory.c */
void core_map_lock(vmaccel_vm *vm);
void core_map_unlock(vmaccel_vm *vm);
/* Index of the region that holds gpa, or of the first above it. map_lock is held. */
size_t core_region_index(const struct core_vm *core, vmaccel_gpa gpa);
/* The index range [*first, *last] of regions that cover all of [gpa, gpa+size), checked for bounds
 * and granularity. */
vmaccel_status core_region_range(const vmaccel_vm *vm, vmaccel_gpa gpa, uint64_t size,
                                 size_t *first, size_t *last);
struct core_region *core_region_new(vmaccel_vm *vm, vmaccel_gpa gpa, uint64_t size, uint8_t *host,
                                    uint32_t flags);
void core_region_retire(struct core_vm *core, struct core_region *region);
void core_memory_free(struct core_vm *core);
/* Room for `count` regions and their ids. */
bool core_region_room(struct core_vm *core, size_t count);
/* The lowest id not in use; there is room. */
uint32_t core_region_take_id(struct core_vm *core);
void core_region_give_id(struct core_vm *core, struct core_region *region);
vmaccel_status core_flags_check(const vmaccel_vm *vm, uint32_t flags);

/* dirty.c */
static inline size_t core_dirty_words(const vmaccel_vm *vm, uint64_t size)
{
    return (size_t)((size / vm->page_size + 63) / 64);
}
/* A bitmap for a region of `size` bytes; NULL when there is no memory. */
uint64_t *core_dirty_new(const vmaccel_vm *vm, uint64_t size);
/* Move the platform's log of a region into region->dirty. */
vmaccel_status core_dirty_collect(vmaccel_vm *vm, struct core_region *region);
/* Or the bits for [gpa, gpa+size) of one bitmap, which starts at from_gpa, into another that starts
 * at to_gpa. */
void core_dirty_copy(const vmaccel_vm *vm, uint64_t *to, vmaccel_gpa to_gpa, const uint64_t *from,
                     vmaccel_gpa from_gpa, vmaccel_gpa gpa, uint64_t size);
void core_dirty_clear(const vmaccel_vm *vm, struct core_region *region, vmaccel_gpa gpa,
                      uint64_t size);

#endif
