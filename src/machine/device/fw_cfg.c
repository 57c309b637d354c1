/* SPDX-License-Identifier: BSD-2-Clause */
/* QEMU's firmware configuration device: items the guest selects by a key and reads through a data
 * port or by DMA. All items are constant. Layout: QEMU's "fw_cfg" specification and Linux's
 * uapi/linux/qemu_fw_cfg.h. */
#include <stdlib.h>
#include <string.h>

#include "machine/device.h"
#include "os/os.h"

#define PORT        0x510 /* selector, 16 bits; data at 0x511 */
#define PORT_DMA    0x514 /* address of the request, 64 bits, big-endian */
#define OFFSET_DATA 1

#define KEY_SIGNATURE  0x00
#define KEY_ID         0x01
#define KEY_RAM_SIZE   0x03
#define KEY_CPUS       0x05
#define KEY_MAX_CPUS   0x0f
#define KEY_DIRECTORY  0x19
#define KEY_FIRST_FILE 0x20
#define KEY_WRITE      0x4000u /* channel; ignored, as nothing is writable */

#define ID_TRADITIONAL 0x01
#define ID_DMA         0x02

#define DMA_SIGNATURE UINT64_C(0x51454d5520434647) /* "QEMU CFG" */
#define DMA_ERROR     0x01u
#define DMA_READ      0x02u
#define DMA_SKIP      0x04u
#define DMA_SELECT    0x08u /* the key is in bits 31 to 16 */
#define DMA_WRITE     0x10u

#define MAX_FILES     16
#define MAX_FILE_SIZE (1024u * 1024 * 1024)
#define NAME_SIZE     56 /* terminator included */
#define ENTRY_SIZE    (4 + 2 + 2 + NAME_SIZE)
/* How far past an item's end one request may read zeros: bounds the time it takes. */
#define MAX_PADDING (1024u * 1024)

struct item {
    const uint8_t *data;
    uint32_t size;
};

struct fw_cfg {
    const struct device_host *host;
    os_mutex lock; /* key, offset, dma_high */
    uint16_t key;
    uint32_t offset;
    uint32_t dma_high;
    /* Constant once made. */
    uint8_t signature[4], id[4], ram_size[8], cpus[2];
    uint8_t directory[4 + MAX_FILES * ENTRY_SIZE];
    uint32_t file_count;
    struct item files[MAX_FILES];
};

