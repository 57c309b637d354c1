/* SPDX-License-Identifier: BSD-2-Clause */
/* Saving a vCPU and going on in another VM: in any order of the setters, and from awkward places.
 */
#include "suite_host.h"
#include "x86_prot.h"
#include "x86_snippet.h"
#include "x86_state.h"

#define TWINS 4u
#define EXITS 64u

#define MSR_TSC          0x10u
#define MSR_TSC_DEADLINE 0x6e0u
#define MSR_LSTAR        0xc0000082u
#define MSI_ADDRESS      0xfee00000u

/* What of an exit must be the same when the guest goes on elsewhere. */
struct seen {
    uint32_t reason;
    uint16_t port;
    uint32_t count;
    uint64_t data; /* hash */
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    vmaccel_x86_events events;
};

static struct seen look(struct guest *g)
{
    struct seen seen;
    memset(&seen, 0, sizeof(seen));
    seen.reason = g->exit->reason;
    if (seen.reason == VMACCEL_EXIT_IO) {
        seen.port = g->exit->u.io.port;
        seen.count = g->exit->u.io.count;
        for (size_t i = 0; i < (size_t)seen.count * g->exit->u.io.size; i++)
            seen.data = (seen.data ^ g->exit->u.io.data[i]) * UINT64_C(0x100000001b3);
    }
    seen.regs = guest_regs(g);
    seen.sregs = guest_sregs(g);
    CHECK_OK(vmaccel_x86_get_events(g->vcpu, &seen.events));
    return seen;
}

/* A guest stopped somewhere, and its twins in other VMs, each restored in another order. */
struct family {
    struct guest original, twins[TWINS];
    struct state state;
};

static struct family family;

static void make_twins(vmaccel_irqchip irqchip)
{
    static struct state again;
    enum element order[ELEMENTS];
    state_save(&family.original, &family.state);
    for (unsigned n = 0; n < TWINS; n++) {
        struct guest *twin = &family.twins[n];
        state_twin(twin, &family.original, irqchip, &family.state);
        state_order(order, n);
        state_restore(twin, &family.state, order);
        state_save(twin, &again);
        state_check_same(SITE, &again, &family.state);
    }
}

/* All go on alike, exit by exit, to the end of the snippet. */
static void go_on_alike(struct site site)
{
    static struct seen expected[EXITS];
    unsigned count = 0;
    do {
        CHECK(count < EXITS);
        RUN(&family.original);
        expected[count++] = look(&family.original);
    } while (expected[count - 1].port != PORT_DONE);
    for (unsigned n = 0; n < TWINS; n++) {
        for (unsigned i = 0; i < count; i++) {
            RUN(&family.twins[n]);
            struct seen seen = look(&family.twins[n]);
            if (seen.reason != expected[i].reason || seen.port != expected[i].port)
                suite_fail(site.file, site.line,
                           "twin %u, exit %u: %s, port 0x%x, RIP 0x%" PRIx64
                           "; the original: %s, port 0x%x, RIP 0x%" PRIx64,
                           n, i, vmaccel_exit_name(seen.reason), seen.port, seen.regs.rip,
                           vmaccel_exit_name(expected[i].reason), expected[i].port,
                           expected[i].regs.rip);
            suite_check_bytes(site.file, site.line, "regs", &seen.regs, &expected[i].regs,
                              sizeof(seen.regs));
            suite_check_bytes(site.file, site.line, "sregs", &seen.sregs, &expected[i].sregs,
                              sizeof(seen.sregs));
            suite_check_bytes(site.file, site.line, "events", &seen.events, &expected[i].events,
                              sizeof(seen.events));
            CHECK_EQ(seen.count, expected[i].count);
            CHECK_EQ(seen.data, expected[i].data);
        }
    }
}

