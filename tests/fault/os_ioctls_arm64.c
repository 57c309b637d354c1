/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of arm64's KVM. */
#include <linux/kvm.h>

#include "os_calls.h"

#define IOCTLS(X)                                                                                  \
    X(KVM_GET_API_VERSION)                                                                         \
    X(KVM_CREATE_VM)                                                                               \
    X(KVM_CHECK_EXTENSION)                                                                         \
    X(KVM_GET_VCPU_MMAP_SIZE)                                                                      \
    X(KVM_ENABLE_CAP)                                                                              \
    X(KVM_CREATE_VCPU)                                                                             \
    X(KVM_SET_USER_MEMORY_REGION)                                                                  \
    X(KVM_GET_DIRTY_LOG)                                                                           \
    X(KVM_IRQ_LINE)                                                                                \
    X(KVM_SIGNAL_MSI)                                                                              \
    X(KVM_IOEVENTFD)                                                                               \
    X(KVM_RUN)                                                                                     \
    X(KVM_GET_MP_STATE)                                                                            \
    X(KVM_SET_MP_STATE)                                                                            \
    X(KVM_SET_GUEST_DEBUG)                                                                         \
    X(KVM_GET_VCPU_EVENTS)                                                                         \
    X(KVM_SET_VCPU_EVENTS)                                                                         \
    X(KVM_ARM_PREFERRED_TARGET)                                                                    \
    X(KVM_ARM_VCPU_INIT)                                                                           \
    X(KVM_ARM_VCPU_FINALIZE)                                                                       \
    X(KVM_CREATE_DEVICE)                                                                           \
    X(KVM_SET_DEVICE_ATTR)                                                                         \
    X(KVM_GET_DEVICE_ATTR)                                                                         \
    X(KVM_GET_ONE_REG)                                                                             \
    X(KVM_SET_ONE_REG)                                                                             \
    X(KVM_GET_REG_LIST)

const struct os_ioctl os_ioctls[] = {
#define ENTRY(name) {name, #name},
    IOCTLS(ENTRY)
#undef ENTRY
};
const size_t os_ioctl_count = sizeof(os_ioctls) / sizeof(os_ioctls[0]);

bool os_cap_optional(unsigned cap)
{
    return cap == KVM_CAP_ARM_NISV_TO_USER;
}
