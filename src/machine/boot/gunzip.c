/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine/boot/gunzip.h"

#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#define GZIP_WINDOW (MAX_WBITS + 16) /* take gzip's header, no other */
#define FIRST_ROOM  (1u << 20)

bool gunzip_is_gzip(const uint8_t *data, size_t size)
{
    return size >= 3 && data[0] == 0x1f && data[1] == 0x8b && data[2] == 8;
}

static uInt at_most(uint64_t size)
{
    return size < 1u << 30 ? (uInt)size : 1u << 30;
}

/* Unpack until `room` is full or the member ends: Z_OK, Z_STREAM_END or an error. */
static int unpack(z_stream *z, const uint8_t *end, uint8_t *out_end)
{
    int result = Z_OK;

    while (result == Z_OK && z->next_out < out_end) {
        z->avail_in = at_most((uint64_t)(end - z->next_in));
        z->avail_out = at_most((uint64_t)(out_end - z->next_out));
        result = inflate(z, Z_NO_FLUSH);
    }
    return result;
}

bool gunzip_start(const uint8_t *data, size_t size, uint8_t *out, size_t out_size)
{
    z_stream z = {.next_in = data, .next_out = out};
    bool full;

    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return false;
    (void)unpack(&z, data + size, out + out_size);
    full = z.next_out == out + out_size;
    inflateEnd(&z);
    return full;
}

/* Room for more output: twice as much, up to one byte over the limit, which tells that there is
 * more. */
static bool grow(z_stream *z, uint64_t limit, uint8_t **out, uint64_t *room)
{
    uint64_t wanted = *room ? *room * 2 : FIRST_ROOM;
    size_t used = *out ? (size_t)(z->next_out - *out) : 0;
    uint8_t *more;

    if (wanted > limit + 1)
        wanted = limit + 1;
    more = realloc(*out, wanted);
    if (!more)
        return false;
    *out = more;
    *room = wanted;
    z->next_out = more + used;
    return true;
}

enum gunzip_result gunzip(const uint8_t *data, size_t size, uint64_t limit, uint8_t **out,
                          size_t *out_size)
{
    z_stream z = {.next_in = data};
    enum gunzip_result result = GUNZIP_NO_MEMORY;
    uint64_t room = 0;
    int state = Z_OK;

    *out = NULL;
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return GUNZIP_NO_MEMORY;
    while (state == Z_OK && room <= limit && grow(&z, limit, out, &room))
        state = unpack(&z, data + size, *out + room);
    *out_size = *out ? (size_t)(z.next_out - *out) : 0;
    if (*out_size > limit)
        result = GUNZIP_TOO_LARGE;
    else if (state == Z_STREAM_END)
        result = GUNZIP_OK;
    else if (state == Z_BUF_ERROR)
        result = GUNZIP_TRUNCATED;
    else if (state != Z_OK && state != Z_MEM_ERROR)
        result = GUNZIP_DAMAGED;
    inflateEnd(&z);
    if (result != GUNZIP_OK) {
        free(*out);
        *out = NULL;
    }
    return result;
}
