/* SPDX-License-Identifier: BSD-2-Clause */
/* A case's life: its context per thread, its verdict, what it made. */
#include "suite_run.h"

#include <stdarg.h>
#include <stdio.h>

#include "suite_host.h"

/* The case and the way out of it, for the macros. */
static _Thread_local struct suite *current;
static _Thread_local jmp_buf *escape;
/* What suite_about() said. */
static _Thread_local char about[80];

static const void *self(void)
{
    static _Thread_local char token;
    return &token;
}

static _Noreturn void leave(void)
{
    longjmp(*escape, 1);
}

/* The first failure stays, with what a case that timed out was at; a failure after a skip wins. */
static void record(struct suite *suite, enum verdict verdict, const char *skip, const char *format,
                   va_list arguments)
{
    host_mutex_lock(&suite->lock);
    if (suite->verdict == VERDICT_PASS ||
        (suite->verdict == VERDICT_SKIP && verdict == VERDICT_FAIL)) {
        suite->verdict = verdict;
        suite->skip = skip;
        if (format != NULL)
            vsnprintf(suite->message, sizeof(suite->message), format, arguments);
    } else if (suite->timed_out && verdict == VERDICT_FAIL) {
        size_t used = strlen(suite->message);
        if (used < sizeof(suite->message) - 3) {
            used += (size_t)snprintf(suite->message + used, sizeof(suite->message) - used, "; ");
            vsnprintf(suite->message + used, sizeof(suite->message) - used, format, arguments);
        }
    }
    host_mutex_unlock(&suite->lock);
    atomic_store(&suite->ended, true);
}

static void record_text(struct suite *suite, enum verdict verdict, const char *skip,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));

static void record_text(struct suite *suite, enum verdict verdict, const char *skip,
                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    record(suite, verdict, skip, format, arguments);
    va_end(arguments);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

void suite_fail(const char *file, int line, const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    record_text(current, VERDICT_FAIL, NULL, "%s:%d: %s%s%s", base_name(file), line, about,
                about[0] != 0 ? ": " : "", text);
    leave();
}

void suite_about(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(about, sizeof(about), format, arguments);
    va_end(arguments);
}

void suite_check_status(const char *file, int line, const char *call, vmaccel_status got,
                        vmaccel_status expected)
{
    if (got == expected)
        return;
    suite_fail(file, line, "%s: %s, expected %s%s%s", call, vmaccel_status_string(got),
               vmaccel_status_string(expected), got != VMACCEL_OK ? ": " : "",
               got != VMACCEL_OK ? vmaccel_last_error()->text : "");
}

void suite_check_equal(const char *file, int line, const char *what, uint64_t got,
                       uint64_t expected)
{
    if (got != expected)
        suite_fail(file, line, "%s is 0x%" PRIx64 ", expected 0x%" PRIx64, what, got, expected);
}

void suite_check_bytes(const char *file, int line, const char *what, const void *got,
                       const void *expected, size_t size)
{
    const uint8_t *left = got, *right = expected;
    for (size_t i = 0; i < size; i++) {
        if (left[i] != right[i])
            suite_fail(file, line, "%s: byte %zu of %zu is 0x%02x, expected 0x%02x", what, i, size,
                       left[i], right[i]);
    }
}

void suite_skip(vmaccel_cap cap)
{
    record_text(current, VERDICT_SKIP, vmaccel_cap_name(cap), "%s", "");
    leave();
}

void suite_skip_host(const char *what)
{
    record_text(current, VERDICT_SKIP, what, "%s", "");
    leave();
}

uint64_t suite_need(const vmaccel_vm *vm, vmaccel_cap cap)
{
    uint64_t value = vmaccel_vm_cap(vm, cap);
    if (value == 0)
        suite_skip(cap);
    return value;
}

void suite_note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    host_mutex_lock(&current->lock);
    if (current->note_count < SUITE_NOTES)
        vsnprintf(current->notes[current->note_count++], sizeof(current->notes[0]), format,
                  arguments);
    host_mutex_unlock(&current->lock);
    va_end(arguments);
}

const vmaccel_platform *suite_platform(void)
{
    return current->options->platform;
}

vmaccel_arch suite_arch(void)
{
    return current->options->arch;
}

bool suite_quick(void)
{
    return current->options->quick;
}

uint64_t suite_cap(vmaccel_cap cap)
{
    return vmaccel_platform_cap(suite_platform(), suite_arch(), cap);
}

void suite_time_limit(unsigned seconds)
{
    atomic_store(&current->deadline_ns, host_now_ns() + seconds * UINT64_C(1000000000));
}

