/* SPDX-License-Identifier: BSD-2-Clause */
/* Control registers, modes, general registers, flags. */
#include "x86_snippet.h"

#define CR0_PE       (1u << 0)
#define CR0_MP       (1u << 1)
#define CR0_TS       (1u << 3)
#define CR0_WP       (1u << 16)
#define CR0_AM       (1u << 18)
#define CR0_NW       (1u << 29)
#define CR0_CD       (1u << 30)
#define CR0_PG       (1u << 31)
#define CR4_TSD      (1u << 2)
#define CR4_PAE      (1u << 5)
#define CR4_PGE      (1u << 7)
#define CR4_OSFXSR   (1u << 9)
#define CR4_FSGSBASE (1u << 16)
#define EFER_LME     (1u << 8)
#define EFER_LMA     (1u << 10)

static uint64_t guest_reads(struct guest *g, uint64_t address)
{
    snippet_at(g, address);
    RUN_TO_DONE(g);
    return guest_regs(g).rax;
}

static void guest_writes(struct guest *g, uint64_t address, uint64_t value)
{
    GUEST_SET(g, rax, value);
    snippet_at(g, address);
    RUN(g);
}

void case_control_register_access_valid(void)
{
    struct guest g;
    snippet_create(&g);
    vmaccel_x86_sregs sregs = guest_sregs(&g);

    guest_writes(&g, LONG_AT(set_cr0), sregs.cr0 | CR0_WP | CR0_AM | CR0_TS);
    snippet_expect_done(SITE, &g);
    CHECK_EQ(guest_sregs(&g).cr0, sregs.cr0 | CR0_WP | CR0_AM | CR0_TS);
    GO_DONE(&g, clts);
    CHECK_EQ(guest_sregs(&g).cr0 & CR0_TS, 0);

    guest_writes(&g, LONG_AT(set_cr4), sregs.cr4 | CR4_PGE | CR4_TSD);
    snippet_expect_done(SITE, &g);
    CHECK_EQ(guest_sregs(&g).cr4, sregs.cr4 | CR4_PGE | CR4_TSD);

    guest_writes(&g, LONG_AT(set_cr2), 0xffff800012345678);
    snippet_expect_done(SITE, &g);
    CHECK_EQ(guest_sregs(&g).cr2, 0xffff800012345678);

    /* A second copy of the top table. */
    memcpy(g.ram + GUEST_DATA, g.ram + GUEST_PML4, 4096);
    guest_writes(&g, LONG_AT(set_cr3), GUEST_DATA);
    snippet_expect_done(SITE, &g);
    CHECK_EQ(guest_sregs(&g).cr3, GUEST_DATA);

    guest_writes(&g, LONG_AT(set_cr8), 9);
    snippet_expect_done(SITE, &g);
    CHECK_EQ(guest_sregs(&g).cr8, 9);
}

static bool is_done(const struct guest *g)
{
    return g->exit->reason == VMACCEL_EXIT_IO && g->exit->u.io.port == PORT_DONE;
}

/* The value faults in the guest and changes nothing. */
static void expect_refused(struct guest *g, uint64_t address, uint64_t value, const char *what)
{
    vmaccel_x86_sregs before = guest_sregs(g), after;
    guest_writes(g, address, value);
    need_of_cpu(!is_done(g), what);
    struct frame frame = snippet_expect_trap(SITE, g, VECTOR_GP);
    CHECK_EQ(frame.error, 0);
    CHECK_EQ(frame.rip, address);
    after = guest_sregs(g);
    CHECK_EQ(after.cr0, before.cr0);
    CHECK_EQ(after.cr3, before.cr3);
    CHECK_EQ(after.cr4, before.cr4);
    CHECK_EQ(after.cr8, before.cr8);
}

void case_control_register_access_invalid(void)
{
    struct guest g;
    snippet_create(&g);
    vmaccel_x86_sregs sregs = guest_sregs(&g);

    GO_TRAP(&g, get_cr1, VECTOR_UD);
    expect_refused(&g, LONG_AT(set_cr4), sregs.cr4 & ~(uint64_t)CR4_PAE,
                   "a CPU that checks CR4 (PAE)");
    expect_refused(&g, LONG_AT(set_cr4), sregs.cr4 | UINT64_C(1) << 31, "a CPU that checks CR4");
}

