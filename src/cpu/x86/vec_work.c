/* SPDX-License-Identifier: BSD-2-Clause */
/* Uops around vector functions: one handler for each kind of destination and second source. */
#include "cpu/x86/vec_uops.h"

#include "cpu/fp/fp.h"

enum vec_loaded vec_load_slow(struct cpu *c, const struct uop *u, uint64_t linear)
{
    const unsigned size = u->aux16 & VU_SIZE;
    if ((u->aux16 & VU_ALIGNED) && (linear & (size - 1))) {
        cpu_raise_error(c, u, EXC_GP, 0);
        return VEC_FAULT;
    }
    if (!cpu_load(c, u, linear, size))
        return VEC_FAULT;
    if (size < 16)
        memset(c->ld.u8 + size, 0, 16 - size);
    return VEC_SLOW;
}

COLD const struct uop *vec_store_slow(struct cpu *c, const struct uop *u, uint64_t linear,
                                      unsigned size, const void *data)
{
    if ((u->aux16 & VU_ALIGNED) && (linear & (size - 1)))
        return cpu_raise_error(c, u, EXC_GP, 0);
    if (!cpu_store_bytes(c, u, linear, size, data))
        return NULL;
    END_SLOW(c, u);
}

static inline void run(struct cpu *c, const struct uop *u, cpu_vec *d, const cpu_vec *a,
                       const cpu_vec *b)
{
    const unsigned bytes = u->aux16 & VU_YMM ? 32 : u->aux16 & VU_MMX ? 8 : 16;
    (void)c;
    (*(cpu_vec_fn *const *)u->ptr)(d, a, b, u->aux, bytes);
}

/* With exceptions that are not masked: no result where one is raised. */
static COLD bool run_checked(struct cpu *c, const struct uop *u, cpu_vec *d, const cpu_vec *a,
                             const cpu_vec *b)
{
    const uint32_t before = host_mxcsr_get();
    const uint8_t masks = c->mxcsr >> 7 & FP_ALL;
    /* The functions in software look at the masks; nothing else computes meanwhile. */
    host_mxcsr_set(c->mxcsr & ~HOST_MXCSR_FLAGS);
    run(c, u, d, a, b);
    const uint8_t raised = host_mxcsr_get() & FP_ALL;
    host_mxcsr_set(before | raised);
    if (!(raised & ~masks))
        return true;
    cpu_raise(c, u, c->cr4 & X86_CR4_OSXMMEXCPT ? EXC_XM : EXC_UD);
    return false;
}

enum { TO_VECTOR, TO_VECTOR3, TO_MMX, TO_GENERAL, TO_FLAGS, TO_MEMORY, TO_KINDS };
enum { FROM_VECTOR, FROM_MMX, FROM_GENERAL, FROM_MEMORY, FROM_KINDS };

ALWAYS_INLINE void copy_result(cpu_vec *to, const cpu_vec *from, const struct uop *u)
{
    to->lane[0] = from->lane[0];
    if (u->aux16 & VU_YMM)
        to->lane[1] = from->lane[1];
}

