/* SPDX-License-Identifier: BSD-2-Clause */
/* FXSAVE, XSAVE and their relatives, XCR0 and PKRU. */
#include <string.h>

#include "cpu/x86/xsave.h"

#define AT_MXCSR      24u
#define AT_XMM        160u
#define MXCSR_INITIAL 0x1f80u

static const struct uop *fault(struct cpu *c, const struct uop *u)
{
    return cpu_raise_error(c, u, EXC_GP, 0);
}

static unsigned vectors(const struct cpu *c)
{
    return c->mode & MODE_CODE64 ? 16 : 8;
}

/* ---- Memory, in pieces ---- */

struct piece {
    uint32_t at, size;
    const void *data;
};

#define CHUNK 64u

/* Everything, or nothing and a fault. */
static bool store_pieces(struct cpu *c, const struct uop *u, uint64_t linear,
                         const struct piece *pieces, unsigned count)
{
    for (unsigned pass = 0; pass < 2; pass++)
        for (unsigned i = 0; i < count; i++) {
            const uint8_t *data = pieces[i].data;
            for (uint32_t done = 0; done < pieces[i].size; done += CHUNK) {
                uint32_t left = pieces[i].size - done, part = left < CHUNK ? left : CHUNK;
                uint64_t at = linear + pieces[i].at + done;
                if (pass == 0 ? !cpu_probe_store(c, u, at, part)
                              : !cpu_store_bytes(c, u, at, part, data + done))
                    return false;
            }
        }
    return true;
}

static bool load_piece(struct cpu *c, const struct uop *u, uint64_t linear, void *to, uint32_t size)
{
    for (uint32_t done = 0; done < size; done += CHUNK) {
        uint32_t part = size - done < CHUNK ? size - done : CHUNK;
        if (!cpu_load(c, u, linear + done, part))
            return false;
        memcpy((uint8_t *)to + done, c->ld.u8, part);
    }
    return true;
}

/* ---- FXSAVE, FXRSTOR. imm: 64-bit pointers ---- */

static const struct uop *op_fxsave(struct cpu *c, const struct uop *u)
{
    struct xsave_image image;
    uint64_t linear = uop_ea(c, u);

    if (linear & 15)
        return fault(c, u);
    xsave_put(c, &image, CPU_XCR0, vectors(c), cpu_mxcsr(c), u->imm);
    const struct piece piece = {0, AT_XMM + 16 * vectors(c), image.legacy};
    if (!store_pieces(c, u, linear, &piece, 1))
        return NULL;
    END_SLOW(c, u);
}

static const struct uop *op_fxrstor(struct cpu *c, const struct uop *u)
{
    struct xsave_image image;
    uint64_t linear = uop_ea(c, u), both = XSAVE_BIT_X87 | XSAVE_BIT_SSE;

    if (linear & 15)
        return fault(c, u);
    if (!load_piece(c, u, linear, image.legacy, sizeof image.legacy))
        return NULL;
    if (xsave_mxcsr(&image) & ~MXCSR_DEFINED)
        return fault(c, u);
    xsave_get(c, &image, both, both, vectors(c), u->imm);
    cpu_set_mxcsr(c, xsave_mxcsr(&image));
    return cpu_leave(c, u);
}

/* ---- XSAVE: aux: which; imm: 64-bit pointers ---- */

enum { PLAIN, OPTIMIZED, COMPACT, SUPERVISOR };

static uint64_t requested(const struct cpu *c, bool supervisor)
{
    uint64_t mask = (uint32_t)c->r[RAX] | c->r[RDX] << 32;

    return mask & (supervisor ? c->xcr0 | c->msr.xss : c->xcr0);
}

static const struct uop *op_xsave(struct cpu *c, const struct uop *u)
{
    struct xsave_image image;
    struct piece pieces[7];
    uint64_t linear = uop_ea(c, u), rfbm = requested(c, u->aux == SUPERVISOR);
    uint64_t in_use = xsave_in_use(c), header[2] = {0, XSAVE_COMPACT | rfbm};
    uint32_t mxcsr = cpu_mxcsr(c);
    unsigned n = 0;
    bool compact = u->aux >= COMPACT;

    if (linear & 63)
        return fault(c, u);
    if (compact && mxcsr != MXCSR_INITIAL)
        in_use |= XSAVE_BIT_SSE;
    uint64_t written = u->aux == PLAIN ? rfbm : rfbm & in_use;
    if (compact) {
        header[0] = written;
    } else {
        if (!cpu_load(c, u, linear + XSAVE_HEADER, 8))
            return NULL;
        header[0] = (c->ld.u64[0] & ~rfbm) | (in_use & rfbm);
    }
    xsave_put(c, &image, written, vectors(c), mxcsr, u->imm);
    if (written & XSAVE_BIT_X87) {
        pieces[n++] = (struct piece){0, AT_MXCSR, image.legacy};
        pieces[n++] = (struct piece){32, 128, image.legacy + 32};
    }
    if (compact ? written & XSAVE_BIT_SSE : rfbm & (XSAVE_BIT_SSE | XSAVE_BIT_AVX))
        pieces[n++] = (struct piece){AT_MXCSR, 8, image.legacy + AT_MXCSR};
    if (written & XSAVE_BIT_SSE)
        pieces[n++] = (struct piece){AT_XMM, 16 * vectors(c), image.legacy + AT_XMM};
    if (written & XSAVE_BIT_AVX)
        pieces[n++] = (struct piece){XSAVE_AVX_OFFSET, 16 * vectors(c), image.avx};
    if (written & XSAVE_BIT_PKRU)
        pieces[n++] = (struct piece){compact ? xsave_offset(rfbm, XSAVE_PKRU) : XSAVE_PKRU_OFFSET,
                                     8, &image.pkru};
    pieces[n++] = (struct piece){XSAVE_HEADER, compact ? 16 : 8, header};
    if (!store_pieces(c, u, linear, pieces, n))
        return NULL;
    END_SLOW(c, u);
}

