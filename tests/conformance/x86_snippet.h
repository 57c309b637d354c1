/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest in 64-bit ring 0 that handles all vectors, for running the snippets of b_long.S one by
 * one. */
#ifndef SUITE_SNIPPET_H
#define SUITE_SNIPPET_H

#include "x86_guest.h"

#define PORT_TRAP 0xe0u /* a vector's stub reports its number */
#define PORT_DONE 0xe1u /* a snippet is through */
#define PORT_IN   0xe2u /* snippets read it */

#define FLAG_CF (1u << 0)
#define FLAG_1  (1u << 1)
#define FLAG_TF (1u << 8)
#define FLAG_IF (1u << 9)

#define VECTOR_DB  1u
#define VECTOR_NMI 2u
#define VECTOR_BP  3u
#define VECTOR_UD  6u
#define VECTOR_SS  12u
#define VECTOR_GP  13u
#define VECTOR_PF  14u

/* What a stub has on its stack when it reports. */
struct frame {
    uint64_t rax, vector, error, rip, cs, rflags, rsp, ss;
};

/* Address of a label of b_long.S. */
#define LONG_AT(label) (VMACCEL_GUEST_b_long_ORG + VMACCEL_GUEST_b_long_sym_##label)

/* guest_create() in long mode, with b_long.S and its stubs. */
void snippet_create(struct guest *guest);
void snippet_create_with(struct guest *guest, vmaccel_irqchip irqchip, uint32_t exits);
/* The program and stubs alone: the VM has its memory. */
void snippet_load(struct guest *guest);

/* Set RIP, and RSP to the empty stack. */
void snippet_at(struct guest *guest, uint64_t address);
void snippet_expect_done(struct site site, struct guest *guest);
struct frame snippet_expect_trap(struct site site, struct guest *guest, uint8_t vector);

/* Run, and the snippet is through, or the vector's stub reports; the latter's frame. */
#define RUN_TO_DONE(guest)         (RUN(guest), snippet_expect_done(SITE, guest))
#define RUN_TO_TRAP(guest, vector) (RUN(guest), snippet_expect_trap(SITE, guest, vector))
/* The same from a label's start. */
#define GO(guest, label)              snippet_at(guest, LONG_AT(label))
#define GO_DONE(guest, label)         (GO(guest, label), RUN_TO_DONE(guest))
#define GO_TRAP(guest, label, vector) (GO(guest, label), RUN_TO_TRAP(guest, vector))

/* End the case as skipped where the guest runs on a CPU that lacks `what` and that is not the
 * platform's to make; elsewhere the platform must have it, and this does nothing. */
void need_of_cpu(bool has, const char *what);

#define CPUID_TABLE 256u
/* The entry of a table for the leaf, or NULL. */
vmaccel_x86_cpuid *cpuid_find(vmaccel_x86_cpuid *table, size_t count, uint32_t leaf,
                              uint32_t subleaf);
/* The vCPU's own; all zero where there is none. */
vmaccel_x86_cpuid cpuid_of(struct guest *guest, uint32_t leaf, uint32_t subleaf);

uint64_t msr_get(struct guest *guest, uint32_t id);
void msr_set(struct guest *guest, uint32_t id, uint64_t value);

#endif
