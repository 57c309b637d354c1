/* SPDX-License-Identifier: BSD-2-Clause */
/* AArch64 kernels as files: Image, packed Images, ELF, flat; and what is placed beside them. */
#include "images.h"

#define ZLIB_CONST
#include <zlib.h>

#include "machine/boot/fdt.h"
#include "machine/memmap_arm64.h"

enum { IMAGE_SIZE = 8192, IMAGE_MEMORY = 0x100000, PE = 0x100, PAYLOAD = 0x1000 };

static struct rig *arm64_rig(uint64_t ram_size)
{
    return rig_new_for(VMACCEL_ARCH_ARM64, ram_size);
}

/* A kernel without EFI stub. */
static void put_image(uint8_t *k, uint64_t text_offset)
{
    fill(k, IMAGE_SIZE);
    memset(k, 0, 64);
    put32(k, 0x14000010); /* b .+64 */
    put64(k + 8, text_offset);
    put64(k + 16, IMAGE_MEMORY);
    put64(k + 24, 0xA);
    memcpy(k + 56, "ARMd", 4);
}

/* The same with one: its PE sections tell the file's size. */
static void put_efi_image(uint8_t *k)
{
    put_image(k, 0);
    k[0] = 'M';
    k[1] = 'Z';
    put32(k + 60, PE);
    memset(k + PE, 0, 512);
    memcpy(k + PE, "PE", 2);
    put16(k + PE + 4, 0xAA64);
    put16(k + PE + 6, 2);
    put16(k + PE + 20, 160);
    put32(k + PE + 24 + 160 + 16, 4096);
    put32(k + PE + 24 + 160 + 20, 1024);
    put32(k + PE + 24 + 200 + 16, 1024);
    put32(k + PE + 24 + 200 + 20, IMAGE_SIZE - 1024);
}

static void make_image(struct rig *rig)
{
    put_image(rig->image, 0);
    rig->in.kernel_size = IMAGE_SIZE;
}

/* Stored blocks, which need no compressor. */
static size_t gzip_stored(uint8_t *out, const uint8_t *data, uint16_t size)
{
    static const uint8_t header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};

    memcpy(out, header, sizeof(header));
    out[10] = 1; /* the last block, stored */
    put16(out + 11, size);
    put16(out + 13, (uint16_t)~size);
    memcpy(out + 15, data, size);
    put32(out + 15 + size, (uint32_t)crc32(0, data, size));
    put32(out + 19 + size, size);
    return 23u + size;
}

static void make_gzip(struct rig *rig)
{
    uint8_t image[IMAGE_SIZE];

    put_image(image, 0x80000);
    rig->in.kernel_size = gzip_stored(rig->image, image, sizeof(image));
}

static void make_zboot(struct rig *rig, const char *method)
{
    uint8_t image[IMAGE_SIZE], *k = rig->image;
    size_t size;

    put_efi_image(image);
    memset(k, 0, PAYLOAD);
    k[0] = 'M';
    k[1] = 'Z';
    memcpy(k + 4, "zimg", 4);
    size = gzip_stored(k + PAYLOAD, image, sizeof(image));
    put32(k + 8, PAYLOAD);
    put32(k + 12, (uint32_t)size);
    memcpy(k + 24, method, strlen(method));
    put32(k + 60, 64);
    memcpy(k + 64, "PE", 2);
    put16(k + 68, 0xAA64);
    rig->in.kernel_size = PAYLOAD + size;
}

static void an_image_and_what_is_beside_it(void **context)
{
    static const uint8_t initrd[5000] = {1, 2, 3};
    struct rig *rig = arm64_rig(8 * MIB);

    (void)context;
    make_image(rig);
    put64(rig->image + 8, 0x80000);
    rig->in.initrd = initrd;
    rig->in.initrd_size = sizeof(initrd);
    rig->in.append = "console=ttyAMA0";
    expect_ok(rig);
    assert_int_equal(rig->state.format, VMACCEL_BOOT_LINUX);
    assert_int_equal(rig->state.arch, VMACCEL_ARCH_ARM64);
    assert_int_equal(rig->state.arm64.entry, 0x40080000);
    assert_memory_equal(guest(rig, 0x40080000, IMAGE_SIZE), rig->image, IMAGE_SIZE);
    assert_int_equal(rig->state.arm64.dtb, 0x40800000 - FDT_ROOM);
    assert_int_equal(rig->state.arm64.dtb_room, FDT_ROOM);
    assert_int_equal(get32(guest(rig, rig->state.arm64.dtb, 4)), 0);
    assert_int_equal(rig->state.arm64.initrd, 0x40800000 - FDT_ROOM - 8192);
    assert_int_equal(rig->state.arm64.initrd_size, sizeof(initrd));
    assert_memory_equal(guest(rig, rig->state.arm64.initrd, sizeof(initrd)), initrd,
                        sizeof(initrd));
    rig_free(rig);
}

