/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes as accesses to the interrupt controllers: each 8 bytes are operation, vCPU and size, two of
 * offset, four of value. The first byte chooses the kind. */
#include <stdlib.h>
#include <string.h>

#include "irqchip/x86.h"

#define VCPUS 3u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct machine {
    struct x86_irqchip *chip;
    enum x86_irqchip_kind kind;
    uint64_t now;
};

static void on_vcpu(void *context, uint32_t vcpu)
{
    struct machine *machine = context;
    if (vcpu >= VCPUS)
        abort();
    /* Callbacks come without the lock. */
    (void)x86_lapic_cr8(machine->chip, vcpu);
}

static void on_init(void *context, uint32_t vcpu)
{
    struct machine *machine = context;
    on_vcpu(context, vcpu);
    x86_lapic_reset(machine->chip, vcpu, true);
}

static void on_vector(void *context, uint32_t vcpu, uint8_t vector)
{
    (void)vector;
    on_vcpu(context, vcpu);
}

static void on_msi(void *context, uint64_t address, uint32_t data)
{
    (void)context;
    if ((address & ~UINT64_C(0xfffff)) != 0xfee00000 || (data & ~0xc7ffu) != 0)
        abort();
}

static uint64_t fuzz_clock(void *context)
{
    return ((struct machine *)context)->now;
}

static uint64_t fuzz_tsc(void *context, uint32_t vcpu)
{
    return ((struct machine *)context)->now * 3 + vcpu;
}

static void check_read(uint64_t value, uint8_t size)
{
    if (size < 8 && value >> 8 * size != 0)
        abort();
}

static void restore(struct machine *machine, uint32_t vcpu, const uint8_t *op)
{
    vmaccel_x86_irqchip chip;
    vmaccel_x86_lapic lapic, again;
    uint8_t *bytes = (uint8_t *)&chip;
    x86_irqchip_get_state(machine->chip, &chip);
    for (int i = 0; i < 4; i++)
        bytes[((size_t)op[2] << 2 | op[3] << 8 | i) % sizeof(chip)] = op[4 + i];
    x86_irqchip_set_state(machine->chip, &chip);
    if (machine->kind == X86_IRQCHIP_NO_LAPIC)
        return;
    x86_lapic_get_state(machine->chip, vcpu, &lapic);
    if (!x86_lapic_set_state(machine->chip, vcpu, &lapic))
        abort();
    x86_lapic_get_state(machine->chip, vcpu, &again);
    memcpy(again.regs + 0x200, lapic.regs + 0x200, 0x80); /* a past deadline fires */
    if (memcmp(&lapic, &again, sizeof(lapic)) != 0)
        abort();
    memcpy(lapic.regs + (op[2] << 2 & 0x3fc), op + 4, 4);
    (void)x86_lapic_set_state(machine->chip, vcpu, &lapic);
}

static void access_lapic(struct machine *machine, uint32_t vcpu, const uint8_t *op, uint32_t value)
{
    uint32_t offset = (op[2] | (uint32_t)op[3] << 8) & (op[3] & 0x80 ? 0xffff : 0x3f0);
    uint8_t width = (uint8_t)(1u << (op[3] >> 5 & 3));
    if (op[3] & 4)
        width = 4;
    if (op[0] & 0x80)
        x86_lapic_write(machine->chip, vcpu, offset, width, value);
    else
        check_read(x86_lapic_read(machine->chip, vcpu, offset, width), width);
}

static void run_one(struct machine *machine, const uint8_t *op)
{
    struct x86_irqchip *chip = machine->chip;
    uint32_t value = op[4] | (uint32_t)op[5] << 8 | (uint32_t)op[6] << 16 | (uint32_t)op[7] << 24;
    uint32_t vcpu = op[1] % VCPUS, port = op[2] | (op[3] & 7u) << 8;
    uint64_t wide = value;
    uint8_t width = (uint8_t)(1u << (op[1] >> 6));
    switch (op[0] & 15) {
    case 0:
    case 1:
        access_lapic(machine, vcpu, op, value);
        break;
    case 2:
        if (op[0] & 0x80)
            (void)x86_lapic_write_msr(chip, vcpu, 0x7f0 + op[2], wide | (uint64_t)op[3] << 32);
        else
            (void)x86_lapic_read_msr(chip, vcpu, 0x7f0 + op[2], &wide);
        break;
    case 3:
        if (op[0] & 0x80)
            x86_ioapic_write(chip, op[2], width, value);
        else
            check_read(x86_ioapic_read(chip, op[2], width), width);
        break;
    case 4:
    case 5:
        if (op[0] & 0x40) /* the 8254 */
            port = 0x40 | (op[2] & 3);
        if (op[0] & 0x80)
            (void)x86_irqchip_port_write(chip, (uint16_t)port, width, value);
        else if (x86_irqchip_port_read(chip, (uint16_t)port, width, &value))
            check_read(value, width);
        break;
    case 6:
        x86_irqchip_line(chip, op[2] & 31, op[3] & 1);
        break;
    case 7:
        x86_irqchip_msi(chip, (uint64_t)op[3] << 40 | 0xfee00000 | (uint32_t)op[2] << 12 | op[1],
                        value);
        break;
    case 8:
        if (x86_lapic_acknowledge(chip, vcpu) > 0xff)
            abort();
        break;
    case 9:
        x86_lapic_set_cr8(chip, vcpu, op[2]);
        break;
    case 10:
        (void)x86_lapic_set_base(chip, vcpu, wide << 4 & 0xffffffd00, op[0] & 0x80);
        break;
    case 11:
        x86_lapic_set_deadline(chip, vcpu, wide << (op[2] & 31));
        x86_lapic_tsc_changed(chip, vcpu);
        (void)x86_lapic_deadline(chip, vcpu);
        break;
    case 12:
        restore(machine, vcpu, op);
        break;
    case 13:
        if (op[2] & 1)
            x86_lapic_detach(chip, vcpu);
        else
            x86_lapic_attach(chip, vcpu);
        x86_ioapic_eoi(chip, op[3]);
        break;
    default:
        machine->now += (uint64_t)value << (op[2] & 15);
        break;
    }
    if (x86_irqchip_advance(chip) <= machine->now)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine machine = {
        .kind = size != 0 ? (enum x86_irqchip_kind)(data[0] % 3) : X86_IRQCHIP_FULL, .now = 1};
    const struct x86_irqchip_config config = {
        .kind = machine.kind,
        .max_vcpus = VCPUS,
        .tsc_khz = 3000000,
        .manual = true,
        .context = &machine,
        .notify = on_vcpu,
        .init = on_init,
        .sipi = on_vector,
        .nmi = on_vcpu,
        .eoi = on_vector,
        .msi = on_msi,
        .clock = fuzz_clock,
        .tsc = fuzz_tsc,
    };
    int32_t error;
    if (size > 8 * 4096)
        return 0;
    machine.chip = x86_irqchip_create(&config, &error);
    if (machine.chip == NULL)
        return 0;
    for (uint32_t i = 0; i < VCPUS; i++)
        x86_lapic_attach(machine.chip, i);
    for (size_t at = 1; at + 8 <= size; at += 8)
        run_one(&machine, data + at);
    x86_irqchip_destroy(machine.chip);
    return 0;
}
