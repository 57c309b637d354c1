/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/os.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int32_t os_event_create(os_event *event)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0)
        return errno;
    event->native = fd;
    return 0;
}

void os_event_destroy(os_event *event)
{
    close((int)event->native);
    event->native = -1;
}

void os_event_signal(const os_event *event)
{
    const uint64_t one = 1;
    int saved = errno;

    /* Fails only when the counter is full, and then the event is signalled already. */
    while (write((int)event->native, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
    errno = saved;
}

int32_t os_event_wait(const os_event *event, uint64_t timeout_ns)
{
    uint64_t start = os_clock_ns();
    bool forever = timeout_ns > INT64_MAX - start;
    uint64_t end = forever ? UINT64_MAX : start + timeout_ns;

    for (;;) {
        uint64_t count;

        if (read((int)event->native, &count, sizeof(count)) == (ssize_t)sizeof(count))
            return 0;
        if (errno != EAGAIN && errno != EINTR)
            return errno;

        uint64_t now = os_clock_ns();
        if (!forever && now >= end)
            return OS_TIMED_OUT;
        uint64_t left = forever ? 0 : end - now;
        struct timespec limit = {.tv_sec = (time_t)(left / 1000000000u),
                                 .tv_nsec = (long)(left % 1000000000u)};
        struct pollfd poll_for = {.fd = (int)event->native, .events = POLLIN};
        if (ppoll(&poll_for, 1, forever ? NULL : &limit, NULL) < 0 && errno != EINTR)
            return errno;
    }
}
