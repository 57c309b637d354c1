/* SPDX-License-Identifier: BSD-2-Clause */
/* What the guest's CPUID table says the CPU has. A feature's number is its CPUID word and bit. */
#ifndef VMACCEL_CPU_X86_FEATURE_H
#define VMACCEL_CPU_X86_FEATURE_H

#include <stdbool.h>

#include <Zydis/Zydis.h>

struct cpu;

enum {
    WORD_1_ECX,
    WORD_1_EDX,
    WORD_7_EBX,
    WORD_7_ECX,
    WORD_D_EAX,
    WORD_X1_ECX,
    WORD_X1_EDX,
    WORD_X21_EAX
};

enum feature {
#define FEATURE(name, word, bit) FEATURE_##name = WORD_##word * 32 + (bit),
#include "cpu/x86/feature.def"
#undef FEATURE
    FEATURE_NEVER = 256 /* not implemented */
};

bool cpu_has(const struct cpu *c, enum feature feature);
/* What an instruction needs, -1: nothing. */
int feature_of(const ZydisDecodedInstruction *insn);

#endif
