/* SPDX-License-Identifier: BSD-2-Clause */
/* The IOAPIC (82093AA data sheet; the EOI register is that of version 0x20). */
#include "irqchip/chip.h"

#define INDEX 0x00u
#define DATA  0x10u
#define EOI   0x40u

#define VERSION    (0x20u | (X86_IOAPIC_PINS - 1) << 16)
#define REMOTE_IRR (UINT64_C(1) << 14)
#define LEVEL      (UINT64_C(1) << 15)
#define MASKED     (UINT64_C(1) << 16)
/* Delivery status and remote IRR are read-only. */
#define WRITABLE   (UINT64_C(0xff00000000000000) | (0x1ffff & ~(UINT64_C(1) << 12 | REMOTE_IRR)))
#define MSI_BASE   0xfee00000u
#define MSI_ASSERT (1u << 14)

void ioapic_init(struct ioapic *ioapic)
{
    for (uint32_t pin = 0; pin < X86_IOAPIC_PINS; pin++)
        ioapic->entries[pin] = MASKED;
}

bool ioapic_masked(const struct ioapic *ioapic, uint32_t pin)
{
    return (ioapic->entries[pin] & MASKED) != 0;
}

static enum outcome send(struct x86_irqchip *chip, uint32_t pin, uint64_t entry)
{
    struct message message = {
        .destination = (uint32_t)(entry >> 56),
        .logical = (entry >> 11 & 1) != 0,
        .level = (entry & LEVEL) != 0,
        .mode = entry >> 8 & 7,
        .vector = (uint8_t)entry,
    };
    if (chip_has_lapics(chip))
        return message.mode == MODE_STARTUP ? IGNORED : lapic_deliver(chip, &message);
    bool logical = message.logical, lowest = message.mode == MODE_LOWEST;
    chip->out.msi[pin].address =
        MSI_BASE | message.destination << 12 | (lowest ? 8u : 0) | (logical ? 4u : 0);
    chip->out.msi[pin].data = (uint32_t)message.mode << 8 | message.vector |
                              (message.level ? (uint32_t)LEVEL | MSI_ASSERT : 0);
    chip->out.msis |= 1u << pin;
    chip->out.any = true;
    return DELIVERED;
}

/* A level that nobody has taken yet. */
static enum outcome service_level(struct x86_irqchip *chip, uint32_t pin)
{
    uint64_t *entry = &chip->ioapic.entries[pin];
    if ((*entry & LEVEL) == 0 || (*entry & MASKED) != 0 || (chip->ioapic.levels >> pin & 1) == 0)
        return IGNORED;
    if ((*entry & REMOTE_IRR) != 0)
        return COALESCED;
    enum outcome outcome = send(chip, pin, *entry);
    uint64_t mode = *entry >> 8 & 7;
    if (outcome != IGNORED && mode <= MODE_LOWEST) /* the others get no EOI */
        *entry |= REMOTE_IRR;
    return outcome;
}

enum outcome ioapic_set_pin(struct x86_irqchip *chip, uint32_t pin, bool level)
{
    struct ioapic *ioapic = &chip->ioapic;
    uint32_t bit = 1u << pin;
    bool before = (ioapic->levels & bit) != 0;
    uint64_t entry = ioapic->entries[pin];

    if (!level) {
        ioapic->levels &= ~bit;
        ioapic->delivered &= ~bit;
        return IGNORED;
    }
    ioapic->levels |= bit;
    if ((entry & LEVEL) != 0)
        return service_level(chip, pin);
    if (before || (entry & MASKED) != 0)
        return IGNORED;
    ioapic->delivered |= bit;
    return send(chip, pin, entry);
}

