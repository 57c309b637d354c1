/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/arm64/exception.h"
#include "arch/arm64/pstate.h"
#include "arch/arm64/sysreg.h"
#include "arch/arm64/walk.h"

/* Guest memory: tables of up to 64 KiB from 1 MiB on. */
#define BASE   0x100000u
#define TABLES 6
#define ROOM   0x10000u
static uint64_t memory[TABLES][ROOM / 8];
static unsigned reads;

static bool read_memory(void *context, uint64_t gpa, void *buffer, size_t size)
{
    (void)context;
    reads++;
    assert_int_equal(size, 8);
    assert_int_equal(gpa % 8, 0);
    if (gpa < BASE || gpa - BASE > sizeof(memory) - size)
        return false;
    memcpy(buffer, (const uint8_t *)memory + (gpa - BASE), size);
    return true;
}

static uint64_t table(unsigned n)
{
    return BASE + n * ROOM;
}

#define TABLE(n)      (table(n) | 3)
#define PAGE(gpa)     ((gpa) | 0x403)
#define BLOCK(gpa)    ((gpa) | 0x401)
#define SCTLR_M       1u
#define TG0(value)    ((uint64_t)(value) << 14)
#define TG1(value)    ((uint64_t)(value) << 30)
#define SIZES(t0, t1) ((t0) | (uint64_t)(t1) << 16)

static struct arm64_walk_regs regs;

static int setup(void **state)
{
    (void)state;
    memset(memory, 0, sizeof(memory));
    /* 4 KiB granule, 48 bits, for both halves. */
    regs = (struct arm64_walk_regs){.sctlr = SCTLR_M,
                                    .tcr = SIZES(16, 16) | TG1(2),
                                    .ttbr0 = table(0),
                                    .ttbr1 = table(1) | (uint64_t)0x7f << 48 | 1};
    return 0;
}

static void expect(uint64_t va, uint64_t wanted)
{
    uint64_t gpa = 0;

    if (!arm64_walk(&regs, va, read_memory, NULL, &gpa))
        fail_msg("0x%llx is not mapped", (unsigned long long)va);
    if (gpa != wanted)
        fail_msg("0x%llx is at 0x%llx, not 0x%llx", (unsigned long long)va, (unsigned long long)gpa,
                 (unsigned long long)wanted);
}

static void expect_none(uint64_t va)
{
    uint64_t gpa = 0;

    reads = 0;
    if (arm64_walk(&regs, va, read_memory, NULL, &gpa))
        fail_msg("0x%llx is at 0x%llx", (unsigned long long)va, (unsigned long long)gpa);
    assert_in_range(reads, 0, 4);
}

static void test_mmu_off(void **state)
{
    (void)state;
    regs.sctlr = 0;
    expect(0x123456789, 0x123456789);
    expect_none((uint64_t)1 << 48);
    expect_none(UINT64_MAX);
    regs.tcr |= (uint64_t)1 << 37; /* TBI0: the top byte is a tag */
    expect(0xab00000000001234, 0x1234);
}

static void test_pages_of_4k(void **state)
{
    (void)state;
    memory[0][1] = TABLE(2);
    memory[2][2] = TABLE(3);
    memory[3][3] = TABLE(4);
    memory[4][4] = PAGE(0x987654321000);
    const uint64_t at = (uint64_t)1 << 39 | (uint64_t)2 << 30 | 3u << 21 | 4u << 12;
    expect(at | 0xabc, 0x987654321abc);
    expect(at, 0x987654321000);
}

static void test_entries(void **state)
{
    (void)state;
    memory[0][1] = TABLE(2);
    memory[2][2] = TABLE(3);
    memory[3][3] = TABLE(4);
    memory[4][5] = PAGE(0x1000) & ~(uint64_t)0x400;
    memory[4][6] = 0x1401;
    memory[3][4] = BLOCK(0x40000000);
    memory[2][3] = BLOCK(0x80000000);
    memory[0][2] = BLOCK(0);
    memory[0][3] = (uint64_t)1 << 40 | 3;
    const uint64_t l0 = (uint64_t)1 << 39, l1 = (uint64_t)2 << 30, l2 = 3u << 21;
    expect_none(l0 | l1 | l2 | 5u << 12); /* access flag clear */
    regs.tcr |= (uint64_t)1 << 39;        /* HA: the CPU sets it */
    expect(l0 | l1 | l2 | 5u << 12, 0x1000);
    expect_none(l0 | l1 | l2 | 6u << 12); /* reserved at level 3 */
    expect_none(l0 | l1 | l2 | 7u << 12); /* invalid */
    expect(l0 | l1 | 4u << 21 | 0x12345, 0x40012345);
    expect(l0 | (uint64_t)3 << 30 | 0x2345678, 0x82345678);
    expect_none((uint64_t)2 << 39); /* no block at level 0 */
    expect_none((uint64_t)3 << 39); /* a table outside memory */
    expect_none(0);
}

