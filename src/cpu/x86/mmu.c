/* SPDX-License-Identifier: BSD-2-Clause */
/* Translation of linear addresses (Intel SDM vol. 3, "Paging") and the tables that cache it. */
#include "cpu/x86/engine.h"

#include <string.h>

#define PTE_P  X86_BIT(0)
#define PTE_W  X86_BIT(1)
#define PTE_U  X86_BIT(2)
#define PTE_A  X86_BIT(5)
#define PTE_D  X86_BIT(6)
#define PTE_PS X86_BIT(7)
#define PTE_G  X86_BIT(8)
#define PTE_NX X86_BIT(63)

#define PF_P    1u
#define PF_W    2u
#define PF_U    4u
#define PF_RSVD 8u
#define PF_I    16u
#define PF_PK   32u

#define PAGE_MASK    UINT64_C(0xfff)
#define ADDRESS_MASK (X86_BIT(CPU_PHYS_BITS) - 1)
/* Address bits that no physical address has; bits 52 to 58 are the system's. */
#define RESERVED_HIGH ((X86_BIT(52) - 1) & ~ADDRESS_MASK)

#define WALK_FETCH 8u
#define WALK_USER  16u

struct leaf {
    uint64_t gpa;
    uint64_t size;
    bool global, dirty;
};

static int fault(struct cpu *c, uint64_t linear, unsigned access, uint32_t error)
{
    bool nx = (c->efer & X86_EFER_NXE) && (c->cr4 & X86_CR4_PAE);
    error |= access & ACCESS_WRITE ? PF_W : 0;
    error |= access & WALK_USER ? PF_U : 0;
    error |= (access & WALK_FETCH) && (nx || (c->cr4 & X86_CR4_SMEP)) ? PF_I : 0;
    c->event = (struct event){.kind = EVENT_EXCEPTION,
                              .vector = EXC_PF,
                              .has_error = true,
                              .error = error,
                              .address = linear};
    return -1;
}

static struct phys_entry *phys_lookup(struct cpu *c, uint64_t gpa, bool write)
{
    struct phys_entry *e = &c->mmu->phys[(gpa >> 12) % PHYS_ENTRIES];
    gpa &= ~PAGE_MASK;
    if (e->gpa == gpa && (!write || e->marked || !e->writable))
        return e;
    struct cpu_page page = {0};
    e->gpa = gpa;
    e->marked = write;
    if (c->ops->page(c->vm->config.context, gpa, write, &page)) {
        e->host = page.host;
        e->writable = page.writable;
        e->executable = page.executable;
    } else {
        e->host = NULL;
        e->writable = e->executable = false;
    }
    return e;
}

/* Host address of a byte of memory, NULL for a device or where writes go to one. */
uint8_t *mmu_physical(struct cpu *c, uint64_t gpa, bool write)
{
    const struct phys_entry *e = phys_lookup(c, gpa, write);
    if (!e->host || (write && !e->writable))
        return NULL;
    return e->host + (gpa & PAGE_MASK);
}

/* What lies outside memory reads as ones, which no walk accepts. */
static uint64_t read_entry(struct cpu *c, uint64_t gpa, bool wide, uint8_t **host)
{
    *host = mmu_physical(c, gpa, false);
    if (!*host)
        return UINT64_MAX;
    return wide ? os_load64(*host) : os_load32(*host);
}

/* Set bits in an entry that still is what was read; false: it changed, walk again. */
static bool set_bits(struct cpu *c, uint64_t gpa, bool wide, uint64_t entry, uint64_t bits)
{
    uint8_t *host = mmu_physical(c, gpa, true);
    if (!host)
        return true; /* a table in read-only memory keeps its bits */
    bool set;
    if (wide) {
        set = os_cas64(host, &entry, entry | bits);
    } else {
        uint32_t narrow = (uint32_t)entry;
        set = os_cas32(host, &narrow, narrow | (uint32_t)bits);
    }
    if (set)
        memory_wrote(c, host, wide ? 8 : 4);
    return set;
}

/* Whether the protection key of a user page denies the access, whatever else does. */
static bool key_denies(const struct cpu *c, unsigned access, unsigned key)
{
    if (!(c->cr4 & X86_CR4_PKE) || !(c->efer & X86_EFER_LMA) || (access & WALK_FETCH))
        return false;
    unsigned pk = c->pkru >> (2 * key) & 3;
    bool no_write = (pk & 2) && ((access & WALK_USER) || (c->cr0 & X86_CR0_WP));
    return (pk & 1) || ((access & ACCESS_WRITE) && no_write);
}

