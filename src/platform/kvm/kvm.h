/* SPDX-License-Identifier: BSD-2-Clause */
/* The KVM platform's own types. Files without an architecture in their name are for all of them;
 * what they leave to the architecture is named kvm_arch_*. Source of all ioctl behaviour: Linux
 * Documentation/virt/kvm/api.rst. */
#ifndef PLATFORM_KVM_KVM_H
#define PLATFORM_KVM_KVM_H

#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>

#include "core/platform.h"

#define KVM_LIKELY(x)   __builtin_expect(!!(x), 1)
#define KVM_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Work that run has to do before it enters the guest, in kvm_vcpu.attention. */
#define KVM_ATTENTION_PENDING (1u << 0) /* an answer or completion needs a look before entry */
#define KVM_ATTENTION_STEP    (1u << 1) /* stepping is on */
#define KVM_ATTENTION_MSR     (1u << 2) /* x86: an MSR answer is to be copied */
#define KVM_ATTENTION_FIRST   (1u << 3) /* x86: never run */
#define KVM_ATTENTION_RESUME  (1u << 4) /* go on past an execution breakpoint */
#define KVM_ATTENTION_TIMER   (1u << 5) /* arm64: a timer's level is to be reported */
#define KVM_ATTENTION_INJECT  (1u << 6) /* arm64: the guest's own debug exception */
#define KVM_ATTENTION_SPLIT   (1u << 7) /* arm64: the rest of an access that crosses a page */
#define KVM_ATTENTION_CALL    (1u << 8) /* arm64: a hypercall's answer is to be copied */

/* struct kvm_vm_arch, struct kvm_vcpu_arch, and the inline kvm_arch_* functions. */
#if defined(__x86_64__)
#include "x86.h"
#else
#include "arm64.h"
#endif

/* What stays of a vCPU until the VM ends: a kick may be on its way to the run page. */
struct kvm_slot {
    struct kvm_run *run;
    _Atomic(vmaccel_vcpu *) vcpu; /* written by the owner, read by memory calls on other threads */
};

struct kvm_vm {
    int sys_fd, fd;
    uint32_t run_size; /* bytes of the run page mapping */
    struct kvm_slot *slots;
    struct kvm_vm_arch arch;
};

struct kvm_vcpu {
    struct kvm_run *run;
    int fd;
    int tid;

    uint64_t attention; /* KVM_ATTENTION_*; 0 in the plain case */
    bool pending;       /* KVM may have something left to do for the last exit's instruction */
    bool step_done;     /* a step whose DEBUG exit is still to be delivered */
    bool stepping;
    struct kvm_guest_debug debug;
    struct kvm_vcpu_arch arch;
};

static inline struct kvm_vm *kvm_vm(const vmaccel_vm *vm)
{
    return vm->priv;
}

static inline struct kvm_vcpu *kvm_vcpu(const vmaccel_vcpu *vcpu)
{
    return vcpu->priv;
}

/* error.c: PLATFORM, or INVALID_ARGUMENT for EINVAL, with errno and the call's name. */
vmaccel_status kvm_fail(const char *module, const char *call);

/* probe.c */
void kvm_probe(vmaccel_platform_info *info);
uint64_t kvm_cap(vmaccel_arch arch, vmaccel_cap cap);
vmaccel_status kvm_open(int *fd);             /* with the error that tells what to do */
uint64_t kvm_extension(int fd, int number);   /* fd is /dev/kvm or a VM */
uint64_t kvm_cap_at(int fd, vmaccel_cap cap); /* the same */
/* Fill kind, guests and reason. fd is /dev/kvm. */
void kvm_arch_probe(int fd, vmaccel_platform_info *info);
/* Capabilities that differ by architecture. */
uint64_t kvm_arch_cap(int fd, vmaccel_cap cap);

/* vm.c */
vmaccel_status kvm_vm_create(vmaccel_vm *vm);
void kvm_vm_destroy(vmaccel_vm *vm);
uint64_t kvm_vm_cap(const vmaccel_vm *vm, vmaccel_cap cap);
vmaccel_status kvm_doorbell(vmaccel_vm *vm, const vmaccel_doorbell_config *config, intptr_t native,
                            bool add);
