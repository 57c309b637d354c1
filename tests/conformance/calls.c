/* SPDX-License-Identifier: BSD-2-Clause */
#include "calls.h"

#include <stdlib.h>

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
WITH(x86_get_regs, vmaccel_x86_regs)
WITH(x86_set_regs, vmaccel_x86_regs)
WITH(x86_get_sregs, vmaccel_x86_sregs)
WITH(x86_get_fpu, vmaccel_x86_fpu)
WITH(x86_set_fpu, vmaccel_x86_fpu)
WITH(x86_get_xcr0, uint64_t)
WITH(x86_get_debug_regs, vmaccel_x86_debug_regs)
WITH(x86_get_events, vmaccel_x86_events)
WITH(x86_set_events, vmaccel_x86_events)
WITH(x86_get_lapic, vmaccel_x86_lapic)
WITH(x86_get_tsc_khz, uint32_t)

static vmaccel_status call_run(vmaccel_vcpu *vcpu)
{
    return vmaccel_vcpu_run(vcpu);
}

static vmaccel_status call_destroy(vmaccel_vcpu *vcpu)
{
    return vmaccel_vcpu_destroy(vcpu);
}

static vmaccel_status call_set_sregs(vmaccel_vcpu *vcpu)
{
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    vmaccel_x86_reset_state(&regs, &sregs);
    return vmaccel_x86_set_sregs(vcpu, &sregs);
}

static vmaccel_status call_set_debug_regs(vmaccel_vcpu *vcpu)
{
    vmaccel_x86_debug_regs regs = {.dr6 = 0xffff0ff0, .dr7 = 0x400};
    return vmaccel_x86_set_debug_regs(vcpu, &regs);
}

static vmaccel_status call_set_xcr0(vmaccel_vcpu *vcpu)
{
    return vmaccel_x86_set_xcr0(vcpu, 1);
}

/* Large enough for any XSAVE area. */
static vmaccel_status with_area(vmaccel_vcpu *vcpu, bool set)
{
    size_t size = 64 * 1024;
    uint8_t *area = calloc(1, size);
    if (area == NULL)
        return VMACCEL_E_NO_MEMORY;
    area[24] = 0x80; /* MXCSR 0x1f80 */
    area[25] = 0x1f;
    vmaccel_status status =
        set ? vmaccel_x86_set_xsave(vcpu, area, size) : vmaccel_x86_get_xsave(vcpu, area, size);
    free(area);
    return status;
}

static vmaccel_status call_get_xsave(vmaccel_vcpu *vcpu)
{
    return with_area(vcpu, false);
}

static vmaccel_status call_set_xsave(vmaccel_vcpu *vcpu)
{
    return with_area(vcpu, true);
}

static vmaccel_status call_get_msrs(vmaccel_vcpu *vcpu)
{
    vmaccel_x86_msr msr = {.id = 0x174};
    return vmaccel_x86_get_msrs(vcpu, &msr, 1, NULL);
}

static vmaccel_status call_set_msrs(vmaccel_vcpu *vcpu)
{
    vmaccel_x86_msr msr = {.id = 0x174, .value = 8};
    return vmaccel_x86_set_msrs(vcpu, &msr, 1, NULL);
}

static vmaccel_status call_get_cpuid(vmaccel_vcpu *vcpu)
{
    vmaccel_x86_cpuid entries[256];
    size_t count = 256;
    return vmaccel_x86_get_cpuid(vcpu, entries, &count);
}

