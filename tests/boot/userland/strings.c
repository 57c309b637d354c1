/* SPDX-License-Identifier: BSD-2-Clause */
/* The C library's string functions, whose vector forms load beside what they are given; sorting. */
#include "userland.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <wchar.h>

#define PAGE  4096
#define REACH 300

/* A page whose neighbours can't be touched. */
static uint8_t *guarded(void)
{
    uint8_t *at = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED || mprotect(at + PAGE, PAGE, PROT_READ | PROT_WRITE) != 0)
        abort();
    return at + PAGE;
}

/* Called through volatile pointers, since a compiler knows these functions. */
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static void *(*volatile fill)(void *, int, size_t) = memset;
static int (*volatile compare)(const void *, const void *, size_t) = memcmp;
static size_t (*volatile length)(const char *) = strlen;
static void *(*volatile find)(const void *, int, size_t) = memchr;

static int copies(uint8_t *from, uint8_t *to)
{
    static const size_t sizes[] = {0,  1,  2,  3,  4,  7,   8,   15,  16,  17,  31,  32,  33,
                                   47, 63, 64, 65, 96, 127, 128, 129, 200, 255, 256, 257, 511};
    int good = 1;

    for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
        const size_t size = sizes[s];
        for (size_t offset = 0; offset < 40; offset += 3) {
            uint8_t *source = from + PAGE - size - (size ? 0 : 1), *target = to + offset;
            fill(to, 0x5a, 1024);
            copy(target, source, size);
            good &= compare(target, source, size) == 0 && target[size] == 0x5a;
            for (size_t i = 0; i < size; i++)
                good &= target[i] == source[i];
            move(target + 5, target, size);
            for (size_t i = 0; i < size; i++)
                good &= target[i + 5] == source[i];
            fill(target + 1, (int)size, size);
            for (size_t i = 0; i < size; i++)
                good &= target[i + 1] == (uint8_t)size;
            good &= target[size + 6] == 0x5a;
        }
    }
    return good;
}

/* A string of every length that ends at the page's end. */
static int scans(uint8_t *page)
{
    int good = 1;

    for (size_t size = 0; size < REACH; size++) {
        char *text = (char *)page + PAGE - 1 - size;
        memset(text, 'a', size);
        text[size] = 0;
        good &= length(text) == size && strnlen(text, size / 2) == size / 2;
        good &= find(text, 'b', size) == NULL && strchr(text, 'b') == NULL;
        good &= strchr(text, 0) == text + size && strspn(text, "xa") == size;
        if (size == 0)
            continue;
        const size_t at = (size * 7) % size;
        text[at] = 'b';
        good &= strchr(text, 'b') == text + at && find(text, 'b', size) == text + at;
        good &= strrchr(text, 'b') == text + at && strcspn(text, "cb") == at;
        good &= memrchr(text, 'b', size) == text + at && rawmemchr(text, 'b') == text + at;
        good &= strstr(text, "b") == text + at;
        char *other = strdup(text);
        good &= strcmp(text, other) == 0 && strcasecmp(text, other) == 0;
        other[at] = 'B';
        good &= strcmp(text, other) > 0 && strncmp(text, other, at) == 0 &&
                strcasecmp(text, other) == 0 && memcmp(text, other, size) > 0;
        free(other);
    }
    return good;
}

static int wide(void)
{
    static wchar_t text[200];
    int good = 1;

    for (size_t size = 0; size < 199; size++) {
        wmemset(text, L'x', size);
        text[size] = 0;
        good &= wcslen(text) == size && wcschr(text, L'y') == NULL;
        good &= wmemchr(text, L'y', size) == NULL && wcscmp(text, text) == 0;
    }
    return good;
}

void check_strings(void)
{
    uint8_t *from = guarded(), *to = guarded();
    char text[] = "one,two;;three four", *save;
    uint64_t sum = HASH_START;

    random_bytes(from, PAGE);
    agree("memcpy, memmove, memset, memcmp", copies(from, to));
    agree("string scans at a page's end", scans(to));
    agree("wide strings", wide());
    agree("strstr, far", strstr("the quick brown fox jumps over the lazy dog", "lazy dog") != NULL);
    for (char *word = strtok_r(text, ",; ", &save); word; word = strtok_r(NULL, ",; ", &save))
        sum = hash(sum, word, strlen(word));
    result("strtok", sum);
    sum = HASH_START;
    for (int i = 0; i < 500; i++) {
        char line[100];
        const uint64_t value = random64() >> (i % 64);
        const int size =
            snprintf(line, sizeof(line), "%llu %lld %llx %o %5d|%-8s|%c", (unsigned long long)value,
                     -(long long)(value >> 1), (unsigned long long)value, (unsigned)value, i,
                     "left", 'a' + i % 26);
        if (strtoull(line, NULL, 10) != value)
            sum = 0;
        sum = hash(sum, line, (size_t)size);
    }
    result("printf and strtoull", sum);
}

struct record {
    char key[12];
    uint32_t order;
    double weight;
};

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int by_weight(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    const int weight = (x->weight > y->weight) - (x->weight < y->weight);
    return weight ? weight : (x->order > y->order) - (x->order < y->order);
}

static int by_key(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    const int key = strcmp(x->key, y->key);
    return key ? key : (x->order > y->order) - (x->order < y->order);
}

void check_sorting(void)
{
    enum { COUNT = 5000 };
    static int64_t values[COUNT];
    static struct record records[COUNT];
    int good = 1;

    for (int i = 0; i < COUNT; i++)
        values[i] = (int64_t)random64() >> (i % 60);
    qsort(values, COUNT, sizeof(*values), by_value);
    for (int i = 1; i < COUNT; i++)
        good &= values[i - 1] <= values[i];
    agree("qsort of integers", good);
    result("qsort of integers", hash(HASH_START, values, sizeof(values)));
    good = 1;
    for (int i = 0; i < COUNT; i++)
        good &= bsearch(&values[i], values, COUNT, sizeof(*values), by_value) != NULL;
    agree("bsearch", good);

    for (int i = 0; i < COUNT; i++) {
        snprintf(records[i].key, sizeof(records[i].key), "k%u", (unsigned)(random64() % 3000));
        records[i].order = (uint32_t)i;
        records[i].weight = (double)(int64_t)random64() / 3;
    }
    qsort(records, COUNT, sizeof(*records), by_weight);
    result("qsort by a double", hash(HASH_START, records, sizeof(records)));
    qsort(records, COUNT, sizeof(*records), by_key);
    result("qsort by a string", hash(HASH_START, records, sizeof(records)));
}
