/* SPDX-License-Identifier: BSD-2-Clause */
/* The same as test_vm.c for an AArch64 guest. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fault.h"

#define CODE      0x40000000u
#define RAM       0x40100000u
#define PAGES     16u
#define PAGE_ROOM 0x10000u /* of the largest pages */
#define MMIO      0x09000000u

static const uint32_t guest[] = {
    0xb9000020, /* str w0, [x1]      */
    0xb9400022, /* ldr w2, [x1]      */
    0xb9000422, /* str w2, [x1, #4]  */
    0xa9400c22, /* ldp x2, x3, [x1]  */
    0xd4200000, /* brk #0            */
    0xb9000822, /* 1: str w2, [x1, #8] */
    0x17ffffff, /* b 1b              */
};
static _Alignas(PAGE_ROOM) unsigned char code[PAGE_ROOM];
static _Alignas(PAGE_ROOM) unsigned char ram[PAGES * PAGE_ROOM];

struct path {
    const vmaccel_platform *platform;
    uint32_t irqchip;
    vmaccel_vm *vm;
    vmaccel_vcpu *vcpu, *other;
    vmaccel_doorbell *bell;
};

static vmaccel_status create(struct path *p)
{
    vmaccel_vm_config config = {
        .size = sizeof(config), .arch = VMACCEL_ARCH_ARM64, .irqchip = p->irqchip, .max_vcpus = 2};

    return vmaccel_vm_create(p->platform, &config, &p->vm);
}

static void end(struct path *p)
{
    FAULT_CHECK(vmaccel_vcpu_destroy(p->vcpu) == VMACCEL_OK);
    FAULT_CHECK(vmaccel_vcpu_destroy(p->other) == VMACCEL_OK);
    vmaccel_doorbell_destroy(p->bell);
    FAULT_CHECK(vmaccel_vm_destroy(p->vm) == VMACCEL_OK);
    p->vm = NULL;
    p->vcpu = p->other = NULL;
    p->bell = NULL;
}

/* A fault of guest memory is an exit, and so is one that can't be told in full. */
static bool other_exit(vmaccel_vcpu *vcpu)
{
    const struct os_fault *fault = os_calls_fault();
    uint32_t reason = vmaccel_vcpu_exit(vcpu)->reason;

    if (fault == NULL)
        return false;
    bool memory = reason == VMACCEL_EXIT_MEMORY_FAULT && fault->error == EFAULT &&
                  strcmp(fault->name, "KVM_RUN") == 0;
    bool part =
        reason == VMACCEL_EXIT_INTERNAL_ERROR && strcmp(fault->name, "KVM_GET_ONE_REG") == 0;
    if (!memory && !part)
        return false;
    fault_shown();
    return true;
}

static vmaccel_status run_to(vmaccel_vcpu *vcpu, uint32_t reason)
{
    vmaccel_status status = vmaccel_vcpu_run(vcpu);

    if (status == VMACCEL_OK && other_exit(vcpu))
        status = vmaccel_vcpu_run(vcpu);
    if (status == VMACCEL_OK && vmaccel_vcpu_exit(vcpu)->reason != reason)
        fault_broken(__FILE__, __LINE__, vmaccel_exit_name(vmaccel_vcpu_exit(vcpu)->reason));
    return status;
}

static void start(struct path *p)
{
    FAULT_STEP(vmaccel_memory_map(p->vm, CODE, sizeof(code), code, VMACCEL_MEM_RWX));
    FAULT_STEP(vmaccel_vcpu_create(p->vm, 0, NULL, &p->vcpu));
    if (p->vcpu == NULL)
        return;
    FAULT_STEP(vmaccel_arm64_set_reg(p->vcpu, VMACCEL_ARM64_PC, CODE));
    FAULT_STEP(vmaccel_arm64_set_reg(p->vcpu, VMACCEL_ARM64_X0, 0x11));
    FAULT_STEP(vmaccel_arm64_set_reg(p->vcpu, 1, MMIO));
}

static vmaccel_status expect_reg(struct path *p, vmaccel_arm64_reg reg, uint64_t wanted)
{
    uint64_t value;
    vmaccel_status status = vmaccel_arm64_get_reg(p->vcpu, reg, &value);

    if (status == VMACCEL_OK)
        FAULT_CHECK(value == wanted);
    return status;
}

/* The guest's accesses, each of which has to come once. */
static void run_guest(struct path *p)
{
    vmaccel_exit *exit = vmaccel_vcpu_exit(p->vcpu);

    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_MMIO));
    FAULT_CHECK(exit->u.mmio.gpa == MMIO && exit->u.mmio.is_write && exit->u.mmio.data[0] == 0x11);
    FAULT_STEP(expect_reg(p, VMACCEL_ARM64_PC, CODE + 4));
    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_MMIO));
    FAULT_CHECK(exit->u.mmio.gpa == MMIO && !exit->u.mmio.is_write);
    FAULT_STEP(expect_reg(p, VMACCEL_ARM64_PC, CODE + 4));
    exit->u.mmio.data[0] = 0x42;
    FAULT_STEP(vmaccel_arm64_set_reg(p->vcpu, 5, 0x55));
    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_MMIO));
    FAULT_CHECK(exit->u.mmio.gpa == MMIO + 4 && exit->u.mmio.data[0] == 0x42);
    FAULT_STEP(expect_reg(p, 5, 0x55));
    FAULT_STEP(expect_reg(p, 2, 0x42));
}

