/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest-physical memory: regions, dirty log, doorbells, access helpers. */
#ifndef VMACCEL_MEMORY_H
#define VMACCEL_MEMORY_H

#include <vmaccel/status.h>
#include <vmaccel/types.h>

VMACCEL_BEGIN_DECLS

/* What the guest may do with a region. READ is always on. */
#define VMACCEL_MEM_READ (1u << 0)
#define VMACCEL_MEM_WRITE                                                                          \
    (1u << 1) /* without it a guest write exits as MMIO (CAP_MEM_READ_ONLY)                        \
               */
#define VMACCEL_MEM_EXEC      (1u << 2) /* leaving it out needs CAP_MEM_NO_EXEC */
#define VMACCEL_MEM_DIRTY_LOG (1u << 3) /* record pages the guest writes (CAP_MEM_DIRTY_LOG) */
#define VMACCEL_MEM_RWX       (VMACCEL_MEM_READ | VMACCEL_MEM_WRITE | VMACCEL_MEM_EXEC)

/* Map host memory at a guest-physical range. gpa, size and host are multiples of CAP_PAGE_SIZE;
 * size is not 0. Regions never overlap: EXISTS names the one in the way. One host range may be
 * mapped at several guest addresses (CAP_MEM_ALIAS). `host` stays the caller's and must stay valid
 * and of unchanged host protection until it is unmapped. Errors: INVALID_ARGUMENT, EXISTS, LIMIT
 * (CAP_MAX_REGIONS), NOT_SUPPORTED, PLATFORM. Thread: any. Source: KVM_SET_USER_MEMORY_REGION;
 * WHvMapGpaRange; hv_vm_map. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_memory_map(vmaccel_vm *vm, vmaccel_gpa gpa,
                                                                 uint64_t size, void *host,
                                                                 uint32_t flags);

/* Unmap [gpa, gpa+size), which must be wholly mapped and page-granular; it may cover several
 * regions and parts of regions. When it returns no vCPU uses the range; a later guest access exits
 * as MMIO. Where CAP_MEM_SPLIT_RUNNING is 0, cutting a region in parts needs all vCPUs outside
 * vmaccel_vcpu_run(): STATE otherwise. Errors: INVALID_ARGUMENT, NOT_FOUND, STATE, LIMIT, PLATFORM.
 * Thread: any. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_memory_unmap(vmaccel_vm *vm, vmaccel_gpa gpa,
                                                                   uint64_t size);

/* Change the flags of [gpa, gpa+size), under the rules of unmap. Turning the dirty log on starts
 * with a clean log. Errors: as vmaccel_memory_unmap(), NOT_SUPPORTED. Thread: any. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_memory_protect(vmaccel_vm *vm,
                                                                     vmaccel_gpa gpa, uint64_t size,
                                                                     uint32_t flags);

/* Get and clear the dirty log of [gpa, gpa+size), which must lie in regions mapped with
 * VMACCEL_MEM_DIRTY_LOG. Bit n of `bitmap` (least significant bit of word 0 first) is the page at
 * gpa + n * CAP_PAGE_SIZE; `words` is the number of 64-bit words, at least one bit a page. Writes
 * by the guest, and by vmaccel_memory_write(), are in it; writes the caller makes through its own
 * pointer are not. A write is in this log or the next, never in none. Errors: INVALID_ARGUMENT,
 * NOT_FOUND, STATE (no dirty log), NOT_SUPPORTED, PLATFORM. Thread: any. Source: KVM_GET_DIRTY_LOG;
 * WHvQueryGpaRangeDirtyBitmap. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_memory_dirty_log(
    vmaccel_vm *vm, vmaccel_gpa gpa, uint64_t size, uint64_t *bitmap, size_t words);

/* Copy from or to guest-physical memory; the range may span regions. Nothing is copied unless all
 * of it is mapped. write ignores the guest's write permission (the host loads ROMs with it).
 * Errors: INVALID_ARGUMENT, GUEST_MEMORY. Thread: any; concurrent guest accesses may be seen torn.
 */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_memory_read(vmaccel_vm *vm, vmaccel_gpa gpa,
                                                                  void *buffer, size_t size);
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_memory_write(vmaccel_vm *vm, vmaccel_gpa gpa,
                                                                   const void *buffer, size_t size);

/* Host address of guest-physical memory that lies in one region. The pointer is valid until that
 * region is unmapped. Errors: INVALID_ARGUMENT, GUEST_MEMORY. Thread: any. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_memory_host(vmaccel_vm *vm, vmaccel_gpa gpa,
                                                                  uint64_t size, void **host);

/* A guest write that signals the host instead of exiting (CAP_DOORBELL). */
typedef struct vmaccel_doorbell vmaccel_doorbell;

typedef struct vmaccel_doorbell_config {
    uint32_t size;    /* sizeof(vmaccel_doorbell_config) */
    uint32_t pio;     /* 1: an x86 I/O port; 0: MMIO */
    uint64_t address; /* port or GPA */
    uint32_t length;  /* 1, 2, 4 or 8 bytes; the write must have this size */
    uint32_t match;   /* 1: only writes of `value` ring; others exit */
    uint64_t value;
    uint64_t reserved[2];
} vmaccel_doorbell_config;

/* Add a doorbell. Rings between two waits are counted together. Errors: INVALID_ARGUMENT, EXISTS,
 * NOT_SUPPORTED, LIMIT, PLATFORM. Ownership: *out is the caller's; destroy it before the VM.
 * Thread: setup; no vCPU of the VM is in vmaccel_vcpu_run() unless CAP_DOORBELL_KERNEL. Source:
 * KVM_IOEVENTFD; WHvRegisterPartitionDoorbellEvent. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_doorbell_create(
    vmaccel_vm *vm, const vmaccel_doorbell_config *config, vmaccel_doorbell **out);

/* Remove it. NULL is allowed. Thread: as create. */
VMACCEL_API void vmaccel_doorbell_destroy(vmaccel_doorbell *doorbell);

/* Wait until it rings, at most timeout_ns nanoseconds (0: do not wait; UINT64_MAX: for ever), and
 * clear it. Errors: TIMEOUT, PLATFORM. Thread: any, one waiter at a time. */
VMACCEL_API VMACCEL_MUST_CHECK vmaccel_status vmaccel_doorbell_wait(vmaccel_doorbell *doorbell,
                                                                    uint64_t timeout_ns);

/* The host object to poll: a file descriptor (eventfd) or a Windows event HANDLE. Owned by the
 * doorbell. Thread: any. */
VMACCEL_API intptr_t vmaccel_doorbell_native(const vmaccel_doorbell *doorbell);

VMACCEL_END_DECLS

#endif
