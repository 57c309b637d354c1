/* SPDX-License-Identifier: BSD-2-Clause */
/* Sources of the layouts: the Linux kernel's Documentation/arch/arm64/booting.rst and
 * drivers/firmware/efi/libstub/zboot-header.S; Microsoft's PE format. */
#include "machine/boot/image_arm64.h"

#include <inttypes.h>
#include <string.h>

#include "machine/boot/bytes.h"
#include "machine/boot/gunzip.h"

enum {
    HEADER_TEXT_OFFSET = 8,
    HEADER_IMAGE_SIZE = 16,
    HEADER_FLAGS = 24,
    HEADER_MAGIC = 56,
    HEADER_PE = 60,
    HEADER_SIZE = 64,
};

#define MAGIC           0x644D5241u /* "ARM\x64" */
#define FLAG_BIG_ENDIAN 0x1u
#define OLD_TEXT_OFFSET 0x80000u /* of kernels whose image size is 0 */

enum {
    ZBOOT_TYPE = 4,
    ZBOOT_PAYLOAD = 8,
    ZBOOT_PAYLOAD_SIZE = 12,
    ZBOOT_COMPRESSION = 24,
    ZBOOT_COMPRESSION_END = 56,
    ZBOOT_PE = 60,
    ZBOOT_SIZE = 64,
};

enum {
    PE_MACHINE = 4,
    PE_SECTIONS = 6,
    PE_OPTIONAL_SIZE = 20,
    PE_HEADER_SIZE = 24,
    PE_SECTION_RAW_SIZE = 16,
    PE_SECTION_RAW = 20,
    PE_SECTION_SIZE = 40,
};

#define PE_MAGIC         0x00004550u /* "PE" */
#define PE_MACHINE_ARM64 0xAA64u

/* The PE header that the field at `field` leads to, or NULL. */
static const uint8_t *pe_header(const uint8_t *data, size_t size, unsigned field)
{
    uint32_t at = get32(data + field);

    if (data[0] != 'M' || data[1] != 'Z' || at > size || size - at < PE_HEADER_SIZE ||
        get32(data + at) != PE_MAGIC)
        return NULL;
    return data + at;
}

static bool is_plain(const uint8_t *data, size_t size)
{
    return size >= HEADER_SIZE && get32(data + HEADER_MAGIC) == MAGIC;
}

static bool is_zboot(const uint8_t *data, size_t size)
{
    const uint8_t *pe;

    if (size < ZBOOT_SIZE || data[0] != 'M' || data[1] != 'Z' ||
        memcmp(data + ZBOOT_TYPE, "zimg", 4) != 0)
        return false;
    pe = pe_header(data, size, ZBOOT_PE);
    return !pe || get16(pe + PE_MACHINE) == PE_MACHINE_ARM64;
}

bool arm64_image_is(const uint8_t *kernel, size_t size)
{
    uint8_t start[HEADER_SIZE];

    if (gunzip_is_gzip(kernel, size))
        return gunzip_start(kernel, size, start, sizeof(start)) && is_plain(start, sizeof(start));
    return is_plain(kernel, size) || is_zboot(kernel, size);
}

static vmaccel_status unpack(const struct load *l, const uint8_t *data, size_t size,
                             struct arm64_image *image)
{
    switch (gunzip(data, size, l->in->ram_size, &image->unpacked, &image->size)) {
    case GUNZIP_OK:
        image->data = image->unpacked;
        return VMACCEL_OK;
    case GUNZIP_TRUNCATED:
        return load_fail(VMACCEL_E_FORMAT, "%.120s is truncated: its gzip data does not end",
                         l->kernel);
    case GUNZIP_TOO_LARGE:
        return load_fail(VMACCEL_E_INVALID_ARGUMENT,
                         "%.120s unpacks to more than the %s of memory there are", l->kernel,
                         load_size_text(l->in->ram_size).text);
    case GUNZIP_NO_MEMORY:
        return load_fail(VMACCEL_E_NO_MEMORY, "no memory to unpack %.120s", l->kernel);
    default:
        return load_fail(VMACCEL_E_FORMAT, "%.120s: its gzip data is damaged", l->kernel);
    }
}

