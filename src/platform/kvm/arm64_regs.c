/* SPDX-License-Identifier: BSD-2-Clause */
/* General registers: a system call each, so only those asked for or changed. */
#include "arch/arm64/pstate.h"
#include "kvm.h"

#define CORE_ID(name)                                                                              \
    (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(name))

uint64_t kvm_arm64_core_id(size_t reg)
{
    static const uint64_t ids[] = {
        [VMACCEL_ARM64_PC] = CORE_ID(regs.pc),      [VMACCEL_ARM64_PSTATE] = CORE_ID(regs.pstate),
        [VMACCEL_ARM64_SP_EL0] = CORE_ID(regs.sp),  [VMACCEL_ARM64_SP_EL1] = CORE_ID(sp_el1),
        [VMACCEL_ARM64_ELR_EL1] = CORE_ID(elr_el1), [VMACCEL_ARM64_SPSR_EL1] = CORE_ID(spsr[0]),
    };
    return reg <= VMACCEL_ARM64_LR ? CORE_ID(regs.regs[0]) + 2 * reg : ids[reg];
}

int kvm_arm64_get_one(int fd, uint64_t id, void *value)
{
    struct kvm_one_reg one = {.id = id, .addr = (uint64_t)(uintptr_t)value};
    return ioctl(fd, KVM_GET_ONE_REG, &one);
}

int kvm_arm64_set_one(int fd, uint64_t id, const void *value)
{
    struct kvm_one_reg one = {.id = id, .addr = (uint64_t)(uintptr_t)value};
    return ioctl(fd, KVM_SET_ONE_REG, &one);
}

/* After an MMIO write KVM has PC still at the instruction; what is left to do is known. *known is
 * false for an AArch32 instruction, which KVM has to finish. */
static vmaccel_status after_write(vmaccel_vcpu *vcpu, uint64_t regs, bool *known)
{
    const int fd = kvm_vcpu(vcpu)->fd;
    uint64_t pc, pstate, *to = vcpu->cache.arm64.regs;

    if (kvm_arm64_get_one(fd, kvm_arm64_core_id(VMACCEL_ARM64_PSTATE), &pstate) < 0 ||
        kvm_arm64_get_one(fd, kvm_arm64_core_id(VMACCEL_ARM64_PC), &pc) < 0)
        return kvm_fail("arm64", "KVM_GET_ONE_REG");
    *known = (pstate & ARM64_PSTATE_AARCH32) == 0;
    if (!*known)
        return VMACCEL_OK;
    if ((regs & CORE_ARM64(PC)) != 0)
        to[VMACCEL_ARM64_PC] = pc + 4;
    if ((regs & CORE_ARM64(PSTATE)) != 0)
        to[VMACCEL_ARM64_PSTATE] = arm64_pstate_next(pstate);
    return VMACCEL_OK;
}

vmaccel_status kvm_arm64_fetch(vmaccel_vcpu *vcpu, uint64_t regs)
{
    const struct kvm_vcpu *k = kvm_vcpu(vcpu);
    const uint64_t moved = CORE_ARM64(PC) | CORE_ARM64(PSTATE);

    if ((regs & moved) != 0 && k->pending && !vcpu->awaiting_answer) {
        bool known = false, more;
        vmaccel_status status = after_write(vcpu, regs, &known);
        if (status == VMACCEL_OK && known)
            regs &= ~moved;
        else if (status == VMACCEL_OK)
            status = kvm_vcpu_complete(vcpu, &more);
        if (status != VMACCEL_OK)
            return status;
    }
    for (size_t i = 0; regs >> i != 0; i++)
        if ((regs >> i & 1) != 0 &&
            kvm_arm64_get_one(k->fd, kvm_arm64_core_id(i), &vcpu->cache.arm64.regs[i]) < 0)
            return kvm_fail("arm64", "KVM_GET_ONE_REG");
    /* KVM has moved on from a hypercall already. */
    if ((regs & CORE_ARM64(PC)) != 0 && (k->attention & KVM_ATTENTION_CALL) != 0)
        vcpu->cache.arm64.regs[VMACCEL_ARM64_PC] -= 4;
    return VMACCEL_OK;
}

static vmaccel_status put(vmaccel_vcpu *vcpu, size_t reg)
{
    const uint64_t *value = &vcpu->cache.arm64.regs[reg];

    if (kvm_arm64_set_one(kvm_vcpu(vcpu)->fd, kvm_arm64_core_id(reg), value) < 0) {
        if (reg == VMACCEL_ARM64_PSTATE && errno == EINVAL)
            return core_fail(VMACCEL_E_INVALID_ARGUMENT, "kvm", "arm64", NULL, EINVAL,
                             "KVM_SET_ONE_REG refused pstate 0x%llx", (unsigned long long)*value);
        return kvm_fail("arm64", "KVM_SET_ONE_REG");
    }
    vcpu->dirty &= ~((uint64_t)1 << reg);
    return VMACCEL_OK;
}

/* PSTATE first: while KVM's says AArch32 it cuts the others down to 32 bits. */
vmaccel_status kvm_arm64_flush(vmaccel_vcpu *vcpu)
{
    vmaccel_status status = VMACCEL_OK;

    if ((vcpu->dirty & CORE_ARM64(PSTATE)) != 0)
        status = put(vcpu, VMACCEL_ARM64_PSTATE);
    for (size_t i = 0; status == VMACCEL_OK && vcpu->dirty >> i != 0; i++)
        if ((vcpu->dirty >> i & 1) != 0)
            status = put(vcpu, i);
    return status;
}
