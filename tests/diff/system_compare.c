/* SPDX-License-Identifier: BSD-2-Clause */
/* Which differences count, and how they are printed. */
#include "system.h"

#include <inttypes.h>
#include <string.h>

static const char *const reg_names[] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi",
                                        "rsp", "rbp", "r8",  "r9",  "r10", "r11",
                                        "r12", "r13", "r14", "r15", "rip", "rflags"};
static const char *const seg_names[] = {"cs", "ds", "es", "fs", "gs", "ss", "tr", "ldt"};
enum {
    REGS = sizeof reg_names / sizeof reg_names[0],
    SEGS = sizeof seg_names / sizeof seg_names[0]
};

#define NONE UINT32_MAX

static uint32_t first_byte(const struct outcome *a, const struct outcome *b)
{
    if (memcmp(a->ram, b->ram, RAM_SIZE) == 0)
        return NONE;
    uint32_t i = 0;
    while (a->ram[i] == b->ram[i])
        i++;
    return i;
}

static bool same_log(const struct outcome *a, const struct outcome *b)
{
    return a->count == b->count && memcmp(a->log, b->log, a->count * sizeof a->log[0]) == 0;
}

static bool same_segment(const vmaccel_x86_segment *a, const vmaccel_x86_segment *b)
{
    /* Nothing reads an unusable segment's limit. */
    return a->selector == b->selector && a->base == b->base && a->attributes == b->attributes &&
           (a->limit == b->limit || a->attributes == 0);
}

static const char *compare_sregs(const vmaccel_x86_sregs *a, const vmaccel_x86_sregs *b)
{
    const vmaccel_x86_segment *sa = &a->cs, *sb = &b->cs;
    for (unsigned i = 0; i < SEGS; i++)
        if (!same_segment(&sa[i], &sb[i]))
            return seg_names[i];
    return a->gdt.base != b->gdt.base || a->gdt.limit != b->gdt.limit   ? "gdtr"
           : a->idt.base != b->idt.base || a->idt.limit != b->idt.limit ? "idtr"
           : a->cr0 != b->cr0                                           ? "cr0"
           : a->cr2 != b->cr2                                           ? "cr2"
           : a->cr3 != b->cr3                                           ? "cr3"
           : a->cr4 != b->cr4                                           ? "cr4"
           : a->cr8 != b->cr8                                           ? "cr8"
           : a->efer != b->efer                                         ? "efer"
                                                                        : NULL;
}

const char *outcome_compare(const struct system_case *c, const struct outcome *a,
                            const struct outcome *b)
{
    (void)c;
    if (a->refused[0] || b->refused[0])
        return "refused";
    if (a->reason != b->reason)
        return "exit";
    /* Faults without end, interrupted anywhere. */
    if (a->reason == VMACCEL_EXIT_KICKED)
        return NULL;
    if (!same_log(a, b))
        return "accesses";
    /* After a triple fault KVM has reset the state, where the hardware leaves none. */
    if (a->reason != VMACCEL_EXIT_SHUTDOWN) {
        const uint64_t *ra = &a->regs.rax, *rb = &b->regs.rax;
        if (ra[16] != rb[16])
            return "rip";
        for (unsigned i = 0; i < REGS; i++)
            if (ra[i] != rb[i])
                return reg_names[i];
        const char *what = compare_sregs(&a->sregs, &b->sregs);
        if (what)
            return what;
        for (unsigned i = 0; i < MSR_COUNT; i++)
            if (a->msrs[i] != b->msrs[i])
                return "msr";
        if (a->xcr0 != b->xcr0)
            return "xcr0";
        if (memcmp(&a->debug, &b->debug, sizeof a->debug) != 0)
            return "dr";
    }
    return first_byte(a, b) != NONE ? "memory" : NULL;
}

/* ---- Printing ---- */

void case_print(FILE *f, const struct system_case *c)
{
    fprintf(f, "# case %" PRIu64 ": %s, %s, CPL %u, code", c->seed, system_groups[c->group].name,
            mode_names[c->mode], c->cpl);
    for (unsigned i = 0; i < c->size; i++)
        fprintf(f, " %02x", c->code[i]);
    fprintf(f, "\n#   cr0 %" PRIx64 " cr3 %" PRIx64 " cr4 %" PRIx64 " efer %" PRIx64 "\n#  ",
            c->sregs.cr0, c->sregs.cr3, c->sregs.cr4, c->sregs.efer);
    for (unsigned i = 0; i < REGS; i++)
        fprintf(f, " %s %" PRIx64, reg_names[i], (&c->regs.rax)[i]);
    fprintf(f, "\n#   gdt limit %x, idt limit %x, tr limit %x\n", c->sregs.gdt.limit,
            c->sregs.idt.limit, c->sregs.tr.limit);
    if (!paging(c))
        return;
    fprintf(f, "#   page tables:");
    for (uint32_t i = ROOT; i < OTHER_ROOT; i += 8)
        if (i - (TABLES + 2 * PAGE) >= PAGE && peek(c, i, 8) && peek(c, i, 4) != 0xf4f4f4f4)
            fprintf(f, " %05x: %" PRIx64, i, peek(c, i, 8));
    fputc('\n', f);
}

