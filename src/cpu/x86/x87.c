/* SPDX-License-Identifier: BSD-2-Clause */
/* Translation of x87 instructions and EMMS: by their opcode bytes, D8 to DF and ModRM, which say
 * all that there is. */
#include "cpu/x86/x87.h"

struct entry {
    x87_handler *fn;
    uint8_t kind; /* imm */
    uint8_t src;  /* form of a memory operand; a register of singles[] */
    uint8_t dst;  /* DST_RM: the rm field */
    uint8_t pops;
};
#define DST_RM 0xff

#define NONE                                                                                       \
    {                                                                                              \
        NULL, 0, 0, 0, 0                                                                           \
    }
/* clang-format off */
#define ARITH_MEM(form)                                                                            \
    {{x87_arith_mem, 0, form, 0, 0}, {x87_arith_mem, 1, form, 0, 0},                               \
     {x87_compare_mem, 0, form, 0, 0}, {x87_compare_mem, 0, form, 0, 1},                           \
     {x87_arith_mem, 4, form, 0, 0}, {x87_arith_mem, 5, form, 0, 0},                               \
     {x87_arith_mem, 6, form, 0, 0}, {x87_arith_mem, 7, form, 0, 0}}
#define LOAD(form)        {x87_load_mem, 0, form, 0, 0}
#define STORE(form, pops) {x87_store_mem, 0, form, 0, pops}
#define CHOP(form)        {x87_store_mem, 1, form, 0, 1}
#define CONTROL(fn)       {fn, 0, 0, 0, 0}

/* By the opcode's low bits and the reg field. */
static const struct entry memory[8][8] = {
    ARITH_MEM(X87_F32),
    {LOAD(X87_F32), NONE, STORE(X87_F32, 0), STORE(X87_F32, 1),
     CONTROL(x87_ldenv), CONTROL(x87_ldcw), CONTROL(x87_stenv), CONTROL(x87_stcw)},
    ARITH_MEM(X87_I32),
    {LOAD(X87_I32), CHOP(X87_I32), STORE(X87_I32, 0), STORE(X87_I32, 1),
     NONE, LOAD(X87_F80), NONE, STORE(X87_F80, 1)},
    ARITH_MEM(X87_F64),
    {LOAD(X87_F64), CHOP(X87_I64), STORE(X87_F64, 0), STORE(X87_F64, 1),
     CONTROL(x87_restore), NONE, CONTROL(x87_save), CONTROL(x87_stsw)},
    ARITH_MEM(X87_I16),
    {LOAD(X87_I16), CHOP(X87_I16), STORE(X87_I16, 0), STORE(X87_I16, 1),
     LOAD(X87_BCD), LOAD(X87_I64), STORE(X87_BCD, 1), STORE(X87_I64, 1)},
};

#define ARITH(kind, dst, pops)  {x87_arith, kind, 0, dst, pops}
#define COMPARE(quiet, pops)    {x87_compare, quiet, 0, 0, pops}
#define FLAGS(quiet, pops)      {x87_compare_flags, quiet, 0, 0, pops}
#define CMOV(condition)         {x87_cmov, condition, 0, 0, 0}
#define EXCHANGE                {x87_exchange, 0, 0, 0, 0}
#define STORE_REG(pops)         {x87_store_reg, 0, 0, DST_RM, pops}

/* Of registers, where all eight rm fields are alike. D0 and D8 of DC, DE and DF, C8 of DD and DF
 * are undocumented names of documented instructions, and work on every processor. */
