/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/walk.h"

#include "arch/x86/cr.h"
#include "arch/x86/state.h"

#define PTE_P  X86_BIT(0)
#define PTE_W  X86_BIT(1)
#define PTE_U  X86_BIT(2)
#define PTE_PS X86_BIT(7)
#define PTE_NX X86_BIT(63)

#define ADDRESS_MASK UINT64_C(0xffffffffff000) /* 52 bits of physical address */

/* How a mode's tables are laid out. */
struct mode {
    uint64_t root;
    unsigned levels;     /* the top one first */
    unsigned bits;       /* of index a level */
    unsigned entry_size; /* bytes */
    bool pae_root;       /* the top level is the four PDPTEs of PAE, without permissions */
    bool nx;
    unsigned largest; /* the highest level (1 lowest) that may map a page itself */
};

static struct mode mode_of(const vmaccel_x86_sregs *s)
{
    bool nx = (s->efer & X86_EFER_NXE) != 0;

    if ((s->cr4 & X86_CR4_PAE) == 0)
        return (struct mode){.root = s->cr3 & 0xfffff000u,
                             .levels = 2,
                             .bits = 10,
                             .entry_size = 4,
                             .largest = (s->cr4 & X86_CR4_PSE) != 0 ? 2 : 1};
    if ((s->efer & X86_EFER_LMA) == 0)
        return (struct mode){.root = s->cr3 & 0xffffffe0u,
                             .levels = 3,
                             .bits = 9,
                             .entry_size = 8,
                             .pae_root = true,
                             .nx = nx,
                             .largest = 2};
    return (struct mode){.root = s->cr3 & ADDRESS_MASK,
                         .levels = (s->cr4 & X86_CR4_LA57) != 0 ? 5 : 4,
                         .bits = 9,
                         .entry_size = 8,
                         .nx = nx,
                         .largest = 3};
}

/* Bits that must be 0 in a present entry; CPUs' physical-address widths differ, so only those above
 * 52 bits count. */
static uint64_t reserved_bits(const struct mode *mode, unsigned level, bool leaf)
{
    uint64_t reserved = 0;

    if (mode->entry_size ==
        4) /* PSE-36 uses bits 13 to 20 of a 4 MiB page as address bits 32 to 39 */
        return leaf && level == 2 ? X86_BIT(21) : 0;
    if (mode->pae_root && level == 3)
        return UINT64_C(0xfff00000000001e6);
    if (!mode->nx)
        reserved |= PTE_NX;
    if (mode->pae_root)
        reserved |= UINT64_C(0x7ff0000000000000);
    if (leaf && level > 1) /* address bits below the page's size; bit 12 is PAT */
        reserved |= (X86_BIT(12 + mode->bits * (level - 1)) - 1) & ~UINT64_C(0x1fff);
    if (level > mode->largest)
        reserved |= PTE_PS;
    return reserved;
}

static uint64_t page_base(const struct mode *mode, unsigned level, uint64_t entry)
{
    uint64_t size = X86_BIT(12 + mode->bits * (level - 1));

    if (mode->entry_size == 4 && level == 2)
        return (entry & 0xffc00000u) | (entry >> 13 & 0xff) << 32;
    return entry & ADDRESS_MASK & ~(size - 1);
}

static bool allowed(const vmaccel_x86_sregs *s, const struct x86_translation *page, uint32_t access,
                    bool rflags_ac)
{
    bool user = (access & X86_FAULT_USER) != 0, fetch = (access & X86_FAULT_FETCH) != 0;
    bool write = (access & X86_FAULT_WRITE) != 0;

    if (fetch && (page->no_execute || (!user && page->user && (s->cr4 & X86_CR4_SMEP) != 0)))
        return false;
    if (user && !page->user)
        return false;
    if (!user && !fetch && page->user && (s->cr4 & X86_CR4_SMAP) != 0 && !rflags_ac)
        return false;
    return !write || page->writable || (!user && (s->cr0 & X86_CR0_WP) == 0);
}

