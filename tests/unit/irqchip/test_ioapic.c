/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_chip.h"

#define LEVEL      0x8000u
#define MASKED     0x10000u
#define REMOTE_IRR 0x4000u

static int setup(void **state)
{
    setup_full(state);
    enable_all();
    return 0;
}

static void set(uint32_t line, bool level)
{
    x86_irqchip_line(fake.chip, line, level);
}

static void test_registers(void **state)
{
    (void)state;
    assert_int_equal(ioapic_get(1), 0x170020);
    ioapic_put(0, 0xff000000);
    assert_int_equal(ioapic_get(0), 0x0f000000);
    assert_int_equal(ioapic_get(2), 0x0f000000);
    for (uint8_t pin = 0; pin < 24; pin++) {
        assert_int_equal(ioapic_get((uint8_t)(0x10 + 2 * pin)), MASKED);
        route(pin, 0xffffffff, 0xffffffff);
        assert_int_equal(ioapic_get((uint8_t)(0x10 + 2 * pin)), 0x1afff);
        assert_int_equal(ioapic_get((uint8_t)(0x11 + 2 * pin)), 0xff000000);
    }
    ioapic_put(0x40, 0xffffffff);
    assert_int_equal(ioapic_get(0x40), 0);
    assert_int_equal(ioapic_get(0x0f), 0);
    /* Any size; bytes past a register read 0. */
    x86_ioapic_write(fake.chip, 0, 1, 0x101);
    assert_int_equal(x86_ioapic_read(fake.chip, 0, 8), 1);
    assert_int_equal(x86_ioapic_read(fake.chip, 0x12, 1), 0x17);
    assert_int_equal(x86_ioapic_read(fake.chip, 0x12, 4), 0x17);
    assert_int_equal(x86_ioapic_read(fake.chip, 0x14, 4), 0);
    assert_int_equal(x86_ioapic_read(fake.chip, 0x20, 4), 0);
    assert_int_equal(x86_ioapic_read(fake.chip, ~UINT64_C(0), 8), 0);
    x86_ioapic_write(fake.chip, ~UINT64_C(0), 8, 5);
    x86_ioapic_write(fake.chip, 1, 1, 5);
    assert_int_equal(x86_ioapic_read(fake.chip, 0, 4), 1);
}

static void test_edge(void **state)
{
    (void)state;
    route(4, 0x34, 1u << 24);
    pulse(4);
    assert_int_equal(take(1), 0x34);
    set(4, true);
    set(4, true); /* no new edge */
    assert_int_equal(take(0), -1);
    end(1);
    assert_int_equal(take(1), 0x34);
    end(1);
    assert_int_equal(take(1), -1);
    set(4, false);
    route(4, MASKED | 0x34, 1u << 24);
    pulse(4); /* lost */
    route(4, 0x34, 1u << 24);
    assert_int_equal(take(1), -1);
}

static void test_level(void **state)
{
    (void)state;
    route(20, LEVEL | 0x35, 0);
    set(20, true);
    assert_true((ioapic_get(0x38) & REMOTE_IRR) != 0);
    assert_int_equal(take(0), 0x35);
    set(20, false);
    set(20, true);
    assert_int_equal(take(0), -1);
    end(0); /* still high */
    assert_int_equal(take(0), 0x35);
    set(20, false);
    end(0);
    assert_int_equal(take(0), -1);
    assert_int_equal(ioapic_get(0x38) & REMOTE_IRR, 0);
    /* Raised while masked. */
    route(20, LEVEL | MASKED | 0x35, 0);
    set(20, true);
    assert_int_equal(take(0), -1);
    route(20, LEVEL | 0x35, 0);
    assert_int_equal(take(0), 0x35);
    /* Edge and back clears the remote IRR; the EOI then has nothing to do. */
    route(20, MASKED | 0x35, 0);
    assert_int_equal(ioapic_get(0x38) & REMOTE_IRR, 0);
    end(0);
    assert_int_equal(take(0), -1);
}

static void test_suppressed_eoi(void **state)
{
    (void)state;
    put(0, 0xf0, 0x11ff);
    route(20, LEVEL | 0x35, 0);
    set(20, true);
    assert_int_equal(take(0), 0x35);
    end(0);
    assert_int_equal(take(0), -1);
    x86_ioapic_write(fake.chip, 0x40, 4, 0x35);
    assert_int_equal(take(0), 0x35);
    set(20, false);
    end(0);
    x86_ioapic_write(fake.chip, 0x40, 4, 0x35);
    assert_int_equal(take(0), -1);
}

