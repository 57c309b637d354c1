/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86/cr.h"
#include "arch/x86/walk.h"

#define SIZE 0x10000u

#define P  1u
#define W  2u
#define U  4u
#define PS 0x80u
#define NX X86_BIT(63)

static uint8_t memory[SIZE];
static unsigned reads;
static vmaccel_x86_sregs sregs;

static bool read_memory(void *context, uint64_t gpa, void *buffer, size_t size)
{
    (void)context;
    reads++;
    if (gpa > SIZE - size)
        return false;
    memcpy(buffer, memory + gpa, size);
    return true;
}

static int setup(void **state)
{
    (void)state;
    memset(memory, 0, sizeof(memory));
    vmaccel_x86_reset_state(NULL, &sregs);
    reads = 0;
    return 0;
}

static void put64(uint64_t at, uint64_t value)
{
    memcpy(memory + at, &value, sizeof(value));
}

static void put32(uint64_t at, uint32_t value)
{
    memcpy(memory + at, &value, sizeof(value));
}

static struct x86_translation page;
static uint32_t code;

static enum x86_walk_result walk(uint64_t linear, uint32_t access)
{
    return x86_walk_access(&sregs, linear, access, false, read_memory, NULL, &page, &code);
}

static uint64_t gpa_of(uint64_t linear)
{
    uint64_t gpa = 0;

    return x86_walk(&sregs, linear, read_memory, NULL, &gpa) ? gpa : UINT64_MAX;
}

static void test_no_paging(void **state)
{
    (void)state;
    assert_int_equal(gpa_of(0x100001234), 0x1234);
    assert_int_equal(reads, 0);
}

static void test_32_bit(void **state)
{
    (void)state;
    sregs.cr0 |= X86_CR0_PE | X86_CR0_PG;
    sregs.cr3 = 0x1018;
    put32(0x1000 + 4 * 1, 0x2000 | P | W | U);
    put32(0x2000 + 4 * 2, 0x5000 | P);
    put32(0x1000 + 4 * 3, 0x80000000 | 5u << 13 | PS | P | W);
    assert_int_equal(gpa_of(0x402abc), 0x5abc);
    assert_int_equal(gpa_of(0x401000), UINT64_MAX);
    sregs.cr4 = X86_CR4_PSE;
    assert_int_equal(gpa_of(0xc12345), 0x580012345);
    assert_int_equal(walk(0xc00000, 0), X86_WALK_OK);
    assert_int_equal(page.page_size, 0x400000);
    put32(0x1000 + 4 * 3, X86_BIT(21) | PS | P);
    assert_int_equal(walk(0xc00000, 0), X86_WALK_FAULT);
    assert_int_equal(code, X86_FAULT_PRESENT | X86_FAULT_RESERVED);
}

static void test_pae(void **state)
{
    (void)state;
    sregs.cr0 |= X86_CR0_PE | X86_CR0_PG;
    sregs.cr4 = X86_CR4_PAE;
    sregs.cr3 = 0x1020;
    put64(0x1020 + 8 * 3, 0x2000 | P);
    put64(0x2000 + 8 * 1, 0x3000 | P | W | U);
    put64(0x2000 + 8 * 2, X86_BIT(40) | PS | P | W | U);
    put64(0x3000, 0x7000 | P | W | U | NX);
    assert_int_equal(walk(0xc0200010, 0), X86_WALK_FAULT); /* NX is reserved without NXE */
    assert_int_equal(code, X86_FAULT_PRESENT | X86_FAULT_RESERVED);
    sregs.efer = X86_EFER_NXE;
    assert_int_equal(gpa_of(0xc0200010), 0x7010);
    assert_int_equal(walk(0xc0200010, X86_FAULT_FETCH), X86_WALK_FAULT);
    assert_int_equal(code, X86_FAULT_PRESENT | X86_FAULT_FETCH);
    assert_int_equal(gpa_of(0xc0412345), X86_BIT(40) | 0x12345);
    /* PDPTEs hold no permissions, and reserve their bits. */
    put64(0x1020 + 8 * 3, 0x2000 | P | W);
    assert_int_equal(walk(0xc0200010, 0), X86_WALK_FAULT);
}

