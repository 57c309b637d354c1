/* SPDX-License-Identifier: BSD-2-Clause */
/* Arm PrimeCell UART (PL011), revision r1p1. Source: Arm DDI 0183. The transmitter is
 * instantaneous, and sends while it is disabled too. Input waits in a queue until the guest has
 * raised RTS, enabled a receive interrupt, not touched the masks at all, or keeps looking at the
 * flags: what a driver's start-up discards is not the user's. */
#include <string.h>

#include "machine/device.h"
#include "machine/device/console_queue.h"
#include "machine/device/primecell.h"
#include "machine/memmap_arm64.h"
#include "os/os.h"

enum {
    REG_DR = 0x00,
    REG_RSR = 0x04, /* ECR when written */
    REG_FR = 0x18,
    REG_ILPR = 0x20,
    REG_IBRD = 0x24,
    REG_FBRD = 0x28,
    REG_LCR_H = 0x2C,
    REG_CR = 0x30,
    REG_IFLS = 0x34,
    REG_IMSC = 0x38,
    REG_RIS = 0x3C,
    REG_MIS = 0x40,
    REG_ICR = 0x44,
    REG_DMACR = 0x48
};

#define DR_OE  0x800
#define RSR_OE 0x8

#define FR_CTS  0x001
#define FR_DSR  0x002
#define FR_DCD  0x004
#define FR_RXFE 0x010
#define FR_RXFF 0x040
#define FR_TXFE 0x080
#define FR_RI   0x100

#define LCR_FEN 0x10

#define CR_UARTEN 0x0001
#define CR_LBE    0x0080
#define CR_RXE    0x0200
#define CR_DTR    0x0400
#define CR_RTS    0x0800
#define CR_OUT1   0x1000
#define CR_OUT2   0x2000
#define CR_RESET  0x0300

#define INT_RI  0x001
#define INT_CTS 0x002
#define INT_DCD 0x004
#define INT_DSR 0x008
#define INT_RX  0x010
#define INT_TX  0x020
#define INT_RT  0x040
#define INT_OE  0x400
#define INT_ALL 0x7FF

#define PART       0x011
#define REVISION   1 /* its FIFOs have 16 entries */
#define FIFO_SIZE  16
#define IFLS_RESET 0x12
#define POLLS      64 /* looks at the flags in a row that tell of a program waiting for input */

struct pl011 {
    const struct device_host *host;
    os_mutex lock; /* all below */
    bool level;    /* of the interrupt line */
    bool cr_written, imsc_written;
    bool overrun; /* the next byte read tells */
    uint8_t polls;
    uint32_t rsr, ilpr, ibrd, fbrd, lcr, cr, ifls, imsc, ris, dmacr, modem;
    uint8_t loop[FIFO_SIZE]; /* receiver in loopback, where the line is cut off */
    uint32_t loop_count;
    struct console_queue queue;
};

static bool looped(const struct pl011 *uart)
{
    return uart->cr & CR_LBE;
}

static uint32_t fifo_size(const struct pl011 *uart)
{
    return uart->lcr & LCR_FEN ? FIFO_SIZE : 1;
}

static bool receives(const struct pl011 *uart)
{
    const uint32_t on = CR_UARTEN | CR_RXE;

    if (uart->cr_written && (uart->cr & on) != on)
        return false;
    return !uart->imsc_written || (uart->imsc & (INT_RX | INT_RT)) || (uart->cr & CR_RTS) ||
           uart->polls >= POLLS;
}

/* Bytes in the receive FIFO. */
static uint32_t received(const struct pl011 *uart)
{
    uint32_t count = console_queue_count(&uart->queue), size = fifo_size(uart);

    if (looped(uart))
        return uart->loop_count;
    if (!receives(uart))
        return 0;
    return count < size ? count : size;
}

static uint32_t trigger(const struct pl011 *uart)
{
    static const uint8_t levels[8] = {2, 4, 8, 12, 14, 14, 14, 14};

    return uart->lcr & LCR_FEN ? levels[uart->ifls >> 3 & 7] : 1;
}

/* What the count of received bytes means to the receive interrupts. `arrived`: a byte has come into
 * the FIFO; nothing more comes at once, so the receiver times out at once. */
