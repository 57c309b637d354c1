/* SPDX-License-Identifier: BSD-2-Clause */
/* National 16550A UART. The transmitter is instantaneous: what is written has left when the write
 * returns. The line has hardware flow control: input waits in a queue until the guest raises RTS or
 * enables the receive interrupt, so that what a driver's start-up discards is not the user's. */
#include <string.h>

#include "machine/device.h"
#include "machine/device/console_queue.h"
#include "machine/memmap_x86.h"
#include "os/os.h"

enum {
    REG_DATA = 0, /* divisor low under DLAB */
    REG_IER = 1,  /* divisor high under DLAB */
    REG_IIR = 2,  /* FCR when written */
    REG_LCR = 3,
    REG_MCR = 4,
    REG_LSR = 5,
    REG_MSR = 6,
    REG_SCR = 7
};

#define IER_RDI  0x01
#define IER_THRI 0x02
#define IER_RLSI 0x04
#define IER_MSI  0x08

#define IIR_NONE    0x01
#define IIR_MSI     0x00
#define IIR_THRI    0x02
#define IIR_RDI     0x04
#define IIR_RLSI    0x06
#define IIR_TIMEOUT 0x0c
#define IIR_FIFO    0xc0

#define FCR_ENABLE   0x01
#define FCR_CLEAR_RX 0x02

#define LCR_DLAB 0x80

#define MCR_DTR  0x01
#define MCR_RTS  0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08 /* gates the interrupt on a PC */
#define MCR_LOOP 0x10

#define LSR_DR   0x01
#define LSR_OE   0x02
#define LSR_THRE 0x20
#define LSR_TEMT 0x40

#define MSR_TERI       0x04 /* trailing edge of RI */
#define MSR_CTS        0x10
#define MSR_DSR        0x20
#define MSR_RI         0x40
#define MSR_DCD        0x80
#define MSR_LINE_STATE 0xf0

#define FIFO_SIZE 16

struct uart {
    const struct device_host *host;
    os_mutex lock; /* all below */
    uint32_t line;
    bool console;
    bool level;        /* of the interrupt line */
    bool thre_pending; /* the transmitter-empty interrupt has not been seen */
    bool mcr_written;
    uint8_t ier, fcr, lcr, mcr, msr, scr, dll, dlm;
    uint8_t lsr_errors;
    uint8_t loop[FIFO_SIZE]; /* receiver in loopback, where the line is cut off */
    uint32_t loop_count;
    struct console_queue queue;
};

static bool looped(const struct uart *uart)
{
    return uart->mcr & MCR_LOOP;
}

/* Bytes that the receiver holds or that stand ready on the line. */
static uint32_t received(const struct uart *uart)
{
    bool open = (uart->ier & IER_RDI) || (uart->mcr & MCR_RTS) || !uart->mcr_written;

    if (looped(uart))
        return uart->loop_count;
    return open ? console_queue_count(&uart->queue) : 0;
}

static uint32_t trigger(const struct uart *uart)
{
    static const uint8_t levels[4] = {1, 4, 8, 14};

    return uart->fcr & FCR_ENABLE ? levels[uart->fcr >> 6] : 1;
}

/* The pending interrupt of the highest priority. */
static uint8_t interrupt(const struct uart *uart)
{
    uint32_t count = received(uart);

    if ((uart->ier & IER_RLSI) && uart->lsr_errors != 0)
        return IIR_RLSI;
    if ((uart->ier & IER_RDI) && count >= trigger(uart))
        return IIR_RDI;
    /* Nothing more comes at once, so the receiver times out at once. */
    if ((uart->ier & IER_RDI) && count > 0)
        return IIR_TIMEOUT;
    if ((uart->ier & IER_THRI) && uart->thre_pending)
        return IIR_THRI;
    if ((uart->ier & IER_MSI) && (uart->msr & ~MSR_LINE_STATE))
        return IIR_MSI;
    return IIR_NONE;
}

static void update_line(struct uart *uart)
{
    bool level = interrupt(uart) != IIR_NONE && (uart->mcr & MCR_OUT2);

    if (level != uart->level) {
        uart->level = level;
        uart->host->irq(uart->host->context, uart->line, level);
    }
}

