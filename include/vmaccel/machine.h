/* SPDX-License-Identifier: BSD-2-Clause */
/* Optional layer: a whole machine around the vCPUs: boot loaders, devices, one host thread per
 * vCPU. Built on the core API only. */
#ifndef VMACCEL_MACHINE_H
#define VMACCEL_MACHINE_H

#include <vmaccel/platform.h>
#include <vmaccel/status.h>
#include <vmaccel/types.h>

VMACCEL_BEGIN_DECLS

typedef struct vmaccel_machine vmaccel_machine;

/* How the file in `kernel` is loaded. Values are append-only. */
typedef enum vmaccel_boot_format {
    VMACCEL_BOOT_DETECT = 0,    /* by its content; never FLAT */
    VMACCEL_BOOT_LINUX = 1,     /* x86: bzImage; arm64: Image, as it is, in gzip or in EFI zboot */
    VMACCEL_BOOT_PVH = 2,       /* ELF with a PVH entry note */
    VMACCEL_BOOT_MULTIBOOT = 3, /* multiboot 1 ELF or a.out-kludge image */
    /* 64-bit ELF started at its entry; x86: in long mode, identity-mapped; arm64: as FLAT */
    VMACCEL_BOOT_ELF = 4,
    VMACCEL_BOOT_FLAT_REAL = 5, /* x86: raw bytes at load_address, real mode */
    VMACCEL_BOOT_FLAT_LONG = 6, /* x86: raw bytes at load_address, long mode, identity-mapped */
    /* arm64: raw bytes at load_address, EL1 with the MMU off, X0 the device tree's address */
    VMACCEL_BOOT_FLAT = 7
} vmaccel_boot_format;

typedef struct vmaccel_machine_config {
    uint32_t size; /* sizeof(vmaccel_machine_config) */
    uint32_t arch; /* vmaccel_arch; NONE: what the kernel is for, else the host's */
    const vmaccel_platform *platform; /* NULL: vmaccel_platform_choose() for a full system */
    uint32_t cpus;                    /* 0: 1 */
    uint32_t format;                  /* vmaccel_boot_format */
    uint64_t memory;                  /* bytes, a multiple of 4096; 0: 512 MiB */
    uint64_t load_address;      /* FLAT formats; 0: 0x7C00 in real mode, 0x100000 in long mode,
                                   0x40000000 on arm64 */
    const char *kernel;         /* file name */
    const char *initrd;         /* file name, or NULL */
    const char *append;         /* command line, or NULL */
    const char *const *modules; /* PVH and multiboot modules: "FILE [arguments]" */
    size_t module_count;
    const char *const *devices; /* extra devices: "NAME[,option=value]..." */
    size_t device_count;
    /* Guest console output, from a vCPU thread; one call at a time. NULL: dropped. */
    void (*console_write)(void *context, const uint8_t *data, size_t size);
    void *console_context;
    uint64_t reserved[4];
} vmaccel_machine_config;

/* Why a machine stopped. Values are append-only. */
typedef enum vmaccel_machine_outcome {
    VMACCEL_MACHINE_POWEROFF = 1,
    VMACCEL_MACHINE_RESET = 2,      /* the guest asked for a reset */
    VMACCEL_MACHINE_DEBUG_EXIT = 3, /* a write to debug-exit; code is the value written */
    VMACCEL_MACHINE_SHUTDOWN = 4,   /* triple fault */
    VMACCEL_MACHINE_STOPPED = 5,    /* vmaccel_machine_stop() */
    VMACCEL_MACHINE_HALTED = 6,     /* every vCPU halted with nothing left that could wake one */
    VMACCEL_MACHINE_FAILED = 7      /* an exit or error that can't be served; text says which */
} vmaccel_machine_outcome;

typedef struct vmaccel_machine_stats {
    uint64_t exits; /* of all vCPUs */
    uint64_t io, mmio, kicks, other;
    uint64_t run_ns; /* host time from start to stop, nanoseconds */
} vmaccel_machine_stats;

typedef struct vmaccel_machine_result {
    uint32_t outcome; /* vmaccel_machine_outcome */
    uint32_t code;    /* DEBUG_EXIT: the value */
    uint32_t cpu;     /* the vCPU that ended it */
    uint32_t reserved;
    char text[256]; /* one sentence */
    vmaccel_machine_stats stats;
} vmaccel_machine_result;

/* Load the files, create the VM, its memory and devices. Errors: those of the core API; IO and
 * FORMAT name the file; INVALID_ARGUMENT names the option. Ownership: *out is the caller's. Thread:
 * any. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status
vmaccel_machine_create(const vmaccel_machine_config *config, vmaccel_machine **out);

/* Run from reset until the machine stops; once in a machine's life. Thread: any; the call returns
 * when every vCPU thread has ended. Errors: STATE, NO_MEMORY, PLATFORM; how a guest ends is a
 * result. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_machine_run(vmaccel_machine *machine,
                                                                  vmaccel_machine_result *result);

/* Make vmaccel_machine_run() return; sticky when it has not begun. Thread: any; async-signal-safe.
 */
VMACCEL_API void vmaccel_machine_stop(vmaccel_machine *machine);

/* Feed the guest's serial port; returns how many bytes it took (the rest when the guest has read
 * some). Thread: any. */
VMACCEL_API size_t vmaccel_machine_console_input(vmaccel_machine *machine, const uint8_t *data,
                                                 size_t size);

/* End it. NULL is allowed. Thread: any; not while it runs. */
VMACCEL_API void vmaccel_machine_destroy(vmaccel_machine *machine);

/* The platform it uses, and one line that says why. Valid as long as the machine. Thread: any. */
VMACCEL_API const vmaccel_platform *vmaccel_machine_platform(const vmaccel_machine *machine,
                                                             const char **why);

/* The devices that config.devices may name: name, option help and description of device `index`;
 * false past the end. Strings are owned by the library. Thread: any. */
VMACCEL_API bool vmaccel_machine_device_help(size_t index, const char **name, const char **options,
                                             const char **description);
/* Whether a machine of that architecture can have it. Thread: any. */
VMACCEL_API bool vmaccel_machine_device_is_for(size_t index, vmaccel_arch arch);

VMACCEL_END_DECLS

#endif
