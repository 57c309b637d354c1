/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions that a guest without the feature must not have, and privileged ones. */
#include "x86_snippet.h"

#define CR4_OSXSAVE (1u << 18)

/* #UD at the instruction, and nothing else has happened. */
static void expect_undefined(struct guest *g, uint64_t address)
{
    vmaccel_x86_regs regs = guest_regs(g);
    regs.rax = regs.rbx = GUEST_DATA;
    regs.rcx = regs.rdx = 0;
    guest_set_regs(g, &regs);
    snippet_at(g, address);
    CHECK_EQ(RUN_TO_TRAP(g, VECTOR_UD).rip, address);
}

/* A CPU without VMX and SVM. */
static void create_plain(struct guest *g)
{
    vmaccel_x86_cpuid table[CPUID_TABLE];
    size_t count = CPUID_TABLE;
    vmaccel_vm *vm = suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0);
    CHECK_OK(vmaccel_x86_cpuid_supported(vm, table, &count));
    for (size_t i = 0; i < count; i++) {
        if (table[i].leaf == 1)
            table[i].ecx &= ~(1u << 5 | 1u << 6);
        if (table[i].leaf == 0x80000001)
            table[i].ecx &= ~(1u << 2 | 1u << 12);
    }
    CHECK_OK(vmaccel_x86_set_cpuid(vm, table, count));
    guest_map(g, vm);
    guest_add_vcpu(g, 0, GUEST_LONG);
    snippet_load(g);
}

void case_getsec(void)
{
    struct guest g;
    create_plain(&g);
    expect_undefined(&g, LONG_AT(getsec));
}

void case_undefined_instruction(void)
{
    struct guest g;
    snippet_create(&g);
    expect_undefined(&g, LONG_AT(ud2));
}

void case_invd(void)
{
    struct guest g;
    snippet_create(&g);
    GO_DONE(&g, invd);
    GO_DONE(&g, wbinvd);
}

/* The same in ring 3 faults. */
void case_privileged_in_ring_3(void)
{
    static const uint64_t addresses[] = {LONG_AT(invd),    LONG_AT(wbinvd), LONG_AT(clts),
                                         LONG_AT(get_cr0), LONG_AT(rdmsr),  LONG_AT(hlt_done),
                                         LONG_AT(cli),     LONG_AT(done)};
    struct guest g;
    snippet_create(&g);
    vmaccel_x86_sregs kernel = guest_sregs(&g), user = kernel;
    user.cs.selector = GUEST_UCS64;
    user.cs.attributes = 0xa0fb;
    user.ss.selector = GUEST_UDS;
    user.ss.attributes = 0xc0f3;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        guest_set_sregs(&g, &user);
        GUEST_SET(&g, rcx, 0x10);
        snippet_at(&g, addresses[i]);
        struct frame frame = RUN_TO_TRAP(&g, VECTOR_GP);
        CHECK_EQ(frame.error, 0);
        /* done is a NOP and the OUT. */
        CHECK_EQ(frame.rip, addresses[i] + (addresses[i] == LONG_AT(done) ? 1 : 0));
        CHECK_EQ(frame.cs, GUEST_UCS64);
        CHECK_EQ(frame.ss, GUEST_UDS);
        CHECK_EQ(frame.rsp, GUEST_STACK);
        CHECK_EQ(guest_sregs(&g).cs.selector, GUEST_CS64);
        CHECK_EQ(guest_regs(&g).rsp, GUEST_STACK2 - sizeof(frame));
    }
}

static void guest_xsetbv(struct guest *g, uint32_t index, uint64_t value)
{
    GUEST_SET(g, rcx, index);
    GUEST_SET(g, rax, (uint32_t)value);
    GUEST_SET(g, rdx, value >> 32);
    GO(g, xsetbv);
    RUN(g);
}

void case_xsetbv(void)
{
    struct guest g;
    snippet_create(&g);
    if ((cpuid_of(&g, 1, 0).ecx >> 26 & 1) == 0) {
        expect_undefined(&g, LONG_AT(xsetbv));
        return;
    }
    guest_xsetbv(&g, 0, 1);
    snippet_expect_trap(SITE, &g, VECTOR_UD);

    vmaccel_x86_sregs sregs = guest_sregs(&g);
    sregs.cr4 |= CR4_OSXSAVE;
    guest_set_sregs(&g, &sregs);
    /* x87 off, AVX without SSE, reserved bits, another index. */
    static const struct {
        uint32_t index;
        uint64_t value;
    } bad[] = {{0, 2}, {0, 5}, {0, UINT64_C(1) << 62 | 3}, {1, 1}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        guest_xsetbv(&g, bad[i].index, bad[i].value);
        CHECK_EQ(snippet_expect_trap(SITE, &g, VECTOR_GP).error, 0);
    }
    GUEST_SET(&g, rcx, 0);
    GO_DONE(&g, xgetbv);
    CHECK_EQ(guest_regs(&g).rax, 1);
}

void case_xsetbv_is_seen(void)
{
    uint64_t xcr0;
    struct guest g;
    snippet_create(&g);
    suite_need(g.vm, VMACCEL_CAP_REG_XCR);
    if ((cpuid_of(&g, 1, 0).ecx >> 26 & 1) == 0)
        suite_skip_host("XSAVE in the guest CPU");
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    sregs.cr4 |= CR4_OSXSAVE;
    guest_set_sregs(&g, &sregs);
    guest_xsetbv(&g, 0, 3);
    snippet_expect_done(SITE, &g);
    CHECK_OK(vmaccel_x86_get_xcr0(g.vcpu, &xcr0));
    need_of_cpu(xcr0 == 3, "a CPU that lets XSETBV be intercepted");
    CHECK_EQ(xcr0, 3);
    GUEST_SET(&g, rcx, 0);
    GO_DONE(&g, xgetbv);
    CHECK_EQ(guest_regs(&g).rax, 3);
    CHECK_EQ(guest_regs(&g).rdx, 0);
}

void case_invept(void)
{
    struct guest g;
    create_plain(&g);
    expect_undefined(&g, LONG_AT(invept));
}

void case_invvpid(void)
{
    struct guest g;
    create_plain(&g);
    expect_undefined(&g, LONG_AT(invvpid));
}

void case_vm_instruction_set(void)
{
    static const uint64_t addresses[] = {
        LONG_AT(vmlaunch), LONG_AT(vmresume), LONG_AT(vmxoff),  LONG_AT(vmread),
        LONG_AT(vmwrite),  LONG_AT(vmptrld),  LONG_AT(vmptrst), LONG_AT(vmclear),
        LONG_AT(vmxon),    LONG_AT(vmrun),    LONG_AT(vmload),  LONG_AT(vmsave),
        LONG_AT(stgi),     LONG_AT(clgi),     LONG_AT(skinit),  LONG_AT(invlpga)};
    struct guest g;
    create_plain(&g);
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        expect_undefined(&g, addresses[i]);
}
