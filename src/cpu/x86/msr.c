/* SPDX-License-Identifier: BSD-2-Clause */
/* Model-specific registers (Intel SDM vol. 4; AMD APM vol. 2, appendix A). */
#include <stddef.h>
#include <string.h>

#include "cpu/x86/sys.h"

#define MTRR_CAP       0x508u /* write-combining, fixed ranges, 8 variable ones */
#define MTRR_DEFINED   0xc00u /* of the default type: enable, fixed enable */
#define MTRR_VALID     X86_BIT(11)
#define MICROCODE      UINT64_C(0x01000065)
#define HWCR_DEFINED   (X86_BIT(3) | X86_BIT(4) | X86_BIT(6) | X86_BIT(8) | X86_BIT(18) | X86_BIT(24))
#define MCG_DEFINED    7u
#define ADDRESS_BEYOND (~(X86_BIT(CPU_PHYS_BITS) - 1))

/* Values that a register takes. */
enum check {
    CHECK_ANY,
    CHECK_LOW32,
    CHECK_CANONICAL,
    CHECK_PAT,
    CHECK_MTRR_DEFAULT,
    CHECK_MTRR_FIXED,
    CHECK_MTRR_BASE, /* bases at even numbers, masks at odd ones */
    CHECK_HWCR,
    CHECK_MCG_STATUS,
    CHECK_XSS,
    CHECK_CONSTANT
};

struct msr {
    uint32_t first, count;
    uint32_t at; /* in struct cpu; the value, for a constant */
    uint8_t check;
    bool listed; /* part of a CPU's state */
    uint16_t feature;
};

#define AT(field)  offsetof(struct cpu, field)
#define ALWAYS     FEATURE_NEVER
#define TSC_ADJUST 0x3bu
#define MSR_UCODE  0x8bu

static const struct msr msrs[] = {
    {MSR_UCODE, 1, 0, CHECK_CONSTANT, false, ALWAYS},
    {0xce, 1, 0, CHECK_CONSTANT, false, ALWAYS}, /* PLATFORM_INFO */
    {0xfe, 1, MTRR_CAP, CHECK_CONSTANT, false, FEATURE_MTRR},
    {X86_MSR_SYSENTER_CS, 1, AT(msr.sysenter_cs), CHECK_LOW32, true, FEATURE_SEP},
    {X86_MSR_SYSENTER_ESP, 1, AT(msr.sysenter_esp), CHECK_CANONICAL, true, FEATURE_SEP},
    {X86_MSR_SYSENTER_EIP, 1, AT(msr.sysenter_eip), CHECK_CANONICAL, true, FEATURE_SEP},
    {0x179, 1, 0, CHECK_CONSTANT, false, FEATURE_MCA}, /* MCG_CAP: no banks */
    {0x17a, 1, AT(msr.mcg_status), CHECK_MCG_STATUS, true, FEATURE_MCA},
    {0x1a0, 1, AT(msr.misc_enable), CHECK_ANY, true, ALWAYS},
    {0x1d9, 1, 0, CHECK_CONSTANT, false, ALWAYS}, /* DEBUGCTL */
    {0x200, 16, AT(msr.mtrr_variable), CHECK_MTRR_BASE, true, FEATURE_MTRR},
    {0x250, 1, AT(msr.mtrr_fixed[0]), CHECK_MTRR_FIXED, true, FEATURE_MTRR},
    {0x258, 2, AT(msr.mtrr_fixed[1]), CHECK_MTRR_FIXED, true, FEATURE_MTRR},
    {0x268, 8, AT(msr.mtrr_fixed[3]), CHECK_MTRR_FIXED, true, FEATURE_MTRR},
    {X86_MSR_PAT, 1, AT(msr.pat), CHECK_PAT, true, FEATURE_PAT},
    {0x2ff, 1, AT(msr.mtrr_def_type), CHECK_MTRR_DEFAULT, true, FEATURE_MTRR},
    {0xda0, 1, AT(msr.xss), CHECK_XSS, true, FEATURE_XSAVES},
    {X86_MSR_STAR, 1, AT(msr.star), CHECK_ANY, true, FEATURE_SYSCALL},
    {X86_MSR_LSTAR, 1, AT(msr.lstar), CHECK_CANONICAL, true, FEATURE_LM},
    {X86_MSR_CSTAR, 1, AT(msr.cstar), CHECK_CANONICAL, true, FEATURE_LM},
    {X86_MSR_FMASK, 1, AT(msr.fmask), CHECK_LOW32, true, FEATURE_SYSCALL},
    {X86_MSR_FS_BASE, 1, AT(seg[SEG_FS].base), CHECK_CANONICAL, false, FEATURE_LM},
    {X86_MSR_GS_BASE, 1, AT(seg[SEG_GS].base), CHECK_CANONICAL, false, FEATURE_LM},
    {X86_MSR_KERNEL_GS_BASE, 1, AT(msr.kernel_gs_base), CHECK_CANONICAL, true, FEATURE_LM},
    /* Performance counters that count nothing; SYSCFG, K7's HWCR, NB_CFG, interrupt-pending
       message: what guests read on family 0Fh. */
    {0xc0010000, 8, 0, CHECK_CONSTANT, false, ALWAYS},
    {0xc0010010, 1, 0, CHECK_CONSTANT, false, ALWAYS},
    {0xc0010015, 1, AT(msr.hwcr), CHECK_HWCR, true, ALWAYS},
    {0xc001001f, 1, 0, CHECK_CONSTANT, false, ALWAYS},
    {0xc0010055, 1, 0, CHECK_CONSTANT, false, ALWAYS},
};

