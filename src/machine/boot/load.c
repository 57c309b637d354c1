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
    uint8_t *at = memmap_host(l->in->ram, l->in->ram_size, gpa, size);

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

vmaccel_status load_table(struct load *l, uint64_t size, uint64_t align, const char *what,
                          uint64_t *gpa, uint8_t **host)
{
    uint64_t low = memmap_low_size(l->in->ram_size);
    vmaccel_status status;

    status = load_place(l, size, align, LOAD_TABLES_LOW, low < MEMMAP_EBDA ? low : MEMMAP_EBDA,
                        LOAD_UP, what, gpa, host);
    if (status == VMACCEL_OK)
        memset(*host, 0, size);
    return status;
}

vmaccel_status load_string(struct load *l, const char *text, const char *what, uint64_t *gpa)
{
    size_t size = strlen(text) + 1;
    uint8_t *host;
    vmaccel_status status = load_table(l, size, 16, what, gpa, &host);

    if (status == VMACCEL_OK)
        memcpy(host, text, size);
    return status;
}

const char *load_append(const struct load *l)
{
    return l->in->append ? l->in->append : "";
}

static vmaccel_status load_one_module(struct load *l, enum load_direction direction,
                                      const struct boot_module *module, const char *what,
                                      struct load_module *out)
{
    const char *append = module->append ? module->append : "";
    uint8_t *host;
    vmaccel_status status;

    out->size = module->size;
    status = load_place(l, module->size, LOAD_PAGE, MEMMAP_BIOS_END,
                        memmap_low_size(l->in->ram_size), direction, what, &out->gpa, &host);
    if (status != VMACCEL_OK)
        return status;
    if (module->size > 0)
        memcpy(host, module->data, module->size);
    return load_string(l, append, "a module's command line", &out->append);
}

vmaccel_status load_modules(struct load *l, enum load_direction direction,
                            struct load_module out[LOAD_MODULES], unsigned *count)
{
    const struct boot_input *in = l->in;
    size_t wanted = in->module_count + (in->initrd ? 1 : 0);
    vmaccel_status status;

    *count = 0;
    if (wanted > LOAD_MODULES)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT, "%zu modules are more than %d", wanted,
                         LOAD_MODULES);
    if (in->initrd) {
        struct boot_module initrd = {.data = in->initrd, .size = in->initrd_size};

        status = load_one_module(l, direction, &initrd,
                                 in->initrd_name ? in->initrd_name : "initrd", &out[(*count)++]);
        if (status != VMACCEL_OK)
            return status;
    }
    for (size_t i = 0; i < in->module_count; i++) {
        const struct boot_module *module = &in->modules[i];

        status = load_one_module(l, direction, module, module->name ? module->name : "module",
                                 &out[(*count)++]);
        if (status != VMACCEL_OK)
            return status;
    }
    return VMACCEL_OK;
}

unsigned load_memory_map(const struct load *l, struct load_map_entry map[LOAD_MAP_ENTRIES])
{
    uint64_t low = memmap_low_size(l->in->ram_size), high = memmap_high_size(l->in->ram_size);
    unsigned count = 0;

    map[count++] = (struct load_map_entry){0, MEMMAP_EBDA, LOAD_MAP_RAM};
    map[count++] = (struct load_map_entry){MEMMAP_EBDA, 0xA0000 - MEMMAP_EBDA, LOAD_MAP_RESERVED};
    map[count++] =
        (struct load_map_entry){MEMMAP_BIOS, MEMMAP_BIOS_END - MEMMAP_BIOS, LOAD_MAP_RESERVED};
    if (low > MEMMAP_BIOS_END)
        map[count++] =
            (struct load_map_entry){MEMMAP_BIOS_END, low - MEMMAP_BIOS_END, LOAD_MAP_RAM};
    if (high > 0)
        map[count++] = (struct load_map_entry){MEMMAP_HIGH_BASE, high, LOAD_MAP_RAM};
    return count;
}
