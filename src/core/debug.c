/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/core.h"

static const char module[] = "debug";

static vmaccel_status check_point(const vmaccel_vm *vm, const vmaccel_hw_point *point, size_t slot)
{
    uint8_t exec_length = vm->arch == VMACCEL_ARCH_X86_64 ? 1 : 4;

    if (point->kind > VMACCEL_HW_READ_WRITE)
        return core_invalid(vm, module, "points[%zu].kind: %u is not known", slot, point->kind);
    if (point->length != 1 && point->length != 2 && point->length != 4 && point->length != 8)
        return core_invalid(vm, module, "points[%zu].length: %u is not 1, 2, 4 or 8", slot,
                            point->length);
    if (point->kind == VMACCEL_HW_EXEC && point->length != exec_length)
        return core_invalid(vm, module,
                            "points[%zu].length: an execution breakpoint has length %u here", slot,
                            exec_length);
    if ((point->address & (point->length - 1u)) != 0)
        return core_invalid(vm, module, "points[%zu].address: is not aligned to the point's length",
                            slot);
    return VMACCEL_OK;
}

static vmaccel_status check_count(const vmaccel_vm *vm, unsigned count, vmaccel_cap cap)
{
    uint64_t most = vmaccel_vm_cap(vm, cap);

    if (count == 0)
        return VMACCEL_OK;
    if (most == 0)
        return core_not_supported(vm->platform->name, module, cap);
    if (count > most)
        return core_fail(VMACCEL_E_LIMIT, vm->platform->name, module, vmaccel_cap_name(cap), 0,
                         "%u points asked for, there are %llu", count, (unsigned long long)most);
    return VMACCEL_OK;
}

static vmaccel_status check_points(const vmaccel_vm *vm, const vmaccel_debug_config *config)
{
    unsigned exec = 0, data = 0;

    for (size_t i = 0; i < VMACCEL_HW_POINTS; i++) {
        if (config->points[i].kind == 0)
            continue;
        vmaccel_status status = check_point(vm, &config->points[i], i);
        if (status != VMACCEL_OK)
            return status;
        if (config->points[i].kind == VMACCEL_HW_EXEC)
            exec++;
        else
            data++;
    }
    /* x86 breakpoints and watchpoints share the four debug registers. */
    unsigned together = vm->arch == VMACCEL_ARCH_X86_64 ? exec + data : 0;
    vmaccel_status status =
        check_count(vm, exec != 0 && together > exec ? together : exec, VMACCEL_CAP_HW_BREAKPOINT);
    if (status == VMACCEL_OK)
        status = check_count(vm, data != 0 && together > data ? together : data,
                             VMACCEL_CAP_HW_WATCHPOINT);
    return status;
}

vmaccel_status vmaccel_vcpu_set_debug(vmaccel_vcpu *vcpu, const vmaccel_debug_config *config)
{
    const uint32_t all_flags = VMACCEL_DEBUG_STEP | VMACCEL_DEBUG_SW_BREAKPOINT;
    vmaccel_debug_config checked = {.size = sizeof(checked)};

    vmaccel_status status = core_vcpu_check(vcpu, module);
    if (status != VMACCEL_OK)
        return status;
    vmaccel_vm *vm = vcpu->vm;
    if (config != NULL)
        status = core_config(config, sizeof(checked), &checked, "vmaccel_debug_config");
    if (status != VMACCEL_OK)
        return status;
    if ((checked.flags & ~all_flags) != 0)
        return core_invalid(vm, module, "flags: bits 0x%x are not known",
                            checked.flags & ~all_flags);
    if (!core_all_zero(checked.reserved, sizeof(checked.reserved)))
        return core_invalid(vm, module, "reserved: must be 0");

    bool present = vm->platform->set_debug != NULL;
    if ((checked.flags & VMACCEL_DEBUG_STEP) != 0 || !present)
        status = core_vm_need(vm, module, present, VMACCEL_CAP_SINGLE_STEP);
    if (status == VMACCEL_OK && (checked.flags & VMACCEL_DEBUG_SW_BREAKPOINT) != 0)
        status = core_vm_need(vm, module, present, VMACCEL_CAP_SW_BREAKPOINT);
    if (status == VMACCEL_OK)
        status = check_points(vm, &checked);
    return status != VMACCEL_OK ? status : vm->platform->set_debug(vcpu, &checked);
}
