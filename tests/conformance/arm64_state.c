/* SPDX-License-Identifier: BSD-2-Clause */
#include "arm64_state.h"

#define CNTPCT_EL0   REG(3, 3, 14, 0, 1)
#define PMCCNTR_EL0  REG(3, 3, 9, 13, 0)
#define CTL_ISTATUS  UINT64_C(4)
#define CNTP_CTL_EL0 REG(3, 3, 14, 2, 1)

static bool has(struct guest *g, vmaccel_cap cap)
{
    return vmaccel_vm_cap(g->vm, cap) != 0;
}

void a64_state_save(struct guest *g, struct a64_state *state)
{
    memset(state, 0, sizeof(*state));
    state->regs = a64_regs(g);
    if (has(g, VMACCEL_CAP_REG_SVE)) {
        state->sve_size = VMACCEL_ARM64_SVE_SIZE(vmaccel_vm_cap(g->vm, VMACCEL_CAP_REG_SVE));
        CHECK(state->sve_size <= A64_SVE);
        CHECK_OK(vmaccel_arm64_get_sve(g->vcpu, state->sve, state->sve_size));
    }
    if (has(g, VMACCEL_CAP_REG_FPU))
        CHECK_OK(vmaccel_arm64_get_fpu(g->vcpu, &state->fpu));
    if (has(g, VMACCEL_CAP_REG_EVENTS))
        CHECK_OK(vmaccel_arm64_get_events(g->vcpu, &state->events));
    if (has(g, VMACCEL_CAP_REG_MP_STATE))
        CHECK_OK(vmaccel_vcpu_get_mp_state(g->vcpu, &state->mp));
    if (has(g, VMACCEL_CAP_REG_MSR)) {
        uint32_t ids[A64_SYSREGS];
        state->sysreg_count = A64_SYSREGS;
        CHECK_OK(vmaccel_arm64_sysreg_list(g->vcpu, ids, &state->sysreg_count));
        for (size_t i = 0; i < state->sysreg_count; i++)
            state->sysregs[i].id = ids[i];
        CHECK_OK(vmaccel_arm64_get_sysregs(g->vcpu, state->sysregs, state->sysreg_count, NULL));
    }
    if (has(g, VMACCEL_CAP_REG_IRQCHIP)) {
        state->gic_count = A64_GIC_REGS;
        CHECK_OK(vmaccel_arm64_gic_list(g->vm, state->gic, &state->gic_count));
        CHECK_OK(vmaccel_arm64_get_gic_regs(g->vm, state->gic, state->gic_count, NULL));
    }
}

static void restore_one(struct guest *g, const struct a64_state *state, enum a64_element element)
{
    switch (element) {
    case A64_ELEMENT_REGS:
        a64_set_regs(g, &state->regs);
        break;
    case A64_ELEMENT_FPU:
        /* V is in Z; FPCR and FPSR are not. */
        if (has(g, VMACCEL_CAP_REG_FPU))
            CHECK_OK(vmaccel_arm64_set_fpu(g->vcpu, &state->fpu));
        if (state->sve_size != 0)
            CHECK_OK(vmaccel_arm64_set_sve(g->vcpu, state->sve, state->sve_size));
        break;
    case A64_ELEMENT_SYSREGS:
        CHECK_OK(vmaccel_arm64_set_sysregs(g->vcpu, state->sysregs, state->sysreg_count, NULL));
        break;
    case A64_ELEMENT_EVENTS:
        if (has(g, VMACCEL_CAP_REG_EVENTS))
            CHECK_OK(vmaccel_arm64_set_events(g->vcpu, &state->events));
        break;
    case A64_ELEMENT_MP:
        if (has(g, VMACCEL_CAP_REG_MP_STATE))
            CHECK_OK(vmaccel_vcpu_set_mp_state(g->vcpu, state->mp));
        break;
    case A64_ELEMENT_GIC:
        if (state->gic_count != 0)
            CHECK_OK(vmaccel_arm64_set_gic_regs(g->vm, state->gic, state->gic_count, NULL));
        break;
    case A64_ELEMENTS:
        break;
    }
}

void a64_state_restore(struct guest *g, const struct a64_state *state, unsigned n)
{
    enum a64_element order[A64_ELEMENTS];
    uint32_t random = n * 2654435761u + 1;
    for (unsigned i = 0; i < A64_ELEMENTS; i++)
        order[i] = (enum a64_element)i;
    for (unsigned i = A64_ELEMENTS - 1; n != 0 && i > 0; i--) {
        random = random * 1664525 + 1013904223;
        unsigned j = (random >> 16) % (i + 1);
        enum a64_element kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    for (unsigned i = 0; i < A64_ELEMENTS; i++)
        restore_one(g, state, order[i]);
}

static bool same(uint32_t id, uint64_t got, uint64_t expected)
{
    if (id == CNTVCT_EL0 || id == CNTPCT_EL0 || id == PMCCNTR_EL0)
        return got >= expected;
    if (id == CNTV_CTL_EL0 || id == CNTP_CTL_EL0)
        return ((got ^ expected) & ~CTL_ISTATUS) == 0;
    return got == expected;
}

#define SAME(field)                                                                                \
    suite_check_bytes(site.file, site.line, #field, &got->field, &expected->field,                 \
                      sizeof(got->field))

void a64_state_check_same(struct site site, const struct a64_state *got,
                          const struct a64_state *expected)
{
    SAME(regs);
    SAME(fpu);
    SAME(events);
    SAME(mp);
    SAME(sve);
    CHECK_EQ(got->sysreg_count, expected->sysreg_count);
    for (size_t i = 0; i < got->sysreg_count; i++) {
        const vmaccel_arm64_sysreg *left = &got->sysregs[i], *right = &expected->sysregs[i];
        CHECK_EQ(left->id, right->id);
        if (!same(left->id, left->value, right->value))
            suite_fail(site.file, site.line,
                       "system register 0x%" PRIx32 " is 0x%" PRIx64 ", expected 0x%" PRIx64,
                       left->id, left->value, right->value);
    }
    CHECK_EQ(got->gic_count, expected->gic_count);
    for (size_t i = 0; i < got->gic_count; i++) {
        const vmaccel_arm64_gic_reg *left = &got->gic[i], *right = &expected->gic[i];
        if (left->value != right->value || left->offset != right->offset)
            suite_fail(site.file, site.line,
                       "GIC register %u/0x%" PRIx32 " is 0x%" PRIx64 ", expected 0x%" PRIx64,
                       left->space, left->offset, left->value, right->value);
    }
}
