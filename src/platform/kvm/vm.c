/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm.h"

bool kvm_enable(int fd, uint32_t cap, uint64_t arg)
{
    struct kvm_enable_cap enable = {.cap = cap, .args = {arg}};
    return ioctl(fd, KVM_ENABLE_CAP, &enable) == 0;
}

static vmaccel_status open_vm(vmaccel_vm *vm)
{
    struct kvm_vm *kvm = kvm_vm(vm);
    vmaccel_status status = kvm_open(&kvm->sys_fd);
    if (status != VMACCEL_OK)
        return status;
    if (ioctl(kvm->sys_fd, KVM_CHECK_EXTENSION, KVM_CAP_IMMEDIATE_EXIT) <= 0)
        return core_fail(VMACCEL_E_UNAVAILABLE, "kvm", "vm", NULL, 0,
                         "KVM lacks KVM_CAP_IMMEDIATE_EXIT (Linux 4.12)");
    unsigned long type = kvm_arch_vm_type(kvm->sys_fd);
    do /* a signal may interrupt the creation */
        kvm->fd = ioctl(kvm->sys_fd, KVM_CREATE_VM, type);
    while (kvm->fd < 0 && errno == EINTR);
    if (kvm->fd < 0)
        return kvm_fail("vm", "KVM_CREATE_VM");
    int run_size = ioctl(kvm->sys_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (run_size < (int)sizeof(struct kvm_run))
        return run_size < 0
                   ? kvm_fail("vm", "KVM_GET_VCPU_MMAP_SIZE")
                   : core_fail(VMACCEL_E_PLATFORM, "kvm", "vm", NULL, 0,
                               "KVM_GET_VCPU_MMAP_SIZE: %d bytes are fewer than a run page",
                               run_size);
    kvm->run_size = (uint32_t)run_size;
    return kvm_arch_vm_open(vm);
}

vmaccel_status kvm_vm_create(vmaccel_vm *vm)
{
    struct kvm_vm *kvm = kvm_vm(vm);
    kvm->sys_fd = kvm->fd = -1;
    kvm_arch_vm_init(vm);
    vmaccel_status status = kvm_kick_install();
    if (status == VMACCEL_OK)
        status = open_vm(vm);
    if (status == VMACCEL_OK) {
        kvm->slots = calloc(vm->max_vcpus, sizeof *kvm->slots);
        if (kvm->slots == NULL)
            status = core_fail(VMACCEL_E_NO_MEMORY, "kvm", "vm", NULL, 0,
                               "no memory for %u vCPU slots", vm->max_vcpus);
    }
    if (status != VMACCEL_OK)
        kvm_vm_destroy(vm);
    return status;
}

void kvm_vm_destroy(vmaccel_vm *vm)
{
    struct kvm_vm *kvm = kvm_vm(vm);
    for (uint32_t i = 0; kvm->slots != NULL && i < vm->max_vcpus; i++)
        if (kvm->slots[i].run != NULL)
            munmap(kvm->slots[i].run, kvm->run_size);
    free(kvm->slots);
    if (kvm->fd >= 0)
        close(kvm->fd);
    if (kvm->sys_fd >= 0)
        close(kvm->sys_fd);
    kvm_arch_vm_free(vm);
}

uint64_t kvm_vm_cap(const vmaccel_vm *vm, vmaccel_cap cap)
{
    uint64_t value = 0;
    if (!kvm_arch_vm_cap(vm, cap, &value))
        return 0;
    return value != 0 ? value : kvm_cap_at(kvm_vm(vm)->fd, cap);
}

vmaccel_status kvm_doorbell(vmaccel_vm *vm, const vmaccel_doorbell_config *config, intptr_t native,
                            bool add)
{
    struct kvm_ioeventfd doorbell = {
        .datamatch = config->value,
        .addr = config->address,
        .len = config->length,
        .fd = (int)native,
        .flags = (config->pio != 0 ? (uint32_t)KVM_IOEVENTFD_FLAG_PIO : 0u) |
                 (config->match != 0 ? (uint32_t)KVM_IOEVENTFD_FLAG_DATAMATCH : 0u) |
                 (add ? 0u : (uint32_t)KVM_IOEVENTFD_FLAG_DEASSIGN),
    };
    return ioctl(kvm_vm(vm)->fd, KVM_IOEVENTFD, &doorbell) < 0 ? kvm_fail("memory", "KVM_IOEVENTFD")
                                                               : VMACCEL_OK;
}
