/* SPDX-License-Identifier: BSD-2-Clause */
/* The x87's control instructions, and its state in memory. */
#include <string.h>

#include "cpu/x86/x87.h"

#define START(c, u)                                                                                \
    if (x87_pending(c))                                                                            \
    return cpu_raise((c), (u), EXC_MF)

/* FFREE, and with a pop FFREEP. */
const struct uop *x87_free(struct cpu *c, const struct uop *u)
{
    START(c, u);
    x87_note(c, u);
    c->x87.fsw &= (uint16_t)~X87_C1;
    x87_set_empty(&c->x87, u->src);
    x87_pop(&c->x87, u->aux);
    NEXT_SLOW(c, u);
}

/* FINCSTP and FDECSTP: imm is added. */
const struct uop *x87_step_top(struct cpu *c, const struct uop *u)
{
    START(c, u);
    x87_note(c, u);
    c->x87.fsw &= (uint16_t)~X87_C1;
    c->x87.top = (uint8_t)(c->x87.top + u->imm) & 7;
    NEXT_SLOW(c, u);
}

const struct uop *x87_nop(struct cpu *c, const struct uop *u)
{
    START(c, u);
    x87_note(c, u);
    NEXT_SLOW(c, u);
}

/* Control of older processors, which waits for nothing. */
const struct uop *x87_ignored(struct cpu *c, const struct uop *u)
{
    (void)c;
    NEXT_SLOW(c, u);
}

const struct uop *x87_wait(struct cpu *c, const struct uop *u)
{
    START(c, u);
    NEXT_SLOW(c, u);
}

const struct uop *x87_clex(struct cpu *c, const struct uop *u)
{
    c->x87.fsw &= (uint16_t) ~(X87_B | X87_ES | X87_SF | FP_ALL);
    NEXT_SLOW(c, u);
}

const struct uop *x87_finit(struct cpu *c, const struct uop *u)
{
    x87_init(&c->x87);
    NEXT_SLOW(c, u);
}

const struct uop *x87_ldcw(struct cpu *c, const struct uop *u)
{
    START(c, u);
    if (!cpu_load(c, u, uop_ea(c, u), 2))
        return NULL;
    c->x87.fcw = x87_fcw_fixed(c->ld.u16[0]);
    x87_update_es(&c->x87);
    END_SLOW(c, u);
}

const struct uop *x87_stcw(struct cpu *c, const struct uop *u)
{
    if (!cpu_store(c, u, uop_ea(c, u), 2, c->x87.fcw))
        return NULL;
    END_SLOW(c, u);
}

const struct uop *x87_stsw(struct cpu *c, const struct uop *u)
{
    if (!cpu_store(c, u, uop_ea(c, u), 2, x87_get_fsw(&c->x87)))
        return NULL;
    END_SLOW(c, u);
}

const struct uop *x87_stsw_ax(struct cpu *c, const struct uop *u)
{
    R16(c, REG_OFF(RAX)) = x87_get_fsw(&c->x87);
    NEXT_SLOW(c, u);
}

const struct uop *x87_emms(struct cpu *c, const struct uop *u)
{
    START(c, u);
    c->x87.tag = 0;
    c->x87.top = 0;
    NEXT_SLOW(c, u);
}

/* ---- The environment: 7 fields of 2 or 4 bytes ---- */

enum { ENV_FCW, ENV_FSW, ENV_FTW, ENV_IP, ENV_CS, ENV_DP, ENV_DS, ENV_FIELDS };

static unsigned env_size(const struct uop *u)
{
    return u->aux & X87_ENV_32 ? 28 : 14;
}

/* Two bits a register: valid, zero, special, empty. */
static uint16_t full_tags(const struct cpu_x87 *x)
{
    unsigned tags = 0;

    for (unsigned i = 0; i < 8; i++) {
        unsigned tag = 3;

        if (x->tag >> i & 1) {
            enum f80_class k = f80_classify(x->st[i]);

            tag = k == F80_NORMAL ? 0 : k == F80_IS_ZERO ? 1 : 2;
        }
        tags |= tag << 2 * i;
    }
    return (uint16_t)tags;
}

