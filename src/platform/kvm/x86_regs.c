/* SPDX-License-Identifier: BSD-2-Clause */
/* General and special registers: fetched from the run page where KVM put them (KVM_CAP_SYNC_REGS),
 * written back through it. */
#include "arch/x86/state.h"
#include "kvm.h"

static void regs_from(const struct kvm_regs *raw, vmaccel_x86_regs *regs)
{
    /* Both are the same 18 words but for the order of RSP and RBP, RSI and RDI. */
    *regs = (vmaccel_x86_regs){
        .rax = raw->rax,
        .rbx = raw->rbx,
        .rcx = raw->rcx,
        .rdx = raw->rdx,
        .rsi = raw->rsi,
        .rdi = raw->rdi,
        .rsp = raw->rsp,
        .rbp = raw->rbp,
        .r8 = raw->r8,
        .r9 = raw->r9,
        .r10 = raw->r10,
        .r11 = raw->r11,
        .r12 = raw->r12,
        .r13 = raw->r13,
        .r14 = raw->r14,
        .r15 = raw->r15,
        .rip = raw->rip,
        .rflags = raw->rflags,
    };
}

static void regs_to(const vmaccel_x86_regs *regs, struct kvm_regs *raw)
{
    *raw = (struct kvm_regs){
        .rax = regs->rax,
        .rbx = regs->rbx,
        .rcx = regs->rcx,
        .rdx = regs->rdx,
        .rsi = regs->rsi,
        .rdi = regs->rdi,
        .rsp = regs->rsp,
        .rbp = regs->rbp,
        .r8 = regs->r8,
        .r9 = regs->r9,
        .r10 = regs->r10,
        .r11 = regs->r11,
        .r12 = regs->r12,
        .r13 = regs->r13,
        .r14 = regs->r14,
        .r15 = regs->r15,
        .rip = regs->rip,
        .rflags = regs->rflags,
    };
}

static vmaccel_x86_segment segment_from(const struct kvm_segment *raw)
{
    vmaccel_x86_segment segment = {
        .base = raw->base, .limit = raw->limit, .selector = raw->selector};
    if (raw->present && !raw->unusable)
        segment.attributes =
            (uint16_t)((raw->type & 0xfu) | (raw->s & 1u) << 4 | (raw->dpl & 3u) << 5 |
                       VMACCEL_X86_SEG_P | (raw->avl & 1u) << 12 | (raw->l & 1u) << 13 |
                       (raw->db & 1u) << 14 | (raw->g & 1u) << 15);
    return segment;
}

static struct kvm_segment segment_to(const vmaccel_x86_segment *segment)
{
    uint32_t a = segment->attributes;
    return (struct kvm_segment){
        .base = segment->base,
        .limit = segment->limit,
        .selector = segment->selector,
        .type = a & 0xf,
        .s = a >> 4 & 1,
        .dpl = a >> 5 & 3,
        .present = a >> 7 & 1,
        .avl = a >> 12 & 1,
        .l = a >> 13 & 1,
        .db = a >> 14 & 1,
        .g = a >> 15 & 1,
        .unusable = (a & VMACCEL_X86_SEG_P) == 0,
    };
}

static void sregs_from(const struct kvm_sregs *raw, vmaccel_x86_sregs *sregs)
{
    sregs->cs = segment_from(&raw->cs);
    sregs->ds = segment_from(&raw->ds);
    sregs->es = segment_from(&raw->es);
    sregs->fs = segment_from(&raw->fs);
    sregs->gs = segment_from(&raw->gs);
    sregs->ss = segment_from(&raw->ss);
    sregs->tr = segment_from(&raw->tr);
    sregs->ldt = segment_from(&raw->ldt);
    sregs->gdt = (vmaccel_x86_table){.base = raw->gdt.base, .limit = raw->gdt.limit};
    sregs->idt = (vmaccel_x86_table){.base = raw->idt.base, .limit = raw->idt.limit};
    sregs->cr0 = raw->cr0;
    sregs->cr2 = raw->cr2;
    sregs->cr3 = raw->cr3;
    sregs->cr4 = raw->cr4;
    sregs->cr8 = raw->cr8;
    sregs->efer = raw->efer;
    sregs->apic_base = raw->apic_base;
    x86_sregs_canonical(sregs);
}

static void sregs_to(const vmaccel_x86_sregs *sregs, struct kvm_sregs *raw)
{
    raw->cs = segment_to(&sregs->cs);
    raw->ds = segment_to(&sregs->ds);
    raw->es = segment_to(&sregs->es);
    raw->fs = segment_to(&sregs->fs);
    raw->gs = segment_to(&sregs->gs);
    raw->ss = segment_to(&sregs->ss);
    raw->tr = segment_to(&sregs->tr);
    raw->ldt = segment_to(&sregs->ldt);
    raw->gdt = (struct kvm_dtable){.base = sregs->gdt.base, .limit = sregs->gdt.limit};
    raw->idt = (struct kvm_dtable){.base = sregs->idt.base, .limit = sregs->idt.limit};
    raw->cr0 = sregs->cr0;
    raw->cr2 = sregs->cr2;
    raw->cr3 = sregs->cr3;
    raw->cr4 = sregs->cr4;
    raw->cr8 = sregs->cr8;
    raw->efer = sregs->efer;
    raw->apic_base = sregs->apic_base;
    memset(raw->interrupt_bitmap, 0,
           sizeof raw->interrupt_bitmap); /* the slot travels with the events */
}

