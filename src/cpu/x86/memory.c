/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory accesses that the translation tables don't answer at once: faults, devices, accesses that
 * cross pages, watched and code-holding pages. */
#include "cpu/x86/engine.h"

#include <string.h>

void callback_end(struct cpu *c)
{
    atomic_store(&c->in_guest, 1);
    uint32_t posted = atomic_load(&c->posted);
    if (posted & (POST_FLUSH | POST_WRITES))
        cpu_take_posts(c);
    /* What a device asked for comes after this instruction. */
    if (posted & (CPU_POST_STOP | CPU_POST_INTERRUPT | CPU_POST_NMI))
        c->stop = true;
}

static bool access_fault(struct cpu *c, const struct uop *u, uint8_t vector)
{
    cpu_raise_error(c, u, vector, 0);
    return false;
}

static void locate(struct cpu *c, const struct uop *u)
{
    if (u)
        c->r[RIP] += u->off;
}

static uint64_t linear_mask(const struct cpu *c)
{
    return c->mode & MODE_LONG ? UINT64_MAX : 0xffffffff;
}

/* Data breakpoints (Intel SDM vol. 3, "Debug Registers"): trap after the instruction. */
static void watch(struct cpu *c, uint64_t linear, unsigned size, bool write)
{
    static const uint8_t lengths[4] = {1, 2, 8, 4};
    uint64_t dr7 = cpu_dr7(c);
    for (unsigned n = 0; n < 4; n++) {
        unsigned kind = dr7 >> (16 + 4 * n) & 3;
        if ((dr7 >> (2 * n) & 3) == 0 || !(kind == 3 || (kind == 1 && write)))
            continue;
        uint64_t length = lengths[dr7 >> (18 + 4 * n) & 3];
        uint64_t start = cpu_dr(c, n) & ~(length - 1);
        if (linear < start + length && start < linear + size) {
            c->pending_db |= UINT64_C(1) << n;
            c->stop = true;
        }
    }
}

/* An access in one or two pages, translated before any byte moves. */
struct access {
    struct physical at[2];
    unsigned first; /* bytes in the first page */
};

static bool prepare(struct cpu *c, const struct uop *u, uint64_t *linear, unsigned size,
                    unsigned access, struct access *a)
{
    *linear &= linear_mask(c);
    unsigned room = CPU_PAGE_SIZE - (unsigned)(*linear & (CPU_PAGE_SIZE - 1));
    a->first = size < room ? size : room;
    uint64_t second = (*linear + a->first) & linear_mask(c);
    if ((c->mode & MODE_LONG) &&
        (!mmu_canonical(c, *linear) || (size > room && !mmu_canonical(c, second))))
        return access_fault(c, u, u && u->seg == SEG_SS ? EXC_SS : EXC_GP);
    if (c->cpl == 3 && !(access & ACCESS_SYSTEM) && (c->cr0 & X86_CR0_AM) &&
        (c->rflags & X86_FLAGS_AC) && !(access & ACCESS_ELEMENT) && size <= 8 &&
        (size & (size - 1)) == 0 && (*linear & (size - 1)))
        return access_fault(c, u, EXC_AC);
    if (!mmu_translate(c, *linear, access, &a->at[0]) ||
        (size > room && !mmu_translate(c, second, access, &a->at[1]))) {
        locate(c, u);
        return false;
    }
    return true;
}

/* A device's callback may have let another thread change the memory map: the second page's address
 * counts no more. */
static bool again(struct cpu *c, const struct uop *u, uint64_t linear, unsigned access,
                  struct access *a)
{
    if (a->at[0].host || mmu_translate(c, linear & linear_mask(c), access, &a->at[1]))
        return true;
    locate(c, u);
    return false;
}

static void take(const uint8_t *host, unsigned size, uint8_t *to)
{
    uint64_t value;
    switch (size) {
    case 1:
        value = os_load8(host);
        break;
    case 2:
        value = os_load16(host);
        break;
    case 4:
        value = os_load32(host);
        break;
    case 8:
        value = os_load64(host);
        break;
    default:
        os_copy(to, host, size);
        return;
    }
    memcpy(to, &value, size); /* the second part of a crossing lands anywhere */
}

