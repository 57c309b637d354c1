/* SPDX-License-Identifier: BSD-2-Clause */
/* A bzImage through its 64-bit entry, or 32-bit where it has no other. Source of the layout: the
 * Linux kernel's Documentation/arch/x86/boot.rst and zero-page.rst. */
#include <inttypes.h>
#include <string.h>

#include "machine/boot/acpi.h"
#include "machine/boot/bytes.h"
#include "machine/boot/load_x86.h"
#include "machine/memmap_x86.h"

/* Offsets in the file's first sectors, and the same in the zero page. */
enum {
    HDR_START = 0x1F1,
    HDR_SETUP_SECTS = 0x1F1,
    HDR_SYSSIZE = 0x1F4,
    HDR_BOOT_FLAG = 0x1FE,
    HDR_JUMP_LENGTH = 0x201,
    HDR_MAGIC = 0x202,
    HDR_VERSION = 0x206,
    HDR_TYPE_OF_LOADER = 0x210,
    HDR_LOADFLAGS = 0x211,
    HDR_CODE32_START = 0x214,
    HDR_RAMDISK_IMAGE = 0x218,
    HDR_RAMDISK_SIZE = 0x21C,
    HDR_CMD_LINE_PTR = 0x228,
    HDR_INITRD_ADDR_MAX = 0x22C,
    HDR_KERNEL_ALIGNMENT = 0x230,
    HDR_RELOCATABLE = 0x234,
    HDR_XLOADFLAGS = 0x236,
    HDR_CMDLINE_SIZE = 0x238,
    HDR_PREF_ADDRESS = 0x258,
    HDR_INIT_SIZE = 0x260,
    HDR_END_212 = 0x268, /* where the header of version 2.12 ends */
    HDR_END_MAX = 0x290, /* where the zero page has other fields */
};

enum {
    ZERO_ACPI_RSDP = 0x070,
    ZERO_EXT_RAMDISK_IMAGE = 0x0C0,
    ZERO_EXT_RAMDISK_SIZE = 0x0C4,
    ZERO_E820_ENTRIES = 0x1E8,
    ZERO_E820_TABLE = 0x2D0,
};

#define MAGIC_HDRS       0x53726448u /* "HdrS" */
#define BOOT_FLAG        0xAA55u
#define VERSION_OLDEST   0x020Cu /* the first with xloadflags */
#define LOADED_HIGH      0x01u
#define XLF_KERNEL_64    0x0001u
#define XLF_ABOVE_4G     0x0002u
#define LOADER_UNDEFINED 0xFFu
#define ENTRY_64         0x200u

struct image {
    const uint8_t *header;  /* the file; its first HDR_END_212 bytes are there */
    const uint8_t *payload; /* the protected-mode kernel */
    uint64_t payload_size;
    uint64_t load_address, init_size;
};

bool boot_is_linux_x86(const uint8_t *kernel, size_t size)
{
    return size >= HDR_VERSION + 2 && get16(kernel + HDR_BOOT_FLAG) == BOOT_FLAG &&
           get32(kernel + HDR_MAGIC) == MAGIC_HDRS;
}

static vmaccel_status parse_sizes(const struct load *l, struct image *image)
{
    const uint8_t *k = l->in->kernel;
    unsigned sectors = k[HDR_SETUP_SECTS] ? k[HDR_SETUP_SECTS] : 4;
    uint64_t setup = (sectors + 1) * 512ull, size = l->in->kernel_size;
    uint64_t wanted = get32(k + HDR_SYSSIZE) * 16ull;

    if (setup >= size)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s: the setup code is %u sectors, but the file has %" PRIu64 " bytes",
                         l->kernel, sectors + 1, size);
    image->payload = k + setup;
    image->payload_size = size - setup;
    /* The last 16-byte unit need not be whole. */
    if (image->payload_size + 15 < wanted)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s is truncated: its kernel part has %" PRIu64 " of %" PRIu64
                         " bytes",
                         l->kernel, image->payload_size, wanted);
    if (image->payload_size <= ENTRY_64)
        return load_fail(VMACCEL_E_FORMAT, "%.120s: the kernel part ends before its entry",
                         l->kernel);
    return VMACCEL_OK;
}

