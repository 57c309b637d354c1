/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine behind vmaccel/machine.h. */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include <stdatomic.h>

#include <vmaccel/machine.h>
#include <vmaccel/vmaccel.h>

#include "machine/boot/boot.h"
#include "machine/bus.h"
#include "machine/device.h"
#include "machine/memmap.h"
#include "os/os.h"

#define MACHINE_MAX_CPUS  255 /* xAPIC IDs, without the broadcast one */
#define MACHINE_IRQ_LINES 24

enum machine_cpu_state {
    MACHINE_CPU_NONE,
    MACHINE_CPU_CREATED, /* waits for the start */
    MACHINE_CPU_FAILED   /* error says why */
};

/* One vCPU and its thread. Written by that thread only, but for what is marked. */
struct machine_cpu {
    _Alignas(OS_CACHE_LINE) vmaccel_machine *machine;
    uint32_t index;
    enum machine_cpu_state state; /* under start_lock */
    _Atomic(vmaccel_vcpu *) vcpu; /* for kicks from any thread; NULL before and after its life */
    struct bus_cursor ports, mmio;
    vmaccel_machine_stats stats;
    os_thread thread; /* the machine's */
    vmaccel_error error;
    char text[256]; /* why it ended the machine */
};

struct vmaccel_machine {
    const vmaccel_platform *platform;
    char why[256];
    uint32_t cpu_count;
    struct machine_cpu *cpus;
    uint64_t ram_size;
    uint8_t *ram;
    vmaccel_vm *vm;
    struct boot_state boot;

    struct bus ports, mmio;
    struct device_host host;
    struct device_set devices;

    os_mutex irq_lock;
    uint8_t irq_raised[MACHINE_IRQ_LINES]; /* devices that hold the line up */

    os_mutex console_lock;
    void (*console_write)(void *context, const uint8_t *data, size_t size);
    void *console_context;

    /* The first reason to stop: outcome in bits 0 to 7, CPU in 8 to 31, code in 32 to 63; 0 while
     * there is none. */
    _Atomic uint64_t stop;
    _Atomic uint32_t halted; /* CPUs that nothing can wake */
    _Atomic bool used;

    os_mutex start_lock;
    os_cond start_cond;
    enum { MACHINE_HOLD, MACHINE_GO, MACHINE_ABANDON } start; /* under start_lock */
};

/* End the machine unless something has already. `text` is one sentence; copied to the calling
 * vCPU's slot, ignored on other threads. Thread: any. */
void machine_end(vmaccel_machine *machine, vmaccel_machine_outcome outcome, uint32_t code,
                 const char *text);

/* Give the VM, before commit, the CPUID table of its vCPUs. */
vmaccel_status machine_set_cpuid(vmaccel_machine *machine);

/* Sentence for an exit that the machine can't serve. Cold. */
void machine_describe_exit(vmaccel_vcpu *vcpu, char *text, size_t size);

#endif
