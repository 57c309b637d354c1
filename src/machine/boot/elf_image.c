/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine/boot/elf_image.h"

#include <inttypes.h>
#include <string.h>

#include "machine/boot/bytes.h"

enum {
    ELF_CLASS_32 = 1,
    ELF_CLASS_64 = 2,
    ELF_LITTLE_ENDIAN = 1,
    ELF_EXECUTABLE = 2,
    ELF_SHARED = 3,
    ELF_386 = 3,
    ELF_X86_64 = 62,
    ELF_AARCH64 = 183,
    ELF_SEGMENT_LOAD = 1,
    ELF_SEGMENT_NOTE = 4,
    ELF_PHNUM_EXTENDED = 0xFFFF,
};

struct segment {
    uint32_t type;
    uint64_t offset, vaddr, paddr, filesz, memsz;
};

static struct segment segment_at(const struct elf_image *elf, unsigned index)
{
    const uint8_t *p = elf->data + elf->phoff + (uint64_t)index * elf->phentsize;

    if (elf->is_64)
        return (struct segment){get32(p),      get64(p + 8),  get64(p + 16),
                                get64(p + 24), get64(p + 32), get64(p + 40)};
    return (struct segment){get32(p),      get32(p + 4),  get32(p + 8),
                            get32(p + 12), get32(p + 16), get32(p + 20)};
}

static bool in_file(const struct elf_image *elf, uint64_t offset, uint64_t size)
{
    return offset <= elf->size && size <= elf->size - offset;
}

const char *elf_open(struct elf_image *elf, const uint8_t *data, uint64_t size)
{
    static const uint8_t magic[4] = {0x7F, 'E', 'L', 'F'};
    unsigned type, machine;

    *elf = (struct elf_image){.data = data, .size = size};
    if (size < sizeof(magic) || memcmp(data, magic, sizeof(magic)) != 0)
        return "the ELF magic is missing";
    if (size < 52)
        return "the ELF header is truncated";
    elf->is_64 = data[4] == ELF_CLASS_64;
    if (!elf->is_64 && data[4] != ELF_CLASS_32)
        return "the ELF class is neither 32 nor 64 bits";
    if (elf->is_64 && size < 64)
        return "the ELF header is truncated";
    if (data[5] != ELF_LITTLE_ENDIAN)
        return "the ELF file is not little-endian";
    type = get16(data + 16);
    machine = get16(data + 18);
    if (type != ELF_EXECUTABLE && type != ELF_SHARED)
        return "the ELF file is not an executable";
    if (machine == ELF_X86_64 || (!elf->is_64 && machine == ELF_386))
        elf->arch = VMACCEL_ARCH_X86_64;
    else if (elf->is_64 && machine == ELF_AARCH64)
        elf->arch = VMACCEL_ARCH_ARM64;
    else
        return "the ELF file is neither for x86 nor for AArch64";
    elf->entry = elf->is_64 ? get64(data + 24) : get32(data + 24);
    elf->phoff = elf->is_64 ? get64(data + 32) : get32(data + 28);
    elf->phentsize = get16(data + (elf->is_64 ? 54 : 42));
    elf->phnum = get16(data + (elf->is_64 ? 56 : 44));
    if (elf->phnum == 0 || elf->phnum == ELF_PHNUM_EXTENDED)
        return "the ELF file has no program headers";
    if (elf->phentsize != (elf->is_64 ? 56 : 32))
        return "the size of an ELF program header is wrong";
    if (!in_file(elf, elf->phoff, (uint64_t)elf->phnum * elf->phentsize))
        return "the ELF program headers are outside the file";
    return NULL;
}

