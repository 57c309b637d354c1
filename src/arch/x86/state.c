/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/state.h"

#include <string.h>

#include "arch/x86/cr.h"

#define TYPE_ACCESSED 1u
#define TYPE_WRITABLE 2u /* data; readable for code */
#define TYPE_CODE     8u
#define TYPE_BUSY     2u /* of a TSS */

static unsigned type(const vmaccel_x86_segment *segment)
{
    return segment->attributes & VMACCEL_X86_SEG_TYPE;
}

static unsigned dpl(const vmaccel_x86_segment *segment)
{
    return segment->attributes >> VMACCEL_X86_SEG_DPL_SHIFT & 3;
}

static bool usable(const vmaccel_x86_segment *segment)
{
    return (segment->attributes & VMACCEL_X86_SEG_P) != 0;
}

static void segment_canonical(vmaccel_x86_segment *segment)
{
    uint16_t *attributes = &segment->attributes;

    if (!usable(segment)) {
        *attributes = 0;
        return;
    }
    if ((*attributes & VMACCEL_X86_SEG_S) != 0)
        *attributes |= TYPE_ACCESSED;
    if (segment->limit > 0xfffff)
        *attributes |= VMACCEL_X86_SEG_G;
    else if ((segment->limit & 0xfff) != 0xfff)
        *attributes &= (uint16_t)~VMACCEL_X86_SEG_G;
}

void x86_sregs_canonical(vmaccel_x86_sregs *sregs)
{
    vmaccel_x86_segment *all[] = {&sregs->cs, &sregs->ds, &sregs->es, &sregs->fs,
                                  &sregs->gs, &sregs->ss, &sregs->tr, &sregs->ldt};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        segment_canonical(all[i]);
    if (type(&sregs->tr) == 1 || type(&sregs->tr) == 9)
        sregs->tr.attributes |= TYPE_BUSY;
    memset(sregs->gdt.pad, 0, sizeof(sregs->gdt.pad));
    memset(sregs->idt.pad, 0, sizeof(sregs->idt.pad));
    /* ET reads 1; a write to the others is ignored, above bit 31 it faults. */
    sregs->cr0 = (sregs->cr0 & (X86_CR0_DEFINED | ~UINT64_C(0xffffffff))) | X86_CR0_ET;
}

bool x86_is_canonical(uint64_t address, unsigned bits)
{
    uint64_t upper = address >> (bits - 1);

    return upper == 0 || upper == UINT64_MAX >> (bits - 1);
}

#define REFUSE(condition, field, why)                                                              \
    do {                                                                                           \
        static const struct x86_state_fault fault = {field, why};                                  \
        if (condition)                                                                             \
            return &fault;                                                                         \
    } while (0)

const struct x86_state_fault *x86_regs_fault(const vmaccel_x86_regs *regs)
{
    REFUSE((regs->rflags & ~X86_FLAGS_DEFINED) != 0, "rflags", "a reserved bit is set");
    return NULL;
}

static bool limit_fits(const vmaccel_x86_segment *segment)
{
    return !usable(segment) || segment->limit <= 0xfffff || (segment->limit & 0xfff) == 0xfff;
}

static bool is_data_or_readable(const vmaccel_x86_segment *segment)
{
    return !usable(segment) || (type(segment) & (TYPE_CODE | TYPE_WRITABLE)) != TYPE_CODE;
}

static bool is_system(const vmaccel_x86_segment *segment)
{
    return usable(segment) && (segment->attributes & VMACCEL_X86_SEG_S) == 0;
}

static bool below_4g(const vmaccel_x86_segment *segment)
{
    return !usable(segment) || segment->base >> 32 == 0;
}

#define REFUSE_DATA_SEGMENT(segment, name)                                                         \
    do {                                                                                           \
        REFUSE(is_system(segment), name, "it is a system segment (S is clear)");                   \
        REFUSE(!is_data_or_readable(segment), name, "its type is code that can't be read");        \
        REFUSE(!limit_fits(segment), name, "its limit is neither below 1 MiB nor whole pages");    \
        REFUSE(((segment)->attributes & 0x0f00) != 0, name, "a reserved attribute bit is set");    \
    } while (0)