/* The fetch bit is reported only where the CPU can tell fetches from reads. */
static uint32_t code_of(const vmaccel_x86_sregs *s, uint32_t access, uint32_t why)
{
    bool tells = (s->cr4 & X86_CR4_SMEP) != 0 ||
                 ((s->cr4 & X86_CR4_PAE) != 0 && (s->efer & X86_EFER_NXE) != 0);

    return (access & (X86_FAULT_WRITE | X86_FAULT_USER)) | (tells ? access & X86_FAULT_FETCH : 0) |
           why;
}

/* Follow the tables. On X86_WALK_FAULT *why holds PRESENT and RESERVED. */
static enum x86_walk_result follow(const vmaccel_x86_sregs *s, uint64_t linear,
                                   x86_read_physical read, void *context,
                                   struct x86_translation *out, uint32_t *why)
{
    struct mode mode = mode_of(s);
    uint64_t table = mode.root;

    *out = (struct x86_translation){.writable = true, .user = true};
    for (unsigned level = mode.levels; level >= 1; level--) {
        unsigned shift = 12 + mode.bits * (level - 1);
        uint64_t index = linear >> shift & (X86_BIT(mode.bits) - 1);
        uint64_t entry = 0;

        if (!read(context, table + index * mode.entry_size, &entry, mode.entry_size))
            return X86_WALK_NO_MEMORY;
        if ((entry & PTE_P) == 0) {
            *why = 0;
            return X86_WALK_FAULT;
        }
        bool leaf = level == 1 || (level <= mode.largest && (entry & PTE_PS) != 0);
        if ((entry & reserved_bits(&mode, level, leaf)) != 0) {
            *why = X86_FAULT_PRESENT | X86_FAULT_RESERVED;
            return X86_WALK_FAULT;
        }
        if (!(mode.pae_root && level == 3)) {
            out->writable = out->writable && (entry & PTE_W) != 0;
            out->user = out->user && (entry & PTE_U) != 0;
            out->no_execute = out->no_execute || (mode.nx && (entry & PTE_NX) != 0);
        }
        if (leaf) {
            out->page_size = X86_BIT(shift);
            out->gpa = page_base(&mode, level, entry) | (linear & (out->page_size - 1));
            return X86_WALK_OK;
        }
        table = mode.entry_size == 4 ? entry & 0xfffff000u : entry & ADDRESS_MASK;
    }
    return X86_WALK_FAULT; /* level 1 is always a leaf */
}

static bool fits_mode(const vmaccel_x86_sregs *s, uint64_t *linear)
{
    if ((s->efer & X86_EFER_LMA) != 0)
        return x86_is_canonical(*linear, (s->cr4 & X86_CR4_LA57) != 0 ? 57 : 48);
    *linear &= 0xffffffffu;
    return true;
}

enum x86_walk_result x86_walk_access(const vmaccel_x86_sregs *sregs, uint64_t linear,
                                     uint32_t access, bool rflags_ac, x86_read_physical read,
                                     void *context, struct x86_translation *out,
                                     uint32_t *error_code)
{
    uint32_t why = 0;

    *error_code = 0;
    if (!fits_mode(sregs, &linear))
        return X86_WALK_NOT_CANONICAL;
    if ((sregs->cr0 & X86_CR0_PG) == 0) {
        *out = (struct x86_translation){.gpa = linear, .writable = true, .user = true};
        return X86_WALK_OK;
    }
    enum x86_walk_result result = follow(sregs, linear, read, context, out, &why);
    if (result == X86_WALK_OK && !allowed(sregs, out, access, rflags_ac)) {
        result = X86_WALK_FAULT;
        why = X86_FAULT_PRESENT;
    }
    if (result == X86_WALK_FAULT)
        *error_code = code_of(sregs, access, why);
    return result;
}

bool x86_walk(const vmaccel_x86_sregs *sregs, uint64_t linear, x86_read_physical read,
              void *context, uint64_t *gpa)
{
    struct x86_translation page;
    uint32_t error_code;

    /* RFLAGS.AC set: SMAP stops no kernel that means to read. */
    if (x86_walk_access(sregs, linear, 0, true, read, context, &page, &error_code) != X86_WALK_OK)
        return false;
    *gpa = page.gpa;
    return true;
}
