/* SPDX-License-Identifier: BSD-2-Clause */
/* The cache of translated blocks. A block is run only when its code was seen unchanged since the
 * last write to any code page that could concern it: its head compares the number under which it
 * was verified with the CPU's. */
#include "cpu/x86/engine.h"

#include <string.h>

static size_t hash_of(uint64_t gpa, uint32_t mode)
{
    uint64_t key = (gpa ^ (uint64_t)mode << 20) * UINT64_C(0x9e3779b97f4a7c15);
    return key >> (64 - BLOCK_HASH_BITS);
}

void block_drop_all(struct cpu *c)
{
    memset(c->code->hash, 0, sizeof c->code->hash);
    memset(c->jumps, 0, sizeof *c->jumps * JUMP_ENTRIES);
    c->code->used = 0;
    c->verified = 1;
}

static const struct uop *block_head(struct cpu *c, const struct uop *u)
{
    if (UNLIKELY((uint32_t)u->imm != atomic_load_explicit(&c->epoch, memory_order_relaxed)))
        return NULL;
    NEXT(c, u);
}
const uop_fn uop_block_head = block_head;

/* From now on writes to these bytes are noticed, on all CPUs. False: while the others were told,
 * the memory map may have changed, and host addresses count no more. */
static bool mark(struct cpu *c, const uint8_t *host, size_t size)
{
    uint32_t generation = c->mmu->generation;
    size_t index = code_index(host);
    unsigned first = (unsigned)((uintptr_t)host >> 6 & 63);
    unsigned last = (unsigned)(((uintptr_t)host + size - 1) >> 6 & 63);
    uint64_t lines = (UINT64_MAX << first) & (UINT64_MAX >> (63 - last));
    uint64_t before = atomic_load(&c->vm->code_lines[index]);
    if ((before & lines) == lines)
        return true;
    if (atomic_fetch_or(&c->vm->code_lines[index], lines) == 0) {
        mmu_drop_code_write(c, (const uint8_t *)((uintptr_t)host & ~(uintptr_t)0xfff));
        vm_drop_writes(c->vm, c);
    }
    return generation == c->mmu->generation;
}

static uint64_t code_linear(const struct cpu *c, uint64_t rip)
{
    if (c->mode & MODE_CODE64)
        return rip;
    return (c->seg[SEG_CS].base + rip) & 0xffffffff;
}

/* Bytes of code at r[RIP]: in one page, or copied from two. */
struct source {
    uint64_t gpa, gpa2;
    const uint8_t *host, *host2;
    size_t room; /* bytes in the first page and the code segment */
    uint8_t both[32];
};

static bool locate(struct cpu *c, struct source *s)
{
    uint64_t linear = code_linear(c, c->r[RIP]);
    struct physical at;
    if ((c->mode & MODE_LONG) && !mmu_canonical(c, linear)) {
        cpu_raise_error(c, NULL, EXC_GP, 0);
        return false;
    }
    s->room = CPU_PAGE_SIZE - (linear & (CPU_PAGE_SIZE - 1));
    if (!(c->mode & MODE_CODE64) && !(c->mode & MODE_FLAT_CS)) {
        uint64_t limit = c->seg[SEG_CS].limit;
        if (c->r[RIP] > limit) {
            cpu_raise_error(c, NULL, EXC_GP, 0);
            return false;
        }
        if (limit - c->r[RIP] + 1 < s->room)
            s->room = limit - c->r[RIP] + 1;
    }
    if (!mmu_translate_code(c, linear, &at))
        return false;
    if (!at.host) {
        cpu_raise_unsupported(c, NULL);
        return false;
    }
    s->gpa = at.gpa;
    s->host = at.host;
    return true;
}

static void take_both(struct source *s)
{
    os_copy(s->both, s->host, s->room);
    os_copy(s->both + s->room, s->host2, 16);
}

/* The first instruction does not end in its page: #GP at the segment's end, or fetch the next. */
static bool locate_second(struct cpu *c, struct source *s)
{
    uint64_t linear = code_linear(c, c->r[RIP]);
    struct physical at;
    if ((linear + s->room) & (CPU_PAGE_SIZE - 1)) {
        cpu_raise_error(c, NULL, EXC_GP, 0);
        return false;
    }
    uint64_t second = c->mode & MODE_CODE64 ? linear + s->room : (uint32_t)(linear + s->room);
    if ((c->mode & MODE_LONG) && !mmu_canonical(c, second)) {
        cpu_raise_error(c, NULL, EXC_GP, 0);
        return false;
    }
    if (!mmu_translate_code(c, second, &at))
        return false;
    if (!at.host) {
        cpu_raise_unsupported(c, NULL);
        return false;
    }
    s->gpa2 = at.gpa;
    s->host2 = at.host;
    take_both(s);
    return true;
}

