/* SPDX-License-Identifier: BSD-2-Clause */
/* The object, its lock and callbacks, the timer thread, lines and ports. */
#include "irqchip/chip.h"

#include <string.h>

void chip_lock(struct x86_irqchip *chip)
{
    os_mutex_lock(&chip->lock);
}

/* Take the first vCPU out of a set; false when it is empty. */
static bool take_first(uint64_t *words, uint32_t *vcpu)
{
    for (uint32_t word = 0; word < WORDS; word++) {
        if (words[word] == 0)
            continue;
        *vcpu = word * 64 + (uint32_t)__builtin_ctzll(words[word]);
        words[word] &= words[word] - 1;
        return true;
    }
    return false;
}

static void call_each(const struct x86_irqchip *chip, uint64_t *words,
                      void (*callback)(void *context, uint32_t vcpu))
{
    uint32_t vcpu;
    while (callback != NULL && take_first(words, &vcpu))
        callback(chip->config.context, vcpu);
}

static void post(const struct x86_irqchip *chip, struct outbox *out)
{
    const struct x86_irqchip_config *config = &chip->config;
    uint32_t vcpu;
    call_each(chip, out->init, config->init);
    while (config->sipi != NULL && take_first(out->sipi, &vcpu))
        config->sipi(config->context, vcpu, out->sipi_vector);
    call_each(chip, out->nmi, config->nmi);
    call_each(chip, out->notify, config->notify);
    if (out->eoi && config->eoi != NULL)
        config->eoi(config->context, out->eoi_vcpu, out->eoi_vector);
    for (uint32_t pin = 0; config->msi != NULL && pin < X86_IOAPIC_PINS; pin++)
        if ((out->msis >> pin & 1) != 0)
            config->msi(config->context, out->msi[pin].address, out->msi[pin].data);
}

static void publish(struct x86_irqchip *chip)
{
    uint32_t vcpu;
    while (take_first(chip->dirty, &vcpu))
        lapic_publish(chip, &chip->lapics[vcpu]);
}

void chip_unlock(struct x86_irqchip *chip)
{
    publish(chip);
    if (!chip->out.any) {
        os_mutex_unlock(&chip->lock);
        return;
    }
    struct outbox out = chip->out;
    memset(&chip->out, 0, sizeof(chip->out));
    os_mutex_unlock(&chip->lock);
    post(chip, &out);
}

uint64_t chip_now(const struct x86_irqchip *chip)
{
    return chip->config.clock != NULL ? chip->config.clock(chip->config.context) : os_clock_ns();
}

void chip_wake_at(struct x86_irqchip *chip, uint64_t time)
{
    if (time >= chip->wake_at)
        return;
    chip->wake_at = time;
    if (!chip->config.manual)
        os_cond_signal(&chip->wake);
}

static uint64_t settle(struct x86_irqchip *chip)
{
    uint64_t now = chip_now(chip), next = NEVER;
    if (chip_has_lapics(chip)) {
        for (uint32_t i = 0; i < chip->config.max_vcpus; i++) {
            struct lapic *lapic = &chip->lapics[i];
            uint64_t at = lapic->attached ? lapic_timer_settle(chip, lapic, now) : NEVER;
            next = at < next ? at : next;
        }
    }
    if (chip->config.kind != X86_IRQCHIP_SPLIT) {
        uint64_t at = pit_settle(chip, now);
        next = at < next ? at : next;
    }
    chip->wake_at = next;
    return next;
}

uint64_t x86_irqchip_advance(struct x86_irqchip *chip)
{
    chip_lock(chip);
    uint64_t next = settle(chip);
    chip_unlock(chip);
    return next;
}

static void run_timers(void *context)
{
    struct x86_irqchip *chip = context;
    chip_lock(chip);
    while (!chip->stop) {
        uint64_t next = settle(chip);
        publish(chip);
        if (chip->out.any) {
            chip_unlock(chip);
            chip_lock(chip);
            continue;
        }
        uint64_t now = chip_now(chip);
        if (next > now)
            (void)os_cond_wait(&chip->wake, &chip->lock, next == NEVER ? UINT64_MAX : next - now);
    }
    chip_unlock(chip);
}

struct x86_irqchip *x86_irqchip_create(const struct x86_irqchip_config *config, int32_t *os_error)
{
    uint32_t count = config->kind == X86_IRQCHIP_NO_LAPIC ? 1 : config->max_vcpus;
    struct x86_irqchip *chip;

    *os_error = 0;
    if (count == 0 || count > X86_IRQCHIP_MAX_VCPUS)
        return NULL;
    chip = os_alloc(sizeof(*chip) + count * sizeof(chip->lapics[0]));
    if (chip == NULL)
        return NULL;
    chip->config = *config;
    chip->config.max_vcpus = count;
    chip->wake_at = NEVER;
    os_mutex_init(&chip->lock);
    os_cond_init(&chip->wake);
    for (uint32_t i = 0; i < count; i++) {
        chip->lapics[i].index = i;
        chip->lapics[i].expiry = NEVER;
    }
    chip->lapics[0].attached = config->kind == X86_IRQCHIP_NO_LAPIC;
    pic_init(chip);
    ioapic_init(&chip->ioapic);
    pit_init(chip);
    if (!config->manual) {
        *os_error = os_thread_create(&chip->thread, run_timers, chip, "vmaccel-timer");
        if (*os_error != 0) {
            chip->config.manual = true;
            x86_irqchip_destroy(chip);
            return NULL;
        }
    }
    return chip;
}

