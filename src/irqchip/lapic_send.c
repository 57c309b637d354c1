/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt messages: from whom, to whom, and what arrives. */
#include "irqchip/chip.h"

#define SHORTHAND(icr) ((icr) >> 18 & 3)
#define ICR_LOGICAL    (1u << 11)
#define ICR_ASSERT     (1u << 14)
#define ICR_LEVEL      (1u << 15)
#define TO_SELF        1u
#define TO_ALL         2u
#define TO_OTHERS      3u
#define BROADCAST      0xffu
#define X2_BROADCAST   UINT32_MAX
#define DFR_FLAT       0xfu
#define DFR_CLUSTER    0x0u
#define FIRST_VECTOR   16u /* lower ones are illegal */

static enum outcome accept_fixed(struct x86_irqchip *chip, struct lapic *lapic, uint8_t vector,
                                 bool level)
{
    if (!lapic_software_enabled(lapic))
        return IGNORED;
    if (vector < FIRST_VECTOR) {
        lapic_error(chip, lapic, ESR_RECEIVE_VECTOR);
        return IGNORED;
    }
    bool waiting = lapic_bit(lapic, LAPIC_IRR, vector);
    lapic_set_bit(lapic, LAPIC_TMR, vector, level);
    lapic_set_bit(lapic, LAPIC_IRR, vector, true);
    set_bit(chip->dirty, lapic->index);
    return waiting ? COALESCED : DELIVERED;
}

enum outcome lapic_accept(struct x86_irqchip *chip, struct lapic *lapic,
                          const struct message *message)
{
    uint64_t *words;
    switch (message->mode) {
    case MODE_FIXED:
    case MODE_LOWEST:
        return accept_fixed(chip, lapic, message->vector, message->level);
    case MODE_NMI:
        words = chip->out.nmi;
        break;
    case MODE_INIT:
        words = chip->out.init;
        break;
    case MODE_STARTUP:
        words = chip->out.sipi;
        chip->out.sipi_vector = message->vector;
        break;
    default:
        return IGNORED;
    }
    set_bit(words, lapic->index);
    chip->out.any = true;
    return DELIVERED;
}

static bool matches_logical(struct lapic *lapic, uint32_t destination)
{
    uint32_t ldr = *lapic_reg(lapic, LAPIC_LDR);
    if (lapic_x2apic(lapic))
        return ldr >> 16 == destination >> 16 && (ldr & destination & 0xffff) != 0;
    ldr >>= 24;
    switch (*lapic_reg(lapic, LAPIC_DFR) >> 28) {
    case DFR_FLAT:
        return (ldr & destination) != 0;
    case DFR_CLUSTER:
        return ldr >> 4 == destination >> 4 && (ldr & destination & 0xf) != 0;
    default:
        return false;
    }
}

static bool matches(struct lapic *lapic, const struct message *message)
{
    uint32_t id = *lapic_reg(lapic, LAPIC_ID);
    if (!lapic_enabled(lapic))
        return false;
    if (message->destination == X2_BROADCAST ||
        (message->destination == BROADCAST && !lapic_x2apic(lapic)))
        return true;
    if (message->logical)
        return matches_logical(lapic, message->destination);
    return message->destination == (lapic_x2apic(lapic) ? id : id >> 24);
}

/* The lowest priority wins, and among equals the one that was served least. */
static bool before(struct lapic *a, struct lapic *b)
{
    uint32_t pa = lapic_ppr(a) >> 4, pb = lapic_ppr(b) >> 4;
    return pa != pb ? pa < pb : (int32_t)(a->served - b->served) < 0;
}

static enum outcome deliver_lowest(struct x86_irqchip *chip, const struct message *message)
{
    struct lapic *best = NULL;
    for (uint32_t i = 0; i < chip->config.max_vcpus; i++) {
        struct lapic *lapic = &chip->lapics[i];
        if (matches(lapic, message) && lapic_software_enabled(lapic) &&
            (best == NULL || before(lapic, best)))
            best = lapic;
    }
    if (best == NULL)
        return IGNORED;
    best->served++;
    return lapic_accept(chip, best, message);
}

