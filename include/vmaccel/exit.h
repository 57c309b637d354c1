/* SPDX-License-Identifier: BSD-2-Clause */
/* The exit record: why the last run returned. The same guest event is the same exit on every
 * platform. */
#ifndef VMACCEL_EXIT_H
#define VMACCEL_EXIT_H

#include <vmaccel/types.h>

VMACCEL_BEGIN_DECLS

/* Values are append-only. */
typedef enum vmaccel_exit_reason {
    VMACCEL_EXIT_NONE = 0,        /* no run has returned yet */
    VMACCEL_EXIT_IO = 1,          /* x86 port access: io */
    VMACCEL_EXIT_MMIO = 2,        /* access to unmapped or read-only guest-physical memory: mmio */
    VMACCEL_EXIT_HLT = 3,         /* HLT or WFI; RIP/PC is after it */
    VMACCEL_EXIT_SHUTDOWN = 4,    /* x86 triple fault */
    VMACCEL_EXIT_RESET = 5,       /* the guest asked the platform for a reset (PSCI) */
    VMACCEL_EXIT_POWEROFF = 6,    /* the guest asked the platform for power-off (PSCI) */
    VMACCEL_EXIT_DEBUG = 7,       /* step, breakpoint, watchpoint: debug */
    VMACCEL_EXIT_HYPERCALL = 8,   /* hypercall: hypercall */
    VMACCEL_EXIT_MSR = 9,         /* MSR or system-register access: msr */
    VMACCEL_EXIT_CPUID = 10,      /* CPUID: cpuid */
    VMACCEL_EXIT_IRQ_WINDOW = 11, /* the requested interrupt window is open */
    VMACCEL_EXIT_KICKED = 12,     /* vmaccel_vcpu_kick() */
    VMACCEL_EXIT_EXCEPTION = 13,  /* an exception the VM asked to see: exception */
    VMACCEL_EXIT_MEMORY_FAULT =
        14, /* mapped guest memory that the host can't provide: memory_fault */
    VMACCEL_EXIT_UNSUPPORTED_INSTRUCTION =
        15, /* the platform can't run or decode an instruction: instruction. A fetch from unmapped
               memory is this exit or MEMORY_FAULT, with RIP/PC at the address, never MMIO; on arm64
               the guest may take an external instruction abort instead. */
    VMACCEL_EXIT_FAILED_ENTRY = 16,   /* the CPU refused the guest state: failed_entry */
    VMACCEL_EXIT_INTERNAL_ERROR = 17, /* the platform gave up: internal */
    VMACCEL_EXIT_EOI = 18,            /* SPLIT irqchip: end of a level-triggered interrupt: eoi */
    VMACCEL_EXIT_TIMER = 19, /* arm64 without GIC: the interrupt line of a timer changed: timer */
    VMACCEL_EXIT_CRASH = 20  /* the guest told the platform that it has crashed (PSCI, Hyper-V) */
} vmaccel_exit_reason;

/* `flags` of a debug exit. */
#define VMACCEL_DEBUG_STEP          (1u << 0)
#define VMACCEL_DEBUG_SW_BREAKPOINT (1u << 1)
#define VMACCEL_DEBUG_HW_BREAKPOINT (1u << 2)
#define VMACCEL_DEBUG_HW_WATCHPOINT (1u << 3)

