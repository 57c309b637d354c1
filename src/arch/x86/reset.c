/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <vmaccel/x86.h>

#include "arch/x86/cr.h"

/* Present, S, accessed. */
#define REAL_DATA 0x93u
#define REAL_CODE 0x9bu

void vmaccel_x86_reset_state(vmaccel_x86_regs *regs, vmaccel_x86_sregs *sregs)
{
    const vmaccel_x86_segment data = {.limit = 0xffff, .attributes = REAL_DATA};

    if (regs != NULL) {
        memset(regs, 0, sizeof(*regs));
        regs->rip = 0xfff0;
        regs->rflags = X86_FLAGS_FIXED;
        regs->rdx = 0x600; /* family 6; model and stepping are the CPU's own */
    }
    if (sregs != NULL) {
        memset(sregs, 0, sizeof(*sregs));
        sregs->cs = (vmaccel_x86_segment){
            .base = 0xffff0000, .limit = 0xffff, .selector = 0xf000, .attributes = REAL_CODE};
        sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
        sregs->ldt = (vmaccel_x86_segment){.limit = 0xffff, .attributes = VMACCEL_X86_SEG_P | 2};
        sregs->tr = (vmaccel_x86_segment){.limit = 0xffff, .attributes = VMACCEL_X86_SEG_P | 11};
        sregs->gdt.limit = sregs->idt.limit = 0xffff;
        sregs->cr0 = X86_CR0_CD | X86_CR0_NW | X86_CR0_ET;
        sregs->apic_base = X86_APIC_BASE_DEFAULT | X86_APIC_BASE_EN | X86_APIC_BASE_BSP;
    }
}

void vmaccel_x86_long_mode(vmaccel_x86_sregs *sregs, uint64_t cr3)
{
    const vmaccel_x86_segment data = {
        .limit = UINT32_MAX,
        .selector = 0x10,
        .attributes = REAL_DATA | VMACCEL_X86_SEG_DB | VMACCEL_X86_SEG_G,
    };

    sregs->cs = (vmaccel_x86_segment){
        .limit = UINT32_MAX,
        .selector = 0x08,
        .attributes = REAL_CODE | VMACCEL_X86_SEG_L | VMACCEL_X86_SEG_G,
    };
    sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
    sregs->tr = (vmaccel_x86_segment){.limit = 0xffff, .attributes = VMACCEL_X86_SEG_P | 11};
    sregs->cr0 =
        X86_CR0_PE | X86_CR0_MP | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_PG;
    sregs->cr3 = cr3;
    sregs->cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;
    sregs->efer = X86_EFER_LME | X86_EFER_LMA | X86_EFER_SCE | X86_EFER_NXE;
}
