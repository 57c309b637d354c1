/* SPDX-License-Identifier: BSD-2-Clause */
/* State that is read and set, the timer thread, and calls from several threads. */
#include "fake_chip.h"

#include <stdatomic.h>

#include "os/os.h"

static void test_lapic_round_trip(void **state)
{
    vmaccel_x86_lapic saved, again;

    (void)state;
    enable_all();
    put(1, 0x3e0, 3);
    put(1, 0x320, 0x20041);
    put(1, 0x380, 1000000);
    put(1, 0x80, 0x20);
    fake.now += 12345;
    put(1, 0x300, 0x44051);
    put(1, 0x300, 0x44061);
    put(1, 0x300, 0x44071);
    assert_int_equal(take(1), 0x71);
    x86_lapic_get_state(fake.chip, 1, &saved);
    assert_int_equal(saved.regs[0x20 + 3], 1);
    uint64_t next = x86_irqchip_advance(fake.chip);
    for (uint32_t vcpu = 1; vcpu < 4; vcpu += 2) {
        assert_true(x86_lapic_set_state(fake.chip, vcpu, &saved));
        x86_lapic_get_state(fake.chip, vcpu, &again);
        assert_memory_equal(&again, &saved, sizeof(saved));
        assert_int_equal(take(vcpu), -1);
        end(vcpu);
        assert_int_equal(take(vcpu), 0x61);
        assert_in_range(x86_irqchip_advance(fake.chip), next, next + 16); /* a count is 16 ns */
    }
    /* A pending interrupt wants a look. */
    unsigned before = fake.notified[2];
    x86_lapic_set_state(fake.chip, 2, &saved);
    assert_int_equal(fake.notified[2], before);
    saved.regs[0x170] = 0; /* 0x71 out of service: ISR bank 3, bit 17 */
    memset(saved.regs + 0x130, 0, 4);
    x86_lapic_set_state(fake.chip, 2, &saved);
    assert_int_equal(fake.notified[2], before + 1);
    assert_int_equal(take(2), 0x61);
}

static void test_lapic_x2apic_round_trip(void **state)
{
    vmaccel_x86_lapic saved, again;

    (void)state;
    x2apic_all();
    put_msr(2, 0x80f, 0x1ff);
    put_msr(2, 0x832, 0x40042);
    x86_lapic_set_deadline(fake.chip, 2, 2 * fake.now + 1000);
    put_msr(2, 0x830, UINT64_C(0x80000001) << 32 | 0x4033);
    x86_lapic_get_state(fake.chip, 2, &saved);
    assert_int_equal(saved.regs[0x20], 2);
    assert_int_equal(saved.regs[0x313], 0x80);
    assert_true(x86_lapic_set_state(fake.chip, 2, &saved));
    x86_lapic_get_state(fake.chip, 2, &again);
    assert_memory_equal(&again, &saved, sizeof(saved));
    assert_int_equal(x86_lapic_deadline(fake.chip, 2), 2 * fake.now + 1000);
    assert_int_equal(x86_irqchip_advance(fake.chip), fake.now + 500);
    assert_false(x86_lapic_set_state(fake.chip, 1, &saved)); /* another's ID */
}

static void test_irqchip_round_trip(void **state)
{
    vmaccel_x86_irqchip saved, again;

    (void)state;
    enable_all();
    pic_setup(1);
    pulse(3);
    pulse(12);
    out(0x4d1, 0x08);
    x86_irqchip_line(fake.chip, 11, true);
    route(4, 0x34, 0);
    route(20, 0x8035, 0);
    x86_irqchip_line(fake.chip, 20, true);
    out(0x43, 0x34);
    out(0x40, 0x9c);
    out(0x40, 0x2e);
    out(0x43, 0x00);
    assert_int_equal(in(0x40), 0x9c);
    out(0x61, 3);
    x86_irqchip_get_state(fake.chip, &saved);
    assert_int_equal(saved.ioapic_redirection[20], 0xc035);
    assert_int_equal(saved.ioapic_irr, 1u << 20 | 1u << 11);
    assert_int_equal(saved.pit[0].count, 0x2e9c);
    assert_int_equal(saved.pit_flags, 2);
    x86_irqchip_destroy(fake.chip);
    fake_create(X86_IRQCHIP_FULL);
    fake.now += 12345;
    x86_irqchip_set_state(fake.chip, &saved);
    x86_irqchip_get_state(fake.chip, &again);
    assert_int_equal(again.pit[0].count_load_time, fake.now);
    for (int i = 0; i < 3; i++)
        again.pit[i].count_load_time = saved.pit[i].count_load_time;
    assert_memory_equal(&again, &saved, sizeof(saved));
    assert_int_equal(in(0x40), 0x2e);
    put(0, 0xf0, 0x1ff);
    put(0, 0x350, 0x700);
    assert_int_equal(take(0), 0x2b);
    assert_true(x86_irqchip_advance(fake.chip) != X86_IRQCHIP_NEVER);
}

/* What no chip gave is set without harm. */
static void test_arbitrary_state(void **state)
{
    uint64_t seed = 4;
    vmaccel_x86_irqchip chip;
    vmaccel_x86_lapic lapic;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        for (size_t j = 0; j < sizeof(chip) + sizeof(lapic); j++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            if (j < sizeof(chip))
                ((uint8_t *)&chip)[j] = (uint8_t)(seed >> 56);
            else
                lapic.regs[j - sizeof(chip)] = (uint8_t)(seed >> 56);
        }
        x86_irqchip_set_state(fake.chip, &chip);
        x86_lapic_set_state(fake.chip, 0, &lapic);
        for (int j = 0; j < 20; j++) {
            fake.now += (seed >> j & 0xff) << 12;
            x86_irqchip_advance(fake.chip);
            pulse(seed >> j & 31);
            in((uint16_t)(0x40 + (j & 3)));
            in(0x61);
            take(0);
            end(0);
        }
    }
}

