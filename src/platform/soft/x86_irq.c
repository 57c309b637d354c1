/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines and MSIs, the injection slot, exceptions and NMIs. */
#include "soft.h"

vmaccel_status soft_irq_line(vmaccel_vm *vm, uint32_t line, bool level)
{
    x86_irqchip_line(soft_vm(vm)->chip, line, level);
    return VMACCEL_OK;
}

vmaccel_status soft_irq_msi(vmaccel_vm *vm, uint64_t address, uint32_t data)
{
    x86_irqchip_msi(soft_vm(vm)->chip, address, data);
    return VMACCEL_OK;
}

/* Events that wait for an instruction to be completed are in the cache alone. */
static bool cached_event(const vmaccel_vcpu *vcpu)
{
    const vmaccel_x86_events *events = &vcpu->cache.x86.events;
    return (vcpu->dirty & CORE_GROUP_EVENTS) != 0 &&
           (events->shadow != 0 || events->interrupt_pending || events->exception_pending ||
            events->nmi_injected);
}

vmaccel_status soft_interrupt_ready(vmaccel_vcpu *vcpu, bool *ready)
{
    vmaccel_status status = soft_x86_sync(vcpu);
    *ready =
        status == VMACCEL_OK && cpu_interrupt_ready(soft_vcpu(vcpu)->cpu) && !cached_event(vcpu);
    return status;
}

static bool occupied(const vmaccel_vcpu *vcpu)
{
    return (vcpu->dirty & CORE_GROUP_EVENTS) != 0 ? vcpu->cache.x86.events.interrupt_pending
                                                  : cpu_slot_occupied(soft_vcpu(vcpu)->cpu);
}

vmaccel_status soft_inject_interrupt(vmaccel_vcpu *vcpu, uint8_t vector)
{
    bool ready;
    vmaccel_status status = soft_interrupt_ready(vcpu, &ready);
    if (status != VMACCEL_OK)
        return status;
    if (!ready)
        return occupied(vcpu)
                   ? core_fail(VMACCEL_E_BUSY, "soft", "irq", NULL, 0,
                               "the injection slot holds an interrupt")
                   : core_fail(VMACCEL_E_NOT_READY, "soft", "irq", NULL, 0,
                               "the guest can't take an interrupt now; request an interrupt "
                               "window");
    if ((vcpu->dirty & CORE_GROUP_EVENTS) != 0) {
        vcpu->cache.x86.events.interrupt_pending = true;
        vcpu->cache.x86.events.interrupt_vector = vector;
        vcpu->cache.x86.events.interrupt_soft = false;
    } else {
        cpu_inject_interrupt(soft_vcpu(vcpu)->cpu, vector);
    }
    return VMACCEL_OK;
}

vmaccel_status soft_request_irq_window(vmaccel_vcpu *vcpu, bool on)
{
    cpu_request_window(soft_vcpu(vcpu)->cpu, on);
    return VMACCEL_OK;
}

vmaccel_status soft_inject_exception(vmaccel_vcpu *vcpu, uint8_t vector, bool has_error_code,
                                     uint32_t error_code)
{
    vmaccel_status status = core_x86_need(vcpu, CORE_GROUP_EVENTS);
    if (status != VMACCEL_OK)
        return status;
    vmaccel_x86_events *events = &vcpu->cache.x86.events;
    if (events->exception_pending)
        return core_fail(VMACCEL_E_BUSY, "soft", "irq", NULL, 0,
                         "exception %u is waiting for delivery", events->exception_vector);
    events->exception_pending = true;
    events->exception_vector = vector;
    events->exception_has_error_code = has_error_code;
    events->exception_error_code = has_error_code ? error_code : 0;
    events->exception_has_payload = false;
    events->exception_payload = 0;
    vcpu->dirty |= CORE_GROUP_EVENTS;
    return VMACCEL_OK;
}

vmaccel_status soft_inject_nmi(vmaccel_vcpu *vcpu)
{
    vmaccel_status status = core_x86_need(vcpu, CORE_GROUP_EVENTS);
    if (status != VMACCEL_OK)
        return status;
    vcpu->cache.x86.events.nmi_pending = true;
    vcpu->dirty |= CORE_GROUP_EVENTS;
    return VMACCEL_OK;
}
