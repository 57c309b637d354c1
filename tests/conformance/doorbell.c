/* SPDX-License-Identifier: BSD-2-Clause */
/* Doorbells: guest writes that signal the host instead of exiting. */
#include "common.h"
#include "suite_host.h"

static vmaccel_doorbell *create(struct guest *g, uint8_t length, bool match, uint64_t value)
{
    vmaccel_doorbell *doorbell;
    vmaccel_doorbell_config config = {.size = sizeof(config),
                                      .address = GUEST_MMIO,
                                      .length = length,
                                      .match = match,
                                      .value = value};
    CHECK_OK(vmaccel_doorbell_create(g->vm, &config, &doorbell));
    return doorbell;
}

/* Write `value` with `length` bytes, then mark. */
static void start(struct guest *g, uint8_t length, uint64_t value)
{
    common_start(g, length == 1   ? COMMON_store1
                    : length == 2 ? COMMON_store2
                    : length == 4 ? COMMON_store4
                                  : COMMON_store8);
    SET(g, VALUE, value);
    SET(g, ADDRESS, GUEST_MMIO);
}

static void expect_mark(struct guest *g)
{
    RUN(g);
    if (!common_is_mark(g, 0x10))
        FAIL("exit %s, expected the program's mark", vmaccel_exit_name(g->exit->reason));
}

static void expect_exit(struct guest *g, uint8_t length, uint64_t value)
{
    RUN_TO_WRITE(g, GUEST_MMIO, length, value);
    expect_mark(g);
}

static void check_bell(uint8_t length)
{
    struct guest g;
    suite_about("%u bytes", length);
    common_create(&g, COMMON_mark);
    vmaccel_doorbell *doorbell = create(&g, length, false, 0);
    CHECK_STATUS(vmaccel_doorbell_wait(doorbell, 0), VMACCEL_E_TIMEOUT);
    CHECK_STATUS(vmaccel_doorbell_wait(doorbell, 1000000), VMACCEL_E_TIMEOUT);
    CHECK(!host_native_signalled(vmaccel_doorbell_native(doorbell)));
    /* Two rings before a wait are one wake-up. */
    for (int i = 0; i < 2; i++) {
        start(&g, length, 0x11 + (uint64_t)i);
        expect_mark(&g);
    }
    CHECK(host_native_signalled(vmaccel_doorbell_native(doorbell)));
    CHECK_OK(vmaccel_doorbell_wait(doorbell, UINT64_MAX));
    CHECK_STATUS(vmaccel_doorbell_wait(doorbell, 0), VMACCEL_E_TIMEOUT);
    /* A write of another size exits. */
    uint8_t other = length == 1 ? 2 : 1;
    start(&g, other, 0x33);
    expect_exit(&g, other, 0x33);
    CHECK_STATUS(vmaccel_doorbell_wait(doorbell, 0), VMACCEL_E_TIMEOUT);
    /* Once it is gone, all writes exit. */
    vmaccel_doorbell_destroy(doorbell);
    start(&g, length, 0x44);
    expect_exit(&g, length, 0x44);
    guest_destroy(&g);
}

void case_doorbell_mmio(void)
{
    for (uint8_t length = 1; length <= 8; length *= 2)
        check_bell(length);
}

void case_doorbell_match(void)
{
    struct guest g;
    common_create(&g, COMMON_mark);
    vmaccel_doorbell *five = create(&g, 4, true, 5);
    vmaccel_doorbell *six = create(&g, 4, true, 6);
    start(&g, 4, 6);
    expect_mark(&g);
    CHECK_STATUS(vmaccel_doorbell_wait(five, 0), VMACCEL_E_TIMEOUT);
    CHECK_OK(vmaccel_doorbell_wait(six, 0));
    start(&g, 4, 7);
    expect_exit(&g, 4, 7);
    CHECK_STATUS(vmaccel_doorbell_wait(six, 0), VMACCEL_E_TIMEOUT);
    vmaccel_doorbell_destroy(six);
    start(&g, 4, 6);
    expect_exit(&g, 4, 6);
    vmaccel_doorbell_destroy(five);
}

void case_doorbell_reads_exit(void)
{
    struct guest g;
    common_create(&g, COMMON_read);
    vmaccel_doorbell *doorbell = create(&g, 1, false, 0);
    SET(&g, ADDRESS, GUEST_MMIO);
    RUN_TO_READ(&g, GUEST_MMIO, 1);
    guest_answer(&g, 0x55);
    RUN_TO_MARK(&g, 0x10, 0x55);
    CHECK_STATUS(vmaccel_doorbell_wait(doorbell, 0), VMACCEL_E_TIMEOUT);
    vmaccel_doorbell_destroy(doorbell);
}

void case_doorbell_arguments(void)
{
    struct guest g;
    vmaccel_doorbell *doorbell, *second;
    common_create(&g, COMMON_mark);
    vmaccel_doorbell_config config = {.size = sizeof(config), .address = GUEST_MMIO, .length = 3};
    CHECK_STATUS(vmaccel_doorbell_create(g.vm, &config, &doorbell), VMACCEL_E_INVALID_ARGUMENT);
    config.length = 16;
    CHECK_STATUS(vmaccel_doorbell_create(g.vm, &config, &doorbell), VMACCEL_E_INVALID_ARGUMENT);
    config.length = 2;
    config.reserved[1] = 1;
    CHECK_STATUS(vmaccel_doorbell_create(g.vm, &config, &doorbell), VMACCEL_E_INVALID_ARGUMENT);
    config.reserved[1] = 0;
    CHECK_OK(vmaccel_doorbell_create(g.vm, &config, &doorbell));
    CHECK_STATUS(vmaccel_doorbell_create(g.vm, &config, &second), VMACCEL_E_EXISTS);
    vmaccel_doorbell_destroy(doorbell);
    vmaccel_doorbell_destroy(NULL);
}
