/* SPDX-License-Identifier: BSD-2-Clause */
/* The APIC timer. It counts nanoseconds over the divider. A masked timer runs, but wakes nobody. */
#include "irqchip/chip.h"

#define MODE_SHIFT    17
#define MODE_MASK     (3u << MODE_SHIFT)
#define MODE_PERIODIC (1u << MODE_SHIFT)
#define MODE_DEADLINE (2u << MODE_SHIFT)
#define RECHECK_NS    1000

static uint32_t mode(struct lapic *lapic)
{
    return *lapic_reg(lapic, LAPIC_LVT_TIMER) & MODE_MASK;
}

bool lapic_timer_deadline_mode(struct lapic *lapic)
{
    return mode(lapic) == MODE_DEADLINE;
}

static uint64_t tick_ns(struct lapic *lapic)
{
    uint32_t divider = *lapic_reg(lapic, LAPIC_TIMER_DIV);
    uint32_t code = (divider & 3) | (divider >> 1 & 4);
    return UINT64_C(1) << ((code + 1) & 7);
}

static uint64_t period_ns(struct lapic *lapic)
{
    uint64_t period = *lapic_reg(lapic, LAPIC_TIMER_INIT) * tick_ns(lapic);
    return period < X86_IRQCHIP_MIN_PERIOD_NS ? X86_IRQCHIP_MIN_PERIOD_NS : period;
}

/* Host time at which the TSC will have reached the deadline; now when it has. */
static uint64_t deadline_time(struct x86_irqchip *chip, struct lapic *lapic, uint64_t now)
{
    uint64_t tsc, left, khz = chip->config.tsc_khz;
    if (lapic->deadline == 0 || chip->config.tsc == NULL || khz == 0)
        return NEVER;
    tsc = chip->config.tsc(chip->config.context, lapic->index);
    if (tsc >= lapic->deadline)
        return now;
    left = lapic->deadline - tsc;
    if (left / khz > INT64_MAX / 1000000)
        return NEVER;
    left = left / khz * 1000000 + (left % khz * 1000000 + khz - 1) / khz;
    return now + left;
}

/* The time of the timer's next wake; one that is masked needs none. */
static uint64_t wake_time(struct lapic *lapic)
{
    bool masked = (*lapic_reg(lapic, LAPIC_LVT_TIMER) & LVT_MASKED) != 0;
    return masked || !lapic_enabled(lapic) ? NEVER : lapic->expiry;
}

uint64_t lapic_timer_settle(struct x86_irqchip *chip, struct lapic *lapic, uint64_t now)
{
    if (lapic->expiry > now)
        return wake_time(lapic);
    if (lapic_timer_deadline_mode(lapic)) {
        uint64_t at = deadline_time(chip, lapic, now);
        if (at > now) { /* the clocks differ a little */
            lapic->expiry = at == NEVER || at - now >= RECHECK_NS ? at : now + RECHECK_NS;
            return wake_time(lapic);
        }
        lapic->deadline = 0;
        lapic->expiry = NEVER;
    } else if (mode(lapic) == MODE_PERIODIC && *lapic_reg(lapic, LAPIC_TIMER_INIT) != 0) {
        uint64_t period = period_ns(lapic);
        lapic->expiry += ((now - lapic->expiry) / period + 1) * period;
    } else {
        lapic->expiry = NEVER;
    }
    lapic_local(chip, lapic, LAPIC_LVT_TIMER);
    return wake_time(lapic);
}

uint32_t lapic_timer_count(struct x86_irqchip *chip, struct lapic *lapic)
{
    uint64_t now = chip_now(chip), left;
    uint32_t initial = *lapic_reg(lapic, LAPIC_TIMER_INIT);
    if (lapic_timer_deadline_mode(lapic))
        return 0;
    lapic_timer_settle(chip, lapic, now);
    if (lapic->expiry == NEVER)
        return 0;
    left = (lapic->expiry - now + tick_ns(lapic) - 1) / tick_ns(lapic);
    return left < initial ? (uint32_t)left : initial;
}

void lapic_timer_start(struct x86_irqchip *chip, struct lapic *lapic, uint32_t count)
{
    uint64_t left = count * tick_ns(lapic);
    if (mode(lapic) == MODE_PERIODIC && count == *lapic_reg(lapic, LAPIC_TIMER_INIT))
        left = period_ns(lapic);
    lapic->expiry = count == 0 ? NEVER : chip_now(chip) + left;
    chip_wake_at(chip, wake_time(lapic));
}

void lapic_timer_set_lvt(struct x86_irqchip *chip, struct lapic *lapic, uint32_t value)
{
    uint32_t *lvt = lapic_reg(lapic, LAPIC_LVT_TIMER);
    uint32_t from = mode(lapic), to = value & MODE_MASK;
    if (chip->config.tsc == NULL && to >= MODE_DEADLINE) {
        value &= ~MODE_DEADLINE;
        to = value & MODE_MASK;
    }
    lapic_timer_settle(chip, lapic, chip_now(chip));
    *lvt = value;
    if ((from >= MODE_DEADLINE) != (to >= MODE_DEADLINE)) {
        lapic->expiry = NEVER;
        lapic->deadline = 0;
        *lapic_reg(lapic, LAPIC_TIMER_INIT) = 0;
    }
    chip_wake_at(chip, wake_time(lapic));
}

void lapic_timer_set_divider(struct x86_irqchip *chip, struct lapic *lapic, uint32_t value)
{
    uint32_t left = lapic_timer_count(chip, lapic);
    *lapic_reg(lapic, LAPIC_TIMER_DIV) = value;
    if (!lapic_timer_deadline_mode(lapic))
        lapic_timer_start(chip, lapic, left);
}

void lapic_timer_arm_deadline(struct x86_irqchip *chip, struct lapic *lapic)
{
    uint64_t now = chip_now(chip);
    lapic->expiry = deadline_time(chip, lapic, now);
    lapic_timer_settle(chip, lapic, now);
    chip_wake_at(chip, wake_time(lapic));
}
