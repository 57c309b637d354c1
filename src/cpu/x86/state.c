/* SPDX-License-Identifier: BSD-2-Clause */
/* Register state as the outside sees it, and what the engine derives from it. */
#include "cpu/x86/engine.h"

#include <string.h>

static bool flat(const struct seg *s)
{
    return s->base == 0 && s->limit == UINT32_MAX && (s->attributes & VMACCEL_X86_SEG_P);
}

/* Writable, expand-up data. */
static bool flat_data(const struct seg *s)
{
    return flat(s) && (s->attributes & 0xe) == 2;
}

void cpu_update_mode(struct cpu *c)
{
    uint32_t mode = 0;
    bool vm86 = c->rflags & X86_FLAGS_VM;
    if (c->cr0 & X86_CR0_PE)
        mode |= vm86 ? MODE_PROT | MODE_VM86 : MODE_PROT;
    if (c->efer & X86_EFER_LMA)
        mode |= MODE_LONG;
    if ((mode & MODE_LONG) && (c->seg[SEG_CS].attributes & VMACCEL_X86_SEG_L))
        mode |= MODE_CODE64;
    else {
        if (c->seg[SEG_CS].attributes & VMACCEL_X86_SEG_DB)
            mode |= MODE_CODE32;
        if (c->seg[SEG_SS].attributes & VMACCEL_X86_SEG_DB)
            mode |= MODE_STACK32;
        if (flat_data(&c->seg[SEG_DS]) && flat_data(&c->seg[SEG_ES]) && flat_data(&c->seg[SEG_SS]))
            mode |= MODE_FLAT;
        if (flat(&c->seg[SEG_CS]))
            mode |= MODE_FLAT_CS;
    }
    if (!(c->cr0 & X86_CR0_PE))
        c->cpl = 0;
    else if (vm86)
        c->cpl = 3;
    mode |= (uint32_t)c->cpl << MODE_CPL_SHIFT;
    if (!(c->cr0 & (X86_CR0_EM | X86_CR0_TS)))
        mode |= MODE_X87;
    if (!((c->cr0 & X86_CR0_MP) && (c->cr0 & X86_CR0_TS)))
        mode |= MODE_WAIT;
    if ((c->cr4 & X86_CR4_OSFXSR) && !(c->cr0 & X86_CR0_EM))
        mode |= MODE_SSE;
    if (c->cr4 & X86_CR4_OSXSAVE) {
        mode |= MODE_OSXSAVE;
        if ((c->xcr0 & 6) == 6)
            mode |= MODE_AVX;
    }
    if (c->cr0 & X86_CR0_TS)
        mode |= MODE_TS;
    if (c->cr0 & X86_CR0_EM)
        mode |= MODE_EM;
    if ((c->mxcsr & 0x1f80) != 0x1f80)
        mode |= MODE_FP_TRAP;
    if ((c->rflags & X86_FLAGS_TF) || c->shadow || c->debug.step || (cpu_dr7(c) & 0xff) ||
        c->stepping)
        mode |= MODE_STEP;
    if (c->without_fp)
        mode |= MODE_NO_FP;
    c->mode = mode;
    mmu_select(c);
}

void cpu_set_rflags(struct cpu *c, uint64_t rflags)
{
    cpu_set_arith_flags(c, rflags);
    c->rflags = (rflags & X86_FLAGS_DEFINED & ~CC_ARITH) | X86_FLAGS_FIXED;
    cpu_update_mode(c);
}

void cpu_fp_enter(struct cpu *c)
{
    c->host_mxcsr = host_mxcsr_get();
    host_mxcsr_set((c->mxcsr & 0xe040) | 0x1f80);
}

void cpu_fp_leave(struct cpu *c)
{
    c->mxcsr = cpu_mxcsr(c);
    host_mxcsr_set(c->host_mxcsr);
}

void cpu_reset(struct cpu *c)
{
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    vmaccel_x86_reset_state(&regs, &sregs);
    x87_init(&c->x87);
    c->x87.fcw = 0x40;
    c->mxcsr = 0x1f80;
    c->xcr0 = 1;
    c->dr6 = UINT64_C(0xffff0ff0);
    c->dr7 = X86_DR7_FIXED;
    c->msr = (struct msrs){.pat = UINT64_C(0x0007040600070406)};
    cpu_set_sregs(c, &sregs);
    cpu_set_regs(c, &regs);
}

void cpu_get_regs(struct cpu *c, vmaccel_x86_regs *regs)
{
    uint64_t *to[16] = {&regs->rax, &regs->rcx, &regs->rdx, &regs->rbx, &regs->rsp, &regs->rbp,
                        &regs->rsi, &regs->rdi, &regs->r8,  &regs->r9,  &regs->r10, &regs->r11,
                        &regs->r12, &regs->r13, &regs->r14, &regs->r15};
    for (unsigned i = 0; i < 16; i++)
        *to[i] = c->r[i];
    regs->rip = c->r[RIP];
    regs->rflags = cpu_rflags(c) | X86_FLAGS_FIXED;
}

void cpu_set_regs(struct cpu *c, const vmaccel_x86_regs *regs)
{
    const uint64_t *from[16] = {&regs->rax, &regs->rcx, &regs->rdx, &regs->rbx,
                                &regs->rsp, &regs->rbp, &regs->rsi, &regs->rdi,
                                &regs->r8,  &regs->r9,  &regs->r10, &regs->r11,
                                &regs->r12, &regs->r13, &regs->r14, &regs->r15};
    for (unsigned i = 0; i < 16; i++)
        c->r[i] = *from[i];
    c->r[RIP] = regs->rip;
    cpu_set_rflags(c, regs->rflags);
}

