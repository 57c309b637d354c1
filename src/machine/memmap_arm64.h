/* SPDX-License-Identifier: BSD-2-Clause */
/* The AArch64 machine's address map: what boot loaders, the device tree and devices must agree on.
 */
#ifndef MACHINE_MEMMAP_ARM64_H
#define MACHINE_MEMMAP_ARM64_H

#define VIRT_GIC_DIST          0x08000000u
#define VIRT_GIC_CPU           0x08010000u /* GICv2 */
#define VIRT_GIC_REDIST        0x080A0000u /* GICv3; up to VIRT_UART */
#define VIRT_GIC_REDIST_STRIDE 0x20000u    /* of a CPU */
#define VIRT_UART              0x09000000u
#define VIRT_RTC               0x09010000u
#define VIRT_DEBUG_CONSOLE     0x090E0000u
#define VIRT_DEBUG_EXIT        0x090F0000u
#define VIRT_RAM               0x40000000u

/* SPI numbers: INTID less 32. */
#define VIRT_UART_IRQ 1u
#define VIRT_RTC_IRQ  2u
#define VIRT_SPIS     224u

/* PPI numbers of the CPU's timers: INTID less 16. */
#define VIRT_TIMER_SECURE   13u
#define VIRT_TIMER_PHYSICAL 14u
#define VIRT_TIMER_VIRTUAL  11u
#define VIRT_TIMER_HYP      10u

#define VIRT_MAX_CPUS ((VIRT_UART - VIRT_GIC_REDIST) / VIRT_GIC_REDIST_STRIDE)

#endif
