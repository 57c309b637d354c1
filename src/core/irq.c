/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/core.h"

static const char module[] = "irq";

/* Lines of a FULL irqchip on x86: the IOAPIC's pins. */
#define X86_LINES 24u

vmaccel_status vmaccel_irq_line(vmaccel_vm *vm, uint32_t line, bool level)
{
    if (vm == NULL)
        return core_invalid(NULL, module, "vm must not be NULL");
    vmaccel_status status =
        core_vm_need(vm, module, vm->platform->irq_line != NULL, VMACCEL_CAP_IRQ_LINE);
    if (status != VMACCEL_OK)
        return status;
    if (vm->arch == VMACCEL_ARCH_X86_64 && line >= X86_LINES)
        return core_invalid(vm, module, "line: %u is not below %u", line, X86_LINES);
    return vm->platform->irq_line(vm, line, level);
}

vmaccel_status vmaccel_irq_msi(vmaccel_vm *vm, uint64_t address, uint32_t data)
{
    if (vm == NULL)
        return core_invalid(NULL, module, "vm must not be NULL");
    vmaccel_status status =
        core_vm_need(vm, module, vm->platform->irq_msi != NULL, VMACCEL_CAP_IRQ_MSI);
    if (status != VMACCEL_OK)
        return status;
    if (vm->arch == VMACCEL_ARCH_X86_64 && (address & 0xfffff00000u) != 0xfee00000u)
        return core_invalid(vm, module, "address: 0x%llx is not of the form 0xFEExxxxx",
                            (unsigned long long)address);
    return vm->platform->irq_msi(vm, address, data);
}

static vmaccel_status check(vmaccel_vcpu *vcpu, bool (*present)(const vmaccel_platform *),
                            vmaccel_cap cap)
{
    vmaccel_status status = core_vcpu_check(vcpu, module);

    return status != VMACCEL_OK ? status
                                : core_vm_need(vcpu->vm, module, present(vcpu->vm->platform), cap);
}

/* What the platform queued is not in a cache that was filled before. */
static vmaccel_status queued(vmaccel_vcpu *vcpu, vmaccel_status status)
{
    if (status == VMACCEL_OK && vcpu->vm->arch == VMACCEL_ARCH_X86_64 &&
        (vcpu->dirty & CORE_GROUP_EVENTS) == 0)
        vcpu->valid &= ~CORE_GROUP_EVENTS;
    return status;
}

static bool has_inject_interrupt(const vmaccel_platform *platform)
{
    return platform->inject_interrupt != NULL;
}

vmaccel_status vmaccel_vcpu_inject_interrupt(vmaccel_vcpu *vcpu, uint8_t vector)
{
    vmaccel_status status = check(vcpu, has_inject_interrupt, VMACCEL_CAP_INJECT_INTERRUPT);

    return status != VMACCEL_OK ? status
                                : queued(vcpu, vcpu->vm->platform->inject_interrupt(vcpu, vector));
}

static bool has_interrupt_ready(const vmaccel_platform *platform)
{
    return platform->interrupt_ready != NULL;
}

vmaccel_status vmaccel_vcpu_interrupt_ready(vmaccel_vcpu *vcpu, bool *ready)
{
    vmaccel_status status = check(vcpu, has_interrupt_ready, VMACCEL_CAP_INJECT_INTERRUPT);

    if (status != VMACCEL_OK)
        return status;
    if (ready == NULL)
        return core_invalid(vcpu->vm, module, "ready must not be NULL");
    return vcpu->vm->platform->interrupt_ready(vcpu, ready);
}

static bool has_irq_window(const vmaccel_platform *platform)
{
    return platform->request_irq_window != NULL;
}

vmaccel_status vmaccel_vcpu_request_irq_window(vmaccel_vcpu *vcpu, bool on)
{
    vmaccel_status status = check(vcpu, has_irq_window, VMACCEL_CAP_INJECT_INTERRUPT);

    return status != VMACCEL_OK ? status : vcpu->vm->platform->request_irq_window(vcpu, on);
}

static bool has_inject_exception(const vmaccel_platform *platform)
{
    return platform->inject_exception != NULL;
}

vmaccel_status vmaccel_vcpu_inject_exception(vmaccel_vcpu *vcpu, uint8_t vector,
                                             bool has_error_code, uint32_t error_code)
{
    vmaccel_status status = check(vcpu, has_inject_exception, VMACCEL_CAP_INJECT_EXCEPTION);

    if (status != VMACCEL_OK)
        return status;
    if (vector > 31 || vector == 2)
        return core_invalid(vcpu->vm, module, "vector: %u is not an exception", vector);
    return queued(vcpu, vcpu->vm->platform->inject_exception(vcpu, vector, has_error_code,
                                                             has_error_code ? error_code : 0));
}

static bool has_inject_nmi(const vmaccel_platform *platform)
{
    return platform->inject_nmi != NULL;
}

vmaccel_status vmaccel_vcpu_inject_nmi(vmaccel_vcpu *vcpu)
{
    vmaccel_status status = check(vcpu, has_inject_nmi, VMACCEL_CAP_INJECT_NMI);

    return status != VMACCEL_OK ? status : queued(vcpu, vcpu->vm->platform->inject_nmi(vcpu));
}
