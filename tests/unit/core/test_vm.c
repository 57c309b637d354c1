/* SPDX-License-Identifier: BSD-2-Clause */
#include "null_platform.h"

#include <string.h>

static vmaccel_status create(vmaccel_vm_config config)
{
    vmaccel_vm *vm = NULL;

    config.size = sizeof(config);
    vmaccel_status status = vmaccel_vm_create(&null_platform.platform, &config, &vm);
    if (status == VMACCEL_OK)
        expect_ok(vmaccel_vm_destroy(vm));
    assert_int_equal(null_platform.vms, 0);
    return status;
}

static void test_defaults(void **state)
{
    vmaccel_vm *vm = NULL;

    (void)state;
    expect_ok(vmaccel_vm_create(&null_platform.platform, NULL, &vm));
    assert_ptr_equal(vmaccel_vm_platform(vm), &null_platform.platform);
    assert_int_not_equal(vmaccel_vm_arch(vm), VMACCEL_ARCH_NONE);
    assert_int_equal(vm->max_vcpus, 1);
    assert_int_equal(vm->page_size, NULL_PAGE);
    assert_int_equal(vmaccel_vm_cap(vm, VMACCEL_CAP_GPA_BITS), 40);
    assert_int_equal(vmaccel_vm_cap(vm, (vmaccel_cap)1000), 0);
    null_end(vm);
}

static void test_config_fields_are_checked(void **state)
{
    (void)state;
    expect_ok(create((vmaccel_vm_config){.arch = VMACCEL_ARCH_ARM64}));
    expect_error(create((vmaccel_vm_config){.arch = 9}), VMACCEL_E_INVALID_ARGUMENT, "arch");
    expect_error(create((vmaccel_vm_config){.irqchip = 3}), VMACCEL_E_INVALID_ARGUMENT, "irqchip");
    expect_error(create((vmaccel_vm_config){.exits = 0x80}), VMACCEL_E_INVALID_ARGUMENT,
                 "exits: bits 0x80");
    expect_error(create((vmaccel_vm_config){.reserved = {0, 1}}), VMACCEL_E_INVALID_ARGUMENT,
                 "reserved");
    expect_error(create((vmaccel_vm_config){.max_vcpus = 5}), VMACCEL_E_LIMIT, "at most 4");
}

static void test_config_size(void **state)
{
    struct {
        vmaccel_vm_config config;
        uint64_t later;
    } wide = {.config = {.size = sizeof(wide)}};
    vmaccel_vm_config small = {.size = 8};
    vmaccel_vm *vm = NULL;

    (void)state;
    expect_ok(vmaccel_vm_create(&null_platform.platform, &wide.config, &vm));
    null_end(vm);
    wide.later = 1;
    expect_error(vmaccel_vm_create(&null_platform.platform, &wide.config, &vm),
                 VMACCEL_E_INVALID_ARGUMENT, "vmaccel_vm_config has non-zero fields");
    expect_error(vmaccel_vm_create(&null_platform.platform, &small, &vm),
                 VMACCEL_E_INVALID_ARGUMENT, "size is 8");
    small.size = UINT32_MAX;
    expect_error(vmaccel_vm_create(&null_platform.platform, &small, &vm),
                 VMACCEL_E_INVALID_ARGUMENT, "size");
    expect_error(vmaccel_vm_create(NULL, NULL, &vm), VMACCEL_E_INVALID_ARGUMENT, "platform");
    expect_error(vmaccel_vm_create(&null_platform.platform, NULL, NULL), VMACCEL_E_INVALID_ARGUMENT,
                 "out");
}

static void test_missing_capability_is_named(void **state)
{
    static const struct {
        vmaccel_vm_config config;
        vmaccel_cap cap;
    } wishes[] = {
        {{.irqchip = VMACCEL_IRQCHIP_NONE}, VMACCEL_CAP_IRQCHIP_NONE},
        {{.irqchip = VMACCEL_IRQCHIP_SPLIT}, VMACCEL_CAP_IRQCHIP_SPLIT},
        {{.irqchip = VMACCEL_IRQCHIP_FULL}, VMACCEL_CAP_IRQCHIP_FULL},
        {{.exits = VMACCEL_VM_EXIT_CPUID}, VMACCEL_CAP_EXIT_CPUID},
        {{.exits = VMACCEL_VM_EXIT_MSR}, VMACCEL_CAP_EXIT_MSR},
        {{.exits = VMACCEL_VM_EXIT_HYPERCALL}, VMACCEL_CAP_EXIT_HYPERCALL},
        {{.exceptions = 1u << 14}, VMACCEL_CAP_EXIT_EXCEPTION},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        null_reset(NULL);
        expect_ok(create(wishes[i].config));
        null_platform.caps[wishes[i].cap] = 0;
        expect_error(create(wishes[i].config), VMACCEL_E_NOT_SUPPORTED,
                     vmaccel_cap_name(wishes[i].cap));
        assert_string_equal(vmaccel_last_error()->feature, vmaccel_cap_name(wishes[i].cap));
        assert_string_equal(vmaccel_last_error()->platform, "null");
        assert_string_equal(vmaccel_last_error()->module, "vm");
    }
}

