/* SPDX-License-Identifier: BSD-2-Clause */
/* Small kernels made in memory, and a guest RAM to load them into. */
#ifndef TESTS_UNIT_BOOT_IMAGES_H
#define TESTS_UNIT_BOOT_IMAGES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "machine/boot/acpi.h"
#include "machine/boot/boot.h"
#include "machine/boot/bytes.h"
#include "machine/memmap_x86.h"

#define MIB (1024u * 1024u)

struct rig {
    struct boot_input in;
    struct boot_state state;
    uint8_t image[65536]; /* the kernel */
};

static inline struct rig *rig_new_for(vmaccel_arch arch, uint64_t ram_size)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    assert_non_null(rig);
    rig->in.arch = arch;
    rig->in.kernel = rig->image;
    rig->in.ram_size = ram_size;
    rig->in.ram = malloc(ram_size);
    assert_non_null(rig->in.ram);
    memset(rig->in.ram, 0xCC, ram_size);
    rig->in.cpus = 1;
    rig->in.has_serial = rig->in.has_rtc = rig->in.has_i8042 = true;
    return rig;
}

static inline struct rig *rig_new(uint64_t ram_size)
{
    return rig_new_for(VMACCEL_ARCH_X86_64, ram_size);
}

static inline void rig_free(struct rig *rig)
{
    free(rig->in.ram);
    free(rig);
}

static inline void expect_ok(struct rig *rig)
{
    vmaccel_status status = boot_load(&rig->in, &rig->state);

    if (status != VMACCEL_OK)
        fail_msg("%s", vmaccel_last_error()->text);
}

static inline void expect_error(struct rig *rig, vmaccel_status wanted, const char *text)
{
    static const struct boot_state untouched;
    vmaccel_status status;

    memset(&rig->state, 0, sizeof(rig->state));
    status = boot_load(&rig->in, &rig->state);
    if (status == VMACCEL_OK)
        fail_msg("loaded; wanted \"%s\"", text);
    if (!strstr(vmaccel_last_error()->text, text))
        fail_msg("\"%s\" lacks \"%s\"", vmaccel_last_error()->text, text);
    assert_int_equal(status, wanted);
    assert_string_equal(vmaccel_last_error()->module, "boot");
    assert_memory_equal(&rig->state, &untouched, sizeof(untouched));
}

static inline uint8_t *guest(const struct rig *rig, uint64_t gpa, uint64_t size)
{
    uint8_t *at = memmap_host(memmap_of(rig->in.arch), rig->in.ram, rig->in.ram_size, gpa, size);

    assert_non_null(at);
    return at;
}

/* Bytes that differ from place to place. */
static inline void fill(uint8_t *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(i * 7 + (i >> 8));
}

enum { BZ_SETUP = 2 * 512, BZ_PAYLOAD = 4096, BZ_ADDRESS = 0x200000 };

static inline void make_bzimage(struct rig *rig)
{
    uint8_t *k = rig->image;

    rig->in.kernel_size = BZ_SETUP + BZ_PAYLOAD;
    k[0x1F1] = 1;
    put32(k + 0x1F4, BZ_PAYLOAD / 16);
    put16(k + 0x1FE, 0xAA55);
    k[0x200] = 0xEB;
    k[0x201] = 0x6A;
    memcpy(k + 0x202, "HdrS", 4);
    put16(k + 0x206, 0x020F);
    k[0x211] = 1;
    put32(k + 0x22C, 0x7FFFFFFF);
    put32(k + 0x230, 0x200000);
    k[0x234] = 1;
    put16(k + 0x236, 3);
    put32(k + 0x238, 2047);
    put64(k + 0x258, BZ_ADDRESS);
    put32(k + 0x260, 0x100000);
    fill(k + BZ_SETUP, BZ_PAYLOAD);
}

/* An ELF file with room for four program headers; the first is one segment at 1 MiB. */
enum {
    ELF_PHOFF = 64,
    ELF_DATA = 512,
    ELF_FILESZ = 256,
    ELF_MEMSZ = 8192,
    ELF_NOTES = 1024,
    ELF_ADDRESS = 0x100000,
};

static inline void put_phdr(struct rig *rig, bool is_64, unsigned index, uint32_t type,
                            uint64_t offset, uint64_t vaddr, uint64_t paddr, uint64_t filesz,
                            uint64_t memsz)
{
    uint8_t *p = rig->image + ELF_PHOFF + index * (is_64 ? 56 : 32);

    put32(p, type);
    if (is_64) {
        put64(p + 8, offset);
        put64(p + 16, vaddr);
        put64(p + 24, paddr);
        put64(p + 32, filesz);
        put64(p + 40, memsz);
    } else {
        put32(p + 4, (uint32_t)offset);
        put32(p + 8, (uint32_t)vaddr);
        put32(p + 12, (uint32_t)paddr);
        put32(p + 16, (uint32_t)filesz);
        put32(p + 20, (uint32_t)memsz);
    }
}

