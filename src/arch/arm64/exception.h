/* SPDX-License-Identifier: BSD-2-Clause */
/* Syndromes, and the entry to an exception at EL1. Source: Arm ARM DDI 0487, "ESR_EL1" and
 * "Exception entry". */
#ifndef ARCH_ARM64_EXCEPTION_H
#define ARCH_ARM64_EXCEPTION_H

#include <stdint.h>

/* Exception classes. The debug ones are for a lower exception level; from the same one they have
 * bit 0 set. */
#define ARM64_EC_BREAKPOINT 0x30u
#define ARM64_EC_STEP       0x32u
#define ARM64_EC_WATCHPOINT 0x34u
#define ARM64_EC_BKPT32     0x38u
#define ARM64_EC_BRK64      0x3cu

#define ARM64_ESR_EC_SHIFT 26

static inline unsigned arm64_esr_class(uint64_t esr)
{
    return (unsigned)(esr >> ARM64_ESR_EC_SHIFT) & 0x3f;
}

/* The state after a synchronous exception is taken to EL1. */
struct arm64_entry {
    uint64_t pc, pstate, esr;
};

/* An exception with the syndrome `esr`, as reported from a lower level, taken by a CPU with
 * `pstate`. */
struct arm64_entry arm64_exception_entry(uint64_t pstate, uint64_t vbar, uint64_t sctlr,
                                         uint64_t esr);

#endif
