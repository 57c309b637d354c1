/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/qemu_fw_cfg.h>

#include "fake_host.h"

#define MEMORY (UINT64_C(5) << 30)

static struct fake_host fake;
static char path[] = "/tmp/vmaccel-fw-cfg-XXXXXX";

static int setup(void **state)
{
    char option[128];
    const char *devices[] = {option};

    (void)state;
    snprintf(option, sizeof(option), "fw_cfg,file=opt/a,path=%s,file=opt/b,path=/dev/null", path);
    return fake_create(&fake, MEMORY, devices, 1) == VMACCEL_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    device_set_destroy(&fake.set);
    return 0;
}

static void select_key(uint16_t key)
{
    fake_out(&fake, 0x510, 2, key);
}

static uint64_t read_le(int size)
{
    uint64_t value = 0;

    for (int i = 0; i < size; i++)
        value |= (uint64_t)fake_in(&fake, 0x511, 1) << (8 * i);
    return value;
}

static uint32_t read_be(int size)
{
    uint32_t value = 0;

    for (int i = 0; i < size; i++)
        value = value << 8 | fake_in(&fake, 0x511, 1);
    return value;
}

static void put_be(uint8_t *at, uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

/* Returns the control word afterwards. */
static uint32_t dma(uint32_t control, uint32_t length, uint64_t address)
{
    uint8_t *request = fake.memory + 0x100;

    put_be(request, control, 4);
    put_be(request + 4, length, 4);
    put_be(request + 8, address, 8);
    fake_out(&fake, 0x514, 4, 0);
    fake_out(&fake, 0x518, 4, __builtin_bswap32(0x100));
    return (uint32_t)request[0] << 24 | request[1] << 16 | request[2] << 8 | request[3];
}

static void test_fixed_items(void **state)
{
    (void)state;
    select_key(FW_CFG_SIGNATURE);
    assert_int_equal(read_be(4), 0x51454d55);
    assert_int_equal(read_be(4), 0);
    select_key(FW_CFG_ID);
    assert_int_equal(read_le(4), FW_CFG_VERSION | FW_CFG_VERSION_DMA);
    select_key(FW_CFG_RAM_SIZE);
    assert_true(read_le(8) == MEMORY);
    select_key(FW_CFG_NB_CPUS);
    assert_int_equal(read_le(2), 3);
    select_key(0x7777);
    assert_int_equal(read_le(4), 0);
    /* A byte to the selector or the data port does nothing. */
    select_key(FW_CFG_SIGNATURE);
    fake_out(&fake, 0x510, 1, 5);
    fake_out(&fake, 0x511, 1, 5);
    assert_int_equal(read_be(4), 0x51454d55);
}

static void test_directory_and_files(void **state)
{
    char name[FW_CFG_MAX_FILE_PATH];

    (void)state;
    select_key(FW_CFG_FILE_DIR);
    assert_int_equal(read_be(4), 2);
    assert_int_equal(read_be(4), 5);
    assert_int_equal(read_be(2), FW_CFG_FILE_FIRST);
    assert_int_equal(read_be(2), 0);
    for (size_t i = 0; i < sizeof(name); i++)
        name[i] = (char)fake_in(&fake, 0x511, 1);
    assert_string_equal(name, "opt/a");
    assert_int_equal(read_be(4), 0);
    assert_int_equal(read_be(2), FW_CFG_FILE_FIRST + 1);

    select_key(FW_CFG_FILE_FIRST);
    assert_int_equal(read_be(4), 0x68656c6c); /* "hell" */
    assert_int_equal(fake_in(&fake, 0x511, 1), 'o');
    assert_int_equal(fake_in(&fake, 0x511, 1), 0);
    select_key(FW_CFG_FILE_FIRST + 2);
    assert_int_equal(fake_in(&fake, 0x511, 1), 0);
}

static void test_dma(void **state)
{
    (void)state;
    assert_true(fake_in(&fake, 0x514, 4) == 0x554d4551); /* "QEMU" */
    assert_true(fake_in(&fake, 0x518, 4) == 0x47464320); /* " CFG" */

    memset(fake.memory + 0x1000, 0xaa, 16);
    assert_int_equal(
        dma(FW_CFG_FILE_FIRST << 16 | FW_CFG_DMA_CTL_SELECT | FW_CFG_DMA_CTL_READ, 8, 0x1000), 0);
    assert_memory_equal(fake.memory + 0x1000, "hello\0\0\0\xaa", 9);

    assert_int_equal(dma(FW_CFG_FILE_FIRST << 16 | FW_CFG_DMA_CTL_SELECT, 0, 0), 0);
    assert_int_equal(dma(FW_CFG_DMA_CTL_SKIP, 3, 0), 0);
    assert_int_equal(dma(FW_CFG_DMA_CTL_READ, 2, 0x2000), 0);
    assert_memory_equal(fake.memory + 0x2000, "lo", 2);
    assert_int_equal(dma(FW_CFG_DMA_CTL_SKIP, UINT32_MAX, 0), 0);
    assert_int_equal(dma(FW_CFG_DMA_CTL_READ, 0, 0x2000), 0);
}

static void test_bad_dma(void **state)
{
    const uint32_t read = FW_CFG_DMA_CTL_SELECT | FW_CFG_DMA_CTL_READ;

    (void)state;
    assert_int_equal(dma(read, 4, FAKE_MEMORY - 2), FW_CFG_DMA_CTL_ERROR);
    assert_int_equal(dma(read, 4, UINT64_MAX - 1), FW_CFG_DMA_CTL_ERROR);
    assert_int_equal(dma(read, UINT32_MAX, 0), FW_CFG_DMA_CTL_ERROR);
    assert_int_equal(dma(read, 0x100000, 0x1000), FW_CFG_DMA_CTL_ERROR);
    assert_int_equal(dma(FW_CFG_DMA_CTL_WRITE, 4, 0x1000), FW_CFG_DMA_CTL_ERROR);
    /* A request outside memory, and halves in odd sizes. */
    fake_out(&fake, 0x514, 4, 0xffffffff);
    fake_out(&fake, 0x518, 4, 0xffffffff);
    fake_out(&fake, 0x518, 2, 0xffff);
    fake_out(&fake, 0x516, 4, 0xffffffff);
}

static void expect_bad(const char *device, vmaccel_status status, const char *said)
{
    struct fake_host other;

    assert_int_equal(fake_create(&other, MEMORY, &device, 1), status);
    assert_non_null(strstr(vmaccel_last_error()->text, said));
}

static void test_bad_files(void **state)
{
    (void)state;
    expect_bad("fw_cfg,file=a,path=/nonexistent/x", VMACCEL_E_IO, "/nonexistent/x");
    expect_bad("fw_cfg,file=a", VMACCEL_E_INVALID_ARGUMENT, "file=a");
    expect_bad("fw_cfg,path=/dev/null,file=a", VMACCEL_E_INVALID_ARGUMENT, "path=/dev/null");
    expect_bad("fw_cfg,file=a,path=/dev/null,file=a,path=/dev/null", VMACCEL_E_INVALID_ARGUMENT,
               "twice");
    expect_bad("fw_cfg,file=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,"
               "path=/dev/null",
               VMACCEL_E_INVALID_ARGUMENT, "55");
}

static void test_too_many_files(void **state)
{
    char text[1024] = "fw_cfg";

    (void)state;
    for (int i = 0; i < 17; i++)
        sprintf(text + strlen(text), ",file=%d,path=/dev/null", i);
    expect_bad(text, VMACCEL_E_LIMIT, "16");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_fixed_items),
        CASE(test_directory_and_files),
        CASE(test_dma),
        CASE(test_bad_dma),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_too_many_files),
    };
    int file = mkstemp(path), failed;

    if (file < 0 || write(file, "hello", 5) != 5)
        return 1;
    close(file);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
