/* SPDX-License-Identifier: BSD-2-Clause */
/* What the engine's own files share: the VM, block cache and translation tables. */
#ifndef VMACCEL_CPU_X86_ENGINE_H
#define VMACCEL_CPU_X86_ENGINE_H

#include "cpu/x86/block.h"
#include "cpu/x86/internal.h"

/* Pages that hold translated code: bit n of a word is the page's nth 64 bytes. Pages are found by
 * host address, so that aliases share a word; pages 4 GiB apart share one too, which costs time but
 * is safe. */
#define CODE_PAGES (1u << 20)

struct cpu_vm {
    struct cpu_vm_config config;
    const struct cpu_ops *ops;
    _Atomic uint64_t *code_lines; /* CODE_PAGES */
    _Atomic uint8_t *code_hits;   /* CODE_PAGES: writes to the page's code since it was marked */
    os_mutex split_lock;
    _Atomic(struct cpu *) *cpus; /* max_cpus */
    ZydisDecoder decoders[5];
};

/* ---- block.c ---- */

struct block {
    struct block *next; /* in its hash chain */
    uint64_t gpa, gpa2; /* gpa2: of the second page, where code crosses into one */
    const uint8_t *bytes;
    uint32_t mode;
    uint16_t size; /* bytes of code */
    bool crosses;
    struct uop uops[]; /* the first is the head */
};

#define BLOCK_HASH_BITS    15
#define BLOCK_MAX_INSNS    48
#define BLOCK_MAX_BRANCHES 4 /* conditional jumps */

struct code_cache {
    uint8_t *arena;
    size_t size, used;
    struct block *hash[1u << BLOCK_HASH_BITS];
    /* Scratch of the translator. */
    uint8_t bytes[512];
    struct {
        ZydisDecodedInstruction insn;
        ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
        uint16_t off;
        uint64_t live;
    } insns[BLOCK_MAX_INSNS];
    struct uop uops[BLOCK_MAX_UOPS + 32];
    uint16_t inner[BLOCK_MAX_BRANCHES]; /* uops whose link points into `uops` */
    unsigned inner_count;
};

/* The uops for the bytes in c->given, or NULL: they end before their instruction. */
const struct uop *block_given(struct cpu *c);
/* The uops for r[RIP] in the current mode, or NULL with c->event filled. */
const struct uop *block_find(struct cpu *c);
void block_drop_all(struct cpu *c);

/* ---- translate.c ---- */

/* Decode at `bytes` (`available` of them before the page ends). Fills code->uops; returns how many,
 * 0 where the first instruction needs more bytes. */
unsigned translate_block(struct cpu *c, const uint8_t *bytes, size_t available, bool crosses,
                         uint16_t *size);
extern const uop_fn uop_block_head;

/* ---- mmu.c ---- */

#define ACCESS_WRITE   1u
#define ACCESS_SYSTEM  2u  /* supervisor whatever the CPL */
#define ACCESS_RMW     4u  /* a read that faults as a write */
#define ACCESS_ELEMENT 64u /* AC does not apply; 8 and up to 32 are the walk's own */

struct physical {
    uint64_t gpa;  /* of the byte */
    uint8_t *host; /* of the byte; NULL: a device */
};

#define CODE_TLB_ENTRIES 128
struct code_tlb_entry {
    uint64_t page; /* linear, TLB_INVALID */
    uint64_t gpa;
    const uint8_t *host;
};

#define PHYS_ENTRIES 256
struct phys_entry {
    uint64_t gpa; /* TLB_INVALID: free */
    uint8_t *host;
    bool writable, executable, marked; /* marked: told to the page callback as written */
};

#define TLB_JOURNAL 96
struct mmu {
    struct tlb_entry tlb[TLB_TABLES + 1][TLB_ENTRIES]; /* the last one stays empty */
    bool global[TLB_TABLES][TLB_ENTRIES];
    uint16_t journal[TLB_JOURNAL]; /* table * TLB_ENTRIES + index of entries not global */
    uint32_t journal_used;         /* over TLB_JOURNAL: unknown */
    struct code_tlb_entry code[2][CODE_TLB_ENTRIES];
    bool code_global[2][CODE_TLB_ENTRIES];
    struct phys_entry phys[PHYS_ENTRIES];
    struct {
        uint64_t first, last; /* linear addresses that large pages were seen in */
    } large[2];               /* lower and upper half */
    uint32_t generation;
};

bool mmu_init(struct cpu *c);
/* False: c->event is #PF. `page` bytes beyond the page's end are not looked at. */
bool mmu_translate(struct cpu *c, uint64_t linear, unsigned access, struct physical *out);
/* The page of code at a linear address; host NULL where no memory is. */
bool mmu_translate_code(struct cpu *c, uint64_t linear, struct physical *out);
void mmu_flush_all(struct cpu *c);   /* memory map changed: physical cache too */
void mmu_drop_writes(struct cpu *c); /* no page is writable without asking */
void mmu_drop_code_write(struct cpu *c, const uint8_t *host_page);
void mmu_select(struct cpu *c); /* c->tlb for the privilege; c->jump_key */
uint8_t *mmu_physical(struct cpu *c, uint64_t gpa, bool write);
bool mmu_canonical(const struct cpu *c, uint64_t linear);

/* ---- memory.c ---- */

static inline size_t code_index(const uint8_t *host)
{
    return (size_t)((uintptr_t)host >> 12) & (CODE_PAGES - 1);
}
/* After a write of `size` bytes at host: tell whoever translated code from there. */
void memory_wrote(struct cpu *c, const uint8_t *host, unsigned size);
/* Another thread's requests, and leaving or re-entering the state that others must wait for. */
/* Another request that no instruction may follow: an access that can't be delivered. */
void cpu_raise_unsupported(struct cpu *c, const struct uop *u);
void cpu_take_posts(struct cpu *c);
void vm_drop_writes(struct cpu_vm *vm, struct cpu *self);

static inline void callback_begin(struct cpu *c)
{
    atomic_store(&c->in_guest, 0);
}
void callback_end(struct cpu *c);

bool cpu_device_read(struct cpu *c, const struct uop *u, unsigned space, uint64_t address,
                     unsigned size, uint64_t *value);
bool cpu_device_write(struct cpu *c, unsigned space, uint64_t address, unsigned size,
                      uint64_t value);

/* ---- state.c ---- */

void cpu_fp_enter(struct cpu *c);
void cpu_fp_leave(struct cpu *c);

/* DR7 and breakpoint addresses in force: the host's or the guest's. */
static inline uint64_t cpu_dr7(const struct cpu *c)
{
    return c->debug.points ? c->debug.dr7 : c->dr7;
}
static inline uint64_t cpu_dr(const struct cpu *c, unsigned n)
{
    return c->debug.points ? c->debug.addr[n] : c->dr[n];
}
static inline bool cpu_watches_data(const struct cpu *c)
{
    uint64_t dr7 = cpu_dr7(c);
    for (unsigned n = 0; n < 4; n++)
        if ((dr7 >> (2 * n) & 3) != 0 && (dr7 >> (16 + 4 * n) & 3) != 0)
            return true;
    return false;
}

#endif
