/* SPDX-License-Identifier: BSD-2-Clause */
/* What the library asks of the host's operating system. One folder per family of hosts implements
 * it. Functions that can fail return 0, a code below (negative), or the host's own error number
 * (positive). */
#ifndef VMACCEL_OS_OS_H
#define VMACCEL_OS_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vmaccel/types.h>

#define OS_TIMED_OUT (-1)
#define OS_TOO_LARGE (-2)

/* A sentence part for an error code: "Permission denied". Always terminated. */
void os_error_text(int32_t error, char *text, size_t size);

/* The architecture this code was built for. */
vmaccel_arch os_host_arch(void);

/* Memory. Whole pages, zeroed; alignment is a power of two, 0 for one page. NULL when there is no
 * memory. Nothing is resident before it is touched. */
size_t os_page_size(void);
void *os_pages_alloc(size_t size, size_t alignment);
void os_pages_free(void *pages, size_t size);
/* Make whole pages inaccessible. */
int32_t os_pages_guard(void *pages, size_t size);

/* Small zeroed objects on cache-line boundaries. */
#define OS_CACHE_LINE 64
void *os_alloc(size_t size);
void os_free(void *object);

/* Time. The clock is monotonic; its start is arbitrary. */
uint64_t os_clock_ns(void);
void os_sleep_ns(uint64_t ns);

/* Locks. Storage is the caller's; init never fails on zeroed memory. */
typedef struct os_mutex {
    uint64_t opaque[8];
} os_mutex;
typedef struct os_rwlock {
    uint64_t opaque[8];
} os_rwlock;
typedef struct os_cond {
    uint64_t opaque[8];
} os_cond;

void os_mutex_init(os_mutex *mutex);
void os_mutex_destroy(os_mutex *mutex);
void os_mutex_lock(os_mutex *mutex);
void os_mutex_unlock(os_mutex *mutex);

void os_rwlock_init(os_rwlock *lock);
void os_rwlock_destroy(os_rwlock *lock);
void os_rwlock_read(os_rwlock *lock);
void os_rwlock_write(os_rwlock *lock);
void os_rwlock_unlock_read(os_rwlock *lock);
void os_rwlock_unlock_write(os_rwlock *lock);

void os_cond_init(os_cond *cond);
void os_cond_destroy(os_cond *cond);
void os_cond_signal(os_cond *cond);
void os_cond_broadcast(os_cond *cond);
/* timeout_ns UINT64_MAX: for ever. Returns 0 (maybe spuriously) or OS_TIMED_OUT. */
int32_t os_cond_wait(os_cond *cond, os_mutex *mutex, uint64_t timeout_ns);

/* Threads. `name` shows in debuggers and is cut to 15 bytes. Each created thread is joined once. */
typedef struct os_thread {
    uint64_t opaque;
} os_thread;
int32_t os_thread_create(os_thread *thread, void (*entry)(void *context), void *context,
                         const char *name);
void os_thread_join(os_thread *thread);

/* A counting event that the host can poll and a hypervisor can ring. signal may be called from any
 * thread and from a signal handler. wait takes all rings so far and clears them. */
typedef struct os_event {
    intptr_t native;
} os_event;
int32_t os_event_create(os_event *event);
void os_event_destroy(os_event *event);
void os_event_signal(const os_event *event);
int32_t os_event_wait(const os_event *event, uint64_t timeout_ns);

/* Unpredictable bytes, at most 256. False: the host has none. */
bool os_random(void *bytes, size_t size);

/* The whole content of a file of at most `limit` bytes; OS_TOO_LARGE when there is more. *data is
 * for free(); an empty file gives a pointer too. */
int32_t os_file_read(const char *path, size_t limit, uint8_t **data, size_t *size);

#endif
