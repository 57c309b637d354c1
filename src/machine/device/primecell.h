/* SPDX-License-Identifier: BSD-2-Clause */
/* What Arm's PrimeCell devices share: 32-bit registers in 4 KiB, with eight for identification at
 * the end. An access of 1, 2 or 4 bytes at a register's address is one to the register's low bytes;
 * one at another address reads 0 and has no effect. */
#ifndef MACHINE_DEVICE_PRIMECELL_H
#define MACHINE_DEVICE_PRIMECELL_H

#include <stdbool.h>
#include <stdint.h>

#define PRIMECELL_SIZE 0x1000u
#define PRIMECELL_ID   0xFE0u

static inline bool primecell_is_register(uint64_t offset)
{
    return offset % 4 == 0;
}

/* The identification register at `offset`, which is at least PRIMECELL_ID. `part` is the part
 * number, `revision` the upper half of the third register. */
static inline uint32_t primecell_id(uint64_t offset, uint32_t part, uint32_t revision)
{
    const uint8_t id[8] = {
        (uint8_t)part,
        (uint8_t)(0x10 | (part >> 8 & 0xf)), /* designer 0x41: Arm */
        (uint8_t)(revision << 4 | 4),
        0,
        0x0D,
        0xF0,
        0x05,
        0xB1,
    };

    return id[(offset - PRIMECELL_ID) / 4 % 8];
}

#endif
