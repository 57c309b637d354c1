/* SPDX-License-Identifier: BSD-2-Clause */
/* Every OS call between a VM's creation and its end fails, and with it every call that needs one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fault.h"

#define CODE  0x1000u
#define RAM   0x10000u
#define PAGES 16u
#define MMIO  0x5000u
/* Calls that a CPU of the library's own makes at least. */
#define SOFT_FLOOR 10u

static const unsigned char guest[] = {
    0xe6, 0x10,       /* out %al, $0x10    */
    0xe4, 0x11,       /* in $0x11, %al     */
    0xa2, 0x00, 0x50, /* mov %al, 0x5000   */
    0xe6, 0x12,       /* 1: out %al, $0x12 */
    0xeb, 0xfc,       /* jmp 1b            */
};
static _Alignas(4096) unsigned char code[4096];
static _Alignas(4096) unsigned char ram[PAGES * 4096];

struct path {
    const vmaccel_platform *platform;
    uint32_t irqchip;
    bool asks_host, msr_exits;
    vmaccel_vm *vm;
    vmaccel_vcpu *vcpu, *other;
    vmaccel_doorbell *bell, *port_bell;
};

static vmaccel_status create(struct path *p)
{
    vmaccel_vm_config config = {.size = sizeof(config),
                                .arch = VMACCEL_ARCH_X86_64,
                                .irqchip = p->irqchip,
                                .max_vcpus = 2,
                                .exits = p->msr_exits ? VMACCEL_VM_EXIT_MSR : 0};

    return vmaccel_vm_create(p->platform, &config, &p->vm);
}

static void end(struct path *p)
{
    FAULT_CHECK(vmaccel_vcpu_destroy(p->vcpu) == VMACCEL_OK);
    FAULT_CHECK(vmaccel_vcpu_destroy(p->other) == VMACCEL_OK);
    vmaccel_doorbell_destroy(p->bell);
    vmaccel_doorbell_destroy(p->port_bell);
    FAULT_CHECK(vmaccel_vm_destroy(p->vm) == VMACCEL_OK);
    p->vm = NULL;
    p->vcpu = p->other = NULL;
    p->bell = p->port_bell = NULL;
}

/* A fault of guest memory is an exit. */
static bool memory_fault(vmaccel_vcpu *vcpu)
{
    const struct os_fault *fault = os_calls_fault();

    if (vmaccel_vcpu_exit(vcpu)->reason != VMACCEL_EXIT_MEMORY_FAULT || fault == NULL ||
        fault->error != EFAULT || strcmp(fault->name, "KVM_RUN") != 0)
        return false;
    fault_shown();
    return true;
}

static vmaccel_status run_to(vmaccel_vcpu *vcpu, uint32_t reason)
{
    vmaccel_status status = vmaccel_vcpu_run(vcpu);

    if (status == VMACCEL_OK && memory_fault(vcpu))
        status = vmaccel_vcpu_run(vcpu);
    if (status == VMACCEL_OK && vmaccel_vcpu_exit(vcpu)->reason != reason)
        fault_broken(__FILE__, __LINE__, vmaccel_exit_name(vmaccel_vcpu_exit(vcpu)->reason));
    return status;
}

static vmaccel_status complete(vmaccel_vcpu *vcpu)
{
    bool more;
    vmaccel_status status = vmaccel_vcpu_complete(vcpu, &more);

    if (status == VMACCEL_OK)
        FAULT_CHECK(!more);
    return status;
}

static void put_guest(void)
{
    memset(code, 0x90, sizeof(code));
    memcpy(code, guest, sizeof(guest));
}

