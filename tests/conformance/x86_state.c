/* SPDX-License-Identifier: BSD-2-Clause */
#include "x86_state.h"

#define MSR_TSC           0x10u
#define MSR_HV_RUNTIME    0x40000010u
#define MSR_HV_TIME       0x40000020u
#define LAPIC_TIMER_COUNT 0x390u

static bool has(struct guest *g, vmaccel_cap cap)
{
    return vmaccel_vm_cap(g->vm, cap) != 0;
}

void state_save(struct guest *g, struct state *state)
{
    memset(state, 0, sizeof(*state));
    CHECK_OK(vmaccel_x86_get_regs(g->vcpu, &state->regs));
    CHECK_OK(vmaccel_x86_get_sregs(g->vcpu, &state->sregs));
    if (has(g, VMACCEL_CAP_REG_EVENTS))
        CHECK_OK(vmaccel_x86_get_events(g->vcpu, &state->events));
    if (has(g, VMACCEL_CAP_REG_DEBUG))
        CHECK_OK(vmaccel_x86_get_debug_regs(g->vcpu, &state->debug));
    if (has(g, VMACCEL_CAP_REG_LAPIC))
        CHECK_OK(vmaccel_x86_get_lapic(g->vcpu, &state->lapic));
    if (has(g, VMACCEL_CAP_REG_MP_STATE))
        CHECK_OK(vmaccel_vcpu_get_mp_state(g->vcpu, &state->mp));
    if (has(g, VMACCEL_CAP_REG_XCR))
        CHECK_OK(vmaccel_x86_get_xcr0(g->vcpu, &state->xcr0));
    if (has(g, VMACCEL_CAP_REG_XSAVE)) {
        state->xsave_size = vmaccel_vm_cap(g->vm, VMACCEL_CAP_REG_XSAVE);
        CHECK(state->xsave_size <= STATE_XSAVE);
        CHECK_OK(vmaccel_x86_get_xsave(g->vcpu, state->xsave, state->xsave_size));
    }
    if (has(g, VMACCEL_CAP_REG_MSR)) {
        uint32_t ids[STATE_MSRS];
        state->msr_count = STATE_MSRS;
        CHECK_OK(vmaccel_x86_msr_list(g->vm, ids, &state->msr_count));
        for (size_t i = 0; i < state->msr_count; i++)
            state->msrs[i].id = ids[i];
        CHECK_OK(vmaccel_x86_get_msrs(g->vcpu, state->msrs, state->msr_count, NULL));
    }
    if (has(g, VMACCEL_CAP_REG_CPUID)) {
        state->cpuid_count = STATE_CPUID;
        CHECK_OK(vmaccel_x86_get_cpuid(g->vcpu, state->cpuid, &state->cpuid_count));
    }
}

static void restore_one(struct guest *g, const struct state *state, enum element element)
{
    switch (element) {
    case ELEMENT_REGS:
        CHECK_OK(vmaccel_x86_set_regs(g->vcpu, &state->regs));
        break;
    case ELEMENT_SREGS:
        CHECK_OK(vmaccel_x86_set_sregs(g->vcpu, &state->sregs));
        break;
    case ELEMENT_EVENTS:
        if (has(g, VMACCEL_CAP_REG_EVENTS))
            CHECK_OK(vmaccel_x86_set_events(g->vcpu, &state->events));
        break;
    case ELEMENT_DEBUG:
        if (has(g, VMACCEL_CAP_REG_DEBUG))
            CHECK_OK(vmaccel_x86_set_debug_regs(g->vcpu, &state->debug));
        break;
    case ELEMENT_LAPIC:
        if (has(g, VMACCEL_CAP_REG_LAPIC))
            CHECK_OK(vmaccel_x86_set_lapic(g->vcpu, &state->lapic));
        break;
    case ELEMENT_MP:
        if (has(g, VMACCEL_CAP_REG_MP_STATE))
            CHECK_OK(vmaccel_vcpu_set_mp_state(g->vcpu, state->mp));
        break;
    case ELEMENT_XCR0:
        if (has(g, VMACCEL_CAP_REG_XCR))
            CHECK_OK(vmaccel_x86_set_xcr0(g->vcpu, state->xcr0));
        break;
    case ELEMENT_MSRS:
        CHECK_OK(vmaccel_x86_set_msrs(g->vcpu, state->msrs, state->msr_count, NULL));
        break;
    case ELEMENT_XSAVE:
        if (state->xsave_size != 0)
            CHECK_OK(vmaccel_x86_set_xsave(g->vcpu, state->xsave, state->xsave_size));
        break;
    case ELEMENTS:
        break;
    }
}

