/* SPDX-License-Identifier: BSD-2-Clause */
/* The PC's small devices, and how devices are named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_host.h"

#define GIB (UINT64_C(1) << 30)

static struct fake_host fake;

static int setup(void **state)
{
    (void)state;
    return fake_create(&fake, 4 * GIB, NULL, 0) == VMACCEL_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    device_set_destroy(&fake.set);
    return 0;
}

static void test_i8042_as_linux_probes_it(void **state)
{
    (void)state;
    /* Not 0xff, unlocked, nothing to flush. */
    assert_int_equal(fake_in(&fake, 0x64, 1), 0x14);
    /* The configuration byte reads the same twice, and back as written. */
    for (int i = 0; i < 2; i++) {
        fake_out(&fake, 0x64, 1, 0x20);
        assert_int_equal(fake_in(&fake, 0x64, 1) & 1, 1);
        assert_int_equal(fake_in(&fake, 0x60, 1), 0x74);
        assert_int_equal(fake_in(&fake, 0x64, 1) & 1, 0);
    }
    fake_out(&fake, 0x64, 1, 0x60);
    fake_out(&fake, 0x60, 1, 0x30);
    fake_out(&fake, 0x64, 1, 0x20);
    assert_int_equal(fake_in(&fake, 0x60, 1), 0x30);
    /* Self test passes; there is no auxiliary port. */
    fake_out(&fake, 0x64, 1, 0xaa);
    assert_int_equal(fake_in(&fake, 0x60, 1), 0x55);
    fake_out(&fake, 0x64, 1, 0xd3);
    fake_out(&fake, 0x60, 1, 0x5a);
    assert_int_equal(fake_in(&fake, 0x64, 1) & 0x21, 0x01);
    assert_int_equal(fake_in(&fake, 0x60, 1), 0x5a);
    fake_out(&fake, 0x64, 1, 0xa9);
    assert_int_equal(fake_in(&fake, 0x60, 1), 0x01);
    assert_int_equal(fake.stops, 0);
}

static void test_i8042_without_keyboard(void **state)
{
    (void)state;
    fake_out(&fake, 0x64, 1, 0x60);
    fake_out(&fake, 0x60, 1, 0x01);
    fake_out(&fake, 0x60, 1, 0xf2);
    assert_int_equal(fake.lines[1], 1);
    assert_int_equal(fake_in(&fake, 0x64, 1) & 0x41, 0x41);
    assert_int_equal(fake_in(&fake, 0x60, 1), 0xfe);
    assert_int_equal(fake.lines[1], 0);
    assert_int_equal(fake_in(&fake, 0x64, 1) & 0x41, 0);
}

static void test_resets(void **state)
{
    static const struct {
        uint16_t port[2];
        uint8_t value[2];
    } ways[] = {{{0x64, 0x64}, {0xaa, 0xfe}},
                {{0x64, 0x60}, {0xd1, 0x02}},
                {{0x92, 0x92}, {0x02, 0x03}},
                {{0xcf9, 0xcf9}, {0x02, 0x06}}};

    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        fake.stops = 0;
        fake_out(&fake, ways[i].port[0], 1, ways[i].value[0]);
        assert_int_equal(fake.stops, 0);
        fake_out(&fake, ways[i].port[1], 1, ways[i].value[1]);
        assert_int_equal(fake.stops, 1);
        assert_int_equal(fake.outcome, VMACCEL_MACHINE_RESET);
    }
}

static void test_no_reset_by_accident(void **state)
{
    (void)state;
    fake_out(&fake, 0x64, 1, 0xd1);
    fake_out(&fake, 0x60, 1, 0xdf);
    fake_out(&fake, 0x64, 1, 0xff);
    fake_out(&fake, 0x92, 1, 0x02);
    assert_int_equal(fake_in(&fake, 0x92, 1), 0x02);
    fake_out(&fake, 0xcf8, 4, 0x80000600);
    fake_out(&fake, 0xcf9, 1, 0x0a);
    assert_int_equal(fake_in(&fake, 0xcf9, 1), 0x0a);
    assert_int_equal(fake.stops, 0);
}

static void test_pci_is_empty(void **state)
{
    (void)state;
    fake_out(&fake, 0xcf8, 4, 0);
    fake_out(&fake, 0xcfb, 1, 1);
    assert_int_equal(fake_in(&fake, 0xcf8, 4), 0);
    for (uint32_t address = 0x80000000; address < 0x80000000 + 0x10000; address += 0x100) {
        fake_out(&fake, 0xcf8, 4, address);
        assert_true(fake_in(&fake, 0xcf8, 4) == address);
        assert_true(fake_in(&fake, 0xcfc, 4) == 0xffffffff);
        assert_true(fake_in(&fake, 0xcfe, 2) == 0xffff);
        fake_out(&fake, 0xcfc, 4, 0x12345678);
    }
}

