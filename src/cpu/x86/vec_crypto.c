/* SPDX-License-Identifier: BSD-2-Clause */
/* AES, SHA, carry-less multiplication and CRC-32C. */
#include "cpu/x86/vec_lanes.h"

static inline uint32_t rol(uint32_t value, unsigned by)
{
    return value << by | value >> (32 - by);
}
static inline uint32_t ror(uint32_t value, unsigned by)
{
    return value >> by | value << (32 - by);
}

/* AES (FIPS 197). A lane is the state, column by column. */
/* clang-format off */
#define SBOX(F)                                                                                    \
    F(0x63) F(0x7c) F(0x77) F(0x7b) F(0xf2) F(0x6b) F(0x6f) F(0xc5)                                \
    F(0x30) F(0x01) F(0x67) F(0x2b) F(0xfe) F(0xd7) F(0xab) F(0x76)                                \
    F(0xca) F(0x82) F(0xc9) F(0x7d) F(0xfa) F(0x59) F(0x47) F(0xf0)                                \
    F(0xad) F(0xd4) F(0xa2) F(0xaf) F(0x9c) F(0xa4) F(0x72) F(0xc0)                                \
    F(0xb7) F(0xfd) F(0x93) F(0x26) F(0x36) F(0x3f) F(0xf7) F(0xcc)                                \
    F(0x34) F(0xa5) F(0xe5) F(0xf1) F(0x71) F(0xd8) F(0x31) F(0x15)                                \
    F(0x04) F(0xc7) F(0x23) F(0xc3) F(0x18) F(0x96) F(0x05) F(0x9a)                                \
    F(0x07) F(0x12) F(0x80) F(0xe2) F(0xeb) F(0x27) F(0xb2) F(0x75)                                \
    F(0x09) F(0x83) F(0x2c) F(0x1a) F(0x1b) F(0x6e) F(0x5a) F(0xa0)                                \
    F(0x52) F(0x3b) F(0xd6) F(0xb3) F(0x29) F(0xe3) F(0x2f) F(0x84)                                \
    F(0x53) F(0xd1) F(0x00) F(0xed) F(0x20) F(0xfc) F(0xb1) F(0x5b)                                \
    F(0x6a) F(0xcb) F(0xbe) F(0x39) F(0x4a) F(0x4c) F(0x58) F(0xcf)                                \
    F(0xd0) F(0xef) F(0xaa) F(0xfb) F(0x43) F(0x4d) F(0x33) F(0x85)                                \
    F(0x45) F(0xf9) F(0x02) F(0x7f) F(0x50) F(0x3c) F(0x9f) F(0xa8)                                \
    F(0x51) F(0xa3) F(0x40) F(0x8f) F(0x92) F(0x9d) F(0x38) F(0xf5)                                \
    F(0xbc) F(0xb6) F(0xda) F(0x21) F(0x10) F(0xff) F(0xf3) F(0xd2)                                \
    F(0xcd) F(0x0c) F(0x13) F(0xec) F(0x5f) F(0x97) F(0x44) F(0x17)                                \
    F(0xc4) F(0xa7) F(0x7e) F(0x3d) F(0x64) F(0x5d) F(0x19) F(0x73)                                \
    F(0x60) F(0x81) F(0x4f) F(0xdc) F(0x22) F(0x2a) F(0x90) F(0x88)                                \
    F(0x46) F(0xee) F(0xb8) F(0x14) F(0xde) F(0x5e) F(0x0b) F(0xdb)                                \
    F(0xe0) F(0x32) F(0x3a) F(0x0a) F(0x49) F(0x06) F(0x24) F(0x5c)                                \
    F(0xc2) F(0xd3) F(0xac) F(0x62) F(0x91) F(0x95) F(0xe4) F(0x79)                                \
    F(0xe7) F(0xc8) F(0x37) F(0x6d) F(0x8d) F(0xd5) F(0x4e) F(0xa9)                                \
    F(0x6c) F(0x56) F(0xf4) F(0xea) F(0x65) F(0x7a) F(0xae) F(0x08)                                \
    F(0xba) F(0x78) F(0x25) F(0x2e) F(0x1c) F(0xa6) F(0xb4) F(0xc6)                                \
    F(0xe8) F(0xdd) F(0x74) F(0x1f) F(0x4b) F(0xbd) F(0x8b) F(0x8a)                                \
    F(0x70) F(0x3e) F(0xb5) F(0x66) F(0x48) F(0x03) F(0xf6) F(0x0e)                                \
    F(0x61) F(0x35) F(0x57) F(0xb9) F(0x86) F(0xc1) F(0x1d) F(0x9e)                                \
    F(0xe1) F(0xf8) F(0x98) F(0x11) F(0x69) F(0xd9) F(0x8e) F(0x94)                                \
    F(0x9b) F(0x1e) F(0x87) F(0xe9) F(0xce) F(0x55) F(0x28) F(0xdf)                                \
    F(0x8c) F(0xa1) F(0x89) F(0x0d) F(0xbf) F(0xe6) F(0x42) F(0x68)                                \
    F(0x41) F(0x99) F(0x2d) F(0x0f) F(0xb0) F(0x54) F(0xbb) F(0x16)
