/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory-mapped access: every form a compiler emits, with the same accesses and results everywhere.
 */
#include "x86_guest.h"

#define RAX_BEFORE UINT64_C(0x8877665544332211)
#define READ_VALUE UINT64_C(0xf8e7d6c5b4a39281)

struct form {
    const char *name;
    uint8_t code[12];
    uint8_t length;
    uint8_t read, write; /* size of the access; 0: none. A read comes before a write. */
    uint64_t written;
    uint64_t rax; /* afterwards; RAX_BEFORE where it is not the destination */
};

/* RDI holds the address, RCX 3. */
static const struct form forms[] = {
    {"mov [rdi], al", {0x88, 0x07}, 2, 0, 1, 0x11, RAX_BEFORE},
    {"mov [rdi], ah", {0x88, 0x27}, 2, 0, 1, 0x22, RAX_BEFORE},
    {"mov [rdi], ax", {0x66, 0x89, 0x07}, 3, 0, 2, 0x2211, RAX_BEFORE},
    {"mov [rdi], eax", {0x89, 0x07}, 2, 0, 4, 0x44332211, RAX_BEFORE},
    {"mov [rdi], rax", {0x48, 0x89, 0x07}, 3, 0, 8, RAX_BEFORE, RAX_BEFORE},
    {"mov byte [rdi], imm", {0xc6, 0x07, 0x9a}, 3, 0, 1, 0x9a, RAX_BEFORE},
    {"mov word [rdi], imm", {0x66, 0xc7, 0x07, 0x34, 0x92}, 5, 0, 2, 0x9234, RAX_BEFORE},
    {"mov dword [rdi], imm", {0xc7, 0x07, 0x78, 0x56, 0x34, 0x92}, 6, 0, 4, 0x92345678, RAX_BEFORE},
    {"mov qword [rdi], imm32",
     {0x48, 0xc7, 0x07, 0x78, 0x56, 0x34, 0x92},
     7,
     0,
     8,
     0xffffffff92345678,
     RAX_BEFORE},
    {"mov al, [rdi]", {0x8a, 0x07}, 2, 1, 0, 0, 0x8877665544332281},
    {"mov ah, [rdi]", {0x8a, 0x27}, 2, 1, 0, 0, 0x8877665544338111},
    {"mov ax, [rdi]", {0x66, 0x8b, 0x07}, 3, 2, 0, 0, 0x8877665544339281},
    {"mov eax, [rdi]", {0x8b, 0x07}, 2, 4, 0, 0, 0xb4a39281},
    {"mov rax, [rdi]", {0x48, 0x8b, 0x07}, 3, 8, 0, 0, READ_VALUE},
    {"movzx eax, byte [rdi]", {0x0f, 0xb6, 0x07}, 3, 1, 0, 0, 0x81},
    {"movzx ax, byte [rdi]", {0x66, 0x0f, 0xb6, 0x07}, 4, 1, 0, 0, 0x8877665544330081},
    {"movzx eax, word [rdi]", {0x0f, 0xb7, 0x07}, 3, 2, 0, 0, 0x9281},
    {"movzx rax, word [rdi]", {0x48, 0x0f, 0xb7, 0x07}, 4, 2, 0, 0, 0x9281},
    {"movsx eax, byte [rdi]", {0x0f, 0xbe, 0x07}, 3, 1, 0, 0, 0xffffff81},
    {"movsx rax, byte [rdi]", {0x48, 0x0f, 0xbe, 0x07}, 4, 1, 0, 0, 0xffffffffffffff81},
    {"movsx eax, word [rdi]", {0x0f, 0xbf, 0x07}, 3, 2, 0, 0, 0xffff9281},
    {"movsx rax, word [rdi]", {0x48, 0x0f, 0xbf, 0x07}, 4, 2, 0, 0, 0xffffffffffff9281},
    {"movsxd rax, dword [rdi]", {0x48, 0x63, 0x07}, 3, 4, 0, 0, 0xffffffffb4a39281},
    {"add eax, [rdi]", {0x03, 0x07}, 2, 4, 0, 0, 0xf8d6b492},
    {"add [rdi], eax", {0x01, 0x07}, 2, 4, 4, 0xf8d6b492, RAX_BEFORE},
    {"add byte [rdi], 1", {0x80, 0x07, 0x01}, 3, 1, 1, 0x82, RAX_BEFORE},
    {"or [rdi], rax", {0x48, 0x09, 0x07}, 3, 8, 8, 0xf8f7f6d5f4b3b291, RAX_BEFORE},
    {"and word [rdi], ax", {0x66, 0x21, 0x07}, 3, 2, 2, 0x0201, RAX_BEFORE},
    {"xor eax, [rdi]", {0x33, 0x07}, 2, 4, 0, 0, 0xf090b090},
    {"sub eax, [rdi]", {0x2b, 0x07}, 2, 4, 0, 0, 0x8f8f8f90},
    {"inc dword [rdi]", {0xff, 0x07}, 2, 4, 4, 0xb4a39282, RAX_BEFORE},
    {"dec qword [rdi]", {0x48, 0xff, 0x0f}, 3, 8, 8, READ_VALUE - 1, RAX_BEFORE},
    {"neg dword [rdi]", {0xf7, 0x1f}, 2, 4, 4, 0x4b5c6d7f, RAX_BEFORE},
    {"not byte [rdi]", {0xf6, 0x17}, 2, 1, 1, 0x7e, RAX_BEFORE},
    {"shl dword [rdi], cl", {0xd3, 0x27}, 2, 4, 4, 0xa51c9408, RAX_BEFORE},
    {"cmp eax, [rdi]", {0x3b, 0x07}, 2, 4, 0, 0, RAX_BEFORE},
    {"test [rdi], eax", {0x85, 0x07}, 2, 4, 0, 0, RAX_BEFORE},
    {"xchg [rdi], eax", {0x87, 0x07}, 2, 4, 4, 0x44332211, 0xb4a39281},
    {"xchg [rdi], al", {0x86, 0x07}, 2, 1, 1, 0x11, 0x8877665544332281},
    {"imul eax, [rdi]", {0x0f, 0xaf, 0x07}, 3, 4, 0, 0, 0x2c04dc91},
    {"mov [rdi + rcx*4 + 8], eax: address",
     {0x89, 0x44, 0x8f, 0xec},
     4,
     0,
     4,
     0x44332211,
     RAX_BEFORE},
};