static const struct x86_state_fault *control_fault(const vmaccel_x86_sregs *s)
{
    bool long_mode = (s->efer & X86_EFER_LMA) != 0;
    bool paging = (s->cr0 & X86_CR0_PG) != 0;

    REFUSE(s->cr0 >> 32 != 0, "cr0", "a bit above 31 is set");
    REFUSE(paging && (s->cr0 & X86_CR0_PE) == 0, "cr0", "PG is set but PE is clear");
    REFUSE((s->cr0 & X86_CR0_NW) != 0 && (s->cr0 & X86_CR0_CD) == 0, "cr0",
           "NW is set but CD is clear");
    REFUSE((s->cr3 & ~(X86_CR3_LAM_U48 | X86_CR3_LAM_U57)) >> 52 != 0, "cr3",
           "a reserved bit is set");
    REFUSE((s->cr4 & ~X86_CR4_DEFINED) != 0, "cr4", "a reserved bit is set");
    REFUSE((s->cr4 & X86_CR4_PCIDE) != 0 && !long_mode, "cr4", "PCIDE is set outside long mode");
    REFUSE((s->cr4 & X86_CR4_CET) != 0 && (s->cr0 & X86_CR0_WP) == 0, "cr4",
           "CET is set but CR0.WP is clear");
    REFUSE(s->cr8 > 15, "cr8", "it is above 15");
    REFUSE((s->efer & ~X86_EFER_DEFINED) != 0, "efer", "a reserved bit is set");
    REFUSE(long_mode && !paging, "efer", "LMA is set but CR0.PG is clear");
    REFUSE(long_mode && (s->efer & X86_EFER_LME) == 0, "efer", "LMA is set but LME is clear");
    REFUSE(!long_mode && paging && (s->efer & X86_EFER_LME) != 0, "efer",
           "LMA is clear but LME and CR0.PG are set");
    REFUSE(long_mode && (s->cr4 & X86_CR4_PAE) == 0, "cr4", "PAE is clear in long mode");
    REFUSE((s->apic_base & (0xff | X86_BIT(9))) != 0 || s->apic_base >> 52 != 0, "apic_base",
           "a reserved bit is set");
    REFUSE((s->apic_base & X86_APIC_BASE_EXTD) != 0 && (s->apic_base & X86_APIC_BASE_EN) == 0,
           "apic_base", "x2APIC mode is set but the APIC is off");
    return NULL;
}

static const struct x86_state_fault *segment_fault(const vmaccel_x86_sregs *s)
{
    bool long_mode = (s->efer & X86_EFER_LMA) != 0;
    unsigned cs_long = VMACCEL_X86_SEG_L | VMACCEL_X86_SEG_DB;

    REFUSE(!usable(&s->cs), "cs", "P is clear");
    REFUSE(is_system(&s->cs), "cs", "it is a system segment (S is clear)");
    /* Real mode's code segment has a data type until the first far jump. */
    REFUSE((type(&s->cs) & TYPE_CODE) == 0 && type(&s->cs) != (TYPE_WRITABLE | TYPE_ACCESSED), "cs",
           "its type is neither code nor writable data");
    REFUSE(!limit_fits(&s->cs), "cs", "its limit is neither below 1 MiB nor whole pages");
    REFUSE((s->cs.attributes & 0x0f00) != 0, "cs", "a reserved attribute bit is set");
    REFUSE(long_mode && (s->cs.attributes & cs_long) == cs_long, "cs", "L and DB are both set");
    REFUSE_DATA_SEGMENT(&s->ds, "ds");
    REFUSE_DATA_SEGMENT(&s->es, "es");
    REFUSE_DATA_SEGMENT(&s->fs, "fs");
    REFUSE_DATA_SEGMENT(&s->gs, "gs");
    REFUSE_DATA_SEGMENT(&s->ss, "ss");
    REFUSE(usable(&s->ss) && (type(&s->ss) & (TYPE_CODE | TYPE_WRITABLE)) != TYPE_WRITABLE, "ss",
           "its type is not writable data");

    REFUSE(!usable(&s->tr), "tr", "P is clear");
    REFUSE((s->tr.attributes & VMACCEL_X86_SEG_S) != 0 || (type(&s->tr) != 3 && type(&s->tr) != 11),
           "tr", "its type is not a TSS");
    REFUSE(long_mode && type(&s->tr) != 11, "tr", "a 16-bit TSS can't be used in long mode");
    REFUSE(!limit_fits(&s->tr), "tr", "its limit is neither below 1 MiB nor whole pages");
    REFUSE(usable(&s->ldt) && ((s->ldt.attributes & VMACCEL_X86_SEG_S) != 0 || type(&s->ldt) != 2),
           "ldt", "its type is not an LDT");
    REFUSE(!limit_fits(&s->ldt), "ldt", "its limit is neither below 1 MiB nor whole pages");
    return NULL;
}

