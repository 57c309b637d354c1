/* SPDX-License-Identifier: BSD-2-Clause */
/* The PC machine's address map: what boot loaders, tables and devices must agree on. */
#ifndef MACHINE_MEMMAP_X86_H
#define MACHINE_MEMMAP_X86_H

#include "machine/memmap.h"

/* RAM is at [0, MEMMAP_LOW_END) and from MEMMAP_HIGH_BASE. */
#define MEMMAP_LOW_END   0xC0000000ull
#define MEMMAP_HIGH_BASE 0x100000000ull

#define MEMMAP_EBDA       0x9FC00u /* 1 KiB the firmware would own; RAM below it is free */
#define MEMMAP_BIOS       0xE0000u /* ACPI tables, up to MEMMAP_BIOS_END */
#define MEMMAP_BIOS_END   0x100000u
#define MEMMAP_IOAPIC     0xFEC00000u
#define MEMMAP_IOAPIC_ID  0u
#define MEMMAP_LOCAL_APIC 0xFEE00000u

/* Ports and interrupt lines (ISA IRQ numbers; IRQ 0 is wired to IOAPIC pin 2). */
#define MEMMAP_COM1_PORT     0x3F8u
#define MEMMAP_COM1_IRQ      4u
#define MEMMAP_RTC_PORT      0x70u
#define MEMMAP_RTC_IRQ       8u
#define MEMMAP_RTC_CENTURY   0x32u /* CMOS index */
#define MEMMAP_I8042_DATA    0x60u
#define MEMMAP_I8042_COMMAND 0x64u
#define MEMMAP_RESET_PORT    MEMMAP_I8042_COMMAND
#define MEMMAP_RESET_VALUE   0xFEu
#define MEMMAP_PIT_IRQ       0u
#define MEMMAP_PIT_PIN       2u

/* ACPI fixed hardware. There is no SMI command port: SCI_EN (PM1 control bit 0) always reads 1. */
#define MEMMAP_PM1_EVENT   0x600u /* 4 bytes: status, enable */
#define MEMMAP_PM1_CONTROL 0x604u /* 2 bytes */
#define MEMMAP_PM_TIMER    0x608u /* 4 bytes, 3.579545 MHz, the low 24 bits count */
#define MEMMAP_SCI_IRQ     9u     /* level, active high */
#define MEMMAP_S5_TYPE     5u     /* SLP_TYP that powers off when written with SLP_EN */

static inline uint64_t memmap_low_size(uint64_t ram_size)
{
    return ram_size < MEMMAP_LOW_END ? ram_size : MEMMAP_LOW_END;
}

static inline uint64_t memmap_high_size(uint64_t ram_size)
{
    return ram_size - memmap_low_size(ram_size);
}

#endif
