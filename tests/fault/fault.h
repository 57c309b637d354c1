/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a path of library calls once for every OS call on it, and lets that call fail. */
#ifndef FAULT_H
#define FAULT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <vmaccel/machine.h>
#include <vmaccel/vmaccel.h>

#include "os_calls.h"

/* A path makes its calls through FAULT_STEP and leaves nothing behind, failed or not. */
typedef void (*fault_path)(void *context);

/* Each call of the path fails once with each error that fits it, and once together with all later
 * ones. Fails the test when fewer than `floor` calls were made to fail. */
void fault_each_call(const char *name, fault_path path, void *context, unsigned floor);

/* A status of the path: good, or the failed call's with the detail it owes; then the expression is
 * evaluated again and must succeed. */
#define FAULT_STEP(expression)                                                                     \
    do {                                                                                           \
        if (!fault_passed(#expression, (expression)))                                              \
            fault_again(#expression, (expression));                                                \
    } while (0)
bool fault_passed(const char *step, vmaccel_status status);
void fault_again(const char *step, vmaccel_status status);

/* A check that holds whatever failed. */
#define FAULT_CHECK(condition)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fault_broken(__FILE__, __LINE__, #condition);                                          \
    } while (0)
void fault_broken(const char *file, int line, const char *what);

/* The failed call has shown in something other than a status. */
void fault_shown(void);

/* A test for the platform that its state names. */
#define FAULT_TEST(test, platform)                                                                 \
    {                                                                                              \
#test ", " platform, test, NULL, NULL, (char[])                                            \
        {                                                                                          \
            platform                                                                               \
        }                                                                                          \
    }

/* The platform where it runs guests of this architecture; the test is skipped where not. */
const vmaccel_platform *fault_platform(void **state, vmaccel_arch arch);

#endif
