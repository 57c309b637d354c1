/* SPDX-License-Identifier: BSD-2-Clause */
/* Port 0xE9, on AArch64 a byte of MMIO: each byte written appears on the console. Reading gives
 * 0xE9, which tells that it is there. */
#include "machine/device.h"
#include "machine/memmap_arm64.h"

#define PORT 0xe9

static uint64_t console_read(void *device, uint64_t offset, uint8_t size)
{
    (void)device, (void)offset, (void)size;
    return PORT;
}

static void console_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    const struct device_host *host = device;
    uint8_t byte = (uint8_t)value;

    (void)offset, (void)size;
    host->console_write(host->context, &byte, 1);
}

static vmaccel_status debug_console_create(const struct device_host *host,
                                           const struct device_args *args, void **device)
{
    bool mmio = host->arch == VMACCEL_ARCH_ARM64;
    struct bus_range range = {.base = mmio ? VIRT_DEBUG_CONSOLE : PORT,
                              .size = 1,
                              .name = "debug-console",
                              .width = 1,
                              .read = console_read,
                              .write = console_write};

    (void)args;
    /* The host is all its state; the handlers only read it. */
    *device = (void *)(uintptr_t)host;
    range.device = *device;
    return bus_add(mmio ? host->mmio : host->ports, &range);
}

static void debug_console_destroy(void *device)
{
    (void)device;
}

const struct device_class device_debug_console = {
    .name = "debug-console",
    .description = "debug console at port 0xe9, AArch64: at 0x90e0000",
    .options = "",
    .archs = DEVICE_X86 | DEVICE_ARM64,
    .flags = DEVICE_DEFAULT,
    .create = debug_console_create,
    .destroy = debug_console_destroy,
};
