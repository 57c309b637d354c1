/* SPDX-License-Identifier: BSD-2-Clause */
/* i8042 keyboard controller with nothing plugged in: self test, configuration byte, A20 gate, and
 * the reset pulse that kernels reboot with. */
#include "machine/device.h"
#include "machine/memmap_x86.h"
#include "os/os.h"

enum { OFFSET_DATA = 0, OFFSET_COMMAND = MEMMAP_I8042_COMMAND - MEMMAP_I8042_DATA };

#define STATUS_OBF      0x01 /* output buffer full */
#define STATUS_SYSTEM   0x04 /* self test passed */
#define STATUS_COMMAND  0x08 /* the last write was a command */
#define STATUS_UNLOCKED 0x10
#define STATUS_TIMEOUT  0x40 /* the device did not answer */

#define CONFIG_IRQ1    0x01
#define CONFIG_SYSTEM  0x04
#define CONFIG_DEFAULT 0x74 /* system flag, both ports off, translation */

#define CMD_READ_RAM      0x20 /* to 0x3f; 0x20 is the configuration byte */
#define CMD_WRITE_RAM     0x60 /* to 0x7f */
#define CMD_AUX_OFF       0xa7
#define CMD_AUX_ON        0xa8
#define CMD_AUX_TEST      0xa9
#define CMD_SELF_TEST     0xaa
#define CMD_KEYBOARD_TEST 0xab
#define CMD_KEYBOARD_OFF  0xad
#define CMD_KEYBOARD_ON   0xae
#define CMD_READ_OUTPUT   0xd0
#define CMD_WRITE_OUTPUT  0xd1
#define CMD_LOOP_KEYBOARD 0xd2
#define CMD_LOOP_AUX      0xd3
#define CMD_WRITE_AUX     0xd4
#define CMD_PULSE         0xf0 /* to 0xff: pulses the output lines whose bit is 0 */

#define OUTPUT_NO_RESET 0x01
#define OUTPUT_A20      0x02

#define TEST_PASSED    0x55
#define TEST_CLOCK_LOW 0x01 /* no device drives the clock */
#define ANSWER_RESEND  0xfe

#define IRQ_KEYBOARD 1

struct i8042 {
    const struct device_host *host;
    os_mutex lock; /* all below */
    uint8_t status, data, output;
    uint8_t command; /* that waits for its data byte, or 0 */
    bool level;
    uint8_t ram[32]; /* [0] is the configuration byte */
};

static void update_line(struct i8042 *ctl)
{
    bool level = (ctl->status & STATUS_OBF) && (ctl->ram[0] & CONFIG_IRQ1);

    if (level != ctl->level) {
        ctl->level = level;
        ctl->host->irq(ctl->host->context, IRQ_KEYBOARD, level);
    }
}

static void answer(struct i8042 *ctl, uint8_t data)
{
    ctl->data = data;
    ctl->status = (uint8_t)((ctl->status & ~STATUS_TIMEOUT) | STATUS_OBF);
}

static void reset(struct i8042 *ctl)
{
    ctl->host->stop(ctl->host->context, VMACCEL_MACHINE_RESET, 0,
                    "the guest reset the machine through the keyboard controller");
}

static void run_command(struct i8042 *ctl, uint8_t command)
{
    ctl->status |= STATUS_COMMAND;
    ctl->command = 0;
    if (command >= CMD_PULSE) {
        if (!(command & OUTPUT_NO_RESET))
            reset(ctl);
        return;
    }
    if (command >= CMD_READ_RAM && command < CMD_READ_RAM + sizeof(ctl->ram)) {
        answer(ctl, ctl->ram[command - CMD_READ_RAM]);
        return;
    }
    if (command >= CMD_WRITE_RAM && command < CMD_WRITE_RAM + sizeof(ctl->ram)) {
        ctl->command = command;
        return;
    }
    switch (command) {
    case CMD_AUX_OFF:
        ctl->ram[0] |= 0x20;
        break;
    case CMD_AUX_ON:
        ctl->ram[0] &= (uint8_t)~0x20;
        break;
    case CMD_KEYBOARD_OFF:
        ctl->ram[0] |= 0x10;
        break;
    case CMD_KEYBOARD_ON:
        ctl->ram[0] &= (uint8_t)~0x10;
        break;
    case CMD_SELF_TEST:
        ctl->status |= STATUS_SYSTEM;
        answer(ctl, TEST_PASSED);
        break;
    case CMD_AUX_TEST:
    case CMD_KEYBOARD_TEST:
        answer(ctl, TEST_CLOCK_LOW);
        break;
    case CMD_READ_OUTPUT:
        answer(ctl, ctl->output);
        break;
    case CMD_WRITE_OUTPUT:
    case CMD_LOOP_KEYBOARD:
    case CMD_LOOP_AUX:
    case CMD_WRITE_AUX:
        ctl->command = command;
        break;
    default:
        break;
    }
}

