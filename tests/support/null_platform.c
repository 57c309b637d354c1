/* SPDX-License-Identifier: BSD-2-Clause */
#include "null_platform.h"

#include <string.h>

struct null_platform null_platform;

#define null null_platform

static vmaccel_status outcome(const char *operation)
{
    if (null.fail == NULL || strcmp(null.fail, operation) != 0)
        return VMACCEL_OK;
    if (null.fail_after > 0) {
        null.fail_after--;
        return VMACCEL_OK;
    }
    if (null.fail_times == 0)
        return VMACCEL_OK;
    null.fail_times--;
    return core_fail(VMACCEL_E_PLATFORM, "null", "test", NULL, 5, "%s was told to fail", operation);
}

static void probe(vmaccel_platform_info *info)
{
    vmaccel_platform_info answer = null.info;

    answer.name = info->name;
    answer.description = info->description;
    *info = answer;
}

static uint64_t cap(vmaccel_arch arch, vmaccel_cap which)
{
    (void)arch;
    return null.info.status == VMACCEL_OK ? null.caps[which] : 0;
}

static uint64_t vm_cap(const vmaccel_vm *vm, vmaccel_cap which)
{
    (void)vm;
    return null.caps[which];
}

static vmaccel_status vm_create(vmaccel_vm *vm)
{
    assert_int_equal((uintptr_t)vm->priv % 64, 0);
    assert_int_equal(((uint8_t *)vm->priv)[null.platform.vm_size - 1], 0);
    vmaccel_status status = outcome("vm_create");
    null.vms += status == VMACCEL_OK;
    return status;
}

static vmaccel_status vm_commit(vmaccel_vm *vm)
{
    (void)vm;
    vmaccel_status status = outcome("vm_commit");
    null.commits += status == VMACCEL_OK;
    return status;
}

static void vm_destroy(vmaccel_vm *vm)
{
    (void)vm;
    null.vms--;
    memset(null.slots, 0, sizeof(null.slots));
}

static vmaccel_status mem_map(vmaccel_vm *vm, const struct core_region *region)
{
    (void)vm;
    assert_in_range(region->id, 0, NULL_SLOTS - 1);
    assert_false(null.slots[region->id].used);
    vmaccel_status status = outcome("map");
    if (status == VMACCEL_OK) {
        null.maps++;
        null.slots[region->id] = (struct null_slot){.used = true,
                                                    .gpa = region->gpa,
                                                    .size = region->size,
                                                    .host = region->host,
                                                    .flags = region->flags};
    }
    return status;
}

static vmaccel_status mem_unmap(vmaccel_vm *vm, const struct core_region *region)
{
    (void)vm;
    assert_true(null.slots[region->id].used);
    assert_true(null.slots[region->id].gpa == region->gpa &&
                null.slots[region->id].size == region->size);
    vmaccel_status status = outcome("unmap");
    if (status == VMACCEL_OK) {
        null.unmaps++;
        null.slots[region->id].used = false;
    }
    return status;
}

static vmaccel_status mem_protect(vmaccel_vm *vm, const struct core_region *region, uint32_t flags)
{
    (void)vm;
    assert_true(null.slots[region->id].used);
    assert_int_equal(null.slots[region->id].flags, region->flags);
    vmaccel_status status = outcome("protect");
    if (status == VMACCEL_OK) {
        null.protects++;
        null.slots[region->id].flags = flags;
    }
    return status;
}

static vmaccel_status mem_dirty(vmaccel_vm *vm, const struct core_region *region, uint64_t *bitmap)
{
    (void)vm;
    vmaccel_status status = outcome("dirty");
    if (status == VMACCEL_OK) {
        size_t words = (region->size / NULL_PAGE + 63) / 64;
        memcpy(bitmap, null.slots[region->id].dirty, words * sizeof(*bitmap));
        memset(null.slots[region->id].dirty, 0, words * sizeof(*bitmap));
    }
    return status;
}

static vmaccel_status doorbell(vmaccel_vm *vm, const vmaccel_doorbell_config *config,
                               intptr_t native, bool add)
{
    (void)vm;
    (void)config;
    (void)native;
    vmaccel_status status = add ? outcome("doorbell") : VMACCEL_OK;
    if (status == VMACCEL_OK)
        null.doorbells += add ? 1u : -1u;
    return status;
}

