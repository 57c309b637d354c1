/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUID, MSRs and the TSC, from the guest's side and the API's. */
#include "x86_snippet.h"

#include <stdio.h>

#define MSR_TSC            0x10u
#define MSR_SPEC_CTRL      0x48u
#define MSR_MTRR_CAP       0xfeu
#define MSR_SYSENTER_CS    0x174u
#define MSR_SYSENTER_ESP   0x175u
#define MSR_PAT            0x277u
#define MSR_EFER           0xc0000080u
#define MSR_STAR           0xc0000081u
#define MSR_LSTAR          0xc0000082u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_TSC_AUX        0xc0000103u
#define MSR_UNKNOWN        0x12345678u
#define MSR_UNKNOWN_TEXT   "12345678"

static void guest_cpuid(struct guest *g, uint32_t leaf, uint32_t subleaf)
{
    GUEST_SET(g, rax, leaf);
    GUEST_SET(g, rcx, subleaf);
    GO(g, cpuid);
    RUN(g);
}

/* The guest's registers after CPUID. */
static void expect_cpuid(struct guest *g, uint32_t eax, uint32_t ebx, uint32_t ecx, uint32_t edx)
{
    vmaccel_x86_regs regs = guest_regs(g);
    CHECK_EQ(regs.rax, eax);
    CHECK_EQ(regs.rbx, ebx);
    CHECK_EQ(regs.rcx, ecx);
    CHECK_EQ(regs.rdx, edx);
}

void case_cpuid_exit_handler(void)
{
    struct guest g;
    snippet_create_with(&g, VMACCEL_IRQCHIP_NONE, VMACCEL_VM_EXIT_CPUID);
    guest_cpuid(&g, 0x40000000, 7);
    EXPECT_EXIT(&g, VMACCEL_EXIT_CPUID);
    CHECK_EQ(g.exit->u.cpuid.leaf, 0x40000000);
    CHECK_EQ(g.exit->u.cpuid.subleaf, 7);
    g.exit->u.cpuid.eax = 0x11223344;
    g.exit->u.cpuid.ebx = 0x55667788;
    g.exit->u.cpuid.ecx = 0x99aabbcc;
    g.exit->u.cpuid.edx = 0xddeeff00;
    RUN_TO_DONE(&g);
    expect_cpuid(&g, 0x11223344, 0x55667788, 0x99aabbcc, 0xddeeff00);

    /* Unchanged, the answer is the table's. */
    guest_cpuid(&g, 0, 0);
    EXPECT_EXIT(&g, VMACCEL_EXIT_CPUID);
    RUN_TO_DONE(&g);
    vmaccel_x86_cpuid entry = cpuid_of(&g, 0, 0);
    expect_cpuid(&g, entry.eax, entry.ebx, entry.ecx, entry.edx);
}

void case_cpuid_table_set(void)
{
    vmaccel_x86_cpuid table[CPUID_TABLE];
    size_t count = CPUID_TABLE - 4;
    char brand[49] = "A brand that no CPU was ever sold under, 3.14GHz";
    struct guest g;

    vmaccel_vm *vm = suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0);
    CHECK_OK(vmaccel_x86_cpuid_supported(vm, table, &count));
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t leaf = table[i].leaf;
        if (leaf >> 28 != 4 && (leaf < 0x80000002 || leaf > 0x80000004))
            table[kept++] = table[i];
    }
    table[kept++] = (vmaccel_x86_cpuid){.leaf = 0x40000000,
                                        .eax = 0x40000000,
                                        .ebx = 0x65646f4e,
                                        .ecx = 0x7265706f,
                                        .edx = 0x726f7461};
    for (uint32_t i = 0; i < 3; i++) {
        vmaccel_x86_cpuid entry = {.leaf = 0x80000002 + i};
        memcpy(&entry.eax, brand + 16 * i, 16);
        table[kept++] = entry;
    }
    CHECK_OK(vmaccel_x86_set_cpuid(vm, table, kept));
    guest_map(&g, vm);
    guest_add_vcpu(&g, 0, GUEST_LONG);
    snippet_load(&g);

    guest_cpuid(&g, 0x40000000, 0);
    snippet_expect_done(SITE, &g);
    expect_cpuid(&g, 0x40000000, 0x65646f4e, 0x7265706f, 0x726f7461);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t words[4];
        memcpy(words, brand + 16 * i, 16);
        guest_cpuid(&g, 0x80000002 + i, 0);
        snippet_expect_done(SITE, &g);
        expect_cpuid(&g, words[0], words[1], words[2], words[3]);
    }
}