void case_control_register_access_invalid_to_cpu(void)
{
    struct guest g;
    snippet_create(&g);
    vmaccel_x86_sregs sregs = guest_sregs(&g);

    expect_refused(&g, LONG_AT(set_cr0), sregs.cr0 & ~(uint64_t)CR0_PE, "a CPU that checks CR0");
    expect_refused(&g, LONG_AT(set_cr0), sregs.cr0 | UINT64_C(1) << 32, "a CPU that checks CR0");
    expect_refused(&g, LONG_AT(set_cr0), (sregs.cr0 & ~(uint64_t)CR0_CD) | CR0_NW,
                   "a CPU that checks CR0");
    expect_refused(&g, LONG_AT(set_cr3), GUEST_PML4 | UINT64_C(1) << 60, "a CPU that checks CR3");
    expect_refused(&g, LONG_AT(set_cr8), 16, "a CPU that checks CR8");
}

void case_set_cr_vmm(void)
{
    struct guest g;
    snippet_create(&g);
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    sregs.cr0 |= CR0_WP | CR0_AM | CR0_MP;
    sregs.cr2 = 0x123456789a;
    sregs.cr4 |= CR4_PGE | CR4_TSD;
    sregs.cr8 = 5;
    guest_set_sregs(&g, &sregs);
    CHECK_EQ(guest_reads(&g, LONG_AT(get_cr0)), sregs.cr0);
    CHECK_EQ(guest_reads(&g, LONG_AT(get_cr2)), sregs.cr2);
    CHECK_EQ(guest_reads(&g, LONG_AT(get_cr3)), sregs.cr3);
    CHECK_EQ(guest_reads(&g, LONG_AT(get_cr4)), sregs.cr4);
    CHECK_EQ(guest_reads(&g, LONG_AT(get_cr8)), sregs.cr8);
    CHECK_EQ(guest_reads(&g, LONG_AT(smsw)) & 0xffff, sregs.cr0 & 0xffff);
}

/* CR0.PE set by the guest in real mode. */
void case_set_cr_guest(void)
{
    struct guest g;
    guest_create(&g, GUEST_REAL);
    /* mov eax, cr0; or al, 1; mov cr0, eax; hlt */
    GUEST_BYTES(&g, 0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0xf4);
    uint64_t before = guest_sregs(&g).cr0;
    CHECK_EQ(before & CR0_PE, 0);
    RUN_TO_HLT(&g);
    CHECK_EQ(guest_sregs(&g).cr0, before | CR0_PE);
    CHECK_EQ(guest_regs(&g).rax & UINT32_MAX, before | CR0_PE);
}

void case_enter_long_mode_direct(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    GUEST_LOAD(&g, b_long);
    GO_DONE(&g, movabs);
    CHECK_EQ(guest_regs(&g).r8, 0xfeedfacecafebeef);
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    CHECK_EQ(sregs.efer & (EFER_LME | EFER_LMA), EFER_LME | EFER_LMA);
    CHECK_EQ(sregs.cs.attributes & VMACCEL_X86_SEG_L, VMACCEL_X86_SEG_L);
}

static void expect_stage(struct guest *g, uint8_t stage, bool paging, bool lme, bool protected)
{
    vmaccel_x86_sregs sregs;
    RUN_TO_OUT(g, PORT_DONE, 1, stage);
    sregs = guest_sregs(g);
    CHECK_EQ(sregs.cr0 & CR0_PE, protected ? CR0_PE : 0);
    CHECK_EQ(sregs.cr0 & CR0_PG, paging ? CR0_PG : 0);
    CHECK_EQ(sregs.efer & EFER_LME, lme ? EFER_LME : 0);
    CHECK_EQ(sregs.efer & EFER_LMA, lme && paging ? EFER_LMA : 0);
    CHECK_EQ(sregs.cs.attributes & VMACCEL_X86_SEG_L, lme && paging ? VMACCEL_X86_SEG_L : 0);
}

void case_enter_long_mode_asm(void)
{
    static const uint64_t pdpt[4] = {GUEST_PD | 1, (GUEST_PD + 0x1000) | 1, (GUEST_PD + 0x2000) | 1,
                                     (GUEST_PD + 0x3000) | 1};
    struct guest g;
    guest_create(&g, GUEST_REAL);
    GUEST_LOAD(&g, b_real);
    memcpy(g.ram + 0x18000, pdpt, sizeof(pdpt));
    GUEST_SET(&g, rip, GUEST_CODE + VMACCEL_GUEST_b_real_sym_round);
    expect_stage(&g, 1, false, false, true);
    CHECK_EQ(guest_sregs(&g).cs.limit, UINT32_MAX);
    CHECK_EQ(guest_sregs(&g).ds.selector, 0x10);
    expect_stage(&g, 2, true, false, true);
    CHECK_EQ(guest_sregs(&g).cr4 & CR4_PAE, CR4_PAE);
    expect_stage(&g, 3, true, true, true);
    CHECK_EQ(guest_regs(&g).r8, 0x0123456789abcdef);
    expect_stage(&g, 4, false, false, true);
    CHECK_EQ(guest_sregs(&g).cr4 & CR4_PAE, 0);
    expect_stage(&g, 5, false, false, false);
    CHECK_EQ(guest_sregs(&g).cs.selector, 0);
    RUN_TO_HLT(&g);
}

