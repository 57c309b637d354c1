/* SPDX-License-Identifier: BSD-2-Clause */
/* Plain ELF and PVH. */
#include "images.h"

static void assert_segment_loaded(const struct rig *rig)
{
    uint8_t *at = guest(rig, ELF_ADDRESS, ELF_MEMSZ);

    assert_memory_equal(at, rig->image + ELF_DATA, ELF_FILESZ);
    for (unsigned i = ELF_FILESZ; i < ELF_MEMSZ; i++)
        assert_int_equal(at[i], 0);
}

static void loads_a_plain_elf(void **context)
{
    struct rig *rig = rig_new(4 * MIB);

    (void)context;
    make_elf(rig, true, ELF_ADDRESS + 8);
    expect_ok(rig);
    assert_int_equal(rig->state.format, VMACCEL_BOOT_ELF);
    assert_int_equal(rig->state.regs.rip, ELF_ADDRESS + 8);
    assert_int_equal(rig->state.regs.rdi, 0);
    assert_int_equal(rig->state.regs.rsi, ACPI_RSDP_ADDRESS);
    assert_int_equal(rig->state.regs.rsp, MEMMAP_EBDA);
    assert_long_mode(rig);
    assert_segment_loaded(rig);
    rig_free(rig);
}

static void a_high_virtual_entry_is_translated(void **context)
{
    struct rig *rig = rig_new(4 * MIB);
    uint64_t vaddr = 0xFFFFFFFF80100000;

    (void)context;
    make_elf(rig, true, vaddr + 16);
    put_phdr(rig, true, 0, 1, ELF_DATA, vaddr, ELF_ADDRESS, ELF_FILESZ, ELF_MEMSZ);
    expect_ok(rig);
    assert_int_equal(rig->state.regs.rip, ELF_ADDRESS + 16);
    rig_free(rig);
}

static void tables_keep_clear_of_low_segments(void **context)
{
    struct rig *rig = rig_new(4 * MIB);
    uint64_t cr3;

    (void)context;
    make_elf(rig, true, 0x1000);
    put_phdr(rig, true, 0, 1, ELF_DATA, 0x1000, 0x1000, ELF_FILESZ, 0x7F000);
    expect_ok(rig);
    cr3 = rig->state.sregs.cr3;
    assert_true(cr3 >= 0x80000 && cr3 + 6 * 4096 <= rig->state.regs.rsp - 0x10000);
    assert_long_mode(rig);
    put_phdr(rig, true, 0, 1, ELF_DATA, 0x1000, 0x1000, ELF_FILESZ, 0x9E000);
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "the page-table area (24 KiB) does not fit");
    rig_free(rig);
}

struct fault {
    const char *text;
    unsigned offset, width;
    uint64_t value;
    vmaccel_status status;
};

