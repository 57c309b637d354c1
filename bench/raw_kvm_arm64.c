/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/ioctl.h>

#include "raw_kvm.h"

#define CORE_ID(name)                                                                              \
    (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(name))
/* EL1h; D, A, I and F masked. */
#define PSTATE 0x3c5

const struct bench_arch *const raw_arch = &bench_arm64;

unsigned long raw_vm_type(int sys)
{
    int bits = ioctl(sys, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);
    return bits > 0 ? KVM_VM_TYPE_ARM_IPA_SIZE((unsigned)bits) : 0;
}

static bool get(const struct raw *raw, uint64_t id, uint64_t *value)
{
    struct kvm_one_reg one = {.id = id, .addr = (uint64_t)(uintptr_t)value};
    return ioctl(raw->vcpu, KVM_GET_ONE_REG, &one) == 0;
}

static bool set(const struct raw *raw, uint64_t id, uint64_t value)
{
    struct kvm_one_reg one = {.id = id, .addr = (uint64_t)(uintptr_t)&value};
    return ioctl(raw->vcpu, KVM_SET_ONE_REG, &one) == 0;
}

/* With what the library gives a vCPU where it is not told: SVE and pointer authentication. */
static bool init(struct raw *raw)
{
    struct kvm_vcpu_init init;
    int part = KVM_ARM_VCPU_SVE;
    bool sve = ioctl(raw->vm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_SVE) > 0;
    if (ioctl(raw->vm, KVM_ARM_PREFERRED_TARGET, &init) < 0)
        return false;
    init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
    if (sve)
        init.features[0] |= 1u << KVM_ARM_VCPU_SVE;
    if (ioctl(raw->vm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PTRAUTH_ADDRESS) > 0 &&
        ioctl(raw->vm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PTRAUTH_GENERIC) > 0)
        init.features[0] |= 1u << KVM_ARM_VCPU_PTRAUTH_ADDRESS | 1u << KVM_ARM_VCPU_PTRAUTH_GENERIC;
    return ioctl(raw->vcpu, KVM_ARM_VCPU_INIT, &init) == 0 &&
           (!sve || ioctl(raw->vcpu, KVM_ARM_VCPU_FINALIZE, &part) == 0);
}

bool raw_start(struct raw *raw, enum bench_program program)
{
    return init(raw) && set(raw, CORE_ID(regs.pstate), PSTATE) &&
           set(raw, CORE_ID(regs.pc), BENCH_ENTRY(program));
}

void raw_work_begin(struct raw *raw, enum bench_work work)
{
    (void)raw, (void)work;
}

static volatile uint64_t sink;

/* X0 and those that follow. */
static bool get_first(struct raw *raw, unsigned n)
{
    uint64_t value;
    for (unsigned i = 0; i < n; i++) {
        if (!get(raw, CORE_ID(regs.regs[0]) + 2 * i, &value))
            return false;
        sink = value;
    }
    return true;
}

bool raw_work(struct raw *raw, enum bench_work work, unsigned i)
{
    static const uint64_t others[] = {CORE_ID(regs.pc), CORE_ID(regs.pstate), CORE_ID(regs.sp),
                                      CORE_ID(sp_el1),  CORE_ID(elr_el1),     CORE_ID(spsr[0])};
    uint64_t value;
    switch (work) {
    case BENCH_SET:
        return set(raw, CORE_ID(regs.regs[5]), i);
    case BENCH_ALL:
        if (!get_first(raw, 31))
            return false;
        for (unsigned k = 1; k < sizeof others / sizeof others[0]; k++) {
            if (!get(raw, others[k], &value))
                return false;
            sink = value;
        }
        break;
    case BENCH_FEW:
        if (!get_first(raw, 4))
            return false;
        break;
    default:
        break;
    }
    if (!get(raw, others[0], &value))
        return false;
    sink = value;
    return true;
}
