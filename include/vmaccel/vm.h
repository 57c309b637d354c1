/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtual machines. Creation has two phases: create with a config, set what is left to set, commit.
 */
#ifndef VMACCEL_VM_H
#define VMACCEL_VM_H

#include <vmaccel/status.h>
#include <vmaccel/types.h>

VMACCEL_BEGIN_DECLS

/* Who models the interrupt controllers. */
typedef enum vmaccel_irqchip {
    VMACCEL_IRQCHIP_NONE =
        0, /* nobody: interrupts go through the vCPU's injection slot, HLT exits */
    VMACCEL_IRQCHIP_SPLIT =
        1, /* local APICs by the platform; the caller sends MSIs and gets EOI exits */
    VMACCEL_IRQCHIP_FULL = 2 /* x86: local APICs, IOAPIC, 8259 pair, 8254; arm64: GIC */
} vmaccel_irqchip;

/* Exits a caller may ask for beside those that always come. A bit whose capability is absent fails
 * the creation. */
#define VMACCEL_VM_EXIT_CPUID (1u << 0) /* CAP_EXIT_CPUID */
#define VMACCEL_VM_EXIT_MSR                                                                        \
    (1u << 1) /* CAP_EXIT_MSR: accesses to MSRs the platform does not know or allow */
#define VMACCEL_VM_EXIT_HYPERCALL (1u << 2) /* CAP_EXIT_HYPERCALL */

typedef struct vmaccel_vm_config {
    uint32_t size;       /* sizeof(vmaccel_vm_config) */
    uint32_t arch;       /* vmaccel_arch; NONE means the host's own */
    uint32_t irqchip;    /* vmaccel_irqchip */
    uint32_t max_vcpus;  /* vCPUs that will be created at most; 0 means 1 */
    uint32_t exits;      /* VMACCEL_VM_EXIT_* */
    uint32_t exceptions; /* bit n: exception vector n exits (CAP_EXIT_EXCEPTION) */
    uint64_t reserved[4];
} vmaccel_vm_config;

/* Create a VM without memory or vCPUs. `config` may be NULL for all defaults.
 * Errors: INVALID_ARGUMENT, NOT_SUPPORTED, UNAVAILABLE, PERMISSION, LIMIT (CAP_MAX_VMS), NO_MEMORY,
 * PLATFORM. Ownership: *out is the caller's, ended with vmaccel_vm_destroy(). Thread: any. Source:
 * KVM_CREATE_VM; WHvCreatePartition; hv_vm_create. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_vm_create(const vmaccel_platform *platform,
                                                                const vmaccel_vm_config *config,
                                                                vmaccel_vm **out);

/* Freeze the VM's settings (those set by functions whose comment says "before commit"). The first
 * vCPU creation does it where the caller did not. Calling it twice does no harm. Errors: PLATFORM.
 * Thread: setup. Source: WHvSetupPartition; on other platforms it completes what was set so far. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_vm_commit(vmaccel_vm *vm);

/* End a VM whose vCPUs have all been destroyed. Guest memory stays the caller's. NULL is allowed.
 * Errors: STATE when a vCPU or a doorbell is left; the VM then stays as it was. Thread: setup; no
 * other call may use the VM. */
VMACCEL_API vmaccel_status vmaccel_vm_destroy(vmaccel_vm *vm);

/* The platform it was made on. Thread: any. */
VMACCEL_API const vmaccel_platform *vmaccel_vm_platform(const vmaccel_vm *vm);

/* Its guest architecture. Thread: any. */
VMACCEL_API vmaccel_arch vmaccel_vm_arch(const vmaccel_vm *vm);

VMACCEL_END_DECLS

#endif
