/* SPDX-License-Identifier: BSD-2-Clause */
/* vmaccel: the command. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const struct cli_verb *const verbs[] = {&cli_info, &cli_run, &cli_check, &cli_bench};

static void print_usage(FILE *out)
{
    fputs("usage: vmaccel VERB [options]\n"
          "\n"
          "Runs virtual machines on whatever the host offers.\n"
          "\n",
          out);
    for (size_t i = 0; i < CLI_COUNT(verbs); i++)
        fprintf(out, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
    fputs("\n"
          "  --help     print this, or after a verb its options\n"
          "  --version  print the version\n"
          "\n"
          "vmaccel(1) has the details.\n",
          out);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return CLI_MISUSE;
    }
    const char *word = argv[1];
    bool help = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
    if (help || strcmp(word, "--version") == 0) {
        if (argc > 2) {
            cli_error("%s takes no argument, got '%s'; try 'vmaccel --help'", word, argv[2]);
            return CLI_MISUSE;
        }
        if (help)
            print_usage(stdout);
        else
            printf("vmaccel %s\n", vmaccel_version_string());
        return CLI_OK;
    }
    for (size_t i = 0; i < CLI_COUNT(verbs); i++) {
        if (strcmp(word, verbs[i]->name) == 0)
            return verbs[i]->run(argc - 2, argv + 2);
    }
    cli_error("unknown %s '%s'; try 'vmaccel --help'", word[0] == '-' ? "option" : "verb", word);
    return CLI_MISUSE;
}

int main(int argc, char **argv)
{
    int status = dispatch(argc, argv);
    bool failed = ferror(stdout) != 0;
    if (fflush(stdout) != 0 || failed) {
        cli_error("standard output: %s", strerror(errno));
        if (status == CLI_OK)
            status = CLI_FAILED;
    }
    return status;
}
