/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments in canonical form, and what they do in the guest. */
#include "x86_prot.h"
#include "x86_snippet.h"

static void round_trip(struct guest *g)
{
    vmaccel_x86_sregs first = guest_sregs(g);
    guest_set_sregs(g, &first);
    vmaccel_x86_sregs second = guest_sregs(g);
    CHECK_BYTES(&second, &first, sizeof(first));
}

/* The same once the values have been in the CPU. */
static void round_trip_and_run(struct guest *g, uint64_t address)
{
    vmaccel_x86_sregs before = guest_sregs(g);
    round_trip(g);
    snippet_at(g, address);
    RUN_TO_DONE(g);
    vmaccel_x86_sregs after = guest_sregs(g);
    CHECK_BYTES(&after, &before, sizeof(before));
    round_trip(g);
}

void case_reset_state(void)
{
    vmaccel_x86_regs regs, reset_regs;
    vmaccel_x86_sregs sregs, reset_sregs;
    struct guest g;
    guest_map(&g, suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0));
    g.vcpu = suite_vcpu(g.vm, 0);
    vmaccel_x86_reset_state(&reset_regs, &reset_sregs);
    regs = guest_regs(&g);
    sregs = guest_sregs(&g);
    CHECK_BYTES(&regs, &reset_regs, sizeof(regs));
    CHECK_EQ(sregs.cs.base, reset_sregs.cs.base);
    CHECK_EQ(sregs.cs.attributes, reset_sregs.cs.attributes);
    CHECK_EQ(sregs.tr.attributes, reset_sregs.tr.attributes);
    CHECK_EQ(sregs.ldt.attributes, reset_sregs.ldt.attributes);
    CHECK_EQ(sregs.cr0, reset_sregs.cr0);
    CHECK_EQ(sregs.apic_base, reset_sregs.apic_base);
    CHECK_BYTES(&sregs, &reset_sregs, sizeof(sregs));
    CHECK_EQ(regs.rip, 0xfff0);
    CHECK_EQ(sregs.cs.base, 0xffff0000);
    CHECK_EQ(sregs.cs.selector, 0xf000);
    CHECK_EQ(sregs.cr0, 0x60000010);
    round_trip(&g);
}

void case_reset_state_again(void)
{
    vmaccel_x86_regs regs, reset_regs;
    vmaccel_x86_sregs sregs, reset_sregs;
    struct guest g;
    snippet_create(&g);
    GO_DONE(&g, invert);
    vmaccel_x86_reset_state(&reset_regs, &reset_sregs);
    guest_set_sregs(&g, &reset_sregs);
    guest_set_regs(&g, &reset_regs);
    regs = guest_regs(&g);
    sregs = guest_sregs(&g);
    CHECK_BYTES(&regs, &reset_regs, sizeof(regs));
    CHECK_BYTES(&sregs, &reset_sregs, sizeof(sregs));
}

void case_sregs_round_trip(void)
{
    struct guest g;
    guest_create(&g, GUEST_REAL);
    GUEST_LOAD(&g, b_real);
    round_trip_and_run(&g, GUEST_CODE + VMACCEL_GUEST_b_real_sym_load_ds);
    suite_vcpu_destroy(g.vcpu);
    suite_vm_destroy(g.vm);

    prot_create(&g);
    round_trip_and_run(&g, PROT_AT(load_ds));
    suite_vcpu_destroy(g.vcpu);
    suite_vm_destroy(g.vm);

    snippet_create(&g);
    round_trip_and_run(&g, LONG_AT(done));
}

void case_sregs_round_trip_pae(void)
{
    struct guest g;
    prot_create(&g);
    prot_enable_pae(&g);
    round_trip_and_run(&g, PROT_AT(load_ds));
}

