/* SPDX-License-Identifier: BSD-2-Clause */
/* System control port A: fast A20 gate and reset. A20 itself is always on. */
#include <stdatomic.h>

#include "machine/device.h"
#include "os/os.h"

#define PORT      0x92
#define RESET_BIT 0x01
#define A20_BIT   0x02

struct port92 {
    const struct device_host *host;
    _Atomic uint8_t value;
};

static uint64_t port92_read(void *device, uint64_t offset, uint8_t size)
{
    struct port92 *port = device;

    (void)offset, (void)size;
    return port->value;
}

static void port92_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    struct port92 *port = device;
    uint8_t old = atomic_exchange(&port->value, (uint8_t)value & (uint8_t)~RESET_BIT);

    (void)old, (void)offset, (void)size;
    if (value & RESET_BIT)
        port->host->stop(port->host->context, VMACCEL_MACHINE_RESET, 0,
                         "the guest reset the machine through port 0x92");
}

static vmaccel_status port92_create(const struct device_host *host, const struct device_args *args,
                                    void **device)
{
    struct port92 *port = device_alloc(&device_port92, sizeof(*port));
    struct bus_range range = {PORT, 1, "port92", 1, port, port92_read, port92_write};
    vmaccel_status status;

    (void)args;
    if (port == NULL)
        return VMACCEL_E_NO_MEMORY;
    port->host = host;
    port->value = A20_BIT;
    status = bus_add(host->ports, &range);
    if (status != VMACCEL_OK) {
        os_free(port);
        return status;
    }
    *device = port;
    return VMACCEL_OK;
}

const struct device_class device_port92 = {
    .name = "port92",
    .description = "system control port A at 0x92: A20 and reset",
    .options = "",
    .archs = DEVICE_X86,
    .flags = DEVICE_DEFAULT,
    .create = port92_create,
    .destroy = os_free,
};