/* Kernels before 3.17 do not tell their size. */
static void an_old_image(void **context)
{
    struct rig *rig = arm64_rig(8 * MIB);

    (void)context;
    make_image(rig);
    put64(rig->image + 8, 0x0000080000000000);
    put64(rig->image + 16, 0);
    expect_ok(rig);
    assert_int_equal(rig->state.arm64.entry, 0x40080000);
    rig_free(rig);
}

static void bad_images(void **context)
{
    struct rig *rig = arm64_rig(8 * MIB);

    (void)context;
    make_image(rig);
    rig->in.kernel_size = 63;
    expect_error(rig, VMACCEL_E_FORMAT, "is not a known kernel format for aarch64");
    rig->in.format = VMACCEL_BOOT_LINUX;
    expect_error(rig, VMACCEL_E_FORMAT, "magic is missing");
    rig->in.format = VMACCEL_BOOT_DETECT;
    make_image(rig);
    rig->image[24] |= 1;
    expect_error(rig, VMACCEL_E_FORMAT, "kernel is a big-endian kernel");
    make_image(rig);
    put64(rig->image + 8, 0x1234);
    expect_error(rig, VMACCEL_E_FORMAT, "text offset 0x1234");
    put64(rig->image + 8, UINT64_MAX & ~0xFFFull);
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "text offset 0xfffffffffffff000 is past 8 MiB");
    put64(rig->image + 8, 8 * MIB);
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "does not fit into 8 MiB of memory");
    make_image(rig);
    put64(rig->image + 16, UINT64_MAX);
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "does not fit into 8 MiB");
    put64(rig->image + 16, 8 * MIB);
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT,
                 "the device tree (64 KiB) does not fit into 8 MiB of memory beside");
    rig_free(rig);
}

static void a_truncated_efi_image(void **context)
{
    struct rig *rig = arm64_rig(8 * MIB);

    (void)context;
    put_efi_image(rig->image);
    rig->in.kernel_size = IMAGE_SIZE;
    expect_ok(rig);
    rig->in.kernel_size = IMAGE_SIZE - 1;
    expect_error(rig, VMACCEL_E_FORMAT, "kernel is truncated: it has 8191 of 8192 bytes");
    rig->in.kernel_size = PE + 24 + 160 + 60;
    expect_error(rig, VMACCEL_E_FORMAT, "is truncated");
    /* A PE header out of the file says nothing. */
    rig->in.kernel_size = PE + 20;
    expect_ok(rig);
    put32(rig->image + 60, UINT32_MAX);
    expect_ok(rig);
    rig_free(rig);
}

static void a_packed_image(void **context)
{
    struct rig *rig = arm64_rig(8 * MIB);
    uint8_t image[IMAGE_SIZE];

    (void)context;
    make_gzip(rig);
    expect_ok(rig);
    put_image(image, 0x80000);
    assert_int_equal(rig->state.arm64.entry, 0x40080000);
    assert_memory_equal(guest(rig, 0x40080000, IMAGE_SIZE), image, IMAGE_SIZE);
    /* What follows the member is not the kernel's. */
    rig->in.kernel_size += 100;
    expect_ok(rig);
    rig_free(rig);
}

static void bad_packed_images(void **context)
{
    struct rig *rig = arm64_rig(8 * MIB);
    size_t size;

    (void)context;
    make_gzip(rig);
    size = rig->in.kernel_size;
    rig->in.kernel_size = size - 1;
    expect_error(rig, VMACCEL_E_FORMAT, "kernel is truncated: its gzip data does not end");
    rig->in.kernel_size = 15 + 4000;
    expect_error(rig, VMACCEL_E_FORMAT, "is truncated");
    rig->in.kernel_size = 15 + 63;
    expect_error(rig, VMACCEL_E_FORMAT, "not a known kernel format");
    rig->in.kernel_size = size;
    rig->image[size - 8] ^= 1;
    expect_error(rig, VMACCEL_E_FORMAT, "gzip data is damaged");
    make_gzip(rig);
    memset(rig->image + 15 + 56, 0, 4);
    expect_error(rig, VMACCEL_E_FORMAT, "not a known kernel format");
    rig->in.format = VMACCEL_BOOT_LINUX;
    put32(rig->image + size - 8, (uint32_t)crc32(0, rig->image + 15, IMAGE_SIZE));
    expect_error(rig, VMACCEL_E_FORMAT, "magic is missing");
    rig_free(rig);
    /* It must fit, before anything is known of it. */
    rig = arm64_rig(4096);
    make_gzip(rig);
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "unpacks to more than the 4096 bytes of memory");
    rig_free(rig);
}

