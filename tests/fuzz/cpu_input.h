/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes as a machine for the software CPU: a mode with working tables, changed at will, and memory.
 * Byte 0 is the mode, byte 1 the number of changes of 12 bytes each, the rest memory from CODE on.
 */
#ifndef VMACCEL_TESTS_FUZZ_CPU_INPUT_H
#define VMACCEL_TESTS_FUZZ_CPU_INPUT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86/state.h"
#include "cpu/cpu.h"

#define RAM_SIZE 0x40000u
#define GDT      0x1000u
#define IDT      0x2000u
#define TSS      0x3000u
#define STACK    0x7000u
#define CODE     0x8000u
#define TABLES   0x20000u

static uint8_t ram[RAM_SIZE] __attribute__((aligned(4096)));

struct input {
    const uint8_t *data;
    size_t size, at;
};
static inline uint64_t take(struct input *in, unsigned n)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < n && in->at < in->size; i++)
        value |= (uint64_t)in->data[in->at++] << 8 * i;
    return value;
}

struct machine {
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    vmaccel_x86_events events;
    vmaccel_x86_debug_regs debug;
    uint8_t xsave[CPU_XSAVE_SIZE];
};

enum { REAL, PROT16, PROT32, VM86, PAE, LONG, COMPAT, MODES };

static inline void put(uint32_t at, uint64_t value, unsigned size)
{
    memcpy(ram + at, &value, size);
}

static inline void descriptors(unsigned mode)
{
    static const uint64_t gdt[] = {0,
                                   UINT64_C(0x00cf9b000000ffff), /* 08: code 32 */
                                   UINT64_C(0x00cf93000000ffff), /* 10: data 32 */
                                   UINT64_C(0x00af9b000000ffff), /* 18: code 64 */
                                   UINT64_C(0x000f9b000000ffff), /* 20: code 16 */
                                   UINT64_C(0x000f93000000ffff), /* 28: data 16 */
                                   UINT64_C(0x00cffb000000ffff), /* 30: user code 32 */
                                   UINT64_C(0x00cff3000000ffff), /* 38: user data */
                                   UINT64_C(0x00affb000000ffff), /* 40: user code 64 */
                                   UINT64_C(0x0000890030000067), /* 48: TSS */
                                   0,
                                   UINT64_C(0x0000ec0000088000),  /* 58: call gate */
                                   UINT64_C(0x0000e50000480000)}; /* 60: task gate */
    memcpy(ram + GDT, gdt, sizeof gdt);
    for (unsigned v = 0; v < 48; v++) {
        bool wide = mode == LONG || mode == COMPAT;
        uint64_t gate =
            (CODE + 16 * v) | (uint64_t)(wide ? 0x18 : 0x08) << 16 | UINT64_C(0xee) << 40;
        if (mode == REAL)
            put(IDT + 4 * v, CODE + 16 * v, 4);
        else
            put(IDT + (wide ? 16 : 8) * v, gate, 8);
    }
    put(TSS + 4, STACK, 8); /* ESP0 or RSP0 */
    put(TSS + 8, mode == LONG || mode == COMPAT ? 0 : 0x10, 4);
}

static inline void page_tables(unsigned mode)
{
    if (mode == PAE) {
        for (unsigned i = 0; i < 4; i++)
            put(TABLES + 8 * i, TABLES + 0x1001, 8);
        put(TABLES + 0x1000, 0x87, 8);
        put(TABLES + 0x1008, TABLES + 0x2007, 8);
    } else {
        put(TABLES, TABLES + 0x1007, 8);
        put(TABLES + 8 * 511, TABLES + 0x1007, 8);
        put(TABLES + 0x1000, TABLES + 0x2007, 8);
        put(TABLES + 0x2000, 0x87, 8);
        put(TABLES + 0x2008, TABLES + 0x3007, 8);
    }
    for (unsigned i = 0; i < 64; i++)
        put(TABLES + (mode == PAE ? 0x2000u : 0x3000u) + 8 * i,
            (uint64_t)i << 12 | (i & 1 ? 5 : 7) | (uint64_t)(i & 2) << 62, 8);
}

static inline vmaccel_x86_segment segment(uint16_t selector, uint16_t attributes)
{
    return (vmaccel_x86_segment){.limit = attributes & VMACCEL_X86_SEG_G ? UINT32_MAX : 0xffff,
                                 .selector = selector,
                                 .attributes = attributes};
}

