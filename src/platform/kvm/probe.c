/* SPDX-License-Identifier: BSD-2-Clause */
/* What /dev/kvm is on this host, and what it can do. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "kvm.h"

#define KVM_DEVICE "/dev/kvm"

vmaccel_status kvm_open(int *fd)
{
    *fd = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);
    if (*fd < 0) {
        int error = errno;
        if (error == EACCES || error == EPERM)
            return core_fail(VMACCEL_E_PERMISSION, "kvm", "platform", NULL, error,
                             "open " KVM_DEVICE ": permission denied; add yourself to group kvm");
        if (error == ENOENT)
            return core_fail(VMACCEL_E_UNAVAILABLE, "kvm", "platform", NULL, error,
                             "no " KVM_DEVICE "; " KVM_ARCH_ABSENT);
        return core_fail(VMACCEL_E_UNAVAILABLE, "kvm", "platform", NULL, error,
                         "open " KVM_DEVICE ": %s", strerror(error));
    }
    int version = ioctl(*fd, KVM_GET_API_VERSION, 0);
    if (version != KVM_API_VERSION) {
        vmaccel_status status =
            version < 0
                ? core_fail(VMACCEL_E_UNAVAILABLE, "kvm", "platform", NULL, errno,
                            KVM_DEVICE " does not answer KVM_GET_API_VERSION: %s", strerror(errno))
                : core_fail(VMACCEL_E_UNAVAILABLE, "kvm", "platform", NULL, 0,
                            KVM_DEVICE " has API version %d, not %d", version, KVM_API_VERSION);
        close(*fd);
        *fd = -1;
        return status;
    }
    return VMACCEL_OK;
}

uint64_t kvm_extension(int fd, int number)
{
    int value = ioctl(fd, KVM_CHECK_EXTENSION, number);
    return value > 0 ? (uint64_t)value : 0;
}

void kvm_probe(vmaccel_platform_info *info)
{
    int fd;
    info->status = kvm_open(&fd);
    if (info->status != VMACCEL_OK) {
        snprintf(info->reason, sizeof info->reason, "%s", vmaccel_last_error()->text);
        return;
    }
    if (kvm_extension(fd, KVM_CAP_IMMEDIATE_EXIT) != 0) {
        kvm_arch_probe(fd, info);
    } else {
        info->status = VMACCEL_E_UNAVAILABLE;
        snprintf(info->reason, sizeof info->reason,
                 "this kernel's KVM lacks KVM_CAP_IMMEDIATE_EXIT (Linux 4.12)");
    }
    close(fd);
}

uint64_t kvm_cap_at(int fd, vmaccel_cap cap)
{
    uint64_t value;
    switch (cap) {
    case VMACCEL_CAP_MAX_VCPUS:
        value = kvm_extension(fd, KVM_CAP_MAX_VCPUS);
        return value != 0 ? value : 4;
    case VMACCEL_CAP_PAGE_SIZE:
        return (uint64_t)sysconf(_SC_PAGESIZE);
    case VMACCEL_CAP_MAX_REGIONS:
        value = kvm_extension(fd, KVM_CAP_NR_MEMSLOTS);
        return value != 0 ? value : 32;
    case VMACCEL_CAP_MAX_VMS:
        return UINT32_MAX;
    case VMACCEL_CAP_MEM_READ_ONLY:
        return kvm_extension(fd, KVM_CAP_READONLY_MEM) != 0;
    case VMACCEL_CAP_MEM_DIRTY_LOG:
    case VMACCEL_CAP_MEM_ALIAS:
    case VMACCEL_CAP_IRQCHIP_NONE:
    case VMACCEL_CAP_REG_FPU:
    case VMACCEL_CAP_REG_MSR:
    case VMACCEL_CAP_TRANSLATE:
        return 1;
    case VMACCEL_CAP_DOORBELL:
    case VMACCEL_CAP_DOORBELL_KERNEL:
        return kvm_extension(fd, KVM_CAP_IOEVENTFD) != 0;
    case VMACCEL_CAP_IRQ_LINE:
        return kvm_extension(fd, KVM_CAP_IRQCHIP) != 0;
    case VMACCEL_CAP_SINGLE_STEP:
        return kvm_extension(fd, KVM_CAP_SET_GUEST_DEBUG) != 0;
    case VMACCEL_CAP_REG_EVENTS:
        return kvm_extension(fd, KVM_CAP_VCPU_EVENTS) != 0;
    case VMACCEL_CAP_REG_MP_STATE:
        return kvm_extension(fd, KVM_CAP_MP_STATE) != 0;
    default:
        return kvm_arch_cap(fd, cap);
    }
}

uint64_t kvm_cap(vmaccel_arch arch, vmaccel_cap cap)
{
    int fd;
    if (arch != KVM_ARCH_GUEST || kvm_open(&fd) != VMACCEL_OK)
        return 0;
    uint64_t value = kvm_cap_at(fd, cap);
    close(fd);
    return value;
}