static inline void set_phnum(struct rig *rig, bool is_64, unsigned count)
{
    put16(rig->image + (is_64 ? 56 : 44), (uint16_t)count);
}

static inline void make_elf(struct rig *rig, bool is_64, uint64_t entry)
{
    uint8_t *k = rig->image;

    rig->in.kernel_size = 2048;
    memcpy(k,
           "\x7F"
           "ELF",
           4);
    k[4] = is_64 ? 2 : 1;
    k[5] = k[6] = 1;
    put16(k + 16, 2);
    put16(k + 18, is_64 ? 62 : 3);
    put32(k + 20, 1);
    if (is_64) {
        put64(k + 24, entry);
        put64(k + 32, ELF_PHOFF);
        put16(k + 54, 56);
    } else {
        put32(k + 24, (uint32_t)entry);
        put32(k + 28, ELF_PHOFF);
        put16(k + 42, 32);
    }
    set_phnum(rig, is_64, 1);
    put_phdr(rig, is_64, 0, 1, ELF_DATA, ELF_ADDRESS, ELF_ADDRESS, ELF_FILESZ, ELF_MEMSZ);
    fill(k + ELF_DATA, ELF_FILESZ);
}

/* A GNU note, then the PVH entry. */
static inline void add_pvh_note(struct rig *rig, bool is_64, uint32_t entry)
{
    uint8_t *n = rig->image + ELF_NOTES;

    put32(n, 4);
    put32(n + 4, 5);
    put32(n + 8, 3);
    memcpy(n + 12, "GNU", 4);
    n += 12 + 4 + 8;
    put32(n, 4);
    put32(n + 4, is_64 ? 8 : 4);
    put32(n + 8, 18);
    memcpy(n + 12, "Xen", 4);
    put32(n + 16, entry);
    set_phnum(rig, is_64, 2);
    put_phdr(rig, is_64, 1, 4, ELF_NOTES, 0, 0, 24 + 16 + (is_64 ? 8 : 4), 0);
}

static inline void put_multiboot_header(struct rig *rig, size_t at, uint32_t flags)
{
    put32(rig->image + at, 0x1BADB002);
    put32(rig->image + at + 4, flags);
    put32(rig->image + at + 8, -(0x1BADB002u + flags));
}

static inline void assert_long_mode(const struct rig *rig)
{
    const vmaccel_x86_sregs *s = &rig->state.sregs;
    const uint8_t *pml4 = guest(rig, s->cr3, 6 * 4096);

    assert_true(s->cr0 & 0x80000001);
    assert_true(s->cr4 & 0x20);
    assert_int_equal(s->efer & 0x500, 0x500);
    assert_int_equal(s->cs.selector, 0x10);
    assert_int_equal(s->ss.selector, 0x18);
    assert_true(s->cs.attributes & VMACCEL_X86_SEG_L);
    assert_int_equal(get64(guest(rig, s->gdt.base + 0x10, 8)), 0x00AF9B000000FFFF);
    assert_int_equal(get64(guest(rig, s->gdt.base + 0x18, 8)), 0x00CF93000000FFFF);
    assert_int_equal(rig->state.regs.rflags, 2);
    /* The first 4 GiB map to themselves. */
    assert_int_equal(get64(pml4), (s->cr3 + 4096) | 3);
    for (uint64_t gpa = 0; gpa < MEMMAP_HIGH_BASE; gpa += 0x200000) {
        uint64_t directory = get64(pml4 + 4096 + 8 * (gpa >> 30));
        uint8_t *entry = guest(rig, (directory & ~4095ull) + 8 * (gpa >> 21 & 511), 8);

        assert_int_equal(directory & 4095, 3);
        assert_int_equal(get64(entry), gpa | 0x83);
    }
}

static inline void assert_protected_mode(const struct rig *rig)
{
    const vmaccel_x86_sregs *s = &rig->state.sregs;

    assert_int_equal(s->cr0, 0x11);
    assert_int_equal(s->cr4, 0);
    assert_int_equal(s->efer, 0);
    assert_int_equal(s->cs.attributes, 0xC09B);
    assert_int_equal(s->cs.limit, UINT32_MAX);
    assert_int_equal(s->cs.base, 0);
    assert_int_equal(s->ds.attributes, 0xC093);
    assert_int_equal(s->ss.limit, UINT32_MAX);
    assert_int_equal(s->tr.attributes, 0x8B);
    assert_int_equal(rig->state.regs.rflags, 2);
    assert_int_equal(get64(guest(rig, s->gdt.base + 0x10, 8)), 0x00CF9B000000FFFF);
}

#endif
