/* SPDX-License-Identifier: BSD-2-Clause */
/* The device tree, read back with libfdt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>
#include <vmaccel/vmaccel.h>

#include "machine/boot/fdt.h"
#include "machine/memmap_arm64.h"

static uint8_t tree[FDT_ROOM] __attribute__((aligned(8)));
static uint8_t seed[FDT_SEED_SIZE];
static vmaccel_arm64_gic gic;
static struct fdt_input in;

static int setup(void **state)
{
    (void)state;
    gic = (vmaccel_arm64_gic){.version = 3,
                              .spis = 224,
                              .dist = VIRT_GIC_DIST,
                              .redist = VIRT_GIC_REDIST,
                              .cpu = VIRT_GIC_CPU};
    in = (struct fdt_input){.ram_size = UINT64_C(5) << 30, .cpus = 1, .gic = &gic};
    memset(tree, 0xCC, sizeof(tree));
    return 0;
}

static void build(void)
{
    assert_int_equal(fdt_build(&in, tree, sizeof(tree)), VMACCEL_OK);
    assert_int_equal(fdt_check_full(tree, sizeof(tree)), 0);
}

static const void *property(const char *path, const char *name, int size)
{
    int node = fdt_path_offset(tree, path), length = -1;
    const void *value;

    if (node < 0)
        fail_msg("no node %s", path);
    value = fdt_getprop(tree, node, name, &length);
    if (value == NULL)
        fail_msg("%s has no %s", path, name);
    if (size >= 0)
        assert_int_equal(length, size);
    return value;
}

#define CELLS(path, name, ...)                                                                     \
    expect_cells(path, name, (const uint32_t[]){__VA_ARGS__},                                      \
                 sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void expect_cells(const char *path, const char *name, const uint32_t *cells, size_t count)
{
    const fdt32_t *value = property(path, name, (int)(4 * count));

    for (size_t i = 0; i < count; i++)
        assert_int_equal(fdt32_to_cpu(value[i]), cells[i]);
}

static void compatible(const char *path, const char *name)
{
    int node = fdt_path_offset(tree, path);

    assert_true(node >= 0);
    assert_int_equal(fdt_node_check_compatible(tree, node, name), 0);
}

static void test_memory_and_cpus(void **state)
{
    (void)state;
    in.cpus = 123;
    build();
    CELLS("/", "#address-cells", 2);
    CELLS("/", "#size-cells", 2);
    CELLS("/memory@40000000", "reg", 0, 0x40000000, 1, 0x40000000);
    assert_string_equal(property("/memory@40000000", "device_type", -1), "memory");
    CELLS("/cpus", "#address-cells", 1);
    CELLS("/cpus", "#size-cells", 0);
    for (uint32_t i = 0; i < in.cpus; i++) {
        char path[32];
        uint32_t mpidr = i / 16 * 256 + i % 16;

        snprintf(path, sizeof(path), "/cpus/cpu@%x", mpidr);
        assert_int_equal(fdt_mpidr(i), mpidr);
        CELLS(path, "reg", mpidr);
        assert_string_equal(property(path, "device_type", -1), "cpu");
        assert_string_equal(property(path, "enable-method", -1), "psci");
        compatible(path, "arm,armv8");
    }
    assert_int_equal(fdt_mpidr(0x12345), 0x123405);
}

static void test_gicv3(void **state)
{
    (void)state;
    in.cpus = 4;
    build();
    compatible("/interrupt-controller@8000000", "arm,gic-v3");
    property("/interrupt-controller@8000000", "interrupt-controller", 0);
    CELLS("/interrupt-controller@8000000", "#interrupt-cells", 3);
    CELLS("/interrupt-controller@8000000", "reg", 0, 0x08000000, 0, 0x10000, 0, 0x080A0000, 0,
          0x80000);
    CELLS("/timer", "interrupts", 1, 13, 8, 1, 14, 8, 1, 11, 8, 1, 10, 8);
}

static void test_gicv2(void **state)
{
    (void)state;
    gic.version = 2;
    in.cpus = 4;
    build();
    compatible("/interrupt-controller@8000000", "arm,cortex-a15-gic");
    CELLS("/interrupt-controller@8000000", "reg", 0, 0x08000000, 0, 0x1000, 0, 0x08010000, 0,
          0x2000);
    /* Private interrupts name their CPUs. */
    CELLS("/timer", "interrupts", 1, 13, 0xf08, 1, 14, 0xf08, 1, 11, 0xf08, 1, 10, 0xf08);
}