/* A value in each element that a new vCPU does not have. */
static void disturb(struct guest *g)
{
    vmaccel_x86_sregs sregs = guest_sregs(g);
    sregs.cr4 |= 1u << 9 | 1u << 10;
    sregs.cr2 = 0x123456;
    sregs.cr8 = 3;
    if ((cpuid_of(g, 1, 0).ecx >> 26 & 1) != 0)
        sregs.cr4 |= 1u << 18;
    guest_set_sregs(g, &sregs);
    if (vmaccel_vm_cap(g->vm, VMACCEL_CAP_REG_XCR) != 0)
        CHECK_OK(vmaccel_x86_set_xcr0(g->vcpu, cpuid_of(g, 0xd, 0).eax & 7));
    if (vmaccel_vm_cap(g->vm, VMACCEL_CAP_REG_FPU) != 0) {
        vmaccel_x86_fpu fpu;
        CHECK_OK(vmaccel_x86_get_fpu(g->vcpu, &fpu));
        for (unsigned i = 0; i < 16; i++)
            memset(fpu.vector[i], (int)(i + 1), 16);
        fpu.mxcsr = 0x9f80;
        CHECK_OK(vmaccel_x86_set_fpu(g->vcpu, &fpu));
    }
    if (vmaccel_vm_cap(g->vm, VMACCEL_CAP_REG_DEBUG) != 0) {
        vmaccel_x86_debug_regs debug;
        CHECK_OK(vmaccel_x86_get_debug_regs(g->vcpu, &debug));
        debug.dr[2] = 0x7654321;
        CHECK_OK(vmaccel_x86_set_debug_regs(g->vcpu, &debug));
    }
    msr_set(g, MSR_LSTAR, 0xffff800011112222);
    if (vmaccel_vm_cap(g->vm, VMACCEL_CAP_NATIVE_KERNEL) != 0)
        msr_set(g, MSR_TSC, UINT64_C(1) << 44);
    GO_DONE(g, invert);
}

static void check_save_restore_save(vmaccel_irqchip irqchip)
{
    static struct state first, again;
    enum element order[ELEMENTS];
    const unsigned orders = suite_quick() ? 4 : 24;
    struct guest g;
    snippet_create_with(&g, irqchip, 0);
    disturb(&g);
    state_save(&g, &first);
    for (unsigned n = 0; n < orders; n++) {
        struct guest twin;
        state_twin(&twin, &g, irqchip, &first);
        state_order(order, n);
        state_restore(&twin, &first, order);
        state_save(&twin, &again);
        state_check_same(SITE, &again, &first);
        /* The same from the CPU's own hands. */
        GO_DONE(&twin, done);
        GUEST_SET(&twin, rsp, first.regs.rsp);
        GUEST_SET(&twin, rip, first.regs.rip);
        state_save(&twin, &again);
        state_check_same(SITE, &again, &first);
        suite_vcpu_destroy(twin.vcpu);
        suite_vm_destroy(twin.vm);
    }
    suite_note("%u orders", orders);
}

void case_save_restore_save(void)
{
    check_save_restore_save(VMACCEL_IRQCHIP_NONE);
}

void case_save_restore_save_split(void)
{
    check_save_restore_save(VMACCEL_IRQCHIP_SPLIT);
}

void case_restore_pending_interrupt(void)
{
    struct guest *g = &family.original;
    snippet_create(g);
    GUEST_SET(g, rflags, FLAG_IF);
    GO(g, nops);
    CHECK_OK(vmaccel_vcpu_inject_interrupt(g->vcpu, 0x30));
    make_twins(VMACCEL_IRQCHIP_NONE);
    CHECK_EQ(family.state.events.interrupt_pending, true);
    go_on_alike(SITE);
}

void case_restore_nmi_masked(void)
{
    struct guest *g = &family.original;
    snippet_create(g);
    GO(g, nops);
    CHECK_OK(vmaccel_vcpu_inject_nmi(g->vcpu));
    RUN_TO_TRAP(g, VECTOR_NMI);
    CHECK_OK(vmaccel_vcpu_inject_nmi(g->vcpu));
    make_twins(VMACCEL_IRQCHIP_NONE);
    CHECK_EQ(family.state.events.nmi_masked, true);
    CHECK_EQ(family.state.events.nmi_pending, true);
    go_on_alike(SITE);
}

void case_restore_in_interrupt_shadow(void)
{
    struct guest *g = &family.original;
    snippet_create(g);
    GO(g, nops);
    GUEST_SET(g, rflags, FLAG_IF);
    vmaccel_x86_events events;
    CHECK_OK(vmaccel_x86_get_events(g->vcpu, &events));
    events.shadow = VMACCEL_X86_SHADOW_STI;
    CHECK_OK(vmaccel_x86_set_events(g->vcpu, &events));
    make_twins(VMACCEL_IRQCHIP_NONE);
    CHECK_OK(vmaccel_vcpu_request_irq_window(g->vcpu, true));
    for (unsigned n = 0; n < TWINS; n++)
        CHECK_OK(vmaccel_vcpu_request_irq_window(family.twins[n].vcpu, true));
    go_on_alike(SITE);
}