static void set_modem_lines(struct uart *uart)
{
    uint8_t state = MSR_DCD | MSR_DSR | MSR_CTS, changed;

    if (looped(uart))
        state = (uart->mcr & MCR_RTS ? MSR_CTS : 0) | (uart->mcr & MCR_DTR ? MSR_DSR : 0) |
                (uart->mcr & MCR_OUT1 ? MSR_RI : 0) | (uart->mcr & MCR_OUT2 ? MSR_DCD : 0);
    changed = (uart->msr ^ state) & MSR_LINE_STATE;
    if (state & MSR_RI)
        changed &= (uint8_t)~MSR_RI;
    /* The delta bits stand four below their lines. */
    uart->msr = state | (uart->msr & 0x0f) | (uint8_t)(changed >> 4);
}

static uint8_t read_data(struct uart *uart)
{
    uint8_t value = 0;

    if (received(uart) == 0)
        return 0;
    if (looped(uart)) {
        value = uart->loop[0];
        uart->loop_count--;
        memmove(uart->loop, uart->loop + 1, uart->loop_count);
    } else {
        value = console_queue_take(&uart->queue);
    }
    return value;
}

static uint8_t read_lsr(struct uart *uart)
{
    uint8_t value = LSR_THRE | LSR_TEMT | uart->lsr_errors;

    if (received(uart) > 0)
        value |= LSR_DR;
    uart->lsr_errors = 0;
    return value;
}

static uint8_t read_register(struct uart *uart, uint64_t offset)
{
    uint8_t value = 0;

    switch (offset) {
    case REG_DATA:
        return uart->lcr & LCR_DLAB ? uart->dll : read_data(uart);
    case REG_IER:
        return uart->lcr & LCR_DLAB ? uart->dlm : uart->ier;
    case REG_IIR:
        value = interrupt(uart);
        if (value == IIR_THRI)
            uart->thre_pending = false;
        return value | (uart->fcr & FCR_ENABLE ? IIR_FIFO : 0);
    case REG_LCR:
        return uart->lcr;
    case REG_MCR:
        return uart->mcr;
    case REG_LSR:
        return read_lsr(uart);
    case REG_MSR:
        value = uart->msr;
        uart->msr &= MSR_LINE_STATE;
        return value;
    default:
        return uart->scr;
    }
}

static uint64_t uart_read(void *device, uint64_t offset, uint8_t size)
{
    struct uart *uart = device;
    uint8_t value;

    (void)size;
    os_mutex_lock(&uart->lock);
    value = read_register(uart, offset);
    update_line(uart);
    os_mutex_unlock(&uart->lock);
    return value;
}

/* Returns whether the byte leaves on the line. */
static bool write_data(struct uart *uart, uint8_t value)
{
    uart->thre_pending = true;
    if (!looped(uart))
        return uart->console;
    if (uart->loop_count < (uart->fcr & FCR_ENABLE ? FIFO_SIZE : 1))
        uart->loop[uart->loop_count++] = value;
    else
        uart->lsr_errors |= LSR_OE;
    return false;
}

static void write_fcr(struct uart *uart, uint8_t value)
{
    bool toggled = (uart->fcr ^ value) & FCR_ENABLE;

    if (toggled || ((value & FCR_ENABLE) && (value & FCR_CLEAR_RX))) {
        uint32_t count = received(uart);

        if (!looped(uart))
            uart->queue.head += count < FIFO_SIZE ? count : FIFO_SIZE;
        uart->loop_count = 0;
    }
    /* The other bits take effect with the FIFO only. */
    uart->fcr = value & FCR_ENABLE ? value & (0xc0 | FCR_ENABLE) : 0;
}

