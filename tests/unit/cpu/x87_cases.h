/* SPDX-License-Identifier: BSD-2-Clause */
/* Random x87 instructions and states, for a run on the host's own x87 and on ours. */
#ifndef VMACCEL_TESTS_X87_CASES_H
#define VMACCEL_TESTS_X87_CASES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fp_operands.h"

/* What one instruction reads and writes. Its memory operand, if any, is (%rdi). */
struct x87_case {
    uint8_t image[108]; /* as FNSAVE stores it */
    uint8_t pad[4];
    uint64_t rflags, rax;
    uint8_t memory[128];
};

/* The code that both run: (%rdi) the memory, (%rsi) the image, (%rdx) rflags and rax. */
#define X87_CODE_MAX 32
static inline unsigned x87_code(uint8_t code[X87_CODE_MAX], const uint8_t *insn, unsigned length)
{
    static const uint8_t before[] = {
        0x48, 0x8b, 0x42, 0x08, /* mov 8(%rdx), %rax */
        0xff, 0x32,             /* push (%rdx) */
        0x9d,                   /* popf */
        0xdd, 0x26,             /* frstor (%rsi) */
    };
    static const uint8_t after[] = {
        0xdd, 0x36,             /* fnsave (%rsi) */
        0x9c,                   /* pushf */
        0x8f, 0x02,             /* pop (%rdx) */
        0x48, 0x89, 0x42, 0x08, /* mov %rax, 8(%rdx) */
    };

    memcpy(code, before, sizeof(before));
    memcpy(code + sizeof(before), insn, length);
    memcpy(code + sizeof(before) + length, after, sizeof(after));
    return (unsigned)(sizeof(before) + length + sizeof(after));
}

static inline void x87_put(uint8_t *to, uint32_t v)
{
    memcpy(to, &v, 4);
}

/* Transcendentals, whose results software makes where overflow or underflow is not masked. */
static inline bool x87_is_function(const uint8_t insn[2])
{
    return insn[0] == 0xd9 && insn[1] >= 0xf0 && insn[1] != 0xf4 && insn[1] != 0xf5 &&
           insn[1] != 0xf8 && insn[1] != 0xfa && insn[1] != 0xfc && insn[1] != 0xfd;
}

static inline void x87_random(struct x87_case *k, const uint8_t insn[2])
{
    static const char forms[] = "sdeb....";
    uint8_t masks = random_bits() & 3 ? FP_ALL : (uint8_t)(random_bits() & FP_ALL);
    uint16_t fcw = (uint16_t)(masks | (x87_is_function(insn) ? FP_OE | FP_UE : 0) | 0x40 |
                              (random_bits() & 0xf00));
    /* No exception is pending: only FNSAVE itself could run. */
    uint16_t fsw =
        (uint16_t)((random_bits() & 0x4740) | (random_bits() & 7 ? 0 : random_bits() & masks));
    uint16_t tags = random_bits() & 3 ? 0 : (uint16_t)random_bits();
    struct f80 v;
    uint64_t bits;

    /* Registers that a push needs are empty more often than not. */
    fsw |= (uint16_t)((random_bits() & 7) << 11);
    if (random_bits() & 3)
        tags |= (uint16_t)(3u << 2 * (((fsw >> 11) - 1) & 7));
    memset(k, 0, sizeof(*k));
    x87_put(k->image, 0xffff0000 | fcw);
    x87_put(k->image + 4, 0xffff0000 | fsw);
    x87_put(k->image + 8, 0xffff0000 | tags);
    for (unsigned i = 0; i < 8; i++) {
        v = random_f80();
        memcpy(k->image + 28 + 10 * i, &v.mant, 8);
        memcpy(k->image + 28 + 10 * i + 8, &v.se, 2);
    }
    k->rflags = (random_bits() & 0x8d5) | 0x202;
    k->rax = random_bits();
    for (unsigned i = 0; i < sizeof(k->memory); i++)
        k->memory[i] = (uint8_t)random_bits();
    switch (forms[random_bits() & 7]) {
    case 's':
        x87_put(k->memory, random_f32());
        break;
    case 'd':
        bits = random_f64();
        memcpy(k->memory, &bits, 8);
        break;
    case 'e':
        v = random_f80();
        memcpy(k->memory, &v.mant, 8);
        memcpy(k->memory + 8, &v.se, 2);
        break;
    default:
        for (unsigned i = 0; i < 9; i++)
            k->memory[i] = (uint8_t)(random_bits() % 10 << 4 | random_bits() % 10);
        break;
    }
}

/* Instruction and operand pointers, FOP and what is reserved are no part of the comparison. */
static inline void x87_mask(uint8_t *image)
{
    memset(image + 2, 0, 2);
    memset(image + 6, 0, 2);
    memset(image + 10, 0, 18);
}

#endif
