/* SPDX-License-Identifier: BSD-2-Clause */
#include "null_platform.h"

#include <stdio.h>
#include <string.h>

#include "os/os.h"

#define PAGES(n) ((uint64_t)(n)*NULL_PAGE)
#define HOST     PAGES(300)

static vmaccel_vm *vm;
static uint8_t *host;

static int setup(void **state)
{
    null_reset(state);
    host = os_pages_alloc(HOST, 0);
    vm = null_vm(VMACCEL_ARCH_X86_64);
    return host == NULL;
}

static int teardown(void **state)
{
    (void)state;
    null_end(vm);
    os_pages_free(host, HOST);
    return 0;
}

/* "gpa+pages/flags" of each slot that the platform holds, by address, against what the test wants.
 */
static void expect_map(const char *wanted)
{
    char text[256] = "";
    uint64_t at = 0;

    for (;;) {
        const struct null_slot *next = NULL;
        for (size_t i = 0; i < NULL_SLOTS; i++) {
            const struct null_slot *slot = &null_platform.slots[i];
            if (slot->used && slot->gpa >= at && (next == NULL || slot->gpa < next->gpa))
                next = slot;
        }
        if (next == NULL)
            break;
        at = next->gpa + 1;
        size_t used = strlen(text);
        snprintf(text + used, sizeof(text) - used, "%s%u+%u/%x", used != 0 ? " " : "",
                 (unsigned)(next->gpa / NULL_PAGE), (unsigned)(next->size / NULL_PAGE),
                 next->flags);
        const struct core_region *region = core_region_at(vm, next->gpa);
        assert_non_null(region);
        assert_true(region->gpa == next->gpa && region->size == next->size &&
                    region->flags == next->flags);
        assert_ptr_equal(region->host, next->host);
    }
    assert_string_equal(text, wanted);
}

static vmaccel_status map(unsigned page, unsigned count, unsigned host_page, uint32_t flags)
{
    return vmaccel_memory_map(vm, PAGES(page), PAGES(count), host + PAGES(host_page), flags);
}

static vmaccel_status unmap(unsigned page, unsigned count)
{
    return vmaccel_memory_unmap(vm, PAGES(page), PAGES(count));
}

static vmaccel_status protect(unsigned page, unsigned count, uint32_t flags)
{
    return vmaccel_memory_protect(vm, PAGES(page), PAGES(count), flags);
}

static void test_map_arguments(void **state)
{
    const uint64_t end = (uint64_t)1 << 40;

    (void)state;
    expect_error(vmaccel_memory_map(vm, 0, 0, host, 7), VMACCEL_E_INVALID_ARGUMENT, "size");
    expect_error(vmaccel_memory_map(vm, 1, NULL_PAGE, host, 7), VMACCEL_E_INVALID_ARGUMENT,
                 "page size, 4096");
    expect_error(vmaccel_memory_map(vm, 0, 100, host, 7), VMACCEL_E_INVALID_ARGUMENT, "page size");
    expect_error(vmaccel_memory_map(vm, 0, NULL_PAGE, host + 8, 7), VMACCEL_E_INVALID_ARGUMENT,
                 "host");
    expect_error(vmaccel_memory_map(vm, 0, NULL_PAGE, NULL, 7), VMACCEL_E_INVALID_ARGUMENT, "host");
    expect_error(vmaccel_memory_map(vm, 0, NULL_PAGE, host, 0x10), VMACCEL_E_INVALID_ARGUMENT,
                 "0x10");
    expect_error(vmaccel_memory_map(vm, end, NULL_PAGE, host, 7), VMACCEL_E_INVALID_ARGUMENT,
                 "address space");
    expect_error(vmaccel_memory_map(vm, UINT64_MAX - NULL_PAGE + 1, 2 * NULL_PAGE, host, 7),
                 VMACCEL_E_INVALID_ARGUMENT, "address space");
    expect_error(vmaccel_memory_map(vm, 0, UINT64_MAX - NULL_PAGE + 1, host, 7),
                 VMACCEL_E_INVALID_ARGUMENT, "address space");
    expect_ok(vmaccel_memory_map(vm, end - NULL_PAGE, NULL_PAGE, host, 7));
    assert_int_equal(null_platform.maps, 1);
}

