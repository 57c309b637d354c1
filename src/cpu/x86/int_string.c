/* SPDX-License-Identifier: BSD-2-Clause */
/* String instructions. u->aux is the element's size in bytes, aux16 the address size in bits, seg
 * the source's segment, dst the REP_* prefix. Registers are committed with each element, so that
 * the instruction can go on where it was left. */
#include "cpu/x86/int_ops.h"

enum { REP_NONE, REP_EQUAL, REP_NOT_EQUAL };

/* ---- Registers ---- */

static uint64_t get(const struct cpu *c, const struct uop *u, unsigned reg)
{
    return u->aux16 == 64 ? c->r[reg] : u->aux16 == 32 ? (uint32_t)c->r[reg] : (uint16_t)c->r[reg];
}

static void add(struct cpu *c, const struct uop *u, unsigned reg, uint64_t change)
{
    if (u->aux16 == 16)
        R16(c, REG_OFF(reg)) = (uint16_t)(c->r[reg] + change);
    else
        c->r[reg] = u->aux16 == 32 ? (uint32_t)(c->r[reg] + change) : c->r[reg] + change;
}

static void step(struct cpu *c, const struct uop *u, unsigned reg)
{
    add(c, u, reg, c->rflags & X86_FLAGS_DF ? 0 - (uint64_t)u->aux : u->aux);
}

static uint64_t low(uint64_t value, unsigned size)
{
    return size == 8 ? value : value & ((UINT64_C(1) << 8 * size) - 1);
}

static bool load_at(struct cpu *c, const struct uop *u, unsigned seg, unsigned reg, uint64_t *value)
{
    uint64_t linear;
    if (!cpu_linear(c, u, seg, get(c, u, reg), u->aux, false, &linear) ||
        !cpu_load(c, u, linear, u->aux))
        return false;
    *value = low(c->ld.u64[0], u->aux);
    return true;
}

static bool destination(struct cpu *c, const struct uop *u, uint64_t *linear)
{
    return cpu_linear(c, u, SEG_ES, get(c, u, RDI), u->aux, true, linear);
}

static void set_accumulator(struct cpu *c, unsigned size, uint64_t value)
{
    if (size == 1)
        R8(c, REG_OFF(RAX)) = (uint8_t)value;
    else if (size == 2)
        R16(c, REG_OFF(RAX)) = (uint16_t)value;
    else
        c->r[RAX] = value;
}

/* ---- One element each; false: left with an event, nothing committed ---- */

static bool movs_one(struct cpu *c, const struct uop *u)
{
    uint64_t value, linear;
    if (!load_at(c, u, u->seg, RSI, &value) || !destination(c, u, &linear) ||
        !cpu_store(c, u, linear, u->aux, value))
        return false;
    step(c, u, RSI);
    step(c, u, RDI);
    return true;
}

static bool stos_one(struct cpu *c, const struct uop *u)
{
    uint64_t linear;
    if (!destination(c, u, &linear) || !cpu_store(c, u, linear, u->aux, low(c->r[RAX], u->aux)))
        return false;
    step(c, u, RDI);
    return true;
}

static bool lods_one(struct cpu *c, const struct uop *u)
{
    uint64_t value;
    if (!load_at(c, u, u->seg, RSI, &value))
        return false;
    set_accumulator(c, u->aux, value);
    step(c, u, RSI);
    return true;
}

static void compare(struct cpu *c, const struct uop *u, uint64_t a, uint64_t b)
{
    set_cc(c, CC_SUB | (unsigned)__builtin_ctz(u->aux), low(a - b, u->aux), b);
}

static bool cmps_one(struct cpu *c, const struct uop *u)
{
    uint64_t a, b;
    if (!load_at(c, u, u->seg, RSI, &a) || !load_at(c, u, SEG_ES, RDI, &b))
        return false;
    compare(c, u, a, b);
    step(c, u, RSI);
    step(c, u, RDI);
    return true;
}

