/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch64 state that goes to the platform at once: vectors, system registers, events. */
#include "core/core.h"

#include <string.h>

static const char module[] = "arm64";

/* The bits of an SError's syndrome: ISS. */
#define ISS_BITS 25

/* Whether the calling thread may use the vCPU, whose platform has the operation. */
static vmaccel_status begin(vmaccel_vcpu *vcpu, const void *argument, size_t operation,
                            vmaccel_cap cap)
{
    void (*function)(void);

    if (argument == NULL)
        return core_invalid(vcpu != NULL ? vcpu->vm : NULL, module,
                            "the state's pointer must not be NULL");
    vmaccel_status status = core_vcpu_check_arch(vcpu, module, VMACCEL_ARCH_ARM64);
    if (status != VMACCEL_OK)
        return status;
    memcpy(&function, (const char *)vcpu->vm->platform->arm64 + operation, sizeof(function));
    return core_vm_need(vcpu->vm, module, function != NULL, cap);
}

#define BEGIN(vcpu, argument, operation, cap)                                                      \
    begin(vcpu, argument, offsetof(struct core_arm64_ops, operation), VMACCEL_CAP_##cap)

vmaccel_status vmaccel_arm64_get_fpu(vmaccel_vcpu *vcpu, vmaccel_arm64_fpu *fpu)
{
    vmaccel_status status = BEGIN(vcpu, fpu, get_fpu, REG_FPU);

    return status != VMACCEL_OK ? status : vcpu->vm->platform->arm64->get_fpu(vcpu, fpu);
}

vmaccel_status vmaccel_arm64_set_fpu(vmaccel_vcpu *vcpu, const vmaccel_arm64_fpu *fpu)
{
    vmaccel_status status = BEGIN(vcpu, fpu, set_fpu, REG_FPU);

    return status != VMACCEL_OK ? status : vcpu->vm->platform->arm64->set_fpu(vcpu, fpu);
}

static vmaccel_status check_sve(const vmaccel_vm *vm, size_t size, uint32_t *vl)
{
    *vl = (uint32_t)vmaccel_vm_cap(vm, VMACCEL_CAP_REG_SVE);
    if (size == VMACCEL_ARM64_SVE_SIZE(*vl))
        return VMACCEL_OK;
    return core_invalid(vm, module, "size: %zu is not the %zu bytes of a vector length of %u", size,
                        VMACCEL_ARM64_SVE_SIZE(*vl), *vl);
}

vmaccel_status vmaccel_arm64_get_sve(vmaccel_vcpu *vcpu, void *area, size_t size)
{
    uint32_t vl = 0;
    vmaccel_status status = BEGIN(vcpu, area, get_sve, REG_SVE);

    if (status == VMACCEL_OK)
        status = check_sve(vcpu->vm, size, &vl);
    return status != VMACCEL_OK ? status : vcpu->vm->platform->arm64->get_sve(vcpu, area, vl);
}

vmaccel_status vmaccel_arm64_set_sve(vmaccel_vcpu *vcpu, const void *area, size_t size)
{
    uint32_t vl = 0;
    vmaccel_status status = BEGIN(vcpu, area, set_sve, REG_SVE);

    if (status == VMACCEL_OK)
        status = check_sve(vcpu->vm, size, &vl);
    return status != VMACCEL_OK ? status : vcpu->vm->platform->arm64->set_sve(vcpu, area, vl);
}

static vmaccel_status check_ids(const vmaccel_vm *vm, const vmaccel_arm64_sysreg *regs,
                                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (regs[i].id > 0xffff || regs[i].reserved != 0)
            return core_invalid(vm, module,
                                "regs[%zu]: id 0x%x is not an encoding, or reserved is not 0", i,
                                regs[i].id);
    }
    return VMACCEL_OK;
}

vmaccel_status vmaccel_arm64_get_sysregs(vmaccel_vcpu *vcpu, vmaccel_arm64_sysreg *regs,
                                         size_t count, size_t *done)
{
    size_t processed = 0;
    vmaccel_status status = BEGIN(vcpu, regs, get_sysregs, REG_MSR);

    if (status == VMACCEL_OK)
        status = check_ids(vcpu->vm, regs, count);
    if (status == VMACCEL_OK && count != 0)
        status = vcpu->vm->platform->arm64->get_sysregs(vcpu, regs, count, &processed);
    if (done != NULL)
        *done = processed;
    return status;
}

vmaccel_status vmaccel_arm64_set_sysregs(vmaccel_vcpu *vcpu, const vmaccel_arm64_sysreg *regs,
                                         size_t count, size_t *done)
{
    size_t processed = 0;
    vmaccel_status status = BEGIN(vcpu, regs, set_sysregs, REG_MSR);

    if (status == VMACCEL_OK)
        status = check_ids(vcpu->vm, regs, count);
    if (status == VMACCEL_OK && count != 0)
        status = vcpu->vm->platform->arm64->set_sysregs(vcpu, regs, count, &processed);
    if (done != NULL)
        *done = processed;
    return status;
}

vmaccel_status vmaccel_arm64_sysreg_list(vmaccel_vcpu *vcpu, uint32_t *ids, size_t *count)
{
    vmaccel_status status = BEGIN(vcpu, count, sysreg_list, REG_MSR);

    if (status == VMACCEL_OK && ids == NULL && *count != 0)
        status = core_invalid(vcpu->vm, module, "ids must not be NULL where *count is not 0");
    return status != VMACCEL_OK ? status : vcpu->vm->platform->arm64->sysreg_list(vcpu, ids, count);
}

vmaccel_status vmaccel_arm64_get_events(vmaccel_vcpu *vcpu, vmaccel_arm64_events *events)
{
    vmaccel_status status = BEGIN(vcpu, events, get_events, REG_EVENTS);

    if (status != VMACCEL_OK)
        return status;
    memset(events, 0, sizeof(*events));
    return vcpu->vm->platform->arm64->get_events(vcpu, events);
}

vmaccel_status vmaccel_arm64_set_events(vmaccel_vcpu *vcpu, const vmaccel_arm64_events *events)
{
    vmaccel_status status = BEGIN(vcpu, events, set_events, REG_EVENTS);

    if (status != VMACCEL_OK)
        return status;
    vmaccel_arm64_events canonical = *events;
    memset(canonical.pad, 0, sizeof(canonical.pad));
    /* Details of an event that is not there are not state. */
    if (!canonical.serror_pending)
        canonical.serror_has_esr = false;
    if (!canonical.serror_has_esr)
        canonical.serror_esr = 0;
    if (canonical.serror_esr >> ISS_BITS != 0)
        return core_invalid(vcpu->vm, module, "serror_esr: 0x%llx is more than an ISS",
                            (unsigned long long)canonical.serror_esr);
    if ((canonical.irq_pending || canonical.fiq_pending) &&
        vcpu->vm->irqchip != VMACCEL_IRQCHIP_NONE)
        return core_invalid(vcpu->vm, module,
                            "irq_pending and fiq_pending: the VM's GIC drives these lines");
    return vcpu->vm->platform->arm64->set_events(vcpu, &canonical);
}
