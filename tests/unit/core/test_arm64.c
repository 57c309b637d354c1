/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

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

static void test_all_registers(void **state)
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
    assert_true(vcpu->dirty == CORE_ARM64_ALL);
    regs.pstate = 0x9; /* EL2h */
    expect_error(vmaccel_arm64_set_regs(vcpu, &regs), VMACCEL_E_INVALID_ARGUMENT, "pstate");
    expect_error(vmaccel_arm64_set_reg(vcpu, VMACCEL_ARM64_PSTATE, 0x13),
                 VMACCEL_E_INVALID_ARGUMENT, "pstate");
}

static void test_one_register(void **state)
{
    uint64_t value;

    (void)state;
    null_platform.arm64_regs.pc = 0x1234;
    expect_ok(vmaccel_arm64_get_reg(vcpu, VMACCEL_ARM64_PC, &value));
    assert_true(value == 0x1234 && null_platform.fetched == CORE_ARM64(PC));
    expect_ok(vmaccel_arm64_set_reg(vcpu, 7, 0x77));
    assert_int_equal(null_platform.fetches, 1);
    assert_true(vcpu->dirty == CORE_ARM64(X0) << 7);
    expect_ok(vmaccel_arm64_get_reg(vcpu, 7, &value));
    assert_true(value == 0x77 && null_platform.fetches == 1);
    /* The rest only. */
    vmaccel_arm64_regs regs;
    expect_ok(vmaccel_arm64_get_regs(vcpu, &regs));
    assert_true(null_platform.fetched == (CORE_ARM64_ALL & ~(CORE_ARM64(PC) | 1u << 7)));
    assert_true(regs.x[7] == 0x77 && regs.pc == 0x1234);
    expect_error(vmaccel_arm64_get_reg(vcpu, 37, &value), VMACCEL_E_INVALID_ARGUMENT, "37");
}

/* What the caller writes while a read waits is kept beside the instruction's own result. */
static void test_overlay(void **state)
{
    uint64_t value;

    (void)state;
    null_platform.arm64_regs.x[3] = 3;
    vcpu->awaiting_answer = true;
    expect_ok(vmaccel_arm64_set_reg(vcpu, 3, 3)); /* the value shown: no write */
    assert_true(vcpu->overlay_mask == 0 && vcpu->dirty == 0);
    expect_ok(vmaccel_arm64_set_reg(vcpu, VMACCEL_ARM64_PC, 0x8000));
    expect_ok(vmaccel_arm64_get_reg(vcpu, VMACCEL_ARM64_PC, &value));
    assert_int_equal(value, 0x8000);
    assert_true(vcpu->overlay_mask == CORE_ARM64(PC) && vcpu->dirty == 0);

    /* The instruction is complete and has moved PC and written X3. */
    vcpu->awaiting_answer = false;
    vcpu->valid = 0;
    null_platform.arm64_regs.pc = 4;
    null_platform.arm64_regs.x[3] = 33;
    expect_ok(core_arm64_merge(vcpu));
    assert_true(vcpu->dirty == CORE_ARM64(PC) && vcpu->overlay_mask == 0);
    expect_ok(vmaccel_arm64_get_reg(vcpu, VMACCEL_ARM64_PC, &value));
    assert_int_equal(value, 0x8000);
    expect_ok(vmaccel_arm64_get_reg(vcpu, 3, &value));
    assert_int_equal(value, 33);
}

