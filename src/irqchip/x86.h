/* SPDX-License-Identifier: BSD-2-Clause */
/* The interrupt controllers of a PC: local APICs, IOAPIC, 8259 pair and 8254, for platforms that
 * have none or not all. One object per VM. It knows no platform: what the CPUs must hear goes
 * through callbacks.
 *
 * Threads: every function may be called from any thread at any time, create and destroy excepted.
 * Callbacks come on the thread whose call caused them, or on the timer's, after the internal lock
 * is released, so they may call back. clock and tsc are asked with the lock held: they must not
 * call back, nor wait.
 *
 * A CPU looks at x86_lapic_pending() when it was notified, and calls x86_lapic_acknowledge() when
 * it can take an interrupt. It is notified whenever pending becomes true, and after an acknowledge
 * that leaves it true.
 *
 * Beyond the manuals: the APIC timer counts nanoseconds, as KVM's. Ticks of the 8254 that found the
 * one before not yet taken are kept, up to a second's worth, and follow when it is; those that
 * nobody would get are dropped. Periodic timers run at most each X86_IRQCHIP_MIN_PERIOD_NS.
 * SMIs and ExtINT messages are dropped. */
#ifndef VMACCEL_IRQCHIP_X86_H
#define VMACCEL_IRQCHIP_X86_H

#include <stdbool.h>
#include <stdint.h>

#include <vmaccel/x86.h>

#define X86_IRQCHIP_MAX_VCPUS     256
#define X86_IRQCHIP_MIN_PERIOD_NS 100000
#define X86_IRQCHIP_NEVER         UINT64_MAX
#define X86_LAPIC_BUS_HZ          1000000000u /* what divides into the APIC timer's clock */
#define X86_LAPIC_WINDOW          0x1000u
#define X86_IOAPIC_BASE           0xfec00000u
#define X86_IOAPIC_WINDOW         0x100u
#define X86_IOAPIC_PINS           24u

enum x86_irqchip_kind {
    X86_IRQCHIP_FULL,     /* all of them */
    X86_IRQCHIP_SPLIT,    /* local APICs only */
    X86_IRQCHIP_NO_LAPIC, /* IOAPIC, 8259 pair, 8254. The IOAPIC sends MSIs; vCPU 0's pending and
                             acknowledge are those of the 8259 pair */
};

struct x86_irqchip;

struct x86_irqchip_config {
    enum x86_irqchip_kind kind;
    uint32_t max_vcpus;
    uint32_t tsc_khz; /* with tsc */
    bool manual;      /* no timer thread: the caller calls x86_irqchip_advance() in time */
    void *context;    /* every callback's first argument */

    /* Any may be NULL but notify. A vCPU is named by its index, which is its initial APIC ID. */
    void (*notify)(void *context, uint32_t vcpu); /* its pending state wants a look */
    void (*init)(void *context, uint32_t vcpu);   /* INIT: the CPU shall x86_lapic_reset() */
    void (*sipi)(void *context, uint32_t vcpu, uint8_t vector);
    void (*nmi)(void *context, uint32_t vcpu);
    /* SPLIT: a level-triggered vector was ended, on the thread that wrote EOI. */
    void (*eoi)(void *context, uint32_t vcpu, uint8_t vector);
    /* NO_LAPIC: an interrupt of the IOAPIC's. Level-triggered ones have data bit 15 set and want
     * x86_ioapic_eoi(). */
    void (*msi)(void *context, uint64_t address, uint32_t data);
    uint64_t (*clock)(void *context);              /* nanoseconds; NULL: os_clock_ns() */
    uint64_t (*tsc)(void *context, uint32_t vcpu); /* the guest's; NULL: no TSC-deadline mode */
};

/* NULL on failure: *os_error is the host's error of the timer thread, or 0 for no memory. */
struct x86_irqchip *x86_irqchip_create(const struct x86_irqchip_config *config, int32_t *os_error);
/* No other call may be under way. NULL is allowed. */
void x86_irqchip_destroy(struct x86_irqchip *chip);

/* Run the timers that are due; returns when the next one is (X86_IRQCHIP_NEVER: none). */
uint64_t x86_irqchip_advance(struct x86_irqchip *chip);

/* Lines 0-15 reach the 8259 pair and the IOAPIC, 16-23 the IOAPIC; line 0 is pin 2, and line 2
 * reaches nothing. Others are ignored, all are under SPLIT. */
void x86_irqchip_line(struct x86_irqchip *chip, uint32_t line, bool level);

/* The address is of the form 0xFEExxxxx, a destination's upper bits in [63:40]. */
void x86_irqchip_msi(struct x86_irqchip *chip, uint64_t address, uint32_t data);