static void bad_elf_files_are_named(void **context)
{
    enum { P = ELF_PHOFF };
    static const struct fault faults[] = {
        {"ELF magic is missing", 0, 1, 0, VMACCEL_E_FORMAT},
        {"ELF class", 4, 1, 3, VMACCEL_E_FORMAT},
        {"not little-endian", 5, 1, 2, VMACCEL_E_FORMAT},
        {"not an executable", 16, 2, 1, VMACCEL_E_FORMAT},
        {"neither for x86 nor for AArch64", 18, 2, 243, VMACCEL_E_FORMAT},
        {"entry point is in no segment", 24, 8, 0, VMACCEL_E_FORMAT},
        {"program headers are outside", 32, 8, UINT64_MAX, VMACCEL_E_FORMAT},
        {"program headers are outside", 32, 8, 2000, VMACCEL_E_FORMAT},
        {"size of an ELF program header", 54, 2, 32, VMACCEL_E_FORMAT},
        {"no program headers", 56, 2, 0, VMACCEL_E_FORMAT},
        {"no program headers", 56, 2, 0xFFFF, VMACCEL_E_FORMAT},
        {"program headers are outside", 56, 2, 0xFFFE, VMACCEL_E_FORMAT},
        {"no segment to load", P, 4, 2, VMACCEL_E_FORMAT},
        {"outside the file", P + 8, 8, UINT64_MAX, VMACCEL_E_FORMAT},
        {"outside the file", P + 8, 8, 1800, VMACCEL_E_FORMAT},
        {"does not fit into 4 MiB", P + 24, 8, 4 * MIB - 4096, VMACCEL_E_INVALID_ARGUMENT},
        {"does not fit into 4 MiB", P + 24, 8, 1ull << 40, VMACCEL_E_INVALID_ARGUMENT},
        {"wraps past the end", P + 24, 8, UINT64_MAX - 100, VMACCEL_E_FORMAT},
        {"overlaps the ACPI tables", P + 24, 8, 0xFF000, VMACCEL_E_INVALID_ARGUMENT},
        {"bytes in the file but", P + 32, 8, ELF_MEMSZ + 1, VMACCEL_E_FORMAT},
        {"does not fit into 4 MiB", P + 40, 8, 1ull << 50, VMACCEL_E_INVALID_ARGUMENT},
        {"no segment to load", P + 40, 8, 0, VMACCEL_E_FORMAT},
    };

    (void)context;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct rig *rig = rig_new(4 * MIB);

        make_elf(rig, true, ELF_ADDRESS);
        for (unsigned b = 0; b < faults[i].width; b++)
            rig->image[faults[i].offset + b] = (uint8_t)(faults[i].value >> 8 * b);
        rig->in.format = VMACCEL_BOOT_ELF;
        expect_error(rig, faults[i].status, faults[i].text);
        rig_free(rig);
    }
}

static void overlapping_segments_are_refused(void **context)
{
    struct rig *rig = rig_new(4 * MIB);

    (void)context;
    make_elf(rig, true, ELF_ADDRESS);
    set_phnum(rig, true, 2);
    put_phdr(rig, true, 1, 1, ELF_DATA, 0, ELF_ADDRESS + ELF_MEMSZ - 1, 16, 16);
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "overlaps kernel");
    put_phdr(rig, true, 1, 1, ELF_DATA, 0, ELF_ADDRESS + ELF_MEMSZ, 16, 16);
    expect_ok(rig);
    rig_free(rig);
}

static void extras_of_a_plain_elf_are_refused(void **context)
{
    struct rig *rig = rig_new(4 * MIB);

    (void)context;
    make_elf(rig, true, ELF_ADDRESS);
    rig->in.append = "x";
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "takes no command line");
    rig->in.append = "";
    rig->in.initrd = rig->image;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "takes no initrd");
    rig->in.initrd = NULL;
    expect_ok(rig);
    make_elf(rig, false, ELF_ADDRESS);
    rig->in.format = VMACCEL_BOOT_ELF;
    expect_error(rig, VMACCEL_E_FORMAT, "32-bit ELF");
    rig->in.format = VMACCEL_BOOT_DETECT;
    expect_error(rig, VMACCEL_E_FORMAT, "is not a known kernel format");
    rig_free(rig);
}

static void loads_pvh(bool is_64)
{
    struct rig *rig = rig_new(8 * MIB);
    uint8_t initrd[100], second[5000], *start, *list, *map;
    struct boot_module module = {.data = second, .size = sizeof(second), .append = "second one"};

    fill(initrd, sizeof(initrd));
    fill(second, sizeof(second));
    make_elf(rig, is_64, 0);
    add_pvh_note(rig, is_64, ELF_ADDRESS + 32);
    rig->in.initrd = initrd;
    rig->in.initrd_size = sizeof(initrd);
    rig->in.modules = &module;
    rig->in.module_count = 1;
    rig->in.append = "a b";
    expect_ok(rig);
    assert_int_equal(rig->state.format, VMACCEL_BOOT_PVH);
    assert_int_equal(rig->state.regs.rip, ELF_ADDRESS + 32);
    assert_protected_mode(rig);
    assert_segment_loaded(rig);

    start = guest(rig, rig->state.regs.rbx, 56);
    assert_int_equal(get32(start), 0x336EC578);
    assert_int_equal(get32(start + 4), 1);
    assert_int_equal(get32(start + 12), 2);
    assert_string_equal((char *)guest(rig, get64(start + 24), 4), "a b");
    assert_int_equal(get64(start + 32), ACPI_RSDP_ADDRESS);
    list = guest(rig, get64(start + 16), 64);
    assert_int_equal(get64(list + 8), sizeof(initrd));
    assert_memory_equal(guest(rig, get64(list), sizeof(initrd)), initrd, sizeof(initrd));
    assert_memory_equal(guest(rig, get64(list + 32), sizeof(second)), second, sizeof(second));
    assert_string_equal((char *)guest(rig, get64(list + 48), 11), "second one");
    assert_int_equal(get32(start + 48), 4);
    map = guest(rig, get64(start + 40), 4 * 24);
    assert_int_equal(get64(map + 72), 1 * MIB);
    assert_int_equal(get64(map + 80), 7 * MIB);
    assert_int_equal(get32(map + 88), 1);
    rig_free(rig);
}