/* What the library derives: accessed and busy bits, no attributes where P is clear. */
void case_segment_canonical_form(void)
{
    struct guest g;
    prot_create(&g);
    vmaccel_x86_sregs sregs = guest_sregs(&g), back;
    sregs.cs.attributes = 0xc09a;
    sregs.ds.attributes = 0xc092;
    sregs.tr.attributes = 0x89;
    sregs.es.attributes = 0xc013; /* not present */
    sregs.ldt = (vmaccel_x86_segment){.selector = 0, .attributes = 0x02};
    guest_set_sregs(&g, &sregs);
    for (unsigned i = 0; i < 2; i++) {
        back = guest_sregs(&g);
        CHECK_EQ(back.cs.attributes, 0xc09b);
        CHECK_EQ(back.ds.attributes, 0xc093);
        CHECK_EQ(back.tr.attributes, 0x8b);
        CHECK_EQ(back.es.attributes, 0);
        CHECK_EQ(back.ldt.attributes, 0);
        round_trip(&g);
        snippet_at(&g, PROT_AT(load_ds));
        RUN_TO_DONE(&g);
    }
}

void case_null_segments_in_long_mode(void)
{
    struct guest g;
    snippet_create(&g);
    vmaccel_x86_sregs sregs = guest_sregs(&g), back;
    sregs.ds = sregs.es = sregs.ss = sregs.fs = sregs.gs = (vmaccel_x86_segment){.selector = 0};
    sregs.fs.base = GUEST_DATA; /* a base needs no usable segment */
    sregs.gs.base = 0xffff800000000000;
    guest_set_sregs(&g, &sregs);
    g.ram[GUEST_DATA + 8] = 0x5a;
    GUEST_SET(&g, rbx, 8);
    for (unsigned i = 0; i < 2; i++) {
        back = guest_sregs(&g);
        CHECK_EQ(back.ds.attributes, 0);
        CHECK_EQ(back.ss.attributes, 0);
        CHECK_EQ(back.ss.selector, 0);
        CHECK_EQ(back.fs.attributes, 0);
        CHECK_EQ(back.fs.base, GUEST_DATA);
        CHECK_EQ(back.gs.base, 0xffff800000000000);
        round_trip(&g);
        GO_DONE(&g, load_fs);
        CHECK_EQ(guest_regs(&g).rax, 0x5a);
    }
}

void case_null_segment_loaded_by_guest(void)
{
    struct guest g;
    snippet_create(&g);
    GUEST_SET(&g, rax, 0);
    GO_DONE(&g, mov_ds);
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    CHECK_EQ(sregs.ds.selector, 0);
    CHECK_EQ(sregs.ds.attributes, 0);
    round_trip(&g);
    GUEST_SET(&g, rbx, GUEST_DATA);
    GO_DONE(&g, load);
    GUEST_SET(&g, rax, GUEST_DS);
    GO_DONE(&g, mov_ds);
    sregs = guest_sregs(&g);
    CHECK_EQ(sregs.ds.selector, GUEST_DS);
    CHECK_EQ(sregs.ds.attributes, 0xc093);
    CHECK_EQ(sregs.ds.limit, UINT32_MAX);
}

void case_tss_16_bit(void)
{
    struct guest g;
    prot_create(&g);
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    sregs.tr.attributes = 0x81; /* available: made busy */
    sregs.tr.limit = 0x2b;
    guest_set_sregs(&g, &sregs);
    CHECK_EQ(guest_sregs(&g).tr.attributes, 0x83);
    snippet_at(&g, PROT_AT(str));
    RUN_TO_DONE(&g);
    CHECK_EQ(guest_regs(&g).rax & 0xffff, GUEST_TR);
    vmaccel_x86_sregs back = guest_sregs(&g);
    CHECK_EQ(back.tr.attributes, 0x83);
    CHECK_EQ(back.tr.limit, 0x2b);
    round_trip(&g);
}

void case_segment_limit_in_bytes(void)
{
    static const struct {
        uint32_t limit;
        uint16_t attributes;
    } forms[] = {{0, 0x4093},          {0xfff, 0x4093},   {0xfffff, 0x4093}, {0x1fffff, 0xc093},
                 {UINT32_MAX, 0xc093}, {0x12345, 0x4093}, {0x7ffff, 0x4097}, {0x7ffff, 0x0097}};
    struct guest g;
    prot_create(&g);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        vmaccel_x86_sregs sregs = guest_sregs(&g);
        sregs.fs.limit = forms[i].limit;
        sregs.fs.attributes = forms[i].attributes;
        guest_set_sregs(&g, &sregs);
        CHECK_EQ(guest_sregs(&g).fs.limit, forms[i].limit);
        CHECK_EQ(guest_sregs(&g).fs.attributes, forms[i].attributes);
        snippet_at(&g, PROT_AT(str));
        RUN_TO_DONE(&g);
        CHECK_EQ(guest_sregs(&g).fs.limit, forms[i].limit);
        CHECK_EQ(guest_sregs(&g).fs.attributes, forms[i].attributes);
        round_trip(&g);
    }
}

