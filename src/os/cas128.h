/* SPDX-License-Identifier: BSD-2-Clause */
/* An atomic compare and exchange of 16 bytes. */
#ifndef VMACCEL_OS_CAS128_H
#define VMACCEL_OS_CAS128_H

#include <stdbool.h>
#include <stdint.h>

/* p is aligned to 16 bytes. True when `expected` was there; else it becomes what was. */
static inline bool os_cas128(void *p, uint64_t expected[2], const uint64_t desired[2])
{
#if defined(__x86_64__)
    bool equal;
    __asm__ volatile("lock cmpxchg16b %[memory]"
                     : "=@ccz"(equal), [memory] "+m"(*(unsigned __int128 *)p), "+a"(expected[0]),
                       "+d"(expected[1])
                     : "b"(desired[0]), "c"(desired[1])
                     : "memory");
    return equal;
#elif defined(__aarch64__)
    uint64_t low, high;
    uint32_t failed;
    __asm__ volatile("1: ldaxp %[low], %[high], [%[p]]\n\t"
                     "cmp %[low], %[e0]\n\t"
                     "ccmp %[high], %[e1], #0, eq\n\t"
                     "b.ne 2f\n\t"
                     "stlxp %w[failed], %[d0], %[d1], [%[p]]\n\t"
                     "cbnz %w[failed], 1b\n\t"
                     "b 3f\n\t"
                     "2: stlxp %w[failed], %[low], %[high], [%[p]]\n\t"
                     "cbnz %w[failed], 1b\n\t"
                     "3:"
                     : [low] "=&r"(low), [high] "=&r"(high), [failed] "=&r"(failed)
                     : [p] "r"(p), [e0] "r"(expected[0]), [e1] "r"(expected[1]),
                       [d0] "r"(desired[0]), [d1] "r"(desired[1])
                     : "cc", "memory");
    bool equal = low == expected[0] && high == expected[1];
    expected[0] = low;
    expected[1] = high;
    return equal;
#else
    unsigned __int128 old = (unsigned __int128)expected[1] << 64 | expected[0];
    bool equal = __atomic_compare_exchange_n((unsigned __int128 *)p, &old,
                                             (unsigned __int128)desired[1] << 64 | desired[0],
                                             false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    expected[0] = (uint64_t)old;
    expected[1] = (uint64_t)(old >> 64);
    return equal;
#endif
}

#endif
