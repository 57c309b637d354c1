/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/serial_reg.h>

#include "fake_host.h"

#define COM1 0x3f8
#define IRQ  4

static struct fake_host fake;

static int setup(void **state)
{
    (void)state;
    return fake_create(&fake, 1 << 20, NULL, 0) == VMACCEL_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    device_set_destroy(&fake.set);
    return 0;
}

static uint8_t in(int reg)
{
    return (uint8_t)fake_in(&fake, (uint16_t)(COM1 + reg), 1);
}

static void out(int reg, uint8_t value)
{
    fake_out(&fake, (uint16_t)(COM1 + reg), 1, value);
}

static size_t feed(const char *text)
{
    return device_set_console_input(&fake.set, (const uint8_t *)text, strlen(text));
}

static void test_output(void **state)
{
    (void)state;
    assert_int_equal(in(UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
    out(UART_TX, 'h');
    out(UART_TX, 'i');
    assert_int_equal(in(UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
    assert_int_equal(fake.console_size, 2);
    assert_memory_equal(fake.console, "hi", 2);
}

static void test_divisor_latch(void **state)
{
    (void)state;
    out(UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
    out(UART_DLL, 0x01);
    out(UART_DLM, 0x02);
    assert_int_equal(in(UART_DLL), 0x01);
    assert_int_equal(in(UART_DLM), 0x02);
    out(UART_LCR, UART_LCR_WLEN8);
    assert_int_equal(in(UART_LCR), UART_LCR_WLEN8);
    assert_int_equal(in(UART_IER), 0);
    assert_int_equal(fake.console_size, 0);
}

/* The steps by which Linux's 8250 driver tells a 16550A from its relatives. */
static void test_detected_as_16550a(void **state)
{
    uint8_t mcr, iir;

    (void)state;
    out(UART_IER, 0);
    assert_int_equal(in(UART_IER)&0x0f, 0);
    out(UART_IER, 0x0f);
    assert_int_equal(in(UART_IER), 0x0f);
    out(UART_IER, 0xff);
    assert_int_equal(in(UART_IER), 0x0f);
    out(UART_IER, 0);

    mcr = in(UART_MCR);
    out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
    assert_int_equal(in(UART_MSR)&0xf0, UART_MSR_DCD | UART_MSR_CTS);
    out(UART_MCR, mcr);

    out(UART_LCR, UART_LCR_CONF_MODE_B);
    out(UART_EFR, 0);
    out(UART_LCR, 0);
    out(UART_FCR, UART_FCR_ENABLE_FIFO);
    iir = in(UART_IIR);
    assert_int_equal(iir >> 6, 3);

    /* No enhanced-feature register, no 64-byte FIFO, no SuperIO bank, no XScale. */
    out(UART_LCR, UART_LCR_CONF_MODE_A);
    assert_int_not_equal(in(UART_EFR), 0);
    out(UART_LCR, UART_LCR_CONF_MODE_B);
    assert_int_not_equal(in(UART_EFR), 0);
    out(UART_LCR, 0xe0);
    assert_int_equal(in(0x02) & UART_MCR_LOOP, 0);
    out(UART_LCR, 0);
    out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR7_64BYTE);
    assert_int_equal(in(UART_IIR) >> 5, 6);
    out(UART_LCR, UART_LCR_DLAB);
    out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR7_64BYTE);
    assert_int_equal(in(UART_IIR) >> 5, 6);
    out(UART_LCR, 0);
    out(UART_IER, UART_IER_UUE);
    assert_int_equal(in(UART_IER)&UART_IER_UUE, 0);

    out(UART_SCR, 0x5a);
    assert_int_equal(in(UART_SCR), 0x5a);
}

/* Linux's test for UARTs that do not re-raise the transmitter interrupt. */
static void test_transmitter_interrupt(void **state)
{
    (void)state;
    out(UART_MCR, UART_MCR_OUT2);
    for (int i = 0; i < 3; i++) {
        out(UART_IER, UART_IER_THRI);
        assert_int_equal(fake.lines[IRQ], 1);
        assert_int_equal(in(UART_IIR)&0x0f, UART_IIR_THRI);
        assert_int_equal(fake.lines[IRQ], 0);
        assert_int_equal(in(UART_IIR)&0x0f, UART_IIR_NO_INT);
        out(UART_IER, 0);
    }
    /* Writing a byte empties the transmitter again. */
    out(UART_IER, UART_IER_THRI);
    (void)in(UART_IIR);
    out(UART_TX, 'x');
    assert_int_equal(fake.lines[IRQ], 1);
    assert_int_equal(in(UART_IIR)&0x0f, UART_IIR_THRI);
    assert_int_equal(fake.lines[IRQ], 0);
}

static void test_out2_gates_the_interrupt(void **state)
{
    (void)state;
    out(UART_IER, UART_IER_THRI);
    assert_int_equal(fake.lines[IRQ], 0);
    out(UART_MCR, UART_MCR_OUT2);
    assert_int_equal(fake.lines[IRQ], 1);
    out(UART_MCR, 0);
    assert_int_equal(fake.lines[IRQ], 0);
}

static void test_input(void **state)
{
    (void)state;
    out(UART_MCR, UART_MCR_OUT2 | UART_MCR_RTS);
    out(UART_IER, UART_IER_RDI);
    assert_int_equal(feed("ab"), 2);
    assert_int_equal(fake.lines[IRQ], 1);
    assert_int_equal(in(UART_IIR), UART_IIR_RDI);
    assert_int_equal(in(UART_LSR)&UART_LSR_DR, UART_LSR_DR);
    assert_int_equal(in(UART_RX), 'a');
    assert_int_equal(fake.lines[IRQ], 1);
    assert_int_equal(in(UART_RX), 'b');
    assert_int_equal(fake.lines[IRQ], 0);
    assert_int_equal(in(UART_LSR)&UART_LSR_DR, 0);
    assert_int_equal(in(UART_RX), 0);
}

static void test_fifo_trigger(void **state)
{
    (void)state;
    out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_8);
    out(UART_MCR, UART_MCR_OUT2 | UART_MCR_RTS);
    out(UART_IER, UART_IER_RDI);
    assert_int_equal(feed("1234567"), 7);
    assert_int_equal(in(UART_IIR)&0x0f, UART_IIR_RX_TIMEOUT);
    assert_int_equal(feed("8"), 1);
    assert_int_equal(in(UART_IIR)&0x0f, UART_IIR_RDI);
    out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_TRIGGER_8);
    assert_int_equal(in(UART_LSR)&UART_LSR_DR, 0);
    assert_int_equal(fake.lines[IRQ], 0);
}

static void test_input_waits_for_rts(void **state)
{
    (void)state;
    out(UART_MCR, UART_MCR_OUT2);
    assert_int_equal(feed("early"), 5);
    assert_int_equal(in(UART_LSR)&UART_LSR_DR, 0);
    assert_int_equal(in(UART_RX), 0);
    out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
    out(UART_MCR, UART_MCR_OUT2 | UART_MCR_RTS);
    assert_int_equal(in(UART_RX), 'e');
}

static void test_back_pressure(void **state)
{
    static uint8_t block[3000];
    size_t taken = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = (uint8_t)(i * 7);
    taken = device_set_console_input(&fake.set, block, sizeof(block));
    assert_int_equal(taken, sizeof(block));
    taken += device_set_console_input(&fake.set, block, sizeof(block));
    assert_int_equal(taken, 4096);
    assert_int_equal(device_set_console_input(&fake.set, block, 1), 0);
    out(UART_MCR, UART_MCR_RTS);
    for (size_t i = 0; i < 4096; i++)
        assert_int_equal(in(UART_RX), (uint8_t)(i % 3000 * 7));
    assert_int_equal(in(UART_LSR)&UART_LSR_DR, 0);
    assert_int_equal(device_set_console_input(&fake.set, block, 1), 1);
}

static void test_loopback(void **state)
{
    (void)state;
    out(UART_FCR, UART_FCR_ENABLE_FIFO);
    out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2);
    feed("outside");
    assert_int_equal(in(UART_LSR)&UART_LSR_DR, 0);
    for (int i = 0; i < 16; i++)
        out(UART_TX, (uint8_t)('a' + i));
    assert_int_equal(in(UART_LSR)&UART_LSR_OE, 0);
    out(UART_IER, UART_IER_RLSI);
    out(UART_TX, 'z');
    assert_int_equal(in(UART_IIR)&0x0f, UART_IIR_RLSI);
    assert_int_equal(in(UART_LSR)&UART_LSR_OE, UART_LSR_OE);
    assert_int_equal(in(UART_LSR)&UART_LSR_OE, 0);
    for (int i = 0; i < 16; i++)
        assert_int_equal(in(UART_RX), 'a' + i);
    assert_int_equal(in(UART_LSR)&UART_LSR_DR, 0);
    assert_int_equal(fake.console_size, 0);
}

