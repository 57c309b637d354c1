/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest-physical memory: the rules of map, unmap and protect, and what the guest sees of them. */
#include "common.h"

#define AREA 0x40000000u /* above the RAM that guest_create() maps */

static uint64_t page_size(void)
{
    return suite_cap(VMACCEL_CAP_PAGE_SIZE);
}

/* A guest that reads a byte and marks it, as often as it is started. */
static void create_reader(struct guest *g)
{
    common_create(g, COMMON_read);
}

static void expect_byte(struct guest *g, vmaccel_gpa gpa, uint8_t value)
{
    START(g, read);
    SET(g, ADDRESS, gpa);
    RUN_TO_MARK(g, 0x10, value);
}

static void expect_mmio(struct guest *g, vmaccel_gpa gpa)
{
    START(g, read);
    SET(g, ADDRESS, gpa);
    RUN_TO_READ(g, gpa, 1);
    guest_answer(g, 0xee);
    RUN_TO_MARK(g, 0x10, 0xee);
}

void case_memory_map_arguments(void)
{
    vmaccel_vm *vm = suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0);
    uint64_t page = page_size();
    uint8_t *host = suite_pages(4 * page);
    uint64_t end = UINT64_C(1) << suite_cap(VMACCEL_CAP_GPA_BITS);
    const uint32_t rwx = VMACCEL_MEM_RWX;
    CHECK_STATUS(vmaccel_memory_map(vm, 1, page, host, rwx), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_memory_map(vm, 0, page + 1, host, rwx), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_memory_map(vm, 0, page, host + 1, rwx), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_memory_map(vm, 0, 0, host, rwx), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_memory_map(vm, 0, page, NULL, rwx), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_memory_map(vm, 0, page, host, 1u << 31), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_memory_map(vm, -page, 2 * page, host, rwx), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_memory_map(vm, 0, -page, host, rwx), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_memory_map(vm, end, page, host, rwx), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_memory_map(vm, end - page, 2 * page, host, rwx),
                 VMACCEL_E_INVALID_ARGUMENT);
    CHECK_OK(vmaccel_memory_map(vm, end - page, page, host, rwx));
    CHECK_OK(vmaccel_memory_unmap(vm, end - page, page));
    CHECK_STATUS(vmaccel_memory_unmap(vm, 1, page), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_memory_unmap(vm, 0, 0), VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_memory_unmap(vm, -page, 2 * page), VMACCEL_E_INVALID_ARGUMENT);
}

void case_memory_overlap(void)
{
    vmaccel_vm *vm = suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0);
    uint64_t page = page_size();
    uint8_t *host = suite_pages(16 * page);
    const uint32_t rwx = VMACCEL_MEM_RWX;
    /* First page and number of pages, against a region of pages 4 to 7. */
    static const struct {
        uint8_t first, count;
        vmaccel_status status;
    } tries[] = {
        {4, 4, VMACCEL_E_EXISTS}, {5, 2, VMACCEL_E_EXISTS}, {3, 2, VMACCEL_E_EXISTS},
        {7, 2, VMACCEL_E_EXISTS}, {2, 8, VMACCEL_E_EXISTS}, {0, 4, VMACCEL_OK},
        {8, 4, VMACCEL_OK},
    };
    CHECK_OK(vmaccel_memory_map(vm, 4 * page, 4 * page, host, rwx));
    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
        CHECK_STATUS(vmaccel_memory_map(vm, tries[i].first * page, tries[i].count * page,
                                        host + 4 * page, rwx),
                     tries[i].status);
}

void case_memory_unmap_unmapped(void)
{
    struct guest g;
    create_reader(&g);
    uint64_t page = page_size();
    uint8_t *host = suite_pages(2 * page);
    host[0] = 0x31;
    CHECK_OK(vmaccel_memory_map(g.vm, AREA, 2 * page, host, VMACCEL_MEM_RWX));
    CHECK_STATUS(vmaccel_memory_unmap(g.vm, AREA + 8 * page, page), VMACCEL_E_NOT_FOUND);
    /* Partly mapped: nothing changes. */
    CHECK_STATUS(vmaccel_memory_unmap(g.vm, AREA, 3 * page), VMACCEL_E_NOT_FOUND);
    CHECK_STATUS(vmaccel_memory_protect(g.vm, AREA, 3 * page, VMACCEL_MEM_RWX),
                 VMACCEL_E_NOT_FOUND);
    expect_byte(&g, AREA, 0x31);
}

