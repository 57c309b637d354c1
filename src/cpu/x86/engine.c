/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop: events, then a block, then what the block left. */
#include "cpu/x86/engine.h"

#include <string.h>

const struct uop *cpu_raise(struct cpu *c, const struct uop *u, uint8_t vector)
{
    if (u)
        c->r[RIP] += u->off;
    c->event = (struct event){.kind = EVENT_EXCEPTION, .vector = vector};
    return NULL;
}

const struct uop *cpu_raise_error(struct cpu *c, const struct uop *u, uint8_t vector,
                                  uint32_t error)
{
    cpu_raise(c, u, vector);
    c->event.has_error = true;
    c->event.error = error;
    return NULL;
}

const struct uop *cpu_exit_again(struct cpu *c, const struct uop *u)
{
    if (u)
        c->r[RIP] += u->off;
    c->exit.awaits_answer = true;
    c->event = (struct event){.kind = EVENT_EXIT};
    return NULL;
}

void cpu_raise_unsupported(struct cpu *c, const struct uop *u)
{
    if (u)
        c->r[RIP] += u->off;
    c->exit = (struct cpu_exit){.reason = CPU_EXIT_UNSUPPORTED};
    c->event = (struct event){.kind = EVENT_EXIT};
}

const struct uop *cpu_end_stop(struct cpu *c, const struct uop *u)
{
    c->stop = false;
    return cpu_leave(c, u);
}

/* ---- Exits ---- */

static void leave_with(struct cpu *c, enum cpu_exit_reason reason)
{
    c->exit = (struct cpu_exit){.reason = reason};
    c->event = (struct event){.kind = EVENT_EXIT};
}

static bool next_write(struct cpu *c)
{
    if (c->write_next == c->write_count) {
        c->write_next = c->write_count = 0;
        return false;
    }
    const struct device_write *w = &c->writes[c->write_next++];
    leave_with(c, w->io ? CPU_EXIT_IO : CPU_EXIT_MMIO);
    c->exit.u.access.address = w->address;
    c->exit.u.access.value = w->value;
    c->exit.u.access.size = w->size;
    c->exit.u.access.is_write = true;
    return true;
}

/* A trap after an instruction: the guest's or the host's. */
static void debug_trap(struct cpu *c, uint64_t dr6)
{
    uint64_t host = c->debug.points ? dr6 & 0xf : 0;
    if (c->debug.step)
        host |= dr6 & X86_BIT(14);
    if (host) {
        leave_with(c, CPU_EXIT_DEBUG);
        c->exit.u.debug.dr6 = host;
        dr6 &= ~host;
        if (!(dr6 & 0xf) && !(c->rflags & X86_FLAGS_TF))
            return;
        c->pending_db = dr6;
        return;
    }
    cpu_raise(c, NULL, EXC_DB);
    c->event.address = dr6;
}

/* ---- Before an instruction ---- */

static bool instruction_breakpoint(struct cpu *c)
{
    uint64_t dr7 = cpu_dr7(c), hit = 0;
    uint64_t linear =
        c->mode & MODE_CODE64 ? c->r[RIP] : (uint32_t)(c->seg[SEG_CS].base + c->r[RIP]);
    for (unsigned n = 0; n < 4; n++)
        if ((dr7 >> (2 * n) & 3) && (dr7 >> (16 + 4 * n) & 3) == 0 && cpu_dr(c, n) == linear)
            hit |= UINT64_C(1) << n;
    if (!hit)
        return false;
    if (c->debug.points) {
        if (c->passed_breakpoint && c->breakpoint_rip == linear)
            return false;
        c->passed_breakpoint = true;
        c->breakpoint_rip = linear;
        leave_with(c, CPU_EXIT_DEBUG);
        c->exit.u.debug.dr6 = hit;
        return true;
    }
    if (c->rflags & X86_FLAGS_RF)
        return false;
    cpu_raise(c, NULL, EXC_DB);
    c->event.address = hit;
    return true;
}

/* Deliver what may be delivered now. True: something was, or an exit is due. */
static bool take_event(struct cpu *c)
{
    if (c->pending_db && !(c->shadow & VMACCEL_X86_SHADOW_MOV_SS)) {
        uint64_t dr6 = c->pending_db;
        c->pending_db = 0;
        debug_trap(c, dr6);
        return true;
    }
    if (c->queued.kind != EVENT_NONE) {
        c->event = c->queued;
        c->queued.kind = EVENT_NONE;
        c->event_injected = true;
        return true;
    }
    if (c->nmi_pending && !c->nmi_masked && !c->shadow) {
        c->nmi_pending = false;
        cpu_deliver_nmi(c);
        return true;
    }
    if (!(c->rflags & X86_FLAGS_IF) || c->shadow)
        return false;
    if (c->slot_occupied) {
        c->slot_occupied = false;
        cpu_deliver_interrupt(c, c->slot_vector);
        return true;
    }
    if (c->interrupt_wanted) {
        callback_begin(c);
        int vector = c->ops->interrupt_take ? c->ops->interrupt_take(c->context) : -1;
        c->interrupt_wanted = c->ops->interrupt_pending && c->ops->interrupt_pending(c->context);
        callback_end(c);
        if (vector >= 0) {
            cpu_deliver_interrupt(c, (uint8_t)vector);
            /* A device may have loaded code before it raised this. */
            c->verified++;
            return true;
        }
    }
    if (c->window_requested) {
        c->window_requested = false;
        leave_with(c, CPU_EXIT_IRQ_WINDOW);
        return true;
    }
    return false;
}

