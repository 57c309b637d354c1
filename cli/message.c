/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>

#include "cli.h"

void cli_error(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fputs("vmaccel: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
}

int cli_misuse(const struct cli_verb *verb, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "vmaccel %s: ", verb->name);
    vfprintf(stderr, format, list);
    fprintf(stderr, "; try 'vmaccel %s --help'\n", verb->name);
    va_end(list);
    return CLI_MISUSE;
}

int cli_library_error(void)
{
    const vmaccel_error *error = vmaccel_last_error();
    cli_error("%s", error->text[0] != 0 ? error->text : vmaccel_status_string(error->status));
    switch (error->status) {
    case VMACCEL_E_INVALID_ARGUMENT:
    case VMACCEL_E_LIMIT:
    case VMACCEL_E_NOT_FOUND:
    case VMACCEL_E_EXISTS:
    case VMACCEL_E_FORMAT:
    case VMACCEL_E_IO:
        return CLI_MISUSE;
    case VMACCEL_E_UNAVAILABLE:
    case VMACCEL_E_PERMISSION:
    case VMACCEL_E_NOT_SUPPORTED:
        return CLI_NO_PLATFORM;
    default:
        return CLI_FAILED;
    }
}

bool cli_available(const vmaccel_platform *platform, vmaccel_platform_info *info)
{
    if (vmaccel_platform_probe(platform, info) != VMACCEL_OK) {
        cli_library_error();
        return false;
    }
    if (info->status != VMACCEL_OK) {
        cli_error("%s is not available: %s", info->name, info->reason);
        return false;
    }
    return true;
}

/* The library's texts are ASCII; any other byte is not worth a broken document. */
void cli_json_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (const char *c = text; *c != 0; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < 0x20 || *c > 0x7e)
            fputc('?', out);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}
