/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine's own view of a CPU: state, micro-operations, memory access.
 *
 * Guest code is decoded once into blocks of micro-operations (uops). A block starts at a physical
 * address under a mode (MODE_*: all state that decoding depends on) and is position-independent:
 * r[RIP] holds the address of the block's start while it runs, u->off is an instruction's offset in
 * it. A handler runs one uop and passes on to the next one. docs/software-cpu.md has the rules. */
#ifndef VMACCEL_CPU_X86_INTERNAL_H
#define VMACCEL_CPU_X86_INTERNAL_H

#include <stdatomic.h>

#include <Zydis/Zydis.h>

#include "arch/x86/cr.h"
#include "cpu/cpu.h"
#include "cpu/x86/feature.h"
#include "cpu/x86/vec.h"
#include "cpu/x86/x87_state.h"
#include "os/host_simd.h"
#include "os/os.h"
#include "os/shared.h"

#define LIKELY(x)     __builtin_expect(!!(x), 1)
#define UNLIKELY(x)   __builtin_expect(!!(x), 0)
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NOINLINE      __attribute__((noinline))

/* Register numbers of r[]; uops hold byte offsets into r[], so that AH is register 0 plus 1. */
enum {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    REG_ZERO, /* always 0: an absent base or index */
    RIP,      /* of the block's start; exact between blocks */
    REG_EA,   /* linear address that a uop_ea_* computed for the instruction's next uops */
    REG_T0,
    REG_T1,
    REG_T2, /* an instruction's own temporaries */
    REG_COUNT
};
#define REG_OFF(n) ((uint8_t)((n)*8))

enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_COUNT };

/* What decoding and handlers depend on; part of a block's key. */
#define MODE_CODE64    (1u << 0) /* CS.L under EFER.LMA */
#define MODE_CODE32    (1u << 1) /* CS.D; neither: 16-bit code */
#define MODE_STACK32   (1u << 2) /* SS.B; not in 64-bit code */
#define MODE_LONG      (1u << 3) /* EFER.LMA: also in compatibility mode */
#define MODE_PROT      (1u << 4) /* CR0.PE */
#define MODE_VM86      (1u << 5)
#define MODE_CPL       (3u << 6)
#define MODE_CPL_SHIFT 6
#define MODE_FLAT      (1u << 8)  /* DS, ES, SS: base 0, limit 4 GiB, usable, writable */
#define MODE_FLAT_CS   (1u << 9)  /* CS: base 0, limit 4 GiB */
#define MODE_X87       (1u << 10) /* no #NM for x87: CR0.EM and TS clear */
#define MODE_WAIT      (1u << 11) /* no #NM for FWAIT: MP and TS not both set */
#define MODE_SSE       (1u << 12) /* CR4.OSFXSR, CR0.EM clear */
#define MODE_AVX       (1u << 13) /* CR4.OSXSAVE, XCR0 has SSE and AVX */
#define MODE_TS        (1u << 14) /* CR0.TS: #NM for SSE and AVX */
#define MODE_EM        (1u << 15)
#define MODE_FP_TRAP   (1u << 16) /* MXCSR has an exception unmasked: SSE arithmetic is checked */
#define MODE_STEP      (1u << 17) /* blocks of one instruction: TF, breakpoints, shadow */
#define MODE_OSXSAVE   (1u << 18) /* CR4.OSXSAVE */
#define MODE_NO_FP     (1u << 19) /* x87 and vector registers are not here yet: see emulate.h */

struct uop;
/* Returns the uop to run next, or NULL to go back to the engine's loop: r[RIP] is then exact. */
typedef const struct uop *(*uop_fn)(struct cpu *c, const struct uop *u);

