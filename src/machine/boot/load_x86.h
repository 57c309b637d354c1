/* SPDX-License-Identifier: BSD-2-Clause */
/* What the boot formats of x86 share: tables in low memory, the memory map, modules, and the CPU's
 * first state. */
#ifndef MACHINE_BOOT_LOAD_X86_H
#define MACHINE_BOOT_LOAD_X86_H

#include "machine/boot/load.h"

enum { LOAD_MODULES = 64, LOAD_MAP_ENTRIES = 5 };

/* Where small tables may be put: clear of the real-mode vectors and BIOS data, below the EBDA. */
#define LOAD_TABLES_LOW 0x1000u

/* Memory the guest is told of. */
enum load_map_type { LOAD_MAP_RAM = 1, LOAD_MAP_RESERVED = 2 };

struct load_map_entry {
    uint64_t start, size;
    enum load_map_type type;
};

struct load_module {
    uint64_t gpa, size;
    uint64_t append; /* address of its command line */
};

/* A zeroed table, or a copy of a string, in the low area. */
vmaccel_status load_table(struct load *l, uint64_t size, uint64_t align, const char *what,
                          uint64_t *gpa, uint8_t **host);
vmaccel_status load_string(struct load *l, const char *text, const char *what, uint64_t *gpa);

/* The initrd as first module, then the modules; *count says how many. */
vmaccel_status load_modules(struct load *l, enum load_direction direction,
                            struct load_module out[LOAD_MODULES], unsigned *count);

unsigned load_memory_map(const struct load *l, struct load_map_entry map[LOAD_MAP_ENTRIES]);

/* The descriptor table, with flat code at selector 0x10 and data at 0x18; for long mode also page
 * tables that map the first 4 GiB one to one. All registers but RIP and RFLAGS are 0. */
vmaccel_status load_long_mode(struct load *l, uint64_t entry, struct boot_state *state);
vmaccel_status load_protected_mode(struct load *l, uint64_t entry, struct boot_state *state);

/* 64 KiB of stack in the low area. */
vmaccel_status load_stack(struct load *l, struct boot_state *state);

/* One per format. */
vmaccel_status boot_linux_x86(struct load *l, struct boot_state *state);
vmaccel_status boot_pvh(struct load *l, struct boot_state *state);
vmaccel_status boot_multiboot(struct load *l, struct boot_state *state);
vmaccel_status boot_elf(struct load *l, struct boot_state *state);
vmaccel_status boot_flat_real(struct load *l, struct boot_state *state);
vmaccel_status boot_flat_long(struct load *l, struct boot_state *state);

/* Content checks for boot_detect(). */
bool boot_is_linux_x86(const uint8_t *kernel, size_t size);
bool boot_is_pvh(const uint8_t *kernel, size_t size);
bool boot_is_multiboot(const uint8_t *kernel, size_t size);
bool boot_is_elf64(const uint8_t *kernel, size_t size);

#endif