struct live {
    struct x86_irqchip *chip;
    os_mutex lock;
    os_cond woken;
    uint32_t interrupts[VCPUS];
    atomic_uint notified[VCPUS];
    atomic_bool stop;
};

static void on_live_notify(void *context, uint32_t vcpu)
{
    struct live *live = context;
    atomic_fetch_add(&live->notified[vcpu], 1);
    os_mutex_lock(&live->lock);
    os_cond_broadcast(&live->woken);
    os_mutex_unlock(&live->lock);
}

static uint64_t live_tsc(void *context, uint32_t vcpu)
{
    (void)context, (void)vcpu;
    return os_clock_ns();
}

static void live_create(struct live *live)
{
    const struct x86_irqchip_config config = {.max_vcpus = VCPUS,
                                              .tsc_khz = 1000000,
                                              .context = live,
                                              .notify = on_live_notify,
                                              .tsc = live_tsc};
    int32_t error;
    memset(live, 0, sizeof(*live));
    os_mutex_init(&live->lock);
    os_cond_init(&live->woken);
    live->chip = x86_irqchip_create(&config, &error);
    assert_non_null(live->chip);
    fake.chip = live->chip; /* for the accessors */
    for (uint32_t i = 0; i < VCPUS; i++)
        x86_lapic_attach(live->chip, i);
    enable_all();
}

static void live_destroy(struct live *live)
{
    x86_irqchip_destroy(live->chip);
    os_cond_destroy(&live->woken);
    os_mutex_destroy(&live->lock);
}

static void wait_pending(struct live *live, uint32_t vcpu)
{
    os_mutex_lock(&live->lock);
    while (!x86_lapic_pending(live->chip, vcpu) && !live->stop)
        (void)os_cond_wait(&live->woken, &live->lock, UINT64_MAX);
    os_mutex_unlock(&live->lock);
}

static void test_timer_thread(void **state)
{
    struct live live;

    (void)state;
    live_create(&live);
    put(0, 0x3e0, 0xb);
    put(0, 0x320, 0x40);
    uint64_t start = os_clock_ns();
    put(0, 0x380, 2000000);
    wait_pending(&live, 0);
    assert_true(os_clock_ns() >= start + 2 * MS);
    assert_int_equal(take(0), 0x40);
    end(0);
    put(0, 0x320, 0x20040);
    put(0, 0x380, 500000);
    for (int i = 0; i < 10; i++) {
        wait_pending(&live, 0);
        assert_int_equal(take(0), 0x40);
        end(0);
    }
    assert_true(os_clock_ns() >= start + 7 * MS);
    put(0, 0x320, 0x40041);
    x86_lapic_set_deadline(live.chip, 0, os_clock_ns() + MS);
    wait_pending(&live, 0);
    assert_int_equal(take(0), 0x41);
    end(0);
    pic_setup(1);
    put(0, 0x350, 0x700);
    out(0x43, 0x34);
    out(0x40, 0xa9);
    out(0x40, 0x04); /* 1 kHz */
    for (int i = 0; i < 5; i++) {
        wait_pending(&live, 0);
        assert_int_equal(take(0), 0x20);
        out(0x20, 0x20);
    }
    live_destroy(&live);
    fake.chip = NULL;
}

struct sender {
    struct live *live;
    uint32_t vcpu;
    os_thread thread;
};

/* A CPU of its own: takes what comes, and sends the next one an IPI each time. */
static void run_cpu(void *argument)
{
    struct sender *sender = argument;
    struct live *live = sender->live;
    uint32_t vcpu = sender->vcpu;
    while (!live->stop) {
        wait_pending(live, vcpu);
        int vector = x86_lapic_acknowledge(live->chip, vcpu);
        if (vector < 0)
            continue;
        end(vcpu);
        if (vector == 0x60)
            live->interrupts[vcpu]++;
        put(vcpu, 0x310, (vcpu + 1) % VCPUS << 24);
        put(vcpu, 0x300, vector == 0x60 ? 0x4060 : 0x4041);
        if (live->interrupts[vcpu] >= 2000)
            live->stop = true;
    }
    on_live_notify(live, vcpu);
}

/* No IPI is lost: the token goes round until the first has seen it 2000 times. */
static void test_threads(void **state)
{
    struct live live;
    struct sender senders[VCPUS];

    (void)state;
    live_create(&live);
    for (uint32_t i = 0; i < VCPUS; i++) {
        senders[i] = (struct sender){.live = &live, .vcpu = i};
        assert_int_equal(os_thread_create(&senders[i].thread, run_cpu, &senders[i], "cpu"), 0);
    }
    put(0, 0x310, 0);
    x86_irqchip_msi(live.chip, 0xfee00000, 0x60);
    while (!live.stop) {
        vmaccel_x86_lapic page;
        route(5, 0x41, 0);
        pulse(5);
        x86_lapic_get_state(live.chip, 1, &page);
        os_sleep_ns(200000);
    }
    for (uint32_t i = 0; i < VCPUS; i++)
        os_thread_join(&senders[i].thread);
    assert_true(live.interrupts[0] + 1 >= live.interrupts[3]);
    live_destroy(&live);
    fake.chip = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lapic_round_trip, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_lapic_x2apic_round_trip, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_irqchip_round_trip, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_arbitrary_state, setup_full, teardown),
        cmocka_unit_test(test_timer_thread),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
