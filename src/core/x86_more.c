/* SPDX-License-Identifier: BSD-2-Clause */
/* x86_64 state that goes to the platform at once: MSRs, CPUID, XCR0, debug registers, local APIC,
 * irqchip, clocks. */
#include "core/core.h"

#include "arch/x86/cr.h"

static const char module[] = "x86";

static vmaccel_status begin(vmaccel_vcpu *vcpu, const void *argument)
{
    if (argument == NULL)
        return core_invalid(vcpu != NULL ? vcpu->vm : NULL, module,
                            "the state's pointer must not be NULL");
    return core_vcpu_check_arch(vcpu, module, VMACCEL_ARCH_X86_64);
}

static vmaccel_status begin_vm(const vmaccel_vm *vm, const void *argument)
{
    if (vm == NULL || argument == NULL)
        return core_invalid(vm, module, "vm and the state's pointer must not be NULL");
    if (vm->arch != VMACCEL_ARCH_X86_64)
        return core_wrong_arch(vm, module, VMACCEL_ARCH_X86_64);
    /* A platform of whole machines has the guest, but not its registers. */
    if (vm->platform->x86 == NULL)
        return core_fail(VMACCEL_E_NOT_SUPPORTED, vm->platform->name, module, "registers", 0,
                         "%s gives no access to registers", vm->platform->name);
    return VMACCEL_OK;
}

/* The field of the special registers that an MSR is another name for. */
static uint64_t *alias(vmaccel_x86_sregs *sregs, uint32_t id)
{
    switch (id) {
    case X86_MSR_EFER:
        return &sregs->efer;
    case X86_MSR_APIC_BASE:
        return &sregs->apic_base;
    case X86_MSR_FS_BASE:
        return &sregs->fs.base;
    case X86_MSR_GS_BASE:
        return &sregs->gs.base;
    default:
        return NULL;
    }
}

vmaccel_status vmaccel_x86_get_msrs(vmaccel_vcpu *vcpu, vmaccel_x86_msr *msrs, size_t count,
                                    size_t *done)
{
    size_t processed = 0;
    vmaccel_status status = begin(vcpu, msrs);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, vcpu->vm->platform->x86->get_msrs != NULL,
                              VMACCEL_CAP_REG_MSR);
    if (status == VMACCEL_OK && count != 0)
        status = vcpu->vm->platform->x86->get_msrs(vcpu, msrs, count, &processed);
    if (done != NULL)
        *done = processed;
    for (size_t i = 0; i < processed && (vcpu->dirty & CORE_GROUP_SREGS) != 0; i++) {
        const uint64_t *newer = alias(&vcpu->cache.x86.sregs, msrs[i].id);
        if (newer != NULL)
            msrs[i].value = *newer;
    }
    return status;
}

vmaccel_status vmaccel_x86_set_msrs(vmaccel_vcpu *vcpu, const vmaccel_x86_msr *msrs, size_t count,
                                    size_t *done)
{
    size_t processed = 0;
    vmaccel_status status = begin(vcpu, msrs);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, vcpu->vm->platform->x86->set_msrs != NULL,
                              VMACCEL_CAP_REG_MSR);
    for (size_t i = 0; status == VMACCEL_OK && i < count; i++) {
        if (msrs[i].reserved != 0)
            status = core_invalid(vcpu->vm, module, "msrs[%zu].reserved: must be 0", i);
    }
    if (status == VMACCEL_OK && count != 0)
        status = vcpu->vm->platform->x86->set_msrs(vcpu, msrs, count, &processed);
    if (done != NULL)
        *done = processed;
    for (size_t i = 0; i < processed; i++) {
        uint64_t *older = alias(&vcpu->cache.x86.sregs, msrs[i].id);
        if (older == NULL)
            continue;
        /* A deferred write of the special registers must not undo this one. */
        if ((vcpu->dirty & CORE_GROUP_SREGS) != 0)
            *older = msrs[i].value;
        else
            vcpu->valid &= ~CORE_GROUP_SREGS;
    }
    return status;
}

/* Capacity in, number out. Without a buffer only the number is wanted. */
#define COUNT_ONLY(buffer, count, status)                                                          \
    ((buffer) == NULL && (status) == VMACCEL_E_LIMIT ? VMACCEL_OK : (status))

