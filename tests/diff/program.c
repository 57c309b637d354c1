/* SPDX-License-Identifier: BSD-2-Clause */
/* Random programs: a few instructions whose memory operands can be directed into the window. */
#include "templates.h"

#include <string.h>

/* Registers that the program has written so far, or will use as addresses. */
struct building {
    struct program *p;
    struct rng *g;
    const bool *groups;
    bool single;
    uint16_t written, addresses;
};

static int gpr_number(ZydisRegister reg)
{
    ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
    return ZydisRegisterGetClass(wide) == ZYDIS_REGCLASS_GPR64 ? ZydisRegisterGetId(wide) : -1;
}

/* ---- Bytes ---- */

static unsigned prefixes(struct building *b, const struct template *t, uint8_t *out)
{
    struct rng *g = b->g;
    unsigned n = 0;
    bool vector = t->group >= GROUP_X87;
    if (rng_percent(g, 3))
        out[n++] = 0x67;
    if (rng_percent(g, 5) && !b->p->narrow)
        out[n++] = rng_percent(g, 50) ? 0x64 : 0x65;
    else if (rng_percent(g, 2))
        out[n++] = (uint8_t[]){0x26, 0x2e, 0x36, 0x3e}[rng_below(g, 4)];
    if (t->vex)
        return n;
    if (!vector && t->pp == 0 && t->group != GROUP_BRANCH && rng_percent(g, 20))
        out[n++] = 0x66;
    if (t->group == GROUP_STRING ? rng_percent(g, 65) : rng_percent(g, 1))
        out[n++] = rng_percent(g, 50) ? 0xf2 : 0xf3;
    if (t->group == GROUP_ALU || t->group == GROUP_LOCK || t->group == GROUP_BIT)
        if (rng_percent(g, t->group == GROUP_LOCK ? 70 : 3))
            out[n++] = 0xf0;
    return n;
}

static unsigned random_bytes(struct building *b, const struct template *t, uint8_t *out)
{
    struct rng *g = b->g;
    bool narrow = b->p->narrow;
    unsigned n = prefixes(b, t, out);
    uint8_t rex = !narrow && rng_percent(g, 60) ? (uint8_t)(0x40 | rng_below(g, 16)) : 0;
    if (rex && t->w)
        rex |= 8;
    n += template_opcode(t, out + n, rex, narrow ? 7 : (uint8_t)rng_below(g, 8),
                         t->free_vvvv ? (uint8_t)(rng_below(g, 16) | (narrow ? 8 : 0)) : 15);
    if (t->has_modrm) {
        uint8_t modrm = t->modrm;
        if (modrm == 0x04 && t->vex)
            modrm = (uint8_t)(rng_below(g, 3) << 6 | rng_below(g, 8) << 3 | 4);
        else if (modrm < 0xc0)
            modrm = (uint8_t)((modrm & 0x38) | rng_below(g, 3) << 6 | rng_below(g, 8));
        else if (!t->fixed_rm)
            modrm = (uint8_t)((modrm & 0xf8) | rng_below(g, 8));
        out[n++] = modrm;
    }
    uint64_t tail[2] = {rng_next(g), rng_next(g)};
    memcpy(out + n, tail, 15 - n > sizeof tail ? sizeof tail : 15 - n);
    return 15;
}

static uint64_t edge_immediate(struct rng *g)
{
    static const uint64_t edges[] = {0,          1,          UINT64_MAX, 0x7f,
                                     0x80,       0xff,       0x7fff,     0x8000,
                                     0x7fffffff, 0x80000000, 0xffffffff, UINT64_C(1) << 63};
    return rng_percent(g, 50) ? edges[rng_below(g, 12)] : rng_below(g, 64);
}

