/* SPDX-License-Identifier: BSD-2-Clause */
/* Port access: what exits carry, what answers do, string instructions. */
#include "x86_guest.h"

#define RAX_BEFORE UINT64_C(0xfedcba9876543210)

void case_minimal_virtualization(void)
{
    struct guest g;
    guest_create(&g, GUEST_REAL);
    /* add ax, bx; hlt */
    GUEST_BYTES(&g, 0x01, 0xd8, 0xf4);
    GUEST_SET(&g, rax, 1);
    GUEST_SET(&g, rbx, 2);
    RUN_TO_HLT(&g);
    CHECK_EQ(guest_regs(&g).rax, 3);
    CHECK_EQ(guest_regs(&g).rip, GUEST_CODE + 3);
}

void case_real_run_addr(void)
{
    static const uint32_t addresses[] = {0x500, GUEST_CODE, 0x7c00, 0xfff0};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        /* mov al, 0x5a; out 0x10, al; hlt */
        static const uint8_t code[] = {0xb0, 0x5a, 0xe6, 0x10, 0xf4};
        struct guest g;
        guest_create(&g, GUEST_REAL);
        vmaccel_x86_sregs sregs = guest_sregs(&g);
        sregs.cs.selector = 0x1000;
        sregs.cs.base = 0x10000;
        guest_set_sregs(&g, &sregs);
        CHECK_OK(vmaccel_memory_write(g.vm, 0x10000 + addresses[i], code, sizeof(code)));
        GUEST_SET(&g, rip, addresses[i]);
        RUN_TO_OUT(&g, 0x10, 1, 0x5a);
        RUN_TO_HLT(&g);
        CHECK_EQ(guest_regs(&g).rip, addresses[i] + sizeof(code));
    }
}

void case_io_exit_handler(void)
{
    struct guest g;
    guest_create(&g, GUEST_REAL);
    /* out 0x10, al; in al, 0x20; add ax, bx; out 0x30, al; hlt */
    GUEST_BYTES(&g, 0xe6, 0x10, 0xe4, 0x20, 0x01, 0xd8, 0xe6, 0x30, 0xf4);
    GUEST_SET(&g, rax, 0x34);
    GUEST_SET(&g, rbx, 0x78);
    RUN_TO_OUT(&g, 0x10, 1, 0x34);
    RUN_TO_IN(&g, 0x20, 1);
    CHECK_EQ(vmaccel_data_get(g.exit->u.io.data, 1), 0);
    guest_answer(&g, 0x12);
    RUN_TO_OUT(&g, 0x30, 1, 0x8a);
    RUN_TO_HLT(&g);
    CHECK_EQ(guest_regs(&g).rax, 0x8a);
}

static void check_out(enum guest_mode mode, const uint8_t *code, size_t size, uint16_t port,
                      uint8_t width)
{
    struct guest g;
    guest_create(&g, mode);
    guest_load(&g, code, size);
    GUEST_SET(&g, rax, RAX_BEFORE);
    GUEST_SET(&g, rdx, port);
    RUN_TO_OUT(&g, port, width, RAX_BEFORE & ((UINT64_C(1) << 8 * width) - 1));
    CHECK_EQ(guest_regs(&g).rip, GUEST_CODE + size - 1);
    RUN_TO_HLT(&g);
    CHECK_EQ(guest_regs(&g).rax, RAX_BEFORE);
}

void case_pio_out(void)
{
    /* out imm8, al; ax; eax; out dx, al; ax; eax; each with hlt after it */
    check_out(GUEST_LONG, (const uint8_t[]){0xe6, 0x80, 0xf4}, 3, 0x80, 1);
    check_out(GUEST_LONG, (const uint8_t[]){0x66, 0xe7, 0x80, 0xf4}, 4, 0x80, 2);
    check_out(GUEST_LONG, (const uint8_t[]){0xe7, 0x80, 0xf4}, 3, 0x80, 4);
    check_out(GUEST_LONG, (const uint8_t[]){0xee, 0xf4}, 2, 0x1234, 1);
    check_out(GUEST_LONG, (const uint8_t[]){0x66, 0xef, 0xf4}, 3, 0xfffe, 2);
    check_out(GUEST_LONG, (const uint8_t[]){0xef, 0xf4}, 2, 0x4321, 4);
}

static void check_in(const uint8_t *code, size_t size, uint16_t port, uint8_t width,
                     uint64_t answer, uint64_t expected)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    guest_load(&g, code, size);
    GUEST_SET(&g, rax, RAX_BEFORE);
    GUEST_SET(&g, rdx, port);
    RUN_TO_IN(&g, port, width);
    CHECK_EQ(vmaccel_data_get(g.exit->u.io.data, width), 0);
    guest_answer(&g, answer);
    RUN_TO_HLT(&g);
    CHECK_EQ(guest_regs(&g).rax, expected);
}

void case_pio_in(void)
{
    /* AL and AX leave the rest of RAX, EAX clears its upper half */
    check_in((const uint8_t[]){0xe4, 0x80, 0xf4}, 3, 0x80, 1, 0xa1, 0xfedcba98765432a1);
    check_in((const uint8_t[]){0x66, 0xe5, 0x80, 0xf4}, 4, 0x80, 2, 0xa1b2, 0xfedcba987654a1b2);
    check_in((const uint8_t[]){0xe5, 0x80, 0xf4}, 3, 0x80, 4, 0xa1b2c3d4, 0xa1b2c3d4);
    check_in((const uint8_t[]){0xec, 0xf4}, 2, 0x1234, 1, 0xff, 0xfedcba98765432ff);
    check_in((const uint8_t[]){0x66, 0xed, 0xf4}, 3, 0xfffe, 2, 0xffff, 0xfedcba987654ffff);
    check_in((const uint8_t[]){0xed, 0xf4}, 2, 0x4321, 4, 0xffffffff, 0xffffffff);
}