static void test_shared_vector(void **state)
{
    (void)state;
    route(20, LEVEL | 0x35, 0);
    route(21, LEVEL | 0x35, 0);
    set(20, true);
    set(21, true);
    assert_int_equal(take(0), 0x35);
    set(20, false);
    end(0);
    assert_int_equal(take(0), 0x35);
    set(21, false);
    end(0);
    assert_int_equal(take(0), -1);
}

static void test_routing(void **state)
{
    (void)state;
    for (uint8_t pin = 0; pin < 24; pin++)
        route(pin, 0x40u + pin, 0);
    for (uint32_t line = 0; line < 24; line++) {
        pulse(line);
        assert_int_equal(take(0), line == 2 ? -1 : line == 0 ? 0x42 : (int)(0x40 + line));
        end(0);
    }
    pulse(24);
    pulse(UINT32_MAX);
    assert_int_equal(take(0), -1);
}

static void test_modes(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < VCPUS; i++)
        put(i, 0xd0, 1u << (24 + i));
    route(5, 0x400, 3u << 24);
    pulse(5);
    assert_int_equal(fake.nmis[3], 1);
    route(5, 0x500, 3u << 24);
    pulse(5);
    assert_int_equal(fake.inits[3], 1);
    route(5, 0x945, 0x6u << 24); /* lowest priority, logical */
    pulse(5);
    assert_true((take(1) == 0x45) ^ (take(2) == 0x45));
    route(5, 0x200, 0);
    pulse(5);
    route(5, 0x608, 0);
    pulse(5);
    route(5, 0x700, 0);
    pulse(5);
    assert_int_equal(fake.sipis[0], 0);
    assert_int_equal(take(0), -1);
    /* A level that gets no EOI does not stick. */
    route(6, LEVEL | 0x400, 0);
    set(6, true);
    set(6, false);
    set(6, true);
    assert_int_equal(fake.nmis[0], 2);
}

static void test_msi_out(void **state)
{
    (void)state;
    route(9, LEVEL | 0x951, 0x6u << 24);
    set(9, true);
    assert_int_equal(fake.msis, 1);
    assert_int_equal(fake.msi_address, 0xfee0600c);
    assert_int_equal(fake.msi_data, 0xc151);
    set(9, true);
    assert_int_equal(fake.msis, 1);
    x86_ioapic_eoi(fake.chip, 0x50);
    assert_int_equal(fake.msis, 1);
    x86_ioapic_eoi(fake.chip, 0x51);
    assert_int_equal(fake.msis, 2);
    set(9, false);
    x86_ioapic_eoi(fake.chip, 0x51);
    assert_int_equal(fake.msis, 2);
    route(10, 0x52, 1u << 24);
    pulse(10);
    assert_int_equal(fake.msi_address, 0xfee01000);
    assert_int_equal(fake.msi_data, 0x52);
    /* The 8259 pair is vCPU 0's. */
    pic_setup(1);
    pulse(1);
    assert_int_equal(fake.notified[0], 1);
    assert_int_equal(take(0), 0x21);
    assert_false(x86_lapic_pending(fake.chip, 1));
}

static void test_pokes(void **state)
{
    uint64_t seed = 2;

    (void)state;
    for (int i = 0; i < 300000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint32_t r = (uint32_t)(seed >> 32);
        uint8_t size = (uint8_t)(1u << (r & 3));
        uint64_t offset = r >> 2 & 1 ? (r >> 3 & 4) << 4 | (r >> 3 & 1) << 4 : r >> 3 & 0xff;
        if (r >> 11 & 1)
            x86_ioapic_write(fake.chip, offset, size, seed >> 3);
        else
            x86_ioapic_read(fake.chip, offset, size);
        if ((r >> 28) == 1)
            set(r >> 12 & 31, r >> 17 & 1);
        if ((r >> 28) == 2 && take(r >> 12 & 3) >= 0)
            end(r >> 12 & 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_registers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_edge, setup, teardown),
        cmocka_unit_test_setup_teardown(test_level, setup, teardown),
        cmocka_unit_test_setup_teardown(test_suppressed_eoi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shared_vector, setup, teardown),
        cmocka_unit_test_setup_teardown(test_routing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_modes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_msi_out, setup_no_lapic, teardown),
        cmocka_unit_test_setup_teardown(test_pokes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