static vmaccel_status irq_line(vmaccel_vm *vm, uint32_t line, bool level)
{
    (void)vm;
    (void)line;
    (void)level;
    return VMACCEL_OK;
}

static vmaccel_status irq_msi(vmaccel_vm *vm, uint64_t address, uint32_t data)
{
    (void)vm;
    (void)address;
    (void)data;
    return VMACCEL_OK;
}

/* As little as a run can be: what is measured around it is core's. */
static vmaccel_status run(vmaccel_vcpu *vcpu)
{
    (void)vcpu;
    return VMACCEL_OK;
}

static vmaccel_status vcpu_create(vmaccel_vcpu *vcpu)
{
    assert_int_equal((uintptr_t)vcpu->priv % 64, 0);
    assert_true(vcpu->vm->committed);
    vmaccel_status status = outcome("vcpu_create");
    vcpu->run = run;
    null.vcpus += status == VMACCEL_OK;
    return status;
}

static void vcpu_destroy(vmaccel_vcpu *vcpu)
{
    (void)vcpu;
    null.vcpus--;
}

static void vcpu_kick(vmaccel_vcpu *vcpu)
{
    (void)vcpu;
    null.kicks++;
}

static vmaccel_status vcpu_complete(vmaccel_vcpu *vcpu, bool *more)
{
    (void)vcpu;
    null.completes++;
    *more = false;
    return outcome("complete");
}

static vmaccel_status inject_interrupt(vmaccel_vcpu *vcpu, uint8_t vector)
{
    (void)vcpu;
    null.events.interrupt_pending = true;
    null.events.interrupt_vector = vector;
    return VMACCEL_OK;
}

static vmaccel_status interrupt_ready(vmaccel_vcpu *vcpu, bool *ready)
{
    (void)vcpu;
    *ready = !null.events.interrupt_pending;
    return VMACCEL_OK;
}

static vmaccel_status request_irq_window(vmaccel_vcpu *vcpu, bool on)
{
    (void)vcpu;
    (void)on;
    return VMACCEL_OK;
}

static vmaccel_status inject_exception(vmaccel_vcpu *vcpu, uint8_t vector, bool has_error_code,
                                       uint32_t error_code)
{
    (void)vcpu;
    null.events.exception_pending = true;
    null.events.exception_vector = vector;
    null.events.exception_has_error_code = has_error_code;
    null.events.exception_error_code = error_code;
    return VMACCEL_OK;
}

static vmaccel_status inject_nmi(vmaccel_vcpu *vcpu)
{
    (void)vcpu;
    null.events.nmi_pending = true;
    return VMACCEL_OK;
}

static vmaccel_status set_debug(vmaccel_vcpu *vcpu, const vmaccel_debug_config *config)
{
    (void)vcpu;
    null.debug = *config;
    return VMACCEL_OK;
}

static vmaccel_status translate(vmaccel_vcpu *vcpu, vmaccel_gva gva, vmaccel_gpa *gpa)
{
    (void)vcpu;
    *gpa = gva + 1;
    return VMACCEL_OK;
}

static vmaccel_status get_mp_state(vmaccel_vcpu *vcpu, vmaccel_mp_state *state)
{
    (void)vcpu;
    *state = VMACCEL_MP_RUNNABLE;
    return VMACCEL_OK;
}

static vmaccel_status set_mp_state(vmaccel_vcpu *vcpu, vmaccel_mp_state state)
{
    (void)vcpu;
    (void)state;
    return VMACCEL_OK;
}

static vmaccel_status x86_fetch(vmaccel_vcpu *vcpu, uint32_t groups)
{
    vmaccel_status status = outcome("fetch");

    null.fetches++;
    if ((groups & CORE_GROUP_REGS) != 0)
        vcpu->cache.x86.regs = null.regs;
    if ((groups & CORE_GROUP_SREGS) != 0)
        vcpu->cache.x86.sregs = null.sregs;
    if ((groups & CORE_GROUP_EVENTS) != 0)
        vcpu->cache.x86.events = null.events;
    return status;
}

static vmaccel_status get_xsave(vmaccel_vcpu *vcpu, void *area)
{
    (void)vcpu;
    assert_int_equal((uintptr_t)area % 64, 0);
    memcpy(area, null.xsave, sizeof(null.xsave));
    return outcome("get_xsave");
}