static void minimal(void *context)
{
    struct path *p = context;

    memcpy(code, guest, sizeof(guest));
    FAULT_STEP(create(p));
    if (p->vm != NULL)
        start(p);
    if (p->vcpu != NULL)
        run_guest(p);
    end(p);
}

static vmaccel_status probe(const struct path *p)
{
    vmaccel_platform_info info;
    vmaccel_status status = vmaccel_platform_probe(p->platform, &info);

    return status != VMACCEL_OK || info.status == VMACCEL_OK
               ? status
               : vmaccel_error_report(info.status, "machine", info.reason);
}

static void configure(struct path *p)
{
    FAULT_STEP(vmaccel_arm64_set_features(p->vm, 0));
}

static void change_memory(struct path *p)
{
    const uint32_t logged = VMACCEL_MEM_RWX | VMACCEL_MEM_DIRTY_LOG;
    static uint64_t bitmap[sizeof(ram) / 4096 / 64];
    const uint64_t part = PAGE_ROOM;

    FAULT_STEP(vmaccel_memory_map(p->vm, RAM, sizeof(ram), ram, logged));
    FAULT_STEP(vmaccel_memory_dirty_log(p->vm, RAM, sizeof(ram), bitmap, sizeof(bitmap) / 8));
    FAULT_STEP(
        vmaccel_memory_protect(p->vm, RAM, sizeof(ram), VMACCEL_MEM_READ | VMACCEL_MEM_EXEC));
    FAULT_STEP(vmaccel_memory_protect(p->vm, RAM, sizeof(ram), logged));
    FAULT_STEP(vmaccel_memory_unmap(p->vm, RAM + 2 * part, part));
    FAULT_STEP(vmaccel_memory_unmap(p->vm, RAM, 2 * part));
    FAULT_STEP(vmaccel_memory_unmap(p->vm, RAM + 3 * part, sizeof(ram) - 3 * part));
}

static void add_doorbell(struct path *p)
{
    vmaccel_doorbell_config config = {
        .size = sizeof(config), .address = MMIO + 0x1000, .length = 4};

    FAULT_STEP(vmaccel_doorbell_create(p->vm, &config, &p->bell));
}

static void use_state(struct path *p)
{
    static uint8_t sve[VMACCEL_ARM64_SVE_SIZE(256)];
    static uint32_t ids[1024];
    size_t count = 0, size = VMACCEL_ARM64_SVE_SIZE(vmaccel_vm_cap(p->vm, VMACCEL_CAP_REG_SVE));
    vmaccel_arm64_fpu fpu;
    vmaccel_arm64_regs regs;
    vmaccel_arm64_events events;
    vmaccel_arm64_sysreg reg = {.id = VMACCEL_ARM64_SYSREG(3, 0, 1, 0, 0)};
    vmaccel_mp_state mp;
    vmaccel_gpa gpa;

    memset(&fpu, 0, sizeof(fpu));
    memset(&regs, 0, sizeof(regs));
    memset(&events, 0, sizeof(events));
    FAULT_STEP(vmaccel_arm64_get_regs(p->vcpu, &regs));
    if (regs.pstate != 0)
        FAULT_STEP(vmaccel_arm64_set_regs(p->vcpu, &regs));
    FAULT_STEP(vmaccel_arm64_get_fpu(p->vcpu, &fpu));
    FAULT_STEP(vmaccel_arm64_set_fpu(p->vcpu, &fpu));
    if (vmaccel_vm_cap(p->vm, VMACCEL_CAP_REG_SVE) != 0) { /* one path has its features off */
        FAULT_STEP(vmaccel_arm64_get_sve(p->vcpu, sve, size));
        FAULT_STEP(vmaccel_arm64_set_sve(p->vcpu, sve, size));
    }
    FAULT_STEP(vmaccel_arm64_get_sysregs(p->vcpu, &reg, 1, NULL));
    FAULT_STEP(vmaccel_arm64_set_sysregs(p->vcpu, &reg, 1, NULL));
    count = sizeof(ids) / sizeof(ids[0]);
    FAULT_STEP(vmaccel_arm64_sysreg_list(p->vcpu, ids, &count));
    FAULT_STEP(vmaccel_arm64_get_events(p->vcpu, &events));
    events.irq_pending = p->irqchip == VMACCEL_IRQCHIP_NONE;
    FAULT_STEP(vmaccel_arm64_set_events(p->vcpu, &events));
    FAULT_STEP(vmaccel_vcpu_get_mp_state(p->vcpu, &mp));
    FAULT_STEP(vmaccel_vcpu_set_mp_state(p->vcpu, VMACCEL_MP_RUNNABLE));
    FAULT_STEP(vmaccel_vcpu_translate(p->vcpu, CODE, &gpa));
}

