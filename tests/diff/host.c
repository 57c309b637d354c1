/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's side: all registers are loaded, the program runs, and its end or a signal leads to the
 * code that saves them. RSP is the program's, so signals have a stack of their own, and a handler
 * changes nothing but where the program goes on: at the common end, in the state of the fault. */
#include "diff.h"

#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

/* The trampoline's own data, addressed absolutely: every register is the program's. */
#define CONTEXT 0x3a6c0000 /* as STUB, out of the reach of a bit offset from the window */
struct context {
    struct state state;
    uint8_t initial[576]; /* an XSAVE area that loads initial state */
    uint64_t host_rsp, host_fs, host_gs, leave;
    uint64_t narrow_target; /* offset, selector */
};
#define self ((struct context *)CONTEXT)

/* The layout above as the assembler sees it. */
#define C_RIP     128
#define C_RFLAGS  136
#define C_FS      144
#define C_GS      152
#define C_XSAVE   192
#define C_INITIAL 2944
#define C_RSP     3520
#define C_HOST_FS 3528
#define C_HOST_GS 3536
#define C_LEAVE   3544
#define C_NARROW  3552
_Static_assert(offsetof(struct state, xsave) == C_XSAVE, "");
_Static_assert(offsetof(struct context, initial) == C_INITIAL, "");
_Static_assert(offsetof(struct context, host_rsp) == C_RSP, "");
_Static_assert(offsetof(struct context, leave) == C_LEAVE, "");
_Static_assert(offsetof(struct context, narrow_target) == C_NARROW, "");

#define STR_(x) #x
#define STR(x)  STR_(x)
#define AT(off) STR(CONTEXT) " + " STR(off)

void diff_host_enter(void);
void diff_host_enter_narrow(void);
void diff_host_leave(void);

#define LOAD_REGISTERS                                                                             \
    "    mov " AT(0) ", %rax\n    mov " AT(8) ", %rcx\n    mov " AT(                               \
        16) ", %rdx\n"                                                                             \
            "    mov " AT(24) ", %rbx\n    mov " AT(40) ", %rbp\n    mov " AT(                     \
                48) ", %rsi\n"                                                                     \
                    "    mov " AT(56) ", %rdi\n    mov " AT(64) ", %r8\n    mov " AT(              \
                        72) ", %r9\n"                                                              \
                            "    mov " AT(80) ", %r10\n    mov " AT(88) ", %r11\n    mov " AT(     \
                                96) ", %r12\n"                                                     \
                                    "    mov " AT(104) ", %r13\n    mov " AT(                      \
                                        112) ", %r14\n    mov " AT(120) ", %r15\n"                 \
                                                                        "    mov " AT(             \
                                                                            32) ", %rsp\n"
#define SAVE_HOST                                                                                  \
    "    push %rbx\n    push %rbp\n    push %r12\n    push %r13\n    push %r14\n    push %r15\n"   \
    "    mov %rsp, " AT(C_RSP) "\n"
#define LOAD_VECTORS                                                                               \
    "    mov $7, %eax\n    xor %edx, %edx\n    xrstor " AT(C_XSAVE) "\n"                           \
                                                                    "    pushq " AT(               \
                                                                        C_RFLAGS) "\n    popfq\n"

