/* SPDX-License-Identifier: BSD-2-Clause */
/* System instructions and paging: the same random machine, and one instruction, on two platforms
 * through the public API. */
#ifndef VMACCEL_TESTS_DIFF_SYSTEM_H
#define VMACCEL_TESTS_DIFF_SYSTEM_H

#include <stdio.h>

#include <vmaccel/vmaccel.h>

#include "rng.h"

/* Guest-physical layout, mapped to itself where paging is on. What holds no structure holds HLT, so
 * that control ends wherever it lands. */
#define RAM_SIZE     0x20000u
#define GDT          0x1000u
#define LDT          0x2000u
#define IDT          0x3000u
#define TSS          0x4000u
#define TSS2         0x6000u /* to switch to: 32-bit, and 16-bit at + 0x800 */
#define HANDLERS     0x7000u /* of vector n: + 8 n */
#define TARGETS      0x7800u
#define CODE         0x8000u /* one page for CPL 0, one for CPL 3 */
#define PROLOGUE     0x8800u
#define STACK        0xa000u
#define IST_STACKS   0xb000u
#define USER_STACK   0xc000u
#define DATA         0xd000u /* one page for CPL 0, one for CPL 3 */
#define ROOT         0x10000u
#define TABLES       0x11000u /* of the identity mapping, then of the window */
#define WINDOW_TABLE 0x14000u
#define OTHER_ROOT   0x18000u
#define WINDOW_PAGES 0x1a000u
#define PAGE         0x1000u

/* Selectors. */
#define SEL_CODE     0x08u
#define SEL_DATA     0x10u
#define SEL_CODE3    0x1bu
#define SEL_DATA3    0x23u
#define SEL_TSS      0x28u
#define SEL_LDT      0x38u
#define SEL_TSS2     0x48u
#define SEL_CODE32   0x58u /* 32-bit code; in compatibility mode 64-bit */
#define SEL_CODE32_3 0x63u
#define SEL_SYSCALL  0x68u
#define SEL_SYSRET   0x78u
#define SEL_SYSENTER 0x90u
#define SEL_RANDOM   0xc0u /* from here to the GDT's end */
#define GDT_SIZE     0x200u
#define LDT_SIZE     0x100u

#define FLAG_CF   UINT64_C(0x1)
#define FLAG_IF   UINT64_C(0x200)
#define FLAG_IOPL UINT64_C(0x3000)
#define FLAG_NT   UINT64_C(0x4000)
#define FLAG_RF   UINT64_C(0x10000)
#define FLAG_VM   UINT64_C(0x20000)
#define FLAG_AC   UINT64_C(0x40000)

enum mode {
    MODE_REAL,
    MODE_VM86,
    MODE_PROT16,
    MODE_PROT32, /* without paging */
    MODE_PAGE32,
    MODE_PAE,
    MODE_COMPAT,
    MODE_LONG,
    MODE_COUNT
};
extern const char *const mode_names[MODE_COUNT];

#define MODES(n)   (1u << (n))
#define PROTECTED  (MODES(MODE_PROT16) | MODES(MODE_PROT32) | MODES(MODE_PAGE32) | MODES(MODE_PAE))
#define LONG_MODES (MODES(MODE_COMPAT) | MODES(MODE_LONG))
#define ALL_MODES  (MODES(MODE_REAL) | MODES(MODE_VM86) | PROTECTED | LONG_MODES)

/* What both platforms offer. */
struct offer {
    uint64_t cr4;  /* bits that may be set */
    uint64_t efer; /* the same */
    unsigned phys_bits;
    bool pge1g, nx, syscall, sep, xsave, pku, fsgsbase, smap, invpcid;
};

enum { MSR_COUNT = 10 };
extern const uint32_t msr_ids[MSR_COUNT];

struct system_case {
    uint64_t seed;
    unsigned group;
    enum mode mode;
    unsigned cpl;
    vmaccel_x86_regs regs;  /* at the instruction */
    vmaccel_x86_regs start; /* at the first */
    vmaccel_x86_sregs sregs;
    uint64_t msrs[MSR_COUNT];
    uint32_t size;
    uint8_t code[16];
    uint8_t ram[RAM_SIZE];
};

struct access {
    uint32_t reason, size;
    bool is_write;
    uint64_t address, data;
};
enum { ACCESS_COUNT = 24 };

