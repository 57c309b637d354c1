/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch64 state in canonical form, with the Arm ARM's names, and the GIC.
 *
 * All functions that take a vCPU: Thread: owner. Errors: THREAD, STATE (destroyed), PLATFORM,
 * INVALID_ARGUMENT (the detail names the field), NOT_SUPPORTED (the capability named, or a VM of
 * another architecture). Structs are the caller's and are copied. */
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

/* One general register: its word in vmaccel_arm64_regs; X0 to X30 are 0 to 30. */
typedef enum vmaccel_arm64_reg {
    VMACCEL_ARM64_X0 = 0,
    VMACCEL_ARM64_LR = 30,
    VMACCEL_ARM64_PC = 31,
    VMACCEL_ARM64_PSTATE = 32,
    VMACCEL_ARM64_SP_EL0 = 33,
    VMACCEL_ARM64_SP_EL1 = 34,
    VMACCEL_ARM64_ELR_EL1 = 35,
    VMACCEL_ARM64_SPSR_EL1 = 36
} vmaccel_arm64_reg;
#define VMACCEL_ARM64_REGS 37

/* All general registers at once. A platform may need a system call for each; where a few are
 * wanted, ask for those. Source: KVM_GET_ONE_REG (KVM_REG_ARM_CORE). */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_get_regs(vmaccel_vcpu *vcpu,
                                                                     vmaccel_arm64_regs *regs);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status
vmaccel_arm64_set_regs(vmaccel_vcpu *vcpu, const vmaccel_arm64_regs *regs);

/* One of them; only it is fetched or written. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_get_reg(vmaccel_vcpu *vcpu,
                                                                    vmaccel_arm64_reg reg,
                                                                    uint64_t *value);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_set_reg(vmaccel_vcpu *vcpu,
                                                                    vmaccel_arm64_reg reg,
                                                                    uint64_t value);

/* SIMD and floating-point registers (CAP_REG_FPU). With SVE, V is the low 128 bits of Z; setting V
 * leaves the rest of Z alone. */
typedef struct vmaccel_arm64_fpu {
    uint8_t v[32][16]; /* little-endian */
    uint32_t fpcr, fpsr;
} vmaccel_arm64_fpu;

VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_get_fpu(vmaccel_vcpu *vcpu,
                                                                    vmaccel_arm64_fpu *fpu);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_set_fpu(vmaccel_vcpu *vcpu,
                                                                    const vmaccel_arm64_fpu *fpu);

/* SVE registers of a VM with VMACCEL_ARM64_FEATURE_SVE (CAP_REG_SVE: the vector length VL, bytes):
 * Z0 to Z31 of VL bytes each, P0 to P15 of VL/8, FFR of VL/8; little-endian, without gaps. `size`
 * is that of the area: VMACCEL_ARM64_SVE_SIZE(VL). Source: KVM_REG_ARM64_SVE. */
#define VMACCEL_ARM64_SVE_SIZE(vl) ((size_t)(vl)*32 + (size_t)(vl) / 8 * 17)

VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_get_sve(vmaccel_vcpu *vcpu, void *area,
                                                                    size_t size);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_set_sve(vmaccel_vcpu *vcpu,
                                                                    const void *area, size_t size);

/* A system register's id from the fields of its MRS/MSR encoding. */
#define VMACCEL_ARM64_SYSREG(op0, op1, crn, crm, op2)                                              \
    ((uint32_t)(((op0)&3u) << 14 | ((op1)&7u) << 11 | ((crn)&15u) << 7 | ((crm)&15u) << 3 |        \
                ((op2)&7u)))

typedef struct vmaccel_arm64_sysreg {
    uint32_t id; /* VMACCEL_ARM64_SYSREG() */
    uint32_t reserved;
    uint64_t value;
} vmaccel_arm64_sysreg;

/* Read or write `count` system registers (CAP_REG_MSR): all, or an error that names the first that
 * failed; *done (may be NULL) is how many before it were processed. CNTVCT_EL0 is the virtual count
 * the guest sees; writing it sets the virtual timer's offset. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_get_sysregs(vmaccel_vcpu *vcpu,
                                                                        vmaccel_arm64_sysreg *regs,
                                                                        size_t count, size_t *done);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_set_sysregs(
    vmaccel_vcpu *vcpu, const vmaccel_arm64_sysreg *regs, size_t count, size_t *done);

/* The system registers the vCPU has (CAP_REG_MSR): *count is the room in `ids` on entry and their
 * number on return; LIMIT where the room is too small. In the order in which to restore them.
 * Source: KVM_GET_REG_LIST. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_sysreg_list(vmaccel_vcpu *vcpu,
                                                                        uint32_t *ids,
                                                                        size_t *count);

/* Pending events (CAP_REG_EVENTS). */
typedef struct vmaccel_arm64_events {
    bool irq_pending, fiq_pending; /* input lines of a vCPU without GIC */
    bool serror_pending;
    bool serror_has_esr;
    /* Set only, a get says false: the data access of the last MMIO or UNSUPPORTED_INSTRUCTION exit
     * takes an external abort. */
    bool data_abort_pending;
    uint8_t pad[3];
    uint64_t serror_esr; /* its ISS */
} vmaccel_arm64_events;

VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status
vmaccel_arm64_get_events(vmaccel_vcpu *vcpu, vmaccel_arm64_events *events);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status
vmaccel_arm64_set_events(vmaccel_vcpu *vcpu, const vmaccel_arm64_events *events);

/* What a VM's vCPUs have beyond the base. Where vmaccel_arm64_set_features() is not called: SVE and
 * PAUTH where the platform has them. */
#define VMACCEL_ARM64_FEATURE_SVE   (1u << 0) /* CAP_REG_SVE */
#define VMACCEL_ARM64_FEATURE_PMU   (1u << 1) /* CAP_ARM64_PMU */
#define VMACCEL_ARM64_FEATURE_PAUTH (1u << 2) /* CAP_ARM64_PAUTH: pointer authentication */

/* Before commit. Errors: NOT_SUPPORTED (the capability named), INVALID_ARGUMENT, STATE (committed).
 * Thread: setup. Source: KVM_ARM_VCPU_INIT. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_set_features(vmaccel_vm *vm,
                                                                         uint32_t features);

/* The GIC of a VM with VMACCEL_IRQCHIP_FULL. Where this is not called: the newest version the host
 * has, at the addresses of the machine `virt`: distributor 0x08000000; GICv3 redistributors
 * 0x080A0000, GICv2 CPU interface 0x08010000; 224 SPIs, no ITS. */
typedef struct vmaccel_arm64_gic {
    uint32_t size;      /* sizeof(vmaccel_arm64_gic) */
    uint32_t version;   /* 2 or 3; 0: the newest the host has */
    uint32_t spis;      /* a multiple of 32 up to 960 (INTIDs from 1020 on do not exist); 0: 224 */
    uint32_t reserved;  /* 0 */
    vmaccel_gpa dist;   /* 64 KiB aligned */
    vmaccel_gpa redist; /* GICv3: 128 KiB a vCPU */
    vmaccel_gpa cpu;    /* GICv2: 8 KiB */
    vmaccel_gpa its;    /* GICv3: 128 KiB; 0: none (CAP_ARM64_ITS) */
} vmaccel_arm64_gic;

/* Before commit; fields that are 0 take the defaults (dist, redist, cpu all or none). Errors:
 * NOT_SUPPORTED (CAP_ARM64_GICV2, CAP_ARM64_GICV3, CAP_ARM64_ITS), INVALID_ARGUMENT, LIMIT (more
 * vCPUs than the GIC takes: 8 for GICv2), STATE. Thread: setup. Source: KVM_CREATE_DEVICE,
 * KVM_DEV_TYPE_ARM_VGIC_V2, _V3, _ITS. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_set_gic(vmaccel_vm *vm,
                                                                    const vmaccel_arm64_gic *gic);
/* What the VM has, defaults filled in; version 0 without GIC. gic->size is set by the caller.
 * Thread: any. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_get_gic(const vmaccel_vm *vm,
                                                                    vmaccel_arm64_gic *gic);

/* Where a GIC register lies. Values are append-only. */
typedef enum vmaccel_arm64_gic_space {
    VMACCEL_ARM64_GIC_DIST = 0,      /* offset in the distributor, 32 bits a register */
    VMACCEL_ARM64_GIC_REDIST = 1,    /* GICv3: offset in the vCPU's redistributor, 32 bits */
    VMACCEL_ARM64_GIC_CPU = 2,       /* GICv3: VMACCEL_ARM64_SYSREG() of an ICC_ register, 64 bits;
                                        GICv2: offset in the vCPU's CPU interface, 32 bits */
    VMACCEL_ARM64_GIC_LINE_LEVEL = 3 /* offset: an INTID, a multiple of 32; value: 32 lines */
} vmaccel_arm64_gic_space;

typedef struct vmaccel_arm64_gic_reg {
    uint16_t space; /* vmaccel_arm64_gic_space */
    uint16_t cpu;   /* vCPU index; 0 for DIST and SPIs' LINE_LEVEL */
    uint32_t offset;
    uint64_t value;
} vmaccel_arm64_gic_reg;

/* GIC state (CAP_REG_IRQCHIP). All vCPUs of the VM must be outside vmaccel_vcpu_run(). The list is
 * what to save, in the order in which to restore it, LPIs and an ITS's state excepted; *count and
 * LIMIT as in vmaccel_arm64_sysreg_list(); get and set as vmaccel_arm64_get_sysregs(). Errors:
 * NOT_SUPPORTED, STATE (no vCPU yet), INVALID_ARGUMENT, BUSY (a vCPU runs), PLATFORM. Thread:
 * setup. Source: KVM_DEV_ARM_VGIC_GRP_DIST_REGS, _REDIST_REGS, _CPU_SYSREGS, _CPU_REGS,
 * _LEVEL_INFO. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_gic_list(vmaccel_vm *vm,
                                                                     vmaccel_arm64_gic_reg *regs,
                                                                     size_t *count);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status
vmaccel_arm64_get_gic_regs(vmaccel_vm *vm, vmaccel_arm64_gic_reg *regs, size_t count, size_t *done);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_arm64_set_gic_regs(
    vmaccel_vm *vm, const vmaccel_arm64_gic_reg *regs, size_t count, size_t *done);

VMACCEL_END_DECLS

#endif
