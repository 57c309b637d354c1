/* SPDX-License-Identifier: BSD-2-Clause */
/* The 8254 and its part of system control port B. Nothing runs between accesses: counts and outputs
 * follow from the time a count was loaded. A new count is loaded at once, in the periodic modes
 * too. */
#include "irqchip/chip.h"

#define HZ        UINT64_C(1193182)
#define NS        UINT64_C(1000000000)
#define NO_MODE   0xffu /* before the first control word */
#define SPEAKER   2u    /* in flags */
#define PORT_B    0x61u
#define CONTROL   0x43u
#define MOST_LATE 2048u /* ticks kept at most */

enum access { LOW = 1, HIGH = 2, WORD = 3, WORD_HIGH = 4 };

static uint64_t ticks_of(uint64_t ns)
{
    return ns / NS * HZ + ns % NS * HZ / NS;
}

static uint64_t ns_of(uint64_t ticks)
{
    return ticks / HZ * NS + (ticks % HZ * NS + HZ - 1) / HZ;
}

static uint32_t from_bcd(uint32_t value)
{
    return (value & 15) + (value >> 4 & 15) * 10 + (value >> 8 & 15) * 100 + (value >> 12) * 1000;
}

static uint32_t to_bcd(uint32_t value)
{
    return value % 10 | value / 10 % 10 << 4 | value / 100 % 10 << 8 | value / 1000 % 10 << 12;
}

/* Ticks from load to terminal count. */
static uint32_t reload(const struct pit_channel *channel)
{
    uint32_t raw = channel->s.count & 0xffff;
    uint32_t value = channel->s.bcd ? from_bcd(raw) : raw;
    return value != 0 ? value : channel->s.bcd ? 10000 : 0x10000;
}

static bool periodic(const struct pit_channel *channel)
{
    return channel->s.mode == 2 || channel->s.mode == 3;
}

/* Modes 1 and 5 are started by the gate, the others held by it. */
static bool triggered(const struct pit_channel *channel)
{
    return channel->s.mode == 1 || channel->s.mode == 5;
}

static uint64_t elapsed(const struct pit_channel *channel, uint64_t now)
{
    if (!channel->armed)
        return 0;
    if (!channel->s.gate && !triggered(channel))
        return ticks_of(channel->held);
    uint64_t load = (uint64_t)channel->s.count_load_time;
    return now > load ? ticks_of(now - load) : 0;
}

static bool output(const struct pit_channel *channel, uint64_t now)
{
    uint64_t t = elapsed(channel, now), n = reload(channel);
    switch (channel->s.mode) {
    case 0:
        return channel->armed && t >= n;
    case 1:
        return !channel->armed || t >= n;
    case 2:
        return !channel->s.gate || !channel->armed || t % n != n - 1;
    case 3:
        return !channel->s.gate || !channel->armed || t % n < (n + 1) / 2;
    default:
        return !channel->armed || t != n;
    }
}

static uint16_t count(const struct pit_channel *channel, uint64_t now)
{
    uint64_t t = elapsed(channel, now), n = reload(channel), value;
    uint64_t modulus = channel->s.bcd ? 10000 : 0x10000;
    if (channel->s.mode == 2) {
        value = n - t % n;
    } else if (channel->s.mode == 3) { /* by twos, twice in a period */
        uint64_t high = (n + 1) / 2, at = t % n;
        value = (n & ~UINT64_C(1)) - 2 * (at < high ? at : at - high);
    } else {
        value = n + modulus - t % modulus;
    }
    value %= modulus;
    return (uint16_t)(channel->s.bcd ? to_bcd((uint32_t)value) : value);
}

static void start(struct x86_irqchip *chip, uint32_t which)
{
    struct pit_channel *channel = &chip->pit.channels[which];
    channel->s.count_load_time = (int64_t)chip_now(chip);
    channel->held = 0;
    channel->armed = true;
    channel->unread = false;
    if (which == 0) {
        chip->pit.edges = chip->pit.backlog = 0;
        chip->pit.last = 0;
        chip->pit.dormant = false;
        chip_wake_at(chip, pit_settle(chip, (uint64_t)channel->s.count_load_time));
    }
}

static void load(struct x86_irqchip *chip, uint32_t which, uint32_t value)
{
    struct pit_channel *channel = &chip->pit.channels[which];
    channel->s.count = value != 0 ? value : 0x10000;
    if (!triggered(channel) && channel->s.mode <= 5)
        start(chip, which);
    else
        channel->unread = true;
}

