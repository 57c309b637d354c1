/* SPDX-License-Identifier: BSD-2-Clause */
/* The in-kernel GIC, and interrupt lines. Source: Linux Documentation/virt/kvm/devices. */
#include <unistd.h>

#include "kvm.h"

vmaccel_status kvm_arm64_attribute(int fd, unsigned long request, uint32_t group, uint64_t attr,
                                   void *value)
{
    struct kvm_device_attr attribute = {
        .group = group, .attr = attr, .addr = (uint64_t)(uintptr_t)value};
    const char *call =
        request == KVM_SET_DEVICE_ATTR ? "KVM_SET_DEVICE_ATTR" : "KVM_GET_DEVICE_ATTR";

    if (ioctl(fd, request, &attribute) == 0)
        return VMACCEL_OK;
    if (errno == EBUSY)
        return core_fail(VMACCEL_E_BUSY, "kvm", "irq", NULL, EBUSY, "%s: a vCPU is running", call);
    return kvm_fail("irq", call);
}

static vmaccel_status create(struct kvm_vm *kvm, uint32_t type, int *fd)
{
    struct kvm_create_device device = {.type = type};

    if (ioctl(kvm->fd, KVM_CREATE_DEVICE, &device) < 0)
        return kvm_fail("irq", "KVM_CREATE_DEVICE");
    *fd = (int)device.fd;
    return VMACCEL_OK;
}

static vmaccel_status set_address(int fd, uint64_t which, uint64_t address)
{
    return kvm_arm64_attribute(fd, KVM_SET_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_ADDR, which, &address);
}

static vmaccel_status initialize(int fd)
{
    return kvm_arm64_attribute(fd, KVM_SET_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_CTRL,
                               KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
}

static vmaccel_status step(vmaccel_vm *vm, uint32_t number, bool *end)
{
    struct kvm_vm *kvm = kvm_vm(vm);
    const vmaccel_arm64_gic *gic = &vm->arm64.gic;
    bool v3 = gic->version == 3;
    uint32_t intids = 32 + gic->spis;

    switch (number) {
    case 0:
        return create(kvm, v3 ? KVM_DEV_TYPE_ARM_VGIC_V3 : KVM_DEV_TYPE_ARM_VGIC_V2,
                      &kvm->arch.gic);
    case 1:
        return kvm_arm64_attribute(kvm->arch.gic, KVM_SET_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_NR_IRQS,
                                   0, &intids);
    case 2:
        return set_address(kvm->arch.gic,
                           v3 ? KVM_VGIC_V3_ADDR_TYPE_DIST : KVM_VGIC_V2_ADDR_TYPE_DIST, gic->dist);
    case 3:
        return v3 ? set_address(kvm->arch.gic, KVM_VGIC_V3_ADDR_TYPE_REDIST, gic->redist)
                  : set_address(kvm->arch.gic, KVM_VGIC_V2_ADDR_TYPE_CPU, gic->cpu);
    case 4:
        return initialize(kvm->arch.gic);
    case 5:
        *end = gic->its == 0;
        return *end ? VMACCEL_OK : create(kvm, KVM_DEV_TYPE_ARM_VGIC_ITS, &kvm->arch.its);
    case 6:
        return set_address(kvm->arch.its, KVM_VGIC_ITS_ADDR_TYPE, gic->its);
    case 7:
        return initialize(kvm->arch.its);
    default:
        *end = true;
        return VMACCEL_OK;
    }
}

vmaccel_status kvm_arm64_gic_open(vmaccel_vm *vm)
{
    struct kvm_vm *kvm = kvm_vm(vm);

    for (bool end = false;;) {
        vmaccel_status status = step(vm, kvm->arch.gic_steps, &end);
        if (status != VMACCEL_OK || end)
            return status;
        kvm->arch.gic_steps++;
    }
}

void kvm_arm64_gic_close(vmaccel_vm *vm)
{
    const struct kvm_vm *kvm = kvm_vm(vm);

    if (kvm->arch.its >= 0)
        close(kvm->arch.its);
    if (kvm->arch.gic >= 0)
        close(kvm->arch.gic);
}

static vmaccel_status drive(vmaccel_vm *vm, uint32_t type, uint32_t number, bool level)
{
    struct kvm_irq_level irq = {.irq = type << KVM_ARM_IRQ_TYPE_SHIFT | number, .level = level};

    return ioctl(kvm_vm(vm)->fd, KVM_IRQ_LINE, &irq) < 0 ? kvm_fail("irq", "KVM_IRQ_LINE")
                                                         : VMACCEL_OK;
}

vmaccel_status kvm_arm64_irq_line(vmaccel_vm *vm, uint32_t line, bool level)
{
    return drive(vm, KVM_ARM_IRQ_TYPE_SPI, 32 + line, level);
}

/* KVM answers 0 for an event the guest has not mapped. */
vmaccel_status kvm_arm64_irq_msi(vmaccel_vm *vm, uint64_t address, uint32_t data)
{
    struct kvm_msi msi = {.address_lo = (uint32_t)address,
                          .address_hi = (uint32_t)(address >> 32) & 0xffff,
                          .data = data,
                          .flags = KVM_MSI_VALID_DEVID,
                          .devid = (uint32_t)(address >> 48)};

    return ioctl(kvm_vm(vm)->fd, KVM_SIGNAL_MSI, &msi) < 0 ? kvm_fail("irq", "KVM_SIGNAL_MSI")
                                                           : VMACCEL_OK;
}

vmaccel_status kvm_arm64_cpu_line(vmaccel_vcpu *vcpu, uint32_t number, bool level)
{
    uint32_t low = vcpu->index & KVM_ARM_IRQ_VCPU_MASK, high = vcpu->index >> 8;

    return drive(vcpu->vm, KVM_ARM_IRQ_TYPE_CPU,
                 high << KVM_ARM_IRQ_VCPU2_SHIFT | low << KVM_ARM_IRQ_VCPU_SHIFT | number, level);
}