static bool scas_one(struct cpu *c, const struct uop *u)
{
    uint64_t b;
    if (!load_at(c, u, SEG_ES, RDI, &b))
        return false;
    compare(c, u, low(c->r[RAX], u->aux), b);
    step(c, u, RDI);
    return true;
}

/* The store is known to succeed before the port is read. */
static bool ins_one(struct cpu *c, const struct uop *u)
{
    uint64_t linear;
    if (!cpu_port_allowed(c, u, (uint16_t)c->r[RDX], u->aux) || !destination(c, u, &linear) ||
        !cpu_probe_store(c, u, linear, u->aux) ||
        !cpu_port_read(c, u, (uint16_t)c->r[RDX], u->aux) ||
        !cpu_store(c, u, linear, u->aux, low(c->ld.u32[0], u->aux)))
        return false;
    step(c, u, RDI);
    return true;
}

static bool outs_one(struct cpu *c, const struct uop *u)
{
    uint64_t value;
    if (!cpu_port_allowed(c, u, (uint16_t)c->r[RDX], u->aux) ||
        !load_at(c, u, u->seg, RSI, &value) ||
        !cpu_port_write(c, u, (uint16_t)c->r[RDX], u->aux, (uint32_t)value))
        return false;
    step(c, u, RSI);
    return true;
}

/* ---- Many elements that lie in one page on either side ---- */

#define RUN_READS_SI  1u
#define RUN_READS_DI  2u
#define RUN_WRITES_DI 4u

struct run {
    const uint8_t *source;
    uint8_t *to;
    uint64_t count;
};

static uint64_t elements_in_page(uint64_t linear, unsigned size)
{
    return (CPU_PAGE_SIZE - (linear & (CPU_PAGE_SIZE - 1))) / size;
}

static bool find_run(struct cpu *c, const struct uop *u, unsigned what, uint64_t count,
                     struct run *run)
{
    bool flat = c->mode & MODE_CODE64 ||
                (c->mode & MODE_FLAT && u->aux16 == 32 && u->seg != SEG_CS && u->seg < SEG_FS);
    if (!flat || (c->rflags & X86_FLAGS_DF) || (c->mode & MODE_STEP))
        return false;
    uint64_t si = get(c, u, RSI), di = get(c, u, RDI);
    if (c->mode & MODE_CODE64 && u->seg >= SEG_FS)
        si += c->seg[u->seg].base;
    if (what & RUN_READS_SI && elements_in_page(si, u->aux) < count)
        count = elements_in_page(si, u->aux);
    if (what & (RUN_READS_DI | RUN_WRITES_DI) && elements_in_page(di, u->aux) < count)
        count = elements_in_page(di, u->aux);
    if (count < 2)
        return false;
    unsigned bytes = (unsigned)count * u->aux;
    run->count = count;
    if (what & RUN_READS_SI && !(run->source = tlb_read(c, si, bytes)))
        return false;
    if (what & RUN_WRITES_DI)
        run->to = tlb_write(c, di, bytes);
    else if (what & RUN_READS_DI)
        run->to = tlb_read(c, di, bytes);
    else
        return true;
    return run->to != NULL;
}

static uint64_t element(const uint8_t *p, unsigned size)
{
    switch (size) {
    case 1:
        return os_load8(p);
    case 2:
        return os_load16(p);
    case 4:
        return os_load32(p);
    default:
        return os_load64(p);
    }
}

static void put_element(uint8_t *p, unsigned size, uint64_t value)
{
    switch (size) {
    case 1:
        os_store8(p, (uint8_t)value);
        break;
    case 2:
        os_store16(p, (uint16_t)value);
        break;
    case 4:
        os_store32(p, (uint32_t)value);
        break;
    default:
        os_store64(p, value);
    }
}