static void put(uint8_t *host, unsigned size, const uint8_t *from)
{
    uint64_t value = 0;
    if (size <= 8)
        memcpy(&value, from, size);
    switch (size) {
    case 1:
        os_store8(host, (uint8_t)value);
        break;
    case 2:
        os_store16(host, (uint16_t)value);
        break;
    case 4:
        os_store32(host, (uint32_t)value);
        break;
    case 8:
        os_store64(host, value);
        break;
    default:
        os_copy(host, from, size);
    }
}

static bool device_load(struct cpu *c, const struct uop *u, uint64_t gpa, unsigned size,
                        uint8_t *to)
{
    for (unsigned done = 0; done < size;) {
        unsigned part = size - done < 8 ? size - done : 8;
        uint64_t value;
        if (!cpu_device_read(c, u, REPLAY_MMIO, gpa + done, part, &value))
            return false;
        memcpy(to + done, &value, part);
        done += part;
    }
    return true;
}

static bool device_store(struct cpu *c, uint64_t gpa, unsigned size, const uint8_t *from)
{
    for (unsigned done = 0; done < size;) {
        unsigned part = size - done < 8 ? size - done : 8;
        uint64_t value = 0;
        memcpy(&value, from + done, part);
        if (!cpu_device_write(c, REPLAY_MMIO, gpa + done, part, value))
            return false;
        done += part;
    }
    return true;
}

static bool load(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size,
                 unsigned access)
{
    struct access a;
    if (!prepare(c, u, &linear, size, access, &a))
        return false;
    watch(c, linear, size, false);
    unsigned sizes[2] = {a.first, size - a.first}, done = 0;
    for (unsigned i = 0; i < 2 && sizes[i]; i++) {
        if (i == 1 && !again(c, u, linear + a.first, access, &a))
            return false;
        if (a.at[i].host)
            take(a.at[i].host, sizes[i], c->ld.u8 + done);
        else if (!device_load(c, u, a.at[i].gpa, sizes[i], c->ld.u8 + done))
            return false;
        done += sizes[i];
    }
    return true;
}

static bool store(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size,
                  const uint8_t *data, unsigned access)
{
    struct access a;
    if (!prepare(c, u, &linear, size, access | ACCESS_WRITE, &a))
        return false;
    watch(c, linear, size, true);
    unsigned sizes[2] = {a.first, size - a.first}, done = 0;
    for (unsigned i = 0; i < 2 && sizes[i]; i++) {
        if (i == 1 && !again(c, u, linear + a.first, access | ACCESS_WRITE, &a))
            return false;
        if (a.at[i].host) {
            put(a.at[i].host, sizes[i], data + done);
            memory_wrote(c, a.at[i].host, sizes[i]);
        } else if (!device_store(c, a.at[i].gpa, sizes[i], data + done)) {
            cpu_raise_unsupported(c, u);
            return false;
        }
        done += sizes[i];
    }
    return true;
}

bool cpu_load(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size)
{
    return load(c, u, linear, size, 0);
}

bool cpu_load_rmw(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size)
{
    return load(c, u, linear, size, ACCESS_RMW);
}

bool cpu_load_system(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size)
{
    return load(c, u, linear, size, ACCESS_SYSTEM);
}

bool cpu_store(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size, uint64_t value)
{
    uint8_t data[8];
    memcpy(data, &value, 8);
    return store(c, u, linear, size, data, 0);
}

bool cpu_store_bytes(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size,
                     const void *data)
{
    return store(c, u, linear, size, data, 0);
}

bool cpu_store_system(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size,
                      uint64_t value)
{
    uint8_t data[8];
    memcpy(data, &value, 8);
    return store(c, u, linear, size, data, ACCESS_SYSTEM);
}

bool cpu_probe_store(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size)
{
    struct access a;
    return prepare(c, u, &linear, size, ACCESS_WRITE, &a);
}

bool cpu_load_element(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size)
{
    return load(c, u, linear, size, ACCESS_ELEMENT);
}

bool cpu_store_element(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size,
                       const void *data)
{
    return store(c, u, linear, size, data, ACCESS_ELEMENT);
}

bool cpu_probe_element(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size)
{
    struct access a;
    return prepare(c, u, &linear, size, ACCESS_WRITE | ACCESS_ELEMENT, &a);
}

bool cpu_probe_store_system(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size)
{
    struct access a;
    return prepare(c, u, &linear, size, ACCESS_WRITE | ACCESS_SYSTEM, &a);
}

