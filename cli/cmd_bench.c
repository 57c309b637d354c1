/* SPDX-License-Identifier: BSD-2-Clause */
/* vmaccel bench: what the library costs, beside the raw interface. */
#include "bench.h"
#include "cli.h"

enum { OPTION_ACCEL, OPTION_REPEAT, OPTION_FILTER, OPTION_JSON };

static const struct cli_option options[] = {
    [OPTION_ACCEL] = {"accel", "NAME", "platform to measure (auto: the one for small guests)"},
    [OPTION_REPEAT] = {"repeat", "N", "runs of each figure, 5 to 99; medians are reported (15)"},
    [OPTION_FILTER] = {"filter", "STRING",
                       "measure only figures whose name (as in the JSON) contains STRING (all)"},
    [OPTION_JSON] = {"json", NULL, "print JSON instead of a table"},
};

static int bench_main(int argc, char **argv);

const struct cli_verb cli_bench = {
    .name = "bench",
    .synopsis = "[options]",
    .summary = "Measure exits, registers, creation, kicks and memory, beside the raw interface",
    .options = options,
    .option_count = CLI_COUNT(options),
    .notes =
        "In parentheses: the default.\n"
        "Exit status: 0 when all was measured, 1 when something failed, 2 on misuse, 3 when the\n"
        "platform is not available.\n",
    .run = bench_main,
};

static int measure(struct bench_options *bench)
{
    vmaccel_platform_info info;
    if (bench->platform == NULL && vmaccel_platform_choose(VMACCEL_ARCH_NONE, VMACCEL_WORKLOAD_VCPU,
                                                           &bench->platform, NULL, 0) != VMACCEL_OK)
        return cli_library_error();
    if (!cli_available(bench->platform, &info))
        return CLI_NO_PLATFORM;
    return bench_run(bench) == 0 ? CLI_OK : CLI_FAILED;
}

static int bench_main(int argc, char **argv)
{
    struct cli_args args = {.verb = &cli_bench, .argc = argc, .argv = argv};
    struct bench_options bench = {.repeat = 15, .out = stdout};
    uint64_t number;
    for (;;) {
        switch (cli_next(&args)) {
        case OPTION_ACCEL:
            if (!cli_parse_platform(&cli_bench, args.value, &bench.platform))
                return CLI_MISUSE;
            break;
        case OPTION_REPEAT:
            if (!cli_parse_number(args.value, 5, 99, &number))
                return cli_misuse(&cli_bench, "--repeat: '%s' is not a number from 5 to 99",
                                  args.value);
            bench.repeat = (unsigned)number;
            break;
        case OPTION_FILTER:
            bench.filter = args.value;
            break;
        case OPTION_JSON:
            bench.json = true;
            break;
        case CLI_ARG_OPERAND:
            return cli_misuse(&cli_bench, "no operand is expected, got '%s'", args.value);
        case CLI_ARG_HELP:
            return CLI_OK;
        case CLI_ARG_BAD:
            return CLI_MISUSE;
        default:
            return measure(&bench);
        }
    }
}
