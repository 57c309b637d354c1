/* SPDX-License-Identifier: BSD-2-Clause */
/* The software x86-64 CPU. It knows no handle of the library: memory, devices and interrupts are
 * callbacks given at creation. Register state has the canonical form of <vmaccel/x86.h>.
 *
 * Threads: a CPU belongs to the thread that runs it. cpu_post(), cpu_vm_flush() and the functions
 * marked "any thread" may be called from elsewhere; cpu_post() from signal handlers too. */
#ifndef VMACCEL_CPU_CPU_H
#define VMACCEL_CPU_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/x86/state.h"

struct cpu;
struct cpu_vm;

#define CPU_PAGE_SIZE 4096u

/* One page of guest-physical memory as the host sees it. */
struct cpu_page {
    uint8_t *host;
    bool writable; /* a write to a page that is not goes to the device callbacks */
    bool executable;
};

/* `context` is the config's; `cpu_context` the CPU's own. Called on the CPU's thread. */
struct cpu_ops {
    /* Memory at gpa (page-aligned); false: a device. With `write` the page is about to be written,
     * for as long as the translation is cached: mark it dirty. The answer is cached until
     * cpu_vm_flush(). */
    bool (*page)(void *context, uint64_t gpa, bool write, struct cpu_page *page);
    /* Device access of 1 to 8 bytes that stays in a page; false: it leaves as an exit. */
    bool (*mmio)(void *cpu_context, uint64_t gpa, unsigned size, bool write, uint64_t *value);
    bool (*pio)(void *cpu_context, uint16_t port, unsigned size, bool write, uint32_t *value);
    /* MSRs that the CPU has not itself: APIC_BASE, x2APIC, TSC_DEADLINE. */
    enum cpu_msr_result {
        CPU_MSR_OK,
        CPU_MSR_FAULT, /* #GP */
        CPU_MSR_EXIT   /* leaves as an exit */
    } (*msr)(void *cpu_context, uint32_t id, bool write, uint64_t *value);
    /* Whether an external interrupt waits, and take it: the vector. */
    bool (*interrupt_pending)(void *cpu_context);
    int (*interrupt_take)(void *cpu_context); /* -1: none after all */
    uint64_t (*get_tpr)(void *cpu_context);   /* CR8 */
    void (*set_tpr)(void *cpu_context, uint64_t cr8);
    uint64_t (*tsc)(void *cpu_context); /* without the guest's own offset */
};

#define CPU_EXITS_HLT       (1u << 0) /* HLT exits; always so in this CPU */
#define CPU_EXITS_CPUID     (1u << 1)
#define CPU_EXITS_HYPERCALL (1u << 2) /* VMCALL and VMMCALL exit; else #UD */

struct cpu_vm_config {
    const struct cpu_ops *ops;
    void *context;
    uint32_t max_cpus;
    uint32_t exits;      /* CPU_EXITS_* */
    uint32_t exceptions; /* bit n: exception n exits before delivery */
    size_t code_cache;   /* bytes of translated code per CPU; 0: default */
    uint32_t tsc_khz;
    /* The guest's CPUID table; copied. NULL: cpu_cpuid_supported(). Features that it lacks are #UD.
     */
    const vmaccel_x86_cpuid *cpuid;
    size_t cpuid_count;
};

/* NULL: no memory. */
struct cpu_vm *cpu_vm_create(const struct cpu_vm_config *config);
void cpu_vm_destroy(struct cpu_vm *vm);
/* After it returns no CPU uses a page callback's earlier answer. Not from a callback. Any thread.
 */
void cpu_vm_flush(struct cpu_vm *vm);

/* All that the CPU implements; returns the number of entries (at most `capacity` are written). */
size_t cpu_cpuid_supported(vmaccel_x86_cpuid *entries, size_t capacity);

struct cpu *cpu_create(struct cpu_vm *vm, uint32_t index, void *cpu_context);
void cpu_destroy(struct cpu *cpu);
/* INIT: keeps what the SDM says INIT keeps. Reset at creation. */
void cpu_init(struct cpu *cpu);
void cpu_sipi(struct cpu *cpu, uint8_t vector);

/* What cpu_post() asks for. */
#define CPU_POST_STOP      (1u << 0) /* return CPU_EXIT_STOPPED before another instruction */
#define CPU_POST_INTERRUPT (1u << 1) /* ask interrupt_pending() again */
#define CPU_POST_NMI       (1u << 2)
/* 1u << 8 and up are the engine's own. */
void cpu_post(struct cpu *cpu, uint32_t what);