static vmaccel_status set_xsave(vmaccel_vcpu *vcpu, const void *area)
{
    (void)vcpu;
    memcpy(null.xsave, area, sizeof(null.xsave));
    return VMACCEL_OK;
}

static vmaccel_status get_msrs(vmaccel_vcpu *vcpu, vmaccel_x86_msr *msrs, size_t count,
                               size_t *done)
{
    (void)vcpu;
    for (*done = 0; *done < count; (*done)++)
        msrs[*done].value = 0x1111;
    return VMACCEL_OK;
}

static vmaccel_status set_msrs(vmaccel_vcpu *vcpu, const vmaccel_x86_msr *msrs, size_t count,
                               size_t *done)
{
    (void)vcpu;
    for (*done = 0; *done < count; (*done)++)
        null.msr = msrs[*done];
    return VMACCEL_OK;
}

static vmaccel_status msr_list(const vmaccel_vm *vm, uint32_t *ids, size_t *count)
{
    size_t room = *count;

    (void)vm;
    *count = 3;
    if (room < 3)
        return core_fail(VMACCEL_E_LIMIT, "null", "test", NULL, 0, "3 are needed");
    for (uint32_t i = 0; i < 3; i++)
        ids[i] = i;
    return VMACCEL_OK;
}

static vmaccel_status cpuid_supported(const vmaccel_vm *vm, vmaccel_x86_cpuid *entries,
                                      size_t *count)
{
    size_t room = *count;

    (void)vm;
    *count = null.cpuid_count;
    if (room < null.cpuid_count)
        return core_fail(VMACCEL_E_LIMIT, "null", "test", NULL, 0, "more are needed");
    memcpy(entries, null.cpuid, null.cpuid_count * sizeof(*entries));
    return VMACCEL_OK;
}

static vmaccel_status set_cpuid(vmaccel_vm *vm, const vmaccel_x86_cpuid *entries, size_t count)
{
    (void)vm;
    memcpy(null.cpuid, entries, count * sizeof(*entries));
    null.cpuid_count = count;
    return VMACCEL_OK;
}

static vmaccel_status get_cpuid(vmaccel_vcpu *vcpu, vmaccel_x86_cpuid *entries, size_t *count)
{
    return cpuid_supported(vcpu->vm, entries, count);
}

static vmaccel_status set_debug_regs(vmaccel_vcpu *vcpu, const vmaccel_x86_debug_regs *regs)
{
    (void)vcpu;
    null.debug_regs = *regs;
    return VMACCEL_OK;
}

static vmaccel_status set_lapic(vmaccel_vcpu *vcpu, const vmaccel_x86_lapic *lapic)
{
    (void)vcpu;
    (void)lapic;
    return VMACCEL_OK;
}

static uint32_t arm64_features(const vmaccel_vm *vm)
{
    (void)vm;
    return null.features;
}

static vmaccel_status arm64_fetch(vmaccel_vcpu *vcpu, uint64_t regs)
{
    const uint64_t *values = (const uint64_t *)(const void *)&null.arm64_regs;

    assert_true(regs != 0 && (regs & ~CORE_ARM64_ALL) == 0);
    assert_true((regs & vcpu->dirty) == 0); /* they would be lost */
    null.fetches++;
    null.fetched = regs;
    for (unsigned i = 0; i < VMACCEL_ARM64_REGS; i++)
        if ((regs >> i & 1) != 0)
            vcpu->cache.arm64.regs[i] = values[i];
    return outcome("fetch");
}

static vmaccel_status get_sve(vmaccel_vcpu *vcpu, uint8_t *area, uint32_t vl)
{
    (void)vcpu;
    memset(area, 0x5e, VMACCEL_ARM64_SVE_SIZE(vl));
    return VMACCEL_OK;
}

static vmaccel_status set_sve(vmaccel_vcpu *vcpu, const uint8_t *area, uint32_t vl)
{
    (void)vcpu;
    assert_int_equal(area[VMACCEL_ARM64_SVE_SIZE(vl) - 1], 0x5e);
    return VMACCEL_OK;
}