/* Requests of other threads; true when the run ends. */
static bool take_posts(struct cpu *c)
{
    cpu_take_posts(c);
    uint32_t posted = atomic_fetch_and(
        &c->posted, ~(uint32_t)(CPU_POST_STOP | CPU_POST_INTERRUPT | CPU_POST_NMI));
    if (posted & CPU_POST_NMI)
        c->nmi_pending = true;
    if ((posted & CPU_POST_INTERRUPT) && c->ops->interrupt_pending) {
        callback_begin(c);
        c->interrupt_wanted = c->ops->interrupt_pending(c->context);
        callback_end(c);
    }
    if (posted & CPU_POST_STOP) {
        leave_with(c, CPU_EXIT_STOPPED);
        return true;
    }
    return false;
}

/* From here on another thread's post stops the CPU at its next block. */
static void open_epoch(struct cpu *c)
{
    atomic_store(&c->epoch, c->verified);
    if (atomic_load(&c->posted) != 0)
        atomic_store(&c->epoch, 0);
}

/* ---- One block, or one instruction ---- */

static void run_uops(struct cpu *c, const struct uop *u)
{
    while (u)
        u = u->fn(c, u);
}

/* What one instruction changes that the next must not see. */
struct before {
    uint8_t shadow;
    uint64_t rf;
};

static struct before step_begin(struct cpu *c)
{
    struct before b = {c->shadow, c->rflags & X86_FLAGS_RF};
    c->traps = c->rflags & X86_FLAGS_TF;
    c->shadow = 0;
    c->rflags &= ~X86_FLAGS_RF; /* an IRET may set it for the next one */
    return b;
}

static void step_end(struct cpu *c, struct before b)
{
    bool again = c->event.kind == EVENT_EXIT && c->exit.awaits_answer;
    if (again || (c->event.kind == EVENT_EXCEPTION && c->event.vector == EXC_DB)) {
        c->shadow = b.shadow;
        c->rflags |= b.rf;
    } else if (c->event.kind == EVENT_NONE || c->event.kind == EVENT_EXIT) {
        c->passed_breakpoint = false;
        c->single_step_done = c->debug.step;
        if (c->traps && !(c->shadow & VMACCEL_X86_SHADOW_MOV_SS))
            c->pending_db |= X86_BIT(14);
    }
    cpu_update_mode(c);
}

static void run_block(struct cpu *c)
{
    bool step = c->mode & MODE_STEP;
    if (step && (cpu_dr7(c) & 0xff) && instruction_breakpoint(c))
        return;
    const struct uop *u = c->given.count ? block_given(c) : NULL;
    if (!u)
        u = block_find(c);
    if (!u)
        return;
    if ((uint32_t)u->imm != atomic_load_explicit(&c->epoch, memory_order_relaxed)) {
        /* Translating changed the number, or somebody asks, who waits for a replay's end. */
        if (c->stepping)
            atomic_store(&c->epoch, c->verified);
        else
            open_epoch(c);
        if (atomic_load(&c->epoch) == 0 && !c->stepping)
            return;
    }
    if (!step) {
        run_uops(c, u);
        return;
    }
    struct before before = step_begin(c);
    run_uops(c, u);
    step_end(c, before);
}

static bool intercepted(struct cpu *c)
{
    if (c->event_injected || c->event.vector > 31 ||
        !(c->vm->config.exceptions >> c->event.vector & 1))
        return false;
    struct event e = c->event;
    leave_with(c, CPU_EXIT_EXCEPTION);
    c->exit.u.exception.vector = e.vector;
    c->exit.u.exception.has_error_code = e.has_error;
    c->exit.u.exception.error_code = e.error;
    c->exit.u.exception.address = e.vector == EXC_PF ? e.address : 0;
    return true;
}

/* After a block: true when the run ends with c->exit. */
static bool after_block(struct cpu *c)
{
    c->stop = false;
    if (c->event.kind == EVENT_EXIT && c->exit.awaits_answer) {
        c->write_count = 0; /* made again when the instruction runs again */
        return true;
    }
    if (c->event.kind == EVENT_EXCEPTION || c->event.kind == EVENT_SOFT) {
        c->write_count = 0;
        if (!c->in_delivery)
            c->replay.count = c->replay.next = 0;
        if (c->event.kind == EVENT_EXCEPTION && intercepted(c))
            return true;
        bool was_step = c->debug.step;
        cpu_deliver_event(c);
        c->event_injected = false;
        if (c->shadow) {
            c->shadow = 0;
            cpu_update_mode(c);
        }
        if (c->event.kind == EVENT_EXIT)
            return true;
        c->single_step_done = was_step;
    } else if (c->event.kind == EVENT_EXIT && c->write_count == 0) {
        return true;
    }
    c->replay.count = c->replay.next = 0;
    if (c->write_count) {
        if (c->event.kind == EVENT_EXIT) { /* both: the writes came first */
            c->held_exit = c->exit;
            c->exit_held = true;
        }
        return next_write(c);
    }
    return false;
}

