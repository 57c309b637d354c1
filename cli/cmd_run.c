/* SPDX-License-Identifier: BSD-2-Clause */
/* vmaccel run: boot a kernel, an ELF file or a flat image. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <vmaccel/machine.h>

#include "cli.h"
#include "console.h"

enum {
    OPTION_ACCEL,
    OPTION_ARCH,
    OPTION_CPUS,
    OPTION_MEMORY,
    OPTION_KERNEL,
    OPTION_INITRD,
    OPTION_APPEND,
    OPTION_MODULE,
    OPTION_FORMAT,
    OPTION_LOAD_ADDRESS,
    OPTION_DEVICE,
    OPTION_TIMEOUT,
    OPTION_STATS,
    OPTION_QUIET
};

static const struct cli_option options[] = {
    [OPTION_ACCEL] = {"accel", "NAME", "platform to run on, see 'vmaccel info' (auto)"},
    [OPTION_ARCH] = {"arch", "ARCH",
                     "guest architecture, x86_64 or aarch64\n"
                     "(what the kernel is for, else the host's)"},
    [OPTION_CPUS] = {"cpus", "N", "number of vCPUs (1)"},
    [OPTION_MEMORY] = {"memory", "SIZE",
                       "guest memory in bytes, or with K, M or G; whole pages of 4K (512M)"},
    [OPTION_KERNEL] = {"kernel", "FILE", "kernel or image to boot, the same as the operand FILE"},
    [OPTION_INITRD] = {"initrd", "FILE", "initial RAM disk (none)"},
    [OPTION_APPEND] = {"append", "STRING", "kernel command line (empty)"},
    [OPTION_MODULE] = {"module", "\"FILE [ARGS]\"",
                       "PVH or multiboot module; may be given several times (none)"},
    [OPTION_FORMAT] = {"format", "FORMAT",
                       "x86_64: linux, pvh, multiboot, elf, flat-real or flat-long;\n"
                       "aarch64: linux, elf or flat\n"
                       "(auto: by the file's content, never flat)"},
    [OPTION_LOAD_ADDRESS] = {"load-address", "ADDRESS",
                             "guest-physical address of a flat image\n"
                             "(0x7c00 for flat-real, 0x100000 for flat-long,\n"
                             "0x40000000 for flat)"},
    [OPTION_DEVICE] = {"device", "NAME[,OPT=VAL]...",
                       "add a device; may be given several times (none)\n"
                       "'--device help' lists devices and their options"},
    [OPTION_TIMEOUT] = {"timeout", "SECONDS",
                        "stop the guest after that time, fractions allowed (never)"},
    [OPTION_STATS] = {"stats", NULL, "print exit counts and run time on stderr at the end"},
    [OPTION_QUIET] = {"quiet", NULL, "do not say which platform was chosen, and why"},
};

static int run_main(int argc, char **argv);

const struct cli_verb cli_run = {
    .name = "run",
    .synopsis = "[options] [FILE]",
    .summary = "Boot a kernel, an ELF file or a flat image",
    .options = options,
    .option_count = CLI_COUNT(options),
    .notes = "In parentheses: the default.  The console is the guest's serial port on stdin and\n"
             "stdout.  On a terminal Ctrl-A x ends the run and Ctrl-A h prints the keys.\n"
             "\n"
             "Exit status:\n"
             "  0    the guest powered off, or Ctrl-A x\n"
             "  1    the guest failed or triple-faulted, or the host did; stderr says how\n"
             "  2    misuse, or a file or option that can't be used\n"
             "  3    no platform can run it\n"
             "  4    the guest asked for a reset\n"
             "  124  --timeout passed\n"
             "  128+N  ended by signal N; 141 when stdout was closed\n"
             "  (V<<1)|1, low 8 bits: the guest wrote V to debug-exit: port 0xf4, on aarch64\n"
             "       address 0x90f0000\n",
    .run = run_main,
};

static const struct {
    const char *name;
    vmaccel_boot_format format;
} formats[] = {
    {"auto", VMACCEL_BOOT_DETECT},
    {"linux", VMACCEL_BOOT_LINUX},
    {"pvh", VMACCEL_BOOT_PVH},
    {"multiboot", VMACCEL_BOOT_MULTIBOOT},
    {"elf", VMACCEL_BOOT_ELF},
    {"flat-real", VMACCEL_BOOT_FLAT_REAL},
    {"flat-long", VMACCEL_BOOT_FLAT_LONG},
    {"flat", VMACCEL_BOOT_FLAT},
};

struct request {
    vmaccel_machine_config config;
    const char **modules, **devices;
    uint64_t timeout_ns;
    bool stats, quiet, help_devices, load_address_given;
};

static bool parse_format(const char *text, uint32_t *format)
{
    for (size_t i = 0; i < CLI_COUNT(formats); i++) {
        if (strcmp(text, formats[i].name) == 0) {
            *format = formats[i].format;
            return true;
        }
    }
    return false;
}

static bool parse_seconds(const char *text, uint64_t *ns)
{
    if (text[0] == 0 || text[strspn(text, "0123456789.")] != 0)
        return false;
    char *end;
    double seconds = strtod(text, &end);
    if (*end != 0 || seconds > 1e9)
        return false;
    *ns = (uint64_t)(seconds * 1e9);
    return *ns != 0;
}

static int set_kernel(struct request *request, const char *file)
{
    if (request->config.kernel != NULL)
        return cli_misuse(&cli_run, "one kernel only, got '%s' and '%s'", request->config.kernel,
                          file);
    request->config.kernel = file;
    return CLI_OK;
}

static int set_option(struct request *request, int option, const char *value)
{
    vmaccel_machine_config *config = &request->config;
    uint64_t number;
    vmaccel_arch arch;

    switch (option) {
    case OPTION_ACCEL:
        return cli_parse_platform(&cli_run, value, &config->platform) ? CLI_OK : CLI_MISUSE;
    case OPTION_ARCH:
        if (!cli_parse_arch(value, &arch))
            return cli_misuse(&cli_run, "--arch: '%s' is not x86_64 or aarch64", value);
        config->arch = arch;
        return CLI_OK;
    case OPTION_CPUS:
        if (!cli_parse_number(value, 1, UINT32_MAX, &number))
            return cli_misuse(&cli_run, "--cpus: '%s' is not a number of at least 1", value);
        config->cpus = (uint32_t)number;
        return CLI_OK;
    case OPTION_MEMORY:
        if (!cli_parse_size(value, &config->memory) || config->memory == 0)
            return cli_misuse(&cli_run, "--memory: '%s' is not a size such as 512M", value);
        if (config->memory % 4096 != 0)
            return cli_misuse(&cli_run, "--memory: '%s' is not a multiple of 4K", value);
        return CLI_OK;
    case OPTION_KERNEL:
    case CLI_ARG_OPERAND:
        return set_kernel(request, value);
    case OPTION_INITRD:
        config->initrd = value;
        return CLI_OK;
    case OPTION_APPEND:
        config->append = value;
        return CLI_OK;
    case OPTION_MODULE:
        request->modules[config->module_count++] = value;
        return CLI_OK;
    case OPTION_FORMAT:
        if (!parse_format(value, &config->format))
            return cli_misuse(&cli_run, "--format: unknown format '%s'", value);
        return CLI_OK;
    case OPTION_LOAD_ADDRESS:
        if (!cli_parse_number(value, 0, UINT64_MAX, &config->load_address))
            return cli_misuse(&cli_run, "--load-address: '%s' is not an address", value);
        request->load_address_given = true;
        return CLI_OK;
    case OPTION_DEVICE:
        if (strcmp(value, "help") == 0)
            request->help_devices = true;
        request->devices[config->device_count++] = value;
        return CLI_OK;
    case OPTION_TIMEOUT:
        if (!parse_seconds(value, &request->timeout_ns))
            return cli_misuse(&cli_run, "--timeout: '%s' is not a number of seconds", value);
        return CLI_OK;
    case OPTION_STATS:
        request->stats = true;
        return CLI_OK;
    case OPTION_QUIET:
        request->quiet = true;
        return CLI_OK;
    }
    return CLI_MISUSE;
}

static int check_request(const struct request *request)
{
    const vmaccel_machine_config *config = &request->config;
    bool flat = config->format == VMACCEL_BOOT_FLAT_REAL ||
                config->format == VMACCEL_BOOT_FLAT_LONG || config->format == VMACCEL_BOOT_FLAT;
    if (config->kernel == NULL)
        return cli_misuse(&cli_run, "nothing to boot: name a FILE");
    if (request->load_address_given && !flat)
        return cli_misuse(&cli_run,
                          "--load-address goes with --format flat-real, flat-long or flat");
    /* To the library 0 is the default. */
    if (request->load_address_given && config->load_address == 0)
        return cli_misuse(&cli_run, "--load-address: 0 can't be used");
    return CLI_OK;
}

