/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <unistd.h>

#include "kvm.h"

/* The PPI of the PMU on the machine `virt`. */
#define PMU_INTID 23

unsigned long kvm_arch_vm_type(int sys_fd)
{
    return kvm_extension(sys_fd, KVM_CAP_ARM_VM_IPA_SIZE) == 0
               ? 0
               : KVM_VM_TYPE_ARM_IPA_SIZE(kvm_arm64_gpa_bits(sys_fd));
}

void kvm_arch_vm_init(vmaccel_vm *vm)
{
    kvm_vm(vm)->arch.gic = kvm_vm(vm)->arch.its = -1;
}

void kvm_arch_vm_free(vmaccel_vm *vm)
{
    struct kvm_vm *kvm = kvm_vm(vm);
    kvm_arm64_gic_close(vm);
    for (uint32_t i = 0; i < kvm->arch.made; i++)
        close(kvm->arch.fds[i]);
    free(kvm->arch.fds);
}

/* The filter of SMCCC calls (Linux 6.4) is newer than the oldest headers this builds with. Source:
 * Linux Documentation/virt/kvm/devices/vm.rst. */
#define SMCCC_GROUP   0
#define SMCCC_FILTER  0
#define SMCCC_FORWARD 2
struct smccc_filter {
    uint32_t base, functions;
    uint8_t action, pad[15];
};

bool kvm_arm64_has_filter(int vm_fd)
{
    struct kvm_device_attr attribute = {.group = SMCCC_GROUP, .attr = SMCCC_FILTER};
    return ioctl(vm_fd, KVM_HAS_DEVICE_ATTR, &attribute) == 0;
}

/* Calls to CPU, SiP and OEM services and to the vendor's hypervisor, in either width. PSCI and the
 * other standard ones stay KVM's. */
static vmaccel_status forward_calls(int vm_fd)
{
    static const struct smccc_filter filters[] = {
        {.base = 0x81000000u, .functions = 0x3000000u, .action = SMCCC_FORWARD},
        {.base = 0x86000000u, .functions = 0x10000u, .action = SMCCC_FORWARD},
        {.base = 0xc1000000u, .functions = 0x3000000u, .action = SMCCC_FORWARD},
        {.base = 0xc6000000u, .functions = 0x10000u, .action = SMCCC_FORWARD},
    };
    vmaccel_status status = VMACCEL_OK;
    for (size_t i = 0; status == VMACCEL_OK && i < sizeof filters / sizeof filters[0]; i++) {
        struct smccc_filter filter = filters[i];
        status =
            kvm_arm64_attribute(vm_fd, KVM_SET_DEVICE_ATTR, SMCCC_GROUP, SMCCC_FILTER, &filter);
    }
    return status;
}

vmaccel_status kvm_arch_vm_open(vmaccel_vm *vm)
{
    struct kvm_vm *kvm = kvm_vm(vm);
    /* Without it KVM_RUN fails where a data access has no syndrome, and tells no address. */
    (void)kvm_enable(kvm->fd, KVM_CAP_ARM_NISV_TO_USER, 0);
    if ((vm->exits & VMACCEL_VM_EXIT_HYPERCALL) != 0) {
        vmaccel_status status = forward_calls(kvm->fd);
        if (status != VMACCEL_OK)
            return status;
    }
    kvm->arch.fds = calloc(vm->max_vcpus, sizeof *kvm->arch.fds);
    return kvm->arch.fds != NULL ? VMACCEL_OK
                                 : core_fail(VMACCEL_E_NO_MEMORY, "kvm", "vm", NULL, 0,
                                             "no memory for %u vCPUs", vm->max_vcpus);
}

static vmaccel_status start_vcpu(vmaccel_vm *vm, uint32_t index, const struct kvm_vcpu_init *base)
{
    struct kvm_vm *kvm = kvm_vm(vm);
    struct kvm_vcpu_init init = *base;
    uint32_t features = vm->arm64.features;
    int fd = kvm->arch.fds[index], sve = KVM_ARM_VCPU_SVE;

    init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
    if (index != 0 && vm->irqchip != VMACCEL_IRQCHIP_NONE)
        init.features[0] |= 1u << KVM_ARM_VCPU_POWER_OFF;
    if ((features & VMACCEL_ARM64_FEATURE_SVE) != 0)
        init.features[0] |= 1u << KVM_ARM_VCPU_SVE;
    if ((features & VMACCEL_ARM64_FEATURE_PMU) != 0)
        init.features[0] |= 1u << KVM_ARM_VCPU_PMU_V3;
    if ((features & VMACCEL_ARM64_FEATURE_PAUTH) != 0)
        init.features[0] |= 1u << KVM_ARM_VCPU_PTRAUTH_ADDRESS | 1u << KVM_ARM_VCPU_PTRAUTH_GENERIC;
    if (ioctl(fd, KVM_ARM_VCPU_INIT, &init) < 0)
        return kvm_fail("vcpu", "KVM_ARM_VCPU_INIT");
    if ((features & VMACCEL_ARM64_FEATURE_SVE) == 0)
        return VMACCEL_OK;
    kvm->arch.sve_vl = kvm_arm64_vector_length(fd);
    if (kvm->arch.sve_vl == 0)
        return kvm_fail("vcpu", "KVM_GET_ONE_REG");
    return ioctl(fd, KVM_ARM_VCPU_FINALIZE, &sve) < 0 ? kvm_fail("vcpu", "KVM_ARM_VCPU_FINALIZE")
                                                      : VMACCEL_OK;
}