static void an_efi_zboot_image(void **context)
{
    struct rig *rig = arm64_rig(8 * MIB);
    size_t size;

    (void)context;
    make_zboot(rig, "gzip");
    expect_ok(rig);
    assert_int_equal(rig->state.arm64.entry, 0x40000000);
    assert_memory_equal(guest(rig, 0x40000000, 2), "MZ", 2);
    size = rig->in.kernel_size;
    rig->in.kernel_size = size - 1;
    expect_error(rig, VMACCEL_E_FORMAT, "is truncated: its payload is 8215 bytes at 4096");
    rig->in.kernel_size = 64;
    expect_error(rig, VMACCEL_E_FORMAT, "is truncated: its payload");
    rig->in.kernel_size = size;
    put32(rig->image + 12, (uint32_t)(size - PAYLOAD - 4));
    expect_error(rig, VMACCEL_E_FORMAT, "gzip data does not end");
    make_zboot(rig, "zstd");
    expect_error(rig, VMACCEL_E_FORMAT, "compressed with \"zstd\"; only gzip");
    make_zboot(rig, "0123456789012345678901234567890123456789");
    expect_error(rig, VMACCEL_E_FORMAT, "compressed with");
    /* One for RISC-V. */
    make_zboot(rig, "gzip");
    put16(rig->image + 68, 0x5064);
    expect_error(rig, VMACCEL_E_FORMAT, "not a known kernel format");
    rig_free(rig);
}

static void make_arm64_elf(struct rig *rig, uint64_t entry)
{
    make_elf(rig, true, entry);
    put16(rig->image + 18, 183);
    put_phdr(rig, true, 0, 1, ELF_DATA, 0x40100000, 0x40100000, ELF_FILESZ, ELF_MEMSZ);
}

static void an_elf_image(void **context)
{
    struct rig *rig = arm64_rig(4 * MIB);

    (void)context;
    make_arm64_elf(rig, 0x40100010);
    rig->in.append = "for whom it concerns";
    expect_ok(rig);
    assert_int_equal(rig->state.format, VMACCEL_BOOT_ELF);
    assert_int_equal(rig->state.arm64.entry, 0x40100010);
    assert_memory_equal(guest(rig, 0x40100000, ELF_FILESZ), rig->image + ELF_DATA, ELF_FILESZ);
    assert_int_equal(*guest(rig, 0x40100000 + ELF_FILESZ, 1), 0);
    make_arm64_elf(rig, 0x40100002);
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "0x40100002 is not a multiple of 4");
    make_arm64_elf(rig, 0x40300000);
    expect_error(rig, VMACCEL_E_FORMAT, "entry point is in none");
    make_arm64_elf(rig, 0x40100000);
    put_phdr(rig, true, 0, 1, ELF_DATA, 0x100000, 0x100000, ELF_FILESZ, ELF_MEMSZ);
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "does not fit into 4 MiB of memory");
    rig_free(rig);
}

static void a_flat_image(void **context)
{
    struct rig *rig = arm64_rig(1 * MIB);

    (void)context;
    fill(rig->image, 100);
    rig->in.kernel_size = 100;
    rig->in.format = VMACCEL_BOOT_FLAT;
    expect_ok(rig);
    assert_int_equal(rig->state.arm64.entry, 0x40000000);
    assert_memory_equal(guest(rig, 0x40000000, 100), rig->image, 100);
    rig->in.load_address = 0x40080000;
    expect_ok(rig);
    assert_int_equal(rig->state.arm64.entry, 0x40080000);
    rig->in.load_address = 0x40080002;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "not a multiple of 4");
    rig->in.load_address = 0x1000;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "at 0x1000) does not fit");
    rig->in.load_address = UINT64_MAX - 3;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "does not fit");
    rig->in.load_address = 0x40000000 + MIB - 100;
    rig->in.kernel_size = 100;
    expect_ok(rig); /* the tree makes room */
    assert_int_equal(rig->state.arm64.dtb, 0x40000000 + MIB - 2 * FDT_ROOM);
    rig_free(rig);
}

