/* SPDX-License-Identifier: BSD-2-Clause */
/* Address ranges and the devices behind them: one bus for ports, one for MMIO. Filled before the
 * guest runs and constant afterwards, so that lookups take no lock. */
#ifndef MACHINE_BUS_H
#define MACHINE_BUS_H

#include <stdint.h>

#include <vmaccel/status.h>

#define BUS_MAX_RANGES 64

/* Handlers: called from any vCPU thread, several at once. `offset` is from the range's start;
 * `size` is 1, 2, 4 or 8, at most the range's width, and the access lies inside the range. It need
 * not be aligned. */
struct bus_range {
    uint64_t base;
    uint64_t size;
    const char *name; /* for error texts; constant */
    uint8_t width;    /* widest access the handlers take; a wider one comes in parts of it */
    void *device;
    uint64_t (*read)(void *device, uint64_t offset, uint8_t size);
    void (*write)(void *device, uint64_t offset, uint8_t size, uint64_t value);
};

struct bus {
    const char *name; /* "port", "MMIO" */
    uint64_t limit;   /* last address */
    uint32_t count;
    struct bus_range ranges[BUS_MAX_RANGES]; /* sorted by base, no overlap */
};

/* What one vCPU keeps of its lookups. */
struct bus_cursor {
    uint32_t hint;      /* index of the range hit last */
    uint64_t unclaimed; /* bytes of accesses that no device took */
};

void bus_init(struct bus *bus, const char *name, uint64_t limit);

/* Add a range. Errors: INVALID_ARGUMENT, EXISTS (names the one in the way), LIMIT. */
vmaccel_status bus_add(struct bus *bus, const struct bus_range *range);

/* Access `size` (1 to 8) bytes, little-endian. What no device claims reads as ones and ignores
 * writes. */
uint64_t bus_read(const struct bus *bus, struct bus_cursor *cursor, uint64_t address, uint8_t size);
void bus_write(const struct bus *bus, struct bus_cursor *cursor, uint64_t address, uint8_t size,
               uint64_t value);

#endif
