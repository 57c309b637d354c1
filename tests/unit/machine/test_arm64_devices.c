/* SPDX-License-Identifier: BSD-2-Clause */
/* PL031, debug-exit and debug console of AArch64 machines, and which devices they can have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_host.h"

#define RTC           0x09010000u
#define DEBUG_CONSOLE 0x090E0000u
#define DEBUG_EXIT    0x090F0000u
#define IRQ           2
#define SECOND        UINT64_C(1000000000)
#define NOW           UINT32_C(1700000000)

enum { DR = 0, MR = 4, LR = 8, CR = 12, IMSC = 16, RIS = 20, MIS = 24, ICR = 28 };

static struct fake_host fake;

static int setup(void **state)
{
    (void)state;
    if (fake_create_for(&fake, VMACCEL_ARCH_ARM64, 1 << 20, NULL, 0) != VMACCEL_OK)
        return -1;
    fake.wall_ns = (int64_t)(NOW * SECOND + SECOND / 4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_set_destroy(&fake.set);
    return 0;
}

static uint32_t read_at(uint64_t address, uint8_t size)
{
    return (uint32_t)bus_read(&fake.mmio, &fake.cursor, address, size);
}

static void write_at(uint64_t address, uint8_t size, uint32_t value)
{
    bus_write(&fake.mmio, &fake.cursor, address, size, value);
}

static uint32_t in(unsigned reg)
{
    return read_at(RTC + reg, 4);
}

static void out(unsigned reg, uint32_t value)
{
    write_at(RTC + reg, 4, value);
}

static void test_clock(void **state)
{
    (void)state;
    assert_int_equal(in(DR), NOW);
    fake_advance(&fake, SECOND);
    assert_int_equal(in(DR), NOW + 1);
    out(DR, 5);
    assert_int_equal(in(DR), NOW + 1);
    out(LR, 100);
    assert_int_equal(in(LR), 100);
    assert_int_equal(in(DR), 100);
    fake_advance(&fake, 7 * SECOND);
    assert_int_equal(in(DR), 107);
    assert_int_equal(in(LR), 100);
    assert_int_equal(in(CR), 1);
    out(CR, 0);
    assert_int_equal(in(CR), 1);
    out(LR, UINT32_MAX);
    fake_advance(&fake, 2 * SECOND);
    assert_int_equal(in(DR), 1);
}

static void test_identification_and_odd_accesses(void **state)
{
    static const uint8_t id[8] = {0x31, 0x10, 0x14, 0, 0x0D, 0xF0, 0x05, 0xB1};

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(in(0xFE0 + 4 * i), id[i]);
    assert_int_equal(in(0x20), 0);
    assert_int_equal(in(ICR), 0);
    assert_int_equal(read_at(RTC + DR + 1, 1), 0);
    assert_int_equal(read_at(RTC + DR, 2), NOW & 0xffff);
    write_at(RTC + LR + 2, 2, 0xffff);
    assert_int_equal(in(DR), NOW);
}

static void test_match(void **state)
{
    (void)state;
    out(MR, NOW + 10);
    out(IMSC, 0xff);
    assert_int_equal(in(MR), NOW + 10);
    assert_int_equal(in(IMSC), 1);
    assert_int_equal(in(RIS), 0);
    fake_advance(&fake, 9 * SECOND);
    assert_int_equal(in(RIS), 0);
    /* It fires as the second begins. */
    fake_advance(&fake, SECOND * 3 / 4);
    assert_int_equal(in(DR), NOW + 10);
    assert_int_equal(in(RIS), 1);
    assert_int_equal(in(MIS), 1);
    assert_int_equal(fake.lines[IRQ], 1);
    out(IMSC, 0);
    assert_int_equal(in(MIS), 0);
    assert_int_equal(in(RIS), 1);
    assert_int_equal(fake.lines[IRQ], 0);
    out(IMSC, 1);
    out(ICR, 0);
    assert_int_equal(fake.lines[IRQ], 1);
    out(ICR, 1);
    assert_int_equal(in(RIS), 0);
    assert_int_equal(fake.lines[IRQ], 0);
    fake_advance(&fake, 100 * SECOND);
    assert_int_equal(in(RIS), 0);
}

