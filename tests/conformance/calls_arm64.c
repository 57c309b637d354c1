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

static vmaccel_status call_get_reg(vmaccel_vcpu *vcpu)
{
    uint64_t value;
    return vmaccel_arm64_get_reg(vcpu, VMACCEL_ARM64_X0, &value);
}

static vmaccel_status call_set_reg(vmaccel_vcpu *vcpu)
{
    return vmaccel_arm64_set_reg(vcpu, VMACCEL_ARM64_X0, 1);
}

/* Large enough for the longest vectors. */
static vmaccel_status with_area(vmaccel_vcpu *vcpu, bool set)
{
    size_t most = VMACCEL_ARM64_SVE_SIZE(256);
    uint64_t vl = vmaccel_vm_cap(vmaccel_vcpu_vm(vcpu), VMACCEL_CAP_REG_SVE);
    size_t size = vl != 0 ? VMACCEL_ARM64_SVE_SIZE(vl) : most;
    uint8_t *area = calloc(1, most);
    if (area == NULL)
        return VMACCEL_E_NO_MEMORY;
    vmaccel_status status =
        set ? vmaccel_arm64_set_sve(vcpu, area, size) : vmaccel_arm64_get_sve(vcpu, area, size);
    free(area);
    return status;
}

static vmaccel_status call_get_sve(vmaccel_vcpu *vcpu)
{
    return with_area(vcpu, false);
}

static vmaccel_status call_set_sve(vmaccel_vcpu *vcpu)
{
    return with_area(vcpu, true);
}

static vmaccel_status call_sysreg_list(vmaccel_vcpu *vcpu)
{
    uint32_t ids[1024];
    size_t count = 1024;
    return vmaccel_arm64_sysreg_list(vcpu, ids, &count);
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
    {"get_reg", 0, call_get_reg},
    {"set_reg", 0, call_set_reg},
    {"get_sve", VMACCEL_CAP_REG_SVE, call_get_sve},
    {"set_sve", VMACCEL_CAP_REG_SVE, call_set_sve},
    {"sysreg_list", VMACCEL_CAP_REG_MSR, call_sysreg_list},
    {"arm64 get_fpu", VMACCEL_CAP_REG_FPU, call_get_fpu},
    {"arm64 set_fpu", VMACCEL_CAP_REG_FPU, call_set_fpu},
    {"get_sysregs", VMACCEL_CAP_REG_MSR, call_get_sysregs},
    {"set_sysregs", VMACCEL_CAP_REG_MSR, call_set_sysregs},
    {"arm64 get_events", VMACCEL_CAP_REG_EVENTS, call_get_events},
    {"arm64 set_events", VMACCEL_CAP_REG_EVENTS, call_set_events},
};

static vmaccel_status call_gic_list(vmaccel_vm *vm)
{
    vmaccel_arm64_gic_reg *regs = calloc(4096, sizeof(*regs));
    size_t count = 4096;
    if (regs == NULL)
        return VMACCEL_E_NO_MEMORY;
    vmaccel_status status = vmaccel_arm64_gic_list(vm, regs, &count);
    free(regs);
    return status;
}

static vmaccel_status call_get_gic_regs(vmaccel_vm *vm)
{
    vmaccel_arm64_gic_reg reg = {.space = VMACCEL_ARM64_GIC_DIST};
    return vmaccel_arm64_get_gic_regs(vm, &reg, 1, NULL);
}

static vmaccel_status call_set_gic_regs(vmaccel_vm *vm)
{
    vmaccel_arm64_gic_reg reg = {.space = VMACCEL_ARM64_GIC_DIST};
    return vmaccel_arm64_set_gic_regs(vm, &reg, 1, NULL);
}

/* On another VM, because they come before commit. */
static vmaccel_status set_gic(vmaccel_vm *vm, vmaccel_arm64_gic gic)
{
    gic.size = sizeof(gic);
    return vmaccel_arm64_set_gic(vm, &gic);
}

static vmaccel_status set_gic_v2(vmaccel_vm *vm)
{
    return set_gic(vm, (vmaccel_arm64_gic){.version = 2});
}

static vmaccel_status set_gic_v3(vmaccel_vm *vm)
{
    return set_gic(vm, (vmaccel_arm64_gic){.version = 3});
}

static vmaccel_status set_its(vmaccel_vm *vm)
{
    return set_gic(vm, (vmaccel_arm64_gic){.its = 0x08080000});
}

static vmaccel_status set_sve_feature(vmaccel_vm *vm)
{
    return vmaccel_arm64_set_features(vm, VMACCEL_ARM64_FEATURE_SVE);
}

static vmaccel_status set_pmu(vmaccel_vm *vm)
{
    return vmaccel_arm64_set_features(vm, VMACCEL_ARM64_FEATURE_PMU);
}

static vmaccel_status set_pauth(vmaccel_vm *vm)
{
    return vmaccel_arm64_set_features(vm, VMACCEL_ARM64_FEATURE_PAUTH);
}

#define ON_ANOTHER(name)                                                                           \
    static vmaccel_status call_##name(vmaccel_vm *vm)                                              \
    {                                                                                              \
        return calls_create_like(vm, (vmaccel_vm_config){.irqchip = VMACCEL_IRQCHIP_FULL}, name);  \
    }
ON_ANOTHER(set_gic_v2)
ON_ANOTHER(set_gic_v3)
ON_ANOTHER(set_its)
ON_ANOTHER(set_sve_feature)
ON_ANOTHER(set_pmu)
ON_ANOTHER(set_pauth)

static const struct vm_call vm_calls[] = {
    {"gic_list", VMACCEL_CAP_REG_IRQCHIP, call_gic_list},
    {"get_gic_regs", VMACCEL_CAP_REG_IRQCHIP, call_get_gic_regs},
    {"set_gic_regs", VMACCEL_CAP_REG_IRQCHIP, call_set_gic_regs},
    {"GICv2", VMACCEL_CAP_ARM64_GICV2, call_set_gic_v2},
    {"GICv3", VMACCEL_CAP_ARM64_GICV3, call_set_gic_v3},
    {"ITS", VMACCEL_CAP_ARM64_ITS, call_set_its},
    {"SVE", VMACCEL_CAP_REG_SVE, call_set_sve_feature},
    {"PMU", VMACCEL_CAP_ARM64_PMU, call_set_pmu},
    {"pointer authentication", VMACCEL_CAP_ARM64_PAUTH, call_set_pauth},
};

const struct calls calls_arm64 = {.arch = VMACCEL_ARCH_ARM64,
                                  .vcpu = vcpu_calls,
                                  .vcpu_count = sizeof(vcpu_calls) / sizeof(vcpu_calls[0]),
                                  .vm = vm_calls,
                                  .vm_count = sizeof(vm_calls) / sizeof(vm_calls[0])};
