/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of platforms, expanded from registry.def. A platform whose host condition failed gets
 * an entry that says so. */
#include "core/registry.h"

#include <stdio.h>

#include "registry_built.h"

__attribute__((unused)) static uint64_t absent_cap(vmaccel_arch arch, vmaccel_cap cap)
{
    (void)arch;
    (void)cap;
    return 0;
}

__attribute__((unused)) static uint64_t absent_vm_cap(const vmaccel_vm *vm, vmaccel_cap cap)
{
    (void)vm;
    (void)cap;
    return 0;
}

__attribute__((unused)) static void absent_destroy(vmaccel_vm *vm)
{
    (void)vm;
}

__attribute__((unused)) static void absent_probe(vmaccel_platform_info *info, const char *condition)
{
    info->kind = VMACCEL_KIND_NONE;
    info->status = VMACCEL_E_UNAVAILABLE;
    snprintf(info->reason, sizeof(info->reason), "not in this build: %s", condition);
}

#define PRESENT(folder, text, condition)                                                           \
    extern const struct vmaccel_platform vmaccel_platform_##folder;

#define ABSENT(folder, text, condition)                                                            \
    static void probe_##folder(vmaccel_platform_info *info)                                        \
    {                                                                                              \
        absent_probe(info, condition);                                                             \
    }                                                                                              \
    static vmaccel_status create_##folder(vmaccel_vm *vm)                                          \
    {                                                                                              \
        (void)vm;                                                                                  \
        return core_fail(VMACCEL_E_UNAVAILABLE, #folder, "platform", NULL, 0,                      \
                         "%s is not in this build: %s", #folder, condition);                       \
    }                                                                                              \
    static const struct vmaccel_platform vmaccel_platform_##folder = {                             \
        .name = #folder,                                                                           \
        .description = text,                                                                       \
        .probe = probe_##folder,                                                                   \
        .cap = absent_cap,                                                                         \
        .vm_create = create_##folder,                                                              \
        .vm_destroy = absent_destroy,                                                              \
        .vm_cap = absent_vm_cap,                                                                   \
    };

#define JOIN(a, b)                             a##b
#define SELECT_0(folder, text, condition)      ABSENT(folder, text, condition)
#define SELECT_1(folder, text, condition)      PRESENT(folder, text, condition)
#define SELECT(built, folder, text, condition) JOIN(SELECT_, built)(folder, text, condition)
#define VMACCEL_PLATFORM(folder, text, condition)                                                  \
    SELECT(VMACCEL_BUILT_##folder, folder, text, condition)
#include "core/registry.def"
#undef VMACCEL_PLATFORM

const struct vmaccel_platform *const core_platforms[] = {
#define VMACCEL_PLATFORM(folder, text, condition) &vmaccel_platform_##folder,
#include "core/registry.def"
};

const size_t core_platform_count = sizeof(core_platforms) / sizeof(core_platforms[0]);