static void start(struct guest *g, const uint8_t *code, size_t length)
{
    guest_create(g, GUEST_LONG);
    memset(g->ram + GUEST_CODE, 0xf4, 32);
    guest_load(g, code, length);
    vmaccel_x86_regs regs = guest_regs(g);
    regs.rax = RAX_BEFORE;
    regs.rcx = 3;
    regs.rdi = GUEST_MMIO + 8;
    guest_set_regs(g, &regs);
}

static void check_form(const struct form *form)
{
    struct guest g;
    uint64_t mask = form->read == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * form->read) - 1;
    start(&g, form->code, form->length);
    /* One form computes its address: 3 * 4 - 20 from RDI is 8 below it. */
    vmaccel_gpa gpa = form->code[1] == 0x44 ? GUEST_MMIO : GUEST_MMIO + 8;
    if (form->read != 0) {
        RUN_TO_READ(&g, gpa, form->read);
        CHECK_EQ(guest_regs(&g).rip, GUEST_CODE);
        guest_answer(&g, READ_VALUE & mask);
    }
    if (form->write != 0)
        RUN_TO_WRITE(&g, gpa, form->write, form->written);
    RUN_TO_HLT(&g);
    CHECK_EQ(guest_regs(&g).rip, GUEST_CODE + form->length + 1u);
    CHECK_EQ(guest_regs(&g).rax, form->rax);
    guest_destroy(&g);
}

void case_mmio_instruction_forms(void)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        suite_about("%s", forms[i].name);
        check_form(&forms[i]);
    }
}

void case_mmio_and_pio(void)
{
    struct guest g;
    /* mov [rdi], eax; out 0x10, al; mov eax, [rdi]; in al, 0x20; mov [rdi], al; hlt */
    static const uint8_t code[] = {0x89, 0x07, 0xe6, 0x10, 0x8b, 0x07,
                                   0xe4, 0x20, 0x88, 0x07, 0xf4};
    start(&g, code, sizeof(code));
    RUN_TO_WRITE(&g, GUEST_MMIO + 8, 4, 0x44332211);
    RUN_TO_OUT(&g, 0x10, 1, 0x11);
    RUN_TO_READ(&g, GUEST_MMIO + 8, 4);
    guest_answer(&g, 0x99887766);
    RUN_TO_IN(&g, 0x20, 1);
    CHECK_EQ(guest_regs(&g).rax, 0x99887766);
    guest_answer(&g, 0x55);
    RUN_TO_WRITE(&g, GUEST_MMIO + 8, 1, 0x55);
    RUN_TO_HLT(&g);
    CHECK_EQ(guest_regs(&g).rax, 0x99887755);
}