static void test_acpi_power_off(void **state)
{
    (void)state;
    assert_int_equal(fake_in(&fake, 0x604, 2), 1);
    fake_out(&fake, 0x604, 2, 5 << 10 | 1);
    assert_int_equal(fake_in(&fake, 0x604, 2), 5 << 10 | 1);
    fake_out(&fake, 0x604, 2, 1 << 13 | 3 << 10);
    assert_int_equal(fake.stops, 0);
    assert_int_equal(fake_in(&fake, 0x604, 2), 3 << 10 | 1);
    fake_out(&fake, 0x604, 2, 1 << 13 | 5 << 10);
    assert_int_equal(fake.stops, 1);
    assert_int_equal(fake.outcome, VMACCEL_MACHINE_POWEROFF);
    fake_out(&fake, 0x605, 1, 1 << 5 | 5 << 2);
    assert_int_equal(fake.stops, 2);
}

static void test_acpi_events(void **state)
{
    (void)state;
    fake_out(&fake, 0x602, 2, 0x0121);
    assert_int_equal(fake_in(&fake, 0x602, 2), 0x0121);
    fake_out(&fake, 0x600, 2, 0xffff);
    assert_int_equal(fake_in(&fake, 0x600, 2), 0);
    assert_true(fake_in(&fake, 0x600, 4) == 0x01210000);
    assert_int_equal(fake.lines[9], 0);
}

static void test_pm_timer(void **state)
{
    (void)state;
    assert_int_equal(fake_in(&fake, 0x608, 4), 0);
    fake.clock_ns = 1000000000;
    assert_int_equal(fake_in(&fake, 0x608, 4), 3579545);
    fake_out(&fake, 0x608, 4, 7);
    assert_int_equal(fake_in(&fake, 0x608, 4), 3579545);
    /* 24 bits, and no overflow in 100 years. */
    fake.clock_ns = 100ull * 366 * 86400 * 1000000000;
    assert_int_equal(fake_in(&fake, 0x608, 4), 100ull * 366 * 86400 * 3579545 & 0xffffff);
}

static uint8_t cmos(uint8_t index)
{
    fake_out(&fake, 0x70, 1, index);
    return (uint8_t)fake_in(&fake, 0x71, 1);
}

static void set_cmos(uint8_t index, uint8_t value)
{
    fake_out(&fake, 0x70, 1, index | 0x80);
    fake_out(&fake, 0x71, 1, value);
}

static void expect_time(int century, int year, int month, int day, int weekday, int hour,
                        int minute, int second)
{
    assert_int_equal(cmos(0x32), century);
    assert_int_equal(cmos(9), year);
    assert_int_equal(cmos(8), month);
    assert_int_equal(cmos(7), day);
    assert_int_equal(cmos(6), weekday);
    assert_int_equal(cmos(4), hour);
    assert_int_equal(cmos(2), minute);
    assert_int_equal(cmos(0), second);
}

static void set_wall(int64_t seconds)
{
    fake.wall_ns = seconds * 1000000000 + 5;
}

static void test_rtc_time(void **state)
{
    (void)state;
    set_wall(0);
    expect_time(0x19, 0x70, 0x01, 0x01, 5, 0x00, 0x00, 0x00);
    set_wall(951782399); /* 2000-02-28 23:59:59, a Monday */
    expect_time(0x20, 0x00, 0x02, 0x28, 2, 0x23, 0x59, 0x59);
    set_wall(951782400);
    expect_time(0x20, 0x00, 0x02, 0x29, 3, 0x00, 0x00, 0x00);
    set_wall(951868800);
    expect_time(0x20, 0x00, 0x03, 0x01, 4, 0x00, 0x00, 0x00);
    set_wall(1767225599); /* 2025-12-31 23:59:59, a Wednesday */
    expect_time(0x20, 0x25, 0x12, 0x31, 4, 0x23, 0x59, 0x59);
    set_wall(1767225600);
    expect_time(0x20, 0x26, 0x01, 0x01, 5, 0x00, 0x00, 0x00);

    set_wall(1767225599);
    set_cmos(0x0b, 0x06);
    expect_time(20, 25, 12, 31, 4, 23, 59, 59);
    set_cmos(0x0b, 0x00);
    assert_int_equal(cmos(4), 0x91);
    set_wall(1767225600);
    assert_int_equal(cmos(4), 0x12);
    assert_int_equal(cmos(0x0d) & 0x80, 0x80);
    assert_int_equal(cmos(0x0b), 0);
}

