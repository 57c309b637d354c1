/* SPDX-License-Identifier: BSD-2-Clause */
/* The ACPI tables, all in [MEMMAP_BIOS, MEMMAP_BIOS_END), which they take whole. */
#ifndef MACHINE_BOOT_ACPI_H
#define MACHINE_BOOT_ACPI_H

#include "machine/boot/load_x86.h"
#include "machine/memmap_x86.h"

#define ACPI_RSDP_ADDRESS MEMMAP_BIOS

enum { ACPI_MAX_CPUS = 4096, ACPI_DSDT_MAX = 512, ACPI_HEADER_SIZE = 36 };

vmaccel_status acpi_build(struct load *l);

/* The DSDT's byte code; returns its size, at most ACPI_DSDT_MAX. */
size_t acpi_dsdt(const struct boot_input *in, uint8_t code[ACPI_DSDT_MAX]);

#endif
