/* SPDX-License-Identifier: BSD-2-Clause */
/* Differences that are the reference's fault, or free by the manuals: each with its condition. */
#include "system.h"

#include <string.h>

static void adopt(const struct outcome *soft, struct outcome *kvm)
{
    uint8_t *ram = kvm->ram;
    *kvm = *soft;
    kvm->ram = ram;
    memcpy(ram, soft->ram, RAM_SIZE);
}

static bool kvm_gave_up(const struct system_case *c, const struct outcome *soft,
                        struct outcome *kvm)
{
    (void)c;
    if (kvm->reason != VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION &&
        kvm->reason != VMACCEL_EXIT_INTERNAL_ERROR && kvm->reason != VMACCEL_EXIT_FAILED_ENTRY)
        return false;
    adopt(soft, kvm);
    return true;
}

/* Bit 5 of a PAE PDPTE is reserved. */
static bool pdpte_accessed(const struct system_case *c, const struct outcome *soft,
                           struct outcome *kvm)
{
    bool found = false;
    (void)c;
    for (unsigned i = 0; i < 8; i++) {
        unsigned at = (i < 4 ? ROOT : OTHER_ROOT) + i % 4 * 8;
        if ((kvm->ram[at] ^ soft->ram[at]) == 0x20) {
            kvm->ram[at] ^= 0x20;
            found = true;
        }
    }
    return found;
}

/* ---- What ran, and where it ended ---- */

static const uint8_t *opcode(const struct system_case *c)
{
    const uint8_t *p = c->code;
    while (*p == 0x66 || *p == 0xf0 || *p == 0xf3 || (*p == 0x48 && c->mode == MODE_LONG))
        p++;
    return p;
}

static bool is_insn(const struct system_case *c, unsigned second)
{
    const uint8_t *p = opcode(c);
    return p[0] == 0x0f && p[1] == second;
}

/* The exception whose handler was reached. */
static unsigned vector_of(const struct outcome *o)
{
    uint64_t at = o->regs.rip - HANDLERS - 1;
    return o->reason == VMACCEL_EXIT_HLT && at < 0x800 && at % 8 == 0 ? (unsigned)at / 8 : 256;
}

static uint16_t top_of_stack(const struct outcome *o)
{
    uint16_t value = 0;
    if (o->regs.rsp < RAM_SIZE - 2)
        memcpy(&value, o->ram + o->regs.rsp, 2);
    return value;
}

static void set_top_of_stack(const struct outcome *o, uint16_t value)
{
    memcpy(o->ram + o->regs.rsp, &value, 2);
}

static bool is_canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

/* ---- The rig's CPU ---- */

static bool resume_flag(const struct system_case *c, const struct outcome *soft,
                        struct outcome *kvm)
{
    bool found = false;
    (void)c;
    for (uint32_t i = 2; i < RAM_SIZE - 1; i++)
        if ((kvm->ram[i] ^ soft->ram[i]) == 1 && (soft->ram[i] & 1) && (kvm->ram[i - 2] & 2) &&
            kvm->ram[i + 1] == 0) {
            kvm->ram[i] |= 1;
            found = true;
        }
    return found;
}

static bool descriptor_accessed(const struct system_case *c, const struct outcome *soft,
                                struct outcome *kvm)
{
    bool found = false;
    for (uint32_t i = GDT + 5; i < IDT; i += 8)
        if ((kvm->ram[i] ^ soft->ram[i]) == 1 && (soft->ram[i] & 0x19) == 0x19) {
            kvm->ram[i] |= 1;
            found = true;
        }
    for (unsigned i = 1; paging(c) && i < 3; i++) {
        uint32_t at = TABLES + 2 * PAGE + i * (c->mode == MODE_PAGE32 ? 4 : 8);
        if ((kvm->ram[at] ^ soft->ram[at]) == 0x40 && (soft->ram[at] & 0x40)) {
            kvm->ram[at] |= 0x40; /* the table's page is not written either */
            found = true;
        }
    }
    return found;
}

static bool real_mode_cs(const struct system_case *c, const struct outcome *soft,
                         struct outcome *kvm)
{
    (void)c;
    if ((kvm->sregs.cr0 & 1) || soft->sregs.cs.attributes != 0x9b ||
        kvm->sregs.cs.attributes != 0x93)
        return false;
    kvm->sregs.cs.attributes = 0x9b;
    return true;
}

