/* SPDX-License-Identifier: BSD-2-Clause */
/* vCPUs: life, run, kick, completion, debugging, translation.
 *
 * State and exits. Registers are read and written between runs. Reads are cached; writes are
 * deferred and applied together before the next guest instruction, in the order the platform needs,
 * so they may be made in any order.
 *  - After an IO or MMIO write exit the state is that after the instruction (string instructions:
 * after the elements of the exit).
 *  - After an IO or MMIO read exit the instruction waits for its answer and the state is that
 * before it (string instructions: before the elements of the exit). Write the answer into the
 * record; the next run uses it, or vmaccel_vcpu_complete() applies it at once. MSR, CPUID and
 * HYPERCALL exits wait for their answer in the same way.
 *  - While an instruction waits, giving a register the value it shows already is no write.
 *  - A register that the caller writes, RIP/PC included, wins over what the instruction would have
 * stored in it. While a read waits for its answer, those registers count as written whose values
 * differ from what a get returns.
 *  - Each device access is delivered exactly once. Before saving a vCPU's state call
 * vmaccel_vcpu_complete() until nothing is left, otherwise the restored vCPU repeats the access. */
#ifndef VMACCEL_VCPU_H
#define VMACCEL_VCPU_H

#include <vmaccel/exit.h>
#include <vmaccel/status.h>
#include <vmaccel/types.h>

VMACCEL_BEGIN_DECLS

typedef struct vmaccel_vcpu_config {
    uint32_t size; /* sizeof(vmaccel_vcpu_config) */
    uint32_t reserved32;
    uint64_t reserved[3];
} vmaccel_vcpu_config;

/* Create vCPU `index` (0 to max_vcpus-1; the x86 APIC ID) in its architecture's reset state. With
 * an irqchip, index 0 is the bootstrap processor and the others wait for INIT/SIPI or PSCI CPU_ON.
 * Commits the VM where needed. An index is used once in a VM's life. `config` may be NULL. Errors:
 * INVALID_ARGUMENT, EXISTS, LIMIT, NOT_SUPPORTED, NO_MEMORY, PLATFORM. Ownership: *out is the
 * caller's. Thread: any; the calling thread becomes the owner. Source: KVM_CREATE_VCPU;
 * hv_vcpu_create. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_vcpu_create(vmaccel_vm *vm, uint32_t index,
                                                                  const vmaccel_vcpu_config *config,
                                                                  vmaccel_vcpu **out);

/* End a vCPU. The handle stays known to the VM until vmaccel_vm_destroy(), so that a kick that
 * races with this call is harmless; any other use of it returns STATE. NULL is allowed. Errors:
 * THREAD. Thread: owner. */
VMACCEL_API vmaccel_status vmaccel_vcpu_destroy(vmaccel_vcpu *vcpu);

/* Run until the guest exits, vmaccel_vcpu_kick() is called, or an error occurs. On OK the record
 * from vmaccel_vcpu_exit() is valid until the next run; write replies into it. Allocates: never.
 * Errors: THREAD, STATE, PLATFORM, INVALID_ARGUMENT (a deferred write that the platform refused;
 * the detail names the element). Thread: owner. Source: KVM_RUN; WHvRunVirtualProcessor;
 * hv_vcpu_run. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_vcpu_run(vmaccel_vcpu *vcpu);

/* Make the current or next run return with VMACCEL_EXIT_KICKED. Sticky until one run has returned
 * for it: kicks before that run returns are one kick. A guest exit that happens first is delivered
 * first. Errors: STATE when the vCPU has been destroyed. Thread: any; async-signal-safe. Source:
 * kvm_run.immediate_exit and a signal; WHvCancelRunVirtualProcessor; hv_vcpus_exit. */
VMACCEL_API vmaccel_status vmaccel_vcpu_kick(vmaccel_vcpu *vcpu);

