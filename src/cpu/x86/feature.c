/* SPDX-License-Identifier: BSD-2-Clause */
/* Which feature an instruction belongs to. */
#include "cpu/x86/feature.h"

#include "arch/x86/cpuid.h"
#include "arch/x86/topology.h"
#include "cpu/x86/engine.h"

void features_init(struct cpu *c)
{
    static const struct {
        uint32_t leaf, subleaf;
        uint8_t reg;
    } words[] = {
        [WORD_1_ECX] = {1, 0, 2},           [WORD_1_EDX] = {1, 0, 3},
        [WORD_7_EBX] = {7, 0, 1},           [WORD_7_ECX] = {7, 0, 2},
        [WORD_D_EAX] = {0xd, 1, 0},         [WORD_X1_ECX] = {0x80000001, 0, 2},
        [WORD_X1_EDX] = {0x80000001, 0, 3}, [WORD_X21_EAX] = {0x80000021, 0, 0},
    };

    /* The table is the VM's: make it this CPU's. */
    for (size_t i = 0; i < c->cpuid_count; i++) {
        vmaccel_x86_cpuid *e = &c->cpuid[i];
        x86_cpuid_topology(e->leaf, e->subleaf, c->index, c->vm->config.max_cpus, &e->eax, &e->ebx,
                           &e->ecx, &e->edx);
    }
    c->features = (struct features){0};
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        const vmaccel_x86_cpuid *entry =
            x86_cpuid_find(c->cpuid, c->cpuid_count, words[i].leaf, words[i].subleaf);
        if (!entry)
            continue;
        const uint32_t regs[4] = {entry->eax, entry->ebx, entry->ecx, entry->edx};
        c->features.bits[i / 2] |= (uint64_t)regs[words[i].reg] << (i % 2 * 32);
    }
}

bool cpu_has(const struct cpu *c, enum feature feature)
{
    return feature != FEATURE_NEVER && (c->features.bits[feature / 64] >> (feature % 64) & 1);
}

#define NEEDS(set, feature) [ZYDIS_ISA_SET_##set] = FEATURE_##feature + 1
#define NONE(set)           [ZYDIS_ISA_SET_##set] = FEATURE_NEVER + 1

/* Feature + 1 by instruction set; sets of the base, and those whose instructions are NOPs on a CPU
 * without them (MPX, CET, PREFETCHWT1, CLDEMOTE), have 0. AVX-512's sets come in one run. */
static const uint16_t by_set[ZYDIS_ISA_SET_MAX_VALUE + 1] = {
    NEEDS(ADOX_ADCX, ADX),
    NEEDS(AES, AES),
    NEEDS(AMD, SYSCALL),
    NONE(AMD3DNOW),
    NONE(AMD_INVLPGB),
    NONE(AMX_BF16),
    NONE(AMX_INT8),
    NONE(AMX_TILE),
    NEEDS(AVX, AVX),
    NEEDS(AVX2, AVX2),
    NEEDS(AVX2GATHER, AVX2),
    NEEDS(AVXAES, AES),
    NONE(AVX_GFNI),
    NONE(AVX_VNNI),
    NEEDS(BMI1, BMI1),
    NEEDS(BMI2, BMI2),
    NEEDS(CLFLUSHOPT, CLFLUSHOPT),
    NEEDS(CLFSH, CLFLUSH),
    NONE(CLWB),
    NONE(CLZERO),
    NEEDS(CMOV, CMOV),
    NEEDS(CMPXCHG16B, CX16),
    NONE(ENQCMD),
    NEEDS(F16C, F16C),
    NEEDS(FCMOV, CMOV),
    NEEDS(FMA, FMA),
    NONE(FMA4),
    NEEDS(FXSAVE, FXSR),
    NEEDS(FXSAVE64, FXSR),
    NONE(GFNI),
    NONE(HRESET),
    NEEDS(INVPCID, INVPCID),
    NONE(KEYLOCKER),
    NONE(KEYLOCKER_WIDE),
    NONE(KNCE),
    NONE(KNCJKBR),
    NONE(KNCSTREAM),
    NONE(KNCV),
    NONE(KNC_MISC),
    NONE(KNC_PF_HINT),
    NONE(LWP),
    NEEDS(LZCNT, LZCNT),
    NONE(MCOMMIT),
    NEEDS(MONITOR, MONITOR),
    NONE(MONITORX),
    NEEDS(MOVBE, MOVBE),
    NONE(MOVDIR),
    NONE(PADLOCK_ACE),
    NONE(PADLOCK_PHE),
    NONE(PADLOCK_PMM),
    NONE(PADLOCK_RNG),
    NEEDS(PCLMULQDQ, PCLMULQDQ),
    NONE(PCONFIG),
    NEEDS(PENTIUMMMX, MMX),
    NEEDS(PKU, PKU),
    NEEDS(POPCNT, POPCNT),
    NONE(PT),
    NEEDS(RDPID, RDPID),
    NONE(RDPRU),
    NEEDS(RDRAND, RDRAND),
    NEEDS(RDSEED, RDSEED),
    NEEDS(RDTSCP, RDTSCP),
    NEEDS(RDWRFSGS, FSGSBASE),
    NONE(RTM),
    NONE(SERIALIZE),
    NONE(SGX),
    NONE(SGX_ENCLV),
    NEEDS(SHA, SHA),
    NEEDS(SMAP, SMAP),
    NONE(SMX),
    NONE(SNP),
    NEEDS(SSE, SSE),
    NEEDS(SSE2, SSE2),
    NEEDS(SSE2MMX, SSE2),
    NEEDS(SSE3, SSE3),
    NEEDS(SSE3X87, SSE3),
    NEEDS(SSE4, SSE4_1),
    NEEDS(SSE42, SSE4_2),
    NONE(SSE4A),
    NEEDS(SSEMXCSR, SSE),
    NEEDS(SSE_PREFETCH, SSE),
    NEEDS(SSSE3, SSSE3),
    NEEDS(SSSE3MMX, SSSE3),
    NONE(SVM),
    NONE(TBM),
    NONE(TDX),
    NONE(TSX_LDTRK),
    NONE(UINTR),
    NONE(VAES),
    NONE(VMFUNC),
    NONE(VPCLMULQDQ),
    NONE(VTX),
    NONE(WAITPKG),
    NEEDS(X87, FPU),
    NONE(XOP),
    NEEDS(XSAVE, XSAVE),
    NEEDS(XSAVEC, XSAVEC),
    NEEDS(XSAVEOPT, XSAVEOPT),
    NEEDS(XSAVES, XSAVES),
};

int feature_of(const ZydisDecodedInstruction *insn)
{
    ZydisISASet set = insn->meta.isa_set;

    /* Hypercalls are in the sets of VMX and SVM, but belong to whoever offers them. */
    if (insn->mnemonic == ZYDIS_MNEMONIC_VMCALL || insn->mnemonic == ZYDIS_MNEMONIC_VMMCALL)
        return -1;
    if (set >= ZYDIS_ISA_SET_AVX512BW_128 && set <= ZYDIS_ISA_SET_AVX512_VPOPCNTDQ_512)
        return FEATURE_NEVER;
    return (int)by_set[set] - 1;
}
