/* SPDX-License-Identifier: BSD-2-Clause */
#include "common.h"
#include "x86_guest.h"

static void enter(struct guest *guest)
{
    guest_enter(guest, GUEST_LONG);
}

static uint64_t *find(vmaccel_x86_regs *regs, enum common_reg reg)
{
    switch (reg) {
    case COMMON_PC:
        return &regs->rip;
    case COMMON_VALUE:
        return &regs->rax;
    case COMMON_ADDRESS:
        return &regs->rdi;
    case COMMON_ADDRESS2:
        return &regs->rsi;
    case COMMON_RESULT:
        return &regs->rbx;
    case COMMON_COUNT:
        return &regs->rcx;
    case COMMON_STEP:
        break;
    }
    return &regs->rdx;
}

static uint64_t get(struct guest *guest, enum common_reg reg)
{
    vmaccel_x86_regs regs = guest_regs(guest);
    return *find(&regs, reg);
}

static void set(struct guest *guest, enum common_reg reg, uint64_t value)
{
    vmaccel_x86_regs regs = guest_regs(guest);
    *find(&regs, reg) = value;
    guest_set_regs(guest, &regs);
}

static bool is_mark(const vmaccel_exit *exit, uint8_t *number, uint8_t *value)
{
    if (exit->reason != VMACCEL_EXIT_IO || !exit->u.io.is_write || exit->u.io.size != 1)
        return false;
    *number = (uint8_t)exit->u.io.port;
    *value = exit->u.io.data[0];
    return true;
}

static size_t look(struct guest *guest, void *state)
{
    struct {
        vmaccel_x86_regs regs;
        vmaccel_x86_sregs sregs;
        vmaccel_x86_events events;
    } all;
    memset(&all, 0, sizeof(all));
    all.regs = guest_regs(guest);
    all.sregs = guest_sregs(guest);
    if (vmaccel_vm_cap(guest->vm, VMACCEL_CAP_REG_EVENTS) != 0)
        CHECK_OK(vmaccel_x86_get_events(guest->vcpu, &all.events));
    memcpy(state, &all, sizeof(all));
    return sizeof(all);
}

static void first_start(vmaccel_vcpu *vcpu)
{
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    vmaccel_x86_reset_state(&regs, &sregs);
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    regs.rip = 0;
    CHECK_OK(vmaccel_x86_set_sregs(vcpu, &sregs));
    CHECK_OK(vmaccel_x86_set_regs(vcpu, &regs));
}

const struct common_arch common_x86 = {
    .code = vmaccel_guest_common,
    .size = &vmaccel_guest_common_size,
    .programs =
        {
#define COMMON_PROGRAM(name) VMACCEL_GUEST_common_sym_##name,
            COMMON_PROGRAMS(COMMON_PROGRAM)
#undef COMMON_PROGRAM
        },
    .prepare = guest_prepare,
    .enter = enter,
    .get = get,
    .set = set,
    .is_mark = is_mark,
    .look = look,
    .first_code = {0xe6, 0x10}, /* out 0x10, al */
    .first_start = first_start,
};
