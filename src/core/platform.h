/* SPDX-License-Identifier: BSD-2-Clause */
/* THE SEAM: what a platform implements, and what core offers it.
 *
 * A platform is one constant struct vmaccel_platform in src/platform/<name>/, and one line in
 * registry.def. Core checks arguments, threads, object state and the memory map before it calls a
 * platform; a platform never repeats those checks. A platform reports failure with core_fail().
 * Items marked required must be set; an optional item that is NULL makes core answer NOT_SUPPORTED
 * with the capability's name, and the platform's cap() must answer 0 for it. */
#ifndef VMACCEL_CORE_PLATFORM_H
#define VMACCEL_CORE_PLATFORM_H

#include <stdatomic.h>

#include <vmaccel/vmaccel.h>

#include "core/error.h"

/* A mapped region. Core keeps the regions sorted, free of overlap and owns `id`: the lowest number
 * not in use, below CAP_MAX_REGIONS, constant while the region lives. */
struct core_region {
    vmaccel_gpa gpa;
    uint64_t size;
    uint8_t *host;
    uint32_t flags; /* VMACCEL_MEM_* */
    uint32_t id;
    uint64_t
        *dirty; /* pages known dirty and not yet reported; NULL without dirty log; owned by core */
};

/* Register groups that core caches between two runs, x86. On arm64 each general register is a
 * group: bit VMACCEL_ARM64_* of the masks. */
#define CORE_GROUP_REGS   (1u << 0)
#define CORE_GROUP_SREGS  (1u << 1)
#define CORE_GROUP_EVENTS (1u << 2)
#define CORE_ARM64_ALL    (((uint64_t)1 << VMACCEL_ARM64_REGS) - 1)
#define CORE_ARM64(reg)   ((uint64_t)1 << VMACCEL_ARM64_##reg)

struct core_x86_cache {
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    vmaccel_x86_events events;
    vmaccel_x86_regs overlay;
};

/* The registers are an array: vmaccel_arm64_reg is the index. */
struct core_arm64_cache {
    uint64_t regs[VMACCEL_ARM64_REGS];
    uint64_t overlay[VMACCEL_ARM64_REGS];
};

/* Settings of an arm64 VM. The defaults are filled in when it is committed. */
struct core_arm64_config {
    uint32_t features; /* VMACCEL_ARM64_FEATURE_* */
    bool features_set;
    vmaccel_arm64_gic gic; /* version 0: not set, or no GIC */
};

struct vmaccel_vm {
    const struct vmaccel_platform *platform;
    vmaccel_arch arch;
    uint32_t irqchip;
    uint32_t max_vcpus;
    uint32_t exits;
    uint32_t exceptions;
    bool committed;
    uint64_t page_size;
    struct core_arm64_config arm64;
    struct core_vm *core; /* core's own: locks, memory map, vCPU table */
    void *priv;           /* platform->vm_size zeroed bytes, 64-byte aligned */
};

struct vmaccel_vcpu {
    vmaccel_exit exit; /* first: vmaccel_vcpu_exit() relies on it */
    vmaccel_status (*run)(vmaccel_vcpu *vcpu);
    const void *owner; /* core_thread_self() of the owner; NULL once destroyed */
    /* Groups of the cache that hold the vCPU's state (valid), and that the caller changed since the
     * last run (dirty, always valid as well). The platform writes dirty groups back at run, clears
     * both masks after the guest ran, and may fill the cache early and set valid bits. */
    uint64_t valid, dirty;
    /* Written while an instruction waited for its answer: bit n is word n of the general registers.
     * Merged over the instruction's result by core_x86_merge() or core_arm64_merge(). */
    uint64_t overlay_mask;
    /* The last exit is a device read whose answer is not consumed yet: set and cleared by the
     * platform. While it is set, core records register writes in the overlay. */
    bool awaiting_answer;
    uint32_t index;
    vmaccel_vm *vm;
    void *priv; /* platform->vcpu_size zeroed bytes, 64-byte aligned */
    /* The kick protocol. core sets kick then calls platform->vcpu_kick(). A platform sets running
     * (seq_cst) before it last looks at kick ahead of entry, and clears it when the guest has
     * stopped. A run that returns KICKED takes the kick with core_kick_take(); a run that returns
     * another exit leaves it for the next. */
    _Atomic uint32_t kick;
    _Atomic uint32_t running;
    union {
        struct core_x86_cache x86;
        struct core_arm64_cache arm64;
    } cache;
};