void state_restore(struct guest *g, const struct state *state, const enum element *order)
{
    for (unsigned i = 0; i < ELEMENTS; i++)
        restore_one(g, state, order[i]);
}

void state_order(enum element order[ELEMENTS], unsigned n)
{
    uint32_t random = n * 2654435761u + 1;
    for (unsigned i = 0; i < ELEMENTS; i++)
        order[i] = (enum element)i;
    for (unsigned i = ELEMENTS - 1; n != 0 && i > 0; i--) {
        random = random * 1664525 + 1013904223;
        unsigned j = (random >> 16) % (i + 1);
        enum element kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

/* Counters that run while the vCPU exists. */
static bool goes_on(uint32_t id)
{
    return id == MSR_TSC || id == MSR_HV_TIME || id == MSR_HV_RUNTIME;
}

#define SAME(field)                                                                                \
    suite_check_bytes(site.file, site.line, #field, &got->field, &expected->field,                 \
                      sizeof(got->field))

void state_check_same(struct site site, const struct state *got, const struct state *expected)
{
    SAME(regs);
    SAME(sregs);
    SAME(events);
    SAME(debug);
    SAME(mp);
    SAME(xcr0);
    for (size_t i = 0; i < sizeof(got->lapic.regs); i += 4) {
        if (i != LAPIC_TIMER_COUNT && memcmp(got->lapic.regs + i, expected->lapic.regs + i, 4) != 0)
            suite_fail(site.file, site.line, "local APIC register 0x%zx differs", i);
    }
    CHECK_EQ(got->msr_count, expected->msr_count);
    for (size_t i = 0; i < got->msr_count; i++) {
        const vmaccel_x86_msr *left = &got->msrs[i], *right = &expected->msrs[i];
        CHECK_EQ(left->id, right->id);
        if (left->value != right->value && !(goes_on(left->id) && left->value > right->value))
            suite_fail(site.file, site.line,
                       "MSR 0x%" PRIx32 " is 0x%" PRIx64 ", expected 0x%" PRIx64, left->id,
                       left->value, right->value);
    }
    CHECK_EQ(got->xsave_size, expected->xsave_size);
    suite_check_bytes(site.file, site.line, "xsave", got->xsave, expected->xsave, got->xsave_size);
    CHECK_EQ(got->cpuid_count, expected->cpuid_count);
    suite_check_bytes(site.file, site.line, "cpuid", got->cpuid, expected->cpuid,
                      got->cpuid_count * sizeof(got->cpuid[0]));
}

void state_twin(struct guest *twin, const struct guest *of, vmaccel_irqchip irqchip,
                const struct state *state)
{
    vmaccel_vm *vm = suite_vm(irqchip, 1, 0, 0);
    if (state->cpuid_count != 0)
        CHECK_OK(vmaccel_x86_set_cpuid(vm, state->cpuid, state->cpuid_count));
    guest_map(twin, vm);
    memcpy(twin->ram, of->ram, GUEST_RAM_SIZE);
    twin->vcpu = suite_vcpu(vm, 0);
    twin->exit = vmaccel_vcpu_exit(twin->vcpu);
}
