/* SPDX-License-Identifier: BSD-2-Clause */
#include "images.h"

static void loads_a_bzimage(void **context)
{
    struct rig *rig = rig_new(16 * MIB);
    uint8_t initrd[5000], *zero;
    uint64_t at;

    (void)context;
    make_bzimage(rig);
    fill(initrd, sizeof(initrd));
    rig->in.initrd = initrd;
    rig->in.initrd_size = sizeof(initrd);
    rig->in.append = "console=ttyS0 quiet";
    expect_ok(rig);

    assert_int_equal(rig->state.format, VMACCEL_BOOT_LINUX);
    assert_int_equal(rig->state.regs.rip, BZ_ADDRESS + 0x200);
    assert_long_mode(rig);
    assert_memory_equal(guest(rig, BZ_ADDRESS, BZ_PAYLOAD), rig->image + BZ_SETUP, BZ_PAYLOAD);

    zero = guest(rig, rig->state.regs.rsi, 4096);
    assert_memory_equal(zero + 0x202, "HdrS", 4);
    assert_int_equal(zero[0x210], 0xFF);
    assert_int_equal(zero[0x1EF], 0);
    assert_int_equal(get64(zero + 0x70), ACPI_RSDP_ADDRESS);
    assert_string_equal((char *)guest(rig, get32(zero + 0x228), 20), "console=ttyS0 quiet");
    assert_int_equal(get32(zero + 0x21C), sizeof(initrd));
    at = get32(zero + 0x218);
    assert_int_equal(at, 16 * MIB - 8192);
    assert_memory_equal(guest(rig, at, sizeof(initrd)), initrd, sizeof(initrd));
    /* The header ends at 0x26C; what follows is not the file's. */
    assert_int_equal(zero[0x26D], 0);

    assert_int_equal(zero[0x1E8], 4);
    assert_int_equal(get64(zero + 0x2D0), 0);
    assert_int_equal(get64(zero + 0x2D0 + 8), MEMMAP_EBDA);
    assert_int_equal(get32(zero + 0x2D0 + 16), 1);
    assert_int_equal(get64(zero + 0x2D0 + 40), MEMMAP_BIOS);
    assert_int_equal(get32(zero + 0x2D0 + 56), 2);
    assert_int_equal(get64(zero + 0x2D0 + 60), 1 * MIB);
    assert_int_equal(get64(zero + 0x2D0 + 68), 15 * MIB);
    rig_free(rig);
}

static void a_32_bit_kernel_starts_in_protected_mode(void **context)
{
    struct rig *rig = rig_new(8 * MIB);

    (void)context;
    make_bzimage(rig);
    put16(rig->image + 0x236, 0);
    expect_ok(rig);
    assert_int_equal(rig->state.regs.rip, BZ_ADDRESS);
    assert_protected_mode(rig);
    assert_memory_equal(guest(rig, rig->state.regs.rsi, 4096) + 0x202, "HdrS", 4);
    rig_free(rig);
}

static void every_truncation_is_an_error(void **context)
{
    struct rig *rig = rig_new(4 * MIB);

    (void)context;
    make_bzimage(rig);
    for (size_t size = 0; size < BZ_SETUP + BZ_PAYLOAD - 15; size++) {
        uint8_t *exact = malloc(size ? size : 1);

        /* A buffer of that size, so that a sanitizer sees reads past it. */
        assert_non_null(exact);
        memcpy(exact, rig->image, size);
        rig->in.kernel = exact;
        rig->in.kernel_size = size;
        rig->in.format = VMACCEL_BOOT_LINUX;
        expect_error(rig, VMACCEL_E_FORMAT, "kernel");
        rig->in.format = VMACCEL_BOOT_DETECT;
        expect_error(rig, VMACCEL_E_FORMAT, "kernel");
        free(exact);
    }
    rig_free(rig);
}

struct patch {
    const char *text;
    unsigned offset, width;
    uint64_t value;
    vmaccel_status status;
};