static void test_system_registers(void **state)
{
    vmaccel_arm64_sysreg regs[2] = {{.id = VMACCEL_ARM64_SYSREG(3, 0, 1, 0, 0)}, {.id = 0x10000}};
    size_t done = 9;
    uint32_t ids[3];
    size_t count = 2;

    (void)state;
    expect_ok(vmaccel_arm64_get_sysregs(vcpu, regs, 1, &done));
    assert_true(done == 1 && regs[0].value == regs[0].id);
    expect_error(vmaccel_arm64_get_sysregs(vcpu, regs, 2, &done), VMACCEL_E_INVALID_ARGUMENT,
                 "regs[1]");
    assert_int_equal(done, 0);
    expect_error(vmaccel_arm64_sysreg_list(vcpu, ids, &count), VMACCEL_E_LIMIT, "3");
    assert_int_equal(count, 3);
    expect_ok(vmaccel_arm64_sysreg_list(vcpu, ids, &count));
    expect_error(vmaccel_arm64_sysreg_list(vcpu, NULL, &count), VMACCEL_E_INVALID_ARGUMENT, "ids");
    null_platform.caps[VMACCEL_CAP_REG_MSR] = 0;
    expect_error(vmaccel_arm64_get_sysregs(vcpu, regs, 1, NULL), VMACCEL_E_NOT_SUPPORTED,
                 "reg-msr");
}

static void test_vectors(void **state)
{
    uint8_t area[VMACCEL_ARM64_SVE_SIZE(NULL_SVE)];
    vmaccel_arm64_fpu fpu;

    (void)state;
    expect_ok(vmaccel_arm64_get_sve(vcpu, area, sizeof(area)));
    expect_ok(vmaccel_arm64_set_sve(vcpu, area, sizeof(area)));
    expect_error(vmaccel_arm64_get_sve(vcpu, area, sizeof(area) - 1), VMACCEL_E_INVALID_ARGUMENT,
                 "vector length of 32");
    null_platform.caps[VMACCEL_CAP_REG_SVE] = 0;
    expect_error(vmaccel_arm64_get_sve(vcpu, area, sizeof(area)), VMACCEL_E_NOT_SUPPORTED,
                 "reg-sve");
    /* The null platform has none. */
    expect_error(vmaccel_arm64_get_fpu(vcpu, &fpu), VMACCEL_E_NOT_SUPPORTED, "reg-fpu");
}

