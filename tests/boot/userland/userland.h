/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of ordinary programs: each prints one line, the same on every right x86-64-v3 CPU. */
#ifndef USERLAND_H
#define USERLAND_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* FNV-1a over the bytes, continuing from `from`. */
uint64_t hash(uint64_t from, const void *data, size_t size);
/* A fixed sequence, begun again for each group of checks. */
uint64_t random64(void);
void random_bytes(void *to, size_t size);

/* The result, for comparison with another CPU's. */
void result(const char *name, uint64_t value);
/* Whether two ways to compute the same agree. */
void agree(const char *name, int yes);
/* A digest that is known. */
void known(const char *name, const uint8_t *digest, size_t size, const char *hex);

void check_math(void);
void check_rounding(void);
void check_loops(void);
void check_strings(void);
void check_sorting(void);
void check_vectors(void);
void check_bits(void);
void check_digests(void);
void check_ciphers(void);
void check_system(void);
void check_threads(void);

#endif
