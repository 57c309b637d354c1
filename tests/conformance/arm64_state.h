/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole of a vCPU's state and its GIC's through the public API: save, restore, compare. */
#ifndef SUITE_ARM64_STATE_H
#define SUITE_ARM64_STATE_H

#include "arm64_guest.h"

#define A64_SYSREGS  1024u
#define A64_GIC_REGS 4096u
#define A64_SVE      16384u

struct a64_state {
    vmaccel_arm64_regs regs;
    vmaccel_arm64_fpu fpu;
    vmaccel_arm64_events events;
    vmaccel_mp_state mp;
    vmaccel_arm64_sysreg sysregs[A64_SYSREGS];
    size_t sysreg_count;
    vmaccel_arm64_gic_reg gic[A64_GIC_REGS];
    size_t gic_count;
    uint8_t sve[A64_SVE];
    size_t sve_size;
};

/* One of the setters each. */
enum a64_element {
    A64_ELEMENT_REGS,
    A64_ELEMENT_FPU,
    A64_ELEMENT_SYSREGS,
    A64_ELEMENT_EVENTS,
    A64_ELEMENT_MP,
    A64_ELEMENT_GIC,
    A64_ELEMENTS
};

/* Elements the platform does not have are left alone throughout. */
void a64_state_save(struct guest *guest, struct a64_state *state);
/* In the order numbered n: the first is that of the enumeration. */
void a64_state_restore(struct guest *guest, const struct a64_state *state, unsigned n);
/* The same values; counters that go on by themselves have only gone forward. */
void a64_state_check_same(struct site site, const struct a64_state *got,
                          const struct a64_state *expected);

#endif
