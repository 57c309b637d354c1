/* SPDX-License-Identifier: BSD-2-Clause */
#include "common.h"

const struct common_arch *common_arch_of(vmaccel_arch arch)
{
#ifdef SUITE_X86_64
    if (arch == VMACCEL_ARCH_X86_64)
        return &common_x86;
#endif
#ifdef SUITE_ARM64
    if (arch == VMACCEL_ARCH_ARM64)
        return &common_arm64;
#endif
    (void)arch;
    return NULL;
}

static const struct common_arch *own(void)
{
    return common_arch_of(suite_arch());
}

void common_map(struct guest *guest, vmaccel_vm *vm)
{
    guest_map_ram(guest, vm);
    own()->prepare(guest);
    guest_load(guest, own()->code, *own()->size);
}

void common_add_vcpu(struct guest *guest, uint32_t index)
{
    guest_make_vcpu(guest, index);
    own()->enter(guest);
}

void common_create(struct guest *guest, enum common_program program)
{
    common_map(guest, suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0));
    common_add_vcpu(guest, 0);
    common_start(guest, program);
}

void common_start(struct guest *guest, enum common_program program)
{
    common_set(guest, COMMON_PC, GUEST_CODE + own()->programs[program]);
}

const uint8_t *common_code(enum common_program program, size_t *size)
{
    *size = *own()->size - own()->programs[program];
    return own()->code + own()->programs[program];
}

uint64_t common_get(struct guest *guest, enum common_reg reg)
{
    return own()->get(guest, reg);
}

void common_set(struct guest *guest, enum common_reg reg, uint64_t value)
{
    own()->set(guest, reg, value);
}

bool common_is_mark(const struct guest *guest, uint8_t number)
{
    uint8_t got, value;
    return own()->is_mark(guest->exit, &got, &value) && got == number;
}

void common_expect_mark(struct site site, struct guest *guest, uint8_t number, uint8_t value)
{
    uint8_t got_number, got_value;
    if (!own()->is_mark(guest->exit, &got_number, &got_value))
        suite_fail(site.file, site.line, "exit %s at 0x%" PRIx64 ", expected mark 0x%x",
                   vmaccel_exit_name(guest->exit->reason), GET(guest, PC), number);
    suite_check_equal(site.file, site.line, "mark", got_number, number);
    suite_check_equal(site.file, site.line, "mark's value", got_value, value);
}

size_t common_look(struct guest *guest, void *state)
{
    return own()->look(guest, state);
}
