/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF executables for x86, 32-bit and 64-bit, and for AArch64, little-endian. */
#ifndef MACHINE_BOOT_ELF_IMAGE_H
#define MACHINE_BOOT_ELF_IMAGE_H

#include "machine/boot/load.h"

struct elf_image {
    const uint8_t *data;
    uint64_t size;
    vmaccel_arch arch; /* X86_64 for 32-bit x86 too */
    bool is_64;
    uint64_t entry, phoff;
    unsigned phnum, phentsize;
};

enum elf_note { ELF_NOTE_NONE, ELF_NOTE_FOUND, ELF_NOTE_BROKEN };

/* Check the ELF and program headers. NULL when they are sound, else what is wrong with them. */
const char *elf_open(struct elf_image *elf, const uint8_t *data, uint64_t size);

/* Copy the loadable segments to their physical addresses and zero what the file does not fill. */
vmaccel_status elf_load(struct load *l, const struct elf_image *elf);

/* The physical address of the entry point, inside a loadable segment; false where it is in none. */
bool elf_entry(const struct elf_image *elf, uint64_t *entry);

/* Whether a physical address is inside a loadable segment. */
bool elf_contains(const struct elf_image *elf, uint64_t address);

/* Find a note by name and type; its description starts with a 32-bit value. */
enum elf_note elf_find_note(const struct elf_image *elf, const char *name, uint32_t type,
                            uint32_t *value);

#endif
