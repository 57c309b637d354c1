/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests for cases that are about no architecture: the programs of tests/guest/<arch>/common.S, the
 * same ones for each architecture, and its registers by what the programs use them for.
 *
 * A program reports by marks: a number and the low byte of VALUE. */
#ifndef SUITE_COMMON_H
#define SUITE_COMMON_H

#include "guest.h"

#define COMMON_PROGRAMS(X)                                                                         \
    X(mark)                                                                                        \
    X(read)                                                                                        \
    X(write)                                                                                       \
    X(write_read)                                                                                  \
    X(alias)                                                                                       \
    X(two_reads)                                                                                   \
    X(read_only)                                                                                   \
    X(spin) X(marks) X(fill) X(store1) X(store2) X(store4) X(store8) X(counter) X(counter2)

enum common_program {
#define COMMON_PROGRAM(name) COMMON_##name,
    COMMON_PROGRAMS(COMMON_PROGRAM)
#undef COMMON_PROGRAM
        COMMON_PROGRAM_COUNT
};

enum common_reg {
    COMMON_PC,
    COMMON_VALUE,
    COMMON_ADDRESS,
    COMMON_ADDRESS2,
    COMMON_RESULT,
    COMMON_COUNT,
    COMMON_STEP
};

#define COMMON_STATE 8192u

/* What an architecture gives. */
struct common_arch {
    const unsigned char *code; /* common.S */
    const size_t *size;
    uint32_t programs[COMMON_PROGRAM_COUNT]; /* offsets */

    /* Write what the vCPU needs in RAM; bring it to where common.S runs, interrupts off. */
    void (*prepare)(struct guest *guest);
    void (*enter)(struct guest *guest);
    uint64_t (*get)(struct guest *guest, enum common_reg reg);
    void (*set)(struct guest *guest, enum common_reg reg, uint64_t value);
    /* Whether the exit is a mark. */
    bool (*is_mark)(const vmaccel_exit *exit, uint8_t *number, uint8_t *value);
    /* All of the vCPU's state, for comparing; the size used of COMMON_STATE. */
    size_t (*look)(struct guest *guest, void *state);
    /* Code for gpa 0, and start a new vCPU there without tables: it makes an access that exits. */
    uint8_t first_code[8];
    void (*first_start)(vmaccel_vcpu *vcpu);
};

extern const struct common_arch common_x86, common_arm64;
/* That of a guest architecture, or NULL: this build has no guest programs for it. */
const struct common_arch *common_arch_of(vmaccel_arch arch);

/* A VM without irqchip, and one vCPU at the program. */
void common_create(struct guest *guest, enum common_program program);
/* The same on a VM of the caller's. */
void common_map(struct guest *guest, vmaccel_vm *vm);
void common_add_vcpu(struct guest *guest, uint32_t index);

void common_start(struct guest *guest, enum common_program program);
/* A program's code, which runs anywhere. */
const uint8_t *common_code(enum common_program program, size_t *size);

uint64_t common_get(struct guest *guest, enum common_reg reg);
void common_set(struct guest *guest, enum common_reg reg, uint64_t value);
#define GET(guest, reg)        common_get(guest, COMMON_##reg)
#define SET(guest, reg, value) common_set(guest, COMMON_##reg, value)
#define START(guest, program)  common_start(guest, COMMON_##program)

void common_expect_mark(struct site site, struct guest *guest, uint8_t number, uint8_t value);
bool common_is_mark(const struct guest *guest, uint8_t number);
#define EXPECT_MARK(guest, number, value) common_expect_mark(SITE, guest, number, value)
#define RUN_TO_MARK(guest, number, value) (RUN(guest), EXPECT_MARK(guest, number, value))

size_t common_look(struct guest *guest, void *state);

#endif