/* Some CPU models check no limits: ask one with a descriptor that the guest loads by itself. */
static void need_limit_checks(void)
{
    /* data, limit 0xfff bytes */
    const uint64_t descriptor = 0x0040930000000fff;
    struct guest g;
    prot_create(&g);
    memcpy(g.ram + GUEST_GDT + GUEST_DS16, &descriptor, 8);
    GUEST_SET(&g, rax, GUEST_DS16);
    GUEST_SET(&g, rbx, 0x1000);
    snippet_at(&g, PROT_AT(load_fs_selector));
    RUN(&g);
    EXPECT_EXIT(&g, VMACCEL_EXIT_IO);
    need_of_cpu(g.exit->u.io.port != PORT_DONE, "a CPU that checks segment limits");
    prot_expect_trap(SITE, &g, VECTOR_GP);
}

static void expect_access(struct guest *g, uint64_t address, uint32_t offset)
{
    GUEST_SET(g, rbx, offset);
    snippet_at(g, address);
    RUN_TO_DONE(g);
}

static void expect_fault(struct guest *g, uint64_t address, uint32_t offset, uint8_t vector)
{
    GUEST_SET(g, rbx, offset);
    snippet_at(g, address);
    RUN(g);
    struct prot_frame frame = prot_expect_trap(SITE, g, vector);
    CHECK_EQ(frame.error, 0);
    CHECK_EQ(frame.eip, address);
}

void case_pmode_segment_limit(void)
{
    struct guest g;
    need_limit_checks();
    prot_create(&g);
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    sregs.ds.limit = 0xfff;
    sregs.ds.attributes = 0x4093;
    sregs.es.limit = 0x1fff;
    sregs.es.attributes = 0x4093;
    sregs.ss.limit = 0xbfff;
    sregs.ss.attributes = 0x4093;
    guest_set_sregs(&g, &sregs);
    expect_access(&g, PROT_AT(load_ds), 0xfff);
    expect_access(&g, PROT_AT(load_ds4), 0xffc);
    expect_fault(&g, PROT_AT(load_ds), 0x1000, VECTOR_GP);
    expect_fault(&g, PROT_AT(store_ds), 0x1000, VECTOR_GP);
    expect_fault(&g, PROT_AT(load_ds4), 0xffd, VECTOR_GP);
    expect_access(&g, PROT_AT(load_es), 0x1fff);
    expect_fault(&g, PROT_AT(load_es), 0x2000, VECTOR_GP);
    expect_access(&g, PROT_AT(load_ss), 0xbfff);
    expect_fault(&g, PROT_AT(load_ss), 0xc000, VECTOR_SS);
}

void case_segment_expand_down(void)
{
    struct guest g;
    need_limit_checks();
    prot_create(&g);
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    sregs.fs.limit = 0x1fff;
    sregs.fs.attributes = 0x4097;
    sregs.gs.limit = 0x1fff; /* with D clear it ends at 64 KiB */
    sregs.gs.attributes = 0x0097;
    guest_set_sregs(&g, &sregs);
    expect_fault(&g, PROT_AT(load_fs), 0x1fff, VECTOR_GP);
    expect_access(&g, PROT_AT(load_fs), 0x2000);
    expect_access(&g, PROT_AT(load_fs), 0x10000);
    expect_fault(&g, PROT_AT(load_gs), 0x1fff, VECTOR_GP);
    expect_access(&g, PROT_AT(load_gs), 0xffff);
    expect_fault(&g, PROT_AT(load_gs), 0x10000, VECTOR_GP);
}
