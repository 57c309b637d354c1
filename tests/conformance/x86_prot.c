/* SPDX-License-Identifier: BSD-2-Clause */
#include "x86_prot.h"

#include "x86_snippet.h"

void prot_create(struct guest *guest)
{
    guest_create(guest, GUEST_PROTECTED);
    GUEST_LOAD(guest, b_prot);
    for (unsigned vector = 0; vector < 32; vector++)
        guest_gate32(guest, (uint8_t)vector, PROT_AT(stubs) + vector * 16);
}

void prot_enable_pae(struct guest *guest)
{
    for (uint64_t i = 0; i < 4; i++) {
        uint64_t entry = (GUEST_PD + 0x1000 * i) | 1;
        memcpy(guest->ram + PROT_PDPT + 8 * i, &entry, sizeof(entry));
    }
    vmaccel_x86_sregs sregs = guest_sregs(guest);
    sregs.cr3 = PROT_PDPT;
    sregs.cr4 |= 1u << 5;
    sregs.cr0 |= 1u << 31;
    guest_set_sregs(guest, &sregs);
}

struct prot_frame prot_expect_trap(struct site site, struct guest *guest, uint8_t vector)
{
    struct prot_frame frame;
    guest_expect_io(site, guest, true, PORT_TRAP, 1, 1);
    CHECK_OK(vmaccel_memory_read(guest->vm, guest_regs(guest).rsp, &frame, sizeof(frame)));
    if (guest->exit->u.io.data[0] != vector)
        suite_fail(site.file, site.line,
                   "vector %u with error code 0x%x at 0x%x, expected vector %u",
                   guest->exit->u.io.data[0], frame.error, frame.eip, vector);
    return frame;
}
