/* SPDX-License-Identifier: MIT
 *
 * `pinion report DIR`: results.json and report.html from a run directory.
 */
#include "args.h"
#include "command.h"
#include "verdict_print.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include <pinion/report.h>

struct options {
    const char *directory;
    struct pn_common common;
};

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (options->directory != NULL) {
            (void)pn_fail(PN_EXIT_INPUT, "report: one run directory only; '%s' is another", arg);
            return EINVAL;
        }
        options->directory = arg;
        return 0;
    case ARGP_KEY_END:
        if (options->directory == NULL) {
            (void)pn_fail(PN_EXIT_INPUT, "report: which run directory? 'pinion report DIR'");
            return EINVAL;
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum pn_exit exit_code(enum pn_report_status status) {
    switch (status) {
    case PN_REPORT_BAD_INPUT:
        return PN_EXIT_INPUT;
    case PN_REPORT_NOT_WRITABLE:
        return PN_EXIT_MACHINE;
    default:
        return PN_EXIT_LATER;
    }
}

static int run(int argc, char **argv) {
    static const struct argp argp = {
        .parser = parse,
        .args_doc = "DIR",
        .doc =
            "Write results.json and report.html into the run directory DIR and print the verdict.\v"
            "Both files depend on DIR's other files alone: the same files give the same bytes."};
    struct options options = {0};
    struct pn_report_verdict verdict;
    struct pn_report_error err;
    int code;
    if (!pn_args_parse(&argp, argc, argv, &options, &options.common, &code)) {
        return code;
    }
    if (options.common.dry_run) {
        (void)printf("would write results.json and report.html into %s\n", options.directory);
        return PN_EXIT_OK;
    }
    if (pn_report_write(options.directory, &verdict, &err) != 0) {
        return pn_fail(exit_code(err.status), "%s", err.text);
    }
    if (verdict.notice[0] != '\0') {
        pn_note(&options.common, "%s", verdict.notice);
    }
    if (verdict.noisy) {
        pn_note(&options.common, "too noisy: %zu of %zu slots are void", verdict.voided,
                verdict.slots);
    }
    if (options.common.json) {
        return pn_verdict_print_json(&verdict);
    }
    (void)printf("%s\n%s\n\nreport: %s\n", verdict.crossover, verdict.cause, verdict.html_path);
    return PN_EXIT_OK;
}

const struct pn_command pn_cmd_report = {
    "report", "write results.json and report.html from a run directory", run};