static void update_receiver(struct pl011 *uart, bool arrived)
{
    uint32_t count = received(uart);

    if (arrived && count > 0)
        uart->ris |= INT_RT;
    if (arrived && count >= trigger(uart))
        uart->ris |= INT_RX;
    if (count == 0)
        uart->ris &= ~(uint32_t)INT_RT;
    if (count < trigger(uart))
        uart->ris &= ~(uint32_t)INT_RX;
}

static void update_line(struct pl011 *uart)
{
    bool level = (uart->ris & uart->imsc) != 0;

    if (level != uart->level) {
        uart->level = level;
        uart->host->irq(uart->host->context, VIRT_UART_IRQ, level);
    }
}

static void set_modem_lines(struct pl011 *uart)
{
    static const uint32_t lines[4][2] = {
        {FR_CTS, INT_CTS}, {FR_DSR, INT_DSR}, {FR_DCD, INT_DCD}, {FR_RI, INT_RI}};
    uint32_t state = FR_CTS | FR_DSR | FR_DCD;

    if (looped(uart))
        state = (uart->cr & CR_RTS ? FR_CTS : 0) | (uart->cr & CR_DTR ? FR_DSR : 0) |
                (uart->cr & CR_OUT1 ? FR_DCD : 0) | (uart->cr & CR_OUT2 ? FR_RI : 0);
    for (int i = 0; i < 4; i++)
        if ((state ^ uart->modem) & lines[i][0])
            uart->ris |= lines[i][1];
    uart->modem = state;
}

static uint32_t read_data(struct pl011 *uart)
{
    uint32_t value = uart->overrun ? DR_OE : 0, left = console_queue_count(&uart->queue);

    if (received(uart) == 0)
        return 0;
    uart->overrun = false;
    uart->rsr = value >> 8;
    if (looped(uart)) {
        value |= uart->loop[0];
        uart->loop_count--;
        memmove(uart->loop, uart->loop + 1, uart->loop_count);
        update_receiver(uart, false);
    } else {
        value |= console_queue_take(&uart->queue);
        /* The next one moves up. */
        update_receiver(uart, left > fifo_size(uart));
    }
    return value;
}

static uint32_t read_flags(struct pl011 *uart)
{
    uint32_t flags = FR_TXFE | uart->modem;
    bool open = receives(uart);

    if (uart->polls < POLLS)
        uart->polls++;
    if (!open && receives(uart))
        update_receiver(uart, true);
    if (received(uart) == 0)
        flags |= FR_RXFE;
    if (received(uart) >= fifo_size(uart))
        flags |= FR_RXFF;
    return flags;
}

static uint32_t read_register(struct pl011 *uart, uint64_t offset)
{
    if (offset >= PRIMECELL_ID)
        return primecell_id(offset, PART, REVISION);
    switch (offset) {
    case REG_DR:
        return read_data(uart);
    case REG_RSR:
        return uart->rsr;
    case REG_FR:
        return read_flags(uart);
    case REG_ILPR:
        return uart->ilpr;
    case REG_IBRD:
        return uart->ibrd;
    case REG_FBRD:
        return uart->fbrd;
    case REG_LCR_H:
        return uart->lcr;
    case REG_CR:
        return uart->cr;
    case REG_IFLS:
        return uart->ifls;
    case REG_IMSC:
        return uart->imsc;
    case REG_RIS:
        return uart->ris;
    case REG_MIS:
        return uart->ris & uart->imsc;
    case REG_DMACR:
        return uart->dmacr;
    default:
        return 0;
    }
}

static uint64_t pl011_read(void *device, uint64_t offset, uint8_t size)
{
    struct pl011 *uart = device;
    uint64_t value;

    (void)size;
    if (!primecell_is_register(offset))
        return 0;
    os_mutex_lock(&uart->lock);
    value = read_register(uart, offset);
    update_line(uart);
    os_mutex_unlock(&uart->lock);
    return value;
}

/* Returns whether the byte leaves on the line. */
static bool write_data(struct pl011 *uart, uint8_t value)
{
    if (uart->polls < POLLS)
        uart->polls = 0;
    uart->ris |= INT_TX;
    if (!looped(uart))
        return true;
    if (uart->loop_count < fifo_size(uart)) {
        uart->loop[uart->loop_count++] = value;
    } else {
        uart->overrun = true;
        uart->ris |= INT_OE;
    }
    update_receiver(uart, true);
    return false;
}