void pit_init(struct x86_irqchip *chip)
{
    for (int i = 0; i < 3; i++) {
        struct pit_channel *channel = &chip->pit.channels[i];
        channel->s.mode = NO_MODE;
        channel->s.gate = i != 2;
        channel->s.count = 0x10000;
        channel->s.count_load_time = (int64_t)chip_now(chip);
    }
}

static void latch_count(struct pit_channel *channel, uint64_t now)
{
    if (channel->s.count_latched)
        return;
    channel->s.latched_count = count(channel, now);
    channel->s.count_latched = channel->s.rw_mode != 0 ? channel->s.rw_mode : LOW;
}

static void latch_status(struct pit_channel *channel, uint64_t now)
{
    if (channel->s.status_latched)
        return;
    channel->s.status =
        (uint8_t)((output(channel, now) ? 0x80 : 0) | (channel->unread ? 0x40 : 0) |
                  channel->s.rw_mode << 4 | (channel->s.mode & 7) << 1 | channel->s.bcd);
    channel->s.status_latched = 1;
}

static void write_control(struct x86_irqchip *chip, uint8_t value)
{
    uint64_t now = chip_now(chip);
    uint32_t which = value >> 6, access = value >> 4 & 3;
    if (which == 3) { /* read-back */
        for (uint32_t i = 0; i < 3; i++) {
            if ((value & 2u << i) == 0)
                continue;
            if ((value & 0x20) == 0)
                latch_count(&chip->pit.channels[i], now);
            if ((value & 0x10) == 0)
                latch_status(&chip->pit.channels[i], now);
        }
        return;
    }
    struct pit_channel *channel = &chip->pit.channels[which];
    if (access == 0) {
        latch_count(channel, now);
        return;
    }
    channel->s.rw_mode = channel->s.read_state = channel->s.write_state = (uint8_t)access;
    channel->s.mode = value >> 1 & 7;
    if (channel->s.mode > 5)
        channel->s.mode -= 4;
    channel->s.bcd = value & 1;
    channel->s.count_latched = channel->s.status_latched = 0;
    channel->armed = false;
    channel->unread = true;
    if (which == 0)
        chip->pit.backlog = 0;
}

static void set_gate(struct x86_irqchip *chip, bool gate)
{
    struct pit_channel *channel = &chip->pit.channels[2];
    uint64_t now = chip_now(chip), loaded = (uint64_t)channel->s.count_load_time;
    if (gate == (channel->s.gate != 0))
        return;
    if (!gate && channel->armed && !triggered(channel))
        channel->held = now > loaded ? now - loaded : 0;
    channel->s.gate = gate;
    if (!gate)
        return;
    if (triggered(channel))
        start(chip, 2);
    else if (periodic(channel) && channel->armed)
        start(chip, 2);
    else if (channel->armed)
        channel->s.count_load_time = (int64_t)(now - channel->held);
}

uint8_t pit_read(struct x86_irqchip *chip, uint16_t port)
{
    uint64_t now = chip_now(chip);
    if (port == PORT_B) {
        const struct pit_channel *channel = &chip->pit.channels[2];
        /* Bit 4 turns with each refresh of memory, some 15 microseconds. */
        return (uint8_t)((channel->s.gate ? 1 : 0) | (chip->pit.flags & SPEAKER) |
                         (now >> 14 & 1) << 4 | (output(channel, now) ? 0x20 : 0));
    }
    if (port == CONTROL)
        return 0;
    struct pit_channel *channel = &chip->pit.channels[port & 3];
    vmaccel_x86_pit_channel *s = &channel->s;
    if (s->status_latched) {
        s->status_latched = 0;
        return s->status;
    }
    uint8_t *state = s->count_latched ? &s->count_latched : &s->read_state;
    uint16_t value = s->count_latched ? s->latched_count : count(channel, now);
    bool latched = s->count_latched != 0;
    switch (*state) {
    case HIGH:
    case WORD_HIGH:
        *state = latched ? 0 : *state == WORD_HIGH ? WORD : HIGH;
        return (uint8_t)(value >> 8);
    case WORD:
        *state = latched ? HIGH : WORD_HIGH;
        return (uint8_t)value;
    default:
        *state = latched ? 0 : LOW;
        return (uint8_t)value;
    }
}

