/* SPDX-License-Identifier: BSD-2-Clause */
/* AVX2, FMA, F16C, BMI and PCLMULQDQ through intrinsics, against the same in plain C. */
#include "userland.h"

#include <immintrin.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 200

static __m256i random_vector(void)
{
    uint8_t bytes[32];

    random_bytes(bytes, sizeof(bytes));
    return _mm256_loadu_si256((const void *)bytes);
}

#define ELEMENTS(name, type, vector)                                                               \
    type name[sizeof(__m256i) / sizeof(type)];                                                     \
    memcpy(name, &(vector), sizeof(name))

static int same(__m256i got, const void *want)
{
    return memcmp(&got, want, sizeof(got)) == 0;
}

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static int arithmetic(__m256i a, __m256i b)
{
    ELEMENTS(a8, int8_t, a);
    ELEMENTS(b8, int8_t, b);
    ELEMENTS(a16, int16_t, a);
    ELEMENTS(b16, int16_t, b);
    ELEMENTS(a32, int32_t, a);
    ELEMENTS(b32, int32_t, b);
    int8_t w8[32];
    int16_t w16[16];
    int32_t w32[8];
    int good = 1;

    for (int i = 0; i < 32; i++)
        w8[i] = (int8_t)clamp(a8[i] + b8[i], -128, 127);
    good &= same(_mm256_adds_epi8(a, b), w8);
    for (int i = 0; i < 32; i++)
        w8[i] = (int8_t)clamp((uint8_t)a8[i] - (uint8_t)b8[i], 0, 255);
    good &= same(_mm256_subs_epu8(a, b), w8);
    for (int i = 0; i < 32; i++)
        w8[i] = (int8_t)(((uint8_t)a8[i] + (uint8_t)b8[i] + 1) >> 1);
    good &= same(_mm256_avg_epu8(a, b), w8);
    for (int i = 0; i < 16; i++)
        w16[i] = (int16_t)((a16[i] * b16[i]) >> 16);
    good &= same(_mm256_mulhi_epi16(a, b), w16);
    for (int i = 0; i < 16; i++)
        w16[i] = (int16_t)((((a16[i] * b16[i]) >> 14) + 1) >> 1);
    good &= same(_mm256_mulhrs_epi16(a, b), w16);
    for (int i = 0; i < 16; i++)
        w16[i] = (int16_t)clamp(
            (uint8_t)a8[2 * i] * b8[2 * i] + (uint8_t)a8[2 * i + 1] * b8[2 * i + 1], -32768, 32767);
    good &= same(_mm256_maddubs_epi16(a, b), w16);
    for (int i = 0; i < 8; i++)
        w32[i] = (int32_t)((uint32_t)(a16[2 * i] * b16[2 * i]) +
                           (uint32_t)(a16[2 * i + 1] * b16[2 * i + 1]));
    good &= same(_mm256_madd_epi16(a, b), w32);
    for (int i = 0; i < 8; i++)
        w32[i] = (int32_t)((uint32_t)a32[i] * (uint32_t)b32[i]);
    good &= same(_mm256_mullo_epi32(a, b), w32);
    for (int i = 0; i < 8; i++)
        w32[i] = a32[i] > b32[i] ? a32[i] : b32[i];
    good &= same(_mm256_max_epi32(a, b), w32);
    for (int i = 0; i < 8; i++)
        w32[i] = a32[i] > b32[i] ? -1 : 0;
    good &= same(_mm256_cmpgt_epi32(a, b), w32);
    return good;
}

static int shuffles(__m256i a, __m256i b)
{
    ELEMENTS(a8, uint8_t, a);
    ELEMENTS(b8, uint8_t, b);
    ELEMENTS(a32, uint32_t, a);
    ELEMENTS(b32, uint32_t, b);
    uint8_t w8[32];
    uint32_t w32[8];
    uint64_t w64[4];
    int16_t w16[16];
    int good = 1;

    for (int i = 0; i < 32; i++)
        w8[i] = b8[i] & 0x80 ? 0 : a8[(i & 16) | (b8[i] & 15)];
    good &= same(_mm256_shuffle_epi8(a, b), w8);
    for (int i = 0; i < 8; i++)
        w32[i] = a32[b32[i] & 7];
    good &= same(_mm256_permutevar8x32_epi32(a, b), w32);
    for (int i = 0; i < 8; i++)
        w32[i] = (b32[i] & 31) == b32[i] ? a32[i] << b32[i] : 0;
    good &= same(_mm256_sllv_epi32(a, b), w32);
    const __m256i counts = _mm256_and_si256(b, _mm256_set1_epi32(63));
    for (int i = 0; i < 8; i++)
        w32[i] = (uint32_t)((int32_t)a32[i] >> clamp((int)(b32[i] & 63), 0, 31));
    good &= same(_mm256_srav_epi32(a, counts), w32);
    for (int i = 0; i < 32; i++)
        w8[i] = (i & 15) + 5 < 16 ? b8[i + 5] : a8[i + 5 - 16];
    good &= same(_mm256_alignr_epi8(a, b, 5), w8);
    for (int i = 0; i < 32; i++)
        w8[i] = b8[i] & 0x80 ? b8[i] : a8[i];
    good &= same(_mm256_blendv_epi8(a, b, b), w8);
    for (int i = 0; i < 4; i++) {
        w64[i] = 0;
        for (int k = 0; k < 8; k++)
            w64[i] += (uint64_t)abs(a8[8 * i + k] - b8[8 * i + k]);
    }
    good &= same(_mm256_sad_epu8(a, b), w64);
    for (int i = 0; i < 16; i++)
        w16[i] = (int16_t)(int8_t)a8[i];
    good &= same(_mm256_cvtepi8_epi16(_mm256_castsi256_si128(a)), w16);
    unsigned mask = 0;
    for (int i = 0; i < 32; i++)
        mask |= (unsigned)(a8[i] >> 7) << i;
    good &= (unsigned)_mm256_movemask_epi8(a) == mask;
    return good;
}

