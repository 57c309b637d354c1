/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VMACCEL_ARCH_X86_CPUID_H
#define VMACCEL_ARCH_X86_CPUID_H

#include <vmaccel/x86.h>

/* The entry that answers CPUID with this leaf and subleaf, or NULL. Entries without the SUBLEAF
 * flag answer for every subleaf. */
const vmaccel_x86_cpuid *x86_cpuid_find(const vmaccel_x86_cpuid *entries, size_t count,
                                        uint32_t leaf, uint32_t subleaf);

/* The physical-address width that leaf 0x80000008 states; 36 without it. */
unsigned x86_cpuid_address_bits(const vmaccel_x86_cpuid *entries, size_t count);

/* Put the vCPU's APIC ID into a table: leaves 1, 0xB, 0x1F, 0x8000001E. */
void x86_cpuid_set_apic_id(vmaccel_x86_cpuid *entries, size_t count, uint32_t apic_id);

#endif
