/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine/boot/load_x86.h"

#include <string.h>

#include "machine/memmap_x86.h"

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
