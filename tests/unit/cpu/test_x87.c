/* SPDX-License-Identifier: BSD-2-Clause */
/* The x87 group alone: its translation and handlers, with the rest of the engine replaced by the
 * few functions below. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/x86/x87.h"
#include "x87_cases.h"

static struct cpu cpu;
static struct uop uops[32];
static ZydisDecoder decoder;
static uint8_t *memory;     /* (%rdi) */
static bool refuse_memory;  /* every access faults */
static int raised;          /* the vector, -1: none */
static unsigned memory_end; /* bytes that the instruction may touch */

struct uop *emit(struct translator *t, uop_fn fn)
{
    struct uop *u = t->out++;

    memset(u, 0, sizeof(*u));
    u->fn = fn;
    u->base = u->index = REG_OFF(REG_ZERO);
    u->seg = SEG_DS;
    u->len = t->insn.length;
    return u;
}

void translate_address(struct translator *t, const ZydisDecodedOperand *op, unsigned size,
                       bool write, struct address *address)
{
    (void)t, (void)write;
    assert_int_equal(op->mem.base == ZYDIS_REGISTER_RDI || op->mem.base == ZYDIS_REGISTER_DI, true);
    assert_int_equal(op->size / 8, size);
    memory_end = size;
    *address = (struct address){.base = REG_OFF(RDI), .index = REG_OFF(REG_ZERO), .seg = SEG_DS};
}

void translate_fault(struct translator *t, uint8_t vector)
{
    (void)t;
    raised = vector;
}

const struct uop *cpu_raise(struct cpu *c, const struct uop *u, uint8_t vector)
{
    (void)c, (void)u;
    raised = vector;
    return NULL;
}

const struct uop *cpu_end_stop(struct cpu *c, const struct uop *u)
{
    (void)c;
    return u + 1;
}

static uint8_t *at(struct cpu *c, uint64_t linear, unsigned size)
{
    uint64_t offset = linear - c->r[RDI];

    assert_true(offset + size <= memory_end);
    return refuse_memory ? NULL : memory + offset;
}

bool cpu_load(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size)
{
    const uint8_t *p = at(c, linear, size);

    (void)u;
    assert_true(size <= sizeof(c->ld));
    if (p)
        memcpy(c->ld.u8, p, size);
    return p;
}

bool cpu_store_bytes(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size,
                     const void *data)
{
    uint8_t *p = at(c, linear, size);

    (void)u;
    assert_true(size <= 64);
    if (p)
        memcpy(p, data, size);
    return p;
}

bool cpu_store(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size, uint64_t value)
{
    return cpu_store_bytes(c, u, linear, size, &value);
}

bool cpu_probe_store(struct cpu *c, const struct uop *u, uint64_t linear, unsigned size)
{
    (void)u;
    return at(c, linear, size);
}

struct insn {
    uint8_t bytes[3], length;
};

/* Translate and run; false where it is no instruction. */
static bool run(struct insn insn, uint32_t mode, void *mem)
{
    struct translator t = {.c = &cpu, .mode = mode, .out = uops};

    raised = -1;
    memory = mem;
    cpu.mode = mode;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, insn.bytes, insn.length, &t.insn, t.ops)) ||
        !translate_x87(&t))
        return false;
    for (const struct uop *u = uops; raised < 0 && u < t.out; u++)
        u->fn(&cpu, u);
    return raised != EXC_UD;
}

#define MODE (MODE_CODE64 | MODE_PROT | MODE_X87 | MODE_WAIT)

/* All encodings with a memory operand of (%rdi) or none. */
static unsigned all_insns(struct insn *list)
{
    static const struct insn more[] = {
        {{0x66, 0xd9, 0x37}, 3}, {{0x66, 0xd9, 0x27}, 3}, {{0x66, 0xdd, 0x37}, 3},
        {{0x66, 0xdd, 0x27}, 3}, {{0x0f, 0x77, 0}, 2},    {{0x9b, 0, 0}, 1},
    };
    unsigned n = 0;

    for (unsigned i = 0; i < sizeof(more) / sizeof(more[0]); i++)
        list[n++] = more[i];
    for (unsigned opcode = 0xd8; opcode <= 0xdf; opcode++) {
        for (unsigned modrm = 7; modrm < 256; modrm += modrm < 0x3f ? 8 : modrm == 0x3f ? 129 : 1) {
            uint8_t data[128] = {0};

            list[n] = (struct insn){{(uint8_t)opcode, (uint8_t)modrm, 0}, 2};
            x87_init(&cpu.x87);
            n += run(list[n], MODE, data);
        }
    }
    return n;
}

