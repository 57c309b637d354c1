/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_chip.h"

#define BASE UINT64_C(0xfee00000)
#define EN   (UINT64_C(1) << 11)
#define EXTD (UINT64_C(1) << 10)
#define BSP  (UINT64_C(1) << 8)

static void self(uint32_t vcpu, uint8_t vector)
{
    put(vcpu, 0x300, 0x40000 | vector);
}

static void test_reset_values(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < VCPUS; i++) {
        assert_int_equal(x86_lapic_base(fake.chip, i), BASE | EN | (i == 0 ? BSP : 0));
        assert_int_equal(get(i, 0x20), i << 24);
        assert_int_equal(get(i, 0x30) & 0xff00ff, 0x50014);
        assert_int_equal(get(i, 0xe0), 0xffffffff);
        assert_int_equal(get(i, 0xf0), 0xff);
        assert_int_equal(get(i, 0x320), 0x10000);
        assert_int_equal(get(i, 0x350), i == 0 ? 0x700 : 0x10000);
        assert_int_equal(get(i, 0x370), 0x10000);
        assert_false(x86_lapic_pending(fake.chip, i));
    }
    /* LVT entries stay masked while the APIC is off by software. */
    put(0, 0x320, 0x40);
    assert_int_equal(get(0, 0x320), 0x10040);
    put(0, 0xf0, 0x1ff);
    put(0, 0x320, 0x40);
    assert_int_equal(get(0, 0x320), 0x40);
    put(0, 0xf0, 0xff);
    assert_int_equal(get(0, 0x320), 0x10040);
}

static void test_priorities(void **state)
{
    (void)state;
    enable_all();
    self(0, 0x41);
    assert_int_equal(fake.notified[0], 1);
    self(0, 0x61);
    assert_int_equal(get(0, 0x220), 1u << 1);
    assert_int_equal(take(0), 0x61);
    assert_int_equal(get(0, 0xa0), 0x60);
    assert_int_equal(take(0), -1); /* 0x41 waits for 0x61 */
    self(0, 0x6f);
    assert_int_equal(take(0), -1); /* the same class */
    self(0, 0x71);
    assert_int_equal(take(0), 0x71);
    end(0);
    assert_int_equal(take(0), -1);
    unsigned before = fake.notified[0];
    end(0);
    assert_int_equal(fake.notified[0], before + 1);
    assert_int_equal(take(0), 0x6f);
    end(0);
    assert_int_equal(take(0), 0x41);
    end(0);
    end(0); /* nothing in service */
    assert_int_equal(get(0, 0xa0), 0);
}

static void test_task_priority(void **state)
{
    (void)state;
    enable_all();
    x86_lapic_set_cr8(fake.chip, 0, 5);
    assert_int_equal(get(0, 0x80), 0x50);
    self(0, 0x5f);
    assert_int_equal(take(0), -1);
    put(0, 0x80, 0x4a);
    assert_int_equal(x86_lapic_cr8(fake.chip, 0), 4);
    assert_int_equal(get(0, 0xa0), 0x4a);
    assert_int_equal(take(0), 0x5f);
    assert_int_equal(get(0, 0xa0), 0x50);
}

/* What is taken leaves more: a second look is asked for. */
static void test_notified_again(void **state)
{
    (void)state;
    pic_setup(1);
    put(0, 0xf0, 0x1ff);
    put(0, 0x350, 0x700);
    self(0, 0x50);
    pulse(3);
    unsigned before = fake.notified[0];
    assert_int_equal(take(0), 0x23);
    assert_int_equal(fake.notified[0], before + 1);
    assert_int_equal(take(0), 0x50);
    assert_int_equal(take(0), -1);
}

static void test_errors(void **state)
{
    (void)state;
    enable_all();
    put(0, 0x370, 0xfe);
    self(0, 0x0f);
    put(0, 0x280, 0);
    assert_int_equal(get(0, 0x280), 0x20);
    assert_int_equal(take(0), 0xfe);
    end(0);
    x86_irqchip_msi(fake.chip, 0xfee00000, 0x05);
    assert_int_equal(get(0, 0x280), 0x20); /* until it is written again */
    put(0, 0x280, 0xffffffff);
    assert_int_equal(get(0, 0x280), 0x40);
    assert_int_equal(take(0), 0xfe);
    end(0);
    get(0, 0x3f0);
    put(0, 0x280, 0);
    assert_int_equal(get(0, 0x280), 0x80);
    put(0, 0x280, 0);
    assert_int_equal(get(0, 0x280), 0);
    put(0, 0x370, 0x03); /* an error vector that is illegal itself */
    self(0, 0x0f);
    assert_int_equal(get(0, 0x200), 0);
}

