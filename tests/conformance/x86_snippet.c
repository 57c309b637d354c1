/* SPDX-License-Identifier: BSD-2-Clause */
#include "x86_snippet.h"

void snippet_load(struct guest *guest)
{
    GUEST_LOAD(guest, b_long);
    for (unsigned vector = 0; vector < 256; vector++)
        guest_gate64(guest, (uint8_t)vector, LONG_AT(stubs) + vector * 16);
}

void snippet_create_with(struct guest *guest, vmaccel_irqchip irqchip, uint32_t exits)
{
    guest_create_with(guest, GUEST_LONG, irqchip, exits, 0);
    snippet_load(guest);
}

void snippet_create(struct guest *guest)
{
    snippet_create_with(guest, VMACCEL_IRQCHIP_NONE, 0);
}

void snippet_at(struct guest *guest, uint64_t address)
{
    vmaccel_x86_regs regs = guest_regs(guest);
    regs.rip = address;
    regs.rsp = GUEST_STACK;
    guest_set_regs(guest, &regs);
}

void snippet_expect_done(struct site site, struct guest *guest)
{
    const vmaccel_exit *exit = guest->exit;
    if (exit->reason == VMACCEL_EXIT_IO && exit->u.io.port == PORT_TRAP) {
        struct frame frame;
        CHECK_OK(vmaccel_memory_read(guest->vm, guest_regs(guest).rsp, &frame, sizeof(frame)));
        suite_fail(site.file, site.line,
                   "vector %u with error code 0x%" PRIx64 " at 0x%" PRIx64
                   ", expected the snippet's end",
                   exit->u.io.data[0], frame.error, frame.rip);
    }
    guest_expect_io(site, guest, true, PORT_DONE, 1, 1);
}

struct frame snippet_expect_trap(struct site site, struct guest *guest, uint8_t vector)
{
    struct frame frame;
    guest_expect_io(site, guest, true, PORT_TRAP, 1, 1);
    CHECK_OK(vmaccel_memory_read(guest->vm, guest_regs(guest).rsp, &frame, sizeof(frame)));
    if (guest->exit->u.io.data[0] != vector)
        suite_fail(site.file, site.line,
                   "vector %u with error code 0x%" PRIx64 " at 0x%" PRIx64 ", expected vector %u",
                   guest->exit->u.io.data[0], frame.error, frame.rip, vector);
    return frame;
}

void need_of_cpu(bool has, const char *what)
{
    vmaccel_platform_info info;
    CHECK_OK(vmaccel_platform_probe(suite_platform(), &info));
    if (!has && info.kind == VMACCEL_KIND_HARDWARE)
        suite_skip_host(what);
}

vmaccel_x86_cpuid *cpuid_find(vmaccel_x86_cpuid *table, size_t count, uint32_t leaf,
                              uint32_t subleaf)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].leaf == leaf &&
            ((table[i].flags & VMACCEL_X86_CPUID_SUBLEAF) == 0 || table[i].subleaf == subleaf))
            return &table[i];
    }
    return NULL;
}

vmaccel_x86_cpuid cpuid_of(struct guest *guest, uint32_t leaf, uint32_t subleaf)
{
    vmaccel_x86_cpuid table[CPUID_TABLE];
    size_t count = CPUID_TABLE;
    CHECK_OK(vmaccel_x86_get_cpuid(guest->vcpu, table, &count));
    const vmaccel_x86_cpuid *entry = cpuid_find(table, count, leaf, subleaf);
    return entry != NULL ? *entry : (vmaccel_x86_cpuid){.leaf = leaf, .subleaf = subleaf};
}

uint64_t msr_get(struct guest *guest, uint32_t id)
{
    vmaccel_x86_msr msr = {.id = id};
    CHECK_OK(vmaccel_x86_get_msrs(guest->vcpu, &msr, 1, NULL));
    return msr.value;
}

void msr_set(struct guest *guest, uint32_t id, uint64_t value)
{
    vmaccel_x86_msr msr = {.id = id, .value = value};
    CHECK_OK(vmaccel_x86_set_msrs(guest->vcpu, &msr, 1, NULL));
}
