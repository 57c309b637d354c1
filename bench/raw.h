/* SPDX-License-Identifier: BSD-2-Clause */
/* The raw thing: the same work through the platform's own interface, without the library. */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Small guests in real mode, at guest address 0x1000. */
struct bench_guest {
    uint8_t code[32];
    uint8_t size;
};

extern const struct bench_guest bench_guest_out, bench_guest_in, bench_guest_mmio_write,
    bench_guest_mmio_read, bench_guest_spin;

#define BENCH_CODE 0x1000u
#define BENCH_RAM  0x10000u /* bytes of guest memory */

double bench_now_ns(void);
/* Bytes resident in this process. 0 where the host does not tell. */
size_t bench_resident(void);

/* Whether there is a raw counterpart for the platform on this host. */
bool bench_raw_available(const char *platform);

/* Each returns nanoseconds for one operation, over `n` of them, or a negative number on failure. */
double raw_round_trip(const struct bench_guest *guest, bool registers, bool set, unsigned n);
double raw_create(unsigned n, double *destroy);
double raw_kick(unsigned n);
double raw_map(unsigned n);
double raw_dirty(unsigned n);
/* Resident bytes a VM with one vCPU and its memory adds, of n. */
double raw_resident(unsigned n);

double lib_round_trip(const struct bench_guest *guest, bool registers, bool set, unsigned n);
double lib_create(unsigned n, double *destroy);
double lib_kick(unsigned n);
double lib_map(unsigned n);
double lib_dirty(unsigned n);
double lib_resident(unsigned n);

struct vmaccel_platform;
void lib_use(const struct vmaccel_platform *platform);

#define BENCH_DIRTY_SIZE   (64u << 20) /* bytes logged */
#define BENCH_DIRTY_STRIDE 0x8000u     /* the guest writes one page in eight */
#define BENCH_MAP_SIZE     (2u << 20)

/* 32-bit flat guest that writes to every stride of [0x100000, 0x100000 + BENCH_DIRTY_SIZE), then
 * OUTs, for ever. */
extern const struct bench_guest bench_guest_dirty;

#endif
