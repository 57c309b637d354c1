/* SPDX-License-Identifier: BSD-2-Clause */
/* Machines over a platform whose vCPUs play a list of exits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <vmaccel/machine.h>

#include "core/platform.h"
#include "os/os.h"

enum action {
    ACTION_WAIT,       /* until kicked */
    ACTION_OUT,        /* value to port, count times */
    ACTION_IN,         /* and expect value */
    ACTION_PUT,        /* value to the MMIO address */
    ACTION_GET,        /* and expect value */
    ACTION_DATA_ABORT, /* an access to the address that the CPU does not describe */
    ACTION_EXIT,       /* reason `port` */
    ACTION_FAIL        /* run fails */
};

struct step {
    enum action action;
    uint32_t port; /* or the MMIO address */
    uint8_t size;
    uint32_t count;
    uint32_t value;
};

static struct {
    const struct step *steps[8]; /* of each CPU; NULL: wait */
    uint32_t fail_create;        /* index of the CPU that can't be created */
    uint64_t irqchip, max_vcpus, gpa_bits;
    _Atomic int vms, vcpus, answers_wrong, waiting;
    uint64_t gicv2, gicv3;
    vmaccel_arm64_gic gic; /* of the last VM */
    uint64_t boot_rip, boot_x0, boot_pstate;
    uint8_t boot_magic[4]; /* at the device tree's address */
    uint64_t ram_base;
    uint8_t *ram;
} script;

struct fake_vcpu {
    uint32_t at;
    bool expects;
    uint32_t expected;
    uint8_t size;
    uint8_t data[64];
};

static void fake_probe(vmaccel_platform_info *info)
{
    info->kind = VMACCEL_KIND_SIMULATED;
    info->status = VMACCEL_OK;
    info->guest_x86_64 = true;
    info->guest_arm64 = script.gicv2 != 0 || script.gicv3 != 0;
}

static uint64_t fake_cap(vmaccel_arch arch, vmaccel_cap cap)
{
    if (arch != VMACCEL_ARCH_X86_64 && arch != VMACCEL_ARCH_ARM64)
        return 0;
    switch (cap) {
    case VMACCEL_CAP_ARM64_GICV2:
        return script.gicv2;
    case VMACCEL_CAP_ARM64_GICV3:
        return script.gicv3;
    case VMACCEL_CAP_MAX_VCPUS:
        return script.max_vcpus;
    case VMACCEL_CAP_PAGE_SIZE:
        return 4096;
    case VMACCEL_CAP_GPA_BITS:
        return script.gpa_bits;
    case VMACCEL_CAP_IRQCHIP_FULL:
        return script.irqchip;
    case VMACCEL_CAP_MAX_REGIONS:
        return 16;
    case VMACCEL_CAP_MAX_VMS:
        return 16;
    case VMACCEL_CAP_IRQ_LINE:
        return 1;
    default:
        return 0;
    }
}

static uint64_t fake_vm_cap(const vmaccel_vm *vm, vmaccel_cap cap)
{
    return fake_cap(vm->arch, cap);
}

static vmaccel_status fake_vm_create(vmaccel_vm *vm)
{
    (void)vm;
    script.vms++;
    return VMACCEL_OK;
}

static void fake_vm_destroy(vmaccel_vm *vm)
{
    (void)vm;
    script.vms--;
}

static vmaccel_status fake_map(vmaccel_vm *vm, const struct core_region *region)
{
    (void)vm;
    script.ram_base = region->gpa;
    script.ram = region->host;
    return VMACCEL_OK;
}

static vmaccel_status fake_unmap(vmaccel_vm *vm, const struct core_region *region)
{
    (void)vm, (void)region;
    return VMACCEL_OK;
}

static vmaccel_status fake_irq(vmaccel_vm *vm, uint32_t line, bool level)
{
    (void)vm, (void)line, (void)level;
    return VMACCEL_OK;
}

