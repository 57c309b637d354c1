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
#define RAM_ALIGNMENT  (UINT64_C(2) << 20) /* lets the host use large pages */

vmaccel_status machine_fail(vmaccel_status status, const char *format, ...)
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

static void host_timer_add(void *context, struct device_timer *timer)
{
    vmaccel_machine *machine = context;

    timers_add(&machine->timers, timer);
}

static void host_timer_set(void *context, struct device_timer *timer, uint64_t at_ns)
{
    vmaccel_machine *machine = context;

    timers_set(&machine->timers, timer, at_ns);
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
        return machine_fail(VMACCEL_E_INVALID_ARGUMENT, "config: size is %" PRIu32 ", not %zu",
                            config->size, sizeof(*config));
    for (size_t i = sizeof(*config); i < config->size; i++)
        if (bytes[i] != 0)
            return machine_fail(VMACCEL_E_INVALID_ARGUMENT,
                                "config: a field past this version's end is not zero");
    for (size_t i = 0; i < sizeof(config->reserved) / sizeof(config->reserved[0]); i++)
        if (config->reserved[i] != 0)
            return machine_fail(VMACCEL_E_INVALID_ARGUMENT, "config: reserved[%zu] is not zero", i);
    if (config->kernel == NULL)
        return machine_fail(VMACCEL_E_INVALID_ARGUMENT, "kernel: no file is given");
    if (config->format > VMACCEL_BOOT_FLAT)
        return machine_fail(VMACCEL_E_INVALID_ARGUMENT, "format: %" PRIu32 " is not known",
                            config->format);
    if (config->memory % 4096 != 0)
        return machine_fail(VMACCEL_E_INVALID_ARGUMENT,
                            "memory: %" PRIu64 " bytes is not a multiple of 4096", config->memory);
    if (config->memory > SIZE_MAX / 2)
        return machine_fail(VMACCEL_E_LIMIT,
                            "memory: %" PRIu64 " bytes is more than the host can address",
                            config->memory);
    if (config->module_count > MACHINE_MAX_MODULES)
        return machine_fail(VMACCEL_E_LIMIT, "modules: %zu is over the limit of %d",
                            config->module_count, MACHINE_MAX_MODULES);
    if ((config->module_count > 0 && config->modules == NULL) ||
        (config->device_count > 0 && config->devices == NULL))
        return machine_fail(VMACCEL_E_INVALID_ARGUMENT, "config: modules or devices is NULL");
    return VMACCEL_OK;
}

static const struct machine_arch *const archs[] = {&machine_x86, &machine_arm64};

/* The architecture that was asked for, else what the kernel or its format tells, else the host's.
 */
static vmaccel_status choose_arch(vmaccel_machine *machine, const vmaccel_machine_config *config,
                                  const struct machine_files *files)
{
    vmaccel_arch arch = (vmaccel_arch)config->arch;

    if (arch == VMACCEL_ARCH_NONE)
        arch = boot_arch_of((vmaccel_boot_format)config->format, files->kernel, files->kernel_size,
                            os_host_arch());
    for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++)
        if (archs[i]->arch == arch)
            machine->arch = archs[i];
    if (machine->arch == NULL)
        return machine_fail(VMACCEL_E_INVALID_ARGUMENT, "arch: %d is not a guest architecture",
                            (int)arch);
    machine->map = memmap_of(arch);
    if (config->cpus > machine->arch->max_cpus)
        return machine_fail(VMACCEL_E_LIMIT,
                            "cpus: %" PRIu32 " is over the %s machine's limit of %" PRIu32,
                            config->cpus, vmaccel_arch_name(arch), machine->arch->max_cpus);
    return VMACCEL_OK;
}