/* 32 bytes. `link` is a resolved successor and belongs to the engine. */
struct uop {
    uop_fn fn;
    union {
        int64_t imm;
        const struct uop *link;
        const void *ptr;
    };
    int32_t disp;
    union {
        struct {
            uint8_t base, index; /* byte offsets into r[] */
            uint8_t scale;       /* shift count */
            uint8_t seg;         /* SEG_*: SS makes a non-canonical address #SS */
        };
        int32_t imm32;
    };
    uint8_t dst, src; /* byte offsets into r[], or vector register numbers */
    uint8_t len;      /* of the whole instruction */
    uint8_t aux;
    uint16_t off; /* of the instruction in its block */
    uint16_t aux16;
};
_Static_assert(sizeof(struct uop) == 32, "uops are packed");

/* A page that data accesses hit without help. A tag is the page's linear address, or has low bits
 * set and never matches. host = addend + linear. */
struct tlb_entry {
    uint64_t read, write;
    uintptr_t addend;
    uint64_t gpa; /* of the page */
};
#define TLB_BITS    9
#define TLB_ENTRIES (1u << TLB_BITS)
#define TLB_INVALID UINT64_C(0xfff)

/* One translation table per privilege: what a tag means depends on it. */
enum { TLB_USER, TLB_SUPERVISOR, TLB_SMAP, TLB_TABLES };

struct seg {
    uint64_t base;
    uint32_t limit; /* bytes - 1 */
    uint16_t selector;
    uint16_t attributes; /* VMACCEL_X86_SEG_*; 0: unusable */
};

/* Lazy flags: what the last flag-setting operation was. cc_op = CC_* | size (log2 bytes). The
 * operation's result is cc_dst (not truncated), cc_src its second operand or what the list says. */
enum {
    CC_FLAGS = 0 << 2, /* cc_dst holds CF PF AF ZF SF OF in RFLAGS positions */
    CC_ADD = 1 << 2,   /* src: an addend */
    CC_ADC = 2 << 2,   /* src: an addend, carry in was 1 */
    CC_SUB = 3 << 2,   /* src: the subtrahend */
    CC_SBB = 4 << 2,   /* src: the subtrahend, borrow in was 1 */
    CC_LOGIC = 5 << 2, /* CF, OF, AF 0 */
    CC_INC = 6 << 2,   /* src: CF before */
    CC_DEC = 7 << 2,   /* src: CF before */
    CC_SHL = 8 << 2,   /* src: operand shifted by count - 1 */
    CC_SHR =
        9 << 2, /* src: operand shifted right by count - 1; SAR as well: OF from cc_dst ^ src */
    CC_MUL = 10 << 2, /* src: not 0 where CF and OF are set */
    CC_KINDS = 11
};
#define CC_ARITH                                                                                   \
    (X86_FLAGS_CF | X86_FLAGS_PF | X86_FLAGS_AF | X86_FLAGS_ZF | X86_FLAGS_SF | X86_FLAGS_OF)
#define X86_FLAGS_PF   X86_BIT(2)
#define X86_FLAGS_AF   X86_BIT(4)
#define X86_FLAGS_ZF   X86_BIT(6)
#define X86_FLAGS_SF   X86_BIT(7)
#define X86_FLAGS_OF   X86_BIT(11)
#define X86_FLAGS_IOPL (UINT64_C(3) << 12)
#define X86_FLAGS_NT   X86_BIT(14)
#define X86_FLAGS_VIF  X86_BIT(19)
#define X86_FLAGS_VIP  X86_BIT(20)
#define X86_FLAGS_ID   X86_BIT(21)

enum event_kind {
    EVENT_NONE,
    EVENT_EXCEPTION, /* vector, error; r[RIP] at the faulting instruction (traps: after it) */
    EVENT_SOFT,      /* INT n, INT3, INTO, INT1: r[RIP] after it */
    EVENT_EXIT       /* c->exit is filled */
};