static void print_end(FILE *f, const char *name, const struct outcome *o)
{
    fprintf(f,
            "#   %s: %s%s rip %" PRIx64 " rsp %" PRIx64 " rflags %" PRIx64 " cr2 %" PRIx64
            " cs %x\n",
            name, o->refused[0] ? o->refused : vmaccel_exit_name(o->reason),
            o->regs.rip - (HANDLERS + 1) < 0x800 && (o->regs.rip - (HANDLERS + 1)) % 8 == 0
                ? " in a handler"
                : "",
            o->regs.rip, o->regs.rsp, o->regs.rflags, o->sregs.cr2, o->sregs.cs.selector);
    for (unsigned i = 0; i < o->count && i < 6; i++)
        fprintf(f, "#     %s %s %" PRIx64 " size %u data %" PRIx64 "\n",
                vmaccel_exit_name(o->log[i].reason), o->log[i].is_write ? "write" : "read",
                o->log[i].address, o->log[i].size, o->log[i].data);
}

static void print_memory(FILE *f, const struct system_case *c, const struct outcome *a,
                         const struct outcome *b)
{
    unsigned shown = 0;
    for (uint32_t i = 0; i < RAM_SIZE && shown < 12; i += 4)
        if (memcmp(a->ram + i, b->ram + i, 4) != 0) {
            uint32_t was, soft, kvm;
            memcpy(&was, c->ram + i, 4);
            memcpy(&soft, a->ram + i, 4);
            memcpy(&kvm, b->ram + i, 4);
            fprintf(f, "#   memory %05x: was %08x, soft %08x, kvm %08x\n", i, was, soft, kvm);
            shown++;
        }
}

void outcome_print(FILE *f, const struct system_case *c, const struct outcome *a,
                   const struct outcome *b)
{
    print_end(f, "soft", a);
    print_end(f, "kvm ", b);
    for (unsigned i = 0; i < REGS; i++)
        if ((&a->regs.rax)[i] != (&b->regs.rax)[i])
            fprintf(f, "#   %s: soft %" PRIx64 ", kvm %" PRIx64 "\n", reg_names[i],
                    (&a->regs.rax)[i], (&b->regs.rax)[i]);
    for (unsigned i = 0; i < SEGS; i++) {
        const vmaccel_x86_segment *x = &(&a->sregs.cs)[i], *y = &(&b->sregs.cs)[i];
        if (!same_segment(x, y))
            fprintf(f, "#   %s: soft %04x %" PRIx64 "+%x %04x, kvm %04x %" PRIx64 "+%x %04x\n",
                    seg_names[i], x->selector, x->base, x->limit, x->attributes, y->selector,
                    y->base, y->limit, y->attributes);
    }
#define SHOW(field)                                                                                \
    if (a->field != b->field)                                                                      \
    fprintf(f, "#   %s: soft %" PRIx64 ", kvm %" PRIx64 "\n", #field, (uint64_t)a->field,          \
            (uint64_t)b->field)
    SHOW(sregs.cr0);
    SHOW(sregs.cr2);
    SHOW(sregs.cr3);
    SHOW(sregs.cr4);
    SHOW(sregs.cr8);
    SHOW(sregs.efer);
    SHOW(sregs.gdt.base);
    SHOW(sregs.gdt.limit);
    SHOW(sregs.idt.base);
    SHOW(sregs.idt.limit);
    SHOW(xcr0);
    SHOW(debug.dr6);
    SHOW(debug.dr7);
    SHOW(debug.dr[0]);
#undef SHOW
    for (unsigned i = 0; i < MSR_COUNT; i++)
        if (a->msrs[i] != b->msrs[i])
            fprintf(f, "#   msr %x: soft %" PRIx64 ", kvm %" PRIx64 "\n", msr_ids[i], a->msrs[i],
                    b->msrs[i]);
    print_memory(f, c, a, b);
}
