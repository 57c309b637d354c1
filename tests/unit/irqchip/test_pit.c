/* SPDX-License-Identifier: BSD-2-Clause */
/* The 8254. Its clock is 1193182 Hz; a second is a handy number of ticks. */
#include "fake_chip.h"

#define HZ 1193182u
#define S  UINT64_C(1000000000)

static uint64_t start;

static int setup(void **state)
{
    setup_full(state);
    put(0, 0xf0, 0x1ff);
    put(0, 0x350, 0x700);
    pic_setup(1);
    start = fake.now;
    return 0;
}

/* To `ticks` after start. */
static void to(uint64_t ticks)
{
    fake.now = start + (ticks * S + HZ - 1) / HZ;
}

static void program(uint8_t channel, uint8_t mode, uint16_t count)
{
    out(0x43, (uint8_t)(channel << 6 | 0x30 | mode << 1));
    out((uint16_t)(0x40 + channel), (uint8_t)count);
    out((uint16_t)(0x40 + channel), (uint8_t)(count >> 8));
    start = fake.now;
}

static uint16_t count(uint8_t channel)
{
    out(0x43, (uint8_t)(channel << 6));
    uint8_t low = in((uint16_t)(0x40 + channel));
    return (uint16_t)(low | in((uint16_t)(0x40 + channel)) << 8);
}

static bool output(void)
{
    return (in(0x61) & 0x20) != 0;
}

static void test_mode_0(void **state)
{
    (void)state;
    out(0x61, 1);
    program(2, 0, 1000);
    assert_false(output());
    to(400);
    assert_int_equal(count(2), 600);
    out(0x61, 0); /* the gate holds it */
    to(5000);
    assert_int_equal(count(2), 600);
    out(0x61, 3);
    assert_int_equal(in(0x61) & 3, 3);
    start = fake.now;
    to(599);
    assert_false(output());
    to(602);
    assert_true(output());
    to(700);
    assert_in_range(count(2), 0xff9a, 0xff9d); /* it goes on below 0 */
}

static void test_mode_1(void **state)
{
    (void)state;
    program(2, 1, 100);
    to(1000);
    assert_true(output());
    out(0x61, 1);
    start = fake.now;
    assert_false(output());
    to(99);
    assert_false(output());
    out(0x61, 0); /* the gate's fall means nothing */
    to(101);
    assert_true(output());
    out(0x61, 1);
    assert_false(output());
}

static void test_mode_2(void **state)
{
    (void)state;
    out(0x61, 1);
    program(2, 2, 10);
    for (unsigned i = 0; i < 40; i++) {
        to(i);
        assert_int_equal(count(2), 10 - i % 10);
        assert_int_equal(output(), i % 10 != 9);
    }
    out(0x61, 0);
    assert_true(output());
    out(0x61, 1); /* starts anew */
    assert_int_equal(count(2), 10);
}

static void test_mode_3(void **state)
{
    (void)state;
    out(0x61, 1);
    program(2, 3, 10);
    for (unsigned i = 0; i < 40; i++) {
        to(i);
        assert_int_equal(count(2), 10 - 2 * (i % 5));
        assert_int_equal(output(), i % 10 < 5);
    }
    program(2, 3, 5);
    for (unsigned i = 0; i < 40; i++) {
        to(i);
        assert_int_equal(output(), i % 5 < 3);
    }
    program(2, 7, 0); /* 7 is 3, 0 is 65536 */
    to(32767);
    assert_true(output());
    to(32768);
    assert_false(output());
}

static void test_modes_4_and_5(void **state)
{
    (void)state;
    out(0x61, 1);
    program(2, 4, 50);
    to(49);
    assert_true(output());
    to(50);
    assert_false(output());
    to(51);
    assert_true(output());
    out(0x61, 0);
    program(2, 5, 50);
    to(60);
    assert_true(output());
    out(0x61, 1);
    start = fake.now;
    to(50);
    assert_false(output());
    to(51);
    assert_true(output());
}

static void test_access(void **state)
{
    (void)state;
    out(0x43, 0x14); /* channel 0, low byte, mode 2 */
    out(0x40, 0x80);
    assert_int_equal(in(0x40), 0x80);
    assert_int_equal(in(0x40), 0x80);
    out(0x43, 0x24); /* high byte */
    out(0x40, 0x12);
    assert_int_equal(in(0x40), 0x12);
    program(0, 2, 0x1234);
    assert_int_equal(in(0x40), 0x34);
    assert_int_equal(in(0x40), 0x12);
    out(0x43, 0);
    to(0x34);
    out(0x43, 0); /* latched already */
    assert_int_equal(in(0x40), 0x34);
    assert_int_equal(in(0x40), 0x12);
    assert_int_equal(in(0x40), 0x00);
    assert_int_equal(in(0x40), 0x12);
    assert_int_equal(in(0x43), 0);
    /* BCD. */
    out(0x43, 0x31 | 2 << 1);
    out(0x40, 0x00);
    out(0x40, 0x10);
    start = fake.now;
    to(1);
    assert_int_equal(count(0), 0x0999);
    out(0x43, 0x31 | 2 << 1);
    out(0x40, 0);
    out(0x40, 0);
    start = fake.now;
    to(1);
    assert_int_equal(count(0), 0x9999);
}

static void test_read_back(void **state)
{
    (void)state;
    out(0x43, 0x36);
    out(0x43, 0xe2);                  /* status of channel 0 */
    assert_int_equal(in(0x40), 0xf6); /* no count yet */
    program(0, 3, 0x1000);
    out(0x43, 0xc2); /* status and count */
    to(0x100);
    assert_int_equal(in(0x40), 0xb6);
    assert_int_equal(in(0x40), 0x00);
    assert_int_equal(in(0x40), 0x10);
    assert_int_equal(in(0x40), 0x00);
    assert_int_equal(in(0x40), 0x0e);
    program(2, 0, 100);
    out(0x43, 0xee); /* status of all */
    assert_int_equal(in(0x42), 0x30);
    assert_int_equal(in(0x40), 0xb6);
}

