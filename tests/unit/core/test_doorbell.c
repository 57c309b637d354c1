/* SPDX-License-Identifier: BSD-2-Clause */
#include "null_platform.h"

#include "os/os.h"

static vmaccel_vm *vm;

static int setup(void **state)
{
    null_reset(state);
    vm = null_vm(VMACCEL_ARCH_X86_64);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(null_platform.doorbells, 0);
    null_end(vm);
    return 0;
}

static vmaccel_status create(vmaccel_doorbell_config config, vmaccel_doorbell **out)
{
    config.size = sizeof(config);
    return vmaccel_doorbell_create(vm, &config, out);
}

static void refused(vmaccel_doorbell_config config, const char *part)
{
    vmaccel_doorbell *doorbell = NULL;

    expect_error(create(config, &doorbell), VMACCEL_E_INVALID_ARGUMENT, part);
    assert_null(doorbell);
}

static void test_arguments(void **state)
{
    (void)state;
    refused((vmaccel_doorbell_config){.length = 3}, "length: 3");
    refused((vmaccel_doorbell_config){.length = 0}, "length: 0");
    refused((vmaccel_doorbell_config){.length = 8, .pio = 1}, "length: 8");
    refused((vmaccel_doorbell_config){.length = 4, .pio = 2}, "pio");
    refused((vmaccel_doorbell_config){.length = 4, .pio = 1, .address = 0xfffd}, "address");
    refused((vmaccel_doorbell_config){.length = 4, .address = UINT64_MAX}, "address");
    refused((vmaccel_doorbell_config){.length = 4, .address = (uint64_t)1 << 40}, "address");
    refused((vmaccel_doorbell_config){.length = 4, .value = 1}, "value");
    refused((vmaccel_doorbell_config){.length = 1, .match = 1, .value = 0x100}, "value");
    refused((vmaccel_doorbell_config){.length = 1, .reserved = {1}}, "reserved");
    expect_error(vmaccel_doorbell_create(vm, NULL, NULL), VMACCEL_E_INVALID_ARGUMENT, "config");
}

static void test_duplicates(void **state)
{
    vmaccel_doorbell_config config = {.address = 0x1000, .length = 4, .match = 1, .value = 7};
    vmaccel_doorbell *first = NULL, *second = NULL, *none = NULL;

    (void)state;
    expect_ok(create(config, &first));
    expect_error(create(config, &none), VMACCEL_E_EXISTS, "0x1000");
    config.value = 8;
    expect_ok(create(config, &second));
    config.match = 0;
    config.value = 0;
    expect_error(create(config, &none), VMACCEL_E_EXISTS, "0x1000");
    expect_error(vmaccel_vm_destroy(vm), VMACCEL_E_STATE, "doorbell");
    vmaccel_doorbell_destroy(first);
    vmaccel_doorbell_destroy(second);
    vmaccel_doorbell_destroy(NULL);
    expect_ok(create(config, &first));
    vmaccel_doorbell_destroy(first);
}

static void test_ring(void **state)
{
    vmaccel_doorbell *doorbell = NULL;

    (void)state;
    expect_ok(create((vmaccel_doorbell_config){.pio = 1, .address = 0x80, .length = 1}, &doorbell));
    os_event event = {.native = vmaccel_doorbell_native(doorbell)};
    expect_error(vmaccel_doorbell_wait(doorbell, 0), VMACCEL_E_TIMEOUT, "did not ring");
    expect_error(vmaccel_doorbell_wait(doorbell, 1000000), VMACCEL_E_TIMEOUT, "did not ring");
    os_event_signal(&event);
    os_event_signal(&event);
    expect_ok(vmaccel_doorbell_wait(doorbell, UINT64_MAX));
    expect_error(vmaccel_doorbell_wait(doorbell, 0), VMACCEL_E_TIMEOUT, "did not ring");
    vmaccel_doorbell_destroy(doorbell);
}

static void test_failure_and_capability(void **state)
{
    vmaccel_doorbell_config config = {.address = 0x1000, .length = 4};
    vmaccel_doorbell *doorbell = NULL;

    (void)state;
    null_platform.fail = "doorbell";
    null_platform.fail_times = 1;
    expect_error(create(config, &doorbell), VMACCEL_E_PLATFORM, "doorbell");
    expect_ok(create(config, &doorbell));
    vmaccel_doorbell_destroy(doorbell);
    null_platform.caps[VMACCEL_CAP_DOORBELL] = 0;
    expect_error(create(config, &doorbell), VMACCEL_E_NOT_SUPPORTED, "doorbell");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_arguments),
        CASE(test_duplicates),
        CASE(test_ring),
        CASE(test_failure_and_capability),
    };

    return cmocka_run_group_tests_name("doorbell", tests, NULL, NULL);
}
