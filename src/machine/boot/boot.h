/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot loaders: put a kernel and what it needs into guest RAM and tell the first vCPU's state.
 * Pure functions over the caller's buffers; every input byte may be hostile. */
#ifndef MACHINE_BOOT_BOOT_H
#define MACHINE_BOOT_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vmaccel/machine.h>
#include <vmaccel/x86.h>

struct boot_module {
    const uint8_t *data;
    size_t size;
    const char *name;   /* for error texts; NULL: "module" */
    const char *append; /* its command line, or NULL */
};

struct boot_input {
    const uint8_t *kernel;
    size_t kernel_size;
    const char *kernel_name; /* for error texts; NULL: "kernel" */
    const uint8_t *initrd;   /* NULL: none */
    size_t initrd_size;
    const char *initrd_name; /* for error texts; NULL: "initrd" */
    const char *append;      /* NULL: empty */
    /* PVH and multiboot only; an initrd becomes the first module there. */
    const struct boot_module *modules;
    size_t module_count;
    vmaccel_boot_format format;
    uint64_t load_address; /* FLAT formats; 0: the format's default */
    uint8_t *ram;          /* laid out as memmap.h says; need not be zero */
    uint64_t ram_size;
    uint32_t cpus; /* APIC IDs 0 to cpus - 1 */
    /* Devices the ACPI tables tell of. */
    bool has_serial; /* COM1 */
    bool has_rtc;
    bool has_i8042;
};

struct boot_state {
    vmaccel_boot_format format; /* the one used; never DETECT */
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
};

/* Load into input->ram. On failure the RAM's content is undefined, *state is untouched and the
 * error detail says which part of which file is wrong and why. Errors: FORMAT (malformed file),
 * INVALID_ARGUMENT (a setting, or one that does not fit the others), LIMIT (no room). */
vmaccel_status boot_load(const struct boot_input *input, struct boot_state *state);

/* The format of a kernel by its content, or DETECT where it is none that is known. Never FLAT. */
vmaccel_boot_format boot_detect(const uint8_t *kernel, size_t size);

#endif
