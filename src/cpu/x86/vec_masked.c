/* SPDX-License-Identifier: BSD-2-Clause */
/* Accesses element by element: masked moves, gathers, MASKMOVDQU. Elements that the mask leaves out
 * are not touched and cannot fault. */
#include "cpu/x86/vec_uops.h"

#define WIDE 0x08u /* aux: elements of 8 bytes, else 4 */

static inline bool selected(const cpu_vec *mask, unsigned k, unsigned size)
{
    return mask->u8[(k + 1) * size - 1] & 0x80;
}

VEC_UOP masked_load(struct cpu *c, const struct uop *u)
{
    const uint64_t linear = uop_ea(c, u);
    const unsigned bytes = u->aux16 & VU_SIZE, size = u->aux & WIDE ? 8 : 4;
    const cpu_vec *mask = &c->v[u->src];
    cpu_vec r = {{0}};
    for (unsigned k = 0; k < bytes / size; k++) {
        if (!selected(mask, k, size))
            continue;
        if (!cpu_load_element(c, u, linear + k * size, size))
            return NULL;
        memcpy(&r.u8[k * size], &c->ld, size);
    }
    c->v[u->dst] = r;
    END_SLOW(c, u);
}

/* Nothing is stored where an element would fault. */
static bool probe_selected(struct cpu *c, const struct uop *u, uint64_t linear, const cpu_vec *mask,
                           unsigned count, unsigned size)
{
    for (unsigned k = 0; k < count; k++)
        if (selected(mask, k, size) && !cpu_probe_element(c, u, linear + k * size, size))
            return false;
    return true;
}

static bool store_selected(struct cpu *c, const struct uop *u, uint64_t linear, const cpu_vec *mask,
                           const cpu_vec *data, unsigned count, unsigned size)
{
    for (unsigned k = 0; k < count; k++)
        if (selected(mask, k, size) &&
            !cpu_store_element(c, u, linear + k * size, size, &data->u8[k * size]))
            return false;
    return true;
}

VEC_UOP masked_store(struct cpu *c, const struct uop *u)
{
    const unsigned size = u->aux & WIDE ? 8 : 4, count = (u->aux16 & VU_SIZE) / size;
    const uint64_t linear = uop_ea(c, u);
    if (!probe_selected(c, u, linear, &c->v[u->src], count, size) ||
        !store_selected(c, u, linear, &c->v[u->src], &c->v[u->dst], count, size))
        return NULL;
    END_SLOW(c, u);
}

/* These may fault, and on some CPUs do, whatever the mask says. */
VEC_UOP maskmovdqu(struct cpu *c, const struct uop *u)
{
    const uint64_t linear = uop_ea(c, u);
    if (!cpu_probe_store(c, u, linear, 16) ||
        !store_selected(c, u, linear, &c->v[u->src], &c->v[u->dst], 16, 1))
        return NULL;
    END_SLOW(c, u);
}

VEC_UOP maskmovq(struct cpu *c, const struct uop *u)
{
    const cpu_vec mask = {.u64 = {c->x87.st[u->src].mant}};
    const cpu_vec data = {.u64 = {c->x87.st[u->dst].mant}};
    if (vec_mmx_pending(c))
        return cpu_raise(c, u, EXC_MF);
    const uint64_t linear = uop_ea(c, u);
    if (!cpu_probe_store(c, u, linear, 8) || !store_selected(c, u, linear, &mask, &data, 8, 1))
        return NULL;
    x87_enter_mmx(&c->x87);
    END_SLOW(c, u);
}

/* ---- Gathers: index is the register of indexes, src the mask ---- */

#define GATHER_WIDE_INDEX 0x10u /* aux */
#define GATHER_COUNT      0x0fu
#define GATHER_ADDRESS32  0x20u /* aux16 */

/* Each element that arrives leaves the mask: a fault in a later one repeats only what is left. */
VEC_UOP gather(struct cpu *c, const struct uop *u)
{
    const unsigned count = u->aux & GATHER_COUNT, size = u->aux16 & ~GATHER_ADDRESS32;
    cpu_vec *d = &c->v[u->dst], *mask = &c->v[u->src];
    const cpu_vec *indexes = &c->v[u->index];
    for (unsigned k = 0; k < count; k++) {
        const uint64_t index =
            u->aux & GATHER_WIDE_INDEX ? indexes->u64[k] : (uint64_t)(int64_t)indexes->s32[k];
        uint64_t offset = R64(c, u->base) + (index << u->scale) + (uint64_t)(int64_t)u->disp;
        uint64_t linear;
        if (selected(mask, k, size)) {
            if (u->aux16 & GATHER_ADDRESS32)
                offset = (uint32_t)offset;
            if (!cpu_linear(c, u, u->seg, offset, size, false, &linear) ||
                !cpu_load_element(c, u, linear, size))
                return NULL;
            memcpy(&d->u8[k * size], &c->ld, size);
        }
        memset(&mask->u8[k * size], 0, size);
    }
    /* What lies above the elements becomes zero in both. */
    memset(&d->u8[count * size], 0, sizeof *d - count * size);
    memset(mask, 0, sizeof *mask);
    END_SLOW(c, u);
}