static vmaccel_status sysreg_list(vmaccel_vcpu *vcpu, uint32_t *ids, size_t *count)
{
    return msr_list(vcpu->vm, ids, count);
}

static vmaccel_status gic_list(vmaccel_vm *vm, vmaccel_arm64_gic_reg *regs, size_t *count)
{
    size_t room = *count;

    assert_true(vm->committed && vm->arm64.gic.version != 0);
    *count = 1;
    if (room < 1)
        return core_fail(VMACCEL_E_LIMIT, "null", "test", NULL, 0, "1 is needed");
    regs[0] = (vmaccel_arm64_gic_reg){.space = VMACCEL_ARM64_GIC_DIST};
    return VMACCEL_OK;
}

static vmaccel_status get_gic_regs(vmaccel_vm *vm, vmaccel_arm64_gic_reg *regs, size_t count,
                                   size_t *done)
{
    (void)vm;
    for (*done = 0; *done < count; (*done)++)
        regs[*done].value = regs[*done].offset;
    return VMACCEL_OK;
}

static vmaccel_status set_gic_regs(vmaccel_vm *vm, const vmaccel_arm64_gic_reg *regs, size_t count,
                                   size_t *done)
{
    (void)vm;
    (void)regs;
    *done = count;
    return outcome("set_gic_regs");
}

static vmaccel_status get_sysregs(vmaccel_vcpu *vcpu, vmaccel_arm64_sysreg *regs, size_t count,
                                  size_t *done)
{
    (void)vcpu;
    for (*done = 0; *done < count; (*done)++)
        regs[*done].value = regs[*done].id;
    return VMACCEL_OK;
}

static vmaccel_status set_arm64_events(vmaccel_vcpu *vcpu, const vmaccel_arm64_events *events)
{
    (void)vcpu;
    null.arm64_events = *events;
    return VMACCEL_OK;
}

static vmaccel_status get_arm64_events(vmaccel_vcpu *vcpu, vmaccel_arm64_events *events)
{
    (void)vcpu;
    *events = null.arm64_events;
    return VMACCEL_OK;
}

static const struct vmaccel_platform null_ops = {
    .name = "null",
    .description = "no CPU",
    .probe = probe,
    .cap = cap,
    .vm_size = 100,
    .vcpu_size = 200,
    .vm_create = vm_create,
    .vm_commit = vm_commit,
    .vm_destroy = vm_destroy,
    .vm_cap = vm_cap,
    .mem_map = mem_map,
    .mem_unmap = mem_unmap,
    .mem_protect = mem_protect,
    .mem_dirty = mem_dirty,
    .doorbell = doorbell,
    .irq_line = irq_line,
    .irq_msi = irq_msi,
    .vcpu_create = vcpu_create,
    .vcpu_destroy = vcpu_destroy,
    .vcpu_kick = vcpu_kick,
    .vcpu_complete = vcpu_complete,
    .inject_interrupt = inject_interrupt,
    .interrupt_ready = interrupt_ready,
    .request_irq_window = request_irq_window,
    .inject_exception = inject_exception,
    .inject_nmi = inject_nmi,
    .set_debug = set_debug,
    .translate = translate,
    .get_mp_state = get_mp_state,
    .set_mp_state = set_mp_state,
    .x86 = &null.x86,
    .arm64 = &null.arm64,
};