void case_remove_memory(void)
{
    struct guest g;
    create_reader(&g);
    uint64_t page = page_size();
    uint8_t *host = suite_pages(2 * page);
    host[5] = 0x41;
    host[page + 5] = 0x42;
    for (int i = 0; i < 3; i++) {
        expect_mmio(&g, AREA + 5);
        CHECK_OK(vmaccel_memory_map(g.vm, AREA, page, host + (i & 1) * page, VMACCEL_MEM_RWX));
        expect_byte(&g, AREA + 5, (uint8_t)(0x41 + (i & 1)));
        CHECK_OK(vmaccel_memory_unmap(g.vm, AREA, page));
    }
    expect_mmio(&g, AREA + 5);
}

/* The vCPU has used the page: no translation of it may be left. */
void case_slat_on_region_removal_is_mmio(void)
{
    struct guest g;
    common_create(&g, COMMON_write_read);
    uint64_t page = page_size();
    uint8_t *host = suite_pages(page);
    CHECK_OK(vmaccel_memory_map(g.vm, AREA, page, host, VMACCEL_MEM_RWX));
    SET(&g, VALUE, 0x5c);
    SET(&g, ADDRESS, AREA + 7);
    RUN_TO_MARK(&g, 0x10, 0x5c);
    CHECK_EQ(host[7], 0x5c);
    CHECK_EQ(GET(&g, RESULT) & 0xff, 0x5c);
    CHECK_OK(vmaccel_memory_unmap(g.vm, AREA, page));
    host[7] = 0;
    RUN_TO_WRITE(&g, AREA + 7, 1, 0x5c);
    RUN_TO_READ(&g, AREA + 7, 1);
    guest_answer(&g, 0x99);
    RUN_TO_MARK(&g, 0x10, 0x5c);
    CHECK_EQ(GET(&g, RESULT) & 0xff, 0x99);
    CHECK_EQ(host[7], 0);
}

void case_memory_split(void)
{
    struct guest g;
    create_reader(&g);
    uint64_t page = page_size();
    uint8_t *host = suite_pages(16 * page), *other = suite_pages(page);
    for (unsigned i = 0; i < 16; i++)
        host[i * page] = (uint8_t)(0x80 + i);
    other[0] = 0x77;
    /* Two regions; a hole in the first, then one across the border. */
    CHECK_OK(vmaccel_memory_map(g.vm, AREA, 8 * page, host, VMACCEL_MEM_RWX));
    CHECK_OK(vmaccel_memory_map(g.vm, AREA + 8 * page, 8 * page, host + 8 * page, VMACCEL_MEM_RWX));
    expect_byte(&g, AREA + 3 * page, 0x83);
    CHECK_OK(vmaccel_memory_unmap(g.vm, AREA + 3 * page, page));
    CHECK_OK(vmaccel_memory_unmap(g.vm, AREA + 6 * page, 5 * page));
    for (unsigned i = 0; i < 16; i++) {
        if (i == 3 || (i >= 6 && i < 11))
            expect_mmio(&g, AREA + i * page);
        else
            expect_byte(&g, AREA + i * page, (uint8_t)(0x80 + i));
    }
    CHECK_OK(vmaccel_memory_map(g.vm, AREA + 3 * page, page, other, VMACCEL_MEM_RWX));
    expect_byte(&g, AREA + 3 * page, 0x77);
    expect_byte(&g, AREA + 2 * page, 0x82);
    /* All that is left, in one call up to the hole. */
    CHECK_OK(vmaccel_memory_unmap(g.vm, AREA, 6 * page));
    expect_mmio(&g, AREA);
    expect_byte(&g, AREA + 15 * page, 0x8f);
}

void case_memory_alias(void)
{
    struct guest g;
    common_create(&g, COMMON_alias);
    uint64_t page = page_size();
    uint8_t *host = suite_pages(page);
    CHECK_OK(vmaccel_memory_map(g.vm, AREA, page, host, VMACCEL_MEM_RWX));
    CHECK_OK(vmaccel_memory_map(g.vm, AREA + 4 * page, page, host, VMACCEL_MEM_RWX));
    SET(&g, VALUE, 0x3e);
    SET(&g, ADDRESS, AREA + 9);
    SET(&g, ADDRESS2, AREA + 4 * page + 9);
    RUN_TO_MARK(&g, 0x10, 0x3e);
    CHECK_EQ(GET(&g, RESULT) & 0xff, 0x3e);
    CHECK_EQ(host[9], 0x3e);
    /* One of the two goes, the other stays. */
    CHECK_OK(vmaccel_memory_unmap(g.vm, AREA, page));
    START(&g, alias);
    RUN_TO_WRITE(&g, AREA + 9, 1, 0x3e);
    RUN_TO_MARK(&g, 0x10, 0x3e);
}