/* Whether the rights gathered on the way (in `entry`: W, U, NX of all levels) allow the access. */
static bool allowed(struct cpu *c, unsigned access, uint64_t rights, unsigned key, uint32_t *error)
{
    bool user_page = rights & PTE_U, write = access & ACCESS_WRITE;
    bool denied = user_page && key_denies(c, access, key);
    *error = denied ? PF_P | PF_PK : PF_P;
    if (access & WALK_FETCH) {
        if (rights & PTE_NX)
            return false;
        return access & WALK_USER ? user_page : !(user_page && (c->cr4 & X86_CR4_SMEP));
    }
    if (access & WALK_USER) {
        if (!user_page || (write && !(rights & PTE_W)))
            return false;
    } else {
        if (write && !(rights & PTE_W) && (c->cr0 & X86_CR0_WP))
            return false;
        if (user_page && (c->cr4 & X86_CR4_SMAP) &&
            ((access & ACCESS_SYSTEM) || !(c->rflags & X86_FLAGS_AC)))
            return false;
    }
    return !denied;
}

/* 0: again, 1: ok, -1: fault. */
static int walk_once(struct cpu *c, uint64_t linear, unsigned access, struct leaf *leaf)
{
    bool wide = c->cr4 & X86_CR4_PAE, nxe = c->efer & X86_EFER_NXE;
    unsigned level, bits = wide ? 9 : 10;
    uint64_t table, rights = PTE_W | PTE_U;
    if (c->efer & X86_EFER_LMA) {
        level = c->cr4 & X86_CR4_LA57 ? 5 : 4;
        table = c->cr3 & ADDRESS_MASK & ~PAGE_MASK;
    } else if (wide) {
        uint64_t pdpte = c->pdpte[linear >> 30 & 3];
        if (!(pdpte & PTE_P))
            return fault(c, linear, access, 0);
        level = 2;
        table = pdpte & ADDRESS_MASK & ~PAGE_MASK;
    } else {
        level = 2;
        table = c->cr3 & UINT64_C(0xfffff000);
    }
    for (;; level--) {
        unsigned shift = 12 + (level - 1) * bits;
        uint64_t gpa = table + ((linear >> shift & ((1u << bits) - 1)) << (wide ? 3 : 2));
        uint8_t *host;
        uint64_t entry = read_entry(c, gpa, wide, &host);
        if (!host)
            return fault(c, linear, access, PF_P | PF_RSVD);
        if (!(entry & PTE_P))
            return fault(c, linear, access, 0);
        bool large = (entry & PTE_PS) &&
                     (wide ? level == 2 || level == 3 : level == 2 && (c->cr4 & X86_CR4_PSE));
        uint64_t reserved = 0;
        if (wide) {
            reserved = RESERVED_HIGH | (nxe ? 0 : PTE_NX);
            if (!(c->efer & X86_EFER_LMA))
                reserved |= UINT64_C(0x7ff) << 52; /* PAE: 52 to 62 */
            if (level >= 4)
                reserved |= PTE_PS;
            if (large)
                reserved |= (X86_BIT(shift) - 1) & ~UINT64_C(0x1fff);
        } else if (large) {
            reserved = X86_BIT(21);
        }
        if (entry & reserved)
            return fault(c, linear, access, PF_P | PF_RSVD);
        rights = (rights & entry & (PTE_W | PTE_U)) | ((rights | entry) & (wide ? PTE_NX : 0));
        if (level > 1 && !large) {
            if (!(entry & PTE_A) && !set_bits(c, gpa, wide, entry, PTE_A))
                return 0;
            table = entry & ADDRESS_MASK & ~PAGE_MASK;
            continue;
        }
        uint32_t error;
        unsigned key = wide ? (unsigned)(entry >> 59 & 15) : 0;
        if (!allowed(c, access, rights, key, &error))
            return fault(c, linear, access, error);
        uint64_t want = PTE_A | (access & ACCESS_WRITE ? PTE_D : 0);
        if ((entry & want) != want && !set_bits(c, gpa, wide, entry, want))
            return 0;
        uint64_t offset = X86_BIT(shift) - 1;
        uint64_t base = entry & ADDRESS_MASK & ~offset;
        if (!wide && large)
            base = (entry & UINT64_C(0xffc00000)) | (entry >> 13 & 0xff) << 32;
        leaf->gpa = (base & ~offset) | (linear & offset);
        leaf->size = offset + 1;
        leaf->global = (entry & PTE_G) && (c->cr4 & X86_CR4_PGE);
        leaf->dirty = (entry & PTE_D) || (want & PTE_D);
        return 1;
    }
}

