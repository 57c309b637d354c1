/* SPDX-License-Identifier: BSD-2-Clause */
#include "kvm.h"

static const struct core_arm64_ops kvm_arm64_ops = {
    .features = kvm_arm64_features,
    .fetch = kvm_arm64_fetch,
    .get_fpu = kvm_arm64_get_fpu,
    .set_fpu = kvm_arm64_set_fpu,
    .get_sve = kvm_arm64_get_sve,
    .set_sve = kvm_arm64_set_sve,
    .get_sysregs = kvm_arm64_get_sysregs,
    .set_sysregs = kvm_arm64_set_sysregs,
    .sysreg_list = kvm_arm64_sysreg_list,
    .get_events = kvm_arm64_get_events,
    .set_events = kvm_arm64_set_events,
    .gic_list = kvm_arm64_gic_list,
    .get_gic_regs = kvm_arm64_get_gic_regs,
    .set_gic_regs = kvm_arm64_set_gic_regs,
};

extern const struct vmaccel_platform vmaccel_platform_kvm;

const struct vmaccel_platform vmaccel_platform_kvm = {
    .name = "kvm",
    .description = "Linux KVM",
    .probe = kvm_probe,
    .cap = kvm_cap,
    .vm_size = sizeof(struct kvm_vm),
    .vcpu_size = sizeof(struct kvm_vcpu),
    .vm_create = kvm_vm_create,
    .vm_commit = kvm_arm64_commit,
    .vm_destroy = kvm_vm_destroy,
    .vm_cap = kvm_vm_cap,
    .mem_map = kvm_mem_map,
    .mem_unmap = kvm_mem_unmap,
    .mem_protect = kvm_mem_protect,
    .mem_dirty = kvm_mem_dirty,
    .doorbell = kvm_doorbell,
    .irq_line = kvm_arm64_irq_line,
    .irq_msi = kvm_arm64_irq_msi,
    .vcpu_create = kvm_vcpu_create,
    .vcpu_destroy = kvm_vcpu_destroy,
    .vcpu_kick = kvm_vcpu_kick,
    .vcpu_complete = kvm_vcpu_complete,
    .set_debug = kvm_set_debug,
    .translate = kvm_translate,
    .get_mp_state = kvm_get_mp_state,
    .set_mp_state = kvm_set_mp_state,
    .arm64 = &kvm_arm64_ops,
};
