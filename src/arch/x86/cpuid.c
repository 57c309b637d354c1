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

unsigned x86_cpuid_address_bits(const vmaccel_x86_cpuid *entries, size_t count)
{
    const vmaccel_x86_cpuid *entry = x86_cpuid_find(entries, count, 0x80000008, 0);
    unsigned bits = entry != NULL ? entry->eax & 0xff : 36;

    return bits < 32 ? 32 : bits > 52 ? 52 : bits;
}

void x86_cpuid_set_apic_id(vmaccel_x86_cpuid *entries, size_t count, uint32_t apic_id)
{
    for (size_t i = 0; i < count; i++) {
        switch (entries[i].leaf) {
        case 1:
            entries[i].ebx = (entries[i].ebx & 0xffffff) | apic_id << 24;
            break;
        case 0xb:
        case 0x1f:
            entries[i].edx = apic_id;
            break;
        case 0x8000001e:
            entries[i].eax = apic_id;
            break;
        default:
            break;
        }
    }
}