/* A vCPU at the guest's start, or none. */
static void start(struct path *p)
{
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;

    FAULT_STEP(vmaccel_memory_map(p->vm, CODE, sizeof(code), code, VMACCEL_MEM_RWX));
    FAULT_STEP(vmaccel_vcpu_create(p->vm, 0, NULL, &p->vcpu));
    if (p->vcpu == NULL)
        return;
    FAULT_STEP(vmaccel_x86_get_sregs(p->vcpu, &sregs));
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    FAULT_STEP(vmaccel_x86_set_sregs(p->vcpu, &sregs));
    FAULT_STEP(vmaccel_x86_get_regs(p->vcpu, &regs));
    regs.rip = CODE;
    regs.rax = 0x11;
    FAULT_STEP(vmaccel_x86_set_regs(p->vcpu, &regs));
}

/* The guest's accesses, each of which has to come once. */
static void run_guest(struct path *p)
{
    vmaccel_exit *exit = vmaccel_vcpu_exit(p->vcpu);
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;

    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_IO));
    FAULT_CHECK(exit->u.io.port == 0x10 && exit->u.io.is_write && exit->u.io.data[0] == 0x11);
    FAULT_STEP(vmaccel_x86_get_regs(p->vcpu, &regs));
    FAULT_STEP(vmaccel_x86_get_sregs(p->vcpu, &sregs));
    FAULT_CHECK(regs.rip == CODE + 2 && sregs.cs.base == 0);
    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_IO));
    FAULT_CHECK(exit->u.io.port == 0x11 && !exit->u.io.is_write);
    exit->u.io.data[0] = 0x42;
    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_MMIO));
    FAULT_CHECK(exit->u.mmio.gpa == MMIO && exit->u.mmio.is_write && exit->u.mmio.data[0] == 0x42);
    FAULT_STEP(vmaccel_x86_get_regs(p->vcpu, &regs));
    FAULT_CHECK(regs.rip == CODE + 7 && (regs.rax & 0xff) == 0x42);
    regs.rax = 0x33;
    FAULT_STEP(vmaccel_x86_set_regs(p->vcpu, &regs));
    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_IO));
    FAULT_CHECK(exit->u.io.port == 0x12 && exit->u.io.data[0] == 0x33);
}

static void minimal(void *context)
{
    struct path *p = context;

    put_guest();
    FAULT_STEP(create(p));
    if (p->vm != NULL)
        start(p);
    if (p->vcpu != NULL)
        run_guest(p);
    end(p);
}

/* Calls that need no VM. A platform that is absent is a result, and told in the info. */
static vmaccel_status probe(const struct path *p)
{
    vmaccel_platform_info info;
    vmaccel_status status = vmaccel_platform_probe(p->platform, &info);

    return status != VMACCEL_OK || info.status == VMACCEL_OK
               ? status
               : vmaccel_error_report(info.status, "machine", info.reason);
}

/* Another platform serves as well where one does not answer. */
static vmaccel_status choose(const struct path *p)
{
    const vmaccel_platform *chosen;
    char why[256];
    vmaccel_status status = vmaccel_platform_choose(VMACCEL_ARCH_X86_64, VMACCEL_WORKLOAD_VCPU,
                                                    &chosen, why, sizeof(why));

    if (status == VMACCEL_OK && chosen != p->platform)
        fault_shown();
    return status;
}

static void ask_host(struct path *p)
{
    FAULT_STEP(probe(p));
    FAULT_STEP(choose(p));
    uint64_t page = vmaccel_platform_cap(p->platform, VMACCEL_ARCH_X86_64, VMACCEL_CAP_PAGE_SIZE);
    if (page == 0)
        fault_shown();
}

static void configure(struct path *p)
{
    static vmaccel_x86_cpuid entries[256];
    static uint32_t ids[1024];
    size_t count = 0;

    FAULT_STEP(vmaccel_x86_cpuid_supported(p->vm, NULL, &count));
    count = sizeof(entries) / sizeof(entries[0]);
    FAULT_STEP(vmaccel_x86_cpuid_supported(p->vm, entries, &count));
    FAULT_STEP(vmaccel_x86_set_cpuid(p->vm, entries, count));
    count = sizeof(ids) / sizeof(ids[0]);
    FAULT_STEP(vmaccel_x86_msr_list(p->vm, ids, &count));
    (void)vmaccel_vm_cap(p->vm, VMACCEL_CAP_SINGLE_STEP);
}

