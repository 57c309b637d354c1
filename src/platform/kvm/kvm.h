/* SPDX-License-Identifier: BSD-2-Clause */
/* The KVM platform's own types. Source of all ioctl behaviour: Linux
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

/* What stays of a vCPU until the VM ends: a kick may be on its way to the run page. */
struct kvm_slot {
    struct kvm_run *run;
    _Atomic(vmaccel_vcpu *) vcpu; /* written by the owner, read by memory calls on other threads */
};

struct kvm_vm {
    int sys_fd, fd;
    uint32_t run_size; /* bytes of the run page mapping */
    uint32_t xsave_size;
    bool sync_regs, xsave2, exception_payload, triple_fault_event, paravirtual;
    struct kvm_slot *slots;
    pthread_mutex_t routes_lock;
    struct kvm_msi routes[24]; /* level-triggered MSIs whose end KVM reports, split irqchip */
    uint32_t routes_used;      /* entered so far */
    struct kvm_cpuid2 *cpuid;  /* the table of vCPUs to come; NULL until the first needs it */
    pthread_mutex_t tsc_lock;
    uint32_t tsc_round; /* of writes of the TSC: a vCPU's second begins another */
};

/* How RIP stands at the exit of an OUT: learned, because fast port I/O leaves it at the instruction
 * and KVM's emulator moves it on, and nothing in the exit tells which of the two ran. */
enum kvm_out_rip { KVM_OUT_UNKNOWN, KVM_OUT_AT, KVM_OUT_AFTER };

struct kvm_vcpu {
    struct kvm_run *run;
    int fd;
    int tid;

    /* Work that run has to do before it enters the guest; 0 in the plain case. */
    uint32_t attention;
    bool pending;   /* KVM may have something left to do for the last exit's instruction */
    bool step_done; /* a step whose DEBUG exit is still to be delivered */
    bool stepping;
    bool entered; /* has been in KVM_RUN */
    bool slot;    /* an interrupt was put into the slot since the last run */

    uint32_t synced; /* CORE_GROUP_* in the run page, of the last exit */
    uint32_t unread; /* exits since the caller last read a synced group */

    uint8_t out_rip[4]; /* enum kvm_out_rip by kvm_out_mode() */

    struct kvm_guest_debug debug;
    uint8_t point_of_dr[4]; /* the caller's slot for each debug register in use */

    struct kvm_vcpu_events raw_events; /* as last fetched: holds what the canonical form does not */

    /* Set by the caller since the last run, applied again when a later setting would disturb them.
     */
    bool lapic_set, deadline_set, mp_set;
    vmaccel_mp_state mp_state;
    uint64_t deadline;
    vmaccel_x86_lapic lapic;

    uint32_t tsc_round; /* the last this vCPU's TSC was written in */
};

#define KVM_ATTENTION_PENDING (1u << 0) /* an answer or completion needs a look before entry */
#define KVM_ATTENTION_STEP    (1u << 1) /* stepping is on */
#define KVM_ATTENTION_MSR     (1u << 2) /* an MSR answer is to be copied */
#define KVM_ATTENTION_FIRST   (1u << 3) /* never run */
#define KVM_ATTENTION_RF      (1u << 4) /* go on past an execution breakpoint */

static inline struct kvm_vm *kvm_vm(const vmaccel_vm *vm)
{
    return vm->priv;
}

static inline struct kvm_vcpu *kvm_vcpu(const vmaccel_vcpu *vcpu)
{
    return vcpu->priv;
}

/* PLATFORM, or INVALID_ARGUMENT for EINVAL, with errno and the call's name. */
vmaccel_status kvm_fail(const char *module, const char *call);

/* probe.c */
void kvm_probe(vmaccel_platform_info *info);
uint64_t kvm_cap(vmaccel_arch arch, vmaccel_cap cap);
bool kvm_is_paravirtual(void);
vmaccel_status kvm_open(int *fd); /* with the error that tells what to do */
uint64_t kvm_cap_common(int fd, bool paravirtual, vmaccel_cap cap);

/* vm.c */
vmaccel_status kvm_vm_create(vmaccel_vm *vm);
void kvm_vm_destroy(vmaccel_vm *vm);
uint64_t kvm_vm_cap(const vmaccel_vm *vm, vmaccel_cap cap);
vmaccel_status kvm_doorbell(vmaccel_vm *vm, const vmaccel_doorbell_config *config, intptr_t native,
                            bool add);

/* memory.c */
vmaccel_status kvm_mem_map(vmaccel_vm *vm, const struct core_region *region);
vmaccel_status kvm_mem_unmap(vmaccel_vm *vm, const struct core_region *region);
vmaccel_status kvm_mem_protect(vmaccel_vm *vm, const struct core_region *region, uint32_t flags);
vmaccel_status kvm_mem_dirty(vmaccel_vm *vm, const struct core_region *region, uint64_t *bitmap);

/* vcpu.c */
vmaccel_status kvm_vcpu_create(vmaccel_vcpu *vcpu);
void kvm_vcpu_destroy(vmaccel_vcpu *vcpu);
vmaccel_status kvm_get_mp_state(vmaccel_vcpu *vcpu, vmaccel_mp_state *state);
vmaccel_status kvm_set_mp_state(vmaccel_vcpu *vcpu, vmaccel_mp_state state);
/* Set again the state last set, which KVM_SET_SREGS with reset values made RUNNABLE. */
vmaccel_status kvm_apply_mp_state(vmaccel_vcpu *vcpu);
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
vmaccel_status kvm_run_error(vmaccel_vcpu *vcpu, int error);