typedef struct vmaccel_exit {
    uint32_t reason;          /* vmaccel_exit_reason */
    uint32_t platform_reason; /* the platform's own number, for reports */
    union {
        /* One element, or `count` elements of a string instruction. data: count * size bytes,
         * little-endian; the guest's for a write; for a read the caller writes its answer there
         * before the next run (it is zero until then). */
        struct {
            uint16_t port;
            uint8_t size;  /* bytes an element: 1, 2 or 4 */
            bool is_write; /* OUT */
            uint32_t count;
            uint8_t *data; /* owned by the vCPU, valid until the next run */
        } io;
        /* size bytes at gpa, which never cross a page; a wider or page-crossing access comes as
         * several exits. */
        struct {
            vmaccel_gpa gpa;
            uint8_t size; /* bytes: 1 to 8 */
            bool is_write;
            uint8_t *data; /* as io.data */
        } mmio;
        struct {
            vmaccel_gva pc;
            uint32_t flags;   /* VMACCEL_DEBUG_* */
            uint32_t slot;    /* of the break- or watchpoint */
            uint64_t address; /* watchpoint: the watched address; else 0 */
            uint64_t dr6;     /* x86 */
        } debug;
        /* arm64: an SMCCC call to CPU, SiP or OEM services or to the vendor's hypervisor by HVC or
         * SMC: its function ID, X1 to X6, and X0 of the result. PSCI and the other standard
         * services are the platform's. */
        struct {
            uint64_t number;
            uint64_t args[6];
            uint64_t result; /* write the answer here */
        } hypercall;
        /* error != 0 makes the access fault in the guest (#GP). */
        struct {
            uint32_t id;
            bool is_write;
            uint8_t error;  /* 0 on entry; write 1 here to refuse */
            uint64_t value; /* written by the guest, or the answer */
        } msr;
        /* The registers to give the guest; filled with the table's answer on entry. */
        struct {
            uint32_t leaf, subleaf;
            uint32_t eax, ebx, ecx, edx;
        } cpuid;
        struct {
            uint8_t vector;
            bool has_error_code;
            uint32_t error_code;
            uint64_t address; /* #PF: faulting address */
        } exception;
        struct {
            vmaccel_gpa gpa; /* UINT64_MAX where the platform does not tell */
            uint64_t size;
        } memory_fault;
        struct {
            uint8_t length; /* valid bytes; 0 where the platform does not tell */
            uint8_t bytes[15];
            /* arm64: a data access to unmapped memory that the CPU does not describe (ESR.ISV 0: a
             * pair, an update of the base, a SIMD register). PC is at it. To go on, carry it out
             * and move PC, or set data_abort_pending. syndrome: ISS; 0 after another cause. */
            vmaccel_gpa gpa;
            uint64_t syndrome;
        } instruction;
        struct {
            uint64_t hardware_reason; /* VMX/SVM exit code or the platform's number */
            const char
                *field; /* the first state element found at fault, or ""; owned by the library */
        } failed_entry;
        struct {
            uint32_t code;
            uint32_t ndata;
            uint64_t data[8];
        } internal;
        struct {
            uint8_t vector;
        } eoi;
        struct {
            uint8_t virtual_timer, physical_timer, pmu; /* levels now, 0 or 1 */
        } timer;
        uint64_t pad[15]; /* the union's size is fixed */
    } u;
} vmaccel_exit;

#if defined(__cplusplus)
static_assert(sizeof(vmaccel_exit) == 128, "the exit record's layout is frozen");
#else
_Static_assert(sizeof(vmaccel_exit) == 128, "the exit record's layout is frozen");
#endif

/* The exit record of a vCPU: the first member of the object behind the handle. Same pointer for the
 * vCPU's life; its content is valid until the next run. Thread: owner. */
static inline vmaccel_exit *vmaccel_vcpu_exit(vmaccel_vcpu *vcpu)
{
    return (vmaccel_exit *)(void *)vcpu;
}

/* Printed name, such as "MMIO". Never NULL. Thread: any. */
VMACCEL_API const char *vmaccel_exit_name(uint32_t reason);

/* The value of a little-endian I/O or MMIO element of 1 to 8 bytes. Thread: any. */
static inline uint64_t vmaccel_data_get(const uint8_t *data, uint8_t size)
{
    uint64_t value = 0;
    for (uint8_t i = 0; i < size && i < 8; i++)
        value |= (uint64_t)data[i] << (8 * i);
    return value;
}

/* Write an answer of 1 to 8 bytes. Thread: owner. */
static inline void vmaccel_data_set(uint8_t *data, uint8_t size, uint64_t value)
{
    for (uint8_t i = 0; i < size && i < 8; i++)
        data[i] = (uint8_t)(value >> (8 * i));
}

VMACCEL_END_DECLS

#endif
