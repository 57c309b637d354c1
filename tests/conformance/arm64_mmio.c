/* SPDX-License-Identifier: BSD-2-Clause */
/* Accesses to MMIO in every form that a compiler emits, and those the CPU does not describe. */
#include "arm64_guest.h"
#include "suite_host.h"

#define DEVICE   (A64_MMIO_DEV + 0x40)
#define DATA     UINT64_C(0x8899aabbccddeeff)
#define SYND_WNR (1u << 6)

void case_el1_minimal(void)
{
    struct guest g;
    a64_create(&g);
    SET_X(&g, 0, 40);
    GO(&g, steps);
    /* Two adds, a branch and an SVC, which returns. */
    RUN_TO_TRAP(&g, VECTOR_SYNC);
    RUN_TO_WRITE(&g, A64_MARKS + A64_DONE, 1, 42);
    CHECK_EQ(X(&g, 0), 42);
}

struct form {
    const char *name;
    uint32_t label;
    uint8_t size;
    int16_t offset;  /* of the access from X1 */
    uint64_t result; /* loads: X0 then */
};
#define FORM(label, ...)                                                                           \
    {                                                                                              \
#label, EL1_AT(label), __VA_ARGS__                                                         \
    }

static void start(struct guest *g, const struct form *form)
{
    suite_about("%s", form->name);
    SET_PC(g, form->label);
    SET_X(g, 0, DATA);
    SET_X(g, 1, DEVICE);
    SET_X(g, 2, (uint64_t)INT64_C(-8));
}

static void check_load(struct guest *g, const struct form *form)
{
    start(g, form);
    RUN_TO_READ(g, GUEST_MMIO + 0x40 + (uint64_t)form->offset, form->size);
    CHECK_EQ(PC(g), form->label);
    CHECK_EQ(X(g, 0), DATA);
    guest_answer(g, 0xf1f2f3f4f5f6f7f8);
    RUN_TO_DONE(g);
}

void case_mmio_load_forms(void)
{
    static const struct form forms[] = {
        FORM(ldrb_w, 1, 0, 0xf8),          FORM(ldrh_w, 2, 0, 0xf7f8),
        FORM(ldr_w, 4, 0, 0xf5f6f7f8),     FORM(ldr_x, 8, 0, 0xf1f2f3f4f5f6f7f8),
        FORM(ldr_wzr, 4, 0, DATA),         FORM(ldr_xzr, 8, 0, DATA),
        FORM(ldr_w_x2, 4, -8, 0xf5f6f7f8), FORM(ldr_w_w2, 4, -32, 0xf5f6f7f8),
        FORM(ldur_w, 4, -4, 0xf5f6f7f8),   FORM(ldar_w, 4, 0, 0xf5f6f7f8),
        FORM(ldarb_w, 1, 0, 0xf8),         FORM(ldar_x, 8, 0, 0xf1f2f3f4f5f6f7f8),
    };
    struct guest g;
    a64_create(&g);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        check_load(&g, &forms[i]);
        CHECK_EQ(X(&g, 0), forms[i].result);
    }
}

void case_mmio_sign_extension(void)
{
    static const struct form forms[] = {
        FORM(ldrsb_w, 1, 0, 0xfffffff8),         FORM(ldrsb_x, 1, 0, 0xfffffffffffffff8),
        FORM(ldrsh_w, 2, 0, 0xfffff7f8),         FORM(ldrsh_x, 2, 0, 0xfffffffffffff7f8),
        FORM(ldrsw_x, 4, 0, 0xfffffffff5f6f7f8),
    };
    struct guest g;
    a64_create(&g);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        check_load(&g, &forms[i]);
        if (X(&g, 0) == 0xf8 && host_is_qemu_virt())
            suite_skip_host("SSE in the syndromes of the host's emulated CPU");
        CHECK_EQ(X(&g, 0), forms[i].result);
    }
    /* A positive value is extended with zeros. */
    start(&g, &forms[1]);
    RUN_TO_READ(&g, GUEST_MMIO + 0x40, 1);
    guest_answer(&g, 0x7f);
    RUN_TO_DONE(&g);
    CHECK_EQ(X(&g, 0), 0x7f);
}