static void test_devices(void **state)
{
    uint32_t gic_handle, clock_handle;

    (void)state;
    build();
    compatible("/timer", "arm,armv8-timer");
    compatible("/psci", "arm,psci-1.0");
    compatible("/psci", "arm,psci-0.2");
    assert_string_equal(property("/psci", "method", 4), "hvc");
    gic_handle = fdt_get_phandle(tree, fdt_path_offset(tree, "/interrupt-controller@8000000"));
    clock_handle = fdt_get_phandle(tree, fdt_path_offset(tree, "/apb-pclk"));
    assert_true(gic_handle != 0 && clock_handle != 0 && gic_handle != clock_handle);
    CELLS("/", "interrupt-parent", gic_handle);
    compatible("/apb-pclk", "fixed-clock");
    CELLS("/apb-pclk", "clock-frequency", 24000000);
    compatible("/pl011@9000000", "arm,pl011");
    compatible("/pl011@9000000", "arm,primecell");
    CELLS("/pl011@9000000", "reg", 0, 0x09000000, 0, 0x1000);
    CELLS("/pl011@9000000", "interrupts", 0, 1, 4);
    CELLS("/pl011@9000000", "clocks", clock_handle, clock_handle);
    assert_memory_equal(property("/pl011@9000000", "clock-names", 17), "uartclk\0apb_pclk", 17);
    compatible("/pl031@9010000", "arm,pl031");
    CELLS("/pl031@9010000", "reg", 0, 0x09010000, 0, 0x1000);
    CELLS("/pl031@9010000", "interrupts", 0, 2, 4);
    CELLS("/pl031@9010000", "clocks", clock_handle);
}

static void test_chosen(void **state)
{
    int chosen;

    (void)state;
    build();
    assert_string_equal(property("/chosen", "bootargs", 1), "");
    assert_true(fdt_path_offset(tree, property("/chosen", "stdout-path", -1)) > 0);
    assert_true(fdt_path_offset(tree, "serial0") > 0);
    chosen = fdt_path_offset(tree, "/chosen");
    assert_null(fdt_getprop(tree, chosen, "linux,initrd-start", NULL));
    assert_null(fdt_getprop(tree, chosen, "rng-seed", NULL));
    assert_null(fdt_getprop(tree, chosen, "kaslr-seed", NULL));

    for (int i = 0; i < FDT_SEED_SIZE; i++)
        seed[i] = (uint8_t)(i + 1);
    in.seed = seed;
    in.append = "console=ttyAMA0 quiet";
    in.initrd = UINT64_C(0x123456000);
    in.initrd_size = 0x1001;
    build();
    assert_string_equal(property("/chosen", "bootargs", 22), "console=ttyAMA0 quiet");
    CELLS("/chosen", "linux,initrd-start", 1, 0x23456000);
    CELLS("/chosen", "linux,initrd-end", 1, 0x23457001);
    assert_memory_equal(property("/chosen", "kaslr-seed", 8), seed, 8);
    assert_memory_equal(property("/chosen", "rng-seed", 64), seed + 8, 64);
}

static void test_room(void **state)
{
    static char append[FDT_MAX_APPEND + 1];

    (void)state;
    memset(append, 'x', FDT_MAX_APPEND);
    in.cpus = VIRT_MAX_CPUS;
    in.append = append;
    in.seed = seed;
    in.initrd_size = 1;
    build();
    assert_int_equal(strlen(property("/chosen", "bootargs", -1)), FDT_MAX_APPEND);
    for (size_t room = 0; room < 4096; room += 7) {
        assert_int_equal(fdt_build(&in, tree, room), VMACCEL_E_LIMIT);
        assert_non_null(strstr(vmaccel_last_error()->text, "the device tree"));
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        CASE(test_memory_and_cpus), CASE(test_gicv3),  CASE(test_gicv2),
        CASE(test_devices),         CASE(test_chosen), CASE(test_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
