/* SPDX-License-Identifier: BSD-2-Clause */
/* Life and ownership of VMs and vCPUs, and the contract of what is not supported. */
#include "calls.h"
#include "common.h"
#include "suite_host.h"

void case_vm_bad_config(void)
{
    vmaccel_vm *vm;
    const vmaccel_platform *platform = suite_platform();
    vmaccel_vm_config good = {.size = sizeof(good), .arch = suite_arch()}, bad;
    CHECK_STATUS(vmaccel_vm_create(NULL, &good, &vm), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_vm_create(platform, &good, NULL), VMACCEL_E_INVALID_ARGUMENT);
    bad = good;
    bad.size = 0;
    CHECK_STATUS(vmaccel_vm_create(platform, &bad, &vm), VMACCEL_E_INVALID_ARGUMENT);
    bad = good;
    bad.irqchip = 3;
    CHECK_STATUS(vmaccel_vm_create(platform, &bad, &vm), VMACCEL_E_INVALID_ARGUMENT);
    bad = good;
    bad.exits = 1u << 31;
    CHECK_STATUS(vmaccel_vm_create(platform, &bad, &vm), VMACCEL_E_INVALID_ARGUMENT);
    bad = good;
    bad.reserved[3] = 1;
    CHECK_STATUS(vmaccel_vm_create(platform, &bad, &vm), VMACCEL_E_INVALID_ARGUMENT);
    bad = good;
    bad.arch = 77;
    CHECK(vmaccel_vm_create(platform, &bad, &vm) != VMACCEL_OK);
    bad = good;
    bad.max_vcpus = UINT32_MAX;
    CHECK(vmaccel_vm_create(platform, &bad, &vm) != VMACCEL_OK);
}

void case_vcpu_index_rules(void)
{
    vmaccel_vm *vm = suite_vm(VMACCEL_IRQCHIP_NONE, 2, 0, 0);
    vmaccel_vcpu *vcpu;
    vmaccel_vcpu_config config = {.size = sizeof(config), .reserved = {0, 0, 1}};
    CHECK_STATUS(vmaccel_vcpu_create(vm, 2, NULL, &vcpu), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_vcpu_create(vm, 0, &config, &vcpu), VMACCEL_E_INVALID_ARGUMENT);
    vcpu = suite_vcpu(vm, 1);
    CHECK_EQ(vmaccel_vcpu_index(vcpu), 1);
    CHECK(vmaccel_vcpu_vm(vcpu) == vm);
    CHECK_EQ(vmaccel_vcpu_exit(vcpu)->reason, VMACCEL_EXIT_NONE);
    vmaccel_vcpu *second;
    CHECK_STATUS(vmaccel_vcpu_create(vm, 1, NULL, &second), VMACCEL_E_EXISTS);
    suite_vcpu_destroy(vcpu);
    CHECK_STATUS(vmaccel_vcpu_create(vm, 1, NULL, &second), VMACCEL_E_EXISTS);
    suite_vcpu(vm, 0);
}

void case_vm_destroy_needs_no_vcpu(void)
{
    struct guest g;
    common_create(&g, COMMON_mark);
    SET(&g, VALUE, 0x21);
    CHECK_STATUS(vmaccel_vm_destroy(g.vm), VMACCEL_E_STATE);
    RUN_TO_MARK(&g, 0x77, 0x21);
    CHECK_OK(vmaccel_vm_destroy(NULL));
    CHECK_OK(vmaccel_vcpu_destroy(NULL));
    CHECK_OK(vmaccel_vm_commit(g.vm));
}

/* The calls of a VM of the case's architecture, list by list. */
static const struct calls *own_calls(size_t list)
{
    const struct calls *calls = calls_lists[list];
    return calls->arch == VMACCEL_ARCH_NONE || calls->arch == suite_arch() ? calls : NULL;
}

