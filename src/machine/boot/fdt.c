/* SPDX-License-Identifier: BSD-2-Clause */
/* Sources of the bindings: the Devicetree Specification 0.4 and the Linux kernel's
 * Documentation/devicetree/bindings (arm/cpus, arm/psci, interrupt-controller/arm,gic and
 * arm,gic-v3, timer/arm,arch_timer, serial/pl011, rtc/arm,pl031). */
#include "machine/boot/fdt.h"

#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>

#include "machine/memmap_arm64.h"

enum { PHANDLE_GIC = 1, PHANDLE_CLOCK = 2 };
enum { GIC_SPI = 0, GIC_PPI = 1 };
enum { IRQ_LEVEL_HIGH = 4, IRQ_LEVEL_LOW = 8 };

#define CLOCK_HZ        24000000u
#define DEVICE_SIZE     0x1000u
#define GICV3_DIST_SIZE 0x10000u
#define GICV2_DIST_SIZE 0x1000u
#define GICV2_CPU_SIZE  0x2000u
#define GICV2_CPUS      8u

/* The tree as it is written; the first error stays. */
struct tree {
    const struct fdt_input *in;
    void *fdt;
    int error;
};

static void keep(struct tree *t, int error)
{
    if (t->error == 0)
        t->error = error;
}

static void begin(struct tree *t, const char *name)
{
    keep(t, fdt_begin_node(t->fdt, name));
}

static void begin_at(struct tree *t, const char *name, uint64_t address)
{
    char text[48];

    snprintf(text, sizeof(text), "%s@%" PRIx64, name, address);
    begin(t, text);
}

static void end(struct tree *t)
{
    keep(t, fdt_end_node(t->fdt));
}

static void put_flag(struct tree *t, const char *name)
{
    keep(t, fdt_property(t->fdt, name, NULL, 0));
}

static void put_u32(struct tree *t, const char *name, uint32_t value)
{
    keep(t, fdt_property_u32(t->fdt, name, value));
}

static void put_u64(struct tree *t, const char *name, uint64_t value)
{
    keep(t, fdt_property_u64(t->fdt, name, value));
}

static void put_string(struct tree *t, const char *name, const char *value)
{
    keep(t, fdt_property_string(t->fdt, name, value));
}

/* A list of strings: `size` counts the end of the last. */
static void put_strings(struct tree *t, const char *name, const char *values, size_t size)
{
    keep(t, fdt_property(t->fdt, name, values, (int)size));
}
#define PUT_STRINGS(t, name, values) put_strings(t, name, values, sizeof(values))

