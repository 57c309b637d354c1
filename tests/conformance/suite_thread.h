/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads the suite uses, in one place for hosts without pthreads. */
#ifndef SUITE_THREAD_H
#define SUITE_THREAD_H

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

typedef pthread_t host_thread;
typedef pthread_mutex_t host_mutex;

static inline bool host_thread_start(host_thread *thread, void *(*entry)(void *), void *argument)
{
    return pthread_create(thread, NULL, entry, argument) == 0;
}

static inline void host_thread_join(host_thread thread)
{
    pthread_join(thread, NULL);
}

static inline void host_thread_yield(void)
{
    sched_yield();
}

static inline void host_mutex_init(host_mutex *mutex)
{
    pthread_mutex_init(mutex, NULL);
}

static inline void host_mutex_lock(host_mutex *mutex)
{
    pthread_mutex_lock(mutex);
}

static inline void host_mutex_unlock(host_mutex *mutex)
{
    pthread_mutex_unlock(mutex);
}

static inline void host_mutex_end(host_mutex *mutex)
{
    pthread_mutex_destroy(mutex);
}

#endif