static void test_port_b(void **state)
{
    (void)state;
    out(0x61, 0xff);
    assert_int_equal(in(0x61) & 0x8f, 3);
    uint8_t before = in(0x61) & 0x10;
    fake.now += 16384;
    assert_int_not_equal(in(0x61) & 0x10, before);
    out(0x61, 0);
    assert_int_equal(in(0x61) & 3, 0);
}

static bool tick(void)
{
    if (take(0) != 0x20)
        return false;
    out(0x20, 0x60);
    return true;
}

static void test_interrupts(void **state)
{
    (void)state;
    assert_int_equal(x86_irqchip_advance(fake.chip), X86_IRQCHIP_NEVER);
    program(0, 2, 11932);
    for (unsigned i = 1; i < 20; i++) {
        uint64_t due = x86_irqchip_advance(fake.chip);
        assert_int_equal(due, start + (i * UINT64_C(11932) * S + HZ - 1) / HZ);
        fake.now = due - 1;
        x86_irqchip_advance(fake.chip);
        assert_false(tick());
        fake.now = due;
        x86_irqchip_advance(fake.chip);
        assert_true(tick());
        assert_false(tick());
    }
    /* One shot. */
    program(0, 0, 11932);
    fake.now = x86_irqchip_advance(fake.chip);
    assert_int_equal(x86_irqchip_advance(fake.chip), X86_IRQCHIP_NEVER);
    assert_true(tick());
    fake.now += S;
    x86_irqchip_advance(fake.chip);
    assert_false(tick());
}

static void test_no_tick_is_lost(void **state)
{
    unsigned ticks = 0;

    (void)state;
    program(0, 2, 11932);
    /* The host slept for half a second: 50 periods. */
    to(UINT64_C(11932) * 50);
    x86_irqchip_advance(fake.chip);
    while (tick())
        ticks++;
    assert_int_equal(ticks, 50);
    /* For ten: a second's worth. */
    to(UINT64_C(11932) * 1050);
    x86_irqchip_advance(fake.chip);
    for (ticks = 0; tick(); ticks++)
        ;
    assert_in_range(ticks, 99, 101);
    /* By the IOAPIC too. */
    out(0x21, 0xff);
    route(2, 0x50, 0);
    to(UINT64_C(11932) * 1060);
    x86_irqchip_advance(fake.chip);
    for (ticks = 0; take(0) == 0x50; ticks++)
        end(0);
    assert_int_equal(ticks, 10);
}

static void test_masked_sleeps(void **state)
{
    (void)state;
    program(0, 2, 11932);
    out(0x21, 1);
    to(11932);
    assert_int_equal(x86_irqchip_advance(fake.chip), X86_IRQCHIP_NEVER);
    to(UINT64_C(11932) * 100 + 5000);
    out(0x21, 0);
    assert_true(tick()); /* the latched one, and no more */
    assert_false(tick());
    assert_int_equal(x86_irqchip_advance(fake.chip),
                     start + (UINT64_C(11932) * 101 * S + HZ - 1) / HZ);
    /* Routed to who is not there: dropped, and heard once he is. */
    out(0x21, 1);
    route(2, 0x50, 3u << 24);
    fake.now = x86_irqchip_advance(fake.chip);
    uint64_t next = x86_irqchip_advance(fake.chip);
    put(3, 0xf0, 0x1ff);
    assert_int_equal(take(3), -1);
    fake.now = next;
    x86_irqchip_advance(fake.chip);
    assert_int_equal(take(3), 0x50);
    assert_int_equal(take(3), -1);
    /* Faster than a host should go. */
    out(0x21, 0);
    program(0, 2, 1);
    x86_irqchip_advance(fake.chip);
    fake.now += 10;
    assert_true(x86_irqchip_advance(fake.chip) >= fake.now);
    fake.now += US;
    assert_int_equal(x86_irqchip_advance(fake.chip), fake.now + X86_IRQCHIP_MIN_PERIOD_NS);
}

static void test_pokes(void **state)
{
    static const uint16_t ports[] = {0x40, 0x41, 0x42, 0x43, 0x61,  0x20,
                                     0x21, 0xa0, 0xa1, 0x43, 0x4d0, 0x4d1};
    uint64_t seed = 3;

    (void)state;
    for (int i = 0; i < 300000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint32_t r = (uint32_t)(seed >> 32), value = 0;
        uint16_t port = ports[r % (sizeof(ports) / sizeof(ports[0]))];
        uint8_t size = (uint8_t)(1u << (r >> 8 & 3));
        if (r >> 10 & 1)
            assert_true(x86_irqchip_port_write(fake.chip, port, size, (uint32_t)(seed >> 5)));
        else
            assert_true(x86_irqchip_port_read(fake.chip, port, size, &value));
        fake.now += (r >> 12 & 0xff) << (r >> 20 & 15);
        if ((r >> 28) == 1)
            assert_true(x86_irqchip_advance(fake.chip) > fake.now);
        if ((r >> 28) == 2)
            take(0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mode_0, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mode_1, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mode_2, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mode_3, setup, teardown),
        cmocka_unit_test_setup_teardown(test_modes_4_and_5, setup, teardown),
        cmocka_unit_test_setup_teardown(test_access, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_port_b, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interrupts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_tick_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_masked_sleeps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pokes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
