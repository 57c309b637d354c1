/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/xsave.h"

#include <string.h>

#include "arch/x86/cpuid.h"

/* The legacy region. */
#define AT_FCW        0
#define AT_FSW        2
#define AT_FTW        4
#define AT_FOP        6
#define AT_FIP        8
#define AT_FDP        16
#define AT_MXCSR      24
#define AT_MXCSR_MASK 28
#define AT_ST         32
#define AT_XMM        160
#define AT_XMM_END    416
/* The header. */
#define AT_XSTATE_BV 512
#define AT_XCOMP_BV  520
#define AT_RESERVED  528

#define FCW_INITIAL 0x37f

#define BIT(n) (UINT64_C(1) << (n))

static uint64_t get64(const void *area, size_t at)
{
    uint64_t value;

    memcpy(&value, (const uint8_t *)area + at, sizeof(value));
    return value;
}

static uint32_t get32(const void *area, size_t at)
{
    uint32_t value;

    memcpy(&value, (const uint8_t *)area + at, sizeof(value));
    return value;
}

static void put(void *area, size_t at, const void *value, size_t size)
{
    memcpy((uint8_t *)area + at, value, size);
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    uint8_t any = 0;

    for (size_t i = 0; i < size; i++)
        any |= bytes[i];
    return any == 0;
}

void x86_xsave_layout_init(struct x86_xsave_layout *layout, size_t size,
                           const vmaccel_x86_cpuid *host, size_t host_count,
                           const vmaccel_x86_cpuid *guest, size_t guest_count)
{
    const vmaccel_x86_cpuid *present = x86_cpuid_find(guest, guest_count, 0xd, 0);
    uint64_t wanted = present != NULL ? present->eax | (uint64_t)present->edx << 32 : 0;

    *layout = (struct x86_xsave_layout){
        .components = BIT(X86_XSAVE_X87) | BIT(X86_XSAVE_SSE),
        .size = (uint32_t)size,
        .mxcsr_mask = X86_MXCSR_MASK_DEFAULT,
    };
    for (uint32_t i = 2; i < X86_XSAVE_COMPONENTS; i++) {
        const vmaccel_x86_cpuid *entry = x86_cpuid_find(host, host_count, 0xd, i);
        if ((wanted & BIT(i)) == 0 || entry == NULL || entry->eax == 0 || (entry->ecx & 1) != 0)
            continue;
        if (entry->ebx < X86_XSAVE_MINIMUM || entry->ebx > size || entry->eax > size - entry->ebx)
            continue;
        layout->components |= BIT(i);
        layout->at[i].offset = entry->ebx;
        layout->at[i].size = entry->eax;
    }
}

const char *x86_xsave_name(unsigned component)
{
    static const char *const names[X86_XSAVE_COMPONENTS] = {
        "x87",      "SSE", "AVX",  "BNDREGS",  "BNDCSR",    "opmask", "ZMM_Hi256",
        "Hi16_ZMM", "PT",  "PKRU", "PASID",    "CET_U",     "CET_S",  "HDC",
        "UINTR",    "LBR", "HWP",  "XTILECFG", "XTILEDATA", "APX",
    };

    return component < X86_XSAVE_COMPONENTS ? names[component] : "an unknown component";
}

const char *x86_xsave_fault(const struct x86_xsave_layout *layout, const void *area,
                            unsigned *component)
{
    uint64_t extra = get64(area, AT_XSTATE_BV) & ~layout->components;

    *component = X86_XSAVE_COMPONENTS;
    if (get64(area, AT_XCOMP_BV) != 0)
        return "xcomp_bv: the area is in compacted form";
    if (!all_zero((const uint8_t *)area + AT_RESERVED, X86_XSAVE_MINIMUM - AT_RESERVED))
        return "header: a reserved byte is not 0";
    if ((get32(area, AT_MXCSR) & ~layout->mxcsr_mask) != 0)
        return "mxcsr: a reserved bit is set";
    if (extra != 0) {
        *component = (unsigned)__builtin_ctzll(extra);
        return "xstate_bv: the guest's CPU lacks the component";
    }
    return NULL;
}

