/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86/cr.h"
#include "arch/x86/state.h"

static vmaccel_x86_regs regs;
static vmaccel_x86_sregs real, protect32, long64;

static int setup(void **state)
{
    (void)state;
    vmaccel_x86_reset_state(&regs, &real);
    long64 = real;
    vmaccel_x86_long_mode(&long64, 0x1000);
    protect32 = real;
    protect32.cr0 = X86_CR0_PE | X86_CR0_ET;
    protect32.cs = (vmaccel_x86_segment){.limit = UINT32_MAX, .selector = 8, .attributes = 0xc09b};
    return 0;
}

static void expect_field(const vmaccel_x86_sregs *sregs, const char *field)
{
    const struct x86_state_fault *fault = x86_sregs_fault(sregs);

    assert_non_null(fault);
    assert_string_equal(fault->field, field);
    assert_true(strlen(fault->why) > 0);
}

static void test_reset_state(void **state)
{
    (void)state;
    assert_true(regs.rip == 0xfff0 && regs.rflags == 2);
    assert_true(real.cs.selector == 0xf000 && real.cs.base == 0xffff0000 &&
                real.cs.limit == 0xffff);
    assert_int_equal(real.cr0, 0x60000010);
    assert_int_equal(real.apic_base, 0xfee00900);
}

/* Every state that is good is canonical already, and enters. */
static void test_good_states(void **state)
{
    const vmaccel_x86_sregs *good[] = {&real, &protect32, &long64};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        vmaccel_x86_sregs copy = *good[i];
        x86_sregs_canonical(&copy);
        assert_memory_equal(&copy, good[i], sizeof(copy));
        assert_null(x86_sregs_fault(good[i]));
        assert_null(x86_entry_fault(&regs, good[i]));
    }
    assert_null(x86_regs_fault(&regs));
}

#define BREAK(from, field_name, statement)                                                         \
    do {                                                                                           \
        vmaccel_x86_sregs s = from;                                                                \
        statement;                                                                                 \
        expect_field(&s, field_name);                                                              \
    } while (0)

static void test_control_registers(void **state)
{
    (void)state;
    BREAK(real, "cr0", s.cr0 |= X86_CR0_PG);
    BREAK(real, "cr0", s.cr0 &= ~X86_CR0_CD);
    BREAK(real, "cr0", s.cr0 |= X86_BIT(32));
    BREAK(real, "cr3", s.cr3 = X86_BIT(52));
    BREAK(real, "cr4", s.cr4 = X86_BIT(15));
    BREAK(real, "cr4", s.cr4 = X86_CR4_PCIDE);
    BREAK(real, "cr4", s.cr4 = X86_CR4_CET);
    BREAK(real, "cr8", s.cr8 = 16);
    BREAK(real, "efer", s.efer = X86_BIT(1));
    BREAK(real, "efer", s.efer = X86_EFER_LMA);
    BREAK(long64, "efer", s.cr0 &= ~X86_CR0_PG);
    BREAK(long64, "efer", s.efer &= ~X86_EFER_LME);
    BREAK(long64, "efer", s.efer &= ~X86_EFER_LMA);
    BREAK(long64, "cr4", s.cr4 &= ~X86_CR4_PAE);
    BREAK(real, "apic_base", s.apic_base |= 1);
    BREAK(real, "apic_base", s.apic_base = X86_APIC_BASE_DEFAULT | X86_APIC_BASE_EXTD);
}

static void test_segments(void **state)
{
    (void)state;
    BREAK(real, "cs", s.cs.attributes = 0);
    BREAK(real, "cs", s.cs.attributes &= (uint16_t)~VMACCEL_X86_SEG_S);
    BREAK(real, "cs", s.cs.attributes = 0x91);
    BREAK(long64, "cs", s.cs.attributes |= VMACCEL_X86_SEG_DB);
    BREAK(long64, "cs", s.cs.base = X86_BIT(32));
    BREAK(real, "ds", s.ds.attributes = 0x99);
    BREAK(real, "es", s.es.limit = 0x100000);
    BREAK(real, "ss", s.ss.attributes = 0x91);
    BREAK(real, "ds", s.ds.attributes |= 0x100);
    BREAK(real, "tr", s.tr.attributes = 0);
    BREAK(real, "tr", s.tr.attributes = 0x82);
    BREAK(long64, "tr", s.tr.attributes = 0x83);
    BREAK(real, "ldt", s.ldt.attributes = 0x8b);

    /* A null segment, a 16-bit TSS and an expand-down segment are states a CPU can have. */
    vmaccel_x86_sregs s = protect32;
    s.ds = s.ldt = (vmaccel_x86_segment){.limit = 0x123456};
    s.tr.attributes = 0x83;
    s.es = (vmaccel_x86_segment){.limit = 0xfff, .attributes = 0x4097};
    vmaccel_x86_sregs before = s;
    x86_sregs_canonical(&s);
    assert_memory_equal(&before, &s, sizeof(s));
    assert_null(x86_sregs_fault(&s));
}

static void test_bases(void **state)
{
    const uint64_t hole = X86_BIT(56), wide = X86_BIT(55);

    (void)state;
    BREAK(long64, "fs", s.fs.base = hole);
    BREAK(long64, "gs", s.gs.base = hole);
    BREAK(long64, "tr", s.tr.base = hole);
    BREAK(long64, "ldt", s.ldt.base = hole);
    BREAK(long64, "gdt", s.gdt.base = hole);
    BREAK(long64, "idt", s.idt.base = hole);
    long64.fs.base = wide;
    assert_null(x86_sregs_fault(&long64));
    assert_true(x86_is_canonical(UINT64_MAX, 48) && x86_is_canonical(X86_BIT(47) - 1, 48));
    assert_false(x86_is_canonical(X86_BIT(63), 48));
}

static const char *entry_field(const vmaccel_x86_regs *r, const vmaccel_x86_sregs *s)
{
    const struct x86_state_fault *fault = x86_entry_fault(r, s);

    return fault != NULL ? fault->field : "none";
}

static void test_entry(void **state)
{
    (void)state;
    regs.rip = X86_BIT(47);
    assert_string_equal(entry_field(&regs, &long64), "rip");
    assert_string_equal(entry_field(&regs, &real), "rip");
    regs.rip = 0;
    regs.rflags |= X86_FLAGS_VM;
    assert_string_equal(entry_field(&regs, &real), "rflags");
    assert_string_equal(entry_field(&regs, &protect32), "cs");
    regs.rflags = 2;
    protect32.cs.attributes |= 3u << VMACCEL_X86_SEG_DPL_SHIFT;
    assert_string_equal(entry_field(&regs, &protect32), "cs");
    real.ss.attributes |= 3u << VMACCEL_X86_SEG_DPL_SHIFT;
    real.cs.attributes |= 3u << VMACCEL_X86_SEG_DPL_SHIFT;
    assert_string_equal(entry_field(&regs, &real), "ss");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_reset_state, setup),
        cmocka_unit_test_setup(test_good_states, setup),
        cmocka_unit_test_setup(test_control_registers, setup),
        cmocka_unit_test_setup(test_segments, setup),
        cmocka_unit_test_setup(test_bases, setup),
        cmocka_unit_test_setup(test_entry, setup),
    };

    return cmocka_run_group_tests_name("x86 state", tests, NULL, NULL);
}
