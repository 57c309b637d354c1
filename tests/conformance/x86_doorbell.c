/* SPDX-License-Identifier: BSD-2-Clause */
/* Doorbells on ports. */
#include "suite_host.h"
#include "x86_guest.h"

#define PORT 0x700

static vmaccel_doorbell *create(struct guest *g, uint8_t length, bool match, uint64_t value)
{
    vmaccel_doorbell *doorbell;
    vmaccel_doorbell_config config = {.size = sizeof(config),
                                      .pio = 1,
                                      .address = PORT,
                                      .length = length,
                                      .match = match,
                                      .value = value};
    CHECK_OK(vmaccel_doorbell_create(g->vm, &config, &doorbell));
    return doorbell;
}

/* Write `value` with `length` bytes, then put out a mark. */
static void start(struct guest *g, uint8_t length, uint64_t value)
{
    /* out dx, al; ax; eax; then out 0x10, al; hlt */
    static const uint8_t out[3][2] = {{0x90, 0xee}, {0x66, 0xef}, {0x90, 0xef}};
    uint8_t code[] = {0x90, 0x90, 0xe6, 0x10, 0xf4};
    memcpy(code, out[length / 2], 2);
    guest_load(g, code, sizeof(code));
    GUEST_SET(g, rip, GUEST_CODE);
    GUEST_SET(g, rax, value);
    GUEST_SET(g, rdx, PORT);
}

static void expect_mark(struct guest *g)
{
    RUN(g);
    EXPECT_EXIT(g, VMACCEL_EXIT_IO);
    CHECK_EQ(g->exit->u.io.port, 0x10);
}

static void expect_exit(struct guest *g, uint8_t length, uint64_t value)
{
    RUN_TO_OUT(g, PORT, length, value);
    expect_mark(g);
}

void case_doorbell_port(void)
{
    for (uint8_t length = 1; length <= 4; length *= 2) {
        struct guest g;
        suite_about("%u bytes", length);
        guest_create(&g, GUEST_LONG);
        vmaccel_doorbell *doorbell = create(&g, length, false, 0);
        for (int i = 0; i < 2; i++) {
            start(&g, length, 0x11 + (uint64_t)i);
            expect_mark(&g);
        }
        CHECK(host_native_signalled(vmaccel_doorbell_native(doorbell)));
        CHECK_OK(vmaccel_doorbell_wait(doorbell, UINT64_MAX));
        CHECK_STATUS(vmaccel_doorbell_wait(doorbell, 0), VMACCEL_E_TIMEOUT);
        uint8_t other = length == 1 ? 2 : 1;
        start(&g, other, 0x33);
        expect_exit(&g, other, 0x33);
        CHECK_STATUS(vmaccel_doorbell_wait(doorbell, 0), VMACCEL_E_TIMEOUT);
        /* in al, dx; hlt */
        GUEST_BYTES(&g, 0xec, 0xf4);
        GUEST_SET(&g, rip, GUEST_CODE);
        RUN_TO_IN(&g, PORT, 1);
        RUN_TO_HLT(&g);
        vmaccel_doorbell_destroy(doorbell);
        start(&g, length, 0x44);
        expect_exit(&g, length, 0x44);
        guest_destroy(&g);
    }
}

void case_doorbell_port_match(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
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

void case_doorbell_port_arguments(void)
{
    struct guest g;
    vmaccel_doorbell *doorbell;
    guest_create(&g, GUEST_LONG);
    vmaccel_doorbell_config config = {
        .size = sizeof(config), .pio = 1, .address = PORT, .length = 8};
    CHECK_STATUS(vmaccel_doorbell_create(g.vm, &config, &doorbell), VMACCEL_E_INVALID_ARGUMENT);
    config.length = 2;
    config.address = 0x10000;
    CHECK_STATUS(vmaccel_doorbell_create(g.vm, &config, &doorbell), VMACCEL_E_INVALID_ARGUMENT);
}
