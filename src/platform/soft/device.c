/* SPDX-License-Identifier: BSD-2-Clause */
/* What a CPU's device accesses reach without an exit: interrupt controllers and doorbells. */
#include <stdlib.h>

#include "soft.h"

static bool rings(const struct soft_doorbell *bell, bool pio, uint64_t address, unsigned size,
                  uint64_t value)
{
    return bell->pio == pio && bell->address == address && bell->length == size &&
           (!bell->match || bell->value == value);
}

static bool ring(const struct soft_vm *soft, bool pio, uint64_t address, unsigned size,
                 uint64_t value)
{
    if (size < 8)
        value &= (UINT64_C(1) << 8 * size) - 1;
    for (size_t i = 0; i < soft->doorbell_count; i++) {
        const struct soft_doorbell *bell = &soft->doorbells[i];
        if (rings(bell, pio, address, size, value)) {
            os_event_signal(&(os_event){.native = bell->native});
            return true;
        }
    }
    return false;
}

vmaccel_status soft_doorbell(vmaccel_vm *vm, const vmaccel_doorbell_config *config, intptr_t native,
                             bool add)
{
    struct soft_vm *soft = soft_vm(vm);
    if (!add) {
        size_t i = 0;
        while (soft->doorbells[i].native != native)
            i++;
        soft->doorbells[i] = soft->doorbells[--soft->doorbell_count];
        return VMACCEL_OK;
    }
    struct soft_doorbell *larger =
        realloc(soft->doorbells, (soft->doorbell_count + 1) * sizeof *larger);
    if (larger == NULL)
        return soft_no_memory("memory", "a doorbell");
    soft->doorbells = larger;
    larger[soft->doorbell_count++] = (struct soft_doorbell){
        .address = config->address,
        .value = config->value,
        .native = native,
        .length = (uint8_t)config->length,
        .pio = config->pio != 0,
        .match = config->match != 0,
    };
    return VMACCEL_OK;
}

static bool lapic_access(struct soft_vm *soft, uint32_t index, uint64_t gpa, unsigned size,
                         bool write, uint64_t *value)
{
    uint64_t base = x86_lapic_base(soft->chip, index);
    uint64_t offset = gpa - (base & X86_APIC_BASE_ADDRESS);
    if (offset >= X86_LAPIC_WINDOW ||
        (base & (X86_APIC_BASE_EN | X86_APIC_BASE_EXTD)) != X86_APIC_BASE_EN)
        return false;
    if (write)
        x86_lapic_write(soft->chip, index, (uint32_t)offset, (uint8_t)size, *value);
    else
        *value = x86_lapic_read(soft->chip, index, (uint32_t)offset, (uint8_t)size);
    return true;
}

static bool ioapic_access(struct soft_vm *soft, uint64_t gpa, unsigned size, bool write,
                          uint64_t *value)
{
    uint64_t offset = gpa - X86_IOAPIC_BASE;
    if (offset >= X86_IOAPIC_WINDOW)
        return false;
    if (write)
        x86_ioapic_write(soft->chip, offset, (uint8_t)size, *value);
    else
        *value = x86_ioapic_read(soft->chip, offset, (uint8_t)size);
    return true;
}

static bool mmio(void *context, uint64_t gpa, unsigned size, bool write, uint64_t *value)
{
    const vmaccel_vcpu *vcpu = context;
    struct soft_vm *soft = soft_vm(vcpu->vm);
    if (soft->chip != NULL && lapic_access(soft, vcpu->index, gpa, size, write, value))
        return true;
    if (vcpu->vm->irqchip == VMACCEL_IRQCHIP_FULL && ioapic_access(soft, gpa, size, write, value))
        return true;
    return write && ring(soft, false, gpa, size, *value);
}

static bool pio(void *context, uint16_t port, unsigned size, bool write, uint32_t *value)
{
    const vmaccel_vcpu *vcpu = context;
    struct soft_vm *soft = soft_vm(vcpu->vm);
    if (vcpu->vm->irqchip == VMACCEL_IRQCHIP_FULL &&
        (write ? x86_irqchip_port_write(soft->chip, port, (uint8_t)size, *value)
               : x86_irqchip_port_read(soft->chip, port, (uint8_t)size, value)))
        return true;
    return write && ring(soft, true, port, size, *value);
}

static bool interrupt_pending(void *context)
{
    const vmaccel_vcpu *vcpu = context;
    struct x86_irqchip *chip = soft_vm(vcpu->vm)->chip;
    return chip != NULL && x86_lapic_pending(chip, vcpu->index);
}

static int interrupt_take(void *context)
{
    const vmaccel_vcpu *vcpu = context;
    struct x86_irqchip *chip = soft_vm(vcpu->vm)->chip;
    return chip != NULL ? x86_lapic_acknowledge(chip, vcpu->index) : -1;
}

static uint64_t get_tpr(void *context)
{
    const vmaccel_vcpu *vcpu = context;
    struct x86_irqchip *chip = soft_vm(vcpu->vm)->chip;
    return chip != NULL ? x86_lapic_cr8(chip, vcpu->index) : soft_vcpu(vcpu)->cr8;
}

static void set_tpr(void *context, uint64_t cr8)
{
    const vmaccel_vcpu *vcpu = context;
    struct x86_irqchip *chip = soft_vm(vcpu->vm)->chip;
    if (chip == NULL)
        soft_vcpu(vcpu)->cr8 = (uint8_t)cr8;
    else if (x86_lapic_cr8(chip, vcpu->index) != cr8) /* the priority's low bits are not in CR8 */
        x86_lapic_set_cr8(chip, vcpu->index, (uint8_t)cr8);
}

static uint64_t tsc(void *context)
{
    const vmaccel_vcpu *vcpu = context;
    return soft_tsc(soft_vm(vcpu->vm));
}

const struct cpu_ops soft_cpu_ops = {
    .page = soft_page,
    .mmio = mmio,
    .pio = pio,
    .msr = soft_msr,
    .interrupt_pending = interrupt_pending,
    .interrupt_take = interrupt_take,
    .get_tpr = get_tpr,
    .set_tpr = set_tpr,
    .tsc = tsc,
};
