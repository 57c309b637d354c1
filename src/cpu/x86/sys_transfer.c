/* SPDX-License-Identifier: BSD-2-Clause */
/* Far transfers, software interrupts, system calls, hypercalls. */
#include "cpu/x86/sys.h"

static const struct uop *fault(struct cpu *c, const struct uop *u)
{
    return cpu_raise_error(c, u, EXC_GP, 0);
}

/* ---- Far JMP and CALL: aux: bytes of the offset, dst: CALL ---- */

/* imm: offset, aux16: selector. */
static const struct uop *op_far_direct(struct cpu *c, const struct uop *u)
{
    far_transfer(c, u, u->aux16, (uint64_t)u->imm, u->aux, u->dst);
    return NULL;
}

static const struct uop *op_far_memory(struct cpu *c, const struct uop *u)
{
    if (!cpu_load(c, u, uop_ea(c, u), u->aux + 2u))
        return NULL;
    uint64_t offset = u->aux == 8 ? c->ld.u64[0] : u->aux == 4 ? c->ld.u32[0] : c->ld.u16[0];
    far_transfer(c, u, c->ld.u16[u->aux / 2], offset, u->aux, u->dst);
    return NULL;
}

/* ---- INT n, INT3, INTO, INT1: aux: the vector ---- */

static const struct uop *soft(struct cpu *c, const struct uop *u, bool unchecked)
{
    c->event = (struct event){
        .kind = EVENT_SOFT, .vector = u->aux, .unchecked = unchecked, .length = u->len};
    return cpu_leave(c, u);
}

static const struct uop *op_int(struct cpu *c, const struct uop *u)
{
    if (c->mode & MODE_VM86) {
        if (vm86_redirect(c, u, u->aux) != 0)
            return NULL;
        if ((c->rflags & X86_FLAGS_IOPL) != X86_FLAGS_IOPL)
            return fault(c, u);
    }
    return soft(c, u, false);
}

static const struct uop *op_int3(struct cpu *c, const struct uop *u)
{
    if (c->debug.breakpoints) {
        c->r[RIP] += u->off;
        c->exit = (struct cpu_exit){.reason = CPU_EXIT_DEBUG, .u.debug.breakpoint = true};
        c->event = (struct event){.kind = EVENT_EXIT};
        return NULL;
    }
    if (c->vm->config.exceptions >> EXC_BP & 1)
        return cpu_raise(c, u, EXC_BP);
    return soft(c, u, false);
}

static const struct uop *op_into(struct cpu *c, const struct uop *u)
{
    if (!(cpu_arith_flags(c) & X86_FLAGS_OF))
        return cpu_leave(c, u);
    if (c->vm->config.exceptions >> EXC_OF & 1)
        return cpu_raise(c, u, EXC_OF);
    return soft(c, u, false);
}

static const struct uop *op_int1(struct cpu *c, const struct uop *u)
{
    /* One #DB for both it and what MOV SS held back. */
    c->dr6 |= c->pending_db;
    c->pending_db = 0;
    return soft(c, u, true);
}

/* TF as the instruction leaves it decides on the trap after it: none once SYSCALL has masked it,
 * one at once when SYSRET sets it. */
static const struct uop *leave(struct cpu *c, uint64_t flags, uint64_t rip)
{
    if (flags & X86_FLAGS_TF && !(c->mode & MODE_STEP))
        c->pending_db |= X86_BIT(14);
    c->traps = flags & X86_FLAGS_TF;
    cpu_set_rflags(c, flags);
    return cpu_jump(c, rip);
}

/* ---- SYSCALL and SYSRET, as AMD's CPUs have them: in compatibility mode and legacy protected mode
 * as well. imm: 64-bit operand size ---- */

