/* SPDX-License-Identifier: BSD-2-Clause */
/* Control and debug registers, MSRs, translation caches (Intel SDM vol. 3, "Control Registers"). */
#include <string.h>

#include "cpu/x86/sys.h"

#define CR0_PAE_LOADS  (X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)
#define CR4_PAE_LOADS  (X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP)
#define CR4_FLUSHES    (CR4_PAE_LOADS | X86_CR4_PCIDE | X86_CR4_SMAP | X86_CR4_PKE | X86_CR4_LA57)
#define CR3_NO_FLUSH   X86_BIT(63)
#define PDPTE_RESERVED (~(X86_BIT(CPU_PHYS_BITS) - 1) | UINT64_C(0x1e6))
/* RTM and BLD have no meaning here and read 1. */
#define DR6_ONES     UINT64_C(0xffff0ff0)
#define DR6_WRITABLE UINT64_C(0xe00f)
#define DR6_BD       X86_BIT(13)
#define DR7_WRITABLE UINT64_C(0xffff23ff)
#define DR7_GD       X86_BIT(13)

static const struct uop *fault(struct cpu *c, const struct uop *u)
{
    return cpu_raise_error(c, u, EXC_GP, 0);
}

/* ---- Control registers ---- */

static bool pdptes_of(struct cpu *c, uint64_t cr3, uint64_t pdpte[4])
{
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *host =
            mmu_physical(c, (cr3 & UINT64_C(0xffffffe0)) + UINT64_C(8) * i, false);
        pdpte[i] = host ? os_load64(host) : UINT64_MAX;
        if ((pdpte[i] & 1) && (pdpte[i] & PDPTE_RESERVED))
            return false;
    }
    return true;
}

bool pdptes_read(struct cpu *c, uint64_t cr3, uint64_t pdpte[4])
{
    memcpy(pdpte, c->pdpte, sizeof c->pdpte);
    if (!(c->cr4 & X86_CR4_PAE) || !(c->cr0 & X86_CR0_PG) || (c->efer & X86_EFER_LMA))
        return true;
    return pdptes_of(c, cr3, pdpte);
}

static bool pae_valid(const struct cpu *c, uint64_t cr0)
{
    if (!(c->efer & X86_EFER_LME) || !(cr0 & X86_CR0_PG) || (c->cr0 & X86_CR0_PG))
        return true;
    /* Into long mode: with PAE, from code that is not 64-bit, with a TSS that is not 16-bit. */
    return (c->cr4 & X86_CR4_PAE) && !(c->seg[SEG_CS].attributes & VMACCEL_X86_SEG_L) &&
           (c->tr.attributes & 8);
}

bool cr0_write(struct cpu *c, uint64_t value)
{
    uint64_t pdpte[4], efer = c->efer;

    if (value >> 32)
        return false;
    value = (value & X86_CR0_DEFINED) | X86_CR0_ET;
    uint64_t changed = value ^ c->cr0;
    if ((value & X86_CR0_PG && !(value & X86_CR0_PE)) ||
        (value & X86_CR0_NW && !(value & X86_CR0_CD)) || !pae_valid(c, value))
        return false;
    if ((changed & X86_CR0_PG) && !(value & X86_CR0_PG) &&
        ((c->mode & MODE_CODE64) || (c->cr4 & X86_CR4_PCIDE)))
        return false;
    if (changed & X86_CR0_PG)
        efer =
            value & X86_CR0_PG && efer & X86_EFER_LME ? efer | X86_EFER_LMA : efer & ~X86_EFER_LMA;
    if ((changed & CR0_PAE_LOADS) && (value & X86_CR0_PG) && (c->cr4 & X86_CR4_PAE) &&
        !(efer & X86_EFER_LMA)) {
        if (!pdptes_of(c, c->cr3, pdpte))
            return false;
        memcpy(c->pdpte, pdpte, sizeof pdpte);
    }
    c->cr0 = value;
    c->efer = efer;
    if (changed & (X86_CR0_PG | X86_CR0_WP))
        cpu_flush_tlb(c, true);
    cpu_update_mode(c);
    return true;
}

static bool cr3_write(struct cpu *c, uint64_t value)
{
    uint64_t pdpte[4];

    if (c->cr4 & X86_CR4_PCIDE)
        value &= ~CR3_NO_FLUSH; /* the translation caches know no PCIDs: flushed all the same */
    if ((c->mode & MODE_CODE64) && value >> CPU_PHYS_BITS)
        return false;
    if (!pdptes_read(c, value, pdpte))
        return false;
    memcpy(c->pdpte, pdpte, sizeof pdpte);
    c->cr3 = value;
    cpu_flush_tlb(c, false);
    return true;
}