static struct insn insns[600];
static unsigned insn_count;

static int set_up(void **state)
{
    (void)state;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    cpu.cr0 = X86_CR0_NE;
    insn_count = all_insns(insns);
    return 0;
}

/* The state of a case into our registers, and back. */
static void load_case(struct x87_case *k)
{
    x87_init(&cpu.x87);
    assert_true(run((struct insn){{0xdd, 0x27}, 2}, MODE, k->image));
    cpu.r[RAX] = k->rax;
    cpu_set_arith_flags(&cpu, k->rflags);
}

static void save_case(struct x87_case *k)
{
    assert_true(run((struct insn){{0xdd, 0x37}, 2}, MODE, k->image));
    k->rax = cpu.r[RAX];
    k->rflags = (k->rflags & ~(uint64_t)CC_ARITH) | cpu_arith_flags(&cpu);
}

#if defined(__x86_64__)

#include <sys/mman.h>

#define CASES 400

static void show(const char *who, const struct x87_case *k)
{
    uint16_t word[3];
    uint64_t m[2];

    for (unsigned i = 0; i < 3; i++)
        memcpy(&word[i], k->image + 4 * i, 2);
    memcpy(m, k->memory, 16);
    print_error("  %s fcw %04x fsw %04x tags %04x flags %03x ax %04x memory %04x:%016llx\n", who,
                word[0], word[1], word[2], (unsigned)k->rflags, (unsigned)k->rax & 0xffff,
                (unsigned)m[1] & 0xffff, (unsigned long long)m[0]);
    for (unsigned i = 0; i < 8; i++) {
        memcpy(&m[0], k->image + 28 + 10 * i, 8);
        memcpy(&word[0], k->image + 36 + 10 * i, 2);
        print_error("   %04x:%016llx%s", word[0], (unsigned long long)m[0], i & 3 ? "" : "\n");
    }
    print_error("\n");
}

/* What one stored of pointers, and reserved bits, is not compared. */
static void mask(struct x87_case *k, struct insn insn)
{
    bool stores = insn.bytes[insn.length - 1] == 0x37 &&
                  (insn.bytes[insn.length - 2] == 0xd9 || insn.bytes[insn.length - 2] == 0xdd);

    x87_mask(k->image);
    if (stores && insn.length == 2)
        x87_mask(k->memory);
    else if (stores)
        memset(k->memory + 6, 0, 8);
}

static void test_host(void **state)
{
    union {
        void *data;
        void (*call)(void *memory, void *image, void *flags);
    } code = {
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)};
    unsigned wrong = 0, ran = 0;

    (void)state;
    assert_ptr_not_equal(code.data, MAP_FAILED);
    for (unsigned n = 0; n < insn_count; n++) {
        struct insn insn = insns[n];
        uint8_t bytes[X87_CODE_MAX];
        unsigned length = x87_code(bytes, insn.bytes, insn.length), shown = 0;

        bytes[length] = 0xc3;
        memcpy(code.data, bytes, length + 1);
        for (unsigned i = 0; i < CASES; i++, ran++) {
            struct x87_case before, host, soft;

            x87_random(&before, insn.bytes);
            host = soft = before;
            code.call(host.memory, host.image, &host.rflags);
            load_case(&soft);
            assert_true(run(insn, MODE, soft.memory));
            assert_int_equal(raised, -1);
            save_case(&soft);
            mask(&host, insn);
            mask(&soft, insn);
            if (!memcmp(&host, &soft, sizeof(host)))
                continue;
            wrong++;
            if (shown++ < 3) {
                print_error("%02x %02x %02x:\n", insn.bytes[0], insn.bytes[1], insn.bytes[2]);
                show("before", &before);
                show("soft  ", &soft);
                show("host  ", &host);
            }
        }
    }
    munmap(code.data, 4096);
    print_message("# %u instructions, %u cases\n", insn_count, ran);
    assert_int_equal(wrong, 0);
}