enum outcome lapic_deliver(struct x86_irqchip *chip, const struct message *message)
{
    enum outcome best = IGNORED;
    if (message->mode == MODE_LOWEST || (message->lowest && message->mode == MODE_FIXED))
        return deliver_lowest(chip, message);
    for (uint32_t i = 0; i < chip->config.max_vcpus; i++) {
        struct lapic *lapic = &chip->lapics[i];
        if (matches(lapic, message)) {
            enum outcome outcome = lapic_accept(chip, lapic, message);
            best = outcome > best ? outcome : best;
        }
    }
    return best;
}

void lapic_send_ipi(struct x86_irqchip *chip, struct lapic *lapic)
{
    uint32_t icr = *lapic_reg(lapic, LAPIC_ICR), icr2 = *lapic_reg(lapic, LAPIC_ICR2);
    struct message message = {
        .destination = lapic_x2apic(lapic) ? icr2 : icr2 >> 24,
        .logical = (icr & ICR_LOGICAL) != 0,
        .level = (icr & ICR_LEVEL) != 0,
        .mode = LVT_MODE(icr),
        .vector = (uint8_t)icr,
    };
    /* The de-assertion of a level, as after INIT, tells today's CPUs nothing. */
    if (message.level && (icr & ICR_ASSERT) == 0)
        return;
    if (message.mode <= MODE_LOWEST && message.vector < FIRST_VECTOR) {
        lapic_error(chip, lapic, ESR_SEND_VECTOR);
        return;
    }
    switch (SHORTHAND(icr)) {
    case TO_SELF:
        lapic_accept(chip, lapic, &message);
        break;
    case TO_ALL:
    case TO_OTHERS:
        for (uint32_t i = 0; i < chip->config.max_vcpus; i++) {
            struct lapic *each = &chip->lapics[i];
            if (lapic_enabled(each) && (each != lapic || SHORTHAND(icr) == TO_ALL))
                lapic_accept(chip, each, &message);
        }
        break;
    default:
        lapic_deliver(chip, &message);
        break;
    }
}

void lapic_error(struct x86_irqchip *chip, struct lapic *lapic, uint32_t error)
{
    uint32_t lvt = *lapic_reg(lapic, LAPIC_LVT_ERROR);
    lapic->errors |= error;
    /* One whose own vector is illegal can't be told. */
    if ((lvt & 0xff) >= FIRST_VECTOR)
        lapic_local(chip, lapic, LAPIC_LVT_ERROR);
}

enum outcome lapic_local(struct x86_irqchip *chip, struct lapic *lapic, uint32_t lvt)
{
    uint32_t entry = *lapic_reg(lapic, lvt);
    struct message message = {.mode = LVT_MODE(entry), .vector = (uint8_t)entry};
    if (!lapic_enabled(lapic) || (entry & LVT_MASKED) != 0)
        return IGNORED;
    if (lvt == LAPIC_LVT_TIMER || lvt == LAPIC_LVT_ERROR)
        message.mode = MODE_FIXED;
    if (message.mode != MODE_FIXED && message.mode != MODE_NMI && message.mode != MODE_INIT)
        return IGNORED;
    message.level =
        lvt == LAPIC_LVT_LINT0 && message.mode == MODE_FIXED && (entry & LVT_LEVEL) != 0;
    return lapic_accept(chip, lapic, &message);
}

/* An ExtINT is taken from the 8259 by the CPU; this is for the other modes. */
void lapic_lint0(struct x86_irqchip *chip, struct lapic *lapic, bool rising)
{
    uint32_t *lint0 = lapic_reg(lapic, LAPIC_LVT_LINT0);
    bool level = (*lint0 & LVT_LEVEL) != 0 && LVT_MODE(*lint0) == MODE_FIXED;
    if (!chip->pic_output || (level ? (*lint0 & LVT_REMOTE_IRR) != 0 : !rising))
        return;
    if (lapic_local(chip, lapic, LAPIC_LVT_LINT0) != IGNORED && level)
        *lint0 |= LVT_REMOTE_IRR;
}