static void loads_pvh_32(void **context)
{
    (void)context;
    loads_pvh(false);
}

static void loads_pvh_64(void **context)
{
    (void)context;
    loads_pvh(true);
}

static void bad_notes_are_named(void **context)
{
    struct rig *rig = rig_new(4 * MIB);

    (void)context;
    rig->in.format = VMACCEL_BOOT_PVH;
    make_elf(rig, true, 0);
    expect_error(rig, VMACCEL_E_FORMAT, "has no PVH entry note");
    add_pvh_note(rig, true, 0x5000);
    expect_error(rig, VMACCEL_E_FORMAT, "PVH entry 0x5000 is in none of its segments");
    add_pvh_note(rig, true, ELF_ADDRESS);
    expect_ok(rig);
    for (unsigned size = 0; size < 48; size++) {
        put_phdr(rig, true, 1, 4, ELF_NOTES, 0, 0, size, 0);
        expect_error(rig, VMACCEL_E_FORMAT, "note");
    }
    put_phdr(rig, true, 1, 4, 2040, 0, 0, 48, 0);
    expect_error(rig, VMACCEL_E_FORMAT, "notes are truncated");
    put_phdr(rig, true, 1, 4, UINT64_MAX, 0, 0, 48, 0);
    expect_error(rig, VMACCEL_E_FORMAT, "notes are truncated");
    add_pvh_note(rig, true, ELF_ADDRESS);
    put32(rig->image + ELF_NOTES + 24, UINT32_MAX); /* the name's size */
    expect_error(rig, VMACCEL_E_FORMAT, "notes are truncated");
    add_pvh_note(rig, true, ELF_ADDRESS);
    put32(rig->image + ELF_NOTES + 28, 3); /* the description's */
    expect_error(rig, VMACCEL_E_FORMAT, "notes are truncated");
    rig_free(rig);
}

static void modules_are_bounded(void **context)
{
    static struct boot_module modules[65];
    struct rig *rig = rig_new(4 * MIB);
    uint8_t *big = calloc(1, 4 * MIB);

    (void)context;
    assert_non_null(big);
    make_elf(rig, true, 0);
    add_pvh_note(rig, true, ELF_ADDRESS);
    rig->in.modules = modules;
    rig->in.module_count = 65;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "65 modules are more than 64");
    rig->in.module_count = 64;
    expect_ok(rig);
    modules[63] = (struct boot_module){.data = big, .size = 4 * MIB, .name = "big.bin"};
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "big.bin (4 MiB) does not fit into 4 MiB");
    free(big);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_a_plain_elf),
        cmocka_unit_test(a_high_virtual_entry_is_translated),
        cmocka_unit_test(tables_keep_clear_of_low_segments),
        cmocka_unit_test(bad_elf_files_are_named),
        cmocka_unit_test(overlapping_segments_are_refused),
        cmocka_unit_test(extras_of_a_plain_elf_are_refused),
        cmocka_unit_test(loads_pvh_32),
        cmocka_unit_test(loads_pvh_64),
        cmocka_unit_test(bad_notes_are_named),
        cmocka_unit_test(modules_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
