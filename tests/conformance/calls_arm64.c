/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that only AArch64 has. */
#include "calls.h"

#include <stdlib.h>

#define TPIDR_EL0 VMACCEL_ARM64_SYSREG(3, 3, 13, 0, 2)

static vmaccel_status call_get_regs(vmaccel_vcpu *vcpu)
{
    vmaccel_arm64_regs regs;
    return vmaccel_arm64_get_regs(vcpu, &regs);
}

static vmaccel_status call_set_regs(vmaccel_vcpu *vcpu)
{
    vmaccel_arm64_regs regs = {.pc = 0x1000, .pstate = 0x3c5};
    return vmaccel_arm64_set_regs(vcpu, &regs);
}

static vmaccel_status call_get_fpu(vmaccel_vcpu *vcpu)
{
    vmaccel_arm64_fpu fpu;
    return vmaccel_arm64_get_fpu(vcpu, &fpu);
}

static vmaccel_status call_set_fpu(vmaccel_vcpu *vcpu)
{
    vmaccel_arm64_fpu fpu;
    memset(&fpu, 0, sizeof(fpu));
    return vmaccel_arm64_set_fpu(vcpu, &fpu);
}

static vmaccel_status call_get_sysregs(vmaccel_vcpu *vcpu)
{
    vmaccel_arm64_sysreg reg = {.id = TPIDR_EL0};
    return vmaccel_arm64_get_sysregs(vcpu, &reg, 1, NULL);
}

static vmaccel_status call_set_sysregs(vmaccel_vcpu *vcpu)
{
    vmaccel_arm64_sysreg reg = {.id = TPIDR_EL0, .value = 1};
    return vmaccel_arm64_set_sysregs(vcpu, &reg, 1, NULL);
}

static vmaccel_status call_get_events(vmaccel_vcpu *vcpu)
{
    vmaccel_arm64_events events;
    return vmaccel_arm64_get_events(vcpu, &events);
}

static vmaccel_status call_set_events(vmaccel_vcpu *vcpu)
{
    vmaccel_arm64_events events;
    memset(&events, 0, sizeof(events));
    return vmaccel_arm64_set_events(vcpu, &events);
}

static const struct vcpu_call vcpu_calls[] = {
    {"arm64 get_regs", 0, call_get_regs},
    {"arm64 set_regs", 0, call_set_regs},
    {"arm64 get_fpu", VMACCEL_CAP_REG_FPU, call_get_fpu},
    {"arm64 set_fpu", VMACCEL_CAP_REG_FPU, call_set_fpu},
    {"get_sysregs", VMACCEL_CAP_REG_MSR, call_get_sysregs},
    {"set_sysregs", VMACCEL_CAP_REG_MSR, call_set_sysregs},
    {"arm64 get_events", VMACCEL_CAP_REG_EVENTS, call_get_events},
    {"arm64 set_events", VMACCEL_CAP_REG_EVENTS, call_set_events},
};

const struct calls calls_arm64 = {.arch = VMACCEL_ARCH_ARM64,
                                  .vcpu = vcpu_calls,
                                  .vcpu_count = sizeof(vcpu_calls) / sizeof(vcpu_calls[0])};
