/* SPDX-License-Identifier: BSD-2-Clause */
/* The AArch64 Linux kernel's Image, as it is or packed: by gzip, or in an EFI zboot image. */
#ifndef MACHINE_BOOT_IMAGE_ARM64_H
#define MACHINE_BOOT_IMAGE_ARM64_H

#include "machine/boot/load.h"

struct arm64_image {
    const uint8_t *data;
    size_t size;
    uint64_t text_offset; /* from a 2 MiB boundary */
    uint64_t memory_size; /* from the image's start, at least `size` */
    uint8_t *unpacked;    /* for free(), or NULL */
};

bool arm64_image_is(const uint8_t *kernel, size_t size);

/* Unpack where needed and check the header. The caller frees image->unpacked, on failure too. */
vmaccel_status arm64_image_open(const struct load *l, struct arm64_image *image);

#endif