static void test_overlap(void **state)
{
    (void)state;
    expect_ok(map(10, 10, 0, 7));
    expect_error(map(19, 1, 20, 7), VMACCEL_E_EXISTS, "0xa000 bytes at 0xa000");
    expect_error(map(5, 6, 20, 7), VMACCEL_E_EXISTS, "overlap");
    expect_error(map(0, 100, 20, 7), VMACCEL_E_EXISTS, "overlap");
    expect_ok(map(20, 5, 20, 7));
    expect_ok(map(5, 5, 30, 7));
    expect_map("5+5/7 10+10/7 20+5/7");
}

static void test_capabilities(void **state)
{
    static const struct {
        vmaccel_cap cap;
        uint32_t flags;
    } needs[] = {
        {VMACCEL_CAP_MEM_READ_ONLY, VMACCEL_MEM_EXEC},
        {VMACCEL_CAP_MEM_NO_EXEC, VMACCEL_MEM_WRITE},
        {VMACCEL_CAP_MEM_DIRTY_LOG, VMACCEL_MEM_RWX | VMACCEL_MEM_DIRTY_LOG},
        {VMACCEL_CAP_MEM_ALIAS, VMACCEL_MEM_RWX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        null_end(vm);
        null_platform.caps[needs[i].cap] = 0;
        vm = null_vm(VMACCEL_ARCH_X86_64);
        expect_ok(map(0, 2, 0, VMACCEL_MEM_RWX));
        expect_error(map(10, 1, 1, needs[i].flags), VMACCEL_E_NOT_SUPPORTED,
                     vmaccel_cap_name(needs[i].cap));
        null_platform.caps[needs[i].cap] = 1;
    }
    null_end(vm);
    vm = null_vm(VMACCEL_ARCH_X86_64);
    expect_ok(map(0, 2, 0, VMACCEL_MEM_RWX));
    expect_ok(map(10, 2, 1, VMACCEL_MEM_RWX));
}

static void test_limit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NULL_SLOTS; i++)
        expect_ok(map(10 * i, 3, 3 * i, 7));
    expect_error(map(100, 1, 100, 7), VMACCEL_E_LIMIT, "8 regions");
    expect_error(unmap(1, 1), VMACCEL_E_LIMIT, "9 regions");
    expect_ok(unmap(20, 3));
    expect_ok(map(100, 1, 100, 7));
    assert_int_equal(core_region_at(vm, PAGES(100))->id, 2);
}

static void test_failed_map_leaves_nothing(void **state)
{
    (void)state;
    null_platform.fail = "map";
    null_platform.fail_times = 1;
    expect_error(map(0, 1, 0, 15), VMACCEL_E_PLATFORM, "map was told to fail");
    assert_null(core_region_at(vm, 0));
    expect_ok(map(0, 1, 0, 15));
    assert_int_equal(core_region_at(vm, 0)->id, 0);
}

static void test_unmap(void **state)
{
    (void)state;
    expect_ok(map(0, 10, 0, 7));
    expect_ok(map(10, 10, 20, 3));
    expect_ok(map(30, 10, 40, 7));
    expect_error(unmap(15, 10), VMACCEL_E_NOT_FOUND, "0x14000");
    expect_error(unmap(25, 1), VMACCEL_E_NOT_FOUND, "0x19000");
    expect_error(vmaccel_memory_unmap(vm, 5, NULL_PAGE), VMACCEL_E_INVALID_ARGUMENT, "page size");
    expect_error(vmaccel_memory_unmap(vm, PAGES(35), UINT64_MAX - PAGES(40) + 1),
                 VMACCEL_E_INVALID_ARGUMENT, "address space");
    expect_map("0+10/7 10+10/3 30+10/7");
    expect_ok(unmap(4, 2));
    expect_map("0+4/7 6+4/7 10+10/3 30+10/7");
    expect_ok(unmap(8, 4));
    expect_map("0+4/7 6+2/7 12+8/3 30+10/7");
    expect_ok(unmap(30, 10));
    expect_ok(unmap(12, 8));
    expect_map("0+4/7 6+2/7");
    assert_null(core_region_at(vm, PAGES(4)));
    assert_null(core_region_at(vm, UINT64_MAX));
}