static bool ist_null_ss(const struct system_case *c, const struct outcome *soft,
                        struct outcome *kvm)
{
    if (c->mode < MODE_COMPAT || kvm->sregs.ss.attributes || !soft->sregs.ss.attributes ||
        (kvm->regs.rsp ^ soft->regs.rsp) != 0 || kvm->regs.rsp - IST_STACKS >= PAGE)
        return false;
    kvm->sregs.ss = soft->sregs.ss;
    return true;
}

static bool idt_error_code(const struct system_case *c, const struct outcome *soft,
                           struct outcome *kvm)
{
    uint16_t want = top_of_stack(soft), have = top_of_stack(kvm);
    if (c->mode < MODE_COMPAT || soft->regs.rsp != kvm->regs.rsp || !(want & 2) ||
        have != ((want & ~7u) * 2 | (want & 7u)))
        return false;
    set_top_of_stack(kvm, want);
    return true;
}

static bool read_before_write(const struct system_case *c, const struct outcome *soft,
                              struct outcome *kvm)
{
    uint16_t want = top_of_stack(soft), have = top_of_stack(kvm);
    if ((opcode(c)[0] != 0x01 && opcode(c)[0] != 0x63 && !is_insn(c, 0xb1)) ||
        vector_of(soft) != 14 || vector_of(kvm) != 14 || want != (have | 2))
        return false;
    set_top_of_stack(kvm, want);
    return true;
}

static bool msr_canonical(const struct system_case *c, const struct outcome *soft,
                          struct outcome *kvm)
{
    uint64_t value = (uint32_t)c->regs.rax | c->regs.rdx << 32;
    switch ((uint32_t)c->regs.rcx) {
    case 0x175:
    case 0x176:
    case 0xc0000082:
    case 0xc0000083:
    case 0xc0000100:
    case 0xc0000101:
    case 0xc0000102:
        break;
    default:
        return false;
    }
    if (!is_insn(c, 0x30) || is_canonical(value) || vector_of(kvm) == 13)
        return false;
    adopt(soft, kvm);
    return true;
}

static bool base_canonical(const struct system_case *c, const struct outcome *soft,
                           struct outcome *kvm)
{
    if (!is_insn(c, 0xae) || vector_of(soft) != 13 || vector_of(kvm) == 13 ||
        (is_canonical(kvm->sregs.fs.base) && is_canonical(kvm->sregs.gs.base)))
        return false;
    adopt(soft, kvm);
    return true;
}

static bool table_base_24(const struct system_case *c, const struct outcome *soft,
                          struct outcome *kvm)
{
    if (c->mode != MODE_LONG || !is_insn(c, 0x01))
        return false;
    if (vector_of(soft) == 13 && vector_of(kvm) != 13 &&
        (!is_canonical(kvm->sregs.idt.base) || !is_canonical(kvm->sregs.gdt.base) ||
         c->code[0] == 0x66)) {
        adopt(soft, kvm);
        return true;
    }
    if (c->code[0] != 0x66)
        return false;
    if (kvm->sregs.idt.base == (soft->sregs.idt.base & 0xffffff))
        kvm->sregs.idt.base = soft->sregs.idt.base;
    if (kvm->sregs.gdt.base == (soft->sregs.gdt.base & 0xffffff))
        kvm->sregs.gdt.base = soft->sregs.gdt.base;
    return true;
}

static bool xsetbv_order(const struct system_case *c, const struct outcome *soft,
                         struct outcome *kvm)
{
    if (!is_insn(c, 0x01) || opcode(c)[2] != 0xd1 || c->cpl == 0 || (c->sregs.cr4 & 0x40000) ||
        vector_of(soft) == vector_of(kvm))
        return false;
    adopt(soft, kvm);
    return true;
}

static bool smap_of_stack(const struct system_case *c, const struct outcome *soft,
                          struct outcome *kvm)
{
    if (c->cpl != 3 || !(c->sregs.cr4 & 0x200000) || vector_of(kvm) != 14 ||
        kvm->sregs.cr2 - USER_STACK >= PAGE || soft->sregs.cr2 == kvm->sregs.cr2)
        return false;
    adopt(soft, kvm);
    return true;
}