static vmaccel_status parse_placement(const struct load *l, struct image *image)
{
    const uint8_t *k = image->header;
    uint64_t align = get32(k + HDR_KERNEL_ALIGNMENT);

    image->load_address = get64(k + HDR_PREF_ADDRESS);
    image->init_size = get32(k + HDR_INIT_SIZE);
    if (image->init_size < image->payload_size)
        image->init_size = image->payload_size;
    if (image->load_address < MEMMAP_BIOS_END || image->load_address >= MEMMAP_LOW_END)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s: its preferred address 0x%" PRIx64 " is not from 1 MiB to 3 GiB",
                         l->kernel, image->load_address);
    if (k[HDR_RELOCATABLE] && (align == 0 || (align & (align - 1)) != 0))
        return load_fail(VMACCEL_E_FORMAT, "%.120s: its alignment 0x%" PRIx64 " is no power of two",
                         l->kernel, align);
    if (k[HDR_RELOCATABLE] && image->load_address % align != 0)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s: its preferred address 0x%" PRIx64 " is not aligned to 0x%" PRIx64,
                         l->kernel, image->load_address, align);
    return VMACCEL_OK;
}

static vmaccel_status parse(const struct load *l, struct image *image)
{
    const uint8_t *k = l->in->kernel;
    size_t size = l->in->kernel_size;
    unsigned version;
    vmaccel_status status;

    if (!boot_is_linux_x86(k, size))
        return load_fail(VMACCEL_E_FORMAT, "%.120s is not a bzImage: the HdrS magic is missing",
                         l->kernel);
    version = get16(k + HDR_VERSION);
    if (version < VERSION_OLDEST)
        return load_fail(VMACCEL_E_FORMAT, "%.120s: boot protocol %u.%02u is older than 2.12",
                         l->kernel, version >> 8, version & 0xFF);
    if (size < HDR_END_212 || HDR_MAGIC + k[HDR_JUMP_LENGTH] < HDR_END_212)
        return load_fail(VMACCEL_E_FORMAT, "%.120s: the boot header is truncated", l->kernel);
    if (!(k[HDR_LOADFLAGS] & LOADED_HIGH))
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s is a zImage, which is loaded low; a bzImage is "
                         "needed",
                         l->kernel);
    image->header = k;
    status = parse_sizes(l, image);
    return status == VMACCEL_OK ? parse_placement(l, image) : status;
}

static vmaccel_status place_kernel(struct load *l, const struct image *image)
{
    uint8_t *host;
    vmaccel_status status = load_claim(l, image->load_address, image->init_size, l->kernel, &host);

    if (status != VMACCEL_OK)
        return status;
    memcpy(host, image->payload, image->payload_size);
    return VMACCEL_OK;
}

static vmaccel_status place_initrd(struct load *l, const struct image *image, uint64_t *gpa)
{
    const char *what = l->in->initrd_name ? l->in->initrd_name : "initrd";
    uint64_t size = l->in->initrd_size, low = memmap_low_size(l->in->ram_size);
    uint64_t above = memmap_high_size(l->in->ram_size);
    uint64_t start = MEMMAP_BIOS_END, end = get32(image->header + HDR_INITRD_ADDR_MAX) + 1ull;
    uint8_t *host;
    vmaccel_status status;

    *gpa = 0;
    if (!l->in->initrd || size == 0)
        return VMACCEL_OK;
    if (end > low)
        end = low;
    if (above > 0 && (get16(image->header + HDR_XLOADFLAGS) & XLF_ABOVE_4G) &&
        !load_find(l, size, LOAD_PAGE, start, end, LOAD_DOWN, gpa)) {
        start = MEMMAP_HIGH_BASE;
        end = MEMMAP_HIGH_BASE + above;
    }
    status = load_place(l, size, LOAD_PAGE, start, end, LOAD_DOWN, what, gpa, &host);
    if (status == VMACCEL_OK)
        memcpy(host, l->in->initrd, size);
    return status;
}