/* These return how many elements they did. */
static uint64_t movs_run(struct cpu *c, const struct uop *u, const struct run *run)
{
    uint64_t bytes = run->count * u->aux;
    (void)c;
    /* A destination just above the source repeats what is between them. */
    if ((uintptr_t)run->to - (uintptr_t)run->source < bytes)
        for (uint64_t i = 0; i < bytes; i += u->aux)
            put_element(run->to + i, u->aux, element(run->source + i, u->aux));
    else
        os_move_down(run->to, run->source, bytes);
    return run->count;
}

static uint64_t stos_run(struct cpu *c, const struct uop *u, const struct run *run)
{
    uint64_t value = low(c->r[RAX], u->aux);
    if (value == low((value & 0xff) * UINT64_C(0x0101010101010101), u->aux))
        os_fill(run->to, (uint8_t)value, run->count * u->aux);
    else
        for (uint64_t i = 0; i < run->count; i++)
            put_element(run->to + i * u->aux, u->aux, value);
    return run->count;
}

static uint64_t lods_run(struct cpu *c, const struct uop *u, const struct run *run)
{
    set_accumulator(c, u->aux, element(run->source + (run->count - 1) * u->aux, u->aux));
    return run->count;
}

static uint64_t cmps_run(struct cpu *c, const struct uop *u, const struct run *run)
{
    uint64_t i = 0, a, b;
    do {
        a = element(run->source + i * u->aux, u->aux);
        b = element(run->to + i * u->aux, u->aux);
        i++;
    } while (i < run->count && (a == b) == (u->dst == REP_EQUAL));
    compare(c, u, a, b);
    return i;
}

static uint64_t scas_run(struct cpu *c, const struct uop *u, const struct run *run)
{
    uint64_t i = 0, a = low(c->r[RAX], u->aux), b;
    do {
        b = element(run->to + i * u->aux, u->aux);
        i++;
    } while (i < run->count && (a == b) == (u->dst == REP_EQUAL));
    compare(c, u, a, b);
    return i;
}

/* ---- With and without REP ---- */

typedef bool one_fn(struct cpu *c, const struct uop *u);
typedef uint64_t run_fn(struct cpu *c, const struct uop *u, const struct run *run);

ALWAYS_INLINE const struct uop *repeat(struct cpu *c, const struct uop *u, one_fn *one,
                                       run_fn *many, unsigned what, bool compares)
{
    uint64_t count = get(c, u, RCX);
    if ((one == ins_one || one == outs_one) && !cpu_port_allowed(c, u, (uint16_t)c->r[RDX], u->aux))
        return NULL;
    while (count) {
        struct run run;
        uint64_t done = 1;
        if (many && find_run(c, u, what, count, &run)) {
            done = many(c, u, &run);
            if (what & RUN_READS_SI)
                add(c, u, RSI, done * u->aux);
            if (what & (RUN_READS_DI | RUN_WRITES_DI))
                add(c, u, RDI, done * u->aux);
        } else if (!one(c, u)) {
            return NULL;
        }
        add(c, u, RCX, 0 - done);
        count = get(c, u, RCX);
        if (count == 0 || (compares && (c->cc_dst == 0) != (u->dst == REP_EQUAL)))
            break;
        if (cpu_element_done(c) || (c->mode & MODE_STEP)) {
            c->r[RIP] += u->off;
            return NULL;
        }
    }
    END_SLOW(c, u);
}

