/* SPDX-License-Identifier: BSD-2-Clause */
/* Port access: what exits carry, and when the state is which. */
#include "guest.h"

void case_minimal_virtualization(void)
{
    struct guest g;
    guest_create(&g, GUEST_REAL);
    /* add ax, bx; hlt */
    GUEST_BYTES(&g, 0x01, 0xd8, 0xf4);
    GUEST_SET(&g, rax, 1);
    GUEST_SET(&g, rbx, 2);
    RUN_TO_HLT(&g);
    CHECK_EQ(guest_regs(&g).rax, 3);
    CHECK_EQ(guest_regs(&g).rip, GUEST_CODE + 3);
}
