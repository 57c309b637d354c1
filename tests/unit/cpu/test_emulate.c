/* SPDX-License-Identifier: BSD-2-Clause */
/* One instruction on behalf of a hypervisor: the accesses it reports and what it leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/emulate.h"

#define RAM_SIZE 0x20000u
#define TABLES   0x1000u   /* PML4, PDPT, directory: 1 GiB in pages of 2 MiB */
#define DEVICE   0x200000u /* what is not RAM */
#define DATA     0x10000u
#define CODE     0x8000u

enum mode { MODE_16, MODE_32, MODE_64 };

static uint8_t ram[RAM_SIZE] __attribute__((aligned(4096)));
static uint8_t xsave[CPU_XSAVE_SIZE];
static unsigned fetched, stored;
static struct emulator *e;
static struct emulator_state s;
static char log_text[1024];

static bool page(void *context, uint64_t gpa, bool write, struct cpu_page *out)
{
    (void)context, (void)write;
    if (gpa >= RAM_SIZE)
        return false;
    *out = (struct cpu_page){.host = ram + gpa, .writable = true, .executable = true};
    return true;
}

static bool get_xsave(void *context, void *area)
{
    (void)context;
    memcpy(area, xsave, sizeof xsave);
    fetched++;
    return true;
}

static bool set_xsave(void *context, const void *area)
{
    (void)context;
    memcpy(xsave, area, sizeof xsave);
    stored++;
    return true;
}

static const struct emulator_config config = {
    .page = page, .get_xsave = get_xsave, .set_xsave = set_xsave};

static void put64(uint32_t at, uint64_t value)
{
    memcpy(ram + at, &value, 8);
}

static void set_mode(enum mode mode)
{
    vmaccel_x86_reset_state(&s.regs, &s.sregs);
    s.sregs.cs.base = 0;
    s.sregs.cs.selector = 0;
    s.xcr0 = 7;
    if (mode == MODE_64) {
        vmaccel_x86_long_mode(&s.sregs, TABLES);
        s.sregs.cr4 |= 1u << 18;
    } else if (mode == MODE_32) {
        vmaccel_x86_long_mode(&s.sregs, 0);
        s.sregs.cs.attributes =
            (uint16_t)((s.sregs.cs.attributes & ~VMACCEL_X86_SEG_L) | VMACCEL_X86_SEG_DB);
        s.sregs.cr0 &= 0x7fffffff;
        s.sregs.cr4 = 1u << 9;
        s.sregs.efer = 0;
    } else {
        /* Flat real mode, so that a device is in reach. */
        s.sregs.ds.limit = s.sregs.es.limit = UINT32_MAX;
        s.sregs.ds.attributes |= VMACCEL_X86_SEG_G;
        s.sregs.es.attributes |= VMACCEL_X86_SEG_G;
    }
    s.regs = (vmaccel_x86_regs){.rip = CODE,
                                .rflags = 2,
                                .rax = UINT64_C(0x1122334455667788),
                                .rcx = UINT64_C(0x99aabbccddeeff00),
                                .rbx = DEVICE,
                                .rsp = 0x7000,
                                .rsi = DATA,
                                .rdi = DEVICE};
}

static int setup(void **state)
{
    (void)state;
    memset(ram, 0, sizeof ram);
    put64(TABLES, TABLES + 0x1007);
    put64(TABLES + 0x1000, TABLES + 0x2007);
    for (unsigned i = 0; i < 512; i++)
        put64(TABLES + 0x2000 + 8 * i, (uint64_t)i << 21 | 0x87);
    memset(xsave, 0, sizeof xsave);
    xsave[0] = 0x7f;
    xsave[1] = 3;
    xsave[24] = 0x80;
    xsave[25] = 0x1f;
    xsave[512] = 7;
    for (unsigned i = 0; i < 256; i++) {
        xsave[160 + i] = (uint8_t)(i + 1);
        xsave[576 + i] = (uint8_t)(0x80 + i);
    }
    fetched = stored = 0;
    e = emulator_create(&config);
    assert_non_null(e);
    set_mode(MODE_64);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    emulator_destroy(e);
    return 0;
}

