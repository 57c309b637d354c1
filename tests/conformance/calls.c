/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that every architecture has. */
#include "calls.h"

const struct calls *const calls_lists[CALLS_LISTS] = {&calls_common, &calls_x86, &calls_arm64};

/* A call that fills or takes one object, zeroed. */
#define WITH(name, type)                                                                           \
    static vmaccel_status call_##name(vmaccel_vcpu *vcpu)                                          \
    {                                                                                              \
        type value;                                                                                \
        memset(&value, 0, sizeof(value));                                                          \
        return vmaccel_##name(vcpu, &value);                                                       \
    }

WITH(vcpu_complete, bool)
WITH(vcpu_interrupt_ready, bool)
WITH(vcpu_get_mp_state, vmaccel_mp_state)

static vmaccel_status call_run(vmaccel_vcpu *vcpu)
{
    return vmaccel_vcpu_run(vcpu);
}

static vmaccel_status call_destroy(vmaccel_vcpu *vcpu)
{
    return vmaccel_vcpu_destroy(vcpu);
}

static vmaccel_status call_inject_interrupt(vmaccel_vcpu *vcpu)
{
    return vmaccel_vcpu_inject_interrupt(vcpu, 0x40);
}

static vmaccel_status call_request_irq_window(vmaccel_vcpu *vcpu)
{
    return vmaccel_vcpu_request_irq_window(vcpu, true);
}

static vmaccel_status call_inject_exception(vmaccel_vcpu *vcpu)
{
    return vmaccel_vcpu_inject_exception(vcpu, 6, false, 0);
}

static vmaccel_status call_inject_nmi(vmaccel_vcpu *vcpu)
{
    return vmaccel_vcpu_inject_nmi(vcpu);
}

static vmaccel_status call_translate(vmaccel_vcpu *vcpu)
{
    vmaccel_gpa gpa;
    return vmaccel_vcpu_translate(vcpu, 0, &gpa);
}

static vmaccel_status call_set_mp_state(vmaccel_vcpu *vcpu)
{
    return vmaccel_vcpu_set_mp_state(vcpu, VMACCEL_MP_RUNNABLE);
}

static vmaccel_status set_debug(vmaccel_vcpu *vcpu, uint32_t flags, vmaccel_hw_point_kind kind)
{
    vmaccel_debug_config config = {.size = sizeof(config), .flags = flags};
    if (kind != 0)
        config.points[0] = (vmaccel_hw_point){
            .address = 0x1000,
            .length = kind == VMACCEL_HW_EXEC && suite_arch() == VMACCEL_ARCH_ARM64 ? 4 : 1,
            .kind = (uint8_t)kind};
    return vmaccel_vcpu_set_debug(vcpu, &config);
}

static vmaccel_status call_step(vmaccel_vcpu *vcpu)
{
    return set_debug(vcpu, VMACCEL_DEBUG_STEP, 0);
}

static vmaccel_status call_sw_breakpoint(vmaccel_vcpu *vcpu)
{
    return set_debug(vcpu, VMACCEL_DEBUG_SW_BREAKPOINT, 0);
}

static vmaccel_status call_hw_breakpoint(vmaccel_vcpu *vcpu)
{
    return set_debug(vcpu, 0, VMACCEL_HW_EXEC);
}

static vmaccel_status call_hw_watchpoint(vmaccel_vcpu *vcpu)
{
    return set_debug(vcpu, 0, VMACCEL_HW_WRITE);
}

static vmaccel_status call_irq_line(vmaccel_vm *vm)
{
    return vmaccel_irq_line(vm, 4, false);
}

static vmaccel_status map_with(vmaccel_vm *vm, uint32_t flags)
{
    size_t size = (size_t)vmaccel_vm_cap(vm, VMACCEL_CAP_PAGE_SIZE);
    return vmaccel_memory_map(vm, 0x70000000, size, suite_pages(size), flags);
}

static vmaccel_status call_map_read_only(vmaccel_vm *vm)
{
    return map_with(vm, VMACCEL_MEM_READ | VMACCEL_MEM_EXEC);
}

static vmaccel_status call_map_logged(vmaccel_vm *vm)
{
    return map_with(vm, VMACCEL_MEM_RWX | VMACCEL_MEM_DIRTY_LOG);
}

static vmaccel_status call_map_no_exec(vmaccel_vm *vm)
{
    return map_with(vm, VMACCEL_MEM_READ | VMACCEL_MEM_WRITE);
}

static vmaccel_status call_doorbell(vmaccel_vm *vm)
{
    vmaccel_doorbell *doorbell;
    vmaccel_doorbell_config config = {.size = sizeof(config), .address = 0x70000000, .length = 4};
    vmaccel_status status = vmaccel_doorbell_create(vm, &config, &doorbell);
    if (status == VMACCEL_OK)
        vmaccel_doorbell_destroy(doorbell);
    return status;
}

