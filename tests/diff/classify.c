/* SPDX-License-Identifier: BSD-2-Clause */
/* Which instructions may run on the host, and under which group they are counted. */
#include "diff.h"

#include "cpu/x86/feature.h"

const char *const group_names[GROUP_COUNT] = {
#define GROUP(id, name) name,
#include "groups.def"
#undef GROUP
};

/* Results that depend on the machine, or effects beyond the program's state. */
static bool excluded(const ZydisDecodedInstruction *insn)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_CPUID:
    case ZYDIS_MNEMONIC_RDTSC:
    case ZYDIS_MNEMONIC_RDTSCP:
    case ZYDIS_MNEMONIC_RDPMC:
    case ZYDIS_MNEMONIC_RDRAND:
    case ZYDIS_MNEMONIC_RDSEED:
    case ZYDIS_MNEMONIC_RDPID:
    case ZYDIS_MNEMONIC_RDPRU:
    case ZYDIS_MNEMONIC_XGETBV:
    /* Linux answers these in place of UMIP's fault. */
    case ZYDIS_MNEMONIC_SGDT:
    case ZYDIS_MNEMONIC_SIDT:
    case ZYDIS_MNEMONIC_SLDT:
    case ZYDIS_MNEMONIC_SMSW:
    case ZYDIS_MNEMONIC_STR:
    /* The descriptors are the host's. */
    case ZYDIS_MNEMONIC_LAR:
    case ZYDIS_MNEMONIC_LSL:
    case ZYDIS_MNEMONIC_VERR:
    case ZYDIS_MNEMONIC_VERW:
    case ZYDIS_MNEMONIC_LDS:
    case ZYDIS_MNEMONIC_LES:
    case ZYDIS_MNEMONIC_LFS:
    case ZYDIS_MNEMONIC_LGS:
    case ZYDIS_MNEMONIC_LSS:
    case ZYDIS_MNEMONIC_SYSCALL:
    case ZYDIS_MNEMONIC_SYSENTER:
    case ZYDIS_MNEMONIC_SYSEXIT:
    case ZYDIS_MNEMONIC_SYSRET:
    case ZYDIS_MNEMONIC_INT:
    case ZYDIS_MNEMONIC_INT1:
    case ZYDIS_MNEMONIC_INTO:
    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD:
    case ZYDIS_MNEMONIC_IRETQ:
    /* Hypercalls are the host's hypervisor's. */
    case ZYDIS_MNEMONIC_VMCALL:
    case ZYDIS_MNEMONIC_VMMCALL:
    case ZYDIS_MNEMONIC_VMFUNC:
    case ZYDIS_MNEMONIC_SKINIT:
    case ZYDIS_MNEMONIC_GETSEC:
        return true;
    default:
        return insn->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
    }
}

static unsigned base_group(const ZydisDecodedInstruction *insn)
{
    switch (insn->meta.category) {
    case ZYDIS_CATEGORY_BINARY:
        switch (insn->mnemonic) {
        case ZYDIS_MNEMONIC_MUL:
        case ZYDIS_MNEMONIC_IMUL:
        case ZYDIS_MNEMONIC_DIV:
        case ZYDIS_MNEMONIC_IDIV:
            return GROUP_MULDIV;
        default:
            return GROUP_ALU;
        }
    case ZYDIS_CATEGORY_LOGICAL:
    case ZYDIS_CATEGORY_ADOX_ADCX:
        return GROUP_ALU;
    case ZYDIS_CATEGORY_SHIFT:
    case ZYDIS_CATEGORY_ROTATE:
        return GROUP_SHIFT;
    case ZYDIS_CATEGORY_BITBYTE:
        return GROUP_BIT;
    case ZYDIS_CATEGORY_BMI1:
    case ZYDIS_CATEGORY_BMI2:
    case ZYDIS_CATEGORY_LZCNT:
        return GROUP_BMI;
    case ZYDIS_CATEGORY_SETCC:
    case ZYDIS_CATEGORY_CMOV:
        return GROUP_COND;
    case ZYDIS_CATEGORY_FLAGOP:
        return GROUP_FLAG;
    case ZYDIS_CATEGORY_PUSH:
    case ZYDIS_CATEGORY_POP:
        return GROUP_STACK;
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_INTERRUPT:
        return GROUP_BRANCH;
    case ZYDIS_CATEGORY_STRINGOP:
        return GROUP_STRING;
    case ZYDIS_CATEGORY_SEMAPHORE:
        return GROUP_LOCK;
    case ZYDIS_CATEGORY_DECIMAL:
        return GROUP_DECIMAL;
    case ZYDIS_CATEGORY_NOP:
    case ZYDIS_CATEGORY_WIDENOP:
    case ZYDIS_CATEGORY_PREFETCH:
    case ZYDIS_CATEGORY_PREFETCHWT1:
    case ZYDIS_CATEGORY_CLFLUSHOPT:
    case ZYDIS_CATEGORY_CLDEMOTE:
    case ZYDIS_CATEGORY_CET:
    case ZYDIS_CATEGORY_MPX:
        return GROUP_NOP;
    case ZYDIS_CATEGORY_DATAXFER:
    case ZYDIS_CATEGORY_CONVERT:
        return GROUP_MOVE;
    case ZYDIS_CATEGORY_MISC:
        if (insn->mnemonic == ZYDIS_MNEMONIC_ENTER || insn->mnemonic == ZYDIS_MNEMONIC_LEAVE)
            return GROUP_STACK;
        return insn->mnemonic == ZYDIS_MNEMONIC_CLFLUSH || insn->mnemonic == ZYDIS_MNEMONIC_PAUSE ||
                       insn->mnemonic == ZYDIS_MNEMONIC_LFENCE ||
                       insn->mnemonic == ZYDIS_MNEMONIC_MFENCE ||
                       insn->mnemonic == ZYDIS_MNEMONIC_SFENCE
                   ? GROUP_NOP
                   : GROUP_MOVE;
    case ZYDIS_CATEGORY_RDWRFSGS:
        return GROUP_FSGSBASE;
    default:
        return GROUP_COUNT;
    }
}

