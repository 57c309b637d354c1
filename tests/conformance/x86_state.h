/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole of a vCPU's state through the public API: save, restore in any order, compare. */
#ifndef SUITE_STATE_H
#define SUITE_STATE_H

#include "x86_guest.h"

#define STATE_MSRS  1024u
#define STATE_XSAVE 16384u
#define STATE_CPUID 256u

struct state {
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    vmaccel_x86_events events;
    vmaccel_x86_debug_regs debug;
    vmaccel_x86_lapic lapic;
    vmaccel_mp_state mp;
    uint64_t xcr0;
    vmaccel_x86_msr msrs[STATE_MSRS];
    size_t msr_count;
    uint8_t xsave[STATE_XSAVE];
    size_t xsave_size;
    vmaccel_x86_cpuid cpuid[STATE_CPUID];
    size_t cpuid_count;
};

/* One of the setters each. */
enum element {
    ELEMENT_REGS,
    ELEMENT_SREGS,
    ELEMENT_EVENTS,
    ELEMENT_DEBUG,
    ELEMENT_LAPIC,
    ELEMENT_MP,
    ELEMENT_XCR0,
    ELEMENT_MSRS,
    ELEMENT_XSAVE,
    ELEMENTS
};

/* Elements the platform does not have are left alone throughout. */
void state_save(struct guest *guest, struct state *state);
void state_restore(struct guest *guest, const struct state *state, const enum element *order);
/* The order numbered n: the first is that of the enumeration, the others are shuffled. */
void state_order(enum element order[ELEMENTS], unsigned n);
/* The same values; those that go on by themselves, such as the TSC, have only gone forward. */
void state_check_same(struct site site, const struct state *got, const struct state *expected);

/* A new VM and vCPU with the CPUID table of `state` and a copy of `of`'s memory, not restored. */
void state_twin(struct guest *twin, const struct guest *of, vmaccel_irqchip irqchip,
                const struct state *state);

#endif
