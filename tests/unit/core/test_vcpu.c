/* SPDX-License-Identifier: BSD-2-Clause */
#include "null_platform.h"

#include <string.h>

#include "os/os.h"

static void finish(vmaccel_vcpu *vcpu)
{
    vmaccel_vm *vm = vmaccel_vcpu_vm(vcpu);

    expect_ok(vmaccel_vcpu_destroy(vcpu));
    null_end(vm);
}

static void test_create(void **state)
{
    vmaccel_vm *vm = null_vm(VMACCEL_ARCH_X86_64);
    vmaccel_vcpu_config config = {.size = sizeof(config), .reserved = {1}};
    vmaccel_vcpu *vcpu = NULL, *again = NULL;

    (void)state;
    expect_error(vmaccel_vcpu_create(vm, 2, NULL, &vcpu), VMACCEL_E_INVALID_ARGUMENT, "index: 2");
    expect_error(vmaccel_vcpu_create(vm, 0, &config, &vcpu), VMACCEL_E_INVALID_ARGUMENT,
                 "reserved");
    expect_error(vmaccel_vcpu_create(vm, 0, NULL, NULL), VMACCEL_E_INVALID_ARGUMENT, "out");
    assert_int_equal(null_platform.commits, 0);

    null_platform.fail = "vcpu_create";
    null_platform.fail_times = 1;
    expect_error(vmaccel_vcpu_create(vm, 0, NULL, &vcpu), VMACCEL_E_PLATFORM, "vcpu_create");
    assert_null(vcpu);
    config.reserved[0] = 0;
    expect_ok(vmaccel_vcpu_create(vm, 0, &config, &vcpu));
    assert_int_equal(null_platform.commits, 1);
    assert_int_equal(vmaccel_vcpu_index(vcpu), 0);
    assert_int_equal(vmaccel_vcpu_exit(vcpu)->reason, VMACCEL_EXIT_NONE);

    expect_error(vmaccel_vcpu_create(vm, 0, NULL, &again), VMACCEL_E_EXISTS, "vCPU 0 exists");
    expect_ok(vmaccel_vcpu_destroy(vcpu));
    expect_error(vmaccel_vcpu_create(vm, 0, NULL, &again), VMACCEL_E_EXISTS,
                 "an index is used once");
    null_end(vm);
}

static void test_destroyed(void **state)
{
    vmaccel_vcpu *vcpu = null_vcpu(VMACCEL_ARCH_X86_64);
    vmaccel_x86_regs regs;

    (void)state;
    expect_ok(vmaccel_vcpu_run(vcpu));
    expect_ok(vmaccel_vcpu_destroy(vcpu));
    expect_error(vmaccel_vcpu_run(vcpu), VMACCEL_E_STATE, "vCPU 0 has been destroyed");
    expect_error(vmaccel_x86_get_regs(vcpu, &regs), VMACCEL_E_STATE, "destroyed");
    expect_error(vmaccel_vcpu_destroy(vcpu), VMACCEL_E_STATE, "destroyed");
    vmaccel_error_report(VMACCEL_E_IO, "m", "kept");
    assert_int_equal(vmaccel_vcpu_kick(vcpu), VMACCEL_E_STATE);
    assert_string_equal(vmaccel_last_error()->text, "kept");
    assert_int_equal(null_platform.kicks, 0);
    null_end(vmaccel_vcpu_vm(vcpu));
    expect_ok(vmaccel_vcpu_destroy(NULL));
}

struct visit {
    vmaccel_vcpu *vcpu;
    vmaccel_status run, regs, complete, debug, inject, destroy, kick;
    char text[256];
};

static void visit(void *context)
{
    struct visit *visit = context;
    vmaccel_x86_regs regs;
    bool more;

    visit->run = vmaccel_vcpu_run(visit->vcpu);
    strcpy(visit->text, vmaccel_last_error()->text);
    visit->regs = vmaccel_x86_get_regs(visit->vcpu, &regs);
    visit->complete = vmaccel_vcpu_complete(visit->vcpu, &more);
    visit->debug = vmaccel_vcpu_set_debug(visit->vcpu, NULL);
    visit->inject = vmaccel_vcpu_inject_interrupt(visit->vcpu, 32);
    visit->destroy = vmaccel_vcpu_destroy(visit->vcpu);
    visit->kick = vmaccel_vcpu_kick(visit->vcpu);
}

