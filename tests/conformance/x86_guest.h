/* SPDX-License-Identifier: BSD-2-Clause */
/* One x86 VM with one vCPU, memory and tables, ready to run a guest program; and what to expect of
 * its exits. */
#ifndef SUITE_X86_GUEST_H
#define SUITE_X86_GUEST_H

#include "guest.h"
#include "guests.h"

/* Guest-physical layout. All of it is identity-mapped in long mode, 4 GiB in all: the first 2 MiB
 * by 4 KiB pages, the rest by 2 MiB pages. Nothing is mapped above GUEST_RAM_SIZE: accesses there
 * exit as MMIO. */
#define GUEST_GDT    0xa000u
#define GUEST_TSS    0xb000u
#define GUEST_IDT    0xc000u /* 256 gates of the mode; in real mode the IVT is at 0 */
#define GUEST_PML4   0x10000u
#define GUEST_PDPT   0x11000u
#define GUEST_PD     0x12000u /* four of them */
#define GUEST_PT     0x16000u /* of the first 2 MiB */
#define GUEST_STACK2 0x1f000u /* ring-0 stack of the TSS */

/* Selectors in GUEST_GDT. */
#define GUEST_CS64  0x08u
#define GUEST_DS    0x10u
#define GUEST_CS32  0x18u
#define GUEST_CS16  0x20u
#define GUEST_DS16  0x28u
#define GUEST_UDS   0x33u /* ring 3 */
#define GUEST_UCS64 0x3bu
#define GUEST_UCS32 0x43u
#define GUEST_TR    0x48u

enum guest_mode {
    GUEST_REAL,      /* segments with base 0 */
    GUEST_PROTECTED, /* flat 32-bit, no paging */
    GUEST_LONG       /* flat 64-bit */
};

/* A VM without irqchip, one vCPU in `mode` at GUEST_CODE, interrupts off. */
void guest_create(struct guest *guest, enum guest_mode mode);
void guest_create_with(struct guest *guest, enum guest_mode mode, vmaccel_irqchip irqchip,
                       uint32_t exits, uint32_t exceptions);
/* The same on a VM of the caller's: maps RAM and writes the tables; then each vCPU is brought into
 * the mode. */
void guest_map(struct guest *guest, vmaccel_vm *vm);
void guest_prepare(struct guest *guest); /* the tables alone */
void guest_add_vcpu(struct guest *guest, uint32_t index, enum guest_mode mode);
/* Bring the guest's vCPU into the mode, at GUEST_CODE. */
void guest_enter(struct guest *guest, enum guest_mode mode);

/* A program given as bytes; say the assembly in a comment. */
#define GUEST_BYTES(guest, ...)                                                                    \
    guest_load(guest, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* Load a program of tests/guest/ and start at a label of it. */
#define GUEST_START(guest, name, label)                                                            \
    do {                                                                                           \
        GUEST_LOAD(guest, name);                                                                   \
        GUEST_SET(guest, rip, GUEST_LABEL(name, label));                                           \
    } while (0)

/* A gate at GUEST_IDT for handler at address: long-mode form, or protected-mode form. DPL is 3. */
void guest_gate64(struct guest *guest, uint8_t vector, uint64_t handler);
void guest_gate32(struct guest *guest, uint8_t vector, uint32_t handler);
/* The page-table entry of a 4 KiB page below 2 MiB. */
uint64_t *guest_pte(struct guest *guest, uint64_t address);

vmaccel_x86_regs guest_regs(struct guest *guest);
vmaccel_x86_sregs guest_sregs(struct guest *guest);
void guest_set_regs(struct guest *guest, const vmaccel_x86_regs *regs);
void guest_set_sregs(struct guest *guest, const vmaccel_x86_sregs *sregs);
/* Change one general register. */
#define GUEST_SET(guest, field, number)                                                            \
    do {                                                                                           \
        vmaccel_x86_regs set_regs_ = guest_regs(guest);                                            \
        set_regs_.field = (number);                                                                \
        guest_set_regs(guest, &set_regs_);                                                         \
    } while (0)

#endif
