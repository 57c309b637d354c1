/* SPDX-License-Identifier: BSD-2-Clause */
#include "arm64_guest.h"

#define ATTR_DEVICE (0u << 2)
#define ATTR_NORMAL (1u << 2)
#define SHARED      (3u << 8)
#define AF          (1u << 10)
#define TABLE       3u
#define PAGE        3u
#define BLOCK       1u

static void put(struct guest *guest, vmaccel_gpa gpa, uint64_t value)
{
    memcpy(guest->ram + gpa, &value, sizeof(value));
}

void a64_prepare(struct guest *guest)
{
    const uint64_t mmio = UINT64_C(0x40000000);
    put(guest, A64_L1, A64_L2 | TABLE);
    put(guest, A64_L1 + 8, mmio | AF | SHARED | ATTR_NORMAL | BLOCK);
    put(guest, A64_L1 + 16, mmio | AF | ATTR_DEVICE | BLOCK);
    put(guest, A64_L2, A64_L3 | TABLE);
    for (uint64_t i = 1; i < 512; i++)
        put(guest, A64_L2 + 8 * i, i << 21 | AF | ATTR_DEVICE | BLOCK);
    for (uint64_t i = 0; i < 512; i++)
        put(guest, A64_L3 + 8 * i, i << 12 | AF | SHARED | ATTR_NORMAL | PAGE);
}

uint64_t *a64_pte(struct guest *guest, uint64_t address)
{
    CHECK(address < GUEST_RAM_SIZE);
    return (uint64_t *)(void *)(guest->ram + A64_L3 + 8 * (address >> 12));
}

void a64_enter(struct guest *guest)
{
    static const vmaccel_arm64_sysreg sysregs[] = {
        {MAIR_EL1, 0, 0xff00},
        /* T0SZ 25, inner shareable write-back walks, no TTBR1, 40-bit addresses */
        {TCR_EL1, 0, 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | UINT64_C(2) << 32},
        {TTBR0_EL1, 0, A64_L1},
        {SCTLR_EL1, 0, 0x30d00800 | 1 | 1 << 2 | 1 << 12},
        {CPACR_EL1, 0, 3 << 20},
        {VBAR_EL1, 0, EL1_AT(vectors)},
    };
    vmaccel_arm64_regs regs;
    memset(&regs, 0, sizeof(regs));
    regs.pc = GUEST_CODE;
    regs.pstate = PSTATE_EL1H;
    regs.sp_el1 = GUEST_STACK;
    regs.x[27] = A64_TRAPS;
    regs.x[28] = A64_MARKS;
    CHECK_OK(vmaccel_arm64_set_sysregs(guest->vcpu, sysregs, sizeof(sysregs) / sizeof(sysregs[0]),
                                       NULL));
    a64_set_regs(guest, &regs);
}

void a64_mmu_off(struct guest *guest)
{
    a64_set_sysreg(guest, SCTLR_EL1, 0x30d00800);
}

void a64_map(struct guest *guest, vmaccel_vm *vm)
{
    guest_map_ram(guest, vm);
    a64_prepare(guest);
    GUEST_LOAD(guest, arm64_el1);
}

void a64_add_vcpu(struct guest *guest, uint32_t index)
{
    guest_make_vcpu(guest, index);
    a64_enter(guest);
}

void a64_create_with(struct guest *guest, vmaccel_irqchip irqchip, uint32_t exits)
{
    a64_map(guest, suite_vm(irqchip, 1, exits, 0));
    a64_add_vcpu(guest, 0);
}

void a64_create(struct guest *guest)
{
    a64_create_with(guest, VMACCEL_IRQCHIP_NONE, 0);
}

uint64_t a64_get(struct guest *guest, vmaccel_arm64_reg reg)
{
    uint64_t value = 0;
    CHECK_OK(vmaccel_arm64_get_reg(guest->vcpu, reg, &value));
    return value;
}

void a64_set(struct guest *guest, vmaccel_arm64_reg reg, uint64_t value)
{
    CHECK_OK(vmaccel_arm64_set_reg(guest->vcpu, reg, value));
}

vmaccel_arm64_regs a64_regs(struct guest *guest)
{
    vmaccel_arm64_regs regs;
    CHECK_OK(vmaccel_arm64_get_regs(guest->vcpu, &regs));
    return regs;
}

void a64_set_regs(struct guest *guest, const vmaccel_arm64_regs *regs)
{
    CHECK_OK(vmaccel_arm64_set_regs(guest->vcpu, regs));
}

uint64_t a64_sysreg(struct guest *guest, uint32_t id)
{
    vmaccel_arm64_sysreg reg = {.id = id};
    CHECK_OK(vmaccel_arm64_get_sysregs(guest->vcpu, &reg, 1, NULL));
    return reg.value;
}

void a64_set_sysreg(struct guest *guest, uint32_t id, uint64_t value)
{
    vmaccel_arm64_sysreg reg = {.id = id, .value = value};
    CHECK_OK(vmaccel_arm64_set_sysregs(guest->vcpu, &reg, 1, NULL));
}

static bool is_trap(const vmaccel_exit *exit)
{
    return exit->reason == VMACCEL_EXIT_MMIO && exit->u.mmio.is_write &&
           exit->u.mmio.gpa >= A64_TRAPS && exit->u.mmio.gpa < A64_TRAPS + 16 * 8;
}

static struct a64_trap trap_of(struct guest *guest)
{
    return (struct a64_trap){a64_sysreg(guest, ESR_EL1), a64_sysreg(guest, FAR_EL1),
                             a64_get(guest, VMACCEL_ARM64_ELR_EL1),
                             a64_get(guest, VMACCEL_ARM64_SPSR_EL1)};
}

static _Noreturn void unexpected_trap(struct site site, struct guest *guest, const char *expected)
{
    struct a64_trap trap = trap_of(guest);
    suite_fail(site.file, site.line,
               "vector %u, ESR 0x%" PRIx64 ", FAR 0x%" PRIx64 ", ELR 0x%" PRIx64 ", expected %s",
               (unsigned)(guest->exit->u.mmio.gpa - A64_TRAPS) / 8, trap.esr, trap.far, trap.elr,
               expected);
}

void a64_expect_done(struct site site, struct guest *guest)
{
    if (is_trap(guest->exit))
        unexpected_trap(site, guest, "the piece's end");
    guest_expect_mmio(site, guest, true, A64_MARKS + A64_DONE, 1);
}

struct a64_trap a64_expect_trap(struct site site, struct guest *guest, uint8_t vector)
{
    char expected[16] = "vector ";
    expected[7] = (char)('0' + vector / 10);
    expected[8] = (char)('0' + vector % 10);
    if (!is_trap(guest->exit) || guest->exit->u.mmio.gpa != A64_TRAPS + 8u * vector) {
        if (is_trap(guest->exit))
            unexpected_trap(site, guest, expected);
        guest_expect_mmio(site, guest, true, A64_TRAPS + 8u * vector, 8);
    }
    return trap_of(guest);
}
