/* SPDX-License-Identifier: BSD-2-Clause */
/* What the boot formats share: claims on guest RAM, placement, the memory map, and the CPU's first
 * state. */
#ifndef MACHINE_BOOT_LOAD_H
#define MACHINE_BOOT_LOAD_H

#include "machine/boot/boot.h"

enum { LOAD_RANGES = 256, LOAD_MODULES = 64, LOAD_MAP_ENTRIES = 5 };

/* Where small tables may be put: clear of the real-mode vectors and BIOS data, below the EBDA. */
#define LOAD_TABLES_LOW 0x1000u
#define LOAD_PAGE       4096u

enum load_direction { LOAD_UP, LOAD_DOWN };

struct load_range {
    uint64_t start, end;
    const char *what; /* static text or the caller's */
};

struct load {
    const struct boot_input *in;
    const char *kernel; /* its name for error texts */
    struct load_range taken[LOAD_RANGES];
    unsigned count;
};

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

/* Report a failure; the text is one sentence without a full stop. */
vmaccel_status load_fail(vmaccel_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3), cold));

/* "12 KiB", "64 MiB", "100 bytes". */
struct load_text {
    char text[32];
};
struct load_text load_size_text(uint64_t size);

/* Take [gpa, gpa + size) for `what`; *host (may be NULL) is its address. Fails where it is not all
 * RAM or overlaps what was taken before. A size of 0 takes nothing. */
vmaccel_status load_claim(struct load *l, uint64_t gpa, uint64_t size, const char *what,
                          uint8_t **host);

/* Find free RAM within [low, high): the lowest (UP) or highest (DOWN). `align` is a power of two.
 */
bool load_find(const struct load *l, uint64_t size, uint64_t align, uint64_t low, uint64_t high,
               enum load_direction direction, uint64_t *gpa);

/* Find and take it. */
vmaccel_status load_place(struct load *l, uint64_t size, uint64_t align, uint64_t low,
                          uint64_t high, enum load_direction direction, const char *what,
                          uint64_t *gpa, uint8_t **host);

/* A zeroed table, or a copy of a string, in the low area. */
vmaccel_status load_table(struct load *l, uint64_t size, uint64_t align, const char *what,
                          uint64_t *gpa, uint8_t **host);
vmaccel_status load_string(struct load *l, const char *text, const char *what, uint64_t *gpa);

/* The initrd as first module, then the modules; *count says how many. */
vmaccel_status load_modules(struct load *l, enum load_direction direction,
                            struct load_module out[LOAD_MODULES], unsigned *count);

/* The command line, or "". */
const char *load_append(const struct load *l);

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
