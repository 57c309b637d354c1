/* SPDX-License-Identifier: BSD-2-Clause */
/* What the suite needs of the host beside threads: one source file per kind of host. */
#ifndef SUITE_HOST_H
#define SUITE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vmaccel/vmaccel.h>

uint64_t host_now_ns(void); /* monotonic */
void host_sleep_ns(uint64_t ns);

/* The CPU time of the calling thread. */
uint64_t host_thread_cpu_ns(void);

/* Zeroed memory at an address aligned for any CAP_PAGE_SIZE; NULL when there is none. */
void *host_pages(size_t size);
void host_pages_free(void *pages, size_t size);

/* One line: operating system, release, CPU. */
void host_describe(char *text, size_t size);

/* Handles (file descriptors) this process has open, and its resident bytes; -1 where the host does
 * not tell. */
int64_t host_handle_count(void);
int64_t host_resident_bytes(void);

/* The CPU that the calling thread is on; keep the thread on a CPU until told otherwise; and keep it
 * off one, where it has another. */
unsigned host_cpu(void);
void host_keep_cpu(unsigned cpu);
void host_any_cpu(void);
void host_avoid_cpu(unsigned cpu);

/* Whether the host itself counts time by its TSC, which then is the same on all of its CPUs. */
bool host_counts_by_tsc(void);

/* Whether the host is QEMU's machine `virt`, whose CPU may be an emulated one. */
bool host_is_qemu_virt(void);

/* Whether a doorbell's native object (a file descriptor or event) is signalled. */
bool host_native_signalled(intptr_t native);

/* Call vmaccel_vcpu_kick() from a signal handler on the calling thread after `ns`, once; false
 * where the host has no signals. host_signal_kick_end() restores the signal's handler; it returns
 * the kick's status, or -1 if none came. */
bool host_signal_kick(vmaccel_vcpu *vcpu, uint64_t ns);
int host_signal_kick_end(void);

#endif