struct event {
    uint8_t kind;
    uint8_t vector;
    bool has_error;
    bool unchecked; /* SOFT: INT1, interrupts whose delivery waits for a device: no DPL check */
    bool bare;      /* injected without payload: CR2 and DR6 stay */
    bool triple;    /* a triple fault that is still to be reported */
    uint8_t length; /* SOFT: of the instruction, for faults in its delivery */
    uint32_t error;
    uint64_t address; /* CR2 of #PF; DR6 bits of #DB */
};

enum {
    EXC_DE = 0,
    EXC_DB = 1,
    EXC_NMI = 2,
    EXC_BP = 3,
    EXC_OF = 4,
    EXC_BR = 5,
    EXC_UD = 6,
    EXC_NM = 7,
    EXC_DF = 8,
    EXC_TS = 10,
    EXC_NP = 11,
    EXC_SS = 12,
    EXC_GP = 13,
    EXC_PF = 14,
    EXC_MF = 16,
    EXC_AC = 17,
    EXC_MC = 18,
    EXC_XM = 19
};

/* Answers of device reads, and what else an instruction that runs again must not ask twice. */
#define REPLAY_MAX 64
struct replay {
    uint32_t count, next;
    struct {
        uint64_t address, value;
        uint8_t size;
        uint8_t space; /* REPLAY_* */
    } at[REPLAY_MAX];
};
enum { REPLAY_MMIO, REPLAY_IO, REPLAY_MSR, REPLAY_CPUID, REPLAY_HYPERCALL };

/* Device writes made by the instruction, delivered when it is complete. */
#define WRITES_MAX 512
struct device_write {
    uint64_t address, value;
    uint8_t size;
    bool io;
};

struct msrs {
    uint64_t star, lstar, cstar, fmask, kernel_gs_base, tsc_aux;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t pat, mtrr_def_type, mtrr_fixed[11], mtrr_variable[16];
    uint64_t misc_enable, tsc_adjust, xss, mcg_status, hwcr;
};

struct block;

struct cpu {
    uint64_t r[REG_COUNT];
    uint64_t cc_dst, cc_src;
    uint32_t cc_op;
    uint32_t mode;
    struct tlb_entry *tlb; /* of the current privilege */
    /* Blocks verified under this number run; another thread stores 0 to stop the CPU. */
    _Atomic uint32_t epoch;
    uint32_t verified; /* the number proper */
    uint64_t rflags;   /* without the CC_ARITH bits */
    bool stop;         /* leave the block after this instruction */
    bool in_delivery;  /* of c->queued, which waits for a device's answer */
    uint8_t ext; /* EXT bit of error codes: 1 while an event other than INT n is in delivery */
    uint8_t cpl;

    /* A load's value; up to 64 bytes. */
    union {
        uint8_t u8[64];
        uint16_t u16[32];
        uint32_t u32[16];
        uint64_t u64[8];
        cpu_vec vec[2];
    } ld;

    cpu_vec v[16] __attribute__((aligned(32)));
    struct cpu_x87 x87;
    uint32_t mxcsr, host_mxcsr; /* see cpu_mxcsr() */
    uint32_t pkru;

    struct seg seg[SEG_COUNT], ldt, tr;
    struct {
        uint64_t base;
        uint16_t limit;
    } gdt, idt;
    uint64_t cr0, cr2, cr3, cr4, efer, xcr0;
    uint64_t pdpte[4];
    uint64_t dr[4], dr6, dr7;
    struct msrs msr;
    uint64_t tsc_offset;

    struct event event;
    bool event_injected; /* the event came from outside: not intercepted */
    struct cpu_exit exit;
    /* exit holds the caller's answer to the MSR, CPUID or HYPERCALL exit that the instruction made
     * when it ran before. */
    bool answered;
    struct cpu_exit held_exit; /* after the device writes of the same instruction */
    bool exit_held;
    bool passed_breakpoint; /* the host saw this one */
    uint64_t breakpoint_rip;
    struct replay replay;
    struct device_write writes[WRITES_MAX];
    uint32_t write_count, write_next;

