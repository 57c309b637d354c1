/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine/device.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"

static const struct device_class *const classes[] = {
#define DEVICE(name) &device_##name,
#include "machine/device.def"
#undef DEVICE
};

#define CLASS_COUNT (sizeof(classes) / sizeof(classes[0]))

const struct device_class *device_class_at(size_t index)
{
    return index < CLASS_COUNT ? classes[index] : NULL;
}

bool device_class_is_for(const struct device_class *class, vmaccel_arch arch)
{
    return (class->archs & (arch == VMACCEL_ARCH_ARM64 ? DEVICE_ARM64 : DEVICE_X86)) != 0;
}

const struct device_class *device_class_find(const char *name, size_t length, vmaccel_arch arch)
{
    for (size_t i = 0; i < CLASS_COUNT; i++)
        if (device_class_is_for(classes[i], arch) && strlen(classes[i]->name) == length &&
            memcmp(classes[i]->name, name, length) == 0)
            return classes[i];
    return NULL;
}

vmaccel_status device_fail(const struct device_class *class, vmaccel_status status,
                           const char *format, ...)
{
    char text[256];
    int length = snprintf(text, sizeof(text), "device %s: ", class->name);
    va_list args;

    va_start(args, format);
    vsnprintf(text + length, sizeof(text) - (size_t)length, format, args);
    va_end(args);
    return vmaccel_error_report(status, "machine", text);
}

void *device_alloc(const struct device_class *class, size_t size)
{
    void *state = os_alloc(size);

    if (state == NULL)
        device_fail(class, VMACCEL_E_NO_MEMORY, "no memory for its state");
    return state;
}

const char *device_arg(const struct device_args *args, const char *name)
{
    const char *value = NULL;

    for (size_t i = 0; i < args->count; i++)
        if (strcmp(args->options[i].name, name) == 0)
            value = args->options[i].value;
    return value;
}

vmaccel_status device_arg_number(const struct device_class *class, const struct device_args *args,
                                 const char *name, uint64_t min, uint64_t max, uint64_t *value)
{
    const char *text = device_arg(args, name);
    unsigned long long number;
    char *end;

    if (text == NULL)
        return VMACCEL_OK;
    errno = 0;
    number = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < min ||
        number > max)
        return device_fail(class, VMACCEL_E_INVALID_ARGUMENT,
                           "%s=%s is not a number from 0x%" PRIx64 " to 0x%" PRIx64, name, text,
                           min, max);
    *value = number;
    return VMACCEL_OK;
}

static void append(char *text, size_t size, const char *separator, const char *word, size_t length)
{
    size_t used = strlen(text);

    snprintf(text + used, size - used, "%s%.*s", separator, (int)length, word);
}

static vmaccel_status unknown_device(vmaccel_arch arch, const char *name, size_t length)
{
    char text[256];
    const char *separator = " ";

    snprintf(text, sizeof(text), "unknown device \"%.*s\" for %s; there are",
             (int)(length < 60 ? length : 60), name, vmaccel_arch_name(arch));
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        if (!device_class_is_for(classes[i], arch))
            continue;
        append(text, sizeof(text), separator, classes[i]->name, strlen(classes[i]->name));
        separator = ", ";
    }
    return vmaccel_error_report(VMACCEL_E_INVALID_ARGUMENT, "machine", text);
}

/* The help text is the list of options: each line of it starts with a name and '='. */
static bool next_option(const char **help, const char **name, size_t *length)
{
    const char *line = *help, *end = strchr(line, '\n');

    if (*line == '\0')
        return false;
    *name = line;
    *length = strcspn(line, "=");
    *help = end != NULL ? end + 1 : line + strlen(line);
    return true;
}

static bool has_option(const struct device_class *class, const char *option)
{
    const char *help = class->options, *name;
    size_t length;

    while (next_option(&help, &name, &length))
        if (strlen(option) == length && memcmp(option, name, length) == 0)
            return true;
    return false;
}

static vmaccel_status unknown_option(const struct device_class *class, const char *option)
{
    char known[160] = "";
    const char *help = class->options, *name;
    size_t length;

    if (*help == '\0')
        return device_fail(class, VMACCEL_E_INVALID_ARGUMENT,
                           "unknown option \"%.60s\"; it has none", option);
    while (next_option(&help, &name, &length))
        append(known, sizeof(known), known[0] != '\0' ? ", " : "", name, length);
    return device_fail(class, VMACCEL_E_INVALID_ARGUMENT, "unknown option \"%.60s\"; there are %s",
                       option, known);
}