/* ---- XRSTOR ---- */

static bool zero(const uint8_t *bytes, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

/* What the header must not have. */
static bool header_valid(const struct cpu *c, const uint8_t *header, bool supervisor)
{
    uint64_t bv, comp, enabled = supervisor ? c->xcr0 | c->msr.xss : c->xcr0;

    memcpy(&bv, header, 8);
    memcpy(&comp, header + 8, 8);
    if (comp & XSAVE_COMPACT)
        return cpu_has(c, FEATURE_XSAVEC) && !(comp & ~XSAVE_COMPACT & ~enabled) && !(bv & ~comp) &&
               zero(header + 16, 48);
    return !supervisor && !(bv & ~enabled) && zero(header + 8, 16);
}

static const struct uop *op_xrstor(struct cpu *c, const struct uop *u)
{
    struct xsave_image image = {0};
    uint8_t header[64];
    uint64_t linear = uop_ea(c, u), bv, comp;
    bool supervisor = u->aux == SUPERVISOR;
    uint64_t rfbm = requested(c, supervisor);

    if (linear & 63)
        return fault(c, u);
    if (!load_piece(c, u, linear + XSAVE_HEADER, header, sizeof header))
        return NULL;
    if (!header_valid(c, header, supervisor))
        return fault(c, u);
    memcpy(&bv, header, 8);
    memcpy(&comp, header + 8, 8);
    bool compact = comp & XSAVE_COMPACT;
    uint64_t loaded = bv & rfbm;
    bool with_mxcsr = compact ? loaded & XSAVE_BIT_SSE : rfbm & (XSAVE_BIT_SSE | XSAVE_BIT_AVX);
    if (((loaded & (XSAVE_BIT_X87 | XSAVE_BIT_SSE)) || with_mxcsr) &&
        !load_piece(c, u, linear, image.legacy, sizeof image.legacy))
        return NULL;
    if ((loaded & XSAVE_BIT_AVX) &&
        !load_piece(c, u, linear + XSAVE_AVX_OFFSET, image.avx, 16 * vectors(c)))
        return NULL;
    uint32_t pkru_at = compact ? xsave_offset(comp, XSAVE_PKRU) : XSAVE_PKRU_OFFSET;
    if ((loaded & XSAVE_BIT_PKRU) && !load_piece(c, u, linear + pkru_at, &image.pkru, 8))
        return NULL;
    uint32_t mxcsr = with_mxcsr                          ? xsave_mxcsr(&image)
                     : compact && (rfbm & XSAVE_BIT_SSE) ? MXCSR_INITIAL
                                                         : cpu_mxcsr(c);
    if (mxcsr & ~MXCSR_DEFINED)
        return fault(c, u);
    xsave_get(c, &image, rfbm, loaded, vectors(c), u->imm);
    cpu_set_mxcsr(c, mxcsr);
    return cpu_leave(c, u);
}

/* ---- XCR0, PKRU ---- */

static const struct uop *op_xgetbv(struct cpu *c, const struct uop *u)
{
    uint32_t index = (uint32_t)c->r[RCX];
    uint64_t value = c->xcr0;

    if (index > 1 || (index == 1 && !cpu_has(c, FEATURE_XGETBV1)))
        return fault(c, u);
    if (index == 1)
        value &= xsave_in_use(c) | (cpu_mxcsr(c) != MXCSR_INITIAL ? XSAVE_BIT_SSE : 0);
    c->r[RAX] = (uint32_t)value;
    c->r[RDX] = value >> 32;
    NEXT_SLOW(c, u);
}

static const struct uop *op_xsetbv(struct cpu *c, const struct uop *u)
{
    uint64_t value = (uint32_t)c->r[RAX] | c->r[RDX] << 32;

    if ((uint32_t)c->r[RCX] != 0 || !cpu_set_xcr0(c, value))
        return fault(c, u);
    return cpu_leave(c, u);
}

static const struct uop *op_rdpkru(struct cpu *c, const struct uop *u)
{
    if (!(c->cr4 & X86_CR4_PKE))
        return cpu_raise(c, u, EXC_UD);
    if ((uint32_t)c->r[RCX] != 0)
        return fault(c, u);
    c->r[RAX] = c->pkru;
    c->r[RDX] = 0;
    NEXT_SLOW(c, u);
}

static const struct uop *op_wrpkru(struct cpu *c, const struct uop *u)
{
    if (!(c->cr4 & X86_CR4_PKE))
        return cpu_raise(c, u, EXC_UD);
    if ((uint32_t)c->r[RCX] != 0 || (uint32_t)c->r[RDX] != 0)
        return fault(c, u);
    c->pkru = (uint32_t)c->r[RAX];
    cpu_flush_tlb(c, true);
    return cpu_leave(c, u);
}

/* ---- Translation ---- */

static bool translate_memory(struct translator *t, uop_fn fn, uint8_t which, unsigned size)
{
    struct address a;

    translate_address(t, &t->ops[0], size, fn == op_xsave || fn == op_fxsave, &a);
    struct uop *u = emit(t, fn);
    uop_set_address(u, &a);
    u->aux = which;
    u->imm = t->insn.operand_width == 64;
    t->ends_block = fn == op_xrstor || fn == op_fxrstor;
    return true;
}

static bool translate_fx(struct translator *t, uop_fn fn)
{
    if (t->mode & (MODE_EM | MODE_TS)) {
        translate_fault(t, EXC_NM);
        return true;
    }
    return translate_memory(t, fn, 0, 512);
}

static bool translate_x(struct translator *t, uop_fn fn, uint8_t which)
{
    if (!(t->mode & MODE_OSXSAVE))
        translate_fault(t, EXC_UD);
    else if (which == SUPERVISOR && T_CPL(t) != 0)
        translate_fault(t, EXC_GP);
    else if (t->mode & MODE_TS)
        translate_fault(t, EXC_NM);
    else
        translate_memory(t, fn, which, XSAVE_AVX_OFFSET);
    return true;
}

static bool translate_plain(struct translator *t, uop_fn fn)
{
    if ((fn == op_xgetbv || fn == op_xsetbv) && !(t->mode & MODE_OSXSAVE)) {
        translate_fault(t, EXC_UD);
    } else if (fn == op_xsetbv && T_CPL(t) != 0) {
        translate_fault(t, EXC_GP);
    } else {
        emit(t, fn);
        t->ends_block = fn == op_xsetbv || fn == op_wrpkru;
    }
    return true;
}

bool sys_translate_state(struct translator *t)
{
    switch (t->insn.mnemonic) {
    case ZYDIS_MNEMONIC_FXSAVE:
    case ZYDIS_MNEMONIC_FXSAVE64:
        return translate_fx(t, op_fxsave);
    case ZYDIS_MNEMONIC_FXRSTOR:
    case ZYDIS_MNEMONIC_FXRSTOR64:
        return translate_fx(t, op_fxrstor);
    case ZYDIS_MNEMONIC_XSAVE:
    case ZYDIS_MNEMONIC_XSAVE64:
        return translate_x(t, op_xsave, PLAIN);
    case ZYDIS_MNEMONIC_XSAVEOPT:
    case ZYDIS_MNEMONIC_XSAVEOPT64:
        return translate_x(t, op_xsave, OPTIMIZED);
    case ZYDIS_MNEMONIC_XSAVEC:
    case ZYDIS_MNEMONIC_XSAVEC64:
        return translate_x(t, op_xsave, COMPACT);
    case ZYDIS_MNEMONIC_XSAVES:
    case ZYDIS_MNEMONIC_XSAVES64:
        return translate_x(t, op_xsave, SUPERVISOR);
    case ZYDIS_MNEMONIC_XRSTOR:
    case ZYDIS_MNEMONIC_XRSTOR64:
        return translate_x(t, op_xrstor, PLAIN);
    case ZYDIS_MNEMONIC_XRSTORS:
    case ZYDIS_MNEMONIC_XRSTORS64:
        return translate_x(t, op_xrstor, SUPERVISOR);
    case ZYDIS_MNEMONIC_XGETBV:
        return translate_plain(t, op_xgetbv);
    case ZYDIS_MNEMONIC_XSETBV:
        return translate_plain(t, op_xsetbv);
    case ZYDIS_MNEMONIC_RDPKRU:
        return translate_plain(t, op_rdpkru);
    case ZYDIS_MNEMONIC_WRPKRU:
        return translate_plain(t, op_wrpkru);
    default:
        return false;
    }
}
