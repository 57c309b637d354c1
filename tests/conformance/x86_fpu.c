/* SPDX-License-Identifier: BSD-2-Clause */
/* x87, MMX, SSE, AVX and AVX-512 state through the API, the guest's instructions and the XSAVE
 * area. */
#include "x86_snippet.h"

#define CR4_OSFXSR     (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_OSXSAVE    (1u << 18)
#define XCR0_X87       (1u << 0)
#define XCR0_SSE       (1u << 1)
#define XCR0_AVX       (1u << 2)
#define XCR0_AVX512    (7u << 5)
#define MXCSR_RESET    0x1f80u
#define MXCSR_RESERVED (1u << 16)

#define XSAVE_MXCSR    24u
#define XSAVE_ST       32u
#define XSAVE_XMM      160u
#define XSAVE_BV       512u
#define XSAVE_XCOMP_BV 520u

static void create(struct guest *g)
{
    snippet_create(g);
    suite_need(g->vm, VMACCEL_CAP_REG_FPU);
    vmaccel_x86_sregs sregs = guest_sregs(g);
    sregs.cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
    guest_set_sregs(g, &sregs);
}

/* XCR0 as well; skips where the guest CPU has not all of it. */
static void create_xcr0(struct guest *g, uint64_t xcr0)
{
    create(g);
    suite_need(g->vm, VMACCEL_CAP_REG_XCR);
    vmaccel_x86_cpuid entry = cpuid_of(g, 0xd, 0);
    if ((entry.eax & xcr0) != xcr0)
        suite_skip_host("the guest CPU's XSAVE components");
    vmaccel_x86_sregs sregs = guest_sregs(g);
    sregs.cr4 |= CR4_OSXSAVE;
    guest_set_sregs(g, &sregs);
    CHECK_OK(vmaccel_x86_set_xcr0(g->vcpu, xcr0));
}

static vmaccel_x86_fpu fpu_of(struct guest *g)
{
    vmaccel_x86_fpu fpu;
    CHECK_OK(vmaccel_x86_get_fpu(g->vcpu, &fpu));
    return fpu;
}

static void put64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
}

static uint64_t get64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static void put_double(uint8_t *at, double value)
{
    memcpy(at, &value, sizeof(value));
}

static double get_double(const uint8_t *at)
{
    double value;
    memcpy(&value, at, sizeof(value));
    return value;
}

/* A pattern no two registers share, in `bytes` of `count` vector registers. */
static void fill_vectors(vmaccel_x86_fpu *fpu, unsigned count, unsigned bytes)
{
    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = 0; j < bytes; j++)
            fpu->vector[i][j] = (uint8_t)(1 + i * 7 + j * 3);
    }
}

static void *xsave_area(struct guest *g, size_t *size)
{
    *size = suite_need(g->vm, VMACCEL_CAP_REG_XSAVE);
    CHECK(*size >= 576 && *size < 1u << 20);
    return suite_pages((*size + 0x10fff) & ~(size_t)0xffff);
}

void case_fpu_reset(void)
{
    struct guest g;
    snippet_create(&g);
    suite_need(g.vm, VMACCEL_CAP_REG_FPU);
    vmaccel_x86_fpu fpu = fpu_of(&g);
    CHECK_EQ(fpu.mxcsr, MXCSR_RESET);
    CHECK_EQ(fpu.ftw, 0);
    static const vmaccel_x86_fpu zero;
    CHECK_BYTES(fpu.vector, zero.vector, sizeof(zero.vector));
    CHECK_BYTES(fpu.st, zero.st, sizeof(zero.st));
}

void case_mmx_state_is_preserved(void)
{
    struct guest g;
    create(&g);
    vmaccel_x86_fpu fpu = fpu_of(&g);
    fpu.fcw = 0x37f;
    fpu.fsw = 0;
    fpu.ftw = 0xff;
    for (unsigned i = 0; i < 8; i++) {
        put64(fpu.st[i], 0x0101010101010101 * (i + 1));
        fpu.st[i][8] = fpu.st[i][9] = 0xff;
    }
    CHECK_OK(vmaccel_x86_set_fpu(g.vcpu, &fpu));
    vmaccel_x86_fpu back = fpu_of(&g);
    CHECK_BYTES(back.st, fpu.st, sizeof(fpu.st));
    GO_DONE(&g, mmx_add);
    back = fpu_of(&g);
    put64(fpu.st[0], 0x0303030303030303);
    put64(fpu.st[7], 0x0303030303030303);
    CHECK_BYTES(back.st, fpu.st, sizeof(fpu.st));
    CHECK_EQ(back.ftw, 0xff);
}

