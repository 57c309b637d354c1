/* SPDX-License-Identifier: BSD-2-Clause */
/* What reaches a vCPU from the interrupt controllers, and how it waits: halted, or for INIT and
 * SIPI. */
#include "soft.h"

static vmaccel_vcpu *vcpu_at(void *context, uint32_t index)
{
    return atomic_load(&soft_vm(context)->vcpus[index]);
}

static void post(void *context, uint32_t index, uint32_t what)
{
    vmaccel_vcpu *vcpu = vcpu_at(context, index);
    if (vcpu != NULL)
        soft_post(vcpu, what);
}

void soft_notify(void *context, uint32_t index)
{
    post(context, index, CPU_POST_INTERRUPT);
}

void soft_nmi(void *context, uint32_t index)
{
    post(context, index, CPU_POST_NMI);
}

void soft_init(void *context, uint32_t index)
{
    vmaccel_vcpu *vcpu = vcpu_at(context, index);
    if (vcpu == NULL)
        return;
    atomic_store(&soft_vcpu(vcpu)->startup, SOFT_STARTUP_INIT); /* a SIPI before it is lost */
    soft_post(vcpu, CPU_POST_STOP);
}

void soft_sipi(void *context, uint32_t index, uint8_t vector)
{
    vmaccel_vcpu *vcpu = vcpu_at(context, index);
    if (vcpu == NULL)
        return;
    _Atomic uint32_t *startup = &soft_vcpu(vcpu)->startup;
    uint32_t before = atomic_load(startup);
    while (!atomic_compare_exchange_weak(startup, &before,
                                         (before & SOFT_STARTUP_INIT) | SOFT_STARTUP_SIPI | vector))
        ;
    soft_post(vcpu, CPU_POST_STOP);
}

static void take_startup(vmaccel_vcpu *vcpu)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);
    uint32_t startup = atomic_exchange(&s->startup, 0);
    if ((startup & SOFT_STARTUP_INIT) != 0) {
        x86_lapic_reset(soft_vm(vcpu->vm)->chip, vcpu->index, true);
        cpu_init(s->cpu);
        vcpu->valid = 0;
        s->mp = (soft_x86_apic_base(vcpu) & X86_APIC_BASE_BSP) != 0 ? VMACCEL_MP_RUNNABLE
                                                                    : VMACCEL_MP_INIT_RECEIVED;
    }
    if ((startup & SOFT_STARTUP_SIPI) != 0 && s->mp == VMACCEL_MP_INIT_RECEIVED) {
        s->sipi_vector = (uint8_t)startup;
        s->mp = VMACCEL_MP_SIPI_RECEIVED;
    }
    if (s->mp == VMACCEL_MP_SIPI_RECEIVED) {
        cpu_sipi(s->cpu, s->sipi_vector);
        vcpu->valid = 0;
        s->mp = VMACCEL_MP_RUNNABLE;
    }
}

enum outlook { RUN, KICKED, WAIT };

static enum outlook look(vmaccel_vcpu *vcpu)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);
    take_startup(vcpu);
    if (s->mp == VMACCEL_MP_HALTED && cpu_wakes(s->cpu))
        s->mp = VMACCEL_MP_RUNNABLE;
    if (s->mp == VMACCEL_MP_RUNNABLE)
        return RUN;
    return core_kick_take(vcpu) ? KICKED : WAIT;
}

bool soft_wait(vmaccel_vcpu *vcpu)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);
    for (;;) {
        /* Who posts looks at this after what it posted; so does the vCPU, the other way round. */
        atomic_store(&s->waiting, 1);
        enum outlook outlook = look(vcpu);
        if (outlook == WAIT)
            (void)os_event_wait(&s->wake, UINT64_MAX);
        atomic_store(&s->waiting, 0);
        if (outlook != WAIT)
            return outlook == RUN;
    }
}

vmaccel_status soft_get_mp_state(vmaccel_vcpu *vcpu, vmaccel_mp_state *state)
{
    *state = soft_vcpu(vcpu)->mp;
    return VMACCEL_OK;
}

vmaccel_status soft_set_mp_state(vmaccel_vcpu *vcpu, vmaccel_mp_state state)
{
    if (vcpu->vm->irqchip == VMACCEL_IRQCHIP_NONE && state != VMACCEL_MP_RUNNABLE)
        return core_fail(VMACCEL_E_INVALID_ARGUMENT, "soft", "vcpu", NULL, 0,
                         "state: without a local APIC a vCPU is always runnable");
    soft_vcpu(vcpu)->mp = state;
    return VMACCEL_OK;
}
