/* SPDX-License-Identifier: BSD-2-Clause */
/* Multiboot, flat images and detection. */
#include "images.h"

enum { KLUDGE_AT = 0x40, KLUDGE_LOAD = 0x200000, KLUDGE_SIZE = 0x800 };

/* A header with address fields at KLUDGE_AT of a file loaded from its offset 0x20. */
static void make_kludge(struct rig *rig)
{
    uint8_t *h = rig->image + KLUDGE_AT;

    rig->in.kernel_size = 0x20 + KLUDGE_SIZE;
    fill(rig->image, rig->in.kernel_size);
    put_multiboot_header(rig, KLUDGE_AT, 0x10003);
    put32(h + 12, KLUDGE_LOAD + KLUDGE_AT - 0x20);
    put32(h + 16, KLUDGE_LOAD);
    put32(h + 20, KLUDGE_LOAD + KLUDGE_SIZE);
    put32(h + 24, KLUDGE_LOAD + 0x2000);
    put32(h + 28, KLUDGE_LOAD + 0x100);
}

static void loads_by_address_fields(void **context)
{
    struct rig *rig = rig_new(8 * MIB);

    (void)context;
    make_kludge(rig);
    expect_ok(rig);
    assert_int_equal(rig->state.format, VMACCEL_BOOT_MULTIBOOT);
    assert_protected_mode(rig);
    assert_int_equal(rig->state.regs.rip, KLUDGE_LOAD + 0x100);
    assert_int_equal(rig->state.regs.rax, 0x2BADB002);
    assert_memory_equal(guest(rig, KLUDGE_LOAD, KLUDGE_SIZE), rig->image + 0x20, KLUDGE_SIZE);
    for (unsigned i = KLUDGE_SIZE; i < 0x2000; i++)
        assert_int_equal(*guest(rig, KLUDGE_LOAD + i, 1), 0);
    /* No load end: the whole file; no bss. */
    put32(rig->image + KLUDGE_AT + 20, 0);
    put32(rig->image + KLUDGE_AT + 24, 0);
    expect_ok(rig);
    rig_free(rig);
}

static void loads_elf(bool is_64)
{
    struct rig *rig = rig_new(8 * MIB);
    uint8_t data[300], *info, *list, *map;
    struct boot_module modules[2] = {{.data = data, .size = sizeof(data), .append = "one"},
                                     {.data = data, .size = 10}};

    fill(data, sizeof(data));
    make_elf(rig, is_64, ELF_ADDRESS + 64);
    put_multiboot_header(rig, ELF_DATA, 7);
    rig->in.append = "hello";
    rig->in.modules = modules;
    rig->in.module_count = 2;
    expect_ok(rig);
    assert_int_equal(rig->state.format, VMACCEL_BOOT_MULTIBOOT);
    assert_int_equal(rig->state.regs.rip, ELF_ADDRESS + 64);
    assert_protected_mode(rig);
    info = guest(rig, rig->state.regs.rbx, 116);
    assert_int_equal(get32(info), 0x24D);
    assert_int_equal(get32(info + 4), 639);
    assert_int_equal(get32(info + 8), 7 * 1024);
    assert_string_equal((char *)guest(rig, get32(info + 16), 6), "hello");
    assert_int_equal(get32(info + 20), 2);
    list = guest(rig, get32(info + 24), 32);
    assert_int_equal(get32(list) % 4096, 0);
    assert_int_equal(get32(list + 4) - get32(list), sizeof(data));
    assert_memory_equal(guest(rig, get32(list), sizeof(data)), data, sizeof(data));
    assert_string_equal((char *)guest(rig, get32(list + 8), 4), "one");
    assert_int_equal(get32(list + 16) % 4096, 0);
    assert_int_equal(get32(info + 44), 4 * 24);
    map = guest(rig, get32(info + 48), 4 * 24);
    assert_int_equal(get32(map), 20);
    assert_int_equal(get64(map + 12), MEMMAP_EBDA);
    assert_int_equal(get64(map + 72 + 4), 1 * MIB);
    assert_string_equal((char *)guest(rig, get32(info + 64), 8), "vmaccel");
    rig_free(rig);
}