static void test_rtc_can_be_set(void **state)
{
    (void)state;
    set_wall(1767225600);
    set_cmos(0x0b, 0x82);
    set_cmos(0x32, 0x19);
    set_cmos(9, 0x99);
    set_cmos(8, 0x12);
    set_cmos(7, 0x31);
    set_cmos(4, 0x23);
    set_cmos(2, 0x59);
    set_cmos(0, 0x50);
    set_wall(1767225700);
    assert_int_equal(cmos(0), 0x50);
    set_cmos(0x0b, 0x02);
    expect_time(0x19, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x50);
    set_wall(1767225710);
    expect_time(0x20, 0x00, 0x01, 0x01, 7, 0x00, 0x00, 0x00);
}

static void test_rtc_update_flags(void **state)
{
    (void)state;
    fake.wall_ns = 1000000000ll * 5 - 1000;
    assert_int_equal(cmos(0x0a) & 0x80, 0x80);
    (void)cmos(0x0c);
    assert_int_equal(cmos(0x0c), 0);
    fake.wall_ns += 2000;
    assert_int_equal(cmos(0x0a) & 0x80, 0);
    assert_int_equal(cmos(0x0c), 0x10);
    assert_int_equal(cmos(0x0c), 0);
}

static void test_rtc_survives_garbage(void **state)
{
    (void)state;
    set_wall(1767225600);
    for (int value = 0; value < 256; value++) {
        for (uint8_t index = 0; index < 128; index++)
            set_cmos(index, (uint8_t)(value ^ index));
        for (uint8_t index = 0; index < 128; index++)
            (void)cmos(index);
    }
    set_cmos(0x0f, 0x0a);
    assert_int_equal(cmos(0x0f), 0x0a);
}

static void test_cmos_memory_size(void **state)
{
    (void)state;
    assert_int_equal(cmos(0x15) | cmos(0x16) << 8, 640);
    assert_int_equal(cmos(0x30) | cmos(0x31) << 8, 0xffff);
    assert_int_equal(cmos(0x34) | cmos(0x35) << 8, (3 * GIB - (16 << 20)) >> 16);
    assert_int_equal(cmos(0x5b) | cmos(0x5c) << 8 | cmos(0x5d) << 16, GIB >> 16);
    assert_int_equal(cmos(0x5f), 2);
}

static void test_debug_ports(void **state)
{
    (void)state;
    assert_int_equal(fake_in(&fake, 0xe9, 1), 0xe9);
    fake_out(&fake, 0xe9, 1, '!');
    assert_int_equal(fake.console[0], '!');
    fake_out(&fake, 0xf4, 1, 0x21);
    assert_int_equal(fake.outcome, VMACCEL_MACHINE_DEBUG_EXIT);
    assert_int_equal(fake.code, 0x21);
    for (uint8_t size = 2; size <= 4; size += 2) {
        fake.stops = 0;
        fake_out(&fake, 0xf4, size, 0x4321);
        assert_int_equal(fake.stops, 1);
        assert_int_equal(fake.code, 0x4321);
    }
}

static void test_quiet_ports(void **state)
{
    (void)state;
    fake_out(&fake, 0x80, 1, 0x55);
    assert_int_equal(fake_in(&fake, 0x80, 1), 0x55);
    for (uint16_t port = 0xc0; port < 0xe0; port++)
        fake_out(&fake, port, 1, 0xff);
    assert_int_equal(fake_in(&fake, 0x08, 1), 0);
    assert_int_equal(fake_in(&fake, 0x61, 1) & 0x20, 0x20);
    assert_int_equal(fake.cursor.unclaimed, 0);
}

/* Devices programmed with every byte, on every port, in every size. */
static void test_garbage_everywhere(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 64; round++) {
        for (uint32_t port = 0; port < 0x1000; port++) {
            uint8_t size = (uint8_t)(1u << (round + port) % 3);

            fake_out(&fake, (uint16_t)port, size, (round * 0x9e3779b9u) ^ port * 0x85ebca6bu);
            (void)fake_in(&fake, (uint16_t)port, size);
        }
    }
    assert_true(fake.stops > 0);
}