static bool step_exit(struct cpu *c)
{
    if (!c->single_step_done)
        return false;
    c->single_step_done = false;
    if (!c->debug.step)
        return false;
    leave_with(c, CPU_EXIT_DEBUG);
    c->exit.u.debug.dr6 = X86_BIT(14) | (c->debug.points ? c->pending_db & 0xf : 0);
    if (c->debug.points)
        c->pending_db &= ~UINT64_C(0xf);
    return true;
}

/* What an earlier run left to report. */
static bool leftover(struct cpu *c, bool one)
{
    if (next_write(c))
        return true;
    if (c->exit_held) {
        c->exit_held = false;
        c->exit = c->held_exit;
        return true;
    }
    return !one && step_exit(c);
}

/* Take the caller's answer to what the instruction asked. */
static void take_answer(struct cpu *c, const struct cpu_exit *exit)
{
    if (!c->exit.awaits_answer)
        return;
    c->exit = *exit;
    c->exit.awaits_answer = false;
    struct replay *r = &c->replay;
    r->next = 0;
    if (c->exit.reason == CPU_EXIT_IO || c->exit.reason == CPU_EXIT_MMIO)
        r->at[r->count++].value = exit->u.access.value;
    else
        c->answered = true; /* the instruction takes it from c->exit */
    c->stepping = true;
    cpu_update_mode(c);
}

static void run_loop(struct cpu *c, bool one)
{
    for (;;) {
        c->event.kind = EVENT_NONE;
        if (c->in_delivery) { /* a device answered for a table or a stack */
            c->stepping = false;
            cpu_update_mode(c);
            c->event = c->queued;
            c->queued.kind = EVENT_NONE;
            c->event_injected = true;
            if (after_block(c) || step_exit(c))
                return;
            continue;
        }
        bool replaying = c->stepping;
        if (!replaying) {
            if (one) {
                leave_with(c, CPU_EXIT_STEPPED);
                return;
            }
            if (atomic_load_explicit(&c->posted, memory_order_relaxed) && take_posts(c))
                return;
            if (take_event(c)) {
                if (c->event.kind != EVENT_NONE && after_block(c))
                    return;
                if (step_exit(c))
                    return;
                continue;
            }
        } else {
            cpu_take_posts(c);
        }
        if (atomic_load_explicit(&c->epoch, memory_order_relaxed) != c->verified)
            open_epoch(c);
        if (atomic_load_explicit(&c->epoch, memory_order_relaxed) == 0) {
            if (!replaying)
                continue;
            atomic_store(&c->epoch, c->verified); /* posts wait for the instruction's end */
        }
        run_block(c);
        c->answered = false;
        if (replaying) {
            c->stepping = false;
            cpu_update_mode(c);
        }
        if (after_block(c) || step_exit(c))
            return;
    }
}

static void run(struct cpu *c, struct cpu_exit *exit, bool one)
{
    take_answer(c, exit);
    atomic_store(&c->in_guest, 1);
    cpu_take_posts(c);
    c->verified++; /* the host may have written guest memory meanwhile */
    if (c->verified == 0)
        block_drop_all(c);
    if (!leftover(c, one)) {
        cpu_fp_enter(c);
        run_loop(c, one);
        cpu_fp_leave(c);
    }
    atomic_store(&c->in_guest, 0);
    *exit = c->exit;
}

void cpu_run(struct cpu *c, struct cpu_exit *exit)
{
    run(c, exit, false);
}

void cpu_complete(struct cpu *c, struct cpu_exit *exit)
{
    if (!c->exit.awaits_answer && c->write_next == c->write_count) {
        *exit = (struct cpu_exit){.reason = CPU_EXIT_STEPPED};
        return;
    }
    run(c, exit, true);
}

void cpu_step(struct cpu *c, struct cpu_exit *exit)
{
    if (!c->exit.awaits_answer && c->write_next == c->write_count) {
        c->stepping = true;
        cpu_update_mode(c);
    }
    run(c, exit, true);
}

void cpu_abandon(struct cpu *c)
{
    c->exit.awaits_answer = false;
    c->answered = false;
    c->in_delivery = false;
    c->replay.count = c->replay.next = 0;
    c->write_count = c->write_next = 0;
    c->exit_held = false;
    c->single_step_done = false;
    if (c->stepping) {
        c->stepping = false;
        cpu_update_mode(c);
    }
}
