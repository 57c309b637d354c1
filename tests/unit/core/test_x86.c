/* SPDX-License-Identifier: BSD-2-Clause */
#include "null_platform.h"

#include <string.h>

#include "arch/x86/cr.h"

static vmaccel_vcpu *vcpu;

static int setup(void **state)
{
    null_reset(state);
    vcpu = null_vcpu(VMACCEL_ARCH_X86_64);
    return 0;
}

static int teardown(void **state)
{
    vmaccel_vm *vm = vmaccel_vcpu_vm(vcpu);

    (void)state;
    expect_ok(vmaccel_vcpu_destroy(vcpu));
    null_end(vm);
    return 0;
}

static void test_reads_are_cached(void **state)
{
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;

    (void)state;
    null_platform.regs.rax = 5;
    expect_ok(vmaccel_x86_get_regs(vcpu, &regs));
    assert_int_equal(regs.rax, 5);
    expect_ok(vmaccel_x86_get_regs(vcpu, &regs));
    assert_int_equal(null_platform.fetches, 1);
    expect_ok(vmaccel_x86_get_sregs(vcpu, &sregs));
    assert_int_equal(null_platform.fetches, 2);
    assert_int_equal(vcpu->valid, CORE_GROUP_REGS | CORE_GROUP_SREGS);
    assert_int_equal(vcpu->dirty, 0);

    vcpu->valid = 0;
    null_platform.fail = "fetch";
    null_platform.fail_times = 1;
    expect_error(vmaccel_x86_get_regs(vcpu, &regs), VMACCEL_E_PLATFORM, "fetch");
    assert_int_equal(vcpu->valid, 0);
}

static void test_writes_are_deferred(void **state)
{
    vmaccel_x86_regs regs = {.rip = 0x1234};

    (void)state;
    expect_ok(vmaccel_x86_set_regs(vcpu, &regs));
    assert_int_equal(null_platform.fetches, 0);
    assert_int_equal(vcpu->dirty, CORE_GROUP_REGS);
    expect_ok(vmaccel_x86_get_regs(vcpu, &regs));
    assert_int_equal(regs.rip, 0x1234);
    assert_int_equal(regs.rflags, 2);
    regs.rflags = 1 << 15;
    expect_error(vmaccel_x86_set_regs(vcpu, &regs), VMACCEL_E_INVALID_ARGUMENT, "rflags");
    expect_error(vmaccel_x86_set_regs(vcpu, NULL), VMACCEL_E_INVALID_ARGUMENT, "NULL");
    expect_error(vmaccel_x86_set_regs(NULL, &regs), VMACCEL_E_INVALID_ARGUMENT, "vcpu");
}

/* An IN waits for its answer; the caller changes RBX and RIP, and looks. */
static void test_overlay(void **state)
{
    vmaccel_x86_regs regs;

    (void)state;
    null_platform.regs.rax = 1;
    null_platform.regs.rip = 0x100;
    vcpu->awaiting_answer = true;
    expect_ok(vmaccel_x86_get_regs(vcpu, &regs));
    regs.rbx = 7;
    expect_ok(vmaccel_x86_set_regs(vcpu, &regs));
    regs.rip = 0x9000;
    expect_ok(vmaccel_x86_set_regs(vcpu, &regs));
    assert_int_equal(vcpu->dirty, 0);
    expect_ok(vmaccel_x86_get_regs(vcpu, &regs));
    assert_true(regs.rax == 1 && regs.rbx == 7 && regs.rip == 0x9000);

    /* The instruction completes: RAX has the answer, RIP went on. */
    null_platform.regs.rax = 0x42;
    null_platform.regs.rip = 0x102;
    vcpu->awaiting_answer = false;
    vcpu->valid = 0;
    expect_ok(core_x86_merge(vcpu));
    assert_int_equal(vcpu->dirty, CORE_GROUP_REGS);
    expect_ok(vmaccel_x86_get_regs(vcpu, &regs));
    assert_true(regs.rax == 0x42 && regs.rbx == 7 && regs.rip == 0x9000);
    vcpu->dirty = 0;
    expect_ok(core_x86_merge(vcpu));
    assert_int_equal(vcpu->dirty, 0);
}