static const struct entry registers[8][8] = {
    {ARITH(0, 0, 0), ARITH(1, 0, 0), COMPARE(0, 0), COMPARE(0, 1),
     ARITH(4, 0, 0), ARITH(5, 0, 0), ARITH(6, 0, 0), ARITH(7, 0, 0)},
    {{x87_load_reg, 0, 0, 0, 0}, EXCHANGE, NONE, {x87_store_reg, 1, 0, DST_RM, 1}, NONE, NONE, NONE, NONE},
    {CMOV(2), CMOV(4), CMOV(6), CMOV(10), NONE, NONE, NONE, NONE},
    {CMOV(3), CMOV(5), CMOV(7), CMOV(11), NONE, FLAGS(1, 0), FLAGS(0, 0), NONE},
    {ARITH(0, DST_RM, 0), ARITH(1, DST_RM, 0), COMPARE(0, 0), COMPARE(0, 1),
     ARITH(4, DST_RM, 0), ARITH(5, DST_RM, 0), ARITH(6, DST_RM, 0), ARITH(7, DST_RM, 0)},
    {{x87_free, 0, 0, 0, 0}, EXCHANGE, STORE_REG(0), STORE_REG(1),
     COMPARE(1, 0), COMPARE(1, 1), NONE, NONE},
    {ARITH(0, DST_RM, 1), ARITH(1, DST_RM, 1), COMPARE(0, 1), NONE,
     ARITH(4, DST_RM, 1), ARITH(5, DST_RM, 1), ARITH(6, DST_RM, 1), ARITH(7, DST_RM, 1)},
    {{x87_free, 0, 0, 0, 1}, EXCHANGE, STORE_REG(1), STORE_REG(1),
     NONE, FLAGS(1, 1), FLAGS(0, 1), NONE},
};

/* One instruction each, by both bytes; src is a register's number. */
static const struct {
    uint16_t opcode;
    struct entry entry;
} singles[] = {
    {0xd9d0, {x87_nop, 0, 0, 0, 0}},
    {0xd9e0, {x87_sign, 0, 0, 0, 0}},
    {0xd9e1, {x87_sign, 1, 0, 0, 0}},
    {0xd9e4, {x87_test, 0, 0, 0, 0}},
    {0xd9e5, {x87_examine, 0, 0, 0, 0}},
    {0xd9e8, {x87_load_constant, 0, 0, 0, 0}},
    {0xd9e9, {x87_load_constant, 1, 0, 0, 0}},
    {0xd9ea, {x87_load_constant, 2, 0, 0, 0}},
    {0xd9eb, {x87_load_constant, 3, 0, 0, 0}},
    {0xd9ec, {x87_load_constant, 4, 0, 0, 0}},
    {0xd9ed, {x87_load_constant, 5, 0, 0, 0}},
    {0xd9ee, {x87_load_constant, 6, 0, 0, 0}},
    {0xd9f0, {x87_unary, X87_2XM1, 0, 0, 0}},
    {0xd9f1, {x87_binary, X87_YL2X, 1, 1, 1}},
    {0xd9f2, {x87_pair, X87_TAN, 0, 0, 0}},
    {0xd9f3, {x87_binary, X87_PATAN, 1, 1, 1}},
    {0xd9f4, {x87_pair, X87_XTRACT, 0, 0, 0}},
    {0xd9f5, {x87_remainder, 1, 1, 0, 0}},
    {0xd9f6, {x87_step_top, 7, 0, 0, 0}},
    {0xd9f7, {x87_step_top, 1, 0, 0, 0}},
    {0xd9f8, {x87_remainder, 0, 1, 0, 0}},
    {0xd9f9, {x87_binary, X87_YL2XP1, 1, 1, 1}},
    {0xd9fa, {x87_unary, X87_SQRT, 0, 0, 0}},
    {0xd9fb, {x87_pair, X87_SINCOS, 0, 0, 0}},
    {0xd9fc, {x87_unary, X87_RINT, 0, 0, 0}},
    {0xd9fd, {x87_binary, X87_SCALE, 1, 0, 0}},
    {0xd9fe, {x87_pair, X87_SIN, 0, 0, 0}},
    {0xd9ff, {x87_pair, X87_COS, 0, 0, 0}},
    {0xdae9, {x87_compare, 1, 1, 0, 2}},
    {0xdbe0, {x87_ignored, 0, 0, 0, 0}}, /* FENI, FDISI and FSETPM of older processors */
    {0xdbe1, {x87_ignored, 0, 0, 0, 0}},
    {0xdbe2, {x87_clex, 0, 0, 0, 0}},
    {0xdbe3, {x87_finit, 0, 0, 0, 0}},
    {0xdbe4, {x87_ignored, 0, 0, 0, 0}},
    {0xded9, {x87_compare, 0, 1, 0, 2}},
    {0xdfe0, {x87_stsw_ax, 0, 0, 0, 0}},
};
/* clang-format on */

