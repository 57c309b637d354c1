/* SPDX-License-Identifier: BSD-2-Clause */
/* The suite's output: text, TAP or JSON. */
#include "suite_host.h"
#include "suite_run.h"

static const char *const verdict_names[] = {"pass", "fail", "skip"};

static void put_json(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != 0; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void put_member(FILE *out, const char *name, const char *value, const char *after)
{
    fprintf(out, "\"%s\": ", name);
    put_json(out, value);
    fputs(after, out);
}

static void put_header_json(struct report *report, const char *host)
{
    FILE *out = report->options->out;
    fputs("{\n  ", out);
    put_member(out, "version", vmaccel_version_string(), ",\n  ");
    put_member(out, "platform", vmaccel_platform_name(report->options->platform), ",\n  ");
    put_member(out, "kind", vmaccel_platform_kind_name(report->info.kind), ",\n  ");
    put_member(out, "arch", vmaccel_arch_name(report->options->arch), ",\n  ");
    put_member(out, "host", host, ",\n  ");
    put_member(out, "found", report->info.reason, ",\n  ");
    fprintf(out, "\"quick\": %s,\n  \"cases\": [", report->options->quick ? "true" : "false");
}

void report_list(struct report *report, const struct suite_case *test)
{
    FILE *out = report->options->out;
    bool json = report->options->format == CONFORMANCE_JSON;
    if (json) {
        fputs(report->number++ != 0 ? ",\n  {" : "\n  {", out);
        put_member(out, "name", test->name, ", ");
        put_member(out, "shows", test->what, ", \"needs\": [");
    } else {
        fprintf(out, "%-40s %s", test->name, test->what);
    }
    for (size_t i = 0; i < sizeof(test->needs) / sizeof(test->needs[0]) && test->needs[i] != 0;
         i++) {
        if (json) {
            fputs(i != 0 ? ", " : "", out);
            put_json(out, vmaccel_cap_name(test->needs[i]));
        } else {
            fprintf(out, "%s%s", i == 0 ? "  [" : " ", vmaccel_cap_name(test->needs[i]));
        }
    }
    fputs(json ? "]}" : test->needs[0] != 0 ? "]\n" : "\n", out);
}

void report_start(struct report *report)
{
    const struct conformance_options *options = report->options;
    char host[256];
    host_describe(host, sizeof(host));
    if (options->format == CONFORMANCE_JSON)
        put_header_json(report, host);
    else
        fprintf(options->out, "%s%s (%s), %s guests, on %s%s\n",
                options->format == CONFORMANCE_TAP ? "# " : "",
                vmaccel_platform_name(options->platform),
                vmaccel_platform_kind_name(report->info.kind), vmaccel_arch_name(options->arch),
                host, options->quick ? "; quick: long cases repeat less" : "");
    fflush(options->out);
}

void report_unavailable(struct report *report)
{
    const struct conformance_options *options = report->options;
    report_start(report);
    if (options->format == CONFORMANCE_JSON)
        fputs("],\n  \"passed\": 0, \"failed\": 1, \"skipped\": 0\n}\n", options->out);
    else
        fprintf(options->out, "%s%s is not available: %s\n",
                options->format == CONFORMANCE_TAP ? "Bail out! " : "",
                vmaccel_platform_name(options->platform), report->info.reason);
}

static void case_tap(FILE *out, unsigned number, const struct suite *suite)
{
    for (size_t i = 0; i < suite->note_count; i++)
        fprintf(out, "# %s: %s\n", suite->test->name, suite->notes[i]);
    fprintf(out, "%sok %u - %s", suite->verdict == VERDICT_FAIL ? "not " : "", number,
            suite->test->name);
    if (suite->verdict == VERDICT_SKIP)
        fprintf(out, " # SKIP %s", suite->skip);
    fputc('\n', out);
    if (suite->verdict == VERDICT_FAIL)
        fprintf(out, "# %s\n", suite->message);
}

static void case_text(FILE *out, const struct suite *suite)
{
    fprintf(out, "%s  %-44s", verdict_names[suite->verdict], suite->test->name);
    if (suite->verdict == VERDICT_SKIP)
        fprintf(out, " # SKIP %s\n", suite->skip);
    else
        fprintf(out, " %" PRIu64 " ms\n", suite->took_ns / 1000000);
    for (size_t i = 0; i < suite->note_count; i++)
        fprintf(out, "      %s\n", suite->notes[i]);
    if (suite->verdict == VERDICT_FAIL)
        fprintf(out, "      %s\n", suite->message);
}

static void case_json(FILE *out, unsigned number, const struct suite *suite)
{
    fputs(number > 1 ? ",\n    {" : "\n    {", out);
    put_member(out, "name", suite->test->name, ", ");
    put_member(out, "verdict", verdict_names[suite->verdict], ", ");
    fprintf(out, "\"ms\": %" PRIu64, suite->took_ns / 1000000);
    if (suite->verdict == VERDICT_SKIP) {
        fputs(", ", out);
        put_member(out, "skip", suite->skip, "");
    } else if (suite->verdict == VERDICT_FAIL) {
        fputs(", ", out);
        put_member(out, "message", suite->message, "");
    }
    for (size_t i = 0; i < suite->note_count; i++) {
        fputs(i == 0 ? ", \"notes\": [" : ", ", out);
        put_json(out, suite->notes[i]);
    }
    fputs(suite->note_count != 0 ? "]}" : "}", out);
}

void report_case(struct report *report, const struct suite *suite)
{
    FILE *out = report->options->out;
    report->number++;
    if (report->options->format == CONFORMANCE_TAP)
        case_tap(out, report->number, suite);
    else if (report->options->format == CONFORMANCE_JSON)
        case_json(out, report->number, suite);
    else
        case_text(out, suite);
    fflush(out);
}

void report_hang(struct report *report, const struct suite *suite)
{
    const struct conformance_options *options = report->options;
    if (options->format == CONFORMANCE_TAP)
        fprintf(options->out, "not ok %u - %s\nBail out! %s hangs and can't be ended\n",
                report->number + 1, suite->test->name, suite->test->name);
    else
        fprintf(options->format == CONFORMANCE_JSON ? stderr : options->out,
                "fail  %s hangs and can't be ended; the cases after it did not run\n",
                suite->test->name);
}

void report_end(struct report *report, const struct conformance_summary *summary)
{
    FILE *out = report->options->out;
    if (report->options->format == CONFORMANCE_JSON) {
        fprintf(out, "\n  ],\n  \"passed\": %u, \"failed\": %u, \"skipped\": %u\n}\n",
                summary->passed, summary->failed, summary->skipped);
    } else {
        if (report->options->format == CONFORMANCE_TAP)
            fprintf(out, "1..%u\n# ", report->total);
        fprintf(out, "%u passed, %u failed, %u skipped\n", summary->passed, summary->failed,
                summary->skipped);
    }
    fflush(out);
}