/* A register put back to what it was is a write, too. */
static void test_overlay_remembers_a_value_put_back(void **state)
{
    vmaccel_x86_regs regs;

    (void)state;
    vcpu->awaiting_answer = true;
    expect_ok(vmaccel_x86_get_regs(vcpu, &regs));
    regs.rax = 9;
    expect_ok(vmaccel_x86_set_regs(vcpu, &regs));
    regs.rax = 0;
    expect_ok(vmaccel_x86_set_regs(vcpu, &regs));
    null_platform.regs.rax = 0x42;
    vcpu->awaiting_answer = false;
    vcpu->valid = 0;
    expect_ok(core_x86_merge(vcpu));
    expect_ok(vmaccel_x86_get_regs(vcpu, &regs));
    assert_int_equal(regs.rax, 0);
}

static void test_sregs_are_canonical(void **state)
{
    vmaccel_x86_sregs sregs, again;

    (void)state;
    expect_ok(vmaccel_x86_get_sregs(vcpu, &sregs));
    sregs.ds.attributes = 0x12; /* not present */
    sregs.es.attributes = 0x92; /* not accessed */
    sregs.fs = (vmaccel_x86_segment){.limit = UINT32_MAX, .attributes = 0x93};
    sregs.tr.attributes = 0x89; /* available TSS */
    sregs.cr0 = X86_CR0_PE | X86_BIT(8);
    sregs.gdt.pad[1] = 7;
    expect_ok(vmaccel_x86_set_sregs(vcpu, &sregs));
    expect_ok(vmaccel_x86_get_sregs(vcpu, &sregs));
    assert_int_equal(sregs.ds.attributes, 0);
    assert_int_equal(sregs.es.attributes, 0x93);
    assert_int_equal(sregs.fs.attributes, 0x8093);
    assert_int_equal(sregs.tr.attributes, 0x8b);
    assert_int_equal(sregs.cr0, X86_CR0_PE | X86_CR0_ET);
    assert_int_equal(sregs.gdt.pad[1], 0);
    again = sregs;
    expect_ok(vmaccel_x86_set_sregs(vcpu, &again));
    expect_ok(vmaccel_x86_get_sregs(vcpu, &again));
    assert_memory_equal(&sregs, &again, sizeof(sregs));
}

static void test_sregs_faults_are_named(void **state)
{
    vmaccel_x86_sregs sregs;

    (void)state;
    vmaccel_x86_reset_state(NULL, &sregs);
    sregs.efer = X86_EFER_LME | X86_EFER_LMA;
    expect_error(vmaccel_x86_set_sregs(vcpu, &sregs), VMACCEL_E_INVALID_ARGUMENT,
                 "efer: LMA is set but CR0.PG is clear");
    assert_int_equal(vcpu->dirty, 0);
    vmaccel_x86_regs regs;
    vmaccel_x86_reset_state(&regs, &sregs);
    assert_null(core_x86_bad_state(&regs, &sregs));
    regs.rip = (uint64_t)1 << 32;
    assert_string_equal(core_x86_bad_state(&regs, &sregs), "rip");
    regs.rflags = 8;
    assert_string_equal(core_x86_bad_state(&regs, &sregs), "rflags");
}

