/* SPDX-License-Identifier: BSD-2-Clause */
/* Platforms: listing, probing, choosing. */
#ifndef VMACCEL_PLATFORM_H
#define VMACCEL_PLATFORM_H

#include <vmaccel/status.h>
#include <vmaccel/types.h>

VMACCEL_BEGIN_DECLS

/* What stands behind a platform on this host. Values are append-only. */
typedef enum vmaccel_platform_kind {
    VMACCEL_KIND_NONE = 0,        /* not available here */
    VMACCEL_KIND_HARDWARE = 1,    /* the CPU's virtualization extensions */
    VMACCEL_KIND_PARAVIRTUAL = 2, /* a hypervisor without them: guest kernels are emulated */
    VMACCEL_KIND_SOFTWARE = 3,    /* the software CPU */
    VMACCEL_KIND_SIMULATED = 4    /* a simulator of a vendor's API */
} vmaccel_platform_kind;

typedef struct vmaccel_platform_info {
    const char *name;        /* "kvm"; owned by the library */
    const char *description; /* one line; owned by the library */
    vmaccel_platform_kind kind;
    vmaccel_status status; /* VMACCEL_OK where available, else why not */
    bool guest_x86_64;     /* can run x86_64 guests on this host */
    bool guest_arm64;      /* can run AArch64 guests on this host */
    char reason[256];      /* what was found, or what to do to make it available */
} vmaccel_platform_info;

/* "hardware", "paravirtual", "software", "simulated" or "none". Never NULL. Thread: any. */
VMACCEL_API const char *vmaccel_platform_kind_name(vmaccel_platform_kind kind);

/* Number of platforms this build lists, those its host can't have included. Thread: any. */
VMACCEL_API size_t vmaccel_platform_count(void);

/* The platform at index, or NULL past the end. Thread: any. */
VMACCEL_API const vmaccel_platform *vmaccel_platform_at(size_t index);

/* The platform of that name, or NULL. Thread: any. */
VMACCEL_API const vmaccel_platform *vmaccel_platform_find(const char *name);

/* Its name. Never NULL. Thread: any. */
VMACCEL_API const char *vmaccel_platform_name(const vmaccel_platform *platform);

/* Find out whether the platform can be used on this host, and why not. Opens and closes what it
 * needs to know. Errors: INVALID_ARGUMENT; an absent platform is a result (info->status), not an
 * error. Thread: any. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status
vmaccel_platform_probe(const vmaccel_platform *platform, vmaccel_platform_info *info);

/* Why the probed platform runs no guests of `arch` on this host. "" where it does, or where `info`
 * is NULL or `arch` no guest architecture. The text is info->reason or the library's. Thread: any.
 */
VMACCEL_API const char *vmaccel_platform_why_not(const vmaccel_platform_info *info,
                                                 vmaccel_arch arch);

/* What a caller means to run. */
typedef enum vmaccel_workload {
    VMACCEL_WORKLOAD_VCPU = 0, /* small guests: sandboxes, fuzzers, tests */
    VMACCEL_WORKLOAD_SYSTEM =
        1 /* an operating system: guest kernel code must run at full fidelity */
} vmaccel_workload;

/* Choose the fastest available platform that runs guests of `arch`. For VMACCEL_WORKLOAD_SYSTEM one
 * with VMACCEL_CAP_NATIVE_KERNEL goes before one without. `why` (may be NULL) takes one line that
 * says which and why; why_size is its size in bytes. Errors: UNAVAILABLE, with each platform's
 * reason in the text. Thread: any. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_platform_choose(vmaccel_arch arch,
                                                                      vmaccel_workload workload,
                                                                      const vmaccel_platform **out,
                                                                      char *why, size_t why_size);

VMACCEL_END_DECLS

#endif