    uint8_t shadow; /* VMACCEL_X86_SHADOW_*: blocks interrupts for one instruction */
    bool nmi_masked, nmi_pending;
    bool interrupt_wanted; /* interrupt_pending() said yes; IF may be clear */
    bool slot_occupied, window_requested;
    uint8_t slot_vector;
    struct event queued;   /* injected exception, delivered first */
    uint64_t pending_db;   /* DR6 bits of a trap to raise after this instruction */
    bool traps;            /* TF holds for this instruction */
    bool single_step_done; /* a step's exit is due, after device writes */
    bool stepping;         /* running one instruction for cpu_complete() or a replay */
    struct cpu_debug debug;
    uint64_t monitor_address;
    bool monitor_armed;

    _Atomic uint32_t posted;   /* CPU_POST_*, POST_* */
    _Atomic uint32_t in_guest; /* may hold pointers into guest memory */
    /* Flushes asked for and done: whoever asked waits for its number. */
    _Atomic uint32_t requested, served;

    struct cpu_vm *vm;
    const struct cpu_ops *ops;
    void *context;
    uint32_t index;
    vmaccel_x86_cpuid *cpuid;
    size_t cpuid_count;
    struct features {
        uint64_t bits[4]; /* FEATURE_* that the CPUID table has */
    } features;

    bool without_fp; /* MODE_NO_FP */
    bool wants_fp;   /* an instruction met without them */
    /* The instruction's bytes from elsewhere, run in place of those at r[RIP]. */
    struct {
        uint8_t count, bytes[15];
    } given;

    struct code_cache *code;
    struct mmu *mmu;
    struct jump_entry *jumps; /* JUMP_ENTRIES of them */
    uint64_t jump_key;        /* entries with another are stale: translations or the mode changed */
};

/* Where an indirect jump's target was found last. */
struct jump_entry {
    uint64_t rip, key;
    const struct uop *uops;
    uint64_t pad;
};
#define JUMP_BITS    12
#define JUMP_ENTRIES (1u << JUMP_BITS)
ALWAYS_INLINE struct jump_entry *jump_entry_at(const struct cpu *c, uint64_t rip)
{
    return &c->jumps[(rip ^ rip >> JUMP_BITS) & (JUMP_ENTRIES - 1)];
}

/* The engine's own post bits. */
#define POST_FLUSH  (1u << 8)  /* drop all translations */
#define POST_CODE   (1u << 9)  /* guest code was written: verify blocks again */
#define POST_WRITES (1u << 10) /* drop writable translations */

/* ---- Registers ---- */

typedef uint8_t __attribute__((may_alias)) reg8;
typedef uint16_t __attribute__((may_alias)) reg16;
typedef uint32_t __attribute__((may_alias)) reg32;
typedef uint64_t __attribute__((may_alias)) reg64;

#define R8(c, o)  (*(reg8 *)((uintptr_t)(c)->r + (o)))
#define R16(c, o) (*(reg16 *)((uintptr_t)(c)->r + (o)))
#define R32(c, o) (*(reg32 *)((uintptr_t)(c)->r + (o)))
#define R64(c, o) (*(reg64 *)((uintptr_t)(c)->r + (o)))

/* ---- Passing on ---- */

/* A sanitizer has work to do after what would be a tail call. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CPU_NO_TAIL_CALLS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define CPU_NO_TAIL_CALLS
#endif
#endif

/* The end of a handler that takes no local's address: a tail call where the compiler makes one. */
#if defined(__OPTIMIZE__) && !defined(CPU_NO_TAIL_CALLS)
/* Clang makes none at -O1 unless told; gcc has an option, which the build sets. */
#ifdef __clang__
#define CPU_TAIL __attribute__((musttail))
#else
#define CPU_TAIL
#endif
#define NEXT(c, u) CPU_TAIL return ((u) + 1)->fn((c), (u) + 1)
#define GOTO(c, u) CPU_TAIL return (u)->fn((c), (u))
#else
#define NEXT(c, u) return (void)(c), (u) + 1
#define GOTO(c, u) return (void)(c), (u)
#endif
/* The end of any other handler in the middle of an instruction, or one that stores nothing. */
#define NEXT_SLOW(c, u) return (void)(c), (u) + 1
/* The end of an instruction that stored through cpu_store() and friends, or changed what the engine
 * must look at: leaves the block when something asked for it. */
