/* SPDX-License-Identifier: BSD-2-Clause */
/* The platform of the software CPU: the seam over src/cpu and src/irqchip. */
#ifndef PLATFORM_SOFT_SOFT_H
#define PLATFORM_SOFT_SOFT_H

#include <stdatomic.h>

#include "arch/x86/cr.h"
#include "core/platform.h"
#include "cpu/cpu.h"
#include "irqchip/x86.h"
#include "os/os.h"

#define SOFT_LIKELY(x)   __builtin_expect(!!(x), 1)
#define SOFT_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* The guest's TSC counts the host clock's nanoseconds. */
#define SOFT_TSC_KHZ 1000000u

struct soft_map;

struct soft_doorbell {
    uint64_t address, value;
    intptr_t native;
    uint8_t length;
    bool pio, match;
};

struct soft_vm {
    _Atomic(struct cpu_vm *) cpus; /* NULL before commit */

    /* What vCPUs look up; replaced whole, by the thread that holds core's map lock. */
    os_rwlock map_lock;
    struct soft_map *map;
    struct soft_map *next; /* the map to come, while it is changed */
    bool changing;         /* several changes become visible at once */

    struct soft_doorbell *doorbells; /* change only while no vCPU runs */
    size_t doorbell_count;

    struct x86_irqchip *chip; /* NULL: IRQCHIP_NONE */
    _Atomic(vmaccel_vcpu *) *vcpus;
    uint64_t tsc_start; /* host time at which the TSC was 0 */
    uint64_t gpa_mask;  /* bits that guest-physical addresses have */

    vmaccel_x86_cpuid *cpuid; /* the caller's table; NULL: the supported one */
    size_t cpuid_count;
};

struct soft_vcpu {
    struct cpu *cpu;
    struct cpu_exit exit; /* the last one of the CPU; takes the answer */
    uint8_t data[8];      /* of the last exit's access */

    /* Work that run has to do before the CPU runs; 0 in the plain case. */
    uint32_t attention;
    bool pending; /* the CPU may have something left of the last exit's instruction */

    uint64_t apic_base; /* without irqchip */
    uint8_t cr8;        /* the same */

    vmaccel_mp_state mp;
    uint8_t sipi_vector;
    _Atomic uint32_t startup; /* SOFT_STARTUP_* and a vector, from other vCPUs */
    _Atomic uint32_t waiting; /* wants `wake` for what happens */
    os_event wake;            /* native -1: none */

    uint64_t ended[4];           /* vectors whose EOI exit is to come */
    _Atomic uint64_t tsc_offset; /* the guest's TSC less the VM's */

    uint8_t point_of_dr[4]; /* the caller's slot for each debug register in use */
    struct cpu_debug debug;

    /* Set by the caller since the last run, applied again when a later setting would disturb them.
     */
    bool lapic_set, deadline_set;
    uint64_t deadline;
    vmaccel_x86_lapic lapic;
};

#define SOFT_ATTENTION_EOI   (1u << 0) /* `ended` is not empty */
#define SOFT_ATTENTION_DEBUG (1u << 1) /* a DEBUG exit in `exit` is to be delivered */
#define SOFT_ATTENTION_LAPIC (1u << 2) /* lapic_set or deadline_set */

#define SOFT_STARTUP_INIT (1u << 8)
#define SOFT_STARTUP_SIPI (1u << 9)

static inline struct soft_vm *soft_vm(const vmaccel_vm *vm)
{
    return vm->priv;
}

static inline struct soft_vcpu *soft_vcpu(const vmaccel_vcpu *vcpu)
{
    return vcpu->priv;
}

static inline uint64_t soft_tsc(const struct soft_vm *soft)
{
    return os_clock_ns() - soft->tsc_start;
}

vmaccel_status soft_no_memory(const char *module, const char *what);

/* caps.c */
void soft_probe(vmaccel_platform_info *info);
uint64_t soft_cap(vmaccel_arch arch, vmaccel_cap cap);
uint64_t soft_vm_cap(const vmaccel_vm *vm, vmaccel_cap cap);

