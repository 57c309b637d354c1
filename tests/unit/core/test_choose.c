/* SPDX-License-Identifier: BSD-2-Clause */
/* A registry of four platforms stands in for the library's. */
#include "null_platform.h"

#include <string.h>

#include "core/registry.h"

enum { HARDWARE, PARAVIRTUAL, SOFTWARE, ABSENT, COUNT };

static vmaccel_platform_info infos[COUNT];
static bool native[COUNT];

#define PLATFORM(id, text)                                                                         \
    static void probe_##id(vmaccel_platform_info *info)                                            \
    {                                                                                              \
        info->kind = infos[id].kind;                                                               \
        info->status = infos[id].status;                                                           \
        info->guest_x86_64 = infos[id].guest_x86_64;                                               \
        info->guest_arm64 = infos[id].guest_arm64;                                                 \
        strcpy(info->reason, infos[id].reason);                                                    \
    }                                                                                              \
    static uint64_t cap_##id(vmaccel_arch arch, vmaccel_cap cap)                                   \
    {                                                                                              \
        (void)arch;                                                                                \
        return cap == VMACCEL_CAP_NATIVE_KERNEL && native[id];                                     \
    }                                                                                              \
    static const struct vmaccel_platform platform_##id = {                                         \
        .name = text, .description = "about " text, .probe = probe_##id, .cap = cap_##id};

PLATFORM(HARDWARE, "hard")
PLATFORM(PARAVIRTUAL, "para")
PLATFORM(SOFTWARE, "soft")
PLATFORM(ABSENT, "gone")

const struct vmaccel_platform *const core_platforms[] = {&platform_ABSENT, &platform_SOFTWARE,
                                                         &platform_PARAVIRTUAL, &platform_HARDWARE};
const size_t core_platform_count = COUNT;

static int setup(void **state)
{
    (void)state;
    infos[HARDWARE] = (vmaccel_platform_info){.kind = VMACCEL_KIND_HARDWARE, .guest_x86_64 = true};
    infos[PARAVIRTUAL] =
        (vmaccel_platform_info){.kind = VMACCEL_KIND_PARAVIRTUAL, .guest_x86_64 = true};
    infos[SOFTWARE] = (vmaccel_platform_info){
        .kind = VMACCEL_KIND_SOFTWARE, .guest_x86_64 = true, .guest_arm64 = true};
    infos[ABSENT] =
        (vmaccel_platform_info){.status = VMACCEL_E_UNAVAILABLE, .reason = "needs another host"};
    native[HARDWARE] = native[SOFTWARE] = true;
    native[PARAVIRTUAL] = native[ABSENT] = false;
    return 0;
}

static const char *chosen(vmaccel_arch arch, vmaccel_workload workload)
{
    const vmaccel_platform *platform = NULL;

    return vmaccel_platform_choose(arch, workload, &platform, NULL, 0) == VMACCEL_OK
               ? vmaccel_platform_name(platform)
               : "none";
}

static void test_order(void **state)
{
    (void)state;
    assert_string_equal(chosen(VMACCEL_ARCH_X86_64, VMACCEL_WORKLOAD_SYSTEM), "hard");
    assert_string_equal(chosen(VMACCEL_ARCH_X86_64, VMACCEL_WORKLOAD_VCPU), "hard");
    assert_string_equal(chosen(VMACCEL_ARCH_ARM64, VMACCEL_WORKLOAD_VCPU), "soft");
    infos[HARDWARE].status = VMACCEL_E_PERMISSION;
    assert_string_equal(chosen(VMACCEL_ARCH_X86_64, VMACCEL_WORKLOAD_SYSTEM), "soft");
    assert_string_equal(chosen(VMACCEL_ARCH_X86_64, VMACCEL_WORKLOAD_VCPU), "para");
    infos[PARAVIRTUAL].status = VMACCEL_E_PERMISSION;
    assert_string_equal(chosen(VMACCEL_ARCH_X86_64, VMACCEL_WORKLOAD_VCPU), "soft");
}

static void test_native_kernel_goes_first_for_systems(void **state)
{
    (void)state;
    native[HARDWARE] = false;
    assert_string_equal(chosen(VMACCEL_ARCH_X86_64, VMACCEL_WORKLOAD_SYSTEM), "soft");
    assert_string_equal(chosen(VMACCEL_ARCH_X86_64, VMACCEL_WORKLOAD_VCPU), "hard");
}

static void test_why(void **state)
{
    const vmaccel_platform *platform = NULL;
    char why[128], tiny[4];

    (void)state;
    infos[HARDWARE].status = infos[SOFTWARE].status = VMACCEL_E_UNAVAILABLE;
    expect_ok(vmaccel_platform_choose(VMACCEL_ARCH_X86_64, VMACCEL_WORKLOAD_SYSTEM, &platform, why,
                                      sizeof(why)));
    assert_non_null(strstr(why, "para: "));
    assert_non_null(strstr(why, "x86_64"));
    assert_non_null(strstr(why, "emulated"));
    expect_ok(vmaccel_platform_choose(VMACCEL_ARCH_X86_64, VMACCEL_WORKLOAD_SYSTEM, &platform, tiny,
                                      sizeof(tiny)));
    assert_string_equal(tiny, "par");
}