/* A device's byte is the low byte of its address plus 1. */
static uint64_t device_value(uint64_t gpa, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)(uint8_t)(gpa + i + 1) << 8 * i;
    return value;
}

static void note_access(const struct cpu_exit *x)
{
    size_t n = strlen(log_text);
    char kind = x->reason == CPU_EXIT_IO ? 'p' : 'm';
    if (x->u.access.is_write)
        snprintf(log_text + n, sizeof log_text - n, "%cw%u@%llx=%llx ", kind, x->u.access.size,
                 (unsigned long long)x->u.access.address, (unsigned long long)x->u.access.value);
    else
        snprintf(log_text + n, sizeof log_text - n, "%cr%u@%llx ", kind, x->u.access.size,
                 (unsigned long long)x->u.access.address);
}

/* Runs one instruction; its accesses go to log_text. The hypervisor gives `given` of its bytes. */
static struct cpu_exit run_given(const char *code, size_t size, size_t given)
{
    struct cpu_exit exit = {0};
    memcpy(ram + s.regs.rip + s.sregs.cs.base, code, size);
    log_text[0] = 0;
    emulator_begin(e, &s, code, given);
    for (unsigned n = 0; n < 200; n++) {
        emulator_run(e, &exit);
        if (exit.reason != CPU_EXIT_MMIO && exit.reason != CPU_EXIT_IO)
            break;
        note_access(&exit);
        if (!exit.u.access.is_write)
            exit.u.access.value = device_value(exit.u.access.address, exit.u.access.size);
    }
    assert_true(emulator_end(e, &s));
    return exit;
}
#define RUN(code)         run_given(code, sizeof(code) - 1, sizeof(code) - 1)
#define RUN_FETCHED(code) run_given(code, sizeof(code) - 1, 0)

