/* SPDX-License-Identifier: BSD-2-Clause */
/* Near jumps, calls and returns. u->aux is the operand size in bytes, u->imm a distance from the
 * block's start; u->disp is it where the uop is linked. */
#include "cpu/x86/int_ops.h"

static uint64_t truncated(uint64_t value, unsigned size)
{
    return size == 8 ? value : size == 4 ? (uint32_t)value : (uint16_t)value;
}

/* False: #GP, nothing is committed. */
static bool target_allowed(struct cpu *c, const struct uop *u, uint64_t target)
{
    bool ok = c->mode & MODE_CODE64 ? x86_is_canonical(target, c->cr4 & X86_CR4_LA57 ? 57 : 48)
                                    : target <= c->seg[SEG_CS].limit;
    if (!ok)
        cpu_raise_error(c, u, EXC_GP, 0);
    return ok;
}

static const struct uop *go(struct cpu *c, const struct uop *u, uint64_t target)
{
    return target_allowed(c, u, target) ? cpu_jump(c, target) : NULL;
}

static const struct uop *call(struct cpu *c, const struct uop *u, uint64_t target)
{
    if (!target_allowed(c, u, target) ||
        !cpu_push(c, u, u->aux, truncated(cpu_next_rip(c, u), u->aux)))
        return NULL;
    return cpu_jump(c, target);
}

/* ---- In any mode ---- */

UOP jmp_rel(struct cpu *c, const struct uop *u)
{
    return go(c, u, truncated(c->r[RIP] + (uint64_t)u->imm, u->aux));
}
UOP jmp_r(struct cpu *c, const struct uop *u)
{
    return go(c, u, truncated(R64(c, u->src), u->aux));
}
UOP call_rel(struct cpu *c, const struct uop *u)
{
    return call(c, u, truncated(c->r[RIP] + (uint64_t)u->imm, u->aux));
}
UOP call_r(struct cpu *c, const struct uop *u)
{
    return call(c, u, truncated(R64(c, u->src), u->aux));
}
UOP ret(struct cpu *c, const struct uop *u)
{
    if (!cpu_peek(c, u, u->aux, 0))
        return NULL;
    uint64_t target = truncated(c->ld.u64[0], u->aux);
    if (!target_allowed(c, u, target))
        return NULL;
    cpu_set_sp(c, c->r[RSP] + u->aux + (uint64_t)u->imm);
    return cpu_jump(c, target);
}

/* ---- In 64-bit code, and 32-bit code with flat segments: what is known goes on at once ---- */

#define ENTRY_FOR(c, e, target)                                                                    \
    const struct jump_entry *e = jump_entry_at((c), (target));                                     \
    bool e##_hit = LIKELY(e->rip == (target) && e->key == (c)->jump_key)
#define ENTER_BLOCK(c, e)                                                                          \
    do {                                                                                           \
        (c)->r[RIP] = (e)->rip;                                                                    \
        GOTO((c), (e)->uops);                                                                      \
    } while (0)