ALWAYS_INLINE const struct uop *work(struct cpu *c, const struct uop *u, int to, int from,
                                     bool checked)
{
    cpu_vec *const scratch = &c->ld.vec[1];
    cpu_vec *d = scratch;
    const cpu_vec *a = &c->v[u->src & 15], *b = &c->ld.vec[0];
    bool slow = false;

    if ((to == TO_MMX || from == FROM_MMX) && vec_mmx_pending(c))
        return cpu_raise(c, u, EXC_MF);
    /* A store that faults leaves MXCSR's flags alone. */
    if (to == TO_MEMORY && UNLIKELY(!tlb_write(c, uop_ea(c, u), u->aux16 & VU_SIZE)) &&
        !cpu_probe_store(c, u, uop_ea(c, u), u->aux16 & VU_SIZE))
        return NULL;
    if (from == FROM_VECTOR) {
        b = &c->v[to == TO_MEMORY ? u->src : u->base];
    } else if (from == FROM_MEMORY) {
        enum vec_loaded loaded = vec_load(c, u, u->aux16 & VU_SIZE);
        if (UNLIKELY(loaded != VEC_FAST)) {
            if (loaded == VEC_FAULT)
                return NULL;
            slow = true;
        }
    } else {
        const unsigned r = to == TO_MEMORY ? u->src : u->base;
        c->ld.u64[0] = from == FROM_MMX ? c->x87.st[r].mant : R64(c, r);
        c->ld.u64[1] = 0;
    }
    if (to == TO_MMX) {
        scratch->u64[0] = c->x87.st[u->src].mant;
        a = scratch;
    }
    if (to == TO_VECTOR3)
        *scratch = c->v[u->aux16 >> VU_THIRD_SHIFT];
    else if (to == TO_VECTOR && checked)
        *scratch = c->v[u->dst];
    else if (to == TO_VECTOR)
        d = &c->v[u->dst];

    if (!checked)
        run(c, u, d, a, b);
    else if (!run_checked(c, u, d, a, b))
        return NULL;

    if (to == TO_MMX || from == FROM_MMX)
        x87_enter_mmx(&c->x87);
    switch (to) {
    case TO_VECTOR:
    case TO_VECTOR3:
        if (d == scratch)
            copy_result(&c->v[u->dst], scratch, u);
        if (u->aux16 & VU_CLEAR)
            vec_clear_upper(&c->v[u->dst]);
        break;
    case TO_MMX:
        x87_write_mmx(&c->x87, u->dst, scratch->u64[0]);
        break;
    case TO_GENERAL:
        R64(c, u->dst) = scratch->u64[0];
        break;
    case TO_FLAGS:
        cpu_set_arith_flags(c, scratch->u64[0]);
        break;
    default: {
        const uint64_t linear = uop_ea(c, u);
        uint8_t *p = tlb_write(c, linear, u->aux16 & VU_SIZE);
        if (UNLIKELY(!p))
            return vec_store_slow(c, u, linear, u->aux16 & VU_SIZE, scratch);
        os_copy(p, scratch, u->aux16 & VU_SIZE);
    }
    }
    if (slow)
        END_SLOW(c, u);
    return u + 1;
}

#define HANDLER(to, from)                                                                          \
    VEC_UOP work_##to##_##from(struct cpu *c, const struct uop *u)                                 \
    {                                                                                              \
        const struct uop *next = work(c, u, to, from, false);                                      \
        if (next == u + 1)                                                                         \
            NEXT(c, u);                                                                            \
        return next;                                                                               \
    }                                                                                              \
    VEC_UOP checked_##to##_##from(struct cpu *c, const struct uop *u)                              \
    {                                                                                              \
        return work(c, u, to, from, true);                                                         \
    }
#define HANDLERS(to)                                                                               \
    HANDLER(to, FROM_VECTOR)                                                                       \
    HANDLER(to, FROM_MMX) HANDLER(to, FROM_GENERAL) HANDLER(to, FROM_MEMORY)
HANDLERS(TO_VECTOR)
HANDLERS(TO_VECTOR3)
HANDLERS(TO_MMX)
HANDLERS(TO_GENERAL)
HANDLERS(TO_FLAGS)
HANDLER(TO_MEMORY, FROM_VECTOR)
HANDLER(TO_MEMORY, FROM_MMX)

#define ENTRY(to, from)                                                                            \
    {                                                                                              \
        work_##to##_##from, checked_##to##_##from                                                  \
    }
#define ENTRIES(to)                                                                                \
    {                                                                                              \
        ENTRY(to, FROM_VECTOR), ENTRY(to, FROM_MMX), ENTRY(to, FROM_GENERAL),                      \
            ENTRY(to, FROM_MEMORY)                                                                 \
    }
