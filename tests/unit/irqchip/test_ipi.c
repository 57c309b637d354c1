/* SPDX-License-Identifier: BSD-2-Clause */
/* Who receives an interrupt message. */
#include "fake_chip.h"

#define LOGICAL 0x800u
#define LOWEST  0x100u
#define ASSERT  0x4000u

static void send(uint32_t from, uint8_t destination, uint32_t icr)
{
    put(from, 0x310, (uint32_t)destination << 24);
    put(from, 0x300, icr);
}

/* The vCPUs that got `vector`, as bits; it is taken and ended. */
static unsigned receivers(uint8_t vector)
{
    unsigned set = 0;
    for (uint32_t i = 0; i < VCPUS; i++) {
        int got = take(i);
        if (got < 0)
            continue;
        assert_int_equal(got, vector);
        set |= 1u << i;
        end(i);
    }
    return set;
}

static void test_physical(void **state)
{
    (void)state;
    enable_all();
    send(0, 2, ASSERT | 0x40);
    assert_int_equal(receivers(0x40), 4);
    send(3, 3, ASSERT | 0x40);
    assert_int_equal(receivers(0x40), 8);
    send(0, 9, ASSERT | 0x40);
    assert_int_equal(receivers(0x40), 0);
    send(0, 0xff, ASSERT | 0x40);
    assert_int_equal(receivers(0x40), 15);
    put(1, 0xf0, 0xff);
    send(0, 0xff, ASSERT | 0x40);
    assert_int_equal(receivers(0x40), 13);
}

static void test_shorthands(void **state)
{
    (void)state;
    enable_all();
    send(1, 0, 0x40000 | ASSERT | 0x41);
    assert_int_equal(receivers(0x41), 2);
    send(1, 0, 0x80000 | ASSERT | 0x41);
    assert_int_equal(receivers(0x41), 15);
    send(1, 0, 0xc0000 | ASSERT | 0x41);
    assert_int_equal(receivers(0x41), 13);
}

static void test_logical_flat(void **state)
{
    (void)state;
    enable_all();
    for (uint32_t i = 0; i < VCPUS; i++)
        put(i, 0xd0, 1u << (24 + i));
    send(0, 0x5, LOGICAL | ASSERT | 0x50);
    assert_int_equal(receivers(0x50), 5);
    send(0, 0xff, LOGICAL | ASSERT | 0x50);
    assert_int_equal(receivers(0x50), 15);
    send(0, 0xf0, LOGICAL | ASSERT | 0x50);
    assert_int_equal(receivers(0x50), 0);
}

static void test_logical_cluster(void **state)
{
    static const uint8_t ids[VCPUS] = {0x11, 0x12, 0x21, 0x22};

    (void)state;
    enable_all();
    for (uint32_t i = 0; i < VCPUS; i++) {
        put(i, 0xe0, 0x0fffffff);
        put(i, 0xd0, (uint32_t)ids[i] << 24);
    }
    send(0, 0x13, LOGICAL | ASSERT | 0x50);
    assert_int_equal(receivers(0x50), 3);
    send(0, 0x22, LOGICAL | ASSERT | 0x50);
    assert_int_equal(receivers(0x50), 8);
    send(0, 0xff, LOGICAL | ASSERT | 0x50);
    assert_int_equal(receivers(0x50), 15);
}

static void test_lowest_priority(void **state)
{
    unsigned seen = 0;

    (void)state;
    enable_all();
    for (uint32_t i = 0; i < VCPUS; i++)
        put(i, 0xd0, 1u << (24 + i));
    /* In turns among equals. */
    for (int i = 0; i < 4; i++) {
        send(0, 0xf, LOWEST | LOGICAL | ASSERT | 0x60);
        unsigned one = receivers(0x60);
        assert_int_equal(one & (one - 1), 0);
        seen |= one;
    }
    assert_int_equal(seen, 15);
    for (uint32_t i = 0; i < VCPUS; i++)
        put(i, 0x80, i == 2 ? 0x10 : 0x30);
    for (int i = 0; i < 3; i++) {
        send(0, 0xf, LOWEST | LOGICAL | ASSERT | 0x60);
        assert_int_equal(receivers(0x60), 4);
    }
    put(2, 0xf0, 0xff); /* who is off is not asked */
    send(0, 0x6, LOWEST | LOGICAL | ASSERT | 0x60);
    assert_int_equal(receivers(0x60), 2);
}

