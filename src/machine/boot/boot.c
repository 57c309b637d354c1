/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine/boot/boot.h"

#include "machine/boot/acpi.h"
#include "machine/boot/load.h"
#include "machine/memmap.h"

struct format {
    vmaccel_status (*load)(struct load *l, struct boot_state *state);
    const char *name;
    bool takes_append, takes_initrd, takes_modules;
    bool has_tables; /* the image leaves the firmware's area to ACPI tables */
};

static const struct format formats[] = {
    [VMACCEL_BOOT_LINUX] = {boot_linux_x86, "a Linux bzImage", true, true, false, true},
    [VMACCEL_BOOT_PVH] = {boot_pvh, "a PVH kernel", true, true, true, true},
    [VMACCEL_BOOT_MULTIBOOT] = {boot_multiboot, "a multiboot kernel", true, true, true, true},
    [VMACCEL_BOOT_ELF] = {boot_elf, "a plain ELF image", false, false, false, true},
    [VMACCEL_BOOT_FLAT_REAL] = {boot_flat_real, "a flat image", false, false, false, false},
    [VMACCEL_BOOT_FLAT_LONG] = {boot_flat_long, "a flat image", false, false, false, false},
};

vmaccel_boot_format boot_detect(const uint8_t *kernel, size_t size)
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

static vmaccel_status check_extras(const struct boot_input *in, const struct format *format)
{
    if (in->append && in->append[0] && !format->takes_append)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT, "%s takes no command line", format->name);
    if (in->initrd && !format->takes_initrd)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT, "%s takes no initrd", format->name);
    if (in->module_count > 0 && !format->takes_modules)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT, "%s takes no modules", format->name);
    return VMACCEL_OK;
}

vmaccel_status boot_load(const struct boot_input *in, struct boot_state *state)
{
    struct load l = {.in = in, .kernel = in->kernel_name ? in->kernel_name : "kernel"};
    struct boot_state result = {.format = in->format};
    vmaccel_status status;

    if (in->kernel_size == 0)
        return load_fail(VMACCEL_E_FORMAT, "%.200s is empty", l.kernel);
    if (result.format == VMACCEL_BOOT_DETECT)
        result.format = boot_detect(in->kernel, in->kernel_size);
    if (result.format == VMACCEL_BOOT_DETECT)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s is not a known kernel format (bzImage, PVH ELF, multiboot, 64-bit "
                         "ELF); raw code needs a flat format",
                         l.kernel);
    if ((size_t)result.format >= sizeof(formats) / sizeof(formats[0]))
        return load_fail(VMACCEL_E_INVALID_ARGUMENT, "boot format %d is not known",
                         (int)result.format);

    status = check_extras(in, &formats[result.format]);
    if (status != VMACCEL_OK)
        return status;
    if (formats[result.format].has_tables) {
        if (in->ram_size < MEMMAP_BIOS_END)
            return load_fail(VMACCEL_E_INVALID_ARGUMENT,
                             "%s needs at least 1 MiB of memory, not %s",
                             formats[result.format].name, load_size_text(in->ram_size).text);
        status = acpi_build(&l);
        if (status != VMACCEL_OK)
            return status;
    }
    status = formats[result.format].load(&l, &result);
    if (status == VMACCEL_OK)
        *state = result;
    return status;
}
