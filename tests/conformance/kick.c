/* SPDX-License-Identifier: BSD-2-Clause */
/* Kicks: sticky until one run has returned for them, neither lost nor doubled. */
#include <stdatomic.h>

#include "common.h"
#include "suite_host.h"
#include "suite_thread.h"

/* A guest that never exits by itself, interrupts off. */
static void create_spin(struct guest *g)
{
    common_create(g, COMMON_spin);
}

static void *kick_after(void *argument, uint64_t ns)
{
    host_sleep_ns(ns);
    CHECK_OK(vmaccel_vcpu_kick(argument));
    return NULL;
}

static void kick_soon(void *argument)
{
    kick_after(argument, 20000000);
}

/* No kick is left: the guest goes on to its next exit. */
static void check_none_pending(struct guest *g)
{
    SET(g, VALUE, 0x3c);
    START(g, mark);
    RUN_TO_MARK(g, 0x77, 0x3c);
}

void case_kick_before_run(void)
{
    struct guest g;
    create_spin(&g);
    CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
    RUN_TO(&g, VMACCEL_EXIT_KICKED);
    check_none_pending(&g);
}

void case_kick_during_run(void)
{
    struct guest g;
    create_spin(&g);
    for (int i = 0; i < 5; i++) {
        struct suite_thread *thread = suite_spawn(kick_soon, g.vcpu);
        RUN_TO(&g, VMACCEL_EXIT_KICKED);
        suite_join(thread);
    }
    CHECK(GET(&g, VALUE) != 0);
    check_none_pending(&g);
}

void case_kick_after_exit(void)
{
    struct guest g;
    common_create(&g, COMMON_marks);
    SET(&g, VALUE, 0);
    RUN_TO_MARK(&g, 0x10, 20);
    uint64_t pc = GET(&g, PC);
    CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
    RUN_TO(&g, VMACCEL_EXIT_KICKED);
    CHECK_EQ(GET(&g, PC), pc);
    RUN_TO_MARK(&g, 0x10, 40);
    CHECK_EQ(GET(&g, PC), pc);
}

void case_kick_twice_is_one(void)
{
    struct guest g;
    create_spin(&g);
    CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
    CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
    RUN_TO(&g, VMACCEL_EXIT_KICKED);
    check_none_pending(&g);
}

void case_kick_at_reads(void)
{
    struct guest g;
    common_create(&g, COMMON_two_reads);
    SET(&g, ADDRESS, GUEST_MMIO);
    RUN_TO_READ(&g, GUEST_MMIO, 1);
    guest_answer(&g, 0x5b);
    CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
    RUN_TO(&g, VMACCEL_EXIT_KICKED);
    RUN_TO_MARK(&g, 0x11, 0x5b);
    RUN_TO_READ(&g, GUEST_MMIO, 1);
    CHECK_OK(vmaccel_vcpu_kick(g.vcpu));
    guest_answer(&g, 0x6c);
    RUN_TO(&g, VMACCEL_EXIT_KICKED);
    RUN_TO_MARK(&g, 0x12, 0x6c);
}

void case_kick_from_signal_handler(void)
{
    struct guest g;
    create_spin(&g);
    if (!host_signal_kick(g.vcpu, 20000000))
        suite_skip_host("signals");
    RUN(&g);
    int status = host_signal_kick_end();
    EXPECT_EXIT(&g, VMACCEL_EXIT_KICKED);
    CHECK_EQ(status, VMACCEL_OK);
    check_none_pending(&g);
}

void case_kick_destroyed(void)
{
    vmaccel_vm *vm = suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0);
    vmaccel_vcpu *vcpu = suite_vcpu(vm, 0);
    CHECK_OK(vmaccel_vcpu_kick(vcpu));
    suite_vcpu_destroy(vcpu);
    CHECK_STATUS(vmaccel_vcpu_kick(vcpu), VMACCEL_E_STATE);
}

struct race {
    vmaccel_vcpu *vcpu;
    atomic_bool stop;
    atomic_uint kicks;
};

static void kick_until_stopped(void *argument)
{
    struct race *race = argument;
    vmaccel_status status = VMACCEL_OK;
    while (!atomic_load(&race->stop) && !suite_ended()) {
        vmaccel_status now = vmaccel_vcpu_kick(race->vcpu);
        CHECK(now == VMACCEL_OK || now == VMACCEL_E_STATE);
        CHECK(status == VMACCEL_OK || now == VMACCEL_E_STATE);
        status = now;
        atomic_fetch_add(&race->kicks, 1);
    }
}

void case_kick_races_destroy(void)
{
    unsigned rounds = suite_quick() ? 20 : 200;
    for (unsigned i = 0; i < rounds; i++) {
        struct race race = {.vcpu = NULL};
        vmaccel_vm *vm = suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0);
        race.vcpu = suite_vcpu(vm, 0);
        struct suite_thread *thread = suite_spawn(kick_until_stopped, &race);
        while (atomic_load(&race.kicks) == 0 && !suite_ended())
            host_thread_yield();
        suite_vcpu_destroy(race.vcpu);
        unsigned seen = atomic_load(&race.kicks);
        while (atomic_load(&race.kicks) < seen + 3 && !suite_ended())
            host_thread_yield();
        atomic_store(&race.stop, true);
        suite_join(thread);
        suite_vm_destroy(vm);
    }
}

