/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI tables, and the memory map they and the loaders share. */
#include "images.h"

static void assert_sum(const uint8_t *table, size_t size)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + table[i]);
    assert_int_equal(sum, 0);
}

static uint8_t *table_at(const struct rig *rig, uint64_t gpa, const char *signature)
{
    uint8_t *table = guest(rig, gpa, ACPI_HEADER_SIZE);
    uint32_t size = get32(table + 4);

    assert_true(gpa >= MEMMAP_BIOS && gpa + size <= MEMMAP_BIOS_END);
    assert_memory_equal(table, signature, 4);
    assert_sum(table, size);
    return table;
}

static struct rig *load_with(uint32_t cpus)
{
    struct rig *rig = rig_new(4 * MIB);

    make_bzimage(rig);
    rig->in.cpus = cpus;
    expect_ok(rig);
    return rig;
}

static uint8_t *find_tables(const struct rig *rig, uint8_t **fadt)
{
    uint8_t *rsdp = guest(rig, ACPI_RSDP_ADDRESS, 36), *xsdt;

    assert_memory_equal(rsdp, "RSD PTR ", 8);
    assert_int_equal(rsdp[15], 2);
    assert_sum(rsdp, 20);
    assert_sum(rsdp, 36);
    xsdt = table_at(rig, get64(rsdp + 24), "XSDT");
    assert_int_equal(get32(xsdt + 4), 36 + 16);
    *fadt = table_at(rig, get64(xsdt + 36), "FACP");
    return table_at(rig, get64(xsdt + 44), "APIC");
}

static void fixed_hardware(void **context)
{
    struct rig *rig = load_with(1);
    uint8_t *fadt, *dsdt, *facs;

    (void)context;
    find_tables(rig, &fadt);
    assert_int_equal(get16(fadt + 46), MEMMAP_SCI_IRQ);
    assert_int_equal(get32(fadt + 56), 0x600);
    assert_int_equal(get32(fadt + 64), 0x604);
    assert_int_equal(get32(fadt + 76), 0x608);
    assert_int_equal(get16(fadt + 109), 0x7);
    assert_int_equal(get32(fadt + 112) & 0x400, 0x400);
    assert_int_equal(get64(fadt + 120), 0x64);
    assert_int_equal(fadt[128], 0xFE);
    facs = guest(rig, get32(fadt + 36), 64);
    assert_int_equal(get32(fadt + 36) % 64, 0);
    assert_memory_equal(facs, "FACS", 4);
    assert_int_equal(get32(facs + 4), 64);
    assert_int_equal(get32(fadt + 40), get64(fadt + 140));
    dsdt = table_at(rig, get64(fadt + 140), "DSDT");
    /* Name (_S5, Package (4) {5, 5, 0, 0}) */
    assert_memory_equal(dsdt + 36, "\x08_S5_\x12\x49\x00\x04\x0A\x05\x0A\x05\x00\x00", 15);
    rig_free(rig);
}

static void absent_devices_are_not_told_of(void **context)
{
    struct boot_input in = {0};
    uint8_t code[ACPI_DSDT_MAX];
    struct rig *rig = rig_new(4 * MIB);
    uint8_t *fadt;

    (void)context;
    assert_int_equal(acpi_dsdt(&in, code), 15);
    in.has_serial = true;
    assert_int_equal(acpi_dsdt(&in, code), 70);
    in.has_rtc = true;
    assert_true(acpi_dsdt(&in, code) > 70);
    make_bzimage(rig);
    rig->in.has_i8042 = rig->in.has_rtc = false;
    expect_ok(rig);
    find_tables(rig, &fadt);
    assert_int_equal(get16(fadt + 109), 0x25);
    assert_int_equal(fadt[108], 0);
    rig_free(rig);
}

