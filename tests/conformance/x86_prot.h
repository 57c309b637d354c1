/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest in 32-bit ring 0 that handles vectors 0 to 31, for the snippets of b_prot.S. */
#ifndef SUITE_PROT_H
#define SUITE_PROT_H

#include "x86_guest.h"

#define PROT_PDPT 0x18000u /* of PAE paging: 4 GiB mapped to themselves */

struct prot_frame {
    uint32_t eax, vector, error, eip, cs, eflags;
};

#define PROT_AT(label) (VMACCEL_GUEST_b_prot_ORG + VMACCEL_GUEST_b_prot_sym_##label)

void prot_create(struct guest *guest);
void prot_enable_pae(struct guest *guest);
struct prot_frame prot_expect_trap(struct site site, struct guest *guest, uint8_t vector);

#endif
