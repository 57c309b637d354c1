/* SPDX-License-Identifier: BSD-2-Clause */
/* MC146818 clock and CMOS memory. The guest's time is the host's (UTC) plus what the guest has set.
 * Interrupts (alarm, periodic, update) are not raised; register C tells of updates to those who
 * poll. */
#include <string.h>

#include "machine/device.h"
#include "machine/memmap_x86.h"
#include "os/os.h"

enum {
    REG_SECONDS = 0,
    REG_MINUTES = 2,
    REG_HOURS = 4,
    REG_WEEKDAY = 6,
    REG_DAY = 7,
    REG_MONTH = 8,
    REG_YEAR = 9,
    REG_A = 10,
    REG_B = 11,
    REG_C = 12,
    REG_D = 13,
    REG_BASE_MEMORY = 0x15,     /* KiB */
    REG_EXTENDED_MEMORY = 0x17, /* KiB over 1 MiB */
    REG_EXTENDED_MEMORY2 = 0x30,
    REG_CENTURY = MEMMAP_RTC_CENTURY,
    REG_MEMORY_16M = 0x34, /* 64 KiB units over 16 MiB, up to MEMMAP_LOW_END */
    REG_MEMORY_4G = 0x5b,  /* 64 KiB units over 4 GiB, three bytes */
    REG_CPUS = 0x5f        /* CPUs less one */
};

#define A_UIP     0x80
#define A_DEFAULT 0x26 /* 32.768 kHz, rate 6 */
#define B_SET     0x80
#define B_BINARY  0x04
#define B_24H     0x02
#define C_UF      0x10
#define D_VALID   0x80
#define HOUR_PM   0x80

#define SECOND_NS INT64_C(1000000000)
#define UIP_NS    (244 * INT64_C(1000)) /* the update-in-progress window before a second ends */

struct fields {
    int second, minute, hour, weekday, day, month, year; /* weekday 1 to 7, Sunday first */
};

struct rtc {
    const struct device_host *host;
    os_mutex lock; /* all below */
    uint8_t index;
    uint8_t cmos[128];   /* the clock's fields hold what was set, while B_SET stops it */
    int64_t offset;      /* guest's seconds less the host's */
    int64_t seen_second; /* at the last read of register C */
};

/* Days since 1970-01-01 in the proleptic Gregorian calendar. The year starts in March here, so that
 * the leap day comes last. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    int64_t shifted = year * 12 + (month - 1) - 2;
    int64_t y = shifted / 12, m = shifted % 12;

    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

static void fields_from_seconds(int64_t seconds, struct fields *out)
{
    int64_t days = seconds / 86400, rest = seconds % 86400;
    int64_t year = 1970 + days / 366;
    int month = 1;

    while (days_from_date(year + 1, 1, 1) <= days)
        year++;
    while (month < 12 && days_from_date(year, month + 1, 1) <= days)
        month++;
    out->second = (int)(rest % 60);
    out->minute = (int)(rest / 60 % 60);
    out->hour = (int)(rest / 3600);
    out->weekday = (int)((days + 4) % 7) + 1;
    out->day = (int)(days - days_from_date(year, month, 1)) + 1;
    out->month = month;
    out->year = (int)year;
}

static int64_t guest_seconds(const struct rtc *rtc)
{
    int64_t seconds = rtc->host->wall_ns(rtc->host->context) / SECOND_NS + rtc->offset;

    return seconds < 0 ? 0 : seconds;
}

static uint8_t encode(const struct rtc *rtc, int value)
{
    return (uint8_t)(rtc->cmos[REG_B] & B_BINARY ? value : value / 10 * 16 + value % 10);
}

static int decode(const struct rtc *rtc, uint8_t value)
{
    return rtc->cmos[REG_B] & B_BINARY ? value : (value >> 4) * 10 + (value & 15);
}

static uint8_t encode_hour(const struct rtc *rtc, int hour)
{
    if (rtc->cmos[REG_B] & B_24H)
        return encode(rtc, hour);
    return encode(rtc, hour % 12 == 0 ? 12 : hour % 12) | (hour >= 12 ? HOUR_PM : 0);
}

static int decode_hour(const struct rtc *rtc, uint8_t value)
{
    if (rtc->cmos[REG_B] & B_24H)
        return decode(rtc, value);
    return decode(rtc, value & (uint8_t)~HOUR_PM) % 12 + (value & HOUR_PM ? 12 : 0);
}

/* Put the running clock into its registers. */
static void load_clock(struct rtc *rtc)
{
    struct fields now;

    if (rtc->cmos[REG_B] & B_SET)
        return;
    fields_from_seconds(guest_seconds(rtc), &now);
    rtc->cmos[REG_SECONDS] = encode(rtc, now.second);
    rtc->cmos[REG_MINUTES] = encode(rtc, now.minute);
    rtc->cmos[REG_HOURS] = encode_hour(rtc, now.hour);
    rtc->cmos[REG_WEEKDAY] = encode(rtc, now.weekday);
    rtc->cmos[REG_DAY] = encode(rtc, now.day);
    rtc->cmos[REG_MONTH] = encode(rtc, now.month);
    rtc->cmos[REG_YEAR] = encode(rtc, now.year % 100);
    rtc->cmos[REG_CENTURY] = encode(rtc, now.year / 100 % 100);
}

/* Run the clock on from what its registers hold. Fields out of range carry over. */
static void store_clock(struct rtc *rtc)
{
    int64_t year = decode(rtc, rtc->cmos[REG_CENTURY]) * 100 + decode(rtc, rtc->cmos[REG_YEAR]);
    int64_t days =
        days_from_date(year, decode(rtc, rtc->cmos[REG_MONTH]), decode(rtc, rtc->cmos[REG_DAY]));
    int64_t seconds = days * 86400 + decode_hour(rtc, rtc->cmos[REG_HOURS]) * 3600 +
                      decode(rtc, rtc->cmos[REG_MINUTES]) * 60 +
                      decode(rtc, rtc->cmos[REG_SECONDS]);

    rtc->offset = seconds - rtc->host->wall_ns(rtc->host->context) / SECOND_NS;
}