void case_mmio_flags(void)
{
    struct guest g;
    /* cmp eax, [rdi]; sete bl; setb bh; hlt */
    static const uint8_t code[] = {0x3b, 0x07, 0x0f, 0x94, 0xc3, 0x0f, 0x92, 0xc7, 0xf4};
    for (int same = 0; same <= 1; same++) {
        start(&g, code, sizeof(code));
        RUN_TO_READ(&g, GUEST_MMIO + 8, 4);
        guest_answer(&g, same != 0 ? 0x44332211 : 0x44332212);
        RUN_TO_HLT(&g);
        CHECK_EQ(guest_regs(&g).rbx & 0xffff, same != 0 ? 0x0001 : 0x0100);
    }
}

void case_mmio_rip_relative(void)
{
    struct guest g;
    /* mov eax, [rip + disp]; mov [rip + disp], al; hlt: the displacement reaches GUEST_MMIO */
    uint8_t code[] = {0x8b, 0x05, 0, 0, 0, 0, 0x88, 0x05, 0, 0, 0, 0, 0xf4};
    uint32_t first = GUEST_MMIO - (GUEST_CODE + 6), second = GUEST_MMIO - (GUEST_CODE + 12);
    memcpy(code + 2, &first, 4);
    memcpy(code + 8, &second, 4);
    start(&g, code, sizeof(code));
    RUN_TO_READ(&g, GUEST_MMIO, 4);
    guest_answer(&g, 0x1234567f);
    RUN_TO_WRITE(&g, GUEST_MMIO, 1, 0x7f);
    RUN_TO_HLT(&g);
    CHECK_EQ(guest_regs(&g).rax, 0x1234567f);
}

void case_mmio_fs_gs(void)
{
    struct guest g;
    /* mov eax, fs:[rdi]; mov gs:[rdi], eax; hlt */
    static const uint8_t code[] = {0x64, 0x8b, 0x07, 0x65, 0x89, 0x07, 0xf4};
    start(&g, code, sizeof(code));
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    sregs.fs.base = GUEST_MMIO + 0x10000;
    sregs.gs.base = GUEST_MMIO + 0x20000;
    guest_set_sregs(&g, &sregs);
    GUEST_SET(&g, rdi, 0x40);
    RUN_TO_READ(&g, GUEST_MMIO + 0x10040, 4);
    guest_answer(&g, 0xabcdef01);
    RUN_TO_WRITE(&g, GUEST_MMIO + 0x20040, 4, 0xabcdef01);
    RUN_TO_HLT(&g);
}

/* One string instruction of `count` elements between MMIO and memory, in either direction. */
static void check_string(uint8_t opcode, uint8_t width, bool down, bool from, bool to)
{
    enum { COUNT = 5 };
    struct guest g;
    uint8_t code[] = {0x66, 0xf3, opcode, 0xf4};
    size_t skip = width == 2 ? 0 : 1;
    int64_t step = down ? -(int64_t)width : width;
    suite_about("opcode 0x%02x of %u bytes, %s", opcode, width, down ? "down" : "up");
    start(&g, code + skip, sizeof(code) - skip);
    vmaccel_x86_regs regs = guest_regs(&g);
    regs.rcx = COUNT;
    regs.rsi = from ? GUEST_MMIO + 0x100 : GUEST_DATA + 0x100;
    regs.rdi = to ? GUEST_MMIO + 0x800 : GUEST_DATA + 0x800;
    regs.rflags = down ? 0x402 : 2;
    guest_set_regs(&g, &regs);
    for (int64_t i = 0; i < COUNT; i++) {
        uint64_t value = 0x41424344 + (uint64_t)i * 0x01010101;
        memcpy(g.ram + GUEST_DATA + 0x100 + i * step, &value, width);
    }
    for (int64_t i = 0; i < COUNT; i++) {
        uint64_t value = (0x41424344 + (uint64_t)i * 0x01010101) & ((UINT64_C(1) << 8 * width) - 1);
        bool store = (opcode & 0xfe) == 0xaa;
        if (from) {
            RUN_TO_READ(&g, regs.rsi + (uint64_t)(i * step), width);
            guest_answer(&g, value);
        }
        if (store)
            value = RAX_BEFORE & ((UINT64_C(1) << 8 * width) - 1);
        if (to)
            RUN_TO_WRITE(&g, regs.rdi + (uint64_t)(i * step), width, value);
    }
    RUN_TO_HLT(&g);
    for (int64_t i = 0; !to && i < COUNT; i++) {
        uint64_t value = 0x41424344 + (uint64_t)i * 0x01010101;
        CHECK_BYTES(g.ram + GUEST_DATA + 0x800 + i * step, &value, width);
    }
    CHECK_EQ(guest_regs(&g).rcx, 0);
    CHECK_EQ(guest_regs(&g).rdi, regs.rdi + (uint64_t)(COUNT * step));
    guest_destroy(&g);
}

