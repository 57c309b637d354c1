/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the controllers. All functions are called with the chip's lock held. */
#ifndef VMACCEL_IRQCHIP_CHIP_H
#define VMACCEL_IRQCHIP_CHIP_H

#include <stdatomic.h>

#include "arch/x86/cr.h"
#include "irqchip/x86.h"
#include "os/os.h"

#define NEVER X86_IRQCHIP_NEVER
#define WORDS (X86_IRQCHIP_MAX_VCPUS / 64)

/* Registers of a local APIC, by offset in the page. */
#define LAPIC_ID          0x020u
#define LAPIC_VERSION     0x030u
#define LAPIC_TPR         0x080u
#define LAPIC_APR         0x090u
#define LAPIC_PPR         0x0a0u
#define LAPIC_EOI         0x0b0u
#define LAPIC_LDR         0x0d0u
#define LAPIC_DFR         0x0e0u
#define LAPIC_SVR         0x0f0u
#define LAPIC_ISR         0x100u
#define LAPIC_TMR         0x180u
#define LAPIC_IRR         0x200u
#define LAPIC_ESR         0x280u
#define LAPIC_ICR         0x300u
#define LAPIC_ICR2        0x310u
#define LAPIC_LVT_TIMER   0x320u
#define LAPIC_LVT_THERMAL 0x330u
#define LAPIC_LVT_PERF    0x340u
#define LAPIC_LVT_LINT0   0x350u
#define LAPIC_LVT_LINT1   0x360u
#define LAPIC_LVT_ERROR   0x370u
#define LAPIC_TIMER_INIT  0x380u
#define LAPIC_TIMER_COUNT 0x390u
#define LAPIC_TIMER_DIV   0x3e0u
#define LAPIC_SELF_IPI    0x3f0u

#define SVR_ENABLE       (1u << 8)
#define SVR_SUPPRESS_EOI (1u << 12)
#define LVT_REMOTE_IRR   (1u << 14)
#define LVT_LEVEL        (1u << 15)
#define LVT_MASKED       (1u << 16)
#define LVT_MODE(lvt)    ((lvt) >> 8 & 7)

#define ESR_SEND_VECTOR    (1u << 5)
#define ESR_RECEIVE_VECTOR (1u << 6)
#define ESR_REGISTER       (1u << 7)

enum delivery_mode {
    MODE_FIXED = 0,
    MODE_LOWEST = 1,
    MODE_NMI = 4,
    MODE_INIT = 5,
    MODE_STARTUP = 6,
    MODE_EXTINT = 7
};

/* What became of an interrupt. */
enum outcome {
    IGNORED,   /* masked, or nobody is there */
    COALESCED, /* the one before is still waiting */
    DELIVERED
};

struct message {
    uint32_t destination;
    bool logical, lowest, level;
    uint8_t mode, vector;
};

struct lapic {
    bool attached;
    uint32_t index;
    uint32_t regs[256];
    uint32_t errors;   /* since ESR was last written */
    uint32_t served;   /* lowest-priority interrupts, to take turns */
    uint64_t deadline; /* IA32_TSC_DEADLINE */
    uint64_t expiry;   /* when the timer fires next, host time */
    _Atomic uint64_t base;
    _Atomic bool pending;
};

struct ioapic {
    uint32_t id, index;
    uint32_t levels;    /* of the pins */
    uint32_t delivered; /* edges among them */
    uint64_t entries[X86_IOAPIC_PINS];
};

struct pit_channel {
    vmaccel_x86_pit_channel s;
    bool armed;    /* counting, or held by the gate */
    bool unread;   /* a count is written and not in the counter (status bit 6) */
    uint64_t held; /* nanoseconds counted when the gate went low */
};

struct pit {
    struct pit_channel channels[3];
    uint32_t flags;
    uint64_t edges;   /* of channel 0's output since its load */
    uint64_t backlog; /* of them not yet delivered */
    uint64_t last;    /* when edges were last counted */
    bool dormant;     /* both controllers mask it */
};

/* What callbacks are to be told after the lock. */
struct outbox {
    bool any;
    bool eoi;
    uint8_t eoi_vector, sipi_vector;
    uint32_t eoi_vcpu;
    uint64_t notify[WORDS], init[WORDS], sipi[WORDS], nmi[WORDS];
    uint32_t msis; /* pins */
    struct {
        uint64_t address;
        uint32_t data;
    } msi[X86_IOAPIC_PINS];
};

struct x86_irqchip {
    struct x86_irqchip_config config;
    os_mutex lock;
    os_cond wake;
    os_thread thread;
    bool stop;
    uint64_t wake_at; /* when the thread looks next */
    struct outbox out;
    uint64_t dirty[WORDS]; /* local APICs to publish */
    bool pic_output;
    vmaccel_x86_pic pic[2];
    struct ioapic ioapic;
    struct pit pit;
    struct lapic lapics[];
};

/* chip.c */
void chip_lock(struct x86_irqchip *chip);
void chip_unlock(struct x86_irqchip *chip);
uint64_t chip_now(const struct x86_irqchip *chip);
/* A timer is due then. */
void chip_wake_at(struct x86_irqchip *chip, uint64_t time);
enum outcome chip_set_line(struct x86_irqchip *chip, uint32_t line, bool level);

