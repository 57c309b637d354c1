/* SPDX-License-Identifier: BSD-2-Clause */
#include "arm64_guest.h"
#include "common.h"

static vmaccel_arm64_reg find(enum common_reg reg)
{
    static const vmaccel_arm64_reg regs[] = {
        [COMMON_PC] = VMACCEL_ARM64_PC,          [COMMON_VALUE] = VMACCEL_ARM64_X0,
        [COMMON_ADDRESS] = (vmaccel_arm64_reg)1, [COMMON_ADDRESS2] = (vmaccel_arm64_reg)2,
        [COMMON_RESULT] = (vmaccel_arm64_reg)3,  [COMMON_COUNT] = (vmaccel_arm64_reg)4,
        [COMMON_STEP] = (vmaccel_arm64_reg)5,
    };
    return regs[reg];
}

static uint64_t get(struct guest *guest, enum common_reg reg)
{
    return a64_get(guest, find(reg));
}

static void set(struct guest *guest, enum common_reg reg, uint64_t value)
{
    a64_set(guest, find(reg), value);
}

static bool is_mark(const vmaccel_exit *exit, uint8_t *number, uint8_t *value)
{
    if (exit->reason != VMACCEL_EXIT_MMIO || !exit->u.mmio.is_write || exit->u.mmio.size != 1 ||
        exit->u.mmio.gpa < A64_MARKS || exit->u.mmio.gpa > A64_MARKS + 0xff)
        return false;
    *number = (uint8_t)exit->u.mmio.gpa;
    *value = exit->u.mmio.data[0];
    return true;
}

static size_t look(struct guest *guest, void *state)
{
    struct {
        vmaccel_arm64_regs regs;
        vmaccel_arm64_fpu fpu;
        vmaccel_arm64_events events;
        uint64_t sysregs[4];
    } all;
    memset(&all, 0, sizeof(all));
    all.regs = a64_regs(guest);
    if (vmaccel_vm_cap(guest->vm, VMACCEL_CAP_REG_FPU) != 0)
        CHECK_OK(vmaccel_arm64_get_fpu(guest->vcpu, &all.fpu));
    if (vmaccel_vm_cap(guest->vm, VMACCEL_CAP_REG_EVENTS) != 0)
        CHECK_OK(vmaccel_arm64_get_events(guest->vcpu, &all.events));
    all.sysregs[0] = a64_sysreg(guest, SCTLR_EL1);
    all.sysregs[1] = a64_sysreg(guest, TTBR0_EL1);
    all.sysregs[2] = a64_sysreg(guest, TPIDR_EL0);
    all.sysregs[3] = a64_sysreg(guest, VBAR_EL1);
    memcpy(state, &all, sizeof(all));
    return sizeof(all);
}

static void first_start(vmaccel_vcpu *vcpu)
{
    CHECK_OK(vmaccel_arm64_set_reg(vcpu, VMACCEL_ARM64_PSTATE, PSTATE_EL1H));
    CHECK_OK(vmaccel_arm64_set_reg(vcpu, (vmaccel_arm64_reg)1, GUEST_MMIO));
    CHECK_OK(vmaccel_arm64_set_reg(vcpu, VMACCEL_ARM64_PC, 0));
}

const struct common_arch common_arm64 = {
    .code = vmaccel_guest_arm64_common,
    .size = &vmaccel_guest_arm64_common_size,
    .programs =
        {
#define COMMON_PROGRAM(name) VMACCEL_GUEST_arm64_common_sym_##name,
            COMMON_PROGRAMS(COMMON_PROGRAM)
#undef COMMON_PROGRAM
        },
    .prepare = a64_prepare,
    .enter = a64_enter,
    .get = get,
    .set = set,
    .is_mark = is_mark,
    .look = look,
    .first_code = {0x20, 0x00, 0x00, 0x39}, /* strb w0, [x1] */
    .first_start = first_start,
};
