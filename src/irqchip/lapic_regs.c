/* SPDX-License-Identifier: BSD-2-Clause */
/* A local APIC's registers in both modes (Intel SDM vol. 3, "Local APIC Register Address Map" and
 * "x2APIC Register Address Space"). */
#include "irqchip/chip.h"

#define X_READ   1u /* in xAPIC mode */
#define X_WRITE  2u
#define X2_READ  4u /* in x2APIC mode */
#define X2_WRITE 8u
#define X_BOTH   (X_READ | X_WRITE)
#define ALL      (X_BOTH | X2_READ | X2_WRITE)
#define READ     (X_READ | X2_READ)

#define REG(offset) [(offset) / 16]
#define BANK(offset)                                                                               \
    REG(offset) = {READ, 0}, REG((offset) + 0x10) = {READ, 0}, REG((offset) + 0x20) = {READ, 0},   \
    REG((offset) + 0x30) = {READ, 0}, REG((offset) + 0x40) = {READ, 0},                            \
    REG((offset) + 0x50) = {READ, 0}, REG((offset) + 0x60) = {READ, 0},                            \
    REG((offset) + 0x70) = {READ, 0}

#define LVT_READ_ONLY (1u << 12 | LVT_REMOTE_IRR)
#define RRD           0x0c0u
#define ICR_BUSY      (1u << 12)

static const struct {
    uint8_t access;
    uint32_t bits; /* that are not reserved when written */
} rules[64] = {
    REG(LAPIC_ID) = {X_BOTH | X2_READ, 0xff000000},
    REG(LAPIC_VERSION) = {READ, 0},
    REG(LAPIC_TPR) = {ALL, 0xff},
    REG(LAPIC_APR) = {X_READ, 0},
    REG(LAPIC_PPR) = {READ, 0},
    REG(LAPIC_EOI) = {X_WRITE | X2_WRITE, 0},
    REG(RRD) = {X_READ, 0},
    REG(LAPIC_LDR) = {X_BOTH | X2_READ, 0xff000000},
    REG(LAPIC_DFR) = {X_BOTH, 0xf0000000},
    REG(LAPIC_SVR) = {ALL, 0x13ff},
    BANK(LAPIC_ISR),
    BANK(LAPIC_TMR),
    BANK(LAPIC_IRR),
    REG(LAPIC_ESR) = {ALL, 0},
    REG(LAPIC_ICR) = {ALL, 0xcdfff},
    REG(LAPIC_ICR2) = {X_BOTH, 0xff000000},
    REG(LAPIC_LVT_TIMER) = {ALL, 0x710ff},
    REG(LAPIC_LVT_THERMAL) = {ALL, 0x117ff},
    REG(LAPIC_LVT_PERF) = {ALL, 0x117ff},
    REG(LAPIC_LVT_LINT0) = {ALL, 0x1f7ff},
    REG(LAPIC_LVT_LINT1) = {ALL, 0x1f7ff},
    REG(LAPIC_LVT_ERROR) = {ALL, 0x110ff},
    REG(LAPIC_TIMER_INIT) = {ALL, UINT32_MAX},
    REG(LAPIC_TIMER_COUNT) = {READ, 0},
    REG(LAPIC_TIMER_DIV) = {ALL, 0xb},
    REG(LAPIC_SELF_IPI) = {X2_WRITE, 0xff},
};

static bool allowed(uint32_t reg, uint8_t access)
{
    return reg < sizeof(rules) / sizeof(rules[0]) && (rules[reg].access & access) != 0;
}

uint32_t lapic_get(struct x86_irqchip *chip, struct lapic *lapic, uint32_t reg)
{
    uint32_t offset = reg * 16;
    if (!allowed(reg, X_READ | X2_READ)) {
        /* EOI is there, but has nothing to read. */
        if (offset != LAPIC_EOI)
            lapic_error(chip, lapic, ESR_REGISTER);
        return 0;
    }
    switch (offset) {
    case LAPIC_APR:
    case RRD:
        return 0;
    case LAPIC_PPR:
        return lapic_ppr(lapic);
    case LAPIC_TIMER_COUNT:
        return lapic_timer_count(chip, lapic);
    default:
        return *lapic_reg(lapic, offset);
    }
}

static void put_svr(struct x86_irqchip *chip, struct lapic *lapic, uint32_t value)
{
    *lapic_reg(lapic, LAPIC_SVR) = value;
    if ((value & SVR_ENABLE) != 0)
        return;
    for (uint32_t lvt = LAPIC_LVT_THERMAL; lvt <= LAPIC_LVT_ERROR; lvt += 16)
        *lapic_reg(lapic, lvt) |= LVT_MASKED;
    lapic_timer_set_lvt(chip, lapic, *lapic_reg(lapic, LAPIC_LVT_TIMER) | LVT_MASKED);
}

