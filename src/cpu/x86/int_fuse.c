/* SPDX-License-Identifier: BSD-2-Clause */
/* A flag-setting uop and the linked Jcc after it in one handler. The Jcc's uop stays behind it: it
 * has the link, and runs by itself where the operand took the slow path. */
#include "cpu/x86/int_alu.h"

#define FUSED_JUMP(c, u, taken)                                                                    \
    do {                                                                                           \
        if (taken) {                                                                               \
            const struct uop *jump_ = (u) + 1;                                                     \
            JUMP_LINKED(c, jump_, jump_->disp);                                                    \
        }                                                                                          \
        GOTO((c), (u) + 2);                                                                        \
    } while (0)

/* Conditions on a comparison's operands, and on a result `r`. */
#define IF_B(n)     (a < b)
#define IF_NB(n)    (a >= b)
#define IF_Z(n)     (a == b)
#define IF_NZ(n)    (a != b)
#define IF_BE(n)    (a <= b)
#define IF_NBE(n)   (a > b)
#define IF_S(n)     ((int##n##_t)(uint##n##_t)(a - b) < 0)
#define IF_NS(n)    ((int##n##_t)(uint##n##_t)(a - b) >= 0)
#define IF_L(n)     ((int##n##_t)a < (int##n##_t)b)
#define IF_NL(n)    ((int##n##_t)a >= (int##n##_t)b)
#define IF_LE(n)    ((int##n##_t)a <= (int##n##_t)b)
#define IF_NLE(n)   ((int##n##_t)a > (int##n##_t)b)
#define IF_R_Z(n)   (r == 0)
#define IF_R_NZ(n)  (r != 0)
#define IF_R_S(n)   ((int##n##_t)r < 0)
#define IF_R_NS(n)  ((int##n##_t)r >= 0)
#define IF_R_LE(n)  ((int##n##_t)r <= 0)
#define IF_R_NLE(n) ((int##n##_t)r > 0)
#define IF_R_C(n)   (r < b)
#define IF_R_NC(n)  (r >= b)

/* ---- CMP and TEST ---- */

#define COMPARE_SLOW(op, n, form, first, second)                                                   \
    COLD UOP op##n##_##form##_slow(struct cpu *c, const struct uop *u)                             \
    {                                                                                              \
        if (!cpu_load(c, u, uop_ea(c, u), (n) / 8))                                                \
            return NULL;                                                                           \
        uint##n##_t m = c->ld.u##n[0];                                                             \
        alu_##op##n(c, first, second);                                                             \
        END_SLOW(c, u);                                                                            \
    }
#define COMPARE_REG(op, n, form, name, second, condition)                                          \
    UOP op##n##_##form##_##name(struct cpu *c, const struct uop *u)                                \
    {                                                                                              \
        uint##n##_t a = R##n(c, u->dst), b = second, r = a & b;                                    \
        (void)r;                                                                                   \
        alu_##op##n(c, a, b);                                                                      \
        FUSED_JUMP(c, u, condition(n));                                                            \
    }
#define COMPARE_MEM(op, n, form, name, first, second, condition)                                   \
    UOP op##n##_##form##_##name(struct cpu *c, const struct uop *u)                                \
    {                                                                                              \
        const uint8_t *p = tlb_read(c, uop_ea(c, u), (n) / 8);                                     \
        if (UNLIKELY(!p))                                                                          \
            return op##n##_##form##_slow(c, u);                                                    \
        uint##n##_t m = os_load##n(p), a = first, b = second, r = a & b;                           \
        (void)r;                                                                                   \
        alu_##op##n(c, a, b);                                                                      \
        FUSED_JUMP(c, u, condition(n));                                                            \
    }

#define REG_DST(n) R##n(c, u->dst)
#define REG_SRC(n) R##n(c, u->src)
#define IMM_SRC(n) ((uint##n##_t)u->imm)

#define COMPARE_IF(op, n, name, condition)                                                         \
    COMPARE_REG(op, n, rr, name, REG_SRC(n), condition)                                            \
    COMPARE_REG(op, n, ri, name, IMM_SRC(n), condition)                                            \
    COMPARE_MEM(op, n, rm, name, REG_DST(n), m, condition)                                         \
    COMPARE_MEM(op, n, mr, name, m, REG_SRC(n), condition)                                         \
    COMPARE_MEM(op, n, mi, name, m, IMM_SRC(n), condition)
