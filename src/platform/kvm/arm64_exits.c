/* SPDX-License-Identifier: BSD-2-Clause */
/* Exits of arm64 guests that are not device accesses. */
#include "kvm.h"

/* A data access to unmapped memory without a syndrome. */
static void decode_no_syndrome(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    vmaccel_exit *exit = &vcpu->exit;

    exit->reason = VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION;
    memset(&exit->u.instruction, 0, sizeof exit->u.instruction);
    exit->u.instruction.gpa = k->run->arm_nisv.fault_ipa;
    exit->u.instruction.syndrome = k->run->arm_nisv.esr_iss;
    exit->u.instruction.length = kvm_arm64_fetch_code(vcpu, exit->u.instruction.bytes);
    k->arch.data_abort = true;
}

bool kvm_arch_decode(vmaccel_vcpu *vcpu, bool *deliver)
{
    *deliver = true;
    if (kvm_vcpu(vcpu)->run->exit_reason != KVM_EXIT_ARM_NISV)
        return false;
    decode_no_syndrome(vcpu);
    return true;
}

const char *kvm_arch_bad_field(vmaccel_vcpu *vcpu)
{
    (void)vcpu;
    return "";
}

/* An illegal execution state fails with EINVAL: PSTATE is not one that the CPU can enter. */
vmaccel_status kvm_arch_run_error(vmaccel_vcpu *vcpu)
{
    vmaccel_exit *exit = &vcpu->exit;

    if (errno != EINVAL || kvm_vcpu(vcpu)->run->exit_reason != KVM_EXIT_FAIL_ENTRY)
        return kvm_fail("vcpu", "KVM_RUN");
    exit->reason = VMACCEL_EXIT_FAILED_ENTRY;
    exit->platform_reason = KVM_EXIT_FAIL_ENTRY;
    exit->u.failed_entry.hardware_reason = 0;
    exit->u.failed_entry.field = "pstate";
    return VMACCEL_OK;
}
