/* SPDX-License-Identifier: BSD-2-Clause */
/* Multiboot 1. Source: the Multiboot Specification version 0.6.96. */
#include <inttypes.h>
#include <string.h>

#include "machine/boot/bytes.h"
#include "machine/boot/elf_image.h"
#include "machine/boot/load_x86.h"
#include "machine/memmap_x86.h"

#define HEADER_MAGIC  0x1BADB002u
#define LOADER_MAGIC  0x2BADB002u
#define HEADER_SEARCH 8192u

/* Header flags. Bits 0 to 15 are demands; all modules are page-aligned and the memory map is always
 * given. */
#define FLAG_ADDRESSES 0x00010000u
#define FLAGS_DEMANDED 0x0000FFFFu
#define FLAGS_KNOWN                                                                                \
    0x00000007u /* page-aligned modules, memory map, video mode (which may be refused) */

enum {
    HEADER_FLAGS = 4,
    HEADER_CHECKSUM = 8,
    HEADER_ADDR = 12,
    HEADER_LOAD = 16,
    HEADER_LOAD_END = 20,
    HEADER_BSS_END = 24,
    HEADER_ENTRY = 28,
    HEADER_SIZE = 12,
    HEADER_SIZE_ADDRESSES = 32,
};

/* Offsets in the information table, and sizes of its lists' entries. */
enum {
    INFO_MEM_LOWER = 4,
    INFO_MEM_UPPER = 8,
    INFO_COMMAND_LINE = 16,
    INFO_MODULE_COUNT = 20,
    INFO_MODULES = 24,
    INFO_MAP_SIZE = 44,
    INFO_MAP = 48,
    INFO_LOADER_NAME = 64,
    INFO_SIZE = 116,
    MODULE_SIZE = 16,
    MAP_ENTRY_SIZE = 24,
};

#define INFO_HAS_MEM     (1u << 0)
#define INFO_HAS_COMMAND (1u << 2)
#define INFO_HAS_MODULES (1u << 3)
#define INFO_HAS_MAP     (1u << 6)
#define INFO_HAS_LOADER  (1u << 9)

/* The header's offset in the file, or a negative number. */
static int64_t find_header(const uint8_t *kernel, size_t size)
{
    size_t end = size < HEADER_SEARCH ? size : HEADER_SEARCH;

    for (size_t at = 0; at + HEADER_SIZE <= end; at += 4) {
        const uint8_t *h = kernel + at;

        if (get32(h) == HEADER_MAGIC &&
            (uint32_t)(HEADER_MAGIC + get32(h + HEADER_FLAGS) + get32(h + HEADER_CHECKSUM)) == 0)
            return (int64_t)at;
    }
    return -1;
}

bool boot_is_multiboot(const uint8_t *kernel, size_t size)
{
    return find_header(kernel, size) >= 0;
}

/* Load by the addresses in the header, whatever the file's own format. */
static vmaccel_status load_by_header(struct load *l, uint64_t at, uint64_t *entry)
{
    const uint8_t *h = l->in->kernel + at;
    uint64_t header, load, load_end, bss_end, offset, size, memory;
    uint8_t *host;
    vmaccel_status status;

    if (l->in->kernel_size - at < HEADER_SIZE_ADDRESSES)
        return load_fail(VMACCEL_E_FORMAT, "%.120s: the multiboot header is truncated", l->kernel);
    header = get32(h + HEADER_ADDR);
    load = get32(h + HEADER_LOAD);
    load_end = get32(h + HEADER_LOAD_END);
    bss_end = get32(h + HEADER_BSS_END);
    *entry = get32(h + HEADER_ENTRY);

    if (load > header || header - load > at)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.100s: multiboot load address 0x%" PRIx64
                         " does not match the header's address 0x%" PRIx64,
                         l->kernel, load, header);
    offset = at - (header - load);
    size = load_end ? load_end - load : l->in->kernel_size - offset;
    if (load_end && load_end <= load)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.100s: multiboot load end 0x%" PRIx64
                         " is not above the load address 0x%" PRIx64,
                         l->kernel, load_end, load);
    if (size > l->in->kernel_size - offset)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.100s is truncated: its multiboot header asks for %" PRIu64
                         " bytes from offset %" PRIu64,
                         l->kernel, size, offset);
    if (bss_end && bss_end < load + size)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.100s: multiboot bss end 0x%" PRIx64 " is inside the loaded part",
                         l->kernel, bss_end);
    memory = bss_end ? bss_end - load : size;
    if (*entry < load || *entry - load >= memory)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.100s: multiboot entry 0x%" PRIx64 " is outside the image", l->kernel,
                         *entry);
    status = load_claim(l, load, memory, l->kernel, &host);
    if (status != VMACCEL_OK)
        return status;
    memcpy(host, l->in->kernel + offset, size);
    memset(host + size, 0, memory - size);
    return VMACCEL_OK;
}

