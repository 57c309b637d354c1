/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers of devices: one thread that sleeps until the next is due. */
#ifndef MACHINE_TIMERS_H
#define MACHINE_TIMERS_H

#include "machine/device.h"
#include "os/os.h"

struct timers {
    os_mutex lock; /* all below */
    os_cond changed;
    struct device_timer *first;
    bool stop;
    bool running; /* the starter's */
    os_thread thread;
};

void timers_init(struct timers *timers);
void timers_destroy(struct timers *timers);

/* Add a timer, which is off; ahead of timers_start(). */
void timers_add(struct timers *timers, struct device_timer *timer);
/* Thread: any; also from its fire(). */
void timers_set(struct timers *timers, struct device_timer *timer, uint64_t at_ns);

/* Returns an OS error or 0. Does nothing where there is no timer. */
int32_t timers_start(struct timers *timers);
/* No fire() is in progress afterwards. Does nothing where it was not started. */
void timers_stop(struct timers *timers);

#endif