void pit_write(struct x86_irqchip *chip, uint16_t port, uint8_t value)
{
    if (port == PORT_B) {
        chip->pit.flags = (chip->pit.flags & ~SPEAKER) | (value & SPEAKER);
        set_gate(chip, (value & 1) != 0);
        return;
    }
    if (port == CONTROL) {
        write_control(chip, value);
        return;
    }
    struct pit_channel *channel = &chip->pit.channels[port & 3];
    switch (channel->s.write_state) {
    case HIGH:
        load(chip, port & 3, (uint32_t)value << 8);
        break;
    case WORD:
        channel->s.write_latch = value;
        channel->s.write_state = WORD_HIGH;
        if (channel->s.mode == 0) /* the first byte stops it */
            channel->armed = false;
        break;
    case WORD_HIGH:
        channel->s.write_state = WORD;
        load(chip, port & 3, channel->s.write_latch | (uint32_t)value << 8);
        break;
    default:
        load(chip, port & 3, value);
        break;
    }
}

/* Rising edges of channel 0's output since its load. */
static uint64_t edges(const struct pit_channel *channel, uint64_t now)
{
    uint64_t t = elapsed(channel, now), n = reload(channel);
    return !channel->armed ? 0 : periodic(channel) ? t / n : t >= n;
}

void pit_retry(struct x86_irqchip *chip)
{
    struct pit *pit = &chip->pit;
    if (pit->backlog == 0)
        return;
    enum outcome outcome = chip_set_line(chip, 0, true);
    chip_set_line(chip, 0, false);
    if (outcome == IGNORED) {
        bool masked = (chip->pic[0].imr & 1) != 0 && ioapic_masked(&chip->ioapic, 2);
        pit->backlog = 0;
        pit->dormant = masked && periodic(&pit->channels[0]);
    } else if (outcome == DELIVERED) {
        pit->backlog--;
    }
}

uint64_t pit_settle(struct x86_irqchip *chip, uint64_t now)
{
    struct pit *pit = &chip->pit;
    const struct pit_channel *channel = &pit->channels[0];
    uint64_t n = reload(channel), next;
    if (!channel->armed || pit->dormant)
        return NEVER;
    uint64_t seen = edges(channel, now);
    if (seen > pit->edges) {
        uint64_t most = HZ / n < MOST_LATE ? HZ / n + 1 : MOST_LATE;
        pit->backlog += seen - pit->edges;
        pit->backlog = pit->backlog < most ? pit->backlog : most;
        pit->edges = seen;
        pit->last = now;
        pit_retry(chip);
    }
    if (pit->dormant || (!periodic(channel) && pit->edges != 0))
        return NEVER;
    next = (uint64_t)channel->s.count_load_time + ns_of((pit->edges + 1) * n);
    return pit->last != 0 && next < pit->last + X86_IRQCHIP_MIN_PERIOD_NS
               ? pit->last + X86_IRQCHIP_MIN_PERIOD_NS
               : next;
}

void pit_revive(struct x86_irqchip *chip)
{
    struct pit *pit = &chip->pit;
    uint64_t now;
    if (!pit->dormant)
        return;
    now = chip_now(chip);
    pit->dormant = false;
    pit->edges = edges(&pit->channels[0], now);
    chip_wake_at(chip, pit_settle(chip, now));
}

void pit_restore(struct x86_irqchip *chip, const vmaccel_x86_irqchip *state)
{
    chip->pit.flags = state->pit_flags;
    chip->pit.dormant = false;
    for (uint32_t i = 0; i < 3; i++) {
        struct pit_channel *channel = &chip->pit.channels[i];
        channel->s = state->pit[i];
        if (channel->s.count == 0 || channel->s.count > 0x10000)
            channel->s.count = 0x10000;
        if (channel->s.mode > 5)
            channel->s.mode = NO_MODE;
        channel->s.rw_mode &= 3;
        channel->s.bcd &= 1;
        channel->s.gate = i != 2 || channel->s.gate != 0; /* the others' are wired high */
        channel->armed = channel->unread = false;
        channel->s.count_load_time = (int64_t)chip_now(chip);
        if (channel->s.mode != NO_MODE && (!triggered(channel) || (i == 2 && channel->s.gate)))
            start(chip, i);
    }
}