static void expect_bad(const char *device, const char *said, const char *said_too)
{
    struct fake_host other;

    assert_int_equal(fake_create(&other, GIB, &device, 1), VMACCEL_E_INVALID_ARGUMENT);
    assert_non_null(strstr(vmaccel_last_error()->text, said));
    assert_non_null(strstr(vmaccel_last_error()->text, said_too));
    assert_int_equal(other.set.count, 0);
}

static void test_bad_names(void **state)
{
    static const char *const twice[] = {"debug-exit,iobase=0x501", "debug-exit"};
    static const char *const clash[] = {"debug-exit,iobase=0x3f8"};
    static const char *const nothing[] = {NULL};
    struct fake_host other;
    char *const many = test_malloc(2000);

    (void)state;
    expect_bad("frob", "\"frob\"", "serial, rtc");
    expect_bad("", "\"\"", "fw_cfg");
    expect_bad("seria", "\"seria\"", "debug-exit");
    expect_bad("rtc,base=utc", "\"base\"", "none");
    expect_bad("debug-exit,port=1", "\"port\"", "iobase, iosize");
    expect_bad("debug-exit,iobase", "iobase", "value");
    expect_bad("debug-exit,", "\"\"", "iobase");
    expect_bad("debug-exit,iobase=", "iobase", "value");
    expect_bad("debug-exit,iobase=0x10000", "0x10000", "0xffff");
    expect_bad("debug-exit,iobase=-1", "iobase=-1", "number");
    expect_bad("debug-exit,iobase=1x", "iobase=1x", "number");
    expect_bad("debug-exit,iobase=99999999999999999999999", "number", "debug-exit");
    expect_bad("debug-exit,iobase=0xffff", "0xffff", "port");
    assert_int_equal(fake_create(&other, GIB, twice, 2), VMACCEL_E_INVALID_ARGUMENT);
    assert_int_equal(fake_create(&other, GIB, clash, 1), VMACCEL_E_EXISTS);
    assert_int_equal(fake_create(&other, GIB, nothing, 1), VMACCEL_E_INVALID_ARGUMENT);

    strcpy(many, "debug-exit");
    for (int i = 0; i <= DEVICE_MAX_OPTIONS; i++)
        strcat(many, ",iobase=1");
    assert_int_equal(fake_create(&other, GIB, (const char *const *)&many, 1), VMACCEL_E_LIMIT);
    memset(many, 'x', 1999);
    many[1999] = '\0';
    expect_bad(many, "xxx", "serial");
    test_free(many);
}

static void test_debug_exit_elsewhere(void **state)
{
    static const char *const moved[] = {"debug-exit,iobase=0x501,iosize=2"};
    struct fake_host other;

    (void)state;
    assert_int_equal(fake_create(&other, GIB, moved, 1), VMACCEL_OK);
    fake_out(&other, 0xf4, 1, 1);
    assert_int_equal(other.stops, 0);
    fake_out(&other, 0x501, 1, 0);
    assert_int_equal(other.stops, 1);
    device_set_destroy(&other.set);
}

static void test_help_lists_the_devices(void **state)
{
    const char *name, *options, *description;
    size_t count = 0;

    (void)state;
    while (vmaccel_machine_device_help(count, &name, &options, &description)) {
        assert_true(name[0] != '\0' && description[0] != '\0');
        for (int arch = VMACCEL_ARCH_X86_64; arch <= VMACCEL_ARCH_ARM64; arch++)
            if (device_class_is_for(device_class_at(count), (vmaccel_arch)arch))
                assert_ptr_equal(device_class_find(name, strlen(name), (vmaccel_arch)arch),
                                 device_class_at(count));
        count++;
    }
    assert_true(count >= 13);
    assert_true(vmaccel_machine_device_help(0, NULL, NULL, NULL));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_i8042_as_linux_probes_it),
        CASE(test_i8042_without_keyboard),
        CASE(test_resets),
        CASE(test_no_reset_by_accident),
        CASE(test_pci_is_empty),
        CASE(test_acpi_power_off),
        CASE(test_acpi_events),
        CASE(test_pm_timer),
        CASE(test_rtc_time),
        CASE(test_rtc_can_be_set),
        CASE(test_rtc_update_flags),
        CASE(test_rtc_survives_garbage),
        CASE(test_cmos_memory_size),
        CASE(test_debug_ports),
        CASE(test_quiet_ports),
        CASE(test_garbage_everywhere),
        cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_debug_exit_elsewhere),
        cmocka_unit_test(test_help_lists_the_devices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