static bool syscall_flags(const struct system_case *c, const struct outcome *soft,
                          struct outcome *kvm)
{
    if (!is_insn(c, 0x05) || c->mode < MODE_COMPAT ||
        (soft->regs.rflags & ~UINT64_C(0xcd5)) != (kvm->regs.rflags & ~UINT64_C(0xcd5)))
        return false;
    kvm->regs.rflags = soft->regs.rflags;
    return true;
}

static bool reserved_present(const struct system_case *c, const struct outcome *soft,
                             struct outcome *kvm)
{
    uint16_t want = top_of_stack(soft), have = top_of_stack(kvm);
    (void)c;
    if (vector_of(soft) != 14 || vector_of(kvm) != 14 || !(want & 8) || (have | 3) != (want | 3) ||
        (have & 1))
        return false;
    set_top_of_stack(kvm, want);
    return true;
}

/* Of one error code, wherever its stack is. */
static bool ext_bit(const struct system_case *c, const struct outcome *soft, struct outcome *kvm)
{
    uint32_t at = RAM_SIZE, count = 0;
    (void)c;
    for (uint32_t i = IDT; i < ROOT; i++)
        if (soft->ram[i] != kvm->ram[i]) {
            at = i;
            count++;
        }
    if (count != 1 || (soft->ram[at] ^ kvm->ram[at]) != 1 || !(soft->ram[at] & 1))
        return false;
    kvm->ram[at] |= 1;
    return true;
}

static bool conforming_stack(const struct system_case *c, const struct outcome *soft,
                             struct outcome *kvm)
{
    const uint8_t *p = opcode(c);
    unsigned vector = p[0] == 0xcd ? p[1] : p[0] == 0xcc ? 3 : 4;
    uint64_t gate = IDT + vector * (c->mode >= MODE_COMPAT ? 16u : 8u);
    uint16_t selector = (uint16_t)peek(c, gate + 2, 2);
    uint64_t code = (selector & 4 ? LDT : GDT) + (selector & 0xfff8u);
    if (c->cpl == 3 && p[0] >= 0xcc && p[0] <= 0xce && (peek(c, code + 5, 1) & 0x1c) == 0x1c) {
        adopt(soft, kvm);
        return true;
    }
    if (c->cpl != 3 || (vector_of(soft) != 14 && soft->reason != VMACCEL_EXIT_SHUTDOWN) ||
        soft->sregs.cr2 - STACK >= 2 * PAGE || soft->sregs.cr2 == kvm->sregs.cr2)
        return false;
    adopt(soft, kvm);
    return true;
}

static bool dr_reserved(const struct system_case *c, const struct outcome *soft,
                        struct outcome *kvm)
{
    if (!is_insn(c, 0x23) || (kvm->debug.dr7 & ~UINT64_C(0xd800)) != soft->debug.dr7 ||
        (kvm->debug.dr6 & ~UINT64_C(0x1000)) != soft->debug.dr6)
        return false;
    kvm->debug = soft->debug;
    return true;
}

static bool kvm_retries(const struct system_case *c, const struct outcome *soft,
                        struct outcome *kvm)
{
    (void)c;
    if (kvm->reason == VMACCEL_EXIT_KICKED && soft->count) {
        adopt(soft, kvm);
        return true;
    }
    if (kvm->reason != VMACCEL_EXIT_KICKED ||
        (soft->reason != VMACCEL_EXIT_SHUTDOWN &&
         soft->reason != VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION))
        return false;
    adopt(soft, kvm);
    return true;
}

static bool far_pointer_64(const struct system_case *c, const struct outcome *soft,
                           struct outcome *kvm)
{
    if (c->mode != MODE_LONG || (c->code[0] != 0x48 && c->code[1] != 0x48) ||
        (!is_insn(c, 0xb2) && !is_insn(c, 0xb4) && !is_insn(c, 0xb5)))
        return false;
    adopt(soft, kvm);
    return true;
}

static bool sysenter_long(const struct system_case *c, const struct outcome *soft,
                          struct outcome *kvm)
{
    if (c->mode < MODE_COMPAT || (!is_insn(c, 0x34) && !is_insn(c, 0x35)))
        return false;
    adopt(soft, kvm);
    return true;
}

