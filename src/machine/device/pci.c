/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI configuration mechanism 1 over an empty bus, and the reset control register that lies within
 * its ports. */
#include <stdatomic.h>

#include "machine/device.h"
#include "os/os.h"

#define PORT           0xcf8
#define PORTS          8
#define OFFSET_ADDRESS 0
#define OFFSET_RESET   1
#define OFFSET_DATA    4

#define ADDRESS_WRITABLE 0x80fffffcu /* enable, bus, device, function, register */

#define RESET_WRITABLE 0x0e /* hard, reset, full */
#define RESET_CPU      0x04

struct pci {
    const struct device_host *host;
    _Atomic uint32_t address;
    _Atomic uint8_t reset;
};

static uint64_t pci_read(void *device, uint64_t offset, uint8_t size)
{
    struct pci *pci = device;

    if (offset == OFFSET_ADDRESS && size == 4)
        return pci->address;
    if (offset == OFFSET_RESET && size == 1)
        return pci->reset;
    /* The data of functions that do not exist, and parts of the address. */
    return UINT64_MAX;
}

static void pci_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    struct pci *pci = device;
    uint8_t old;

    if (offset == OFFSET_ADDRESS && size == 4)
        pci->address = (uint32_t)value & ADDRESS_WRITABLE;
    if (offset != OFFSET_RESET || size != 1)
        return;
    old = atomic_exchange(&pci->reset, (uint8_t)value & RESET_WRITABLE);
    if ((value & RESET_CPU) && !(old & RESET_CPU))
        pci->host->stop(pci->host->context, VMACCEL_MACHINE_RESET, 0,
                        "the guest reset the machine through port 0xcf9");
}

static vmaccel_status pci_create(const struct device_host *host, const struct device_args *args,
                                 void **device)
{
    struct pci *pci = device_alloc(&device_pci, sizeof(*pci));
    struct bus_range range = {PORT, PORTS, "pci", 4, pci, pci_read, pci_write};
    vmaccel_status status;

    (void)args;
    if (pci == NULL)
        return VMACCEL_E_NO_MEMORY;
    pci->host = host;
    status = bus_add(host->ports, &range);
    if (status != VMACCEL_OK) {
        os_free(pci);
        return status;
    }
    *device = pci;
    return VMACCEL_OK;
}

const struct device_class device_pci = {
    .name = "pci",
    .description = "PCI configuration ports 0xcf8 and 0xcfc of an empty bus; reset control 0xcf9",
    .options = "",
    .archs = DEVICE_X86,
    .flags = DEVICE_DEFAULT,
    .create = pci_create,
    .destroy = os_free,
};