static void put_cells(struct tree *t, const char *name, const uint32_t *cells, size_t count)
{
    fdt32_t big[16];

    for (size_t i = 0; i < count; i++)
        big[i] = cpu_to_fdt32(cells[i]);
    keep(t, fdt_property(t->fdt, name, big, (int)(count * sizeof(big[0]))));
}
#define PUT_CELLS(t, name, ...)                                                                    \
    put_cells(t, name, (const uint32_t[]){__VA_ARGS__},                                            \
              sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* Address and size in two cells each. */
#define PAIR(value) (uint32_t)((uint64_t)(value) >> 32), (uint32_t)(value)

uint64_t fdt_mpidr(uint32_t cpu)
{
    return (uint64_t)(cpu >> 12 & 0xff) << 16 | (cpu >> 4 & 0xff) << 8 | (cpu & 0xf);
}

static void put_cpus(struct tree *t)
{
    begin(t, "cpus");
    put_u32(t, "#address-cells", 1);
    put_u32(t, "#size-cells", 0);
    for (uint32_t i = 0; i < t->in->cpus; i++) {
        begin_at(t, "cpu", fdt_mpidr(i));
        put_string(t, "device_type", "cpu");
        put_string(t, "compatible", "arm,armv8");
        put_u32(t, "reg", (uint32_t)fdt_mpidr(i));
        put_string(t, "enable-method", "psci");
        end(t);
    }
    end(t);
}

static void put_memory(struct tree *t)
{
    begin_at(t, "memory", VIRT_RAM);
    put_string(t, "device_type", "memory");
    PUT_CELLS(t, "reg", PAIR(VIRT_RAM), PAIR(t->in->ram_size));
    end(t);
}

static void put_gic(struct tree *t)
{
    const vmaccel_arm64_gic *gic = t->in->gic;

    begin_at(t, "interrupt-controller", gic->dist);
    put_u32(t, "#interrupt-cells", 3);
    put_flag(t, "interrupt-controller");
    put_u32(t, "phandle", PHANDLE_GIC);
    if (gic->version == 2) {
        put_string(t, "compatible", "arm,cortex-a15-gic");
        PUT_CELLS(t, "reg", PAIR(gic->dist), PAIR(GICV2_DIST_SIZE), PAIR(gic->cpu),
                  PAIR(GICV2_CPU_SIZE));
    } else {
        put_string(t, "compatible", "arm,gic-v3");
        PUT_CELLS(t, "reg", PAIR(gic->dist), PAIR(GICV3_DIST_SIZE), PAIR(gic->redist),
                  PAIR((uint64_t)t->in->cpus * VIRT_GIC_REDIST_STRIDE));
    }
    end(t);
}

/* With GICv2 the flags of a private interrupt hold the CPUs it goes to. */
static void put_timer(struct tree *t)
{
    uint32_t cpus = t->in->cpus < GICV2_CPUS ? t->in->cpus : GICV2_CPUS;
    uint32_t flags = IRQ_LEVEL_LOW;

    if (t->in->gic->version == 2)
        flags |= ((1u << cpus) - 1) << 8;
    begin(t, "timer");
    put_string(t, "compatible", "arm,armv8-timer");
    PUT_CELLS(t, "interrupts", GIC_PPI, VIRT_TIMER_SECURE, flags, GIC_PPI, VIRT_TIMER_PHYSICAL,
              flags, GIC_PPI, VIRT_TIMER_VIRTUAL, flags, GIC_PPI, VIRT_TIMER_HYP, flags);
    put_flag(t, "always-on");
    end(t);
}

static void put_psci(struct tree *t)
{
    begin(t, "psci");
    PUT_STRINGS(t, "compatible", "arm,psci-1.0\0arm,psci-0.2");
    put_string(t, "method", "hvc");
    end(t);
}

static void put_devices(struct tree *t)
{
    begin(t, "apb-pclk");
    put_string(t, "compatible", "fixed-clock");
    put_u32(t, "#clock-cells", 0);
    put_u32(t, "clock-frequency", CLOCK_HZ);
    put_string(t, "clock-output-names", "clk24mhz");
    put_u32(t, "phandle", PHANDLE_CLOCK);
    end(t);

    begin_at(t, "pl011", VIRT_UART);
    PUT_STRINGS(t, "compatible", "arm,pl011\0arm,primecell");
    PUT_CELLS(t, "reg", PAIR(VIRT_UART), PAIR(DEVICE_SIZE));
    PUT_CELLS(t, "interrupts", GIC_SPI, VIRT_UART_IRQ, IRQ_LEVEL_HIGH);
    PUT_CELLS(t, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
    PUT_STRINGS(t, "clock-names", "uartclk\0apb_pclk");
    end(t);

    begin_at(t, "pl031", VIRT_RTC);
    PUT_STRINGS(t, "compatible", "arm,pl031\0arm,primecell");
    PUT_CELLS(t, "reg", PAIR(VIRT_RTC), PAIR(DEVICE_SIZE));
    PUT_CELLS(t, "interrupts", GIC_SPI, VIRT_RTC_IRQ, IRQ_LEVEL_HIGH);
    PUT_CELLS(t, "clocks", PHANDLE_CLOCK);
    put_string(t, "clock-names", "apb_pclk");
    end(t);
}

static void put_chosen(struct tree *t)
{
    const struct fdt_input *in = t->in;
    char stdout_path[32];

    snprintf(stdout_path, sizeof(stdout_path), "/pl011@%x", VIRT_UART);
    begin(t, "aliases");
    put_string(t, "serial0", stdout_path);
    end(t);

    begin(t, "chosen");
    put_string(t, "bootargs", in->append ? in->append : "");
    put_string(t, "stdout-path", stdout_path);
    if (in->initrd_size > 0) {
        put_u64(t, "linux,initrd-start", in->initrd);
        put_u64(t, "linux,initrd-end", in->initrd + in->initrd_size);
    }
    if (in->seed) {
        keep(t, fdt_property(t->fdt, "kaslr-seed", in->seed, 8));
        keep(t, fdt_property(t->fdt, "rng-seed", in->seed + 8, FDT_SEED_SIZE - 8));
    }
    end(t);
}

vmaccel_status fdt_build(const struct fdt_input *in, uint8_t *at, size_t room)
{
    struct tree t = {.in = in, .fdt = at};
    char text[128];

    keep(&t, fdt_create(at, (int)room));
    keep(&t, fdt_finish_reservemap(at));
    begin(&t, "");
    put_u32(&t, "#address-cells", 2);
    put_u32(&t, "#size-cells", 2);
    put_string(&t, "compatible", "linux,dummy-virt");
    put_string(&t, "model", "vmaccel,virt");
    put_u32(&t, "interrupt-parent", PHANDLE_GIC);
    put_chosen(&t);
    put_memory(&t);
    put_cpus(&t);
    put_psci(&t);
    put_gic(&t);
    put_timer(&t);
    put_devices(&t);
    end(&t);
    keep(&t, fdt_finish(at));
    if (t.error == 0)
        return VMACCEL_OK;
    snprintf(text, sizeof(text), "the device tree: %s (there is room for %zu bytes)",
             fdt_strerror(t.error), room);
    return vmaccel_error_report(VMACCEL_E_LIMIT, "boot", text);
}