static bool sysret_order(const struct system_case *c, const struct outcome *soft,
                         struct outcome *kvm)
{
    if (!is_insn(c, 0x07) || (c->sregs.efer & 1) || c->mode != MODE_REAL)
        return false;
    adopt(soft, kvm);
    return true;
}

static bool syscall_real(const struct system_case *c, const struct outcome *soft,
                         struct outcome *kvm)
{
    if (!is_insn(c, 0x05) || c->mode != MODE_REAL)
        return false;
    adopt(soft, kvm);
    return true;
}

static bool ins_order(const struct system_case *c, const struct outcome *soft, struct outcome *kvm)
{
    if ((opcode(c)[0] & 0xfe) != 0x6c || vector_of(soft) != 14 || vector_of(kvm) != 14 ||
        kvm->count <= soft->count)
        return false;
    kvm->count = soft->count;
    return true;
}

static bool code_limit(const struct system_case *c, const struct outcome *soft, struct outcome *kvm)
{
    uint8_t first = opcode(c)[0];
    if (c->mode < MODE_PROT16 || vector_of(soft) != 13 || top_of_stack(soft) != 0 ||
        (first != 0x9a && first != 0xea && first != 0xff && (first < 0xca || first > 0xcf)))
        return false;
    adopt(soft, kvm);
    return true;
}

static bool real_int_rip(const struct system_case *c, const struct outcome *soft,
                         struct outcome *kvm)
{
    uint8_t first = opcode(c)[0];
    if (c->mode != MODE_REAL || first < 0xcc || first > 0xce ||
        top_of_stack(soft) != (uint16_t)c->regs.rip || top_of_stack(kvm) != c->regs.rip + c->size)
        return false;
    set_top_of_stack(kvm, (uint16_t)c->regs.rip);
    return true;
}

static bool lldt_null(const struct system_case *c, const struct outcome *soft, struct outcome *kvm)
{
    if (!is_insn(c, 0x00) || soft->sregs.ldt.selector > 3 || soft->sregs.ldt.attributes ||
        kvm->sregs.ldt.attributes != 0x82 || kvm->sregs.ldt.limit)
        return false;
    kvm->sregs.ldt = soft->sregs.ldt;
    return true;
}

static bool iret_to_vm86(const struct system_case *c, const struct outcome *soft,
                         struct outcome *kvm)
{
    if (opcode(c)[0] != 0xcf || (c->cpl != 3 && c->mode < MODE_COMPAT) ||
        !(peek(c, c->regs.rsp + 8, 4) & FLAG_VM))
        return false;
    adopt(soft, kvm);
    return true;
}

static bool iret_vif(const struct system_case *c, const struct outcome *soft, struct outcome *kvm)
{
    uint64_t differ = soft->regs.rflags ^ kvm->regs.rflags;
    if (opcode(c)[0] != 0xcf || c->cpl || !differ || (differ & ~UINT64_C(0x180000)))
        return false;
    kvm->regs.rflags = soft->regs.rflags;
    return true;
}

static bool fetch_from_device(const struct system_case *c, const struct outcome *soft,
                              struct outcome *kvm)
{
    (void)c;
    if ((soft->reason != VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION && !soft->count) ||
        vector_of(kvm) != 6)
        return false;
    adopt(soft, kvm);
    return true;
}

static bool cr4_not_checked(const struct system_case *c, const struct outcome *soft,
                            struct outcome *kvm)
{
    if (!is_insn(c, 0x22) || (opcode(c)[2] >> 3 & 7) != 4 || vector_of(soft) != 13)
        return false;
    const uint64_t *regs[4] = {&c->regs.rax, &c->regs.rcx, &c->regs.rdx, &c->regs.rbx};
    unsigned rm = opcode(c)[2] & 7;
    if (!(kvm->sregs.cr4 & 3) && (rm > 3 || !(*regs[rm] >> 32)))
        return false;
    adopt(soft, kvm);
    return true;
}

static bool pdpte_load(const struct system_case *c, const struct outcome *soft, struct outcome *kvm)
{
    if (c->mode != MODE_PAE || (vector_of(soft) == 13) == (vector_of(kvm) == 13) ||
        (!is_insn(c, 0x22) && !is_insn(c, 0x01)))
        return false;
    adopt(soft, kvm);
    return true;
}