static inline void machine_mode(struct machine *m, unsigned mode)
{
    vmaccel_x86_sregs *s = &m->sregs;
    memset(m, 0, sizeof *m);
    memset(ram, 0, sizeof ram);
    vmaccel_x86_reset_state(&m->regs, s);
    vmaccel_x86_long_mode(s, TABLES);
    s->cr4 |= 1u << 18 | 1u << 16;
    if (mode == LONG || mode == COMPAT)
        s->cs = segment(0x18, 0xa09b);
    if (mode == COMPAT)
        s->cs = segment(0x30, 0xc0fb);
    if (mode < LONG) {
        s->efer = 0;
        s->cr4 = 1u << 9 | 1u << 10 | 1u << 18 | (mode == PAE ? 1u << 5 : 0);
        s->cr0 = mode == REAL ? 0x10 : mode == PAE ? 0x80000033 : 0x33;
        s->cs = segment(8, 0xc09b);
    }
    s->ss = s->ds = s->es = s->fs = s->gs = segment(0x10, 0xc093);
    if (mode == COMPAT)
        s->ss = s->ds = s->es = segment(0x3b, 0xc0f3);
    if (mode == PROT16) {
        s->cs = segment(0x20, 0x9b);
        s->ss = s->ds = s->es = segment(0x28, 0x93);
    }
    if (mode == REAL || mode == VM86) {
        uint16_t attributes = mode == VM86 ? 0xf3 : 0x93;
        s->cs = s->ss = s->ds = s->es = s->fs = s->gs = segment(0, attributes);
    }
    s->tr = segment(0x48, 0x8b);
    s->tr.base = TSS;
    s->gdt = (vmaccel_x86_table){.base = GDT, .limit = 0x67};
    s->idt = (vmaccel_x86_table){.base = mode == REAL ? IDT : IDT, .limit = 0x2ff};
    descriptors(mode);
    page_tables(mode);
    m->regs = (vmaccel_x86_regs){.rip = CODE,
                                 .rsp = STACK,
                                 .rbp = STACK,
                                 .rbx = 0x10000,
                                 .rsi = 0x10000,
                                 .rdi = 0x11000,
                                 .rcx = 5,
                                 .rflags = mode == VM86 ? 0x23202 : 0x202};
    m->debug.dr6 = 0xffff0ff0;
    m->debug.dr7 = 0x400;
    m->xsave[0] = 0x7f;
    m->xsave[1] = 3;
    m->xsave[24] = 0x80;
    m->xsave[25] = 0x1f;
    m->xsave[512] = 7;
}

/* Applies the changes; false: no CPU has such state. Changes of memory and MSRs are for later. */
static inline bool machine_read(struct machine *m, struct input *in)
{
    machine_mode(m, (unsigned)take(in, 1) % MODES);
    unsigned changes = (unsigned)take(in, 1) & 31;
    for (unsigned i = 0; i < changes; i++) {
        unsigned kind = (unsigned)take(in, 2), at = (unsigned)take(in, 2);
        uint64_t value = take(in, 8);
        switch (kind % 8) {
        case 0:
        case 1:
            memcpy((uint64_t *)&m->regs + at % 18, &value, 8);
            break;
        case 2:
            memcpy((uint8_t *)&m->sregs + at % (sizeof m->sregs - 8), &value,
                   1u << (kind >> 8 & 3));
            break;
        case 3:
            memcpy(m->xsave + at % 832, &value, 1u << (kind >> 8 & 3));
            break;
        case 4:
            ((uint64_t *)&m->debug)[at % 6] = value;
            break;
        case 5:
            m->events.shadow = value & 3;
            m->events.nmi_pending = value >> 8 & 1;
            m->events.nmi_masked = value >> 9 & 1;
            break;
        default:
            memcpy(ram + (at * 8u + (kind >> 8 & 7)) % (RAM_SIZE - 8), &value, 8);
            break;
        }
    }
    size_t rest = in->size - in->at < 0x8000 ? in->size - in->at : 0x8000;
    memcpy(ram + CODE, in->data + in->at, rest);
    m->xsave[26] = m->xsave[27] = 0; /* as MXCSR's reserved bits are checked by the caller */
    memset(m->xsave + 512, 0, 64);
    m->xsave[512] = 7;
    x86_sregs_canonical(&m->sregs);
    m->regs.rflags = (m->regs.rflags & 0x3f7fd7) | 2;
    return !x86_regs_fault(&m->regs) && !x86_sregs_fault(&m->sregs) && m->sregs.cr8 < 16 &&
           m->debug.dr6 >> 32 == 0 && m->debug.dr7 >> 32 == 0;
}

/* State that the CPU made is such that it can be set again. */
static inline void check_registers(const vmaccel_x86_regs *regs, const vmaccel_x86_sregs *sregs)
{
    const struct x86_state_fault *fault = x86_regs_fault(regs);
    if (!fault)
        fault = x86_sregs_fault(sregs);
    if (!fault)
        return;
    fprintf(stderr, "%s: %s\n", fault->field, fault->why);
    abort();
}

static inline bool input_page(void *context, uint64_t gpa, bool write, struct cpu_page *page)
{
    (void)context, (void)write;
    if (gpa >= RAM_SIZE)
        return false;
    /* The last pages are ROM. */
    *page = (struct cpu_page){ram + gpa, gpa < RAM_SIZE - 0x4000, gpa != 0x18000};
    return true;
}

#endif
