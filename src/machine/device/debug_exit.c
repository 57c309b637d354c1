/* SPDX-License-Identifier: BSD-2-Clause */
/* QEMU's isa-debug-exit: writing V ends the machine with code V. */
#include "machine/device.h"

#define PORT  0xf4
#define PORTS 4

static uint64_t exit_read(void *device, uint64_t offset, uint8_t size)
{
    (void)device, (void)offset, (void)size;
    return 0;
}

static void exit_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    const struct device_host *host = device;

    (void)offset, (void)size;
    host->stop(host->context, VMACCEL_MACHINE_DEBUG_EXIT, (uint32_t)value,
               "the guest wrote to the debug-exit port");
}

static vmaccel_status debug_exit_create(const struct device_host *host,
                                        const struct device_args *args, void **device)
{
    uint64_t base = PORT, size = PORTS;
    vmaccel_status status;
    struct bus_range range = {
        .name = "debug-exit", .width = 4, .read = exit_read, .write = exit_write};

    status = device_arg_number(&device_debug_exit, args, "iobase", 0, 0xffff, &base);
    if (status == VMACCEL_OK)
        status = device_arg_number(&device_debug_exit, args, "iosize", 1, 4, &size);
    if (status != VMACCEL_OK)
        return status;
    *device = (void *)(uintptr_t)host;
    range.base = base;
    range.size = size;
    range.device = *device;
    return bus_add(host->ports, &range);
}

static void debug_exit_destroy(void *device)
{
    (void)device;
}

const struct device_class device_debug_exit = {
    .name = "debug-exit",
    .description = "a write of V ends the machine with code V",
    .options = "iobase=PORT  its first port; default 0xf4\n"
               "iosize=N  number of ports, 1 to 4; default 4",
    .flags = DEVICE_DEFAULT,
    .create = debug_exit_create,
    .destroy = debug_exit_destroy,
};
