/* SPDX-License-Identifier: BSD-2-Clause */
/* MSRs. KVM processes a batch up to the first that fails and reports how many that were. */
#include <stdlib.h>

#include "kvm.h"

#define BATCH            64
#define MSR_TSC          0x10u
#define MSR_TSC_DEADLINE 0x6e0u

struct batch {
    struct kvm_msrs head;
    struct kvm_msr_entry entries[BATCH];
};

static vmaccel_status refused(const char *call, uint32_t id, int result)
{
    if (result < 0)
        return kvm_fail("x86", call);
    return core_fail(VMACCEL_E_INVALID_ARGUMENT, "kvm", "x86", NULL, 0, "%s: MSR 0x%x was refused",
                     call, id);
}

vmaccel_status kvm_x86_get_msrs(vmaccel_vcpu *vcpu, vmaccel_x86_msr *msrs, size_t count,
                                size_t *done)
{
    struct batch batch;
    *done = 0;
    vmaccel_status status = kvm_x86_flush_now(vcpu, CORE_GROUP_SREGS);
    if (status != VMACCEL_OK)
        return status;
    while (*done < count) {
        uint32_t n = (uint32_t)(count - *done < BATCH ? count - *done : BATCH);
        memset(&batch, 0, sizeof batch.head + n * sizeof batch.entries[0]);
        batch.head.nmsrs = n;
        for (uint32_t i = 0; i < n; i++)
            batch.entries[i].index = msrs[*done + i].id;
        int result = ioctl(kvm_vcpu(vcpu)->fd, KVM_GET_MSRS, &batch);
        for (int i = 0; i < result; i++)
            msrs[*done + (size_t)i].value = batch.entries[i].data;
        *done += result > 0 ? (size_t)result : 0;
        if (result != (int)n)
            return refused("KVM_GET_MSRS", result < 0 ? 0 : msrs[*done].id, result);
    }
    return VMACCEL_OK;
}

/* KVM drops a deadline while the local APIC's timer is not in TSC-deadline mode, so it is kept for
 * later. */
vmaccel_status kvm_x86_set_deadline(vmaccel_vcpu *vcpu, uint64_t value)
{
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    struct batch batch;
    memset(&batch, 0, sizeof batch.head + sizeof batch.entries[0]);
    batch.head.nmsrs = 1;
    batch.entries[0].index = MSR_TSC_DEADLINE;
    batch.entries[0].data = value;
    int result = ioctl(k->fd, KVM_SET_MSRS, &batch);
    if (result != 1)
        return refused("KVM_SET_MSRS", MSR_TSC_DEADLINE, result);
    k->arch.deadline_set = true;
    k->arch.deadline = value;
    k->attention |= KVM_ATTENTION_PENDING;
    return VMACCEL_OK;
}

static vmaccel_status access_tsc(const struct kvm_vcpu *k, bool write, uint64_t *value)
{
    struct batch batch;
    memset(&batch, 0, sizeof batch.head + sizeof batch.entries[0]);
    batch.head.nmsrs = 1;
    batch.entries[0].index = MSR_TSC;
    batch.entries[0].data = *value;
    int result = ioctl(k->fd, write ? KVM_SET_MSRS : KVM_GET_MSRS, &batch);
    *value = batch.entries[0].data;
    if (result < 0)
        return kvm_fail("x86", write ? "KVM_SET_MSRS of MSR 0x10" : "KVM_GET_MSRS of MSR 0x10");
    return result == 1 ? VMACCEL_OK
                       : refused(write ? "KVM_SET_MSRS" : "KVM_GET_MSRS", MSR_TSC, result);
}

static vmaccel_status tsc_behind(const struct kvm_vcpu *k, uint64_t value, bool *behind)
{
    uint64_t now = 0;
    vmaccel_status status = access_tsc(k, false, &now);
    *behind = (int64_t)(now - value) < 0;
    return status;
}

/* After `value` was written: make it so where KVM left the TSC behind it. By way of a value too far
 * from either to be taken for an attempt to synchronise. */
static vmaccel_status insist_on_tsc(const struct kvm_vcpu *k, uint64_t value)
{
    uint64_t far = value + (UINT64_C(1) << 62);
    bool behind;
    vmaccel_status status = tsc_behind(k, value, &behind);
    if (status != VMACCEL_OK || !behind)
        return status;
    status = access_tsc(k, true, &far);
    if (status == VMACCEL_OK)
        status = access_tsc(k, true, &value);
    if (status == VMACCEL_OK)
        status = tsc_behind(k, value, &behind);
    return status != VMACCEL_OK || !behind
               ? status
               : core_fail(VMACCEL_E_INVALID_ARGUMENT, "kvm", "x86", NULL, 0,
                           "KVM_SET_MSRS: MSR 0x10 stays behind the value written");
}

/* With a stable TSC, Linux takes a value within a second of what the VM's last write has become for
 * an attempt to synchronise vCPUs, and gives the vCPU that write's TSC; before 6.7 creating a vCPU
 * counts as a write. A guest restored in a young VM would see its time go back. So the first vCPU
 * of a round gets its value, and the others what KVM makes of theirs, which agrees with the first.
 */
