/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a machine's RAM is. The rest of an address map is in memmap_<architecture>.h. */
#ifndef MACHINE_MEMMAP_H
#define MACHINE_MEMMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vmaccel/types.h>

enum { MEMMAP_PARTS = 2 };

/* RAM is one host buffer: each part takes from it up to its size, in this order. A size of 0 ends
 * the list. */
struct memmap {
    struct {
        uint64_t base, size;
    } part[MEMMAP_PARTS];
};

extern const struct memmap memmap_x86, memmap_arm64;

/* NULL for what is no guest architecture. */
const struct memmap *memmap_of(vmaccel_arch arch);

/* Part `index` of `ram_size` bytes: where it is in the guest and in the buffer, and its size there,
 * 0 where the RAM has no such part. */
struct memmap_piece {
    uint64_t gpa, offset, size;
};
struct memmap_piece memmap_piece(const struct memmap *map, uint64_t ram_size, unsigned index);

/* The address after the last byte of RAM. */
uint64_t memmap_end(const struct memmap *map, uint64_t ram_size);

/* Host address of the RAM [gpa, gpa + size), or NULL where it is not RAM in one piece. */
uint8_t *memmap_host(const struct memmap *map, uint8_t *ram, uint64_t ram_size, uint64_t gpa,
                     uint64_t size);

#endif
