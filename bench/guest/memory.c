/* SPDX-License-Identifier: BSD-2-Clause */
/* A pointer chase over 4 MiB, and copies and fills by loops and by string instructions.
 */
#include "work.h"

enum { LINES = 65536, HOPS = 16384, PIECE = 65536, WORDS = PIECE / 8 };

struct line {
    struct line *next;
    uint64_t value, rest[6];
};

static struct line lines[LINES];
static uint64_t from[WORDS + 1], to[WORDS + 1];

/* A linear congruential step of full period, so that the chain is one cycle in a scattered order.
 */
static unsigned after(unsigned line)
{
    return (line * 40501 + 12345) % LINES;
}

static void link_lines(void)
{
    for (unsigned i = 0; i < LINES; i++) {
        lines[i].next = &lines[after(i)];
        lines[i].value = i;
    }
}

static const struct line *chase(const struct line *line, uint64_t *sum)
{
    for (unsigned i = 0; i < HOPS; i++) {
        *sum += line->value;
        line = line->next;
    }
    return line;
}

static void move_bytes(void *out, const void *in, size_t count)
{
    __asm__ volatile("rep movsb" : "+D"(out), "+S"(in), "+c"(count) : : "memory");
}

static void move_words(void *out, const void *in, size_t count)
{
    __asm__ volatile("rep movsq" : "+D"(out), "+S"(in), "+c"(count) : : "memory");
}

static void fill_words(void *out, uint64_t value, size_t count)
{
    __asm__ volatile("rep stosq" : "+D"(out), "+c"(count) : "a"(value) : "memory");
}

static uint64_t copies(uint64_t unit)
{
    uint8_t *out = (uint8_t *)to;
    const uint8_t *in = (const uint8_t *)from;
    uint64_t sum = 0;

    for (unsigned i = 0; i < WORDS; i += 8)
        from[i] = unit + i;
    move_bytes(out + unit % 8, in, PIECE / 8);
    sum = work_mix(sum, to[WORDS / 16]);
    move_words(to + WORDS / 2, from, WORDS / 2);
    for (unsigned i = 0; i < WORDS; i++)
        to[i] += from[WORDS - 1 - i];
    for (unsigned i = 0; i < WORDS; i += 3)
        sum += to[i];
    for (unsigned i = 1; i < PIECE; i += 5)
        out[i] = in[i - 1];
    sum = work_mix(sum, to[WORDS / 4]);
    fill_words(to, sum, WORDS / 2);
    return sum ^ to[unit % WORDS];
}

uint64_t work_memory(uint64_t n)
{
    const struct line *line = lines;
    uint64_t sum = 0;

    link_lines();
    for (uint64_t i = 0; i < n; i++) {
        line = chase(line, &sum);
        sum = work_mix(sum, copies(i));
    }
    return sum;
}
