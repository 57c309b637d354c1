/* SPDX-License-Identifier: BSD-2-Clause */
/* One instruction on behalf of a hypervisor that reports an access to a device and leaves the
 * instruction to be carried out: its registers come in, its accesses to devices go out as exits,
 * and its results go back.
 *
 *     emulator_begin(e, &state, bytes, count);
 *     do
 *         emulator_run(e, &exit);
 *     while (exit is an access: perform it, a read's value goes into the exit);
 *     emulator_end(e, &state);
 *
 * An emulator belongs to one vCPU and its thread. */
#ifndef VMACCEL_CPU_EMULATE_H
#define VMACCEL_CPU_EMULATE_H

#include "cpu/cpu.h"

struct emulator;

struct emulator_config {
    void *context; /* of the callbacks, which are called from emulator_run() and emulator_end() */
    /* As in struct cpu_ops. Answers are kept for one instruction. */
    bool (*page)(void *context, uint64_t gpa, bool write, struct cpu_page *page);
    /* x87 and vector registers, CPU_XSAVE_SIZE bytes in the standard form: fetched when an
     * instruction uses them (or protection keys are on), and given back by emulator_end(). False:
     * failed. NULL: such instructions are unsupported. */
    bool (*get_xsave)(void *context, void *area);
    bool (*set_xsave)(void *context, const void *area);
    /* The guest's CPUID; NULL: all that the software CPU has. */
    const vmaccel_x86_cpuid *cpuid;
    size_t cpuid_count;
};

struct emulator_state {
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    uint64_t xcr0;
    uint8_t shadow;      /* out: VMACCEL_X86_SHADOW_* that the instruction left */
    uint64_t debug_trap; /* out: DR6 bits of a #DB to inject after it: BS under TF */
};

/* NULL: no memory. */
struct emulator *emulator_create(const struct emulator_config *config);
void emulator_destroy(struct emulator *e);

/* The instruction at state->regs.rip. Its bytes as far as the hypervisor gave them, at most 15;
 * where they end too early, or there are none, it is read through the guest's page tables. */
void emulator_begin(struct emulator *e, const struct emulator_state *state, const void *bytes,
                    size_t count);
/* On to the next exit:
 * STEPPED: it is complete. One element of a REP string instruction also counts: RIP has not moved
 *   then, and running the guest on takes the next.
 * IO, MMIO: perform the access and run again; awaits_answer tells that exit.u.access.value is to be
 *   filled. Of 1 to 8 bytes, in one page. Accesses are reported once, whatever the instruction
 * does. Writes come after all that may fault. EXCEPTION: to be injected; the state is that before
 * the instruction. HLT, MSR, CPUID and the like: the instruction was not one that accesses memory;
 * no state changed. UNSUPPORTED: code in no memory, or an access that no device can take. */
void emulator_run(struct emulator *e, struct cpu_exit *exit);
/* The registers after it. False: set_xsave failed. */
bool emulator_end(struct emulator *e, struct emulator_state *state);
/* In place of emulator_end(): nothing happened. */
void emulator_abandon(struct emulator *e);

#endif