/* x86_64 state. All required on a platform with x86_64 guests unless marked optional. */
struct core_x86_ops {
    /* Fill the cache's groups (one or more bits); core sets the valid bits. */
    vmaccel_status (*fetch)(vmaccel_vcpu *vcpu, uint32_t groups);
    /* Standard uncompacted form of xsave_size bytes, 64-byte aligned. Optional: CAP_REG_XSAVE,
     * CAP_REG_FPU. */
    vmaccel_status (*get_xsave)(vmaccel_vcpu *vcpu, void *area);
    vmaccel_status (*set_xsave)(vmaccel_vcpu *vcpu, const void *area);
    vmaccel_status (*get_xcr0)(vmaccel_vcpu *vcpu, uint64_t *xcr0); /* optional: CAP_REG_XCR */
    vmaccel_status (*set_xcr0)(vmaccel_vcpu *vcpu, uint64_t xcr0);
    /* Optional: CAP_REG_MSR. *done as in the public call, never NULL. */
    vmaccel_status (*get_msrs)(vmaccel_vcpu *vcpu, vmaccel_x86_msr *msrs, size_t count,
                               size_t *done);
    vmaccel_status (*set_msrs)(vmaccel_vcpu *vcpu, const vmaccel_x86_msr *msrs, size_t count,
                               size_t *done);
    vmaccel_status (*msr_list)(const vmaccel_vm *vm, uint32_t *ids, size_t *count);
    /* Optional: CAP_REG_CPUID. */
    vmaccel_status (*cpuid_supported)(const vmaccel_vm *vm, vmaccel_x86_cpuid *entries,
                                      size_t *count);
    vmaccel_status (*set_cpuid)(vmaccel_vm *vm, const vmaccel_x86_cpuid *entries, size_t count);
    vmaccel_status (*get_cpuid)(vmaccel_vcpu *vcpu, vmaccel_x86_cpuid *entries, size_t *count);
    vmaccel_status (*get_debug_regs)(vmaccel_vcpu *vcpu,
                                     vmaccel_x86_debug_regs *regs); /* optional: CAP_REG_DEBUG */
    vmaccel_status (*set_debug_regs)(vmaccel_vcpu *vcpu, const vmaccel_x86_debug_regs *regs);
    vmaccel_status (*get_lapic)(vmaccel_vcpu *vcpu,
                                vmaccel_x86_lapic *lapic); /* optional: CAP_REG_LAPIC */
    vmaccel_status (*set_lapic)(vmaccel_vcpu *vcpu, const vmaccel_x86_lapic *lapic);
    vmaccel_status (*get_tsc_khz)(vmaccel_vcpu *vcpu, uint32_t *khz); /* optional: CAP_TSC_KHZ */
    vmaccel_status (*get_irqchip)(vmaccel_vm *vm,
                                  vmaccel_x86_irqchip *state); /* optional: CAP_REG_IRQCHIP */
    vmaccel_status (*set_irqchip)(vmaccel_vm *vm, const vmaccel_x86_irqchip *state);
    vmaccel_status (*get_clock)(vmaccel_vm *vm, uint64_t *ns); /* optional: CAP_REG_CLOCK */
    vmaccel_status (*set_clock)(vmaccel_vm *vm, uint64_t ns);
};

