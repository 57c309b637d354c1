/* SPDX-License-Identifier: BSD-2-Clause */
/* SETcc and CMOVcc. */
#include "cpu/x86/int_ops.h"

#define EACH_CONDITION(X)                                                                          \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

#define CONDITIONAL(cc)                                                                            \
    UOP set##cc(struct cpu *c, const struct uop *u)                                                \
    {                                                                                              \
        SETTLE_CONDITION(c, u, cc);                                                                \
        R8(c, u->dst) = int_condition(c, cc);                                                      \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP cmov16_##cc(struct cpu *c, const struct uop *u)                                            \
    {                                                                                              \
        SETTLE_CONDITION(c, u, cc);                                                                \
        if (int_condition(c, cc))                                                                  \
            R16(c, u->dst) = R16(c, u->src);                                                       \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP cmov32_##cc(struct cpu *c, const struct uop *u)                                            \
    {                                                                                              \
        SETTLE_CONDITION(c, u, cc);                                                                \
        R64(c, u->dst) = R32(c, int_condition(c, cc) ? u->src : u->dst);                           \
        NEXT(c, u);                                                                                \
    }                                                                                              \
    UOP cmov64_##cc(struct cpu *c, const struct uop *u)                                            \
    {                                                                                              \
        SETTLE_CONDITION(c, u, cc);                                                                \
        R64(c, u->dst) = R64(c, int_condition(c, cc) ? u->src : u->dst);                           \
        NEXT(c, u);                                                                                \
    }
EACH_CONDITION(CONDITIONAL)

bool int_translate_cond(struct translator *t)
{
#define FNS(cc)                                                                                    \
    {                                                                                              \
        set##cc, cmov16_##cc, cmov32_##cc, cmov64_##cc                                             \
    }
    static const uop_fn fns[16][4] = {FNS(0),  FNS(1),  FNS(2),  FNS(3), FNS(4),  FNS(5),
                                      FNS(6),  FNS(7),  FNS(8),  FNS(9), FNS(10), FNS(11),
                                      FNS(12), FNS(13), FNS(14), FNS(15)};
    int cc = int_cc_of(t->insn.mnemonic);
    if (cc < 0 || t->insn.meta.category == ZYDIS_CATEGORY_COND_BR)
        return false;
    const ZydisDecodedOperand *to = &t->ops[0];
    if (t->insn.operand_count_visible == 1) {
        uint8_t dst = is_reg(to) ? translate_gpr(to->reg.value) : REG_OFF(REG_T0);
        emit(t, fns[cc][0])->dst = dst;
        int_sink(t, to);
        return true;
    }
    uint8_t src = int_source(t, &t->ops[1], false);
    struct uop *u = emit(t, fns[cc][size_log2(to->size)]);
    u->dst = translate_gpr(to->reg.value);
    u->src = src;
    return true;
}
