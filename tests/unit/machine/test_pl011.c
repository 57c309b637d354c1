/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_host.h"

#define BASE 0x09000000u
#define IRQ  1

enum {
    DR = 0x00,
    RSR = 0x04,
    FR = 0x18,
    ILPR = 0x20,
    IBRD = 0x24,
    FBRD = 0x28,
    LCR_H = 0x2C,
    CR = 0x30,
    IFLS = 0x34,
    IMSC = 0x38,
    RIS = 0x3C,
    MIS = 0x40,
    ICR = 0x44,
    DMACR = 0x48
};

enum { RX = 0x10, TX = 0x20, RT = 0x40, OE = 0x400 };
enum { RXFE = 0x10, RXFF = 0x40, TXFE = 0x80, MODEM = 0x107 };
enum { UARTEN = 1, LBE = 0x80, TXE = 0x100, RXE = 0x200, DTR = 0x400, RTS = 0x800 };
enum { FEN = 0x10 };

static struct fake_host fake;

static int setup(void **state)
{
    (void)state;
    return fake_create_for(&fake, VMACCEL_ARCH_ARM64, 1 << 20, NULL, 0) == VMACCEL_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    device_set_destroy(&fake.set);
    return 0;
}

static uint32_t in(unsigned reg)
{
    return (uint32_t)bus_read(&fake.mmio, &fake.cursor, BASE + reg, 4);
}

static void out(unsigned reg, uint32_t value)
{
    bus_write(&fake.mmio, &fake.cursor, BASE + reg, 4, value);
}

static size_t feed(const char *text)
{
    return device_set_console_input(&fake.set, (const uint8_t *)text, strlen(text));
}

static void test_output(void **state)
{
    (void)state;
    assert_int_equal(in(FR) & ~MODEM, TXFE | RXFE);
    out(DR, 'h');
    bus_write(&fake.mmio, &fake.cursor, BASE + DR, 1, 'i');
    out(DR, 0xABCDEF00 | '!');
    assert_int_equal(fake.console_size, 3);
    assert_memory_equal(fake.console, "hi!", 3);
}

static void test_identification(void **state)
{
    static const uint8_t id[8] = {0x11, 0x10, 0x14, 0, 0x0D, 0xF0, 0x05, 0xB1};

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        out(0xFE0 + 4 * i, UINT32_MAX);
        assert_int_equal(in(0xFE0 + 4 * i), id[i]);
    }
}