static void test_match_now_past_and_moved(void **state)
{
    (void)state;
    out(IMSC, 1);
    out(MR, NOW - 1);
    fake_advance(&fake, 10 * SECOND);
    assert_int_equal(fake.lines[IRQ], 0);
    out(MR, NOW + 10);
    assert_int_equal(fake.lines[IRQ], 1);
    out(ICR, 1);
    /* The guest sets its clock to just before the match. */
    out(MR, 5000);
    out(LR, 4999);
    assert_int_equal(fake.lines[IRQ], 0);
    fake_advance(&fake, SECOND);
    assert_int_equal(fake.lines[IRQ], 1);
    out(ICR, 1);
    /* The host's clock jumps over the match. */
    out(MR, 6000);
    fake.wall_ns += (int64_t)(5000 * SECOND);
    fake_advance(&fake, 1000 * SECOND);
    assert_int_equal(fake.lines[IRQ], 1);
}

static void test_debug_devices(void **state)
{
    (void)state;
    assert_int_equal(read_at(DEBUG_CONSOLE, 1), 0xe9);
    write_at(DEBUG_CONSOLE, 1, 'd');
    assert_int_equal(fake.console_size, 1);
    assert_int_equal(read_at(DEBUG_EXIT, 4), 0);
    assert_int_equal(fake.stops, 0);
    write_at(DEBUG_EXIT, 4, 0x12345);
    assert_int_equal(fake.stops, 1);
    assert_int_equal(fake.outcome, VMACCEL_MACHINE_DEBUG_EXIT);
    assert_int_equal(fake.code, 0x12345);
}

static void test_unclaimed(void **state)
{
    (void)state;
    assert_int_equal(read_at(0x09002000, 4), UINT32_MAX);
    write_at(0x09002000, 4, 0);
    assert_int_equal(read_at(0x0901fffe, 4), UINT32_MAX);
    assert_int_equal(fake.ports.count, 0);
}

static void test_devices_of_another_architecture(void **state)
{
    static const char *const pc[] = {"i8042"}, *const arm[] = {"pl011"},
                             *const exit[] = {"debug-exit,iobase=0xA000000"};
    struct fake_host other;

    (void)state;
    assert_int_equal(fake_create_for(&other, VMACCEL_ARCH_ARM64, 1 << 20, pc, 1),
                     VMACCEL_E_INVALID_ARGUMENT);
    assert_non_null(strstr(vmaccel_last_error()->text,
                           "\"i8042\" for aarch64; there are pl011, pl031, debug-console, "
                           "debug-exit"));
    assert_int_equal(fake_create(&other, 1 << 20, arm, 1), VMACCEL_E_INVALID_ARGUMENT);
    assert_non_null(strstr(vmaccel_last_error()->text, "\"pl011\" for x86_64; there are serial,"));
    assert_int_equal(fake_create_for(&other, VMACCEL_ARCH_ARM64, 1 << 20, exit, 1), VMACCEL_OK);
    bus_write(&other.mmio, &other.cursor, 0xA000000, 1, 3);
    assert_int_equal(other.code, 3);
    device_set_destroy(&other.set);
}

static void test_help_tells_the_architecture(void **state)
{
    unsigned both = 0, x86 = 0, arm64 = 0;
    const char *name;
    size_t count = 0;

    (void)state;
    while (vmaccel_machine_device_help(count, &name, NULL, NULL)) {
        bool pc = vmaccel_machine_device_is_for(count, VMACCEL_ARCH_X86_64);
        bool arm = vmaccel_machine_device_is_for(count, VMACCEL_ARCH_ARM64);

        both += pc && arm;
        x86 += pc;
        arm64 += arm;
        assert_true(pc || arm);
        count++;
    }
    assert_int_equal(both, 2);
    assert_int_equal(arm64, 4);
    assert_int_equal(x86 + arm64 - both, count);
    assert_false(vmaccel_machine_device_is_for(count, VMACCEL_ARCH_ARM64));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_clock),
        CASE(test_identification_and_odd_accesses),
        CASE(test_match),
        CASE(test_match_now_past_and_moved),
        CASE(test_debug_devices),
        CASE(test_unclaimed),
        CASE(test_devices_of_another_architecture),
        CASE(test_help_tells_the_architecture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
