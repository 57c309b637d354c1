/* SPDX-License-Identifier: BSD-2-Clause */
/* libm over tables of arguments, bit for bit; rounding modes and flags; loops for the vectoriser.
 */
#include "userland.h"

#include <complex.h>
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGUMENTS 300

static double doubles[ARGUMENTS], seconds[ARGUMENTS];

/* clang-format off */
#define UNARY(X)                                                                                   \
    X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) X(sinh) X(cosh) X(tanh) X(asinh) X(acosh)         \
    X(atanh) X(exp) X(exp2) X(expm1) X(log) X(log2) X(log10) X(log1p) X(sqrt) X(cbrt) X(erf)       \
    X(erfc) X(lgamma) X(tgamma) X(floor) X(ceil) X(trunc) X(rint) X(nearbyint) X(round) X(logb)    \
    X(fabs)
#define BINARY(X)                                                                                  \
    X(pow) X(fmod) X(remainder) X(atan2) X(hypot) X(nextafter) X(fdim) X(fmax) X(fmin) X(copysign)
/* clang-format on */

/* A long double's padding is not part of its value. */
#define SIZE_double     8
#define SIZE_float      4
#define SIZE_longdouble 10

#define HASH_UNARY(type, tag, call)                                                                \
    {                                                                                              \
        uint64_t all = HASH_START;                                                                 \
        for (size_t i = 0; i < ARGUMENTS; i++) {                                                   \
            type value = call((type)doubles[i]);                                                   \
            all = hash(all, &value, SIZE_##tag);                                                   \
        }                                                                                          \
        result("libm " #call, all);                                                                \
    }
#define HASH_BINARY(type, tag, call)                                                               \
    {                                                                                              \
        uint64_t all = HASH_START;                                                                 \
        for (size_t i = 0; i < ARGUMENTS; i++) {                                                   \
            type value = call((type)doubles[i], (type)seconds[i]);                                 \
            all = hash(all, &value, SIZE_##tag);                                                   \
        }                                                                                          \
        result("libm " #call, all);                                                                \
    }
#define DOUBLE_1(name) HASH_UNARY(double, double, name)
#define FLOAT_1(name)  HASH_UNARY(float, float, name##f)
#define LONG_1(name)   HASH_UNARY(long double, longdouble, name##l)
#define DOUBLE_2(name) HASH_BINARY(double, double, name)
#define FLOAT_2(name)  HASH_BINARY(float, float, name##f)
#define LONG_2(name)   HASH_BINARY(long double, longdouble, name##l)

static double argument(size_t i)
{
    static const double special[] = {
        0.0,     -0.0,    1,         -1,       0.5,       2,   3,    1e300, -1e300, 1e-310,
        DBL_MIN, DBL_MAX, 0x1p-1074, INFINITY, -INFINITY, NAN, M_PI, M_E,   1e22};
    const double unit = (double)(random64() >> 11) * 0x1p-53;

    if (i < sizeof(special) / sizeof(*special))
        return special[i];
    switch (i % 4) {
    case 0:
        return unit * 2 - 1;
    case 1:
        return unit * 200 - 100;
    case 2:
        return ldexp(unit, (int)(random64() % 100));
    default:
        return ldexp(unit - 0.5, (int)(random64() % 2000) - 1000);
    }
}

static void known_values(void)
{
    /* Correctly rounded, which these functions of glibc are at these points. */
    agree("libm known sqrt(2)", sqrt(2) == 0x1.6a09e667f3bcdp+0);
    agree("libm known exp(1)", exp(1) == 0x1.5bf0a8b145769p+1);
    agree("libm known log(2)", log(2) == 0x1.62e42fefa39efp-1);
    agree("libm known sin(1)", sin(1) == 0x1.aed548f090ceep-1);
    agree("libm known atan(1)", atan(1) == 0x1.921fb54442d18p-1);
    agree("libm known fma", fma(0x1.0000001p0, 0x1.0000001p0, -0x1.0000002p0) == 0x1p-56);
    agree("libm known sqrtl(2)", sqrtl(2) == 0x1.6a09e667f3bcc908p+0L);
}

void check_math(void)
{
    uint64_t sum = HASH_START;
    char text[80];

    for (size_t i = 0; i < ARGUMENTS; i++) {
        doubles[i] = argument(i);
        seconds[i] = argument((i * 7 + 3) % ARGUMENTS);
    }
    known_values();
    UNARY(DOUBLE_1)
    UNARY(FLOAT_1)
    UNARY(LONG_1)
    BINARY(DOUBLE_2)
    BINARY(FLOAT_2)
    BINARY(LONG_2)

    int good = 1;
    for (size_t i = 0; i < ARGUMENTS; i++) {
        const int size =
            snprintf(text, sizeof(text), "%.17g %La", doubles[i], (long double)doubles[i] / 3);
        const double back = strtod(text, NULL);
        good &= memcmp(&back, &doubles[i], sizeof(back)) == 0 || isnan(back);
        sum = hash(sum, text, (size_t)size);
    }
    result("printf of numbers", sum);
    agree("strtod gives back what printf prints", good);

    sum = HASH_START;
    for (size_t i = 0; i < ARGUMENTS; i++) {
        const double complex z = cexp(doubles[i] + I * seconds[i]) * csqrt(seconds[i] - I);
        const double parts[] = {creal(z), cimag(z)};
        sum = hash(sum, parts, sizeof(parts));
    }
    result("libm complex", sum);
}

static uint64_t operate(uint64_t sum, double a, double b)
{
    const double values[] = {a + b, a * b, a / b, sqrt(a), rint(a), fma(a, b, a)};
    const float narrow[] = {(float)a, (float)b * (float)a};
    const long double x = a, y = b, wide[] = {x / y, x * y, sqrtl(x), rintl(y)};
    const int64_t whole = fabs(a) < 0x1p60 ? llrint(a) : 0;

    sum = hash(sum, values, sizeof(values));
    sum = hash(sum, narrow, sizeof(narrow));
    for (size_t k = 0; k < 4; k++)
        sum = hash(sum, &wide[k], SIZE_longdouble);
    return hash(sum, &whole, sizeof(whole));
}

/* Volatile, so that the arithmetic stays between the calls that set the mode and read the flags. */
static uint64_t (*volatile work)(uint64_t, double, double) = operate;

void check_rounding(void)
{
    static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    static const char *const names[] = {"nearest", "down", "up", "zero"};
    char name[40];

    for (size_t m = 0; m < 4; m++) {
        uint64_t sum = HASH_START, flags = HASH_START;
        fesetround(modes[m]);
        for (size_t i = 0; i < ARGUMENTS; i++) {
            feclearexcept(FE_ALL_EXCEPT);
            sum = work(sum, doubles[i], seconds[i]);
            const int raised = fetestexcept(FE_ALL_EXCEPT);
            flags = hash(flags, &raised, sizeof(raised));
        }
        fesetround(FE_TONEAREST);
        snprintf(name, sizeof(name), "rounding %s", names[m]);
        result(name, sum);
        snprintf(name, sizeof(name), "exceptions, rounding %s", names[m]);
        result(name, flags);
    }
    feclearexcept(FE_ALL_EXCEPT);
}

#define N 48

static uint64_t matrices(void)
{
    static double a[N][N], b[N][N], c[N][N];

    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            a[i][j] = (double)(int64_t)random64() * 0x1p-60;
            b[i][j] = (double)(int64_t)random64() * 0x1p-60;
        }
    }
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < N; k++)
            for (size_t j = 0; j < N; j++)
                c[i][j] += a[i][k] * b[k][j];
    return hash(HASH_START, c, sizeof(c));
}

static uint64_t mandelbrot(void)
{
    uint64_t sum = HASH_START;

    for (int y = 0; y < 40; y++) {
        for (int x = 0; x < 60; x++) {
            const float cx = (float)x / 20 - 2, cy = (float)y / 20 - 1;
            float zx = 0, zy = 0;
            uint8_t n = 0;
            while (n < 60 && zx * zx + zy * zy < 4) {
                const float t = zx * zx - zy * zy + cx;
                zy = 2 * zx * zy + cy;
                zx = t;
                n++;
            }
            sum = hash(sum, &n, 1);
        }
    }
    return sum;
}

static uint64_t integers(void)
{
    static uint8_t bytes[4096];
    static uint16_t words[4096];
    static int32_t longs[4096];
    static uint64_t quads[4096];

    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < 4096; i++) {
        words[i] = (uint16_t)(bytes[i] * 257u + i);
        longs[i] = (int32_t)(words[i] * 65521u) >> (i & 7);
        quads[i] = (uint64_t)longs[i] * 0x9e3779b97f4a7c15u;
    }
    for (size_t i = 0; i < 4096; i++) {
        bytes[i] = bytes[i] > 100 ? (uint8_t)(bytes[i] - 100) : 0;
        words[i] = (uint16_t)((words[i] * 40503u) >> 16);
        longs[i] = longs[i] < 0 ? -longs[i] : longs[i] * 3;
        quads[i] = quads[i] >> (i & 63) ^ quads[4095 - i];
    }
    uint64_t sum = hash(HASH_START, bytes, sizeof(bytes));
    sum = hash(sum, words, sizeof(words));
    sum = hash(sum, longs, sizeof(longs));
    return hash(sum, quads, sizeof(quads));
}

static int primes(void)
{
    static uint8_t composite[100000];
    int count = 0;

    for (size_t i = 2; i < sizeof(composite); i++) {
        if (composite[i])
            continue;
        count++;
        for (size_t j = i * 2; j < sizeof(composite); j += i)
            composite[j] = 1;
    }
    return count;
}

void check_loops(void)
{
    result("matrix product", matrices());
    result("mandelbrot", mandelbrot());
    result("integer vectors", integers());
    agree("primes below 100000", primes() == 9592);
}
