/* SPDX-License-Identifier: BSD-2-Clause */
/* Vectors and events. */
#include "kvm.h"

#define V_ID(n)                                                                                    \
    (KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |                                        \
     (KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) + 4 * (n)))
#define FPSR_ID                                                                                    \
    (KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(fp_regs.fpsr))
#define FPCR_ID                                                                                    \
    (KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(fp_regs.fpcr))

/* KVM's registers are as long as a vector can be. */
#define Z_BYTES 256
#define P_BYTES (Z_BYTES / 8)

static vmaccel_status move(vmaccel_vcpu *vcpu, bool set, uint64_t id, void *value)
{
    const int fd = kvm_vcpu(vcpu)->fd;
    if (set)
        return kvm_arm64_set_one(fd, id, value) < 0 ? kvm_fail("arm64", "KVM_SET_ONE_REG")
                                                    : VMACCEL_OK;
    return kvm_arm64_get_one(fd, id, value) < 0 ? kvm_fail("arm64", "KVM_GET_ONE_REG") : VMACCEL_OK;
}

static bool has_sve(const vmaccel_vcpu *vcpu)
{
    return (vcpu->vm->arm64.features & VMACCEL_ARM64_FEATURE_SVE) != 0;
}

/* With SVE KVM has V as a part of Z only. */
static vmaccel_status move_v(vmaccel_vcpu *vcpu, bool set, unsigned n, uint8_t *v)
{
    _Alignas(16) uint8_t z[Z_BYTES];

    if (!has_sve(vcpu)) {
        if (set)
            memcpy(z, v, 16);
        vmaccel_status status = move(vcpu, set, V_ID(n), z);
        if (status == VMACCEL_OK && !set)
            memcpy(v, z, 16);
        return status;
    }
    vmaccel_status status = move(vcpu, false, KVM_REG_ARM64_SVE_ZREG(n, 0), z);
    if (status != VMACCEL_OK || !set) {
        if (status == VMACCEL_OK)
            memcpy(v, z, 16);
        return status;
    }
    memcpy(z, v, 16);
    return move(vcpu, true, KVM_REG_ARM64_SVE_ZREG(n, 0), z);
}

static vmaccel_status move_fpu(vmaccel_vcpu *vcpu, bool set, vmaccel_arm64_fpu *fpu)
{
    vmaccel_status status = move(vcpu, set, FPCR_ID, &fpu->fpcr);
    if (status == VMACCEL_OK)
        status = move(vcpu, set, FPSR_ID, &fpu->fpsr);
    for (unsigned n = 0; status == VMACCEL_OK && n < 32; n++)
        status = move_v(vcpu, set, n, fpu->v[n]);
    return status;
}

vmaccel_status kvm_arm64_get_fpu(vmaccel_vcpu *vcpu, vmaccel_arm64_fpu *fpu)
{
    return move_fpu(vcpu, false, fpu);
}

vmaccel_status kvm_arm64_set_fpu(vmaccel_vcpu *vcpu, const vmaccel_arm64_fpu *fpu)
{
    vmaccel_arm64_fpu copy = *fpu;
    return move_fpu(vcpu, true, &copy);
}

/* Z0 to Z31, P0 to P15, FFR: the id and the size, in the order of the area. */
static uint64_t sve_id(unsigned n)
{
    return n < 32   ? KVM_REG_ARM64_SVE_ZREG(n, 0)
           : n < 48 ? KVM_REG_ARM64_SVE_PREG(n - 32, 0)
                    : KVM_REG_ARM64_SVE_FFR(0);
}

vmaccel_status kvm_arm64_get_sve(vmaccel_vcpu *vcpu, uint8_t *area, uint32_t vl)
{
    uint8_t value[Z_BYTES];
    for (unsigned n = 0; n < 49; n++) {
        uint32_t size = n < 32 ? vl : vl / 8;
        vmaccel_status status = move(vcpu, false, sve_id(n), value);
        if (status != VMACCEL_OK)
            return status;
        memcpy(area, value, size);
        area += size;
    }
    return VMACCEL_OK;
}

vmaccel_status kvm_arm64_set_sve(vmaccel_vcpu *vcpu, const uint8_t *area, uint32_t vl)
{
    for (unsigned n = 0; n < 49; n++) {
        uint8_t value[Z_BYTES] = {0};
        uint32_t size = n < 32 ? vl : vl / 8;
        memcpy(value, area, size);
        vmaccel_status status = move(vcpu, true, sve_id(n), value);
        if (status != VMACCEL_OK)
            return status;
        area += size;
    }
    return VMACCEL_OK;
}

