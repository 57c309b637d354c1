/* SPDX-License-Identifier: BSD-2-Clause */
/* A program in ring 3: it faults each page of a window in, read-only and then writable, makes
 * system calls by SYSCALL and by INT, and has the window unmapped again. */
#include "guest.h"
#include "work.h"

#define WINDOW 0x40000000u /* what window_table maps */

enum {
    PAGES = 32,
    PAGE_SIZE = 4096,
    SYSCALLS = 128,
    INTERRUPTS = 64,
    PTE_READ = 5, /* present, user */
    PTE_WRITE = 2,
    ERROR_PRESENT = 1,
    ERROR_WRITE = 2,
};

static uint8_t frames[PAGES][PAGE_SIZE] __attribute__((aligned(4096)));
static uint64_t counter, faults;

bool system_page_fault(uint64_t address, uint64_t error)
{
    uint64_t index = (address - WINDOW) / PAGE_SIZE, *entry;

    if (address < WINDOW || index >= PAGES)
        return false;
    entry = &window_table[index];
    if ((error & ERROR_PRESENT) == 0)
        *entry = (uintptr_t)frames[index] | PTE_READ;
    else if ((error & ERROR_WRITE) != 0 && (*entry & PTE_WRITE) == 0)
        *entry |= PTE_WRITE;
    else
        return false;
    faults = work_mix(faults, address << 8 | error);
    return true;
}

/* By INVLPG, or all at once by a write to CR3. */
static void unmap(bool each)
{
    for (unsigned i = 0; i < PAGES; i++) {
        window_table[i] = 0;
        if (each)
            __asm__ volatile("invlpg (%0)" : : "r"((uintptr_t)WINDOW + i * PAGE_SIZE) : "memory");
    }
    if (!each) {
        uint64_t root;

        __asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(root) : : "memory");
    }
}

uint64_t guest_system_call(uint64_t number, uint64_t argument)
{
    switch (number) {
    case CALL_ADD:
        counter += argument;
        return counter;
    case CALL_UNMAP:
        unmap(argument & 1);
        return 0;
    case CALL_FAULTS:
        return faults;
    }
    return UINT64_MAX;
}

uint64_t work_system(uint64_t n)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        for (unsigned page = 0; page < PAGES; page++) {
            volatile uint64_t *word = (volatile uint64_t *)((uintptr_t)WINDOW + page * PAGE_SIZE);

            sum += word[i % 512];
            word[i % 512] = sum + page;
        }
        for (unsigned j = 0; j < SYSCALLS; j++)
            sum ^= by_syscall(CALL_ADD, j);
        for (unsigned j = 0; j < INTERRUPTS; j++)
            sum += by_interrupt(CALL_ADD, j);
        by_syscall(CALL_UNMAP, i);
    }
    return work_mix(sum, by_syscall(CALL_FAULTS, 0));
}
