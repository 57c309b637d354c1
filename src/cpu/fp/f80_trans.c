/* SPDX-License-Identifier: BSD-2-Clause */
/* The transcendental instructions: on the host's x87, else in software. */
#include "cpu/fp/f80_internal.h"
#include "os/host_x87.h"

#if HOST_X87

typedef uint16_t host_fn(uint16_t fcw, struct host_x87_number *a, struct host_x87_number *b);

static struct host_x87_number to_host(struct f80 v)
{
    struct host_x87_number n = {{0}};

    for (unsigned i = 0; i < 8; i++)
        n.bytes[i] = (uint8_t)(v.mant >> 8 * i);
    n.bytes[8] = (uint8_t)v.se;
    n.bytes[9] = (uint8_t)(v.se >> 8);
    return n;
}

static struct f80 from_host(const struct host_x87_number *n)
{
    struct f80 v = {0, (uint16_t)(n->bytes[8] | n->bytes[9] << 8)};

    for (unsigned i = 0; i < 8; i++)
        v.mant |= (uint64_t)n->bytes[i] << 8 * i;
    return v;
}

/* False where the guest's masks, which the host can't take, change the result. */
static bool on_host(struct fp_ctx *c, host_fn *fn, struct f80 *a, struct f80 *b)
{
    struct host_x87_number x = to_host(*a), y = to_host(*b);
    uint16_t fsw = fn((uint16_t)(0x340 | c->rounding << 10), &x, &y);

    if (fsw & ~c->masks & (FP_OE | FP_UE))
        return false;
    c->flags |= fsw & FP_ALL;
    c->round_up = fsw >> 9 & 1;
    *a = from_host(&x);
    *b = from_host(&y);
    return true;
}

#define ON_HOST(fn, a, b) on_host(c, host_##fn, a, b)

#else

#define ON_HOST(fn, a, b) ((void)(a), (void)(b), false)

#endif

struct f80 f80_2xm1(struct fp_ctx *c, struct f80 a)
{
    struct f80 unused = F80_ZERO;

    return ON_HOST(x87_f2xm1, &a, &unused) ? a : f80_soft_2xm1(c, a);
}

struct f80 f80_yl2x(struct fp_ctx *c, struct f80 a, struct f80 b)
{
    return ON_HOST(x87_fyl2x, &a, &b) ? a : f80_soft_yl2x(c, a, b);
}

struct f80 f80_yl2xp1(struct fp_ctx *c, struct f80 a, struct f80 b)
{
    return ON_HOST(x87_fyl2xp1, &a, &b) ? a : f80_soft_yl2xp1(c, a, b);
}

struct f80 f80_patan(struct fp_ctx *c, struct f80 a, struct f80 b)
{
    return ON_HOST(x87_fpatan, &a, &b) ? a : f80_soft_patan(c, a, b);
}

bool f80_sincos(struct fp_ctx *c, struct f80 a, struct f80 *sine, struct f80 *cosine)
{
    struct f80 other = F80_ZERO;
    bool done;

    if (!f80_in_range(a))
        return false;
    if (sine && cosine)
        done = ON_HOST(x87_fsincos, &a, &other);
    else if (sine)
        done = ON_HOST(x87_fsin, &a, &other);
    else
        done = ON_HOST(x87_fcos, &a, &other);
    if (!done) {
        f80_soft_sincos(c, a, sine, cosine);
    } else {
        if (cosine)
            *cosine = a;
        if (sine)
            *sine = cosine ? other : a;
    }
    return true;
}

bool f80_tan(struct fp_ctx *c, struct f80 a, struct f80 *tangent, struct f80 *one)
{
    if (!f80_in_range(a))
        return false;
    *one = a;
    if (!ON_HOST(x87_fptan, one, tangent))
        f80_soft_tan(c, a, tangent, one);
    return true;
}
