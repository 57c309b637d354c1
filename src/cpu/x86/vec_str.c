/* SPDX-License-Identifier: BSD-2-Clause */
/* String comparison: PCMPESTRx and PCMPISTRx. Bits of the immediate: 0 words, 1 signed, 3-2 what is
 * compared, 5-4 the result's polarity, 6 last index or expanded mask. */
#include <stdbool.h>

#include "cpu/x86/vec.h"

#define FLAG_CF 0x001u
#define FLAG_ZF 0x040u
#define FLAG_SF 0x080u
#define FLAG_OF 0x800u

static inline int element(const cpu_vec *v, unsigned i, unsigned imm)
{
    switch (imm & 3) {
    case 0:
        return v->u8[i];
    case 1:
        return v->u16[i];
    case 2:
        return v->s8[i];
    default:
        return v->s16[i];
    }
}

static inline unsigned elements(unsigned imm)
{
    return imm & 1 ? 8 : 16;
}

unsigned vec_str_implicit(const cpu_vec *v, unsigned imm)
{
    unsigned length = 0;
    while (length < elements(imm) && element(v, length, imm) != 0)
        length++;
    return length;
}

unsigned vec_str_explicit(int64_t length, unsigned imm)
{
    const int64_t most = elements(imm);
    return (unsigned)(length > most || length < -most ? most : length < 0 ? -length : length);
}

static bool any_equal(const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned a_length,
                      unsigned at)
{
    for (unsigned i = 0; i < a_length; i++)
        if (element(a, i, imm) == element(b, at, imm))
            return true;
    return false;
}

/* a holds pairs of bounds; half a pair bounds nothing. */
static bool in_ranges(const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned a_length,
                      unsigned at)
{
    const int value = element(b, at, imm);
    for (unsigned i = 0; i + 1 < a_length; i += 2)
        if (value >= element(a, i, imm) && value <= element(a, i + 1, imm))
            return true;
    return false;
}

/* Does a start at `at` in b? Past b's register nothing can differ. */
static bool starts_at(const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned a_length,
                      unsigned b_length, unsigned at)
{
    for (unsigned i = 0; i < a_length && at + i < elements(imm); i++)
        if (at + i >= b_length || element(a, i, imm) != element(b, at + i, imm))
            return false;
    return true;
}

struct vec_str vec_pcmpstr(const cpu_vec *a, const cpu_vec *b, unsigned imm, unsigned a_length,
                           unsigned b_length)
{
    const unsigned count = elements(imm);
    uint32_t mask = 0;
    for (unsigned at = 0; at < count; at++) {
        bool hit = false;
        switch (imm >> 2 & 3) {
        case 0:
            hit = at < b_length && any_equal(a, b, imm, a_length, at);
            break;
        case 1:
            hit = at < b_length && in_ranges(a, b, imm, a_length, at);
            break;
        case 2:
            if (at < a_length && at < b_length)
                hit = element(a, at, imm) == element(b, at, imm);
            else
                hit = at >= a_length && at >= b_length;
            break;
        default:
            hit = starts_at(a, b, imm, a_length, b_length, at);
            break;
        }
        mask |= (uint32_t)hit << at;
    }
    if (imm & 0x10)
        mask ^= imm & 0x20 ? (1u << b_length) - 1 : (1u << count) - 1;
    return (struct vec_str){
        .mask = mask,
        .flags = (mask ? FLAG_CF : 0) | (b_length < count ? FLAG_ZF : 0) |
                 (a_length < count ? FLAG_SF : 0) | (mask & 1 ? FLAG_OF : 0),
    };
}

unsigned vec_str_index(uint32_t mask, unsigned imm)
{
    const unsigned count = elements(imm);
    unsigned index = 0;
    if (!mask)
        return count;
    if (imm & 0x40) {
        index = count - 1;
        while (!(mask >> index & 1))
            index--;
        return index;
    }
    while (!(mask >> index & 1))
        index++;
    return index;
}

void vec_str_mask(cpu_vec *d, uint32_t mask, unsigned imm)
{
    d->u64[0] = mask;
    d->u64[1] = 0;
    if (!(imm & 0x40))
        return;
    for (unsigned i = 0; i < elements(imm); i++) {
        if (imm & 1)
            d->u16[i] = mask >> i & 1 ? 0xffff : 0;
        else
            d->u8[i] = mask >> i & 1 ? 0xff : 0;
    }
}