static int memory(__m256i a, __m256i b)
{
    static int32_t table[256];
    ELEMENTS(a32, uint32_t, a);
    ELEMENTS(b32, int32_t, b);
    int32_t w32[8], out[8];
    int good = 1;

    random_bytes(table, sizeof(table));
    const __m256i index = _mm256_and_si256(a, _mm256_set1_epi32(255));
    for (int i = 0; i < 8; i++)
        w32[i] = table[a32[i] & 255];
    good &= same(_mm256_i32gather_epi32(table, index, 4), w32);
    for (int i = 0; i < 8; i++)
        w32[i] = b32[i] < 0 ? table[a32[i] & 255] : (int32_t)a32[i];
    good &= same(_mm256_mask_i32gather_epi32(a, table, index, b, 4), w32);
    for (int i = 0; i < 8; i++)
        w32[i] = b32[i] < 0 ? table[i] : 0;
    good &= same(_mm256_maskload_epi32(table, b), w32);
    memset(out, 0x77, sizeof(out));
    for (int i = 0; i < 8; i++)
        w32[i] = b32[i] < 0 ? (int32_t)a32[i] : 0x77777777;
    _mm256_maskstore_epi32(out, b, a);
    return good && memcmp(out, w32, sizeof(out)) == 0;
}

static int multiply_add(void)
{
    double a[4], b[4], c[4], got[4];
    float f[8], g[8], h[8], gotf[8];
    int good = 1;

    for (int i = 0; i < 4; i++) {
        a[i] = (double)(int64_t)random64();
        b[i] = (double)(int64_t)random64() * 0x1p-60;
        c[i] = -a[i] * b[i];
    }
    for (int i = 0; i < 8; i++) {
        f[i] = (float)(int32_t)random64();
        g[i] = (float)(int32_t)random64() * 0x1p-30f;
        h[i] = -f[i] * g[i];
    }
    const __m256d va = _mm256_loadu_pd(a), vb = _mm256_loadu_pd(b), vc = _mm256_loadu_pd(c);
    const __m256 vf = _mm256_loadu_ps(f), vg = _mm256_loadu_ps(g), vh = _mm256_loadu_ps(h);
    /* The remainder of a product is exact. */
    _mm256_storeu_pd(got, _mm256_fmadd_pd(va, vb, vc));
    for (int i = 0; i < 4; i++)
        good &= got[i] == (double)((__float128)a[i] * b[i] + c[i]);
    _mm256_storeu_pd(got, _mm256_fnmsub_pd(va, vb, vc));
    for (int i = 0; i < 4; i++)
        good &= got[i] == -(double)((__float128)a[i] * b[i] + c[i]);
    _mm256_storeu_ps(gotf, _mm256_fmaddsub_ps(vf, vg, vh));
    for (int i = 0; i < 8; i++)
        good &= gotf[i] == (float)((double)f[i] * g[i] + (i % 2 ? h[i] : -h[i]));
    const __m128i half = _mm256_cvtps_ph(vg, _MM_FROUND_TO_NEAREST_INT);
    _mm256_storeu_ps(gotf, _mm256_cvtph_ps(half));
    for (int i = 0; i < 8; i++)
        good &= fabsf(gotf[i] - g[i]) <= fmaxf(fabsf(g[i]) * 0x1p-11f, 0x1p-25f);
    return good;
}

static int carryless(void)
{
    const uint64_t a = random64(), b = random64();
    uint64_t low = 0, high = 0, got[2];

    for (int i = 0; i < 64; i++) {
        if (b >> i & 1) {
            low ^= a << i;
            high ^= i ? a >> (64 - i) : 0;
        }
    }
    const __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x((int64_t)a, 0), _mm_set_epi64x(0, (int64_t)b), 0x01);
    _mm_storeu_si128((void *)got, product);
    return got[0] == low && got[1] == high;
}