static const char *device_archs(size_t index)
{
    bool x86 = vmaccel_machine_device_is_for(index, VMACCEL_ARCH_X86_64);
    bool arm64 = vmaccel_machine_device_is_for(index, VMACCEL_ARCH_ARM64);
    return x86 && arm64 ? "x86_64, aarch64" : x86 ? "x86_64" : "aarch64";
}

static int list_devices(void)
{
    const char *name, *help, *description;
    for (size_t i = 0; vmaccel_machine_device_help(i, &name, &help, &description); i++) {
        printf("%-14s %s (%s)\n", name, description, device_archs(i));
        while (help != NULL && *help != 0) {
            size_t length = strcspn(help, "\n");
            printf("%-14s   %.*s\n", "", (int)length, help);
            help += length + (help[length] == '\n');
        }
    }
    return CLI_OK;
}

static int guest_status(const vmaccel_machine_result *result, bool quiet)
{
    const char *text = result->text[0] != 0 ? result->text : "the guest ended";
    switch ((vmaccel_machine_outcome)result->outcome) {
    case VMACCEL_MACHINE_POWEROFF:
        return CLI_OK;
    case VMACCEL_MACHINE_DEBUG_EXIT:
        return (int)((result->code << 1 | 1) & 0xff);
    case VMACCEL_MACHINE_RESET:
        if (!quiet)
            cli_error("%s", text);
        return CLI_GUEST_RESET;
    case VMACCEL_MACHINE_SHUTDOWN:
    case VMACCEL_MACHINE_STOPPED:
    case VMACCEL_MACHINE_HALTED:
    case VMACCEL_MACHINE_FAILED:
        break;
    }
    cli_error("%s", text);
    return CLI_FAILED;
}

