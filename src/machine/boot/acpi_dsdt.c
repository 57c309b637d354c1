/* SPDX-License-Identifier: BSD-2-Clause */
/* The DSDT: power-off and the devices that ACPI must tell of. Source: ACPI specification 6.3,
 * chapters 6 and 20. */
#include <assert.h>
#include <string.h>

#include "machine/boot/acpi.h"
#include "machine/boot/bytes.h"

enum {
    AML_ZERO = 0x00,
    AML_ONE = 0x01,
    AML_NAME = 0x08,
    AML_BYTE = 0x0A,
    AML_DWORD = 0x0C,
    AML_SCOPE = 0x10,
    AML_BUFFER = 0x11,
    AML_PACKAGE = 0x12,
    AML_ROOT = 0x5C,
    AML_EXT = 0x5B,
    AML_EXT_DEVICE = 0x82,
};

enum { RESOURCE_IRQ = 0x22, RESOURCE_IO = 0x47, RESOURCE_END = 0x79, RESOURCE_IO_DECODE16 = 1 };

struct aml {
    uint8_t *code;
    size_t size;
};

static void emit(struct aml *a, uint8_t byte)
{
    assert(a->size < ACPI_DSDT_MAX);
    a->code[a->size++] = byte;
}

static void emit_name(struct aml *a, const char *name)
{
    for (unsigned i = 0; i < 4; i++)
        emit(a, (uint8_t)name[i]);
}

/* A package's length stands before it and counts itself; two bytes hold all that is needed here. */
static size_t begin(struct aml *a)
{
    emit(a, 0);
    emit(a, 0);
    return a->size - 2;
}

static void end(struct aml *a, size_t start)
{
    size_t length = a->size - start;

    a->code[start] = (uint8_t)(0x40 | (length & 0x0F));
    a->code[start + 1] = (uint8_t)(length >> 4);
}

/* "PNP0501" as three letters of five bits and four hexadecimal digits, most significant byte first.
 */
static void emit_eisa_id(struct aml *a, const char *letters, unsigned digits)
{
    unsigned text = (letters[0] - 0x40u) << 10 | (letters[1] - 0x40u) << 5 | (letters[2] - 0x40u);

    emit(a, AML_DWORD);
    emit(a, (uint8_t)(text >> 8));
    emit(a, (uint8_t)text);
    emit(a, (uint8_t)(digits >> 8));
    emit(a, (uint8_t)digits);
}

static void emit_io16(struct aml *a, unsigned value)
{
    emit(a, (uint8_t)value);
    emit(a, (uint8_t)(value >> 8));
}

static void emit_resources(struct aml *a, unsigned port, unsigned ports, unsigned irq)
{
    size_t buffer;

    emit(a, AML_NAME);
    emit_name(a, "_CRS");
    emit(a, AML_BUFFER);
    buffer = begin(a);
    emit(a, AML_BYTE);
    emit(a, 8 + 3 + 2);
    emit(a, RESOURCE_IO);
    emit(a, RESOURCE_IO_DECODE16);
    emit_io16(a, port);
    emit_io16(a, port);
    emit(a, 1);
    emit(a, (uint8_t)ports);
    emit(a, RESOURCE_IRQ);
    emit_io16(a, 1u << irq);
    emit(a, RESOURCE_END);
    emit(a, 0);
    end(a, buffer);
}

static void emit_device(struct aml *a, const char *name, unsigned pnp, unsigned port,
                        unsigned ports, unsigned irq)
{
    size_t device;

    emit(a, AML_EXT);
    emit(a, AML_EXT_DEVICE);
    device = begin(a);
    emit_name(a, name);
    emit(a, AML_NAME);
    emit_name(a, "_HID");
    emit_eisa_id(a, "PNP", pnp);
    emit(a, AML_NAME);
    emit_name(a, "_UID");
    emit(a, AML_ONE);
    emit_resources(a, port, ports, irq);
    end(a, device);
}

static void emit_power_off(struct aml *a)
{
    size_t package;

    emit(a, AML_NAME);
    emit_name(a, "_S5_");
    emit(a, AML_PACKAGE);
    package = begin(a);
    emit(a, 4);
    emit(a, AML_BYTE);
    emit(a, MEMMAP_S5_TYPE);
    emit(a, AML_BYTE);
    emit(a, MEMMAP_S5_TYPE);
    emit(a, AML_ZERO);
    emit(a, AML_ZERO);
    end(a, package);
}

size_t acpi_dsdt(const struct boot_input *in, uint8_t code[ACPI_DSDT_MAX])
{
    struct aml a = {.code = code};
    size_t scope;

    emit_power_off(&a);
    if (!in->has_serial && !in->has_rtc)
        return a.size;
    emit(&a, AML_SCOPE);
    scope = begin(&a);
    emit(&a, AML_ROOT);
    emit_name(&a, "_SB_");
    if (in->has_serial)
        emit_device(&a, "COM1", 0x0501, MEMMAP_COM1_PORT, 8, MEMMAP_COM1_IRQ);
    if (in->has_rtc)
        emit_device(&a, "RTC_", 0x0B00, MEMMAP_RTC_PORT, 2, MEMMAP_RTC_IRQ);
    end(&a, scope);
    return a.size;
}