enum cpu_exit_reason {
    CPU_EXIT_STOPPED,
    CPU_EXIT_IO,
    CPU_EXIT_MMIO,
    CPU_EXIT_HLT,
    CPU_EXIT_SHUTDOWN,
    CPU_EXIT_DEBUG,
    CPU_EXIT_HYPERCALL,
    CPU_EXIT_MSR,
    CPU_EXIT_CPUID,
    CPU_EXIT_IRQ_WINDOW,
    CPU_EXIT_EXCEPTION,
    CPU_EXIT_UNSUPPORTED, /* fetch from no memory, or an access pattern no device can have */
    CPU_EXIT_STEPPED      /* cpu_step() is done */
};

struct cpu_exit {
    uint32_t reason;
    /* A read, MSR, CPUID or HYPERCALL exit waits for its answer: write it below and run again. The
     * state is that before the instruction (string instructions: before the element). Writes are
     * delivered after their instruction is complete. */
    bool awaits_answer;
    union {
        struct {
            uint64_t address; /* port or gpa */
            uint64_t value;
            uint8_t size;
            bool is_write;
        } access; /* IO, MMIO */
        struct {
            uint32_t id;
            bool is_write;
            bool refuse; /* set to make it #GP */
            uint64_t value;
        } msr;
        struct {
            uint32_t leaf, subleaf, eax, ebx, ecx, edx;
        } cpuid;
        struct {
            uint64_t number, args[6], result;
        } hypercall;
        struct {
            uint8_t vector;
            bool has_error_code;
            uint32_t error_code;
            uint64_t address; /* #PF */
        } exception;
        struct {
            uint64_t dr6;    /* bits that hit, DR6 layout, BS for a step */
            bool breakpoint; /* INT3 */
        } debug;
        struct {
            uint8_t length;
            uint8_t bytes[15];
        } instruction;
    } u;
};

/* Run until an exit. */
void cpu_run(struct cpu *cpu, struct cpu_exit *exit);
/* Finish the instruction behind an exit that awaits its answer, without running another: another
 * exit of that instruction, or CPU_EXIT_STEPPED. */
void cpu_complete(struct cpu *cpu, struct cpu_exit *exit);
/* Run one instruction, without taking interrupts: CPU_EXIT_STEPPED when it is complete. */
void cpu_step(struct cpu *cpu, struct cpu_exit *exit);
/* Forget the answer an instruction waits for: state was replaced. */
void cpu_abandon(struct cpu *cpu);

/* Debugging by the host. */
struct cpu_debug {
    bool step;
    bool breakpoints; /* INT3 exits */
    bool points;      /* addr/dr7 below replace the guest's debug registers */
    uint64_t addr[4];
    uint64_t dr7;
};
void cpu_set_debug(struct cpu *cpu, const struct cpu_debug *debug);

/* State. Values are checked by the caller (arch/x86/state.h). */
void cpu_get_regs(struct cpu *cpu, vmaccel_x86_regs *regs);
void cpu_set_regs(struct cpu *cpu, const vmaccel_x86_regs *regs);
void cpu_get_sregs(struct cpu *cpu, vmaccel_x86_sregs *sregs); /* not apic_base */
void cpu_set_sregs(struct cpu *cpu, const vmaccel_x86_sregs *sregs);
void cpu_get_events(struct cpu *cpu, vmaccel_x86_events *events);
void cpu_set_events(struct cpu *cpu, const vmaccel_x86_events *events);
void cpu_get_debug_regs(struct cpu *cpu, vmaccel_x86_debug_regs *regs);
void cpu_set_debug_regs(struct cpu *cpu, const vmaccel_x86_debug_regs *regs);
uint64_t cpu_get_xcr0(struct cpu *cpu);
bool cpu_set_xcr0(struct cpu *cpu, uint64_t xcr0); /* false: refused */
/* Standard form, CPU_XSAVE_SIZE bytes: x87, SSE, AVX, PKRU. */
#define CPU_XSAVE_SIZE 2696u
void cpu_get_xsave(struct cpu *cpu, void *area);
void cpu_set_xsave(struct cpu *cpu, const void *area);
bool cpu_get_msr(struct cpu *cpu, uint32_t id, uint64_t *value);
bool cpu_set_msr(struct cpu *cpu, uint32_t id, uint64_t value);
size_t cpu_msr_list(uint32_t *ids, size_t capacity);
/* The table of this CPU, with its APIC ID. */
const vmaccel_x86_cpuid *cpu_cpuid(const struct cpu *cpu, size_t *count);

/* The injection slot. ready: IF set, no shadow, no event in delivery, slot free. */
bool cpu_interrupt_ready(const struct cpu *cpu);
bool cpu_slot_occupied(const struct cpu *cpu);
void cpu_inject_interrupt(struct cpu *cpu, uint8_t vector);
bool cpu_inject_exception(struct cpu *cpu, uint8_t vector, bool has_error, uint32_t error);
void cpu_request_window(struct cpu *cpu, bool on);
/* Would the CPU take an event in HLT now: an unmasked interrupt, NMI, slot? */
bool cpu_wakes(struct cpu *cpu);

#endif
