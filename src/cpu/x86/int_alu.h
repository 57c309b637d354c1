/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations of int_alu.c on values: they return the result and set the flags. */
#ifndef VMACCEL_CPU_X86_INT_ALU_H
#define VMACCEL_CPU_X86_INT_ALU_H

#include "cpu/x86/int_ops.h"

#define ALU_CORE(n)                                                                                \
    ALWAYS_INLINE uint##n##_t alu_add##n(struct cpu *c, uint##n##_t a, uint##n##_t b)              \
    {                                                                                              \
        uint##n##_t r = (uint##n##_t)(a + b);                                                      \
        set_cc(c, CC_ADD | SIZE##n, r, b);                                                         \
        return r;                                                                                  \
    }                                                                                              \
    ALWAYS_INLINE uint##n##_t alu_adc_with##n(struct cpu *c, uint##n##_t a, uint##n##_t b,         \
                                              bool carry)                                          \
    {                                                                                              \
        uint##n##_t r = (uint##n##_t)(a + b + carry);                                              \
        set_cc(c, (carry ? CC_ADC : CC_ADD) | SIZE##n, r, b);                                      \
        return r;                                                                                  \
    }                                                                                              \
    ALWAYS_INLINE uint##n##_t alu_adc##n(struct cpu *c, uint##n##_t a, uint##n##_t b)              \
    {                                                                                              \
        return alu_adc_with##n(c, a, b, int_carry(c));                                             \
    }                                                                                              \
    ALWAYS_INLINE uint##n##_t alu_sub##n(struct cpu *c, uint##n##_t a, uint##n##_t b)              \
    {                                                                                              \
        uint##n##_t r = (uint##n##_t)(a - b);                                                      \
        set_cc(c, CC_SUB | SIZE##n, r, b);                                                         \
        return r;                                                                                  \
    }                                                                                              \
    ALWAYS_INLINE uint##n##_t alu_sbb_with##n(struct cpu *c, uint##n##_t a, uint##n##_t b,         \
                                              bool carry)                                          \
    {                                                                                              \
        uint##n##_t r = (uint##n##_t)(a - b - carry);                                              \
        set_cc(c, (carry ? CC_SBB : CC_SUB) | SIZE##n, r, b);                                      \
        return r;                                                                                  \
    }                                                                                              \
    ALWAYS_INLINE uint##n##_t alu_sbb##n(struct cpu *c, uint##n##_t a, uint##n##_t b)              \
    {                                                                                              \
        return alu_sbb_with##n(c, a, b, int_carry(c));                                             \
    }                                                                                              \
    ALWAYS_INLINE uint##n##_t alu_logic##n(struct cpu *c, uint##n##_t r)                           \
    {                                                                                              \
        set_logic(c, SIZE##n, r);                                                                  \
        return r;                                                                                  \
    }                                                                                              \
    ALWAYS_INLINE uint##n##_t alu_or##n(struct cpu *c, uint##n##_t a, uint##n##_t b)               \
    {                                                                                              \
        return alu_logic##n(c, a | b);                                                             \
    }                                                                                              \
    ALWAYS_INLINE uint##n##_t alu_and##n(struct cpu *c, uint##n##_t a, uint##n##_t b)              \
    {                                                                                              \
        return alu_logic##n(c, a & b);                                                             \
    }                                                                                              \
    ALWAYS_INLINE uint##n##_t alu_xor##n(struct cpu *c, uint##n##_t a, uint##n##_t b)              \
    {                                                                                              \
        return alu_logic##n(c, a ^ b);                                                             \
    }                                                                                              \
    ALWAYS_INLINE void alu_cmp##n(struct cpu *c, uint##n##_t a, uint##n##_t b)                     \
    {                                                                                              \
        alu_sub##n(c, a, b);                                                                       \
    }                                                                                              \
    ALWAYS_INLINE void alu_test##n(struct cpu *c, uint##n##_t a, uint##n##_t b)                    \
    {                                                                                              \
        alu_logic##n(c, a &b);                                                                     \
    }                                                                                              \
    ALWAYS_INLINE uint##n##_t alu_inc##n(struct cpu *c, uint##n##_t a)                             \
    {                                                                                              \
        uint##n##_t r = (uint##n##_t)(a + 1);                                                      \
        set_cc(c, CC_INC | SIZE##n, r, int_carry(c));                                              \
        return r;                                                                                  \
    }                                                                                              \
    ALWAYS_INLINE uint##n##_t alu_dec##n(struct cpu *c, uint##n##_t a)                             \
    {                                                                                              \
        uint##n##_t r = (uint##n##_t)(a - 1);                                                      \
        set_cc(c, CC_DEC | SIZE##n, r, int_carry(c));                                              \
        return r;                                                                                  \
    }                                                                                              \
    ALWAYS_INLINE uint##n##_t alu_not##n(struct cpu *c, uint##n##_t a)                             \
    {                                                                                              \
        (void)c;                                                                                   \
        return (uint##n##_t) ~a;                                                                   \
    }                                                                                              \
    ALWAYS_INLINE uint##n##_t alu_neg##n(struct cpu *c, uint##n##_t a)                             \
    {                                                                                              \
        return alu_sub##n(c, 0, a);                                                                \
    }

EACH_SIZE(ALU_CORE)

#endif
