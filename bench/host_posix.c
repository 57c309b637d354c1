/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock and the memory of this process. */
#include <stdio.h>
#include <time.h>

#include "raw.h"

double bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Linux counts exactly there alone; statm is late by up to 64 pages a thread. */
size_t bench_resident(void)
{
    unsigned long resident = 0;
    char line[128];
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "Rss: %lu kB", &resident) == 1)
            break;
    fclose(file);
    return resident * 1024;
}
