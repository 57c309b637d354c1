/* SPDX-License-Identifier: BSD-2-Clause */
/* Host debugging. The CPU stops before an instruction with a break- or watchpoint, and again if it
 * is resumed there; so KVM steps over it with those points off. A watchpoint is reported behind the
 * access, as the contract has it. */
#include "arch/arm64/exception.h"
#include "arch/arm64/sysreg.h"
#include "kvm.h"

/* DBGBCR and DBGWCR: enabled, at EL1 and EL0. */
#define POINT_ON  (1u | 3u << 1)
#define BCR_BAS   (0xfu << 5)
#define WCR_LOAD  (1u << 3)
#define WCR_STORE (1u << 4)
#define WCR_BAS   5

static bool is_on(const vmaccel_hw_point *point, bool exec)
{
    return point->kind != 0 && (point->kind == VMACCEL_HW_EXEC) == exec;
}

static void put_points(const vmaccel_debug_config *config, struct kvm_guest_debug *debug)
{
    struct kvm_guest_debug_arch *arch = &debug->arch;
    unsigned bp = 0, wp = 0;

    for (unsigned i = 0; i < VMACCEL_HW_POINTS; i++) {
        const vmaccel_hw_point *point = &config->points[i];
        if (is_on(point, true)) {
            arch->dbg_bvr[bp] = point->address;
            arch->dbg_bcr[bp++] = POINT_ON | BCR_BAS;
        } else if (is_on(point, false)) {
            uint64_t bytes = ((1u << point->length) - 1) << (point->address & 7);
            arch->dbg_wvr[wp] = point->address & ~(uint64_t)7;
            arch->dbg_wcr[wp++] = POINT_ON | WCR_STORE | bytes << WCR_BAS |
                                  (point->kind == VMACCEL_HW_READ_WRITE ? WCR_LOAD : 0);
        }
    }
    if (bp + wp != 0)
        debug->control |= KVM_GUESTDBG_USE_HW;
}

vmaccel_status kvm_apply_debug(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    struct kvm_guest_debug debug = k->debug;

    if (k->arch.over_wanted != KVM_OVER_NONE) {
        debug.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
        memset(debug.arch.dbg_bcr, 0, sizeof debug.arch.dbg_bcr);
        if (k->arch.over_wanted == KVM_OVER_WATCHPOINT)
            memset(debug.arch.dbg_wcr, 0, sizeof debug.arch.dbg_wcr);
    }
    if (ioctl(k->fd, KVM_SET_GUEST_DEBUG, &debug) < 0)
        return kvm_fail("vcpu", "KVM_SET_GUEST_DEBUG");
    k->arch.over = k->arch.over_wanted;
    return VMACCEL_OK;
}

vmaccel_status kvm_set_debug(vmaccel_vcpu *vcpu, const vmaccel_debug_config *config)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    struct kvm_guest_debug debug = {.control = 0}, before = k->debug;

    if ((config->flags & VMACCEL_DEBUG_STEP) != 0)
        debug.control |= KVM_GUESTDBG_SINGLESTEP;
    if ((config->flags & VMACCEL_DEBUG_SW_BREAKPOINT) != 0)
        debug.control |= KVM_GUESTDBG_USE_SW_BP;
    put_points(config, &debug);
    if (debug.control != 0)
        debug.control |= KVM_GUESTDBG_ENABLE;

    /* The state the caller sees is that after a write, so a step starts behind it. */
    vmaccel_status status = kvm_settle(vcpu);
    if (status != VMACCEL_OK)
        return status;
    enum kvm_over wanted = k->arch.over_wanted;
    k->debug = debug;
    k->arch.over_wanted = KVM_OVER_NONE;
    status = kvm_apply_debug(vcpu);
    if (status != VMACCEL_OK) {
        k->debug = before;
        k->arch.over_wanted = wanted;
        return status;
    }
    k->arch.points = *config;
    k->arch.watch_due = false;
    k->stepping = (debug.control & KVM_GUESTDBG_SINGLESTEP) != 0;
    k->step_done = false;
    k->attention = (k->attention & ~(uint64_t)(KVM_ATTENTION_STEP | KVM_ATTENTION_RESUME)) |
                   (k->stepping ? KVM_ATTENTION_STEP : 0);
    return VMACCEL_OK;
}

