/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that guests share between vCPUs: each access is one access of its size where it is
 * aligned, in the order that x86 promises. Pointers may be unaligned. */
#ifndef VMACCEL_OS_SHARED_H
#define VMACCEL_OS_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A guest's races are its own: the sanitizer is to look at the host's code only. */
#if defined(__SANITIZE_THREAD__)
#define OS_SHARED_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define OS_SHARED_TSAN
#endif
#endif
#ifdef OS_SHARED_TSAN
#define OS_SHARED static __attribute__((no_sanitize("thread"), noinline, unused))
#else
#define OS_SHARED static inline __attribute__((always_inline))
#endif

#if defined(__x86_64__) || defined(__i386__)
#define OS_SHARED_AFTER_LOAD()   atomic_signal_fence(memory_order_seq_cst)
#define OS_SHARED_BEFORE_STORE() atomic_signal_fence(memory_order_seq_cst)
#else
#define OS_SHARED_AFTER_LOAD()   atomic_thread_fence(memory_order_acquire)
#define OS_SHARED_BEFORE_STORE() atomic_thread_fence(memory_order_release)
#endif

#define OS_SHARED_ACCESS(bits)                                                                     \
    struct os_shared_##bits {                                                                      \
        uint##bits##_t v;                                                                          \
    } __attribute__((packed, may_alias));                                                          \
    OS_SHARED uint##bits##_t os_load##bits(const void *p)                                          \
    {                                                                                              \
        uint##bits##_t v = ((const volatile struct os_shared_##bits *)p)->v;                       \
        OS_SHARED_AFTER_LOAD();                                                                    \
        return v;                                                                                  \
    }                                                                                              \
    OS_SHARED void os_store##bits(void *p, uint##bits##_t v)                                       \
    {                                                                                              \
        OS_SHARED_BEFORE_STORE();                                                                  \
        ((volatile struct os_shared_##bits *)p)->v = v;                                            \
    }                                                                                              \
    /* An aligned location; true when `expected` was there. */                                     \
    static inline bool os_cas##bits(void *p, uint##bits##_t *expected, uint##bits##_t desired)     \
    {                                                                                              \
        return __atomic_compare_exchange_n((uint##bits##_t *)p, expected, desired, false,          \
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                    \
    }

OS_SHARED_ACCESS(8)
OS_SHARED_ACCESS(16)
OS_SHARED_ACCESS(32)
OS_SHARED_ACCESS(64)

/* Whole structures; element order is not promised. */
#ifdef OS_SHARED_TSAN
OS_SHARED void os_copy(void *to, const void *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((volatile uint8_t *)to)[i] = ((const volatile uint8_t *)from)[i];
}
#else
OS_SHARED void os_copy(void *to, const void *from, size_t size)
{
    memcpy(to, from, size);
}
#endif

/* Bytes that may overlap where `to` is below `from`, and a run of one value. */
#ifdef OS_SHARED_TSAN
OS_SHARED void os_move_down(void *to, const void *from, size_t size)
{
    os_copy(to, from, size);
}
OS_SHARED void os_fill(void *to, uint8_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((volatile uint8_t *)to)[i] = value;
}
#else
OS_SHARED void os_move_down(void *to, const void *from, size_t size)
{
    memmove(to, from, size);
}
OS_SHARED void os_fill(void *to, uint8_t value, size_t size)
{
    memset(to, value, size);
}
#endif

OS_SHARED bool os_same(const void *shared, const void *own, size_t size)
{
    size_t i = 0;
    for (; i + 8 <= size; i += 8)
        if (((const volatile struct os_shared_64 *)((const uint8_t *)shared + i))->v !=
            ((const struct os_shared_64 *)((const uint8_t *)own + i))->v)
            return false;
    for (; i < size; i++)
        if (((const volatile uint8_t *)shared)[i] != ((const uint8_t *)own)[i])
            return false;
    return true;
}

#endif
