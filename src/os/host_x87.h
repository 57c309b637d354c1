/* SPDX-License-Identifier: BSD-2-Clause */
/* The transcendental instructions of the host's own x87, whose results no other code has bit for
 * bit: HOST_X87 is 1 where there are any. A number is the 10 bytes that FLD and FSTP move. A
 * function runs with all exceptions masked and the rounding of `fcw`, and returns the status word
 * from after its instruction. */
#ifndef VMACCEL_OS_HOST_X87_H
#define VMACCEL_OS_HOST_X87_H

#include <stdint.h>

struct host_x87_number {
    uint8_t bytes[16];
};

#if defined(__x86_64__)

#define HOST_X87 1

/* Operands are loaded from b, where there is one, then a; results are stored to a, then b. */
#define HOST_X87_FUNCTION(name, load, insn, store)                                                 \
    static inline uint16_t host_x87_##name(uint16_t fcw, struct host_x87_number *a,                \
                                           struct host_x87_number *b)                              \
    {                                                                                              \
        uint16_t saved, status, run = fcw | 0x3f;                                                  \
                                                                                                   \
        __asm__ volatile("fnstcw %[saved]\n\tfldcw %[run]\n\t" load insn                           \
                         "\n\tfnstsw %[status]\n\t" store "fnclex\n\tfldcw %[saved]"               \
                         : [saved] "=m"(saved), [status] "=&a"(status), [a] "+m"(*a), [b] "+m"(*b) \
                         : [run] "m"(run)                                                          \
                         : "st", "st(1)", "st(2)");                                                \
        return status;                                                                             \
    }
#define HOST_X87_LOAD1  "fldt %[a]\n\t"
#define HOST_X87_LOAD2  "fldt %[b]\n\tfldt %[a]\n\t"
#define HOST_X87_STORE1 "fstpt %[a]\n\t"
#define HOST_X87_STORE2 "fstpt %[a]\n\tfstpt %[b]\n\t"

HOST_X87_FUNCTION(f2xm1, HOST_X87_LOAD1, "f2xm1", HOST_X87_STORE1)
HOST_X87_FUNCTION(fyl2x, HOST_X87_LOAD2, "fyl2x", HOST_X87_STORE1)
HOST_X87_FUNCTION(fyl2xp1, HOST_X87_LOAD2, "fyl2xp1", HOST_X87_STORE1)
HOST_X87_FUNCTION(fpatan, HOST_X87_LOAD2, "fpatan", HOST_X87_STORE1)
/* Of these an operand must be less than 2^63, or no finite number. */
HOST_X87_FUNCTION(fsin, HOST_X87_LOAD1, "fsin", HOST_X87_STORE1)
HOST_X87_FUNCTION(fcos, HOST_X87_LOAD1, "fcos", HOST_X87_STORE1)
/* The cosine, or 1, is in a; the sine or tangent in b. */
HOST_X87_FUNCTION(fsincos, HOST_X87_LOAD1, "fsincos", HOST_X87_STORE2)
HOST_X87_FUNCTION(fptan, HOST_X87_LOAD1, "fptan", HOST_X87_STORE2)

#else

#define HOST_X87 0

#endif

#endif