#define LOST_NS UINT64_C(20000000000)

struct random_kicks {
    vmaccel_vcpu *vcpu;
    uint64_t goal, end_ns;
    unsigned cpu; /* of the vCPU's thread */
    bool lost;
    uint64_t spurious, worst;
    _Atomic uint64_t returned; /* runs that returned KICKED */
    _Atomic uint64_t done;     /* kicks answered */
    atomic_bool stop;
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Wait for the run that returns for a kick; false where none does. */
static bool wait_for_return(const struct random_kicks *kicks, uint64_t answered)
{
    uint64_t end = host_now_ns() + LOST_NS;
    for (unsigned n = 1; atomic_load(&kicks->returned) == answered && !suite_ended(); n++) {
        if (n % 1024 == 0 && host_now_ns() > end)
            return false;
        host_thread_yield();
    }
    return true;
}

/* Kick at a random moment, then wait for the run that returns for it: one that does not come is a
 * lost kick; a second one is spurious. */
static void kick_at_random(void *argument)
{
    struct random_kicks *kicks = argument;
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15), answered = 0;
    host_avoid_cpu(kicks->cpu);
    for (uint64_t i = 0; i < kicks->goal && host_now_ns() < kicks->end_ns; i++) {
        uint64_t delay = next_random(&state) % 2048;
        for (volatile uint64_t n = 0; i % 4 != 0 && n < delay; n++)
            ;
        uint64_t late = atomic_load(&kicks->returned) - answered;
        kicks->spurious += late;
        kicks->worst = late > kicks->worst ? late : kicks->worst;
        answered += late;
        CHECK_OK(vmaccel_vcpu_kick(kicks->vcpu));
        kicks->lost = !wait_for_return(kicks, answered);
        if (kicks->lost || suite_ended())
            break;
        answered++;
        atomic_store(&kicks->done, i + 1);
    }
    atomic_store(&kicks->stop, true);
    if (kicks->lost) /* the vCPU's thread still waits for one */
        CHECK_OK(vmaccel_vcpu_kick(kicks->vcpu));
}

/* A million; where the caller asked for quick results, what 20 s allow of a hundred thousand. */
void case_kick_random(void)
{
    struct guest g;
    struct random_kicks kicks = {.goal = 1000000, .end_ns = UINT64_MAX};
    uint64_t exits = 0;
    if (suite_quick()) {
        kicks.goal = 100000;
        kicks.end_ns = host_now_ns() + UINT64_C(20000000000);
    }
    suite_time_limit(1800);
    common_create(&g, COMMON_marks);
    kicks.vcpu = g.vcpu;
    /* Each to a CPU of its own: where the scheduler leaves both on one, a kick waits for a time
     * slice to end. */
    kicks.cpu = host_cpu();
    uint64_t start = host_now_ns();
    struct suite_thread *thread = suite_spawn(kick_at_random, &kicks);
    host_keep_cpu(kicks.cpu); /* not inherited by the thread */
    while (!atomic_load(&kicks.stop)) {
        RUN(&g);
        if (g.exit->reason == VMACCEL_EXIT_KICKED) {
            atomic_fetch_add(&kicks.returned, 1);
        } else {
            CHECK(common_is_mark(&g, 0x10));
            exits++;
        }
    }
    suite_join(thread);
    host_any_cpu();
    uint64_t done = atomic_load(&kicks.done);
    suite_note("%" PRIu64 " kicks, %d lost, %" PRIu64 " spurious, %" PRIu64
               " exits between, %" PRIu64 " ms",
               done, kicks.lost, kicks.spurious, exits, (host_now_ns() - start) / 1000000);
    CHECK(!kicks.lost);
    CHECK(kicks.worst <= 1);
    CHECK(done == kicks.goal || (suite_quick() && done >= 100));
}

struct shared_kicks {
    vmaccel_vcpu *vcpu;
    unsigned rounds;
    _Atomic uint64_t returned;
    atomic_uint finished;
};

static void kick_and_wait(void *argument)
{
    struct shared_kicks *kicks = argument;
    for (unsigned i = 0; i < kicks->rounds && !suite_ended(); i++) {
        uint64_t before = atomic_load(&kicks->returned);
        CHECK_OK(vmaccel_vcpu_kick(kicks->vcpu));
        while (atomic_load(&kicks->returned) == before && !suite_ended())
            host_thread_yield();
    }
    /* So that the vCPU's thread looks. */
    atomic_fetch_add(&kicks->finished, 1);
    CHECK_OK(vmaccel_vcpu_kick(kicks->vcpu));
}

void case_kick_from_four_threads(void)
{
    struct guest g;
    struct suite_thread *threads[4];
    create_spin(&g);
    struct shared_kicks kicks = {.vcpu = g.vcpu, .rounds = suite_quick() ? 200 : 2000};
    for (int i = 0; i < 4; i++)
        threads[i] = suite_spawn(kick_and_wait, &kicks);
    while (atomic_load(&kicks.finished) < 4) {
        RUN_TO(&g, VMACCEL_EXIT_KICKED);
        atomic_fetch_add(&kicks.returned, 1);
    }
    for (int i = 0; i < 4; i++)
        suite_join(threads[i]);
    CHECK(atomic_load(&kicks.returned) <= 4u * (kicks.rounds + 1));
}