#define END_SLOW(c, u) return cpu_end((c), (u))

const struct uop *cpu_end_stop(struct cpu *c, const struct uop *u);
static inline const struct uop *cpu_end(struct cpu *c, const struct uop *u)
{
    return UNLIKELY(c->stop) ? cpu_end_stop(c, u) : u + 1;
}

/* Leave the block after the instruction, because state that blocks depend on changed. */
static inline const struct uop *cpu_leave(struct cpu *c, const struct uop *u)
{
    c->r[RIP] += (uint64_t)u->off + u->len;
    return NULL;
}
/* Leave for another address (already truncated to the mode's width). */
static inline const struct uop *cpu_jump(struct cpu *c, uint64_t rip)
{
    c->r[RIP] = rip;
    return NULL;
}
static inline uint64_t cpu_next_rip(const struct cpu *c, const struct uop *u)
{
    return c->r[RIP] + u->off + u->len;
}
/* ---- Exceptions: fill c->event; u NULL: r[RIP] is exact already. Return NULL for handlers. ----
 */

const struct uop *cpu_raise(struct cpu *c, const struct uop *u, uint8_t vector);
const struct uop *cpu_raise_error(struct cpu *c, const struct uop *u, uint8_t vector,
                                  uint32_t error);
/* Leave with c->exit filled; the instruction runs again (an answer is awaited). */
const struct uop *cpu_exit_again(struct cpu *c, const struct uop *u);

/* Physical addresses that CPUID reports. */
#define CPU_PHYS_BITS 46

/* ---- Memory: linear addresses at the current privilege ---- */

/* All return false with c->event filled: a fault, or a device read that waits for its answer. `u`
 * NULL: r[RIP] is exact. Any size up to 64; pages may be crossed. */
bool cpu_load(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size); /* to c->ld */
bool cpu_store(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size, uint64_t value);
bool cpu_store_bytes(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size,
                     const void *data);
/* As a load, but faults as the store that will follow does: read-modify-write. */
bool cpu_load_rmw(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size);
/* Would a store fault? For instructions that store several things. */
bool cpu_probe_store(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size);
/* With supervisor rights whatever the CPL: descriptor tables, TSS, stacks of handlers. */
bool cpu_load_system(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size);
bool cpu_store_system(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size,
                      uint64_t value);
bool cpu_probe_store_system(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size);
/* Elements of gathers and masked moves, which AC does not ask to be aligned. */
bool cpu_load_element(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size);
bool cpu_store_element(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size,
                       const void *data);
bool cpu_probe_element(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size);
/* Host memory of an aligned location for an atomic operation; NULL with event EVENT_NONE: a device,
 * a page crossing or a watched page: use load and store under cpu_split_lock(). NULL with another
 * event: it faulted. After writing call cpu_wrote(). */
void *cpu_atomic(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size);
void cpu_wrote(struct cpu *c, uint64_t linear, unsigned size);
void cpu_split_lock(struct cpu *c);
void cpu_split_unlock(struct cpu *c);
/* A string instruction has committed an element: its device answers are used up. True: leave the
 * block now (a device write was made, or another thread asks). */
bool cpu_element_done(struct cpu *c);