static vmaccel_status load_segment(struct load *l, const struct elf_image *elf, unsigned index,
                                   const struct segment *s)
{
    uint8_t *host;
    vmaccel_status status;

    if (s->filesz > s->memsz)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.100s: segment %u has 0x%" PRIx64 " bytes in the file but 0x%" PRIx64
                         " in memory",
                         l->kernel, index, s->filesz, s->memsz);
    if (!in_file(elf, s->offset, s->filesz))
        return load_fail(VMACCEL_E_FORMAT,
                         "%.100s is truncated: segment %u (0x%" PRIx64 " bytes at 0x%" PRIx64
                         ") is outside the file",
                         l->kernel, index, s->filesz, s->offset);
    if (s->paddr + s->memsz < s->paddr)
        return load_fail(VMACCEL_E_FORMAT,
                         "%.100s: segment %u wraps past the end of the address "
                         "space",
                         l->kernel, index);
    status = load_claim(l, s->paddr, s->memsz, l->kernel, &host);
    if (status != VMACCEL_OK)
        return status;
    memcpy(host, elf->data + s->offset, s->filesz);
    memset(host + s->filesz, 0, s->memsz - s->filesz);
    return VMACCEL_OK;
}

vmaccel_status elf_load(struct load *l, const struct elf_image *elf)
{
    bool any = false;

    for (unsigned i = 0; i < elf->phnum; i++) {
        struct segment s = segment_at(elf, i);
        vmaccel_status status;

        if (s.type != ELF_SEGMENT_LOAD || s.memsz == 0)
            continue;
        any = true;
        status = load_segment(l, elf, i, &s);
        if (status != VMACCEL_OK)
            return status;
    }
    if (!any)
        return load_fail(VMACCEL_E_FORMAT, "%.120s: the ELF file has no segment to load",
                         l->kernel);
    return VMACCEL_OK;
}

bool elf_contains(const struct elf_image *elf, uint64_t address)
{
    for (unsigned i = 0; i < elf->phnum; i++) {
        struct segment s = segment_at(elf, i);

        if (s.type == ELF_SEGMENT_LOAD && address >= s.paddr && address - s.paddr < s.memsz)
            return true;
    }
    return false;
}

bool elf_entry(const struct elf_image *elf, uint64_t *entry)
{
    /* The entry is a virtual address, but a kernel linked high may give the physical one. */
    for (unsigned i = 0; i < elf->phnum; i++) {
        struct segment s = segment_at(elf, i);

        if (s.type == ELF_SEGMENT_LOAD && elf->entry >= s.vaddr && elf->entry - s.vaddr < s.memsz) {
            *entry = s.paddr + (elf->entry - s.vaddr);
            return true;
        }
    }
    *entry = elf->entry;
    return elf_contains(elf, elf->entry);
}

static enum elf_note find_in(const uint8_t *at, uint64_t left, const char *name, uint32_t type,
                             uint32_t *value)
{
    while (left >= 12) {
        uint64_t name_size = get32(at), size = get32(at + 4);
        uint32_t note_type = get32(at + 8);
        uint64_t name_room = (name_size + 3) & ~3ull, room = (size + 3) & ~3ull;
        const uint8_t *note_name = at + 12;

        left -= 12;
        if (name_room > left || size > left - name_room)
            return ELF_NOTE_BROKEN;
        if (note_type == type && name_size == strlen(name) + 1 &&
            memcmp(note_name, name, name_size) == 0) {
            if (size < 4)
                return ELF_NOTE_BROKEN;
            *value = get32(note_name + name_room);
            return ELF_NOTE_FOUND;
        }
        if (room > left - name_room)
            return ELF_NOTE_NONE;
        at = note_name + name_room + room;
        left -= name_room + room;
    }
    return ELF_NOTE_NONE;
}

enum elf_note elf_find_note(const struct elf_image *elf, const char *name, uint32_t type,
                            uint32_t *value)
{
    enum elf_note result = ELF_NOTE_NONE;

    for (unsigned i = 0; i < elf->phnum; i++) {
        struct segment s = segment_at(elf, i);
        enum elf_note found = ELF_NOTE_BROKEN;

        if (s.type != ELF_SEGMENT_NOTE)
            continue;
        if (in_file(elf, s.offset, s.filesz))
            found = find_in(elf->data + s.offset, s.filesz, name, type, value);
        if (found == ELF_NOTE_FOUND)
            return found;
        if (found == ELF_NOTE_BROKEN)
            result = found;
    }
    return result;
}
