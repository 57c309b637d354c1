/* SPDX-License-Identifier: BSD-2-Clause */
/* Options from a table, so that the help can't differ from what is accepted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static int bad(struct cli_args *args, const char *what, const char *text, size_t length)
{
    cli_misuse(args->verb, "%s '%.*s'", what, (int)length, text);
    return CLI_ARG_BAD;
}

int cli_next(struct cli_args *args)
{
    if (args->next >= args->argc)
        return CLI_ARG_END;
    char *word = args->argv[args->next++];
    if (!args->operands_only && strcmp(word, "--") == 0) {
        args->operands_only = true;
        return cli_next(args);
    }
    if (args->operands_only || word[0] != '-' || word[1] == 0) {
        args->value = word;
        return CLI_ARG_OPERAND;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        cli_print_help(args->verb);
        return CLI_ARG_HELP;
    }
    size_t length = strcspn(word, "=");
    const struct cli_verb *verb = args->verb;
    for (size_t i = 0; i < verb->option_count; i++) {
        const struct cli_option *option = &verb->options[i];
        if (strncmp(word, "--", 2) != 0 || strlen(option->name) != length - 2 ||
            strncmp(word + 2, option->name, length - 2) != 0)
            continue;
        args->value = word[length] == '=' ? word + length + 1 : NULL;
        if (option->value == NULL && args->value != NULL)
            return bad(args, "no value belongs after", word, length);
        if (option->value != NULL && args->value == NULL) {
            if (args->next >= args->argc) {
                cli_misuse(verb, "%s needs a value: %s", word, option->value);
                return CLI_ARG_BAD;
            }
            args->value = args->argv[args->next++];
        }
        return (int)i;
    }
    return bad(args, "unknown option", word, length);
}

/* An option and its value, as the help shows them. */
static size_t label(const struct cli_option *option, char *out, size_t size)
{
    int length = option->value == NULL
                     ? snprintf(out, size, "--%s", option->name)
                     : snprintf(out, size, "--%s %s", option->name, option->value);
    return (size_t)length;
}

static void print_option(const char *text, const char *help, int width)
{
    printf("  %-*s  ", width, text);
    for (const char *c = help; *c != 0; c++) {
        putchar(*c);
        if (*c == '\n')
            printf("  %-*s  ", width, "");
    }
    putchar('\n');
}

void cli_print_help(const struct cli_verb *verb)
{
    char text[64];
    size_t width = strlen("--help");
    for (size_t i = 0; i < verb->option_count; i++) {
        size_t length = label(&verb->options[i], text, sizeof text);
        width = length > width ? length : width;
    }
    printf("usage: vmaccel %s %s\n\n%s.\n\n", verb->name, verb->synopsis, verb->summary);
    for (size_t i = 0; i < verb->option_count; i++) {
        label(&verb->options[i], text, sizeof text);
        print_option(text, verb->options[i].help, (int)width);
    }
    print_option("--help", "print this", (int)width);
    if (verb->notes != NULL)
        printf("\n%s", verb->notes);
}

bool cli_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
    /* strtoull takes signs and leading space; a number here has neither. */
    if (text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    errno = 0;
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    unsigned long long number = strtoull(text, &end, hex ? 16 : 10);
    if (errno != 0 || *end != 0 || number < min || number > max)
        return false;
    *value = number;
    return true;
}

bool cli_parse_size(const char *text, uint64_t *bytes)
{
    char digits[24];
    size_t length = strlen(text);
    unsigned shift = 0;
    if (length == 0 || length >= sizeof digits)
        return false;
    memcpy(digits, text, length + 1);
    switch (digits[length - 1]) {
    case 'k':
    case 'K':
        shift = 10;
        break;
    case 'm':
    case 'M':
        shift = 20;
        break;
    case 'g':
    case 'G':
        shift = 30;
        break;
    }
    if (shift != 0)
        digits[length - 1] = 0;
    if (!cli_parse_number(digits, 0, UINT64_MAX >> shift, bytes))
        return false;
    *bytes <<= shift;
    return true;
}

bool cli_parse_arch(const char *text, vmaccel_arch *arch)
{
    static const vmaccel_arch known[] = {VMACCEL_ARCH_X86_64, VMACCEL_ARCH_ARM64};
    for (size_t i = 0; i < CLI_COUNT(known); i++) {
        if (strcmp(text, vmaccel_arch_name(known[i])) == 0) {
            *arch = known[i];
            return true;
        }
    }
    return false;
}

bool cli_parse_platform(const struct cli_verb *verb, const char *name, const vmaccel_platform **out)
{
    *out = strcmp(name, "auto") == 0 ? NULL : vmaccel_platform_find(name);
    if (*out != NULL || strcmp(name, "auto") == 0)
        return true;
    char known[256] = "auto";
    for (size_t i = 0; i < vmaccel_platform_count(); i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, ", %s",
                 vmaccel_platform_name(vmaccel_platform_at(i)));
    }
    cli_misuse(verb, "--accel: unknown platform '%s' (known: %s)", name, known);
    return false;
}