static const struct load_store {
    enum mode mode;
    const char *text, *code;
    size_t size;
    const char *accesses;
    uint64_t rax; /* after it */
} forms[] = {
#define FORM(mode, text, code, accesses, rax)                                                      \
    {                                                                                              \
        mode, text, code, sizeof(code) - 1, accesses, rax                                          \
    }
    FORM(MODE_64, "mov al,[rbx]", "\x8a\x03", "mr1@200000 ", 0x1122334455667701),
    FORM(MODE_64, "mov ah,[rbx]", "\x8a\x23", "mr1@200000 ", 0x1122334455660188),
    FORM(MODE_64, "mov ax,[rbx]", "\x66\x8b\x03", "mr2@200000 ", 0x1122334455660201),
    FORM(MODE_64, "mov eax,[rbx]", "\x8b\x03", "mr4@200000 ", 0x04030201),
    FORM(MODE_64, "mov rax,[rbx]", "\x48\x8b\x03", "mr8@200000 ", 0x0807060504030201),
    FORM(MODE_64, "movzx eax,b[rbx]", "\x0f\xb6\x03", "mr1@200000 ", 1),
    FORM(MODE_64, "movzx eax,w[rbx]", "\x0f\xb7\x03", "mr2@200000 ", 0x201),
    FORM(MODE_64, "movsx rax,b[rbx+127]", "\x48\x0f\xbe\x43\x7f", "mr1@20007f ",
         0xffffffffffffff80),
    FORM(MODE_64, "movsx eax,w[rbx+126]", "\x0f\xbf\x43\x7e", "mr2@20007e ", 0xffff807f),
    FORM(MODE_64, "movsxd rax,[rbx+124]", "\x48\x63\x43\x7c", "mr4@20007c ", 0xffffffff807f7e7d),
    FORM(MODE_64, "mov [rbx],al", "\x88\x03", "mw1@200000=88 ", 0x1122334455667788),
    FORM(MODE_64, "mov [rbx],ah", "\x88\x23", "mw1@200000=77 ", 0x1122334455667788),
    FORM(MODE_64, "mov [rbx],ax", "\x66\x89\x03", "mw2@200000=7788 ", 0x1122334455667788),
    FORM(MODE_64, "mov [rbx],eax", "\x89\x03", "mw4@200000=55667788 ", 0x1122334455667788),
    FORM(MODE_64, "mov [rbx],rax", "\x48\x89\x03", "mw8@200000=1122334455667788 ",
         0x1122334455667788),
    FORM(MODE_64, "mov b[rbx],5", "\xc6\x03\x05", "mw1@200000=5 ", 0x1122334455667788),
    FORM(MODE_64, "mov w[rbx],5", "\x66\xc7\x03\x05\x01", "mw2@200000=105 ", 0x1122334455667788),
    FORM(MODE_64, "mov d[rbx],5", "\xc7\x03\x05\0\0\x80", "mw4@200000=80000005 ",
         0x1122334455667788),
    FORM(MODE_64, "mov q[rbx],-2", "\x48\xc7\x03\xfe\xff\xff\xff", "mw8@200000=fffffffffffffffe ",
         0x1122334455667788),
    FORM(MODE_64, "mov rax,[rip+x]", "\x48\x8b\x05\xf9\x7f\x1f\0", "mr8@200000 ",
         0x0807060504030201),
    FORM(MODE_64, "mov d[rip+x],imm", "\xc7\x05\xf6\x7f\x1f\0\x78\x56\x34\x12",
         "mw4@200000=12345678 ", 0x1122334455667788),
    FORM(MODE_64, "mov eax,[moffs]", "\xa1\0\0\x20\0\0\0\0\0", "mr4@200000 ", 0x04030201),
    FORM(MODE_64, "mov [moffs],al", "\xa2\0\0\x20\0\0\0\0\0", "mw1@200000=88 ", 0x1122334455667788),
    FORM(MODE_64, "mov eax,fs:[0]", "\x64\x8b\x04\x25\0\0\0\0", "mr4@200100 ", 0x04030201),
    FORM(MODE_64, "mov gs:[8],eax", "\x65\x89\x04\x25\x08\0\0\0", "mw4@200208=55667788 ",
         0x1122334455667788),
    FORM(MODE_64, "add [rbx],eax", "\x01\x03", "mr4@200000 mw4@200000=59697989 ",
         0x1122334455667788),
    FORM(MODE_64, "or b[rbx],0x80", "\x80\x0b\x80", "mr1@200000 mw1@200000=81 ",
         0x1122334455667788),
    FORM(MODE_64, "lock inc d[rbx]", "\xf0\xff\x03", "mr4@200000 mw4@200000=4030202 ",
         0x1122334455667788),
    FORM(MODE_64, "test b[rbx],1", "\xf6\x03\x01", "mr1@200000 ", 0x1122334455667788),
    FORM(MODE_64, "cmp [rbx],eax", "\x39\x03", "mr4@200000 ", 0x1122334455667788),
    FORM(MODE_64, "add eax,[rbx]", "\x03\x03", "mr4@200000 ", 0x59697989),
    FORM(MODE_64, "xchg [rbx],eax", "\x87\x03", "mr4@200000 mw4@200000=55667788 ", 0x04030201),
    FORM(MODE_64, "cmpxchg [rbx],ecx", "\x0f\xb1\x0b", "mr4@200000 mw4@200000=4030201 ",
         0x04030201),
    FORM(MODE_64, "bts d[rbx],4", "\x0f\xba\x2b\x04", "mr4@200000 mw4@200000=4030211 ",
         0x1122334455667788),
    FORM(MODE_64, "movbe eax,[rbx]", "\x0f\x38\xf0\x03", "mr4@200000 ", 0x01020304),
    FORM(MODE_64, "movnti [rbx],eax", "\x0f\xc3\x03", "mw4@200000=55667788 ", 0x1122334455667788),
    FORM(MODE_64, "push q[rbx]", "\xff\x33", "mr8@200000 ", 0x1122334455667788),
    FORM(MODE_64, "stosb", "\xaa", "mw1@200000=88 ", 0x1122334455667788),
    FORM(MODE_64, "stosq", "\x48\xab", "mw8@200000=1122334455667788 ", 0x1122334455667788),
    FORM(MODE_64, "in al,dx", "\xec", "pr1@0 ", 0x1122334455667701),
    FORM(MODE_64, "in eax,0x60", "\xe5\x60", "pr4@60 ", 0x64636261),
    FORM(MODE_64, "out 0x80,ax", "\x66\xe7\x80", "pw2@80=7788 ", 0x1122334455667788),
    FORM(MODE_32, "mov al,[ebx]", "\x8a\x03", "mr1@200000 ", 0x1122334455667701),
    FORM(MODE_32, "mov ax,[ebx]", "\x66\x8b\x03", "mr2@200000 ", 0x1122334455660201),
    FORM(MODE_32, "mov eax,[ebx+ebx]", "\x8b\x04\x1b", "mr4@400000 ", 0x04030201),
    FORM(MODE_32, "mov [ebx],eax", "\x89\x03", "mw4@200000=55667788 ", 0x1122334455667788),
    FORM(MODE_32, "mov eax,[disp]", "\xa1\0\x10\x20\0", "mr4@201000 ", 0x04030201),
    FORM(MODE_32, "mov w[ebx],5", "\x66\xc7\x03\x05\x01", "mw2@200000=105 ", 0x1122334455667788),
    FORM(MODE_16, "mov al,[ebx]", "\x67\x8a\x03", "mr1@200000 ", 0x1122334455667701),
    FORM(MODE_16, "mov ax,[ebx]", "\x67\x8b\x03", "mr2@200000 ", 0x1122334455660201),
    FORM(MODE_16, "mov eax,[ebx]", "\x66\x67\x8b\x03", "mr4@200000 ", 0x04030201),
    FORM(MODE_16, "mov [ebx],ax", "\x67\x89\x03", "mw2@200000=7788 ", 0x1122334455667788),
    FORM(MODE_16, "in ax,0x40", "\xe5\x40", "pr2@40 ", 0x1122334455664241),
};