static void loads_elf_32(void **context)
{
    (void)context;
    loads_elf(false);
}

static void loads_elf_64(void **context)
{
    (void)context;
    loads_elf(true);
}

struct fault {
    const char *text;
    unsigned offset;
    uint32_t value;
    vmaccel_status status;
};

static void bad_headers_are_named(void **context)
{
    static const struct fault faults[] = {
        {"no multiboot header", 0, 0, VMACCEL_E_FORMAT},
        {"no multiboot header", 8, 0, VMACCEL_E_FORMAT},
        {"does not match the header", 12, KLUDGE_LOAD - 1, VMACCEL_E_FORMAT},
        {"does not match the header", 12, KLUDGE_LOAD + KLUDGE_AT + 1, VMACCEL_E_FORMAT},
        {"does not match the header", 16, KLUDGE_LOAD + 0x1000, VMACCEL_E_FORMAT},
        {"does not match the header", 16, 0, VMACCEL_E_FORMAT},
        {"is not above the load address", 20, KLUDGE_LOAD, VMACCEL_E_FORMAT},
        {"is not above the load address", 20, 1, VMACCEL_E_FORMAT},
        {"is truncated", 20, KLUDGE_LOAD + KLUDGE_SIZE + 1, VMACCEL_E_FORMAT},
        {"is inside the loaded part", 24, KLUDGE_LOAD + KLUDGE_SIZE - 1, VMACCEL_E_FORMAT},
        {"does not fit into 8 MiB", 24, UINT32_MAX, VMACCEL_E_INVALID_ARGUMENT},
        {"is outside the image", 28, 0, VMACCEL_E_FORMAT},
        {"is outside the image", 28, KLUDGE_LOAD + 0x2000, VMACCEL_E_FORMAT},
    };

    (void)context;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct rig *rig = rig_new(8 * MIB);

        make_kludge(rig);
        put32(rig->image + KLUDGE_AT + faults[i].offset, faults[i].value);
        rig->in.format = VMACCEL_BOOT_MULTIBOOT;
        expect_error(rig, faults[i].status, faults[i].text);
        rig_free(rig);
    }
}

static void other_header_faults(void **context)
{
    struct rig *rig = rig_new(8 * MIB);

    (void)context;
    make_kludge(rig);
    put_multiboot_header(rig, KLUDGE_AT, 0x10008);
    expect_error(rig, VMACCEL_E_FORMAT, "unknown features (flags 0x10008)");
    put_multiboot_header(rig, KLUDGE_AT, 3);
    expect_error(rig, VMACCEL_E_FORMAT, "gives no load addresses, and the ELF magic is missing");
    make_kludge(rig);
    rig->in.kernel_size = KLUDGE_AT + 31;
    expect_error(rig, VMACCEL_E_FORMAT, "multiboot header is truncated");
    rig->in.kernel_size = KLUDGE_AT + 11;
    expect_error(rig, VMACCEL_E_FORMAT, "is not a known kernel format");
    /* The header must end within 8192 bytes. */
    memset(rig->image, 0, sizeof(rig->image));
    rig->in.kernel_size = 16384;
    put_multiboot_header(rig, 8192 - 8, 0);
    expect_error(rig, VMACCEL_E_FORMAT, "is not a known kernel format");
    put_multiboot_header(rig, 8192 - 12, 0);
    expect_error(rig, VMACCEL_E_FORMAT, "gives no load addresses");
    rig_free(rig);
}