/* Those with a story of their own. */
static const uint32_t others[] = {X86_MSR_TSC, TSC_ADJUST, X86_MSR_EFER, X86_MSR_TSC_AUX};

static uint64_t *field(struct cpu *c, const struct msr *m, uint32_t id)
{
    return (uint64_t *)(void *)((uint8_t *)c + m->at) + (id - m->first);
}

/* The host's accesses don't depend on what the guest may see. */
static const struct msr *find(const struct cpu *c, uint32_t id, bool host)
{
    for (size_t i = 0; i < sizeof msrs / sizeof msrs[0]; i++)
        if (id - msrs[i].first < msrs[i].count)
            return host || msrs[i].feature == ALWAYS || cpu_has(c, (enum feature)msrs[i].feature)
                       ? &msrs[i]
                       : NULL;
    return NULL;
}

/* Each byte is one of the memory types in the mask. */
static bool types_valid(uint64_t value, unsigned bytes, unsigned allowed)
{
    for (unsigned i = 0; i < bytes; i++, value >>= 8)
        if ((value & 0xff) > 7 || !(allowed >> (value & 0xff) & 1))
            return false;
    return true;
}

#define PAT_TYPES  0xf3u /* UC WC WT WP WB UC- */
#define MTRR_TYPES 0x73u /* UC WC WT WP WB */

static bool valid(const struct cpu *c, const struct msr *m, uint32_t id, uint64_t value)
{
    switch (m->check) {
    case CHECK_LOW32:
        return value >> 32 == 0;
    case CHECK_CANONICAL:
        return canonical_base(c, value);
    case CHECK_PAT:
        return types_valid(value, 8, PAT_TYPES);
    case CHECK_MTRR_DEFAULT:
        return !(value & ~UINT64_C(0xff) & ~(uint64_t)MTRR_DEFINED) &&
               types_valid(value, 1, MTRR_TYPES);
    case CHECK_MTRR_FIXED:
        return types_valid(value, 8, MTRR_TYPES);
    case CHECK_MTRR_BASE:
        if (id & 1)
            return !(value & (ADDRESS_BEYOND | (MTRR_VALID - 1)));
        return !(value & (ADDRESS_BEYOND | 0xf00)) && types_valid(value, 1, MTRR_TYPES);
    case CHECK_HWCR:
        return !(value & ~HWCR_DEFINED);
    case CHECK_MCG_STATUS:
        return !(value & ~(uint64_t)MCG_DEFINED);
    case CHECK_XSS:
        return value == 0;
    case CHECK_CONSTANT:
        return id == MSR_UCODE || value == m->at;
    default:
        return true;
    }
}

uint64_t cpu_tsc(struct cpu *c)
{
    return (c->ops->tsc ? c->ops->tsc(c->context) : 0) + c->tsc_offset;
}

static bool has_tsc_aux(const struct cpu *c)
{
    return cpu_has(c, FEATURE_RDTSCP) || cpu_has(c, FEATURE_RDPID);
}

/* APIC_BASE, TSC_DEADLINE and the x2APIC. */
static bool is_apic(uint32_t id)
{
    return id == X86_MSR_APIC_BASE || id == X86_MSR_TSC_DEADLINE || (id >= 0x800 && id <= 0x8ff);
}

enum found { FOUND, REFUSED, UNKNOWN };

static enum found read_own(struct cpu *c, uint32_t id, bool host, uint64_t *value)
{
    const struct msr *m;

