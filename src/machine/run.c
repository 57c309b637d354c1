/* SPDX-License-Identifier: BSD-2-Clause */
/* vCPU threads and the run loop. */
#include "machine/machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The vCPU whose thread this is: devices end the machine without knowing who accessed them. */
static _Thread_local struct machine_cpu *current;

static void kick_all(vmaccel_machine *machine)
{
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        vmaccel_vcpu *vcpu = machine->cpus[i].vcpu;

        if (vcpu != NULL)
            vmaccel_vcpu_kick(vcpu);
    }
}

static void set_stop(vmaccel_machine *machine, vmaccel_machine_outcome outcome, uint32_t cpu,
                     uint32_t code)
{
    uint64_t none = 0, stop = (uint64_t)code << 32 | cpu << 8 | (uint32_t)outcome;

    if (atomic_compare_exchange_strong(&machine->stop, &none, stop))
        kick_all(machine);
}

void machine_end(vmaccel_machine *machine, vmaccel_machine_outcome outcome, uint32_t code,
                 const char *text)
{
    struct machine_cpu *cpu = current;

    if (cpu == NULL || cpu->machine != machine) {
        set_stop(machine, outcome, 0, code);
        return;
    }
    /* Only the CPU that is recorded may have a text, and it keeps its first. */
    if (machine->stop != 0)
        return;
    snprintf(cpu->text, sizeof(cpu->text), "%s", text);
    set_stop(machine, outcome, cpu->index, code);
}

void vmaccel_machine_stop(vmaccel_machine *machine)
{
    set_stop(machine, VMACCEL_MACHINE_STOPPED, 0, 0);
}

static void serve_io(struct machine_cpu *cpu, vmaccel_exit *exit)
{
    vmaccel_machine *machine = cpu->machine;
    uint8_t *data = exit->u.io.data, size = exit->u.io.size;

    for (uint32_t i = 0; i < exit->u.io.count; i++, data += size) {
        if (exit->u.io.is_write)
            bus_write(&machine->ports, &cpu->ports, exit->u.io.port, size,
                      vmaccel_data_get(data, size));
        else
            vmaccel_data_set(data, size,
                             bus_read(&machine->ports, &cpu->ports, exit->u.io.port, size));
    }
}

static void serve_mmio(struct machine_cpu *cpu, vmaccel_exit *exit)
{
    vmaccel_machine *machine = cpu->machine;
    uint8_t *data = exit->u.mmio.data, size = exit->u.mmio.size;

    if (exit->u.mmio.is_write)
        bus_write(&machine->mmio, &cpu->mmio, exit->u.mmio.gpa, size, vmaccel_data_get(data, size));
    else
        vmaccel_data_set(data, size, bus_read(&machine->mmio, &cpu->mmio, exit->u.mmio.gpa, size));
}

static void fail(struct machine_cpu *cpu, vmaccel_vcpu *vcpu, vmaccel_machine_outcome outcome)
{
    char text[sizeof(cpu->text)];

    machine_describe_exit(cpu->machine->arch, vcpu, text, sizeof(text));
    machine_end(cpu->machine, outcome, 0, text);
}

/* Serve one exit; false when this CPU has nothing more to run. */
static bool serve(struct machine_cpu *cpu, vmaccel_vcpu *vcpu)
{
    vmaccel_exit *exit = vmaccel_vcpu_exit(vcpu);
    vmaccel_machine *machine = cpu->machine;

    cpu->stats.exits++;
    switch (exit->reason) {
    case VMACCEL_EXIT_IO:
        cpu->stats.io++;
        serve_io(cpu, exit);
        return true;
    case VMACCEL_EXIT_MMIO:
        cpu->stats.mmio++;
        serve_mmio(cpu, exit);
        return true;
    case VMACCEL_EXIT_KICKED:
        cpu->stats.kicks++;
        return true;
    case VMACCEL_EXIT_HLT:
        /* An irqchip keeps halted CPUs to itself; a HLT that comes here is one nothing can wake. */
        cpu->stats.other++;
        if (atomic_fetch_add(&machine->halted, 1) + 1 == machine->cpu_count)
            machine_end(machine, VMACCEL_MACHINE_HALTED, 0, "every CPU has halted for good");
        return false;
    case VMACCEL_EXIT_SHUTDOWN:
        cpu->stats.other++;
        fail(cpu, vcpu, VMACCEL_MACHINE_SHUTDOWN);
        return false;
    case VMACCEL_EXIT_RESET:
        cpu->stats.other++;
        machine_end(machine, VMACCEL_MACHINE_RESET, 0, "the guest asked for a reset");
        return false;
    case VMACCEL_EXIT_POWEROFF:
        cpu->stats.other++;
        machine_end(machine, VMACCEL_MACHINE_POWEROFF, 0, "the guest powered off");
        return false;
    default:
        cpu->stats.other++;
        fail(cpu, vcpu, VMACCEL_MACHINE_FAILED);
        return false;
    }
}

static void run_loop(struct machine_cpu *cpu, vmaccel_vcpu *vcpu)
{
    vmaccel_machine *machine = cpu->machine;

    while (machine->stop == 0) {
        if (vmaccel_vcpu_run(vcpu) != VMACCEL_OK) {
            char text[sizeof(cpu->text)];

            snprintf(text, sizeof(text), "CPU %" PRIu32 ": %.220s", cpu->index,
                     vmaccel_last_error()->text);
            machine_end(machine, VMACCEL_MACHINE_FAILED, 0, text);
            return;
        }
        if (!serve(cpu, vcpu))
            return;
    }
}

