/* SPDX-License-Identifier: BSD-2-Clause */
/* The files that a machine starts from. */
#include "machine/machine.h"

#include <stdlib.h>
#include <string.h>

#define MAX_FILE_SIZE (UINT64_C(4) << 30)

static vmaccel_status read_file(const char *option, const char *path, uint8_t **data, size_t *size)
{
    char text[128];
    int32_t error = os_file_read(path, MAX_FILE_SIZE, data, size);

    if (error == 0)
        return VMACCEL_OK;
    os_error_text(error, text, sizeof(text));
    return machine_fail(VMACCEL_E_IO, "%s %.120s: %s", option, path, text);
}

/* A module is named by "FILE [arguments]"; all of it is its command line, as boot loaders do. */
static vmaccel_status read_module(const char *text, uint8_t **data, size_t *size)
{
    size_t length;
    char *path;
    vmaccel_status status;

    if (text == NULL)
        return machine_fail(VMACCEL_E_INVALID_ARGUMENT, "modules holds a NULL pointer");
    length = strcspn(text, " ");
    path = malloc(length + 1);
    if (path == NULL)
        return machine_fail(VMACCEL_E_NO_MEMORY, "no memory for a module's name");
    memcpy(path, text, length);
    path[length] = '\0';
    status = read_file("module", path, data, size);
    free(path);
    return status;
}

vmaccel_status machine_read_files(const vmaccel_machine_config *config, struct machine_files *files)
{
    vmaccel_status status =
        read_file("kernel", config->kernel, &files->kernel, &files->kernel_size);

    if (status == VMACCEL_OK && config->initrd != NULL)
        status = read_file("initrd", config->initrd, &files->initrd, &files->initrd_size);
    for (size_t i = 0; i < config->module_count && status == VMACCEL_OK; i++)
        status = read_module(config->modules[i], &files->modules[i], &files->module_sizes[i]);
    return status;
}

void machine_free_files(struct machine_files *files)
{
    free(files->kernel);
    free(files->initrd);
    for (size_t i = 0; i < MACHINE_MAX_MODULES; i++)
        free(files->modules[i]);
}

vmaccel_status machine_load(vmaccel_machine *machine, const vmaccel_machine_config *config,
                            const struct machine_files *files)
{
    struct boot_module modules[MACHINE_MAX_MODULES];
    struct boot_input input = {.arch = machine->arch->arch,
                               .kernel = files->kernel,
                               .kernel_size = files->kernel_size,
                               .kernel_name = config->kernel,
                               .initrd = files->initrd,
                               .initrd_size = files->initrd_size,
                               .initrd_name = config->initrd,
                               .append = config->append,
                               .modules = modules,
                               .module_count = config->module_count,
                               .format = (vmaccel_boot_format)config->format,
                               .load_address = config->load_address,
                               .ram = machine->ram,
                               .ram_size = machine->ram_size,
                               .cpus = machine->cpu_count,
                               .has_serial = true,
                               .has_rtc = true,
                               .has_i8042 = true};

    for (size_t i = 0; i < config->module_count; i++)
        modules[i] = (struct boot_module){.data = files->modules[i],
                                          .size = files->module_sizes[i],
                                          .name = config->modules[i],
                                          .append = config->modules[i]};
    return boot_load(&input, &machine->boot);
}
