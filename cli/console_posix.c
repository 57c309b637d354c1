/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "console.h"

#define NOT_STOPPED  (-1)
#define CTRL_A       0x01
#define RETRY_MIN_MS 5
#define RETRY_MAX_MS 100
#define NS_PER_MS    1000000u
#define NS_PER_S     1000000000u
#define IMPATIENT    3 /* signals after which a machine that does not stop is left behind */
#define TTY_CHUNK    256
#define PIPE_CHUNK   4096 /* PIPE_BUF: does not block a pipe that polls writable */

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

/* One for the process, as are its signals and its terminal. */
static struct {
    vmaccel_machine *machine;
    uint64_t deadline; /* monotonic ns; 0: none */
    int stop_pipe[2];  /* readable once the machine is being stopped: frees a writer that waits */
    int end_pipe[2];   /* readable once the run has returned: ends the thread */
    atomic_int status; /* why the machine is being stopped */
    atomic_int signals;
    int write_error;
    size_t chunk;
    bool interactive; /* stdin is a terminal */
    volatile sig_atomic_t raw;
    struct termios saved;
    pthread_t thread;
    sigset_t old_mask;
    struct sigaction old_stop[CLI_COUNT(stop_signals)];
    struct sigaction old_fatal[CLI_COUNT(fatal_signals)];
    struct sigaction old_pipe;
    /* Input that the guest has not taken yet. */
    uint8_t pending[4096];
    size_t pending_count;
    bool escaped; /* the last key was Ctrl-A */
} console = {.status = NOT_STOPPED};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Async-signal-safe. */
static void wake(const int *pipe_fds)
{
    ssize_t written = write(pipe_fds[1], "", 1);
    (void)written; /* a full pipe is readable as well */
}

/* Async-signal-safe; the first reason stays. */
static void stop_with(int status)
{
    int expected = NOT_STOPPED;
    atomic_compare_exchange_strong(&console.status, &expected, status);
    wake(console.stop_pipe);
    vmaccel_machine_stop(console.machine);
}

static void restore_terminal(void)
{
    if (console.raw) {
        tcsetattr(STDIN_FILENO, TCSANOW, &console.saved);
        console.raw = 0;
    }
}

static void on_stop_signal(int number)
{
    int saved = errno;
    if (atomic_fetch_add(&console.signals, 1) + 1 >= IMPATIENT) {
        restore_terminal();
        _exit(CLI_SIGNAL + number);
    }
    stop_with(CLI_SIGNAL + number);
    errno = saved;
}

/* The terminal must not stay raw behind a crash. */
static void on_fatal_signal(int number)
{
    restore_terminal();
    signal(number, SIG_DFL);
    raise(number);
}