static void put_lvt(struct x86_irqchip *chip, struct lapic *lapic, uint32_t offset, uint32_t value)
{
    uint32_t *lvt = lapic_reg(lapic, offset);
    value = (value & ~LVT_READ_ONLY) | (*lvt & LVT_REMOTE_IRR);
    if ((value & LVT_LEVEL) == 0)
        value &= ~LVT_REMOTE_IRR;
    if (!lapic_software_enabled(lapic))
        value |= LVT_MASKED;
    if (offset == LAPIC_LVT_TIMER) {
        lapic_timer_set_lvt(chip, lapic, value);
        return;
    }
    *lvt = value;
    if (offset == LAPIC_LVT_LINT0)
        lapic_lint0(chip, lapic, false);
}

void lapic_put(struct x86_irqchip *chip, struct lapic *lapic, uint32_t reg, uint32_t value)
{
    uint32_t offset = reg * 16;
    bool x2 = lapic_x2apic(lapic);
    if (!allowed(reg, x2 ? X2_WRITE : X_WRITE)) {
        lapic_error(chip, lapic, ESR_REGISTER);
        return;
    }
    value &= rules[reg].bits;
    switch (offset) {
    case LAPIC_EOI:
        lapic_end(chip, lapic);
        break;
    case LAPIC_DFR:
        *lapic_reg(lapic, offset) = value | 0x0fffffff;
        break;
    case LAPIC_SVR:
        put_svr(chip, lapic, value);
        break;
    case LAPIC_ESR:
        *lapic_reg(lapic, offset) = lapic->errors;
        lapic->errors = 0;
        break;
    case LAPIC_ICR:
        *lapic_reg(lapic, offset) = value & ~ICR_BUSY;
        lapic_send_ipi(chip, lapic);
        break;
    case LAPIC_LVT_TIMER:
    case LAPIC_LVT_THERMAL:
    case LAPIC_LVT_PERF:
    case LAPIC_LVT_LINT0:
    case LAPIC_LVT_LINT1:
    case LAPIC_LVT_ERROR:
        put_lvt(chip, lapic, offset, value);
        break;
    case LAPIC_TIMER_INIT:
        if (!lapic_timer_deadline_mode(lapic)) {
            *lapic_reg(lapic, offset) = value;
            lapic_timer_start(chip, lapic, value);
        }
        break;
    case LAPIC_TIMER_DIV:
        lapic_timer_set_divider(chip, lapic, value);
        break;
    case LAPIC_SELF_IPI: {
        struct message self = {.mode = MODE_FIXED, .vector = (uint8_t)value};
        if (value < 16)
            lapic_error(chip, lapic, ESR_SEND_VECTOR);
        else
            lapic_accept(chip, lapic, &self);
        break;
    }
    default:
        *lapic_reg(lapic, offset) = value;
        break;
    }
}

bool x86_lapic_read_msr(struct x86_irqchip *chip, uint32_t vcpu, uint32_t msr, uint64_t *value)
{
    uint32_t reg = msr - 0x800;
    if (!allowed(reg, X2_READ) || vcpu >= chip->config.max_vcpus)
        return false;
    chip_lock(chip);
    struct lapic *lapic = &chip->lapics[vcpu];
    bool ok = lapic_enabled(lapic) && lapic_x2apic(lapic);
    if (ok) {
        *value = lapic_get(chip, lapic, reg);
        if (reg * 16 == LAPIC_ICR)
            *value |= (uint64_t)*lapic_reg(lapic, LAPIC_ICR2) << 32;
        set_bit(chip->dirty, vcpu);
    }
    chip_unlock(chip);
    return ok;
}

static bool reserved_bits(const struct x86_irqchip *chip, uint32_t reg, uint64_t value)
{
    uint64_t bits = rules[reg].bits;
    if (reg * 16 == LAPIC_ICR)
        bits |= UINT64_C(0xffffffff) << 32;
    if (reg * 16 == LAPIC_LVT_TIMER && chip->config.tsc == NULL)
        bits &= ~(UINT64_C(1) << 18);
    return (value & ~bits) != 0;
}

bool x86_lapic_write_msr(struct x86_irqchip *chip, uint32_t vcpu, uint32_t msr, uint64_t value)
{
    uint32_t reg = msr - 0x800;
    if (!allowed(reg, X2_WRITE) || vcpu >= chip->config.max_vcpus ||
        reserved_bits(chip, reg, value))
        return false;
    chip_lock(chip);
    struct lapic *lapic = &chip->lapics[vcpu];
    bool ok = lapic_enabled(lapic) && lapic_x2apic(lapic);
    if (ok) {
        if (reg * 16 == LAPIC_ICR)
            *lapic_reg(lapic, LAPIC_ICR2) = (uint32_t)(value >> 32);
        lapic_put(chip, lapic, reg, (uint32_t)value);
        set_bit(chip->dirty, vcpu);
    }
    chip_unlock(chip);
    return ok;
}
