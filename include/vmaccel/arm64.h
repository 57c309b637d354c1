/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch64 register state in canonical form, with the Arm ARM's names.
 *
 * All functions here: Thread: owner. Errors: THREAD, STATE (destroyed), PLATFORM, INVALID_ARGUMENT
 * (the detail names the field), NOT_SUPPORTED (the capability named, or a VM of another
 * architecture). Structs are the caller's and are copied. */
#ifndef VMACCEL_ARM64_H
#define VMACCEL_ARM64_H

#include <vmaccel/status.h>
#include <vmaccel/types.h>

VMACCEL_BEGIN_DECLS

/* General registers. */
typedef struct vmaccel_arm64_regs {
    uint64_t x[31];
    uint64_t pc;
    uint64_t pstate; /* SPSR layout */
    uint64_t sp_el0, sp_el1;
    uint64_t elr_el1, spsr_el1;
} vmaccel_arm64_regs;

VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_get_regs(vmaccel_vcpu *vcpu,
                                                                     vmaccel_arm64_regs *regs);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status
vmaccel_arm64_set_regs(vmaccel_vcpu *vcpu, const vmaccel_arm64_regs *regs);

/* SIMD and floating-point registers (CAP_REG_FPU). */
typedef struct vmaccel_arm64_fpu {
    uint8_t v[32][16]; /* little-endian */
    uint32_t fpcr, fpsr;
} vmaccel_arm64_fpu;

VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_get_fpu(vmaccel_vcpu *vcpu,
                                                                    vmaccel_arm64_fpu *fpu);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_set_fpu(vmaccel_vcpu *vcpu,
                                                                    const vmaccel_arm64_fpu *fpu);

/* A system register's id from the fields of its MRS/MSR encoding. */
#define VMACCEL_ARM64_SYSREG(op0, op1, crn, crm, op2)                                              \
    ((uint32_t)(((op0)&3u) << 14 | ((op1)&7u) << 11 | ((crn)&15u) << 7 | ((crm)&15u) << 3 |        \
                ((op2)&7u)))

typedef struct vmaccel_arm64_sysreg {
    uint32_t id; /* VMACCEL_ARM64_SYSREG() */
    uint32_t reserved;
    uint64_t value;
} vmaccel_arm64_sysreg;

/* Read or write `count` system registers: all, or an error that names the first that failed; *done
 * (may be NULL) is how many before it were processed. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_get_sysregs(vmaccel_vcpu *vcpu,
                                                                        vmaccel_arm64_sysreg *regs,
                                                                        size_t count, size_t *done);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_set_sysregs(
    vmaccel_vcpu *vcpu, const vmaccel_arm64_sysreg *regs, size_t count, size_t *done);

/* Pending events (CAP_REG_EVENTS). */
typedef struct vmaccel_arm64_events {
    bool irq_pending, fiq_pending; /* input lines of a vCPU without GIC */
    bool serror_pending;
    bool serror_has_esr;
    uint8_t pad[4];
    uint64_t serror_esr;
} vmaccel_arm64_events;

VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status
vmaccel_arm64_get_events(vmaccel_vcpu *vcpu, vmaccel_arm64_events *events);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status
vmaccel_arm64_set_events(vmaccel_vcpu *vcpu, const vmaccel_arm64_events *events);

VMACCEL_END_DECLS

#endif
