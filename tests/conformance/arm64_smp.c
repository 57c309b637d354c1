/* SPDX-License-Identifier: BSD-2-Clause */
/* Several vCPUs of one VM, each on its own thread, and PSCI. */
#include <stdatomic.h>

#include "arm64_irq.h"
#include "suite_host.h"
#include "suite_thread.h"

#define CPU_SUSPEND   UINT64_C(0xc4000001)
#define CPU_OFF       UINT64_C(0x84000002)
#define CPU_ON        UINT64_C(0xc4000003)
#define AFFINITY_INFO UINT64_C(0xc4000004)
#define SYSTEM_OFF    UINT64_C(0x84000008)
#define SYSTEM_RESET  UINT64_C(0x84000009)
#define SYSTEM_RESET2 UINT64_C(0xc4000012)

#define PSCI_OK         UINT64_C(0)
#define PSCI_INVALID    (-UINT64_C(2))
#define PSCI_ALREADY_ON (-UINT64_C(4))
#define PSCI_ADDRESS    (-UINT64_C(9))
#define AFFINITY        UINT64_C(0xff00ffffff)
#define COUNTER         (GUEST_DATA + 0x100)
#define CONTEXT         0xc7u

struct worker {
    struct guest guest; /* a copy for each vCPU */
    uint32_t index, label;
    uint64_t rounds;
};

static void add_together(void *argument)
{
    struct worker *worker = argument;
    struct guest *g = &worker->guest;
    a64_add_vcpu(g, worker->index);
    SET_PC(g, worker->label);
    SET_X(g, 0, worker->index + 1);
    SET_X(g, 1, COUNTER);
    SET_X(g, 2, worker->rounds);
    RUN_TO_DONE(g);
}

static void count_together(uint32_t label)
{
    enum { VCPUS = 2 };
    struct worker workers[VCPUS];
    struct suite_thread *threads[VCPUS];
    uint64_t sum, rounds = suite_quick() ? 5000 : 200000;
    a64_map(&workers[0].guest, suite_vm(VMACCEL_IRQCHIP_NONE, VCPUS, 0, 0));
    for (uint32_t i = 0; i < VCPUS; i++) {
        workers[i] = (struct worker){workers[0].guest, i, label, rounds};
        threads[i] = suite_spawn(add_together, &workers[i]);
    }
    for (uint32_t i = 0; i < VCPUS; i++)
        suite_join(threads[i]);
    memcpy(&sum, workers[0].guest.ram + COUNTER, 8);
    CHECK_EQ(sum, 3 * rounds);
}

void case_smp_exclusives(void)
{
    count_together(EL1_AT(exclusive_adds));
}

void case_smp_atomics(void)
{
    struct guest g;
    a64_create(&g);
    if ((a64_sysreg(&g, ID_AA64ISAR0_EL1) >> 20 & 15) == 0)
        suite_skip_host("the guest CPU's LSE atomics");
    guest_destroy(&g);
    count_together(EL1_AT(atomic_adds));
}

/* One vCPU's exits, kicks and registers are not the other's, on one thread. */
void case_smp_vcpus_apart(void)
{
    struct guest a, b;
    a64_map(&a, suite_vm(VMACCEL_IRQCHIP_NONE, 2, 0, 0));
    b = a;
    a64_add_vcpu(&a, 0);
    a64_add_vcpu(&b, 1);
    CHECK((a64_sysreg(&a, MPIDR_EL1) & AFFINITY) != (a64_sysreg(&b, MPIDR_EL1) & AFFINITY));
    GO(&a, ldr_w);
    GO(&b, ldr_w);
    SET_X(&a, 1, GUEST_MMIO);
    SET_X(&b, 1, GUEST_MMIO + 4);
    RUN_TO_READ(&a, GUEST_MMIO, 4);
    guest_answer(&a, 0xa1);
    RUN_TO_READ(&b, GUEST_MMIO + 4, 4);
    guest_answer(&b, 0xb2);
    EXPECT_EXIT_READ(&a, GUEST_MMIO, 4);
    CHECK_OK(vmaccel_vcpu_kick(b.vcpu));
    RUN_TO_WRITE(&a, A64_MARKS + A64_DONE, 1, 0xa1);
    RUN_TO(&b, VMACCEL_EXIT_KICKED);
    RUN_TO_WRITE(&b, A64_MARKS + A64_DONE, 1, 0xb2);
    a64_set_sysreg(&a, TPIDR_EL0, 0x1234);
    CHECK(a64_sysreg(&b, TPIDR_EL0) != 0x1234);
}

struct secondary {
    struct guest guest;
    atomic_bool created, off;
    uint64_t entry;
};