static void test_events(void **state)
{
    vmaccel_x86_events events = {
        .exception_vector = 13, .interrupt_vector = 3, .exception_error_code = 1};

    (void)state;
    expect_ok(vmaccel_x86_set_events(vcpu, &events));
    assert_int_equal(vcpu->dirty, CORE_GROUP_EVENTS);
    expect_ok(vmaccel_x86_get_events(vcpu, &events));
    assert_true(events.exception_vector == 0 && events.interrupt_vector == 0 &&
                events.exception_error_code == 0);

    events = (vmaccel_x86_events){.exception_pending = true, .exception_vector = 32};
    expect_error(vmaccel_x86_set_events(vcpu, &events), VMACCEL_E_INVALID_ARGUMENT,
                 "exception_vector: 32");
    events.exception_vector = 2;
    expect_error(vmaccel_x86_set_events(vcpu, &events), VMACCEL_E_INVALID_ARGUMENT,
                 "exception_vector: 2");
    events = (vmaccel_x86_events){.shadow = 3};
    expect_error(vmaccel_x86_set_events(vcpu, &events), VMACCEL_E_INVALID_ARGUMENT, "shadow");
    null_platform.caps[VMACCEL_CAP_REG_EVENTS] = 0;
    expect_error(vmaccel_x86_get_events(vcpu, &events), VMACCEL_E_NOT_SUPPORTED, "reg-events");
}

static void test_msrs_agree_with_sregs(void **state)
{
    vmaccel_x86_msr msrs[2] = {{.id = X86_MSR_FS_BASE, .value = 0x5000}, {.id = X86_MSR_PAT}};
    vmaccel_x86_sregs sregs;
    size_t done = 0;

    (void)state;
    expect_ok(vmaccel_x86_get_sregs(vcpu, &sregs));
    expect_ok(vmaccel_x86_set_msrs(vcpu, msrs, 2, &done));
    assert_int_equal(done, 2);
    null_platform.sregs.fs.base = 0x5000;
    expect_ok(vmaccel_x86_get_sregs(vcpu, &sregs));
    assert_int_equal(sregs.fs.base, 0x5000);

    sregs.gs.base = 0x7000;
    expect_ok(vmaccel_x86_set_sregs(vcpu, &sregs));
    msrs[0] = (vmaccel_x86_msr){.id = X86_MSR_FS_BASE, .value = 0x6000};
    expect_ok(vmaccel_x86_set_msrs(vcpu, msrs, 1, NULL));
    msrs[1] = (vmaccel_x86_msr){.id = X86_MSR_GS_BASE};
    expect_ok(vmaccel_x86_get_msrs(vcpu, msrs, 2, &done));
    assert_int_equal(msrs[0].value, 0x6000);
    assert_int_equal(msrs[1].value, 0x7000);
    expect_ok(vmaccel_x86_get_sregs(vcpu, &sregs));
    assert_true(sregs.fs.base == 0x6000 && sregs.gs.base == 0x7000);

    msrs[1].reserved = 1;
    expect_error(vmaccel_x86_set_msrs(vcpu, msrs, 2, &done), VMACCEL_E_INVALID_ARGUMENT,
                 "msrs[1].reserved");
    assert_int_equal(done, 0);
}

static void test_lists(void **state)
{
    vmaccel_vm *vm = vmaccel_vcpu_vm(vcpu);
    uint32_t ids[3];
    size_t count = 2;

    (void)state;
    assert_int_equal(vmaccel_x86_msr_list(vm, ids, &count), VMACCEL_E_LIMIT);
    assert_int_equal(count, 3);
    expect_ok(vmaccel_x86_msr_list(vm, ids, &count));
    count = 99;
    expect_ok(vmaccel_x86_msr_list(vm, NULL, &count));
    assert_int_equal(count, 3);
    expect_ok(vmaccel_x86_cpuid_supported(vm, NULL, &count));
    assert_int_equal(count, 5);
    count = 0;
    expect_ok(vmaccel_x86_get_cpuid(vcpu, NULL, &count));
    assert_int_equal(count, 5);
}

static void test_cpuid_is_set_before_commit(void **state)
{
    vmaccel_x86_cpuid table[1] = {{.leaf = 1}}, bad[1] = {{.leaf = 1, .flags = 2}};
    vmaccel_vm *vm = null_vm(VMACCEL_ARCH_X86_64);

    (void)state;
    expect_error(vmaccel_x86_set_cpuid(vmaccel_vcpu_vm(vcpu), table, 1), VMACCEL_E_STATE,
                 "committed");
    expect_ok(vmaccel_x86_set_cpuid(vm, table, 1));
    expect_error(vmaccel_x86_set_cpuid(vm, bad, 1), VMACCEL_E_INVALID_ARGUMENT, "entries[0]");
    expect_error(vmaccel_x86_set_cpuid(vm, table, 0), VMACCEL_E_INVALID_ARGUMENT, "count");
    expect_ok(vmaccel_vm_destroy(vm));
}

