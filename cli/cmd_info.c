/* SPDX-License-Identifier: BSD-2-Clause */
/* vmaccel info: what this host can do. */
#include <inttypes.h>
#include <string.h>

#include "cli.h"

enum { OPTION_JSON };

static const struct cli_option options[] = {
    [OPTION_JSON] = {"json", NULL, "print JSON instead of text"},
};

static int info_main(int argc, char **argv);

const struct cli_verb cli_info = {
    .name = "info",
    .synopsis = "[--json]",
    .summary = "Show the platforms of this host, their capabilities, and what auto would choose",
    .options = options,
    .option_count = CLI_COUNT(options),
    .run = info_main,
};

static const vmaccel_arch archs[] = {VMACCEL_ARCH_X86_64, VMACCEL_ARCH_ARM64};

static const struct {
    vmaccel_cap cap;
    const char *doc;
} caps[] = {
#define CAP_ROW(name, value, text, doc) {VMACCEL_CAP_##name, doc},
    VMACCEL_CAP_LIST(CAP_ROW)
#undef CAP_ROW
};

static bool runs(const vmaccel_platform_info *info, vmaccel_arch arch)
{
    return arch == VMACCEL_ARCH_X86_64 ? info->guest_x86_64 : info->guest_arm64;
}

/* Which platform a full system of that architecture gets, NULL for none; why either way. */
static const vmaccel_platform *choose(vmaccel_arch arch, char *why, size_t size)
{
    const vmaccel_platform *platform = NULL;
    if (vmaccel_platform_choose(arch, VMACCEL_WORKLOAD_SYSTEM, &platform, why, size) !=
        VMACCEL_OK) {
        snprintf(why, size, "%s", vmaccel_last_error()->text);
        return NULL;
    }
    return platform;
}

static void text_platform(const vmaccel_platform *platform, const vmaccel_platform_info *info)
{
    bool available = info->status == VMACCEL_OK;
    printf("\n%s: %s\n", info->name, info->description);
    printf("  %-12s %s\n", available ? "available" : "unavailable", info->reason);
    printf("  %-12s %s\n", "kind", vmaccel_platform_kind_name(info->kind));
    printf("  %-12s", "guests");
    for (size_t a = 0; a < CLI_COUNT(archs); a++) {
        if (runs(info, archs[a]))
            printf(" %s", vmaccel_arch_name(archs[a]));
    }
    printf("%s\n", info->guest_x86_64 || info->guest_arm64 ? "" : " none");
    for (size_t a = 0; available && a < CLI_COUNT(archs); a++) {
        if (!runs(info, archs[a]))
            printf("  %-12s %s\n", vmaccel_arch_name(archs[a]),
                   vmaccel_platform_why_not(info, archs[a]));
    }
    for (size_t a = 0; a < CLI_COUNT(archs); a++) {
        if (!available || !runs(info, archs[a]))
            continue;
        printf("  capabilities for %s guests (- is absent)\n", vmaccel_arch_name(archs[a]));
        for (size_t i = 0; i < CLI_COUNT(caps); i++) {
            uint64_t value = vmaccel_platform_cap(platform, archs[a], caps[i].cap);
            char number[24] = "-";
            if (value != 0)
                snprintf(number, sizeof number,
                         caps[i].cap == VMACCEL_CAP_EXIT_EXCEPTION ? "0x%" PRIx64 : "%" PRIu64,
                         value);
            printf("    %-18s %12s  %s\n", vmaccel_cap_name(caps[i].cap), number, caps[i].doc);
        }
    }
}

static void print_text(void)
{
    printf("vmaccel %s\n", vmaccel_version_string());
    for (size_t i = 0; i < vmaccel_platform_count(); i++) {
        const vmaccel_platform *platform = vmaccel_platform_at(i);
        vmaccel_platform_info info;
        if (vmaccel_platform_probe(platform, &info) == VMACCEL_OK)
            text_platform(platform, &info);
    }
    printf("\nauto, for a full system\n");
    for (size_t a = 0; a < CLI_COUNT(archs); a++) {
        char why[512];
        const vmaccel_platform *platform = choose(archs[a], why, sizeof why);
        printf("  %-12s %s%s\n", vmaccel_arch_name(archs[a]), platform == NULL ? "none: " : "",
               why);
    }
}