/* Serve the last exit and complete it; then no access waits. Bytes of OUTS are appended to `bytes`,
 * those of INS come from it. */
static void serve_and_complete(struct guest *g, uint8_t *bytes, size_t *done)
{
    bool more = true;
    while (more) {
        EXPECT_EXIT(g, VMACCEL_EXIT_IO);
        CHECK_EQ(g->exit->u.io.port, PORT_IN);
        size_t size = (size_t)g->exit->u.io.count * g->exit->u.io.size;
        if (g->exit->u.io.is_write)
            memcpy(bytes + *done, g->exit->u.io.data, size);
        else
            memcpy(g->exit->u.io.data, bytes + *done, size);
        *done += size;
        more = guest_complete(g);
    }
}

#define STRING 20000u

static uint8_t string_bytes[2 * STRING];

static void string_start(struct guest *g)
{
    snippet_create(g);
    GUEST_SET(g, rcx, STRING);
    GUEST_SET(g, rdx, PORT_IN);
    GUEST_SET(g, rsi, GUEST_DATA);
    GUEST_SET(g, rdi, GUEST_DATA);
}

static bool string_over(const struct guest *g)
{
    return g->exit->reason == VMACCEL_EXIT_IO && g->exit->u.io.port == PORT_DONE;
}

static void string_finish(struct guest *g, size_t done)
{
    for (;;) {
        RUN(g);
        if (string_over(g))
            break;
        serve_and_complete(g, string_bytes, &done);
        CHECK(done <= STRING);
    }
    CHECK_EQ(done, STRING);
    CHECK_EQ(guest_regs(g).rcx, 0);
}

void case_restore_within_rep_outs(void)
{
    struct guest *g = &family.original;
    size_t done = 0;
    string_start(g);
    for (size_t i = 0; i < STRING; i++)
        g->ram[GUEST_DATA + i] = (uint8_t)(i * 7 + i / 256);
    GO(g, rep_outsb);
    RUN(g);
    serve_and_complete(g, string_bytes, &done);
    CHECK_EQ(guest_regs(g).rcx, STRING - done);
    CHECK_EQ(guest_regs(g).rsi, GUEST_DATA + done);
    make_twins(VMACCEL_IRQCHIP_NONE);
    suite_note("stopped after %zu of %u", done, STRING);
    for (unsigned n = 0; n < TWINS; n++) {
        memset(string_bytes + done, 0, STRING - done);
        string_finish(&family.twins[n], done);
        CHECK_BYTES(string_bytes, g->ram + GUEST_DATA, STRING);
    }
    string_finish(g, done);
}

void case_restore_within_rep_ins(void)
{
    struct guest *g = &family.original;
    size_t done = 0;
    string_start(g);
    for (size_t i = 0; i < STRING; i++)
        string_bytes[i] = (uint8_t)(i * 5 + i / 256);
    GO(g, rep_insb);
    RUN(g);
    serve_and_complete(g, string_bytes, &done);
    CHECK_EQ(guest_regs(g).rcx, STRING - done);
    CHECK_EQ(guest_regs(g).rdi, GUEST_DATA + done);
    make_twins(VMACCEL_IRQCHIP_NONE);
    for (unsigned n = 0; n < TWINS; n++) {
        string_finish(&family.twins[n], done);
        CHECK_BYTES(family.twins[n].ram + GUEST_DATA, string_bytes, STRING);
    }
    string_finish(g, done);
}

void case_restore_halted(void)
{
    struct guest *g = &family.original;
    snippet_create(g);
    GUEST_SET(g, rbx, 0);
    GO(g, halt_loop);
    RUN_TO_HLT(g);
    make_twins(VMACCEL_IRQCHIP_NONE);
    CHECK_OK(vmaccel_vcpu_inject_interrupt(g->vcpu, 0x30));
    for (unsigned n = 0; n < TWINS; n++)
        CHECK_OK(vmaccel_vcpu_inject_interrupt(family.twins[n].vcpu, 0x30));
    go_on_alike(SITE);
    CHECK_EQ(guest_regs(g).rbx, 1);
    for (unsigned n = 0; n < TWINS; n++)
        RUN_TO_HLT(&family.twins[n]);
}

