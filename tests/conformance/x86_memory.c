/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest-physical memory: accesses and fetches as x86 makes them. */
#include "x86_guest.h"

#define AREA 0x40000000u /* above the RAM that guest_create() maps */

static uint64_t page_size(void)
{
    return suite_cap(VMACCEL_CAP_PAGE_SIZE);
}

void case_mmio_exit_readonly_memory(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    /* add [rdi], al; mov [rsi], rax; hlt: a read-modify-write; then a write across two pages */
    GUEST_BYTES(&g, 0x00, 0x07, 0x48, 0x89, 0x06, 0xf4);
    uint64_t page = page_size();
    uint8_t *host = suite_pages(2 * page);
    host[8] = 0x11;
    CHECK_OK(vmaccel_memory_map(g.vm, AREA, 2 * page, host, VMACCEL_MEM_READ | VMACCEL_MEM_EXEC));
    GUEST_SET(&g, rdi, AREA + 8);
    GUEST_SET(&g, rsi, AREA + page - 4);
    GUEST_SET(&g, rax, 0x8877665544332222);
    RUN_TO_WRITE(&g, AREA + 8, 1, 0x33);
    RUN_TO_WRITE(&g, AREA + page - 4, 4, 0x44332222);
    RUN_TO_WRITE(&g, AREA + page, 4, 0x88776655);
    RUN_TO_HLT(&g);
    CHECK_EQ(host[8], 0x11);
    CHECK_EQ(host[page], 0);
}

void case_memory_no_exec(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    uint64_t page = page_size();
    uint8_t *host = suite_pages(page);
    host[0] = 0xf4;
    CHECK_OK(vmaccel_memory_map(g.vm, AREA, page, host, VMACCEL_MEM_READ | VMACCEL_MEM_WRITE));
    GUEST_SET(&g, rip, AREA);
    RUN_TO(&g, VMACCEL_EXIT_MEMORY_FAULT);
    CHECK_EQ(guest_regs(&g).rip, AREA);
}

/* An instruction that touches MMIO and itself lies on two pages. */
void case_mmio_fetch_memory(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    /* mov dword [rdi], 0x12345678; mov eax, [rdi]; hlt */
    static const uint8_t code[] = {0xc7, 0x07, 0x78, 0x56, 0x34, 0x12, 0x8b, 0x07, 0xf4};
    for (uint64_t before = 1; before < 6; before++) {
        uint64_t at = 0x6000 - before;
        CHECK_OK(vmaccel_memory_write(g.vm, at, code, sizeof(code)));
        GUEST_SET(&g, rip, at);
        GUEST_SET(&g, rdi, GUEST_MMIO);
        RUN_TO_WRITE(&g, GUEST_MMIO, 4, 0x12345678);
        CHECK_EQ(guest_regs(&g).rip, at + 6);
        RUN_TO_READ(&g, GUEST_MMIO, 4);
        guest_answer(&g, 0x87654321);
        RUN_TO_HLT(&g);
        CHECK_EQ(guest_regs(&g).rax, 0x87654321);
    }
}

void case_fetch_from_unmapped(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    GUEST_SET(&g, rip, GUEST_MMIO + 0x123);
    RUN(&g);
    if (g.exit->reason != VMACCEL_EXIT_MEMORY_FAULT)
        EXPECT_EXIT(&g, VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION);
    CHECK_EQ(guest_regs(&g).rip, GUEST_MMIO + 0x123);
    /* The vCPU is as good as before. */
    GUEST_BYTES(&g, 0xf4);
    GUEST_SET(&g, rip, GUEST_CODE);
    RUN_TO_HLT(&g);
}