/* A byte through each data segment that the host set, in real mode. */
void case_vmm_set_segs(void)
{
    static const uint32_t entries[] = {
        VMACCEL_GUEST_b_real_sym_load_ds, VMACCEL_GUEST_b_real_sym_load_es,
        VMACCEL_GUEST_b_real_sym_load_fs, VMACCEL_GUEST_b_real_sym_load_gs,
        VMACCEL_GUEST_b_real_sym_load_ss};
    struct guest g;
    guest_create(&g, GUEST_REAL);
    GUEST_LOAD(&g, b_real);
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    vmaccel_x86_segment *segments[] = {&sregs.ds, &sregs.es, &sregs.fs, &sregs.gs, &sregs.ss};
    for (unsigned i = 0; i < 5; i++) {
        segments[i]->selector = (uint16_t)(0x2000 + 0x100 * i);
        segments[i]->base = (uint64_t)segments[i]->selector << 4;
        g.ram[segments[i]->base + 5] = (uint8_t)(0xa0 + i);
    }
    guest_set_sregs(&g, &sregs);
    for (unsigned i = 0; i < 5; i++) {
        GUEST_SET(&g, rbx, 5);
        GUEST_SET(&g, rax, 0);
        GUEST_SET(&g, rip, GUEST_CODE + entries[i]);
        RUN(&g);
        EXPECT_EXIT_OUT(&g, PORT_DONE, 1, 0xa0 + i);
    }
    CHECK_EQ(guest_sregs(&g).fs.selector, 0x2200);
    CHECK_EQ(guest_sregs(&g).fs.base, 0x22000);
}

void case_flags_register(void)
{
    /* Carry, parity, adjust, zero, sign, direction, overflow. */
    const uint64_t flags = 0x001 | 0x004 | 0x010 | 0x040 | 0x080 | 0x400 | 0x800;
    struct guest g;
    snippet_create(&g);

    GUEST_SET(&g, rflags, flags | FLAG_1);
    CHECK_EQ(guest_reads(&g, LONG_AT(get_flags)), flags | FLAG_1);
    CHECK_EQ(guest_regs(&g).rflags, flags | FLAG_1);
    GUEST_SET(&g, rflags, 0);
    CHECK_EQ(guest_regs(&g).rflags, FLAG_1);
    CHECK_EQ(guest_reads(&g, LONG_AT(get_flags)), FLAG_1);

    guest_writes(&g, LONG_AT(set_flags), flags);
    snippet_expect_done(SITE, &g);
    CHECK_EQ(guest_regs(&g).rflags, flags | FLAG_1);
    guest_writes(&g, LONG_AT(set_flags), FLAG_IF);
    snippet_expect_done(SITE, &g);
    CHECK_EQ(guest_regs(&g).rflags, FLAG_IF | FLAG_1);
}

void case_register_access(void)
{
    vmaccel_x86_regs regs, seen;
    uint64_t *word = (uint64_t *)&regs;
    const uint64_t *seen_word = (const uint64_t *)&seen;
    struct guest g;

    snippet_create(&g);
    memset(&regs, 0, sizeof(regs));
    for (uint64_t i = 0; i < 16; i++)
        word[i] = 0x0123456789abcde0 + i * 0x1111111111111111;
    regs.rip = LONG_AT(invert);
    regs.rflags = FLAG_1;
    guest_set_regs(&g, &regs);
    seen = guest_regs(&g);
    CHECK_BYTES(&seen, &regs, sizeof(regs));
    RUN_TO_DONE(&g);
    seen = guest_regs(&g);
    for (unsigned i = 0; i < 16; i++)
        CHECK_EQ(seen_word[i], ~word[i]);
    CHECK_EQ(seen.rip, LONG_AT(invert_end));
}