/* For registers that may open or close the line. */
static void set_control(struct pl011 *uart, uint32_t *reg, uint32_t value)
{
    uint32_t before = received(uart);

    *reg = value;
    uart->cr_written |= reg == &uart->cr;
    uart->imsc_written |= reg == &uart->imsc;
    set_modem_lines(uart);
    update_receiver(uart, received(uart) > before);
}

static bool write_register(struct pl011 *uart, uint64_t offset, uint32_t value)
{
    switch (offset) {
    case REG_DR:
        return write_data(uart, (uint8_t)value);
    case REG_RSR:
        uart->rsr = 0;
        uart->overrun = false;
        break;
    case REG_ILPR:
        uart->ilpr = value & 0xff;
        break;
    case REG_IBRD:
        uart->ibrd = value & 0xffff;
        break;
    case REG_FBRD:
        uart->fbrd = value & 0x3f;
        break;
    case REG_LCR_H:
        if (looped(uart) && ((uart->lcr ^ value) & LCR_FEN))
            uart->loop_count = 0;
        set_control(uart, &uart->lcr, value & 0xff);
        break;
    case REG_CR:
        if ((uart->cr ^ value) & CR_LBE)
            uart->loop_count = 0;
        set_control(uart, &uart->cr, value & 0xffff);
        break;
    case REG_IFLS:
        set_control(uart, &uart->ifls, value & 0x3f);
        break;
    case REG_IMSC:
        set_control(uart, &uart->imsc, value & INT_ALL);
        break;
    case REG_ICR:
        uart->ris &= ~value;
        break;
    case REG_DMACR: /* stored; there is no DMA controller */
        uart->dmacr = value & 7;
        break;
    default: /* FR, RIS, MIS and the identification are read-only */
        break;
    }
    return false;
}

static void pl011_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    struct pl011 *uart = device;
    uint8_t byte = (uint8_t)value;
    bool send;

    (void)size;
    if (!primecell_is_register(offset))
        return;
    os_mutex_lock(&uart->lock);
    send = write_register(uart, offset, (uint32_t)value);
    update_line(uart);
    os_mutex_unlock(&uart->lock);
    if (send)
        uart->host->console_write(uart->host->context, &byte, 1);
}

static size_t pl011_console_input(void *device, const uint8_t *data, size_t size)
{
    struct pl011 *uart = device;
    uint32_t before;

    os_mutex_lock(&uart->lock);
    before = received(uart);
    size = console_queue_put(&uart->queue, data, size);
    if (!looped(uart))
        update_receiver(uart, received(uart) > before);
    update_line(uart);
    os_mutex_unlock(&uart->lock);
    return size;
}

static void pl011_destroy(void *device)
{
    struct pl011 *uart = device;

    os_mutex_destroy(&uart->lock);
    os_free(uart);
}

static vmaccel_status pl011_create(const struct device_host *host, const struct device_args *args,
                                   void **device)
{
    struct bus_range range = {.base = VIRT_UART,
                              .size = PRIMECELL_SIZE,
                              .name = "pl011",
                              .width = 4,
                              .read = pl011_read,
                              .write = pl011_write};
    struct pl011 *uart = device_alloc(&device_pl011, sizeof(*uart));
    vmaccel_status status;

    (void)args;
    if (uart == NULL)
        return VMACCEL_E_NO_MEMORY;
    uart->host = host;
    uart->cr = CR_RESET;
    uart->ifls = IFLS_RESET;
    uart->modem = FR_CTS | FR_DSR | FR_DCD;
    os_mutex_init(&uart->lock);
    range.device = uart;
    status = bus_add(host->mmio, &range);
    if (status != VMACCEL_OK) {
        pl011_destroy(uart);
        return status;
    }
    *device = uart;
    return VMACCEL_OK;
}

const struct device_class device_pl011 = {
    .name = "pl011",
    .description = "PL011 serial port at 0x9000000, the console",
    .options = "",
    .archs = DEVICE_ARM64,
    .flags = DEVICE_DEFAULT,
    .create = pl011_create,
    .destroy = pl011_destroy,
    .console_input = pl011_console_input,
};