static uint8_t segment_of(ZydisRegister reg)
{
    switch (reg) {
    case ZYDIS_REGISTER_ES:
        return SEG_ES;
    case ZYDIS_REGISTER_CS:
        return SEG_CS;
    case ZYDIS_REGISTER_SS:
        return SEG_SS;
    case ZYDIS_REGISTER_FS:
        return SEG_FS;
    case ZYDIS_REGISTER_GS:
        return SEG_GS;
    default:
        return SEG_DS;
    }
}

static void emit_gather(struct translator *t, unsigned size, bool wide_index)
{
    const ZydisDecodedOperandMem *m = &t->ops[1].mem;
    const uint8_t d = vec_reg(&t->ops[0]), mask = vec_reg(&t->ops[2]);
    const uint8_t index = (uint8_t)ZydisRegisterGetId(m->index);
    const unsigned bytes = t->insn.avx.vector_length / 8;
    if (d == mask || d == index || mask == index) {
        translate_fault(t, EXC_UD);
        return;
    }
    struct uop *u = emit(t, gather);
    u->dst = d;
    u->src = mask;
    u->index = index;
    if (m->base != ZYDIS_REGISTER_NONE)
        u->base = translate_gpr(m->base);
    u->scale = (uint8_t)(m->scale == 8 ? 3 : m->scale == 4 ? 2 : m->scale == 2 ? 1 : 0);
    u->seg = segment_of(m->segment);
    u->disp = m->disp.has_displacement ? (int32_t)m->disp.value : 0;
    /* As many elements as the wider of element and index allows. */
    u->aux = (uint8_t)(bytes / (wide_index || size == 8 ? 8 : 4));
    u->aux |= wide_index ? GATHER_WIDE_INDEX : 0;
    u->aux16 = (uint16_t)(size | (t->insn.address_width == 64 ? 0 : GATHER_ADDRESS32));
}

static void emit_masked(struct translator *t, unsigned element)
{
    const bool store = vec_is_mem(&t->ops[0]);
    const ZydisDecodedOperand *m = &t->ops[store ? 0 : 2];
    struct uop *u = vec_emit_mem(t, store ? masked_store : masked_load, m,
                                 t->insn.avx.vector_length / 8, store);
    u->dst = vec_reg(&t->ops[store ? 2 : 0]);
    u->src = vec_reg(&t->ops[1]);
    u->aux = element == 8 ? WIDE : 0;
}

/* The memory operand is hidden: DS:rDI. */
static void emit_maskmov(struct translator *t, uop_fn fn, unsigned size)
{
    struct uop *u = vec_emit_mem(t, fn, &t->ops[2], size, true);
    u->dst = vec_reg(&t->ops[0]);
    u->src = vec_reg(&t->ops[1]);
}

bool vec_translate_masked(struct translator *t)
{
    switch (t->insn.mnemonic) {
    case ZYDIS_MNEMONIC_VMASKMOVPS:
    case ZYDIS_MNEMONIC_VPMASKMOVD:
        emit_masked(t, 4);
        return true;
    case ZYDIS_MNEMONIC_VMASKMOVPD:
    case ZYDIS_MNEMONIC_VPMASKMOVQ:
        emit_masked(t, 8);
        return true;
    case ZYDIS_MNEMONIC_MASKMOVDQU:
    case ZYDIS_MNEMONIC_VMASKMOVDQU:
        emit_maskmov(t, maskmovdqu, 16);
        return true;
    case ZYDIS_MNEMONIC_MASKMOVQ:
        emit_maskmov(t, maskmovq, 8);
        return true;
    case ZYDIS_MNEMONIC_VGATHERDPS:
    case ZYDIS_MNEMONIC_VPGATHERDD:
        emit_gather(t, 4, false);
        return true;
    case ZYDIS_MNEMONIC_VGATHERDPD:
    case ZYDIS_MNEMONIC_VPGATHERDQ:
        emit_gather(t, 8, false);
        return true;
    case ZYDIS_MNEMONIC_VGATHERQPS:
    case ZYDIS_MNEMONIC_VPGATHERQD:
        emit_gather(t, 4, true);
        return true;
    case ZYDIS_MNEMONIC_VGATHERQPD:
    case ZYDIS_MNEMONIC_VPGATHERQQ:
        emit_gather(t, 8, true);
        return true;
    default:
        return false;
    }
}
