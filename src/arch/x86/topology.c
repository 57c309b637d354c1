/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/topology.h"

/* Bits that hold the APIC IDs 0 to cpus-1. */
static uint32_t id_bits(uint32_t cpus)
{
    uint32_t bits = 0;
    while (bits < 31 && 1u << bits < cpus)
        bits++;
    return bits;
}

static uint32_t at_most(uint32_t value, uint32_t limit)
{
    return value < limit ? value : limit;
}

/* Leaves 0xB and 0x1F: level 0 is the thread, level 1 the core. */
static void extended(uint32_t subleaf, uint32_t apic_id, uint32_t cpus, uint32_t *eax,
                     uint32_t *ebx, uint32_t *ecx, uint32_t *edx)
{
    *edx = apic_id;
    *ecx = subleaf & 0xff;
    if (subleaf == 0) {
        *eax = 0;
        *ebx = 1;
        *ecx |= 1u << 8;
    } else if (subleaf == 1) {
        *eax = id_bits(cpus);
        *ebx = at_most(cpus, 0xffff);
        *ecx |= 2u << 8;
    } else {
        *eax = *ebx = 0;
    }
}

void x86_cpuid_topology(uint32_t leaf, uint32_t subleaf, uint32_t apic_id, uint32_t cpus,
                        uint32_t *eax, uint32_t *ebx, uint32_t *ecx, uint32_t *edx)
{
    switch (leaf) {
    case 1:
        *ebx = (*ebx & 0xffff) | at_most(cpus, 255) << 16 | (apic_id & 0xff) << 24;
        *edx = (*edx & ~(1u << 28)) | (cpus > 1 ? 1u << 28 : 0); /* HTT: EBX[23:16] is valid */
        break;
    case 4: /* caches: the last level is shared by all, the others by none */
        if ((*eax & 0x1f) != 0) {
            uint32_t sharing = (*eax >> 5 & 7) >= 3 ? at_most(cpus, 4096) - 1 : 0;
            *eax = (*eax & 0x3fff) | sharing << 14 | (at_most(cpus, 64) - 1) << 26;
        }
        break;
    case 0xb:
    case 0x1f:
        extended(subleaf, apic_id, cpus, eax, ebx, ecx, edx);
        break;
    case 0x80000001:
        if (cpus == 1) /* CmpLegacy: threads are cores */
            *ecx &= ~(1u << 1);
        break;
    case 0x80000008:
        *ecx = (*ecx & ~0xf0ffu) | (at_most(cpus, 256) - 1) | at_most(id_bits(cpus), 15) << 12;
        break;
    case 0x8000001d: /* as leaf 4 */
        if ((*eax & 0x1f) != 0)
            *eax = (*eax & 0x3fff) | ((*eax >> 5 & 7) >= 3 ? at_most(cpus, 4096) - 1 : 0) << 14;
        break;
    case 0x8000001e:
        *eax = apic_id;
        *ebx = (*ebx & ~0xffffu) | (apic_id & 0xff);
        *ecx &= ~0x7ffu;
        break;
    default:
        break;
    }
}
