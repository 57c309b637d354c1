/* SPDX-License-Identifier: BSD-2-Clause */
/* A local APIC's priorities, and what a CPU does with it. */
#include "irqchip/chip.h"

#include <string.h>

/* Version 0x14, six LVT entries, EOI broadcasts can be suppressed. */
#define VERSION     0x01050014u
#define LVT_FIRST   LAPIC_LVT_TIMER
#define LVT_LAST    LAPIC_LVT_ERROR
#define SVR_DEFAULT 0xffu

static struct lapic *find(struct x86_irqchip *chip, uint32_t vcpu)
{
    return &chip->lapics[vcpu < chip->config.max_vcpus ? vcpu : 0];
}

static void touch(struct x86_irqchip *chip, const struct lapic *lapic)
{
    set_bit(chip->dirty, lapic->index);
}

static int highest(struct lapic *lapic, uint32_t bank)
{
    for (int word = 7; word >= 0; word--) {
        uint32_t bits = *lapic_reg(lapic, bank + 16u * (uint32_t)word);
        if (bits != 0)
            return 32 * word + 31 - __builtin_clz(bits);
    }
    return -1;
}

uint32_t lapic_ppr(struct lapic *lapic)
{
    uint32_t tpr = *lapic_reg(lapic, LAPIC_TPR) & 0xff;
    int vector = highest(lapic, LAPIC_ISR);
    uint32_t service = vector < 0 ? 0 : (uint32_t)vector & 0xf0;
    return (tpr & 0xf0) >= service ? tpr : service;
}

static int deliverable(struct lapic *lapic)
{
    int vector = lapic_enabled(lapic) ? highest(lapic, LAPIC_IRR) : -1;
    return vector >= 0 && ((uint32_t)vector & 0xf0) > (lapic_ppr(lapic) & 0xf0) ? vector : -1;
}

/* Through LINT0, or straight to the CPU when the APIC is off. */
static bool takes_pic(struct lapic *lapic)
{
    uint32_t lint0 = *lapic_reg(lapic, LAPIC_LVT_LINT0);
    return lapic->attached &&
           (!lapic_enabled(lapic) || ((lint0 & LVT_MASKED) == 0 && LVT_MODE(lint0) == MODE_EXTINT));
}

void lapic_publish(struct x86_irqchip *chip, struct lapic *lapic)
{
    bool pending = (chip->pic_output && takes_pic(lapic)) || deliverable(lapic) >= 0;
    bool before = lapic->pending;
    if (pending == before)
        return;
    lapic->pending = pending;
    if (pending) {
        set_bit(chip->out.notify, lapic->index);
        chip->out.any = true;
    }
}

static void set_mode_registers(struct lapic *lapic)
{
    uint32_t id = lapic->index;
    if (lapic_x2apic(lapic)) {
        *lapic_reg(lapic, LAPIC_ID) = id;
        *lapic_reg(lapic, LAPIC_LDR) = id >> 4 << 16 | UINT32_C(1) << id % 16;
    } else {
        *lapic_reg(lapic, LAPIC_ID) = id << 24;
    }
}

void lapic_init(struct x86_irqchip *chip, struct lapic *lapic, bool init)
{
    uint32_t id = *lapic_reg(lapic, LAPIC_ID);
    memset(lapic->regs, 0, sizeof(lapic->regs));
    lapic->errors = 0;
    lapic->deadline = 0;
    lapic->expiry = NEVER;
    if (!init)
        lapic->base =
            X86_APIC_BASE_DEFAULT | X86_APIC_BASE_EN | (lapic->index == 0 ? X86_APIC_BASE_BSP : 0);
    *lapic_reg(lapic, LAPIC_VERSION) = VERSION;
    *lapic_reg(lapic, LAPIC_DFR) = UINT32_MAX;
    *lapic_reg(lapic, LAPIC_SVR) = SVR_DEFAULT;
    for (uint32_t lvt = LVT_FIRST; lvt <= LVT_LAST; lvt += 16)
        *lapic_reg(lapic, lvt) = LVT_MASKED;
    /* Firmware is not always there to connect the 8259 to the first CPU. */
    if (lapic->index == 0)
        *lapic_reg(lapic, LAPIC_LVT_LINT0) = MODE_EXTINT << 8;
    set_mode_registers(lapic);
    if (init && !lapic_x2apic(lapic))
        *lapic_reg(lapic, LAPIC_ID) = id;
    touch(chip, lapic);
}

void x86_lapic_attach(struct x86_irqchip *chip, uint32_t vcpu)
{
    if (!chip_has_lapics(chip))
        return;
    chip_lock(chip);
    struct lapic *lapic = find(chip, vcpu);
    lapic->attached = true;
    lapic_init(chip, lapic, false);
    chip_unlock(chip);
}