static void test_modem_status(void **state)
{
    (void)state;
    assert_int_equal(in(UART_MSR), UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS);
    out(UART_IER, UART_IER_MSI);
    out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT1 | UART_MCR_OUT2);
    assert_int_equal(in(UART_IIR)&0x0f, UART_IIR_MSI);
    assert_int_equal(in(UART_MSR), UART_MSR_DCD | UART_MSR_RI | UART_MSR_DCTS | UART_MSR_DDSR);
    assert_int_equal(in(UART_IIR)&0x0f, UART_IIR_NO_INT);
    out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2);
    assert_int_equal(in(UART_MSR), UART_MSR_DCD | UART_MSR_TERI);
}

static void test_interrupt_priority(void **state)
{
    (void)state;
    out(UART_FCR, UART_FCR_ENABLE_FIFO);
    out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2);
    for (int i = 0; i < 17; i++)
        out(UART_TX, 'x');
    out(UART_IER, 0x0f);
    assert_int_equal(in(UART_IIR)&0x0f, UART_IIR_RLSI);
    (void)in(UART_LSR);
    assert_int_equal(in(UART_IIR)&0x0f, UART_IIR_RDI);
    for (int i = 0; i < 16; i++)
        (void)in(UART_RX);
    assert_int_equal(in(UART_IIR)&0x0f, UART_IIR_THRI);
    assert_int_equal(in(UART_IIR)&0x0f, UART_IIR_MSI);
    (void)in(UART_MSR);
    assert_int_equal(in(UART_IIR)&0x0f, UART_IIR_NO_INT);
}