/* Bits of a leaf that follow the vCPU's state rather than the table, in EAX to EDX. */
static void dynamic_bits(const vmaccel_x86_cpuid *entry, uint32_t mask[4])
{
    mask[0] = mask[1] = mask[2] = mask[3] = 0;
    if (entry->leaf == 1) {
        mask[2] = 1u << 27 | 1u << 3; /* OSXSAVE, MONITOR */
        mask[3] = 1u << 9;            /* APIC */
    } else if (entry->leaf == 7) {
        mask[2] = 1u << 4; /* OSPKE */
    } else if (entry->leaf == 0xd && entry->subleaf < 2) {
        mask[1] = UINT32_MAX; /* size of what XCR0 and XSS enable */
    } else if (entry->leaf == 0x80000001) {
        mask[3] = 1u << 9;
    }
}

void case_cpuid_table_is_what_the_guest_sees(void)
{
    vmaccel_x86_cpuid table[CPUID_TABLE];
    size_t count = CPUID_TABLE;
    struct guest g;

    snippet_create(&g);
    CHECK_OK(vmaccel_x86_get_cpuid(g.vcpu, table, &count));
    CHECK(count > 0);
    for (size_t i = 0; i < count; i++) {
        uint32_t mask[4];
        dynamic_bits(&table[i], mask);
        guest_cpuid(&g, table[i].leaf, table[i].subleaf);
        snippet_expect_done(SITE, &g);
        vmaccel_x86_regs regs = guest_regs(&g);
        const uint64_t seen[4] = {regs.rax, regs.rbx, regs.rcx, regs.rdx};
        const uint32_t told[4] = {table[i].eax, table[i].ebx, table[i].ecx, table[i].edx};
        for (unsigned r = 0; r < 4; r++) {
            if ((seen[r] & ~(uint64_t)mask[r]) != (told[r] & ~mask[r]))
                FAIL("leaf 0x%x.%u register E%cX: guest 0x%" PRIx64 ", table 0x%x", table[i].leaf,
                     table[i].subleaf, 'A' + (int)r, seen[r], told[r]);
        }
    }
    suite_note("%zu entries compared", count);
}

void case_cpuid_capacity(void)
{
    vmaccel_x86_cpuid table[CPUID_TABLE];
    size_t count = 0, all;
    struct guest g;

    snippet_create(&g);
    CHECK_OK(vmaccel_x86_get_cpuid(g.vcpu, NULL, &count));
    all = count;
    CHECK(all > 0 && all <= CPUID_TABLE);
    count = 1;
    CHECK_STATUS(vmaccel_x86_get_cpuid(g.vcpu, table, &count), VMACCEL_E_LIMIT);
    CHECK_EQ(count, all);
    CHECK_OK(vmaccel_x86_get_cpuid(g.vcpu, table, &count));
    CHECK_EQ(count, all);
    CHECK_STATUS(vmaccel_x86_set_cpuid(g.vm, table, count), VMACCEL_E_STATE);
}

void case_cpuid_apic_id(void)
{
    enum { VCPUS = 3 };
    struct guest g;

    guest_map(&g, suite_vm(VMACCEL_IRQCHIP_NONE, VCPUS, 0, 0));
    snippet_load(&g);
    for (uint32_t index = 0; index < VCPUS; index++) {
        guest_add_vcpu(&g, index, GUEST_LONG);
        CHECK_EQ(cpuid_of(&g, 1, 0).ebx >> 24, index);
        guest_cpuid(&g, 1, 0);
        snippet_expect_done(SITE, &g);
        CHECK_EQ(guest_regs(&g).rbx >> 24, index);
        for (uint32_t leaf = 0xb; leaf <= 0x1f; leaf += 0x14) {
            vmaccel_x86_cpuid entry = cpuid_of(&g, leaf, 0);
            if (entry.ebx == 0)
                continue;
            CHECK_EQ(entry.edx, index);
            guest_cpuid(&g, leaf, 0);
            snippet_expect_done(SITE, &g);
            CHECK_EQ(guest_regs(&g).rdx, index);
        }
    }
}