static vmaccel_status unpack_zboot(const struct load *l, struct arm64_image *image)
{
    const uint8_t *k = l->in->kernel;
    const char *method = (const char *)k + ZBOOT_COMPRESSION;
    uint64_t at = get32(k + ZBOOT_PAYLOAD), payload = get32(k + ZBOOT_PAYLOAD_SIZE);

    if (strncmp(method, "gzip", ZBOOT_COMPRESSION_END - ZBOOT_COMPRESSION) != 0)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s: an EFI zboot image compressed with \"%.*s\"; only gzip is known",
                         l->kernel, ZBOOT_COMPRESSION_END - ZBOOT_COMPRESSION, method);
    if (at > l->in->kernel_size || payload > l->in->kernel_size - at)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s is truncated: its payload is %" PRIu64 " bytes at %" PRIu64
                         ", but the file has %zu bytes",
                         l->kernel, payload, at, l->in->kernel_size);
    return unpack(l, k + at, payload, image);
}

/* How far the file reaches by its PE sections; 0 where it does not tell. */
static uint64_t size_by_sections(const struct arm64_image *image)
{
    const uint8_t *pe = pe_header(image->data, image->size, HEADER_PE);
    uint64_t at, end = 0;

    if (!pe)
        return 0;
    at = (uint64_t)(pe - image->data) + PE_HEADER_SIZE + get16(pe + PE_OPTIONAL_SIZE);
    for (unsigned i = 0; i < get16(pe + PE_SECTIONS); i++, at += PE_SECTION_SIZE) {
        const uint8_t *section = image->data + at;
        uint64_t section_end;

        if (at > image->size || image->size - at < PE_SECTION_SIZE)
            return at + PE_SECTION_SIZE;
        section_end =
            (uint64_t)get32(section + PE_SECTION_RAW) + get32(section + PE_SECTION_RAW_SIZE);
        if (section_end > end)
            end = section_end;
    }
    return end;
}

static vmaccel_status check_header(const struct load *l, struct arm64_image *image)
{
    uint64_t wanted;

    if (!is_plain(image->data, image->size))
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s is not an AArch64 Linux Image: the ARM\\x64 magic is missing",
                         l->kernel);
    if (get64(image->data + HEADER_FLAGS) & FLAG_BIG_ENDIAN)
        return load_fail(VMACCEL_E_FORMAT, "%.120s is a big-endian kernel; little-endian is needed",
                         l->kernel);
    wanted = size_by_sections(image);
    if (wanted > image->size)
        return load_fail(VMACCEL_E_FORMAT, "%.120s is truncated: it has %zu of %" PRIu64 " bytes",
                         l->kernel, image->size, wanted);
    image->text_offset = get64(image->data + HEADER_TEXT_OFFSET);
    image->memory_size = get64(image->data + HEADER_IMAGE_SIZE);
    if (image->memory_size == 0)
        image->text_offset = OLD_TEXT_OFFSET;
    if (image->memory_size < image->size)
        image->memory_size = image->size;
    if (image->text_offset % LOAD_PAGE != 0)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.120s: its text offset 0x%" PRIx64 " is not a multiple of 4 KiB",
                         l->kernel, image->text_offset);
    return VMACCEL_OK;
}

vmaccel_status arm64_image_open(const struct load *l, struct arm64_image *image)
{
    const struct boot_input *in = l->in;
    vmaccel_status status = VMACCEL_OK;

    *image = (struct arm64_image){.data = in->kernel, .size = in->kernel_size};
    if (gunzip_is_gzip(in->kernel, in->kernel_size))
        status = unpack(l, in->kernel, in->kernel_size, image);
    else if (is_zboot(in->kernel, in->kernel_size))
        status = unpack_zboot(l, image);
    return status == VMACCEL_OK ? check_header(l, image) : status;
}
