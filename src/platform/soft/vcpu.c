/* SPDX-License-Identifier: BSD-2-Clause */
#include "soft.h"

static vmaccel_status create_wake(vmaccel_vcpu *vcpu)
{
    if (soft_vm(vcpu->vm)->chip == NULL)
        return VMACCEL_OK;
    int32_t error = os_event_create(&soft_vcpu(vcpu)->wake);
    if (error == 0)
        return VMACCEL_OK;
    char text[64];
    os_error_text(error, text, sizeof text);
    return core_fail(VMACCEL_E_PLATFORM, "soft", "vcpu", NULL, error,
                     "the host gives no event object: %s", text);
}

vmaccel_status soft_vcpu_create(vmaccel_vcpu *vcpu)
{
    struct soft_vm *soft = soft_vm(vcpu->vm);
    struct soft_vcpu *s = soft_vcpu(vcpu);
    vmaccel_status status = create_wake(vcpu);
    if (status != VMACCEL_OK)
        return status;
    s->apic_base =
        X86_APIC_BASE_DEFAULT | X86_APIC_BASE_EN | (vcpu->index == 0 ? X86_APIC_BASE_BSP : 0);
    s->cpu = cpu_create(atomic_load(&soft->cpus), vcpu->index, vcpu);
    if (s->cpu == NULL) {
        if (soft->chip != NULL)
            os_event_destroy(&s->wake);
        return soft_no_memory("vcpu", "a vCPU's registers and code cache");
    }
    vcpu->run = soft_run;
    atomic_store(&soft->vcpus[vcpu->index], vcpu);
    if (soft->chip != NULL) {
        s->mp = vcpu->index == 0 ? VMACCEL_MP_RUNNABLE : VMACCEL_MP_WAIT_FOR_INIT;
        x86_lapic_attach(soft->chip, vcpu->index);
    }
    return VMACCEL_OK;
}

void soft_vcpu_destroy(vmaccel_vcpu *vcpu)
{
    struct soft_vm *soft = soft_vm(vcpu->vm);
    if (soft->chip != NULL)
        x86_lapic_detach(soft->chip, vcpu->index);
    /* What a post touches stays until the VM ends: one may be on its way. */
    cpu_destroy(soft_vcpu(vcpu)->cpu);
}

void soft_post(vmaccel_vcpu *vcpu, uint32_t what)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);
    cpu_post(s->cpu, what);
    if (atomic_load(&s->waiting) != 0)
        os_event_signal(&s->wake);
}

void soft_vcpu_kick(vmaccel_vcpu *vcpu)
{
    soft_post(vcpu, CPU_POST_STOP);
}
