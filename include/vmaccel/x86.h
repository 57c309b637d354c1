/* SPDX-License-Identifier: BSD-2-Clause */
/* x86_64 register state in canonical form: the same values on every platform.
 *
 * Canonical form of a segment: the limit is in bytes whatever G says; attributes are the
 * descriptor's bits in the positions of the VMCS access-rights field (Intel SDM vol. 3, "Guest
 * Register State") without its unusable bit: a segment is unusable exactly when P is 0, and then
 * all attributes read 0. A usable code or data segment has its accessed bit set, TR is a busy TSS,
 * G agrees with the limit, CR0.ET is 1: all are set by the library when written otherwise.
 *
 * All functions here: Thread: owner, where they take a vCPU. Errors: THREAD, STATE (destroyed),
 * PLATFORM, INVALID_ARGUMENT (the detail names the field), NOT_SUPPORTED (the capability named, or
 * a VM of another architecture). Structs are the caller's and are copied. */
#ifndef VMACCEL_X86_H
#define VMACCEL_X86_H

#include <vmaccel/status.h>
#include <vmaccel/types.h>

VMACCEL_BEGIN_DECLS

/* General registers. Source: KVM_GET_REGS. */
typedef struct vmaccel_x86_regs {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags; /* bit 1 of rflags always reads 1 */
} vmaccel_x86_regs;

VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_get_regs(vmaccel_vcpu *vcpu,
                                                                   vmaccel_x86_regs *regs);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_set_regs(vmaccel_vcpu *vcpu,
                                                                   const vmaccel_x86_regs *regs);

/* Segment attribute bits. */
#define VMACCEL_X86_SEG_TYPE      0x000fu
#define VMACCEL_X86_SEG_S         0x0010u
#define VMACCEL_X86_SEG_DPL_SHIFT 5
#define VMACCEL_X86_SEG_P         0x0080u
#define VMACCEL_X86_SEG_AVL       0x1000u
#define VMACCEL_X86_SEG_L         0x2000u
#define VMACCEL_X86_SEG_DB        0x4000u
#define VMACCEL_X86_SEG_G         0x8000u

typedef struct vmaccel_x86_segment {
    uint64_t base;
    uint32_t limit; /* bytes - 1 */
    uint16_t selector;
    uint16_t attributes; /* VMACCEL_X86_SEG_* */
} vmaccel_x86_segment;

typedef struct vmaccel_x86_table {
    uint64_t base;
    uint16_t limit; /* bytes - 1 */
    uint16_t pad[3];
} vmaccel_x86_table;

/* Segments, descriptor tables, control registers, EFER, APIC base. Source: KVM_GET_SREGS. PDPTEs
 * under PAE are those in memory at CR3. */
typedef struct vmaccel_x86_sregs {
    vmaccel_x86_segment cs, ds, es, fs, gs, ss, tr, ldt;
    vmaccel_x86_table gdt, idt;
    uint64_t cr0, cr2, cr3, cr4, cr8;
    uint64_t efer;
    uint64_t apic_base;
} vmaccel_x86_sregs;

/* set checks what every CPU checks at entry (CR0.PG without PE, EFER.LMA against CR0.PG and
 * EFER.LME, reserved bits of RFLAGS, CS/TR types, canonical bases, …) and names the field at fault.
 */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_get_sregs(vmaccel_vcpu *vcpu,
                                                                    vmaccel_x86_sregs *sregs);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_set_sregs(vmaccel_vcpu *vcpu,
                                                                    const vmaccel_x86_sregs *sregs);

/* x87, SSE, AVX and AVX-512 registers (CAP_REG_FPU). A component the guest CPU does not have reads
 * 0 and is ignored when written 0. */
typedef struct vmaccel_x86_fpu {
    uint16_t fcw, fsw;
    uint8_t ftw; /* abridged: bit n set = physical register n is not empty (FXSAVE form) */
    uint8_t pad0;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr; /* reserved bits set: INVALID_ARGUMENT */
    uint32_t pad1;
    uint8_t st[8][16];      /* ST(0)–ST(7), 80 bits each; MM registers are the low 64 */
    uint8_t vector[32][64]; /* ZMM0–ZMM31; XMM is the low 16 bytes, YMM the low 32 */
    uint64_t k[8];          /* opmask registers */
} vmaccel_x86_fpu;

VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_get_fpu(vmaccel_vcpu *vcpu,
                                                                  vmaccel_x86_fpu *fpu);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_set_fpu(vmaccel_vcpu *vcpu,
                                                                  const vmaccel_x86_fpu *fpu);

