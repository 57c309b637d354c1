/* SPDX-License-Identifier: BSD-2-Clause */
/* Two 8259As, the second on line 2 of the first, with the edge/level registers of a PC. Edges are
 * latched: a line that is low again at the acknowledge still has its interrupt. */
#include "irqchip/chip.h"

#define CASCADE  2u
#define SPURIOUS 7u
#define NONE     8u
#define ELCR     0x4d0u

static const uint8_t elcr_masks[2] = {0xf8, 0xde};

void pic_init(struct x86_irqchip *chip)
{
    for (int i = 0; i < 2; i++)
        chip->pic[i].elcr_mask = elcr_masks[i];
}

/* The number of lines before the first of `lines` in priority order; NONE when there is none. */
static uint32_t rank(const vmaccel_x86_pic *pic, uint32_t lines)
{
    uint32_t n = 0;
    while (n < NONE && (lines >> ((n + pic->priority_add) & 7) & 1) == 0)
        n++;
    return n;
}

/* The line to serve now, or NONE. */
static uint32_t request(const struct x86_irqchip *chip, uint32_t which)
{
    const vmaccel_x86_pic *pic = &chip->pic[which];
    uint32_t service = pic->isr;
    if (pic->special_mask)
        service &= ~(uint32_t)pic->imr;
    if (pic->special_fully_nested_mode && which == 0)
        service &= ~(1u << CASCADE);
    uint32_t first = rank(pic, pic->irr & ~(uint32_t)pic->imr);
    return first < rank(pic, service) ? (first + pic->priority_add) & 7 : NONE;
}

/* True for a new request. */
static bool drive(vmaccel_x86_pic *pic, uint32_t line, bool level)
{
    uint8_t bit = (uint8_t)(1u << line), before = pic->irr;
    if ((pic->elcr & bit) != 0)
        pic->irr = level ? pic->irr | bit : pic->irr & (uint8_t)~bit;
    else if (level && (pic->last_irr & bit) == 0)
        pic->irr |= bit;
    pic->last_irr = level ? pic->last_irr | bit : pic->last_irr & (uint8_t)~bit;
    return (pic->irr & ~before) != 0;
}

static void update(struct x86_irqchip *chip)
{
    drive(&chip->pic[0], CASCADE, request(chip, 1) != NONE);
    bool output = request(chip, 0) != NONE, rising = output && !chip->pic_output;
    if (output == chip->pic_output)
        return;
    chip->pic_output = output;
    for (uint32_t i = 0; i < chip->config.max_vcpus; i++) {
        struct lapic *lapic = &chip->lapics[i];
        if (!lapic->attached)
            continue;
        set_bit(chip->dirty, i);
        if (chip_has_lapics(chip))
            lapic_lint0(chip, lapic, rising);
    }
}

enum outcome pic_set_line(struct x86_irqchip *chip, uint32_t line, bool level)
{
    vmaccel_x86_pic *pic = &chip->pic[line / 8];
    bool fresh = drive(pic, line % 8, level);
    update(chip);
    if (!level || (pic->imr >> line % 8 & 1) != 0)
        return IGNORED;
    return fresh ? DELIVERED : COALESCED;
}

static void rotate(vmaccel_x86_pic *pic, uint32_t lowest)
{
    pic->priority_add = (lowest + 1) & 7;
}

static void take(struct x86_irqchip *chip, uint32_t which, uint32_t line)
{
    vmaccel_x86_pic *pic = &chip->pic[which];
    uint8_t bit = (uint8_t)(1u << line);
    if ((pic->elcr & bit) == 0)
        pic->irr &= (uint8_t)~bit;
    if (!pic->auto_eoi)
        pic->isr |= bit;
    else if (pic->rotate_on_auto_eoi)
        rotate(pic, line);
    if (which == 0 && line == 0)
        pit_retry(chip);
    if (which == 1) /* its output falls for a moment */
        drive(&chip->pic[0], CASCADE, false);
}

uint8_t pic_acknowledge(struct x86_irqchip *chip)
{
    uint32_t line = request(chip, 0), which = 0;
    if (line == NONE) {
        line = SPURIOUS;
    } else {
        take(chip, 0, line);
        if (line == CASCADE) {
            which = 1;
            line = request(chip, 1);
            if (line == NONE)
                line = SPURIOUS;
            else
                take(chip, 1, line);
        }
    }
    update(chip);
    return (uint8_t)(chip->pic[which].irq_base + line);
}

