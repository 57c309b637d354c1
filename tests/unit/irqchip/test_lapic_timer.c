/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_chip.h"

#define PERIODIC 0x20000u
#define DEADLINE 0x40000u
#define MASKED   0x10000u

static int setup(void **state)
{
    setup_full(state);
    enable_all();
    put(0, 0x3e0, 0xb); /* divide by 1 */
    return 0;
}

static uint64_t advance_to(uint64_t now)
{
    fake.now = now;
    return x86_irqchip_advance(fake.chip);
}

static int fired(void)
{
    int vector = take(0);
    if (vector >= 0)
        end(0);
    return vector;
}

static void test_one_shot(void **state)
{
    uint64_t start = fake.now;

    (void)state;
    put(0, 0x320, 0x40);
    put(0, 0x380, 1000000);
    assert_int_equal(get(0, 0x390), 1000000);
    assert_int_equal(x86_irqchip_advance(fake.chip), start + MS);
    fake.now = start + 400000;
    assert_int_equal(get(0, 0x390), 600000);
    assert_int_equal(advance_to(start + MS - 1), start + MS);
    assert_int_equal(fired(), -1);
    assert_int_equal(advance_to(start + MS), X86_IRQCHIP_NEVER);
    assert_int_equal(fake.notified[0], 1);
    assert_int_equal(fired(), 0x40);
    assert_int_equal(get(0, 0x390), 0);
    advance_to(start + 10 * MS);
    assert_int_equal(fired(), -1);
    put(0, 0x380, 500);
    put(0, 0x380, 0); /* stops */
    assert_int_equal(x86_irqchip_advance(fake.chip), X86_IRQCHIP_NEVER);
}

static void test_dividers(void **state)
{
    static const uint8_t codes[] = {0xb, 0, 1, 2, 3, 8, 9, 0xa};

    (void)state;
    put(0, 0x320, 0x40);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t start = fake.now;
        put(0, 0x3e0, codes[i]);
        put(0, 0x380, 1000000);
        assert_int_equal(x86_irqchip_advance(fake.chip), start + (MS << i));
        fake.now = start + ((MS / 2) << i);
        assert_int_equal(get(0, 0x390), 500000);
    }
    /* What is left goes on at the new pace. */
    put(0, 0x3e0, 0xb);
    assert_int_equal(get(0, 0x390), 500000);
    assert_int_equal(x86_irqchip_advance(fake.chip), fake.now + 500 * US);
}

static void test_periodic(void **state)
{
    uint64_t start = fake.now;

    (void)state;
    put(0, 0x320, PERIODIC | 0x41);
    put(0, 0x380, 1000000);
    for (uint64_t i = 1; i < 5; i++) {
        assert_int_equal(advance_to(start + i * MS), start + (i + 1) * MS);
        assert_int_equal(fired(), 0x41);
        assert_int_equal(get(0, 0x390), 1000000);
    }
    /* The host was late: one interrupt, and the phase stays. */
    assert_int_equal(advance_to(start + 10 * MS + 300 * US), start + 11 * MS);
    assert_int_equal(fired(), 0x41);
    assert_int_equal(fired(), -1);
    assert_int_equal(get(0, 0x390), 700000);
    /* Masked it runs on, and wakes nobody. */
    put(0, 0x320, PERIODIC | MASKED | 0x41);
    assert_int_equal(advance_to(start + 20 * MS), X86_IRQCHIP_NEVER);
    put(0, 0x320, PERIODIC | 0x41);
    assert_int_equal(fired(), -1);
    assert_int_equal(x86_irqchip_advance(fake.chip), start + 21 * MS);
    /* Too short a period for any host. */
    put(0, 0x380, 1);
    start = fake.now;
    assert_int_equal(x86_irqchip_advance(fake.chip), start + X86_IRQCHIP_MIN_PERIOD_NS);
    assert_int_equal(get(0, 0x390), 1);
}