static vmaccel_status call_set_lapic(vmaccel_vcpu *vcpu)
{
    vmaccel_x86_lapic lapic;
    vmaccel_status status = vmaccel_x86_get_lapic(vcpu, &lapic);
    return status != VMACCEL_OK ? status : vmaccel_x86_set_lapic(vcpu, &lapic);
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
        config.points[0] =
            (vmaccel_hw_point){.address = 0x1000, .length = 1, .kind = (uint8_t)kind};
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

const struct vcpu_call vcpu_calls[] = {
    {"run", 0, call_run},
    {"complete", 0, call_vcpu_complete},
    {"destroy", 0, call_destroy},
    {"get_regs", 0, call_x86_get_regs},
    {"set_regs", 0, call_x86_set_regs},
    {"get_sregs", 0, call_x86_get_sregs},
    {"set_sregs", 0, call_set_sregs},
    {"get_fpu", VMACCEL_CAP_REG_FPU, call_x86_get_fpu},
    {"set_fpu", VMACCEL_CAP_REG_FPU, call_x86_set_fpu},
    {"get_xsave", VMACCEL_CAP_REG_XSAVE, call_get_xsave},
    {"set_xsave", VMACCEL_CAP_REG_XSAVE, call_set_xsave},
    {"get_xcr0", VMACCEL_CAP_REG_XCR, call_x86_get_xcr0},
    {"set_xcr0", VMACCEL_CAP_REG_XCR, call_set_xcr0},
    {"get_msrs", VMACCEL_CAP_REG_MSR, call_get_msrs},
    {"set_msrs", VMACCEL_CAP_REG_MSR, call_set_msrs},
    {"get_cpuid", VMACCEL_CAP_REG_CPUID, call_get_cpuid},
    {"get_debug_regs", VMACCEL_CAP_REG_DEBUG, call_x86_get_debug_regs},
    {"set_debug_regs", VMACCEL_CAP_REG_DEBUG, call_set_debug_regs},
    {"get_events", VMACCEL_CAP_REG_EVENTS, call_x86_get_events},
    {"set_events", VMACCEL_CAP_REG_EVENTS, call_x86_set_events},
    {"get_lapic", VMACCEL_CAP_REG_LAPIC, call_x86_get_lapic},
    {"set_lapic", VMACCEL_CAP_REG_LAPIC, call_set_lapic},
    {"get_tsc_khz", VMACCEL_CAP_TSC_KHZ, call_x86_get_tsc_khz},
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
const size_t vcpu_call_count = sizeof(vcpu_calls) / sizeof(vcpu_calls[0]);

static vmaccel_status call_irq_line(vmaccel_vm *vm)
{
    return vmaccel_irq_line(vm, 4, false);
}

static vmaccel_status call_irq_msi(vmaccel_vm *vm)
{
    return vmaccel_irq_msi(vm, 0xfee00000, 0x40);
}

static vmaccel_status call_get_irqchip(vmaccel_vm *vm)
{
    vmaccel_x86_irqchip state;
    return vmaccel_x86_get_irqchip(vm, &state);
}

static vmaccel_status call_get_clock(vmaccel_vm *vm)
{
    uint64_t ns;
    return vmaccel_x86_get_clock(vm, &ns);
}

static vmaccel_status call_msr_list(vmaccel_vm *vm)
{
    uint32_t ids[1024];
    size_t count = 1024;
    return vmaccel_x86_msr_list(vm, ids, &count);
}

static vmaccel_status call_cpuid_supported(vmaccel_vm *vm)
{
    vmaccel_x86_cpuid entries[256];
    size_t count = 256;
    return vmaccel_x86_cpuid_supported(vm, entries, &count);
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
    vmaccel_doorbell_config config = {
        .size = sizeof(config), .pio = 1, .address = 0x80, .length = 1};
    vmaccel_status status = vmaccel_doorbell_create(vm, &config, &doorbell);
    if (status == VMACCEL_OK)
        vmaccel_doorbell_destroy(doorbell);
    return status;
}

/* Another VM like this one, with a setting that the platform may lack. */
static vmaccel_status create_like(vmaccel_vm *vm, vmaccel_vm_config config)
{
    vmaccel_vm *other;
    config.size = sizeof(config);
    config.arch = vmaccel_vm_arch(vm);
    vmaccel_status status = vmaccel_vm_create(vmaccel_vm_platform(vm), &config, &other);
    return status != VMACCEL_OK ? status : vmaccel_vm_destroy(other);
}

static vmaccel_status call_exit_cpuid(vmaccel_vm *vm)
{
    return create_like(vm, (vmaccel_vm_config){.exits = VMACCEL_VM_EXIT_CPUID});
}

static vmaccel_status call_exit_msr(vmaccel_vm *vm)
{
    return create_like(vm, (vmaccel_vm_config){.exits = VMACCEL_VM_EXIT_MSR});
}

static vmaccel_status call_exit_hypercall(vmaccel_vm *vm)
{
    return create_like(vm, (vmaccel_vm_config){.exits = VMACCEL_VM_EXIT_HYPERCALL});
}

static vmaccel_status call_exit_exception(vmaccel_vm *vm)
{
    return create_like(vm, (vmaccel_vm_config){.exceptions = 1u << 6});
}

static vmaccel_status call_irqchip_split(vmaccel_vm *vm)
{
    return create_like(vm, (vmaccel_vm_config){.irqchip = VMACCEL_IRQCHIP_SPLIT});
}

static vmaccel_status call_irqchip_full(vmaccel_vm *vm)
{
    return create_like(vm, (vmaccel_vm_config){.irqchip = VMACCEL_IRQCHIP_FULL});
}

const struct vm_call vm_calls[] = {
    {"irq_line", VMACCEL_CAP_IRQ_LINE, call_irq_line},
    {"irq_msi", VMACCEL_CAP_IRQ_MSI, call_irq_msi},
    {"get_irqchip", VMACCEL_CAP_REG_IRQCHIP, call_get_irqchip},
    {"get_clock", VMACCEL_CAP_REG_CLOCK, call_get_clock},
    {"msr_list", VMACCEL_CAP_REG_MSR, call_msr_list},
    {"cpuid_supported", VMACCEL_CAP_REG_CPUID, call_cpuid_supported},
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
const size_t vm_call_count = sizeof(vm_calls) / sizeof(vm_calls[0]);