#define COMPARE_SLOWS(op, n)                                                                       \
    COMPARE_SLOW(op, n, rm, REG_DST(n), m)                                                         \
    COMPARE_SLOW(op, n, mr, m, REG_SRC(n))                                                         \
    COMPARE_SLOW(op, n, mi, m, IMM_SRC(n))

#define COMPARES(n)                                                                                \
    COMPARE_SLOWS(cmp, n)                                                                          \
    COMPARE_IF(cmp, n, b, IF_B)                                                                    \
    COMPARE_IF(cmp, n, nb, IF_NB)                                                                  \
    COMPARE_IF(cmp, n, z, IF_Z)                                                                    \
    COMPARE_IF(cmp, n, nz, IF_NZ)                                                                  \
    COMPARE_IF(cmp, n, be, IF_BE)                                                                  \
    COMPARE_IF(cmp, n, nbe, IF_NBE)                                                                \
    COMPARE_IF(cmp, n, s, IF_S)                                                                    \
    COMPARE_IF(cmp, n, ns, IF_NS)                                                                  \
    COMPARE_IF(cmp, n, l, IF_L)                                                                    \
    COMPARE_IF(cmp, n, nl, IF_NL)                                                                  \
    COMPARE_IF(cmp, n, le, IF_LE)                                                                  \
    COMPARE_IF(cmp, n, nle, IF_NLE)                                                                \
    COMPARE_SLOWS(test, n)                                                                         \
    COMPARE_IF(test, n, z, IF_R_Z)                                                                 \
    COMPARE_IF(test, n, nz, IF_R_NZ)                                                               \
    COMPARE_IF(test, n, s, IF_R_S)                                                                 \
    COMPARE_IF(test, n, ns, IF_R_NS)                                                               \
    COMPARE_IF(test, n, le, IF_R_LE)                                                               \
    COMPARE_IF(test, n, nle, IF_R_NLE)

EACH_SIZE(COMPARES)

/* ---- Operations that write a register, of 32 and 64 bits ---- */

#define RESULT_IF(op, n, form, name, second, condition)                                            \
    UOP op##n##_##form##_##name(struct cpu *c, const struct uop *u)                                \
    {                                                                                              \
        uint##n##_t a = R##n(c, u->dst), b = second, r = alu_##op##n(c, a, b);                     \
        SET##n(c, u->dst, r);                                                                      \
        FUSED_JUMP(c, u, condition(n));                                                            \
    }
#define RESULT_FORMS(op, n, name, condition)                                                       \
    RESULT_IF(op, n, rr, name, REG_SRC(n), condition)                                              \
    RESULT_IF(op, n, ri, name, IMM_SRC(n), condition)
#define RESULT_ZERO_SIGN(op, n)                                                                    \
    RESULT_FORMS(op, n, z, IF_R_Z)                                                                 \
    RESULT_FORMS(op, n, nz, IF_R_NZ)                                                               \
    RESULT_FORMS(op, n, s, IF_R_S)                                                                 \
    RESULT_FORMS(op, n, ns, IF_R_NS)
#define UNARY_IF(op, n, name, condition)                                                           \
    UOP op##n##_r_##name(struct cpu *c, const struct uop *u)                                       \
    {                                                                                              \
        uint##n##_t r = alu_##op##n(c, R##n(c, u->dst));                                           \
        SET##n(c, u->dst, r);                                                                      \
        FUSED_JUMP(c, u, condition(n));                                                            \
    }
#define UNARIES(op, n)                                                                             \
    UNARY_IF(op, n, z, IF_R_Z)                                                                     \
    UNARY_IF(op, n, nz, IF_R_NZ)                                                                   \
    UNARY_IF(op, n, s, IF_R_S)                                                                     \
    UNARY_IF(op, n, ns, IF_R_NS)
#define RESULTS(n)                                                                                 \
    RESULT_ZERO_SIGN(add, n)                                                                       \
    RESULT_FORMS(add, n, b, IF_R_C)                                                                \
    RESULT_FORMS(add, n, nb, IF_R_NC)                                                              \
    RESULT_ZERO_SIGN(sub, n)                                                                       \
    RESULT_FORMS(sub, n, b, IF_B)                                                                  \
    RESULT_FORMS(sub, n, nb, IF_NB)                                                                \
    RESULT_ZERO_SIGN(and, n)                                                                       \
    RESULT_ZERO_SIGN(or, n)                                                                        \
    UNARIES(inc, n)                                                                                \
    UNARIES(dec, n)