/* Fast path: the host address of a TLB hit, or NULL. */
ALWAYS_INLINE uint8_t *tlb_read(struct cpu *c, uint64_t linear, unsigned size)
{
    const struct tlb_entry *e = &c->tlb[(linear >> 12) & (TLB_ENTRIES - 1)];
    if (UNLIKELY(((linear + size - 1) & ~UINT64_C(0xfff)) != e->read))
        return NULL;
    return (uint8_t *)(e->addend + linear);
}
ALWAYS_INLINE uint8_t *tlb_write(struct cpu *c, uint64_t linear, unsigned size)
{
    const struct tlb_entry *e = &c->tlb[(linear >> 12) & (TLB_ENTRIES - 1)];
    if (UNLIKELY(((linear + size - 1) & ~UINT64_C(0xfff)) != e->write))
        return NULL;
    return (uint8_t *)(e->addend + linear);
}
/* The linear address of a uop's memory operand: segmentation and truncation, where there are any,
 * were done by an earlier uop into REG_EA. */
ALWAYS_INLINE uint64_t uop_ea(struct cpu *c, const struct uop *u)
{
    return R64(c, u->base) + (R64(c, u->index) << u->scale) + (uint64_t)(int64_t)u->disp;
}

/* Segment and offset to linear address with limit and type checks of the mode; false: #GP, #SS. For
 * use outside decoded operands (string instructions, far pointers, stacks). */
bool cpu_linear(struct cpu *c, const struct uop *u, unsigned seg, uint64_t offset, unsigned size,
                bool write, uint64_t *linear);

/* Stack of the current mode: checks, wraps at the stack's address size, uses segmentation. */
bool cpu_push(struct cpu *c, const struct uop *u, unsigned size, uint64_t value);
/* Reads at the top without moving RSP; the caller commits with cpu_set_sp(). */
bool cpu_peek(struct cpu *c, const struct uop *u, unsigned size, uint64_t offset); /* to c->ld */
static inline uint64_t cpu_stack_mask(const struct cpu *c)
{
    return c->mode & MODE_CODE64 ? UINT64_MAX : c->mode & MODE_STACK32 ? 0xffffffff : 0xffff;
}
static inline void cpu_set_sp(struct cpu *c, uint64_t sp)
{
    uint64_t mask = cpu_stack_mask(c);
    if (mask == 0xffff)
        c->r[RSP] = (c->r[RSP] & ~mask) | (sp & mask);
    else
        c->r[RSP] = sp & mask;
}

/* Ports and MSRs. False as above. IN's value goes to c->ld.u32[0]. The first asks IOPL and the TSS,
 * as the others do too. */
bool cpu_port_allowed(struct cpu *c, const struct uop *u, uint16_t port, unsigned size);
bool cpu_port_read(struct cpu *c, const struct uop *u, uint16_t port, unsigned size);
bool cpu_port_write(struct cpu *c, const struct uop *u, uint16_t port, unsigned size,
                    uint32_t value);

/* ---- Flags ---- */

uint64_t cpu_arith_flags(const struct cpu *c); /* the CC_ARITH bits */
static inline uint64_t cpu_rflags(const struct cpu *c)
{
    return c->rflags | cpu_arith_flags(c);
}
/* CF PF AF ZF SF OF only. */
static inline void cpu_set_arith_flags(struct cpu *c, uint64_t flags)
{
    c->cc_op = CC_FLAGS;
    c->cc_dst = flags & CC_ARITH;
}
/* All of RFLAGS, then what follows from it (mode, TLB table, interrupt window): for POPF, IRET and
 * the like; the instruction leaves the block. */
void cpu_set_rflags(struct cpu *c, uint64_t rflags);
/* Condition codes as in Jcc's low nibble. */
bool cpu_condition(const struct cpu *c, unsigned cc);

/* Power-on state, and what CPUID's table allows. */
void cpu_reset(struct cpu *c);
void features_init(struct cpu *c);

/* ---- Changes of state that the engine must know of ---- */