void case_mmio_strings(void)
{
    for (int down = 0; down <= 1; down++) {
        for (uint8_t width = 1; width <= 4; width *= 2) {
            uint8_t wide = width > 1;
            check_string(0xaa | wide, width, down == 1, false, true); /* stos */
            check_string(0xa4 | wide, width, down == 1, false, true); /* movs to MMIO */
            check_string(0xa4 | wide, width, down == 1, true, false); /* movs from MMIO */
            check_string(0xa4 | wide, width, down == 1, true, true);
        }
    }
}

void case_mmio_lods(void)
{
    struct guest g;
    /* lodsb; lodsd; hlt */
    static const uint8_t code[] = {0xac, 0xad, 0xf4};
    start(&g, code, sizeof(code));
    GUEST_SET(&g, rsi, GUEST_MMIO + 0x30);
    RUN_TO_READ(&g, GUEST_MMIO + 0x30, 1);
    guest_answer(&g, 0x77);
    RUN_TO_READ(&g, GUEST_MMIO + 0x31, 4);
    CHECK_EQ(guest_regs(&g).rax, (RAX_BEFORE & ~UINT64_C(0xff)) | 0x77);
    guest_answer(&g, 0xcafe0001);
    RUN_TO_HLT(&g);
    CHECK_EQ(guest_regs(&g).rax, 0xcafe0001);
    CHECK_EQ(guest_regs(&g).rsi, GUEST_MMIO + 0x35);
}

void case_mmio_exit_cross_page(void)
{
    struct guest g;
    /* mov [rdi], rax; mov rbx, [rdi]; hlt: at each offset that crosses into the next page */
    static const uint8_t code[] = {0x48, 0x89, 0x07, 0x48, 0x8b, 0x1f, 0xf4};
    for (uint8_t first = 1; first < 8; first++) {
        uint64_t low = (UINT64_C(1) << 8 * first) - 1, at = GUEST_MMIO + 0x2000 - first;
        start(&g, code, sizeof(code));
        GUEST_SET(&g, rdi, at);
        RUN_TO_WRITE(&g, at, first, RAX_BEFORE & low);
        RUN_TO_WRITE(&g, GUEST_MMIO + 0x2000, 8 - first, RAX_BEFORE >> 8 * first);
        RUN_TO_READ(&g, at, first);
        guest_answer(&g, READ_VALUE & low);
        RUN_TO_READ(&g, GUEST_MMIO + 0x2000, 8 - first);
        guest_answer(&g, READ_VALUE >> 8 * first);
        RUN_TO_HLT(&g);
        CHECK_EQ(guest_regs(&g).rbx, READ_VALUE);
        guest_destroy(&g);
    }
}

void case_mmio_cross_into_memory(void)
{
    struct guest g;
    /* mov [rdi], rax; mov rbx, [rdi]; hlt: three bytes at the end of memory, five past it */
    static const uint8_t code[] = {0x48, 0x89, 0x07, 0x48, 0x8b, 0x1f, 0xf4};
    start(&g, code, sizeof(code));
    GUEST_SET(&g, rdi, GUEST_RAM_SIZE - 3);
    RUN_TO_WRITE(&g, GUEST_RAM_SIZE, 5, RAX_BEFORE >> 24);
    RUN_TO_READ(&g, GUEST_RAM_SIZE, 5);
    CHECK_BYTES(g.ram + GUEST_RAM_SIZE - 3, "\x11\x22\x33", 3);
    guest_answer(&g, 0x0102030405);
    RUN_TO_HLT(&g);
    CHECK_EQ(guest_regs(&g).rbx, 0x0102030405332211);
}

