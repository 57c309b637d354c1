/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks of micro-operations and how one leads to the next. */
#ifndef VMACCEL_CPU_X86_BLOCK_H
#define VMACCEL_CPU_X86_BLOCK_H

#include "cpu/x86/internal.h"

/* Resolve the successor at r[RIP], keep it in u->link, and run it. */
const struct uop *cpu_link(struct cpu *c, const struct uop *u);

/* The end of a direct jump inside a page: `delta` is the target's distance from the block's start.
 * u->link must have been emitted as NULL. */
#define JUMP_LINKED(c, u, delta)                                                                   \
    do {                                                                                           \
        (c)->r[RIP] += (uint64_t)(int64_t)(delta);                                                 \
        const struct uop *next_ = (u)->link;                                                       \
        if (LIKELY(next_ != NULL))                                                                 \
            GOTO((c), next_);                                                                      \
        return cpu_link((c), (u));                                                                 \
    } while (0)

/* The end of any other jump in 64-bit code: looks `rip` up in the jump cache. */
#define JUMP_TO(c, target)                                                                         \
    do {                                                                                           \
        uint64_t rip_ = (target);                                                                  \
        const struct jump_entry *e_ = jump_entry_at((c), rip_);                                    \
        (c)->r[RIP] = rip_;                                                                        \
        if (LIKELY(e_->rip == rip_ && e_->key == (c)->jump_key))                                   \
            GOTO((c), e_->uops);                                                                   \
        return NULL;                                                                               \
    } while (0)

/* Whether a direct jump of the instruction being translated to `target` (distance from the block's
 * start) may use JUMP_LINKED: same page, 64-bit or flat code, no wrap. Otherwise JUMP_TO or
 * cpu_jump() with the truncated address. */
bool translate_linkable(const struct translator *t, int64_t delta);

#endif
