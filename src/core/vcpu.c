/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/core.h"

#include <string.h>

static const char module[] = "vcpu";

_Thread_local char core_thread_token;

static __attribute__((cold, noinline)) vmaccel_status refuse(vmaccel_vcpu *vcpu, const char *from)
{
    if (vcpu == NULL)
        return core_invalid(NULL, from, "vcpu must not be NULL");
    if (atomic_load(&core_vcpu_of(vcpu)->ended))
        return core_fail(VMACCEL_E_STATE, vcpu->vm->platform->name, from, NULL, 0,
                         "vCPU %u has been destroyed", vcpu->index);
    return core_fail(VMACCEL_E_THREAD, vcpu->vm->platform->name, from, NULL, 0,
                     "vCPU %u belongs to another thread; call from the thread that created it",
                     vcpu->index);
}

/* Hot, as the platforms' run: on one page of code with it. */
__attribute__((hot)) vmaccel_status vmaccel_vcpu_run(vmaccel_vcpu *vcpu)
{
    if (__builtin_expect(!core_owns(vcpu), 0))
        return refuse(vcpu, module);
    return vcpu->run(vcpu);
}

vmaccel_status core_vcpu_check(vmaccel_vcpu *vcpu, const char *from)
{
    return vcpu != NULL && core_owns(vcpu) ? VMACCEL_OK : refuse(vcpu, from);
}

vmaccel_status core_wrong_arch(const vmaccel_vm *vm, const char *from, vmaccel_arch arch)
{
    return core_fail(VMACCEL_E_NOT_SUPPORTED, vm->platform->name, from, vmaccel_arch_name(arch), 0,
                     "the VM's guest is %s, this function is for %s guests",
                     vmaccel_arch_name(vm->arch), vmaccel_arch_name(arch));
}

vmaccel_status core_vcpu_check_arch(vmaccel_vcpu *vcpu, const char *from, vmaccel_arch arch)
{
    if (vcpu == NULL || !core_owns(vcpu))
        return refuse(vcpu, from);
    return vcpu->vm->arch == arch ? VMACCEL_OK : core_wrong_arch(vcpu->vm, from, arch);
}

static size_t padded(size_t size)
{
    return (size + OS_CACHE_LINE - 1) & ~(size_t)(OS_CACHE_LINE - 1);
}

/* One allocation holds the handle, the platform's part and the XSAVE scratch. */
static struct core_vcpu *new_vcpu(vmaccel_vm *vm, uint32_t index)
{
    size_t handle = padded(sizeof(struct core_vcpu)), theirs = padded(vm->platform->vcpu_size);
    uint8_t *memory = os_alloc(handle + theirs + vm->core->xsave_size);

    if (memory == NULL)
        return NULL;
    struct core_vcpu *self = (struct core_vcpu *)(void *)memory;
    self->vcpu.vm = vm;
    self->vcpu.index = index;
    self->vcpu.owner = core_thread_self();
    self->vcpu.priv = memory + handle;
    if (vm->core->xsave_size != 0)
        self->xsave = memory + handle + theirs;
    return self;
}

static vmaccel_status create_locked(vmaccel_vm *vm, uint32_t index, vmaccel_vcpu **out)
{
    struct core_vcpu *there = atomic_load(&vm->core->vcpus[index]);

    if (there != NULL)
        return core_fail(VMACCEL_E_EXISTS, vm->platform->name, module, NULL, 0,
                         atomic_load(&there->ended)
                             ? "vCPU %u existed before; an index is used once"
                             : "vCPU %u exists",
                         index);
    vmaccel_status status = core_vm_commit(vm);
    if (status != VMACCEL_OK)
        return status;
    struct core_vcpu *self = new_vcpu(vm, index);
    if (self == NULL)
        return core_fail(VMACCEL_E_NO_MEMORY, vm->platform->name, module, NULL, 0,
                         "no memory for vCPU %u", index);
    status = vm->platform->vcpu_create(&self->vcpu);
    if (status != VMACCEL_OK) {
        os_free(self);
        return status;
    }
    atomic_store(&vm->core->vcpus[index], self);
    *out = &self->vcpu;
    return VMACCEL_OK;
}