static void test_halves(void **state)
{
    (void)state;
    memory[1][511] = TABLE(2);
    memory[2][511] = BLOCK(0x40000000);
    expect(0xffffffffc0000010, 0x40000010);
    expect_none(0xfffe00000000dead); /* neither half */
    expect_none((uint64_t)1 << 48);
    expect_none(0xffffc0000010);
    regs.tcr |= (uint64_t)1 << 38; /* TBI1 */
    expect(0x12ffffffc0000010, 0x40000010);
    regs.tcr |= (uint64_t)1 << 23; /* EPD1 */
    expect_none(0xffffffffc0000010);
    memory[0][0] = TABLE(2);
    memory[2][0] = BLOCK(0);
    expect(0x5555, 0x5555);
    regs.tcr |= (uint64_t)1 << 7; /* EPD0 */
    expect_none(0x5555);
}

/* The first level shrinks and goes away with the size of the region. */
static void test_sizes(void **state)
{
    (void)state;
    for (unsigned bits = 39; bits >= 31; bits--) {
        regs.tcr = SIZES(64 - bits, 16) | TG1(2);
        memory[0][1] = BLOCK(0x40000000);
        expect(0x40001234, 0x40001234);
        expect_none((uint64_t)1 << bits);
    }
    regs.tcr = SIZES(64 - 25, 16);
    memory[0][3] = TABLE(2);
    memory[2][1] = PAGE(0x5000);
    regs.ttbr0 = table(0);
    expect(3u << 21 | 1u << 12 | 8, 0x5008);
    regs.tcr = SIZES(64 - 48 - 1, 16); /* 49 bits */
    expect_none(0x40001234);
    regs.tcr = SIZES(63, 63);
    expect_none(0);
    /* A table aligned to its size: bits below are ignored. */
    regs.tcr = SIZES(64 - 31, 16);
    regs.ttbr0 = table(0) | 0x3f;
    expect(0x40001234, 0x40001234);
}

static void test_granules(void **state)
{
    (void)state;
    /* 16 KiB: 2048 entries a table; 47 bits are 3 levels. */
    regs.tcr = SIZES(64 - 47, 16) | TG0(2);
    memory[0][1] = TABLE(2);
    memory[2][2] = TABLE(3);
    memory[3][3] = PAGE(0x7654321c000);
    memory[2][4] = BLOCK(0x2000000);
    memory[0][5] = BLOCK(0);
    expect((uint64_t)1 << 36 | 2u << 25 | 3u << 14 | 0x3abc, 0x7654321fabc);
    expect((uint64_t)1 << 36 | 4u << 25 | 0x1abcdef, 0x3abcdef);
    expect_none((uint64_t)5 << 36);
    /* 48 bits: one bit of level 0. */
    regs.tcr = SIZES(16, 16) | TG0(2);
    memory[1][0] = TABLE(0);
    regs.ttbr0 = table(1);
    expect((uint64_t)1 << 36 | 2u << 25 | 3u << 14 | 0x3abc, 0x7654321fabc);
    expect_none((uint64_t)1 << 47);
    /* 64 KiB: 8192 entries; 42 bits are 2 levels. */
    regs.tcr = SIZES(64 - 42, 16) | TG0(1);
    regs.ttbr0 = table(0);
    memory[0][1] = TABLE(2);
    memory[2][2] = PAGE(0x987654320000);
    memory[0][3] = BLOCK(0x60000000);
    expect(1u << 29 | 2u << 16 | 0xfedc, 0x98765432fedc);
    expect(3u << 29 | 0x1234567, 0x61234567);
    regs.tcr = SIZES(64 - 42, 16) | TG0(3);
    expect_none(0);
    /* The upper half names its granules in another way. */
    regs.tcr = SIZES(16, 64 - 42) | TG1(3);
    regs.ttbr1 = table(0);
    memory[0][8191] = TABLE(2);
    memory[2][8191] = PAGE(0x20000);
    expect(0xfffffffffffffff0, 0x2fff0);
    regs.tcr = SIZES(16, 64 - 42);
    expect_none(UINT64_MAX);
}

