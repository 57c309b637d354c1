/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kvm.h"

vmaccel_status kvm_vcpu_create(vmaccel_vcpu *vcpu)
{
    struct kvm_vm *kvm = kvm_vm(vcpu->vm);
    struct kvm_vcpu *k = kvm_vcpu(vcpu);
    vmaccel_status status = kvm_kick_unblock();
    if (status == VMACCEL_OK)
        status = kvm_arch_vcpu_open(vcpu);
    if (status != VMACCEL_OK)
        return status;
    k->run = mmap(NULL, kvm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, k->fd, 0);
    if (k->run == MAP_FAILED) {
        status = kvm_fail("vcpu", "mmap of the run page");
        kvm_arch_vcpu_close(vcpu);
        return status;
    }
    status = kvm_arch_vcpu_init(vcpu);
    if (status != VMACCEL_OK) {
        munmap(k->run, kvm->run_size);
        kvm_arch_vcpu_close(vcpu);
        return status;
    }
    k->tid = (int)syscall(SYS_gettid);
    kvm->slots[vcpu->index].run = k->run;
    atomic_store(&kvm->slots[vcpu->index].vcpu, vcpu);
    vcpu->run = kvm_run;
    return VMACCEL_OK;
}

/* The mapping stays until the VM ends: a kick may be on its way to it. */
void kvm_vcpu_destroy(vmaccel_vcpu *vcpu)
{
    kvm_arch_vcpu_close(vcpu);
}
