/* SPDX-License-Identifier: BSD-2-Clause */
/* An ELF kernel through its PVH entry. Source: Xen's docs/misc/pvh.pandoc and
 * public/arch-x86/hvm/start_info.h. */
#include <inttypes.h>

#include "machine/boot/acpi.h"
#include "machine/boot/bytes.h"
#include "machine/boot/elf_image.h"
#include "machine/boot/load_x86.h"

#define NOTE_PHYS32_ENTRY 18u
#define START_MAGIC       0x336EC578u

/* Offsets in the start info, version 1, and sizes of its table entries. */
enum {
    START_VERSION = 4,
    START_MODULE_COUNT = 12,
    START_MODULES = 16,
    START_COMMAND_LINE = 24,
    START_RSDP = 32,
    START_MAP = 40,
    START_MAP_ENTRIES = 48,
    START_SIZE = 56,
    MODULE_SIZE = 32,
    MAP_ENTRY_SIZE = 24,
};

bool boot_is_pvh(const uint8_t *kernel, size_t size)
{
    struct elf_image elf;
    uint32_t entry;

    return !elf_open(&elf, kernel, size) && elf.arch == VMACCEL_ARCH_X86_64 &&
           elf_find_note(&elf, "Xen", NOTE_PHYS32_ENTRY, &entry) == ELF_NOTE_FOUND;
}

static vmaccel_status put_modules(struct load *l, uint8_t *start)
{
    struct load_module modules[LOAD_MODULES];
    unsigned count;
    uint64_t gpa;
    uint8_t *list;
    vmaccel_status status = load_modules(l, LOAD_DOWN, modules, &count);

    if (status != VMACCEL_OK || count == 0)
        return status;
    status = load_table(l, (uint64_t)count * MODULE_SIZE, 8, "the module list", &gpa, &list);
    if (status != VMACCEL_OK)
        return status;
    for (unsigned i = 0; i < count; i++) {
        put64(list + i * MODULE_SIZE, modules[i].gpa);
        put64(list + i * MODULE_SIZE + 8, modules[i].size);
        put64(list + i * MODULE_SIZE + 16, modules[i].append);
    }
    put32(start + START_MODULE_COUNT, count);
    put64(start + START_MODULES, gpa);
    return VMACCEL_OK;
}

static vmaccel_status put_memory_map(struct load *l, uint8_t *start)
{
    struct load_map_entry map[LOAD_MAP_ENTRIES];
    unsigned count = load_memory_map(l, map);
    uint64_t gpa;
    uint8_t *table;
    vmaccel_status status =
        load_table(l, (uint64_t)count * MAP_ENTRY_SIZE, 8, "the memory map", &gpa, &table);

    if (status != VMACCEL_OK)
        return status;
    for (unsigned i = 0; i < count; i++) {
        put64(table + i * MAP_ENTRY_SIZE, map[i].start);
        put64(table + i * MAP_ENTRY_SIZE + 8, map[i].size);
        put32(table + i * MAP_ENTRY_SIZE + 16, map[i].type);
    }
    put64(start + START_MAP, gpa);
    put32(start + START_MAP_ENTRIES, count);
    return VMACCEL_OK;
}

static vmaccel_status make_start_info(struct load *l, uint64_t *gpa)
{
    uint64_t command_line;
    uint8_t *start;
    vmaccel_status status = load_table(l, START_SIZE, 8, "the start info", gpa, &start);

    if (status == VMACCEL_OK)
        status = load_string(l, load_append(l), "the command line", &command_line);
    if (status == VMACCEL_OK)
        status = put_memory_map(l, start);
    if (status == VMACCEL_OK)
        status = put_modules(l, start);
    if (status != VMACCEL_OK)
        return status;
    put32(start, START_MAGIC);
    put32(start + START_VERSION, 1);
    put64(start + START_COMMAND_LINE, command_line);
    put64(start + START_RSDP, ACPI_RSDP_ADDRESS);
    return VMACCEL_OK;
}

vmaccel_status boot_pvh(struct load *l, struct boot_state *state)
{
    struct elf_image elf;
    uint64_t start;
    uint32_t entry;
    const char *fault = elf_open(&elf, l->in->kernel, l->in->kernel_size);
    enum elf_note note;
    vmaccel_status status;

    if (fault)
        return load_fail(VMACCEL_E_FORMAT, "%.120s: %s", l->kernel, fault);
    note = elf_find_note(&elf, "Xen", NOTE_PHYS32_ENTRY, &entry);
    if (note == ELF_NOTE_BROKEN)
        return load_fail(VMACCEL_E_FORMAT, "%.120s: the ELF notes are truncated", l->kernel);
    if (note == ELF_NOTE_NONE)
        return load_fail(VMACCEL_E_FORMAT, "%.120s has no PVH entry note", l->kernel);
    status = elf_load(l, &elf);
    if (status != VMACCEL_OK)
        return status;
    if (!elf_contains(&elf, entry))
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s: the PVH entry 0x%" PRIx32 " is in none of its segments",
                         l->kernel, entry);
    status = make_start_info(l, &start);
    if (status == VMACCEL_OK)
        status = load_protected_mode(l, entry, state);
    if (status == VMACCEL_OK)
        state->regs.rbx = start;
    return status;
}