static void test_more_ports(void **state)
{
    static const char *const two[] = {"serial", "serial,com=3,console=on"};
    static const char *const twice[] = {"serial", "serial,com=2"};
    static const char *const bad[] = {"serial,com=5"};
    static const char *const bad_console[] = {"serial,console=yes"};
    struct fake_host other;

    (void)state;
    assert_int_equal(fake_create(&other, 1 << 20, two, 2), VMACCEL_OK);
    fake_out(&other, 0x2f8 + UART_SCR, 1, 2);
    fake_out(&other, 0x3e8 + UART_SCR, 1, 3);
    assert_int_equal(fake_in(&other, 0x2f8 + UART_SCR, 1), 2);
    assert_int_equal(fake_in(&other, 0x3e8 + UART_SCR, 1), 3);
    assert_int_equal(fake_in(&other, 0x2e8 + UART_SCR, 1), 0xff);
    fake_out(&other, 0x2f8, 1, 'n');
    fake_out(&other, 0x3e8, 1, 'y');
    assert_int_equal(other.console_size, 1);
    assert_int_equal(other.console[0], 'y');
    device_set_destroy(&other.set);

    assert_int_equal(fake_create(&other, 1 << 20, twice, 2), VMACCEL_E_EXISTS);
    assert_int_equal(fake_create(&other, 1 << 20, bad, 1), VMACCEL_E_INVALID_ARGUMENT);
    assert_non_null(strstr(vmaccel_last_error()->text, "com=5"));
    assert_int_equal(fake_create(&other, 1 << 20, bad_console, 1), VMACCEL_E_INVALID_ARGUMENT);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_output),
        CASE(test_divisor_latch),
        CASE(test_detected_as_16550a),
        CASE(test_transmitter_interrupt),
        CASE(test_out2_gates_the_interrupt),
        CASE(test_input),
        CASE(test_fifo_trigger),
        CASE(test_input_waits_for_rts),
        CASE(test_back_pressure),
        CASE(test_loopback),
        CASE(test_modem_status),
        CASE(test_interrupt_priority),
        CASE(test_more_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