/* vm.c */
vmaccel_status soft_vm_create(vmaccel_vm *vm);
vmaccel_status soft_vm_commit(vmaccel_vm *vm);
void soft_vm_destroy(vmaccel_vm *vm);

/* memory.c */
bool soft_map_init(struct soft_vm *soft);
void soft_map_free(struct soft_vm *soft);
void soft_mem_change(vmaccel_vm *vm, bool begin);
vmaccel_status soft_mem_map(vmaccel_vm *vm, const struct core_region *region);
vmaccel_status soft_mem_unmap(vmaccel_vm *vm, const struct core_region *region);
vmaccel_status soft_mem_protect(vmaccel_vm *vm, const struct core_region *region, uint32_t flags);
vmaccel_status soft_mem_dirty(vmaccel_vm *vm, const struct core_region *region, uint64_t *bitmap);
/* cpu_ops.page */
bool soft_page(void *context, uint64_t gpa, bool write, struct cpu_page *page);
vmaccel_status soft_translate(vmaccel_vcpu *vcpu, vmaccel_gva gva, vmaccel_gpa *gpa);
/* Whether the vCPU's next instruction lies in memory without execute permission: its address. */
bool soft_fetch_refused(vmaccel_vcpu *vcpu, uint64_t *gpa);

/* device.c: the rest of cpu_ops */
extern const struct cpu_ops soft_cpu_ops;
vmaccel_status soft_doorbell(vmaccel_vm *vm, const vmaccel_doorbell_config *config, intptr_t native,
                             bool add);

/* vcpu.c */
vmaccel_status soft_vcpu_create(vmaccel_vcpu *vcpu);
void soft_vcpu_destroy(vmaccel_vcpu *vcpu);
void soft_vcpu_kick(vmaccel_vcpu *vcpu);
/* Post to the CPU, and wake it where it waits. Any thread, also after the vCPU's end. */
void soft_post(vmaccel_vcpu *vcpu, uint32_t what);

/* startup.c */
/* The irqchip's callbacks. */
void soft_notify(void *context, uint32_t index);
void soft_nmi(void *context, uint32_t index);
void soft_init(void *context, uint32_t index);
void soft_sipi(void *context, uint32_t index, uint8_t vector);
/* Take INITs and SIPIs, and wait until the vCPU is runnable. False: a kick was taken first. */
bool soft_wait(vmaccel_vcpu *vcpu);
vmaccel_status soft_get_mp_state(vmaccel_vcpu *vcpu, vmaccel_mp_state *state);
vmaccel_status soft_set_mp_state(vmaccel_vcpu *vcpu, vmaccel_mp_state state);

/* run.c */
vmaccel_status soft_run(vmaccel_vcpu *vcpu);
/* Fill the exit record from the CPU's exit. False: not an exit for the caller, run again. */
bool soft_decode(vmaccel_vcpu *vcpu);

/* complete.c */
vmaccel_status soft_vcpu_complete(vmaccel_vcpu *vcpu, bool *more);
/* Move the caller's answer into the CPU's exit. */
void soft_answer(vmaccel_vcpu *vcpu);
/* The EOI exit of one of `ended`. */
void soft_eoi_exit(vmaccel_vcpu *vcpu);
/* What run does first when there is attention or a dirty group. *exit_ready: the record already
 * holds an exit. */
vmaccel_status soft_prepare(vmaccel_vcpu *vcpu, bool *exit_ready);

/* x86_regs.c */
vmaccel_status soft_x86_fetch(vmaccel_vcpu *vcpu, uint32_t groups);
/* Write the dirty groups into the CPU. */
vmaccel_status soft_x86_flush(vmaccel_vcpu *vcpu);
/* The same, unless an instruction waits for its answer. */
vmaccel_status soft_x86_sync(vmaccel_vcpu *vcpu);

/* x86_cpuid.c */
vmaccel_status soft_x86_cpuid_supported(const vmaccel_vm *vm, vmaccel_x86_cpuid *entries,
                                        size_t *count);
