/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/core.h"

#include <string.h>

bool core_all_zero(const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

vmaccel_status core_config(const void *config, size_t known, void *copy, const char *what)
{
    uint32_t size;

    memcpy(&size, config, sizeof(size));
    if (size < known)
        return core_invalid(NULL, "config", "%s.size is %u; it must be sizeof(%s), %zu", what, size,
                            what, known);
    /* A caller built against a later version may pass more, as long as it asks for nothing new. A
     * larger size than any struct will ever have is a mistake, and reading that far a crash. */
    if (size > 4096)
        return core_invalid(NULL, "config", "%s.size is %u; it must be sizeof(%s)", what, size,
                            what);
    if (!core_all_zero((const uint8_t *)config + known, size - known))
        return core_invalid(NULL, "config",
                            "%s has non-zero fields that this version does not know", what);
    memcpy(copy, config, known);
    memcpy(copy, &(uint32_t){(uint32_t)known}, sizeof(uint32_t));
    return VMACCEL_OK;
}
