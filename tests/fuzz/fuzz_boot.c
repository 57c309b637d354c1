/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot loaders. Input: format, MiB of RAM and switches, sizes of what is beside the kernel, then
 * the bytes of all. */
#include <stdlib.h>
#include <string.h>

#include "machine/boot/boot.h"
#include "machine/memmap.h"

enum { HEAD = 8, MAX_MIB = 32, MIB = 1024 * 1024 };

static uint8_t *ram;

/* The tables and the entry must be in RAM; so must the stack. */
static void check(const struct boot_input *in, const struct boot_state *state)
{
    uint64_t entry = state->sregs.cs.base + state->regs.rip;

    if (state->format == VMACCEL_BOOT_DETECT || !memmap_host(ram, in->ram_size, entry, 1))
        abort();
    if (state->format == VMACCEL_BOOT_FLAT_REAL)
        return;
    if (!memmap_host(ram, in->ram_size, state->sregs.gdt.base, state->sregs.gdt.limit + 1ull))
        abort();
    if ((state->sregs.efer & 0x400) && !memmap_host(ram, in->ram_size, state->sregs.cr3, 6 * 4096))
        abort();
    if (state->regs.rsp && !memmap_host(ram, in->ram_size, state->regs.rsp - 0x10000, 0x10000))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct boot_input in = {0};
    struct boot_state state;
    struct boot_module module = {0};
    char append[256];
    size_t append_size;

    if (!ram)
        ram = malloc(MAX_MIB * MIB);
    if (!ram || size < HEAD)
        return 0;
    in.format = (vmaccel_boot_format)(data[0] % 8);
    in.ram = ram;
    in.ram_size = (data[1] % MAX_MIB + 1u) * MIB - (data[2] & 1) * 0x3000u;
    in.has_serial = data[2] & 2;
    in.has_rtc = data[2] & 4;
    in.has_i8042 = data[2] & 8;
    in.cpus = data[2] & 16 ? data[3] * 20u : 1;
    in.load_address = data[2] & 32 ? (uint64_t)data[3] << 12 : 0;
    append_size = data[4];
    in.initrd_size = data[5];
    module.size = data[6];
    data += HEAD;
    size -= HEAD;
    if (append_size + in.initrd_size + module.size > size)
        return 0;
    memcpy(append, data, append_size);
    append[append_size] = 0;
    in.append = append_size ? append : NULL;
    data += append_size;
    in.initrd = in.initrd_size ? data : NULL;
    data += in.initrd_size;
    module.data = data;
    module.append = in.append;
    in.modules = &module;
    in.module_count = module.size ? 1 : 0;
    data += module.size;
    in.kernel = data;
    in.kernel_size = size - append_size - in.initrd_size - module.size;
    if (boot_load(&in, &state) == VMACCEL_OK)
        check(&in, &state);
    return 0;
}