static void bad_headers_are_named(void **context)
{
    static const struct patch patches[] = {
        {"HdrS magic is missing", 0x202, 4, 0, VMACCEL_E_FORMAT},
        {"HdrS magic is missing", 0x1FE, 2, 0, VMACCEL_E_FORMAT},
        {"boot protocol 2.05 is older", 0x206, 2, 0x205, VMACCEL_E_FORMAT},
        {"boot protocol 2.11 is older than 2.12", 0x206, 2, 0x20B, VMACCEL_E_FORMAT},
        {"boot header is truncated", 0x201, 1, 0x20, VMACCEL_E_FORMAT},
        {"zImage", 0x211, 1, 0, VMACCEL_E_FORMAT},
        {"setup code is 256 sectors", 0x1F1, 1, 255, VMACCEL_E_FORMAT},
        {"truncated: its kernel part", 0x1F4, 4, UINT32_MAX, VMACCEL_E_FORMAT},
        {"preferred address 0x0", 0x258, 8, 0, VMACCEL_E_FORMAT},
        {"preferred address", 0x258, 8, UINT64_MAX, VMACCEL_E_FORMAT},
        {"not aligned", 0x258, 8, 0x201000, VMACCEL_E_FORMAT},
        {"no power of two", 0x230, 4, 3, VMACCEL_E_FORMAT},
        {"no power of two", 0x230, 4, 0, VMACCEL_E_FORMAT},
        {"does not fit into 8 MiB of memory", 0x260, 4, UINT32_MAX, VMACCEL_E_INVALID_ARGUMENT},
        {"does not fit into 8 MiB of memory", 0x258, 8, 0x1000000, VMACCEL_E_INVALID_ARGUMENT},
        {"longer than the 3 bytes", 0x238, 4, 3, VMACCEL_E_INVALID_ARGUMENT},
    };

    (void)context;
    for (size_t i = 0; i < sizeof(patches) / sizeof(patches[0]); i++) {
        struct rig *rig = rig_new(8 * MIB);

        make_bzimage(rig);
        for (unsigned b = 0; b < patches[i].width; b++)
            rig->image[patches[i].offset + b] = (uint8_t)(patches[i].value >> 8 * b);
        rig->in.append = "quiet";
        rig->in.format = VMACCEL_BOOT_LINUX;
        expect_error(rig, patches[i].status, patches[i].text);
        rig_free(rig);
    }
}

static void room_is_checked(void **context)
{
    struct rig *rig = rig_new(8 * MIB);
    uint8_t *initrd = calloc(1, 9 * MIB);
    char *line = malloc(3000);

    (void)context;
    assert_non_null(initrd);
    assert_non_null(line);
    make_bzimage(rig);
    rig->in.initrd = initrd;
    rig->in.initrd_size = 9 * MIB;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT,
                 "initrd (9 MiB) does not fit into 8 MiB of memory");
    /* From the kernel's end to the end of memory exactly. */
    rig->in.initrd_size = 5 * MIB;
    expect_ok(rig);
    rig->in.initrd_size = 5 * MIB + 1;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "initrd (5120 KiB)");
    rig->in.initrd_size = 4096;
    put32(rig->image + 0x22C, 0x1FFFFF); /* initrd_addr_max: below the kernel */
    expect_ok(rig);
    assert_int_equal(get32(guest(rig, rig->state.regs.rsi + 0x218, 4)), 0x1FF000);

    rig->in.initrd = NULL;
    memset(line, 'x', 2999);
    line[2999] = 0;
    rig->in.append = line;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "command line (2999 bytes)");
    line[2047] = 0;
    expect_ok(rig);
    rig->in.append = NULL;
    rig->in.ram_size = 4096;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "needs at least 1 MiB of memory");
    rig->in.ram_size = 0;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "needs at least 1 MiB of memory");
    rig->in.ram_size = 1 * MIB;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "does not fit into 1 MiB of memory");
    free(line);
    free(initrd);
    rig_free(rig);
}

static void modules_are_refused(void **context)
{
    struct rig *rig = rig_new(8 * MIB);
    struct boot_module module = {.data = rig->image, .size = 1};

    (void)context;
    make_bzimage(rig);
    rig->in.modules = &module;
    rig->in.module_count = 1;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "takes no modules");
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_a_bzimage),
        cmocka_unit_test(every_truncation_is_an_error),
        cmocka_unit_test(bad_headers_are_named),
        cmocka_unit_test(room_is_checked),
        cmocka_unit_test(a_32_bit_kernel_starts_in_protected_mode),
        cmocka_unit_test(modules_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
