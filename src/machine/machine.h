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
#include "machine/timers.h"
#include "os/os.h"

#define MACHINE_IRQ_LINES 224 /* the most that an architecture has */

/* What differs between the guest architectures. */
struct machine_arch {
    vmaccel_arch arch;
    uint32_t max_cpus;
    /* Set up the VM ahead of its commit, and what the RAM tells of the VM. */
    vmaccel_status (*prepare)(vmaccel_machine *machine, const vmaccel_machine_config *config);
    /* Give the first vCPU its start. */
    vmaccel_status (*start)(vmaccel_vcpu *vcpu, const struct boot_state *boot);
    /* Append where the vCPU is. Cold. */
    void (*add_position)(vmaccel_vcpu *vcpu, char *text, size_t size);
};

extern const struct machine_arch machine_x86, machine_arm64;

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
    const struct machine_arch *arch;
    const struct memmap *map;
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
    struct timers timers;

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

/* The files that a config names, read whole. */
#define MACHINE_MAX_MODULES 64

struct machine_files {
    uint8_t *kernel, *initrd, *modules[MACHINE_MAX_MODULES];
    size_t kernel_size, initrd_size, module_sizes[MACHINE_MAX_MODULES];
};
/* On failure too the caller frees what was read. */
vmaccel_status machine_read_files(const vmaccel_machine_config *config,
                                  struct machine_files *files);
void machine_free_files(struct machine_files *files);
/* Let the boot loader put them into RAM. */
vmaccel_status machine_load(vmaccel_machine *machine, const vmaccel_machine_config *config,
                            const struct machine_files *files);

/* Report "sentence" with `status`. */
vmaccel_status machine_fail(vmaccel_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3), cold));

/* Sentence for an exit that the machine can't serve. Cold. */
void machine_describe_exit(const struct machine_arch *arch, vmaccel_vcpu *vcpu, char *text,
                           size_t size);
/* For add_position(): append to the text, and append code bytes. */
void machine_add(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));
/* The bytes that an exit brought with an instruction, or up to `count` that lie at `gva`, within
 * its page; returns how many. */
size_t machine_code_bytes(vmaccel_vcpu *vcpu, uint64_t gva, uint8_t *bytes, size_t count);

#endif
