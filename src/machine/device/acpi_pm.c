/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI fixed hardware: the PM1 event and control blocks and the PM timer (ACPI 6, section 4.8.3).
 * There is no button or wake event, so the status bits stay 0 and the SCI is never raised. */
#include <stdatomic.h>

#include "machine/device.h"
#include "machine/memmap_x86.h"
#include "os/os.h"

#define TIMER_HZ   UINT64_C(3579545)
#define TIMER_MASK 0xffffffu
#define SECOND_NS  UINT64_C(1000000000)

#define EVENT_ENABLE 2 /* offset; the status register lies before it */

#define CONTROL_SCI_EN     0x0001
#define CONTROL_TYPE_SHIFT 10
#define CONTROL_TYPE_MASK  7
#define CONTROL_SLEEP      0x2000
#define CONTROL_WRITABLE   0x1c02 /* sleep type, bus master reload */

struct acpi_pm {
    const struct device_host *host;
    uint64_t start_ns;
    _Atomic uint8_t enable[2];
    _Atomic uint16_t control;
};

static uint64_t event_read(void *device, uint64_t offset, uint8_t size)
{
    struct acpi_pm *pm = device;

    (void)size;
    return offset >= EVENT_ENABLE ? pm->enable[offset - EVENT_ENABLE] : 0;
}

static void event_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    struct acpi_pm *pm = device;

    (void)size;
    if (offset >= EVENT_ENABLE)
        pm->enable[offset - EVENT_ENABLE] = (uint8_t)value;
}

static uint64_t control_read(void *device, uint64_t offset, uint8_t size)
{
    struct acpi_pm *pm = device;

    (void)size;
    return (uint64_t)(pm->control | CONTROL_SCI_EN) >> (8 * offset);
}

static void control_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    struct acpi_pm *pm = device;
    uint32_t mask = size == 2 ? 0xffffu : 0xffu << (8 * offset);
    uint32_t bits = (uint32_t)(value << (8 * offset)) & mask;
    uint16_t old = pm->control;

    while (!atomic_compare_exchange_weak(&pm->control, &old,
                                         (uint16_t)(((old & ~mask) | bits) & CONTROL_WRITABLE)))
        ;
    if ((bits & CONTROL_SLEEP) &&
        (bits >> CONTROL_TYPE_SHIFT & CONTROL_TYPE_MASK) == MEMMAP_S5_TYPE)
        pm->host->stop(pm->host->context, VMACCEL_MACHINE_POWEROFF, 0,
                       "the guest powered off through ACPI");
}

static uint64_t timer_read(void *device, uint64_t offset, uint8_t size)
{
    struct acpi_pm *pm = device;
    uint64_t ns = pm->host->clock_ns(pm->host->context) - pm->start_ns;
    uint64_t ticks = ns / SECOND_NS * TIMER_HZ + ns % SECOND_NS * TIMER_HZ / SECOND_NS;

    (void)size;
    return (ticks & TIMER_MASK) >> (8 * offset);
}

static void timer_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    (void)device, (void)offset, (void)size, (void)value;
}

static vmaccel_status acpi_pm_create(const struct device_host *host, const struct device_args *args,
                                     void **device)
{
    struct acpi_pm *pm = device_alloc(&device_acpi_pm, sizeof(*pm));
    const struct bus_range ranges[] = {
        {MEMMAP_PM1_EVENT, 4, "ACPI PM1 event", 1, pm, event_read, event_write},
        {MEMMAP_PM1_CONTROL, 2, "ACPI PM1 control", 2, pm, control_read, control_write},
        {MEMMAP_PM_TIMER, 4, "ACPI PM timer", 4, pm, timer_read, timer_write},
    };
    vmaccel_status status = VMACCEL_OK;

    (void)args;
    if (pm == NULL)
        return VMACCEL_E_NO_MEMORY;
    pm->host = host;
    pm->start_ns = host->clock_ns(host->context);
    for (size_t i = 0; i < 3 && status == VMACCEL_OK; i++)
        status = bus_add(host->ports, &ranges[i]);
    if (status != VMACCEL_OK) {
        os_free(pm);
        return status;
    }
    *device = pm;
    return VMACCEL_OK;
}

const struct device_class device_acpi_pm = {
    .name = "acpi-pm",
    .description = "ACPI power management ports at 0x600: power-off and the PM timer",
    .options = "",
    .archs = DEVICE_X86,
    .flags = DEVICE_DEFAULT,
    .create = acpi_pm_create,
    .destroy = os_free,
};
