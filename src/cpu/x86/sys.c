/* SPDX-License-Identifier: BSD-2-Clause */
/* System instructions: what they share, and the small ones. */
#include "cpu/x86/sys.h"

bool sys_answered(const struct cpu *c)
{
    return c->answered;
}

void sys_ask(struct cpu *c, uint32_t reason)
{
    c->exit = (struct cpu_exit){.reason = reason};
}

bool sys_privileged(struct translator *t)
{
    if (T_CPL(t) == 0)
        return false;
    translate_fault(t, EXC_GP);
    return true;
}

struct uop *sys_emit_rm(struct translator *t, uop_fn fn, unsigned op, unsigned size, bool write)
{
    const ZydisDecodedOperand *o = &t->ops[op];
    struct uop *u;

    if (o->type == ZYDIS_OPERAND_TYPE_MEMORY) {
        struct address a;
        translate_address(t, o, size, write, &a);
        u = emit(t, fn);
        uop_set_address(u, &a);
        u->aux = 1;
    } else {
        u = emit(t, fn);
        u->src = u->dst = translate_gpr(o->reg.value);
        u->aux16 = o->size;
    }
    return u;
}

bool sys_load16(struct cpu *c, const struct uop *u, uint16_t *value)
{
    if (u->aux) {
        if (!cpu_load(c, u, uop_ea(c, u), 2))
            return false;
        *value = c->ld.u16[0];
    } else {
        *value = R16(c, u->src);
    }
    return true;
}

bool sys_store16(struct cpu *c, const struct uop *u, uint64_t value)
{
    if (u->aux)
        return cpu_store(c, u, uop_ea(c, u), 2, value & 0xffff);
    sys_write_gpr(c, u->dst, u->aux16, value);
    return true;
}

void sys_write_gpr(struct cpu *c, uint8_t off, unsigned bits, uint64_t value)
{
    if (bits == 64)
        R64(c, off) = value;
    else if (bits == 32)
        R64(c, off) = (uint32_t)value;
    else
        R16(c, off) = (uint16_t)value;
}

static const struct uop *fault(struct cpu *c, const struct uop *u)
{
    return cpu_raise_error(c, u, EXC_GP, 0);
}

static const struct uop *op_hlt(struct cpu *c, const struct uop *u)
{
    c->exit = (struct cpu_exit){.reason = CPU_EXIT_HLT};
    c->event = (struct event){.kind = EVENT_EXIT};
    return cpu_leave(c, u);
}

/* ---- Time ---- */

static const struct uop *op_rdtsc(struct cpu *c, const struct uop *u)
{
    if (c->cpl != 0 && (c->cr4 & X86_CR4_TSD))
        return fault(c, u);
    uint64_t tsc = cpu_tsc(c);
    c->r[RAX] = (uint32_t)tsc;
    c->r[RDX] = tsc >> 32;
    if (u->imm) /* RDTSCP */
        c->r[RCX] = (uint32_t)c->msr.tsc_aux;
    NEXT_SLOW(c, u);
}

static const struct uop *op_rdpid(struct cpu *c, const struct uop *u)
{
    R64(c, u->dst) = c->msr.tsc_aux;
    NEXT_SLOW(c, u);
}

/* No counters. */
static const struct uop *op_rdpmc(struct cpu *c, const struct uop *u)
{
    return fault(c, u);
}

/* ---- MONITOR and MWAIT: a wait may end at any time, so it ends at once ---- */

static const struct uop *op_monitor(struct cpu *c, const struct uop *u)
{
    if ((uint32_t)c->r[RCX] != 0)
        return fault(c, u);
    if (!cpu_load(c, u, uop_ea(c, u), 1))
        return NULL;
    NEXT_SLOW(c, u);
}

static const struct uop *op_mwait(struct cpu *c, const struct uop *u)
{
    if ((uint32_t)c->r[RCX] > 1)
        return fault(c, u);
    return cpu_leave(c, u);
}

/* ---- FS and GS bases ---- */

static const struct uop *op_swapgs(struct cpu *c, const struct uop *u)
{
    uint64_t base = c->seg[SEG_GS].base;

    c->seg[SEG_GS].base = c->msr.kernel_gs_base;
    c->msr.kernel_gs_base = base;
    NEXT_SLOW(c, u);
}

/* aux: the segment, aux16: bits. */
static const struct uop *op_rdbase(struct cpu *c, const struct uop *u)
{
    if (!(c->cr4 & X86_CR4_FSGSBASE))
        return cpu_raise(c, u, EXC_UD);
    sys_write_gpr(c, u->dst, u->aux16, c->seg[u->aux].base);
    NEXT_SLOW(c, u);
}

static const struct uop *op_wrbase(struct cpu *c, const struct uop *u)
{
    uint64_t base = u->aux16 == 64 ? R64(c, u->dst) : R32(c, u->dst);

    if (!(c->cr4 & X86_CR4_FSGSBASE))
        return cpu_raise(c, u, EXC_UD);
    if (!canonical_base(c, base))
        return fault(c, u);
    c->seg[u->aux].base = base;
    NEXT_SLOW(c, u);
}

/* ---- Flags ---- */

/* imm: STAC. */
static const struct uop *op_stac(struct cpu *c, const struct uop *u)
{
    c->rflags = u->imm ? c->rflags | X86_FLAGS_AC : c->rflags & ~X86_FLAGS_AC;
    cpu_update_mode(c);
    NEXT_SLOW(c, u);
}

/* Whether CLI and STI act on IF, on VIF, or fault. */
enum acts { ON_IF, ON_VIF, ON_NOTHING };

static enum acts acts_on(const struct cpu *c)
{
    unsigned iopl = (unsigned)(c->rflags >> 12 & 3);

