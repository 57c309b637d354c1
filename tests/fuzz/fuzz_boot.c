/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot loaders. Input: format, MiB of RAM and switches, sizes of what is beside the kernel, the
 * architecture and GIC, then the bytes of all. */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "machine/boot/boot.h"
#include "machine/boot/fdt.h"
#include "machine/memmap.h"
#include "machine/memmap_arm64.h"

enum { HEAD = 8, MAX_MIB = 32, MIB = 1024 * 1024 };

static uint8_t *ram;

static bool is_ram(const struct boot_input *in, uint64_t gpa, uint64_t size)
{
    return memmap_host(memmap_of(in->arch), ram, in->ram_size, gpa, size) != NULL;
}

/* Entry, initrd and device tree must be in RAM, and the tree be one. */
static void check_arm64(const struct boot_input *in, const struct boot_state *state, bool gicv2)
{
    vmaccel_arm64_gic gic = {.version = gicv2 ? 2 : 3,
                             .dist = VIRT_GIC_DIST,
                             .redist = VIRT_GIC_REDIST,
                             .cpu = VIRT_GIC_CPU};
    struct fdt_input tree = {.ram_size = in->ram_size,
                             .cpus = in->cpus % VIRT_MAX_CPUS + 1,
                             .gic = &gic,
                             .append = in->append,
                             .initrd = state->arm64.initrd,
                             .initrd_size = state->arm64.initrd_size};
    uint8_t *dtb;

    if (!is_ram(in, state->arm64.entry, 4) || state->arm64.entry % 4 != 0 ||
        !is_ram(in, state->arm64.dtb, state->arm64.dtb_room) || state->arm64.dtb % 8 != 0 ||
        (state->arm64.initrd_size && !is_ram(in, state->arm64.initrd, state->arm64.initrd_size)))
        abort();
    dtb = memmap_host(&memmap_arm64, ram, in->ram_size, state->arm64.dtb, state->arm64.dtb_room);
    if (fdt_build(&tree, dtb, state->arm64.dtb_room) != VMACCEL_OK ||
        fdt_check_full(dtb, state->arm64.dtb_room) != 0)
        abort();
}

/* The tables and the entry must be in RAM; so must the stack. */
static void check_x86(const struct boot_input *in, const struct boot_state *state)
{
    uint64_t entry = state->sregs.cs.base + state->regs.rip;

    if (!is_ram(in, entry, 1))
        abort();
    if (state->format == VMACCEL_BOOT_FLAT_REAL)
        return;
    if (!is_ram(in, state->sregs.gdt.base, state->sregs.gdt.limit + 1ull))
        abort();
    if ((state->sregs.efer & 0x400) && !is_ram(in, state->sregs.cr3, 6 * 4096))
        abort();
    if (state->regs.rsp && !is_ram(in, state->regs.rsp - 0x10000, 0x10000))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct boot_input in = {0};
    struct boot_state state;
    struct boot_module module = {0};
    char append[256];
    size_t append_size;
    bool gicv2;

    if (!ram)
        ram = malloc(MAX_MIB * MIB);
    if (!ram || size < HEAD)
        return 0;
    in.format = (vmaccel_boot_format)(data[0] % 9);
    in.arch = data[7] & 1 ? VMACCEL_ARCH_ARM64 : VMACCEL_ARCH_X86_64;
    gicv2 = data[7] & 2;
    in.ram = ram;
    in.ram_size = (data[1] % MAX_MIB + 1u) * MIB - (data[2] & 1) * 0x3000u;
    in.has_serial = data[2] & 2;
    in.has_rtc = data[2] & 4;
    in.has_i8042 = data[2] & 8;
    in.cpus = data[2] & 16 ? data[3] * 20u : 1;
    in.load_address = data[2] & 32 ? (data[7] & 1) * (uint64_t)VIRT_RAM + (data[3] << 12) : 0;
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
    if (boot_load(&in, &state) != VMACCEL_OK)
        return 0;
    if (state.format == VMACCEL_BOOT_DETECT || state.arch != in.arch)
        abort();
    if (in.arch == VMACCEL_ARCH_ARM64)
        check_arm64(&in, &state, gicv2);
    else
        check_x86(&in, &state);
    return 0;
}