/* Every call fails with `expected`, or as not supported where the VM lacks it. */
static void check_all_fail(const char *where, struct guest *g, vmaccel_status expected)
{
    for (size_t list = 0; list < CALLS_LISTS; list++) {
        const struct calls *calls = own_calls(list);
        for (size_t i = 0; calls != NULL && i < calls->vcpu_count; i++) {
            const struct vcpu_call *row = &calls->vcpu[i];
            vmaccel_status status = row->call(g->vcpu);
            bool absent = row->cap != 0 && vmaccel_vm_cap(g->vm, row->cap) == 0;
            if (status != expected && !(absent && status == VMACCEL_E_NOT_SUPPORTED))
                FAIL("%s on a %s: %s", row->name, where, vmaccel_status_string(status));
            CHECK_EQ(vmaccel_last_error()->status, status);
        }
    }
}

void case_destroyed_vcpu_is_refused(void)
{
    struct guest g;
    common_create(&g, COMMON_mark);
    suite_vcpu_destroy(g.vcpu);
    check_all_fail("destroyed vCPU", &g, VMACCEL_E_STATE);
}

static void call_all_from_here(void *argument)
{
    check_all_fail("foreign thread", argument, VMACCEL_E_THREAD);
}

void case_wrong_thread(void)
{
    static uint8_t before[COMMON_STATE], after[COMMON_STATE];
    struct guest g;
    common_create(&g, COMMON_read);
    SET(&g, ADDRESS, GUEST_MMIO);
    RUN_TO_READ(&g, GUEST_MMIO, 1);
    guest_answer(&g, 0x42);
    size_t size = common_look(&g, before);
    suite_join(suite_spawn(call_all_from_here, &g));
    CHECK_EQ(common_look(&g, after), size);
    CHECK_BYTES(after, before, size);
    EXPECT_EXIT_READ(&g, GUEST_MMIO, 1);
    RUN_TO_MARK(&g, 0x10, 0x42);
}

static void create_and_leave(void *argument)
{
    struct guest *g = argument;
    CHECK_OK(vmaccel_vcpu_create(g->vm, 0, NULL, &g->vcpu));
    START(g, mark);
    CHECK_OK(vmaccel_vcpu_destroy(g->vcpu));
}

void case_vcpu_belongs_to_its_creator(void)
{
    struct guest g;
    common_map(&g, suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0));
    suite_join(suite_spawn(create_and_leave, &g));
    CHECK_STATUS(vmaccel_vcpu_run(g.vcpu), VMACCEL_E_STATE);
}

/* The detail names platform, feature and module. */
static void check_not_supported(const char *name, vmaccel_cap cap, vmaccel_status status)
{
    const vmaccel_error *error = vmaccel_last_error();
    if (status != VMACCEL_E_NOT_SUPPORTED)
        FAIL("%s without %s: %s", name, vmaccel_cap_name(cap), vmaccel_status_string(status));
    CHECK_EQ(error->status, VMACCEL_E_NOT_SUPPORTED);
    if (strcmp(error->platform, vmaccel_platform_name(suite_platform())) != 0 ||
        error->feature[0] == 0 || error->module[0] == 0 || error->text[0] == 0)
        FAIL("%s: detail has platform '%s', feature '%s', module '%s', text '%s'", name,
             error->platform, error->feature, error->module, error->text);
}

static unsigned check_absent(vmaccel_vm *vm, vmaccel_vcpu *vcpu)
{
    unsigned absent = 0;
    for (size_t list = 0; list < CALLS_LISTS; list++) {
        const struct calls *calls = own_calls(list);
        if (calls == NULL)
            continue;
        for (size_t i = 0; i < calls->vcpu_count; i++) {
            const struct vcpu_call *row = &calls->vcpu[i];
            if (row->cap != 0 && vmaccel_vm_cap(vm, row->cap) == 0) {
                check_not_supported(row->name, row->cap, row->call(vcpu));
                absent++;
            }
        }
        for (size_t i = 0; i < calls->vm_count; i++) {
            const struct vm_call *row = &calls->vm[i];
            if (vmaccel_vm_cap(vm, row->cap) == 0) {
                check_not_supported(row->name, row->cap, row->call(vm));
                absent++;
            }
        }
    }
    return absent;
}