#define INVERSE_SBOX(F)                                                                            \
    F(0x52) F(0x09) F(0x6a) F(0xd5) F(0x30) F(0x36) F(0xa5) F(0x38)                                \
    F(0xbf) F(0x40) F(0xa3) F(0x9e) F(0x81) F(0xf3) F(0xd7) F(0xfb)                                \
    F(0x7c) F(0xe3) F(0x39) F(0x82) F(0x9b) F(0x2f) F(0xff) F(0x87)                                \
    F(0x34) F(0x8e) F(0x43) F(0x44) F(0xc4) F(0xde) F(0xe9) F(0xcb)                                \
    F(0x54) F(0x7b) F(0x94) F(0x32) F(0xa6) F(0xc2) F(0x23) F(0x3d)                                \
    F(0xee) F(0x4c) F(0x95) F(0x0b) F(0x42) F(0xfa) F(0xc3) F(0x4e)                                \
    F(0x08) F(0x2e) F(0xa1) F(0x66) F(0x28) F(0xd9) F(0x24) F(0xb2)                                \
    F(0x76) F(0x5b) F(0xa2) F(0x49) F(0x6d) F(0x8b) F(0xd1) F(0x25)                                \
    F(0x72) F(0xf8) F(0xf6) F(0x64) F(0x86) F(0x68) F(0x98) F(0x16)                                \
    F(0xd4) F(0xa4) F(0x5c) F(0xcc) F(0x5d) F(0x65) F(0xb6) F(0x92)                                \
    F(0x6c) F(0x70) F(0x48) F(0x50) F(0xfd) F(0xed) F(0xb9) F(0xda)                                \
    F(0x5e) F(0x15) F(0x46) F(0x57) F(0xa7) F(0x8d) F(0x9d) F(0x84)                                \
    F(0x90) F(0xd8) F(0xab) F(0x00) F(0x8c) F(0xbc) F(0xd3) F(0x0a)                                \
    F(0xf7) F(0xe4) F(0x58) F(0x05) F(0xb8) F(0xb3) F(0x45) F(0x06)                                \
    F(0xd0) F(0x2c) F(0x1e) F(0x8f) F(0xca) F(0x3f) F(0x0f) F(0x02)                                \
    F(0xc1) F(0xaf) F(0xbd) F(0x03) F(0x01) F(0x13) F(0x8a) F(0x6b)                                \
    F(0x3a) F(0x91) F(0x11) F(0x41) F(0x4f) F(0x67) F(0xdc) F(0xea)                                \
    F(0x97) F(0xf2) F(0xcf) F(0xce) F(0xf0) F(0xb4) F(0xe6) F(0x73)                                \
    F(0x96) F(0xac) F(0x74) F(0x22) F(0xe7) F(0xad) F(0x35) F(0x85)                                \
    F(0xe2) F(0xf9) F(0x37) F(0xe8) F(0x1c) F(0x75) F(0xdf) F(0x6e)                                \
    F(0x47) F(0xf1) F(0x1a) F(0x71) F(0x1d) F(0x29) F(0xc5) F(0x89)                                \
    F(0x6f) F(0xb7) F(0x62) F(0x0e) F(0xaa) F(0x18) F(0xbe) F(0x1b)                                \
    F(0xfc) F(0x56) F(0x3e) F(0x4b) F(0xc6) F(0xd2) F(0x79) F(0x20)                                \
    F(0x9a) F(0xdb) F(0xc0) F(0xfe) F(0x78) F(0xcd) F(0x5a) F(0xf4)                                \
    F(0x1f) F(0xdd) F(0xa8) F(0x33) F(0x88) F(0x07) F(0xc7) F(0x31)                                \
    F(0xb1) F(0x12) F(0x10) F(0x59) F(0x27) F(0x80) F(0xec) F(0x5f)                                \
    F(0x60) F(0x51) F(0x7f) F(0xa9) F(0x19) F(0xb5) F(0x4a) F(0x0d)                                \
    F(0x2d) F(0xe5) F(0x7a) F(0x9f) F(0x93) F(0xc9) F(0x9c) F(0xef)                                \
    F(0xa0) F(0xe0) F(0x3b) F(0x4d) F(0xae) F(0x2a) F(0xf5) F(0xb0)                                \
    F(0xc8) F(0xeb) F(0xbb) F(0x3c) F(0x83) F(0x53) F(0x99) F(0x61)                                \
    F(0x17) F(0x2b) F(0x04) F(0x7e) F(0xba) F(0x77) F(0xd6) F(0x26)                                \
    F(0xe1) F(0x69) F(0x14) F(0x63) F(0x55) F(0x21) F(0x0c) F(0x7d)