/* A CPU that knows 5-level paging takes bases of 57 bits whether it is on or not. */
static const struct x86_state_fault *base_fault(const vmaccel_x86_sregs *s)
{
    unsigned bits = 57;

    REFUSE(!x86_is_canonical(s->fs.base, bits), "fs", "its base is not canonical");
    REFUSE(!x86_is_canonical(s->gs.base, bits), "gs", "its base is not canonical");
    REFUSE(!x86_is_canonical(s->tr.base, bits), "tr", "its base is not canonical");
    REFUSE(usable(&s->ldt) && !x86_is_canonical(s->ldt.base, bits), "ldt",
           "its base is not canonical");
    REFUSE(!x86_is_canonical(s->gdt.base, bits), "gdt", "its base is not canonical");
    REFUSE(!x86_is_canonical(s->idt.base, bits), "idt", "its base is not canonical");
    REFUSE(!below_4g(&s->cs), "cs", "its base is above 4 GiB");
    REFUSE(!below_4g(&s->ds), "ds", "its base is above 4 GiB");
    REFUSE(!below_4g(&s->es), "es", "its base is above 4 GiB");
    REFUSE(!below_4g(&s->ss), "ss", "its base is above 4 GiB");
    return NULL;
}

const struct x86_state_fault *x86_sregs_fault(const vmaccel_x86_sregs *sregs)
{
    const struct x86_state_fault *fault = control_fault(sregs);

    if (fault == NULL)
        fault = segment_fault(sregs);
    return fault != NULL ? fault : base_fault(sregs);
}

static bool is_v86(const vmaccel_x86_segment *segment)
{
    return segment->base == (uint64_t)segment->selector << 4 && segment->limit == 0xffff &&
           segment->attributes == 0xf3;
}

const struct x86_state_fault *x86_entry_fault(const vmaccel_x86_regs *r, const vmaccel_x86_sregs *s)
{
    bool long_mode = (s->efer & X86_EFER_LMA) != 0, protected_mode = (s->cr0 & X86_CR0_PE) != 0;
    bool code64 = long_mode && (s->cs.attributes & VMACCEL_X86_SEG_L) != 0;

    REFUSE((r->rflags & X86_FLAGS_VM) != 0 && (long_mode || !protected_mode), "rflags",
           "VM is set outside 32-bit protected mode");
    REFUSE(code64 && !x86_is_canonical(r->rip, (s->cr4 & X86_CR4_LA57) != 0 ? 57 : 48), "rip",
           "it is not canonical");
    REFUSE(!code64 && r->rip >> 32 != 0, "rip", "it is above 4 GiB outside 64-bit code");
    if ((r->rflags & X86_FLAGS_VM) != 0) {
        REFUSE(!is_v86(&s->cs), "cs", "it is no virtual-8086 segment");
        REFUSE(!is_v86(&s->ss), "ss", "it is no virtual-8086 segment");
        REFUSE(!is_v86(&s->ds), "ds", "it is no virtual-8086 segment");
        REFUSE(!is_v86(&s->es), "es", "it is no virtual-8086 segment");
        REFUSE(!is_v86(&s->fs), "fs", "it is no virtual-8086 segment");
        REFUSE(!is_v86(&s->gs), "gs", "it is no virtual-8086 segment");
        return NULL;
    }
    unsigned cs_type = type(&s->cs);
    REFUSE(cs_type == 3 && dpl(&s->cs) != 0, "cs", "a data segment in CS has a DPL other than 0");
    REFUSE((cs_type == 9 || cs_type == 11) && dpl(&s->cs) != dpl(&s->ss), "cs",
           "its DPL differs from SS's");
    REFUSE(cs_type >= 13 && dpl(&s->cs) > dpl(&s->ss), "cs", "its DPL is above SS's");
    REFUSE((!protected_mode || cs_type == 3) && dpl(&s->ss) != 0, "ss",
           "its DPL is not 0 in real mode");
    REFUSE((s->tr.selector & 4) != 0, "tr", "its selector refers to the LDT");
    REFUSE(usable(&s->ldt) && (s->ldt.selector & 4) != 0, "ldt", "its selector refers to the LDT");
    return NULL;
}
