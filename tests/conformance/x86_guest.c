/* SPDX-License-Identifier: BSD-2-Clause */
#include "x86_guest.h"

static void put(struct guest *guest, vmaccel_gpa gpa, uint64_t value)
{
    memcpy(guest->ram + gpa, &value, sizeof(value));
}

static void write_gdt(struct guest *guest)
{
    static const uint64_t gdt[] = {
        0,
        0x00af9b000000ffff,                             /* code, 64-bit */
        0x00cf93000000ffff,                             /* data */
        0x00cf9b000000ffff,                             /* code, 32-bit */
        0x00009b000000ffff,                             /* code, 16-bit */
        0x000093000000ffff,                             /* data, 16-bit */
        0x00cff3000000ffff,                             /* ring 3: data */
        0x00affb000000ffff,                             /* ring 3: code, 64-bit */
        0x00cffb000000ffff,                             /* ring 3: code, 32-bit */
        0x00008b0000000067 | (uint64_t)GUEST_TSS << 16, /* TSS, busy; 16 bytes in long mode */
        0,
    };
    memcpy(guest->ram + GUEST_GDT, gdt, sizeof(gdt));
}

static void write_page_tables(struct guest *guest)
{
    put(guest, GUEST_PML4, GUEST_PDPT | 7);
    for (uint64_t i = 0; i < 4; i++)
        put(guest, GUEST_PDPT + 8 * i, (GUEST_PD + 0x1000 * i) | 7);
    put(guest, GUEST_PD, GUEST_PT | 7);
    for (uint64_t i = 1; i < 4 * 512; i++)
        put(guest, GUEST_PD + 8 * i, i << 21 | 0x87);
    for (uint64_t i = 0; i < 512; i++)
        put(guest, GUEST_PT + 8 * i, i << 12 | 7);
}

uint64_t *guest_pte(struct guest *guest, uint64_t address)
{
    CHECK(address < GUEST_RAM_SIZE);
    return (uint64_t *)(void *)(guest->ram + GUEST_PT + 8 * (address >> 12));
}

void guest_map(struct guest *guest, vmaccel_vm *vm)
{
    guest_map_ram(guest, vm);
    guest_prepare(guest);
}

void guest_prepare(struct guest *guest)
{
    write_gdt(guest);
    write_page_tables(guest);
    put(guest, GUEST_TSS + 4, GUEST_STACK2); /* RSP0; ESP0 of a 32-bit TSS */
    guest->ram[GUEST_TSS + 0x66] = 0x68;     /* no I/O permission bitmap */
}

static vmaccel_x86_segment segment(uint16_t selector, uint32_t limit, uint16_t attributes)
{
    return (vmaccel_x86_segment){.limit = limit, .selector = selector, .attributes = attributes};
}

static void enter_real(vmaccel_x86_sregs *sregs)
{
    sregs->cs.base = 0;
    sregs->cs.selector = 0;
}

static void enter_protected(vmaccel_x86_sregs *sregs)
{
    vmaccel_x86_segment data = segment(GUEST_DS, 0xffffffff, 0xc093);
    sregs->cs = segment(GUEST_CS32, 0xffffffff, 0xc09b);
    sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
    sregs->cr0 |= 1;
}

static void enter_long(vmaccel_x86_sregs *sregs)
{
    vmaccel_x86_long_mode(sregs, GUEST_PML4);
    sregs->cs.selector = GUEST_CS64;
    sregs->ds.selector = sregs->es.selector = sregs->ss.selector = GUEST_DS;
    sregs->fs.selector = sregs->gs.selector = GUEST_DS;
}

void guest_enter(struct guest *guest, enum guest_mode mode)
{
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    vmaccel_x86_reset_state(&regs, &sregs);
    /* The APIC base says which vCPU is the bootstrap processor. */
    sregs.apic_base = guest_sregs(guest).apic_base;
    if (mode == GUEST_REAL)
        enter_real(&sregs);
    else if (mode == GUEST_PROTECTED)
        enter_protected(&sregs);
    else
        enter_long(&sregs);
    if (mode != GUEST_REAL) {
        sregs.gdt = (vmaccel_x86_table){.base = GUEST_GDT, .limit = 11 * 8 - 1};
        sregs.idt =
            (vmaccel_x86_table){.base = GUEST_IDT, .limit = mode == GUEST_LONG ? 4095 : 2047};
        sregs.tr = segment(GUEST_TR, 0x67, 0x8b);
        sregs.tr.base = GUEST_TSS;
    }
    /* SS0 of a 32-bit TSS is the upper half of a 64-bit one's RSP0. vCPUs that enter at once in one
     * mode find it right. */
    uint8_t ss0 = mode == GUEST_PROTECTED ? GUEST_DS : 0;
    if (guest->ram[GUEST_TSS + 8] != ss0)
        guest->ram[GUEST_TSS + 8] = ss0;
    guest_set_sregs(guest, &sregs);
    regs.rip = GUEST_CODE;
    regs.rsp = GUEST_STACK;
    regs.rdx = 0;
    guest_set_regs(guest, &regs);
}

void guest_add_vcpu(struct guest *guest, uint32_t index, enum guest_mode mode)
{
    guest_make_vcpu(guest, index);
    guest_enter(guest, mode);
}

void guest_create_with(struct guest *guest, enum guest_mode mode, vmaccel_irqchip irqchip,
                       uint32_t exits, uint32_t exceptions)
{
    guest_map(guest, suite_vm(irqchip, 1, exits, exceptions));
    guest_add_vcpu(guest, 0, mode);
}

void guest_create(struct guest *guest, enum guest_mode mode)
{
    guest_create_with(guest, mode, VMACCEL_IRQCHIP_NONE, 0, 0);
}

void guest_gate64(struct guest *guest, uint8_t vector, uint64_t handler)
{
    uint64_t gate = (handler & 0xffff) | GUEST_CS64 << 16 | UINT64_C(0xee00) << 32 |
                    (handler >> 16 & 0xffff) << 48;
    put(guest, GUEST_IDT + 16u * vector, gate);
    put(guest, GUEST_IDT + 16u * vector + 8, handler >> 32);
}

void guest_gate32(struct guest *guest, uint8_t vector, uint32_t handler)
{
    uint64_t gate = (handler & 0xffff) | GUEST_CS32 << 16 | UINT64_C(0xee00) << 32 |
                    (uint64_t)(handler >> 16) << 48;
    put(guest, GUEST_IDT + 8u * vector, gate);
}

vmaccel_x86_regs guest_regs(struct guest *guest)
{
    vmaccel_x86_regs regs;
    CHECK_OK(vmaccel_x86_get_regs(guest->vcpu, &regs));
    return regs;
}

vmaccel_x86_sregs guest_sregs(struct guest *guest)
{
    vmaccel_x86_sregs sregs;
    CHECK_OK(vmaccel_x86_get_sregs(guest->vcpu, &sregs));
    return sregs;
}

void guest_set_regs(struct guest *guest, const vmaccel_x86_regs *regs)
{
    CHECK_OK(vmaccel_x86_set_regs(guest->vcpu, regs));
}

void guest_set_sregs(struct guest *guest, const vmaccel_x86_sregs *sregs)
{
    CHECK_OK(vmaccel_x86_set_sregs(guest->vcpu, sregs));
}