static void run_secondary(void *argument)
{
    struct secondary *second = argument;
    struct guest *g = &second->guest;
    guest_make_vcpu(g, 1);
    if (vmaccel_vm_cap(g->vm, VMACCEL_CAP_REG_MP_STATE) != 0) {
        vmaccel_mp_state state;
        CHECK_OK(vmaccel_vcpu_get_mp_state(g->vcpu, &state));
        CHECK_EQ(state, VMACCEL_MP_WAIT_FOR_INIT);
    }
    atomic_store(&second->created, true);
    for (int i = 0; i < 2; i++) {
        RUN_TO_WRITE(g, A64_MARKS + 0x30, 1, CONTEXT + (uint64_t)i);
        CHECK_EQ(X(g, 0), CONTEXT + (uint64_t)i);
        CHECK_EQ(a64_get(g, VMACCEL_ARM64_PSTATE), PSTATE_EL1H);
        CHECK_EQ(a64_sysreg(g, SCTLR_EL1) & 1, 0);
        CHECK_EQ(a64_sysreg(g, MPIDR_EL1) & AFFINITY, 1);
        SET_X(g, 0, CPU_OFF);
        atomic_store(&second->off, true);
    }
    /* Off again: it waits until it is kicked. */
    RUN_TO(g, VMACCEL_EXIT_KICKED);
}

static uint64_t psci(struct site site, struct guest *g, uint64_t function, uint64_t x1, uint64_t x2,
                     uint64_t x3)
{
    SET_X(g, 0, function);
    SET_X(g, 1, x1);
    SET_X(g, 2, x2);
    SET_X(g, 3, x3);
    GO(g, psci);
    guest_run(site, g);
    a64_expect_done(site, g);
    return X(g, 0);
}
#define PSCI(g, function, x1, x2, x3) psci(SITE, g, function, x1, x2, x3)

static void create_primary(struct guest *g, uint32_t max_vcpus)
{
    a64_map(g, suite_vm(VMACCEL_IRQCHIP_FULL, max_vcpus, 0, 0));
    a64_add_vcpu(g, 0);
}

static void wait_until_off(struct guest *g)
{
    uint64_t end = host_now_ns() + UINT64_C(30000000000);
    while (PSCI(g, AFFINITY_INFO, 1, 0, 0) != 1 && host_now_ns() < end)
        host_thread_yield();
    CHECK_EQ(PSCI(g, AFFINITY_INFO, 1, 0, 0), 1);
}

void case_psci_cpu_on_and_off(void)
{
    struct guest g;
    struct secondary second;
    create_primary(&g, 2);
    second.guest = g;
    atomic_init(&second.created, false);
    atomic_init(&second.off, false);
    struct suite_thread *thread = suite_spawn(run_secondary, &second);
    while (!atomic_load(&second.created) && !suite_ended())
        host_thread_yield();
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(PSCI(&g, AFFINITY_INFO, 1, 0, 0), 1);
        CHECK_EQ(PSCI(&g, CPU_ON, 1, EL1_AT(smp_entry), CONTEXT + i), PSCI_OK);
        /* On, or off again by now. */
        uint64_t again = PSCI(&g, AFFINITY_INFO, 1, 0, 0);
        CHECK(again <= 2);
        while (!atomic_load(&second.off) && !suite_ended())
            host_thread_yield();
        atomic_store(&second.off, false);
        wait_until_off(&g);
    }
    CHECK_OK(vmaccel_vcpu_kick(second.guest.vcpu));
    suite_join(thread);
}

/* Wild arguments are error codes to the guest. */
void case_psci_bad_arguments(void)
{
    struct guest g, second;
    create_primary(&g, 2);
    second = g;
    guest_make_vcpu(&second, 1);
    CHECK_EQ(PSCI(&g, CPU_ON, 0, EL1_AT(smp_entry), 0), PSCI_ALREADY_ON);
    CHECK_EQ(PSCI(&g, CPU_ON, 2, EL1_AT(smp_entry), 0), PSCI_INVALID);
    CHECK_EQ(PSCI(&g, CPU_ON, 0x1234567, EL1_AT(smp_entry), 0), PSCI_INVALID);
    CHECK_EQ(PSCI(&g, CPU_ON, UINT64_MAX, UINT64_MAX, 0), PSCI_INVALID);
    CHECK_EQ(PSCI(&g, AFFINITY_INFO, 7, 0, 0), PSCI_INVALID);
    CHECK_EQ(PSCI(&g, AFFINITY_INFO, 0, 9, 0), PSCI_INVALID);
    CHECK_EQ(PSCI(&g, AFFINITY_INFO, 0, 0, 0), 0);
    CHECK_EQ(PSCI(&g, 0xc400ffff, 0, 0, 0), UINT64_MAX);
    /* An odd entry is refused, or the vCPU takes its alignment fault and nobody else is hurt. */
    uint64_t odd = PSCI(&g, CPU_ON, 1, EL1_AT(smp_entry) + 1, 0);
    CHECK(odd == PSCI_OK || odd == PSCI_ADDRESS || odd == PSCI_INVALID);
    if (odd == PSCI_OK) {
        CHECK_EQ(PSCI(&g, CPU_ON, 1, EL1_AT(smp_entry), 0), PSCI_ALREADY_ON);
        CHECK_OK(vmaccel_vcpu_kick(second.vcpu));
        RUN(&second);
        CHECK(second.exit->reason == VMACCEL_EXIT_KICKED ||
              second.exit->reason == VMACCEL_EXIT_MMIO);
    }
}