void x86_lapic_detach(struct x86_irqchip *chip, uint32_t vcpu)
{
    if (!chip_has_lapics(chip))
        return;
    chip_lock(chip);
    struct lapic *lapic = find(chip, vcpu);
    lapic->attached = false;
    lapic->expiry = NEVER;
    touch(chip, lapic);
    chip_unlock(chip);
}

void x86_lapic_reset(struct x86_irqchip *chip, uint32_t vcpu, bool init)
{
    if (!chip_has_lapics(chip))
        return;
    chip_lock(chip);
    lapic_init(chip, find(chip, vcpu), init);
    chip_unlock(chip);
}

bool x86_lapic_pending(const struct x86_irqchip *chip, uint32_t vcpu)
{
    return vcpu < chip->config.max_vcpus && chip->lapics[vcpu].pending;
}

int x86_lapic_acknowledge(struct x86_irqchip *chip, uint32_t vcpu)
{
    int vector;
    chip_lock(chip);
    struct lapic *lapic = find(chip, vcpu);
    if (chip->pic_output && takes_pic(lapic)) {
        vector = pic_acknowledge(chip);
    } else if ((vector = deliverable(lapic)) >= 0) {
        lapic_set_bit(lapic, LAPIC_IRR, (uint8_t)vector, false);
        lapic_set_bit(lapic, LAPIC_ISR, (uint8_t)vector, true);
        if (chip->pit.backlog != 0 && (chip->ioapic.entries[2] & 0xff) == (uint32_t)vector)
            pit_retry(chip);
    }
    lapic->pending = false; /* so that one that still is gets published anew */
    touch(chip, lapic);
    chip_unlock(chip);
    return vector;
}

void lapic_end(struct x86_irqchip *chip, struct lapic *lapic)
{
    int vector = highest(lapic, LAPIC_ISR);
    uint32_t *lint0 = lapic_reg(lapic, LAPIC_LVT_LINT0);
    if (vector < 0)
        return;
    lapic_set_bit(lapic, LAPIC_ISR, (uint8_t)vector, false);
    touch(chip, lapic);
    if (!lapic_bit(lapic, LAPIC_TMR, (uint8_t)vector))
        return;
    if ((*lint0 & LVT_REMOTE_IRR) != 0 && (*lint0 & 0xff) == (uint32_t)vector) {
        *lint0 &= ~LVT_REMOTE_IRR;
        lapic_lint0(chip, lapic, false);
    }
    if ((*lapic_reg(lapic, LAPIC_SVR) & SVR_SUPPRESS_EOI) != 0)
        return;
    if (chip->config.kind == X86_IRQCHIP_FULL) {
        ioapic_end(chip, (uint8_t)vector);
    } else {
        chip->out.any = chip->out.eoi = true;
        chip->out.eoi_vector = (uint8_t)vector;
        chip->out.eoi_vcpu = lapic->index;
    }
}

uint64_t x86_lapic_base(const struct x86_irqchip *chip, uint32_t vcpu)
{
    return vcpu < chip->config.max_vcpus ? chip->lapics[vcpu].base : 0;
}

bool x86_lapic_set_base(struct x86_irqchip *chip, uint32_t vcpu, uint64_t base, bool force)
{
    const uint64_t modes = X86_APIC_BASE_EN | X86_APIC_BASE_EXTD;
    bool ok = true;
    if ((base & ~(X86_APIC_BASE_ADDRESS | modes | X86_APIC_BASE_BSP)) != 0 ||
        (base & modes) == X86_APIC_BASE_EXTD || !chip_has_lapics(chip))
        return false;
    chip_lock(chip);
    struct lapic *lapic = find(chip, vcpu);
    uint64_t from = lapic->base & modes, to = base & modes;
    if (!force && ((from == 0 && to == modes) || (from == modes && to == X86_APIC_BASE_EN))) {
        ok = false;
    } else {
        lapic->base = base;
        if (from != 0 && to == 0 && !force)
            lapic_init(chip, lapic, true);
        if (from != to)
            set_mode_registers(lapic);
        lapic_timer_settle(chip, lapic, chip_now(chip));
        chip_wake_at(chip, lapic->expiry);
        touch(chip, lapic);
    }
    chip_unlock(chip);
    return ok;
}

uint8_t x86_lapic_cr8(struct x86_irqchip *chip, uint32_t vcpu)
{
    chip_lock(chip);
    uint32_t tpr = *lapic_reg(find(chip, vcpu), LAPIC_TPR);
    chip_unlock(chip);
    return tpr >> 4 & 0xf;
}

