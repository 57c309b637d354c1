/* SPDX-License-Identifier: BSD-2-Clause */
/* What core adds to an exit: runs of a platform whose guest exits at once, through the library and
 * straight to that platform's function. */
#include "count.h"

#include "core/platform.h"

static void probe(vmaccel_platform_info *info)
{
    info->guest_x86_64 = true;
}

static uint64_t cap(vmaccel_arch arch, vmaccel_cap which)
{
    (void)arch;
    return which == VMACCEL_CAP_PAGE_SIZE ? 4096 : which == VMACCEL_CAP_GPA_BITS ? 40 : 1;
}

static uint64_t vm_cap(const vmaccel_vm *vm, vmaccel_cap which)
{
    (void)vm;
    return which == VMACCEL_CAP_REG_XSAVE ? 0 : cap(VMACCEL_ARCH_X86_64, which);
}

static vmaccel_status vm_create(vmaccel_vm *vm)
{
    (void)vm;
    return VMACCEL_OK;
}

static void vm_destroy(vmaccel_vm *vm)
{
    (void)vm;
}

static vmaccel_status run(vmaccel_vcpu *vcpu)
{
    static uint8_t data;

    vcpu->exit.reason = VMACCEL_EXIT_IO;
    vcpu->exit.u.io.port = 0x10;
    vcpu->exit.u.io.size = 1;
    vcpu->exit.u.io.is_write = true;
    vcpu->exit.u.io.count = 1;
    vcpu->exit.u.io.data = &data;
    return VMACCEL_OK;
}

static vmaccel_status vcpu_create(vmaccel_vcpu *vcpu)
{
    vcpu->run = run;
    return VMACCEL_OK;
}

static void vcpu_destroy(vmaccel_vcpu *vcpu)
{
    (void)vcpu;
}

static const struct core_x86_ops x86;
static const struct vmaccel_platform platform = {
    .name = "null",
    .description = "no CPU",
    .probe = probe,
    .cap = cap,
    .vm_create = vm_create,
    .vm_destroy = vm_destroy,
    .vm_cap = vm_cap,
    .vcpu_create = vcpu_create,
    .vcpu_destroy = vcpu_destroy,
    .x86 = &x86,
};

COUNTED void counted_lib_null_platform(vmaccel_vcpu *vcpu);
COUNTED void counted_raw_null_platform(vmaccel_vcpu *vcpu);

COUNTED void counted_lib_null_platform(vmaccel_vcpu *vcpu)
{
    for (unsigned i = 0; i < COUNT_EXITS; i++)
        count_check(vmaccel_vcpu_run(vcpu));
}

COUNTED void counted_raw_null_platform(vmaccel_vcpu *vcpu)
{
    vmaccel_status (*volatile direct)(vmaccel_vcpu *) = run;
    vmaccel_status (*function)(vmaccel_vcpu *) = direct;

    for (unsigned i = 0; i < COUNT_EXITS; i++)
        count_check(function(vcpu));
}

int main(void)
{
    vmaccel_vm *vm;
    vmaccel_vcpu *vcpu;

    count_check(vmaccel_vm_create(&platform, NULL, &vm));
    count_check(vmaccel_vcpu_create(vm, 0, NULL, &vcpu));
    counted_lib_null_platform(vcpu);
    counted_raw_null_platform(vcpu);
    count_check(vmaccel_vcpu_destroy(vcpu));
    count_check(vmaccel_vm_destroy(vm));
    return 0;
}