static void begin_exit(vmaccel_vcpu *vcpu, uint32_t flags)
{
    vmaccel_exit *exit = &vcpu->exit;

    exit->reason = VMACCEL_EXIT_DEBUG;
    exit->platform_reason = KVM_EXIT_DEBUG;
    memset(&exit->u.debug, 0, sizeof exit->u.debug);
    exit->u.debug.flags = flags;
    if (core_arm64_need(vcpu, CORE_ARM64(PC)) == VMACCEL_OK)
        exit->u.debug.pc = vcpu->cache.arm64.regs[VMACCEL_ARM64_PC];
}

void kvm_arm64_step_exit(vmaccel_vcpu *vcpu)
{
    kvm_vcpu(vcpu)->step_done = false;
    begin_exit(vcpu, VMACCEL_DEBUG_STEP);
}

/* The instruction that a watchpoint stopped has been stepped over. */
void kvm_arm64_watch_exit(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);

    k->step_done = k->arch.watch_due = false;
    begin_exit(vcpu, VMACCEL_DEBUG_HW_WATCHPOINT | (k->stepping ? VMACCEL_DEBUG_STEP : 0));
    vcpu->exit.u.debug.slot = k->arch.watch_slot;
    vcpu->exit.u.debug.address = k->arch.watch_address;
}

static bool breakpoint_at(const struct kvm_vcpu *k, uint64_t pc, uint32_t *slot)
{
    for (unsigned i = 0; i < VMACCEL_HW_POINTS; i++) {
        if (is_on(&k->arch.points.points[i], true) && k->arch.points.points[i].address == pc) {
            *slot = i;
            return true;
        }
    }
    return false;
}

/* The watchpoint for an access that FAR names. A wide access may start below the point. */
static bool watchpoint_at(const struct kvm_vcpu *k, uint64_t far, uint32_t *slot)
{
    uint64_t nearest = UINT64_MAX;

    for (unsigned i = 0; i < VMACCEL_HW_POINTS; i++) {
        const vmaccel_hw_point *point = &k->arch.points.points[i];
        if (!is_on(point, false))
            continue;
        uint64_t distance = far - point->address < point->length ? 0 : point->address - far;
        if (distance < nearest || nearest == UINT64_MAX) {
            nearest = distance;
            *slot = i;
        }
    }
    return nearest != UINT64_MAX;
}

/* A debug exception that is not the host's: the guest takes it before the next entry. */
static bool give_to_guest(struct kvm_vcpu *k, uint64_t far)
{
    k->arch.guest_esr = k->run->debug.arch.hsr;
    k->arch.guest_far = far;
    k->attention |= KVM_ATTENTION_INJECT;
    return false;
}

static bool on_step(vmaccel_vcpu *vcpu, enum kvm_over over)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);

    if (over == KVM_OVER_WATCHPOINT && k->arch.watch_due) {
        kvm_arm64_watch_exit(vcpu);
        return true;
    }
    if (k->stepping)
        kvm_arm64_step_exit(vcpu);
    return k->stepping;
}

static bool on_breakpoint(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    uint32_t slot = 0;

    begin_exit(vcpu, VMACCEL_DEBUG_HW_BREAKPOINT);
    if (!breakpoint_at(k, vcpu->exit.u.debug.pc, &slot))
        return give_to_guest(k, 0);
    vcpu->exit.u.debug.slot = slot;
    k->arch.over_wanted = KVM_OVER_BREAKPOINT;
    k->attention |= KVM_ATTENTION_RESUME;
    return true;
}

static bool on_watchpoint(struct kvm_vcpu *k)
{
    uint64_t far = k->run->debug.arch.far;

    if (!watchpoint_at(k, far, &k->arch.watch_slot))
        return give_to_guest(k, far);
    k->arch.watch_address = k->arch.points.points[k->arch.watch_slot].address;
    k->arch.watch_due = true;
    k->arch.over_wanted = KVM_OVER_WATCHPOINT;
    k->attention |= KVM_ATTENTION_RESUME;
    return false;
}

/* An exit that nothing can be said of without PC. */
static bool no_pc(vmaccel_exit *exit)
{
    exit->reason = VMACCEL_EXIT_INTERNAL_ERROR;
    memset(&exit->u.internal, 0, sizeof exit->u.internal);
    exit->u.internal.code = KVM_EXIT_DEBUG;
    return true;
}

