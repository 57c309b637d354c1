/* SPDX-License-Identifier: BSD-2-Clause */
/* Sentences for the exits that end a machine. */
#include "machine/machine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void machine_add(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;

    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

size_t machine_code_bytes(vmaccel_vcpu *vcpu, uint64_t gva, uint8_t *bytes, size_t count)
{
    const vmaccel_exit *exit = vmaccel_vcpu_exit(vcpu);
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
        machine_add(text, size, "triple fault");
        break;
    case VMACCEL_EXIT_MEMORY_FAULT:
        machine_add(text, size, "the host can't provide guest memory at 0x%" PRIx64,
                    exit->u.memory_fault.gpa);
        break;
    case VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION:
        if (exit->u.instruction.syndrome != 0)
            machine_add(text, size,
                        "an instruction accesses 0x%" PRIx64
                        ", where no memory is, and the CPU does not describe the access (syndrome "
                        "0x%" PRIx64 ")",
                        exit->u.instruction.gpa, exit->u.instruction.syndrome);
        else
            machine_add(text, size, "the platform can't run an instruction");
        break;
    case VMACCEL_EXIT_FAILED_ENTRY:
        machine_add(text, size, "the CPU refused the guest state (hardware reason 0x%" PRIx64,
                    exit->u.failed_entry.hardware_reason);
        if (exit->u.failed_entry.field != NULL && exit->u.failed_entry.field[0] != '\0')
            machine_add(text, size, ", first field at fault: %.40s", exit->u.failed_entry.field);
        machine_add(text, size, ")");
        break;
    case VMACCEL_EXIT_INTERNAL_ERROR:
        machine_add(text, size, "internal error %" PRIu32 " of the platform",
                    exit->u.internal.code);
        for (uint32_t i = 0; i < exit->u.internal.ndata && i < 2; i++)
            machine_add(text, size, "%s0x%" PRIx64, i > 0 ? ", " : ": ", exit->u.internal.data[i]);
        break;
    case VMACCEL_EXIT_CRASH:
        machine_add(text, size, "the guest told the platform that it has crashed");
        break;
    default:
        machine_add(text, size, "unexpected exit %s", vmaccel_exit_name(exit->reason));
        break;
    }
}

void machine_describe_exit(const struct machine_arch *arch, vmaccel_vcpu *vcpu, char *text,
                           size_t size)
{
    text[0] = '\0';
    machine_add(text, size, "CPU %" PRIu32 ": ", vmaccel_vcpu_index(vcpu));
    add_reason(text, size, vmaccel_vcpu_exit(vcpu));
    arch->add_position(vcpu, text, size);
}