__asm__(
    ".text\n"
    "diff_host_enter:\n" SAVE_HOST "    mov " AT(
        C_FS) ", %rax\n    wrfsbase %rax\n"
              "    mov " AT(
                  C_GS) ", %rax\n    wrgsbase %rax\n" LOAD_VECTORS LOAD_REGISTERS "    jmp *" AT(C_RIP) "\n"
                                                                                                        "diff_host_enter_narrow:\n" SAVE_HOST "    mov $0x2b, %eax\n    mov %eax, %ds\n    mov %eax, %es\n" LOAD_VECTORS LOAD_REGISTERS "    ljmp *" AT(C_NARROW) "\n"
                                                                                                                                                                                                                                                                  "diff_host_leave:\n"
                                                                                                                                                                                                                                                                  "    mov %rsp, " AT(32) "\n    mov " AT(C_RSP) ", %rsp\n"
                                                                                                                                                                                                                                                                                                                 "    mov %rax, " AT(0) "\n    mov %rcx, " AT(8) "\n    mov %rdx, " AT(
                                                                                                                                                                                                                                                                                                                     16) "\n"
                                                                                                                                                                                                                                                                                                                         "    mov %rbx, " AT(
                                                                                                                                                                                                                                                                                                                             24) "\n    mov %rbp, " AT(40) "\n    mov %rsi, " AT(48) "\n"
                                                                                                                                                                                                                                                                                                                                                                                     "    mov %rdi, " AT(56) "\n    mov %r8, " AT(64) "\n    mov %r9, " AT(72) "\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                               "    mov %r10, " AT(80) "\n    mov %r11, " AT(88) "\n    mov %r12, " AT(96) "\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                           "    mov %r13, " AT(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               104) "\n    mov %r14, " AT(112) "\n    mov %r15, " AT(120) "\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                          "    pushfq\n    popq " AT(C_RFLAGS) "\n    pushq $0x202\n    popfq\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               "    mov $7, %eax\n    xor %edx, %edx\n    xsave " AT(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   C_XSAVE) "\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            "    xrstor " AT(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                C_INITIAL) "\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                           "    xor %eax, %eax\n    mov %eax, %ds\n    mov %eax, %es\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                           "    rdfsbase %rax\n    mov %rax, " AT(C_FS) "\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        "    rdgsbase %rax\n    mov %rax, " AT(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            C_GS) "\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                  "    mov " AT(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      C_HOST_FS) ", %rax\n    wrfsbase %rax\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 "    mov " AT(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     C_HOST_GS) ", %rax\n    wrgsbase %rax\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "    pop %r15\n    pop %r14\n    pop %r13\n    pop %r12\n    pop %rbp\n    pop %rbx\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "    ret\n");

uint8_t *host_memory;
static uint8_t *host_code_alias;
/* What the signal handler found. */
static volatile struct {
    uint64_t rip, address, tf;
    uint32_t error;
    uint8_t vector;
} fault;
static volatile bool running;
static volatile uint64_t runs, runs_at_tick;

/* The handler starts with the program's FS base, where thread-local data is not, and with its AC
 * flag. */
static void clear_ac(void)
{
    __asm__ volatile("pushfq\n\tandq $~0x40000, (%%rsp)\n\tpopfq" ::: "cc", "memory");
}

__attribute__((no_sanitize("address", "undefined", "thread"))) static void
on_signal(int number, siginfo_t *info, void *at)
{
    ucontext_t *uc = at;
    greg_t *g = uc->uc_mcontext.gregs;
    (void)info;
    clear_ac();
    if (number == SIGALRM) {
        bool same = runs == runs_at_tick;
        runs_at_tick = runs;
        if (!same)
            return;
        if (!running) {
            soft_interrupt();
            return;
        }
        fault.vector = VECTOR_TIMEOUT;
    } else if (!running) {
        signal(number, SIG_DFL); /* a bug of the test: the instruction faults again */
        return;
    } else {
        fault.vector = (uint8_t)g[REG_TRAPNO];
    }
    fault.rip = (uint64_t)g[REG_RIP];
    fault.error = (uint32_t)g[REG_ERR];
    fault.address = (uint64_t)g[REG_CR2];
    g[REG_RIP] = (greg_t)(uintptr_t)diff_host_leave;
    fault.tf = (uint64_t)g[REG_EFL] & FLAG_TF;
    g[REG_EFL] &= ~(greg_t)FLAG_TF;
    /* CS and SS of 64-bit code. */
    g[REG_CSGSFS] = (g[REG_CSGSFS] & ~0xffffll) | 0x33;
}

