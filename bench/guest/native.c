/* SPDX-License-Identifier: BSD-2-Clause */
/* The workloads on the host itself: native WORKLOAD UNITS. */
#include <stdio.h>
#include <stdlib.h>

#include <sys/mman.h>

#include "work.h"

uint8_t *work_code;

int main(int argc, char **argv)
{
    const struct work *work = argc == 3 ? work_find(argv[1]) : NULL;
    char sum[17];

    if (work == NULL) {
        fprintf(stderr, "usage: native WORKLOAD UNITS\n");
        return 2;
    }
    void *code = mmap(NULL, WORK_CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) {
        perror("native: no executable memory");
        return 1;
    }
    work_code = code;
    work_hex(work->run(strtoull(argv[2], NULL, 10)), sum);
    printf("%s %s %s\n", argv[1], argv[2], sum);
    return 0;
}
