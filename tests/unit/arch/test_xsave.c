/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86/xsave.h"

#define AREA 1088u

static const vmaccel_x86_cpuid avx_table[] = {
    {.leaf = 0xd, .subleaf = 0, .flags = VMACCEL_X86_CPUID_SUBLEAF, .eax = 0x207},
    {.leaf = 0xd, .subleaf = 2, .flags = VMACCEL_X86_CPUID_SUBLEAF, .eax = 256, .ebx = 576},
    {.leaf = 0xd, .subleaf = 9, .flags = VMACCEL_X86_CPUID_SUBLEAF, .eax = 8, .ebx = 1024},
};

static struct x86_xsave_layout layout;
static uint8_t area[AREA], other[AREA];

static int setup(void **state)
{
    (void)state;
    x86_xsave_layout_init(&layout, AREA, avx_table, 3, avx_table, 3);
    memset(area, 0, sizeof(area));
    return 0;
}

static void test_layout(void **state)
{
    vmaccel_x86_cpuid bad[3];

    (void)state;
    assert_int_equal(layout.components, 0x207);
    assert_int_equal(layout.at[X86_XSAVE_PKRU].offset, 1024);
    memcpy(bad, avx_table, sizeof(bad));
    bad[1].ebx = 512;        /* over the header */
    bad[2].ebx = UINT32_MAX; /* outside */
    x86_xsave_layout_init(&layout, AREA, bad, 3, bad, 3);
    assert_int_equal(layout.components, 3);
    bad[1].ebx = AREA - 255;
    x86_xsave_layout_init(&layout, AREA, bad, 3, bad, 3);
    assert_int_equal(layout.components, 3);
    x86_xsave_layout_init(&layout, AREA, NULL, 0, NULL, 0);
    assert_int_equal(layout.components, 3);
}

static void test_initial_state(void **state)
{
    vmaccel_x86_fpu fpu;

    (void)state;
    memset(area, 0xee, sizeof(area));
    memset(area + 512, 0, 64);
    memset(area + 24, 0, 8);
    x86_xsave_canonical(&layout, area);
    x86_xsave_get_fpu(&layout, area, &fpu);
    assert_true(fpu.fcw == 0x37f && fpu.mxcsr == X86_MXCSR_INITIAL && fpu.ftw == 0);
    assert_int_equal(area[512], 0);
    for (size_t i = 32; i < sizeof(area); i++)
        assert_int_equal(area[i], 0);
}

/* In use or not, an initial component is the same bytes. */
static void test_canonical_is_a_function_of_the_state(void **state)
{
    (void)state;
    x86_xsave_canonical(&layout, area);
    memcpy(other, area, sizeof(area));
    other[512] = 7;
    other[513] = 2;
    other[5] = other[500] = other[42] = 1;
    memset(other + 1032, 0x77, sizeof(other) - 1032);
    memset(other + 832, 0x77, 1024 - 832);
    x86_xsave_canonical(&layout, other);
    assert_memory_equal(area, other, sizeof(area));
}

static void test_mxcsr_without_sse(void **state)
{
    (void)state;
    memcpy(area + 24, &(uint32_t){0x1f00}, 4);
    x86_xsave_canonical(&layout, area);
    assert_int_equal(area[25], 0x1f);
    assert_int_equal(area[512], 2);
}

static void test_registers(void **state)
{
    vmaccel_x86_fpu fpu = {.fcw = 0x27f,
                           .fsw = 0x3800,
                           .ftw = 0x80,
                           .fop = 0x123,
                           .fip = 5,
                           .fdp = 6,
                           .mxcsr = 0x1f80};
    vmaccel_x86_fpu again;

    (void)state;
    memset(fpu.st, 0, sizeof(fpu.st));
    memset(fpu.st[2], 0x44, 10);
    for (size_t i = 0; i < 16; i++)
        memset(fpu.vector[i], (int)i + 1, 32);
    assert_int_equal(x86_xsave_set_fpu(&layout, area, &fpu), -1);
    assert_int_equal(area[512], 7);
    assert_int_equal(area[160 + 16 * 15], 16);
    assert_int_equal(area[576 + 16 * 15], 16);
    x86_xsave_get_fpu(&layout, area, &again);
    assert_memory_equal(&fpu, &again, sizeof(fpu));
    fpu.vector[16][0] = 1;
    assert_int_equal(x86_xsave_set_fpu(&layout, area, &fpu), X86_XSAVE_HI16_ZMM);
}

static void test_faults(void **state)
{
    unsigned component;

    (void)state;
    x86_xsave_canonical(&layout, area);
    assert_null(x86_xsave_fault(&layout, area, &component));
    area[514] = 4;
    assert_non_null(x86_xsave_fault(&layout, area, &component));
    assert_string_equal(x86_xsave_name(component), "XTILEDATA");
    area[514] = 0;
    area[519] = 0x80;
    assert_non_null(x86_xsave_fault(&layout, area, &component));
    assert_string_equal(x86_xsave_name(component), "an unknown component");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_layout, setup),
        cmocka_unit_test_setup(test_initial_state, setup),
        cmocka_unit_test_setup(test_canonical_is_a_function_of_the_state, setup),
        cmocka_unit_test_setup(test_mxcsr_without_sse, setup),
        cmocka_unit_test_setup(test_registers, setup),
        cmocka_unit_test_setup(test_faults, setup),
    };

    return cmocka_run_group_tests_name("xsave", tests, NULL, NULL);
}