static void change_memory(struct path *p)
{
    const uint32_t logged = VMACCEL_MEM_RWX | VMACCEL_MEM_DIRTY_LOG;
    uint64_t bitmap[1] = {0};

    FAULT_STEP(vmaccel_memory_map(p->vm, RAM, sizeof(ram), ram, logged));
    FAULT_STEP(vmaccel_memory_dirty_log(p->vm, RAM, sizeof(ram), bitmap, 1));
    FAULT_STEP(vmaccel_memory_dirty_log(p->vm, RAM + 4096, 4096, bitmap, 1));
    FAULT_STEP(vmaccel_memory_protect(p->vm, RAM, sizeof(ram), VMACCEL_MEM_RWX));
    FAULT_STEP(
        vmaccel_memory_protect(p->vm, RAM, sizeof(ram), VMACCEL_MEM_READ | VMACCEL_MEM_EXEC));
    FAULT_STEP(vmaccel_memory_protect(p->vm, RAM, sizeof(ram), logged));
    FAULT_STEP(vmaccel_memory_protect(p->vm, RAM + 4096, 4096, VMACCEL_MEM_RWX));
    FAULT_STEP(vmaccel_memory_protect(p->vm, RAM, sizeof(ram), logged));
    FAULT_STEP(vmaccel_memory_unmap(p->vm, RAM + 2 * 4096, 4096));
    FAULT_STEP(vmaccel_memory_unmap(p->vm, RAM, 2 * 4096));
    FAULT_STEP(vmaccel_memory_unmap(p->vm, RAM + 3 * 4096, sizeof(ram) - 3 * 4096));
}

static vmaccel_status wait(vmaccel_doorbell *bell)
{
    vmaccel_status status = vmaccel_doorbell_wait(bell, 1000000);

    return status == VMACCEL_E_TIMEOUT ? VMACCEL_OK : status;
}

static void add_doorbells(struct path *p)
{
    vmaccel_doorbell_config config = {.size = sizeof(config), .address = 0x6000, .length = 4};

    FAULT_STEP(vmaccel_doorbell_create(p->vm, &config, &p->bell));
    config.pio = 1;
    config.address = 0x77;
    config.length = 1;
    config.match = 1;
    FAULT_STEP(vmaccel_doorbell_create(p->vm, &config, &p->port_bell));
    if (p->bell != NULL)
        FAULT_STEP(wait(p->bell));
}

static void use_state(struct path *p)
{
    static _Alignas(64) unsigned char xsave[16384];
    static vmaccel_x86_cpuid entries[256];
    size_t count = sizeof(entries) / sizeof(entries[0]), size = sizeof(xsave);
    vmaccel_x86_fpu fpu;
    uint64_t xcr0 = 1;
    vmaccel_x86_msr msrs[] = {{.id = 0x10}, {.id = 0x174}};
    vmaccel_x86_debug_regs debug;
    vmaccel_x86_events events;
    vmaccel_x86_lapic lapic;
    vmaccel_mp_state mp;
    vmaccel_gpa gpa;
    uint32_t khz;

    FAULT_STEP(vmaccel_x86_get_cpuid(p->vcpu, entries, &count));
    FAULT_STEP(vmaccel_x86_get_fpu(p->vcpu, &fpu));
    FAULT_STEP(vmaccel_x86_set_fpu(p->vcpu, &fpu));
    FAULT_STEP(vmaccel_x86_get_xsave(p->vcpu, xsave, size));
    FAULT_STEP(vmaccel_x86_set_xsave(p->vcpu, xsave, size));
    FAULT_STEP(vmaccel_x86_get_xcr0(p->vcpu, &xcr0));
    FAULT_STEP(vmaccel_x86_set_xcr0(p->vcpu, xcr0));
    FAULT_STEP(vmaccel_x86_get_msrs(p->vcpu, msrs, 2, NULL));
    FAULT_STEP(vmaccel_x86_set_msrs(p->vcpu, msrs, 2, NULL));
    FAULT_STEP(vmaccel_x86_get_tsc_khz(p->vcpu, &khz));
    FAULT_STEP(vmaccel_x86_get_debug_regs(p->vcpu, &debug));
    FAULT_STEP(vmaccel_x86_set_debug_regs(p->vcpu, &debug));
    FAULT_STEP(vmaccel_x86_get_events(p->vcpu, &events));
    FAULT_STEP(vmaccel_x86_set_events(p->vcpu, &events));
    FAULT_STEP(vmaccel_vcpu_get_mp_state(p->vcpu, &mp));
    FAULT_STEP(vmaccel_vcpu_set_mp_state(p->vcpu, VMACCEL_MP_RUNNABLE));
    FAULT_STEP(vmaccel_vcpu_translate(p->vcpu, CODE, &gpa));
    if (p->irqchip == VMACCEL_IRQCHIP_NONE)
        return;
    FAULT_STEP(vmaccel_x86_get_lapic(p->vcpu, &lapic));
    FAULT_STEP(vmaccel_x86_set_lapic(p->vcpu, &lapic));
}

