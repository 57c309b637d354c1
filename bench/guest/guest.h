/* SPDX-License-Identifier: BSD-2-Clause */
/* What start.S and the parts of the guest that need ring 0 share. */
#ifndef BENCH_GUEST_GUEST_H
#define BENCH_GUEST_GUEST_H

#include <stdbool.h>
#include <stdint.h>

/* Exceptions push this; exception_entry keeps the registers that a C function may change. */
struct trap {
    uint64_t r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

enum { VECTOR_INVALID_OPCODE = 6, VECTOR_PAGE_FAULT = 14, VECTOR_SYSTEM_CALL = 0x80 };

extern uint64_t gdt[8], window_table[512];
extern const char exception_entries[], int_entry[], syscall_entry[], entry_stack[];

void guest_main(const uint8_t *start_info);
void guest_exception(struct trap *trap);
uint64_t guest_system_call(uint64_t number, uint64_t argument);

/* Run a function in ring 3, until an exception's handler calls leave_user(). */
uint64_t enter_user(void (*function)(uint64_t), uint64_t argument);
_Noreturn void leave_user(uint64_t result);

enum { CALL_ADD, CALL_UNMAP, CALL_FAULTS };

static inline uint64_t by_syscall(uint64_t number, uint64_t argument)
{
    uint64_t result;

    __asm__ volatile("syscall"
                     : "=a"(result), "+D"(number), "+S"(argument)
                     :
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "cc", "memory");
    return result;
}

static inline uint64_t by_interrupt(uint64_t number, uint64_t argument)
{
    uint64_t result;

    __asm__ volatile("int %3"
                     : "=a"(result), "+D"(number), "+S"(argument)
                     : "i"(VECTOR_SYSTEM_CALL)
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "cc", "memory");
    return result;
}

/* Whether the fault at `address` was one that the workload causes; it is then resolved. */
bool system_page_fault(uint64_t address, uint64_t error);

#endif