static vmaccel_status make(struct device_set *set, const struct device_host *host,
                           const struct device_class *class, const struct device_args *args)
{
    struct device *device = &set->devices[set->count];
    vmaccel_status status;

    if (set->count == DEVICE_MAX)
        return device_fail(class, VMACCEL_E_LIMIT, "a machine holds at most %d devices",
                           DEVICE_MAX);
    status = class->create(host, args, &device->state);
    if (status != VMACCEL_OK)
        return status;
    device->class = class;
    set->count++;
    return VMACCEL_OK;
}

/* Split "NAME[,option=value]..." and make the device. */
static vmaccel_status make_named(struct device_set *set, const struct device_host *host,
                                 const struct device_class *class, const char *text)
{
    struct device_option options[DEVICE_MAX_OPTIONS];
    struct device_args args = {options, 0, false};
    vmaccel_status status = VMACCEL_OK;
    char *copy = malloc(strlen(text) + 1), *next;

    if (copy == NULL)
        return device_fail(class, VMACCEL_E_NO_MEMORY, "no memory for its options");
    strcpy(copy, text);
    next = strchr(copy, ',');
    while (next != NULL && status == VMACCEL_OK) {
        char *option = next + 1, *value;

        *next = '\0';
        next = strchr(option, ',');
        if (next != NULL)
            *next = '\0';
        value = strchr(option, '=');
        if (value != NULL)
            *value++ = '\0';
        if (!has_option(class, option))
            status = unknown_option(class, option);
        else if (value == NULL || *value == '\0')
            status =
                device_fail(class, VMACCEL_E_INVALID_ARGUMENT, "option %s lacks its value", option);
        else if (args.count == DEVICE_MAX_OPTIONS)
            status =
                device_fail(class, VMACCEL_E_LIMIT, "more than %d options", DEVICE_MAX_OPTIONS);
        else
            options[args.count++] = (struct device_option){option, value};
    }
    if (status == VMACCEL_OK)
        status = make(set, host, class, &args);
    free(copy);
    return status;
}

static bool is_named(const struct device_class *class, const char *text)
{
    size_t length = strcspn(text, ",");

    return strlen(class->name) == length && memcmp(text, class->name, length) == 0;
}

static vmaccel_status make_class(struct device_set *set, const struct device_host *host,
                                 const struct device_class *class, const char *const *names,
                                 size_t count)
{
    const struct device_args none = {NULL, 0, true};
    bool made = false;
    vmaccel_status status = VMACCEL_OK;

    if ((class->flags & DEVICE_DEFAULT) && (class->flags & DEVICE_MULTIPLE))
        status = make(set, host, class, &none);
    for (size_t i = 0; i < count && status == VMACCEL_OK; i++) {
        if (!is_named(class, names[i]))
            continue;
        if (made && !(class->flags & DEVICE_MULTIPLE))
            return device_fail(class, VMACCEL_E_INVALID_ARGUMENT, "named twice");
        made = true;
        status = make_named(set, host, class, names[i]);
    }
    if (status == VMACCEL_OK && !made && class->flags == DEVICE_DEFAULT)
        status = make(set, host, class, &none);
    return status;
}

vmaccel_status device_set_create(struct device_set *set, const struct device_host *host,
                                 const char *const *names, size_t count)
{
    vmaccel_status status = VMACCEL_OK;

    set->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (names[i] == NULL)
            return vmaccel_error_report(VMACCEL_E_INVALID_ARGUMENT, "machine",
                                        "devices holds a NULL pointer");
        if (device_class_find(names[i], strcspn(names[i], ","), host->arch) == NULL)
            return unknown_device(host->arch, names[i], strcspn(names[i], ","));
    }
    for (size_t i = 0; i < CLASS_COUNT && status == VMACCEL_OK; i++)
        if (device_class_is_for(classes[i], host->arch))
            status = make_class(set, host, classes[i], names, count);
    if (status != VMACCEL_OK)
        device_set_destroy(set);
    return status;
}

void device_set_destroy(struct device_set *set)
{
    while (set->count > 0) {
        struct device *device = &set->devices[--set->count];

        device->class->destroy(device->state);
    }
}

size_t device_set_console_input(struct device_set *set, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->devices[i].class->console_input != NULL)
            return set->devices[i].class->console_input(set->devices[i].state, data, size);
    return 0;
}

bool vmaccel_machine_device_help(size_t index, const char **name, const char **options,
                                 const char **description)
{
    const struct device_class *class = device_class_at(index);

    if (class == NULL)
        return false;
    if (name != NULL)
        *name = class->name;
    if (options != NULL)
        *options = class->options;
    if (description != NULL)
        *description = class->description;
    return true;
}

bool vmaccel_machine_device_is_for(size_t index, vmaccel_arch arch)
{
    const struct device_class *class = device_class_at(index);

    return class != NULL && device_class_is_for(class, arch);
}