void *cpu_atomic(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size)
{
    struct access a;
    c->event.kind = EVENT_NONE;
    if (!prepare(c, u, &linear, size, ACCESS_WRITE | ACCESS_RMW, &a))
        return NULL;
    if (a.first != size || ((uintptr_t)a.at[0].host & (size - 1)) || !a.at[0].host)
        return NULL;
    watch(c, linear, size, true);
    return a.at[0].host;
}

void cpu_wrote(struct cpu *c, uint64_t linear, unsigned size)
{
    struct event event = c->event;
    struct physical at;
    if (mmu_translate(c, linear & linear_mask(c), ACCESS_WRITE, &at) && at.host)
        memory_wrote(c, at.host, size);
    c->event = event;
}

void cpu_split_lock(struct cpu *c)
{
    os_mutex_lock(&c->vm->split_lock);
}

void cpu_split_unlock(struct cpu *c)
{
    os_mutex_unlock(&c->vm->split_lock);
}

#define CODE_HITS 64

void memory_wrote(struct cpu *c, const uint8_t *host, unsigned size)
{
    size_t index = code_index(host);
    uint64_t lines = atomic_load(&c->vm->code_lines[index]);
    if (LIKELY(lines == 0))
        return;
    unsigned first = (unsigned)((uintptr_t)host >> 6 & 63);
    unsigned last = (unsigned)(((uintptr_t)host + size - 1) >> 6 & 63);
    uint64_t touched = (UINT64_MAX << first) & (UINT64_MAX >> (63 - last));
    if (!(lines & touched))
        return;
    /* A page that keeps being written is code no more; it is marked again if it runs. */
    if (atomic_fetch_add(&c->vm->code_hits[index], 1) == CODE_HITS) {
        atomic_store(&c->vm->code_hits[index], 0);
        atomic_store(&c->vm->code_lines[index], 0);
    }
    for (uint32_t i = 0; i < c->vm->config.max_cpus; i++)
        if (atomic_load(&c->vm->cpus[i]))
            cpu_post(c->vm->cpus[i], POST_CODE);
    c->stop = true;
}

/* ---- Devices ---- */

bool cpu_device_read(struct cpu *c, const struct uop *u, unsigned space, uint64_t address,
                     unsigned size, uint64_t *value)
{
    struct replay *r = &c->replay;
    if (r->next < r->count && r->at[r->next].space == space && r->at[r->next].address == address &&
        r->at[r->next].size == size) {
        *value = r->at[r->next++].value;
        return true;
    }
    uint32_t narrow = 0;
    bool done;
    *value = 0;
    callback_begin(c);
    if (space == REPLAY_IO) {
        done = c->ops->pio && c->ops->pio(c->context, (uint16_t)address, size, false, &narrow);
        *value = narrow;
    } else {
        done = c->ops->mmio && c->ops->mmio(c->context, address, size, false, value);
    }
    callback_end(c);
    if (done)
        return true;
    if (r->count == REPLAY_MAX || r->next != r->count) {
        cpu_raise_unsupported(c, u);
        return false;
    }
    c->exit = (struct cpu_exit){.reason = space == REPLAY_IO ? CPU_EXIT_IO : CPU_EXIT_MMIO};
    c->exit.u.access.address = address;
    c->exit.u.access.size = (uint8_t)size;
    r->at[r->count].space = (uint8_t)space;
    r->at[r->count].address = address;
    r->at[r->count].size = (uint8_t)size;
    cpu_exit_again(c, u);
    return false;
}

bool cpu_device_write(struct cpu *c, unsigned space, uint64_t address, unsigned size,
                      uint64_t value)
{
    bool done;
    uint32_t narrow = (uint32_t)value;
    callback_begin(c);
    if (space == REPLAY_IO)
        done = c->ops->pio && c->ops->pio(c->context, (uint16_t)address, size, true, &narrow);
    else
        done = c->ops->mmio && c->ops->mmio(c->context, address, size, true, &value);
    callback_end(c);
    if (done)
        return true;
    if (c->write_count == WRITES_MAX)
        return false;
    c->writes[c->write_count++] =
        (struct device_write){address, value, (uint8_t)size, space == REPLAY_IO};
    c->stop = true;
    atomic_store_explicit(&c->epoch, 0, memory_order_relaxed);
    return true;
}

bool cpu_element_done(struct cpu *c)
{
    c->replay.count = c->replay.next = 0;
    return c->stop || atomic_load_explicit(&c->epoch, memory_order_relaxed) == 0;
}
