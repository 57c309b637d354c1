/* SPDX-License-Identifier: BSD-2-Clause */
/* Life and ownership of VMs and vCPUs, and the contract of what is not supported. */
#include "calls.h"
#include "guest.h"
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
    guest_create(&g, GUEST_LONG);
    GUEST_BYTES(&g, 0xe6, 0x10, 0xf4); /* out 0x10, al; hlt */
    CHECK_STATUS(vmaccel_vm_destroy(g.vm), VMACCEL_E_STATE);
    RUN_TO_OUT(&g, 0x10, 1, 0);
    CHECK_OK(vmaccel_vm_destroy(NULL));
    CHECK_OK(vmaccel_vcpu_destroy(NULL));
    CHECK_OK(vmaccel_vm_commit(g.vm));
}

void case_destroyed_vcpu_is_refused(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    suite_vcpu_destroy(g.vcpu);
    for (size_t i = 0; i < vcpu_call_count; i++) {
        vmaccel_status status = vcpu_calls[i].call(g.vcpu);
        bool absent = vcpu_calls[i].cap != 0 && vmaccel_vm_cap(g.vm, vcpu_calls[i].cap) == 0;
        if (status != VMACCEL_E_STATE && !(absent && status == VMACCEL_E_NOT_SUPPORTED))
            FAIL("%s on a destroyed vCPU: %s", vcpu_calls[i].name, vmaccel_status_string(status));
    }
}

static void call_all_from_here(void *argument)
{
    struct guest *g = argument;
    for (size_t i = 0; i < vcpu_call_count; i++) {
        vmaccel_status status = vcpu_calls[i].call(g->vcpu);
        bool absent = vcpu_calls[i].cap != 0 && vmaccel_vm_cap(g->vm, vcpu_calls[i].cap) == 0;
        if (status != VMACCEL_E_THREAD && !(absent && status == VMACCEL_E_NOT_SUPPORTED))
            FAIL("%s on a foreign thread: %s", vcpu_calls[i].name, vmaccel_status_string(status));
        CHECK_EQ(vmaccel_last_error()->status, status);
    }
}

void case_wrong_thread(void)
{
    struct guest g;
    vmaccel_x86_events events[2];
    guest_create(&g, GUEST_LONG);
    GUEST_BYTES(&g, 0xe4, 0x20, 0xe6, 0x10, 0xf4); /* in al, 0x20; out 0x10, al; hlt */
    RUN_TO_IN(&g, 0x20, 1);
    guest_answer(&g, 0x42);
    vmaccel_x86_regs regs = guest_regs(&g);
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    bool has_events = vmaccel_vm_cap(g.vm, VMACCEL_CAP_REG_EVENTS) != 0;
    memset(events, 0, sizeof(events));
    if (has_events)
        CHECK_OK(vmaccel_x86_get_events(g.vcpu, &events[0]));
    suite_join(suite_spawn(call_all_from_here, &g));
    vmaccel_x86_regs regs_after = guest_regs(&g);
    vmaccel_x86_sregs sregs_after = guest_sregs(&g);
    if (has_events)
        CHECK_OK(vmaccel_x86_get_events(g.vcpu, &events[1]));
    CHECK_BYTES(&regs_after, &regs, sizeof(regs));
    CHECK_BYTES(&sregs_after, &sregs, sizeof(sregs));
    CHECK_EQ(events[1].exception_pending, events[0].exception_pending);
    CHECK_EQ(events[1].interrupt_pending, events[0].interrupt_pending);
    CHECK_EQ(events[1].nmi_pending, events[0].nmi_pending);
    EXPECT_EXIT_IN(&g, 0x20, 1);
    RUN_TO_OUT(&g, 0x10, 1, 0x42);
    RUN_TO_HLT(&g);
}

static void create_and_leave(void *argument)
{
    struct guest *g = argument;
    CHECK_OK(vmaccel_vcpu_create(g->vm, 0, NULL, &g->vcpu));
    guest_enter(g, GUEST_LONG);
    CHECK_OK(vmaccel_vcpu_destroy(g->vcpu));
}