static bool accessed_on_fault(const struct system_case *c, const struct outcome *soft,
                              struct outcome *kvm)
{
    bool found = false,
         ended = soft->reason == VMACCEL_EXIT_SHUTDOWN && kvm->reason == soft->reason;
    if (!paging(c) || (!ended && (vector_of(soft) != 14 || vector_of(kvm) != 14)))
        return false;
    for (uint32_t i = ROOT; i < WINDOW_PAGES; i += 4)
        if ((soft->ram[i] ^ kvm->ram[i]) == 0x20) {
            kvm->ram[i] = soft->ram[i];
            found = true;
        }
    return found;
}

static bool jump_canonical(const struct system_case *c, const struct outcome *soft,
                           struct outcome *kvm)
{
    if (c->mode != MODE_LONG || opcode(c)[0] != 0xff || opcode(c)[1] != 0xe3 ||
        is_canonical(c->regs.rbx))
        return false;
    adopt(soft, kvm);
    return true;
}

static bool msr_upper_rcx(const struct system_case *c, const struct outcome *soft,
                          struct outcome *kvm)
{
    if (!(c->regs.rcx >> 32) || (!is_insn(c, 0x30) && !is_insn(c, 0x32)))
        return false;
    adopt(soft, kvm);
    return true;
}

static bool cr_order(const struct system_case *c, const struct outcome *soft, struct outcome *kvm)
{
    if (c->cpl == 0 || (!is_insn(c, 0x20) && !is_insn(c, 0x22)) || vector_of(soft) != 6 ||
        vector_of(kvm) != 13)
        return false;
    adopt(soft, kvm);
    return true;
}

static bool ran_wild(const struct system_case *c, const struct outcome *soft, struct outcome *kvm)
{
    (void)c;
    if (soft->count < ACCESS_COUNT || kvm->count < ACCESS_COUNT)
        return false;
    adopt(soft, kvm);
    return true;
}

/* Whether some entry leads out of RAM. */
static bool table_outside(const struct system_case *c, const struct outcome *soft,
                          struct outcome *kvm)
{
    bool leads_out = false;
    for (uint32_t i = ROOT; i < WINDOW_PAGES; i += 4)
        leads_out |=
            i - (TABLES + 2 * PAGE) >= PAGE && (peek(c, i, 4) & 1) && (peek(c, i, 4) & 0xfffe0000);
    if (!paging(c) || !leads_out || vector_of(soft) != 14 || !(top_of_stack(soft) & 8))
        return false;
    adopt(soft, kvm);
    return true;
}

static bool smap_implicit(const struct system_case *c, const struct outcome *soft,
                          struct outcome *kvm)
{
    if (soft->reason != VMACCEL_EXIT_SHUTDOWN || !(c->sregs.cr4 & 0x200000) ||
        !(c->start.rflags & FLAG_AC) || c->mode < MODE_COMPAT || !(peek(c, TABLES, 1) & 0x80))
        return false;
    adopt(soft, kvm);
    return true;
}

static bool msr_reserved(const struct system_case *c, const struct outcome *soft,
                         struct outcome *kvm)
{
    uint32_t id = (uint32_t)c->regs.rcx;
    if (!is_insn(c, 0x30) || (id != 0x174 && id != 0x175 && id != 0x176 && id != 0xc0000084) ||
        vector_of(kvm) == 13 || !((uint32_t)c->regs.rdx || (uint32_t)c->regs.rax >> 16))
        return false;
    adopt(soft, kvm);
    return true;
}

static bool l_and_d(const struct system_case *c, const struct outcome *soft, struct outcome *kvm)
{
    uint16_t selector = top_of_stack(soft);
    uint64_t at = (selector & 4 ? LDT : GDT) + (selector & 0xfff8u) + 6;
    if (c->mode < MODE_COMPAT || vector_of(soft) != 13 || (peek(c, at, 1) & 0x60) != 0x60 ||
        (peek(c, at - 1, 1) & 0x18) != 0x18)
        return false;
    adopt(soft, kvm);
    return true;
}

static bool task_switch(const struct system_case *c, const struct outcome *soft,
                        struct outcome *kvm)
{
    if (c->mode >= MODE_COMPAT || is_insn(c, 0x00) ||
        (soft->sregs.tr.selector == SEL_TSS && kvm->sregs.tr.selector == SEL_TSS &&
         vector_of(soft) != 10 && vector_of(kvm) != 10 && soft->reason != VMACCEL_EXIT_SHUTDOWN))
        return false;
    adopt(soft, kvm);
    return true;
}

