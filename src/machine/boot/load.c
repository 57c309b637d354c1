/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine/boot/load.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "machine/memmap.h"

vmaccel_status load_fail(vmaccel_status status, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return vmaccel_error_report(status, "boot", text);
}

struct load_text load_size_text(uint64_t size)
{
    struct load_text out;

    if (size >= 1 << 20 && size % (1 << 20) == 0)
        snprintf(out.text, sizeof(out.text), "%" PRIu64 " MiB", size >> 20);
    else if (size >= 10 << 20)
        snprintf(out.text, sizeof(out.text), "%" PRIu64 " MiB", (size + (1 << 19)) >> 20);
    else if (size >= 10 << 10)
        snprintf(out.text, sizeof(out.text), "%" PRIu64 " KiB", (size + (1 << 9)) >> 10);
    else
        snprintf(out.text, sizeof(out.text), "%" PRIu64 " bytes", size);
    return out;
}

uint8_t *load_host(const struct load *l, uint64_t gpa, uint64_t size)
{
    return memmap_host(memmap_of(l->in->arch), l->in->ram, l->in->ram_size, gpa, size);
}

static const struct load_range *first_overlap(const struct load *l, uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < l->count; i++) {
        if (start < l->taken[i].end && l->taken[i].start < end)
            return &l->taken[i];
    }
    return NULL;
}

vmaccel_status load_claim(struct load *l, uint64_t gpa, uint64_t size, const char *what,
                          uint8_t **host)
{
    const struct load_range *other;
    uint8_t *at = load_host(l, gpa, size);

    if (!at)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT,
                         "%.100s (%s at 0x%" PRIx64 ") does not fit into %s of memory", what,
                         load_size_text(size).text, gpa, load_size_text(l->in->ram_size).text);
    if (host)
        *host = at;
    if (size == 0)
        return VMACCEL_OK;
    other = first_overlap(l, gpa, gpa + size);
    if (other)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT,
                         "%.60s (%s at 0x%" PRIx64 ") overlaps %.60s (%s at 0x%" PRIx64 ")", what,
                         load_size_text(size).text, gpa, other->what,
                         load_size_text(other->end - other->start).text, other->start);
    if (l->count == LOAD_RANGES)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT, "%.100s: more than %d pieces to load", what,
                         LOAD_RANGES);
    l->taken[l->count++] = (struct load_range){gpa, gpa + size, what};
    return VMACCEL_OK;
}

/* `high` is at most 2^63 and the ranges taken are RAM, so the sums do not wrap. */
static bool find_up(const struct load *l, uint64_t size, uint64_t align, uint64_t low,
                    uint64_t high, uint64_t *gpa)
{
    uint64_t at = low;

    for (;;) {
        const struct load_range *other;

        at = (at + align - 1) & ~(align - 1);
        if (at > high || size > high - at)
            return false;
        other = first_overlap(l, at, at + size);
        if (!other) {
            *gpa = at;
            return true;
        }
        at = other->end;
    }
}

static bool find_down(const struct load *l, uint64_t size, uint64_t align, uint64_t low,
                      uint64_t high, uint64_t *gpa)
{
    uint64_t end = high;

    for (;;) {
        const struct load_range *other;
        uint64_t at;

        if (end < low || size > end - low)
            return false;
        at = (end - size) & ~(align - 1);
        if (at < low)
            return false;
        other = first_overlap(l, at, at + size);
        if (!other) {
            *gpa = at;
            return true;
        }
        end = other->start;
    }
}

bool load_find(const struct load *l, uint64_t size, uint64_t align, uint64_t low, uint64_t high,
               enum load_direction direction, uint64_t *gpa)
{
    return direction == LOAD_UP ? find_up(l, size, align, low, high, gpa)
                                : find_down(l, size, align, low, high, gpa);
}

vmaccel_status load_place(struct load *l, uint64_t size, uint64_t align, uint64_t low,
                          uint64_t high, enum load_direction direction, const char *what,
                          uint64_t *gpa, uint8_t **host)
{
    if (!load_find(l, size, align, low, high, direction, gpa))
        return load_fail(VMACCEL_E_INVALID_ARGUMENT,
                         "%.100s (%s) does not fit into %s of memory beside what is loaded", what,
                         load_size_text(size).text, load_size_text(l->in->ram_size).text);
    return load_claim(l, *gpa, size, what, host);
}

const char *load_append(const struct load *l)
{
    return l->in->append ? l->in->append : "";
}
