/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/core.h"

#include <stdlib.h>

static const char module[] = "vm";

/* A platform that is not available has no capability: say why it is not, rather than which one was
 * missed first. */
static vmaccel_status refuse(const vmaccel_platform *platform, vmaccel_cap cap)
{
    vmaccel_platform_info info;

    vmaccel_status status = vmaccel_platform_probe(platform, &info);
    if (status == VMACCEL_OK && info.status != VMACCEL_OK)
        return core_fail(info.status, platform->name, module, NULL, 0, "%s", info.reason);
    return core_not_supported(platform->name, module, cap);
}

static vmaccel_cap irqchip_cap(uint32_t irqchip)
{
    return irqchip == VMACCEL_IRQCHIP_NONE    ? VMACCEL_CAP_IRQCHIP_NONE
           : irqchip == VMACCEL_IRQCHIP_SPLIT ? VMACCEL_CAP_IRQCHIP_SPLIT
                                              : VMACCEL_CAP_IRQCHIP_FULL;
}

/* What goes beyond the defaults is looked up before the platform acts on it; the defaults
 * afterwards, where asking is cheap. */
static vmaccel_status check_wishes(const vmaccel_platform *platform,
                                   const vmaccel_vm_config *config)
{
    static const struct {
        uint32_t bit;
        vmaccel_cap cap;
    } exits[] = {
        {VMACCEL_VM_EXIT_CPUID, VMACCEL_CAP_EXIT_CPUID},
        {VMACCEL_VM_EXIT_MSR, VMACCEL_CAP_EXIT_MSR},
        {VMACCEL_VM_EXIT_HYPERCALL, VMACCEL_CAP_EXIT_HYPERCALL},
    };
    vmaccel_arch arch = (vmaccel_arch)config->arch;

    if (config->irqchip != VMACCEL_IRQCHIP_NONE &&
        platform->cap(arch, irqchip_cap(config->irqchip)) == 0)
        return refuse(platform, irqchip_cap(config->irqchip));
    for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
        if ((config->exits & exits[i].bit) != 0 && platform->cap(arch, exits[i].cap) == 0)
            return refuse(platform, exits[i].cap);
    }
    if (config->exceptions != 0 &&
        (config->exceptions & ~platform->cap(arch, VMACCEL_CAP_EXIT_EXCEPTION)) != 0)
        return refuse(platform, VMACCEL_CAP_EXIT_EXCEPTION);
    if (config->max_vcpus > 1) {
        uint64_t most = platform->cap(arch, VMACCEL_CAP_MAX_VCPUS);
        if (most == 0)
            return refuse(platform, VMACCEL_CAP_MAX_VCPUS);
        if (config->max_vcpus > most)
            return core_fail(VMACCEL_E_LIMIT, platform->name, module, "max-vcpus", 0,
                             "max_vcpus is %u; %s takes at most %llu", config->max_vcpus,
                             platform->name, (unsigned long long)most);
    }
    return VMACCEL_OK;
}

