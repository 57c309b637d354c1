/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/core.h"
#include "core/registry.h"

#include <stdio.h>
#include <string.h>

size_t vmaccel_platform_count(void)
{
    return core_platform_count;
}

const vmaccel_platform *vmaccel_platform_at(size_t index)
{
    return index < core_platform_count ? core_platforms[index] : NULL;
}

const vmaccel_platform *vmaccel_platform_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < core_platform_count; i++) {
        if (strcmp(core_platforms[i]->name, name) == 0)
            return core_platforms[i];
    }
    return NULL;
}

const char *vmaccel_platform_name(const vmaccel_platform *platform)
{
    return platform != NULL ? platform->name : "";
}

vmaccel_status vmaccel_platform_probe(const vmaccel_platform *platform, vmaccel_platform_info *info)
{
    if (platform == NULL || info == NULL)
        return core_invalid(NULL, "platform", "platform and info must not be NULL");
    memset(info, 0, sizeof(*info));
    info->name = platform->name;
    info->description = platform->description;
    platform->probe(info);
    return VMACCEL_OK;
}

static bool runs(const vmaccel_platform_info *info, vmaccel_arch arch)
{
    return arch == VMACCEL_ARCH_ARM64 ? info->guest_arm64 : info->guest_x86_64;
}

const char *vmaccel_platform_why_not(const vmaccel_platform_info *info, vmaccel_arch arch)
{
    bool arm64 = arch == VMACCEL_ARCH_ARM64;

    if (info == NULL || (arch != VMACCEL_ARCH_X86_64 && !arm64))
        return "";
    if (info->status != VMACCEL_OK)
        return info->reason[0] != '\0' ? info->reason : "no reason given";
    if (runs(info, arch))
        return "";
    if (info->kind == VMACCEL_KIND_SOFTWARE)
        return arm64 ? "no aarch64 guests yet" : "no x86_64 guests yet";
    return arm64 ? "this host's CPU runs x86_64 guests only"
                 : "this host's CPU runs aarch64 guests only";
}

/* Lower is better; UINT32_MAX: can't. */
static uint32_t rank(const vmaccel_platform *platform, const vmaccel_platform_info *info,
                     vmaccel_arch arch, vmaccel_workload workload)
{
    /* For single vCPUs a paravirtual hypervisor's exits are real and fast; a system's kernel is
     * slower on it than on a complete CPU model. */
    static const uint8_t by_kind[2][5] = {
        [VMACCEL_WORKLOAD_VCPU] = {[VMACCEL_KIND_HARDWARE] = 1,
                                   [VMACCEL_KIND_PARAVIRTUAL] = 2,
                                   [VMACCEL_KIND_SOFTWARE] = 3,
                                   [VMACCEL_KIND_SIMULATED] = 4},
        [VMACCEL_WORKLOAD_SYSTEM] = {[VMACCEL_KIND_HARDWARE] = 1,
                                     [VMACCEL_KIND_SOFTWARE] = 2,
                                     [VMACCEL_KIND_PARAVIRTUAL] = 3,
                                     [VMACCEL_KIND_SIMULATED] = 4},
    };

    if (info->status != VMACCEL_OK || !runs(info, arch) || (unsigned)info->kind > 4 ||
        by_kind[workload][info->kind] == 0)
        return UINT32_MAX;
    if (workload == VMACCEL_WORKLOAD_VCPU)
        return platform->machine != NULL ? UINT32_MAX : by_kind[workload][info->kind];
    return by_kind[workload][info->kind] +
           (platform->cap(arch, VMACCEL_CAP_NATIVE_KERNEL) != 0 ? 0 : 16);
}

/* "; name: reason", cut to fit. */
static void append(char *text, size_t size, const char *name, const char *reason)
{
    const char *const parts[] = {"; ", name, ": ", reason[0] != '\0' ? reason : "no reason given"};
    size_t used = strlen(text);

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        for (const char *from = parts[i]; *from != '\0' && used + 1 < size; from++)
            text[used++] = *from;
    }
    text[used] = '\0';
}

vmaccel_status vmaccel_platform_choose(vmaccel_arch arch, vmaccel_workload workload,
                                       const vmaccel_platform **out, char *why, size_t why_size)
{
    const vmaccel_platform *best = NULL;
    uint32_t best_rank = UINT32_MAX;
    vmaccel_platform_info best_info;
    char reasons[256] = "";

    if (arch == VMACCEL_ARCH_NONE)
        arch = os_host_arch();
    if (out == NULL || (why == NULL && why_size != 0))
        return core_invalid(NULL, "platform",
                            "out must not be NULL, nor why where why_size is not 0");
    if (arch != VMACCEL_ARCH_X86_64 && arch != VMACCEL_ARCH_ARM64)
        return core_invalid(NULL, "platform", "arch %d is not a guest architecture", (int)arch);
    if (workload != VMACCEL_WORKLOAD_VCPU && workload != VMACCEL_WORKLOAD_SYSTEM)
        return core_invalid(NULL, "platform", "workload %d is not known", (int)workload);

    for (size_t i = 0; i < core_platform_count; i++) {
        const vmaccel_platform *platform = core_platforms[i];
        vmaccel_platform_info info;

        vmaccel_status status = vmaccel_platform_probe(platform, &info);
        if (status != VMACCEL_OK)
            return status;
        uint32_t this_rank = rank(platform, &info, arch, workload);
        if (this_rank < best_rank) {
            best = platform;
            best_rank = this_rank;
            best_info = info;
        } else if (this_rank == UINT32_MAX) {
            const char *reason = vmaccel_platform_why_not(&info, arch);
            append(reasons, sizeof(reasons), platform->name,
                   reason[0] != '\0' ? reason : info.reason);
        }
    }
    if (best == NULL)
        return core_fail(VMACCEL_E_UNAVAILABLE, NULL, "platform", NULL, 0,
                         "no platform here can run %s guests%s", vmaccel_arch_name(arch), reasons);
    *out = best;
    if (why_size != 0)
        snprintf(why, why_size, "%s: the fastest platform here for %s guests%s (%s)", best->name,
                 vmaccel_arch_name(arch),
                 best_rank >= 16 ? ", though kernel code runs emulated" : "",
                 best_info.reason[0] != '\0' ? best_info.reason : best->description);
    return VMACCEL_OK;
}
