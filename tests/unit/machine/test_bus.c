/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "machine/bus.h"

struct recorder {
    unsigned calls;
    uint64_t offset, value;
    uint8_t sizes[8];
};

static uint64_t record_read(void *device, uint64_t offset, uint8_t size)
{
    struct recorder *recorder = device;

    recorder->sizes[recorder->calls++ % 8] = size;
    recorder->offset = offset;
    /* More than the access asks for: the bus cuts it. */
    return 0xf0f1f2f3f4f5f600ull + offset;
}

static void record_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    struct recorder *recorder = device;

    recorder->sizes[recorder->calls++ % 8] = size;
    recorder->offset = offset;
    recorder->value = value;
}

static vmaccel_status add(struct bus *bus, uint64_t base, uint64_t size, uint8_t width,
                          struct recorder *recorder, const char *name)
{
    struct bus_range range = {base, size, name, width, recorder, record_read, record_write};

    return bus_add(bus, &range);
}

static void test_overlap_is_rejected(void **state)
{
    struct bus bus;
    struct recorder r = {0};

    (void)state;
    bus_init(&bus, "port", 0xffff);
    assert_int_equal(add(&bus, 0x100, 8, 1, &r, "middle"), VMACCEL_OK);
    assert_int_equal(add(&bus, 0x107, 1, 1, &r, "last"), VMACCEL_E_EXISTS);
    assert_non_null(strstr(vmaccel_last_error()->text, "middle"));
    assert_non_null(strstr(vmaccel_last_error()->text, "last"));
    assert_int_equal(add(&bus, 0xff, 2, 1, &r, "first"), VMACCEL_E_EXISTS);
    assert_int_equal(add(&bus, 0x0, 0x10000, 1, &r, "all"), VMACCEL_E_EXISTS);
    assert_int_equal(add(&bus, 0x103, 1, 1, &r, "inside"), VMACCEL_E_EXISTS);
    assert_int_equal(add(&bus, 0x108, 8, 1, &r, "after"), VMACCEL_OK);
    assert_int_equal(add(&bus, 0xf8, 8, 1, &r, "before"), VMACCEL_OK);
    assert_int_equal(bus.count, 3);
}

static void test_range_outside_the_space_is_rejected(void **state)
{
    struct bus bus;
    struct recorder r = {0};

    (void)state;
    bus_init(&bus, "port", 0xffff);
    assert_int_equal(add(&bus, 0xfffe, 3, 1, &r, "x"), VMACCEL_E_INVALID_ARGUMENT);
    assert_int_equal(add(&bus, 0x10000, 1, 1, &r, "x"), VMACCEL_E_INVALID_ARGUMENT);
    assert_int_equal(add(&bus, 0, 0, 1, &r, "x"), VMACCEL_E_INVALID_ARGUMENT);
    assert_int_equal(add(&bus, 0xfffe, 2, 1, &r, "x"), VMACCEL_OK);
    bus_init(&bus, "MMIO address", UINT64_MAX);
    assert_int_equal(add(&bus, UINT64_MAX, 1, 1, &r, "x"), VMACCEL_OK);
    assert_int_equal(add(&bus, UINT64_MAX, 2, 1, &r, "x"), VMACCEL_E_INVALID_ARGUMENT);
}

static void test_too_many_ranges(void **state)
{
    struct bus bus;
    struct recorder r = {0};

    (void)state;
    bus_init(&bus, "port", 0xffff);
    for (uint32_t i = 0; i < BUS_MAX_RANGES; i++)
        assert_int_equal(add(&bus, 0x1000 - i * 4, 2, 1, &r, "x"), VMACCEL_OK);
    assert_int_equal(add(&bus, 0x8000, 1, 1, &r, "x"), VMACCEL_E_LIMIT);
}

static void test_lookup_finds_each_port(void **state)
{
    struct bus bus;
    struct bus_cursor cursor = {0, 0};
    struct recorder r[20] = {{0}};

    (void)state;
    bus_init(&bus, "port", 0xffff);
    for (int i = 19; i >= 0; i--)
        assert_int_equal(add(&bus, (uint64_t)i * 16, 4, 1, &r[i], "x"), VMACCEL_OK);
    for (uint64_t port = 0; port < 20 * 16; port++) {
        unsigned before = r[port / 16].calls;
        uint64_t value = bus_read(&bus, &cursor, port, 1);

        if (port % 16 < 4) {
            assert_int_equal(r[port / 16].calls, before + 1);
            assert_int_equal(r[port / 16].offset, port % 16);
            assert_int_equal(value, port % 16);
        } else {
            assert_int_equal(value, 0xff);
        }
    }
    assert_int_equal(cursor.unclaimed, 20 * 12);
}

static void test_unclaimed_reads_ones(void **state)
{
    struct bus bus;
    struct bus_cursor cursor = {7, 0};

    (void)state;
    bus_init(&bus, "port", 0xffff);
    assert_true(bus_read(&bus, &cursor, 0x80, 1) == 0xff);
    assert_true(bus_read(&bus, &cursor, 0x80, 2) == 0xffff);
    assert_true(bus_read(&bus, &cursor, 0xffff, 4) == 0xffffffff);
    assert_true(bus_read(&bus, &cursor, 0x80, 8) == UINT64_MAX);
    bus_write(&bus, &cursor, 0x80, 4, 1);
    assert_int_equal(cursor.unclaimed, 1 + 2 + 4 + 8 + 4);
}

static void test_wide_access_is_split(void **state)
{
    struct bus bus;
    struct bus_cursor cursor = {0, 0};
    struct recorder narrow = {0}, wide = {0};

    (void)state;
    bus_init(&bus, "port", 0xffff);
    assert_int_equal(add(&bus, 0x10, 2, 1, &narrow, "narrow"), VMACCEL_OK);
    assert_int_equal(add(&bus, 0x20, 4, 4, &wide, "wide"), VMACCEL_OK);

    /* Two bytes of the device, then two of nobody. */
    assert_true(bus_read(&bus, &cursor, 0x10, 4) == 0xffff0100);
    assert_int_equal(narrow.calls, 2);
    assert_int_equal(cursor.unclaimed, 2);

    assert_true(bus_read(&bus, &cursor, 0x20, 4) == 0xf4f5f600);
    assert_int_equal(wide.calls, 1);
    assert_int_equal(wide.sizes[0], 4);

    /* Past the end: only what lies inside reaches the device. */
    bus_write(&bus, &cursor, 0x22, 4, 0x44332211);
    assert_int_equal(wide.calls, 2);
    assert_int_equal(wide.sizes[1], 2);
    assert_int_equal(wide.value, 0x2211);

    /* MMIO that was cut at a page comes in odd sizes. */
    bus_write(&bus, &cursor, 0x20, 3, 0x332211);
    assert_int_equal(wide.calls, 4);
    assert_int_equal(wide.sizes[2], 2);
    assert_int_equal(wide.sizes[3], 1);
    assert_int_equal(wide.value, 0x33);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overlap_is_rejected),
        cmocka_unit_test(test_range_outside_the_space_is_rejected),
        cmocka_unit_test(test_too_many_ranges),
        cmocka_unit_test(test_lookup_finds_each_port),
        cmocka_unit_test(test_unclaimed_reads_ones),
        cmocka_unit_test(test_wide_access_is_split),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