static void put_le(uint8_t *at, uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void put_be(uint8_t *at, uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

static uint64_t get_be(const uint8_t *at, int size)
{
    uint64_t value = 0;

    for (int i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

static uint32_t swap_32(uint32_t value)
{
    return value >> 24 | (value >> 8 & 0xff00) | (value << 8 & 0xff0000) | value << 24;
}

/* The selected item; an empty one where there is none of that key. */
static struct item selected(const struct fw_cfg *cfg)
{
    switch (cfg->key) {
    case KEY_SIGNATURE:
        return (struct item){cfg->signature, sizeof(cfg->signature)};
    case KEY_ID:
        return (struct item){cfg->id, sizeof(cfg->id)};
    case KEY_RAM_SIZE:
        return (struct item){cfg->ram_size, sizeof(cfg->ram_size)};
    case KEY_CPUS:
    case KEY_MAX_CPUS:
        return (struct item){cfg->cpus, sizeof(cfg->cpus)};
    case KEY_DIRECTORY:
        return (struct item){cfg->directory, 4 + cfg->file_count * ENTRY_SIZE};
    default:
        if (cfg->key >= KEY_FIRST_FILE && cfg->key - KEY_FIRST_FILE < (int)cfg->file_count)
            return cfg->files[cfg->key - KEY_FIRST_FILE];
        return (struct item){NULL, 0};
    }
}

static void select_key(struct fw_cfg *cfg, uint16_t key)
{
    cfg->key = key & (uint16_t)~KEY_WRITE;
    cfg->offset = 0;
}

static uint32_t left(const struct fw_cfg *cfg)
{
    struct item item = selected(cfg);

    return cfg->offset < item.size ? item.size - cfg->offset : 0;
}

static uint64_t data_read(void *device, uint64_t offset, uint8_t size)
{
    struct fw_cfg *cfg = device;
    uint8_t value = 0;

    (void)size;
    if (offset != OFFSET_DATA)
        return 0;
    os_mutex_lock(&cfg->lock);
    if (left(cfg) > 0)
        value = selected(cfg).data[cfg->offset++];
    os_mutex_unlock(&cfg->lock);
    return value;
}

static void selector_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    struct fw_cfg *cfg = device;

    if (offset != 0 || size != 2)
        return;
    os_mutex_lock(&cfg->lock);
    select_key(cfg, (uint16_t)value);
    os_mutex_unlock(&cfg->lock);
}

static bool transfer(struct fw_cfg *cfg, uint64_t gpa, uint32_t length)
{
    static const uint8_t zeros[4096];
    const struct device_host *host = cfg->host;
    uint32_t present = left(cfg) < length ? left(cfg) : length;
    uint32_t padding = length - present;

    if (padding > MAX_PADDING || gpa > UINT64_MAX - length)
        return false;
    if (present > 0 &&
        !host->dma_write(host->context, gpa, selected(cfg).data + cfg->offset, present))
        return false;
    cfg->offset += present;
    for (gpa += present; padding > 0;) {
        uint32_t part = padding < sizeof(zeros) ? padding : (uint32_t)sizeof(zeros);

        if (!host->dma_write(host->context, gpa, zeros, part))
            return false;
        gpa += part;
        padding -= part;
    }
    return true;
}

static void run_request(struct fw_cfg *cfg, uint64_t gpa)
{
    const struct device_host *host = cfg->host;
    uint8_t request[16], result[4];
    uint32_t control, length;
    bool ok = true;

    /* Without a request there is no place to report the error to. */
    if (!host->dma_read(host->context, gpa, request, sizeof(request)))
        return;
    control = (uint32_t)get_be(request, 4);
    length = (uint32_t)get_be(request + 4, 4);
    if (control & DMA_SELECT)
        select_key(cfg, (uint16_t)(control >> 16));
    if (control & DMA_READ)
        ok = transfer(cfg, get_be(request + 8, 8), length);
    else if (control & DMA_WRITE)
        ok = false;
    else if (control & DMA_SKIP)
        cfg->offset += left(cfg) < length ? left(cfg) : length;
    put_be(result, ok ? 0 : DMA_ERROR, 4);
    (void)host->dma_write(host->context, gpa, result, sizeof(result));
}

static uint64_t dma_read(void *device, uint64_t offset, uint8_t size)
{
    uint64_t value = 0;

    (void)device;
    for (uint8_t i = 0; i < size; i++)
        value |= (DMA_SIGNATURE >> (8 * (7 - (offset + i))) & 0xff) << (8 * i);
    return value;
}

static void dma_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    struct fw_cfg *cfg = device;
    uint32_t half = swap_32((uint32_t)value);

    if (size != 4)
        return;
    os_mutex_lock(&cfg->lock);
    if (offset == 0) {
        cfg->dma_high = half;
    } else if (offset == 4) {
        uint64_t gpa = (uint64_t)cfg->dma_high << 32 | half;

        cfg->dma_high = 0;
        run_request(cfg, gpa);
    }
    os_mutex_unlock(&cfg->lock);
}

static void fw_cfg_destroy(void *device)
{
    struct fw_cfg *cfg = device;

    for (uint32_t i = 0; i < cfg->file_count; i++)
        free((void *)(uintptr_t)cfg->files[i].data);
    os_mutex_destroy(&cfg->lock);
    os_free(cfg);
}

static vmaccel_status add_file(struct fw_cfg *cfg, const char *name, const char *path)
{
    uint8_t *entry = cfg->directory + 4 + cfg->file_count * ENTRY_SIZE, *data;
    char text[64];
    size_t size;
    int32_t error;

    if (strlen(name) >= NAME_SIZE)
        return device_fail(&device_fw_cfg, VMACCEL_E_INVALID_ARGUMENT,
                           "file=%s is longer than %d bytes", name, NAME_SIZE - 1);
    for (uint32_t i = 0; i < cfg->file_count; i++)
        if (strcmp((const char *)cfg->directory + 4 + i * ENTRY_SIZE + 8, name) == 0)
            return device_fail(&device_fw_cfg, VMACCEL_E_INVALID_ARGUMENT, "file=%s comes twice",
                               name);
    if (cfg->file_count == MAX_FILES)
        return device_fail(&device_fw_cfg, VMACCEL_E_LIMIT, "more than %d files", MAX_FILES);
    error = os_file_read(path, MAX_FILE_SIZE, &data, &size);
    if (error != 0) {
        os_error_text(error, text, sizeof(text));
        return device_fail(&device_fw_cfg, VMACCEL_E_IO, "path=%s: %s", path, text);
    }
    cfg->files[cfg->file_count] = (struct item){data, (uint32_t)size};
    put_be(entry, size, 4);
    put_be(entry + 4, KEY_FIRST_FILE + cfg->file_count, 2);
    memcpy(entry + 8, name, strlen(name) + 1);
    cfg->file_count++;
    put_be(cfg->directory, cfg->file_count, 4);
    return VMACCEL_OK;
}

/* The options come in pairs: file=NAME,path=PATH. */
static vmaccel_status add_files(struct fw_cfg *cfg, const struct device_args *args)
{
    for (size_t i = 0; i < args->count; i += 2) {
        const struct device_option *option = &args->options[i];
        vmaccel_status status;

        if (strcmp(option[0].name, "file") != 0 || i + 1 == args->count ||
            strcmp(option[1].name, "path") != 0)
            return device_fail(&device_fw_cfg, VMACCEL_E_INVALID_ARGUMENT,
                               "%s=%s does not stand in a pair file=NAME,path=PATH", option[0].name,
                               option[0].value);
        status = add_file(cfg, option[0].value, option[1].value);
        if (status != VMACCEL_OK)
            return status;
    }
    return VMACCEL_OK;
}

static vmaccel_status fw_cfg_create(const struct device_host *host, const struct device_args *args,
                                    void **device)
{
    struct fw_cfg *cfg = device_alloc(&device_fw_cfg, sizeof(*cfg));
    const struct bus_range data = {PORT, 2, "fw_cfg", 2, cfg, data_read, selector_write};
    const struct bus_range dma = {PORT_DMA, 8, "fw_cfg DMA", 4, cfg, dma_read, dma_write};
    vmaccel_status status;

    if (cfg == NULL)
        return VMACCEL_E_NO_MEMORY;
    os_mutex_init(&cfg->lock);
    cfg->host = host;
    memcpy(cfg->signature, "QEMU", 4);
    put_le(cfg->id, ID_TRADITIONAL | ID_DMA, 4);
    put_le(cfg->ram_size, host->ram_size, 8);
    put_le(cfg->cpus, host->cpus, 2);
    status = add_files(cfg, args);
    if (status == VMACCEL_OK)
        status = bus_add(host->ports, &data);
    if (status == VMACCEL_OK)
        status = bus_add(host->ports, &dma);
    if (status != VMACCEL_OK) {
        fw_cfg_destroy(cfg);
        return status;
    }
    *device = cfg;
    return VMACCEL_OK;
}

const struct device_class device_fw_cfg = {
    .name = "fw_cfg",
    .description = "QEMU's firmware configuration device at port 0x510",
    .options = "file=NAME  the name of a file to offer; path follows, and pairs may repeat\n"
               "path=PATH  where its content comes from on the host",
    .archs = DEVICE_X86,
    .flags = DEVICE_DEFAULT,
    .create = fw_cfg_create,
    .destroy = fw_cfg_destroy,
};