static void test_deadline(void **state)
{
    (void)state;
    x86_lapic_set_deadline(fake.chip, 0, 5);
    assert_int_equal(x86_lapic_deadline(fake.chip, 0), 0); /* not in that mode */
    put(0, 0x320, DEADLINE | 0x42);
    put(0, 0x380, 100);
    assert_int_equal(get(0, 0x380), 0);
    uint64_t deadline = 2 * fake.now + 2001, start = fake.now;
    x86_lapic_set_deadline(fake.chip, 0, deadline);
    assert_int_equal(x86_lapic_deadline(fake.chip, 0), deadline);
    assert_int_equal(x86_irqchip_advance(fake.chip), start + 1001);
    assert_int_equal(get(0, 0x390), 0);
    advance_to(start + 1000);
    assert_int_equal(fired(), -1);
    assert_int_equal(advance_to(start + 1001), X86_IRQCHIP_NEVER);
    assert_int_equal(fired(), 0x42);
    assert_int_equal(x86_lapic_deadline(fake.chip, 0), 0);
    x86_lapic_set_deadline(fake.chip, 0, 1); /* long past */
    assert_int_equal(fired(), 0x42);
    x86_lapic_set_deadline(fake.chip, 0, UINT64_MAX);
    assert_int_not_equal(x86_lapic_deadline(fake.chip, 0), 0);
    x86_irqchip_advance(fake.chip);
    x86_lapic_set_deadline(fake.chip, 0, 0);
    assert_int_equal(x86_irqchip_advance(fake.chip), X86_IRQCHIP_NEVER);
    /* The TSC is set back: the deadline is later. */
    x86_lapic_set_deadline(fake.chip, 0, 2 * fake.now + 2000);
    fake.tsc_offset = (uint64_t)-2000;
    x86_lapic_tsc_changed(fake.chip, 0);
    assert_int_equal(x86_irqchip_advance(fake.chip), fake.now + 2000);
    /* And again, unsaid. */
    fake.tsc_offset -= 20000;
    start = fake.now;
    assert_int_equal(advance_to(start + 2000), start + 12000);
    assert_int_equal(fired(), -1);
    /* Another mode forgets it. */
    put(0, 0x320, 0x42);
    put(0, 0x320, DEADLINE | 0x42);
    assert_int_equal(x86_lapic_deadline(fake.chip, 0), 0);
}

static void test_mode_change(void **state)
{
    uint64_t start = fake.now;

    (void)state;
    put(0, 0x320, 0x40);
    put(0, 0x380, 1000000);
    put(0, 0x320, PERIODIC | 0x43);
    assert_int_equal(advance_to(start + MS), start + 2 * MS);
    assert_int_equal(fired(), 0x43);
    put(0, 0x320, 0x44);
    assert_int_equal(advance_to(start + 2 * MS), X86_IRQCHIP_NEVER);
    assert_int_equal(fired(), 0x44);
    put(0, 0x320, 0x05);
    put(0, 0x380, 1000);
    advance_to(fake.now + MS);
    put(0, 0x280, 0);
    assert_int_equal(get(0, 0x280), 0x40); /* an illegal vector of its own */
}

static void test_without_tsc(void **state)
{
    const struct x86_irqchip_config config = {
        .max_vcpus = 1, .manual = true, .context = &fake, .notify = on_notify, .clock = fake_clock};
    int32_t error;

    (void)state;
    memset(&fake, 0, sizeof(fake));
    fake.chip = x86_irqchip_create(&config, &error);
    assert_non_null(fake.chip);
    x86_lapic_attach(fake.chip, 0);
    put(0, 0xf0, 0x1ff);
    put(0, 0x320, DEADLINE | 0x42);
    assert_int_equal(get(0, 0x320), 0x42);
    assert_true(x86_lapic_set_base(fake.chip, 0, 0xfee00d00, false));
    assert_false(x86_lapic_write_msr(fake.chip, 0, 0x832, DEADLINE | 0x42));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_shot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dividers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_periodic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mode_change, setup, teardown),
        cmocka_unit_test_teardown(test_without_tsc, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