vmaccel_status calls_create_like(vmaccel_vm *vm, vmaccel_vm_config config,
                                 vmaccel_status (*then)(vmaccel_vm *vm))
{
    vmaccel_vm *other;
    config.size = sizeof(config);
    config.arch = vmaccel_vm_arch(vm);
    vmaccel_status status = vmaccel_vm_create(vmaccel_vm_platform(vm), &config, &other);
    if (status != VMACCEL_OK)
        return status;
    vmaccel_status result = then != NULL ? then(other) : VMACCEL_OK;
    status = vmaccel_vm_destroy(other);
    return result != VMACCEL_OK ? result : status;
}

static vmaccel_status call_exit_cpuid(vmaccel_vm *vm)
{
    return calls_create_like(vm, (vmaccel_vm_config){.exits = VMACCEL_VM_EXIT_CPUID}, NULL);
}

static vmaccel_status call_exit_msr(vmaccel_vm *vm)
{
    return calls_create_like(vm, (vmaccel_vm_config){.exits = VMACCEL_VM_EXIT_MSR}, NULL);
}

static vmaccel_status call_exit_hypercall(vmaccel_vm *vm)
{
    return calls_create_like(vm, (vmaccel_vm_config){.exits = VMACCEL_VM_EXIT_HYPERCALL}, NULL);
}

static vmaccel_status call_exit_exception(vmaccel_vm *vm)
{
    return calls_create_like(vm, (vmaccel_vm_config){.exceptions = 1u << 6}, NULL);
}

static vmaccel_status call_irqchip_split(vmaccel_vm *vm)
{
    return calls_create_like(vm, (vmaccel_vm_config){.irqchip = VMACCEL_IRQCHIP_SPLIT}, NULL);
}

static vmaccel_status call_irqchip_full(vmaccel_vm *vm)
{
    return calls_create_like(vm, (vmaccel_vm_config){.irqchip = VMACCEL_IRQCHIP_FULL}, NULL);
}

static const struct vcpu_call vcpu_calls[] = {
    {"run", 0, call_run},
    {"complete", 0, call_vcpu_complete},
    {"destroy", 0, call_destroy},
    {"inject_interrupt", VMACCEL_CAP_INJECT_INTERRUPT, call_inject_interrupt},
    {"interrupt_ready", VMACCEL_CAP_INJECT_INTERRUPT, call_vcpu_interrupt_ready},
    {"request_irq_window", VMACCEL_CAP_INJECT_INTERRUPT, call_request_irq_window},
    {"inject_exception", VMACCEL_CAP_INJECT_EXCEPTION, call_inject_exception},
    {"inject_nmi", VMACCEL_CAP_INJECT_NMI, call_inject_nmi},
    {"translate", VMACCEL_CAP_TRANSLATE, call_translate},
    {"get_mp_state", VMACCEL_CAP_REG_MP_STATE, call_vcpu_get_mp_state},
    {"set_mp_state", VMACCEL_CAP_REG_MP_STATE, call_set_mp_state},
    {"single-step", VMACCEL_CAP_SINGLE_STEP, call_step},
    {"software breakpoints", VMACCEL_CAP_SW_BREAKPOINT, call_sw_breakpoint},
    {"hardware breakpoints", VMACCEL_CAP_HW_BREAKPOINT, call_hw_breakpoint},
    {"hardware watchpoints", VMACCEL_CAP_HW_WATCHPOINT, call_hw_watchpoint},
};

static const struct vm_call vm_calls[] = {
    {"irq_line", VMACCEL_CAP_IRQ_LINE, call_irq_line},
    {"map read-only", VMACCEL_CAP_MEM_READ_ONLY, call_map_read_only},
    {"map with dirty log", VMACCEL_CAP_MEM_DIRTY_LOG, call_map_logged},
    {"map without execute", VMACCEL_CAP_MEM_NO_EXEC, call_map_no_exec},
    {"doorbell", VMACCEL_CAP_DOORBELL, call_doorbell},
    {"CPUID exits", VMACCEL_CAP_EXIT_CPUID, call_exit_cpuid},
    {"MSR exits", VMACCEL_CAP_EXIT_MSR, call_exit_msr},
    {"hypercall exits", VMACCEL_CAP_EXIT_HYPERCALL, call_exit_hypercall},
    {"exception exits", VMACCEL_CAP_EXIT_EXCEPTION, call_exit_exception},
    {"split irqchip", VMACCEL_CAP_IRQCHIP_SPLIT, call_irqchip_split},
    {"full irqchip", VMACCEL_CAP_IRQCHIP_FULL, call_irqchip_full},
};

const struct calls calls_common = {.arch = VMACCEL_ARCH_NONE,
                                   .vcpu = vcpu_calls,
                                   .vcpu_count = sizeof(vcpu_calls) / sizeof(vcpu_calls[0]),
                                   .vm = vm_calls,
                                   .vm_count = sizeof(vm_calls) / sizeof(vm_calls[0])};
