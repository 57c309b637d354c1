/* SPDX-License-Identifier: BSD-2-Clause */
/* Status codes and error detail. A guest's exit is a result and never appears here. */
#ifndef VMACCEL_STATUS_H
#define VMACCEL_STATUS_H

#include <vmaccel/types.h>

VMACCEL_BEGIN_DECLS

/* Values are append-only. */
typedef enum vmaccel_status {
    VMACCEL_OK = 0,
    VMACCEL_E_INVALID_ARGUMENT = 1, /* a parameter is out of its documented range */
    VMACCEL_E_NOT_SUPPORTED =
        2,                /* the platform can't do it; detail names platform, feature and module */
    VMACCEL_E_STATE = 3,  /* the object is not in a state that allows the call */
    VMACCEL_E_THREAD = 4, /* the calling thread is not the vCPU's owner */
    VMACCEL_E_NO_MEMORY = 5,     /* the host has no memory for it */
    VMACCEL_E_EXISTS = 6,        /* overlaps or duplicates something that exists */
    VMACCEL_E_NOT_FOUND = 7,     /* names something that does not exist */
    VMACCEL_E_BUSY = 8,          /* the injection slot is occupied */
    VMACCEL_E_NOT_READY = 9,     /* the guest can't take an interrupt now */
    VMACCEL_E_PERMISSION = 10,   /* the host denies access */
    VMACCEL_E_UNAVAILABLE = 11,  /* the platform is absent or switched off on this host */
    VMACCEL_E_LIMIT = 12,        /* a limit of the platform is reached */
    VMACCEL_E_GUEST_MEMORY = 13, /* a guest address is not backed by mapped memory */
    VMACCEL_E_PLATFORM = 14,     /* an OS or hypervisor call failed; see os_error and text */
    VMACCEL_E_FORMAT = 15,       /* a file or byte stream is malformed; text names what */
    VMACCEL_E_IO = 16,           /* a host file can't be opened or read */
    VMACCEL_E_TIMEOUT = 17       /* the time given has passed */
} vmaccel_status;

/* What the last failure on this thread was. Strings are "" where they do not apply. */
typedef struct vmaccel_error {
    vmaccel_status status;
    int32_t os_error;  /* errno, HRESULT or hv_return_t; 0 where none */
    char platform[16]; /* "kvm", …; "" when no platform was involved */
    char module[24];   /* part of the library: "memory", "irq", "x86", … */
    char feature[40];  /* for NOT_SUPPORTED: the capability's name, or the operation */
    char text[256];    /* one sentence a person can act on */
} vmaccel_error;

/* Short fixed name of a code, such as "not supported". Never NULL. Thread: any. */
VMACCEL_API const char *vmaccel_status_string(vmaccel_status status);

/* Detail of the last failure of a library call on the calling thread. Kept per thread because calls
 * on one VM fail on several threads at once. Valid until the next failing call on this thread; a
 * successful call leaves it alone. Owned by the library. Never NULL. Thread: any. */
VMACCEL_API const vmaccel_error *vmaccel_last_error(void);

/* Record a failure of a layer built on the library as the calling thread's last error, and return
 * `status`. `module` and `text` are copied and cut to fit. Thread: any. */
VMACCEL_API vmaccel_status vmaccel_error_report(vmaccel_status status, const char *module,
                                                const char *text);

VMACCEL_END_DECLS

#endif