static void test_cut_while_running(void **state)
{
    vmaccel_vcpu *vcpu = NULL;

    (void)state;
    expect_ok(vmaccel_vcpu_create(vm, 1, NULL, &vcpu));
    expect_ok(map(0, 10, 0, 7));
    expect_ok(map(20, 10, 20, 7));
    vcpu->running = 1;
    expect_error(unmap(1, 1), VMACCEL_E_STATE, "vCPU 1");
    assert_string_equal(vmaccel_last_error()->feature, "mem-split-running");
    expect_error(protect(1, 1, 1), VMACCEL_E_STATE, "vCPU 1");
    expect_ok(protect(0, 10, 5));
    expect_ok(unmap(20, 10));
    expect_map("0+10/5");
    vcpu->running = 0;
    expect_ok(unmap(1, 1));
    expect_ok(vmaccel_vcpu_destroy(vcpu));
}

static void test_cut_while_running_where_supported(void **state)
{
    vmaccel_vcpu *vcpu = NULL;

    (void)state;
    null_end(vm);
    null_platform.caps[VMACCEL_CAP_MEM_SPLIT_RUNNING] = 1;
    vm = null_vm(VMACCEL_ARCH_X86_64);
    expect_ok(vmaccel_vcpu_create(vm, 0, NULL, &vcpu));
    expect_ok(map(0, 10, 0, 7));
    vcpu->running = 1;
    expect_ok(unmap(1, 1));
    expect_map("0+1/7 2+8/7");
    expect_ok(vmaccel_vcpu_destroy(vcpu));
}

static void test_protect(void **state)
{
    (void)state;
    expect_ok(map(0, 10, 0, 7));
    expect_ok(map(10, 10, 20, 7));
    expect_ok(protect(5, 10, 7));
    assert_int_equal(null_platform.maps, 2);
    expect_ok(protect(0, 20, 5));
    expect_map("0+10/5 10+10/5");
    assert_int_equal(null_platform.protects, 2);
    expect_ok(protect(8, 4, 3));
    expect_map("0+8/5 8+2/3 10+2/3 12+8/5");
    expect_error(protect(0, 21, 7), VMACCEL_E_NOT_FOUND, "0x14000");
    expect_error(protect(0, 1, 0x20), VMACCEL_E_INVALID_ARGUMENT, "flags");
}

static void test_protect_without_the_operation(void **state)
{
    (void)state;
    null_platform.platform.mem_protect = NULL;
    expect_ok(map(0, 10, 0, 7));
    expect_ok(protect(0, 10, 5));
    expect_map("0+10/5");
    assert_int_equal(null_platform.maps, 2);
}

static void test_failed_protect_is_undone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        expect_ok(map(10 * i, 10, 20 * i, 7));
    null_platform.fail = "protect";
    null_platform.fail_after = 2;
    null_platform.fail_times = 1;
    expect_error(protect(0, 30, 15), VMACCEL_E_PLATFORM, "protect was told to fail");
    expect_map("0+10/7 10+10/7 20+10/7");
    /* The way back fails as well: the map says what the platform has. */
    null_platform.fail_after = 1;
    null_platform.fail_times = 2;
    expect_error(protect(0, 30, 15), VMACCEL_E_PLATFORM, "protect was told to fail");
    expect_map("0+10/f 10+10/7 20+10/7");
    uint64_t bitmap;
    expect_ok(vmaccel_memory_dirty_log(vm, 0, PAGES(10), &bitmap, 1));
}

static void test_failed_cut_is_undone(void **state)
{
    static const char *const operations[] = {"unmap", "map"};

    (void)state;
    expect_ok(map(0, 10, 0, 15));
    expect_ok(map(10, 10, 20, 15));
    null_touch(PAGES(3));
    for (size_t i = 0; i < 2; i++) {
        for (unsigned after = 0; after < 4; after++) {
            null_platform.fail = operations[i];
            null_platform.fail_after = after;
            null_platform.fail_times = 1;
            vmaccel_status status = protect(5, 10, 13);
            if (status == VMACCEL_OK)
                continue;
            expect_error(status, VMACCEL_E_PLATFORM, "was told to fail");
            expect_map("0+10/f 10+10/f");
        }
    }
}

static void test_region_that_cannot_be_put_back(void **state)
{
    (void)state;
    expect_ok(map(0, 10, 0, 7));
    expect_ok(map(10, 10, 20, 7));
    expect_ok(map(20, 10, 40, 7));
    null_platform.fail = "map";
    null_platform.fail_times = 2;
    expect_error(unmap(5, 10), VMACCEL_E_PLATFORM, "region at 0x0 could not be put back");
    expect_map("10+10/7 20+10/7");
}