static void test_events(void **state)
{
    vmaccel_arm64_events events = {
        .serror_pending = true, .serror_esr = 5, .irq_pending = true, .pad = {1, 2, 3}};

    (void)state;
    expect_ok(vmaccel_arm64_set_events(vcpu, &events));
    expect_ok(vmaccel_arm64_get_events(vcpu, &events));
    assert_true(events.serror_pending && events.irq_pending && events.serror_esr == 0);
    assert_int_equal(events.pad[0], 0);
    events.serror_has_esr = true;
    events.serror_esr = 1u << 25;
    expect_error(vmaccel_arm64_set_events(vcpu, &events), VMACCEL_E_INVALID_ARGUMENT, "serror_esr");
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

static vmaccel_vm *new_vm(uint32_t irqchip, uint32_t cpus)
{
    vmaccel_vm_config config = {
        .size = sizeof(config), .arch = VMACCEL_ARCH_ARM64, .irqchip = irqchip, .max_vcpus = cpus};
    vmaccel_vm *vm;

    expect_ok(vmaccel_vm_create(&null_platform.platform, &config, &vm));
    return vm;
}

static void test_features(void **state)
{
    (void)state;
    vmaccel_vm *vm = new_vm(VMACCEL_IRQCHIP_NONE, 1);
    expect_error(vmaccel_arm64_set_features(vm, VMACCEL_ARM64_FEATURE_PAUTH),
                 VMACCEL_E_NOT_SUPPORTED, "arm64-pauth");
    expect_error(vmaccel_arm64_set_features(vm, 1u << 9), VMACCEL_E_INVALID_ARGUMENT, "0x200");
    expect_ok(vmaccel_arm64_set_features(vm, VMACCEL_ARM64_FEATURE_PMU));
    expect_ok(vmaccel_vm_commit(vm));
    assert_int_equal(vm->arm64.features, VMACCEL_ARM64_FEATURE_PMU);
    assert_int_equal(vm->arm64.gic.version, 0);
    expect_error(vmaccel_arm64_set_features(vm, 0), VMACCEL_E_STATE, "committed");
    expect_ok(vmaccel_vm_destroy(vm));

    vm = new_vm(VMACCEL_IRQCHIP_NONE, 1);
    expect_ok(vmaccel_vm_commit(vm));
    assert_int_equal(vm->arm64.features, VMACCEL_ARM64_FEATURE_SVE);
    expect_ok(vmaccel_vm_destroy(vm));
}

static void expect_bad_gic(vmaccel_vm *vm, const vmaccel_arm64_gic *gic, vmaccel_status wanted,
                           const char *part)
{
    vmaccel_arm64_gic copy = *gic;

    copy.size = sizeof(copy);
    expect_error(vmaccel_arm64_set_gic(vm, &copy), wanted, part);
}

static void test_gic_settings(void **state)
{
    vmaccel_arm64_gic gic = {.size = sizeof(gic)};

    (void)state;
    vmaccel_vm *vm = new_vm(VMACCEL_IRQCHIP_FULL, 4);
    expect_ok(vmaccel_arm64_get_gic(vm, &gic));
    assert_true(gic.version == 3 && gic.spis == 224 && gic.dist == 0x08000000 &&
                gic.redist == 0x080a0000 && gic.its == 0);
    const vmaccel_status invalid = VMACCEL_E_INVALID_ARGUMENT;
    expect_bad_gic(vm, &(vmaccel_arm64_gic){.version = 4}, invalid, "version");
    expect_bad_gic(vm, &(vmaccel_arm64_gic){.spis = 33}, invalid, "spis");
    expect_bad_gic(vm, &(vmaccel_arm64_gic){.spis = 992}, invalid, "spis");
    expect_bad_gic(vm, &(vmaccel_arm64_gic){.reserved = 1}, invalid, "reserved");
    expect_bad_gic(vm, &(vmaccel_arm64_gic){.dist = 0x10000}, invalid, "both");
    expect_bad_gic(vm, &(vmaccel_arm64_gic){.dist = 0x1000, .redist = 0x100000}, invalid, "dist");
    expect_bad_gic(vm, &(vmaccel_arm64_gic){.dist = 0x30000, .redist = 0x10000}, invalid,
                   "overlap");
    expect_bad_gic(vm, &(vmaccel_arm64_gic){.dist = 0x10000, .redist = 0xffffff0000}, invalid,
                   "outside");
    expect_bad_gic(vm, &(vmaccel_arm64_gic){.its = 0x08000000}, invalid, "overlap");
    null_platform.caps[VMACCEL_CAP_ARM64_GICV3] = 0;
    expect_bad_gic(vm, &(vmaccel_arm64_gic){.version = 3}, VMACCEL_E_NOT_SUPPORTED, "gicv3");
    expect_bad_gic(vm, &(vmaccel_arm64_gic){.its = 0x20000}, VMACCEL_E_NOT_SUPPORTED, "its");
    gic = (vmaccel_arm64_gic){.size = sizeof(gic), .spis = 32};
    expect_ok(vmaccel_arm64_set_gic(vm, &gic));
    expect_ok(vmaccel_arm64_get_gic(vm, &gic));
    assert_true(gic.version == 2 && gic.spis == 32 && gic.cpu == 0x08010000);
    expect_error(vmaccel_irq_line(vm, 0, true), VMACCEL_E_STATE, "committed");
    expect_ok(vmaccel_vm_commit(vm));
    expect_ok(vmaccel_irq_line(vm, 31, true));
    expect_error(vmaccel_irq_line(vm, 32, true), invalid, "32");
    expect_error(vmaccel_arm64_set_gic(vm, &gic), VMACCEL_E_STATE, "committed");
    expect_ok(vmaccel_vm_destroy(vm));
}

static void test_gic_limit(void **state)
{
    vmaccel_arm64_gic gic = {.size = sizeof(gic), .version = 2};

    (void)state;
    null_platform.caps[VMACCEL_CAP_MAX_VCPUS] = 16;
    vmaccel_vm *vm = new_vm(VMACCEL_IRQCHIP_FULL, 9);
    expect_error(vmaccel_arm64_set_gic(vm, &gic), VMACCEL_E_LIMIT, "8 vCPUs");
    null_platform.caps[VMACCEL_CAP_ARM64_GICV3] = 0;
    expect_error(vmaccel_vm_commit(vm), VMACCEL_E_LIMIT, "8 vCPUs");
    expect_ok(vmaccel_vm_destroy(vm));
    vm = new_vm(VMACCEL_IRQCHIP_NONE, 1);
    expect_error(vmaccel_arm64_set_gic(vm, &gic), VMACCEL_E_STATE, "no GIC");
    expect_ok(vmaccel_arm64_get_gic(vm, &gic));
    assert_int_equal(gic.version, 0);
    expect_ok(vmaccel_vm_destroy(vm));
}

static void test_gic_registers(void **state)
{
    static const vmaccel_arm64_gic_reg bad[] = {
        {.space = VMACCEL_ARM64_GIC_DIST, .offset = 0x10000},
        {.space = VMACCEL_ARM64_GIC_DIST, .offset = 2},
        {.space = VMACCEL_ARM64_GIC_DIST, .cpu = 1},
        {.space = VMACCEL_ARM64_GIC_REDIST, .cpu = 4},
        {.space = VMACCEL_ARM64_GIC_CPU, .offset = 0x10000},
        {.space = VMACCEL_ARM64_GIC_LINE_LEVEL, .offset = 256},
        {.space = VMACCEL_ARM64_GIC_LINE_LEVEL, .offset = 33},
        {.space = 4},
    };
    vmaccel_arm64_gic_reg regs[1];
    size_t count = 0, done = 9;

    (void)state;
    vmaccel_vm *vm = new_vm(VMACCEL_IRQCHIP_FULL, 4);
    expect_error(vmaccel_arm64_gic_list(vm, NULL, &count), VMACCEL_E_STATE, "no vCPU");
    expect_ok(vmaccel_vm_commit(vm));
    expect_error(vmaccel_arm64_gic_list(vm, NULL, &count), VMACCEL_E_LIMIT, "1");
    expect_ok(vmaccel_arm64_gic_list(vm, regs, &count));
    regs[0].offset = 8;
    expect_ok(vmaccel_arm64_get_gic_regs(vm, regs, 1, &done));
    assert_true(done == 1 && regs[0].value == 8);
    expect_ok(vmaccel_arm64_set_gic_regs(vm, regs, 1, NULL));
    regs[0].value = (uint64_t)1 << 32;
    expect_error(vmaccel_arm64_set_gic_regs(vm, regs, 1, NULL), VMACCEL_E_INVALID_ARGUMENT, "32");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_error(vmaccel_arm64_set_gic_regs(vm, &bad[i], 1, &done), VMACCEL_E_INVALID_ARGUMENT,
                     "no register");
    assert_int_equal(done, 0);
    null_platform.caps[VMACCEL_CAP_REG_IRQCHIP] = 0;
    expect_error(vmaccel_arm64_gic_list(vm, regs, &count), VMACCEL_E_NOT_SUPPORTED, "reg-irqchip");
    expect_ok(vmaccel_vm_destroy(vm));
}

#define CASE(test)  cmocka_unit_test_setup_teardown(test, setup, teardown)
#define ALONE(test) cmocka_unit_test_setup(test, null_reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_all_registers),      CASE(test_one_register),   CASE(test_overlay),
        CASE(test_system_registers),   CASE(test_vectors),        CASE(test_events),
        CASE(test_other_architecture), ALONE(test_features),      ALONE(test_gic_settings),
        ALONE(test_gic_limit),         ALONE(test_gic_registers),
    };

    return cmocka_run_group_tests_name("arm64", tests, NULL, NULL);
}
