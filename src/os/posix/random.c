/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/os.h"

#include <sys/random.h>
#include <unistd.h>

bool os_random(void *bytes, size_t size)
{
    return getentropy(bytes, size) == 0;
}