    switch (id) {
    case X86_MSR_TSC:
        *value = cpu_tsc(c);
        return FOUND;
    case TSC_ADJUST:
        *value = c->msr.tsc_adjust;
        return host || cpu_has(c, FEATURE_TSC_ADJUST) ? FOUND : UNKNOWN;
    case X86_MSR_EFER:
        *value = c->efer;
        return FOUND;
    case X86_MSR_TSC_AUX:
        *value = c->msr.tsc_aux;
        return host || has_tsc_aux(c) ? FOUND : UNKNOWN;
    case MSR_UCODE:
        *value = MICROCODE;
        return FOUND;
    default:
        m = find(c, id, host);
        if (!m)
            return UNKNOWN;
        *value = m->check == CHECK_CONSTANT ? m->at : *field(c, m, id);
        return FOUND;
    }
}

static enum found write_own(struct cpu *c, uint32_t id, uint64_t value, bool host)
{
    const struct msr *m;
    uint64_t delta;

    switch (id) {
    case X86_MSR_TSC:
        delta = value - cpu_tsc(c);
        c->tsc_offset += delta;
        if (!host)
            c->msr.tsc_adjust += delta;
        return FOUND;
    case TSC_ADJUST:
        if (!host && !cpu_has(c, FEATURE_TSC_ADJUST))
            return UNKNOWN;
        if (!host)
            c->tsc_offset += value - c->msr.tsc_adjust;
        c->msr.tsc_adjust = value;
        return FOUND;
    case X86_MSR_EFER:
        return efer_write(c, value, host) ? FOUND : REFUSED;
    case X86_MSR_TSC_AUX:
        if (!host && !has_tsc_aux(c))
            return UNKNOWN;
        c->msr.tsc_aux = (uint32_t)value; /* AMD's CPUs ignore the rest */
        return FOUND;
    default:
        m = find(c, id, host);
        if (!m)
            return UNKNOWN;
        if (!valid(c, m, id, value))
            return REFUSED;
        if (m->check != CHECK_CONSTANT)
            *field(c, m, id) = value;
        return FOUND;
    }
}

static enum cpu_msr_result outside(struct cpu *c, uint32_t id, bool write, uint64_t *value)
{
    if (!c->ops->msr)
        return CPU_MSR_FAULT;
    callback_begin(c);
    enum cpu_msr_result result = c->ops->msr(c->context, id, write, value);
    callback_end(c);
    return result;
}

/* An MSR that is nobody's: the host's answer, or #GP. */
static bool unknown(struct cpu *c, const struct uop *u, uint32_t id, bool write, uint64_t *value)
{
    if (sys_answered(c)) {
        if (!c->exit.u.msr.refuse) {
            *value = c->exit.u.msr.value;
            return true;
        }
    } else {
        switch (outside(c, id, write, value)) {
        case CPU_MSR_OK:
            return true;
        case CPU_MSR_EXIT:
            sys_ask(c, CPU_EXIT_MSR);
            c->exit.u.msr.id = id;
            c->exit.u.msr.is_write = write;
            c->exit.u.msr.value = write ? *value : 0;
            cpu_exit_again(c, u);
            return false;
        default:
            break;
        }
    }
    cpu_raise_error(c, u, EXC_GP, 0);
    return false;
}

bool cpu_msr_read(struct cpu *c, const struct uop *u, uint32_t id, uint64_t *value)
{
    *value = 0;
    return read_own(c, id, false, value) == FOUND || unknown(c, u, id, false, value);
}

bool cpu_msr_write(struct cpu *c, const struct uop *u, uint32_t id, uint64_t value)
{
    switch (write_own(c, id, value, false)) {
    case FOUND:
        return true;
    case UNKNOWN:
        return unknown(c, u, id, true, &value);
    default:
        cpu_raise_error(c, u, EXC_GP, 0);
        return false;
    }
}

bool cpu_get_msr(struct cpu *c, uint32_t id, uint64_t *value)
{
    *value = 0;
    if (is_apic(id))
        return c->ops->msr && c->ops->msr(c->context, id, false, value) == CPU_MSR_OK;
    return read_own(c, id, true, value) == FOUND;
}

bool cpu_set_msr(struct cpu *c, uint32_t id, uint64_t value)
{
    if (is_apic(id))
        return c->ops->msr && c->ops->msr(c->context, id, true, &value) == CPU_MSR_OK;
    return write_own(c, id, value, true) == FOUND;
}

size_t cpu_msr_list(uint32_t *ids, size_t capacity)
{
    size_t count = 0;

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++, count++)
        if (count < capacity)
            ids[count] = others[i];
    for (size_t i = 0; i < sizeof msrs / sizeof msrs[0]; i++)
        for (uint32_t n = 0; msrs[i].listed && n < msrs[i].count; n++, count++)
            if (count < capacity)
                ids[count] = msrs[i].first + n;
    return count;
}