/* A platform that was named. */
static vmaccel_status take_platform(vmaccel_machine *machine, const vmaccel_platform *asked)
{
    vmaccel_arch arch = machine->arch->arch;
    vmaccel_platform_info info;
    vmaccel_status status = vmaccel_platform_probe(asked, &info);

    if (status != VMACCEL_OK)
        return status;
    if (info.status != VMACCEL_OK)
        return machine_fail(info.status, "%s: %.220s", info.name, info.reason);
    if (vmaccel_platform_why_not(&info, arch)[0] != '\0')
        return machine_fail(VMACCEL_E_NOT_SUPPORTED, "%s does not run %s guests: %.160s", info.name,
                            vmaccel_arch_name(arch), vmaccel_platform_why_not(&info, arch));
    machine->platform = asked;
    snprintf(machine->why, sizeof(machine->why), "%s: asked for", info.name);
    return VMACCEL_OK;
}

static vmaccel_status choose_platform(vmaccel_machine *machine,
                                      const vmaccel_machine_config *config)
{
    vmaccel_arch arch = machine->arch->arch;
    vmaccel_status status;

    if (config->platform != NULL)
        status = take_platform(machine, config->platform);
    else
        status = vmaccel_platform_choose(arch, VMACCEL_WORKLOAD_SYSTEM, &machine->platform,
                                         machine->why, sizeof(machine->why));
    if (status != VMACCEL_OK && config->arch == VMACCEL_ARCH_NONE && arch != os_host_arch()) {
        char text[256];

        snprintf(text, sizeof(text), "%s", vmaccel_last_error()->text);
        return machine_fail(status, "%.100s is for %s: %.140s", config->kernel,
                            vmaccel_arch_name(arch), text);
    }
    if (status != VMACCEL_OK)
        return status;
    if (vmaccel_platform_cap(machine->platform, arch, VMACCEL_CAP_IRQCHIP_FULL) == 0)
        return machine_fail(VMACCEL_E_NOT_SUPPORTED,
                            "%s has no %s for %s guests, which a machine needs",
                            vmaccel_platform_name(machine->platform),
                            vmaccel_cap_name(VMACCEL_CAP_IRQCHIP_FULL), vmaccel_arch_name(arch));
    return VMACCEL_OK;
}

/* The platform's limits on what the config asks for. */
static vmaccel_status check_limits(const vmaccel_machine *machine)
{
    const vmaccel_platform *platform = machine->platform;
    const char *name = vmaccel_platform_name(platform);
    vmaccel_arch arch = machine->arch->arch;
    uint64_t cpus = vmaccel_platform_cap(platform, arch, VMACCEL_CAP_MAX_VCPUS);
    uint64_t bits = vmaccel_platform_cap(platform, arch, VMACCEL_CAP_GPA_BITS);
    uint64_t page = vmaccel_platform_cap(platform, arch, VMACCEL_CAP_PAGE_SIZE);
    uint64_t last = memmap_end(machine->map, machine->ram_size) - 1;

    if (cpus == 0 || bits == 0 || page == 0)
        return machine_fail(VMACCEL_E_UNAVAILABLE, "%s does not answer any more: %.200s", name,
                            vmaccel_last_error()->text);
    if (machine->cpu_count > cpus)
        return machine_fail(VMACCEL_E_LIMIT, "cpus: %" PRIu32 " is over the %s limit of %" PRIu64,
                            machine->cpu_count, name, cpus);
    if (bits < 64 && last >> bits != 0)
        return machine_fail(VMACCEL_E_LIMIT,
                            "memory: %" PRIu64 " bytes reach past %s's %" PRIu64
                            "-bit guest addresses",
                            machine->ram_size, name, bits);
    if (machine->ram_size % page != 0)
        return machine_fail(VMACCEL_E_INVALID_ARGUMENT,
                            "memory: %" PRIu64 " bytes is not a multiple of %s's page size, "
                            "%" PRIu64,
                            machine->ram_size, name, page);
    return VMACCEL_OK;
}