/* Without MONITOR in the table the instructions fault or do nothing; they never stop the vCPU. */
void case_cpuid_mwait_not_supported(void)
{
    struct guest g;
    snippet_create(&g);
    guest_cpuid(&g, 1, 0);
    snippet_expect_done(SITE, &g);
    CHECK_EQ(guest_regs(&g).rcx >> 3 & 1, 0);
    for (unsigned i = 0; i < 2; i++) {
        GUEST_SET(&g, rax, GUEST_DATA);
        GUEST_SET(&g, rcx, 0);
        GUEST_SET(&g, rdx, 0);
        if (i == 0)
            GO(&g, monitor);
        else
            GO(&g, mwait);
        RUN(&g);
        EXPECT_EXIT(&g, VMACCEL_EXIT_IO);
        if (g.exit->u.io.port == PORT_TRAP)
            snippet_expect_trap(SITE, &g, VECTOR_UD);
        else
            snippet_expect_done(SITE, &g);
    }
}

static void guest_wrmsr(struct guest *g, uint32_t id, uint64_t value)
{
    GUEST_SET(g, rcx, id);
    GUEST_SET(g, rax, (uint32_t)value);
    GUEST_SET(g, rdx, value >> 32);
    GO(g, wrmsr);
    RUN(g);
}

static void guest_rdmsr(struct guest *g, uint32_t id)
{
    GUEST_SET(g, rcx, id);
    GO(g, rdmsr);
    RUN(g);
}

static uint64_t edx_eax(struct guest *g)
{
    vmaccel_x86_regs regs = guest_regs(g);
    return regs.rdx << 32 | regs.rax;
}

void case_msr_access_valid(void)
{
    static const vmaccel_x86_msr msrs[] = {
        {.id = MSR_STAR, .value = 0x0018000800000000},
        {.id = MSR_LSTAR, .value = 0xffff800012345678},
        {.id = MSR_KERNEL_GS_BASE, .value = 0xffff8000deadb000},
        {.id = MSR_SYSENTER_CS, .value = 0x10},
        {.id = MSR_SYSENTER_ESP, .value = 0x12345678},
        {.id = MSR_PAT, .value = 0x0007010600070106},
    };
    struct guest g;

    snippet_create(&g);
    for (size_t i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
        guest_wrmsr(&g, msrs[i].id, msrs[i].value);
        snippet_expect_done(SITE, &g);
        CHECK_EQ(msr_get(&g, msrs[i].id), msrs[i].value);
        msr_set(&g, msrs[i].id, 0);
        guest_rdmsr(&g, msrs[i].id);
        snippet_expect_done(SITE, &g);
        CHECK_EQ(edx_eax(&g), 0);
        msr_set(&g, msrs[i].id, msrs[i].value);
        guest_rdmsr(&g, msrs[i].id);
        snippet_expect_done(SITE, &g);
        CHECK_EQ(edx_eax(&g), msrs[i].value);
    }
}

/* EFER and the FS and GS bases are in two views. */
void case_msr_and_sregs_agree(void)
{
    struct guest g;
    snippet_create(&g);
    CHECK_EQ(msr_get(&g, MSR_EFER), guest_sregs(&g).efer);
    msr_set(&g, MSR_EFER, guest_sregs(&g).efer | 1);
    CHECK_EQ(guest_sregs(&g).efer & 1, 1);
    msr_set(&g, 0xc0000100, 0x123000);
    CHECK_EQ(guest_sregs(&g).fs.base, 0x123000);
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    sregs.gs.base = 0x456000;
    sregs.efer &= ~UINT64_C(1);
    guest_set_sregs(&g, &sregs);
    CHECK_EQ(msr_get(&g, 0xc0000101), 0x456000);
    CHECK_EQ(msr_get(&g, MSR_EFER), sregs.efer);
    guest_rdmsr(&g, MSR_EFER);
    snippet_expect_done(SITE, &g);
    CHECK_EQ(edx_eax(&g), sregs.efer);
}

void case_msr_access_invalid(void)
{
    struct guest g;
    snippet_create(&g);
    guest_rdmsr(&g, MSR_UNKNOWN);
    CHECK_EQ(snippet_expect_trap(SITE, &g, VECTOR_GP).error, 0);
    guest_wrmsr(&g, MSR_UNKNOWN, 1);
    struct frame frame = snippet_expect_trap(SITE, &g, VECTOR_GP);
    CHECK_EQ(frame.error, 0);
    CHECK_EQ(frame.rip, LONG_AT(wrmsr));
    /* A reserved bit. */
    guest_wrmsr(&g, MSR_EFER, guest_sregs(&g).efer | 2);
    snippet_expect_trap(SITE, &g, VECTOR_GP);
}