void case_mmio_store_forms(void)
{
    static const struct form forms[] = {
        FORM(strb_w, 1, 0, 0xff),
        FORM(strh_w, 2, 0, 0xeeff),
        FORM(str_w, 4, 0, 0xccddeeff),
        FORM(str_x, 8, 0, DATA),
        FORM(str_wzr, 4, 0, 0),
        FORM(str_xzr, 8, 0, 0),
        FORM(str_w_x2, 4, -8, 0xccddeeff),
        FORM(stur_x, 8, -8, DATA),
        FORM(stlr_w, 4, 0, 0xccddeeff),
        FORM(stlrh_w, 2, 0, 0xeeff),
    };
    struct guest g;
    a64_create(&g);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        const struct form *form = &forms[i];
        start(&g, form);
        RUN_TO_WRITE(&g, GUEST_MMIO + 0x40 + (uint64_t)form->offset, form->size, form->result);
        CHECK_EQ(PC(&g), form->label + 4u);
        RUN_TO_DONE(&g);
    }
}

/* The same with the MMU off, where all data accesses are Device. */
void case_mmio_without_mmu(void)
{
    struct guest g;
    a64_create(&g);
    a64_mmu_off(&g);
    SET_X(&g, 0, DATA);
    SET_X(&g, 1, GUEST_MMIO + 0x10);
    GO(&g, str_x);
    RUN_TO_WRITE(&g, GUEST_MMIO + 0x10, 8, DATA);
    RUN_TO_DONE(&g);
    GO(&g, ldrh_w);
    RUN_TO_READ(&g, GUEST_MMIO + 0x10, 2);
    guest_answer(&g, 0x8001);
    RUN_TO_DONE(&g);
    CHECK_EQ(X(&g, 0), 0x8001);
}

/* Device memory: an alignment fault of the guest's own. Normal memory: an access like others. */
void case_mmio_unaligned(void)
{
    struct guest g;
    struct a64_trap trap;
    a64_create(&g);
    SET_X(&g, 0, DATA);
    SET_X(&g, 1, A64_MMIO_DEV + 3);
    GO(&g, str_w);
    RUN(&g);
    /* An emulated CPU may not check alignment by memory type. */
    if (g.exit->reason == VMACCEL_EXIT_MMIO && g.exit->u.mmio.gpa == GUEST_MMIO + 3) {
        suite_note("the CPU makes unaligned accesses to Device memory");
        EXPECT_EXIT_WRITE(&g, GUEST_MMIO + 3, 4, 0xccddeeff);
        RUN_TO_DONE(&g);
    } else {
        trap = a64_expect_trap(SITE, &g, VECTOR_SYNC);
        CHECK_EQ(ESR_EC(trap.esr), EC_DABT_SAME);
        CHECK_EQ(ESR_FSC(trap.esr), FSC_ALIGNMENT);
        CHECK_EQ(trap.far, A64_MMIO_DEV + 3);
    }
    for (uint64_t offset = 1; offset < 8; offset++) {
        SET_X(&g, 1, GUEST_MMIO + offset);
        GO(&g, str_x);
        RUN_TO_WRITE(&g, GUEST_MMIO + offset, 8, DATA);
        RUN_TO_DONE(&g);
        GO(&g, ldr_w);
        RUN_TO_READ(&g, GUEST_MMIO + offset, 4);
        guest_answer(&g, 0x12345678);
        RUN_TO_DONE(&g);
        CHECK_EQ(X(&g, 0), 0x12345678);
        SET_X(&g, 0, DATA);
    }
}

/* Two exits with the right halves, as everywhere. */
void case_mmio_unaligned_cross_page(void)
{
    struct guest g;
    a64_create(&g);
    SET_X(&g, 0, DATA);
    SET_X(&g, 1, GUEST_MMIO + 0xffd);
    GO(&g, str_x);
    RUN_TO_WRITE(&g, GUEST_MMIO + 0xffd, 3, 0xddeeff);
    RUN_TO_WRITE(&g, GUEST_MMIO + 0x1000, 5, 0x8899aabbcc);
    RUN_TO_DONE(&g);
    GO(&g, ldr_x);
    RUN_TO_READ(&g, GUEST_MMIO + 0xffd, 3);
    guest_answer(&g, 0x332211);
    CHECK_EQ(guest_complete(&g), true);
    EXPECT_EXIT_READ(&g, GUEST_MMIO + 0x1000, 5);
    guest_answer(&g, 0x8877665544);
    RUN_TO_DONE(&g);
    CHECK_EQ(X(&g, 0), 0x8877665544332211);
}

