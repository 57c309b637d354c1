/* SPDX-License-Identifier: BSD-2-Clause */
/* The software CPU on random state, tables and code in every mode: see cpu_input.h. It is run a few
 * milliseconds, or step by step. */
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#include "cpu_input.h"

#define EXITS 100
#define STEPS 120

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cpu *volatile running;
static volatile unsigned ticks;

static void on_tick(int number)
{
    (void)number;
    /* A run has one full period. */
    if (running && ++ticks >= 2)
        cpu_post(running, CPU_POST_STOP);
}

static bool fuzz_mmio(void *context, uint64_t gpa, unsigned size, bool write, uint64_t *value)
{
    (void)context;
    if (size == 0 || size > 8 || (gpa & 0xfff) + size > 0x1000)
        abort();
    if (gpa & 0x1000)
        return false;
    if (!write)
        *value = gpa * 5;
    return true;
}

static bool fuzz_pio(void *context, uint16_t port, unsigned size, bool write, uint32_t *value)
{
    (void)context;
    if (size != 1 && size != 2 && size != 4)
        abort();
    if (port & 1)
        return false;
    if (!write)
        *value = port;
    return true;
}

static enum cpu_msr_result fuzz_msr(void *context, uint32_t id, bool write, uint64_t *value)
{
    (void)context;
    if (!write)
        *value = id;
    return (enum cpu_msr_result)(id % 3);
}

static bool fuzz_pending(void *context)
{
    return *(uint8_t *)context & 1;
}

static int fuzz_take(void *context)
{
    *(uint8_t *)context &= 0xfe;
    return 0x21;
}

static uint64_t fuzz_tsc(void *context)
{
    (void)context;
    return 1;
}

static const struct cpu_ops ops = {.page = input_page,
                                   .mmio = fuzz_mmio,
                                   .pio = fuzz_pio,
                                   .msr = fuzz_msr,
                                   .interrupt_pending = fuzz_pending,
                                   .interrupt_take = fuzz_take,
                                   .tsc = fuzz_tsc};

/* What comes out goes in again, and is what a CPU can have. */
static void check_state(struct cpu *cpu)
{
    struct machine m;
    cpu_get_regs(cpu, &m.regs);
    cpu_get_sregs(cpu, &m.sregs);
    cpu_get_events(cpu, &m.events);
    cpu_get_debug_regs(cpu, &m.debug);
    cpu_get_xsave(cpu, m.xsave);
    check_registers(&m.regs, &m.sregs);
    cpu_set_regs(cpu, &m.regs);
    cpu_set_xsave(cpu, m.xsave);
}

static void answer(struct cpu_exit *exit, unsigned n)
{
    if (exit->reason == CPU_EXIT_IO || exit->reason == CPU_EXIT_MMIO)
        exit->u.access.value = n * UINT64_C(0x0101010101010101);
    else if (exit->reason == CPU_EXIT_MSR)
        exit->u.msr.refuse = n & 1;
}

static void run(struct cpu *cpu, uint8_t kind)
{
    struct cpu_exit exit = {0};
    bool step = (kind & 3) != 3; /* a run without end takes a timer's tick */
    for (unsigned n = 0; n < (step ? STEPS : EXITS); n++) {
        ticks = 0;
        running = cpu;
        if (step)
            cpu_step(cpu, &exit);
        else
            cpu_run(cpu, &exit);
        running = NULL;
        if (exit.reason == CPU_EXIT_SHUTDOWN)
            return; /* perhaps with segments that a task switch could not load */
        if (exit.reason == CPU_EXIT_STOPPED)
            break;
        if (exit.reason == CPU_EXIT_UNSUPPORTED && !(kind & 4))
            break;
        if (exit.awaits_answer && (kind & 8) && n % 7 == 6)
            cpu_abandon(cpu);
        else if (exit.awaits_answer)
            answer(&exit, n);
        else if (n % 16 == 15)
            check_state(cpu);
    }
    check_state(cpu);
}

/* A CPU as new, of one of four VMs. */
static struct cpu *fresh_cpu(uint8_t kind, uint8_t *context)
{
    static struct maker {
        struct cpu_vm *vm;
        struct cpu *cpu;
        uint64_t msrs[256];
    } makers[4];
    static uint32_t ids[256];
    const vmaccel_x86_events none = {0};
    struct maker *m = &makers[kind >> 4 & 3];
    size_t count;
    if (!m->cpu) {
        const struct cpu_vm_config config = {
            .ops = &ops,
            .max_cpus = 1,
            .exits = kind & 16 ? CPU_EXITS_CPUID | CPU_EXITS_HYPERCALL : 0,
            .exceptions = kind & 32 ? 0x42 : 0,
            .code_cache = 1u << 18,
            .tsc_khz = 1000000};
        m->vm = cpu_vm_create(&config);
        m->cpu = m->vm ? cpu_create(m->vm, 0, context) : NULL;
        if (!m->cpu)
            abort();
        count = cpu_msr_list(ids, sizeof ids / sizeof ids[0]);
        for (size_t i = 0; i < count; i++)
            (void)cpu_get_msr(m->cpu, ids[i], &m->msrs[i]);
    }
    cpu_abandon(m->cpu);
    cpu_init(m->cpu);
    cpu_set_events(m->cpu, &none);
    cpu_vm_flush(m->vm);
    count = cpu_msr_list(ids, sizeof ids / sizeof ids[0]);
    for (size_t i = 0; i < count; i++) {
        uint64_t now;
        if (cpu_get_msr(m->cpu, ids[i], &now) && now != m->msrs[i])
            (void)cpu_set_msr(m->cpu, ids[i], m->msrs[i]);
    }
    return m->cpu;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    static struct machine m;
    struct input in = {data, size, 0};
    uint8_t kind = (uint8_t)take(&in, 1);
    uint8_t msrs = (uint8_t)take(&in, 1) & 7;
    struct input msr_values = {data, in.at + msrs * 12u < size ? in.at + msrs * 12u : size, in.at};
    if (!ready) {
        const struct itimerval period = {{0, 3000}, {0, 3000}};
        struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
        sigaction(SIGVTALRM, &action, NULL);
        setitimer(ITIMER_VIRTUAL, &period, NULL);
        ready = true;
    }
    in.at = msr_values.size;
    if (!machine_read(&m, &in))
        return 0;
    static uint8_t context;
    context = kind;
    struct cpu *cpu = fresh_cpu(kind, &context);
    (void)cpu_set_xcr0(cpu, kind & 64 ? 0x207 : 7);
    cpu_set_sregs(cpu, &m.sregs);
    cpu_set_regs(cpu, &m.regs);
    cpu_set_debug_regs(cpu, &m.debug);
    cpu_set_events(cpu, &m.events);
    cpu_set_xsave(cpu, m.xsave);
    for (unsigned i = 0; i < msrs; i++) {
        uint32_t id = (uint32_t)take(&msr_values, 4);
        (void)cpu_set_msr(cpu, id, take(&msr_values, 8));
    }
    if (kind & 128)
        cpu_post(cpu, CPU_POST_NMI | CPU_POST_INTERRUPT);
    run(cpu, kind);
    return 0;
}
