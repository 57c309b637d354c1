/* SPDX-License-Identifier: BSD-2-Clause */
/* Several vCPUs of one VM, each on its own thread. */
#include <stdatomic.h>

#include "suite_host.h"
#include "suite_thread.h"
#include "x86_guest.h"

#define COUNT   20000u
#define SHARED  (GUEST_DATA + 0x100)
#define AP_PAGE 0x8000u

struct application_processor {
    struct guest guest;
    atomic_bool created;
};

struct worker {
    struct guest guest; /* a copy for each vCPU */
    uint32_t index;
};

static void count_together(void *argument)
{
    struct worker *worker = argument;
    struct guest *g = &worker->guest;
    guest_add_vcpu(g, worker->index, GUEST_LONG);
    vmaccel_x86_regs regs = guest_regs(g);
    regs.rip = GUEST_LABEL(smp_count, start);
    regs.rdi = SHARED;
    regs.rax = 1;
    regs.rcx = suite_quick() ? COUNT / 10 : COUNT;
    regs.rbx = 0xc0 + worker->index;
    guest_set_regs(g, &regs);
    RUN_TO_OUT(g, 0x10, 1, 0xc0 + worker->index);
    for (int i = 0; i < 100; i++)
        RUN_TO_OUT(g, 0x11, 1, 0xc0 + worker->index);
    CHECK_EQ(guest_regs(g).rdi, SHARED);
}

/* Locked adds from both are all there, and each vCPU sees its own exits only. */
void case_smp_shared_counter(void)
{
    enum { VCPUS = 2 };
    struct worker workers[VCPUS];
    struct suite_thread *threads[VCPUS];
    uint64_t counters[2];
    guest_map(&workers[0].guest, suite_vm(VMACCEL_IRQCHIP_NONE, VCPUS, 0, 0));
    GUEST_LOAD(&workers[0].guest, smp_count);
    for (uint32_t i = 1; i < VCPUS; i++)
        workers[i].guest = workers[0].guest;
    for (uint32_t i = 0; i < VCPUS; i++) {
        workers[i].index = i;
        threads[i] = suite_spawn(count_together, &workers[i]);
    }
    for (uint32_t i = 0; i < VCPUS; i++)
        suite_join(threads[i]);
    memcpy(counters, workers[0].guest.ram + SHARED, sizeof(counters));
    uint64_t expected = VCPUS * (uint64_t)(suite_quick() ? COUNT / 10 : COUNT);
    CHECK_EQ(counters[0], expected);
    CHECK_EQ(counters[1], expected);
}

/* One vCPU's kicks and registers are not the other's, on one thread. */
void case_smp_independent_exits(void)
{
    struct guest a, b;
    guest_map(&a, suite_vm(VMACCEL_IRQCHIP_NONE, 2, 0, 0));
    b = a;
    guest_add_vcpu(&a, 0, GUEST_LONG);
    guest_add_vcpu(&b, 1, GUEST_LONG);
    /* in al, 0x20; out 0x10, al; hlt */
    GUEST_BYTES(&a, 0xe4, 0x20, 0xe6, 0x10, 0xf4);
    RUN_TO_IN(&a, 0x20, 1);
    guest_answer(&a, 0xa1);
    RUN_TO_IN(&b, 0x20, 1);
    guest_answer(&b, 0xb2);
    EXPECT_EXIT_IN(&a, 0x20, 1);
    CHECK_OK(vmaccel_vcpu_kick(b.vcpu));
    RUN_TO_OUT(&a, 0x10, 1, 0xa1);
    RUN_TO(&b, VMACCEL_EXIT_KICKED);
    RUN_TO_OUT(&b, 0x10, 1, 0xb2);
    GUEST_SET(&a, rbx, 0x1234);
    CHECK(guest_regs(&b).rbx != 0x1234);
    RUN_TO_HLT(&a);
    RUN_TO_HLT(&b);
}

static void run_application_processor(void *argument)
{
    struct application_processor *ap = argument;
    struct guest *g = &ap->guest;
    g->vcpu = suite_vcpu(g->vm, 1);
    g->exit = vmaccel_vcpu_exit(g->vcpu);
    atomic_store(&ap->created, true);
    if (vmaccel_vm_cap(g->vm, VMACCEL_CAP_REG_MP_STATE) != 0) {
        vmaccel_mp_state state;
        CHECK_OK(vmaccel_vcpu_get_mp_state(g->vcpu, &state));
        CHECK_EQ(state, VMACCEL_MP_WAIT_FOR_INIT);
    }
    RUN_TO_OUT(g, 0x30, 1, 0xa1);
    CHECK_EQ(guest_sregs(g).cs.selector, AP_PAGE >> 4);
    for (int i = 0; i < 10; i++)
        RUN_TO_OUT(g, 0x31, 1, 0xa1);
}

void case_smp_init_sipi(void)
{
    struct guest bsp;
    struct application_processor ap;
    uint32_t length = VMACCEL_GUEST_smp_boot_sym_ap_end - VMACCEL_GUEST_smp_boot_sym_ap;
    guest_map(&bsp, suite_vm(VMACCEL_IRQCHIP_FULL, 2, 0, 0));
    ap.guest = bsp;
    atomic_init(&ap.created, false);
    guest_add_vcpu(&bsp, 0, GUEST_LONG);
    GUEST_START(&bsp, smp_boot, bsp);
    CHECK_OK(vmaccel_memory_write(bsp.vm, AP_PAGE,
                                  vmaccel_guest_smp_boot + VMACCEL_GUEST_smp_boot_sym_ap, length));
    struct suite_thread *thread = suite_spawn(run_application_processor, &ap);
    /* An INIT for a vCPU that is not there yet is lost. */
    while (!atomic_load(&ap.created) && !suite_ended())
        host_thread_yield();
    RUN_TO_OUT(&bsp, 0x10, 1, 0xb1);
    RUN_TO_OUT(&bsp, 0x11, 4, 1000);
    for (int i = 0; i < 10; i++)
        RUN_TO_OUT(&bsp, 0x12, 1, 1000 & 0xff);
    suite_join(thread);
}

static void kick_soon(void *argument)
{
    host_sleep_ns(20000000);
    CHECK_OK(vmaccel_vcpu_kick(argument));
}

/* A vCPU that waits for its start-up can still be kicked. */
void case_smp_kick_waiting(void)
{
    struct guest g;
    guest_map(&g, suite_vm(VMACCEL_IRQCHIP_FULL, 2, 0, 0));
    g.vcpu = suite_vcpu(g.vm, 1);
    g.exit = vmaccel_vcpu_exit(g.vcpu);
    CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
    RUN_TO(&g, VMACCEL_EXIT_KICKED);
    struct suite_thread *thread = suite_spawn(kick_soon, g.vcpu);
    RUN_TO(&g, VMACCEL_EXIT_KICKED);
    suite_join(thread);
}
