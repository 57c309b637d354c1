/* SPDX-License-Identifier: BSD-2-Clause */
/* Sentences for the exits that end a machine. */
#include "machine/machine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void __attribute__((format(printf, 3, 4)))
add(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;

    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

static void add_bytes(char *text, size_t size, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(text, size, "%s%02x", i > 0 ? " " : "", bytes[i]);
}

/* The instruction bytes the exit brought, or what lies at RIP; returns how many. */
static size_t instruction_bytes(vmaccel_vcpu *vcpu, const vmaccel_exit *exit, uint64_t rip,
                                uint64_t cs_base, uint8_t bytes[15])
{
    uint64_t gva = cs_base + rip;
    size_t count = 15;
    vmaccel_gpa gpa;

    if (exit->reason == VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION && exit->u.instruction.length > 0) {
        count = exit->u.instruction.length < count ? exit->u.instruction.length : count;
        memcpy(bytes, exit->u.instruction.bytes, count);
        return count;
    }
    if (vmaccel_vcpu_translate(vcpu, gva, &gpa) != VMACCEL_OK)
        return 0;
    if (count > 4096 - (gpa & 4095))
        count = 4096 - (gpa & 4095);
    if (vmaccel_memory_read(vmaccel_vcpu_vm(vcpu), gpa, bytes, count) != VMACCEL_OK)
        return 0;
    return count;
}

static void add_reason(char *text, size_t size, const vmaccel_exit *exit)
{
    switch (exit->reason) {
    case VMACCEL_EXIT_SHUTDOWN:
        add(text, size, "triple fault");
        break;
    case VMACCEL_EXIT_MEMORY_FAULT:
        add(text, size, "the host can't provide guest memory at 0x%" PRIx64,
            exit->u.memory_fault.gpa);
        break;
    case VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION:
        add(text, size, "the platform can't run an instruction");
        break;
    case VMACCEL_EXIT_FAILED_ENTRY:
        add(text, size, "the CPU refused the guest state (hardware reason 0x%" PRIx64,
            exit->u.failed_entry.hardware_reason);
        if (exit->u.failed_entry.field != NULL && exit->u.failed_entry.field[0] != '\0')
            add(text, size, ", first field at fault: %.40s", exit->u.failed_entry.field);
        add(text, size, ")");
        break;
    case VMACCEL_EXIT_INTERNAL_ERROR:
        add(text, size, "internal error %" PRIu32 " of the platform", exit->u.internal.code);
        for (uint32_t i = 0; i < exit->u.internal.ndata && i < 2; i++)
            add(text, size, "%s0x%" PRIx64, i > 0 ? ", " : ": ", exit->u.internal.data[i]);
        break;
    default:
        add(text, size, "unexpected exit %s", vmaccel_exit_name(exit->reason));
        break;
    }
}

void machine_describe_exit(vmaccel_vcpu *vcpu, char *text, size_t size)
{
    const vmaccel_exit *exit = vmaccel_vcpu_exit(vcpu);
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    uint8_t bytes[15];
    size_t count;

    text[0] = '\0';
    add(text, size, "CPU %" PRIu32 ": ", vmaccel_vcpu_index(vcpu));
    add_reason(text, size, exit);
    if (vmaccel_x86_get_regs(vcpu, &regs) != VMACCEL_OK ||
        vmaccel_x86_get_sregs(vcpu, &sregs) != VMACCEL_OK)
        return;
    add(text, size, " at RIP 0x%" PRIx64, regs.rip);
    count = instruction_bytes(vcpu, exit, regs.rip, sregs.cs.base, bytes);
    if (count == 0)
        return;
    add(text, size, ", bytes ");
    add_bytes(text, size, bytes, count);
}