static vmaccel_status start_vcpus(vmaccel_vm *vm)
{
    struct kvm_vm *kvm = kvm_vm(vm);
    struct kvm_vcpu_init base;

    for (; kvm->arch.made < vm->max_vcpus; kvm->arch.made++) {
        int fd = ioctl(kvm->fd, KVM_CREATE_VCPU, (unsigned long)kvm->arch.made);
        if (fd < 0)
            return kvm_fail("vcpu", "KVM_CREATE_VCPU");
        kvm->arch.fds[kvm->arch.made] = fd;
    }
    if (ioctl(kvm->fd, KVM_ARM_PREFERRED_TARGET, &base) < 0)
        return kvm_fail("vcpu", "KVM_ARM_PREFERRED_TARGET");
    for (; kvm->arch.started < vm->max_vcpus; kvm->arch.started++) {
        vmaccel_status status = start_vcpu(vm, kvm->arch.started, &base);
        if (status != VMACCEL_OK)
            return status;
    }
    return VMACCEL_OK;
}

/* With the GIC in place, whose interrupt it is. */
static vmaccel_status start_pmus(vmaccel_vm *vm)
{
    struct kvm_vm *kvm = kvm_vm(vm);
    int intid = PMU_INTID;

    for (; kvm->arch.pmus < vm->max_vcpus; kvm->arch.pmus++) {
        int fd = kvm->arch.fds[kvm->arch.pmus];
        vmaccel_status status = VMACCEL_OK;
        if (kvm->arch.gic >= 0)
            status = kvm_arm64_attribute(fd, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_CTRL,
                                         KVM_ARM_VCPU_PMU_V3_IRQ, &intid);
        if (status == VMACCEL_OK)
            status = kvm_arm64_attribute(fd, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_CTRL,
                                         KVM_ARM_VCPU_PMU_V3_INIT, NULL);
        if (status != VMACCEL_OK)
            return status;
    }
    return VMACCEL_OK;
}

vmaccel_status kvm_arm64_commit(vmaccel_vm *vm)
{
    vmaccel_status status = start_vcpus(vm);
    if (status == VMACCEL_OK && vm->irqchip != VMACCEL_IRQCHIP_NONE)
        status = kvm_arm64_gic_open(vm);
    if (status == VMACCEL_OK && (vm->arm64.features & VMACCEL_ARM64_FEATURE_PMU) != 0)
        status = start_pmus(vm);
    return status;
}

/* The caller has chosen to do without. */
static bool refused(const vmaccel_vm *vm, uint32_t feature)
{
    return vm->arm64.features_set && (vm->arm64.features & feature) == 0;
}

bool kvm_arch_vm_cap(const vmaccel_vm *vm, vmaccel_cap cap, uint64_t *value)
{
    const struct kvm_vm *kvm = kvm_vm(vm);
    bool full = vm->irqchip == VMACCEL_IRQCHIP_FULL;

    switch (cap) {
    case VMACCEL_CAP_IRQ_LINE:
    case VMACCEL_CAP_REG_IRQCHIP:
        return full;
    case VMACCEL_CAP_ARM64_GICV2:
        *value = kvm_arm64_device(kvm->fd, KVM_DEV_TYPE_ARM_VGIC_V2);
        return *value != 0;
    case VMACCEL_CAP_ARM64_GICV3:
        *value = kvm_arm64_device(kvm->fd, KVM_DEV_TYPE_ARM_VGIC_V3);
        return *value != 0;
    case VMACCEL_CAP_ARM64_ITS:
        *value = kvm_arm64_device(kvm->fd, KVM_DEV_TYPE_ARM_VGIC_ITS);
        return *value != 0;
    case VMACCEL_CAP_EXIT_HYPERCALL:
        *value = kvm_arm64_has_filter(kvm->fd);
        return *value != 0;
    case VMACCEL_CAP_IRQ_MSI:
        *value = vm->arm64.gic.its != 0;
        return *value != 0;
    case VMACCEL_CAP_ARM64_PMU:
        return !refused(vm, VMACCEL_ARM64_FEATURE_PMU);
    case VMACCEL_CAP_ARM64_PAUTH:
        return !refused(vm, VMACCEL_ARM64_FEATURE_PAUTH);
    case VMACCEL_CAP_REG_SVE:
        if (refused(vm, VMACCEL_ARM64_FEATURE_SVE))
            return false;
        *value = vm->committed ? kvm->arch.sve_vl : kvm_arch_cap(kvm->sys_fd, cap);
        return *value != 0;
    default:
        return true;
    }
}
