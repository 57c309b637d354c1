/* SPDX-License-Identifier: BSD-2-Clause */
#include "raw.h"

/* EL1h; D, A, I and F masked. */
#define PSTATE 0x3c5

static bool start(vmaccel_vcpu *vcpu, enum bench_program program)
{
    return vmaccel_arm64_set_reg(vcpu, VMACCEL_ARM64_PSTATE, PSTATE) == VMACCEL_OK &&
           vmaccel_arm64_set_reg(vcpu, VMACCEL_ARM64_PC, BENCH_ENTRY(program)) == VMACCEL_OK;
}

static volatile uint64_t sink;

static bool work(vmaccel_vcpu *vcpu, enum bench_work what, unsigned i)
{
    vmaccel_arm64_regs regs;
    uint64_t value;
    switch (what) {
    case BENCH_ALL:
        if (vmaccel_arm64_get_regs(vcpu, &regs) != VMACCEL_OK)
            return false;
        sink = regs.pc;
        return true;
    case BENCH_SET:
        return vmaccel_arm64_set_reg(vcpu, VMACCEL_ARM64_X0 + 5, i) == VMACCEL_OK;
    case BENCH_FEW:
        for (int reg = VMACCEL_ARM64_X0; reg <= VMACCEL_ARM64_X0 + 3; reg++) {
            if (vmaccel_arm64_get_reg(vcpu, (vmaccel_arm64_reg)reg, &value) != VMACCEL_OK)
                return false;
            sink = value;
        }
        break;
    default:
        break;
    }
    if (vmaccel_arm64_get_reg(vcpu, VMACCEL_ARM64_PC, &value) != VMACCEL_OK)
        return false;
    sink = value;
    return true;
}

#define WORD(w) (w) & 0xff, (w) >> 8 & 0xff, (w) >> 16 & 0xff, (w) >> 24 & 0xff

const struct bench_arch bench_arm64 = {
    .code =
        {
            /* mov x1, #0x9000000; 1: str w0, [x1]; b 1b */
            [BENCH_EXIT] = {WORD(0xd2a12001), WORD(0xb9000020), WORD(0x17ffffff)},
            [BENCH_MMIO_WRITE] = {WORD(0xd2a12001), WORD(0xb9000020), WORD(0x17ffffff)},
            /* mov x1, #0x9000000; 1: ldr w0, [x1]; b 1b */
            [BENCH_MMIO_READ] = {WORD(0xd2a12001), WORD(0xb9400020), WORD(0x17ffffff)},
            /* b . */
            [BENCH_SPIN] = {WORD(0x14000000)},
            /* mov x2, #0x4100000; mov x3, #0x9000000; 1: mov x1, #0x100000; 2: strb w0, [x1];
             * add x1, x1, #0x8000; cmp x1, x2; b.lo 2b; str w0, [x3]; b 1b */
            [BENCH_DIRTY] = {WORD(0xd2a08202), WORD(0xd2a12003), WORD(0xd2a00201), WORD(0x39000020),
                             WORD(0x91402021), WORD(0xeb02003f), WORD(0x54ffffa3), WORD(0xb9000060),
                             WORD(0x17fffffa)},
        },
    .start = start,
    .work = work,
};
