/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm.h"

static bool enable(int fd, uint32_t cap, uint64_t arg)
{
    struct kvm_enable_cap enable = {.cap = cap, .args = {arg}};
    return ioctl(fd, KVM_ENABLE_CAP, &enable) == 0;
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
        if (!enable(kvm->fd, KVM_CAP_SPLIT_IRQCHIP, 24))
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
        !enable(kvm->fd, KVM_CAP_X2APIC_API,
                KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK))
        return kvm_fail("irq", "KVM_CAP_X2APIC_API");
    return VMACCEL_OK;
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
    do /* a signal may interrupt the creation */
        kvm->fd = ioctl(kvm->sys_fd, KVM_CREATE_VM, 0);
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
    kvm->paravirtual = kvm_is_paravirtual();

    uint64_t sync = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
    int value = ioctl(kvm->fd, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS);
    kvm->sync_regs = value > 0 && ((uint64_t)value & sync) == sync;
    value = ioctl(kvm->fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
    kvm->xsave2 = value >= (int)sizeof(struct kvm_xsave);
    kvm->xsave_size = kvm->xsave2 ? (uint32_t)value : (uint32_t)sizeof(struct kvm_xsave);
    kvm->exception_payload = ioctl(kvm->fd, KVM_CHECK_EXTENSION, KVM_CAP_EXCEPTION_PAYLOAD) > 0 &&
                             enable(kvm->fd, KVM_CAP_EXCEPTION_PAYLOAD, 1);
    kvm->triple_fault_event =
        ioctl(kvm->fd, KVM_CHECK_EXTENSION, KVM_CAP_X86_TRIPLE_FAULT_EVENT) > 0 &&
        enable(kvm->fd, KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1);

    status = reserve_real_mode_pages(kvm->fd);
    if (status == VMACCEL_OK)
        status = create_irqchip(vm);
    if (status == VMACCEL_OK && (vm->exits & VMACCEL_VM_EXIT_MSR) != 0 &&
        !enable(kvm->fd, KVM_CAP_X86_USER_SPACE_MSR,
                KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_INVAL))
        status = kvm_fail("vm", "KVM_CAP_X86_USER_SPACE_MSR");
    return status;
}

vmaccel_status kvm_vm_create(vmaccel_vm *vm)
{
    struct kvm_vm *kvm = kvm_vm(vm);
    kvm->sys_fd = kvm->fd = -1;
    pthread_mutex_init(&kvm->routes_lock, NULL);
    pthread_mutex_init(&kvm->tsc_lock, NULL);
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
    free(kvm->cpuid);
    if (kvm->fd >= 0)
        close(kvm->fd);
    if (kvm->sys_fd >= 0)
        close(kvm->sys_fd);
    pthread_mutex_destroy(&kvm->tsc_lock);
    pthread_mutex_destroy(&kvm->routes_lock);
}

uint64_t kvm_vm_cap(const vmaccel_vm *vm, vmaccel_cap cap)
{
    const struct kvm_vm *kvm = kvm_vm(vm);
    bool none = vm->irqchip == VMACCEL_IRQCHIP_NONE;
    switch (cap) {
    case VMACCEL_CAP_IRQ_LINE:
    case VMACCEL_CAP_REG_IRQCHIP:
        if (vm->irqchip != VMACCEL_IRQCHIP_FULL)
            return 0;
        break;
    case VMACCEL_CAP_IRQ_MSI:
    case VMACCEL_CAP_REG_LAPIC:
        if (none)
            return 0;
        break;
    case VMACCEL_CAP_INJECT_INTERRUPT:
    case VMACCEL_CAP_EXIT_HLT: /* an in-kernel local APIC halts by itself */
        if (!none)
            return 0;
        break;
    case VMACCEL_CAP_REG_XSAVE:
        return kvm->xsave_size;
    default:
        break;
    }
    return kvm_cap_common(kvm->fd, kvm->paravirtual, cap);
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