static void get_segment(const struct seg *from, vmaccel_x86_segment *to)
{
    *to = (vmaccel_x86_segment){.base = from->base,
                                .limit = from->limit,
                                .selector = from->selector,
                                .attributes = from->attributes};
}

static void set_segment(struct seg *to, const vmaccel_x86_segment *from)
{
    *to = (struct seg){from->base, from->limit, from->selector, from->attributes};
}

void cpu_get_sregs(struct cpu *c, vmaccel_x86_sregs *sregs)
{
    memset(sregs, 0, sizeof *sregs);
    vmaccel_x86_segment *to[SEG_COUNT] = {&sregs->es, &sregs->cs, &sregs->ss,
                                          &sregs->ds, &sregs->fs, &sregs->gs};
    for (unsigned i = 0; i < SEG_COUNT; i++)
        get_segment(&c->seg[i], to[i]);
    get_segment(&c->tr, &sregs->tr);
    get_segment(&c->ldt, &sregs->ldt);
    sregs->gdt.base = c->gdt.base;
    sregs->gdt.limit = c->gdt.limit;
    sregs->idt.base = c->idt.base;
    sregs->idt.limit = c->idt.limit;
    sregs->cr0 = c->cr0;
    sregs->cr2 = c->cr2;
    sregs->cr3 = c->cr3;
    sregs->cr4 = c->cr4;
    sregs->cr8 = c->ops->get_tpr ? c->ops->get_tpr(c->context) : 0;
    sregs->efer = c->efer;
}

/* PAE keeps the four top entries in the CPU (Intel SDM vol. 3, "PDPTE Registers"). */
static void load_pdptes(struct cpu *c)
{
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *host =
            mmu_physical(c, (c->cr3 & UINT64_C(0xffffffe0)) + 8 * UINT64_C(1) * i, false);
        c->pdpte[i] = host ? os_load64(host) : 0;
    }
}

void cpu_set_sregs(struct cpu *c, const vmaccel_x86_sregs *sregs)
{
    const vmaccel_x86_segment *from[SEG_COUNT] = {&sregs->es, &sregs->cs, &sregs->ss,
                                                  &sregs->ds, &sregs->fs, &sregs->gs};
    for (unsigned i = 0; i < SEG_COUNT; i++)
        set_segment(&c->seg[i], from[i]);
    set_segment(&c->tr, &sregs->tr);
    set_segment(&c->ldt, &sregs->ldt);
    c->gdt.base = sregs->gdt.base;
    c->gdt.limit = sregs->gdt.limit;
    c->idt.base = sregs->idt.base;
    c->idt.limit = sregs->idt.limit;
    c->cr0 = sregs->cr0;
    c->cr2 = sregs->cr2;
    c->cr3 = sregs->cr3;
    c->cr4 = sregs->cr4;
    c->efer = sregs->efer;
    if (c->ops->set_tpr)
        c->ops->set_tpr(c->context, sregs->cr8);
    c->cpl = (sregs->cr0 & X86_CR0_PE) ? sregs->ss.attributes >> VMACCEL_X86_SEG_DPL_SHIFT & 3 : 0;
    if ((c->cr0 & X86_CR0_PG) && (c->cr4 & X86_CR4_PAE) && !(c->efer & X86_EFER_LMA)) {
        mmu_flush_all(c);
        load_pdptes(c);
    }
    cpu_flush_tlb(c, true);
    cpu_update_mode(c);
}

void cpu_get_debug_regs(struct cpu *c, vmaccel_x86_debug_regs *regs)
{
    memcpy(regs->dr, c->dr, sizeof c->dr);
    regs->dr6 = c->dr6;
    regs->dr7 = c->dr7;
}

void cpu_set_debug_regs(struct cpu *c, const vmaccel_x86_debug_regs *regs)
{
    memcpy(c->dr, regs->dr, sizeof c->dr);
    c->dr6 = (regs->dr6 | X86_DR6_FIXED) & ~X86_DR6_ZERO;
    c->dr7 = (regs->dr7 | X86_DR7_FIXED) & ~X86_DR7_ZERO;
    cpu_update_mode(c);
}

void cpu_set_debug(struct cpu *c, const struct cpu_debug *debug)
{
    c->debug = *debug;
    c->single_step_done = false;
    cpu_update_mode(c);
}

bool cpu_interrupt_ready(const struct cpu *c)
{
    return !c->slot_occupied && (c->rflags & X86_FLAGS_IF) && !c->shadow &&
           c->queued.kind == EVENT_NONE && c->replay.count == 0 && !c->exit.awaits_answer;
}

bool cpu_slot_occupied(const struct cpu *c)
{
    return c->slot_occupied;
}

void cpu_inject_interrupt(struct cpu *c, uint8_t vector)
{
    c->slot_occupied = true;
    c->slot_vector = vector;
}

bool cpu_inject_exception(struct cpu *c, uint8_t vector, bool has_error, uint32_t error)
{
    if (c->queued.kind != EVENT_NONE)
        return false;
    c->queued = (struct event){.kind = EVENT_EXCEPTION,
                               .vector = vector,
                               .has_error = has_error,
                               .error = error,
                               .bare = true};
    return true;
}

void cpu_request_window(struct cpu *c, bool on)
{
    c->window_requested = on;
}

bool cpu_wakes(struct cpu *c)
{
    uint32_t posted = atomic_load(&c->posted);
    if ((c->nmi_pending || (posted & CPU_POST_NMI)) && !c->nmi_masked)
        return true;
    if (c->queued.kind != EVENT_NONE || c->slot_occupied)
        return true;
    return (c->rflags & X86_FLAGS_IF) && c->ops->interrupt_pending &&
           c->ops->interrupt_pending(c->context);
}