static bool walk(struct cpu *c, uint64_t linear, unsigned access, struct leaf *leaf)
{
    if (!(c->cr0 & X86_CR0_PG)) {
        *leaf = (struct leaf){linear & ADDRESS_MASK, 4096, false, true};
        return true;
    }
    int result;
    do
        result = walk_once(c, linear, access, leaf);
    while (result == 0);
    if (result > 0 && leaf->size > 4096) {
        unsigned half = linear >> 63;
        uint64_t first = linear & ~(leaf->size - 1), last = first | (leaf->size - 1);
        if (first < c->mmu->large[half].first)
            c->mmu->large[half].first = first;
        if (last > c->mmu->large[half].last)
            c->mmu->large[half].last = last;
    }
    return result > 0;
}

bool mmu_canonical(const struct cpu *c, uint64_t linear)
{
    unsigned shift = c->cr4 & X86_CR4_LA57 ? 7 : 16;
    return (uint64_t)((int64_t)(linear << shift) >> shift) == linear;
}

static unsigned table_for(const struct cpu *c, unsigned access)
{
    if (c->cpl == 3 && !(access & ACCESS_SYSTEM))
        return TLB_USER;
    bool smap =
        (c->cr4 & X86_CR4_SMAP) && ((access & ACCESS_SYSTEM) || !(c->rflags & X86_FLAGS_AC));
    return smap ? TLB_SMAP : TLB_SUPERVISOR;
}

bool mmu_translate(struct cpu *c, uint64_t linear, unsigned access, struct physical *out)
{
    unsigned table = table_for(c, access);
    bool write = access & (ACCESS_WRITE | ACCESS_RMW);
    if (access & ACCESS_RMW)
        access |= ACCESS_WRITE;
    size_t index = linear >> 12 & (TLB_ENTRIES - 1);
    struct tlb_entry *e = &c->mmu->tlb[table][index];
    uint64_t page = linear & ~PAGE_MASK;
    if ((write ? e->write : e->read) == page) {
        out->gpa = e->gpa + (linear & PAGE_MASK);
        out->host = (uint8_t *)(e->addend + linear);
        return true;
    }
    struct leaf leaf;
    if (table == TLB_USER)
        access |= WALK_USER;
    if (!walk(c, linear, access, &leaf))
        return false;
    out->gpa = leaf.gpa;
    const struct phys_entry *p = phys_lookup(c, leaf.gpa, write);
    out->host = p->host ? p->host + (leaf.gpa & PAGE_MASK) : NULL;
    if (write && !p->writable) {
        if (!(access & ACCESS_RMW) || !p->host)
            out->host = NULL;
        return true;
    }
    if (!p->host)
        return true;
    uint64_t write_tag = TLB_INVALID;
    if (write &&
        atomic_load_explicit(&c->vm->code_lines[code_index(p->host)], memory_order_seq_cst) == 0)
        write_tag = page;
    else if (!write && e->read == page)
        write_tag = e->write;
    e->read = page;
    e->write = write_tag;
    e->addend = (uintptr_t)p->host - (uintptr_t)page;
    e->gpa = leaf.gpa & ~PAGE_MASK;
    c->mmu->global[table][index] = leaf.global;
    if (!leaf.global) {
        if (c->mmu->journal_used < TLB_JOURNAL)
            c->mmu->journal[c->mmu->journal_used] = (uint16_t)(table * TLB_ENTRIES + index);
        if (c->mmu->journal_used <= TLB_JOURNAL)
            c->mmu->journal_used++;
    }
    return true;
}

bool mmu_translate_code(struct cpu *c, uint64_t linear, struct physical *out)
{
    unsigned user = c->cpl == 3;
    size_t index = linear >> 12 & (CODE_TLB_ENTRIES - 1);
    struct code_tlb_entry *e = &c->mmu->code[user][index];
    uint64_t page = linear & ~PAGE_MASK;
    if (e->page != page) {
        struct leaf leaf;
        if (!walk(c, linear, WALK_FETCH | (user ? WALK_USER : 0), &leaf))
            return false;
        const struct phys_entry *p = phys_lookup(c, leaf.gpa, false);
        out->gpa = leaf.gpa;
        out->host = NULL;
        if (!p->host || !p->executable)
            return true;
        *e = (struct code_tlb_entry){page, leaf.gpa & ~PAGE_MASK, p->host};
        c->mmu->code_global[user][index] = leaf.global;
    }
    out->gpa = e->gpa + (linear & PAGE_MASK);
    /* The pointer is only read from; struct physical serves data as well. */
    out->host = (uint8_t *)(uintptr_t)e->host + (linear & PAGE_MASK);
    return true;
}

