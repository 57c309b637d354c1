/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing V ends the machine with code V: QEMU's isa-debug-exit on x86, a word of MMIO on AArch64.
 */
#include "machine/device.h"
#include "machine/memmap_arm64.h"

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
               "the guest wrote to debug-exit");
}

static vmaccel_status debug_exit_create(const struct device_host *host,
                                        const struct device_args *args, void **device)
{
    bool mmio = host->arch == VMACCEL_ARCH_ARM64;
    uint64_t base = mmio ? VIRT_DEBUG_EXIT : PORT, size = PORTS;
    vmaccel_status status;
    struct bus_range range = {
        .name = "debug-exit", .width = 4, .read = exit_read, .write = exit_write};

    status = device_arg_number(&device_debug_exit, args, "iobase", 0,
                               mmio ? UINT64_MAX - PORTS : 0xffff, &base);
    if (status == VMACCEL_OK)
        status = device_arg_number(&device_debug_exit, args, "iosize", 1, 4, &size);
    if (status != VMACCEL_OK)
        return status;
    *device = (void *)(uintptr_t)host;
    range.base = base;
    range.size = size;
    range.device = *device;
    return bus_add(mmio ? host->mmio : host->ports, &range);
}

static void debug_exit_destroy(void *device)
{
    (void)device;
}

const struct device_class device_debug_exit = {
    .name = "debug-exit",
    .description = "a write of V ends the machine with code V",
    .options =
        "iobase=PORT  its first port, default 0xf4; AArch64: its address, default 0x90f0000\n"
        "iosize=N  number of ports or bytes, 1 to 4; default 4",
    .archs = DEVICE_X86 | DEVICE_ARM64,
    .flags = DEVICE_DEFAULT,
    .create = debug_exit_create,
    .destroy = debug_exit_destroy,
};