static vmaccel_status place_command_line(struct load *l, const struct image *image, uint64_t *gpa)
{
    size_t length = strlen(load_append(l));
    uint32_t limit = get32(image->header + HDR_CMDLINE_SIZE);

    if (length > limit)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT,
                         "the command line (%zu bytes) is longer than the %" PRIu32
                         " bytes that %.100s takes",
                         length, limit, l->kernel);
    return load_string(l, load_append(l), "the command line", gpa);
}

static void put_memory_map(const struct load *l, uint8_t *zero)
{
    struct load_map_entry map[LOAD_MAP_ENTRIES];
    unsigned count = load_memory_map(l, map);

    zero[ZERO_E820_ENTRIES] = (uint8_t)count;
    for (unsigned i = 0; i < count; i++) {
        uint8_t *at = zero + ZERO_E820_TABLE + 20 * i;

        put64(at, map[i].start);
        put64(at + 8, map[i].size);
        put32(at + 16, map[i].type);
    }
}

static vmaccel_status make_zero_page(struct load *l, const struct image *image, uint64_t initrd,
                                     uint64_t command_line, uint64_t *gpa)
{
    unsigned header_end = HDR_MAGIC + image->header[HDR_JUMP_LENGTH];
    uint64_t initrd_size = initrd ? l->in->initrd_size : 0;
    uint8_t *zero;
    vmaccel_status status = load_table(l, LOAD_PAGE, LOAD_PAGE, "the zero page", gpa, &zero);

    if (status != VMACCEL_OK)
        return status;
    if (header_end > HDR_END_MAX)
        header_end = HDR_END_MAX;
    if (header_end > l->in->kernel_size)
        header_end = (unsigned)l->in->kernel_size;
    memcpy(zero + HDR_START, image->header + HDR_START, header_end - HDR_START);
    zero[HDR_TYPE_OF_LOADER] = LOADER_UNDEFINED;
    put32(zero + HDR_CODE32_START, (uint32_t)image->load_address);
    put32(zero + HDR_RAMDISK_IMAGE, (uint32_t)initrd);
    put32(zero + ZERO_EXT_RAMDISK_IMAGE, (uint32_t)(initrd >> 32));
    put32(zero + HDR_RAMDISK_SIZE, (uint32_t)initrd_size);
    put32(zero + ZERO_EXT_RAMDISK_SIZE, (uint32_t)(initrd_size >> 32));
    put32(zero + HDR_CMD_LINE_PTR, (uint32_t)command_line);
    put64(zero + ZERO_ACPI_RSDP, ACPI_RSDP_ADDRESS);
    put_memory_map(l, zero);
    return VMACCEL_OK;
}

vmaccel_status boot_linux_x86(struct load *l, struct boot_state *state)
{
    struct image image = {0};
    uint64_t initrd, command_line, zero;
    vmaccel_status status = parse(l, &image);

    if (status == VMACCEL_OK)
        status = place_kernel(l, &image);
    if (status == VMACCEL_OK)
        status = place_command_line(l, &image, &command_line);
    if (status == VMACCEL_OK)
        status = place_initrd(l, &image, &initrd);
    if (status == VMACCEL_OK)
        status = make_zero_page(l, &image, initrd, command_line, &zero);
    if (status == VMACCEL_OK)
        status = get16(image.header + HDR_XLOADFLAGS) & XLF_KERNEL_64
                     ? load_long_mode(l, image.load_address + ENTRY_64, state)
                     : load_protected_mode(l, image.load_address, state);
    if (status == VMACCEL_OK)
        state->regs.rsi = zero;
    return status;
}