/* The XSAVE area in the standard, uncompacted form (Intel SDM vol. 1, "XSAVE-managed state");
 * XCOMP_BV is 0. `size` is the buffer's, at least CAP_REG_XSAVE for get. A component in its initial
 * state may have its XSTATE_BV bit clear; its bytes then read as the initial values. set refuses
 * reserved MXCSR bits and components outside CAP_REG_XSAVE's. Source: KVM_GET_XSAVE2. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_get_xsave(vmaccel_vcpu *vcpu, void *area,
                                                                    size_t size);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_set_xsave(vmaccel_vcpu *vcpu,
                                                                    const void *area, size_t size);

/* XCR0 (CAP_REG_XCR). Source: KVM_GET_XCRS. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_get_xcr0(vmaccel_vcpu *vcpu,
                                                                   uint64_t *xcr0);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_set_xcr0(vmaccel_vcpu *vcpu,
                                                                   uint64_t xcr0);

typedef struct vmaccel_x86_msr {
    uint32_t id; /* MSR number */
    uint32_t reserved;
    uint64_t value;
} vmaccel_x86_msr;

/* Read or write `count` MSRs. All of them, or an error that names the first that failed; *done (may
 * be NULL) is how many before it were processed. The set's order is kept except that TSC goes
 * before TSC_DEADLINE. TSCs of one VM that are set to values within a second of each other may be
 * made to agree with the first. INVALID_ARGUMENT: the platform refuses that MSR or value, or keeps
 * the TSC behind it. Source: KVM_GET_MSRS. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_get_msrs(vmaccel_vcpu *vcpu,
                                                                   vmaccel_x86_msr *msrs,
                                                                   size_t count, size_t *done);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_set_msrs(vmaccel_vcpu *vcpu,
                                                                   const vmaccel_x86_msr *msrs,
                                                                   size_t count, size_t *done);

/* The MSRs that make up a vCPU's state on this platform. *count is capacity in, number out; LIMIT
 * when the capacity is too small. ids NULL asks for the number only, and succeeds. Thread: any.
 * Source: KVM_GET_MSR_INDEX_LIST. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_msr_list(const vmaccel_vm *vm,
                                                                   uint32_t *ids, size_t *count);

#define VMACCEL_X86_CPUID_SUBLEAF (1u << 0) /* the entry is for this subleaf only */

typedef struct vmaccel_x86_cpuid {
    uint32_t leaf, subleaf;
    uint32_t flags; /* VMACCEL_X86_CPUID_* */
    uint32_t eax, ebx, ecx, edx;
    uint32_t reserved;
} vmaccel_x86_cpuid;

/* What the platform can offer a guest on this host: the table a new vCPU has, but for its APIC ID.
 * Capacity as in vmaccel_x86_msr_list(). Thread: any. Source: KVM_GET_SUPPORTED_CPUID. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status
vmaccel_x86_cpuid_supported(const vmaccel_vm *vm, vmaccel_x86_cpuid *entries, size_t *count);

/* The table of the VM's vCPUs created after this call; before commit. The APIC-ID fields (leaves 1,
 * 0xB, 0x1F, 0x8000001E) are filled in per vCPU. Without this call vCPUs get the supported table.
 * Thread: setup. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status
vmaccel_x86_set_cpuid(vmaccel_vm *vm, const vmaccel_x86_cpuid *entries, size_t count);

/* The vCPU's own table. Capacity as in vmaccel_x86_msr_list(). */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_get_cpuid(vmaccel_vcpu *vcpu,
                                                                    vmaccel_x86_cpuid *entries,
                                                                    size_t *count);

/* Guest debug registers. DR6 and DR7 as the CPU reads them. Source: KVM_GET_DEBUGREGS. */
typedef struct vmaccel_x86_debug_regs {
    uint64_t dr[4];
    uint64_t dr6, dr7;
} vmaccel_x86_debug_regs;

VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status
vmaccel_x86_get_debug_regs(vmaccel_vcpu *vcpu, vmaccel_x86_debug_regs *regs);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status
vmaccel_x86_set_debug_regs(vmaccel_vcpu *vcpu, const vmaccel_x86_debug_regs *regs);

#define VMACCEL_X86_SHADOW_STI    (1u << 0)
#define VMACCEL_X86_SHADOW_MOV_SS (1u << 1)

/* Events not yet delivered, and what blocks them (CAP_REG_EVENTS). The injection slot is the
 * `interrupt` group. Source: KVM_GET_VCPU_EVENTS; WHvRegisterPendingInterruption,
 * WHvRegisterInterruptState. */
