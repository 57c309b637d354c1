/* SPDX-License-Identifier: BSD-2-Clause */
/* Host debugging: KVM_SET_GUEST_DEBUG and its exit. */
#include "kvm.h"

#define DR6_BS    (1u << 14)
#define DR7_FIXED 0x400u

/* Length field of DR7 (Intel SDM vol. 3, "Debug Control Register"). */
static uint64_t length_bits(uint8_t length)
{
    switch (length) {
    case 2:
        return 1;
    case 4:
        return 3;
    case 8:
        return 2;
    default:
        return 0;
    }
}

vmaccel_status kvm_apply_debug(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    return ioctl(k->fd, KVM_SET_GUEST_DEBUG, &k->debug) < 0
               ? kvm_fail("vcpu", "KVM_SET_GUEST_DEBUG")
               : VMACCEL_OK;
}

vmaccel_status kvm_set_debug(vmaccel_vcpu *vcpu, const vmaccel_debug_config *config)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    struct kvm_guest_debug debug = {.control = 0};
    uint8_t point_of_dr[4] = {0};
    uint64_t dr7 = DR7_FIXED;
    unsigned used = 0;

    for (unsigned i = 0; i < VMACCEL_HW_POINTS; i++) {
        const vmaccel_hw_point *point = &config->points[i];
        if (point->kind == 0)
            continue;
        if (used == 4)
            return core_fail(VMACCEL_E_LIMIT, "kvm", "vcpu",
                             vmaccel_cap_name(VMACCEL_CAP_HW_BREAKPOINT), 0,
                             "x86 has four break- and watchpoints");
        uint64_t type = point->kind == VMACCEL_HW_EXEC    ? 0
                        : point->kind == VMACCEL_HW_WRITE ? 1
                                                          : 3;
        dr7 |= 2ull << (2 * used) | type << (16 + 4 * used) |
               length_bits(point->length) << (18 + 4 * used);
        debug.arch.debugreg[used] = point->address;
        point_of_dr[used++] = (uint8_t)i;
    }
    if ((config->flags & VMACCEL_DEBUG_STEP) != 0)
        debug.control |= KVM_GUESTDBG_SINGLESTEP;
    if ((config->flags & VMACCEL_DEBUG_SW_BREAKPOINT) != 0)
        debug.control |= KVM_GUESTDBG_USE_SW_BP;
    if (used != 0) {
        debug.control |= KVM_GUESTDBG_USE_HW_BP;
        debug.arch.debugreg[7] = dr7;
    }
    if (debug.control != 0)
        debug.control |= KVM_GUESTDBG_ENABLE;

    /* The state the caller sees is that after a port write, so the step starts behind it. KVM
     * remembers RIP here, so deferred registers go first. */
    vmaccel_status status = kvm_settle(vcpu);
    if (status == VMACCEL_OK && !k->pending)
        status = kvm_x86_flush_now(vcpu, CORE_GROUP_SREGS | CORE_GROUP_REGS);
    if (status != VMACCEL_OK)
        return status;
    struct kvm_guest_debug before = k->debug;
    k->debug = debug;
    status = kvm_apply_debug(vcpu);
    if (status != VMACCEL_OK) {
        k->debug = before;
        return status;
    }
    memcpy(k->arch.point_of_dr, point_of_dr, sizeof point_of_dr);
    k->stepping = (debug.control & KVM_GUESTDBG_SINGLESTEP) != 0;
    k->step_done = false;
    k->attention = (k->attention & ~KVM_ATTENTION_STEP) | (k->stepping ? KVM_ATTENTION_STEP : 0);
    /* The trace flag that KVM puts into RFLAGS is hidden in what it reports from now on. */
    k->arch.synced &= ~CORE_GROUP_REGS;
    return VMACCEL_OK;
}

bool kvm_arch_debug_exit(vmaccel_vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    const struct kvm_debug_exit_arch *raw = &k->run->debug.arch;
    vmaccel_exit *exit = &vcpu->exit;

    exit->reason = VMACCEL_EXIT_DEBUG;
    memset(&exit->u.debug, 0, sizeof exit->u.debug);
    exit->u.debug.pc = raw->pc;
    exit->u.debug.dr6 = raw->dr6;
    if (raw->exception == 3) {
        exit->u.debug.flags = VMACCEL_DEBUG_SW_BREAKPOINT;
        exit->u.debug.dr6 = 0;
        return true;
    }
    if ((raw->dr6 & DR6_BS) != 0)
        exit->u.debug.flags |= VMACCEL_DEBUG_STEP;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t dr7 = k->debug.arch.debugreg[7];
        if ((raw->dr6 & 1ull << i) == 0 || (dr7 >> (2 * i) & 3) == 0)
            continue;
        bool exec = (dr7 >> (16 + 4 * i) & 3) == 0;
        exit->u.debug.slot = k->arch.point_of_dr[i];
        if (exec) {
            exit->u.debug.flags |= VMACCEL_DEBUG_HW_BREAKPOINT;
            k->attention |= KVM_ATTENTION_RESUME;
        } else {
            exit->u.debug.flags |= VMACCEL_DEBUG_HW_WATCHPOINT;
            exit->u.debug.address = k->debug.arch.debugreg[i];
        }
    }
    return true;
}
