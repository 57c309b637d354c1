/* SPDX-License-Identifier: BSD-2-Clause */
/* RSDP, XSDT, FADT, FACS and MADT. Source: ACPI specification 6.3, chapter 5. */
#include "machine/boot/acpi.h"

#include <inttypes.h>
#include <string.h>

#include "machine/boot/bytes.h"

enum { RSDP_SIZE = 36, XSDT_SIZE = ACPI_HEADER_SIZE + 2 * 8, FADT_SIZE = 276, FACS_SIZE = 64 };

enum {
    FADT_FACS = 36,
    FADT_DSDT = 40,
    FADT_SCI = 46,
    FADT_PM1_EVENT = 56,
    FADT_PM1_CONTROL = 64,
    FADT_PM_TIMER = 76,
    FADT_PM1_EVENT_LENGTH = 88,
    FADT_PM1_CONTROL_LENGTH = 89,
    FADT_PM_TIMER_LENGTH = 91,
    FADT_C2_LATENCY = 96,
    FADT_C3_LATENCY = 98,
    FADT_CENTURY = 108,
    FADT_BOOT_ARCH = 109,
    FADT_FLAGS = 112,
    FADT_RESET = 116,
    FADT_RESET_VALUE = 128,
    FADT_X_DSDT = 140,
    FADT_X_PM1_EVENT = 148,
    FADT_X_PM1_CONTROL = 172,
    FADT_X_PM_TIMER = 208,
};

#define FADT_REVISION 6

#define BOOT_LEGACY_DEVICES  0x0001u
#define BOOT_I8042           0x0002u
#define BOOT_NO_VGA          0x0004u
#define BOOT_NO_CMOS_RTC     0x0020u
#define FLAG_WBINVD          0x0001u
#define FLAG_NO_POWER_BUTTON 0x0010u /* none of the fixed hardware's */
#define FLAG_NO_SLEEP_BUTTON 0x0020u
#define FLAG_NO_RTC_WAKE     0x0040u /* in the fixed hardware */
#define FLAG_RESET_REGISTER  0x0400u

/* Above these a C state is not supported. */
enum { NO_C2 = 101, NO_C3 = 1001 };

/* MADT entries: type and length. */
enum {
    MADT_LOCAL_APIC = 0,
    MADT_IOAPIC = 1,
    MADT_OVERRIDE = 2,
    MADT_LOCAL_NMI = 4,
    MADT_X2APIC = 9,
    MADT_X2APIC_NMI = 10,
    MADT_HEAD_SIZE = ACPI_HEADER_SIZE + 8,
    X2APIC_FIRST = 255, /* the first ID that 8 bits can't name */
};

#define MADT_PCAT_COMPATIBLE 1u
#define MADT_ENABLED         1u
#define OVERRIDE_CONFORMS    0x0u
#define OVERRIDE_LEVEL_HIGH  0xDu

struct area {
    uint8_t *host; /* of MEMMAP_BIOS */
    uint32_t used;
};

static void set_checksum(uint8_t *table, size_t size, size_t at)
{
    uint8_t sum = 0;

    table[at] = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + table[i]);
    table[at] = (uint8_t)-sum;
}

/* Addresses of tables fit 32 bits; each starts at a multiple of 64, which the FACS needs. */
static uint8_t *new_table(struct area *area, uint32_t size, uint32_t *address)
{
    uint8_t *host = area->host + area->used;

    *address = MEMMAP_BIOS + area->used;
    area->used += (size + 63) & ~63u;
    return host;
}

static void put_header(uint8_t *table, const char *signature, uint8_t revision, uint32_t size)
{
    memcpy(table, signature, 4);
    put32(table + 4, size);
    table[8] = revision;
    memcpy(table + 10, "VMACCL", 6);
    memcpy(table + 16, "VMACCEL ", 8);
    put32(table + 24, 1);
    memcpy(table + 28, "VMAC", 4);
    put32(table + 32, 1);
    set_checksum(table, size, 9);
}