static void every_cpu_is_listed_once(void **context)
{
    static const uint32_t counts[] = {1, 2, 4, 254, 255, 256, 300, 4096};

    (void)context;
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        struct rig *rig = load_with(counts[c]);
        uint8_t *fadt, *madt = find_tables(rig, &fadt);
        uint32_t size = get32(madt + 4), next = 0, nmi = 0, ioapics = 0;

        assert_int_equal(get32(madt + 36), 0xFEE00000);
        for (uint32_t at = 44; at < size; at += madt[at + 1]) {
            const uint8_t *e = madt + at;

            assert_true(e[1] >= 2 && at + e[1] <= size);
            if (e[0] == 0) {
                assert_int_equal(e[3], next++);
                assert_int_equal(get32(e + 4), 1);
            } else if (e[0] == 9) {
                assert_true(next >= 255);
                assert_int_equal(get32(e + 4), next);
                assert_int_equal(get32(e + 12), next++);
                assert_int_equal(get32(e + 8), 1);
            } else if (e[0] == 1) {
                assert_int_equal(get32(e + 4), 0xFEC00000);
                ioapics++;
            } else if (e[0] == 2) {
                assert_int_equal(get32(e + 4), e[3] == 0 ? 2 : 9);
            } else {
                assert_true(e[0] == 4 || e[0] == 10);
                nmi++;
            }
        }
        assert_int_equal(next, counts[c]);
        assert_int_equal(ioapics, 1);
        assert_int_equal(nmi, counts[c] > 255 ? 2 : 1);
        rig_free(rig);
    }
}

static void cpu_counts_out_of_range(void **context)
{
    struct rig *rig = rig_new(4 * MIB);

    (void)context;
    make_bzimage(rig);
    rig->in.cpus = 0;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "0 CPUs");
    rig->in.cpus = 5000;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "5000 CPUs");
    rig->in.cpus = UINT32_MAX;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "1 to 4096");
    rig_free(rig);
}

static void ram_has_a_hole_below_4_gib(void **context)
{
    const uint64_t size = MEMMAP_LOW_END + 0x2000;
    uint8_t *ram = NULL;

    (void)context;
    assert_int_equal(memmap_low_size(size), MEMMAP_LOW_END);
    assert_int_equal(memmap_high_size(size), 0x2000);
    assert_int_equal(memmap_high_size(0x1000), 0);
#define AT(size, gpa, length)                                                                      \
    ((uint64_t)(uintptr_t)memmap_host(&memmap_x86, ram, size, gpa, length))
    ram = (uint8_t *)(uintptr_t)0x1000;
    assert_int_equal(AT(size, MEMMAP_LOW_END - 1, 1), 0x1000 + MEMMAP_LOW_END - 1);
    assert_int_equal(AT(size, MEMMAP_LOW_END - 1, 2), 0);
    assert_int_equal(AT(size, MEMMAP_HIGH_BASE - 1, 1), 0);
    assert_int_equal(AT(size, MEMMAP_HIGH_BASE, 0x2000), 0x1000 + MEMMAP_LOW_END);
    assert_int_equal(AT(size, MEMMAP_HIGH_BASE, 0x2001), 0);
    assert_int_equal(AT(size, MEMMAP_HIGH_BASE + 1, UINT64_MAX), 0);
    assert_int_equal(AT(size, UINT64_MAX, 2), 0);
    assert_int_equal(AT(0x1000, 0, UINT64_MAX), 0);
    assert_int_equal(memmap_end(&memmap_x86, size), MEMMAP_HIGH_BASE + 0x2000);
    assert_int_equal(memmap_end(&memmap_x86, 0x1000), 0x1000);
    assert_int_equal(memmap_end(&memmap_arm64, 0x1000), 0x40001000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_hardware),
        cmocka_unit_test(absent_devices_are_not_told_of),
        cmocka_unit_test(every_cpu_is_listed_once),
        cmocka_unit_test(cpu_counts_out_of_range),
        cmocka_unit_test(ram_has_a_hole_below_4_gib),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