static void loads_and_stores(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * sizeof forms / sizeof forms[0]; i++) {
        const struct load_store *f = &forms[i / 2];
        struct cpu_exit exit;
        set_mode(f->mode);
        s.regs.rdx = 0;
        s.sregs.fs.base = DEVICE + 0x100;
        s.sregs.gs.base = DEVICE + 0x200;
        exit = run_given(f->code, f->size, i & 1 ? f->size : 0);
        if (exit.reason != CPU_EXIT_STEPPED || strcmp(log_text, f->accesses) != 0)
            fail_msg("%s: exit %u, accesses %s", f->text, exit.reason, log_text);
        if (s.regs.rax != f->rax || s.regs.rip != CODE + f->size)
            fail_msg("%s: rax %llx, rip %llx", f->text, (unsigned long long)s.regs.rax,
                     (unsigned long long)s.regs.rip);
    }
    assert_int_equal(fetched, 0);
    assert_int_equal(stored, 0);
}

static void vectors(void **state)
{
    (void)state;
    assert_int_equal(RUN("\x0f\x29\x0b").reason, CPU_EXIT_STEPPED); /* movaps [rbx],xmm1 */
    assert_string_equal(log_text, "mw8@200000=1817161514131211 mw8@200008=201f1e1d1c1b1a19 ");
    assert_int_equal(fetched, 1);
    assert_int_equal(stored, 1);
    s.regs.rip = CODE;
    assert_int_equal(RUN("\xf3\x0f\x6f\x13").reason, CPU_EXIT_STEPPED); /* movdqu xmm2,[rbx] */
    assert_string_equal(log_text, "mr8@200000 mr8@200008 ");
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(xsave[160 + 32 + i], i + 1);
    assert_int_equal(xsave[576 + 32], 0x80 + 32);
    s.regs.rip = CODE;
    assert_int_equal(RUN("\xc5\xfe\x7f\x03").reason, CPU_EXIT_STEPPED); /* vmovdqu [rbx],ymm0 */
    assert_string_equal(log_text, "mw8@200000=807060504030201 mw8@200008=100f0e0d0c0b0a09 "
                                  "mw8@200010=8786858483828180 mw8@200018=8f8e8d8c8b8a8988 ");
    s.regs.rip = CODE;
    assert_int_equal(RUN("\x66\x0f\x6e\x03").reason, CPU_EXIT_STEPPED); /* movd xmm0,[rbx] */
    assert_string_equal(log_text, "mr4@200000 ");
    assert_int_equal(xsave[160 + 4], 0);
}