/* Displacements and immediates of a decoded instruction; its form stays. */
static void patch(struct building *b, struct insn *insn, uint8_t *bytes)
{
    struct rng *g = b->g;
    const ZydisDecodedInstruction *i = &insn->i;
    const struct program *p = b->p;
    for (unsigned k = 0; k < 2; k++) {
        unsigned size = i->raw.imm[k].size / 8;
        if (size == 0 || i->raw.imm[k].is_relative || !rng_percent(g, 40))
            continue;
        uint64_t value = edge_immediate(g);
        if (i->encoding != ZYDIS_INSTRUCTION_ENCODING_VEX)
            memcpy(bytes + i->raw.imm[k].offset, &value, size);
    }
    if (i->mnemonic == ZYDIS_MNEMONIC_ENTER) {
        const uint16_t frame = (uint16_t)(rng_percent(g, 90) ? rng_below(g, 128) : rng_next(g));
        memcpy(bytes + i->raw.imm[0].offset, &frame, 2);
        if (rng_percent(g, 90))
            bytes[i->raw.imm[1].offset] = (uint8_t)rng_below(g, 5);
    }
    unsigned size = i->raw.disp.size / 8;
    if (size < 4)
        return;
    bool based = false, relative = false;
    for (unsigned o = 0; o < i->operand_count; o++)
        if (insn->ops[o].type == ZYDIS_OPERAND_TYPE_MEMORY &&
            insn->ops[o].mem.disp.has_displacement) {
            based = insn->ops[o].mem.base != ZYDIS_REGISTER_NONE;
            relative = insn->ops[o].mem.base == ZYDIS_REGISTER_RIP ||
                       insn->ops[o].mem.base == ZYDIS_REGISTER_EIP;
        }
    uint64_t value = p->target + (uint64_t)rng_below(g, 64);
    if (relative)
        value -= p->address + p->size + i->length;
    else if (based)
        value = b->single && rng_percent(g, 50) ? rng_next(g) : (uint64_t)rng_below(g, 400) - 200;
    memcpy(bytes + i->raw.disp.offset, &value, size);
}

/* ---- Roles of registers ---- */

static void use_index(struct program *p, const ZydisDecodedOperand *op, int base)
{
    int index = gpr_number(op->mem.index);
    if (ZydisRegisterGetClass(op->mem.index) == ZYDIS_REGCLASS_XMM ||
        ZydisRegisterGetClass(op->mem.index) == ZYDIS_REGCLASS_YMM)
        p->small_vectors |= (uint16_t)(1u << ZydisRegisterGetId(op->mem.index));
    if (index < 0)
        return;
    if (index == base) {
        p->role[index] = ROLE_DOUBLED;
        p->scale[index] = op->mem.scale;
    } else if (p->role[index] == ROLE_ANY) {
        p->role[index] = ROLE_INDEX;
        if (base >= 0 && p->index[base] == 0) {
            p->index[base] = (uint8_t)index;
            p->scale[base] = op->mem.scale;
        }
    }
}

static void use_memory(struct program *p, const ZydisDecodedOperand *op)
{
    int base = gpr_number(op->mem.base);
    if (base >= 0 && p->role[base] == ROLE_ANY) {
        p->role[base] = ROLE_POINTER;
        p->bias[base] = op->mem.disp.has_displacement ? (uint64_t)op->mem.disp.value : 0;
        if (op->mem.segment == ZYDIS_REGISTER_FS)
            p->bias[base] += p->fs_base;
        if (op->mem.segment == ZYDIS_REGISTER_GS)
            p->bias[base] += p->gs_base;
    }
    use_index(p, op, base);
}

static bool is_bit_test(ZydisMnemonic m)
{
    return m == ZYDIS_MNEMONIC_BT || m == ZYDIS_MNEMONIC_BTS || m == ZYDIS_MNEMONIC_BTR ||
           m == ZYDIS_MNEMONIC_BTC;
}

static bool has_wide_indices(ZydisMnemonic m)
{
    return m == ZYDIS_MNEMONIC_VGATHERQPD || m == ZYDIS_MNEMONIC_VGATHERQPS ||
           m == ZYDIS_MNEMONIC_VPGATHERQD || m == ZYDIS_MNEMONIC_VPGATHERQQ;
}

