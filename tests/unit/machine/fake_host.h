/* SPDX-License-Identifier: BSD-2-Clause */
/* A host for devices alone: records what they ask for, and serves DMA from a small memory. */
#ifndef TESTS_UNIT_MACHINE_FAKE_HOST_H
#define TESTS_UNIT_MACHINE_FAKE_HOST_H

#include <string.h>

#include "machine/device.h"

#define FAKE_MEMORY 65536u
#define FAKE_LINES  224

struct fake_host {
    struct device_host host;
    struct bus ports, mmio;
    struct bus_cursor cursor;
    struct device_set set;
    int lines[FAKE_LINES]; /* devices that hold it up */
    unsigned rises[FAKE_LINES];
    uint8_t memory[FAKE_MEMORY];
    uint8_t console[4096];
    size_t console_size;
    unsigned stops;
    uint32_t outcome, code; /* of the first stop */
    uint64_t clock_ns;
    int64_t wall_ns;
    struct device_timer *timers;
};

static inline void fake_irq(void *context, uint32_t line, bool level)
{
    struct fake_host *fake = context;

    if (line >= FAKE_LINES)
        __builtin_trap();
    fake->lines[line] += level ? 1 : -1;
    if (fake->lines[line] < 0)
        __builtin_trap();
    if (level && fake->lines[line] == 1)
        fake->rises[line]++;
}

static inline bool fake_dma_read(void *context, uint64_t gpa, void *buffer, size_t size)
{
    struct fake_host *fake = context;

    if (gpa > FAKE_MEMORY || size > FAKE_MEMORY - gpa)
        return false;
    memcpy(buffer, fake->memory + gpa, size);
    return true;
}

static inline bool fake_dma_write(void *context, uint64_t gpa, const void *buffer, size_t size)
{
    struct fake_host *fake = context;

    if (gpa > FAKE_MEMORY || size > FAKE_MEMORY - gpa)
        return false;
    memcpy(fake->memory + gpa, buffer, size);
    return true;
}

static inline void fake_stop(void *context, vmaccel_machine_outcome outcome, uint32_t code,
                             const char *why)
{
    struct fake_host *fake = context;

    if (why == NULL || why[0] == '\0')
        __builtin_trap();
    if (fake->stops++ == 0) {
        fake->outcome = outcome;
        fake->code = code;
    }
}

static inline uint64_t fake_clock_ns(void *context)
{
    return ((struct fake_host *)context)->clock_ns;
}

static inline int64_t fake_wall_ns(void *context)
{
    return ((struct fake_host *)context)->wall_ns;
}

static inline void fake_timer_add(void *context, struct device_timer *timer)
{
    struct fake_host *fake = context;

    timer->at_ns = UINT64_MAX;
    timer->next = fake->timers;
    fake->timers = timer;
}

static inline void fake_timer_set(void *context, struct device_timer *timer, uint64_t at_ns)
{
    (void)context;
    timer->at_ns = at_ns;
}

/* Let time pass, and fire each timer that has become due once. */
static inline void fake_advance(struct fake_host *fake, uint64_t ns)
{
    fake->clock_ns += ns;
    fake->wall_ns += (int64_t)ns;
    for (struct device_timer *timer = fake->timers; timer != NULL; timer = timer->next) {
        if (timer->at_ns <= fake->clock_ns) {
            timer->at_ns = UINT64_MAX;
            timer->fire(timer->device);
        }
    }
}

static inline void fake_console_write(void *context, const uint8_t *data, size_t size)
{
    struct fake_host *fake = context;

    for (size_t i = 0; i < size; i++)
        fake->console[fake->console_size++ % sizeof(fake->console)] = data[i];
}

static inline vmaccel_status fake_create_for(struct fake_host *fake, vmaccel_arch arch,
                                             uint64_t ram_size, const char *const *devices,
                                             size_t count)
{
    memset(fake, 0, sizeof(*fake));
    bus_init(&fake->ports, "port", 0xffff);
    bus_init(&fake->mmio, "MMIO address", UINT64_MAX);
    fake->host = (struct device_host){.context = fake,
                                      .ports = &fake->ports,
                                      .mmio = &fake->mmio,
                                      .arch = arch,
                                      .ram_size = ram_size,
                                      .cpus = 3,
                                      .irq = fake_irq,
                                      .dma_read = fake_dma_read,
                                      .dma_write = fake_dma_write,
                                      .stop = fake_stop,
                                      .clock_ns = fake_clock_ns,
                                      .wall_ns = fake_wall_ns,
                                      .timer_add = fake_timer_add,
                                      .timer_set = fake_timer_set,
                                      .console_write = fake_console_write};
    return device_set_create(&fake->set, &fake->host, devices, count);
}

static inline vmaccel_status fake_create(struct fake_host *fake, uint64_t ram_size,
                                         const char *const *devices, size_t count)
{
    return fake_create_for(fake, VMACCEL_ARCH_X86_64, ram_size, devices, count);
}

static inline uint32_t fake_in(struct fake_host *fake, uint16_t port, uint8_t size)
{
    return (uint32_t)bus_read(&fake->ports, &fake->cursor, port, size);
}

static inline void fake_out(struct fake_host *fake, uint16_t port, uint8_t size, uint32_t value)
{
    bus_write(&fake->ports, &fake->cursor, port, size, value);
}

#endif
