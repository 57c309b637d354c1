/* SPDX-License-Identifier: BSD-2-Clause */
/* The smallest program against KVM's own ioctls that does what the library is asked to do. What is
 * of the architecture is in raw_kvm_x86.c and raw_kvm_arm64.c. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "raw_kvm.h"

bool bench_raw_available(const char *platform)
{
    return strcmp(platform, "kvm") == 0;
}

static bool set_memory(struct raw *raw, uint32_t slot, uint64_t gpa, uint64_t size, void *host,
                       uint32_t flags)
{
    struct kvm_userspace_memory_region region = {.slot = slot,
                                                 .flags = flags,
                                                 .guest_phys_addr = gpa,
                                                 .memory_size = size,
                                                 .userspace_addr = (uint64_t)(uintptr_t)host};
    return ioctl(raw->vm, KVM_SET_USER_MEMORY_REGION, &region) == 0;
}

static bool open_vm(struct raw *raw, enum bench_program program, size_t ram_size, uint32_t flags)
{
    memset(raw, 0, sizeof *raw);
    raw->sys = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    raw->vm = ioctl(raw->sys, KVM_CREATE_VM, raw_vm_type(raw->sys));
    raw->run_size = ioctl(raw->sys, KVM_GET_VCPU_MMAP_SIZE, 0);
    raw->ram_size = ram_size;
    raw->ram = mmap(NULL, ram_size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw->vm < 0 || raw->run_size < 0 || raw->ram == MAP_FAILED)
        return false;
    memcpy(raw->ram + BENCH_CODE, raw_arch->code, sizeof raw_arch->code);
    if (!set_memory(raw, 0, 0, ram_size, raw->ram, flags))
        return false;
    raw->vcpu = ioctl(raw->vm, KVM_CREATE_VCPU, 0);
    raw->run = mmap(NULL, (size_t)raw->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, raw->vcpu, 0);
    if (raw->vcpu < 0 || raw->run == MAP_FAILED)
        return false;
    return raw_start(raw, program);
}

static void close_vm(struct raw *raw)
{
    munmap(raw->run, (size_t)raw->run_size);
    close(raw->vcpu);
    close(raw->vm);
    close(raw->sys);
    munmap(raw->ram, raw->ram_size);
}

double raw_round_trip(enum bench_program program, enum bench_work work, unsigned n)
{
    struct raw raw;
    unsigned warm = n < 64 ? n : 64;
    if (!open_vm(&raw, program, BENCH_RAM, 0))
        return -1;
    raw_work_begin(&raw, work);
    double start = 0;
    for (unsigned i = 0; i < n + warm; i++) {
        if (i == warm)
            start = bench_now_ns();
        if (ioctl(raw.vcpu, KVM_RUN, 0) < 0)
            return -1;
        if (raw.run->exit_reason != KVM_EXIT_IO && raw.run->exit_reason != KVM_EXIT_MMIO)
            return -1;
        if (work != BENCH_NOTHING && !raw_work(&raw, work, i))
            return -1;
    }
    double end = bench_now_ns();
    close_vm(&raw);
    return (end - start) / n;
}

double raw_create(unsigned n, double *destroy)
{
    double create = 0;
    *destroy = 0;
    for (unsigned i = 0; i < n; i++) {
        struct raw raw;
        double start = bench_now_ns();
        if (!open_vm(&raw, BENCH_EXIT, BENCH_RAM, 0) || ioctl(raw.vcpu, KVM_RUN, 0) < 0)
            return -1;
        double ready = bench_now_ns();
        close_vm(&raw);
        create += ready - start;
        *destroy += bench_now_ns() - ready;
    }
    *destroy /= n;
    return create / n;
}

struct kicker {
    struct kvm_run *run;
    int tid;
    unsigned n;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool armed;
    volatile bool inside;
    volatile double kicked;
};

static void ignore(int number)
{
    (void)number;
}

static void *kick_loop(void *argument)
{
    struct kicker *kicker = argument;
    struct timespec settle = {.tv_nsec = 200000};
    for (unsigned i = 0; i < kicker->n; i++) {
        pthread_mutex_lock(&kicker->lock);
        while (!kicker->armed)
            pthread_cond_wait(&kicker->cond, &kicker->lock);
        kicker->armed = false;
        pthread_mutex_unlock(&kicker->lock);
        nanosleep(&settle, NULL); /* until the guest surely runs */
        kicker->kicked = bench_now_ns();
        kicker->run->immediate_exit = 1;
        syscall(SYS_tgkill, getpid(), kicker->tid, SIGUSR1);
    }
    return NULL;
}