/* Where a component's bytes are; x87 and SSE aside. */
static bool whole(const struct x86_xsave_layout *layout, unsigned component)
{
    return component >= 2 && component < X86_XSAVE_COMPONENTS &&
           (layout->components & BIT(component)) != 0;
}

/* XSTATE_BV as the content tells. MXCSR counts as SSE: some hypervisors drop it when SSE's bit is
 * clear. */
static void set_xstate_bv(const struct x86_xsave_layout *layout, void *area)
{
    const uint8_t *bytes = area;
    uint64_t in_use = 0;

    uint16_t fcw;
    memcpy(&fcw, bytes + AT_FCW, sizeof(fcw));
    if (fcw != FCW_INITIAL || !all_zero(bytes + AT_FSW, AT_MXCSR - AT_FSW) ||
        !all_zero(bytes + AT_ST, AT_XMM - AT_ST))
        in_use |= BIT(X86_XSAVE_X87);
    if (get32(area, AT_MXCSR) != X86_MXCSR_INITIAL ||
        !all_zero(bytes + AT_XMM, AT_XMM_END - AT_XMM))
        in_use |= BIT(X86_XSAVE_SSE);
    for (unsigned i = 2; i < X86_XSAVE_COMPONENTS; i++) {
        if (whole(layout, i) && !all_zero(bytes + layout->at[i].offset, layout->at[i].size))
            in_use |= BIT(i);
    }
    put(area, AT_XSTATE_BV, &in_use, sizeof(in_use));
}

/* Bytes that belong to no component. */
static void clear_gaps(const struct x86_xsave_layout *layout, uint8_t *area)
{
    size_t done = X86_XSAVE_MINIMUM;

    memset(area + AT_XMM_END, 0, X86_XSAVE_LEGACY - AT_XMM_END);
    memset(area + AT_XCOMP_BV, 0, X86_XSAVE_MINIMUM - AT_XCOMP_BV);
    while (done < layout->size) {
        size_t start = layout->size, end = layout->size;
        for (unsigned i = 2; i < X86_XSAVE_COMPONENTS; i++) {
            size_t offset = layout->at[i].offset;
            if (whole(layout, i) && offset + layout->at[i].size > done && offset < start) {
                start = offset > done ? offset : done;
                end = offset + layout->at[i].size;
            }
        }
        memset(area + done, 0, start - done);
        done = end;
    }
}

void x86_xsave_canonical(const struct x86_xsave_layout *layout, void *area)
{
    uint8_t *bytes = area;
    uint64_t in_use = get64(area, AT_XSTATE_BV);

    if ((in_use & BIT(X86_XSAVE_X87)) == 0) {
        memset(bytes, 0, AT_MXCSR);
        memset(bytes + AT_ST, 0, AT_XMM - AT_ST);
        put(area, AT_FCW, &(uint16_t){FCW_INITIAL}, 2);
    }
    bytes[AT_FTW + 1] = 0;
    /* 80-bit registers in 16-byte slots. */
    for (size_t i = 0; i < 8; i++)
        memset(bytes + AT_ST + 16 * i + 10, 0, 6);
    /* XRSTOR loads MXCSR whatever SSE's bit says; an area that was never filled has 0 there, and no
     * bit set. */
    if (get32(area, AT_MXCSR) == 0 && (in_use & (BIT(X86_XSAVE_SSE) | BIT(X86_XSAVE_AVX))) == 0)
        put(area, AT_MXCSR, &(uint32_t){X86_MXCSR_INITIAL}, 4);
    put(area, AT_MXCSR_MASK, &layout->mxcsr_mask, 4);
    if ((in_use & BIT(X86_XSAVE_SSE)) == 0)
        memset(bytes + AT_XMM, 0, AT_XMM_END - AT_XMM);
    for (unsigned i = 2; i < X86_XSAVE_COMPONENTS; i++) {
        if (whole(layout, i) && (in_use & BIT(i)) == 0)
            memset(bytes + layout->at[i].offset, 0, layout->at[i].size);
    }
    clear_gaps(layout, bytes);
    set_xstate_bv(layout, area);
}

/* A component that *fpu holds: bytes [part, part + each) of vectors [first, first + 16). */
struct vector_part {
    unsigned component, first, part, each;
};

