/* SPDX-License-Identifier: BSD-2-Clause */
/* Canonical form and validity of register state. */
#ifndef VMACCEL_ARCH_X86_STATE_H
#define VMACCEL_ARCH_X86_STATE_H

#include <vmaccel/x86.h>

struct x86_state_fault {
    const char *field; /* "efer" */
    const char *why;   /* "LMA is set but CR0.PG is clear" */
};

/* Bring special registers to canonical form: no segment attributes without P, accessed bit of code
 * and data, G as the limit needs it, busy TSS, CR0's fixed and ignored bits, padding. */
void x86_sregs_canonical(vmaccel_x86_sregs *sregs);

/* The first thing in canonical state that no CPU can have, or NULL. */
const struct x86_state_fault *x86_regs_fault(const vmaccel_x86_regs *regs);
const struct x86_state_fault *x86_sregs_fault(const vmaccel_x86_sregs *sregs);
/* What a VM entry refuses beside those (Intel SDM vol. 3, "Checks on the Guest State Area"): only
 * for naming the field after one failed, since not every CPU is that strict. */
const struct x86_state_fault *x86_entry_fault(const vmaccel_x86_regs *regs,
                                              const vmaccel_x86_sregs *sregs);

bool x86_is_canonical(uint64_t address, unsigned bits);

#endif
