/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM of one vCPU on a platform, given a case's state and run until it halts. */
#include "system.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>

#define TICK_US   100000
#define TICKS_MAX 4 /* what a case may take */

struct machine {
    vmaccel_vm *vm;
    vmaccel_vcpu *vcpu;
    uint8_t *ram;
    bool remap; /* shadow page tables must be told of what the host writes */
};

static vmaccel_vcpu *volatile running;
static volatile sig_atomic_t ticks;

static void on_tick(int sig)
{
    (void)sig;
    if (running && ++ticks > TICKS_MAX)
        vmaccel_vcpu_kick(running);
}

static void start_ticks(void)
{
    struct sigaction action = {.sa_handler = on_tick};
    struct itimerval every = {{0, TICK_US}, {0, TICK_US}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
}

static void complain(const char *what)
{
    fprintf(stderr, "diff-system: %s: %s\n", what, vmaccel_last_error()->text);
}

struct machine *machine_create(const vmaccel_platform *platform, const vmaccel_x86_cpuid *cpuid,
                               size_t count)
{
    struct machine *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    m->remap = !vmaccel_platform_cap(platform, VMACCEL_ARCH_X86_64, VMACCEL_CAP_NATIVE_KERNEL);
    vmaccel_vm_config config = {.size = sizeof config, .arch = VMACCEL_ARCH_X86_64};
    if (m->ram == MAP_FAILED || vmaccel_vm_create(platform, &config, &m->vm) != VMACCEL_OK ||
        vmaccel_x86_set_cpuid(m->vm, cpuid, count) != VMACCEL_OK ||
        vmaccel_memory_map(m->vm, 0, RAM_SIZE, m->ram, VMACCEL_MEM_RWX) != VMACCEL_OK ||
        vmaccel_vcpu_create(m->vm, 0, NULL, &m->vcpu) != VMACCEL_OK) {
        complain(vmaccel_platform_name(platform));
        return NULL;
    }
    start_ticks();
    return m;
}

void machine_destroy(struct machine *m)
{
    vmaccel_vcpu_destroy(m->vcpu);
    vmaccel_vm_destroy(m->vm);
    munmap(m->ram, RAM_SIZE);
    free(m);
}

#define TRY(call)                                                                                  \
    do {                                                                                           \
        if ((call) != VMACCEL_OK)                                                                  \
            return false;                                                                          \
    } while (0)

static bool apply(struct machine *m, const struct system_case *c)
{
    vmaccel_x86_msr msrs[MSR_COUNT];
    vmaccel_x86_events none = {0};
    vmaccel_x86_debug_regs debug = {.dr6 = 0xffff0ff0, .dr7 = 0x400};
    vmaccel_x86_sregs now, s = c->sregs;

    memcpy(m->ram, c->ram, RAM_SIZE);
    if (m->remap) {
        TRY(vmaccel_memory_unmap(m->vm, 0, RAM_SIZE));
        TRY(vmaccel_memory_map(m->vm, 0, RAM_SIZE, m->ram, VMACCEL_MEM_RWX));
    }
    TRY(vmaccel_x86_get_sregs(m->vcpu, &now));
    s.apic_base = now.apic_base;
    TRY(vmaccel_x86_set_sregs(m->vcpu, &s));
    TRY(vmaccel_x86_set_regs(m->vcpu, &c->start));
    for (unsigned i = 0; i < MSR_COUNT; i++)
        msrs[i] = (vmaccel_x86_msr){.id = msr_ids[i], .value = c->msrs[i]};
    TRY(vmaccel_x86_set_msrs(m->vcpu, msrs, MSR_COUNT, NULL));
    TRY(vmaccel_x86_set_debug_regs(m->vcpu, &debug));
    TRY(vmaccel_x86_set_xcr0(m->vcpu, 1));
    TRY(vmaccel_x86_set_events(m->vcpu, &none));
    TRY(vmaccel_vcpu_set_mp_state(m->vcpu, VMACCEL_MP_RUNNABLE));
    return true;
}

static void record(struct outcome *out, vmaccel_exit *exit)
{
    bool io = exit->reason == VMACCEL_EXIT_IO;
    uint8_t *data = io ? exit->u.io.data : exit->u.mmio.data;
    uint32_t size = io ? exit->u.io.size : exit->u.mmio.size, count = io ? exit->u.io.count : 1;
    bool is_write = io ? exit->u.io.is_write : exit->u.mmio.is_write;

    /* One by one: how many elements make an exit is the platform's own. */
    for (uint32_t i = 0; i < count; i++, data += size) {
        struct access none, *a = out->count < ACCESS_COUNT ? &out->log[out->count++] : &none;
        *a = (struct access){.reason = exit->reason,
                             .size = size,
                             .is_write = is_write,
                             .address = io ? exit->u.io.port : exit->u.mmio.gpa};
        if (is_write)
            memcpy(&a->data, data, size);
        else
            memset(data, 0xf4, size);
    }
}

static bool run(struct machine *m, struct outcome *out)
{
    vmaccel_exit *exit = vmaccel_vcpu_exit(m->vcpu);
    bool more;
    do {
        TRY(vmaccel_vcpu_run(m->vcpu));
        out->reason = exit->reason;
        if (exit->reason != VMACCEL_EXIT_IO && exit->reason != VMACCEL_EXIT_MMIO)
            return true;
        record(out, exit);
    } while (out->count < ACCESS_COUNT);
    for (;;) {
        TRY(vmaccel_vcpu_complete(m->vcpu, &more));
        if (!more)
            return true;
        record(out, exit);
    }
}

static bool fetch(struct machine *m, struct outcome *out)
{
    vmaccel_x86_msr msrs[MSR_COUNT];

    TRY(vmaccel_x86_get_regs(m->vcpu, &out->regs));
    TRY(vmaccel_x86_get_sregs(m->vcpu, &out->sregs));
    TRY(vmaccel_x86_get_debug_regs(m->vcpu, &out->debug));
    TRY(vmaccel_x86_get_events(m->vcpu, &out->events));
    TRY(vmaccel_x86_get_xcr0(m->vcpu, &out->xcr0));
    for (unsigned i = 0; i < MSR_COUNT; i++)
        msrs[i] = (vmaccel_x86_msr){.id = msr_ids[i]};
    TRY(vmaccel_x86_get_msrs(m->vcpu, msrs, MSR_COUNT, NULL));
    for (unsigned i = 0; i < MSR_COUNT; i++)
        out->msrs[i] = msrs[i].value;
    return true;
}

void machine_run(struct machine *m, const struct system_case *c, struct outcome *out)
{
    memset(out, 0, sizeof *out);
    out->ram = m->ram;
    ticks = 0;
    running = m->vcpu;
    bool ok = apply(m, c) && run(m, out);
    running = NULL;
    if (!ok || !fetch(m, out))
        snprintf(out->refused, sizeof out->refused, "%s", vmaccel_last_error()->text);
    /* A kick that came too late for this case is not the next one's. */
    if (ticks > TICKS_MAX && out->reason != VMACCEL_EXIT_KICKED)
        (void)!vmaccel_vcpu_run(m->vcpu);
}

/* ---- CPUID ---- */

static size_t supported(const vmaccel_platform *platform, vmaccel_x86_cpuid *table, size_t capacity)
{
    vmaccel_vm_config config = {.size = sizeof config, .arch = VMACCEL_ARCH_X86_64};
    vmaccel_vm *vm;
    if (vmaccel_vm_create(platform, &config, &vm) != VMACCEL_OK ||
        vmaccel_x86_cpuid_supported(vm, table, &capacity) != VMACCEL_OK) {
        complain(vmaccel_platform_name(platform));
        return 0;
    }
    vmaccel_vm_destroy(vm);
    return capacity;
}

static const vmaccel_x86_cpuid *find(const vmaccel_x86_cpuid *table, size_t count, uint32_t leaf,
                                     uint32_t subleaf)
{
    for (size_t i = 0; i < count; i++)
        if (table[i].leaf == leaf &&
            (!(table[i].flags & VMACCEL_X86_CPUID_SUBLEAF) || table[i].subleaf == subleaf))
            return &table[i];
    return NULL;
}

static uint64_t when(uint32_t word, unsigned bit, uint64_t value)
{
    return word >> bit & 1 ? value : 0;
}

/* CR4's bits by the features they need (Intel SDM vol. 3, "Control Registers"). */
static void learn(struct offer *o, const vmaccel_x86_cpuid *table, size_t count)
{
    static const vmaccel_x86_cpuid none;
    const vmaccel_x86_cpuid *l1 = find(table, count, 1, 0), *l7 = find(table, count, 7, 0);
    const vmaccel_x86_cpuid *x1 = find(table, count, 0x80000001, 0);
    l1 = l1 ? l1 : &none;
    l7 = l7 ? l7 : &none;
    x1 = x1 ? x1 : &none;
    o->cr4 = when(l1->edx, 1, 3) | when(l1->edx, 4, 1 << 2) | when(l1->edx, 2, 1 << 3) |
             when(l1->edx, 3, 1 << 4) | when(l1->edx, 6, 1 << 5) | when(l1->edx, 7, 1 << 6) |
             when(l1->edx, 13, 1 << 7) | when(l1->edx, 24, 1 << 9) | when(l1->edx, 25, 1 << 10) |
             when(l7->ecx, 2, 1 << 11) | when(l7->ebx, 0, 1 << 16) | when(l1->ecx, 17, 1 << 17) |
             when(l1->ecx, 26, 1 << 18) | when(l7->ebx, 7, 1 << 20) | when(l7->ebx, 20, 1 << 21) |
             when(l7->ecx, 3, 1 << 22) | 1 << 8;
    o->efer = when(x1->edx, 11, 1) | when(x1->edx, 29, 0x500) | when(x1->edx, 20, 0x800);
    o->pge1g = x1->edx >> 26 & 1;
    o->nx = x1->edx >> 20 & 1;
    o->sep = l1->edx >> 11 & 1;
    o->xsave = l1->ecx >> 26 & 1;
    o->pku = l7->ecx >> 3 & 1;
    o->fsgsbase = l7->ebx & 1;
    o->smap = l7->ebx >> 20 & 1;
    o->invpcid = l7->ebx >> 10 & 1;
}

size_t common_cpuid(const vmaccel_platform *a, const vmaccel_platform *b, vmaccel_x86_cpuid *out,
                    size_t capacity, struct offer *offer)
{
    static vmaccel_x86_cpuid ta[256], tb[256];
    size_t na = supported(a, ta, 256), nb = supported(b, tb, 256), n = 0;

    for (size_t i = 0; i < nb && n < capacity; i++) {
        const vmaccel_x86_cpuid *other = find(ta, na, tb[i].leaf, tb[i].subleaf);
        if (!other || tb[i].leaf >> 28 == 4)
            continue;
        vmaccel_x86_cpuid *e = &out[n++];
        *e = tb[i];
        switch (e->leaf) {
        case 1:
        case 0x80000001:
            e->ecx &= other->ecx;
            e->edx &= other->edx;
            break;
        case 7:
            e->eax = 0;
            e->ebx &= other->ebx;
            e->ecx &= other->ecx;
            e->edx &= other->edx;
            break;
        case 0xd:
            if (e->subleaf < 2)
                e->eax &= other->eax;
            break;
        case 0x80000008:
            offer->phys_bits =
                (e->eax & 0xff) > (other->eax & 0xff) ? e->eax & 0xff : other->eax & 0xff;
            e->ebx &= other->ebx;
            break;
        case 0x80000021:
            e->eax &= other->eax;
            break;
        default:
            break;
        }
    }
    learn(offer, out, n);
    return n;
}
