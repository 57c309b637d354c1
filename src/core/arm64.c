/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch64 general registers, which go through the cache, each by itself. */
#include "core/core.h"

#include <string.h>

#include "arch/arm64/pstate.h"

static const char module[] = "arm64";

_Static_assert(sizeof(vmaccel_arm64_regs) == VMACCEL_ARM64_REGS * sizeof(uint64_t) &&
                   offsetof(vmaccel_arm64_regs, pc) == VMACCEL_ARM64_PC * sizeof(uint64_t) &&
                   offsetof(vmaccel_arm64_regs, spsr_el1) ==
                       VMACCEL_ARM64_SPSR_EL1 * sizeof(uint64_t),
               "the struct is an array by vmaccel_arm64_reg");

vmaccel_status core_arm64_need(vmaccel_vcpu *vcpu, uint64_t regs)
{
    uint64_t missing = regs & ~vcpu->valid;

    if (missing == 0)
        return VMACCEL_OK;
    vmaccel_status status = vcpu->vm->platform->arm64->fetch(vcpu, missing);
    if (status == VMACCEL_OK)
        vcpu->valid |= missing;
    return status;
}

vmaccel_status core_arm64_merge(vmaccel_vcpu *vcpu)
{
    struct core_arm64_cache *cache = &vcpu->cache.arm64;

    for (size_t i = 0; vcpu->overlay_mask >> i != 0; i++) {
        if ((vcpu->overlay_mask >> i & 1) != 0)
            cache->regs[i] = cache->overlay[i];
    }
    vcpu->valid |= vcpu->overlay_mask;
    vcpu->dirty |= vcpu->overlay_mask;
    vcpu->overlay_mask = 0;
    return VMACCEL_OK;
}

/* What a get returns: the overlay's value goes before the instruction's. */
static uint64_t shown(const vmaccel_vcpu *vcpu, size_t reg)
{
    const struct core_arm64_cache *cache = &vcpu->cache.arm64;

    return (vcpu->overlay_mask >> reg & 1) != 0 ? cache->overlay[reg] : cache->regs[reg];
}

/* `values` are those of the registers of the mask, in their order in the cache. */
static vmaccel_status set(vmaccel_vcpu *vcpu, uint64_t mask, const uint64_t *values)
{
    struct core_arm64_cache *cache = &vcpu->cache.arm64;

    if (vcpu->awaiting_answer) { /* the instruction's own result is still to come */
        vmaccel_status status = core_arm64_need(vcpu, mask & ~vcpu->overlay_mask);
        if (status != VMACCEL_OK)
            return status;
    }
    for (size_t i = 0; i < VMACCEL_ARM64_REGS; i++) {
        if ((mask >> i & 1) == 0)
            continue;
        uint64_t value = *values++, bit = (uint64_t)1 << i;
        if (!vcpu->awaiting_answer) {
            cache->regs[i] = value;
            vcpu->valid |= bit;
            vcpu->dirty |= bit;
        } else if (value != shown(vcpu, i)) {
            cache->overlay[i] = value;
            vcpu->overlay_mask |= bit;
        }
    }
    return VMACCEL_OK;
}

static vmaccel_status check_pstate(const vmaccel_vm *vm, uint64_t pstate)
{
    if (arm64_pstate_mode_valid(pstate))
        return VMACCEL_OK;
    return core_invalid(vm, module, "pstate: 0x%llx is neither EL0, EL1t, EL1h nor AArch32 user",
                        (unsigned long long)pstate);
}

vmaccel_status vmaccel_arm64_get_regs(vmaccel_vcpu *vcpu, vmaccel_arm64_regs *regs)
{
    uint64_t *values = (uint64_t *)(void *)regs;

    if (regs == NULL)
        return core_invalid(vcpu != NULL ? vcpu->vm : NULL, module, "regs must not be NULL");
    vmaccel_status status = core_vcpu_check_arch(vcpu, module, VMACCEL_ARCH_ARM64);
    if (status == VMACCEL_OK)
        status = core_arm64_need(vcpu, CORE_ARM64_ALL);
    if (status != VMACCEL_OK)
        return status;
    for (size_t i = 0; i < VMACCEL_ARM64_REGS; i++)
        values[i] = shown(vcpu, i);
    return VMACCEL_OK;
}

vmaccel_status vmaccel_arm64_set_regs(vmaccel_vcpu *vcpu, const vmaccel_arm64_regs *regs)
{
    if (regs == NULL)
        return core_invalid(vcpu != NULL ? vcpu->vm : NULL, module, "regs must not be NULL");
    vmaccel_status status = core_vcpu_check_arch(vcpu, module, VMACCEL_ARCH_ARM64);
    if (status == VMACCEL_OK)
        status = check_pstate(vcpu->vm, regs->pstate);
    return status != VMACCEL_OK ? status
                                : set(vcpu, CORE_ARM64_ALL, (const uint64_t *)(const void *)regs);
}

static vmaccel_status check_reg(const vmaccel_vcpu *vcpu, vmaccel_arm64_reg reg)
{
    if ((unsigned)reg < VMACCEL_ARM64_REGS)
        return VMACCEL_OK;
    return core_invalid(vcpu->vm, module, "reg: %d is not a general register", (int)reg);
}

vmaccel_status vmaccel_arm64_get_reg(vmaccel_vcpu *vcpu, vmaccel_arm64_reg reg, uint64_t *value)
{
    if (value == NULL)
        return core_invalid(vcpu != NULL ? vcpu->vm : NULL, module, "value must not be NULL");
    vmaccel_status status = core_vcpu_check_arch(vcpu, module, VMACCEL_ARCH_ARM64);
    if (status == VMACCEL_OK)
        status = check_reg(vcpu, reg);
    if (status == VMACCEL_OK)
        status = core_arm64_need(vcpu, (uint64_t)1 << reg);
    if (status == VMACCEL_OK)
        *value = shown(vcpu, reg);
    return status;
}

vmaccel_status vmaccel_arm64_set_reg(vmaccel_vcpu *vcpu, vmaccel_arm64_reg reg, uint64_t value)
{
    vmaccel_status status = core_vcpu_check_arch(vcpu, module, VMACCEL_ARCH_ARM64);

    if (status == VMACCEL_OK)
        status = check_reg(vcpu, reg);
    if (status == VMACCEL_OK && reg == VMACCEL_ARM64_PSTATE)
        status = check_pstate(vcpu->vm, value);
    return status != VMACCEL_OK ? status : set(vcpu, (uint64_t)1 << reg, &value);
}
