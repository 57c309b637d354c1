/* SPDX-License-Identifier: BSD-2-Clause */
/* The error store behind vmaccel_last_error(). */
#ifndef VMACCEL_CORE_ERROR_H
#define VMACCEL_CORE_ERROR_H

#include <vmaccel/caps.h>
#include <vmaccel/status.h>

/* Record a failure for the calling thread and return `status`. platform, module and feature may be
 * NULL; os_error is 0 or the host's code. The text is one sentence without a full stop. */
vmaccel_status core_fail(vmaccel_status status, const char *platform, const char *module,
                         const char *feature, int32_t os_error, const char *format, ...)
    __attribute__((format(printf, 6, 7), cold));

/* NOT_SUPPORTED for a missing capability. */
vmaccel_status core_not_supported(const char *platform, const char *module, vmaccel_cap cap)
    __attribute__((cold));

#endif