void case_fsgsbase(void)
{
    struct guest g;
    snippet_create(&g);
    bool has = (cpuid_of(&g, 7, 0).ebx & 1) != 0;

    GO_TRAP(&g, rdfsbase, VECTOR_UD);
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    if (!has) {
        guest_writes(&g, LONG_AT(set_cr4), sregs.cr4 | CR4_FSGSBASE);
        snippet_expect_trap(SITE, &g, VECTOR_GP);
        return;
    }
    sregs.cr4 |= CR4_FSGSBASE;
    sregs.fs.base = 0xffff800000001000;
    sregs.gs.base = GUEST_DATA;
    guest_set_sregs(&g, &sregs);
    CHECK_EQ(guest_reads(&g, LONG_AT(rdfsbase)), 0xffff800000001000);
    CHECK_EQ(guest_reads(&g, LONG_AT(rdgsbase)), GUEST_DATA);
    guest_writes(&g, LONG_AT(wrfsbase), GUEST_DATA + 0x100);
    snippet_expect_done(SITE, &g);
    guest_writes(&g, LONG_AT(wrgsbase), 0x7ffffffff000);
    snippet_expect_done(SITE, &g);
    CHECK_EQ(guest_sregs(&g).fs.base, GUEST_DATA + 0x100);
    CHECK_EQ(guest_sregs(&g).gs.base, 0x7ffffffff000);
    g.ram[GUEST_DATA + 0x108] = 0x5a;
    GUEST_SET(&g, rbx, 8);
    CHECK_EQ(guest_reads(&g, LONG_AT(load_fs)), 0x5a);
}

/* Refused whole, and the field is named. */
static void expect_bad_sregs(struct guest *g, const vmaccel_x86_sregs *bad, const char *field)
{
    vmaccel_x86_sregs good = guest_sregs(g);
    if (vmaccel_x86_set_sregs(g->vcpu, bad) == VMACCEL_OK)
        FAIL("set_sregs took a bad %s", field);
    CHECK_EQ(vmaccel_last_error()->status, VMACCEL_E_INVALID_ARGUMENT);
    CHECK_DETAIL(field);
    vmaccel_x86_sregs after = guest_sregs(g);
    CHECK_BYTES(&after, &good, sizeof(good));
}

void case_set_sregs_names_bad_field(void)
{
    struct guest g;
    snippet_create(&g);
    vmaccel_x86_sregs good = guest_sregs(&g), bad;

#define BAD(field, change)                                                                         \
    do {                                                                                           \
        bad = good;                                                                                \
        change;                                                                                    \
        expect_bad_sregs(&g, &bad, field);                                                         \
    } while (0)
    BAD("cr0", bad.cr0 &= ~(uint64_t)CR0_PE);
    BAD("cr0", bad.cr0 |= UINT64_C(1) << 32);
    BAD("cr0", bad.cr0 = (bad.cr0 & ~(uint64_t)CR0_CD) | CR0_NW);
    BAD("cr4", bad.cr4 &= ~(uint64_t)CR4_PAE);
    BAD("cr4", bad.cr4 |= UINT64_C(1) << 63);
    BAD("cr3", bad.cr3 |= UINT64_C(1) << 60);
    BAD("cr8", bad.cr8 = 16);
    BAD("efer", bad.efer &= ~(uint64_t)EFER_LMA);
    BAD("efer", bad.efer &= ~(uint64_t)EFER_LME);
    BAD("efer", bad.efer |= UINT64_C(1) << 1);
    BAD("cs", bad.cs.attributes &= (uint16_t)~VMACCEL_X86_SEG_P);
    BAD("cs", bad.cs.attributes = 0xc097);
    BAD("cs", bad.cs.attributes |= VMACCEL_X86_SEG_DB);
    BAD("tr", bad.tr.attributes = 0x82);
    BAD("fs", bad.fs.base = 0x8000000000000000);
    BAD("gs", bad.gs.base = 0x0100000000000000);
    BAD("gdt", bad.gdt.base = 0x8000000000000000);
    BAD("idt", bad.idt.base = 0x8000000000000000);
#undef BAD
    GO_DONE(&g, done);
}

void case_set_regs_names_bad_flags(void)
{
    struct guest g;
    snippet_create(&g);
    vmaccel_x86_regs good = guest_regs(&g), bad = good, after;
    bad.rflags |= UINT64_C(1) << 32;
    bad.rax = 1;
    CHECK_STATUS(vmaccel_x86_set_regs(g.vcpu, &bad), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_DETAIL("rflags");
    after = guest_regs(&g);
    CHECK_BYTES(&after, &good, sizeof(good));
}
