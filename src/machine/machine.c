/* SPDX-License-Identifier: BSD-2-Clause */
/* Making a machine from its config, what it does for its devices, and its end. */
#include "machine/machine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEFAULT_MEMORY (UINT64_C(512) << 20)
#define MAX_FILE_SIZE  (UINT64_C(4) << 30)
#define MAX_MODULES    64
#define RAM_ALIGNMENT  (UINT64_C(2) << 20) /* lets the host use large pages */

static vmaccel_status __attribute__((format(printf, 2, 3), cold))
fail(vmaccel_status status, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return vmaccel_error_report(status, "machine", text);
}

/* Services of device_host. */

static void host_irq(void *context, uint32_t line, bool level)
{
    vmaccel_machine *machine = context;
    vmaccel_status status = VMACCEL_OK;
    uint8_t *raised = &machine->irq_raised[line];

    os_mutex_lock(&machine->irq_lock);
    *raised = (uint8_t)(level ? *raised + 1 : *raised - 1);
    if (*raised == (level ? 1 : 0))
        status = vmaccel_irq_line(machine->vm, line, level);
    os_mutex_unlock(&machine->irq_lock);
    if (status != VMACCEL_OK)
        machine_end(machine, VMACCEL_MACHINE_FAILED, 0, vmaccel_last_error()->text);
}

static bool host_dma_read(void *context, uint64_t gpa, void *buffer, size_t size)
{
    vmaccel_machine *machine = context;

    return vmaccel_memory_read(machine->vm, gpa, buffer, size) == VMACCEL_OK;
}

static bool host_dma_write(void *context, uint64_t gpa, const void *buffer, size_t size)
{
    vmaccel_machine *machine = context;

    return vmaccel_memory_write(machine->vm, gpa, buffer, size) == VMACCEL_OK;
}

static void host_stop(void *context, vmaccel_machine_outcome outcome, uint32_t code,
                      const char *why)
{
    machine_end(context, outcome, code, why);
}

static uint64_t host_clock_ns(void *context)
{
    (void)context;
    return os_clock_ns();
}

