/* SPDX-License-Identifier: BSD-2-Clause */
/* The same work through the library. */
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>

#include "raw.h"

static const vmaccel_platform *platform;
static const struct bench_arch *arch;

void lib_use(const vmaccel_platform *chosen, const struct bench_arch *its)
{
    platform = chosen;
    arch = its;
}

struct guest {
    vmaccel_vm *vm;
    vmaccel_vcpu *vcpu;
    void *ram_base;
    uint8_t *ram;
};

static bool open_vm(struct guest *guest, enum bench_program program, size_t ram_size,
                    uint32_t flags)
{
    memset(guest, 0, sizeof *guest);
    /* A page more than needed, so that the aligned part is as large as asked for. */
    guest->ram_base = malloc(ram_size + 4096);
    if (guest->ram_base == NULL)
        return false;
    guest->ram = (uint8_t *)(((uintptr_t)guest->ram_base + 4095) & ~(uintptr_t)4095);
    memcpy(guest->ram + BENCH_CODE, arch->code, sizeof arch->code);
    return vmaccel_vm_create(platform, NULL, &guest->vm) == VMACCEL_OK &&
           vmaccel_memory_map(guest->vm, 0, ram_size, guest->ram, VMACCEL_MEM_RWX | flags) ==
               VMACCEL_OK &&
           vmaccel_vcpu_create(guest->vm, 0, NULL, &guest->vcpu) == VMACCEL_OK &&
           arch->start(guest->vcpu, program);
}

static void close_vm(struct guest *guest)
{
    vmaccel_vcpu_destroy(guest->vcpu);
    vmaccel_vm_destroy(guest->vm);
    free(guest->ram_base);
}

double lib_round_trip(enum bench_program program, enum bench_work work, unsigned n)
{
    struct guest guest;
    unsigned warm = n < 64 ? n : 64;
    if (!open_vm(&guest, program, BENCH_RAM, 0))
        return -1;
    double start = 0;
    for (unsigned i = 0; i < n + warm; i++) {
        if (i == warm)
            start = bench_now_ns();
        if (vmaccel_vcpu_run(guest.vcpu) != VMACCEL_OK)
            return -1;
        uint32_t reason = vmaccel_vcpu_exit(guest.vcpu)->reason;
        if (reason != VMACCEL_EXIT_IO && reason != VMACCEL_EXIT_MMIO)
            return -1;
        if (work != BENCH_NOTHING && !arch->work(guest.vcpu, work, i))
            return -1;
    }
    double end = bench_now_ns();
    close_vm(&guest);
    return (end - start) / n;
}

double lib_create(unsigned n, double *destroy)
{
    double create = 0;
    *destroy = 0;
    for (unsigned i = 0; i < n; i++) {
        struct guest guest;
        double start = bench_now_ns();
        if (!open_vm(&guest, BENCH_EXIT, BENCH_RAM, 0) ||
            vmaccel_vcpu_run(guest.vcpu) != VMACCEL_OK)
            return -1;
        double ready = bench_now_ns();
        close_vm(&guest);
        create += ready - start;
        *destroy += bench_now_ns() - ready;
    }
    *destroy /= n;
    return create / n;
}

struct kicker {
    vmaccel_vcpu *vcpu;
    unsigned n;
    mtx_t lock;
    cnd_t cond;
    bool armed;
    volatile double kicked;
};

static int kick_loop(void *argument)
{
    struct kicker *kicker = argument;
    struct timespec settle = {.tv_nsec = 200000};
    for (unsigned i = 0; i < kicker->n; i++) {
        mtx_lock(&kicker->lock);
        while (!kicker->armed)
            cnd_wait(&kicker->cond, &kicker->lock);
        kicker->armed = false;
        mtx_unlock(&kicker->lock);
        thrd_sleep(&settle, NULL); /* until the guest surely runs */
        kicker->kicked = bench_now_ns();
        (void)vmaccel_vcpu_kick(kicker->vcpu);
    }
    return 0;
}

double lib_kick(unsigned n)
{
    struct guest guest;
    struct kicker kicker = {.n = n};
    thrd_t thread;
    double total = 0;
    if (!open_vm(&guest, BENCH_SPIN, BENCH_RAM, 0))
        return -1;
    mtx_init(&kicker.lock, mtx_plain);
    cnd_init(&kicker.cond);
    kicker.vcpu = guest.vcpu;
    if (thrd_create(&thread, kick_loop, &kicker) != thrd_success)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        mtx_lock(&kicker.lock);
        kicker.armed = true;
        cnd_signal(&kicker.cond);
        mtx_unlock(&kicker.lock);
        do
            if (vmaccel_vcpu_run(guest.vcpu) != VMACCEL_OK)
                return -1;
        while (vmaccel_vcpu_exit(guest.vcpu)->reason != VMACCEL_EXIT_KICKED);
        total += bench_now_ns() - kicker.kicked;
    }
    thrd_join(thread, NULL);
    cnd_destroy(&kicker.cond);
    mtx_destroy(&kicker.lock);
    close_vm(&guest);
    return total / n;
}

double lib_map(unsigned n)
{
    struct guest guest;
    if (!open_vm(&guest, BENCH_EXIT, BENCH_RAM, 0))
        return -1;
    uint8_t *base = malloc(BENCH_MAP_SIZE + 4096);
    if (base == NULL)
        return -1;
    uint8_t *memory = (uint8_t *)(((uintptr_t)base + 4095) & ~(uintptr_t)4095);
    double start = bench_now_ns();
    for (unsigned i = 0; i < n; i++)
        if (vmaccel_memory_map(guest.vm, 0x10000000, BENCH_MAP_SIZE, memory, VMACCEL_MEM_RWX) !=
                VMACCEL_OK ||
            vmaccel_memory_unmap(guest.vm, 0x10000000, BENCH_MAP_SIZE) != VMACCEL_OK)
            return -1;
    double end = bench_now_ns();
    close_vm(&guest);
    free(base);
    return (end - start) / n;
}

double lib_dirty(unsigned n)
{
    struct guest guest;
    size_t size = 0x100000 + BENCH_DIRTY_SIZE, words = size / 4096 / 64 + 1;
    uint64_t *bitmap = calloc(words, sizeof *bitmap);
    double total = 0;
    if (bitmap == NULL || !open_vm(&guest, BENCH_DIRTY, size, VMACCEL_MEM_DIRTY_LOG))
        return -1;
    for (unsigned i = 0; i < n; i++) {
        if (vmaccel_vcpu_run(guest.vcpu) != VMACCEL_OK)
            return -1;
        double start = bench_now_ns();
        if (vmaccel_memory_dirty_log(guest.vm, 0, size, bitmap, words) != VMACCEL_OK)
            return -1;
        total += bench_now_ns() - start;
    }
    close_vm(&guest);
    free(bitmap);
    return total / n;
}

double lib_resident(unsigned n)
{
    struct guest *vms = calloc(n, sizeof *vms);
    if (vms == NULL)
        return -1;
    size_t before = bench_resident();
    for (unsigned i = 0; i < n; i++)
        if (!open_vm(&vms[i], BENCH_EXIT, BENCH_RAM, 0) ||
            vmaccel_vcpu_run(vms[i].vcpu) != VMACCEL_OK)
            return -1;
    size_t after = bench_resident();
    for (unsigned i = 0; i < n; i++)
        close_vm(&vms[i]);
    free(vms);
    return after > before ? (double)(after - before) / n : 0;
}
