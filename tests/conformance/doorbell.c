/* SPDX-License-Identifier: BSD-2-Clause */
/* Doorbells: guest writes that signal the host instead of exiting. */
#include "guest.h"
#include "suite_host.h"

#define PORT 0x700

struct bell {
    bool pio;
    uint8_t length;
};

static vmaccel_doorbell *create(struct guest *g, const struct bell *bell, bool match,
                                uint64_t value)
{
    vmaccel_doorbell *doorbell;
    vmaccel_doorbell_config config = {.size = sizeof(config),
                                      .pio = bell->pio,
                                      .address = bell->pio ? PORT : GUEST_MMIO,
                                      .length = bell->length,
                                      .match = match,
                                      .value = value};
    CHECK_OK(vmaccel_doorbell_create(g->vm, &config, &doorbell));
    return doorbell;
}

/* Write `value` with `length` bytes to port or MMIO, then put out a mark. */
static void start(struct guest *g, bool pio, uint8_t length, uint64_t value)
{
    /* out dx, al; ax; eax; or mov [rdi], al; ax; eax; rax; then out 0x10, al; hlt */
    static const uint8_t port[3][4] = {{0x90, 0xee}, {0x66, 0xef}, {0x90, 0xef}};
    static const uint8_t memory[4][4] = {
        {0x90, 0x88, 0x07}, {0x66, 0x89, 0x07}, {0x90, 0x89, 0x07}, {0x48, 0x89, 0x07}};
    unsigned index = length == 1 ? 0 : length == 2 ? 1 : length == 4 ? 2 : 3;
    uint8_t code[] = {0x90, 0x90, 0x90, 0xe6, 0x10, 0xf4};
    memcpy(code, pio ? port[index] : memory[index], pio ? 2 : 3);
    guest_load(g, code, sizeof(code));
    GUEST_SET(g, rip, GUEST_CODE);
    GUEST_SET(g, rax, value);
    GUEST_SET(g, rdx, PORT);
    GUEST_SET(g, rdi, GUEST_MMIO);
}

static void expect_mark(struct guest *g)
{
    RUN(g);
    EXPECT_EXIT(g, VMACCEL_EXIT_IO);
    CHECK_EQ(g->exit->u.io.port, 0x10);
}

static void expect_exit(struct guest *g, bool pio, uint8_t length, uint64_t value)
{
    if (pio)
        RUN_TO_OUT(g, PORT, length, value);
    else
        RUN_TO_WRITE(g, GUEST_MMIO, length, value);
    expect_mark(g);
}

static void check_bell(const struct bell *bell)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    vmaccel_doorbell *doorbell = create(&g, bell, false, 0);
    CHECK_STATUS(vmaccel_doorbell_wait(doorbell, 0), VMACCEL_E_TIMEOUT);
    CHECK_STATUS(vmaccel_doorbell_wait(doorbell, 1000000), VMACCEL_E_TIMEOUT);
    CHECK(!host_native_signalled(vmaccel_doorbell_native(doorbell)));
    /* Two rings before a wait are one wake-up. */
    for (int i = 0; i < 2; i++) {
        start(&g, bell->pio, bell->length, 0x11 + (uint64_t)i);
        expect_mark(&g);
    }
    CHECK(host_native_signalled(vmaccel_doorbell_native(doorbell)));
    CHECK_OK(vmaccel_doorbell_wait(doorbell, UINT64_MAX));
    CHECK_STATUS(vmaccel_doorbell_wait(doorbell, 0), VMACCEL_E_TIMEOUT);
    /* A write of another size exits. */
    uint8_t other = bell->length == 1 ? 2 : 1;
    start(&g, bell->pio, other, 0x33);
    expect_exit(&g, bell->pio, other, 0x33);
    CHECK_STATUS(vmaccel_doorbell_wait(doorbell, 0), VMACCEL_E_TIMEOUT);
    /* Once it is gone, all writes exit. */
    vmaccel_doorbell_destroy(doorbell);
    start(&g, bell->pio, bell->length, 0x44);
    expect_exit(&g, bell->pio, bell->length, 0x44);
}

void case_doorbell_port(void)
{
    for (uint8_t length = 1; length <= 4; length *= 2)
        check_bell(&(struct bell){true, length});
}

void case_doorbell_mmio(void)
{
    for (uint8_t length = 1; length <= 8; length *= 2)
        check_bell(&(struct bell){false, length});
}

void case_doorbell_match(void)
{
    for (int pio = 0; pio <= 1; pio++) {
        struct bell bell = {pio == 1, 4};
        struct guest g;
        guest_create(&g, GUEST_LONG);
        vmaccel_doorbell *five = create(&g, &bell, true, 5);
        vmaccel_doorbell *six = create(&g, &bell, true, 6);
        start(&g, bell.pio, 4, 6);
        expect_mark(&g);
        CHECK_STATUS(vmaccel_doorbell_wait(five, 0), VMACCEL_E_TIMEOUT);
        CHECK_OK(vmaccel_doorbell_wait(six, 0));
        start(&g, bell.pio, 4, 7);
        expect_exit(&g, bell.pio, 4, 7);
        CHECK_STATUS(vmaccel_doorbell_wait(six, 0), VMACCEL_E_TIMEOUT);
        vmaccel_doorbell_destroy(six);
        start(&g, bell.pio, 4, 6);
        expect_exit(&g, bell.pio, 4, 6);
        vmaccel_doorbell_destroy(five);
    }
}

void case_doorbell_reads_exit(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    vmaccel_doorbell *port = create(&g, &(struct bell){true, 1}, false, 0);
    vmaccel_doorbell *memory = create(&g, &(struct bell){false, 1}, false, 0);
    /* in al, dx; mov al, [rdi]; hlt */
    GUEST_BYTES(&g, 0xec, 0x8a, 0x07, 0xf4);
    GUEST_SET(&g, rdx, PORT);
    GUEST_SET(&g, rdi, GUEST_MMIO);
    RUN_TO_IN(&g, PORT, 1);
    RUN_TO_READ(&g, GUEST_MMIO, 1);
    RUN_TO_HLT(&g);
    vmaccel_doorbell_destroy(port);
    vmaccel_doorbell_destroy(memory);
}

void case_doorbell_arguments(void)
{
    struct guest g;
    vmaccel_doorbell *doorbell, *second;
    guest_create(&g, GUEST_LONG);
    vmaccel_doorbell_config config = {
        .size = sizeof(config), .pio = 1, .address = PORT, .length = 3};
    CHECK_STATUS(vmaccel_doorbell_create(g.vm, &config, &doorbell), VMACCEL_E_INVALID_ARGUMENT);
    config.length = 8;
    CHECK_STATUS(vmaccel_doorbell_create(g.vm, &config, &doorbell), VMACCEL_E_INVALID_ARGUMENT);
    config.length = 2;
    config.address = 0x10000;
    CHECK_STATUS(vmaccel_doorbell_create(g.vm, &config, &doorbell), VMACCEL_E_INVALID_ARGUMENT);
    config.address = PORT;
    config.reserved[1] = 1;
    CHECK_STATUS(vmaccel_doorbell_create(g.vm, &config, &doorbell), VMACCEL_E_INVALID_ARGUMENT);
    config.reserved[1] = 0;
    CHECK_OK(vmaccel_doorbell_create(g.vm, &config, &doorbell));
    CHECK_STATUS(vmaccel_doorbell_create(g.vm, &config, &second), VMACCEL_E_EXISTS);
    vmaccel_doorbell_destroy(doorbell);
    vmaccel_doorbell_destroy(NULL);
}