static int64_t host_wall_ns(void *context)
{
    struct timespec now = {0, 0};

    (void)context;
    (void)timespec_get(&now, TIME_UTC);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void host_console_write(void *context, const uint8_t *data, size_t size)
{
    vmaccel_machine *machine = context;

    if (machine->console_write == NULL)
        return;
    os_mutex_lock(&machine->console_lock);
    machine->console_write(machine->console_context, data, size);
    os_mutex_unlock(&machine->console_lock);
}

/* Creation. */

static vmaccel_status check_config(const vmaccel_machine_config *config)
{
    const uint8_t *bytes = (const uint8_t *)config;

    if (config->size < sizeof(*config))
        return fail(VMACCEL_E_INVALID_ARGUMENT, "config: size is %" PRIu32 ", not %zu",
                    config->size, sizeof(*config));
    for (size_t i = sizeof(*config); i < config->size; i++)
        if (bytes[i] != 0)
            return fail(VMACCEL_E_INVALID_ARGUMENT,
                        "config: a field past this version's end is not zero");
    for (size_t i = 0; i < sizeof(config->reserved) / sizeof(config->reserved[0]); i++)
        if (config->reserved[i] != 0)
            return fail(VMACCEL_E_INVALID_ARGUMENT, "config: reserved[%zu] is not zero", i);
    if (config->kernel == NULL)
        return fail(VMACCEL_E_INVALID_ARGUMENT, "kernel: no file is given");
    if (config->format > VMACCEL_BOOT_FLAT_LONG)
        return fail(VMACCEL_E_INVALID_ARGUMENT, "format: %" PRIu32 " is not known", config->format);
    if (config->memory % 4096 != 0)
        return fail(VMACCEL_E_INVALID_ARGUMENT,
                    "memory: %" PRIu64 " bytes is not a multiple of 4096", config->memory);
    if (config->memory > SIZE_MAX / 2)
        return fail(VMACCEL_E_LIMIT, "memory: %" PRIu64 " bytes is more than the host can address",
                    config->memory);
    if (config->cpus > MACHINE_MAX_CPUS)
        return fail(VMACCEL_E_LIMIT, "cpus: %" PRIu32 " is over the machine's limit of %d",
                    config->cpus, MACHINE_MAX_CPUS);
    if (config->module_count > MAX_MODULES)
        return fail(VMACCEL_E_LIMIT, "modules: %zu is over the limit of %d", config->module_count,
                    MAX_MODULES);
    if ((config->module_count > 0 && config->modules == NULL) ||
        (config->device_count > 0 && config->devices == NULL))
        return fail(VMACCEL_E_INVALID_ARGUMENT, "config: modules or devices is NULL");
    return VMACCEL_OK;
}

static vmaccel_status choose_platform(vmaccel_machine *machine, vmaccel_arch arch,
                                      const vmaccel_platform *asked)
{
    const char *name;
    vmaccel_status status;

    if (arch != VMACCEL_ARCH_X86_64)
        return fail(VMACCEL_E_NOT_SUPPORTED, "arch: there is no %s machine yet",
                    vmaccel_arch_name(arch));
    if (asked == NULL) {
        status = vmaccel_platform_choose(arch, VMACCEL_WORKLOAD_SYSTEM, &machine->platform,
                                         machine->why, sizeof(machine->why));
        if (status != VMACCEL_OK)
            return status;
    } else {
        vmaccel_platform_info info;

        status = vmaccel_platform_probe(asked, &info);
        if (status != VMACCEL_OK)
            return status;
        if (info.status != VMACCEL_OK)
            return fail(info.status, "%s: %.220s", info.name, info.reason);
        machine->platform = asked;
        snprintf(machine->why, sizeof(machine->why), "%s: asked for", info.name);
    }
    name = vmaccel_platform_name(machine->platform);
    if (vmaccel_platform_cap(machine->platform, arch, VMACCEL_CAP_IRQCHIP_FULL) == 0)
        return fail(VMACCEL_E_NOT_SUPPORTED, "%s has no %s for %s guests, which a machine needs",
                    name, vmaccel_cap_name(VMACCEL_CAP_IRQCHIP_FULL), vmaccel_arch_name(arch));
    return VMACCEL_OK;
}

/* The platform's limits on what the config asks for. */
static vmaccel_status check_limits(const vmaccel_machine *machine)
{
    const vmaccel_platform *platform = machine->platform;
    const char *name = vmaccel_platform_name(platform);
    uint64_t cpus = vmaccel_platform_cap(platform, VMACCEL_ARCH_X86_64, VMACCEL_CAP_MAX_VCPUS);
    uint64_t bits = vmaccel_platform_cap(platform, VMACCEL_ARCH_X86_64, VMACCEL_CAP_GPA_BITS);
    uint64_t page = vmaccel_platform_cap(platform, VMACCEL_ARCH_X86_64, VMACCEL_CAP_PAGE_SIZE);
    uint64_t high = memmap_high_size(machine->ram_size);
    uint64_t last = (high > 0 ? MEMMAP_HIGH_BASE + high : machine->ram_size) - 1;

    if (cpus == 0 || bits == 0 || page == 0)
        return fail(VMACCEL_E_UNAVAILABLE, "%s does not answer any more: %.200s", name,
                    vmaccel_last_error()->text);
    if (machine->cpu_count > cpus)
        return fail(VMACCEL_E_LIMIT, "cpus: %" PRIu32 " is over the %s limit of %" PRIu64,
                    machine->cpu_count, name, cpus);
    if (bits < 64 && last >> bits != 0)
        return fail(VMACCEL_E_LIMIT,
                    "memory: %" PRIu64 " bytes reach past %s's %" PRIu64 "-bit guest addresses",
                    machine->ram_size, name, bits);
    if (machine->ram_size % page != 0)
        return fail(VMACCEL_E_INVALID_ARGUMENT,
                    "memory: %" PRIu64 " bytes is not a multiple of %s's page size, %" PRIu64,
                    machine->ram_size, name, page);
    return VMACCEL_OK;
}

static vmaccel_status read_file(const char *option, const char *path, uint8_t **data, size_t *size)
{
    char text[128];
    int32_t error = os_file_read(path, MAX_FILE_SIZE, data, size);

    if (error == 0)
        return VMACCEL_OK;
    os_error_text(error, text, sizeof(text));
    return fail(VMACCEL_E_IO, "%s %.120s: %s", option, path, text);
}

/* A module is named by "FILE [arguments]"; all of it is its command line, as boot loaders do. */
static vmaccel_status read_module(const char *text, uint8_t **data, size_t *size)
{
    size_t length;
    char *path;
    vmaccel_status status;

    if (text == NULL)
        return fail(VMACCEL_E_INVALID_ARGUMENT, "modules holds a NULL pointer");
    length = strcspn(text, " ");
    path = malloc(length + 1);
    if (path == NULL)
        return fail(VMACCEL_E_NO_MEMORY, "no memory for a module's name");
    memcpy(path, text, length);
    path[length] = '\0';
    status = read_file("module", path, data, size);
    free(path);
    return status;
}

/* Read the files and let the boot loader put them into RAM. */
static vmaccel_status load(vmaccel_machine *machine, const vmaccel_machine_config *config)
{
    uint8_t *kernel = NULL, *initrd = NULL, *data[MAX_MODULES] = {NULL};
    struct boot_module modules[MAX_MODULES];
    struct boot_input input = {.kernel_name = config->kernel,
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
    vmaccel_status status = read_file("kernel", config->kernel, &kernel, &input.kernel_size);

    input.kernel = kernel;
    if (status == VMACCEL_OK && config->initrd != NULL) {
        status = read_file("initrd", config->initrd, &initrd, &input.initrd_size);
        input.initrd = initrd;
    }
    for (size_t i = 0; i < config->module_count && status == VMACCEL_OK; i++) {
        modules[i] = (struct boot_module){.name = config->modules[i], .append = config->modules[i]};
        status = read_module(config->modules[i], &data[i], &modules[i].size);
        modules[i].data = data[i];
    }
    if (status == VMACCEL_OK)
        status = boot_load(&input, &machine->boot);
    free(kernel);
    free(initrd);
    for (size_t i = 0; i < config->module_count; i++)
        free(data[i]);
    return status;
}

static vmaccel_status create_vm(vmaccel_machine *machine)
{
    vmaccel_vm_config config = {.size = sizeof(config),
                                .arch = VMACCEL_ARCH_X86_64,
                                .irqchip = VMACCEL_IRQCHIP_FULL,
                                .max_vcpus = machine->cpu_count};
    uint64_t low = memmap_low_size(machine->ram_size), high = memmap_high_size(machine->ram_size);
    vmaccel_status status = vmaccel_vm_create(machine->platform, &config, &machine->vm);

    if (status == VMACCEL_OK)
        status = vmaccel_memory_map(machine->vm, 0, low, machine->ram, VMACCEL_MEM_RWX);
    if (status == VMACCEL_OK && high > 0)
        status = vmaccel_memory_map(machine->vm, MEMMAP_HIGH_BASE, high, machine->ram + low,
                                    VMACCEL_MEM_RWX);
    return status;
}

static vmaccel_status create_devices(vmaccel_machine *machine, const vmaccel_machine_config *config)
{
    bus_init(&machine->ports, "port", 0xffff);
    bus_init(&machine->mmio, "MMIO address", UINT64_MAX);
    machine->host = (struct device_host){.context = machine,
                                         .ports = &machine->ports,
                                         .mmio = &machine->mmio,
                                         .ram_size = machine->ram_size,
                                         .cpus = machine->cpu_count,
                                         .irq = host_irq,
                                         .dma_read = host_dma_read,
                                         .dma_write = host_dma_write,
                                         .stop = host_stop,
                                         .clock_ns = host_clock_ns,
                                         .wall_ns = host_wall_ns,
                                         .console_write = host_console_write};
    return device_set_create(&machine->devices, &machine->host, config->devices,
                             config->device_count);
}

static vmaccel_status allocate(vmaccel_machine *machine, const vmaccel_machine_config *config)
{
    machine->cpu_count = config->cpus != 0 ? config->cpus : 1;
    machine->ram_size = config->memory != 0 ? config->memory : DEFAULT_MEMORY;
    machine->console_write = config->console_write;
    machine->console_context = config->console_context;
    machine->cpus = os_alloc(machine->cpu_count * sizeof(machine->cpus[0]));
    if (machine->cpus == NULL)
        return fail(VMACCEL_E_NO_MEMORY, "no memory for %" PRIu32 " CPUs", machine->cpu_count);
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        machine->cpus[i].machine = machine;
        machine->cpus[i].index = i;
    }
    machine->ram = os_pages_alloc(machine->ram_size, RAM_ALIGNMENT);
    if (machine->ram == NULL)
        return fail(VMACCEL_E_NO_MEMORY, "memory: the host can't provide %" PRIu64 " bytes",
                    machine->ram_size);
    return VMACCEL_OK;
}

/* Devices and files go before the platform, so that what is wrong with the config shows on every
 * host. */
static vmaccel_status build(vmaccel_machine *machine, const vmaccel_machine_config *config)
{
    vmaccel_arch arch =
        config->arch != VMACCEL_ARCH_NONE ? (vmaccel_arch)config->arch : os_host_arch();
    vmaccel_status status = allocate(machine, config);

    if (status == VMACCEL_OK)
        status = create_devices(machine, config);
    if (status == VMACCEL_OK)
        status = load(machine, config);
    if (status == VMACCEL_OK)
        status = choose_platform(machine, arch, config->platform);
    if (status == VMACCEL_OK)
        status = check_limits(machine);
    if (status == VMACCEL_OK)
        status = create_vm(machine);
    if (status == VMACCEL_OK)
        status = machine_set_cpuid(machine);
    return status;
}

vmaccel_status vmaccel_machine_create(const vmaccel_machine_config *config, vmaccel_machine **out)
{
    vmaccel_machine *machine;
    vmaccel_status status;

    if (config == NULL || out == NULL)
        return fail(VMACCEL_E_INVALID_ARGUMENT, "config or out is NULL");
    *out = NULL;
    status = check_config(config);
    if (status != VMACCEL_OK)
        return status;
    machine = os_alloc(sizeof(*machine));
    if (machine == NULL)
        return fail(VMACCEL_E_NO_MEMORY, "no memory for the machine");
    os_mutex_init(&machine->irq_lock);
    os_mutex_init(&machine->console_lock);
    os_mutex_init(&machine->start_lock);
    os_cond_init(&machine->start_cond);
    status = build(machine, config);
    if (status != VMACCEL_OK) {
        vmaccel_machine_destroy(machine);
        return status;
    }
    *out = machine;
    return VMACCEL_OK;
}

void vmaccel_machine_destroy(vmaccel_machine *machine)
{
    if (machine == NULL)
        return;
    device_set_destroy(&machine->devices);
    if (machine->vm != NULL)
        (void)vmaccel_vm_destroy(machine->vm);
    if (machine->ram != NULL)
        os_pages_free(machine->ram, machine->ram_size);
    if (machine->cpus != NULL)
        os_free(machine->cpus);
    os_cond_destroy(&machine->start_cond);
    os_mutex_destroy(&machine->start_lock);
    os_mutex_destroy(&machine->console_lock);
    os_mutex_destroy(&machine->irq_lock);
    os_free(machine);
}

size_t vmaccel_machine_console_input(vmaccel_machine *machine, const uint8_t *data, size_t size)
{
    if (machine == NULL || data == NULL)
        return 0;
    return device_set_console_input(&machine->devices, data, size);
}

const vmaccel_platform *vmaccel_machine_platform(const vmaccel_machine *machine, const char **why)
{
    if (why != NULL)
        *why = machine->why;
    return machine->platform;
}