/* clang-format on */

#define DOUBLE(s) ((uint32_t)((s) << 1 ^ ((s) >> 7) * 0x11b))
#define TIMES4(s) DOUBLE(DOUBLE(s))
#define TIMES8(s) DOUBLE(TIMES4(s))
/* What a byte in row 0 contributes to the four rows of its column after mixing. */
#define MIX(s) (DOUBLE(s) | (uint32_t)(s) << 8 | (uint32_t)(s) << 16 | (DOUBLE(s) ^ (s)) << 24),
#define INVERSE_MIX(s)                                                                             \
    ((TIMES8(s) ^ TIMES4(s) ^ DOUBLE(s)) | (TIMES8(s) ^ (s)) << 8 |                                \
     (TIMES8(s) ^ TIMES4(s) ^ (s)) << 16 | (TIMES8(s) ^ DOUBLE(s) ^ (s)) << 24),
#define PLAIN(s) s,

static const uint8_t sbox[256] = {SBOX(PLAIN)};
static const uint8_t inverse_sbox[256] = {INVERSE_SBOX(PLAIN)};
static const uint32_t mixed_sbox[256] = {SBOX(MIX)};
static const uint32_t inverse_mixed_sbox[256] = {INVERSE_SBOX(INVERSE_MIX)};

static inline uint32_t mix_column(const uint32_t *table, uint8_t s0, uint8_t s1, uint8_t s2,
                                  uint8_t s3)
{
    return table[s0] ^ rol(table[s1], 8) ^ rol(table[s2], 16) ^ rol(table[s3], 24);
}

/* Row i is rotated by i columns, the inverse the other way round. */
static inline uint8_t shifted(cpu_lane x, unsigned column, unsigned row)
{
    return x.u8[((column + row) & 3) * 4 + row];
}
static inline uint8_t unshifted(cpu_lane x, unsigned column, unsigned row)
{
    return x.u8[((column - row) & 3) * 4 + row];
}

VERTICAL(aesenc, EACH(u32, mix_column(mixed_sbox, shifted(x, k, 0), shifted(x, k, 1),
                                      shifted(x, k, 2), shifted(x, k, 3)) ^
                               y.u32[k]))
VERTICAL(aesenclast, EACH(u8, sbox[shifted(x, k / 4, k & 3)] ^ y.u8[k]))
VERTICAL(aesdec, EACH(u32, mix_column(inverse_mixed_sbox, unshifted(x, k, 0), unshifted(x, k, 1),
                                      unshifted(x, k, 2), unshifted(x, k, 3)) ^
                               y.u32[k]))
VERTICAL(aesdeclast, EACH(u8, inverse_sbox[unshifted(x, k / 4, k & 3)] ^ y.u8[k]))
VERTICAL(aesimc, EACH(u32, mix_column(inverse_mixed_sbox, sbox[y.u8[4 * k]], sbox[y.u8[4 * k + 1]],
                                      sbox[y.u8[4 * k + 2]], sbox[y.u8[4 * k + 3]])))

static inline uint32_t substitute(uint32_t word)
{
    return sbox[word & 0xff] | (uint32_t)sbox[word >> 8 & 0xff] << 8 |
           (uint32_t)sbox[word >> 16 & 0xff] << 16 | (uint32_t)sbox[word >> 24] << 24;
}

static inline cpu_lane key_assist(cpu_lane y, unsigned imm)
{
    cpu_lane r;
    for (unsigned k = 0; k < 2; k++) {
        const uint32_t word = substitute(y.u32[2 * k + 1]);
        r.u32[2 * k] = word;
        r.u32[2 * k + 1] = ror(word, 8) ^ imm;
    }
    return r;
}
VERTICAL(aeskeygenassist, r = key_assist(y, imm))

/* SHA-1 and SHA-256 (FIPS 180). The first word of a group is the highest of its lane. */
static inline uint32_t choose(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) ^ (~x & z);
}
static inline uint32_t majority(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) ^ (x & z) ^ (y & z);
}

