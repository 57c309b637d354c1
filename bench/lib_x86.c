/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "raw.h"

static bool start(vmaccel_vcpu *vcpu, enum bench_program program)
{
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    if (vmaccel_x86_get_sregs(vcpu, &sregs) != VMACCEL_OK)
        return false;
    memset(&regs, 0, sizeof regs);
    regs.rip = BENCH_ENTRY(program);
    regs.rflags = 2;
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    if (program == BENCH_DIRTY) {
        sregs.cr0 |= 1;
        sregs.cs.limit = sregs.ds.limit = 0xffffffff;
        sregs.cs.attributes |= VMACCEL_X86_SEG_DB | VMACCEL_X86_SEG_G;
        sregs.ds.attributes |= VMACCEL_X86_SEG_DB | VMACCEL_X86_SEG_G;
        sregs.cs.selector = 8;
        sregs.ds.selector = 16;
    }
    return vmaccel_x86_set_sregs(vcpu, &sregs) == VMACCEL_OK &&
           vmaccel_x86_set_regs(vcpu, &regs) == VMACCEL_OK;
}

static volatile uint64_t sink;

static bool work(vmaccel_vcpu *vcpu, enum bench_work what, unsigned i)
{
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    if (vmaccel_x86_get_regs(vcpu, &regs) != VMACCEL_OK)
        return false;
    if (what == BENCH_SET) {
        regs.rbx = i;
        return vmaccel_x86_set_regs(vcpu, &regs) == VMACCEL_OK;
    }
    if (vmaccel_x86_get_sregs(vcpu, &sregs) != VMACCEL_OK)
        return false;
    sink = regs.rip + sregs.cr3;
    return true;
}

const struct bench_arch bench_x86 = {
    .code =
        {
            /* mov $0x3f8,%dx; 1: out %al,(%dx); jmp 1b */
            [BENCH_EXIT] = {0xba, 0xf8, 0x03, 0xee, 0xeb, 0xfd},
            /* mov $0x3f8,%dx; 1: in (%dx),%al; jmp 1b */
            [BENCH_IN] = {0xba, 0xf8, 0x03, 0xec, 0xeb, 0xfd},
            /* mov $0xffff,%ax; mov %ax,%ds; 1: mov %al,0x10; jmp 1b: linear 0x100000 */
            [BENCH_MMIO_WRITE] = {0xb8, 0xff, 0xff, 0x8e, 0xd8, 0xa2, 0x10, 0x00, 0xeb, 0xfb},
            /* mov $0xffff,%ax; mov %ax,%ds; 1: mov 0x10,%al; jmp 1b */
            [BENCH_MMIO_READ] = {0xb8, 0xff, 0xff, 0x8e, 0xd8, 0xa0, 0x10, 0x00, 0xeb, 0xfb},
            /* 1: jmp 1b */
            [BENCH_SPIN] = {0xeb, 0xfe},
            /* 1: mov $0x100000,%ebx; 2: mov %al,(%ebx); add $0x8000,%ebx; cmp $0x4100000,%ebx; jb
             * 2b; out %al,$0x80; jmp 1b */
            [BENCH_DIRTY] = {0xbb, 0x00, 0x00, 0x10, 0x00, 0x88, 0x03, 0x81, 0xc3,
                             0x00, 0x80, 0x00, 0x00, 0x81, 0xfb, 0x00, 0x00, 0x10,
                             0x04, 0x72, 0xf0, 0xe6, 0x80, 0xeb, 0xe7},
        },
    .start = start,
    .work = work,
};