static uint8_t poll(struct x86_irqchip *chip, uint32_t which)
{
    uint32_t line = request(chip, which);
    chip->pic[which].poll = 0;
    if (line == NONE)
        return 0;
    take(chip, which, line);
    update(chip);
    return (uint8_t)(0x80 | line);
}

uint8_t pic_read(struct x86_irqchip *chip, uint16_t port)
{
    uint32_t which = port >= ELCR ? port - ELCR : port >> 7 & 1;
    const vmaccel_x86_pic *pic = &chip->pic[which];
    if (port >= ELCR)
        return pic->elcr;
    if (pic->poll)
        return poll(chip, which);
    if ((port & 1) != 0)
        return pic->imr;
    return pic->read_reg_select ? pic->isr : pic->irr;
}

static void initialize(vmaccel_x86_pic *pic, uint8_t icw1)
{
    pic->init4 = icw1 & 1;
    pic->last_irr = 0;
    pic->irr &= pic->elcr;
    pic->isr = pic->imr = pic->priority_add = 0;
    pic->special_mask = pic->read_reg_select = pic->poll = pic->rotate_on_auto_eoi = 0;
    if (!pic->init4)
        pic->special_fully_nested_mode = pic->auto_eoi = 0;
    pic->init_state = 1;
}

/* OCW2: R, SL, EOI in bits 7:5. */
static void end_or_rotate(vmaccel_x86_pic *pic, uint8_t ocw2)
{
    bool turn = (ocw2 & 0x80) != 0, specific = (ocw2 & 0x40) != 0, end = (ocw2 & 0x20) != 0;
    uint32_t line = ocw2 & 7;
    if (!specific && !end) {
        pic->rotate_on_auto_eoi = turn;
        return;
    }
    if (end && !specific) {
        uint32_t service = pic->special_mask ? pic->isr & ~(uint32_t)pic->imr : pic->isr;
        uint32_t first = rank(pic, service);
        if (first == NONE)
            return;
        line = (first + pic->priority_add) & 7;
    }
    if (end)
        pic->isr &= (uint8_t) ~(1u << line);
    if (turn)
        rotate(pic, line);
}

static void write_command(vmaccel_x86_pic *pic, uint8_t value)
{
    if ((value & 0x10) != 0) {
        initialize(pic, value);
    } else if ((value & 8) != 0) {
        if ((value & 4) != 0)
            pic->poll = 1;
        if ((value & 2) != 0)
            pic->read_reg_select = value & 1;
        if ((value & 0x40) != 0)
            pic->special_mask = value >> 5 & 1;
    } else {
        end_or_rotate(pic, value);
    }
}

static void write_data(vmaccel_x86_pic *pic, uint8_t value)
{
    switch (pic->init_state) {
    case 1:
        pic->irq_base = value & 0xf8;
        pic->init_state = 2;
        break;
    case 2: /* how the two are wired is not for the guest to say */
        pic->init_state = pic->init4 ? 3 : 0;
        break;
    case 3:
        pic->special_fully_nested_mode = value >> 4 & 1;
        pic->auto_eoi = value >> 1 & 1;
        pic->init_state = 0;
        break;
    default:
        pic->imr = value;
        break;
    }
}

void pic_write(struct x86_irqchip *chip, uint16_t port, uint8_t value)
{
    uint32_t which = port >= ELCR ? port - ELCR : port >> 7 & 1;
    vmaccel_x86_pic *pic = &chip->pic[which];
    if (port >= ELCR)
        pic->elcr = value & elcr_masks[which];
    else if ((port & 1) != 0)
        write_data(pic, value);
    else
        write_command(pic, value);
    update(chip);
    if (which == 0)
        pit_revive(chip);
}

void pic_restore(struct x86_irqchip *chip, const vmaccel_x86_irqchip *state)
{
    for (int i = 0; i < 2; i++) {
        vmaccel_x86_pic *pic = &chip->pic[i];
        *pic = state->pic[i];
        pic->priority_add &= 7;
        pic->irq_base &= 0xf8;
        pic->init_state &= 3;
        pic->elcr &= elcr_masks[i];
        pic->elcr_mask = elcr_masks[i];
    }
    update(chip);
}