static unsigned vector_group(const ZydisDecodedInstruction *insn)
{
    switch (insn->meta.isa_set) {
    case ZYDIS_ISA_SET_FXSAVE:
    case ZYDIS_ISA_SET_FXSAVE64:
        return GROUP_FXSAVE;
    case ZYDIS_ISA_SET_XSAVE:
        return GROUP_XSAVE;
    case ZYDIS_ISA_SET_XSAVEC: /* what they leave out is the CPU's own */
    case ZYDIS_ISA_SET_XSAVEOPT:
        return GROUP_COUNT;
    case ZYDIS_ISA_SET_AES:
    case ZYDIS_ISA_SET_AVXAES:
    case ZYDIS_ISA_SET_SHA:
    case ZYDIS_ISA_SET_PCLMULQDQ:
        return GROUP_CRYPTO;
    case ZYDIS_ISA_SET_SSE4:
    case ZYDIS_ISA_SET_SSE42:
        /* CRC32 too. */
        return GROUP_SSE4;
    case ZYDIS_ISA_SET_POPCNT:
    case ZYDIS_ISA_SET_LZCNT:
        return GROUP_BMI;
    case ZYDIS_ISA_SET_F16C:
        return GROUP_F16C;
    case ZYDIS_ISA_SET_FMA:
        return GROUP_FMA;
    case ZYDIS_ISA_SET_AVX:
        return GROUP_AVX;
    case ZYDIS_ISA_SET_AVX2:
        return GROUP_AVX2;
    case ZYDIS_ISA_SET_AVX2GATHER:
        return GROUP_GATHER;
    case ZYDIS_ISA_SET_SSE3:
    case ZYDIS_ISA_SET_SSSE3:
    case ZYDIS_ISA_SET_SSSE3MMX:
        return GROUP_SSE3;
    case ZYDIS_ISA_SET_SSE:
    case ZYDIS_ISA_SET_SSEMXCSR:
        return GROUP_SSE;
    case ZYDIS_ISA_SET_SSE2:
    case ZYDIS_ISA_SET_SSE2MMX:
        return GROUP_SSE2;
    case ZYDIS_ISA_SET_PENTIUMMMX:
        return GROUP_MMX;
    case ZYDIS_ISA_SET_X87:
    case ZYDIS_ISA_SET_FCMOV:
    case ZYDIS_ISA_SET_SSE3X87:
        return GROUP_X87;
    default:
        return GROUP_COUNT;
    }
}

static bool loads_segment(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *ops)
{
    for (unsigned i = 0; i < insn->operand_count; i++)
        if (ops[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            (ops[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) &&
            ZydisRegisterGetClass(ops[i].reg.value) == ZYDIS_REGCLASS_SEGMENT)
            return true;
    return false;
}

unsigned group_of(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *ops)
{
    if (insn->encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX ||
        insn->encoding == ZYDIS_INSTRUCTION_ENCODING_MVEX ||
        insn->encoding == ZYDIS_INSTRUCTION_ENCODING_XOP ||
        insn->encoding == ZYDIS_INSTRUCTION_ENCODING_3DNOW)
        return GROUP_COUNT;
    if (feature_of(insn) == FEATURE_NEVER || excluded(insn) || loads_segment(insn, ops))
        return GROUP_COUNT;
    if (insn->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED || insn->meta.category == ZYDIS_CATEGORY_IO ||
        insn->meta.category == ZYDIS_CATEGORY_IOSTRINGOP)
        return GROUP_PRIVILEGED;
    if (insn->attributes & ZYDIS_ATTRIB_HAS_LOCK)
        return GROUP_LOCK;
    unsigned group = vector_group(insn);
    return group != GROUP_COUNT ? group : base_group(insn);
}
