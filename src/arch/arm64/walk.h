/* SPDX-License-Identifier: BSD-2-Clause */
/* Stage 1 of the EL1&0 translation regime. Source: Arm ARM DDI 0487, "The AArch64 Virtual Memory
 * System Architecture". */
#ifndef ARCH_ARM64_WALK_H
#define ARCH_ARM64_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arm64_walk_regs {
    uint64_t sctlr, tcr, ttbr0, ttbr1; /* of EL1 */
};

/* Copy guest-physical memory; false where there is none. */
typedef bool (*arm64_walk_read)(void *context, uint64_t gpa, void *buffer, size_t size);

/* The guest-physical address of va for a read at EL1; false where it is not mapped. Addresses and
 * table entries have at most 48 bits; FEAT_LPA and FEAT_LPA2 are not known. */
bool arm64_walk(const struct arm64_walk_regs *regs, uint64_t va, arm64_walk_read read,
                void *context, uint64_t *gpa);

#endif