static vmaccel_status read_config(const vmaccel_platform *platform, const vmaccel_vm_config *given,
                                  vmaccel_vm_config *config)
{
    const uint32_t all_exits =
        VMACCEL_VM_EXIT_CPUID | VMACCEL_VM_EXIT_MSR | VMACCEL_VM_EXIT_HYPERCALL;

    *config = (vmaccel_vm_config){.size = sizeof(*config)};
    if (given != NULL) {
        vmaccel_status status = core_config(given, sizeof(*config), config, "vmaccel_vm_config");
        if (status != VMACCEL_OK)
            return status;
    }
    if (!core_all_zero(config->reserved, sizeof(config->reserved)))
        return core_invalid(NULL, module, "reserved: must be 0");
    if (config->arch == VMACCEL_ARCH_NONE)
        config->arch = os_host_arch();
    if (config->arch != VMACCEL_ARCH_X86_64 && config->arch != VMACCEL_ARCH_ARM64)
        return core_invalid(NULL, module, "arch: %u is not a guest architecture", config->arch);
    if (config->irqchip > VMACCEL_IRQCHIP_FULL)
        return core_invalid(NULL, module, "irqchip: %u is not known", config->irqchip);
    if ((config->exits & ~all_exits) != 0)
        return core_invalid(NULL, module, "exits: bits 0x%x are not known",
                            config->exits & ~all_exits);
    if (config->max_vcpus == 0)
        config->max_vcpus = 1;

    bool has_arch =
        platform->machine != NULL ||
        (config->arch == VMACCEL_ARCH_X86_64 ? platform->x86 != NULL : platform->arm64 != NULL);
    if (!has_arch) {
        vmaccel_platform_info info;
        vmaccel_status status = vmaccel_platform_probe(platform, &info);
        if (status == VMACCEL_OK && info.status != VMACCEL_OK)
            return core_fail(info.status, platform->name, module, NULL, 0, "%s", info.reason);
        return core_fail(VMACCEL_E_NOT_SUPPORTED, platform->name, module, "arch", 0,
                         "%s can't run %s guests here", platform->name,
                         vmaccel_arch_name((vmaccel_arch)config->arch));
    }
    return check_wishes(platform, config);
}

static size_t padded(size_t size)
{
    return (size + OS_CACHE_LINE - 1) & ~(size_t)(OS_CACHE_LINE - 1);
}

/* One allocation holds the handle, core's part, the platform's part and the vCPU table. */
static vmaccel_vm *new_vm(const vmaccel_platform *platform, const vmaccel_vm_config *config)
{
    size_t handle = padded(sizeof(vmaccel_vm)), own = padded(sizeof(struct core_vm));
    size_t theirs = padded(platform->vm_size);
    uint8_t *memory = os_alloc(handle + own + theirs + config->max_vcpus * sizeof(void *));

    if (memory == NULL)
        return NULL;
    vmaccel_vm *vm = (vmaccel_vm *)(void *)memory;
    vm->platform = platform;
    vm->arch = (vmaccel_arch)config->arch;
    vm->irqchip = config->irqchip;
    vm->max_vcpus = config->max_vcpus;
    vm->exits = config->exits;
    vm->exceptions = config->exceptions;
    vm->core = (struct core_vm *)(void *)(memory + handle);
    vm->priv = memory + handle + own;
    vm->core->vcpus = (void *)(memory + handle + own + theirs);
    /* Memory of an ended VM may come back as this one's: versions that start at the time never
     * repeat. */
    atomic_store(&vm->core->map_version, os_clock_ns());
    os_mutex_init(&vm->core->lock);
    os_rwlock_init(&vm->core->map_lock);
    os_mutex_init(&vm->core->doorbell_lock);
    return vm;
}

static void free_vm(vmaccel_vm *vm)
{
    struct core_vm *core = vm->core;

    for (uint32_t i = 0; i < vm->max_vcpus; i++)
        os_free(atomic_load(&core->vcpus[i]));
    core_memory_free(core);
    os_mutex_destroy(&core->lock);
    os_rwlock_destroy(&core->map_lock);
    os_mutex_destroy(&core->doorbell_lock);
    os_free(vm);
}

static void read_limits(vmaccel_vm *vm)
{
    struct core_vm *core = vm->core;
    uint64_t bits = vmaccel_vm_cap(vm, VMACCEL_CAP_GPA_BITS);

    vm->page_size = vmaccel_vm_cap(vm, VMACCEL_CAP_PAGE_SIZE);
    core->gpa_limit = bits < 64 ? (uint64_t)1 << bits : 0;
    core->max_regions = vmaccel_vm_cap(vm, VMACCEL_CAP_MAX_REGIONS);
    core->can_read_only = vmaccel_vm_cap(vm, VMACCEL_CAP_MEM_READ_ONLY) != 0;
    core->can_no_exec = vmaccel_vm_cap(vm, VMACCEL_CAP_MEM_NO_EXEC) != 0;
    core->can_dirty =
        vm->platform->mem_dirty != NULL && vmaccel_vm_cap(vm, VMACCEL_CAP_MEM_DIRTY_LOG) != 0;
    core->can_alias = vmaccel_vm_cap(vm, VMACCEL_CAP_MEM_ALIAS) != 0;
    core->can_split_running = vmaccel_vm_cap(vm, VMACCEL_CAP_MEM_SPLIT_RUNNING) != 0;
}