bool suite_ended(void)
{
    return atomic_load(&current->ended);
}

void suite_own_vm(vmaccel_vm *vm)
{
    size_t i = 0;
    host_mutex_lock(&current->lock);
    while (i < SUITE_VMS && current->vms[i] != NULL)
        i++;
    if (i < SUITE_VMS)
        current->vms[i] = vm;
    host_mutex_unlock(&current->lock);
    CHECK(i < SUITE_VMS);
}

vmaccel_vm *suite_vm(vmaccel_irqchip irqchip, uint32_t max_vcpus, uint32_t exits,
                     uint32_t exceptions)
{
    static const vmaccel_cap irqchip_cap[] = {VMACCEL_CAP_IRQCHIP_NONE, VMACCEL_CAP_IRQCHIP_SPLIT,
                                              VMACCEL_CAP_IRQCHIP_FULL};
    static const vmaccel_cap exit_cap[] = {VMACCEL_CAP_EXIT_CPUID, VMACCEL_CAP_EXIT_MSR,
                                           VMACCEL_CAP_EXIT_HYPERCALL};
    vmaccel_vm_config config = {.size = sizeof(config),
                                .arch = suite_arch(),
                                .irqchip = irqchip,
                                .max_vcpus = max_vcpus,
                                .exits = exits,
                                .exceptions = exceptions};
    vmaccel_vm *vm;

    if (suite_cap(irqchip_cap[irqchip]) == 0)
        suite_skip(irqchip_cap[irqchip]);
    if (suite_cap(VMACCEL_CAP_MAX_VCPUS) < max_vcpus)
        suite_skip(VMACCEL_CAP_MAX_VCPUS);
    for (size_t i = 0; i < sizeof(exit_cap) / sizeof(exit_cap[0]); i++) {
        if ((exits >> i & 1) != 0 && suite_cap(exit_cap[i]) == 0)
            suite_skip(exit_cap[i]);
    }
    if ((exceptions & ~suite_cap(VMACCEL_CAP_EXIT_EXCEPTION)) != 0)
        suite_skip(VMACCEL_CAP_EXIT_EXCEPTION);
    CHECK_OK(vmaccel_vm_create(suite_platform(), &config, &vm));
    suite_own_vm(vm);
    return vm;
}

void suite_own_vcpu(vmaccel_vcpu *vcpu)
{
    size_t i = 0;
    host_mutex_lock(&current->lock);
    while (i < SUITE_VCPUS && current->vcpus[i].vcpu != NULL)
        i++;
    if (i < SUITE_VCPUS) {
        current->vcpus[i].vcpu = vcpu;
        current->vcpus[i].thread = self();
    }
    host_mutex_unlock(&current->lock);
    CHECK(i < SUITE_VCPUS);
}

vmaccel_vcpu *suite_vcpu(vmaccel_vm *vm, uint32_t index)
{
    vmaccel_vcpu *vcpu;
    CHECK_OK(vmaccel_vcpu_create(vm, index, NULL, &vcpu));
    suite_own_vcpu(vcpu);
    return vcpu;
}

/* The tables forget an object before it goes, so that the watchdog never kicks what is not there.
 */
void suite_vcpu_destroy(vmaccel_vcpu *vcpu)
{
    host_mutex_lock(&current->lock);
    for (size_t i = 0; i < SUITE_VCPUS; i++) {
        if (current->vcpus[i].vcpu == vcpu)
            current->vcpus[i].vcpu = NULL;
    }
    host_mutex_unlock(&current->lock);
    CHECK_OK(vmaccel_vcpu_destroy(vcpu));
}

void suite_vm_destroy(vmaccel_vm *vm)
{
    host_mutex_lock(&current->lock);
    for (size_t i = 0; i < SUITE_VMS; i++) {
        if (current->vms[i] == vm)
            current->vms[i] = NULL;
    }
    host_mutex_unlock(&current->lock);
    CHECK_OK(vmaccel_vm_destroy(vm));
}

void *suite_pages(size_t size)
{
    size_t i = 0;
    void *pages = host_pages(size);
    host_mutex_lock(&current->lock);
    while (i < SUITE_BLOCKS && current->blocks[i].pages != NULL)
        i++;
    if (pages != NULL && i < SUITE_BLOCKS) {
        current->blocks[i].pages = pages;
        current->blocks[i].size = size;
    }
    host_mutex_unlock(&current->lock);
    CHECK(pages != NULL && i < SUITE_BLOCKS);
    return pages;
}

