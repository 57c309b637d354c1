/* SPDX-License-Identifier: BSD-2-Clause */
/* System registers used by name. Source: Arm ARM DDI 0487, "AArch64 System Register Descriptions".
 */
#ifndef ARCH_ARM64_SYSREG_H
#define ARCH_ARM64_SYSREG_H

#include <vmaccel/arm64.h>

#define ARM64_MPIDR_EL1     VMACCEL_ARM64_SYSREG(3, 0, 0, 0, 5)
#define ARM64_SCTLR_EL1     VMACCEL_ARM64_SYSREG(3, 0, 1, 0, 0)
#define ARM64_TTBR0_EL1     VMACCEL_ARM64_SYSREG(3, 0, 2, 0, 0)
#define ARM64_TTBR1_EL1     VMACCEL_ARM64_SYSREG(3, 0, 2, 0, 1)
#define ARM64_TCR_EL1       VMACCEL_ARM64_SYSREG(3, 0, 2, 0, 2)
#define ARM64_ESR_EL1       VMACCEL_ARM64_SYSREG(3, 0, 5, 2, 0)
#define ARM64_FAR_EL1       VMACCEL_ARM64_SYSREG(3, 0, 6, 0, 0)
#define ARM64_VBAR_EL1      VMACCEL_ARM64_SYSREG(3, 0, 12, 0, 0)
#define ARM64_CNTFRQ_EL0    VMACCEL_ARM64_SYSREG(3, 3, 14, 0, 0)
#define ARM64_CNTVCT_EL0    VMACCEL_ARM64_SYSREG(3, 3, 14, 0, 2)
#define ARM64_CNTV_CTL_EL0  VMACCEL_ARM64_SYSREG(3, 3, 14, 3, 1)
#define ARM64_CNTV_CVAL_EL0 VMACCEL_ARM64_SYSREG(3, 3, 14, 3, 2)

/* GICv3 CPU interface. Source: Arm IHI 0069, "AArch64 System register descriptions". */
#define ARM64_ICC_PMR_EL1     VMACCEL_ARM64_SYSREG(3, 0, 4, 6, 0)
#define ARM64_ICC_BPR0_EL1    VMACCEL_ARM64_SYSREG(3, 0, 12, 8, 3)
#define ARM64_ICC_AP0R_EL1(n) VMACCEL_ARM64_SYSREG(3, 0, 12, 8, 4 | (n))
#define ARM64_ICC_AP1R_EL1(n) VMACCEL_ARM64_SYSREG(3, 0, 12, 9, (n))
#define ARM64_ICC_BPR1_EL1    VMACCEL_ARM64_SYSREG(3, 0, 12, 12, 3)
#define ARM64_ICC_CTLR_EL1    VMACCEL_ARM64_SYSREG(3, 0, 12, 12, 4)
#define ARM64_ICC_SRE_EL1     VMACCEL_ARM64_SYSREG(3, 0, 12, 12, 5)
#define ARM64_ICC_IGRPEN0_EL1 VMACCEL_ARM64_SYSREG(3, 0, 12, 12, 6)
#define ARM64_ICC_IGRPEN1_EL1 VMACCEL_ARM64_SYSREG(3, 0, 12, 12, 7)

/* MPIDR_EL1 of vCPU `index`: 16 in a cluster, which is what the GIC's SGIs reach with one target
 * list. RES1 is set. */
static inline uint64_t arm64_mpidr(uint32_t index)
{
    return (uint64_t)1 << 31 | (uint64_t)(index >> 12 & 0xff) << 16 |
           (uint64_t)(index >> 4 & 0xff) << 8 | (index & 15);
}

#endif