static inline bool chip_has_lapics(const struct x86_irqchip *chip)
{
    return chip->config.kind != X86_IRQCHIP_NO_LAPIC;
}

static inline void set_bit(uint64_t *words, uint32_t bit)
{
    words[bit / 64] |= UINT64_C(1) << bit % 64;
}

/* lapic.c */
static inline uint32_t *lapic_reg(struct lapic *lapic, uint32_t offset)
{
    return &lapic->regs[offset / 4];
}

static inline bool lapic_bit(struct lapic *lapic, uint32_t bank, uint8_t vector)
{
    return (*lapic_reg(lapic, bank + vector / 32 * 16u) >> vector % 32 & 1) != 0;
}

static inline void lapic_set_bit(struct lapic *lapic, uint32_t bank, uint8_t vector, bool on)
{
    uint32_t *word = lapic_reg(lapic, bank + vector / 32 * 16u);
    *word = on ? *word | UINT32_C(1) << vector % 32 : *word & ~(UINT32_C(1) << vector % 32);
}

static inline bool lapic_enabled(const struct lapic *lapic)
{
    return lapic->attached && (lapic->base & X86_APIC_BASE_EN) != 0;
}

static inline bool lapic_software_enabled(struct lapic *lapic)
{
    return lapic_enabled(lapic) && (*lapic_reg(lapic, LAPIC_SVR) & SVR_ENABLE) != 0;
}

static inline bool lapic_x2apic(const struct lapic *lapic)
{
    return (lapic->base & X86_APIC_BASE_EXTD) != 0;
}

void lapic_init(struct x86_irqchip *chip, struct lapic *lapic, bool init);
void lapic_publish(struct x86_irqchip *chip, struct lapic *lapic);
uint32_t lapic_ppr(struct lapic *lapic);
void lapic_end(struct x86_irqchip *chip, struct lapic *lapic);

/* lapic_regs.c */
/* reg is offset / 16, of a register that may be read or written. */
uint32_t lapic_get(struct x86_irqchip *chip, struct lapic *lapic, uint32_t reg);
void lapic_put(struct x86_irqchip *chip, struct lapic *lapic, uint32_t reg, uint32_t value);

/* lapic_send.c */
enum outcome lapic_accept(struct x86_irqchip *chip, struct lapic *lapic,
                          const struct message *message);
enum outcome lapic_deliver(struct x86_irqchip *chip, const struct message *message);
void lapic_send_ipi(struct x86_irqchip *chip, struct lapic *lapic);
void lapic_error(struct x86_irqchip *chip, struct lapic *lapic, uint32_t error);
enum outcome lapic_local(struct x86_irqchip *chip, struct lapic *lapic, uint32_t lvt);
/* The 8259's output changed, or the LVT entry did. */
void lapic_lint0(struct x86_irqchip *chip, struct lapic *lapic, bool rising);

/* lapic_timer.c */
bool lapic_timer_deadline_mode(struct lapic *lapic);
/* Fire what is due; returns when the timer needs a look next. */
uint64_t lapic_timer_settle(struct x86_irqchip *chip, struct lapic *lapic, uint64_t now);
uint32_t lapic_timer_count(struct x86_irqchip *chip, struct lapic *lapic);
/* Count down from `count`; 0 stops it. */
void lapic_timer_start(struct x86_irqchip *chip, struct lapic *lapic, uint32_t count);
void lapic_timer_set_lvt(struct x86_irqchip *chip, struct lapic *lapic, uint32_t value);
void lapic_timer_set_divider(struct x86_irqchip *chip, struct lapic *lapic, uint32_t value);
/* From the deadline as it is. */
void lapic_timer_arm_deadline(struct x86_irqchip *chip, struct lapic *lapic);

/* ioapic.c */
void ioapic_init(struct ioapic *ioapic);
bool ioapic_masked(const struct ioapic *ioapic, uint32_t pin);
enum outcome ioapic_set_pin(struct x86_irqchip *chip, uint32_t pin, bool level);
void ioapic_end(struct x86_irqchip *chip, uint8_t vector);
void ioapic_restore(struct x86_irqchip *chip, const vmaccel_x86_irqchip *state);

/* pic.c */
void pic_init(struct x86_irqchip *chip);
enum outcome pic_set_line(struct x86_irqchip *chip, uint32_t line, bool level);
uint8_t pic_acknowledge(struct x86_irqchip *chip);
uint8_t pic_read(struct x86_irqchip *chip, uint16_t port);
void pic_write(struct x86_irqchip *chip, uint16_t port, uint8_t value);
void pic_restore(struct x86_irqchip *chip, const vmaccel_x86_irqchip *state);

/* pit.c */
void pit_init(struct x86_irqchip *chip);
uint8_t pit_read(struct x86_irqchip *chip, uint16_t port);
void pit_write(struct x86_irqchip *chip, uint16_t port, uint8_t value);
uint64_t pit_settle(struct x86_irqchip *chip, uint64_t now);
/* Line 0 may take a tick again: one was acknowledged. */
void pit_retry(struct x86_irqchip *chip);
/* Masks changed. */
void pit_revive(struct x86_irqchip *chip);
void pit_restore(struct x86_irqchip *chip, const vmaccel_x86_irqchip *state);

#endif
