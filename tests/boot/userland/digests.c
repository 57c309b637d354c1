/* SPDX-License-Identifier: BSD-2-Clause */
/* Digests and ciphers with known results, in plain C and by AES-NI, SHA and CRC32 instructions. */
#include "userland.h"

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

#define LONG 1000000u

static const uint32_t k256[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t value, unsigned by)
{
    return value << by | value >> (32 - by);
}

static uint32_t big(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void sha256_block(uint32_t h[8], const uint8_t *block)
{
    uint32_t w[64], s[8];

    for (int i = 0; i < 16; i++)
        w[i] = big(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        const uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (rotate(a, 25) ^ rotate(a, 14) ^ a >> 3) +
               (rotate(b, 15) ^ rotate(b, 13) ^ b >> 10);
    }
    memcpy(s, h, sizeof(s));
    for (int i = 0; i < 64; i++) {
        const uint32_t t = s[7] + (rotate(s[4], 26) ^ rotate(s[4], 21) ^ rotate(s[4], 7)) +
                           ((s[4] & s[5]) ^ (~s[4] & s[6])) + k256[i] + w[i];
        const uint32_t u = (rotate(s[0], 30) ^ rotate(s[0], 19) ^ rotate(s[0], 10)) +
                           ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof(*s));
        s[4] += t;
        s[0] = t + u;
    }
    for (int i = 0; i < 8; i++)
        h[i] += s[i];
}

/* The state lies in two vectors as ABEF and CDGH. */
__attribute__((target("sha"))) static void sha256_block_ni(uint32_t h[8], const uint8_t *block)
{
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i abef = _mm_set_epi32((int)h[0], (int)h[1], (int)h[4], (int)h[5]);
    __m128i cdgh = _mm_set_epi32((int)h[2], (int)h[3], (int)h[6], (int)h[7]);
    const __m128i abef_start = abef, cdgh_start = cdgh;
    __m128i w[4];
    uint32_t out[8];

    for (int i = 0; i < 4; i++)
        w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const void *)(block + 16 * i)), order);
    for (int i = 0; i < 16; i++) {
        const __m128i k = _mm_loadu_si128((const void *)(k256 + 4 * i));
        const __m128i sum = _mm_add_epi32(w[i % 4], k);
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
        const __m128i next = _mm_add_epi32(_mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]),
                                           _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4));
        w[i % 4] = _mm_sha256msg2_epu32(next, w[(i + 3) % 4]);
    }
    abef = _mm_add_epi32(abef, abef_start);
    cdgh = _mm_add_epi32(cdgh, cdgh_start);
    _mm_storeu_si128((void *)out, abef);
    _mm_storeu_si128((void *)(out + 4), cdgh);
    h[0] = out[3], h[1] = out[2], h[4] = out[1], h[5] = out[0];
    h[2] = out[7], h[3] = out[6], h[6] = out[5], h[7] = out[4];
}

