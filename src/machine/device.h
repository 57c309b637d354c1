/* SPDX-License-Identifier: BSD-2-Clause */
/* The device model. A device is one file in device/ that defines a device_class, and one line in
 * device.def. It knows its host only by the services below. */
#ifndef MACHINE_DEVICE_H
#define MACHINE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vmaccel/machine.h>

#include "machine/bus.h"

/* Calls back at a time. Embedded in the device's state, which lives as long as the machine. */
struct device_timer {
    void (*fire)(void *device); /* thread: one of its own; the timer is off then */
    void *device;
    uint64_t at_ns; /* the machine's: of clock_ns(); UINT64_MAX: off */
    struct device_timer *next;
};

/* What the machine does for its devices. Functions may be called from any thread and with the
 * device's own lock held, except where said. */
struct device_host {
    void *context;
    struct bus *ports, *mmio; /* for create() to add ranges to */
    vmaccel_arch arch;
    uint64_t ram_size; /* laid out as memmap.h says */
    uint32_t cpus;

    /* Drive an interrupt line; lines of several devices are ORed. Call on changes only. */
    void (*irq)(void *context, uint32_t line, bool level);
    /* Copy from or to guest memory; false, and nothing copied, where it is not all mapped. */
    bool (*dma_read)(void *context, uint64_t gpa, void *buffer, size_t size);
    bool (*dma_write)(void *context, uint64_t gpa, const void *buffer, size_t size);
    /* End the machine; the first one to do so wins. `why` is one sentence; constant. */
    void (*stop)(void *context, vmaccel_machine_outcome outcome, uint32_t code, const char *why);
    uint64_t (*clock_ns)(void *context); /* monotonic */
    int64_t (*wall_ns)(void *context);   /* UTC, since 1970 */
    /* Make a timer known, in create() once nothing else can fail, and set when it fires: a value of
     * clock_ns(), or UINT64_MAX for never. */
    void (*timer_add)(void *context, struct device_timer *timer);
    void (*timer_set)(void *context, struct device_timer *timer, uint64_t at_ns);
    /* May block for as long as the console's reader likes: never call it with a lock held. */
    void (*console_write)(void *context, const uint8_t *data, size_t size);
};

/* The options a device was asked for: names that its class lists, in the order given. */
struct device_option {
    const char *name, *value;
};
struct device_args {
    const struct device_option *options;
    size_t count;
    bool by_default; /* nobody named the device */
};

#define DEVICE_X86   (1u << 0)
#define DEVICE_ARM64 (1u << 1)

#define DEVICE_DEFAULT  (1u << 0) /* every machine has one; naming it gives that one options */
#define DEVICE_MULTIPLE (1u << 1) /* may be named several times, beside the default one */

struct device_class {
    const char *name;
    const char *description; /* one line */
    /* "", or a line for each option: "name=VALUE  help". */
    const char *options;
    uint32_t archs; /* of the machines that can have it */
    uint32_t flags;
    /* Make one and add its ranges. Reports its own errors. *host outlives the device. */
    vmaccel_status (*create)(const struct device_host *host, const struct device_args *args,
                             void **device);
    /* No access is in progress, none will come. Also called when adding a range has failed. */
    void (*destroy)(void *device);
    /* Optional. Take console input; returns how many bytes. Thread: any. */
    size_t (*console_input)(void *device, const uint8_t *data, size_t size);
};

#define DEVICE(name) extern const struct device_class device_##name;
#include "machine/device.def"
#undef DEVICE

/* All classes, in the order of device.def; NULL past the end. */
const struct device_class *device_class_at(size_t index);
const struct device_class *device_class_find(const char *name, size_t length, vmaccel_arch arch);
bool device_class_is_for(const struct device_class *class, vmaccel_arch arch);

#define DEVICE_MAX         32 /* in a machine */
#define DEVICE_MAX_OPTIONS 64 /* of one device */

struct device {
    const struct device_class *class;
    void *state;
};

struct device_set {
    size_t count;
    struct device devices[DEVICE_MAX];
};

/* Make the default devices and those that `names` ask for ("NAME[,option=value]..."). On failure
 * nothing is left. Errors: INVALID_ARGUMENT naming the device or option, those of create(). */
vmaccel_status device_set_create(struct device_set *set, const struct device_host *host,
                                 const char *const *names, size_t count);
void device_set_destroy(struct device_set *set);
/* Give console input to the first device that takes any; returns how many bytes it took. */
size_t device_set_console_input(struct device_set *set, const uint8_t *data, size_t size);

/* For create(): the last value given for an option, or NULL. */
const char *device_arg(const struct device_args *args, const char *name);
/* A number within [min, max], decimal or 0x…; *value keeps its default where the option is not
 * given. Errors: INVALID_ARGUMENT naming device and option. */
vmaccel_status device_arg_number(const struct device_class *class, const struct device_args *args,
                                 const char *name, uint64_t min, uint64_t max, uint64_t *value);
/* Report "DEVICE: sentence" as INVALID_ARGUMENT or as `status`. */
vmaccel_status device_fail(const struct device_class *class, vmaccel_status status,
                           const char *format, ...) __attribute__((format(printf, 3, 4), cold));

/* A zeroed device state, or NULL with the error reported. For os_free(). */
void *device_alloc(const struct device_class *class, size_t size);

#endif