struct outcome {
    uint32_t reason; /* the last exit */
    char refused[512];
    unsigned count;
    struct access log[ACCESS_COUNT];
    vmaccel_x86_regs regs;
    vmaccel_x86_sregs sregs;
    vmaccel_x86_debug_regs debug;
    vmaccel_x86_events events;
    uint64_t msrs[MSR_COUNT];
    uint64_t xcr0;
    uint8_t *ram;
};

/* ---- system_case.c: state ---- */

struct gen {
    struct rng rng;
    const struct offer *offer;
    struct system_case *c;
    unsigned op;     /* operand size of the instruction under test */
    unsigned iw, il; /* where the window is: entry indices are derived from it */
    uint64_t window; /* its linear address */
};

void case_base(struct gen *g);
/* What brings the machine from its first state, at CPL 0, to the instruction. */
void case_prologue(struct gen *g);
uint16_t random_selector(struct gen *g);
uint64_t random_value(struct gen *g);
/* A data address that the mode reaches. */
uint64_t random_data(struct gen *g);
void put_random_descriptor(struct gen *g, uint32_t at);
void put_descriptor(struct gen *g, uint32_t at, uint32_t base, uint32_t limit, unsigned attributes);
void put_random_gate(struct gen *g, unsigned vector);
void put(struct system_case *c, uint64_t at, uint64_t value, unsigned size);
uint64_t peek(const struct system_case *c, uint64_t at, unsigned size);
bool code64(const struct gen *g);
bool paging(const struct system_case *c);

/* ---- system_paging.c ---- */

void case_tables(struct gen *g);
void case_window(struct gen *g);

/* ---- system_insns.c, system_transfers.c ---- */

struct system_group {
    const char *name;
    void (*generate)(struct gen *g);
    unsigned weight, modes, user_percent;
};
extern const struct system_group system_groups[];
extern const unsigned system_group_count;

void byte(struct gen *g, unsigned value);
void bytes(struct gen *g, unsigned n, uint64_t value);
void prefix_op(struct gen *g, unsigned percent);
void rex_w(struct gen *g, unsigned percent);
void modrm_reg(struct gen *g, unsigned reg, unsigned rm);
/* [RBX], with RBX the address. */
void modrm_mem(struct gen *g, unsigned reg, uint64_t address);
/* A register or memory. */
void modrm_any(struct gen *g, unsigned reg);
void set_reg(struct gen *g, unsigned n, uint64_t value);
/* Values that a stack pop takes, upwards from the stack pointer. */
void push_values(struct gen *g, unsigned size, const uint64_t *values, unsigned count);

void gen_segment_load(struct gen *g);
void gen_far(struct gen *g);
void gen_iret(struct gen *g);
void gen_int(struct gen *g);
void gen_exception(struct gen *g);
void gen_syscall(struct gen *g);
void gen_paging(struct gen *g);

/* The whole case from its number. */
void case_generate(struct system_case *c, const struct offer *offer, uint64_t seed);
unsigned case_group(uint64_t seed);

/* ---- system_vm.c ---- */

struct machine;
/* NULL, with the reason on stderr. */
struct machine *machine_create(const vmaccel_platform *platform, const vmaccel_x86_cpuid *cpuid,
                               size_t count);
void machine_destroy(struct machine *m);
void machine_run(struct machine *m, const struct system_case *c, struct outcome *out);
/* The CPUID table that both can have. */
size_t common_cpuid(const vmaccel_platform *a, const vmaccel_platform *b, vmaccel_x86_cpuid *out,
                    size_t capacity, struct offer *offer);

/* ---- system_compare.c ---- */

/* Makes KVM's outcome that of the software CPU, as far as the exclusion goes. */
struct exclusion {
    const char *name, *reason;
    bool (*mend)(const struct system_case *c, const struct outcome *soft, struct outcome *kvm);
};
extern const struct exclusion exclusions[];
extern const unsigned exclusion_count;

/* What differs first, or NULL. */
const char *outcome_compare(const struct system_case *c, const struct outcome *soft,
                            const struct outcome *kvm);
void case_print(FILE *f, const struct system_case *c);
void outcome_print(FILE *f, const struct system_case *c, const struct outcome *soft,
                   const struct outcome *kvm);

#endif
