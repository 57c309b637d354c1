/* SPDX-License-Identifier: BSD-2-Clause */
#include "work.h"

static uint64_t work_null(uint64_t n)
{
    return n;
}

static const struct work works[] = {
    {"null", work_null},     {"integer", work_integer},
    {"hash", work_hash},     {"interpreter", work_interpreter},
    {"memory", work_memory}, {"float", work_float},
    {"smc", work_smc},
#ifdef WORK_GUEST
    {"system", work_system},
#endif
};

static bool is_word(const char *text, const char *word)
{
    while (*word != 0 && *text == *word)
        text++, word++;
    return *word == 0 && (*text == 0 || *text == ' ');
}

const struct work *work_find(const char *text)
{
    for (size_t i = 0; i < sizeof works / sizeof works[0]; i++) {
        if (is_word(text, works[i].name))
            return &works[i];
    }
    return NULL;
}

void work_hex(uint64_t value, char text[17])
{
    for (int i = 0; i < 16; i++)
        text[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    text[16] = 0;
}