static const uop_fn handlers[TO_KINDS][FROM_KINDS][2] = {
    ENTRIES(TO_VECTOR), ENTRIES(TO_VECTOR3),
    ENTRIES(TO_MMX),    ENTRIES(TO_GENERAL),
    ENTRIES(TO_FLAGS),  {ENTRY(TO_MEMORY, FROM_VECTOR), ENTRY(TO_MEMORY, FROM_MMX)},
};

struct uop *vec_emit_mem(struct translator *t, uop_fn fn, const ZydisDecodedOperand *op,
                         unsigned size, bool write)
{
    struct address address;
    translate_address(t, op, size, write, &address);
    struct uop *u = emit(t, fn);
    uop_set_address(u, &address);
    u->aux16 = (uint16_t)size;
    return u;
}

static int destination(const struct vec_work *w)
{
    if (w->flags)
        return TO_FLAGS;
    if (vec_is_mem(w->d))
        return TO_MEMORY;
    if (vec_is_mmx(w->d))
        return TO_MMX;
    if (vec_is_gpr(w->d))
        return TO_GENERAL;
    return w->has_third ? TO_VECTOR3 : TO_VECTOR;
}

static int source(const ZydisDecodedOperand *b)
{
    if (vec_is_mem(b))
        return FROM_MEMORY;
    if (vec_is_mmx(b))
        return FROM_MMX;
    return vec_is_gpr(b) ? FROM_GENERAL : FROM_VECTOR;
}

/* VEX.L of scalar instructions says nothing. */
static bool is_ymm(const ZydisDecodedOperand *op)
{
    return vec_class(op) == ZYDIS_REGCLASS_YMM || (vec_is_mem(op) && op->size == 256);
}

void vec_emit_work(struct translator *t, const struct vec_work *w)
{
    const int to = destination(w), from = source(w->b);
    const bool ymm = is_ymm(w->d) || is_ymm(w->b);
    const bool hot = !w->checked && (from == FROM_VECTOR || from == FROM_MEMORY) &&
                     (to == TO_VECTOR || to == TO_GENERAL || to == TO_FLAGS);
    uop_fn fn = hot ? vec_hot(*w->fn, from == FROM_MEMORY, ymm) : NULL;
    struct uop *u;
    if (!fn)
        fn = handlers[to][from][w->checked];
    if (from == FROM_MEMORY || to == TO_MEMORY) {
        const ZydisDecodedOperand *op = to == TO_MEMORY ? w->d : w->b;
        const unsigned size = op->size / 8;
        u = vec_emit_mem(t, fn, op, size, to == TO_MEMORY);
        /* VEX knows aligned operands in moves only; of SHA's, not every CPU wants it. */
        if (size == 16 && !vec_is_vex(t) && to != TO_MEMORY &&
            t->insn.meta.isa_set != ZYDIS_ISA_SET_SHA)
            u->aux16 |= VU_ALIGNED;
    } else {
        u = emit(t, fn);
    }
    if (to == TO_MEMORY)
        u->src = vec_reg(w->b);
    else if (from == FROM_GENERAL)
        u->base = translate_gpr(w->b->reg.value);
    else if (from != FROM_MEMORY)
        u->base = vec_reg(w->b);
    if (to == TO_GENERAL)
        u->dst = translate_gpr(w->d->reg.value);
    else if (to != TO_FLAGS && to != TO_MEMORY)
        u->dst = vec_reg(w->d);
    if (w->a && to != TO_MEMORY && (vec_is_vector(w->a) || vec_is_mmx(w->a)))
        u->src = vec_reg(w->a);
    u->ptr = w->fn;
    u->aux = w->imm;
    if (ymm)
        u->aux16 |= VU_YMM;
    if (vec_is_vex(t) && vec_class(w->d) == ZYDIS_REGCLASS_XMM)
        u->aux16 |= VU_CLEAR;
    if (to == TO_MMX || ((to == TO_GENERAL) && from == FROM_MMX))
        u->aux16 |= VU_MMX;
    u->aux16 |= (uint16_t)(w->third << VU_THIRD_SHIFT);
}
