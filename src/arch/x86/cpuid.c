/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/cpuid.h"

const vmaccel_x86_cpuid *x86_cpuid_find(const vmaccel_x86_cpuid *entries, size_t count,
                                        uint32_t leaf, uint32_t subleaf)
{
    for (size_t i = 0; i < count; i++) {
        const vmaccel_x86_cpuid *entry = &entries[i];
        if (entry->leaf == leaf &&
            ((entry->flags & VMACCEL_X86_CPUID_SUBLEAF) == 0 || entry->subleaf == subleaf))
            return entry;
    }
    return NULL;
}
