/* SPDX-License-Identifier: BSD-2-Clause */
#include "os_calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_NAMES 128
#define MAX_VCPUS 16

static struct {
    atomic_uint countdown; /* 0: not armed, or past it */
    unsigned nth, variant;
    bool on;
    atomic_bool armed, fired;
    struct os_fault fault;
} arm;

static struct {
    char name[64];
    unsigned count;
} tally[MAX_NAMES];
static unsigned tally_used;

static atomic_long blocks, mapped;
static atomic_ulong allocations;

/* The run pages, for KVM_RUN to be interrupted as a signal does it. */
static struct {
    atomic_int fd;
    struct kvm_run *run;
} run_pages[MAX_VCPUS];
static atomic_uint run_page_next;

void os_calls_arm(unsigned nth, unsigned variant, bool on)
{
    arm.nth = nth;
    arm.variant = variant;
    arm.on = on;
    arm.fired = false;
    memset(&arm.fault, 0, sizeof(arm.fault));
    arm.countdown = nth;
    arm.armed = nth != 0;
}

void os_calls_disarm(void)
{
    arm.armed = false;
}

const struct os_fault *os_calls_fault(void)
{
    return arm.fired ? &arm.fault : NULL;
}

static void count(const char *name)
{
    unsigned i = 0;

    while (i < tally_used && strcmp(tally[i].name, name) != 0)
        i++;
    if (i == MAX_NAMES)
        return;
    if (i == tally_used)
        snprintf(tally[tally_used++].name, sizeof(tally[0].name), "%s", name);
    tally[i].count++;
}

unsigned os_calls_report(const char *path)
{
    unsigned sum = 0;

    printf("# %s:", path);
    for (unsigned i = 0; i < tally_used; i++) {
        printf(" %s %u,", tally[i].name, tally[i].count);
        sum += tally[i].count;
    }
    printf(" %u in all\n", sum);
    tally_used = 0;
    memset(tally, 0, sizeof(tally));
    return sum;
}

/* A call of this name and these errors, ended by 0. True: it has to fail, and errno is set. */
static bool fails(const struct os_fault *call, const int *errors)
{
    if (!arm.armed)
        return false;
    unsigned left = arm.countdown;
    while (left != 0 && !atomic_compare_exchange_weak(&arm.countdown, &left, left - 1))
        ;
    if (left != 1 && !(arm.on && left == 0))
        return false;
    unsigned variants = 0;
    while (errors[variants] != 0)
        variants++;
    int error = errors[arm.on ? 0 : arm.variant % variants];
    if (left == 1) {
        arm.fault = *call;
        arm.fault.error = error;
        arm.fault.variants = variants;
        arm.fault.retried = call->retried || error == EINTR;
        count(call->name);
        arm.fired = true;
    }
    errno = error;
    return true;
}

static bool plain_fails(const char *name, const char *text, const char *other, int error)
{
    struct os_fault call = {.text = text, .other = other};
    const int errors[] = {error, 0};

    snprintf(call.name, sizeof(call.name), "%s", name);
    return fails(&call, errors);
}

static bool ending_fails(const char *name, int error)
{
    struct os_fault call = {.optional = true};
    const int errors[] = {error, 0};

    snprintf(call.name, sizeof(call.name), "%s", name);
    return fails(&call, errors);
}

struct os_held os_calls_held(void)
{
    struct os_held held = {.blocks = blocks, .mapped = mapped};
    DIR *folder = opendir("/proc/self/fd");

    while (folder != NULL && readdir(folder) != NULL)
        held.fds++;
    if (folder != NULL)
        closedir(folder);
    return held;
}

unsigned long os_calls_allocations(void)
{
    return allocations;
}

/* The heap. */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __real_free(void *block);
void __wrap_free(void *block);

static void *allocated(void *block)
{
    allocations++;
    blocks += block != NULL;
    return block;
}

void *__wrap_malloc(size_t size)
{
    return plain_fails("malloc", "memory", NULL, ENOMEM) ? NULL : allocated(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return plain_fails("calloc", "memory", NULL, ENOMEM) ? NULL : allocated(__real_calloc(n, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (plain_fails("realloc", "memory", NULL, ENOMEM))
        return NULL;
    allocations++;
    bool first = block == NULL;
    void *moved = __real_realloc(block, size);
    blocks += first && moved != NULL;
    return moved;
}

void __wrap_free(void *block)
{
    blocks -= block != NULL;
    __real_free(block);
}

/* Files. */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_fstat(int fd, struct stat *info);
int __wrap_fstat(int fd, struct stat *info);
ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
int __real_eventfd(unsigned initial, int flags);
int __wrap_eventfd(unsigned initial, int flags);
int __real_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *mask);
int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *mask);

int __wrap_open(const char *path, int flags, ...)
{
    static const int errors[] = {EMFILE, EACCES, ENOENT, 0};
    bool module = strncmp(path, "/sys/", 5) == 0;
    struct os_fault call = {.text = strcmp(path, "/dev/kvm") == 0 ? "/dev/kvm" : "kernel",
                            .other = "not supported", /* asked for a capability */
                            .optional = module};

    snprintf(call.name, sizeof(call.name), "open %s",
             call.text[0] == '/' || module ? path : "kernel");
    return fails(&call, errors) ? -1 : __real_open(path, flags, 0600);
}

/* What a failed close leaves behind is closed all the same. */
int __wrap_close(int fd)
{
    for (unsigned i = 0; i < MAX_VCPUS; i++) {
        int expected = fd;
        atomic_compare_exchange_strong(&run_pages[i].fd, &expected, -1);
    }
    int result = __real_close(fd);
    return ending_fails("close", EIO) ? -1 : result;
}

int __wrap_fstat(int fd, struct stat *info)
{
    return plain_fails("fstat", "kernel", NULL, EIO) ? -1 : __real_fstat(fd, info);
}

ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
    static const int errors[] = {EIO, EINTR, 0};
    struct os_fault call = {.name = "read", .text = "kernel", .other = "doorbell"};

    call.optional = size == 1; /* a module's parameter */
    return fails(&call, errors) ? -1 : __real_read(fd, buffer, size);
}

