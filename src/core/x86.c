/* SPDX-License-Identifier: BSD-2-Clause */
/* x86_64 registers that go through the cache: general, special, events. */
#include "core/core.h"

#include <string.h>

#include "arch/x86/cr.h"
#include "arch/x86/state.h"

static const char module[] = "x86";

#define REG_WORDS (sizeof(vmaccel_x86_regs) / sizeof(uint64_t))

vmaccel_status core_x86_need(vmaccel_vcpu *vcpu, uint32_t groups)
{
    uint32_t missing = groups & ~(uint32_t)vcpu->valid;

    if (missing == 0)
        return VMACCEL_OK;
    vmaccel_status status = vcpu->vm->platform->x86->fetch(vcpu, missing);
    if (status == VMACCEL_OK)
        vcpu->valid |= missing;
    return status;
}

static uint64_t *words_of(vmaccel_x86_regs *regs)
{
    return (uint64_t *)(void *)regs;
}

static void put_overlay(const vmaccel_vcpu *vcpu, vmaccel_x86_regs *regs)
{
    const uint64_t *overlay = (const uint64_t *)(const void *)&vcpu->cache.x86.overlay;
    uint64_t *words = words_of(regs);

    for (size_t i = 0; i < REG_WORDS; i++) {
        if ((vcpu->overlay_mask >> i & 1) != 0)
            words[i] = overlay[i];
    }
}

vmaccel_status core_x86_merge(vmaccel_vcpu *vcpu)
{
    if (vcpu->overlay_mask == 0)
        return VMACCEL_OK;
    vmaccel_status status = core_x86_need(vcpu, CORE_GROUP_REGS);
    if (status != VMACCEL_OK)
        return status;
    put_overlay(vcpu, &vcpu->cache.x86.regs);
    vcpu->overlay_mask = 0;
    vcpu->dirty |= CORE_GROUP_REGS;
    return VMACCEL_OK;
}

static vmaccel_status begin(vmaccel_vcpu *vcpu, const void *argument)
{
    if (argument == NULL)
        return core_invalid(vcpu != NULL ? vcpu->vm : NULL, module,
                            "the state's pointer must not be NULL");
    return core_vcpu_check_arch(vcpu, module, VMACCEL_ARCH_X86_64);
}

vmaccel_status vmaccel_x86_get_regs(vmaccel_vcpu *vcpu, vmaccel_x86_regs *regs)
{
    vmaccel_status status = begin(vcpu, regs);

    if (status == VMACCEL_OK)
        status = core_x86_need(vcpu, CORE_GROUP_REGS);
    if (status != VMACCEL_OK)
        return status;
    *regs = vcpu->cache.x86.regs;
    if (vcpu->overlay_mask != 0)
        put_overlay(vcpu, regs);
    return VMACCEL_OK;
}

/* The instruction's own result is still to come: keep what the caller changes aside, register by
 * register. */
static vmaccel_status set_overlay(vmaccel_vcpu *vcpu, vmaccel_x86_regs *regs)
{
    struct core_x86_cache *cache = &vcpu->cache.x86;
    vmaccel_x86_regs shown;

    vmaccel_status status = core_x86_need(vcpu, CORE_GROUP_REGS);
    if (status != VMACCEL_OK)
        return status;
    shown = cache->regs;
    put_overlay(vcpu, &shown);
    for (size_t i = 0; i < REG_WORDS; i++) {
        if (words_of(regs)[i] != words_of(&shown)[i]) {
            vcpu->overlay_mask |= (uint64_t)1 << i;
            words_of(&cache->overlay)[i] = words_of(regs)[i];
        }
    }
    return VMACCEL_OK;
}

static vmaccel_status fault(const vmaccel_vm *vm, const struct x86_state_fault *found)
{
    return core_invalid(vm, module, "%s: %s", found->field, found->why);
}

vmaccel_status vmaccel_x86_set_regs(vmaccel_vcpu *vcpu, const vmaccel_x86_regs *regs)
{
    vmaccel_status status = begin(vcpu, regs);

    if (status != VMACCEL_OK)
        return status;
    const struct x86_state_fault *found = x86_regs_fault(regs);
    if (found != NULL)
        return fault(vcpu->vm, found);
    vmaccel_x86_regs canonical = *regs;
    canonical.rflags |= X86_FLAGS_FIXED;
    if (vcpu->awaiting_answer)
        return set_overlay(vcpu, &canonical);
    vcpu->cache.x86.regs = canonical;
    vcpu->valid |= CORE_GROUP_REGS;
    vcpu->dirty |= CORE_GROUP_REGS;
    return VMACCEL_OK;
}