void case_psci_waiting_is_kicked(void)
{
    struct guest g;
    create_primary(&g, 2);
    guest_make_vcpu(&g, 1);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
        RUN_TO(&g, VMACCEL_EXIT_KICKED);
    }
}

void case_psci_system_off(void)
{
    struct guest g;
    a64_create(&g);
    SET_X(&g, 0, SYSTEM_OFF);
    GO(&g, psci);
    RUN_TO(&g, VMACCEL_EXIT_POWEROFF);
}

void case_psci_system_reset(void)
{
    struct guest g;
    a64_create(&g);
    SET_X(&g, 0, SYSTEM_RESET);
    GO(&g, psci);
    RUN_TO(&g, VMACCEL_EXIT_RESET);
    /* The caller resets it, and it runs again. */
    a64_enter(&g);
    CHECK_OK(vmaccel_vcpu_set_mp_state(g.vcpu, VMACCEL_MP_RUNNABLE));
    GO_DONE(&g, nop);
}

/* A suspend wakes on a pending interrupt and returns success. */
void case_psci_cpu_suspend(void)
{
    EACH_GIC(version)
    {
        struct guest g;
        irq_create(&g, version);
        CALL(&g, enable, INTID(SPI), 0x80, 1);
        GUEST_LOAD(&g, arm64_el1);
        CHECK_OK(vmaccel_irq_line(g.vm, SPI, true));
        CHECK_EQ(PSCI(&g, CPU_SUSPEND, 0, 0, 0), PSCI_OK);
        guest_destroy(&g);
    }
}

void case_mp_state(void)
{
    struct guest g;
    vmaccel_mp_state state;
    create_primary(&g, 2);
    CHECK_OK(vmaccel_vcpu_get_mp_state(g.vcpu, &state));
    CHECK_EQ(state, VMACCEL_MP_RUNNABLE);
    CHECK_STATUS(vmaccel_vcpu_set_mp_state(g.vcpu, (vmaccel_mp_state)77),
                 VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_vcpu_set_mp_state(g.vcpu, VMACCEL_MP_SIPI_RECEIVED),
                 VMACCEL_E_INVALID_ARGUMENT);
    CHECK_OK(vmaccel_vcpu_set_mp_state(g.vcpu, VMACCEL_MP_WAIT_FOR_INIT));
    CHECK_OK(vmaccel_vcpu_get_mp_state(g.vcpu, &state));
    CHECK_EQ(state, VMACCEL_MP_WAIT_FOR_INIT);
    CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
    RUN_TO(&g, VMACCEL_EXIT_KICKED);
    CHECK_OK(vmaccel_vcpu_set_mp_state(g.vcpu, VMACCEL_MP_RUNNABLE));
    GO_DONE(&g, nop);
}

struct receiver {
    struct guest guest;
    uint32_t version;
    uint64_t rounds;
    atomic_bool ready;
    _Atomic uint64_t taken;
};

static void receive(void *argument)
{
    struct receiver *receiver = argument;
    struct guest *g = &receiver->guest;
    irq_add_vcpu(g, 1, receiver->version);
    CHECK_OK(vmaccel_vcpu_set_mp_state(g->vcpu, VMACCEL_MP_RUNNABLE));
    CALL(g, setup, 0xff, 0, 0);
    CALL(g, enable, 3, 0x80, 1);
    SET_X(g, X_REPORTS, 0);
    atomic_store(&receiver->ready, true);
    for (uint64_t i = 1; i <= receiver->rounds; i++) {
        CALL(g, wfi_loop, i, 0, 0);
        CHECK_EQ(X(g, X_COUNT), i);
        atomic_store(&receiver->taken, i);
    }
}

/* One vCPU's SGIs wake the other, each once. */
void case_smp_sgi(void)
{
    EACH_GIC(version)
    {
        struct guest g;
        struct receiver receiver = {.version = version, .rounds = suite_quick() ? 50 : 1000};
        a64_map(&g, irq_vm(version, 2));
        GUEST_LOAD(&g, arm64_irq);
        irq_add_vcpu(&g, 0, version);
        receiver.guest = g;
        struct suite_thread *thread = suite_spawn(receive, &receiver);
        CALL(&g, setup, 0xff, 0, 0);
        while (!atomic_load(&receiver.ready) && !suite_ended())
            host_thread_yield();
        for (uint64_t i = 1; i <= receiver.rounds && !suite_ended(); i++) {
            CALL(&g, sgi_second, 3, 0, 0);
            while (atomic_load(&receiver.taken) < i && !suite_ended())
                host_thread_yield();
        }
        suite_join(thread);
        CHECK_EQ(X(&g, X_COUNT), 0);
        guest_destroy(&g);
    }
}