static void test_fpu(void **state)
{
    vmaccel_x86_fpu fpu, again;

    (void)state;
    expect_ok(vmaccel_x86_get_fpu(vcpu, &fpu));
    assert_true(fpu.fcw == 0x37f && fpu.mxcsr == 0x1f80);
    memset(fpu.vector, 0x5a, sizeof(fpu.vector));
    memset(fpu.st[7], 0x11, 10);
    fpu.k[7] = 77;
    fpu.mxcsr = 0x1fa0;
    expect_ok(vmaccel_x86_set_fpu(vcpu, &fpu));
    expect_ok(vmaccel_x86_get_fpu(vcpu, &again));
    assert_memory_equal(&fpu, &again, sizeof(fpu));
    fpu.mxcsr = 0x10000;
    expect_error(vmaccel_x86_set_fpu(vcpu, &fpu), VMACCEL_E_INVALID_ARGUMENT, "mxcsr");
    null_platform.fail = "get_xsave";
    null_platform.fail_times = 1;
    expect_error(vmaccel_x86_get_fpu(vcpu, &fpu), VMACCEL_E_PLATFORM, "get_xsave");
}

static void test_fpu_of_a_smaller_cpu(void **state)
{
    vmaccel_x86_fpu fpu;
    uint8_t area[NULL_XSAVE];

    (void)state;
    null_platform.cpuid[0].eax = 7; /* AVX, no AVX-512 */
    expect_ok(vmaccel_x86_get_fpu(vcpu, &fpu));
    fpu.vector[1][31] = 1;
    expect_ok(vmaccel_x86_set_fpu(vcpu, &fpu));
    fpu.vector[1][32] = 1;
    expect_error(vmaccel_x86_set_fpu(vcpu, &fpu), VMACCEL_E_INVALID_ARGUMENT, "ZMM_Hi256");
    fpu.vector[1][32] = 0;
    fpu.k[0] = 1;
    expect_error(vmaccel_x86_set_fpu(vcpu, &fpu), VMACCEL_E_INVALID_ARGUMENT, "opmask");

    expect_ok(vmaccel_x86_get_xsave(vcpu, area, sizeof(area)));
    area[512] |= 0x40;
    expect_error(vmaccel_x86_set_xsave(vcpu, area, sizeof(area)), VMACCEL_E_INVALID_ARGUMENT,
                 "ZMM_Hi256");
}

static void test_xsave_round_trip(void **state)
{
    uint8_t first[NULL_XSAVE], second[NULL_XSAVE];

    (void)state;
    /* As hypervisors give it: all components in use, noise in unused bytes. */
    memset(null_platform.xsave, 0xa5, sizeof(null_platform.xsave));
    memset(null_platform.xsave + 512, 0, 64);
    null_platform.xsave[512] = 0x27;
    memcpy(null_platform.xsave + 24, &(uint32_t){0x1f80}, 4);
    memcpy(null_platform.xsave + 28, &(uint32_t){0x2ffff}, 4);
    expect_ok(vmaccel_x86_get_xsave(vcpu, first, sizeof(first)));
    assert_int_equal(first[512], 0x27);
    expect_ok(vmaccel_x86_set_xsave(vcpu, first, sizeof(first)));
    expect_ok(vmaccel_x86_get_xsave(vcpu, second, sizeof(second)));
    assert_memory_equal(first, second, sizeof(first));

    expect_error(vmaccel_x86_get_xsave(vcpu, first, 576), VMACCEL_E_INVALID_ARGUMENT, "2688 bytes");
    first[527] = 0x80;
    expect_error(vmaccel_x86_set_xsave(vcpu, first, sizeof(first)), VMACCEL_E_INVALID_ARGUMENT,
                 "compacted");
    first[527] = 0;
    first[540] = 1;
    expect_error(vmaccel_x86_set_xsave(vcpu, first, sizeof(first)), VMACCEL_E_INVALID_ARGUMENT,
                 "reserved");
    first[540] = 0;
    first[27] = 1;
    expect_error(vmaccel_x86_set_xsave(vcpu, first, sizeof(first)), VMACCEL_E_INVALID_ARGUMENT,
                 "mxcsr");
}

