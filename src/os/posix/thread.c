/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/os.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(os_mutex), "os_mutex holds a pthread_mutex_t");
_Static_assert(sizeof(pthread_rwlock_t) <= sizeof(os_rwlock), "os_rwlock holds a pthread_rwlock_t");
_Static_assert(sizeof(pthread_cond_t) <= sizeof(os_cond), "os_cond holds a pthread_cond_t");
_Static_assert(sizeof(pthread_t) <= sizeof(os_thread), "os_thread holds a pthread_t");

static pthread_mutex_t *mutex_of(os_mutex *mutex)
{
    return (pthread_mutex_t *)(void *)mutex;
}

static pthread_rwlock_t *rwlock_of(os_rwlock *lock)
{
    return (pthread_rwlock_t *)(void *)lock;
}

static pthread_cond_t *cond_of(os_cond *cond)
{
    return (pthread_cond_t *)(void *)cond;
}

void os_mutex_init(os_mutex *mutex)
{
    pthread_mutex_init(mutex_of(mutex), NULL);
}

void os_mutex_destroy(os_mutex *mutex)
{
    pthread_mutex_destroy(mutex_of(mutex));
}

void os_mutex_lock(os_mutex *mutex)
{
    pthread_mutex_lock(mutex_of(mutex));
}

void os_mutex_unlock(os_mutex *mutex)
{
    pthread_mutex_unlock(mutex_of(mutex));
}

void os_rwlock_init(os_rwlock *lock)
{
    pthread_rwlock_init(rwlock_of(lock), NULL);
}

void os_rwlock_destroy(os_rwlock *lock)
{
    pthread_rwlock_destroy(rwlock_of(lock));
}

void os_rwlock_read(os_rwlock *lock)
{
    pthread_rwlock_rdlock(rwlock_of(lock));
}

void os_rwlock_write(os_rwlock *lock)
{
    pthread_rwlock_wrlock(rwlock_of(lock));
}

void os_rwlock_unlock_read(os_rwlock *lock)
{
    pthread_rwlock_unlock(rwlock_of(lock));
}

void os_rwlock_unlock_write(os_rwlock *lock)
{
    pthread_rwlock_unlock(rwlock_of(lock));
}

void os_cond_init(os_cond *cond)
{
    pthread_condattr_t attributes;

    /* The wall clock may jump. */
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond_of(cond), &attributes);
    pthread_condattr_destroy(&attributes);
}

void os_cond_destroy(os_cond *cond)
{
    pthread_cond_destroy(cond_of(cond));
}

void os_cond_signal(os_cond *cond)
{
    pthread_cond_signal(cond_of(cond));
}

void os_cond_broadcast(os_cond *cond)
{
    pthread_cond_broadcast(cond_of(cond));
}

int32_t os_cond_wait(os_cond *cond, os_mutex *mutex, uint64_t timeout_ns)
{
    uint64_t end = os_clock_ns();

    if (timeout_ns > INT64_MAX - end) {
        pthread_cond_wait(cond_of(cond), mutex_of(mutex));
        return 0;
    }
    end += timeout_ns;
    struct timespec at = {.tv_sec = (time_t)(end / 1000000000u),
                          .tv_nsec = (long)(end % 1000000000u)};
    return pthread_cond_timedwait(cond_of(cond), mutex_of(mutex), &at) == ETIMEDOUT ? OS_TIMED_OUT
                                                                                    : 0;
}

struct start {
    void (*entry)(void *context);
    void *context;
    char name[16];
};

static void *run_thread(void *argument)
{
    struct start start = *(struct start *)argument;

    free(argument);
    pthread_setname_np(pthread_self(), start.name);
    start.entry(start.context);
    return NULL;
}

int32_t os_thread_create(os_thread *thread, void (*entry)(void *context), void *context,
                         const char *name)
{
    struct start *start = calloc(1, sizeof(*start));

    if (start == NULL)
        return ENOMEM;
    start->entry = entry;
    start->context = context;
    strncpy(start->name, name, sizeof(start->name) - 1);

    pthread_t id;
    int error = pthread_create(&id, NULL, run_thread, start);
    if (error != 0) {
        free(start);
        return error;
    }
    memcpy(&thread->opaque, &id, sizeof(id));
    return 0;
}

void os_thread_join(os_thread *thread)
{
    pthread_t id;

    memcpy(&id, &thread->opaque, sizeof(id));
    pthread_join(id, NULL);
}
