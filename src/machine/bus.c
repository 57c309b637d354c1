/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine/bus.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

void bus_init(struct bus *bus, const char *name, uint64_t limit)
{
    memset(bus, 0, sizeof(*bus));
    bus->name = name;
    bus->limit = limit;
}

vmaccel_status bus_add(struct bus *bus, const struct bus_range *range)
{
    char text[256];
    uint32_t at = 0;

    if (range->size == 0 || range->base > bus->limit ||
        range->size - 1 > bus->limit - range->base) {
        snprintf(text, sizeof(text), "%s: %s 0x%" PRIx64 " is past the last one, 0x%" PRIx64,
                 range->name, bus->name, range->base + (range->size ? range->size - 1 : 0),
                 bus->limit);
        return vmaccel_error_report(VMACCEL_E_INVALID_ARGUMENT, "machine", text);
    }
    while (at < bus->count && bus->ranges[at].base < range->base)
        at++;
    for (uint32_t i = at > 0 ? at - 1 : 0; i < bus->count && i <= at; i++) {
        const struct bus_range *other = &bus->ranges[i];

        if (range->base <= other->base + (other->size - 1) &&
            other->base <= range->base + (range->size - 1)) {
            snprintf(text, sizeof(text),
                     "%s: %s 0x%" PRIx64 " to 0x%" PRIx64 " overlaps %s at 0x%" PRIx64, range->name,
                     bus->name, range->base, range->base + (range->size - 1), other->name,
                     other->base);
            return vmaccel_error_report(VMACCEL_E_EXISTS, "machine", text);
        }
    }
    if (bus->count == BUS_MAX_RANGES) {
        snprintf(text, sizeof(text), "%s: no more than %d %s ranges fit in a machine", range->name,
                 BUS_MAX_RANGES, bus->name);
        return vmaccel_error_report(VMACCEL_E_LIMIT, "machine", text);
    }
    memmove(&bus->ranges[at + 1], &bus->ranges[at], (bus->count - at) * sizeof(bus->ranges[0]));
    bus->ranges[at] = *range;
    bus->count++;
    return VMACCEL_OK;
}

static inline bool inside(const struct bus_range *range, uint64_t address)
{
    return address - range->base < range->size;
}

static const struct bus_range *find(const struct bus *bus, struct bus_cursor *cursor,
                                    uint64_t address)
{
    uint32_t low = 0, high = bus->count;

    if (cursor->hint < bus->count && inside(&bus->ranges[cursor->hint], address))
        return &bus->ranges[cursor->hint];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (inside(&bus->ranges[middle], address)) {
            cursor->hint = middle;
            return &bus->ranges[middle];
        }
        if (bus->ranges[middle].base < address)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Whether the handler can take the access as it is. */
static inline bool whole(const struct bus_range *range, uint64_t address, uint8_t size)
{
    return range != NULL && size <= range->width && (size & (size - 1)) == 0 &&
           size <= range->size - (address - range->base);
}

/* How much of the `left` bytes of an access to hand out next. */
static uint8_t part_size(const struct bus_range *range, uint64_t address, uint8_t left)
{
    uint8_t part = 4;

    while (part > 1 && (part > left || !whole(range, address, part)))
        part /= 2;
    return part;
}

static uint64_t ones(uint8_t size)
{
    return size >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * size)) - 1;
}

uint64_t bus_read(const struct bus *bus, struct bus_cursor *cursor, uint64_t address, uint8_t size)
{
    const struct bus_range *range = find(bus, cursor, address);
    uint64_t value = 0;

    if (whole(range, address, size))
        return range->read(range->device, address - range->base, size) & ones(size);
    for (uint8_t done = 0, part; done < size && done < 8; done += part) {
        uint64_t at = address + done, bytes = 0xff;

        range = find(bus, cursor, at);
        part = part_size(range, at, (uint8_t)(size - done));
        if (range != NULL)
            bytes = range->read(range->device, at - range->base, part) & ones(part);
        else
            cursor->unclaimed++;
        value |= bytes << (8 * done);
    }
    return value;
}

void bus_write(const struct bus *bus, struct bus_cursor *cursor, uint64_t address, uint8_t size,
               uint64_t value)
{
    const struct bus_range *range = find(bus, cursor, address);

    if (whole(range, address, size)) {
        range->write(range->device, address - range->base, size, value & ones(size));
        return;
    }
    for (uint8_t done = 0, part; done < size && done < 8; done += part) {
        uint64_t at = address + done;

        range = find(bus, cursor, at);
        part = part_size(range, at, (uint8_t)(size - done));
        if (range != NULL)
            range->write(range->device, at - range->base, part, (value >> (8 * done)) & ones(part));
        else
            cursor->unclaimed++;
    }
}