vmaccel_status vmaccel_vm_create(const vmaccel_platform *platform, const vmaccel_vm_config *config,
                                 vmaccel_vm **out)
{
    vmaccel_vm_config checked;

    if (platform == NULL || out == NULL)
        return core_invalid(NULL, module, "platform and out must not be NULL");
    vmaccel_status status = read_config(platform, config, &checked);
    if (status != VMACCEL_OK)
        return status;

    vmaccel_vm *vm = new_vm(platform, &checked);
    if (vm == NULL)
        return core_fail(VMACCEL_E_NO_MEMORY, platform->name, module, NULL, 0,
                         "no memory for a VM");
    status = platform->vm_create(vm);
    if (status != VMACCEL_OK) {
        free_vm(vm);
        return status;
    }
    read_limits(vm);
    if (platform->machine == NULL)
        status = core_vm_need(vm, module, true, irqchip_cap(vm->irqchip));
    if (status != VMACCEL_OK) {
        platform->vm_destroy(vm);
        free_vm(vm);
        return status;
    }
    *out = vm;
    return VMACCEL_OK;
}

vmaccel_status core_vm_commit(vmaccel_vm *vm)
{
    if (vm->committed)
        return VMACCEL_OK;
    if (vm->arch == VMACCEL_ARCH_ARM64 && vm->platform->arm64 != NULL) {
        vmaccel_status status = core_arm64_commit(vm);
        if (status != VMACCEL_OK)
            return status;
    }
    if (vm->platform->vm_commit != NULL) {
        vmaccel_status status = vm->platform->vm_commit(vm);
        if (status != VMACCEL_OK)
            return status;
    }
    if (vm->arch == VMACCEL_ARCH_X86_64 && vm->platform->x86 != NULL &&
        vm->platform->x86->get_xsave != NULL)
        vm->core->xsave_size = (size_t)vmaccel_vm_cap(vm, VMACCEL_CAP_REG_XSAVE);
    vm->committed = true;
    return VMACCEL_OK;
}

vmaccel_status vmaccel_vm_commit(vmaccel_vm *vm)
{
    if (vm == NULL)
        return core_invalid(NULL, module, "vm must not be NULL");
    os_mutex_lock(&vm->core->lock);
    vmaccel_status status = core_vm_commit(vm);
    os_mutex_unlock(&vm->core->lock);
    return status;
}

vmaccel_status vmaccel_vm_destroy(vmaccel_vm *vm)
{
    if (vm == NULL)
        return VMACCEL_OK;
    for (uint32_t i = 0; i < vm->max_vcpus; i++) {
        struct core_vcpu *vcpu = atomic_load(&vm->core->vcpus[i]);
        if (vcpu != NULL && !atomic_load(&vcpu->ended))
            return core_fail(VMACCEL_E_STATE, vm->platform->name, module, NULL, 0,
                             "vCPU %u has not been destroyed; destroy every vCPU before its VM", i);
    }
    if (vm->core->doorbells != NULL)
        return core_fail(VMACCEL_E_STATE, vm->platform->name, module, NULL, 0,
                         "a doorbell has not been destroyed; destroy every doorbell before its VM");
    vm->platform->vm_destroy(vm);
    free_vm(vm);
    return VMACCEL_OK;
}

const vmaccel_platform *vmaccel_vm_platform(const vmaccel_vm *vm)
{
    return vm->platform;
}

vmaccel_arch vmaccel_vm_arch(const vmaccel_vm *vm)
{
    return vm->arch;
}