static void sha1_block(uint32_t h[8], const uint8_t *block)
{
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

    for (int i = 0; i < 16; i++)
        w[i] = big(block + 4 * i);
    for (int i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        static const uint32_t k[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
        const uint32_t f = i < 20              ? (b & c) | (~b & d)
                           : i >= 40 && i < 60 ? (b & c) | (b & d) | (c & d)
                                               : b ^ c ^ d;
        const uint32_t t = rotate(a, 5) + f + e + k[i / 20] + w[i];
        e = d, d = c, c = rotate(b, 30), b = a, a = t;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

static void md5_block(uint32_t h[8], const uint8_t *block)
{
    static const uint8_t turns[] = {7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21};
    uint32_t m[16], a = h[0], b = h[1], c = h[2], d = h[3];

    memcpy(m, block, sizeof(m));
    for (unsigned i = 0; i < 64; i++) {
        static uint32_t k[64];
        uint32_t f;
        unsigned g;
        /* floor(2^32 * |sin(i + 1)|), by the x87 where another program would have a table. */
        if (k[i] == 0) {
            long double sine;
            __asm__("fsin" : "=t"(sine) : "0"((long double)(i + 1)));
            k[i] = (uint32_t)((sine < 0 ? -sine : sine) * 4294967296.0L);
        }
        if (i < 16)
            f = (b & c) | (~b & d), g = i;
        else if (i < 32)
            f = (d & b) | (~d & c), g = 5 * i + 1;
        else if (i < 48)
            f = b ^ c ^ d, g = 3 * i + 5;
        else
            f = c ^ (b | ~d), g = 7 * i;
        f += a + k[i] + m[g % 16];
        a = d, d = c, c = b;
        b += rotate(f, turns[i / 16 * 4 + i % 4]);
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d;
}

typedef void block_fn(uint32_t h[8], const uint8_t *block);

static void swap(uint8_t *at, size_t size)
{
    for (size_t i = 0; i < size / 2; i++) {
        const uint8_t byte = at[i];
        at[i] = at[size - 1 - i];
        at[size - 1 - i] = byte;
    }
}

/* Merkle and Damgard's construction, as MD5, SHA-1 and SHA-256 share it. */
static void digest(const char *name, block_fn *block, int words, const uint8_t *text, size_t size,
                   const char *hex)
{
    static const uint32_t start256[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    static const uint32_t start[8] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    const int little = words == 4;
    uint8_t last[128] = {0}, out[32];
    uint32_t h[8];
    const size_t whole = size / 64 * 64, rest = size - whole, padded = rest < 56 ? 64 : 128;
    uint64_t bits = (uint64_t)size * 8;

    memcpy(h, words == 8 ? start256 : start, sizeof(h));
    for (size_t at = 0; at < whole; at += 64)
        block(h, text + at);
    memcpy(last, text + whole, rest);
    last[rest] = 0x80;
    memcpy(last + padded - 8, &bits, 8);
    if (!little)
        swap(last + padded - 8, 8);
    for (size_t at = 0; at < padded; at += 64)
        block(h, last + at);
    memcpy(out, h, sizeof(out));
    for (int i = 0; i < words && !little; i++)
        swap(out + 4 * i, 4);
    known(name, out, (size_t)words * 4, hex);
}

static void crcs(const uint8_t *text, size_t size)
{
    uint32_t table[256], crc = ~0u;
    uint64_t castagnoli = ~0u;

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (value & 1 ? 0xedb88320 : 0);
        table[i] = value;
    }
    for (size_t i = 0; i < size; i++)
        crc = crc >> 8 ^ table[(crc ^ text[i]) & 255];
    crc = ~crc;
    known("CRC-32 of a million a", (const uint8_t *)&crc, 4, "bcbf25dc");
    crc = ~0u;
    for (const char *at = "123456789"; *at; at++)
        crc = _mm_crc32_u8(crc, (uint8_t)*at);
    agree("CRC-32C by CRC32", ~crc == 0xe3069283);
    for (size_t i = 0; i < 32; i += 8)
        castagnoli = _mm_crc32_u64(castagnoli, 0);
    agree("CRC-32C of zeros by CRC32", (uint32_t)~castagnoli == 0x8a9136aa);
}

void check_digests(void)
{
    static uint8_t text[LONG];
    unsigned regs[4] = {0};
    const char *const abc256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const char *const a256 = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

    memset(text, 'a', sizeof(text));
    digest("SHA-256 of abc", sha256_block, 8, (const uint8_t *)"abc", 3, abc256);
    digest("SHA-256 of a million a", sha256_block, 8, text, LONG, a256);
    /* Where the host has no SHA, its lines come from plain C. */
    __get_cpuid_count(7, 0, &regs[0], &regs[1], &regs[2], &regs[3]);
    block_fn *const ni = regs[1] >> 29 & 1 ? sha256_block_ni : sha256_block;
    digest("SHA-256 of abc by SHA", ni, 8, (const uint8_t *)"abc", 3, abc256);
    digest("SHA-256 of a million a by SHA", ni, 8, text, LONG, a256);
    digest("SHA-1 of abc", sha1_block, 5, (const uint8_t *)"abc", 3,
           "a9993e364706816aba3e25717850c26c9cd0d89d");
    digest("SHA-1 of a million a", sha1_block, 5, text, LONG,
           "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    digest("MD5 of nothing", md5_block, 4, text, 0, "d41d8cd98f00b204e9800998ecf8427e");
    digest("MD5 of a million a", md5_block, 4, text, LONG, "7707d6ae4e027c70eea2a935c2296f21");
    crcs(text, LONG);
}

/* AESKEYGENASSIST's constant is part of the instruction. */
#define ROUND_KEY(i, constant)                                                                     \
    keys[i] = next_key(keys[(i)-1], _mm_aeskeygenassist_si128(keys[(i)-1], constant))

static __m128i next_key(__m128i key, __m128i assist)
{
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
    return _mm_xor_si128(key, _mm_shuffle_epi32(assist, 0xff));
}

static __m128i encrypt(const __m128i keys[11], __m128i block)
{
    block = _mm_xor_si128(block, keys[0]);
    for (int i = 1; i < 10; i++)
        block = _mm_aesenc_si128(block, keys[i]);
    return _mm_aesenclast_si128(block, keys[10]);
}

static __m128i decrypt(const __m128i keys[11], __m128i block)
{
    block = _mm_xor_si128(block, keys[10]);
    for (int i = 9; i > 0; i--)
        block = _mm_aesdec_si128(block, _mm_aesimc_si128(keys[i]));
    return _mm_aesdeclast_si128(block, keys[0]);
}

void check_ciphers(void)
{
    uint8_t key[16], plain[16], out[16];
    __m128i keys[11], block;
    int good = 1;

    /* FIPS 197, appendix C.1. */
    for (uint8_t i = 0; i < 16; i++) {
        key[i] = i;
        plain[i] = (uint8_t)(i * 0x11);
    }
    keys[0] = _mm_loadu_si128((const void *)key);
    ROUND_KEY(1, 0x01);
    ROUND_KEY(2, 0x02);
    ROUND_KEY(3, 0x04);
    ROUND_KEY(4, 0x08);
    ROUND_KEY(5, 0x10);
    ROUND_KEY(6, 0x20);
    ROUND_KEY(7, 0x40);
    ROUND_KEY(8, 0x80);
    ROUND_KEY(9, 0x1b);
    ROUND_KEY(10, 0x36);
    block = encrypt(keys, _mm_loadu_si128((const void *)plain));
    _mm_storeu_si128((void *)out, block);
    known("AES-128 by AES-NI", out, 16, "69c4e0d86a7b0430d8cdb78070b4c55a");
    for (int i = 0; i < 20000; i++)
        block = encrypt(keys, block);
    _mm_storeu_si128((void *)out, block);
    result("AES-128, 20001 times", hash(HASH_START, out, sizeof(out)));
    for (int i = 0; i < 20001; i++)
        block = decrypt(keys, block);
    _mm_storeu_si128((void *)out, block);
    good = memcmp(out, plain, sizeof(out)) == 0;
    agree("AES-128 decrypts by AES-NI", good);
}