static const struct uop *op_syscall(struct cpu *c, const struct uop *u)
{
    uint64_t rip = cpu_next_rip(c, u), flags = cpu_rflags(c) | X86_FLAGS_FIXED;
    uint16_t selector = (uint16_t)(c->msr.star >> 32);

    if (!(c->efer & X86_EFER_SCE) || !protected_mode(c))
        return cpu_raise(c, u, EXC_UD);
    if (c->mode & MODE_LONG) {
        c->r[RCX] = c->mode & MODE_CODE64 ? rip : (uint32_t)rip;
        c->r[R11] = flags & ~X86_FLAGS_RF;
        rip = c->mode & MODE_CODE64 ? c->msr.lstar : c->msr.cstar;
        flags &= ~c->msr.fmask;
    } else {
        c->r[RCX] = (uint32_t)rip;
        rip = (uint32_t)c->msr.star;
        flags &= ~X86_FLAGS_IF;
    }
    seg_flat_code(c, selector, 0, c->mode & MODE_LONG);
    seg_flat_stack(c, (uint16_t)((selector & 0xfffc) + 8), 0);
    return leave(c, flags & ~(X86_FLAGS_RF | X86_FLAGS_VM), rip);
}

static const struct uop *op_sysret(struct cpu *c, const struct uop *u)
{
    uint16_t selector = (uint16_t)(c->msr.star >> 48 & 0xfffc);
    uint64_t flags;
    bool wide = u->imm && (c->mode & MODE_LONG);

    if (!(c->efer & X86_EFER_SCE))
        return cpu_raise(c, u, EXC_UD);
    if (!protected_mode(c) || c->cpl != 0)
        return fault(c, u);
    if (c->mode & MODE_LONG)
        flags = c->r[R11] & ~(X86_FLAGS_RF | X86_FLAGS_VM);
    else
        flags = cpu_rflags(c) | X86_FLAGS_IF;
    seg_flat_code(c, wide ? selector + 16 : selector, 3, wide);
    seg_flat_stack(c, selector + 8, 3);
    return leave(c, flags, wide ? c->r[RCX] : (uint32_t)c->r[RCX]);
}

/* ---- SYSENTER and SYSEXIT: as on AMD's CPUs not in long mode ---- */

static const struct uop *op_sysenter(struct cpu *c, const struct uop *u)
{
    uint16_t selector = (uint16_t)c->msr.sysenter_cs;

    if (c->mode & MODE_LONG)
        return cpu_raise(c, u, EXC_UD);
    if (!(c->mode & MODE_PROT) || IS_NULL(selector))
        return fault(c, u);
    uint64_t flags = cpu_rflags(c) & ~(X86_FLAGS_VM | X86_FLAGS_IF | X86_FLAGS_RF);
    seg_flat_code(c, selector, 0, false);
    seg_flat_stack(c, (uint16_t)((selector & 0xfffc) + 8), 0);
    c->r[RSP] = (uint32_t)c->msr.sysenter_esp;
    cpu_set_rflags(c, flags);
    return cpu_jump(c, (uint32_t)c->msr.sysenter_eip);
}

static const struct uop *op_sysexit(struct cpu *c, const struct uop *u)
{
    uint16_t selector = (uint16_t)(c->msr.sysenter_cs & 0xfffc);

    if (c->mode & MODE_LONG)
        return cpu_raise(c, u, EXC_UD);
    if (!protected_mode(c) || c->cpl != 0 || IS_NULL(selector))
        return fault(c, u);
    uint64_t rip = (uint32_t)c->r[RDX];
    seg_flat_code(c, (uint16_t)(selector + 16), 3, false);
    seg_flat_stack(c, (uint16_t)(selector + 24), 3);
    c->r[RSP] = (uint32_t)c->r[RCX];
    cpu_update_mode(c);
    return cpu_jump(c, rip);
}

/* ---- VMCALL and VMMCALL: the number in RAX, arguments in RBX, RCX, RDX, RSI, RDI, R8 ---- */

