/* SPDX-License-Identifier: BSD-2-Clause */
/* Exits of arm64 guests that are not device accesses. */
#include "kvm.h"

/* A data access to unmapped memory without a syndrome. */
static void decode_no_syndrome(vmaccel_vcpu *vcpu, uint64_t gpa, uint64_t syndrome)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    vmaccel_exit *exit = &vcpu->exit;

    exit->reason = VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION;
    memset(&exit->u.instruction, 0, sizeof exit->u.instruction);
    exit->u.instruction.gpa = gpa;
    exit->u.instruction.syndrome = syndrome;
    exit->u.instruction.length = kvm_arm64_fetch_code(vcpu, exit->u.instruction.bytes);
    k->arch.data_abort = true;
}

/* The arguments are X1 to X6. */
static void decode_hypercall(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    vmaccel_exit *exit = &vcpu->exit;

    exit->reason = VMACCEL_EXIT_HYPERCALL;
    memset(&exit->u.hypercall, 0, sizeof exit->u.hypercall);
    exit->u.hypercall.number = k->run->hypercall.nr;
    if (core_arm64_need(vcpu, 0x7e) == VMACCEL_OK)
        memcpy(exit->u.hypercall.args, &vcpu->cache.arm64.regs[1], sizeof exit->u.hypercall.args);
    k->attention |= KVM_ATTENTION_CALL;
    k->pending = true;
    vcpu->awaiting_answer = true;
}

bool kvm_arch_decode(vmaccel_vcpu *vcpu, bool *deliver)
{
    const struct kvm_run *run = kvm_vcpu(vcpu)->run;
    *deliver = true;
    switch (run->exit_reason) {
    case KVM_EXIT_ARM_NISV:
        decode_no_syndrome(vcpu, run->arm_nisv.fault_ipa, run->arm_nisv.esr_iss);
        return true;
    case KVM_EXIT_HYPERCALL:
        decode_hypercall(vcpu);
        return true;
    default:
        return false;
    }
}

const char *kvm_arch_bad_field(vmaccel_vcpu *vcpu)
{
    (void)vcpu;
    return "";
}

/* A KVM that can't tell of a data access without syndrome fails with ENOSYS. An illegal execution
 * state fails with EINVAL: PSTATE is not one that the CPU can enter. */
vmaccel_status kvm_arch_run_error(vmaccel_vcpu *vcpu)
{
    vmaccel_exit *exit = &vcpu->exit;

    if (errno == ENOSYS) {
        exit->platform_reason = KVM_EXIT_UNKNOWN;
        decode_no_syndrome(vcpu, UINT64_MAX, 0);
        return VMACCEL_OK;
    }
    if (errno != EINVAL || kvm_vcpu(vcpu)->run->exit_reason != KVM_EXIT_FAIL_ENTRY)
        return kvm_fail("vcpu", "KVM_RUN");
    exit->reason = VMACCEL_EXIT_FAILED_ENTRY;
    exit->platform_reason = KVM_EXIT_FAIL_ENTRY;
    exit->u.failed_entry.hardware_reason = 0;
    exit->u.failed_entry.field = "pstate";
    return VMACCEL_OK;
}
