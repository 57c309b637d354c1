/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_X86_TOPOLOGY_H
#define ARCH_X86_TOPOLOGY_H

#include <stdint.h>

/* Put the topology of a VM of `cpus` single-thread cores in one package into a CPUID entry, for the
 * vCPU with that APIC ID. Entries without topology stay as they are. Source: Intel SDM vol. 2,
 * "CPUID", leaves 1, 4, 0xB, 0x1F; AMD APM vol. 3, Fn8000_0001, 8000_0008, 8000_001E. */
void x86_cpuid_topology(uint32_t leaf, uint32_t subleaf, uint32_t apic_id, uint32_t cpus,
                        uint32_t *eax, uint32_t *ebx, uint32_t *ecx, uint32_t *edx);

#endif