static void long_mode(void)
{
    vmaccel_x86_long_mode(&sregs, 0x1000);
    put64(0x1000, 0x2000 | P | W | U);
    put64(0x2000, 0x3000 | P | W | U);
    put64(0x3000, 0x4000 | P | W | U);
    put64(0x2000 + 8, X86_BIT(30) | PS | P | W | U);
    put64(0x3000 + 8, X86_BIT(21) | PS | P | W);
    put64(0x4000, 0x8000 | P | W | U);
    put64(0x4000 + 8, 0x9000 | P);
}

static void test_4_level(void **state)
{
    (void)state;
    long_mode();
    assert_int_equal(gpa_of(0x123), 0x8123);
    assert_int_equal(reads, 4);
    assert_int_equal(gpa_of(0x200123), X86_BIT(21) | 0x123);
    assert_int_equal(gpa_of(0x40000123), X86_BIT(30) | 0x123);
    assert_int_equal(walk(0x40000000, 0), X86_WALK_OK);
    assert_int_equal(page.page_size, X86_BIT(30));
    assert_int_equal(walk(X86_BIT(47), 0), X86_WALK_NOT_CANONICAL);
    put64(0x1000 + 8, 0x20000 | P);
    assert_int_equal(walk(X86_BIT(39), 0), X86_WALK_NO_MEMORY);
    put64(0x1000 + 8, PS | P);
    assert_int_equal(walk(X86_BIT(39), 0), X86_WALK_FAULT);
    put64(0x3000 + 8, X86_BIT(21) | X86_BIT(13) | PS | P);
    assert_int_equal(walk(0x200000, 0), X86_WALK_FAULT);
    assert_int_equal(code, X86_FAULT_PRESENT | X86_FAULT_RESERVED);
}

static void test_5_level(void **state)
{
    (void)state;
    long_mode();
    sregs.cr4 |= X86_CR4_LA57;
    sregs.cr3 = 0x5000;
    put64(0x5000 + 8 * 511, 0x1000 | P | W | U);
    put64(0x1000 + 8 * 511, 0x2000 | P | W | U);
    assert_int_equal(gpa_of(0xffffff8000000123), 0x8123);
    assert_int_equal(reads, 5);
    assert_int_equal(walk(X86_BIT(47), 0), X86_WALK_FAULT);
    assert_int_equal(walk(X86_BIT(56), 0), X86_WALK_NOT_CANONICAL);
}

/* A table that is its own entry ends after as many levels as there are. */
static void test_recursion_ends(void **state)
{
    (void)state;
    vmaccel_x86_long_mode(&sregs, 0x1000);
    put64(0x1000, 0x1000 | P | W | U);
    assert_int_equal(gpa_of(0), 0x1000);
    assert_int_equal(reads, 4);
}

static void test_permissions(void **state)
{
    (void)state;
    long_mode();
    assert_int_equal(walk(0, X86_FAULT_WRITE | X86_FAULT_USER), X86_WALK_OK);
    assert_int_equal(walk(0x1000, X86_FAULT_USER), X86_WALK_FAULT);
    assert_int_equal(code, X86_FAULT_PRESENT | X86_FAULT_USER);
    assert_int_equal(walk(0x1000, X86_FAULT_WRITE), X86_WALK_FAULT);
    assert_int_equal(code, X86_FAULT_PRESENT | X86_FAULT_WRITE);
    sregs.cr0 &= ~X86_CR0_WP;
    assert_int_equal(walk(0x1000, X86_FAULT_WRITE), X86_WALK_OK);
    sregs.cr4 |= X86_CR4_SMEP | X86_CR4_SMAP;
    assert_int_equal(walk(0, X86_FAULT_FETCH), X86_WALK_FAULT);
    assert_int_equal(walk(0, 0), X86_WALK_FAULT);
    assert_int_equal(x86_walk_access(&sregs, 0, 0, true, read_memory, NULL, &page, &code),
                     X86_WALK_OK);
    assert_int_equal(gpa_of(0), 0x8000);
    assert_int_equal(walk(0x2000, X86_FAULT_USER), X86_WALK_FAULT);
    assert_int_equal(code, X86_FAULT_USER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_no_paging, setup),
        cmocka_unit_test_setup(test_32_bit, setup),
        cmocka_unit_test_setup(test_pae, setup),
        cmocka_unit_test_setup(test_4_level, setup),
        cmocka_unit_test_setup(test_5_level, setup),
        cmocka_unit_test_setup(test_recursion_ends, setup),
        cmocka_unit_test_setup(test_permissions, setup),
    };

    return cmocka_run_group_tests_name("x86 walk", tests, NULL, NULL);
}