static void test_unavailable_platform_says_why(void **state)
{
    (void)state;
    null_platform.info.status = VMACCEL_E_PERMISSION;
    strcpy(null_platform.info.reason, "add yourself to group null");
    expect_error(create((vmaccel_vm_config){.irqchip = VMACCEL_IRQCHIP_FULL}), VMACCEL_E_PERMISSION,
                 "add yourself to group null");
    expect_error(create((vmaccel_vm_config){.max_vcpus = 2}), VMACCEL_E_PERMISSION, "group null");
}

static void test_missing_architecture(void **state)
{
    (void)state;
    null_platform.platform.arm64 = NULL;
    expect_error(create((vmaccel_vm_config){.arch = VMACCEL_ARCH_ARM64}), VMACCEL_E_NOT_SUPPORTED,
                 "aarch64");
}

static void test_failed_creation_leaves_nothing(void **state)
{
    (void)state;
    null_platform.fail = "vm_create";
    null_platform.fail_times = 1;
    expect_error(create((vmaccel_vm_config){0}), VMACCEL_E_PLATFORM, "vm_create was told to fail");
    assert_int_equal(vmaccel_last_error()->os_error, 5);
}

static void test_commit_happens_once(void **state)
{
    vmaccel_vm *vm = null_vm(VMACCEL_ARCH_X86_64);

    (void)state;
    null_platform.fail = "vm_commit";
    null_platform.fail_times = 1;
    expect_error(vmaccel_vm_commit(vm), VMACCEL_E_PLATFORM, "vm_commit");
    expect_ok(vmaccel_vm_commit(vm));
    expect_ok(vmaccel_vm_commit(vm));
    assert_int_equal(null_platform.commits, 1);
    null_end(vm);
}

static void test_destroy_needs_ended_vcpus(void **state)
{
    vmaccel_vm *vm = null_vm(VMACCEL_ARCH_X86_64);
    vmaccel_vcpu *vcpu = NULL;

    (void)state;
    expect_ok(vmaccel_vcpu_create(vm, 1, NULL, &vcpu));
    expect_error(vmaccel_vm_destroy(vm), VMACCEL_E_STATE, "vCPU 1");
    assert_int_equal(null_platform.vms, 1);
    expect_ok(vmaccel_vcpu_destroy(vcpu));
    null_end(vm);
    expect_ok(vmaccel_vm_destroy(NULL));
}

static void test_error_store(void **state)
{
    char text[600];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(vmaccel_error_report(VMACCEL_E_FORMAT, text, text), VMACCEL_E_FORMAT);
    const vmaccel_error *error = vmaccel_last_error();
    assert_int_equal(error->status, VMACCEL_E_FORMAT);
    assert_int_equal(strlen(error->text), sizeof(error->text) - 1);
    assert_int_equal(strlen(error->module), sizeof(error->module) - 1);
    /* An error may be reported again with the text it has. */
    vmaccel_error_report(VMACCEL_E_IO, "m", "first");
    vmaccel_error_report(VMACCEL_E_IO, "m", vmaccel_last_error()->text);
    assert_string_equal(vmaccel_last_error()->text, "first");
    assert_string_equal(vmaccel_status_string((vmaccel_status)99), "unknown status");
    assert_string_equal(vmaccel_cap_name((vmaccel_cap)8), "unknown");
    assert_string_equal(vmaccel_exit_name(99), "UNKNOWN");
    assert_string_equal(vmaccel_version_string(), "0.1.0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_defaults, null_reset),
        cmocka_unit_test_setup(test_config_fields_are_checked, null_reset),
        cmocka_unit_test_setup(test_config_size, null_reset),
        cmocka_unit_test_setup(test_missing_capability_is_named, null_reset),
        cmocka_unit_test_setup(test_unavailable_platform_says_why, null_reset),
        cmocka_unit_test_setup(test_missing_architecture, null_reset),
        cmocka_unit_test_setup(test_failed_creation_leaves_nothing, null_reset),
        cmocka_unit_test_setup(test_commit_happens_once, null_reset),
        cmocka_unit_test_setup(test_destroy_needs_ended_vcpus, null_reset),
        cmocka_unit_test_setup(test_error_store, null_reset),
    };

    return cmocka_run_group_tests_name("vm", tests, NULL, NULL);
}
