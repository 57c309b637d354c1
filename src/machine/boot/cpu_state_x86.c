/* SPDX-License-Identifier: BSD-2-Clause */
/* The first vCPU's state, and the descriptor and page tables it starts with. */
#include <string.h>

#include "machine/boot/bytes.h"
#include "machine/boot/load_x86.h"
#include "machine/memmap_x86.h"

/* Selectors of the Linux boot protocol; the other formats leave the choice to us. */
enum { CODE_SELECTOR = 0x10, DATA_SELECTOR = 0x18, TASK_SELECTOR = 0x20 };

#define DESCRIPTOR_CODE64 0x00AF9B000000FFFFull
#define DESCRIPTOR_CODE32 0x00CF9B000000FFFFull
#define DESCRIPTOR_DATA   0x00CF93000000FFFFull
/* A busy 32-bit or 64-bit TSS, base 0, limit 0x67; in long mode its upper half is the next entry,
 * 0. */
#define DESCRIPTOR_TASK 0x00008B0000000067ull

#define GDT_SIZE 0x30u

#define PAGE_TABLE 0x003u /* present, writable */
#define PAGE_2M    0x083u /* and a large page */
#define CR0_PE     0x01u
#define CR0_ET     0x10u

static vmaccel_status make_gdt(struct load *l, uint64_t code, vmaccel_x86_table *gdt)
{
    uint64_t gpa;
    uint8_t *host;
    vmaccel_status status = load_table(l, GDT_SIZE, 16, "the descriptor table", &gpa, &host);

    if (status != VMACCEL_OK)
        return status;
    put64(host + CODE_SELECTOR, code);
    put64(host + DATA_SELECTOR, DESCRIPTOR_DATA);
    put64(host + TASK_SELECTOR, DESCRIPTOR_TASK);
    gdt->base = gpa;
    gdt->limit = GDT_SIZE - 1;
    return VMACCEL_OK;
}

static vmaccel_status make_page_tables(struct load *l, uint64_t *cr3)
{
    uint8_t *host;
    vmaccel_status status =
        load_table(l, 6 * LOAD_PAGE, LOAD_PAGE, "the page-table area", cr3, &host);

    if (status != VMACCEL_OK)
        return status;
    put64(host, (*cr3 + LOAD_PAGE) | PAGE_TABLE);
    for (unsigned i = 0; i < 4; i++)
        put64(host + LOAD_PAGE + 8 * i, (*cr3 + (2 + i) * LOAD_PAGE) | PAGE_TABLE);
    for (unsigned i = 0; i < 4 * 512; i++)
        put64(host + 2 * LOAD_PAGE + 8 * i, (uint64_t)i << 21 | PAGE_2M);
    return VMACCEL_OK;
}

static void start_at(struct boot_state *state, uint64_t entry)
{
    vmaccel_x86_reset_state(&state->regs, &state->sregs);
    memset(&state->regs, 0, sizeof(state->regs));
    state->regs.rflags = 2;
    state->regs.rip = entry;
}

vmaccel_status load_long_mode(struct load *l, uint64_t entry, struct boot_state *state)
{
    vmaccel_x86_sregs *s = &state->sregs;
    vmaccel_x86_table gdt = {0};
    uint64_t cr3;
    vmaccel_status status = make_gdt(l, DESCRIPTOR_CODE64, &gdt);

    if (status == VMACCEL_OK)
        status = make_page_tables(l, &cr3);
    if (status != VMACCEL_OK)
        return status;
    start_at(state, entry);
    vmaccel_x86_long_mode(s, cr3);
    s->gdt = gdt;
    s->cs.selector = CODE_SELECTOR;
    s->ds.selector = s->es.selector = s->fs.selector = s->gs.selector = s->ss.selector =
        DATA_SELECTOR;
    s->tr.selector = TASK_SELECTOR;
    s->tr.limit = 0x67;
    return VMACCEL_OK;
}

vmaccel_status load_protected_mode(struct load *l, uint64_t entry, struct boot_state *state)
{
    static const vmaccel_x86_segment code = {
        .limit = UINT32_MAX, .selector = CODE_SELECTOR, .attributes = 0xC09B};
    static const vmaccel_x86_segment data = {
        .limit = UINT32_MAX, .selector = DATA_SELECTOR, .attributes = 0xC093};
    static const vmaccel_x86_segment task = {
        .limit = 0x67, .selector = TASK_SELECTOR, .attributes = 0x008B};
    vmaccel_x86_sregs *s = &state->sregs;
    vmaccel_x86_table gdt = {0};
    vmaccel_status status = make_gdt(l, DESCRIPTOR_CODE32, &gdt);

    if (status != VMACCEL_OK)
        return status;
    start_at(state, entry);
    s->gdt = gdt;
    s->cs = code;
    s->ds = s->es = s->fs = s->gs = s->ss = data;
    s->tr = task;
    s->cr0 = CR0_PE | CR0_ET;
    return VMACCEL_OK;
}

vmaccel_status load_stack(struct load *l, struct boot_state *state)
{
    uint64_t low = memmap_low_size(l->in->ram_size), gpa;
    vmaccel_status status =
        load_place(l, 0x10000, 16, LOAD_TABLES_LOW, low < MEMMAP_EBDA ? low : MEMMAP_EBDA,
                   LOAD_DOWN, "the stack", &gpa, NULL);

    if (status == VMACCEL_OK)
        state->regs.rsp = gpa + 0x10000;
    return status;
}
