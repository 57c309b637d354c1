/* SPDX-License-Identifier: BSD-2-Clause */
/* State of the in-kernel 8259 pair, IOAPIC and 8254, and the paravirtual clock. */
#include "kvm.h"

_Static_assert(sizeof(vmaccel_x86_pic) == sizeof(struct kvm_pic_state),
               "the fields are KVM's, in its order");

static vmaccel_status get_chip(vmaccel_vm *vm, uint32_t id, struct kvm_irqchip *chip)
{
    memset(chip, 0, sizeof *chip);
    chip->chip_id = id;
    return ioctl(kvm_vm(vm)->fd, KVM_GET_IRQCHIP, chip) < 0 ? kvm_fail("irq", "KVM_GET_IRQCHIP")
                                                            : VMACCEL_OK;
}

static vmaccel_status set_chip(vmaccel_vm *vm, struct kvm_irqchip *chip)
{
    return ioctl(kvm_vm(vm)->fd, KVM_SET_IRQCHIP, chip) < 0 ? kvm_fail("irq", "KVM_SET_IRQCHIP")
                                                            : VMACCEL_OK;
}

static vmaccel_x86_pit_channel channel_from(const struct kvm_pit_channel_state *raw)
{
    return (vmaccel_x86_pit_channel){
        .count = raw->count,
        .latched_count = raw->latched_count,
        .count_latched = raw->count_latched,
        .status_latched = raw->status_latched,
        .status = raw->status,
        .read_state = raw->read_state,
        .write_state = raw->write_state,
        .write_latch = raw->write_latch,
        .rw_mode = raw->rw_mode,
        .mode = raw->mode,
        .bcd = raw->bcd,
        .gate = raw->gate,
        .count_load_time = raw->count_load_time,
    };
}

static struct kvm_pit_channel_state channel_to(const vmaccel_x86_pit_channel *channel)
{
    return (struct kvm_pit_channel_state){
        .count = channel->count,
        .latched_count = channel->latched_count,
        .count_latched = channel->count_latched,
        .status_latched = channel->status_latched,
        .status = channel->status,
        .read_state = channel->read_state,
        .write_state = channel->write_state,
        .write_latch = channel->write_latch,
        .rw_mode = channel->rw_mode,
        .mode = channel->mode,
        .bcd = channel->bcd,
        .gate = channel->gate,
        .count_load_time = channel->count_load_time,
    };
}

vmaccel_status kvm_x86_get_irqchip(vmaccel_vm *vm, vmaccel_x86_irqchip *state)
{
    static const uint32_t pics[] = {KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE};
    struct kvm_irqchip chip;
    struct kvm_pit_state2 pit;
    memset(state, 0, sizeof *state);
    for (int i = 0; i < 2; i++) {
        vmaccel_status status = get_chip(vm, pics[i], &chip);
        if (status != VMACCEL_OK)
            return status;
        memcpy(&state->pic[i], &chip.chip.pic, sizeof state->pic[i]);
    }
    vmaccel_status status = get_chip(vm, KVM_IRQCHIP_IOAPIC, &chip);
    if (status != VMACCEL_OK)
        return status;
    state->ioapic_id = chip.chip.ioapic.id;
    state->ioapic_ioregsel = chip.chip.ioapic.ioregsel;
    state->ioapic_irr = chip.chip.ioapic.irr;
    for (int i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
        state->ioapic_redirection[i] = chip.chip.ioapic.redirtbl[i].bits;
    memset(&pit, 0, sizeof pit);
    if (ioctl(kvm_vm(vm)->fd, KVM_GET_PIT2, &pit) < 0)
        return kvm_fail("irq", "KVM_GET_PIT2");
    for (int i = 0; i < 3; i++)
        state->pit[i] = channel_from(&pit.channels[i]);
    state->pit_flags = pit.flags;
    return VMACCEL_OK;
}

vmaccel_status kvm_x86_set_irqchip(vmaccel_vm *vm, const vmaccel_x86_irqchip *state)
{
    static const uint32_t pics[] = {KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE};
    struct kvm_irqchip chip;
    struct kvm_pit_state2 pit = {.flags = state->pit_flags};
    vmaccel_status status;
    for (int i = 0; i < 2; i++) {
        memset(&chip, 0, sizeof chip);
        chip.chip_id = pics[i];
        memcpy(&chip.chip.pic, &state->pic[i], sizeof state->pic[i]);
        status = set_chip(vm, &chip);
        if (status != VMACCEL_OK)
            return status;
    }
    status = get_chip(vm, KVM_IRQCHIP_IOAPIC, &chip); /* the base address is not ours to change */
    if (status != VMACCEL_OK)
        return status;
    chip.chip.ioapic.id = state->ioapic_id;
    chip.chip.ioapic.ioregsel = state->ioapic_ioregsel;
    chip.chip.ioapic.irr = state->ioapic_irr;
    for (int i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
        chip.chip.ioapic.redirtbl[i].bits = state->ioapic_redirection[i];
    status = set_chip(vm, &chip);
    if (status != VMACCEL_OK)
        return status;
    for (int i = 0; i < 3; i++)
        pit.channels[i] = channel_to(&state->pit[i]);
    return ioctl(kvm_vm(vm)->fd, KVM_SET_PIT2, &pit) < 0 ? kvm_fail("irq", "KVM_SET_PIT2")
                                                         : VMACCEL_OK;
}

vmaccel_status kvm_x86_get_clock(vmaccel_vm *vm, uint64_t *ns)
{
    struct kvm_clock_data clock = {.clock = 0};
    if (ioctl(kvm_vm(vm)->fd, KVM_GET_CLOCK, &clock) < 0)
        return kvm_fail("x86", "KVM_GET_CLOCK");
    *ns = clock.clock;
    return VMACCEL_OK;
}

vmaccel_status kvm_x86_set_clock(vmaccel_vm *vm, uint64_t ns)
{
    struct kvm_clock_data clock = {.clock = ns};
    return ioctl(kvm_vm(vm)->fd, KVM_SET_CLOCK, &clock) < 0 ? kvm_fail("x86", "KVM_SET_CLOCK")
                                                            : VMACCEL_OK;
}