static uint64_t cr4_allowed(const struct cpu *c)
{
    static const struct {
        uint64_t bits;
        uint16_t feature;
    } map[] = {
        {X86_CR4_VME | X86_CR4_PVI, FEATURE_VME},
        {X86_CR4_TSD, FEATURE_TSC},
        {X86_CR4_DE, FEATURE_DE},
        {X86_CR4_PSE, FEATURE_PSE},
        {X86_CR4_PAE, FEATURE_PAE},
        {X86_CR4_MCE, FEATURE_MCE},
        {X86_CR4_PGE, FEATURE_PGE},
        {X86_CR4_OSFXSR, FEATURE_FXSR},
        {X86_CR4_OSXMMEXCPT, FEATURE_SSE},
        {X86_CR4_UMIP, FEATURE_UMIP},
        {X86_CR4_LA57, FEATURE_LA57},
        {X86_CR4_FSGSBASE, FEATURE_FSGSBASE},
        {X86_CR4_PCIDE, FEATURE_PCID},
        {X86_CR4_OSXSAVE, FEATURE_XSAVE},
        {X86_CR4_SMEP, FEATURE_SMEP},
        {X86_CR4_SMAP, FEATURE_SMAP},
        {X86_CR4_PKE, FEATURE_PKU},
    };
    uint64_t allowed = X86_CR4_PCE;

    for (unsigned i = 0; i < sizeof map / sizeof map[0]; i++)
        if (cpu_has(c, (enum feature)map[i].feature))
            allowed |= map[i].bits;
    return allowed;
}

static bool cr4_write(struct cpu *c, uint64_t value)
{
    uint64_t changed = value ^ c->cr4, pdpte[4];
    bool lma = c->efer & X86_EFER_LMA;

    if (value & ~cr4_allowed(c))
        return false;
    if (lma && (!(value & X86_CR4_PAE) || (changed & X86_CR4_LA57)))
        return false;
    if ((changed & value & X86_CR4_PCIDE) && (!lma || (c->cr3 & 0xfff)))
        return false;
    if ((changed & CR4_PAE_LOADS) && (c->cr0 & X86_CR0_PG) && (value & X86_CR4_PAE) && !lma) {
        if (!pdptes_of(c, c->cr3, pdpte))
            return false;
        memcpy(c->pdpte, pdpte, sizeof pdpte);
    }
    c->cr4 = value;
    if (changed & CR4_FLUSHES)
        cpu_flush_tlb(c, true);
    cpu_update_mode(c);
    return true;
}

static bool cr8_write(struct cpu *c, uint64_t value)
{
    if (value > 15)
        return false;
    if (c->ops->set_tpr) {
        callback_begin(c);
        c->ops->set_tpr(c->context, value);
        callback_end(c);
    }
    cpu_post(c, CPU_POST_INTERRUPT); /* some may have become deliverable */
    return true;
}

bool efer_write(struct cpu *c, uint64_t value, bool host)
{
    uint64_t allowed = X86_EFER_LMA;

    if (host || cpu_has(c, FEATURE_SYSCALL))
        allowed |= X86_EFER_SCE;
    if (host || cpu_has(c, FEATURE_LM))
        allowed |= X86_EFER_LME;
    if (host || cpu_has(c, FEATURE_NX))
        allowed |= X86_EFER_NXE;
    if (host || cpu_has(c, FEATURE_AUTO_IBRS))
        allowed |= X86_BIT(21);
    value = (value & ~X86_EFER_LMA) | (c->efer & X86_EFER_LMA);
    uint64_t changed = value ^ c->efer;
    if ((value & ~allowed) || ((changed & X86_EFER_LME) && (c->cr0 & X86_CR0_PG)))
        return false;
    c->efer = value;
    if (changed & X86_EFER_NXE)
        cpu_flush_tlb(c, true);
    cpu_update_mode(c);
    return true;
}

static const struct uop *op_mov_from_cr(struct cpu *c, const struct uop *u)
{
    uint64_t value = 0;

    switch (u->aux) {
    case 0:
        value = c->cr0;
        break;
    case 2:
        value = c->cr2;
        break;
    case 3:
        value = c->cr3;
        break;
    case 4:
        value = c->cr4;
        break;
    default:
        if (c->ops->get_tpr) {
            callback_begin(c);
            value = c->ops->get_tpr(c->context);
            callback_end(c);
        }
        break;
    }
    R64(c, u->dst) = c->mode & MODE_CODE64 ? value : (uint32_t)value;
    NEXT_SLOW(c, u);
}

