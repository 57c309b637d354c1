/* SPDX-License-Identifier: BSD-2-Clause */
/* Pending events as the outside sees them; INIT and SIPI. */
#include <string.h>

#include "cpu/x86/sys.h"

void cpu_get_events(struct cpu *c, vmaccel_x86_events *events)
{
    const struct event *e = &c->queued;

    memset(events, 0, sizeof *events);
    events->triple_fault_pending = e->kind == EVENT_EXCEPTION && e->triple;
    if (e->kind == EVENT_EXCEPTION && !e->triple) {
        events->exception_pending = true;
        events->exception_vector = e->vector;
        events->exception_has_error_code = e->has_error;
        events->exception_error_code = e->error;
        events->exception_has_payload = !e->bare && (e->vector == EXC_PF || e->vector == EXC_DB);
        events->exception_payload = e->bare ? 0 : e->address;
    } else if (c->pending_db) {
        events->exception_pending = true;
        events->exception_vector = EXC_DB;
        events->exception_has_payload = true;
        events->exception_payload = c->pending_db;
    }
    bool in_delivery = e->kind == EVENT_SOFT;
    bool nmi = in_delivery && e->unchecked && e->vector == EXC_NMI;
    events->interrupt_pending = c->slot_occupied || (in_delivery && !nmi);
    if (in_delivery && !nmi) {
        events->interrupt_vector = e->vector;
        events->interrupt_soft = !e->unchecked;
    } else if (c->slot_occupied) {
        events->interrupt_vector = c->slot_vector;
    }
    events->shadow = c->shadow;
    events->nmi_pending = c->nmi_pending || (atomic_load(&c->posted) & CPU_POST_NMI);
    events->nmi_injected = nmi;
    events->nmi_masked = c->nmi_masked;
}

void cpu_set_events(struct cpu *c, const vmaccel_x86_events *events)
{
    c->queued.kind = EVENT_NONE;
    c->pending_db = 0;
    c->slot_occupied = false;
    if (events->triple_fault_pending) {
        c->queued = (struct event){.kind = EVENT_EXCEPTION, .triple = true};
    } else if (events->exception_pending) {
        c->queued = (struct event){.kind = EVENT_EXCEPTION,
                                   .vector = events->exception_vector,
                                   .has_error = events->exception_has_error_code,
                                   .error = events->exception_error_code,
                                   .bare = !events->exception_has_payload,
                                   .address = events->exception_payload};
    } else if (events->nmi_injected) {
        c->queued = (struct event){.kind = EVENT_SOFT, .vector = EXC_NMI, .unchecked = true};
    } else if (events->interrupt_pending && events->interrupt_soft) {
        c->queued = (struct event){.kind = EVENT_SOFT, .vector = events->interrupt_vector};
    }
    if (events->interrupt_pending && !events->interrupt_soft)
        cpu_inject_interrupt(c, events->interrupt_vector);
    c->shadow = events->shadow;
    atomic_fetch_and(&c->posted, ~CPU_POST_NMI);
    c->nmi_pending = events->nmi_pending;
    c->nmi_masked = events->nmi_masked;
    cpu_update_mode(c);
}

/* What INIT leaves alone (Intel SDM vol. 3, "Processor State After Reset"): the FPU and its like,
 * CR0.CD and NW, MSRs but EFER and the bases, the TSC. */
void cpu_init(struct cpu *c)
{
    const uint64_t cache_bits = X86_CR0_CD | X86_CR0_NW;
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    uint64_t kept = c->cr0 & cache_bits;

    cpu_abandon(c);
    vmaccel_x86_reset_state(&regs, &sregs);
    sregs.cr0 = (sregs.cr0 & ~cache_bits) | kept;
    c->queued.kind = EVENT_NONE;
    c->pending_db = 0;
    c->slot_occupied = c->interrupt_wanted = false;
    c->nmi_masked = c->nmi_pending = false;
    c->shadow = 0;
    memset(c->dr, 0, sizeof c->dr);
    c->dr6 = UINT64_C(0xffff0ff0);
    c->dr7 = X86_DR7_FIXED;
    cpu_set_sregs(c, &sregs);
    cpu_set_regs(c, &regs);
}

void cpu_sipi(struct cpu *c, uint8_t vector)
{
    c->seg[SEG_CS].selector = (uint16_t)(vector << 8);
    c->seg[SEG_CS].base = (uint64_t)vector << 12;
    c->r[RIP] = 0;
    cpu_update_mode(c);
}