static void invalidate(struct tlb_entry *e)
{
    e->read = e->write = TLB_INVALID;
}

/* No entry has the key of a stepping CPU. */
static void set_jump_key(struct cpu *c)
{
    c->jump_key = (uint64_t)c->mmu->generation << 32 | c->mode;
}

static void new_generation(struct cpu *c)
{
    c->mmu->generation++;
    set_jump_key(c);
}

void cpu_flush_tlb(struct cpu *c, bool global)
{
    struct mmu *m = c->mmu;
    if (!global && m->journal_used <= TLB_JOURNAL) {
        for (uint32_t i = 0; i < m->journal_used; i++) {
            unsigned table = m->journal[i] / TLB_ENTRIES, index = m->journal[i] % TLB_ENTRIES;
            if (!m->global[table][index])
                invalidate(&m->tlb[table][index]);
        }
    } else {
        for (unsigned table = 0; table < TLB_TABLES; table++)
            for (unsigned i = 0; i < TLB_ENTRIES; i++)
                if (global || !m->global[table][i])
                    invalidate(&m->tlb[table][i]);
    }
    m->journal_used = 0;
    for (unsigned user = 0; user < 2; user++)
        for (unsigned i = 0; i < CODE_TLB_ENTRIES; i++)
            if (global || !m->code_global[user][i])
                m->code[user][i].page = TLB_INVALID;
    if (global)
        for (unsigned half = 0; half < 2; half++) {
            m->large[half].first = UINT64_MAX;
            m->large[half].last = 0;
        }
    new_generation(c);
}

void cpu_flush_page(struct cpu *c, uint64_t linear)
{
    struct mmu *m = c->mmu;
    unsigned half = linear >> 63;
    if (linear >= m->large[half].first && linear <= m->large[half].last) {
        cpu_flush_tlb(c, true);
        return;
    }
    uint64_t page = linear & ~PAGE_MASK;
    size_t index = linear >> 12 & (TLB_ENTRIES - 1);
    for (unsigned table = 0; table < TLB_TABLES; table++)
        if (m->tlb[table][index].read == page)
            invalidate(&m->tlb[table][index]);
    index = linear >> 12 & (CODE_TLB_ENTRIES - 1);
    for (unsigned user = 0; user < 2; user++)
        if (m->code[user][index].page == page)
            m->code[user][index].page = TLB_INVALID;
    new_generation(c);
}

void mmu_flush_all(struct cpu *c)
{
    for (unsigned i = 0; i < PHYS_ENTRIES; i++)
        c->mmu->phys[i].gpa = TLB_INVALID;
    cpu_flush_tlb(c, true);
}

void mmu_drop_writes(struct cpu *c)
{
    for (unsigned table = 0; table < TLB_TABLES; table++)
        for (unsigned i = 0; i < TLB_ENTRIES; i++)
            c->mmu->tlb[table][i].write = TLB_INVALID;
    for (unsigned i = 0; i < PHYS_ENTRIES; i++)
        c->mmu->phys[i].marked = false;
}

void mmu_drop_code_write(struct cpu *c, const uint8_t *host_page)
{
    for (unsigned table = 0; table < TLB_TABLES; table++)
        for (unsigned i = 0; i < TLB_ENTRIES; i++) {
            struct tlb_entry *e = &c->mmu->tlb[table][i];
            if (e->write != TLB_INVALID &&
                (uintptr_t)(e->addend + e->write) == (uintptr_t)host_page)
                e->write = TLB_INVALID;
        }
}

void mmu_select(struct cpu *c)
{
    bool checked =
        cpu_watches_data(c) || (c->cpl == 3 && (c->cr0 & X86_CR0_AM) && (c->rflags & X86_FLAGS_AC));
    c->tlb = c->mmu->tlb[checked ? TLB_TABLES : table_for(c, 0)];
    set_jump_key(c);
}

bool mmu_init(struct cpu *c)
{
    c->mmu = os_alloc(sizeof *c->mmu);
    if (!c->mmu)
        return false;
    for (unsigned i = 0; i < TLB_ENTRIES; i++)
        invalidate(&c->mmu->tlb[TLB_TABLES][i]);
    mmu_flush_all(c);
    return true;
}
