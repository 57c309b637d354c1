/* SPDX-License-Identifier: BSD-2-Clause */
/* A chip of four vCPUs on a clock the test turns, and what it told them. */
#ifndef TESTS_FAKE_CHIP_H
#define TESTS_FAKE_CHIP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "irqchip/x86.h"

#define VCPUS   4u
#define TSC_KHZ 2000000u /* two a nanosecond */
#define US      UINT64_C(1000)
#define MS      UINT64_C(1000000)

static struct {
    struct x86_irqchip *chip;
    uint64_t now, tsc_offset;
    unsigned notified[VCPUS], inits[VCPUS], sipis[VCPUS], nmis[VCPUS], eois, msis;
    uint8_t sipi_vector, eoi_vector;
    uint32_t eoi_vcpu;
    uint64_t msi_address;
    uint32_t msi_data;
} fake;

static void on_notify(void *context, uint32_t vcpu)
{
    assert_ptr_equal(context, &fake);
    fake.notified[vcpu]++;
}

static void on_init(void *context, uint32_t vcpu)
{
    (void)context;
    fake.inits[vcpu]++;
}

static void on_sipi(void *context, uint32_t vcpu, uint8_t vector)
{
    (void)context;
    fake.sipis[vcpu]++;
    fake.sipi_vector = vector;
}

static void on_nmi(void *context, uint32_t vcpu)
{
    (void)context;
    fake.nmis[vcpu]++;
}

static void on_eoi(void *context, uint32_t vcpu, uint8_t vector)
{
    (void)context;
    fake.eois++;
    fake.eoi_vcpu = vcpu;
    fake.eoi_vector = vector;
}

static void on_msi(void *context, uint64_t address, uint32_t data)
{
    (void)context;
    fake.msis++;
    fake.msi_address = address;
    fake.msi_data = data;
}

static uint64_t fake_clock(void *context)
{
    (void)context;
    return fake.now;
}

static uint64_t fake_tsc(void *context, uint32_t vcpu)
{
    (void)context, (void)vcpu;
    return 2 * fake.now + fake.tsc_offset;
}

static inline void fake_create(enum x86_irqchip_kind kind)
{
    const struct x86_irqchip_config config = {
        .kind = kind,
        .max_vcpus = VCPUS,
        .tsc_khz = TSC_KHZ,
        .manual = true,
        .context = &fake,
        .notify = on_notify,
        .init = on_init,
        .sipi = on_sipi,
        .nmi = on_nmi,
        .eoi = on_eoi,
        .msi = on_msi,
        .clock = fake_clock,
        .tsc = fake_tsc,
    };
    int32_t error;
    memset(&fake, 0, sizeof(fake));
    fake.now = 1000 * MS;
    fake.chip = x86_irqchip_create(&config, &error);
    assert_non_null(fake.chip);
    for (uint32_t i = 0; i < VCPUS; i++)
        x86_lapic_attach(fake.chip, i);
}

static inline int setup_full(void **state)
{
    (void)state;
    fake_create(X86_IRQCHIP_FULL);
    return 0;
}

static inline int setup_split(void **state)
{
    (void)state;
    fake_create(X86_IRQCHIP_SPLIT);
    return 0;
}

static inline int setup_no_lapic(void **state)
{
    (void)state;
    fake_create(X86_IRQCHIP_NO_LAPIC);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    x86_irqchip_destroy(fake.chip);
    fake.chip = NULL;
    return 0;
}

static inline uint32_t get(uint32_t vcpu, uint32_t offset)
{
    return (uint32_t)x86_lapic_read(fake.chip, vcpu, offset, 4);
}

static inline void put(uint32_t vcpu, uint32_t offset, uint32_t value)
{
    x86_lapic_write(fake.chip, vcpu, offset, 4, value);
}

static inline uint64_t get_msr(uint32_t vcpu, uint32_t msr)
{
    uint64_t value = 0;
    assert_true(x86_lapic_read_msr(fake.chip, vcpu, msr, &value));
    return value;
}

static inline void put_msr(uint32_t vcpu, uint32_t msr, uint64_t value)
{
    assert_true(x86_lapic_write_msr(fake.chip, vcpu, msr, value));
}

static inline uint8_t in(uint16_t port)
{
    uint32_t value = 0;
    assert_true(x86_irqchip_port_read(fake.chip, port, 1, &value));
    assert_in_range(value, 0, 0xff);
    return (uint8_t)value;
}

static inline void out(uint16_t port, uint8_t value)
{
    assert_true(x86_irqchip_port_write(fake.chip, port, 1, value));
}

static inline int take(uint32_t vcpu)
{
    bool pending = x86_lapic_pending(fake.chip, vcpu);
    int vector = x86_lapic_acknowledge(fake.chip, vcpu);
    assert_int_equal(pending, vector >= 0);
    return vector;
}

static inline void end(uint32_t vcpu)
{
    put(vcpu, 0xb0, 0);
}

static inline void pulse(uint32_t line)
{
    x86_irqchip_line(fake.chip, line, true);
    x86_irqchip_line(fake.chip, line, false);
}

/* Local APICs on, the 8259 not connected. */
static inline void enable_all(void)
{
    for (uint32_t i = 0; i < VCPUS; i++) {
        put(i, 0xf0, 0x1ff);
        put(i, 0x350, 0x10000);
    }
}

static inline void x2apic_all(void)
{
    for (uint32_t i = 0; i < VCPUS; i++)
        assert_true(x86_lapic_set_base(fake.chip, i,
                                       x86_lapic_base(fake.chip, i) | UINT64_C(1) << 10, false));
}

static inline uint32_t ioapic_get(uint8_t index)
{
    x86_ioapic_write(fake.chip, 0, 4, index);
    return (uint32_t)x86_ioapic_read(fake.chip, 0x10, 4);
}

static inline void ioapic_put(uint8_t index, uint32_t value)
{
    x86_ioapic_write(fake.chip, 0, 4, index);
    x86_ioapic_write(fake.chip, 0x10, 4, value);
}

static inline void route(uint8_t pin, uint32_t low, uint32_t high)
{
    ioapic_put((uint8_t)(0x11 + 2 * pin), high);
    ioapic_put((uint8_t)(0x10 + 2 * pin), low);
}

/* Both 8259s initialized as firmware does, vectors from 0x20, all lines open. */
static inline void pic_setup(uint8_t icw4)
{
    out(0x20, 0x11), out(0xa0, 0x11);
    out(0x21, 0x20), out(0xa1, 0x28);
    out(0x21, 0x04), out(0xa1, 0x02);
    out(0x21, icw4), out(0xa1, icw4 & ~0x10);
    out(0x21, 0), out(0xa1, 0);
}

#endif
