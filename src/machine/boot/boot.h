/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot loaders: put a kernel and what it needs into guest RAM and tell the first vCPU's state.
 * Pure functions over the caller's buffers; every input byte may be hostile. */
#ifndef MACHINE_BOOT_BOOT_H
#define MACHINE_BOOT_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vmaccel/arm64.h>
#include <vmaccel/machine.h>
#include <vmaccel/x86.h>

struct boot_module {
    const uint8_t *data;
    size_t size;
    const char *name;   /* for error texts; NULL: "module" */
    const char *append; /* its command line, or NULL */
};

struct boot_input {
    vmaccel_arch arch; /* of the machine */
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
    uint32_t cpus; /* x86: APIC IDs 0 to cpus - 1 */
    /* x86: devices the ACPI tables tell of. */
    bool has_serial; /* COM1 */
    bool has_rtc;
    bool has_i8042;
};

struct boot_state {
    vmaccel_boot_format format; /* the one used; never DETECT */
    vmaccel_arch arch;
    union {
        struct { /* x86 */
            vmaccel_x86_regs regs;
            vmaccel_x86_sregs sregs;
        };
        struct {
            uint64_t entry;
            uint64_t dtb, dtb_room; /* where the device tree is to be put, and the room there */
            uint64_t initrd, initrd_size;
        } arm64;
    };
};

/* Load into input->ram. On failure the RAM's content is undefined, *state is untouched and the
 * error detail says which part of which file is wrong and why. Errors: FORMAT (malformed file),
 * INVALID_ARGUMENT (a setting, or one that does not fit the others), LIMIT (no room). */
vmaccel_status boot_load(const struct boot_input *input, struct boot_state *state);

/* The architecture and format of a kernel by its content, `first` tried first; DETECT and NONE
 * where it is none that is known. Never a flat format. */
vmaccel_boot_format boot_detect(const uint8_t *kernel, size_t size, vmaccel_arch first,
                                vmaccel_arch *arch);

/* The architecture to boot a kernel for where nobody has named one: that of its format or content,
 * else the host's. */
vmaccel_arch boot_arch_of(vmaccel_boot_format format, const uint8_t *kernel, size_t size,
                          vmaccel_arch host);

#endif