/* Half of it in memory: an exit for the other. */
void case_mmio_unaligned_into_memory(void)
{
    struct guest g;
    uint64_t page = suite_cap(VMACCEL_CAP_PAGE_SIZE);
    uint8_t *host = suite_pages(page);
    a64_create(&g);
    CHECK_OK(vmaccel_memory_map(g.vm, GUEST_MMIO + page, page, host, VMACCEL_MEM_RWX));
    SET_X(&g, 0, DATA);
    SET_X(&g, 1, GUEST_MMIO + page - 3);
    GO(&g, str_x);
    RUN_TO_WRITE(&g, GUEST_MMIO + page - 3, 3, 0xddeeff);
    RUN_TO_DONE(&g);
    CHECK_BYTES(host, "\xcc\xbb\xaa\x99\x88", 6);
    GO(&g, ldr_x);
    RUN_TO_READ(&g, GUEST_MMIO + page - 3, 3);
    guest_answer(&g, 0x332211);
    RUN_TO_DONE(&g);
    CHECK_EQ(X(&g, 0), 0x8899aabbcc332211);
}

/* Accesses with ESR.ISV 0, at X1 or as far from it as `offset` says. */
static const struct form undescribed[] = {
    FORM(ldp_x, 0, 0, 0), FORM(ldr_post, 0, 0, 0), FORM(ldr_pre, 0, 8, 0),
    FORM(ldr_q, 0, 0, 0), FORM(ld1, 0, 0, 0),      FORM(stp_x, 1, 0, 0),
    FORM(stp_w, 1, 0, 0), FORM(str_post, 1, 0, 0), FORM(str_pre, 1, 1, 0),
    FORM(str_q, 1, 0, 0), FORM(str_d, 1, 0, 0),    FORM(st1, 1, 0, 0),
};

static void expect_undescribed(struct guest *g, const struct form *form)
{
    const vmaccel_exit *exit = g->exit;
    uint8_t bytes[4];
    RUN_TO(g, VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION);
    CHECK_EQ(PC(g), form->label);
    CHECK_EQ(exit->u.instruction.gpa, GUEST_MMIO + 0x40 + (uint64_t)form->offset);
    CHECK_EQ(exit->u.instruction.syndrome & SYND_WNR, form->size != 0 ? SYND_WNR : 0);
    CHECK_EQ(exit->u.instruction.length, 4);
    CHECK_OK(vmaccel_memory_read(g->vm, form->label, bytes, 4));
    CHECK_BYTES(exit->u.instruction.bytes, bytes, 4);
    CHECK_EQ(X(g, 1), DEVICE);
}

void case_mmio_undescribed(void)
{
    struct guest g;
    a64_create(&g);
    for (size_t i = 0; i < sizeof(undescribed) / sizeof(undescribed[0]); i++) {
        const struct form *form = &undescribed[i];
        /* Left alone, it comes again; carried out by the caller, the guest goes on. */
        start(&g, form);
        expect_undescribed(&g, form);
        expect_undescribed(&g, form);
        COMPLETE(&g);
        CHECK_EQ(PC(&g), form->label);
        SET_X(&g, 0, 0x77);
        SET_PC(&g, form->label + 4u);
        RUN_TO_WRITE(&g, A64_MARKS + A64_DONE, 1, 0x77);
    }
}

static void set_data_abort(struct guest *g)
{
    vmaccel_arm64_events events;
    CHECK_OK(vmaccel_arm64_get_events(g->vcpu, &events));
    CHECK_EQ(events.data_abort_pending, false);
    events.data_abort_pending = true;
    CHECK_OK(vmaccel_arm64_set_events(g->vcpu, &events));
}

static void expect_external_abort(struct guest *g, uint64_t pc)
{
    struct a64_trap trap = RUN_TO_TRAP(g, VECTOR_SYNC);
    CHECK_EQ(ESR_EC(trap.esr), EC_DABT_SAME);
    CHECK_EQ(ESR_FSC(trap.esr), FSC_EXTERNAL);
    CHECK_EQ(trap.far, DEVICE);
    CHECK_EQ(trap.elr, pc);
    /* Returned to, the access is made again: go past it. */
    a64_set(g, VMACCEL_ARM64_ELR_EL1, pc + 4);
    RUN_TO_DONE(g);
}