static void print_stats(const vmaccel_machine_stats *stats)
{
    double seconds = (double)stats->run_ns / 1e9;
    cli_error("ran %.3f s, %" PRIu64 " exits, %.0f a second: %" PRIu64 " io, %" PRIu64
              " mmio, %" PRIu64 " kicks, %" PRIu64 " other",
              seconds, stats->exits, seconds > 0 ? (double)stats->exits / seconds : 0.0, stats->io,
              stats->mmio, stats->kicks, stats->other);
}

static int run_machine(vmaccel_machine *machine, const struct request *request)
{
    vmaccel_machine_result result;
    if (request->config.platform == NULL && !request->quiet) {
        const char *why;
        vmaccel_machine_platform(machine, &why);
        cli_error("%s", why);
    }
    if (!console_start(machine, request->timeout_ns, !request->quiet))
        return CLI_FAILED;
    vmaccel_status status = vmaccel_machine_run(machine, &result);
    int stopped = console_end();
    if (status != VMACCEL_OK)
        return cli_library_error();
    if (request->stats)
        print_stats(&result.stats);
    if (stopped == CLI_FAILED)
        return CLI_FAILED;
    if (result.outcome != VMACCEL_MACHINE_STOPPED || stopped < 0)
        return guest_status(&result, request->quiet);
    if (stopped == CLI_TIMEOUT && !request->quiet)
        cli_error("stopped: --timeout has passed");
    return stopped;
}

/* Whether a platform, the one that was asked for if any, runs guests of that architecture; where
 * none was named, the kernel may be for another than the host's, and the library sees to it. */
static bool has_platform(const vmaccel_platform *asked, vmaccel_arch arch)
{
    vmaccel_platform_info info;
    if (asked == NULL && arch == VMACCEL_ARCH_NONE)
        return true;
    if (asked == NULL) {
        const vmaccel_platform *any;
        if (vmaccel_platform_choose(arch, VMACCEL_WORKLOAD_SYSTEM, &any, NULL, 0) == VMACCEL_OK)
            return true;
        cli_library_error();
        return false;
    }
    if (!cli_available(asked, &info))
        return false;
    const char *why_not = vmaccel_platform_why_not(&info, arch);
    if (why_not[0] != 0)
        cli_error("%s does not run %s guests: %s", info.name, vmaccel_arch_name(arch), why_not);
    return why_not[0] == 0;
}

static int create_and_run(const struct request *request)
{
    vmaccel_machine *machine;
    if (!has_platform(request->config.platform, request->config.arch))
        return CLI_NO_PLATFORM;
    console_hold_signals();
    if (vmaccel_machine_create(&request->config, &machine) != VMACCEL_OK)
        return cli_library_error();
    int status = run_machine(machine, request);
    vmaccel_machine_destroy(machine);
    return status;
}

static int parse_and_run(struct cli_args *args, struct request *request)
{
    for (;;) {
        int option = cli_next(args);
        if (option == CLI_ARG_HELP)
            return CLI_OK;
        if (option == CLI_ARG_BAD)
            return CLI_MISUSE;
        if (option == CLI_ARG_END)
            break;
        int status = set_option(request, option, args->value);
        if (status != CLI_OK)
            return status;
    }
    if (request->help_devices)
        return list_devices();
    int status = check_request(request);
    return status != CLI_OK ? status : create_and_run(request);
}

static int run_main(int argc, char **argv)
{
    struct cli_args args = {.verb = &cli_run, .argc = argc, .argv = argv};
    size_t room = (size_t)argc + 1; /* at most one module or device an argument */
    const char **modules = calloc(room, sizeof *modules);
    const char **devices = calloc(room, sizeof *devices);
    int status = CLI_FAILED;

    console_claim_files();
    if (modules != NULL && devices != NULL) {
        struct request request = {
            .config = {.size = sizeof request.config,
                       .modules = modules,
                       .devices = devices,
                       .console_write = console_write},
            .modules = modules,
            .devices = devices,
        };
        status = parse_and_run(&args, &request);
    } else {
        cli_error("out of memory");
    }
    free(modules);
    free(devices);
    return status;
}