static void test_debug_registers(void **state)
{
    vmaccel_x86_debug_regs regs = {.dr6 = 1, .dr7 = 0x401 | 1u << 14};

    (void)state;
    expect_ok(vmaccel_x86_set_debug_regs(vcpu, &regs));
    assert_int_equal(null_platform.debug_regs.dr6, 0xfffe07f1);
    assert_int_equal(null_platform.debug_regs.dr7, 0x401);
    regs.dr7 = (uint64_t)1 << 32;
    expect_error(vmaccel_x86_set_debug_regs(vcpu, &regs), VMACCEL_E_INVALID_ARGUMENT, "dr7");
    expect_error(vmaccel_x86_get_debug_regs(vcpu, &regs), VMACCEL_E_NOT_SUPPORTED, "reg-debug");
}

/* CR8 is the local APIC's task priority. */
static void test_lapic_changes_cr8(void **state)
{
    vmaccel_x86_lapic lapic = {{0}};
    vmaccel_x86_sregs sregs;

    (void)state;
    expect_ok(vmaccel_x86_get_sregs(vcpu, &sregs));
    null_platform.sregs.cr8 = 3;
    expect_ok(vmaccel_x86_set_lapic(vcpu, &lapic));
    expect_ok(vmaccel_x86_get_sregs(vcpu, &sregs));
    assert_int_equal(sregs.cr8, 3);
    expect_error(vmaccel_x86_get_lapic(vcpu, &lapic), VMACCEL_E_NOT_SUPPORTED, "reg-lapic");
}

static void test_optional_operations(void **state)
{
    vmaccel_vm *vm = vmaccel_vcpu_vm(vcpu);
    vmaccel_x86_irqchip irqchip;
    uint64_t value;
    uint32_t khz;

    (void)state;
    expect_error(vmaccel_x86_get_xcr0(vcpu, &value), VMACCEL_E_NOT_SUPPORTED, "reg-xcr");
    expect_error(vmaccel_x86_set_xcr0(vcpu, 1), VMACCEL_E_NOT_SUPPORTED, "reg-xcr");
    expect_error(vmaccel_x86_get_tsc_khz(vcpu, &khz), VMACCEL_E_NOT_SUPPORTED, "tsc-khz");
    expect_error(vmaccel_x86_get_irqchip(vm, &irqchip), VMACCEL_E_NOT_SUPPORTED, "reg-irqchip");
    expect_error(vmaccel_x86_get_clock(vm, &value), VMACCEL_E_NOT_SUPPORTED, "reg-clock");
}

static void test_other_architecture(void **state)
{
    vmaccel_arm64_regs regs;

    (void)state;
    expect_error(vmaccel_arm64_get_regs(vcpu, &regs), VMACCEL_E_NOT_SUPPORTED,
                 "the VM's guest is x86_64");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_reads_are_cached),
        CASE(test_writes_are_deferred),
        CASE(test_overlay),
        CASE(test_overlay_remembers_a_value_put_back),
        CASE(test_sregs_are_canonical),
        CASE(test_sregs_faults_are_named),
        CASE(test_events),
        CASE(test_msrs_agree_with_sregs),
        CASE(test_lists),
        CASE(test_cpuid_is_set_before_commit),
        CASE(test_fpu),
        CASE(test_fpu_of_a_smaller_cpu),
        CASE(test_xsave_round_trip),
        CASE(test_debug_registers),
        CASE(test_lapic_changes_cr8),
        CASE(test_optional_operations),
        CASE(test_other_architecture),
    };

    return cmocka_run_group_tests_name("x86", tests, NULL, NULL);
}
