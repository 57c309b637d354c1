/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/core.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local vmaccel_error last_error;

static void copy(char *to, size_t size, const char *from)
{
    if (from == NULL)
        from = "";
    size_t length = strlen(from);
    if (length > size - 1)
        length = size - 1;
    memcpy(to, from, length);
    to[length] = '\0';
}

static void __attribute__((format(printf, 6, 0)))
record(vmaccel_status status, const char *platform, const char *module, const char *feature,
       int32_t os_error, const char *format, va_list arguments)
{
    vmaccel_error next = {.status = status, .os_error = os_error};

    /* The arguments may point into the error that is there. */
    copy(next.platform, sizeof(next.platform), platform);
    copy(next.module, sizeof(next.module), module);
    copy(next.feature, sizeof(next.feature), feature);
    vsnprintf(next.text, sizeof(next.text), format, arguments);
    last_error = next;
}

vmaccel_status core_fail(vmaccel_status status, const char *platform, const char *module,
                         const char *feature, int32_t os_error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    record(status, platform, module, feature, os_error, format, arguments);
    va_end(arguments);
    return status;
}

vmaccel_status core_invalid(const vmaccel_vm *vm, const char *module, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    record(VMACCEL_E_INVALID_ARGUMENT, vm != NULL ? vm->platform->name : NULL, module, NULL, 0,
           format, arguments);
    va_end(arguments);
    return VMACCEL_E_INVALID_ARGUMENT;
}

const vmaccel_error *vmaccel_last_error(void)
{
    return &last_error;
}

vmaccel_status vmaccel_error_report(vmaccel_status status, const char *module, const char *text)
{
    return core_fail(status, NULL, module, NULL, 0, "%s", text != NULL ? text : "");
}

const char *vmaccel_status_string(vmaccel_status status)
{
    static const char *const names[] = {
        [VMACCEL_OK] = "ok",
        [VMACCEL_E_INVALID_ARGUMENT] = "invalid argument",
        [VMACCEL_E_NOT_SUPPORTED] = "not supported",
        [VMACCEL_E_STATE] = "wrong state",
        [VMACCEL_E_THREAD] = "wrong thread",
        [VMACCEL_E_NO_MEMORY] = "out of memory",
        [VMACCEL_E_EXISTS] = "exists already",
        [VMACCEL_E_NOT_FOUND] = "not found",
        [VMACCEL_E_BUSY] = "busy",
        [VMACCEL_E_NOT_READY] = "not ready",
        [VMACCEL_E_PERMISSION] = "permission denied",
        [VMACCEL_E_UNAVAILABLE] = "unavailable",
        [VMACCEL_E_LIMIT] = "limit reached",
        [VMACCEL_E_GUEST_MEMORY] = "guest memory is not mapped",
        [VMACCEL_E_PLATFORM] = "platform failure",
        [VMACCEL_E_FORMAT] = "malformed data",
        [VMACCEL_E_IO] = "input or output error",
        [VMACCEL_E_TIMEOUT] = "timed out",
    };

    size_t index = (size_t)status;
    return index < sizeof(names) / sizeof(names[0]) ? names[index] : "unknown status";
}
