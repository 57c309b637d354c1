/* SPDX-License-Identifier: BSD-2-Clause */
/* What the vector groups share: how their uops are laid out, loads, and parts of the translator. */
#ifndef VMACCEL_CPU_X86_VEC_UOPS_H
#define VMACCEL_CPU_X86_VEC_UOPS_H

#include <string.h>

#include "cpu/x86/internal.h"

/* dst and src are vector or MMX registers, or offsets of general ones; base is the second source
 * where that is no memory; aux is the immediate. aux16: */
#define VU_SIZE        0x003fu /* of the memory operand, in bytes */
#define VU_ALIGNED     0x0040u /* #GP(0) where it is not */
#define VU_CLEAR       0x0080u /* VEX: bytes 16 to 31 of dst become 0 */
#define VU_YMM         0x0100u
#define VU_MMX         0x0200u
#define VU_THIRD_SHIFT 12 /* register of the third source */

#define VEC_UOP static const struct uop *
#define COLD    __attribute__((noinline, cold))

enum vec_loaded { VEC_FAULT, VEC_FAST, VEC_SLOW };

/* The memory operand into c->ld.vec[0], zeros above it. VEC_SLOW: end with END_SLOW. */
enum vec_loaded vec_load_slow(struct cpu *c, const struct uop *u, uint64_t linear);
/* Ends an instruction that stores; at the end of the handler. */
const struct uop *vec_store_slow(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size,
                                 const void *data);

ALWAYS_INLINE enum vec_loaded vec_load(struct cpu *c, const struct uop *u, unsigned size)
{
    const uint64_t linear = uop_ea(c, u);
    const uint8_t *p = tlb_read(c, linear, size);
    if (UNLIKELY(!p || ((u->aux16 & VU_ALIGNED) && (linear & (size - 1)))))
        return vec_load_slow(c, u, linear);
    switch (size) {
    case 4:
        c->ld.u64[0] = os_load32(p);
        c->ld.u64[1] = 0;
        return VEC_FAST;
    case 8:
        c->ld.u64[0] = os_load64(p);
        c->ld.u64[1] = 0;
        return VEC_FAST;
    case 16:
        os_copy(&c->ld, p, 16);
        return VEC_FAST;
    case 32:
        os_copy(&c->ld, p, 32);
        return VEC_FAST;
    default:
        return vec_load_slow(c, u, linear);
    }
}

static inline void vec_clear_upper(cpu_vec *v)
{
    v->u64[2] = v->u64[3] = 0;
}

/* A pending x87 exception comes before every MMX instruction. */
static inline bool vec_mmx_pending(const struct cpu *c)
{
    return UNLIKELY(c->x87.fsw & X87_ES);
}

/* ---- Translation ---- */

static inline bool vec_is_mem(const ZydisDecodedOperand *op)
{
    return op->type == ZYDIS_OPERAND_TYPE_MEMORY;
}
static inline ZydisRegisterClass vec_class(const ZydisDecodedOperand *op)
{
    return op->type == ZYDIS_OPERAND_TYPE_REGISTER ? ZydisRegisterGetClass(op->reg.value)
                                                   : ZYDIS_REGCLASS_INVALID;
}
static inline bool vec_is_vector(const ZydisDecodedOperand *op)
{
    return vec_class(op) == ZYDIS_REGCLASS_XMM || vec_class(op) == ZYDIS_REGCLASS_YMM;
}
static inline bool vec_is_mmx(const ZydisDecodedOperand *op)
{
    return vec_class(op) == ZYDIS_REGCLASS_MMX;
}
static inline bool vec_is_gpr(const ZydisDecodedOperand *op)
{
    return op->type == ZYDIS_OPERAND_TYPE_REGISTER && !vec_is_vector(op) && !vec_is_mmx(op);
}
static inline uint8_t vec_reg(const ZydisDecodedOperand *op)
{
    return (uint8_t)ZydisRegisterGetId(op->reg.value);
}
static inline bool vec_is_vex(const struct translator *t)
{
    return t->insn.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
}

/* A uop for memory operand `op` of `size` bytes, its address set. */
struct uop *vec_emit_mem(struct translator *t, uop_fn fn, const ZydisDecodedOperand *op,
                         unsigned size, bool write);
/* A uop that has vector function `*fn` as its work: d = a op b; fn points into static data. d may
 * be memory or a general register, b those or an immediate's absence (NULL). */
struct vec_work {
    cpu_vec_fn *const *fn;
    const ZydisDecodedOperand *d, *a, *b;
    uint8_t imm;
    bool checked, flags, has_third;
    uint8_t third;
};
void vec_emit_work(struct translator *t, const struct vec_work *work);

/* HOST_SIMD_* of the host's CPU. */
unsigned vec_host_features(void);
/* May the host's own instructions do it? `needed` is HOST_SIMD_*. */
bool vec_by_host(const struct translator *t, unsigned needed);

/* A handler of its own for vector function fn with vector registers and, for `mem`, a memory
 * operand as second source: NULL where there is none. Its uop is laid out as any other's. */
uop_fn vec_hot(cpu_vec_fn *fn, bool mem, bool ymm);

/* Parts of translate_vector, by file. */
translate_fn vec_translate_move, vec_translate_masked, vec_translate_special;

#endif