static void test_wrong_thread(void **state)
{
    struct visit by_other = {.vcpu = null_vcpu(VMACCEL_ARCH_X86_64)};
    os_thread thread;

    (void)state;
    assert_int_equal(os_thread_create(&thread, visit, &by_other, "other"), 0);
    os_thread_join(&thread);
    assert_int_equal(by_other.run, VMACCEL_E_THREAD);
    assert_int_equal(by_other.regs, VMACCEL_E_THREAD);
    assert_int_equal(by_other.complete, VMACCEL_E_THREAD);
    assert_int_equal(by_other.debug, VMACCEL_E_THREAD);
    assert_int_equal(by_other.inject, VMACCEL_E_THREAD);
    assert_int_equal(by_other.destroy, VMACCEL_E_THREAD);
    assert_int_equal(by_other.kick, VMACCEL_OK);
    assert_non_null(strstr(by_other.text, "vCPU 0 belongs to another thread"));
    finish(by_other.vcpu);
}

static void test_kick_reaches_the_platform_once(void **state)
{
    vmaccel_vcpu *vcpu = null_vcpu(VMACCEL_ARCH_X86_64);

    (void)state;
    expect_ok(vmaccel_vcpu_kick(vcpu));
    expect_ok(vmaccel_vcpu_kick(vcpu));
    assert_int_equal(null_platform.kicks, 1);
    assert_true(core_kick_take(vcpu));
    assert_false(core_kick_take(vcpu));
    expect_ok(vmaccel_vcpu_kick(vcpu));
    assert_int_equal(null_platform.kicks, 2);
    assert_int_equal(vmaccel_vcpu_kick(NULL), VMACCEL_E_INVALID_ARGUMENT);
    finish(vcpu);
}

static void kick_often(void *context)
{
    for (unsigned i = 0; i < 10000; i++)
        (void)vmaccel_vcpu_kick(context);
}

static void test_kick_races_with_destroy(void **state)
{
    vmaccel_vcpu *vcpu = null_vcpu(VMACCEL_ARCH_X86_64);
    os_thread thread;

    (void)state;
    assert_int_equal(os_thread_create(&thread, kick_often, vcpu, "kicker"), 0);
    for (unsigned i = 0; i < 100; i++) {
        expect_ok(vmaccel_vcpu_run(vcpu));
        (void)core_kick_take(vcpu);
    }
    expect_ok(vmaccel_vcpu_destroy(vcpu));
    os_thread_join(&thread);
    null_end(vmaccel_vcpu_vm(vcpu));
}

static void test_complete(void **state)
{
    vmaccel_vcpu *vcpu = null_vcpu(VMACCEL_ARCH_X86_64);
    bool more = true;

    (void)state;
    expect_ok(vmaccel_vcpu_complete(vcpu, &more));
    assert_false(more);
    assert_int_equal(null_platform.completes, 1);
    expect_error(vmaccel_vcpu_complete(vcpu, NULL), VMACCEL_E_INVALID_ARGUMENT, "more");
    finish(vcpu);
}

static vmaccel_status debug_point(vmaccel_vcpu *vcpu, vmaccel_hw_point point)
{
    vmaccel_debug_config config = {.size = sizeof(config), .points = {[2] = point}};

    return vmaccel_vcpu_set_debug(vcpu, &config);
}