/* NULL: c->event is filled, or else the caller has to begin again. */
static struct block *make(struct cpu *c, struct source *s)
{
    struct code_cache *code = c->code;
    uint16_t size = 0;
    bool crosses = false;
    /* Marked before it is read: a write after this is noticed. Decoded from a copy, so that what is
     * compared later is what was decoded. */
    size_t look = s->room < 64 ? s->room : 64;
    size_t room = s->room < sizeof code->bytes ? s->room : sizeof code->bytes;
    const uint8_t *bytes = code->bytes;
    c->event.kind = EVENT_NONE;
    if (!mark(c, s->host, look))
        return NULL;
    os_copy(code->bytes, s->host, room);
    unsigned count = translate_block(c, bytes, room, false, &size);
    if (count == 0) {
        crosses = true;
        bytes = s->both;
        if (!locate_second(c, s) || !mark(c, s->host2, 16))
            return NULL;
        take_both(s);
        count = translate_block(c, bytes, s->room + 16, true, &size);
    } else if (size > look) {
        if (!mark(c, s->host, room))
            return NULL;
        os_copy(code->bytes, s->host, room);
        count = translate_block(c, bytes, room, false, &size);
        if (count == 0)
            return NULL;
    }
    size_t head = sizeof(struct block) + count * sizeof(struct uop);
    size_t total = (head + size + 31) & ~(size_t)31;
    if (code->used + total > code->size)
        block_drop_all(c);
    struct block *b = (struct block *)(void *)(code->arena + code->used);
    code->used += total;
    memcpy(b->uops, code->uops, count * sizeof(struct uop));
    for (unsigned i = 0; i < code->inner_count; i++) {
        struct uop *u = &b->uops[code->inner[i]];
        u->link = b->uops + (u->link - code->uops);
    }
    uint8_t *copy = (uint8_t *)b + head;
    memcpy(copy, bytes, size);
    b->bytes = copy;
    b->gpa = s->gpa;
    b->gpa2 = s->gpa2;
    b->mode = c->mode;
    b->size = size;
    b->crosses = crosses;
    struct block **chain = &code->hash[hash_of(s->gpa, c->mode)];
    b->next = *chain;
    *chain = b;
    return b;
}

/* The block in the cache, if its code is still what it was decoded from. */
static struct block *cached(struct cpu *c, struct source *s, bool *again)
{
    struct block **link = &c->code->hash[hash_of(s->gpa, c->mode)];
    struct block *b;
    for (b = *link; b; link = &b->next, b = b->next)
        if (b->gpa == s->gpa && b->mode == c->mode)
            break;
    if (!b || ((uint32_t)b->uops[0].imm == c->verified && !b->crosses && b->size <= s->room))
        return b;
    bool same;
    if (b->crosses) {
        same = s->room < b->size;
        if (same && !locate_second(c, s))
            return NULL;
        if (same && (!mark(c, s->host, s->room) || !mark(c, s->host2, b->size - s->room))) {
            *again = true;
            return NULL;
        }
        if (same) {
            take_both(s);
            same = b->gpa2 == s->gpa2 && memcmp(b->bytes, s->both, b->size) == 0;
        }
    } else {
        same = b->size <= s->room; /* the code segment may have shrunk */
        if (same && !mark(c, s->host, b->size)) {
            *again = true;
            return NULL;
        }
        same = same && os_same(s->host, b->bytes, b->size);
    }
    if (same)
        return b;
    *link = b->next; /* its head never matches again: numbers only grow */
    return NULL;
}

const struct uop *block_find(struct cpu *c)
{
    for (;;) {
        struct source s;
        bool again = false;
        c->event.kind = EVENT_NONE;
        if (!locate(c, &s))
            return NULL;
        struct block *b = cached(c, &s, &again);
        if (!b && !again && c->event.kind == EVENT_NONE)
            b = make(c, &s);
        if (!b && c->event.kind == EVENT_NONE)
            continue;
        if (!b)
            return NULL;
        b->uops[0].imm = c->verified;
        /* One that crosses is found through its second page each time; a step goes back to the
         * loop. */
        if (!b->crosses && !(c->mode & MODE_STEP))
            *jump_entry_at(c, c->r[RIP]) = (struct jump_entry){c->r[RIP], c->jump_key, b->uops, 0};
        return b->uops;
    }
}

const struct uop *block_given(struct cpu *c)
{
    uint16_t size;
    c->event.kind = EVENT_NONE;
    if (translate_block(c, c->given.bytes, c->given.count, false, &size) == 0)
        return NULL;
    c->code->uops[0].imm = c->verified;
    return c->code->uops;
}

const struct uop *cpu_link(struct cpu *c, const struct uop *u)
{
    if (UNLIKELY(atomic_load_explicit(&c->epoch, memory_order_relaxed) == 0))
        return NULL;
    uint32_t mode = c->mode;
    size_t used = c->code->used;
    const struct uop *next = block_find(c);
    /* When the cache was dropped for room, `u` is gone. */
    if (next && c->code->used >= used && mode == c->mode)
        ((struct uop *)(uintptr_t)u)->link = next;
    return next;
}