void case_msr_exit(void)
{
    struct guest g;
    snippet_create_with(&g, VMACCEL_IRQCHIP_NONE, VMACCEL_VM_EXIT_MSR);

    guest_rdmsr(&g, MSR_UNKNOWN);
    EXPECT_EXIT(&g, VMACCEL_EXIT_MSR);
    CHECK_EQ(g.exit->u.msr.id, MSR_UNKNOWN);
    CHECK_EQ(g.exit->u.msr.is_write, false);
    CHECK_EQ(g.exit->u.msr.error, 0);
    g.exit->u.msr.value = 0x0102030405060708;
    RUN_TO_DONE(&g);
    CHECK_EQ(edx_eax(&g), 0x0102030405060708);

    guest_wrmsr(&g, MSR_UNKNOWN, 0x1122334455667788);
    EXPECT_EXIT(&g, VMACCEL_EXIT_MSR);
    CHECK_EQ(g.exit->u.msr.id, MSR_UNKNOWN);
    CHECK_EQ(g.exit->u.msr.is_write, true);
    CHECK_EQ(g.exit->u.msr.value, 0x1122334455667788);
    RUN_TO_DONE(&g);

    for (unsigned is_write = 0; is_write < 2; is_write++) {
        if (is_write != 0)
            guest_wrmsr(&g, MSR_UNKNOWN, 1);
        else
            guest_rdmsr(&g, MSR_UNKNOWN);
        EXPECT_EXIT(&g, VMACCEL_EXIT_MSR);
        g.exit->u.msr.error = 1;
        CHECK_EQ(RUN_TO_TRAP(&g, VECTOR_GP).error, 0);
    }

    /* A known MSR does not exit. */
    guest_wrmsr(&g, MSR_STAR, 0x0018000800000000);
    snippet_expect_done(SITE, &g);
}

