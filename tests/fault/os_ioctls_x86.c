/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of x86's KVM. */
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
    X(KVM_GET_MSR_INDEX_LIST)                                                                      \
    X(KVM_GET_SUPPORTED_CPUID)                                                                     \
    X(KVM_SET_TSS_ADDR)                                                                            \
    X(KVM_SET_IDENTITY_MAP_ADDR)                                                                   \
    X(KVM_CREATE_IRQCHIP)                                                                          \
    X(KVM_CREATE_PIT2)                                                                             \
    X(KVM_SET_GSI_ROUTING)                                                                         \
    X(KVM_GET_IRQCHIP)                                                                             \
    X(KVM_SET_IRQCHIP)                                                                             \
    X(KVM_GET_PIT2)                                                                                \
    X(KVM_SET_PIT2)                                                                                \
    X(KVM_GET_CLOCK)                                                                               \
    X(KVM_SET_CLOCK)                                                                               \
    X(KVM_GET_REGS)                                                                                \
    X(KVM_SET_REGS)                                                                                \
    X(KVM_GET_SREGS)                                                                               \
    X(KVM_SET_SREGS)                                                                               \
    X(KVM_TRANSLATE)                                                                               \
    X(KVM_INTERRUPT)                                                                               \
    X(KVM_NMI)                                                                                     \
    X(KVM_GET_MSRS)                                                                                \
    X(KVM_SET_MSRS)                                                                                \
    X(KVM_SET_CPUID2)                                                                              \
    X(KVM_GET_CPUID2)                                                                              \
    X(KVM_GET_LAPIC)                                                                               \
    X(KVM_SET_LAPIC)                                                                               \
    X(KVM_GET_TSC_KHZ)                                                                             \
    X(KVM_GET_DEBUGREGS)                                                                           \
    X(KVM_SET_DEBUGREGS)                                                                           \
    X(KVM_GET_XSAVE)                                                                               \
    X(KVM_GET_XSAVE2)                                                                              \
    X(KVM_SET_XSAVE)                                                                               \
    X(KVM_GET_XCRS)                                                                                \
    X(KVM_SET_XCRS)

const struct os_ioctl os_ioctls[] = {
#define ENTRY(name) {name, #name},
    IOCTLS(ENTRY)
#undef ENTRY
};
const size_t os_ioctl_count = sizeof(os_ioctls) / sizeof(os_ioctls[0]);

bool os_cap_optional(unsigned cap)
{
    return cap == KVM_CAP_EXCEPTION_PAYLOAD || cap == KVM_CAP_X86_TRIPLE_FAULT_EVENT;
}