vmaccel_status vmaccel_vcpu_create(vmaccel_vm *vm, uint32_t index,
                                   const vmaccel_vcpu_config *config, vmaccel_vcpu **out)
{
    vmaccel_vcpu_config checked;

    if (vm == NULL || out == NULL)
        return core_invalid(vm, module, "vm and out must not be NULL");
    if (vm->platform->vcpu_create == NULL)
        return core_fail(VMACCEL_E_NOT_SUPPORTED, vm->platform->name, module, "vcpu", 0,
                         "%s runs whole machines and offers no single vCPU", vm->platform->name);
    if (config != NULL) {
        vmaccel_status status =
            core_config(config, sizeof(checked), &checked, "vmaccel_vcpu_config");
        if (status != VMACCEL_OK)
            return status;
        if (checked.reserved32 != 0 || !core_all_zero(checked.reserved, sizeof(checked.reserved)))
            return core_invalid(vm, module, "reserved: must be 0");
    }
    if (index >= vm->max_vcpus)
        return core_invalid(vm, module, "index: %u is not below the VM's max_vcpus, %u", index,
                            vm->max_vcpus);

    os_mutex_lock(&vm->core->lock);
    vmaccel_status status = create_locked(vm, index, out);
    os_mutex_unlock(&vm->core->lock);
    return status;
}

vmaccel_status vmaccel_vcpu_destroy(vmaccel_vcpu *vcpu)
{
    if (vcpu == NULL)
        return VMACCEL_OK;
    vmaccel_status status = core_vcpu_check(vcpu, module);
    if (status != VMACCEL_OK)
        return status;
    __atomic_store_n(&vcpu->owner, NULL, __ATOMIC_RELAXED);
    vcpu->vm->platform->vcpu_destroy(vcpu);
    atomic_store(&core_vcpu_of(vcpu)->ended, true);
    return VMACCEL_OK;
}

/* Called from signal handlers: no error detail. */
vmaccel_status vmaccel_vcpu_kick(vmaccel_vcpu *vcpu)
{
    if (vcpu == NULL)
        return VMACCEL_E_INVALID_ARGUMENT;
    if (atomic_load(&core_vcpu_of(vcpu)->ended))
        return VMACCEL_E_STATE;
    /* A kick that is pending already has reached the platform, or its sender is about to see to
     * that. */
    if (atomic_exchange(&vcpu->kick, 1) == 0)
        vcpu->vm->platform->vcpu_kick(vcpu);
    return VMACCEL_OK;
}

vmaccel_status vmaccel_vcpu_complete(vmaccel_vcpu *vcpu, bool *more)
{
    vmaccel_status status = core_vcpu_check(vcpu, module);
    if (status != VMACCEL_OK)
        return status;
    if (more == NULL)
        return core_invalid(vcpu->vm, module, "more must not be NULL");
    *more = false;
    return vcpu->vm->platform->vcpu_complete(vcpu, more);
}

uint32_t vmaccel_vcpu_index(const vmaccel_vcpu *vcpu)
{
    return vcpu->index;
}

vmaccel_vm *vmaccel_vcpu_vm(const vmaccel_vcpu *vcpu)
{
    return vcpu->vm;
}

vmaccel_status vmaccel_vcpu_translate(vmaccel_vcpu *vcpu, vmaccel_gva gva, vmaccel_gpa *gpa)
{
    vmaccel_status status = core_vcpu_check(vcpu, module);
    if (status != VMACCEL_OK)
        return status;
    if (gpa == NULL)
        return core_invalid(vcpu->vm, module, "gpa must not be NULL");
    status = core_vm_need(vcpu->vm, module, vcpu->vm->platform->translate != NULL,
                          VMACCEL_CAP_TRANSLATE);
    return status != VMACCEL_OK ? status : vcpu->vm->platform->translate(vcpu, gva, gpa);
}

vmaccel_status vmaccel_vcpu_get_mp_state(vmaccel_vcpu *vcpu, vmaccel_mp_state *state)
{
    vmaccel_status status = core_vcpu_check(vcpu, module);
    if (status != VMACCEL_OK)
        return status;
    if (state == NULL)
        return core_invalid(vcpu->vm, module, "state must not be NULL");
    status = core_vm_need(vcpu->vm, module, vcpu->vm->platform->get_mp_state != NULL,
                          VMACCEL_CAP_REG_MP_STATE);
    return status != VMACCEL_OK ? status : vcpu->vm->platform->get_mp_state(vcpu, state);
}

vmaccel_status vmaccel_vcpu_set_mp_state(vmaccel_vcpu *vcpu, vmaccel_mp_state state)
{
    vmaccel_status status = core_vcpu_check(vcpu, module);
    if (status != VMACCEL_OK)
        return status;
    vmaccel_mp_state most =
        vcpu->vm->arch == VMACCEL_ARCH_X86_64 ? VMACCEL_MP_SIPI_RECEIVED : VMACCEL_MP_WAIT_FOR_INIT;
    if ((unsigned)state > (unsigned)most)
        return core_invalid(vcpu->vm, module, "state: %d is not an MP state of %s", (int)state,
                            vmaccel_arch_name(vcpu->vm->arch));
    status = core_vm_need(vcpu->vm, module, vcpu->vm->platform->set_mp_state != NULL,
                          VMACCEL_CAP_REG_MP_STATE);
    return status != VMACCEL_OK ? status : vcpu->vm->platform->set_mp_state(vcpu, state);
}