/* Reset values, and the bits that a register keeps. */
static void test_registers(void **state)
{
    static const struct {
        unsigned reg;
        uint32_t reset, kept;
    } regs[] = {
        {RSR, 0, 0},      {ILPR, 0, 0xff},     {IBRD, 0, 0xffff},  {FBRD, 0, 0x3f},
        {LCR_H, 0, 0xff}, {CR, 0x300, 0xffff}, {IFLS, 0x12, 0x3f}, {IMSC, 0, 0x7ff},
        {DMACR, 0, 7},    {0x4C, 0, 0},        {0x08, 0, 0},       {0x80, 0, 0},
        {0xFDC, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
        assert_int_equal(in(regs[i].reg), regs[i].reset);
        out(regs[i].reg, UINT32_MAX);
        assert_int_equal(in(regs[i].reg), regs[i].kept);
        out(regs[i].reg, 0);
        assert_int_equal(in(regs[i].reg), 0);
    }
    out(FR, UINT32_MAX);
    out(MIS, UINT32_MAX);
    assert_int_equal(in(FR) & ~MODEM, TXFE | RXFE);
    assert_int_equal(in(ICR), 0);
}

static void test_odd_accesses(void **state)
{
    (void)state;
    out(IBRD, 0x1234);
    assert_int_equal(bus_read(&fake.mmio, &fake.cursor, BASE + IBRD, 1), 0x34);
    assert_int_equal(bus_read(&fake.mmio, &fake.cursor, BASE + IBRD, 2), 0x1234);
    assert_int_equal(bus_read(&fake.mmio, &fake.cursor, BASE + IBRD + 1, 1), 0);
    assert_int_equal(bus_read(&fake.mmio, &fake.cursor, BASE + IBRD + 2, 2), 0);
    bus_write(&fake.mmio, &fake.cursor, BASE + IBRD + 1, 2, 0xffff);
    assert_int_equal(in(IBRD), 0x1234);
    out(FBRD, 0x3f);
    /* A doubleword is the two registers that it covers. */
    assert_true(bus_read(&fake.mmio, &fake.cursor, BASE + IBRD, 8) == 0x3f00001234);
    bus_write(&fake.mmio, &fake.cursor, BASE + DR + 1, 4, 0x41414141);
    assert_int_equal(fake.console_size, 0);
}

static void test_transmit_interrupt(void **state)
{
    (void)state;
    out(IMSC, TX);
    assert_int_equal(fake.lines[IRQ], 0);
    out(DR, 'a');
    assert_int_equal(in(RIS), TX);
    assert_int_equal(in(MIS), TX);
    assert_int_equal(fake.lines[IRQ], 1);
    out(IMSC, 0);
    assert_int_equal(in(MIS), 0);
    assert_int_equal(in(RIS), TX);
    assert_int_equal(fake.lines[IRQ], 0);
    out(IMSC, TX);
    assert_int_equal(fake.lines[IRQ], 1);
    out(ICR, TX);
    assert_int_equal(in(RIS), 0);
    assert_int_equal(fake.lines[IRQ], 0);
    assert_int_equal(fake.rises[IRQ], 2);
}

static void test_receive_without_fifo(void **state)
{
    (void)state;
    assert_int_equal(feed("ab"), 2);
    assert_int_equal(in(FR) & (RXFE | RXFF), RXFF);
    out(IMSC, RX);
    assert_int_equal(fake.lines[IRQ], 1);
    assert_int_equal(in(DR), 'a');
    assert_int_equal(fake.lines[IRQ], 1);
    assert_int_equal(in(DR), 'b');
    assert_int_equal(fake.lines[IRQ], 0);
    assert_int_equal(in(FR) & (RXFE | RXFF), RXFE);
    assert_int_equal(in(DR), 0);
}

static void test_fifo_levels(void **state)
{
    static const uint32_t levels[] = {2, 4, 8, 12, 14};

    (void)state;
    out(LCR_H, FEN);
    for (uint32_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        out(IFLS, i << 3);
        out(IMSC, RX);
        for (uint32_t n = 1; n <= 16; n++) {
            assert_int_equal(feed("x"), 1);
            assert_int_equal(fake.lines[IRQ], n >= levels[i]);
            assert_int_equal(in(FR) & (RXFE | RXFF), n == 16 ? RXFF : 0);
        }
        for (uint32_t n = 15; n < 16; n--) {
            assert_int_equal(in(DR), 'x');
            assert_int_equal(fake.lines[IRQ], n >= levels[i]);
        }
        assert_int_equal(in(FR) & (RXFE | RXFF), RXFE);
    }
}

static void test_receive_timeout(void **state)
{
    (void)state;
    out(LCR_H, FEN);
    out(IMSC, RX | RT);
    assert_int_equal(feed("abc"), 3);
    assert_int_equal(in(MIS), RT);
    assert_int_equal(fake.lines[IRQ], 1);
    assert_int_equal(in(DR), 'a');
    assert_int_equal(in(DR), 'b');
    assert_int_equal(in(MIS), RT);
    assert_int_equal(in(DR), 'c');
    assert_int_equal(in(RIS), 0);
    assert_int_equal(fake.lines[IRQ], 0);
    /* Cleared by hand it comes back with the next byte. */
    assert_int_equal(feed("d"), 1);
    out(ICR, RT);
    assert_int_equal(fake.lines[IRQ], 0);
    assert_int_equal(feed("e"), 1);
    assert_int_equal(fake.lines[IRQ], 1);
}

/* Linux drains the FIFO with the interrupts masked before it enables them and raises RTS. */
static void test_input_survives_the_start_of_a_driver(void **state)
{
    (void)state;
    out(IMSC, 0);
    out(ICR, 0xffff);
    assert_int_equal(feed("typed early"), 11);
    out(LCR_H, FEN);
    out(CR, UARTEN | RXE | TXE);
    for (int i = 0; i < 32; i++) {
        assert_true(in(FR)&RXFE);
        assert_int_equal(in(DR), 0);
    }
    out(DR, 'x');
    out(ICR, RX | RT);
    out(IMSC, RX | RT);
    assert_int_equal(fake.lines[IRQ], 1);
    for (const char *c = "typed early"; *c != '\0'; c++)
        assert_int_equal(in(DR), *c);
    assert_int_equal(fake.lines[IRQ], 0);
}

static void test_rts_opens_the_line(void **state)
{
    (void)state;
    out(IMSC, 0);
    out(CR, UARTEN | RXE | TXE);
    assert_int_equal(feed("r"), 1);
    assert_true(in(FR)&RXFE);
    out(CR, UARTEN | RXE | TXE | RTS);
    assert_false(in(FR)&RXFE);
    /* A disabled receiver takes nothing, and loses nothing. */
    out(CR, UARTEN | TXE | RTS);
    assert_true(in(FR)&RXFE);
    assert_int_equal(in(DR), 0);
    out(CR, UARTEN | RXE | TXE | RTS);
    assert_int_equal(in(DR), 'r');
}

/* A program without interrupts that waits in a loop. */
static void test_polling_opens_the_line(void **state)
{
    int looks = 0;

    (void)state;
    out(IMSC, 0);
    out(CR, UARTEN | RXE | TXE);
    assert_int_equal(feed("p"), 1);
    while ((in(FR)&RXFE) && looks < 1000)
        looks++;
    assert_in_range(looks, 33, 999);
    assert_int_equal(in(DR), 'p');
    assert_int_equal(feed("q"), 1);
    out(DR, 'p');
    assert_false(in(FR)&RXFE);
    assert_int_equal(in(DR), 'q');
}

static void test_back_pressure(void **state)
{
    static char much[5000];
    size_t taken;

    (void)state;
    memset(much, 'm', sizeof(much) - 1);
    taken = feed(much);
    assert_int_equal(taken, 4096);
    assert_int_equal(feed("more"), 0);
    for (size_t i = 0; i < taken; i++)
        assert_int_equal(in(DR), 'm');
    assert_true(in(FR)&RXFE);
    assert_int_equal(feed("more"), 4);
    assert_int_equal(in(DR), 'm');
    assert_int_equal(in(DR), 'o');
}

/* More waits than the FIFO holds: each byte read lets one move up, which is an arrival. */
static void test_long_input_keeps_interrupting(void **state)
{
    unsigned count = 0;

    (void)state;
    out(LCR_H, FEN);
    out(IMSC, RX | RT);
    assert_int_equal(feed("0123456789012345678901234567890123456789"), 40);
    while (fake.lines[IRQ] && count < 100) {
        out(ICR, RX | RT);
        assert_int_equal(in(DR), '0' + count % 10);
        count++;
        if (count >= 24) /* the rest are in the FIFO: nothing arrives any more */
            break;
    }
    assert_int_equal(count, 24);
    for (; count < 40; count++)
        assert_int_equal(in(DR), '0' + count % 10);
    assert_true(in(FR)&RXFE);
}

static void test_loopback(void **state)
{
    (void)state;
    assert_int_equal(feed("outside"), 7);
    out(CR, UARTEN | RXE | TXE | LBE | RTS);
    assert_int_equal(in(FR)&MODEM, 1);
    out(CR, UARTEN | RXE | TXE | LBE | DTR | 0x3000);
    assert_int_equal(in(FR)&MODEM, 0x106);
    assert_true(in(FR)&RXFE);
    out(DR, 'L');
    assert_int_equal(fake.console_size, 0);
    assert_int_equal(in(FR) & (RXFE | RXFF), RXFF);
    assert_int_equal(in(RIS) & (RX | RT), RX | RT);
    out(DR, 'M');
    assert_int_equal(in(RIS)&OE, OE);
    assert_int_equal(in(DR), 0x800 | 'L');
    assert_int_equal(in(RSR), 8);
    out(RSR, 0);
    assert_int_equal(in(RSR), 0);
    out(ICR, OE);
    assert_int_equal(in(RIS) & (OE | RX | RT), 0);
    out(CR, UARTEN | RXE | TXE | RTS);
    assert_int_equal(in(FR)&MODEM, 7);
    assert_int_equal(in(DR), 'o');
}

static void test_modem_interrupts(void **state)
{
    (void)state;
    out(IMSC, 0xf);
    assert_int_equal(fake.lines[IRQ], 0);
    out(CR, UARTEN | LBE); /* all lines drop */
    assert_int_equal(in(MIS), 0xe);
    assert_int_equal(fake.lines[IRQ], 1);
    out(ICR, 0xf);
    assert_int_equal(fake.lines[IRQ], 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_output),
        CASE(test_identification),
        CASE(test_registers),
        CASE(test_odd_accesses),
        CASE(test_transmit_interrupt),
        CASE(test_receive_without_fifo),
        CASE(test_fifo_levels),
        CASE(test_receive_timeout),
        CASE(test_input_survives_the_start_of_a_driver),
        CASE(test_rts_opens_the_line),
        CASE(test_polling_opens_the_line),
        CASE(test_back_pressure),
        CASE(test_long_input_keeps_interrupting),
        CASE(test_loopback),
        CASE(test_modem_interrupts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
