/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts: lines and MSIs on the VM, one injection slot per vCPU.
 *
 * The slot: without a platform irqchip (VMACCEL_IRQCHIP_NONE) each vCPU takes one external
 * interrupt at a time. Injecting fails with BUSY while the slot is occupied, and with NOT_READY
 * while the guest can't take an interrupt (RFLAGS.IF clear, interrupt shadow, an event in
 * delivery). A window request makes the next run exit with VMACCEL_EXIT_IRQ_WINDOW as soon as the
 * slot is free and the guest can take one. The rule is the same on every platform. */
#ifndef VMACCEL_IRQ_H
#define VMACCEL_IRQ_H

#include <vmaccel/status.h>
#include <vmaccel/types.h>

VMACCEL_BEGIN_DECLS

/* Drive an interrupt line (GSI) to a level. x86, FULL irqchip: 0–15 reach the 8259 pair and the
 * IOAPIC (line 0 IOAPIC pin 2), 16–23 the IOAPIC. arm64: SPI number, INTID minus 32. An edge is
 * level true, then false. Errors: INVALID_ARGUMENT, NOT_SUPPORTED (CAP_IRQ_LINE), PLATFORM. Thread:
 * any. Source: KVM_IRQ_LINE. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_irq_line(vmaccel_vm *vm, uint32_t line,
                                                               bool level);

/* Send a message-signalled interrupt. x86: address 0xFEExxxxx and data as in the Intel SDM vol. 3,
 * "Message Signalled Interrupts"; the destination's upper bits in address[63:40] under x2APIC.
 * arm64, a GIC with ITS: the address of GITS_TRANSLATER (the ITS plus 0x10040) in bits 47:0, the
 * device ID in bits 63:48; data is the event ID. An event that the guest has not mapped is dropped.
 * Errors: INVALID_ARGUMENT, NOT_SUPPORTED (CAP_IRQ_MSI), PLATFORM. Thread: any. Source:
 * KVM_SIGNAL_MSI; WHvRequestInterrupt. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_irq_msi(vmaccel_vm *vm, uint64_t address,
                                                              uint32_t data);

/* Put an external interrupt into the slot; it is delivered on the next run before any guest
 * instruction. Errors: BUSY, NOT_READY, INVALID_ARGUMENT, NOT_SUPPORTED (CAP_INJECT_INTERRUPT),
 * THREAD, PLATFORM. Thread: owner. Source: KVM_INTERRUPT; WHvRegisterPendingInterruption; VM-entry
 * interruption information. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_vcpu_inject_interrupt(vmaccel_vcpu *vcpu,
                                                                            uint8_t vector);

/* Whether vmaccel_vcpu_inject_interrupt() would succeed now. Errors: NOT_SUPPORTED, THREAD,
 * PLATFORM. Thread: owner. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_vcpu_interrupt_ready(vmaccel_vcpu *vcpu,
                                                                           bool *ready);

/* Ask for a window exit, or withdraw the request. It ends with the exit. Errors: NOT_SUPPORTED,
 * THREAD. Thread: owner. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_vcpu_request_irq_window(vmaccel_vcpu *vcpu,
                                                                              bool on);

/* Queue an exception for delivery on the next run. error_code is used where has_error_code. For #PF
 * set CR2 first. A second exception before a run fails with BUSY. Errors: BUSY, INVALID_ARGUMENT
 * (vector over 31, or 2), NOT_SUPPORTED, THREAD, PLATFORM. Thread: owner. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_vcpu_inject_exception(vmaccel_vcpu *vcpu,
                                                                            uint8_t vector,
                                                                            bool has_error_code,
                                                                            uint32_t error_code);

/* Make an NMI pending; it is delivered when NMIs are not masked, one is latched while they are.
 * Errors: NOT_SUPPORTED, THREAD, PLATFORM. Thread: owner. Source: KVM_NMI. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_vcpu_inject_nmi(vmaccel_vcpu *vcpu);

VMACCEL_END_DECLS

#endif