static void test_init_sipi_nmi(void **state)
{
    (void)state;
    put(0, 0xf0, 0x1ff);
    send(0, 1, 0xc500); /* INIT, level, assert */
    assert_int_equal(fake.inits[1], 1);
    send(0, 1, 0x8500); /* and de-assert */
    assert_int_equal(fake.inits[1], 1);
    send(0, 1, 0x4500); /* edge, as x2APIC has it */
    assert_int_equal(fake.inits[1], 2);
    send(0, 1, 0x4608);
    assert_int_equal(fake.sipis[1], 1);
    assert_int_equal(fake.sipi_vector, 8);
    send(0, 0, 0xc0000 | ASSERT | 0x609);
    assert_int_equal(fake.sipis[0], 0);
    assert_int_equal(fake.sipis[1], 2);
    assert_int_equal(fake.sipis[3], 1);
    send(0, 0, 0x80000 | ASSERT | 0x400);
    for (uint32_t i = 0; i < VCPUS; i++)
        assert_int_equal(fake.nmis[i], 1);
    send(0, 1, ASSERT | 0x200); /* SMI */
    send(0, 1, ASSERT | 0x300);
    send(0, 1, ASSERT | 0x700);
    assert_int_equal(receivers(0), 0);
}

static void test_absent(void **state)
{
    (void)state;
    enable_all();
    x86_lapic_detach(fake.chip, 2);
    send(0, 0xff, ASSERT | 0x40);
    send(0, 2, 0x4500);
    assert_int_equal(fake.inits[2], 0);
    assert_int_equal(receivers(0x40), 11);
    x86_lapic_attach(fake.chip, 2);
    send(0, 2, 0x4500);
    assert_int_equal(fake.inits[2], 1);
}

static void end_x2(uint32_t vcpu)
{
    put_msr(vcpu, 0x80b, 0);
}

static unsigned receivers_x2(uint8_t vector)
{
    unsigned set = 0;
    for (uint32_t i = 0; i < VCPUS; i++) {
        if (take(i) == vector) {
            set |= 1u << i;
            end_x2(i);
        }
    }
    return set;
}

static void test_x2apic_destinations(void **state)
{
    (void)state;
    x2apic_all();
    for (uint32_t i = 0; i < VCPUS; i++)
        put_msr(i, 0x80f, 0x1ff);
    put_msr(0, 0x830, UINT64_C(3) << 32 | 0x4070);
    assert_int_equal(receivers_x2(0x70), 8);
    put_msr(0, 0x830, UINT64_C(0xffffffff) << 32 | 0x4070);
    assert_int_equal(receivers_x2(0x70), 15);
    put_msr(0, 0x830, UINT64_C(0xff) << 32 | 0x4070);
    assert_int_equal(receivers_x2(0x70), 0);
    put_msr(0, 0x830, UINT64_C(0x00006) << 32 | 0x4870);
    assert_int_equal(receivers_x2(0x70), 6);
    put_msr(0, 0x830, UINT64_C(0x10006) << 32 | 0x4870);
    assert_int_equal(receivers_x2(0x70), 0);
    put_msr(2, 0x830, 0xc4070);
    assert_int_equal(receivers_x2(0x70), 11);
    x86_irqchip_msi(fake.chip, 0xfee03000, 0x71);
    assert_int_equal(receivers_x2(0x71), 8);
    x86_irqchip_msi(fake.chip, UINT64_C(1) << 40 | 0xfee03000, 0x71); /* ID 0x103 */
    assert_int_equal(receivers_x2(0x71), 0);
}

static void test_msi(void **state)
{
    (void)state;
    enable_all();
    for (uint32_t i = 0; i < VCPUS; i++)
        put(i, 0xd0, 1u << (24 + i));
    x86_irqchip_msi(fake.chip, 0xfee02000, 0x33);
    assert_int_equal(receivers(0x33), 4);
    x86_irqchip_msi(fake.chip, 0xfee0a004, 0x33);
    assert_int_equal(receivers(0x33), 10);
    x86_irqchip_msi(fake.chip, 0xfee0e00c, 0x33); /* redirection hint: one of them */
    unsigned one = receivers(0x33);
    assert_true(one != 0 && (one & (one - 1)) == 0 && (one & 14) != 0);
    x86_irqchip_msi(fake.chip, 0xfee01000, 0x400);
    assert_int_equal(fake.nmis[1], 1);
    x86_irqchip_msi(fake.chip, 0xfee01000, 0x500);
    assert_int_equal(fake.inits[1], 1);
    x86_irqchip_msi(fake.chip, 0xfee01000, 0x608);
    assert_int_equal(fake.sipis[1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_physical, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_shorthands, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_logical_flat, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_logical_cluster, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_lowest_priority, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_init_sipi_nmi, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_absent, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_x2apic_destinations, setup_full, teardown),
        cmocka_unit_test_setup_teardown(test_msi, setup_split, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