#else

static void test_host(void **state)
{
    (void)state;
    print_message("# the host has no x87\n");
    skip();
}

#endif

/* An instruction whose memory faults has done nothing. */
static void test_memory_fault(void **state)
{
    unsigned ran = 0;

    (void)state;
    for (unsigned n = 0; n < insn_count; n++) {
        for (unsigned i = 0; i < 50; i++) {
            struct cpu_x87 before;
            struct x87_case k;

            x87_random(&k, insns[n].bytes);
            memory_end = 0;
            load_case(&k);
            memory_end = 0;
            before = cpu.x87;
            refuse_memory = true;
            run(insns[n], MODE, k.memory);
            refuse_memory = false;
            /* A store that an unmasked exception keeps back touches no memory. */
            if (memory_end == 0 || (cpu.x87.fsw & X87_ES))
                continue;
            ran++;
            assert_memory_equal(&cpu.x87.st, &before.st, sizeof(before.st));
            assert_int_equal(cpu.x87.fsw, before.fsw);
            assert_int_equal(cpu.x87.fcw, before.fcw);
            assert_int_equal(cpu.x87.top << 8 | cpu.x87.tag, before.top << 8 | before.tag);
        }
    }
    assert_true(ran > 1000);
}

/* A pending exception stops all instructions but those that do not wait. */
static void test_pending(void **state)
{
    unsigned stopped = 0;

    (void)state;
    for (unsigned n = 0; n < insn_count; n++) {
        uint8_t data[128] = {0};
        struct cpu_x87 before;

        x87_init(&cpu.x87);
        cpu.x87.fcw = 0x37e;
        cpu.x87.fsw = FP_IE | X87_ES | X87_B;
        before = cpu.x87;
        assert_true(run(insns[n], MODE, data));
        if (raised == EXC_MF) {
            assert_memory_equal(&cpu.x87, &before, sizeof(before));
            stopped++;
        } else {
            assert_int_equal(raised, -1);
        }
        /* Without CR0.NE it is the interrupt controller's. */
        cpu.cr0 = 0;
        x87_init(&cpu.x87);
        cpu.x87.fcw = 0x37e;
        cpu.x87.fsw = FP_IE | X87_ES | X87_B;
        assert_true(run(insns[n], MODE, data));
        assert_int_equal(raised, -1);
        cpu.cr0 = X86_CR0_NE;
    }
    /* FNCLEX, FNINIT, FNSTCW, FNSTSW twice, FNSTENV and FNSAVE twice, and FENI, FDISI and FSETPM,
     * which do nothing. */
    assert_int_equal(insn_count - stopped, 12);
}

static void test_availability(void **state)
{
    uint8_t data[128] = {0};

    (void)state;
    x87_init(&cpu.x87);
    run((struct insn){{0xd9, 0xe8}, 2}, MODE & ~MODE_X87, data);
    assert_int_equal(raised, EXC_NM);
    run((struct insn){{0x9b}, 1}, MODE & ~MODE_X87, data);
    assert_int_equal(raised, -1);
    run((struct insn){{0x9b}, 1}, MODE & ~MODE_WAIT, data);
    assert_int_equal(raised, EXC_NM);
    run((struct insn){{0x0f, 0x77}, 2}, MODE | MODE_TS, data);
    assert_int_equal(raised, EXC_NM);
    run((struct insn){{0x0f, 0x77}, 2}, MODE | MODE_EM, data);
    assert_int_equal(raised, EXC_UD);
}

static void check_words(const uint8_t *data, const uint16_t *words, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint16_t word;

        memcpy(&word, data + 2 * i, 2);
        assert_int_equal(word, words[i]);
    }
}

