/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest: its command line is WORKLOAD UNITS. It prints them and the checksum on COM1, and ends
 * with 16 written to the debug-exit port, or 17 after an error. */
#include "guest.h"
#include "work.h"

enum {
    COM1 = 0x3f8,
    COM1_STATUS = 5,
    COM1_EMPTY = 0x20,
    DEBUG_EXIT = 0xf4,
    EXIT_GOOD = 16,
    EXIT_BAD = 17,
    START_COMMAND_LINE = 24,
    GDT_TSS = 6,
    MSR_STAR = 0xc0000081u,
    MSR_LSTAR = 0xc0000082u,
    MSR_SFMASK = 0xc0000084u,
};

#define GATE        0x8e00u /* a present interrupt gate */
#define GATE_USER   0x6000u
#define STAR        (0x1bull << 48 | 0x08ull << 32)
#define TSS_PRESENT (0x89ull << 40)

static uint8_t code[WORK_CODE_SIZE] __attribute__((aligned(4096)));
uint8_t *work_code = code;

static uint32_t tss[26];
static uint64_t idt[VECTOR_SYSTEM_CALL + 1][2];

static void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void write_msr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static void print(const char *text)
{
    for (; *text != 0; text++) {
        while ((in8(COM1 + COM1_STATUS) & COM1_EMPTY) == 0)
            ;
        out8(COM1, (uint8_t)*text);
    }
}

static void print_hex(uint64_t value)
{
    char text[17];

    work_hex(value, text);
    print(text);
}

static _Noreturn void finish(uint8_t code_out)
{
    out8(DEBUG_EXIT, code_out);
    for (;;)
        __asm__ volatile("hlt");
}

void guest_exception(struct trap *trap)
{
    uint64_t address;

    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    if (trap->vector == VECTOR_PAGE_FAULT && system_page_fault(address, trap->error))
        return;
    if (trap->vector == VECTOR_INVALID_OPCODE && (trap->cs & 3) != 0)
        leave_user(trap->rdi);
    print("exception ");
    print_hex(trap->vector);
    print(" error ");
    print_hex(trap->error);
    print(" rip ");
    print_hex(trap->rip);
    print(" cr2 ");
    print_hex(address);
    print("\n");
    finish(EXIT_BAD);
}

static void set_gate(unsigned vector, const char *entry, uint32_t flags)
{
    uint64_t address = (uintptr_t)entry;

    idt[vector][0] = (address & 0xffff) | 0x08 << 16 | (uint64_t)(GATE | flags) << 32 |
                     (address >> 16 & 0xffff) << 48;
    idt[vector][1] = address >> 32;
}

static void set_up_cpu(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) idtr = {sizeof idt - 1, (uintptr_t)idt};
    uint64_t base = (uintptr_t)tss;

    for (unsigned i = 0; i < 32; i++)
        set_gate(i, exception_entries + 16 * i, 0);
    set_gate(VECTOR_SYSTEM_CALL, int_entry, GATE_USER);
    tss[1] = (uint32_t)(uintptr_t)entry_stack; /* RSP0 */
    gdt[GDT_TSS] = (sizeof tss - 1) | (base & 0xffffff) << 16 | TSS_PRESENT | (base >> 24) << 56;
    gdt[GDT_TSS + 1] = base >> 32;
    __asm__ volatile("lidt %0; ltr %w1" : : "m"(idtr), "r"(GDT_TSS * 8) : "memory");
    write_msr(MSR_STAR, STAR);
    write_msr(MSR_LSTAR, (uintptr_t)syscall_entry);
    write_msr(MSR_SFMASK, 0x700); /* TF, IF, DF */
}

/* The number after the first word of `text`. */
static uint64_t parse_units(const char *text)
{
    uint64_t value = 0;

    while (*text != 0 && *text != ' ')
        text++;
    while (*text == ' ')
        text++;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (uint64_t)(*text - '0');
    return value;
}

static const struct work *work;

/* In ring 3, where a paravirtual KVM runs code by the host's CPU. It ends by UD2, because such a
 * KVM has neither INT nor SYSRET. */
static void user_main(uint64_t units)
{
    __asm__ volatile("ud2" : : "D"(work->run(units)));
}

void guest_main(const uint8_t *start_info)
{
    const char *line = *(const char *const *)(const void *)(start_info + START_COMMAND_LINE);
    work = line != NULL ? work_find(line) : NULL;

    set_up_cpu();
    if (work == NULL) {
        print("usage: WORKLOAD UNITS\n");
        finish(EXIT_BAD);
    }
    uint64_t units = parse_units(line), sum = enter_user(user_main, units);
    char digits[21], *digit = &digits[20];

    *digit = 0;
    do
        *--digit = (char)('0' + units % 10);
    while ((units /= 10) != 0);
    print(work->name);
    print(" ");
    print(digit);
    print(" ");
    print_hex(sum);
    print("\n");
    finish(EXIT_GOOD);
}

/* What the compiler may call for an initialization or an assignment. */
void *memset(void *out, int value, size_t count);
void *memcpy(void *restrict out, const void *restrict in, size_t count);

void *memset(void *out, int value, size_t count)
{
    void *at = out;

    __asm__ volatile("rep stosb" : "+D"(at), "+c"(count) : "a"(value) : "memory");
    return out;
}

void *memcpy(void *restrict out, const void *restrict in, size_t count)
{
    void *at = out;

    __asm__ volatile("rep movsb" : "+D"(at), "+S"(in), "+c"(count) : : "memory");
    return out;
}
