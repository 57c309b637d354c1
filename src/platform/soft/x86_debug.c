/* SPDX-License-Identifier: BSD-2-Clause */
/* Host debugging and its exit. */
#include <string.h>

#include "soft.h"

#define DR6_READS 0xffff0ff0u /* bits that read 1 where nothing hit */
#define DR6_BS    (1u << 14)

/* Length field of DR7 (Intel SDM vol. 3, "Debug Control Register"). */
static uint64_t length_bits(uint8_t length)
{
    return length == 2 ? 1 : length == 4 ? 3 : length == 8 ? 2 : 0;
}

vmaccel_status soft_set_debug(vmaccel_vcpu *vcpu, const vmaccel_debug_config *config)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);
    struct cpu_debug debug = {
        .step = (config->flags & VMACCEL_DEBUG_STEP) != 0,
        .breakpoints = (config->flags & VMACCEL_DEBUG_SW_BREAKPOINT) != 0,
        .dr7 = X86_DR7_FIXED,
    };
    unsigned used = 0;
    for (unsigned i = 0; i < VMACCEL_HW_POINTS; i++) {
        const vmaccel_hw_point *point = &config->points[i];
        if (point->kind == 0)
            continue;
        uint64_t type = point->kind == VMACCEL_HW_EXEC    ? 0
                        : point->kind == VMACCEL_HW_WRITE ? 1
                                                          : 3;
        debug.dr7 |= UINT64_C(2) << (2 * used) | type << (16 + 4 * used) |
                     length_bits(point->length) << (18 + 4 * used);
        debug.addr[used] = point->address;
        s->point_of_dr[used++] = (uint8_t)i; /* core checked that there are four at most */
    }
    debug.points = used != 0;
    s->debug = debug;
    s->attention &= ~SOFT_ATTENTION_DEBUG; /* a step that was not reported */
    cpu_set_debug(s->cpu, &debug);
    return VMACCEL_OK;
}

uint64_t soft_pc(const vmaccel_x86_regs *regs, const vmaccel_x86_sregs *sregs)
{
    bool code64 =
        (sregs->efer & X86_EFER_LMA) != 0 && (sregs->cs.attributes & VMACCEL_X86_SEG_L) != 0;
    return code64 ? regs->rip : (regs->rip + sregs->cs.base) & UINT32_MAX;
}

void soft_debug_exit(vmaccel_vcpu *vcpu)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);
    vmaccel_exit *exit = &vcpu->exit;
    uint64_t dr6 = s->exit.u.debug.dr6;

    exit->reason = VMACCEL_EXIT_DEBUG;
    memset(&exit->u.debug, 0, sizeof exit->u.debug);
    if (core_x86_need(vcpu, CORE_GROUP_REGS | CORE_GROUP_SREGS) == VMACCEL_OK)
        exit->u.debug.pc = soft_pc(&vcpu->cache.x86.regs, &vcpu->cache.x86.sregs);
    if (s->exit.u.debug.breakpoint) {
        exit->u.debug.flags = VMACCEL_DEBUG_SW_BREAKPOINT;
        return;
    }
    exit->u.debug.dr6 = dr6 | DR6_READS;
    if ((dr6 & DR6_BS) != 0)
        exit->u.debug.flags |= VMACCEL_DEBUG_STEP;
    for (unsigned i = 0; i < 4; i++) {
        if ((dr6 >> i & 1) == 0 || (s->debug.dr7 >> 2 * i & 3) == 0)
            continue;
        exit->u.debug.slot = s->point_of_dr[i];
        if ((s->debug.dr7 >> (16 + 4 * i) & 3) == 0) {
            exit->u.debug.flags |= VMACCEL_DEBUG_HW_BREAKPOINT;
        } else {
            exit->u.debug.flags |= VMACCEL_DEBUG_HW_WATCHPOINT;
            exit->u.debug.address = s->debug.addr[i];
        }
    }
}
