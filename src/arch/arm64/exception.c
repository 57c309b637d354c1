/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/arm64/exception.h"

#include "arch/arm64/pstate.h"

#define SCTLR_SPAN  ((uint64_t)1 << 23)
#define SCTLR_DSSBS ((uint64_t)1 << 44)

static uint64_t vector(uint64_t pstate)
{
    switch (pstate & ARM64_PSTATE_MODE) {
    case ARM64_PSTATE_EL1T:
        return 0x000;
    case ARM64_PSTATE_EL1H:
        return 0x200;
    case ARM64_PSTATE_EL0T:
        return 0x400;
    default: /* AArch32 */
        return 0x600;
    }
}

struct arm64_entry arm64_exception_entry(uint64_t pstate, uint64_t vbar, uint64_t sctlr,
                                         uint64_t esr)
{
    struct arm64_entry entry = {.pc = vbar + vector(pstate), .esr = esr};
    unsigned class = arm64_esr_class(esr);

    if (!arm64_pstate_is_el0(pstate) && class >= ARM64_EC_BREAKPOINT &&
        class <= ARM64_EC_WATCHPOINT)
        entry.esr |= (uint64_t)1 << ARM64_ESR_EC_SHIFT;
    entry.pstate = (pstate & (ARM64_PSTATE_NZCV | ARM64_PSTATE_DIT | ARM64_PSTATE_PAN)) |
                   ARM64_PSTATE_DAIF | ARM64_PSTATE_EL1H;
    if ((sctlr & SCTLR_SPAN) == 0)
        entry.pstate |= ARM64_PSTATE_PAN;
    if ((sctlr & SCTLR_DSSBS) != 0)
        entry.pstate |= ARM64_PSTATE_SSBS;
    return entry;
}