static vmaccel_status load_by_elf(struct load *l, uint64_t *entry)
{
    struct elf_image elf;
    const char *fault = elf_open(&elf, l->in->kernel, l->in->kernel_size);
    vmaccel_status status;

    if (fault)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s: the multiboot header gives no load addresses, and %s", l->kernel,
                         fault);
    status = elf_load(l, &elf);
    if (status != VMACCEL_OK)
        return status;
    if (!elf_entry(&elf, entry) || *entry >= MEMMAP_HIGH_BASE)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s: the entry point is in no segment loaded below 4 GiB", l->kernel);
    return VMACCEL_OK;
}

static vmaccel_status load_kernel(struct load *l, uint64_t *entry)
{
    int64_t at = find_header(l->in->kernel, l->in->kernel_size);
    uint32_t flags;

    if (at < 0)
        return load_fail(VMACCEL_E_FORMAT, "%.120s has no multiboot header in its first 8192 bytes",
                         l->kernel);
    flags = get32(l->in->kernel + at + HEADER_FLAGS);
    if (flags & FLAGS_DEMANDED & ~FLAGS_KNOWN)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s: the multiboot header demands unknown features (flags 0x%" PRIx32
                         ")",
                         l->kernel, flags);
    if (flags & FLAG_ADDRESSES)
        return load_by_header(l, (uint64_t)at, entry);
    return load_by_elf(l, entry);
}

static vmaccel_status put_modules(struct load *l, uint8_t *info)
{
    struct load_module modules[LOAD_MODULES];
    unsigned count;
    uint64_t gpa = 0;
    uint8_t *list;
    vmaccel_status status = load_modules(l, LOAD_UP, modules, &count);

    if (status == VMACCEL_OK && count > 0)
        status = load_table(l, (uint64_t)count * MODULE_SIZE, 8, "the module list", &gpa, &list);
    if (status != VMACCEL_OK)
        return status;
    for (unsigned i = 0; i < count; i++) {
        put32(list + i * MODULE_SIZE, (uint32_t)modules[i].gpa);
        put32(list + i * MODULE_SIZE + 4, (uint32_t)(modules[i].gpa + modules[i].size));
        put32(list + i * MODULE_SIZE + 8, (uint32_t)modules[i].append);
    }
    put32(info + INFO_MODULE_COUNT, count);
    put32(info + INFO_MODULES, (uint32_t)gpa);
    return VMACCEL_OK;
}

static vmaccel_status put_memory(struct load *l, uint8_t *info)
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
        uint8_t *at = table + i * MAP_ENTRY_SIZE;

        put32(at, MAP_ENTRY_SIZE - 4); /* the size field does not count itself */
        put64(at + 4, map[i].start);
        put64(at + 12, map[i].size);
        put32(at + 20, map[i].type);
    }
    put32(info + INFO_MEM_LOWER, MEMMAP_EBDA / 1024);
    put32(info + INFO_MEM_UPPER,
          (uint32_t)((memmap_low_size(l->in->ram_size) - MEMMAP_BIOS_END) / 1024));
    put32(info + INFO_MAP_SIZE, count * MAP_ENTRY_SIZE);
    put32(info + INFO_MAP, (uint32_t)gpa);
    return VMACCEL_OK;
}

static vmaccel_status make_info(struct load *l, uint64_t *gpa)
{
    uint64_t command_line, loader;
    uint8_t *info;
    vmaccel_status status = load_table(l, INFO_SIZE, 8, "the multiboot information", gpa, &info);

    if (status == VMACCEL_OK)
        status = load_string(l, load_append(l), "the command line", &command_line);
    if (status == VMACCEL_OK)
        status = load_string(l, "vmaccel", "the loader's name", &loader);
    if (status == VMACCEL_OK)
        status = put_memory(l, info);
    if (status == VMACCEL_OK)
        status = put_modules(l, info);
    if (status != VMACCEL_OK)
        return status;
    put32(info,
          INFO_HAS_MEM | INFO_HAS_COMMAND | INFO_HAS_MODULES | INFO_HAS_MAP | INFO_HAS_LOADER);
    put32(info + INFO_COMMAND_LINE, (uint32_t)command_line);
    put32(info + INFO_LOADER_NAME, (uint32_t)loader);
    return VMACCEL_OK;
}

vmaccel_status boot_multiboot(struct load *l, struct boot_state *state)
{
    uint64_t entry, info;
    vmaccel_status status = load_kernel(l, &entry);

    if (status == VMACCEL_OK)
        status = make_info(l, &info);
    if (status == VMACCEL_OK)
        status = load_protected_mode(l, entry, state);
    if (status == VMACCEL_OK) {
        state->regs.rax = LOADER_MAGIC;
        state->regs.rbx = info;
    }
    return status;
}