static bool xsetbv_unseen(const struct system_case *c, const struct outcome *soft,
                          struct outcome *kvm)
{
    if (!is_insn(c, 0x01) || opcode(c)[2] != 0xd1 || kvm->xcr0 != 1 || soft->xcr0 == 1)
        return false;
    kvm->xcr0 = soft->xcr0;
    return true;
}

static bool stack_privilege(const struct system_case *c, const struct outcome *soft,
                            struct outcome *kvm)
{
    uint16_t want = top_of_stack(soft);
    if (c->cpl != 3 || vector_of(soft) != 14 || vector_of(kvm) != 14 ||
        soft->sregs.cr2 != kvm->sregs.cr2 || want != (top_of_stack(kvm) | 4))
        return false;
    set_top_of_stack(kvm, want);
    return true;
}

static bool null_ss_rpl(const struct system_case *c, const struct outcome *soft,
                        struct outcome *kvm)
{
    if (c->mode != MODE_LONG || vector_of(soft) != 13 || kvm->sregs.ss.attributes ||
        kvm->sregs.ss.selector == 0 || kvm->sregs.ss.selector > 3)
        return false;
    adopt(soft, kvm);
    return true;
}

static bool lar_long(const struct system_case *c, const struct outcome *soft, struct outcome *kvm)
{
    if (c->mode < MODE_COMPAT || (!is_insn(c, 0x02) && !is_insn(c, 0x03)) ||
        (soft->regs.rflags ^ kvm->regs.rflags) != 0x40 || !(kvm->regs.rflags & 0x40))
        return false;
    adopt(soft, kvm);
    return true;
}

static bool mmio_write_check(const struct system_case *c, const struct outcome *soft,
                             struct outcome *kvm)
{
    bool found = false;
    if (!paging(c) || kvm->count < 2 || kvm->log[0].is_write || !kvm->log[1].is_write)
        return false;
    for (uint32_t i = ROOT; i < WINDOW_PAGES; i += 4)
        if ((soft->ram[i] ^ kvm->ram[i]) == 0x40) {
            kvm->ram[i] = soft->ram[i];
            found = true;
        }
    if (vector_of(soft) != 14)
        return found;
    adopt(soft, kvm);
    return true;
}

static bool ltr_null(const struct system_case *c, const struct outcome *soft, struct outcome *kvm)
{
    if (!is_insn(c, 0x00) || (opcode(c)[2] >> 3 & 7) != 3 || kvm->sregs.tr.selector > 3)
        return false;
    adopt(soft, kvm);
    return true;
}

static bool stack_canonical(const struct system_case *c, const struct outcome *soft,
                            struct outcome *kvm)
{
    if (is_canonical(c->regs.rsp) || vector_of(soft) != 12 || vector_of(kvm) != 13)
        return false;
    adopt(soft, kvm);
    return true;
}