static void assign_roles(struct building *b, const struct insn *insn)
{
    struct program *p = b->p;
    const ZydisDecodedInstruction *i = &insn->i;
    p->wide_indices |= has_wide_indices(i->mnemonic);
    for (unsigned o = 0; o < i->operand_count; o++) {
        const ZydisDecodedOperand *op = &insn->ops[o];
        if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && op->mem.type != ZYDIS_MEMOP_TYPE_AGEN)
            use_memory(p, op);
    }
    if (is_bit_test(i->mnemonic) && insn->ops[0].type == ZYDIS_OPERAND_TYPE_MEMORY &&
        insn->ops[1].type == ZYDIS_OPERAND_TYPE_REGISTER) {
        int r = gpr_number(insn->ops[1].reg.value);
        if (p->role[r] == ROLE_ANY)
            p->role[r] = ROLE_BITS;
    }
    if (i->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE) &&
        p->role[RCX] == ROLE_ANY)
        p->role[RCX] = ROLE_COUNT;
    if (i->mnemonic == ZYDIS_MNEMONIC_DIV || i->mnemonic == ZYDIS_MNEMONIC_IDIV)
        p->divides = true;
}

static uint16_t registers_of(const struct insn *insn, bool written)
{
    uint16_t set = 0;
    for (unsigned o = 0; o < insn->i.operand_count; o++) {
        const ZydisDecodedOperand *op = &insn->ops[o];
        int r = -1;
        if (written && op->type == ZYDIS_OPERAND_TYPE_REGISTER &&
            (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
            r = gpr_number(op->reg.value);
        if (r >= 0 && r != RSP)
            set |= (uint16_t)(1u << r);
        if (!written && op->type == ZYDIS_OPERAND_TYPE_MEMORY) {
            int base = gpr_number(op->mem.base), index = gpr_number(op->mem.index);
            if (base >= 0)
                set |= (uint16_t)(1u << base);
            if (index >= 0)
                set |= (uint16_t)(1u << index);
        }
    }
    return set;
}

/* ---- Programs ---- */

static bool add_insn(struct building *b, const struct template *t)
{
    struct program *p = b->p;
    uint8_t bytes[32];
    struct insn *insn = &p->at[p->count];
    unsigned n = random_bytes(b, t, bytes);
    if (!decode(p->narrow, bytes, n, insn))
        return false;
    unsigned group = group_of(&insn->i, insn->ops);
    if (group == GROUP_COUNT || !b->groups[group])
        return false;
    uint16_t uses = registers_of(insn, false), writes = registers_of(insn, true);
    bool string = group == GROUP_STRING;
    /* The area is masked and prepared for a program's only instruction, with its mask in EAX. */
    if ((group == GROUP_FXSAVE || group == GROUP_XSAVE) &&
        (p->count || !b->single || (uses & (1u << RAX | 1u << RDX))))
        return false;
    if (p->count && (p->at[0].group == GROUP_FXSAVE || p->at[0].group == GROUP_XSAVE))
        return false;
    if (!b->single && ((uses & b->written) || (!string && (writes & b->addresses))) &&
        !rng_percent(b->g, 10))
        return false;
    patch(b, insn, bytes);
    if (!decode(p->narrow, bytes, n, insn))
        return false;
    b->written |= writes;
    b->addresses |= uses;
    assign_roles(b, insn);
    insn->off = p->size;
    insn->group = (uint8_t)group;
    memcpy(p->bytes + p->size, bytes, insn->i.length);
    p->size = (uint16_t)(p->size + insn->i.length);
    p->count++;
    return true;
}

static uint64_t address_of(const struct program *p, unsigned index)
{
    return p->address + (index < p->count ? p->at[index].off : p->size);
}

/* Branches go forward, to an instruction or the end. */
static void direct_branches(struct program *p, struct rng *g)
{
    for (unsigned n = 0; n < p->count; n++) {
        const struct insn *insn = &p->at[n];
        const ZydisDecodedInstruction *i = &insn->i;
        uint64_t to = address_of(p, n + 1 + rng_below(g, p->count - n));
        if (i->raw.imm[0].is_relative && i->raw.imm[0].size) {
            uint64_t delta = to - (p->address + insn->off + i->length);
            if (i->raw.imm[0].size == 8 || !rng_percent(g, 3))
                memcpy(p->bytes + insn->off + i->raw.imm[0].offset, &delta, i->raw.imm[0].size / 8);
            continue;
        }
        if (i->meta.category == ZYDIS_CATEGORY_RET)
            p->planted = to;
        if (i->meta.category != ZYDIS_CATEGORY_CALL && i->meta.category != ZYDIS_CATEGORY_UNCOND_BR)
            continue;
        if (insn->ops[0].type == ZYDIS_OPERAND_TYPE_MEMORY)
            p->planted = to;
        int r = insn->ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER
                    ? gpr_number(insn->ops[0].reg.value)
                    : -1;
        if (r >= 0 && p->role[r] == ROLE_ANY) {
            p->role[r] = ROLE_LABEL;
            p->label[r] = to;
        }
    }
}

static unsigned pick_group(const bool *groups, struct rng *g)
{
    unsigned n;
    do
        n = rng_below(g, GROUP_COUNT);
    while (!groups[n]);
    return n;
}

static uint64_t small_base(struct rng *g)
{
    return rng_percent(g, 60) ? 0 : (uint64_t)rng_below(g, 4096) - 2048;
}

static void generate(struct program *p, struct rng *g, const bool *groups, bool narrow)
{
    struct building b = {.p = p, .g = g, .groups = groups};
    memset(p, 0, offsetof(struct program, at));
    memset(&p->size, 0, sizeof *p - offsetof(struct program, size));
    p->narrow = narrow;
    b.single = rng_percent(g, 50);
    p->address = CODE + rng_below(g, PAGE - 200);
    if (rng_percent(g, 20))
        p->address = CODE + PAGE - rng_below(g, 60);
    p->target = DATA + rng_below(g, DATA_SIZE + 64) - 32;
    if (!narrow) {
        p->fs_base = small_base(g);
        p->gs_base = small_base(g);
    }
    p->role[RSP] = ROLE_POINTER;
    unsigned main_group = pick_group(groups, g);
    if (main_group == GROUP_FXSAVE || main_group == GROUP_XSAVE)
        b.single = true;
    unsigned wanted = b.single ? 1 : 2 + rng_below(g, 5);
    for (unsigned tries = 0; p->count < wanted && tries < 200; tries++) {
        unsigned group = rng_percent(g, 60) ? main_group : pick_group(groups, g);
        const struct template *t = template_pick(narrow, group, g);
        if (t)
            add_insn(&b, t);
    }
    direct_branches(p, g);
    uint32_t end = (uint32_t)(STUB + (narrow ? 64 : 0) - (p->address + p->size + 5));
    p->bytes[p->size] = 0xe9;
    memcpy(p->bytes + p->size + 1, &end, 4);
    p->size = (uint16_t)(p->size + 5);
}

void program_generate(struct program *p, struct rng *g, const bool *groups, bool narrow)
{
    do
        generate(p, g, groups, narrow);
    while (p->count == 0 || !program_analyse(p));
}

/* The last 16 bytes tell where the program before lies. */
void code_replace(uint8_t *pages, const struct program *p)
{
    uint8_t *note = pages + CODE_SIZE - 16;
    uint16_t at[2];
    memcpy(at, note, 4);
    if (at[1] == 0)
        memset(pages, 0xcc, CODE_SIZE);
    else
        memset(pages + at[0], 0xcc, at[1]);
    at[0] = (uint16_t)(p->address - CODE);
    at[1] = p->size;
    memcpy(pages + at[0], p->bytes, p->size);
    memcpy(note, at, 4);
}

/* ---- What is undefined ---- */

static bool undefined_result(const ZydisDecodedInstruction *i)
{
    switch (i->mnemonic) {
    case ZYDIS_MNEMONIC_BSWAP:
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD:
        return i->operand_width == 16;
    default:
        return false;
    }
}

static bool is_branch(const ZydisDecodedInstruction *i)
{
    return i->meta.category == ZYDIS_CATEGORY_COND_BR ||
           i->meta.category == ZYDIS_CATEGORY_UNCOND_BR ||
           i->meta.category == ZYDIS_CATEGORY_CALL || i->meta.category == ZYDIS_CATEGORY_RET;
}

/* What vendors define differently. */
static bool vendor_specific(const struct program *p, const ZydisDecodedInstruction *i)
{
    bool narrow_operand = i->attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE;
    /* AMD: a 16-bit offset; Intel: no effect. */
    if (!p->narrow && narrow_operand && is_branch(i))
        return true;
    /* AMD: F2 and F3 choose between LOOPE and LOOPNE. */
    if ((i->mnemonic == ZYDIS_MNEMONIC_LOOPE || i->mnemonic == ZYDIS_MNEMONIC_LOOPNE) &&
        (i->raw.prefix_count > (i->attributes & ZYDIS_ATTRIB_HAS_REX ? 1 : 0)))
        return true;
    /* AMD: no such form with a register. */
    if (i->opcode_map == ZYDIS_OPCODE_MAP_0F && i->opcode == 0x0d && i->raw.modrm.mod == 3)
        return true;
    /* AMD cuts the address of each element to the address size. */
    if (i->address_width == (p->narrow ? 16 : 32) &&
        i->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX &&
        ((i->opcode >= 0x2c && i->opcode <= 0x2f) || i->opcode == 0x8c || i->opcode == 0x8e) &&
        i->opcode_map == ZYDIS_OPCODE_MAP_0F38)
        return true;
    /* AMD: no 64-bit form in 32-bit code; Intel ignores W. */
    if (p->narrow && i->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX && i->raw.vex.W &&
        (i->mnemonic == ZYDIS_MNEMONIC_VPINSRD || i->mnemonic == ZYDIS_MNEMONIC_VPEXTRD))
        return true;
    /* The software CPU checks the segment of a masked store whatever the mask says; only CS differs
     * from the rest. */
    if (p->narrow && (i->attributes & ZYDIS_ATTRIB_HAS_SEGMENT_CS) &&
        i->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX &&
        (i->opcode == 0x8e || i->opcode >> 1 == 0x17))
        return true;
    /* AMD reads 32 bits. */
    return i->mnemonic == ZYDIS_MNEMONIC_MOVSXD && i->operand_width == 16;
}

/* Whether the flags may stay as they were. */
static bool conditional_flags(const ZydisDecodedInstruction *i)
{
    return i->meta.category == ZYDIS_CATEGORY_SHIFT || i->meta.category == ZYDIS_CATEGORY_ROTATE ||
           i->meta.category == ZYDIS_CATEGORY_STRINGOP;
}

bool program_analyse(struct program *p)
{
    uint64_t undefined = 0;
    bool branched = false;
    unsigned off = 0;
    p->count = 0;
    p->bases_change = p->pops_flags = false;
    p->undefined[0] = 0;
    for (; p->count <= PROGRAM_INSNS; p->count++) {
        struct insn end, *insn = p->count < PROGRAM_INSNS ? &p->at[p->count] : &end;
        if (off >= p->size || !decode(p->narrow, p->bytes + off, p->size - off, insn))
            return false;
        const ZydisDecodedInstruction *i = &insn->i;
        if (off + i->length == p->size)
            return p->count != 0;
        if (p->count == PROGRAM_INSNS)
            return false;
        insn->off = (uint16_t)off;
        insn->group = (uint8_t)group_of(i, insn->ops);
        if (insn->group == GROUP_COUNT || undefined_result(i) || vendor_specific(p, i))
            return false;
        branched |= is_branch(i);
        p->bases_change |= insn->group == GROUP_FSGSBASE;
        p->pops_flags |=
            insn->group == GROUP_STACK && i->cpu_flags && i->cpu_flags->modified & FLAG_TF;
        if (i->cpu_flags) {
            if (i->cpu_flags->tested & undefined)
                return false;
            if (!branched && !conditional_flags(i))
                undefined &=
                    ~(uint64_t)(i->cpu_flags->modified | i->cpu_flags->set_0 | i->cpu_flags->set_1);
            undefined |= i->cpu_flags->undefined;
        }
        p->undefined[p->count + 1] = undefined;
        off += i->length;
    }
    return false;
}