static void kick_later(void *argument)
{
    struct guest *g = argument;
    host_sleep_ns(50000000);
    vmaccel_vcpu_kick(g->vcpu);
}

static void apic_write(struct guest *g, uint32_t offset, uint32_t value)
{
    GUEST_SET(g, rbx, offset);
    GUEST_SET(g, rax, value);
    GO_DONE(g, apic_write);
}

static void create_split(struct guest *g)
{
    snippet_create_with(g, VMACCEL_IRQCHIP_SPLIT, 0);
    g->ram[LONG_AT(eoi)] = 2;
    apic_write(g, 0xf0, 0x1ff);
}

void case_restore_halted_in_platform(void)
{
    struct guest *g = &family.original;
    create_split(g);
    GUEST_SET(g, rbx, 0);
    GO(g, halt_loop);
    struct suite_thread *thread = suite_spawn(kick_later, g);
    RUN_TO(g, VMACCEL_EXIT_KICKED);
    suite_join(thread);
    make_twins(VMACCEL_IRQCHIP_SPLIT);
    CHECK_EQ(family.state.mp, VMACCEL_MP_HALTED);
    CHECK_OK(vmaccel_irq_msi(g->vm, MSI_ADDRESS, 0x51));
    for (unsigned n = 0; n < TWINS; n++)
        CHECK_OK(vmaccel_irq_msi(family.twins[n].vm, MSI_ADDRESS, 0x51));
    go_on_alike(SITE);
    CHECK_EQ(guest_regs(g).rbx, 1);
}

/* In the local APIC, not delivered yet. */
void case_restore_apic_interrupt(void)
{
    struct guest *g = &family.original;
    create_split(g);
    GUEST_SET(g, rflags, 0);
    GO(g, sti_nop);
    CHECK_OK(vmaccel_irq_msi(g->vm, MSI_ADDRESS, 0x51));
    CHECK_OK(vmaccel_irq_msi(g->vm, MSI_ADDRESS, 0x52));
    make_twins(VMACCEL_IRQCHIP_SPLIT);
    go_on_alike(SITE);
}

void case_restore_tsc_deadline(void)
{
    struct guest *g = &family.original;
    uint32_t khz;
    create_split(g);
    suite_need(g->vm, VMACCEL_CAP_TSC_KHZ);
    if ((cpuid_of(g, 1, 0).ecx >> 24 & 1) == 0)
        suite_skip_host("the guest CPU's TSC deadline timer");
    CHECK_OK(vmaccel_x86_get_tsc_khz(g->vcpu, &khz));
    apic_write(g, 0x320, 0x40000 | 0x53);
    uint64_t deadline = msr_get(g, MSR_TSC) + (uint64_t)khz * 1000;
    GUEST_SET(g, rcx, MSR_TSC_DEADLINE);
    GUEST_SET(g, rax, (uint32_t)deadline);
    GUEST_SET(g, rdx, deadline >> 32);
    GO_DONE(g, wrmsr);
    GUEST_SET(g, rbx, 0);
    GO(g, halt_loop);
    make_twins(VMACCEL_IRQCHIP_SPLIT);
    for (unsigned n = 0; n <= TWINS; n++) {
        struct guest *each = n < TWINS ? &family.twins[n] : g;
        RUN_TO_TRAP(each, 0x53);
        /* A host that measured its own TSC is off by as much. */
        CHECK(msr_get(each, MSR_TSC) + (uint64_t)khz * 20 >= deadline);
        RUN_TO_DONE(each);
        CHECK_EQ(guest_regs(each).rbx, 1);
        CHECK_EQ(msr_get(each, MSR_TSC_DEADLINE), 0);
    }
}

static uint64_t guest_tsc(struct guest *g)
{
    RUN_TO_OUT(g, 0x10, 1, 0x5a);
    vmaccel_x86_regs regs = guest_regs(g);
    return regs.rdx << 32 | regs.rbx;
}