vmaccel_status soft_x86_set_cpuid(vmaccel_vm *vm, const vmaccel_x86_cpuid *entries, size_t count);
vmaccel_status soft_x86_get_cpuid(vmaccel_vcpu *vcpu, vmaccel_x86_cpuid *entries, size_t *count);
/* Fill soft_vm.cpuid with the supported table where the caller set none. */
vmaccel_status soft_x86_default_cpuid(vmaccel_vm *vm);

/* x86_msr.c */
enum cpu_msr_result soft_msr(void *context, uint32_t id, bool write, uint64_t *value);
vmaccel_status soft_x86_get_msrs(vmaccel_vcpu *vcpu, vmaccel_x86_msr *msrs, size_t count,
                                 size_t *done);
vmaccel_status soft_x86_set_msrs(vmaccel_vcpu *vcpu, const vmaccel_x86_msr *msrs, size_t count,
                                 size_t *done);
vmaccel_status soft_x86_msr_list(const vmaccel_vm *vm, uint32_t *ids, size_t *count);
uint64_t soft_x86_apic_base(const vmaccel_vcpu *vcpu);
/* `force`: state that is restored, whatever transition it is. */
bool soft_x86_set_apic_base(vmaccel_vcpu *vcpu, uint64_t base, bool force);

/* x86_state.c */
vmaccel_status soft_x86_get_xsave(vmaccel_vcpu *vcpu, void *area);
vmaccel_status soft_x86_set_xsave(vmaccel_vcpu *vcpu, const void *area);
vmaccel_status soft_x86_get_xcr0(vmaccel_vcpu *vcpu, uint64_t *xcr0);
vmaccel_status soft_x86_set_xcr0(vmaccel_vcpu *vcpu, uint64_t xcr0);
vmaccel_status soft_x86_get_debug_regs(vmaccel_vcpu *vcpu, vmaccel_x86_debug_regs *regs);
vmaccel_status soft_x86_set_debug_regs(vmaccel_vcpu *vcpu, const vmaccel_x86_debug_regs *regs);
vmaccel_status soft_x86_get_lapic(vmaccel_vcpu *vcpu, vmaccel_x86_lapic *lapic);
vmaccel_status soft_x86_set_lapic(vmaccel_vcpu *vcpu, const vmaccel_x86_lapic *lapic);
/* Write the local APIC state last set, and the deadline that needs its timer mode. */
vmaccel_status soft_x86_apply_lapic(vmaccel_vcpu *vcpu);
vmaccel_status soft_x86_get_tsc_khz(vmaccel_vcpu *vcpu, uint32_t *khz);
vmaccel_status soft_x86_get_irqchip(vmaccel_vm *vm, vmaccel_x86_irqchip *state);
vmaccel_status soft_x86_set_irqchip(vmaccel_vm *vm, const vmaccel_x86_irqchip *state);

/* x86_irq.c */
vmaccel_status soft_irq_line(vmaccel_vm *vm, uint32_t line, bool level);
vmaccel_status soft_irq_msi(vmaccel_vm *vm, uint64_t address, uint32_t data);
vmaccel_status soft_inject_interrupt(vmaccel_vcpu *vcpu, uint8_t vector);
vmaccel_status soft_interrupt_ready(vmaccel_vcpu *vcpu, bool *ready);
vmaccel_status soft_request_irq_window(vmaccel_vcpu *vcpu, bool on);
vmaccel_status soft_inject_exception(vmaccel_vcpu *vcpu, uint8_t vector, bool has_error_code,
                                     uint32_t error_code);
vmaccel_status soft_inject_nmi(vmaccel_vcpu *vcpu);

/* x86_debug.c */
/* The linear address of the next instruction. */
uint64_t soft_pc(const vmaccel_x86_regs *regs, const vmaccel_x86_sregs *sregs);
vmaccel_status soft_set_debug(vmaccel_vcpu *vcpu, const vmaccel_debug_config *config);
void soft_debug_exit(vmaccel_vcpu *vcpu);

#endif
