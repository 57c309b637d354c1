/* SPDX-License-Identifier: BSD-2-Clause */
/* The dirty log: a write is in this one or the next, never in none. */
#include <stdatomic.h>

#include "common.h"

#define AREA  0x40000000u
#define PAGES 130u /* more than two words of bits, and not a whole number of them */
#define WORDS ((PAGES + 63) / 64)

static const uint32_t logged = VMACCEL_MEM_RWX | VMACCEL_MEM_DIRTY_LOG;

static uint64_t page_size(void)
{
    return suite_cap(VMACCEL_CAP_PAGE_SIZE);
}

static uint8_t *create_writer(struct guest *g, uint32_t flags)
{
    common_create(g, COMMON_write);
    uint8_t *host = suite_pages(PAGES * page_size());
    CHECK_OK(vmaccel_memory_map(g->vm, AREA, PAGES * page_size(), host, flags));
    return host;
}

static void guest_write(struct guest *g, unsigned page)
{
    SET(g, ADDRESS, AREA + page * page_size() + page);
    RUN(g);
    CHECK(common_is_mark(g, 0x10));
}

/* The log of pages [first, first + count) has the bits of `expected` (by page of the area), and no
 * other. */
static void expect_log(struct guest *g, unsigned first, unsigned count, const unsigned *expected,
                       size_t number)
{
    uint64_t bitmap[WORDS], wanted[WORDS] = {0};
    memset(bitmap, 0xff, sizeof(bitmap));
    CHECK_OK(vmaccel_memory_dirty_log(g->vm, AREA + first * page_size(), count * page_size(),
                                      bitmap, WORDS));
    for (size_t i = 0; i < number; i++)
        wanted[(expected[i] - first) / 64] |= UINT64_C(1) << (expected[i] - first) % 64;
    for (unsigned i = 0; i < count; i++)
        CHECK_EQ(bitmap[i / 64] >> i % 64 & 1, wanted[i / 64] >> i % 64 & 1);
}

void case_dirty_log(void)
{
    struct guest g;
    static const unsigned pages[] = {0, 1, 63, 64, 127, 129};
    create_writer(&g, logged);
    expect_log(&g, 0, PAGES, NULL, 0);
    for (unsigned i = 0; i < 6; i++)
        guest_write(&g, pages[i]);
    expect_log(&g, 0, PAGES, pages, 6);
    expect_log(&g, 0, PAGES, NULL, 0);
    /* A page that was reported and is written again is reported again. */
    guest_write(&g, 64);
    expect_log(&g, 0, PAGES, pages + 3, 1);
}

void case_dirty_log_host_writes(void)
{
    struct guest g;
    static const unsigned pages[] = {7, 8, 100};
    create_writer(&g, logged);
    uint8_t bytes[2] = {1, 2};
    CHECK_OK(vmaccel_memory_write(g.vm, AREA + 8 * page_size() - 1, bytes, 2));
    guest_write(&g, 100);
    expect_log(&g, 0, PAGES, pages, 3);
    expect_log(&g, 0, PAGES, NULL, 0);
    /* Reading leaves no trace. */
    CHECK_OK(vmaccel_memory_read(g.vm, AREA, bytes, 2));
    expect_log(&g, 0, PAGES, NULL, 0);
}

void case_dirty_log_partial(void)
{
    struct guest g;
    static const unsigned pages[] = {3, 70, 71, 120};
    create_writer(&g, logged);
    for (unsigned i = 0; i < 4; i++)
        guest_write(&g, pages[i]);
    /* A part is got and cleared; the rest stays for later. */
    expect_log(&g, 69, 2, pages + 1, 1);
    expect_log(&g, 69, 2, NULL, 0);
    expect_log(&g, 71, 1, pages + 2, 1);
    static const unsigned rest[] = {3, 120};
    expect_log(&g, 0, PAGES, rest, 2);
}

void case_dirty_log_two_regions(void)
{
    struct guest g;
    static const unsigned pages[] = {PAGES - 1, PAGES, PAGES + 2};
    uint64_t page = page_size();
    create_writer(&g, logged);
    CHECK_OK(
        vmaccel_memory_map(g.vm, AREA + PAGES * page, 4 * page, suite_pages(4 * page), logged));
    for (unsigned i = 0; i < 3; i++)
        guest_write(&g, pages[i]);
    expect_log(&g, PAGES - 3, 7, pages, 3);
}

