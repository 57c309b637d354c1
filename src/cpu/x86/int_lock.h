/* SPDX-License-Identifier: BSD-2-Clause */
/* The template of atomic uops. */
#ifndef VMACCEL_CPU_X86_INT_LOCK_H
#define VMACCEL_CPU_X86_INT_LOCK_H

#include "cpu/x86/int_ops.h"

/* A read-modify-write of n bits: `atomic` gives the old value `m`, using the host address `p`;
 * `plain` is the new value for `m`; `commit` runs when memory holds it. Where `p` can't be had it's
 * done under the VM's lock. */
#define LOCKED(name, n, atomic, plain, commit)                                                     \
    COLD UOP name##_slow(struct cpu *c, const struct uop *u)                                       \
    {                                                                                              \
        uint64_t ea = uop_ea(c, u);                                                                \
        uint##n##_t m;                                                                             \
        uint##n##_t *p = cpu_atomic(c, u, ea, (n) / 8);                                            \
        if (p) {                                                                                   \
            m = atomic;                                                                            \
            cpu_wrote(c, ea, (n) / 8);                                                             \
        } else if (c->event.kind == EVENT_NONE) {                                                  \
            cpu_split_lock(c);                                                                     \
            bool done = cpu_load_rmw(c, u, ea, (n) / 8);                                           \
            m = c->ld.u##n[0];                                                                     \
            done = done && cpu_store(c, u, ea, (n) / 8, (uint##n##_t)(plain));                     \
            cpu_split_unlock(c);                                                                   \
            if (!done)                                                                             \
                return NULL;                                                                       \
        } else {                                                                                   \
            return NULL;                                                                           \
        }                                                                                          \
        commit;                                                                                    \
        END_SLOW(c, u);                                                                            \
    }                                                                                              \
    UOP name(struct cpu *c, const struct uop *u)                                                   \
    {                                                                                              \
        uint##n##_t *p = (void *)tlb_write(c, uop_ea(c, u), (n) / 8);                              \
        if (UNLIKELY(!p || (uintptr_t)p & ((n) / 8 - 1)))                                          \
            return name##_slow(c, u);                                                              \
        uint##n##_t m = atomic;                                                                    \
        commit;                                                                                    \
        NEXT(c, u);                                                                                \
    }

#define FETCH(op, v) __atomic_fetch_##op(p, v, __ATOMIC_SEQ_CST)

#endif
