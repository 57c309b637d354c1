/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes as accesses to all devices of a PC, and of an AArch64 machine where one byte is left over:
 * each 8 bytes are operation, range, offset and value. Offsets may run over a range's end; in large
 * ranges they are near the start or the end. */
#include <stdlib.h>

#include "../unit/machine/fake_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const devices[] = {"serial,com=2,console=on", "serial,com=3"};

static uint64_t offset_in(const struct bus_range *range, uint8_t byte)
{
    if (range->size <= 256)
        return byte % (range->size + 2);
    return byte < 192 ? byte : range->size - 256 + byte + 2;
}

static void access_range(struct fake_host *fake, struct bus *bus, const uint8_t *op)
{
    static const uint8_t sizes[8] = {1, 1, 1, 2, 2, 4, 4, 8};
    const struct bus_range *range = &bus->ranges[op[1] % bus->count];
    uint64_t address = range->base + offset_in(range, op[2]) - (op[3] & 1);
    uint8_t width = op[0] & 0x40 ? (uint8_t)(op[3] >> 5) + 1 : sizes[op[3] >> 5];
    uint32_t value =
        (uint32_t)op[4] | (uint32_t)op[5] << 8 | (uint32_t)op[6] << 16 | (uint32_t)op[7] << 24;

    if (op[0] & 1) {
        bus_write(bus, &fake->cursor, address, width, (uint64_t)value << 32 | value);
    } else {
        uint64_t read = bus_read(bus, &fake->cursor, address, width);

        if (width < 8 && read >> (8 * width) != 0)
            abort();
    }
}

static void run_one(struct fake_host *fake, const uint8_t *op)
{

    switch (op[0] >> 1 & 15) {
    case 0:
        if (device_set_console_input(&fake->set, op, 8) > 8)
            abort();
        break;
    case 1:
        fake_advance(fake, (uint64_t)op[2] << (op[1] & 31));
        fake->wall_ns = (fake->wall_ns + ((int64_t)op[4] << (op[3] & 47))) & INT64_MAX >> 1;
        break;
    case 2: /* a request for fw_cfg's DMA */
        memcpy(fake->memory + op[1] % (FAKE_MEMORY / 8) * 8, op, 8);
        break;
    default:
        access_range(fake, fake->host.arch == VMACCEL_ARCH_ARM64 ? &fake->mmio : &fake->ports, op);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fake_host *fake;
    vmaccel_status status;

    if (size > 8 * 4096)
        return 0;
    fake = calloc(1, sizeof(*fake));
    if (fake == NULL)
        return 0;
    if (size % 8 == 1)
        status = fake_create_for(fake, VMACCEL_ARCH_ARM64, 5ull << 30, NULL, 0);
    else
        status = fake_create(fake, 5ull << 30, devices, 2);
    if (status != VMACCEL_OK)
        abort();
    for (size_t at = 0; at + 8 <= size; at += 8)
        run_one(fake, data + at);
    device_set_destroy(&fake->set);
    free(fake);
    return 0;
}
