/* SPDX-License-Identifier: BSD-2-Clause */
#include "common.h"

#include <ctype.h>
#include <stdio.h>

void guest_map_ram(struct guest *guest, vmaccel_vm *vm)
{
    guest->vm = vm;
    guest->ram = suite_pages(GUEST_RAM_SIZE);
    CHECK_OK(vmaccel_memory_map(vm, 0, GUEST_RAM_SIZE, guest->ram, VMACCEL_MEM_RWX));
}

void guest_make_vcpu(struct guest *guest, uint32_t index)
{
    guest->vcpu = suite_vcpu(guest->vm, index);
    guest->exit = vmaccel_vcpu_exit(guest->vcpu);
}

void guest_destroy(struct guest *guest)
{
    suite_vcpu_destroy(guest->vcpu);
    suite_vm_destroy(guest->vm);
    suite_pages_free(guest->ram);
}

void guest_load(struct guest *guest, const void *code, size_t size)
{
    CHECK(size <= GUEST_STACK - GUEST_CODE);
    CHECK_OK(vmaccel_memory_write(guest->vm, GUEST_CODE, code, size));
}

void guest_run(struct site site, struct guest *guest)
{
    suite_check_status(site.file, site.line, "vmaccel_vcpu_run", vmaccel_vcpu_run(guest->vcpu),
                       VMACCEL_OK);
}

static _Noreturn void unexpected(struct site site, struct guest *guest, uint32_t reason)
{
    const vmaccel_exit *exit = guest->exit;
    char detail[120] = "";
    if (exit->reason == VMACCEL_EXIT_IO)
        snprintf(detail, sizeof(detail), " port=0x%x size=%u %s", exit->u.io.port, exit->u.io.size,
                 exit->u.io.is_write ? "out" : "in");
    else if (exit->reason == VMACCEL_EXIT_MMIO)
        snprintf(detail, sizeof(detail), " gpa=0x%" PRIx64 " size=%u %s", exit->u.mmio.gpa,
                 exit->u.mmio.size, exit->u.mmio.is_write ? "write" : "read");
    else if (exit->reason == VMACCEL_EXIT_INTERNAL_ERROR)
        snprintf(detail, sizeof(detail), " code=%" PRIu32, exit->u.internal.code);
    else if (exit->reason == VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION)
        snprintf(detail, sizeof(detail), " gpa=0x%" PRIx64 " syndrome=0x%" PRIx64,
                 exit->u.instruction.gpa, exit->u.instruction.syndrome);
    suite_fail(site.file, site.line,
               "exit %s%s (platform reason %" PRIu32 ", PC 0x%" PRIx64 "), expected %s",
               vmaccel_exit_name(exit->reason), detail, exit->platform_reason, GET(guest, PC),
               vmaccel_exit_name(reason));
}

void guest_expect(struct site site, struct guest *guest, uint32_t reason)
{
    if (guest->exit->reason != reason)
        unexpected(site, guest, reason);
}

void guest_expect_io(struct site site, struct guest *guest, bool is_write, uint16_t port,
                     uint8_t size, uint32_t count)
{
    const vmaccel_exit *exit = guest->exit;
    guest_expect(site, guest, VMACCEL_EXIT_IO);
    suite_check_equal(site.file, site.line, "io.is_write", exit->u.io.is_write, is_write);
    suite_check_equal(site.file, site.line, "io.port", exit->u.io.port, port);
    suite_check_equal(site.file, site.line, "io.size", exit->u.io.size, size);
    suite_check_equal(site.file, site.line, "io.count", exit->u.io.count, count);
}

void guest_expect_mmio(struct site site, struct guest *guest, bool is_write, vmaccel_gpa gpa,
                       uint8_t size)
{
    const vmaccel_exit *exit = guest->exit;
    guest_expect(site, guest, VMACCEL_EXIT_MMIO);
    suite_check_equal(site.file, site.line, "mmio.is_write", exit->u.mmio.is_write, is_write);
    suite_check_equal(site.file, site.line, "mmio.gpa", exit->u.mmio.gpa, gpa);
    suite_check_equal(site.file, site.line, "mmio.size", exit->u.mmio.size, size);
}

void guest_expect_data(struct site site, struct guest *guest, uint64_t value)
{
    const vmaccel_exit *exit = guest->exit;
    bool io = exit->reason == VMACCEL_EXIT_IO;
    uint64_t got = vmaccel_data_get(io ? exit->u.io.data : exit->u.mmio.data,
                                    io ? exit->u.io.size : exit->u.mmio.size);
    suite_check_equal(site.file, site.line, "data", got, value);
}

void guest_expect_debug(struct site site, struct guest *guest, uint32_t flags, vmaccel_gva pc)
{
    guest_expect(site, guest, VMACCEL_EXIT_DEBUG);
    suite_check_equal(site.file, site.line, "debug.flags", guest->exit->u.debug.flags, flags);
    suite_check_equal(site.file, site.line, "debug.pc", guest->exit->u.debug.pc, pc);
}

void guest_answer(struct guest *guest, uint64_t value)
{
    vmaccel_exit *exit = guest->exit;
    if (exit->reason == VMACCEL_EXIT_IO)
        vmaccel_data_set(exit->u.io.data, exit->u.io.size, value);
    else if (exit->reason == VMACCEL_EXIT_MMIO)
        vmaccel_data_set(exit->u.mmio.data, exit->u.mmio.size, value);
    else
        FAIL("exit %s takes no answer", vmaccel_exit_name(exit->reason));
}

bool guest_complete(struct guest *guest)
{
    bool more = true;
    CHECK_OK(vmaccel_vcpu_complete(guest->vcpu, &more));
    return more;
}

void check_detail(struct site site, const char *word)
{
    const char *text = vmaccel_last_error()->text;

    for (const char *at = text; *at != '\0'; at++) {
        size_t i = 0;
        while (word[i] != '\0' && tolower((unsigned char)at[i]) == tolower((unsigned char)word[i]))
            i++;
        if (word[i] == '\0')
            return;
    }
    suite_fail(site.file, site.line, "the error's text \"%s\" does not name \"%s\"", text, word);
}