static void loads_a_boot_sector(void **context)
{
    struct rig *rig = rig_new(1 * MIB);

    (void)context;
    fill(rig->image, 512);
    rig->in.kernel_size = 512;
    rig->in.format = VMACCEL_BOOT_FLAT_REAL;
    expect_ok(rig);
    assert_memory_equal(guest(rig, 0x7C00, 512), rig->image, 512);
    assert_int_equal(rig->state.sregs.cs.base, 0);
    assert_int_equal(rig->state.sregs.cs.selector, 0);
    assert_int_equal(rig->state.regs.rip, 0x7C00);
    assert_int_equal(rig->state.regs.rsp, 0x7C00);
    assert_int_equal(rig->state.sregs.cr0 & 1, 0);
    rig->in.load_address = 0x12345;
    expect_ok(rig);
    assert_int_equal(rig->state.sregs.cs.selector, 0x1234);
    assert_int_equal(rig->state.sregs.cs.base, 0x12340);
    assert_int_equal(rig->state.regs.rip, 5);
    rig->in.load_address = 0x100000;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "load address 0x100000 is not below 1 MiB");
    rig->in.load_address = 0xFFF00;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT,
                 "kernel (512 bytes at 0xfff00) does not fit into 1 MiB of memory");
    rig_free(rig);
}

static void loads_a_flat_long_image(void **context)
{
    struct rig *rig = rig_new(2 * MIB);

    (void)context;
    fill(rig->image, 4096);
    rig->in.kernel_size = 4096;
    rig->in.format = VMACCEL_BOOT_FLAT_LONG;
    expect_ok(rig);
    assert_int_equal(rig->state.regs.rip, 0x100000);
    assert_memory_equal(guest(rig, 0x100000, 4096), rig->image, 4096);
    assert_long_mode(rig);
    rig->in.load_address = 0x1000;
    expect_ok(rig);
    assert_memory_equal(guest(rig, 0x1000, 4096), rig->image, 4096);
    assert_long_mode(rig);
    rig->in.load_address = MEMMAP_HIGH_BASE;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "is not below 4 GiB");
    rig->in.load_address = 2 * MIB - 1;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "does not fit into 2 MiB");
    rig->in.append = "x";
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "a flat image takes no command line");
    rig_free(rig);
}

static vmaccel_boot_format detect_x86(const struct rig *rig)
{
    vmaccel_arch arch;
    vmaccel_boot_format format = boot_detect(rig->image, 2048, VMACCEL_ARCH_ARM64, &arch);

    assert_int_equal(arch, VMACCEL_ARCH_X86_64);
    return format;
}

static void detects_by_content(void **context)
{
    struct rig *rig = rig_new(4 * MIB);

    (void)context;
    expect_error(rig, VMACCEL_E_FORMAT, "kernel is empty");
    rig->in.kernel_size = 512;
    rig->in.kernel_name = "notes.txt";
    expect_error(rig, VMACCEL_E_FORMAT, "notes.txt is not a known kernel format");
    rig->in.format = (vmaccel_boot_format)8;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "boot format 8 is not known");
    rig->in.format = VMACCEL_BOOT_FLAT;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "boot format flat is not for x86_64");

    make_elf(rig, true, ELF_ADDRESS);
    assert_int_equal(detect_x86(rig), VMACCEL_BOOT_ELF);
    put_multiboot_header(rig, ELF_DATA, 0);
    assert_int_equal(detect_x86(rig), VMACCEL_BOOT_MULTIBOOT);
    add_pvh_note(rig, true, ELF_ADDRESS);
    assert_int_equal(detect_x86(rig), VMACCEL_BOOT_PVH);
    make_bzimage(rig);
    assert_int_equal(detect_x86(rig), VMACCEL_BOOT_LINUX);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_by_address_fields),
        cmocka_unit_test(loads_elf_32),
        cmocka_unit_test(loads_elf_64),
        cmocka_unit_test(bad_headers_are_named),
        cmocka_unit_test(other_header_faults),
        cmocka_unit_test(loads_a_boot_sector),
        cmocka_unit_test(loads_a_flat_long_image),
        cmocka_unit_test(detects_by_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