static vmaccel_status set_tsc(vmaccel_vcpu *vcpu, uint64_t value)
{
    struct kvm_vm *vm = kvm_vm(vcpu->vm);
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    pthread_mutex_lock(&vm->arch.tsc_lock);
    bool first = k->arch.tsc_round == vm->arch.tsc_round;
    vmaccel_status status = access_tsc(k, true, &value);
    if (status == VMACCEL_OK && first)
        status = insist_on_tsc(k, value);
    if (status == VMACCEL_OK) {
        vm->arch.tsc_round += first;
        k->arch.tsc_round = vm->arch.tsc_round;
    }
    pthread_mutex_unlock(&vm->arch.tsc_lock);
    return status;
}

vmaccel_status kvm_x86_set_msrs(vmaccel_vcpu *vcpu, const vmaccel_x86_msr *msrs, size_t count,
                                size_t *done)
{
    struct batch batch;
    *done = 0;
    vmaccel_status status = kvm_x86_flush_now(vcpu, CORE_GROUP_SREGS);
    if (status != VMACCEL_OK)
        return status;
    /* Pass one: all but the deadline, which compares with the TSC. */
    size_t deadline = count;
    while (*done < count) {
        uint32_t n = 0;
        size_t next = *done;
        if (msrs[next].id == MSR_TSC) {
            status = set_tsc(vcpu, msrs[next].value);
            if (status != VMACCEL_OK)
                return status;
            *done = next + 1;
            continue;
        }
        memset(&batch, 0, sizeof batch);
        for (; next < count && n < BATCH && msrs[next].id != MSR_TSC; next++) {
            if (msrs[next].id == MSR_TSC_DEADLINE) {
                deadline = next;
                continue;
            }
            batch.entries[n].index = msrs[next].id;
            batch.entries[n++].data = msrs[next].value;
        }
        batch.head.nmsrs = n;
        int result = n != 0 ? ioctl(kvm_vcpu(vcpu)->fd, KVM_SET_MSRS, &batch) : 0;
        if (result != (int)n) {
            uint32_t processed = result > 0 ? (uint32_t)result : 0;
            uint32_t failed = batch.entries[processed].index;
            while (*done < count && (msrs[*done].id == MSR_TSC_DEADLINE || processed > 0)) {
                if (msrs[*done].id != MSR_TSC_DEADLINE)
                    processed--;
                (*done)++;
            }
            return refused("KVM_SET_MSRS", failed, result);
        }
        *done = next;
    }
    if (deadline < count) {
        status = kvm_x86_set_deadline(vcpu, msrs[deadline].value);
        if (status != VMACCEL_OK)
            *done = deadline;
    }
    return status;
}

/* In KVM's list, but no state of this vCPU. */
static bool leave_out(const vmaccel_vm *vm, uint32_t id)
{
    switch (id) {
    case 0x40000010: /* HV_X64_MSR_VP_RUNTIME and TIME_REF_COUNT: clocks that go on by themselves */
    case 0x40000020:
        return true;
    case 0x4b564d06: /* MSR_KVM_ASYNC_PF_INT, MSR_KVM_ASYNC_PF_ACK: refused without a local APIC */
    case 0x4b564d07:
        return vm->irqchip == VMACCEL_IRQCHIP_NONE;
    default:
        return false;
    }
}

vmaccel_status kvm_x86_msr_list(const vmaccel_vm *vm, uint32_t *ids, size_t *count)
{
    struct kvm_msr_list probe = {.nmsrs = 0};
    size_t capacity = *count;
    if (ioctl(kvm_vm(vm)->sys_fd, KVM_GET_MSR_INDEX_LIST, &probe) < 0 && errno != E2BIG)
        return kvm_fail("x86", "KVM_GET_MSR_INDEX_LIST");
    struct kvm_msr_list *list = calloc(1, sizeof *list + probe.nmsrs * sizeof list->indices[0]);
    if (list == NULL)
        return core_fail(VMACCEL_E_NO_MEMORY, "kvm", "x86", NULL, 0, "no memory for the MSR list");
    list->nmsrs = probe.nmsrs;
    if (ioctl(kvm_vm(vm)->sys_fd, KVM_GET_MSR_INDEX_LIST, list) < 0) {
        vmaccel_status status = kvm_fail("x86", "KVM_GET_MSR_INDEX_LIST");
        free(list);
        return status;
    }
    size_t n = 0;
    for (uint32_t i = 0; i < list->nmsrs; i++) {
        if (leave_out(vm, list->indices[i]))
            continue;
        if (ids != NULL && n < capacity)
            ids[n] = list->indices[i];
        n++;
    }
    free(list);
    *count = n;
    if (ids != NULL && capacity < n)
        return core_fail(VMACCEL_E_LIMIT, "kvm", "x86", NULL, 0,
                         "the MSR list has %zu entries, not %zu", n, capacity);
    return VMACCEL_OK;
}
