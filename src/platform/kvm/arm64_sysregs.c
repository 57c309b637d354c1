/* SPDX-License-Identifier: BSD-2-Clause */
/* System registers by their encoding, which is part of KVM's own numbers. */
#include <stdlib.h>

#include "arch/arm64/sysreg.h"
#include "kvm.h"

#define SYSREG_BASE (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG)

/* KVM's numbers of the virtual counter and its comparator are each other's encodings. */
static uint32_t swapped(uint32_t id)
{
    return id == ARM64_CNTVCT_EL0      ? ARM64_CNTV_CVAL_EL0
           : id == ARM64_CNTV_CVAL_EL0 ? ARM64_CNTVCT_EL0
                                       : id;
}

static vmaccel_status refused(const char *call, uint32_t id)
{
    int error = errno;
    if (error != ENOENT && error != EINVAL)
        return kvm_fail("arm64", call);
    return core_fail(VMACCEL_E_INVALID_ARGUMENT, "kvm", "arm64", NULL, error,
                     "%s: S%u_%u_C%u_C%u_%u %s", call, id >> 14 & 3, id >> 11 & 7, id >> 7 & 15,
                     id >> 3 & 15, id & 7,
                     error == ENOENT ? "does not exist" : "does not take the value");
}

/* KVM gives every guest the host's counter frequency, and no number for it. */
static uint64_t counter_frequency(void)
{
    uint64_t value;
    __asm__("mrs %0, cntfrq_el0" : "=r"(value));
    return value;
}

vmaccel_status kvm_arm64_sysreg(int fd, uint32_t id, uint64_t *value)
{
    if (id == ARM64_CNTFRQ_EL0) {
        *value = counter_frequency();
        return VMACCEL_OK;
    }
    return kvm_arm64_get_one(fd, SYSREG_BASE | swapped(id), value) < 0
               ? refused("KVM_GET_ONE_REG", id)
               : VMACCEL_OK;
}

vmaccel_status kvm_arm64_get_sysregs(vmaccel_vcpu *vcpu, vmaccel_arm64_sysreg *regs, size_t count,
                                     size_t *done)
{
    vmaccel_status status = VMACCEL_OK;
    for (*done = 0; *done < count; (*done)++) {
        status = kvm_arm64_sysreg(kvm_vcpu(vcpu)->fd, regs[*done].id, &regs[*done].value);
        if (status != VMACCEL_OK)
            break;
    }
    return status;
}

vmaccel_status kvm_arm64_set_sysregs(vmaccel_vcpu *vcpu, const vmaccel_arm64_sysreg *regs,
                                     size_t count, size_t *done)
{
    for (*done = 0; *done < count; (*done)++) {
        const vmaccel_arm64_sysreg *reg = &regs[*done];
        if (reg->id == ARM64_CNTFRQ_EL0) {
            errno = EINVAL;
            if (reg->value != counter_frequency())
                return refused("KVM_SET_ONE_REG", reg->id);
        } else if (kvm_arm64_set_one(kvm_vcpu(vcpu)->fd, SYSREG_BASE | swapped(reg->id),
                                     &reg->value) < 0)
            return refused("KVM_SET_ONE_REG", reg->id);
    }
    return VMACCEL_OK;
}

/* The numbers of all registers KVM has; NULL with the error set. */
static struct kvm_reg_list *all_registers(int fd, vmaccel_status *status)
{
    struct kvm_reg_list none = {.n = 0};

    *status = VMACCEL_OK;
    if (ioctl(fd, KVM_GET_REG_LIST, &none) < 0 && errno != E2BIG) {
        *status = kvm_fail("arm64", "KVM_GET_REG_LIST");
        return NULL;
    }
    struct kvm_reg_list *list = malloc(sizeof *list + none.n * sizeof list->reg[0]);
    if (list == NULL) {
        *status =
            core_fail(VMACCEL_E_NO_MEMORY, "kvm", "arm64", NULL, 0,
                      "no memory for the numbers of %llu registers", (unsigned long long)none.n);
        return NULL;
    }
    list->n = none.n;
    if (ioctl(fd, KVM_GET_REG_LIST, list) < 0) {
        *status = kvm_fail("arm64", "KVM_GET_REG_LIST");
        free(list);
        return NULL;
    }
    return list;
}

/* The counter goes before its timer, whose state depends on it. */
static const uint32_t last[] = {ARM64_CNTVCT_EL0, ARM64_CNTV_CVAL_EL0, ARM64_CNTV_CTL_EL0};

static bool is_last(uint32_t id)
{
    return id == last[0] || id == last[1] || id == last[2];
}

vmaccel_status kvm_arm64_sysreg_list(vmaccel_vcpu *vcpu, uint32_t *ids, size_t *count)
{
    size_t room = *count, used = 0;
    bool has[3] = {false};
    vmaccel_status status;

    struct kvm_reg_list *list = all_registers(kvm_vcpu(vcpu)->fd, &status);
    if (list == NULL)
        return status;
    for (uint64_t i = 0; i < list->n; i++) {
        uint32_t id = swapped((uint32_t)list->reg[i] & 0xffff);
        if ((list->reg[i] & ~0xffffull) != SYSREG_BASE)
            continue;
        if (is_last(id))
            has[id == last[1] ? 1 : id == last[2] ? 2 : 0] = true;
        else if (used++ < room)
            ids[used - 1] = id;
    }
    free(list);
    for (size_t i = 0; i < 3; i++)
        if (has[i] && used++ < room)
            ids[used - 1] = last[i];
    *count = used;
    return used <= room ? VMACCEL_OK
                        : core_fail(VMACCEL_E_LIMIT, "kvm", "arm64", NULL, 0,
                                    "there are %zu system registers, room for %zu", used, room);
}
