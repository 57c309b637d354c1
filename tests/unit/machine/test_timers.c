/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "machine/timers.h"

#define MS UINT64_C(1000000)

struct clock_user {
    struct device_timer timer;
    struct timers *timers;
    _Atomic int fired;
    int again; /* how often to set the timer from fire() */
};

static struct timers timers;
static struct clock_user users[3];

static void fire(void *device)
{
    struct clock_user *user = device;

    user->fired++;
    if (user->again-- > 0)
        timers_set(user->timers, &user->timer, os_clock_ns());
}

static int setup(void **state)
{
    (void)state;
    memset(&timers, 0, sizeof(timers));
    memset(users, 0, sizeof(users));
    timers_init(&timers);
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        users[i].timers = &timers;
        users[i].timer.device = &users[i];
        users[i].timer.fire = fire;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    timers_stop(&timers);
    timers_destroy(&timers);
    return 0;
}

static void wait_for(const struct clock_user *user, int count)
{
    for (int i = 0; i < 10000 && user->fired < count; i++)
        os_sleep_ns(MS);
    assert_int_equal(user->fired, count);
}

static void test_none(void **state)
{
    (void)state;
    assert_int_equal(timers_start(&timers), 0);
    assert_false(timers.running);
}

static void test_fires_once_when_due(void **state)
{
    uint64_t start;

    (void)state;
    for (int i = 0; i < 3; i++)
        timers_add(&timers, &users[i].timer);
    assert_int_equal(timers_start(&timers), 0);
    start = os_clock_ns();
    timers_set(&timers, &users[0].timer, start + 30 * MS);
    timers_set(&timers, &users[1].timer, start + 10 * MS);
    timers_set(&timers, &users[2].timer, start + 3600000 * MS);
    wait_for(&users[1], 1);
    wait_for(&users[0], 1);
    assert_true(os_clock_ns() - start >= 30 * MS);
    assert_int_equal(users[1].fired, 1);
    assert_int_equal(users[2].fired, 0);
    /* Moved to the past it fires at once; moved to never, never. */
    timers_set(&timers, &users[0].timer, os_clock_ns() + 3600000 * MS);
    timers_set(&timers, &users[0].timer, UINT64_MAX);
    timers_set(&timers, &users[2].timer, 0);
    wait_for(&users[2], 1);
    assert_int_equal(users[0].fired, 1);
}

static void test_set_before_start_and_from_fire(void **state)
{
    (void)state;
    timers_add(&timers, &users[0].timer);
    users[0].again = 4;
    timers_set(&timers, &users[0].timer, 0);
    assert_int_equal(timers_start(&timers), 0);
    wait_for(&users[0], 5);
    timers_stop(&timers);
    timers_set(&timers, &users[0].timer, 0);
    os_sleep_ns(5 * MS);
    assert_int_equal(users[0].fired, 5);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_none),
        CASE(test_fires_once_when_due),
        CASE(test_set_before_start_and_from_fire),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