static void test_debug(void **state)
{
    vmaccel_vcpu *vcpu = null_vcpu(VMACCEL_ARCH_X86_64);
    vmaccel_debug_config config = {.size = sizeof(config), .flags = VMACCEL_DEBUG_STEP};

    (void)state;
    expect_ok(vmaccel_vcpu_set_debug(vcpu, &config));
    assert_int_equal(null_platform.debug.flags, VMACCEL_DEBUG_STEP);
    expect_ok(vmaccel_vcpu_set_debug(vcpu, NULL));
    assert_int_equal(null_platform.debug.flags, 0);

    config.flags = VMACCEL_DEBUG_HW_BREAKPOINT;
    expect_error(vmaccel_vcpu_set_debug(vcpu, &config), VMACCEL_E_INVALID_ARGUMENT, "flags");
    expect_ok(debug_point(
        vcpu, (vmaccel_hw_point){.address = 0x1001, .length = 1, .kind = VMACCEL_HW_EXEC}));
    assert_int_equal(null_platform.debug.points[2].address, 0x1001);
    expect_error(debug_point(vcpu, (vmaccel_hw_point){.length = 4, .kind = VMACCEL_HW_EXEC}),
                 VMACCEL_E_INVALID_ARGUMENT, "points[2].length");
    expect_error(debug_point(vcpu, (vmaccel_hw_point){.length = 3, .kind = VMACCEL_HW_WRITE}),
                 VMACCEL_E_INVALID_ARGUMENT, "points[2].length");
    expect_error(
        debug_point(vcpu, (vmaccel_hw_point){.address = 2, .length = 4, .kind = VMACCEL_HW_WRITE}),
        VMACCEL_E_INVALID_ARGUMENT, "points[2].address");
    expect_error(debug_point(vcpu, (vmaccel_hw_point){.length = 4, .kind = 4}),
                 VMACCEL_E_INVALID_ARGUMENT, "points[2].kind");

    vmaccel_debug_config many = {.size = sizeof(many)};
    for (size_t i = 0; i < 5; i++)
        many.points[i] =
            (vmaccel_hw_point){.length = 1, .kind = i < 2 ? VMACCEL_HW_EXEC : VMACCEL_HW_WRITE};
    expect_error(vmaccel_vcpu_set_debug(vcpu, &many), VMACCEL_E_LIMIT, "5 points");
    many.points[4].kind = 0;
    expect_ok(vmaccel_vcpu_set_debug(vcpu, &many));

    null_platform.caps[VMACCEL_CAP_HW_WATCHPOINT] = 0;
    expect_error(vmaccel_vcpu_set_debug(vcpu, &many), VMACCEL_E_NOT_SUPPORTED, "hw-watchpoint");
    null_platform.caps[VMACCEL_CAP_SW_BREAKPOINT] = 0;
    config.flags = VMACCEL_DEBUG_SW_BREAKPOINT;
    expect_error(vmaccel_vcpu_set_debug(vcpu, &config), VMACCEL_E_NOT_SUPPORTED, "sw-breakpoint");
    null_platform.platform.set_debug = NULL;
    expect_error(vmaccel_vcpu_set_debug(vcpu, NULL), VMACCEL_E_NOT_SUPPORTED, "single-step");
    finish(vcpu);
}

static void test_interrupts(void **state)
{
    vmaccel_vcpu *vcpu = null_vcpu(VMACCEL_ARCH_X86_64);
    vmaccel_vm *vm = vmaccel_vcpu_vm(vcpu);
    vmaccel_x86_events events;
    bool ready = false;

    (void)state;
    expect_ok(vmaccel_x86_get_events(vcpu, &events));
    assert_false(events.interrupt_pending);
    expect_ok(vmaccel_vcpu_interrupt_ready(vcpu, &ready));
    assert_true(ready);
    expect_ok(vmaccel_vcpu_inject_interrupt(vcpu, 0x40));
    expect_ok(vmaccel_x86_get_events(vcpu, &events));
    assert_true(events.interrupt_pending && events.interrupt_vector == 0x40);

    expect_error(vmaccel_vcpu_inject_exception(vcpu, 32, false, 0), VMACCEL_E_INVALID_ARGUMENT,
                 "32");
    expect_error(vmaccel_vcpu_inject_exception(vcpu, 2, false, 0), VMACCEL_E_INVALID_ARGUMENT, "2");
    expect_ok(vmaccel_vcpu_inject_exception(vcpu, 6, false, 77));
    expect_ok(vmaccel_x86_get_events(vcpu, &events));
    assert_true(events.exception_pending && events.exception_error_code == 0);
    expect_ok(vmaccel_vcpu_request_irq_window(vcpu, true));
    expect_ok(vmaccel_vcpu_inject_nmi(vcpu));

    expect_ok(vmaccel_irq_line(vm, 23, true));
    expect_error(vmaccel_irq_line(vm, 24, true), VMACCEL_E_INVALID_ARGUMENT, "line: 24");
    expect_ok(vmaccel_irq_msi(vm, 0x10000000000ull | 0xfee01000, 0x30));
    expect_error(vmaccel_irq_msi(vm, 0xfed00000, 0x30), VMACCEL_E_INVALID_ARGUMENT, "0xfed00000");

    null_platform.caps[VMACCEL_CAP_INJECT_NMI] = 0;
    expect_error(vmaccel_vcpu_inject_nmi(vcpu), VMACCEL_E_NOT_SUPPORTED, "inject-nmi");
    null_platform.platform.irq_msi = NULL;
    expect_error(vmaccel_irq_msi(vm, 0xfee00000, 0), VMACCEL_E_NOT_SUPPORTED, "irq-msi");
    finish(vcpu);
}