void case_vcpu_belongs_to_its_creator(void)
{
    struct guest g;
    guest_map(&g, suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0));
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
    for (size_t i = 0; i < vcpu_call_count; i++) {
        if (vcpu_calls[i].cap != 0 && vmaccel_vm_cap(vm, vcpu_calls[i].cap) == 0) {
            check_not_supported(vcpu_calls[i].name, vcpu_calls[i].cap, vcpu_calls[i].call(vcpu));
            absent++;
        }
    }
    for (size_t i = 0; i < vm_call_count; i++) {
        if (vmaccel_vm_cap(vm, vm_calls[i].cap) == 0) {
            check_not_supported(vm_calls[i].name, vm_calls[i].cap, vm_calls[i].call(vm));
            absent++;
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

/* The opposite: what a VM says it has does not answer "not supported". */
void case_supported_is_there(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    for (size_t i = 0; i < vm_call_count; i++) {
        if (vmaccel_vm_cap(g.vm, vm_calls[i].cap) != 0 &&
            vm_calls[i].call(g.vm) == VMACCEL_E_NOT_SUPPORTED)
            FAIL("%s: not supported, though %s is there", vm_calls[i].name,
                 vmaccel_cap_name(vm_calls[i].cap));
    }
    for (size_t i = 0; i < vcpu_call_count; i++) {
        if (vcpu_calls[i].cap != 0 && vmaccel_vm_cap(g.vm, vcpu_calls[i].cap) != 0 &&
            vcpu_calls[i].call(g.vcpu) == VMACCEL_E_NOT_SUPPORTED)
            FAIL("%s: not supported, though %s is there", vcpu_calls[i].name,
                 vmaccel_cap_name(vcpu_calls[i].cap));
    }
}

void case_other_architecture_is_refused(void)
{
    struct guest g;
    vmaccel_arm64_regs regs;
    vmaccel_arm64_fpu fpu;
    guest_create(&g, GUEST_LONG);
    memset(&regs, 0, sizeof(regs));
    CHECK_STATUS(vmaccel_arm64_get_regs(g.vcpu, &regs), VMACCEL_E_NOT_SUPPORTED);
    CHECK_STATUS(vmaccel_arm64_set_regs(g.vcpu, &regs), VMACCEL_E_NOT_SUPPORTED);
    CHECK_STATUS(vmaccel_arm64_get_fpu(g.vcpu, &fpu), VMACCEL_E_NOT_SUPPORTED);
    CHECK(vmaccel_last_error()->feature[0] != 0);
}

/* Two VMs with other programs at the same addresses. */
static void create_counter(struct guest *g, uint8_t port)
{
    guest_create(g, GUEST_LONG);
    /* start: inc rax; mov [rdi], al; out port, al; jmp start */
    GUEST_BYTES(g, 0x48, 0xff, 0xc0, 0x88, 0x07, 0xe6, port, 0xeb, 0xf7);
    GUEST_SET(g, rax, 0);
    GUEST_SET(g, rdi, GUEST_DATA);
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
    create_counter(&a, 0x10);
    create_counter(&b, 0x20);
    for (uint8_t i = 1; i < 200; i++) {
        RUN_TO_OUT(&a, 0x10, 1, i);
        if (i % 3 == 0)
            RUN_TO_OUT(&b, 0x20, 1, i / 3);
        CHECK_EQ(a.ram[GUEST_DATA], i);
        CHECK_EQ(b.ram[GUEST_DATA], i / 3);
    }
}

static void run_counter(void *argument)
{
    struct guest g;
    uint8_t port = *(uint8_t *)argument;
    create_counter(&g, port);
    for (unsigned i = 1; i <= 1000; i++) {
        RUN_TO_OUT(&g, port, 1, i & 0xff);
        CHECK_EQ(g.ram[GUEST_DATA], i & 0xff);
    }
}

void case_two_vms_in_threads(void)
{
    uint8_t ports[] = {0x10, 0x20};
    need_two_vms();
    struct suite_thread *first = suite_spawn(run_counter, &ports[0]);
    struct suite_thread *second = suite_spawn(run_counter, &ports[1]);
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
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    CHECK_OK(vmaccel_vm_create(suite_platform(), &config, &vm));
    CHECK_OK(vmaccel_memory_map(vm, 0, size, host, VMACCEL_MEM_RWX));
    CHECK_OK(vmaccel_vcpu_create(vm, 0, NULL, &vcpu));
    if (round % 16 == 0) {
        vmaccel_x86_reset_state(&regs, &sregs);
        sregs.cs.base = 0;
        sregs.cs.selector = 0;
        regs.rip = 0;
        CHECK_OK(vmaccel_x86_set_sregs(vcpu, &sregs));
        CHECK_OK(vmaccel_x86_set_regs(vcpu, &regs));
        CHECK_OK(vmaccel_vcpu_run(vcpu));
        CHECK_EQ(vmaccel_vcpu_exit(vcpu)->reason, VMACCEL_EXIT_IO);
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
    lives.host[0] = 0xe6; /* out 0x10, al */
    lives.host[1] = 0x10;
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
