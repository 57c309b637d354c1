/* SPDX-License-Identifier: BSD-2-Clause */
/* The ioctls of an exit, counted where the kernel sees them: in a child that is traced from system
 * call to system call, so that nothing of what is measured is changed. */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "raw.h"

typedef double round_trip_fn(enum bench_program program, enum bench_work work, unsigned n);

#define SYSCALL_STOP (SIGTRAP | 0x80)

static bool is_ioctl(pid_t child)
{
    struct ptrace_syscall_info info;
    return ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof info, &info) > 0 &&
           info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_ioctl;
}

static long abandon(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return -1;
}

/* From the child's first stop to its end. */
static long follow(pid_t child)
{
    long count = 0;
    int status, deliver = 0;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
        return -1;
    if (ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)PTRACE_O_TRACESYSGOOD) < 0)
        return abandon(child);
    for (;;) {
        if (ptrace(PTRACE_SYSCALL, child, NULL, (void *)(intptr_t)deliver) < 0)
            return abandon(child);
        if (waitpid(child, &status, 0) != child)
            return -1;
        if (!WIFSTOPPED(status))
            return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? count : -1;
        deliver = WSTOPSIG(status) == SYSCALL_STOP ? 0 : WSTOPSIG(status);
        count += deliver == 0 && is_ioctl(child);
    }
}

static long count_of(round_trip_fn *round_trip, enum bench_program program, enum bench_work work,
                     unsigned n)
{
    pid_t child = fork();
    if (child < 0)
        return -1;
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
            _exit(1);
        raise(SIGSTOP);
        _exit(round_trip(program, work, n) < 0);
    }
    return follow(child);
}

/* A round trip of n makes n exits more to warm up. */
double raw_ioctls(round_trip_fn *round_trip, enum bench_program program, enum bench_work work)
{
    long few = count_of(round_trip, program, work, 4),
         more = count_of(round_trip, program, work, 8);
    return few < 0 || more < 0 ? -1 : (double)(more - few) / 8;
}