static vmaccel_status create_vm(vmaccel_machine *machine)
{
    vmaccel_vm_config config = {.size = sizeof(config),
                                .arch = machine->arch->arch,
                                .irqchip = VMACCEL_IRQCHIP_FULL,
                                .max_vcpus = machine->cpu_count};
    vmaccel_status status = vmaccel_vm_create(machine->platform, &config, &machine->vm);

    for (unsigned i = 0; i < MEMMAP_PARTS && status == VMACCEL_OK; i++) {
        struct memmap_piece piece = memmap_piece(machine->map, machine->ram_size, i);

        if (piece.size > 0)
            status = vmaccel_memory_map(machine->vm, piece.gpa, piece.size,
                                        machine->ram + piece.offset, VMACCEL_MEM_RWX);
    }
    return status;
}

static vmaccel_status create_devices(vmaccel_machine *machine, const vmaccel_machine_config *config)
{
    bus_init(&machine->ports, "port", 0xffff);
    bus_init(&machine->mmio, "MMIO address", UINT64_MAX);
    machine->host = (struct device_host){.context = machine,
                                         .ports = &machine->ports,
                                         .mmio = &machine->mmio,
                                         .arch = machine->arch->arch,
                                         .ram_size = machine->ram_size,
                                         .cpus = machine->cpu_count,
                                         .irq = host_irq,
                                         .dma_read = host_dma_read,
                                         .dma_write = host_dma_write,
                                         .stop = host_stop,
                                         .clock_ns = host_clock_ns,
                                         .wall_ns = host_wall_ns,
                                         .timer_add = host_timer_add,
                                         .timer_set = host_timer_set,
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
        return machine_fail(VMACCEL_E_NO_MEMORY, "no memory for %" PRIu32 " CPUs",
                            machine->cpu_count);
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        machine->cpus[i].machine = machine;
        machine->cpus[i].index = i;
    }
    machine->ram = os_pages_alloc(machine->ram_size, RAM_ALIGNMENT);
    if (machine->ram == NULL)
        return machine_fail(VMACCEL_E_NO_MEMORY, "memory: the host can't provide %" PRIu64 " bytes",
                            machine->ram_size);
    return VMACCEL_OK;
}

/* Files and devices go before the platform, so that what is wrong with the config shows on every
 * host. */
static vmaccel_status build(vmaccel_machine *machine, const vmaccel_machine_config *config,
                            struct machine_files *files)
{
    vmaccel_status status = machine_read_files(config, files);

    if (status == VMACCEL_OK)
        status = choose_arch(machine, config, files);
    if (status == VMACCEL_OK)
        status = allocate(machine, config);
    if (status == VMACCEL_OK)
        status = create_devices(machine, config);
    if (status == VMACCEL_OK)
        status = machine_load(machine, config, files);
    if (status == VMACCEL_OK)
        status = choose_platform(machine, config);
    if (status == VMACCEL_OK)
        status = check_limits(machine);
    if (status == VMACCEL_OK)
        status = create_vm(machine);
    if (status == VMACCEL_OK)
        status = machine->arch->prepare(machine, config);
    return status;
}

vmaccel_status vmaccel_machine_create(const vmaccel_machine_config *config, vmaccel_machine **out)
{
    struct machine_files files = {0};
    vmaccel_machine *machine;
    vmaccel_status status;

    if (config == NULL || out == NULL)
        return machine_fail(VMACCEL_E_INVALID_ARGUMENT, "config or out is NULL");
    *out = NULL;
    status = check_config(config);
    if (status != VMACCEL_OK)
        return status;
    machine = os_alloc(sizeof(*machine));
    if (machine == NULL)
        return machine_fail(VMACCEL_E_NO_MEMORY, "no memory for the machine");
    os_mutex_init(&machine->irq_lock);
    os_mutex_init(&machine->console_lock);
    os_mutex_init(&machine->start_lock);
    os_cond_init(&machine->start_cond);
    timers_init(&machine->timers);
    status = build(machine, config, &files);
    machine_free_files(&files);
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
    timers_destroy(&machine->timers);
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