vmaccel_status vmaccel_x86_msr_list(const vmaccel_vm *vm, uint32_t *ids, size_t *count)
{
    vmaccel_status status = begin_vm(vm, count);

    if (status == VMACCEL_OK)
        status = core_vm_need(vm, module, vm->platform->x86->msr_list != NULL, VMACCEL_CAP_REG_MSR);
    if (status != VMACCEL_OK)
        return status;
    if (ids == NULL)
        *count = 0;
    status = vm->platform->x86->msr_list(vm, ids, count);
    return COUNT_ONLY(ids, count, status);
}

vmaccel_status vmaccel_x86_cpuid_supported(const vmaccel_vm *vm, vmaccel_x86_cpuid *entries,
                                           size_t *count)
{
    vmaccel_status status = begin_vm(vm, count);

    if (status == VMACCEL_OK)
        status = core_vm_need(vm, module, vm->platform->x86->cpuid_supported != NULL,
                              VMACCEL_CAP_REG_CPUID);
    if (status != VMACCEL_OK)
        return status;
    if (entries == NULL)
        *count = 0;
    status = vm->platform->x86->cpuid_supported(vm, entries, count);
    return COUNT_ONLY(entries, count, status);
}

static vmaccel_status check_cpuid(const vmaccel_vm *vm, const vmaccel_x86_cpuid *entries,
                                  size_t count)
{
    if (count == 0)
        return core_invalid(vm, module, "count: the table must not be empty");
    for (size_t i = 0; i < count; i++) {
        if ((entries[i].flags & ~VMACCEL_X86_CPUID_SUBLEAF) != 0 || entries[i].reserved != 0)
            return core_invalid(vm, module, "entries[%zu]: unknown flags or reserved is not 0", i);
    }
    return VMACCEL_OK;
}

vmaccel_status vmaccel_x86_set_cpuid(vmaccel_vm *vm, const vmaccel_x86_cpuid *entries, size_t count)
{
    vmaccel_status status = begin_vm(vm, entries);

    if (status == VMACCEL_OK)
        status =
            core_vm_need(vm, module, vm->platform->x86->set_cpuid != NULL, VMACCEL_CAP_REG_CPUID);
    if (status == VMACCEL_OK)
        status = check_cpuid(vm, entries, count);
    if (status != VMACCEL_OK)
        return status;
    os_mutex_lock(&vm->core->lock);
    if (vm->committed)
        status =
            core_fail(VMACCEL_E_STATE, vm->platform->name, module, NULL, 0,
                      "the VM is committed; set the CPUID table before the first vCPU is created");
    else
        status = vm->platform->x86->set_cpuid(vm, entries, count);
    os_mutex_unlock(&vm->core->lock);
    return status;
}

vmaccel_status vmaccel_x86_get_cpuid(vmaccel_vcpu *vcpu, vmaccel_x86_cpuid *entries, size_t *count)
{
    vmaccel_status status = begin(vcpu, count);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, vcpu->vm->platform->x86->get_cpuid != NULL,
                              VMACCEL_CAP_REG_CPUID);
    if (status != VMACCEL_OK)
        return status;
    if (entries == NULL)
        *count = 0;
    status = vcpu->vm->platform->x86->get_cpuid(vcpu, entries, count);
    return COUNT_ONLY(entries, count, status);
}

vmaccel_status vmaccel_x86_get_xcr0(vmaccel_vcpu *vcpu, uint64_t *xcr0)
{
    vmaccel_status status = begin(vcpu, xcr0);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, vcpu->vm->platform->x86->get_xcr0 != NULL,
                              VMACCEL_CAP_REG_XCR);
    return status != VMACCEL_OK ? status : vcpu->vm->platform->x86->get_xcr0(vcpu, xcr0);
}

vmaccel_status vmaccel_x86_set_xcr0(vmaccel_vcpu *vcpu, uint64_t xcr0)
{
    vmaccel_status status = begin(vcpu, &xcr0);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, vcpu->vm->platform->x86->set_xcr0 != NULL,
                              VMACCEL_CAP_REG_XCR);
    if (status == VMACCEL_OK && ((xcr0 & 1) == 0 || (xcr0 & 6) == 4))
        status = core_invalid(vcpu->vm, module, "xcr0: x87 must be set, and SSE where AVX is");
    return status != VMACCEL_OK ? status : vcpu->vm->platform->x86->set_xcr0(vcpu, xcr0);
}

vmaccel_status vmaccel_x86_get_debug_regs(vmaccel_vcpu *vcpu, vmaccel_x86_debug_regs *regs)
{
    vmaccel_status status = begin(vcpu, regs);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, vcpu->vm->platform->x86->get_debug_regs != NULL,
                              VMACCEL_CAP_REG_DEBUG);
    return status != VMACCEL_OK ? status : vcpu->vm->platform->x86->get_debug_regs(vcpu, regs);
}