void case_sse_state_is_preserved(void)
{
    struct guest g;
    create(&g);
    vmaccel_x86_fpu fpu = fpu_of(&g);
    fill_vectors(&fpu, 16, 16);
    CHECK_OK(vmaccel_x86_set_fpu(g.vcpu, &fpu));
    GO_DONE(&g, sse_add);
    vmaccel_x86_fpu back = fpu_of(&g);
    for (unsigned j = 0; j < 16; j++)
        fpu.vector[0][j] = (uint8_t)(fpu.vector[0][j] + fpu.vector[1][j]);
    memcpy(fpu.vector[15], fpu.vector[0], 16);
    CHECK_BYTES(back.vector, fpu.vector, sizeof(fpu.vector));
}

void case_avx_state_is_preserved(void)
{
    struct guest g;
    create_xcr0(&g, XCR0_X87 | XCR0_SSE | XCR0_AVX);
    vmaccel_x86_fpu fpu = fpu_of(&g);
    fill_vectors(&fpu, 16, 32);
    for (unsigned j = 0; j < 4; j++) {
        put_double(fpu.vector[0] + 8 * j, 1.5 * j);
        put_double(fpu.vector[1] + 8 * j, 100.25);
    }
    CHECK_OK(vmaccel_x86_set_fpu(g.vcpu, &fpu));
    vmaccel_x86_fpu back = fpu_of(&g);
    CHECK_BYTES(back.vector, fpu.vector, sizeof(fpu.vector));

    GUEST_SET(&g, rbx, GUEST_DATA);
    GO_DONE(&g, avx_add);
    back = fpu_of(&g);
    for (unsigned j = 0; j < 4; j++) {
        put_double(fpu.vector[2] + 8 * j, 1.5 * j + 100.25);
        CHECK(get_double(g.ram + GUEST_DATA + 8 * j) == 1.5 * j + 100.25);
    }
    CHECK_BYTES(back.vector, fpu.vector, sizeof(fpu.vector));
}

void case_avx512_state_is_preserved(void)
{
    struct guest g;
    create_xcr0(&g, XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512);
    if ((cpuid_of(&g, 7, 0).ebx >> 16 & 1) == 0)
        suite_skip_host("AVX-512 in the guest CPU");
    vmaccel_x86_fpu fpu = fpu_of(&g);
    fill_vectors(&fpu, 32, 64);
    for (unsigned j = 0; j < 8; j++) {
        put_double(fpu.vector[0] + 8 * j, 3.5 * j);
        put_double(fpu.vector[1] + 8 * j, 0.25);
        fpu.k[j] = 0x1111 * (j + 1);
    }
    CHECK_OK(vmaccel_x86_set_fpu(g.vcpu, &fpu));
    GUEST_SET(&g, rbx, GUEST_DATA);
    GO_DONE(&g, avx512_add);
    vmaccel_x86_fpu back = fpu_of(&g);
    for (unsigned j = 0; j < 8; j++)
        put_double(fpu.vector[31] + 8 * j, 3.5 * j + 0.25);
    fpu.k[7] = fpu.k[1];
    CHECK_BYTES(back.vector, fpu.vector, sizeof(fpu.vector));
    CHECK_BYTES(back.k, fpu.k, sizeof(fpu.k));
}

void case_x87_80_bit_values(void)
{
    struct guest g;
    create(&g);
    vmaccel_x86_fpu fpu = fpu_of(&g);
    fpu.fcw = 0x37f;
    fpu.fsw = 6u << 11; /* top of stack is register 6 */
    fpu.ftw = 0xc0;
    memset(fpu.st, 0, sizeof(fpu.st));
    put64(fpu.st[0], 0xc000000000000001); /* 1.5 and the last bit */
    put64(fpu.st[0] + 8, 0x3fff);
    put64(fpu.st[1], 0xa000000000000000); /* 1.25 */
    put64(fpu.st[1] + 8, 0x3fff);
    CHECK_OK(vmaccel_x86_set_fpu(g.vcpu, &fpu));
    vmaccel_x86_fpu back = fpu_of(&g);
    CHECK_BYTES(&back, &fpu, sizeof(fpu));
    GO_DONE(&g, x87_add);
    back = fpu_of(&g);
    /* 2.75; the last bit is rounded off to even. */
    CHECK_EQ(get64(back.st[0]), 0xb000000000000000);
    CHECK_EQ(get64(back.st[0] + 8) & 0xffff, 0x4000);
    CHECK_EQ(back.fsw >> 11 & 7, 7);
    CHECK_EQ(back.ftw, 0x80);
}

