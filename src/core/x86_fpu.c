/* SPDX-License-Identifier: BSD-2-Clause */
/* FPU and XSAVE state. Platforms exchange the XSAVE area; the canonical forms are made here. */
#include "core/core.h"

#include <string.h>

static const char module[] = "x86";

/* The table of an x86 vCPU is far below this. */
#define MOST_CPUID_ENTRIES 256

static vmaccel_status read_layout(vmaccel_vcpu *vcpu)
{
    struct core_vcpu *self = core_vcpu_of(vcpu);
    const struct core_x86_ops *ops = vcpu->vm->platform->x86;
    vmaccel_x86_cpuid host[MOST_CPUID_ENTRIES], guest[MOST_CPUID_ENTRIES];
    size_t host_count = 0, guest_count = 0;
    vmaccel_status status = VMACCEL_OK;

    if (ops->cpuid_supported != NULL && ops->get_cpuid != NULL) {
        host_count = guest_count = MOST_CPUID_ENTRIES;
        status = ops->cpuid_supported(vcpu->vm, host, &host_count);
        if (status == VMACCEL_OK)
            status = ops->get_cpuid(vcpu, guest, &guest_count);
    }
    if (status == VMACCEL_OK)
        status = ops->get_xsave(vcpu, self->xsave);
    if (status != VMACCEL_OK)
        return status;
    x86_xsave_layout_init(&self->layout, vcpu->vm->core->xsave_size, host, host_count, guest,
                          guest_count);

    uint32_t mask;
    memcpy(&mask, (uint8_t *)self->xsave + 28, sizeof(mask));
    if (mask != 0)
        self->layout.mxcsr_mask = mask;
    self->has_layout = true;
    return VMACCEL_OK;
}

/* The vCPU's area in canonical form, in its scratch. */
static vmaccel_status load(vmaccel_vcpu *vcpu)
{
    struct core_vcpu *self = core_vcpu_of(vcpu);

    vmaccel_status status = vcpu->vm->platform->x86->get_xsave(vcpu, self->xsave);
    if (status == VMACCEL_OK)
        x86_xsave_canonical(&self->layout, self->xsave);
    return status;
}

static vmaccel_status begin(vmaccel_vcpu *vcpu, const void *argument, vmaccel_cap cap)
{
    if (argument == NULL)
        return core_invalid(vcpu != NULL ? vcpu->vm : NULL, module,
                            "the state's pointer must not be NULL");
    vmaccel_status status = core_vcpu_check_arch(vcpu, module, VMACCEL_ARCH_X86_64);
    if (status != VMACCEL_OK)
        return status;
    if (vcpu->vm->core->xsave_size < X86_XSAVE_MINIMUM)
        return core_not_supported(vcpu->vm->platform->name, module, cap);
    return core_vcpu_of(vcpu)->has_layout ? VMACCEL_OK : read_layout(vcpu);
}

vmaccel_status vmaccel_x86_get_xsave(vmaccel_vcpu *vcpu, void *area, size_t size)
{
    vmaccel_status status = begin(vcpu, area, VMACCEL_CAP_REG_XSAVE);

    if (status != VMACCEL_OK)
        return status;
    struct core_vcpu *self = core_vcpu_of(vcpu);
    if (size < self->layout.size)
        return core_invalid(vcpu->vm, module, "size: %zu is below the XSAVE area's %u bytes", size,
                            self->layout.size);
    status = load(vcpu);
    if (status == VMACCEL_OK)
        memcpy(area, self->xsave, self->layout.size);
    return status;
}

vmaccel_status vmaccel_x86_set_xsave(vmaccel_vcpu *vcpu, const void *area, size_t size)
{
    vmaccel_status status = begin(vcpu, area, VMACCEL_CAP_REG_XSAVE);

    if (status != VMACCEL_OK)
        return status;
    struct core_vcpu *self = core_vcpu_of(vcpu);
    if (size < self->layout.size)
        return core_invalid(vcpu->vm, module, "size: %zu is below the XSAVE area's %u bytes", size,
                            self->layout.size);
    unsigned component;
    const char *fault = x86_xsave_fault(&self->layout, area, &component);
    if (fault != NULL && component < X86_XSAVE_COMPONENTS)
        return core_invalid(vcpu->vm, module, "%s %s", fault, x86_xsave_name(component));
    if (fault != NULL)
        return core_invalid(vcpu->vm, module, "%s", fault);
    memcpy(self->xsave, area, self->layout.size);
    x86_xsave_canonical(&self->layout, self->xsave);
    return vcpu->vm->platform->x86->set_xsave(vcpu, self->xsave);
}

vmaccel_status vmaccel_x86_get_fpu(vmaccel_vcpu *vcpu, vmaccel_x86_fpu *fpu)
{
    vmaccel_status status = begin(vcpu, fpu, VMACCEL_CAP_REG_FPU);

    if (status != VMACCEL_OK)
        return status;
    struct core_vcpu *self = core_vcpu_of(vcpu);
    status = load(vcpu);
    if (status == VMACCEL_OK)
        x86_xsave_get_fpu(&self->layout, self->xsave, fpu);
    return status;
}

vmaccel_status vmaccel_x86_set_fpu(vmaccel_vcpu *vcpu, const vmaccel_x86_fpu *fpu)
{
    vmaccel_status status = begin(vcpu, fpu, VMACCEL_CAP_REG_FPU);

    if (status != VMACCEL_OK)
        return status;
    struct core_vcpu *self = core_vcpu_of(vcpu);
    if ((fpu->mxcsr & ~self->layout.mxcsr_mask) != 0)
        return core_invalid(vcpu->vm, module, "mxcsr: a reserved bit is set");
    status = load(vcpu);
    if (status != VMACCEL_OK)
        return status;
    int missing = x86_xsave_set_fpu(&self->layout, self->xsave, fpu);
    if (missing >= 0)
        return core_invalid(vcpu->vm, module,
                            "vector, k: the guest's CPU lacks %s, its registers must be 0",
                            x86_xsave_name((unsigned)missing));
    return vcpu->vm->platform->x86->set_xsave(vcpu, self->xsave);
}