int null_reset(void **state)
{
    (void)state;
    memset(&null, 0, sizeof(null));
    null.platform = null_ops;
    null.x86 = (struct core_x86_ops){
        .fetch = x86_fetch,
        .get_xsave = get_xsave,
        .set_xsave = set_xsave,
        .get_msrs = get_msrs,
        .set_msrs = set_msrs,
        .msr_list = msr_list,
        .cpuid_supported = cpuid_supported,
        .set_cpuid = set_cpuid,
        .get_cpuid = get_cpuid,
        .set_debug_regs = set_debug_regs,
        .set_lapic = set_lapic,
    };
    null.arm64 = (struct core_arm64_ops){
        .features = arm64_features,
        .fetch = arm64_fetch,
        .get_sve = get_sve,
        .set_sve = set_sve,
        .get_sysregs = get_sysregs,
        .sysreg_list = sysreg_list,
        .get_events = get_arm64_events,
        .set_events = set_arm64_events,
        .gic_list = gic_list,
        .get_gic_regs = get_gic_regs,
        .set_gic_regs = set_gic_regs,
    };
    null.features = VMACCEL_ARM64_FEATURE_SVE | VMACCEL_ARM64_FEATURE_PMU;
    null.info = (vmaccel_platform_info){.kind = VMACCEL_KIND_SOFTWARE,
                                        .guest_x86_64 = true,
                                        .guest_arm64 = true,
                                        .reason = "always there"};
    for (size_t i = 0; i <= VMACCEL_CAP_MAX_VALUE; i++)
        null.caps[i] = 1;
    null.caps[VMACCEL_CAP_MAX_VCPUS] = 4;
    null.caps[VMACCEL_CAP_PAGE_SIZE] = NULL_PAGE;
    null.caps[VMACCEL_CAP_GPA_BITS] = 40;
    null.caps[VMACCEL_CAP_MAX_REGIONS] = NULL_SLOTS;
    null.caps[VMACCEL_CAP_MEM_SPLIT_RUNNING] = 0;
    null.caps[VMACCEL_CAP_EXIT_EXCEPTION] = 0xffffffff;
    null.caps[VMACCEL_CAP_HW_BREAKPOINT] = null.caps[VMACCEL_CAP_HW_WATCHPOINT] = 4;
    null.caps[VMACCEL_CAP_REG_XSAVE] = NULL_XSAVE;
    null.caps[VMACCEL_CAP_REG_SVE] = NULL_SVE;
    vmaccel_x86_reset_state(&null.regs, &null.sregs);

    static const vmaccel_x86_cpuid table[] = {
        {.leaf = 0xd, .subleaf = 0, .flags = VMACCEL_X86_CPUID_SUBLEAF, .eax = 0xe7},
        {.leaf = 0xd, .subleaf = 2, .flags = VMACCEL_X86_CPUID_SUBLEAF, .eax = 256, .ebx = 576},
        {.leaf = 0xd, .subleaf = 5, .flags = VMACCEL_X86_CPUID_SUBLEAF, .eax = 64, .ebx = 1088},
        {.leaf = 0xd, .subleaf = 6, .flags = VMACCEL_X86_CPUID_SUBLEAF, .eax = 512, .ebx = 1152},
        {.leaf = 0xd, .subleaf = 7, .flags = VMACCEL_X86_CPUID_SUBLEAF, .eax = 1024, .ebx = 1664},
    };
    memcpy(null.cpuid, table, sizeof(table));
    null.cpuid_count = sizeof(table) / sizeof(table[0]);
    return 0;
}

vmaccel_vm *null_vm(vmaccel_arch arch)
{
    vmaccel_vm_config config = {.size = sizeof(config), .arch = arch, .max_vcpus = 2};
    vmaccel_vm *vm = NULL;

    expect_ok(vmaccel_vm_create(&null.platform, &config, &vm));
    return vm;
}

vmaccel_vcpu *null_vcpu(vmaccel_arch arch)
{
    vmaccel_vcpu *vcpu = NULL;

    expect_ok(vmaccel_vcpu_create(null_vm(arch), 0, NULL, &vcpu));
    return vcpu;
}

void null_end(vmaccel_vm *vm)
{
    assert_int_equal(null.vcpus, 0);
    expect_ok(vmaccel_vm_destroy(vm));
    assert_int_equal(null.vms, 0);
}

void null_touch(uint64_t gpa)
{
    for (size_t i = 0; i < NULL_SLOTS; i++) {
        struct null_slot *slot = &null.slots[i];
        if (slot->used && gpa >= slot->gpa && gpa - slot->gpa < slot->size) {
            uint64_t page = (gpa - slot->gpa) / NULL_PAGE;
            slot->dirty[page / 64] |= (uint64_t)1 << page % 64;
            return;
        }
    }
    fail_msg("nothing is mapped at 0x%llx", (unsigned long long)gpa);
}

void expect_error(vmaccel_status got, vmaccel_status wanted, const char *part)
{
    const vmaccel_error *error = vmaccel_last_error();

    if (got != wanted || error->status != wanted || strstr(error->text, part) == NULL)
        fail_msg("got \"%s\" (%s), wanted \"%s\" with \"%s\"", vmaccel_status_string(got),
                 error->text, vmaccel_status_string(wanted), part);
}