static void test_translate_and_mp_state(void **state)
{
    vmaccel_vcpu *vcpu = null_vcpu(VMACCEL_ARCH_ARM64);
    vmaccel_mp_state mp;
    vmaccel_gpa gpa = 0;

    (void)state;
    expect_ok(vmaccel_vcpu_translate(vcpu, 41, &gpa));
    assert_int_equal(gpa, 42);
    expect_ok(vmaccel_vcpu_get_mp_state(vcpu, &mp));
    expect_ok(vmaccel_vcpu_set_mp_state(vcpu, VMACCEL_MP_WAIT_FOR_INIT));
    expect_error(vmaccel_vcpu_set_mp_state(vcpu, VMACCEL_MP_SIPI_RECEIVED),
                 VMACCEL_E_INVALID_ARGUMENT, "aarch64");
    null_platform.caps[VMACCEL_CAP_REG_MP_STATE] = 0;
    expect_error(vmaccel_vcpu_get_mp_state(vcpu, &mp), VMACCEL_E_NOT_SUPPORTED, "reg-mp-state");
    null_platform.platform.translate = NULL;
    expect_error(vmaccel_vcpu_translate(vcpu, 41, &gpa), VMACCEL_E_NOT_SUPPORTED, "translate");
    finish(vcpu);
}

static void test_machine_platform_has_no_vcpu(void **state)
{
    static const struct core_machine_ops machine;
    vmaccel_vm *vm = NULL;
    vmaccel_vcpu *vcpu = NULL;

    (void)state;
    null_platform.platform.machine = &machine;
    null_platform.platform.vcpu_create = NULL;
    null_platform.platform.mem_map = NULL;
    null_platform.platform.x86 = NULL;
    expect_ok(vmaccel_vm_create(&null_platform.platform, NULL, &vm));
    expect_error(vmaccel_vcpu_create(vm, 0, NULL, &vcpu), VMACCEL_E_NOT_SUPPORTED,
                 "whole machines");
    expect_error(vmaccel_memory_map(vm, 0, NULL_PAGE, vm, 0), VMACCEL_E_NOT_SUPPORTED,
                 "whole machines");
    null_end(vm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_create, null_reset),
        cmocka_unit_test_setup(test_destroyed, null_reset),
        cmocka_unit_test_setup(test_wrong_thread, null_reset),
        cmocka_unit_test_setup(test_kick_reaches_the_platform_once, null_reset),
        cmocka_unit_test_setup(test_kick_races_with_destroy, null_reset),
        cmocka_unit_test_setup(test_complete, null_reset),
        cmocka_unit_test_setup(test_debug, null_reset),
        cmocka_unit_test_setup(test_interrupts, null_reset),
        cmocka_unit_test_setup(test_translate_and_mp_state, null_reset),
        cmocka_unit_test_setup(test_machine_platform_has_no_vcpu, null_reset),
    };

    return cmocka_run_group_tests_name("vcpu", tests, NULL, NULL);
}
