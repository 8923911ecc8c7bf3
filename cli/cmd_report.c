/* SPDX-License-Identifier: MIT
 *
 * `pinion report DIR`: results.json and report.html from a run directory.
 */
#include "command.h"

#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include <pinion/report.h>

struct options {
    const char *directory;
    bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case 'j':
        options->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->directory != NULL) {
            argp_failure(state, PN_EXIT_INPUT, 0, "one run directory only; '%s' is another", arg);
        }
        options->directory = arg;
        return 0;
    case ARGP_KEY_END:
        if (options->directory == NULL) {
            argp_failure(state, PN_EXIT_INPUT, 0, "which run directory? 'pinion report DIR'");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int print_json(const struct pn_report_verdict *verdict) {
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:s, s:b, s:b, s:I, s:I, s:s, s:s}", "schema", "pinion.verdict/1", "kind",
        verdict->kind, "crossover", verdict->crossover, "cause", verdict->cause, "withheld",
        verdict->withheld, "noisy", verdict->noisy, "slots", (json_int_t)verdict->slots, "void",
        (json_int_t)verdict->voided, "html", verdict->html_path, "results", verdict->json_path);
    int failed = root == NULL || json_dumpf(root, stdout, JSON_COMPACT | JSON_SORT_KEYS) != 0;
    json_decref(root);
    (void)putchar('\n');
    return failed ? pn_fail(PN_EXIT_LATER,
                            "the verdict could not be printed as JSON (a path that is not UTF-8?)")
                  : PN_EXIT_OK;
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
    static const struct argp_option list[] = {
        {"json", 'j', NULL, 0, "print the verdict as one JSON object", 0},
        {0},
    };
    static const struct argp argp = {
        .options = list,
        .parser = parse,
        .args_doc = "DIR",
        .doc =
            "Write results.json and report.html into the run directory DIR and print the verdict.\v"
            "Both files depend on DIR's other files alone: the same files give the same bytes."};
    struct options options = {0};
    struct pn_report_verdict verdict;
    struct pn_report_error err;
    argp_err_exit_status = PN_EXIT_INPUT;
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0) {
        return PN_EXIT_INPUT;
    }
    if (pn_report_write(options.directory, &verdict, &err) != 0) {
        return pn_fail(exit_code(err.status), "%s", err.text);
    }
    if (verdict.notice[0] != '\0') {
        (void)fprintf(stderr, "pinion: note: %s\n", verdict.notice);
    }
    if (verdict.noisy) {
        (void)fprintf(stderr, "pinion: note: too noisy: %zu of %zu slots are void\n",
                      verdict.voided, verdict.slots);
    }
    if (options.json) {
        return print_json(&verdict);
    }
    (void)printf("%s\n%s\n\nreport: %s\n", verdict.crossover, verdict.cause, verdict.html_path);
    return PN_EXIT_OK;
}

const struct pn_command pn_cmd_report = {
    "report", "write results.json and report.html from a run directory", run};
