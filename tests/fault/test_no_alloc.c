/* SPDX-License-Identifier: BSD-2-Clause */
/* Nothing is allocated between two runs of a real guest, its accesses served, its registers read
 * and set. */
#include <stdio.h>
#include <string.h>

#include "fault.h"

#define CODE  0x1000u
#define MMIO  0x5000u
#define EXITS 100000u

static const unsigned char guest[] = {
    0xe6, 0x10,       /* 1: out %al, $0x10 */
    0xe4, 0x11,       /* in $0x11, %al     */
    0xa2, 0x00, 0x50, /* mov %al, 0x5000   */
    0xa0, 0x00, 0x50, /* mov 0x5000, %al   */
    0xeb, 0xf4,       /* jmp 1b            */
};
static _Alignas(4096) unsigned char code[4096];

#define OK(call) assert_int_equal(call, VMACCEL_OK)

static void serve(const vmaccel_exit *exit, unsigned i, unsigned *seen)
{
    if (exit->reason == VMACCEL_EXIT_IO) {
        assert_int_equal(exit->u.io.port, exit->u.io.is_write ? 0x10 : 0x11);
        seen[exit->u.io.is_write]++;
        if (!exit->u.io.is_write)
            exit->u.io.data[0] = (uint8_t)i;
    } else {
        assert_int_equal(exit->reason, VMACCEL_EXIT_MMIO);
        assert_int_equal(exit->u.mmio.gpa, MMIO);
        seen[2 + exit->u.mmio.is_write]++;
        if (!exit->u.mmio.is_write)
            exit->u.mmio.data[0] = (uint8_t)i;
    }
}

/* Registers read after each exit and set after every second one, the special ones less often. */
static void touch_registers(vmaccel_vcpu *vcpu, unsigned i)
{
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    vmaccel_x86_events events;

    OK(vmaccel_x86_get_regs(vcpu, &regs));
    regs.rbx = i;
    if (i % 2 == 0)
        OK(vmaccel_x86_set_regs(vcpu, &regs));
    OK(vmaccel_x86_get_sregs(vcpu, &sregs));
    if (i % 16 == 0)
        OK(vmaccel_x86_set_sregs(vcpu, &sregs));
    if (i % 64 == 0)
        OK(vmaccel_x86_get_events(vcpu, &events));
}

static void nothing_is_allocated(void **state)
{
    const vmaccel_platform *platform = fault_platform(state, VMACCEL_ARCH_X86_64);
    vmaccel_vm *vm;
    vmaccel_vcpu *vcpu;
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    unsigned seen[4] = {0}, kicks = 0;

    unsigned long start = os_calls_allocations();
    memcpy(code, guest, sizeof(guest));
    vmaccel_vm_config config = {.size = sizeof(config), .arch = VMACCEL_ARCH_X86_64};
    OK(vmaccel_vm_create(platform, &config, &vm));
    OK(vmaccel_memory_map(vm, CODE, sizeof(code), code, VMACCEL_MEM_RWX));
    OK(vmaccel_vcpu_create(vm, 0, NULL, &vcpu));
    OK(vmaccel_x86_get_sregs(vcpu, &sregs));
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    OK(vmaccel_x86_set_sregs(vcpu, &sregs));
    OK(vmaccel_x86_get_regs(vcpu, &regs));
    regs.rip = CODE;
    OK(vmaccel_x86_set_regs(vcpu, &regs));

    unsigned long before = os_calls_allocations();
    assert_true(before > start); /* the count is alive */
    for (unsigned i = 0; i < EXITS; i++) {
        if (i % 1000 == 999)
            OK(vmaccel_vcpu_kick(vcpu));
        OK(vmaccel_vcpu_run(vcpu));
        if (vmaccel_vcpu_exit(vcpu)->reason == VMACCEL_EXIT_KICKED)
            kicks++;
        else
            serve(vmaccel_vcpu_exit(vcpu), i, seen);
        touch_registers(vcpu, i);
    }
    unsigned long after = os_calls_allocations();

    OK(vmaccel_vcpu_destroy(vcpu));
    OK(vmaccel_vm_destroy(vm));
    printf("# %u exits: %u port reads, %u port writes, %u MMIO reads, %u MMIO writes, %u kicks: "
           "%lu allocations; %lu before them\n",
           EXITS, seen[0], seen[1], seen[2], seen[3], kicks, after - before, before - start);
    assert_int_equal(after - before, 0);
    for (int i = 0; i < 4; i++)
        assert_in_range(seen[i], EXITS / 5, EXITS);
}

static const uint32_t arm64_guest[] = {
    0xb9000020, /* 1: str w0, [x1] */
    0xb9400022, /* ldr w2, [x1]    */
    0x17fffffe, /* b 1b            */
};
static _Alignas(65536) unsigned char arm64_code[65536];

static void nothing_is_allocated_on_arm64(void **state)
{
    const vmaccel_platform *platform = fault_platform(state, VMACCEL_ARCH_ARM64);
    vmaccel_vm_config config = {.size = sizeof(config), .arch = VMACCEL_ARCH_ARM64};
    vmaccel_arm64_regs regs;
    vmaccel_vm *vm;
    vmaccel_vcpu *vcpu;
    unsigned seen[2] = {0};

    memcpy(arm64_code, arm64_guest, sizeof(arm64_guest));
    OK(vmaccel_vm_create(platform, &config, &vm));
    OK(vmaccel_memory_map(vm, CODE << 16, sizeof(arm64_code), arm64_code, VMACCEL_MEM_RWX));
    OK(vmaccel_vcpu_create(vm, 0, NULL, &vcpu));
    OK(vmaccel_arm64_set_reg(vcpu, VMACCEL_ARM64_PC, CODE << 16));
    OK(vmaccel_arm64_set_reg(vcpu, 1, MMIO));

    unsigned long before = os_calls_allocations();
    for (unsigned i = 0; i < EXITS / 10; i++) {
        if (i % 1000 == 999)
            OK(vmaccel_vcpu_kick(vcpu));
        OK(vmaccel_vcpu_run(vcpu));
        vmaccel_exit *exit = vmaccel_vcpu_exit(vcpu);
        if (exit->reason != VMACCEL_EXIT_KICKED) {
            assert_int_equal(exit->reason, VMACCEL_EXIT_MMIO);
            seen[exit->u.mmio.is_write]++;
        }
        OK(vmaccel_arm64_set_reg(vcpu, 5, i));
        if (i % 64 == 0)
            OK(vmaccel_arm64_get_regs(vcpu, &regs));
    }
    unsigned long after = os_calls_allocations();

    OK(vmaccel_vcpu_destroy(vcpu));
    OK(vmaccel_vm_destroy(vm));
    printf("# %u MMIO reads, %u MMIO writes: %lu allocations\n", seen[0], seen[1], after - before);
    assert_int_equal(after - before, 0);
    assert_in_range(seen[0], EXITS / 25, EXITS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {FAULT_TEST(nothing_is_allocated, "kvm"),
                                       FAULT_TEST(nothing_is_allocated, "soft"),
                                       FAULT_TEST(nothing_is_allocated_on_arm64, "kvm")};

    return cmocka_run_group_tests_name("fault.no_alloc", tests, NULL, NULL);
}