const struct exclusion exclusions[] = {
    {"kvm-gave-up", "KVM's emulator does not know the instruction, or can't reach its memory",
     kvm_gave_up},
    {"resume-flag", "TCG pushes RF as 0 for faults", resume_flag},
    {"descriptor-accessed", "TCG's far transfers set no accessed bit", descriptor_accessed},
    {"real-mode-cs", "the type that CS has in real mode is the CPU's own", real_mode_cs},
    {"ist-null-ss", "TCG loads a null SS when an IST stack is used without a change of CPL",
     ist_null_ss},
    {"idt-error-code", "TCG's error codes in long mode have 16 times the vector, not 8",
     idt_error_code},
    {"read-before-write", "TCG reports a read where an instruction reads and writes",
     read_before_write},
    {"msr-canonical", "TCG's WRMSR takes addresses that are not canonical", msr_canonical},
    {"base-canonical", "TCG's WRFSBASE and WRGSBASE take them too", base_canonical},
    {"table-base-24",
     "TCG's LGDT and LIDT heed an operand-size prefix in 64-bit code, and check no base",
     table_base_24},
    {"xsetbv-order", "TCG's XSETBV checks CPL before CR4.OSXSAVE", xsetbv_order},
    {"smap-of-stack", "TCG's far transfers use a CPL 3 stack as CPL 0 does, which SMAP refuses",
     smap_of_stack},
    {"syscall-flags", "TCG's SYSCALL forgets the arithmetic flags and DF", syscall_flags},
    {"reserved-present", "TCG leaves P clear in the error code of reserved bits", reserved_present},
    {"ext-bit", "TCG leaves EXT clear in faults of an exception's delivery", ext_bit},
    {"conforming-stack", "TCG pushes for a conforming handler of CPL 3 as CPL 0 does",
     conforming_stack},
    {"dr-reserved", "TCG keeps reserved bits of DR6 and DR7", dr_reserved},
    {"kvm-retries", "KVM retries without end what needs page tables or a stack outside its memory",
     kvm_retries},
    {"far-pointer-64", "AMD's CPUs, and TCG, know no 64-bit offset in LSS, LFS and LGS",
     far_pointer_64},
    {"sysenter-long", "TCG runs SYSEXIT in long mode, SYSENTER in compatibility mode, on AMD too",
     sysenter_long},
    {"sysret-order", "TCG's SYSRET checks the mode before EFER.SCE", sysret_order},
    {"syscall-real", "TCG runs SYSCALL in real mode", syscall_real},
    {"ins-order", "KVM reads the port before it looks at where INS stores", ins_order},
    {"code-limit", "TCG checks the target against CS's limit late, or names the selector",
     code_limit},
    {"real-int-rip", "TCG's INT beyond the IVT's limit faults after itself", real_int_rip},
    {"lldt-null", "TCG keeps the type of an LDT that LLDT has made null", lldt_null},
    {"iret-to-vm86", "TCG's IRET enters virtual-8086 mode at CPL 3 and in long mode", iret_to_vm86},
    {"iret-vif", "TCG's IRET at CPL 0 leaves VIF and VIP alone", iret_vif},
    {"fetch-from-device", "KVM gives #UD at CPL 3 for what it can't emulate on a device",
     fetch_from_device},
    {"cr4-not-checked",
     "KVM lets the guest set CR4.VME and PVI without the feature; TCG drops bits above 31",
     cr4_not_checked},
    {"pdpte-load",
     "under nested paging PAE's top entries are read at a walk, else KVM takes TCG's accessed bit "
     "amiss",
     pdpte_load},
    {"accessed-on-fault", "a walk that ends in a fault may set accessed bits or not",
     accessed_on_fault},
    {"jump-canonical", "TCG's near JMP faults at an address that is not canonical, not before it",
     jump_canonical},
    {"msr-upper-rcx", "TCG looks RCX's upper half up in the MSR bitmap too", msr_upper_rcx},
    {"cr-order", "a CR that does not exist at CPL 3: #UD, or #GP", cr_order},
    {"ran-wild", "control ended in data that is no HLT", ran_wild},
    {"table-outside", "page tables outside RAM: here a reserved bit's fault, KVM reads on",
     table_outside},
    {"smap-implicit", "TCG lets AC excuse the CPU's own accesses to tables from SMAP",
     smap_implicit},
    {"msr-reserved",
     "TCG takes reserved bits of SFMASK and SYSENTER_CS; KVM for AMD keeps half of the other two",
     msr_reserved},
    {"l-and-d", "TCG loads code segments with L and D both set", l_and_d},
    {"task-switch", "KVM switches tasks itself, with checks in another order", task_switch},
    {"xsetbv-unseen", "TCG does not intercept XSETBV, so KVM's XCR0 is old", xsetbv_unseen},
    {"stack-privilege", "TCG's far transfers at CPL 3 report faults of the stack as CPL 0's",
     stack_privilege},
    {"null-ss-rpl", "TCG loads a null SS whose RPL is not CPL", null_ss_rpl},
    {"lar-long", "TCG's LAR and LSL know 16-bit system types in long mode", lar_long},
    {"mmio-write-check", "KVM writes back to a device without another look at the page's W and D",
     mmio_write_check},
    {"ltr-null", "TCG's LTR takes a null selector", ltr_null},
    {"stack-canonical", "TCG gives #GP for a stack address that is not canonical", stack_canonical},
    {"pdpte-accessed", "TCG sets the accessed bit in PAE's top entries, where it is reserved",
     pdpte_accessed},
};
const unsigned exclusion_count = sizeof exclusions / sizeof exclusions[0];