void console_claim_files(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* Wait until stdout takes data. A machine that is being stopped does not wait. */
static bool writable(void)
{
    struct pollfd fds[] = {{.fd = STDOUT_FILENO, .events = POLLOUT},
                           {.fd = console.stop_pipe[0], .events = POLLIN}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    return fds[0].revents != 0;
}

void console_write(void *context, const uint8_t *data, size_t size)
{
    (void)context;
    while (size > 0 && console.write_error == 0) {
        if (!writable())
            return;
        ssize_t written = write(STDOUT_FILENO, data, size < console.chunk ? size : console.chunk);
        if (written >= 0) {
            data += written;
            size -= (size_t)written;
        } else if (errno != EINTR && errno != EAGAIN) {
            console.write_error = errno;
            stop_with(errno == EPIPE ? CLI_SIGNAL + SIGPIPE : CLI_FAILED);
        }
    }
}

static void print_keys(void)
{
    static const char text[] = "\r\nCtrl-A x       end the run\r\n"
                               "Ctrl-A Ctrl-A  send Ctrl-A to the guest\r\n"
                               "Ctrl-A h       print this\r\n";
    fputs(text, stderr);
}

static void queue(uint8_t byte)
{
    /* Only a terminal is read while the guest takes nothing, so that Ctrl-A x is seen; the rest is
     * dropped. */
    if (console.pending_count < sizeof console.pending)
        console.pending[console.pending_count++] = byte;
}

static void key(uint8_t byte)
{
    if (!console.escaped) {
        if (byte == CTRL_A)
            console.escaped = true;
        else
            queue(byte);
        return;
    }
    console.escaped = false;
    switch (byte) {
    case 'x':
        stop_with(CLI_OK);
        break;
    case 'h':
    case '?':
        print_keys();
        break;
    case CTRL_A:
    case 'a':
        queue(CTRL_A);
        break;
    }
}

/* false: no more input will come. */
static bool read_input(void)
{
    uint8_t data[sizeof console.pending];
    ssize_t size = read(STDIN_FILENO, data, sizeof data);
    if (size < 0)
        return errno == EINTR || errno == EAGAIN;
    for (ssize_t i = 0; i < size; i++) {
        if (console.interactive)
            key(data[i]);
        else
            queue(data[i]);
    }
    return size != 0;
}

/* Give the guest what it takes; true when it took something. */
static bool feed(void)
{
    size_t taken =
        vmaccel_machine_console_input(console.machine, console.pending, console.pending_count);
    console.pending_count -= taken;
    memmove(console.pending, console.pending + taken, console.pending_count);
    return taken != 0;
}

/* Milliseconds for poll() until the deadline or the next try to feed; -1: neither. */
static int poll_time(int retry_ms)
{
    int64_t ms = console.pending_count != 0 ? retry_ms : -1;
    if (console.deadline != 0) {
        uint64_t now = now_ns();
        uint64_t left = console.deadline > now ? console.deadline - now : 0;
        int64_t left_ms = (int64_t)((left + NS_PER_MS - 1) / NS_PER_MS);
        ms = ms < 0 || left_ms < ms ? left_ms : ms;
    }
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static void *serve(void *unused)
{
    bool open = true;
    int retry_ms = RETRY_MIN_MS;
    (void)unused;

    /* Signals are for this thread: a vCPU is never interrupted by them. */
    pthread_sigmask(SIG_SETMASK, &console.old_mask, NULL);
    for (;;) {
        bool listen = open && (console.interactive || console.pending_count == 0);
        struct pollfd fds[] = {{.fd = console.end_pipe[0], .events = POLLIN},
                               {.fd = listen ? STDIN_FILENO : -1, .events = POLLIN}};
        int ready = poll(fds, 2, poll_time(retry_ms));
        if (ready > 0 && fds[0].revents != 0)
            return NULL;
        if (ready > 0 && fds[1].revents != 0)
            open = read_input();
        if (console.pending_count != 0)
            retry_ms = feed()                        ? RETRY_MIN_MS
                       : retry_ms < RETRY_MAX_MS / 2 ? retry_ms * 2
                                                     : RETRY_MAX_MS;
        if (console.deadline != 0 && now_ns() >= console.deadline) {
            console.deadline = 0;
            stop_with(CLI_TIMEOUT);
        }
    }
}

static void handle(const int *numbers, size_t count, void (*handler)(int), struct sigaction *old)
{
    for (size_t i = 0; i < count; i++) {
        struct sigaction action = {.sa_handler = handler};
        sigemptyset(&action.sa_mask);
        sigaction(numbers[i], NULL, &old[i]);
        /* What nohup or a shell's "&" ignores stays ignored. */
        if (old[i].sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
}

static void unhandle(const int *numbers, size_t count, const struct sigaction *old)
{
    for (size_t i = 0; i < count; i++)
        sigaction(numbers[i], &old[i], NULL);
}

static void make_raw(bool hint)
{
    struct termios raw;
    if (tcgetattr(STDIN_FILENO, &console.saved) != 0)
        return;
    if (hint)
        fputs("vmaccel: Ctrl-A x ends the run, Ctrl-A h prints help\n", stderr);
    handle(fatal_signals, CLI_COUNT(fatal_signals), on_fatal_signal, console.old_fatal);
    raw = console.saved;
    cfmakeraw(&raw);
    console.raw = 1;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    console.interactive = true;
}

static bool make_pipe(int *fds)
{
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0)
        return true;
    cli_error("pipe: %s", strerror(errno));
    return false;
}

static void close_pipe(const int *fds)
{
    close(fds[0]);
    close(fds[1]);
}

void console_hold_signals(void)
{
    sigset_t mask;
    sigemptyset(&mask);
    for (size_t i = 0; i < CLI_COUNT(stop_signals); i++)
        sigaddset(&mask, stop_signals[i]);
    pthread_sigmask(SIG_BLOCK, &mask, &console.old_mask);
}

bool console_start(vmaccel_machine *machine, uint64_t timeout_ns, bool hint)
{
    if (!make_pipe(console.stop_pipe))
        return false;
    if (!make_pipe(console.end_pipe)) {
        close_pipe(console.stop_pipe);
        return false;
    }
    console.machine = machine;
    console.chunk = isatty(STDOUT_FILENO) ? TTY_CHUNK : PIPE_CHUNK;
    console.deadline = timeout_ns == 0 ? 0 : now_ns() + timeout_ns;

    handle(stop_signals, CLI_COUNT(stop_signals), on_stop_signal, console.old_stop);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, &console.old_pipe);
    if (isatty(STDIN_FILENO))
        make_raw(hint);
    int error = pthread_create(&console.thread, NULL, serve, NULL);
    if (error == 0)
        return true;
    console.thread = pthread_self();
    console_end();
    cli_error("pthread_create: %s", strerror(error));
    return false;
}

int console_end(void)
{
    wake(console.end_pipe);
    if (!pthread_equal(console.thread, pthread_self()))
        pthread_join(console.thread, NULL);
    restore_terminal();
    if (console.interactive)
        unhandle(fatal_signals, CLI_COUNT(fatal_signals), console.old_fatal);
    unhandle(stop_signals, CLI_COUNT(stop_signals), console.old_stop);
    pthread_sigmask(SIG_SETMASK, &console.old_mask, NULL);
    sigaction(SIGPIPE, &console.old_pipe, NULL);
    close_pipe(console.stop_pipe);
    close_pipe(console.end_pipe);
    if (console.write_error != 0 && console.write_error != EPIPE)
        cli_error("standard output: %s", strerror(console.write_error));
    return atomic_load(&console.status);
}