static void settings_that_do_not_fit(void **context)
{
    static const uint8_t initrd[MIB] = {1};
    static const struct boot_module module = {.data = initrd, .size = 1};
    static char append[FDT_MAX_APPEND + 2];
    struct rig *rig = arm64_rig(4 * MIB);

    (void)context;
    make_image(rig);
    memset(append, 'a', FDT_MAX_APPEND);
    rig->in.append = append;
    expect_ok(rig);
    append[FDT_MAX_APPEND] = 'a';
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT,
                 "command line (2048 bytes) is longer than the 2047 bytes");
    rig->in.append = NULL;
    rig->in.modules = &module;
    rig->in.module_count = 1;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "a Linux Image takes no modules");
    rig->in.module_count = 0;
    rig->in.initrd = initrd;
    rig->in.initrd_size = MIB;
    rig->in.initrd_name = "rd.img";
    expect_ok(rig);
    put64(rig->image + 16, 3 * MIB);
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "rd.img (1 MiB) does not fit");
    rig->in.format = VMACCEL_BOOT_PVH;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "pvh is not for aarch64");
    rig_free(rig);
}

static void kernels_for_another_architecture(void **context)
{
    struct rig *rig = arm64_rig(4 * MIB);
    vmaccel_arch arch;

    (void)context;
    make_bzimage(rig);
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT,
                 "kernel is a Linux bzImage for x86_64, but the machine is aarch64");
    rig->in.format = VMACCEL_BOOT_LINUX;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "a Linux bzImage for x86_64");
    assert_int_equal(boot_arch_of(VMACCEL_BOOT_DETECT, rig->image, 4096, VMACCEL_ARCH_ARM64),
                     VMACCEL_ARCH_X86_64);
    rig->in.arch = VMACCEL_ARCH_X86_64;
    make_image(rig);
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT,
                 "kernel is a Linux Image for aarch64, but the machine is x86_64");
    assert_int_equal(boot_arch_of(VMACCEL_BOOT_LINUX, rig->image, 4096, VMACCEL_ARCH_X86_64),
                     VMACCEL_ARCH_ARM64);
    memset(rig->image, 0, sizeof(rig->image));
    make_arm64_elf(rig, 0x40100000);
    rig->in.format = VMACCEL_BOOT_ELF;
    expect_error(rig, VMACCEL_E_INVALID_ARGUMENT, "a plain ELF image for aarch64");
    assert_int_equal(boot_detect(rig->image, 2048, VMACCEL_ARCH_X86_64, &arch), VMACCEL_BOOT_ELF);
    assert_int_equal(arch, VMACCEL_ARCH_ARM64);
    /* What nobody knows is taken for the host's. */
    assert_int_equal(boot_detect(rig->image + 64, 64, VMACCEL_ARCH_X86_64, &arch),
                     VMACCEL_BOOT_DETECT);
    assert_int_equal(arch, VMACCEL_ARCH_NONE);
    assert_int_equal(boot_arch_of(VMACCEL_BOOT_DETECT, rig->image + 64, 64, VMACCEL_ARCH_ARM64),
                     VMACCEL_ARCH_ARM64);
    assert_int_equal(boot_arch_of(VMACCEL_BOOT_FLAT, NULL, 0, VMACCEL_ARCH_X86_64),
                     VMACCEL_ARCH_ARM64);
    assert_int_equal(boot_arch_of(VMACCEL_BOOT_PVH, NULL, 0, VMACCEL_ARCH_ARM64),
                     VMACCEL_ARCH_X86_64);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_and_what_is_beside_it),
        cmocka_unit_test(an_old_image),
        cmocka_unit_test(bad_images),
        cmocka_unit_test(a_truncated_efi_image),
        cmocka_unit_test(a_packed_image),
        cmocka_unit_test(bad_packed_images),
        cmocka_unit_test(an_efi_zboot_image),
        cmocka_unit_test(an_elf_image),
        cmocka_unit_test(a_flat_image),
        cmocka_unit_test(settings_that_do_not_fit),
        cmocka_unit_test(kernels_for_another_architecture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