/* Name, kind and availability stand on one line, for scripts without a JSON parser. */
static void json_platform(const vmaccel_platform *platform, const vmaccel_platform_info *info)
{
    const char *comma = "";
    printf("{\"name\":");
    cli_json_string(stdout, info->name);
    printf(",\"kind\":\"%s\",\"available\":%s,\n ", vmaccel_platform_kind_name(info->kind),
           info->status == VMACCEL_OK ? "true" : "false");
    printf("\"description\":");
    cli_json_string(stdout, info->description);
    printf(",\n \"reason\":");
    cli_json_string(stdout, info->reason);
    printf(",\n \"guests\":[");
    for (size_t a = 0; a < CLI_COUNT(archs); a++) {
        if (!runs(info, archs[a]))
            continue;
        printf("%s\"%s\"", comma, vmaccel_arch_name(archs[a]));
        comma = ",";
    }
    printf("],\n \"no_guests\":{");
    comma = "";
    for (size_t a = 0; a < CLI_COUNT(archs); a++) {
        if (runs(info, archs[a]))
            continue;
        printf("%s\"%s\":", comma, vmaccel_arch_name(archs[a]));
        cli_json_string(stdout, vmaccel_platform_why_not(info, archs[a]));
        comma = ",";
    }
    printf("},\n \"capabilities\":{");
    comma = "";
    for (size_t a = 0; a < CLI_COUNT(archs); a++) {
        if (info->status != VMACCEL_OK || !runs(info, archs[a]))
            continue;
        printf("%s\"%s\":{", comma, vmaccel_arch_name(archs[a]));
        comma = ",";
        for (size_t i = 0; i < CLI_COUNT(caps); i++)
            printf("%s\n  \"%s\":%" PRIu64, i == 0 ? "" : ",", vmaccel_cap_name(caps[i].cap),
                   vmaccel_platform_cap(platform, archs[a], caps[i].cap));
        printf("}");
    }
    printf("}}");
}

static void print_json(void)
{
    const char *comma = "";
    printf("{\"version\":\"%s\",\n\"platforms\":[", vmaccel_version_string());
    for (size_t i = 0; i < vmaccel_platform_count(); i++) {
        const vmaccel_platform *platform = vmaccel_platform_at(i);
        vmaccel_platform_info info;
        if (vmaccel_platform_probe(platform, &info) != VMACCEL_OK)
            continue;
        printf("%s\n", comma);
        json_platform(platform, &info);
        comma = ",";
    }
    printf("],\n\"auto\":{");
    for (size_t a = 0; a < CLI_COUNT(archs); a++) {
        char why[512];
        const vmaccel_platform *platform = choose(archs[a], why, sizeof why);
        printf("%s\n\"%s\":{\"platform\":", a == 0 ? "" : ",", vmaccel_arch_name(archs[a]));
        if (platform == NULL)
            printf("null");
        else
            cli_json_string(stdout, vmaccel_platform_name(platform));
        printf(",\"why\":");
        cli_json_string(stdout, why);
        printf("}");
    }
    printf("}}\n");
}

static int info_main(int argc, char **argv)
{
    struct cli_args args = {.verb = &cli_info, .argc = argc, .argv = argv};
    bool json = false;
    for (;;) {
        switch (cli_next(&args)) {
        case OPTION_JSON:
            json = true;
            break;
        case CLI_ARG_OPERAND:
            return cli_misuse(&cli_info, "no operand is expected, got '%s'", args.value);
        case CLI_ARG_HELP:
            return CLI_OK;
        case CLI_ARG_BAD:
            return CLI_MISUSE;
        default:
            if (json)
                print_json();
            else
                print_text();
            return CLI_OK;
        }
    }
}