static bool write_register(struct uart *uart, uint64_t offset, uint8_t value)
{
    switch (offset) {
    case REG_DATA:
        if (!(uart->lcr & LCR_DLAB))
            return write_data(uart, value);
        uart->dll = value;
        break;
    case REG_IER:
        if (uart->lcr & LCR_DLAB) {
            uart->dlm = value;
            break;
        }
        /* The transmitter is always empty, so enabling its interrupt raises it. */
        if ((value & IER_THRI) && !(uart->ier & IER_THRI))
            uart->thre_pending = true;
        uart->ier = value & 0x0f;
        break;
    case REG_IIR:
        write_fcr(uart, value);
        break;
    case REG_LCR:
        uart->lcr = value;
        break;
    case REG_MCR:
        uart->mcr = value & 0x1f;
        uart->mcr_written = true;
        set_modem_lines(uart);
        break;
    case REG_SCR:
        uart->scr = value;
        break;
    default: /* LSR and MSR are read-only */
        break;
    }
    return false;
}

static void uart_write(void *device, uint64_t offset, uint8_t size, uint64_t value)
{
    struct uart *uart = device;
    uint8_t byte = (uint8_t)value;
    bool send;

    (void)size;
    os_mutex_lock(&uart->lock);
    send = write_register(uart, offset, byte);
    update_line(uart);
    os_mutex_unlock(&uart->lock);
    if (send)
        uart->host->console_write(uart->host->context, &byte, 1);
}

static size_t uart_console_input(void *device, const uint8_t *data, size_t size)
{
    struct uart *uart = device;

    os_mutex_lock(&uart->lock);
    size = console_queue_put(&uart->queue, data, size);
    update_line(uart);
    os_mutex_unlock(&uart->lock);
    return size;
}

static void uart_destroy(void *device)
{
    struct uart *uart = device;

    os_mutex_destroy(&uart->lock);
    os_free(uart);
}

static vmaccel_status uart_create(const struct device_host *host, const struct device_args *args,
                                  void **device)
{
    static const struct {
        uint16_t port;
        uint8_t line;
        const char *name;
    } places[4] = {{MEMMAP_COM1_PORT, MEMMAP_COM1_IRQ, "serial (COM1)"},
                   {0x2f8, 3, "serial (COM2)"},
                   {0x3e8, 4, "serial (COM3)"},
                   {0x2e8, 3, "serial (COM4)"}};
    uint64_t com = args->by_default ? 1 : 2;
    const char *console = device_arg(args, "console");
    struct bus_range range = {.size = 8, .width = 1, .read = uart_read, .write = uart_write};
    struct uart *uart;
    vmaccel_status status;

    status = device_arg_number(&device_uart16550, args, "com", com, 4, &com);
    if (status != VMACCEL_OK)
        return status;
    if (console != NULL && strcmp(console, "on") != 0 && strcmp(console, "off") != 0)
        return device_fail(&device_uart16550, VMACCEL_E_INVALID_ARGUMENT,
                           "console=%s is neither on nor off", console);
    uart = device_alloc(&device_uart16550, sizeof(*uart));
    if (uart == NULL)
        return VMACCEL_E_NO_MEMORY;
    uart->host = host;
    uart->line = places[com - 1].line;
    uart->console = console != NULL ? strcmp(console, "on") == 0 : com == 1;
    uart->msr = MSR_DCD | MSR_DSR | MSR_CTS;
    uart->dll = 12; /* 9600 baud */
    os_mutex_init(&uart->lock);
    range.base = places[com - 1].port;
    range.name = places[com - 1].name;
    range.device = uart;
    status = bus_add(host->ports, &range);
    if (status != VMACCEL_OK) {
        uart_destroy(uart);
        return status;
    }
    *device = uart;
    return VMACCEL_OK;
}

const struct device_class device_uart16550 = {
    .name = "serial",
    .description = "16550A serial port; COM1 is always there and is the console",
    .options = "com=N  port: 2 (0x2f8, IRQ 3), 3 (0x3e8, IRQ 4) or 4 (0x2e8, IRQ 3); default 2\n"
               "console=on|off  send its output to the console; default off",
    .archs = DEVICE_X86,
    .flags = DEVICE_DEFAULT | DEVICE_MULTIPLE,
    .create = uart_create,
    .destroy = uart_destroy,
    .console_input = uart_console_input,
};
