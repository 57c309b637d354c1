/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/os.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

size_t os_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

void *os_pages_alloc(size_t size, size_t alignment)
{
    size_t page = os_page_size();

    if (alignment < page)
        alignment = page;
    if (size == 0 || size > SIZE_MAX - alignment - page)
        return NULL;
    size = (size + page - 1) & ~(page - 1);

    /* More than asked for, then give back what lies before and after the aligned part. */
    size_t extra = alignment - page;
    uint8_t *start = mmap(NULL, size + extra, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    size_t before = (size_t)(-(uintptr_t)start & (alignment - 1));
    if (before != 0)
        munmap(start, before);
    if (extra != before)
        munmap(start + before + size, extra - before);
    return start + before;
}

void os_pages_free(void *pages, size_t size)
{
    size_t page = os_page_size();

    if (pages != NULL)
        munmap(pages, (size + page - 1) & ~(page - 1));
}

int32_t os_pages_guard(void *pages, size_t size)
{
    return mprotect(pages, size, PROT_NONE) == 0 ? 0 : errno;
}

/* The start of the allocation is kept in the word before the object. */
void *os_alloc(size_t size)
{
    if (size > SIZE_MAX - 2 * OS_CACHE_LINE)
        return NULL;
    uint8_t *start = calloc(1, size + OS_CACHE_LINE + sizeof(void *));
    if (start == NULL)
        return NULL;
    uint8_t *object = start + sizeof(void *);
    object += (size_t)(-(uintptr_t)object & (OS_CACHE_LINE - 1));
    ((void **)(void *)object)[-1] = start;
    return object;
}

void os_free(void *object)
{
    if (object != NULL)
        free(((void **)object)[-1]);
}
