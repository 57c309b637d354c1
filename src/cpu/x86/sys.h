/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of privileged instructions, segments and events share. */
#ifndef VMACCEL_CPU_X86_SYS_H
#define VMACCEL_CPU_X86_SYS_H

#include "cpu/x86/engine.h"

/* ---- Exits that wait for an answer: sys.c ---- */

/* Whether the host has answered this instruction; the answer is in c->exit. */
bool sys_answered(const struct cpu *c);
/* Start the exit; the caller fills c->exit.u and leaves by cpu_exit_again(). */
void sys_ask(struct cpu *c, uint32_t reason);

/* ---- cpuid.c, xsave.c ---- */

#define XSAVE_AVX         2u
#define XSAVE_AVX_OFFSET  576u
#define XSAVE_AVX_SIZE    256u
#define XSAVE_PKRU        9u
#define XSAVE_PKRU_OFFSET 2688u
#define XSAVE_PKRU_SIZE   8u
#define CPU_XCR0          (7u | 1u << XSAVE_PKRU)
#define MXCSR_DEFINED     0xffffu

void cpuid_answer(const struct cpu *c, uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);
uint64_t cpuid_xcr0(const struct cpu *c);
uint32_t xsave_size(uint64_t components, bool compact);
bool xcr0_valid(const struct cpu *c, uint64_t value);
uint64_t xsave_in_use(const struct cpu *c);

/* ---- Control registers: sys_cr.c ---- */

/* False: the value is #GP. On success the caller leaves the block. */
bool cr0_write(struct cpu *c, uint64_t value);
bool efer_write(struct cpu *c, uint64_t value, bool host);
static inline bool canonical(const struct cpu *c, uint64_t linear)
{
    return mmu_canonical(c, linear);
}
/* The four top entries of PAE paging under `cr3`; true without PAE paging. False: reserved bits. */
bool pdptes_read(struct cpu *c, uint64_t cr3, uint64_t pdpte[4]);
/* Bases are checked against what the CPU has, whichever paging is on (Intel SDM vol. 3,
 * "Canonicality Checking"). */
static inline bool canonical_base(const struct cpu *c, uint64_t base)
{
    return x86_is_canonical(base, cpu_has(c, FEATURE_LA57) ? 57 : 48);
}
uint64_t cpu_tsc(struct cpu *c);

/* ---- Descriptors: segment.c ---- */

struct descriptor {
    uint32_t lo, hi;
    uint64_t base; /* of a 16-byte descriptor: all 64 bits */
    uint64_t address;
};

#define DESC_TYPE(d)    ((d)->hi >> 8 & 15)
#define DESC_S(d)       ((d)->hi >> 12 & 1)
#define DESC_DPL(d)     ((d)->hi >> 13 & 3)
#define DESC_P(d)       ((d)->hi >> 15 & 1)
#define DESC_L(d)       ((d)->hi >> 21 & 1)
#define DESC_DB(d)      ((d)->hi >> 22 & 1)
#define DESC_CODE(d)    (((d)->hi & 0x1800) == 0x1800)
#define DESC_CONFORM(d) ((d)->hi >> 10 & 1)
#define DESC_DATA_W(d)  (((d)->hi & 0x1a00) == 0x1200)
#define DESC_READ(d)    (((d)->hi & 0x1000) && ((d)->hi & 0x0a00) != 0x0800)
#define IS_NULL(sel)    (((sel)&0xfffc) == 0)

enum {
    SYS_TSS16 = 1,
    SYS_LDT = 2,
    SYS_TSS16_BUSY = 3,
    SYS_CALL16 = 4,
    SYS_TASK_GATE = 5,
    SYS_INT16 = 6,
    SYS_TRAP16 = 7,
    SYS_TSS32 = 9,
    SYS_TSS32_BUSY = 11,
    SYS_CALL32 = 12,
    SYS_INT32 = 14,
    SYS_TRAP32 = 15
};

static inline bool protected_mode(const struct cpu *c)
{
    return (c->mode & (MODE_PROT | MODE_VM86)) == MODE_PROT;
}

/* #vector(selector), with EXT during delivery; always false. */
bool fault_selector(struct cpu *c, const struct uop *u, uint8_t vector, uint16_t selector);
/* Read a descriptor; beyond its table: #vector(selector). */
bool descriptor_read(struct cpu *c, const struct uop *u, uint16_t selector, uint8_t vector,
                     struct descriptor *d);
