/* SPDX-License-Identifier: BSD-2-Clause */
/* Lazy flags: what CC_* in internal.h means. */
#include "cpu/x86/internal.h"

static uint64_t sign_of(unsigned size)
{
    return UINT64_C(1) << ((8u << size) - 1);
}

static uint64_t mask_of(unsigned size)
{
    return sign_of(size) * 2 - 1;
}

static bool even_parity(uint64_t value)
{
    return !__builtin_parity((unsigned)(value & 0xff));
}

uint64_t cpu_arith_flags(const struct cpu *c)
{
    unsigned kind = c->cc_op & ~3u, size = c->cc_op & 3;
    if (kind == CC_FLAGS)
        return c->cc_dst & CC_ARITH;
    uint64_t sign = sign_of(size), mask = mask_of(size);
    uint64_t dst = c->cc_dst & mask, src = c->cc_src & mask;
    bool cf = false, of = false, af = false;
    uint64_t other;
    switch (kind) {
    case CC_ADD:
        other = dst - src;
        cf = dst < src;
        of = ((dst ^ other) & (dst ^ src) & sign) != 0;
        af = ((dst ^ other ^ src) & 0x10) != 0;
        break;
    case CC_ADC:
        other = dst - src - 1;
        cf = dst <= src;
        of = ((dst ^ other) & (dst ^ src) & sign) != 0;
        af = ((dst ^ other ^ src) & 0x10) != 0;
        break;
    case CC_SUB:
        other = (dst + src) & mask;
        cf = other < src;
        of = ((other ^ src) & (other ^ dst) & sign) != 0;
        af = ((dst ^ other ^ src) & 0x10) != 0;
        break;
    case CC_SBB:
        other = (dst + src + 1) & mask;
        cf = other <= src;
        of = ((other ^ src) & (other ^ dst) & sign) != 0;
        af = ((dst ^ other ^ src) & 0x10) != 0;
        break;
    case CC_INC:
        cf = c->cc_src & 1;
        of = dst == sign;
        af = (dst & 0xf) == 0;
        break;
    case CC_DEC:
        cf = c->cc_src & 1;
        of = dst == sign - 1;
        af = (dst & 0xf) == 0xf;
        break;
    case CC_SHL:
        cf = (src & sign) != 0;
        of = ((dst ^ src) & sign) != 0;
        break;
    case CC_SHR:
        cf = src & 1;
        of = ((dst ^ src) & sign) != 0;
        break;
    case CC_MUL:
        cf = of = c->cc_src != 0;
        break;
    default: /* CC_LOGIC */
        break;
    }
    return (cf ? X86_FLAGS_CF : 0) | (even_parity(dst) ? X86_FLAGS_PF : 0) |
           (af ? X86_FLAGS_AF : 0) | (dst == 0 ? X86_FLAGS_ZF : 0) |
           (dst & sign ? X86_FLAGS_SF : 0) | (of ? X86_FLAGS_OF : 0);
}

static bool holds(uint64_t flags, unsigned cc)
{
    bool sf = flags & X86_FLAGS_SF, of = flags & X86_FLAGS_OF, zf = flags & X86_FLAGS_ZF;
    switch (cc >> 1) {
    case 0:
        return of;
    case 1:
        return flags & X86_FLAGS_CF;
    case 2:
        return zf;
    case 3:
        return zf || (flags & X86_FLAGS_CF);
    case 4:
        return sf;
    case 5:
        return flags & X86_FLAGS_PF;
    case 6:
        return sf != of;
    default:
        return zf || sf != of;
    }
}

bool cpu_condition(const struct cpu *c, unsigned cc)
{
    unsigned kind = c->cc_op & ~3u, size = c->cc_op & 3;
    bool negate = cc & 1;
    if (kind != CC_FLAGS) {
        uint64_t dst = c->cc_dst & mask_of(size);
        if (cc >> 1 == 2)
            return (dst == 0) != negate;
        if (cc >> 1 == 4)
            return ((dst & sign_of(size)) != 0) != negate;
    }
    return holds(cpu_arith_flags(c), cc) != negate;
}
