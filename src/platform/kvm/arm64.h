/* SPDX-License-Identifier: BSD-2-Clause */
/* What is arm64's of the KVM platform. Included by kvm.h. Source of what KVM does at an exit: Linux
 * arch/arm64/kvm. */
#ifndef PLATFORM_KVM_ARM64_H
#define PLATFORM_KVM_ARM64_H

#define KVM_ARCH_GUEST  VMACCEL_ARCH_ARM64
#define KVM_ARCH_ABSENT "the kernel was built without KVM, or was not started at EL2"

/* KVM makes no vCPU once its GIC is initialized, so all of a VM's are made when it is committed. A
 * commit that failed goes on where it stopped: what is done can't be undone. */
struct kvm_vm_arch {
    int *fds;                     /* of the vCPUs made so far; max_vcpus entries */
    uint32_t made, started, pmus; /* vCPUs created, initialized, with a working PMU */
    int gic, its;                 /* devices; -1 without */
    uint32_t gic_steps;
    uint32_t sve_vl;   /* bytes; 0: none, or not yet known */
    uint32_t gpa_bits; /* of the VM's type */
};

/* What KVM is set to: the caller's debug settings, or a step over one instruction without the
 * breakpoints, or without any point. */
enum kvm_over { KVM_OVER_NONE, KVM_OVER_BREAKPOINT, KVM_OVER_WATCHPOINT };

struct kvm_vcpu_arch {
    uint64_t irq_level; /* device_irq_level as the caller knows it */
    bool irq, fiq;      /* input lines */
    bool data_abort;    /* the last exit is KVM_EXIT_ARM_NISV, whose access may still be aborted */

    enum kvm_over over, over_wanted; /* as applied; as due before the next entry */
    vmaccel_debug_config points;     /* the caller's settings */
    /* A watchpoint's exit, which waits for the end of the instruction. */
    bool watch_due;
    uint32_t watch_slot;
    uint64_t watch_address;
    /* A debug exception of the guest's own, to be taken before the next entry. */
    uint64_t guest_esr, guest_far;
};

/* Exits for the caller while the host steps over an instruction. */
void kvm_arm64_left(struct kvm_vcpu_arch *arch, uint32_t reason);

/* Cut an access at the end of its page: the attention for the rest of it. */
static inline uint64_t kvm_arch_cut(uint8_t *size, const struct kvm_run *run)
{
    uint32_t offset = (uint32_t)run->mmio.phys_addr & 0xfff;
    if (KVM_LIKELY(offset + run->mmio.len <= 0x1000))
        return 0;
    *size = (uint8_t)(0x1000 - offset);
    return KVM_ATTENTION_SPLIT;
}

static inline void kvm_arch_ran(struct kvm_vcpu_arch *arch, const struct kvm_run *run)
{
    (void)run;
    arch->data_abort = false;
}

/* At an exit for the caller: the attention it leaves behind. */
static inline uint64_t kvm_arch_leave(vmaccel_vcpu *vcpu, struct kvm_vcpu_arch *arch,
                                      struct kvm_run *run)
{
    uint64_t attention = 0;
    if (KVM_UNLIKELY(run->s.regs.device_irq_level != arch->irq_level))
        attention |= KVM_ATTENTION_TIMER;
    if (KVM_UNLIKELY(arch->over != KVM_OVER_NONE)) {
        attention |= KVM_ATTENTION_RESUME;
        kvm_arm64_left(arch, vcpu->exit.reason);
    }
    return attention;
}

/* After EINTR, ahead of a kick. True: the record holds an exit. */
bool kvm_arch_interrupted(vmaccel_vcpu *vcpu);

/* arm64_regs.c: the first two as ioctl. */
int kvm_arm64_get_one(int fd, uint64_t id, void *value);
int kvm_arm64_set_one(int fd, uint64_t id, const void *value);
uint64_t kvm_arm64_core_id(size_t reg);
vmaccel_status kvm_arm64_fetch(vmaccel_vcpu *vcpu, uint64_t regs);
/* Write the dirty registers. */
vmaccel_status kvm_arm64_flush(vmaccel_vcpu *vcpu);