static void use_vm_state(struct path *p)
{
    vmaccel_x86_irqchip chip;
    uint64_t ns = 0;

    if (vmaccel_vm_cap(p->vm, VMACCEL_CAP_REG_CLOCK) != 0) {
        FAULT_STEP(vmaccel_x86_get_clock(p->vm, &ns));
        FAULT_STEP(vmaccel_x86_set_clock(p->vm, ns));
    }
    if (p->irqchip != VMACCEL_IRQCHIP_NONE) {
        FAULT_STEP(vmaccel_irq_msi(p->vm, 0xfee00000, 0x41));
        FAULT_STEP(vmaccel_irq_msi(p->vm, 0xfee00000, 0xc042));
    }
    if (p->irqchip == VMACCEL_IRQCHIP_FULL) {
        FAULT_STEP(vmaccel_x86_get_irqchip(p->vm, &chip));
        FAULT_STEP(vmaccel_x86_set_irqchip(p->vm, &chip));
        FAULT_STEP(vmaccel_irq_line(p->vm, 5, true));
        FAULT_STEP(vmaccel_irq_line(p->vm, 5, false));
    }
}

static void debug_and_kick(struct path *p)
{
    vmaccel_debug_config step = {.size = sizeof(step), .flags = VMACCEL_DEBUG_STEP};
    vmaccel_x86_regs regs;

    FAULT_STEP(vmaccel_vcpu_set_debug(p->vcpu, &step));
    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_DEBUG));
    FAULT_STEP(vmaccel_x86_get_regs(p->vcpu, &regs));
    FAULT_STEP(vmaccel_x86_set_regs(p->vcpu, &regs));
    FAULT_STEP(vmaccel_vcpu_set_debug(p->vcpu, NULL));
    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_IO));
    FAULT_STEP(complete(p->vcpu));
    FAULT_CHECK(vmaccel_vcpu_kick(p->vcpu) == VMACCEL_OK);
    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_KICKED));
}

static vmaccel_status inject(struct path *p)
{
    vmaccel_status status = vmaccel_vcpu_inject_interrupt(p->vcpu, 0x20);

    return status == VMACCEL_E_NOT_READY || status == VMACCEL_E_BUSY ? VMACCEL_OK : status;
}