/* complete.c */
vmaccel_status kvm_vcpu_complete(vmaccel_vcpu *vcpu, bool *more);
/* What run does first when there is attention or a dirty group. *exit_ready: the record already
 * holds an exit. */
vmaccel_status kvm_prepare(vmaccel_vcpu *vcpu, bool *exit_ready);
/* Finish the pending instruction where that changes no answer the caller may still give. */
vmaccel_status kvm_settle(vmaccel_vcpu *vcpu);

/* x86_regs.c */
vmaccel_status kvm_x86_fetch(vmaccel_vcpu *vcpu, uint32_t groups);
/* Write the dirty groups: into the run page for the next KVM_RUN, or at once by ioctl. */
vmaccel_status kvm_x86_flush(vmaccel_vcpu *vcpu);
vmaccel_status kvm_x86_flush_now(vmaccel_vcpu *vcpu, uint32_t groups);
/* The element a refused flush named. */
vmaccel_status kvm_x86_flush_refused(vmaccel_vcpu *vcpu);

/* x86_events.c */
void kvm_x86_events_from(const struct kvm_vm *kvm, const struct kvm_vcpu_events *raw,
                         vmaccel_x86_events *events);
void kvm_x86_events_to(const struct kvm_vm *kvm, const vmaccel_x86_events *events,
                       struct kvm_vcpu_events *raw);

/* x86_out.c */
vmaccel_status kvm_x86_out_rip(vmaccel_vcpu *vcpu, uint64_t *rip, const vmaccel_x86_sregs *sregs);

/* x86_routes.c */
vmaccel_status kvm_route_lines(vmaccel_vm *vm);
vmaccel_status kvm_irq_line(vmaccel_vm *vm, uint32_t line, bool level);
vmaccel_status kvm_irq_msi(vmaccel_vm *vm, uint64_t address, uint32_t data);

/* x86_irq.c */
vmaccel_status kvm_inject_interrupt(vmaccel_vcpu *vcpu, uint8_t vector);
vmaccel_status kvm_interrupt_ready(vmaccel_vcpu *vcpu, bool *ready);
vmaccel_status kvm_request_irq_window(vmaccel_vcpu *vcpu, bool on);
vmaccel_status kvm_inject_exception(vmaccel_vcpu *vcpu, uint8_t vector, bool has_error_code,
                                    uint32_t error_code);
vmaccel_status kvm_inject_nmi(vmaccel_vcpu *vcpu);

/* x86_cpuid.c */
vmaccel_status kvm_x86_cpuid_supported(const vmaccel_vm *vm, vmaccel_x86_cpuid *entries,
                                       size_t *count);
vmaccel_status kvm_x86_set_cpuid(vmaccel_vm *vm, const vmaccel_x86_cpuid *entries, size_t count);
vmaccel_status kvm_x86_get_cpuid(vmaccel_vcpu *vcpu, vmaccel_x86_cpuid *entries, size_t *count);
vmaccel_status kvm_x86_apply_cpuid(vmaccel_vcpu *vcpu);

/* x86_msr.c */
vmaccel_status kvm_x86_get_msrs(vmaccel_vcpu *vcpu, vmaccel_x86_msr *msrs, size_t count,
                                size_t *done);
vmaccel_status kvm_x86_set_msrs(vmaccel_vcpu *vcpu, const vmaccel_x86_msr *msrs, size_t count,
                                size_t *done);
vmaccel_status kvm_x86_msr_list(const vmaccel_vm *vm, uint32_t *ids, size_t *count);
vmaccel_status kvm_x86_set_deadline(vmaccel_vcpu *vcpu, uint64_t value);

/* x86_state.c */
vmaccel_status kvm_x86_get_xsave(vmaccel_vcpu *vcpu, void *area);
vmaccel_status kvm_x86_set_xsave(vmaccel_vcpu *vcpu, const void *area);
vmaccel_status kvm_x86_get_xcr0(vmaccel_vcpu *vcpu, uint64_t *xcr0);
vmaccel_status kvm_x86_set_xcr0(vmaccel_vcpu *vcpu, uint64_t xcr0);
vmaccel_status kvm_x86_get_debug_regs(vmaccel_vcpu *vcpu, vmaccel_x86_debug_regs *regs);
vmaccel_status kvm_x86_set_debug_regs(vmaccel_vcpu *vcpu, const vmaccel_x86_debug_regs *regs);
vmaccel_status kvm_x86_get_lapic(vmaccel_vcpu *vcpu, vmaccel_x86_lapic *lapic);
vmaccel_status kvm_x86_set_lapic(vmaccel_vcpu *vcpu, const vmaccel_x86_lapic *lapic);
vmaccel_status kvm_x86_apply_lapic(vmaccel_vcpu *vcpu);
vmaccel_status kvm_x86_get_tsc_khz(vmaccel_vcpu *vcpu, uint32_t *khz);

/* x86_irqchip.c */
vmaccel_status kvm_x86_get_irqchip(vmaccel_vm *vm, vmaccel_x86_irqchip *state);
vmaccel_status kvm_x86_set_irqchip(vmaccel_vm *vm, const vmaccel_x86_irqchip *state);
vmaccel_status kvm_x86_get_clock(vmaccel_vm *vm, uint64_t *ns);
vmaccel_status kvm_x86_set_clock(vmaccel_vm *vm, uint64_t ns);

/* x86_debug.c */
vmaccel_status kvm_set_debug(vmaccel_vcpu *vcpu, const vmaccel_debug_config *config);
vmaccel_status kvm_apply_debug(vmaccel_vcpu *vcpu);
void kvm_x86_debug_exit(vmaccel_vcpu *vcpu);

#endif
