/* SPDX-License-Identifier: BSD-2-Clause */
/* General and special registers and events, between core's cache and the CPU. */
#include "arch/x86/state.h"
#include "soft.h"

vmaccel_status soft_x86_fetch(vmaccel_vcpu *vcpu, uint32_t groups)
{
    struct cpu *cpu = soft_vcpu(vcpu)->cpu;
    struct core_x86_cache *cache = &vcpu->cache.x86;
    if ((groups & CORE_GROUP_REGS) != 0)
        cpu_get_regs(cpu, &cache->regs);
    if ((groups & CORE_GROUP_SREGS) != 0) {
        cpu_get_sregs(cpu, &cache->sregs);
        cache->sregs.apic_base = soft_x86_apic_base(vcpu);
        x86_sregs_canonical(&cache->sregs);
    }
    if ((groups & CORE_GROUP_EVENTS) != 0)
        cpu_get_events(cpu, &cache->events);
    return VMACCEL_OK;
}

static vmaccel_status put_sregs(vmaccel_vcpu *vcpu)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);
    const vmaccel_x86_sregs *sregs = &vcpu->cache.x86.sregs;
    if (!soft_x86_set_apic_base(vcpu, sregs->apic_base, true))
        return core_fail(VMACCEL_E_INVALID_ARGUMENT, "soft", "x86", NULL, 0,
                         "apic_base: 0x%llx is not a base this vCPU can have",
                         (unsigned long long)sregs->apic_base);
    cpu_set_sregs(s->cpu, sregs);
    /* The APIC base decides what of the local APIC's state is kept. */
    return s->lapic_set ? soft_x86_apply_lapic(vcpu) : VMACCEL_OK;
}

vmaccel_status soft_x86_flush(vmaccel_vcpu *vcpu)
{
    struct cpu *cpu = soft_vcpu(vcpu)->cpu;
    if ((vcpu->dirty & CORE_GROUP_SREGS) != 0) {
        vmaccel_status status = put_sregs(vcpu);
        if (status != VMACCEL_OK)
            return status;
    }
    if ((vcpu->dirty & CORE_GROUP_REGS) != 0)
        cpu_set_regs(cpu, &vcpu->cache.x86.regs);
    if ((vcpu->dirty & CORE_GROUP_EVENTS) != 0)
        cpu_set_events(cpu, &vcpu->cache.x86.events);
    vcpu->dirty = 0;
    return VMACCEL_OK;
}

vmaccel_status soft_x86_sync(vmaccel_vcpu *vcpu)
{
    return vcpu->dirty == 0 || vcpu->awaiting_answer ? VMACCEL_OK : soft_x86_flush(vcpu);
}