#define FLAT(n)                                                                                    \
    UOP jmp##n##_rel(struct cpu *c, const struct uop *u)                                           \
    {                                                                                              \
        uint64_t target = (uint##n##_t)(c->r[RIP] + (uint64_t)u->imm);                             \
        ENTRY_FOR(c, e, target);                                                                   \
        if (!e_hit)                                                                                \
            return jmp_rel(c, u);                                                                  \
        ENTER_BLOCK(c, e);                                                                         \
    }                                                                                              \
    UOP jmp##n##_r(struct cpu *c, const struct uop *u)                                             \
    {                                                                                              \
        uint64_t target = R##n(c, u->src);                                                         \
        ENTRY_FOR(c, e, target);                                                                   \
        if (!e_hit)                                                                                \
            return jmp_r(c, u);                                                                    \
        ENTER_BLOCK(c, e);                                                                         \
    }                                                                                              \
    CALL_FLAT(n, rel, (uint##n##_t)(c->r[RIP] + (uint64_t)u->imm))                                 \
    CALL_FLAT(n, r, R##n(c, u->src))                                                               \
    COLD UOP call##n##_linked_slow(struct cpu *c, const struct uop *u)                             \
    {                                                                                              \
        return call(c, u, (uint##n##_t)(c->r[RIP] + (uint64_t)(int64_t)u->disp));                  \
    }                                                                                              \
    UOP call##n##_linked(struct cpu *c, const struct uop *u)                                       \
    {                                                                                              \
        uint64_t sp = (uint##n##_t)(c->r[RSP] - (n) / 8);                                          \
        uint8_t *p = tlb_write(c, sp, (n) / 8);                                                    \
        if (UNLIKELY(!p))                                                                          \
            return call##n##_linked_slow(c, u);                                                    \
        os_store##n(p, (uint##n##_t)cpu_next_rip(c, u));                                           \
        c->r[RSP] = sp;                                                                            \
        JUMP_LINKED(c, u, u->disp);                                                                \
    }                                                                                              \
    UOP ret##n(struct cpu *c, const struct uop *u)                                                 \
    {                                                                                              \
        const uint8_t *p = tlb_read(c, (uint##n##_t)c->r[RSP], (n) / 8);                           \
        if (UNLIKELY(!p))                                                                          \
            return ret(c, u);                                                                      \
        uint64_t target = os_load##n(p);                                                           \
        ENTRY_FOR(c, e, target);                                                                   \
        if (!e_hit)                                                                                \
            return ret(c, u);                                                                      \
        c->r[RSP] = (uint##n##_t)(c->r[RSP] + (n) / 8 + (uint64_t)u->imm);                         \
        ENTER_BLOCK(c, e);                                                                         \
    }
#define CALL_FLAT(n, form, to)                                                                     \
    UOP call##n##_##form(struct cpu *c, const struct uop *u)                                       \
    {                                                                                              \
        uint64_t target = to, sp = (uint##n##_t)(c->r[RSP] - (n) / 8);                             \
        ENTRY_FOR(c, e, target);                                                                   \
        uint8_t *p = tlb_write(c, sp, (n) / 8);                                                    \
        if (UNLIKELY(!e_hit || !p))                                                                \
            return call_##form(c, u);                                                              \
        os_store##n(p, (uint##n##_t)cpu_next_rip(c, u));                                           \
        c->r[RSP] = sp;                                                                            \
        ENTER_BLOCK(c, e);                                                                         \
    }

FLAT(64)
FLAT(32)

UOP jmp_linked(struct cpu *c, const struct uop *u)
{
    JUMP_LINKED(c, u, u->disp);
}

/* ---- Jcc: linked, or in front of a jump that it skips ---- */

#define EACH_CONDITION(X)                                                                          \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

#define JCC(cc)                                                                                    \
    UOP jcc##cc(struct cpu *c, const struct uop *u)                                                \
    {                                                                                              \
        SETTLE_CONDITION(c, u, cc);                                                                \
        if (int_condition(c, cc))                                                                  \
            JUMP_LINKED(c, u, u->disp);                                                            \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP jcc_skip##cc(struct cpu *c, const struct uop *u)                                           \
    {                                                                                              \
        SETTLE_CONDITION(c, u, cc);                                                                \
        if (int_condition(c, cc))                                                                  \
            NEXT(c, u);                                                                            \
        GOTO(c, u + 2);                                                                            \
    }
EACH_CONDITION(JCC)

#define ROW(name)                                                                                  \
    {                                                                                              \
        name##0, name##1, name##2, name##3, name##4, name##5, name##6, name##7, name##8, name##9,  \
            name##10, name##11, name##12, name##13, name##14, name##15                             \
    }
static const uop_fn jcc_fn[16] = ROW(jcc);
static const uop_fn jcc_skip_fn[16] = ROW(jcc_skip);

/* ---- LOOP, JCXZ: aux16 is the address size, src which it is ---- */

enum { LOOP, LOOPE, LOOPNE, JCXZ };

static uint64_t counter(const struct cpu *c, unsigned bits)
{
    return bits == 64 ? c->r[RCX] : bits == 32 ? (uint32_t)c->r[RCX] : (uint16_t)c->r[RCX];
}

static bool loops(const struct cpu *c, const struct uop *u)
{
    uint64_t count = counter(c, u->aux16);
    if (u->src == JCXZ)
        return count == 0;
    return count != 1 && (u->src == LOOP || cpu_condition(c, 4) == (u->src == LOOPE));
}

static void count_down(struct cpu *c, const struct uop *u)
{
    if (u->src == JCXZ)
        return;
    if (u->aux16 == 16)
        R16(c, REG_OFF(RCX))--;
    else
        c->r[RCX] = u->aux16 == 32 ? (uint32_t)(c->r[RCX] - 1) : c->r[RCX] - 1;
}

UOP loop_linked(struct cpu *c, const struct uop *u)
{
    bool taken = loops(c, u);
    count_down(c, u);
    if (taken)
        JUMP_LINKED(c, u, u->disp);
    NEXT(c, u);
}

UOP loop_any(struct cpu *c, const struct uop *u)
{
    bool taken = loops(c, u);
    uint64_t target = truncated(c->r[RIP] + (uint64_t)u->imm, u->aux);
    if (taken && !target_allowed(c, u, target))
        return NULL;
    count_down(c, u);
    if (taken)
        return cpu_jump(c, target);
    NEXT_SLOW(c, u);
}

/* ---- Translation ---- */

/* Whether a jump of this operand size in this mode has the whole of RIP, and the address space to
 * itself: its width. */
static unsigned flat_code(const struct translator *t)
{
    if (t->mode & MODE_CODE64)
        return 64;
    return t->insn.operand_width == 32 && (t->mode & MODE_FLAT_CS) ? 32 : 0;
}

static unsigned flat_calls(const struct translator *t)
{
    unsigned bits = flat_code(t);
    return bits == 32 && !((t->mode & MODE_FLAT) && (t->mode & MODE_STACK32)) ? 0 : bits;
}

static int64_t distance(const struct translator *t)
{
    return t->ops[0].imm.value.s + t->off + t->insn.length;
}

static bool linkable(const struct translator *t)
{
    return (t->insn.operand_width != 16 || !(t->mode & MODE_CODE32)) &&
           translate_linkable(t, distance(t));
}

static struct uop *emit_jump(struct translator *t, uop_fn fn)
{
    struct uop *u = emit(t, fn);
    u->seg = SEG_SS; /* of the stack's faults */
    u->aux = (uint8_t)((t->mode & MODE_CODE64 ? 64 : t->insn.operand_width) / 8);
    return u;
}

static struct uop *emit_linked(struct translator *t, uop_fn fn)
{
    struct uop *u = emit_jump(t, fn);
    u->disp = (int32_t)distance(t);
    u->link = NULL;
    return u;
}

static uop_fn choose(unsigned flat, uop_fn of64, uop_fn of32, uop_fn any)
{
    return flat == 64 ? of64 : flat == 32 ? of32 : any;
}

static void translate_jmp(struct translator *t)
{
    unsigned flat = flat_code(t);
    if (!is_imm(&t->ops[0])) {
        uint8_t src = int_source(t, &t->ops[0], false);
        emit_jump(t, choose(flat, jmp64_r, jmp32_r, jmp_r))->src = src;
    } else if (linkable(t)) {
        emit_linked(t, jmp_linked);
    } else {
        emit_jump(t, choose(flat, jmp64_rel, jmp32_rel, jmp_rel))->imm = distance(t);
    }
    t->ends_block = true;
}

static void translate_call(struct translator *t)
{
    unsigned flat = flat_calls(t);
    if (!is_imm(&t->ops[0])) {
        uint8_t src = int_source(t, &t->ops[0], false);
        emit_jump(t, choose(flat, call64_r, call32_r, call_r))->src = src;
    } else if (flat && linkable(t)) {
        emit_linked(t, flat == 64 ? call64_linked : call32_linked);
    } else {
        emit_jump(t, choose(flat, call64_rel, call32_rel, call_rel))->imm = distance(t);
    }
    t->ends_block = true;
}

static void translate_jcc(struct translator *t, unsigned cc)
{
    if (!linkable(t)) {
        emit_jump(t, jcc_skip_fn[cc]);
        emit_jump(t, choose(flat_code(t), jmp64_rel, jmp32_rel, jmp_rel))->imm = distance(t);
        return;
    }
    struct uop *before = t->out - 1;
    uop_fn fn = int_fuse(before->fn, cc);
    if (fn)
        before->fn = fn;
    emit_linked(t, jcc_fn[cc]);
}

static void translate_loop(struct translator *t, uint8_t kind)
{
    struct uop *u;
    if (linkable(t)) {
        u = emit_linked(t, loop_linked);
    } else {
        u = emit_jump(t, loop_any);
        u->imm = distance(t);
    }
    u->src = kind;
    u->aux16 = t->insn.address_width;
}

bool translate_control(struct translator *t)
{
    if (t->insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
        return false;
    int cc = t->insn.meta.category == ZYDIS_CATEGORY_COND_BR ? int_cc_of(t->insn.mnemonic) : -1;
    if (cc >= 0) {
        translate_jcc(t, (unsigned)cc);
        return true;
    }
    switch (t->insn.mnemonic) {
    case ZYDIS_MNEMONIC_JMP:
        translate_jmp(t);
        return true;
    case ZYDIS_MNEMONIC_CALL:
        translate_call(t);
        return true;
    case ZYDIS_MNEMONIC_RET:
        emit_jump(t, choose(flat_calls(t), ret64, ret32, ret))->imm =
            t->insn.operand_count_visible ? (int64_t)(t->ops[0].imm.value.u & 0xffff) : 0;
        t->ends_block = true;
        return true;
    case ZYDIS_MNEMONIC_LOOP:
        translate_loop(t, LOOP);
        return true;
    case ZYDIS_MNEMONIC_LOOPE:
        translate_loop(t, LOOPE);
        return true;
    case ZYDIS_MNEMONIC_LOOPNE:
        translate_loop(t, LOOPNE);
        return true;
    case ZYDIS_MNEMONIC_JCXZ:
    case ZYDIS_MNEMONIC_JECXZ:
    case ZYDIS_MNEMONIC_JRCXZ:
        translate_loop(t, JCXZ);
        return true;
    default:
        return false;
    }
}
