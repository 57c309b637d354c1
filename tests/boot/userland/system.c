/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs ask of the CPU beside arithmetic: faults, code of their own, jumps out, threads. */
#include "userland.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile sig_atomic_t signal_seen, code_seen;
static void *volatile address_seen;

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    signal_seen = number;
    code_seen = info->si_code;
    address_seen = info->si_addr;
    siglongjmp(back, 1);
}

static int divide(void)
{
    volatile int seven = 7, zero = 0;

    if (sigsetjmp(back, 1) == 0)
        return seven / zero;
    return signal_seen == SIGFPE && code_seen == FPE_INTDIV;
}

static int read_only(void)
{
    uint8_t *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (sigsetjmp(back, 1) == 0)
        *(volatile uint8_t *)(page + 123) = 1;
    return signal_seen == SIGSEGV && code_seen == SEGV_ACCERR && address_seen == page + 123;
}

static int undefined(void)
{
    if (sigsetjmp(back, 1) == 0)
        __asm__ volatile("ud2");
    return signal_seen == SIGILL;
}

static int generated_code(void)
{
    uint8_t *code =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint32_t sum = 0;

    for (uint32_t i = 0; i < 2000; i++) {
        int (*function)(void);
        const uint8_t ret = 0xc3, mov = 0xb8;
        memcpy(code, &mov, 1);
        memcpy(code + 1, &i, 4);
        memcpy(code + 5, &ret, 1);
        memcpy(&function, &code, sizeof(function));
        sum += (uint32_t)function();
    }
    return sum == 1999000;
}

static int children(void)
{
    int sum = 0;

    for (int i = 0; i < 5; i++) {
        int pipes[2], status, got = 0;
        if (pipe(pipes) != 0)
            return 0;
        const pid_t child = fork();
        if (child == 0) {
            const int value = i * i;
            _exit(write(pipes[1], &value, sizeof(value)) != sizeof(value));
        }
        if (read(pipes[0], &got, sizeof(got)) != sizeof(got) ||
            waitpid(child, &status, 0) != child || status != 0)
            return 0;
        close(pipes[0]);
        close(pipes[1]);
        sum += got;
    }
    return sum == 30;
}

void check_system(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

    sigaction(SIGFPE, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    agree("SIGFPE from a division", divide());
    agree("SIGSEGV from a page that is read-only", read_only());
    agree("SIGILL", undefined());
    agree("code that is written and run in turn", generated_code());
    agree("children and pipes", children());
}

#define THREADS 4
#define TURNS   5000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static long locked, turn;
static atomic_long counted, maximum;
static _Alignas(16) unsigned __int128 pair;

/* Both halves grow together, by CMPXCHG16B. */
static void count_pair(void)
{
    for (;;) {
        uint64_t low = (uint64_t)pair, high = (uint64_t)(pair >> 64);
        const uint64_t next_low = low + 1, next_high = high + 3;
        uint8_t swapped;
        __asm__ volatile("lock cmpxchg16b %1\n\tsete %0"
                         : "=q"(swapped), "+m"(pair), "+a"(low), "+d"(high)
                         : "b"(next_low), "c"(next_high)
                         : "memory", "cc");
        if (swapped)
            return;
    }
}

static void *work(void *argument)
{
    const long self = (long)(intptr_t)argument;

    for (int i = 0; i < TURNS; i++) {
        pthread_mutex_lock(&mutex);
        locked++;
        pthread_mutex_unlock(&mutex);
        atomic_fetch_add(&counted, 1);
        long seen = atomic_load(&maximum);
        while (seen < i && !atomic_compare_exchange_weak(&maximum, &seen, i))
            ;
        count_pair();
    }
    for (int i = 0; i < 20; i++) {
        pthread_mutex_lock(&mutex);
        while (turn % THREADS != self)
            pthread_cond_wait(&turned, &mutex);
        turn++;
        pthread_cond_broadcast(&turned);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

void check_threads(void)
{
    pthread_t threads[THREADS];
    const uint64_t all = (uint64_t)THREADS * TURNS;

    for (intptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
            abort();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    agree("mutexes", locked == (long)all);
    agree("atomics", counted == (long)all && maximum == TURNS - 1);
    agree("CMPXCHG16B", (uint64_t)pair == all && (uint64_t)(pair >> 64) == 3 * all);
    agree("condition variables", turn == 20 * THREADS);
}