static inline cpu_lane sha1_rounds(cpu_lane x, cpu_lane y, unsigned imm)
{
    static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32_t a = x.u32[3], b = x.u32[2], c = x.u32[1], d = x.u32[0], e = 0;
    for (unsigned k = 4; k-- > 0;) {
        const uint32_t f = (imm & 3) == 0   ? choose(b, c, d)
                           : (imm & 3) == 2 ? majority(b, c, d)
                                            : b ^ c ^ d;
        const uint32_t sum = f + rol(a, 5) + y.u32[k] + e + constants[imm & 3];
        e = d;
        d = c;
        c = rol(b, 30);
        b = a;
        a = sum;
    }
    return (cpu_lane){.u32 = {d, c, b, a}};
}
VERTICAL(sha1rnds4, r = sha1_rounds(x, y, imm))
VERTICAL(sha1nexte, EACH(u32, k == 3 ? y.u32[3] + rol(x.u32[3], 30) : y.u32[k]))
VERTICAL(sha1msg1, EACH(u32, x.u32[k] ^ (k < 2 ? y.u32[k + 2] : x.u32[k - 2])))

static inline cpu_lane sha1_schedule(cpu_lane x, cpu_lane y)
{
    cpu_lane r;
    r.u32[3] = rol(x.u32[3] ^ y.u32[2], 1);
    r.u32[2] = rol(x.u32[2] ^ y.u32[1], 1);
    r.u32[1] = rol(x.u32[1] ^ y.u32[0], 1);
    r.u32[0] = rol(x.u32[0] ^ r.u32[3], 1);
    return r;
}
VERTICAL(sha1msg2, r = sha1_schedule(x, y))

/* d holds the message words, with the round constants added, on entry. */
void vec_sha256rnds2(cpu_vec *d, const cpu_vec *x, const cpu_vec *y, unsigned imm, unsigned bytes)
{
    (void)imm;
    (void)bytes;
    uint32_t a = y->u32[3], b = y->u32[2], e = y->u32[1], f = y->u32[0];
    uint32_t c = x->u32[3], g = x->u32[1], m = x->u32[2], h = x->u32[0];
    for (unsigned k = 0; k < 2; k++) {
        const uint32_t sum =
            choose(e, f, g) + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + d->u32[k] + h;
        const uint32_t next = sum + majority(a, b, c) + (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22));
        h = g;
        g = f;
        f = e;
        e = sum + m;
        m = c;
        c = b;
        b = a;
        a = next;
    }
    d->lane[0] = (cpu_lane){.u32 = {f, e, b, a}};
}

static inline uint32_t small_sigma0(uint32_t word)
{
    return ror(word, 7) ^ ror(word, 18) ^ word >> 3;
}
static inline uint32_t small_sigma1(uint32_t word)
{
    return ror(word, 17) ^ ror(word, 19) ^ word >> 10;
}
VERTICAL(sha256msg1, EACH(u32, x.u32[k] + small_sigma0(k == 3 ? y.u32[0] : x.u32[(k + 1) & 3])))

static inline cpu_lane sha256_schedule(cpu_lane x, cpu_lane y)
{
    cpu_lane r;
    r.u32[0] = x.u32[0] + small_sigma1(y.u32[2]);
    r.u32[1] = x.u32[1] + small_sigma1(y.u32[3]);
    r.u32[2] = x.u32[2] + small_sigma1(r.u32[0]);
    r.u32[3] = x.u32[3] + small_sigma1(r.u32[1]);
    return r;
}
VERTICAL(sha256msg2, r = sha256_schedule(x, y))

/* Four bits of x at a time; multiples[n] is n times y, 67 bits wide. */
static inline cpu_lane multiply(uint64_t x, uint64_t y)
{
    uint64_t low[16] = {0}, high[16] = {0};
    for (unsigned n = 1; n < 16; n++) {
        const unsigned bit = n & 8 ? 3 : n & 4 ? 2 : n & 2 ? 1 : 0;
        const unsigned rest = n ^ 1u << bit;
        low[n] = low[rest] ^ y << bit;
        high[n] = high[rest] ^ (bit ? y >> (64 - bit) : 0);
    }
    cpu_lane r = {{0}};
    for (unsigned shift = 64; shift > 0;) {
        shift -= 4;
        r.u64[1] = r.u64[1] << 4 | r.u64[0] >> 60;
        r.u64[0] <<= 4;
        r.u64[0] ^= low[x >> shift & 15];
        r.u64[1] ^= high[x >> shift & 15];
    }
    return r;
}
VERTICAL(pclmulqdq, r = multiply(x.u64[imm & 1], y.u64[imm >> 4 & 1]))

uint32_t vec_crc32c(uint32_t crc, uint64_t data, unsigned bytes)
{
    /* Remainders of the values of four bits, reflected. */
    static const uint32_t remainders[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    for (unsigned k = 0; k < bytes; k++, data >>= 8) {
        crc ^= (uint32_t)(data & 0xff);
        crc = crc >> 4 ^ remainders[crc & 15];
        crc = crc >> 4 ^ remainders[crc & 15];
    }
    return crc;
}
