/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine/timers.h"

void timers_init(struct timers *timers)
{
    os_mutex_init(&timers->lock);
    os_cond_init(&timers->changed);
}

void timers_destroy(struct timers *timers)
{
    os_cond_destroy(&timers->changed);
    os_mutex_destroy(&timers->lock);
}

void timers_add(struct timers *timers, struct device_timer *timer)
{
    timer->at_ns = UINT64_MAX;
    timer->next = timers->first;
    timers->first = timer;
}

void timers_set(struct timers *timers, struct device_timer *timer, uint64_t at_ns)
{
    os_mutex_lock(&timers->lock);
    timer->at_ns = at_ns;
    os_cond_signal(&timers->changed);
    os_mutex_unlock(&timers->lock);
}

static struct device_timer *earliest(const struct timers *timers)
{
    struct device_timer *found = timers->first;

    for (struct device_timer *timer = found; timer != NULL; timer = timer->next)
        if (timer->at_ns < found->at_ns)
            found = timer;
    return found;
}

static void timers_thread(void *context)
{
    struct timers *timers = context;

    os_mutex_lock(&timers->lock);
    while (!timers->stop) {
        struct device_timer *timer = earliest(timers);
        uint64_t now = os_clock_ns();

        if (timer->at_ns > now) {
            uint64_t wait = timer->at_ns == UINT64_MAX ? UINT64_MAX : timer->at_ns - now;

            (void)os_cond_wait(&timers->changed, &timers->lock, wait);
            continue;
        }
        timer->at_ns = UINT64_MAX;
        os_mutex_unlock(&timers->lock);
        timer->fire(timer->device);
        os_mutex_lock(&timers->lock);
    }
    os_mutex_unlock(&timers->lock);
}

int32_t timers_start(struct timers *timers)
{
    int32_t error;

    if (timers->first == NULL)
        return 0;
    error = os_thread_create(&timers->thread, timers_thread, timers, "timers");
    timers->running = error == 0;
    return error;
}

void timers_stop(struct timers *timers)
{
    if (!timers->running)
        return;
    os_mutex_lock(&timers->lock);
    timers->stop = true;
    os_cond_signal(&timers->changed);
    os_mutex_unlock(&timers->lock);
    os_thread_join(&timers->thread);
    timers->running = false;
}
