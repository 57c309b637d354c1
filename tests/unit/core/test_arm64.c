/* SPDX-License-Identifier: BSD-2-Clause */
#include "null_platform.h"

static vmaccel_vcpu *vcpu;

static int setup(void **state)
{
    null_reset(state);
    vcpu = null_vcpu(VMACCEL_ARCH_ARM64);
    return 0;
}

static int teardown(void **state)
{
    vmaccel_vm *vm = vmaccel_vcpu_vm(vcpu);

    (void)state;
    expect_ok(vmaccel_vcpu_destroy(vcpu));
    null_end(vm);
    return 0;
}

static void test_general_registers(void **state)
{
    vmaccel_arm64_regs regs;

    (void)state;
    null_platform.arm64_regs.x[30] = 30;
    expect_ok(vmaccel_arm64_get_regs(vcpu, &regs));
    expect_ok(vmaccel_arm64_get_regs(vcpu, &regs));
    assert_int_equal(regs.x[30], 30);
    assert_int_equal(null_platform.fetches, 1);
    regs.pc = 0x4000;
    expect_ok(vmaccel_arm64_set_regs(vcpu, &regs));
    assert_int_equal(vcpu->dirty, CORE_GROUP_REGS);
}

static void test_system_registers(void **state)
{
    vmaccel_arm64_sysreg regs[2] = {{.id = VMACCEL_ARM64_SYSREG(3, 0, 1, 0, 0)}, {.id = 0x10000}};
    size_t done = 9;

    (void)state;
    expect_ok(vmaccel_arm64_get_sysregs(vcpu, regs, 1, &done));
    assert_true(done == 1 && regs[0].value == regs[0].id);
    expect_error(vmaccel_arm64_get_sysregs(vcpu, regs, 2, &done), VMACCEL_E_INVALID_ARGUMENT,
                 "regs[1]");
    assert_int_equal(done, 0);
    null_platform.caps[VMACCEL_CAP_REG_MSR] = 0;
    expect_error(vmaccel_arm64_get_sysregs(vcpu, regs, 1, NULL), VMACCEL_E_NOT_SUPPORTED,
                 "reg-msr");
}

static void test_events_without_syndrome(void **state)
{
    vmaccel_arm64_events events = {.serror_pending = true, .serror_esr = 5};

    (void)state;
    expect_ok(vmaccel_arm64_set_events(vcpu, &events));
}

static void test_other_architecture(void **state)
{
    vmaccel_x86_regs regs;
    uint64_t ns;

    (void)state;
    expect_error(vmaccel_x86_get_regs(vcpu, &regs), VMACCEL_E_NOT_SUPPORTED,
                 "the VM's guest is aarch64");
    expect_error(vmaccel_x86_get_clock(vmaccel_vcpu_vm(vcpu), &ns), VMACCEL_E_NOT_SUPPORTED,
                 "aarch64");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_general_registers),
        CASE(test_system_registers),
        CASE(test_events_without_syndrome),
        CASE(test_other_architecture),
    };

    return cmocka_run_group_tests_name("arm64", tests, NULL, NULL);
}