/* AArch64 state. All required on a platform with AArch64 guests unless marked optional. */
struct core_arm64_ops {
    /* VMACCEL_ARM64_FEATURE_* that a vCPU can have here. */
    uint32_t (*features)(const vmaccel_vm *vm);
    /* Fill the cache's registers of the mask; core sets the valid bits. */
    vmaccel_status (*fetch)(vmaccel_vcpu *vcpu, uint64_t regs);
    vmaccel_status (*get_fpu)(vmaccel_vcpu *vcpu,
                              vmaccel_arm64_fpu *fpu); /* optional: CAP_REG_FPU */
    vmaccel_status (*set_fpu)(vmaccel_vcpu *vcpu, const vmaccel_arm64_fpu *fpu);
    /* Optional: CAP_REG_SVE. `vl` is the vector length, bytes. */
    vmaccel_status (*get_sve)(vmaccel_vcpu *vcpu, uint8_t *area, uint32_t vl);
    vmaccel_status (*set_sve)(vmaccel_vcpu *vcpu, const uint8_t *area, uint32_t vl);
    /* Optional: CAP_REG_MSR. *done as in the public call, never NULL. */
    vmaccel_status (*get_sysregs)(vmaccel_vcpu *vcpu, vmaccel_arm64_sysreg *regs, size_t count,
                                  size_t *done);
    vmaccel_status (*set_sysregs)(vmaccel_vcpu *vcpu, const vmaccel_arm64_sysreg *regs,
                                  size_t count, size_t *done);
    vmaccel_status (*sysreg_list)(vmaccel_vcpu *vcpu, uint32_t *ids, size_t *count);
    /* Optional: CAP_REG_EVENTS. */
    vmaccel_status (*get_events)(vmaccel_vcpu *vcpu, vmaccel_arm64_events *events);
    vmaccel_status (*set_events)(vmaccel_vcpu *vcpu, const vmaccel_arm64_events *events);
    /* Optional: CAP_REG_IRQCHIP. The VM is committed and has a GIC. */
    vmaccel_status (*gic_list)(vmaccel_vm *vm, vmaccel_arm64_gic_reg *regs, size_t *count);
    vmaccel_status (*get_gic_regs)(vmaccel_vm *vm, vmaccel_arm64_gic_reg *regs, size_t count,
                                   size_t *done);
    vmaccel_status (*set_gic_regs)(vmaccel_vm *vm, const vmaccel_arm64_gic_reg *regs, size_t count,
                                   size_t *done);
};

/* A machine run by a platform that has no vCPU level (CAP_MACHINE: Virtualization.framework).
 * Strings and callbacks stay valid until run returns. */
struct core_whole_machine {
    uint32_t cpus;
    uint64_t memory; /* bytes */
    const char *kernel, *initrd, *append;
    void (*console_write)(void *context, const uint8_t *data, size_t size);
    void *console_context;
};

struct core_machine_ops {
    /* Run on the calling thread until the guest stops or stop() is called; *reason is POWEROFF,
     * RESET or INTERNAL_ERROR (vmaccel_exit_reason). */
    vmaccel_status (*run)(vmaccel_vm *vm, const struct core_whole_machine *machine,
                          uint32_t *reason);
    void (*stop)(vmaccel_vm *vm);                                              /* any thread */
    size_t (*console_input)(vmaccel_vm *vm, const uint8_t *data, size_t size); /* any thread */
};

struct vmaccel_platform {
    const char *name;
    const char *description;

    /* Required. Fill kind, status, guest_* and reason; name and description are set. Never fails.
     * Any thread. */
    void (*probe)(vmaccel_platform_info *info);
    /* Required. Host level, no VM; 0 where the host can't. Any thread. */
    uint64_t (*cap)(vmaccel_arch arch, vmaccel_cap cap);
    size_t vm_size, vcpu_size;

    /* Required. Phase one: vm's fields are set, priv is zeroed. On failure nothing is left behind.
     */
    vmaccel_status (*vm_create)(vmaccel_vm *vm);
    /* Optional: phase two, once, before the first vCPU. WHPX sets up the partition here. */
    vmaccel_status (*vm_commit)(vmaccel_vm *vm);
    void (*vm_destroy)(
        vmaccel_vm *vm); /* required; no vCPU and no region's host memory is in use afterwards */
    uint64_t (*vm_cap)(const vmaccel_vm *vm, vmaccel_cap cap); /* required */

    /* Memory, under core's map lock. Required: map and unmap. region->id is free at map, in use at
     * unmap. */
    vmaccel_status (*mem_map)(vmaccel_vm *vm, const struct core_region *region);
    vmaccel_status (*mem_unmap)(vmaccel_vm *vm, const struct core_region *region);
    /* Optional, around the map and unmap calls that cut a region: with CAP_MEM_SPLIT_RUNNING vCPUs
     * see all of them at once, at the end, which can't fail. */
    void (*mem_change)(vmaccel_vm *vm, bool begin);
    /* Optional: change flags of a whole region in place; core otherwise unmaps and maps. */
    vmaccel_status (*mem_protect)(vmaccel_vm *vm, const struct core_region *region, uint32_t flags);
    /* Optional (CAP_MEM_DIRTY_LOG): get and clear the whole region's log; one bit a page, words
     * rounded up. */
    vmaccel_status (*mem_dirty)(vmaccel_vm *vm, const struct core_region *region, uint64_t *bitmap);
    /* Optional (CAP_DOORBELL): `native` is an event object core made (os_event). */
    vmaccel_status (*doorbell)(vmaccel_vm *vm, const vmaccel_doorbell_config *config,
                               intptr_t native, bool add);