static void test_access(void **state)
{
    uint8_t in[16], out[16] = {0};
    void *pointer = NULL;

    (void)state;
    expect_ok(map(0, 1, 10, 7));
    expect_ok(map(1, 1, 0, VMACCEL_MEM_EXEC));
    for (uint8_t i = 0; i < sizeof(in); i++)
        in[i] = i;
    expect_ok(vmaccel_memory_write(vm, NULL_PAGE - 8, in, sizeof(in)));
    assert_memory_equal(host + PAGES(11) - 8, in, 8);
    assert_memory_equal(host, in + 8, 8);
    expect_ok(vmaccel_memory_read(vm, NULL_PAGE - 8, out, sizeof(out)));
    assert_memory_equal(in, out, sizeof(in));

    memset(in, 0xff, sizeof(in));
    expect_error(vmaccel_memory_write(vm, PAGES(2) - 8, in, 16), VMACCEL_E_GUEST_MEMORY, "0x2000");
    assert_int_equal(host[NULL_PAGE - 1], 0);
    expect_error(vmaccel_memory_read(vm, UINT64_MAX - 3, out, 16), VMACCEL_E_GUEST_MEMORY,
                 "0xfffffffffffffffc");
    expect_ok(vmaccel_memory_read(vm, 0x123456, NULL, 0));
    expect_error(vmaccel_memory_read(vm, 0, NULL, 1), VMACCEL_E_INVALID_ARGUMENT, "buffer");

    expect_ok(vmaccel_memory_host(vm, 0x123, 8, &pointer));
    assert_ptr_equal(pointer, host + PAGES(10) + 0x123);
    expect_error(vmaccel_memory_host(vm, NULL_PAGE - 4, 8, &pointer), VMACCEL_E_GUEST_MEMORY,
                 "0x1000");
    expect_error(vmaccel_memory_host(vm, 0, UINT64_MAX, &pointer), VMACCEL_E_GUEST_MEMORY,
                 "0x1000");
    expect_error(vmaccel_memory_host(vm, 0, 0, &pointer), VMACCEL_E_INVALID_ARGUMENT, "size");
}

static void test_dirty_whole_region(void **state)
{
    uint64_t bitmap[3] = {~0ull, ~0ull, ~0ull};

    (void)state;
    expect_ok(map(0, 70, 0, 15));
    null_touch(PAGES(1));
    null_touch(PAGES(69));
    expect_ok(vmaccel_memory_write(vm, PAGES(3) - 1, "xy", 2));
    expect_ok(vmaccel_memory_dirty_log(vm, 0, PAGES(70), bitmap, 3));
    assert_true(bitmap[0] == 0xe && bitmap[1] == 0x20 && bitmap[2] == 0);
    expect_ok(vmaccel_memory_dirty_log(vm, 0, PAGES(70), bitmap, 3));
    assert_true(bitmap[0] == 0 && bitmap[1] == 0);
}

static void test_dirty_parts(void **state)
{
    uint64_t bitmap[3];

    (void)state;
    expect_ok(map(0, 70, 0, 15));
    expect_ok(map(70, 70, 100, 15));
    for (unsigned page = 0; page < 140; page += 5)
        null_touch(PAGES(page));
    for (unsigned start = 0; start < 140; start += 20) {
        expect_ok(vmaccel_memory_dirty_log(vm, PAGES(start), PAGES(20), bitmap, 1));
        assert_int_equal(bitmap[0], 0x8421);
    }
    null_touch(PAGES(60));
    null_touch(PAGES(71));
    null_touch(PAGES(139));
    expect_ok(vmaccel_memory_dirty_log(vm, PAGES(61), PAGES(79), bitmap, 2));
    assert_true(bitmap[0] == 1u << 10 && bitmap[1] == (uint64_t)1 << 14);
    expect_ok(vmaccel_memory_dirty_log(vm, 0, PAGES(140), bitmap, 3));
    assert_true(bitmap[0] == (uint64_t)1 << 60 && bitmap[1] == 0 && bitmap[2] == 0);
}

static void test_dirty_survives_cuts(void **state)
{
    uint64_t bitmap[2];

    (void)state;
    expect_ok(map(0, 70, 0, 15));
    null_touch(PAGES(2));
    null_touch(PAGES(40));
    null_touch(PAGES(66));
    expect_ok(unmap(10, 5));
    expect_map("0+10/f 15+55/f");
    expect_ok(protect(60, 10, 13));
    expect_ok(vmaccel_memory_dirty_log(vm, PAGES(15), PAGES(55), bitmap, 1));
    assert_true(bitmap[0] == ((uint64_t)1 << 25 | (uint64_t)1 << 51));
    expect_ok(vmaccel_memory_dirty_log(vm, 0, PAGES(10), bitmap, 1));
    assert_int_equal(bitmap[0], 4);
}