#define STRING(op, many, what, compares)                                                           \
    UOP op(struct cpu *c, const struct uop *u)                                                     \
    {                                                                                              \
        if (!op##_one(c, u))                                                                       \
            return NULL;                                                                           \
        END_SLOW(c, u);                                                                            \
    }                                                                                              \
    UOP rep_##op(struct cpu *c, const struct uop *u)                                               \
    {                                                                                              \
        return repeat(c, u, op##_one, many, what, compares);                                       \
    }

STRING(movs, movs_run, RUN_READS_SI | RUN_WRITES_DI, false)
STRING(stos, stos_run, RUN_WRITES_DI, false)
STRING(lods, lods_run, RUN_READS_SI, false)
STRING(cmps, cmps_run, RUN_READS_SI | RUN_READS_DI, true)
STRING(scas, scas_run, RUN_READS_DI, true)
STRING(ins, NULL, 0, false)
STRING(outs, NULL, 0, false)

/* ---- Translation ---- */

#define SIZED(name, n, size)                                                                       \
    case ZYDIS_MNEMONIC_##name:                                                                    \
        *fns = n##_fns;                                                                            \
        return size;
#define FNS(op) static const uop_fn op##_fns[2] = {op, rep_##op};
FNS(movs)
FNS(stos)
FNS(lods)
FNS(cmps)
FNS(scas)
FNS(ins)
FNS(outs)

static unsigned find(ZydisMnemonic mnemonic, const uop_fn **fns)
{
    switch (mnemonic) {
        SIZED(MOVSB, movs, 1)
        SIZED(MOVSW, movs, 2)
        SIZED(MOVSD, movs, 4)
        SIZED(MOVSQ, movs, 8)
        SIZED(STOSB, stos, 1)
        SIZED(STOSW, stos, 2)
        SIZED(STOSD, stos, 4)
        SIZED(STOSQ, stos, 8)
        SIZED(LODSB, lods, 1)
        SIZED(LODSW, lods, 2)
        SIZED(LODSD, lods, 4)
        SIZED(LODSQ, lods, 8)
        SIZED(CMPSB, cmps, 1)
        SIZED(CMPSW, cmps, 2)
        SIZED(CMPSD, cmps, 4)
        SIZED(CMPSQ, cmps, 8)
        SIZED(SCASB, scas, 1)
        SIZED(SCASW, scas, 2)
        SIZED(SCASD, scas, 4)
        SIZED(SCASQ, scas, 8)
        SIZED(INSB, ins, 1)
        SIZED(INSW, ins, 2)
        SIZED(INSD, ins, 4)
        SIZED(OUTSB, outs, 1)
        SIZED(OUTSW, outs, 2)
        SIZED(OUTSD, outs, 4)
    default:
        return 0;
    }
}

/* Either prefix repeats instructions that don't compare. */
static unsigned repetition(const struct translator *t)
{
    unsigned rep = REP_NONE;
    for (unsigned i = 0; i < t->insn.raw.prefix_count; i++) {
        if (t->insn.raw.prefixes[i].value == 0xf3)
            rep = REP_EQUAL;
        else if (t->insn.raw.prefixes[i].value == 0xf2)
            rep = REP_NOT_EQUAL;
    }
    return rep;
}

static uint8_t source_segment(const struct translator *t)
{
    for (unsigned i = 0; i < t->insn.operand_count; i++) {
        const ZydisDecodedOperand *op = &t->ops[i];
        if (is_mem(op) &&
            (op->mem.base == ZYDIS_REGISTER_SI || op->mem.base == ZYDIS_REGISTER_ESI ||
             op->mem.base == ZYDIS_REGISTER_RSI))
            return int_segment(op->mem.segment);
    }
    return SEG_DS;
}

bool translate_string(struct translator *t)
{
    if (t->insn.meta.category != ZYDIS_CATEGORY_STRINGOP &&
        t->insn.meta.category != ZYDIS_CATEGORY_IOSTRINGOP)
        return false;
    const uop_fn *fns = NULL;
    unsigned size = find(t->insn.mnemonic, &fns), rep = repetition(t);
    if (size == 0)
        return false;
    struct uop *u = emit(t, fns[rep != REP_NONE]);
    u->aux = (uint8_t)size;
    u->aux16 = t->insn.address_width;
    u->dst = (uint8_t)rep;
    u->seg = source_segment(t);
    return true;
}
