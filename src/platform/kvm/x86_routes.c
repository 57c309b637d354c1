/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt lines, MSIs and KVM's routing table. */
#include "kvm.h"

#define PINS 24u

/* Lines 0 to 15 reach the 8259 pair and the IOAPIC, the rest the IOAPIC; the timer's line 0 is
 * IOAPIC pin 2, which line 2, the cascade, does not drive. */
vmaccel_status kvm_route_lines(vmaccel_vm *vm)
{
    struct {
        struct kvm_irq_routing head;
        struct kvm_irq_routing_entry entries[16 + PINS];
    } table;
    uint32_t n = 0;
    memset(&table, 0, sizeof table);
    for (uint32_t line = 0; line < PINS; line++) {
        if (line < 16)
            table.entries[n++] = (struct kvm_irq_routing_entry){
                .gsi = line,
                .type = KVM_IRQ_ROUTING_IRQCHIP,
                .u.irqchip = {.irqchip = line < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE,
                              .pin = line % 8},
            };
        if (line != 2)
            table.entries[n++] = (struct kvm_irq_routing_entry){
                .gsi = line,
                .type = KVM_IRQ_ROUTING_IRQCHIP,
                .u.irqchip = {.irqchip = KVM_IRQCHIP_IOAPIC, .pin = line == 0 ? 2 : line},
            };
    }
    table.head.nr = n;
    return ioctl(kvm_vm(vm)->fd, KVM_SET_GSI_ROUTING, &table) < 0
               ? kvm_fail("irq", "KVM_SET_GSI_ROUTING")
               : VMACCEL_OK;
}

vmaccel_status kvm_irq_line(vmaccel_vm *vm, uint32_t line, bool level)
{
    struct kvm_irq_level irq = {.irq = line, .level = level};
    return ioctl(kvm_vm(vm)->fd, KVM_IRQ_LINE, &irq) < 0 ? kvm_fail("irq", "KVM_IRQ_LINE")
                                                         : VMACCEL_OK;
}

/* With a split irqchip KVM reports the end of an interrupt for the level-triggered MSIs in its
 * routing table, as those of an IOAPIC outside; enter one when it is first sent. The oldest of 24
 * makes room. Any thread: under the routing lock. */
static vmaccel_status report_eoi(vmaccel_vm *vm, const struct kvm_msi *msi)
{
    struct kvm_vm *kvm = kvm_vm(vm);
    struct {
        struct kvm_irq_routing head;
        struct kvm_irq_routing_entry entries[PINS];
    } table;
    vmaccel_status status = VMACCEL_OK;

    pthread_mutex_lock(&kvm->arch.routes_lock);
    uint32_t used = kvm->arch.routes_used < PINS ? kvm->arch.routes_used : PINS;
    bool known = false;
    for (uint32_t i = 0; i < used && !known; i++)
        known = kvm->arch.routes[i].address_lo == msi->address_lo &&
                kvm->arch.routes[i].address_hi == msi->address_hi &&
                kvm->arch.routes[i].data == msi->data;
    if (!known) {
        kvm->arch.routes[kvm->arch.routes_used++ % PINS] = *msi;
        used = kvm->arch.routes_used < PINS ? kvm->arch.routes_used : PINS;
        memset(&table, 0, sizeof table);
        table.head.nr = used;
        for (uint32_t i = 0; i < used; i++)
            table.entries[i] = (struct kvm_irq_routing_entry){
                .gsi = i,
                .type = KVM_IRQ_ROUTING_MSI,
                .u.msi = {.address_lo = kvm->arch.routes[i].address_lo,
                          .address_hi = kvm->arch.routes[i].address_hi,
                          .data = kvm->arch.routes[i].data},
            };
        if (ioctl(kvm->fd, KVM_SET_GSI_ROUTING, &table) < 0) {
            kvm->arch.routes_used--;
            status = kvm_fail("irq", "KVM_SET_GSI_ROUTING");
        }
    }
    pthread_mutex_unlock(&kvm->arch.routes_lock);
    return status;
}

vmaccel_status kvm_irq_msi(vmaccel_vm *vm, uint64_t address, uint32_t data)
{
    struct kvm_msi msi = {
        .address_lo = (uint32_t)address, .address_hi = (uint32_t)(address >> 32), .data = data};
    bool level = (data & 1u << 15) != 0;
    if (level && vm->irqchip == VMACCEL_IRQCHIP_SPLIT) {
        vmaccel_status status = report_eoi(vm, &msi);
        if (status != VMACCEL_OK)
            return status;
    }
    return ioctl(kvm_vm(vm)->fd, KVM_SIGNAL_MSI, &msi) < 0 ? kvm_fail("irq", "KVM_SIGNAL_MSI")
                                                           : VMACCEL_OK;
}