static void put_env(const struct cpu_x87 *x, unsigned form, uint8_t *data)
{
    /* What a field of 4 bytes does not use reads as ones. */
    uint32_t field[ENV_FIELDS] = {0xffff0000 | x->fcw,
                                  0xffff0000 | x87_get_fsw(x),
                                  0xffff0000 | full_tags(x),
                                  (uint32_t)x->fip,
                                  x->fcs,
                                  (uint32_t)x->fdp,
                                  0xffff0000 | x->fds};

    if (form & X87_ENV_REAL) {
        uint32_t ip = (uint32_t)(x->fip + ((uint32_t)x->fcs << 4));
        uint32_t dp = (uint32_t)(x->fdp + ((uint32_t)x->fds << 4));
        uint32_t mask = form & X87_ENV_32 ? 0x0ffff000 : 0xf000;

        field[ENV_IP] = 0xffff0000 | ip;
        field[ENV_CS] = (ip >> 4 & mask) | x->fop;
        field[ENV_DP] = 0xffff0000 | dp;
        field[ENV_DS] = dp >> 4 & mask;
    } else if (form & X87_ENV_32) {
        field[ENV_CS] |= (uint32_t)x->fop << 16;
    }
    for (unsigned i = 0; i < ENV_FIELDS; i++) {
        uint16_t narrow = (uint16_t)field[i];

        if (form & X87_ENV_32)
            memcpy(data + i * 4, &field[i], 4);
        else
            memcpy(data + i * 2, &narrow, 2);
    }
}

static void get_env(struct cpu_x87 *x, unsigned form, const uint8_t *data)
{
    uint32_t field[ENV_FIELDS];
    bool wide = form & X87_ENV_32;

    for (unsigned i = 0; i < ENV_FIELDS; i++) {
        uint16_t narrow;

        memcpy(&narrow, data + i * (wide ? 4 : 2), 2);
        field[i] = narrow;
        if (wide)
            memcpy(&field[i], data + i * 4, 4);
    }
    x87_set_control(x, (uint16_t)field[ENV_FCW], (uint16_t)field[ENV_FSW]);
    x->tag = 0;
    for (unsigned i = 0; i < 8; i++)
        x->tag |= (uint8_t)(((field[ENV_FTW] >> 2 * i & 3) != 3) << i);
    if (form & X87_ENV_REAL) {
        uint32_t mask = wide ? 0x0ffff000 : 0xf000;

        x->fip = (field[ENV_IP] & 0xffff) | (field[ENV_CS] & mask) << 4;
        x->fdp = (field[ENV_DP] & 0xffff) | (field[ENV_DS] & mask) << 4;
        x->fop = field[ENV_CS] & 0x7ff;
        x->fcs = x->fds = 0;
        return;
    }
    x->fip = field[ENV_IP];
    x->fcs = (uint16_t)field[ENV_CS];
    x->fop = wide ? field[ENV_CS] >> 16 & 0x7ff : 0;
    x->fdp = field[ENV_DP];
    x->fds = (uint16_t)field[ENV_DS];
}

const struct uop *x87_stenv(struct cpu *c, const struct uop *u)
{
    uint8_t data[28];

    put_env(&c->x87, u->aux, data);
    if (!cpu_store_bytes(c, u, uop_ea(c, u), env_size(u), data))
        return NULL;
    c->x87.fcw |= FP_ALL;
    x87_update_es(&c->x87);
    END_SLOW(c, u);
}

const struct uop *x87_ldenv(struct cpu *c, const struct uop *u)
{
    START(c, u);
    if (!cpu_load(c, u, uop_ea(c, u), env_size(u)))
        return NULL;
    get_env(&c->x87, u->aux, c->ld.u8);
    END_SLOW(c, u);
}

#define STACK_SIZE 80

const struct uop *x87_save(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;
    uint64_t ea = uop_ea(c, u);
    unsigned size = env_size(u);
    uint8_t data[28 + STACK_SIZE];

    put_env(x, u->aux, data);
    for (unsigned i = 0; i < 8; i++) {
        memcpy(data + size + 10 * i, &x87_st(x, i)->mant, 8);
        memcpy(data + size + 10 * i + 8, &x87_st(x, i)->se, 2);
    }
    size += STACK_SIZE;
    if (!cpu_probe_store(c, u, ea, size))
        return NULL;
    for (unsigned at = 0; at < size; at += 54) {
        if (!cpu_store_bytes(c, u, ea + at, size - at < 54 ? size - at : 54, data + at))
            return NULL;
    }
    x87_init(x);
    END_SLOW(c, u);
}

const struct uop *x87_restore(struct cpu *c, const struct uop *u)
{
    struct cpu_x87 *x = &c->x87;
    uint64_t ea = uop_ea(c, u);
    unsigned env = env_size(u), size = env + STACK_SIZE;
    uint8_t data[28 + STACK_SIZE];

    START(c, u);
    for (unsigned at = 0; at < size; at += 54) {
        unsigned part = size - at < 54 ? size - at : 54;

        if (!cpu_load(c, u, ea + at, part))
            return NULL;
        memcpy(data + at, c->ld.u8, part);
    }
    get_env(x, u->aux, data);
    for (unsigned i = 0; i < 8; i++) {
        memcpy(&x87_st(x, i)->mant, data + env + 10 * i, 8);
        memcpy(&x87_st(x, i)->se, data + env + 10 * i + 8, 2);
    }
    END_SLOW(c, u);
}
