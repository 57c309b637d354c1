/* SPDX-License-Identifier: BSD-2-Clause */
#include "kvm.h"

vmaccel_status kvm_fail(const char *module, const char *call)
{
    int error = errno;
    vmaccel_status status = error == EINVAL   ? VMACCEL_E_INVALID_ARGUMENT
                            : error == ENOMEM ? VMACCEL_E_NO_MEMORY
                                              : VMACCEL_E_PLATFORM;
    return core_fail(status, "kvm", module, NULL, error, "%s: %s", call, strerror(error));
}

static const struct core_x86_ops kvm_x86_ops = {
    .fetch = kvm_x86_fetch,
    .get_xsave = kvm_x86_get_xsave,
    .set_xsave = kvm_x86_set_xsave,
    .get_xcr0 = kvm_x86_get_xcr0,
    .set_xcr0 = kvm_x86_set_xcr0,
    .get_msrs = kvm_x86_get_msrs,
    .set_msrs = kvm_x86_set_msrs,
    .msr_list = kvm_x86_msr_list,
    .cpuid_supported = kvm_x86_cpuid_supported,
    .set_cpuid = kvm_x86_set_cpuid,
    .get_cpuid = kvm_x86_get_cpuid,
    .get_debug_regs = kvm_x86_get_debug_regs,
    .set_debug_regs = kvm_x86_set_debug_regs,
    .get_lapic = kvm_x86_get_lapic,
    .set_lapic = kvm_x86_set_lapic,
    .get_tsc_khz = kvm_x86_get_tsc_khz,
    .get_irqchip = kvm_x86_get_irqchip,
    .set_irqchip = kvm_x86_set_irqchip,
    .get_clock = kvm_x86_get_clock,
    .set_clock = kvm_x86_set_clock,
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
    .vm_destroy = kvm_vm_destroy,
    .vm_cap = kvm_vm_cap,
    .mem_map = kvm_mem_map,
    .mem_unmap = kvm_mem_unmap,
    .mem_protect = kvm_mem_protect,
    .mem_dirty = kvm_mem_dirty,
    .doorbell = kvm_doorbell,
    .irq_line = kvm_irq_line,
    .irq_msi = kvm_irq_msi,
    .vcpu_create = kvm_vcpu_create,
    .vcpu_destroy = kvm_vcpu_destroy,
    .vcpu_kick = kvm_vcpu_kick,
    .vcpu_complete = kvm_vcpu_complete,
    .inject_interrupt = kvm_inject_interrupt,
    .interrupt_ready = kvm_interrupt_ready,
    .request_irq_window = kvm_request_irq_window,
    .inject_exception = kvm_inject_exception,
    .inject_nmi = kvm_inject_nmi,
    .set_debug = kvm_set_debug,
    .translate = kvm_translate,
    .get_mp_state = kvm_get_mp_state,
    .set_mp_state = kvm_set_mp_state,
    .x86 = &kvm_x86_ops,
};