    if (!(c->mode & MODE_PROT) || iopl >= c->cpl)
        return ON_IF;
    if (c->cpl == 3 && (c->cr4 & (c->mode & MODE_VM86 ? X86_CR4_VME : X86_CR4_PVI)))
        return ON_VIF;
    return ON_NOTHING;
}

static const struct uop *op_cli(struct cpu *c, const struct uop *u)
{
    switch (acts_on(c)) {
    case ON_IF:
        c->rflags &= ~X86_FLAGS_IF;
        break;
    case ON_VIF:
        c->rflags &= ~X86_FLAGS_VIF;
        break;
    default:
        return fault(c, u);
    }
    NEXT_SLOW(c, u);
}

static const struct uop *op_sti(struct cpu *c, const struct uop *u)
{
    switch (acts_on(c)) {
    case ON_IF:
        if (c->rflags & X86_FLAGS_IF)
            NEXT_SLOW(c, u);
        c->rflags |= X86_FLAGS_IF;
        c->shadow = VMACCEL_X86_SHADOW_STI;
        cpu_update_mode(c);
        return cpu_leave(c, u);
    case ON_VIF:
        if (c->rflags & X86_FLAGS_VIP)
            return fault(c, u);
        c->rflags |= X86_FLAGS_VIF;
        NEXT_SLOW(c, u);
    default:
        return fault(c, u);
    }
}

/* ---- Translation ---- */

static bool translate_base(struct translator *t, unsigned seg, uop_fn fn)
{
    struct uop *u = emit(t, fn);
    u->aux = (uint8_t)seg;
    u->aux16 = t->ops[0].size;
    u->dst = translate_gpr(t->ops[0].reg.value);
    return true;
}

/* RAX holds an address in DS, or an override's segment. */
static bool translate_monitor(struct translator *t)
{
    ZydisDecodedOperand op = {.type = ZYDIS_OPERAND_TYPE_MEMORY};
    struct address a;

    if (T_CPL(t) != 0) {
        translate_fault(t, EXC_UD);
        return true;
    }
    op.mem.type = ZYDIS_MEMOP_TYPE_MEM;
    op.mem.base = ZYDIS_REGISTER_RAX;
    op.mem.segment = t->insn.attributes & ZYDIS_ATTRIB_HAS_SEGMENT_FS   ? ZYDIS_REGISTER_FS
                     : t->insn.attributes & ZYDIS_ATTRIB_HAS_SEGMENT_GS ? ZYDIS_REGISTER_GS
                                                                        : ZYDIS_REGISTER_DS;
    translate_address(t, &op, 1, false, &a);
    uop_set_address(emit(t, op_monitor), &a);
    return true;
}

/* Instructions without operands. `cpl0`: the exception at a lower privilege. */
static const struct simple {
    ZydisMnemonic mnemonic;
    uop_fn fn;
    int64_t imm;
    uint8_t cpl0;
    bool ends;
} simple[] = {
    {ZYDIS_MNEMONIC_HLT, op_hlt, 0, EXC_GP, true},
    {ZYDIS_MNEMONIC_CPUID, sys_cpuid, 0, 0, false},
    {ZYDIS_MNEMONIC_RDTSC, op_rdtsc, 0, 0, false},
    {ZYDIS_MNEMONIC_RDTSCP, op_rdtsc, 1, 0, false},
    {ZYDIS_MNEMONIC_RDPMC, op_rdpmc, 0, 0, true},
    {ZYDIS_MNEMONIC_MWAIT, op_mwait, 0, EXC_UD, true},
    {ZYDIS_MNEMONIC_SWAPGS, op_swapgs, 0, EXC_GP, false},
    {ZYDIS_MNEMONIC_STAC, op_stac, 1, EXC_UD, false},
    {ZYDIS_MNEMONIC_CLAC, op_stac, 0, EXC_UD, false},
    {ZYDIS_MNEMONIC_CLI, op_cli, 0, 0, false},
    {ZYDIS_MNEMONIC_STI, op_sti, 0, 0, true},
};

static bool translate_small(struct translator *t)
{
    switch (t->insn.mnemonic) {
    case ZYDIS_MNEMONIC_RDFSBASE:
        return translate_base(t, SEG_FS, op_rdbase);
    case ZYDIS_MNEMONIC_RDGSBASE:
        return translate_base(t, SEG_GS, op_rdbase);
    case ZYDIS_MNEMONIC_WRFSBASE:
        return translate_base(t, SEG_FS, op_wrbase);
    case ZYDIS_MNEMONIC_WRGSBASE:
        return translate_base(t, SEG_GS, op_wrbase);
    case ZYDIS_MNEMONIC_RDPID:
        emit(t, op_rdpid)->dst = translate_gpr(t->ops[0].reg.value);
        return true;
    case ZYDIS_MNEMONIC_MONITOR:
        return translate_monitor(t);
    default:
        break;
    }
    for (unsigned i = 0; i < sizeof simple / sizeof simple[0]; i++) {
        if (simple[i].mnemonic != t->insn.mnemonic)
            continue;
        if (simple[i].cpl0 && T_CPL(t) != 0) {
            translate_fault(t, simple[i].cpl0);
            return true;
        }
        emit(t, simple[i].fn)->imm = simple[i].imm;
        /* STI that finds IF set goes on: its block may end there, but not its uops. */
        t->ends_block |= simple[i].ends && simple[i].fn != op_sti;
        return true;
    }
    return false;
}

bool translate_system(struct translator *t)
{
    static translate_fn *const groups[] = {
        translate_small,     sys_translate_transfer, sys_translate_control, sys_translate_segment,
        sys_translate_table, sys_translate_port,     sys_translate_state};
    for (unsigned i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (groups[i](t))
            return true;
    return false;
}