static const struct uop *op_mov_to_cr(struct cpu *c, const struct uop *u)
{
    uint64_t value = c->mode & MODE_CODE64 ? R64(c, u->src) : R32(c, u->src);
    bool ok = true;

    switch (u->aux) {
    case 0:
        ok = cr0_write(c, value);
        break;
    case 2:
        c->cr2 = value;
        break;
    case 3:
        ok = cr3_write(c, value);
        break;
    case 4:
        ok = cr4_write(c, value);
        break;
    default:
        ok = cr8_write(c, value);
        break;
    }
    return ok ? cpu_leave(c, u) : fault(c, u);
}

static const struct uop *op_clts(struct cpu *c, const struct uop *u)
{
    c->cr0 &= ~X86_CR0_TS;
    cpu_update_mode(c);
    return cpu_leave(c, u);
}

static const struct uop *op_lmsw(struct cpu *c, const struct uop *u)
{
    uint16_t value;

    if (!sys_load16(c, u, &value))
        return NULL;
    /* PE can be set, not cleared. */
    if (!cr0_write(c, (c->cr0 & ~UINT64_C(0xe)) | (value & 0xf)))
        return fault(c, u);
    return cpu_leave(c, u);
}

/* ---- Debug registers ---- */

static bool debug_access(struct cpu *c, const struct uop *u, unsigned *n)
{
    *n = u->aux;
    if (*n == 4 || *n == 5) {
        if (c->cr4 & X86_CR4_DE) {
            cpu_raise(c, u, EXC_UD);
            return false;
        }
        *n += 2;
    }
    if (!(c->dr7 & DR7_GD))
        return true;
    cpu_raise(c, u, EXC_DB);
    c->event.address = DR6_BD;
    return false;
}

static const struct uop *op_mov_from_dr(struct cpu *c, const struct uop *u)
{
    unsigned n;

    if (!debug_access(c, u, &n))
        return NULL;
    uint64_t value = n < 4 ? c->dr[n] : n == 6 ? c->dr6 : c->dr7;
    R64(c, u->dst) = c->mode & MODE_CODE64 ? value : (uint32_t)value;
    NEXT_SLOW(c, u);
}

static const struct uop *op_mov_to_dr(struct cpu *c, const struct uop *u)
{
    uint64_t value = c->mode & MODE_CODE64 ? R64(c, u->src) : R32(c, u->src);
    unsigned n;

    if (!debug_access(c, u, &n))
        return NULL;
    if (n >= 6 && value >> 32)
        return fault(c, u);
    if (n < 4)
        c->dr[n] = value;
    else if (n == 6)
        c->dr6 = (value & DR6_WRITABLE) | DR6_ONES;
    else
        c->dr7 = (value & DR7_WRITABLE) | X86_DR7_FIXED;
    cpu_update_mode(c);
    return cpu_leave(c, u);
}

/* ---- MSRs ---- */

static const struct uop *op_rdmsr(struct cpu *c, const struct uop *u)
{
    uint64_t value;

    if (!cpu_msr_read(c, u, (uint32_t)c->r[RCX], &value))
        return NULL;
    c->r[RAX] = (uint32_t)value;
    c->r[RDX] = value >> 32;
    NEXT_SLOW(c, u);
}

static const struct uop *op_wrmsr(struct cpu *c, const struct uop *u)
{
    uint64_t value = (uint32_t)c->r[RAX] | c->r[RDX] << 32;

    if (!cpu_msr_write(c, u, (uint32_t)c->r[RCX], value))
        return NULL;
    return cpu_leave(c, u);
}

/* ---- Translation caches ---- */

static const struct uop *op_invlpg(struct cpu *c, const struct uop *u)
{
    cpu_flush_page(c, uop_ea(c, u));
    return cpu_leave(c, u);
}

static const struct uop *op_invpcid(struct cpu *c, const struct uop *u)
{
    uint64_t type = c->mode & MODE_CODE64 ? R64(c, u->src) : R32(c, u->src);

    if (!cpu_load(c, u, uop_ea(c, u), 16))
        return NULL;
    uint64_t pcid = c->ld.u64[0], linear = c->ld.u64[1];
    if (type > 3 || pcid >> 12 || (type < 2 && pcid && !(c->cr4 & X86_CR4_PCIDE)) ||
        (type == 0 && !canonical_base(c, linear)))
        return fault(c, u);
    if (type == 0)
        cpu_flush_page(c, linear);
    else
        cpu_flush_tlb(c, type == 2);
    return cpu_leave(c, u);
}