static void test_access_sizes(void **state)
{
    (void)state;
    enable_all();
    put(0, 0xe0, 0x10000000);
    assert_int_equal(x86_lapic_read(fake.chip, 0, 0xe0, 8), 0x1fffffff);
    assert_int_equal(x86_lapic_read(fake.chip, 0, 0xe3, 1), 0x1f);
    assert_int_equal(x86_lapic_read(fake.chip, 0, 0xe2, 2), 0x1fff);
    assert_int_equal(x86_lapic_read(fake.chip, 0, 0xe3, 4), 0x1f);
    assert_int_equal(x86_lapic_read(fake.chip, 0, 0xe4, 4), 0);
    assert_int_equal(x86_lapic_read(fake.chip, 0, 0xfff0, 4), 0);
    x86_lapic_write(fake.chip, 0, 0x80, 1, 0x40);
    x86_lapic_write(fake.chip, 0, 0x80, 8, 0x40);
    x86_lapic_write(fake.chip, 0, 0x81, 4, 0x40);
    x86_lapic_write(fake.chip, 0, 0x1080, 4, 0x40);
    assert_int_equal(get(0, 0x80), 0);
    put(0, 0x30, 0);
    assert_int_equal(get(0, 0x30) & 0xff, 0x14);
    put(0, 0x300, 0xffffff00 & ~0xc0000u);
    assert_int_equal(get(0, 0x300) & 0x1000, 0); /* never busy */
}

static void test_base(void **state)
{
    uint64_t value;

    (void)state;
    enable_all();
    assert_false(x86_lapic_set_base(fake.chip, 1, BASE | EN | 1, false));
    assert_false(x86_lapic_set_base(fake.chip, 1, BASE | EN | UINT64_C(1) << 52, false));
    assert_false(x86_lapic_set_base(fake.chip, 1, BASE | EXTD, false));
    assert_false(x86_lapic_read_msr(fake.chip, 1, 0x802, &value));
    assert_true(x86_lapic_set_base(fake.chip, 1, 0x1234000 | EN, false));
    assert_int_equal(x86_lapic_base(fake.chip, 1), 0x1234000 | EN);
    put(1, 0x20, 0x55000000);
    assert_int_equal(get(1, 0x20), 0x55000000);
    assert_true(x86_lapic_set_base(fake.chip, 1, BASE | EN | EXTD, false));
    assert_int_equal(get_msr(1, 0x802), 1);
    assert_int_equal(get(1, 0x20), 0); /* no page any more */
    assert_false(x86_lapic_set_base(fake.chip, 1, BASE | EN, false));
    assert_true(x86_lapic_set_base(fake.chip, 1, BASE, false));
    assert_false(x86_lapic_read_msr(fake.chip, 1, 0x802, &value));
    assert_int_equal(get(1, 0x20), 0);
    assert_false(x86_lapic_set_base(fake.chip, 1, BASE | EN | EXTD, false));
    assert_true(x86_lapic_set_base(fake.chip, 1, BASE | EN, false));
    assert_int_equal(get(1, 0x20), 1u << 24);
    assert_int_equal(get(1, 0xf0), 0xff);
    assert_true(x86_lapic_set_base(fake.chip, 1, BASE, true));
    assert_true(x86_lapic_set_base(fake.chip, 1, BASE | EN | EXTD, true));
    assert_true(x86_lapic_set_base(fake.chip, 1, BASE | EN, true));
}