#define STRING_COUNT 700u /* over a page of dwords' batch limits, not a power of two */
#define STRING_PORT  0x345

struct string_form {
    uint8_t width;
    bool down;
};

/* The address of element i, counted in the instruction's order. */
static uint64_t element(const struct string_form *form, uint64_t i)
{
    uint64_t place = form->down ? STRING_COUNT - 1 - i : i;
    return GUEST_DATA + 0x800 + place * form->width;
}

static void pattern(uint8_t *bytes, const struct string_form *form, uint64_t i)
{
    for (unsigned n = 0; n < form->width; n++)
        bytes[n] = (uint8_t)(i * 7 + n * 61 + (i >> 8) * 13 + 1);
}

static void start_string(struct guest *g, const struct string_form *form, uint8_t opcode)
{
    guest_create(g, GUEST_LONG);
    /* [66] rep ins/outs; hlt */
    if (form->width == 2)
        GUEST_BYTES(g, 0x66, 0xf3, opcode, 0xf4);
    else
        GUEST_BYTES(g, 0xf3, opcode, 0xf4);
    vmaccel_x86_regs regs = guest_regs(g);
    regs.rcx = STRING_COUNT;
    regs.rdx = STRING_PORT;
    regs.rsi = regs.rdi = element(form, 0);
    regs.rflags = form->down ? 0x402 : 2;
    guest_set_regs(g, &regs);
}

/* After `done` elements: REP state, and RIP at the instruction while elements are left. */
static void check_string_state(struct guest *g, const struct string_form *form, bool out,
                               uint64_t done, uint64_t length)
{
    vmaccel_x86_regs regs = guest_regs(g);
    uint64_t at = element(form, 0) + (form->down ? -done : done) * form->width;
    CHECK_EQ(regs.rcx, STRING_COUNT - done);
    CHECK_EQ(out ? regs.rsi : regs.rdi, at);
    if (done < STRING_COUNT)
        CHECK_EQ(regs.rip, GUEST_CODE);
    else
        CHECK(regs.rip == GUEST_CODE || regs.rip == GUEST_CODE + length);
}

static void check_outs(const struct string_form *form)
{
    struct guest g;
    uint64_t done = 0, length = form->width == 2 ? 3 : 2;
    start_string(&g, form, form->width == 1 ? 0x6e : 0x6f);
    for (uint64_t i = 0; i < STRING_COUNT; i++)
        pattern(g.ram + element(form, i), form, i);
    for (RUN(&g); g.exit->reason == VMACCEL_EXIT_IO; RUN(&g)) {
        uint32_t count = g.exit->u.io.count;
        CHECK(count >= 1 && done + count <= STRING_COUNT);
        guest_expect_io(SITE, &g, true, STRING_PORT, form->width, count);
        for (uint32_t i = 0; i < count; i++) {
            uint8_t expected[4];
            pattern(expected, form, done + i);
            CHECK_BYTES(g.exit->u.io.data + i * form->width, expected, form->width);
        }
        done += count;
        check_string_state(&g, form, true, done, length);
    }
    EXPECT_EXIT(&g, VMACCEL_EXIT_HLT);
    CHECK_EQ(done, STRING_COUNT);
    CHECK_EQ(guest_regs(&g).rip, GUEST_CODE + length + 1);
    guest_destroy(&g);
}

static void check_ins(const struct string_form *form)
{
    struct guest g;
    uint64_t done = 0, length = form->width == 2 ? 3 : 2;
    start_string(&g, form, form->width == 1 ? 0x6c : 0x6d);
    for (RUN(&g); g.exit->reason == VMACCEL_EXIT_IO; RUN(&g)) {
        uint32_t count = g.exit->u.io.count;
        CHECK(count >= 1 && done + count <= STRING_COUNT);
        guest_expect_io(SITE, &g, false, STRING_PORT, form->width, count);
        check_string_state(&g, form, false, done, length);
        for (uint32_t i = 0; i < count; i++)
            pattern(g.exit->u.io.data + i * form->width, form, done + i);
        done += count;
    }
    EXPECT_EXIT(&g, VMACCEL_EXIT_HLT);
    CHECK_EQ(done, STRING_COUNT);
    for (uint64_t i = 0; i < STRING_COUNT; i++) {
        uint8_t expected[4];
        pattern(expected, form, i);
        CHECK_BYTES(g.ram + element(form, i), expected, form->width);
    }
    CHECK_EQ(guest_regs(&g).rcx, 0);
    guest_destroy(&g);
}

static void each_string_form(void (*check)(const struct string_form *form))
{
    for (uint8_t width = 1; width <= 4; width *= 2) {
        for (int down = 0; down <= 1; down++) {
            struct string_form form = {width, down == 1};
            suite_about("%u bytes, %s", width, down == 1 ? "down" : "up");
            check(&form);
        }
    }
}

void case_io_rep_string(void)
{
    each_string_form(check_outs);
}

void case_io_rep_string_in(void)
{
    each_string_form(check_ins);
}

void case_io_rep_string_none(void)
{
    struct guest g;
    guest_create(&g, GUEST_LONG);
    /* rep outsb; rep insb; hlt */
    GUEST_BYTES(&g, 0xf3, 0x6e, 0xf3, 0x6c, 0xf4);
    GUEST_SET(&g, rcx, 0);
    RUN_TO_HLT(&g);
    CHECK_EQ(guest_regs(&g).rip, GUEST_CODE + 5);
}
