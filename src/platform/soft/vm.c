/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "soft.h"

static void end_of_interrupt(void *context, uint32_t index, uint8_t vector)
{
    vmaccel_vcpu *vcpu = atomic_load(&soft_vm(context)->vcpus[index]);
    if (vcpu == NULL)
        return;
    struct soft_vcpu *s = soft_vcpu(vcpu);
    s->ended[vector / 64] |= UINT64_C(1) << vector % 64;
    s->attention |= SOFT_ATTENTION_EOI;
    cpu_post(s->cpu, CPU_POST_STOP);
}

/* With the chip's lock held. */
static uint64_t guest_tsc(void *context, uint32_t index)
{
    struct soft_vm *soft = soft_vm(context);
    vmaccel_vcpu *vcpu = atomic_load(&soft->vcpus[index]);
    return soft_tsc(soft) + (vcpu != NULL ? atomic_load(&soft_vcpu(vcpu)->tsc_offset) : 0);
}

static vmaccel_status create_irqchip(vmaccel_vm *vm)
{
    struct x86_irqchip_config config = {
        .kind = vm->irqchip == VMACCEL_IRQCHIP_FULL ? X86_IRQCHIP_FULL : X86_IRQCHIP_SPLIT,
        .max_vcpus = vm->max_vcpus,
        .tsc_khz = SOFT_TSC_KHZ,
        .context = vm,
        .notify = soft_notify,
        .init = soft_init,
        .sipi = soft_sipi,
        .nmi = soft_nmi,
        .eoi = end_of_interrupt,
        .tsc = guest_tsc,
    };
    int32_t error = 0;
    if (vm->irqchip == VMACCEL_IRQCHIP_NONE)
        return VMACCEL_OK;
    soft_vm(vm)->chip = x86_irqchip_create(&config, &error);
    if (soft_vm(vm)->chip != NULL)
        return VMACCEL_OK;
    if (error == 0)
        return soft_no_memory("irq", "the interrupt controllers");
    char text[64];
    os_error_text(error, text, sizeof text);
    return core_fail(VMACCEL_E_PLATFORM, "soft", "irq", NULL, error,
                     "the timer thread can't be created: %s", text);
}

vmaccel_status soft_vm_create(vmaccel_vm *vm)
{
    struct soft_vm *soft = soft_vm(vm);
    os_rwlock_init(&soft->map_lock);
    soft->tsc_start = os_clock_ns();
    soft->gpa_mask = (UINT64_C(1) << soft_cap(vm->arch, VMACCEL_CAP_GPA_BITS)) - 1;
    soft->vcpus = calloc(vm->max_vcpus, sizeof *soft->vcpus);
    vmaccel_status status = soft->vcpus != NULL && soft_map_init(soft)
                                ? create_irqchip(vm)
                                : soft_no_memory("vm", "a VM's tables");
    if (status != VMACCEL_OK)
        soft_vm_destroy(vm);
    return status;
}

vmaccel_status soft_vm_commit(vmaccel_vm *vm)
{
    struct soft_vm *soft = soft_vm(vm);
    vmaccel_status status = soft_x86_default_cpuid(vm);
    if (status != VMACCEL_OK)
        return status;
    struct cpu_vm_config config = {
        .ops = &soft_cpu_ops,
        .context = vm,
        .max_cpus = vm->max_vcpus,
        .exits = CPU_EXITS_HLT | ((vm->exits & VMACCEL_VM_EXIT_CPUID) != 0 ? CPU_EXITS_CPUID : 0) |
                 ((vm->exits & VMACCEL_VM_EXIT_HYPERCALL) != 0 ? CPU_EXITS_HYPERCALL : 0),
        .exceptions = vm->exceptions,
        .tsc_khz = SOFT_TSC_KHZ,
        .cpuid = soft->cpuid,
        .cpuid_count = soft->cpuid_count,
    };
    struct cpu_vm *cpus = cpu_vm_create(&config);
    if (cpus == NULL)
        return soft_no_memory("vm", "the software CPU");
    atomic_store(&soft->cpus, cpus);
    return VMACCEL_OK;
}

void soft_vm_destroy(vmaccel_vm *vm)
{
    struct soft_vm *soft = soft_vm(vm);
    struct cpu_vm *cpus = atomic_load(&soft->cpus);
    x86_irqchip_destroy(soft->chip); /* its timer posts to vCPUs */
    for (uint32_t i = 0; soft->vcpus != NULL && i < vm->max_vcpus; i++) {
        vmaccel_vcpu *vcpu = atomic_load(&soft->vcpus[i]);
        if (vcpu != NULL && soft->chip != NULL)
            os_event_destroy(&soft_vcpu(vcpu)->wake);
    }
    if (cpus != NULL)
        cpu_vm_destroy(cpus);
    soft_map_free(soft);
    os_rwlock_destroy(&soft->map_lock);
    free(soft->vcpus);
    free(soft->doorbells);
    free(soft->cpuid);
}