void case_dirty_log_switched_on(void)
{
    struct guest g;
    static const unsigned pages[] = {5};
    uint64_t page = page_size(), bitmap[WORDS];
    create_writer(&g, VMACCEL_MEM_RWX);
    guest_write(&g, 4);
    CHECK_STATUS(vmaccel_memory_dirty_log(g.vm, AREA, PAGES * page, bitmap, WORDS),
                 VMACCEL_E_STATE);
    CHECK_OK(vmaccel_memory_protect(g.vm, AREA, PAGES * page, logged));
    expect_log(&g, 0, PAGES, NULL, 0);
    guest_write(&g, 5);
    expect_log(&g, 0, PAGES, pages, 1);
    CHECK_OK(vmaccel_memory_protect(g.vm, AREA, PAGES * page, VMACCEL_MEM_RWX));
    CHECK_STATUS(vmaccel_memory_dirty_log(g.vm, AREA, PAGES * page, bitmap, WORDS),
                 VMACCEL_E_STATE);
}

/* What was written before a split is still in the log of the parts. */
void case_dirty_log_survives_split(void)
{
    struct guest g;
    static const unsigned pages[] = {2, 90};
    create_writer(&g, logged);
    guest_write(&g, 2);
    guest_write(&g, 90);
    CHECK_OK(vmaccel_memory_unmap(g.vm, AREA + 40 * page_size(), page_size()));
    expect_log(&g, 0, 40, pages, 1);
    expect_log(&g, 41, PAGES - 41, pages + 1, 1);
}

void case_dirty_log_arguments(void)
{
    struct guest g;
    uint64_t page = page_size(), bitmap[WORDS];
    create_writer(&g, logged);
    CHECK_STATUS(vmaccel_memory_dirty_log(g.vm, AREA, PAGES * page, bitmap, WORDS - 1),
                 VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_memory_dirty_log(g.vm, AREA, PAGES * page, NULL, WORDS),
                 VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_memory_dirty_log(g.vm, AREA + 1, page, bitmap, WORDS),
                 VMACCEL_E_INVALID_ARGUMENT);
    CHECK_STATUS(vmaccel_memory_dirty_log(g.vm, AREA - page, 2 * page, bitmap, WORDS),
                 VMACCEL_E_NOT_FOUND);
}

struct harvest {
    struct guest *guest;
    uint8_t *shadow;
    uint64_t rounds;
    atomic_bool stop;
};

/* Copy what the log names: afterwards the shadow is the memory. */
static void copy_dirty(struct harvest *harvest)
{
    uint64_t bitmap[WORDS], page = page_size();
    CHECK_OK(vmaccel_memory_dirty_log(harvest->guest->vm, AREA, PAGES * page, bitmap, WORDS));
    for (unsigned i = 0; i < PAGES; i++) {
        if ((bitmap[i / 64] >> i % 64 & 1) != 0)
            CHECK_OK(vmaccel_memory_read(harvest->guest->vm, AREA + i * page,
                                         harvest->shadow + i * page, 8));
    }
    harvest->rounds++;
}

static void harvest_all_along(void *argument)
{
    struct harvest *harvest = argument;
    while (!atomic_load(&harvest->stop) && !suite_ended())
        copy_dirty(harvest);
}

void case_dirty_log_while_running(void)
{
    struct guest g;
    struct harvest harvest = {.guest = &g};
    uint64_t page = page_size();
    uint8_t *host = create_writer(&g, logged);
    harvest.shadow = suite_pages(PAGES * page);
    START(&g, fill);
    SET(&g, RESULT, AREA);
    SET(&g, ADDRESS, AREA);
    SET(&g, ADDRESS2, AREA + PAGES * page);
    SET(&g, STEP, page);
    SET(&g, COUNT, suite_quick() ? 100 : 400);
    SET(&g, VALUE, 0);
    struct suite_thread *thread = suite_spawn(harvest_all_along, &harvest);
    RUN(&g);
    CHECK(common_is_mark(&g, 0x10));
    atomic_store(&harvest.stop, true);
    suite_join(thread);
    copy_dirty(&harvest);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK_BYTES(harvest.shadow + i * page, host + i * page, 8);
    suite_note("%" PRIu64 " logs taken, %" PRIu64 " writes, 0 lost", harvest.rounds,
               GET(&g, VALUE));
}
