/* SPDX-License-Identifier: BSD-2-Clause */
#include "userland.h"

#include <cpuid.h>
#include <stdio.h>
#include <string.h>

static uint64_t state;
static int failed;

uint64_t hash(uint64_t from, const void *data, size_t size)
{
    const uint8_t *at = data;

    for (size_t i = 0; i < size; i++)
        from = (from ^ at[i]) * UINT64_C(0x100000001b3);
    return from;
}

uint64_t random64(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

void random_bytes(void *to, size_t size)
{
    uint8_t *at = to;

    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(random64() >> 56);
}

void result(const char *name, uint64_t value)
{
    printf("%s: %016llx\n", name, (unsigned long long)value);
}

void agree(const char *name, int yes)
{
    printf("%s: %s\n", name, yes ? "agrees" : "WRONG");
    failed |= !yes;
}

void known(const char *name, const uint8_t *digest, size_t size, const char *hex)
{
    char text[2 * 64 + 1] = "";

    for (size_t i = 0; i < size && i < 64; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    printf("%s: %s\n", name, text);
    if (strcmp(text, hex) != 0) {
        printf("%s: WRONG, known is %s\n", name, hex);
        failed = 1;
    }
}

/* What may differ between CPUs is a comment. */
static void features(void)
{
    static const struct {
        const char *name;
        unsigned leaf, reg, bit;
    } table[] = {{"fma", 1, 2, 12},  {"movbe", 1, 2, 22}, {"aes", 1, 2, 25}, {"pclmulqdq", 1, 2, 1},
                 {"f16c", 1, 2, 29}, {"avx2", 7, 1, 5},   {"bmi1", 7, 1, 3}, {"bmi2", 7, 1, 8},
                 {"adx", 7, 1, 19},  {"sha_ni", 7, 1, 29}};

    printf("# features:");
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        unsigned regs[4] = {0};
        __get_cpuid_count(table[i].leaf, 0, &regs[0], &regs[1], &regs[2], &regs[3]);
        if (regs[table[i].reg] >> table[i].bit & 1)
            printf(" %s", table[i].name);
    }
    printf("\n");
}

int main(void)
{
    static void (*const groups[])(void) = {
        check_math, check_rounding, check_loops,   check_strings, check_sorting, check_vectors,
        check_bits, check_digests,  check_ciphers, check_system,  check_threads,
    };

    features();
    for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
        state = UINT64_C(0x9e3779b97f4a7c15);
        groups[i]();
        fflush(stdout);
    }
    printf("userland: %s\n", failed ? "WRONG" : "done");
    return failed;
}
