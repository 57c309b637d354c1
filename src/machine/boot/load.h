/* SPDX-License-Identifier: BSD-2-Clause */
/* What the boot formats share: claims on guest RAM and placement. */
#ifndef MACHINE_BOOT_LOAD_H
#define MACHINE_BOOT_LOAD_H

#include "machine/boot/boot.h"

enum { LOAD_RANGES = 256 };

#define LOAD_PAGE 4096u

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

/* Report a failure; the text is one sentence without a full stop. */
vmaccel_status load_fail(vmaccel_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3), cold));

/* "12 KiB", "64 MiB", "100 bytes". */
struct load_text {
    char text[32];
};
struct load_text load_size_text(uint64_t size);

/* Host address of the RAM [gpa, gpa + size), or NULL where it is not RAM in one piece. */
uint8_t *load_host(const struct load *l, uint64_t gpa, uint64_t size);

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

/* The command line, or "". */
const char *load_append(const struct load *l);

struct boot_format {
    vmaccel_status (*load)(struct load *l, struct boot_state *state); /* NULL: there is none such */
    const char *name;
    bool takes_append, takes_initrd, takes_modules;
};

enum { BOOT_FORMATS = VMACCEL_BOOT_FLAT + 1 };

/* What loaders of an architecture there are. */
struct boot_arch {
    vmaccel_arch arch;
    const char *known; /* the formats told by their content, for error texts */
    /* Never a flat format; DETECT where the content is none of these. */
    vmaccel_boot_format (*detect)(const uint8_t *kernel, size_t size);
    /* Optional: what comes ahead of the kernel. */
    vmaccel_status (*begin)(struct load *l, vmaccel_boot_format format);
    struct boot_format formats[BOOT_FORMATS];
};

extern const struct boot_arch boot_x86, boot_arm64;

#endif
