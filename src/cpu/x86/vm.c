/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtual CPUs and what those of one VM share; requests from other threads. */
#include "cpu/x86/engine.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_CODE_CACHE (48u << 20)
#define MINIMUM_CODE_CACHE (256u << 10)

struct cpu_vm *cpu_vm_create(const struct cpu_vm_config *config)
{
    struct cpu_vm *vm = os_alloc(sizeof *vm);
    if (!vm)
        return NULL;
    vm->config = *config;
    vm->config.cpuid = NULL;
    vm->ops = config->ops;
    os_mutex_init(&vm->split_lock);
    vm->cpus = os_alloc(sizeof *vm->cpus * (config->max_cpus ? config->max_cpus : 1));
    vm->code_lines = os_pages_alloc(sizeof *vm->code_lines * CODE_PAGES, 0);
    vm->code_hits = os_pages_alloc(sizeof *vm->code_hits * CODE_PAGES, 0);
    size_t count = config->cpuid ? config->cpuid_count : cpu_cpuid_supported(NULL, 0);
    vmaccel_x86_cpuid *table = os_alloc(sizeof *table * (count ? count : 1));
    if (!vm->cpus || !vm->code_lines || !vm->code_hits || !table) {
        os_free(table);
        cpu_vm_destroy(vm);
        return NULL;
    }
    if (config->cpuid)
        memcpy(table, config->cpuid, sizeof *table * count);
    else
        count = cpu_cpuid_supported(table, count);
    vm->config.cpuid = table;
    vm->config.cpuid_count = count;
    if (vm->config.code_cache == 0)
        vm->config.code_cache = DEFAULT_CODE_CACHE;
    if (vm->config.code_cache < MINIMUM_CODE_CACHE)
        vm->config.code_cache = MINIMUM_CODE_CACHE;
    ZydisDecoderInit(&vm->decoders[0], ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisDecoderInit(&vm->decoders[1], ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32);
    ZydisDecoderInit(&vm->decoders[2], ZYDIS_MACHINE_MODE_LONG_COMPAT_16, ZYDIS_STACK_WIDTH_16);
    ZydisDecoderInit(&vm->decoders[3], ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    ZydisDecoderInit(&vm->decoders[4], ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
    return vm;
}

void cpu_vm_destroy(struct cpu_vm *vm)
{
    if (!vm)
        return;
    for (uint32_t i = 0; vm->cpus && i < vm->config.max_cpus; i++)
        os_free(atomic_load(&vm->cpus[i]));
    os_free(vm->cpus);
    if (vm->code_lines)
        os_pages_free(vm->code_lines, sizeof *vm->code_lines * CODE_PAGES);
    if (vm->code_hits)
        os_pages_free(vm->code_hits, sizeof *vm->code_hits * CODE_PAGES);
    /* The table is the VM's own copy. */
    os_free((void *)(uintptr_t)vm->config.cpuid);
    os_mutex_destroy(&vm->split_lock);
    os_free(vm);
}

static bool code_init(struct cpu *c)
{
    c->code = os_pages_alloc(sizeof *c->code, 0);
    if (!c->code)
        return false;
    c->code->size = c->vm->config.code_cache;
    c->code->arena = os_pages_alloc(c->code->size, 0);
    return c->code->arena != NULL;
}

struct cpu *cpu_create(struct cpu_vm *vm, uint32_t index, void *cpu_context)
{
    struct cpu *c = os_alloc(sizeof *c);
    if (!c)
        return NULL;
    c->vm = vm;
    c->ops = vm->ops;
    c->context = cpu_context;
    c->index = index;
    c->cpuid_count = vm->config.cpuid_count;
    c->cpuid = os_alloc(sizeof *c->cpuid * (c->cpuid_count ? c->cpuid_count : 1));
    c->jumps = os_alloc(sizeof *c->jumps * JUMP_ENTRIES);
    if (!c->cpuid || !c->jumps || !mmu_init(c) || !code_init(c)) {
        cpu_destroy(c);
        return NULL;
    }
    memcpy(c->cpuid, vm->config.cpuid, sizeof *c->cpuid * c->cpuid_count);
    c->verified = 1;
    features_init(c);
    cpu_reset(c);
    atomic_store(&vm->cpus[index], c);
    return c;
}

/* The object itself stays until the VM goes: other threads may be posting to it. */
void cpu_destroy(struct cpu *c)
{
    if (!c)
        return;
    if (c->code && c->code->arena)
        os_pages_free(c->code->arena, c->code->size);
    if (c->code)
        os_pages_free(c->code, sizeof *c->code);
    os_free(c->mmu);
    os_free(c->jumps);
    os_free(c->cpuid);
    c->code = NULL;
    c->mmu = NULL;
    c->jumps = NULL;
    c->cpuid = NULL;
    if (atomic_load(&c->vm->cpus[c->index]) != c)
        os_free(c);
}

const vmaccel_x86_cpuid *cpu_cpuid(const struct cpu *c, size_t *count)
{
    *count = c->cpuid_count;
    return c->cpuid;
}

void cpu_post(struct cpu *c, uint32_t what)
{
    atomic_fetch_or(&c->posted, what);
    atomic_store(&c->epoch, 0);
}

/* On the CPU's thread, between instructions or in a callback. STOP, INTERRUPT and NMI are left to
 * the loop. */
void cpu_take_posts(struct cpu *c)
{
    uint32_t ticket = atomic_load(&c->requested);
    uint32_t posted = atomic_fetch_and(&c->posted, ~(POST_FLUSH | POST_WRITES | POST_CODE));
    if (posted & POST_FLUSH)
        mmu_flush_all(c);
    if (posted & POST_WRITES)
        mmu_drop_writes(c);
    if (posted & (POST_CODE | POST_FLUSH))
        c->verified++;
    if (c->verified == 0) /* wrapped: 0 means stop, and old blocks could look verified */
        block_drop_all(c);
    atomic_store(&c->served, ticket);
}

static void wait_for(struct cpu *other, uint32_t ticket)
{
    for (unsigned spins = 0;
         atomic_load(&other->in_guest) && (int32_t)(atomic_load(&other->served) - ticket) < 0;
         spins++)
        if (spins > 200)
            os_sleep_ns(20000);
}

/* Post to all other CPUs and wait until none of them uses what it had cached. */
static void post_and_wait(struct cpu_vm *vm, struct cpu *self, uint32_t what)
{
    for (uint32_t i = 0; i < vm->config.max_cpus; i++) {
        struct cpu *other = atomic_load(&vm->cpus[i]);
        if (!other || other == self)
            continue;
        atomic_fetch_or(&other->posted, what);
        uint32_t ticket = atomic_fetch_add(&other->requested, 1) + 1;
        atomic_store(&other->epoch, 0);
        wait_for(other, ticket);
    }
}

void cpu_vm_flush(struct cpu_vm *vm)
{
    post_and_wait(vm, NULL, POST_FLUSH);
}

/* Two CPUs may mark pages at once: neither is in the guest while it waits for the other. */
void vm_drop_writes(struct cpu_vm *vm, struct cpu *self)
{
    atomic_store(&self->in_guest, 0);
    post_and_wait(vm, self, POST_WRITES);
    atomic_store(&self->in_guest, 1);
    cpu_take_posts(self);
}