bool kvm_enable(int fd, uint32_t cap, uint64_t arg);
/* The type of VM to create. */
unsigned long kvm_arch_vm_type(int sys_fd);
/* Of zeroed memory; undone by kvm_arch_vm_free(). */
void kvm_arch_vm_init(vmaccel_vm *vm);
/* What to enable in a VM that was just created. */
vmaccel_status kvm_arch_vm_open(vmaccel_vm *vm);
void kvm_arch_vm_free(vmaccel_vm *vm);
/* False: the VM's settings take the capability away; else *value, where it is not 0, is the answer.
 */
bool kvm_arch_vm_cap(const vmaccel_vm *vm, vmaccel_cap cap, uint64_t *value);

/* memory.c */
vmaccel_status kvm_mem_map(vmaccel_vm *vm, const struct core_region *region);
vmaccel_status kvm_mem_unmap(vmaccel_vm *vm, const struct core_region *region);
vmaccel_status kvm_mem_protect(vmaccel_vm *vm, const struct core_region *region, uint32_t flags);
vmaccel_status kvm_mem_dirty(vmaccel_vm *vm, const struct core_region *region, uint64_t *bitmap);

/* vcpu.c */
vmaccel_status kvm_vcpu_create(vmaccel_vcpu *vcpu);
void kvm_vcpu_destroy(vmaccel_vcpu *vcpu);
/* Set kvm_vcpu.fd; close it. */
vmaccel_status kvm_arch_vcpu_open(vmaccel_vcpu *vcpu);
void kvm_arch_vcpu_close(vmaccel_vcpu *vcpu);
/* With the run page mapped. */
vmaccel_status kvm_arch_vcpu_init(vmaccel_vcpu *vcpu);

vmaccel_status kvm_get_mp_state(vmaccel_vcpu *vcpu, vmaccel_mp_state *state);
vmaccel_status kvm_set_mp_state(vmaccel_vcpu *vcpu, vmaccel_mp_state state);
vmaccel_status kvm_translate(vmaccel_vcpu *vcpu, vmaccel_gva gva, vmaccel_gpa *gpa);

/* kick.c */
vmaccel_status kvm_kick_install(void);
vmaccel_status kvm_kick_unblock(void);
void kvm_vcpu_kick(vmaccel_vcpu *vcpu);
/* Clear immediate_exit unless a kick is pending. */
void kvm_kick_rearm(vmaccel_vcpu *vcpu);

/* run.c */
vmaccel_status kvm_run(vmaccel_vcpu *vcpu);
/* Fill the exit record after KVM_RUN returned 0. False: not an exit for the caller, enter again. */
bool kvm_decode_exit(vmaccel_vcpu *vcpu);
/* An exit reason of the architecture. False: not one; else *deliver as kvm_decode_exit()'s. */
bool kvm_arch_decode(vmaccel_vcpu *vcpu, bool *deliver);
/* KVM_EXIT_DEBUG; the result as kvm_decode_exit()'s. */
bool kvm_arch_debug_exit(vmaccel_vcpu *vcpu);
/* The first state element at fault after a failed entry, or "". */
const char *kvm_arch_bad_field(vmaccel_vcpu *vcpu);
/* KVM_RUN failed with errno, which is not EINTR, EAGAIN or a fault of memory. */
vmaccel_status kvm_arch_run_error(vmaccel_vcpu *vcpu);

/* complete.c: one KVM_RUN that does no more than finish what the last one left; its result. */
int kvm_run_immediate(vmaccel_vcpu *vcpu);
vmaccel_status kvm_vcpu_complete(vmaccel_vcpu *vcpu, bool *more);
/* Finish the pending instruction where that changes no answer the caller may still give. */
vmaccel_status kvm_settle(vmaccel_vcpu *vcpu);
/* What run does first when there is attention or a dirty group. *exit_ready: the record already
 * holds an exit. */
vmaccel_status kvm_arch_prepare(vmaccel_vcpu *vcpu, bool *exit_ready);
/* Before KVM finishes the pending access. True: the record holds what is left of it. */
bool kvm_arch_more(vmaccel_vcpu *vcpu);
/* The caller's answers that KVM does not find in place. */
vmaccel_status kvm_arch_answer(vmaccel_vcpu *vcpu);
/* Put registers the caller wrote over a completed instruction's result. */
vmaccel_status kvm_arch_merge(vmaccel_vcpu *vcpu);

vmaccel_status kvm_set_debug(vmaccel_vcpu *vcpu, const vmaccel_debug_config *config);
vmaccel_status kvm_apply_debug(vmaccel_vcpu *vcpu);

#endif