static void test_nothing_there(void **state)
{
    const vmaccel_platform *platform = NULL;

    (void)state;
    infos[SOFTWARE].status = VMACCEL_E_UNAVAILABLE;
    infos[HARDWARE].status = VMACCEL_E_PERMISSION;
    strcpy(infos[HARDWARE].reason, "can't do that");
    expect_error(
        vmaccel_platform_choose(VMACCEL_ARCH_ARM64, VMACCEL_WORKLOAD_VCPU, &platform, NULL, 0),
        VMACCEL_E_UNAVAILABLE, "gone: needs another host");
    assert_non_null(strstr(vmaccel_last_error()->text, "hard: can't do that"));
    assert_non_null(
        strstr(vmaccel_last_error()->text, "para: this host's CPU runs x86_64 guests only"));
    assert_null(platform);
    for (size_t i = 0; i < COUNT; i++)
        memset(infos[i].reason, 'y', sizeof(infos[i].reason) - 1);
    expect_error(
        vmaccel_platform_choose(VMACCEL_ARCH_ARM64, VMACCEL_WORKLOAD_VCPU, &platform, NULL, 0),
        VMACCEL_E_UNAVAILABLE, "gone: yyy");
}

static void test_why_not(void **state)
{
    (void)state;
    assert_string_equal(vmaccel_platform_why_not(&infos[HARDWARE], VMACCEL_ARCH_X86_64), "");
    assert_string_equal(vmaccel_platform_why_not(&infos[HARDWARE], VMACCEL_ARCH_ARM64),
                        "this host's CPU runs x86_64 guests only");
    assert_string_equal(vmaccel_platform_why_not(&infos[SOFTWARE], VMACCEL_ARCH_ARM64), "");
    infos[SOFTWARE].guest_arm64 = false;
    assert_string_equal(vmaccel_platform_why_not(&infos[SOFTWARE], VMACCEL_ARCH_ARM64),
                        "no aarch64 guests yet");
    infos[HARDWARE].guest_x86_64 = false;
    infos[HARDWARE].guest_arm64 = true;
    assert_string_equal(vmaccel_platform_why_not(&infos[HARDWARE], VMACCEL_ARCH_X86_64),
                        "this host's CPU runs aarch64 guests only");
    for (int arch = VMACCEL_ARCH_X86_64; arch <= VMACCEL_ARCH_ARM64; arch++)
        assert_string_equal(vmaccel_platform_why_not(&infos[ABSENT], (vmaccel_arch)arch),
                            "needs another host");
    assert_string_equal(vmaccel_platform_why_not(NULL, VMACCEL_ARCH_ARM64), "");
    assert_string_equal(vmaccel_platform_why_not(&infos[ABSENT], (vmaccel_arch)7), "");
}

static void test_arguments(void **state)
{
    const vmaccel_platform *platform = NULL;
    vmaccel_platform_info info;

    (void)state;
    expect_error(vmaccel_platform_choose(VMACCEL_ARCH_X86_64, VMACCEL_WORKLOAD_VCPU, NULL, NULL, 0),
                 VMACCEL_E_INVALID_ARGUMENT, "out");
    expect_error(
        vmaccel_platform_choose((vmaccel_arch)7, VMACCEL_WORKLOAD_VCPU, &platform, NULL, 0),
        VMACCEL_E_INVALID_ARGUMENT, "arch");
    expect_error(
        vmaccel_platform_choose(VMACCEL_ARCH_X86_64, (vmaccel_workload)2, &platform, NULL, 0),
        VMACCEL_E_INVALID_ARGUMENT, "workload");
    expect_error(vmaccel_platform_probe(NULL, &info), VMACCEL_E_INVALID_ARGUMENT, "platform");
}

static void test_listing(void **state)
{
    vmaccel_platform_info info;

    (void)state;
    assert_int_equal(vmaccel_platform_count(), COUNT);
    assert_ptr_equal(vmaccel_platform_at(0), &platform_ABSENT);
    assert_null(vmaccel_platform_at(COUNT));
    assert_ptr_equal(vmaccel_platform_find("soft"), &platform_SOFTWARE);
    assert_null(vmaccel_platform_find("nope"));
    assert_null(vmaccel_platform_find(NULL));
    expect_ok(vmaccel_platform_probe(&platform_SOFTWARE, &info));
    assert_string_equal(info.name, "soft");
    assert_string_equal(info.description, "about soft");
    assert_int_equal(
        vmaccel_platform_cap(&platform_SOFTWARE, VMACCEL_ARCH_X86_64, VMACCEL_CAP_NATIVE_KERNEL),
        1);
    assert_int_equal(vmaccel_platform_cap(NULL, VMACCEL_ARCH_X86_64, VMACCEL_CAP_NATIVE_KERNEL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_order, setup),
        cmocka_unit_test_setup(test_native_kernel_goes_first_for_systems, setup),
        cmocka_unit_test_setup(test_why, setup),
        cmocka_unit_test_setup(test_nothing_there, setup),
        cmocka_unit_test_setup(test_why_not, setup),
        cmocka_unit_test_setup(test_arguments, setup),
        cmocka_unit_test_setup(test_listing, setup),
    };

    return cmocka_run_group_tests_name("choose", tests, NULL, NULL);
}
