/* SPDX-License-Identifier: BSD-2-Clause */
/* Code that changes: an immediate patched before each call, an instruction that the one before it
 * patches, and a small code generator whose output runs twice and is overwritten. */
#include "work.h"

enum { PATCHES = 64, SELF = 64, GENERATED = 8, LENGTH = 24, SLOT = 256, SLOTS = 128 };

typedef uint32_t function(uint32_t x);

/* mov %edi,%eax; add $imm,%eax; rol $5,%eax; ret */
static const uint8_t patched[] = {0x89, 0xf8, 0x05, 0, 0, 0, 0, 0xc1, 0xc0, 0x05, 0xc3};
enum { PATCHED_IMM = 3 };

/* mov %edi,imm(%rip); xor %eax,%eax; xor $imm,%eax; lea 7(%rax),%eax; ret */
static const uint8_t self[] = {0x89, 0x3d, 3, 0, 0,    0,    0x31, 0xc0, 0x35,
                               0,    0,    0, 0, 0x8d, 0x40, 0x07, 0xc3};

static void put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static void put(uint8_t *at, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = bytes[i];
}

static uint32_t call(const uint8_t *code, uint32_t x)
{
    function *run = (function *)(uintptr_t)code;

    /* The compiler must have written the code by now. */
    __asm__ volatile("" : : : "memory");
    return run(x);
}

static uint32_t patch(uint8_t *code, uint32_t x)
{
    for (unsigned i = 0; i < PATCHES; i++) {
        put32(code + PATCHED_IMM, x ^ i);
        x = call(code, x);
    }
    return x;
}

static uint8_t *emit_imm(uint8_t *at, uint8_t opcode, uint32_t imm)
{
    *at++ = opcode;
    put32(at, imm);
    return at + 4;
}

/* eax = edi, then LENGTH operations on it. */
static void generate(uint8_t *at, uint64_t *state)
{
    *at++ = 0x89, *at++ = 0xf8;
    for (unsigned i = 0; i < LENGTH; i++) {
        uint32_t random = (uint32_t)work_random(state);

        switch (random & 3) {
        case 0: /* add */
            at = emit_imm(at, 0x05, random);
            break;
        case 1: /* xor */
            at = emit_imm(at, 0x35, random);
            break;
        case 2: /* rol */
            *at++ = 0xc1, *at++ = 0xc0, *at++ = (uint8_t)(random >> 2 & 31);
            break;
        case 3: /* imul */
            *at++ = 0x69;
            at = emit_imm(at, 0xc0, random);
            break;
        }
    }
    *at = 0xc3;
}

uint64_t work_smc(uint64_t n)
{
    uint8_t *own = work_code + SLOT, *generated = work_code + WORK_CODE_SIZE / 2;
    uint64_t sum = 0, state = 1;
    uint32_t x = 1;

    put(work_code, patched, sizeof patched);
    put(own, self, sizeof self);
    for (uint64_t i = 0; i < n; i++) {
        x = patch(work_code, x);
        for (unsigned j = 0; j < SELF; j++)
            x = call(own, x + j);
        for (unsigned j = 0; j < GENERATED; j++) {
            uint8_t *code = generated + (i * GENERATED + j) % SLOTS * SLOT;

            generate(code, &state);
            x = call(code, x);
            x = call(code, x);
        }
        sum = work_mix(sum, x);
    }
    return sum;
}
