/* SPDX-License-Identifier: BSD-2-Clause */
/* The OS calls of the library, wrapped at link time: counted, and one of them made to fail. */
#ifndef OS_CALLS_H
#define OS_CALLS_H

#include <stdbool.h>
#include <stddef.h>

/* Fail the nth call from now, counted from 1, with the variant-th error that fits it. `on`: all
 * later calls as well, until os_calls_disarm(). */
void os_calls_arm(unsigned nth, unsigned variant, bool on);
void os_calls_disarm(void);

/* The call that failed. */
struct os_fault {
    char name[64];     /* "open /dev/kvm", "KVM_RUN", "malloc" */
    const char *text;  /* error detail names the call by this, or by... */
    const char *other; /* ...this; NULL where anything will do */
    int error;
    unsigned variants;
    bool is_ioctl;
    bool retried;  /* the caller has to try again: nobody sees the failure */
    bool optional; /* the caller may go on without it */
};
/* NULL while none has. */
const struct os_fault *os_calls_fault(void);

/* What is held now, by the program and the library. */
struct os_held {
    long blocks; /* of the heap */
    long mapped; /* bytes */
    long fds;
};
struct os_held os_calls_held(void);

/* Allocations since the program started. */
unsigned long os_calls_allocations(void);

/* The ioctls of the architecture's KVM, by name. */
struct os_ioctl {
    unsigned long request;
    const char *name;
};
extern const struct os_ioctl os_ioctls[];
extern const size_t os_ioctl_count;
/* KVM_ENABLE_CAP of this one may fail: the platform does without. */
bool os_cap_optional(unsigned cap);

/* Print how often each call was made to fail, and return the sum of all. */
unsigned os_calls_report(const char *path);

#endif