void case_msr_batch_partial(void)
{
    static const vmaccel_x86_msr set[] = {{.id = MSR_STAR, .value = 0x0018000800000000},
                                          {.id = MSR_UNKNOWN, .value = 1},
                                          {.id = MSR_LSTAR, .value = 0x1000}};
    vmaccel_x86_msr get[] = {{.id = MSR_STAR}, {.id = MSR_LSTAR}, {.id = MSR_UNKNOWN}};
    struct guest g;
    size_t done = 99;

    snippet_create(&g);
    msr_set(&g, MSR_LSTAR, 0);
    CHECK_STATUS(vmaccel_x86_set_msrs(g.vcpu, set, 3, &done), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_EQ(done, 1);
    CHECK_DETAIL(MSR_UNKNOWN_TEXT);
    CHECK_EQ(msr_get(&g, MSR_STAR), 0x0018000800000000);
    CHECK_EQ(msr_get(&g, MSR_LSTAR), 0);

    done = 99;
    CHECK_STATUS(vmaccel_x86_get_msrs(g.vcpu, get, 3, &done), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_EQ(done, 2);
    CHECK_DETAIL(MSR_UNKNOWN_TEXT);
    CHECK_EQ(get[0].value, 0x0018000800000000);
    CHECK_EQ(get[1].value, 0);
    CHECK_EQ(get[2].id, MSR_UNKNOWN);

    /* A value refused counts as well. */
    vmaccel_x86_msr bad = {.id = MSR_LSTAR, .value = 0x8000000000000000};
    CHECK_STATUS(vmaccel_x86_set_msrs(g.vcpu, &bad, 1, &done), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_EQ(done, 0);
    CHECK_DETAIL("c0000082");
}

void case_msr_list(void)
{
    static uint32_t ids[1024];
    static vmaccel_x86_msr msrs[1024];
    struct guest g;
    size_t count = 0, done = 0;

    snippet_create(&g);
    CHECK_OK(vmaccel_x86_msr_list(g.vm, NULL, &count));
    CHECK(count > 0 && count <= 1024);
    CHECK_OK(vmaccel_x86_msr_list(g.vm, ids, &count));
    bool has_lstar = false;
    for (size_t i = 0; i < count; i++) {
        msrs[i] = (vmaccel_x86_msr){.id = ids[i]};
        has_lstar |= ids[i] == MSR_LSTAR;
        for (size_t j = 0; j < i; j++)
            CHECK(ids[j] != ids[i]);
    }
    CHECK(has_lstar);
    CHECK_OK(vmaccel_x86_get_msrs(g.vcpu, msrs, count, &done));
    CHECK_EQ(done, count);
    /* What was read can be written. */
    CHECK_OK(vmaccel_x86_set_msrs(g.vcpu, msrs, count, &done));
    CHECK_EQ(done, count);
    suite_note("%zu MSRs", count);
}

void case_rdtsc_instruction(void)
{
    struct guest g;
    snippet_create(&g);
    GUEST_SET(&g, rcx, 100);
    GO_DONE(&g, rdtsc_loop);
    CHECK_EQ(guest_regs(&g).rbx, 0);
    GO_DONE(&g, rdtsc);
    uint64_t before = edx_eax(&g);
    GO_DONE(&g, rdtsc);
    CHECK(edx_eax(&g) > before);
}

void case_tsc_offsets(void)
{
    static const uint64_t values[] = {0, UINT64_C(1) << 48, 123456789, UINT64_C(1) << 56};
    /* A minute at 64 GHz. */
    const uint64_t slack = UINT64_C(60) << 36;
    struct guest g;

    snippet_create(&g);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        msr_set(&g, MSR_TSC, values[i]);
        GO_DONE(&g, rdtsc);
        uint64_t seen = edx_eax(&g);
        if (seen < values[i] || seen - values[i] > slack)
            FAIL("TSC set to 0x%" PRIx64 ", guest reads 0x%" PRIx64, values[i], seen);
        uint64_t read = msr_get(&g, MSR_TSC);
        CHECK(read >= seen && read - seen < slack);
    }
}

/* Whether the guest's RDMSR of it ends well. */
static bool can_read(struct guest *g, uint32_t id)
{
    guest_rdmsr(g, id);
    if (g->exit->reason == VMACCEL_EXIT_IO && g->exit->u.io.port == PORT_DONE)
        return true;
    snippet_expect_trap(SITE, g, VECTOR_GP);
    return false;
}

void case_cpuid_msr_coherence(void)
{
    struct guest g;
    snippet_create(&g);
    uint32_t features = cpuid_of(&g, 1, 0).edx;
    uint32_t extended = cpuid_of(&g, 0x80000001, 0).edx;
    vmaccel_x86_cpuid leaf7 = cpuid_of(&g, 7, 0);

    if ((features >> 12 & 1) != 0)
        CHECK(can_read(&g, MSR_MTRR_CAP));
    if ((features >> 16 & 1) != 0)
        CHECK(can_read(&g, MSR_PAT));
    if ((features >> 11 & 1) != 0)
        CHECK(can_read(&g, MSR_SYSENTER_CS));
    if ((extended >> 27 & 1) != 0 || (leaf7.ecx >> 22 & 1) != 0)
        CHECK(can_read(&g, MSR_TSC_AUX));
    if ((leaf7.edx >> 26 & 1) != 0)
        CHECK(can_read(&g, MSR_SPEC_CTRL));
    if ((leaf7.edx >> 29 & 1) != 0)
        CHECK(can_read(&g, 0x10a));

    if ((extended >> 20 & 1) != 0) {
        guest_wrmsr(&g, MSR_EFER, guest_sregs(&g).efer | 1u << 11);
        snippet_expect_done(SITE, &g);
        CHECK_EQ(guest_sregs(&g).efer >> 11 & 1, 1);
    }
}

void case_cpuid_absent_feature_msr(void)
{
    vmaccel_x86_cpuid table[CPUID_TABLE];
    size_t count = CPUID_TABLE;
    struct guest g;

    vmaccel_vm *vm = suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0);
    CHECK_OK(vmaccel_x86_cpuid_supported(vm, table, &count));
    for (size_t i = 0; i < count; i++) {
        if (table[i].leaf == 0x80000001)
            table[i].edx &= ~(1u << 27 | 1u << 20);
        if (table[i].leaf == 7)
            table[i].ecx &= ~(1u << 22);
    }
    CHECK_OK(vmaccel_x86_set_cpuid(vm, table, count));
    guest_map(&g, vm);
    guest_add_vcpu(&g, 0, GUEST_LONG);
    snippet_load(&g);
    CHECK(!can_read(&g, MSR_TSC_AUX));
    /* EFER.NXE */
    guest_wrmsr(&g, MSR_EFER, guest_sregs(&g).efer | 1u << 11);
    snippet_expect_trap(SITE, &g, VECTOR_GP);
}
