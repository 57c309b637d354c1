/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite_host.h"

#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

uint64_t host_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t host_thread_cpu_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void host_sleep_ns(uint64_t ns)
{
    struct timespec wait = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    while (nanosleep(&wait, &wait) != 0)
        ;
}

void *host_pages(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

void host_pages_free(void *pages, size_t size)
{
    munmap(pages, size);
}

static void cpu_name(char *text, size_t size)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (file == NULL)
        return;
    while (fgets(line, sizeof(line), file) != NULL) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || colon == NULL)
            continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(text, size, "%s", colon + 1 + (colon[1] == ' '));
        break;
    }
    fclose(file);
}

void host_describe(char *text, size_t size)
{
    struct utsname name;
    char cpu[128] = "";
    memset(&name, 0, sizeof(name));
    uname(&name);
    cpu_name(cpu, sizeof(cpu));
    snprintf(text, size, "%s %s %s%s%s", name.sysname, name.release, name.machine,
             cpu[0] != 0 ? ", " : "", cpu);
}

int64_t host_handle_count(void)
{
    int64_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        return -1;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

int64_t host_resident_bytes(void)
{
    long long total, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL)
        return -1;
    int fields = fscanf(file, "%lld %lld", &total, &resident);
    fclose(file);
    return fields == 2 ? resident * sysconf(_SC_PAGESIZE) : -1;
}

unsigned host_cpu(void)
{
    int cpu = sched_getcpu();
    return cpu < 0 ? 0 : (unsigned)cpu;
}

static _Thread_local cpu_set_t allowed;

void host_keep_cpu(unsigned cpu)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
        return;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

void host_any_cpu(void)
{
    if (CPU_COUNT(&allowed) != 0)
        sched_setaffinity(0, sizeof(allowed), &allowed);
}

void host_avoid_cpu(unsigned cpu)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return;
    CPU_CLR(cpu, &set);
    if (CPU_COUNT(&set) != 0)
        sched_setaffinity(0, sizeof(set), &set);
}

bool host_counts_by_tsc(void)
{
    char name[8] = "";
    FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "r");
    if (file == NULL)
        return false;
    bool read = fgets(name, sizeof(name), file) != NULL;
    fclose(file);
    return read && strcmp(name, "tsc\n") == 0;
}

bool host_is_qemu_virt(void)
{
    char name[32] = "";
    FILE *file = fopen("/proc/device-tree/compatible", "r");
    if (file == NULL)
        return false;
    size_t size = fread(name, 1, sizeof(name) - 1, file);
    fclose(file);
    return size != 0 && strcmp(name, "linux,dummy-virt") == 0;
}

bool host_native_signalled(intptr_t native)
{
    struct pollfd wait = {.fd = (int)native, .events = POLLIN};
    return poll(&wait, 1, 0) == 1 && (wait.revents & POLLIN) != 0;
}

/* A handler takes no argument of ours, so what it kicks is here. */
static vmaccel_vcpu *_Atomic signal_vcpu;
static atomic_int signal_status;
static struct sigaction signal_before;

static void on_signal(int number)
{
    (void)number;
    vmaccel_vcpu *vcpu = atomic_load(&signal_vcpu);
    if (vcpu != NULL)
        atomic_store(&signal_status, vmaccel_vcpu_kick(vcpu));
}

bool host_signal_kick(vmaccel_vcpu *vcpu, uint64_t ns)
{
    struct sigaction action;
    struct itimerval timer = {{0, 0},
                              {(time_t)(ns / 1000000000u), (suseconds_t)(ns / 1000 % 1000000)}};
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    atomic_store(&signal_status, -1);
    atomic_store(&signal_vcpu, vcpu);
    return sigaction(SIGALRM, &action, &signal_before) == 0 &&
           setitimer(ITIMER_REAL, &timer, NULL) == 0;
}

int host_signal_kick_end(void)
{
    struct itimerval off = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &off, NULL);
    atomic_store(&signal_vcpu, NULL);
    sigaction(SIGALRM, &signal_before, NULL);
    return atomic_load(&signal_status);
}