RESULTS(32)
RESULTS(64)

/* ---- The table ---- */

struct fused {
    enum int_alu op;
    enum int_form form;
    unsigned size;
    uop_fn fns[16]; /* by condition */
};

#define CMP_ROW(n, form, F)                                                                        \
    {                                                                                              \
        ALU_CMP, F, SIZE##n,                                                                       \
        {                                                                                          \
            [2] = cmp##n##_##form##_b, cmp##n##_##form##_nb, cmp##n##_##form##_z,                  \
            cmp##n##_##form##_nz, cmp##n##_##form##_be, cmp##n##_##form##_nbe,                     \
            cmp##n##_##form##_s, cmp##n##_##form##_ns, [12] = cmp##n##_##form##_l,                 \
            cmp##n##_##form##_nl, cmp##n##_##form##_le, cmp##n##_##form##_nle                      \
        }                                                                                          \
    }
/* CF and OF are clear: BE is Z, L is S. */
#define TEST_ROW(n, form, F)                                                                       \
    {                                                                                              \
        ALU_TEST, F, SIZE##n,                                                                      \
        {                                                                                          \
            [4] = test##n##_##form##_z, test##n##_##form##_nz, test##n##_##form##_z,               \
            test##n##_##form##_nz, test##n##_##form##_s,                                           \
            test##n##_##form##_ns, [12] = test##n##_##form##_s, test##n##_##form##_ns,             \
            test##n##_##form##_le, test##n##_##form##_nle                                          \
        }                                                                                          \
    }
#define ZERO_SIGN(prefix) [4] = prefix##_z, [5] = prefix##_nz, [8] = prefix##_s, [9] = prefix##_ns
#define CARRIES(prefix)   [2] = prefix##_b, [3] = prefix##_nb

#define FORM_ROWS(ROW, n)                                                                          \
    ROW(n, rr, FORM_RR), ROW(n, ri, FORM_RI), ROW(n, rm, FORM_RM), ROW(n, mr, FORM_MR),            \
        ROW(n, mi, FORM_MI)
#define RESULT_ROWS(n, form, F)                                                                    \
    {ALU_ADD, F, SIZE##n, {ZERO_SIGN(add##n##_##form), CARRIES(add##n##_##form)}},                 \
        {ALU_SUB, F, SIZE##n, {ZERO_SIGN(sub##n##_##form), CARRIES(sub##n##_##form)}},             \
        {ALU_AND, F, SIZE##n, {ZERO_SIGN(and##n##_##form)}},                                       \
    {                                                                                              \
        ALU_OR, F, SIZE##n,                                                                        \
        {                                                                                          \
            ZERO_SIGN(or ##n##_##form)                                                             \
        }                                                                                          \
    }
#define UNARY_ROWS(n)                                                                              \
    {ALU_INC, FORM_RI, SIZE##n, {ZERO_SIGN(inc##n##_r)}},                                          \
    {                                                                                              \
        ALU_DEC, FORM_RI, SIZE##n,                                                                 \
        {                                                                                          \
            ZERO_SIGN(dec##n##_r)                                                                  \
        }                                                                                          \
    }

static const struct fused fused[] = {
    FORM_ROWS(CMP_ROW, 64),
    FORM_ROWS(TEST_ROW, 64),
    FORM_ROWS(CMP_ROW, 32),
    FORM_ROWS(TEST_ROW, 32),
    FORM_ROWS(CMP_ROW, 8),
    FORM_ROWS(TEST_ROW, 8),
    FORM_ROWS(CMP_ROW, 16),
    FORM_ROWS(TEST_ROW, 16),
    RESULT_ROWS(64, rr, FORM_RR),
    RESULT_ROWS(64, ri, FORM_RI),
    RESULT_ROWS(32, rr, FORM_RR),
    RESULT_ROWS(32, ri, FORM_RI),
    UNARY_ROWS(64),
    UNARY_ROWS(32),
};

uop_fn int_fuse(uop_fn plain, unsigned cc)
{
    for (unsigned i = 0; i < sizeof fused / sizeof fused[0]; i++)
        if (int_alu_fn[fused[i].op][fused[i].form][fused[i].size] == plain)
            return fused[i].fns[cc];
    return NULL;
}