void check_vectors(void)
{
    int good[5] = {1, 1, 1, 1, 1};
    uint64_t sum = HASH_START;

    for (int i = 0; i < ROUNDS; i++) {
        const __m256i a = random_vector(), b = random_vector();
        good[0] &= arithmetic(a, b);
        good[1] &= shuffles(a, b);
        good[2] &= memory(a, b);
        good[3] &= multiply_add();
        good[4] &= carryless();
        /* What is long in plain C is compared with the other CPU's. */
        const __m256i mixed[] = {
            _mm256_mpsadbw_epu8(a, b, 0x2a),
            _mm256_packus_epi32(a, b),
            _mm256_hadds_epi16(a, b),
            _mm256_sign_epi16(a, b),
            _mm256_unpackhi_epi8(a, b),
            _mm256_permute2x128_si256(a, b, 0x31),
            _mm256_mul_epi32(a, b),
            _mm256_sra_epi16(a, _mm_cvtsi32_si128(i % 20)),
            _mm256_castps_si256(_mm256_cvtepi32_ps(a)),
            _mm256_castpd_si256(_mm256_div_pd(_mm256_cvtepi32_pd(_mm256_castsi256_si128(a)),
                                              _mm256_cvtepi32_pd(_mm256_castsi256_si128(b)))),
            _mm256_castps_si256(_mm256_dp_ps(_mm256_cvtepi32_ps(a), _mm256_cvtepi32_ps(b), 0x73)),
        };
        sum = hash(sum, mixed, sizeof(mixed));
    }
    agree("AVX2 arithmetic", good[0]);
    agree("AVX2 shuffles and shifts", good[1]);
    agree("AVX2 gathers and masked moves", good[2]);
    agree("FMA and F16C", good[3]);
    agree("PCLMULQDQ", good[4]);
    result("AVX and AVX2, mixed", sum);
}

static uint64_t deposit(uint64_t from, uint64_t mask)
{
    uint64_t to = 0;

    for (int i = 0, k = 0; i < 64; i++)
        if (mask >> i & 1)
            to |= (from >> k++ & 1) << i;
    return to;
}

static uint64_t extract(uint64_t from, uint64_t mask)
{
    uint64_t to = 0;

    for (int i = 0, k = 0; i < 64; i++)
        if (mask >> i & 1)
            to |= (from >> i & 1) << k++;
    return to;
}

static unsigned zeros(uint64_t value, int step)
{
    unsigned count = 0;

    for (int i = step > 0 ? 0 : 63; count < 64 && !(value >> i & 1); i += step)
        count++;
    return count;
}

static unsigned ones(uint64_t value)
{
    unsigned count = 0;

    for (; value; value &= value - 1)
        count++;
    return count;
}

void check_bits(void)
{
    int good[4] = {1, 1, 1, 1};

    for (int i = 0; i < 2000; i++) {
        const uint64_t a = random64() >> (i % 64), b = random64();
        unsigned long long high;
        good[0] &= _pdep_u64(b, a) == deposit(b, a) && _pext_u64(b, a) == extract(b, a);
        good[0] &= _pdep_u32((uint32_t)b, (uint32_t)a) == deposit(b, (uint32_t)a);
        good[1] &= _lzcnt_u64(a) == zeros(a, -1) && _tzcnt_u64(a) == zeros(a, 1);
        good[1] &= (unsigned)_mm_popcnt_u64(b) == ones(b);
        good[2] &= _bzhi_u64(b, i % 70) == (i % 70 < 64 ? b & ((UINT64_C(1) << i % 70) - 1) : b);
        good[2] &= _andn_u64(a, b) == (~a & b) && _blsr_u64(b) == (b & (b - 1));
        good[2] &= _blsi_u64(b) == (b & -b) && _blsmsk_u64(b) == (b ^ (b - 1));
        good[2] &= _bextr_u64(b, 5, 11) == (b >> 5 & 0x7ff);
        good[3] &= _mulx_u64(a, b, &high) == a * b;
        good[3] &= high == (uint64_t)(((unsigned __int128)a * b) >> 64);
        good[3] &= (uint64_t)((unsigned __int128)a * b / (b | 1)) <= a;
        unsigned long long sum;
        const unsigned char carry = _addcarry_u64(1, a, b, &sum);
        good[3] &= sum == a + b + 1 && carry == (a + b + 1 <= a);
    }
    agree("PDEP and PEXT", good[0]);
    agree("LZCNT, TZCNT and POPCNT", good[1]);
    agree("BMI", good[2]);
    agree("MULX and carries", good[3]);
}
