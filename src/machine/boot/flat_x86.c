/* SPDX-License-Identifier: BSD-2-Clause */
/* Raw bytes at an address. They own the whole memory, so there are no ACPI tables. */
#include <inttypes.h>
#include <string.h>

#include "machine/boot/load_x86.h"
#include "machine/memmap_x86.h"

#define REAL_ADDRESS 0x7C00u
#define LONG_ADDRESS 0x100000u

static vmaccel_status place_image(struct load *l, uint64_t address)
{
    uint8_t *host;
    vmaccel_status status = load_claim(l, address, l->in->kernel_size, l->kernel, &host);

    if (status == VMACCEL_OK)
        memcpy(host, l->in->kernel, l->in->kernel_size);
    return status;
}

vmaccel_status boot_flat_real(struct load *l, struct boot_state *state)
{
    uint64_t address = l->in->load_address ? l->in->load_address : REAL_ADDRESS;
    vmaccel_x86_sregs *s = &state->sregs;
    vmaccel_x86_segment *data[] = {&s->ds, &s->es, &s->fs, &s->gs, &s->ss};
    vmaccel_status status;

    if (address >= 0x100000)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT,
                         "load address 0x%" PRIx64 " is not below 1 MiB, which real mode needs",
                         address);
    status = place_image(l, address);
    if (status != VMACCEL_OK)
        return status;

    vmaccel_x86_reset_state(&state->regs, s);
    memset(&state->regs, 0, sizeof(state->regs));
    state->regs.rflags = 2;
    for (unsigned i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
        data[i]->selector = 0;
        data[i]->base = 0;
    }
    s->cs.selector = address < 0x10000 ? 0 : (uint16_t)(address >> 4);
    s->cs.base = (uint64_t)s->cs.selector << 4;
    state->regs.rip = address - s->cs.base;
    /* The stack grows down from the image, or from where a boot sector would be. */
    state->regs.rsp = address < 0x10000 ? address & ~1ull : REAL_ADDRESS;
    return VMACCEL_OK;
}

vmaccel_status boot_flat_long(struct load *l, struct boot_state *state)
{
    uint64_t address = l->in->load_address ? l->in->load_address : LONG_ADDRESS;
    vmaccel_status status;

    if (address >= MEMMAP_HIGH_BASE)
        return load_fail(VMACCEL_E_INVALID_ARGUMENT,
                         "load address 0x%" PRIx64 " is not below 4 GiB, which is what is mapped",
                         address);
    status = place_image(l, address);
    if (status == VMACCEL_OK)
        status = load_long_mode(l, address, state);
    if (status == VMACCEL_OK)
        status = load_stack(l, state);
    return status;
}