static void take_data(struct i8042 *ctl, uint8_t data)
{
    uint8_t command = ctl->command;

    ctl->status &= (uint8_t)~STATUS_COMMAND;
    ctl->command = 0;
    if (command >= CMD_WRITE_RAM && command < CMD_WRITE_RAM + sizeof(ctl->ram)) {
        ctl->ram[command - CMD_WRITE_RAM] = data;
        return;
    }
    switch (command) {
    case CMD_WRITE_OUTPUT:
        if (!(data & OUTPUT_NO_RESET))
            reset(ctl);
        ctl->output = data | OUTPUT_NO_RESET;
        break;
    case CMD_LOOP_KEYBOARD:
    case CMD_LOOP_AUX: /* without the auxiliary flag: there is no such port */
        answer(ctl, data);
        break;
    default: /* for a device that is not there */
        answer(ctl, ANSWER_RESEND);
        ctl->status |= STATUS_TIMEOUT;
        break;
    }
}

static uint64_t i8042_read(void *device, uint64_t offset, uint8_t size)
{
    struct i8042 *ctl = device;
    bool is_data = offset == OFFSET_DATA;
    uint8_t value;

    (void)size;
    os_mutex_lock(&ctl->lock);
    value = is_data ? ctl->data : ctl->status;
    if (is_data)
        ctl->status &= (uint8_t) ~(STATUS_OBF | STATUS_TIMEOUT);
    update_line(ctl);
    os_mutex_unlock(&ctl->lock);
    return value;
}

static void i8042_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    struct i8042 *ctl = device;

    (void)size;
    os_mutex_lock(&ctl->lock);
    if (offset == OFFSET_DATA)
        take_data(ctl, (uint8_t)value);
    else
        run_command(ctl, (uint8_t)value);
    update_line(ctl);
    os_mutex_unlock(&ctl->lock);
}

static uint64_t command_read(void *device, uint64_t offset, uint8_t size)
{
    return i8042_read(device, offset + OFFSET_COMMAND, size);
}

static void command_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    i8042_write(device, offset + OFFSET_COMMAND, size, value);
}

static void i8042_destroy(void *device)
{
    struct i8042 *ctl = device;

    os_mutex_destroy(&ctl->lock);
    os_free(ctl);
}

static vmaccel_status i8042_create(const struct device_host *host, const struct device_args *args,
                                   void **device)
{
    struct i8042 *ctl = device_alloc(&device_i8042, sizeof(*ctl));
    struct bus_range data = {
        MEMMAP_I8042_DATA, 1, "i8042", 1, ctl, i8042_read, i8042_write,
    };
    struct bus_range command = {
        MEMMAP_I8042_COMMAND, 1, "i8042", 1, ctl, command_read, command_write,
    };
    vmaccel_status status;

    (void)args;
    if (ctl == NULL)
        return VMACCEL_E_NO_MEMORY;
    os_mutex_init(&ctl->lock);
    ctl->host = host;
    ctl->status = STATUS_SYSTEM | STATUS_UNLOCKED;
    ctl->ram[0] = CONFIG_DEFAULT;
    ctl->output = OUTPUT_NO_RESET | OUTPUT_A20;
    status = bus_add(host->ports, &data);
    if (status == VMACCEL_OK)
        status = bus_add(host->ports, &command);
    if (status != VMACCEL_OK) {
        i8042_destroy(ctl);
        return status;
    }
    *device = ctl;
    return VMACCEL_OK;
}

const struct device_class device_i8042 = {
    .name = "i8042",
    .description = "keyboard controller at 0x60 and 0x64 without a keyboard; resets the machine",
    .options = "",
    .archs = DEVICE_X86,
    .flags = DEVICE_DEFAULT,
    .create = i8042_create,
    .destroy = i8042_destroy,
};