static vmaccel_status fake_step(vmaccel_vcpu *vcpu, struct fake_vcpu *fake, const struct step *step)
{
    static const struct step wait = {.action = ACTION_WAIT};

    if (step == NULL)
        step = &wait;
    switch (step->action) {
    case ACTION_WAIT:
        script.waiting++;
        while (!core_kick_take(vcpu))
            os_sleep_ns(100000);
        vcpu->exit.reason = VMACCEL_EXIT_KICKED;
        return VMACCEL_OK;
    case ACTION_FAIL:
        return core_fail(VMACCEL_E_PLATFORM, "fake", "vcpu", NULL, 5, "the fake gave up");
    case ACTION_EXIT:
        vcpu->exit.reason = step->port;
        break;
    case ACTION_DATA_ABORT:
        vcpu->exit.reason = VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION;
        vcpu->exit.u.instruction.gpa = step->port;
        vcpu->exit.u.instruction.syndrome = step->value;
        vcpu->exit.u.instruction.length = 4;
        memcpy(vcpu->exit.u.instruction.bytes, "\x20\x04\x40\xa9", 4); /* ldp x0, x1, [x1] */
        break;
    case ACTION_PUT:
    case ACTION_GET:
        vcpu->exit.reason = VMACCEL_EXIT_MMIO;
        vcpu->exit.u.mmio.gpa = step->port;
        vcpu->exit.u.mmio.size = step->size;
        vcpu->exit.u.mmio.is_write = step->action == ACTION_PUT;
        vcpu->exit.u.mmio.data = fake->data;
        memset(fake->data, 0, sizeof(fake->data));
        if (step->action == ACTION_PUT)
            vmaccel_data_set(fake->data, step->size, step->value);
        fake->expects = step->action == ACTION_GET;
        fake->expected = step->value;
        fake->size = step->size;
        break;
    default:
        vcpu->exit.reason = VMACCEL_EXIT_IO;
        vcpu->exit.u.io.port = (uint16_t)step->port;
        vcpu->exit.u.io.size = step->size;
        vcpu->exit.u.io.is_write = step->action == ACTION_OUT;
        vcpu->exit.u.io.count = step->count;
        vcpu->exit.u.io.data = fake->data;
        memset(fake->data, 0, sizeof(fake->data));
        for (uint32_t i = 0; i < step->count && step->action == ACTION_OUT; i++)
            vmaccel_data_set(fake->data + i * step->size, step->size, step->value + i);
        fake->expects = step->action == ACTION_IN;
        fake->expected = step->value;
        fake->size = step->size;
        break;
    }
    fake->at++;
    return VMACCEL_OK;
}

static vmaccel_status fake_run(vmaccel_vcpu *vcpu)
{
    struct fake_vcpu *fake = vcpu->priv;
    const struct step *steps = script.steps[vcpu->index];

    if (vcpu->index == 0 && fake->at == 0 && vcpu->vm->arch == VMACCEL_ARCH_X86_64)
        script.boot_rip = vcpu->cache.x86.regs.rip;
    if (vcpu->index == 0 && fake->at == 0 && vcpu->vm->arch == VMACCEL_ARCH_ARM64) {
        script.boot_rip = vcpu->cache.arm64.regs[VMACCEL_ARM64_PC];
        script.boot_x0 = vcpu->cache.arm64.regs[VMACCEL_ARM64_X0];
        script.boot_pstate = vcpu->cache.arm64.regs[VMACCEL_ARM64_PSTATE];
        memcpy(script.boot_magic, script.ram + (script.boot_x0 - script.ram_base), 4);
        script.gic = vcpu->vm->arm64.gic;
    }
    if (fake->expects && vmaccel_data_get(fake->data, fake->size) != (uint64_t)fake->expected)
        script.answers_wrong++;
    fake->expects = false;
    memset(&vcpu->exit.u, 0, sizeof(vcpu->exit.u));
    return fake_step(vcpu, fake, steps != NULL ? &steps[fake->at] : NULL);
}

static vmaccel_status fake_vcpu_create(vmaccel_vcpu *vcpu)
{
    if (vcpu->index == script.fail_create)
        return core_fail(VMACCEL_E_NO_MEMORY, "fake", "vcpu", NULL, 12, "the fake has no room");
    vcpu->run = fake_run;
    script.vcpus++;
    return VMACCEL_OK;
}

static void fake_vcpu_destroy(vmaccel_vcpu *vcpu)
{
    (void)vcpu;
    script.vcpus--;
}

static void fake_kick(vmaccel_vcpu *vcpu)
{
    (void)vcpu;
}

static vmaccel_status fake_complete(vmaccel_vcpu *vcpu, bool *more)
{
    (void)vcpu;
    *more = false;
    return VMACCEL_OK;
}