void x86_lapic_set_cr8(struct x86_irqchip *chip, uint32_t vcpu, uint8_t cr8)
{
    chip_lock(chip);
    struct lapic *lapic = find(chip, vcpu);
    *lapic_reg(lapic, LAPIC_TPR) = (uint32_t)(cr8 & 0xf) << 4;
    touch(chip, lapic);
    chip_unlock(chip);
}

uint64_t x86_lapic_deadline(struct x86_irqchip *chip, uint32_t vcpu)
{
    chip_lock(chip);
    struct lapic *lapic = find(chip, vcpu);
    lapic_timer_settle(chip, lapic, chip_now(chip));
    uint64_t deadline = lapic->deadline;
    chip_unlock(chip);
    return deadline;
}

void x86_lapic_set_deadline(struct x86_irqchip *chip, uint32_t vcpu, uint64_t deadline)
{
    chip_lock(chip);
    struct lapic *lapic = find(chip, vcpu);
    if (lapic_timer_deadline_mode(lapic)) {
        lapic->deadline = deadline;
        lapic_timer_arm_deadline(chip, lapic);
    }
    chip_unlock(chip);
}

void x86_lapic_tsc_changed(struct x86_irqchip *chip, uint32_t vcpu)
{
    chip_lock(chip);
    struct lapic *lapic = find(chip, vcpu);
    if (lapic_timer_deadline_mode(lapic))
        lapic_timer_arm_deadline(chip, lapic);
    chip_unlock(chip);
}

void x86_lapic_get_state(struct x86_irqchip *chip, uint32_t vcpu, vmaccel_x86_lapic *state)
{
    chip_lock(chip);
    struct lapic *lapic = find(chip, vcpu);
    *lapic_reg(lapic, LAPIC_TIMER_COUNT) = lapic_timer_count(chip, lapic);
    *lapic_reg(lapic, LAPIC_PPR) = lapic_ppr(lapic);
    for (uint32_t i = 0; i < sizeof(state->regs); i++)
        state->regs[i] = (uint8_t)(lapic->regs[i / 4] >> i % 4 * 8);
    chip_unlock(chip);
}

bool x86_lapic_set_state(struct x86_irqchip *chip, uint32_t vcpu, const vmaccel_x86_lapic *state)
{
    uint32_t regs[256] = {0};
    if (!chip_has_lapics(chip))
        return false;
    for (uint32_t i = 0; i < sizeof(state->regs); i++)
        regs[i / 4] |= (uint32_t)state->regs[i] << i % 4 * 8;
    chip_lock(chip);
    struct lapic *lapic = find(chip, vcpu);
    bool ok = !lapic_x2apic(lapic) || regs[LAPIC_ID / 4] == lapic->index;
    if (ok) {
        memcpy(lapic->regs, regs, sizeof(regs));
        *lapic_reg(lapic, LAPIC_VERSION) = VERSION;
        if (lapic_x2apic(lapic))
            set_mode_registers(lapic);
        lapic->errors = 0;
        if (lapic_timer_deadline_mode(lapic)) {
            lapic_timer_arm_deadline(chip, lapic);
        } else {
            lapic->deadline = 0;
            lapic_timer_start(chip, lapic, *lapic_reg(lapic, LAPIC_TIMER_COUNT));
        }
        touch(chip, lapic);
    }
    chip_unlock(chip);
    return ok;
}

static void read_bytes(uint64_t *value, uint32_t reg, uint32_t first, uint8_t size)
{
    uint64_t mask = size >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * size) - 1;
    *value = first < 4 ? (uint64_t)(reg >> 8 * first) & mask : 0;
}

uint64_t x86_lapic_read(struct x86_irqchip *chip, uint32_t vcpu, uint32_t offset, uint8_t size)
{
    uint64_t value = 0;
    chip_lock(chip);
    struct lapic *lapic = find(chip, vcpu);
    if (lapic_enabled(lapic) && !lapic_x2apic(lapic) && offset < X86_LAPIC_WINDOW)
        read_bytes(&value, lapic_get(chip, lapic, offset / 16), offset % 16, size);
    chip_unlock(chip);
    return value;
}

void x86_lapic_write(struct x86_irqchip *chip, uint32_t vcpu, uint32_t offset, uint8_t size,
                     uint64_t value)
{
    if (size != 4 || offset % 16 != 0 || offset >= X86_LAPIC_WINDOW)
        return;
    chip_lock(chip);
    struct lapic *lapic = find(chip, vcpu);
    if (lapic_enabled(lapic) && !lapic_x2apic(lapic)) {
        lapic_put(chip, lapic, offset / 16, (uint32_t)value);
        touch(chip, lapic);
    }
    chip_unlock(chip);
}
