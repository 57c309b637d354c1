/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch64 registers. General registers go through the cache, the rest to the platform at once. */
#include "core/core.h"

#include <string.h>

static const char module[] = "arm64";

static vmaccel_status begin(vmaccel_vcpu *vcpu, const void *argument)
{
    if (argument == NULL)
        return core_invalid(vcpu != NULL ? vcpu->vm : NULL, module,
                            "the state's pointer must not be NULL");
    return core_vcpu_check_arch(vcpu, module, VMACCEL_ARCH_ARM64);
}

vmaccel_status vmaccel_arm64_get_regs(vmaccel_vcpu *vcpu, vmaccel_arm64_regs *regs)
{
    vmaccel_status status = begin(vcpu, regs);

    if (status != VMACCEL_OK)
        return status;
    if ((vcpu->valid & CORE_GROUP_REGS) == 0) {
        status = vcpu->vm->platform->arm64->fetch(vcpu, CORE_GROUP_REGS);
        if (status != VMACCEL_OK)
            return status;
        vcpu->valid |= CORE_GROUP_REGS;
    }
    *regs = vcpu->cache.arm64;
    return VMACCEL_OK;
}

vmaccel_status vmaccel_arm64_set_regs(vmaccel_vcpu *vcpu, const vmaccel_arm64_regs *regs)
{
    vmaccel_status status = begin(vcpu, regs);

    if (status != VMACCEL_OK)
        return status;
    vcpu->cache.arm64 = *regs;
    vcpu->valid |= CORE_GROUP_REGS;
    vcpu->dirty |= CORE_GROUP_REGS;
    return VMACCEL_OK;
}

vmaccel_status vmaccel_arm64_get_fpu(vmaccel_vcpu *vcpu, vmaccel_arm64_fpu *fpu)
{
    vmaccel_status status = begin(vcpu, fpu);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, true, VMACCEL_CAP_REG_FPU);
    return status != VMACCEL_OK ? status : vcpu->vm->platform->arm64->get_fpu(vcpu, fpu);
}

vmaccel_status vmaccel_arm64_set_fpu(vmaccel_vcpu *vcpu, const vmaccel_arm64_fpu *fpu)
{
    vmaccel_status status = begin(vcpu, fpu);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, true, VMACCEL_CAP_REG_FPU);
    return status != VMACCEL_OK ? status : vcpu->vm->platform->arm64->set_fpu(vcpu, fpu);
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
    vmaccel_status status = begin(vcpu, regs);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, true, VMACCEL_CAP_REG_MSR);
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
    vmaccel_status status = begin(vcpu, regs);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, true, VMACCEL_CAP_REG_MSR);
    if (status == VMACCEL_OK)
        status = check_ids(vcpu->vm, regs, count);
    if (status == VMACCEL_OK && count != 0)
        status = vcpu->vm->platform->arm64->set_sysregs(vcpu, regs, count, &processed);
    if (done != NULL)
        *done = processed;
    return status;
}

vmaccel_status vmaccel_arm64_get_events(vmaccel_vcpu *vcpu, vmaccel_arm64_events *events)
{
    vmaccel_status status = begin(vcpu, events);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, true, VMACCEL_CAP_REG_EVENTS);
    return status != VMACCEL_OK ? status : vcpu->vm->platform->arm64->get_events(vcpu, events);
}

vmaccel_status vmaccel_arm64_set_events(vmaccel_vcpu *vcpu, const vmaccel_arm64_events *events)
{
    vmaccel_status status = begin(vcpu, events);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, true, VMACCEL_CAP_REG_EVENTS);
    if (status != VMACCEL_OK)
        return status;
    vmaccel_arm64_events canonical = *events;
    memset(canonical.pad, 0, sizeof(canonical.pad));
    if (!canonical.serror_has_esr)
        canonical.serror_esr = 0;
    return vcpu->vm->platform->arm64->set_events(vcpu, &canonical);
}
