/* SPDX-License-Identifier: BSD-2-Clause */
/* Console input on its way to a serial port: what is beyond its room stays with the sender. */
#ifndef MACHINE_DEVICE_CONSOLE_QUEUE_H
#define MACHINE_DEVICE_CONSOLE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#define CONSOLE_QUEUE_SIZE 4096 /* a power of two */

struct console_queue {
    uint32_t head, tail; /* free-running */
    uint8_t bytes[CONSOLE_QUEUE_SIZE];
};

static inline uint32_t console_queue_count(const struct console_queue *queue)
{
    return queue->tail - queue->head;
}

/* Returns how many bytes there was room for. */
static inline size_t console_queue_put(struct console_queue *queue, const uint8_t *data,
                                       size_t size)
{
    size_t room = CONSOLE_QUEUE_SIZE - console_queue_count(queue);

    if (size > room)
        size = room;
    for (size_t i = 0; i < size; i++)
        queue->bytes[queue->tail++ % CONSOLE_QUEUE_SIZE] = data[i];
    return size;
}

/* The queue is not empty. */
static inline uint8_t console_queue_take(struct console_queue *queue)
{
    return queue->bytes[queue->head++ % CONSOLE_QUEUE_SIZE];
}

#endif