/* Last, since nothing of it is run. */
static void interrupt(struct path *p)
{
    vmaccel_x86_regs regs;
    bool ready;

    FAULT_STEP(vmaccel_x86_get_regs(p->vcpu, &regs));
    if (p->irqchip == VMACCEL_IRQCHIP_NONE) /* there is no vector table */
        regs.rflags |= 1u << 9;
    FAULT_STEP(vmaccel_x86_set_regs(p->vcpu, &regs));
    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_IO));
    FAULT_STEP(vmaccel_vcpu_inject_nmi(p->vcpu));
    if (p->irqchip == VMACCEL_IRQCHIP_NONE) {
        FAULT_STEP(vmaccel_vcpu_interrupt_ready(p->vcpu, &ready));
        FAULT_STEP(vmaccel_vcpu_request_irq_window(p->vcpu, false));
        FAULT_STEP(inject(p));
    }
    FAULT_STEP(vmaccel_vcpu_inject_exception(p->vcpu, 13, true, 0));
}

/* What does not depend on the irqchip is called without one. */
static void every_function(void *context)
{
    struct path *p = context;
    bool alone = p->irqchip == VMACCEL_IRQCHIP_NONE;

    put_guest();
    if (p->asks_host)
        ask_host(p);
    FAULT_STEP(create(p));
    if (p->vm != NULL && alone) {
        configure(p);
        change_memory(p);
        add_doorbells(p);
    }
    if (p->vm != NULL)
        start(p);
    if (p->vcpu != NULL) {
        FAULT_STEP(vmaccel_vcpu_create(p->vm, 1, NULL, &p->other));
        run_guest(p);
        debug_and_kick(p);
        use_state(p);
        use_vm_state(p);
        interrupt(p);
    }
    end(p);
}

static void each_call(void **state, const char *what, fault_path path, uint32_t irqchip,
                      unsigned floor)
{
    char name[64];
    struct path p = {.platform = fault_platform(state, VMACCEL_ARCH_X86_64), .irqchip = irqchip};

    p.msr_exits = path == every_function &&
                  vmaccel_platform_cap(p.platform, VMACCEL_ARCH_X86_64, VMACCEL_CAP_EXIT_MSR) != 0;
    snprintf(name, sizeof(name), "%s: %s", vmaccel_platform_name(p.platform), what);
    if (strcmp(vmaccel_platform_name(p.platform), "kvm") == 0)
        p.asks_host = irqchip == VMACCEL_IRQCHIP_NONE;
    else
        floor = SOFT_FLOOR;
    fault_each_call(name, path, &p, floor);
}

static void minimal_without_irqchip(void **state)
{
    each_call(state, "minimal VM, no irqchip", minimal, VMACCEL_IRQCHIP_NONE, 40);
}

static void minimal_with_split_irqchip(void **state)
{
    each_call(state, "minimal VM, split irqchip", minimal, VMACCEL_IRQCHIP_SPLIT, 40);
}

static void minimal_with_full_irqchip(void **state)
{
    each_call(state, "minimal VM, full irqchip", minimal, VMACCEL_IRQCHIP_FULL, 40);
}

static void all_without_irqchip(void **state)
{
    each_call(state, "every function, no irqchip", every_function, VMACCEL_IRQCHIP_NONE, 120);
}

static void all_with_split_irqchip(void **state)
{
    each_call(state, "every function, split irqchip", every_function, VMACCEL_IRQCHIP_SPLIT, 80);
}

static void all_with_full_irqchip(void **state)
{
    each_call(state, "every function, full irqchip", every_function, VMACCEL_IRQCHIP_FULL, 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(minimal_without_irqchip, "kvm"),   FAULT_TEST(minimal_with_split_irqchip, "kvm"),
        FAULT_TEST(minimal_with_full_irqchip, "kvm"), FAULT_TEST(all_without_irqchip, "kvm"),
        FAULT_TEST(all_with_split_irqchip, "kvm"),    FAULT_TEST(all_with_full_irqchip, "kvm"),
        FAULT_TEST(minimal_without_irqchip, "soft"),  FAULT_TEST(minimal_with_full_irqchip, "soft"),
        FAULT_TEST(all_without_irqchip, "soft"),      FAULT_TEST(all_with_split_irqchip, "soft"),
        FAULT_TEST(all_with_full_irqchip, "soft"),
    };
    return cmocka_run_group_tests_name("fault.vm", tests, NULL, NULL);
}
