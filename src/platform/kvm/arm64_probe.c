/* SPDX-License-Identifier: BSD-2-Clause */
/* What KVM is on an arm64 host. */
#include <stdio.h>
#include <unistd.h>

#include "kvm.h"

void kvm_arch_probe(int fd, vmaccel_platform_info *info)
{
    info->kind = VMACCEL_KIND_HARDWARE;
    info->guest_arm64 = true;
    snprintf(info->reason, sizeof info->reason, "hardware KVM, %llu-bit guest-physical addresses",
             (unsigned long long)kvm_arm64_gpa_bits(fd));
}

uint32_t kvm_arm64_gpa_bits(int fd)
{
    uint64_t bits = kvm_extension(fd, KVM_CAP_ARM_VM_IPA_SIZE);
    return bits != 0 ? (uint32_t)bits : 40; /* KVM's only size before it could be asked */
}

bool kvm_arm64_device(int vm_fd, uint32_t type)
{
    struct kvm_create_device device = {.type = type, .flags = KVM_CREATE_DEVICE_TEST};
    return ioctl(vm_fd, KVM_CREATE_DEVICE, &device) == 0;
}

static uint32_t features_at(int fd)
{
    uint32_t features = 0;
    if (kvm_extension(fd, KVM_CAP_ARM_SVE) != 0)
        features |= VMACCEL_ARM64_FEATURE_SVE;
    if (kvm_extension(fd, KVM_CAP_ARM_PMU_V3) != 0)
        features |= VMACCEL_ARM64_FEATURE_PMU;
    if (kvm_extension(fd, KVM_CAP_ARM_PTRAUTH_ADDRESS) != 0 &&
        kvm_extension(fd, KVM_CAP_ARM_PTRAUTH_GENERIC) != 0)
        features |= VMACCEL_ARM64_FEATURE_PAUTH;
    return features;
}

uint32_t kvm_arm64_features(const vmaccel_vm *vm)
{
    return features_at(kvm_vm(vm)->fd);
}

uint32_t kvm_arm64_vector_length(int vcpu_fd)
{
    uint64_t lengths[KVM_ARM64_SVE_VLS_WORDS]; /* bit n: (n + 1) * 16 bytes */
    uint32_t bytes = 0;
    if (kvm_arm64_get_one(vcpu_fd, KVM_REG_ARM64_SVE_VLS, lengths) < 0)
        return 0;
    for (uint32_t i = 0; i < 64 * KVM_ARM64_SVE_VLS_WORDS; i++)
        if ((lengths[i / 64] >> i % 64 & 1) != 0)
            bytes = 16 * (i + 1);
    return bytes;
}

/* Only a vCPU tells its vector length. */
static uint64_t vector_length(int vm_fd)
{
    struct kvm_vcpu_init init;
    uint64_t length = 0;
    int vcpu = ioctl(vm_fd, KVM_CREATE_VCPU, 0ul);
    if (vcpu < 0)
        return 0;
    if (ioctl(vm_fd, KVM_ARM_PREFERRED_TARGET, &init) == 0) {
        init.features[0] |= 1u << KVM_ARM_VCPU_SVE;
        if (ioctl(vcpu, KVM_ARM_VCPU_INIT, &init) == 0)
            length = kvm_arm64_vector_length(vcpu);
    }
    close(vcpu);
    return length;
}

static uint64_t cap_of_vm(int vm_fd, vmaccel_cap cap)
{
    switch (cap) {
    case VMACCEL_CAP_REG_SVE:
        return vector_length(vm_fd);
    case VMACCEL_CAP_ARM64_GICV2:
        return kvm_arm64_device(vm_fd, KVM_DEV_TYPE_ARM_VGIC_V2);
    case VMACCEL_CAP_ARM64_GICV3:
        return kvm_arm64_device(vm_fd, KVM_DEV_TYPE_ARM_VGIC_V3);
    case VMACCEL_CAP_ARM64_ITS:
        return kvm_arm64_device(vm_fd, KVM_DEV_TYPE_ARM_VGIC_ITS);
    case VMACCEL_CAP_EXIT_HYPERCALL:
        return kvm_arm64_has_filter(vm_fd);
    default:
        return 0;
    }
}

/* What only a VM can answer, from one made for the question. */
static uint64_t ask_vm(int sys_fd, vmaccel_cap cap)
{
    int vm = ioctl(sys_fd, KVM_CREATE_VM, kvm_arch_vm_type(sys_fd));
    if (vm < 0)
        return 0;
    uint64_t value = cap_of_vm(vm, cap);
    close(vm);
    return value;
}

uint64_t kvm_arch_cap(int fd, vmaccel_cap cap)
{
    switch (cap) {
    case VMACCEL_CAP_GPA_BITS:
        return kvm_arm64_gpa_bits(fd);
    case VMACCEL_CAP_NATIVE_KERNEL:
    case VMACCEL_CAP_REG_DEBUG: /* among the system registers */
        return 1;
    case VMACCEL_CAP_IRQCHIP_FULL:
    case VMACCEL_CAP_REG_IRQCHIP:
        return kvm_extension(fd, KVM_CAP_IRQCHIP) != 0 &&
               kvm_extension(fd, KVM_CAP_DEVICE_CTRL) != 0;
    case VMACCEL_CAP_SW_BREAKPOINT:
        return kvm_extension(fd, KVM_CAP_SET_GUEST_DEBUG) != 0;
    case VMACCEL_CAP_HW_BREAKPOINT:
        return kvm_extension(fd, KVM_CAP_GUEST_DEBUG_HW_BPS);
    case VMACCEL_CAP_HW_WATCHPOINT:
        return kvm_extension(fd, KVM_CAP_GUEST_DEBUG_HW_WPS);
    case VMACCEL_CAP_ARM64_PMU:
        return (features_at(fd) & VMACCEL_ARM64_FEATURE_PMU) != 0;
    case VMACCEL_CAP_ARM64_PAUTH:
        return (features_at(fd) & VMACCEL_ARM64_FEATURE_PAUTH) != 0;
    case VMACCEL_CAP_REG_SVE:
        if ((features_at(fd) & VMACCEL_ARM64_FEATURE_SVE) == 0)
            return 0;
        return ask_vm(fd, cap);
    case VMACCEL_CAP_ARM64_GICV2:
    case VMACCEL_CAP_ARM64_GICV3:
    case VMACCEL_CAP_ARM64_ITS:
    case VMACCEL_CAP_EXIT_HYPERCALL:
        return ask_vm(fd, cap);
    case VMACCEL_CAP_IRQ_MSI: /* through an ITS */
        return ask_vm(fd, VMACCEL_CAP_ARM64_ITS);
    default:
        return 0;
    }
}
