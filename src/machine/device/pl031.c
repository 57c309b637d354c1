/* SPDX-License-Identifier: BSD-2-Clause */
/* Arm PrimeCell RTC (PL031): seconds since 1970, the host's (UTC) plus what the guest has set.
 * Source: Arm DDI 0224. */
#include "machine/device.h"
#include "machine/device/primecell.h"
#include "machine/memmap_arm64.h"
#include "os/os.h"

enum {
    REG_DR = 0x00,
    REG_MR = 0x04,
    REG_LR = 0x08,
    REG_CR = 0x0C,
    REG_IMSC = 0x10,
    REG_RIS = 0x14,
    REG_MIS = 0x18,
    REG_ICR = 0x1C
};

#define PART      0x031
#define REVISION  1
#define CR_START  1 /* reads so from the start; the clock can't be stopped */
#define SECOND_NS INT64_C(1000000000)
#define HALF      (UINT32_C(1) << 31) /* a match further ahead than that is in the past */

struct pl031 {
    const struct device_host *host;
    struct device_timer timer;
    os_mutex lock;   /* all below */
    uint32_t offset; /* guest's seconds less the host's */
    uint32_t match, load;
    bool armed; /* the match is ahead */
    bool mask, raw, level;
};

static uint32_t guest_seconds(const struct pl031 *rtc)
{
    return (uint32_t)(rtc->host->wall_ns(rtc->host->context) / SECOND_NS) + rtc->offset;
}

static void update_line(struct pl031 *rtc)
{
    bool level = rtc->raw && rtc->mask;

    if (level != rtc->level) {
        rtc->level = level;
        rtc->host->irq(rtc->host->context, VIRT_RTC_IRQ, level);
    }
}

/* See to the match: raise the interrupt when its time has come, else sleep until then. */
static void check_match(struct pl031 *rtc)
{
    const struct device_host *host = rtc->host;
    uint32_t left = rtc->match - guest_seconds(rtc);
    uint64_t at_ns = UINT64_MAX;

    if (rtc->armed && (left == 0 || left >= HALF)) {
        rtc->armed = false;
        rtc->raw = true;
    }
    if (rtc->armed)
        at_ns = host->clock_ns(host->context) + left * (uint64_t)SECOND_NS -
                (uint64_t)(host->wall_ns(host->context) % SECOND_NS);
    host->timer_set(host->context, &rtc->timer, at_ns);
    update_line(rtc);
}

static void set_match(struct pl031 *rtc)
{
    rtc->armed = rtc->match - guest_seconds(rtc) < HALF;
    check_match(rtc);
}

static void pl031_fire(void *device)
{
    struct pl031 *rtc = device;

    os_mutex_lock(&rtc->lock);
    check_match(rtc);
    os_mutex_unlock(&rtc->lock);
}

static uint32_t read_register(const struct pl031 *rtc, uint64_t offset)
{
    if (offset >= PRIMECELL_ID)
        return primecell_id(offset, PART, REVISION);
    switch (offset) {
    case REG_DR:
        return guest_seconds(rtc);
    case REG_MR:
        return rtc->match;
    case REG_LR:
        return rtc->load;
    case REG_CR:
        return CR_START;
    case REG_IMSC:
        return rtc->mask;
    case REG_RIS:
        return rtc->raw;
    case REG_MIS:
        return rtc->raw && rtc->mask;
    default:
        return 0;
    }
}

static uint64_t pl031_read(void *device, uint64_t offset, uint8_t size)
{
    struct pl031 *rtc = device;
    uint64_t value;

    (void)size;
    if (!primecell_is_register(offset))
        return 0;
    os_mutex_lock(&rtc->lock);
    value = read_register(rtc, offset);
    os_mutex_unlock(&rtc->lock);
    return value;
}

static void write_register(struct pl031 *rtc, uint64_t offset, uint32_t value)
{
    switch (offset) {
    case REG_MR:
        rtc->match = value;
        set_match(rtc);
        break;
    case REG_LR:
        rtc->load = value;
        rtc->offset += value - guest_seconds(rtc);
        set_match(rtc);
        break;
    case REG_IMSC:
        rtc->mask = value & 1;
        update_line(rtc);
        break;
    case REG_ICR:
        if (value & 1)
            rtc->raw = false;
        update_line(rtc);
        break;
    default: /* DR, RIS, MIS and the identification are read-only */
        break;
    }
}

static void pl031_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    struct pl031 *rtc = device;

    (void)size;
    if (!primecell_is_register(offset))
        return;
    os_mutex_lock(&rtc->lock);
    write_register(rtc, offset, (uint32_t)value);
    os_mutex_unlock(&rtc->lock);
}

static void pl031_destroy(void *device)
{
    struct pl031 *rtc = device;

    os_mutex_destroy(&rtc->lock);
    os_free(rtc);
}

static vmaccel_status pl031_create(const struct device_host *host, const struct device_args *args,
                                   void **device)
{
    struct bus_range range = {.base = VIRT_RTC,
                              .size = PRIMECELL_SIZE,
                              .name = "pl031",
                              .width = 4,
                              .read = pl031_read,
                              .write = pl031_write};
    struct pl031 *rtc = device_alloc(&device_pl031, sizeof(*rtc));
    vmaccel_status status;

    (void)args;
    if (rtc == NULL)
        return VMACCEL_E_NO_MEMORY;
    rtc->host = host;
    rtc->timer.fire = pl031_fire;
    rtc->timer.device = rtc;
    os_mutex_init(&rtc->lock);
    range.device = rtc;
    status = bus_add(host->mmio, &range);
    if (status != VMACCEL_OK) {
        pl031_destroy(rtc);
        return status;
    }
    host->timer_add(host->context, &rtc->timer);
    *device = rtc;
    return VMACCEL_OK;
}

const struct device_class device_pl031 = {
    .name = "pl031",
    .description = "PL031 clock at 0x9010000, with the host's time (UTC)",
    .options = "",
    .archs = DEVICE_ARM64,
    .flags = DEVICE_DEFAULT,
    .create = pl031_create,
    .destroy = pl031_destroy,
};
