/* SPDX-License-Identifier: BSD-2-Clause */
/* What the library adds to an exit of KVM, core and platform together: its run loop and a minimal
 * one, both over a KVM_RUN that fills the run page and returns. No /dev/kvm is needed. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include "count.h"

#define RUN_SIZE 12288
#define SYS_FD   1000
#define VM_FD    1001
#define VCPU_FD  1002

/* The next exit of the fake guest. */
static struct kvm_run next;
static _Alignas(4096) unsigned char run_page[RUN_SIZE];
static unsigned sink;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_close(int fd);
int __wrap_close(int fd);
__attribute__((noinline, noclone)) int __wrap_ioctl(int fd, unsigned long request, ...);
void *__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *pages, size_t size);
int __wrap_munmap(void *pages, size_t size);

int __wrap_open(const char *path, int flags, ...)
{
    return strcmp(path, "/dev/kvm") == 0 ? SYS_FD : __real_open(path, flags, 0);
}

int __wrap_close(int fd)
{
    return fd >= SYS_FD ? 0 : __real_close(fd);
}

void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
    return fd == VCPU_FD ? run_page : __real_mmap(at, size, prot, flags, fd, offset);
}

int __wrap_munmap(void *pages, size_t size)
{
    return pages == run_page ? 0 : __real_munmap(pages, size);
}

static int extension(unsigned long number)
{
    switch (number) {
    case KVM_CAP_SYNC_REGS:
        return KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
    case KVM_CAP_XSAVE2:
        return 0;
    case KVM_CAP_NR_MEMSLOTS:
        return 512;
    default:
        return 1;
    }
}

/* Only KVM_RUN is counted, and it comes first. */
int __wrap_ioctl(int fd, unsigned long request, ...)
{
    struct kvm_run *run = (void *)run_page;

    (void)fd;
    if (__builtin_expect(request == KVM_RUN, 1)) {
        run->exit_reason = next.exit_reason;
        run->io.direction = next.io.direction;
        run->io.size = next.io.size;
        run->io.port = next.io.port;
        run->io.count = next.io.count;
        run->io.data_offset = next.io.data_offset;
        if (next.exit_reason == KVM_EXIT_MMIO) {
            run->mmio.phys_addr = next.mmio.phys_addr;
            run->mmio.len = next.mmio.len;
            run->mmio.is_write = next.mmio.is_write;
        }
        return 0;
    }
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    switch (request) {
    case KVM_GET_API_VERSION:
        return KVM_API_VERSION;
    case KVM_CREATE_VM:
        return VM_FD;
    case KVM_CREATE_VCPU:
        return VCPU_FD;
    case KVM_GET_VCPU_MMAP_SIZE:
        return RUN_SIZE;
    case KVM_CHECK_EXTENSION:
        return extension((unsigned long)argument);
    case KVM_GET_SUPPORTED_CPUID:
        ((struct kvm_cpuid2 *)argument)->nent = 0;
        return 0;
    default:
        return 0;
    }
}

static void next_io(bool out)
{
    memset(&next, 0, sizeof(next));
    next.exit_reason = KVM_EXIT_IO;
    next.io.direction = out ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
    next.io.size = 1;
    next.io.port = 0x10;
    next.io.count = 1;
    next.io.data_offset = 4096;
}

static void next_mmio(bool write)
{
    memset(&next, 0, sizeof(next));
    next.exit_reason = KVM_EXIT_MMIO;
    next.mmio.phys_addr = 0x5000;
    next.mmio.len = 4;
    next.mmio.is_write = write;
}

/* Both loops look at the same things. */
static inline __attribute__((always_inline)) void lib(vmaccel_vcpu *vcpu, unsigned n)
{
    vmaccel_exit *exit = vmaccel_vcpu_exit(vcpu);

    for (unsigned i = 0; i < n; i++) {
        count_check(vmaccel_vcpu_run(vcpu));
        switch (exit->reason) {
        case VMACCEL_EXIT_IO:
            if (exit->u.io.is_write)
                sink += exit->u.io.data[0] + exit->u.io.port;
            else
                exit->u.io.data[0] = (uint8_t)exit->u.io.port;
            break;
        case VMACCEL_EXIT_MMIO:
            if (exit->u.mmio.is_write)
                sink += exit->u.mmio.data[0] + (unsigned)exit->u.mmio.gpa;
            else
                exit->u.mmio.data[0] = (uint8_t)exit->u.mmio.gpa;
            break;
        default:
            abort();
        }
    }
}

static inline __attribute__((always_inline)) void raw(unsigned n)
{
    struct kvm_run *run = (void *)run_page;

    for (unsigned i = 0; i < n; i++) {
        if (__wrap_ioctl(VCPU_FD, KVM_RUN, 0) < 0)
            abort();
        switch (run->exit_reason) {
        case KVM_EXIT_IO:
            if (run->io.direction == KVM_EXIT_IO_OUT)
                sink += run_page[run->io.data_offset] + run->io.port;
            else
                run_page[run->io.data_offset] = (uint8_t)run->io.port;
            break;
        case KVM_EXIT_MMIO:
            if (run->mmio.is_write)
                sink += run->mmio.data[0] + (unsigned)run->mmio.phys_addr;
            else
                run->mmio.data[0] = (uint8_t)run->mmio.phys_addr;
            break;
        default:
            abort();
        }
    }
}

#define ACCESS(what)                                                                               \
    COUNTED void counted_lib_##what(vmaccel_vcpu *vcpu);                                           \
    COUNTED void counted_raw_##what(void);                                                         \
    COUNTED void counted_lib_##what(vmaccel_vcpu *vcpu)                                            \
    {                                                                                              \
        lib(vcpu, COUNT_EXITS);                                                                    \
    }                                                                                              \
    COUNTED void counted_raw_##what(void)                                                          \
    {                                                                                              \
        raw(COUNT_EXITS);                                                                          \
    }
ACCESS(port_out)
ACCESS(port_in)
ACCESS(mmio_write)
ACCESS(mmio_read)

int main(void)
{
    vmaccel_vm *vm;
    vmaccel_vcpu *vcpu;

    count_check(vmaccel_vm_create(vmaccel_platform_find("kvm"), NULL, &vm));
    count_check(vmaccel_vcpu_create(vm, 0, NULL, &vcpu));
    next_io(true);
    lib(vcpu, COUNT_WARM);
    counted_lib_port_out(vcpu);
    counted_raw_port_out();
    next_io(false);
    counted_lib_port_in(vcpu);
    counted_raw_port_in();
    next_mmio(true);
    counted_lib_mmio_write(vcpu);
    counted_raw_mmio_write();
    next_mmio(false);
    counted_lib_mmio_read(vcpu);
    counted_raw_mmio_read();
    count_check(vmaccel_vcpu_destroy(vcpu));
    count_check(vmaccel_vm_destroy(vm));
    return sink == 0;
}
