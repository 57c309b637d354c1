/* SPDX-License-Identifier: BSD-2-Clause */
/* Kicks at accesses that only x86 has. */
#include "x86_guest.h"

void case_kick_at_in(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    /* in al, 0x20; out 0x11, al; mov al, [rdi]; out 0x12, al; hlt */
    GUEST_BYTES(&g, 0xe4, 0x20, 0xe6, 0x11, 0x8a, 0x07, 0xe6, 0x12, 0xf4);
    GUEST_SET(&g, rdi, GUEST_MMIO);
    RUN_TO_IN(&g, 0x20, 1);
    guest_answer(&g, 0x5b);
    CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
    RUN_TO(&g, VMACCEL_EXIT_KICKED);
    RUN_TO_OUT(&g, 0x11, 1, 0x5b);
    RUN_TO_READ(&g, GUEST_MMIO, 1);
    CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
    guest_answer(&g, 0x6c);
    RUN_TO(&g, VMACCEL_EXIT_KICKED);
    RUN_TO_OUT(&g, 0x12, 1, 0x6c);
    RUN_TO_HLT(&g);
}

void case_kick_between_halves(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    /* mov [rdi], rax; out 0x11, al; hlt */
    GUEST_BYTES(&g, 0x48, 0x89, 0x07, 0xe6, 0x11, 0xf4);
    GUEST_SET(&g, rax, 0x8877665544332211);
    GUEST_SET(&g, rdi, GUEST_MMIO + 0xffc);
    RUN_TO_WRITE(&g, GUEST_MMIO + 0xffc, 4, 0x44332211);
    CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
    /* The exit and the kick come in either order, each once. */
    RUN(&g);
    bool kicked = g.exit->reason == VMACCEL_EXIT_KICKED;
    if (kicked)
        RUN(&g);
    EXPECT_EXIT_WRITE(&g, GUEST_MMIO + 0x1000, 4, 0x88776655);
    if (!kicked)
        RUN_TO(&g, VMACCEL_EXIT_KICKED);
    RUN_TO_OUT(&g, 0x11, 1, 0x11);
    RUN_TO_HLT(&g);
}
