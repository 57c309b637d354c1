/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/core.h"

#include <string.h>

static const char module[] = "irq";

/* Lines of a FULL irqchip on x86: the IOAPIC's pins. */
#define X86_LINES 24u

static vmaccel_status no_gic_yet(const vmaccel_vm *vm)
{
    return core_fail(VMACCEL_E_STATE, vm->platform->name, module, NULL, 0,
                     "the VM is not committed: there is no GIC yet");
}

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
    if (vm->arch == VMACCEL_ARCH_ARM64) {
        if (!vm->committed)
            return no_gic_yet(vm);
        if (line >= vm->arm64.gic.spis)
            return core_invalid(vm, module, "line: %u is not below the GIC's %u SPIs", line,
                                vm->arm64.gic.spis);
    }
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
    if (vm->arch == VMACCEL_ARCH_ARM64 && !vm->committed)
        return no_gic_yet(vm);
    return vm->platform->irq_msi(vm, address, data);
}

/* Whether the calling thread may use the vCPU, and its platform has the operation at `offset` of
 * its table. */
static vmaccel_status check(vmaccel_vcpu *vcpu, size_t offset, vmaccel_cap cap)
{
    void (*operation)(void);
    vmaccel_status status = core_vcpu_check(vcpu, module);

    if (status != VMACCEL_OK)
        return status;
    memcpy(&operation, (const char *)vcpu->vm->platform + offset, sizeof(operation));
    return core_vm_need(vcpu->vm, module, operation != NULL, cap);
}

#define CHECK(vcpu, operation, cap) check(vcpu, offsetof(struct vmaccel_platform, operation), cap)

/* What the platform queued is not in a cache that was filled before. */
static vmaccel_status queued(vmaccel_vcpu *vcpu, vmaccel_status status)
{
    if (status == VMACCEL_OK && vcpu->vm->arch == VMACCEL_ARCH_X86_64 &&
        (vcpu->dirty & CORE_GROUP_EVENTS) == 0)
        vcpu->valid &= ~CORE_GROUP_EVENTS;
    return status;
}

vmaccel_status vmaccel_vcpu_inject_interrupt(vmaccel_vcpu *vcpu, uint8_t vector)
{
    vmaccel_status status = CHECK(vcpu, inject_interrupt, VMACCEL_CAP_INJECT_INTERRUPT);

    return status != VMACCEL_OK ? status
                                : queued(vcpu, vcpu->vm->platform->inject_interrupt(vcpu, vector));
}

vmaccel_status vmaccel_vcpu_interrupt_ready(vmaccel_vcpu *vcpu, bool *ready)
{
    vmaccel_status status = CHECK(vcpu, interrupt_ready, VMACCEL_CAP_INJECT_INTERRUPT);

    if (status != VMACCEL_OK)
        return status;
    if (ready == NULL)
        return core_invalid(vcpu->vm, module, "ready must not be NULL");
    return vcpu->vm->platform->interrupt_ready(vcpu, ready);
}

vmaccel_status vmaccel_vcpu_request_irq_window(vmaccel_vcpu *vcpu, bool on)
{
    vmaccel_status status = CHECK(vcpu, request_irq_window, VMACCEL_CAP_INJECT_INTERRUPT);

    return status != VMACCEL_OK ? status : vcpu->vm->platform->request_irq_window(vcpu, on);
}

vmaccel_status vmaccel_vcpu_inject_exception(vmaccel_vcpu *vcpu, uint8_t vector,
                                             bool has_error_code, uint32_t error_code)
{
    vmaccel_status status = CHECK(vcpu, inject_exception, VMACCEL_CAP_INJECT_EXCEPTION);

    if (status != VMACCEL_OK)
        return status;
    if (vector > 31 || vector == 2)
        return core_invalid(vcpu->vm, module, "vector: %u is not an exception", vector);
    return queued(vcpu, vcpu->vm->platform->inject_exception(vcpu, vector, has_error_code,
                                                             has_error_code ? error_code : 0));
}

vmaccel_status vmaccel_vcpu_inject_nmi(vmaccel_vcpu *vcpu)
{
    vmaccel_status status = CHECK(vcpu, inject_nmi, VMACCEL_CAP_INJECT_NMI);

    return status != VMACCEL_OK ? status : queued(vcpu, vcpu->vm->platform->inject_nmi(vcpu));
}
