/* SPDX-License-Identifier: BSD-2-Clause */
/* The software CPU's side: user code under page tables that map the same window. */
#include "templates.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "arch/x86/cpuid.h"
#include "cpu/cpu.h"

#define PML4       UINT64_C(0x1000) /* the tables follow each other */
#define WINDOW_GPA UINT64_C(0x10000)
#define STUB_GPA   UINT64_C(0x20000)
#define RAM_SIZE   0x21000u

static uint8_t *ram;
uint8_t *soft_memory;
static struct cpu_vm *vm;
static struct cpu *cpu;
static vmaccel_x86_sregs sregs[2];
static bool in_narrow, bases_stale;
static _Atomic bool running;

static bool page(void *context, uint64_t gpa, bool write, struct cpu_page *p)
{
    (void)context;
    (void)write;
    if (gpa >= RAM_SIZE)
        return false;
    *p = (struct cpu_page){ram + gpa, true, true};
    return true;
}

static bool mmio(void *context, uint64_t gpa, unsigned size, bool write, uint64_t *value)
{
    (void)context, (void)gpa, (void)size, (void)write, (void)value;
    return false;
}

static bool pio(void *context, uint16_t port, unsigned size, bool write, uint32_t *value)
{
    (void)context, (void)port, (void)size, (void)write, (void)value;
    return false;
}

static const struct cpu_ops ops = {.page = page, .mmio = mmio, .pio = pio};

static void map(uint64_t linear, uint64_t gpa, bool write, bool execute)
{
    uint64_t table = linear >= STUB ? PML4 + 0x4000 : PML4 + 0x3000;
    uint64_t entry = gpa | 5 | (write ? 2u : 0) | (execute ? 0 : UINT64_C(1) << 63) | 0x60;
    memcpy(ram + table + (linear >> 12 & 511) * 8, &entry, 8);
}

static void map_all(void)
{
    const uint64_t entries[4] = {PML4 + 0x1007, PML4 + 0x2007, PML4 + 0x3007, PML4 + 0x4007};
    memcpy(ram + PML4, &entries[0], 8);
    memcpy(ram + PML4 + 0x1000, &entries[1], 8);
    memcpy(ram + PML4 + 0x2000 + (WINDOW >> 21 & 511) * 8, &entries[2], 8);
    memcpy(ram + PML4 + 0x2000 + (STUB >> 21 & 511) * 8, &entries[3], 8);
    for (unsigned i = 1; i <= 2; i++)
        map(WINDOW + i * PAGE, WINDOW_GPA + i * PAGE, true, false);
    map(CONST_PAGE, WINDOW_GPA + 3 * PAGE, false, false);
    for (unsigned i = 6; i <= 7; i++)
        map(WINDOW + i * PAGE, WINDOW_GPA + i * PAGE, false, true);
    map(STUB, STUB_GPA, false, true);
    ram[STUB_GPA] = ram[STUB_GPA + 64] = 0xf4; /* HLT: #GP in user mode */
}

/* What the host lacks is #UD there, so it is taken from the software CPU too. */
static size_t common_cpuid(vmaccel_x86_cpuid *table, size_t capacity)
{
    size_t n = cpu_cpuid_supported(table, capacity);
    for (size_t i = 0; i < n && i < capacity; i++) {
        uint32_t a, b, c, d;
        vmaccel_x86_cpuid *e = &table[i];
        if (!__get_cpuid_count(e->leaf, e->subleaf, &a, &b, &c, &d))
            continue;
        if (e->leaf == 1 || e->leaf == 0x80000001) {
            e->ecx &= c;
            e->edx &= d;
        } else if (e->leaf == 7 && e->subleaf == 0) {
            e->ebx &= b;
            e->ecx &= c;
        } else if (e->leaf == 0xd && e->subleaf == 1) {
            e->eax &= a;
        }
    }
    return n;
}

void soft_init(void)
{
    static vmaccel_x86_cpuid table[128];
    ram = aligned_alloc(PAGE, RAM_SIZE);
    if (!ram)
        abort();
    memset(ram, 0, RAM_SIZE);
    soft_memory = ram + WINDOW_GPA + PAGE;
    map_all();
    struct cpu_vm_config config = {
        .ops = &ops, .max_cpus = 1, .exceptions = UINT32_MAX, .cpuid = table};
    config.cpuid_count = common_cpuid(table, sizeof table / sizeof table[0]);
    vm = cpu_vm_create(&config);
    cpu = vm ? cpu_create(vm, 0, NULL) : NULL;
    if (!cpu)
        abort();
    if (!cpu_set_xcr0(cpu, 7))
        abort();
    const struct cpu_debug debug = {.breakpoints = true};
    cpu_set_debug(cpu, &debug);

    cpu_get_sregs(cpu, &sregs[0]);
    vmaccel_x86_long_mode(&sregs[0], PML4);
    sregs[0].cr4 |= 1u << 16 | 1u << 18; /* FSGSBASE, OSXSAVE */
    sregs[0].idt.limit = 0;
    sregs[0].tr.limit = 0x60; /* no bitmap of ports */
    for (unsigned narrow = 0; narrow < 2; narrow++) {
        vmaccel_x86_sregs *s = &sregs[narrow];
        *s = sregs[0];
        s->cs.selector = narrow ? 0x23 : 0x33;
        s->cs.attributes = narrow ? 0xc0fb : 0xa0fb;
        s->ss.selector = 0x2b;
        s->ss.attributes = 0xc0f3;
        s->fs.selector = s->gs.selector = 0;
        s->fs.attributes = s->gs.attributes = 0;
        s->ds = s->es = s->fs;
        if (narrow)
            s->ds = s->es = s->ss;
    }
    cpu_set_sregs(cpu, &sregs[0]);
}