static vmaccel_status create_vcpu(struct machine_cpu *cpu, vmaccel_vcpu **out)
{
    vmaccel_status status = vmaccel_vcpu_create(cpu->machine->vm, cpu->index, NULL, out);

    /* The others wait for the guest to start them. */
    if (status != VMACCEL_OK || cpu->index != 0)
        return status;
    return cpu->machine->arch->start(*out, &cpu->machine->boot);
}

/* Tell the starter how creation went and wait for its word. */
static bool await_start(struct machine_cpu *cpu, vmaccel_status status)
{
    vmaccel_machine *machine = cpu->machine;
    bool go;

    os_mutex_lock(&machine->start_lock);
    cpu->state = status == VMACCEL_OK ? MACHINE_CPU_CREATED : MACHINE_CPU_FAILED;
    if (status != VMACCEL_OK)
        cpu->error = *vmaccel_last_error();
    os_cond_broadcast(&machine->start_cond);
    while (machine->start == MACHINE_HOLD)
        (void)os_cond_wait(&machine->start_cond, &machine->start_lock, UINT64_MAX);
    go = machine->start == MACHINE_GO;
    os_mutex_unlock(&machine->start_lock);
    return go;
}

static void cpu_thread(void *context)
{
    struct machine_cpu *cpu = context;
    vmaccel_vcpu *vcpu = NULL;
    vmaccel_status status;

    current = cpu;
    status = create_vcpu(cpu, &vcpu);
    /* Ahead of the loop's first look at `stop`, so that a stop is seen or kicks. */
    if (status == VMACCEL_OK)
        cpu->vcpu = vcpu;
    if (await_start(cpu, status) && status == VMACCEL_OK)
        run_loop(cpu, vcpu);
    cpu->vcpu = NULL;
    (void)vmaccel_vcpu_destroy(vcpu);
    current = NULL;
}

static vmaccel_status no_thread(const char *name, int32_t error)
{
    char why[128];

    os_error_text(error, why, sizeof(why));
    return machine_fail(VMACCEL_E_NO_MEMORY, "no thread for %s: %s", name, why);
}

/* Start one thread and wait until its vCPU exists: they are created in the order of their indexes,
 * which some interrupt controllers ask for. */
static vmaccel_status start_cpu(vmaccel_machine *machine, struct machine_cpu *cpu)
{
    char name[16];
    int32_t error;

    snprintf(name, sizeof(name), "vcpu %" PRIu32, cpu->index);
    error = os_thread_create(&cpu->thread, cpu_thread, cpu, name);
    if (error != 0)
        return no_thread(name, error);
    os_mutex_lock(&machine->start_lock);
    while (cpu->state == MACHINE_CPU_NONE)
        (void)os_cond_wait(&machine->start_cond, &machine->start_lock, UINT64_MAX);
    os_mutex_unlock(&machine->start_lock);
    return VMACCEL_OK;
}

static vmaccel_status start_all(vmaccel_machine *machine, uint32_t *started)
{
    vmaccel_status status = VMACCEL_OK;

    *started = 0;
    while (status == VMACCEL_OK && *started < machine->cpu_count) {
        struct machine_cpu *cpu = &machine->cpus[*started];

        status = start_cpu(machine, cpu);
        if (status != VMACCEL_OK)
            return status;
        (*started)++;
        if (cpu->state == MACHINE_CPU_FAILED) {
            status = machine_fail(cpu->error.status, "CPU %" PRIu32 ": %.200s", cpu->index,
                                  cpu->error.text);
        }
    }
    return status;
}

static void fill_result(vmaccel_machine *machine, vmaccel_machine_result *result)
{
    uint64_t stop = machine->stop;
    const char *text;

    result->outcome = stop & 0xff;
    result->cpu = stop >> 8 & 0xffffff;
    result->code = (uint32_t)(stop >> 32);
    text = machine->cpus[result->cpu].text;
    if (result->outcome == VMACCEL_MACHINE_STOPPED)
        text = "stopped by the host";
    else if (text[0] == '\0')
        text = "the host can't drive an interrupt line";
    snprintf(result->text, sizeof(result->text), "%s", text);
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        const vmaccel_machine_stats *stats = &machine->cpus[i].stats;

        result->stats.exits += stats->exits;
        result->stats.io += stats->io;
        result->stats.mmio += stats->mmio;
        result->stats.kicks += stats->kicks;
        result->stats.other += stats->other;
    }
}

vmaccel_status vmaccel_machine_run(vmaccel_machine *machine, vmaccel_machine_result *result)
{
    uint32_t started = 0;
    uint64_t start_ns;
    vmaccel_status status = VMACCEL_OK;

    if (machine == NULL || result == NULL)
        return vmaccel_error_report(VMACCEL_E_INVALID_ARGUMENT, "machine",
                                    "machine or result is NULL");
    if (atomic_exchange(&machine->used, true))
        return vmaccel_error_report(VMACCEL_E_STATE, "machine", "a machine runs once in its life");
    memset(result, 0, sizeof(*result));
    if (machine->stop == 0)
        status = start_all(machine, &started);
    if (status == VMACCEL_OK) {
        int32_t error = timers_start(&machine->timers);

        if (error != 0)
            status = no_thread("timers", error);
    }

    start_ns = os_clock_ns();
    os_mutex_lock(&machine->start_lock);
    machine->start = status == VMACCEL_OK ? MACHINE_GO : MACHINE_ABANDON;
    os_cond_broadcast(&machine->start_cond);
    os_mutex_unlock(&machine->start_lock);
    for (uint32_t i = 0; i < started; i++)
        os_thread_join(&machine->cpus[i].thread);
    timers_stop(&machine->timers);
    if (status != VMACCEL_OK)
        return status;
    fill_result(machine, result);
    result->stats.run_ns = os_clock_ns() - start_ns;
    return VMACCEL_OK;
}
