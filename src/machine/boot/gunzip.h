/* SPDX-License-Identifier: BSD-2-Clause */
/* gzip data (RFC 1952). */
#ifndef MACHINE_BOOT_GUNZIP_H
#define MACHINE_BOOT_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool gunzip_is_gzip(const uint8_t *data, size_t size);

/* Unpack the first `out_size` bytes; false where there are not so many. */
bool gunzip_start(const uint8_t *data, size_t size, uint8_t *out, size_t out_size);

enum gunzip_result {
    GUNZIP_OK,
    GUNZIP_TRUNCATED,
    GUNZIP_DAMAGED,
    GUNZIP_TOO_LARGE, /* more than `limit` bytes */
    GUNZIP_NO_MEMORY
};

/* Unpack the first member; *out is for free(). What follows it is ignored. */
enum gunzip_result gunzip(const uint8_t *data, size_t size, uint64_t limit, uint8_t **out,
                          size_t *out_size);

#endif
