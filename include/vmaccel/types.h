/* SPDX-License-Identifier: BSD-2-Clause */
/* Handles, guest-address types and compiler attributes. */
#ifndef VMACCEL_TYPES_H
#define VMACCEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(VMACCEL_STATIC)
#define VMACCEL_API
#elif defined(_WIN32)
#if defined(VMACCEL_BUILDING)
#define VMACCEL_API __declspec(dllexport)
#else
#define VMACCEL_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define VMACCEL_API __attribute__((visibility("default")))
#else
#define VMACCEL_API
#endif

#if defined(__GNUC__)
#define VMACCEL_MUST_CHECK __attribute__((warn_unused_result))
#else
#define VMACCEL_MUST_CHECK
#endif

#ifdef __cplusplus
#define VMACCEL_BEGIN_DECLS extern "C" {
#define VMACCEL_END_DECLS   }
#else
#define VMACCEL_BEGIN_DECLS
#define VMACCEL_END_DECLS
#endif

VMACCEL_BEGIN_DECLS

/* A hypervisor interface or the software CPU. Constant, owned by the library, never freed. */
typedef struct vmaccel_platform vmaccel_platform;
/* A virtual machine: guest-physical memory, interrupt lines and vCPUs. */
typedef struct vmaccel_vm vmaccel_vm;
/* A virtual CPU. Belongs to the thread that created it. */
typedef struct vmaccel_vcpu vmaccel_vcpu;

/* A guest-physical address: an integer, so that it can't be dereferenced on the host. */
typedef uint64_t vmaccel_gpa;
/* A guest-virtual (x86: linear) address. */
typedef uint64_t vmaccel_gva;

/* Guest instruction-set architectures. Values are append-only. */
typedef enum vmaccel_arch {
    VMACCEL_ARCH_NONE = 0,
    VMACCEL_ARCH_X86_64 = 1,
    VMACCEL_ARCH_ARM64 = 2
} vmaccel_arch;

/* "x86_64", "aarch64", or "none". Never NULL. Thread: any. */
VMACCEL_API const char *vmaccel_arch_name(vmaccel_arch arch);

/* "MAJOR.MINOR.PATCH" of the library that is linked. Thread: any. */
VMACCEL_API const char *vmaccel_version_string(void);

VMACCEL_END_DECLS

#endif
