/* SPDX-License-Identifier: BSD-2-Clause */
/* PSTATE in the layout of SPSR_EL1. Source: Arm ARM DDI 0487, "SPSR_EL1". */
#ifndef ARCH_ARM64_PSTATE_H
#define ARCH_ARM64_PSTATE_H

#include <stdbool.h>
#include <stdint.h>

#define ARM64_PSTATE_EL0T     0x0u
#define ARM64_PSTATE_EL1T     0x4u
#define ARM64_PSTATE_EL1H     0x5u
#define ARM64_PSTATE_MODE     0x1fu
#define ARM64_PSTATE_AARCH32  (1u << 4)
#define ARM64_PSTATE_A32_USER 0x10u
#define ARM64_PSTATE_F        (1u << 6)
#define ARM64_PSTATE_I        (1u << 7)
#define ARM64_PSTATE_A        (1u << 8)
#define ARM64_PSTATE_D        (1u << 9)
#define ARM64_PSTATE_DAIF     (ARM64_PSTATE_D | ARM64_PSTATE_A | ARM64_PSTATE_I | ARM64_PSTATE_F)
#define ARM64_PSTATE_BTYPE    (3u << 10)
#define ARM64_PSTATE_SSBS     (1u << 12)
#define ARM64_PSTATE_IL       (1u << 20)
#define ARM64_PSTATE_SS       (1u << 21)
#define ARM64_PSTATE_PAN      (1u << 22)
#define ARM64_PSTATE_UAO      (1u << 23)
#define ARM64_PSTATE_DIT      (1u << 24)
#define ARM64_PSTATE_TCO      (1u << 25)
#define ARM64_PSTATE_NZCV     (0xfu << 28)

/* A mode that a vCPU without EL2 can be in. */
static inline bool arm64_pstate_mode_valid(uint64_t pstate)
{
    uint32_t mode = (uint32_t)pstate & ARM64_PSTATE_MODE;

    return mode == ARM64_PSTATE_EL0T || mode == ARM64_PSTATE_EL1T || mode == ARM64_PSTATE_EL1H ||
           mode == ARM64_PSTATE_A32_USER;
}

static inline bool arm64_pstate_is_el0(uint64_t pstate)
{
    uint32_t mode = (uint32_t)pstate & ARM64_PSTATE_MODE;

    return mode == ARM64_PSTATE_EL0T || mode == ARM64_PSTATE_A32_USER;
}

/* After an A64 instruction that something else than the CPU has carried out. */
static inline uint64_t arm64_pstate_next(uint64_t pstate)
{
    return pstate & ~(uint64_t)(ARM64_PSTATE_BTYPE | ARM64_PSTATE_SS);
}

#endif
