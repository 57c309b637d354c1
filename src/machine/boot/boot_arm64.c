/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot formats of AArch64. All start at EL1 with the MMU off, interrupts masked and the device
 * tree's address in X0, as Linux asks for. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "machine/boot/elf_image.h"
#include "machine/boot/fdt.h"
#include "machine/boot/image_arm64.h"
#include "machine/memmap_arm64.h"

#define GIB (UINT64_C(1) << 30)

/* By the boot protocol the device tree is within 512 MiB from the kernel's 2 MiB boundary, the
 * initrd within 32 GiB from its 1 GiB boundary; the RAM starts at both. */
#define DTB_WINDOW    (GIB / 2)
#define INITRD_WINDOW (32 * GIB)

static uint64_t window_end(const struct load *l, uint64_t window)
{
    uint64_t size = l->in->ram_size;

    return VIRT_RAM + (size < window ? size : window);
}

/* What is beside the kernel, at the memory's end. */
static vmaccel_status place_rest(struct load *l, uint64_t entry, struct boot_state *state)
{
    const char *initrd_name = l->in->initrd_name ? l->in->initrd_name : "initrd";
    size_t append = strlen(load_append(l));
    uint8_t *host;
    vmaccel_status status;

    if (append > FDT_MAX_APPEND)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT,
                         "the command line (%zu bytes) is longer than the %d bytes that an AArch64 "
                         "kernel takes",
                         append, FDT_MAX_APPEND);
    if (entry % 4 != 0)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT,
                         "%.120s: the entry 0x%" PRIx64 " is not a multiple of 4", l->kernel,
                         entry);
    state->arm64.entry = entry;
    state->arm64.dtb_room = FDT_ROOM;
    status = load_place(l, FDT_ROOM, FDT_ROOM, VIRT_RAM, window_end(l, DTB_WINDOW), LOAD_DOWN,
                        "the device tree", &state->arm64.dtb, &host);
    if (status != VMACCEL_OK)
        return status;
    memset(host, 0, FDT_ROOM);
    if (!l->in->initrd || l->in->initrd_size == 0)
        return VMACCEL_OK;
    state->arm64.initrd_size = l->in->initrd_size;
    status = load_place(l, l->in->initrd_size, LOAD_PAGE, VIRT_RAM, window_end(l, INITRD_WINDOW),
                        LOAD_DOWN, initrd_name, &state->arm64.initrd, &host);
    if (status == VMACCEL_OK)
        memcpy(host, l->in->initrd, l->in->initrd_size);
    return status;
}

static vmaccel_status load_linux(struct load *l, struct boot_state *state)
{
    struct arm64_image image;
    uint64_t address = 0;
    uint8_t *host;
    vmaccel_status status = arm64_image_open(l, &image);

    if (status == VMACCEL_OK && image.text_offset > l->in->ram_size)
        status = load_fail(VMACCEL_E_INVALID_ARGUMENT,
                           "%.120s: its text offset 0x%" PRIx64 " is past %s of memory", l->kernel,
                           image.text_offset, load_size_text(l->in->ram_size).text);
    if (status == VMACCEL_OK) {
        address = VIRT_RAM + image.text_offset;
        status = load_claim(l, address, image.memory_size, l->kernel, &host);
    }
    if (status == VMACCEL_OK)
        memcpy(host, image.data, image.size);
    free(image.unpacked);
    return status == VMACCEL_OK ? place_rest(l, address, state) : status;
}

static vmaccel_status load_elf(struct load *l, struct boot_state *state)
{
    struct elf_image elf;
    uint64_t entry;
    const char *fault = elf_open(&elf, l->in->kernel, l->in->kernel_size);
    vmaccel_status status;

    if (fault)
        return load_fail(VMACCEL_E_FORMAT, "%.120s: %s", l->kernel, fault);
    if (elf.arch != VMACCEL_ARCH_ARM64)
        return load_fail(VMACCEL_E_FORMAT, "%.120s is an ELF file for x86", l->kernel);
    status = elf_load(l, &elf);
    if (status != VMACCEL_OK)
        return status;
    if (!elf_entry(&elf, &entry))
        return load_fail(VMACCEL_E_FORMAT, "%.120s: the entry point is in none of its segments",
                         l->kernel);
    return place_rest(l, entry, state);
}

static vmaccel_status load_flat(struct load *l, struct boot_state *state)
{
    uint64_t address = l->in->load_address ? l->in->load_address : VIRT_RAM;
    uint8_t *host;
    vmaccel_status status = load_claim(l, address, l->in->kernel_size, l->kernel, &host);

    if (status != VMACCEL_OK)
        return status;
    memcpy(host, l->in->kernel, l->in->kernel_size);
    return place_rest(l, address, state);
}

static vmaccel_boot_format detect(const uint8_t *kernel, size_t size)
{
    struct elf_image elf;

    if (arm64_image_is(kernel, size))
        return VMACCEL_BOOT_LINUX;
    if (!elf_open(&elf, kernel, size) && elf.arch == VMACCEL_ARCH_ARM64)
        return VMACCEL_BOOT_ELF;
    return VMACCEL_BOOT_DETECT;
}

const struct boot_arch boot_arm64 = {
    .arch = VMACCEL_ARCH_ARM64,
    .known = "Linux Image, gzip or zboot Image, 64-bit ELF",
    .detect = detect,
    .formats = {
        [VMACCEL_BOOT_LINUX] = {load_linux, "a Linux Image", true, true, false},
        [VMACCEL_BOOT_ELF] = {load_elf, "a plain ELF image", true, true, false},
        [VMACCEL_BOOT_FLAT] = {load_flat, "a flat image", true, true, false},
    }};