static void no_vectors(void **state)
{
    struct emulator_config without = config;
    (void)state;
    without.get_xsave = NULL;
    emulator_destroy(e);
    e = emulator_create(&without);
    assert_non_null(e);
    assert_int_equal(RUN("\x0f\x29\x0b").reason, CPU_EXIT_UNSUPPORTED);
    assert_int_equal(s.regs.rip, CODE);
    assert_int_equal(RUN("\x8a\x03").reason, CPU_EXIT_STEPPED);
}

/* One element at a time; RIP stays until the count is used up. */
static void strings(void **state)
{
    (void)state;
    s.regs.rcx = 2;
    memcpy(ram + DATA, "\x10\x20\x30\x40", 4);
    assert_int_equal(RUN("\xf3\xa4").reason, CPU_EXIT_STEPPED);
    assert_string_equal(log_text, "mw1@200000=10 ");
    assert_int_equal(s.regs.rip, CODE);
    assert_int_equal(s.regs.rcx, 1);
    assert_int_equal(RUN("\xf3\xa4").reason, CPU_EXIT_STEPPED);
    assert_string_equal(log_text, "mw1@200001=20 ");
    assert_int_equal(s.regs.rip, CODE + 2);
    assert_int_equal(s.regs.rdi, DEVICE + 2);

    set_mode(MODE_64); /* down, from the device to memory */
    s.regs.rflags |= 0x400;
    s.regs.rcx = 1;
    s.regs.rsi = DEVICE + 4;
    s.regs.rdi = DATA + 4;
    assert_int_equal(RUN("\xf3\xa5").reason, CPU_EXIT_STEPPED);
    assert_string_equal(log_text, "mr4@200004 ");
    assert_int_equal(ram[DATA + 4], 5);
    assert_int_equal(s.regs.rsi, DEVICE);
    assert_int_equal(s.regs.rdi, DATA);
    assert_int_equal(s.regs.rip, CODE + 2);

    set_mode(MODE_64); /* device to device */
    s.regs.rsi = DEVICE + 0x100;
    assert_int_equal(RUN("\xa5").reason, CPU_EXIT_STEPPED);
    assert_string_equal(log_text, "mr4@200100 mw4@200000=4030201 ");

    set_mode(MODE_64);
    s.regs.rdx = 0x1f0;
    s.regs.rdi = DATA;
    s.regs.rcx = 1;
    assert_int_equal(RUN("\x66\xf3\x6d").reason, CPU_EXIT_STEPPED); /* rep insw */
    assert_string_equal(log_text, "pr2@1f0 ");
    assert_int_equal(ram[DATA], 0xf1);
    set_mode(MODE_64);
    s.regs.rdx = 0x1f0;
    assert_int_equal(RUN("\x6f").reason, CPU_EXIT_STEPPED); /* outsd */
    assert_string_equal(log_text, "pw4@1f0=4030f2f1 ");
    assert_int_equal(s.regs.rsi, DATA + 4);
}