/* Writes, reads and runs in memory the guest may not write. */
void case_read_only_memory(void)
{
    struct guest g;
    size_t size;
    common_create(&g, COMMON_read_only);
    uint64_t page = page_size();
    uint8_t *host = suite_pages(page);
    const uint8_t *code = common_code(COMMON_read_only, &size);
    memcpy(host, code, size < 0x100 ? size : 0x100);
    host[0x100] = 0x42;
    CHECK_OK(vmaccel_memory_map(g.vm, AREA, page, host, VMACCEL_MEM_READ | VMACCEL_MEM_EXEC));
    SET(&g, PC, AREA);
    SET(&g, ADDRESS, AREA + 0x100);
    SET(&g, VALUE, 0x5a);
    RUN_TO_WRITE(&g, AREA + 0x100, 1, 0x5a);
    CHECK_EQ(host[0x100], 0x42);
    RUN_TO_MARK(&g, 0x10, 0x5a);
    CHECK_EQ(GET(&g, RESULT) & 0xff, 0x42);
    CHECK_OK(vmaccel_memory_write(g.vm, AREA + 0x100, "\x43", 1));
    CHECK_EQ(host[0x100], 0x43);
    RUN_TO_MARK(&g, 0x11, 0x5a);
}

void case_memory_protect(void)
{
    struct guest g;
    common_create(&g, COMMON_write);
    uint64_t page = page_size();
    uint8_t *host = suite_pages(4 * page);
    CHECK_OK(vmaccel_memory_map(g.vm, AREA, 4 * page, host, VMACCEL_MEM_RWX));
    for (uint8_t i = 1; i < 6; i++) {
        bool write = i % 2 == 1;
        uint32_t flags = write ? VMACCEL_MEM_RWX : VMACCEL_MEM_READ | VMACCEL_MEM_EXEC;
        CHECK_OK(vmaccel_memory_protect(g.vm, AREA + page, 2 * page, flags));
        SET(&g, VALUE, i);
        SET(&g, ADDRESS, AREA + 2 * page);
        if (!write)
            RUN_TO_WRITE(&g, AREA + 2 * page, 1, i);
        RUN_TO_MARK(&g, 0x10, i);
        CHECK_EQ(host[2 * page], write ? i : i - 1);
        /* The neighbours keep theirs. */
        SET(&g, ADDRESS, AREA + 3 * page);
        RUN_TO_MARK(&g, 0x10, i);
        CHECK_EQ(host[3 * page], i);
    }
}

void case_memory_helpers(void)
{
    vmaccel_vm *vm = suite_vm(VMACCEL_IRQCHIP_NONE, 1, 0, 0);
    uint64_t page = page_size();
    uint8_t *low = suite_pages(2 * page), *high = suite_pages(page);
    uint8_t buffer[64], filled[64];
    void *host;
    CHECK_OK(vmaccel_memory_map(vm, AREA, 2 * page, low, VMACCEL_MEM_RWX));
    CHECK_OK(vmaccel_memory_map(vm, AREA + 2 * page, page, high, VMACCEL_MEM_RWX));
    for (unsigned i = 0; i < sizeof(filled); i++)
        filled[i] = (uint8_t)(i + 1);
    /* Across the border of two regions that are apart in host memory. */
    CHECK_OK(vmaccel_memory_write(vm, AREA + 2 * page - 24, filled, 64));
    CHECK_BYTES(low + 2 * page - 24, filled, 24);
    CHECK_BYTES(high, filled + 24, 40);
    CHECK_OK(vmaccel_memory_read(vm, AREA + 2 * page - 24, buffer, 64));
    CHECK_BYTES(buffer, filled, 64);
    /* Not all of it is mapped: nothing is copied. */
    memset(buffer, 0xcc, sizeof(buffer));
    memset(filled, 0xcc, sizeof(filled));
    CHECK_STATUS(vmaccel_memory_read(vm, AREA + 3 * page - 8, buffer, 16), VMACCEL_E_GUEST_MEMORY);
    CHECK_BYTES(buffer, filled, 16);
    CHECK_STATUS(vmaccel_memory_write(vm, AREA + 3 * page - 8, filled, 16), VMACCEL_E_GUEST_MEMORY);
    CHECK_EQ(high[page - 8], 0);
    CHECK_STATUS(vmaccel_memory_read(vm, UINT64_MAX - 3, buffer, 16), VMACCEL_E_GUEST_MEMORY);
    /* Host addresses, within one region only. */
    CHECK_OK(vmaccel_memory_host(vm, AREA + 5, 2 * page - 5, &host));
    CHECK(host == low + 5);
    CHECK_STATUS(vmaccel_memory_host(vm, AREA + 5, 2 * page, &host), VMACCEL_E_GUEST_MEMORY);
    CHECK_STATUS(vmaccel_memory_host(vm, 0, 1, &host), VMACCEL_E_GUEST_MEMORY);
    CHECK_STATUS(vmaccel_memory_host(vm, AREA, UINT64_MAX, &host), VMACCEL_E_GUEST_MEMORY);
}