_Static_assert(CORE_GROUP_REGS == KVM_SYNC_X86_REGS && CORE_GROUP_SREGS == KVM_SYNC_X86_SREGS &&
                   CORE_GROUP_EVENTS == KVM_SYNC_X86_EVENTS,
               "the groups are KVM's own bits");

static vmaccel_status fetch_sregs(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    struct kvm_sregs raw;
    if ((k->arch.synced & CORE_GROUP_SREGS) != 0) {
        sregs_from(&k->run->s.regs.sregs, &vcpu->cache.x86.sregs);
        return VMACCEL_OK;
    }
    if (ioctl(k->fd, KVM_GET_SREGS, &raw) < 0)
        return kvm_fail("x86", "KVM_GET_SREGS");
    sregs_from(&raw, &vcpu->cache.x86.sregs);
    return VMACCEL_OK;
}

static vmaccel_status fetch_regs(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    vmaccel_x86_regs *regs = &vcpu->cache.x86.regs;
    struct kvm_regs raw;
    if ((k->arch.synced & CORE_GROUP_REGS) != 0) {
        regs_from(&k->run->s.regs.regs, regs);
    } else {
        if (ioctl(k->fd, KVM_GET_REGS, &raw) < 0)
            return kvm_fail("x86", "KVM_GET_REGS");
        regs_from(&raw, regs);
    }
    /* After a port write the state is that after the instruction; KVM may have RIP still at it. */
    if (!k->pending || vcpu->awaiting_answer || vcpu->exit.reason != VMACCEL_EXIT_IO ||
        vcpu->exit.u.io.count != 1)
        return VMACCEL_OK;
    vmaccel_status status = core_x86_need(vcpu, CORE_GROUP_SREGS); /* for the mode */
    if (status != VMACCEL_OK)
        return status;
    return kvm_x86_out_rip(vcpu, &regs->rip, &vcpu->cache.x86.sregs);
}

static vmaccel_status fetch_events(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    if ((k->arch.synced & CORE_GROUP_EVENTS) != 0)
        k->arch.raw_events = k->run->s.regs.events;
    else if (ioctl(k->fd, KVM_GET_VCPU_EVENTS, &k->arch.raw_events) < 0)
        return kvm_fail("x86", "KVM_GET_VCPU_EVENTS");
    kvm_x86_events_from(&kvm_vm(vcpu->vm)->arch, &k->arch.raw_events, &vcpu->cache.x86.events);
    return VMACCEL_OK;
}

vmaccel_status kvm_x86_fetch(vmaccel_vcpu *vcpu, uint32_t groups)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    vmaccel_status status = VMACCEL_OK;

    if (kvm_vm(vcpu->vm)->arch.sync_regs) {
        k->arch.unread = 0;
        k->run->kvm_valid_regs |= groups; /* have them in the run page from the next exit on */
    }
    if ((groups & CORE_GROUP_SREGS) != 0)
        status = fetch_sregs(vcpu);
    if (status == VMACCEL_OK && (groups & CORE_GROUP_SREGS) != 0)
        vcpu->valid |= CORE_GROUP_SREGS;
    if (status == VMACCEL_OK && (groups & CORE_GROUP_REGS) != 0)
        status = fetch_regs(vcpu);
    if (status == VMACCEL_OK && (groups & CORE_GROUP_EVENTS) != 0)
        status = fetch_events(vcpu);
    return status;
}

static vmaccel_status put_sregs(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    struct kvm_sregs raw;
    sregs_to(&vcpu->cache.x86.sregs, &raw);
    k->run->cr8 = raw.cr8; /* without a local APIC KVM_RUN takes it from here */
    if (ioctl(k->fd, KVM_SET_SREGS, &raw) < 0) {
        int error = errno;
        const char *bad = core_x86_bad_state(&vcpu->cache.x86.regs, &vcpu->cache.x86.sregs);
        errno = error;
        return bad == NULL ? kvm_fail("x86", "KVM_SET_SREGS")
                           : core_fail(VMACCEL_E_INVALID_ARGUMENT, "kvm", "x86", NULL, error,
                                       "KVM_SET_SREGS refused the state: %s", bad);
    }
    return VMACCEL_OK;
}

static vmaccel_status put_regs(vmaccel_vcpu *vcpu)
{
    struct kvm_regs raw;
    regs_to(&vcpu->cache.x86.regs, &raw);
    return ioctl(kvm_vcpu(vcpu)->fd, KVM_SET_REGS, &raw) < 0 ? kvm_fail("x86", "KVM_SET_REGS")
                                                             : VMACCEL_OK;
}

