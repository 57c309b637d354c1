/* SPDX-License-Identifier: BSD-2-Clause */
/* The 8259 pair, through LINT0 of the first local APIC as after power-on. */
#include "fake_chip.h"

static int setup(void **state)
{
    setup_full(state);
    put(0, 0xf0, 0x1ff);
    put(0, 0x350, 0x700);
    pic_setup(1);
    return 0;
}

static void set(uint32_t line, bool level)
{
    x86_irqchip_line(fake.chip, line, level);
}

static uint8_t irr(uint16_t port)
{
    out(port, 0x0a);
    return in(port);
}

static uint8_t isr(uint16_t port)
{
    out(port, 0x0b);
    return in(port);
}

static void test_priorities(void **state)
{
    (void)state;
    pulse(4);
    pulse(3);
    assert_int_equal(irr(0x20), 0x18);
    assert_int_equal(take(0), 0x23);
    assert_int_equal(isr(0x20), 0x08);
    assert_int_equal(take(0), -1);
    pulse(1);
    assert_int_equal(take(0), 0x21);
    out(0x20, 0x20);
    assert_int_equal(isr(0x20), 0x08);
    out(0x20, 0x20);
    assert_int_equal(take(0), 0x24);
    out(0x20, 0x64);
    assert_int_equal(isr(0x20), 0);
    assert_false(x86_lapic_pending(fake.chip, 1));
}

static void test_masks(void **state)
{
    (void)state;
    out(0x21, 0xef);
    assert_int_equal(in(0x21), 0xef);
    pulse(3);
    assert_int_equal(take(0), -1);
    out(0x21, 0);
    assert_int_equal(take(0), 0x23); /* the edge was kept */
    out(0x20, 0x20);
    /* Without a connection nobody hears it; an APIC that is off lets it through. */
    put(0, 0x350, 0x10700);
    pulse(3);
    assert_int_equal(take(0), -1);
    assert_true(x86_lapic_set_base(fake.chip, 0, 0xfee00100, false));
    assert_int_equal(take(0), 0x23);
}

static void test_cascade(void **state)
{
    (void)state;
    pulse(12);
    assert_int_equal(irr(0x20), 0x04);
    assert_int_equal(take(0), 0x2c);
    assert_int_equal(isr(0x20), 0x04);
    assert_int_equal(isr(0xa0), 0x10);
    pulse(9); /* higher, but the first waits for its line 2 */
    assert_int_equal(take(0), -1);
    pulse(1);
    assert_int_equal(take(0), 0x21);
    out(0x20, 0x61);
    out(0xa0, 0x20);
    out(0x20, 0x62);
    assert_int_equal(take(0), 0x29);
    out(0xa0, 0x20);
    out(0x20, 0x20);
    assert_int_equal(take(0), -1);
}

static void test_special_fully_nested(void **state)
{
    (void)state;
    pic_setup(0x11);
    pulse(12);
    assert_int_equal(take(0), 0x2c);
    pulse(13);
    assert_int_equal(take(0), -1);
    pulse(9);
    assert_int_equal(take(0), 0x29);
    assert_int_equal(isr(0xa0), 0x12);
}

static void test_level_and_spurious(void **state)
{
    (void)state;
    out(0x4d0, 0xff);
    out(0x4d1, 0xff);
    assert_int_equal(in(0x4d0), 0xf8);
    assert_int_equal(in(0x4d1), 0xde);
    set(5, true);
    assert_int_equal(take(0), 0x25);
    assert_int_equal(irr(0x20), 0x20);
    out(0x20, 0x20);
    assert_int_equal(take(0), 0x25);
    set(5, false);
    out(0x20, 0x20);
    assert_int_equal(take(0), -1);
    /* The second's request goes away, the first has latched it: spurious 15, of which the second
     * knows nothing. */
    set(10, true);
    set(10, false);
    assert_int_equal(take(0), 0x2f);
    assert_int_equal(isr(0xa0), 0);
    assert_int_equal(isr(0x20), 0x04);
    out(0x20, 0x20);
    set(5, true);
    set(5, false);
    assert_int_equal(take(0), -1);
}

static void test_rotation(void **state)
{
    (void)state;
    pulse(3);
    assert_int_equal(take(0), 0x23);
    out(0x20, 0xa0); /* EOI and rotate: 3 is now the lowest */
    pulse(3);
    pulse(4);
    pulse(1);
    assert_int_equal(take(0), 0x24);
    out(0x20, 0x20);
    assert_int_equal(take(0), 0x21);
    out(0x20, 0xe1); /* specific: 1 is the lowest */
    assert_int_equal(take(0), 0x23);
    out(0x20, 0x20);
    out(0x20, 0xc5); /* set: 6 is the highest */
    pulse(6);
    pulse(5);
    assert_int_equal(take(0), 0x26);
    out(0x20, 0x20);
    assert_int_equal(take(0), 0x25);
}