bool kvm_arch_debug_exit(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    enum kvm_over over = k->arch.over;

    if (core_arm64_need(vcpu, CORE_ARM64(PC)) != VMACCEL_OK)
        return no_pc(&vcpu->exit);
    if (over != KVM_OVER_NONE) {
        k->arch.over_wanted = KVM_OVER_NONE;
        k->attention |= KVM_ATTENTION_RESUME;
    }
    switch (arm64_esr_class(k->run->debug.arch.hsr)) {
    case ARM64_EC_STEP:
        return on_step(vcpu, over);
    case ARM64_EC_BREAKPOINT:
        return on_breakpoint(vcpu);
    case ARM64_EC_WATCHPOINT:
        return on_watchpoint(k);
    default: /* BRK, or BKPT of AArch32 */
        if ((k->debug.control & KVM_GUESTDBG_USE_SW_BP) == 0)
            return give_to_guest(k, 0);
        begin_exit(vcpu, VMACCEL_DEBUG_SW_BREAKPOINT);
        return true;
    }
}

/* A device access ends the step: what is left of the instruction is done without the guest. After
 * other exits it is still to be made, and meets its points again. */
void kvm_arm64_left(struct kvm_vcpu_arch *arch, uint32_t reason)
{
    if (reason == VMACCEL_EXIT_DEBUG)
        return;
    if (reason == VMACCEL_EXIT_MMIO) {
        arch->over_wanted = KVM_OVER_NONE;
    } else if (arch->over == KVM_OVER_WATCHPOINT) {
        arch->over_wanted = KVM_OVER_NONE;
        arch->watch_due = false;
    }
}

static vmaccel_status inject(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    uint64_t *regs = vcpu->cache.arm64.regs, vbar, sctlr;
    size_t done;

    vmaccel_status status = core_arm64_need(vcpu, CORE_ARM64(PC) | CORE_ARM64(PSTATE));
    if (status == VMACCEL_OK)
        status = kvm_arm64_sysreg(k->fd, ARM64_VBAR_EL1, &vbar);
    if (status == VMACCEL_OK)
        status = kvm_arm64_sysreg(k->fd, ARM64_SCTLR_EL1, &sctlr);
    if (status != VMACCEL_OK)
        return status;
    struct arm64_entry entry =
        arm64_exception_entry(regs[VMACCEL_ARM64_PSTATE], vbar, sctlr, k->arch.guest_esr);
    const vmaccel_arm64_sysreg syndrome[] = {{.id = ARM64_ESR_EL1, .value = entry.esr},
                                             {.id = ARM64_FAR_EL1, .value = k->arch.guest_far}};
    bool has_far = arm64_esr_class(k->arch.guest_esr) == ARM64_EC_WATCHPOINT;
    status = kvm_arm64_set_sysregs(vcpu, syndrome, has_far ? 2 : 1, &done);
    if (status != VMACCEL_OK)
        return status;
    regs[VMACCEL_ARM64_ELR_EL1] = regs[VMACCEL_ARM64_PC];
    regs[VMACCEL_ARM64_SPSR_EL1] = regs[VMACCEL_ARM64_PSTATE];
    regs[VMACCEL_ARM64_PC] = entry.pc;
    regs[VMACCEL_ARM64_PSTATE] = entry.pstate;
    uint64_t written =
        CORE_ARM64(ELR_EL1) | CORE_ARM64(SPSR_EL1) | CORE_ARM64(PC) | CORE_ARM64(PSTATE);
    vcpu->valid |= written;
    vcpu->dirty |= written;
    k->attention &= ~(uint64_t)KVM_ATTENTION_INJECT;
    return VMACCEL_OK;
}

vmaccel_status kvm_arm64_prepare_debug(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    vmaccel_status status = VMACCEL_OK;

    if ((k->attention & KVM_ATTENTION_INJECT) != 0)
        status = inject(vcpu);
    if (status == VMACCEL_OK && k->arch.over_wanted == KVM_OVER_BREAKPOINT) {
        uint32_t slot;
        status = core_arm64_need(vcpu, CORE_ARM64(PC));
        if (status == VMACCEL_OK &&
            !breakpoint_at(k, vcpu->cache.arm64.regs[VMACCEL_ARM64_PC], &slot))
            k->arch.over_wanted = KVM_OVER_NONE; /* it is somewhere else by now */
    }
    if (status == VMACCEL_OK && k->arch.over != k->arch.over_wanted)
        status = kvm_apply_debug(vcpu);
    return status;
}
