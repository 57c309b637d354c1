/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* One byte more than `limit` tells a file that is too large from one that fits exactly. */
static int32_t read_up_to(int fd, size_t limit, size_t expected, uint8_t **data, size_t *size)
{
    size_t capacity = expected < limit ? expected + 1 : limit + 1;
    uint8_t *buffer = malloc(capacity);
    size_t used = 0;

    if (buffer == NULL)
        return ENOMEM;
    for (;;) {
        if (used == capacity) {
            if (used > limit) {
                free(buffer);
                return OS_TOO_LARGE;
            }
            size_t larger = capacity > limit / 2 ? limit + 1 : capacity * 2;
            uint8_t *moved = realloc(buffer, larger);
            if (moved == NULL) {
                free(buffer);
                return ENOMEM;
            }
            buffer = moved;
            capacity = larger;
        }
        ssize_t got = read(fd, buffer + used, capacity - used);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR) {
            int error = errno;
            free(buffer);
            return error;
        }
        if (got > 0)
            used += (size_t)got;
    }
    *data = buffer;
    *size = used;
    return 0;
}

int32_t os_file_read(const char *path, size_t limit, uint8_t **data, size_t *size)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return errno;
    if (limit > SIZE_MAX / 4)
        limit = SIZE_MAX / 4;

    /* A regular file's size saves growing; anything else, /proc included, is read to its end. */
    size_t expected = 4096;
    int32_t error = 0;
    if (fstat(fd, &info) != 0)
        error = errno;
    else if (S_ISREG(info.st_mode) && info.st_size > 0 && (uint64_t)info.st_size > limit)
        error = OS_TOO_LARGE;
    else if (S_ISREG(info.st_mode) && info.st_size > 0)
        expected = (size_t)info.st_size;
    if (error == 0)
        error = read_up_to(fd, limit, expected, data, size);
    close(fd);
    return error;
}