static void test_big_endian_tables(void **state)
{
    (void)state;
    regs.sctlr |= (uint64_t)1 << 25;
    memory[0][0] = __builtin_bswap64(TABLE(2));
    memory[2][1] = __builtin_bswap64(BLOCK(0x40000000));
    expect(0x40000123, 0x40000123);
}

/* Whatever the registers and tables say, a walk ends. */
static void test_walks_end(void **state)
{
    uint64_t seed = 88172645463325252u, gpa;

    (void)state;
    for (unsigned round = 0; round < 200000; round++) {
        uint64_t random[5];
        for (unsigned i = 0; i < 5; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            random[i] = seed;
        }
        if (round % 64 == 0)
            for (unsigned i = 0; i < ROOM / 8; i++)
                memory[0][i] =
                    table((random[0] >> (i % 40)) % TABLES) | (random[1] >> i % 60 & 0xfff);
        regs = (struct arm64_walk_regs){.sctlr = random[0] | SCTLR_M,
                                        .tcr = random[1],
                                        .ttbr0 = random[2] & 1 ? random[2] : table(0),
                                        .ttbr1 = table(random[2] % TABLES)};
        reads = 0;
        (void)arm64_walk(&regs, random[3] & 1 ? random[3] : random[3] >> 20, read_memory, NULL,
                         &gpa);
        assert_in_range(reads, 0, 4);
    }
}

static void test_exception_entry(void **state)
{
    const uint64_t span = (uint64_t)1 << 23, vbar = 0xffff000000000800;
    struct arm64_entry entry;

    (void)state;
    entry = arm64_exception_entry(0x60000000 | ARM64_PSTATE_EL1H, vbar, span, 0xf2000001);
    assert_true(entry.pc == vbar + 0x200 && entry.esr == 0xf2000001);
    assert_true(entry.pstate == (0x60000000 | ARM64_PSTATE_DAIF | ARM64_PSTATE_EL1H));
    entry = arm64_exception_entry(ARM64_PSTATE_EL1T, vbar, span, 0);
    assert_true(entry.pc == vbar);
    entry = arm64_exception_entry(ARM64_PSTATE_EL0T | ARM64_PSTATE_SS | ARM64_PSTATE_IL, vbar, 0,
                                  (uint64_t)ARM64_EC_WATCHPOINT << 26);
    assert_true(entry.pc == vbar + 0x400);
    assert_true(entry.pstate == (ARM64_PSTATE_PAN | ARM64_PSTATE_DAIF | ARM64_PSTATE_EL1H));
    assert_int_equal(arm64_esr_class(entry.esr), ARM64_EC_WATCHPOINT);
    entry = arm64_exception_entry(ARM64_PSTATE_EL1H, vbar, span | (uint64_t)1 << 44,
                                  (uint64_t)ARM64_EC_BREAKPOINT << 26);
    assert_int_equal(arm64_esr_class(entry.esr), ARM64_EC_BREAKPOINT + 1);
    assert_true((entry.pstate & ARM64_PSTATE_SSBS) != 0);
    entry = arm64_exception_entry(ARM64_PSTATE_A32_USER, vbar, span, 0);
    assert_true(entry.pc == vbar + 0x600);
}

static void test_pstate_and_mpidr(void **state)
{
    (void)state;
    assert_true(arm64_pstate_mode_valid(0x3c5) && arm64_pstate_mode_valid(0x10));
    for (unsigned mode = 0; mode < 32; mode++)
        assert_int_equal(arm64_pstate_mode_valid(0xf0000000 | mode),
                         mode == 0 || mode == 4 || mode == 5 || mode == 16);
    assert_true(arm64_pstate_is_el0(0x80000000) && !arm64_pstate_is_el0(4));
    assert_true(arm64_pstate_next(0x200c05) == 5);
    assert_int_equal(arm64_mpidr(0), 0x80000000);
    assert_int_equal(arm64_mpidr(15), 0x8000000f);
    assert_int_equal(arm64_mpidr(16), 0x80000100);
    assert_int_equal(arm64_mpidr(511), 0x80001f0f);
    assert_int_equal(arm64_mpidr(4096), 0x80010000);
}

#define CASE(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_mmu_off),
        CASE(test_pages_of_4k),
        CASE(test_entries),
        CASE(test_halves),
        CASE(test_sizes),
        CASE(test_granules),
        CASE(test_big_endian_tables),
        CASE(test_walks_end),
        CASE(test_exception_entry),
        CASE(test_pstate_and_mpidr),
    };

    return cmocka_run_group_tests_name("arch.arm64", tests, NULL, NULL);
}
