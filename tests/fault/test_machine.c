/* SPDX-License-Identifier: BSD-2-Clause */
/* Every OS call of a machine's life fails, those of its vCPU threads included. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

/* In real mode: one byte to the serial port with its interrupt on, then the end. */
static const unsigned char guest[] = {
    0xba, 0xfc, 0x03, /* mov $0x3fc, %dx   modem control: OUT2 lets the interrupt through */
    0xb0, 0x08,       /* mov $8, %al       */
    0xee,             /* out %al, (%dx)    */
    0xba, 0xf9, 0x03, /* mov $0x3f9, %dx   */
    0xb0, 0x02,       /* mov $2, %al       */
    0xee,             /* out %al, (%dx)    */
    0xba, 0xf8, 0x03, /* mov $0x3f8, %dx   */
    0xb0, 0x21,       /* mov $'!', %al     */
    0xee,             /* out %al, (%dx)    */
    0xb0, 0x2a,       /* mov $42, %al      */
    0xe6, 0xf4,       /* out %al, $0xf4    */
    0xeb, 0xfe,       /* jmp .             */
};

struct path {
    const vmaccel_platform *platform;
    char file[32];
    unsigned written;
};

static void console(void *context, const uint8_t *data, size_t size)
{
    struct path *p = context;

    for (size_t i = 0; i < size; i++)
        p->written += data[i] == '!';
}

static vmaccel_status create(struct path *p, vmaccel_machine **machine)
{
    vmaccel_machine_config config = {
        .size = sizeof(config),
        .platform = p->platform,
        .cpus = 2,
        .format = VMACCEL_BOOT_FLAT_REAL,
        .memory = 16u << 20,
        .kernel = p->file,
        .console_write = console,
        .console_context = p,
    };

    return vmaccel_machine_create(&config, machine);
}

/* A machine runs once: what fails while it runs is its outcome. */
static vmaccel_status run(vmaccel_machine *machine)
{
    vmaccel_machine_result result;
    vmaccel_status status = vmaccel_machine_run(machine, &result);

    if (status != VMACCEL_OK)
        return status;
    if (result.outcome == VMACCEL_MACHINE_DEBUG_EXIT) {
        FAULT_CHECK(result.code == 42);
        return VMACCEL_OK;
    }
    FAULT_CHECK(result.outcome == VMACCEL_MACHINE_FAILED);
    if (strstr(result.text, "memory") != NULL) { /* EFAULT of KVM_RUN is an exit */
        fault_shown();
        return VMACCEL_OK;
    }
    return vmaccel_error_report(VMACCEL_E_PLATFORM, "machine", result.text);
}

static void life(void *context)
{
    struct path *p = context;
    vmaccel_machine *machine = NULL;

    FAULT_STEP(create(p, &machine));
    if (machine == NULL)
        return;
    p->written = 0;
    vmaccel_status status = run(machine);
    FAULT_CHECK(status != VMACCEL_OK || p->written == 1 || os_calls_fault() != NULL);
    vmaccel_machine_destroy(machine);
    (void)fault_passed("run", status);
}

static void every_call_of_a_life(void **state)
{
    struct path p = {.platform = fault_platform(state, VMACCEL_ARCH_X86_64),
                     .file = "/tmp/vmaccel-fault-XXXXXX"};
    int fd = mkstemp(p.file);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, guest, sizeof(guest)), sizeof(guest));
    close(fd);
    fault_each_call("machine", life, &p, 80);
    unlink(p.file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {FAULT_TEST(every_call_of_a_life, "kvm")};

    return cmocka_run_group_tests_name("fault.machine", tests, NULL, NULL);
}
