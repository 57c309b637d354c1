/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/os.h"

static void test_pages(void **state)
{
    const size_t size = 3 * os_page_size();

    (void)state;
    for (size_t alignment = 0; alignment <= 4u << 20;
         alignment = alignment != 0 ? alignment * 4 : os_page_size()) {
        uint8_t *pages = os_pages_alloc(size, alignment);
        assert_non_null(pages);
        assert_int_equal((uintptr_t)pages & (alignment != 0 ? alignment - 1 : os_page_size() - 1),
                         0);
        assert_int_equal(pages[0] | pages[size - 1], 0);
        pages[0] = pages[size - 1] = 1;
        assert_int_equal(os_pages_guard(pages + os_page_size(), os_page_size()), 0);
        os_pages_free(pages, size);
    }
    assert_null(os_pages_alloc(0, 0));
    assert_null(os_pages_alloc(SIZE_MAX, 0));
    os_pages_free(NULL, 0);
}

static void test_objects(void **state)
{
    (void)state;
    for (size_t size = 1; size < 300; size += 37) {
        uint8_t *object = os_alloc(size);
        assert_non_null(object);
        assert_int_equal((uintptr_t)object % OS_CACHE_LINE, 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(object[i], 0);
            object[i] = 1;
        }
        os_free(object);
    }
    assert_null(os_alloc(SIZE_MAX));
    os_free(NULL);
}

struct meeting {
    os_mutex mutex;
    os_cond cond;
    os_rwlock lock;
    unsigned turns, shared;
};

static void take_turns(void *context)
{
    struct meeting *meeting = context;

    for (unsigned i = 0; i < 1000; i++) {
        os_rwlock_write(&meeting->lock);
        meeting->shared++;
        os_rwlock_unlock_write(&meeting->lock);
        os_rwlock_read(&meeting->lock);
        assert_true(meeting->shared > 0);
        os_rwlock_unlock_read(&meeting->lock);
    }
    os_mutex_lock(&meeting->mutex);
    meeting->turns++;
    os_cond_broadcast(&meeting->cond);
    os_mutex_unlock(&meeting->mutex);
}

static void test_threads(void **state)
{
    struct meeting meeting = {.turns = 0};
    os_thread threads[3];

    (void)state;
    os_mutex_init(&meeting.mutex);
    os_cond_init(&meeting.cond);
    os_rwlock_init(&meeting.lock);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(
            os_thread_create(&threads[i], take_turns, &meeting, "a name longer than fits"), 0);
    os_mutex_lock(&meeting.mutex);
    while (meeting.turns < 3)
        assert_int_equal(os_cond_wait(&meeting.cond, &meeting.mutex, UINT64_MAX), 0);
    int32_t waited = 0;
    for (uint64_t start = os_clock_ns(); waited == 0 && os_clock_ns() - start < 1000000000u;)
        waited = os_cond_wait(&meeting.cond, &meeting.mutex, 1000000);
    assert_int_equal(waited, OS_TIMED_OUT);
    os_mutex_unlock(&meeting.mutex);
    for (size_t i = 0; i < 3; i++)
        os_thread_join(&threads[i]);
    assert_int_equal(meeting.shared, 3000);
    os_rwlock_destroy(&meeting.lock);
    os_cond_destroy(&meeting.cond);
    os_mutex_destroy(&meeting.mutex);
}

static void test_time(void **state)
{
    uint64_t start = os_clock_ns();

    (void)state;
    os_sleep_ns(2000000);
    assert_true(os_clock_ns() - start >= 2000000);
}

static void ring(void *context)
{
    os_sleep_ns(1000000);
    os_event_signal(context);
}

static void test_event(void **state)
{
    os_event event;
    os_thread thread;

    (void)state;
    assert_int_equal(os_event_create(&event), 0);
    assert_int_equal(os_event_wait(&event, 0), OS_TIMED_OUT);
    assert_int_equal(os_thread_create(&thread, ring, &event, "ring"), 0);
    assert_int_equal(os_event_wait(&event, UINT64_MAX), 0);
    os_thread_join(&thread);
    uint64_t start = os_clock_ns();
    assert_int_equal(os_event_wait(&event, 3000000), OS_TIMED_OUT);
    assert_true(os_clock_ns() - start >= 3000000);
    os_event_destroy(&event);
}

static void test_files(void **state)
{
    char path[] = "/tmp/vmaccel-os-XXXXXX";
    int fd = mkstemp(path);
    uint8_t *data = NULL;
    size_t size = 0;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(os_file_read(path, 100, &data, &size), 0);
    assert_int_equal(size, 0);
    free(data);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    close(fd);
    assert_int_equal(os_file_read(path, 10, &data, &size), 0);
    assert_int_equal(size, 10);
    assert_memory_equal(data, "0123456789", 10);
    free(data);
    assert_int_equal(os_file_read(path, 9, &data, &size), OS_TOO_LARGE);
    unlink(path);
    assert_int_equal(os_file_read(path, 9, &data, &size), ENOENT);
    assert_int_equal(os_file_read("/", 9, &data, &size), EISDIR);
    /* Files without a size. */
    assert_int_equal(os_file_read("/proc/self/status", 1u << 20, &data, &size), 0);
    assert_true(size > 100);
    free(data);
    assert_int_equal(os_file_read("/dev/zero", 100000, &data, &size), OS_TOO_LARGE);
}

static void test_error_text(void **state)
{
    char text[64], tiny[4];

    (void)state;
    os_error_text(ENOENT, text, sizeof(text));
    assert_string_equal(text, "No such file or directory");
    os_error_text(OS_TOO_LARGE, text, sizeof(text));
    assert_string_equal(text, "too large");
    os_error_text(ENOENT, tiny, sizeof(tiny));
    assert_string_equal(tiny, "No ");
    assert_int_not_equal(os_host_arch(), VMACCEL_ARCH_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),      cmocka_unit_test(test_objects),
        cmocka_unit_test(test_threads),    cmocka_unit_test(test_time),
        cmocka_unit_test(test_event),      cmocka_unit_test(test_files),
        cmocka_unit_test(test_error_text),
    };

    return cmocka_run_group_tests_name("os", tests, NULL, NULL);
}