/* As saved 200 us apart, after more time than the VM has been there. Where the host's TSC stands
 * still or jumps, only that the guest's does not go back. */
void case_restore_tsc_of_two(void)
{
    struct guest a, b;
    uint32_t khz;
    guest_map(&a, suite_vm(VMACCEL_IRQCHIP_NONE, 2, 0, 0));
    b = a;
    guest_add_vcpu(&a, 0, GUEST_LONG);
    guest_add_vcpu(&b, 1, GUEST_LONG);
    suite_need(a.vm, VMACCEL_CAP_TSC_KHZ);
    CHECK_OK(vmaccel_x86_get_tsc_khz(a.vcpu, &khz));
    /* rdtsc; mov ebx, eax; mov al, 0x5a; out 0x10, al; jmp to the start */
    GUEST_BYTES(&a, 0x0f, 0x31, 0x89, 0xc3, 0xb0, 0x5a, 0xe6, 0x10, 0xeb, 0xf6);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t saved = msr_get(&a, MSR_TSC) + (uint64_t)khz * 500;
        uint64_t start = host_now_ns();
        msr_set(&a, MSR_TSC, saved);
        msr_set(&b, MSR_TSC, saved + khz / 5);
        /* A platform need not make them agree: then they are off by the time between. */
        uint64_t off = khz + (host_now_ns() - start) * khz / 1000000;
        uint64_t before = guest_tsc(&a);
        uint64_t between = guest_tsc(&b);
        uint64_t after = guest_tsc(&a);
        CHECK(before >= saved);
        CHECK(between >= saved);
        suite_note("the second TSC is %" PRId64 " to %" PRId64 " ns ahead of the first",
                   (int64_t)(between - after) * 1000000 / khz,
                   (int64_t)(between - before) * 1000000 / khz);
        CHECK(!host_counts_by_tsc() || (between + off >= before && between <= after + off));
    }
}

void case_restore_pae(void)
{
    const uint32_t value = 0x13579bdf;
    struct guest *g = &family.original;
    prot_create(g);
    prot_enable_pae(g);
    memcpy(g->ram + GUEST_DATA, &value, sizeof(value));
    GUEST_SET(g, rbx, GUEST_DATA);
    snippet_at(g, PROT_AT(pae_loads));
    RUN_TO_DONE(g);
    CHECK_EQ(guest_regs(g).rcx, value);
    make_twins(VMACCEL_IRQCHIP_NONE);
    go_on_alike(SITE);
    CHECK_EQ(guest_regs(g).rdx, value);
}

void case_restore_tss_16_bit(void)
{
    struct guest *g = &family.original;
    prot_create(g);
    vmaccel_x86_sregs sregs = guest_sregs(g);
    sregs.tr.attributes = 0x83;
    sregs.tr.limit = 0x2b;
    guest_set_sregs(g, &sregs);
    snippet_at(g, PROT_AT(str));
    RUN_TO_DONE(g);
    snippet_at(g, PROT_AT(str));
    make_twins(VMACCEL_IRQCHIP_NONE);
    CHECK_EQ(family.state.sregs.tr.attributes, 0x83);
    go_on_alike(SITE);
}

void case_restore_error_names_element(void)
{
    struct guest g;
    snippet_create(&g);
    if (vmaccel_vm_cap(g.vm, VMACCEL_CAP_REG_EVENTS) != 0) {
        vmaccel_x86_events events;
        CHECK_OK(vmaccel_x86_get_events(g.vcpu, &events));
        events.shadow = 0x80;
        CHECK_STATUS(vmaccel_x86_set_events(g.vcpu, &events), VMACCEL_E_INVALID_ARGUMENT);
        CHECK_DETAIL("shadow");
    }
    if (vmaccel_vm_cap(g.vm, VMACCEL_CAP_REG_MP_STATE) != 0) {
        CHECK_STATUS(vmaccel_vcpu_set_mp_state(g.vcpu, (vmaccel_mp_state)77),
                     VMACCEL_E_INVALID_ARGUMENT);
        CHECK_DETAIL("state");
    }
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    sregs.apic_base |= UINT64_C(1) << 60;
    CHECK_STATUS(vmaccel_x86_set_sregs(g.vcpu, &sregs), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_DETAIL("apic_base");
    GO_DONE(&g, done);
}
