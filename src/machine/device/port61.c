/* SPDX-License-Identifier: BSD-2-Clause */
/* System control port B, for platforms whose 8254 does not claim it: speaker bits, the refresh
 * toggle, and timer 2's output always high, so that nobody waits for it in vain. */
#include <stdatomic.h>

#include "machine/device.h"
#include "os/os.h"

#define PORT        0x61
#define WRITABLE    0x0f
#define REFRESH_BIT 0x10
#define TIMER2_BIT  0x20
#define REFRESH_NS  15085 /* half a period of the refresh clock */

struct port61 {
    const struct device_host *host;
    _Atomic uint8_t value;
};

static uint64_t port61_read(void *device, uint64_t offset, uint8_t size)
{
    struct port61 *port = device;
    uint64_t phase = port->host->clock_ns(port->host->context) / REFRESH_NS;

    (void)offset, (void)size;
    return port->value | TIMER2_BIT | (phase & 1 ? REFRESH_BIT : 0);
}

static void port61_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    struct port61 *port = device;

    (void)offset, (void)size;
    port->value = value & WRITABLE;
}

static vmaccel_status port61_create(const struct device_host *host, const struct device_args *args,
                                    void **device)
{
    struct port61 *port = device_alloc(&device_port61, sizeof(*port));
    struct bus_range range = {PORT, 1, "port61", 1, port, port61_read, port61_write};
    vmaccel_status status;

    (void)args;
    if (port == NULL)
        return VMACCEL_E_NO_MEMORY;
    port->host = host;
    status = bus_add(host->ports, &range);
    if (status != VMACCEL_OK) {
        os_free(port);
        return status;
    }
    *device = port;
    return VMACCEL_OK;
}

const struct device_class device_port61 = {
    .name = "port61",
    .description = "system control port B at 0x61",
    .options = "",
    .archs = DEVICE_X86,
    .flags = DEVICE_DEFAULT,
    .create = port61_create,
    .destroy = os_free,
};
