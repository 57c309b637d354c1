/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/arm64/walk.h"

#define SCTLR_M  ((uint64_t)1 << 0)
#define SCTLR_EE ((uint64_t)1 << 25)
#define TCR_EPD0 ((uint64_t)1 << 7)
#define TCR_EPD1 ((uint64_t)1 << 23)
#define TCR_TBI0 ((uint64_t)1 << 37)
#define TCR_TBI1 ((uint64_t)1 << 38)
#define TCR_HA   ((uint64_t)1 << 39)

#define ENTRY_VALID  ((uint64_t)1 << 0)
#define ENTRY_TABLE  ((uint64_t)1 << 1) /* at level 3: a page */
#define ENTRY_AF     ((uint64_t)1 << 10)
#define ADDRESS_BITS 48

static uint64_t bits(unsigned count)
{
    return count >= 64 ? UINT64_MAX : ((uint64_t)1 << count) - 1;
}

/* log2 of the granule, or 0 for a reserved value. */
static unsigned granule(uint64_t tcr, bool upper)
{
    static const uint8_t tg0[4] = {12, 16, 14, 0}, tg1[4] = {0, 14, 12, 16};

    return upper ? tg1[tcr >> 30 & 3] : tg0[tcr >> 14 & 3];
}

static bool block_allowed(unsigned page, unsigned level)
{
    return level == 2 || (level == 1 && page == 12);
}

bool arm64_walk(const struct arm64_walk_regs *regs, uint64_t va, arm64_walk_read read,
                void *context, uint64_t *gpa)
{
    bool upper = (va >> 55 & 1) != 0;
    unsigned top = (regs->tcr & (upper ? TCR_TBI1 : TCR_TBI0)) != 0 ? 56 : 64;

    if ((regs->sctlr & SCTLR_M) == 0) {
        *gpa = va & bits(top);
        return *gpa >> ADDRESS_BITS == 0;
    }
    unsigned size = 64 - (unsigned)(regs->tcr >> (upper ? 16 : 0) & 63);
    unsigned page = granule(regs->tcr, upper);
    if (page == 0 || size > ADDRESS_BITS || size < 16 || size <= page ||
        (regs->tcr & (upper ? TCR_EPD1 : TCR_EPD0)) != 0)
        return false;
    uint64_t outside = bits(top) & ~bits(size);
    if ((va & outside) != (upper ? outside : 0))
        return false;

    unsigned stride = page - 3;
    unsigned levels = (size - page + stride - 1) / stride; /* at most 4 */
    unsigned left = size;
    unsigned shift = page + stride * (levels - 1);
    uint64_t table = (upper ? regs->ttbr1 : regs->ttbr0) & bits(ADDRESS_BITS);
    table &=
        ~(bits(left - shift + 3) | bits(6)); /* aligned to its size, which is 64 bytes or more */
    for (unsigned level = 4 - levels;; level++) {
        uint64_t entry, index = va >> shift & bits(left - shift);
        if (!read(context, table + index * 8, &entry, sizeof(entry)))
            return false;
        if ((regs->sctlr & SCTLR_EE) != 0)
            entry = __builtin_bswap64(entry);
        bool last = (entry & ENTRY_TABLE) == 0 || level == 3;
        if ((entry & ENTRY_VALID) == 0 || (last && level == 3 && (entry & ENTRY_TABLE) == 0) ||
            (last && level != 3 && !block_allowed(page, level)))
            return false;
        if (last) {
            if ((entry & ENTRY_AF) == 0 && (regs->tcr & TCR_HA) == 0)
                return false;
            *gpa = (entry & bits(ADDRESS_BITS) & ~bits(shift)) | (va & bits(shift));
            return true;
        }
        table = entry & bits(ADDRESS_BITS) & ~bits(page);
        left = shift;
        shift -= stride;
    }
}
