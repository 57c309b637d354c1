/* SPDX-License-Identifier: BSD-2-Clause */
#include "kvm.h"

vmaccel_status kvm_fail(const char *module, const char *call)
{
    int error = errno;
    vmaccel_status status = error == EINVAL   ? VMACCEL_E_INVALID_ARGUMENT
                            : error == ENOMEM ? VMACCEL_E_NO_MEMORY
                                              : VMACCEL_E_PLATFORM;
    return core_fail(status, "kvm", module, NULL, error, "%s: %s", call, strerror(error));
}
