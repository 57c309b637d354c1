/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine/memmap.h"

#include "machine/memmap_arm64.h"
#include "machine/memmap_x86.h"

const struct memmap memmap_x86 = {
    {{0, MEMMAP_LOW_END}, {MEMMAP_HIGH_BASE, UINT64_MAX - MEMMAP_HIGH_BASE}}};
const struct memmap memmap_arm64 = {{{VIRT_RAM, UINT64_MAX - VIRT_RAM}}};

const struct memmap *memmap_of(vmaccel_arch arch)
{
    switch (arch) {
    case VMACCEL_ARCH_X86_64:
        return &memmap_x86;
    case VMACCEL_ARCH_ARM64:
        return &memmap_arm64;
    default:
        return NULL;
    }
}

struct memmap_piece memmap_piece(const struct memmap *map, uint64_t ram_size, unsigned index)
{
    struct memmap_piece piece = {0, 0, 0};

    for (unsigned i = 0; i < MEMMAP_PARTS; i++) {
        uint64_t left = ram_size - piece.offset;

        piece.gpa = map->part[i].base;
        piece.size = left < map->part[i].size ? left : map->part[i].size;
        if (i == index)
            return piece;
        piece.offset += piece.size;
    }
    piece.size = 0;
    return piece;
}

uint64_t memmap_end(const struct memmap *map, uint64_t ram_size)
{
    uint64_t end = 0;

    for (unsigned i = 0; i < MEMMAP_PARTS; i++) {
        struct memmap_piece piece = memmap_piece(map, ram_size, i);

        if (piece.size > 0)
            end = piece.gpa + piece.size;
    }
    return end;
}

uint8_t *memmap_host(const struct memmap *map, uint8_t *ram, uint64_t ram_size, uint64_t gpa,
                     uint64_t size)
{
    for (unsigned i = 0; i < MEMMAP_PARTS; i++) {
        struct memmap_piece piece = memmap_piece(map, ram_size, i);
        uint64_t at = gpa - piece.gpa;

        if (gpa >= piece.gpa && at <= piece.size && size <= piece.size - at)
            return ram + piece.offset + at;
    }
    return NULL;
}