static vmaccel_status fake_fetch(vmaccel_vcpu *vcpu, uint32_t groups)
{
    (void)groups;
    vmaccel_x86_reset_state(&vcpu->cache.x86.regs, &vcpu->cache.x86.sregs);
    return VMACCEL_OK;
}

static const struct core_x86_ops fake_x86 = {.fetch = fake_fetch};

static uint32_t fake_features(const vmaccel_vm *vm)
{
    (void)vm;
    return 0;
}

static vmaccel_status fake_fetch_arm64(vmaccel_vcpu *vcpu, uint64_t regs)
{
    (void)vcpu, (void)regs;
    return VMACCEL_OK;
}

static const struct core_arm64_ops fake_arm64 = {.features = fake_features,
                                                 .fetch = fake_fetch_arm64};

static const struct vmaccel_platform fake_platform = {
    .name = "fake",
    .description = "plays a script",
    .probe = fake_probe,
    .cap = fake_cap,
    .vm_size = 1,
    .vcpu_size = sizeof(struct fake_vcpu),
    .vm_create = fake_vm_create,
    .vm_destroy = fake_vm_destroy,
    .vm_cap = fake_vm_cap,
    .mem_map = fake_map,
    .mem_unmap = fake_unmap,
    .irq_line = fake_irq,
    .vcpu_create = fake_vcpu_create,
    .vcpu_destroy = fake_vcpu_destroy,
    .vcpu_kick = fake_kick,
    .vcpu_complete = fake_complete,
    .x86 = &fake_x86,
    .arm64 = &fake_arm64,
};

static char kernel[] = "/tmp/vmaccel-machine-XXXXXX";
static vmaccel_machine_config config;
static char console[256];
static size_t console_size;

static void take_console(void *context, const uint8_t *data, size_t size)
{
    (void)context;
    for (size_t i = 0; i < size && console_size < sizeof(console); i++)
        console[console_size++] = (char)data[i];
}

static int setup(void **state)
{
    (void)state;
    memset(&script, 0, sizeof(script));
    script.fail_create = UINT32_MAX;
    script.irqchip = 1;
    script.max_vcpus = 300;
    script.gpa_bits = 40;
    console_size = 0;
    config = (vmaccel_machine_config){.size = sizeof(config),
                                      .arch = VMACCEL_ARCH_X86_64,
                                      .platform = &fake_platform,
                                      .format = VMACCEL_BOOT_FLAT_REAL,
                                      .memory = 1 << 20,
                                      .kernel = kernel,
                                      .console_write = take_console};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return script.vms == 0 && script.vcpus == 0 ? 0 : -1;
}

static vmaccel_machine_result run_machine(void)
{
    vmaccel_machine *machine;
    vmaccel_machine_result result;

    assert_int_equal(vmaccel_machine_create(&config, &machine), VMACCEL_OK);
    assert_int_equal(vmaccel_machine_run(machine, &result), VMACCEL_OK);
    assert_int_equal(script.vcpus, 0);
    assert_int_equal(script.answers_wrong, 0);
    vmaccel_machine_destroy(machine);
    return result;
}