static void put_port(uint8_t *at, unsigned port, unsigned bytes)
{
    at[0] = 1; /* I/O space */
    at[1] = (uint8_t)(bytes * 8);
    at[2] = 0;
    at[3] = (uint8_t)(bytes == 4 ? 3 : bytes); /* access size: 1, 2, 3 for a byte, word, dword */
    put64(at + 4, port);
}

static uint32_t add_dsdt(struct area *area, const struct boot_input *in)
{
    uint8_t code[ACPI_DSDT_MAX];
    size_t size = acpi_dsdt(in, code);
    uint32_t address;
    uint8_t *t = new_table(area, ACPI_HEADER_SIZE + (uint32_t)size, &address);

    memcpy(t + ACPI_HEADER_SIZE, code, size);
    put_header(t, "DSDT", 2, ACPI_HEADER_SIZE + (uint32_t)size);
    return address;
}

static uint32_t add_facs(struct area *area)
{
    uint32_t address;
    uint8_t *t = new_table(area, FACS_SIZE, &address);

    memcpy(t, "FACS", 4);
    put32(t + 4, FACS_SIZE);
    t[32] = 2; /* version */
    return address;
}

static uint32_t add_fadt(struct area *area, const struct boot_input *in, uint32_t dsdt,
                         uint32_t facs)
{
    uint32_t address;
    uint8_t *t = new_table(area, FADT_SIZE, &address);
    unsigned boot_arch = BOOT_NO_VGA | BOOT_LEGACY_DEVICES;

    if (in->has_i8042)
        boot_arch |= BOOT_I8042;
    if (!in->has_rtc)
        boot_arch |= BOOT_NO_CMOS_RTC;
    put32(t + FADT_FACS, facs);
    put32(t + FADT_DSDT, dsdt);
    put16(t + FADT_SCI, MEMMAP_SCI_IRQ);
    put32(t + FADT_PM1_EVENT, MEMMAP_PM1_EVENT);
    put32(t + FADT_PM1_CONTROL, MEMMAP_PM1_CONTROL);
    put32(t + FADT_PM_TIMER, MEMMAP_PM_TIMER);
    t[FADT_PM1_EVENT_LENGTH] = 4;
    t[FADT_PM1_CONTROL_LENGTH] = 2;
    t[FADT_PM_TIMER_LENGTH] = 4;
    put16(t + FADT_C2_LATENCY, NO_C2);
    put16(t + FADT_C3_LATENCY, NO_C3);
    t[FADT_CENTURY] = in->has_rtc ? MEMMAP_RTC_CENTURY : 0;
    put16(t + FADT_BOOT_ARCH, (uint16_t)boot_arch);
    put32(t + FADT_FLAGS, FLAG_WBINVD | FLAG_NO_POWER_BUTTON | FLAG_NO_SLEEP_BUTTON |
                              FLAG_NO_RTC_WAKE | FLAG_RESET_REGISTER);
    put_port(t + FADT_RESET, MEMMAP_RESET_PORT, 1);
    t[FADT_RESET_VALUE] = MEMMAP_RESET_VALUE;
    put64(t + FADT_X_DSDT, dsdt);
    put_port(t + FADT_X_PM1_EVENT, MEMMAP_PM1_EVENT, 4);
    put_port(t + FADT_X_PM1_CONTROL, MEMMAP_PM1_CONTROL, 2);
    put_port(t + FADT_X_PM_TIMER, MEMMAP_PM_TIMER, 4);
    put_header(t, "FACP", FADT_REVISION, FADT_SIZE);
    return address;
}

static uint8_t *add_entry(uint8_t *table, uint32_t *size, uint8_t type, uint8_t length)
{
    uint8_t *entry = table + *size;

    entry[0] = type;
    entry[1] = length;
    *size += length;
    return entry;
}

static void add_override(uint8_t *table, uint32_t *size, unsigned irq, unsigned pin, unsigned flags)
{
    uint8_t *entry = add_entry(table, size, MADT_OVERRIDE, 10);

    entry[3] = (uint8_t)irq;
    put32(entry + 4, pin);
    put16(entry + 8, (uint16_t)flags);
}

