/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/os.h"

#include <errno.h>
#include <string.h>
#include <time.h>

uint64_t os_clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void os_sleep_ns(uint64_t ns)
{
    struct timespec left = {.tv_sec = (time_t)(ns / 1000000000u),
                            .tv_nsec = (long)(ns % 1000000000u)};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

void os_error_text(int32_t error, char *text, size_t size)
{
    const char *message = error == OS_TIMED_OUT   ? "timed out"
                          : error == OS_TOO_LARGE ? "too large"
                                                  : NULL;
    char buffer[128];

    if (message == NULL) {
        /* glibc's form returns the text; POSIX's fills the buffer and returns a number. */
#if defined(__GLIBC__)
        message = strerror_r(error, buffer, sizeof(buffer));
#else
        message = strerror_r(error, buffer, sizeof(buffer)) == 0 ? buffer : "unknown error";
#endif
    }
    if (size == 0)
        return;
    strncpy(text, message, size - 1);
    text[size - 1] = '\0';
}

vmaccel_arch os_host_arch(void)
{
#if defined(__x86_64__)
    return VMACCEL_ARCH_X86_64;
#elif defined(__aarch64__)
    return VMACCEL_ARCH_ARM64;
#else
    return VMACCEL_ARCH_NONE;
#endif
}