static void test_dirty_errors(void **state)
{
    uint64_t bitmap[2];

    (void)state;
    expect_ok(map(0, 70, 0, 15));
    expect_ok(map(70, 10, 100, 7));
    expect_error(vmaccel_memory_dirty_log(vm, 0, PAGES(80), bitmap, 2), VMACCEL_E_STATE, "0x46000");
    expect_error(vmaccel_memory_dirty_log(vm, 0, PAGES(70), bitmap, 1), VMACCEL_E_INVALID_ARGUMENT,
                 "words: 1");
    expect_error(vmaccel_memory_dirty_log(vm, PAGES(80), PAGES(1), bitmap, 1), VMACCEL_E_NOT_FOUND,
                 "0x50000");
    expect_error(vmaccel_memory_dirty_log(vm, 0, PAGES(1), NULL, 1), VMACCEL_E_INVALID_ARGUMENT,
                 "bitmap");
    /* A log that could not be read is still there. */
    null_touch(PAGES(1));
    null_platform.fail = "dirty";
    null_platform.fail_times = 1;
    expect_error(vmaccel_memory_dirty_log(vm, 0, PAGES(2), bitmap, 1), VMACCEL_E_PLATFORM, "dirty");
    expect_ok(vmaccel_memory_dirty_log(vm, 0, PAGES(2), bitmap, 1));
    assert_int_equal(bitmap[0], 2);
    /* Turning it off and on starts a clean one. */
    expect_ok(vmaccel_memory_write(vm, 0, "x", 1));
    expect_ok(protect(0, 70, 7));
    expect_ok(protect(0, 70, 15));
    expect_ok(vmaccel_memory_dirty_log(vm, 0, PAGES(70), bitmap, 2));
    assert_int_equal(bitmap[0], 0);
}

static void write_often(void *context)
{
    (void)context;
    for (unsigned i = 0; i < 500; i++)
        expect_ok(vmaccel_memory_write(vm, PAGES(64 + i % 8), "x", 1));
}

static void test_threads(void **state)
{
    os_thread thread;
    uint64_t bitmap[2], seen = 0;

    (void)state;
    expect_ok(map(0, 80, 0, 15));
    assert_int_equal(os_thread_create(&thread, write_often, NULL, "writer"), 0);
    for (unsigned i = 0; i < 200; i++) {
        expect_ok(map(100, 1, 100, 7));
        assert_non_null(core_region_at(vm, 0));
        expect_ok(vmaccel_memory_dirty_log(vm, 0, PAGES(80), bitmap, 2));
        seen |= bitmap[1];
        expect_ok(unmap(100, 1));
    }
    os_thread_join(&thread);
    expect_ok(vmaccel_memory_dirty_log(vm, 0, PAGES(80), bitmap, 2));
    assert_int_equal(seen | bitmap[1], 0xff);
}

/* A region found by one VM says nothing about the next that has its memory. */
static void test_lookup_after_changes(void **state)
{
    (void)state;
    expect_ok(map(0, 10, 0, 7));
    assert_int_equal(core_region_at(vm, PAGES(5))->size, PAGES(10));
    expect_ok(unmap(5, 5));
    assert_null(core_region_at(vm, PAGES(5)));
    assert_non_null(core_region_at(vm, PAGES(4)));
    null_end(vm);
    vm = null_vm(VMACCEL_ARCH_X86_64);
    assert_null(core_region_at(vm, PAGES(4)));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_map_arguments),
        CASE(test_overlap),
        CASE(test_capabilities),
        CASE(test_limit),
        CASE(test_failed_map_leaves_nothing),
        CASE(test_unmap),
        CASE(test_cut_while_running),
        CASE(test_cut_while_running_where_supported),
        CASE(test_protect),
        CASE(test_protect_without_the_operation),
        CASE(test_failed_protect_is_undone),
        CASE(test_failed_cut_is_undone),
        CASE(test_region_that_cannot_be_put_back),
        CASE(test_access),
        CASE(test_dirty_whole_region),
        CASE(test_dirty_parts),
        CASE(test_dirty_survives_cuts),
        CASE(test_dirty_errors),
        CASE(test_threads),
        CASE(test_lookup_after_changes),
    };

    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
