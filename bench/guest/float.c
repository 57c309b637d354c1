/* SPDX-License-Identifier: BSD-2-Clause */
/* Double precision by SSE2: an n-body step with scalars, a matrix product with vectors. */
#include "work.h"

enum { BODIES = 5, STEPS = 20, SIDE = 16 };

typedef double pair __attribute__((vector_size(16)));

struct body {
    double x[3], v[3], mass;
};

static uint64_t bits(double value)
{
    union {
        double value;
        uint64_t bits;
    } u = {value};
    return u.bits;
}

static double square_root(double value)
{
    pair v = {value, 0};

    __asm__("sqrtsd %0, %0" : "+x"(v));
    return v[0];
}

static void step(struct body body[BODIES], double dt)
{
    for (unsigned i = 0; i < BODIES; i++) {
        for (unsigned j = i + 1; j < BODIES; j++) {
            double d[3], square = 0.01, pull;

            for (unsigned k = 0; k < 3; k++) {
                d[k] = body[i].x[k] - body[j].x[k];
                square += d[k] * d[k];
            }
            pull = dt / (square * square_root(square));
            for (unsigned k = 0; k < 3; k++) {
                body[i].v[k] -= d[k] * body[j].mass * pull;
                body[j].v[k] += d[k] * body[i].mass * pull;
            }
        }
    }
    for (unsigned i = 0; i < BODIES; i++) {
        for (unsigned k = 0; k < 3; k++)
            body[i].x[k] += dt * body[i].v[k];
    }
}

static double energy(const struct body body[BODIES])
{
    double sum = 0;

    for (unsigned i = 0; i < BODIES; i++) {
        for (unsigned k = 0; k < 3; k++)
            sum += 0.5 * body[i].mass * body[i].v[k] * body[i].v[k];
    }
    return sum;
}

static double matrix(uint64_t *state)
{
    static double a[SIDE][SIDE];
    static pair b[SIDE][SIDE / 2], c[SIDE][SIDE / 2];
    pair sum = {0, 0};

    for (unsigned i = 0; i < SIDE; i++) {
        for (unsigned j = 0; j < SIDE; j++)
            a[i][j] = (double)(int64_t)work_random(state) * 0x1p-31 - 0.5;
        for (unsigned j = 0; j < SIDE / 2; j++)
            b[i][j] = (pair){a[i][2 * j] + 1, a[i][2 * j + 1] - 1};
    }
    for (unsigned i = 0; i < SIDE; i++) {
        for (unsigned j = 0; j < SIDE / 2; j++) {
            pair cell = {0, 0};

            for (unsigned k = 0; k < SIDE; k++)
                cell += a[i][k] * b[k][j];
            c[i][j] = cell;
        }
    }
    for (unsigned i = 0; i < SIDE; i++)
        sum += c[i][i / 2] / (c[SIDE - 1 - i][i / 2] * c[i][0] + 1000.0);
    return sum[0] - sum[1];
}

uint64_t work_float(uint64_t n)
{
    struct body body[BODIES];
    uint64_t sum = 0, state = 1;

    for (unsigned i = 0; i < BODIES; i++) {
        body[i] = (struct body){
            .x = {i * 1.5 - 2, i * i * 0.7 - 3, 1.0 / (i + 1)},
            .v = {0.1 * i, 0.2 - 0.05 * i, 0.01},
            .mass = i == 0 ? 10 : 0.1 * i,
        };
    }
    for (uint64_t i = 0; i < n; i++) {
        for (unsigned j = 0; j < STEPS; j++)
            step(body, 0x1p-9);
        sum = work_mix(sum, bits(energy(body)));
        sum = work_mix(sum, bits(matrix(&state)));
    }
    return sum;
}
