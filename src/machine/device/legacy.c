/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports of the PC that software writes out of habit: the POST code and delay port 0x80, the DMA
 * page registers around it, and the 8237 DMA controllers, which have nothing to transfer. */
#include <stdatomic.h>

#include "machine/device.h"
#include "os/os.h"

#define DMA1_PORT  0x00
#define DMA1_PORTS 16
#define PAGE_PORT  0x80
#define PAGE_PORTS 16
#define DMA2_PORT  0xc0
#define DMA2_PORTS 32

struct legacy {
    _Atomic uint8_t pages[PAGE_PORTS];
};

static uint64_t page_read(void *device, uint64_t offset, uint8_t size)
{
    struct legacy *legacy = device;

    (void)size;
    return legacy->pages[offset];
}

static void page_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    struct legacy *legacy = device;

    (void)size;
    legacy->pages[offset] = (uint8_t)value;
}

static uint64_t dma_read(void *device, uint64_t offset, uint8_t size)
{
    (void)device, (void)offset, (void)size;
    return 0;
}

static void dma_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    (void)device, (void)offset, (void)size, (void)value;
}

static vmaccel_status legacy_create(const struct device_host *host, const struct device_args *args,
                                    void **device)
{
    struct legacy *legacy = device_alloc(&device_legacy, sizeof(*legacy));
    const struct bus_range ranges[] = {
        {PAGE_PORT, PAGE_PORTS, "DMA pages", 1, legacy, page_read, page_write},
        {DMA1_PORT, DMA1_PORTS, "DMA controller 1", 1, legacy, dma_read, dma_write},
        {DMA2_PORT, DMA2_PORTS, "DMA controller 2", 1, legacy, dma_read, dma_write},
    };
    vmaccel_status status = VMACCEL_OK;

    (void)args;
    if (legacy == NULL)
        return VMACCEL_E_NO_MEMORY;
    for (size_t i = 0; i < 3 && status == VMACCEL_OK; i++)
        status = bus_add(host->ports, &ranges[i]);
    if (status != VMACCEL_OK) {
        os_free(legacy);
        return status;
    }
    *device = legacy;
    return VMACCEL_OK;
}

const struct device_class device_legacy = {
    .name = "legacy",
    .description = "POST port 0x80 and the DMA controllers' ports, without effect",
    .options = "",
    .archs = DEVICE_X86,
    .flags = DEVICE_DEFAULT,
    .create = legacy_create,
    .destroy = os_free,
};