/* I/O ports 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40-0x43, 0x61. An access of several bytes is
 * one of each, in order; bytes of other ports read ff. False when the first port is none of them,
 * and always under SPLIT. */
bool x86_irqchip_port_read(struct x86_irqchip *chip, uint16_t port, uint8_t size, uint32_t *value);
bool x86_irqchip_port_write(struct x86_irqchip *chip, uint16_t port, uint8_t size, uint32_t value);

/* The IOAPIC's registers: index at 0, data at 0x10, EOI at 0x40. A read gives the bytes asked for,
 * 0 beyond the register's four; a write to anything but a register's first byte is ignored. */
uint64_t x86_ioapic_read(struct x86_irqchip *chip, uint64_t offset, uint8_t size);
void x86_ioapic_write(struct x86_irqchip *chip, uint64_t offset, uint8_t size, uint64_t value);
/* NO_LAPIC: a vector ended at a local APIC. */
void x86_ioapic_eoi(struct x86_irqchip *chip, uint8_t vector);

/* 8259 pair, IOAPIC and 8254; not under SPLIT. set restarts the 8254's channels from now. */
void x86_irqchip_get_state(struct x86_irqchip *chip, vmaccel_x86_irqchip *state);
void x86_irqchip_set_state(struct x86_irqchip *chip, const vmaccel_x86_irqchip *state);

/* Local APICs. One takes part from attach, in its power-on state, to detach. NO_LAPIC has none: of
 * what follows only pending and acknowledge are of use, for vCPU 0. */
void x86_lapic_attach(struct x86_irqchip *chip, uint32_t vcpu);
void x86_lapic_detach(struct x86_irqchip *chip, uint32_t vcpu);
/* As INIT leaves it (APIC base and xAPIC ID stay), or as power-on does. */
void x86_lapic_reset(struct x86_irqchip *chip, uint32_t vcpu, bool init);

/* Whether x86_lapic_acknowledge() would give a vector. Takes no lock. */
bool x86_lapic_pending(const struct x86_irqchip *chip, uint32_t vcpu);
/* Take the interrupt to deliver now, the 8259's first: its vector, or -1. */
int x86_lapic_acknowledge(struct x86_irqchip *chip, uint32_t vcpu);

/* IA32_APIC_BASE. Reading takes no lock. set returns false for #GP; force skips the checks of
 * transitions, for state that is restored. Bits above the guest's physical addresses, and x2APIC
 * where the guest's CPUID lacks it, are for the caller to refuse. */
uint64_t x86_lapic_base(const struct x86_irqchip *chip, uint32_t vcpu);
bool x86_lapic_set_base(struct x86_irqchip *chip, uint32_t vcpu, uint64_t base, bool force);

/* The register page, of an APIC in xAPIC mode. A read gives the bytes of the register, 0 beyond its
 * four. Writes other than aligned ones of 4 bytes are ignored. */
uint64_t x86_lapic_read(struct x86_irqchip *chip, uint32_t vcpu, uint32_t offset, uint8_t size);
void x86_lapic_write(struct x86_irqchip *chip, uint32_t vcpu, uint32_t offset, uint8_t size,
                     uint64_t value);
/* MSRs 0x800-0x83f. False for #GP. */
bool x86_lapic_read_msr(struct x86_irqchip *chip, uint32_t vcpu, uint32_t msr, uint64_t *value);
bool x86_lapic_write_msr(struct x86_irqchip *chip, uint32_t vcpu, uint32_t msr, uint64_t value);
/* TPR bits 7:4. */
uint8_t x86_lapic_cr8(struct x86_irqchip *chip, uint32_t vcpu);
void x86_lapic_set_cr8(struct x86_irqchip *chip, uint32_t vcpu, uint8_t cr8);

/* IA32_TSC_DEADLINE: 0 and ignored unless the timer is in that mode. */
uint64_t x86_lapic_deadline(struct x86_irqchip *chip, uint32_t vcpu);
void x86_lapic_set_deadline(struct x86_irqchip *chip, uint32_t vcpu, uint64_t deadline);
/* The vCPU's TSC was written: its deadline comes at another time. */
void x86_lapic_tsc_changed(struct x86_irqchip *chip, uint32_t vcpu);

/* set returns false for an ID that an x2APIC can't have. The mode is the APIC base's, which is set
 * first; IA32_TSC_DEADLINE after. Errors not yet moved to ESR are not part of the state. */
void x86_lapic_get_state(struct x86_irqchip *chip, uint32_t vcpu, vmaccel_x86_lapic *state);
bool x86_lapic_set_state(struct x86_irqchip *chip, uint32_t vcpu, const vmaccel_x86_lapic *state);

#endif
