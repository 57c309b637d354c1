/* SPDX-License-Identifier: BSD-2-Clause */
/* One VM with one vCPU and memory, and what to expect of its exits, whatever the architecture;
 * <arch>_guest.h brings it into a mode of the architecture. */
#ifndef SUITE_GUEST_H
#define SUITE_GUEST_H

#include "suite.h"

/* Guest-physical layout. RAM is one region from 0; nothing is mapped above it: accesses there exit
 * as MMIO. */
#define GUEST_RAM_SIZE 0x200000u
#define GUEST_CODE                                                                                 \
    0x1000u /* where programs are loaded and entered (guests.h's default ORG); up to GUEST_STACK   \
             */
#define GUEST_STACK 0xa000u  /* initial stack pointer */
#define GUEST_DATA  0x20000u /* free from here to GUEST_RAM_SIZE */
#define GUEST_MMIO  0x40000000u

struct guest {
    vmaccel_vm *vm;
    vmaccel_vcpu *vcpu;
    vmaccel_exit *exit;
    uint8_t *ram; /* GUEST_RAM_SIZE bytes at gpa 0 */
};

/* Map RAM in a VM of the caller's. */
void guest_map_ram(struct guest *guest, vmaccel_vm *vm);
/* Make the vCPU; its state is that after reset. */
void guest_make_vcpu(struct guest *guest, uint32_t index);
/* End it before the case's end, for cases that use many. */
void guest_destroy(struct guest *guest);

/* Put a program at GUEST_CODE. */
void guest_load(struct guest *guest, const void *code, size_t size);
#define GUEST_LOAD(guest, name) guest_load(guest, vmaccel_guest_##name, vmaccel_guest_##name##_size)

/* Where a label of a program of tests/guest/ is once loaded. */
#define GUEST_LABEL(name, label) (GUEST_CODE + VMACCEL_GUEST_##name##_sym_##label)

struct site {
    const char *file;
    int line;
};
#define SITE ((struct site){__FILE__, __LINE__})

/* The exit of the last run is … */
void guest_expect(struct site site, struct guest *guest, uint32_t reason);
void guest_expect_io(struct site site, struct guest *guest, bool is_write, uint16_t port,
                     uint8_t size, uint32_t count);
void guest_expect_mmio(struct site site, struct guest *guest, bool is_write, vmaccel_gpa gpa,
                       uint8_t size);
void guest_expect_data(struct site site, struct guest *guest, uint64_t value);
void guest_expect_debug(struct site site, struct guest *guest, uint32_t flags, vmaccel_gva pc);
void guest_run(struct site site, struct guest *guest);

#define RUN(guest) guest_run(SITE, guest)

#define EXPECT_EXIT(guest, reason)        guest_expect(SITE, guest, reason)
#define EXPECT_EXIT_IN(guest, port, size) guest_expect_io(SITE, guest, false, port, size, 1)
#define EXPECT_EXIT_OUT(guest, port, size, value)                                                  \
    (guest_expect_io(SITE, guest, true, port, size, 1), guest_expect_data(SITE, guest, value))
#define EXPECT_EXIT_READ(guest, gpa, size) guest_expect_mmio(SITE, guest, false, gpa, size)
#define EXPECT_EXIT_WRITE(guest, gpa, size, value)                                                 \
    (guest_expect_mmio(SITE, guest, true, gpa, size), guest_expect_data(SITE, guest, value))
#define EXPECT_EXIT_DEBUG(guest, flags, pc) guest_expect_debug(SITE, guest, flags, pc)

/* Run, and the exit is … */
#define RUN_TO(guest, reason)                (RUN(guest), EXPECT_EXIT(guest, reason))
#define RUN_TO_HLT(guest)                    RUN_TO(guest, VMACCEL_EXIT_HLT)
#define RUN_TO_IN(guest, port, size)         (RUN(guest), EXPECT_EXIT_IN(guest, port, size))
#define RUN_TO_OUT(guest, port, size, value) (RUN(guest), EXPECT_EXIT_OUT(guest, port, size, value))
#define RUN_TO_READ(guest, gpa, size)        (RUN(guest), EXPECT_EXIT_READ(guest, gpa, size))
#define RUN_TO_WRITE(guest, gpa, size, value)                                                      \
    (RUN(guest), EXPECT_EXIT_WRITE(guest, gpa, size, value))
#define RUN_TO_DEBUG(guest, flags, pc) (RUN(guest), EXPECT_EXIT_DEBUG(guest, flags, pc))

/* Answer the read of the last exit; it is used by the next run or vmaccel_vcpu_complete(). */
void guest_answer(struct guest *guest, uint64_t value);
/* Complete the last exit's instruction, which makes no further access. */
#define COMPLETE(guest) CHECK_EQ(guest_complete(guest), false)
bool guest_complete(struct guest *guest);

/* The last error's text holds `word`, in either case. */
void check_detail(struct site site, const char *word);
#define CHECK_DETAIL(word) check_detail(SITE, word)

#endif
