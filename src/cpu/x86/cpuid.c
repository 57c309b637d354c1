/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPUID table and the instruction. The vendor is AMD and the family one that needs no
 * work-arounds against what later CPUs leak (0Fh), of a model before the errata of its local APIC's
 * timer. */
#include <string.h>

#include "arch/x86/cpuid.h"
#include "cpu/x86/sys.h"

#define SIGNATURE     0x00030ff2u /* family 15, model 3Fh, stepping 2 */
#define BASIC_MAX     0xdu
#define EXTENDED_MAX  0x80000021u
#define CLFLUSH_64    (8u << 8)
#define ARAT          (1u << 2) /* the local APIC's timer runs in every state */
#define OSXSAVE       (1u << 27)
#define OSPKE         (1u << 4)
#define INVARIANT_TSC (1u << 8)
#define XSAVE_ERRPTR  (1u << 2) /* FXSAVE always stores the last instruction's pointers */
#define LINEAR_BITS   57u
/* AMD APM vol. 3, Fn8000_0005 and 6: 64 KiB of 2 ways and 512 KiB of 8, lines of 64 bytes. */
#define L1_CACHE 0x40020140u
#define L2_CACHE 0x02006140u

static uint32_t offered(unsigned word)
{
    static const uint16_t all[] = {
#define FEATURE_ASKED(name, w, bit)
#define FEATURE(name, w, bit) FEATURE_##name,
#include "cpu/x86/feature.def"
#undef FEATURE
    };
    uint32_t bits = 0;
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] / 32u == word)
            bits |= 1u << all[i] % 32;
    return bits;
}

struct table {
    vmaccel_x86_cpuid *entries;
    size_t capacity, count;
};

static void put(struct table *t, uint32_t leaf, uint32_t eax, uint32_t ebx, uint32_t ecx,
                uint32_t edx)
{
    if (t->count < t->capacity)
        t->entries[t->count] =
            (vmaccel_x86_cpuid){.leaf = leaf, .eax = eax, .ebx = ebx, .ecx = ecx, .edx = edx};
    t->count++;
}

static void put_sub(struct table *t, uint32_t leaf, uint32_t subleaf, uint32_t eax, uint32_t ebx,
                    uint32_t ecx, uint32_t edx)
{
    put(t, leaf, eax, ebx, ecx, edx);
    if (t->count <= t->capacity) {
        t->entries[t->count - 1].subleaf = subleaf;
        t->entries[t->count - 1].flags = VMACCEL_X86_CPUID_SUBLEAF;
    }
}

static uint32_t four(const char *text)
{
    uint32_t value;
    memcpy(&value, text, 4);
    return value;
}

size_t cpu_cpuid_supported(vmaccel_x86_cpuid *entries, size_t capacity)
{
    static const char vendor[] = "AuthenticAMD";
    static const char brand[48] = "vm-accel software CPU";
    struct table table = {entries, capacity, 0}, *t = &table;

    put(t, 0, BASIC_MAX, four(vendor), four(vendor + 8), four(vendor + 4));
    put(t, 1, SIGNATURE, CLFLUSH_64, offered(WORD_1_ECX), offered(WORD_1_EDX));
    put(t, 6, ARAT, 0, 0, 0);
    put_sub(t, 7, 0, 0, offered(WORD_7_EBX), offered(WORD_7_ECX), 0);
    put_sub(t, 0xb, 0, 0, 1, 0x100, 0);
    put_sub(t, 0xb, 1, 0, 1, 0x201, 0);
    put_sub(t, 0xd, 0, CPU_XCR0, CPU_XSAVE_SIZE, CPU_XSAVE_SIZE, 0);
    put_sub(t, 0xd, 1, offered(WORD_D_EAX), 0, 0, 0);
    put_sub(t, 0xd, XSAVE_AVX, XSAVE_AVX_SIZE, XSAVE_AVX_OFFSET, 0, 0);
    put_sub(t, 0xd, XSAVE_PKRU, XSAVE_PKRU_SIZE, XSAVE_PKRU_OFFSET, 0, 0);
    put(t, 0x80000000, EXTENDED_MAX, four(vendor), four(vendor + 8), four(vendor + 4));
    put(t, 0x80000001, SIGNATURE, 0, offered(WORD_X1_ECX), offered(WORD_X1_EDX));
    for (uint32_t i = 0; i < 3; i++)
        put(t, 0x80000002 + i, four(brand + 16 * i), four(brand + 16 * i + 4),
            four(brand + 16 * i + 8), four(brand + 16 * i + 12));
    put(t, 0x80000005, 0, 0, L1_CACHE, L1_CACHE);
    put(t, 0x80000006, 0, 0, L2_CACHE, 0);
    put(t, 0x80000007, 0, 0, 0, INVARIANT_TSC);
    put(t, 0x80000008, CPU_PHYS_BITS | LINEAR_BITS << 8, XSAVE_ERRPTR, 0, 0);
    put(t, 0x80000021, offered(WORD_X21_EAX), 0, 0, 0);
    return t->count;
}

