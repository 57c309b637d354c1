/* SPDX-License-Identifier: BSD-2-Clause */
/* What the verbs share: options, messages, exit statuses. */
#ifndef CLI_H
#define CLI_H

#include <stdio.h>

#include <vmaccel/vmaccel.h>

enum cli_status {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_MISUSE = 2,
    CLI_NO_PLATFORM = 3,
    CLI_GUEST_RESET = 4,
    CLI_TIMEOUT = 124,
    CLI_SIGNAL = 128 /* plus the signal's number */
};

struct cli_option {
    const char *name;  /* without the dashes */
    const char *value; /* what the help calls its value; NULL: a flag */
    const char *help;  /* may hold several lines */
};

struct cli_verb {
    const char *name;
    const char *synopsis; /* after "vmaccel NAME " */
    const char *summary;  /* one line */
    const struct cli_option *options;
    size_t option_count;
    const char *notes;                 /* lines after the options, or NULL */
    int (*run)(int argc, char **argv); /* the arguments after the verb; an enum cli_status */
};

extern const struct cli_verb cli_info, cli_run, cli_check, cli_bench;

/* Reading a verb's arguments. */
struct cli_args {
    const struct cli_verb *verb;
    int argc;
    char **argv;
    int next;
    bool operands_only; /* "--" was seen */
    const char *value;  /* of the option or operand last returned */
};

enum { CLI_ARG_END = -1, CLI_ARG_OPERAND = -2, CLI_ARG_HELP = -3, CLI_ARG_BAD = -4 };

/* The next option's index in the verb's table, or CLI_ARG_*. For BAD the message has been printed,
 * for HELP the help. */
int cli_next(struct cli_args *args);

void cli_print_help(const struct cli_verb *verb);

/* Print "vmaccel VERB: message" and how to get help; CLI_MISUSE. */
int cli_misuse(const struct cli_verb *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Print "vmaccel: message". */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print the library's last error; the exit status that it means. */
int cli_library_error(void);

/* Parse a whole string. false: not such a number, or out of range. */
bool cli_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);
bool cli_parse_size(const char *text, uint64_t *bytes); /* with an optional K, M or G */
bool cli_parse_arch(const char *text, vmaccel_arch *arch);

/* The platform that --accel names; *out is NULL for "auto". false: the message has been printed. */
bool cli_parse_platform(const struct cli_verb *verb, const char *name,
                        const vmaccel_platform **out);

/* Probe; false when the platform is not available, and then the message has been printed. */
bool cli_available(const vmaccel_platform *platform, vmaccel_platform_info *info);

/* Write a JSON string, quotes included. */
void cli_json_string(FILE *out, const char *text);

#define CLI_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