static const struct uop *op_hypercall(struct cpu *c, const struct uop *u)
{
    static const uint8_t args[6] = {RBX, RCX, RDX, RSI, RDI, R8};
    bool wide = c->mode & MODE_CODE64;

    if (!(c->vm->config.exits & CPU_EXITS_HYPERCALL))
        return cpu_raise(c, u, EXC_UD);
    if (sys_answered(c)) {
        uint64_t result = c->exit.u.hypercall.result;
        c->r[RAX] = wide ? result : (uint32_t)result;
        NEXT_SLOW(c, u);
    }
    sys_ask(c, CPU_EXIT_HYPERCALL);
    c->exit.u.hypercall.number = wide ? c->r[RAX] : (uint32_t)c->r[RAX];
    for (unsigned i = 0; i < 6; i++)
        c->exit.u.hypercall.args[i] = wide ? c->r[args[i]] : (uint32_t)c->r[args[i]];
    return cpu_exit_again(c, u);
}

/* ---- Translation ---- */

static bool translate_far(struct translator *t, bool call)
{
    struct uop *u;

    if (t->insn.meta.branch_type != ZYDIS_BRANCH_TYPE_FAR)
        return false;
    if (t->ops[0].type == ZYDIS_OPERAND_TYPE_POINTER) {
        u = emit(t, op_far_direct);
        u->imm = t->ops[0].ptr.offset;
        u->aux16 = t->ops[0].ptr.segment;
    } else {
        struct address a;
        translate_address(t, &t->ops[0], t->insn.operand_width / 8u + 2, false, &a);
        u = emit(t, op_far_memory);
        uop_set_address(u, &a);
    }
    u->aux = t->insn.operand_width / 8;
    u->dst = call;
    t->ends_block = true;
    return true;
}

static bool translate_ret(struct translator *t)
{
    if (t->insn.meta.branch_type != ZYDIS_BRANCH_TYPE_FAR)
        return false;
    struct uop *u = emit(t, sys_far_ret);
    u->aux = t->insn.operand_width / 8;
    if (t->insn.operand_count_visible > 0)
        u->imm = (int64_t)(t->ops[0].imm.value.u & 0xffff);
    t->ends_block = true;
    return true;
}

static bool translate_vector_of(struct translator *t, uop_fn fn, uint8_t vector)
{
    emit(t, fn)->aux = vector;
    t->ends_block = true;
    return true;
}

bool sys_translate_transfer(struct translator *t)
{
    uop_fn fn;

    switch (t->insn.mnemonic) {
    case ZYDIS_MNEMONIC_JMP:
        return translate_far(t, false);
    case ZYDIS_MNEMONIC_CALL:
        return translate_far(t, true);
    case ZYDIS_MNEMONIC_RET:
        return translate_ret(t);
    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD:
    case ZYDIS_MNEMONIC_IRETQ:
        return translate_vector_of(t, sys_iret, t->insn.operand_width / 8);
    case ZYDIS_MNEMONIC_INT:
        return translate_vector_of(t, op_int, (uint8_t)t->ops[0].imm.value.u);
    case ZYDIS_MNEMONIC_INT3:
        return translate_vector_of(t, op_int3, EXC_BP);
    case ZYDIS_MNEMONIC_INTO:
        return translate_vector_of(t, op_into, EXC_OF);
    case ZYDIS_MNEMONIC_INT1:
        return translate_vector_of(t, op_int1, EXC_DB);
    case ZYDIS_MNEMONIC_SYSCALL:
        fn = op_syscall;
        break;
    case ZYDIS_MNEMONIC_SYSRET:
        fn = op_sysret;
        break;
    case ZYDIS_MNEMONIC_SYSENTER:
        fn = op_sysenter;
        break;
    case ZYDIS_MNEMONIC_SYSEXIT:
        fn = op_sysexit;
        break;
    case ZYDIS_MNEMONIC_VMCALL:
    case ZYDIS_MNEMONIC_VMMCALL:
        emit(t, op_hypercall);
        return true;
    default:
        return false;
    }
    struct uop *u = emit(t, fn);
    u->imm = t->insn.operand_width == 64;
    t->ends_block = true;
    return true;
}