double raw_kick(unsigned n)
{
    struct raw raw;
    struct sigaction action = {.sa_handler = ignore}, before;
    struct kicker kicker = {
        .n = n, .lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    pthread_t thread;
    double total = 0;
    if (!open_vm(&raw, BENCH_SPIN, BENCH_RAM, 0))
        return -1;
    sigaction(SIGUSR1, &action, &before);
    kicker.run = raw.run;
    kicker.tid = (int)syscall(SYS_gettid);
    if (pthread_create(&thread, NULL, kick_loop, &kicker) != 0)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        pthread_mutex_lock(&kicker.lock);
        kicker.armed = true;
        pthread_cond_signal(&kicker.cond);
        pthread_mutex_unlock(&kicker.lock);
        int result;
        do /* host signals and the like */
            result = ioctl(raw.vcpu, KVM_RUN, 0);
        while (!(result < 0 && errno == EINTR && raw.run->immediate_exit));
        total += bench_now_ns() - kicker.kicked;
        raw.run->immediate_exit = 0;
    }
    pthread_join(thread, NULL);
    sigaction(SIGUSR1, &before, NULL);
    close_vm(&raw);
    return total / n;
}

double raw_map(unsigned n)
{
    struct raw raw;
    if (!open_vm(&raw, BENCH_EXIT, BENCH_RAM, 0))
        return -1;
    void *memory =
        mmap(NULL, BENCH_MAP_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return -1;
    double start = bench_now_ns();
    for (unsigned i = 0; i < n; i++)
        if (!set_memory(&raw, 1, 0x10000000, BENCH_MAP_SIZE, memory, 0) ||
            !set_memory(&raw, 1, 0x10000000, 0, memory, 0))
            return -1;
    double end = bench_now_ns();
    munmap(memory, BENCH_MAP_SIZE);
    close_vm(&raw);
    return (end - start) / n;
}

double raw_dirty(unsigned n)
{
    struct raw raw;
    size_t size = 0x100000 + BENCH_DIRTY_SIZE;
    uint64_t *bitmap = calloc(size / 4096 / 64 + 1, sizeof *bitmap);
    double total = 0;
    if (bitmap == NULL || !open_vm(&raw, BENCH_DIRTY, size, KVM_MEM_LOG_DIRTY_PAGES))
        return -1;
    for (unsigned i = 0; i < n; i++) {
        struct kvm_dirty_log log = {.slot = 0, .dirty_bitmap = bitmap};
        if (ioctl(raw.vcpu, KVM_RUN, 0) < 0)
            return -1;
        double start = bench_now_ns();
        if (ioctl(raw.vm, KVM_GET_DIRTY_LOG, &log) < 0)
            return -1;
        total += bench_now_ns() - start;
    }
    close_vm(&raw);
    free(bitmap);
    return total / n;
}

double raw_resident(unsigned n)
{
    struct raw *vms = calloc(n, sizeof *vms);
    if (vms == NULL)
        return -1;
    size_t before = bench_resident();
    for (unsigned i = 0; i < n; i++)
        if (!open_vm(&vms[i], BENCH_EXIT, BENCH_RAM, 0) || ioctl(vms[i].vcpu, KVM_RUN, 0) < 0)
            return -1;
    size_t after = bench_resident();
    for (unsigned i = 0; i < n; i++)
        close_vm(&vms[i]);
    free(vms);
    return after > before ? (double)(after - before) / n : 0;
}