typedef struct vmaccel_x86_events {
    bool exception_pending; /* delivered on the next entry */
    uint8_t exception_vector;
    bool exception_has_error_code;
    bool exception_has_payload; /* payload is the CR2 or DR6 update to make on delivery */
    uint32_t exception_error_code;
    uint64_t exception_payload;
    bool interrupt_pending;
    uint8_t interrupt_vector;
    bool interrupt_soft; /* INT n in delivery */
    uint8_t shadow;      /* VMACCEL_X86_SHADOW_* */
    bool nmi_pending;    /* latched */
    bool nmi_injected;   /* delivered on the next entry */
    bool nmi_masked;     /* between NMI delivery and IRET */
    bool smm;            /* in system-management mode */
    bool smi_pending;
    bool triple_fault_pending;
    uint8_t pad[6];
} vmaccel_x86_events;

VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_get_events(vmaccel_vcpu *vcpu,
                                                                     vmaccel_x86_events *events);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status
vmaccel_x86_set_events(vmaccel_vcpu *vcpu, const vmaccel_x86_events *events);

/* The local APIC's register page as the xAPIC lays it out: register r at regs[r], 32 bits each, 16
 * bytes apart. In x2APIC mode the ID register holds the full 32-bit ID (CAP_REG_LAPIC). Source:
 * KVM_GET_LAPIC. */
typedef struct vmaccel_x86_lapic {
    uint8_t regs[1024];
} vmaccel_x86_lapic;

VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_get_lapic(vmaccel_vcpu *vcpu,
                                                                    vmaccel_x86_lapic *lapic);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_set_lapic(vmaccel_vcpu *vcpu,
                                                                    const vmaccel_x86_lapic *lapic);

/* Guest TSC frequency, kHz (CAP_TSC_KHZ). Source: KVM_GET_TSC_KHZ. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_get_tsc_khz(vmaccel_vcpu *vcpu,
                                                                      uint32_t *khz);

/* 8259, IOAPIC and 8254 of a FULL irqchip (CAP_REG_IRQCHIP). Source: KVM_GET_IRQCHIP, KVM_GET_PIT2.
 */
typedef struct vmaccel_x86_pic {
    uint8_t last_irr, irr, imr, isr, priority_add, irq_base, read_reg_select, poll, special_mask,
        init_state, auto_eoi, rotate_on_auto_eoi, special_fully_nested_mode, init4, elcr, elcr_mask;
} vmaccel_x86_pic;

typedef struct vmaccel_x86_pit_channel {
    uint32_t count; /* 1 to 65536 */
    uint16_t latched_count;
    uint8_t count_latched, status_latched, status, read_state, write_state, write_latch, rw_mode,
        mode, bcd, gate;
    uint8_t pad[4];
    int64_t count_load_time; /* host nanoseconds; setting a channel restarts it from now */
} vmaccel_x86_pit_channel;

typedef struct vmaccel_x86_irqchip {
    vmaccel_x86_pic pic[2];
    uint32_t ioapic_id, ioapic_ioregsel, ioapic_irr, ioapic_pad;
    uint64_t ioapic_redirection[24];
    vmaccel_x86_pit_channel pit[3];
    uint32_t pit_flags, pit_pad;
} vmaccel_x86_irqchip;

/* Thread: setup; no vCPU in vmaccel_vcpu_run(). */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_get_irqchip(vmaccel_vm *vm,
                                                                      vmaccel_x86_irqchip *state);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status
vmaccel_x86_set_irqchip(vmaccel_vm *vm, const vmaccel_x86_irqchip *state);

/* The paravirtual clock's value, nanoseconds (CAP_REG_CLOCK). Thread: setup. Source: KVM_GET_CLOCK.
 */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_get_clock(vmaccel_vm *vm, uint64_t *ns);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_x86_set_clock(vmaccel_vm *vm, uint64_t ns);

/* Architectural reset values (Intel SDM vol. 3, "Processor State After Reset"): what a new vCPU
 * has. Thread: any. */
VMACCEL_API void vmaccel_x86_reset_state(vmaccel_x86_regs *regs, vmaccel_x86_sregs *sregs);

/* Flat 64-bit mode at CPL 0: sets segments, CR0, CR4, EFER and CR3 of *sregs for code at any
 * address under the page tables at cr3. Thread: any. */
VMACCEL_API void vmaccel_x86_long_mode(vmaccel_x86_sregs *sregs, uint64_t cr3);

VMACCEL_END_DECLS

#endif
