/* SPDX-License-Identifier: BSD-2-Clause */
#include "soft.h"

vmaccel_status soft_no_memory(const char *module, const char *what)
{
    return core_fail(VMACCEL_E_NO_MEMORY, "soft", module, NULL, 0, "no memory for %s", what);
}

static const struct core_x86_ops soft_x86_ops = {
    .fetch = soft_x86_fetch,
    .get_xsave = soft_x86_get_xsave,
    .set_xsave = soft_x86_set_xsave,
    .get_xcr0 = soft_x86_get_xcr0,
    .set_xcr0 = soft_x86_set_xcr0,
    .get_msrs = soft_x86_get_msrs,
    .set_msrs = soft_x86_set_msrs,
    .msr_list = soft_x86_msr_list,
    .cpuid_supported = soft_x86_cpuid_supported,
    .set_cpuid = soft_x86_set_cpuid,
    .get_cpuid = soft_x86_get_cpuid,
    .get_debug_regs = soft_x86_get_debug_regs,
    .set_debug_regs = soft_x86_set_debug_regs,
    .get_lapic = soft_x86_get_lapic,
    .set_lapic = soft_x86_set_lapic,
    .get_tsc_khz = soft_x86_get_tsc_khz,
    .get_irqchip = soft_x86_get_irqchip,
    .set_irqchip = soft_x86_set_irqchip,
};

extern const struct vmaccel_platform vmaccel_platform_soft;

const struct vmaccel_platform vmaccel_platform_soft = {
    .name = "soft",
    .description = "the library's own CPU",
    .probe = soft_probe,
    .cap = soft_cap,
    .vm_size = sizeof(struct soft_vm),
    .vcpu_size = sizeof(struct soft_vcpu),
    .vm_create = soft_vm_create,
    .vm_commit = soft_vm_commit,
    .vm_destroy = soft_vm_destroy,
    .vm_cap = soft_vm_cap,
    .mem_change = soft_mem_change,
    .mem_map = soft_mem_map,
    .mem_unmap = soft_mem_unmap,
    .mem_protect = soft_mem_protect,
    .mem_dirty = soft_mem_dirty,
    .doorbell = soft_doorbell,
    .irq_line = soft_irq_line,
    .irq_msi = soft_irq_msi,
    .vcpu_create = soft_vcpu_create,
    .vcpu_destroy = soft_vcpu_destroy,
    .vcpu_kick = soft_vcpu_kick,
    .vcpu_complete = soft_vcpu_complete,
    .inject_interrupt = soft_inject_interrupt,
    .interrupt_ready = soft_interrupt_ready,
    .request_irq_window = soft_request_irq_window,
    .inject_exception = soft_inject_exception,
    .inject_nmi = soft_inject_nmi,
    .set_debug = soft_set_debug,
    .translate = soft_translate,
    .get_mp_state = soft_get_mp_state,
    .set_mp_state = soft_set_mp_state,
    .x86 = &soft_x86_ops,
};