static void expect_bad(vmaccel_status status, const char *said)
{
    vmaccel_machine *machine = (vmaccel_machine *)&config;

    assert_int_equal(vmaccel_machine_create(&config, &machine), status);
    assert_null(machine);
    if (strstr(vmaccel_last_error()->text, said) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", vmaccel_last_error()->text, said);
    assert_int_equal(script.vms, 0);
    setup(NULL);
}

static void test_bad_configs(void **state)
{
    static const char *const nothing[] = {NULL};
    static const char *const missing[] = {"/nonexistent/module with arguments"};
    static const char *const unknown[] = {"frob"};
    static const char *const option[] = {"debug-exit,frob=1"};
    vmaccel_machine *machine;

    (void)state;
    assert_int_equal(vmaccel_machine_create(NULL, &machine), VMACCEL_E_INVALID_ARGUMENT);
    assert_int_equal(vmaccel_machine_create(&config, NULL), VMACCEL_E_INVALID_ARGUMENT);
    config.size = 8;
    expect_bad(VMACCEL_E_INVALID_ARGUMENT, "size");
    config.reserved[3] = 1;
    expect_bad(VMACCEL_E_INVALID_ARGUMENT, "reserved[3]");
    config.kernel = NULL;
    expect_bad(VMACCEL_E_INVALID_ARGUMENT, "kernel");
    config.kernel = "/nonexistent/kernel";
    expect_bad(VMACCEL_E_IO, "kernel /nonexistent/kernel: No such file");
    config.kernel = "/tmp";
    expect_bad(VMACCEL_E_IO, "kernel /tmp");
    config.initrd = "/nonexistent/initrd";
    expect_bad(VMACCEL_E_IO, "initrd /nonexistent/initrd");
    config.modules = missing;
    config.module_count = 1;
    expect_bad(VMACCEL_E_IO, "module /nonexistent/module:");
    config.modules = nothing;
    config.module_count = 1;
    expect_bad(VMACCEL_E_INVALID_ARGUMENT, "modules");
    config.module_count = 1;
    expect_bad(VMACCEL_E_INVALID_ARGUMENT, "modules");
    config.module_count = 100;
    expect_bad(VMACCEL_E_LIMIT, "modules");
    config.format = 99;
    expect_bad(VMACCEL_E_INVALID_ARGUMENT, "format");
    config.format = VMACCEL_BOOT_DETECT;
    expect_bad(VMACCEL_E_FORMAT, "");
    config.memory = 4095;
    expect_bad(VMACCEL_E_INVALID_ARGUMENT, "memory: 4095");
    config.memory = UINT64_C(1) << 63;
    expect_bad(VMACCEL_E_LIMIT, "memory");
    config.memory = UINT64_C(1) << 60;
    expect_bad(VMACCEL_E_NO_MEMORY, "memory");
    config.cpus = 5000;
    expect_bad(VMACCEL_E_LIMIT, "cpus: 5000");
    config.arch = VMACCEL_ARCH_ARM64;
    expect_bad(VMACCEL_E_INVALID_ARGUMENT, "flat-real is not for aarch64");
    config.arch = VMACCEL_ARCH_ARM64;
    config.format = VMACCEL_BOOT_FLAT;
    expect_bad(VMACCEL_E_NOT_SUPPORTED, "fake does not run aarch64 guests: ");
    config.arch = 99;
    expect_bad(VMACCEL_E_INVALID_ARGUMENT, "arch: 99");
    config.format = VMACCEL_BOOT_FLAT;
    expect_bad(VMACCEL_E_INVALID_ARGUMENT, "flat is not for x86_64");
    config.devices = unknown;
    config.device_count = 1;
    expect_bad(VMACCEL_E_INVALID_ARGUMENT, "frob");
    config.devices = option;
    config.device_count = 1;
    expect_bad(VMACCEL_E_INVALID_ARGUMENT, "iobase");
    config.devices = nothing;
    config.device_count = 1;
    expect_bad(VMACCEL_E_INVALID_ARGUMENT, "devices");
}

static void test_platform_limits(void **state)
{
    (void)state;
    script.irqchip = 0;
    expect_bad(VMACCEL_E_NOT_SUPPORTED, "irqchip-full");
    script.max_vcpus = 2;
    config.cpus = 3;
    expect_bad(VMACCEL_E_LIMIT, "cpus: 3");
    script.gpa_bits = 32;
    config.memory = UINT64_C(0xC0001000);
    expect_bad(VMACCEL_E_LIMIT, "32-bit");
    script.gpa_bits = 32;
    config.memory = UINT64_C(0xC0000000);
    script.steps[0] = (const struct step[]){{.action = ACTION_EXIT, .port = VMACCEL_EXIT_POWEROFF}};
    assert_int_equal(run_machine().outcome, VMACCEL_MACHINE_POWEROFF);
}

static void test_outcomes(void **state)
{
    static const struct {
        struct step step;
        uint32_t outcome, code;
        const char *said;
    } cases[] = {
        {{ACTION_OUT, 0x604, 2, 1, 0x3400}, VMACCEL_MACHINE_POWEROFF, 0, "powered off"},
        {{ACTION_OUT, 0x64, 1, 1, 0xfe}, VMACCEL_MACHINE_RESET, 0, "reset"},
        {{ACTION_OUT, 0xf4, 4, 1, 0x12345}, VMACCEL_MACHINE_DEBUG_EXIT, 0x12345, "debug-exit"},
        {{ACTION_EXIT, VMACCEL_EXIT_SHUTDOWN, 0, 0, 0},
         VMACCEL_MACHINE_SHUTDOWN,
         0,
         "CPU 0: triple fault at RIP 0x7c00"},
        {{ACTION_EXIT, VMACCEL_EXIT_HLT, 0, 0, 0}, VMACCEL_MACHINE_HALTED, 0, "halted"},
        {{ACTION_EXIT, VMACCEL_EXIT_RESET, 0, 0, 0}, VMACCEL_MACHINE_RESET, 0, "reset"},
        {{ACTION_EXIT, VMACCEL_EXIT_INTERNAL_ERROR, 0, 0, 0},
         VMACCEL_MACHINE_FAILED,
         0,
         "internal error 0 of the platform at RIP"},
        {{ACTION_EXIT, VMACCEL_EXIT_FAILED_ENTRY, 0, 0, 0},
         VMACCEL_MACHINE_FAILED,
         0,
         "refused the guest state"},
        {{ACTION_EXIT, VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION, 0, 0, 0},
         VMACCEL_MACHINE_FAILED,
         0,
         "instruction at RIP"},
        {{ACTION_EXIT, VMACCEL_EXIT_MEMORY_FAULT, 0, 0, 0}, VMACCEL_MACHINE_FAILED, 0, "memory"},
        {{ACTION_EXIT, VMACCEL_EXIT_DEBUG, 0, 0, 0}, VMACCEL_MACHINE_FAILED, 0, "DEBUG"},
        {{ACTION_EXIT, 999, 0, 0, 0}, VMACCEL_MACHINE_FAILED, 0, "unexpected"},
        {{ACTION_FAIL, 0, 0, 0, 0}, VMACCEL_MACHINE_FAILED, 0, "CPU 0: the fake gave up"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        vmaccel_machine_result result;

        script.steps[0] = &cases[i].step;
        result = run_machine();
        assert_int_equal(result.outcome, cases[i].outcome);
        assert_int_equal(result.code, cases[i].code);
        assert_int_equal(result.cpu, 0);
        if (strstr(result.text, cases[i].said) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", result.text, cases[i].said);
    }
}

static void test_accesses(void **state)
{
    static const struct step steps[] = {
        {ACTION_OUT, 0x3f8, 1, 5, 'a'},
        {ACTION_OUT, 0xe9, 1, 1, '!'},
        {ACTION_OUT, 0x3ff, 1, 1, 0x5a},
        {ACTION_IN, 0x3ff, 1, 1, 0x5a},
        {ACTION_IN, 0x1234, 4, 1, 0xffffffff},
        {ACTION_IN, 0x510, 4, 1, 0xffff0000},
        {ACTION_EXIT, VMACCEL_EXIT_POWEROFF, 0, 0, 0},
    };
    vmaccel_machine_result result;

    (void)state;
    script.steps[0] = steps;
    result = run_machine();
    assert_int_equal(result.outcome, VMACCEL_MACHINE_POWEROFF);
    assert_int_equal(script.boot_rip, 0x7c00);
    assert_int_equal(console_size, 6);
    assert_memory_equal(console, "abcde!", 6);
    assert_int_equal(result.stats.exits, 7);
    assert_int_equal(result.stats.io, 6);
    assert_int_equal(result.stats.other, 1);
}

static void test_another_cpu_ends_it(void **state)
{
    static const struct step exit_3[] = {{ACTION_OUT, 0x80, 1, 1, 0}, {ACTION_OUT, 0xf4, 1, 1, 7}};
    static const struct step flood[] = {{ACTION_OUT, 0x3f8, 1, 60, 'x'}, {.action = ACTION_WAIT}};
    vmaccel_machine_result result;

    (void)state;
    config.cpus = 4;
    script.steps[1] = flood;
    script.steps[2] = exit_3;
    result = run_machine();
    assert_int_equal(result.outcome, VMACCEL_MACHINE_DEBUG_EXIT);
    assert_int_equal(result.code, 7);
    assert_int_equal(result.cpu, 2);
}

static void test_all_halt(void **state)
{
    static const struct step halt[] = {{ACTION_EXIT, VMACCEL_EXIT_HLT, 0, 0, 0}};

    (void)state;
    config.cpus = 4;
    for (int i = 0; i < 4; i++)
        script.steps[i] = halt;
    assert_int_equal(run_machine().outcome, VMACCEL_MACHINE_HALTED);
}

static void test_failing_cpu_creation(void **state)
{
    vmaccel_machine *machine;
    vmaccel_machine_result result;

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        config.cpus = 4;
        script.fail_create = i;
        assert_int_equal(vmaccel_machine_create(&config, &machine), VMACCEL_OK);
        assert_int_equal(vmaccel_machine_run(machine, &result), VMACCEL_E_NO_MEMORY);
        assert_non_null(strstr(vmaccel_last_error()->text, "the fake has no room"));
        assert_int_equal(script.vcpus, 0);
        vmaccel_machine_destroy(machine);
        assert_int_equal(script.vms, 0);
    }
}

static void test_stop_before_run(void **state)
{
    vmaccel_machine *machine;
    vmaccel_machine_result result;

    (void)state;
    assert_int_equal(vmaccel_machine_create(&config, &machine), VMACCEL_OK);
    vmaccel_machine_stop(machine);
    assert_int_equal(vmaccel_machine_run(machine, &result), VMACCEL_OK);
    assert_int_equal(result.outcome, VMACCEL_MACHINE_STOPPED);
    assert_int_equal(result.stats.exits, 0);
    assert_int_equal(vmaccel_machine_run(machine, &result), VMACCEL_E_STATE);
    vmaccel_machine_destroy(machine);
    vmaccel_machine_destroy(NULL);
}

static void stop_later(void *context)
{
    while (script.waiting < 4)
        os_sleep_ns(100000);
    assert_int_equal(vmaccel_machine_console_input(context, (const uint8_t *)"hi", 2), 2);
    vmaccel_machine_stop(context);
    vmaccel_machine_stop(context);
}

static void test_stop_while_running(void **state)
{
    vmaccel_machine *machine;
    vmaccel_machine_result result;
    os_thread thread;

    (void)state;
    config.cpus = 4;
    assert_int_equal(vmaccel_machine_create(&config, &machine), VMACCEL_OK);
    assert_int_equal(os_thread_create(&thread, stop_later, machine, "stopper"), 0);
    assert_int_equal(vmaccel_machine_run(machine, &result), VMACCEL_OK);
    os_thread_join(&thread);
    assert_int_equal(result.outcome, VMACCEL_MACHINE_STOPPED);
    assert_string_equal(result.text, "stopped by the host");
    assert_int_equal(result.stats.kicks, 4);
    vmaccel_machine_destroy(machine);
}

static void test_platform_and_reason(void **state)
{
    vmaccel_machine *machine;
    const char *why = NULL;

    (void)state;
    assert_int_equal(vmaccel_machine_create(&config, &machine), VMACCEL_OK);
    assert_ptr_equal(vmaccel_machine_platform(machine, &why), &fake_platform);
    assert_non_null(strstr(why, "fake"));
    assert_ptr_equal(vmaccel_machine_platform(machine, NULL), &fake_platform);
    vmaccel_machine_destroy(machine);
}

/* AArch64. */

static void use_arm64(void)
{
    script.gicv3 = 1;
    config.arch = VMACCEL_ARCH_ARM64;
    config.format = VMACCEL_BOOT_FLAT;
}

static void test_arm64_start_and_accesses(void **state)
{
    static const struct step steps[] = {
        {ACTION_PUT, 0x09000000, 1, 0, 'A'},        {ACTION_PUT, 0x09000000, 4, 0, 'B'},
        {ACTION_GET, 0x09000FE0, 4, 0, 0x11},       {ACTION_PUT, 0x090E0000, 1, 0, 'C'},
        {ACTION_GET, 0x0A000000, 4, 0, UINT32_MAX}, {ACTION_PUT, 0x0A000000, 4, 0, 1},
        {ACTION_GET, 0x09000002, 2, 0, 0},          {ACTION_EXIT, VMACCEL_EXIT_POWEROFF, 0, 0, 0},
    };
    vmaccel_machine_result result;

    (void)state;
    use_arm64();
    script.steps[0] = steps;
    result = run_machine();
    assert_int_equal(result.outcome, VMACCEL_MACHINE_POWEROFF);
    assert_int_equal(script.boot_rip, 0x40000000);
    assert_int_equal(script.boot_pstate, 0x3C5);
    assert_int_equal(script.boot_x0, 0x400F0000);
    assert_memory_equal(script.boot_magic, "\xd0\x0d\xfe\xed", 4);
    assert_int_equal(console_size, 3);
    assert_memory_equal(console, "ABC", 3);
    assert_int_equal(result.stats.mmio, 7);
    assert_int_equal(script.gic.version, 3);
    assert_int_equal(script.gic.redist, 0x080A0000);
}

static void test_arm64_gic_and_limits(void **state)
{
    static const struct step off = {ACTION_EXIT, VMACCEL_EXIT_POWEROFF, 0, 0, 0};

    (void)state;
    use_arm64();
    script.gicv3 = 0;
    script.gicv2 = 1;
    config.cpus = 8;
    script.steps[0] = &off;
    assert_int_equal(run_machine().outcome, VMACCEL_MACHINE_POWEROFF);
    assert_int_equal(script.gic.version, 2);
    assert_int_equal(script.gic.cpu, 0x08010000);

    use_arm64();
    script.gicv3 = 0;
    config.cpus = 9;
    expect_bad(VMACCEL_E_LIMIT, "GICv2 takes 8");
    use_arm64();
    config.cpus = 124;
    expect_bad(VMACCEL_E_LIMIT, "cpus: 124 is over the aarch64 machine's limit of 123");
    use_arm64();
    script.gpa_bits = 31;
    config.memory = UINT64_C(0x40001000);
    expect_bad(VMACCEL_E_LIMIT, "31-bit");
}

static void test_arm64_outcomes(void **state)
{
    static const struct {
        struct step step;
        uint32_t outcome, code;
        const char *said;
    } cases[] = {
        {{ACTION_PUT, 0x090F0000, 4, 0, 21}, VMACCEL_MACHINE_DEBUG_EXIT, 21, "debug-exit"},
        {{ACTION_EXIT, VMACCEL_EXIT_RESET, 0, 0, 0}, VMACCEL_MACHINE_RESET, 0, "reset"},
        {{ACTION_EXIT, VMACCEL_EXIT_CRASH, 0, 0, 0},
         VMACCEL_MACHINE_FAILED,
         0,
         "it has crashed at PC 0x40000000"},
        {{ACTION_DATA_ABORT, 0x09000018, 0, 0, 0x46},
         VMACCEL_MACHINE_FAILED,
         0,
         "accesses 0x9000018, where no memory is, and the CPU does not describe the access "
         "(syndrome 0x46) at PC 0x40000000, instruction 0xa9400420"},
        {{ACTION_EXIT, VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION, 0, 0, 0},
         VMACCEL_MACHINE_FAILED,
         0,
         "can't run an instruction at PC 0x40000000"},
        {{ACTION_EXIT, VMACCEL_EXIT_TIMER, 0, 0, 0}, VMACCEL_MACHINE_FAILED, 0, "TIMER"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        vmaccel_machine_result result;

        use_arm64();
        script.steps[0] = &cases[i].step;
        result = run_machine();
        assert_int_equal(result.outcome, cases[i].outcome);
        assert_int_equal(result.code, cases[i].code);
        if (strstr(result.text, cases[i].said) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", result.text, cases[i].said);
    }
}

/* The flat formats are each of one architecture, so nobody needs to name it. */
static void test_arch_by_format(void **state)
{
    static const struct step off = {ACTION_EXIT, VMACCEL_EXIT_POWEROFF, 0, 0, 0};

    (void)state;
    use_arm64();
    config.arch = VMACCEL_ARCH_NONE;
    script.steps[0] = &off;
    assert_int_equal(run_machine().outcome, VMACCEL_MACHINE_POWEROFF);
    assert_int_equal(script.boot_rip, 0x40000000);
    config.format = VMACCEL_BOOT_FLAT_REAL;
    assert_int_equal(run_machine().outcome, VMACCEL_MACHINE_POWEROFF);
    assert_int_equal(script.boot_rip, 0x7c00);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_bad_configs),
        CASE(test_platform_limits),
        CASE(test_outcomes),
        CASE(test_accesses),
        CASE(test_another_cpu_ends_it),
        CASE(test_all_halt),
        CASE(test_failing_cpu_creation),
        CASE(test_stop_before_run),
        CASE(test_stop_while_running),
        CASE(test_platform_and_reason),
        CASE(test_arm64_start_and_accesses),
        CASE(test_arm64_gic_and_limits),
        CASE(test_arm64_outcomes),
        CASE(test_arch_by_format),
    };
    int file = mkstemp(kernel), failed;

    if (file < 0 || write(file, "\xf4", 1) != 1)
        return 1;
    close(file);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(kernel);
    return failed;
}
