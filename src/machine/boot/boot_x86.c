/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot formats of x86. */
#include "machine/boot/acpi.h"
#include "machine/boot/load_x86.h"

static vmaccel_boot_format detect(const uint8_t *kernel, size_t size)
{
    if (boot_is_linux_x86(kernel, size))
        return VMACCEL_BOOT_LINUX;
    if (boot_is_pvh(kernel, size))
        return VMACCEL_BOOT_PVH;
    if (boot_is_multiboot(kernel, size))
        return VMACCEL_BOOT_MULTIBOOT;
    if (boot_is_elf64(kernel, size))
        return VMACCEL_BOOT_ELF;
    return VMACCEL_BOOT_DETECT;
}

/* A flat image owns the firmware's area too; the others leave it to the ACPI tables. */
static vmaccel_status begin(struct load *l, vmaccel_boot_format format)
{
    if (format == VMACCEL_BOOT_FLAT_REAL || format == VMACCEL_BOOT_FLAT_LONG)
        return VMACCEL_OK;
    if (l->in->ram_size < MEMMAP_BIOS_END)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT, "%s needs at least 1 MiB of memory, not %s",
                         boot_x86.formats[format].name, load_size_text(l->in->ram_size).text);
    return acpi_build(l);
}

const struct boot_arch boot_x86 = {
    .arch = VMACCEL_ARCH_X86_64,
    .known = "bzImage, PVH ELF, multiboot, 64-bit ELF",
    .detect = detect,
    .begin = begin,
    .formats = {
        [VMACCEL_BOOT_LINUX] = {boot_linux_x86, "a Linux bzImage", true, true, false},
        [VMACCEL_BOOT_PVH] = {boot_pvh, "a PVH kernel", true, true, true},
        [VMACCEL_BOOT_MULTIBOOT] = {boot_multiboot, "a multiboot kernel", true, true, true},
        [VMACCEL_BOOT_ELF] = {boot_elf, "a plain ELF image", false, false, false},
        [VMACCEL_BOOT_FLAT_REAL] = {boot_flat_real, "a flat image", false, false, false},
        [VMACCEL_BOOT_FLAT_LONG] = {boot_flat_long, "a flat image", false, false, false},
    }};