    /* Interrupts; optional by capability. */
    vmaccel_status (*irq_line)(vmaccel_vm *vm, uint32_t line, bool level);
    vmaccel_status (*irq_msi)(vmaccel_vm *vm, uint64_t address, uint32_t data);

    /* vCPUs. All calls come on the owner thread, vcpu_kick excepted (any thread, async-signal-safe;
     * the vCPU may have been destroyed by its owner a moment ago, its memory is there until
     * vm_destroy). Required except where marked. */
    vmaccel_status (*vcpu_create)(
        vmaccel_vcpu *vcpu); /* sets vcpu->run; state is the architecture's reset state */
    void (*vcpu_destroy)(vmaccel_vcpu *vcpu);
    void (*vcpu_kick)(vmaccel_vcpu *vcpu);
    vmaccel_status (*vcpu_complete)(vmaccel_vcpu *vcpu, bool *more);
    vmaccel_status (*inject_interrupt)(vmaccel_vcpu *vcpu,
                                       uint8_t vector); /* optional, by capability, */
    vmaccel_status (*interrupt_ready)(vmaccel_vcpu *vcpu, bool *ready); /* as are the next ones */
    vmaccel_status (*request_irq_window)(vmaccel_vcpu *vcpu, bool on);
    vmaccel_status (*inject_exception)(vmaccel_vcpu *vcpu, uint8_t vector, bool has_error_code,
                                       uint32_t error_code);
    vmaccel_status (*inject_nmi)(vmaccel_vcpu *vcpu);
    vmaccel_status (*set_debug)(vmaccel_vcpu *vcpu,
                                const vmaccel_debug_config *config); /* never NULL config */
    vmaccel_status (*translate)(vmaccel_vcpu *vcpu, vmaccel_gva gva, vmaccel_gpa *gpa);
    vmaccel_status (*get_mp_state)(vmaccel_vcpu *vcpu, vmaccel_mp_state *state);
    vmaccel_status (*set_mp_state)(vmaccel_vcpu *vcpu, vmaccel_mp_state state);

    const struct core_x86_ops *x86;     /* NULL: no x86_64 guests */
    const struct core_arm64_ops *arm64; /* NULL: no AArch64 guests */
    const struct core_machine_ops
        *machine; /* NULL: has vCPUs; set: has nothing else but VM create and destroy */
};

/* What core offers to platforms. */

/* A token of the calling thread: compares equal on one thread only. */
static inline const void *core_thread_self(void)
{
    extern _Thread_local char core_thread_token;
    return &core_thread_token;
}

/* Take a pending kick; true when there was one. */
static inline bool core_kick_take(vmaccel_vcpu *vcpu)
{
    return atomic_load(&vcpu->kick) != 0 && atomic_exchange(&vcpu->kick, 0) != 0;
}

/* Fetch the groups of `groups` that are not valid. */
vmaccel_status core_x86_need(vmaccel_vcpu *vcpu, uint32_t groups);

/* After an instruction that awaited its answer is complete and the cache was invalidated: put the
 * registers the caller wrote over its result. */
vmaccel_status core_x86_merge(vmaccel_vcpu *vcpu);

/* The same for the registers of an arm64 vCPU. */
vmaccel_status core_arm64_need(vmaccel_vcpu *vcpu, uint64_t regs);
vmaccel_status core_arm64_merge(vmaccel_vcpu *vcpu);

/* The field of the general and special registers that no CPU would enter with, or NULL. The name is
 * a constant. */
const char *core_x86_bad_state(const vmaccel_x86_regs *regs, const vmaccel_x86_sregs *sregs);

/* The region that holds gpa, or NULL. The caller is in a platform's memory op, or the owner thread
 * of a vCPU between runs. */
const struct core_region *core_region_at(const vmaccel_vm *vm, vmaccel_gpa gpa);

#endif