static vmaccel_status put_events(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    kvm_x86_events_to(&kvm_vm(vcpu->vm)->arch, &vcpu->cache.x86.events, &k->arch.raw_events);
    return ioctl(k->fd, KVM_SET_VCPU_EVENTS, &k->arch.raw_events) < 0
               ? kvm_fail("x86", "KVM_SET_VCPU_EVENTS")
               : VMACCEL_OK;
}

vmaccel_status kvm_x86_flush_now(vmaccel_vcpu *vcpu, uint32_t groups)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    vmaccel_status status = VMACCEL_OK;
    groups &= vcpu->dirty;
    if ((groups & CORE_GROUP_SREGS) != 0) {
        status = put_sregs(vcpu);
        if (status == VMACCEL_OK &&
            k->arch.lapic_set) /* the APIC base decides what of the LAPIC state is kept */
            status = kvm_x86_apply_lapic(vcpu);
        if (status == VMACCEL_OK && k->arch.mp_set)
            status = kvm_apply_mp_state(vcpu);
    }
    if (status == VMACCEL_OK && (groups & CORE_GROUP_REGS) != 0)
        status = put_regs(vcpu);
    if (status == VMACCEL_OK && (groups & CORE_GROUP_EVENTS) != 0)
        status = put_events(vcpu);
    if (status == VMACCEL_OK) {
        vcpu->dirty &= ~groups;
        k->arch.synced &= ~groups;
    }
    return status;
}

/* KVM_SET_REGS drops a pending exception, so the events have to follow it. */
static vmaccel_status keep_exception(vmaccel_vcpu *vcpu)
{
    vmaccel_status status;
    if ((vcpu->dirty & CORE_GROUP_REGS) == 0 || (vcpu->dirty & CORE_GROUP_EVENTS) != 0)
        return VMACCEL_OK;
    switch (vcpu->exit.reason) { /* nothing is in delivery at these exits */
    case VMACCEL_EXIT_IO:
    case VMACCEL_EXIT_MMIO:
    case VMACCEL_EXIT_HLT:
    case VMACCEL_EXIT_NONE:
    case VMACCEL_EXIT_MSR:
        return VMACCEL_OK;
    default:
        break;
    }
    status = core_x86_need(vcpu, CORE_GROUP_EVENTS);
    if (status == VMACCEL_OK && vcpu->cache.x86.events.exception_pending)
        vcpu->dirty |= CORE_GROUP_EVENTS;
    return status;
}

vmaccel_status kvm_x86_flush(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    struct kvm_sync_regs *sync = &k->run->s.regs;
    vmaccel_status status = keep_exception(vcpu);
    if (status != VMACCEL_OK)
        return status;

    /* A processor that waits for SIPI would take register writes through the run page after it woke
     * up. */
    bool first = (k->attention & KVM_ATTENTION_FIRST) != 0;
    if (first || k->stepping || k->arch.lapic_set || k->arch.mp_set ||
        !kvm_vm(vcpu->vm)->arch.sync_regs) {
        bool regs = (vcpu->dirty & CORE_GROUP_REGS) != 0;
        status = kvm_x86_flush_now(vcpu, vcpu->dirty);
        /* KVM remembers RIP when stepping is switched on, and steps from there. */
        if (status == VMACCEL_OK && regs && k->stepping)
            status = kvm_apply_debug(vcpu);
        return status;
    }
    if ((vcpu->dirty & CORE_GROUP_REGS) != 0)
        regs_to(&vcpu->cache.x86.regs, &sync->regs);
    if ((vcpu->dirty & CORE_GROUP_SREGS) != 0) {
        sregs_to(&vcpu->cache.x86.sregs, &sync->sregs);
        k->run->cr8 = sync->sregs.cr8;
    }
    if ((vcpu->dirty & CORE_GROUP_EVENTS) != 0) {
        kvm_x86_events_to(&kvm_vm(vcpu->vm)->arch, &vcpu->cache.x86.events, &k->arch.raw_events);
        sync->events = k->arch.raw_events;
    }
    k->run->kvm_dirty_regs = vcpu->dirty;
    vcpu->dirty = 0;
    return VMACCEL_OK;
}

/* KVM_RUN refused a group in the run page: write the groups one by one for an error that names the
 * element. */
vmaccel_status kvm_x86_flush_refused(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    int error = errno;
    uint32_t groups = (uint32_t)k->run->kvm_dirty_regs;
    k->run->kvm_dirty_regs = 0;
    regs_from(&k->run->s.regs.regs, &vcpu->cache.x86.regs);
    sregs_from(&k->run->s.regs.sregs, &vcpu->cache.x86.sregs);
    vcpu->valid |= groups;
    vcpu->dirty |= groups;
    vmaccel_status status = kvm_x86_flush_now(vcpu, groups);
    if (status != VMACCEL_OK)
        return status;
    errno = error;
    return kvm_fail("vcpu", "KVM_RUN");
}