static const struct entry *find_single(unsigned opcode)
{
    for (unsigned i = 0; i < sizeof(singles) / sizeof(singles[0]); i++) {
        if (singles[i].opcode == opcode)
            return &singles[i].entry;
    }
    return NULL;
}

static unsigned environment_form(const struct translator *t)
{
    bool real = !(t->mode & MODE_PROT) || (t->mode & MODE_VM86);

    return (t->insn.operand_width != 16 ? X87_ENV_32 : 0) | (real ? X87_ENV_REAL : 0);
}

static const ZydisDecodedOperand *memory_operand(const struct translator *t)
{
    for (unsigned i = 0; i < t->insn.operand_count; i++) {
        if (t->ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
            return &t->ops[i];
    }
    return NULL;
}

static bool is_store(x87_handler *fn)
{
    return fn == x87_store_mem || fn == x87_stcw || fn == x87_stsw || fn == x87_stenv ||
           fn == x87_save;
}

static unsigned operand_size(const struct entry *e, unsigned form)
{
    if (e->fn == x87_ldcw || e->fn == x87_stcw || e->fn == x87_stsw)
        return 2;
    if (e->fn == x87_ldenv || e->fn == x87_stenv)
        return form & X87_ENV_32 ? 28 : 14;
    if (e->fn == x87_restore || e->fn == x87_save)
        return form & X87_ENV_32 ? 108 : 94;
    return x87_memory_size[e->src];
}

static void translate_memory(struct translator *t, const struct entry *e,
                             const ZydisDecodedOperand *op, uint16_t fop)
{
    unsigned form = environment_form(t);
    struct address address;
    struct uop *u;

    /* What is pending comes before the segment's checks. */
    if (!(t->mode & MODE_CODE64) && e->fn != x87_stcw && e->fn != x87_stsw && e->fn != x87_stenv &&
        e->fn != x87_save)
        emit(t, x87_wait);
    translate_address(t, op, operand_size(e, form), is_store(e->fn), &address);
    u = emit(t, e->fn);
    uop_set_address(u, &address);
    u->imm = e->kind;
    u->src = e->src;
    u->aux = e->pops;
    u->aux16 = fop;
    if (operand_size(e, form) >= 14)
        u->aux = (uint8_t)form;
}

bool translate_x87(struct translator *t)
{
    unsigned opcode = t->insn.opcode, modrm, rm;
    const struct entry *e;
    bool fixed;
    struct uop *u;

    if (t->insn.mnemonic == ZYDIS_MNEMONIC_FWAIT) {
        if (t->mode & MODE_WAIT)
            emit(t, x87_wait);
        else
            translate_fault(t, EXC_NM);
        return true;
    }
    if (t->insn.mnemonic == ZYDIS_MNEMONIC_EMMS) {
        if (t->mode & (MODE_EM | MODE_TS))
            translate_fault(t, t->mode & MODE_EM ? EXC_UD : EXC_NM);
        else
            emit(t, x87_emms);
        return true;
    }
    if (t->insn.opcode_map != ZYDIS_OPCODE_MAP_DEFAULT || opcode < 0xd8 || opcode > 0xdf)
        return false;
    rm = t->insn.raw.modrm.rm;
    modrm = (unsigned)(t->insn.raw.modrm.mod << 6 | t->insn.raw.modrm.reg << 3) | rm;
    if (modrm < 0xc0) {
        e = &memory[opcode & 7][modrm >> 3 & 7];
        fixed = true;
    } else {
        e = find_single(opcode << 8 | modrm);
        fixed = e != NULL;
        if (!e)
            e = &registers[opcode & 7][modrm >> 3 & 7];
    }
    if (!e->fn) {
        translate_fault(t, EXC_UD);
        return true;
    }
    if (!(t->mode & MODE_X87)) {
        translate_fault(t, EXC_NM);
        return true;
    }
    if (modrm < 0xc0) {
        translate_memory(t, e, memory_operand(t), (uint16_t)((opcode & 7) << 8 | modrm));
        return true;
    }
    u = emit(t, e->fn);
    u->imm = e->kind;
    u->src = fixed ? e->src : (uint8_t)rm;
    u->dst = e->dst == DST_RM ? (uint8_t)rm : e->dst;
    u->aux = e->pops;
    u->aux16 = (uint16_t)((opcode & 7) << 8 | modrm);
    return true;
}
