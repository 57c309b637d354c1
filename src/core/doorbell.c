/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/core.h"

#include <stdlib.h>

static const char module[] = "doorbell";

struct vmaccel_doorbell {
    struct vmaccel_doorbell *next;
    vmaccel_vm *vm;
    vmaccel_doorbell_config config;
    os_event event;
};

static vmaccel_status check_config(const vmaccel_vm *vm, const vmaccel_doorbell_config *config)
{
    uint32_t length = config->length, longest = config->pio != 0 ? 4 : 8;
    uint64_t limit = config->pio != 0 ? 0x10000 : vm->core->gpa_limit;

    if (!core_all_zero(config->reserved, sizeof(config->reserved)))
        return core_invalid(vm, module, "reserved: must be 0");
    if (config->pio > 1 || config->match > 1)
        return core_invalid(vm, module, "pio and match must be 0 or 1");
    if (config->pio != 0 && vm->arch != VMACCEL_ARCH_X86_64)
        return core_invalid(vm, module, "pio: %s guests have no I/O ports",
                            vmaccel_arch_name(vm->arch));
    if ((length != 1 && length != 2 && length != 4 && length != 8) || length > longest)
        return core_invalid(vm, module, "length: %u is not a power of two up to %u", length,
                            longest);
    if (config->address + length < config->address ||
        (limit != 0 && config->address + length > limit))
        return core_invalid(vm, module, "address: 0x%llx is outside the address space",
                            (unsigned long long)config->address);
    if (config->match == 0 ? config->value != 0 : length < 8 && config->value >> (8 * length) != 0)
        return core_invalid(vm, module, "value: 0x%llx needs match to be 1 and must fit in length",
                            (unsigned long long)config->value);
    return VMACCEL_OK;
}

/* One write would ring both. */
static bool collides(const vmaccel_doorbell_config *a, const vmaccel_doorbell_config *b)
{
    return a->pio == b->pio && a->address == b->address && a->length == b->length &&
           (a->match == 0 || b->match == 0 || a->value == b->value);
}

static vmaccel_status add_locked(vmaccel_vm *vm, struct vmaccel_doorbell *doorbell)
{
    const vmaccel_doorbell_config *config = &doorbell->config;

    for (const struct vmaccel_doorbell *there = vm->core->doorbells; there != NULL;
         there = there->next) {
        if (collides(&there->config, config))
            return core_fail(
                VMACCEL_E_EXISTS, vm->platform->name, module, NULL, 0,
                "a doorbell of %u bytes at 0x%llx exists that the same write would ring",
                config->length, (unsigned long long)config->address);
    }
    vmaccel_status status = vm->platform->doorbell(vm, config, doorbell->event.native, true);
    if (status == VMACCEL_OK) {
        doorbell->next = vm->core->doorbells;
        vm->core->doorbells = doorbell;
    }
    return status;
}

vmaccel_status vmaccel_doorbell_create(vmaccel_vm *vm, const vmaccel_doorbell_config *config,
                                       vmaccel_doorbell **out)
{
    vmaccel_doorbell_config checked;

    if (vm == NULL || config == NULL || out == NULL)
        return core_invalid(vm, module, "vm, config and out must not be NULL");
    vmaccel_status status =
        core_vm_need(vm, module, vm->platform->doorbell != NULL, VMACCEL_CAP_DOORBELL);
    if (status == VMACCEL_OK)
        status = core_config(config, sizeof(checked), &checked, "vmaccel_doorbell_config");
    if (status == VMACCEL_OK)
        status = check_config(vm, &checked);
    if (status != VMACCEL_OK)
        return status;

    struct vmaccel_doorbell *doorbell = calloc(1, sizeof(*doorbell));
    if (doorbell == NULL)
        return core_fail(VMACCEL_E_NO_MEMORY, vm->platform->name, module, NULL, 0,
                         "no memory for a doorbell");
    doorbell->vm = vm;
    doorbell->config = checked;
    int32_t error = os_event_create(&doorbell->event);
    if (error != 0) {
        char text[64];
        os_error_text(error, text, sizeof(text));
        free(doorbell);
        return core_fail(VMACCEL_E_PLATFORM, vm->platform->name, module, NULL, error,
                         "the host gives no event object: %s", text);
    }
    os_mutex_lock(&vm->core->doorbell_lock);
    status = add_locked(vm, doorbell);
    os_mutex_unlock(&vm->core->doorbell_lock);
    if (status != VMACCEL_OK) {
        os_event_destroy(&doorbell->event);
        free(doorbell);
        return status;
    }
    *out = doorbell;
    return VMACCEL_OK;
}

void vmaccel_doorbell_destroy(vmaccel_doorbell *doorbell)
{
    if (doorbell == NULL)
        return;
    vmaccel_vm *vm = doorbell->vm;
    struct vmaccel_doorbell **link = &vm->core->doorbells;

    os_mutex_lock(&vm->core->doorbell_lock);
    while (*link != doorbell)
        link = &(*link)->next;
    *link = doorbell->next;
    /* There is nobody to tell; closing the event ends it in any case. */
    (void)vm->platform->doorbell(vm, &doorbell->config, doorbell->event.native, false);
    os_mutex_unlock(&vm->core->doorbell_lock);
    os_event_destroy(&doorbell->event);
    free(doorbell);
}

vmaccel_status vmaccel_doorbell_wait(vmaccel_doorbell *doorbell, uint64_t timeout_ns)
{
    if (doorbell == NULL)
        return core_invalid(NULL, module, "doorbell must not be NULL");
    int32_t error = os_event_wait(&doorbell->event, timeout_ns);
    if (error == 0)
        return VMACCEL_OK;
    if (error == OS_TIMED_OUT)
        return core_fail(VMACCEL_E_TIMEOUT, doorbell->vm->platform->name, module, NULL, 0,
                         "the doorbell did not ring in the time given");
    char text[64];
    os_error_text(error, text, sizeof(text));
    return core_fail(VMACCEL_E_PLATFORM, doorbell->vm->platform->name, module, NULL, error,
                     "waiting for the doorbell failed: %s", text);
}

intptr_t vmaccel_doorbell_native(const vmaccel_doorbell *doorbell)
{
    return doorbell->event.native;
}
