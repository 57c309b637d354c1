/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VMACCEL_ARCH_X86_CPUID_H
#define VMACCEL_ARCH_X86_CPUID_H

#include <vmaccel/x86.h>

/* The entry that answers CPUID with this leaf and subleaf, or NULL. Entries without the SUBLEAF
 * flag answer for every subleaf. */
const vmaccel_x86_cpuid *x86_cpuid_find(const vmaccel_x86_cpuid *entries, size_t count,
                                        uint32_t leaf, uint32_t subleaf);

#endif
