/* SPDX-License-Identifier: BSD-2-Clause */
/* What KVM is on an x86 host. */
#include <cpuid.h>
#include <stdio.h>
#include <unistd.h>

#include "kvm.h"

bool kvm_is_paravirtual(void)
{
    unsigned eax, ebx, ecx, edx;
    bool vmx = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & 1u << 5) != 0;
    bool svm = __get_cpuid(0x80000001u, &eax, &ebx, &ecx, &edx) && (ecx & 1u << 2) != 0;
    if (!vmx && !svm)
        return true;
    bool vendor =
        access("/sys/module/kvm_intel", F_OK) == 0 || access("/sys/module/kvm_amd", F_OK) == 0;
    return !vendor && access("/sys/module/kvm_pvm", F_OK) == 0;
}

/* QEMU's emulated SVM does not arm the debug registers that VMRUN loads, and takes INT3 for an
 * INT n: KVM under it has no break- and watchpoints. */
static bool on_tcg(void)
{
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & 1u << 31) == 0)
        return false;
    __cpuid(0x40000000u, eax, ebx, ecx, edx);
    return ebx == 0x54474354u && ecx == 0x43544743u && edx == 0x47435447u; /* "TCGTCGTCGTCG" */
}

void kvm_arch_probe(int fd, vmaccel_platform_info *info)
{
    (void)fd;
    info->guest_x86_64 = true;
    if (kvm_is_paravirtual()) {
        info->kind = VMACCEL_KIND_PARAVIRTUAL;
        snprintf(info->reason, sizeof info->reason,
                 "paravirtual KVM: guest kernels are emulated instruction by instruction");
    } else {
        info->kind = VMACCEL_KIND_HARDWARE;
        snprintf(info->reason, sizeof info->reason, "hardware KVM");
    }
}

static uint64_t gpa_bits(void)
{
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(0x80000008u, &eax, &ebx, &ecx, &edx))
        return 36;
    return eax & 0xff;
}

uint64_t kvm_arch_cap(int fd, vmaccel_cap cap)
{
    uint64_t value;
    switch (cap) {
    case VMACCEL_CAP_GPA_BITS:
        return gpa_bits();
    case VMACCEL_CAP_NATIVE_KERNEL:
        return !kvm_is_paravirtual();
    case VMACCEL_CAP_INJECT_INTERRUPT:
    case VMACCEL_CAP_INJECT_EXCEPTION:
    case VMACCEL_CAP_EXIT_HLT:
    case VMACCEL_CAP_REG_CPUID:
        return 1;
    case VMACCEL_CAP_IRQCHIP_SPLIT:
        return kvm_extension(fd, KVM_CAP_SPLIT_IRQCHIP) != 0;
    case VMACCEL_CAP_IRQCHIP_FULL:
        return kvm_extension(fd, KVM_CAP_IRQCHIP) != 0 && kvm_extension(fd, KVM_CAP_PIT2) != 0;
    case VMACCEL_CAP_IRQ_MSI:
        return kvm_extension(fd, KVM_CAP_SIGNAL_MSI) != 0;
    case VMACCEL_CAP_INJECT_NMI:
        return kvm_extension(fd, KVM_CAP_USER_NMI) != 0;
    case VMACCEL_CAP_EXIT_MSR:
        return kvm_extension(fd, KVM_CAP_X86_USER_SPACE_MSR) != 0;
    case VMACCEL_CAP_SW_BREAKPOINT:
        return !on_tcg() && kvm_extension(fd, KVM_CAP_SET_GUEST_DEBUG) != 0;
    case VMACCEL_CAP_HW_WATCHPOINT: /* KVM's instruction emulator looks at execution only */
        if (kvm_is_paravirtual())
            return 0;
        /* fall through */
    case VMACCEL_CAP_HW_BREAKPOINT:
        return !on_tcg() && kvm_extension(fd, KVM_CAP_SET_GUEST_DEBUG) != 0 ? 4 : 0;
    case VMACCEL_CAP_REG_XSAVE:
        value = kvm_extension(fd, KVM_CAP_XSAVE2);
        if (value >= sizeof(struct kvm_xsave))
            return value;
        return kvm_extension(fd, KVM_CAP_XSAVE) != 0 ? sizeof(struct kvm_xsave) : 0;
    case VMACCEL_CAP_REG_XCR:
        return kvm_extension(fd, KVM_CAP_XCRS) != 0;
    case VMACCEL_CAP_REG_DEBUG:
        return kvm_extension(fd, KVM_CAP_DEBUGREGS) != 0;
    case VMACCEL_CAP_REG_LAPIC:
    case VMACCEL_CAP_REG_IRQCHIP:
        return kvm_extension(fd, KVM_CAP_IRQCHIP) != 0;
    case VMACCEL_CAP_REG_CLOCK:
        return kvm_extension(fd, KVM_CAP_ADJUST_CLOCK) != 0;
    case VMACCEL_CAP_TSC_KHZ:
        return kvm_extension(fd, KVM_CAP_GET_TSC_KHZ) != 0;
    default:
        return 0;
    }
}
