/* SPDX-License-Identifier: BSD-2-Clause */
/* Vector instructions: which function does which, and who translates what. */
#include "cpu/x86/vec_uops.h"

#define VF_THIRD    0x01u /* d holds a third source: XMM0, or VEX's fourth operand */
#define VF_FLAGS    0x02u /* the result is EFLAGS */
#define VF_INT64    0x04u /* the immediate says whether the integer has 64 bits */
#define VF_ESTIMATE 0x08u /* raises nothing */
#define VF_SSE41    0x10u /* the host needs this for its own instruction */
#define VF_FMA      0x20u
#define VF_F16C     0x40u
#define VF_FP       0x80u

struct vec_op {
    cpu_vec_fn *fn;   /* by the host, for floating point */
    cpu_vec_fn *soft; /* floating point in software */
    unsigned flags;
};

#if HOST_SIMD
#define BY_HOST(function) vec_host_##function
#else
#define BY_HOST(function) NULL
#endif

#define INT_ENTRY(name, function, bits) [ZYDIS_MNEMONIC_##name] = {vec_##function, NULL, bits},
#define FP_ENTRY(name, function, bits)                                                             \
    [ZYDIS_MNEMONIC_##name] = {BY_HOST(function), vec_soft_##function, (bits) | VF_FP},
#define VEC_OP(name, function, bits)                                                               \
    INT_ENTRY(name, function, bits) INT_ENTRY(V##name, function, bits)
#define VEC_LEG(name, function, bits) INT_ENTRY(name, function, bits)
#define VEC_VEX(name, function, bits) INT_ENTRY(name, function, bits)
#define VEC_FP(name, function, bits)                                                               \
    FP_ENTRY(name, function, bits) FP_ENTRY(V##name, function, bits)
#define VEC_FP_LEG(name, function, bits) FP_ENTRY(name, function, bits)
#define VEC_FP_VEX(name, function, bits) FP_ENTRY(name, function, bits)

static const struct vec_op ops[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
#include "cpu/x86/vec.def"
#include "cpu/x86/vec_fp.def"
};

struct by_imm {
    ZydisMnemonic mnemonic;
    cpu_vec_fn *fn;
};
#define VEC_IMM(name, function)                                                                    \
    {ZYDIS_MNEMONIC_##name, vec_##function##_imm}, {ZYDIS_MNEMONIC_V##name, vec_##function##_imm},
#define VEC_IMM_VEX(name, function) {ZYDIS_MNEMONIC_##name, vec_##function##_imm},

static const struct by_imm by_imm[] = {
#include "cpu/x86/vec_imm.def"
};

unsigned vec_host_features(void)
{
    static _Atomic unsigned known;
    unsigned features = atomic_load_explicit(&known, memory_order_relaxed);
    if (!features) {
        features = host_simd_features() | 1u << 31;
        atomic_store_explicit(&known, features, memory_order_relaxed);
    }
    return features;
}

bool vec_by_host(const struct translator *t, unsigned needed)
{
    return HOST_SIMD && !(t->mode & MODE_FP_TRAP) && !(needed & ~vec_host_features());
}

/* SIMD instructions that neither touch vector state nor ask for its being switched on. */
static bool needs_no_state(ZydisMnemonic mnemonic)
{
    switch (mnemonic) {
    case ZYDIS_MNEMONIC_CRC32:
    case ZYDIS_MNEMONIC_MOVNTI:
    case ZYDIS_MNEMONIC_PREFETCH:
    case ZYDIS_MNEMONIC_PREFETCHNTA:
    case ZYDIS_MNEMONIC_PREFETCHT0:
    case ZYDIS_MNEMONIC_PREFETCHT1:
    case ZYDIS_MNEMONIC_PREFETCHT2:
    case ZYDIS_MNEMONIC_PREFETCHW:
    case ZYDIS_MNEMONIC_PREFETCHWT1:
        return true;
    default:
        return false;
    }
}

static bool uses_only_mmx(const struct translator *t)
{
    bool mmx = t->insn.mnemonic == ZYDIS_MNEMONIC_EMMS;
    for (unsigned i = 0; i < t->insn.operand_count; i++) {
        if (vec_is_vector(&t->ops[i]))
            return false;
        mmx |= vec_is_mmx(&t->ops[i]);
    }
    return mmx;
}

/* The exception that the instruction raises in this mode, or 0. */
static uint8_t unavailable(const struct translator *t)
{
    if (needs_no_state(t->insn.mnemonic))
        return 0;
    if (vec_is_vex(t)) {
        if (!(t->mode & MODE_PROT) || (t->mode & MODE_VM86) || !(t->mode & MODE_AVX))
            return EXC_UD;
    } else if (uses_only_mmx(t)) {
        if (t->mode & MODE_EM)
            return EXC_UD;
    } else if (!(t->mode & MODE_SSE)) {
        return EXC_UD;
    }
    return t->mode & MODE_TS ? EXC_NM : 0;
}

static bool translate_imm_form(struct translator *t, unsigned registers, uint8_t imm)
{
    if (registers != (vec_is_vex(t) ? 2u : 1u))
        return false;
    for (unsigned i = 0; i < sizeof by_imm / sizeof by_imm[0]; i++) {
        if (by_imm[i].mnemonic != t->insn.mnemonic)
            continue;
        const ZydisDecodedOperand *from = &t->ops[registers - 1];
        vec_emit_work(t,
                      &(struct vec_work){
                          .fn = &by_imm[i].fn, .d = &t->ops[0], .a = from, .b = from, .imm = imm});
        return true;
    }
    return false;
}

/* Operand order: d, a, b with VEX; d, which is a as well, and b without. */
static void translate_op(struct translator *t, const struct vec_op *op, unsigned registers,
                         uint8_t imm)
{
    struct vec_work w = {.d = &t->ops[0], .imm = imm, .flags = op->flags & VF_FLAGS};
    if (op->flags & VF_THIRD) {
        w.has_third = true;
        if (vec_is_vex(t))
            w.third = vec_reg(&t->ops[--registers]);
    }
    w.a = &t->ops[registers > 2 ? 1 : 0];
    w.b = &t->ops[registers - 1];
    if (op->flags & VF_INT64)
        w.imm = t->ops[0].size == 64 && vec_is_gpr(&t->ops[0]) ? 1
                : vec_is_vector(&t->ops[0]) && w.b->size == 64 ? 1
                                                               : 0;
    if (t->insn.mnemonic == ZYDIS_MNEMONIC_INSERTPS || t->insn.mnemonic == ZYDIS_MNEMONIC_VINSERTPS)
        w.imm = vec_is_mem(w.b) ? imm & 0x3f : imm;
    if (t->insn.mnemonic == ZYDIS_MNEMONIC_CMPPS || t->insn.mnemonic == ZYDIS_MNEMONIC_CMPPD ||
        t->insn.mnemonic == ZYDIS_MNEMONIC_CMPSS || t->insn.mnemonic == ZYDIS_MNEMONIC_CMPSD)
        w.imm = imm & 7;
    else if (t->insn.mnemonic == ZYDIS_MNEMONIC_VCMPPS ||
             t->insn.mnemonic == ZYDIS_MNEMONIC_VCMPPD ||
             t->insn.mnemonic == ZYDIS_MNEMONIC_VCMPSS || t->insn.mnemonic == ZYDIS_MNEMONIC_VCMPSD)
        w.imm = imm & 31;

    w.fn = &op->fn;
    if (op->flags & VF_FP) {
        const unsigned needed = (op->flags & VF_SSE41 ? HOST_SIMD_SSE41 : 0) |
                                (op->flags & VF_FMA ? HOST_SIMD_FMA : 0) |
                                (op->flags & VF_F16C ? HOST_SIMD_F16C : 0);
        const bool estimate = op->flags & VF_ESTIMATE;
        w.checked = (t->mode & MODE_FP_TRAP) && !estimate;
        if (!vec_by_host(t, needed) && !(estimate && HOST_SIMD))
            w.fn = &op->soft;
    }
    vec_emit_work(t, &w);
}

bool translate_vector(struct translator *t)
{
    unsigned registers = t->insn.operand_count_visible;
    uint8_t imm = 0;
    const struct vec_op *op = &ops[t->insn.mnemonic];
    struct uop *start = t->out;

    if (t->insn.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY && !vec_is_vex(t))
        return false;
    const uint8_t fault = unavailable(t);
    if (registers && t->ops[registers - 1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
        imm = (uint8_t)t->ops[--registers].imm.value.u;
    /* CMPSD and MOVSD are names of string instructions as well. */
    if ((t->insn.mnemonic == ZYDIS_MNEMONIC_CMPSD || t->insn.mnemonic == ZYDIS_MNEMONIC_MOVSD) &&
        t->insn.opcode_map != ZYDIS_OPCODE_MAP_0F)
        return false;
    if (vec_translate_special(t) || vec_translate_move(t) || vec_translate_masked(t) ||
        translate_imm_form(t, registers, imm)) {
    } else if (op->fn || op->soft) {
        translate_op(t, op, registers, imm);
    } else {
        return false;
    }
    if (fault) {
        t->out = start;
        translate_fault(t, fault);
    }
    return true;
}
