/* SPDX-License-Identifier: BSD-2-Clause */
/* vmaccel check: the conformance suite on this host. */
#include <string.h>

#include "cli.h"
#include "conformance.h"

enum {
    OPTION_ACCEL,
    OPTION_ARCH,
    OPTION_FILTER,
    OPTION_QUICK,
    OPTION_LIST,
    OPTION_TAP,
    OPTION_JSON
};

static const struct cli_option options[] = {
    [OPTION_ACCEL] = {"accel", "NAME", "platform to check (auto: every available one)"},
    [OPTION_ARCH] = {"arch", "ARCH",
                     "guests to check, x86_64 or aarch64 (all that the platform runs)"},
    [OPTION_FILTER] = {"filter", "STRING", "run only cases whose name contains STRING (all)"},
    [OPTION_QUICK] = {"quick", NULL, "repeat the long cases less often"},
    [OPTION_LIST] = {"list", NULL, "print the cases and what each shows, run none"},
    [OPTION_TAP] = {"tap", NULL, "report in the Test Anything Protocol; one platform only"},
    [OPTION_JSON] = {"json", NULL, "report a JSON array, one object for each platform and guest"},
};

static int check_main(int argc, char **argv);

const struct cli_verb cli_check = {
    .name = "check",
    .synopsis = "[options]",
    .summary = "Run the conformance suite on this host",
    .options = options,
    .option_count = CLI_COUNT(options),
    .notes =
        "In parentheses: the default.  A skipped case names the capability that is missing.\n"
        "Exit status: 0 when no case failed, 1 when one did, 2 on misuse, 3 when the platform\n"
        "is not available.\n",
    .run = check_main,
};

struct report {
    struct conformance_options options;
    unsigned runs, failed, cases;
};

static void run_suite(struct report *report, const vmaccel_platform *platform, vmaccel_arch arch)
{
    bool json = report->options.format == CONFORMANCE_JSON;
    if (json && report->runs != 0)
        printf(",\n");
    report->options.platform = platform;
    report->options.arch = arch;
    fflush(stdout);
    struct conformance_summary sum = conformance_run(&report->options);
    report->runs++;
    report->failed += sum.failed;
    report->cases += sum.passed + sum.failed + sum.skipped;
}

static bool covers(const vmaccel_platform_info *info, vmaccel_arch arch, vmaccel_arch only)
{
    bool runs = arch == VMACCEL_ARCH_X86_64 ? info->guest_x86_64 : info->guest_arm64;
    return runs && (only == VMACCEL_ARCH_NONE || only == arch);
}

static void check_platform(struct report *report, const vmaccel_platform *platform,
                           const vmaccel_platform_info *info, vmaccel_arch only)
{
    if (covers(info, VMACCEL_ARCH_X86_64, only))
        run_suite(report, platform, VMACCEL_ARCH_X86_64);
    if (covers(info, VMACCEL_ARCH_ARM64, only))
        run_suite(report, platform, VMACCEL_ARCH_ARM64);
}

/* How many suites a call will run. */
static unsigned planned(const vmaccel_platform *platform, vmaccel_arch only)
{
    unsigned count = 0;
    for (size_t i = 0; i < vmaccel_platform_count(); i++) {
        vmaccel_platform_info info;
        if ((platform != NULL && platform != vmaccel_platform_at(i)) ||
            vmaccel_platform_probe(vmaccel_platform_at(i), &info) != VMACCEL_OK ||
            info.status != VMACCEL_OK)
            continue;
        count += covers(&info, VMACCEL_ARCH_X86_64, only);
        count += covers(&info, VMACCEL_ARCH_ARM64, only);
    }
    return count;
}

/* Say why there is nothing to check. */
static int nothing(const vmaccel_platform *platform, vmaccel_arch arch)
{
    for (size_t i = 0; i < vmaccel_platform_count(); i++) {
        const vmaccel_platform *candidate = vmaccel_platform_at(i);
        vmaccel_platform_info info;
        if ((platform == NULL || platform == candidate) && cli_available(candidate, &info))
            cli_error("%s does not run %s guests: %s", info.name, vmaccel_arch_name(arch),
                      vmaccel_platform_why_not(&info, arch));
    }
    return CLI_NO_PLATFORM;
}

static int check_all(struct report *report, const vmaccel_platform *platform, vmaccel_arch arch)
{
    bool json = report->options.format == CONFORMANCE_JSON;
    if (report->options.list) {
        /* The list is the same whatever the host has. */
        if (platform == NULL)
            platform = vmaccel_platform_at(0);
        if (json)
            printf("[");
        run_suite(report, platform, arch == VMACCEL_ARCH_NONE ? VMACCEL_ARCH_X86_64 : arch);
        if (json)
            printf("]\n");
        return CLI_OK;
    }
    unsigned count = planned(platform, arch);
    if (count == 0)
        return nothing(platform, arch);
    if (report->options.format == CONFORMANCE_TAP && count > 1)
        return cli_misuse(&cli_check, "--tap takes one platform and guest: add --accel and --arch");
    if (json)
        printf("[");
    for (size_t i = 0; i < vmaccel_platform_count(); i++) {
        const vmaccel_platform *candidate = vmaccel_platform_at(i);
        vmaccel_platform_info info;
        if ((platform == NULL || platform == candidate) &&
            vmaccel_platform_probe(candidate, &info) == VMACCEL_OK && info.status == VMACCEL_OK)
            check_platform(report, candidate, &info, arch);
    }
    if (json)
        printf("]\n");
    if (report->cases == 0)
        return cli_misuse(&cli_check, "--filter: no case's name contains '%s'",
                          report->options.filter == NULL ? "" : report->options.filter);
    return report->failed == 0 ? CLI_OK : CLI_FAILED;
}

static int check_main(int argc, char **argv)
{
    struct cli_args args = {.verb = &cli_check, .argc = argc, .argv = argv};
    struct report report = {.options = {.format = CONFORMANCE_TEXT, .out = stdout}};
    const vmaccel_platform *platform = NULL;
    vmaccel_arch arch = VMACCEL_ARCH_NONE;
    for (;;) {
        int option = cli_next(&args);
        switch (option) {
        case OPTION_ACCEL:
            if (!cli_parse_platform(&cli_check, args.value, &platform))
                return CLI_MISUSE;
            break;
        case OPTION_ARCH:
            if (!cli_parse_arch(args.value, &arch))
                return cli_misuse(&cli_check, "--arch: '%s' is not x86_64 or aarch64", args.value);
            break;
        case OPTION_FILTER:
            report.options.filter = args.value;
            break;
        case OPTION_QUICK:
            report.options.quick = true;
            break;
        case OPTION_LIST:
            report.options.list = true;
            break;
        case OPTION_TAP:
        case OPTION_JSON: {
            enum conformance_format format =
                option == OPTION_TAP ? CONFORMANCE_TAP : CONFORMANCE_JSON;
            if (report.options.format != CONFORMANCE_TEXT && report.options.format != format)
                return cli_misuse(&cli_check, "--tap and --json exclude each other");
            report.options.format = format;
            break;
        }
        case CLI_ARG_OPERAND:
            return cli_misuse(&cli_check, "no operand is expected, got '%s'", args.value);
        case CLI_ARG_HELP:
            return CLI_OK;
        case CLI_ARG_BAD:
            return CLI_MISUSE;
        default:
            return check_all(&report, platform, arch);
        }
    }
}
