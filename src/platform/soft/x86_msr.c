/* SPDX-License-Identifier: BSD-2-Clause */
/* MSRs: the CPU's own, and those of the local APIC. */
#include "arch/x86/cpuid.h"
#include "soft.h"

#define X2APIC_FIRST 0x800u
#define X2APIC_LAST  0x83fu

static bool has_x2apic(const vmaccel_vcpu *vcpu)
{
    size_t count;
    const vmaccel_x86_cpuid *table = cpu_cpuid(soft_vcpu(vcpu)->cpu, &count);
    const vmaccel_x86_cpuid *entry = x86_cpuid_find(table, count, 1, 0);
    return entry != NULL && (entry->ecx >> 21 & 1) != 0;
}

uint64_t soft_x86_apic_base(const vmaccel_vcpu *vcpu)
{
    struct x86_irqchip *chip = soft_vm(vcpu->vm)->chip;
    return chip != NULL ? x86_lapic_base(chip, vcpu->index) : soft_vcpu(vcpu)->apic_base;
}

bool soft_x86_set_apic_base(vmaccel_vcpu *vcpu, uint64_t base, bool force)
{
    const struct soft_vm *soft = soft_vm(vcpu->vm);
    const uint64_t modes = X86_APIC_BASE_EN | X86_APIC_BASE_EXTD;
    if ((base & ~(soft->gpa_mask & X86_APIC_BASE_ADDRESS) & ~(modes | X86_APIC_BASE_BSP)) != 0 ||
        (base & modes) == X86_APIC_BASE_EXTD ||
        ((base & X86_APIC_BASE_EXTD) != 0 && !has_x2apic(vcpu)))
        return false;
    if (soft->chip != NULL)
        return x86_lapic_set_base(soft->chip, vcpu->index, base, force);
    soft_vcpu(vcpu)->apic_base = base;
    return true;
}

/* The timer thread needs the guest's TSC, whose offset the CPU keeps to itself. The VM's time is
 * read last: a deadline that is taken too late is better than one too early. */
static void learn_offset(vmaccel_vcpu *vcpu)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);
    uint64_t guest = 0;
    if (cpu_get_msr(s->cpu, X86_MSR_TSC, &guest))
        atomic_store(&s->tsc_offset, guest - soft_tsc(soft_vm(vcpu->vm)));
}

static void set_deadline(vmaccel_vcpu *vcpu, uint64_t deadline)
{
    learn_offset(vcpu);
    x86_lapic_set_deadline(soft_vm(vcpu->vm)->chip, vcpu->index, deadline);
}

static bool is_apic(uint32_t id)
{
    return id == X86_MSR_APIC_BASE || id == X86_MSR_TSC_DEADLINE ||
           (id >= X2APIC_FIRST && id <= X2APIC_LAST);
}

/* `force` as above. */
static bool access_apic(vmaccel_vcpu *vcpu, uint32_t id, bool write, bool force, uint64_t *value)
{
    struct x86_irqchip *chip = soft_vm(vcpu->vm)->chip;
    if (id == X86_MSR_APIC_BASE) {
        if (write)
            return soft_x86_set_apic_base(vcpu, *value, force);
        *value = soft_x86_apic_base(vcpu);
        return true;
    }
    if (chip == NULL)
        return false;
    if (id == X86_MSR_TSC_DEADLINE) {
        if (write)
            set_deadline(vcpu, *value);
        else
            *value = x86_lapic_deadline(chip, vcpu->index);
        return true;
    }
    return write ? x86_lapic_write_msr(chip, vcpu->index, id, *value)
                 : x86_lapic_read_msr(chip, vcpu->index, id, value);
}

enum cpu_msr_result soft_msr(void *context, uint32_t id, bool write, uint64_t *value)
{
    vmaccel_vcpu *vcpu = context;
    if (is_apic(id) && access_apic(vcpu, id, write, false, value))
        return CPU_MSR_OK;
    return (vcpu->vm->exits & VMACCEL_VM_EXIT_MSR) != 0 ? CPU_MSR_EXIT : CPU_MSR_FAULT;
}

static vmaccel_status refused(const char *what, uint32_t id)
{
    return core_fail(VMACCEL_E_INVALID_ARGUMENT, "soft", "x86", NULL, 0, "MSR 0x%x can't be %s", id,
                     what);
}

vmaccel_status soft_x86_get_msrs(vmaccel_vcpu *vcpu, vmaccel_x86_msr *msrs, size_t count,
                                 size_t *done)
{
    vmaccel_status status = soft_x86_sync(vcpu);
    if (status != VMACCEL_OK)
        return status;
    for (*done = 0; *done < count; ++*done) {
        vmaccel_x86_msr *msr = &msrs[*done];
        if (is_apic(msr->id) ? !access_apic(vcpu, msr->id, false, true, &msr->value)
                             : !cpu_get_msr(soft_vcpu(vcpu)->cpu, msr->id, &msr->value))
            return refused("read", msr->id);
    }
    return VMACCEL_OK;
}

static bool set_one(vmaccel_vcpu *vcpu, const vmaccel_x86_msr *msr)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);
    struct x86_irqchip *chip = soft_vm(vcpu->vm)->chip;
    uint64_t value = msr->value;
    if (is_apic(msr->id))
        return access_apic(vcpu, msr->id, true, true, &value);
    if (!cpu_set_msr(s->cpu, msr->id, value))
        return false;
    if (msr->id == X86_MSR_TSC && chip != NULL) {
        learn_offset(vcpu);
        x86_lapic_tsc_changed(chip, vcpu->index);
    }
    return true;
}

vmaccel_status soft_x86_set_msrs(vmaccel_vcpu *vcpu, const vmaccel_x86_msr *msrs, size_t count,
                                 size_t *done)
{
    struct soft_vcpu *s = soft_vcpu(vcpu);
    const vmaccel_x86_msr *deadline = NULL;
    vmaccel_status status = soft_x86_sync(vcpu);
    if (status != VMACCEL_OK)
        return status;
    for (*done = 0; *done < count && status == VMACCEL_OK; *done += status == VMACCEL_OK) {
        if (msrs[*done].id == X86_MSR_TSC_DEADLINE && soft_vm(vcpu->vm)->chip != NULL)
            deadline = &msrs[*done]; /* compares with the TSC, which goes first */
        else if (!set_one(vcpu, &msrs[*done]))
            status = refused("written with this value", msrs[*done].id);
    }
    if (deadline != NULL) {
        /* Ignored while the timer is not in TSC-deadline mode, so it is kept for later. */
        s->deadline = deadline->value;
        s->deadline_set = true;
        s->attention |= SOFT_ATTENTION_LAPIC;
        set_deadline(vcpu, s->deadline);
    }
    return status;
}

vmaccel_status soft_x86_msr_list(const vmaccel_vm *vm, uint32_t *ids, size_t *count)
{
    size_t capacity = *count;
    size_t size = cpu_msr_list(ids, ids != NULL ? capacity : 0);
    if (vm->irqchip != VMACCEL_IRQCHIP_NONE) {
        if (ids != NULL && size < capacity)
            ids[size] = X86_MSR_TSC_DEADLINE;
        size++;
    }
    *count = size;
    if (ids != NULL && capacity < size)
        return core_fail(VMACCEL_E_LIMIT, "soft", "x86", NULL, 0,
                         "the MSR list has %zu entries, not %zu", size, capacity);
    return VMACCEL_OK;
}