vmaccel_status vmaccel_x86_get_sregs(vmaccel_vcpu *vcpu, vmaccel_x86_sregs *sregs)
{
    vmaccel_status status = begin(vcpu, sregs);

    if (status == VMACCEL_OK)
        status = core_x86_need(vcpu, CORE_GROUP_SREGS);
    if (status == VMACCEL_OK)
        *sregs = vcpu->cache.x86.sregs;
    return status;
}

vmaccel_status vmaccel_x86_set_sregs(vmaccel_vcpu *vcpu, const vmaccel_x86_sregs *sregs)
{
    vmaccel_status status = begin(vcpu, sregs);

    if (status != VMACCEL_OK)
        return status;
    vmaccel_x86_sregs canonical = *sregs;
    x86_sregs_canonical(&canonical);
    const struct x86_state_fault *found = x86_sregs_fault(&canonical);
    if (found != NULL)
        return fault(vcpu->vm, found);
    vcpu->cache.x86.sregs = canonical;
    vcpu->valid |= CORE_GROUP_SREGS;
    vcpu->dirty |= CORE_GROUP_SREGS;
    return VMACCEL_OK;
}

const char *core_x86_bad_state(const vmaccel_x86_regs *regs, const vmaccel_x86_sregs *sregs)
{
    const struct x86_state_fault *found = x86_regs_fault(regs);

    if (found == NULL)
        found = x86_sregs_fault(sregs);
    if (found == NULL)
        found = x86_entry_fault(regs, sregs);
    return found != NULL ? found->field : NULL;
}

vmaccel_status vmaccel_x86_get_events(vmaccel_vcpu *vcpu, vmaccel_x86_events *events)
{
    vmaccel_status status = begin(vcpu, events);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, true, VMACCEL_CAP_REG_EVENTS);
    if (status == VMACCEL_OK)
        status = core_x86_need(vcpu, CORE_GROUP_EVENTS);
    if (status == VMACCEL_OK)
        *events = vcpu->cache.x86.events;
    return status;
}

static vmaccel_status check_events(const vmaccel_vm *vm, const vmaccel_x86_events *events)
{
    const uint8_t shadows = VMACCEL_X86_SHADOW_STI | VMACCEL_X86_SHADOW_MOV_SS;

    if (events->exception_pending &&
        (events->exception_vector > 31 || events->exception_vector == 2))
        return core_invalid(vm, module, "exception_vector: %u is not an exception",
                            events->exception_vector);
    if ((events->shadow & ~shadows) != 0 || events->shadow == shadows)
        return core_invalid(vm, module, "shadow: 0x%x is not one VMACCEL_X86_SHADOW_* bit",
                            events->shadow);
    return VMACCEL_OK;
}

vmaccel_status vmaccel_x86_set_events(vmaccel_vcpu *vcpu, const vmaccel_x86_events *events)
{
    vmaccel_status status = begin(vcpu, events);

    if (status == VMACCEL_OK)
        status = core_vm_need(vcpu->vm, module, true, VMACCEL_CAP_REG_EVENTS);
    if (status == VMACCEL_OK)
        status = check_events(vcpu->vm, events);
    if (status != VMACCEL_OK)
        return status;

    vmaccel_x86_events *to = &vcpu->cache.x86.events;
    *to = *events;
    memset(to->pad, 0, sizeof(to->pad));
    /* Details of an event that is not there are not state. */
    if (!to->exception_pending) {
        to->exception_vector = 0;
        to->exception_has_error_code = to->exception_has_payload = false;
    }
    if (!to->exception_has_error_code)
        to->exception_error_code = 0;
    if (!to->exception_has_payload)
        to->exception_payload = 0;
    if (!to->interrupt_pending) {
        to->interrupt_vector = 0;
        to->interrupt_soft = false;
    }
    vcpu->valid |= CORE_GROUP_EVENTS;
    vcpu->dirty |= CORE_GROUP_EVENTS;
    return VMACCEL_OK;
}