void case_x87_control_and_status(void)
{
    uint16_t words[2];
    struct guest g;
    create(&g);
    vmaccel_x86_fpu fpu = fpu_of(&g);
    fpu.fcw = 0x27e;
    fpu.fsw = 3u << 11 | 0x4200;
    fpu.fop = 0x123;
    fpu.fip = 0x123456789a;
    fpu.fdp = 0xabcdef0123;
    CHECK_OK(vmaccel_x86_set_fpu(g.vcpu, &fpu));
    vmaccel_x86_fpu back = fpu_of(&g);
    CHECK_BYTES(&back, &fpu, sizeof(fpu));
    GUEST_SET(&g, rbx, GUEST_DATA);
    GO_DONE(&g, fnstcw);
    memcpy(words, g.ram + GUEST_DATA, sizeof(words));
    CHECK_EQ(words[0], fpu.fcw);
    CHECK_EQ(words[1], fpu.fsw);
    GO_DONE(&g, fninit);
    back = fpu_of(&g);
    CHECK_EQ(back.fcw, 0x37f);
    CHECK_EQ(back.fsw, 0);
    CHECK_EQ(back.ftw, 0);
}

void case_mxcsr(void)
{
    uint32_t value = MXCSR_RESET | 0x6000;
    struct guest g;
    create(&g);
    vmaccel_x86_fpu fpu = fpu_of(&g);
    fpu.mxcsr = value;
    CHECK_OK(vmaccel_x86_set_fpu(g.vcpu, &fpu));
    CHECK_EQ(fpu_of(&g).mxcsr, value);
    GUEST_SET(&g, rbx, GUEST_DATA);
    GO_DONE(&g, stmxcsr);
    uint32_t seen;
    memcpy(&seen, g.ram + GUEST_DATA, 4);
    CHECK_EQ(seen, value);
    value = 0x9fc0;
    memcpy(g.ram + GUEST_DATA, &value, 4);
    GO_DONE(&g, ldmxcsr);
    CHECK_EQ(fpu_of(&g).mxcsr, value);
}

