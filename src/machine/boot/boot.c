/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine/boot/boot.h"

#include "machine/boot/load.h"

static const struct boot_arch *const archs[] = {&boot_x86, &boot_arm64};

enum { ARCHS = sizeof(archs) / sizeof(archs[0]) };

static const char *const format_names[BOOT_FORMATS] = {
    [VMACCEL_BOOT_DETECT] = "auto",
    [VMACCEL_BOOT_LINUX] = "linux",
    [VMACCEL_BOOT_PVH] = "pvh",
    [VMACCEL_BOOT_MULTIBOOT] = "multiboot",
    [VMACCEL_BOOT_ELF] = "elf",
    [VMACCEL_BOOT_FLAT_REAL] = "flat-real",
    [VMACCEL_BOOT_FLAT_LONG] = "flat-long",
    [VMACCEL_BOOT_FLAT] = "flat",
};

static bool is_flat(vmaccel_boot_format format)
{
    return format == VMACCEL_BOOT_FLAT_REAL || format == VMACCEL_BOOT_FLAT_LONG ||
           format == VMACCEL_BOOT_FLAT;
}

static const struct boot_arch *find_arch(vmaccel_arch arch)
{
    for (int i = 0; i < ARCHS; i++)
        if (archs[i]->arch == arch)
            return archs[i];
    return NULL;
}

vmaccel_boot_format boot_detect(const uint8_t *kernel, size_t size, vmaccel_arch first,
                                vmaccel_arch *arch)
{
    const struct boot_arch *own = find_arch(first);
    vmaccel_boot_format format = own ? own->detect(kernel, size) : VMACCEL_BOOT_DETECT;

    *arch = first;
    for (int i = 0; i < ARCHS && format == VMACCEL_BOOT_DETECT; i++) {
        format = archs[i]->detect(kernel, size);
        *arch = archs[i]->arch;
    }
    if (format == VMACCEL_BOOT_DETECT)
        *arch = VMACCEL_ARCH_NONE;
    return format;
}

vmaccel_arch boot_arch_of(vmaccel_boot_format format, const uint8_t *kernel, size_t size,
                          vmaccel_arch host)
{
    vmaccel_arch arch = VMACCEL_ARCH_NONE;
    int count = 0;

    for (int i = 0; i < ARCHS && (size_t)format < BOOT_FORMATS; i++) {
        if (archs[i]->formats[format].load) {
            arch = archs[i]->arch;
            count++;
        }
    }
    if (count == 1)
        return arch;
    (void)boot_detect(kernel, size, host, &arch);
    return arch != VMACCEL_ARCH_NONE ? arch : host;
}

/* Settle the format, if the file can be of it. */
static vmaccel_status choose_format(const struct load *l, const struct boot_arch *own,
                                    vmaccel_boot_format *format)
{
    vmaccel_arch arch = own->arch;
    vmaccel_boot_format found = VMACCEL_BOOT_DETECT;

    if (!is_flat(*format))
        found = boot_detect(l->in->kernel, l->in->kernel_size, own->arch, &arch);
    if (found != VMACCEL_BOOT_DETECT && arch != own->arch)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT, "%.120s is %s for %s, but the machine is %s",
                         l->kernel, find_arch(arch)->formats[found].name, vmaccel_arch_name(arch),
                         vmaccel_arch_name(own->arch));
    if (*format == VMACCEL_BOOT_DETECT)
        *format = found;
    if (*format == VMACCEL_BOOT_DETECT)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s is not a known kernel format for %s (%s); raw code needs a flat "
                         "format",
                         l->kernel, vmaccel_arch_name(own->arch), own->known);
    if ((size_t)*format >= BOOT_FORMATS)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT, "boot format %d is not known", (int)*format);
    if (!own->formats[*format].load)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT, "boot format %s is not for %s",
                         format_names[*format], vmaccel_arch_name(own->arch));
    return VMACCEL_OK;
}

static vmaccel_status check_extras(const struct boot_input *in, const struct boot_format *format)
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
    const struct boot_arch *own = find_arch(in->arch);
    struct load l = {.in = in, .kernel = in->kernel_name ? in->kernel_name : "kernel"};
    struct boot_state result = {.format = in->format, .arch = in->arch};
    vmaccel_status status;

    if (in->kernel_size == 0)
        return load_fail(VMACCEL_E_FORMAT, "%.200s is empty", l.kernel);
    status = choose_format(&l, own, &result.format);
    if (status == VMACCEL_OK)
        status = check_extras(in, &own->formats[result.format]);
    if (status == VMACCEL_OK && own->begin)
        status = own->begin(&l, result.format);
    if (status == VMACCEL_OK)
        status = own->formats[result.format].load(&l, &result);
    if (status == VMACCEL_OK)
        *state = result;
    return status;
}
