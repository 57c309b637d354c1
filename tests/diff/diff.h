/* SPDX-License-Identifier: BSD-2-Clause */
/* The differential test: the same instructions with the same state on the host's own CPU and on the
 * software CPU. Both see the same linear addresses below 4 GiB. */
#ifndef VMACCEL_TESTS_DIFF_H
#define VMACCEL_TESTS_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <Zydis/Zydis.h>

#include "rng.h"

/* The window: unmapped, two pages to read and write, one to read only, two unmapped, two of code,
 * unmapped. */
#define WINDOW       UINT64_C(0x12340000)
#define WINDOW_PAGES 8u
#define DATA         (WINDOW + 0x1000)
#define DATA_SIZE    0x2000u
#define CONST_PAGE   (WINDOW + 0x3000)
#define MEMORY_SIZE  0x3000u /* data and constants, as one array */
#define CODE         (WINDOW + 0x6000)
#define CODE_SIZE    0x2000u
#define STUB         UINT64_C(0x3a5b0000) /* where a program jumps to at its end */

#define PAGE 0x1000u

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

#define FLAG_CF UINT64_C(0x1)
#define FLAG_TF UINT64_C(0x100)
#define FLAG_IF UINT64_C(0x200)
#define FLAG_DF UINT64_C(0x400)
#define FLAG_RF UINT64_C(0x10000)
#define FLAG_AC UINT64_C(0x40000)
#define ARITH   UINT64_C(0x8d5)

/* Offsets in an XSAVE area. */
#define XSAVE_MXCSR  24
#define XSAVE_ST     32
#define XSAVE_XMM    160
#define XSAVE_HEADER 512
#define XSAVE_YMM    576
#define XSAVE_USED   832

/* The trampoline knows this layout. */
struct state {
    uint64_t r[16];
    uint64_t rip, rflags, fs_base, gs_base;
    uint64_t scratch[4];
    uint8_t xsave[2752]; /* standard form; the host may save more than is compared */
};

#define VECTOR_NONE    0xffu /* ran to its end */
#define VECTOR_TIMEOUT 0xfeu
#define VECTOR_EXIT    0x80u /* an exit of the software CPU that no program should cause */

struct outcome {
    struct state state;
    uint64_t address; /* of #PF */
    uint32_t error;
    uint8_t vector;
};

/* ---- Programs ---- */

#define PROGRAM_INSNS 8

enum role {
    ROLE_ANY,
    ROLE_POINTER, /* value = target - bias[] */
    ROLE_DOUBLED, /* the same as base and index */
    ROLE_INDEX,   /* small, times a scale */
    ROLE_COUNT,   /* of REP */
    ROLE_BITS,    /* a bit offset */
    ROLE_LABEL    /* address of an instruction further on */
};

struct program {
    bool narrow; /* 32-bit code */
    unsigned count;
    struct insn {
        ZydisDecodedInstruction i;
        ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
        uint16_t off; /* in bytes[] */
        uint8_t group;
    } at[PROGRAM_INSNS];
    uint16_t size;
    uint8_t bytes[PROGRAM_INSNS * 15 + 8];
    uint64_t address;                      /* in CODE */
    uint64_t undefined[PROGRAM_INSNS + 1]; /* flags undefined before instruction n */
    uint8_t role[16];
    uint8_t index[16], scale[16]; /* of the operand that has this base; 0: none */
    uint64_t bias[16], label[16];
    uint16_t small_vectors; /* gathers' indices */
    uint64_t fs_base, gs_base;
    uint64_t target;  /* of RIP-relative and absolute operands */
    uint64_t planted; /* a jump target to put into memory; 0: none */
    bool bases_change, pops_flags;
    bool divides, wide_indices;
};

enum group {
#define GROUP(id, name) GROUP_##id,
#include "groups.def"
#undef GROUP
    GROUP_COUNT
};
extern const char *const group_names[GROUP_COUNT];

void generator_init(void);
/* Which group an instruction belongs to; GROUP_COUNT: not to be run here. */
unsigned group_of(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *ops);
void program_generate(struct program *p, struct rng *g, const bool *groups, bool narrow);
/* Decode bytes[] and find undefined flags; false: an instruction is not allowed. */
bool program_analyse(struct program *p);
void state_random(struct state *s, const struct program *p, struct rng *g, uint8_t *memory);

/* Puts the program into a CPU's code pages, which else hold INT3 for wild jumps to meet. */
void code_replace(uint8_t *pages, const struct program *p);

/* ---- The two CPUs ---- */

/* Each has MEMORY_SIZE bytes of its own; to be filled before a run and compared after it. */
extern uint8_t *host_memory, *soft_memory;
bool host_init(const char **why);
void host_code(const struct program *p);
void host_run(const struct program *p, struct outcome *o); /* o->state: before, then after */
bool host_has_page(uint64_t address);
void soft_init(void);
void soft_code(const struct program *p);
void soft_run(const struct program *p, struct outcome *o, bool step);
/* Whether a run of the software CPU leaves what was analysed of the program: into the middle of an
 * instruction or backwards, where other flags are undefined, or to memory of the test itself. */
bool soft_strays(const struct program *p, const struct state *before);
/* From a signal handler: a run that does not end. */
void soft_interrupt(void);

/* ---- Comparing ---- */

/* Says what differs, first thing first; NULL: nothing. */
const char *compare(const struct program *p, const struct outcome *host,
                    const struct outcome *soft);
void print_differences(FILE *f, const struct program *p, const struct outcome *host,
                       const struct outcome *soft);
/* The instruction that was running at the end. */
unsigned program_index(const struct program *p, const struct outcome *o);

struct replay {
    struct program program;
    struct state state;
    uint8_t memory[MEMORY_SIZE];
    bool step;
};
void replay_write(FILE *f, const struct replay *r);
bool replay_read(FILE *f, struct replay *r);
void print_program(FILE *f, const struct program *p);

#endif
