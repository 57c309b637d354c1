/* SPDX-License-Identifier: BSD-2-Clause */
#include "fault.h"

#include <stdio.h>
#include <string.h>

static struct {
    const char *path;
    unsigned nth, variant;
    bool on;
    bool earlier; /* the call failed in a step before this one, which went on without it */
    bool shown;
    bool lacking; /* print what the host lacks */
} now;

static void __attribute__((format(printf, 1, 2))) broken(const char *format, ...)
{
    const struct os_fault *fault = os_calls_fault();
    char text[512];
    va_list arguments;

    os_calls_disarm();
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fail_msg("%s, call %u (%s: %s)%s: %s", now.path, now.nth, fault != NULL ? fault->name : "none",
             fault != NULL ? strerror(fault->error) : "", now.on ? " and all after it" : "", text);
}

void fault_broken(const char *file, int line, const char *what)
{
    broken("%s:%d: %s", file, line, what);
}

void fault_shown(void)
{
    now.shown = true;
}

/* Calls behind a capability: without an answer there is none. */
static bool asks_capability(const struct os_fault *fault)
{
    return strcmp(fault->name, "KVM_CHECK_EXTENSION") == 0 ||
           strcmp(fault->name, "KVM_CREATE_DEVICE_TEST") == 0 ||
           strcmp(fault->name, "KVM_GET_API_VERSION") == 0 ||
           strcmp(fault->name, "open /dev/kvm") == 0;
}

static void check_detail(const char *step, vmaccel_status status, const struct os_fault *fault)
{
    const vmaccel_error *error = vmaccel_last_error();

    if (error->status != status || error->text[0] == '\0' || error->module[0] == '\0')
        broken("%s: \"%s\" with the detail \"%s\" of %s", step, vmaccel_status_string(status),
               error->text, vmaccel_status_string(error->status));
    if (now.on || fault->text == NULL ||
        (asks_capability(fault) && status == VMACCEL_E_NOT_SUPPORTED))
        return;
    if (strstr(error->text, fault->text) == NULL &&
        (fault->other == NULL || strstr(error->text, fault->other) == NULL))
        broken("%s: the text \"%s\" does not name the call", step, error->text);
    /* A choice among platforms is none of one platform's. */
    if (!fault->is_ioctl || strcmp(error->module, "machine") == 0 ||
        (error->platform[0] == '\0' && strstr(error->text, "kvm: ") != NULL))
        return;
    if (strcmp(error->platform, "kvm") != 0 || error->os_error != fault->error)
        broken("%s: platform \"%s\", OS error %d in \"%s\"", step, error->platform,
               (int)error->os_error, error->text);
}

bool fault_passed(const char *step, vmaccel_status status)
{
    const struct os_fault *fault = os_calls_fault();
    bool earlier = now.earlier;

    now.earlier = fault != NULL;
    if (status == VMACCEL_OK)
        return true;
    if (fault == NULL) {
        if (status != VMACCEL_E_NOT_SUPPORTED)
            broken("%s: %s without a fault", step, vmaccel_last_error()->text);
        if (now.lacking)
            printf("# %s: left out: %s\n", now.path, vmaccel_last_error()->text);
        return true;
    }
    if (earlier && !now.on) {
        if (!fault->optional && !now.shown)
            broken("%s: %s, after the fault went unseen", step, vmaccel_last_error()->text);
        /* What an absent extension costs. */
        if (status != VMACCEL_E_NOT_SUPPORTED && !now.shown)
            broken("%s: %s", step, vmaccel_last_error()->text);
        return true;
    }
    if (fault->retried && !now.on)
        broken("%s: %s, where a second attempt was due", step, vmaccel_last_error()->text);
    check_detail(step, status, fault);
    now.shown = true;
    os_calls_disarm();
    return false;
}

void fault_again(const char *step, vmaccel_status status)
{
    /* A host that fails again and again while something is put back may have lost it. A vCPU index
     * is used once. */
    if (status == VMACCEL_OK || now.on || status == VMACCEL_E_EXISTS)
        return;
    if (status == VMACCEL_E_NOT_SUPPORTED && asks_capability(os_calls_fault()))
        return;
    broken("%s, second attempt: %s", step, vmaccel_last_error()->text);
}

/* False when the path has fewer calls. */
static bool run_once(fault_path path, void *context, unsigned nth, unsigned variant, bool on)
{
    struct os_held before = os_calls_held();

    now.nth = nth;
    now.variant = variant;
    now.on = on;
    now.earlier = now.shown = false;
    os_calls_arm(nth, variant, on);
    path(context);
    os_calls_disarm();
    struct os_held after = os_calls_held();
    if (after.fds != before.fds || after.blocks != before.blocks || after.mapped != before.mapped)
        broken("%ld file descriptors, %ld blocks and %ld mapped bytes are left",
               after.fds - before.fds, after.blocks - before.blocks, after.mapped - before.mapped);
    const struct os_fault *fault = os_calls_fault();
    if (fault != NULL && !fault->optional && !fault->retried && !now.shown)
        broken("nobody was told");
    return fault != NULL;
}

void fault_each_call(const char *name, fault_path path, void *context, unsigned floor)
{
    unsigned calls = 0;

    now.path = name;
    now.lacking = true;
    run_once(path, context, 0, 0, false);
    now.lacking = false;
    for (unsigned nth = 1; run_once(path, context, nth, 0, false); nth++) {
        const unsigned variants = os_calls_fault()->variants;
        for (unsigned variant = 1; variant < variants; variant++)
            run_once(path, context, nth, variant, false);
        calls = nth;
    }
    unsigned faults = os_calls_report(name);
    unsigned lasting = 0;
    while (run_once(path, context, lasting + 1, 0, true))
        lasting++;
    os_calls_report("and all calls after it");
    printf("# %s: %u calls, %u faults, %u lasting faults\n", name, calls, faults, lasting);
    if (calls < floor)
        broken("%u calls were made to fail, fewer than %u", calls, floor);
    run_once(path, context, 0, 0, false);
}

const vmaccel_platform *fault_platform(void **state, vmaccel_arch arch)
{
    const vmaccel_platform *platform = vmaccel_platform_find(*state);
    vmaccel_platform_info info;

    assert_non_null(platform);
    assert_int_equal(vmaccel_platform_probe(platform, &info), VMACCEL_OK);
    bool guest = arch == VMACCEL_ARCH_ARM64 ? info.guest_arm64 : info.guest_x86_64;
    if (info.status == VMACCEL_OK && guest)
        return platform;
    if (info.status == VMACCEL_OK)
        printf("# skipped: no %s guests here\n", vmaccel_arch_name(arch));
    else
        printf("# skipped: %s\n", info.reason);
    skip();
    return NULL;
}