/* Leaves outside the table read 0, as on AMD's CPUs. */
void cpuid_answer(const struct cpu *c, uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
    const vmaccel_x86_cpuid *entry = x86_cpuid_find(c->cpuid, c->cpuid_count, leaf, subleaf);

    memset(regs, 0, 4 * sizeof regs[0]);
    if (!entry)
        return;
    regs[0] = entry->eax;
    regs[1] = entry->ebx;
    regs[2] = entry->ecx;
    regs[3] = entry->edx;
    if (leaf == 1) {
        regs[2] = (regs[2] & ~OSXSAVE) | (c->cr4 & X86_CR4_OSXSAVE ? OSXSAVE : 0);
    } else if (leaf == 7 && subleaf == 0) {
        regs[2] = (regs[2] & ~OSPKE) | (c->cr4 & X86_CR4_PKE ? OSPKE : 0);
    } else if (leaf == 0xd && subleaf == 0) {
        regs[1] = xsave_size(c->xcr0, false);
    } else if (leaf == 0xd && subleaf == 1 && (regs[0] & (1u << 1 | 1u << 3))) {
        regs[1] = xsave_size(c->xcr0 | c->msr.xss, true);
    }
}

/* What leaf 0xD of the table lets the guest enable. */
uint64_t cpuid_xcr0(const struct cpu *c)
{
    const vmaccel_x86_cpuid *entry = x86_cpuid_find(c->cpuid, c->cpuid_count, 0xd, 0);

    return entry && cpu_has(c, FEATURE_XSAVE) ? (entry->eax | (uint64_t)entry->edx << 32) & CPU_XCR0
                                              : 1;
}

/* APIC follows APIC_BASE. */
static void mask_apic(struct cpu *c, uint32_t leaf, uint32_t *edx)
{
    uint64_t base;

    if ((leaf == 1 || leaf == 0x80000001) && c->ops->msr &&
        c->ops->msr(c->context, X86_MSR_APIC_BASE, false, &base) == CPU_MSR_OK &&
        !(base & X86_APIC_BASE_EN))
        *edx &= ~(1u << 9);
}

const struct uop *sys_cpuid(struct cpu *c, const struct uop *u)
{
    static const uint8_t to[4] = {RAX, RBX, RCX, RDX};
    uint32_t regs[4], leaf = (uint32_t)c->r[RAX], subleaf = (uint32_t)c->r[RCX];

    if (!(c->vm->config.exits & CPU_EXITS_CPUID)) {
        cpuid_answer(c, leaf, subleaf, regs);
        mask_apic(c, leaf, &regs[3]);
    } else if (sys_answered(c)) {
        regs[0] = c->exit.u.cpuid.eax;
        regs[1] = c->exit.u.cpuid.ebx;
        regs[2] = c->exit.u.cpuid.ecx;
        regs[3] = c->exit.u.cpuid.edx;
    } else {
        cpuid_answer(c, leaf, subleaf, regs);
        mask_apic(c, leaf, &regs[3]);
        sys_ask(c, CPU_EXIT_CPUID);
        c->exit.u.cpuid.leaf = leaf;
        c->exit.u.cpuid.subleaf = subleaf;
        c->exit.u.cpuid.eax = regs[0];
        c->exit.u.cpuid.ebx = regs[1];
        c->exit.u.cpuid.ecx = regs[2];
        c->exit.u.cpuid.edx = regs[3];
        return cpu_exit_again(c, u);
    }
    for (unsigned i = 0; i < 4; i++)
        c->r[to[i]] = regs[i];
    NEXT_SLOW(c, u);
}
