/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest with a GIC and the program irq.S. */
#ifndef SUITE_ARM64_IRQ_H
#define SUITE_ARM64_IRQ_H

#include "arm64_guest.h"

#define GIC_DIST      UINT64_C(0x08000000)
#define GIC_REDIST    UINT64_C(0x080a0000)
#define GIC_CPU       UINT64_C(0x08010000)
#define SPI           40u /* a line */
#define INTID(line)   ((line) + 32u)
#define INTID_VTIMER  27u
#define REPORT_INTID  (A64_TRAPS + 0x100)
#define REPORT_ACK    (A64_TRAPS + 0x200)
#define X_REPORTS     24u /* registers of irq.S by what they are */
#define X_LEVEL       23u
#define X_COUNT       25u
#define X_PERIOD      26u
#define X_WAKES       19u
#define IRQ_AT(label) GUEST_LABEL(arm64_irq, label)

/* A VM with a GIC of that version and max_vcpus, not committed. */
vmaccel_vm *irq_vm(uint32_t version, uint32_t max_vcpus);
/* A vCPU with irq.S, its GIC set up, all reported. */
void irq_create(struct guest *guest, uint32_t version);
void irq_add_vcpu(struct guest *guest, uint32_t index, uint32_t version);
/* Run a piece of irq.S to its end. */
void irq_call(struct site site, struct guest *guest, uint32_t label, uint64_t x0, uint64_t x1,
              uint64_t x2);
#define CALL(guest, label, x0, x1, x2) irq_call(SITE, guest, IRQ_AT(label), x0, x1, x2)

/* Of the timer's counter, hertz. */
uint64_t irq_frequency(struct guest *guest);

/* Run, and the guest has taken INTID. */
#define RUN_TO_INTID(guest, intid) RUN_TO_WRITE(guest, REPORT_INTID, 4, intid)
#define IRQ_GO(guest, label)       SET_PC(guest, IRQ_AT(label))

/* For each GIC version that the platform has. */
#define EACH_GIC(version)                                                                          \
    for (uint32_t version = 2; version <= 3; version++)                                            \
        if (irq_has(version))
bool irq_has(uint32_t version);

#endif