void case_not_supported_says_so(void)
{
    static const struct {
        vmaccel_irqchip irqchip;
        vmaccel_cap cap;
    } kinds[] = {{VMACCEL_IRQCHIP_NONE, VMACCEL_CAP_IRQCHIP_NONE},
                 {VMACCEL_IRQCHIP_SPLIT, VMACCEL_CAP_IRQCHIP_SPLIT},
                 {VMACCEL_IRQCHIP_FULL, VMACCEL_CAP_IRQCHIP_FULL}};
    unsigned absent = 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (suite_cap(kinds[i].cap) == 0)
            continue;
        vmaccel_vm *vm = suite_vm(kinds[i].irqchip, 1, 0, 0);
        vmaccel_vcpu *vcpu = suite_vcpu(vm, 0);
        absent += check_absent(vm, vcpu);
        suite_vcpu_destroy(vcpu);
        suite_vm_destroy(vm);
    }
    suite_note("%u calls answer not supported", absent);
}

static void check_present(const char *name, vmaccel_cap cap, vmaccel_status status)
{
    if (status == VMACCEL_E_NOT_SUPPORTED)
        FAIL("%s: not supported, though %s is there: %s", name, vmaccel_cap_name(cap),
             vmaccel_last_error()->text);
}

/* The opposite: what a VM says it has does not answer "not supported". */
void case_supported_is_there(void)
{
    struct guest g;
    common_create(&g, COMMON_mark);
    for (size_t list = 0; list < CALLS_LISTS; list++) {
        const struct calls *calls = own_calls(list);
        if (calls == NULL)
            continue;
        for (size_t i = 0; i < calls->vm_count; i++) {
            const struct vm_call *row = &calls->vm[i];
            if (vmaccel_vm_cap(g.vm, row->cap) != 0)
                check_present(row->name, row->cap, row->call(g.vm));
        }
        for (size_t i = 0; i < calls->vcpu_count; i++) {
            const struct vcpu_call *row = &calls->vcpu[i];
            if (row->cap != 0 && vmaccel_vm_cap(g.vm, row->cap) != 0)
                check_present(row->name, row->cap, row->call(g.vcpu));
        }
    }
}

void case_other_architecture_is_refused(void)
{
    struct guest g;
    common_create(&g, COMMON_mark);
    for (size_t list = 0; list < CALLS_LISTS; list++) {
        const struct calls *calls = calls_lists[list];
        if (own_calls(list) != NULL)
            continue;
        for (size_t i = 0; i < calls->vcpu_count; i++)
            check_not_supported(calls->vcpu[i].name, calls->vcpu[i].cap,
                                calls->vcpu[i].call(g.vcpu));
        for (size_t i = 0; i < calls->vm_count; i++)
            check_not_supported(calls->vm[i].name, calls->vm[i].cap, calls->vm[i].call(g.vm));
    }
}

/* Two VMs with other data at the same addresses. */
static void create_counter(struct guest *g, enum common_program program)
{
    common_create(g, program);
    SET(g, VALUE, 0);
    SET(g, ADDRESS, GUEST_DATA);
}

static void need_two_vms(void)
{
    if (suite_cap(VMACCEL_CAP_MAX_VMS) < 2)
        suite_skip(VMACCEL_CAP_MAX_VMS);
}

void case_two_vms_interleaved(void)
{
    struct guest a, b;
    need_two_vms();
    create_counter(&a, COMMON_counter);
    create_counter(&b, COMMON_counter2);
    for (uint8_t i = 1; i < 200; i++) {
        RUN_TO_MARK(&a, 0x10, i);
        if (i % 3 == 0)
            RUN_TO_MARK(&b, 0x20, i / 3);
        CHECK_EQ(a.ram[GUEST_DATA], i);
        CHECK_EQ(b.ram[GUEST_DATA], i / 3);
    }
}

static void run_counter(void *argument)
{
    struct guest g;
    bool second = *(bool *)argument;
    create_counter(&g, second ? COMMON_counter2 : COMMON_counter);
    for (unsigned i = 1; i <= 1000; i++) {
        RUN_TO_MARK(&g, second ? 0x20 : 0x10, i & 0xff);
        CHECK_EQ(g.ram[GUEST_DATA], i & 0xff);
    }
}