vmaccel_status vmaccel_x86_set_debug_regs(vmaccel_vcpu *vcpu, const vmaccel_x86_debug_regs *regs)
{
    vmaccel_status status = begin(vcpu, regs);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, vcpu->vm->platform->x86->set_debug_regs != NULL,
                              VMACCEL_CAP_REG_DEBUG);
    if (status != VMACCEL_OK)
        return status;
    if (regs->dr6 >> 32 != 0 || regs->dr7 >> 32 != 0)
        return core_invalid(vcpu->vm, module, "%s: a bit above 31 is set",
                            regs->dr6 >> 32 != 0 ? "dr6" : "dr7");
    vmaccel_x86_debug_regs canonical = *regs;
    canonical.dr6 = (regs->dr6 & ~X86_DR6_ZERO) | X86_DR6_FIXED;
    canonical.dr7 = (regs->dr7 & ~X86_DR7_ZERO) | X86_DR7_FIXED;
    return vcpu->vm->platform->x86->set_debug_regs(vcpu, &canonical);
}

vmaccel_status vmaccel_x86_get_lapic(vmaccel_vcpu *vcpu, vmaccel_x86_lapic *lapic)
{
    vmaccel_status status = begin(vcpu, lapic);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, vcpu->vm->platform->x86->get_lapic != NULL,
                              VMACCEL_CAP_REG_LAPIC);
    return status != VMACCEL_OK ? status : vcpu->vm->platform->x86->get_lapic(vcpu, lapic);
}

vmaccel_status vmaccel_x86_set_lapic(vmaccel_vcpu *vcpu, const vmaccel_x86_lapic *lapic)
{
    vmaccel_status status = begin(vcpu, lapic);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, vcpu->vm->platform->x86->set_lapic != NULL,
                              VMACCEL_CAP_REG_LAPIC);
    if (status == VMACCEL_OK)
        status = vcpu->vm->platform->x86->set_lapic(vcpu, lapic);
    /* The task priority is CR8, too. */
    if (status == VMACCEL_OK && (vcpu->dirty & CORE_GROUP_SREGS) == 0)
        vcpu->valid &= ~CORE_GROUP_SREGS;
    return status;
}

vmaccel_status vmaccel_x86_get_tsc_khz(vmaccel_vcpu *vcpu, uint32_t *khz)
{
    vmaccel_status status = begin(vcpu, khz);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, vcpu->vm->platform->x86->get_tsc_khz != NULL,
                              VMACCEL_CAP_TSC_KHZ);
    return status != VMACCEL_OK ? status : vcpu->vm->platform->x86->get_tsc_khz(vcpu, khz);
}

vmaccel_status vmaccel_x86_get_irqchip(vmaccel_vm *vm, vmaccel_x86_irqchip *state)
{
    vmaccel_status status = begin_vm(vm, state);

    if (status == VMACCEL_OK)
        status = core_vm_need(vm, module, vm->platform->x86->get_irqchip != NULL,
                              VMACCEL_CAP_REG_IRQCHIP);
    return status != VMACCEL_OK ? status : vm->platform->x86->get_irqchip(vm, state);
}

vmaccel_status vmaccel_x86_set_irqchip(vmaccel_vm *vm, const vmaccel_x86_irqchip *state)
{
    vmaccel_status status = begin_vm(vm, state);

    if (status == VMACCEL_OK)
        status = core_vm_need(vm, module, vm->platform->x86->set_irqchip != NULL,
                              VMACCEL_CAP_REG_IRQCHIP);
    return status != VMACCEL_OK ? status : vm->platform->x86->set_irqchip(vm, state);
}

vmaccel_status vmaccel_x86_get_clock(vmaccel_vm *vm, uint64_t *ns)
{
    vmaccel_status status = begin_vm(vm, ns);

    if (status == VMACCEL_OK)
        status =
            core_vm_need(vm, module, vm->platform->x86->get_clock != NULL, VMACCEL_CAP_REG_CLOCK);
    return status != VMACCEL_OK ? status : vm->platform->x86->get_clock(vm, ns);
}

vmaccel_status vmaccel_x86_set_clock(vmaccel_vm *vm, uint64_t ns)
{
    vmaccel_status status = begin_vm(vm, &ns);

    if (status == VMACCEL_OK)
        status =
            core_vm_need(vm, module, vm->platform->x86->set_clock != NULL, VMACCEL_CAP_REG_CLOCK);
    return status != VMACCEL_OK ? status : vm->platform->x86->set_clock(vm, ns);
}
