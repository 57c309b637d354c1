/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest page tables: 32-bit, PAE, 4-level and 5-level (Intel SDM vol. 3, "Paging"). */
#ifndef VMACCEL_ARCH_X86_WALK_H
#define VMACCEL_ARCH_X86_WALK_H

#include <vmaccel/x86.h>

/* Copy guest-physical memory; false where none is. */
typedef bool (*x86_read_physical)(void *context, uint64_t gpa, void *buffer, size_t size);

#define X86_FAULT_PRESENT  (1u << 0)
#define X86_FAULT_WRITE    (1u << 1)
#define X86_FAULT_USER     (1u << 2)
#define X86_FAULT_RESERVED (1u << 3)
#define X86_FAULT_FETCH    (1u << 4)

struct x86_translation {
    uint64_t gpa;
    uint64_t page_size; /* of the page that maps it; 0 without paging */
    bool writable, user, no_execute;
};

enum x86_walk_result {
    X86_WALK_OK,
    X86_WALK_NOT_CANONICAL,
    X86_WALK_FAULT,    /* #PF with the error code */
    X86_WALK_NO_MEMORY /* a table lies outside memory */
};

/* Translate as an access does that WRITE, USER and FETCH in `access` describe. Accessed and dirty
 * bits are not touched, protection keys not looked at. rflags_ac: RFLAGS.AC, which lifts SMAP. */
enum x86_walk_result x86_walk_access(const vmaccel_x86_sregs *sregs, uint64_t linear,
                                     uint32_t access, bool rflags_ac, x86_read_physical read,
                                     void *context, struct x86_translation *out,
                                     uint32_t *error_code);

/* Where a supervisor's data read that nothing but a missing page stops would go. */
bool x86_walk(const vmaccel_x86_sregs *sregs, uint64_t linear, x86_read_physical read,
              void *context, uint64_t *gpa);

#endif
