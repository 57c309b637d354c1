/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VMACCEL_TESTS_DIFF_TEMPLATES_H
#define VMACCEL_TESTS_DIFF_TEMPLATES_H

#include "diff.h"

struct template
{
    uint16_t mnemonic;
    uint8_t group;
    uint8_t map, opcode, pp; /* pp: index into mandatory_prefix */
    uint8_t w, l;
    uint8_t modrm; /* its reg field is part of the opcode, or may be changed if it is not */
    bool vex, has_modrm, fixed_rm, free_vvvv;
};
extern const uint8_t mandatory_prefix[4];
extern ZydisDecoder decoders[2];

bool decode(bool narrow, const uint8_t *bytes, size_t size, struct insn *insn);
/* Prefixes of the template and opcode; returns the number of bytes. vex_rxb and vvvv as encoded. */
unsigned template_opcode(const struct template *t, uint8_t *out, uint8_t rex, uint8_t vex_rxb,
                         uint8_t vvvv);
const struct template *template_pick(bool narrow, unsigned group, struct rng *g);
unsigned template_mnemonics(bool narrow, unsigned group);

#endif