/* The environment in its four layouts, stored and loaded. */
static void test_environment(void **state)
{
    static const struct {
        uint32_t mode;
        struct insn store, load;
        uint16_t words[14];
        unsigned count;
    } layouts[] = {
        {MODE,
         {{0xd9, 0x37}, 2},
         {{0xd9, 0x27}, 2},
         {0x37f, 0xffff, 0x1800, 0xffff, 0xbfff, 0xffff, 0x5678, 0x0001, 0x0010, 0x05a5, 0xdef0,
          0x0002, 0x0018, 0xffff},
         14},
        {MODE,
         {{0x66, 0xd9, 0x37}, 3},
         {{0x66, 0xd9, 0x27}, 3},
         {0x37f, 0x1800, 0xbfff, 0x5678, 0x0010, 0xdef0, 0x0018},
         7},
        {MODE_X87,
         {{0xd9, 0x37}, 2},
         {{0xd9, 0x27}, 2},
         {0x37f, 0xffff, 0x1800, 0xffff, 0xbfff, 0xffff, 0x5778, 0xffff, 0x15a5, 0x0000, 0xe070,
          0xffff, 0x2000, 0x0000},
         14},
        {MODE_X87 | MODE_PROT | MODE_VM86,
         {{0x66, 0xd9, 0x37}, 3},
         {{0x66, 0xd9, 0x27}, 3},
         {0x37f, 0x1800, 0xbfff, 0x5778, 0x15a5, 0xe070, 0x2000},
         7},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        uint8_t data[128] = {0}, again[128] = {0};
        struct cpu_x87 x = {.fcw = 0x37f,
                            .top = 3,
                            .tag = 0x80,
                            .fop = 0x5a5,
                            .fip = 0x15678,
                            .fdp = 0x2def0,
                            .fcs = 0x10,
                            .fds = 0x18};

        /* Register 7 has a denormal. */
        x.st[7].mant = 1;
        cpu.x87 = x;
        assert_true(run(layouts[i].store, layouts[i].mode, data));
        assert_int_equal(raised, -1);
        check_words(data, layouts[i].words, layouts[i].count);
        x87_init(&cpu.x87);
        assert_true(run(layouts[i].load, layouts[i].mode, data));
        assert_int_equal(cpu.x87.top, 3);
        assert_int_equal(cpu.x87.tag, 0x80);
        assert_true(run(layouts[i].store, layouts[i].mode, again));
        assert_memory_equal(data, again, sizeof(data));
    }
}

/* Pointers of the last instruction; control instructions leave them. */
static void test_pointers(void **state)
{
    uint8_t data[128] = {0};

    (void)state;
    x87_init(&cpu.x87);
    cpu.r[RIP] = 0x123400;
    cpu.seg[SEG_CS].selector = 8;
    cpu.seg[SEG_DS].selector = 16;
    cpu.r[RDI] = 0x9000;
    assert_true(run((struct insn){{0xd9, 0x07}, 2}, MODE, data)); /* flds */
    assert_true(run((struct insn){{0xd9, 0x2f}, 2}, MODE, data)); /* fldcw */
    assert_int_equal(cpu.x87.fip, 0x123400);
    assert_int_equal(cpu.x87.fop, 0x107);
    assert_int_equal(cpu.x87.fdp, 0x9000);
    assert_int_equal(cpu.x87.fcs << 16 | cpu.x87.fds, 8 << 16 | 16);
    cpu.r[RIP] = 0x123500;
    assert_true(run((struct insn){{0xde, 0xc1}, 2}, MODE, data)); /* faddp */
    assert_int_equal(cpu.x87.fip, 0x123500);
    assert_int_equal(cpu.x87.fop, 0x6c1);
    assert_int_equal(cpu.x87.fdp, 0x9000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host),        cmocka_unit_test(test_memory_fault),
        cmocka_unit_test(test_pending),     cmocka_unit_test(test_availability),
        cmocka_unit_test(test_environment), cmocka_unit_test(test_pointers),
    };

    return cmocka_run_group_tests_name("x87", tests, set_up, NULL);
}
