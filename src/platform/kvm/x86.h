/* SPDX-License-Identifier: BSD-2-Clause */
/* What is x86's of the KVM platform. Included by kvm.h. */
#ifndef PLATFORM_KVM_X86_H
#define PLATFORM_KVM_X86_H

#define KVM_ARCH_GUEST  VMACCEL_ARCH_X86_64
#define KVM_ARCH_ABSENT "load kvm_intel or kvm_amd, or switch virtualization on in the firmware"

struct kvm_vm_arch {
    uint32_t xsave_size;
    bool sync_regs, xsave2, exception_payload, triple_fault_event;
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

struct kvm_vcpu_arch {
    uint32_t synced; /* CORE_GROUP_* in the run page, of the last exit */
    uint32_t unread; /* exits since the caller last read a synced group */

    bool slot;              /* an interrupt was put into the slot since the last run */
    uint8_t out_rip[4];     /* enum kvm_out_rip by kvm_out_mode() */
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

/* Cut an access at the end of its page, as KVM has done. */
static inline uint64_t kvm_arch_cut(const uint8_t *size, const struct kvm_run *run)
{
    (void)size;
    (void)run;
    return 0;
}

/* After each KVM_RUN. */
static inline void kvm_arch_ran(struct kvm_vcpu_arch *arch, const struct kvm_run *run)
{
    arch->synced = (uint32_t)run->kvm_valid_regs;
}

/* At an exit for the caller. Groups nobody reads stop being copied after a while. */
static inline uint64_t kvm_arch_leave(vmaccel_vcpu *vcpu, struct kvm_vcpu_arch *arch,
                                      struct kvm_run *run)
{
    (void)vcpu;
    if (arch->synced != 0 && ++arch->unread > 64)
        run->kvm_valid_regs = 0;
    return 0;
}

/* After EINTR, ahead of a kick. True: the record holds an exit. */
static inline bool kvm_arch_interrupted(vmaccel_vcpu *vcpu)
{
    (void)vcpu;
    return false;
}

/* x86_probe.c */
bool kvm_is_paravirtual(void);

/* x86_vcpu.c: set again the state last set, which KVM_SET_SREGS with reset values made RUNNABLE. */
vmaccel_status kvm_apply_mp_state(vmaccel_vcpu *vcpu);

/* x86_regs.c */
vmaccel_status kvm_x86_fetch(vmaccel_vcpu *vcpu, uint32_t groups);
/* Write the dirty groups: into the run page for the next KVM_RUN, or at once by ioctl. */
vmaccel_status kvm_x86_flush(vmaccel_vcpu *vcpu);
vmaccel_status kvm_x86_flush_now(vmaccel_vcpu *vcpu, uint32_t groups);
/* The element a refused flush named. */
vmaccel_status kvm_x86_flush_refused(vmaccel_vcpu *vcpu);

/* x86_events.c */
void kvm_x86_events_from(const struct kvm_vm_arch *kvm, const struct kvm_vcpu_events *raw,
                         vmaccel_x86_events *events);
void kvm_x86_events_to(const struct kvm_vm_arch *kvm, const vmaccel_x86_events *events,
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

#endif