static vmaccel_status raw_events(vmaccel_vcpu *vcpu, struct kvm_vcpu_events *raw)
{
    return ioctl(kvm_vcpu(vcpu)->fd, KVM_GET_VCPU_EVENTS, raw) < 0
               ? kvm_fail("arm64", "KVM_GET_VCPU_EVENTS")
               : VMACCEL_OK;
}

vmaccel_status kvm_arm64_get_events(vmaccel_vcpu *vcpu, vmaccel_arm64_events *events)
{
    struct kvm_vcpu_events raw;
    vmaccel_status status = raw_events(vcpu, &raw);
    if (status != VMACCEL_OK)
        return status;
    events->irq_pending = kvm_vcpu(vcpu)->arch.irq;
    events->fiq_pending = kvm_vcpu(vcpu)->arch.fiq;
    events->serror_pending = raw.exception.serror_pending != 0;
    events->serror_has_esr = events->serror_pending && raw.exception.serror_has_esr != 0;
    events->serror_esr = events->serror_has_esr ? raw.exception.serror_esr : 0;
    return VMACCEL_OK;
}

static vmaccel_status set_serror(vmaccel_vcpu *vcpu, const vmaccel_arm64_events *events)
{
    struct kvm_vcpu_events raw;
    vmaccel_status status = raw_events(vcpu, &raw);
    if (status != VMACCEL_OK)
        return status;
    if (!events->serror_pending)
        return raw.exception.serror_pending == 0
                   ? VMACCEL_OK
                   : core_fail(VMACCEL_E_NOT_SUPPORTED, "kvm", "arm64",
                               vmaccel_cap_name(VMACCEL_CAP_REG_EVENTS), 0,
                               "serror_pending: KVM does not take a pending SError back");
    if (events->serror_has_esr && raw.exception.serror_has_esr == 0)
        return core_fail(VMACCEL_E_NOT_SUPPORTED, "kvm", "arm64",
                         vmaccel_cap_name(VMACCEL_CAP_REG_EVENTS), 0,
                         "serror_has_esr: the host's CPU has no RAS extension");
    memset(&raw, 0, sizeof raw);
    raw.exception.serror_pending = 1;
    raw.exception.serror_has_esr = events->serror_has_esr;
    raw.exception.serror_esr = events->serror_esr;
    return ioctl(kvm_vcpu(vcpu)->fd, KVM_SET_VCPU_EVENTS, &raw) < 0
               ? kvm_fail("arm64", "KVM_SET_VCPU_EVENTS")
               : VMACCEL_OK;
}

/* KVM takes the abort at the instruction of its last exit. Registers the caller wrote go first:
 * they are those at the instruction. */
static vmaccel_status abort_access(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    struct kvm_vcpu_events raw = {.exception = {.ext_dabt_pending = 1}};

    if (!k->arch.data_abort && !(vcpu->exit.reason == VMACCEL_EXIT_MMIO && k->pending))
        return core_fail(VMACCEL_E_INVALID_ARGUMENT, "kvm", "arm64", NULL, 0,
                         "data_abort_pending: no data access is waiting");
    vmaccel_status status = core_arm64_merge(vcpu);
    if (status == VMACCEL_OK)
        status = kvm_arm64_flush(vcpu);
    if (status != VMACCEL_OK)
        return status;
    if (ioctl(k->fd, KVM_SET_VCPU_EVENTS, &raw) < 0)
        return kvm_fail("arm64", "KVM_SET_VCPU_EVENTS");
    k->run->exit_reason = KVM_EXIT_UNKNOWN; /* or KVM would finish the access */
    k->pending = false;
    k->arch.data_abort = true; /* until KVM has taken it: the same again does no harm */
    vcpu->awaiting_answer = false;
    vcpu->valid = 0;
    if (kvm_run_immediate(vcpu) < 0 && errno != EINTR)
        return kvm_fail("vcpu", "KVM_RUN");
    k->arch.data_abort = false;
    return VMACCEL_OK;
}

vmaccel_status kvm_arm64_set_events(vmaccel_vcpu *vcpu, const vmaccel_arm64_events *events)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    vmaccel_status status = set_serror(vcpu, events);

    if (status == VMACCEL_OK && events->irq_pending != k->arch.irq) {
        status = kvm_arm64_cpu_line(vcpu, KVM_ARM_IRQ_CPU_IRQ, events->irq_pending);
        if (status == VMACCEL_OK)
            k->arch.irq = events->irq_pending;
    }
    if (status == VMACCEL_OK && events->fiq_pending != k->arch.fiq) {
        status = kvm_arm64_cpu_line(vcpu, KVM_ARM_IRQ_CPU_FIQ, events->fiq_pending);
        if (status == VMACCEL_OK)
            k->arch.fiq = events->fiq_pending;
    }
    if (status == VMACCEL_OK && events->data_abort_pending)
        status = abort_access(vcpu);
    return status;
}
