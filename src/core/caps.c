/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/core.h"

static const struct {
    const char *name, *meaning;
} capabilities[VMACCEL_CAP_MAX_VALUE + 1] = {
#define CAPABILITY(id, value, text, doc) [value] = {text, doc},
    VMACCEL_CAP_LIST(CAPABILITY)
#undef CAPABILITY
};

static bool known(vmaccel_cap cap)
{
    return (unsigned)cap <= VMACCEL_CAP_MAX_VALUE && capabilities[cap].name != NULL;
}

const char *vmaccel_cap_name(vmaccel_cap cap)
{
    return known(cap) ? capabilities[cap].name : "unknown";
}

uint64_t vmaccel_platform_cap(const vmaccel_platform *platform, vmaccel_arch arch, vmaccel_cap cap)
{
    return platform != NULL && known(cap) ? platform->cap(arch, cap) : 0;
}

uint64_t vmaccel_vm_cap(const vmaccel_vm *vm, vmaccel_cap cap)
{
    return vm != NULL && known(cap) ? vm->platform->vm_cap(vm, cap) : 0;
}

vmaccel_status core_not_supported(const char *platform, const char *module, vmaccel_cap cap)
{
    const char *name = vmaccel_cap_name(cap);

    return core_fail(VMACCEL_E_NOT_SUPPORTED, platform, module, name, 0,
                     "%s does not offer %s here: %s", platform, name,
                     known(cap) ? capabilities[cap].meaning : "unknown");
}

vmaccel_status core_vm_need(const vmaccel_vm *vm, const char *module, bool present, vmaccel_cap cap)
{
    if (present && vm->platform->vm_cap(vm, cap) != 0)
        return VMACCEL_OK;
    return core_not_supported(vm->platform->name, module, cap);
}