static const struct uop *op_nothing(struct cpu *c, const struct uop *u)
{
    (void)c;
    NEXT_SLOW(c, u);
}

/* ---- Translation ---- */

static unsigned cr_number(ZydisRegister reg)
{
    return (unsigned)(reg - ZYDIS_REGISTER_CR0);
}

static unsigned dr_number(ZydisRegister reg)
{
    return (unsigned)(reg - ZYDIS_REGISTER_DR0);
}

static bool is_cr(const ZydisDecodedOperand *op)
{
    return op->type == ZYDIS_OPERAND_TYPE_REGISTER &&
           ZydisRegisterGetClass(op->reg.value) == ZYDIS_REGCLASS_CONTROL;
}

static bool is_dr(const ZydisDecodedOperand *op)
{
    return op->type == ZYDIS_OPERAND_TYPE_REGISTER &&
           ZydisRegisterGetClass(op->reg.value) == ZYDIS_REGCLASS_DEBUG;
}

static bool has_cr(unsigned n)
{
    return n == 0 || n == 2 || n == 3 || n == 4 || n == 8;
}

static bool translate_mov(struct translator *t)
{
    bool to_cr = is_cr(&t->ops[0]), to_dr = is_dr(&t->ops[0]);
    bool from_cr = is_cr(&t->ops[1]), from_dr = is_dr(&t->ops[1]);

    if (!to_cr && !to_dr && !from_cr && !from_dr)
        return false;
    ZydisRegister reg = t->ops[to_cr || to_dr ? 0 : 1].reg.value;
    unsigned n = to_cr || from_cr ? cr_number(reg) : dr_number(reg);
    if (to_cr || from_cr ? !has_cr(n) : n > 7) {
        translate_fault(t, EXC_UD);
        return true;
    }
    if (sys_privileged(t))
        return true;
    struct uop *u = emit(t, to_cr     ? op_mov_to_cr
                            : from_cr ? op_mov_from_cr
                            : to_dr   ? op_mov_to_dr
                                      : op_mov_from_dr);
    u->aux = (uint8_t)n;
    if (to_cr || to_dr) {
        u->src = translate_gpr(t->ops[1].reg.value);
        t->ends_block = true;
    } else {
        u->dst = translate_gpr(t->ops[0].reg.value);
    }
    return true;
}

static bool translate_invlpg(struct translator *t)
{
    struct address a;

    if (sys_privileged(t))
        return true;
    translate_address(t, &t->ops[0], 1, false, &a);
    uop_set_address(emit(t, op_invlpg), &a);
    t->ends_block = true;
    return true;
}

static bool translate_invpcid(struct translator *t)
{
    struct address a;

    if (sys_privileged(t))
        return true;
    translate_address(t, &t->ops[1], 16, false, &a);
    struct uop *u = emit(t, op_invpcid);
    uop_set_address(u, &a);
    u->src = translate_gpr(t->ops[0].reg.value);
    t->ends_block = true;
    return true;
}

bool sys_translate_control(struct translator *t)
{
    uop_fn fn;

    switch (t->insn.mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
        return translate_mov(t);
    case ZYDIS_MNEMONIC_INVLPG:
        return translate_invlpg(t);
    case ZYDIS_MNEMONIC_INVPCID:
        return translate_invpcid(t);
    case ZYDIS_MNEMONIC_LMSW:
        if (!sys_privileged(t)) {
            sys_emit_rm(t, op_lmsw, 0, 2, false);
            t->ends_block = true;
        }
        return true;
    case ZYDIS_MNEMONIC_CLTS:
        fn = op_clts;
        break;
    case ZYDIS_MNEMONIC_RDMSR:
        fn = op_rdmsr;
        break;
    case ZYDIS_MNEMONIC_WRMSR:
        fn = op_wrmsr;
        break;
    case ZYDIS_MNEMONIC_INVD:
    case ZYDIS_MNEMONIC_WBINVD:
        fn = op_nothing;
        break;
    default:
        return false;
    }
    if (sys_privileged(t))
        return true;
    emit(t, fn);
    t->ends_block = fn == op_clts || fn == op_wrmsr;
    return true;
}