void case_mmio_sse(void)
{
    struct guest g;
    uint8_t value[16], got[16];
    /* movups xmm0, [rsi]; movups [rdi], xmm0; movups xmm1, [rdi]; movups [rsi], xmm1; hlt */
    static const uint8_t code[] = {0x0f, 0x10, 0x06, 0x0f, 0x11, 0x07, 0x0f,
                                   0x10, 0x0f, 0x0f, 0x11, 0x0e, 0xf4};
    start(&g, code, sizeof(code));
    vmaccel_x86_sregs sregs = guest_sregs(&g);
    sregs.cr4 |= 0x600;
    guest_set_sregs(&g, &sregs);
    GUEST_SET(&g, rsi, GUEST_DATA);
    for (unsigned i = 0; i < 16; i++)
        g.ram[GUEST_DATA + i] = value[i] = (uint8_t)(0x10 + i * 11);
    for (unsigned done = 0; done < 16; done += g.exit->u.mmio.size) {
        RUN(&g);
        guest_expect_mmio(SITE, &g, true, GUEST_MMIO + 8 + done, g.exit->u.mmio.size);
        CHECK(g.exit->u.mmio.size <= 8 && done + g.exit->u.mmio.size <= 16);
        memcpy(got + done, g.exit->u.mmio.data, g.exit->u.mmio.size);
    }
    CHECK_BYTES(got, value, 16);
    for (unsigned done = 0; done < 16; done += g.exit->u.mmio.size) {
        RUN(&g);
        guest_expect_mmio(SITE, &g, false, GUEST_MMIO + 8 + done, g.exit->u.mmio.size);
        CHECK(g.exit->u.mmio.size <= 8 && done + g.exit->u.mmio.size <= 16);
        for (unsigned i = 0; i < g.exit->u.mmio.size; i++)
            g.exit->u.mmio.data[i] = (uint8_t)~value[done + i];
    }
    RUN_TO_HLT(&g);
    for (unsigned i = 0; i < 16; i++)
        CHECK_EQ(g.ram[GUEST_DATA + i], (uint8_t)~value[i]);
}

/* The same accesses from 16- and 32-bit code. */
void case_mmio_modes(void)
{
    static const struct {
        enum guest_mode mode;
        uint8_t code[8];
    } modes[] = {
        /* mov [di], ax; mov bx, [di]; hlt */
        {GUEST_REAL, {0x89, 0x05, 0x8b, 0x1d, 0xf4}},
        /* mov word [edi], ax; mov bx, [edi]; hlt */
        {GUEST_PROTECTED, {0x66, 0x89, 0x07, 0x66, 0x8b, 0x1f, 0xf4}},
        {GUEST_LONG, {0x66, 0x89, 0x07, 0x66, 0x8b, 0x1f, 0xf4}},
    };
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        struct guest g;
        guest_create(&g, modes[i].mode);
        guest_load(&g, modes[i].code, sizeof(modes[i].code));
        /* A hole where real mode reaches it. */
        CHECK_OK(vmaccel_memory_unmap(g.vm, 0xa0000, 0x10000));
        vmaccel_x86_sregs sregs = guest_sregs(&g);
        uint64_t offset = 0xa0010;
        if (modes[i].mode == GUEST_REAL) {
            sregs.ds.selector = 0xa000;
            sregs.ds.base = 0xa0000;
            offset = 0x10;
            guest_set_sregs(&g, &sregs);
        }
        GUEST_SET(&g, rax, 0xbeef);
        GUEST_SET(&g, rdi, offset);
        RUN_TO_WRITE(&g, 0xa0010, 2, 0xbeef);
        RUN_TO_READ(&g, 0xa0010, 2);
        guest_answer(&g, 0xfeed);
        RUN_TO_HLT(&g);
        CHECK_EQ(guest_regs(&g).rbx & 0xffff, 0xfeed);
    }
}