void x86_irqchip_destroy(struct x86_irqchip *chip)
{
    if (chip == NULL)
        return;
    if (!chip->config.manual) {
        chip_lock(chip);
        chip->stop = true;
        os_cond_signal(&chip->wake);
        chip_unlock(chip);
        os_thread_join(&chip->thread);
    }
    os_cond_destroy(&chip->wake);
    os_mutex_destroy(&chip->lock);
    os_free(chip);
}

enum outcome chip_set_line(struct x86_irqchip *chip, uint32_t line, bool level)
{
    enum outcome pic = IGNORED, ioapic;
    if (line == 2)
        return IGNORED;
    if (line < 16)
        pic = pic_set_line(chip, line, level);
    ioapic = ioapic_set_pin(chip, line == 0 ? 2 : line, level);
    return pic > ioapic ? pic : ioapic;
}

void x86_irqchip_line(struct x86_irqchip *chip, uint32_t line, bool level)
{
    if (line >= X86_IOAPIC_PINS || chip->config.kind == X86_IRQCHIP_SPLIT)
        return;
    chip_lock(chip);
    chip_set_line(chip, line, level);
    chip_unlock(chip);
}

void x86_irqchip_msi(struct x86_irqchip *chip, uint64_t address, uint32_t data)
{
    struct message message = {
        .destination = (uint32_t)(address >> 12 & 0xff) | (uint32_t)(address >> 40 << 8),
        .logical = (address & 4) != 0,
        .lowest = (address & 8) != 0,
        .level = (data & LVT_LEVEL) != 0,
        .mode = data >> 8 & 7,
        .vector = (uint8_t)data,
    };
    if (!chip_has_lapics(chip) || message.mode == MODE_STARTUP)
        return;
    chip_lock(chip);
    lapic_deliver(chip, &message);
    chip_unlock(chip);
}

static bool is_pic(uint16_t port)
{
    return (port & ~0x81u) == 0x20 || port == 0x4d0 || port == 0x4d1;
}

static bool is_pit(uint16_t port)
{
    return (port & ~3u) == 0x40 || port == 0x61;
}

bool x86_irqchip_port_read(struct x86_irqchip *chip, uint16_t port, uint8_t size, uint32_t *value)
{
    if (chip->config.kind == X86_IRQCHIP_SPLIT || (!is_pic(port) && !is_pit(port)))
        return false;
    *value = 0;
    chip_lock(chip);
    for (uint32_t i = 0; i < size && i < 4; i++) {
        uint16_t at = (uint16_t)(port + i);
        uint32_t byte = is_pic(at) ? pic_read(chip, at) : is_pit(at) ? pit_read(chip, at) : 0xff;
        *value |= byte << 8 * i;
    }
    chip_unlock(chip);
    return true;
}

bool x86_irqchip_port_write(struct x86_irqchip *chip, uint16_t port, uint8_t size, uint32_t value)
{
    if (chip->config.kind == X86_IRQCHIP_SPLIT || (!is_pic(port) && !is_pit(port)))
        return false;
    chip_lock(chip);
    for (uint32_t i = 0; i < size && i < 4; i++) {
        uint16_t at = (uint16_t)(port + i);
        if (is_pic(at))
            pic_write(chip, at, (uint8_t)(value >> 8 * i));
        else if (is_pit(at))
            pit_write(chip, at, (uint8_t)(value >> 8 * i));
    }
    chip_unlock(chip);
    return true;
}

void x86_irqchip_get_state(struct x86_irqchip *chip, vmaccel_x86_irqchip *state)
{
    memset(state, 0, sizeof(*state));
    chip_lock(chip);
    memcpy(state->pic, chip->pic, sizeof(state->pic));
    state->ioapic_id = chip->ioapic.id;
    state->ioapic_ioregsel = chip->ioapic.index;
    state->ioapic_irr = chip->ioapic.levels & ~chip->ioapic.delivered;
    memcpy(state->ioapic_redirection, chip->ioapic.entries, sizeof(state->ioapic_redirection));
    for (int i = 0; i < 3; i++)
        state->pit[i] = chip->pit.channels[i].s;
    state->pit_flags = chip->pit.flags;
    chip_unlock(chip);
}

void x86_irqchip_set_state(struct x86_irqchip *chip, const vmaccel_x86_irqchip *state)
{
    if (chip->config.kind == X86_IRQCHIP_SPLIT)
        return;
    chip_lock(chip);
    pic_restore(chip, state);
    ioapic_restore(chip, state);
    pit_restore(chip, state);
    chip_unlock(chip);
}