static void add_cpu(uint8_t *table, uint32_t *size, uint32_t id)
{
    uint8_t *entry;

    if (id < X2APIC_FIRST) {
        entry = add_entry(table, size, MADT_LOCAL_APIC, 8);
        entry[2] = entry[3] = (uint8_t)id;
        put32(entry + 4, MADT_ENABLED);
        return;
    }
    entry = add_entry(table, size, MADT_X2APIC, 16);
    put32(entry + 4, id);
    put32(entry + 8, MADT_ENABLED);
    put32(entry + 12, id);
}

/* NMI on LINT1 of every local APIC. */
static void add_nmi(uint8_t *table, uint32_t *size, uint32_t cpus)
{
    uint8_t *entry = add_entry(table, size, MADT_LOCAL_NMI, 6);

    entry[2] = 0xFF;
    entry[5] = 1;
    if (cpus > X2APIC_FIRST) {
        entry = add_entry(table, size, MADT_X2APIC_NMI, 12);
        put32(entry + 4, UINT32_MAX);
        entry[8] = 1;
    }
}

/* The last table: what it grows to is bounded by ACPI_MAX_CPUS. */
static uint32_t add_madt(struct area *area, const struct boot_input *in)
{
    uint32_t address, size = MADT_HEAD_SIZE;
    uint8_t *t = new_table(area, 0, &address), *entry;

    put32(t + ACPI_HEADER_SIZE, MEMMAP_LOCAL_APIC);
    put32(t + ACPI_HEADER_SIZE + 4, MADT_PCAT_COMPATIBLE);
    for (uint32_t id = 0; id < in->cpus; id++)
        add_cpu(t, &size, id);
    entry = add_entry(t, &size, MADT_IOAPIC, 12);
    entry[2] = MEMMAP_IOAPIC_ID;
    put32(entry + 4, MEMMAP_IOAPIC);
    add_override(t, &size, MEMMAP_PIT_IRQ, MEMMAP_PIT_PIN, OVERRIDE_CONFORMS);
    add_override(t, &size, MEMMAP_SCI_IRQ, MEMMAP_SCI_IRQ, OVERRIDE_LEVEL_HIGH);
    add_nmi(t, &size, in->cpus);
    put_header(t, "APIC", 5, size);
    return address;
}

vmaccel_status acpi_build(struct load *l)
{
    const struct boot_input *in = l->in;
    struct area area = {0};
    uint32_t rsdp_address, xsdt_address, fadt;
    uint8_t *rsdp, *xsdt;
    vmaccel_status status;

    if (in->cpus == 0 || in->cpus > ACPI_MAX_CPUS)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT, "%" PRIu32 " CPUs: 1 to %d can be described",
                         in->cpus, ACPI_MAX_CPUS);
    status =
        load_claim(l, MEMMAP_BIOS, MEMMAP_BIOS_END - MEMMAP_BIOS, "the ACPI tables", &area.host);
    if (status != VMACCEL_OK)
        return status;
    memset(area.host, 0, MEMMAP_BIOS_END - MEMMAP_BIOS);

    rsdp = new_table(&area, RSDP_SIZE, &rsdp_address);
    xsdt = new_table(&area, XSDT_SIZE, &xsdt_address);
    fadt = add_fadt(&area, in, add_dsdt(&area, in), add_facs(&area));
    put64(xsdt + ACPI_HEADER_SIZE, fadt);
    put64(xsdt + ACPI_HEADER_SIZE + 8, add_madt(&area, in));
    put_header(xsdt, "XSDT", 1, XSDT_SIZE);

    memcpy(rsdp, "RSD PTR ", 8);
    memcpy(rsdp + 9, "VMACCL", 6);
    rsdp[15] = 2;
    put32(rsdp + 20, RSDP_SIZE);
    put64(rsdp + 24, xsdt_address);
    set_checksum(rsdp, 20, 8);
    set_checksum(rsdp, RSDP_SIZE, 32);
    return VMACCEL_OK;
}