void soft_code(const struct program *p)
{
    code_replace(ram + WINDOW_GPA + (CODE - WINDOW), p);
}

void soft_interrupt(void)
{
    if (atomic_load(&running))
        cpu_post(cpu, CPU_POST_STOP);
}

static void set_state(const struct program *p, const struct state *s)
{
    vmaccel_x86_sregs *sr = &sregs[p->narrow];
    if (in_narrow != p->narrow || bases_stale || sr->fs.base != s->fs_base ||
        sr->gs.base != s->gs_base) {
        in_narrow = p->narrow;
        bases_stale = false;
        sr->fs.base = s->fs_base;
        sr->gs.base = s->gs_base;
        cpu_set_sregs(cpu, sr);
    }
    const uint64_t *r = s->r;
    const vmaccel_x86_regs regs = {.rax = r[0],
                                   .rcx = r[1],
                                   .rdx = r[2],
                                   .rbx = r[3],
                                   .rsp = r[4],
                                   .rbp = r[5],
                                   .rsi = r[6],
                                   .rdi = r[7],
                                   .r8 = r[8],
                                   .r9 = r[9],
                                   .r10 = r[10],
                                   .r11 = r[11],
                                   .r12 = r[12],
                                   .r13 = r[13],
                                   .r14 = r[14],
                                   .r15 = r[15],
                                   .rip = s->rip,
                                   .rflags = s->rflags};
    cpu_set_regs(cpu, &regs);
    cpu_set_xsave(cpu, s->xsave);
}

static void get_state(const struct program *p, struct state *s)
{
    vmaccel_x86_regs g;
    cpu_get_regs(cpu, &g);
    const uint64_t r[16] = {g.rax, g.rcx, g.rdx, g.rbx, g.rsp, g.rbp, g.rsi, g.rdi,
                            g.r8,  g.r9,  g.r10, g.r11, g.r12, g.r13, g.r14, g.r15};
    memcpy(s->r, r, sizeof r);
    s->rip = g.rip;
    s->rflags = g.rflags;
    cpu_get_xsave(cpu, s->xsave);
    if (p->bases_change) {
        bases_stale = true;
        vmaccel_x86_sregs sr;
        cpu_get_sregs(cpu, &sr);
        s->fs_base = sr.fs.base;
        s->gs_base = sr.gs.base;
    }
}

/* After an end that may leave something for the next run. */
static void forget(void)
{
    const vmaccel_x86_events none = {0};
    cpu_abandon(cpu);
    cpu_set_events(cpu, &none);
    cpu_set_sregs(cpu, &sregs[in_narrow]);
}

void soft_run(const struct program *p, struct outcome *o, bool step)
{
    struct cpu_exit exit = {0};
    set_state(p, &o->state);
    atomic_store(&running, true);
    if (step) {
        unsigned steps = 0;
        do
            cpu_step(cpu, &exit);
        while (exit.reason == CPU_EXIT_STEPPED && ++steps < 200000);
    } else {
        cpu_run(cpu, &exit);
    }
    atomic_store(&running, false);
    get_state(p, &o->state);
    o->error = 0;
    o->address = 0;
    o->vector = (uint8_t)(VECTOR_EXIT | exit.reason);
    if (exit.reason == CPU_EXIT_EXCEPTION) {
        o->vector = exit.u.exception.vector;
        if (exit.u.exception.has_error_code)
            o->error = exit.u.exception.error_code;
        if (o->vector == 14)
            o->address = exit.u.exception.address;
        if (o->vector == 13 && (o->state.rip & ~UINT64_C(0x40)) == STUB) {
            o->vector = VECTOR_NONE;
            o->state.rip = STUB;
            o->error = 0;
        }
        if (o->vector == 1)
            forget();
    } else if (exit.reason == CPU_EXIT_DEBUG && exit.u.debug.breakpoint) {
        o->vector = 3;
        /* It exits before INT3, which traps after it. */
        uint64_t off = o->state.rip - CODE;
        static struct insn insn;
        if (off < CODE_SIZE &&
            decode(p->narrow, ram + WINDOW_GPA + (CODE - WINDOW) + off, CODE_SIZE - off, &insn))
            o->state.rip += insn.i.length;
        forget();
    } else {
        if (exit.reason == CPU_EXIT_STOPPED || exit.reason == CPU_EXIT_STEPPED)
            o->vector = VECTOR_TIMEOUT;
        forget();
    }
}

static bool starts_instruction(const struct program *p, uint64_t rip)
{
    for (unsigned i = 0; i < p->count; i++)
        if (rip == p->address + p->at[i].off)
            return true;
    return rip - p->address == p->size - 5u; /* the jump to the end */
}

bool soft_strays(const struct program *p, const struct state *before)
{
    struct outcome o;
    struct cpu_exit exit = {.reason = CPU_EXIT_STEPPED};
    uint64_t last = p->address;
    bool strays = false;

    set_state(p, before);
    for (unsigned steps = 0; exit.reason == CPU_EXIT_STEPPED && steps < 200000 && !strays;
         steps++) {
        cpu_step(cpu, &exit);
        get_state(p, &o.state);
        if (o.state.rip - CODE >= CODE_SIZE)
            break;
        strays = o.state.rip < last || !starts_instruction(p, o.state.rip);
        last = o.state.rip;
    }
    if (exit.reason == CPU_EXIT_EXCEPTION && exit.u.exception.vector == 14 &&
        exit.u.exception.address - WINDOW >= WINDOW_PAGES * PAGE)
        strays |= host_has_page(exit.u.exception.address);
    forget();
    return strays;
}
