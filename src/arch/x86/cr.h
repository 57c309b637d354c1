/* SPDX-License-Identifier: BSD-2-Clause */
/* Bits of the control registers, RFLAGS, EFER and APIC base, and MSR numbers (Intel SDM vols. 3 and
 * 4; AMD APM vol. 2). */
#ifndef VMACCEL_ARCH_X86_CR_H
#define VMACCEL_ARCH_X86_CR_H

#include <stdint.h>

#define X86_BIT(n) (UINT64_C(1) << (n))

#define X86_CR0_PE X86_BIT(0)
#define X86_CR0_MP X86_BIT(1)
#define X86_CR0_EM X86_BIT(2)
#define X86_CR0_TS X86_BIT(3)
#define X86_CR0_ET X86_BIT(4)
#define X86_CR0_NE X86_BIT(5)
#define X86_CR0_WP X86_BIT(16)
#define X86_CR0_AM X86_BIT(18)
#define X86_CR0_NW X86_BIT(29)
#define X86_CR0_CD X86_BIT(30)
#define X86_CR0_PG X86_BIT(31)
#define X86_CR0_DEFINED                                                                            \
    (X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP |    \
     X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)

#define X86_CR4_VME        X86_BIT(0)
#define X86_CR4_PVI        X86_BIT(1)
#define X86_CR4_TSD        X86_BIT(2)
#define X86_CR4_DE         X86_BIT(3)
#define X86_CR4_PSE        X86_BIT(4)
#define X86_CR4_PAE        X86_BIT(5)
#define X86_CR4_MCE        X86_BIT(6)
#define X86_CR4_PGE        X86_BIT(7)
#define X86_CR4_PCE        X86_BIT(8)
#define X86_CR4_OSFXSR     X86_BIT(9)
#define X86_CR4_OSXMMEXCPT X86_BIT(10)
#define X86_CR4_UMIP       X86_BIT(11)
#define X86_CR4_LA57       X86_BIT(12)
#define X86_CR4_VMXE       X86_BIT(13)
#define X86_CR4_SMXE       X86_BIT(14)
#define X86_CR4_FSGSBASE   X86_BIT(16)
#define X86_CR4_PCIDE      X86_BIT(17)
#define X86_CR4_OSXSAVE    X86_BIT(18)
#define X86_CR4_KL         X86_BIT(19)
#define X86_CR4_SMEP       X86_BIT(20)
#define X86_CR4_SMAP       X86_BIT(21)
#define X86_CR4_PKE        X86_BIT(22)
#define X86_CR4_CET        X86_BIT(23)
#define X86_CR4_PKS        X86_BIT(24)
#define X86_CR4_UINTR      X86_BIT(25)
#define X86_CR4_LASS       X86_BIT(27)
#define X86_CR4_LAM_SUP    X86_BIT(28)
#define X86_CR4_FRED       X86_BIT(32)
#define X86_CR4_DEFINED                                                                            \
    (UINT64_C(0x7fff) | X86_CR4_FSGSBASE | X86_CR4_PCIDE | X86_CR4_OSXSAVE | X86_CR4_KL |          \
     X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_PKE | X86_CR4_CET | X86_CR4_PKS | X86_CR4_UINTR |       \
     X86_CR4_LASS | X86_CR4_LAM_SUP | X86_CR4_FRED)

#define X86_CR3_LAM_U57 X86_BIT(61)
#define X86_CR3_LAM_U48 X86_BIT(62)

#define X86_EFER_SCE   X86_BIT(0)
#define X86_EFER_LME   X86_BIT(8)
#define X86_EFER_LMA   X86_BIT(10)
#define X86_EFER_NXE   X86_BIT(11)
#define X86_EFER_SVME  X86_BIT(12)
#define X86_EFER_LMSLE X86_BIT(13)
#define X86_EFER_FFXSR X86_BIT(14)
#define X86_EFER_TCE   X86_BIT(15)
/* AMD: MCOMMIT 17, INTWB 18, UAIE 20, AIBRSE 21. */
#define X86_EFER_DEFINED                                                                           \
    (X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE | X86_EFER_SVME | X86_EFER_LMSLE |  \
     X86_EFER_FFXSR | X86_EFER_TCE | X86_BIT(17) | X86_BIT(18) | X86_BIT(20) | X86_BIT(21))

#define X86_FLAGS_CF      X86_BIT(0)
#define X86_FLAGS_FIXED   X86_BIT(1) /* reads 1 */
#define X86_FLAGS_TF      X86_BIT(8)
#define X86_FLAGS_IF      X86_BIT(9)
#define X86_FLAGS_DF      X86_BIT(10)
#define X86_FLAGS_RF      X86_BIT(16)
#define X86_FLAGS_VM      X86_BIT(17)
#define X86_FLAGS_AC      X86_BIT(18)
#define X86_FLAGS_DEFINED UINT64_C(0x3f7fd7)

#define X86_APIC_BASE_BSP     X86_BIT(8)
#define X86_APIC_BASE_EXTD    X86_BIT(10)
#define X86_APIC_BASE_EN      X86_BIT(11)
#define X86_APIC_BASE_ADDRESS UINT64_C(0xffffffffff000)
#define X86_APIC_BASE_DEFAULT UINT64_C(0xfee00000)

#define X86_DR6_FIXED UINT64_C(0xfffe07f0) /* bits that read 1 */
#define X86_DR6_ZERO  X86_BIT(12)
#define X86_DR7_FIXED X86_BIT(10)
#define X86_DR7_ZERO  (X86_BIT(12) | X86_BIT(14) | X86_BIT(15))

#define X86_MSR_TSC            0x10u
#define X86_MSR_APIC_BASE      0x1bu
#define X86_MSR_SYSENTER_CS    0x174u
#define X86_MSR_SYSENTER_ESP   0x175u
#define X86_MSR_SYSENTER_EIP   0x176u
#define X86_MSR_PAT            0x277u
#define X86_MSR_TSC_DEADLINE   0x6e0u
#define X86_MSR_EFER           0xc0000080u
#define X86_MSR_STAR           0xc0000081u
#define X86_MSR_LSTAR          0xc0000082u
#define X86_MSR_CSTAR          0xc0000083u
#define X86_MSR_FMASK          0xc0000084u
#define X86_MSR_FS_BASE        0xc0000100u
#define X86_MSR_GS_BASE        0xc0000101u
#define X86_MSR_KERNEL_GS_BASE 0xc0000102u
#define X86_MSR_TSC_AUX        0xc0000103u

#endif