/* After CR0, CR4, EFER, XCR0, MXCSR masks, segments, CPL, RFLAGS.TF/VM/AC, DR7 changed. */
void cpu_update_mode(struct cpu *c);
/* After CR0.PG/WP, CR3, CR4 paging bits, EFER.NXE changed. */
void cpu_flush_tlb(struct cpu *c, bool global);
void cpu_flush_page(struct cpu *c, uint64_t linear);

/* ---- Exceptions, interrupts, segments: exception.c, segment.c (used by the engine) ---- */

/* Deliver c->event (EXCEPTION or SOFT), with double and triple fault; leaves c->event NONE, or
 * EXIT. */
void cpu_deliver_event(struct cpu *c);
void cpu_deliver_interrupt(struct cpu *c, uint8_t vector);
void cpu_deliver_nmi(struct cpu *c);
/* MSRs as RDMSR and WRMSR see them; false: #GP, or c->event holds an exit. */
bool cpu_msr_read(struct cpu *c, const struct uop *u, uint32_t id, uint64_t *value);
bool cpu_msr_write(struct cpu *c, const struct uop *u, uint32_t id, uint64_t value);

/* MXCSR: while the CPU runs, the host's own holds rounding, DAZ, FTZ and collects the flags. */
static inline uint32_t cpu_mxcsr(const struct cpu *c)
{
    return c->mxcsr | (host_mxcsr_get() & 0x3f);
}
/* In a handler; the instruction leaves the block. */
static inline void cpu_set_mxcsr(struct cpu *c, uint32_t value)
{
    c->mxcsr = value;
    host_mxcsr_set((value & 0xe040) | 0x1f80);
    cpu_update_mode(c);
}

/* ---- Translation ---- */

#define BLOCK_MAX_UOPS 256

/* The instruction being translated. */
struct translator {
    struct cpu *c;
    uint32_t mode;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
    const uint8_t *bytes;
    uint16_t off;         /* in the block */
    unsigned page_offset; /* of the block's start */
    bool ends_block;
    bool page_bound; /* the block's end depends on more than its page: never linked */
    uint64_t live_flags;
    struct uop *out, *end; /* where the next uop goes */
};

/* A fresh uop of this instruction with off and len set. Never NULL: a translator has room for 16.
 */
struct uop *emit(struct translator *t, uop_fn fn);
/* Fill the address fields of `u` for memory operand `op`, emitting before it what segmentation and
 * address size need; `size` bytes will be accessed. Call before emit() of the accessing uop. */
struct address {
    uint8_t base, index, scale, seg;
    int32_t disp;
};
void translate_address(struct translator *t, const ZydisDecodedOperand *op, unsigned size,
                       bool write, struct address *address);
/* LEA's operand: the offset alone, without segment or truncation to the address size. */
void translate_offset(struct translator *t, const ZydisDecodedOperand *op, struct address *address);
static inline void uop_set_address(struct uop *u, const struct address *a)
{
    u->base = a->base;
    u->index = a->index;
    u->scale = a->scale;
    u->seg = a->seg;
    u->disp = a->disp;
}
/* Byte offset into r[] of a general register operand of any size. */
uint8_t translate_gpr(ZydisRegister reg);
/* Emit a uop that raises #UD, #GP(0), #NM … and end the block. */
void translate_fault(struct translator *t, uint8_t vector);
/* 0: 8 bits, 1: 16, 2: 32, 3: 64. */
static inline unsigned size_log2(unsigned bits)
{
    return bits == 64 ? 3 : bits == 32 ? 2 : bits == 16 ? 1 : 0;
}

/* One function per instruction group: false when the mnemonic is not theirs. The engine has checked
 * the CPUID feature, LOCK's validity and x87/SSE/AVX availability (#NM, #UD). */
typedef bool translate_fn(struct translator *t);
translate_fn translate_integer, translate_control, translate_string, translate_system,
    translate_x87, translate_vector;

#endif
