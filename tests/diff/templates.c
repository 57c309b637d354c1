/* SPDX-License-Identifier: BSD-2-Clause */
/* All opcodes that decode to an allowed instruction, by group and mnemonic. */
#include "templates.h"

#include <stdlib.h>
#include <string.h>

const uint8_t mandatory_prefix[4] = {0, 0x66, 0xf3, 0xf2};

static struct template *all[2];
static size_t counts[2];
/* Mnemonics of a group: the first template of each, in all[]. */
static struct mnemonic_range {
    uint32_t first, count;
} * ranges[2];
static size_t range_counts[2];
static struct {
    uint32_t first, count;
} by_group[2][GROUP_COUNT];

ZydisDecoder decoders[2];

bool decode(bool narrow, const uint8_t *bytes, size_t size, struct insn *insn)
{
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoders[narrow], bytes, size, &insn->i, insn->ops)))
        return false;
    /* Zydis 4.0 names R13D as base where MOD 0 leaves it out. */
    for (unsigned o = 0; o < insn->i.operand_count; o++) {
        ZydisDecodedOperand *op = &insn->ops[o];
        if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && op->mem.base == ZYDIS_REGISTER_R13D &&
            insn->i.raw.modrm.mod == 0) {
            op->mem.base = ZYDIS_REGISTER_NONE;
            op->mem.disp.has_displacement = true;
            op->mem.disp.value = insn->i.raw.disp.value;
        }
    }
    return true;
}

unsigned template_opcode(const struct template *t, uint8_t *out, uint8_t rex, uint8_t vex_rxb,
                         uint8_t vvvv)
{
    unsigned n = 0;
    if (t->vex) {
        uint8_t last = (uint8_t)(t->w << 7 | (vvvv & 15) << 3 | t->l << 2 | t->pp);
        out[n++] = 0xc4;
        out[n++] = (uint8_t)((vex_rxb & 7) << 5 | t->map);
        out[n++] = last;
    } else {
        if (t->pp)
            out[n++] = mandatory_prefix[t->pp];
        if (rex)
            out[n++] = rex;
        if (t->map) {
            out[n++] = 0x0f;
            if (t->map > 1)
                out[n++] = t->map == 2 ? 0x38 : 0x3a;
        }
    }
    out[n++] = t->opcode;
    return n;
}

static void add(bool narrow, struct template *t)
{
    uint8_t bytes[24] = {0};
    struct insn insn;
    unsigned n = template_opcode(t, bytes, 0, 7, 15);
    bytes[n] = t->modrm;
    if (!decode(narrow, bytes, 15, &insn)) {
        /* Only without a third register, or only with one: gathers want three different ones. */
        if (!t->vex)
            return;
        template_opcode(t, bytes, 0, 7, 12);
        bytes[n] = t->modrm = (uint8_t)(t->modrm == 0x03 ? 0x04 : t->modrm);
        bytes[n + 1] = 0x13;
        if (!decode(narrow, bytes, 15, &insn))
            return;
    }
    if (t->vex) {
        struct insn other;
        template_opcode(t, bytes, 0, 7, 11);
        t->free_vvvv = decode(narrow, bytes, 15, &other);
    }
    unsigned group = group_of(&insn.i, insn.ops);
    if (group == GROUP_COUNT)
        return;
    t->group = (uint8_t)group;
    t->mnemonic = (uint16_t)insn.i.mnemonic;
    t->has_modrm = insn.i.attributes & ZYDIS_ATTRIB_HAS_MODRM;
    if (!t->has_modrm && t->modrm != 0x03)
        return;
    static size_t capacity[2];
    if (counts[narrow] == capacity[narrow]) {
        capacity[narrow] = capacity[narrow] ? capacity[narrow] * 2 : 4096;
        all[narrow] = realloc(all[narrow], capacity[narrow] * sizeof *t);
        if (!all[narrow])
            abort();
    }
    all[narrow][counts[narrow]++] = *t;
}

static void add_forms(bool narrow, struct template t)
{
    bool x87 = !t.vex && t.map == 0 && t.opcode >= 0xd8 && t.opcode <= 0xdf;
    bool system = !t.vex && t.map == 1 && (t.opcode == 0x01 || t.opcode == 0xae);
    for (unsigned reg = 0; reg < 8; reg++) {
        t.modrm = (uint8_t)(reg << 3 | 3);
        add(narrow, &t);
        t.fixed_rm = x87 || system;
        for (unsigned rm = 0; rm < (t.fixed_rm ? 8u : 1u); rm++) {
            t.modrm = (uint8_t)(0xc0 | reg << 3 | rm);
            add(narrow, &t);
        }
        t.fixed_rm = false;
    }
}

static int by_key(const void *left, const void *right)
{
    const struct template *a = left, *b = right;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    return a->mnemonic < b->mnemonic ? -1 : a->mnemonic > b->mnemonic;
}

static void index_templates(bool narrow)
{
    qsort(all[narrow], counts[narrow], sizeof *all[narrow], by_key);
    ranges[narrow] = calloc(counts[narrow] + 1, sizeof *ranges[narrow]);
    if (!ranges[narrow])
        abort();
    for (size_t i = 0; i < counts[narrow]; i++) {
        const struct template *t = &all[narrow][i];
        if (i == 0 || by_key(t, t - 1) != 0) {
            if (by_group[narrow][t->group].count++ == 0)
                by_group[narrow][t->group].first = (uint32_t)range_counts[narrow];
            ranges[narrow][range_counts[narrow]++].first = (uint32_t)i;
        }
        ranges[narrow][range_counts[narrow] - 1].count++;
    }
}

void generator_init(void)
{
    ZydisDecoderInit(&decoders[0], ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisDecoderInit(&decoders[1], ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32);
    for (unsigned narrow = 0; narrow < 2; narrow++) {
        struct template t = {0};
        for (unsigned map = 0; map < 4; map++)
            for (unsigned pp = 0; pp < 4; pp++)
                for (unsigned opcode = 0; opcode < 256; opcode++) {
                    t = (struct template){
                        .map = (uint8_t)map, .pp = (uint8_t)pp, .opcode = (uint8_t)opcode};
                    add_forms(narrow, t);
                }
        for (unsigned map = 1; map < 4; map++)
            for (unsigned bits = 0; bits < 16; bits++)
                for (unsigned opcode = 0; opcode < 256; opcode++) {
                    t = (struct template){.vex = true,
                                          .map = (uint8_t)map,
                                          .pp = bits & 3,
                                          .l = bits >> 2 & 1,
                                          .w = (uint8_t)(bits >> 3),
                                          .opcode = (uint8_t)opcode};
                    add_forms(narrow, t);
                }
        index_templates(narrow);
    }
}

const struct template *template_pick(bool narrow, unsigned group, struct rng *g)
{
    if (by_group[narrow][group].count == 0)
        return NULL;
    const struct mnemonic_range *r = &ranges[narrow][by_group[narrow][group].first +
                                                     rng_below(g, by_group[narrow][group].count)];
    return &all[narrow][r->first + rng_below(g, r->count)];
}

unsigned template_mnemonics(bool narrow, unsigned group)
{
    return by_group[narrow][group].count;
}