int __wrap_eventfd(unsigned initial, int flags)
{
    return plain_fails("eventfd", "event", NULL, EMFILE) ? -1 : __real_eventfd(initial, flags);
}

int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *mask)
{
    static const int errors[] = {ENOMEM, EINTR, 0};
    static const struct os_fault call = {.name = "ppoll", .text = "doorbell"};

    return fails(&call, errors) ? -1 : __real_ppoll(fds, n, limit, mask);
}

/* Pages. */

void *__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *pages, size_t size);
int __wrap_munmap(void *pages, size_t size);

void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
    static const int errors[] = {ENOMEM, EAGAIN, 0};
    static const struct os_fault call = {.name = "mmap", .text = "mmap", .other = "memory"};

    if (fails(&call, errors))
        return MAP_FAILED;
    void *pages = __real_mmap(at, size, prot, flags, fd, offset);
    if (pages == MAP_FAILED)
        return pages;
    mapped += (long)size;
    if (fd >= 0) {
        unsigned i = run_page_next++ % MAX_VCPUS;
        run_pages[i].run = pages;
        run_pages[i].fd = fd;
    }
    return pages;
}

int __wrap_munmap(void *pages, size_t size)
{
    int result = __real_munmap(pages, size);
    mapped -= result == 0 ? (long)size : 0;
    return ending_fails("munmap", ENOMEM) ? -1 : result;
}

/* Signals and threads. */

int __real_sigaction(int number, const struct sigaction *action, struct sigaction *old);
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old);
int __real_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
int __real_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*entry)(void *),
                          void *context);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*entry)(void *),
                          void *context);

int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    return plain_fails("sigaction", "sigaction", NULL, EINVAL)
               ? -1
               : __real_sigaction(number, action, old);
}

int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    return plain_fails("pthread_sigmask", "pthread_sigmask", NULL, EINVAL)
               ? EINVAL
               : __real_pthread_sigmask(how, set, old);
}

int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*entry)(void *),
                          void *context)
{
    return plain_fails("pthread_create", "thread", NULL, EAGAIN)
               ? EAGAIN
               : __real_pthread_create(id, attributes, entry, context);
}

/* ioctl. */

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

/* A signal arrives: KVM finishes what is left of the last exit, then returns EINTR. */
static int interrupted_run(int fd)
{
    for (unsigned i = 0; i < MAX_VCPUS; i++) {
        if (run_pages[i].fd == fd)
            __atomic_store_n(&run_pages[i].run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    }
    return __real_ioctl(fd, KVM_RUN, 0);
}

static bool ioctl_fails(unsigned long request, void *argument)
{
    /* Each kind that callers tell apart; the first stands for many. */
    static const int others[] = {EIO, EFAULT, ENOSPC};
    const int errors[] = {others[arm.nth % 3], EINVAL, ENOMEM, 0};
    static const int run_errors[] = {EIO, EINTR, EAGAIN, EINVAL, ENOMEM, EFAULT, ENOSPC, 0};
    static const int create_errors[] = {ENOMEM, EINTR, EMFILE, 0};
    static const int query_errors[] = {EINVAL, 0};
    struct os_fault call = {.is_ioctl = true};
    const int *fit = request == KVM_RUN               ? run_errors
                     : request == KVM_CREATE_VM       ? create_errors
                     : request == KVM_CHECK_EXTENSION ? query_errors
                                                      : errors;

    snprintf(call.name, sizeof(call.name), "ioctl 0x%lx", request);
    call.text = "";
    for (size_t i = 0; i < os_ioctl_count; i++) {
        if (os_ioctls[i].request == request) {
            snprintf(call.name, sizeof(call.name), "%s", os_ioctls[i].name);
            call.text = os_ioctls[i].name;
        }
    }
    if (request == KVM_CHECK_EXTENSION) { /* an absent extension costs its capability */
        call.text = NULL;
        call.optional = true;
    } else if (request == KVM_ENABLE_CAP) {
        uint32_t cap = ((const struct kvm_enable_cap *)argument)->cap;
        call.text = "KVM_CAP_";
        call.optional = os_cap_optional(cap);
    } else if (request == KVM_CREATE_DEVICE &&
               (((const struct kvm_create_device *)argument)->flags & KVM_CREATE_DEVICE_TEST) !=
                   0) {
        snprintf(call.name, sizeof(call.name), "KVM_CREATE_DEVICE_TEST");
        call.text = NULL;
        call.optional = true;
    } else if (request == KVM_IOEVENTFD) {
        uint32_t flags = ((const struct kvm_ioeventfd *)argument)->flags;
        call.optional = (flags & KVM_IOEVENTFD_FLAG_DEASSIGN) != 0;
    }
    return fails(&call, fit);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;

    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (!ioctl_fails(request, argument))
        return __real_ioctl(fd, request, argument);
    if (request == KVM_RUN && errno == EINTR)
        return interrupted_run(fd);
    if (request == KVM_RUN && errno == EAGAIN)
        arm.fault.retried = true;
    return -1;
}
