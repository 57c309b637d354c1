/* SPDX-License-Identifier: BSD-2-Clause */
/* What /dev/kvm is on this host, and what it can do. */
#include <cpuid.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "kvm.h"

#define KVM_DEVICE "/dev/kvm"

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

vmaccel_status kvm_open(int *fd)
{
    *fd = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);
    if (*fd < 0) {
        int error = errno;
        if (error == EACCES || error == EPERM)
            return core_fail(VMACCEL_E_PERMISSION, "kvm", "platform", NULL, error,
                             "open " KVM_DEVICE ": permission denied; add yourself to group kvm");
        if (error == ENOENT)
            return core_fail(
                VMACCEL_E_UNAVAILABLE, "kvm", "platform", NULL, error,
                "no " KVM_DEVICE
                "; load kvm_intel or kvm_amd, or switch virtualization on in the firmware");
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

void kvm_probe(vmaccel_platform_info *info)
{
    int fd;
    info->status = kvm_open(&fd);
    if (info->status != VMACCEL_OK) {
        snprintf(info->reason, sizeof info->reason, "%s", vmaccel_last_error()->text);
        return;
    }
    int immediate = ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_IMMEDIATE_EXIT);
    close(fd);
    if (immediate <= 0) {
        info->status = VMACCEL_E_UNAVAILABLE;
        snprintf(info->reason, sizeof info->reason,
                 "this kernel's KVM lacks KVM_CAP_IMMEDIATE_EXIT (Linux 4.12)");
        return;
    }
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

static uint64_t extension(int fd, int number)
{
    int value = ioctl(fd, KVM_CHECK_EXTENSION, number);
    return value > 0 ? (uint64_t)value : 0;
}

/* fd is /dev/kvm or a VM. */
uint64_t kvm_cap_common(int fd, bool paravirtual, vmaccel_cap cap)
{
    uint64_t value;
    switch (cap) {
    case VMACCEL_CAP_MAX_VCPUS:
        value = extension(fd, KVM_CAP_MAX_VCPUS);
        return value != 0 ? value : 4;
    case VMACCEL_CAP_PAGE_SIZE:
        return 4096;
    case VMACCEL_CAP_GPA_BITS:
        return gpa_bits();
    case VMACCEL_CAP_MAX_REGIONS:
        value = extension(fd, KVM_CAP_NR_MEMSLOTS);
        return value != 0 ? value : 32;
    case VMACCEL_CAP_MAX_VMS:
        return UINT32_MAX;
    case VMACCEL_CAP_NATIVE_KERNEL:
        return !paravirtual;
    case VMACCEL_CAP_MEM_READ_ONLY:
        return extension(fd, KVM_CAP_READONLY_MEM) != 0;
    case VMACCEL_CAP_MEM_DIRTY_LOG:
    case VMACCEL_CAP_MEM_ALIAS:
    case VMACCEL_CAP_IRQCHIP_NONE:
    case VMACCEL_CAP_INJECT_INTERRUPT:
    case VMACCEL_CAP_INJECT_EXCEPTION:
    case VMACCEL_CAP_EXIT_HLT:
    case VMACCEL_CAP_REG_FPU:
    case VMACCEL_CAP_REG_MSR:
    case VMACCEL_CAP_REG_CPUID:
    case VMACCEL_CAP_TRANSLATE:
        return 1;
    case VMACCEL_CAP_DOORBELL:
    case VMACCEL_CAP_DOORBELL_KERNEL:
        return extension(fd, KVM_CAP_IOEVENTFD) != 0;
    case VMACCEL_CAP_IRQCHIP_SPLIT:
        return extension(fd, KVM_CAP_SPLIT_IRQCHIP) != 0;
    case VMACCEL_CAP_IRQCHIP_FULL:
        return extension(fd, KVM_CAP_IRQCHIP) != 0 && extension(fd, KVM_CAP_PIT2) != 0;
    case VMACCEL_CAP_IRQ_LINE:
        return extension(fd, KVM_CAP_IRQCHIP) != 0;
    case VMACCEL_CAP_IRQ_MSI:
        return extension(fd, KVM_CAP_SIGNAL_MSI) != 0;
    case VMACCEL_CAP_INJECT_NMI:
        return extension(fd, KVM_CAP_USER_NMI) != 0;
    case VMACCEL_CAP_EXIT_MSR:
        return extension(fd, KVM_CAP_X86_USER_SPACE_MSR) != 0;
    case VMACCEL_CAP_SINGLE_STEP:
        return extension(fd, KVM_CAP_SET_GUEST_DEBUG) != 0;
    case VMACCEL_CAP_SW_BREAKPOINT:
        return !on_tcg() && extension(fd, KVM_CAP_SET_GUEST_DEBUG) != 0;
    case VMACCEL_CAP_HW_WATCHPOINT: /* KVM's instruction emulator looks at execution only */
        if (paravirtual)
            return 0;
        /* fall through */
    case VMACCEL_CAP_HW_BREAKPOINT:
        return !on_tcg() && extension(fd, KVM_CAP_SET_GUEST_DEBUG) != 0 ? 4 : 0;
    case VMACCEL_CAP_REG_XSAVE:
        value = extension(fd, KVM_CAP_XSAVE2);
        if (value >= sizeof(struct kvm_xsave))
            return value;
        return extension(fd, KVM_CAP_XSAVE) != 0 ? sizeof(struct kvm_xsave) : 0;
    case VMACCEL_CAP_REG_XCR:
        return extension(fd, KVM_CAP_XCRS) != 0;
    case VMACCEL_CAP_REG_DEBUG:
        return extension(fd, KVM_CAP_DEBUGREGS) != 0;
    case VMACCEL_CAP_REG_EVENTS:
        return extension(fd, KVM_CAP_VCPU_EVENTS) != 0;
    case VMACCEL_CAP_REG_MP_STATE:
        return extension(fd, KVM_CAP_MP_STATE) != 0;
    case VMACCEL_CAP_REG_LAPIC:
    case VMACCEL_CAP_REG_IRQCHIP:
        return extension(fd, KVM_CAP_IRQCHIP) != 0;
    case VMACCEL_CAP_REG_CLOCK:
        return extension(fd, KVM_CAP_ADJUST_CLOCK) != 0;
    case VMACCEL_CAP_TSC_KHZ:
        return extension(fd, KVM_CAP_GET_TSC_KHZ) != 0;
    default:
        return 0;
    }
}

uint64_t kvm_cap(vmaccel_arch arch, vmaccel_cap cap)
{
    int fd;
    if (arch != VMACCEL_ARCH_X86_64 || kvm_open(&fd) != VMACCEL_OK)
        return 0;
    uint64_t value = kvm_cap_common(fd, kvm_is_paravirtual(), cap);
    close(fd);
    return value;
}