static void test_x2apic_registers(void **state)
{
    uint64_t value;

    (void)state;
    x2apic_all();
    assert_int_equal(get_msr(3, 0x802), 3);
    assert_int_equal(get_msr(3, 0x80d), 1u << 3);
    put_msr(3, 0x80f, 0x1ff);
    put_msr(3, 0x808, 0x20);
    assert_int_equal(get_msr(3, 0x80a), 0x20);
    put_msr(3, 0x83f, 0x55);
    assert_int_equal(take(3), 0x55);
    put_msr(3, 0x80b, 0);
    put_msr(3, 0x83f, 0x03);
    put_msr(3, 0x828, 0);
    assert_int_equal(get_msr(3, 0x828), 0x20);
    put_msr(3, 0x830, UINT64_C(0x12345678) << 32 | 0x4041);
    assert_int_equal(get_msr(3, 0x830), UINT64_C(0x12345678) << 32 | 0x4041);
    static const uint32_t unreadable[] = {0x800, 0x801, 0x809, 0x80b, 0x80c, 0x80e,
                                          0x829, 0x82f, 0x831, 0x83a, 0x83f};
    for (size_t i = 0; i < sizeof(unreadable) / sizeof(unreadable[0]); i++)
        assert_false(x86_lapic_read_msr(fake.chip, 3, unreadable[i], &value));
    static const struct {
        uint32_t msr;
        uint64_t value;
    } refused[] = {{0x802, 0},      {0x803, 0},         {0x808, 0x100}, {0x80b, 1},
                   {0x80d, 0},      {0x80e, 0},         {0x80f, 0x400}, {0x810, 0},
                   {0x828, 1},      {0x830, 0x2000},    {0x831, 0},     {0x832, 0x80000},
                   {0x833, 0x8000}, {0x835, 0x20000},   {0x839, 0},     {0x83e, 4},
                   {0x83f, 0x100},  {0x838, 1ull << 32}};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_false(x86_lapic_write_msr(fake.chip, 3, refused[i].msr, refused[i].value));
    for (uint32_t msr = 0x840; msr < 0xc00; msr++)
        assert_false(x86_lapic_read_msr(fake.chip, 3, msr, &value));
    assert_false(x86_lapic_read_msr(fake.chip, 3, 0x7ff, &value));
}

static void test_init_keeps_identity(void **state)
{
    (void)state;
    enable_all();
    put(2, 0x20, 0x33000000);
    self(2, 0x99);
    assert_true(x86_lapic_pending(fake.chip, 2));
    x86_lapic_reset(fake.chip, 2, true);
    assert_false(x86_lapic_pending(fake.chip, 2));
    assert_int_equal(get(2, 0x20), 0x33000000);
    assert_int_equal(get(2, 0xf0), 0xff);
    x86_lapic_reset(fake.chip, 2, false);
    assert_int_equal(get(2, 0x20), 0x02000000);
    x2apic_all();
    x86_lapic_reset(fake.chip, 2, true);
    assert_int_equal(get_msr(2, 0x802), 2);
    assert_int_equal(get_msr(2, 0x80d), 4);
}

static void test_split_eoi(void **state)
{
    uint32_t value;

    (void)state;
    enable_all();
    x86_irqchip_msi(fake.chip, 0xfee01000, 0xc000 | 0x42);
    assert_int_equal(take(1), 0x42);
    assert_int_equal(fake.eois, 0);
    end(1);
    assert_int_equal(fake.eois, 1);
    assert_int_equal(fake.eoi_vcpu, 1);
    assert_int_equal(fake.eoi_vector, 0x42);
    x86_irqchip_msi(fake.chip, 0xfee01000, 0x42); /* an edge is silent */
    assert_int_equal(take(1), 0x42);
    end(1);
    assert_int_equal(fake.eois, 1);
    put(1, 0xf0, 0x11ff); /* as is one whose EOIs are suppressed */
    x86_irqchip_msi(fake.chip, 0xfee01000, 0xc042);
    assert_int_equal(take(1), 0x42);
    end(1);
    assert_int_equal(fake.eois, 1);
    assert_false(x86_irqchip_port_read(fake.chip, 0x20, 1, &value));
    assert_false(x86_irqchip_port_write(fake.chip, 0x40, 1, 0));
    pulse(4);
    assert_int_equal(x86_ioapic_read(fake.chip, 0, 4), 0);
}

/* 16 bytes apart, each register of the page at any size. */
static void test_pokes(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (int i = 0; i < 300000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint32_t r = (uint32_t)(seed >> 32);
        uint32_t vcpu = r & 3, offset = r >> 4 & 0xfff, size = 1u << (r >> 16 & 3);
        if (r >> 18 & 1)
            offset &= 0x3f0;
        if (r >> 19 & 1)
            x86_lapic_write(fake.chip, vcpu, offset, (uint8_t)size, seed >> 7);
        else
            assert_true(size == 8 ||
                        x86_lapic_read(fake.chip, vcpu, offset, (uint8_t)size) >> 8 * size == 0);
        if ((r >> 24) == 0)
            take(vcpu);
        fake.now += r & 0xff;
        if ((r >> 24) == 1)
            x86_irqchip_advance(fake.chip);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reset_values, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_priorities, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_task_priority, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_notified_again, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_errors, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_access_sizes, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_base, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_x2apic_registers, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_init_keeps_identity, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_split_eoi, setup_split, teardown),
        cmocka_unit_test_setup_teardown(test_pokes, setup_full, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