void case_mmio_undescribed_abort(void)
{
    struct guest g;
    a64_create(&g);
    for (size_t i = 0; i < sizeof(undescribed) / sizeof(undescribed[0]); i++) {
        const struct form *form = &undescribed[i];
        if (form->offset != 0)
            continue;
        start(&g, form);
        expect_undescribed(&g, form);
        set_data_abort(&g);
        expect_external_abort(&g, form->label);
    }
}

void case_mmio_abort(void)
{
    static const struct form forms[] = {FORM(ldr_w, 4, 0, 0), FORM(str_w, 4, 0, 0xccddeeff)};
    struct guest g;
    a64_create(&g);
    start(&g, &forms[0]);
    RUN_TO_READ(&g, GUEST_MMIO + 0x40, 4);
    set_data_abort(&g);
    expect_external_abort(&g, forms[0].label);
    CHECK_EQ(X(&g, 0), DATA);
    start(&g, &forms[1]);
    RUN_TO_WRITE(&g, GUEST_MMIO + 0x40, 4, 0xccddeeff);
    set_data_abort(&g);
    expect_external_abort(&g, forms[1].label);
}

/* No data access of an exit to abort. */
void case_mmio_abort_without_access(void)
{
    struct guest g;
    vmaccel_arm64_events events;
    a64_create(&g);
    memset(&events, 0, sizeof(events));
    events.data_abort_pending = true;
    CHECK(vmaccel_arm64_set_events(g.vcpu, &events) != VMACCEL_OK);
    GO_DONE(&g, nop);
}

void case_read_only_memory_undescribed(void)
{
    struct guest g;
    uint64_t page = suite_cap(VMACCEL_CAP_PAGE_SIZE);
    uint8_t *host = suite_pages(page);
    a64_create(&g);
    host[0x40] = 0x5a;
    CHECK_OK(vmaccel_memory_map(g.vm, GUEST_MMIO, page, host, VMACCEL_MEM_READ | VMACCEL_MEM_EXEC));
    for (size_t i = 0; i < sizeof(undescribed) / sizeof(undescribed[0]); i++) {
        if (undescribed[i].size == 0)
            continue;
        start(&g, &undescribed[i]);
        expect_undescribed(&g, &undescribed[i]);
    }
    start(&g, &undescribed[0]);
    RUN_TO_DONE(&g);
    CHECK_EQ(X(&g, 2), 0x5a);
}

/* At addresses that the guest's physical address space does not have, an abort or an exit. */
void case_access_beyond_gpa_bits(void)
{
    struct guest g;
    uint64_t bits = suite_cap(VMACCEL_CAP_GPA_BITS);
    if (bits >= 48)
        suite_skip_host("a guest address that the tables can hold and the platform can't");
    a64_create(&g);
    uint64_t tcr = a64_sysreg(&g, TCR_EL1) & ~(UINT64_C(7) << 32);
    a64_set_sysreg(&g, TCR_EL1, tcr | UINT64_C(5) << 32); /* 48 bits of physical address */
    /* The third GiB goes there. */
    uint64_t entry = UINT64_C(1) << bits | 1 << 10 | 1;
    memcpy(g.ram + A64_L1 + 16, &entry, 8);
    SET_X(&g, 1, A64_MMIO_DEV);
    GO(&g, ldr_w);
    RUN(&g);
    if (g.exit->u.mmio.gpa == UINT64_C(1) << bits)
        return;
    struct a64_trap trap = a64_expect_trap(SITE, &g, VECTOR_SYNC);
    CHECK_EQ(ESR_EC(trap.esr), EC_DABT_SAME);
}

void case_fetch_from_mmio(void)
{
    struct guest g;
    a64_create(&g);
    SET_X(&g, 1, GUEST_MMIO + 0x120);
    GO(&g, branch);
    RUN(&g);
    if (g.exit->reason == VMACCEL_EXIT_MMIO) {
        /* The guest's own exception, where the platform makes it one. */
        struct a64_trap trap = a64_expect_trap(SITE, &g, VECTOR_SYNC);
        CHECK_EQ(ESR_EC(trap.esr), EC_IABT_SAME);
        CHECK_EQ(ESR_FSC(trap.esr), FSC_EXTERNAL);
        CHECK_EQ(trap.elr, GUEST_MMIO + 0x120);
    } else {
        if (g.exit->reason != VMACCEL_EXIT_MEMORY_FAULT)
            EXPECT_EXIT(&g, VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION);
        CHECK_EQ(PC(&g), GUEST_MMIO + 0x120);
    }
    GO_DONE(&g, nop);
}
