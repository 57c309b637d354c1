/* SPDX-License-Identifier: BSD-2-Clause */
/* Integer, control and string instructions where they depend on more than registers: 16-bit code,
 * faults, devices, and jumps inside a block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"

#define RAM_SIZE 0x20000u /* devices above */
#define START    0x1000u

static uint8_t ram[RAM_SIZE] __attribute__((aligned(4096)));
static struct cpu_vm *vm;
static struct cpu *cpu;
static vmaccel_x86_regs regs;
static struct cpu_exit last;

static bool page(void *context, uint64_t gpa, bool write, struct cpu_page *out)
{
    (void)context, (void)write;
    if (gpa >= RAM_SIZE)
        return false;
    *out = (struct cpu_page){.host = ram + gpa, .writable = true, .executable = true};
    return true;
}

static uint64_t tsc(void *context)
{
    (void)context;
    return 0;
}

static const struct cpu_ops ops = {.page = page, .tsc = tsc};

/* Real mode, flat at 0, registers 0, SP 0x8000. */
static int setup(void **state)
{
    struct cpu_vm_config config = {.ops = &ops,
                                   .max_cpus = 1,
                                   .exits = CPU_EXITS_HLT,
                                   .exceptions = UINT32_MAX,
                                   .tsc_khz = 1000000};
    vmaccel_x86_sregs sregs;

    (void)state;
    memset(ram, 0, sizeof ram);
    vm = cpu_vm_create(&config);
    assert_non_null(vm);
    cpu = cpu_create(vm, 0, NULL);
    assert_non_null(cpu);
    cpu_get_sregs(cpu, &sregs);
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    cpu_set_sregs(cpu, &sregs);
    regs = (vmaccel_x86_regs){.rip = START, .rsp = 0x8000, .rflags = 2};
    last = (struct cpu_exit){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cpu_destroy(cpu);
    cpu_vm_destroy(vm);
    return 0;
}

static void run_at(uint32_t at, const char *code, size_t size)
{
    memcpy(ram + at, code, size);
    regs.rip = at;
    cpu_set_regs(cpu, &regs);
    cpu_run(cpu, &last);
    cpu_get_regs(cpu, &regs);
}

/* HLT follows the code. */
#define RUN(code) run_at(START, code "\xf4", sizeof code)

static void assert_exception(unsigned vector)
{
    assert_int_equal(last.reason, CPU_EXIT_EXCEPTION);
    assert_int_equal(last.u.exception.vector, vector);
}

static void decimal(void **state)
{
    static const struct {
        char code;
        uint16_t ax, flags, result, result_flags; /* CF PF AF ZF SF */
    } cases[] = {
        {'\x27', 0x00ae, 0x00, 0x0014, 0x15}, /* DAA */
        {'\x27', 0x009a, 0x00, 0x0000, 0x55}, {'\x27', 0x0079, 0x01, 0x00d9, 0x81},
        {'\x2f', 0x00ee, 0x00, 0x0088, 0x95},                                       /* DAS */
        {'\x2f', 0x0003, 0x10, 0x00fd, 0x91}, {'\x37', 0x00fa, 0x00, 0x0200, 0x55}, /* AAA */
        {'\x3f', 0x0205, 0x10, 0x000f, 0x15},                                       /* AAS */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char code[2] = {cases[i].code, '\xf4'};
        bool ascii = cases[i].code == '\x37' || cases[i].code == '\x3f';
        uint64_t defined = ascii ? 0x11 : 0xd5;
        regs.rax = cases[i].ax;
        regs.rflags = cases[i].flags | 2u;
        run_at(START + (uint32_t)i * 16, code, 2);
        assert_int_equal(last.reason, CPU_EXIT_HLT);
        assert_int_equal(regs.rax, cases[i].result);
        assert_int_equal(regs.rflags & defined, cases[i].result_flags & defined);
    }
    regs.rax = 0x3f;
    RUN("\xd4\x0a"); /* AAM */
    assert_int_equal(regs.rax, 0x0603);
    regs.rax = 0x0703;
    run_at(START + 0x100, "\xd5\x0a\xf4", 3); /* AAD */
    assert_int_equal(regs.rax, 73);
    run_at(START + 0x200, "\xd4\x00", 2);
    assert_exception(0);
    assert_int_equal(regs.rip, START + 0x200);
}

static void stack_wraps_at_16_bits(void **state)
{
    (void)state;
    regs.rsp = 0x12340000;
    regs.rax = 0xabcd;
    RUN("\x50"); /* push %ax */
    assert_int_equal(regs.rsp, 0x1234fffe);
    assert_int_equal(ram[0xfffe] | ram[0xffff] << 8, 0xabcd);
}

static void all_registers_on_the_stack(void **state)
{
    (void)state;
    regs.rcx = 1, regs.rdx = 2, regs.rbx = 3, regs.rbp = 5, regs.rsi = 6, regs.rdi = 7;
    RUN("\x60\x31\xc9\x31\xff\x89\xec\x83\xc4\x7f\x89\xe5\xbc\xf0\x7f\x61");
    assert_int_equal(last.reason, CPU_EXIT_HLT);
    assert_int_equal(regs.rsp, 0x8000);
    assert_int_equal(regs.rcx, 1);
    assert_int_equal(regs.rdi, 7);
    assert_int_equal(regs.rbp, 5);
}

static void near_call_and_return(void **state)
{
    (void)state;
    /* call 1f; mov $1,%bl; hlt; 1: mov $2,%cl; ret $4 */
    RUN("\xe8\x03\x00\xb3\x01\xf4\xb1\x02\xc2\x04\x00");
    assert_int_equal(last.reason, CPU_EXIT_HLT);
    assert_int_equal(regs.rip, START + 6);
    assert_int_equal(regs.rsp, 0x8004);
    assert_int_equal(regs.rbx, 1);
    assert_int_equal(regs.rcx, 2);
}

static void target_beyond_limit(void **state)
{
    (void)state;
    /* 66 e9: jmp to EIP + 0x10000 */
    RUN("\x66\xe9\x00\x00\x01\x00");
    assert_exception(13);
    assert_int_equal(regs.rip, START);
    regs.rcx = 5;
    /* 66 e2 with a target below 0 */
    run_at(0x10, "\x66\xe2\x80", 3);
    assert_exception(13);
    assert_int_equal(regs.rcx, 5);
}

static void jumps_inside_a_block(void **state)
{
    (void)state;
    /* 1: inc %ax; test $1,%al; jz 2f; add $16,%bx; cmp $5,%ax; je 2f; inc %dx; 2: loop 1b */
    regs.rcx = 10;
    RUN("\x40\xa8\x01\x74\x09\x83\xc3\x10\x83\xf8\x05\x74\x01\x42\xe2\xf0");
    assert_int_equal(last.reason, CPU_EXIT_HLT);
    assert_int_equal(regs.rax, 10);
    assert_int_equal(regs.rbx, 5 * 16);
    assert_int_equal(regs.rdx, 4);
    assert_int_equal(regs.rcx, 0);
}

static void division_commits_nothing(void **state)
{
    (void)state;
    regs.rax = 0x1234, regs.rdx = 0x7fff, regs.rbx = 0x10;
    RUN("\xf7\xfb"); /* idiv %bx */
    assert_exception(0);
    assert_int_equal(regs.rip, START);
    assert_int_equal(regs.rax, 0x1234);
    assert_int_equal(regs.rdx, 0x7fff);
}

/* Each element read from a device is one exit, in order; what was done stays done. */
static void repeated_device_reads(void **state)
{
    (void)state;
    regs.rsi = 0x20000, regs.rdi = 0x5000, regs.rcx = 3;
    memcpy(ram + START, "\x67\xf3\xa4\xf4", 4); /* a32 rep movsb */
    vmaccel_x86_sregs sregs;
    cpu_get_sregs(cpu, &sregs);
    sregs.ds.limit = UINT32_MAX;
    cpu_set_sregs(cpu, &sregs);
    cpu_set_regs(cpu, &regs);
    for (unsigned i = 0; i < 3; i++) {
        cpu_run(cpu, &last);
        assert_int_equal(last.reason, CPU_EXIT_MMIO);
        assert_true(last.awaits_answer);
        assert_int_equal(last.u.access.address, 0x20000 + i);
        cpu_get_regs(cpu, &regs);
        assert_int_equal(regs.rcx, 3 - i);
        assert_int_equal(regs.rip, START);
        last.u.access.value = 0x40 + i;
    }
    cpu_run(cpu, &last);
    assert_int_equal(last.reason, CPU_EXIT_HLT);
    assert_memory_equal(ram + 0x5000, "\x40\x41\x42", 3);
}

/* A copy onto bytes just ahead repeats them; DF goes down; 16-bit addresses wrap. */
static void string_directions(void **state)
{
    (void)state;
    memcpy(ram + 0x6000, "ab", 2);
    regs.rsi = 0x6000, regs.rdi = 0x6002, regs.rcx = 6;
    RUN("\xf3\xa4");
    assert_memory_equal(ram + 0x6000, "abababab", 8);
    regs.rax = 0x7a79, regs.rdi = 0x0000, regs.rcx = 2;
    run_at(START + 0x100, "\xfd\xf3\xab\xf4", 4); /* std; rep stosw */
    assert_int_equal(regs.rdi, 0xfffc);
    assert_memory_equal(ram, "yz", 2);
    assert_memory_equal(ram + 0xfffe, "yz", 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(decimal, setup, teardown),
        cmocka_unit_test_setup_teardown(stack_wraps_at_16_bits, setup, teardown),
        cmocka_unit_test_setup_teardown(all_registers_on_the_stack, setup, teardown),
        cmocka_unit_test_setup_teardown(near_call_and_return, setup, teardown),
        cmocka_unit_test_setup_teardown(target_beyond_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(jumps_inside_a_block, setup, teardown),
        cmocka_unit_test_setup_teardown(division_commits_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(repeated_device_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(string_directions, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