/* arm64_sysregs.c */
vmaccel_status kvm_arm64_sysreg(int fd, uint32_t id, uint64_t *value);
vmaccel_status kvm_arm64_get_sysregs(vmaccel_vcpu *vcpu, vmaccel_arm64_sysreg *regs, size_t count,
                                     size_t *done);
vmaccel_status kvm_arm64_set_sysregs(vmaccel_vcpu *vcpu, const vmaccel_arm64_sysreg *regs,
                                     size_t count, size_t *done);
vmaccel_status kvm_arm64_sysreg_list(vmaccel_vcpu *vcpu, uint32_t *ids, size_t *count);

/* arm64_state.c */
vmaccel_status kvm_arm64_get_fpu(vmaccel_vcpu *vcpu, vmaccel_arm64_fpu *fpu);
vmaccel_status kvm_arm64_set_fpu(vmaccel_vcpu *vcpu, const vmaccel_arm64_fpu *fpu);
vmaccel_status kvm_arm64_get_sve(vmaccel_vcpu *vcpu, uint8_t *area, uint32_t vl);
vmaccel_status kvm_arm64_set_sve(vmaccel_vcpu *vcpu, const uint8_t *area, uint32_t vl);
vmaccel_status kvm_arm64_get_events(vmaccel_vcpu *vcpu, vmaccel_arm64_events *events);
vmaccel_status kvm_arm64_set_events(vmaccel_vcpu *vcpu, const vmaccel_arm64_events *events);

/* arm64_debug.c */
void kvm_arm64_watch_exit(vmaccel_vcpu *vcpu);
void kvm_arm64_step_exit(vmaccel_vcpu *vcpu);
/* Ahead of an entry: set KVM to what is wanted. */
vmaccel_status kvm_arm64_prepare_debug(vmaccel_vcpu *vcpu);

/* arm64_vcpu.c: the bytes at PC; 0 where they can't be read. */
uint8_t kvm_arm64_fetch_code(vmaccel_vcpu *vcpu, uint8_t *bytes);

/* arm64_probe.c: KVM_CREATE_DEVICE_TEST. */
bool kvm_arm64_device(int vm_fd, uint32_t type);
uint32_t kvm_arm64_features(const vmaccel_vm *vm);
uint32_t kvm_arm64_gpa_bits(int sys_fd);
/* The vector length of a vCPU that has SVE but is not finalized yet; 0: unknown. */
uint32_t kvm_arm64_vector_length(int vcpu_fd);

/* arm64_vm.c */
bool kvm_arm64_has_filter(int vm_fd); /* of hypercalls */
vmaccel_status kvm_arm64_commit(vmaccel_vm *vm);

/* arm64_gic.c */
vmaccel_status kvm_arm64_gic_open(vmaccel_vm *vm);
void kvm_arm64_gic_close(vmaccel_vm *vm);
vmaccel_status kvm_arm64_attribute(int fd, unsigned long request, uint32_t group, uint64_t attr,
                                   void *value);
vmaccel_status kvm_arm64_irq_line(vmaccel_vm *vm, uint32_t line, bool level);
vmaccel_status kvm_arm64_irq_msi(vmaccel_vm *vm, uint64_t address, uint32_t data);
vmaccel_status kvm_arm64_cpu_line(vmaccel_vcpu *vcpu, uint32_t number, bool level);

/* arm64_gic_regs.c */
vmaccel_status kvm_arm64_gic_list(vmaccel_vm *vm, vmaccel_arm64_gic_reg *regs, size_t *count);
vmaccel_status kvm_arm64_get_gic_regs(vmaccel_vm *vm, vmaccel_arm64_gic_reg *regs, size_t count,
                                      size_t *done);
vmaccel_status kvm_arm64_set_gic_regs(vmaccel_vm *vm, const vmaccel_arm64_gic_reg *regs,
                                      size_t count, size_t *done);

#endif
