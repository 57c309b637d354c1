/* SPDX-License-Identifier: BSD-2-Clause */
/* Translation, and caches as software sees them. */
#include "arm64_guest.h"

void case_translate_tables(void)
{
    struct guest g;
    vmaccel_gpa gpa;
    uint64_t table = 0;
    a64_create(&g);
    /* A page, a 2 MiB block, a 1 GiB block. */
    CHECK_OK(vmaccel_vcpu_translate(g.vcpu, GUEST_DATA + 0x123, &gpa));
    CHECK_EQ(gpa, GUEST_DATA + 0x123);
    *a64_pte(&g, GUEST_DATA) += 0x7000;
    CHECK_OK(vmaccel_vcpu_translate(g.vcpu, GUEST_DATA + 0x123, &gpa));
    CHECK_EQ(gpa, GUEST_DATA + 0x7123);
    CHECK_OK(vmaccel_vcpu_translate(g.vcpu, 0x08012345, &gpa));
    CHECK_EQ(gpa, 0x08012345);
    CHECK_OK(vmaccel_vcpu_translate(g.vcpu, A64_MMIO_DEV + 0x12345678, &gpa));
    CHECK_EQ(gpa, GUEST_MMIO + 0x12345678);
    /* Not mapped: level 1, the other half, out of range, level 3. */
    CHECK_STATUS(vmaccel_vcpu_translate(g.vcpu, 0xc0000000, &gpa), VMACCEL_E_GUEST_MEMORY);
    CHECK_STATUS(vmaccel_vcpu_translate(g.vcpu, 0xffffffc000000000, &gpa), VMACCEL_E_GUEST_MEMORY);
    CHECK_STATUS(vmaccel_vcpu_translate(g.vcpu, A64_UNMAPPED, &gpa), VMACCEL_E_GUEST_MEMORY);
    *a64_pte(&g, GUEST_DATA + 0x1000) = 0;
    CHECK_STATUS(vmaccel_vcpu_translate(g.vcpu, GUEST_DATA + 0x1000, &gpa), VMACCEL_E_GUEST_MEMORY);
    /* A table outside memory. */
    table = UINT64_C(0x60000000) | 3;
    memcpy(g.ram + A64_L2 + 8 * 100, &table, 8);
    CHECK_STATUS(vmaccel_vcpu_translate(g.vcpu, 100 << 21, &gpa), VMACCEL_E_GUEST_MEMORY);
    CHECK_STATUS(vmaccel_vcpu_translate(g.vcpu, 0, NULL), VMACCEL_E_INVALID_ARGUMENT);
    /* It sees registers that were set and did not run yet. */
    a64_mmu_off(&g);
    CHECK_OK(vmaccel_vcpu_translate(g.vcpu, 0xc0000000, &gpa));
    CHECK_EQ(gpa, 0xc0000000);
}

/* Both halves of the address space, and granules of 16 and 64 KiB where the CPU has them. */
void case_translate_upper_half(void)
{
    struct guest g;
    vmaccel_gpa gpa;
    a64_create(&g);
    uint64_t tcr = a64_sysreg(&g, TCR_EL1) & ~(UINT64_C(1) << 23);
    /* T1SZ 25, inner shareable write-back, 4 KiB */
    tcr |= UINT64_C(25) << 16 | UINT64_C(1) << 24 | UINT64_C(1) << 26 | UINT64_C(3) << 28 |
           UINT64_C(2) << 30;
    a64_set_sysreg(&g, TCR_EL1, tcr);
    a64_set_sysreg(&g, TTBR1_EL1, A64_L1);
    CHECK_OK(vmaccel_vcpu_translate(g.vcpu, 0xffffff8000000000 + GUEST_DATA, &gpa));
    CHECK_EQ(gpa, GUEST_DATA);
    SET_X(&g, 1, 0xffffff8000000000 + GUEST_DATA);
    memcpy(g.ram + GUEST_DATA, "\x11\x22\x33\x44", 4);
    GO_DONE(&g, ldr_w);
    CHECK_EQ(X(&g, 0), 0x44332211);
}

/* As the architecture asks for: clean, invalidate, synchronize. */
void case_self_modifying_code(void)
{
    struct guest g;
    a64_create(&g);
    for (uint32_t i = 0; i < 100; i++) {
        SET_X(&g, 0, 0xd2800002 | i << 5); /* mov x2, #i */
        GO_DONE(&g, modify);
        CHECK_EQ(X(&g, 2), i);
    }
}

void case_dc_zva(void)
{
    struct guest g;
    a64_create(&g);
    GO_DONE(&g, mrs_dczid);
    uint64_t id = X(&g, 0);
    if ((id & 16) != 0)
        suite_skip_host("DC ZVA");
    size_t size = (size_t)4 << (id & 15);
    memset(g.ram + GUEST_DATA, 0x5a, 0x2000);
    SET_X(&g, 1, GUEST_DATA + size + size / 2);
    GO_DONE(&g, dc_zva);
    for (size_t i = 0; i < 3 * size; i++)
        CHECK_EQ(g.ram[GUEST_DATA + i], i >= size && i < 2 * size ? 0 : 0x5a);
}

/* By address: on memory and MMIO they do nothing that shows. */
void case_cache_maintenance(void)
{
    static const uint32_t labels[] = {EL1_AT(dc_cvau), EL1_AT(dc_cvac), EL1_AT(dc_civac),
                                      EL1_AT(ic_ivau)};
    static const uint64_t addresses[] = {GUEST_DATA, GUEST_MMIO, A64_MMIO_DEV + 0x1000};
    struct guest g;
    a64_create(&g);
    memset(g.ram + GUEST_DATA, 0x5a, 64);
    for (size_t i = 0; i < 4; i++) {
        for (size_t n = 0; n < 3; n++) {
            suite_about("operation %zu at 0x%" PRIx64, i, addresses[n]);
            SET_PC(&g, labels[i]);
            SET_X(&g, 1, addresses[n]);
            RUN_TO_DONE(&g);
        }
        /* Where nothing is mapped, a translation fault with CM, or nothing. */
        SET_PC(&g, labels[i]);
        SET_X(&g, 1, A64_UNMAPPED);
        RUN(&g);
        if (g.exit->u.mmio.gpa != A64_MARKS + A64_DONE) {
            struct a64_trap trap = a64_expect_trap(SITE, &g, VECTOR_SYNC);
            CHECK_EQ(ESR_EC(trap.esr), EC_DABT_SAME);
            CHECK_EQ(trap.esr >> 8 & 1, 1);
            CHECK_EQ(trap.far, A64_UNMAPPED);
        }
    }
    CHECK_EQ(g.ram[GUEST_DATA], 0x5a);
}
