/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/arm64/sysreg.h"
#include "arch/arm64/walk.h"
#include "kvm.h"

vmaccel_status kvm_arch_vcpu_open(vmaccel_vcpu *vcpu)
{
    kvm_vcpu(vcpu)->fd = kvm_vm(vcpu->vm)->arch.fds[vcpu->index];
    return VMACCEL_OK;
}

/* The descriptor is the VM's. */
void kvm_arch_vcpu_close(vmaccel_vcpu *vcpu)
{
    kvm_vcpu(vcpu)->fd = -1;
}

vmaccel_status kvm_arch_vcpu_init(vmaccel_vcpu *vcpu)
{
    (void)vcpu;
    return VMACCEL_OK;
}

vmaccel_status kvm_get_mp_state(vmaccel_vcpu *vcpu, vmaccel_mp_state *state)
{
    struct kvm_mp_state raw;
    if (ioctl(kvm_vcpu(vcpu)->fd, KVM_GET_MP_STATE, &raw) < 0)
        return kvm_fail("vcpu", "KVM_GET_MP_STATE");
    *state = raw.mp_state == KVM_MP_STATE_STOPPED ? VMACCEL_MP_WAIT_FOR_INIT : VMACCEL_MP_RUNNABLE;
    return VMACCEL_OK;
}

vmaccel_status kvm_set_mp_state(vmaccel_vcpu *vcpu, vmaccel_mp_state state)
{
    struct kvm_mp_state raw = {.mp_state = state == VMACCEL_MP_RUNNABLE ? KVM_MP_STATE_RUNNABLE
                                                                        : KVM_MP_STATE_STOPPED};
    if (state == VMACCEL_MP_HALTED)
        return core_fail(VMACCEL_E_NOT_SUPPORTED, "kvm", "vcpu",
                         vmaccel_cap_name(VMACCEL_CAP_REG_MP_STATE), 0,
                         "state: KVM on arm64 knows no halted vCPU; WFI waits inside a run");
    return ioctl(kvm_vcpu(vcpu)->fd, KVM_SET_MP_STATE, &raw) < 0
               ? kvm_fail("vcpu", "KVM_SET_MP_STATE")
               : VMACCEL_OK;
}

static bool read_guest(void *context, uint64_t gpa, void *buffer, size_t size)
{
    const struct core_region *region = core_region_at(context, gpa);
    if (region == NULL || gpa - region->gpa > region->size - size)
        return false;
    memcpy(buffer, region->host + (gpa - region->gpa), size);
    return true;
}

vmaccel_status kvm_translate(vmaccel_vcpu *vcpu, vmaccel_gva gva, vmaccel_gpa *gpa)
{
    const int fd = kvm_vcpu(vcpu)->fd;
    struct arm64_walk_regs regs;
    vmaccel_status status = kvm_arm64_sysreg(fd, ARM64_SCTLR_EL1, &regs.sctlr);
    if (status == VMACCEL_OK)
        status = kvm_arm64_sysreg(fd, ARM64_TCR_EL1, &regs.tcr);
    if (status == VMACCEL_OK)
        status = kvm_arm64_sysreg(fd, ARM64_TTBR0_EL1, &regs.ttbr0);
    if (status == VMACCEL_OK)
        status = kvm_arm64_sysreg(fd, ARM64_TTBR1_EL1, &regs.ttbr1);
    if (status != VMACCEL_OK)
        return status;
    if (!arm64_walk(&regs, gva, read_guest, vcpu->vm, gpa))
        return core_fail(VMACCEL_E_GUEST_MEMORY, "kvm", "vcpu", NULL, 0,
                         "0x%llx is not mapped by the guest", (unsigned long long)gva);
    return VMACCEL_OK;
}

/* An instruction is aligned, so it never crosses a page. */
uint8_t kvm_arm64_fetch_code(vmaccel_vcpu *vcpu, uint8_t *bytes)
{
    vmaccel_gpa gpa;
    if (core_arm64_need(vcpu, CORE_ARM64(PC)) != VMACCEL_OK ||
        kvm_translate(vcpu, vcpu->cache.arm64.regs[VMACCEL_ARM64_PC] & ~(uint64_t)3, &gpa) !=
            VMACCEL_OK)
        return 0;
    return read_guest(vcpu->vm, gpa, bytes, 4) ? 4 : 0;
}
