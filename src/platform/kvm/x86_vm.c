/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "kvm.h"

unsigned long kvm_arch_vm_type(int sys_fd)
{
    (void)sys_fd;
    return 0;
}

void kvm_arch_vm_init(vmaccel_vm *vm)
{
    pthread_mutex_init(&kvm_vm(vm)->arch.routes_lock, NULL);
    pthread_mutex_init(&kvm_vm(vm)->arch.tsc_lock, NULL);
}

void kvm_arch_vm_free(vmaccel_vm *vm)
{
    free(kvm_vm(vm)->arch.cpuid);
    pthread_mutex_destroy(&kvm_vm(vm)->arch.tsc_lock);
    pthread_mutex_destroy(&kvm_vm(vm)->arch.routes_lock);
}

/* An Intel CPU without unrestricted guest runs real mode in a virtual-8086 task that needs three
 * pages of guest-physical space (KVM_SET_TSS_ADDR, KVM_SET_IDENTITY_MAP_ADDR). */
static vmaccel_status reserve_real_mode_pages(int fd)
{
    char flag = 'Y';
    int file = open("/sys/module/kvm_intel/parameters/unrestricted_guest", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return VMACCEL_OK;
    ssize_t got = read(file, &flag, 1);
    close(file);
    if (got != 1 || flag != 'N')
        return VMACCEL_OK;
    uint64_t identity = 0xfffbc000;
    if (ioctl(fd, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0)
        return kvm_fail("vm", "KVM_SET_IDENTITY_MAP_ADDR");
    if (ioctl(fd, KVM_SET_TSS_ADDR, 0xfffbd000ul) < 0)
        return kvm_fail("vm", "KVM_SET_TSS_ADDR");
    return VMACCEL_OK;
}

static vmaccel_status create_irqchip(vmaccel_vm *vm)
{
    struct kvm_vm *kvm = kvm_vm(vm);
    if (vm->irqchip == VMACCEL_IRQCHIP_NONE)
        return VMACCEL_OK;
    if (vm->irqchip == VMACCEL_IRQCHIP_SPLIT) {
        if (!kvm_enable(kvm->fd, KVM_CAP_SPLIT_IRQCHIP, 24))
            return kvm_fail("irq", "KVM_CAP_SPLIT_IRQCHIP");
    } else {
        struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
        if (ioctl(kvm->fd, KVM_CREATE_IRQCHIP, 0) < 0)
            return kvm_fail("irq", "KVM_CREATE_IRQCHIP");
        if (ioctl(kvm->fd, KVM_CREATE_PIT2, &pit) < 0)
            return kvm_fail("irq", "KVM_CREATE_PIT2");
        vmaccel_status status = kvm_route_lines(vm);
        if (status != VMACCEL_OK)
            return status;
    }
    /* 32-bit IDs in the LAPIC state, and no broadcast by ID 0xff under x2APIC. Older kernels go
     * without. */
    if (ioctl(kvm->fd, KVM_CHECK_EXTENSION, KVM_CAP_X2APIC_API) > 0 &&
        !kvm_enable(kvm->fd, KVM_CAP_X2APIC_API,
                    KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK))
        return kvm_fail("irq", "KVM_CAP_X2APIC_API");
    return VMACCEL_OK;
}

vmaccel_status kvm_arch_vm_open(vmaccel_vm *vm)
{
    struct kvm_vm *kvm = kvm_vm(vm);
    uint64_t sync = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
    int value = ioctl(kvm->fd, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS);
    kvm->arch.sync_regs = value > 0 && ((uint64_t)value & sync) == sync;
    value = ioctl(kvm->fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
    kvm->arch.xsave2 = value >= (int)sizeof(struct kvm_xsave);
    kvm->arch.xsave_size = kvm->arch.xsave2 ? (uint32_t)value : (uint32_t)sizeof(struct kvm_xsave);
    kvm->arch.exception_payload =
        ioctl(kvm->fd, KVM_CHECK_EXTENSION, KVM_CAP_EXCEPTION_PAYLOAD) > 0 &&
        kvm_enable(kvm->fd, KVM_CAP_EXCEPTION_PAYLOAD, 1);
    kvm->arch.triple_fault_event =
        ioctl(kvm->fd, KVM_CHECK_EXTENSION, KVM_CAP_X86_TRIPLE_FAULT_EVENT) > 0 &&
        kvm_enable(kvm->fd, KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1);

    vmaccel_status status = reserve_real_mode_pages(kvm->fd);
    if (status == VMACCEL_OK)
        status = create_irqchip(vm);
    if (status == VMACCEL_OK && (vm->exits & VMACCEL_VM_EXIT_MSR) != 0 &&
        !kvm_enable(kvm->fd, KVM_CAP_X86_USER_SPACE_MSR,
                    KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_INVAL))
        status = kvm_fail("vm", "KVM_CAP_X86_USER_SPACE_MSR");
    return status;
}

bool kvm_arch_vm_cap(const vmaccel_vm *vm, vmaccel_cap cap, uint64_t *value)
{
    bool none = vm->irqchip == VMACCEL_IRQCHIP_NONE;

    switch (cap) {
    case VMACCEL_CAP_IRQ_LINE:
    case VMACCEL_CAP_REG_IRQCHIP:
        return vm->irqchip == VMACCEL_IRQCHIP_FULL;
    case VMACCEL_CAP_IRQ_MSI:
    case VMACCEL_CAP_REG_LAPIC:
        return !none;
    case VMACCEL_CAP_INJECT_INTERRUPT:
    case VMACCEL_CAP_EXIT_HLT: /* an in-kernel local APIC halts by itself */
        return none;
    case VMACCEL_CAP_REG_XSAVE:
        *value = kvm_vm(vm)->arch.xsave_size;
        return true;
    default:
        return true;
    }
}
