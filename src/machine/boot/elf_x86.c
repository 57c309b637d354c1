/* SPDX-License-Identifier: BSD-2-Clause */
/* A plain 64-bit ELF image, started at its entry in long mode with the first 4 GiB mapped one to
 * one. RDI is 0, RSI the ACPI RSDP's address, RSP the end of 64 KiB of stack below 640 KiB. */
#include "machine/boot/acpi.h"
#include "machine/boot/elf_image.h"
#include "machine/boot/load_x86.h"
#include "machine/memmap_x86.h"

bool boot_is_elf64(const uint8_t *kernel, size_t size)
{
    struct elf_image elf;

    return !elf_open(&elf, kernel, size) && elf.arch == VMACCEL_ARCH_X86_64 && elf.is_64;
}

vmaccel_status boot_elf(struct load *l, struct boot_state *state)
{
    struct elf_image elf;
    uint64_t entry;
    const char *fault = elf_open(&elf, l->in->kernel, l->in->kernel_size);
    vmaccel_status status;

    if (fault)
        return load_fail(VMACCEL_E_FORMAT, "%.120s: %s", l->kernel, fault);
    if (!elf.is_64)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s is a 32-bit ELF file without a PVH note or multiboot header",
                         l->kernel);
    status = elf_load(l, &elf);
    if (status != VMACCEL_OK)
        return status;
    if (!elf_entry(&elf, &entry) || entry >= MEMMAP_HIGH_BASE)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s: the entry point is in no segment loaded below 4 GiB", l->kernel);
    status = load_long_mode(l, entry, state);
    if (status == VMACCEL_OK)
        status = load_stack(l, state);
    if (status == VMACCEL_OK)
        state->regs.rsi = ACPI_RSDP_ADDRESS;
    return status;
}