static const struct vector_part vector_parts[] = {
    {X86_XSAVE_AVX, 0, 16, 16},
    {X86_XSAVE_ZMM_HI256, 0, 32, 32},
    {X86_XSAVE_HI16_ZMM, 16, 0, 64},
};

static bool holds(const struct x86_xsave_layout *layout, unsigned component, size_t size)
{
    return whole(layout, component) && layout->at[component].size >= size;
}

void x86_xsave_get_fpu(const struct x86_xsave_layout *layout, const void *area,
                       vmaccel_x86_fpu *fpu)
{
    const uint8_t *bytes = area;

    memset(fpu, 0, sizeof(*fpu));
    memcpy(&fpu->fcw, bytes + AT_FCW, 2);
    memcpy(&fpu->fsw, bytes + AT_FSW, 2);
    fpu->ftw = bytes[AT_FTW];
    memcpy(&fpu->fop, bytes + AT_FOP, 2);
    memcpy(&fpu->fip, bytes + AT_FIP, 8);
    memcpy(&fpu->fdp, bytes + AT_FDP, 8);
    memcpy(&fpu->mxcsr, bytes + AT_MXCSR, 4);
    memcpy(fpu->st, bytes + AT_ST, sizeof(fpu->st));
    for (size_t i = 0; i < 16; i++)
        memcpy(fpu->vector[i], bytes + AT_XMM + 16 * i, 16);
    for (size_t p = 0; p < sizeof(vector_parts) / sizeof(vector_parts[0]); p++) {
        const struct vector_part *part = &vector_parts[p];
        if (!holds(layout, part->component, 16 * part->each))
            continue;
        for (size_t i = 0; i < 16; i++)
            memcpy(fpu->vector[part->first + i] + part->part,
                   bytes + layout->at[part->component].offset + part->each * i, part->each);
    }
    if (holds(layout, X86_XSAVE_OPMASK, sizeof(fpu->k)))
        memcpy(fpu->k, bytes + layout->at[X86_XSAVE_OPMASK].offset, sizeof(fpu->k));
}

int x86_xsave_set_fpu(const struct x86_xsave_layout *layout, void *area, const vmaccel_x86_fpu *fpu)
{
    uint8_t *bytes = area;

    for (size_t p = 0; p < sizeof(vector_parts) / sizeof(vector_parts[0]); p++) {
        const struct vector_part *part = &vector_parts[p];
        for (size_t i = 0; i < 16 && !holds(layout, part->component, 16 * part->each); i++) {
            if (!all_zero(fpu->vector[part->first + i] + part->part, part->each))
                return (int)part->component;
        }
    }
    if (!holds(layout, X86_XSAVE_OPMASK, sizeof(fpu->k)) &&
        !all_zero((const uint8_t *)fpu->k, sizeof(fpu->k)))
        return X86_XSAVE_OPMASK;

    put(area, AT_FCW, &fpu->fcw, 2);
    put(area, AT_FSW, &fpu->fsw, 2);
    bytes[AT_FTW] = fpu->ftw;
    put(area, AT_FOP, &fpu->fop, 2);
    put(area, AT_FIP, &fpu->fip, 8);
    put(area, AT_FDP, &fpu->fdp, 8);
    put(area, AT_MXCSR, &fpu->mxcsr, 4);
    for (size_t i = 0; i < 8; i++)
        memcpy(bytes + AT_ST + 16 * i, fpu->st[i], 10);
    for (size_t i = 0; i < 16; i++)
        memcpy(bytes + AT_XMM + 16 * i, fpu->vector[i], 16);
    for (size_t p = 0; p < sizeof(vector_parts) / sizeof(vector_parts[0]); p++) {
        const struct vector_part *part = &vector_parts[p];
        if (!holds(layout, part->component, 16 * part->each))
            continue;
        for (size_t i = 0; i < 16; i++)
            memcpy(bytes + layout->at[part->component].offset + part->each * i,
                   fpu->vector[part->first + i] + part->part, part->each);
    }
    if (holds(layout, X86_XSAVE_OPMASK, sizeof(fpu->k)))
        memcpy(bytes + layout->at[X86_XSAVE_OPMASK].offset, fpu->k, sizeof(fpu->k));
    set_xstate_bv(layout, area);
    return -1;
}