void case_mxcsr_reserved_bits_rejected(void)
{
    struct guest g;
    create(&g);
    vmaccel_x86_fpu good = fpu_of(&g), bad = good;
    bad.mxcsr |= MXCSR_RESERVED;
    bad.fcw ^= 0x40;
    CHECK_STATUS(vmaccel_x86_set_fpu(g.vcpu, &bad), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_DETAIL("mxcsr");
    vmaccel_x86_fpu after = fpu_of(&g);
    CHECK_BYTES(&after, &good, sizeof(good));

    size_t size;
    uint8_t *area = xsave_area(&g, &size);
    CHECK_OK(vmaccel_x86_get_xsave(g.vcpu, area, size));
    area[XSAVE_BV] |= XCR0_SSE;
    area[XSAVE_MXCSR + 2] |= 1;
    CHECK_STATUS(vmaccel_x86_set_xsave(g.vcpu, area, size), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_DETAIL("mxcsr");
    after = fpu_of(&g);
    CHECK_BYTES(&after, &good, sizeof(good));
}

/* The guest's XSAVE and XRSTOR, against what the API holds. */
void case_xsave(void)
{
    size_t size;
    struct guest g;
    create_xcr0(&g, XCR0_X87 | XCR0_SSE | XCR0_AVX);
    uint8_t *area = xsave_area(&g, &size);
    const uint8_t *seen = g.ram + GUEST_DATA;
    const uint32_t avx = cpuid_of(&g, 0xd, 2).ebx;
    CHECK_EQ(avx, 576);
    vmaccel_x86_fpu fpu = fpu_of(&g), back;
    fill_vectors(&fpu, 16, 32);
    fpu.mxcsr = MXCSR_RESET | 0x2000;
    CHECK_OK(vmaccel_x86_set_fpu(g.vcpu, &fpu));

    GUEST_SET(&g, rbx, GUEST_DATA);
    GUEST_SET(&g, rax, 7);
    GUEST_SET(&g, rdx, 0);
    GO_DONE(&g, xsave);
    CHECK_OK(vmaccel_x86_get_xsave(g.vcpu, area, size));
    CHECK_EQ(get64(area + XSAVE_XCOMP_BV), 0);
    CHECK_EQ(get64(area + XSAVE_BV) & 6, 6);
    CHECK_BYTES(seen + XSAVE_MXCSR, area + XSAVE_MXCSR, 4);
    CHECK_BYTES(seen + XSAVE_XMM, area + XSAVE_XMM, 256);
    CHECK_BYTES(seen + avx, area + avx, 256);

    vmaccel_x86_fpu other = fpu;
    memset(other.vector, 0x5a, 16 * sizeof(other.vector[0]));
    for (unsigned i = 0; i < 16; i++)
        memset(other.vector[i] + 32, 0, 32);
    CHECK_OK(vmaccel_x86_set_fpu(g.vcpu, &other));
    GO_DONE(&g, xrstor);
    back = fpu_of(&g);
    CHECK_BYTES(back.vector, fpu.vector, sizeof(fpu.vector));
    CHECK_EQ(back.mxcsr, fpu.mxcsr);
}

void case_xsaves(void)
{
    struct guest g;
    create_xcr0(&g, XCR0_X87 | XCR0_SSE | XCR0_AVX);
    GUEST_SET(&g, rbx, GUEST_DATA);
    GUEST_SET(&g, rax, 7);
    GUEST_SET(&g, rdx, 0);
    if ((cpuid_of(&g, 0xd, 1).eax >> 3 & 1) == 0) {
        GO_TRAP(&g, xsaves, VECTOR_UD);
        GO_TRAP(&g, xrstors, VECTOR_UD);
        return;
    }
    vmaccel_x86_fpu fpu = fpu_of(&g);
    fill_vectors(&fpu, 16, 32);
    CHECK_OK(vmaccel_x86_set_fpu(g.vcpu, &fpu));
    GO_DONE(&g, xsaves);
    CHECK_EQ(get64(g.ram + GUEST_DATA + XSAVE_XCOMP_BV), UINT64_C(1) << 63 | 7);
    vmaccel_x86_fpu other = fpu;
    fill_vectors(&other, 15, 32);
    memset(other.vector[3], 0x11, 32);
    CHECK_OK(vmaccel_x86_set_fpu(g.vcpu, &other));
    GO_DONE(&g, xrstors);
    vmaccel_x86_fpu back = fpu_of(&g);
    CHECK_BYTES(back.vector, fpu.vector, sizeof(fpu.vector));
    /* IA32_XSS is there with it. */
    CHECK_EQ(msr_get(&g, 0xda0), 0);
}

void case_fpu_and_xsave_agree(void)
{
    size_t size;
    struct guest g;
    create_xcr0(&g, XCR0_X87 | XCR0_SSE | XCR0_AVX);
    uint8_t *area = xsave_area(&g, &size);
    vmaccel_x86_fpu fpu = fpu_of(&g), back;
    fill_vectors(&fpu, 16, 32);
    fpu.fcw = 0x27f;
    fpu.ftw = 0x81;
    fpu.mxcsr = 0x9f80;
    memset(fpu.st, 0x33, sizeof(fpu.st));
    for (unsigned i = 0; i < 8; i++)
        memset(fpu.st[i] + 10, 0, 6);
    CHECK_OK(vmaccel_x86_set_fpu(g.vcpu, &fpu));
    CHECK_OK(vmaccel_x86_get_xsave(g.vcpu, area, size));
    CHECK_EQ(area[0] | area[1] << 8, fpu.fcw);
    CHECK_EQ(area[4], fpu.ftw);
    CHECK_BYTES(area + XSAVE_ST, fpu.st, sizeof(fpu.st));
    CHECK_BYTES(area + XSAVE_MXCSR, &fpu.mxcsr, 4);
    for (unsigned i = 0; i < 16; i++) {
        CHECK_BYTES(area + XSAVE_XMM + 16 * i, fpu.vector[i], 16);
        CHECK_BYTES(area + 576 + 16 * i, fpu.vector[i] + 16, 16);
    }

    memset(area + XSAVE_XMM, 0x77, 16);
    memset(area + 576, 0x88, 16);
    CHECK_OK(vmaccel_x86_set_xsave(g.vcpu, area, size));
    back = fpu_of(&g);
    memset(fpu.vector[0], 0x77, 16);
    memset(fpu.vector[0] + 16, 0x88, 16);
    CHECK_BYTES(&back, &fpu, sizeof(fpu));
}

void case_xsave_initial_components(void)
{
    size_t size;
    struct guest g;
    create_xcr0(&g, XCR0_X87 | XCR0_SSE | XCR0_AVX);
    uint8_t *area = xsave_area(&g, &size);
    static const uint8_t zero[256];
    vmaccel_x86_fpu fpu = fpu_of(&g);
    fill_vectors(&fpu, 16, 32);
    CHECK_OK(vmaccel_x86_set_fpu(g.vcpu, &fpu));
    CHECK_OK(vmaccel_x86_get_xsave(g.vcpu, area, size));
    /* All components initial, their bytes being anything. */
    put64(area + XSAVE_BV, 0);
    put64(area + XSAVE_MXCSR, MXCSR_RESET | UINT64_C(0xffff) << 32);
    CHECK_OK(vmaccel_x86_set_xsave(g.vcpu, area, size));
    fpu = fpu_of(&g);
    CHECK_EQ(fpu.fcw, 0x37f);
    CHECK_EQ(fpu.ftw, 0);
    CHECK_EQ(fpu.mxcsr, MXCSR_RESET);
    for (unsigned i = 0; i < 32; i++)
        CHECK_BYTES(fpu.vector[i], zero, 64);
    CHECK_OK(vmaccel_x86_get_xsave(g.vcpu, area, size));
    CHECK_EQ(area[0] | area[1] << 8, 0x37f);
    CHECK_BYTES(area + XSAVE_XMM, zero, 256);
    CHECK_BYTES(area + 576, zero, 256);

    /* The upper halves alone. */
    fill_vectors(&fpu, 16, 32);
    CHECK_OK(vmaccel_x86_set_fpu(g.vcpu, &fpu));
    CHECK_OK(vmaccel_x86_get_xsave(g.vcpu, area, size));
    area[XSAVE_BV] &= (uint8_t)~XCR0_AVX;
    CHECK_OK(vmaccel_x86_set_xsave(g.vcpu, area, size));
    vmaccel_x86_fpu back = fpu_of(&g);
    for (unsigned i = 0; i < 16; i++) {
        CHECK_BYTES(back.vector[i], fpu.vector[i], 16);
        CHECK_BYTES(back.vector[i] + 16, zero, 16);
    }
}

void case_xsave_size_and_header(void)
{
    size_t size;
    struct guest g;
    snippet_create(&g);
    uint8_t *area = xsave_area(&g, &size);
    vmaccel_x86_cpuid entry = cpuid_of(&g, 0xd, 0);
    if (entry.eax != 0)
        CHECK(size >= entry.ecx);
    memset(area, 0xcc, size + 64);
    CHECK_OK(vmaccel_x86_get_xsave(g.vcpu, area, size));
    for (unsigned i = 0; i < 64; i++)
        CHECK_EQ(area[size + i], 0xcc);
    CHECK_EQ(get64(area + XSAVE_XCOMP_BV), 0);
    CHECK_STATUS(vmaccel_x86_get_xsave(g.vcpu, area, size - 1), VMACCEL_E_INVALID_ARGUMENT);

    put64(area + XSAVE_BV, get64(area + XSAVE_BV) | UINT64_C(1) << 62);
    CHECK_STATUS(vmaccel_x86_set_xsave(g.vcpu, area, size), VMACCEL_E_INVALID_ARGUMENT);
    put64(area + XSAVE_BV, get64(area + XSAVE_BV) & ~(UINT64_C(1) << 62));
    put64(area + XSAVE_XCOMP_BV, UINT64_C(1) << 63);
    CHECK_STATUS(vmaccel_x86_set_xsave(g.vcpu, area, size), VMACCEL_E_INVALID_ARGUMENT);
    put64(area + XSAVE_XCOMP_BV, 0);
    CHECK_OK(vmaccel_x86_set_xsave(g.vcpu, area, size));
    suite_note("%zu bytes", size);
}

void case_xcr0(void)
{
    static const uint64_t bad[] = {0, 2, 5, UINT64_C(1) << 63 | 3};
    uint64_t xcr0;
    struct guest g;
    create_xcr0(&g, XCR0_X87 | XCR0_SSE);
    CHECK_OK(vmaccel_x86_get_xcr0(g.vcpu, &xcr0));
    CHECK_EQ(xcr0, 3);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_STATUS(vmaccel_x86_set_xcr0(g.vcpu, bad[i]), VMACCEL_E_INVALID_ARGUMENT);
        CHECK_DETAIL("xcr0");
    }
    CHECK_OK(vmaccel_x86_get_xcr0(g.vcpu, &xcr0));
    CHECK_EQ(xcr0, 3);
    CHECK_OK(vmaccel_x86_set_xcr0(g.vcpu, 1));
    GUEST_SET(&g, rcx, 0);
    GO_DONE(&g, xgetbv);
    CHECK_EQ(guest_regs(&g).rax, 1);
    CHECK_EQ(guest_regs(&g).rdx, 0);
}