void suite_pages_free(void *pages)
{
    size_t size = 0;
    host_mutex_lock(&current->lock);
    for (size_t i = 0; i < SUITE_BLOCKS; i++) {
        if (current->blocks[i].pages == pages) {
            size = current->blocks[i].size;
            current->blocks[i].pages = NULL;
        }
    }
    host_mutex_unlock(&current->lock);
    CHECK(size != 0);
    host_pages_free(pages, size);
}

/* Destroy the calling thread's vCPUs. An error is a failure of the case, and does not stop the
 * cleaning. */
static void end_vcpus(struct suite *suite)
{
    for (size_t i = 0; i < SUITE_VCPUS; i++) {
        host_mutex_lock(&suite->lock);
        vmaccel_vcpu *vcpu = suite->vcpus[i].thread == self() ? suite->vcpus[i].vcpu : NULL;
        if (vcpu != NULL)
            suite->vcpus[i].vcpu = NULL;
        host_mutex_unlock(&suite->lock);
        if (vcpu != NULL && vmaccel_vcpu_destroy(vcpu) != VMACCEL_OK)
            record_text(suite, VERDICT_FAIL, NULL, "at the end of the case: destroy vCPU: %s",
                        vmaccel_last_error()->text);
    }
}

static void *thread_main(void *argument)
{
    struct suite_thread *thread = argument;
    jmp_buf way_out;
    current = thread->suite;
    escape = &way_out;
    about[0] = 0;
    if (setjmp(way_out) == 0)
        thread->entry(thread->argument);
    end_vcpus(current);
    atomic_store(&thread->done, true);
    return NULL;
}

struct suite_thread *suite_spawn(void (*entry)(void *argument), void *argument)
{
    size_t i = 0;
    host_mutex_lock(&current->lock);
    while (i < SUITE_THREADS && current->threads[i].started)
        i++;
    if (i < SUITE_THREADS)
        current->threads[i].started = true;
    host_mutex_unlock(&current->lock);
    CHECK(i < SUITE_THREADS);
    struct suite_thread *thread = &current->threads[i];
    thread->suite = current;
    thread->entry = entry;
    thread->argument = argument;
    atomic_store(&thread->done, false);
    if (!host_thread_start(&thread->handle, thread_main, thread)) {
        thread->started = false;
        FAIL("the host starts no thread");
    }
    return thread;
}

static void kick_all(struct suite *suite)
{
    host_mutex_lock(&suite->lock);
    for (size_t i = 0; i < SUITE_VCPUS; i++) {
        if (suite->vcpus[i].vcpu != NULL)
            vmaccel_vcpu_kick(suite->vcpus[i].vcpu);
    }
    host_mutex_unlock(&suite->lock);
}

void suite_join(struct suite_thread *thread)
{
    host_thread_join(thread->handle);
    host_mutex_lock(&current->lock);
    thread->started = false;
    host_mutex_unlock(&current->lock);
    if (suite_ended())
        leave();
}

void suite_expire(struct suite *suite)
{
    if (!suite->timed_out) {
        suite->timed_out = true;
        record_text(suite, VERDICT_FAIL, NULL, "timed out");
    }
    kick_all(suite);
}

static void end_threads(struct suite *suite)
{
    for (size_t i = 0; i < SUITE_THREADS; i++) {
        struct suite_thread *thread = &suite->threads[i];
        if (!thread->started)
            continue;
        while (!atomic_load(&thread->done)) {
            kick_all(suite);
            host_sleep_ns(1000000);
        }
        host_thread_join(thread->handle);
    }
}

void suite_run_case(struct suite *suite)
{
    jmp_buf way_out;
    current = suite;
    escape = &way_out;
    about[0] = 0;
    suite->started_ns = host_now_ns();
    if (setjmp(way_out) == 0)
        suite->test->function();

    atomic_store(&suite->ended, true);
    end_threads(suite);
    end_vcpus(suite);
    for (size_t i = 0; i < SUITE_VMS; i++) {
        host_mutex_lock(&suite->lock);
        vmaccel_vm *vm = suite->vms[i];
        suite->vms[i] = NULL;
        host_mutex_unlock(&suite->lock);
        if (vm != NULL && vmaccel_vm_destroy(vm) != VMACCEL_OK)
            record_text(suite, VERDICT_FAIL, NULL, "at the end of the case: destroy VM: %s",
                        vmaccel_last_error()->text);
    }
    for (size_t i = 0; i < SUITE_BLOCKS; i++) {
        if (suite->blocks[i].pages != NULL)
            host_pages_free(suite->blocks[i].pages, suite->blocks[i].size);
    }
    suite->took_ns = host_now_ns() - suite->started_ns;
    current = NULL;
    escape = NULL;
}