/* The same, false for beyond its table, where c->event is then EVENT_NONE. */
bool descriptor_look(struct cpu *c, const struct uop *u, uint16_t selector, struct descriptor *d);
/* The upper half of a 16-byte one into d->base; its reserved bits: #GP(selector). */
bool descriptor_extend(struct cpu *c, const struct uop *u, uint16_t selector, struct descriptor *d);
/* Set type bits in memory: 1 accessed, 2 busy. */
bool descriptor_mark(struct cpu *c, const struct uop *u, struct descriptor *d, uint32_t type_bits);
uint32_t descriptor_limit(const struct descriptor *d);
void seg_install(struct seg *s, uint16_t selector, const struct descriptor *d);
/* Real and virtual-8086 mode. */
void seg_install_real(struct cpu *c, unsigned seg, uint16_t selector);
/* With all checks; installs on success. Not CS. The caller updates the mode. */
bool seg_load(struct cpu *c, const struct uop *u, unsigned seg, uint16_t selector);
/* SS for privilege `cpl`: faults are #vector(selector). Not installed. */
bool seg_check_stack(struct cpu *c, const struct uop *u, uint16_t selector, unsigned cpl,
                     uint8_t vector, struct descriptor *d);
/* Flat segments that SYSCALL and the like load. */
void seg_flat_code(struct cpu *c, uint16_t selector, unsigned cpl, bool code64);
void seg_flat_stack(struct cpu *c, uint16_t selector, unsigned cpl);

/* ---- A stack that need not be the current one: segment.c ---- */

struct stack {
    uint64_t base, sp, mask;
    uint32_t limit;
    uint16_t attributes;
    uint16_t fault; /* selector of #SS */
    bool flat64;
    bool own; /* of the current privilege; else of a more privileged one */
};

void stack_current(const struct cpu *c, struct stack *s);
bool stack_push(struct cpu *c, const struct uop *u, struct stack *s, unsigned size, uint64_t value);
/* Reads at offset `at` above the stack pointer. */
bool stack_read(struct cpu *c, const struct uop *u, const struct stack *s, unsigned size,
                uint64_t at, uint64_t *value);
/* The stack that the TSS has for a privilege (legacy modes), with its SS; faults are #TS and #SS.
 */
bool stack_inner(struct cpu *c, const struct uop *u, unsigned cpl, struct stack *s,
                 uint16_t *selector, struct descriptor *ss);
/* RSPn (index 0 to 2) or ISTn (index 4 to 10) of a 64-bit TSS. */
bool stack_from_tss64(struct cpu *c, const struct uop *u, unsigned index, uint64_t *rsp);
void stack_commit(struct cpu *c, const struct stack *s);

/* ---- Tasks: task.c ---- */

enum task_reason { TASK_JUMP, TASK_CALL, TASK_RETURN, TASK_EVENT };
/* A fault before the switch is the old task's, one after it the new task's; r[RIP] is exact. */
enum task_result { TASK_DONE, TASK_FAULT_OLD, TASK_FAULT_NEW };
/* `d` is the new TSS's descriptor, of the right type and present. `rip`: what the old task goes on
 * at. `error`, unless NULL, is pushed on the new task's stack. */
enum task_result task_switch(struct cpu *c, const struct uop *u, uint16_t selector,
                             struct descriptor *d, enum task_reason reason, uint64_t rip,
                             const uint32_t *error);

/* ---- Far transfers: sys_far.c, sys_ret.c ---- */

bool far_transfer(struct cpu *c, const struct uop *u, uint16_t selector, uint64_t offset,
                  unsigned size, bool call);
/* A code segment's own checks for a transfer to `offset` in it. */
bool code_offset_valid(const struct cpu *c, const struct descriptor *d, uint64_t offset);
/* INT n in virtual-8086 mode under CR4.VME that the bitmap sends to the task's own handlers;
 * 1: done, 0: not redirected, -1: fault. */
int vm86_redirect(struct cpu *c, const struct uop *u, uint8_t vector);
/* u->aux: bytes of an element; u->imm: bytes to drop. */
const struct uop *sys_far_ret(struct cpu *c, const struct uop *u);
const struct uop *sys_iret(struct cpu *c, const struct uop *u);

/* ---- Translation: sys_*.c. Each takes the mnemonics of its own ---- */

#define T_CPL(t) ((t)->mode >> MODE_CPL_SHIFT & 3)

/* True: not CPL 0, and a #GP was emitted. */
bool sys_privileged(struct translator *t);
/* A uop for `fn` with memory or register operand `op`: aux is 1 for memory, 0 for the register that
 * src and dst name; aux16 is the register's size in bits. */
struct uop *sys_emit_rm(struct translator *t, uop_fn fn, unsigned op, unsigned size, bool write);
/* The 16-bit value of that operand. */
bool sys_load16(struct cpu *c, const struct uop *u, uint16_t *value);
/* Write it: 16 bits to memory, all of the register's size to a register. */
bool sys_store16(struct cpu *c, const struct uop *u, uint64_t value);
void sys_write_gpr(struct cpu *c, uint8_t off, unsigned bits, uint64_t value);
/* SEG_*, or -1 where the operand is no segment register. */
int sys_segment(const ZydisDecodedOperand *op);

translate_fn sys_translate_segment, sys_translate_table, sys_translate_control,
    sys_translate_transfer, sys_translate_state, sys_translate_port;

const struct uop *sys_cpuid(struct cpu *c, const struct uop *u);

#endif