void case_two_vms_in_threads(void)
{
    bool which[] = {false, true};
    need_two_vms();
    struct suite_thread *first = suite_spawn(run_counter, &which[0]);
    struct suite_thread *second = suite_spawn(run_counter, &which[1]);
    suite_join(first);
    suite_join(second);
}

void case_max_vms(void)
{
    enum { MOST = 8 };
    uint64_t limit = suite_cap(VMACCEL_CAP_MAX_VMS);
    CHECK(limit >= 1);
    for (uint64_t i = 0; i < limit && i < MOST; i++)
        suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0);
    if (limit >= MOST)
        return;
    vmaccel_vm_config config = {.size = sizeof(config), .arch = suite_arch()};
    vmaccel_vm *vm;
    CHECK_STATUS(vmaccel_vm_create(suite_platform(), &config, &vm), VMACCEL_E_LIMIT);
}

/* Create, map, run to an exit, unmap, destroy. */
static void one_life(uint8_t *host, uint64_t size, unsigned round)
{
    vmaccel_vm_config config = {.size = sizeof(config), .arch = suite_arch()};
    vmaccel_vm *vm;
    vmaccel_vcpu *vcpu;
    CHECK_OK(vmaccel_vm_create(suite_platform(), &config, &vm));
    CHECK_OK(vmaccel_memory_map(vm, 0, size, host, VMACCEL_MEM_RWX));
    CHECK_OK(vmaccel_vcpu_create(vm, 0, NULL, &vcpu));
    if (round % 16 == 0) {
        common_arch_of(suite_arch())->first_start(vcpu);
        CHECK_OK(vmaccel_vcpu_run(vcpu));
        uint32_t reason = vmaccel_vcpu_exit(vcpu)->reason;
        CHECK(reason == VMACCEL_EXIT_IO || reason == VMACCEL_EXIT_MMIO);
    }
    CHECK_OK(vmaccel_vcpu_destroy(vcpu));
    if (round % 2 == 0)
        CHECK_OK(vmaccel_memory_unmap(vm, 0, size));
    CHECK_OK(vmaccel_vm_destroy(vm));
}

struct lives {
    uint8_t *host;
    unsigned rounds;
};

#define LIFE_MEMORY UINT64_C(65536)

static void live(void *argument)
{
    struct lives *lives = argument;
    for (unsigned i = 0; i < lives->rounds && !suite_ended(); i++)
        one_life(lives->host, LIFE_MEMORY, i);
}

/* On several threads where there can be as many VMs, because a platform may wait for the host's
 * grace periods. */
static void live_in_threads(struct lives *lives, unsigned rounds)
{
    struct suite_thread *threads[8];
    unsigned count = suite_cap(VMACCEL_CAP_MAX_VMS) >= 8 ? 8 : 1;
    lives->rounds = rounds / count;
    for (unsigned i = 0; i < count; i++)
        threads[i] = suite_spawn(live, lives);
    for (unsigned i = 0; i < count; i++)
        suite_join(threads[i]);
}

void case_create_destroy_leaks_nothing(void)
{
    unsigned rounds = suite_quick() ? 800 : 10000;
    struct lives lives = {.host = suite_pages(LIFE_MEMORY)};
    memcpy(lives.host, common_arch_of(suite_arch())->first_code, 8);
    suite_time_limit(600);
    live_in_threads(&lives, 160);
    int64_t handles = host_handle_count(), growth = INT64_MAX;
    /* A leak grows in every batch; an allocator that keeps freed memory back, as sanitizers do,
     * stops growing. */
    for (unsigned batch = 0; batch < 8 && growth > 512 * 1024 && !suite_ended(); batch++) {
        int64_t resident = host_resident_bytes();
        uint64_t start = host_now_ns();
        live_in_threads(&lives, rounds);
        uint64_t took = host_now_ns() - start;
        growth = host_resident_bytes() - resident;
        suite_note("%u lives, %" PRIu64 " us each, %" PRId64 " KiB more resident", rounds,
                   took / rounds / 1000, growth / 1024);
    }
    CHECK_EQ(host_handle_count(), handles);
    CHECK(growth <= 512 * 1024);
}
