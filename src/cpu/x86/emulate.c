/* SPDX-License-Identifier: BSD-2-Clause */
#include "cpu/emulate.h"

#include <string.h>

#include "cpu/x86/sys.h"

#define CODE_CACHE (256u << 10) /* instructions that come by are few */

struct emulator {
    struct emulator_config config;
    struct cpu_ops ops;
    struct cpu_vm *vm;
    struct cpu *cpu;
    bool started;
    bool has_fp; /* the CPU has the guest's x87 and vector registers */
    uint8_t area[CPU_XSAVE_SIZE] __attribute__((aligned(64)));
};

static bool no_mmio(void *context, uint64_t gpa, unsigned size, bool write, uint64_t *value)
{
    (void)context, (void)gpa, (void)size, (void)write, (void)value;
    return false;
}

static bool no_pio(void *context, uint16_t port, unsigned size, bool write, uint32_t *value)
{
    (void)context, (void)port, (void)size, (void)write, (void)value;
    return false;
}

static enum cpu_msr_result no_msr(void *context, uint32_t id, bool write, uint64_t *value)
{
    (void)context, (void)id, (void)write, (void)value;
    return CPU_MSR_EXIT;
}

static uint64_t no_tsc(void *context)
{
    (void)context;
    return 0;
}

static bool get_page(void *context, uint64_t gpa, bool write, struct cpu_page *page)
{
    const struct emulator *e = context;
    return e->config.page(e->config.context, gpa, write, page);
}

struct emulator *emulator_create(const struct emulator_config *config)
{
    struct emulator *e = os_alloc(sizeof *e);
    if (!e)
        return NULL;
    e->config = *config;
    e->ops = (struct cpu_ops){
        .page = get_page, .mmio = no_mmio, .pio = no_pio, .msr = no_msr, .tsc = no_tsc};
    const struct cpu_vm_config vm = {.ops = &e->ops,
                                     .context = e,
                                     .max_cpus = 1,
                                     .exits = CPU_EXITS_HLT | CPU_EXITS_CPUID,
                                     .exceptions = UINT32_MAX,
                                     .code_cache = CODE_CACHE,
                                     .cpuid = config->cpuid,
                                     .cpuid_count = config->cpuid_count};
    e->vm = cpu_vm_create(&vm);
    e->cpu = e->vm ? cpu_create(e->vm, 0, e) : NULL;
    if (!e->cpu) {
        emulator_destroy(e);
        return NULL;
    }
    return e;
}

void emulator_destroy(struct emulator *e)
{
    if (!e)
        return;
    cpu_destroy(e->cpu);
    cpu_vm_destroy(e->vm);
    os_free(e);
}

static bool load_fp(struct emulator *e)
{
    if (!e->config.get_xsave || !e->config.get_xsave(e->config.context, e->area))
        return false;
    cpu_set_xsave(e->cpu, e->area);
    e->cpu->without_fp = false;
    cpu_update_mode(e->cpu);
    e->has_fp = true;
    return true;
}

void emulator_begin(struct emulator *e, const struct emulator_state *state, const void *bytes,
                    size_t count)
{
    const vmaccel_x86_events none = {0};
    struct cpu *c = e->cpu;
    cpu_abandon(c);
    cpu_vm_flush(e->vm);
    cpu_set_events(c, &none);
    e->started = e->has_fp = false;
    c->without_fp = true;
    c->mxcsr = 0x1f80;
    (void)cpu_set_xcr0(c, state->xcr0 & CPU_XCR0);
    cpu_set_sregs(c, &state->sregs);
    cpu_set_regs(c, &state->regs);
    c->given.count = (uint8_t)(count < sizeof c->given.bytes ? count : sizeof c->given.bytes);
    if (c->given.count)
        memcpy(c->given.bytes, bytes, c->given.count);
}

void emulator_run(struct emulator *e, struct cpu_exit *exit)
{
    struct cpu *c = e->cpu;
    if (e->started) {
        cpu_complete(c, exit);
        return;
    }
    e->started = true;
    c->wants_fp = false;
    if ((c->cr4 & X86_CR4_PKE) && !e->has_fp && !load_fp(e)) {
        *exit = (struct cpu_exit){.reason = CPU_EXIT_UNSUPPORTED};
        return;
    }
    cpu_step(c, exit);
    if (!c->wants_fp)
        return;
    cpu_abandon(c);
    if (load_fp(e))
        cpu_step(c, exit);
}

bool emulator_end(struct emulator *e, struct emulator_state *state)
{
    struct cpu *c = e->cpu;
    uint64_t apic_base = state->sregs.apic_base, cr8 = state->sregs.cr8;
    cpu_get_regs(c, &state->regs);
    cpu_get_sregs(c, &state->sregs);
    state->sregs.apic_base = apic_base;
    state->sregs.cr8 = cr8;
    state->xcr0 = c->xcr0;
    state->shadow = c->shadow;
    state->debug_trap = c->pending_db;
    c->given.count = 0;
    if (!e->has_fp)
        return true;
    cpu_get_xsave(c, e->area);
    return e->config.set_xsave && e->config.set_xsave(e->config.context, e->area);
}

void emulator_abandon(struct emulator *e)
{
    cpu_abandon(e->cpu);
    e->cpu->given.count = 0;
}