static void catch_signals(void)
{
    static uint8_t stack[1 << 16];
    const stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternative, NULL);
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGALRM};
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaction(numbers[i], &action, NULL);
    const struct itimerval tick = {{0, 200000}, {0, 200000}};
    setitimer(ITIMER_REAL, &tick, NULL);
}

static void *fixed(uint64_t at, size_t size, int prot, int fd, off_t offset)
{
    void *p = mmap((void *)(uintptr_t)at, size, prot,
                   MAP_FIXED_NOREPLACE | MAP_POPULATE |
                       (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED),
                   fd, offset);
    return p == MAP_FAILED ? NULL : p;
}

bool host_init(const char **why)
{
    if (!(getauxval(AT_HWCAP2) & 2)) {
        *why = "the host's kernel keeps FSGSBASE from programs";
        return false;
    }
    *why = "the host has no AVX";
    if (!__builtin_cpu_supports("avx"))
        return false;
    int fd = memfd_create("diff", 0);
    *why = "no memory at the test's addresses";
    if (fd < 0 || ftruncate(fd, MEMORY_SIZE + CODE_SIZE) != 0)
        return false;
    uint8_t *alias = mmap(NULL, MEMORY_SIZE + CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (alias == MAP_FAILED || !fixed(DATA, DATA_SIZE, PROT_READ | PROT_WRITE, fd, 0) ||
        !fixed(CONST_PAGE, PAGE, PROT_READ, fd, DATA_SIZE) ||
        !fixed(CODE, CODE_SIZE, PROT_READ | PROT_EXEC, fd, MEMORY_SIZE) ||
        !fixed(CONTEXT, PAGE, PROT_READ | PROT_WRITE, -1, 0))
        return false;
    uint8_t *stub = fixed(STUB, PAGE, PROT_READ | PROT_WRITE, -1, 0);
    if (!stub)
        return false;
    close(fd);
    host_memory = alias;
    host_code_alias = alias + MEMORY_SIZE;
    /* 64-bit: jmp *leave. 32-bit, 64 bytes on: ljmp to it. */
    const uint32_t leave = CONTEXT + C_LEAVE, wide = (uint32_t)STUB;
    memcpy(stub, "\xff\x24\x25", 3);
    memcpy(stub + 3, &leave, 4);
    stub[64] = 0xea;
    memcpy(stub + 65, &wide, 4);
    memcpy(stub + 69, "\x33\0", 2);
    mprotect(stub, PAGE, PROT_READ | PROT_EXEC);

    memset(self, 0, sizeof *self);
    const uint32_t mxcsr = 0x1f80;
    memcpy(self->initial + XSAVE_MXCSR, &mxcsr, 4);
    self->leave = (uint64_t)(uintptr_t)diff_host_leave;
    __asm__ volatile("rdfsbase %0" : "=r"(self->host_fs));
    __asm__ volatile("rdgsbase %0" : "=r"(self->host_gs));
    catch_signals();
    return true;
}

void host_code(const struct program *p)
{
    code_replace(host_code_alias, p);
}

void host_run(const struct program *p, struct outcome *o)
{
    memcpy(&self->state, &o->state, offsetof(struct state, xsave) + XSAVE_USED);
    fault.vector = VECTOR_NONE;
    fault.error = 0;
    fault.tf = 0;
    runs++;
    running = true;
    if (p->narrow) {
        self->narrow_target = (uint32_t)o->state.rip | UINT64_C(0x23) << 32;
        diff_host_enter_narrow();
    } else {
        diff_host_enter();
    }
    running = false;
    memcpy(&o->state, &self->state, offsetof(struct state, xsave) + XSAVE_USED);
    o->state.rflags |= fault.tf;
    o->vector = fault.vector;
    o->error = fault.error;
    o->address = fault.vector == 14 ? fault.address : 0;
    o->state.rip = fault.vector == VECTOR_NONE ? STUB : fault.rip;
}

bool host_has_page(uint64_t address)
{
    unsigned char resident;
    return mincore((void *)(uintptr_t)(address & ~UINT64_C(0xfff)), PAGE, &resident) == 0;
}