static void test_auto_eoi(void **state)
{
    (void)state;
    pic_setup(3);
    pulse(4);
    assert_int_equal(take(0), 0x24);
    assert_int_equal(isr(0x20), 0);
    pulse(4);
    assert_int_equal(take(0), 0x24);
    out(0x20, 0x80); /* rotate in auto-EOI mode */
    pulse(4);
    assert_int_equal(take(0), 0x24);
    pulse(4);
    pulse(5);
    assert_int_equal(take(0), 0x25);
    assert_int_equal(take(0), 0x24);
    out(0x20, 0x00);
    pulse(12);
    pulse(13);
    assert_int_equal(take(0), 0x2c);
    assert_int_equal(take(0), 0x2d);
    assert_int_equal(take(0), -1);
}

static void test_special_mask(void **state)
{
    (void)state;
    pulse(1);
    assert_int_equal(take(0), 0x21);
    pulse(4);
    assert_int_equal(take(0), -1);
    out(0x21, 0x02);
    out(0x20, 0x68);
    assert_int_equal(take(0), 0x24);
    out(0x20, 0x20); /* ends 4, not the masked 1 */
    assert_int_equal(isr(0x20), 0x02);
    out(0x20, 0x48);
    pulse(4);
    assert_int_equal(take(0), -1);
}

static void test_poll(void **state)
{
    (void)state;
    out(0x20, 0x0c);
    assert_int_equal(in(0x20), 0);
    pulse(6);
    out(0x20, 0x0c);
    assert_int_equal(in(0x20), 0x86);
    assert_int_equal(isr(0x20), 0x40);
    assert_int_equal(take(0), -1);
    out(0x20, 0x20);
    pulse(9);
    out(0x20, 0x0c);
    assert_int_equal(in(0x20), 0x82);
    out(0xa0, 0x0c);
    assert_int_equal(in(0xa0), 0x81);
}

static void test_lint0_fixed(void **state)
{
    (void)state;
    put(0, 0x350, 0x31);
    pulse(3);
    assert_int_equal(take(0), 0x31);
    end(0);
    assert_int_equal(take(0), -1);
    out(0x20, 0x0c);
    assert_int_equal(in(0x20), 0x83);
    out(0x20, 0x20);
    put(0, 0x350, 0x8032); /* level: until the 8259 is served */
    pulse(3);
    assert_int_equal(take(0), 0x32);
    assert_int_equal(get(0, 0x350), 0xc032);
    end(0);
    assert_int_equal(take(0), 0x32);
    out(0x20, 0x0c);
    assert_int_equal(in(0x20), 0x83);
    end(0);
    assert_int_equal(take(0), -1);
    out(0x20, 0x20);
    put(1, 0xf0, 0x1ff);
    put(1, 0x350, 0x400);
    pulse(3);
    assert_int_equal(fake.nmis[1], 1);
}

static void test_wide_access(void **state)
{
    uint32_t value;

    (void)state;
    out(0x21, 0x5a);
    assert_true(x86_irqchip_port_read(fake.chip, 0x20, 4, &value));
    assert_int_equal(value, 0xffff5a00);
    assert_true(x86_irqchip_port_write(fake.chip, 0x4d0, 2, 0x1008));
    assert_int_equal(in(0x4d0), 0x08);
    assert_int_equal(in(0x4d1), 0x10);
    assert_false(x86_irqchip_port_read(fake.chip, 0x1f, 2, &value));
    assert_false(x86_irqchip_port_read(fake.chip, 0x22, 1, &value));
    assert_false(x86_irqchip_port_read(fake.chip, 0x4d2, 1, &value));
    assert_false(x86_irqchip_port_write(fake.chip, 0x60, 1, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_priorities, setup, teardown),
        cmocka_unit_test_setup_teardown(test_masks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cascade, setup, teardown),
        cmocka_unit_test_setup_teardown(test_special_fully_nested, setup, teardown),
        cmocka_unit_test_setup_teardown(test_level_and_spurious, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_auto_eoi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_special_mask, setup, teardown),
        cmocka_unit_test_setup_teardown(test_poll, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lint0_fixed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wide_access, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