/* Finish the instruction behind the last IO, MMIO, MSR, CPUID or HYPERCALL exit without running
 * another. Where the instruction makes a further access, *more is true and the exit record holds
 * that access: serve it and call again. Otherwise *more is false, the record is used up, and the
 * state is that after the instruction. Does nothing after other exits. Errors: THREAD, PLATFORM.
 * Thread: owner. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_vcpu_complete(vmaccel_vcpu *vcpu, bool *more);

/* Its index. Thread: any. */
VMACCEL_API uint32_t vmaccel_vcpu_index(const vmaccel_vcpu *vcpu);

/* Its VM. Thread: any. */
VMACCEL_API vmaccel_vm *vmaccel_vcpu_vm(const vmaccel_vcpu *vcpu);

/* Kinds of hardware break- and watchpoint. */
typedef enum vmaccel_hw_point_kind {
    VMACCEL_HW_EXEC = 1,      /* before the instruction at the address */
    VMACCEL_HW_WRITE = 2,     /* after a write */
    VMACCEL_HW_READ_WRITE = 3 /* after a read or write */
} vmaccel_hw_point_kind;

typedef struct vmaccel_hw_point {
    vmaccel_gva address; /* aligned to length */
    uint8_t length;      /* bytes: 1, 2, 4 or 8; 1 for EXEC on x86, 4 on arm64 */
    uint8_t kind;        /* vmaccel_hw_point_kind; 0: slot unused */
} vmaccel_hw_point;

#define VMACCEL_HW_POINTS 16

typedef struct vmaccel_debug_config {
    uint32_t size;  /* sizeof(vmaccel_debug_config) */
    uint32_t flags; /* VMACCEL_DEBUG_STEP: each run executes one instruction, then exits with DEBUG;
                       a device access exits first, and the DEBUG exit follows on the next run
                       without executing another instruction. VMACCEL_DEBUG_SW_BREAKPOINT: guest
                       INT3/BRK exits; RIP/PC is at it. */
    vmaccel_hw_point points[VMACCEL_HW_POINTS]; /* the index is the slot reported in the exit */
    uint64_t reserved[2];
} vmaccel_debug_config;

/* Set what the host debugs; replaces the earlier setting; NULL switches all off. While a break- or
 * watchpoint is set the guest's own debug registers have no effect. Errors: INVALID_ARGUMENT, LIMIT
 * (more points than CAP_HW_BREAKPOINT / CAP_HW_WATCHPOINT), NOT_SUPPORTED, THREAD, PLATFORM.
 * Thread: owner. Source: KVM_SET_GUEST_DEBUG. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status
vmaccel_vcpu_set_debug(vmaccel_vcpu *vcpu, const vmaccel_debug_config *config);

/* Translate a guest-virtual address as the vCPU would at this moment for a supervisor access,
 * without setting accessed bits. Errors: GUEST_MEMORY when it is not mapped, NOT_SUPPORTED, THREAD,
 * PLATFORM. Thread: owner. Source: KVM_TRANSLATE; WHvTranslateGva. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_vcpu_translate(vmaccel_vcpu *vcpu,
                                                                     vmaccel_gva gva,
                                                                     vmaccel_gpa *gpa);

/* MP state. Values are append-only. */
typedef enum vmaccel_mp_state {
    VMACCEL_MP_RUNNABLE = 0,
    VMACCEL_MP_HALTED = 1,        /* in HLT/WFI, waiting for an interrupt */
    VMACCEL_MP_WAIT_FOR_INIT = 2, /* x86: application processor after reset; arm64: powered off */
    VMACCEL_MP_INIT_RECEIVED = 3, /* x86: waits for SIPI */
    VMACCEL_MP_SIPI_RECEIVED = 4
} vmaccel_mp_state;

/* Errors: NOT_SUPPORTED (CAP_REG_MP_STATE), INVALID_ARGUMENT, THREAD, PLATFORM. Thread: owner.
 * Source: KVM_GET_MP_STATE. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_vcpu_get_mp_state(vmaccel_vcpu *vcpu,
                                                                        vmaccel_mp_state *state);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_vcpu_set_mp_state(vmaccel_vcpu *vcpu,
                                                                        vmaccel_mp_state state);

VMACCEL_END_DECLS

#endif
