/* SPDX-License-Identifier: MIT */
#include "verdict_print.h"

#include "command.h"

#include <jansson.h>
#include <stdio.h>

int pn_verdict_print_json(const struct pn_report_verdict *verdict) {
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

static int report(const char *directory, const struct pn_common *common) {
    static struct pn_report_verdict verdict;
    struct pn_report_error err = {PN_REPORT_OK, ""};
    if (pn_report_write(directory, &verdict, &err) != 0) {
        return pn_fail(PN_EXIT_LATER, "report: %s", err.text);
    }
    if (verdict.notice[0] != '\0') {
        pn_note(common, "%s", verdict.notice);
    }
    if (common->json) {
        return pn_verdict_print_json(&verdict);
    }
    (void)puts(verdict.crossover);
    if (verdict.cause[0] != '\0') {
        (void)puts(verdict.cause);
    }
    (void)printf("report: %s\n", verdict.html_path);
    return PN_EXIT_OK;
}

int pn_campaign_conclude(const char *directory, enum pn_campaign_end end,
                         const struct pn_campaign_sum *sum, const struct pn_error *err,
                         const struct pn_common *common) {
    if (end == PN_CAMPAIGN_BAD_INPUT || end == PN_CAMPAIGN_NO_ACCESS) {
        return pn_fail(end == PN_CAMPAIGN_BAD_INPUT ? PN_EXIT_INPUT : PN_EXIT_MACHINE, "%s",
                       err->text);
    }
    if (err->text[0] != '\0') {
        if (end == PN_CAMPAIGN_FAILED) {
            (void)pn_fail(PN_EXIT_LATER, "%s", err->text);
        } else {
            pn_note(common, "%s", err->text);
        }
    }
    if (!common->quiet) {
        (void)fprintf(stderr, "%u slots in %u rounds, %u void, %u failed\n", sum->slots,
                      sum->rounds, sum->voided, sum->failed);
    }
    int code = sum->slots > 0 ? report(directory, common) : PN_EXIT_OK;
    if (end == PN_CAMPAIGN_FAILED) {
        return PN_EXIT_LATER;
    }
    if (end == PN_CAMPAIGN_INTERRUPTED) {
        (void)fprintf(stderr, "pinion: interrupted; %s keeps what was measured, --resume goes on\n",
                      directory);
        return PN_EXIT_INTERRUPTED;
    }
    if (code == PN_EXIT_OK && end == PN_CAMPAIGN_NOISY) {
        return pn_fail(PN_EXIT_NOISY, "too noisy: %u of %u slots are void; see the report's gates",
                       sum->voided, sum->slots);
    }
    return code;
}