static void use_gic(struct path *p)
{
    static vmaccel_arm64_gic_reg regs[2048];
    size_t count = sizeof(regs) / sizeof(regs[0]);

    FAULT_STEP(vmaccel_irq_line(p->vm, 5, true));
    FAULT_STEP(vmaccel_irq_line(p->vm, 5, false));
    FAULT_STEP(vmaccel_arm64_gic_list(p->vm, regs, &count));
    FAULT_STEP(vmaccel_arm64_get_gic_regs(p->vm, regs, 3, NULL));
    FAULT_STEP(vmaccel_arm64_set_gic_regs(p->vm, regs, 3, NULL));
}

static void debug_and_kick(struct path *p)
{
    vmaccel_debug_config points = {.size = sizeof(points), .flags = VMACCEL_DEBUG_SW_BREAKPOINT};
    vmaccel_arm64_events events = {.data_abort_pending = true};
    vmaccel_exit *exit = vmaccel_vcpu_exit(p->vcpu);

    points.points[3] =
        (vmaccel_hw_point){.address = CODE + 20, .length = 4, .kind = VMACCEL_HW_EXEC};
    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION));
    FAULT_CHECK(exit->u.instruction.gpa == MMIO || exit->u.instruction.gpa == UINT64_MAX);
    if (exit->u.instruction.length == 0) /* the bytes go without saying why */
        fault_shown();
    FAULT_STEP(vmaccel_vcpu_set_debug(p->vcpu, &points));
    FAULT_STEP(vmaccel_arm64_set_reg(p->vcpu, VMACCEL_ARM64_PC, CODE + 16));
    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_DEBUG));
    FAULT_CHECK(exit->u.debug.flags == VMACCEL_DEBUG_SW_BREAKPOINT);
    FAULT_STEP(vmaccel_arm64_set_reg(p->vcpu, VMACCEL_ARM64_PC, CODE + 20));
    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_DEBUG));
    FAULT_CHECK(exit->u.debug.flags == VMACCEL_DEBUG_HW_BREAKPOINT && exit->u.debug.slot == 3);
    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_MMIO));
    FAULT_STEP(vmaccel_vcpu_set_debug(p->vcpu, NULL));
    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_MMIO));
    FAULT_CHECK(vmaccel_vcpu_kick(p->vcpu) == VMACCEL_OK);
    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_KICKED));
    FAULT_STEP(run_to(p->vcpu, VMACCEL_EXIT_MMIO));
    FAULT_STEP(vmaccel_arm64_set_events(p->vcpu, &events));
}

static void every_function(void *context)
{
    struct path *p = context;
    bool alone = p->irqchip == VMACCEL_IRQCHIP_NONE;

    memcpy(code, guest, sizeof(guest));
    if (alone) {
        FAULT_STEP(probe(p));
        if (vmaccel_platform_cap(p->platform, VMACCEL_ARCH_ARM64, VMACCEL_CAP_PAGE_SIZE) == 0)
            fault_shown();
    }
    FAULT_STEP(create(p));
    if (p->vm != NULL && alone) {
        configure(p);
        change_memory(p);
        add_doorbell(p);
    }
    if (p->vm != NULL)
        start(p);
    if (p->vcpu != NULL) {
        FAULT_STEP(vmaccel_vcpu_create(p->vm, 1, NULL, &p->other));
        run_guest(p);
        use_state(p);
        if (!alone)
            use_gic(p);
        debug_and_kick(p);
    }
    end(p);
}

static void each_call(void **state, const char *what, fault_path path, uint32_t irqchip,
                      unsigned floor)
{
    char name[64];
    struct path p = {.platform = fault_platform(state, VMACCEL_ARCH_ARM64), .irqchip = irqchip};

    snprintf(name, sizeof(name), "%s: %s", vmaccel_platform_name(p.platform), what);
    fault_each_call(name, path, &p, floor);
}

static void minimal_without_irqchip(void **state)
{
    each_call(state, "minimal AArch64 VM, no irqchip", minimal, VMACCEL_IRQCHIP_NONE, 30);
}

static void minimal_with_gic(void **state)
{
    each_call(state, "minimal AArch64 VM, GIC", minimal, VMACCEL_IRQCHIP_FULL, 40);
}

static void all_without_irqchip(void **state)
{
    each_call(state, "every function, AArch64, no irqchip", every_function, VMACCEL_IRQCHIP_NONE,
              150);
}

static void all_with_gic(void **state)
{
    each_call(state, "every function, AArch64, GIC", every_function, VMACCEL_IRQCHIP_FULL, 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(minimal_without_irqchip, "kvm"),
        FAULT_TEST(minimal_with_gic, "kvm"),
        FAULT_TEST(all_without_irqchip, "kvm"),
        FAULT_TEST(all_with_gic, "kvm"),
    };

    return cmocka_run_group_tests_name("fault.arm64", tests, NULL, NULL);
}