static void crossing(void **state)
{
    (void)state;
    s.regs.rbx = DEVICE + 0xffd; /* two pages of a device */
    assert_int_equal(RUN("\x8b\x03").reason, CPU_EXIT_STEPPED);
    assert_string_equal(log_text, "mr3@200ffd mr1@201000 ");
    assert_int_equal(s.regs.rax, 0x0100fffe);

    set_mode(MODE_64); /* from RAM into what is none */
    s.regs.rbx = RAM_SIZE - 2;
    assert_int_equal(RUN("\x89\x03").reason, CPU_EXIT_STEPPED);
    assert_string_equal(log_text, "mw2@20000=5566 ");
    assert_int_equal(ram[RAM_SIZE - 2], 0x88);
    assert_int_equal(ram[RAM_SIZE - 1], 0x77);
}

/* Code across pages, with none, some or all of its bytes given. */
static void short_bytes(void **state)
{
    static const char code[] = "\x48\xc7\x83\x10\0\0\0\x78\x56\x34\x12";
    (void)state;
    for (size_t given = 0; given < sizeof code; given++) {
        set_mode(MODE_64);
        s.regs.rip = CODE + 0xffb;
        assert_int_equal(run_given(code, sizeof code - 1, given).reason, CPU_EXIT_STEPPED);
        assert_string_equal(log_text, "mw8@200010=12345678 ");
        assert_int_equal(s.regs.rip, CODE + 0xffb + sizeof code - 1);
    }
}

/* The bytes given are run, whatever memory holds by now. */
static void given_bytes_win(void **state)
{
    struct cpu_exit exit;
    (void)state;
    memset(ram + CODE, 0xf4, 4);
    emulator_begin(e, &s, "\x8a\x03", 2);
    emulator_run(e, &exit);
    assert_int_equal(exit.reason, CPU_EXIT_MMIO);
    exit.u.access.value = 0x5a;
    emulator_run(e, &exit);
    assert_int_equal(exit.reason, CPU_EXIT_STEPPED);
    assert_true(emulator_end(e, &s));
    assert_int_equal(s.regs.rax & 0xff, 0x5a);
}

static void faults(void **state)
{
    struct cpu_exit exit;
    (void)state;
    s.regs.rbx = UINT64_C(0x40000000); /* beyond the tables */
    exit = RUN("\x89\x03");
    assert_int_equal(exit.reason, CPU_EXIT_EXCEPTION);
    assert_int_equal(exit.u.exception.vector, 14);
    assert_true(exit.u.exception.has_error_code);
    assert_int_equal(exit.u.exception.error_code, 2);
    assert_int_equal(exit.u.exception.address, 0x40000000);
    assert_int_equal(s.regs.rip, CODE);
    s.regs.rbx = UINT64_C(0x8000000000000000);
    exit = RUN("\x89\x03");
    assert_int_equal(exit.u.exception.vector, 13);
    exit = RUN("\x0f\x0b");
    assert_int_equal(exit.u.exception.vector, 6);
    s.regs.rip = RAM_SIZE + 0x1000; /* code in a device */
    emulator_begin(e, &s, NULL, 0);
    emulator_run(e, &exit);
    assert_int_equal(exit.reason, CPU_EXIT_UNSUPPORTED);
    emulator_abandon(e);
    set_mode(MODE_64);
    assert_int_equal(RUN_FETCHED("\xf4").reason, CPU_EXIT_HLT);
}

static void traps(void **state)
{
    (void)state;
    s.regs.rflags |= 0x100;
    assert_int_equal(RUN("\x88\x03").reason, CPU_EXIT_STEPPED);
    assert_int_equal(s.debug_trap, 1u << 14);
    set_mode(MODE_64);
    assert_int_equal(RUN("\x88\x03").reason, CPU_EXIT_STEPPED);
    assert_int_equal(s.debug_trap, 0);
    set_mode(MODE_64);
    assert_int_equal(RUN("\xfb").reason, CPU_EXIT_STEPPED); /* STI */
    assert_int_equal(s.shadow, VMACCEL_X86_SHADOW_STI);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(loads_and_stores), TEST(vectors),  TEST(no_vectors),
        TEST(strings),          TEST(crossing), TEST(short_bytes),
        TEST(given_bytes_win),  TEST(faults),   TEST(traps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
