/* SPDX-License-Identifier: BSD-2-Clause */
/* Loops to count under callgrind: counted_lib_<what>() goes through the library,
 * counted_raw_<what>() does the same without.  The script `count` reads these names. */
#ifndef COUNT_H
#define COUNT_H

#include <stdio.h>
#include <stdlib.h>

#include <vmaccel/vmaccel.h>

#define COUNT_EXITS 10000u /* the script knows it too */
#define COUNT_WARM  100u

#define COUNTED __attribute__((noinline))

static inline void count_check(vmaccel_status status)
{
    if (__builtin_expect(status != VMACCEL_OK, 0)) {
        fprintf(stderr, "%s\n", vmaccel_last_error()->text);
        exit(1);
    }
}

#endif
