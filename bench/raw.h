/* SPDX-License-Identifier: BSD-2-Clause */
/* What is measured, twice: through the library, and through the platform's own interface without
 * it. */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vmaccel/vmaccel.h>

/* Small guests: x86 in real mode, AArch64 at EL1 without MMU. */
enum bench_program {
    BENCH_EXIT,       /* the plainest: a port out; AArch64: an MMIO write */
    BENCH_IN,         /* x86 */
    BENCH_MMIO_WRITE, /* of 8 bits; AArch64: 32 */
    BENCH_MMIO_READ,
    BENCH_SPIN,
    BENCH_DIRTY, /* x86: flat 32-bit. Writes to every stride of [0x100000, 0x100000 +
                    BENCH_DIRTY_SIZE), then exits, for ever. */
    BENCH_PROGRAMS
};

/* All of them are in every VM's memory, so that the page of code is the same in each: QEMU 7.2's
 * TCG goes on with what a page held before when that is overwritten often. */
#define BENCH_CODE         0x1000u
#define BENCH_CODE_SIZE    64u /* of each */
#define BENCH_ENTRY(which) (BENCH_CODE + BENCH_CODE_SIZE * (which))
#define BENCH_RAM          0x10000u    /* bytes of guest memory */
#define BENCH_DIRTY_SIZE   (64u << 20) /* bytes logged */
#define BENCH_DIRTY_STRIDE 0x8000u     /* the guest writes one page in eight */
#define BENCH_MAP_SIZE     (2u << 20)

/* What is done after each exit. */
enum bench_work {
    BENCH_NOTHING,
    BENCH_PC,  /* AArch64: PC read */
    BENCH_FEW, /* AArch64: X0 to X3 and PC read */
    BENCH_ALL, /* all general registers read; x86: the system registers too */
    BENCH_SET  /* one register written */
};

/* The library's side of a guest architecture. */
struct bench_arch {
    uint8_t code[BENCH_PROGRAMS][BENCH_CODE_SIZE];
    bool (*start)(vmaccel_vcpu *vcpu, enum bench_program program);
    bool (*work)(vmaccel_vcpu *vcpu, enum bench_work work, unsigned i);
};

extern const struct bench_arch bench_x86, bench_arm64;

double bench_now_ns(void);
/* Bytes resident in this process. 0 where the host does not tell. */
size_t bench_resident(void);

/* Whether there is a raw counterpart for the platform on this host. */
bool bench_raw_available(const char *platform);

/* Each returns nanoseconds for one operation, over `n` of them, or a negative number on failure. */
double raw_round_trip(enum bench_program program, enum bench_work work, unsigned n);
double raw_create(unsigned n, double *destroy);
double raw_kick(unsigned n);
double raw_map(unsigned n);
double raw_dirty(unsigned n);
/* Resident bytes a VM with one vCPU and its memory adds, of n. */
double raw_resident(unsigned n);

double lib_round_trip(enum bench_program program, enum bench_work work, unsigned n);
double lib_create(unsigned n, double *destroy);
double lib_kick(unsigned n);
double lib_map(unsigned n);
double lib_dirty(unsigned n);
double lib_resident(unsigned n);

/* ioctls that one exit takes with the work after it, counted from outside the process. Negative
 * where this can't be done. */
double raw_ioctls(double (*round_trip)(enum bench_program, enum bench_work, unsigned),
                  enum bench_program program, enum bench_work work);

void lib_use(const vmaccel_platform *platform, const struct bench_arch *arch);

#endif