void ioapic_end(struct x86_irqchip *chip, uint8_t vector)
{
    for (uint32_t pin = 0; pin < X86_IOAPIC_PINS; pin++) {
        uint64_t *entry = &chip->ioapic.entries[pin];
        if ((uint8_t)*entry != vector || (*entry & (LEVEL | REMOTE_IRR)) != (LEVEL | REMOTE_IRR))
            continue;
        *entry &= ~REMOTE_IRR;
        service_level(chip, pin);
    }
}

void x86_ioapic_eoi(struct x86_irqchip *chip, uint8_t vector)
{
    chip_lock(chip);
    ioapic_end(chip, vector);
    chip_unlock(chip);
}

static uint32_t read_data(const struct ioapic *ioapic)
{
    uint32_t pin = (ioapic->index - 0x10) / 2;
    switch (ioapic->index) {
    case 0: /* ID */
    case 2: /* arbitration ID */
        return ioapic->id << 24;
    case 1:
        return VERSION;
    default:
        if (ioapic->index < 0x10 || pin >= X86_IOAPIC_PINS)
            return 0;
        return (uint32_t)(ioapic->entries[pin] >> (ioapic->index % 2 != 0 ? 32 : 0));
    }
}

static void write_data(struct x86_irqchip *chip, uint32_t value)
{
    struct ioapic *ioapic = &chip->ioapic;
    uint32_t pin = (ioapic->index - 0x10) / 2;
    if (ioapic->index == 0)
        ioapic->id = value >> 24 & 0xf;
    if (ioapic->index < 0x10 || pin >= X86_IOAPIC_PINS)
        return;
    uint64_t *entry = &ioapic->entries[pin];
    uint64_t half = ioapic->index % 2 != 0 ? UINT64_C(0xffffffff) << 32 : UINT32_MAX;
    uint64_t bits = half & WRITABLE;
    *entry = (*entry & ~bits) | ((value | (uint64_t)value << 32) & bits);
    /* Guests switch a pin to edge and back to clear it. */
    if ((*entry & LEVEL) == 0)
        *entry &= ~REMOTE_IRR;
    service_level(chip, pin);
    pit_revive(chip);
}

uint64_t x86_ioapic_read(struct x86_irqchip *chip, uint64_t offset, uint8_t size)
{
    uint32_t first = offset % 16, value = 0;
    if (chip->config.kind == X86_IRQCHIP_SPLIT || first > 3)
        return 0;
    chip_lock(chip);
    if (offset - first == INDEX)
        value = chip->ioapic.index;
    else if (offset - first == DATA)
        value = read_data(&chip->ioapic);
    chip_unlock(chip);
    value >>= 8 * first;
    return size < 4 ? value & ((1u << 8 * size) - 1) : value;
}

void x86_ioapic_write(struct x86_irqchip *chip, uint64_t offset, uint8_t size, uint64_t value)
{
    if (chip->config.kind == X86_IRQCHIP_SPLIT)
        return;
    if (size < 4)
        value &= (1u << 8 * size) - 1;
    chip_lock(chip);
    if (offset == INDEX)
        chip->ioapic.index = value & 0xff;
    else if (offset == DATA)
        write_data(chip, (uint32_t)value);
    else if (offset == EOI)
        ioapic_end(chip, (uint8_t)value);
    chip_unlock(chip);
}

void ioapic_restore(struct x86_irqchip *chip, const vmaccel_x86_irqchip *state)
{
    struct ioapic *ioapic = &chip->ioapic;
    ioapic->id = state->ioapic_id & 0xf;
    ioapic->index = state->ioapic_ioregsel & 0xff;
    ioapic->levels = state->ioapic_irr & ((1u << X86_IOAPIC_PINS) - 1);
    ioapic->delivered = 0;
    for (uint32_t pin = 0; pin < X86_IOAPIC_PINS; pin++)
        ioapic->entries[pin] = state->ioapic_redirection[pin] & (WRITABLE | REMOTE_IRR);
    for (uint32_t pin = 0; pin < X86_IOAPIC_PINS; pin++)
        service_level(chip, pin);
}