static bool is_clock(uint8_t index)
{
    return index == REG_SECONDS || index == REG_MINUTES || index == REG_HOURS ||
           (index >= REG_WEEKDAY && index <= REG_YEAR) || index == REG_CENTURY;
}

static uint8_t read_cmos(struct rtc *rtc, uint8_t index)
{
    int64_t second;
    uint8_t value;

    if (is_clock(index))
        load_clock(rtc);
    value = rtc->cmos[index];
    switch (index) {
    case REG_A:
        if (!(rtc->cmos[REG_B] & B_SET) &&
            rtc->host->wall_ns(rtc->host->context) % SECOND_NS >= SECOND_NS - UIP_NS)
            value |= A_UIP;
        break;
    case REG_C:
        second = guest_seconds(rtc);
        value = second != rtc->seen_second ? C_UF : 0;
        rtc->seen_second = second;
        break;
    case REG_D:
        value = D_VALID;
        break;
    default:
        break;
    }
    return value;
}

static void write_cmos(struct rtc *rtc, uint8_t index, uint8_t value)
{
    if (index == REG_C || index == REG_D)
        return;
    if (index == REG_A)
        value &= (uint8_t)~A_UIP;
    if (index == REG_B) {
        /* Stop, or change the format, with the time there is. */
        load_clock(rtc);
        if ((rtc->cmos[REG_B] & B_SET) && !(value & B_SET)) {
            rtc->cmos[REG_B] = value;
            store_clock(rtc);
        }
        rtc->cmos[REG_B] = value;
        return;
    }
    if (is_clock(index)) {
        load_clock(rtc);
        rtc->cmos[index] = value;
        /* The day of the week follows from the date. */
        if (!(rtc->cmos[REG_B] & B_SET) && index != REG_WEEKDAY)
            store_clock(rtc);
        return;
    }
    rtc->cmos[index] = value;
}

static uint64_t rtc_read(void *device, uint64_t offset, uint8_t size)
{
    struct rtc *rtc = device;
    uint8_t value = 0xff;

    (void)size;
    os_mutex_lock(&rtc->lock);
    if (offset == 1)
        value = read_cmos(rtc, rtc->index);
    os_mutex_unlock(&rtc->lock);
    return value;
}

static void rtc_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    struct rtc *rtc = device;

    (void)size;
    os_mutex_lock(&rtc->lock);
    if (offset == 0)
        rtc->index = value & 0x7f; /* bit 7 masks NMI, of which there is no source */
    else
        write_cmos(rtc, rtc->index, (uint8_t)value);
    os_mutex_unlock(&rtc->lock);
}

static void store_16(struct rtc *rtc, uint8_t index, uint64_t value)
{
    if (value > 0xffff)
        value = 0xffff;
    rtc->cmos[index] = (uint8_t)value;
    rtc->cmos[index + 1] = (uint8_t)(value >> 8);
}

static void fill_cmos(struct rtc *rtc)
{
    uint64_t low = memmap_low_size(rtc->host->ram_size);
    uint64_t high = memmap_high_size(rtc->host->ram_size) >> 16;
    uint64_t over_1m = low > 0x100000 ? (low - 0x100000) >> 10 : 0;

    rtc->cmos[REG_A] = A_DEFAULT;
    rtc->cmos[REG_B] = B_24H;
    store_16(rtc, REG_BASE_MEMORY, (low < 0xa0000 ? low : 0xa0000) >> 10);
    store_16(rtc, REG_EXTENDED_MEMORY, over_1m);
    store_16(rtc, REG_EXTENDED_MEMORY2, over_1m);
    store_16(rtc, REG_MEMORY_16M, low > 0x1000000 ? (low - 0x1000000) >> 16 : 0);
    if (high > 0xffffff)
        high = 0xffffff;
    for (int i = 0; i < 3; i++)
        rtc->cmos[REG_MEMORY_4G + i] = (uint8_t)(high >> (8 * i));
    rtc->cmos[REG_CPUS] = (uint8_t)(rtc->host->cpus - 1);
}

static void rtc_destroy(void *device)
{
    struct rtc *rtc = device;

    os_mutex_destroy(&rtc->lock);
    os_free(rtc);
}

static vmaccel_status rtc_create(const struct device_host *host, const struct device_args *args,
                                 void **device)
{
    struct bus_range range = {.base = MEMMAP_RTC_PORT,
                              .size = 2,
                              .name = "rtc",
                              .width = 1,
                              .read = rtc_read,
                              .write = rtc_write};
    struct rtc *rtc = device_alloc(&device_rtc, sizeof(*rtc));
    vmaccel_status status;

    (void)args;
    if (rtc == NULL)
        return VMACCEL_E_NO_MEMORY;
    os_mutex_init(&rtc->lock);
    rtc->host = host;
    fill_cmos(rtc);
    range.device = rtc;
    status = bus_add(host->ports, &range);
    if (status != VMACCEL_OK) {
        rtc_destroy(rtc);
        return status;
    }
    *device = rtc;
    return VMACCEL_OK;
}

const struct device_class device_rtc = {
    .name = "rtc",
    .description = "MC146818 clock and CMOS memory at 0x70, with the host's time (UTC)",
    .options = "",
    .archs = DEVICE_X86,
    .flags = DEVICE_DEFAULT,
    .create = rtc_create,
    .destroy = rtc_destroy,
};
