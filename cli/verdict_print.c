/* SPDX-License-Identifier: MIT */
#include "verdict_print.h"

#include "command.h"

#include <pinion/report.h>
#include <stdio.h>

static int report(const char *directory) {
    static struct pn_report_verdict verdict;
    struct pn_report_error err = {PN_REPORT_OK, ""};
    if (pn_report_write(directory, &verdict, &err) != 0) {
        return pn_fail(PN_EXIT_LATER, "report: %s", err.text);
    }
    (void)puts(verdict.crossover);
    if (verdict.cause[0] != '\0') {
        (void)puts(verdict.cause);
    }
    if (verdict.notice[0] != '\0') {
        (void)fprintf(stderr, "pinion: note: %s\n", verdict.notice);
    }
    (void)printf("report: %s\n", verdict.html_path);
    return PN_EXIT_OK;
}

int pn_campaign_conclude(const char *directory, enum pn_campaign_end end,
                         const struct pn_campaign_sum *sum, const struct pn_error *err) {
    if (end == PN_CAMPAIGN_BAD_INPUT || end == PN_CAMPAIGN_NO_ACCESS) {
        return pn_fail(end == PN_CAMPAIGN_BAD_INPUT ? PN_EXIT_INPUT : PN_EXIT_MACHINE, "%s",
                       err->text);
    }
    if (err->text[0] != '\0') {
        (void)fprintf(stderr, "pinion: %s%s\n",
                      end == PN_CAMPAIGN_FAILED ? "" : "note: ", err->text);
    }
    (void)fprintf(stderr, "%u slots in %u rounds, %u void, %u failed\n", sum->slots, sum->rounds,
                  sum->voided, sum->failed);
    int code = sum->slots > 0 ? report(directory) : PN_EXIT_OK;
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
