/* SPDX-License-Identifier: BSD-2-Clause */
/* The device tree of the AArch64 machine. */
#ifndef MACHINE_BOOT_FDT_H
#define MACHINE_BOOT_FDT_H

#include <stddef.h>
#include <stdint.h>

#include <vmaccel/arm64.h>

enum {
    FDT_ROOM = 65536,      /* enough for VIRT_MAX_CPUS and the longest command line */
    FDT_MAX_APPEND = 2047, /* Linux's COMMAND_LINE_SIZE less its end */
    FDT_SEED_SIZE = 72     /* random bytes for the kernel */
};

struct fdt_input {
    uint64_t ram_size;
    uint32_t cpus;
    const vmaccel_arm64_gic *gic;
    const char *append;           /* NULL: empty */
    uint64_t initrd, initrd_size; /* size 0: none */
    const uint8_t *seed;          /* FDT_SEED_SIZE bytes, or NULL */
};

/* Write it to `at`. Errors: LIMIT (it needs more than `room`). */
vmaccel_status fdt_build(const struct fdt_input *in, uint8_t *at, size_t room);

/* A CPU's affinity fields, as MPIDR_EL1 has them: 16 CPUs to a cluster. */
uint64_t fdt_mpidr(uint32_t cpu);

#endif
